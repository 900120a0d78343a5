// SPDX-License-Identifier: MIT
// Direct sums over patches that are read where they lie, for few output channels or short sums.
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Forward and backward data.
template <class T>
void direct(const ConvProblem& problem, const Operands<T>& t);

}  // namespace plait::conv
