// SPDX-License-Identifier: MIT
// The Airy function Ai. With zeta = 2/3 |x|^(3/2), a function of 1 / zeta times e^-zeta / x^(1/4) on the
// right; left of the first zeros P and Q of 1 / zeta^2 in sqrt(pi) |x|^(1/4) Ai = P cos(zeta - pi/4) - Q
// sin(zeta - pi/4) (DLMF 9.7). zeta is computed to twice the precision, because its absolute error counts. 20
// to 60 ns.
#include "kernels/special/polynomial.h"
#include "kernels/special/special.h"

namespace plait::special {
namespace {

// fit airy_middle: 7.7e-17
constexpr double kAiryMiddle[] = {
    0.3550280538878172,      -0.31058328455136813,   -1.0564097585666452e-16, 0.10224807951969177,
    -0.0447239929753936,     -9.502715124827763e-15, 0.0058894893802917455,   -0.0018400728537468216,
    2.684392073510041e-13,   0.00014134774457719333, -3.5329399762432914e-05, 1.8464999949354884e-12,
    1.8503725857211934e-06,  -3.91344893330549e-07,  -2.7666402430055172e-12, 1.523098408006968e-08,
    -2.8155670918894332e-09, -4.085542094875783e-12, 8.524304477821071e-11,   -1.2399959103556395e-11};
// fit airy_right: 5.4e-17
constexpr double kAiryRight[] = {
    0.276096865529186,       0.004212533436982819,    -0.002431506243904638,   0.001300584793245492,
    -0.0006690476418149654,  0.0003366897564580907,   -0.00016731930810268825, 8.258462872576463e-05,
    -4.063408797005234e-05,  1.997889320625808e-05,   -9.832049688409518e-06,  4.847910065230199e-06,
    -2.395263219335197e-06,  1.186649706939134e-06,   -5.940102669934455e-07,  2.9849731559252483e-07,
    -1.3977935967924343e-07, 6.614033160378136e-08,   -4.99316842086145e-08,   3.0388226786047276e-08,
    4.8429696651467194e-09,  -7.002093021435445e-09,  -1.331540883209713e-08,  9.375830882942697e-09,
    4.417119179378981e-09,   -3.1239112930479397e-09, -1.3544437545935106e-09, 8.23570786349844e-10};
// fit airy_far: 8.9e-18
constexpr double kAiryFar[] = {
    0.28034253589031466,    -0.0016748208459545257, 7.134487708660792e-05,  -5.425234571185255e-06,
    5.742467986372289e-07,  -7.609857608818535e-08, 1.191394490167529e-08,  -2.125250625880949e-09,
    4.214404933153819e-10,  -9.128548917547007e-11, 2.141884342757255e-11,  -5.3643672691689055e-12,
    1.3010142786675417e-12, -3.438689844139852e-13, 1.7051372424477577e-13, -5.632006978643557e-14};
// fit airy_zero1: 3.2e-17
constexpr double kAiryZero1[] = {
    0.6961637879357512,      -0.07182064303232297,    -0.24574548652477934,   0.07346900280231929,
    0.02249976180106489,     -0.013553809874446184,   0.0006148289023519991,  0.0009261659946448297,
    -0.0002076335683924654,  -1.5417443121792567e-05, 1.2537005408714577e-05, -1.3232221461117916e-06,
    -2.7367137791682577e-07, 8.482049442244604e-08,   -3.471761514102486e-09, -1.9192966633684037e-09,
    3.3925754006099855e-10,  6.220690056404504e-12,   -7.479506180299483e-12};
// fit airy_zero2: 5.6e-17
constexpr double kAiryZero2[] = {-0.7989309499745448,    0.07551951863254483,     0.33569589393979976,
                                 -0.05326719553483016,   -0.04048015513057023,    0.010358024978354072,
                                 0.0017870711601053926,  -0.000843400637643292,   1.1066590018574615e-05,
                                 3.405585159051389e-05,  -4.197174147355609e-06,  -6.139366213776859e-07,
                                 1.8060175760759996e-07, -3.2337265551179686e-09, -3.6950413338350525e-09,
                                 4.190563535076331e-10,  3.0250052331156456e-11,  -9.154664067723454e-12};
// fit airy_p: 4.5e-17
constexpr double kAiryP[] = {0.9996268081732792,     -0.00036772726184610023, 5.229164054927367e-06,
                             -2.167103247097565e-07, 1.647340708619928e-08,   -1.867470187114583e-09,
                             2.8139335940064703e-10, -5.2618069733399164e-11, 1.1649087074033629e-11,
                             -2.717598854172565e-12, 7.046967215174847e-13,   -3.86752589411424e-13,
                             1.4823445560638678e-13};
// fit airy_q: 9.3e-17
constexpr double kAiryQ[] = {-0.06906802656713647,    0.000365881675543503,   -9.883599655230643e-06,
                             5.865500473855579e-07,   -5.669850504120299e-08, 7.662751223192764e-09,
                             -1.3229223611020488e-09, 2.753265853745404e-10,  -6.64080621459279e-11,
                             1.795629261926369e-11,   -5.331583971213259e-12, 1.8900622276228954e-12,
                             -7.212349965720024e-13,  1.009333635779355e-13,  -1.1795521834335798e-15,
                             9.630204256854012e-14,   -5.0990281525519955e-14};

constexpr double kZetaOf4 = 16. / 3;

// 2/3 x^(3/2) for x > 0.
Exact zeta_of(double x) {
  const double root = std::sqrt(x), root_rest = std::fma(-root, root, x) / (2 * root);
  const double cube = x * root, cube_rest = std::fma(x, root, -cube) + x * root_rest;
  constexpr double kTwoThirds = 2. / 3, kRest = 3.700743415417188e-17;
  const double value = kTwoThirds * cube;
  return {value, std::fma(kTwoThirds, cube, -value) + kTwoThirds * cube_rest + kRest * cube};
}

double airy_wave(double a) {
  const Exact zeta = zeta_of(a);
  if (!(zeta.value < 1e300)) return 0;  // |Ai| < 1e-50
  const double z = 7 / zeta.value, t = 2 * z * z - 1;
  const double p = polynomial(kAiryP, t), q = polynomial(kAiryQ, t) / zeta.value;
  const double sine = std::sin(zeta.value), cosine = std::cos(zeta.value);
  const double s = sine + zeta.rest * cosine, c = cosine - zeta.rest * sine;
  return (p * (s + c) - q * (s - c)) / (std::sqrt(2 * kPi) * std::sqrt(std::sqrt(a)));
}

}  // namespace

double airy_ai(double x) {
  if (x != x) return x;
  if (x > 1.2) {
    const Exact zeta = zeta_of(x);
    if (!(zeta.value < 800)) return 0;
    const double scaled =
        x < 4 ? polynomial(kAiryRight, x, 1.2, 4) : polynomial(kAiryFar, 2 * kZetaOf4 / zeta.value - 1);
    return scaled * std::exp(-zeta.value) * (1 - zeta.rest) / std::sqrt(std::sqrt(x));
  }
  if (x > -1.2) return polynomial(kAiryMiddle, x, -1.2, 1.2);
  if (x > -3.2) {
    return distance(x, -2.338107410459767, -3.912260409818305e-17) * polynomial(kAiryZero1, x, -3.2, -1.2);
  }
  if (x > -4.8) {
    return distance(x, -4.08794944413097, -3.387261694242901e-16) * polynomial(kAiryZero2, x, -4.8, -3.2);
  }
  return airy_wave(-x);
}

}  // namespace plait::special
