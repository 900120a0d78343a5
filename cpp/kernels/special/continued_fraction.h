// SPDX-License-Identifier: MIT
// Continued fractions of numbers and of their derivatives.
#pragma once

#include <cmath>
#include <limits>

namespace plait::special {

// A value and its derivative by one parameter.
struct Dual {
  double v, d = 0;
};
inline Dual operator+(Dual a, Dual b) { return {a.v + b.v, a.d + b.d}; }
inline Dual operator-(Dual a, Dual b) { return {a.v - b.v, a.d - b.d}; }
inline Dual operator*(Dual a, Dual b) { return {a.v * b.v, a.d * b.v + a.v * b.d}; }
inline Dual operator/(Dual a, Dual b) {
  const double r = 1 / b.v, q = a.v * r;
  return {q, (a.d - q * b.d) * r};
}

// Whether a factor no longer changes the value it is multiplied to by more than the tolerance.
inline bool is_one(double factor, double, double tolerance) { return std::fabs(factor - 1) <= tolerance; }
inline bool is_one(Dual factor, Dual value, double tolerance) {
  return is_one(factor.v, value.v, tolerance) &&
         std::fabs(factor.d * value.v) <= tolerance * std::fabs(value.d);
}

// Lentz's evaluation of b0 + a1 / (b1 + a2 / (b2 + ...)), as modified by Thompson and Barnett, J.
// Computational Physics 64 (1986). T: double or Dual.
template <class T>
class ContinuedFraction {
 public:
  explicit ContinuedFraction(T b0, double tolerance = std::numeric_limits<double>::epsilon())
      : f_(b0), c_(b0), tolerance_(tolerance) {}

  // Whether the value has not changed.
  bool add(T a, T b) {
    d_ = T{1} / (b + a * d_);
    c_ = b + a / c_;
    const T factor = c_ * d_;
    f_ = f_ * factor;
    return is_one(factor, f_, tolerance_);
  }
  T value() const { return f_; }

 private:
  T f_, c_, d_{0};
  double tolerance_;
};

}  // namespace plait::special
