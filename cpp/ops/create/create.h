// SPDX-License-Identifier: MIT
// Tensors made of numbers.
#pragma once

#include <optional>

#include "core/scalar.h"
#include "core/tensor.h"

namespace plait {

Tensor zeros(IntSpan shape, DType dtype);
Tensor ones(IntSpan shape, DType dtype);
Tensor full(IntSpan shape, Scalar value, DType dtype);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
Tensor full_like(const Tensor& x, Scalar value);
// start, start + step, ... below end.
Tensor arange(Scalar start, Scalar end, Scalar step, DType dtype);
inline Tensor arange(int64_t n) { return arange(int64_t{0}, n, int64_t{1}, DType::kInt64); }
Tensor eye(int64_t rows, int64_t columns, DType dtype);

// In place, recorded; return x.
Tensor fill_(const Tensor& x, Scalar value);
Tensor zero_(const Tensor& x);

// Writes without recording or version bump: for fresh tensors.
void set_all(const Tensor& x, Scalar value);
void set_zero(const Tensor& x);

}  // namespace plait
