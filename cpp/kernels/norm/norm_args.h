// SPDX-License-Identifier: MIT
// Normalisation. Statistics, coefficients and parameter gradients are of the compute type C: float, or double
// for double input. xhat = (x - mean) * rstd throughout.
#pragma once

#include <cstdint>

namespace plait {

// Rows normalised by their own statistics: layer norm and, with kRms (mean 0, rstd = 1 / rms), RMS norm.
//   forward:  y = xhat * weight + bias
//   backward: g = gy * weight; gx = rstd * (g - mean(g) - xhat * mean(g * xhat)), for kRms without mean(g);
//             gweight += gy * xhat, gbias += gy over the rows
struct RowNormArgs {
  const void* x;       // [rows, n]
  const void* gy;      // [rows, n]
  const void* weight;  // C[n] or null: ones
  const void* bias;    // C[n] or null: zeros
  void* y;             // [rows, n]: y or gx; null in backward when gx is not wanted
  void* mean;          // C[rows]; null for kRms
  void* rstd;          // C[rows]
  void* gweight;       // C[n] or null
  void* gbias;         // C[n] or null
  int64_t rows, n;
  double eps;
  bool stream;  // y goes around the caches
};

// Slabs of a tensor whose statistics are known; one coefficient per row (`by_row`) or per column.
//   apply:    y = (x - mean) * scale + shift
//   sums:     sum_gy += gy, sum_gyx += gy * (x - mean), over each row or column
//   gradient: gx = gy * scale - (x - mean) * slope - shift
struct SlabArgs {
  const void* x;
  const void* gy;
  void* y;
  const void *mean, *scale, *slope, *shift;  // C
  int64_t step;  // by row: coefficients advance by this per row, 0 when all rows share one
  double *sum_gy, *sum_gyx;
  int64_t rows, n, distance;  // [rows, n], rows `distance` apart, in x, gy and y alike
};
struct SlabKernels {
  void (*apply)(const SlabArgs&);
  void (*sums)(const SlabArgs&);
  void (*gradient)(const SlabArgs&);
};

enum class RowNormKind : uint8_t { kLayer, kRms };

struct NormTable {
  // Indexed by dtype number less that of float16.
  void (*forward[2][4])(const RowNormArgs&);
  void (*backward[2][4])(const RowNormArgs&);
  SlabKernels by_row[4];
  SlabKernels by_column[4];
};

}  // namespace plait
