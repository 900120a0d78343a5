// SPDX-License-Identifier: MIT
// Hands the tensor operations that autograd needs down to it.
#include "autograd/op.h"
#include "autograd/runtime.h"
#include "kernels/copy/copy_driver.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/reduce/reduce.h"
#include "ops/view/view.h"

namespace plait {
namespace {

Tensor dense_copy(const Tensor& x) { return plait::clone(x); }

Strided strided(const Tensor& t) { return {t.data_ptr(), t.dtype(), &t.shape(), &t.strides()}; }

void copy_into(const Tensor& destination, const Tensor& source) {
  if (destination.numel() == 0) return;
  const Dims& shape = destination.shape();
  const bool same_shape = source.shape() == shape;
  if (!same_shape) {
    NoGradGuard guard;
    expand(source, shape);  // throws for shapes that do not fit
  }
  const Tensor from = may_overlap(destination, source) ? dense_copy(source) : source;
  const bool flat = same_shape && destination.is_contiguous() && from.is_contiguous();
  copy_array(shape, destination.numel(), strided(destination), strided(from), flat);
}

void add_into(const Tensor& destination, const Tensor& source) {
  run_pointwise_op(Pointwise::kAdd, "add", destination.dtype(), {&destination, &source}, {}, destination);
}

struct Cast {
  static constexpr OpMeta meta{"to"};
  static Tensor forward(OpContext&, const Tensor& x, DType dtype) {
    const Tensor y = Tensor::empty_like(x, dtype);
    copy_into(y, x);
    return y;
  }
  static Grads backward(OpContext&, const Tensor& gy, DType) { return {gy}; }
};
Tensor cast(const Tensor& x, DType dtype) { return apply<Cast>(x, dtype); }

struct Copy {
  static constexpr OpMeta meta{"copy_"};
  static Tensor forward(OpContext&, const Tensor&, const Tensor& source) { return source.alias(); }
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    return {ctx.needs_grad(0) ? zeros_like(gy) : Tensor(), ctx.needs_grad(1) ? gy : Tensor()};
  }
};
void assign(const Tensor& destination, const Tensor& source) { apply_inplace<Copy>(destination, source); }

Tensor as_strided_at(const Tensor& x, IntSpan shape, IntSpan strides, int64_t offset) {
  return as_strided(x, shape, strides, offset);
}

bool has_nan(const Tensor& x) {
  NoGradGuard guard;
  return x.is_floating() && any(isnan(x)).item_as<bool>();
}

const bool kInstalled = [] {
  autograd_runtime() = {
      .add = [](const Tensor& a, const Tensor& b) { return add(a, b); },
      .add_into = add_into,
      .copy_into = copy_into,
      .cast = cast,
      .sum_to = sum_to,
      .clone = dense_copy,
      .zeros = [](IntSpan shape, DType dtype) { return zeros(shape, dtype); },
      .ones_like = [](const Tensor& x) { return ones_like(x); },
      .assign = assign,
      .has_nan = has_nan,
      .as_strided = as_strided_at,
  };
  return true;
}();

}  // namespace
}  // namespace plait
