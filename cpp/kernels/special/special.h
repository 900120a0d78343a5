// SPDX-License-Identifier: MIT
// Special functions of doubles, compiled once; those of vectors are in special_args.h. Kernels of floats
// compute in double and round.
#pragma once

namespace plait::special {

// Where sums end, relative to them, whose results become floats, and those that stay doubles.
inline constexpr double kFloatTolerance = 0x1p-30, kDoubleTolerance = 1e-17;

double airy_ai(double x);  // Ai(x) (DLMF 9)

// ---- Gamma function and its kin (DLMF 5, 8, 25) ----

double digamma(double x);
double polygamma(double x, double n);  // the n-th derivative of digamma; integers n from 0 to 170
double zeta(double s, double q);       // sum over k >= 0 of (q + k)^-s
// `tolerance`: where sums end, relative to them.
double gammainc(double a, double x, double tolerance);   // P(a, x)
double gammaincc(double a, double x, double tolerance);  // Q(a, x) = 1 - P(a, x)
double gamma_density(double a, double x);                // dP/dx = x^(a-1) e^-x / Gamma(a)

// ---- Orthogonal polynomials of degree n, truncated to an integer; 0 where it is negative (DLMF 18) ----

double chebyshev_polynomial_t(double x, double n);
double chebyshev_polynomial_u(double x, double n);
double chebyshev_polynomial_v(double x, double n);
double chebyshev_polynomial_w(double x, double n);
double shifted_chebyshev_polynomial_t(double x, double n);  // of 2 x - 1
double shifted_chebyshev_polynomial_u(double x, double n);
double shifted_chebyshev_polynomial_v(double x, double n);
double shifted_chebyshev_polynomial_w(double x, double n);
double hermite_polynomial_h(double x, double n);
double hermite_polynomial_he(double x, double n);
double laguerre_polynomial_l(double x, double n);
double legendre_polynomial_p(double x, double n);

}  // namespace plait::special
