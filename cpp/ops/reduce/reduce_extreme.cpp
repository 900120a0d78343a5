// SPDX-License-Identifier: MIT
// Maximum, minimum, and where they are. NaN counts as the largest and the smallest of all.
#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/reduce_op.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

void check_not_empty(const char* op, const Tensor& x, const Axes& axes) {
  for (int64_t d : axes.dims) {
    PLAIT_CHECK(x.shape()[d] != 0, kValue, op, ": no extreme of 0 elements: dimension ", d, " of shape ",
                x.shape(), " is empty");
  }
}

// The gradient is shared equally by all elements equal to the extreme. Where that is NaN all get NaN, but in
// max and min of all elements, whose gradient the NaNs share.
struct Extreme {
  static constexpr OpMeta meta{"amax"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Axes& axes, ReduceOp op, bool) {
    const Tensor y = run_reduction(op, x, axes, {ReduceFinish::kValue, x.dtype()});
    ctx.save(x);
    ctx.save_result(y);
    return y;
  }
  // gx = gy hit / sum(hit), hit = 1 where x equals y
  static Grads backward(OpContext& ctx, const Tensor& gy, const Axes& axes, ReduceOp, bool nans_share) {
    const Tensor x = ctx.saved(0), y = restore_dims(ctx.saved(1), axes), hit = hits(x, y);
    return {mul(share(gy, y, hit, axes, nans_share), cast(hit, x.dtype()))};
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, const Axes& axes, ReduceOp, bool nans_share) {
    const Tensor x = ctx.saved(0), y = restore_dims(ctx.saved(1), axes);
    const Tensor g = share(gy, y, hits(x, y), axes, nans_share);
    return {run_pointwise_op(Pointwise::kAttainsGradA, meta.name, x.dtype(), {&g, &x, &y})};
  }

 private:
  static Tensor hits(const Tensor& x, const Tensor& y) {
    return run_pointwise_test(Pointwise::kAttains, meta.name, x.dtype(), {&x, &y});
  }
  static Tensor share(const Tensor& gy, const Tensor& y, const Tensor& hit, const Axes& axes,
                      bool nans_share) {
    const Tensor g = div(restore_dims(gy, axes), sum(hit, axes.dims, true));
    return nans_share ? g : where(isnan(y), y, g);
  }
};

// values, indices: the gradient goes to the element at the index.
struct ExtremeAt {
  static constexpr OpMeta meta{"max"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& x, const Dims&, const Axes& axes,
                                            ReduceOp op) {
    auto [values, indices] =
        run_reduction(op, x, axes, {ReduceFinish::kValue, x.dtype()}, {ReduceFinish::kIndex, DType::kInt64});
    ctx.save_result(indices, 1);
    return {values, indices};
  }
  static Grads backward(OpContext& ctx, const Grads& gys, const Dims& shape, const Axes& axes, ReduceOp) {
    if (!gys[0].defined()) return {Tensor()};
    const Tensor g = gys[0], index = ctx.saved(0);
    if (shape.empty()) return {g};
    return {scatter_add_(zeros(shape, g.dtype()), axes.dims[0], restore_dims(index, axes),
                         restore_dims(g, axes))};
  }
};

struct ArgExtreme {
  static constexpr OpMeta meta{"argmax"};
  static Tensor forward(OpContext&, const Tensor& x, const Axes& axes, ReduceOp op) {
    return run_reduction(op, x, axes, {ReduceFinish::kIndex, DType::kInt64});
  }
};

Tensor extreme(const char* name, ReduceOp op, const Tensor& x, IntSpan dims, bool keepdim, bool nans_share) {
  const Axes axes = make_axes(name, x, dims, keepdim);
  check_not_empty(name, x, axes);
  return apply<Extreme>(x, axes, op, nans_share);
}

std::tuple<Tensor, Tensor> extreme_at(const char* name, ReduceOp op, const Tensor& x, int64_t dim,
                                      bool keepdim) {
  const Axes axes = make_axis(name, x, dim, keepdim);
  check_not_empty(name, x, axes);
  return apply<ExtremeAt>(x, x.shape(), axes, op);
}

Tensor arg_extreme(const char* name, ReduceOp op, const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  NoGradGuard guard;
  if (dim) {
    const Axes axes = make_axis(name, x, *dim, keepdim);
    check_not_empty(name, x, axes);
    return apply<ArgExtreme>(x, axes, op);
  }
  // The index counts in row-major order.
  PLAIT_CHECK(x.numel() != 0, kValue, name, ": no extreme of 0 elements: shape ", x.shape());
  const Tensor flat = reshape(x, Dims{x.numel()});
  const Tensor y = apply<ArgExtreme>(flat, all_axes(flat), op);
  return keepdim ? reshape(y, Dims(x.dim(), 1)) : y;
}

}  // namespace

Tensor amax(const Tensor& x, IntSpan dims, bool keepdim) {
  return extreme("amax", ReduceOp::kMax, x, dims, keepdim, false);
}
Tensor amin(const Tensor& x, IntSpan dims, bool keepdim) {
  return extreme("amin", ReduceOp::kMin, x, dims, keepdim, false);
}
std::tuple<Tensor, Tensor> max(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme_at("max", ReduceOp::kArgMax, x, dim, keepdim);
}
std::tuple<Tensor, Tensor> min(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme_at("min", ReduceOp::kArgMin, x, dim, keepdim);
}
Tensor argmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme("argmax", ReduceOp::kArgMax, x, dim, keepdim);
}
Tensor argmin(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme("argmin", ReduceOp::kArgMin, x, dim, keepdim);
}

namespace {

Tensor max_all(const Tensor& x) { return extreme("max", ReduceOp::kMax, x, {}, false, true); }
Tensor min_all(const Tensor& x) { return extreme("min", ReduceOp::kMin, x, {}, false, true); }
Tensor max_of_two(const Tensor& x, const Tensor& other) { return maximum(x, other); }
Tensor min_of_two(const Tensor& x, const Tensor& other) { return minimum(x, other); }
Tensor amax_op(const Tensor& x, std::optional<Dims> dims, bool keepdim) {
  return amax(x, or_all(dims), keepdim);
}
Tensor amin_op(const Tensor& x, std::optional<Dims> dims, bool keepdim) {
  return amin(x, or_all(dims), keepdim);
}
std::tuple<Tensor, Tensor> aminmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  const Axes axes = dim ? make_axis("aminmax", x, *dim, keepdim) : all_axes(x, keepdim);
  check_not_empty("aminmax", x, axes);
  return {apply<Extreme>(x, axes, ReduceOp::kMin, false), apply<Extreme>(x, axes, ReduceOp::kMax, false)};
}

constexpr const char* kMaxDoc =
    R"(The largest element, the largest along a dimension with its index, or of two tensors.

max(input): a 0-d tensor. The gradient is shared equally by all elements equal to the maximum.
max(input, dim, keepdim=False): a named tuple (values, indices); of several equal elements the first is named,
  and it receives the gradient.
max(input, other): `maximum(input, other)`.

NaN counts as larger than everything.

Raises:
    ValueError: the maximum of no elements.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1., 5.], [3., 2.]]).max(dim=1).indices
    tensor([1, 0]))";
constexpr const char* kMinDoc =
    R"(The smallest element, the smallest along a dimension with its index, or of two tensors.

min(input): a 0-d tensor. The gradient is shared equally by all elements equal to the minimum.
min(input, dim, keepdim=False): a named tuple (values, indices); of several equal elements the first is named,
  and it receives the gradient.
min(input, other): `minimum(input, other)`.

NaN counts as smaller than everything.

Raises:
    ValueError: the minimum of no elements.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1., 5.], [3., 2.]]).min(dim=1).indices
    tensor([0, 1]))";

const RegisterOps kOps{
    {"max(Tensor input) -> Tensor", "fmox", PLAIT_BOX(max_all), kMaxDoc},
    {"max(Tensor input, Tensor other) -> Tensor", "fmo", PLAIT_BOX(max_of_two), ""},
    {"max(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", "fmox",
     PLAIT_BOX(static_cast<std::tuple<Tensor, Tensor> (*)(const Tensor&, int64_t, bool)>(max)), ""},
    {"min(Tensor input) -> Tensor", "fmox", PLAIT_BOX(min_all), kMinDoc},
    {"min(Tensor input, Tensor other) -> Tensor", "fmo", PLAIT_BOX(min_of_two), ""},
    {"min(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", "fmox",
     PLAIT_BOX(static_cast<std::tuple<Tensor, Tensor> (*)(const Tensor&, int64_t, bool)>(min)), ""},
    {"amax(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", "fmo", PLAIT_BOX(amax_op),
     R"(The largest element over some dimensions. NaN counts as the largest.

The gradient is shared equally by all elements equal to the maximum.

Args:
    dim: an int or a tuple of ints; all dimensions by default.
    keepdim: keep the reduced dimensions with size 1.

Raises:
    ValueError: the maximum of no elements.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1., 5.], [3., 2.]]).amax(dim=0)
    tensor([3., 5.]))"},
    {"amin(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", "fmo", PLAIT_BOX(amin_op),
     R"(The smallest element over some dimensions. NaN counts as the smallest.

The gradient is shared equally by all elements equal to the minimum.

Args:
    dim: an int or a tuple of ints; all dimensions by default.
    keepdim: keep the reduced dimensions with size 1.

Raises:
    ValueError: the minimum of no elements.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1., 5.], [3., 2.]]).amin(dim=0)
    tensor([1., 2.]))"},
    {"aminmax(Tensor input, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)", "fmox",
     PLAIT_BOX(aminmax),
     R"(The smallest and the largest element, of all or along one dimension, as a named tuple (min, max).

Args:
    dim: the dimension to reduce; all by default.
    keepdim: keep the reduced dimensions with size 1.

Raises:
    ValueError: no elements.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([3., 1., 2.]).aminmax().max
    tensor(3.))"},
    {"argmax(Tensor input, int? dim=None, bool keepdim=False) -> Tensor", "fmo", PLAIT_BOX(argmax),
     R"(The index of the largest element along a dimension, int64; of several equal ones the first.

NaN counts as the largest.

Args:
    dim: the dimension to search. None, the default, gives the index into the flattened tensor.
    keepdim: keep the reduced dimension with size 1.

Raises:
    ValueError: no elements.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1., 5.], [3., 2.]]).argmax(dim=1)
    tensor([1, 0]))"},
    {"argmin(Tensor input, int? dim=None, bool keepdim=False) -> Tensor", "fmo", PLAIT_BOX(argmin),
     R"(The index of the smallest element along a dimension, int64; of several equal ones the first.

NaN counts as the smallest.

Args:
    dim: the dimension to search. None, the default, gives the index into the flattened tensor.
    keepdim: keep the reduced dimension with size 1.

Raises:
    ValueError: no elements.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1., 5.], [3., 2.]]).argmin(dim=1)
    tensor([0, 1]))"},
};

}  // namespace
}  // namespace plait
