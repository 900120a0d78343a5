// SPDX-License-Identifier: MIT
// What reducers, and other kernels that run along rows or columns, share: loops over whole and partial
// vectors, sums in double, maxima. A reducer R folds elements of type R::Elem into states of type R::State:
//   R::kPlanes, R::init(state, n), R::combine(into, from, n, n_into, n_from)     as in ReduceKernel
//   R::fold(State&, x, n, seen)                                      x[n], contiguous, into one state
//   R::fold_columns(x, rows, row_stride, cols, state, first, seen)   x[rows][cols], rows contiguous, into the
//                                                                    states first .. first + cols
//   R::get(state, j), R::put(state, j, State)
//   R::kStateBytes    bytes of a state in a plane; defined where the order of elements does not matter
// Elements that are not contiguous are first packed into a small buffer.
#pragma once

#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

PLAIT_INLINE int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
PLAIT_INLINE int64_t max_i64(int64_t a, int64_t b) { return a > b ? a : b; }

// ReduceKernel::row: output by output, along the reduced dimension.
template <class R>
void reduce_row(const ReduceTile& t) {
  using T = typename R::Elem;
  constexpr int64_t kPack = 512;
  const T* base = static_cast<const T*>(t.x);
  T buffer[kPack];
  for (int64_t j = 0; j < t.keep_n; ++j) {
    const T* x = base + j * t.keep_stride;
    typename R::State s = R::get(t.state, j);
    const bool packed = t.reduce_stride != 1;
    const int64_t block = packed ? kPack : t.reduce_n;
    for (int64_t i = 0; i < t.reduce_n; i += block) {
      const int64_t n = min_i64(block, t.reduce_n - i);
      const T* run = x + i * t.reduce_stride;
      if (packed) {
        int64_t k = 0;
        if constexpr (sizeof(T) >= 4) {
          if (t.reduce_stride == 2) {
            for (; k + kLanes<T> < n; k += kLanes<T>) store(buffer + k, load_even(run + 2 * k));
          }
        }
        for (; k < n; ++k) buffer[k] = run[k * t.reduce_stride];
        run = buffer;
      }
      R::fold(s, run, n, t.seen + i);
    }
    R::put(t.state, j, s);
  }
}

// Few contiguous columns would leave vectors mostly empty. As many rows as fill whole vectors are treated as
// one wide row, and the states of its parts are combined at the end. Returns false, having done nothing,
// where that does not apply. tuned: sums of 300000 x 3 floats over dimension 0 take 0.2 ns an element in
// place of 1.2
template <class R>
PLAIT_INLINE bool reduce_few_columns(const ReduceTile& t) {
  using T = typename R::Elem;
  constexpr int64_t L = kLanes<T>, kMaxCols = 2 * L;
  const int64_t cols = t.keep_n;
  if (cols > kMaxCols || cols % L == 0 || t.reduce_stride != cols) return false;
  int64_t side = L;  // rows in a wide row: a power of two, so that parts can be combined in halves
  while (side > 1 && side / 2 * cols % L == 0) side /= 2;
  if (t.reduce_n < 8 * side) return false;  // combining would cost more than is saved
  const T* x = static_cast<const T*>(t.x);
  const int64_t rounds = t.reduce_n / side, wide = side * cols;
  alignas(kVecBytes) int64_t planes[kMaxReducePlanes][L * kMaxCols];
  void *part[kMaxReducePlanes], *upper[kMaxReducePlanes];
  for (int p = 0; p < kMaxReducePlanes; ++p) part[p] = planes[p];
  R::init(part, wide);
  R::fold_columns(x, rounds, wide, wide, part, 0, 0);
  for (int64_t half = side / 2, n = rounds; half > 0; half /= 2, n *= 2) {
    // States are contiguous, each of the size of its type.
    for (int p = 0; p < R::kPlanes; ++p)
      upper[p] = static_cast<char*>(part[p]) + half * cols * R::kStateBytes;
    R::combine(part, upper, half * cols, n, n);
  }
  R::combine(t.state, part, cols, t.seen, rounds * side);
  const int64_t seen = t.seen + rounds * side;
  R::fold_columns(x + rounds * wide, t.reduce_n - rounds * side, cols, cols, t.state, 0, seen);
  return true;
}

// ReduceKernel::column: rows of outputs, the reduced dimension outside.
template <class R>
void reduce_columns(const ReduceTile& t) {
  using T = typename R::Elem;
  const T* x = static_cast<const T*>(t.x);
  if (t.keep_stride == 1) {
    if constexpr (requires { R::kStateBytes; }) {
      if (reduce_few_columns<R>(t)) return;
    }
    R::fold_columns(x, t.reduce_n, t.reduce_stride, t.keep_n, t.state, 0, t.seen);
    return;
  }
  constexpr int64_t kRows = 8, kCols = 64;
  T buffer[kRows * kCols];
  for (int64_t j = 0; j < t.keep_n; j += kCols) {
    const int64_t cols = min_i64(kCols, t.keep_n - j);
    for (int64_t i = 0; i < t.reduce_n; i += kRows) {
      const int64_t rows = min_i64(kRows, t.reduce_n - i);
      const T* corner = x + i * t.reduce_stride + j * t.keep_stride;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < cols; ++c)
          buffer[r * kCols + c] = corner[r * t.reduce_stride + c * t.keep_stride];
      }
      R::fold_columns(buffer, rows, kCols, cols, t.state, j, t.seen + i);
    }
  }
}

template <class R>
constexpr ReduceKernel reduce_kernel() {
  return {R::kPlanes, R::init, reduce_row<R>, reduce_columns<R>, R::combine};
}

// Calls body(j, width, tag) for vectors that start at j = 0, L, 2L, ... < n and have `width` elements; tag is
// Full{} where width is L, else Partial{}.
struct Full {
  static constexpr bool value = true;
};
struct Partial {
  static constexpr bool value = false;
};
template <int kWidth, class F>
PLAIT_INLINE void for_vectors(int64_t n, F body) {
  int64_t j = 0;
  for (; j + kWidth <= n; j += kWidth) body(j, int64_t{kWidth}, Full{});
  if (j < n) body(j, n - j, Partial{});
}
template <class T, class Tag>
PLAIT_INLINE Vec<T> load_at(const T* p, int64_t width, Tag) {
  if constexpr (Tag::value) {
    return load(p);
  } else {
    return load_n(p, width);
  }
}
template <class T, class Tag>
PLAIT_INLINE void store_at(T* p, Vec<T> v, int64_t width, Tag) {
  if constexpr (Tag::value) {
    store(p, v);
  } else {
    store_n(p, v, width);
  }
}

// Non-temporal where `stream` is set and the vector is full.
template <class T, class Tag>
PLAIT_INLINE void store_result(bool stream, T* p, Vec<T> v, int64_t width, Tag tag) {
  if constexpr (Tag::value && kIsFloat<T>) {
    if (stream) return store_stream(p, v);
  }
  store_at(p, v, width, tag);
}

// Lanes [n, ...) of v replaced by `fill`.
template <class V>
PLAIT_INLINE V keep_n(V v, int64_t n, ElemT<V> fill) {
  using M = MaskOf<V>;
  return iota<M>() < splat<M>(static_cast<ElemT<M>>(n)) ? v : splat<V>(fill);
}

// A vector's lanes as doubles: two vectors for float lanes, one for double lanes.
template <class V>
inline constexpr int kWideParts = sizeof(ElemT<V>) == 4 ? 2 : 1;
template <class V>
PLAIT_INLINE void widen(V v, F64* out) {
  if constexpr (kSame<V, F32>) {
    out[0] = low_f64(v);
    out[1] = high_f64(v);
  } else {
    out[0] = v;
  }
}
template <class V>
PLAIT_INLINE V narrow(const F64* in) {
  if constexpr (kSame<V, F32>) {
    return to_f32(in[0], in[1]);
  } else {
    return in[0];
  }
}
template <class V, class Tag>
PLAIT_INLINE void load_wide(const double* p, int64_t width, Tag tag, F64* out) {
  constexpr int64_t L = kLanes<double>;
  out[0] = load_at(p, min_i64(width, L), tag);
  if constexpr (kWideParts<V> == 2) out[1] = load_at(p + L, max_i64(width - L, 0), tag);
}
template <class V, class Tag>
PLAIT_INLINE void store_wide(double* p, const F64* in, int64_t width, Tag tag) {
  constexpr int64_t L = kLanes<double>;
  store_at(p, in[0], min_i64(width, L), tag);
  if constexpr (kWideParts<V> == 2) store_at(p + L, in[1], max_i64(width - L, 0), tag);
}

// A running sum in double. For double input the rounding errors of the additions are summed too (compensated
// summation).
template <class V>
struct WideSum;
template <>
struct WideSum<F32> {
  F64 a{}, b{};
  PLAIT_INLINE void add(F32 v) {
    a += low_f64(v);
    b += high_f64(v);
  }
  PLAIT_INLINE double total() const { return reduce_add(a + b); }
};
template <>
struct WideSum<F64> {
  F64 hi{}, lo{};
  PLAIT_INLINE void add(F64 v) {
    const F64 s = hi + v;
    const F64 part = s - hi;
    lo += (hi - (s - part)) + (v - part);
    hi = s;
  }
  PLAIT_INLINE double total() const {
    const double h = reduce_add(hi);
    return h - h == 0 ? h + reduce_add(lo) : h;  // lo is NaN where hi overflowed
  }
};

// at(0) op ... op at(7), in a tree.
template <class F, class Op>
PLAIT_INLINE auto tree8(F at, Op op) {
  return op(op(op(at(0), at(1)), op(at(2), at(3))), op(op(at(4), at(5)), op(at(6), at(7))));
}

// max of x[n], -inf for n == 0. NaN is skipped.
template <class T>
PLAIT_INLINE ElemT<Vec<T>> max_of_numbers(const T* x, int64_t n) {
  using V = Vec<T>;
  using C = ElemT<V>;
  constexpr int64_t L = kLanes<T>;
  constexpr C kNone = -static_cast<C>(__builtin_inf());
  V m[4];
  for (V& v : m) v = splat<V>(kNone);
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
    for (int k = 0; k < 4; ++k) m[k] = max(load(x + i + k * L), m[k]);
  }
  for (; i + L <= n; i += L) m[0] = max(load(x + i), m[0]);
  if (i < n) m[0] = max(keep_n(load_n(x + i, n - i), n - i, kNone), m[0]);
  return reduce(max(max(m[0], m[1]), max(m[2], m[3])), [](auto a, auto b) { return max(a, b); });
}

// The sum over n elements of the vectors f(i, width, tag), whose lanes beyond the end must be 0: four vectors
// are added in a tree, the trees in double.
template <class T, class F>
PLAIT_INLINE double sum_vectors(int64_t n, F f) {
  using V = Vec<T>;
  constexpr int64_t L = kLanes<T>;
  WideSum<V> sum;
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
    V v[4];
    for (int k = 0; k < 4; ++k) v[k] = f(i + k * L, L, Full{});
    sum.add((v[0] + v[1]) + (v[2] + v[3]));
  }
  for (; i + L <= n; i += L) sum.add(f(i, L, Full{}));
  if (i < n) sum.add(f(i, n - i, Partial{}));
  return sum.total();
}

template <template <class> class R, class... Ts>
void set_reduce(PerDType<ReduceKernel>& kernel) {
  ((kernel.of<Ts>() = reduce_kernel<R<Ts>>()), ...);
}
template <template <class> class R>
void set_reduce_floats(ReduceTable& t, ReduceOp op) {
  set_reduce<R, f16, bf16, float, double>(t.kernel[op]);
}
template <template <class> class R>
void set_reduce_integers(ReduceTable& t, ReduceOp op) {
  PerDType<ReduceKernel>& kernel = t.kernel[op];
  set_reduce<R, uint8_t, int8_t, int16_t, int32_t, int64_t, uint16_t, uint32_t, uint64_t>(kernel);
  kernel.of<bool>() = kernel.of<uint8_t>();
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
