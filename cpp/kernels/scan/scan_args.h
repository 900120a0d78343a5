// SPDX-License-Identifier: MIT
// Cumulative sums, products, extremes and log-sum-exps: y[i] = op(x[0], ..., x[i]) along rows or columns.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

enum class ScanOp : uint8_t { kSum, kProd, kMax, kMin, kLogSumExp };
inline constexpr int kNumScanOps = 5;

// Contiguous rows, arrays [rows, n], or columns, arrays [n, columns] whose rows are `ld` elements apart.
// Floats accumulate in double, integers in int64.
struct ScanArgs {
  const void* x;   // [rows, n] or [n, columns]
  void* y;         // the same shape; may be x
  int64_t* index;  // the same shape; kMax, kMin: position of the extreme along n. The last of equal ones
                   // counts, and a NaN replaces whatever came before
  double carry;    // kSum of one row: the sum of what comes before it
  int64_t rows, n;
  int64_t columns, ld;
};
// The most columns of one call: their accumulators stay in L1.
inline constexpr int64_t kMaxScanColumns = 512;

struct ScanKernel {
  void (*rows)(const ScanArgs&);
  void (*columns)(const ScanArgs&);
};
struct ScanTable {
  // kSum and kProd exist for the floating dtypes and int64, kLogSumExp for floating ones.
  PerEnum<ScanOp, kNumScanOps, PerDType<ScanKernel>> kernel;
};

}  // namespace plait
