// SPDX-License-Identifier: MIT
// Reading a row of an image at shifted, strided positions: what convolution by rows and pooling share.
#pragma once

#include "kernels/isa/vec.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// The i in [0, n) with 0 <= first + i*step < w, as [lo, hi).
struct Range {
  int64_t lo, hi;
};
PLAIT_INLINE Range inside(int64_t first, int64_t step, int64_t n, int64_t w) {
  int64_t lo = first >= 0 ? 0 : (-first + step - 1) / step;
  int64_t hi = first >= w ? 0 : (w - 1 - first) / step + 1;
  if (lo > n) lo = n;
  if (hi > n) hi = n;
  if (hi < lo) hi = lo;
  return {lo, hi};
}

// Lanes [0, n) are row[first + i*step]; positions outside [0, w) and lanes from n on give `outside`.
template <class T>
PLAIT_INLINE Vec<T> load_row(const T* row, int64_t w, int64_t first, int64_t step, int64_t n, T outside) {
  using V = Vec<T>;
  using I = MaskOf<V>;
  constexpr int64_t kN = kLanes<T>;
  if (first >= 0 && n == kN) {
    if (step == 1 && first + kN <= w) return load(row + first);
    if (step == 2 && first + 2 * kN <= w) {
      return __builtin_shuffle(load(row + first), load(row + first + kN), iota<I>() * 2);
    }
  }
  V v = splat<V>(outside);
  const Range in = inside(first, step, n, w);
  for (int64_t i = in.lo; i < in.hi; ++i) v[i] = row[first + i * step];
  return v;
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
