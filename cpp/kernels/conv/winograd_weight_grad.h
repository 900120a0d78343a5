// SPDX-License-Identifier: MIT
// The gradient for the weights of what conv/winograd.h computes.
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Backward weight.
void winograd_weight_grad(const ConvProblem& problem, const WeightGradOperands<float>& t);

}  // namespace plait::conv
