// SPDX-License-Identifier: MIT
// Fourier transforms of contiguous arrays along one dimension, split over threads. Complex numbers are pairs
// (re, im).
#pragma once

#include <cstdint>

namespace plait {

// y = scale * transform of x along n, both [outer, n, inner] complex; y may be x. inverse: e^(+2 pi i j k /
// n).
template <class T>
struct FftArgs {
  const T* x;
  T* y;
  int64_t outer, n, inner;
  bool inverse;
  double scale;
};
template <class T>
void fft_complex(const FftArgs<T>& args);

// y[outer, n / 2 + 1] complex = scale * the first half of the transform of the reals x[outer, n].
template <class T>
void fft_of_real(const T* x, T* y, int64_t outer, int64_t n, double scale);
// x[outer, n] reals = scale * the inverse transform of y[outer, n / 2 + 1], which stands for its conjugates
// too; the imaginary parts of y[0] and, of even n, y[n / 2] count as 0.
template <class T>
void fft_to_real(const T* y, T* x, int64_t outer, int64_t n, double scale);

}  // namespace plait
