// SPDX-License-Identifier: MIT
// Pooling, row by row, on padded copies of a plane. In a copy, position u = w + pad of a row lies in phase
// u % stride at u / stride: what a tap reads for consecutive outputs is contiguous and nowhere leaves the
// copy. The driver is pool_driver.cpp.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

// Rows of a plane, w elements, and of its copy, `stride` phases of phase_size elements.
struct PoolLayout {
  int64_t w, pad, stride;
  int64_t phase_size;
};

// A row of outputs. Tap (r, t) of output i reads row[r][tap[t] + i]; rows outside the plane are left out.
template <class T>
struct PoolRow {
  T* y;  // (n,)
  int64_t n;
  int64_t rows, taps;
  const T* const* row;   // (rows,) rows of the copy
  const int64_t* tap;    // (taps,) offsets in a row of the copy
  const int64_t* start;  // (rows,) where these rows start in the plane
  const int64_t* shift;  // (taps,) positions in a row of the plane, for output 0
  int64_t w, stride;
  int32_t* index;  // max: position of the maximum in the plane, or null
  const T* scale;  // average: (n,) factors of the sums
};

// The transpose of an average over one row: row[w] = sum of g[i] * scale[i] over the outputs i and taps t for
// which tap t of output i reads w.
template <class T>
struct PoolSpread {
  T* row;              // (w,)
  const T* g;          // (n,)
  const T* scale;      // (n,)
  const int64_t* tap;  // (taps,)
  int64_t n, taps;
  T* copy;  // scratch for one row of the copy
};

template <class T>
struct PoolKernels {
  // Stores `rows` rows of a plane in the copy; the padding stays as it is.
  void (*pad_rows)(T* copy, const T* plane, int64_t rows, const PoolLayout& layout);
  // The first maximum in the order of the taps; NaN counts as the largest. -inf where no tap is inside.
  void (*max_row)(const PoolRow<T>& args);
  // Adds rows, then taps. `sums` is scratch for a row of the plane, `copy` for a row of the copy with zeros
  // in its padding; args.row is not used.
  void (*average_row)(const PoolRow<T>& args, const T* plane, const PoolLayout& layout, T* sums, T* copy);
  void (*spread_row)(const PoolSpread<T>& args, const PoolLayout& layout);
  // to[n] += row[n]
  void (*add_row)(T* to, const T* row, int64_t n);
};

using PoolTable = PerReal<PoolKernels>;

}  // namespace plait
