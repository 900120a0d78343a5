// SPDX-License-Identifier: MIT
// Looking up values in sorted rows, where NaN is greater than everything, and in sets.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace plait {

struct SortedSearch {
  DType dtype;
  const void* rows;  // ascending, `length` elements each
  int64_t length;
  int64_t per_row;     // values that belong to one row; 0: one row serves all
  const void* values;  // [count]
  int64_t count;
  bool right;  // behind equal elements, else in front of them
};
// places[count]: where each value belongs in its row.
void search_sorted(const SortedSearch& args, int64_t* places);

// found[count] = whether values[i] is in set[size], which has any order; the opposite under `invert`.
struct ContainedIn {
  DType dtype;
  const void* values;
  int64_t count;
  const void* set;
  int64_t size;
  bool invert;
  bool* found;
};
void contained_in(const ContainedIn& args);

}  // namespace plait
