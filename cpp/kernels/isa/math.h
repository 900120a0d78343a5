// SPDX-License-Identifier: MIT
// Elementary functions of vectors, templates over F32 and F64. Bound by multiply-adds and divisions.
// float32: at most 2 ulp from the exact value; NaN, infinities and signed zeros as in C. float64: exp, log
// and what is made of them, the trigonometric functions and their inverses are vector code (2 ulp); the rest
// calls libm lane by lane. No function needs FMA for its bound: level 0 has none. A lane's value depends on
// that lane alone: branches on a whole vector skip only what no lane selects.
// `// fit NAME: ERROR` stands before the coefficients of a fit: tools/fit_math.py NAME makes such
// coefficients,
// --check verifies the error, which is relative to the exact function. Those marked fdlibm are Sun's.
#pragma once

#include "kernels/isa/vec.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
inline constexpr T kInf = static_cast<T>(__builtin_inf());
template <class T>
inline constexpr T kNaN = static_cast<T>(__builtin_nan(""));

// c0 + x * (c1 + x * (c2 + ...))
template <class V>
PLAIT_INLINE V poly(V, double c) {
  return splat<V>(static_cast<ElemT<V>>(c));
}
template <class V, class... C>
PLAIT_INLINE V poly(V x, double c, C... rest) {
  return fma(x, poly(x, rest...), splat<V>(static_cast<ElemT<V>>(c)));
}

// A float function computed as a double one, or lane by lane through a scalar double function.
template <class F>
PLAIT_INLINE F32 via_f64(F32 x, F f) {
  return to_f32(f(low_f64(x)), f(high_f64(x)));
}
template <class F>
PLAIT_INLINE F32 via_f64(F32 x, F32 y, F f) {
  return to_f32(f(low_f64(x), low_f64(y)), f(high_f64(x), high_f64(y)));
}
// A lane for a function of the C library, which may go by the bits: where the CPU takes a denormal for 0, it
// is.
template <class T>
PLAIT_INLINE double lane_value(T v) {
  const double x = static_cast<double>(v);
  return x == 0 ? __builtin_copysign(0.0, x) : x;
}
template <class V, class F>
PLAIT_INLINE V per_lane(V x, F f) {
  for (int i = 0; i < kLanes<ElemT<V>>; ++i) x[i] = static_cast<ElemT<V>>(f(lane_value(x[i])));
  return x;
}
template <class V, class F>
PLAIT_INLINE V per_lane(V x, V y, F f) {
  for (int i = 0; i < kLanes<ElemT<V>>; ++i) {
    x[i] = static_cast<ElemT<V>>(f(lane_value(x[i]), lane_value(y[i])));
  }
  return x;
}
// y, with the elements that the mask `rest` selects replaced by the scalar function f of x in double. Few
// elements are selected, and a kernel inlines its function several times: the loop over elements is a call,
// out of line.
template <class V, class F, class... X>
PLAIT_NOINLINE V replace_lanes(V y, MaskOf<V> rest, F f, X... x) {
  for (int i = 0; i < kLanes<ElemT<V>>; ++i) {
    if (rest[i]) y[i] = static_cast<ElemT<V>>(f(lane_value(x[i])...));
  }
  return y;
}
template <class V, class F, class... X>
PLAIT_INLINE V with_lanes(V y, MaskOf<V> rest, F f, X... x) {
  return __builtin_expect(any(rest), 0) ? replace_lanes(y, rest, f, x...) : y;
}
// f(x), except in the lanes of `rest`: there the scalar double function g.
template <class V, class F, class G, class... X>
PLAIT_INLINE V vector_or_lanes(MaskOf<V> rest, F f, G g, X... x) {
  return with_lanes(any(~rest) ? f(x...) : V{}, rest, g, x...);
}

// ---- Exponentials ----

template <class V>
inline constexpr double kLn2Hi = sizeof(ElemT<V>) == 4 ? 0.693359375 : 0.6931471803691238;  // n * hi is exact
template <class V>
inline constexpr double kLn2Lo = sizeof(ElemT<V>) == 4 ? -2.1219444005469057e-4 : 1.9082149292705877e-10;

// (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2
template <class V>
PLAIT_INLINE V exp_poly(V r) {
  if constexpr (kSame<V, F32>) {
    // fit exp_float: 5.5e-9
    return poly(r, 0.5, 0.166665181517601, 0.04166620597243309, 0.008368953131139278, 0.0013950602151453495);
  } else {
    // fit exp_double: 1.3e-17
    return poly(r, 0.5000000000000013, 0.166666666666667, 0.04166666666651438, 0.00833333333330707,
                0.0013888888947315187, 0.0001984126991769729, 2.4801489605897466e-05, 2.7557216010359155e-06,
                2.763140892394441e-07, 2.5117955201502427e-08);
  }
}

template <class V>
PLAIT_INLINE V round_small(V x) {  // nearest integer of a number far below 2^22
  return (x + kRoundMagic<V>)-kRoundMagic<V>;
}

// Beyond these bounds e^x is 0 or infinite; NaN passes.
template <class V>
PLAIT_INLINE V clamp_exp(V x) {
  constexpr double kLow = sizeof(ElemT<V>) == 4 ? -105.0 : -746.0,
                   kHigh = sizeof(ElemT<V>) == 4 ? 90.0 : 711.0;
  return max(splat<V>(ElemT<V>(kLow)), min(splat<V>(ElemT<V>(kHigh)), x));
}

// 2^k * e^x: x = n ln(2) + r. kTight adds 1 + r without its rounding error: 0.75 ulp in place of 1.
template <bool kTight = false, class V>
PLAIT_INLINE V exp_scaled(V x, int k = 0) {
  using T = ElemT<V>;
  x = clamp_exp(x);
  const V n = round_small(x * T(1.4426950408889634));
  const V r = fma(n, splat<V>(T(-kLn2Lo<V>)), fma(n, splat<V>(T(-kLn2Hi<V>)), x));
  const V scale = k == 0 ? n : n + static_cast<T>(k);
  if constexpr (kTight) {
    const V s = 1 + r;
    return ldexp(s + fma(r * r, exp_poly(r), r - (s - 1)), scale);
  }
  return ldexp(1 + fma(r * r, exp_poly(r), r), scale);
}

template <class V>
PLAIT_INLINE V exp(V x) {
  return exp_scaled(x);
}

template <class V>
PLAIT_INLINE V exp2(V x) {
  using T = ElemT<V>;
  constexpr double kLow = sizeof(T) == 4 ? -151.0 : -1076.0, kHigh = sizeof(T) == 4 ? 129.0 : 1025.0;
  x = max(splat<V>(T(kLow)), min(splat<V>(T(kHigh)), x));
  const V n = round_small(x);
  const V r = (x - n) * T(0.6931471805599453);
  return ldexp(1 + fma(r * r, exp_poly(r), r), n);
}

// e^x - 1 = 2 * (h * p + (h - 1/2)) with h = 2^(n-1), p = e^r - 1
template <class V>
PLAIT_INLINE V expm1(V x) {
  using T = ElemT<V>;
  const V c = clamp_exp(x);
  const V n = round_small(c * T(1.4426950408889634));
  const V r = fma(n, splat<V>(T(-kLn2Lo<V>)), fma(n, splat<V>(T(-kLn2Hi<V>)), c));
  const V p = fma(r * r, exp_poly(r), r);
  const V h = ldexp(splat<V>(T(0.5)), n);
  const V y = fma(h, p, h - T(0.5)) * 2;
  // Tiny x (and -0) as it is; where h is infinite, a negative p must not make it NaN.
  return abs(x) < T(sizeof(T) == 4 ? 1e-8 : 1e-17) ? x
         : x > T(sizeof(T) == 4 ? 89 : 710)        ? splat<V>(kInf<T>)
                                                   : y;
}

// ---- Logarithms ----

// Splits a positive normal x = 2^e * m, m in [sqrt(1/2), sqrt(2)).
template <class V>
PLAIT_INLINE V split_exponent(V x, V& e) {
  using T = ElemT<V>;
  using I = MaskOf<V>;
  const I base = (I)splat<V>(T(0.70710678118654752));
  const I i = (I)x - base;
  if constexpr (sizeof(T) == 4) {
    const I k = i >> 23;
    e = __builtin_convertvector(k, V);
    return (V)(i - (k << 23) + base);
  } else {  // no arithmetic shift of 64 bits and no conversion below AVX-512: the biased exponent under 2^52
    constexpr int64_t kBias = int64_t{1023} << 52;
    const U64 k = (U64)(i + kBias);
    e = (V)((k >> 52) | (U64)(V{} + 0x1p52)) - (0x1p52 + 1023);
    return (V)((I)x - ((I)(k & (uint64_t{0xfff} << 52)) - kBias));
  }
}

// log(1 + f) for f in [sqrt(1/2) - 1, sqrt(2) - 1]
template <class V>
PLAIT_INLINE V log1p_poly(V f) {
  if constexpr (kSame<V, F32>) {
    // fit log1p_float: 7.3e-9
    const V p = poly(f, 0.33333316445350647, -0.25000816583633423, 0.20002302527427673, -0.16624349355697632,
                     0.14180709421634674, -0.131304532289505, 0.12885808944702148, -0.0785989761352539);
    const V f2 = f * f;
    return f + fma(f2 * f, p, f2 * -0.5f);
  } else {
    // s = f / (2 + f): log(1 + f) = 2 atanh(s) = f - (f^2/2 - s (f^2/2 + R(s^2)))
    const V s = f / (2 + f), z = s * s, half_f2 = 0.5 * f * f;
    // fit log1p_double: 1.6e-18
    const V r = z * poly(z, 0.6666666666666735, 0.3999999999940747, 0.28571428744144767, 0.22222198378164998,
                         0.1818357517976815, 0.153137554407446, 0.1479906888427524);
    return f - (half_f2 - s * (half_f2 + r));
  }
}

// The result where x is not a positive finite number: -infinity at 0, NaN below.
template <class V>
PLAIT_INLINE V log_special(V x, V y) {
#if PLAIT_ISA_LEVEL == 2
  // By class of x, from quiet NaN up: NaN, NaN, -infinity (0), y (1), NaN (-infinity), infinity, NaN (< 0), y
  // (> 0).
  constexpr int kResponses = 0x03530422;
  if constexpr (kSame<V, F32>) {
    return (F32)_mm512_fixupimm_ps((__m512)y, (__m512)x, _mm512_set1_epi32(kResponses), 0);
  } else {
    return (F64)_mm512_fixupimm_pd((__m512d)y, (__m512d)x, _mm512_set1_epi64(kResponses), 0);
  }
#else
  using T = ElemT<V>;
  const V special = x == 0 ? splat<V>(-kInf<T>) : x < 0 ? splat<V>(kNaN<T>) : x;
  return (x > 0) & (x < kInf<T>) ? y : special;
#endif
}

// x = 2^e (1 + f) for positive x, subnormal ones included.
template <class V>
PLAIT_INLINE V log_reduce(V x, V& e) {
  using T = ElemT<V>;
  constexpr T kTiny = T(sizeof(T) == 4 ? 0x1p-126 : 0x1p-1022), kUp = T(sizeof(T) == 4 ? 0x1p24 : 0x1p53);
  constexpr T kShift = T(sizeof(T) == 4 ? 24 : 53);
  const auto small = x < kTiny;
  const V m = split_exponent(small ? x * kUp : x, e);
  e = small ? e - kShift : e;
  return m - 1;
}

template <class V>
PLAIT_INLINE V log(V x) {
  using T = ElemT<V>;
  V e;
  const V l = log1p_poly(log_reduce(x, e));
  return log_special(x, fma(e, splat<V>(T(kLn2Hi<V>)), fma(e, splat<V>(T(kLn2Lo<V>)), l)));
}

// log(x) / log(base) of a positive float in double, to 2^-35 of itself.
PLAIT_INLINE F64 log_of_float(F64 x, double log_2, double scale) {
  F64 e;
  const F64 f = split_exponent(x, e) - 1, s = f / (2 + f), z = s * s;
  // fit log_of_float: 1.7e-11
  const F64 p = poly(z, 0.6666666655306894, 0.40000122714710573, 0.28550741486830505,
                     0.23332264782349804);  // log(1 + f) = 2 atanh(s) = 2 s + s z p
  return fma(e, splat<F64>(log_2), fma(s * z, p, s + s) * scale);
}

template <class V>
PLAIT_INLINE V log2(V x) {
  if constexpr (kSame<V, F32>) {
    return log_special(x, via_f64(x, [](F64 d) { return log_of_float(d, 1, 1.4426950408889634); }));
  } else {
    V e;
    const V l = log1p_poly(log_reduce(x, e));
    return log_special(x, fma(l, splat<V>(1.4426950408889634), e));
  }
}

template <class V>
PLAIT_INLINE V log10(V x) {
  constexpr double kHi = 0.30102999566395283, kLo = 2.8363394551044964e-14, kScale = 0.4342944819032518;
  if constexpr (kSame<V, F32>) {
    return log_special(x, via_f64(x, [](F64 d) { return log_of_float(d, kHi + kLo, kScale); }));
  } else {
    V e;
    const V l = log1p_poly(log_reduce(x, e));
    return log_special(x, fma(e, splat<V>(kHi), fma(e, splat<V>(kLo), l * kScale)));
  }
}

// u = 1 + x rounded; what the rounding lost goes into f, scaled like the mantissa.
template <class V>
PLAIT_INLINE V log1p(V x) {
  using T = ElemT<V>;
  using I = MaskOf<V>;
  constexpr int kMantissa = sizeof(T) == 4 ? 23 : 52;
  constexpr int kBias = sizeof(T) == 4 ? 127 : 1023;
  const V u = 1 + x;
  const V lost = x < 1 ? x - (u - 1) : 1 - (u - x);
  V e;
  const V m = split_exponent(u, e);
  const I k = (I)(e + kRoundMagic<V>)-(I)(V{} + kRoundMagic<V>);
  const I biased = kBias - k;
  const V scale = (V)((biased > 0 ? biased : 0) << kMantissa);  // 2^-e
  const V l = log1p_poly((m - 1) + lost * scale);
  const V y = log_special(u, fma(e, splat<V>(T(kLn2Hi<V>)), fma(e, splat<V>(T(kLn2Lo<V>)), l)));
  return abs(x) < T(sizeof(T) == 4 ? 1e-8 : 1e-17) ? x : y;
}

// ---- Hyperbolic and logistic ----

// 1 / (1 + e^-x) from w = e / (1 + e), e = e^-|x|. Below -1, e - e w is w again, but free of the rounding of
// 1 + e.
template <class V>
PLAIT_INLINE V sigmoid(V x) {
  const V e = exp_scaled<true>(-abs(x));
  const V w = e / (1 + e);
  return x < -1 ? fma(-e, w, e) : x < 0 ? w : 1 - w;
}
template <class V>
PLAIT_INLINE V tanh(V x) {
  using T = ElemT<V>;
  const V a = abs(x);
  if constexpr (kSame<V, F32>) {
    const V z = x * x;
    // fit tanh_float: 5.0e-9
    const V p = poly(z, -0.3333328366279602, 0.13331490755081177, -0.05374349653720856, 0.020650586113333702,
                     -0.005717043299227953);  // (tanh(x) / x - 1) / x^2 on |x| <= 5/8
    const V near = fma(x * z, p, x);
    const V far = 1 - 2 / (exp(a + a) + 1);
    return a < T(0.625) ? near : copysign(far, x);
  } else {
    const V t = expm1(a + a);
    const V y = a > T(20) ? splat<V>(1) : t / (t + 2);
    return x != x ? x : copysign(y, x);
  }
}

template <class V>
PLAIT_INLINE V cosh(V x) {
  const V e = exp_scaled(abs(x), -1);  // e^|x| / 2
  return e + ElemT<V>(0.25) / e;
}
template <class V>
PLAIT_INLINE V sinh(V x) {
  if constexpr (kSame<V, F32>) {
    const V a = abs(x), z = x * x;
    const V e = exp_scaled(a, -1);
    // fit sinh_float: 5.7e-9
    const V p =
        poly(z, 0.1666666716337204, 0.008333350531756878, 0.0001983606634894386, 2.8174399631097913e-06);
    return a < 1 ? fma(x * z, p, x) : copysign(e - 0.25f / e, x);
  } else {
    return per_lane(x, [](double v) { return __builtin_sinh(v); });
  }
}

template <class V>
PLAIT_INLINE V asinh(V x) {
  if constexpr (kSame<V, F32>) {
    return via_f64(x, [](F64 d) { return asinh(d); });
  } else {
    // log1p(a + a^2 / (1 + sqrt(1 + a^2))); where a^2 overflows: log(a) + log(2)
    const V a = abs(x), a2 = a * a;
    const V y = log1p(a + a2 / (1 + sqrt(1 + a2)));
    return copysign(a > 1e150 ? log(a) + 0.6931471805599453 : y, x);
  }
}
template <class V>
PLAIT_INLINE V acosh(V x) {
  if constexpr (kSame<V, F32>) {
    return via_f64(x, [](F64 d) { return acosh(d); });
  } else {
    const V t = x - 1;
    const V y = log1p(t + sqrt(t + t + t * t));
    return x < 1 ? splat<V>(kNaN<double>) : x > 1e150 ? log(x) + 0.6931471805599453 : y;
  }
}
template <class V>
PLAIT_INLINE V atanh(V x) {
  if constexpr (kSame<V, F32>) {
    return via_f64(x, [](F64 d) { return atanh(d); });
  } else {
    const V a = abs(x);
    return copysign(0.5 * log1p((a + a) / (1 - a)), x);
  }
}

// ---- Trigonometric ----

// sin and cos of r in [-pi/4, pi/4] to float's precision
template <class V>
PLAIT_INLINE V sin_poly(V r) {
  const V z = r * r;
  if constexpr (kSame<V, F32>) {
    // fit sin_float: 6.1e-9
    return fma(r * z, poly(z, -0.16666655242443085, 0.008332176133990288, -0.000195169763173908), r);
  } else {
    // fit sin_of_float: 5.5e-12
    return fma(
        r * z,
        poly(z, -0.16666666641526903, 0.008333329374112537, -0.00019839330993150998, 2.718274435605726e-06),
        r);
  }
}
template <class V>
PLAIT_INLINE V cos_poly(V r) {
  const V z = r * r, half = 1 - ElemT<V>(0.5) * z;
  if constexpr (kSame<V, F32>) {
    // fit cos_float: 6.7e-10
    return fma(z * z, poly(z, 0.04166664555668831, -0.0013887364184483886, 2.4438109903712757e-05), half);
  } else {
    // fit cos_of_float: 1.4e-13
    return fma(
        z * z,
        poly(z, 0.04166666662267582, -0.0013888883740063721, 2.4799516400372575e-05, -2.7209931903628337e-07),
        half);
  }
}

// x = quadrant * pi/2 + r, reduced in double: exact enough for |x| < 1e6, whatever the cancellation.
inline constexpr float kTrigLimit = 1e6f;
PLAIT_INLINE F64 trig_reduce(F64 x, F64& n) {
  constexpr double kHi = 1.5707963267341256, kLo = 6.077100506506192e-11;  // 33 bits and the rest
  n = round_small(x * 0.63661977236758134);
  return (x - n * kHi) - n * kLo;
}
struct Quadrant {
  F32 r;
  I32 q;
};
PLAIT_INLINE Quadrant trig_reduce(F32 x) {
  F64 n0, n1;
  const F64 r0 = trig_reduce(low_f64(x), n0), r1 = trig_reduce(high_f64(x), n1);
  const F32 n = to_f32(n0, n1);
  return {to_f32(r0, r1), (I32)(n + kRoundMagic<F32>)-(I32)(F32{} + kRoundMagic<F32>)};
}

// y with the lanes beyond the limit (and NaN) replaced by f of libm.
template <class V, class F>
PLAIT_INLINE V trig_beyond(V x, V y, F f) {
  const V a = abs(x), limit = splat<V>(ElemT<V>(kTrigLimit));
  return __builtin_expect(any_not_less(a, limit), 0) ? replace_lanes(y, !(a < limit), f, x) : y;
}

// The same for doubles: r + rest, to 150 bits of pi/2, because |x| < 1e6 comes as near as 2^-57 to a
// multiple. The first two parts have 33 bits and n 20, so that their products are exact (fdlibm). lost: what
// rounding took from sin and cos.
struct QuadrantF64 {
  F64 r, rest;
  I64 q;
};
PLAIT_INLINE QuadrantF64 trig_reduce_f64(F64 x) {
  constexpr double kFirst = 1.57079632673412561417, kSecond = 6.07710050630396597660e-11,
                   kThird = 2.02226624871116645580e-21, kRest = 8.47842766036889956997e-32;
  const F64 bits = x * 0.63661977236758134308 + kRoundMagic<F64>, n = bits - kRoundMagic<F64>;
  const F64 a = x - n * kFirst, w = n * kSecond, b = a - w, lost_b = (a - b) - w;
  const F64 v = n * kThird, c = b - v, lost_c = (b - c) - v;
  const F64 low = (lost_b + lost_c) - n * kRest, r = c + low;
  return {r, (c - r) + low, (I64)bits};
}
PLAIT_INLINE F64 sin_f64(F64 r, F64 rest, F64& lost) {
  const F64 z = r * r, v = z * r;
  const F64 p = poly(z, 8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06,
                     -2.50507602534068634195e-08, 1.58969099521155010221e-10);
  const F64 e = (z * (0.5 * rest - v * p) - rest) - v * -1.66666666666666324348e-01, y = r - e;
  lost = (r - y) - e;
  return y;
}
PLAIT_INLINE F64 cos_f64(F64 r, F64 rest, F64& lost) {
  const F64 z = r * r, half = 0.5 * z, w = 1 - half;
  const F64 p = poly(z, 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
                     -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11);
  const F64 e = ((1 - w) - half) + (z * (z * p) - r * rest), y = w + e;
  lost = (w - y) + e;
  return y;
}

template <class V>
PLAIT_INLINE V sin(V x) {
  const auto exact = [](double v) { return __builtin_sin(v); };
  if constexpr (kSame<V, F32>) {
    const Quadrant t = trig_reduce(x);
    const F32 y = (t.q & 1) != 0 ? cos_poly(t.r) : sin_poly(t.r);
    const F32 s = (F32)((I32)y ^ ((t.q & 2) << 30));
    return trig_beyond(x, x == 0 ? x : s, exact);
  } else {
    const QuadrantF64 t = trig_reduce_f64(x);
    F64 lost;
    const F64 y = (t.q & 1) != 0 ? cos_f64(t.r, t.rest, lost) : sin_f64(t.r, t.rest, lost);
    return trig_beyond(x, x == 0 ? x : (F64)((I64)y ^ ((t.q & 2) << 62)), exact);
  }
}
template <class V>
PLAIT_INLINE V cos(V x) {
  const auto exact = [](double v) { return __builtin_cos(v); };
  if constexpr (kSame<V, F32>) {
    const Quadrant t = trig_reduce(x);
    const F32 y = (t.q & 1) != 0 ? sin_poly(t.r) : cos_poly(t.r);
    return trig_beyond(x, (F32)((I32)y ^ (((t.q + 1) & 2) << 30)), exact);
  } else {
    const QuadrantF64 t = trig_reduce_f64(x);
    F64 lost;
    const F64 y = (t.q & 1) != 0 ? sin_f64(t.r, t.rest, lost) : cos_f64(t.r, t.rest, lost);
    return trig_beyond(x, (F64)((I64)y ^ (((t.q + 1) & 2) << 62)), exact);
  }
}
template <class V>
PLAIT_INLINE V tan(V x) {
  const auto exact = [](double v) { return __builtin_tan(v); };
  if constexpr (kSame<V, F32>) {
    const F32 y = via_f64(x, [](F64 d) {
      F64 n;
      const F64 r = trig_reduce(d, n), s = sin_poly(r), c = cos_poly(r);
      const I64 odd = ((I64)(n + kRoundMagic<F64>)&1) != 0;
      return (odd ? c : s) / (odd ? -s : c);
    });
    return trig_beyond(x, x == 0 ? x : y, exact);
  } else {
    const QuadrantF64 t = trig_reduce_f64(x);
    F64 lost_s, lost_c;
    const F64 s = sin_f64(t.r, t.rest, lost_s), c = cos_f64(t.r, t.rest, lost_c);
    const I64 odd = (t.q & 1) != 0;
    const F64 over = odd ? c : s, under = odd ? -s : c, y = over / under;
    const F64 lost = (odd ? lost_c : lost_s) - y * (odd ? -lost_s : lost_c);
    return trig_beyond(x, x == 0 ? x : y + lost / under, exact);
  }
}

// asin(|x|) = p for |x| <= 1/2, pi/2 - 2 p beyond, where p = asin(s), s = |x| or sqrt((1 - |x|) / 2). In
// double to float's precision: pi/2 - 2 p would be rounded three times in float.
PLAIT_INLINE F64 asin_core(F64 a) {
  const auto small = a < 0.5;
  const F64 z = small ? a * a : 0.5 - 0.5 * a;
  const F64 s = small ? a : sqrt(z);
  // fit asin_of_float: 2.9e-10
  return fma(s * z,
             poly(z, 0.16666659852949903, 0.07500512144414212, 0.04451546793007936, 0.0318198473337253,
                  0.014393698217558473, 0.037578305689003166),
             s);
}
inline constexpr double kPi = 3.14159265358979323846;

// asin in double (fdlibm): s + s rest is asin(s) for s = |x| below 1/2 and sqrt((1 - |x|) / 2) beyond, where
// `lost` is what the root was rounded by.
struct AsinF64 {
  F64 s, tail, lost;
  I64 small;
};
PLAIT_INLINE AsinF64 asin_f64(F64 a) {
  const I64 small = a < 0.5;
  const F64 z = small ? a * a : 0.5 - 0.5 * a;
  const F64 s = small ? a : sqrt(z), high = (F64)((I64)s & ~int64_t{0xffffffff});
  const F64 p =
      z * poly(z, 1.66666666666666657415e-01, -3.25565818622400915405e-01, 2.01212532134862925881e-01,
               -4.00555345006794114027e-02, 7.91534994289814532176e-04, 3.47933107596021167570e-05);
  const F64 q = poly(z, 1, -2.40339491173441421878e+00, 2.02094576023350569471e+00,
                     -6.88283971605453293030e-01, 7.70381505559019352791e-02);
  const F64 lost = ((z - high * high) - (s - high) * (s + high)) / (s + s);
  return {s, s * (p / q), small | (z == 0) ? F64{} : lost, small};
}
inline constexpr double kPio2High = 1.57079632679489655800, kPio2Low = 6.12323399573676603587e-17;
inline constexpr float kPio2Hi = 1.57079637050628662109f, kPio2Lo = -4.37113900018624283e-8f;

template <class V>
PLAIT_INLINE V asin(V x) {
  if constexpr (kSame<V, F32>) {
    const V y = via_f64(abs(x), [](F64 a) {
      const F64 p = asin_core(a);
      return a < 0.5 ? p : kPi / 2 - 2 * p;
    });
    return copysign(y, x);
  } else {
    const AsinF64 t = asin_f64(abs(x));
    // pi/2 - 2 (s + tail): the difference from pi/4 first, which is exact to a bit
    const F64 high = (F64)((I64)t.s & ~int64_t{0xffffffff}), low = (t.s - high) + t.lost;
    const F64 beyond = kPio2High / 2 - (2 * t.tail - (kPio2Low - 2 * low) - (kPio2High / 2 - 2 * high));
    return copysign(t.small ? t.s + t.tail : beyond, x);
  }
}
template <class V>
PLAIT_INLINE V acos(V x) {
  if constexpr (kSame<V, F32>) {
    return via_f64(x, [](F64 d) {
      const F64 a = abs(d), p = asin_core(a);
      return a < 0.5 ? kPi / 2 - copysign(p, d) : d < 0 ? kPi - 2 * p : 2 * p;
    });
  } else {
    const AsinF64 t = asin_f64(abs(x));
    const F64 tail = t.tail + t.lost;
    return t.small ? kPio2High - (x - (kPio2Low - copysign(t.tail, x)))
           : x < 0 ? 2 * (kPio2High - (t.s + (tail - kPio2Low)))
                   : 2 * (t.s + tail);
  }
}

// atan(a) for 0 <= a <= 1, to float's precision
template <class V>
PLAIT_INLINE V atan_unit(V a) {
  const V z = a * a;
  // fit atan_float: 9.5e-9
  const V p = poly(z, -0.33333301544189453, 0.19998638331890106, -0.1426524519920349, 0.1095757707953453,
                   -0.0841946005821228, 0.0582345612347126, -0.03145571053028107, 0.011064442805945873,
                   -0.001827213098295033);
  return fma(a * z, p, a);
}
template <class V>
PLAIT_INLINE V atan(V x) {
  if constexpr (kSame<V, F32>) {
    const V a = abs(x);
    const auto big = a > 1;
    const V t = atan_unit(big ? 1 / a : a);
    return copysign(big ? kPio2Hi - (t - kPio2Lo) : t, x);
  } else {
    // atan(a) = atan(c) + atan((a - c) / (1 + a c)) for c = 0, 1/2, 1, 3/2, infinity (fdlibm)
    const V a = abs(x);
    const auto i1 = a >= 0.4375, i2 = a >= 0.6875, i3 = a >= 1.1875, i4 = a >= 2.4375;
    const auto pick = [&](double c0, double c1, double c2, double c3, double c4) {
      const V c = i2 ? splat<V>(c2) : i1 ? splat<V>(c1) : splat<V>(c0);
      return i4 ? splat<V>(c4) : i3 ? splat<V>(c3) : c;
    };
    const V c = pick(0, 0.5, 1, 1.5, 0);
    const V t = (i4 ? splat<V>(-1) : a - c) / (i4 ? a : 1 + a * c), z = t * t;
    const V p = z * poly(z, 3.33333333333329318027e-01, -1.99999999998764832476e-01,
                         1.42857142725034663711e-01, -1.11111104054623557880e-01, 9.09088713343650656196e-02,
                         -7.69187620504482999495e-02, 6.66107313738753120669e-02, -5.83357013379057348645e-02,
                         4.97687799461593236017e-02, -3.65315727442169155270e-02, 1.62858201153657823623e-02);
    const V high = pick(0, 4.63647609000806093515e-01, 7.85398163397448278999e-01, 9.82793723247329054082e-01,
                        kPio2High);
    const V low =
        pick(0, 2.26987774529616870924e-17, 3.06161699786838301793e-17, 1.39033110312309984516e-17, kPio2Low);
    const V y = high - ((t * p - low) - t);
    return x != x ? x : copysign(y, x);
  }
}
template <class V>
PLAIT_INLINE V atan2(V y, V x) {
  if constexpr (kSame<V, F32>) {  // the smaller side over the larger one; 0 / 0 counts as 0, inf / inf as 1
    const V ax = abs(x), ay = abs(y);
    const V larger = ax > ay ? ax : ay, smaller = ax > ay ? ay : ax;
    const I32 infinite = (ax == kInf<float>)&(ay == kInf<float>);
    const V n = infinite ? splat<V>(1) : smaller, d = infinite | (larger == 0) ? splat<V>(1) : larger;
    const V t = via_f64(n, d, [](F64 a, F64 b) { return atan_unit(a / b); });
    // quarters of a turn plus or minus t
    const I32 steep = ay > ax, back = (I32)x < 0;
    const V quarters = select(steep, splat<V>(1), select(back, splat<V>(2), V{}));
    const V signed_t = select(steep != back, -t, t);
    return copysign(quarters * kPio2Hi + (quarters * kPio2Lo + signed_t), y);
  } else {
    return per_lane(y, x, [](double a, double b) { return __builtin_atan2(a, b); });
  }
}

// ---- Error function and the normal distribution ----

template <class V>
PLAIT_INLINE V erf(V x) {
  if constexpr (kSame<V, F32>) {
    const V a = min(splat<V>(4.0f), abs(x)), z = a * a;
    // fit erf_near: 2.0e-9
    const V near =
        poly(z, 0.12837916612625122, -0.37612634897232056, 0.11283719539642334, -0.026860753074288368,
             0.005204436369240284, -0.0008181928424164653, 8.538844849681482e-05);  // erf(a) / a - 1
    // fit erf_far: 8.3e-9
    const V q =
        poly(a, 1.1286410093307495, 0.6351814866065979, 0.106187604367733, -0.023720182478427887,
             0.0036229172255843878, -0.0003180593193974346, 1.0763144018710591e-05);  // -log(erfc(a)) / a
    const V far = 1 - exp(-a * q);
    const V y = copysign(a < 0.9f ? fma(a, near, a) : far, x);
    return x != x ? x : y;
  } else {
    return per_lane(x, [](double v) { return __builtin_erf(v); });
  }
}

// e^(hi + lo) as (1 + p) 2^n, for hi in [-110, 0] and a lo that corrects it. hi - n kLn2Hi is exact, so that
// p is off by less than a unit in the last place of 1, and w + w p is one rounding away from w (1 + p).
struct SplitExp {
  F32 p, n;
  I32 bits;  // n below the bits of the exponent, whatever lies above
  PLAIT_INLINE F32 scale(F32 v) const {
#if PLAIT_ISA_LEVEL == 2
    return ldexp(v, n);
#else  // in two steps, because n passes the exponents of floats
    return v * (F32)((bits << 23) + ((127 + 64) << 23)) * 0x1p-64f;
#endif
  }
};
PLAIT_INLINE SplitExp split_exp(F32 hi, F32 lo) {
  const F32 bits = (hi + lo) * 1.4426950408889634f + kRoundMagic<F32>;
  const F32 n = bits - kRoundMagic<F32>;
  const F32 a = fma(n, splat<F32>(-kLn2Hi<F32>), hi), b = fma(n, splat<F32>(-kLn2Lo<F32>), lo), r = a + b;
  return {r + fma(r * r, exp_poly(r), b - (r - a)), n, (I32)bits};
}
// e^(-s a^2) for s = 1 or 1/2. In float the rounding of a^2 alone would be amplified a^2 times: the square of
// the upper half of a's bits is exact, the rest is the correction.
PLAIT_INLINE SplitExp exp_minus_square(F32 a, float s) {
  const F32 high = (F32)((I32)a & ~0xfff);
  return split_exp(high * high * -s, (a - high) * (a + high) * -s);
}

// A piecewise polynomial on [0, end): eight pieces of equal length, c[k][i] the coefficient of h^k in piece i
// for h = a - center[i]. The relative error stays below 2^-27. A center is a number of 12 bits near which the
// first coefficient is good to 2^-30. It lies right of the middle where the function falls fast: left of a
// center the terms add up, right of it they cancel. Coefficients were rounded one by one and the later ones
// fitted again.
struct Pieces {
  float end;
  float center[8];
  float c[8][8];
};
PLAIT_INLINE F32 pieces(const Pieces& t, F32 a) {
  const I32 i = __builtin_convertvector(a * (8 / t.end), I32);
  const F32 h = a - lookup8(t.center, i);
  F32 y = lookup8(t.c[7], i);
#pragma GCC unroll 7
  for (int k = 6; k >= 0; --k) y = fma(h, y, lookup8(t.c[k], i));
  return y;
}
// y, except beyond the last piece: far(a) there. Few vectors have such a lane.
template <class F>
PLAIT_INLINE F32 beyond(const Pieces& t, F32 a, F32 y, F far) {
  if (__builtin_expect(any_not_less(a, splat<F32>(t.end)), 0)) return a < t.end ? y : far(a);
  return y;
}
// P(Z <= -a) of the standard normal distribution
// fit normal_tail: 3.7e-9
inline constexpr Pieces kNormalTail = {
    3,
    {0.289794922f, 0.661865234f, 1.04418945f, 1.39453125f, 1.79101562f, 2.14892578f, 2.52197266f, 2.8984375f},
    {{0.385986567f, 0.254028797f, 0.148198873f, 0.0815786198f, 0.0366453938f, 0.0158201419f, 0.00583493896f,
      0.00187513523f},
     {-0.382537305f, -0.320468485f, -0.231285051f, -0.150875956f, -0.0802340731f, -0.0396414697f,
      -0.0165874064f, -0.00597955892f},
     {0.0554286577f, 0.106053397f, 0.120752707f, 0.105200619f, 0.0718502477f, 0.0425932854f, 0.0209164917f,
      0.00866568927f},
     {0.05839983f, 0.0300125368f, -0.00348232267f, -0.0237569697f, -0.0295221899f, -0.0239025038f,
      -0.0148188053f, -0.00737567293f},
     {-0.0134734577f, -0.0226370059f, -0.019217601f, -0.0092546083f, 0.0012441423f, 0.00574433524f,
      0.00585790956f, 0.00390028348f},
     {-0.0078528719f, -0.00139277498f, 0.00454935338f, 0.0062041874f, 0.00394859398f, 0.00108765543f,
      -0.000744713994f, -0.00115796563f},
     {0.00294748857f, 0.00368089043f, 0.00188163773f, 0.000173793174f, -0.00156193331f, -0.00136659655f,
      -0.000554378435f, 2.35185726e-05f},
     {0.00216134661f, 0.00067366258f, -0.000572800462f, -0.00016325638f, -0.000528398727f, -0.000134721035f,
      0.000139974116f, 0.00012254747f}},
};
// P(Z <= -a) - a e^(-a^2/2) / sqrt(2 pi); its zero at 0.75 is left out of the relative error
// fit gelu_grad_tail: 4.5e-9
inline constexpr Pieces kGeluGradTail = {
    3,
    {0.194580078f, 0.564697266f, 0.937255859f, 1.30688477f, 1.69897461f, 2.05859375f, 2.43041992f,
     2.80737305f},
    {{0.346690327f, 0.094060272f, -0.0666856915f, -0.126332283f, -0.115403704f, -0.078918688f, -0.0430319495f,
      -0.0192696135f},
     {-0.768100858f, -0.571825385f, -0.288387597f, -0.0496014543f, 0.083521314f, 0.107276492f, 0.0812963396f,
      0.0456010289f},
     {0.150899053f, 0.353533626f, 0.376145661f, 0.254369885f, 0.089115411f, -0.0117341075f, -0.048219502f,
      -0.0422425717f},
     {0.243777826f, 0.105981991f, -0.0590333939f, -0.142622575f, -0.123633668f, -0.0615654737f,
      -0.00852021948f, 0.0141448164f},
     {-0.0558077209f, -0.116789803f, -0.091467835f, -0.0196957663f, 0.0361439176f, 0.0438215546f,
      0.025464844f, 0.005967882f},
     {-0.0525922887f, -0.00935585704f, 0.0324801914f, 0.0388002433f, 0.0156871248f, -0.00525142998f,
      -0.011921295f, -0.00775536429f},
     {0.0121213943f, 0.0224594474f, 0.0118183028f, -0.00523909694f, -0.011614562f, -0.00665573077f,
      0.000115798859f, 0.00270544458f},
     {0.00951177813f, -0.00141823792f, -0.00744874123f, -0.0051433309f, 4.00678618e-05f, 0.00312518701f,
      0.00148973544f, -0.000166669852f}},
};
// erfc(a)
// fit erfc_near: 2.3e-9
inline constexpr Pieces kErfcNear = {
    2.125,
    {0.204833984f, 0.464355469f, 0.724853516f, 0.993896484f, 1.26025391f, 1.52685547f, 1.79125977f,
     2.05834961f},
    {{0.772061825f, 0.511375248f, 0.305317104f, 0.159848318f, 0.0747055113f, 0.0308269225f, 0.0113018751f,
      0.00360336364f},
     {-1.08201528f, -0.909515023f, -0.667223394f, -0.420190126f, -0.230510771f, -0.109645225f, -0.0456008315f,
      -0.0163092818f},
     {0.221632853f, 0.422338039f, 0.483638912f, 0.417625427f, 0.290502101f, 0.1674124f, 0.0816829652f,
      0.0335702002f},
     {0.330414504f, 0.17242761f, -0.0112996949f, -0.136655793f, -0.167236298f, -0.133859068f, -0.0823436677f,
      -0.0406299084f},
     {-0.107548997f, -0.180774346f, -0.157040238f, -0.0712905899f, 0.00853593834f, 0.0464014634f,
      0.0465139151f, 0.0306248851f},
     {-0.0901164114f, -0.0178371724f, 0.04874162f, 0.069574967f, 0.0461389199f, 0.0115599399f, -0.0086124735f,
      -0.0130007295f},
     {0.0294785202f, 0.0517494865f, 0.0247632377f, -0.00290635834f, -0.0192867201f, -0.0211268049f,
      -0.00669400208f, 0.00100821105f},
     {0.00378570636f, 0.000249148899f, -0.0325624608f, -0.0151368948f, 0.00035710173f, -0.00211612997f,
      0.00767476903f, 0.00360184629f}},
};
// a e^(a^2/2) P(Z <= -a) for a >= 3, from a^2
PLAIT_INLINE F32 far_tail(F32 a2) {
  // fit far_tail: 8.3e-9
  return poly(1 / (a2 + 3.75f), 0.3989422917366028, -0.39894393115902615, -0.2993484665217449,
              -2.589751480652984, 2.4860290265892617, -38.373246093935016);
}
inline constexpr float kNormalCap = 14.6f;  // P(Z <= -a) is 0 in float from here on
inline constexpr double kInvSqrt2Pi = 0.3989422804014327, kSqrtHalf = 0.7071067811865476;

template <class V>
PLAIT_INLINE V erfc(V x) {
  if constexpr (kSame<V, F32>) {
    const V a = abs(x);
    const V y = beyond(kErfcNear, a, pieces(kErfcNear, a), [](F32 far) {  // 2 P(Z <= -sqrt(2) a)
      const F32 c = min(splat<F32>(10.2f), far), g = far_tail(2 * c * c);
      const SplitExp e = exp_minus_square(c, 1);
      const auto half = [](F64 g1, F64 p1, F64 c1) { return (g1 + g1 * p1) * (2 * kSqrtHalf) / c1; };
      return e.scale(
          to_f32(half(low_f64(g), low_f64(e.p), low_f64(c)), half(high_f64(g), high_f64(e.p), high_f64(c))));
    });
    return x < 0 ? 2 - y : y;
  } else {
    return per_lane(x, [](double v) { return __builtin_erfc(v); });
  }
}

// ---- Powers ----

template <class V>
PLAIT_INLINE V rsqrt(V x) {
  return 1 / sqrt(x);
}

// |x|^y for finite x other than 0 and finite y through e^(y log|x|) in double, good to float's precision.
PLAIT_INLINE F64 pow_finite(F64 x, F64 y) {
  const F64 l = log_of_float(abs(x), 0.6931471805599453, 1);
  const F64 t = max(splat<F64>(-110), min(splat<F64>(100), y * l));
  const F64 bits = t * 1.4426950408889634 + kRoundMagic<F64>, n = bits - kRoundMagic<F64>;
  const F64 r = fma(n, splat<F64>(-0.6931471805599453), t);
  // fit exp_pow: 6.7e-11
  const F64 q = poly(r, 0.5000000078315668, 0.16666666861828255, 0.04166626853648282, 0.008333264097517534,
                     0.0013946175045592968, 0.00019918526015268788);
  return (1 + fma(r * r, q, r)) * (F64)(((I64)bits << 52) + (int64_t{1023} << 52));
}
// C's pow from r = |x|^y: zeros, infinities, NaN and the sign of negative x. r stays where x is positive and
// both are finite.
PLAIT_INLINE F32 pow_special(F32 x, F32 y, F32 r) {
  constexpr float kInfinity = kInf<float>;
  const F32 a = abs(x), half = y * 0.5f;
  const I32 extreme = (a == 0) | (a == kInfinity) | (abs(y) == kInfinity), grows = (a > 1) == (y > 0);
  r = extreme ? (grows ? splat<F32>(kInfinity) : F32{}) : r;
  const I32 integral = floor(y) == y, odd = integral & (floor(half) != half);
  r = odd ? copysign(r, x) : r;
  const I32 invalid = (x != x) | (y != y) | ((x < 0) & (a < kInfinity) & ~integral);
  const I32 one = (y == 0) | (x == 1) | ((a == 1) & (abs(y) == kInfinity));
  return one ? splat<F32>(1) : invalid ? splat<F32>(kNaN<float>) : r;
}
template <class V>
PLAIT_INLINE V pow(V x, V y) {
  if constexpr (kSame<V, F32>) {
    const V r = via_f64(x, y, [](F64 a, F64 b) { return pow_finite(a, b); });
    const I32 plain = (x > 0) & (x < kInf<float>)&(abs(y) < kInf<float>);
    return __builtin_expect(any(!plain), 0) ? pow_special(x, y, r) : r;
  } else {
    return per_lane(x, y, [](double a, double b) { return __builtin_pow(a, b); });
  }
}

// ---- Activations that epilogues share ----

template <class V>
PLAIT_INLINE V relu(V x) {
  return x > 0 ? x : x != x ? x : V{};
}
// x P(Z <= x) = max(x, 0) - a P(Z <= -a) for a = |x|
template <class V>
PLAIT_INLINE V gelu(V x) {
  if constexpr (kSame<V, F32>) {
    const V a = abs(x);
    return max(V{}, x) - beyond(kNormalTail, a, a * pieces(kNormalTail, a), [](F32 far) {
             const F32 c = min(splat<F32>(kNormalCap), far), g = far_tail(c * c);
             const SplitExp e = exp_minus_square(c, 0.5f);
             return e.scale(fma(g, e.p, g));
           });
  } else {
    return max(splat<V>(-100), x) * (0.5 * erfc(x * -kSqrtHalf));
  }
}
// P(Z <= x) + x e^(-x^2/2) / sqrt(2 pi), which is 1 minus its value at -x
template <class V>
PLAIT_INLINE V gelu_grad(V x) {
  if constexpr (kSame<V, F32>) {
    const V a = abs(x);
    const V y = beyond(kGeluGradTail, a, pieces(kGeluGradTail, a), [](F32 far) {
      const F32 c = min(splat<F32>(kNormalCap), far);
      const F32 g = (far_tail(c * c) - c * c * static_cast<float>(kInvSqrt2Pi)) / c;
      const SplitExp e = exp_minus_square(c, 0.5f);
      return e.scale(fma(g, e.p, g));
    });
    return x > 0 ? 1 - y : y;
  } else {
    x = max(splat<V>(-100), min(splat<V>(100), x));
    return 0.5 * erfc(x * -kSqrtHalf) + x * exp(-0.5 * x * x) * kInvSqrt2Pi;
  }
}
// 1 / d for d in [1, 2] to some 23 bits. At AVX-512 without the divider, which takes 10 cycles.
PLAIT_INLINE F32 coarse_reciprocal(F32 d) {
#if PLAIT_ISA_LEVEL == 2
  const F32 r = (F32)_mm512_rcp14_ps((__m512)d);
  return fma(r, 1 - d * r, r);
#else
  return 1 / d;
#endif
}
// x / (1 + E) for x >= 0, x E / (1 + E) below, E = 2^n (1 + p). What the roundings of numerator, denominator
// and quotient lost comes back in one step.
PLAIT_INLINE F32 times_logistic(F32 x, SplitExp e) {
  const F32 p = x < 0 ? e.p : F32{}, big = e.scale(1 + e.p), d = 1 + big, d_lost = big - (d - 1);
  const F32 n = fma(x, p, x), n_lost = -exact_rest(x, p, n - x);
  const F32 r = coarse_reciprocal(d), q = n * r, y = fma(exact_rest(q, d, n) + (n_lost - q * d_lost), r, q);
  return x < 0 ? e.scale(y) : x > 20 ? x : y;
}

// 2u = 2 sqrt(2/pi) (x + 0.044715 x^3)
inline constexpr double kGeluA = 2 * 0.7978845608028654, kGeluB = kGeluA * 0.044715;
template <class V>
PLAIT_INLINE V gelu_tanh_argument(V x) {
  using T = ElemT<V>;
  return x * fma(x * x, splat<V>(T(kGeluB)), splat<V>(T(kGeluA)));
}
// x/2 (1 + tanh(u)) = x sigmoid(2u), u to more than float's precision: its rounding would be amplified u
// times
template <class V>
PLAIT_INLINE V gelu_tanh(V x) {
  if constexpr (kSame<V, F32>) {
    // At 11 e^-2u is below the subnormals already, and its exponent still fits what times_logistic() shifts.
    const V c = max(splat<V>(-11), x), a = min(splat<V>(11), abs(x));
    const F64 t0 = gelu_tanh_argument(low_f64(a)), t1 = gelu_tanh_argument(high_f64(a));
    const V t = to_f32(t0, t1);
    return times_logistic(c, split_exp(-t, to_f32(low_f64(t) - t0, high_f64(t) - t1)));
  } else {
    return max(splat<V>(-100), x) * sigmoid(gelu_tanh_argument(x));
  }
}
// s + x s (1 - s) (2u)', s = sigmoid(2u)
template <class V>
PLAIT_INLINE V gelu_tanh_grad(V x) {
  using T = ElemT<V>;
  const V c = max(splat<V>(-100), min(splat<V>(100), x));
  const V s = sigmoid(gelu_tanh_argument(c));
  return fma(c * s, (1 - s) * fma(c * c, splat<V>(T(3 * kGeluB)), splat<V>(T(kGeluA))), s);
}
template <class V>
PLAIT_INLINE V silu(V x) {
  if constexpr (kSame<V, F32>) {
    const V a = min(splat<V>(110), abs(x));
    return times_logistic(max(splat<V>(-110), x), split_exp(-a, V{}));
  } else {
    return max(splat<V>(-1000), x) * sigmoid(x);
  }
}
// log(1 + e) for 0 <= e <= 1: 2 atanh(s) with s = e / (2 + e), 2 s being e - s e
PLAIT_INLINE F32 log1p_unit(F32 e) {
  const F32 s = e / (2 + e), z = s * s;
  // fit log1p_unit: 5.2e-9
  const F32 p = poly(z, 0.33333206753965344, 0.20010837395614595, 0.1399977134304906, 0.14011259754025285);
  return fma(s, fma(z, 2 * p, -e), e);
}
// log(1 + e^x) = max(x, 0) + log1p(e^-|x|)
template <class V>
PLAIT_INLINE V softplus(V x) {
  if constexpr (kSame<V, F32>) {
    return (x > 0 ? x : V{}) + log1p_unit(exp_scaled<true>(-abs(x)));
  } else {
    return (x > 0 ? x : V{}) + log1p(exp(-abs(x)));
  }
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
