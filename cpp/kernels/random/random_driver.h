// SPDX-License-Identifier: MIT
// Random numbers over whole arrays. Element i of an op uses the words of its place, see random_args.h: values
// depend on the generator's position and on i alone, never on the number of threads. All arrays are
// contiguous.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/dtype.h"
#include "core/generator.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/random/random_args.h"

namespace plait {

// The position of n words of a generator, or of the default one.
Generator::Position reserve_words(int64_t n, Generator* generator);
// out[n], words from `at` on; of one thread.
void words_at(uint32_t* out, int64_t n, uint64_t seed, uint64_t counter);

// f(begin, count, counter) on pieces of n elements that take `words` words each.
template <class F>
void for_random_pieces(int64_t n, int64_t words, const Generator::Position& at, F f) {
  const int64_t pieces = ceil_div(n, kRandomPiece);
  parallel_for(pieces, kGrainElements / 2 / kRandomPiece, [&](int64_t first, int64_t last) {
    const int64_t begin = first * kRandomPiece, end = std::min(n, last * kRandomPiece);
    f(begin, end - begin, at.counter + static_cast<uint64_t>(begin * words / 4));
  });
}

// f(i, words) for i in [0, n) with kWords words of its own, from several threads.
template <int64_t kWords, class F>
void draw_by_element(int64_t n, Generator* generator, F f) {
  const Generator::Position at = reserve_words(kWords * n, generator);
  for_random_pieces(n, kWords, at, [&](int64_t begin, int64_t count, uint64_t counter) {
    constexpr int64_t kBlock = 512;  // words
    uint32_t w[kBlock];
    for (int64_t i = 0; i < count; i += kBlock / kWords, counter += kBlock / 4) {
      const int64_t m = std::min(count - i, kBlock / kWords);
      words_at(w, m * kWords, at.seed, counter);
      for (int64_t j = 0; j < m; ++j) f(begin + i + j, w + j * kWords);
    }
  });
}

// out[n] = random words.
void draw_words(uint32_t* out, int64_t n, Generator* generator);

// out[n], float or double: uniform in [low, high), or normal.
void draw_uniform(DType dtype, void* out, int64_t n, double low, double high, Generator* generator);
void draw_normal(DType dtype, void* out, int64_t n, double mean, double std, Generator* generator);
// x[n] = low + range * floor(x steps) / steps: uniform numbers with as many digits as a 16-bit float has.
void coarsen_uniform(float* x, int64_t n, float steps, float low, float range);
// x[n] = e^x
void exponentials(double* x, int64_t n);
// z[n] = mean[n] + std[n] z
void shift_normal(DType dtype, void* z, int64_t n, const double* mean, const double* std);

// Numbers of categories per row of weights[rows, n], from uniform numbers u[rows, replacement ? samples : n].
// With replacement the cumulative sum is searched for them. Without, the samples are the smallest exponential
// times -log(u) / weight, which is a draw one after the other.
struct CategoryDraw {
  const double* weights;
  const double* u;
  int64_t* out;  // [rows, samples]
  int64_t rows, n, samples;
  bool replacement;
};
void draw_categories(const CategoryDraw& args);

// y[n] = x / (1 - p) where the element's random number is at least p, else 0. `kept`, if not null, has a bit
// for each element, round_up(n, kRandomPiece) / 8 bytes; `drawn` reads it, else it is written.
struct DropoutPlace {
  uint64_t seed, counter;
  double p;
};
void dropout_values(DType dtype, const DropoutPlace& place, const void* x, void* y, int64_t n, uint8_t* kept,
                    bool drawn);

}  // namespace plait
