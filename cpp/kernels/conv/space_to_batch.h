// SPDX-License-Identifier: MIT
// Convolutions with dilation as ones without.
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Forward and, without a bias, backward data.
template <class T>
void space_to_batch(const ConvProblem& problem, const Operands<T>& t);
template <class T>
void space_to_batch_weight_grad(const ConvProblem& problem, const WeightGradOperands<T>& t);

}  // namespace plait::conv
