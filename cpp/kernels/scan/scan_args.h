// SPDX-License-Identifier: MIT
// Cumulative sums, products, extremes and log-sum-exps along one dimension of a contiguous x[outer, n,
// inner].
#pragma once

#include <cstdint>

namespace plait {

enum class ScanOp : uint8_t { kSum, kProd, kMax, kMin, kLogSumExp };
inline constexpr int kNumScanOps = 5;

// Rows (x[rows, n], along memory) or columns (x[n, columns], rows `distance` apart). Floats accumulate in
// double, integers in int64.
struct ScanArgs {
  const void* x;
  void* y;
  int64_t* index;  // kMax, kMin: where the extreme stands; the last such place, and every NaN replaces the
                   // one before
  double carry;    // kSum of one row: what comes before it
  int64_t rows, n;
  int64_t columns, distance;
};
inline constexpr int64_t kScanColumns = 512;

struct ScanKernel {
  void (*rows)(const ScanArgs&);
  void (*columns)(const ScanArgs&);
};
struct ScanTable {
  // By dtype number. kSum and kProd exist for the floating dtypes and int64, kLogSumExp for floating ones.
  ScanKernel kernel[kNumScanOps][10];
};

}  // namespace plait
