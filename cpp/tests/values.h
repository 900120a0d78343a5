// SPDX-License-Identifier: MIT
// Random inputs and comparison with sums in double, for tests of drivers.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "check.h"

namespace plait::test {

inline std::mt19937 g_random(7);

template <class T>
std::vector<T> random_values(int64_t n, double scale = 1) {
  std::vector<T> v(static_cast<size_t>(n));
  std::normal_distribution<double> normal(0, scale);
  for (T& x : v) x = static_cast<T>(normal(g_random));
  return v;
}

// A tolerance for sums of a few hundred products of numbers near 1.
template <class T>
constexpr double kTolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;

template <class T>
void check_near(const std::vector<T>& got, const std::vector<double>& want, const char* what,
                double tolerance = kTolerance<T>) {
  TEST_CHECK(got.size() == want.size(), "%s: %zu values, expected %zu", what, got.size(), want.size());
  for (size_t i = 0; i < got.size() && i < want.size(); ++i) {
    const double error = std::fabs(static_cast<double>(got[i]) - want[i]);
    TEST_CHECK(error <= tolerance * (1 + std::fabs(want[i])), "%s[%zu]: got %.9g, expected %.9g", what, i,
               static_cast<double>(got[i]), want[i]);
  }
}

}  // namespace plait::test
