// SPDX-License-Identifier: MIT
// Patches that do not overlap, as a vision transformer cuts them: no kernel is longer than its stride.
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Forward.
template <class T>
void patch_gemm(const ConvProblem& problem, const Operands<T>& t);

}  // namespace plait::conv
