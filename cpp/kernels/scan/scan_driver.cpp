// SPDX-License-Identifier: MIT
// Scans of arrays [outer, n, inner] along n, split over threads in one of five layouts:
//
//   rows          inner == 1: contiguous rows
//   long rows     one or two rows: cut into chunks, which are summed first and then scanned from their
//   carries columns       inner > 1: strips of columns whose accumulators stay in L1 short rows    transposed
//   in blocks, for the kernel for columns (kernels/short_rows.h) few columns   transposed as a whole, for the
//   layouts of rows
//
// The layout and the chunks reach the bits; they depend on the shape and the instruction set alone.
#include "kernels/scan/scan_driver.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"
#include "kernels/reduce/reduce_driver.h"
#include "kernels/short_rows.h"

namespace plait {
namespace {

constexpr int64_t kTaskElements = 32768;
constexpr int64_t kChunk = 1 << 18;  // elements of a chunk of a long row; reaches the bits

double sum_of(DType dtype, const void* x, int64_t n) {
  const ReduceKernel& k = kernels().reduce.kernel[ReduceOp::kSum][dtype];
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

class ScanDriver {
 public:
  ScanDriver(ScanOp op, DType dtype, const AxisArrays& arrays, int64_t* index)
      : op_(op), dtype_(dtype), k_(kernels().scan.kernel[op][dtype]), a_(arrays), index_(index) {
    PLAIT_ASSERT(k_.rows != nullptr);
  }

  void run() const {
    if (a_.numel() == 0) return;
    if (!index_ && is_short_row(a_.n, a_.inner, max_short_row(dtype_)) && a_.outer >= 16) {
      return run_short_rows();
    }
    if (!index_ && op_ != ScanOp::kLogSumExp && is_few_columns(a_.n, a_.inner)) return run_few_columns();
    if (a_.inner > 1) return run_columns();
    const bool sums_floats = op_ == ScanOp::kSum && is_floating(dtype_);
    sums_floats&& a_.outer <= 2 && chunks() > 1 ? run_long_rows() : run_rows();
  }

 private:
  // The arrays from element `first` on.
  ScanArgs args_at(int64_t first) const {
    ScanArgs args = {};
    args.x = static_cast<const char*>(a_.x) + first * a_.item;
    args.y = static_cast<char*>(a_.y) + first * a_.item;
    args.index = index_ ? index_ + first : nullptr;
    args.carry = op_ == ScanOp::kProd ? 1 : 0;
    args.n = a_.n;
    return args;
  }

  void run_rows() const {
    parallel_for(a_.outer, std::max<int64_t>(1, kTaskElements / a_.n), [&](int64_t begin, int64_t end) {
      ScanArgs args = args_at(begin * a_.n);
      args.rows = end - begin;
      k_.rows(args);
    });
  }

  int64_t chunks() const { return ceil_div(a_.n, kChunk); }

  void run_long_rows() const {
    std::vector<double> carry(static_cast<size_t>(chunks()));
    for (int64_t row = 0; row < a_.outer; ++row) {
      const auto chunk_args = [&](int64_t chunk) {
        ScanArgs args = args_at(row * a_.n + chunk * kChunk);
        args.n = std::min(kChunk, a_.n - chunk * kChunk);
        args.rows = 1;
        return args;
      };
      parallel_chunks(chunks(), [&](int64_t chunk) {
        const ScanArgs args = chunk_args(chunk);
        carry[static_cast<size_t>(chunk)] = sum_of(dtype_, args.x, args.n);
      });
      double before = 0;
      for (double& c : carry) {
        const double sum = c;
        c = before;
        before += sum;
      }
      parallel_chunks(chunks(), [&](int64_t chunk) {
        ScanArgs args = chunk_args(chunk);
        args.carry = carry[static_cast<size_t>(chunk)];
        k_.rows(args);
      });
    }
  }

  void run_columns() const {
    constexpr int64_t kWidth = kMaxScanColumns;
    const int64_t strips = ceil_div(a_.inner, kWidth);
    const int64_t grain = std::max<int64_t>(1, kTaskElements / (a_.n * std::min(kWidth, a_.inner)));
    parallel_for(a_.outer * strips, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t j = i % strips * kWidth;
        ScanArgs args = args_at(i / strips * a_.n * a_.inner + j);
        args.columns = std::min(kWidth, a_.inner - j);
        args.ld = a_.inner;
        k_.columns(args);
      }
    });
  }

  void run_short_rows() const {
    for_short_rows(a_, kMaxScanColumns, kTaskElements, [&](char* x, char*, int64_t columns, int64_t ld) {
      for (int64_t j = 0; j < a_.inner; ++j) {
        ScanArgs args = args_at(0);
        args.x = args.y = x + j * ld * a_.item;
        args.columns = columns;
        args.ld = a_.inner * ld;
        k_.columns(args);
      }
    });
  }

  void run_few_columns() const {
    for_columns_as_rows(a_, [&](char* x, char*) {
      const AxisArrays rows{a_.item, x, nullptr, x, a_.outer * a_.inner, a_.n, 1};
      ScanDriver(op_, dtype_, rows, nullptr).run();
    });
  }

  const ScanOp op_;
  const DType dtype_;
  const ScanKernel& k_;
  const AxisArrays a_;
  int64_t* const index_;
};

}  // namespace

void scan(ScanOp op, DType dtype, const void* x, void* y, int64_t* index, int64_t outer, int64_t n,
          int64_t inner) {
  const AxisArrays arrays{static_cast<int64_t>(item_size(dtype)), x, nullptr, y, outer, n, inner};
  ScanDriver(op, dtype, arrays, index).run();
}

}  // namespace plait
