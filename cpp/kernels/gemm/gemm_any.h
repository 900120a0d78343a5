// SPDX-License-Identifier: MIT
// gemm() for every element type, chosen at run time: what tensor ops call.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/gemm/gemm_args.h"

namespace plait {

struct GemmAnyOperand {
  const void* data = nullptr;
  int64_t rs = 0, cs = 0, bs = 0;    // in elements, as in GemmOperand
  const int64_t* offsets = nullptr;  // in place of bs: offset of every batch item, in elements
};

// C = activation(alpha * A B + beta * C + col_bias) for every batch item; A is m x k, B is k x n. All
// operands have the dtype. 16-bit floats are summed in float32 and rounded once; integers wrap. Not for bool.
struct GemmAnyArgs {
  DType dtype = DType::kFloat32;
  int64_t m = 0, n = 0, k = 0, batch = 1;
  GemmAnyOperand a = {}, b = {};
  void* c = nullptr;
  int64_t c_rs = 0, c_cs = 1, c_bs = 0;
  double alpha = 1, beta = 0;                         // truncated for integers
  const void* col_bias = nullptr;                     // (n,), stride 1
  GemmActivation activation = GemmActivation::kNone;  // floating-point only
};
void gemm_any(const GemmAnyArgs& args);

}  // namespace plait
