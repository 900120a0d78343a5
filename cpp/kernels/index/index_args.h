// SPDX-License-Identifier: MIT
// Look-ups by integer index: bounds checks, and sums of a table's rows.
#pragma once

#include <cstdint>

namespace plait {

struct IndexTable {
  // Whether all n indices lie in [0, size).
  bool (*inside)(const int64_t* index, int64_t n, int64_t size);
  // to[j] += scale * from[j], j < n. By dtype number less that of float16.
  void (*add[4])(void* to, const void* from, int64_t n, float scale);
  // to[j] = sum over i < count of table[row[i]][j], j < n, added in order of i; table[any][n].
  void (*sum[4])(void* to, const void* table, const int64_t* row, int64_t count, int64_t n);
};

}  // namespace plait
