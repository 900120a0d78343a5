// SPDX-License-Identifier: MIT
// What the per-ISA part of the optimizers computes: one step of an update rule over a run of elements, and
// the sums that a gradient's norm is made of.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

// What a rule keeps per element, in the order of OptimArgs::state, stands behind it. A rule with an option
// that adds state is a rule of its own.
enum class OptimRule : uint8_t {
  kSgd,
  kSgdMomentum,              // buffer
  kAdam,                     // exp_avg, exp_avg_sq
  kAdamAmsgrad,              // exp_avg, exp_avg_sq, max_exp_avg_sq
  kRmsprop,                  // square_avg
  kRmspropMomentum,          // square_avg, momentum_buffer
  kRmspropCentered,          // square_avg, grad_avg
  kRmspropCenteredMomentum,  // square_avg, grad_avg, momentum_buffer
  kAdagrad,                  // sum
  kAdadelta,                 // square_avg, acc_delta
  kAdamax,                   // exp_avg, exp_inf
  kNadam,                    // exp_avg, exp_avg_sq
  kRadam,                    // exp_avg, exp_avg_sq
  kRprop,                    // prev, step_size
  kAsgd,                     // ax
};
inline constexpr int kOptimRules = 15;

// The numbers of a step. Which of a to f a rule reads, and as what, is said at the rule in
// isa/optim_kernels.cpp.
struct OptimScalars {
  double lr = 0;  // step size, bias corrections included
  double a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
  bool flag = false;        // of the rule
  double weight_decay = 0;  // added to the gradient: g + weight_decay * p
  double shrink = 1;        // decoupled weight decay: p is multiplied by it before the step
  bool maximize = false;    // the gradient counts with the opposite sign
};

struct OptimArgs {
  void* param;
  const void* grad;
  void* state[3];
  int64_t n;
  const OptimScalars* scalars;
};

enum class NormKind : uint8_t { kSumAbs, kSumSquares, kMaxAbs };
inline constexpr int kNormKinds = 3;

// 16-bit floats are computed in float32.
struct OptimTable {
  PerEnum<OptimRule, kOptimRules, PerFloat<void (*)(const OptimArgs& args)>> step;
  // Sum of |x|, sum of x^2 (both in double) or largest |x| (NaN if there is one) over n elements.
  PerEnum<NormKind, kNormKinds, PerFloat<double (*)(const void* x, int64_t n)>> norm;
  PerFloat<void (*)(void* x, int64_t n, double factor)> scale;  // x *= factor
};

}  // namespace plait
