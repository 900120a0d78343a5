// SPDX-License-Identifier: MIT
// What the special functions of double vectors share. Each is exact to a few ulp, at every level; floats are
// computed as doubles. The functions are not inlined: the loops of floats and doubles call the same code.
#pragma once

#include <cstddef>

#include "kernels/isa/math.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// c[0] + c[1] t + c[2] t^2 + ... The coefficients are fitted for t in [-1, 1] by tools/fit_math.py.
template <size_t i = 0, size_t n>
PLAIT_INLINE F64 polynomial(const double (&c)[n], F64 t) {
  if constexpr (i + 1 == n) {
    return splat<F64>(c[i]);
  } else {
    return fma(polynomial<i + 1>(c, t), t, splat<F64>(c[i]));
  }
}
// The same on an interval of x.
template <size_t n>
PLAIT_INLINE F64 polynomial(const double (&c)[n], F64 x, double low, double high) {
  return polynomial(c, (x - 0.5 * (low + high)) * (2 / (high - low)));
}

// y where no lane of m is set, else in those lanes f().
template <class F>
PLAIT_INLINE F64 where_any(I64 m, F f, F64 y) {
  return any(m) ? select(m, f(), y) : y;
}

// x - (high + low): the distance from a number that is known to twice the precision.
PLAIT_INLINE F64 distance(F64 x, double high, double low) { return (x - high) - low; }

// e^(factor x^2) for |x| < 64. The rounding of x^2 alone would cost x^2 ulp: the square of the upper half of
// the bits is exact, and e^d of the rest a short series, d being below 2e-4.
PLAIT_INLINE F64 exp_square(F64 x, double factor) {
  const F64 high = (F64)((I64)x & ~int64_t{0x7ffffff}), d = factor * (x - high) * (x + high);
  return exp_scaled<true>(factor * (high * high)) * (1 + d * (1 + d * (0.5 + d * (1. / 6))));
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
