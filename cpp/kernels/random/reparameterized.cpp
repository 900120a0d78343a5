// SPDX-License-Identifier: MIT
#include "kernels/random/reparameterized.h"

#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "core/scalar.h"
#include "kernels/special/continued_fraction.h"
#include "kernels/special/special.h"

namespace plait {

namespace {

using special::Dual;

// Terms of a continued fraction.
constexpr int kMostTerms = 1000000;
// tuned: one element takes 0.1 to 0.5 us
constexpr int64_t kGrainGradients = 256;
// Where sums end, relative to them.
double tolerance_of(DType dtype) {
  return dtype == DType::kFloat64 ? std::numeric_limits<double>::epsilon() : special::kFloatTolerance;
}

// ---- Beta ----

// h(a, b) with F = x^a (1 - x)^b / (a B(a, b)) / h, the continued fraction of the incomplete beta function
// (DLMF 8.17.22); it converges quickly below the mean, x < (a + 1) / (a + b + 2).
Dual beta_fraction(Dual a, Dual b, double x, double tolerance) {
  special::ContinuedFraction fraction(Dual{1}, tolerance);
  const Dual ab = a + b;
  for (int m = 0; m < kMostTerms; ++m) {
    const Dual at{static_cast<double>(m)}, next{m + 1.0}, a2 = a + at + at, middle = a2 + Dual{1};
    if (fraction.add(Dual{-x} * (a + at) * (ab + at) / (a2 * middle), {1})) break;
    if (fraction.add(Dual{x} * next * (b - next) / (middle * (a2 + Dual{2})), {1})) break;
  }
  return fraction.value();
}

// (dx / da) / (1 - x):
//   below the mean  -x / a (g (log x + psi(a + b) - psi(a) - 1 / a) + dg / da)       with g = 1 / h(a, b; x)
//   above            x / b (g (log x + psi(a + b) - psi(a)) + dg / da)               with g = 1 / h(b, a; 1 -
//   x)
double beta_grad_of(double x, double a, double b, double psi_difference, double tolerance) {
  if (std::isnan(a) || std::isnan(b) || std::isnan(x)) return std::numeric_limits<double>::quiet_NaN();
  if (x <= 0) return 0;
  const double level = std::log(x) + psi_difference;
  if (x < (a + 1) / (a + b + 2)) {
    const Dual g = Dual{1} / beta_fraction({a, 1}, {b}, x, tolerance);
    return -x / a * (g.v * (level - 1 / a) + g.d);
  }
  const Dual g = Dual{1} / beta_fraction({b}, {a, 1}, 1 - x, tolerance);
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
  const double tolerance = tolerance_of(args.dtype);
  store_gradients(args.dtype, args.out, args.n, [&](int64_t i) {
    return special::standard_gamma_grad(args.alpha[i], args.x[i], tolerance);
  });
}

void beta_grad(const BetaGradArgs& args) {
  const double tolerance = tolerance_of(args.dtype);
  store_gradients(args.dtype, args.out, args.n, [&](int64_t i) {
    return beta_grad_of(args.x[i], args.alpha[i], args.total[i] - args.alpha[i], args.psi_difference[i],
                        tolerance);
  });
}

}  // namespace plait
