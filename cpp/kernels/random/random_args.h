// SPDX-License-Identifier: MIT
// Kernels that draw random numbers: Philox as core/generator.h defines it, element i from word i % 4 of
// counter base + i / 4, so what is drawn depends on the position alone.
#pragma once

#include <cstdint>

namespace plait {

// y = x * scale where the element stays, else 0. It stays when its word, less its lowest 8 bits, is at least
// threshold * 2^8.
struct DropoutArgs {
  const void* x;
  void* y;
  int64_t n;
  uint64_t key, counter;
  uint32_t threshold;  // p * 2^24
  double scale;
  uint8_t* kept;  // one bit per element, in the order of the level's own vectors; room for whole kRandomPiece
};

struct RandomTable {
  // By dtype number less that of float16. The first draws, and notes in `kept` unless that is null; the
  // second reads `kept`.
  void (*dropout[4])(const DropoutArgs&);
  void (*dropout_kept[4])(const DropoutArgs&);
  void (*words)(uint32_t* out, int64_t n, uint64_t key, uint64_t counter);
  // low + (high - low) u with u in [0, 1): 24 random bits of one word per float, 53 of two words per double.
  void (*uniform_f32)(float* out, int64_t n, uint64_t key, uint64_t counter, float low, float high);
  void (*uniform_f64)(double* out, int64_t n, uint64_t key, uint64_t counter, double low, double high);
  // Box and Muller's transform of the words of elements 2 i and 2 i + 1.
  void (*normal_f32)(float* out, int64_t n, uint64_t key, uint64_t counter, float mean, float std);
  void (*normal_f64)(double* out, int64_t n, uint64_t key, uint64_t counter, double mean, double std);
};

// Pieces of an array may start at multiples of this many elements only.
inline constexpr int64_t kRandomPiece = 64;

}  // namespace plait
