// SPDX-License-Identifier: MIT
// Every update rule against its formula in double, element by element: several arrays in one call, lengths
// around the vector, weight decay of both kinds, maximization; norms and scaling.
#include "kernels/optim/optim_driver.h"

#include <algorithm>
#include <array>
#include <functional>

#include "core/parallel.h"
#include "values.h"

namespace plait {
namespace {

using test::random_values;
using Element = std::array<double, 4>;  // parameter, then state

// What one rule does to one element: e[0] the parameter, e[1..] its state, g the gradient.
using Formula = std::function<void(Element& e, double g)>;

constexpr int64_t kLengths[] = {1, 7, 16, 0, 33, 1000};

template <class T, class Scalars>
void check_rule(OptimRule rule, int states, const Scalars& scalars, const Formula& formula) {
  const OptimDecay decays[] = {{}, {.weight_decay = 0.1}, {.shrink = 0.9, .maximize = true}};
  for (const OptimDecay& decay : decays) {
    std::vector<std::vector<T>> param, grad;
    std::vector<std::array<std::vector<T>, 3>> state;
    for (const int64_t n : kLengths) {
      param.push_back(random_values<T>(n));
      grad.push_back(random_values<T>(n));
      state.emplace_back();
      for (int k = 0; k < states; ++k) {
        auto& s = state.back()[static_cast<size_t>(k)] = random_values<T>(n);
        // Roots and step sizes. A second state that is a mean lies well below the root of the first, a mean
        // of squares: their difference must not cancel.
        const bool is_mean =
            k == 1 && (rule == OptimRule::kRmspropCentered || rule == OptimRule::kRmspropCenteredMomentum);
        for (T& v : s) v = is_mean ? v / 8 : std::abs(v) + T(0.5);
      }
    }
    const auto old_param = param;
    const auto old_state = state;
    std::vector<OptimItem> items;
    for (size_t i = 0; i < param.size(); ++i) {
      OptimItem item{DTypeOf<T>::value, {param[i].data(), grad[i].data(), {}, kLengths[i], decay, &scalars}};
      for (int k = 0; k < states; ++k) item.args.state[k] = state[i][static_cast<size_t>(k)].data();
      items.push_back(item);
    }
    optim_step(rule, items);
    for (size_t i = 0; i < param.size(); ++i) {
      for (size_t j = 0; j < param[i].size(); ++j) {
        Element e{static_cast<double>(old_param[i][j])};
        for (size_t k = 0; k < static_cast<size_t>(states); ++k)
          e[k + 1] = static_cast<double>(old_state[i][k][j]);
        const double g =
            static_cast<double>(grad[i][j]) * (decay.maximize ? -1 : 1) + decay.weight_decay * e[0];
        e[0] *= decay.shrink;
        formula(e, g);
        const auto near = [&](T got, double want) {
          return std::fabs(static_cast<double>(got) - want) <= test::kTolerance<T> * (1 + std::fabs(want));
        };
        TEST_CHECK(near(param[i][j], e[0]), "rule %d, parameter: %g, expected %g", static_cast<int>(rule),
                   static_cast<double>(param[i][j]), e[0]);
        for (size_t k = 0; k < static_cast<size_t>(states); ++k) {
          TEST_CHECK(near(state[i][k][j], e[k + 1]), "rule %d, state %zu: %g, expected %g",
                     static_cast<int>(rule), k, static_cast<double>(state[i][k][j]), e[k + 1]);
        }
      }
    }
  }
}

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

template <class T>
void check_rules() {
  const double lr = 0.1, b1 = 0.9, b2 = 0.95, eps = 1e-3;
  const auto means = [=](Element& e, double g) {
    e[1] += (1 - b1) * (g - e[1]);
    e[2] = b2 * e[2] + (1 - b2) * g * g;
  };
  check_rule<T>(OptimRule::kSgd, 0, SgdScalars{lr}, [=](Element& e, double g) { e[0] -= lr * g; });
  for (const bool nesterov : {false, true}) {
    check_rule<T>(OptimRule::kSgdMomentum, 1, SgdMomentumScalars{lr, 0.8, 0.3, nesterov},
                  [=](Element& e, double g) {
                    e[1] = 0.8 * e[1] + 0.7 * g;
                    e[0] -= lr * (nesterov ? g + 0.8 * e[1] : e[1]);
                  });
  }
  const AdamScalars adam{lr, b1, b2, 1.7, eps};
  check_rule<T>(OptimRule::kAdam, 2, adam, [=](Element& e, double g) {
    means(e, g);
    e[0] -= lr * e[1] / (1.7 * std::sqrt(e[2]) + eps);
  });
  check_rule<T>(OptimRule::kAdamAmsgrad, 3, adam, [=](Element& e, double g) {
    means(e, g);
    e[3] = std::max(e[3], e[2]);
    e[0] -= lr * e[1] / (1.7 * std::sqrt(e[3]) + eps);
  });
  const RmspropScalars rmsprop{lr, b2, 0.8, eps};
  const auto check_rmsprop = [&](OptimRule rule, bool centered, bool momentum) {
    check_rule<T>(rule, 1 + centered + momentum, rmsprop, [=](Element& e, double g) {
      e[1] = b2 * e[1] + (1 - b2) * g * g;
      double v = e[1];
      if (centered) {
        e[2] += (1 - b2) * (g - e[2]);
        v = std::max(0.0, v - e[2] * e[2]);
      }
      double q = g / (std::sqrt(v) + eps);
      if (momentum) {
        double& buffer = e[static_cast<size_t>(2 + centered)];
        q = buffer = 0.8 * buffer + q;
      }
      e[0] -= lr * q;
    });
  };
  check_rmsprop(OptimRule::kRmsprop, false, false);
  check_rmsprop(OptimRule::kRmspropMomentum, false, true);
  check_rmsprop(OptimRule::kRmspropCentered, true, false);
  check_rmsprop(OptimRule::kRmspropCenteredMomentum, true, true);
  check_rule<T>(OptimRule::kAdagrad, 1, AdagradScalars{lr, eps}, [=](Element& e, double g) {
    e[1] += g * g;
    e[0] -= lr * g / (std::sqrt(e[1]) + eps);
  });
  check_rule<T>(OptimRule::kAdadelta, 2, AdadeltaScalars{lr, b1, eps}, [=](Element& e, double g) {
    e[1] = b1 * e[1] + (1 - b1) * g * g;
    const double delta = std::sqrt((e[2] + eps) / (e[1] + eps)) * g;
    e[2] = b1 * e[2] + (1 - b1) * delta * delta;
    e[0] -= lr * delta;
  });
  check_rule<T>(OptimRule::kAdamax, 2, AdamaxScalars{lr, b1, b2, eps}, [=](Element& e, double g) {
    e[1] += (1 - b1) * (g - e[1]);
    e[2] = std::max(b2 * e[2], std::fabs(g) + eps);
    e[0] -= lr * e[1] / e[2];
  });
  check_rule<T>(OptimRule::kNadam, 2, NadamScalars{0.2, 0.3, b1, b2, 1.7, eps}, [=](Element& e, double g) {
    means(e, g);
    e[0] -= (0.2 * g + 0.3 * e[1]) / (1.7 * std::sqrt(e[2]) + eps);
  });
  for (const bool rectified : {false, true}) {
    check_rule<T>(OptimRule::kRadam, 2, RadamScalars{lr, b1, b2, eps, rectified}, [=](Element& e, double g) {
      means(e, g);
      e[0] -= rectified ? lr * e[1] / (std::sqrt(e[2]) + eps) : lr * e[1];
    });
  }
  check_rule<T>(OptimRule::kRprop, 2, RpropScalars{0.5, 1.2, 1e-3, 2.0}, [=](Element& e, double g) {
    const double agreement = g * e[1];
    e[2] = std::clamp(e[2] * (agreement > 0 ? 1.2 : agreement < 0 ? 0.5 : 1), 1e-3, 2.0);
    if (agreement < 0) g = 0;
    e[0] -= sign(g) * e[2];
    e[1] = g;
  });
  for (const double mu : {1.0, 0.25}) {
    check_rule<T>(OptimRule::kAsgd, 1, AsgdScalars{lr, 0.99, mu}, [=](Element& e, double g) {
      e[0] = 0.99 * e[0] - lr * g;
      e[1] = mu == 1 ? e[0] : e[1] + mu * (e[0] - e[1]);
    });
  }
}

template <class T>
void check_norms() {
  std::vector<std::vector<T>> values;
  std::vector<FloatArray> arrays;
  for (const int64_t n : {int64_t{1}, int64_t{0}, int64_t{40000}, int64_t{33}, int64_t{90001}}) {
    values.push_back(random_values<T>(n));
  }
  for (auto& v : values) arrays.push_back({DTypeOf<T>::value, v.data(), static_cast<int64_t>(v.size())});
  for (const double p : {1.0, 2.0, 3.5, std::numeric_limits<double>::infinity()}) {
    double want = 0;
    for (const auto& v : values) {
      for (const T x : v) {
        const double a = std::fabs(static_cast<double>(x));
        want = std::isinf(p) ? std::max(want, a) : want + std::pow(a, p);
      }
    }
    if (!std::isinf(p)) want = std::pow(want, 1 / p);
    set_num_threads(1);
    const double got = norm_all(arrays, p);
    TEST_CHECK(std::fabs(got / want - 1) < 1e-10, "norm %g: %.12g, expected %.12g", p, got, want);
    set_num_threads(3);
    TEST_CHECK(norm_all(arrays, p) == got, "norm %g: other bits at 3 threads", p);
  }
  const auto before = values;
  scale_all(arrays, 0.5);
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = 0; j < values[i].size(); ++j) {
      TEST_CHECK(values[i][j] == before[i][j] * T(0.5), "scale[%zu][%zu]", i, j);
    }
  }
}

}  // namespace
}  // namespace plait

int main() {
  plait::test::require_isa();
  for (int threads : {1, 3}) {
    plait::set_num_threads(threads);
    plait::check_rules<float>();
    plait::check_rules<double>();
  }
  plait::check_norms<float>();
  plait::check_norms<double>();
  return plait::test::report("optim");
}
