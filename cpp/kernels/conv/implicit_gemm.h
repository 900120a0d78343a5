// SPDX-License-Identifier: MIT
// The product of im2col without its matrix: patches are packed straight into GEMM panels, or read where they
// lie.
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Forward and backward data, of any kind.
template <class T>
void implicit_gemm(const ConvProblem& problem, const Operands<T>& t);

}  // namespace plait::conv
