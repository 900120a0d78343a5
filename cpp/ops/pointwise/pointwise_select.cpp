// SPDX-License-Identifier: MIT
// Selection, limits, interpolation, fused multiply-adds, closeness.
#include <cstring>
#include <limits>
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

namespace plait {
namespace {

Tensor number(Scalar s) { return s.to_tensor(); }

struct WhereOp {
  static constexpr OpMeta meta{"where"};
  static Tensor forward(OpContext& ctx, const Tensor& condition, const Tensor& a, const Tensor& b) {
    PLAIT_CHECK(condition.dtype() == DType::kBool, kType, "where: expected a condition of dtype bool, got ",
                dtype_name(condition.dtype()));
    const DType dtype = result_type(a, b);
    ctx.save(condition);
    return run_pointwise_call({"where", find_where(dtype), dtype, dtype, dtype, dtype, DType::kBool},
                              {&condition, &a, &b}, {}, ctx.destination());
  }
  // ga = condition ? gy : 0, gb = condition ? 0 : gy
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    const Tensor condition = ctx.saved(0), zero = number(0);
    return {Tensor(), ctx.needs_grad(1) ? where(condition, gy, zero) : Tensor(),
            ctx.needs_grad(2) ? where(condition, zero, gy) : Tensor()};
  }
};

// ---- Clamp ----

// Floats between numbers; infinities stand for missing ones.
struct ClampNumbersOp {
  static constexpr OpMeta meta{"clamp"};
  static Tensor forward(OpContext& ctx, const Tensor& x, double lo, double hi) {
    ctx.save(x);
    return run_pointwise_op(Pointwise::kClamp, "clamp", float_type(x.dtype()), {&x}, {lo, hi},
                            ctx.destination());
  }
  // gx = gy where lo <= x <= hi
  static Grads backward(OpContext& ctx, const Tensor& gy, double lo, double hi) {
    return {gy * composite::Clamp::df(ctx.saved(0), number(lo), number(hi))};
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, double lo, double hi) {
    const Tensor x = ctx.saved(0);
    return {run_pointwise_op(Pointwise::kClampGrad, "clamp", gy.dtype(), {&gy, &x}, {lo, hi})};
  }
};

struct ClampOp {
  static constexpr OpMeta meta{"clamp"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& lo, const Tensor& hi) {
    ctx.save(x, lo, hi);
    return run_pointwise_op(Pointwise::kClamp, "clamp", result_type({&x, &lo, &hi}), {&x, &lo, &hi}, {},
                            ctx.destination());
  }
  // gx = gy where lo <= x <= hi, glo = gy where x < lo < hi, ghi = gy where x > hi or hi < lo
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    const Tensor x = ctx.saved(0), lo = ctx.saved(1), hi = ctx.saved(2), zero = number(0);
    Grads g(3);
    if (ctx.needs_grad(0)) g[0] = where(logical_and(ge(x, lo), le(x, hi)), gy, zero);
    if (ctx.needs_grad(1)) g[1] = where(logical_and(lt(x, lo), lt(lo, hi)), gy, zero);
    if (ctx.needs_grad(2)) g[2] = where(logical_or(gt(x, hi), lt(hi, lo)), gy, zero);
    return g;
  }
};

// A bound that limits nothing.
Tensor no_bound(DType dtype, bool upper) {
  if (is_floating(dtype))
    return number(upper ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity());
  return dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, uint64_t>) {
      return number(upper ? Scalar(std::numeric_limits<T>::max()) : Scalar(int64_t{0}));
    } else if constexpr (std::is_integral_v<T>) {
      return number(
          static_cast<int64_t>(upper ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min()));
    } else {
      return Tensor();
    }
  });
}

// An integer tensor has no room for a bound beyond its range: it would wrap around.
void check_bound(const Tensor& x, const std::optional<Scalar>& bound) {
  if (!bound || bound->is_float() || x.is_floating() || x.dtype() == DType::kBool) return;
  dispatch(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      const __int128 value = bound->to_wide_int();
      PLAIT_CHECK(value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max(), kValue,
                  "clamp: expected bounds in the range of ", dtype_name(x.dtype()), ", got ",
                  bound->to_string());
    }
  });
}

// The number that a wrapped real tensor was made of.
Scalar number_of(const Tensor& wrapped) {
  if (is_floating(wrapped.dtype())) return wrapped.item_as<double>();
  if (wrapped.dtype() == DType::kUInt64) return wrapped.item_as<uint64_t>();
  return wrapped.item_as<int64_t>();
}

template <bool kInplace>
Tensor clamp_numbers(const Tensor& x, std::optional<Scalar> min, std::optional<Scalar> max) {
  PLAIT_CHECK(min || max, kValue, "clamp: expected min or max, got neither");
  check_bound(x, min);
  check_bound(x, max);
  const bool floats = x.is_floating() || (min && min->is_float()) || (max && max->is_float());
  if (floats) {
    const double inf = std::numeric_limits<double>::infinity();
    const double lo = min ? min->to_double() : -inf, hi = max ? max->to_double() : inf;
    return kInplace ? apply_inplace<ClampNumbersOp>(x, lo, hi) : apply<ClampNumbersOp>(x, lo, hi);
  }
  const Tensor lo = min ? number(*min) : no_bound(x.dtype(), false),
               hi = max ? number(*max) : no_bound(x.dtype(), true);
  return kInplace ? apply_inplace<ClampOp>(x, lo, hi) : apply<ClampOp>(x, lo, hi);
}
template <bool kInplace>
Tensor clamp_tensors(const Tensor& x, const Tensor& min, const Tensor& max) {
  PLAIT_CHECK(min.defined() || max.defined(), kValue, "clamp: expected min or max, got neither");
  const DType dtype = result_type(x, min.defined() ? min : max);
  const Tensor lo = min.defined() ? min : no_bound(dtype, false),
               hi = max.defined() ? max : no_bound(dtype, true);
  return kInplace ? apply_inplace<ClampOp>(x, lo, hi) : apply<ClampOp>(x, lo, hi);
}
template <bool kInplace>
Tensor clamp_below(const Tensor& x, const Tensor& min) {
  if (min.is_wrapped_number()) return clamp_numbers<kInplace>(x, number_of(min), {});
  return clamp_tensors<kInplace>(x, min, Tensor());
}
template <bool kInplace>
Tensor clamp_above(const Tensor& x, const Tensor& max) {
  if (max.is_wrapped_number()) return clamp_numbers<kInplace>(x, {}, number_of(max));
  return clamp_tensors<kInplace>(x, Tensor(), max);
}

// ---- Of three operands ----

struct LerpOp {
  static constexpr OpMeta meta{"lerp"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b, const Tensor& w) {
    if (ctx.recording()) {  // w is needed for the ends, and they for w
      const bool ends = ctx.needs_grad(2);
      ctx.save(ends ? a : Tensor(), ends ? b : Tensor(),
               ctx.needs_grad(0) || ctx.needs_grad(1) ? w : Tensor());
    }
    return run_pointwise_op(Pointwise::kLerp, "lerp", result_type({&a, &b, &w}), {&a, &b, &w}, {},
                            ctx.destination());
  }
  // ga = gy conj(1 - w), gb = gy conj(w), gw = gy conj(b - a)
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    const Tensor a = composite::operand(ctx, 0, gy), b = composite::operand(ctx, 1, gy),
                 w = conj(composite::operand(ctx, 2, gy));
    return {ctx.needs_grad(0) ? gy * sub(number(1), w) : Tensor(), ctx.needs_grad(1) ? gy * w : Tensor(),
            ctx.needs_grad(2) ? gy * conj(b - a) : Tensor()};
  }
};

// A kernel of three operands and a number, which may be complex where the result is.
Tensor run_with(Scalar value, Pointwise op, const char* name, const Tensor& a, const Tensor& b,
                const Tensor& c, const Tensor& destination) {
  const DType dtype = result_type({&a, &b, &c});
  if (!value.is_complex())
    return run_pointwise_op(op, name, dtype, {&a, &b, &c}, {value.to_double()}, destination);
  PLAIT_CHECK(is_complex(dtype), kType, name, ": expected a real value for dtype ", dtype_name(dtype),
              ", got a complex one");
  const Tensor factor = value.to_tensor();
  return run_pointwise_op(op, name, dtype, {&a, &b, &c, &factor}, {}, destination);
}

struct AddcmulOp {
  static constexpr OpMeta meta{"addcmul"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b, const Tensor& c, Scalar value) {
    if (ctx.recording()) ctx.save(ctx.needs_grad(2) ? b : Tensor(), ctx.needs_grad(1) ? c : Tensor());
    return run_with(value, Pointwise::kAddcmul, "addcmul", a, b, c, ctx.destination());
  }
  // gb = gy conj(value c), gc = gy conj(value b)
  static Grads backward(OpContext& ctx, const Tensor& gy, Scalar value) {
    const Tensor scaled = mul(gy, conj(value.to_tensor()));
    return {gy, ctx.needs_grad(1) ? scaled * conj(ctx.saved(1)) : Tensor(),
            ctx.needs_grad(2) ? scaled * conj(ctx.saved(0)) : Tensor()};
  }
};

struct AddcdivOp {
  static constexpr OpMeta meta{"addcdiv"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b, const Tensor& c, Scalar value) {
    if (ctx.recording()) {
      const bool divisor = ctx.needs_grad(2);
      ctx.save(divisor ? b : Tensor(), divisor || ctx.needs_grad(1) ? c : Tensor());
    }
    return run_with(value, Pointwise::kAddcdiv, "addcdiv", a, b, c, ctx.destination());
  }
  // gb = gy conj(value / c), gc = -gb conj(b / c)
  static Grads backward(OpContext& ctx, const Tensor& gy, Scalar value) {
    if (!ctx.needs_grad(1) && !ctx.needs_grad(2)) return {gy, Tensor(), Tensor()};
    const Tensor b = conj(ctx.saved(0)), c = conj(ctx.saved(1));
    const Tensor gb = mul(gy, conj(value.to_tensor())) / c;
    return {gy, gb, ctx.needs_grad(2) ? -(gb * b / c) : Tensor()};
  }
};

// ---- Made of others ----

Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  PLAIT_CHECK(a.dtype() == b.dtype(), kType, "isclose: expected operands of one dtype, got ",
              dtype_name(a.dtype()), " and ", dtype_name(b.dtype()));
  PLAIT_CHECK(rtol >= 0 && atol >= 0, kValue, "isclose: expected rtol and atol of at least 0, got ", rtol,
              " and ", atol);
  NoGradGuard guard;
  Tensor close = eq(a, b);
  if (equal_nan && a.is_differentiable()) close = logical_or(close, logical_and(isnan(a), isnan(b)));
  if (rtol == 0 && atol == 0) return close;
  const auto wide = [](const Tensor& x) { return x.is_differentiable() ? x : cast(x, DType::kFloat64); };
  const Tensor wa = wide(a), wb = wide(b);
  const Tensor distance = abs(wa - wb), allowed = add(mul(abs(wb), rtol), atol);
  return logical_or(close, logical_and(isfinite(distance), le(distance, allowed)));
}

bool all_set(const Tensor& test) {
  const Tensor t = test.is_contiguous() ? test : clone(test);
  return !std::memchr(t.data_ptr(), 0, static_cast<size_t>(t.numel()));
}
bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return all_set(isclose(a, b, rtol, atol, equal_nan));
}

Tensor deg2rad(const Tensor& x) { return mul(x, 0.017453292519943295); }
Tensor rad2deg(const Tensor& x) { return mul(x, 57.29577951308232); }
Tensor ldexp(const Tensor& a, const Tensor& b) { return mul(a, pow(number(2.0), b)); }
Tensor ldexp_(const Tensor& a, const Tensor& b) { return mul_(a, pow(number(2.0), b)); }
template <Tensor (*kF)(const Tensor&)>
Tensor write_back(const Tensor& x) {
  copy_(x, kF(x));
  return x;
}

}  // namespace

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return apply<WhereOp>(condition, a, b);
}
Tensor clamp(const Tensor& x, std::optional<Scalar> min, std::optional<Scalar> max) {
  return clamp_numbers<false>(x, min, max);
}
Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight) { return apply<LerpOp>(a, b, weight); }
Tensor addcmul(const Tensor& a, const Tensor& b, const Tensor& c, Scalar value) {
  return apply<AddcmulOp>(a, b, c, value);
}
Tensor addcdiv(const Tensor& a, const Tensor& b, const Tensor& c, Scalar value) {
  return apply<AddcdivOp>(a, b, c, value);
}
bool equal(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && all_set(eq(a, b)); }

namespace {

constexpr const char* kClampDoc = R"(x limited to [min, max]: min(max(x, min), max).

The bounds are numbers or tensors that broadcast with `input`; None leaves a side open, and one of them must be given
(else ValueError), as is a number within the range of an integer `input`. NaN stays NaN; where min > max the result is
max. Dtypes promote. The gradient is that of x where
min <= x <= max, else that of the bound.

Example:
    >>> plait.clamp(plait.tensor([-2., 0.5, 2.]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
)";
constexpr auto kClampNumbers = PLAIT_BOX(clamp_numbers<false>),
               kClampNumbersIn = PLAIT_BOX(clamp_numbers<true>);
constexpr auto kClampTensors = PLAIT_BOX(clamp_tensors<false>),
               kClampTensorsIn = PLAIT_BOX(clamp_tensors<true>);

const RegisterOps kOps{
    {"where(Tensor condition, Operand input, Operand other) -> Tensor", "foc", PLAIT_BOX(where),
     R"(input where condition is true, else other.

`condition` is a bool tensor (else TypeError); `input` and `other` are tensors or numbers. All three broadcast, the dtypes
of the last two promote. Shapes that do not broadcast raise ValueError.

Example:
    >>> plait.where(plait.tensor([True, False]), plait.tensor([1., 2.]), 0.)
    tensor([1., 0.])
)"},
    {"result_type(Operand tensor1, Operand tensor2) -> Dtype", "fc",
     PLAIT_BOX(+[](const Tensor& a, const Tensor& b) { return result_type(a, b); }),
     R"(The dtype that arithmetic on the two gives.

Tensors with dimensions decide before 0-d tensors, and these before numbers; what comes later changes the dtype only when
it is of a higher category (bool, integer, float). Unsigned integers wider than uint8, for which PyTorch has no rules,
promote as in NumPy: to the narrowest dtype that holds both, and to float64 from uint64 beside a signed dtype.

Example:
    >>> plait.result_type(plait.tensor([1, 2]), 1.0)
    plait.float32
)"},
    {"where(Tensor input, Tensor condition, Operand other) -> Tensor", "mc",
     PLAIT_BOX(+[](const Tensor& input, const Tensor& condition, const Tensor& other) {
       return where(condition, input, other);
     }),
     ""},
    {"clamp(Tensor input, Tensor? min=None, Tensor? max=None) -> Tensor", "fmo", kClampTensors, ""},
    {"clamp(Tensor input, Scalar? min=None, Scalar? max=None) -> Tensor", "fmo", kClampNumbers, kClampDoc},
    {"clamp_(Tensor input, Tensor? min=None, Tensor? max=None) -> Tensor", "fm", kClampTensorsIn, ""},
    {"clamp_(Tensor input, Scalar? min=None, Scalar? max=None) -> Tensor", "fm", kClampNumbersIn,
     "The in-place form of clamp: write the result into `input` and return it."},
    {"clip(Tensor input, Tensor? min=None, Tensor? max=None) -> Tensor", "fmo", kClampTensors, ""},
    {"clip(Tensor input, Scalar? min=None, Scalar? max=None) -> Tensor", "fmo", kClampNumbers, kClampDoc},
    {"clip_(Tensor input, Tensor? min=None, Tensor? max=None) -> Tensor", "fm", kClampTensorsIn, ""},
    {"clip_(Tensor input, Scalar? min=None, Scalar? max=None) -> Tensor", "fm", kClampNumbersIn,
     "The in-place form of clip: write the result into `input` and return it."},
    {"clamp_min(Tensor input, Operand min) -> Tensor", "fmo", PLAIT_BOX(clamp_below<false>),
     R"(max(x, min): clamp with a lower bound only, a number or a tensor.

Example:
    >>> plait.clamp_min(plait.tensor([-2., 2.]), 0)
    tensor([0., 2.])
)"},
    {"clamp_min_(Tensor input, Operand min) -> Tensor", "fm", PLAIT_BOX(clamp_below<true>),
     "The in-place form of clamp_min: writes the result into `input`."},
    {"clamp_max(Tensor input, Operand max) -> Tensor", "fmo", PLAIT_BOX(clamp_above<false>),
     R"(min(x, max): clamp with an upper bound only, a number or a tensor.

Example:
    >>> plait.clamp_max(plait.tensor([-2., 2.]), 0)
    tensor([-2.,  0.])
)"},
    {"clamp_max_(Tensor input, Operand max) -> Tensor", "fm", PLAIT_BOX(clamp_above<true>),
     "The in-place form of clamp_max: writes the result into `input`."},
    {"lerp(Tensor input, Tensor end, Operand weight) -> Tensor", "fmoc", PLAIT_BOX(lerp),
     R"(input + weight * (end - input): linear interpolation.

`weight` is a number or a tensor; all broadcast. For weights of at least 1/2 the same line is computed from `end`, so that
weight 1 gives `end` exactly.

Example:
    >>> plait.lerp(plait.tensor([1., 2.]), plait.tensor([5., 6.]), 0.25)
    tensor([2., 3.])
)"},
    {"lerp_(Tensor input, Tensor end, Operand weight) -> Tensor", "fmc",
     PLAIT_BOX(
         +[](const Tensor& a, const Tensor& b, const Tensor& w) { return apply_inplace<LerpOp>(a, b, w); }),
     "The in-place form of lerp: write the result into `input` and return it."},
    {"addcmul(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor", "fmoc",
     PLAIT_BOX(addcmul), R"(input + value * tensor1 * tensor2.

The three tensors broadcast and their dtypes promote.

Example:
    >>> plait.addcmul(plait.tensor([1.]), plait.tensor([2.]), plait.tensor([3.]), value=0.5)
    tensor([4.])
)"},
    {"addcmul_(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor", "fmc",
     PLAIT_BOX(+[](const Tensor& a, const Tensor& b, const Tensor& c, Scalar v) {
       return apply_inplace<AddcmulOp>(a, b, c, v);
     }),
     "The in-place form of addcmul: write the result into `input` and return it."},
    {"addcmul_(Tensor input, Scalar value, Tensor tensor1, Tensor tensor2) -> Tensor", "mc",
     PLAIT_BOX(+[](const Tensor& a, Scalar v, const Tensor& b, const Tensor& c) {
       return apply_inplace<AddcmulOp>(a, b, c, v);
     }),
     ""},
    {"addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor", "fmoc",
     PLAIT_BOX(addcdiv), R"(input + value * tensor1 / tensor2.

The three tensors broadcast and their dtypes promote; integers raise TypeError.

Example:
    >>> plait.addcdiv(plait.tensor([1.]), plait.tensor([3.]), plait.tensor([2.]), value=2)
    tensor([4.])
)"},
    {"addcdiv_(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor", "fmc",
     PLAIT_BOX(+[](const Tensor& a, const Tensor& b, const Tensor& c, Scalar v) {
       return apply_inplace<AddcdivOp>(a, b, c, v);
     }),
     "The in-place form of addcdiv: write the result into `input` and return it."},
    {"addcdiv_(Tensor input, Scalar value, Tensor tensor1, Tensor tensor2) -> Tensor", "mc",
     PLAIT_BOX(+[](const Tensor& a, Scalar v, const Tensor& b, const Tensor& c) {
       return apply_inplace<AddcdivOp>(a, b, c, v);
     }),
     ""},
    {"isclose(Tensor input, Tensor other, float rtol=1e-05, "
     "float atol=1e-08, bool equal_nan=False) -> Tensor",
     "fmc", PLAIT_BOX(isclose),
     R"(True where |input - other| <= atol + rtol * |other|, or where both are equal.

Both have one dtype (else TypeError) and broadcast. With equal_nan, NaN is close to NaN. Negative tolerances raise
ValueError.

Example:
    >>> plait.isclose(plait.tensor([1., 2.]), plait.tensor([1.0000001, 2.1]))
    tensor([ True, False])
)"},
    {"allclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> bool",
     "fmc", PLAIT_BOX(allclose),
     R"(True when isclose holds for every element.

Example:
    >>> plait.allclose(plait.tensor([1., 2.]), plait.tensor([1.0000001, 2.]))
    True
)"},
    {"equal(Tensor input, Tensor other) -> bool", "fmc", PLAIT_BOX(equal),
     R"(True when both have the same shape and equal elements.

Both have one dtype (else TypeError). NaN differs from NaN.

Example:
    >>> plait.equal(plait.tensor([1, 2]), plait.tensor([1, 2]))
    True
)"},
    {"deg2rad(Tensor input) -> Tensor", "fmo", PLAIT_BOX(deg2rad), R"(Degrees as radians: x * pi / 180.

Example:
    >>> plait.deg2rad(plait.tensor([180.]))
    tensor([3.1416])
)"},
    {"deg2rad_(Tensor input) -> Tensor", "fm", PLAIT_BOX(write_back<deg2rad>),
     "The in-place form of deg2rad: writes the result into `input`."},
    {"rad2deg(Tensor input) -> Tensor", "fmo", PLAIT_BOX(rad2deg), R"(Radians as degrees: x * 180 / pi.

Example:
    >>> plait.rad2deg(plait.tensor([3.14159265]))
    tensor([180.])
)"},
    {"rad2deg_(Tensor input) -> Tensor", "fm", PLAIT_BOX(write_back<rad2deg>),
     "The in-place form of rad2deg: writes the result into `input`."},
    {"ldexp(Tensor input, Tensor other) -> Tensor", "fmoc", PLAIT_BOX(ldexp), R"(input * 2**other.

Example:
    >>> plait.ldexp(plait.tensor([1., 3.]), plait.tensor([4, -1]))
    tensor([16.0000,  1.5000])
)"},
    {"ldexp_(Tensor input, Tensor other) -> Tensor", "fmc", PLAIT_BOX(ldexp_),
     "The in-place form of ldexp: write the result into `input` and return it."},
};

}  // namespace
}  // namespace plait
