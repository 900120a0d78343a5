// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace plait {

struct RowsTable {
  // Whether all of n indices lie in [0, size).
  bool (*inside)(const int64_t* index, int64_t n, int64_t size);
  // to[0..n) += scale * from[0..n), by dtype number less that of float16.
  void (*add[4])(void* to, const void* from, int64_t n, float scale);
  // to[0..n) = the sum of `count` rows of n of the table, by their numbers and in their order.
  void (*sum[4])(void* to, const void* table, const int64_t* row, int64_t count, int64_t n);
};

}  // namespace plait
