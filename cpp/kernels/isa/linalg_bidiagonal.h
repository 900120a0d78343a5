// SPDX-License-Identifier: MIT
// Some columns and rows of a matrix in bidiagonal form (BidiagonalPanel in linalg_args.h). The matrix is read
// once per step: a column gives its element of the next row and, while it lies in the cache, its part of the
// product with that row. Bound by the memory or cache that the matrix lies in.
// Howell, Demmel, Fulton, Hammarling and Marmol, "Cache efficient bidiagonalization using BLAS 2.5
// operators", 2008
#pragma once

#include "kernels/isa/linalg_columns.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// -row i of a (rows x k) into factors.
template <class T>
PLAIT_INLINE void negative_row(const T* a, int64_t ld, int64_t i, int64_t k, T* factors) {
  for (int64_t c = 0; c < k; ++c) factors[c] = -a[c * ld + i];
}

// With u and tau of the column's reflection: y_j = a_j . u + y_j, row_j -= tau y_j, w += row_j a_j for n
// columns of m elements.
template <class T, int kColumns>
PLAIT_INLINE void pass_columns(int64_t m, const T* a, int64_t ld, const T* u, T tau, T* y, T* row, T* w) {
  T dot[kColumns];
  dot_columns<T, kColumns>(m, a, ld, u, dot);
  for (int c = 0; c < kColumns; ++c) {
    y[c] += dot[c];
    row[c] -= tau * y[c];
  }
  add_few_columns<T, kColumns>(m, a, ld, row, w);
}
template <class T>
void pass(int64_t m, int64_t n, const T* a, int64_t ld, const T* u, T tau, T* y, T* row, T* w) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) pass_columns<T, 4>(m, a + j * ld, ld, u, tau, y + j, row + j, w);
  for (; j < n; ++j) pass_columns<T, 1>(m, a + j * ld, ld, u, tau, y + j, row + j, w);
}

// A - U Y^T - X V^T stands for the matrix after the steps so far; U are the columns of A.
template <class T>
void bidiagonal(const BidiagonalPanel<T>& p) {
  T factors[kPanelSteps];
  for (int64_t i = 0; i < p.steps; ++i) {
    const int64_t m = p.m - i, n = p.n - i - 1;  // of the column, and of the row beside it
    T *const u = p.a + i * (p.ld + 1), *const right = u + p.ld;
    T *const y = p.y + i * p.ldy + i + 1, *const x = p.x + i * p.ldx + i, *const v = p.v + i * p.ldv + i + 1;
    negative_row(p.y, p.ldy, i, i, factors);
    add_columns(m, i, p.a + i, p.ld, factors, u);
    negative_row(p.v, p.ldv, i, i, factors);
    add_columns(m, i, p.x + i, p.ldx, factors, u);
    const T tau = make_reflection(u, u + 1, m - 1);
    p.d[i] = *u;
    p.tauq[i] = tau;
    if (n <= 0) break;
    *u = 1;
    // Row i into v, before the reflection of the column.
    for (int64_t j = 0; j < n; ++j) v[j] = right[j * p.ld];
    negative_row(p.a, p.ld, i, i, factors);
    add_columns(n, i, p.y + i + 1, p.ldy, factors, v);
    negative_row(p.x, p.ldx, i, i, factors);
    add_columns(n, i, p.v + i + 1, p.ldv, factors, v);
    // y = A^T u - Y (U^T u) - V (X^T u), and x = A v' with the row v' after the reflection
    for (int64_t j = 0; j < n; ++j) y[j] = 0;
    for (int64_t j = 0; j < m; ++j) x[j] = 0;
    dots(m, i, p.a + i, p.ld, u, factors);
    for (int64_t c = 0; c < i; ++c) factors[c] = -factors[c];
    add_columns(n, i, p.y + i + 1, p.ldy, factors, y);
    dots(m, i, p.x + i, p.ldx, u, factors);
    for (int64_t c = 0; c < i; ++c) factors[c] = -factors[c];
    add_columns(n, i, p.v + i + 1, p.ldv, factors, y);
    pass(m, n, right, p.ld, u, tau, y, v, x);
    for (int64_t j = 0; j < n; ++j) y[j] *= tau;
    // v = (v' - beta e_1) / (v'_1 - beta), and so is A v
    const T first = v[0];
    const T taup = make_reflection(v, v + 1, n - 1);
    const T beta = v[0];
    p.e[i] = beta;
    p.taup[i] = taup;
    v[0] = 1;
    if (taup == 0) {
      for (int64_t j = 0; j < m; ++j) x[j] = 0;
      continue;
    }
    factors[0] = -beta;
    add_columns(m, 1, right, p.ld, factors, x);
    divide(x, m, first - beta);
    // x = A v - U (Y^T v) - X (V^T v)
    dots(n, i + 1, p.y + i + 1, p.ldy, v, factors);
    for (int64_t c = 0; c <= i; ++c) factors[c] = -factors[c];
    add_columns(m, i + 1, p.a + i, p.ld, factors, x);
    dots(n, i, p.v + i + 1, p.ldv, v, factors);
    for (int64_t c = 0; c < i; ++c) factors[c] = -factors[c];
    add_columns(m, i, p.x + i, p.ldx, factors, x);
    for (int64_t j = 0; j < m; ++j) x[j] *= taup;
  }
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
