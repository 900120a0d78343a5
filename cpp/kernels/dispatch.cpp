// SPDX-License-Identifier: MIT
#include "kernels/dispatch.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "core/cpu_info.h"
#include "core/error.h"
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

namespace {

// The numbers that PLAIT_TUNE="NAME=NUMBER,..." replaces, for the measurements of bench/tune.
int64_t* tuned_number(KernelTable& t, std::string_view name) {
  const auto gemm = [](auto& g, std::string_view field) -> int64_t* {
    if (field == "kc") return &g.kc;
    if (field == "mc") return &g.mc;
    if (field == "nc") return &g.nc;
    if (field == "unpacked_a_rows") return &g.tuning.unpacked_a_rows;
    if (field == "unpacked_a_cols") return &g.tuning.unpacked_a_cols;
    if (field == "unpacked_b") return &g.tuning.unpacked_b;
    if (field == "prefetch_bytes") return &g.tuning.prefetch_bytes;
    return nullptr;
  };
  const size_t dot = std::min(name.find('.'), name.size() - 1);
  const std::string_view family = name.substr(0, dot), field = name.substr(dot + 1);
  if (family == "gemm_f32") return gemm(t.gemm.f32, field);
  if (family == "gemm_f64") return gemm(t.gemm.f64, field);
  PointwiseTuning& p = t.pointwise.tuning;
  if (name == "pointwise.grain") return &p.grain;
  if (name == "pointwise.direct_block") return &p.direct_block;
  if (name == "pointwise.long_row") return &p.long_row;
  if (name == "pointwise.copied_short") return &p.copied_short;
  if (name == "pointwise.copied_long") return &p.copied_long;
  if (name == "pointwise.copied_bytes") return &p.copied_bytes;
  CopyTuning& c = t.convert.tuning;
  if (name == "copy.grain") return &c.grain;
  if (name == "copy.min_row_bytes") return &c.min_row_bytes;
  if (name == "copy.long_row") return &c.long_row;
  if (name == "copy.block_bytes") return &c.block_bytes;
  if (name == "copy.tile_run") return &c.tile_run;
  if (name == "copy.tile_panel") return &c.tile_panel;
  if (name == "copy.tile_panel_few") return &c.tile_panel_few;
  return nullptr;
}

void override_tuning(KernelTable& t, std::string_view wishes) {
  while (!wishes.empty()) {
    const std::string_view wish = wishes.substr(0, wishes.find(','));
    wishes.remove_prefix(std::min(wishes.size(), wish.size() + 1));
    const size_t equals = wish.find('=');
    int64_t* number = equals == wish.npos || equals == 0 ? nullptr : tuned_number(t, wish.substr(0, equals));
    int64_t value = 0;
    const char* end = wish.data() + wish.size();
    const bool good = number && std::from_chars(wish.data() + equals + 1, end, value).ptr == end && value > 0;
    PLAIT_CHECK(good, kValue, "PLAIT_TUNE: expected NAME=NUMBER with a name of kernels/dispatch.cpp, got ",
                wish);
    *number = value;
  }
}

}  // namespace

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
    if (const char* wishes = std::getenv("PLAIT_TUNE")) override_tuning(t, wishes);
    return t;
  }();
  return table;
}

bool streams(const void* y, int64_t bytes, int64_t row_bytes, int64_t arrays) {
  return arrays * bytes >= kStreamBytes * num_threads() && row_bytes % 64 == 0 &&
         reinterpret_cast<uintptr_t>(y) % 64 == 0;
}

}  // namespace plait
