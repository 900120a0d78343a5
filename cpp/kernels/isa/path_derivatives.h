// SPDX-License-Identifier: MIT
// Derivatives of gamma and beta variables by their parameters, see kernels/random/reparameterized.h: by
// series and continued fractions in all lanes until the last lane has settled. A lane that has settled keeps
// its value, so that none depends on its neighbours. Bound by multiply-adds and divisions, 15 to 40 ns per
// element.
#pragma once

#include "kernels/isa/special.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// ---- Continued fractions ----

// A value and its derivative by one parameter.
struct Dual {
  F64 v, d;
};
PLAIT_INLINE Dual operator+(Dual a, Dual b) { return {a.v + b.v, a.d + b.d}; }
PLAIT_INLINE Dual operator*(Dual a, Dual b) { return {a.v * b.v, a.d * b.v + a.v * b.d}; }
PLAIT_INLINE Dual operator*(Dual a, F64 b) { return {a.v * b, a.d * b}; }
PLAIT_INLINE Dual select(I64 m, Dual a, Dual b) { return {select(m, a.v, b.v), select(m, a.d, b.d)}; }

// b0 + a1 / (b1 + a2 / (b2 + ...)) as a quotient p / q of p_n = b_n p_{n-1} + a_n p_{n-2} and the same of q:
// no division but every fourth step, when settled() tells how many lanes still change.
class Fraction {
 public:
  PLAIT_INLINE Fraction(Dual b0, I64 open, double tolerance)
      : p_(b0), value_(b0), open_(open), tolerance_(tolerance) {}

  PLAIT_INLINE void add(Dual a, Dual b) {
    const Dual p = b * p_ + a * p_before_, q = b * q_ + a * q_before_;
    p_before_ = p_;
    q_before_ = q_;
    p_ = p;
    q_ = q;
  }
  // Whether in all lanes the value is that of the last call but for the tolerance, or for rounding: the
  // derivative of a quotient is a difference. NaN settles.
  PLAIT_INLINE bool settled() {
    constexpr double kRounding = 0x1p-51;
    const F64 r = 1 / q_.v, v = p_.v * r, slope = q_.d * r * v, d = p_.d * r - slope;
    const F64 allowed = splat<F64>(tolerance_ > kRounding ? tolerance_ : kRounding) * abs(v);
    const I64 changes =
        (abs(v - value_.v) > allowed) | (abs(d - value_.d) > tolerance_ * abs(d) + kRounding * abs(slope));
    value_ = select(open_, Dual{v, d}, value_);
    open_ = open_ & changes;
    if (!any(open_)) return true;
    const F64 size = abs(p_.v) + abs(p_.d) + abs(q_.v) + abs(q_.d);  // times 1e-130 to 1e130 in four steps
    const F64 factor = (size > 1e150) | (size < 1e-150) ? 1 / size : splat<F64>(1);
    p_ = p_ * factor;
    p_before_ = p_before_ * factor;
    q_ = q_ * factor;
    q_before_ = q_before_ * factor;
    return false;
  }
  PLAIT_INLINE Dual value() const { return value_; }

 private:
  Dual p_before_{splat<F64>(1), F64{}}, p_, q_before_{F64{}, F64{}}, q_{splat<F64>(1), F64{}}, value_;
  I64 open_;
  double tolerance_;
};

// ---- Gamma variables: dx/da at constant P(a, x) ----
// y = dx/da satisfies  x y' + (a - 1 - x) y = -x (log x - psi(a)).

// y as a series in 1 / m and w = log(x / m), m = a - 1, for large a. With psi(m + 1) - log m = sum b_k m^-k
// the equation becomes  dy / dw + m (1 - e^w) y = -m e^w (w - sum b_k m^-k),  so y = sum Y_k(w) m^-k with
//   Y_0 = w e^w / (e^w - 1),   Y_k = (Y_(k-1)' - b_k e^w) / (e^w - 1),
// whose singularity at w = 0 is removable.
class LargeShape {
 public:
  constexpr LargeShape() : y_{} {
    // Power series in w: e^w / 1, and (e^w - 1) / w.
    long double exponential[kOrders + 1] = {}, divisor[kOrders + 1] = {};
    long double factorial = 1;
    for (int j = 0; j <= kOrders; ++j) {
      exponential[j] = 1 / factorial;
      factorial *= j + 1;
      divisor[j] = 1 / factorial;
    }
    // Y = numerator / (e^w - 1), where numerator has no constant term: one order is lost each time.
    long double numerator[kOrders + 1] = {};
    for (int j = 1; j <= kOrders; ++j) numerator[j] = exponential[j - 1];
    for (int k = 0, orders = kOrders; k < kInverse; ++k, orders -= 2) {
      long double series[kOrders] = {};
      for (int j = 0; j < orders; ++j) {
        series[j] = numerator[j + 1];
        for (int i = 0; i < j; ++i) series[j] -= series[i] * divisor[j - i];
      }
      for (int j = 0; j < kPowers; ++j) y_[j][k] = static_cast<double>(series[j]);
      for (int j = 0; j + 1 < orders; ++j) {
        numerator[j] = static_cast<long double>(j + 1) * series[j + 1] - kPsi[k] * exponential[j];
      }
    }
  }
  // Errors of 1e-14; of 1e-9 where that is enough.
  PLAIT_INLINE static I64 covers(F64 a, F64 x, bool roughly) {
    const F64 distance = abs(x - a);
    return roughly ? (a >= 16) & (distance <= 0.75 * a) : (a >= 40) & (distance <= 0.4 * a);
  }
  PLAIT_INLINE F64 operator()(F64 a, F64 x) const {
    const F64 m = a - 1, w = log(x / m), r = 1 / m;
    F64 y[kInverse] = {};
    for (int j = kPowers - 1; j >= 0; --j) {
#pragma GCC unroll 8
      for (int k = 0; k < kInverse; ++k) y[k] = fma(y[k], w, splat<F64>(y_[j][k]));  // all k side by side
    }
    F64 sum{};
#pragma GCC unroll 8
    for (int k = kInverse - 1; k >= 0; --k) sum = fma(sum, r, y[k]);
    return sum;
  }

 private:
  static constexpr int kInverse = 8, kPowers = 16, kOrders = kPowers + 2 * kInverse;
  static constexpr long double kPsi[kInverse] = {1.0L / 2, -1.0L / 12,  0, 1.0L / 120,
                                                 0,        -1.0L / 252, 0, 1.0L / 240};
  double y_[kPowers][kInverse];
};
inline constexpr LargeShape kLargeShape;

// x / a times the sum of x^k / ((a + 1) ... (a + k)) (psi(a + k + 1) - log x)
PLAIT_INLINE F64 gamma_grad_series(F64 a, F64 x, I64 open, double tolerance) {
  F64 n = a + 1, term = splat<F64>(1), bracket = digamma_positive(n) - log(x), sum = bracket;
  while (any(open)) {
    const F64 r = 1 / n;
    term = term * (x * r);
    bracket = bracket + r;
    sum = sum + term * bracket;
    n = n + 1;
    open = open & (term * (1 + abs(bracket)) > tolerance * abs(sum));
    term = select(open, term, F64{});
  }
  return x / a * sum;
}

// With Q = x^a e^-x / Gamma(a) h / x, h = x / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (...))):
// dQ/da / (dP/dx) = h (log x - psi(a)) + dh/da
PLAIT_INLINE F64 gamma_grad_fraction(F64 a, F64 x, I64 open, double tolerance) {
  const F64 one = splat<F64>(1);
  Dual b{x + 1 - a, -one};
  open = open & (x < 1e30);  // from there on b0 alone is exact: x is well above a
  Fraction fraction(b, open, tolerance);
  for (int n = 1; n < 100000; n += 4) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const F64 k = splat<F64>(n + i);
      b.v = b.v + 2;
      fraction.add({k * (a - k), k}, b);
    }
    if (fraction.settled()) break;
  }
  const Dual f = fraction.value();
  const F64 h = x / f.v;
  return h * (log(x) - digamma_positive(a)) - h * (f.d / f.v);
}

// -dP/da / (dP/dx), in which x^a e^-x / Gamma(a) cancels.
PLAIT_NOINLINE F64 standard_gamma_grad(F64 a, F64 x, double tolerance) {
  const I64 finite = (x > 0) & (x < kInf<double>)&(a < kInf<double>);
  const I64 large = finite & LargeShape::covers(a, x, tolerance > 1e-10);
  const I64 series = finite & ~large & ((x <= a) | (x <= 1)), rest = finite & ~large & ~series;
  F64 y = select((a != a) | (x != x), splat<F64>(kNaN<double>), select(x <= 0, F64{}, splat<F64>(1)));
  if (any(large)) y = select(large, kLargeShape(a, x), y);
  if (any(series)) y = select(series, gamma_grad_series(a, x, series, tolerance), y);
  if (any(rest)) y = select(rest, gamma_grad_fraction(a, x, rest, tolerance), y);
  return y;
}

// ---- Beta variables ----

// h(a, b) with F = x^a (1 - x)^b / (a B(a, b)) / h, the continued fraction of the incomplete beta function
// (DLMF 8.17.22) with the denominators (a + n) s in place of 1, s = 1 / (a + 1); it converges quickly below
// the mean, x < (a + 1) / (a + b + 2).
PLAIT_INLINE Dual beta_fraction(Dual a, Dual b, F64 x, I64 open, double tolerance) {
  const F64 s = 1 / (a.v + 1), xs = x * s, xss = xs * s;
  const Dual ab = a + b;
  const auto plus = [](Dual z, double n) { return Dual{z.v + n, z.d}; };
  Fraction fraction({splat<F64>(1), F64{}}, open, tolerance);
  for (int m = 0; m < 1000000; m += 2) {
#pragma GCC unroll 2
    for (int i = m; i < m + 2; ++i) {
      const Dual odd = i == 0 ? ab * -xs : plus(a, i) * plus(ab, i) * -xss;
      fraction.add(odd, plus(a, 2 * i + 1) * s);
      const F64 step = xss * (i + 1.0);
      fraction.add({step * (b.v - (i + 1.0)), step * b.d}, plus(a, 2 * i + 2) * s);
    }
    if (fraction.settled()) break;
  }
  return fraction.value();
}

// (dx / da) / (1 - x) of total = a + b:
//   below the mean  -x / a (g (log x + psi(a + b) - psi(a) - 1 / a) + dg / da)       with g = 1 / h(a, b; x)
//   above            x / b (g (log x + psi(a + b) - psi(a)) + dg / da)               with g = 1 / h(b, a; 1 -
//   x)
PLAIT_NOINLINE F64 beta_grad(F64 x, F64 a, F64 total, double tolerance) {
  const F64 b = total - a, zero{}, one = splat<F64>(1);
  const I64 below = x < (a + 1) / (total + 2);
  const Dual of_a{a, one}, of_b{b, zero};
  const Dual h = beta_fraction(select(below, of_a, of_b), select(below, of_b, of_a), below ? x : 1 - x,
                               (x > 0) & (a == a) & (b == b), tolerance);
  const F64 g = 1 / h.v, slope = -h.d * g * g;
  const F64 level = log(x) + digamma_positive(total) - digamma_positive(a);
  const F64 y = below ? -x / a * (g * (level - 1 / a) + slope) : x / b * (g * level + slope);
  return select((x != x) | (a != a) | (b != b), splat<F64>(kNaN<double>), x <= 0 ? zero : y);
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
