// SPDX-License-Identifier: MIT
// Element by element along one dimension: y[i, j] = x[i, index[i, j]] and its reverse.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/shape.h"

namespace plait {

// An index array and what it walks with, x along `dim` by the index, y as the index itself. All have as many
// dimensions, at least 1; strides count elements.
struct LineIndex {
  IntSpan shape;  // of the index
  const int64_t* index;
  IntSpan index_strides, x_strides, y_strides;
  int64_t dim;
};

// Throws IndexError unless every entry lies in [0, size).
void check_index_range(const char* op, const LineIndex& at, int64_t size);

// y[.., i, ..] = x[.., index, ..], with the check; `size` is that of x along dim.
void gather_lines(const char* op, DType dtype, const LineIndex& at, int64_t size, const void* x, void* y);

enum class Scatter { kAssign, kAdd, kMultiply, kMax, kMin };
// x[.., index, ..] = or combined with y, in the order of the index along dim whatever the number of threads.
void scatter_lines(DType dtype, Scatter how, const LineIndex& at, void* x, const void* y);

}  // namespace plait
