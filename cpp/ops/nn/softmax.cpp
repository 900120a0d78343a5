// SPDX-License-Identifier: MIT
// Softmax and log-softmax.
#include "ops/nn/softmax.h"

#include "autograd/op.h"
#include "kernels/softmax/softmax_driver.h"
#include "ops/copy.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

struct Extents {
  int64_t outer = 1, n = 1, inner = 1;
  Extents(const Dims& shape, int64_t dim) {
    if (shape.empty()) return;
    n = shape[dim];
    for (int64_t d = 0; d < dim; ++d) outer *= shape[d];
    for (int64_t d = dim + 1; d < shape.size(); ++d) inner *= shape[d];
  }
};

template <SoftmaxKind kKind>
struct SoftmaxOp {
  static constexpr OpMeta meta{kKind == SoftmaxKind::kSoftmax ? "softmax" : "log_softmax"};

  static Tensor forward(OpContext& ctx, const Tensor& x, int64_t dim) {
    const Tensor in = contiguous(x), y = Tensor::empty(x.shape(), x.dtype());
    const Extents e(x.shape(), dim);
    if (y.has_values()) {
      softmax_forward(kKind, x.dtype(), in.data_ptr(), y.data_ptr(), e.outer, e.n, e.inner);
    }
    ctx.save_result(y);
    return y;
  }

  // softmax:     gx = y (gy - sum gy y)
  // log_softmax: gx = gy - exp(y) sum gy
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
    const Tensor y = ctx.saved(0);
    const Dims dims = y.dim() == 0 ? Dims() : Dims{dim};
    if constexpr (kKind == SoftmaxKind::kSoftmax) {
      return {mul(y, sub(gy, sum(mul(gy, y), dims, true)))};
    } else {
      return {sub(gy, mul(exp(y), sum(gy, dims, true)))};
    }
  }

  static Grads fused_backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
    const Tensor y = ctx.saved(0);
    const Tensor g = contiguous(gy), gx = Tensor::empty(y.shape(), y.dtype());
    const Extents e(y.shape(), dim);
    softmax_backward(kKind, y.dtype(), y.data_ptr(), g.data_ptr(), gx.data_ptr(), e.outer, e.n, e.inner);
    return {gx};
  }
};

template <SoftmaxKind kKind>
Tensor run(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  using Op = SoftmaxOp<kKind>;
  const DType out = dtype ? *dtype : x.dtype();
  PLAIT_CHECK(is_floating(out), kType, Op::meta.name, ": expected a floating-point dtype, got ",
              dtype_name(out), "\nhint: pass dtype=plait.float32 to convert first");
  const Tensor in = cast(x, out);
  return apply<Op>(in, wrap_dim(Op::meta.name, dim, x.dim()));
}

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return run<SoftmaxKind::kSoftmax>(x, dim, dtype);
}
Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return run<SoftmaxKind::kLogSoftmax>(x, dim, dtype);
}

namespace {

const RegisterOps kOps{
    {"softmax(Tensor input, int dim, Dtype? dtype=None) -> Tensor", "fmoc", PLAIT_BOX(softmax),
     R"(exp(x) / sum(exp(x)) along `dim`, computed about the maximum so that it cannot overflow.

A slice that is -inf throughout, or holds NaN or +inf, gives NaN.

Args:
    dtype: convert the input to it first.

Raises:
    TypeError: integers without `dtype`.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([0., 0.]).softmax(0)
    tensor([0.5000, 0.5000]))"},
    {"log_softmax(Tensor input, int dim, Dtype? dtype=None) -> Tensor", "fmoc", PLAIT_BOX(log_softmax),
     R"(log(softmax(x)) along `dim` in one stable step: x - max(x) - log(sum(exp(x - max(x)))).

Args:
    dtype: convert the input to it first.

Raises:
    TypeError: integers without `dtype`.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([0., 0.]).log_softmax(0)
    tensor([-0.6931, -0.6931]))"},
};

}  // namespace
}  // namespace plait
