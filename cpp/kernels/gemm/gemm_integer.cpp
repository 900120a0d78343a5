// SPDX-License-Identifier: MIT
// Products of integer matrices, in the type's own modular arithmetic: signed and unsigned are one, and the
// order of a sum is free, so results depend on no cut, instruction set or number of threads.
//
// C is cut into units, rectangles of a batch item. A unit runs alone, with packing buffers of its own:
//
//   for pc in [0, k) by the depth    pack A[.., pc..] into panels of mr rows, B[pc.., ..] into panels of nr
//     block()                        columns; C takes the sum of this part of k
//
// A product with a vector reads the matrix once where it lies, if its rows or its columns are contiguous.
// Bound by the multipliers, or for a vector by memory.
#include "kernels/gemm/gemm_integer.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "core/cpu_info.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "core/work_split.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

// tuned: 512 x 512 x 512 on Granite Rapids; half or twice of each is within 5%
constexpr int64_t kPanelBytes = 1024;                  // of a column of B, or a row of A
constexpr int64_t kUnitRows = 240, kUnitCols = 256;    // at most
constexpr double kThreadWork = 1e5, kItemWork = 1000;  // multiply-adds, as in GemmTuning

const char* at(const void* p, int64_t elements, int64_t item) {
  return static_cast<const char*>(p) + elements * item;
}
char* at(void* p, int64_t elements, int64_t item) { return static_cast<char*>(p) + elements * item; }
const char* start(const GemmAnyOperand& x, int64_t b, int64_t item) {
  return at(x.data, x.offsets ? x.offsets[b] : b * x.bs, item);
}

class IntegerEngine {
 public:
  explicit IntegerEngine(const GemmAnyArgs& args)
      : g_(args),
        item_(static_cast<int64_t>(item_size(args.dtype))),
        kern_(choose(item_)),
        depth_(depth_of(kern_, item_)) {}

  void run() {
    const double work = (double(g_.m) * double(g_.n) * double(g_.k) + kItemWork) * double(g_.batch);
    const int64_t threads = in_parallel_region() ? 1 : busy_threads(work, kThreadWork);
    const int64_t wanted = ceil_div(threads, g_.batch);
    const int64_t row_cuts = std::min(wanted, ceil_div(g_.m, 4 * kern_.mr));
    const int64_t col_cuts = ceil_div(wanted, row_cuts);
    unit_rows_ = std::min(round_up(ceil_div(g_.m, row_cuts), kern_.mr), kUnitRows);
    unit_cols_ = std::min(round_up(ceil_div(g_.n, col_cuts), kern_.nr), kUnitCols);
    const int64_t rows = ceil_div(g_.m, unit_rows_), cols = ceil_div(g_.n, unit_cols_);
    for_units(g_.batch * rows * cols, threads, 4, [&](int64_t u) {
      run_unit(u / cols / rows, u / cols % rows * unit_rows_, u % cols * unit_cols_);
    });
  }

 private:
  static const GemmIntegerKernels& choose(int64_t item) {
    const GemmIntegerTable& table = kernels().gemm.integer;
    const bool vnni = item <= 2 && isa_level() == 2 && cpu_info().avx512_vnni;
    return vnni ? table.vnni[item - 1] : table.matrix.bytes(item);
  }
  static int64_t element_bytes(int64_t item) { return item == 8 ? 8 : 4; }
  static int64_t depth_of(const GemmIntegerKernels& kern, int64_t item) {
    return kPanelBytes / element_bytes(item) * kern.group;
  }

  // Steps [p, p + k) of `count` rows of A or columns of B, as panels.
  bool pack(void* dst, int64_t width, const char* src, int64_t stride, int64_t k_stride, int64_t count,
            int64_t p, int64_t k) const {
    return kern_.pack(dst, width, at(src, p * k_stride, item_), stride, k_stride, count, k);
  }

  void run_unit(int64_t item, int64_t i, int64_t j) const {
    const int64_t m = std::min(unit_rows_, g_.m - i), n = std::min(unit_cols_, g_.n - j);
    const int64_t column = round_up(std::min(depth_, g_.k), kern_.group) / kern_.group * element_bytes(item_);
    const Workspace a_space(static_cast<size_t>(round_up(m, kern_.mr) * column));
    const Workspace b_space(static_cast<size_t>(round_up(n, kern_.nr) * column));
    const char *a = at(start(g_.a, item, item_), i * g_.a.rs, item_),
               *b = at(start(g_.b, item, item_), j * g_.b.cs, item_);
    GemmIntegerBlock block;
    block.m = m;
    block.n = n;
    block.a = a_space.as<char>();
    block.b = b_space.as<char>();
    block.c = at(g_.c, item * g_.c_bs + i * g_.c_rs + j * g_.c_cs, item_);
    block.c_rs = g_.c_rs;
    block.c_cs = g_.c_cs;
    block.alpha = static_cast<int64_t>(g_.alpha);
    block.beta = static_cast<int64_t>(g_.beta);
    block.bias = g_.col_bias ? at(g_.col_bias, j, item_) : nullptr;
    int64_t p = 0;
    do {  // once even where k is 0
      const int64_t k = std::min(depth_, g_.k - p);
      bool narrow = pack(a_space.as<char>(), kern_.mr, a, g_.a.rs, g_.a.cs, m, p, k);
      narrow &= pack(b_space.as<char>(), kern_.nr, b, g_.b.cs, g_.b.rs, n, p, k);
      block.k = ceil_div(k, kern_.group);
      (narrow && kern_.block_narrow ? kern_.block_narrow : kern_.block)(block);
      block.beta = 1;
      block.bias = nullptr;
      p += depth_;
    } while (p < g_.k);
  }

  const GemmAnyArgs& g_;
  const int64_t item_;
  const GemmIntegerKernels& kern_;
  const int64_t depth_;  // steps of k in a packed block
  int64_t unit_rows_ = 0, unit_cols_ = 0;
};

// A product with a vector, y = A x, for integers of type U.
template <class U>
class VectorProduct {
 public:
  // With one row, y = x B is taken as y^T = B^T x^T.
  explicit VectorProduct(const GemmAnyArgs& g)
      : g_(g),
        by_rows_(g.n != 1),
        a_(by_rows_ ? g.b : g.a),
        x_(by_rows_ ? g.a : g.b),
        m_(by_rows_ ? g.n : g.m) {
    if (by_rows_) {
      std::swap(a_.rs, a_.cs);
      std::swap(x_.rs, x_.cs);
    }
  }

  // Whether the matrix is read where it lies.
  bool applies() const {
    return (g_.m == 1 || g_.n == 1) && (a_.cs == 1 || a_.rs == 1 || g_.k == 1) && g_.k > 0;
  }

  void run() const {
    const double work = double(m_) * double(g_.k) * double(g_.batch);
    const int64_t threads = in_parallel_region() ? 1 : busy_threads(work, kGrainElements);
    const int64_t range = round_up(ceil_div(m_, ceil_div(threads, g_.batch)), 64);
    const int64_t ranges = ceil_div(m_, range);
    for_units(g_.batch * ranges, threads, 4, [&](int64_t u) {
      const int64_t first = u % ranges * range;
      run_rows(u / ranges, first, std::min(range, m_ - first));
    });
  }

 private:
  void run_rows(int64_t item, int64_t first, int64_t count) const {
    const Workspace x_space(x_.rs == 1 ? 0 : sizeof(U) * static_cast<size_t>(g_.k));
    const Workspace y_space(sizeof(U) * static_cast<size_t>(count));
    const auto* x = reinterpret_cast<const U*>(start(x_, item, sizeof(U)));
    if (x_.rs != 1) {
      for (int64_t p = 0; p < g_.k; ++p) x_space.as<U>()[p] = x[p * x_.rs];
      x = x_space.as<U>();
    }
    const auto* a = reinterpret_cast<const U*>(start(a_, item, sizeof(U))) + first * a_.rs;
    const GemmIntegerVectorKernels& kern = kernels().gemm.integer.vector.bytes(sizeof(U));
    if (a_.cs == 1 || g_.k == 1) {
      kern.dots(y_space.as<U>(), a, a_.rs, x, count, g_.k);
    } else {
      kern.axpys(y_space.as<U>(), a, a_.cs, x, count, g_.k);
    }
    store(item, first, count, y_space.as<U>());
  }

  void store(int64_t item, int64_t first, int64_t count, const U* y) const {
    using Wide = std::conditional_t<(sizeof(U) < 4), uint32_t, U>;  // products of uint16_t would be signed
    const Wide alpha = static_cast<Wide>(static_cast<int64_t>(g_.alpha));
    const Wide beta = static_cast<Wide>(static_cast<int64_t>(g_.beta));
    const int64_t step = by_rows_ ? g_.c_cs : g_.c_rs;
    const U* bias = static_cast<const U*>(g_.col_bias);
    U* c = static_cast<U*>(g_.c) + item * g_.c_bs + first * step;
    for (int64_t i = 0; i < count; ++i) {
      Wide v = alpha * y[i];
      if (beta != 0) v += beta * c[i * step];
      if (bias) v += bias[by_rows_ ? first + i : 0];
      c[i * step] = static_cast<U>(v);
    }
  }

  const GemmAnyArgs& g_;
  const bool by_rows_;
  GemmAnyOperand a_, x_;
  const int64_t m_;
};

template <class U>
bool run_vector(const GemmAnyArgs& g) {
  const VectorProduct<U> product(g);
  if (!product.applies()) return false;
  product.run();
  return true;
}

}  // namespace

void gemm_integer(const GemmAnyArgs& g) {
  const int64_t item = static_cast<int64_t>(item_size(g.dtype));
  const bool done = item == 1   ? run_vector<uint8_t>(g)
                    : item == 2 ? run_vector<uint16_t>(g)
                    : item == 4 ? run_vector<uint32_t>(g)
                                : run_vector<uint64_t>(g);
  if (!done) IntegerEngine(g).run();
}

}  // namespace plait
