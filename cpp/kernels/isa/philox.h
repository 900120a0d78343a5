// SPDX-License-Identifier: MIT
// Philox4x32-10 (Salmon et al., 2011), one counter per lane: the words of L consecutive counters in order.
// Ten rounds of two 32 x 32-bit products bound it. core/generator.h says which counters an op takes.
#pragma once

#include "kernels/isa/vec.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// The high and the low word of every lane's 64-bit product.
PLAIT_INLINE void multiply_words(U32 a, uint32_t by, U32& high, U32& low) {
#if PLAIT_ISA_LEVEL == 2
  const __m512i m = _mm512_set1_epi32(static_cast<int>(by));
  const __m512i even = _mm512_mul_epu32((__m512i)a, m),
                odd = _mm512_mul_epu32(_mm512_srli_epi64((__m512i)a, 32), m);
  high = (U32)_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
  low = (U32)_mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
#elif PLAIT_ISA_LEVEL == 1
  const __m256i m = _mm256_set1_epi32(static_cast<int>(by));
  const __m256i even = _mm256_mul_epu32((__m256i)a, m),
                odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)a, 32), m);
  high = (U32)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
  low = (U32)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
#elif defined(__SSE2__)
  const __m128i m = _mm_set1_epi32(static_cast<int>(by)), odd_lanes = _mm_set_epi32(-1, 0, -1, 0);
  const __m128i even = _mm_mul_epu32((__m128i)a, m), odd = _mm_mul_epu32(_mm_srli_epi64((__m128i)a, 32), m);
  high = (U32)_mm_or_si128(_mm_srli_epi64(even, 32), _mm_and_si128(odd, odd_lanes));
  low = (U32)_mm_or_si128(_mm_andnot_si128(odd_lanes, even), _mm_slli_epi64(odd, 32));
#else
  for (int i = 0; i < kLanes<uint32_t>; ++i) {
    const uint64_t product = uint64_t{a[i]} * by;
    high[i] = static_cast<uint32_t>(product >> 32);
    low[i] = static_cast<uint32_t>(product);
  }
#endif
}

// The words of two vectors, interleaved within every 4 lanes: a0 b0 a1 b1 for kFirst = 0, a2 b2 a3 b3 for 2.
template <int kFirst>
PLAIT_INLINE U32 interleave(U32 a, U32 b) {
  constexpr int L = kLanes<uint32_t>;
  I32 at{};
  for (int i = 0; i < L; ++i) at[i] = i / 4 * 4 + kFirst + i % 4 / 2 + (i % 2) * L;
  return __builtin_shuffle(a, b, at);
}
// The same with pairs of words.
template <int kFirst>
PLAIT_INLINE U32 interleave_pairs(U32 a, U32 b) {
  constexpr int L = kLanes<uint32_t>;
  I32 at{};
  for (int i = 0; i < L; ++i) at[i] = i / 4 * 4 + kFirst + i % 2 + (i % 4 / 2) * L;
  return __builtin_shuffle(a, b, at);
}

// The 4 L words of counters [counter, counter + L), in order.
struct PhiloxWords {
  U32 words[4];
};
PLAIT_INLINE PhiloxWords philox(uint64_t key, uint64_t counter) {
  constexpr int L = kLanes<uint32_t>, kBlocks = L / 4;
  // Lane 4 b + k takes counter kBlocks k + b: the interleaving below then puts all words in order.
  U32 c0{};
  for (int i = 0; i < L; ++i) c0[i] = static_cast<uint32_t>(kBlocks * (i % 4) + i / 4);
  const auto base = static_cast<uint32_t>(counter);
  c0 += base;
  U32 c1 = (U32)(c0 < U32{} + base) & 1u;  // carried
  c1 += static_cast<uint32_t>(counter >> 32);
  U32 c2{}, c3{};
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    U32 h0, l0, h1, l1;
    multiply_words(c0, 0xD2511F53u, h0, l0);
    multiply_words(c2, 0xCD9E8D57u, h1, l1);
    c0 = h1 ^ c1 ^ k0;
    c1 = l1;
    c2 = h0 ^ c3 ^ k1;
    c3 = l0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const U32 a = interleave<0>(c0, c1), b = interleave<2>(c0, c1), c = interleave<0>(c2, c3),
            d = interleave<2>(c2, c3);
  return {{interleave_pairs<0>(a, c), interleave_pairs<2>(a, c), interleave_pairs<0>(b, d),
           interleave_pairs<2>(b, d)}};
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
