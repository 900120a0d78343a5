// SPDX-License-Identifier: MIT
#include "kernels/conv/conv_common.h"

#include "core/work_split.h"

#include "core/cpu_info.h"

namespace plait::conv {

int64_t l2_part(int64_t bytes) {
  const int64_t tuned = tuning().l2_bytes;
  return bytes * std::min(cpu_info().l2_bytes, tuned) / tuned;
}

int64_t threads_for(double work) {
  constexpr double kGrainWork = 5e5;
  return busy_threads(work, kGrainWork);
}

void for_units(int64_t units, double work, FunctionRef<void(int64_t)> f) {
  plait::for_units(units, in_parallel_region() ? 1 : threads_for(work), 8, f);
}

}  // namespace plait::conv
