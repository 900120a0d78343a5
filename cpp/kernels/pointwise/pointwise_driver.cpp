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
constexpr int64_t kWidestItem = 16;  // bytes, of complex128
constexpr int64_t kBlock = 1024;  // elements staged at once: the buffers of three operands fit the L1 cache

const PointwiseTuning& tuning() { return kernels().pointwise.tuning; }

struct Plan {
  PointwiseFn fn;
  int64_t grain;  // elements that are worth one more thread
  const LoopNest* nest;
  int n;  // operands; 0 is the result
  DType dtype[kMaxOperands], compute[kMaxOperands];
  int64_t compute_item[kMaxOperands];
  bool staged[kMaxOperands];
  uint32_t broadcast = 0;  // bit k: input k is one element in every block
};

struct Buffers {
  alignas(64) char of[kMaxOperands][kBlock * kWidestItem];
  alignas(64) char raw[kBlock * kWidestItem];
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

// Tiles of `rows` x `columns` elements; at the ends of the two innermost dimensions, what is left.
struct Tiling {
  int64_t rows, columns;
};

// Decides which operands are staged, and the tiles that follow from it.
Tiling plan_rows(Plan& plan) {
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
  if (transposed) return {std::min<int64_t>(64 / nest.item[1], 16), 64};
  // Buffers of 4 KB leave room in the L1 cache for what is gathered.
  return {1, any_staged ? 4 * kBlock / widest : tuning().direct_block};
}

// The operands' addresses at tile after tile: columns first, then rows, then the outer dimensions.
class TileWalk {
 public:
  TileWalk(const Plan& plan, Tiling tile, int64_t first)
      : nest_(*plan.nest), n_(plan.n), tile_(tile), columns_(nest_.size[0]), rows_(rows_of(nest_)) {
    const int64_t across = ceil_div(columns_, tile_.columns), down = ceil_div(rows_, tile_.rows);
    column_ = first % across * tile_.columns;
    row_ = first / across % down * tile_.rows;
    int64_t rest = first / across / down;
    std::copy_n(nest_.data, n_, base_);
    for (int d = 2; d < nest_.ndim; ++d) {
      index_[d] = rest % nest_.size[d];
      rest /= nest_.size[d];
      for (int k = 0; k < n_; ++k) base_[k] += index_[d] * nest_.stride[d][k];
    }
  }

  static int64_t rows_of(const LoopNest& nest) { return nest.ndim > 1 ? nest.size[1] : 1; }

  int64_t rows() const { return std::min(tile_.rows, rows_ - row_); }
  int64_t columns() const { return std::min(tile_.columns, columns_ - column_); }

  void addresses(char** p) const {
    for (int k = 0; k < n_; ++k) {
      p[k] = base_[k] + column_ * nest_.stride[0][k];
      if (nest_.ndim > 1) p[k] += row_ * nest_.stride[1][k];
    }
  }

  void advance() {
    if ((column_ += tile_.columns) < columns_) return;
    column_ = 0;
    if ((row_ += tile_.rows) < rows_) return;
    row_ = 0;
    for (int d = 2; d < nest_.ndim; ++d) {
      ++index_[d];
      for (int k = 0; k < n_; ++k) base_[k] += nest_.stride[d][k];
      if (index_[d] < nest_.size[d]) return;
      for (int k = 0; k < n_; ++k) base_[k] -= index_[d] * nest_.stride[d][k];
      index_[d] = 0;
    }
  }

 private:
  const LoopNest& nest_;
  const int n_;
  const Tiling tile_;
  const int64_t columns_, rows_;
  int64_t column_, row_;
  int64_t index_[kMaxLoopDims];
  char* base_[kMaxOperands];
};

void run_rows(Plan& plan) {
  const Tiling tile = plan_rows(plan);
  const LoopNest& nest = *plan.nest;
  const int64_t columns = nest.size[0], rows = TileWalk::rows_of(nest);
  const int64_t tiles =
      nest.numel / (columns * rows) * ceil_div(columns, tile.columns) * ceil_div(rows, tile.rows);
  const int64_t tile_numel = std::min(columns, tile.columns) * std::min(rows, tile.rows);
  parallel_for(tiles, std::max<int64_t>(1, plan.grain / tile_numel), [&](int64_t begin, int64_t end) {
    Buffers buffers;
    TileWalk walk(plan, tile, begin);
    for (int64_t i = begin; i < end; ++i, walk.advance()) {
      char* p[kMaxOperands];
      walk.addresses(p);
      run_tile(plan, buffers, p, walk.rows(), walk.columns());
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

struct LinearPlan {
  const Plan* plan;
  bool linear[kMaxOperands];   // runs in loop order: elements [begin, begin + n) lie side by side
  bool repeats[kMaxOperands];  // comes again in every block: staged once
  int64_t block;               // elements of a block, a multiple of the periods of what repeats
};

// Decides which operands are staged, and the size of blocks that follows from it.
LinearPlan plan_linear(Plan& plan) {
  const LoopNest& nest = *plan.nest;
  LinearPlan blocks;
  blocks.plan = &plan;
  int64_t kept = 1;  // the longest period that fits a block
  for (int k = 0; k < plan.n; ++k) {
    const bool fits = plan.dtype[k] == plan.compute[k];
    blocks.linear[k] = nest.is_linear(k);
    plan.staged[k] = !(fits && blocks.linear[k]);
    if (k > 0 && fits && nest.is_single(k)) {
      plan.broadcast |= 1u << (k - 1);
      plan.staged[k] = false;
    }
    const int64_t size = period(nest, k);
    blocks.repeats[k] = k > 0 && plan.staged[k] && size <= kBlock && size < nest.numel;
    if (blocks.repeats[k]) kept = std::max(kept, size);
  }
  // Shorter periods divide the longest. Blocks of whole cache lines where they fit.
  const int64_t aligned = std::lcm(kept, int64_t{16}), unit = aligned <= kBlock ? aligned : kept;
  blocks.block = kBlock / unit * unit;
  return blocks;
}

// Elements [begin, begin + n) of operand k into its buffer.
void stage_run(const LinearPlan& blocks, Buffers& buffers, int k, int64_t begin, int64_t n) {
  const Plan& plan = *blocks.plan;
  const LoopNest& nest = *plan.nest;
  const int64_t item = nest.item[k];
  const bool converts = plan.dtype[k] != plan.compute[k];
  const char* source = nest.data[k] + begin * item;
  if (!blocks.linear[k]) {
    char* raw = converts ? buffers.raw : buffers.of[k];
    source = raw;
    for_runs(nest, k, begin, n, [&](char* p, int64_t run, int64_t rows) {
      const int64_t outer = nest.ndim > 1 ? nest.stride[1][k] : 0;
      kernels().convert.gather.bytes(item)(raw, p, nest.stride[0][k], outer, run, rows);
      raw += run * rows * item;
    });
  }
  if (converts) convert_elements(buffers.of[k], plan.compute[k], source, plan.dtype[k], n);
}

// Elements [begin, begin + n) of the result from its buffer.
void unstage_run(const LinearPlan& blocks, Buffers& buffers, int64_t begin, int64_t n) {
  const Plan& plan = *blocks.plan;
  const LoopNest& nest = *plan.nest;
  const int64_t item = nest.item[0];
  const char* raw = buffers.of[0];
  if (plan.dtype[0] != plan.compute[0]) {
    char* target = blocks.linear[0] ? nest.data[0] + begin * item : buffers.raw;
    convert_elements(target, plan.dtype[0], raw, plan.compute[0], n);
    if (blocks.linear[0]) return;
    raw = target;
  }
  for_runs(nest, 0, begin, n, [&](char* p, int64_t run, int64_t rows) {
    const int64_t outer = nest.ndim > 1 ? nest.stride[1][0] : 0;
    kernels().convert.scatter.bytes(item)(p, nest.stride[0][0], outer, raw, run, rows);
    raw += run * rows * item;
  });
}

void run_linear(Plan& plan) {
  const LinearPlan blocks = plan_linear(plan);
  const LoopNest& nest = *plan.nest;
  const int64_t grain = std::max<int64_t>(1, plan.grain / blocks.block);
  parallel_for(ceil_div(nest.numel, blocks.block), grain, [&](int64_t first, int64_t last) {
    Buffers buffers;
    for (int k = 1; k < plan.n; ++k) {
      if (blocks.repeats[k]) stage_run(blocks, buffers, k, 0, std::min(blocks.block, nest.numel));
    }
    for (int64_t block = first; block < last; ++block) {
      const int64_t begin = block * blocks.block, n = std::min(blocks.block, nest.numel - begin);
      char* at[kMaxOperands];
      for (int k = 0; k < plan.n; ++k) {
        at[k] = plan.staged[k] ? buffers.of[k] : nest.data[k] + (blocks.linear[k] ? begin * nest.item[k] : 0);
        if (k > 0 && plan.staged[k] && !blocks.repeats[k]) stage_run(blocks, buffers, k, begin, n);
      }
      plan.fn(at[0], const_cast<const void* const*>(reinterpret_cast<void* const*>(at + 1)), plan.broadcast,
              n);
      if (plan.staged[0]) unstage_run(blocks, buffers, begin, n);
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
                    std::span<const PointwiseOperand> in, PointwiseFn halves, DType half, int64_t cost) {
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
  run_pointwise(fn, shape, nest.numel, operands[0], {operands + 1, in.size()}, halves, half, cost);
  return true;
}

// All operands are contiguous or single elements, in the kernel's own dtypes.
void run_flat(PointwiseFn fn, int64_t numel, const PointwiseOperand& out,
              std::span<const PointwiseOperand> in, uint32_t broadcast, int64_t grain) {
  int64_t step[kMaxPointwiseInputs];
  for (size_t k = 0; k < in.size(); ++k) {
    const bool moves = in[k].flat;
    if (!moves) broadcast |= 1u << k;
    step[k] = moves ? static_cast<int64_t>(item_size(in[k].compute)) : 0;
  }
  const int64_t out_step = static_cast<int64_t>(item_size(out.compute));
  parallel_for(numel, grain, [&](int64_t begin, int64_t end) {
    const void* p[kMaxPointwiseInputs];
    for (size_t k = 0; k < in.size(); ++k)
      p[k] = static_cast<const char*>(in[k].array.data) + begin * step[k];
    fn(static_cast<char*>(out.array.data) + begin * out_step, p, broadcast, end - begin);
  });
}

// A kernel and its operands as it takes them. Inputs are copied here only where one changes.
struct Call {
  PointwiseFn fn;
  PointwiseOperand out;
  std::span<const PointwiseOperand> in;
  uint32_t broadcast = 0;

  const PointwiseOperand& operand(int k) const { return k == 0 ? out : in[static_cast<size_t>(k) - 1]; }

  // Whether all operands are contiguous or single elements, in the kernel's own dtypes.
  bool is_flat() const {
    bool flat = out.flat && out.array.dtype == out.compute;
    for (const PointwiseOperand& x : in) flat &= (x.flat | x.single) && x.array.dtype == x.compute;
    return flat;
  }

  // Converts single elements once, ahead.
  void convert_singles() {
    for (size_t k = 0; k < in.size(); ++k) {
      if (!in[k].single || in[k].array.dtype == in[k].compute) continue;
      own_inputs();
      convert_elements(values_[k], in[k].compute, in[k].array.data, in[k].array.dtype, 1);
      owned_[k].array.data = values_[k];
      owned_[k].array.dtype = in[k].compute;
    }
  }

  // Takes the kernel that reads and writes 16-bit floats, where all operands of many elements are such.
  void take_halves(PointwiseFn halves, DType half) {
    if (out.array.dtype != half && out.compute != DType::kBool) return;
    for (const PointwiseOperand& x : in) {
      if (!x.single && x.array.dtype != half) return;
    }
    own_inputs();
    fn = halves;
    if (out.compute != DType::kBool) out.compute = half;
    for (size_t k = 0; k < in.size(); ++k) {
      if (owned_[k].array.dtype == half) owned_[k].compute = half;
      if (owned_[k].single && owned_[k].compute != half) broadcast |= kPointwiseWide << k;
    }
  }

 private:
  void own_inputs() {
    if (in.data() == owned_) return;
    std::copy(in.begin(), in.end(), owned_);
    in = {owned_, in.size()};
  }

  PointwiseOperand owned_[kMaxPointwiseInputs];
  alignas(kWidestItem) char values_[kMaxPointwiseInputs][kWidestItem];
};

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
                   std::span<const PointwiseOperand> in, PointwiseFn halves, DType half, int64_t cost) {
  PLAIT_ASSERT(fn && in.size() <= kMaxPointwiseInputs);
  if (numel == 0) return;
  const DenormalGuard denormals;  // single elements are converted under the same mode as many
  Call call;
  call.fn = fn;
  call.out = result;
  call.in = in;
  call.convert_singles();
  if (halves && numel > 1) call.take_halves(halves, half);
  if (call.is_flat())
    return run_flat(call.fn, numel, call.out, call.in, call.broadcast, tuning().grain / cost);

  const int n = static_cast<int>(in.size()) + 1;
  Strided arrays[kMaxOperands];
  for (int k = 0; k < n; ++k) arrays[k] = call.operand(k).array;
  const LoopNest nest(shape, {arrays, static_cast<size_t>(n)});
  if (run_transposed(call.fn, nest, call.out, call.in, halves, half, cost)) return;
  Plan plan;
  plan.fn = call.fn;
  plan.grain = tuning().grain / cost;
  plan.nest = &nest;
  plan.n = n;
  plan.broadcast = call.broadcast;
  for (int k = 0; k < n; ++k) {
    const PointwiseOperand& x = call.operand(k);
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
