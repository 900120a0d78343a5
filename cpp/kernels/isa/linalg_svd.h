// SPDX-License-Identifier: MIT
// Singular values, one matrix per lane: Householder reflections from both sides make the matrix bidiagonal,
// implicit QR steps make that diagonal. All lanes work on the same value; those that have it wait.
// Golub and Van Loan, "Matrix Computations", 8.6
#pragma once

#include "kernels/isa/linalg_lanes.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// The diagonal d and what stands above it: e[i] in row i.
template <class T>
struct Bidiagonal {
  Vec<T> d[kMostLaneSize], e[kMostLaneSize];
};

// Two rotations of one sweep per place, numbered from the last column on.
template <class T>
struct Rotations {
  Vec<T> c[kMostLaneSize], s[kMostLaneSize];
};

// Columns in the opposite order.
template <class T>
PLAIT_INLINE LaneMatrix<T> reversed(const LaneMatrix<T>& a) {
  return {at(a, 0, a.cols - 1), a.rows, a.cols, a.rs, -a.cs};
}

// A = Q B P^T for rows >= columns; the reflections stay in the columns and rows of A.
template <class T>
void make_bidiagonal(const LaneMatrix<T>& a, Vec<T>* tauq, Vec<T>* taup, Bidiagonal<T>& b) {
  const int64_t n = a.cols;
  for (int64_t k = 0; k < n; ++k) {
    const LaneMatrix<T> column = corner(a, k, k);
    tauq[k] = make_reflection(column);
    b.d[k] = get(column, 0, 0);
    b.e[k] = Vec<T>{};
    if (k + 1 == n) break;
    reflect(column, tauq[k], corner(a, k, k + 1));
    const LaneMatrix<T> row = transposed(corner(a, k, k + 1));
    taup[k] = make_reflection(row);
    b.e[k] = get(row, 0, 0);
    if (k + 1 < a.rows) reflect(row, taup[k], transposed(corner(a, k + 1, k + 1)));
  }
}

// What a step starts with in each lane: the first row of its block and the diagonal there.
template <class T>
struct SvdBlock {
  MaskOf<Vec<T>> first, active;
  Vec<T> diagonal;
};

// One implicit QR step of active lanes for rows `first` (it differs by lane, `top` is the least) to `last`:
// the shift is the eigenvalue of the last 2 x 2 matrix of B^T B that is closer to its last element.
template <class T>
void qr_step(Bidiagonal<T>& b, const SvdBlock<T>& block, int64_t top, int64_t last, int64_t n,
             Rotations<T>& left, Rotations<T>& right) {
  using V = Vec<T>;
  using I = MaskOf<V>;
  using Int = ElemT<I>;
  V *const d = b.d, *const e = b.e;
  V x = block.diagonal, c = V{} + 1;
  const V above = last >= 2 ? (block.first < static_cast<Int>(last - 1) ? e[last - 2] : V{}) : V{};
  const V z = d[last], w = d[last - 1], h = e[last - 1], twice = 2 * h * w;
  const V ratio =
      ((w - z) * (w + z) + (above - h) * (above + h)) / (abs(twice) < kGuard<T> ? V{} + kGuard<T> : twice);
  const V root = sqrt(fma(ratio, ratio, V{} + 1));
  V f = (x - z) * (x + z) + h * (w / (ratio + copysign(root, ratio)) - h);
  // (f, x e) is the first column of B^T B less the shift; only its direction counts.
  const V size = max(abs(f), abs(x)), unit = size == 0 ? V{} + 1 : size;
  V s = x / unit;
  f /= unit;
  for (int64_t j = top; j < last; ++j) {
    const I on = block.active & (block.first <= static_cast<Int>(j)),
            inside = on & (block.first < static_cast<Int>(j));
    const V bulge = s * e[j], beside = c * e[j];
    const V square = fma(f, f, bulge * bulge), length = sqrt(square), inverse = 1 / length;
    const I none = square < kGuard<T>;
    const V cr = none ? V{} + 1 : f * inverse, sr = none ? V{} : bulge * inverse;
    if (j > top) e[j - 1] = inside ? length : e[j - 1];
    const V p = fma(x, cr, beside * sr), q = fma(beside, cr, -x * sr), r = d[j + 1] * sr, y = d[j + 1] * cr;
    const V square2 = fma(p, p, r * r), length2 = sqrt(square2), inverse2 = 1 / length2;
    const I zero = square2 < kGuard<T>;
    V cl = p * inverse2, sl = r * inverse2;
    if (any(zero & on)) {  // a column of zeros: e_j is rotated away instead
      const V other = sqrt(fma(q, q, y * y)), by = 1 / other;
      const I nothing = other == 0;
      cl = zero ? (nothing ? V{} + 1 : y * by) : cl;
      sl = zero ? (nothing ? V{} : -q * by) : sl;
    }
    d[j] = on ? (zero ? V{} : length2) : d[j];
    f = on ? fma(cl, q, sl * y) : f;
    x = on ? fma(cl, y, -sl * q) : x;
    c = on ? cl : c;
    s = on ? sl : s;
    const int64_t at = n - 2 - j;
    right.c[at] = on ? cr : V{} + 1;
    right.s[at] = on ? sr : V{};
    left.c[at] = on ? cl : V{} + 1;
    left.s[at] = on ? sl : V{};
  }
  e[last - 1] = block.active ? f : e[last - 1];
  d[last] = block.active ? x : d[last];
}

// The singular values over d, the rotations in the columns of u and v (null data: none). Lanes whose
// iteration does not end get NaN.
template <class T>
void diagonalize(Bidiagonal<T>& b, int64_t n, const LaneMatrix<T>& u, const LaneMatrix<T>& v) {
  using V = Vec<T>;
  using I = MaskOf<V>;
  using Int = ElemT<I>;
  Rotations<T> left, right;
  const V floor = ldexp(V{} + kEpsilon<T> / 4, V{} + static_cast<T>(kMiddle<T>));
  I failed{};
  for (int64_t last = n; last-- > 1;) {
    SvdBlock<T> block{};
    for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
      block.first = I{};
      block.diagonal = b.d[0];
      for (int64_t i = 0; i < last; ++i) {
        const I small = abs(b.e[i]) <= fma(V{} + kEpsilon<T>, abs(b.d[i]) + abs(b.d[i + 1]), floor);
        block.first = small ? I{} + static_cast<Int>(i + 1) : block.first;
        block.diagonal = small ? b.d[i + 1] : block.diagonal;
      }
      block.active = block.first < static_cast<Int>(last);
      if (!any(block.active)) break;
      int64_t top = last;
      for (int64_t lane = 0; lane < W<T>; ++lane) top = block.first[lane] < top ? block.first[lane] : top;
      qr_step(b, block, top, last, n, left, right);
      if (!v.data) continue;
      rotate_columns(reversed(v), right.c, right.s, n - 1 - last, n - 1 - top);
      rotate_columns(reversed(u), left.c, left.s, n - 1 - last, n - 1 - top);
    }
    failed |= block.active;
  }
  for (int64_t j = 0; j < n; ++j) {
    const V sign = copysign(V{} + 1, b.d[j]);
    for (int64_t i = 0; v.data && i < n; ++i) store(at(v, i, j), sign * get(v, i, j));
    b.d[j] = failed ? V{} + __builtin_nan("") : abs(b.d[j]);
  }
}

template <class T>
void svd(const LaneMatrix<T>& a, const LaneMatrix<T>& v, T* s) {
  using V = Vec<T>;
  const int64_t n = a.cols;
  V largest{}, tauq[kMostLaneSize]{}, taup[kMostLaneSize]{};
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = 0; i < a.rows; ++i) largest = max(largest, abs(get(a, i, j)));
  }
  const V exponent = middle_exponent<T>(largest);
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = 0; i < a.rows; ++i) store(at(a, i, j), ldexp(get(a, i, j), exponent));
  }
  Bidiagonal<T> b;
  make_bidiagonal(a, tauq, taup, b);
  if (v.data) {
    set_identity(v);
    for (int64_t k = n - 2; k-- > 0;) {
      reflect(transposed(corner(a, k, k + 1)), taup[k], corner(v, k + 1, k + 1));
    }
    form_q(a, reinterpret_cast<const T*>(tauq), n);
  }
  diagonalize(b, n, a, v);
  for (int64_t i = 0; i < n; ++i) store(s + i * W<T>, ldexp(b.d[i], -exponent));
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
