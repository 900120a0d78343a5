// SPDX-License-Identifier: MIT
// Random numbers. A null generator is the default one.
#pragma once

#include "core/generator.h"
#include "core/tensor.h"

namespace plait {

// Fill a tensor of floating-point dtype, not recorded.
void fill_uniform(const Tensor& x, double low, double high, Generator* generator);
void fill_normal(const Tensor& x, double mean, double std, Generator* generator);

Tensor rand(IntSpan shape, DType dtype, Generator* generator = nullptr);
Tensor randn(IntSpan shape, DType dtype, Generator* generator = nullptr);
Tensor randperm(int64_t n, DType dtype, Generator* generator = nullptr);

}  // namespace plait
