// SPDX-License-Identifier: MIT
// Decompositions of batches of matrices. Small ones are decomposed in the lanes of vectors
// (linalg_args.h), others by LAPACK or by blocked algorithms on the library's own products. Batches are split
// over threads by matrices, products inside a large one by blocks that its sizes alone decide: no result
// depends on threads.
//
// T is float, double or a complex number of them. info[count] is 0 for a matrix that was decomposed, else as
// LAPACK's; kNotFinite where an iteration was not begun.
#pragma once

#include <complex>
#include <cstdint>

#include "kernels/linalg/lapack.h"

namespace plait::linalg {

using lapack::Real;

// `count` matrices (rows x cols), column-major and one behind the other.
template <class T>
struct Matrices {
  T* data;
  int64_t rows, cols, count;

  int64_t size() const { return rows * cols; }
  T* matrix(int64_t i) const { return data + i * size(); }
};

enum class Trans : char { kNo = 'N', kTranspose = 'T', kAdjoint = 'C' };
struct TriangleOptions {
  bool lower;
  Trans trans = Trans::kNo;
  bool unit = false;
};
enum class LeastSquares : uint8_t { kQr, kPivotedQr, kSvd, kDividedSvd };

inline constexpr int32_t kNotFinite = -1;

// The lower factor of A by its lower half, over A; the upper half becomes 0.
template <class T>
void cholesky(const Matrices<T>& a, int32_t* info);
// The inverse of A by its factor, the lower half over it.
template <class T>
void cholesky_inverse(const Matrices<T>& l);
// P A = L U over A. pivots[count][min(rows, cols)], from 1.
template <class T>
void lu_factor(const Matrices<T>& a, int32_t* pivots, int32_t* info);
// X over B.
template <class T>
void lu_solve(const Matrices<const T>& lu, const int32_t* pivots, Trans trans, const Matrices<T>& b);
// A^-1 into `y`. A is overwritten by its factors.
template <class T>
void inverse(const Matrices<T>& a, const Matrices<T>& y, int32_t* info);
template <class T>
void solve_triangular(const Matrices<const T>& a, const TriangleOptions& options, const Matrices<T>& b);
// R and the reflectors over A; tau[count][min(rows, cols)].
template <class T>
void qr_factor(const Matrices<T>& a, T* tau);
// Q's first q.cols columns over the reflectors of `k` steps.
template <class T>
void form_q(const Matrices<T>& q, const T* tau, int64_t k);
// Q C, C Q and the same with Q^H, over C.
template <class T>
void apply_q(const Matrices<const T>& a, const T* tau, int64_t k, bool left, bool trans,
             const Matrices<T>& c);
// Singular values s[count][min], descending. u and vh are null (data) or all or the first min(rows, cols)
// vectors. A is overwritten.
template <class T>
void svd(const Matrices<T>& a, const Matrices<T>& u, Real<T>* s, const Matrices<T>& vh, int32_t* info);
// Eigenvalues w[count][n], ascending, by the lower half; with vectors, V over A.
template <class T>
void eigh(const Matrices<T>& a, bool vectors, Real<T>* w, int32_t* info);
// Complex eigenvalues w[count][n] and right eigenvectors (null data: none). A is overwritten.
template <class T>
void eig(const Matrices<T>& a, std::complex<Real<T>>* w, const Matrices<std::complex<Real<T>>>& v,
         int32_t* info);
// L D L^T (L^H), lower half over A. pivots[count][n].
template <class T>
void ldl_factor(const Matrices<T>& a, bool hermitian, int32_t* pivots, int32_t* info);
template <class T>
void ldl_solve(const Matrices<const T>& ld, const int32_t* pivots, bool hermitian, const Matrices<T>& b);
// min |A X - B| over the first rows of B (max(rows, cols) rows). rank[count], s[count][min] or null. A is
// overwritten.
template <class T>
void least_squares(const Matrices<T>& a, const Matrices<T>& b, LeastSquares method, double rcond,
                   int64_t* rank, Real<T>* s, int32_t* info);

}  // namespace plait::linalg
