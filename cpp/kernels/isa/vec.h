// SPDX-License-Identifier: MIT
// The SIMD base of every kernel: vectors of GCC's vector extension, as wide as the level's registers, and the
// few functions that the language lacks. Operators are the language's own: a + b, a < b, m ? a : b, v[i].
// A comparison gives a vector of integers of the same width, all bits set where true.
//   F32 x = load(p);  F32 y = max(x, splat<F32>(0));  store(q, x < y ? x : y);  store_n(q, y, n);
// Intrinsics stand only where the compiler's own code was worse (masked tails, rounding, scaling, halves).
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
// GCC 12 reports the _mm512_undefined_*() inside its own intrinsics as uninitialised.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include "core/dtype_enum.h"

#define PLAIT_INLINE inline __attribute__((always_inline))
#define PLAIT_NOINLINE __attribute__((noinline))

namespace plait::PLAIT_ISA_NS {
namespace {

inline constexpr int kVecBytes = PLAIT_ISA_LEVEL == 2 ? 64 : PLAIT_ISA_LEVEL == 1 ? 32 : 16;

// Storage of the 16-bit floats. They have no arithmetic: load() widens to F32, store() rounds to
// nearest even.
struct f16 {
  static constexpr DType kDType = DType::kFloat16;
  uint16_t bits;
};
struct bf16 {
  static constexpr DType kDType = DType::kBFloat16;
  uint16_t bits;
};

template <class T, int kBytes>
struct VecOf {
  typedef T type __attribute__((vector_size(kBytes)));
};
// What load(const T*) gives: kLanes<T> elements. For the 16-bit floats that is F32.
template <int kBytes>
struct VecOf<f16, kBytes> : VecOf<float, kBytes> {};
template <int kBytes>
struct VecOf<bf16, kBytes> : VecOf<float, kBytes> {};
template <class T>
using Vec = typename VecOf<T, kVecBytes>::type;

using F32 = Vec<float>;
using F64 = Vec<double>;
using I32 = Vec<int32_t>;
using I64 = Vec<int64_t>;
using U32 = Vec<uint32_t>;
using U64 = Vec<uint64_t>;

template <int kBytes>
struct IntOfSize;
template <>
struct IntOfSize<1> {
  using type = int8_t;
};
template <>
struct IntOfSize<2> {
  using type = int16_t;
};
template <>
struct IntOfSize<4> {
  using type = int32_t;
};
template <>
struct IntOfSize<8> {
  using type = int64_t;
};

template <class T>
struct RemoveRef {
  using type = T;
};
template <class T>
struct RemoveRef<T&> {
  using type = T;
};
// The element type of a vector, and the vector of signed integers of the same width (the type of its
// comparisons).
template <class V>
using ElemT = typename RemoveRef<decltype((*static_cast<V*>(nullptr))[0])>::type;
template <class T>
inline constexpr int kLanes = kVecBytes / static_cast<int>(sizeof(ElemT<Vec<T>>));
template <class V>
using MaskOf = typename VecOf<typename IntOfSize<sizeof(ElemT<V>)>::type, sizeof(V)>::type;

// The integer type that does the same to bits where signs do not matter: signed, of the same width.
template <class T>
struct SignedOf {
  using type = T;
};
template <>
struct SignedOf<uint8_t> : IntOfSize<1> {};
template <>
struct SignedOf<uint16_t> : IntOfSize<2> {};
template <>
struct SignedOf<uint32_t> : IntOfSize<4> {};
template <>
struct SignedOf<uint64_t> : IntOfSize<8> {};

template <class A, class B>
inline constexpr bool kSame = false;
template <class A>
inline constexpr bool kSame<A, A> = true;
template <class T>
inline constexpr bool kIsFloat = kSame<T, float> || kSame<T, double>;

// ---- Making, loading, storing ----

template <class V>
PLAIT_INLINE V splat(ElemT<V> x) {
  return x - V{};  // x - 0 keeps the sign of zero; the compiler emits a broadcast
}

// Lane numbers 0, 1, 2, ...
template <class V>
PLAIT_INLINE V iota() {
  V v{};
  for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(ElemT<V>)); ++i) v[i] = static_cast<ElemT<V>>(i);
  return v;
}

// The same bits under another vector type of the same size.
template <class To, class From>
PLAIT_INLINE To bit_cast(From v) {
  static_assert(sizeof(To) == sizeof(From));
  return (To)v;
}

// ---- Halves ----

template <class V>
using HalfVec = typename VecOf<ElemT<V>, sizeof(V) / 2>::type;

template <class V>
PLAIT_INLINE HalfVec<V> low_half(V v) {
#if PLAIT_ISA_LEVEL == 2
  if constexpr (sizeof(V) == 64) return (HalfVec<V>)_mm512_castsi512_si256((__m512i)v);
#endif
#if PLAIT_ISA_LEVEL > 0
  if constexpr (sizeof(V) == 32) return (HalfVec<V>)_mm256_castsi256_si128((__m256i)v);
#endif
  HalfVec<V> h;
  __builtin_memcpy(&h, &v, sizeof h);
  return h;
}
template <class V>
PLAIT_INLINE HalfVec<V> high_half(V v) {
#if PLAIT_ISA_LEVEL == 2
  if constexpr (sizeof(V) == 64) return (HalfVec<V>)_mm512_extracti64x4_epi64((__m512i)v, 1);
#endif
#if PLAIT_ISA_LEVEL > 0
  if constexpr (sizeof(V) == 32) return (HalfVec<V>)_mm256_extracti128_si256((__m256i)v, 1);
#endif
  HalfVec<V> h;
  __builtin_memcpy(&h, reinterpret_cast<const char*>(&v) + sizeof h, sizeof h);
  return h;
}
template <class H>
using DoubleVec = typename VecOf<ElemT<H>, 2 * sizeof(H)>::type;
template <class H>
PLAIT_INLINE DoubleVec<H> combine(H low, H high) {
  using V = DoubleVec<H>;
#if PLAIT_ISA_LEVEL == 2
  if constexpr (sizeof(V) == 64) {
    return (V)_mm512_inserti64x4(_mm512_castsi256_si512((__m256i)low), (__m256i)high, 1);
  }
#endif
#if PLAIT_ISA_LEVEL > 0
  if constexpr (sizeof(V) == 32) {
    return (V)_mm256_inserti128_si256(_mm256_castsi128_si256((__m128i)low), (__m128i)high, 1);
  }
#endif
  V v;
  __builtin_memcpy(&v, &low, sizeof low);
  __builtin_memcpy(reinterpret_cast<char*>(&v) + sizeof low, &high, sizeof high);
  return v;
}

// The lanes of x as doubles, lower and upper half, and back.
#if PLAIT_ISA_LEVEL == 2
PLAIT_INLINE F64 low_f64(F32 x) { return (F64)_mm512_cvtps_pd((__m256)low_half(x)); }
PLAIT_INLINE F64 high_f64(F32 x) { return (F64)_mm512_cvtps_pd((__m256)high_half(x)); }
PLAIT_INLINE F32 to_f32(F64 low, F64 high) {
  using H = HalfVec<F32>;
  return combine((H)_mm512_cvtpd_ps((__m512d)low), (H)_mm512_cvtpd_ps((__m512d)high));
}
#elif PLAIT_ISA_LEVEL == 1
PLAIT_INLINE F64 low_f64(F32 x) { return (F64)_mm256_cvtps_pd((__m128)low_half(x)); }
PLAIT_INLINE F64 high_f64(F32 x) { return (F64)_mm256_cvtps_pd((__m128)high_half(x)); }
PLAIT_INLINE F32 to_f32(F64 low, F64 high) {
  using H = HalfVec<F32>;
  return combine((H)_mm256_cvtpd_ps((__m256d)low), (H)_mm256_cvtpd_ps((__m256d)high));
}
#elif defined(__SSE2__)
PLAIT_INLINE F64 low_f64(F32 x) { return (F64)_mm_cvtps_pd((__m128)x); }
PLAIT_INLINE F64 high_f64(F32 x) { return (F64)_mm_cvtps_pd(_mm_movehl_ps((__m128)x, (__m128)x)); }
PLAIT_INLINE F32 to_f32(F64 low, F64 high) {
  return (F32)_mm_movelh_ps(_mm_cvtpd_ps((__m128d)low), _mm_cvtpd_ps((__m128d)high));
}
#else
PLAIT_INLINE F64 low_f64(F32 x) { return __builtin_convertvector(low_half(x), F64); }
PLAIT_INLINE F64 high_f64(F32 x) { return __builtin_convertvector(high_half(x), F64); }
PLAIT_INLINE F32 to_f32(F64 low, F64 high) {
  using H = HalfVec<F32>;
  return combine(__builtin_convertvector(low, H), __builtin_convertvector(high, H));
}
#endif

// ---- Arithmetic that has no operator ----

// a * b + c with one rounding at levels 1 and 2; at level 0 a product and a sum.
template <class V>
PLAIT_INLINE V fma(V a, V b, V c) {
  return a * b + c;  // contracted: -ffp-contract=fast
}
inline constexpr bool kHasFma = PLAIT_ISA_LEVEL > 0;

// c - a * b for a c that is a * b but for rounding: exact. Without FMA from products of half the bits.
PLAIT_INLINE F32 exact_rest(F32 a, F32 b, F32 c) {
  if constexpr (kHasFma) return fma(-a, b, c);
  const F32 a_high = (F32)((I32)a & ~0xfff), a_low = a - a_high, b_high = (F32)((I32)b & ~0xfff),
            b_low = b - b_high;
  return ((c - a_high * b_high) - a_high * b_low - a_low * b_high) - a_low * b_low;
}

template <class V>
PLAIT_INLINE V select(MaskOf<V> m, V a, V b) {
  return m ? a : b;
}
// As the instruction: the second operand if either is NaN.
template <class V>
PLAIT_INLINE V min(V a, V b) {
#if PLAIT_ISA_LEVEL == 2
  if constexpr (kSame<V, F32>) return (F32)_mm512_min_ps((__m512)a, (__m512)b);
  if constexpr (kSame<V, F64>) return (F64)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif PLAIT_ISA_LEVEL == 1
  if constexpr (kSame<V, F32>) return (F32)_mm256_min_ps((__m256)a, (__m256)b);
  if constexpr (kSame<V, F64>) return (F64)_mm256_min_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
  if constexpr (kSame<V, F32>) return (F32)_mm_min_ps((__m128)a, (__m128)b);
  if constexpr (kSame<V, F64>) return (F64)_mm_min_pd((__m128d)a, (__m128d)b);
#endif
  return a < b ? a : b;
}
template <class V>
PLAIT_INLINE V max(V a, V b) {
#if PLAIT_ISA_LEVEL == 2
  if constexpr (kSame<V, F32>) return (F32)_mm512_max_ps((__m512)a, (__m512)b);
  if constexpr (kSame<V, F64>) return (F64)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif PLAIT_ISA_LEVEL == 1
  if constexpr (kSame<V, F32>) return (F32)_mm256_max_ps((__m256)a, (__m256)b);
  if constexpr (kSame<V, F64>) return (F64)_mm256_max_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
  if constexpr (kSame<V, F32>) return (F32)_mm_max_ps((__m128)a, (__m128)b);
  if constexpr (kSame<V, F64>) return (F64)_mm_max_pd((__m128d)a, (__m128d)b);
#endif
  return a > b ? a : b;
}

// Minimum and maximum that propagate NaN from either side.
template <class V>
PLAIT_INLINE V min_nan(V a, V b) {
  if constexpr (kIsFloat<ElemT<V>>) {
    return a != a ? a : min(a, b);
  } else {
    return min(a, b);
  }
}
template <class V>
PLAIT_INLINE V max_nan(V a, V b) {
  if constexpr (kIsFloat<ElemT<V>>) {
    return a != a ? a : max(a, b);
  } else {
    return max(a, b);
  }
}

template <class V>
PLAIT_INLINE MaskOf<V> sign_bit() {
  using T = ElemT<MaskOf<V>>;
  return MaskOf<V>{} + static_cast<T>(T{1} << (8 * sizeof(T) - 1));
}
template <class V>
PLAIT_INLINE V abs(V x) {
  if constexpr (kIsFloat<ElemT<V>>) {
    return (V)((MaskOf<V>)x & ~sign_bit<V>());
  } else {
    return x < 0 ? -x : x;
  }
}
// |x| with the sign of s.
template <class V>
PLAIT_INLINE V copysign(V x, V s) {
  return (V)(((MaskOf<V>)x & ~sign_bit<V>()) | ((MaskOf<V>)s & sign_bit<V>()));
}
template <class V>
PLAIT_INLINE V sqrt(V x) {
#if PLAIT_ISA_LEVEL == 2
  if constexpr (kSame<V, F32>) return (F32)_mm512_sqrt_ps((__m512)x);
  if constexpr (kSame<V, F64>) return (F64)_mm512_sqrt_pd((__m512d)x);
#elif PLAIT_ISA_LEVEL == 1
  if constexpr (kSame<V, F32>) return (F32)_mm256_sqrt_ps((__m256)x);
  if constexpr (kSame<V, F64>) return (F64)_mm256_sqrt_pd((__m256d)x);
#elif defined(__SSE2__)
  if constexpr (kSame<V, F32>) return (F32)_mm_sqrt_ps((__m128)x);
  if constexpr (kSame<V, F64>) return (F64)_mm_sqrt_pd((__m128d)x);
#else
  for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(ElemT<V>)); ++i) x[i] = __builtin_sqrt(x[i]);
  return x;
#endif
}

// Adding 1.5 * 2^mantissa leaves the nearest integer (ties to even) in the low bits of the sum. Right for |x|
// below 2^22 (float) and 2^51 (double).
template <class V>
inline constexpr ElemT<V> kRoundMagic =
    sizeof(ElemT<V>) == 4 ? ElemT<V>(12582912.0) : ElemT<V>(6755399441055744.0);

enum class Rounding { kNearest, kFloor, kCeil, kTrunc };

template <Rounding kMode, class V>
PLAIT_INLINE V round_to(V x) {
#if PLAIT_ISA_LEVEL > 0
  constexpr int kImm = (kMode == Rounding::kNearest ? 0
                        : kMode == Rounding::kFloor ? 1
                        : kMode == Rounding::kCeil  ? 2
                                                    : 3) |
                       8;
#if PLAIT_ISA_LEVEL == 2
  if constexpr (kSame<V, F32>) return (F32)_mm512_roundscale_ps((__m512)x, kImm);
  if constexpr (kSame<V, F64>) return (F64)_mm512_roundscale_pd((__m512d)x, kImm);
#else
  if constexpr (kSame<V, F32>) return (F32)_mm256_round_ps((__m256)x, kImm);
  if constexpr (kSame<V, F64>) return (F64)_mm256_round_pd((__m256d)x, kImm);
#endif
#else
  // 2^mantissa, with the sign of x: beyond it every number is an integer; NaN takes the same way out.
  const V ax = abs(x);
  const V big = splat<V>(sizeof(ElemT<V>) == 4 ? ElemT<V>(8388608.0) : ElemT<V>(4503599627370496.0));
  V r = (ax + big) - big;  // nearest even
  if constexpr (kMode == Rounding::kTrunc) r = r > ax ? r - 1 : r;
  r = copysign(r, x);
  if constexpr (kMode == Rounding::kFloor) r = r > x ? r - 1 : r;
  if constexpr (kMode == Rounding::kCeil) r = copysign(r < x ? r + 1 : r, x);
  return ax < big ? r : x;
#endif
}
template <class V>
PLAIT_INLINE V round(V x) {
  return round_to<Rounding::kNearest>(x);
}
template <class V>
PLAIT_INLINE V floor(V x) {
  return round_to<Rounding::kFloor>(x);
}
template <class V>
PLAIT_INLINE V ceil(V x) {
  return round_to<Rounding::kCeil>(x);
}
template <class V>
PLAIT_INLINE V trunc(V x) {
  return round_to<Rounding::kTrunc>(x);
}

// x * 2^n for an integral n whose result or whose half-way step does not leave the range twice: |n| < 2 *
// bias.
template <class V>
PLAIT_INLINE V ldexp(V x, V n) {
#if PLAIT_ISA_LEVEL == 2
  if constexpr (kSame<V, F32>) return (F32)_mm512_scalef_ps((__m512)x, (__m512)n);
  if constexpr (kSame<V, F64>) return (F64)_mm512_scalef_pd((__m512d)x, (__m512d)n);
#endif
  using I = MaskOf<V>;
  constexpr int kMantissa = sizeof(ElemT<V>) == 4 ? 23 : 52;
  constexpr int kBias = sizeof(ElemT<V>) == 4 ? 127 : 1023;
  // Two factors, because 2^n alone leaves the range before the product does.
  const V bits = n + kRoundMagic<V>;
  const I k = (I)bits - (I)(V{} + kRoundMagic<V>);
  const I k1 = k >> 1, k2 = k - k1;
  return x * (V)((k1 + kBias) << kMantissa) * (V)((k2 + kBias) << kMantissa);
}

// table[i & 7] in every lane.
PLAIT_INLINE F32 lookup8(const float* table, I32 i) {
#if PLAIT_ISA_LEVEL == 2
  return (F32)_mm512_permutexvar_ps((__m512i)(i & 7), _mm512_broadcast_f32x8(_mm256_loadu_ps(table)));
#elif PLAIT_ISA_LEVEL == 1
  return (F32)_mm256_permutevar8x32_ps(_mm256_loadu_ps(table), (__m256i)i);
#else
  F32 v;
  for (int lane = 0; lane < kLanes<float>; ++lane) v[lane] = table[i[lane] & 7];
  return v;
#endif
}

// ---- Across lanes, always in the same tree ----

// combine(combine(...)) over halves, quarters, ... of v: every level folds the upper half onto the lower one.
template <class V, class F>
PLAIT_INLINE ElemT<V> reduce(V v, F f) {
  if constexpr (sizeof(V) > 16) {
    return reduce(f(low_half(v), high_half(v)), f);
  } else {
    using I = MaskOf<V>;
    constexpr int kN = static_cast<int>(sizeof(V) / sizeof(ElemT<V>));
    for (int w = kN / 2; w > 0; w /= 2)
      v = f(v, __builtin_shuffle(v, (iota<I>() + static_cast<ElemT<I>>(w)) & (kN - 1)));
    return v[0];
  }
}
template <class V>
PLAIT_INLINE ElemT<V> reduce_add(V v) {
  return reduce(v, [](auto a, auto b) { return a + b; });
}
// NaN in any lane gives NaN.
template <class V>
PLAIT_INLINE ElemT<V> reduce_max(V v) {
  return reduce(v, [](auto a, auto b) { return max_nan(a, b); });
}
// True when any lane of a comparison is set.
template <class I>
PLAIT_INLINE bool any(I m) {
#if PLAIT_ISA_LEVEL == 2
  if constexpr (sizeof(ElemT<I>) == 4) return _mm512_movepi32_mask((__m512i)m) != 0;
  if constexpr (sizeof(ElemT<I>) == 8) return _mm512_movepi64_mask((__m512i)m) != 0;
  return _mm512_test_epi32_mask((__m512i)m, (__m512i)m) != 0;
#elif PLAIT_ISA_LEVEL == 1
  return _mm256_movemask_epi8((__m256i)m) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_epi8((__m128i)m) != 0;
#else
  bool r = false;
  for (int i = 0; i < static_cast<int>(sizeof(I) / sizeof(ElemT<I>)); ++i) r |= m[i] != 0;
  return r;
#endif
}

// True when a < b fails in any lane, as it does for NaN.
template <class V>
PLAIT_INLINE bool any_not_less(V a, V b) {
#if PLAIT_ISA_LEVEL == 2  // straight from the comparison: GCC takes a mask through a vector and back
  if constexpr (kSame<V, F32>) return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_NLT_UQ) != 0;
  if constexpr (kSame<V, F64>) return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_NLT_UQ) != 0;
#endif
  return any(!(a < b));
}

// ---- 16-bit floats ----

using H16 = typename VecOf<uint16_t, kVecBytes / 2>::type;  // as many 16-bit lanes as F32 has

PLAIT_INLINE U32 widen_u16(H16 h) {
#if PLAIT_ISA_LEVEL == 2
  return (U32)_mm512_cvtepu16_epi32((__m256i)h);
#elif PLAIT_ISA_LEVEL == 1
  return (U32)_mm256_cvtepu16_epi32((__m128i)h);
#else
  return __builtin_convertvector(h, U32);
#endif
}
PLAIT_INLINE H16 narrow_u16(U32 u) {
#if PLAIT_ISA_LEVEL == 2
  return (H16)_mm512_cvtepi32_epi16((__m512i)u);
#elif PLAIT_ISA_LEVEL == 1
  u = u & 0xffffu;
  return (H16)_mm_packus_epi32((__m128i)low_half(u), (__m128i)high_half(u));
#else
  return __builtin_convertvector(u, H16);
#endif
}

PLAIT_INLINE F32 widen_bf16(H16 h) { return (F32)(widen_u16(h) << 16); }
PLAIT_INLINE H16 narrow_bf16(F32 x) {
#if PLAIT_ISA_LEVEL == 2  // with masks, and the upper halves in one shuffle: 6 operations in place of 9
  const __m512i bits = (__m512i)x, up = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff));
  const __mmask16 odd = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x10000));
  __m512i r = _mm512_mask_add_epi32(up, odd, up, _mm512_set1_epi32(1));
  const __mmask16 nan = _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q);
  r = _mm512_mask_or_epi32(r, nan, bits, _mm512_set1_epi32(0x400000));
  using Halves = typename VecOf<uint16_t, 64>::type;
  const __m512i upper = (__m512i)(iota<Halves>() * 2 + 1);
  return (H16)_mm512_castsi512_si256(_mm512_permutexvar_epi16(upper, r));
#else
  const U32 u = (U32)x;
  const U32 rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const U32 quiet_nan = (u >> 16) | 0x0040u;
  return narrow_u16((U32)(x != x ? (I32)quiet_nan : (I32)rounded));
#endif
}

PLAIT_INLINE F32 widen_f16(H16 h) {
#if PLAIT_ISA_LEVEL == 2
  return (F32)_mm512_cvtph_ps((__m256i)h);
#elif PLAIT_ISA_LEVEL == 1
  return (F32)_mm256_cvtph_ps((__m128i)h);
#else
  // Exponent and mantissa move into place, then one exact product rebiases, subnormals included.
  const U32 w = widen_u16(h);
  const U32 magnitude = (w & 0x7fffu) << 13, sign = (w & 0x8000u) << 16;
  const F32 f = (F32)((U32)((F32)(magnitude) * 0x1p112f));
  const I32 special = (I32)magnitude >= 0x0f800000;  // infinity, NaN
  const U32 bits = (U32)(special ? (I32)(magnitude | 0x7f800000u) : (I32)f);
  // The product above reads subnormal halves as float subnormals, which denormals-are-zero would flush.
  const F32 subnormal = __builtin_convertvector((I32)(w & 0x3ffu), F32) * 0x1p-24f;
  const I32 tiny = (I32)(w & 0x7c00u) == 0;
  return (F32)((U32)(tiny ? (I32)subnormal : (I32)bits) | sign);
#endif
}
PLAIT_INLINE H16 narrow_f16(F32 x) {
#if PLAIT_ISA_LEVEL == 2
  return (H16)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif PLAIT_ISA_LEVEL == 1
  return (H16)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  const U32 u = (U32)x & 0x7fffffffu, sign = ((U32)x >> 16) & 0x8000u;
  const U32 normal = (u + 0xc8000fffu + ((u >> 13) & 1u)) >> 13;
  const U32 subnormal =
      (U32)((F32)u + 0.5f) - 0x3f000000u;  // the sum rounds at the last bit of a subnormal half
  const I32 nan = (I32)u > 0x7f800000;
  const U32 special = (U32)(nan ? (I32)(((u >> 13) & 0x3ffu) | 0x7e00u) : I32{} + 0x7c00);
  I32 r = (I32)u < 0x38800000 ? (I32)subnormal : (I32)normal;
  r = (I32)u >= 0x47800000 ? (I32)special : r;
  return narrow_u16((U32)r | sign);
#endif
}

// ---- Memory ----

template <class V>
PLAIT_INLINE V load_bytes(const void* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

// kLanes<T> elements from p, which needs no alignment.
template <class T>
PLAIT_INLINE Vec<T> load(const T* p) {
  if constexpr (kSame<T, f16>) {
    return widen_f16(load_bytes<H16>(p));
  } else if constexpr (kSame<T, bf16>) {
    return widen_bf16(load_bytes<H16>(p));
  } else {
    return load_bytes<Vec<T>>(p);
  }
}
// Elements 0, 2, 4, ... from p. The one behind the last of them is read as well.
template <class T>
PLAIT_INLINE Vec<T> load_even(const T* p) {
  const Vec<T> low = load(p), high = load(p + kLanes<T>);
  return __builtin_shuffle(low, high, iota<MaskOf<Vec<T>>>() * 2);
}
template <class T>
PLAIT_INLINE void store(T* p, Vec<T> v) {
  if constexpr (kSame<T, f16>) {
    const H16 h = narrow_f16(v);
    __builtin_memcpy(p, &h, sizeof h);
  } else if constexpr (kSame<T, bf16>) {
    const H16 h = narrow_bf16(v);
    __builtin_memcpy(p, &h, sizeof h);
  } else {
    __builtin_memcpy(p, &v, sizeof v);
  }
}

// Non-temporal store where the level has one; p must be aligned to kVecBytes. A run of them ends with
// stream_fence().
template <class T>
PLAIT_INLINE void store_stream(T* p, Vec<T> v) {
#if PLAIT_ISA_LEVEL == 2
  _mm512_stream_si512(reinterpret_cast<__m512i*>(p), (__m512i)v);
#elif PLAIT_ISA_LEVEL == 1
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), (__m256i)v);
#elif defined(__SSE2__)
  _mm_stream_si128(reinterpret_cast<__m128i*>(p), (__m128i)v);
#else
  store(p, v);
#endif
}
PLAIT_INLINE void stream_fence() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

#if PLAIT_ISA_LEVEL == 2
// Bit i is set for i < n; n <= 64.
PLAIT_INLINE uint64_t lane_bits(int64_t n) { return _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(n)); }
#elif PLAIT_ISA_LEVEL == 1
template <class I>
PLAIT_INLINE I lane_mask(int64_t n) {
  return splat<I>(static_cast<ElemT<I>>(n)) > iota<I>();
}
#endif

PLAIT_INLINE H16 load_n_h16(const void* p, int64_t n) {
#if PLAIT_ISA_LEVEL == 2
  return (H16)_mm256_maskz_loadu_epi16(static_cast<__mmask16>(lane_bits(n)), p);
#else
  H16 h{};
  __builtin_memcpy(&h, p, static_cast<size_t>(n) * 2);
  return h;
#endif
}
PLAIT_INLINE void store_n_h16(void* p, H16 h, int64_t n) {
#if PLAIT_ISA_LEVEL == 2
  _mm256_mask_storeu_epi16(p, static_cast<__mmask16>(lane_bits(n)), (__m256i)h);
#else
  __builtin_memcpy(p, &h, static_cast<size_t>(n) * 2);
#endif
}

// The first n elements from memory (0 <= n <= kLanes<T>), the other lanes 0. Nothing behind p + n is touched.
template <class T>
PLAIT_INLINE Vec<T> load_n(const T* p, int64_t n) {
  if constexpr (kSame<T, f16>) {
    return widen_f16(load_n_h16(p, n));
  } else if constexpr (kSame<T, bf16>) {
    return widen_bf16(load_n_h16(p, n));
  } else {
#if PLAIT_ISA_LEVEL == 2
    if constexpr (sizeof(T) == 4) {
      return (Vec<T>)_mm512_maskz_loadu_epi32(static_cast<__mmask16>(lane_bits(n)), p);
    } else if constexpr (sizeof(T) == 8) {
      return (Vec<T>)_mm512_maskz_loadu_epi64(static_cast<__mmask8>(lane_bits(n)), p);
    } else if constexpr (sizeof(T) == 2) {
      return (Vec<T>)_mm512_maskz_loadu_epi16(static_cast<__mmask32>(lane_bits(n)), p);
    } else {
      return (Vec<T>)_mm512_maskz_loadu_epi8(lane_bits(n), p);
    }
#else
#if PLAIT_ISA_LEVEL == 1
    if constexpr (sizeof(T) == 4) {
      return (Vec<T>)_mm256_maskload_epi32(reinterpret_cast<const int*>(p), (__m256i)lane_mask<I32>(n));
    } else if constexpr (sizeof(T) == 8) {
      return (Vec<T>)_mm256_maskload_epi64(reinterpret_cast<const long long*>(p), (__m256i)lane_mask<I64>(n));
    } else
#endif
    {
      Vec<T> v{};
      __builtin_memcpy(&v, p, static_cast<size_t>(n) * sizeof(T));
      return v;
    }
#endif
  }
}

// Writes the first n lanes (0 <= n <= kLanes<T>).
template <class T>
PLAIT_INLINE void store_n(T* p, Vec<T> v, int64_t n) {
  if constexpr (kSame<T, f16>) {
    store_n_h16(p, narrow_f16(v), n);
  } else if constexpr (kSame<T, bf16>) {
    store_n_h16(p, narrow_bf16(v), n);
  } else {
#if PLAIT_ISA_LEVEL == 2
    if constexpr (sizeof(T) == 4) {
      _mm512_mask_storeu_epi32(p, static_cast<__mmask16>(lane_bits(n)), (__m512i)v);
    } else if constexpr (sizeof(T) == 8) {
      _mm512_mask_storeu_epi64(p, static_cast<__mmask8>(lane_bits(n)), (__m512i)v);
    } else if constexpr (sizeof(T) == 2) {
      _mm512_mask_storeu_epi16(p, static_cast<__mmask32>(lane_bits(n)), (__m512i)v);
    } else {
      _mm512_mask_storeu_epi8(p, lane_bits(n), (__m512i)v);
    }
#else
#if PLAIT_ISA_LEVEL == 1
    // By halves: a masked store takes 12 cycles on Zen 3.
    if constexpr (sizeof(T) >= 4) {
      constexpr int64_t kHalf = kLanes<T> / 2;
      if (n >= kLanes<T>) return store(p, v);
      __m128i part = (__m128i)low_half(v);
      if (n & kHalf) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), part);
        part = (__m128i)high_half(v);
        p += kHalf;
      }
      if (n & kHalf / 2) {
        _mm_storeu_si64(p, part);
        part = _mm_unpackhi_epi64(part, part);
        p += kHalf / 2;
      }
      if (sizeof(T) == 4 && (n & 1)) _mm_storeu_si32(p, part);
    } else
#endif
    {
      __builtin_memcpy(p, &v, static_cast<size_t>(n) * sizeof(T));
    }
#endif
  }
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
