// SPDX-License-Identifier: MIT
// What decompositions of one column-major matrix share (PanelKernels in linalg_args.h): columns as vectors,
// Householder reflections.
#pragma once

#include "kernels/isa/vec.h"
#include "kernels/linalg/linalg_args.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
inline constexpr int64_t W = kLanes<T>;
template <class T>
inline constexpr T kLeastNormal = sizeof(T) == 4 ? T(0x1p-126) : T(0x1p-1022);

PLAIT_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// ||x||, by squares of x / max |x| where those of x may overflow or vanish.
template <class T>
T norm(const T* x, int64_t n) {
  using V = Vec<T>;
  V sum{}, most{};
  for (int64_t i = 0; i < n; i += W<T>) {
    const V v = load_n(x + i, least(W<T>, n - i));
    sum = fma(v, v, sum);
    most = max_nan(most, abs(v));
  }
  const T square = reduce_add(sum), top = reduce_max(most);
  constexpr T kSafe = sizeof(T) == 4 ? T(0x1p-70) : T(0x1p-900);
  if (top == 0) return 0;
  if (square > kSafe && square < 1 / kSafe) return __builtin_sqrt(square);
  V scaled{};
  for (int64_t i = 0; i < n; i += W<T>) {
    const V v = load_n(x + i, least(W<T>, n - i)) / splat<V>(top);
    scaled = fma(v, v, scaled);
  }
  return top * __builtin_sqrt(reduce_add(scaled));
}

// x / divisor. The reciprocal of a subnormal number may be infinite.
template <class T>
void divide(T* x, int64_t n, T divisor) {
  if (__builtin_fabs(divisor) >= kLeastNormal<T>) {
    const T factor = 1 / divisor;
    for (int64_t i = 0; i < n; ++i) x[i] *= factor;
  } else {
    for (int64_t i = 0; i < n; ++i) x[i] /= divisor;
  }
}

// The reflection that makes (alpha, x) a multiple of e_1: beta over alpha, v over x; returns tau.
template <class T>
T make_reflection(T* alpha, T* x, int64_t n) {
  const T below = norm(x, n);
  if (below == 0) return 0;  // H = I
  const T a = *alpha, size = __builtin_fabs(a) > below ? __builtin_fabs(a) : below;
  const T p = a / size, q = below / size, length = size * static_cast<T>(__builtin_sqrt(p * p + q * q));
  const T beta = a < 0 ? length : -length;
  *alpha = beta;
  divide(x, n, a - beta);
  return (beta - a) / beta;
}

// dots[c] = a_c . x for n columns of m elements.
template <class T, int kColumns>
PLAIT_INLINE void dot_columns(int64_t m, const T* a, int64_t ld, const T* x, T* dots) {
  using V = Vec<T>;
  V sum[kColumns]{};
  int64_t i = 0;
  for (; i + W<T> <= m; i += W<T>) {
    const V v = load(x + i);
    for (int c = 0; c < kColumns; ++c) sum[c] = fma(load(a + c * ld + i), v, sum[c]);
  }
  if (i < m) {
    const V v = load_n(x + i, m - i);
    for (int c = 0; c < kColumns; ++c) sum[c] = fma(load_n(a + c * ld + i, m - i), v, sum[c]);
  }
  for (int c = 0; c < kColumns; ++c) dots[c] = reduce_add(sum[c]);
}
template <class T>
void dots(int64_t m, int64_t n, const T* a, int64_t ld, const T* x, T* result) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) dot_columns<T, 4>(m, a + j * ld, ld, x, result + j);
  for (; j < n; ++j) dot_columns<T, 1>(m, a + j * ld, ld, x, result + j);
}

// y += sum of factors[c] a_c
template <class T, int kColumns>
PLAIT_INLINE void add_few_columns(int64_t m, const T* a, int64_t ld, const T* factors, T* y) {
  using V = Vec<T>;
  V factor[kColumns];
  for (int c = 0; c < kColumns; ++c) factor[c] = splat<V>(factors[c]);
  int64_t i = 0;
  for (; i + W<T> <= m; i += W<T>) {
    V sum = load(y + i);
    for (int c = 0; c < kColumns; ++c) sum = fma(factor[c], load(a + c * ld + i), sum);
    store(y + i, sum);
  }
  if (i < m) {
    V sum = load_n(y + i, m - i);
    for (int c = 0; c < kColumns; ++c) sum = fma(factor[c], load_n(a + c * ld + i, m - i), sum);
    store_n(y + i, sum, m - i);
  }
}
template <class T>
void add_columns(int64_t m, int64_t n, const T* a, int64_t ld, const T* factors, T* y) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) add_few_columns<T, 4>(m, a + j * ld, ld, factors + j, y);
  for (; j < n; ++j) add_few_columns<T, 1>(m, a + j * ld, ld, factors + j, y);
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
