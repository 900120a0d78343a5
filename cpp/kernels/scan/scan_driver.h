// SPDX-License-Identifier: MIT
// Cumulative operations of whole arrays.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/scan/scan_args.h"

namespace plait {

// y[outer, n, inner] = cumulative op along the middle dimension of contiguous x; kMax and kMin also store
// index[outer, n, inner].
void scan(ScanOp op, DType dtype, const void* x, void* y, int64_t* index, int64_t outer, int64_t n,
          int64_t inner);

}  // namespace plait
