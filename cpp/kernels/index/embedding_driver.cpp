// SPDX-License-Identifier: MIT
// Addition takes the positions of each range of the table in their own order, so the result does not depend
// on the number of threads.
#include "kernels/index/embedding_driver.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"

namespace plait {

bool all_inside(const int64_t* index, int64_t n, int64_t rows) {
  return kernels().index.inside(index, n, rows);
}

void take_table_rows(const void* table, int64_t row_bytes, const int64_t* index, int64_t n, void* y) {
  const int64_t grain = std::max<int64_t>(1, 4 * kGrainElements / std::max<int64_t>(1, row_bytes));
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    kernels().convert.take_rows(static_cast<char*>(y) + begin * row_bytes, table, index + begin, row_bytes,
                                row_bytes, end - begin);
  });
}

void sum_into_table(const TableSum& args, const void* g, void* table) {
  const int64_t rows = args.rows, width = args.width, n = args.n;
  const int64_t* const index = args.index;
  // Ranges of the table; the positions that fall into each, in order (a stable counting sort).
  const int64_t range =
      std::max<int64_t>(1, std::max((rows + 63) / 64, kGrainElements / std::max<int64_t>(1, width)));
  const int64_t ranges = ceil_div(rows, range);
  std::vector<int64_t> first(static_cast<size_t>(ranges) + 1), order(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) ++first[static_cast<size_t>(index[i] / range) + 1];
  for (size_t k = 1; k < first.size(); ++k) first[k] += first[k - 1];
  std::vector<int64_t> next(first.begin(), first.end() - 1);
  for (int64_t i = 0; i < n; ++i) {
    order[static_cast<size_t>(next[static_cast<size_t>(index[i] / range)]++)] = i;
  }
  const auto add_row = kernels().index.add[args.dtype];
  const int64_t bytes = width * static_cast<int64_t>(item_size(args.dtype));
  parallel_chunks(ranges, [&](int64_t k) {
    const int64_t begin = k * range, end = std::min(rows, begin + range);
    char* const to = static_cast<char*>(table);
    std::memset(to + begin * bytes, 0, static_cast<size_t>((end - begin) * bytes));
    for (int64_t j = first[static_cast<size_t>(k)]; j < first[static_cast<size_t>(k) + 1]; ++j) {
      const int64_t i = order[static_cast<size_t>(j)], row = index[i];
      if (row == args.skipped) continue;
      add_row(to + row * bytes, static_cast<const char*>(g) + i * bytes, width,
              args.scale ? args.scale[i] : 1.0f);
    }
  });
}

void sum_table_rows(DType dtype, const void* table, int64_t width, const int64_t* index,
                    const int64_t* bounds, int64_t bags, void* y) {
  const int64_t bytes = width * static_cast<int64_t>(item_size(dtype));
  const auto sum_rows = kernels().index.sum[dtype];
  const int64_t used = bags > 0 ? bounds[bags] : 0;
  const int64_t per_bag = std::max<int64_t>(1, used * width / std::max<int64_t>(1, bags));
  parallel_for(bags, std::max<int64_t>(1, kGrainElements / per_bag), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      sum_rows(static_cast<char*>(y) + b * bytes, table, index + bounds[b], bounds[b + 1] - bounds[b], width);
    }
  });
}

}  // namespace plait
