// SPDX-License-Identifier: MIT
// What the files that expand kernels/pointwise/pointwise.def share.
#pragma once

#include "core/tensor.h"
#include "kernels/pointwise/pointwise_args.h"

namespace plait {

using Types = PointwiseTypes;
using Keeps = PointwiseKeeps;
using Gradient = PointwiseGradient;
using Numbers = PointwiseNumbers;

constexpr bool is_test(Types t) { return t == Types::Test || t == Types::FloatTest; }

// A bool tensor of x's shape, all one value.
Tensor full_test(const Tensor& x, bool value);

// Throws for two Python numbers, for operators of which one operand at least is a tensor.
void check_has_tensor(const char* name, const Tensor& a, const Tensor& b);

// Throws for an integer 0 in the divisor of a result of this dtype.
void check_divisor(const char* name, const Tensor& b, DType dtype);

}  // namespace plait
