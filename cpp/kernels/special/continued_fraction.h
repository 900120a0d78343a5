// SPDX-License-Identifier: MIT
// Continued fractions of numbers and of their derivatives.
#pragma once

#include <cmath>
#include <cstdint>

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

// Whether a value is that of some steps before but for the tolerance, or for rounding: that of a quotient p /
// q, whose derivative is a difference.
inline constexpr double kRounding = 0x1p-51;
inline bool is_settled(double now, double before, double, double tolerance) {
  return std::fabs(now - before) <= std::fmax(tolerance, kRounding) * std::fabs(now);
}
inline bool is_settled(Dual now, Dual before, Dual q, double tolerance) {
  const double rounding = kRounding * std::fabs(now.v * (q.d / q.v));
  return is_settled(now.v, before.v, q.v, tolerance) &&
         std::fabs(now.d - before.d) <= tolerance * std::fabs(now.d) + rounding;
}
inline double size_of(double x) { return std::fabs(x); }
inline double size_of(Dual x) { return std::fabs(x.v) + std::fabs(x.d); }

// b0 + a1 / (b1 + a2 / (b2 + ...)) as a quotient of two numbers with p_n = b_n p_{n-1} + a_n p_{n-2}: no
// division in a step but every fourth, which looks whether the value has settled. T: double or Dual.
template <class T>
class ContinuedFraction {
 public:
  explicit ContinuedFraction(T b0, double tolerance) : p_(b0), value_(b0), tolerance_(tolerance) {}

  // Whether the value has settled.
  bool add(T a, T b) {
    const T p = b * p_ + a * p_before_, q = b * q_ + a * q_before_;
    p_before_ = p_;
    q_before_ = q_;
    p_ = p;
    q_ = q;
    return ++steps_ % 4 == 0 && settle();
  }
  T value() const { return value_; }

 private:
  bool settle() {
    const T before = value_;
    value_ = p_ / q_;
    if (is_settled(value_, before, q_, tolerance_)) return true;
    const double size = size_of(p_) + size_of(q_);  // four steps multiply it by 1e-130 to 1e130
    if (size > 1e150 || size < 1e-150) scale(1 / size);
    return false;
  }
  void scale(double by) {
    const T factor{by};
    p_ = p_ * factor, p_before_ = p_before_ * factor;
    q_ = q_ * factor, q_before_ = q_before_ * factor;
  }

  T p_before_{1}, p_, q_before_{0}, q_{1}, value_;
  double tolerance_;
  int64_t steps_ = 0;
};

}  // namespace plait::special
