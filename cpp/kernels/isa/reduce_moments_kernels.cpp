// SPDX-License-Identifier: MIT
// Mean and sum of squared deviations, and log-sum-exp: reductions whose state is updated block by block.
//
//   moments       with s1 = sum (x - c) and s2 = sum (x - c)^2 over a block of n elements:
//                 mean = c + s1 / n, m2 = s2 - s1^2 / n (Chan, Golub, LeVeque 1983). c is the mean of what
//                 came before, so s1^2 / n is small and nothing cancels.
//   log-sum-exp   max = max x, sum = sum exp(x - max)
//
// Rows are folded in blocks of a few thousand elements, which stay in L1, columns eight rows at a time.
// States are double. Moments are bound by memory bandwidth, log-sum-exp by exp at levels below AVX-512.
#include "kernels/isa/math.h"
#include "kernels/isa/reduce_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

struct Plus {
  template <class V>
  PLAIT_INLINE V operator()(V a, V b) const {
    return a + b;
  }
};

struct TwoDoubles {
  double a, b;
};

// a: mean, b: sum of squared deviations from it.
template <class T>
struct Moments {
  using Elem = T;
  using V = Vec<T>;
  using State = TwoDoubles;
  static constexpr int kPlanes = 2, kStateBytes = 8;
  static constexpr int64_t L = kLanes<T>, kBlock = 4096;

  static PLAIT_INLINE State get(void* const* s, int64_t j) {
    return {static_cast<double*>(s[0])[j], static_cast<double*>(s[1])[j]};
  }
  static PLAIT_INLINE void put(void* const* s, int64_t j, State v) {
    static_cast<double*>(s[0])[j] = v.a;
    static_cast<double*>(s[1])[j] = v.b;
  }
  static void init(void* const* state, int64_t n) {
    for (int64_t j = 0; j < n; ++j) put(state, j, {0, 0});
  }
  static PLAIT_INLINE State join(State a, State b, double na, double nb) {
    const double delta = b.a - a.a, part = nb / (na + nb);
    return {a.a + delta * part, a.b + b.b + delta * delta * na * part};
  }
  static void combine(void* const* into, void* const* from, int64_t n, int64_t n_into, int64_t n_from) {
    if (n_from == 0) return;
    const double na = static_cast<double>(n_into), nb = static_cast<double>(n_from);
    for (int64_t j = 0; j < n; ++j) put(into, j, join(get(into, j), get(from, j), na, nb));
  }

  // The state of x[n] alone, by moments about c. Lanes beyond n count as c.
  static PLAIT_INLINE State block(const T* x, int64_t n, double c) {
    const ElemT<V> shift = static_cast<ElemT<V>>(c);
    const V vc = splat<V>(shift);
    WideSum<V> s1, s2;
    int64_t i = 0;
    for (; i + 8 * L <= n; i += 8 * L) {
      V d[8];
      for (int k = 0; k < 8; ++k) d[k] = load(x + i + k * L) - vc;
      s1.add(tree8([&](int k) { return d[k]; }, Plus{}));
      s2.add(tree8([&](int k) { return d[k] * d[k]; }, Plus{}));
    }
    for_vectors<L>(n - i, [&](int64_t j, int64_t width, auto tag) {
      V v = load_at(x + i + j, width, tag);
      if constexpr (!decltype(tag)::value) v = keep_n(v, width, shift);
      const V d = v - vc, dd = d * d;
      s1.add(d);
      s2.add(dd);
    });
    const double sum = s1.total(), count = static_cast<double>(n);
    return {static_cast<double>(shift) + sum / count, s2.total() - sum * sum / count};
  }
  static PLAIT_INLINE double block_mean(const T* x, int64_t n) {
    WideSum<V> s;
    for_vectors<L>(n, [&](int64_t j, int64_t width, auto tag) { s.add(load_at(x + j, width, tag)); });
    return s.total() / static_cast<double>(n);
  }

  static PLAIT_INLINE void fold(State& state, const T* x, int64_t n, int64_t seen) {
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t m = min_i64(kBlock, n - i);
      double c = state.a;
      if (seen + i == 0) c = block_mean(x, m);
      const State b = block(x + i, m, c);
      state = join(state, b, static_cast<double>(seen + i), static_cast<double>(m));
    }
  }

  static void fold_columns(const T* x, int64_t rows, int64_t row_stride, int64_t cols, void* const* state,
                           int64_t first, int64_t seen) {
    for (int64_t r = 0; r < rows; r += 8, x += 8 * row_stride) {
      if (rows - r >= 8) {
        fold_rows(x, Rows<8>{}, row_stride, cols, state, first, seen + r);
      } else {
        for (int64_t k = r; k < rows; ++k, x += row_stride) {
          fold_rows(x, Rows<1>{}, row_stride, cols, state, first, seen + k);
        }
      }
    }
  }
  template <int kRows>
  struct Rows {};
  template <int kRows>
  static PLAIT_INLINE void fold_rows(const T* x, Rows<kRows>, int64_t row_stride, int64_t cols,
                                     void* const* state, int64_t first, int64_t seen) {
    constexpr int kParts = kWideParts<V>;
    double* mean = static_cast<double*>(state[0]) + first;
    double* m2 = static_cast<double*>(state[1]) + first;
    const double na = static_cast<double>(seen);
    const F64 before = splat<F64>(na), share = splat<F64>(1.0 / (na + kRows));
    for_vectors<L>(cols, [&](int64_t j, int64_t width, auto tag) {
      F64 mu[kParts], q[kParts], c[kParts], d1[kParts], d2[kParts];
      load_wide<V>(mean + j, width, tag, mu);
      load_wide<V>(m2 + j, width, tag, q);
      const V shift = seen == 0 ? load_at(x + j, width, tag) : narrow<V>(mu);
      V s1{}, s2{};
      for (int k = 0; k < kRows; ++k) {
        const V d = load_at(x + k * row_stride + j, width, tag) - shift;
        s1 += d;
        s2 += d * d;
      }
      widen(shift, c);
      widen(s1, d1);
      widen(s2, d2);
      for (int p = 0; p < kParts; ++p) {
        // All moments about c: the deviations of the old elements sum to n (mean - c).
        const F64 off = seen == 0 ? F64{} : mu[p] - c[p];
        const F64 dev = before * off + d1[p];
        q[p] = q[p] + before * off * off + d2[p] - dev * dev * share;
        mu[p] = c[p] + dev * share;
      }
      store_wide<V>(mean + j, mu, width, tag);
      store_wide<V>(m2 + j, q, width, tag);
    });
  }
};

// a: max x so far, b: sum exp(x - a), which is 0 while a is -inf.
template <class T>
struct LogSumExp {
  using Elem = T;
  using V = Vec<T>;
  using State = TwoDoubles;
  static constexpr int kPlanes = 2, kStateBytes = 8;
  static constexpr int64_t L = kLanes<T>, kBlock = 2048;
  static constexpr ElemT<V> kNone = -static_cast<ElemT<V>>(__builtin_inf());

  static PLAIT_INLINE State get(void* const* s, int64_t j) {
    return {static_cast<double*>(s[0])[j], static_cast<double*>(s[1])[j]};
  }
  static PLAIT_INLINE void put(void* const* s, int64_t j, State v) {
    static_cast<double*>(s[0])[j] = v.a;
    static_cast<double*>(s[1])[j] = v.b;
  }
  static void init(void* const* state, int64_t n) {
    for (int64_t j = 0; j < n; ++j) put(state, j, {-__builtin_inf(), 0});
  }
  static PLAIT_INLINE double exp_scalar(double x) { return exp(splat<F64>(x))[0]; }
  static PLAIT_INLINE State join(State a, State b) {
    const bool swap = b.a > a.a || b.a != b.a;
    const State big = swap ? b : a, small = swap ? a : b;
    if (small.b == 0 || big.a != big.a) return big;  // nothing to add, or NaN
    return {big.a, big.b + small.b * exp_scalar(small.a - big.a)};
  }
  static void combine(void* const* into, void* const* from, int64_t n, int64_t, int64_t) {
    for (int64_t j = 0; j < n; ++j) put(into, j, join(get(into, j), get(from, j)));
  }

  static PLAIT_INLINE void fold(State& state, const T* x, int64_t n, int64_t) {
    for (int64_t i = 0; i < n; i += kBlock) state = join(state, block(x + i, min_i64(kBlock, n - i)));
  }
  static PLAIT_INLINE State block(const T* x, int64_t n) {
    const ElemT<V> m = max_of_numbers(x, n);
    if (m - m != 0) {  // infinite: the result is m, unless there is NaN, which shows in the sum
      const double sum = sum_vectors<T>(n, [&](int64_t j, int64_t width, auto tag) {
        const V v = load_at(x + j, width, tag);
        return v == v ? V{} : v;
      });
      return {sum == sum ? static_cast<double>(m) : sum, 0};
    }
    const V vm = splat<V>(m);
    const double sum = sum_vectors<T>(n, [&](int64_t j, int64_t width, auto tag) {
      const V e = exp(load_at(x + j, width, tag) - vm);
      if constexpr (decltype(tag)::value) {
        return e;
      } else {
        return keep_n(e, width, 0);
      }
    });
    return {sum == sum ? static_cast<double>(m) : sum, sum};
  }

  static void fold_columns(const T* x, int64_t rows, int64_t row_stride, int64_t cols, void* const* state,
                           int64_t first, int64_t) {
    constexpr int kParts = kWideParts<V>;
    double* max = static_cast<double*>(state[0]) + first;
    double* sum = static_cast<double*>(state[1]) + first;
    for (int64_t r = 0; r < rows; r += 8, x += 8 * row_stride) {
      const int64_t m = min_i64(8, rows - r);
      for_vectors<L>(cols, [&](int64_t j, int64_t width, auto tag) {
        F64 t[kParts], s[kParts], e[kParts];
        load_wide<V>(max + j, width, tag, t);
        load_wide<V>(sum + j, width, tag, s);
        const V old = narrow<V>(t);
        V now = old;
        for (int64_t k = 0; k < m; ++k) now = max_nan(now, load_at(x + k * row_stride + j, width, tag));
        // While every element is -inf, exponentials are taken about 0, since -inf - -inf is NaN.
        const V base = now == splat<V>(kNone) ? V{} : now;
        V add{};
        for (int64_t k = 0; k < m; ++k) add += exp(load_at(x + k * row_stride + j, width, tag) - base);
        widen(exp(old - base), e);
        F64 a[kParts];
        widen(add, a);
        widen(now, t);
        for (int p = 0; p < kParts; ++p) s[p] = s[p] * e[p] + a[p];
        store_wide<V>(max + j, t, width, tag);
        store_wide<V>(sum + j, s, width, tag);
      });
    }
  }
};

}  // namespace

void fill_reduce_moments(KernelTable& table) {
  set_reduce_floats<Moments>(table.reduce, ReduceOp::kMoments);
  set_reduce_floats<LogSumExp>(table.reduce, ReduceOp::kLogSumExp);
}

}  // namespace plait::PLAIT_ISA_NS
