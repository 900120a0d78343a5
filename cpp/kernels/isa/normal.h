// SPDX-License-Identifier: MIT
// The scaled error function, the normal distribution and entropies.
#pragma once

#include "kernels/isa/polynomial.h"
#include "kernels/isa/special.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// (1 + 2 x) e^(x^2) erfc(x) as a function of (x - 3.75) / (x + 3.75) (Shepherd and Laframboise, 1981,
// "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity").
//
// fit erfcx: 1.3e-16
constexpr double kErfcx[] = {
    1.2375126308378275,     -0.14024059858554702,   0.00358541548546365,     0.0822767384901511,
    -0.10880393014170484,   0.09230432116019582,    -0.058693398590615384,   0.028362277421555625,
    -0.009746579546705667,  0.0017556258320670882,  0.0002937135874095038,   -0.0002901539773760272,
    5.1649446636772305e-05, 2.238390547358424e-05,  -1.1445188134929567e-05, -9.728353264572437e-07,
    1.7537914123066969e-06, -5.828067290951116e-08, -2.6176453116855046e-07, 2.4296099893686708e-08,
    4.174764288954155e-08,  -4.370792337438076e-09, -7.2269403878291655e-09, 5.095002955370551e-10,
    1.3051790574858292e-09, -5.451097817165225e-12, -2.2323875762814056e-10, -1.5780010135674518e-11,
    3.036132537803559e-11,  4.069033394178682e-12,  -2.3056756797143877e-12, -4.102996917297313e-13};

// e^(x^2) erfc(x) for x >= 0; exactly 1 at 0.
PLAIT_INLINE F64 erfcx_right(F64 x) {
  const F64 y = polynomial(kErfcx, (x - 3.75) / (x + 3.75)) / (1 + 2 * x);
  return x == 0 ? splat<F64>(1) : x > 1e9 ? 0.56418958354775628695 / x : y;
}
PLAIT_NOINLINE F64 erfcx(F64 x) {
  const F64 y = erfcx_right(abs(x));
  const F64 left = where_any(x < 0, [&] { return 2 * exp_square(x, 1) - y; }, y);
  return x != x ? x : x < -26.7 ? splat<F64>(kInf<double>) : left;
}

// P(Z <= -a) for a >= 0.
PLAIT_INLINE F64 lower_tail(F64 a) { return 0.5 * erfcx_right(a * kSqrtHalf) * exp_square(a, -0.5); }
// Its logarithm.
PLAIT_INLINE F64 log_lower_tail(F64 a) { return log(0.5 * erfcx_right(a * kSqrtHalf)) - 0.5 * a * a; }

PLAIT_NOINLINE F64 ndtr(F64 x) {
  const F64 tail = lower_tail(min(splat<F64>(40), abs(x)));
  return x != x ? x : x < 0 ? tail : 1 - tail;
}
PLAIT_INLINE F32 ndtr(F32 x) {
  const F32 a = abs(x);
  const F32 tail = beyond(kNormalTail, a, pieces(kNormalTail, a), [](F32 far) {
    const F32 c = min(splat<F32>(kNormalCap), far), g = far_tail(c * c);
    const SplitExp e = exp_minus_square(c, 0.5f);
    const auto quotient = [](F64 g1, F64 p1, F64 c1) { return (g1 + g1 * p1) / c1; };
    return e.scale(to_f32(quotient(low_f64(g), low_f64(e.p), low_f64(c)),
                          quotient(high_f64(g), high_f64(e.p), high_f64(c))));
  });
  return x != x ? x : x < 0 ? tail : 1 - tail;
}
PLAIT_NOINLINE F64 log_ndtr(F64 x) {
  const F64 a = abs(x);
  const F64 y = where_any(x < 0, [&] { return log_lower_tail(a); }, a);
  return where_any(x >= 0, [&] { return log1p(-lower_tail(min(splat<F64>(40), a))); }, y);
}

// ndtri(p) for p < 5e-17: Newton's method on log P(Z <= -a) = log p. The start is asymptotic (DLMF 7.17.5).
PLAIT_INLINE F64 ndtri_far(F64 p) {
  const F64 log_p = log(p), u = -2 * (log_p + 0.91893853320467274178);
  F64 a = sqrt(u - log(u - log(u)));
  for (int i = 0; i < 3; ++i) {
    const F64 scaled = erfcx_right(a * kSqrtHalf);  // -d log P / da = sqrt(2 / pi) / scaled
    a = a + (log_lower_tail(a) - log_p) * scaled * 1.25331413731550025121;  // sqrt(pi / 2)
  }
  return -a;
}
// sqrt(2) erfinv(y) of y = 2 p - 1, where 1 - y^2 = 4 p (1 - p) has no cancellation.
PLAIT_NOINLINE F64 ndtri(F64 p) {
  const F64 q = p < 0.5 ? p : 1 - p, y = 1 - 2 * q;  // 1 - p is exact there
  F64 x = y * erfinv_over_argument(-log(4 * q * (1 - q))) * -1.41421356237309504880;
  x = where_any((q > 0) & (q < 5e-17), [&] { return ndtri_far(q); }, x);
  x = p < 0.5 ? x : -x;
  x = p == 0 ? splat<F64>(-kInf<double>) : p == 1 ? splat<F64>(kInf<double>) : x;
  return (p >= 0) & (p <= 1) ? x : splat<F64>(kNaN<double>);
}

PLAIT_NOINLINE F64 entr(F64 x) {
  const F64 y = -x * log(x);
  return x > 0 ? y : x == 0 ? F64{} : x < 0 ? splat<F64>(-kInf<double>) : x;
}
PLAIT_NOINLINE F64 xlog1py(F64 x, F64 y) { return y != y ? y : x == 0 ? F64{} : x * log1p(y); }

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
