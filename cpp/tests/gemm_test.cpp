// SPDX-License-Identifier: MIT
// The GEMM engine against sums in float64: sizes around the register tile, strides, epilogues, sources,
// sinks, batches, slices of k, pairs of bf16; and the same bits at 1, 2, 3 and 7 threads.
#include "kernels/gemm/gemm.h"

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "core/parallel.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

std::mt19937 g_random(7);

template <class T>
std::vector<T> random_values(int64_t n) {
  std::vector<T> v(static_cast<size_t>(n));
  std::normal_distribution<double> normal;
  for (T& x : v) x = static_cast<T>(normal(g_random));
  return v;
}

// How an m x n matrix lies in memory.
enum class Layout { kRow, kColumn, kRowPadded, kStrided, kReversed };
constexpr Layout kLayouts[] = {Layout::kRow, Layout::kColumn, Layout::kRowPadded, Layout::kStrided,
                               Layout::kReversed};

template <class T>
struct Matrix {
  int64_t m, n, rs, cs, offset = 0;
  std::vector<T> data;
  Matrix(int64_t rows, int64_t cols, Layout layout) : m(rows), n(cols), rs(cols), cs(1) {
    if (layout == Layout::kColumn) rs = 1, cs = rows;
    if (layout == Layout::kRowPadded) rs = cols + 5;
    if (layout == Layout::kStrided) rs = 3 * cols + 1, cs = 3;
    data = random_values<T>((m + 1) * std::max(rs, int64_t{1}) + (n + 1) * std::max(cs, int64_t{1}) + 8);
    if (layout == Layout::kReversed) offset = m > 0 ? (m - 1) * rs : 0, rs = -rs;
  }
  T* begin() { return data.data() + offset; }
  T& at(int64_t i, int64_t j) { return begin()[i * rs + j * cs]; }
  GemmOperand<T> operand() { return {begin(), rs, cs, 0, nullptr, nullptr}; }
};

// One element of A B, and 1 + the sum of its products' sizes, by which rounding is measured.
template <class T>
struct Sum {
  double value = 0, scale = 1;
  Sum(Matrix<T>& a, Matrix<T>& b, int64_t i, int64_t j) {
    for (int64_t p = 0; p < a.n; ++p) {
      const double product = double(a.at(i, p)) * double(b.at(p, j));
      value += product;
      scale += std::fabs(product);
    }
  }
};

double activate(double x, GemmActivation activation) {
  switch (activation) {
    case GemmActivation::kRelu:
      return x < 0 ? 0 : x;
    case GemmActivation::kGelu:
      return 0.5 * x * (1 + std::erf(x * M_SQRT1_2));
    case GemmActivation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case GemmActivation::kSilu:
      return x / (1 + std::exp(-x));
    case GemmActivation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case GemmActivation::kTanh:
      return std::tanh(x);
    default:
      return x;
  }
}

struct Case {
  int64_t m, n, k;
  Layout a, b, c;
  double alpha = 1, beta = 0;
  bool col_bias = false, row_bias = false, residual = false, preact = false;
  GemmActivation activation = GemmActivation::kNone;
  bool packed = false;  // B packed beforehand
};

template <class T>
struct Lookup {  // a PanelSource that reads a matrix
  Matrix<T>* x;
  bool columns;
  static void pack(const void* self, int64_t, T* dst, int64_t width, int64_t i0, int64_t count, int64_t k0,
                   int64_t k) {
    const auto& me = *static_cast<const Lookup*>(self);
    for (int64_t p = 0; p < k; ++p) {
      for (int64_t i = 0; i < width; ++i) {
        dst[p * width + i] = i >= count   ? T(0)
                             : me.columns ? me.x->at(k0 + p, i0 + i)
                                          : me.x->at(i0 + i, k0 + p);
      }
    }
  }
};

template <class T>
struct Store {  // a TileSink that writes a matrix
  Matrix<T>* c;
  static void store(const void* self, int64_t, const T* tile, int64_t ld, int64_t i0, int64_t rows,
                    int64_t j0, int64_t cols) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j)
        static_cast<const Store*>(self)->c->at(i0 + i, j0 + j) = tile[i * ld + j];
    }
  }
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// A case with its operands. `indirect`: A and B come from sources and, if beta is 0, C goes to a sink.
template <class T>
class Check {
 public:
  Check(const Case& c, bool indirect)
      : t_(c),
        indirect_(indirect),
        a_(c.m, c.k, c.a),
        b_(c.k, c.n, c.b),
        c_(c.m, c.n, c.c),
        residual_(c.m, c.n, c.b),
        preact_(c.m, c.n, c.c),
        col_bias_(random_values<T>(c.n)),
        row_bias_(random_values<T>(c.m)),
        old_c_(c_),
        packed_(b_.operand(), c.k, c.n, c.packed ? c.m : 1) {
    g_.m = c.m, g_.n = c.n, g_.k = c.k;
    g_.a = a_.operand(), g_.b = c.packed ? packed_.operand() : b_.operand();
    g_.c = c_.begin(), g_.c_rs = c_.rs, g_.c_cs = c_.cs;
    g_.alpha = T(c.alpha), g_.beta = T(c.beta);
    set_epilogue();
    if (indirect) {
      g_.a.source = &a_source_;
      g_.b.source = &b_source_;
      if (c.beta == 0) {
        g_.sink = &c_sink_;
        g_.c = nullptr;
      }
    }
    if (c.beta == 0) std::fill(c_.data.begin(), c_.data.end(), std::numeric_limits<T>::quiet_NaN());
  }

  // The same bits at any number of threads.
  void run() {
    const std::vector<T> start = c_.data;
    std::vector<T> first, first_preact;
    for (int threads : {1, 2, 3, 7}) {
      c_.data = start;
      set_num_threads(threads);
      gemm(g_);
      if (threads == 1) {
        first = c_.data;
        first_preact = preact_.data;
      }
      TEST_CHECK(same_bits(first, c_.data) && same_bits(first_preact, preact_.data),
                 "%zu bytes, %ld x %ld x %ld, %d threads", sizeof(T), t_.m, t_.n, t_.k, threads);
    }
  }

  // The sums of float64, within the rounding of a sum of k products.
  void compare() {
    const double eps = std::numeric_limits<T>::epsilon();
    int bad = 0;
    for (int64_t i = 0; i < t_.m; ++i) {
      for (int64_t j = 0; j < t_.n; ++j) {
        const Sum<T> sum(a_, b_, i, j);
        double v = t_.alpha * sum.value;
        if (t_.beta != 0) v += t_.beta * double(old_c_.at(i, j));
        if (t_.col_bias) v += double(col_bias_[size_t(j)]);
        if (t_.row_bias) v += double(row_bias_[size_t(i)]);
        if (t_.residual) v += double(residual_.at(i, j));
        const double tol = (4 + 2 * std::sqrt(double(t_.k))) * eps * (sum.scale * std::fabs(t_.alpha) + 8);
        if (t_.preact && !(std::fabs(double(preact_.at(i, j)) - v) <= tol)) ++bad;
        if (!(std::fabs(double(c_.at(i, j)) - activate(v, t_.activation)) <= tol)) ++bad;
      }
    }
    TEST_CHECK(bad == 0,
               "%d wrong: %zu bytes, m=%ld n=%ld k=%ld, layouts %d %d %d, alpha=%g beta=%g, epilogue "
               "%d%d%d%d %d, indirect=%d",
               bad, sizeof(T), t_.m, t_.n, t_.k, int(t_.a), int(t_.b), int(t_.c), t_.alpha, t_.beta,
               t_.col_bias, t_.row_bias, t_.residual, t_.preact, int(t_.activation), int(indirect_));
  }

 private:
  void set_epilogue() {
    GemmEpilogue<T>& e = g_.epilogue;
    if (t_.col_bias) e.col_bias = col_bias_.data();
    if (t_.row_bias) e.row_bias = row_bias_.data();
    if (t_.residual)
      e.residual = residual_.begin(), e.residual_rs = residual_.rs, e.residual_cs = residual_.cs;
    if (t_.preact) e.preact = preact_.begin(), e.preact_rs = preact_.rs, e.preact_cs = preact_.cs;
    e.activation = t_.activation;
  }

  const Case t_;
  const bool indirect_;
  Matrix<T> a_, b_, c_, residual_, preact_;
  const std::vector<T> col_bias_, row_bias_;
  Matrix<T> old_c_;
  const PackedMatrix<T> packed_;
  const Lookup<T> a_lookup_{&a_, false}, b_lookup_{&b_, true};
  const PanelSource<T> a_source_{&Lookup<T>::pack, &a_lookup_}, b_source_{&Lookup<T>::pack, &b_lookup_};
  const Store<T> c_store_{&c_};
  const TileSink<T> c_sink_{&Store<T>::store, &c_store_};
  GemmArgs<T> g_;
};

template <class T>
void check(const Case& t, bool indirect = false) {
  Check<T> c(t, indirect);
  c.run();
  c.compare();
}

template <class T>
void check_sizes() {
  for (int64_t m : {0, 1, 2, 5, 7, 13, 14, 15, 29, 61}) {
    for (int64_t n : {0, 1, 7, 8, 15, 17, 31, 33, 70}) {
      for (int64_t k : {0, 1, 2, 16, 35}) check<T>({m, n, k, Layout::kRow, Layout::kRow, Layout::kRow});
    }
  }
}

template <class T>
void check_layouts() {
  for (Layout a : kLayouts) {
    for (Layout b : kLayouts) {
      for (Layout c : kLayouts) {
        check<T>({37, 41, 23, a, b, c, 1, 0});
        check<T>({23, 67, 35, a, b, c, 0.5, -1.5, true, true, true, true, GemmActivation::kRelu});
        check<T>({1, 67, 35, a, b, c, 1, 1});
        check<T>({67, 1, 35, a, b, c, 1, 0, true});
        check<T>({257, 100, 31, a, b, c, 1, 1});
      }
      check<T>({70, 133, 700, a, b, Layout::kRow, 1, 0.5, true, false, true, false, GemmActivation::kTanh});
      check<T>({17, 35, 4500, a, b, Layout::kColumn, 2, 1, true, true, true, true, GemmActivation::kSigmoid});
      check<T>({100, 130, 300, a, b, Layout::kRow, 1, 0, true}, true);
      check<T>({20, 33, 4100, a, b, Layout::kRow, 1, 0, false, true}, true);
    }
  }
}

template <class T>
void check_epilogues() {
  for (GemmActivation f :
       {GemmActivation::kNone, GemmActivation::kRelu, GemmActivation::kGelu, GemmActivation::kGeluTanh,
        GemmActivation::kSilu, GemmActivation::kSigmoid, GemmActivation::kTanh}) {
    for (int bits = 0; bits < 16; ++bits) {
      const Case t{30,
                   70,
                   20,
                   Layout::kRow,
                   Layout::kColumn,
                   bits & 1 ? Layout::kColumn : Layout::kRow,
                   0.3,
                   0,
                   bool(bits & 1),
                   bool(bits & 2),
                   bool(bits & 4),
                   bool(bits & 8),
                   f};
      check<T>(t);
      check<T>(t, true);
    }
  }
}

// Vectors and few rows, with long sums; B packed beforehand.
template <class T>
void check_thin() {
  for (Layout a : kLayouts) {
    for (Layout b : kLayouts) {
      check<T>({1, 300, 2100, a, b, Layout::kRow, 1, 0});
      check<T>({300, 1, 2100, a, b, Layout::kColumn, 2, 1, true, true, false, true, GemmActivation::kSilu});
      check<T>({1, 1, 70000, a, b, Layout::kRow, 1, 0});
      check<T>({7, 35, 260, a, b, Layout::kRow, 1, 0});
      check<T>({41, 11, 333, a, b, Layout::kStrided, -1, 0.5, true, false, true});
    }
  }
  for (Layout b : kLayouts) {
    for (int64_t m : {1, 2, 9, 32, 100}) {
      for (int64_t k : {1, 90, 800, 4500}) {
        Case t{m, 75, k, Layout::kRow, b, Layout::kRow, 1, 1, true, false, true};
        t.packed = true;
        check<T>(t);
      }
    }
  }
  check<T>({3, 5, 70001, Layout::kRow, Layout::kColumn, Layout::kRow, 1, 0});
  check<T>({12, 700, 1024, Layout::kRow, Layout::kColumn, Layout::kColumn, 1, 0});
  check<T>({40000, 1, 50, Layout::kColumn, Layout::kRow, Layout::kRow, 1, 0});
  check<T>({40, 50, 60, Layout::kRow, Layout::kRow, Layout::kRow, 0, 2, true});
  check<T>({0, 50, 60, Layout::kRow, Layout::kRow, Layout::kRow}, true);
  check<T>({5, 50, 0, Layout::kRow, Layout::kRow, Layout::kRow, 1, 0, true}, true);
}

template <class T>
void check_all() {
  check_sizes<T>();
  check_layouts<T>();
  check_epilogues<T>();
  check_thin<T>();
}

// Batches: strides, shared operands, offsets.
template <class T>
void check_batch() {
  for (int64_t batch : {1, 3, 50}) {
    for (int mode : {0, 1, 2}) {
      const int64_t m = 19, n = 37, k = 23;
      std::vector<T> a = random_values<T>(batch * m * k), b = random_values<T>(batch * k * n),
                     bias = random_values<T>(batch * n);
      std::vector<int64_t> order;
      for (int64_t i = 0; i < batch; ++i) order.push_back((batch - 1 - i) * m * k);
      GemmArgs<T> g;
      g.m = m, g.n = n, g.k = k, g.batch = batch;
      g.a = {a.data(), k, 1, m * k, mode == 2 ? order.data() : nullptr, nullptr};
      g.b = {b.data(), n, 1, mode == 1 ? 0 : k * n, nullptr, nullptr};
      g.epilogue.col_bias = bias.data();
      g.col_bias_bs = n;
      std::vector<T> first;
      for (int threads : {1, 2, 3, 7}) {
        std::vector<T> c(size_t(batch * m * n), T(-1));
        g.c = c.data(), g.c_rs = n, g.c_bs = m * n;
        set_num_threads(threads);
        gemm(g);
        if (first.empty()) first = c;
        TEST_CHECK(same_bits(first, c), "batch %ld mode %d threads %d", batch, mode, threads);
      }
      double worst = 0;
      for (int64_t s = 0; s < batch; ++s) {
        const T* as = a.data() + (mode == 2 ? batch - 1 - s : s) * m * k;
        const T* bs = b.data() + (mode == 1 ? 0 : s) * k * n;
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            double v = double(bias[size_t(s * n + j)]);
            for (int64_t p = 0; p < k; ++p) v += double(as[i * k + p]) * double(bs[p * n + j]);
            worst = std::max(worst, std::fabs(v - double(first[size_t((s * m + i) * n + j)])));
          }
        }
      }
      TEST_CHECK(worst < 200 * std::numeric_limits<T>::epsilon(), "batch %ld mode %d: error %g", batch, mode,
                 worst);
    }
  }
}

// Batches of small products, up to the sizes from which on the engine is used.
template <class T>
void check_small() {
  for (Layout a_layout : kLayouts) {
    for (Layout b_layout : kLayouts) {
      for (const auto& [m, n, k] : std::vector<std::array<int64_t, 3>>{{1, 2, 3},
                                                                       {3, 3, 3},
                                                                       {4, 4, 4},
                                                                       {5, 17, 9},
                                                                       {16, 16, 16},
                                                                       {7, 8, 64},
                                                                       {11, 5, 65},
                                                                       {2, 33, 7}}) {
        for (int64_t batch : {2, 40}) {
          Matrix<T> a(batch * m, k, a_layout), b(k, batch * n, b_layout);
          std::vector<T> first, c = random_values<T>(batch * m * n);
          const std::vector<T> start = c;
          GemmArgs<T> g;
          g.m = m, g.n = n, g.k = k, g.batch = batch;
          g.a = a.operand(), g.b = b.operand();
          g.a.bs = m * a.rs, g.b.bs = n * b.cs;
          g.c_rs = n, g.c_bs = m * n;
          g.alpha = T(0.5), g.beta = T(2);
          for (int threads : {1, 2, 3, 7}) {
            c = start;
            g.c = c.data();
            set_num_threads(threads);
            gemm(g);
            if (first.empty()) first = c;
            TEST_CHECK(same_bits(first, c), "small, %ld x %ld x %ld, %d threads", m, n, k, threads);
          }
          double worst = 0;
          for (int64_t s = 0; s < batch; ++s) {
            for (int64_t i = 0; i < m; ++i) {
              for (int64_t j = 0; j < n; ++j) {
                double v = 2 * double(start[size_t((s * m + i) * n + j)]);
                for (int64_t p = 0; p < k; ++p) {
                  v += 0.5 * double(a.at(s * m + i, p)) * double(b.at(p, s * n + j));
                }
                worst = std::max(worst, std::fabs(v - double(c[size_t((s * m + i) * n + j)])));
              }
            }
          }
          TEST_CHECK(worst < 200 * std::numeric_limits<T>::epsilon(), "small, %ld x %ld x %ld: error %g", m,
                     n, k, worst);
        }
      }
    }
  }
}

// Panels of bf16 pairs, from a matrix of bf16.
struct PairLookup {
  Matrix<float>* x;  // of values that are bf16, for the sums
  std::vector<uint16_t> bits;
  bool columns;
  PairLookup(Matrix<float>& m, bool of_columns) : x(&m), columns(of_columns) {
    for (float& v : m.data) {
      uint32_t u;
      std::memcpy(&u, &v, sizeof u);
      bits.push_back(static_cast<uint16_t>(u >> 16));
      u &= 0xffff0000u;
      std::memcpy(&v, &u, sizeof u);
    }
  }
  static void pack(const void* self, int64_t, float* dst, int64_t width, int64_t i0, int64_t count,
                   int64_t k0, int64_t k) {
    const auto& me = *static_cast<const PairLookup*>(self);
    const Matrix<float>& m = *me.x;
    const int64_t stride = me.columns ? m.cs : m.rs, k_stride = me.columns ? m.rs : m.cs;
    const int64_t depth = me.columns ? m.m : m.n;
    kernels().gemm.bf16_pairs.pack(dst, width, me.bits.data() + m.offset + i0 * stride + 2 * k0 * k_stride,
                                   stride, k_stride, count, std::min(2 * k, depth - 2 * k0));
  }
};

void check_pairs(int64_t m, int64_t n, int64_t k, Layout a_layout, Layout b_layout) {
  Matrix<float> a(m, k, a_layout), b(k, n, b_layout), c(m, n, Layout::kRow);
  const PairLookup la(a, false), lb(b, true);
  const PanelSource<float> sa{&PairLookup::pack, &la}, sb{&PairLookup::pack, &lb};
  GemmArgs<float> g;
  g.m = m, g.n = n, g.k = (k + 1) / 2;
  g.a.source = &sa, g.b.source = &sb;
  g.c = c.begin(), g.c_rs = n;
  g.kernels = &kernels().gemm.pairs;
  std::vector<float> first;
  for (int threads : {1, 2, 3, 7}) {
    std::fill(c.data.begin(), c.data.end(), std::numeric_limits<float>::quiet_NaN());
    set_num_threads(threads);
    gemm(g);
    if (threads == 1) first = c.data;
    TEST_CHECK(same_bits(first, c.data), "pairs, %ld x %ld x %ld, %d threads", m, n, k, threads);
  }
  int bad = 0;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const Sum<float> sum(a, b, i, j);
      const double tol = (4 + 2 * std::sqrt(double(k))) * std::numeric_limits<float>::epsilon() * sum.scale;
      if (!(std::fabs(double(c.at(i, j)) - sum.value) <= tol)) ++bad;
    }
  }
  TEST_CHECK(bad == 0, "%d wrong: pairs, m=%ld n=%ld k=%ld, layouts %d %d", bad, m, n, k, int(a_layout),
             int(b_layout));
}

void check_all_pairs() {
  if (isa_level() == 2 && !cpu_info().avx512_bf16) return;  // its kernels cannot run here
  for (Layout a : kLayouts) {
    for (Layout b : kLayouts) {
      for (int64_t m : {1, 13, 29, 61}) {
        for (int64_t n : {1, 15, 33, 70}) {
          for (int64_t k : {1, 2, 31, 35, 64}) check_pairs(m, n, k, a, b);
        }
      }
      check_pairs(70, 133, 1701, a, b);
      check_pairs(17, 35, 9001, a, b);
    }
  }
}

}  // namespace
}  // namespace plait

int main() {
  plait::test::require_isa();
  plait::check_all<float>();
  plait::check_all<double>();
  plait::check_batch<float>();
  plait::check_batch<double>();
  plait::check_small<float>();
  plait::check_small<double>();
  plait::check_all_pairs();
  return plait::test::report("gemm");
}
