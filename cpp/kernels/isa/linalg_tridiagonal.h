// SPDX-License-Identifier: MIT
// One symmetric matrix in tridiagonal form (PanelKernels in linalg_args.h), column by column: a product with
// the lower half, which serves both halves, and an update of rank 2. Bound by the loads of the half.
#pragma once

#include "kernels/isa/linalg_columns.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// What kColumns columns from j on have in y = A x, by the lower half: their rows, and rows by symmetry.
template <class T, int kColumns>
PLAIT_INLINE void multiply_columns(int64_t n, const T* a, int64_t ld, int64_t j, const T* x, T* y) {
  using V = Vec<T>;
  const T* const column = a + j * ld;
  for (int c = 0; c < kColumns; ++c) {
    y[j + c] += column[c * ld + j + c] * x[j + c];
    for (int r = c + 1; r < kColumns; ++r) {
      y[j + r] += column[c * ld + j + r] * x[j + c];
      y[j + c] += column[c * ld + j + r] * x[j + r];
    }
  }
  V factor[kColumns], sum[kColumns]{};
  for (int c = 0; c < kColumns; ++c) factor[c] = splat<V>(x[j + c]);
  for (int64_t i = j + kColumns; i < n; i += W<T>) {
    const int64_t rows = least(W<T>, n - i);
    const V xi = load_n(x + i, rows);
    V yi = load_n(y + i, rows);
    for (int c = 0; c < kColumns; ++c) {
      const V element = load_n(column + c * ld + i, rows);
      sum[c] = fma(element, xi, sum[c]);
      yi = fma(element, factor[c], yi);
    }
    store_n(y + i, yi, rows);
  }
  for (int c = 0; c < kColumns; ++c) y[j + c] += reduce_add(sum[c]);
}
template <class T>
void multiply_lower(int64_t n, const T* a, int64_t ld, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = 0;
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) multiply_columns<T, 4>(n, a, ld, j, x, y);
  for (; j < n; ++j) multiply_columns<T, 1>(n, a, ld, j, x, y);
}

// A -= v q^T + q v^T for kColumns columns, from row j on: what stands above the diagonal is not read.
template <class T, int kColumns>
PLAIT_INLINE void update_few(int64_t n, T* a, int64_t ld, int64_t j, const T* v, const T* q) {
  using V = Vec<T>;
  V by_v[kColumns], by_q[kColumns];
  for (int c = 0; c < kColumns; ++c) {
    by_v[c] = splat<V>(-q[j + c]);
    by_q[c] = splat<V>(-v[j + c]);
  }
  for (int64_t i = j; i < n; i += W<T>) {
    const int64_t rows = least(W<T>, n - i);
    const V vi = load_n(v + i, rows), qi = load_n(q + i, rows);
    for (int c = 0; c < kColumns; ++c) {
      T* const to = a + (j + c) * ld + i;
      store_n(to, fma(by_q[c], qi, fma(by_v[c], vi, load_n(to, rows))), rows);
    }
  }
}
template <class T>
void update_lower(int64_t n, T* a, int64_t ld, const T* v, const T* q) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) update_few<T, 4>(n, a, ld, j, v, q);
  for (; j < n; ++j) update_few<T, 1>(n, a, ld, j, v, q);
}

// With p = tau A v and q = p - tau / 2 (p^T v) v: H A H = A - v q^T - q v^T.
template <class T>
void tridiagonal(int64_t n, T* a, int64_t ld, T* d, T* e, T* tau, T* q) {
  for (int64_t k = 0; k + 1 < n; ++k) {
    const int64_t rest = n - k - 1;
    T *const v = a + k * (ld + 1) + 1, *const corner = v + ld;
    d[k] = v[-1];
    tau[k] = make_reflection(v, v + 1, rest - 1);
    e[k] = v[0];
    if (tau[k] == 0) continue;
    v[0] = 1;
    multiply_lower(rest, corner, ld, v, q);
    T dot;
    dots(rest, 1, q, rest, v, &dot);
    const T factor = -tau[k] * tau[k] * dot / 2;
    for (int64_t i = 0; i < rest; ++i) q[i] = tau[k] * q[i] + factor * v[i];
    update_lower(rest, corner, ld, v, q);
  }
  d[n - 1] = a[(n - 1) * (ld + 1)];
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
