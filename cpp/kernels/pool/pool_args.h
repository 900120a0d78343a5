// SPDX-License-Identifier: MIT
// Pooling, row by row, on padded copies of a plane. In a copy, position u = w + pad of a row lies in phase
// u % step at u / step: what a tap reads for consecutive outputs is contiguous and nowhere leaves the copy.
// The driver is ops/nn/pool.cpp.
#pragma once

#include <cstdint>

namespace plait {

struct PoolLayout {
  int64_t w, pad, step;
  int64_t phase;  // elements of a phase; a row of the copy takes step * phase
};

// Tap (r, t) of output i reads row[r][tap[t] + i]; rows outside the plane are left out.
template <class T>
struct PoolRow {
  T* y;  // (n,)
  int64_t n;
  int64_t rows, taps;
  const T* const* row;   // (rows,) in the copy
  const int64_t* tap;    // (taps,) offsets in a row of the copy
  const int64_t* start;  // (rows,) of the rows in the plane
  const int64_t* shift;  // (taps,) positions in a row of the plane, for output 0
  int64_t w, step;
  int32_t* index;  // max: position of the maximum in the plane, or null
  const T* scale;  // average: (n,) factors of the sums
};

template <class T>
struct PoolKernels {
  // `rows` rows of a plane into the copy; the padding stays as it is.
  void (*pad_rows)(T* copy, const T* plane, int64_t rows, const PoolLayout& layout);
  // The first maximum in the order of the taps; NaN counts as the largest. -inf where no tap is inside.
  void (*max_row)(const PoolRow<T>& args);
  // Adds rows, then taps. `sums` is scratch for a row of the plane, `copy` for one of the copy, with zeros in
  // its padding; args.row is not used.
  void (*average_row)(const PoolRow<T>& args, const T* plane, const PoolLayout& layout, T* sums, T* copy);
  // The transpose of average_row for one row: row[w] = sum over taps and i of g[i] * scale[i] where tap t of
  // output i is w. `copy` is scratch for one row of the copy.
  void (*spread_row)(T* row, const T* g, const T* scale, int64_t n, const int64_t* tap, int64_t taps,
                     const PoolLayout& layout, T* copy);
  void (*add_row)(T* to, const T* row, int64_t n);
};

struct PoolTable {
  PoolKernels<float> f32;
  PoolKernels<double> f64;
};

}  // namespace plait
