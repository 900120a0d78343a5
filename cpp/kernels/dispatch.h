// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "kernels/table.h"

namespace plait {

// The kernels of the level in use (core/cpu_info.h). Filled once from generic, then overridden entry by
// entry, so an entry that a higher level lacks keeps the best lower one.
const KernelTable& kernels();

// Where the table holds the kernel for elements of 1, 2, 4 or 8 bytes.
inline int size_index(int64_t bytes) { return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3; }

// Whether y, rows of one of `arrays` arrays of that many bytes, had better go around the caches.
bool streams(const void* y, int64_t bytes, int64_t row_bytes, int64_t arrays);

}  // namespace plait
