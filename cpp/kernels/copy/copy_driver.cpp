// SPDX-License-Identifier: MIT
// Copies of arrays, dst[i] = src[i], by the first of these that applies:
//
//   both sides contiguous                  memcpy or a conversion, cut over threads
//   equal dtypes, both with long rows      copy_rows
//   equal dtypes, src contiguous along another dimension than dst     tiled transpose
//   equal dtypes, one side contiguous      gather or scatter
//   everything else                        blocks of pointwise_driver.cpp, with the identity as the kernel
//
// Bound by memory bandwidth.
#include "kernels/copy/copy_driver.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"
#include "kernels/pointwise/pointwise_driver.h"

namespace plait {
namespace {

const CopyTuning& tuning() { return kernels().convert.tuning; }

// Calls f(first, rows) once if the rows are contiguous, else for each row.
template <class F>
void for_contiguous_rows(int64_t rows, bool contiguous, F f) {
  if (contiguous) return f(int64_t{0}, rows);
  for (int64_t r = 0; r < rows; ++r) f(r, int64_t{1});
}

void copy_contiguous(void* dst, DType to, const void* src, DType from, int64_t numel) {
  const int64_t to_item = static_cast<int64_t>(item_size(to)),
                from_item = static_cast<int64_t>(item_size(from));
  parallel_for(numel, tuning().grain, [&](int64_t begin, int64_t end) {
    convert_elements(static_cast<char*>(dst) + begin * to_item, to,
                     static_cast<const char*>(src) + begin * from_item, from, end - begin);
  });
}

// A transpose: dimension 0 is contiguous in dst, dimension 1 in src. Tiles of run elements of dimension 0 by
// a panel of dimension 1: dst is written in long runs, and cache lines of src are read whole.
void transpose_nest(const LoopNest& nest) {
  const int64_t run = tuning().tile_run;
  const int64_t item = nest.item[0], rows = nest.size[0], columns = nest.size[1];
  const int64_t panel = rows < 16 ? tuning().tile_panel_few : tuning().tile_panel;
  const int64_t across = ceil_div(rows, run), down = ceil_div(columns, panel);
  const int64_t tiles = nest.numel / (rows * columns) * across * down;
  const ConvertTable& t = kernels().convert;
  const bool stream =
      nest.numel == rows * columns && streams(nest.data[0], nest.numel * item, nest.stride[1][0], 2);
  const auto kernel = (stream ? t.transpose_stream : t.transpose).bytes(item);
  const int64_t tile_numel = std::min(rows, run) * std::min(columns, panel);
  parallel_for(tiles, std::max<int64_t>(1, tuning().grain / tile_numel), [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t row = tile % across * run, column = tile / across % down * panel;
      int64_t rest = tile / across / down;
      char* dst = nest.data[0] + row * nest.stride[0][0] + column * nest.stride[1][0];
      const char* src = nest.data[1] + row * nest.stride[0][1] + column * nest.stride[1][1];
      for (int d = 2; d < nest.ndim; ++d) {
        const int64_t i = rest % nest.size[d];
        rest /= nest.size[d];
        dst += i * nest.stride[d][0];
        src += i * nest.stride[d][1];
      }
      kernel(dst, nest.stride[1][0], src, nest.stride[0][1], std::min(run, rows - row),
             std::min(panel, columns - column));
    }
  });
}

// Cuts an array with rows along dimension 0 into blocks and copies each by kernel(dst, src, elements of a
// row, rows): a part of a long row, or several short rows.
template <class F>
void copy_row_nest(const LoopNest& nest, F kernel) {
  const int64_t block_bytes = tuning().block_bytes;
  const int64_t item = nest.item[0], n = nest.size[0], rows = nest.ndim > 1 ? nest.size[1] : 1;
  const int64_t part = std::min(n, block_bytes / item),
                group = std::min(rows, std::max<int64_t>(1, block_bytes / (n * item)));
  const int64_t across = ceil_div(n, part), down = ceil_div(rows, group);
  const int64_t blocks = nest.numel / (n * rows) * across * down;
  const int64_t grain = std::max<int64_t>(1, tuning().grain / (part * group));
  parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t at = block % across * part, row = block / across % down * group;
      int64_t rest = block / across / down;
      char* dst = nest.data[0] + at * nest.stride[0][0];
      const char* src = nest.data[1] + at * nest.stride[0][1];
      if (nest.ndim > 1) {
        dst += row * nest.stride[1][0];
        src += row * nest.stride[1][1];
      }
      for (int d = 2; d < nest.ndim; ++d) {
        const int64_t i = rest % nest.size[d];
        rest /= nest.size[d];
        dst += i * nest.stride[d][0];
        src += i * nest.stride[d][1];
      }
      kernel(dst, src, std::min(part, n - at), std::min(group, rows - row));
    }
  });
}

// Whether the copy is a transpose; if so, the dimension along which src is contiguous becomes dimension 1.
// The order of the outer dimensions is free.
bool find_transpose(LoopNest& nest) {
  const int64_t item = nest.item[1];
  if (nest.stride[0][0] != item || nest.stride[0][1] == item || nest.stride[0][1] == 0) return false;
  for (int d = 1; d < nest.ndim; ++d) {
    if (nest.stride[d][1] != item || nest.size[0] < 2) continue;
    std::swap(nest.size[1], nest.size[d]);
    std::swap(nest.stride[1][0], nest.stride[d][0]);
    std::swap(nest.stride[1][1], nest.stride[d][1]);
    return true;
  }
  return false;
}

// Copies of equal dtypes that need no blocks of scratch; returns false, having done nothing, for all others.
bool copy_same_dtype(LoopNest& nest) {
  const ConvertTable& t = kernels().convert;
  const int64_t item = nest.item[0], inner[2] = {nest.stride[0][0], nest.stride[0][1]};
  const int64_t outer[2] = {nest.ndim > 1 ? nest.stride[1][0] : 0, nest.ndim > 1 ? nest.stride[1][1] : 0};
  if (inner[0] == item && inner[1] == item && nest.size[0] * item >= tuning().min_row_bytes) {
    copy_row_nest(nest, [&](char* to, const char* from, int64_t n, int64_t rows) {
      t.copy_rows(to, outer[0], from, outer[1], n * item, rows);
    });
    return true;
  }
  if (find_transpose(nest)) {
    transpose_nest(nest);
    return true;
  }
  // One side is contiguous over both inner dimensions, or has long rows.
  const auto is_contiguous = [&](int side) {
    return inner[side] == item &&
           (nest.ndim == 1 || outer[side] == nest.size[0] * item || nest.size[0] >= tuning().long_row);
  };
  if (is_contiguous(0)) {
    copy_row_nest(nest, [&](char* to, const char* from, int64_t n, int64_t rows) {
      for_contiguous_rows(rows, n * item == outer[0], [&](int64_t r, int64_t count) {
        t.gather.bytes(item)(to + r * outer[0], from + r * outer[1], inner[1], outer[1], n, count);
      });
    });
    return true;
  }
  if (is_contiguous(1)) {
    copy_row_nest(nest, [&](char* to, const char* from, int64_t n, int64_t rows) {
      for_contiguous_rows(rows, n * item == outer[1], [&](int64_t r, int64_t count) {
        t.scatter.bytes(item)(to + r * outer[0], inner[0], outer[0], from + r * outer[1], n, count);
      });
    });
    return true;
  }
  return false;
}

}  // namespace

void copy_array(IntSpan shape, int64_t numel, const Strided& dst, const Strided& src, bool flat) {
  if (numel == 0) return;
  if (flat) return copy_contiguous(dst.data, dst.dtype, src.data, src.dtype, numel);
  const Strided both[2] = {dst, src};
  LoopNest nest(shape, both);
  if (nest.is_linear(0) && nest.is_linear(1)) {
    return copy_contiguous(nest.data[0], dst.dtype, nest.data[1], src.dtype, numel);
  }
  if (dst.dtype == src.dtype && copy_same_dtype(nest)) return;
  const PointwiseOperand out{dst, dst.dtype, false, false}, in{src, dst.dtype, false, nest.is_single(1)};
  run_pointwise(kernels().convert.identity.bytes(nest.item[0]), shape, numel, out, {&in, 1});
}

}  // namespace plait
