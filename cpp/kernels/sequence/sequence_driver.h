// SPDX-License-Identifier: MIT
// Arrays of one number, and of evenly spaced ones.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"
#include "core/parallel.h"
#include "core/shape.h"
#include "kernels/pointwise/pointwise_driver.h"
#include "kernels/sequence/sequence_args.h"

namespace plait {

void fill_zero_bytes(void* data, int64_t items, int64_t item_size);
// Every element of an array with strides becomes *value, an element of the dtype.
void fill_array(DType dtype, void* data, IntSpan shape, IntSpan strides, const void* value);

// One block of a sequence, on one thread; see SequenceTable.
void spaced_block(double* out, int64_t n, double base, double step, int64_t first, int64_t direction);

// x[n] = start + step i. Integers that do not fit wrap.
void spaced_values(DType dtype, void* x, int64_t n, double start, double step);
void counted_values(DType dtype, void* x, int64_t n, int64_t start, int64_t step);

// A contiguous x[n] from blocks of numbers of type S, converted: fill(block, first, count).
template <class S, class F>
void generate_values(DType dtype, void* x, int64_t n, F fill) {
  parallel_for(n, kGrainElements, [&](int64_t begin, int64_t end) {
    if (dtype == DTypeOf<S>::value) return fill(static_cast<S*>(x) + begin, begin, end - begin);
    constexpr int64_t kBlock = 512;
    S block[kBlock];
    for (int64_t i = begin; i < end; i += kBlock) {
      const int64_t count = end - i < kBlock ? end - i : kBlock;
      fill(block, i, count);
      convert_elements(static_cast<char*>(x) + i * static_cast<int64_t>(item_size(dtype)), dtype, block,
                       DTypeOf<S>::value, count);
    }
  });
}

}  // namespace plait
