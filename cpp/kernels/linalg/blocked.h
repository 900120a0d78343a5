// SPDX-License-Identifier: MIT
// Decompositions of one large real matrix by blocks, with the library's own products, which run on all
// threads. Block sizes are constants, so that no bit depends on threads.
#pragma once

#include <cstdint>

#include "core/workspace.h"

namespace plait::linalg {

// All matrices are column-major; ld is the leading dimension.

// P A = L U over A; as LAPACK's getrf.
template <class T>
int32_t lu_blocked(int64_t m, int64_t n, T* a, int64_t ld, int32_t* pivots);

// to[r * ldt + c] = from[c * ldf + r] for r < rows, c < cols.
template <class T>
void transpose_into(T* to, int64_t ldt, const T* from, int64_t ldf, int64_t rows, int64_t cols);

// A triangle (n x n): element (i, p) is a[i * rs + p * cs].
template <class T>
struct Triangle {
  const T* a;
  int64_t n, rs, cs;
  bool upper, unit;
};

// Right sides by rows, so that vectors hold elements of several of them: a copy of the columns of B (n x
// cols).
template <class T>
class RightSides {
 public:
  RightSides(const T* b, int64_t n, int64_t ld, int64_t cols);
  void store(T* b, int64_t ld) const;
  // Exchanges row i with row pivots[i] - 1 for all i, ascending or (back) descending.
  void exchange(const int32_t* pivots, bool back) const;
  // X of T X = B over B.
  void solve(const Triangle<T>& t) const;

 private:
  int64_t n_, cols_, ld_;
  Workspace space_;
};

// A^-1 (n x n) by the factors of A into y.
template <class T>
void invert_factored(int64_t n, const T* lu, const int32_t* pivots, T* y);

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

// C Q^T over C (m x n), Q of the k reflectors in the first columns of A (n x k).
template <class T>
void apply_q_right_blocked(int64_t m, int64_t n, int64_t k, const T* a, int64_t ld, const T* tau, T* c,
                           int64_t ldc);

// A = Q B P^T, B upper bidiagonal, m >= n: its diagonal d[n] and e[n - 1] above it. The reflectors of Q,
// whose factors are tauq[n], stand over the columns of A, those of P (taup[n - 1]) in the columns of v (n x
// n) from the second row on.
template <class T>
void bidiagonal_blocked(int64_t m, int64_t n, T* a, T* d, T* e, T* tauq, T* taup, T* v);

// Matrices whose smaller size is at least this are decomposed here. tuned: against OpenBLAS 0.3.34
inline constexpr int64_t kBlockedSize = 160;
// QR of at most as many columns takes them one by one.
inline constexpr int64_t kPanelSize = 80;

}  // namespace plait::linalg
