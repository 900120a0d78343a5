// SPDX-License-Identifier: MIT
// Pooling of rows of a plane: y[i] = max or sum over taps t of x[i * stride + t - pad].
//
// Rows are read from a padded, phase-split copy (pool_args.h), in which a tap's elements for consecutive
// outputs are contiguous. A vector of outputs stays in a register over all taps; each tap is one load. Bound
// by memory bandwidth for small windows, by loads for large ones. Max pooling 3x3/2 of 16 x 64 x 112 x 112
// runs at 15.5 GB/s, 58% of the machine's copy bandwidth (two cores of an AMD EPYC, Zen 4, AVX-512,
// 2026-11-26, bench/README.md).
#include "kernels/pool/pool_args.h"

#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
PLAIT_INLINE void store_row(T* y, Vec<T> v, int64_t n) {
  if (n >= kLanes<T>) {
    store(y, v);
  } else {
    store_n(y, v, n);
  }
}
template <class T>
PLAIT_INLINE Vec<T> load_to(const T* p, int64_t n) {
  return n >= kLanes<T> ? load(p) : load_n(p, n);
}
template <class T>
PLAIT_INLINE void fill(T* p, int64_t n, T value) {
  for (int64_t i = 0; i < n; i += kLanes<T>) store_row(p + i, splat<Vec<T>>(value), n - i);
}

// For stride 2: where elements 0 and 1 of a row lie in the copy.
struct Halves {
  int64_t even, odd;
  explicit Halves(const PoolLayout& a)
      : even(a.pad % 2 * a.phase_size + a.pad / 2), odd((a.pad + 1) % 2 * a.phase_size + (a.pad + 1) / 2) {}
};

template <class T>
void pad_rows(T* copy, const T* plane, int64_t rows, const PoolLayout& a) {
  constexpr int64_t kN = kLanes<T>;
  using I = MaskOf<Vec<T>>;
  const Halves at(a);
  for (int64_t r = 0; r < rows; ++r, copy += a.stride * a.phase_size, plane += a.w) {
    int64_t w = 0;
    if (a.stride == 1) {
      for (; w < a.w; w += kN) store_row(copy + a.pad + w, load_to(plane + w, a.w - w), a.w - w);
      continue;
    }
    if (a.stride == 2) {
      for (; w + 2 * kN <= a.w; w += 2 * kN) {
        const Vec<T> low = load(plane + w), high = load(plane + w + kN);
        store(copy + at.even + w / 2, __builtin_shuffle(low, high, iota<I>() * 2));
        store(copy + at.odd + w / 2, __builtin_shuffle(low, high, iota<I>() * 2 + 1));
      }
    }
    int64_t phase = (w + a.pad) % a.stride, i = (w + a.pad) / a.stride;
    for (; w < a.w; ++w) {
      copy[phase * a.phase_size + i] = plane[w];
      if (++phase == a.stride) {
        phase = 0;
        ++i;
      }
    }
  }
}

template <class T>
void max_row(const PoolRow<T>& a) {
  using V = Vec<T>;
  using I = MaskOf<V>;
  using Int = ElemT<I>;
  constexpr int64_t kN = kLanes<T>;
  const T lowest = -static_cast<T>(__builtin_inf());
  for (int64_t i = 0; i < a.n; i += kN) {
    V best = splat<V>(lowest);
    if (!a.index) {
      for (int64_t r = 0; r < a.rows; ++r) {
        const T* row = a.row[r] + i;
        for (int64_t t = 0; t < a.taps; ++t) {
          const V v = load(row + a.tap[t]);
          best = (v > best) | (v != v) ? v : best;
        }
      }
      store_row(a.y + i, best, a.n - i);
      continue;
    }
    I index = I{} - 1;
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* row = a.row[r] + i;
      for (int64_t t = 0; t < a.taps; ++t) {
        const V v = load(row + a.tap[t]);
        const I at = iota<I>() * static_cast<Int>(a.stride) + static_cast<Int>(i * a.stride + a.shift[t]);
        const I in = (at >= 0) & (at < static_cast<Int>(a.w));
        const I take = in & ((v > best) | (v != v) | (index < 0));
        index = take ? at + static_cast<Int>(a.start[r]) : index;
        best = take ? v : best;
      }
    }
    store_row(a.y + i, best, a.n - i);
    const int64_t n = a.n - i < kN ? a.n - i : kN;
    if constexpr (sizeof(T) == 4) {
      store_row(a.index + i, index, n);
    } else {
      for (int64_t k = 0; k < n; ++k) a.index[i + k] = static_cast<int32_t>(index[k]);
    }
  }
}

template <class T>
void average_row(const PoolRow<T>& a, const T* plane, const PoolLayout& layout, T* sums, T* copy) {
  using V = Vec<T>;
  for (int64_t w = 0; w < a.w; w += kLanes<T>) {
    V sum = {};
    for (int64_t r = 0; r < a.rows; ++r) sum += load_to(plane + a.start[r] + w, a.w - w);
    store_row(sums + w, sum, a.w - w);
  }
  pad_rows(copy, sums, 1, layout);
  for (int64_t i = 0; i < a.n; i += kLanes<T>) {
    V sum = {};
    for (int64_t t = 0; t < a.taps; ++t) sum += load(copy + a.tap[t] + i);
    store_row(a.y + i, sum * load_to(a.scale + i, a.n - i), a.n - i);
  }
}

template <class T>
void spread_row(const PoolSpread<T>& s, const PoolLayout& a) {
  constexpr int64_t kN = kLanes<T>;
  using V = Vec<T>;
  using I = MaskOf<V>;
  T *const copy = s.copy, *const row = s.row;
  const T *const g = s.g, *const scale = s.scale;
  const int64_t* const tap = s.tap;
  const int64_t n = s.n, taps = s.taps;
  fill(copy, a.stride * a.phase_size, T(0));
  for (int64_t i = 0; i < n; i += kN) {
    const V v = load_to(g + i, n - i) * load_to(scale + i, n - i);
    for (int64_t t = 0; t < taps; ++t) {
      T* to = copy + tap[t] + i;
      store(to, load(to) + v);
    }
  }
  int64_t w = 0;
  if (a.stride == 1) {
    for (; w < a.w; w += kN) store_row(row + w, load(copy + a.pad + w), a.w - w);
    return;
  }
  if (a.stride == 2) {
    const Halves at(a);
    const I lane = iota<I>(), pair = (lane >> 1) + (lane & 1) * static_cast<ElemT<I>>(kN);
    for (; w + 2 * kN <= a.w; w += 2 * kN) {
      const V even = load(copy + at.even + w / 2), odd = load(copy + at.odd + w / 2);
      store(row + w, __builtin_shuffle(even, odd, pair));
      store(row + w + kN, __builtin_shuffle(even, odd, pair + static_cast<ElemT<I>>(kN / 2)));
    }
  }
  int64_t phase = (w + a.pad) % a.stride, i = (w + a.pad) / a.stride;
  for (; w < a.w; ++w) {
    row[w] = copy[phase * a.phase_size + i];
    if (++phase == a.stride) {
      phase = 0;
      ++i;
    }
  }
}

template <class T>
void add_row(T* to, const T* row, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes<T>) {
    store_row(to + i, load_to(to + i, n - i) + load_to(row + i, n - i), n - i);
  }
}

template <class T>
constexpr PoolKernels<T> kernels_of() {
  return {pad_rows<T>, max_row<T>, average_row<T>, spread_row<T>, add_row<T>};
}

}  // namespace

void fill_pool(KernelTable& table) {
  table.pool.f32 = kernels_of<float>();
  table.pool.f64 = kernels_of<double>();
}

}  // namespace plait::PLAIT_ISA_NS
