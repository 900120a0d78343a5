// SPDX-License-Identifier: MIT
// Addition, multiplication, division and powers.
#include <cmath>
#include <string>

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

bool is_one(const Scalar& s) {
  const Complex<double> z = s.to_complex();
  return z.re == 1 && z.im == 0;
}
Scalar conj(const Scalar& s) {
  const Complex<double> z = s.to_complex();
  return s.is_complex() ? Scalar(Complex<double>{z.re, -z.im}) : s;
}

// y = a + alpha b or a - alpha b
template <bool kMinus>
struct AddOp {
  static constexpr OpMeta meta{kMinus ? "sub" : "add"};

  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b, Scalar alpha) {
    const DType dtype = result_type(a, b);
    if constexpr (kMinus) {
      PLAIT_CHECK(a.dtype() != DType::kBool && b.dtype() != DType::kBool, kType,
                  "sub: expected numeric dtypes, got ", dtype_name(a.dtype()), " and ", dtype_name(b.dtype()),
                  "\nhint: use ^ or logical_xor() for bool");
    }
    PLAIT_CHECK(is_complex(dtype) || !alpha.is_complex(), kType, meta.name,
                ": expected a real alpha for dtype ", dtype_name(dtype), ", got a complex one");
    PLAIT_CHECK(is_differentiable(dtype) || !alpha.is_float(), kType, meta.name,
                ": expected an integer alpha for dtype ", dtype_name(dtype), ", got ", alpha.to_double());
    if (is_one(alpha)) {
      return run_pointwise_op(kMinus ? Pointwise::kSub : Pointwise::kAdd, meta.name, dtype, {&a, &b}, {},
                              ctx.destination());
    }
    if (dtype == DType::kBool) {  // alpha is true or false
      const Tensor scaled = alpha.to_int() != 0 ? b : zeros_like(b);
      return run_pointwise_op(Pointwise::kAdd, meta.name, dtype, {&a, &scaled}, {}, ctx.destination());
    }
    if (alpha.is_complex()) {
      const Complex<double> z = alpha.to_complex();
      const Tensor factor = Scalar(kMinus ? Complex<double>{-z.re, -z.im} : z).to_tensor();
      return run_pointwise_op(Pointwise::kAddScaled, meta.name, dtype, {&a, &b, &factor}, {},
                              ctx.destination());
    }
    const double factor = kMinus ? -alpha.to_double() : alpha.to_double();
    return run_pointwise_op(Pointwise::kAddScaled, meta.name, dtype, {&a, &b}, {factor}, ctx.destination());
  }

  // ga = gy, gb = conj(alpha) gy for add, -conj(alpha) gy for sub
  static Grads backward(OpContext& ctx, const Tensor& gy, Scalar alpha) {
    Tensor gb;
    if (ctx.needs_grad(1)) {
      gb = kMinus ? neg(gy) : gy;
      if (!is_one(alpha)) gb = mul(gb, conj(alpha));
    }
    return {gy, gb};
  }
};

struct MulOp {
  static constexpr OpMeta meta{"mul"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b) {
    if (ctx.recording()) {  // each gradient needs the other operand only
      ctx.save(ctx.needs_grad(1) ? a : Tensor(), ctx.needs_grad(0) ? b : Tensor());
    }
    return run_pointwise_op(Pointwise::kMul, "mul", result_type(a, b), {&a, &b}, {}, ctx.destination());
  }
  // ga = gy conj(b), gb = gy conj(a)
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    return {ctx.needs_grad(0) ? mul(gy, plait::conj(ctx.saved(1))) : Tensor(),
            ctx.needs_grad(1) ? mul(gy, plait::conj(ctx.saved(0))) : Tensor()};
  }
};

struct DivOp {
  static constexpr OpMeta meta{"div"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b) {
    if (ctx.recording()) ctx.save(ctx.needs_grad(1) ? a : Tensor(), b);
    return run_pointwise_op(Pointwise::kDiv, "div", float_type(result_type(a, b)), {&a, &b}, {},
                            ctx.destination());
  }
  // ga = gy / conj(b), gb = -gy conj(a / b^2)
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    const Tensor b = ctx.saved(1);
    return {ctx.needs_grad(0) ? div(gy, plait::conj(b)) : Tensor(),
            ctx.needs_grad(1) ? gy * plait::conj(composite::Div::db(composite::operand(ctx, 0, gy),
                                                                    composite::operand(ctx, 1, gy)))
                              : Tensor()};
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gy) {
    if (gy.is_complex()) return backward(ctx, gy);
    const Tensor b = ctx.saved(1);
    Grads g(2);
    if (ctx.needs_grad(0)) g[0] = div(gy, b);
    if (ctx.needs_grad(1)) {
      const Tensor a = ctx.saved(0);
      g[1] = run_pointwise_op(Pointwise::kDivGradB, "div", gy.dtype(), {&gy, &a, &b});
    }
    return g;
  }
};

struct TruncDivideOp {
  static constexpr OpMeta meta{"div"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b) {
    const DType dtype = result_type(a, b);
    check_divisor("div", b, dtype);
    return run_pointwise_op(Pointwise::kTruncDivide, "div", dtype, {&a, &b}, {}, ctx.destination());
  }
  // ga = gb = 0
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    return {ctx.needs_grad(0) ? zeros_like(gy) : Tensor(), ctx.needs_grad(1) ? zeros_like(gy) : Tensor()};
  }
};

struct PowOp {
  static constexpr OpMeta meta{"pow"};
  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b) {
    ctx.save(a, b);
    return run_pointwise_op(Pointwise::kPow, "pow", result_type(a, b), {&a, &b}, {}, ctx.destination());
  }
  // ga = gy conj(b a^(b - 1)), gb = gy conj(a^b log a)
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    const Tensor a = composite::operand(ctx, 0, gy), b = composite::operand(ctx, 1, gy);
    if (gy.is_complex()) {
      return {ctx.needs_grad(0) ? gy * plait::conj(composite::Pow::da(a, b)) : Tensor(),
              ctx.needs_grad(1) ? gy * plait::conj(complex_db(a, b)) : Tensor()};
    }
    return {ctx.needs_grad(0) ? gy * composite::Pow::da(a, b) : Tensor(),
            ctx.needs_grad(1) ? gy * composite::Pow::db(a, b) : Tensor()};
  }
  // a^b log a; 0 where a is 0 and the real part of b is not negative
  static Tensor complex_db(const Tensor& a, const Tensor& b) {
    const Tensor none = logical_and(eq(a, int64_t{0}), ge(real(b), int64_t{0}));
    const Tensor one = Scalar(Complex<double>{1, 0}).to_tensor();
    return where(none, zeros(IntSpan(), a.dtype()), pow(a, b) * log(where(none, cast(one, a.dtype()), a)));
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gy) {
    if (gy.is_complex()) return backward(ctx, gy);
    const Tensor a = ctx.saved(0), b = ctx.saved(1);
    const auto gradient = [&](Pointwise op) {
      return run_pointwise_op(op, "pow", gy.dtype(), {&gy, &a, &b});
    };
    return {ctx.needs_grad(0) ? gradient(Pointwise::kPowGradA) : Tensor(),
            ctx.needs_grad(1) ? gradient(Pointwise::kPowGradB) : Tensor()};
  }
};

// x^p of floats for a number p: the common exponents have kernels of their own.
struct PowNumberOp {
  static constexpr OpMeta meta{"pow"};
  static Tensor forward(OpContext& ctx, const Tensor& x, double p) {
    ctx.save(x);
    const DType dtype = float_type(x.dtype());
    const Tensor& to = ctx.destination();
    const auto kernel = [&](Pointwise op) { return run_pointwise_op(op, "pow", dtype, {&x}, {}, to); };
    if (p == 2) return kernel(Pointwise::kSquare);
    if (p == 0.5) return kernel(Pointwise::kSqrt);
    if (p == -0.5) return kernel(Pointwise::kRsqrt);
    if (p == -1) return kernel(Pointwise::kReciprocal);
    if (p == 3) return kernel(Pointwise::kCube);
    return run_pointwise_op(Pointwise::kPow, "pow", dtype, {&x}, {p}, to);
  }
  // gx = gy conj(p x^(p - 1))
  static Grads backward(OpContext& ctx, const Tensor& gy, double p) {
    if (p == 0) return {zeros_like(gy)};
    return {gy * plait::conj(mul(pow(ctx.saved(0), Scalar(p - 1)), p))};
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, double p) {
    if (p == 0) return {zeros_like(gy)};
    const Tensor x = ctx.saved(0);
    if (x.is_complex()) return backward(ctx, gy, p);
    if (p == 2) return {run_pointwise_op(Pointwise::kSquareGrad, "pow", gy.dtype(), {&gy, &x})};
    if (p == 3) return {run_pointwise_op(Pointwise::kCubeGrad, "pow", gy.dtype(), {&gy, &x})};
    return {run_pointwise_op(Pointwise::kPowGradA, "pow", gy.dtype(), {&gy, &x}, {p})};
  }
};

// Which of the two forms a call takes, and what integers allow.
bool is_number_power(const Tensor& a, const Tensor& b) {
  if (!b.is_wrapped_number() || a.is_wrapped_number() || b.is_complex()) {
    PLAIT_CHECK(result_type(a, b) != DType::kBool, kType, "pow: expected a numeric dtype, got bool");
    return false;
  }
  if (is_differentiable(result_type(a, b))) return true;
  PLAIT_CHECK(is_unsigned(b.dtype()) || b.item_as<int64_t>() >= 0, kRuntime,
              "pow: Integers to negative integer powers are not allowed.");
  PLAIT_CHECK(result_type(a, b) != DType::kBool, kType, "pow: expected a numeric dtype, got bool");
  return false;
}

Tensor pow_(const Tensor& a, const Tensor& b) {
  if (is_number_power(a, b)) return apply_inplace<PowNumberOp>(a, b.item_as<double>());
  return apply_inplace<PowOp>(a, b);
}

Tensor pow_of(const Tensor& a, const Tensor& b) {
  check_has_tensor("pow", a, b);
  return pow(a, b);
}

Tensor float_power(const Tensor& a, const Tensor& b) {
  check_has_tensor("float_power", a, b);
  const auto wide = [](const Tensor& x) {
    return cast(x, x.is_complex() ? DType::kComplex128 : DType::kFloat64);
  };
  return pow(wide(a), b.is_wrapped_number() ? b : wide(b));
}

Tensor float_power_(const Tensor& a, const Tensor& b) {
  PLAIT_CHECK(a.dtype() == DType::kFloat64, kType, "float_power_: expected an input of dtype float64, got ",
              dtype_name(a.dtype()));
  return pow_(a, b.is_wrapped_number() ? b : cast(b, DType::kFloat64));
}

Tensor rsub(const Tensor& a, const Tensor& b, Scalar alpha) { return sub(b, a, alpha); }

Tensor div_rounded(const Tensor& a, const Tensor& b, std::optional<std::string_view> mode) {
  return mode ? div(a, b, *mode) : div(a, b);
}
Tensor div_rounded_(const Tensor& a, const Tensor& b, std::optional<std::string_view> mode) {
  if (!mode) return div_(a, b);
  copy_(a, div(a, b, *mode));
  return a;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b, Scalar alpha) { return apply<AddOp<false>>(a, b, alpha); }
Tensor sub(const Tensor& a, const Tensor& b, Scalar alpha) { return apply<AddOp<true>>(a, b, alpha); }
Tensor mul(const Tensor& a, const Tensor& b) { return apply<MulOp>(a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return apply<DivOp>(a, b); }
Tensor div(const Tensor& a, const Tensor& b, std::string_view mode) {
  PLAIT_CHECK(!is_complex(result_type(a, b)), kType, "div: expected real numbers for rounding_mode, got ",
              dtype_name(a.dtype()), " and ", dtype_name(b.dtype()));
  if (mode == "floor") return floor_divide(a, b);
  PLAIT_CHECK(mode == "trunc", kValue, "div: expected rounding_mode to be None, 'trunc' or 'floor', got '",
              std::string(mode), "'");
  return apply<TruncDivideOp>(a, b);
}
Tensor pow(const Tensor& a, const Tensor& b) {
  if (is_number_power(a, b)) return apply<PowNumberOp>(a, b.item_as<double>());
  return apply<PowOp>(a, b);
}
Tensor add_(const Tensor& a, const Tensor& b, Scalar alpha) {
  return apply_inplace<AddOp<false>>(a, b, alpha);
}
Tensor sub_(const Tensor& a, const Tensor& b, Scalar alpha) {
  return apply_inplace<AddOp<true>>(a, b, alpha);
}
Tensor mul_(const Tensor& a, const Tensor& b) { return apply_inplace<MulOp>(a, b); }
Tensor div_(const Tensor& a, const Tensor& b) { return apply_inplace<DivOp>(a, b); }

namespace {

constexpr auto kAdd = PLAIT_BOX(static_cast<Tensor (*)(const Tensor&, const Tensor&, Scalar)>(add));
constexpr auto kSub = PLAIT_BOX(static_cast<Tensor (*)(const Tensor&, const Tensor&, Scalar)>(sub));
constexpr auto kMul = PLAIT_BOX(static_cast<Tensor (*)(const Tensor&, const Tensor&)>(mul));
constexpr auto kDiv = PLAIT_BOX(static_cast<Tensor (*)(const Tensor&, const Tensor&)>(div));

constexpr const char* kAddDoc = R"(input + alpha * other.

Both are tensors or numbers; shapes broadcast and dtypes promote. Addition of bools is logical or. A float alpha with
integer tensors raises TypeError, shapes that do not broadcast raise ValueError.

Example:
    >>> plait.add(plait.tensor([1., 2.]), plait.tensor([10., 20.]), alpha=2)
    tensor([21., 42.])
)";
constexpr const char* kSubDoc = R"(input - alpha * other.

Both are tensors or numbers; shapes broadcast and dtypes promote. Bools raise TypeError, shapes that do not broadcast
raise ValueError.

Example:
    >>> plait.sub(plait.tensor([1., 2.]), plait.tensor([10., 20.]))
    tensor([ -9., -18.])
)";
constexpr const char* kMulDoc = R"(input * other.

Both are tensors or numbers; shapes broadcast and dtypes promote. The product of bools is logical and. Shapes that do not
broadcast raise ValueError.

Example:
    >>> plait.mul(plait.tensor([1., 2.]), 3)
    tensor([3., 6.])
)";
constexpr const char* kDivDoc = R"(input / other.

Both are tensors or numbers; shapes broadcast and dtypes promote, integers to the default float dtype. With
rounding_mode='floor' or 'trunc' the quotient is rounded down or towards zero and keeps the promoted dtype; integers then
raise RuntimeError where other is 0.

Example:
    >>> plait.div(plait.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    >>> plait.div(plait.tensor([7, -7]), 2, rounding_mode='floor')
    tensor([ 3, -4])
)";

const RegisterOps kOps{
    {"add(Operand input, Operand other, *, Scalar alpha=1) -> Tensor", "fmoc", kAdd, kAddDoc},
    {"add_(Tensor input, Operand other, *, Scalar alpha=1) -> Tensor", "fmc", PLAIT_BOX(add_),
     "The in-place form of add: write the result into `input` and return it."},
    {"add_(Tensor input, Scalar alpha, Tensor other) -> Tensor", "mc",
     PLAIT_BOX(+[](const Tensor& a, Scalar alpha, const Tensor& b) { return add_(a, b, alpha); }), ""},
    {"sub(Operand input, Operand other, *, Scalar alpha=1) -> Tensor", "fmoc", kSub, kSubDoc},
    {"sub_(Tensor input, Operand other, *, Scalar alpha=1) -> Tensor", "fmc", PLAIT_BOX(sub_),
     "The in-place form of sub: write the result into `input` and return it."},
    {"sub_(Tensor input, Scalar alpha, Tensor other) -> Tensor", "mc",
     PLAIT_BOX(+[](const Tensor& a, Scalar alpha, const Tensor& b) { return sub_(a, b, alpha); }), ""},
    {"subtract(Operand input, Operand other, *, Scalar alpha=1) -> Tensor", "fmoc", kSub, kSubDoc},
    {"subtract_(Tensor input, Operand other, *, Scalar alpha=1) -> Tensor", "fmc", PLAIT_BOX(sub_),
     "The in-place form of subtract: write the result into `input` and return it."},
    {"rsub(Tensor input, Operand other, *, Scalar alpha=1) -> Tensor", "fc", PLAIT_BOX(rsub),
     R"(other - alpha * input: sub with the operands exchanged.

Example:
    >>> plait.rsub(plait.tensor([1., 2.]), 10)
    tensor([9., 8.])
)"},
    {"mul(Operand input, Operand other) -> Tensor", "fmoc", kMul, kMulDoc},
    {"mul_(Tensor input, Operand other) -> Tensor", "fmc", PLAIT_BOX(mul_),
     "The in-place form of mul: write the result into `input` and return it."},
    {"multiply(Operand input, Operand other) -> Tensor", "fmoc", kMul, kMulDoc},
    {"multiply_(Tensor input, Operand other) -> Tensor", "fmc", PLAIT_BOX(mul_),
     "The in-place form of multiply: write the result into `input` and return it."},
    {"div(Operand input, Operand other, *, str? rounding_mode=None) -> Tensor", "fmoc",
     PLAIT_BOX(div_rounded), kDivDoc},
    {"div_(Tensor input, Operand other, *, str? rounding_mode=None) -> Tensor", "fmc",
     PLAIT_BOX(div_rounded_), "The in-place form of div: write the result into `input` and return it."},
    {"divide(Operand input, Operand other, *, str? rounding_mode=None) -> Tensor", "fmoc",
     PLAIT_BOX(div_rounded), kDivDoc},
    {"divide_(Tensor input, Operand other, *, str? rounding_mode=None) -> Tensor", "fmc",
     PLAIT_BOX(div_rounded_), "The in-place form of divide: write the result into `input` and return it."},
    {"true_divide(Operand input, Operand other) -> Tensor", "fmoc", kDiv, R"(input / other, also of integers.

Both are tensors or numbers; shapes broadcast and dtypes promote, integers to the default float dtype.

Example:
    >>> plait.true_divide(plait.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
)"},
    {"true_divide_(Tensor input, Operand other) -> Tensor", "fmc", PLAIT_BOX(div_),
     "The in-place form of true_divide: write the result into `input` and return it."},
    {"pow(Operand input, Operand exponent) -> Tensor", "fmoc", PLAIT_BOX(pow_of),
     R"(input to the power exponent, as C's pow.

Both are tensors, or one is a number; shapes broadcast and dtypes promote. Integers wrap around; a negative number as the exponent
of integers raises RuntimeError, negative exponents in an integer tensor give 0 unless the base is 1 or -1.

Example:
    >>> plait.pow(plait.tensor([2., 3.]), 2)
    tensor([4., 9.])
)"},
    {"pow_(Tensor input, Operand exponent) -> Tensor", "fmc", PLAIT_BOX(pow_),
     "The in-place form of pow: write the result into `input` and return it."},
    {"float_power(Operand input, Operand exponent) -> Tensor", "fmoc", PLAIT_BOX(float_power),
     R"(input to the power exponent, computed and returned in float64.

Both are tensors, or one is a number; shapes broadcast.

Example:
    >>> plait.float_power(plait.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=plait.float64)
)"},
    {"float_power_(Tensor input, Operand exponent) -> Tensor", "m", PLAIT_BOX(float_power_),
     "The in-place form of float_power, of float64 tensors: write the result into `input` and return it."},
};

}  // namespace
}  // namespace plait
