// SPDX-License-Identifier: MIT
// One symmetric matrix in tridiagonal form (PanelKernels in linalg_args.h), column by column: a product with
// the lower half, which serves both halves, and an update of rank 2. Bound by the loads of the half.
#pragma once

#include "kernels/isa/linalg_columns.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// y = A x by the lower half.
template <class T>
void multiply_lower(int64_t n, const T* a, int64_t ld, const T* x, T* y) {
  using V = Vec<T>;
  for (int64_t i = 0; i < n; ++i) y[i] = 0;
  for (int64_t j = 0; j < n; ++j) {
    const T* const column = a + j * ld;
    const V factor = splat<V>(x[j]);
    V sum{};
    for (int64_t i = j + 1; i < n; i += W<T>) {
      const int64_t rows = least(W<T>, n - i);
      const V element = load_n(column + i, rows);
      sum = fma(element, load_n(x + i, rows), sum);
      store_n(y + i, fma(element, factor, load_n(y + i, rows)), rows);
    }
    y[j] += column[j] * x[j] + reduce_add(sum);
  }
}

// A -= v q^T + q v^T, lower half
template <class T>
void update_lower(int64_t n, T* a, int64_t ld, const T* v, const T* q) {
  using V = Vec<T>;
  for (int64_t j = 0; j < n; ++j) {
    T* const column = a + j * ld;
    const V by_v = splat<V>(-q[j]), by_q = splat<V>(-v[j]);
    for (int64_t i = j; i < n; i += W<T>) {
      const int64_t rows = least(W<T>, n - i);
      const V x = fma(by_v, load_n(v + i, rows), load_n(column + i, rows));
      store_n(column + i, fma(by_q, load_n(q + i, rows), x), rows);
    }
  }
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
