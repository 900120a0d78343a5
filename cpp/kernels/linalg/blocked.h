// SPDX-License-Identifier: MIT
// Decompositions of one large real matrix by blocks, with the library's own products, which run on all
// threads. Panels and diagonal blocks are LAPACK's. Block sizes are constants, so that no bit depends on
// threads.
#pragma once

#include <cstdint>

namespace plait::linalg {

// All matrices are column-major; ld is the leading dimension.

// P A = L U over A; as LAPACK's getrf.
template <class T>
int32_t lu_blocked(int64_t m, int64_t n, T* a, int64_t ld, int32_t* pivots);

// L X = B over the n rows of `cols` columns of B, at most kColumnRun. Element (i, p) of the triangle is
// a[i * rs + p * cs].
template <class T>
struct Triangle {
  const T* a;
  int64_t n, rs, cs;
  bool upper, unit;
};
template <class T>
void solve_run(const Triangle<T>& t, T* b, int64_t ld, int64_t cols);

// R and the reflectors over A, tau[min(m, n)]; as LAPACK's geqrf.
template <class T>
void qr_blocked(int64_t m, int64_t n, T* a, int64_t ld, T* tau);

// The first n columns of the product of k reflectors, over them; as LAPACK's orgqr.
template <class T>
void form_q_blocked(int64_t m, int64_t n, int64_t k, T* q, int64_t ld, const T* tau);

// Q C over C (m x n), Q of the k reflectors in the first columns of A (m x k).
template <class T>
void apply_q_blocked(int64_t m, int64_t n, int64_t k, const T* a, int64_t ld, const T* tau, T* c,
                     int64_t ldc);

// Matrices whose smaller size is at least this are decomposed here. tuned: against OpenBLAS 0.3.34
inline constexpr int64_t kBlockedSize = 160;

}  // namespace plait::linalg
