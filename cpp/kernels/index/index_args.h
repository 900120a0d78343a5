// SPDX-License-Identifier: MIT
// Look-ups by integer index: bounds checks, and sums of a table's rows.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

struct IndexTable {
  // Whether all n indices lie in [0, size).
  bool (*inside)(const int64_t* index, int64_t n, int64_t size);
  // to[j] += scale * from[j], j < n
  PerFloat<void (*)(void* to, const void* from, int64_t n, float scale)> add;
  // to[j] = sum over i < count of table[row[i]][j], j < n, added in order of i; table[any][n].
  PerFloat<void (*)(void* to, const void* table, const int64_t* row, int64_t count, int64_t n)> sum;
};

}  // namespace plait
