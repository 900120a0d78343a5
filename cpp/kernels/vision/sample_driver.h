// SPDX-License-Identifier: MIT
// Bilinear values of images between their cells; outside of an image they are zeros. T is float or double,
// all arrays are contiguous: x[images, channels, height, width], rows and columns [images, points], y[images,
// channels, points].
#pragma once

#include <cstdint>

namespace plait {

struct SampleShape {
  int64_t images, channels, height, width, points;
};

template <class T>
void sample_planes(const SampleShape& s, const T* x, const T* rows, const T* columns, T* y);
// gx = what gy passes on
template <class T>
void sample_planes_backward(const SampleShape& s, const T* gy, const T* rows, const T* columns, T* gx);

#define PLAIT_SAMPLE_DRIVERS(prefix, T)                                               \
  prefix void sample_planes<T>(const SampleShape&, const T*, const T*, const T*, T*); \
  prefix void sample_planes_backward<T>(const SampleShape&, const T*, const T*, const T*, T*);
PLAIT_SAMPLE_DRIVERS(extern template, float)
PLAIT_SAMPLE_DRIVERS(extern template, double)

}  // namespace plait
