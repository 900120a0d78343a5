// SPDX-License-Identifier: MIT
// LU factors as the ops of this family keep them; nothing here is recorded.
#pragma once

#include "core/tensor.h"

namespace plait::linalg {

struct LuFactors {
  Tensor lu;      // column-major
  Tensor pivots;  // int32, from 1
  Tensor info;    // int32
};
LuFactors lu_factors(const Tensor& a);
// X over B (column-major), of A X = B or A^H X = B.
void lu_solve_into(const LuFactors& f, const Tensor& x, bool adjoint);
// Row i of P^T A is row order[i] of A: int64 (*, m).
Tensor row_order(const Tensor& pivots, int64_t m);
// Whether an odd number of exchanges: bool (*).
Tensor is_odd(const Tensor& pivots);

}  // namespace plait::linalg
