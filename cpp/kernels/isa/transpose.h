// SPDX-License-Identifier: MIT
// Transposes of square tiles in registers, for packing, copies and layouts of convolution. Bound by shuffles.
#pragma once

#include "kernels/isa/vec.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// Transposes an L x L tile in registers: log2(L) rounds, each interleaving row i with row i + L/2.
template <class T>
PLAIT_INLINE void transpose(Vec<T>* r) {
  constexpr int L = kLanes<T>;
  MaskOf<Vec<T>> low, high;
  for (int i = 0; i < L; ++i) {
    low[i] = i / 2 + (i % 2) * L;
    high[i] = L / 2 + i / 2 + (i % 2) * L;
  }
#pragma GCC unroll 4
  for (int round = 1; round < L; round *= 2) {
    Vec<T> s[L];
#pragma GCC unroll 8
    for (int i = 0; i < L / 2; ++i) {
      s[2 * i] = __builtin_shuffle(r[i], r[i + L / 2], low);
      s[2 * i + 1] = __builtin_shuffle(r[i], r[i + L / 2], high);
    }
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) r[i] = s[i];
  }
}

// Rows of a tile have 32 bytes, at AVX-512 too: shuffles across a whole 64-byte vector need an index register
// and cost twice as much as unpacks within 32 bytes, and short rows fill a smaller tile better.
inline constexpr int kTileBytes = kVecBytes < 32 ? kVecBytes : 32;
template <class T>
using TileRow = typename VecOf<T, kTileBytes>::type;
template <class T>
inline constexpr int kTile = kTileBytes / static_cast<int>(sizeof(T));

// unpacklo and unpackhi: elements of a and b interleaved, from the lower or upper half of every 16 bytes.
template <class V, bool kUpper>
PLAIT_INLINE V unpack(V a, V b) {
  using I = MaskOf<V>;
  constexpr int kN = static_cast<int>(sizeof(V) / sizeof(ElemT<V>)),
                kGroup = 16 / static_cast<int>(sizeof(ElemT<V>));
  I from;
  for (int i = 0; i < kN; ++i) {
    const int run = i % kGroup;
    from[i] =
        static_cast<ElemT<I>>((run % 2 ? kN : 0) + i / kGroup * kGroup + (kUpper ? kGroup / 2 : 0) + run / 2);
  }
  return __builtin_shuffle(a, b, from);
}
// The lower or upper halves of a and b, one after the other.
template <class V, bool kUpper>
PLAIT_INLINE V join_halves(V a, V b) {
  if constexpr (!kUpper) return combine(low_half(a), low_half(b));
  using I = MaskOf<V>;
  constexpr int kN = static_cast<int>(sizeof(V) / sizeof(ElemT<V>));
  I from;
  for (int i = 0; i < kN; ++i) {
    from[i] = static_cast<ElemT<I>>(i < kN / 2 ? i + kN / 2 : i + kN);
  }
  return __builtin_shuffle(a, b, from);
}

// Transposes a tile of kTile<T> rows in registers.
template <class T>
PLAIT_INLINE void transpose_tile(TileRow<T>* r) {
  using V = TileRow<T>;
  constexpr int B = kTile<T>, kGroup = 16 / static_cast<int>(sizeof(T));
  V s[B];
#pragma GCC unroll 8
  for (int i = 0; i < B; i += 2) {
    s[i] = unpack<V, false>(r[i], r[i + 1]);
    s[i + 1] = unpack<V, true>(r[i], r[i + 1]);
  }
  if constexpr (kGroup == 4) {
#pragma GCC unroll 8
    for (int i = 0; i < B; i += 4) {
      // As elements of 8 bytes: of 4-byte pairs GCC makes no unpack but a shuffle with an index it loads.
      using W = typename VecOf<uint64_t, sizeof(V)>::type;
      r[i] = (V)unpack<W, false>((W)s[i], (W)s[i + 2]);
      r[i + 1] = (V)unpack<W, true>((W)s[i], (W)s[i + 2]);
      r[i + 2] = (V)unpack<W, false>((W)s[i + 1], (W)s[i + 3]);
      r[i + 3] = (V)unpack<W, true>((W)s[i + 1], (W)s[i + 3]);
    }
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < B; ++i) r[i] = s[i];
  }
  if constexpr (B > kGroup) {
#pragma GCC unroll 8
    for (int i = 0; i < kGroup; ++i) {
      const V low = join_halves<V, false>(r[i], r[i + kGroup]),
              high = join_halves<V, true>(r[i], r[i + kGroup]);
      r[i] = low;
      r[i + kGroup] = high;
    }
  }
}

// The first n elements of a tile's row; the rest is zero, or not stored.
template <class T>
PLAIT_INLINE TileRow<T> load_part(const char* p, int64_t n) {
#if PLAIT_ISA_LEVEL == 2
  const auto bits = static_cast<__mmask8>(lane_bits(n));
  if constexpr (sizeof(T) == 4) {
    return (TileRow<T>)_mm256_maskz_loadu_epi32(bits, p);
  } else {
    return (TileRow<T>)_mm256_maskz_loadu_epi64(bits, p);
  }
#else
  return load_n(reinterpret_cast<const T*>(p), n);
#endif
}
template <class T>
PLAIT_INLINE void store_part(char* p, TileRow<T> v, int64_t n) {
#if PLAIT_ISA_LEVEL == 2
  const auto bits = static_cast<__mmask8>(lane_bits(n));
  if constexpr (sizeof(T) == 4) {
    _mm256_mask_storeu_epi32(p, bits, (__m256i)v);
  } else {
    _mm256_mask_storeu_epi64(p, bits, (__m256i)v);
  }
#else
  store_n(reinterpret_cast<T*>(p), v, n);
#endif
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
