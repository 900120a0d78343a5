// SPDX-License-Identifier: MIT
// Planes side by side in the lanes of vectors: the groups of all images (channel_interleaved, depthwise above
// all), or with one group the images (image_interleaved).
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Forward and backward data.
template <class T>
void interleaved(const ConvProblem& problem, const Operands<T>& t);
// Backward weight: the groups of an image.
template <class T>
void interleaved_weight_grad(const ConvProblem& problem, const WeightGradOperands<T>& t);

}  // namespace plait::conv
