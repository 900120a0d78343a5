// SPDX-License-Identifier: MIT
// What the cgroup of a container leaves to the process, version 2 or 1.
#pragma once

#include <cstdint>
#include <string>

namespace plait {

struct CgroupLimits {
  int cpus = 0;              // 0: no quota. Of 1.5 CPUs one counts: a second thread would be throttled half
                             // of the time and the first would wait for it.
  int64_t memory_bytes = 0;  // 0: no limit
};
CgroupLimits read_cgroup(const std::string& root = "/sys/fs/cgroup");

}  // namespace plait
