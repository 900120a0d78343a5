// SPDX-License-Identifier: MIT
// Digamma, polygamma and Hurwitz' zeta function. 20 to 200 ns.
#include <algorithm>

#include "kernels/special/polynomial.h"
#include "kernels/special/special.h"

namespace plait::special {
namespace {

bool is_integer(double x) { return x == std::floor(x); }

// B_2j / (2j)!
constexpr double kEulerMaclaurin[] = {1. / 12,
                                      -1. / 720,
                                      1. / 30240,
                                      -1. / 1209600,
                                      1. / 47900160,
                                      -691. / 1307674368000,
                                      1. / 74724249600,
                                      -3617. / 10670622842880000,
                                      43867. / 5109094217170944000,
                                      -174611. / 802857662698291200000.};

// The sum over k >= 0 for x > 0: terms until they no longer count or x >= 10 + s, then Euler and Maclaurin's
// formula (DLMF 25.11.5).
double sum_of_powers(double s, double x) {
  double sum = 0;
  for (; x < 10 + s; ++x) {
    const double term = std::pow(x, -s);
    sum += term;
    if (term <= 1e-18 * sum) return sum;
  }
  const double at = std::pow(x, -s);
  sum += at * (x / (s - 1) + 0.5);
  double factor = at * s / x;  // s (s + 1) ... (s + 2j) x^(-s - 2j - 1)
  for (int j = 0; j < 10; ++j) {
    sum += kEulerMaclaurin[j] * factor;
    factor *= (s + 2 * j + 1) * (s + 2 * j + 2) / (x * x);
  }
  return sum;
}

// The terms left of 0, (q + k)^-s for integers s, where -q is no integer. Far left they are a difference of
// integrals.
double sum_left_of_zero(double s, double& q) {
  constexpr double kFarLeft = -1000;
  double sum = 0;
  if (q < kFarLeft) {
    const auto from = [s](double z) { return std::pow(z, -s) * (z / (s - 1) + 0.5 + s / (12 * z)); };
    const double first = q + std::floor(kFarLeft - q);
    sum = (std::fmod(s, 2) == 0 ? 1 : -1) * (from(1 - first) - from(1 - q));
    q = first;
  }
  for (; q < 0; ++q) sum += std::pow(q, -s);
  return sum;
}

}  // namespace

// psi(x) = psi(1 - x) - pi / tan(pi x); recurrence to x >= 10, then the asymptotic series
// (DLMF 5.5.4, 5.11.2).
double digamma(double x) {
  if (x == 0) return std::copysign(kInf, -x);
  double y = 0;
  if (x < 0) {
    if (is_integer(x)) return kNan;
    y = -kPi / std::tan(kPi * (x - std::rint(x)));
    x = 1 - x;
  }
  for (; x < 10; ++x) y -= 1 / x;
  const double z = 1 / (x * x);
  const double series =
      z * (1. / 12 -
           z * (1. / 120 - z * (1. / 252 - z * (1. / 240 - z * (1. / 132 - z * (691. / 32760 - z / 12))))));
  return y + std::log(x) - 0.5 / x - (x < 1e17 ? series : 0);
}

double zeta(double s, double q) {
  if (s != s || q != q || s < 1) return kNan;
  if (s == 1) return kInf;
  if (q > 0) return q == kInf ? 0 : sum_of_powers(s, q);
  if (is_integer(q)) return kInf;
  if (!is_integer(s)) return kNan;
  const double left = sum_left_of_zero(s, q);
  return left + sum_of_powers(s, q);
}

// (-1)^(n+1) n! zeta(n + 1, x) (DLMF 25.11.12)
double polygamma(double x, double n) {
  if (n == 0) return digamma(x);
  if (!(n >= 1 && n <= 170) || !is_integer(n)) return kNan;
  double factorial = 1;
  for (double i = 2; i <= n; ++i) factorial *= i;
  return (std::fmod(n, 2) != 0 ? 1 : -1) * factorial * zeta(n + 1, x);
}

}  // namespace plait::special
