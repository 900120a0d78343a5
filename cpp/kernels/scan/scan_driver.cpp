// SPDX-License-Identifier: MIT
#include "kernels/scan/scan_driver.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/reduce/reduce_driver.h"
#include "kernels/short_rows.h"

namespace plait {
namespace {

constexpr int64_t kTaskElements = 32768;
// A single long row is cut into pieces of this length: their sums first, then each piece from its carry.
constexpr int64_t kPiece = 1 << 18;

double sum_of(DType dtype, const void* x, int64_t n) {
  const ReduceKernel& k = kernels().reduce.kernel[static_cast<int>(ReduceOp::kSum)][static_cast<int>(dtype)];
  double total = 0;
  ReduceTile tile = {};
  tile.x = x;
  tile.reduce_n = n;
  tile.reduce_stride = 1;
  tile.keep_n = 1;
  tile.state[0] = &total;
  k.row(tile);
  return total;
}

}  // namespace

void scan(ScanOp op, DType dtype, const void* x, void* y, int64_t* index, int64_t outer, int64_t n,
          int64_t inner) {
  if (outer * n * inner == 0) return;
  const ScanKernel& k = kernels().scan.kernel[static_cast<int>(op)][static_cast<int>(dtype)];
  PLAIT_ASSERT(k.rows != nullptr);
  const int64_t item = static_cast<int64_t>(item_size(dtype));
  const auto args = [&](int64_t i) {
    ScanArgs a = {};
    a.x = static_cast<const char*>(x) + i * item;
    a.y = static_cast<char*>(y) + i * item;
    a.index = index ? index + i : nullptr;
    a.carry = op == ScanOp::kProd ? 1 : 0;
    a.n = n;
    return a;
  };
  if (!index && is_short_row(n, inner, short_row(dtype)) && outer >= 16) {
    for_short_rows(item, x, nullptr, y, outer, n * inner, kScanColumns, kTaskElements,
                   [&](char* block, char*, int64_t columns, int64_t pitch) {
                     for (int64_t j = 0; j < inner; ++j) {
                       ScanArgs a = args(0);
                       a.x = a.y = block + j * pitch * item;
                       a.columns = columns;
                       a.distance = inner * pitch;
                       k.columns(a);
                     }
                   });
    return;
  }
  if (!index && op != ScanOp::kLogSumExp && is_few_columns(n, inner)) {
    return for_columns_as_rows(item, x, nullptr, y, outer, n, inner, [&](char* rows, char*) {
      scan(op, dtype, rows, rows, nullptr, outer * inner, n, 1);
    });
  }
  if (inner > 1) {
    const int64_t width = kScanColumns;
    const int64_t strips = (inner + width - 1) / width;
    const int64_t grain = std::max<int64_t>(1, kTaskElements / (n * std::min(width, inner)));
    parallel_for(outer * strips, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t j = i % strips * width;
        ScanArgs a = args(i / strips * n * inner + j);
        a.columns = std::min(width, inner - j);
        a.distance = inner;
        k.columns(a);
      }
    });
    return;
  }
  const int64_t pieces = (n + kPiece - 1) / kPiece;
  if (op != ScanOp::kSum || !is_floating(dtype) || outer > 2 || pieces < 2) {
    parallel_for(outer, std::max<int64_t>(1, kTaskElements / n), [&](int64_t begin, int64_t end) {
      ScanArgs a = args(begin * n);
      a.rows = end - begin;
      k.rows(a);
    });
    return;
  }
  std::vector<double> carry(static_cast<size_t>(pieces));
  for (int64_t row = 0; row < outer; ++row) {
    const auto piece = [&](int64_t p) {
      ScanArgs a = args(row * n + p * kPiece);
      a.n = std::min(kPiece, n - p * kPiece);
      a.rows = 1;
      return a;
    };
    parallel_chunks(pieces, [&](int64_t p) {
      const ScanArgs a = piece(p);
      carry[static_cast<size_t>(p)] = sum_of(dtype, a.x, a.n);
    });
    double before = 0;
    for (double& c : carry) {
      const double sum = c;
      c = before;
      before += sum;
    }
    parallel_chunks(pieces, [&](int64_t p) {
      ScanArgs a = piece(p);
      a.carry = carry[static_cast<size_t>(p)];
      k.rows(a);
    });
  }
}

}  // namespace plait
