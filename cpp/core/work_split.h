// SPDX-License-Identifier: MIT
// Work in units that do not depend on each other, split over as many threads as it keeps busy.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"

namespace plait {

// As many of num_threads() as `work` keeps busy, each with at least `grain` of it.
inline int64_t busy_threads(double work, double grain) {
  return static_cast<int64_t>(std::clamp(work / grain, 1.0, static_cast<double>(num_threads())));
}

// Calls f(unit) for all units, a run of neighbouring ones at a time. There are `runs` runs for each of
// `threads` threads, so that one that is done early helps the others, and a single run for one thread.
template <class F>
void for_units(int64_t units, int64_t threads, int64_t runs, F f) {
  const int64_t tasks = threads == 1 ? 1 : std::min(units, runs * threads);
  parallel_chunks(tasks, [&](int64_t task) {
    const int64_t first = units * task / tasks;
    for (int64_t u = first; u < units * (task + 1) / tasks; ++u) {
      if (u > first) poll_interrupt();
      f(u);
    }
  });
}

}  // namespace plait
