// SPDX-License-Identifier: MIT
// The loops around the micro-kernels. C is cut into units (rows x columns of one batch item, or one slice of
// k); a unit runs the classical five loops alone, with packing buffers of its own, so threads meet only at
// the end. Since an element's bits do not depend on the tile, block or unit it falls into
// (isa/gemm_kernels.cpp), the cut may follow the number of threads. Only two decisions reach the bits, and
// both look at the problem alone: the depth of a block of k, and the slices of k that tall products (k much
// larger than m and n) are cut into.
#include "kernels/gemm/gemm.h"

#include <algorithm>

#include "core/cpu_info.h"
#include "core/parallel.h"
#include "core/workspace.h"
#include "kernels/gemm/blas.h"
#include "kernels/gemm/gemm_detail.h"

namespace plait {
namespace {

using namespace gemm_detail;

// Operands of a batch item for which calling the next one's ahead is worth its instructions.
constexpr int64_t kFewestAhead = 16384;
// Multiply-adds that take as long as what else a batch item costs.
constexpr double kItemWork = 5000;
// ... and as storing an element of C.
constexpr double kStoreWork = 4;
// An element that two threads read costs whoever writes it next the way to the other's cache; likewise one
// of C that goes to another thread than its row. By measurement on two threads, Zen 4.
constexpr double kSharedWork = 8, kTornWork = 4;
// Multiply-adds worth one more thread: on Zen 3 two threads multiply 64 x 64 matrices 1.4 times as fast as
// one, and 0.9 times where other programs hold the second core up.
constexpr double kGrainWork = 1.3e5;

template <class T>
class Engine {
 public:
  explicit Engine(const GemmArgs<T>& args)
      : g_(args),
        kern_(args.kernels ? *args.kernels : kernels_of<T>()),
        has_epilogue_(has_epilogue(args)),
        cold_(args.batch > 1 && item_bytes() >= kFewestAhead && item_bytes() <= cpu_info().l2_bytes / 2 &&
              args.batch * item_bytes() > cpu_info().l2_bytes) {}

  void run() {
    slice_k();
    cut();
    const int64_t units = g_.batch * slices_ * row_units_ * col_units_;
    Workspace parts(slices_ > 1 ? sizeof(T) * static_cast<size_t>(g_.batch * slices_ * g_.m * g_.n) : 0);
    parts_ = parts.as<T>();
    const int64_t chunks =
        threads_ == 1 ? 1 : std::min<int64_t>(units, units > 4 * threads_ ? 4 * threads_ : units);
    parallel_chunks(chunks, [&](int64_t chunk) {
      for (int64_t u = units * chunk / chunks; u < units * (chunk + 1) / chunks; ++u) run_unit(u);
    });
    if (slices_ > 1) finish_sums(g_, parts_, slices_);
  }

 private:
  // Slices of k give work to threads when C is small. Of the problem alone; a packed matrix is multiplied by
  // as many rows as a thread happens to take, so there m must not matter.
  void slice_k() {
    constexpr int64_t kSliceDepth = 2048, kMaxSlices = 32, kMaxOutput = int64_t{1} << 18;
    slices_ = 1;
    if (g_.m * g_.n <= kMaxOutput && g_.batch == 1 && !g_.b.panels) {
      slices_ = std::clamp<int64_t>(g_.k / kSliceDepth, 1, kMaxSlices);
    }
    slice_depth_ = round_up(ceil_div(g_.k, slices_), 16);
    slices_ = ceil_div(g_.k, slice_depth_);
    depth_ = round_up(ceil_div(slice_depth_, ceil_div(slice_depth_, kern_.kc)), 16);
  }

  // Elements of A a multiple of 4 KB apart meet in one set of L1, which holds 8 lines.
  static constexpr int64_t kPage = 4096, kWays = 8;
  // Whether A is read in place by a unit of n columns: its rows are read n / nr times, and whatever its
  // layout costs more than a packed panel does is paid each time. By measurement, also that columns 4 or 8 KB
  // apart had better be packed if a panel of them leaves L1, and others need not.
  bool direct_a(int64_t n) const {
    if (g_.a.source) return false;
    if (g_.a.cs == 1) return n <= kern_.direct_a_rows;
    const int64_t stride = g_.a.cs * static_cast<int64_t>(sizeof(T));
    const bool meet = stride % kPage == 0 && stride / kPage <= 2 && depth_ > cpu_info().l1d_bytes / 64;
    return g_.a.rs == 1 && n <= kern_.direct_a_cols && !meet;
  }
  // Rows of a tile: 14 of A that meet run at half speed when read in place, 8 at full speed (Zen 4).
  int64_t tile_rows(bool direct) const {
    const bool meet = g_.a.cs == 1 && g_.a.rs * static_cast<int64_t>(sizeof(T)) % kPage == 0;
    return direct && meet ? std::min(kern_.mr, kWays) : kern_.mr;
  }
  // Whether B is read in place by a unit of m rows: its panels are read m / mr times, in short pieces, which
  // only a cache answers fast. By measurement.
  bool direct_b(int64_t m, int64_t n, int64_t k) const {
    const int64_t bytes = k * n * static_cast<int64_t>(sizeof(T));
    const int64_t span = k * g_.b.rs * static_cast<int64_t>(sizeof(T));
    return !g_.b.source && !g_.b.panels && g_.b.cs == 1 &&
           (m <= kern_.direct_b || (m <= 5 * kern_.mr && bytes <= cpu_info().l2_bytes / 4) ||
            (m <= 12 * kern_.mr && span >= 0 && span <= cpu_info().l1d_bytes / 2));
  }

  // Units of C: as many as there are threads with work enough, cut so that little is packed twice.
  void cut() {
    const double work =
        (double(g_.m) * double(g_.n) * (double(g_.k) + kStoreWork) + kItemWork) * double(g_.batch);
    threads_ = static_cast<int64_t>(std::clamp(work / kGrainWork, 1.0, double(num_threads())));
    if (in_parallel_region()) threads_ = 1;
    const int64_t wanted = ceil_div(threads_, g_.batch * slices_);
    int64_t best_rows = 1;
    double best = 0;
    for (int64_t r = 1; r <= wanted; ++r) {
      const bool many_rows = r > 1, many_cols = r < wanted;
      const double rows = double(ceil_div(g_.m, r));
      const double cols = double(round_up(ceil_div(g_.n, ceil_div(wanted, r)), kern_.nr));
      // Multiply-adds per step of k; elements to pack at their price in multiply-adds, and those that travel
      // between the caches of threads: what several read of A and B, and what is not a thread's own row of C.
      const double cost = rows * cols + (direct_a(int64_t(cols)) ? 0.0 : 16 * rows) +
                          (g_.b.panels || direct_b(int64_t(rows), int64_t(cols), g_.k) ? 0.0 : 8 * cols) +
                          kSharedWork * ((many_cols ? rows : 0) + (many_rows ? cols : 0)) +
                          (many_cols ? kTornWork * rows * cols / double(g_.k) : 0);
      if (r == 1 || cost <= best) {
        best = cost;
        best_rows = r;
      }
    }
    // Rows are shared evenly: what a thread writes here is what it reads in an operator that follows.
    unit_rows_ = ceil_div(g_.m, best_rows);
    unit_cols_ = std::min(round_up(ceil_div(g_.n, ceil_div(wanted, best_rows)), kern_.nr), g_.n);
    if (g_.sink) {  // a unit's C lies in a buffer that should stay in L2
      unit_rows_ = std::min(unit_rows_, 16 * kern_.mr);
      unit_cols_ = std::min(unit_cols_, 16 * kern_.nr);
    }
    row_units_ = ceil_div(g_.m, unit_rows_);
    col_units_ = ceil_div(g_.n, unit_cols_);
  }

  int64_t item_bytes() const { return (g_.m + g_.n) * g_.k * static_cast<int64_t>(sizeof(T)); }

  static bool is_dense(const GemmOperand<T>& x, int64_t rows, int64_t cols) {
    return !x.source && !x.panels && ((x.cs == 1 && x.rs == cols) || (x.rs == 1 && x.cs == rows));
  }

  void run_unit(int64_t unit) {
    const int64_t col = unit % col_units_, row = unit / col_units_ % row_units_;
    const int64_t slice = unit / (col_units_ * row_units_) % slices_;
    const int64_t b = unit / (col_units_ * row_units_ * slices_);
    const int64_t i0 = row * unit_rows_, m = std::min(unit_rows_, g_.m - i0);
    const int64_t j0 = col * unit_cols_, n = std::min(unit_cols_, g_.n - j0);
    const int64_t k0 = slice * slice_depth_, k1 = std::min(k0 + slice_depth_, g_.k);
    const GemmOperand<T>&a = g_.a, &bo = g_.b;
    const T* a_data = batch_start(a, b);
    const T* b_data = batch_start(bo, b);

    // Assumptions of the loops below: m, n > 0, k1 > k0; blocks of k start at multiples of depth_ from k0.
    const bool direct_a = this->direct_a(n), direct_b = this->direct_b(m, n, k1 - k0);
    const int64_t mr = tile_rows(direct_a), nr = kern_.nr;
    const int64_t kc = std::min(depth_, k1 - k0);
    const int64_t l2 = cpu_info().l2_bytes * 3 / 8 / static_cast<int64_t>(sizeof(T)) / kc;
    const int64_t nc_most = std::max(nr, std::min(kern_.nc, l2 / nr * nr));
    const int64_t nc = round_up(ceil_div(n, ceil_div(n, nc_most)), nr);
    const int64_t mc_most = std::max(kern_.mc, cpu_info().l3_bytes / (2 * std::max<int64_t>(threads_, 4)) /
                                                   static_cast<int64_t>(sizeof(T)) / kc);
    const int64_t mc = round_up(ceil_div(m, ceil_div(m, mc_most)), mr);
    constexpr int64_t kSpare = 64 / sizeof(T);
    const Workspace b_space(bo.panels ? 0
                                      : sizeof(T) * static_cast<size_t>(kc * (direct_b ? nr : nc) + kSpare));
    const Workspace a_space(direct_a ? 0 : sizeof(T) * static_cast<size_t>(kc * mc + kSpare));
    const Workspace c_space(g_.sink && slices_ == 1 ? sizeof(T) * static_cast<size_t>(m * n) : 0);
    T* const b_pack = b_space.as<T>();
    T* const a_pack = a_space.as<T>();

    GemmBlock<T> blk;
    if (cold_ && b + 1 < g_.batch && row_units_ * col_units_ == 1) {
      const auto bytes = [](int64_t rows, int64_t cols) {
        return rows * cols * static_cast<int64_t>(sizeof(T));
      };
      blk.ahead[0] = batch_start(a, b + 1);
      blk.ahead_bytes[0] = is_dense(a, m, g_.k) ? bytes(m, g_.k) : 0;
      blk.ahead[1] = batch_start(bo, b + 1);
      blk.ahead_bytes[1] = is_dense(bo, g_.k, n) ? bytes(g_.k, n) : 0;
    }
    T* c;  // element (i0, j0)
    if (slices_ > 1) {
      c = parts_ + ((b * slices_ + slice) * g_.m + i0) * g_.n + j0;
      blk.c_rs = g_.n;
      blk.c_cs = 1;
    } else if (g_.sink) {
      c = c_space.as<T>();
      blk.c_rs = n;
      blk.c_cs = 1;
    } else {
      c = g_.c + b * g_.c_bs + i0 * g_.c_rs + j0 * g_.c_cs;
      blk.c_rs = g_.c_rs;
      blk.c_cs = g_.c_cs;
    }
    blk.alpha = slices_ > 1 ? T(1) : g_.alpha;

    for (int64_t ic = 0; ic < m; ic += mc) {
      blk.m = std::min(mc, m - ic);
      blk.mr = ceil_div(blk.m, ceil_div(blk.m, mr));
      for (int64_t pc = k0; pc < k1; pc += kc) {
        blk.k = std::min(kc, k1 - pc);
        blk.beta = pc > k0 ? T(1) : slices_ > 1 ? T(0) : g_.beta;
        const bool last = pc + kc >= k1;
        pack_a(blk, a_data, b, i0 + ic, pc, a_pack, direct_a);
        for (int64_t jc = 0; jc < n; jc += nc) {
          blk.n = std::min(nc, n - jc);
          pack_b(blk, b_data, b, j0 + jc, pc, b_pack, direct_b);
          blk.c = c + ic * blk.c_rs + jc * blk.c_cs;
          GemmEpilogue<T> e;
          blk.epilogue = nullptr;
          if (last && has_epilogue_ && slices_ == 1) {
            e = epilogue_at(g_, b, i0 + ic, j0 + jc);
            blk.epilogue = &e;
          }
          kern_.block(blk);
        }
      }
    }
    if (g_.sink && slices_ == 1) g_.sink->store(g_.sink->self, b, c, n, i0, m, j0, n);
  }

  // The panels of `count` >= 0 rows (A) or columns (B) from i0 on.
  void pack(const GemmOperand<T>& x, const T* data, int64_t b, T* dst, int64_t width, int64_t i0,
            int64_t count, int64_t k0, int64_t k, int64_t si, int64_t sp) const {
    if (!x.source) return kern_.pack(dst, width, data + i0 * si + k0 * sp, si, sp, count, k);
    for (int64_t i = 0; i < count; i += width, dst += width * k) {
      x.source->pack(x.source->self, b, dst, width, i0 + i, std::min(width, count - i), k0, k);
    }
  }

  // Row panels of rows [i, i + blk.m), columns [pc, pc + blk.k); in place where `direct`.
  void pack_a(GemmBlock<T>& blk, const T* data, int64_t b, int64_t i, int64_t pc, T* buffer,
              bool direct) const {
    const GemmOperand<T>& x = g_.a;
    if (direct) {
      blk.a = data + i * x.rs + pc * x.cs;
      blk.a_panel = blk.mr * x.rs;
      blk.a_rs = x.rs;
      blk.a_ps = x.cs;
      return;
    }
    pack(x, data, b, buffer, blk.mr, i, blk.m, pc, blk.k, x.rs, x.cs);
    blk.a = buffer;
    blk.a_panel = blk.mr * blk.k;
    blk.a_rs = 1;
    blk.a_ps = blk.mr;
  }

  // Column panels of rows [pc, pc + blk.k), columns [j, j + blk.n); in place where `direct`, but for a last
  // panel of fewer columns.
  void pack_b(GemmBlock<T>& blk, const T* data, int64_t b, int64_t j, int64_t pc, T* buffer,
              bool direct) const {
    const GemmOperand<T>& x = g_.b;
    const int64_t nr = kern_.nr, full = blk.n / nr * nr;
    if (x.panels) {
      blk.b = x.panels + j * x.panel_depth + pc * nr;
      blk.b_panel = nr * x.panel_depth;
      blk.b_ps = nr;
      blk.b_tail = blk.b + full * x.panel_depth;
      return;
    }
    const int64_t first = direct ? full : 0;
    pack(x, data, b, buffer, nr, j + first, blk.n - first, pc, blk.k, x.cs, x.rs);
    blk.b = direct ? data + pc * x.rs + j : buffer;
    blk.b_panel = direct ? nr : nr * blk.k;
    blk.b_ps = direct ? x.rs : nr;
    blk.b_tail = buffer + (full - first) * blk.k;
  }

  const GemmArgs<T> g_;
  const GemmKernels<T>& kern_;
  const bool has_epilogue_;
  // The operands of a batch come from memory, in stretches too short for hardware to foresee.
  const bool cold_;
  int64_t slices_ = 1, slice_depth_ = 0, depth_ = 0;
  int64_t threads_ = 1, unit_rows_ = 0, unit_cols_ = 0, row_units_ = 1, col_units_ = 1;
  T* parts_ = nullptr;
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
                 // Panels of nr are whole vectors: nothing spills into a neighbour's.
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

// Whether a product whose operands are both adjacent in k is best computed as C^T = B^T A^T: then it is the
// short A that is packed, B, such as the weights of a layer, is read in place, and C is turned over on its
// way out. Ahead by 4 to 15% for batches of 32 and 64, more where B comes from memory (Zen 4); not where
// columns of B's panels would be empty, sums are short, or rows of C meet in one set of L1.
template <class T>
bool better_turned(const GemmArgs<T>& g) {
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
  const bool turned = better_turned(args);
  if (!turned && run_thin(args)) return;
  // The engine likes adjacent elements in the rows of C.
  const bool turn = turned || (!args.sink && args.c_cs != 1 && args.c_rs == 1);
  const GemmArgs<T> g = turn ? transposed(args) : args;
  if (!run_small(g) && !run_blas(g)) Engine<T>(g).run();
}
template void gemm<float>(const GemmArgs<float>&);
template void gemm<double>(const GemmArgs<double>&);

}  // namespace plait
