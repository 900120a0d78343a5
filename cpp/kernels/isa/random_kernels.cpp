// SPDX-License-Identifier: MIT
// Dropout, raw random words, uniform and normal numbers.
//
//   dropout   y = kept ? x * scale : 0, kept = upper 24 bits of the word >= threshold
//   uniform   low + (high - low) u, u in [0, 1)
//   normal    Box-Muller: sqrt(-2 log u) cos(2 pi v) and sqrt(-2 log u) sin(2 pi v)
//
// Philox computes four vectors of words at a time. Dropout stores its mask for backward as bits: reading them
// takes a third of the time of drawing again. Bound by the ten rounds of Philox, two multiplications per
// round and four words; normal numbers also by log, sin and cos.
#include "kernels/isa/math.h"
#include "kernels/isa/philox.h"
#include "kernels/isa/reduce_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// One bit per lane of a mask, and the mask of such bits.
PLAIT_INLINE uint64_t to_bits(I32 m) {
#if PLAIT_ISA_LEVEL == 2
  return _mm512_movepi32_mask((__m512i)m);
#elif PLAIT_ISA_LEVEL == 1
  return static_cast<unsigned>(_mm256_movemask_ps((__m256)m));
#elif defined(__SSE2__)
  return static_cast<unsigned>(_mm_movemask_ps((__m128)m));
#else
  uint64_t bits = 0;
  for (int i = 0; i < kLanes<int32_t>; ++i) bits |= static_cast<uint64_t>(m[i] & 1) << i;
  return bits;
#endif
}
PLAIT_INLINE I32 from_bits(uint64_t bits) {
#if PLAIT_ISA_LEVEL == 2
  return (I32)_mm512_movm_epi32(static_cast<__mmask16>(bits));
#else
  const I32 lane = (I32{} + 1) << iota<I32>();
  return (splat<I32>(static_cast<int32_t>(bits)) & lane) != 0;
#endif
}

// Elements [i, i + width), whose words make up one vector; `keep` is their mask.
template <class T>
PLAIT_INLINE void drop(const DropoutArgs& a, int64_t i, int64_t width, I32 keep) {
  using V = Vec<T>;
  constexpr int64_t L = kLanes<T>;
  const T* x = static_cast<const T*>(a.x);
  T* y = static_cast<T*>(a.y);
  const V scale = splat<V>(static_cast<ElemT<V>>(a.scale));
  const auto one = [&](int64_t at, int64_t n, MaskOf<V> mask) {
    if (n >= L) {
      store(y + at, mask ? load(x + at) * scale : V{});
    } else if (n > 0) {
      store_n(y + at, mask ? load_n(x + at, n) * scale : V{}, n);
    }
  };
  if constexpr (kSame<V, F32>) {
    one(i, width, keep);
  } else {
    one(i, width, __builtin_convertvector(low_half(keep), I64));
    one(i + L, width - L, __builtin_convertvector(high_half(keep), I64));
  }
}

template <class T, bool kDraws>
void dropout(const DropoutArgs& a) {
  constexpr int64_t W = kLanes<uint32_t>;
  for (int64_t i = 0; i < a.n; i += 4 * W) {
    uint64_t bits = 0;
    I32 keep[4];
    if constexpr (kDraws) {
      const PhiloxWords p = philox(a.key, a.counter + static_cast<uint64_t>(i / 4));
      for (int k = 0; k < 4; ++k) {
        keep[k] = (I32)(p.words[k] >> 8) >= static_cast<int32_t>(a.threshold);
        bits |= to_bits(keep[k]) << (k * W);
      }
      if (a.kept) __builtin_memcpy(a.kept + i / 8, &bits, W / 2);
    } else {
      __builtin_memcpy(&bits, a.kept + i / 8, W / 2);
      for (int k = 0; k < 4; ++k) keep[k] = from_bits(bits >> (k * W));
    }
    for (int k = 0; k < 4; ++k) drop<T>(a, i + k * W, min_i64(W, a.n - i - k * W), keep[k]);
  }
}

void words(uint32_t* out, int64_t n, uint64_t key, uint64_t counter) {
  constexpr int64_t W = kLanes<uint32_t>;
  for (int64_t i = 0; i < n; i += 4 * W) {
    const PhiloxWords p = philox(key, counter + static_cast<uint64_t>(i / 4));
    for (int k = 0; k < 4; ++k) {
      const int64_t at = i + k * W, width = n - at;
      if (width >= W) {
        store(out + at, p.words[k]);
      } else if (width > 0) {
        store_n(out + at, p.words[k], width);
      }
    }
  }
}

// A number in [0, 1).
PLAIT_INLINE F32 to_unit(U32 w) { return __builtin_convertvector((I32)(w >> 8), F32) * 0x1p-24f; }
// A number in (0, 1], for logarithms.
PLAIT_INLINE F32 to_positive_unit(U32 w) {
  return (__builtin_convertvector((I32)(w >> 1), F32) + 0.5f) * 0x1p-31f;
}
// The same from two words, through the exact conversion of integers below 2^53.
PLAIT_INLINE F64 to_double(U64 x) {
  const U64 low = (x & 0xffffffffu) | 0x4330000000000000u;  // 2^52 + low half
  const U64 high = (x >> 32) | 0x4530000000000000u;         // 2^84 + 2^32 high half
  return ((F64)high - (0x1p84 + 0x1p52)) + (F64)low;
}
PLAIT_INLINE F64 to_unit(U64 x) { return to_double(x >> 11) * 0x1p-53; }
PLAIT_INLINE F64 to_positive_unit(U64 x) { return (to_double(x >> 12) + 0.5) * 0x1p-52; }

// Two independent normal numbers x and y: radius sqrt(-2 log u), angle 2 pi v. The angle is first reduced,
// exactly, to within an eighth of a circle of the nearest multiple of a quarter.
template <class V>
PLAIT_INLINE void box_muller(V u, V v, V& x, V& y) {
  using I = MaskOf<V>;
  constexpr int kToSign = 8 * sizeof(ElemT<V>) - 2;
  const V radius = sqrt(log(u) * -2);
  const V t = v * 4, n = round_small(t);
  const V angle = (t - n) * static_cast<ElemT<V>>(1.5707963267948966);
  const I q = (I)(n + kRoundMagic<V>)-(I)(V{} + kRoundMagic<V>);
  const V s = sin_poly(angle), c = cos_poly(angle);
  x = radius * (V)((I)((q & 1) != 0 ? s : c) ^ (((q + 1) & 2) << kToSign));
  y = radius * (V)((I)((q & 1) != 0 ? c : s) ^ ((q & 2) << kToSign));
}

// Every second element of the concatenation of a and b, from kFirst on. interleave_half<0> and <1> of two
// such vectors give a and b back.
template <int kFirst, class V>
PLAIT_INLINE V deinterleave(V a, V b) {
  constexpr int L = kLanes<ElemT<V>>;
  MaskOf<V> at{};
  for (int i = 0; i < L; ++i) at[i] = 2 * i + kFirst;
  return __builtin_shuffle(a, b, at);
}
template <int kHalf, class V>
PLAIT_INLINE V interleave_half(V a, V b) {
  constexpr int L = kLanes<ElemT<V>>;
  MaskOf<V> at{};
  for (int i = 0; i < L; ++i) at[i] = kHalf * (L / 2) + i / 2 + i % 2 * L;
  return __builtin_shuffle(a, b, at);
}

// Fills out[n] two vectors at a time: f(words of the first, words of the second, first, second). W is the
// vector type of an element's words.
template <class W, class T, class F>
PLAIT_INLINE void fill_pairs(T* out, int64_t n, uint64_t key, uint64_t counter, F f) {
  constexpr int64_t L = kLanes<T>, kStep = 4 * L;
  for (int64_t i = 0; i < n; i += kStep, counter += kVecBytes / 4) {
    const PhiloxWords p = philox(key, counter);
    for (int k = 0; k < 4; k += 2) {
      Vec<T> y[2];
      f(bit_cast<W>(p.words[k]), bit_cast<W>(p.words[k + 1]), y[0], y[1]);
      for (int h = 0; h < 2; ++h) {
        const int64_t at = i + (k + h) * L, width = n - at;
        if (width >= L) {
          store(out + at, y[h]);
        } else if (width > 0) {
          store_n(out + at, y[h], width);
        }
      }
    }
  }
}

template <class T, class W>
void uniform(T* out, int64_t n, uint64_t key, uint64_t counter, T low, T high) {
  using V = Vec<T>;
  const V range = splat<V>(high - low), start = splat<V>(low);
  fill_pairs<W>(out, n, key, counter, [=](W a, W b, V& x, V& y) {
    x = fma(to_unit(a), range, start);
    y = fma(to_unit(b), range, start);
  });
}

template <class T, class W>
void normal(T* out, int64_t n, uint64_t key, uint64_t counter, T mean, T std) {
  using V = Vec<T>;
  const V scale = splat<V>(std), shift = splat<V>(mean);
  fill_pairs<W>(out, n, key, counter, [=](W a, W b, V& first, V& second) {
    V x, y;
    box_muller(to_positive_unit(deinterleave<0>(a, b)), to_unit(deinterleave<1>(a, b)), x, y);
    first = fma(interleave_half<0>(x, y), scale, shift);
    second = fma(interleave_half<1>(x, y), scale, shift);
  });
}

template <class... Ts>
void set_dropout(RandomTable& t) {
  ((t.dropout.of<Ts>() = dropout<Ts, true>), ...);
  ((t.dropout_kept.of<Ts>() = dropout<Ts, false>), ...);
}

}  // namespace

void fill_random(KernelTable& table) {
  RandomTable& t = table.random;
  set_dropout<f16, bf16, float, double>(t);
  t.words = words;
  t.uniform_f32 = uniform<float, U32>;
  t.uniform_f64 = uniform<double, U64>;
  t.normal_f32 = normal<float, U32>;
  t.normal_f64 = normal<double, U64>;
}

}  // namespace plait::PLAIT_ISA_NS
