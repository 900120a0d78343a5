// SPDX-License-Identifier: MIT
// Hands the tensor operations that autograd needs down to it.
#include "autograd/grad_mode.h"
#include "autograd/runtime.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/reduce/reduce.h"
#include "ops/sparse/sparse.h"
#include "ops/view/view.h"

namespace plait {
namespace {

void add_into(const Tensor& destination, const Tensor& source) {
  run_pointwise_op(Pointwise::kAdd, "add", destination.dtype(), {&destination, &source}, {}, destination);
}

bool has_nan(const Tensor& x) {
  NoGradGuard guard;
  return x.is_differentiable() && !x.is_meta() && any(isnan(x)).item_as<bool>();
}

const bool kInstalled = [] {
  autograd_runtime() = {
      .add = [](const Tensor& a,
                const Tensor& b) { return a.is_sparse() || b.is_sparse() ? add_sparse(a, b) : add(a, b); },
      .add_into = add_into,
      .copy_into = copy_into,
      .cast = cast,
      .sum_to = sum_to,
      .clone = clone,
      .zeros = zeros,
      .ones_like = ones_like,
      .copy = [](const Tensor& destination, const Tensor& source) { copy_(destination, source); },
      .has_nan = has_nan,
      .as_strided =
          [](const Tensor& x, IntSpan shape, IntSpan strides, int64_t offset, DType dtype) {
            const Tensor shown = x.dtype() == dtype ? x
                                 : x.is_complex()   ? view_as_real(x)
                                                    : view_as_complex(x);
            return as_strided(shown, shape, strides, offset);
          },
  };
  return true;
}();

}  // namespace
}  // namespace plait
