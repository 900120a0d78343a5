// SPDX-License-Identifier: MIT
// Eigenvalues of symmetric matrices, one per lane: Householder reflections make the matrix tridiagonal,
// implicit QL steps make that diagonal. All lanes work on the same eigenvalue; those that have it wait.
// Golub and Van Loan, "Matrix Computations", 8.3; Bowdler, Martin, Reinsch and Wilkinson, "The QR and QL
// algorithms for symmetric matrices", 1968
#pragma once

#include "kernels/isa/linalg_lanes.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// The diagonal d and what stands beside it: e[i] between i and i + 1.
template <class T>
struct Tridiagonal {
  Vec<T> d[kMostLaneSize], e[kMostLaneSize];
};

// y = A x (lower half), kRows rows of A against all elements to their left.
template <class T, int kRows>
PLAIT_INLINE void multiply_rows(const LaneMatrix<T>& a, int64_t i, const Vec<T>* x, Vec<T>* y) {
  using V = Vec<T>;
  V sum[kRows]{}, own[kRows];
  for (int r = 0; r < kRows; ++r) own[r] = x[i + r];
  for (int64_t j = 0; j < i; ++j) {
    const V xj = x[j];
    V other = y[j];
    for (int r = 0; r < kRows; ++r) {
      const V element = get(a, i + r, j);
      sum[r] = fma(element, xj, sum[r]);
      other = fma(element, own[r], other);
    }
    y[j] = other;
  }
  for (int r = 0; r < kRows; ++r) {
    for (int q = 0; q < r; ++q) {
      const V element = get(a, i + r, i + q);
      sum[r] = fma(element, own[q], sum[r]);
      sum[q] = fma(element, own[r], sum[q]);
    }
    sum[r] = fma(get(a, i + r, i + r), own[r], sum[r]);
  }
  for (int r = 0; r < kRows; ++r) y[i + r] = sum[r];
}
template <class T>
void multiply_symmetric(const LaneMatrix<T>& a, const Vec<T>* x, Vec<T>* y) {
  int64_t i = 0;
  for (; i + 4 <= a.rows; i += 4) multiply_rows<T, 4>(a, i, x, y);
  for (; i < a.rows; ++i) multiply_rows<T, 1>(a, i, x, y);
}

// A -= v q^T + q v^T (lower half)
template <class T>
void update_symmetric(const LaneMatrix<T>& a, const Vec<T>* v, const Vec<T>* q) {
  using V = Vec<T>;
  for (int64_t j = 0; j < a.cols; ++j) {
    const V vj = -v[j], qj = -q[j];
    for (int64_t i = j; i < a.rows; ++i) {
      store(at(a, i, j), fma(v[i], qj, fma(q[i], vj, get(a, i, j))));
    }
  }
}

// A = Q T Q^T by H A H, H of each column: with p = tau A v and q = p - tau / 2 (p^T v) v, A -= v q^T + q v^T.
// The vectors v stay below the diagonal, but for their ones.
template <class T>
void make_tridiagonal(const LaneMatrix<T>& a, Vec<T>* tau, Tridiagonal<T>& t) {
  using V = Vec<T>;
  const int64_t n = a.rows;
  V v[kMostLaneSize], q[kMostLaneSize];
  for (int64_t k = 0; k + 1 < n; ++k) {
    const LaneMatrix<T> column = corner(a, k + 1, k), rest = corner(a, k + 1, k + 1);
    tau[k] = make_reflection(column);
    t.d[k] = get(a, k, k);
    t.e[k] = get(column, 0, 0);
    if (k + 2 == n) break;
    v[0] = V{} + 1;
    for (int64_t i = 1; i < rest.rows; ++i) v[i] = get(column, i, 0);
    multiply_symmetric(rest, v, q);
    V dot{};
    for (int64_t i = 0; i < rest.rows; ++i) dot = fma(q[i], v[i], dot);
    const V half = tau[k] * tau[k] * dot / 2;
    for (int64_t i = 0; i < rest.rows; ++i) q[i] = fma(tau[k], q[i], -half * v[i]);
    update_symmetric(rest, v, q);
  }
  t.d[n - 1] = get(a, n - 1, n - 1);
  t.e[n - 1] = V{};
}

// One implicit QL step of lanes with `active` for rows l to m (m differs by lane, `top` is the last one): the
// shift is the eigenvalue of the leading 2 x 2 matrix that is closer to d[l].
template <class T>
void ql_step(Tridiagonal<T>& t, int64_t l, int64_t top, MaskOf<Vec<T>> m, MaskOf<Vec<T>> active, Vec<T> last,
             Vec<T>* cosines, Vec<T>* sines) {
  using V = Vec<T>;
  using I = MaskOf<V>;
  using Int = ElemT<I>;
  V *const d = t.d, *const e = t.e;
  const V ratio = (d[l + 1] - d[l]) / (2 * e[l]);
  const V root = sqrt(fma(ratio, ratio, V{} + 1));
  V g = last - d[l] + e[l] / (ratio + copysign(root, ratio)), s = V{} + 1, c = s, p{};
  for (int64_t i = top - 1; i >= l; --i) {
    const I on = active & (m > static_cast<Int>(i)), first = m == static_cast<Int>(i + 1);
    const V f = s * e[i], b = c * e[i], square = fma(f, f, g * g);
    const I none = square < kGuard<T>;  // T splits here
    const V length = sqrt(square), inverse = 1 / length;
    const V sine = none ? V{} : f * inverse, cosine = none ? V{} + 1 : g * inverse;
    const V diagonal = d[i + 1] - p, r = fma(d[i] - diagonal, sine, 2 * cosine * b), shift = sine * r;
    e[i + 1] = on ? (first | none ? V{} : length) : e[i + 1];
    d[i + 1] = on ? diagonal + shift : d[i + 1];
    s = on ? sine : s;
    c = on ? cosine : c;
    p = on ? shift : p;
    g = on ? fma(cosine, r, -b) : g;
    sines[i] = on ? sine : V{};
    cosines[i] = on ? cosine : V{} + 1;
  }
  d[l] = active ? d[l] - p : d[l];
  e[l] = active ? g : e[l];
}

// The eigenvalues over d, the rotations in the columns of v (null data: none). Lanes whose iteration does not
// end get NaN.
template <class T>
void diagonalize(Tridiagonal<T>& t, int64_t n, const LaneMatrix<T>& v) {
  using V = Vec<T>;
  using I = MaskOf<V>;
  using Int = ElemT<I>;
  V cosines[kMostLaneSize], sines[kMostLaneSize];
  const V floor = splat<V>(kEpsilon<T> * kEpsilon<T>) * ldexp(V{} + 1, V{} + static_cast<T>(kMiddle<T>));
  I failed{};
  for (int64_t l = 0; l + 1 < n; ++l) {
    I active{};
    for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
      I m = I{} + static_cast<Int>(n - 1);
      V last = t.d[n - 1];
      for (int64_t i = n - 1; i-- > l;) {
        const I small = abs(t.e[i]) <= fma(V{} + kEpsilon<T>, abs(t.d[i]) + abs(t.d[i + 1]), floor);
        m = small ? I{} + static_cast<Int>(i) : m;
        last = small ? t.d[i] : last;
      }
      active = m > static_cast<Int>(l);
      if (!any(active)) break;
      int64_t top = l;
      for (int64_t lane = 0; lane < W<T>; ++lane) top = m[lane] > top ? m[lane] : top;
      ql_step(t, l, top, m, active, last, cosines, sines);
      if (v.data) rotate_columns(v, cosines, sines, l, top);
    }
    failed |= active;
  }
  for (int64_t i = 0; i < n; ++i) t.d[i] = failed ? V{} + __builtin_nan("") : t.d[i];
}

template <class T>
void eigh(const LaneMatrix<T>& a, const LaneMatrix<T>& v, T* w) {
  using V = Vec<T>;
  const int64_t n = a.rows;
  V largest{}, tau[kMostLaneSize];
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = j; i < n; ++i) largest = max(largest, abs(get(a, i, j)));
  }
  const V exponent = middle_exponent<T>(largest);
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = j; i < n; ++i) store(at(a, i, j), ldexp(get(a, i, j), exponent));
  }
  Tridiagonal<T> t;
  make_tridiagonal(a, tau, t);
  if (v.data) {
    set_identity(v);
    for (int64_t k = n - 2; k-- > 0;) reflect(corner(a, k + 1, k), tau[k], corner(v, k + 1, k + 1));
  }
  diagonalize(t, n, v);
  for (int64_t i = 0; i < n; ++i) store(w + i * W<T>, ldexp(t.d[i], -exponent));
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
