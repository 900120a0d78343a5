// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/scan/scan_args.h"

namespace plait {

// y = cumulative op over the middle dimension of contiguous x[outer, n, inner]; `index` for kMax and kMin.
void scan(ScanOp op, DType dtype, const void* x, void* y, int64_t* index, int64_t outer, int64_t n,
          int64_t inner);

}  // namespace plait
