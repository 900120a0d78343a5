// SPDX-License-Identifier: MIT
#include "kernels/conv/conv_common.h"

#include <algorithm>

namespace plait::conv {

int64_t threads_for(double work) {
  constexpr double kGrainWork = 5e5;
  return static_cast<int64_t>(std::clamp(work / kGrainWork, 1.0, double(num_threads())));
}

void for_units(int64_t units, double work, FunctionRef<void(int64_t)> f) {
  const int64_t threads = threads_for(work);
  const int64_t chunks = threads == 1 || in_parallel_region() ? 1 : std::min(units, 8 * threads);
  parallel_chunks(chunks, [&](int64_t chunk) {
    for (int64_t u = units * chunk / chunks; u < units * (chunk + 1) / chunks; ++u) f(u);
  });
}

}  // namespace plait::conv
