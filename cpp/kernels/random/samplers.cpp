// SPDX-License-Identifier: MIT
#include "kernels/random/samplers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/parallel.h"
#include "core/scalar.h"
#include "kernels/random/random_driver.h"

namespace plait {

namespace {

// tuned: one element takes 30 to 150 ns
constexpr int64_t kGrainSamples = 1024;

// f(i, words of element i) for i in [begin, end). The first blocks of several elements are drawn at once.
template <class F>
void for_samples_in(int64_t begin, int64_t end, const Generator::Position& at, F f) {
  constexpr int64_t kElements = 128;
  uint32_t first[4 * kElements];
  for (int64_t i = begin; i < end; i += kElements) {
    const int64_t m = std::min(end - i, kElements);
    words_at(first, 4 * m, at.seed, at.counter + static_cast<uint64_t>(i));
    for (int64_t j = 0; j < m; ++j) {
      ElementWords words(at.seed, at.counter + static_cast<uint64_t>(i + j), first + 4 * j);
      f(i + j, words);
    }
  }
}

// out[i] = draw(i, words), converted to the dtype.
template <class F>
void store_samples(DType dtype, void* out, int64_t n, Generator* generator, F draw) {
  dispatch_float(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Generator::Position at = reserve_words(4 * n, generator);
    parallel_for(n, kGrainSamples, [&](int64_t begin, int64_t end) {
      for_samples_in(begin, end, at, [&](int64_t i, ElementWords& words) {
        static_cast<T*>(out)[i] = convert<T>(draw(i, words));
      });
    });
  });
}

// ---- Normal: Doornik, "An improved ziggurat method to generate normal random samples" (2005) ----

// Layers of equal area over the density e^(-x^2 / 2): layer i reaches to edge(i), and what lies left of
// edge(i + 1) is below the density. Layer 0 contains the tail.
class Ziggurat {
 public:
  Ziggurat() {
    double height = std::exp(-0.5 * kTail * kTail);
    edge_[0] = kArea / height;
    edge_[1] = kTail;
    for (size_t i = 2; i < kLayers; ++i) {
      edge_[i] = std::sqrt(-2 * std::log(kArea / edge_[i - 1] + height));
      height = std::exp(-0.5 * edge_[i] * edge_[i]);
    }
    edge_[kLayers] = 0;
    for (size_t i = 0; i < kLayers; ++i) inside_[i] = edge_[i + 1] / edge_[i];
  }

  double operator()(ElementWords& words) const {
    while (true) {
      const uint64_t bits = words.bits();
      const double u = 2 * ElementWords::to_uniform(bits) - 1;  // of bits that the layer does not use
      const size_t layer = bits % kLayers;
      if (std::fabs(u) < inside_[layer]) return u * edge_[layer];
      if (layer == 0) return tail(words, u);
      const double x = u * edge_[layer], low = above(edge_[layer], x), high = above(edge_[layer + 1], x);
      if (high + words.uniform() * (low - high) < 1) return x;
    }
  }

 private:
  static constexpr size_t kLayers = 128;
  static constexpr double kTail = 3.442619855899, kArea = 9.91256303526217e-3;

  // The density at an edge over that at x.
  static double above(double edge, double x) { return std::exp(-0.5 * (edge * edge - x * x)); }
  static double tail(ElementWords& words, double sign) {
    double x, y;
    do {
      x = -std::log(words.uniform()) / kTail;
      y = -std::log(words.uniform());
    } while (2 * y < x * x);
    return std::copysign(kTail + x, sign);
  }

  double edge_[kLayers + 1], inside_[kLayers];
};

double normal_variable(ElementWords& words) {
  static const Ziggurat ziggurat;
  return ziggurat(words);
}

// ---- Gamma: Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000) ----

// For alpha >= 1: d v with v = (1 + c z)^3, z normal.
double gamma_from_1(double alpha, ElementWords& words) {
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double z = normal_variable(words), root = 1 + c * z;
    if (root <= 0) continue;
    const double v = root * root * root, u = words.uniform(), z2 = z * z;
    if (u < 1 - 0.0331 * z2 * z2 || std::log(u) < 0.5 * z2 + d * (1 - v + std::log(v))) return d * v;
  }
}

// Below 1 a gamma variable of alpha + 1 times u^(1 / alpha) is one of alpha. Its logarithm stays finite where
// the variable itself is too small for a double.
double log_gamma_variable(double alpha, ElementWords& words) {
  if (!(alpha < HUGE_VAL)) return alpha;
  if (alpha >= 1) return std::log(gamma_from_1(alpha, words));
  const double boosted = gamma_from_1(alpha + 1, words);
  return std::log(boosted) + std::log(words.uniform()) / alpha;
}
double gamma_variable(double alpha, ElementWords& words) {
  if (!(alpha < HUGE_VAL)) return alpha;
  if (alpha >= 1) return gamma_from_1(alpha, words);
  const double boosted = gamma_from_1(alpha + 1, words);
  return boosted * std::exp(std::log(words.uniform()) / alpha);
}

template <class T>
double smallest_normal() {
  if constexpr (std::is_same_v<T, Half>) return 0x1p-14;
  if constexpr (std::is_same_v<T, BFloat16>) return std::numeric_limits<float>::min();
  if constexpr (std::is_floating_point_v<T>) return std::numeric_limits<T>::min();
}
// The largest number below 1.
template <class T>
double below_1() {
  if constexpr (std::is_same_v<T, Half>) return 1 - 0x1p-11;
  if constexpr (std::is_same_v<T, BFloat16>) return 1 - 0x1p-8;
  if constexpr (std::is_floating_point_v<T>) return 1 - std::numeric_limits<T>::epsilon() / 2;
}

}  // namespace

void sample_gamma(const double* alpha, DType dtype, void* out, int64_t n, Generator* generator) {
  const double least =
      dispatch_float(dtype, [](auto tag) { return smallest_normal<typename decltype(tag)::type>(); });
  store_samples(dtype, out, n, generator, [=](int64_t i, ElementWords& words) {
    const double x = gamma_variable(alpha[i], words);
    return x < least ? least : x;
  });
}

void sample_dirichlet(const double* alpha, DType dtype, void* out, int64_t rows, int64_t n,
                      Generator* generator) {
  const Generator::Position at = reserve_words(4 * rows * n, generator);
  dispatch_float(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const int64_t grain = std::max<int64_t>(1, kGrainSamples / n);
    parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
      std::vector<double> parts(static_cast<size_t>(n));
      for (int64_t row = begin; row < end; ++row) {
        const double* const shapes = alpha + row * n;
        const bool plain = std::all_of(shapes, shapes + n, [](double v) { return v >= 1 && v < HUGE_VAL; });
        for_samples_in(row * n, (row + 1) * n, at, [&](int64_t i, ElementWords& words) {
          parts[static_cast<size_t>(i - row * n)] =
              plain ? gamma_from_1(alpha[i], words) : log_gamma_variable(alpha[i], words);
        });
        if (!plain) {  // softmax of the logarithms
          const double largest = *std::max_element(parts.begin(), parts.end());
          for (double& v : parts) v = std::exp(v - largest);
        }
        const double sum = std::accumulate(parts.begin(), parts.end(), 0.0);
        T* const x = static_cast<T*>(out) + row * n;
        for (int64_t j = 0; j < n; ++j) {
          const double p = parts[static_cast<size_t>(j)] / sum;
          x[j] = convert<T>(p < smallest_normal<T>() ? smallest_normal<T>()
                            : p > below_1<T>()       ? below_1<T>()
                                                     : p);
        }
      }
    });
  });
}

namespace {

// ---- Poisson and binomial numbers ----
// Logarithms of probabilities as sums without cancellation: Loader, "Fast and accurate computation of
// binomial probabilities" (2000).

// log(k!) - log(sqrt(2 pi k) (k / e)^k)
double exact_stirling_rest(double k) {
  const long double x = k, half_log_2pi = 0.91893853320467274178032973640562L;
  return static_cast<double>(logl(tgammal(x + 1)) - (x + 0.5L) * logl(x) + x - half_log_2pi);
}
double stirling_rest(double k) {
  constexpr size_t kTable = 64;
  static const auto table = [] {
    std::array<double, kTable> rests{};
    for (size_t i = 1; i < kTable; ++i) rests[i] = exact_stirling_rest(static_cast<double>(i));
    return rests;
  }();
  if (k < kTable && k == std::floor(k)) return table[static_cast<size_t>(k)];
  if (k < 16) return exact_stirling_rest(k);
  const double r = 1 / (k * k);
  return (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r / 1680))) / k;
}
// k log(k / mean) + mean - k, which is k (t - log(1 + t)) for t = (mean - k) / k. Near 0, log(1 + t) = 2
// atanh(s).
double deviance(double k, double mean) {
  if (k == 0) return mean;
  const double t = (mean - k) / k;
  if (std::fabs(t) > 0.25) return k * (t - std::log(mean / k));
  const double s = t / (2 + t), z = s * s;
  const double tail =
      1. / 3 + z * (1. / 5 + z * (1. / 7 + z * (1. / 9 + z * (1. / 11 + z * (1. / 13 + z / 15)))));
  return k * s * (t - 2 * z * tail);
}
double log_poisson(double k, double rate) {
  if (k == 0) return -rate;
  return -stirling_rest(k) - deviance(k, rate) - 0.5 * std::log(2 * M_PI * k);
}
// For 0 < p < 1.
double log_binomial(double k, double n, double p) {
  if (k == 0) return n * std::log1p(-p);
  if (k == n) return n * std::log(p);
  return stirling_rest(n) - stirling_rest(k) - stirling_rest(n - k) - deviance(k, n * p) -
         deviance(n - k, n * (1 - p)) - 0.5 * std::log(2 * M_PI * k * (n - k) / n);
}

// The first k at which the sum of the probabilities p, p ratio(1), p ratio(1) ratio(2), ... reaches a uniform
// number; at most `most`.
template <class F>
double invert_sum(double p, double most, ElementWords& words, F ratio) {
  double u = words.uniform(), k = 0;
  while (u > p && k < most) {
    u -= p;
    ++k;
    p *= ratio(k);
  }
  return k;
}

// Below this mean, inversion; from it on, transformed rejection.
constexpr double kFewEvents = 10;
// No sum reaches so many events at a mean below kFewEvents.
constexpr double kMostEvents = 200;

// Hoermann, "The transformed rejection method for generating Poisson random variables", Insurance:
// Mathematics and Economics 12 (1993): PTRS.
double poisson_by_rejection(double rate, ElementWords& words) {
  const double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), accepted = 0.9277 - 3.6224 / (b - 2);
  while (true) {
    const double u = words.uniform() - 0.5, v = words.uniform(), us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= accepted) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v * inverse_alpha / (a / (us * us) + b)) <= log_poisson(k, rate)) return k;
  }
}
double poisson_variable(double rate, ElementWords& words) {
  if (!(rate < HUGE_VAL)) return rate;
  if (rate >= kFewEvents) return poisson_by_rejection(rate, words);
  return invert_sum(std::exp(-rate), kMostEvents, words, [=](double k) { return rate / k; });
}

// The product of (n - i + 1) odds / i over i from `from` + 1 to `to`: the probability of `to` over that of
// `from`.
double binomial_ratio(double from, double to, double n, double odds) {
  double over = 1, under = 1;
  for (double i = from + 1; i <= to; ++i) {
    over *= (n - i + 1) * odds;
    under *= i;
  }
  return over / under;
}

// Hoermann, "The generation of binomial random variates", J. Statistical Computation and Simulation 46
// (1993): BTRS, for p <= 1/2; near the mode, probabilities are products of ratios, as in his BTRD.
double binomial_by_rejection(double n, double p, ElementWords& words) {
  constexpr double kNear = 15;
  const double spread = std::sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * spread,
               a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double center = n * p + 0.5, accepted = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread;
  const double mode = std::floor((n + 1) * p);
  double at_mode = HUGE_VAL;  // computed for the few samples that need it
  while (true) {
    const double u = words.uniform() - 0.5, v = words.uniform(), us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + center);
    if (k < 0 || k > n) continue;
    if (us >= 0.07 && v <= accepted) return k;
    const double wanted = v * alpha / (a / (us * us) + b);  // of the probability of k over that of the mode
    if (std::fabs(k - mode) <= kNear) {
      const double odds = p / (1 - p);
      if (k >= mode ? wanted <= binomial_ratio(mode, k, n, odds)
                    : wanted * binomial_ratio(k, mode, n, odds) <= 1) {
        return k;
      }
      continue;
    }
    if (at_mode == HUGE_VAL) at_mode = log_binomial(mode, n, p);
    if (std::log(wanted) <= log_binomial(k, n, p) - at_mode) return k;
  }
}
double binomial_variable(double n, double p, ElementWords& words) {
  if (std::isnan(n) || std::isnan(p) || n == HUGE_VAL) return std::numeric_limits<double>::quiet_NaN();
  if (p > 0.5) return n - binomial_variable(n, 1 - p, words);
  if (n == 0 || p == 0) return 0;
  if (n * p >= kFewEvents) return binomial_by_rejection(n, p, words);
  const double odds = p / (1 - p);
  return invert_sum(std::exp(n * std::log1p(-p)), std::min(n, kMostEvents), words,
                    [=](double k) { return (n - k + 1) / k * odds; });
}

// ---- Angles: Best and Fisher, "Efficient simulation of the von Mises distribution", Applied Statistics 28
// (1979) ----

// Below and above, the limits: uniform, and normal of variance 1 / kappa.
constexpr double kUniformKappa = 1e-8, kNormalKappa = 1e8;

double von_mises_variable(double kappa, ElementWords& words) {
  if (std::isnan(kappa)) return kappa;
  if (kappa < kUniformKappa) return M_PI * (2 * words.uniform() - 1);
  if (kappa > kNormalKappa) return normal_variable(words) / std::sqrt(kappa);
  const double tau = 1 + std::sqrt(1 + 4 * kappa * kappa), rho = (tau - std::sqrt(2 * tau)) / (2 * kappa);
  // rho loses its digits as kappa nears 0, where r is 1 / kappa + kappa.
  const double r = kappa < 1e-5 ? 1 / kappa + kappa : (1 + rho * rho) / (2 * rho);
  while (true) {
    const double z = std::cos(M_PI * words.uniform()), f = (1 + r * z) / (r + z), c = kappa * (r - f);
    const double u = words.uniform();
    if (c * (2 - c) > u || std::log(c / u) + 1 - c >= 0) {
      const double angle = std::acos(std::clamp(f, -1.0, 1.0));
      return words.uniform() < 0.5 ? -angle : angle;
    }
  }
}

}  // namespace

void sample_poisson(const double* rate, DType dtype, void* out, int64_t n, Generator* generator) {
  store_samples(dtype, out, n, generator,
                [=](int64_t i, ElementWords& words) { return poisson_variable(rate[i], words); });
}

void sample_binomial(const double* count, const double* p, DType dtype, void* out, int64_t n,
                     Generator* generator) {
  store_samples(dtype, out, n, generator,
                [=](int64_t i, ElementWords& words) { return binomial_variable(count[i], p[i], words); });
}

void sample_von_mises(const double* kappa, DType dtype, void* out, int64_t n, Generator* generator) {
  store_samples(dtype, out, n, generator,
                [=](int64_t i, ElementWords& words) { return von_mises_variable(kappa[i], words); });
}

}  // namespace plait
