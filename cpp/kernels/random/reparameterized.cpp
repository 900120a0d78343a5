// SPDX-License-Identifier: MIT
#include "kernels/random/reparameterized.h"

#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "core/scalar.h"

namespace plait {

namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
// Terms of a series or continued fraction. About 9 sqrt(a) are needed where x is near its mean a.
constexpr int kMostTerms = 1000000;
// tuned: one element takes 0.2 to 1 us
constexpr int64_t kGrainGradients = 128;

// A value and its derivative by one parameter.
struct Dual {
  double v, d = 0;
};
Dual operator+(Dual a, Dual b) { return {a.v + b.v, a.d + b.d}; }
Dual operator-(Dual a, Dual b) { return {a.v - b.v, a.d - b.d}; }
Dual operator*(Dual a, Dual b) { return {a.v * b.v, a.d * b.v + a.v * b.d}; }
Dual operator/(Dual a, Dual b) {
  const double q = a.v / b.v;
  return {q, (a.d - q * b.d) / b.v};
}

// Lentz's evaluation of b0 + a1 / (b1 + a2 / (b2 + ...)), as modified by Thompson and Barnett, J.
// Computational Physics 64 (1986).
class ContinuedFraction {
 public:
  explicit ContinuedFraction(Dual b0) : f_(b0), c_(b0) {}

  // Whether the value has not changed.
  bool add(Dual a, Dual b) {
    d_ = Dual{1} / (b + a * d_);
    c_ = b + a / c_;
    const Dual factor = c_ * d_;
    f_ = f_ * factor;
    return std::fabs(factor.v - 1) <= kEpsilon && std::fabs(factor.d * f_.v) <= kEpsilon * std::fabs(f_.d);
  }
  Dual value() const { return f_; }

 private:
  Dual f_, c_, d_{0};
};

// ---- Gamma ----
// With y = dx / da:  x y' + (a - 1 - x) y = -x (log x - psi(a)).

// y as a series in 1 / m and w = log(x / m), m = a - 1, for large a. With psi(m + 1) - log m = sum b_k m^-k
// the equation becomes  dy / dw + m (1 - e^w) y = -m e^w (w - sum b_k m^-k),  so y = sum Y_k(w) m^-k with
//   Y_0 = w e^w / (e^w - 1),   Y_k = (Y_(k-1)' - b_k e^w) / (e^w - 1),
// whose singularity at w = 0 is removable.
class LargeShape {
 public:
  LargeShape() {
    // Power series in w: e^w / 1, and (e^w - 1) / w.
    long double exponential[kOrders + 1], divisor[kOrders + 1];
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
      long double series[kOrders];
      for (int j = 0; j < orders; ++j) {
        series[j] = numerator[j + 1];
        for (int i = 0; i < j; ++i) series[j] -= series[i] * divisor[j - i];
      }
      for (int j = 0; j < kPowers; ++j) y_[k][j] = static_cast<double>(series[j]);
      for (int j = 0; j + 1 < orders; ++j) {
        numerator[j] = static_cast<long double>(j + 1) * series[j + 1] - kPsi[k] * exponential[j];
      }
    }
  }
  static bool covers(double a, double x) { return a >= 40 && std::fabs(x / (a - 1) - 1) < 0.4; }
  double operator()(double a, double x) const {
    const double m = a - 1, w = std::log(x / m);
    double sum = 0;
    for (int k = kInverse - 1; k >= 0; --k) {
      double y = 0;
      for (int j = kPowers - 1; j >= 0; --j) y = y * w + y_[k][j];
      sum = sum / m + y;
    }
    return sum;
  }

 private:
  static constexpr int kInverse = 8, kPowers = 16, kOrders = kPowers + 2 * kInverse;
  static constexpr long double kPsi[kInverse] = {1.0L / 2, -1.0L / 12,  0, 1.0L / 120,
                                                 0,        -1.0L / 252, 0, 1.0L / 240};
  double y_[kInverse][kPowers];
};

// Below the mean. F = x^a e^-x / Gamma(a + 1) s(a) with s = sum over n of x^n / ((a + 1) ... (a + n)):
//   y = -x / a (s (log x - psi(a + 1)) + s')
double gamma_grad_by_series(double a, double x, double psi_1) {
  double term = 1, log_derivative = 0, s = 1, ds = 0;
  for (int n = 1; n < kMostTerms; ++n) {
    term *= x / (a + n);
    log_derivative -= 1 / (a + n);
    s += term;
    ds += term * log_derivative;
    if (term * -log_derivative <= kEpsilon * -ds && term <= kEpsilon * s) break;
  }
  return -x / a * (s * (std::log(x) - psi_1) + ds);
}

// Above it. 1 - F = x^a e^-x / Gamma(a) h(a) with h = 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)):
//   y = x (h (log x - psi(a)) + h')
double gamma_grad_by_fraction(double a, double x, double psi_1) {
  Dual b{x + 1 - a, -1};
  ContinuedFraction fraction(b);
  for (int i = 1; i < kMostTerms; ++i) {
    b = b + Dual{2};
    if (fraction.add({i * (a - i), static_cast<double>(i)}, b)) break;
  }
  const Dual h = Dual{1} / fraction.value();
  return x * (h.v * (std::log(x) - (psi_1 - 1 / a)) + h.d);
}

double gamma_grad_of(double a, double x, double psi_1) {
  static const LargeShape large_shape;
  if (std::isnan(a) || std::isnan(x)) return std::numeric_limits<double>::quiet_NaN();
  if (x <= 0) return 0;
  if (std::isinf(a) || std::isinf(x)) return 1;
  if (LargeShape::covers(a, x)) return large_shape(a, x);
  return x <= a + 1 ? gamma_grad_by_series(a, x, psi_1) : gamma_grad_by_fraction(a, x, psi_1);
}

// ---- Beta ----

// h(a, b) with F = x^a (1 - x)^b / (a B(a, b)) / h, the continued fraction of the incomplete beta function
// (DLMF 8.17.22); it converges quickly below the mean, x < (a + 1) / (a + b + 2).
Dual beta_fraction(Dual a, Dual b, double x) {
  ContinuedFraction fraction(Dual{1});
  for (int m = 0; m < kMostTerms; ++m) {
    const Dual at{static_cast<double>(m)}, a2 = a + at + at;
    const Dual odd = Dual{-x} * (a + at) * (a + b + at) / (a2 * (a2 + Dual{1}));
    bool done = fraction.add(odd, {1});
    const Dual next{m + 1.0}, a4 = a2 + Dual{2};
    const Dual even = Dual{x} * next * (b - next) / ((a4 - Dual{1}) * a4);
    done = fraction.add(even, {1}) && done;
    if (done) break;
  }
  return fraction.value();
}

// (dx / da) / (1 - x):
//   below the mean  -x / a (g (log x + psi(a + b) - psi(a) - 1 / a) + dg / da)       with g = 1 / h(a, b; x)
//   above            x / b (g (log x + psi(a + b) - psi(a)) + dg / da)               with g = 1 / h(b, a; 1 -
//   x)
double beta_grad_of(double x, double a, double b, double psi_difference) {
  if (std::isnan(a) || std::isnan(b) || std::isnan(x)) return std::numeric_limits<double>::quiet_NaN();
  if (x <= 0) return 0;
  const double level = std::log(x) + psi_difference;
  if (x < (a + 1) / (a + b + 2)) {
    const Dual g = Dual{1} / beta_fraction({a, 1}, {b}, x);
    return -x / a * (g.v * (level - 1 / a) + g.d);
  }
  const Dual g = Dual{1} / beta_fraction({b}, {a, 1}, 1 - x);
  return x / b * (g.v * level + g.d);
}

template <class F>
void store_gradients(DType dtype, void* out, int64_t n, F f) {
  dispatch_float(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    parallel_for(n, kGrainGradients, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) static_cast<T*>(out)[i] = convert<T>(f(i));
    });
  });
}

}  // namespace

void gamma_grad(const GammaGradArgs& args) {
  store_gradients(args.dtype, args.out, args.n,
                  [&](int64_t i) { return gamma_grad_of(args.alpha[i], args.x[i], args.psi_1[i]); });
}

void beta_grad(const BetaGradArgs& args) {
  store_gradients(args.dtype, args.out, args.n, [&](int64_t i) {
    return beta_grad_of(args.x[i], args.alpha[i], args.total[i] - args.alpha[i], args.psi_difference[i]);
  });
}

}  // namespace plait
