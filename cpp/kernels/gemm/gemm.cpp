// SPDX-License-Identifier: MIT
// The blocked GEMM: the loops around the micro-kernel, and their split over threads.
//
//   C[b][i][j] = epilogue(alpha * sum_p A[b][i][p] * B[b][p][j] + beta * C[b][i][j])
//
// C is cut into units: a rectangle of one batch item, over all of k or over a slice of it. A unit runs alone,
// with packing buffers of its own:
//
//   for ic in [0, m) by mc         block of A and C: rows
//     for pc in [k0, k1) by kc     pack A[ic.., pc..] into panels of mr rows; they lie in L3
//       for jc in [0, n) by nc     pack B[pc.., jc..] into panels of nr columns; they take 3/8 of L2
//         block()                  per mr x nr tile of C the micro-kernel; a panel of A stays in L1
//
// Assumptions. A and B have any strides, zero and negative ones included. gemm() exchanges rows and columns
// where only the columns of C are contiguous; other strides of C go through a tile-sized buffer. Packed
// panels start at 64-byte boundaries, have their width as the stride along k, and are padded with zeros.
//
// Bits. An element of C is one chain of multiply-adds in order of k, whatever tile, block or unit it falls
// into (isa/gemm_kernels.cpp), so the cut into units may follow the number of threads. Two decisions do reach
// the bits, and both look at the problem alone: kc, and the slices of k that tall products (k much larger
// than m and n) are cut into.
//
// Bound by the multiply-add units: 93% of their peak at m = n = k = 512 and 89% at 2048 (float32, two cores
// of an AMD EPYC, Zen 4, AVX-512, 2026-11-26, bench/README.md).
#include "kernels/gemm/gemm.h"

#include <algorithm>

#include "core/cpu_info.h"
#include "core/parallel.h"
#include "core/work_split.h"
#include "core/workspace.h"
#include "kernels/gemm/blas.h"
#include "kernels/gemm/gemm_detail.h"

namespace plait {
namespace {

using namespace gemm_detail;

template <class T>
class Engine {
 public:
  explicit Engine(const GemmArgs<T>& args)
      : g_(args),
        kern_(args.kernels ? *args.kernels : kernels_of<T>()),
        tuning_(kern_.tuning),
        has_epilogue_(has_epilogue(args)),
        batch_in_memory_(args.batch > 1 && item_bytes() >= tuning_.prefetch_bytes &&
                         item_bytes() <= cpu_info().l2_bytes / 2 &&
                         args.batch * item_bytes() > cpu_info().l2_bytes) {}

  void run() {
    slice_k();
    cut_units();
    const int64_t units = g_.batch * slices_ * row_units_ * col_units_;
    const Workspace parts(slices_ > 1 ? bytes(g_.batch * slices_ * g_.m * g_.n) : 0);
    parts_ = parts.as<T>();
    for_units(units, threads_, 4, [&](int64_t u) { run_unit(unit_at(u)); });
    if (slices_ > 1) finish_sums(g_, parts_, slices_);
  }

 private:
  // Rows [i0, i0 + m) and columns [j0, j0 + n) of batch item `item`, over steps [k0, k1) of k.
  struct Unit {
    int64_t item, slice, i0, m, j0, n, k0, k1;
  };
  // How a unit is blocked, and which operands are read where they lie.
  struct Blocking {
    bool a_unpacked, b_unpacked;
    int64_t mr, kc, mc, nc;
  };
  // A block of an operand that is to be packed: `count` rows of A or columns of B from `first` on, k steps of
  // k from k0 on. `stride` leads to the next row of A or column of B, `k_stride` along k.
  struct PanelBlock {
    const GemmOperand<T>& operand;
    const T* data;  // of the batch item; null for a source
    int64_t item, width, first, count, k0, k, stride, k_stride;
  };

  static size_t bytes(int64_t elements) { return sizeof(T) * static_cast<size_t>(elements); }
  static constexpr int64_t kItem = sizeof(T);

  // ---- Cuts that reach the bits: of the problem alone ----

  // Slices of k give threads work when C is small. A packed matrix is multiplied by as many rows as a thread
  // happens to take, so for it m must not decide.
  void slice_k() {
    constexpr int64_t kSliceDepth = 2048, kMaxSlices = 32, kMaxOutput = int64_t{1} << 18;
    slices_ = 1;
    if (g_.m * g_.n <= kMaxOutput && g_.batch == 1 && !g_.b.panels) {
      slices_ = std::clamp<int64_t>(g_.k / kSliceDepth, 1, kMaxSlices);
    }
    slice_depth_ = round_up(ceil_div(g_.k, slices_), 16);
    slices_ = ceil_div(g_.k, slice_depth_);
    kc_ = round_up(ceil_div(slice_depth_, ceil_div(slice_depth_, kern_.kc)), 16);
  }

  // ---- Cuts that do not ----

  // Addresses a multiple of 4 KB apart map to one set of L1, which holds 8 lines.
  static constexpr int64_t kConflictBytes = 4096, kWays = 8;

  // Whether a unit of n columns reads A unpacked. It reads the rows of A n / nr times, each time at the
  // cost of their layout above that of a packed panel. Columns 4 or 8 KB apart are packed if a panel of them
  // leaves L1, where they would conflict.
  bool reads_a_unpacked(int64_t n) const {
    if (g_.a.source) return false;
    if (g_.a.cs == 1) return n <= tuning_.unpacked_a_rows;
    const int64_t stride = g_.a.cs * kItem;
    const bool conflicts =
        stride % kConflictBytes == 0 && stride / kConflictBytes <= 2 && kc_ > cpu_info().l1d_bytes / 64;
    return g_.a.rs == 1 && n <= tuning_.unpacked_a_cols && !conflicts;
  }
  // Rows of a tile. An unpacked A whose rows conflict in L1 runs at half speed with 14 rows a tile, at full
  // speed with 8. tuned: timings of both, Zen 4
  int64_t tile_rows(bool a_unpacked) const {
    const bool conflicts = g_.a.cs == 1 && g_.a.rs * kItem % kConflictBytes == 0;
    return a_unpacked && conflicts ? std::min(kern_.mr, kWays) : kern_.mr;
  }
  // Whether a unit of m rows reads B unpacked. It reads the panels of B m / mr times, in runs of nr elements,
  // which only a cache answers fast. tuned: timings over m, Zen 3 and Zen 4
  bool reads_b_unpacked(int64_t m, int64_t n, int64_t k) const {
    const int64_t size = k * n * kItem, span = k * g_.b.rs * kItem;
    return !g_.b.source && !g_.b.panels && g_.b.cs == 1 &&
           (m <= tuning_.unpacked_b || (m <= 5 * kern_.mr && size <= cpu_info().l2_bytes / 4) ||
            (m <= 12 * kern_.mr && span >= 0 && span <= cpu_info().l1d_bytes / 2));
  }

  // The cost of a unit of rows x cols per step of k, in multiply-adds: the products, the elements it packs,
  // and the elements that travel between the caches of threads.
  double unit_cost(double rows, double cols, bool rows_are_cut, bool cols_are_cut) const {
    constexpr double kPackA = 16, kPackB = 8;
    const bool packs_a = !reads_a_unpacked(int64_t(cols));
    const bool packs_b = !g_.b.panels && !reads_b_unpacked(int64_t(rows), int64_t(cols), g_.k);
    return rows * cols + (packs_a ? kPackA * rows : 0.0) + (packs_b ? kPackB * cols : 0.0) +
           tuning_.shared_work * ((cols_are_cut ? rows : 0) + (rows_are_cut ? cols : 0)) +
           (cols_are_cut ? tuning_.moved_work * rows * cols / double(g_.k) : 0);
  }

  // As many units of C as there are threads with work enough, in the cheapest grid of rows and columns.
  void cut_units() {
    const double work =
        (double(g_.m) * double(g_.n) * (double(g_.k) + tuning_.store_work) + tuning_.item_work) *
        double(g_.batch);
    threads_ = in_parallel_region() ? 1 : busy_threads(work, tuning_.thread_work);
    const int64_t wanted = ceil_div(threads_, g_.batch * slices_);
    const auto cols_of = [&](int64_t cuts) {
      return round_up(ceil_div(g_.n, ceil_div(wanted, cuts)), kern_.nr);
    };
    int64_t row_cuts = 1;
    double best = 0;
    for (int64_t r = 1; r <= wanted; ++r) {
      const double cost = unit_cost(double(ceil_div(g_.m, r)), double(cols_of(r)), r > 1, r < wanted);
      if (r == 1 || cost <= best) {
        best = cost;
        row_cuts = r;
      }
    }
    // Rows are shared evenly: a thread writes here the rows that it reads in an operator that follows.
    unit_rows_ = ceil_div(g_.m, row_cuts);
    unit_cols_ = std::min(cols_of(row_cuts), g_.n);
    if (g_.sink) {  // the unit's C lies in a buffer that should stay in L2
      unit_rows_ = std::min(unit_rows_, 16 * kern_.mr);
      unit_cols_ = std::min(unit_cols_, 16 * kern_.nr);
    }
    row_units_ = ceil_div(g_.m, unit_rows_);
    col_units_ = ceil_div(g_.n, unit_cols_);
  }

  // ---- One unit ----

  Unit unit_at(int64_t index) const {
    const int64_t col = index % col_units_, row = index / col_units_ % row_units_;
    const int64_t slice = index / (col_units_ * row_units_) % slices_;
    Unit u;
    u.item = index / (col_units_ * row_units_ * slices_);
    u.slice = slice;
    u.i0 = row * unit_rows_;
    u.m = std::min(unit_rows_, g_.m - u.i0);
    u.j0 = col * unit_cols_;
    u.n = std::min(unit_cols_, g_.n - u.j0);
    u.k0 = slice * slice_depth_;
    u.k1 = std::min(u.k0 + slice_depth_, g_.k);
    return u;
  }

  Blocking blocking_of(const Unit& u) const {
    Blocking s;
    s.a_unpacked = reads_a_unpacked(u.n);
    s.b_unpacked = reads_b_unpacked(u.m, u.n, u.k1 - u.k0);
    s.mr = tile_rows(s.a_unpacked);
    s.kc = std::min(kc_, u.k1 - u.k0);
    const int64_t nr = kern_.nr, l2_cols = cpu_info().l2_bytes * 3 / 8 / kItem / s.kc;
    const int64_t max_nc = std::max(nr, std::min(kern_.nc, l2_cols / nr * nr));
    s.nc = round_up(ceil_div(u.n, ceil_div(u.n, max_nc)), nr);
    const int64_t l3_rows = cpu_info().l3_bytes / (2 * std::max<int64_t>(threads_, 4)) / kItem / s.kc;
    const int64_t max_mc = std::max(kern_.mc, l3_rows);
    s.mc = round_up(ceil_div(u.m, ceil_div(u.m, max_mc)), s.mr);
    return s;
  }

  bool is_sunk() const { return g_.sink && slices_ == 1; }

  // Where the unit's element (i0, j0) is stored: among the partial sums, in `sink_tile`, or in C.
  void set_output(GemmBlock<T>& blk, const Unit& u, T* sink_tile) const {
    if (slices_ > 1) {
      blk.c = parts_ + ((u.item * slices_ + u.slice) * g_.m + u.i0) * g_.n + u.j0;
      blk.c_rs = g_.n;
      blk.c_cs = 1;
    } else if (g_.sink) {
      blk.c = sink_tile;
      blk.c_rs = u.n;
      blk.c_cs = 1;
    } else {
      blk.c = g_.c + u.item * g_.c_bs + u.i0 * g_.c_rs + u.j0 * g_.c_cs;
      blk.c_rs = g_.c_rs;
      blk.c_cs = g_.c_cs;
    }
    blk.alpha = slices_ > 1 ? T(1) : g_.alpha;
  }

  // The next batch item's operands, where this unit is all of an item and the batch comes from memory.
  void set_prefetch(GemmBlock<T>& blk, const Unit& u) const {
    if (!batch_in_memory_ || u.item + 1 >= g_.batch || row_units_ * col_units_ != 1) return;
    blk.prefetch[0] = batch_start(g_.a, u.item + 1);
    blk.prefetch_bytes[0] = is_dense(g_.a, u.m, g_.k) ? u.m * g_.k * kItem : 0;
    blk.prefetch[1] = batch_start(g_.b, u.item + 1);
    blk.prefetch_bytes[1] = is_dense(g_.b, g_.k, u.n) ? g_.k * u.n * kItem : 0;
  }

  void run_unit(const Unit& u) const {
    const Blocking s = blocking_of(u);
    constexpr int64_t kSpare = 64 / sizeof(T);  // pack() may write a vector past the last panel
    const Workspace b_space(g_.b.panels ? 0 : bytes(s.kc * (s.b_unpacked ? kern_.nr : s.nc) + kSpare));
    const Workspace a_space(s.a_unpacked ? 0 : bytes(s.kc * s.mc + kSpare));
    const Workspace c_space(is_sunk() ? bytes(u.m * u.n) : 0);
    GemmBlock<T> blk;
    set_prefetch(blk, u);
    set_output(blk, u, c_space.as<T>());
    T* const c = blk.c;
    for (int64_t ic = 0; ic < u.m; ic += s.mc) {
      blk.m = std::min(s.mc, u.m - ic);
      blk.mr = ceil_div(blk.m, ceil_div(blk.m, s.mr));
      for (int64_t pc = u.k0; pc < u.k1; pc += s.kc) {
        blk.k = std::min(s.kc, u.k1 - pc);
        blk.beta = pc > u.k0 ? T(1) : slices_ > 1 ? T(0) : g_.beta;
        const bool is_last = pc + s.kc >= u.k1;
        set_a(blk, u, u.i0 + ic, pc, s.a_unpacked, a_space.as<T>());
        for (int64_t jc = 0; jc < u.n; jc += s.nc) {
          if (jc > 0) poll_interrupt();
          blk.n = std::min(s.nc, u.n - jc);
          set_b(blk, u, u.j0 + jc, pc, s.b_unpacked, b_space.as<T>());
          blk.c = c + ic * blk.c_rs + jc * blk.c_cs;
          GemmEpilogue<T> e;
          blk.epilogue = nullptr;
          if (is_last && has_epilogue_ && slices_ == 1) {
            e = epilogue_at(g_, u.item, u.i0 + ic, u.j0 + jc);
            blk.epilogue = &e;
          }
          kern_.block(blk);
        }
      }
    }
    if (is_sunk()) g_.sink->store(g_.sink->self, u.item, c, u.n, u.i0, u.m, u.j0, u.n);
  }

  // count may be 0.
  void pack(const PanelBlock& p, T* dst) const {
    const PanelSource<T>* source = p.operand.source;
    if (!source) {
      const T* src = p.data + p.first * p.stride + p.k0 * p.k_stride;
      return kern_.pack(dst, p.width, src, p.stride, p.k_stride, p.count, p.k);
    }
    for (int64_t i = 0; i < p.count; i += p.width, dst += p.width * p.k) {
      source->pack(source->self, p.item, dst, p.width, p.first + i, std::min(p.width, p.count - i), p.k0,
                   p.k);
    }
  }

  // Rows [i, i + blk.m), steps [pc, pc + blk.k) of A, as row panels.
  void set_a(GemmBlock<T>& blk, const Unit& u, int64_t i, int64_t pc, bool unpacked, T* buffer) const {
    const GemmOperand<T>& x = g_.a;
    const T* data = batch_start(x, u.item);
    if (unpacked) {
      blk.a = data + i * x.rs + pc * x.cs;
      blk.a_panel = blk.mr * x.rs;
      blk.a_rs = x.rs;
      blk.a_ps = x.cs;
      return;
    }
    pack({x, data, u.item, blk.mr, i, blk.m, pc, blk.k, x.rs, x.cs}, buffer);
    blk.a = buffer;
    blk.a_panel = blk.mr * blk.k;
    blk.a_rs = 1;
    blk.a_ps = blk.mr;
  }

  // Steps [pc, pc + blk.k), columns [j, j + blk.n) of B, as column panels. A last panel of fewer than nr
  // columns is packed even if the others are not.
  void set_b(GemmBlock<T>& blk, const Unit& u, int64_t j, int64_t pc, bool unpacked, T* buffer) const {
    const GemmOperand<T>& x = g_.b;
    const int64_t nr = kern_.nr, full = blk.n / nr * nr;
    if (x.panels) {
      blk.b = x.panels + j * x.panel_depth + pc * nr;
      blk.b_panel = nr * x.panel_depth;
      blk.b_ps = nr;
      blk.b_tail = blk.b + full * x.panel_depth;
      return;
    }
    const T* data = batch_start(x, u.item);
    const int64_t first = unpacked ? full : 0;
    pack({x, data, u.item, nr, j + first, blk.n - first, pc, blk.k, x.cs, x.rs}, buffer);
    blk.b = unpacked ? data + pc * x.rs + j : buffer;
    blk.b_panel = unpacked ? nr : nr * blk.k;
    blk.b_ps = unpacked ? x.rs : nr;
    blk.b_tail = buffer + (full - first) * blk.k;
  }

  int64_t item_bytes() const { return (g_.m + g_.n) * g_.k * kItem; }

  static bool is_dense(const GemmOperand<T>& x, int64_t rows, int64_t cols) {
    return !x.source && !x.panels && ((x.cs == 1 && x.rs == cols) || (x.rs == 1 && x.cs == rows));
  }

  const GemmArgs<T> g_;
  const GemmKernels<T>& kern_;
  const GemmTuning& tuning_;
  const bool has_epilogue_;
  // The batch comes from memory, in items too short for the hardware prefetcher.
  const bool batch_in_memory_;
  int64_t slices_ = 1, slice_depth_ = 0, kc_ = 0;
  int64_t threads_ = 1, unit_rows_ = 0, unit_cols_ = 0, row_units_ = 1, col_units_ = 1;
  T* parts_ = nullptr;  // (batch, slices, m, n)
};

}  // namespace

template <class T>
PackedMatrix<T>::PackedMatrix(const GemmOperand<T>& b, int64_t k, int64_t n, int64_t rows)
    : space_(rows > 1 ? sizeof(T) * static_cast<size_t>(k * round_up(n, kernels_of<T>().nr) + 64) : 0),
      operand_(b) {
  if (rows <= 1) return;
  const GemmKernels<T>& kern = kernels_of<T>();
  T* const panels = space_.as<T>();
  parallel_for(ceil_div(n, kern.nr), std::max<int64_t>(1, kGrainElements / (k * kern.nr + 1)),
               [&](int64_t begin, int64_t end) {
                 // Panels of nr columns are whole vectors, so pack() writes nothing past its panel.
                 for (int64_t j = begin * kern.nr; j < std::min(end * kern.nr, n); j += kern.nr) {
                   kern.pack(panels + j * k, kern.nr, b.data + j * b.cs, b.cs, b.rs, std::min(kern.nr, n - j),
                             k);
                 }
               });
  operand_.panels = panels;
  operand_.panel_depth = k;
}
template class PackedMatrix<float>;
template class PackedMatrix<double>;

// Whether a product whose operands are both contiguous along k is faster as C^T = B^T A^T. The short A is
// then the packed operand, B, such as the weights of a layer, is read unpacked, and C is transposed when it
// is stored. Not where columns of B's panels would be empty, sums are short, or rows of C conflict in L1.
// tuned: 4 to 15% faster for batches of 32 and 64, more where B comes from memory, Zen 4
template <class T>
bool transposing_is_profitable(const GemmArgs<T>& g) {
  const GemmKernels<T>& kern = kernels_of<T>();
  const int64_t padded = round_up(g.m, kern.nr);
  return g.a.cs == 1 && g.b.rs == 1 && g.b.cs != 1 && g.c_cs == 1 && !g.a.source && !g.b.source &&
         !g.b.panels && !g.sink && padded <= 2 * kern.nr && 8 * (padded - g.m) <= padded &&
         g.n >= 4 * kern.nr && g.k >= 4 * g.m && g.c_rs * static_cast<int64_t>(sizeof(T)) % 4096 != 0;
}

template <class T>
void gemm(const GemmArgs<T>& args) {
  if (args.m <= 0 || args.n <= 0 || args.batch <= 0) return;
  if (args.k <= 0 || args.alpha == 0) return finish_sums<T>(args, nullptr, 0);
  const bool profitable = transposing_is_profitable(args);
  if (!profitable && run_thin(args)) return;
  // The engine stores contiguous rows of C fastest.
  const bool transposes = profitable || (!args.sink && args.c_cs != 1 && args.c_rs == 1);
  const GemmArgs<T> g = transposes ? transposed(args) : args;
  if (!run_small(g) && !run_blas(g)) Engine<T>(g).run();
}
template void gemm<float>(const GemmArgs<float>&);
template void gemm<double>(const GemmArgs<double>&);

}  // namespace plait
