// SPDX-License-Identifier: MIT
// Modified Bessel functions of orders 0 and 1: the power series of I (DLMF 10.25.2) up to 8, e^-x sqrt(x) I
// as a function of 1 / x from there on; K = a regular function -+ log(x / 2) I up to 2 (10.31), then e^x
// sqrt(x) K. Bound by multiply-adds: all pieces that any lane needs.
#pragma once

#include "kernels/isa/polynomial.h"

namespace plait::PLAIT_ISA_NS {
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

constexpr double kSeriesBelow = 8;

// 1 / (k! (k + order)!)
template <int kOrder>
struct SeriesTerms {
  double c[23];  // the last are below 1e-18 of the sum at kSeriesBelow
  constexpr SeriesTerms() : c{} {
    long double term = 1;
    for (int k = 0; k < 23; ++k) {
      c[k] = static_cast<double>(term);
      term /= (k + 1) * (k + 1 + kOrder);
    }
  }
};
template <int kOrder>
inline constexpr SeriesTerms<kOrder> kSeriesTerms;

// sum over k of (x^2 / 4)^k / (k! (k + order)!)
template <int kOrder>
PLAIT_INLINE F64 series(F64 x) {
  return polynomial(kSeriesTerms<kOrder>.c, 0.25 * x * x);
}

// I(a) e^(-a) for a >= kSeriesBelow.
template <int kOrder>
PLAIT_INLINE F64 far_ie(F64 a) {
  return polynomial(kOrder == 0 ? kI0Far : kI1Far, 2 * kSeriesBelow / a - 1) / sqrt(a);
}

// y e^a, where e^a may overflow alone.
PLAIT_INLINE F64 grown(F64 y, F64 a) {
  const F64 half = exp_scaled<true>(0.5 * a);
  return y * half * half;
}

// x^order I(x) / x^order, without its sign.
template <int kOrder>
PLAIT_INLINE F64 near_i(F64 a) {
  return kOrder == 0 ? series<0>(a) : 0.5 * a * series<1>(a);
}
template <int kOrder>
PLAIT_INLINE F64 modified_i(F64 a) {
  const F64 y = where_any(a < kSeriesBelow, [&] { return near_i<kOrder>(a); }, a);
  return where_any((a >= kSeriesBelow) & (a < kInf<double>), [&] { return grown(far_ie<kOrder>(a), a); }, y);
}
template <int kOrder>
PLAIT_INLINE F64 modified_ie(F64 a) {
  const F64 at_infinity = a == kInf<double> ? F64{} : a;
  const F64 y =
      where_any(a < kSeriesBelow, [&] { return near_i<kOrder>(a) * exp_scaled<true>(-a); }, at_infinity);
  return where_any((a >= kSeriesBelow) & (a < kInf<double>), [&] { return far_ie<kOrder>(a); }, y);
}
PLAIT_NOINLINE F64 i0(F64 x) { return modified_i<0>(abs(x)); }
PLAIT_NOINLINE F64 i0e(F64 x) { return modified_ie<0>(abs(x)); }
PLAIT_NOINLINE F64 i1(F64 x) { return copysign(modified_i<1>(abs(x)), x); }
PLAIT_NOINLINE F64 i1e(F64 x) { return copysign(modified_ie<1>(abs(x)), x); }

template <int kOrder>
PLAIT_INLINE F64 near_k(F64 x) {
  const F64 l = log(0.5 * x);
  if (kOrder == 0) return polynomial(kK0Near, 0.5 * x * x - 1) - l * series<0>(x);
  return polynomial(kK1Near, 0.5 * x * x - 1) / x + l * 0.5 * x * series<1>(x);
}
// K(x), or K(x) e^x.
template <int kOrder, bool kScaled>
PLAIT_INLINE F64 modified_k(F64 x) {
  const F64 outside = x == 0              ? splat<F64>(kInf<double>)
                      : x == kInf<double> ? F64{}
                                          : splat<F64>(kNaN<double>);
  const F64 y = where_any((x > 0) & (x <= 2),
                          [&] {
                            const F64 k = near_k<kOrder>(x);
                            return kScaled ? k * exp_scaled<true>(x) : k;
                          },
                          outside);
  return where_any((x > 2) & (x < kInf<double>),
                   [&] {
                     const F64 k = polynomial(kOrder == 0 ? kK0Far : kK1Far, 4 / x - 1) / sqrt(x);
                     return kScaled ? k : k * exp_scaled<true>(-x);
                   },
                   y);
}
PLAIT_NOINLINE F64 modified_bessel_k0(F64 x) { return modified_k<0, false>(x); }
PLAIT_NOINLINE F64 modified_bessel_k1(F64 x) { return modified_k<1, false>(x); }
PLAIT_NOINLINE F64 scaled_modified_bessel_k0(F64 x) { return modified_k<0, true>(x); }
PLAIT_NOINLINE F64 scaled_modified_bessel_k1(F64 x) { return modified_k<1, true>(x); }

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
