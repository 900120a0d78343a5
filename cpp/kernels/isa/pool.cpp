// SPDX-License-Identifier: MIT
// A vector of outputs stays in a register over all taps; steps of one and two load whole vectors. Bound by
// loads: taps per output.
#include "kernels/pool.h"

#include "kernels/isa/row.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
PLAIT_INLINE void store_row(T* y, Vec<T> v, int64_t n) {
  if (n == kLanes<T>) {
    store(y, v);
  } else {
    store_n(y, v, n);
  }
}

template <class T>
void max_row(const PoolRow<T>& a) {
  using V = Vec<T>;
  using I = MaskOf<V>;
  constexpr int64_t kN = kLanes<T>;
  const T lowest = -static_cast<T>(__builtin_inf());
  for (int64_t i = 0; i < a.n; i += kN) {
    const int64_t n = a.n - i < kN ? a.n - i : kN;
    V best = splat<V>(lowest);
    I index = I{} - 1;
    for (int64_t t = 0; t < a.taps; ++t) {
      if (a.row[t] < 0) continue;
      const int64_t first = i * a.step + a.shift[t];
      const V v = load_row<T>(a.src + a.row[t], a.w, first, a.step, n, lowest);
      if (a.index) {
        const auto start = static_cast<ElemT<I>>(first), step = static_cast<ElemT<I>>(a.step),
                   w = static_cast<ElemT<I>>(a.w);
        const I at = iota<I>() * step + start;
        const I in = (at >= 0) & (at < w);
        const I take = in & ((v > best) | (v != v) | (index < 0));
        index = take ? at + static_cast<ElemT<I>>(a.row[t]) : index;
        best = take ? v : best;
      } else {
        best = (v > best) | (v != v) ? v : best;
      }
    }
    store_row(a.y + i, best, n);
    if (a.index) {
      for (int64_t k = 0; k < n; ++k) a.index[i + k] = static_cast<int32_t>(index[k]);
    }
  }
}

template <class T>
void average_row(const PoolRow<T>& a) {
  using V = Vec<T>;
  constexpr int64_t kN = kLanes<T>;
  for (int64_t i = 0; i < a.n; i += kN) {
    const int64_t n = a.n - i < kN ? a.n - i : kN;
    V sum = {};
    for (int64_t t = 0; t < a.taps; ++t) {
      if (a.row[t] < 0) continue;
      sum += load_row<T>(a.src + a.row[t], a.w, i * a.step + a.shift[t], a.step, n, T(0));
    }
    store_row(a.y + i, sum * (n == kN ? load(a.scale + i) : load_n(a.scale + i, n)), n);
  }
}

}  // namespace

void fill_pool(KernelTable& table) {
  table.pool.f32 = {max_row<float>, average_row<float>};
  table.pool.f64 = {max_row<double>, average_row<double>};
}

}  // namespace plait::PLAIT_ISA_NS
