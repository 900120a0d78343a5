// SPDX-License-Identifier: MIT
// Rows of pooling: each output element looks at the same taps, shifted by i*step along the row. The driver is
// ops/pool.cpp.
#pragma once

#include <cstdint>

namespace plait {

// Tap t of output i reads src[row[t] + i*step + shift[t]] where 0 <= i*step + shift[t] < w; a negative row[t]
// leaves tap t out.
template <class T>
struct PoolRow {
  T* y;  // (n,)
  int64_t n;
  const T* src;  // the plane
  int64_t w;
  int64_t taps;
  const int64_t *row, *shift;  // (taps,)
  int64_t step;
  int32_t* index;  // max: position of the maximum in the plane, or null
  const T* scale;  // average: (n,) factors of the sums
};

template <class T>
struct PoolKernels {
  // The first maximum in the order of the taps; NaN counts as the largest. -inf where no tap is inside.
  void (*max_row)(const PoolRow<T>& args);
  void (*average_row)(const PoolRow<T>& args);
};

struct PoolTable {
  PoolKernels<float> f32;
  PoolKernels<double> f64;
};

}  // namespace plait
