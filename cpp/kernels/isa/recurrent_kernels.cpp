// SPDX-License-Identifier: MIT
// The cells of LSTM and GRU, formulas at each function, a vector of hidden units at a time. Bound by
// exponentials, five per unit for LSTM and three for GRU; the matrix products before them take most of a
// step.
#include "kernels/recurrent/recurrent_args.h"

#include "kernels/isa/math.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
PLAIT_INLINE Vec<T> get(const T* p, int64_t m) {
  return m == kLanes<T> ? load(p) : load_n(p, m);
}
template <class T>
PLAIT_INLINE void put(T* p, Vec<T> v, int64_t m) {
  if (m == kLanes<T>) {
    store(p, v);
  } else {
    store_n(p, v, m);
  }
}
template <class T>
PLAIT_INLINE int64_t width(int64_t n, int64_t i) {
  return n - i < kLanes<T> ? n - i : kLanes<T>;
}

// p[j], plus more[j] unless `more` is null.
template <class T>
PLAIT_INLINE Vec<T> get_sum(const T* p, const T* more, int64_t j, int64_t m) {
  const Vec<T> v = get(p + j, m);
  return more ? v + get(more + j, m) : v;
}

// c = f c_prev + i g;  h = o tanh(c)
template <class T>
void lstm_forward(const LstmStep<T>& a) {
  using V = Vec<T>;
  for (int64_t j = 0; j < a.n; j += kLanes<T>) {
    const int64_t m = width<T>(a.n, j);
    T* gate = a.gates + j;
    const auto sum = [&](int64_t at) { return get_sum(a.gates, a.bias, at, m) + get(a.x + at, m); };
    const V i = sigmoid(sum(j)), f = sigmoid(sum(j + a.n)), g = tanh(sum(j + 2 * a.n)),
            o = sigmoid(sum(j + 3 * a.n));
    const V c = f * get(a.c_prev + j, m) + i * g;
    put(gate, i, m);
    put(gate + a.n, f, m);
    put(gate + 2 * a.n, g, m);
    put(gate + 3 * a.n, o, m);
    put(a.c + j, c, m);
    put(a.h + j, o * tanh(c), m);
  }
}

// gc += gh o (1 - tanh(c)^2);  gi = gc g, gf = gc c_prev, gg = gc i, go = gh tanh(c), each times the
// derivative of its activation: i (1 - i), f (1 - f), 1 - g^2, o (1 - o);  gc_prev = gc f
template <class T>
void lstm_backward(const LstmStep<T>& a) {
  using V = Vec<T>;
  const V one = splat<V>(1);
  for (int64_t j = 0; j < a.n; j += kLanes<T>) {
    const int64_t m = width<T>(a.n, j);
    const T* gate = a.gates + j;
    const V i = get(gate, m), f = get(gate + a.n, m), g = get(gate + 2 * a.n, m), o = get(gate + 3 * a.n, m);
    const V t = tanh(get(a.c + j, m)), gh = get_sum(a.gh, a.gy, j, m);
    const V gc = get(a.gc + j, m) + gh * o * (one - t * t);
    T* out = a.ggates + j;
    put(out, gc * g * i * (one - i), m);
    put(out + a.n, gc * get(a.c_prev + j, m) * f * (one - f), m);
    put(out + 2 * a.n, gc * i * (one - g * g), m);
    put(out + 3 * a.n, gh * t * o * (one - o), m);
    put(a.gc + j, gc * f, m);
  }
}

// r, z = sigmoid(x + u);  n = tanh(x_n + r u_n);  h = n + z (h_prev - n)
template <class T>
void gru_forward(const GruStep<T>& a) {
  using V = Vec<T>;
  for (int64_t j = 0; j < a.n; j += kLanes<T>) {
    const int64_t m = width<T>(a.n, j);
    const T* x = a.gates + j;
    const auto u = [&](int64_t at) { return get_sum(a.recurrent, a.bias, at, m); };
    const V un = u(j + 2 * a.n);
    const V r = sigmoid(get(x, m) + u(j)), z = sigmoid(get(x + a.n, m) + u(j + a.n));
    const V n = tanh(get(x + 2 * a.n, m) + r * un);
    put(a.active + j, r, m);
    put(a.active + a.n + j, z, m);
    put(a.active + 2 * a.n + j, n, m);
    put(a.recurrent_n + j, un, m);
    put(a.h + j, n + z * (get(a.h_prev + j, m) - n), m);
  }
}

// gn = gh (1 - z) (1 - n^2);  gz = gh (h_prev - n) z (1 - z);  gr = gn u_n r (1 - r);  gu_n = gn r
template <class T>
void gru_backward(const GruStep<T>& a) {
  using V = Vec<T>;
  const V one = splat<V>(1);
  for (int64_t j = 0; j < a.n; j += kLanes<T>) {
    const int64_t m = width<T>(a.n, j);
    const V r = get(a.active + j, m), z = get(a.active + a.n + j, m), n = get(a.active + 2 * a.n + j, m);
    const V gh = get_sum(a.gh, a.gy, j, m);
    const V gn = gh * (one - z) * (one - n * n);
    const V gz = gh * (get(a.h_prev + j, m) - n) * z * (one - z);
    const V gr = gn * get(a.recurrent_n + j, m) * r * (one - r);
    put(a.ggates + j, gr, m);
    put(a.ggates + a.n + j, gz, m);
    put(a.ggates + 2 * a.n + j, gn, m);
    put(a.grecurrent + j, gr, m);
    put(a.grecurrent + a.n + j, gz, m);
    put(a.grecurrent + 2 * a.n + j, gn * r, m);
    put(a.gh_prev + j, gh * z, m);
  }
}

}  // namespace

void fill_recurrent(KernelTable& table) {
  table.recurrent.f32 = {lstm_forward<float>, lstm_backward<float>, gru_forward<float>, gru_backward<float>};
  table.recurrent.f64 = {lstm_forward<double>, lstm_backward<double>, gru_forward<double>,
                         gru_backward<double>};
}

}  // namespace plait::PLAIT_ISA_NS
