// SPDX-License-Identifier: MIT
// Runs of memory go to memcpy or a conversion loop, boxes of equal dtype with contiguous rows to the copy of
// rows, transposes to the tiled kernel, boxes with one contiguous side to gathers and scatters, everything
// else through the blocks of pointwise_plan.cpp with the identity as the kernel.
#include "kernels/copy/copy_driver.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/pointwise/pointwise_driver.h"

namespace plait {
namespace {

constexpr int64_t kShortestRow = 16;  // bytes
constexpr int64_t kLongRow = 64;      // elements: calls per row cost little

// f(first, rows) once where the rows are one run of memory, else for each row.
template <class F>
void for_runs(int64_t rows, bool one_run, F f) {
  if (one_run) return f(int64_t{0}, rows);
  for (int64_t r = 0; r < rows; ++r) f(r, int64_t{1});
}

void copy_run(void* dst, DType to, const void* src, DType from, int64_t numel) {
  const int64_t to_item = static_cast<int64_t>(item_size(to)),
                from_item = static_cast<int64_t>(item_size(from));
  parallel_for(numel, kGrainElements, [&](int64_t begin, int64_t end) {
    convert_elements(static_cast<char*>(dst) + begin * to_item, to,
                     static_cast<const char*>(src) + begin * from_item, from, end - begin);
  });
}

// Dimension 0 is contiguous in dst, dimension 1 in src: panels of elements of dimension 1, over all of
// dimension 0, so that dst is written in long runs while the cache lines of src are used whole.
void transpose_nest(const LoopNest& nest) {
  constexpr int64_t kRun = 256;
  const int64_t item = nest.item[0], rows = nest.size[0], columns = nest.size[1];
  const int64_t panel = rows < 16 ? 1024 : 64;  // a few rows are written whole
  const int64_t across = (rows + kRun - 1) / kRun, down = (columns + panel - 1) / panel;
  const int64_t tiles = nest.numel / (rows * columns) * across * down;
  const ConvertTable& t = kernels().convert;
  const bool stream =
      nest.numel == rows * columns && streams(nest.data[0], nest.numel * item, nest.stride[1][0], 2);
  const auto kernel = (stream ? t.transpose_stream : t.transpose)[size_index(item)];
  const int64_t tile_numel = std::min(rows, kRun) * std::min(columns, panel);
  parallel_for(tiles, std::max<int64_t>(1, kGrainElements / tile_numel), [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t row = tile % across * kRun, column = tile / across % down * panel;
      int64_t rest = tile / across / down;
      char* dst = nest.data[0] + row * nest.stride[0][0] + column * nest.stride[1][0];
      const char* src = nest.data[1] + row * nest.stride[0][1] + column * nest.stride[1][1];
      for (int d = 2; d < nest.ndim; ++d) {
        const int64_t i = rest % nest.size[d];
        rest /= nest.size[d];
        dst += i * nest.stride[d][0];
        src += i * nest.stride[d][1];
      }
      kernel(dst, nest.stride[1][0], src, nest.stride[0][1], std::min(kRun, rows - row),
             std::min(panel, columns - column));
    }
  });
}

// Blocks of rows along dimension 1, each copied by kernel(dst, src, elements of a row, rows).
template <class F>
void copy_row_nest(const LoopNest& nest, F kernel) {
  constexpr int64_t kBlockBytes = 16384;  // a piece of a long row, or some short rows
  const int64_t item = nest.item[0], n = nest.size[0], rows = nest.ndim > 1 ? nest.size[1] : 1;
  const int64_t piece = std::min(n, kBlockBytes / item),
                some = std::min(rows, std::max<int64_t>(1, kBlockBytes / (n * item)));
  const int64_t across = (n + piece - 1) / piece, down = (rows + some - 1) / some;
  const int64_t blocks = nest.numel / (n * rows) * across * down;
  const int64_t grain = std::max<int64_t>(1, kGrainElements / (piece * some));
  parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t at = block % across * piece, row = block / across % down * some;
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
      kernel(dst, src, std::min(piece, n - at), std::min(some, rows - row));
    }
  });
}

// Brings a dimension along which src is contiguous to place 1; the order of the outer dimensions is free.
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

}  // namespace

void copy_array(IntSpan shape, int64_t numel, const Strided& dst, const Strided& src, bool flat) {
  if (numel == 0) return;
  if (flat) return copy_run(dst.data, dst.dtype, src.data, src.dtype, numel);
  const Strided both[2] = {dst, src};
  LoopNest nest(shape, both);
  if (nest.is_linear(0) && nest.is_linear(1))
    return copy_run(nest.data[0], dst.dtype, nest.data[1], src.dtype, numel);
  if (dst.dtype == src.dtype) {
    const ConvertTable& t = kernels().convert;
    const int64_t item = nest.item[0], inner[2] = {nest.stride[0][0], nest.stride[0][1]};
    const int64_t outer[2] = {nest.ndim > 1 ? nest.stride[1][0] : 0, nest.ndim > 1 ? nest.stride[1][1] : 0};
    if (inner[0] == item && inner[1] == item && nest.size[0] * item >= kShortestRow) {
      return copy_row_nest(nest, [&](char* to, const char* from, int64_t n, int64_t rows) {
        t.copy_rows(to, outer[0], from, outer[1], n * item, rows);
      });
    }
    if (find_transpose(nest)) return transpose_nest(nest);
    // One side is a run of memory over both dimensions, or each row is long.
    const auto runs = [&](int side) {
      return inner[side] == item &&
             (nest.ndim == 1 || outer[side] == nest.size[0] * item || nest.size[0] >= kLongRow);
    };
    if (runs(0)) {
      return copy_row_nest(nest, [&](char* to, const char* from, int64_t n, int64_t rows) {
        for_runs(rows, n * item == outer[0], [&](int64_t r, int64_t some) {
          t.gather[size_index(item)](to + r * outer[0], from + r * outer[1], inner[1], outer[1], n, some);
        });
      });
    }
    if (runs(1)) {
      return copy_row_nest(nest, [&](char* to, const char* from, int64_t n, int64_t rows) {
        for_runs(rows, n * item == outer[1], [&](int64_t r, int64_t some) {
          t.scatter[size_index(item)](to + r * outer[0], inner[0], outer[0], from + r * outer[1], n, some);
        });
      });
    }
  }
  const PointwiseOperand out{dst, dst.dtype, false, false}, in{src, dst.dtype, false, nest.is_single(1)};
  run_pointwise(kernels().convert.identity[size_index(nest.item[0])], shape, numel, out, {&in, 1});
}

}  // namespace plait
