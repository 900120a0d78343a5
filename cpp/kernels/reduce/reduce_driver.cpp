// SPDX-License-Identifier: MIT
// Reductions over any dimensions of a strided array, split over threads.
//
// Dimensions are sorted by stride and merged. What remains is, from outside in:
//
//   outer kept dimensions                    one by one
//     inner kept dimension                   cut into tiles whose states stay in L1
//       outer reduced dimensions             one by one
//         inner reduced dimension            with the tile: one call of a kernel
//
// The row kernel serves tiles that are contiguous along the reduced dimension, the column kernel the others
// and, through a transpose, short rows. If there are few outputs, one reduced dimension is cut into slices as
// well, whose states are combined in order. All cuts depend on the shape alone; those of the reduced
// dimensions reach the bits.
#include "kernels/reduce/reduce_driver.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "core/error.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"
#include "kernels/pointwise/pointwise_driver.h"
#include "kernels/short_rows.h"

namespace plait {
namespace {

constexpr int64_t kTaskElements = 32768;  // least work of a task: about 5 us
// Least work of a slice of the reduced elements; reaches the bits. It is the grain of pointwise operators, so
// a thread finds in its cache what it wrote there before. tuned: one thread that reads what another's cache
// holds takes 35 us for the sum of 65536 floats; two that read their own halves take 9
constexpr int64_t kSliceElements = 32768;
constexpr int64_t kWantedTasks = 64;  // enough for any sensible number of threads to share evenly
constexpr int64_t kRowTile = 512, kColumnTile = 2048;  // outputs per tile: their states stay in L1
constexpr int64_t kLinePair = 128;  // bytes: the hardware prefetcher fetches cache lines in pairs

struct Dim {
  int64_t size, stride;
  int64_t out_stride;  // kept dimensions only
};

struct DimList {
  Dim dim[kMaxReduceDims];
  int n = 0;

  void sort() {
    // An expanded dimension (stride 0) goes outermost, where it repeats whole passes.
    const auto key = [](const Dim& d) { return d.stride == 0 ? INT64_MAX : d.stride; };
    std::stable_sort(dim, dim + n, [&](const Dim& a, const Dim& b) { return key(a) > key(b); });
  }
  void merge() {
    int last = -1;
    for (int i = 0; i < n; ++i) {
      if (last >= 0 && dim[last].stride == dim[i].stride * dim[i].size &&
          dim[last].out_stride == dim[i].out_stride * dim[i].size) {
        dim[last] = {dim[last].size * dim[i].size, dim[i].stride, dim[i].out_stride};
      } else {
        dim[++last] = dim[i];
      }
    }
    n = last + 1;
  }
  Dim take_inner() { return n > 0 ? dim[--n] : Dim{1, 1, 1}; }
  int64_t count() const {
    int64_t c = 1;
    for (int i = 0; i < n; ++i) c *= dim[i].size;
    return c;
  }
  int64_t offset(int64_t index) const {
    int64_t at = 0;
    for (int i = n - 1; i >= 0; --i) {
      at += index % dim[i].size * dim[i].stride;
      index /= dim[i].size;
    }
    return at;
  }
  int64_t out_offset(int64_t index) const {
    int64_t at = 0;
    for (int i = n - 1; i >= 0; --i) {
      at += index % dim[i].size * dim[i].out_stride;
      index /= dim[i].size;
    }
    return at;
  }
};

bool needs_order(ReduceOp op) { return op == ReduceOp::kArgMax || op == ReduceOp::kArgMin; }

// What a kernel keeps in its first plane.
enum class StateType { kDouble, kInt64, kElement };
StateType state_type(ReduceOp op, DType dtype) {
  switch (op) {
    case ReduceOp::kMax:
    case ReduceOp::kMin:
    case ReduceOp::kMaxAbs:
    case ReduceOp::kMinAbs:
    case ReduceOp::kArgMax:
    case ReduceOp::kArgMin:
      return StateType::kElement;
    case ReduceOp::kCount:
      return StateType::kInt64;
    default:
      return is_floating(dtype) ? StateType::kDouble : StateType::kInt64;
  }
}

// The final states of n outputs, which are `stride` elements apart; `count` elements were folded into each.
struct Finished {
  void* const* state;
  int64_t n, stride, count;
};

// out[at + j * f.stride] = values[j], converted, j < f.n
template <class S>
void write(const ReduceOutput& out, int64_t at, const Finished& f, const S* values) {
  if (f.stride == 1) {
    char* y = static_cast<char*>(out.data) + at * static_cast<int64_t>(item_size(out.dtype));
    return convert_elements(y, out.dtype, values, DTypeOf<S>::value, f.n);
  }
  dispatch(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* y = static_cast<T*>(out.data) + at;
    for (int64_t j = 0; j < f.n; ++j) y[j * f.stride] = convert<T>(values[j]);
  });
}

template <class F>
void write_doubles(const ReduceOutput& out, int64_t at, const Finished& f, F&& value) {
  constexpr int64_t kBlock = 256;
  double values[kBlock];
  for (int64_t j0 = 0; j0 < f.n; j0 += kBlock) {
    const int64_t m = std::min(kBlock, f.n - j0);
    for (int64_t j = 0; j < m; ++j) values[j] = value(j0 + j);
    write(out, at + j0 * f.stride, Finished{nullptr, m, f.stride, f.count}, values);
  }
}

void finish_doubles(const ReduceOutput& out, int64_t at, const Finished& f, double correction) {
  const double* a = static_cast<const double*>(f.state[0]);
  const double* b = static_cast<const double*>(f.state[1]);
  const double count = static_cast<double>(f.count);
  const double divisor = std::max(0.0, count - correction);
  // The rounding of a reciprocal shows in float64 alone.
  const bool exact = out.dtype == DType::kFloat64;
  const double per_count = 1 / count, per_divisor = 1 / divisor;
  switch (out.finish) {
    case ReduceFinish::kMean:
      return write_doubles(out, at, f, [&](int64_t j) { return exact ? a[j] / count : a[j] * per_count; });
    case ReduceFinish::kSqrt:
      return write_doubles(out, at, f, [&](int64_t j) { return std::sqrt(a[j]); });
    case ReduceFinish::kVar:
      return write_doubles(out, at, f,
                           [&](int64_t j) { return exact ? b[j] / divisor : b[j] * per_divisor; });
    case ReduceFinish::kStd:
      return write_doubles(out, at, f, [&](int64_t j) { return std::sqrt(b[j] / divisor); });
    case ReduceFinish::kLogSum:
      return write_doubles(out, at, f,
                           [&](int64_t j) { return std::isinf(a[j]) ? a[j] : a[j] + std::log(b[j]); });
    default:
      return write(out, at, f, a);
  }
}

void finish_integers(const ReduceOutput& out, int64_t at, const Finished& f) {
  int64_t* a = static_cast<int64_t*>(f.state[0]);
  if (out.finish != ReduceFinish::kValue) {
    const int64_t full = f.count;
    for (int64_t j = 0; j < f.n; ++j) a[j] = out.finish == ReduceFinish::kAll ? a[j] == full : a[j] != 0;
  }
  write(out, at, f, a);
}

void finish_elements(DType dtype, const ReduceOutput& out, int64_t at, const Finished& f) {
  if (is_16_bit_float(dtype)) {
    return write(out, at, f, static_cast<const float*>(f.state[0]));
  }
  PLAIT_ASSERT(out.dtype == dtype);
  dispatch_size(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* values = static_cast<const T*>(f.state[0]);
    T* y = static_cast<T*>(out.data) + at;
    if (f.stride == 1) {
      std::copy_n(values, f.n, y);
    } else {
      for (int64_t j = 0; j < f.n; ++j) y[j * f.stride] = values[j];
    }
  });
}

class ReduceDriver {
 public:
  explicit ReduceDriver(const Reduction& r) : r_(r), kernel_(kernels().reduce.kernel[r.op][r.dtype]) {
    PLAIT_ASSERT(kernel_.row != nullptr);
    int64_t out_stride = 1, offset = 0;
    for (int d = r.ndim - 1; d >= 0; --d) {
      int64_t stride = r.stride[d];
      if (r.size[d] != 1) {
        if (stride < 0 && r.reduced[d] && !needs_order(r.op)) {  // reversed: the order is free
          offset += (r.size[d] - 1) * stride;
          stride = -stride;
        }
        DimList& list = r.reduced[d] ? reduced_ : kept_;
        list.dim[list.n++] = {r.size[d], stride, r.reduced[d] ? 0 : out_stride};
      }
      if (!r.reduced[d]) out_stride *= r.size[d];
    }
    x_ = static_cast<const char*>(r.x) + offset * item();
    for (DimList* list : {&kept_, &reduced_}) {
      std::reverse(list->dim, list->dim + list->n);
      if (!(list == &reduced_ && needs_order(r.op))) list->sort();
      list->merge();
    }
    PLAIT_ASSERT(!needs_order(r.op) || reduced_.n <= 1);
    outputs_ = kept_.count();
    count_ = reduced_.count();
    choose_inner();
    cut_tiles();
    cut_slices();
  }

  void run() const {
    if (outputs_ == 0) return;
    slices_ == 1 ? run_unsliced() : run_sliced();
  }

 private:
  int64_t item() const { return static_cast<int64_t>(item_size(r_.dtype)); }

  void run_unsliced() const {
    // parallel_for's grain: a second task of little work is left to the first one's thread.
    const int64_t work = std::max<int64_t>(1, outputs_ * count_ / std::max<int64_t>(1, tasks_));
    parallel_for(tasks_, ceil_div(kGrainElements, work), [&](int64_t begin, int64_t end) {
      alignas(64) char planes[kColumnTile * 8 * kMaxReducePlanes];
      for (int64_t task = begin; task < end; ++task) {
        for_each_tile(task, [&](const Tile& tile) {
          void* state[kMaxReducePlanes];
          for (int p = 0; p < kernel_.planes; ++p) state[p] = planes + p * tile.n * 8;
          fold(tile, 0, state);
          finish(tile, state);
        });
      }
    });
  }

  void run_sliced() const {
    // Partial states [slice][plane][output]. No two slices share a pair of cache lines, which their threads
    // would take from each other with every store.
    const int64_t slice_bytes = round_up(outputs_ * 8 * kernel_.planes + kLinePair, kLinePair);
    const Workspace partial(static_cast<size_t>(slice_bytes * slices_));
    const auto partial_state = [&](int64_t slice, const Tile& tile, void** state) {
      char* base = partial.as<char>() + slice * slice_bytes + (tile.outer * inner_kept_.size + tile.j0) * 8;
      for (int p = 0; p < kernel_.planes; ++p) state[p] = base + p * outputs_ * 8;
    };
    parallel_chunks(tasks_ * slices_, [&](int64_t i) {
      const int64_t slice = i / tasks_;
      for_each_tile(i % tasks_, [&](const Tile& tile) {
        void* state[kMaxReducePlanes];
        partial_state(slice, tile, state);
        fold(tile, slice, state);
      });
    });
    const auto combine = [&](int64_t task) {
      for_each_tile(task, [&](const Tile& tile) {
        void *into[kMaxReducePlanes], *from[kMaxReducePlanes];
        partial_state(0, tile, into);
        int64_t seen = slice_count(0);
        for (int64_t s = 1; s < slices_; ++s) {
          partial_state(s, tile, from);
          const int64_t count = slice_count(s);
          kernel_.combine(into, from, tile.n, seen, count);
          seen += count;
        }
        finish(tile, into);
      });
    };
    if (outputs_ * slices_ < kTaskElements) {
      for (int64_t task = 0; task < tasks_; ++task) combine(task);
    } else {
      parallel_chunks(tasks_, combine);
    }
  }

  // From the first to the last reduced element of an output, where they are one dimension.
  int64_t row_span() const { return (inner_reduced_.size - 1) * inner_reduced_.stride + 1; }

  void choose_inner() {
    inner_kept_ = kept_.take_inner();
    inner_reduced_ = reduced_.take_inner();
    const auto stride = [](const Dim& d) { return d.stride == 0 ? INT64_MAX : std::abs(d.stride); };
    // A few columns would leave vectors mostly empty: many short rows instead, one pass for each column.
    constexpr int64_t kFewColumns = 4;
    if (inner_kept_.size <= kFewColumns && reduced_.n == 0 && kept_.n > 0) {
      Dim& outer = kept_.dim[kept_.n - 1];
      if (outer.size >= 16 && outer.stride >= row_span() &&
          is_short_row(row_span(), inner_kept_.size, max_short_row(r_.dtype))) {
        std::swap(outer, inner_kept_);
      }
    }
    by_row_ =
        inner_kept_.size == 1 || (inner_reduced_.size > 1 && stride(inner_reduced_) < stride(inner_kept_));
    short_rows_ = by_row_ && reduced_.n == 0 && inner_reduced_.stride > 0 &&
                  inner_kept_.stride >= row_span() && inner_kept_.size >= 16 &&
                  is_short_row(row_span(), inner_reduced_.stride, max_short_row(r_.dtype));
  }

  void cut_tiles() {
    if (by_row_) {
      tile_ = std::clamp<int64_t>(kTaskElements / std::max<int64_t>(1, count_), 1, kRowTile);
      if (short_rows_) tile_ = std::min(tile_, short_tile());
    } else {
      tile_ = kColumnTile;
    }
    tiles_ = ceil_div(inner_kept_.size, tile_);
    const int64_t all_tiles = kept_.count() * tiles_;
    tile_work_ = std::max<int64_t>(1, outputs_ * count_ / std::max<int64_t>(1, all_tiles));
    tiles_per_task_ = std::max<int64_t>(1, kTaskElements / tile_work_);
    tasks_ = ceil_div(all_tiles, tiles_per_task_);
  }

  // Slices of the outermost long reduced dimension, if there are fewer tasks than threads may want.
  void cut_slices() {
    slices_ = 1;
    sliced_ = -1;
    const int64_t wanted = std::min((kWantedTasks + tasks_ - 1) / std::max<int64_t>(1, tasks_),
                                    tile_work_ * tiles_per_task_ / kSliceElements);
    if (tasks_ >= kWantedTasks / 2 || wanted <= 1) return;
    int64_t longest = inner_reduced_.size;
    sliced_ = reduced_.n;  // the inner one
    for (int d = reduced_.n - 1; d >= 0; --d) {
      if (reduced_.dim[d].size >= std::min(wanted, longest)) {
        longest = reduced_.dim[d].size;
        sliced_ = d;
      }
    }
    slice_align_ = sliced_ == reduced_.n && by_row_ ? 64 : 1;
    slice_units_ = ceil_div(longest, slice_align_);
    slices_ = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::min(wanted, slice_units_))));
  }

  // The part of the sliced dimension that belongs to `slice`.
  void slice_range(int64_t slice, int64_t size, int64_t* begin, int64_t* end) const {
    *begin = std::min(size, slice_units_ * slice / slices_ * slice_align_);
    *end = std::min(size, slice_units_ * (slice + 1) / slices_ * slice_align_);
  }
  int64_t sliced_size() const {
    return sliced_ == reduced_.n ? inner_reduced_.size : reduced_.dim[sliced_].size;
  }
  int64_t slice_count(int64_t slice) const {
    int64_t begin, end;
    slice_range(slice, sliced_size(), &begin, &end);
    return count_ / sliced_size() * (end - begin);
  }

  // Outputs [j0, j0 + n) of index `outer` of the outer kept dimensions.
  struct Tile {
    int64_t outer, j0, n;
  };
  template <class F>
  void for_each_tile(int64_t task, F&& f) const {
    const int64_t all_tiles = kept_.count() * tiles_;
    for (int64_t i = task * tiles_per_task_; i < std::min(all_tiles, (task + 1) * tiles_per_task_); ++i) {
      const int64_t j0 = i % tiles_ * tile_;
      f(Tile{i / tiles_, j0, std::min(tile_, inner_kept_.size - j0)});
    }
  }

  // Folds the reduced elements of one slice into the states of a tile.
  void fold(const Tile& t, int64_t slice, void* const* state) const {
    kernel_.init(state, t.n);
    if (count_ == 0) return;
    const DimList* walk = &reduced_;
    DimList part;
    Dim inner = inner_reduced_;
    int64_t start = kept_.offset(t.outer) + t.j0 * inner_kept_.stride, seen = 0;
    if (slices_ > 1) {
      part = reduced_;
      walk = &part;
      Dim& d = sliced_ == part.n ? inner : part.dim[sliced_];
      int64_t begin, end;
      slice_range(slice, d.size, &begin, &end);
      start += begin * d.stride;
      d.size = end - begin;
      if (needs_order(r_.op)) seen = begin;
    }
    ReduceTile tile;
    tile.reduce_n = inner.size;
    tile.reduce_stride = inner.stride;
    tile.keep_n = t.n;
    tile.keep_stride = inner_kept_.stride;
    for (int p = 0; p < kernel_.planes; ++p) tile.state[p] = state[p];
    if (short_rows_) return fold_short_rows(tile, start);
    const int64_t passes = walk->count();
    for (int64_t i = 0; i < passes; ++i) {
      tile.x = x_ + (start + walk->offset(i)) * item();
      tile.seen = seen;
      (by_row_ ? kernel_.row : kernel_.column)(tile);
      seen += inner.size;
    }
  }

  // The most short rows whose elements fit the block.
  int64_t short_tile() const { return kShortBlock / row_span() / 16 * 16; }

  void fold_short_rows(ReduceTile tile, int64_t start) const {
    alignas(64) char block[kShortBlock * 8];
    const auto transpose = kernels().convert.transpose.bytes(item());
    const int64_t ld = short_tile();
    transpose(block, ld * item(), x_ + start * item(), inner_kept_.stride * item(), tile.keep_n, row_span());
    tile.x = block;
    tile.reduce_stride = ld * inner_reduced_.stride;
    tile.keep_stride = 1;
    tile.seen = 0;
    kernel_.column(tile);
  }

  // Stores the outputs of a tile.
  void finish(const Tile& t, void* const* state) const {
    const int64_t at = kept_.out_offset(t.outer) + t.j0 * inner_kept_.out_stride;
    const Finished f{state, t.n, inner_kept_.out_stride, count_};
    for (const ReduceOutput& out : r_.out) {
      if (!out.data) continue;
      if (out.finish == ReduceFinish::kIndex) {
        write(out, at, f, static_cast<const int64_t*>(state[1]));
        continue;
      }
      switch (state_type(r_.op, r_.dtype)) {
        case StateType::kDouble:
          finish_doubles(out, at, f, r_.correction);
          break;
        case StateType::kInt64:
          finish_integers(out, at, f);
          break;
        case StateType::kElement:
          finish_elements(r_.dtype, out, at, f);
      }
    }
  }

  const Reduction& r_;
  const ReduceKernel& kernel_;
  const char* x_;
  DimList kept_, reduced_;  // the outer dimensions once choose_inner() took the inner ones
  Dim inner_kept_, inner_reduced_;
  int64_t outputs_, count_;
  bool by_row_, short_rows_;
  int64_t tile_, tiles_, tile_work_, tiles_per_task_, tasks_;
  int sliced_;  // which reduced dimension is cut; reduced_.n is the inner one
  int64_t slices_, slice_units_ = 1, slice_align_ = 1;
};

}  // namespace

void reduce(const Reduction& r) { ReduceDriver(r).run(); }

}  // namespace plait
