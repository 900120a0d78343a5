// SPDX-License-Identifier: MIT
// Orthogonal polynomials by their recurrences (DLMF 18.9); Chebyshev's of high degree by sines and cosines
// (18.5).
#include "kernels/special/polynomial.h"
#include "kernels/special/special.h"

namespace plait::special {
namespace {

constexpr double kByRecurrence = 64;     // Chebyshev's polynomials below this degree
constexpr double kHighest = 1 << 20;     // degree of the others; NaN above, for n steps would be taken
constexpr double kHighestHermite = 512;  // the same; values have overflowed long before

bool is_odd(double n) { return std::fmod(n, 2) != 0; }

// p_n of p_0 = 1, p_1, p_{k+1} = next(k, p_k, p_{k-1}).
template <class F>
double recurrence(double n, double p1, F next) {
  if (n == 0) return 1;
  double before = 1, p = p1;
  for (double k = 1; k < n && std::isfinite(p); ++k) {
    const double above = next(k, p, before);
    before = p;
    p = above;
  }
  return p;
}

// Chebyshev's kinds differ in p_1 and in what their numerator and denominator are with x = cos(theta), or
// cosh(theta) for x > 1: cos((n + shift) theta) / cos(shift theta), or the same of sines.
enum class Kind { kT, kU, kV, kW };
constexpr double shift_of(Kind kind) { return kind == Kind::kT ? 0 : kind == Kind::kU ? 1 : 0.5; }
constexpr bool is_sine(Kind kind) { return kind == Kind::kU || kind == Kind::kW; }

template <Kind kind>
double chebyshev(double x, double n) {
  n = std::trunc(n);
  if (x != x || n != n) return kNan;
  if (n < 0) return 0;
  constexpr double kShift = shift_of(kind);
  if (n < kByRecurrence) {
    const double p1 = kind == Kind::kT   ? x
                      : kind == Kind::kU ? 2 * x
                      : kind == Kind::kV ? 2 * x - 1
                                         : 2 * x + 1;
    return recurrence(n, p1, [x](double, double p, double before) { return 2 * x * p - before; });
  }
  if (x < 0) {  // V and W change places
    constexpr Kind kMirrored = kind == Kind::kV ? Kind::kW : kind == Kind::kW ? Kind::kV : kind;
    const double y = chebyshev<kMirrored>(-x, n);
    return is_odd(n) ? -y : y;
  }
  if (x == 1) return is_sine(kind) ? (n + kShift) / kShift : 1;
  if (x < 1) {
    const double theta = std::acos(x);
    return is_sine(kind) ? std::sin((n + kShift) * theta) / std::sin(kShift * theta)
                         : std::cos((n + kShift) * theta) / std::cos(kShift * theta);
  }
  const double theta = std::acosh(x);
  return is_sine(kind) ? std::sinh((n + kShift) * theta) / std::sinh(kShift * theta)
                       : std::cosh((n + kShift) * theta) / std::cosh(kShift * theta);
}

// For degrees that are not; NaN for those above `highest`.
double not_a_degree(double x, double n, double highest) { return x != x || n != n || n > highest ? kNan : 0; }

}  // namespace

double chebyshev_polynomial_t(double x, double n) { return chebyshev<Kind::kT>(x, n); }
double chebyshev_polynomial_u(double x, double n) { return chebyshev<Kind::kU>(x, n); }
double chebyshev_polynomial_v(double x, double n) { return chebyshev<Kind::kV>(x, n); }
double chebyshev_polynomial_w(double x, double n) { return chebyshev<Kind::kW>(x, n); }
double shifted_chebyshev_polynomial_t(double x, double n) { return chebyshev<Kind::kT>(2 * x - 1, n); }
double shifted_chebyshev_polynomial_u(double x, double n) { return chebyshev<Kind::kU>(2 * x - 1, n); }
double shifted_chebyshev_polynomial_v(double x, double n) { return chebyshev<Kind::kV>(2 * x - 1, n); }
double shifted_chebyshev_polynomial_w(double x, double n) { return chebyshev<Kind::kW>(2 * x - 1, n); }

double hermite_polynomial_h(double x, double n) {
  n = std::trunc(n);
  if (x != x || !(n >= 0 && n <= kHighestHermite)) return not_a_degree(x, n, kHighestHermite);
  return recurrence(n, 2 * x, [x](double k, double p, double before) { return 2 * (x * p - k * before); });
}
double hermite_polynomial_he(double x, double n) {
  n = std::trunc(n);
  if (x != x || !(n >= 0 && n <= kHighestHermite)) return not_a_degree(x, n, kHighestHermite);
  return recurrence(n, x, [x](double k, double p, double before) { return x * p - k * before; });
}
double laguerre_polynomial_l(double x, double n) {
  n = std::trunc(n);
  if (x != x || !(n >= 0 && n <= kHighest)) return not_a_degree(x, n, kHighest);
  if (x == 0) return 1;
  return recurrence(n, 1 - x, [x](double k, double p, double before) {
    return ((2 * k + 1 - x) * p - k * before) / (k + 1);
  });
}
double legendre_polynomial_p(double x, double n) {
  n = std::trunc(n);
  if (x != x || !(n >= 0 && n <= kHighest)) return not_a_degree(x, n, kHighest);
  if (std::fabs(x) == 1) return is_odd(n) ? x : 1;
  return recurrence(
      n, x, [x](double k, double p, double before) { return ((2 * k + 1) * x * p - k * before) / (k + 1); });
}

}  // namespace plait::special
