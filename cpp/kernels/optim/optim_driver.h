// SPDX-License-Identifier: MIT
// Steps of optimizers, gradient norms and scaling, over many arrays in one parallel pass. All arrays are
// dense.
#pragma once

#include <span>

#include "core/dtype.h"
#include "kernels/optim/optim_args.h"

namespace plait {

struct OptimItem {
  DType dtype;     // of parameter, gradient and state
  OptimArgs args;  // n: all elements
};
// One step of `rule` on all items, each with its own scalars.
void optim_step(OptimRule rule, std::span<const OptimItem> items);

struct FloatArray {
  DType dtype;
  void* data;
  int64_t n;
};
// The p-norm of all elements of all arrays as one vector, summed in double. p > 0, may be infinite.
double norm_all(std::span<const FloatArray> arrays, double p);
// x *= factor
void scale_all(std::span<const FloatArray> arrays, double factor);

}  // namespace plait
