// SPDX-License-Identifier: MIT
// Masks. What first counts and then writes goes in chunks: the counts in front of each say where it writes,
// so that threads need not wait for each other.
#pragma once

#include <cstdint>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"

namespace plait {

// The number of nonzero elements of contiguous x[n] in front of each chunk; the total comes last.
std::vector<int64_t> count_nonzero_chunks(DType dtype, const void* x, int64_t n);

// The index of each nonzero element of contiguous x[shape]: out[before.back(), dimensions].
void nonzero_coordinates(DType dtype, const void* x, IntSpan shape, const std::vector<int64_t>& before,
                         int64_t* out);

// y = the elements of x[n] whose entry of keep[n] is not 0.
void take_masked(DType dtype, const void* x, const uint8_t* keep, const std::vector<int64_t>& before,
                 void* y);

// The elements of y, an array of any strides, whose entry of the contiguous `take` is not 0 become those of
// `from`, in order.
void put_masked(DType dtype, const void* from, const uint8_t* take, const std::vector<int64_t>& before,
                IntSpan shape, IntSpan strides, void* y);

}  // namespace plait
