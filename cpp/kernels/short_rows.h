// SPDX-License-Identifier: MIT
// Operations along rows too short, or columns too few, to fill vectors. Both are transposed through scratch
// for the kernel of the other layout:
//
//   short rows      [outer, n]          blocks of rows become columns: a vector holds one element of many
//   rows few columns     [outer, n, inner]   each column becomes a row of its own, [outer, inner, n]
//
// The transposes run in registers; with them, both are bound by memory.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"
#include "core/rounding.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"

namespace plait {

// One or two inputs and an output of the same shape and item size, contiguous [outer, n, inner]. The
// operation runs along n.
struct AxisArrays {
  int64_t item;        // bytes of an element
  const void* x;       // [outer, n, inner]
  const void* second;  // [outer, n, inner]; null if there is one input
  void* y;             // [outer, n, inner]
  int64_t outer, n, inner;
  int64_t numel() const { return outer * n * inner; }
};

// Whether rows of n * inner elements are short: at most max_row elements for inner == 1. With a few columns
// side by side the alternative is vectors that are mostly empty, so their limit is higher. These limits
// choose the algorithm, and so reach the bits.
inline bool is_short_row(int64_t n, int64_t inner, int64_t max_row) {
  return n * inner <= (inner == 1 ? max_row : 48);
}
// The limit for operations of a few instructions per vector. Integers need no order of additions, so they are
// faster row by row from 10 elements on (of one byte: from 20 on).
// tuned: sums of rows of 33 floats take 0.10 ns an element in blocks and 0.12 row by row, of 40 the same
// (AVX-512, 2 threads); at AVX2 row by row is as fast from 20 on
inline int64_t max_short_row(DType dtype) {
  const int64_t item = std::max<int64_t>(4, static_cast<int64_t>(item_size(dtype)));
  if (is_floating(dtype)) return kernels().convert.vector_bytes * 5 / 2 / item;
  return item_size(dtype) == 1 ? 16 : 8;
}
inline constexpr int64_t kShortBlock = 8192;  // elements of a block: two operands of 32 KiB stay in L2

// Calls f(x, second, columns, ld) for transposed blocks of at most max_columns rows: element i of the block's
// rows are x[i * ld .. i * ld + columns). f replaces x by the result.
template <class F>
void for_short_rows(const AxisArrays& a, int64_t max_columns, int64_t task_elements, F&& f) {
  const int64_t item = a.item, row = a.n * a.inner;
  // ld is 16 more than the block's rows, so that it is no power of two: columns would conflict in L1.
  const int64_t block = std::min(max_columns, kShortBlock / row / 16 * 16 - 16), ld = block + 16;
  const auto transpose = kernels().convert.transpose.bytes(item);
  parallel_for(ceil_div(a.outer, block), std::max<int64_t>(1, task_elements / (block * row)),
               [&](int64_t first, int64_t last) {
                 alignas(64) char buffer[2][kShortBlock * 8];
                 for (int64_t b = first; b < last; ++b) {
                   const int64_t rows = std::min(block, a.outer - b * block), at = b * block * row * item;
                   const auto load_block = [&](char* to, const void* from) {
                     transpose(to, ld * item, static_cast<const char*>(from) + at, row * item, rows, row);
                   };
                   load_block(buffer[0], a.x);
                   if (a.second) load_block(buffer[1], a.second);
                   f(buffer[0], buffer[1], rows, ld);
                   transpose(static_cast<char*>(a.y) + at, row * item, buffer[0], ld * item, row, rows);
                 }
               });
}

// Whether columns are so few that each is better a row of its own, which fills vectors and can be shared
// among threads. tuned: softmax of 300000 x 3 along dimension 0 takes a third of the time
inline bool is_few_columns(int64_t n, int64_t inner) { return inner > 1 && inner <= 4 && n >= 16; }

// Calls f(x, second) once with both inputs as [outer, inner, n]; f replaces x by the result.
template <class F>
void for_columns_as_rows(const AxisArrays& a, F&& f) {
  const int64_t item = a.item, n = a.n, inner = a.inner;
  const auto transpose = kernels().convert.transpose.bytes(item);
  constexpr int64_t kPanel = 4096;
  const int64_t panels = ceil_div(n, kPanel), size = a.numel() * item;
  const int64_t grain = std::max<int64_t>(1, kGrainElements / (std::min(n, kPanel) * inner));
  // Calls move(byte offset among the rows, byte offset among the columns, length) for panels of kPanel of n.
  const auto for_panels = [&](auto&& move) {
    parallel_for(a.outer * panels, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t base = i / panels * n * inner, at = i % panels * kPanel;
        move((base + at) * item, (base + at * inner) * item, std::min(kPanel, n - at));
      }
    });
  };
  const Workspace space(static_cast<size_t>(a.second ? 2 * size : size));
  char* const x_rows = space.as<char>();
  char* const second_rows = a.second ? x_rows + size : nullptr;
  const auto load_rows = [&](char* to, const void* from) {
    for_panels([&](int64_t row, int64_t column, int64_t m) {
      transpose(to + row, n * item, static_cast<const char*>(from) + column, inner * item, m, inner);
    });
  };
  load_rows(x_rows, a.x);
  if (a.second) load_rows(second_rows, a.second);
  f(x_rows, second_rows);
  for_panels([&](int64_t row, int64_t column, int64_t m) {
    transpose(static_cast<char*>(a.y) + column, inner * item, x_rows + row, n * item, inner, m);
  });
}

}  // namespace plait
