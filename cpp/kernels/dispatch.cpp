// SPDX-License-Identifier: MIT
#include "kernels/dispatch.h"

#include "core/cpu_info.h"
#include "core/parallel.h"

namespace plait {

#define PLAIT_DECLARE_FILL(family) void fill_##family(KernelTable& table);
namespace generic {
PLAIT_KERNEL_FAMILIES(PLAIT_DECLARE_FILL)
}
namespace avx2 {
PLAIT_KERNEL_FAMILIES(PLAIT_DECLARE_FILL)
}
namespace avx512 {
PLAIT_KERNEL_FAMILIES(PLAIT_DECLARE_FILL)
}

const KernelTable& kernels() {
  static const KernelTable table = [] {
    KernelTable t = {};
    const int level = isa_level();
    t.isa = isa_name(level);
#define PLAIT_CALL_GENERIC(family) generic::fill_##family(t);
#define PLAIT_CALL_AVX2(family) avx2::fill_##family(t);
#define PLAIT_CALL_AVX512(family) avx512::fill_##family(t);
    PLAIT_KERNEL_FAMILIES(PLAIT_CALL_GENERIC)
#if PLAIT_ISA_LEVELS > 1
    if (level >= 1) {
      PLAIT_KERNEL_FAMILIES(PLAIT_CALL_AVX2)
    }
#endif
#if PLAIT_ISA_LEVELS > 2
    if (level >= 2) {
      PLAIT_KERNEL_FAMILIES(PLAIT_CALL_AVX512)
    }
#endif
    return t;
  }();
  return table;
}

bool streams(const void* y, int64_t bytes, int64_t row_bytes, int64_t arrays) {
  return arrays * bytes >= kStreamBytes * num_threads() && row_bytes % 64 == 0 &&
         reinterpret_cast<uintptr_t>(y) % 64 == 0;
}

}  // namespace plait
