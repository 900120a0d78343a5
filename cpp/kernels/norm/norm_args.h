// SPDX-License-Identifier: MIT
// Normalisation. xhat = (x - mean) * rstd throughout. Statistics, coefficients and parameter gradients have
// the compute type C: double for double input, else float.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

// Rows normalised by their own statistics: layer norm and, with kRms (mean 0, rstd = 1 / rms), RMS norm.
//   forward:  y = xhat * weight + bias
//   backward: g = gy * weight; gx = rstd * (g - mean(g) - xhat * mean(g * xhat)), for kRms without mean(g);
//             gweight += sum over rows of gy * xhat, gbias += sum over rows of gy
struct RowNormArgs {
  const void* x;       // [rows, n]
  const void* weight;  // C[n] or null: ones
  const void* bias;    // C[n] or null: zeros
  void* y;             // [rows, n]
  void* mean;          // C[rows]; null for kRms
  void* rstd;          // C[rows]
  int64_t rows, n;
  double eps;
  bool stream;  // y is written with non-temporal stores
};
struct RowNormGradArgs {
  const void* x;       // [rows, n]
  const void* gy;      // [rows, n]
  const void* weight;  // C[n] or null: ones
  const void* mean;    // C[rows]; null for kRms
  const void* rstd;    // C[rows]
  void* gx;            // [rows, n] or null
  void* gweight;       // C[n] or null
  void* gbias;         // C[n] or null
  int64_t rows, n;
  bool stream;  // gx is written with non-temporal stores
};

// Passes over arrays [rows, n] whose statistics are known; one coefficient per row (by_row) or per column
// (by_column).
//   apply:    y = (x - mean) * scale + shift
//   sums:     sum_gy += gy, sum_gyx += gy * (x - mean), over each row or column
//   gradient: gx = gy * scale - (x - mean) * slope - shift
struct SlabArgs {
  const void* x;                             // [rows, n]
  const void* gy;                            // [rows, n]
  void* out;                                 // [rows, n]: y or gx
  const void *mean, *scale, *slope, *shift;  // C[rows] by row, C[n] by column
  int64_t step;                              // by row: 1, or 0 if all rows share one coefficient
  double *sum_gy, *sum_gyx;                  // [rows] or [n], as the coefficients
  int64_t rows, n, ld;                       // rows of x, gy and out are `ld` elements apart
};
struct SlabKernels {
  void (*apply)(const SlabArgs&);
  void (*sums)(const SlabArgs&);
  void (*gradient)(const SlabArgs&);
};

enum class RowNormKind : uint8_t { kLayer, kRms };
inline constexpr int kNumRowNormKinds = 2;

struct RowNormKernels {
  void (*forward)(const RowNormArgs&);
  void (*backward)(const RowNormGradArgs&);
};

struct NormTable {
  PerEnum<RowNormKind, kNumRowNormKinds, PerFloat<RowNormKernels>> rows;
  PerFloat<SlabKernels> by_row;
  PerFloat<SlabKernels> by_column;
};

}  // namespace plait
