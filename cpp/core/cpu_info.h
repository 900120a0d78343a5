// SPDX-License-Identifier: MIT
// The instruction sets and cache sizes of the CPU, detected once: by feature, never by vendor name.
#pragma once

#include <cstdint>
#include <string>

namespace plait {

struct CpuInfo {
  bool avx2 = false;    // x86-64-v3: AVX2, FMA, F16C, BMI1/2, LZCNT, MOVBE, and the OS saves ymm
  bool avx512 = false;  // x86-64-v4: AVX-512 F, BW, CD, DQ, VL, and the OS saves zmm
  bool avx512_bf16 = false;
  bool avx512_vnni = false;
  // Cache sizes; these values where the system reports none.
  int64_t l1d_bytes = 32 << 10;  // per core
  int64_t l2_bytes = 512 << 10;  // per core
  int64_t l3_bytes = 4 << 20;    // shared
  std::string model;
};
const CpuInfo& cpu_info();

// The instruction-set level in use: 0 generic, 1 avx2, 2 avx512. The environment variable PLAIT_ISA lowers
// it; a level that the CPU lacks throws ValueError at first use.
int isa_level();
const char* isa_name(int level);

}  // namespace plait
