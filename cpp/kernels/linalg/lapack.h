// SPDX-License-Identifier: MIT
// LAPACK for one matrix, by its names and in its terms: matrices are column-major, `ld` is the leading
// dimension, the result is `info`. Work arrays come from the thread's scratch memory. All raise
// NotImplementedError in a build whose package lacks OpenBLAS.
#pragma once

#include <complex>
#include <cstdint>

namespace plait::lapack {

template <class T>
struct RealOf {
  using type = T;
};
template <class R>
struct RealOf<std::complex<R>> {
  using type = R;
};
template <class T>
using Real = typename RealOf<T>::type;

// A = L L^H (lower) or U^H U, over the half that is read.
template <class T>
int potrf(bool lower, int n, T* a, int ld);
// A^-1 of a factor of potrf, one half.
template <class T>
int potri(bool lower, int n, T* a, int ld);
// P A = L U; pivots[min(m, n)], from 1.
template <class T>
int getrf(int m, int n, T* a, int ld, int32_t* pivots);
// B over the solution of A X = B, A^T X = B or A^H X = B ('N', 'T', 'C') with a triangle.
template <class T>
void trtrs(bool lower, char trans, bool unit, int n, int k, const T* a, int ld, T* b, int ldb);
// A = Q R: R and the reflectors over A.
template <class T>
int geqrf(int m, int n, T* a, int ld, T* tau);
// The first n columns of Q from k reflectors.
template <class T>
int orgqr(int m, int n, int k, T* a, int ld, const T* tau);
// C over Q C (left) or C Q, Q^H in place of Q if trans.
template <class T>
int ormqr(bool left, bool trans, int m, int n, int k, const T* a, int ld, const T* tau, T* c, int ldc);
// A = U diag(s) Vh; job: 'A' all of U and Vh, 'S' their first min(m, n) vectors, 'N' neither. A is
// overwritten. fall_back: by QR iterations instead of divide and conquer.
template <class T>
int gesdd(char job, int m, int n, T* a, int ld, Real<T>* s, T* u, int ldu, T* vh, int ldv, bool fall_back);
// A = V diag(w) V^H by one half, V over A (with vectors).
template <class T>
int syevd(bool vectors, bool lower, int n, T* a, int ld, Real<T>* w);
// A = Q T Q^T: the diagonal d[n] and e[n - 1] of T, the reflectors over A; real T only.
template <class T>
int sytrd(bool lower, int n, T* a, int ld, T* d, T* e, T* tau);
// Eigenvalues over d and eigenvectors z (null: none) of a tridiagonal matrix; e is overwritten. Real T only.
template <class T>
int stedc(int n, T* d, T* e, T* z, int ld);
// B = U diag(s) Vt (n x n; null: values only), B upper bidiagonal with d[n] and above it e[n - 1], by divide
// and conquer, s over d; e is overwritten. Real T only.
template <class T>
int bdsdc(int n, T* d, T* e, T* u, int ldu, T* vt, int ldvt);
// Eigenvalues w[n] as complex numbers and the right eigenvectors v (n x n; null: none). A is overwritten.
template <class T>
int geev(int n, T* a, int ld, std::complex<Real<T>>* w, std::complex<Real<T>>* v, int ldv);
// A = L D L^T, or L D L^H (hermitian).
template <class T>
int sytrf(bool lower, bool hermitian, int n, T* a, int ld, int32_t* pivots);
template <class T>
int sytrs(bool lower, bool hermitian, int n, int k, const T* a, int ld, const int32_t* pivots, T* b, int ldb);

// min |A X - B| over B (max(m, n) x k). A is overwritten.
template <class T>
int gels(int m, int n, int k, T* a, int ld, T* b, int ldb);
// The same by a complete orthogonal factorisation with pivoting; rank by rcond.
template <class T>
int gelsy(int m, int n, int k, T* a, int ld, T* b, int ldb, Real<T> rcond, int* rank);
// The same by singular values s[min(m, n)]; divide: by divide and conquer.
template <class T>
int gelss(bool divide, int m, int n, int k, T* a, int ld, T* b, int ldb, Real<T>* s, Real<T> rcond,
          int* rank);

}  // namespace plait::lapack
