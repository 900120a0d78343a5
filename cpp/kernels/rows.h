// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace plait {

struct RowsTable {
  // to[0..n) += scale * from[0..n), by dtype number less that of float16.
  void (*add[4])(void* to, const void* from, int64_t n, float scale);
};

}  // namespace plait
