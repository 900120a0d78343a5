// SPDX-License-Identifier: MIT
// The scaled error function and the normal distribution.
#include "kernels/special/polynomial.h"
#include "kernels/special/special.h"

namespace plait::special {
namespace {

// (1 + 2 x) e^(x^2) erfc(x) as a function of (x - 3.75) / (x + 3.75) (Shepherd and Laframboise, 1981,
// "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity").
//
// fit erfcx: 1.3e-16
constexpr double kErfcx[] = {
    1.2375126308378275,     -0.14024059858554702,   0.00358541548546365,     0.0822767384901511,
    -0.10880393014170484,   0.09230432116019582,    -0.058693398590615384,   0.028362277421555625,
    -0.009746579546705667,  0.0017556258320670882,  0.0002937135874095038,   -0.0002901539773760272,
    5.1649446636772305e-05, 2.238390547358424e-05,  -1.1445188134929567e-05, -9.728353264572437e-07,
    1.7537914123066969e-06, -5.828067290951116e-08, -2.6176453116855046e-07, 2.4296099893686708e-08,
    4.174764288954155e-08,  -4.370792337438076e-09, -7.2269403878291655e-09, 5.095002955370551e-10,
    1.3051790574858292e-09, -5.451097817165225e-12, -2.2323875762814056e-10, -1.5780010135674518e-11,
    3.036132537803559e-11,  4.069033394178682e-12,  -2.3056756797143877e-12, -4.102996917297313e-13};

constexpr double kRootHalf = 0.70710678118654752440;

// For x >= 0.
double erfcx_right(double x) {
  if (x < 0.5) return std::exp(x * x) * std::erfc(x);  // exactly 1 at 0
  if (x > 1e9) return 1 / (x * std::sqrt(kPi));
  return polynomial(kErfcx, (x - 3.75) / (x + 3.75)) / (1 + 2 * x);
}

// To float's precision for |y| < 0.99: a polynomial of Giles (2012), "Approximating the erfinv function".
double erfinv_float(double y) {
  constexpr double c[] = {1.50140941,      0.246640727,    -0.00417768164, -0.00125372503, 0.00021858087,
                          -4.39150654e-06, -3.5233877e-06, 3.43273939e-07, 2.81022636e-08};
  return y * polynomial(c, -std::log((1 - y) * (1 + y)) - 2.5);
}

// ndtri left of the middle, p < 0.02: Newton's method on log ndtr(x) = log p. The start is asymptotic
// (DLMF 7.17.5).
double ndtri_tail(double p) {
  const double log_p = std::log(p), u = -2 * (log_p + 0.91893853320467274178);
  double x = -std::sqrt(u - std::log(u - std::log(u)));
  for (int i = 0; i < 4; ++i) {
    const double scaled = erfcx_right(-x * kRootHalf);  // d log ndtr / dx = sqrt(2 / pi) / scaled
    const double error = -0.5 * x * x + std::log(0.5 * scaled) - log_p;
    const double step = error * scaled * std::sqrt(kPi / 2);
    x -= step;
    if (std::fabs(step) < 1e-9 * std::fabs(x)) break;  // the next would be below 1 ulp
  }
  return x;
}

}  // namespace

double erfcx(double x) {
  if (x >= 0) return erfcx_right(x);
  if (x < -26.7) return x == x ? kInf : x;
  return 2 * exp_square(x, 1) - erfcx_right(-x);
}

double ndtr(double x) {
  if (x < -1) return x < -40 ? 0 : 0.5 * erfcx_right(-x * kRootHalf) * exp_square(x, -0.5);
  return 0.5 * std::erfc(-x * kRootHalf);
}

double log_ndtr(double x) {
  if (x < -1) return -0.5 * x * x + std::log(0.5 * erfcx_right(-x * kRootHalf));
  return std::log1p(-ndtr(-x));
}

double ndtri(double p) {
  if (!(p > 0 && p < 1)) return p == 0 ? -kInf : p == 1 ? kInf : kNan;
  if (p < 0.02) return ndtri_tail(p);
  if (p > 0.98) return -ndtri_tail(1 - p);
  // Halley's step on erf(z) = y, exact for y near 0 too.
  const double y = 2 * (p - 0.5);
  double z = erfinv_float(y);
  const double error = (std::erf(z) - y) * (0.5 * std::sqrt(kPi)) * std::exp(z * z);
  z -= error / (1 + z * error);
  return z / kRootHalf;
}

double entr(double x) {
  if (x > 0) return -x * std::log(x);
  return x == 0 ? 0 : x < 0 ? -kInf : x;
}

double xlog1py(double x, double y) {
  if (y != y) return y;
  return x == 0 ? 0 : x * std::log1p(y);
}

}  // namespace plait::special
