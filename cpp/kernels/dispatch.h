// SPDX-License-Identifier: MIT
// The kernels of this CPU.
#pragma once

#include <cstdint>

#include "kernels/table.h"

namespace plait {

// The kernels of the level in use (core/cpu_info.h). The table is filled once, from generic up to that level:
// an entry that a level does not set keeps the kernel of the level below.
const KernelTable& kernels();

// Whether y should be written with non-temporal stores: y has `bytes` bytes in rows of `row_bytes`, and is
// one of `arrays` arrays of that size that the operation reads or writes.
bool streams(const void* y, int64_t bytes, int64_t row_bytes, int64_t arrays);

}  // namespace plait
