// SPDX-License-Identifier: MIT
// Evenly spaced numbers.
#pragma once

#include <cstdint>

namespace plait {

struct SequenceTable {
  // out[i] = base + step * (first + turn * i), each operation rounded; turn is 1 or -1.
  void (*spaced)(double* out, int64_t n, double base, double step, int64_t first, int64_t turn);
  // out[i] = base + step * i; overflow wraps.
  void (*counted)(int64_t* out, int64_t n, int64_t base, int64_t step);
};

}  // namespace plait
