// SPDX-License-Identifier: MIT
// Kernels as large as the image, without padding: one position, and each direction is a product of matrices.
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Forward and, without a bias, backward data.
template <class T>
void full_kernel_gemm(const ConvProblem& problem, const Operands<T>& t);
template <class T>
void full_kernel_gemm_weight_grad(const ConvProblem& problem, const WeightGradOperands<T>& t);

}  // namespace plait::conv
