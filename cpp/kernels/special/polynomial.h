// SPDX-License-Identifier: MIT
// What the files of special functions share.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

namespace plait::special {

inline constexpr double kPi = 3.14159265358979323846, kInf = std::numeric_limits<double>::infinity(),
                        kNan = std::numeric_limits<double>::quiet_NaN();

// c[0] + c[1] t + c[2] t^2 + ... The coefficients are fitted for t in [-1, 1] by tools/fit_math.py.
template <size_t n>
double polynomial(const double (&c)[n], double t) {
  double y = c[n - 1];
  for (size_t i = n - 1; i-- > 0;) y = y * t + c[i];
  return y;
}
// The same on an interval of x.
template <size_t n>
double polynomial(const double (&c)[n], double x, double low, double high) {
  return polynomial(c, (x - 0.5 * (low + high)) * (2 / (high - low)));
}

// x - (high + low): the distance from a number that is known to twice the precision.
inline double distance(double x, double high, double low) { return (x - high) - low; }

// A value and the rounding error of it.
struct Exact {
  double value, rest;
};
inline Exact square(double x) {
  const double y = x * x;
  return {y, std::fma(x, x, -y)};
}
// e^(factor x^2) for a factor that is a power of 2. The rounding of x^2 alone would cost x^2 ulp.
inline double exp_square(double x, double factor) {
  const Exact s = square(x);
  return std::exp(factor * s.value) * (1 + factor * s.rest);
}

}  // namespace plait::special
