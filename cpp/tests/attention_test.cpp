// SPDX-License-Identifier: MIT
// The attention driver against loops in double: blocks of queries and their remainders, causal and not,
// strided operands, fewer keys than queries; and the same bits at 1, 2 and 7 threads.
#include "kernels/attention/attention_driver.h"

#include "core/parallel.h"
#include "values.h"

namespace plait {
namespace {

using test::random_values;

struct Problem {
  int64_t matrices, queries, keys, depth, value_depth;
  bool causal;
};

// Operand of `cols` columns whose rows are `cols + 3` apart.
template <class T>
struct Operand {
  int64_t rows, cols, ld;
  std::vector<T> data;
  std::vector<int64_t> at;
  Operand(int64_t matrices, int64_t m, int64_t n) : rows(m), cols(n), ld(n + 3) {
    data = random_values<T>(matrices * m * ld + 1);
    for (int64_t i = 0; i < matrices; ++i) at.push_back(i * m * ld);
  }
  MatrixBatch<T> batch() const { return {data.data(), at.data(), rows, cols, ld, 1}; }
  double operator()(int64_t m, int64_t i, int64_t j) const {
    return static_cast<double>(data[static_cast<size_t>(at[static_cast<size_t>(m)] + i * ld + j)]);
  }
};

// p[L][S] of matrix m.
template <class T>
std::vector<double> weights(const Problem& s, const Operand<T>& q, const Operand<T>& k, int64_t m,
                            double scale) {
  std::vector<double> p(static_cast<size_t>(s.queries * s.keys), 0);
  for (int64_t i = 0; i < s.queries; ++i) {
    const int64_t seen = s.causal ? std::min(s.keys, i + 1) : s.keys;
    double* row = p.data() + i * s.keys;
    double most = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int64_t j = 0; j < seen; ++j) {
      for (int64_t d = 0; d < s.depth; ++d) row[j] += scale * q(m, i, d) * k(m, j, d);
      most = std::max(most, row[j]);
    }
    for (int64_t j = 0; j < seen; ++j) sum += row[j] = std::exp(row[j] - most);
    for (int64_t j = 0; j < seen; ++j) row[j] /= sum;
  }
  return p;
}

template <class T>
void check_problem(const Problem& s) {
  const Operand<T> q(s.matrices, s.queries, s.depth), k(s.matrices, s.keys, s.depth),
      v(s.matrices, s.keys, s.value_depth), g(s.matrices, s.queries, s.value_depth);
  const double scale = 0.4;
  const AttentionArgs<T> args{q.batch(), k.batch(), v.batch(), s.matrices, s.causal, scale};
  const auto size = [&](int64_t m, int64_t n) { return static_cast<size_t>(s.matrices * m * n); };
  std::vector<T> y(size(s.queries, s.value_depth)), gq(size(s.queries, s.depth)), gk(size(s.keys, s.depth)),
      gv(size(s.keys, s.value_depth));
  attention_forward(args, y.data());
  attention_backward(args, g.batch(), gq.data(), gk.data(), gv.data());

  std::vector<double> want_y(y.size(), 0), want_q(gq.size(), 0), want_k(gk.size(), 0), want_v(gv.size(), 0);
  for (int64_t m = 0; m < s.matrices; ++m) {
    const std::vector<double> p = weights(s, q, k, m, scale);
    for (int64_t i = 0; i < s.queries; ++i) {
      const double* pi = p.data() + i * s.keys;
      std::vector<double> gp(static_cast<size_t>(s.keys), 0);
      double inner = 0;
      for (int64_t j = 0; j < s.keys; ++j) {
        for (int64_t d = 0; d < s.value_depth; ++d) {
          want_y[static_cast<size_t>((m * s.queries + i) * s.value_depth + d)] += pi[j] * v(m, j, d);
          want_v[static_cast<size_t>((m * s.keys + j) * s.value_depth + d)] += pi[j] * g(m, i, d);
          gp[static_cast<size_t>(j)] += g(m, i, d) * v(m, j, d);
        }
        inner += pi[j] * gp[static_cast<size_t>(j)];
      }
      for (int64_t j = 0; j < s.keys; ++j) {
        const double gs = scale * pi[j] * (gp[static_cast<size_t>(j)] - inner);
        for (int64_t d = 0; d < s.depth; ++d) {
          want_q[static_cast<size_t>((m * s.queries + i) * s.depth + d)] += gs * k(m, j, d);
          want_k[static_cast<size_t>((m * s.keys + j) * s.depth + d)] += gs * q(m, i, d);
        }
      }
    }
  }
  test::check_near(y, want_y, "y");
  test::check_near(gq, want_q, "gq", 4 * test::kTolerance<T>);
  test::check_near(gk, want_k, "gk", 4 * test::kTolerance<T>);
  test::check_near(gv, want_v, "gv", 4 * test::kTolerance<T>);

  for (int threads : {1, 2, 7}) {
    set_num_threads(threads);
    std::vector<T> again(y.size()), again_q(gq.size()), again_k(gk.size()), again_v(gv.size());
    attention_forward(args, again.data());
    attention_backward(args, g.batch(), again_q.data(), again_k.data(), again_v.data());
    TEST_CHECK(again == y && again_q == gq && again_k == gk && again_v == gv, "other bits at %d threads",
               threads);
  }
}

template <class T>
void check_type() {
  for (const bool causal : {false, true}) {
    check_problem<T>({1, 1, 1, 1, 1, causal});
    check_problem<T>({2, 7, 5, 3, 4, causal});
    check_problem<T>({3, 48, 48, 8, 8, causal});
    check_problem<T>({1, 49, 17, 16, 5, causal});
    check_problem<T>({2, 100, 131, 13, 32, causal});
  }
}

}  // namespace
}  // namespace plait

int main() {
  plait::test::require_isa();
  plait::check_type<float>();
  plait::check_type<double>();
  return plait::test::report("attention");
}
