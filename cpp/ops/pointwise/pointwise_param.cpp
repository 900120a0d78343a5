// SPDX-License-Identifier: MIT
// Operators of one operand with parameters, and those whose signature is not the plain one.
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "autograd/op.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_composite.h"
#include "ops/pointwise/pointwise_op.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

template <size_t>
using Number = double;

// A kernel of one operand and sizeof...(I) numbers. F: the functor over Tensors.
template <class F, Pointwise kOp, Types kTypes, Keeps kKeeps, const char* kName, size_t... I>
struct Parametrised {
  static constexpr OpMeta meta{kName};
  static constexpr Pointwise kGrad = static_cast<Pointwise>(static_cast<int>(kOp) + 1);

  static Tensor forward(OpContext& ctx, const Tensor& x, Number<I>... p) {
    const DType dtype = kTypes == Types::Float ? float_type(x.dtype()) : x.dtype();
    if constexpr (kKeeps == Keeps::Input) ctx.save(x);
    const Tensor y = run_pointwise_op(kOp, kName, dtype, {&x}, {p...}, ctx.destination());
    if constexpr (kKeeps == Keeps::Result) ctx.save_result(y);
    return y;
  }

  // gx = gy conj(df(kept, p...))
  static Grads backward(OpContext& ctx, const Tensor& gy, Number<I>... p) {
    if constexpr (kKeeps == Keeps::None) {
      return {gy};  // frac: 1 between the steps
    } else {
      return {gy * conj(F::df(ctx.saved(0), composite::parameter(p, gy)...))};
    }
  }
};

// With the kernel of gy df(kept, p...), which follows the op's own in the table.
template <class Op, size_t... I>
struct FusedParametrised : Op {
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, Number<I>... p) {
    const Tensor kept = ctx.saved(0);
    if (kept.is_complex()) return Op::backward(ctx, gy, p...);
    return {run_pointwise_op(Op::kGrad, Op::meta.name, gy.dtype(), {&gy, &kept}, {p...})};
  }
};

template <class F, Pointwise kOp, Types kTypes, Keeps kKeeps, const char* kName, size_t... I>
using ParametrisedOp =
    std::conditional_t<kKeeps == Keeps::None, Parametrised<F, kOp, kTypes, kKeeps, kName, I...>,
                       FusedParametrised<Parametrised<F, kOp, kTypes, kKeeps, kName, I...>, I...>>;

#define PLAIT_PARAMETRISED(Name, name, types, keeps, ...)                                          \
  constexpr char k##Name##Text[] = #name;                                                          \
  using Name##Op = ParametrisedOp<composite::Name, Pointwise::k##Name, Types::types, Keeps::keeps, \
                                  k##Name##Text __VA_OPT__(, ) __VA_ARGS__>;
PLAIT_PARAMETRISED(Square, square, Number, Input)
PLAIT_PARAMETRISED(Logit, logit, Float, Input)
PLAIT_PARAMETRISED(Polygamma, polygamma, Float, Input, 0)
PLAIT_PARAMETRISED(Frac, frac, Number, None)
PLAIT_PARAMETRISED(Gelu, gelu, Float, Input)
PLAIT_PARAMETRISED(GeluTanh, gelu, Float, Input)
PLAIT_PARAMETRISED(LeakyRelu, leaky_relu, Number, Result, 0)
PLAIT_PARAMETRISED(Elu, elu, Number, Result, 0, 1, 2)
PLAIT_PARAMETRISED(Softplus, softplus, Number, Input, 0, 1)
PLAIT_PARAMETRISED(Hardtanh, hardtanh, Number, Result, 0, 1)
PLAIT_PARAMETRISED(Softshrink, softshrink, Number, Input, 0)
PLAIT_PARAMETRISED(Hardshrink, hardshrink, Number, Input, 0)
PLAIT_PARAMETRISED(Threshold, threshold, Number, Input, 0, 1)
#undef PLAIT_PARAMETRISED

template <class Op, class... P>
Tensor run(const Tensor& x, bool inplace, P... p) {
  return inplace ? apply_inplace<Op>(x, p...) : apply<Op>(x, p...);
}
// The in-place form of what is made of other operators.
Tensor write_back(const Tensor& x, const Tensor& result) {
  copy_(x, result);
  return x;
}

struct RoundOp {
  static constexpr OpMeta meta{"round"};
  static Tensor forward(OpContext& ctx, const Tensor& x, int64_t decimals) {
    const Tensor& to = ctx.destination();
    if (is_integral(x.dtype())) {
      PLAIT_CHECK(x.dtype() != DType::kBool && decimals == 0, kType, "round: expected ",
                  decimals == 0 ? "a numeric" : "a floating-point", " dtype, got ", dtype_name(x.dtype()));
      return to.defined() ? to : clone(x);
    }
    if (decimals == 0) return run_pointwise_op(Pointwise::kRound, "round", x.dtype(), {&x}, {}, to);
    // 10^|d| is exact where 10^-|d| is not.
    const double scale = std::pow(10.0, static_cast<double>(std::abs(decimals)));
    const Tensor scaled = decimals > 0 ? mul(x, scale) : div(x, scale);
    const Tensor y = run_pointwise_op(Pointwise::kRound, "round", x.dtype(), {&scaled});
    return decimals > 0 ? div(y, scale) : mul(y, scale);
  }
  static Grads backward(OpContext&, const Tensor& gy, int64_t) { return {zeros_like(gy)}; }
};

struct NanToNumOp {  // gx = gy where x is finite
  static constexpr OpMeta meta{"nan_to_num"};
  static Tensor forward(OpContext& ctx, const Tensor& x, double nan, double posinf, double neginf) {
    ctx.save(x);
    return run_pointwise_op(Pointwise::kNanToNum, "nan_to_num", x.dtype(), {&x}, {nan, posinf, neginf},
                            ctx.destination());
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, double, double, double) {
    return {where(isfinite(ctx.saved(0)), gy, composite::k<Tensor>(0))};
  }
};

std::array<double, 3> nan_replacements(DType dtype, double nan, std::optional<double> posinf,
                                       std::optional<double> neginf) {
  const double top = dtype == DType::kFloat16    ? 65504.0
                     : dtype == DType::kBFloat16 ? 3.3895313892515355e38
                     : dtype == DType::kFloat32  ? static_cast<double>(std::numeric_limits<float>::max())
                                                 : std::numeric_limits<double>::max();
  return {nan, posinf.value_or(top), neginf.value_or(-top)};
}

Tensor nan_to_num(const Tensor& x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
  if (x.is_complex()) return as_complex(contiguous(nan_to_num(view_as_real(x), nan, posinf, neginf)));
  if (!x.is_floating()) return clone(x);
  const auto [a, b, c] = nan_replacements(x.dtype(), nan, posinf, neginf);
  return apply<NanToNumOp>(x, a, b, c);
}
Tensor nan_to_num_(const Tensor& x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
  if (x.is_complex()) {
    nan_to_num_(view_as_real(x), nan, posinf, neginf);
    return x;
  }
  if (!x.is_floating()) return x;
  const auto [a, b, c] = nan_replacements(x.dtype(), nan, posinf, neginf);
  return apply_inplace<NanToNumOp>(x, a, b, c);
}

Tensor logit(const Tensor& x, std::optional<double> eps) {
  return apply<LogitOp>(eps ? clamp(x, Scalar(*eps), Scalar(1 - *eps)) : x);
}
Tensor logit_(const Tensor& x, std::optional<double> eps) {
  return apply_inplace<LogitOp>(eps ? write_back(x, clamp(x, Scalar(*eps), Scalar(1 - *eps))) : x);
}
Tensor frac_(const Tensor& x) { return apply_inplace<FracOp>(x); }
Tensor square_(const Tensor& x) { return apply_inplace<SquareOp>(x); }
Tensor round_(const Tensor& x, int64_t decimals) { return apply_inplace<RoundOp>(x, decimals); }

void check_order(int64_t n) {
  PLAIT_CHECK(n >= 0 && n <= 170, kValue,
              "polygamma: expected an order from 0 to 170, whose factorial is finite, got ", n);
}
Tensor polygamma_of(const Tensor& x, int64_t n) { return polygamma(n, x); }
Tensor polygamma_(const Tensor& x, int64_t n) {
  check_order(n);
  return apply_inplace<PolygammaOp>(x, static_cast<double>(n));
}

Tensor signbit(const Tensor& x) {
  if (is_floating(x.dtype())) return run_pointwise_test(Pointwise::kSignbit, "signbit", x.dtype(), {&x});
  return lt(x, Scalar(0));
}

struct BitwiseNotOp {
  static constexpr OpMeta meta{"bitwise_not"};
  static Tensor forward(OpContext& ctx, const Tensor& x) {
    return run_pointwise_op(Pointwise::kBitwiseNot, "bitwise_not", x.dtype(), {&x}, {}, ctx.destination());
  }
  static Grads backward(OpContext&, const Tensor&) { return {Tensor()}; }
};
Tensor bitwise_not_(const Tensor& x) { return apply_inplace<BitwiseNotOp>(x); }

Tensor positive(const Tensor& x) {
  PLAIT_CHECK(x.dtype() != DType::kBool, kType, "positive: expected a numeric dtype, got bool");
  return view_alias(x);
}

// ---- Activations ----

// One kernel serves ELU, CELU and SELU: scale * (x for x > 0, else alpha * (e^(x_scale x) - 1)).
Tensor elu_family(const char* name, const Tensor& x, bool inplace, double alpha, double scale,
                  double x_scale) {
  PLAIT_CHECK(x.is_floating(), kType, name, ": expected a floating-point dtype, got ", dtype_name(x.dtype()));
  if (alpha >= 0) return run<EluOp>(x, inplace, alpha, scale, x_scale);
  // The gradient cannot be told from the result any more: recorded as what it is made of.
  const Tensor y = where(gt(x, Scalar(0)), mul(x, scale), mul(expm1(mul(x, x_scale)), alpha * scale));
  return inplace ? write_back(x, y) : y;
}
Tensor elu_choice(const Tensor& x, double alpha, bool inplace) {
  return elu_family("elu", x, inplace, alpha, 1, 1);
}
Tensor celu(const Tensor& x, double alpha, bool inplace) {
  PLAIT_CHECK(alpha != 0, kValue, "celu: expected alpha other than 0");
  return elu_family("celu", x, inplace, alpha, 1, 1 / alpha);
}
constexpr double kSeluAlpha = 1.6732632423543772848170429916717,
                 kSeluScale = 1.0507009873554804934193349852946;
Tensor selu(const Tensor& x, bool inplace) {
  return elu_family("selu", x, inplace, kSeluAlpha, kSeluScale, 1);
}

// For a negative slope the sign of the result does not tell that of the operand: a composite form again.
Tensor leaky_relu_choice(const Tensor& x, double slope, bool inplace) {
  PLAIT_CHECK(x.is_floating(), kType, "leaky_relu: expected a floating-point dtype, got ",
              dtype_name(x.dtype()));
  if (slope >= 0) return run<LeakyReluOp>(x, inplace, slope);
  const Tensor y = where(gt(x, Scalar(0)), x, mul(x, slope));
  return inplace ? write_back(x, y) : y;
}
Tensor hardtanh_choice(const Tensor& x, double min, double max, bool inplace) {
  PLAIT_CHECK(min <= max, kValue, "hardtanh: expected min_val <= max_val, got ", min, " and ", max);
  return run<HardtanhOp>(x, inplace, min, max);
}
Tensor relu6(const Tensor& x, bool inplace) { return run<HardtanhOp>(x, inplace, 0.0, 6.0); }
Tensor threshold(const Tensor& x, double threshold, double value, bool inplace) {
  return run<ThresholdOp>(x, inplace, threshold, value);
}
Tensor softshrink(const Tensor& x, double lambd) {
  PLAIT_CHECK(lambd >= 0, kValue, "softshrink: expected lambd >= 0, got ", lambd);
  return apply<SoftshrinkOp>(x, lambd);
}
Tensor hardshrink(const Tensor& x, double lambd) { return apply<HardshrinkOp>(x, lambd); }

Tensor prelu(const Tensor& x, const Tensor& weight) {
  PLAIT_CHECK(weight.dim() <= 1, kValue, "prelu: expected a weight of one dimension, got shape ",
              weight.shape());
  PLAIT_CHECK(weight.dtype() == x.dtype(), kType, "prelu: expected input and weight of one dtype, got ",
              dtype_name(x.dtype()), " and ", dtype_name(weight.dtype()));
  Tensor w = weight;
  if (weight.numel() != 1) {
    PLAIT_CHECK(x.dim() > 0 && weight.numel() == x.shape()[x.dim() == 1 ? 0 : 1], kValue,
                "prelu: expected one weight or one per channel, got ", weight.numel(),
                " for an input of shape ", x.shape());
    Dims shape(x.dim(), 1);
    shape[x.dim() == 1 ? 0 : 1] = weight.numel();
    w = view(weight, shape);
  } else {
    w = view(weight, IntSpan{});
  }
  return prelu_of(x, w);
}

}  // namespace

Tensor polygamma(int64_t n, const Tensor& x) {
  check_order(n);
  return apply<PolygammaOp>(x, static_cast<double>(n));
}
Tensor square(const Tensor& x) {
  if (x.dtype() == DType::kBool) return cast(x, DType::kInt64);
  return apply<SquareOp>(x);
}
Tensor round(const Tensor& x, int64_t decimals) { return apply<RoundOp>(x, decimals); }
Tensor frac(const Tensor& x) { return apply<FracOp>(x); }
Tensor bitwise_not(const Tensor& x) { return apply<BitwiseNotOp>(x); }
Tensor gelu(const Tensor& x, std::string_view approximate) {
  PLAIT_CHECK(x.is_floating(), kType, "gelu: expected a floating-point dtype, got ", dtype_name(x.dtype()));
  if (approximate == "none") return apply<GeluOp>(x);
  PLAIT_CHECK(approximate == "tanh", kValue, "gelu: expected approximate to be 'none' or 'tanh', got '",
              std::string(approximate), "'");
  return apply<GeluTanhOp>(x);
}
Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return leaky_relu_choice(x, negative_slope, false);
}
Tensor elu(const Tensor& x, double alpha) { return elu_choice(x, alpha, false); }
Tensor softplus(const Tensor& x, double beta, double threshold) {
  PLAIT_CHECK(x.is_floating(), kType, "softplus: expected a floating-point dtype, got ",
              dtype_name(x.dtype()));
  return apply<SoftplusOp>(x, beta, threshold);
}
Tensor hardtanh(const Tensor& x, double min, double max) { return hardtanh_choice(x, min, max, false); }

namespace {

const RegisterOps kOps{
    {"square(Tensor input) -> Tensor", "fmoc", PLAIT_BOX(square), R"(x * x.

The result has the shape and dtype of `input`; bool gives int64.

Example:
    >>> plait.square(plait.tensor([2., -3.]))
    tensor([4., 9.])
)"},
    {"square_(Tensor input) -> Tensor", "fmc", PLAIT_BOX(square_),
     "The in-place form of square: writes x * x into `input`."},
    {"round(Tensor input, *, int decimals=0) -> Tensor", "fmo", PLAIT_BOX(round),
     R"(The nearest integer, halves to the even one.

With `decimals`, the nearest multiple of 10**-decimals; negative decimals round to tens, hundreds, ... The result has the
shape and dtype of `input`; integers are returned as they are (decimals=0 only), bool raises TypeError. The gradient is 0.

Example:
    >>> plait.round(plait.tensor([0.5, 1.5, 2.6]))
    tensor([0., 2., 3.])
    >>> plait.round(plait.tensor([1.2345]), decimals=2)
    tensor([1.2300])
)"},
    {"round_(Tensor input, *, int decimals=0) -> Tensor", "fm", PLAIT_BOX(round_),
     "The in-place form of round: writes the result into `input`."},
    {"frac(Tensor input) -> Tensor", "fmo", PLAIT_BOX(frac),
     R"(The fractional part x - trunc(x), with the sign of x.

Of floats only; the result has the shape and dtype of `input`. The gradient is that of x where it exists.

Example:
    >>> plait.frac(plait.tensor([1.5, -2.25]))
    tensor([ 0.5000, -0.2500])
)"},
    {"frac_(Tensor input) -> Tensor", "fm", PLAIT_BOX(frac_),
     "The in-place form of frac: writes the result into `input`."},
    {"signbit(Tensor input) -> Tensor", "fmo", PLAIT_BOX(signbit),
     R"(True where x is negative, negative zero included.

The result has the shape of `input` and dtype bool. There is no gradient.

Example:
    >>> plait.signbit(plait.tensor([-1., 0., -0.]))
    tensor([ True, False,  True])
)"},
    {"bitwise_not(Tensor input) -> Tensor", "fmo", PLAIT_BOX(bitwise_not),
     R"(All bits flipped; logical not of bool.

The result has the shape and dtype of `input`; floats raise TypeError.

Example:
    >>> plait.bitwise_not(plait.tensor([0, 5]))
    tensor([-1, -6])
)"},
    {"bitwise_not_(Tensor input) -> Tensor", "fm", PLAIT_BOX(bitwise_not_),
     "The in-place form of bitwise_not: writes the result into `input`."},
    {"positive(Tensor input) -> Tensor", "fmc", PLAIT_BOX(positive),
     R"(+x: the tensor itself; bool raises TypeError.

Example:
    >>> plait.positive(plait.tensor([-1.]))
    tensor([-1.])
)"},
    {"nan_to_num(Tensor input, float nan=0.0, float? posinf=None, float? neginf=None) -> Tensor", "fmoc",
     PLAIT_BOX(nan_to_num),
     R"(NaN and infinities replaced by numbers.

`nan` stands for NaN, `posinf` and `neginf` for the infinities; by default these become the largest and the smallest number
of the dtype. The result has the shape and dtype of `input`. The gradient is 0 where something was replaced.

Example:
    >>> plait.nan_to_num(plait.tensor([float('nan'), 1., float('inf')]), posinf=9.0)
    tensor([0., 1., 9.])
)"},
    {"nan_to_num_(Tensor input, float nan=0.0, float? posinf=None, float? neginf=None) -> Tensor", "fmc",
     PLAIT_BOX(nan_to_num_), "The in-place form of nan_to_num: writes the result into `input`."},
    {"polygamma(int n, Tensor input) -> Tensor", "fo", PLAIT_BOX(polygamma),
     R"(The n-th derivative of digamma.

(-1)^(n+1) n! times the Hurwitz zeta function of n + 1 and x (DLMF 5.15); n of at least 0.

Example:
    >>> plait.polygamma(1, plait.tensor([1., 0.5]))
    tensor([1.6449, 4.9348])
)"},
    {"polygamma(Tensor input, int n) -> Tensor", "m", PLAIT_BOX(polygamma_of), ""},
    {"polygamma_(Tensor input, int n) -> Tensor", "m", PLAIT_BOX(polygamma_),
     "The in-place form of polygamma: writes the result into `input`."},
    {"logit(Tensor input, float? eps=None) -> Tensor", "fmo", PLAIT_BOX(logit),
     R"(log(x / (1 - x)), the inverse of sigmoid.

With `eps`, x is first clamped to [eps, 1 - eps]. The result has the shape of `input`; NaN outside [0, 1].

Example:
    >>> plait.logit(plait.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
)"},
    {"logit_(Tensor input, float? eps=None) -> Tensor", "fm", PLAIT_BOX(logit_),
     "The in-place form of logit: writes the result into `input`."},
    {"gelu(Tensor input, *, str approximate='none') -> Tensor", "n", PLAIT_BOX(gelu),
     R"(x * P(Z <= x) for a standard normal Z (Hendrycks and Gimpel, 2016).

With approximate='tanh', x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))). Of floats only; the result has the shape
and dtype of `input`. Other values of `approximate` raise ValueError.

Example:
    >>> F.gelu(plait.tensor([-1., 0., 1.]))
    tensor([-0.1587,  0.0000,  0.8413])
)"},
    {"leaky_relu(Tensor input, float negative_slope=0.01, bool inplace=False) -> Tensor", "n",
     PLAIT_BOX(leaky_relu_choice),
     R"(x where x > 0, else negative_slope * x (Maas et al., 2013).

Example:
    >>> F.leaky_relu(plait.tensor([-1., 2.]))
    tensor([-0.0100,  2.0000])
)"},
    {"leaky_relu_(Tensor input, float negative_slope=0.01) -> Tensor", "n",
     PLAIT_BOX(+[](const Tensor& x, double slope) { return leaky_relu_choice(x, slope, true); }),
     "The in-place form of leaky_relu: writes the result into `input`."},
    {"elu(Tensor input, float alpha=1.0, bool inplace=False) -> Tensor", "n", PLAIT_BOX(elu_choice),
     R"(x where x > 0, else alpha * (e**x - 1) (Clevert et al., 2015).

Example:
    >>> F.elu(plait.tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
)"},
    {"elu_(Tensor input, float alpha=1.0) -> Tensor", "n",
     PLAIT_BOX(+[](const Tensor& x, double alpha) { return elu_choice(x, alpha, true); }),
     "The in-place form of elu: writes the result into `input`."},
    {"celu(Tensor input, float alpha=1.0, bool inplace=False) -> Tensor", "fn", PLAIT_BOX(celu),
     R"(max(x, 0) + min(0, alpha * (e**(x / alpha) - 1)) (Barron, 2017).

Example:
    >>> F.celu(plait.tensor([-1., 2.]), alpha=2.0)
    tensor([-0.7869,  2.0000])
)"},
    {"selu(Tensor input, bool inplace=False) -> Tensor", "fn", PLAIT_BOX(selu),
     R"(scale * (x where x > 0, else alpha * (e**x - 1)) with the self-normalising constants alpha = 1.6733 and scale = 1.0507
(Klambauer et al., 2017).

Example:
    >>> F.selu(plait.tensor([-1., 2.]))
    tensor([-1.1113,  2.1014])
)"},
    {"softplus(Tensor input, float beta=1.0, float threshold=20.0) -> Tensor", "n", PLAIT_BOX(softplus),
     R"(log(1 + e**(beta * x)) / beta; x itself where beta * x > threshold.

Example:
    >>> F.softplus(plait.tensor([0., 30.]))
    tensor([ 0.6931, 30.0000])
)"},
    {"hardtanh(Tensor input, float min_val=-1.0, float max_val=1.0, bool inplace=False) -> Tensor", "n",
     PLAIT_BOX(hardtanh_choice),
     R"(x limited to [min_val, max_val]. The gradient at the limits is 0. min_val > max_val raises ValueError.

Example:
    >>> F.hardtanh(plait.tensor([-2., 0.5, 2.]))
    tensor([-1.0000,  0.5000,  1.0000])
)"},
    {"hardtanh_(Tensor input, float min_val=-1.0, float max_val=1.0) -> Tensor", "n",
     PLAIT_BOX(+[](const Tensor& x, double lo, double hi) { return hardtanh_choice(x, lo, hi, true); }),
     "The in-place form of hardtanh: writes the result into `input`."},
    {"relu6(Tensor input, bool inplace=False) -> Tensor", "n", PLAIT_BOX(relu6),
     R"(min(max(x, 0), 6). The gradient at 0 and 6 is 0.

Example:
    >>> F.relu6(plait.tensor([-1., 3., 8.]))
    tensor([0., 3., 6.])
)"},
    {"threshold(Tensor input, float threshold, float value, bool inplace=False) -> Tensor", "fn",
     PLAIT_BOX(threshold),
     R"(x where x > threshold, else value.

Example:
    >>> F.threshold(plait.tensor([0.2, 0.8]), 0.5, -1.0)
    tensor([-1.0000,  0.8000])
)"},
    {"softshrink(Tensor input, float lambd=0.5) -> Tensor", "n", PLAIT_BOX(softshrink),
     R"(x moved towards 0 by lambd; 0 where |x| <= lambd. A negative lambd raises ValueError.

Example:
    >>> F.softshrink(plait.tensor([-1., 0.2, 2.]))
    tensor([-0.5000,  0.0000,  1.5000])
)"},
    {"hardshrink(Tensor input, float lambd=0.5) -> Tensor", "fmn", PLAIT_BOX(hardshrink),
     R"(x where |x| > lambd, else 0.

Example:
    >>> F.hardshrink(plait.tensor([-1., 0.2, 2.]))
    tensor([-1.,  0.,  2.])
)"},
    {"prelu(Tensor input, Tensor weight) -> Tensor", "fmn", PLAIT_BOX(prelu),
     R"(x where x > 0, else weight * x with a learned weight (He et al., 2015).

`weight` has one element, or one per channel: dimension 1 of `input` (dimension 0 of a one-dimensional one).

Example:
    >>> F.prelu(plait.tensor([-1., 2.]), plait.tensor([0.25]))
    tensor([-0.2500,  2.0000])
)"},
};

}  // namespace
}  // namespace plait
