// SPDX-License-Identifier: MIT
// Resizing along one axis: every output is a weighted sum of a few inputs.
#pragma once

#include <cstdint>

namespace plait {

// Output i of [first, last) is the sum of weight[e] x[cell[e]] over begin[i] <= e < begin[i + 1]. Those of
// the range read the `width` cells from `low` on. Integer sums are in units of 2^-shift.
template <class T>
struct ResizeTaps {
  const int64_t* begin;
  const int32_t* cell;
  const T* weight;
  int shift;
  int64_t first, last;
  int64_t low, width;
};

template <class X, class T>
struct ResizeKernels {
  // Along the rows of a matrix: y[i, :] for x[cells, n].
  void (*rows)(const ResizeTaps<T>& taps, int64_t n, const X* x, X* y);
  // Along its columns: y[r, i] for `count` rows, `x_stride` and `y_stride` elements apart. scratch: width
  // vectors.
  void (*columns)(const ResizeTaps<T>& taps, int64_t count, int64_t x_stride, int64_t y_stride, const X* x,
                  X* y, T* scratch);
};

struct ResizeTable {
  ResizeKernels<float, float> f32;
  ResizeKernels<double, double> f64;
  ResizeKernels<uint8_t, float> u8_f32;  // where the sums are exact
  ResizeKernels<uint8_t, int32_t> u8_i32;
};

}  // namespace plait
