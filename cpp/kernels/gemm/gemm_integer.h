// SPDX-License-Identifier: MIT
// Products of integer matrices: what gemm_any() calls for integer dtypes.
#pragma once

#include "kernels/gemm/gemm_any.h"

namespace plait {

// m, n, batch > 0; the dtype is an integer one.
void gemm_integer(const GemmAnyArgs& args);

}  // namespace plait
