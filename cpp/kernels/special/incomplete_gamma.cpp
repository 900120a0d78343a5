// SPDX-License-Identifier: MIT
// The incomplete gamma functions P(a, x) and Q(a, x) = 1 - P(a, x), and dP/da. After Gil, Segura and Temme
// (2012), "Efficient and accurate algorithms for the computation and inversion of the incomplete gamma
// function ratios":
//
//   x small: P by its power series, or Q by that of 1 - P without the cancellation (DLMF 8.7.1)
//
//   x <= a: P by the series x^a e^-x / Gamma(a + 1) (1 + x / (a + 1) + ...) (8.7.1)
//
//   x > a: Q by the continued fraction (8.9.2)
//
//   a large, x close to a: Temme's uniform expansion (8.12)
//
// dP/da is the derivative of the series and of the fraction, whose terms have one sign; for a large and x
// close to a it has an expansion of its own. 50 ns to 1 us.
#include <utility>

#include "kernels/special/polynomial.h"
#include "kernels/special/special.h"

namespace plait::special {
namespace {

constexpr double kEpsilon = 1e-17, kLarge = 100, kClose = 0.4;

// log Gamma(1 + a) / (a (a - 1)) on [0, 1]
// fit lgamma1p: 6.5e-17
constexpr double kLgamma1P[] = {0.4831289505409809,      -0.07297994795715297,    0.015727850268641087,
                                -0.003913560937631775,   0.0010498186644550078,   -0.00029455070139885835,
                                8.510090373160589e-05,   -2.5094329865138616e-05, 7.51139187757322e-06,
                                -2.2742408987455623e-06, 6.948427246994779e-07,   -2.1388454082136998e-07,
                                6.62389662313274e-08,    -2.057732700577782e-08,  6.430000247788e-09,
                                -2.073543297379581e-09,  6.568614268233579e-10,   -1.6380781367237645e-10,
                                5.0154388670457076e-11,  -3.536643416123096e-11,  1.1606841755815668e-11};

// 1 / Gamma(1 + a) on [0, 1]
// fit rgamma1p: 1.8e-17
constexpr double kRgamma1P[] = {
    1.1283791670955126,     -0.02058726322264155,   -0.13166360888138617,   0.021887753255491773,
    0.0031854287654827294,  -0.0013173490427661452, 0.0001033265285353683,  1.6568214391736275e-05,
    -4.338790022674283e-06, 2.975734883040353e-07,  2.47608690175828e-08,   -6.785567495456005e-09,
    5.265038369692777e-10,  7.090854849747584e-12,  -5.494679324722212e-12, 5.125224635376318e-13};

// 1 / Gamma(1 + a) for 0 <= a < 20.
double rgamma1p(double a) {
  const double whole = std::floor(a), f = a - whole;
  double product = 1;
  for (double k = 1; k <= whole; ++k) product *= f + k;
  return polynomial(kRgamma1P, f, 0, 1) / product;
}

double log_gamma(double a) {
  int sign;
  return lgamma_r(a, &sign);
}

// mu - log(1 + mu), where x / a = 1 + mu.
double log_distance(double a, double x) {
  const double mu = (x - a) / a;
  if (std::fabs(mu) > 0.5) return mu - std::log(x / a);
  const double s = mu / (2 + mu), z = s * s;  // log(1 + mu) = 2 atanh(s)
  double power = s * z, sum = 0;
  for (int k = 3; std::fabs(power) > kEpsilon * s * s; k += 2, power *= z) sum += power / k;
  return s * mu - 2 * sum;
}

// Gamma(a) = sqrt(2 pi / a) (a / e)^a gamma_rest(a) for a >= 20 (DLMF 5.11.1).
double gamma_rest(double a) {
  const double r = 1 / a, z = r * r;
  return std::exp(r * (1. / 12 - z * (1. / 360 - z * (1. / 1260 - z * (1. / 1680 - z / 1188)))));
}

// x^a e^-x / Gamma(a + 1)
double leading_factor(double a, double x) {
  if (a >= 20) {
    return std::exp(-a * log_distance(a, x)) / (std::sqrt(2 * kPi * a) * gamma_rest(a));
  }
  if (x < 600) return std::pow(x, a) * std::exp(-x) * rgamma1p(a);
  return std::exp(a * std::log(x) - x - log_gamma(a + 1));
}

// 1 + x / (a + 1) + x^2 / ((a + 1) (a + 2)) + ...
double power_series(double a, double x, double tolerance) {
  double term = 1, sum = 1;
  for (double n = a + 1; term > tolerance * sum; ++n) sum += term *= x / n;
  return sum;
}

// h = x / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (...))) in Q = x^a e^-x / Gamma(a) h / x, for x
// up to 1e30. Numerators and denominators of the fraction are sums of their own, p_n = b_n p_{n-1} + a_n
// p_{n-2}, divided every fourth step.
double upper_fraction(double a, double x, double tolerance) {
  double b = x + 1 - a, p = b, q = 1, p_before = 1, q_before = 0, value = b;
  for (int n = 1; n < 100000; ++n) {
    b += 2;
    const double c = n * (a - n);
    p_before = std::exchange(p, b * p + c * p_before);
    q_before = std::exchange(q, b * q + c * q_before);
    if (n % 4 != 0) continue;
    const double last = std::exchange(value, p / q);
    if (std::fabs(value - last) <= std::fmax(tolerance, 0x1p-51) * std::fabs(value)) break;
    if (p > 1e150) p *= 1e-150, p_before *= 1e-150, q *= 1e-150, q_before *= 1e-150;
  }
  return x / value;
}

// ---- Temme's expansion ----

// P = erfc(-w) / 2 - R, R = e^(-w^2) / sqrt(2 pi a) S, S = sum over k of c_k(eta) a^-k, w = eta sqrt(a / 2),
// eta^2 / 2 = mu - log(1 + mu), x / a = 1 + mu. Row k: the coefficients of c_k in powers of eta.
constexpr int kOrders = 7, kPowers = 20;
constexpr double kTemme[kOrders][kPowers] = {
    {-0.3333333333333333,    0.08333333333333333,    -0.014814814814814815,   0.0011574074074074073,
     0.0003527336860670194,  -0.0001787551440329218, 3.919263178522438e-05,   -2.185448510679992e-06,
     -1.85406221071516e-06,  8.296711340953087e-07,  -1.7665952736826078e-07, 6.707853543401498e-09,
     1.0261809784240309e-08, -4.382036018453353e-09, 9.14769958223679e-10,    -2.5514193994946248e-11,
     -5.830772132550426e-11, 2.4361948020667415e-11, -5.0276692801141755e-12, 1.1004392031956135e-13},
    {-0.001851851851851852,   -0.003472222222222222,   0.0026455026455026454,   -0.0009902263374485596,
     0.00020576131687242798,  -4.018775720164609e-07,  -1.8098550334489977e-05, 7.64916091608111e-06,
     -1.6120900894563446e-06, 4.647127802807434e-09,   1.378633446915721e-07,   -5.752545603517705e-08,
     1.1951628599778148e-08,  -1.7543241719747647e-11, -1.0091543710600413e-09, 4.162792991842583e-10,
     -8.56390702649298e-11,   6.067215101604758e-14,   7.1624989648114856e-12,  -2.933186643771437e-12},
    {0.004133597883597883,   -0.0026813271604938273,  0.0007716049382716049,   2.0093878600823047e-06,
     -0.0001073665322636516, 5.2923448829120125e-05,  -1.2760635188618728e-05, 3.423578734096138e-08,
     1.3721957309062934e-06, -6.298992138380055e-07,  1.4280614206064242e-07,  -2.0477098421990866e-10,
     -1.409252991086752e-08, 6.228974084922022e-09,   -1.3670488396617114e-09, 9.428356159014678e-13,
     1.2872252400089318e-10, -5.5645956134363323e-11, 1.197593554636698e-11,   -4.1689782251838634e-15},
    {0.0006494341563786008,   0.00022947209362139917,  -0.0004691894943952557,  0.00026772063206283885,
     -7.561801671883977e-05,  -2.396505113867297e-07,  1.1082654115347302e-05,  -5.6749528269915965e-06,
     1.4230900732435883e-06,  -2.7861080291528143e-11, -1.6958404091930278e-07, 8.099464905388083e-08,
     -1.9111168485973655e-08, 2.3928620439808118e-12,  2.0620131815488797e-09,  -9.460496661855133e-10,
     2.1541049775774907e-10,  -1.388823336813903e-14,  -2.1894761681963938e-11, 9.790998951171684e-12},
    {-0.0008618882909167117,  0.0007840392217200666,   -0.0002990724803031902, -1.4638452578843418e-06,
     6.641498215465122e-05,   -3.968365047179435e-05,  1.1375726970678419e-05, 2.507497226237533e-10,
     -1.6954149536558305e-06, 8.907507532205309e-07,   -2.292934834000805e-07, 2.956794137544049e-11,
     2.8865829742708783e-08,  -1.4189739437803219e-08, 3.4463580499464896e-09, -2.3024517174528067e-13,
     -3.9409233028046403e-10, 1.86023389685045e-10,    -4.356323005056618e-11, 1.278600101629623e-15},
    {-0.00033679855336635813, -6.972813758365857e-05,  0.0002772753244959392,   -0.00019932570516188847,
     6.797780477937208e-05,   1.419062920643967e-07,   -1.3594048189768693e-05, 8.018470256334202e-06,
     -2.291481176508095e-06,  -3.252473551298454e-10,  3.4652846491085265e-07,  -1.8447187191171344e-07,
     4.8240967037894184e-08,  -1.7989466721743514e-14, -6.306194500013523e-09,  3.162417628774568e-09,
     -7.840924253697429e-10,  5.192679165254041e-15,   9.358944242306784e-11,   -4.513426216163278e-11},
    {0.0005313079364639922,  -0.0005921664373536939,  0.0002708782096718045,   7.902353232660328e-07,
     -8.153969367561969e-05, 5.61168275310625e-05,    -1.8329116582843375e-05, -3.0796134506033047e-09,
     3.465155368803609e-06,  -2.0291327396058603e-06, 5.788792863149004e-07,   2.338630673826657e-13,
     -8.828600746330484e-08, 4.7435958880408125e-08,  -1.2545415020710383e-08, 8.649648858010293e-14,
     1.6846058979264062e-09, -8.575492823577594e-10,  2.1598224929232125e-10,  -7.613230520476153e-16}};

// S and eta.
struct Expansion {
  double eta, s;
};

Expansion expand(double a, double x) {
  const double eta = std::copysign(std::sqrt(2 * log_distance(a, x)), x - a);
  double s = 0, power = 1;  // a^-k
  for (int k = 0; k < kOrders; ++k, power /= a) {
    double c = 0;
    for (int n = kPowers - 1; n >= 0; --n) c = c * eta + kTemme[k][n];
    s += c * power;
  }
  return {eta, s};
}

bool is_close(double a, double x) { return a >= kLarge && std::fabs(x - a) <= kClose * a; }

// P for sign = -1, Q for sign = 1.
double uniform(double a, double x, double sign) {
  const Expansion e = expand(a, x);
  const double w = e.eta * std::sqrt(0.5 * a);
  return 0.5 * std::erfc(sign * w) + sign * std::exp(-w * w) / std::sqrt(2 * kPi * a) * e.s;
}

// ---- The choice ----

bool is_infinite_or_zero(double a, double x) { return a == 0 || x == 0 || std::isinf(a) || std::isinf(x); }

// P there; NaN where it has no limit.
double limit(double a, double x) {
  if (a == 0) return x > 0 ? 1 : kNan;
  if (std::isinf(a)) return std::isinf(x) ? kNan : 0;
  return x == 0 ? 0 : 1;
}

double by_series(double a, double x, double tolerance) {
  return leading_factor(a, x) * power_series(a, x, tolerance);
}
double by_fraction(double a, double x, double tolerance) {
  const double factor = leading_factor(a, x);  // 0 for most x whose powers leave the range
  return factor > 0 ? factor * (a / x) * upper_fraction(a, x, tolerance) : 0;
}

// Q for x < 1.1 and small a: 1 - x^a / Gamma(1 + a) + x^a / Gamma(1 + a) a (x / (a + 1) - x^2 / (2! (a + 2))
// + ...)
double by_difference(double a, double x, double tolerance) {
  const double exponent = a * std::log(x) - a * (a - 1) * polynomial(kLgamma1P, a, 0, 1);
  double power = -x, sum = 0;
  for (int n = 1; std::fabs(power) > tolerance * std::fabs(sum) * n; ++n, power *= -x / n)
    sum -= power / (a + n);
  return -std::expm1(exponent) + std::exp(exponent) * a * sum;
}

// Whether P is the smaller one, to be computed itself.
bool prefers_lower(double a, double x) {
  if (x >= 1.1) return x <= a;
  return x <= 0.5 ? -0.4 / std::log(x) < a : x * 0.75 < a;
}

}  // namespace

double gammainc(double a, double x, double tolerance) {
  if (!(a >= 0 && x >= 0)) return kNan;
  if (is_infinite_or_zero(a, x)) return limit(a, x);
  if (is_close(a, x)) return uniform(a, x, -1);
  if (prefers_lower(a, x)) return by_series(a, x, tolerance);
  return 1 - (x < 1.1 ? by_difference(a, x, tolerance) : by_fraction(a, x, tolerance));
}

double gammaincc(double a, double x, double tolerance) {
  if (!(a >= 0 && x >= 0)) return kNan;
  if (is_infinite_or_zero(a, x)) return 1 - limit(a, x);
  if (is_close(a, x)) return uniform(a, x, 1);
  if (prefers_lower(a, x)) return 1 - by_series(a, x, tolerance);
  return x < 1.1 ? by_difference(a, x, tolerance) : by_fraction(a, x, tolerance);
}

double gamma_density(double a, double x) {
  if (!(a >= 0 && x >= 0)) return kNan;
  if (x == 0) return a > 1 ? 0 : a == 1 ? 1 : kInf;
  if (a == 0 || std::isinf(a) || std::isinf(x)) return 0;
  return leading_factor(a, x) * (a / x);
}

}  // namespace plait::special
