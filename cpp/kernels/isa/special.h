// SPDX-License-Identifier: MIT
// Functions of the pointwise family that kernels elsewhere do not need: division with rounding, integer
// powers, gamma functions, inverse error function. Scalar code where speed has not mattered; the rules of
// math.h hold.
#pragma once

#include "kernels/isa/math.h"
#include "kernels/special/special.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// A constant of the element type.
template <class V>
PLAIT_INLINE V k(double c) {
  return splat<V>(static_cast<ElemT<V>>(c));
}

template <class V>
PLAIT_INLINE V sign(V x) {  // NaN gives 0
  using I = MaskOf<V>;
  if constexpr (kIsFloat<ElemT<V>>) {
    return x > 0 ? k<V>(1) : x < 0 ? k<V>(-1) : V{};
  } else {
    return (V)(I)(x < 0) | ((V)(I)(x > 0) & 1);
  }
}

template <class V>
PLAIT_INLINE V hypot(V a, V b) {
  if constexpr (kSame<V, F32>) {
    const V x = abs(a), z = abs(b), larger = max(x, z), y = sqrt(fma(x, x, z * z));
    // Squares of what lies outside leave the range of floats, not that of doubles.
    const auto inside = (larger < 1e18f) & ((larger > 1e-15f) | (larger == 0));
    if (__builtin_expect(!any(!inside), 1)) return y;
    const V wide = via_f64(a, b, [](F64 p, F64 q) { return sqrt(p * p + q * q); });
    return (x == kInf<float>) | (z == kInf<float>) ? k<V>(__builtin_inf()) : inside ? y : wide;
  } else {
    return per_lane(a, b, [](double x, double z) { return __builtin_hypot(x, z); });
  }
}

// ---- Division with rounding ----

// f(x, y) lane by lane in the element type.
template <class V, class F>
PLAIT_INLINE V each_lane(V a, V b, F f) {
  for (int i = 0; i < kLanes<ElemT<V>>; ++i) a[i] = f(a[i], b[i]);
  return a;
}
// Integer quotient towards zero; the caller excludes b = 0. -1 has its own branch because MIN / -1 traps.
template <class T>
PLAIT_INLINE T divide_scalar(T a, T b) {
  if constexpr (T(-1) < T(0)) {
    if (b == T(-1)) return static_cast<T>(T(0) - static_cast<T>(a));
  }
  return b == 0 ? T(0) : static_cast<T>(a / b);
}

// C's fmod, exact. In double the quotient's error is at most one, and a - q b is exact while q is below 2^28;
// with FMA it is while q is below 2^53: q is right or one too large, never too small.
template <class V>
PLAIT_INLINE V fmod(V a, V b) {
  using T = ElemT<V>;
  if constexpr (kIsFloat<T>) {
    const auto exact = [](double x, double y) { return __builtin_fmod(x, y); };
    if constexpr (kSame<V, F32>) {
      const V q = a / b, r = via_f64(a, b, [](F64 x, F64 y) {
                           const F64 ax = abs(x), ay = abs(y);
                           const F64 rest = ax - trunc(ax / ay) * ay;
                           return rest < 0 ? rest + ay : rest >= ay ? rest - ay : rest;
                         });
      return with_lanes(q == 0 ? a : copysign(r, a), !(abs(q) < 0x1p28f), exact, a, b);
    } else if constexpr (kHasFma) {
      const V ax = abs(a), ay = abs(b), q = trunc(ax / ay), r = fma(-q, ay, ax);
      return with_lanes(q == 0 ? a : copysign(r < 0 ? r + ay : r, a), !(q < 0x1p53), exact, a, b);
    } else {
      return per_lane(a, b, exact);
    }
  } else {
    return each_lane(a, b, [](T x, T y) { return static_cast<T>(x - divide_scalar(x, y) * y); });
  }
}
// Python's %: the sign of the divisor.
template <class V>
PLAIT_INLINE V remainder(V a, V b) {
  const V m = fmod(a, b);
  return (m != 0) & ((m < 0) != (b < 0)) ? m + b : m;
}
template <class V>
PLAIT_INLINE V trunc_divide(V a, V b) {
  using T = ElemT<V>;
  if constexpr (kIsFloat<T>) {
    return trunc(a / b);
  } else {
    return each_lane(a, b, [](T x, T y) { return divide_scalar(x, y); });
  }
}
// Python's //: through the remainder, so that a == (a // b) * b + a % b.
template <class V>
PLAIT_INLINE V floor_divide(V a, V b) {
  using T = ElemT<V>;
  if constexpr (kIsFloat<T>) {
    const V m = fmod(a, b);
    V q = (a - m) / b;
    q = (m != 0) & ((b < 0) != (m < 0)) ? q - 1 : q;
    const V f = floor(q);
    const V y = q != 0 ? (q - f > k<V>(0.5) ? f + 1 : f) : copysign(V{}, a / b);
    return b == 0 ? a / b : y;
  } else {
    return each_lane(a, b, [](T x, T y) {
      const T q = divide_scalar(x, y);
      return static_cast<T>(q * y != x && (x < 0) != (y < 0) ? q - 1 : q);
    });
  }
}

// Integer powers wrap around; negative exponents give 0, or +-1 where the base is +-1.
template <class V>
PLAIT_INLINE V integer_pow(V a, V b) {
  using T = ElemT<V>;
  return each_lane(a, b, [](T x, T y) {
    if (y < 0) return static_cast<T>(x == T(1) ? 1 : x == T(-1) ? (y & 1 ? -1 : 1) : 0);
    uint64_t r = 1, base = static_cast<uint64_t>(x);
    for (uint64_t e = static_cast<uint64_t>(y); e; e >>= 1, base *= base) r *= e & 1 ? base : 1;
    return static_cast<T>(r);
  });
}

// ---- Gamma and inverse error functions ----

// For positive x to float's precision, all lanes at once: n steps of the recurrence up to x >= 10, collected
// in one logarithm or one quotient, then the asymptotic series.
PLAIT_INLINE F64 lgamma_positive(F64 x) {
  F64 product = splat<F64>(1);
  for (int i = 0; i < 10; ++i) {
    const auto below = x < 10;
    product = below ? product * x : product;
    x = below ? x + 1 : x;
  }
  const F64 z = 1 / (x * x);
  const F64 series = poly(z, 1. / 12, -1. / 360, 1. / 1260, -1. / 1680, 1. / 1188) / x;
  return (x - 0.5) * (log(x) - 1) + (0.41893853320467274 + series) - log(product);
}
PLAIT_INLINE F64 digamma_positive(F64 x) {  // to that of a double
  F64 numerator{}, denominator = splat<F64>(1);
  for (int i = 0; i < 10; ++i) {
    const auto below = x < 10;
    numerator = below ? numerator * x + denominator : numerator;
    denominator = below ? denominator * x : denominator;
    x = below ? x + 1 : x;
  }
  const F64 r = 1 / x, z = r * r;
  const F64 series =
      poly(z, 1. / 12, -1. / 120, 1. / 252, -1. / 240, 1. / 132, -691. / 32760, 1. / 12);  // DLMF 5.11.2
  return log(x) - 0.5 * r - z * series - numerator / denominator;
}
PLAIT_INLINE F64 trigamma_positive(F64 x) {
  F64 numerator{}, denominator = splat<F64>(1);
  for (int i = 0; i < 10; ++i) {
    const auto below = x < 10;
    const F64 square = x * x;
    numerator = below ? numerator * square + denominator : numerator;
    denominator = below ? denominator * square : denominator;
    x = below ? x + 1 : x;
  }
  const F64 r = 1 / x, z = r * r;
  return numerator / denominator + (r + 0.5 * z + r * z * poly(z, 1. / 6, -1. / 30, 1. / 42, -1. / 30));
}

// erfinv(y) / y: three polynomials by w = -log(1 - y^2); the coefficients are those of Giles (2012),
// "Approximating the erfinv function". The outer two are rare.
PLAIT_INLINE F64 erfinv_over_argument(F64 w) {
  // fit erfinv_near: 2.5e-16
  F64 p = poly(w - 3.125, 1.6536545626831027356, 0.24015818242558961693, -0.0060336708714301490533,
               -0.00074070253416626697512, 0.0001867342080340571352, -1.3882523362786468719e-05,
               -1.3654692000834678645e-06, 4.2347877827932403518e-07, -2.9070369957882005086e-08,
               -4.1126339803469836976e-09, 1.051212273321532285e-09, -5.4154120542946279317e-11,
               -1.2975133253453532498e-11, 2.6335093153082322977e-12, -8.1519341976054721522e-14,
               -4.0545662729752068639e-14, 6.6376381343583238325e-15, 2.0972767875968561637e-17,
               -1.333171662854620906e-16, 1.115787767802518096e-17, 1.2858480715256400167e-18,
               -1.685059138182016589e-19, -3.6444120640178196996e-21);
  if (__builtin_expect(any(!(w < 6.25)), 0)) {
    const F64 s = sqrt(w);
    // fit erfinv_middle: 2.0e-16
    const F64 middle = poly(s - 3.25, 3.0838856104922207635, 1.0052589676941592334, 0.005370914553590063617,
                            -0.0037512085075692412107, 0.0024914420961078508066, -0.0016882755560235047313,
                            0.00095328937973738049703, -0.0003550375203628474796, 2.4031110387097893999e-05,
                            6.8284851459573175448e-05, -4.7318229009055733981e-05, 1.2475304481671778723e-05,
                            2.9234449089955446044e-06, -4.013867526981545969e-06, 1.5027403968909827627e-06,
                            1.8239629214389227755e-08, -2.7517406297064545428e-07, 9.0756561938885390979e-08,
                            2.2137376921775787049e-09);
    // fit erfinv_far: 2.8e-16
    const F64 far = poly(s - 5, 4.8499064014085844221, 1.0103004648645343977, -0.00013871931833623122026,
                         -0.00021503011930044477347, 7.5995277030017761139e-05, -1.9681778105531670567e-05,
                         4.5260625972231537039e-06, -9.9298272942317002539e-07, 2.2900482228026654717e-07,
                         -6.7711997758452339498e-08, 2.9147953450901080826e-08, -1.4960026627149240478e-08,
                         7.6157012080783393804e-09, -3.7894654401267369937e-09, 1.5076572693500548083e-09,
                         -2.5556418169965252055e-10, -2.7109920616438573243e-11);
    p = w < 6.25 ? p : w < 16 ? middle : far;
  }
  return p;
}
PLAIT_INLINE F64 erfinv(F64 y) {
  const F64 a = abs(y), p = erfinv_over_argument(-log((1 - a) * (1 + a)));
  return a < 1 ? p * y : a == 1 ? copysign(splat<F64>(kInf<double>), y) : splat<F64>(kNaN<double>);
}
PLAIT_INLINE F32 erfinv(F32 y) {
  return via_f64(y, [](F64 d) { return erfinv(d); });
}

// float32: vector code right of 0; left of it, and where lgamma is near a zero, lane by lane.
template <class V>
PLAIT_INLINE V lgamma(V x) {
  const auto exact = [](double v) {
    int sign;
    return __builtin_lgamma_r(v, &sign);
  };
  if constexpr (kSame<V, F32>) {
    const auto near_zero = (abs(x - 1) < 1e-3f) | (abs(x - 2) < 1e-3f);
    const auto together = [](V v) { return via_f64(v, [](F64 d) { return lgamma_positive(d); }); };
    return vector_or_lanes<V>((x <= 0) | (x != x) | near_zero, together, exact, x);
  } else {
    return per_lane(x, exact);
  }
}
template <class V>
PLAIT_INLINE V digamma(V x) {
  if constexpr (kSame<V, F32>) {
    const auto together = [](V v) { return via_f64(v, [](F64 d) { return digamma_positive(d); }); };
    return vector_or_lanes<V>(!(x > 0), together, special::digamma, x);
  } else {
    return per_lane(x, special::digamma);
  }
}
template <class V>
PLAIT_INLINE V polygamma(V x, V order) {
  if constexpr (kSame<V, F32>) {
    const auto together = [](V v, V) { return via_f64(v, [](F64 d) { return trigamma_positive(d); }); };
    return vector_or_lanes<V>((x <= 0) | (x != x) | (order != 1), together, special::polygamma, x, order);
  } else {
    return per_lane(x, order, special::polygamma);
  }
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
