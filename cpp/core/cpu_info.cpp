// SPDX-License-Identifier: MIT
#include "core/cpu_info.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "core/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace plait {
namespace {

CpuInfo detect() {
  CpuInfo info;
  const auto cache = [](int name, int64_t fallback) {
    const long v = sysconf(name);
    return v > 0 ? static_cast<int64_t>(v) : fallback;
  };
  info.l1d_bytes = cache(_SC_LEVEL1_DCACHE_SIZE, info.l1d_bytes);
  info.l2_bytes = cache(_SC_LEVEL2_CACHE_SIZE, info.l2_bytes);
  info.l3_bytes = cache(_SC_LEVEL3_CACHE_SIZE, info.l3_bytes);
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return info;
  const unsigned leaf1_c = c;
  const bool osxsave = leaf1_c & (1u << 27);
  unsigned xcr0 = 0;
  if (osxsave) {  // XGETBV faults without OSXSAVE
    unsigned hi;
    __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(hi) : "c"(0));
  }
  const bool os_ymm = (xcr0 & 0x6) == 0x6, os_zmm = (xcr0 & 0xe6) == 0xe6;
  const bool fma = leaf1_c & (1u << 12), movbe = leaf1_c & (1u << 22), avx = leaf1_c & (1u << 28),
             f16c = leaf1_c & (1u << 29);
  unsigned ext_c = 0;
  if (__get_cpuid(0x80000001u, &a, &b, &c, &d)) ext_c = c;
  const bool lzcnt = ext_c & (1u << 5);
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    const auto has = [&](int bit) { return (b & (1u << bit)) != 0; };
    info.avx2 = os_ymm && avx && fma && movbe && f16c && lzcnt && has(3) && has(5) && has(8);
    info.avx512 = info.avx2 && os_zmm && has(16) && has(17) && has(28) && has(30) && has(31);
    info.avx512_vnni = info.avx512 && (c & (1u << 11));
    unsigned a1, b1, c1, d1;
    if (__get_cpuid_count(7, 1, &a1, &b1, &c1, &d1)) info.avx512_bf16 = info.avx512 && (a1 & (1u << 5));
  }
  char brand[49] = {};
  if (__get_cpuid(0x80000000u, &a, &b, &c, &d) && a >= 0x80000004u) {
    for (unsigned i = 0; i < 3; ++i) {
      __get_cpuid(0x80000002u + i, &a, &b, &c, &d);
      const unsigned regs[4] = {a, b, c, d};
      std::memcpy(brand + 16 * i, regs, 16);
    }
  }
  info.model = brand;
#endif
  return info;
}

int choose_level() {
  const CpuInfo& cpu = cpu_info();
  int best = cpu.avx512 ? 2 : cpu.avx2 ? 1 : 0;
  if (best > PLAIT_ISA_LEVELS - 1) best = PLAIT_ISA_LEVELS - 1;
  const char* env = std::getenv("PLAIT_ISA");
  if (!env || !*env) return best;
  for (int level = 0; level < 3; ++level) {
    if (std::strcmp(env, isa_name(level)) != 0) continue;
    PLAIT_CHECK(level <= best, kValue, "PLAIT_ISA: expected a level this CPU and build have (up to ",
                isa_name(best), "), got ", env);
    return level;
  }
  PLAIT_FAIL(kValue, "PLAIT_ISA: expected generic, avx2 or avx512, got ", env);
}

}  // namespace

const CpuInfo& cpu_info() {
  static const CpuInfo info = detect();
  return info;
}

int isa_level() {
  static const int level = choose_level();
  return level;
}

const char* isa_name(int level) {
  static constexpr const char* kNames[] = {"generic", "avx2", "avx512"};
  return kNames[level];
}

}  // namespace plait
