// SPDX-License-Identifier: MIT
// What decompositions in lanes share (linalg_args.h): access to elements, Householder reflections.
#pragma once

#include "kernels/isa/vec.h"
#include "kernels/linalg/linalg_args.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
inline constexpr int64_t W = kLanes<T>;
// Of the matrices whose iterations keep a few vectors per row beside them.
inline constexpr int64_t kMostLaneSize = 64;

// Element (i, j) of every lane.
template <class T>
PLAIT_INLINE T* at(const LaneMatrix<T>& a, int64_t i, int64_t j) {
  return a.data + (i * a.rs + j * a.cs) * W<T>;
}
template <class T>
PLAIT_INLINE Vec<T> get(const LaneMatrix<T>& a, int64_t i, int64_t j) {
  return load(at(a, i, j));
}

// Rows from i on and columns from j on.
template <class T>
PLAIT_INLINE LaneMatrix<T> corner(const LaneMatrix<T>& a, int64_t i, int64_t j) {
  return {at(a, i, j), a.rows - i, a.cols - j, a.rs, a.cs};
}
template <class T>
PLAIT_INLINE LaneMatrix<T> transposed(const LaneMatrix<T>& a) {
  return {a.data, a.cols, a.rows, a.cs, a.rs};
}
template <class T>
void set_identity(const LaneMatrix<T>& a) {
  for (int64_t j = 0; j < a.cols; ++j) {
    for (int64_t i = 0; i < a.rows; ++i) store(at(a, i, j), Vec<T>{} + static_cast<T>(i == j));
  }
}

// The reflection H = I - tau v v^T that makes column 0 of x a multiple of e_1. beta stands over its first
// element and v, whose first element is 1, over the others. Squares are of x / max |x|: none overflows.
template <class T>
Vec<T> make_reflection(const LaneMatrix<T>& x) {
  using V = Vec<T>;
  V largest{}, sum{};
  for (int64_t i = 1; i < x.rows; ++i) largest = max_nan(largest, abs(get(x, i, 0)));
  const V inverse = largest == 0 ? V{} : 1 / largest;
  for (int64_t i = 1; i < x.rows; ++i) {
    const V part = get(x, i, 0) * inverse;
    sum = fma(part, part, sum);
  }
  const V norm = largest * sqrt(sum), alpha = get(x, 0, 0);
  const V size = max(abs(alpha), norm), unit = size == 0 ? V{} + 1 : size;
  const V p = alpha / unit, q = norm / unit;
  const V beta = -copysign(unit * sqrt(p * p + q * q), alpha);
  const MaskOf<V> none = norm == 0;  // H = I
  const V scale = none ? V{} : 1 / (alpha - beta);
  for (int64_t i = 1; i < x.rows; ++i) store(at(x, i, 0), get(x, i, 0) * scale);
  store(at(x, 0, 0), none ? alpha : beta);
  return none ? V{} : (beta - alpha) / beta;
}

// b -= tau v (v^T b), where v is column 0 of `v` with 1 in place of its first element.
template <class T, int kColumns>
PLAIT_INLINE void reflect_columns(const LaneMatrix<T>& v, Vec<T> tau, const LaneMatrix<T>& b, int64_t j) {
  using V = Vec<T>;
  V sum[kColumns];
  for (int c = 0; c < kColumns; ++c) sum[c] = get(b, 0, j + c);
  for (int64_t i = 1; i < b.rows; ++i) {
    const V x = get(v, i, 0);
    for (int c = 0; c < kColumns; ++c) sum[c] = fma(x, get(b, i, j + c), sum[c]);
  }
  for (int c = 0; c < kColumns; ++c) {
    sum[c] *= -tau;
    store(at(b, 0, j + c), get(b, 0, j + c) + sum[c]);
  }
  for (int64_t i = 1; i < b.rows; ++i) {
    const V x = get(v, i, 0);
    for (int c = 0; c < kColumns; ++c) store(at(b, i, j + c), fma(sum[c], x, get(b, i, j + c)));
  }
}
template <class T>
void reflect(const LaneMatrix<T>& v, Vec<T> tau, const LaneMatrix<T>& b) {
  int64_t j = 0;
  for (; j + 4 <= b.cols; j += 4) reflect_columns<T, 4>(v, tau, b, j);
  for (; j < b.cols; ++j) reflect_columns<T, 1>(v, tau, b, j);
}

// From the last reflector on: column k of H_1 .. H_k is e_k - tau v above the columns that follow.
template <class T>
void form_q(const LaneMatrix<T>& q, const T* taus, int64_t steps) {
  using V = Vec<T>;
  for (int64_t j = steps; j < q.cols; ++j) {
    for (int64_t i = 0; i < q.rows; ++i) store(at(q, i, j), V{} + static_cast<T>(i == j));
  }
  for (int64_t k = steps; k-- > 0;) {
    const V tau = load(taus + k * W<T>);
    reflect(corner(q, k, k), tau, corner(q, k, k + 1));
    for (int64_t i = 0; i < k; ++i) store(at(q, i, k), V{});
    store(at(q, k, k), 1 - tau);
    for (int64_t i = k + 1; i < q.rows; ++i) store(at(q, i, k), -tau * get(q, i, k));
  }
}

// Iterations work on matrices whose largest element is scaled to about 2^kMiddle, an exact product: squares
// then neither overflow nor vanish unless they do not matter. kGuard is a square that does not.
template <class T>
inline constexpr int kMiddle = sizeof(T) == 4 ? 40 : 400;
template <class T>
inline constexpr T kGuard = sizeof(T) == 4 ? T(0x1p-100) : T(0x1p-900);
template <class T>
inline constexpr T kEpsilon = sizeof(T) == 4 ? T(0x1p-24) : T(0x1p-53);

// The exponent that scales numbers of at most `largest`.
template <class T>
PLAIT_INLINE Vec<T> middle_exponent(Vec<T> largest) {
  using I = MaskOf<Vec<T>>;
  constexpr int kMantissa = sizeof(T) == 4 ? 23 : 52, kBias = sizeof(T) == 4 ? 127 : 1023;
  return __builtin_convertvector(kMiddle<T> + kBias - ((I)largest >> kMantissa), Vec<T>);
}

// Rotations of neighbouring columns, made in one sweep: rotation i takes columns i and i + 1 to
//   (c_i x_i - s_i y, s_i x_i + c_i y), y column i + 1 as rotation i + 1 has left it.
template <class T, int kRows>
PLAIT_INLINE void rotate_rows(const LaneMatrix<T>& v, int64_t row, const Vec<T>* c, const Vec<T>* s,
                              int64_t first, int64_t last) {
  using V = Vec<T>;
  V y[kRows];
  for (int r = 0; r < kRows; ++r) y[r] = get(v, row + r, last);
  for (int64_t i = last; i-- > first;) {
    const V cosine = c[i], sine = s[i];
    for (int r = 0; r < kRows; ++r) {
      const V x = get(v, row + r, i);
      store(at(v, row + r, i + 1), fma(sine, x, cosine * y[r]));
      y[r] = fma(cosine, x, -sine * y[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) store(at(v, row + r, first), y[r]);
}
template <class T>
void rotate_columns(const LaneMatrix<T>& v, const Vec<T>* c, const Vec<T>* s, int64_t first, int64_t last) {
  int64_t row = 0;
  for (; row + 8 <= v.rows; row += 8) rotate_rows<T, 8>(v, row, c, s, first, last);
  for (; row < v.rows; ++row) rotate_rows<T, 1>(v, row, c, s, first, last);
}

inline constexpr int kMaxSweeps = 60;  // per value; 2 are usual

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
