// SPDX-License-Identifier: MIT
#include "core/cgroup.h"

#include <algorithm>
#include <fstream>

namespace plait {
namespace {

// The number that a file begins with; -1 if there is none, as where the file says "max".
int64_t read_number(std::istream& file) {
  int64_t n;
  return file >> n ? n : -1;
}
int64_t read_number(const std::string& path) {
  std::ifstream file(path);
  return read_number(file);
}

int read_cpus(const std::string& root) {
  int64_t quota, period;
  if (std::ifstream file(root + "/cpu.max"); file) {
    quota = read_number(file);
    period = read_number(file);
  } else {
    quota = read_number(root + "/cpu/cpu.cfs_quota_us");
    period = read_number(root + "/cpu/cpu.cfs_period_us");
  }
  return quota > 0 && period > 0 ? static_cast<int>(std::max<int64_t>(1, quota / period)) : 0;
}

int64_t read_memory(const std::string& root) {
  const bool v2 = std::ifstream(root + "/memory.max").good();
  return std::max<int64_t>(0, read_number(root + (v2 ? "/memory.max" : "/memory/memory.limit_in_bytes")));
}

}  // namespace

CgroupLimits read_cgroup(const std::string& root) { return {read_cpus(root), read_memory(root)}; }

}  // namespace plait
