// SPDX-License-Identifier: MIT
// Kernels that move elements: dtype conversion, strided gathers and scatters, transposes. copy_driver.h runs
// them over strided arrays.
#pragma once

#include <cstdint>

#include "kernels/pointwise/pointwise_args.h"

namespace plait {

using ConvertFn = void (*)(void* dst, const void* src, int64_t n);
using GatherFn = void (*)(void* dst, const void* src, int64_t stride, int64_t row_stride, int64_t n,
                          int64_t rows);
using ScatterFn = void (*)(void* dst, int64_t stride, int64_t row_stride, const void* src, int64_t n,
                           int64_t rows);
using TransposeFn = void (*)(void* dst, int64_t dst_stride, const void* src, int64_t src_stride, int64_t rows,
                             int64_t columns);

// How copies are cut into tasks. No result depends on these numbers.
struct CopyTuning {
  int64_t grain;          // elements that are worth one more thread
  int64_t min_row_bytes;  // of a row for copy_rows
  int64_t long_row;       // elements of a row that make the cost of a call per row negligible
  int64_t block_bytes;    // of a task of rows: a part of a long row, or several short ones
  // A tile of a transpose: elements along the rows of dst by elements along those of src; the latter with few
  // elements along dst.
  int64_t tile_run, tile_panel, tile_panel_few;
};

struct ConvertTable {
  int64_t vector_bytes;  // of the level's vectors
  CopyTuning tuning;

  // dst[n] = src[n]: convert[from][to]. Floats become integers by truncation and bools by != 0.
  PerDType<PerDType<ConvertFn>> convert;

  // Strides in bytes.
  PerSize<PointwiseFn> identity;
  // gather: dst[rows][n] contiguous, element (r, i) of src is `row_stride` * r + `stride` * i bytes from it.
  // scatter: the same from contiguous src[rows][n] to strided dst.
  PerSize<GatherFn> gather;
  PerSize<ScatterFn> scatter;
  // `rows` rows of `bytes` bytes, contiguous on both sides.
  void (*copy_rows)(void* dst, int64_t dst_stride, const void* src, int64_t src_stride, int64_t bytes,
                    int64_t rows);
  // Row r of contiguous dst[rows][bytes] is copied from src + place[r] * unit.
  void (*take_rows)(void* dst, const void* src, const int64_t* place, int64_t unit, int64_t bytes,
                    int64_t rows);
  // dst[c][r] = src[r][c] for r < rows, c < columns; rows of either side are contiguous.
  PerSize<TransposeFn> transpose;
  // The same with non-temporal stores, for rows of dst that begin at cache lines.
  PerSize<TransposeFn> transpose_stream;
};

}  // namespace plait
