// SPDX-License-Identifier: MIT
// Evenly spaced numbers: what arange and linspace fill their results with.
#pragma once

#include <cstdint>

namespace plait {

struct SequenceTable {
  // out[i] = base + step * (first + direction * i), i < n, each operation rounded; direction is 1 or -1.
  void (*spaced)(double* out, int64_t n, double base, double step, int64_t first, int64_t direction);
  // out[i] = base + step * i, i < n; overflow wraps.
  void (*counted)(int64_t* out, int64_t n, int64_t base, int64_t step);
};

}  // namespace plait
