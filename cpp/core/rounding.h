// SPDX-License-Identifier: MIT
// Whole numbers of blocks. Forced inline, because code that is compiled once per instruction set includes it
// and must not leave weak symbols.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plait {

// a / b rounded up, for a >= 0 and b > 0.
constexpr inline __attribute__((always_inline)) int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}
constexpr inline __attribute__((always_inline)) size_t ceil_div(size_t a, size_t b) {
  return (a + b - 1) / b;
}

// The least multiple of b that is at least a.
constexpr inline __attribute__((always_inline)) int64_t round_up(int64_t a, int64_t b) {
  return ceil_div(a, b) * b;
}
constexpr inline __attribute__((always_inline)) size_t round_up(size_t a, size_t b) {
  return ceil_div(a, b) * b;
}

}  // namespace plait
