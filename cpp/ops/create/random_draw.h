// SPDX-License-Identifier: MIT
// Loops over random words: element i of an op uses those of its place, see kernels/random/random_args.h.
#pragma once

#include <algorithm>

#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"
#include "kernels/random/random_args.h"
#include "ops/create/random.h"

namespace plait {

// f(begin, count, counter) on pieces of n elements that take `words` words each.
template <class F>
void for_pieces(int64_t n, int64_t words, Generator::Position at, F f) {
  const int64_t pieces = ceil_div(n, kRandomPiece);
  parallel_for(pieces, kGrainElements / 2 / kRandomPiece, [&](int64_t first, int64_t last) {
    const int64_t begin = first * kRandomPiece, end = std::min(n, last * kRandomPiece);
    f(begin, end - begin, at.counter + static_cast<uint64_t>(begin * words / 4));
  });
}

inline void draw_words(uint32_t* out, int64_t n, Generator* generator) {
  const Generator::Position at = reserve_words(n, generator);
  for_pieces(n, 1, at, [&](int64_t begin, int64_t count, uint64_t counter) {
    kernels().random.words(out + begin, count, at.seed, counter);
  });
}

// f(i, words) for i in [0, n) with kWords words of its own, from several threads.
template <int64_t kWords, class F>
void draw_by_element(int64_t n, Generator* generator, F f) {
  const Generator::Position at = reserve_words(kWords * n, generator);
  for_pieces(n, kWords, at, [&](int64_t begin, int64_t count, uint64_t counter) {
    constexpr int64_t kBlock = 512;  // words
    uint32_t w[kBlock];
    for (int64_t i = 0; i < count; i += kBlock / kWords, counter += kBlock / 4) {
      const int64_t m = std::min(count - i, kBlock / kWords);
      kernels().random.words(w, m * kWords, at.seed, counter);
      for (int64_t j = 0; j < m; ++j) f(begin + i + j, w + j * kWords);
    }
  });
}

}  // namespace plait
