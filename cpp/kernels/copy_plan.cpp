// SPDX-License-Identifier: MIT
// Runs of memory go to memcpy or a conversion loop, boxes of equal dtype with contiguous rows to the copy of
// rows, transposes to the tiled kernel, everything else through the blocks of pointwise_plan.cpp with the
// identity as the kernel.
#include "kernels/copy_plan.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/pointwise_plan.h"

namespace plait {
namespace {

constexpr int64_t kShortestRow = 16;  // bytes

void copy_run(void* dst, DType to, const void* src, DType from, int64_t numel) {
  const int64_t to_item = static_cast<int64_t>(item_size(to)),
                from_item = static_cast<int64_t>(item_size(from));
  parallel_for(numel, kGrainElements, [&](int64_t begin, int64_t end) {
    convert_elements(static_cast<char*>(dst) + begin * to_item, to,
                     static_cast<const char*>(src) + begin * from_item, from, end - begin);
  });
}

// Dimension 0 is contiguous in dst, dimension 1 in src: panels of kPanel elements of dimension 1, over all of
// dimension 0, so that dst is written in long runs while the cache lines of src are used whole.
void transpose_nest(const LoopNest& nest) {
  constexpr int64_t kPanel = 64, kRun = 256;
  const int64_t item = nest.item[0], rows = nest.size[0], columns = nest.size[1];
  const int64_t across = (rows + kRun - 1) / kRun, down = (columns + kPanel - 1) / kPanel;
  const int64_t tiles = nest.numel / (rows * columns) * across * down;
  const auto kernel = kernels().convert.transpose[size_index(item)];
  const int64_t tile_numel = std::min(rows, kRun) * std::min(columns, kPanel);
  parallel_for(tiles, std::max<int64_t>(1, kGrainElements / tile_numel), [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t row = tile % across * kRun, column = tile / across % down * kPanel;
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
             std::min(kPanel, columns - column));
    }
  });
}

// Both sides are contiguous along dimension 0: blocks of rows along dimension 1.
void copy_row_nest(const LoopNest& nest) {
  constexpr int64_t kBlockBytes = 16384;  // a piece of a long row, or some short rows
  const int64_t bytes = nest.size[0] * nest.item[0], rows = nest.ndim > 1 ? nest.size[1] : 1;
  const int64_t dst_row = nest.ndim > 1 ? nest.stride[1][0] : 0,
                src_row = nest.ndim > 1 ? nest.stride[1][1] : 0;
  const int64_t piece = std::min(bytes, kBlockBytes),
                some = std::min(rows, std::max<int64_t>(1, kBlockBytes / bytes));
  const int64_t across = (bytes + piece - 1) / piece, down = (rows + some - 1) / some;
  const int64_t blocks = nest.numel / (nest.size[0] * rows) * across * down;
  const int64_t grain = std::max<int64_t>(1, kGrainElements * nest.item[0] / (piece * some));
  parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t at = block % across * piece, row = block / across % down * some;
      int64_t rest = block / across / down;
      char* dst = nest.data[0] + at + row * dst_row;
      const char* src = nest.data[1] + at + row * src_row;
      for (int d = 2; d < nest.ndim; ++d) {
        const int64_t i = rest % nest.size[d];
        rest /= nest.size[d];
        dst += i * nest.stride[d][0];
        src += i * nest.stride[d][1];
      }
      kernels().convert.copy_rows(dst, dst_row, src, src_row, std::min(piece, bytes - at),
                                  std::min(some, rows - row));
    }
  });
}

// Brings a dimension along which src is contiguous to place 1; the order of the outer dimensions is free.
bool find_transpose(LoopNest& nest) {
  const int64_t item = nest.item[1];
  if (nest.stride[0][0] != item || nest.stride[0][1] == item || nest.stride[0][1] == 0) return false;
  for (int d = 1; d < nest.ndim; ++d) {
    if (nest.stride[d][1] != item) continue;
    std::swap(nest.size[1], nest.size[d]);
    std::swap(nest.stride[1][0], nest.stride[d][0]);
    std::swap(nest.stride[1][1], nest.stride[d][1]);
    return nest.size[0] >= 2 && nest.size[1] >= 4;
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
    if (nest.stride[0][0] == nest.item[0] && nest.stride[0][1] == nest.item[1] &&
        nest.size[0] * nest.item[0] >= kShortestRow) {
      return copy_row_nest(nest);
    }
    if (find_transpose(nest)) return transpose_nest(nest);
  }
  const PointwiseOperand out{dst, dst.dtype, false, false}, in{src, dst.dtype, false, nest.is_single(1)};
  run_pointwise(kernels().convert.identity[size_index(nest.item[0])], kGrainElements, shape, numel, out,
                {&in, 1});
}

}  // namespace plait
