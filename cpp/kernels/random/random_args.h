// SPDX-License-Identifier: MIT
// Random numbers. Element i is drawn from word i % 4 of Philox counter base + i / 4 (core/generator.h), so
// its value depends on its position alone.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

// y = x * scale where the element is kept, else 0. It is kept if the upper 24 bits of its word are at least
// `threshold`.
struct DropoutArgs {
  const void* x;  // (n,)
  void* y;        // (n,)
  int64_t n;
  uint64_t key, counter;
  uint32_t threshold;  // p * 2^24
  double scale;
  // One bit per element, in the order of the level's vectors: n / 8 bytes, n rounded up to kRandomPiece.
  uint8_t* kept;
};

using DropoutFn = void (*)(const DropoutArgs&);

struct RandomTable {
  // `dropout` draws, and stores `kept` unless it is null; `dropout_kept` reads `kept`.
  PerFloat<DropoutFn> dropout;
  PerFloat<DropoutFn> dropout_kept;
  void (*words)(uint32_t* out, int64_t n, uint64_t key, uint64_t counter);
  // low + (high - low) u with u in [0, 1): 24 random bits of one word per float, 53 of two words per double.
  void (*uniform_f32)(float* out, int64_t n, uint64_t key, uint64_t counter, float low, float high);
  void (*uniform_f64)(double* out, int64_t n, uint64_t key, uint64_t counter, double low, double high);
  // Box and Muller's transform of the words of elements 2 i and 2 i + 1.
  void (*normal_f32)(float* out, int64_t n, uint64_t key, uint64_t counter, float mean, float std);
  void (*normal_f64)(double* out, int64_t n, uint64_t key, uint64_t counter, double mean, double std);
};

// Ranges of an array that are drawn separately start at multiples of this many elements.
inline constexpr int64_t kRandomPiece = 64;

}  // namespace plait
