// SPDX-License-Identifier: MIT
// What a loss adds up over the rows of a batch, beside the passes over their elements.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/parallel.h"
#include "core/rounding.h"

namespace plait {

inline constexpr int64_t kRowChunk = 2048;  // rows of one task: some 40 us of logarithms

// Sums of f(row), a loss and a weight, over all rows. The chunks do not depend on the number of threads.
struct RowTotals {
  double loss = 0, count = 0;
};
template <class F>
RowTotals total_of_rows(int64_t rows, F&& f) {
  std::vector<RowTotals> part(static_cast<size_t>(ceil_div(rows, kRowChunk)));
  parallel_for(static_cast<int64_t>(part.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      RowTotals t;
      for (int64_t r = c * kRowChunk; r < std::min(rows, (c + 1) * kRowChunk); ++r) {
        const RowTotals row = f(r);
        t.loss += row.loss;
        t.count += row.count;
      }
      part[static_cast<size_t>(c)] = t;
    }
  });
  RowTotals total;
  for (const RowTotals& t : part) {
    total.loss += t.loss;
    total.count += t.count;
  }
  return total;
}
// f(row) for all rows.
template <class F>
void for_rows(int64_t rows, F&& f) {
  parallel_for(rows, kRowChunk, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) f(r);
  });
}

}  // namespace plait
