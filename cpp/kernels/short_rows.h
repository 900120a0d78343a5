// SPDX-License-Identifier: MIT
// Operations along short rows: blocks of rows are transposed, so that a vector holds one element of many rows
// and the kernel for columns serves them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"

namespace plait {

// Whether rows of n times `inner` elements are short; `most` is how long they may be for inner = 1. With a
// few columns side by side the alternative is vectors that are mostly empty.
inline bool is_short_row(int64_t n, int64_t inner, int64_t most) {
  return n * inner <= (inner == 1 ? most : 48);
}
// For what takes a few instructions a vector: sums of rows of 33 floats take 0.10 ns per element at AVX-512
// in blocks and 0.12 one by one (2 threads), of 40 the same; at AVX2 rows are as good from 20 on. Integers,
// which need no order, are better one by one from 10 on, those of a byte from 20 on.
inline int64_t short_row(DType dtype) {
  const int64_t item = std::max<int64_t>(4, static_cast<int64_t>(item_size(dtype)));
  if (is_floating(dtype)) return kernels().convert.vector_bytes * 5 / 2 / item;
  return item_size(dtype) == 1 ? 16 : 8;
}
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

// Operations along columns of which there are few side by side: each as a row of its own, which fills vectors
// and can be shared out among threads. Softmax of 300000 x 3 along dimension 0 takes a third of the time so.
inline bool is_few_columns(int64_t n, int64_t inner) { return inner > 1 && inner <= 4 && n >= 16; }

// y[outer, n, inner] from x and, where given, `second` of the same shape: f(x, second) finds them as
// [outer, inner, n] and puts the result in place of x.
template <class F>
void for_columns_as_rows(int64_t item, const void* x, const void* second, void* y, int64_t outer, int64_t n,
                         int64_t inner, F&& f) {
  const auto transpose = kernels().convert.transpose[size_index(item)];
  constexpr int64_t kPanel = 4096;
  const int64_t panels = (n + kPanel - 1) / kPanel, size = outer * n * inner * item;
  const int64_t grain = std::max<int64_t>(1, kGrainElements / (std::min(n, kPanel) * inner));
  // move(place in the rows, place in the columns, length)
  const auto for_panels = [&](auto&& move) {
    parallel_for(outer * panels, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t base = i / panels * n * inner, at = i % panels * kPanel;
        move((base + at) * item, (base + at * inner) * item, std::min(kPanel, n - at));
      }
    });
  };
  const Workspace rows(static_cast<size_t>(second ? 2 * size : size));
  char* const a = rows.as<char>();
  char* const b = second ? a + size : nullptr;
  const auto to_rows = [&](char* to, const void* from) {
    for_panels([&](int64_t row, int64_t run, int64_t m) {
      transpose(to + row, n * item, static_cast<const char*>(from) + run, inner * item, m, inner);
    });
  };
  to_rows(a, x);
  if (second) to_rows(b, second);
  f(a, b);
  for_panels([&](int64_t row, int64_t run, int64_t m) {
    transpose(static_cast<char*>(y) + run, inner * item, a + row, n * item, inner, m);
  });
}

}  // namespace plait
