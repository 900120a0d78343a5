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

// The numbers of a step, one struct per rule and its variants; t counts steps from 1. Products and powers are
// taken by the caller: kernels would fuse them with additions at some levels.
struct SgdScalars {
  double lr;
};
struct SgdMomentumScalars {
  double lr, momentum, dampening;
  bool nesterov;
};
struct AdamScalars {
  double step_size;  // lr / (1 - beta1^t)
  double beta1, beta2;
  double root_factor;  // 1 / sqrt(1 - beta2^t)
  double eps;
};
struct RmspropScalars {
  double lr, alpha, momentum, eps;
};
struct AdagradScalars {
  double step_size;  // lr / (1 + (t - 1) lr_decay)
  double eps;
};
struct AdadeltaScalars {
  double lr, rho, eps;
};
struct AdamaxScalars {
  double step_size;  // lr / (1 - beta1^t)
  double beta1, beta2, eps;
};
struct NadamScalars {
  double grad_step, mean_step;  // factors of the gradient and of its running mean
  double beta1, beta2;
  double root_factor;  // 1 / sqrt(1 - beta2^t)
  double eps;
};
struct RadamScalars {
  double step_size;  // with all corrections
  double beta1, beta2, eps;
  bool is_rectified;  // whether the running variance counts
};
struct RpropScalars {
  double eta_minus, eta_plus, step_min, step_max;
};
struct AsgdScalars {
  double eta;
  double keep;  // 1 - lambd eta
  double mu;
};

// What happens to parameter and gradient before any rule.
struct OptimDecay {
  double weight_decay = 0;  // added to the gradient: g + weight_decay * p
  double shrink = 1;        // decoupled weight decay: p is multiplied by it
  bool maximize = false;    // the gradient counts with the opposite sign
};

struct OptimArgs {
  void* param;       // (n,)
  const void* grad;  // (n,)
  void* state[3];    // (n,) each
  int64_t n;
  OptimDecay decay;
  const void* scalars;  // the rule's struct
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
