// SPDX-License-Identifier: MIT
// Special functions of doubles, compiled once. Kernels of floats compute in double and round.
#pragma once

namespace plait::special {

// ---- Bessel and Airy functions (DLMF 9, 10) ----

double bessel_j0(double x);
double bessel_j1(double x);
double bessel_y0(double x);  // -inf at 0, NaN below
double bessel_y1(double x);
double i0(double x);  // the modified functions I0 and I1
double i1(double x);
double modified_bessel_k0(double x);  // inf at 0, NaN below
double modified_bessel_k1(double x);
double i0e(double x);  // e^-|x| I0(x)
double i1e(double x);
double scaled_modified_bessel_k0(double x);  // e^x K0(x)
double scaled_modified_bessel_k1(double x);
double spherical_bessel_j0(double x);  // sin(x) / x
double airy_ai(double x);

// ---- Error function and normal distribution (DLMF 7) ----

double erfcx(double x);     // e^(x^2) erfc(x)
double ndtr(double x);      // P(Z <= x)
double log_ndtr(double x);  // its logarithm
double ndtri(double p);     // the x with ndtr(x) = p
double entr(double x);      // -x log x; 0 at 0, -inf below
double xlog1py(double x, double y);

// ---- Gamma function and its kin (DLMF 5, 8, 25) ----

double digamma(double x);
double polygamma(double x, double n);        // the n-th derivative of digamma; integers n from 0 to 170
double zeta(double s, double q);             // sum over k >= 0 of (q + k)^-s
double gammainc(double a, double x);         // P(a, x)
double gammaincc(double a, double x);        // Q(a, x) = 1 - P(a, x)
double gammainc_grad_a(double a, double x);  // dP/da
double gamma_density(double a, double x);    // dP/dx = x^(a-1) e^-x / Gamma(a)
// dx/da at constant P(a, x): the derivative of a draw from Gamma(a). `tolerance`: where sums end, relative to
// them.
double standard_gamma_grad(double a, double x, double tolerance);

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
