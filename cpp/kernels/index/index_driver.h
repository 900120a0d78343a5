// SPDX-License-Identifier: MIT
// Reading and writing x[before, places[i], after]: whole dimensions around a list of places.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/shape.h"

namespace plait {

// Strides and places count elements.
struct IndexedArray {
  IntSpan before_shape, before_strides;
  IntSpan after_shape, after_strides;
  const int64_t* places;
  int64_t count;  // of places
};

// y[before, i, after] = x[before, places[i], after], y contiguous.
void read_indexed(DType dtype, const IndexedArray& plan, const void* x, void* y);
// x[before, places[i], after] = or += values[before, i, after], in the order of i whatever the number of
// threads. `values` is contiguous, or one element for all.
void write_indexed(DType dtype, const IndexedArray& plan, void* x, const void* values, bool one_value,
                   bool accumulate);

// One of the index arrays that places are computed from, broadcast to a shape by its strides.
struct IndexAxis {
  DType dtype;  // an integer type
  const void* index;
  IntSpan strides;
  int64_t dim, size, stride;  // the dimension of x that it indexes
  bool counts_from_end;       // -1 is the last element; else negative entries are out of range
};
// places[i] = or += index[i] * stride over `shape`. Throws IndexError, with `op` and the dimension.
void add_places(const char* op, IntSpan shape, const IndexAxis& axis, bool first, int64_t* places);

}  // namespace plait
