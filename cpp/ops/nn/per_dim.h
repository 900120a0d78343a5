// SPDX-License-Identifier: MIT
// Arguments of windows (convolution, pooling) that have a value for each spatial dimension.
#pragma once

#include "core/error.h"
#include "core/shape.h"

namespace plait {

// One value per dimension from one or `ndim` of them, each from `least` to 2^31 - 1.
inline Dims per_dim(const char* op, const char* what, IntSpan values, int64_t ndim, int64_t least) {
  constexpr int64_t kMost = (int64_t{1} << 31) - 1;
  const auto n = static_cast<int64_t>(values.size());
  PLAIT_CHECK(n == ndim || n == 1, kValue, op, ": expected ", what, " to be an int or ", ndim, " ints, got ",
              to_string(values));
  Dims out(ndim, values[0]);
  for (int64_t d = 0; d < ndim; ++d) {
    if (n > 1) out[d] = values[static_cast<size_t>(d)];
    PLAIT_CHECK(out[d] >= least, kValue, op, ": expected ", what, " of at least ", least, ", got ",
                to_string(values));
    PLAIT_CHECK(out[d] <= kMost, kValue, op, ": expected ", what, " of at most ", kMost, ", got ",
                to_string(values));
  }
  return out;
}

}  // namespace plait
