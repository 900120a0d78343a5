// SPDX-License-Identifier: MIT
// Sorting of contiguous lines of numbers, with the places they came from.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace plait {

// values[l, i], indices[l, i]: line l of x (lines x n) in ascending or descending order, equal elements in
// their order in x, NaN greatest. values may be null.
void sort_lines(const void* x, DType dtype, int64_t lines, int64_t n, bool descending, void* values,
                int64_t* indices);

// The first k of each sorted line only.
void select_lines(const void* x, DType dtype, int64_t lines, int64_t n, int64_t k, bool descending,
                  void* values, int64_t* indices);

// The element that would stand at place k of each sorted line.
void nth_lines(const void* x, DType dtype, int64_t lines, int64_t n, int64_t k, void* values,
               int64_t* indices);

// The middle element of each sorted line, the lower of two. A line with a NaN gives its first NaN, unless
// NaNs are to be skipped: then the middle of the others, if there are any.
void median_lines(const void* x, DType dtype, int64_t lines, int64_t n, bool skip_nan, void* values,
                  int64_t* indices);

// The most frequent element of each line, the smallest of several, and its last place.
void mode_lines(const void* x, DType dtype, int64_t lines, int64_t n, void* values, int64_t* indices);

}  // namespace plait
