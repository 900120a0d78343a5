// SPDX-License-Identifier: MIT
// Functions of the pointwise family that kernels elsewhere do not need: division with rounding, integer
// powers, gamma functions, inverse error function. Scalar code where speed has never mattered.
#pragma once

#include "kernels/isa/math.h"

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
  if constexpr (kSame<V, F32>) {  // squares of floats cannot leave the range of doubles
    const V y = via_f64(a, b, [](F64 x, F64 z) { return sqrt(x * x + z * z); });
    return (abs(a) == kInf<float>) | (abs(b) == kInf<float>) ? k<V>(__builtin_inf()) : y;
  } else {
    return per_lane(a, b, [](double x, double z) { return __builtin_hypot(x, z); });
  }
}

// --- division with rounding
// ---------------------------------------------------------------------------------

// f(x, y) lane by lane in the element type.
template <class V, class F>
PLAIT_INLINE V each_lane(V a, V b, F f) {
  for (int i = 0; i < kLanes<ElemT<V>>; ++i) a[i] = f(a[i], b[i]);
  return a;
}
// Integer quotient towards zero. b = 0 is excluded by the caller; -1 is taken apart because MIN / -1 traps.
template <class T>
PLAIT_INLINE T divide_scalar(T a, T b) {
  if constexpr (T(-1) < T(0)) {
    if (b == T(-1)) return static_cast<T>(T(0) - static_cast<T>(a));
  }
  return b == 0 ? T(0) : static_cast<T>(a / b);
}

// C's fmod, exact. In double the quotient's error is at most one, and a - q b is exact while q is below 2^28.
template <class V>
PLAIT_INLINE V fmod(V a, V b) {
  using T = ElemT<V>;
  if constexpr (kIsFloat<T>) {
    const auto exact = [](double x, double y) { return __builtin_fmod(x, y); };
    if constexpr (kSame<V, F32>) {
      const V q = a / b;
      if (__builtin_expect(any(!(abs(q) < 0x1p28f)), 0)) return per_lane(a, b, exact);
      return copysign(via_f64(a, b,
                              [](F64 x, F64 y) {
                                const F64 ax = abs(x), ay = abs(y);
                                const F64 r = ax - trunc(ax / ay) * ay;
                                return r < 0 ? r + ay : r >= ay ? r - ay : r;
                              }),
                      a);
    }
    return per_lane(a, b, exact);
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

// --- gamma and inverse error functions
// ----------------------------------------------------------------------

template <class V>
PLAIT_INLINE V lgamma(V x) {
  return per_lane(x, [](double v) {
    int sign;
    return __builtin_lgamma_r(v, &sign);
  });
}

// psi(x) = psi(1 - x) - pi / tan(pi x); recurrence to x >= 10, then the asymptotic series
// (DLMF 5.5.4, 5.11.2).
inline double digamma_scalar(double x) {
  if (x == 0) return __builtin_copysign(kInf<double>, -x);
  double y = 0;
  if (x < 0) {
    if (x == __builtin_floor(x)) return kNaN<double>;
    const double q = x - __builtin_floor(x);
    y = -3.14159265358979323846 / __builtin_tan(3.14159265358979323846 * q);
    x = 1 - x;
  }
  for (; x < 10; ++x) y -= 1 / x;
  const double z = 1 / (x * x);
  const double series =
      z * (1. / 12 -
           z * (1. / 120 - z * (1. / 252 - z * (1. / 240 - z * (1. / 132 - z * (691. / 32760 - z / 12))))));
  return y + __builtin_log(x) - 0.5 / x - (x < 1e17 ? series : 0);
}
// (-1)^(n+1) n! sum_{i >= 0} (x + i)^-(n+1): terms up to x + i >= 10 + n, then Euler and Maclaurin's formula
// (DLMF 25.11.5), which also gives the terms far left of 0.
inline double polygamma_scalar(double x, double n) {
  if (n == 0) return digamma_scalar(x);
  if (!(n >= 1 && n <= 170) || n != __builtin_floor(n)) return kNaN<double>;
  const double s = n + 1;
  double factorial = 1;
  for (double i = 2; i <= n; ++i) factorial *= i;
  const bool odd = __builtin_fmod(n, 2.0) != 0;
  if (x <= 0 && x == __builtin_floor(x)) return odd ? kInf<double> : kNaN<double>;
  if (x == kInf<double>) return 0;
  double sum = 0;
  constexpr double kLeft = -1000;
  if (x < kLeft) {
    const auto from = [s](double z) { return __builtin_pow(z, -s) * (z / (s - 1) + 0.5 + s / (12 * z)); };
    const double first = x + __builtin_floor(kLeft - x);
    sum = (odd ? 1 : -1) * (from(1 - first) - from(1 - x));
    x = first;
  }
  for (; x < 10 + n; ++x) sum += __builtin_pow(x, -s);
  constexpr double kBernoulli[] = {1. / 6,       -1. / 30, 1. / 42,      -1. / 30,      5. / 66,
                                   -691. / 2730, 7. / 6,   -3617. / 510, 43867. / 798., -174611. / 330};
  const double at = __builtin_pow(x, -s);
  sum += at * (x / (s - 1) + 0.5);
  double factor = at * s / (2 * x);  // s (s + 1) ... (s + 2j - 2) x^(1 - s - 2j) / (2j)!
  for (int j = 1; j <= 10; ++j) {
    sum += kBernoulli[j - 1] * factor;
    factor *= (s + 2 * j - 1) * (s + 2 * j) / (x * x * (2 * j + 1) * (2 * j + 2));
  }
  return (odd ? 1 : -1) * factorial * sum;
}
// Winitzki's closed form to three digits, then Halley's steps on erf, on the side that does not cancel.
inline double erfinv_scalar(double y) {
  const double a = __builtin_fabs(y);
  if (!(a < 1)) return a == 1 ? __builtin_copysign(kInf<double>, y) : kNaN<double>;
  if (a < 1e-9) return y * 0.88622692545275801365;
  const double l = __builtin_log1p(-a * a), c = 4.3307467508 + 0.5 * l;
  double x = __builtin_sqrt(__builtin_sqrt(c * c - l / 0.147) - c);
  for (int i = 0; i < 3; ++i) {
    const double e = a > 0.5 ? (1 - a) - __builtin_erfc(x) : __builtin_erf(x) - a;
    const double u = e / (1.1283791670955126 * __builtin_exp(-x * x));
    x -= u / (1 + x * u);
  }
  return __builtin_copysign(x, y);
}

template <class V>
PLAIT_INLINE V digamma(V x) {
  return per_lane(x, digamma_scalar);
}
template <class V>
PLAIT_INLINE V polygamma(V x, V order) {
  return per_lane(x, order, polygamma_scalar);
}
template <class V>
PLAIT_INLINE V erfinv(V x) {
  return per_lane(x, erfinv_scalar);
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
