// SPDX-License-Identifier: MIT
// Resizing along one axis of x[outer, old, inner] to y[outer, size, inner], contiguous, of float, double or
// bytes.
#pragma once

#include <cstdint>

namespace plait {

enum class ResizeFilter {
  kLinear,        // between two neighbours
  kCubic,         // Keys's cubic convolution (1981) of four
  kLinearSpread,  // as wide as an output cell when that is wider than an input cell: antialiasing
  kCubicSpread,
};

struct AxisResize {
  ResizeFilter filter;
  int64_t outer, old, size, inner;
  double step;         // between outputs, in cells of the input
  bool align_corners;  // outputs lie at i step; else at (i + 1/2) step - 1/2
};

template <class X>
void resize_axis(const AxisResize& r, const X* x, X* y);
// gx[outer, old, inner] = what gy[outer, size, inner] passes on
template <class T>
void resize_axis_backward(const AxisResize& r, const T* gy, T* gx);

extern template void resize_axis<float>(const AxisResize&, const float*, float*);
extern template void resize_axis<double>(const AxisResize&, const double*, double*);
extern template void resize_axis<uint8_t>(const AxisResize&, const uint8_t*, uint8_t*);
extern template void resize_axis_backward<float>(const AxisResize&, const float*, float*);
extern template void resize_axis_backward<double>(const AxisResize&, const double*, double*);

}  // namespace plait
