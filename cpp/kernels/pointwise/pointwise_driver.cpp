// SPDX-License-Identifier: MIT
// Pointwise kernels over operands of any strides and dtypes: out[i] = f(in[0][i], in[1][i], ...).
//
// A kernel runs over contiguous elements only. An operand that is contiguous is used in place. Another one is
// staged: a block of it is gathered and converted into a buffer in the L1 cache; a staged result is converted
// and scattered after the kernel ran. The loops, by layout:
//   flat        all operands are contiguous or single elements: one call per thread
//   transposed  inputs of many elements that run along another dimension are copied whole first
//   rows        the innermost dimension is long: blocks are parts of rows, contiguous rows stay in place;
//               with a transposed input, blocks are tiles of whole cache lines of it
//   linear      the innermost dimension is short: blocks of elements in loop order, across rows
//
// Bound by memory bandwidth, or by f where the operands are in a cache; staged operands by load and store
// slots.
#include "kernels/pointwise/pointwise_driver.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "core/error.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "core/workspace.h"
#include "kernels/copy/copy_driver.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

constexpr int kMaxOperands = kMaxPointwiseInputs + 1;
static_assert(kMaxOperands <= kMaxLoopOperands);
constexpr int64_t kBlock = 1024;  // elements staged at once: the buffers of three operands fit the L1 cache

const PointwiseTuning& tuning() { return kernels().pointwise.tuning; }

struct Plan {
  PointwiseFn fn;
  const LoopNest* nest;
  int n;  // operands; 0 is the result
  DType dtype[kMaxOperands], compute[kMaxOperands];
  int64_t compute_item[kMaxOperands];
  bool staged[kMaxOperands];
  uint32_t broadcast = 0;  // bit k: input k is one element in every block
};

struct Buffers {
  alignas(64) char of[kMaxOperands][kBlock * 8];
  alignas(64) char raw[kBlock * 8];
};

// ---- Blocks of rows ----

// rows x columns elements of operand k at p into its buffer, row after row.
void stage_tile(const Plan& plan, Buffers& buffers, int k, const char* p, int64_t rows, int64_t columns) {
  const ConvertTable& t = kernels().convert;
  const LoopNest& nest = *plan.nest;
  const int64_t item = nest.item[k], inner = nest.stride[0][k], outer = nest.ndim > 1 ? nest.stride[1][k] : 0;
  const bool converts = plan.dtype[k] != plan.compute[k];
  char* raw = converts ? buffers.raw : buffers.of[k];
  if (converts && inner == item && rows == 1) {
    return convert_elements(buffers.of[k], plan.compute[k], p, plan.dtype[k], columns);
  }
  if (rows > 1 && outer == item && inner != item && inner != 0) {
    t.transpose.bytes(item)(raw, columns * item, p, inner, columns, rows);
  } else {
    t.gather.bytes(item)(raw, p, inner, outer, columns, rows);
  }
  if (converts) convert_elements(buffers.of[k], plan.compute[k], raw, plan.dtype[k], rows * columns);
}

// The result of a tile from its buffer to p.
void unstage_tile(const Plan& plan, Buffers& buffers, char* p, int64_t rows, int64_t columns) {
  const LoopNest& nest = *plan.nest;
  const int64_t item = nest.item[0], inner = nest.stride[0][0], outer = nest.ndim > 1 ? nest.stride[1][0] : 0;
  const char* raw = buffers.of[0];
  if (plan.dtype[0] != plan.compute[0]) {
    if (inner == item && rows == 1) {
      convert_elements(p, plan.dtype[0], raw, plan.compute[0], columns);
      return;
    }
    convert_elements(buffers.raw, plan.dtype[0], raw, plan.compute[0], rows * columns);
    raw = buffers.raw;
  }
  kernels().convert.scatter.bytes(item)(p, inner, outer, raw, columns, rows);
}

void run_tile(const Plan& plan, Buffers& buffers, char* const* p, int64_t rows, int64_t columns) {
  const LoopNest& nest = *plan.nest;
  char* at[kMaxOperands];
  int64_t row_stride[kMaxOperands];
  for (int k = 0; k < plan.n; ++k) {
    if (plan.staged[k]) {
      if (k > 0) stage_tile(plan, buffers, k, p[k], rows, columns);
      at[k] = buffers.of[k];
      row_stride[k] = columns * plan.compute_item[k];
    } else {
      at[k] = p[k];
      row_stride[k] = nest.ndim > 1 ? nest.stride[1][k] : 0;
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    plan.fn(at[0], const_cast<const void* const*>(reinterpret_cast<void* const*>(at + 1)), plan.broadcast,
            columns);
    for (int k = 0; k < plan.n; ++k) at[k] += row_stride[k];
  }
  if (plan.staged[0]) unstage_tile(plan, buffers, p[0], rows, columns);
}

void run_rows(Plan& plan) {
  const LoopNest& nest = *plan.nest;
  bool any_staged = false, transposed = false;
  int64_t widest = 4;
  for (int k = 0; k < plan.n; ++k) {
    const int64_t inner = nest.stride[0][k];
    const bool fits = plan.dtype[k] == plan.compute[k];
    if (k > 0 && inner == 0 && fits) {
      plan.broadcast |= 1u << (k - 1);
      plan.staged[k] = false;
      continue;
    }
    plan.staged[k] = !(fits && (inner == nest.item[k] || nest.size[0] == 1));
    any_staged |= plan.staged[k];
    widest = std::max(widest, plan.compute_item[k]);
    transposed |=
        k > 0 && nest.ndim > 1 && inner != 0 && inner != nest.item[k] && nest.stride[1][k] == nest.item[k];
  }
  // A tile of a transposed operand: 64 of its rows, one cache line of each.
  const int64_t tile_rows = transposed ? std::min<int64_t>(64 / nest.item[1], 16) : 1;
  // Buffers of 4 KB leave room in the L1 cache for what is gathered.
  const int64_t tile_columns = transposed ? 64 : any_staged ? 4 * kBlock / widest : tuning().direct_block;
  const int64_t columns = nest.size[0], rows = nest.ndim > 1 ? nest.size[1] : 1;
  const int64_t across = ceil_div(columns, tile_columns), down = ceil_div(rows, tile_rows);
  const int64_t tiles = nest.numel / (columns * rows) * across * down;
  const int64_t tile_numel = std::min(columns, tile_columns) * std::min(rows, tile_rows);
  parallel_for(tiles, std::max<int64_t>(1, tuning().grain / tile_numel), [&](int64_t begin, int64_t end) {
    Buffers buffers;
    int64_t column = begin % across * tile_columns, rest = begin / across;
    int64_t row = rest % down * tile_rows;
    rest /= down;
    int64_t index[kMaxLoopDims];
    char* base[kMaxOperands];
    std::copy_n(nest.data, plan.n, base);
    for (int d = 2; d < nest.ndim; ++d) {
      index[d] = rest % nest.size[d];
      rest /= nest.size[d];
      for (int k = 0; k < plan.n; ++k) base[k] += index[d] * nest.stride[d][k];
    }
    for (int64_t tile = begin; tile < end; ++tile) {
      char* p[kMaxOperands];
      for (int k = 0; k < plan.n; ++k) {
        p[k] = base[k] + column * nest.stride[0][k];
        if (nest.ndim > 1) p[k] += row * nest.stride[1][k];
      }
      run_tile(plan, buffers, p, std::min(tile_rows, rows - row), std::min(tile_columns, columns - column));
      if ((column += tile_columns) < columns) continue;
      column = 0;
      if ((row += tile_rows) < rows) continue;
      row = 0;
      for (int d = 2; d < nest.ndim; ++d) {
        ++index[d];
        for (int k = 0; k < plan.n; ++k) base[k] += nest.stride[d][k];
        if (index[d] < nest.size[d]) break;
        for (int k = 0; k < plan.n; ++k) base[k] -= index[d] * nest.stride[d][k];
        index[d] = 0;
      }
    }
  });
}

// ---- Blocks of elements across rows ----

// Calls f(p, run, rows) for the runs of elements [begin, begin + n) of operand k: `rows` runs along
// dimension 0 a stride of dimension 1 apart.
template <class F>
void for_runs(const LoopNest& nest, int k, int64_t begin, int64_t n, F f) {
  int64_t index[kMaxLoopDims];
  char* p = nest.data[k];
  for (int d = 0; d < nest.ndim; ++d) {
    index[d] = begin % nest.size[d];
    begin /= nest.size[d];
    p += index[d] * nest.stride[d][k];
  }
  while (n > 0) {
    const int64_t run = std::min(n, nest.size[0] - index[0]);
    int64_t rows = 1;
    if (nest.ndim > 1 && run == nest.size[0]) rows = std::min(n / run, nest.size[1] - index[1]);
    f(p, run, rows);
    n -= run * rows;
    p -= index[0] * nest.stride[0][k];
    index[0] = 0;
    for (int d = 1; d < nest.ndim; ++d) {
      const int64_t steps = d == 1 ? rows : 1;
      p += steps * nest.stride[d][k];
      if ((index[d] += steps) < nest.size[d]) break;
      p -= index[d] * nest.stride[d][k];
      index[d] = 0;
    }
  }
}

// The number of elements after which operand k comes again from its start.
int64_t period(const LoopNest& nest, int k) {
  int64_t size = 1, all = 1;
  for (int d = 0; d < nest.ndim; ++d) {
    all *= nest.size[d];
    if (nest.stride[d][k] != 0) size = all;
  }
  return size;
}

void run_linear(Plan& plan) {
  const LoopNest& nest = *plan.nest;
  bool linear[kMaxOperands], repeats[kMaxOperands];
  int64_t kept = 1;  // the longest period that fits a block: operands of such a period are staged once
  for (int k = 0; k < plan.n; ++k) {
    const bool fits = plan.dtype[k] == plan.compute[k];
    linear[k] = nest.is_linear(k);
    plan.staged[k] = !(fits && linear[k]);
    if (k > 0 && fits && nest.is_single(k)) {
      plan.broadcast |= 1u << (k - 1);
      plan.staged[k] = false;
    }
    const int64_t size = period(nest, k);
    repeats[k] = k > 0 && plan.staged[k] && size <= kBlock && size < nest.numel;
    if (repeats[k]) kept = std::max(kept, size);
  }
  // Shorter periods divide the longest. Blocks of whole cache lines where they fit.
  const int64_t aligned = std::lcm(kept, int64_t{16}), unit = aligned <= kBlock ? aligned : kept;
  const int64_t block_size = kBlock / unit * unit, blocks = ceil_div(nest.numel, block_size);
  const ConvertTable& t = kernels().convert;
  const auto stage = [&](Buffers& buffers, int k, int64_t begin, int64_t n) {
    const int64_t item = nest.item[k];
    const bool converts = plan.dtype[k] != plan.compute[k];
    const char* source = nest.data[k] + begin * item;
    if (!linear[k]) {
      char* raw = converts ? buffers.raw : buffers.of[k];
      source = raw;
      for_runs(nest, k, begin, n, [&](char* p, int64_t run, int64_t rows) {
        t.gather.bytes(item)(raw, p, nest.stride[0][k], nest.ndim > 1 ? nest.stride[1][k] : 0, run, rows);
        raw += run * rows * item;
      });
    }
    if (converts) convert_elements(buffers.of[k], plan.compute[k], source, plan.dtype[k], n);
  };
  parallel_for(blocks, std::max<int64_t>(1, tuning().grain / block_size), [&](int64_t first, int64_t last) {
    Buffers buffers;
    for (int k = 1; k < plan.n; ++k) {
      if (repeats[k]) stage(buffers, k, 0, std::min(block_size, nest.numel));
    }
    for (int64_t block = first; block < last; ++block) {
      const int64_t begin = block * block_size, n = std::min(block_size, nest.numel - begin);
      char* at[kMaxOperands];
      for (int k = 0; k < plan.n; ++k) {
        const int64_t item = nest.item[k];
        if (!plan.staged[k]) {
          at[k] = nest.data[k] + (linear[k] ? begin * item : 0);
          continue;
        }
        at[k] = buffers.of[k];
        if (k > 0 && !repeats[k]) stage(buffers, k, begin, n);
      }
      plan.fn(at[0], const_cast<const void* const*>(reinterpret_cast<void* const*>(at + 1)), plan.broadcast,
              n);
      if (!plan.staged[0]) continue;
      const int64_t item = nest.item[0];
      const char* raw = at[0];
      if (plan.dtype[0] != plan.compute[0]) {
        char* target = linear[0] ? nest.data[0] + begin * item : buffers.raw;
        convert_elements(target, plan.dtype[0], raw, plan.compute[0], n);
        if (linear[0]) continue;
        raw = target;
      }
      for_runs(nest, 0, begin, n, [&](char* p, int64_t run, int64_t rows) {
        t.scatter.bytes(item)(p, nest.stride[0][0], nest.ndim > 1 ? nest.stride[1][0] : 0, raw, run, rows);
        raw += run * rows * item;
      });
    }
  });
}

// ---- Transposed inputs ----

// Whether input k runs along another dimension than the result.
bool is_transposed(const LoopNest& nest, int k) {
  bool along = false;
  for (int d = 0; d < nest.ndim; ++d) {
    if (nest.stride[d][k] == 0) return false;
    along |= d > 0 && nest.stride[d][k] == nest.item[k];
  }
  return along && nest.stride[0][k] != nest.item[k];
}

// The same call with copies in place of its transposed inputs, in the result's order: the transpose of a
// whole array reads longer pieces than that of a staged tile. False where it has none, or a copy would not
// pay.
bool run_transposed(PointwiseFn fn, const LoopNest& nest, const PointwiseOperand& out,
                    std::span<const PointwiseOperand> in, PointwiseFn halves, DType half) {
  const int64_t least = nest.size[0] < tuning().long_row ? tuning().copied_short : tuning().copied_long;
  if (nest.numel < least || !nest.is_linear(0)) return false;
  const int n = static_cast<int>(in.size()) + 1;
  int64_t item = 0;  // of all copies
  for (int k = 1; k < n; ++k) item += is_transposed(nest, k) ? nest.item[k] : 0;
  if (item == 0 || nest.numel * item > tuning().copied_bytes) return false;
  // Everything in the order of the loops, from the outermost one in.
  Dims shape, dense(nest.ndim, 1), strides[kMaxOperands];
  for (int d = nest.ndim - 1; d >= 0; --d) {
    shape.push_back(nest.size[d]);
    for (int k = 0; k < n; ++k) strides[k].push_back(nest.stride[d][k] / nest.item[k]);
  }
  for (int d = nest.ndim - 2; d >= 0; --d) dense[d] = dense[d + 1] * shape[d + 1];
  const int64_t padded = (nest.numel + 63) / 64 * 64;
  const Workspace copies(static_cast<size_t>(padded * item));
  char* copy = copies.as<char>();
  PointwiseOperand operands[kMaxOperands];
  for (int k = 0; k < n; ++k) {
    operands[k] = k == 0 ? out : in[static_cast<size_t>(k) - 1];
    Strided& a = operands[k].array;
    a = {nest.data[k], a.dtype, &shape, &strides[k]};
    if (k > 0 && is_transposed(nest, k)) {
      const Strided to{copy, a.dtype, &shape, &dense};
      copy_array(shape, nest.numel, to, a, false);
      copy += padded * nest.item[k];
      a = to;
    }
    operands[k].flat = *a.strides == dense;
  }
  run_pointwise(fn, shape, nest.numel, operands[0], {operands + 1, in.size()}, halves, half);
  return true;
}

// All operands are contiguous or single elements, in the kernel's own dtypes.
void run_flat(PointwiseFn fn, int64_t numel, const PointwiseOperand& out,
              std::span<const PointwiseOperand> in, uint32_t broadcast) {
  int64_t step[kMaxPointwiseInputs];
  for (size_t k = 0; k < in.size(); ++k) {
    const bool moves = in[k].flat;
    if (!moves) broadcast |= 1u << k;
    step[k] = moves ? static_cast<int64_t>(item_size(in[k].compute)) : 0;
  }
  const int64_t out_step = static_cast<int64_t>(item_size(out.compute));
  parallel_for(numel, tuning().grain, [&](int64_t begin, int64_t end) {
    const void* p[kMaxPointwiseInputs];
    for (size_t k = 0; k < in.size(); ++k)
      p[k] = static_cast<const char*>(in[k].array.data) + begin * step[k];
    fn(static_cast<char*>(out.array.data) + begin * out_step, p, broadcast, end - begin);
  });
}

}  // namespace

PointwiseFn find_pointwise(Pointwise op, DType dtype) { return kernels().pointwise.fn[op][dtype]; }
PointwiseFn find_where(DType dtype) { return kernels().pointwise.where[dtype]; }

void convert_elements(void* dst, DType to, const void* src, DType from, int64_t n) {
  if (to == from) {
    std::memcpy(dst, src, static_cast<size_t>(n) * item_size(to));
  } else {
    kernels().convert.convert[from][to](dst, src, n);
  }
}

void run_pointwise(PointwiseFn fn, IntSpan shape, int64_t numel, const PointwiseOperand& result,
                   std::span<const PointwiseOperand> in, PointwiseFn halves, DType half) {
  PLAIT_ASSERT(fn && in.size() <= kMaxPointwiseInputs);
  if (numel == 0) return;
  PointwiseOperand out = result;
  bool flat = out.flat && out.array.dtype == out.compute;
  bool converts_single = false;
  for (const PointwiseOperand& x : in) {
    flat &= x.flat | x.single;
    if (x.array.dtype != x.compute) {
      converts_single |= x.single;
      flat &= x.single;
    }
  }
  // Single elements are converted once, ahead, under the same denormal mode as many.
  const DenormalGuard denormals;
  PointwiseOperand converted[kMaxPointwiseInputs];
  alignas(8) char values[kMaxPointwiseInputs][8];
  if (converts_single) {
    for (size_t k = 0; k < in.size(); ++k) {
      converted[k] = in[k];
      if (!in[k].single || in[k].array.dtype == in[k].compute) continue;
      convert_elements(values[k], in[k].compute, in[k].array.data, in[k].array.dtype, 1);
      converted[k].array.data = values[k];
      converted[k].array.dtype = in[k].compute;
    }
    in = {converted, in.size()};
  }
  Plan plan;
  const auto in_halves = [&](const PointwiseOperand& x) { return x.single || x.array.dtype == half; };
  if (halves && numel > 1 && (out.array.dtype == half || out.compute == DType::kBool) &&
      std::all_of(in.begin(), in.end(), in_halves)) {
    fn = halves;
    if (out.compute != DType::kBool) out.compute = half;
    flat = out.flat && out.array.dtype == out.compute;
    for (size_t k = 0; k < in.size(); ++k) {
      if (!converts_single) converted[k] = in[k];
      if (converted[k].array.dtype == half) converted[k].compute = half;
      if (converted[k].single && converted[k].compute != half) plan.broadcast |= kPointwiseWide << k;
      flat &= in[k].flat | in[k].single;
    }
    in = {converted, in.size()};
  }
  if (flat) return run_flat(fn, numel, out, in, plan.broadcast);

  Strided arrays[kMaxOperands];
  arrays[0] = out.array;
  for (size_t k = 0; k < in.size(); ++k) arrays[k + 1] = in[k].array;
  const LoopNest nest(shape, {arrays, in.size() + 1});
  if (run_transposed(fn, nest, out, in, halves, half)) return;
  plan.fn = fn;
  plan.nest = &nest;
  plan.n = static_cast<int>(in.size()) + 1;
  for (int k = 0; k < plan.n; ++k) {
    const PointwiseOperand& x = k == 0 ? out : in[static_cast<size_t>(k) - 1];
    plan.dtype[k] = x.array.dtype;
    plan.compute[k] = x.compute;
    plan.compute_item[k] = static_cast<int64_t>(item_size(x.compute));
  }
  if (nest.ndim == 1 || nest.size[0] >= tuning().long_row) {
    run_rows(plan);
  } else {
    run_linear(plan);
  }
}

}  // namespace plait
