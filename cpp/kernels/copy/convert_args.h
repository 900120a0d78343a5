// SPDX-License-Identifier: MIT
// Kernels that move elements: dtype conversion, strided gathers and scatters, transposes. copy_driver.h runs
// them over strided arrays.
#pragma once

#include <cstdint>

#include "kernels/pointwise/pointwise_args.h"

namespace plait {

struct ConvertTable {
  int64_t vector_bytes;  // of the level's vectors

  // dst[n] = src[n], by dtype numbers [from][to]; null for equal dtypes (memcpy). Floats become integers by
  // truncation and bools by != 0.
  void (*convert[10][10])(void* dst, const void* src, int64_t n);

  // By element size 1, 2, 4, 8. Strides in bytes.
  PointwiseFn identity[4];
  // gather: dst[rows][n] contiguous, element (r, i) of src is `row_stride` * r + `stride` * i bytes from it.
  // scatter: the same from contiguous src[rows][n] to strided dst.
  void (*gather[4])(void* dst, const void* src, int64_t stride, int64_t row_stride, int64_t n, int64_t rows);
  void (*scatter[4])(void* dst, int64_t stride, int64_t row_stride, const void* src, int64_t n, int64_t rows);
  // `rows` rows of `bytes` bytes, contiguous on both sides.
  void (*copy_rows)(void* dst, int64_t dst_stride, const void* src, int64_t src_stride, int64_t bytes,
                    int64_t rows);
  // Row r of contiguous dst[rows][bytes] is copied from src + place[r] * unit.
  void (*take_rows)(void* dst, const void* src, const int64_t* place, int64_t unit, int64_t bytes,
                    int64_t rows);
  // dst[c][r] = src[r][c] for r < rows, c < columns; rows of either side are contiguous.
  void (*transpose[4])(void* dst, int64_t dst_stride, const void* src, int64_t src_stride, int64_t rows,
                       int64_t columns);
  // The same with non-temporal stores, for rows of dst that begin at cache lines.
  void (*transpose_stream[4])(void* dst, int64_t dst_stride, const void* src, int64_t src_stride,
                              int64_t rows, int64_t columns);
};

}  // namespace plait
