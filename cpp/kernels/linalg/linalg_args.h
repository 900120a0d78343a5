// SPDX-License-Identifier: MIT
// Decompositions of many small matrices at once. A group holds as many matrices as a vector has lanes,
// interleaved: element e of matrix `lane` is group[e * lanes + lane]. Every instruction then works on one
// element of all matrices of the group, so that even 2 x 2 matrices fill the vectors. Lanes without a matrix
// hold a copy of the last one.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

// A matrix of every lane: element (i, j) is data[(i * rs + j * cs) * lanes + lane].
template <class T>
struct LaneMatrix {
  T* data;
  int64_t rows, cols, rs, cs;
};

// A X = B, X over B. A (n x n) is triangular, with ones on its diagonal if `unit`; the other half is not
// read.
template <class T>
struct LaneTriangle {
  LaneMatrix<T> a, b;
  bool upper, unit;
};

// L X = B, X over B, for one matrix and many right sides, whose rows lie in memory: row i of X is x + i *
// ldx, of `vectors` vectors. L is lower triangular: element (i, p) is a[i * rs + p * cs], p <= i, ones on the
// diagonal if `unit`. Negative strides make an upper triangle of it.
template <class T>
struct SharedTriangle {
  const T* a;
  int64_t n, rs, cs;
  T* x;
  int64_t ldx, vectors;
  bool unit;
};

// Matrices whose larger size is at most this are decomposed in lanes, others one by one. Measured.
struct LinalgTuning {
  int64_t cholesky, lu, triangular, qr, eigh, svd;
};

// `info` is int32_t[lanes]: 0, or as LAPACK's. `pivots` is int32_t[k][lanes]: row i was exchanged with row
// pivots[i] - 1 >= i.
template <class T>
struct LinalgKernels {
  int64_t lanes;
  LinalgTuning tuning;
  // `count` <= lanes matrices of `size` elements, which lie `bs` apart.
  void (*interleave)(T* group, const T* matrices, int64_t bs, int64_t size, int64_t count);
  void (*deinterleave)(T* matrices, int64_t bs, int64_t size, int64_t count, const T* group);
  // A = L L^T by the lower triangle; the upper one becomes 0.
  void (*cholesky)(const LaneMatrix<T>& a, int32_t* info);
  // P A = L U with partial pivoting.
  void (*lu)(const LaneMatrix<T>& a, int32_t* pivots, int32_t* info);
  // The row exchanges of `lu` applied to b.
  void (*permute)(const LaneMatrix<T>& b, const int32_t* pivots, int64_t k);
  void (*solve_triangular)(const LaneTriangle<T>& args);
  void (*solve_shared)(const SharedTriangle<T>& args);
  // A = Q R by Householder reflections I - tau v v^T: R and below it v, whose first element is 1.
  // tau[k][lanes].
  void (*qr)(const LaneMatrix<T>& a, T* tau);
  // The first q.cols columns of Q = H_1 H_2 ... H_k in place of the reflectors of `qr`.
  void (*form_q)(const LaneMatrix<T>& q, const T* tau, int64_t k);
  // A = V diag(w) V^T by the lower half, unordered; A is overwritten, w[n][lanes], NaN in lanes whose
  // iteration did not end. V may be null (data).
  void (*eigh)(const LaneMatrix<T>& a, const LaneMatrix<T>& v, T* w);
  // A = U diag(s) V^T for rows >= cols, unordered; U over A. V may be null, A is then overwritten. s as w.
  void (*svd)(const LaneMatrix<T>& a, const LaneMatrix<T>& v, T* s);
};

using LinalgTable = PerReal<LinalgKernels>;

// The first `steps` columns and rows of A (m x n, m >= n) in upper bidiagonal form by reflections H_i = I -
// tauq_i u_i u_i^T from the left and G_i = I - taup_i v_i v_i^T from the right. d[steps] is the diagonal,
// e[steps] what stands above it. u_i stands over column i from row i on, v_i in column i of v (n rows) from
// row i + 1 on, both with their ones. The rest of A is left as it was: it is to lose U Y^T + X V^T, Y in the
// columns of y (n rows) and X in those of x (m rows).
inline constexpr int64_t kPanelSteps = 64;
template <class T>
struct BidiagonalPanel {
  int64_t m, n, steps;  // steps <= kPanelSteps, n
  T* a;
  int64_t ld;
  T* v;
  int64_t ldv;
  T* x;
  int64_t ldx;
  T* y;
  int64_t ldy;
  T *d, *e, *tauq, *taup;
};

// Decompositions of one matrix without scratch memory: small matrices, and panels of large ones. Matrices are
// column-major, ld is the leading dimension.
template <class T>
struct PanelKernels {
  // P A = L U with partial pivoting; as LAPACK's getrf. pivots[min(m, n)], from 1.
  int32_t (*lu)(int64_t m, int64_t n, T* a, int64_t ld, int32_t* pivots);
  // L X = B, X (k x n) over B, L with ones on its diagonal.
  void (*solve_unit_lower)(int64_t k, int64_t n, const T* l, int64_t ldl, T* b, int64_t ldb);
  // A = Q R by Householder reflections; as LAPACK's geqr2. tau[min(m, n)].
  void (*qr)(int64_t m, int64_t n, T* a, int64_t ld, T* tau);
  // The first n columns of Q = H_1 ... H_k over its reflectors.
  void (*form_q)(int64_t m, int64_t n, int64_t k, T* q, int64_t ld, const T* tau);
  // A = Q T Q^T by the lower half; as LAPACK's sytd2, but that the first element of each vector, 1, is stored
  // too. d[n], e[n - 1], tau[n - 1], work[n].
  void (*tridiagonal)(int64_t n, T* a, int64_t ld, T* d, T* e, T* tau, T* work);
  void (*bidiagonal)(const BidiagonalPanel<T>& panel);
};

using LinalgPanelTable = PerReal<PanelKernels>;

}  // namespace plait
