// SPDX-License-Identifier: MIT
// Softmax, log-softmax and cross-entropy. Rows lie along memory; columns are strided by their number.
// 16-bit floats are computed in float32 and rounded once.
#pragma once

#include <cstdint>

namespace plait {

enum class SoftmaxKind : uint8_t { kSoftmax, kLogSoftmax };

// Forward: y from x. Backward: gx, written to y, from x = the forward result and gy.
struct SoftmaxArgs {
  const void* x;
  const void* gy;
  void* y;
  int64_t rows, n;            // x[rows, n], contiguous: over the last dimension
  int64_t columns, distance;  // or x[n, columns], rows `distance` apart: over the first
  bool stream;                // rows of y go around the caches
};
// The most columns of one call: their running maxima and sums stay in the L1 cache.
inline constexpr int64_t kSoftmaxColumns = 512;

// Rows of logits x[rows, n]. For a row with maximum m and s = sum exp(x - m):
//   forward:  stats[r] = {m, s}; weighted[r] = sum_c w[c] x[c], where w[c] = 1 without weights
//   backward: gx[r, c] = a[r] exp(x[r, c] - m) + b[r] w[c]
struct CrossEntropyArgs {
  const void* x;
  const void* weight;  // [n], of the compute type; null: ones
  void* stats;         // [rows, 2], compute type (float, or double for double)
  double* weighted;    // [rows], or null when not wanted
  const double* a;     // [rows]
  const double* b;     // [rows], or null: zeros
  void* gx;
  int64_t rows, n;
};

struct SoftmaxKernels {
  void (*rows)(const SoftmaxArgs&);
  void (*columns)(const SoftmaxArgs&);
  void (*rows_backward)(const SoftmaxArgs&);
  void (*columns_backward)(const SoftmaxArgs&);
};
struct SoftmaxTable {
  // Indexed by dtype number less that of float16: float16, bfloat16, float32, float64.
  SoftmaxKernels kernel[2][4];
  void (*cross_entropy[4])(const CrossEntropyArgs&);
  void (*cross_entropy_backward[4])(const CrossEntropyArgs&);
};

}  // namespace plait
