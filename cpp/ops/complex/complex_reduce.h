// SPDX-License-Identifier: MIT
// Reductions and scans of complex tensors, written in ops: sums add real and imaginary parts apart, products
// multiply halves. Recorded; a result never shares memory with x.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace plait {

Tensor complex_sum(const Tensor& x, IntSpan dims, bool keepdim);
Tensor complex_mean(const Tensor& x, IntSpan dims, bool keepdim);
Tensor complex_prod(const Tensor& x, std::optional<int64_t> dim, bool keepdim);
Tensor complex_cumsum(const Tensor& x, int64_t dim);
Tensor complex_cumprod(const Tensor& x, int64_t dim);
Tensor complex_logcumsumexp(const Tensor& x, int64_t dim);
// Of both parts together: E |x - mean|^2, corrected.
Tensor complex_var(const Tensor& x, IntSpan dims, double correction, bool keepdim);
// About the largest real part.
Tensor complex_logsumexp(const Tensor& x, IntSpan dims, bool keepdim);

}  // namespace plait
