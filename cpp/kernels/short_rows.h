// SPDX-License-Identifier: MIT
// Operations along short rows: blocks of rows are transposed, so that a vector holds one element of many rows
// and the kernel for columns serves them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"
#include "kernels/dispatch.h"

namespace plait {

// Whether rows of n times `inner` elements are short. Softmax (AVX2, 2 threads) takes 1.05 ns per element of
// rows of 20 in blocks and 1.4 of rows of 21 one by one; from 32 on rows are as good, and cumsum's from 24.
// With a few columns side by side the alternative is vectors that are mostly empty.
inline bool is_short_row(int64_t n, int64_t inner) { return n * inner <= (inner == 1 ? 20 : 48); }
inline constexpr int64_t kShortBlock = 8192;  // elements: two operands of 32 KiB stay in the L2 cache

// y[outer, row] from x[outer, row] and, where given, `second` of the same shape: f(x, second, columns, pitch)
// finds blocks of at most `most` columns, element i of the rows at i * pitch, and puts the result in place of
// x.
template <class F>
void for_short_rows(int64_t item, const void* x, const void* second, void* y, int64_t outer, int64_t row,
                    int64_t most, int64_t task_elements, F&& f) {
  // The pitch is no power of two, of which the L1 cache would hold few.
  const int64_t block = std::min(most, kShortBlock / row / 16 * 16 - 16), pitch = block + 16;
  const auto transpose = kernels().convert.transpose[size_index(item)];
  parallel_for((outer + block - 1) / block, std::max<int64_t>(1, task_elements / (block * row)),
               [&](int64_t first, int64_t last) {
                 alignas(64) char buffer[2][kShortBlock * 8];
                 for (int64_t b = first; b < last; ++b) {
                   const int64_t rows = std::min(block, outer - b * block), at = b * block * row * item;
                   const auto fill = [&](char* to, const void* from) {
                     transpose(to, pitch * item, static_cast<const char*>(from) + at, row * item, rows, row);
                   };
                   fill(buffer[0], x);
                   if (second) fill(buffer[1], second);
                   f(buffer[0], buffer[1], rows, pitch);
                   transpose(static_cast<char*>(y) + at, row * item, buffer[0], pitch * item, row, rows);
                 }
               });
}

}  // namespace plait
