// SPDX-License-Identifier: MIT
// Derivatives of random variables by their parameters along a path on which the probability F(x; a) of at
// most x stays the same: dx / da = -(dF / da) / (dF / dx). Figurnov, Mohamed and Mnih, "Implicit
// reparameterization gradients" (NeurIPS 2018).
//
// All inputs are doubles, contiguous.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace plait {

// out[n] = dx / dalpha of gamma variables x[n] of rate 1.
struct GammaGradArgs {
  const double* alpha;
  const double* x;
  DType dtype;
  void* out;
  int64_t n;
};
void gamma_grad(const GammaGradArgs& args);

// out[n] = (dx / dalpha) / (1 - x) of beta variables x[n] of parameters alpha and total - alpha. For the
// elements of a Dirichlet variable and their gradients gx, galpha = out (gx - sum(x gx)).
struct BetaGradArgs {
  const double* x;
  const double* alpha;
  const double* total;
  DType dtype;
  void* out;
  int64_t n;
};
void beta_grad(const BetaGradArgs& args);

}  // namespace plait
