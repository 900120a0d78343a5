// SPDX-License-Identifier: MIT
// Variance, norms, log-sum-exp.
#include <cmath>
#include <limits>

#include "autograd/op.h"
#include "ops/complex/complex_reduce.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/linalg/linalg.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/reduce_op.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// What a variance divides by: n - correction, at least 0.
double divisor_of(const Tensor& x, const Axes& axes, double correction) {
  return std::max(0.0, static_cast<double>(reduced_count(x.shape(), axes)) - correction);
}
// gx = 2 gy (x - mean(x)) / divisor. The mean is a function of x again.
Tensor var_gradient(const Tensor& gy, const Tensor& x, const Axes& axes, double divisor) {
  return mul(mul(gy, 2.0 / divisor), sub(x, mean(x, axes.dims, true)));
}
// The same by one kernel.
Tensor fused_var_gradient(const char* name, const Tensor& gy, const Tensor& x, const Tensor& mean,
                          double divisor) {
  const Tensor g = mul(gy, 1.0 / divisor);
  return run_pointwise_op(Pointwise::kSquaredDifferenceGradA, name, x.dtype(), {&g, &x, &mean});
}
// gy / (2 std), 0 where std is 0
Tensor std_to_var(const Tensor& gy, const Tensor& std) {
  return where(eq(std, 0.0), zeros_like(gy), div(gy, mul(std, 2.0)));
}

struct Var {
  static constexpr OpMeta meta{"var"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Axes& axes, double correction, bool root) {
    const ResultOf result{root ? ReduceFinish::kStd : ReduceFinish::kVar, x.dtype()};
    if (!ctx.recording()) return run_reduction(ReduceOp::kMoments, x, axes, result, correction);
    const auto [y, mean] =
        run_reduction(ReduceOp::kMoments, x, axes, result, {ReduceFinish::kValue, x.dtype()}, correction);
    ctx.save(x, mean);
    if (root) ctx.save_result(y);
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, const Axes& axes, double correction, bool root) {
    const Tensor x = ctx.saved(0);
    return {var_gradient(gradient_of_var(ctx, gy, axes, root), x, axes, divisor_of(x, axes, correction))};
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, const Axes& axes, double correction,
                              bool root) {
    const Tensor x = ctx.saved(0), mean = restore_dims(ctx.saved(1), axes);
    return {fused_var_gradient(meta.name, gradient_of_var(ctx, gy, axes, root), x, mean,
                               divisor_of(x, axes, correction))};
  }

 private:
  static Tensor gradient_of_var(OpContext& ctx, const Tensor& gy, const Axes& axes, bool root) {
    const Tensor g = restore_dims(gy, axes);
    return root ? std_to_var(g, restore_dims(ctx.saved(2), axes)) : g;
  }
};

// The variance (or its root) and the mean in one pass.
struct VarMean {
  static constexpr OpMeta meta{"var_mean"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& x, const Axes& axes,
                                            double correction, bool root) {
    auto [var, mean] = run_reduction(ReduceOp::kMoments, x, axes,
                                     {root ? ReduceFinish::kStd : ReduceFinish::kVar, x.dtype()},
                                     {ReduceFinish::kValue, x.dtype()}, correction);
    if (reduced_count(x.shape(), axes) == 0) set_all(mean, std::numeric_limits<double>::quiet_NaN());
    ctx.save(x);
    if (root) ctx.save_result(var, 0);
    return {var, mean};
  }
  // gx = that of the variance + gmean / n
  static Grads backward(OpContext& ctx, const Grads& gys, const Axes& axes, double correction, bool root) {
    return both(ctx, gys, axes, root, [&](const Tensor& g, const Tensor& x) {
      return var_gradient(g, x, axes, divisor_of(x, axes, correction));
    });
  }
  static Grads fused_backward(OpContext& ctx, const Grads& gys, const Axes& axes, double correction,
                              bool root) {
    return both(ctx, gys, axes, root, [&](const Tensor& g, const Tensor& x) {
      return fused_var_gradient(meta.name, g, x, mean(x, axes.dims, true), divisor_of(x, axes, correction));
    });
  }

 private:
  template <class F>
  static Grads both(OpContext& ctx, const Grads& gys, const Axes& axes, bool root, F gradient_of_var) {
    const Tensor x = ctx.saved(0);
    Tensor gx;
    if (gys[0].defined()) {
      Tensor g = restore_dims(gys[0], axes);
      if (root) g = std_to_var(g, restore_dims(ctx.saved(1), axes));
      gx = gradient_of_var(g, x);
    }
    if (gys[1].defined()) {
      const double n = static_cast<double>(reduced_count(x.shape(), axes));
      const Tensor g = expand(div(restore_dims(gys[1], axes), n), x.shape());
      gx = gx.defined() ? add(gx, g) : g;
    }
    return {gx};
  }
};

// gx = gy exp(x - y)
struct LogSumExp {
  static constexpr OpMeta meta{"logsumexp"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Axes& axes) {
    const Tensor y = run_reduction(ReduceOp::kLogSumExp, x, axes, {ReduceFinish::kLogSum, x.dtype()});
    ctx.save(x);
    ctx.save_result(y);
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, const Axes& axes) {
    const Tensor y = restore_dims(ctx.saved(1), axes);
    // Where y is -inf, all of x is, and nothing of the sum depends on it.
    const Tensor base = where(eq(y, -std::numeric_limits<double>::infinity()), zeros_like(y), y);
    return {mul(restore_dims(gy, axes), exp(sub(ctx.saved(0), base)))};
  }
};

// (sum |x|^p)^(1/p) with its limits: p = 0 counts, +-inf is the extreme.
struct Norm {
  static constexpr OpMeta meta{"norm"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Axes& axes, double p, DType dtype) {
    const Tensor y = compute(x, axes, p, dtype);
    ctx.save(x);
    ctx.save_result(y);
    return y;
  }
  static Tensor compute(const Tensor& x, const Axes& axes, double p, DType dtype) {
    if (p == 2) return run_reduction(ReduceOp::kSumSquares, x, axes, {ReduceFinish::kSqrt, dtype});
    if (p == 1) return run_reduction(ReduceOp::kSumAbs, x, axes, {ReduceFinish::kValue, dtype});
    if (p == 0) return run_reduction(ReduceOp::kCount, x, axes, {ReduceFinish::kValue, dtype});
    if (std::isinf(p)) {
      const ReduceOp op = p > 0 ? ReduceOp::kMaxAbs : ReduceOp::kMinAbs;
      return cast(run_reduction(op, x, axes, {ReduceFinish::kValue, x.dtype()}), dtype);
    }
    // Powers would overflow 16-bit floats.
    const DType compute = compute_dtype(x.dtype());
    const Tensor powers = pow(abs(cast(x, compute)), p);
    const Tensor total = run_reduction(ReduceOp::kSum, powers, axes, {ReduceFinish::kValue, compute});
    return cast(pow(total, 1 / p), dtype);
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, const Axes& axes, double p, DType) {
    const Tensor x = ctx.saved(0), y = restore_dims(ctx.saved(1), axes), g = restore_dims(gy, axes);
    const auto zero_where_flat = [&](const Tensor& v) { return where(eq(y, 0.0), zeros_like(v), v); };
    if (p == 0) return {zeros_like(x)};
    if (p == 1) return {mul(g, sign(x))};
    if (p == 2) return {mul(x, zero_where_flat(div(g, y)))};
    if (std::isinf(p)) {  // shared equally by all elements of the extreme magnitude
      const Tensor hit = [&] {
        NoGradGuard guard;
        const Tensor magnitude = abs(x);
        const Tensor at = logical_or(eq(magnitude, y), logical_and(isnan(magnitude), isnan(y)));
        return div(mul(cast(at, x.dtype()), sign(x)), sum(at, axes.dims, true));
      }();
      return {mul(g, hit)};
    }
    // gy sign(x) |x|^(p-1) / y^(p-1); below p = 1 the power has a pole at x = 0, where 0 is taken
    const Tensor scale = zero_where_flat(div(g, pow(y, p - 1)));
    Tensor power = pow(abs(x), p - 1);
    if (p < 1) power = where(eq(x, 0.0), zeros_like(power), power);
    return {mul(mul(sign(x), power), scale)};
  }
};

void check_float(const char* op, const Tensor& x) {
  PLAIT_CHECK(x.is_floating(), kType, op, ": expected a floating-point input, got ", dtype_name(x.dtype()),
              "\nhint: convert it with .float()");
}

}  // namespace

Tensor var(const Tensor& x, IntSpan dims, double correction, bool keepdim) {
  if (x.is_complex()) return complex_var(x, dims, correction, keepdim);
  check_float("var", x);
  return apply<Var>(x, make_axes("var", x, dims, keepdim), correction, false);
}
Tensor stddev(const Tensor& x, IntSpan dims, double correction, bool keepdim) {
  if (x.is_complex()) return sqrt(complex_var(x, dims, correction, keepdim));
  check_float("std", x);
  return apply<Var>(x, make_axes("std", x, dims, keepdim), correction, true);
}

Tensor logsumexp(const Tensor& x, IntSpan dims, bool keepdim) {
  if (x.is_complex()) return complex_logsumexp(x, dims, keepdim);
  const Tensor in = x.is_floating() ? x : cast(x, default_dtype());
  return apply<LogSumExp>(in, make_axes("logsumexp", x, dims, keepdim));
}

Tensor vector_norm(const Tensor& x, double p, IntSpan dims, bool keepdim, std::optional<DType> dtype) {
  if (x.is_complex()) {
    return vector_norm(abs(x), p, dims, keepdim, dtype ? std::optional(to_real(*dtype)) : dtype);
  }
  check_float("norm", x);
  const DType out = dtype ? *dtype : x.dtype();
  PLAIT_CHECK(is_floating(out), kType, "norm: expected a floating-point dtype, got ", dtype_name(out));
  const Axes axes = make_axes("norm", x, dims, keepdim);
  PLAIT_CHECK(!(std::isinf(p) || p < 0) || reduced_count(x.shape(), axes) > 0, kValue, "norm: order ", p,
              " of 0 elements is not defined: shape ", x.shape());
  return apply<Norm>(x, axes, p, out);
}

namespace {

using OptionalDims = std::optional<Dims>;

double correction_of(bool unbiased) { return unbiased ? 1 : 0; }

template <bool kRoot>
Tensor var_correction(const Tensor& x, OptionalDims dims, std::optional<double> correction, bool keepdim) {
  return (kRoot ? stddev : var)(x, or_all(dims), correction.value_or(1), keepdim);
}
template <bool kRoot>
Tensor var_all(const Tensor& x, bool unbiased) {
  return (kRoot ? stddev : var)(x, {}, correction_of(unbiased), false);
}
template <bool kRoot>
Tensor var_unbiased(const Tensor& x, OptionalDims dims, bool unbiased, bool keepdim) {
  return (kRoot ? stddev : var)(x, or_all(dims), correction_of(unbiased), keepdim);
}

using Pair = std::tuple<Tensor, Tensor>;
template <bool kRoot>
Pair var_mean_correction(const Tensor& x, OptionalDims dims, std::optional<double> correction, bool keepdim) {
  const char* name = kRoot ? "std_mean" : "var_mean";
  if (x.is_complex()) {
    const Tensor variance = complex_var(x, or_all(dims), correction.value_or(1), keepdim);
    return {kRoot ? sqrt(variance) : variance, complex_mean(x, or_all(dims), keepdim)};
  }
  check_float(name, x);
  return apply<VarMean>(x, make_axes(name, x, or_all(dims), keepdim), correction.value_or(1), kRoot);
}
template <bool kRoot>
Pair var_mean_all(const Tensor& x, bool unbiased) {
  return var_mean_correction<kRoot>(x, {}, correction_of(unbiased), false);
}
template <bool kRoot>
Pair var_mean_unbiased(const Tensor& x, OptionalDims dims, bool unbiased, bool keepdim) {
  return var_mean_correction<kRoot>(x, std::move(dims), correction_of(unbiased), keepdim);
}

Tensor norm_number(const Tensor& x, std::optional<double> p, OptionalDims dims, bool keepdim,
                   std::optional<DType> dtype) {
  return vector_norm(x, p.value_or(2), or_all(dims), keepdim, dtype);
}
// The sum of the singular values of the matrices in two dimensions.
Tensor nuclear_norm(const Tensor& input, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  const Tensor x = dtype ? cast(input, *dtype) : input;
  const Dims axes = dims.empty() && x.dim() == 2 ? Dims{0, 1} : wrap_dims("norm", dims, x.dim());
  PLAIT_CHECK(axes.size() == 2, kValue, "norm: expected two dimensions for p='nuc', got shape ", x.shape(),
              " and dim=", dims);
  const Tensor sums = sum(linalg_svdvals(movedim(x, axes, Dims{-2, -1})), Dims{-1});
  if (!keepdim) return sums;
  const int64_t first = std::min(axes[0], axes[1]), second = std::max(axes[0], axes[1]);
  return unsqueeze(unsqueeze(sums, first), second);
}
Tensor norm_named(const Tensor& x, std::string_view p, OptionalDims dims, bool keepdim,
                  std::optional<DType> dtype) {
  if (p == "nuc") return nuclear_norm(x, or_all(dims), keepdim, dtype);
  PLAIT_CHECK(p == "fro", kValue, "norm: expected p to be a number, 'fro' or 'nuc', got '", std::string(p),
              "'");
  return vector_norm(x, 2, or_all(dims), keepdim, dtype);
}
Tensor vector_norm_op(const Tensor& x, double ord, OptionalDims dims, bool keepdim,
                      std::optional<DType> dtype) {
  return vector_norm(x, ord, or_all(dims), keepdim, dtype);
}

constexpr const char* kVarDoc = R"(The variance of all elements, or over some dimensions.

Computed in float64 about running means, so a mean far from 0 costs no digits (Chan, Golub and LeVeque 1983).

Args:
    dim: an int or a tuple of ints; all dimensions by default.
    correction: the sum of squared deviations is divided by max(0, n - correction); 1 by default. `unbiased` is
        the older spelling: True stands for 1, False for 0.
    keepdim: keep the reduced dimensions with size 1.

Raises:
    TypeError: integers.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1., 3.], [2., 6.]]).var(dim=1)
    tensor([2., 8.]))";
constexpr const char* kStdDoc = R"(The standard deviation: the root of `var`, with the same arguments.

Raises:
    TypeError: integers.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([1., 2., 3.]).std()
    tensor(1.))";
constexpr const char* kVarMeanDoc =
    R"(The variance and the mean in one pass, as a tuple; arguments as in `var`.

Raises:
    TypeError: integers.
    IndexError: a dimension out of range.

Example:
    >>> plait.var_mean(plait.tensor([1., 2., 3.]))[1]
    tensor(2.))";
constexpr const char* kStdMeanDoc =
    R"(The standard deviation and the mean in one pass, as a tuple; arguments as in `var`.

Raises:
    TypeError: integers.
    IndexError: a dimension out of range.

Example:
    >>> plait.std_mean(plait.tensor([1., 2., 3.]))[0]
    tensor(1.))";
constexpr const char* kNormDoc = R"((sum |x|^p)^(1/p) over all elements or some dimensions.

Squares are added in float64, so they neither overflow nor vanish.

Args:
    p: a number, 'fro' (which is 2) or 'nuc', the sum of the singular values of the matrices in two dimensions; inf
        and -inf give the extreme magnitude, 0 counts what is not 0. Default 'fro'.
    dim: an int or a tuple of ints; all dimensions by default.
    keepdim: keep the reduced dimensions with size 1.
    dtype: of the result.

Raises:
    TypeError: integers.
    ValueError: an unknown name of a norm, or the extreme of no elements.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([3., 4.]).norm()
    tensor(5.))";

const RegisterOps kOps{
    {"var(Tensor input, bool unbiased) -> Tensor", "fmc", PLAIT_BOX(var_all<false>), kVarDoc},
    {"var(Tensor input, int[]? dim=None, *, float? correction=1, bool keepdim=False) -> Tensor", "fmoc",
     PLAIT_BOX(var_correction<false>), ""},
    {"var(Tensor input, int[]? dim, bool unbiased=True, bool keepdim=False) -> Tensor", "fmoc",
     PLAIT_BOX(var_unbiased<false>), ""},
    {"std(Tensor input, bool unbiased) -> Tensor", "fmc", PLAIT_BOX(var_all<true>), kStdDoc},
    {"std(Tensor input, int[]? dim=None, *, float? correction=1, bool keepdim=False) -> Tensor", "fmoc",
     PLAIT_BOX(var_correction<true>), ""},
    {"std(Tensor input, int[]? dim, bool unbiased=True, bool keepdim=False) -> Tensor", "fmoc",
     PLAIT_BOX(var_unbiased<true>), ""},
    {"var_mean(Tensor input, bool unbiased) -> (Tensor, Tensor)", "fc", PLAIT_BOX(var_mean_all<false>),
     kVarMeanDoc},
    {"var_mean(Tensor input, int[]? dim=None, *, float? correction=1, "
     "bool keepdim=False) -> (Tensor, Tensor)",
     "fc", PLAIT_BOX(var_mean_correction<false>), ""},
    {"var_mean(Tensor input, int[]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)", "fc",
     PLAIT_BOX(var_mean_unbiased<false>), ""},
    {"std_mean(Tensor input, bool unbiased) -> (Tensor, Tensor)", "fc", PLAIT_BOX(var_mean_all<true>),
     kStdMeanDoc},
    {"std_mean(Tensor input, int[]? dim=None, *, float? correction=1, "
     "bool keepdim=False) -> (Tensor, Tensor)",
     "fc", PLAIT_BOX(var_mean_correction<true>), ""},
    {"std_mean(Tensor input, int[]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)", "fc",
     PLAIT_BOX(var_mean_unbiased<true>), ""},
    {"logsumexp(Tensor input, int[] dim, bool keepdim=False) -> Tensor", "fmoc",
     PLAIT_BOX(static_cast<Tensor (*)(const Tensor&, IntSpan, bool)>(logsumexp)),
     R"(log(sum(exp(x))) over some dimensions, computed about the maximum so that it cannot overflow.

Integers give the default float dtype. -inf for no elements.

Args:
    dim: an int or a tuple of ints.
    keepdim: keep the reduced dimensions with size 1.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([[1000., 1000.]]).logsumexp(dim=1)
    tensor([1000.6932]))"},
    {"norm(Tensor input, str p, int[]? dim=None, bool keepdim=False, Dtype? dtype=None) -> Tensor", "fmoc",
     PLAIT_BOX(norm_named), kNormDoc},
    {"norm(Tensor input, float? p=2, int[]? dim=None, bool keepdim=False, Dtype? dtype=None) -> Tensor",
     "fmoc", PLAIT_BOX(norm_number), ""},
    {"linalg_vector_norm(Tensor input, float ord=2, int[]? dim=None, "
     "bool keepdim=False, *, Dtype? dtype=None) -> Tensor",
     "poc", PLAIT_BOX(vector_norm_op),
     R"((sum |x|^ord)^(1/ord) over all elements or some dimensions; see `norm`.

Args:
    ord: a number; inf and -inf give the extreme magnitude, 0 counts what is not 0.
    dim: an int or a tuple of ints; all dimensions by default.
    keepdim: keep the reduced dimensions with size 1.
    dtype: of the result.)"},
};

}  // namespace
}  // namespace plait
