// SPDX-License-Identifier: MIT
// The gradient for the weights as a product with patches that are read where they lie.
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Backward weight, of any kind.
template <class T>
void implicit_gemm_weight_grad(const ConvProblem& problem, const WeightGradOperands<T>& t);

// Sums (terms, width) of `count` output channels, a term being a pair of channel and tap, to
// gw[output channel * k + term]. `scratch` has terms * width elements, and kPaddedSlack.
template <class T>
void store_transposed(const T* sums, int64_t width, int64_t count, int64_t terms, T* scratch, T* gw,
                      int64_t k);

}  // namespace plait::conv
