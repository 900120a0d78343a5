// SPDX-License-Identifier: MIT
// Winograd's F(m x m, r x r), m + r = 7 (Lavin and Gray 2016), for one group without depth, in float32.
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Forward and backward data.
void winograd(const ConvProblem& problem, const Operands<float>& t);

}  // namespace plait::conv
