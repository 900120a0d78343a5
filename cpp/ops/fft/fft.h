// SPDX-License-Identifier: MIT
// Fourier transforms as C++ functions, recorded for backward.
#pragma once

#include "core/tensor.h"

namespace plait {

// scale * the transform of the complex x along dimensions, at least one; inverse: e^(+2 pi i j k / n).
Tensor fft_along(const Tensor& x, const Dims& dims, bool inverse, double scale);
// scale * the first half, n / 2 + 1 numbers, of the transform of the real x along its last dimension.
Tensor fft_of_real(const Tensor& x, double scale);
// scale * the inverse transform, n reals, of the complex x, which holds the first half along its last
// dimension.
Tensor fft_to_real(const Tensor& x, int64_t n, double scale);

}  // namespace plait
