// SPDX-License-Identifier: MIT
// Rows of a table by their numbers, and the transpose: rows added into a table. All arrays are contiguous, of
// a floating-point dtype where rows are added.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace plait {

// Whether all of n indices lie in [0, rows).
bool all_inside(const int64_t* index, int64_t n, int64_t rows);

// y[n, row_bytes] = table[index[i]]
void take_table_rows(const void* table, int64_t row_bytes, const int64_t* index, int64_t n, void* y);

// table[rows, width] = the sum of scale[i] g[i] over the positions i with index[i] = row, in their order.
struct TableSum {
  DType dtype;
  int64_t rows, width;
  const int64_t* index;  // [n]
  int64_t n;
  int64_t skipped;     // a row that stays 0, or -1
  const float* scale;  // [n], or null: 1
};
void sum_into_table(const TableSum& args, const void* g, void* table);

// y[b, width] = the sum of table[index[i]] over bounds[b] <= i < bounds[b + 1]
void sum_table_rows(DType dtype, const void* table, int64_t width, const int64_t* index,
                    const int64_t* bounds, int64_t bags, void* y);

}  // namespace plait
