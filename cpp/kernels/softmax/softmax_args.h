// SPDX-License-Identifier: MIT
// Softmax, log-softmax and cross-entropy. 16-bit floats are computed in float32 and rounded once; the compute
// type of float32 and float64 is their own.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

enum class SoftmaxKind : uint8_t { kSoftmax, kLogSoftmax };
inline constexpr int kNumSoftmaxKinds = 2;

// Both passes run along contiguous rows, arrays [rows, n], or along columns, arrays [n, columns] whose rows
// are `ld` elements apart.
//
// Forward, with m = max x and s = sum exp(x - m) over a row or column:
//   softmax      y = exp(x - m) / s
//   log-softmax  y = (x - m) - log(s)
struct SoftmaxArgs {
  const void* x;  // [rows, n] or [n, columns]
  void* y;        // the same shape; may be x
  int64_t rows, n;
  int64_t columns, ld;
  bool stream;  // rows of y are written with non-temporal stores
};
// Backward, from the forward result:
//   softmax      gx = y (gy - sum(gy y))
//   log-softmax  gx = gy - exp(y) sum(gy)
struct SoftmaxGradArgs {
  const void* y;   // [rows, n] or [n, columns]
  const void* gy;  // the same shape
  void* gx;        // the same shape; may be y or gy
  int64_t rows, n;
  int64_t columns, ld;
  bool stream;
};
// The most columns of one call: their running maxima and sums stay in L1.
inline constexpr int64_t kMaxSoftmaxColumns = 512;

// Rows of logits x[rows, n]. For a row with maximum m and s = sum exp(x - m):
//   forward:  stats[r] = {m, s}; weighted[r] = sum_c w[c] x[c], where w[c] = 1 without weights
//   backward: gx[r, c] = exp_scale[r] exp(x[r, c] - m) + weight_scale[r] w[c]
struct CrossEntropyArgs {
  const void* x;               // [rows, n]
  const void* weight;          // [n], of the compute type; null: ones
  void* stats;                 // [rows, 2], of the compute type
  double* weighted;            // [rows]; null when not wanted
  const double* exp_scale;     // [rows]
  const double* weight_scale;  // [rows]; null: zeros
  void* gx;                    // [rows, n]
  int64_t rows, n;
};

struct SoftmaxKernels {
  void (*rows)(const SoftmaxArgs&);
  void (*columns)(const SoftmaxArgs&);
  void (*rows_backward)(const SoftmaxGradArgs&);
  void (*columns_backward)(const SoftmaxGradArgs&);
};
using CrossEntropyFn = void (*)(const CrossEntropyArgs&);

struct SoftmaxTable {
  PerEnum<SoftmaxKind, kNumSoftmaxKinds, PerFloat<SoftmaxKernels>> kernel;
  PerFloat<CrossEntropyFn> cross_entropy;
  PerFloat<CrossEntropyFn> cross_entropy_backward;
};

}  // namespace plait
