// SPDX-License-Identifier: MIT
// Modified Bessel functions of orders 0 and 1: the power series of I (DLMF 10.25.2) up to 8, e^-x sqrt(x) I
// as a function of 1 / x from there on; K = a regular function -+ log(x / 2) I up to 2 (10.31), then e^x
// sqrt(x) K. 20 to 60 ns.
#include "kernels/special/polynomial.h"
#include "kernels/special/special.h"

namespace plait::special {
namespace {

// fit i0_far: 7.3e-17
constexpr double kI0Far[] = {
    0.4021765094450081,     0.003360551983667794,   0.00013621607438969586, 1.1143033797315745e-05,
    1.483847672790774e-06,  2.9735968173081803e-07, 8.872020086330772e-08,  3.932809492614771e-08,
    2.1567570486345798e-08, 7.538887529618909e-09,  -6.856264340066743e-09, -1.3341489621210683e-08,
    -5.015841073942132e-09, 7.368641382955586e-09,  6.514807773332399e-09,  -3.1782834033159476e-09,
    -4.516916978746153e-09, 1.1407272965262619e-09, 2.1502133737911e-09,    -2.966142518664685e-10,
    -6.424826509157988e-10, 3.946991143452374e-11,  8.965525403431006e-11};
// fit i1_far: 6.9e-17
constexpr double kI1Far[] = {
    0.38939845902587233,     -0.009749577193235678,   -0.00021923576383157877, -1.5038547206141402e-05,
    -1.8349102434106388e-06, -3.4838542057981064e-07, -1.000108144068415e-07,  -4.313116508604644e-08,
    -2.3393829637291724e-08, -8.413738776285378e-09,  6.847157042882582e-09,   1.3974086737694307e-08,
    5.570669598795346e-09,   -7.477512630888278e-09,  -6.9373952524229e-09,    3.1311912485085584e-09,
    4.750278869295319e-09,   -1.0957398538941063e-09, -2.248824509387072e-09,  2.799982171004512e-10,
    6.701307013358337e-10,   -3.689810724965418e-11,  -9.337769892656362e-11};
// fit k0_near: 2.7e-17
constexpr double kK0Near[] = {-0.30362077291575545,  0.3404973210133806,     0.07177701034240512,
                              0.005053392643196092,  0.00018280555827901256, 4.054506619949891e-06,
                              6.093361934166302e-08, 6.623013272797195e-10,  5.452107586326797e-12,
                              3.518631503146953e-14, 1.8283057978048777e-16};
// fit k1_near: 4.5e-17
constexpr double kK1Near[] = {0.8850882877295894,     -0.3322409552403131,    -0.24383852886774365,
                              -0.02785423521977184,   -0.0013831688466153028, -3.8918690643717064e-05,
                              -7.081133770288882e-07, -9.03212750078006e-09,  -8.532733933528383e-11,
                              -6.214275828148777e-13, -3.600907742617851e-15};
// fit k0_far: 1.4e-17
constexpr double kK0Far[] = {
    1.2185953385133905,     -0.031071461824889478,   0.003032891810275335,   -0.00047976905676983407,
    9.956054741973511e-05,  -2.4735204467400875e-05, 7.002245654395699e-06,  -2.1911789185065255e-06,
    7.427800543648715e-07,  -2.6889908210003145e-07, 1.029546374789756e-07,  -4.136996661025021e-08,
    1.704661038662962e-08,  -7.2059597197100924e-09, 3.8101186143688465e-09, -2.068856661372246e-09,
    4.552518903987964e-11,  3.3305050198766074e-10,  8.149100912974042e-10,  -6.623251230097812e-10,
    -3.126294809885493e-10, 2.646713986978421e-10,   1.0938480747843233e-10, -7.663526095798351e-11};
// fit k1_far: 2.8e-17
constexpr double kK1Far[] = {
    1.363151890371342,       0.10334973775386516,    -0.0055667298800745465,  0.000735724154913457,
    -0.00013959021956424586, 3.2843865420251456e-05, -8.961207364540105e-06,  2.7300430892419656e-06,
    -9.067089478785094e-07,  3.229701559776837e-07,  -1.2203100296640257e-07, 4.85068927713216e-08,
    -1.9820082580735206e-08, 8.29185938558183e-09,   -4.327254177113735e-09,  2.3772444422590975e-09,
    -8.899164450063684e-11,  -4.049799425729656e-10, -8.866606108289875e-10,  7.62248378128159e-10,
    3.369080512129013e-10,   -3.031356376392646e-10, -1.189944893839221e-10,  8.623859122472766e-11};

constexpr double kNear = 8;

// sum over k of (x^2 / 4)^k / (k! (k + order)!)
double series(double x, int order) {
  const double z = 0.25 * x * x;
  double term = 1, sum = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= z / (k * (k + order));
    sum += term;
  }
  return sum;
}

// I(a) e^(-a) for a >= kNear.
double far_i0e(double a) { return polynomial(kI0Far, 2 * kNear / a - 1) / std::sqrt(a); }
double far_i1e(double a) { return polynomial(kI1Far, 2 * kNear / a - 1) / std::sqrt(a); }

// y e^a, where e^a may overflow alone.
double grown(double y, double a) {
  const double half = std::exp(0.5 * a);
  return y * half * half;
}

double near_k0(double x) { return polynomial(kK0Near, 0.5 * x * x - 1) - std::log(0.5 * x) * series(x, 0); }
double near_k1(double x) {
  return polynomial(kK1Near, 0.5 * x * x - 1) / x + std::log(0.5 * x) * 0.5 * x * series(x, 1);
}
double far_k0e(double x) { return polynomial(kK0Far, 4 / x - 1) / std::sqrt(x); }
double far_k1e(double x) { return polynomial(kK1Far, 4 / x - 1) / std::sqrt(x); }

}  // namespace

double i0(double x) {
  const double a = std::fabs(x);
  if (a < kNear) return series(a, 0);
  return a > 714 ? a * kInf : grown(far_i0e(a), a);
}
double i0e(double x) {
  const double a = std::fabs(x);
  return a < kNear ? std::exp(-a) * series(a, 0) : far_i0e(a);
}
double i1(double x) {
  const double a = std::fabs(x);
  if (a < kNear) return 0.5 * x * series(a, 1);
  return a > 714 ? x * kInf : std::copysign(grown(far_i1e(a), a), x);
}
double i1e(double x) {
  const double a = std::fabs(x);
  return a < kNear ? 0.5 * x * std::exp(-a) * series(a, 1) : std::copysign(far_i1e(a), x);
}

double modified_bessel_k0(double x) {
  if (x <= 0) return x == 0 ? kInf : kNan;
  return x <= 2 ? near_k0(x) : far_k0e(x) * std::exp(-x);
}
double modified_bessel_k1(double x) {
  if (x <= 0) return x == 0 ? kInf : kNan;
  return x <= 2 ? near_k1(x) : far_k1e(x) * std::exp(-x);
}
double scaled_modified_bessel_k0(double x) {
  if (x <= 0) return x == 0 ? kInf : kNan;
  return x <= 2 ? near_k0(x) * std::exp(x) : far_k0e(x);
}
double scaled_modified_bessel_k1(double x) {
  if (x <= 0) return x == 0 ? kInf : kNan;
  return x <= 2 ? near_k1(x) * std::exp(x) : far_k1e(x);
}

}  // namespace plait::special
