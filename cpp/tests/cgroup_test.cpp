// SPDX-License-Identifier: MIT
// The files of both versions of cgroups, with limits, without, damaged and missing.
#include "core/cgroup.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "check.h"

namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const char* text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

void expect(const fs::path& root, int cpus, int64_t memory) {
  const plait::CgroupLimits limits = plait::read_cgroup(root.string());
  TEST_CHECK(limits.cpus == cpus, "%s: %d", root.c_str(), limits.cpus);
  TEST_CHECK(limits.memory_bytes == memory, "%s: %lld", root.c_str(),
             static_cast<long long>(limits.memory_bytes));
}

}  // namespace

int main() {
  plait::test::require_isa();
  const fs::path root = fs::temp_directory_path() / ("plait_cgroup_test." + std::to_string(getpid()));
  fs::remove_all(root);
  expect(root / "none", 0, 0);
  write(root / "two/cpu.max", "150000 100000\n");
  write(root / "two/memory.max", "536870912\n");
  expect(root / "two", 1, 536870912);
  write(root / "free/cpu.max", "max 100000\n");
  write(root / "free/memory.max", "max\n");
  expect(root / "free", 0, 0);
  write(root / "damaged/cpu.max", "400000\n");
  write(root / "damaged/memory.max", "");
  expect(root / "damaged", 0, 0);
  write(root / "one/cpu/cpu.cfs_quota_us", "400000\n");
  write(root / "one/cpu/cpu.cfs_period_us", "100000\n");
  write(root / "one/memory/memory.limit_in_bytes", "1073741824\n");
  expect(root / "one", 4, 1073741824);
  write(root / "half/cpu.max", "50000 100000\n");
  expect(root / "half", 1, 0);
  fs::remove_all(root);
  return plait::test::report("cgroup");
}
