// SPDX-License-Identifier: MIT
// Sums, means, products and counts.
#include "ops/reduce/reduce.h"

#include "autograd/op.h"
#include "ops/complex/complex_reduce.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/combine.h"
#include "ops/rearrange/rearrange.h"
#include "ops/reduce/reduce_op.h"
#include "ops/reduce/scan.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// gx = gy, repeated.
struct Sum {
  static constexpr OpMeta meta{"sum"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims&, const Axes& axes, DType dtype) {
    return run_reduction(ReduceOp::kSum, x, axes, {ReduceFinish::kValue, dtype});
  }
  static Grads backward(OpContext&, const Tensor& gy, const Dims& shape, const Axes& axes, DType) {
    return {expand(restore_dims(gy, axes), shape)};
  }
};

struct NanSum {
  static constexpr OpMeta meta{"nansum"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Axes& axes, DType dtype) {
    ctx.save(x);
    return run_reduction(ReduceOp::kNanSum, x, axes, {ReduceFinish::kValue, dtype});
  }
  // gx = gy, repeated; 0 where x is NaN
  static Grads backward(OpContext& ctx, const Tensor& gy, const Axes& axes, DType) {
    const Tensor x = ctx.saved(0), g = restore_dims(gy, axes);
    return {where(isnan(x), zeros_like(g), g)};
  }
};

// gx = gy / n, repeated.
struct Mean {
  static constexpr OpMeta meta{"mean"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims&, const Axes& axes, DType dtype) {
    return run_reduction(ReduceOp::kSum, x, axes, {ReduceFinish::kMean, dtype});
  }
  static Grads backward(OpContext&, const Tensor& gy, const Dims& shape, const Axes& axes, DType) {
    const double n = static_cast<double>(reduced_count(shape, axes));
    return {expand(div(restore_dims(gy, axes), n), shape)};
  }
};

// The product of all other elements along dim: products from both ends, which needs no division by zero.
Tensor product_of_others(const Tensor& x, int64_t dim) {
  const int64_t n = x.shape()[dim];
  Dims edge_shape = x.shape();
  edge_shape[dim] = 1;
  const Tensor edge = ones(edge_shape, x.dtype());
  const auto before = [&](const Tensor& v) {
    return cat({edge, narrow(cumprod(v, dim), dim, 0, n - 1)}, dim);
  };
  return mul(before(x), flip(before(flip(x, Dims{dim})), Dims{dim}));
}

// gx_i = gy * prod_{j != i} x_j
struct Prod {
  static constexpr OpMeta meta{"prod"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Axes& axes, DType dtype) {
    const Tensor y = run_reduction(ReduceOp::kProd, x, axes, {ReduceFinish::kValue, dtype});
    ctx.save(x);
    ctx.save_result(y);
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, const Axes& axes, DType) {
    const Tensor x = ctx.saved(0);
    if (x.numel() == 0) return {zeros_like(x)};
    const Tensor g = restore_dims(gy, axes);
    if (x.dim() == 0) return {g};
    const bool has_zero = [&] {
      NoGradGuard guard;
      return !x.is_meta() && count_nonzero(x).item_as<int64_t>() < x.numel();
    }();
    if (!has_zero) return {div(mul(g, restore_dims(ctx.saved(1), axes)), x)};
    if (axes.dims.size() == 1) return {mul(g, product_of_others(x, axes.dims[0]))};
    const Tensor flat = reshape(x, Dims{x.numel()});
    return {mul(g, reshape(product_of_others(flat, 0), x.shape()))};
  }
};

struct CountNonzero {
  static constexpr OpMeta meta{"count_nonzero"};
  static Tensor forward(OpContext&, const Tensor& x, const Axes& axes, ReduceFinish finish, DType dtype) {
    return run_reduction(ReduceOp::kCount, x, axes, {finish, dtype});
  }
};

// Sums of integers and bools are int64.
DType sum_dtype(const Tensor& x, std::optional<DType> dtype) {
  return dtype ? *dtype : x.is_differentiable() ? x.dtype() : DType::kInt64;
}
bool any_complex(const Tensor& x, DType out) { return x.is_complex() || is_complex(out); }

// Floats that are to be summed as integers lose their fractions first, as a conversion would; a float64 sum
// of narrower floats is a sum of float64. (16-bit floats are summed in float32 in any case.)
Tensor as_summand(const Tensor& x, DType out) {
  if (x.dtype() == DType::kUInt64 && is_floating(out))
    return cast(x, out);  // a sum of integers is one of int64
  const bool converts = x.is_floating() && x.dtype() != out && (!is_floating(out) || out == DType::kFloat64);
  return converts ? cast(x, out) : x;
}

Tensor truth(const char* op, const Tensor& x, IntSpan dims, bool keepdim, ReduceFinish finish) {
  const DType dtype = x.dtype() == DType::kUInt8 ? DType::kUInt8 : DType::kBool;  // as PyTorch
  NoGradGuard guard;
  return apply<CountNonzero>(x.is_complex() ? ne(x, Scalar(0)) : x, make_axes(op, x, dims, keepdim), finish,
                             dtype);
}

}  // namespace

Tensor sum(const Tensor& x, IntSpan dims, bool keepdim, std::optional<DType> dtype) {
  const DType out = sum_dtype(x, dtype);
  if (any_complex(x, out)) {
    const Tensor in = cast(x, out);
    return in.is_complex() ? complex_sum(in, dims, keepdim) : sum(in, dims, keepdim, out);
  }
  return apply<Sum>(as_summand(x, out), x.shape(), make_axes("sum", x, dims, keepdim), out);
}

Tensor nansum(const Tensor& x, IntSpan dims, bool keepdim, std::optional<DType> dtype) {
  if (!x.is_floating()) return sum(x, dims, keepdim, dtype);
  const DType out = sum_dtype(x, dtype);
  PLAIT_CHECK(is_floating(out), kType, "nansum: expected a floating-point dtype, got ", dtype_name(out));
  return apply<NanSum>(as_summand(x, out), make_axes("nansum", x, dims, keepdim), out);
}

Tensor mean(const Tensor& x, IntSpan dims, bool keepdim, std::optional<DType> dtype) {
  const DType out = dtype ? *dtype : x.dtype();
  if (is_complex(out)) return complex_mean(cast(x, out), dims, keepdim);
  if (x.is_complex()) return mean(cast(x, out), dims, keepdim, out);
  PLAIT_CHECK(is_floating(out), kType, "mean: expected a floating-point dtype, got ", dtype_name(out),
              "\nhint: convert first, x.float().mean(), or pass dtype=plait.float32");
  const Tensor in = x.is_floating() ? as_summand(x, out) : cast(x, out);
  return apply<Mean>(in, x.shape(), make_axes("mean", x, dims, keepdim), out);
}

Tensor prod(const Tensor& x, std::optional<int64_t> dim, bool keepdim, std::optional<DType> dtype) {
  const DType out = sum_dtype(x, dtype);
  const Axes axes = dim ? make_axis("prod", x, *dim, keepdim) : all_axes(x, keepdim);
  if (any_complex(x, out)) {
    const Tensor in = cast(x, out);
    if (!in.is_complex()) return prod(in, dim, keepdim, out);
    return complex_prod(in, dim ? std::optional(axes.dims.empty() ? 0 : axes.dims[0]) : dim, keepdim);
  }
  Tensor in = as_summand(x, out);
  if (!in.is_floating() && is_floating(out)) in = cast(in, out);  // int64 would wrap
  return apply<Prod>(in, axes, out);
}

Tensor count_nonzero(const Tensor& x, IntSpan dims) {
  NoGradGuard guard;
  return apply<CountNonzero>(x.is_complex() ? ne(x, Scalar(0)) : x,
                             make_axes("count_nonzero", x, dims, false), ReduceFinish::kValue, DType::kInt64);
}

Tensor any(const Tensor& x, IntSpan dims, bool keepdim) {
  return truth("any", x, dims, keepdim, ReduceFinish::kAny);
}
Tensor all(const Tensor& x, IntSpan dims, bool keepdim) {
  return truth("all", x, dims, keepdim, ReduceFinish::kAll);
}

namespace {

using OptionalDims = std::optional<Dims>;
using OptionalDType = std::optional<DType>;

Tensor sum_op(const Tensor& x, OptionalDims dims, bool keepdim, OptionalDType dtype) {
  return sum(x, or_all(dims), keepdim, dtype);
}
Tensor nansum_op(const Tensor& x, OptionalDims dims, bool keepdim, OptionalDType dtype) {
  return nansum(x, or_all(dims), keepdim, dtype);
}
Tensor mean_op(const Tensor& x, OptionalDims dims, bool keepdim, OptionalDType dtype) {
  return mean(x, or_all(dims), keepdim, dtype);
}
// The mean of what is not NaN.
Tensor nanmean_op(const Tensor& x, OptionalDims dims, bool keepdim, OptionalDType dtype) {
  PLAIT_CHECK(x.is_floating(), kType, "nanmean: expected a floating-point input, got ",
              dtype_name(x.dtype()));
  make_axes("nanmean", x, or_all(dims), keepdim);
  const Tensor present = sum(eq(x, x), or_all(dims), keepdim);
  return div(nansum(x, or_all(dims), keepdim, dtype), present);
}
Tensor prod_all(const Tensor& x, OptionalDType dtype) { return prod(x, {}, false, dtype); }
Tensor prod_dim(const Tensor& x, int64_t dim, bool keepdim, OptionalDType dtype) {
  return prod(x, dim, keepdim, dtype);
}
Tensor count_op(const Tensor& x, OptionalDims dims) { return count_nonzero(x, or_all(dims)); }
Tensor any_op(const Tensor& x, OptionalDims dims, bool keepdim) { return any(x, or_all(dims), keepdim); }
Tensor all_op(const Tensor& x, OptionalDims dims, bool keepdim) { return all(x, or_all(dims), keepdim); }
Tensor trace(const Tensor& x) {
  PLAIT_CHECK(x.dim() == 2, kValue, "trace: expected a matrix, got shape ", x.shape());
  return sum(diagonal(x));
}

constexpr const char* kProdDoc = R"(The product of all elements, or along one dimension.

Floats are multiplied in float64 and rounded once. The gradient is right where elements are 0.

Args:
    dim: the dimension to reduce; all by default.
    keepdim: keep the reduced dimension with size 1.
    dtype: of the result. Products of integers and bools are int64 by default and wrap around.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1., 2.], [3., 4.]]).prod(dim=1)
    tensor([ 2., 12.]))";

const RegisterOps kOps{
    {"sum(Tensor input, int[]? dim=None, bool keepdim=False, *, Dtype? dtype=None) -> Tensor", "fmoc",
     PLAIT_BOX(sum_op),
     R"(The sum of all elements, or over some dimensions.

Floats are added in trees whose partial sums are float64, so the error does not grow with the length, and the
result does not depend on the number of threads.

Args:
    dim: an int or a tuple of ints; all dimensions by default.
    keepdim: keep the reduced dimensions with size 1.
    dtype: of the result. Sums of integers and bools are int64 by default.

Raises:
    IndexError: a dimension out of range.
    ValueError: a dimension named twice.

Example:
    >>> plait.tensor([[1., 2.], [3., 4.]]).sum(dim=0)
    tensor([4., 6.]))"},
    {"nansum(Tensor input, int[]? dim=None, bool keepdim=False, *, Dtype? dtype=None) -> Tensor", "fmo",
     PLAIT_BOX(nansum_op),
     R"(`sum` with NaN counted as 0.

Args:
    dim, keepdim, dtype: as in `sum`.

Raises:
    TypeError: a floating-point input is to be summed as integers.

Example:
    >>> plait.tensor([1., float('nan'), 2.]).nansum()
    tensor(3.))"},
    {"mean(Tensor input, int[]? dim=None, bool keepdim=False, *, Dtype? dtype=None) -> Tensor", "fmoc",
     PLAIT_BOX(mean_op),
     R"(The mean of all elements, or over some dimensions. The mean of nothing is NaN.

Args:
    dim: an int or a tuple of ints; all dimensions by default.
    keepdim: keep the reduced dimensions with size 1.
    dtype: of the result, which must be a floating-point dtype.

Raises:
    TypeError: integers without `dtype`.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1., 2.], [3., 4.]]).mean(dim=1, keepdim=True)
    tensor([[1.5000],
            [3.5000]]))"},
    {"nanmean(Tensor input, int[]? dim=None, bool keepdim=False, *, Dtype? dtype=None) -> Tensor", "fmo",
     PLAIT_BOX(nanmean_op),
     R"(The mean of the elements that are not NaN; NaN where there are none.

Args:
    dim, keepdim, dtype: as in `mean`.

Raises:
    TypeError: integers.

Example:
    >>> plait.tensor([1., float('nan'), 2.]).nanmean()
    tensor(1.5000))"},
    {"prod(Tensor input, *, Dtype? dtype=None) -> Tensor", "fmoc", PLAIT_BOX(prod_all), kProdDoc},
    {"prod(Tensor input, int dim, bool keepdim=False, *, Dtype? dtype=None) -> Tensor", "fmoc",
     PLAIT_BOX(prod_dim), ""},
    {"count_nonzero(Tensor input, int[]? dim=None) -> Tensor", "fmc", PLAIT_BOX(count_op),
     R"(How many elements are not 0, in all or over some dimensions, as int64. NaN counts.

Args:
    dim: an int or a tuple of ints; all dimensions by default.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[0, 1], [2, 3]]).count_nonzero(dim=0)
    tensor([1, 2]))"},
    {"any(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", "fmoc", PLAIT_BOX(any_op),
     R"(Whether any element is not 0, in all or over some dimensions. False for no elements.

The result is bool, or uint8 for uint8.

Args:
    dim: an int or a tuple of ints; all dimensions by default.
    keepdim: keep the reduced dimensions with size 1.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[0, 1], [0, 0]]).any(dim=1)
    tensor([ True, False]))"},
    {"all(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", "fmoc", PLAIT_BOX(all_op),
     R"(Whether no element is 0, in all or over some dimensions. True for no elements.

The result is bool, or uint8 for uint8.

Args:
    dim: an int or a tuple of ints; all dimensions by default.
    keepdim: keep the reduced dimensions with size 1.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1, 1], [0, 1]]).all(dim=1)
    tensor([ True, False]))"},
    {"trace(Tensor input) -> Tensor", "fmc", PLAIT_BOX(trace),
     R"(The sum of a matrix's diagonal.

Raises:
    ValueError: `input` is not 2-dimensional.

Example:
    >>> plait.tensor([[1, 2], [3, 4]]).trace()
    tensor(5))"},
};

}  // namespace
}  // namespace plait
