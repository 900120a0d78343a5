// SPDX-License-Identifier: MIT
#include "kernels/dispatch.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/cpu_info.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/complex/complex_functions.h"

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

// A number that PLAIT_TUNE="NAME=NUMBER,..." replaces, for the measurements of bench/tune.
struct TunedNumber {
  std::string name;
  int64_t* value;
};
void add_conv_numbers(std::vector<TunedNumber>& all, ConvTuning& c) {
  all.insert(all.end(),
             {{"conv.channel_interleaved_channels", &c.channel_interleaved_channels},
              {"conv.channel_interleaved_gradient_channels", &c.channel_interleaved_gradient_channels},
              {"conv.image_interleaved_move", &c.image_interleaved_move},
              {"conv.image_interleaved_weights", &c.image_interleaved_weights},
              {"conv.space_to_batch_channels", &c.space_to_batch_channels},
              {"conv.space_to_batch_positions", &c.space_to_batch_positions},
              {"conv.col2im_transpose", &c.col2im_transpose},
              {"conv.col2im_add", &c.col2im_add},
              {"conv.direct_out_channels", &c.direct_out_channels},
              {"conv.direct_terms", &c.direct_terms},
              {"conv.pack_or_read_channels", &c.pack_or_read_channels},
              {"conv.unpacked_weight_panels", &c.unpacked_weight_panels},
              {"conv.winograd_dot_channels", &c.winograd_dot_channels},
              {"conv.winograd_dot_tiles", &c.winograd_dot_tiles},
              {"conv.l2_bytes", &c.l2_bytes},
              {"conv.direct_tile_bytes", &c.direct_tile_bytes},
              {"conv.direct_small_tile_bytes", &c.direct_small_tile_bytes},
              {"conv.winograd_weight_bytes", &c.winograd_weight_bytes},
              {"conv.winograd_input_bytes", &c.winograd_input_bytes},
              {"conv.winograd_sum_bytes", &c.winograd_sum_bytes},
              {"conv.padded_bytes", &c.padded_bytes},
              {"conv.winograd_tile_bytes", &c.winograd_tile_bytes}});
}
std::vector<TunedNumber> tuned_numbers(KernelTable& t) {
  PointwiseTuning& p = t.pointwise.tuning;
  CopyTuning& c = t.convert.tuning;
  std::vector<TunedNumber> all = {{"pointwise.grain", &p.grain},
                                  {"pointwise.direct_block", &p.direct_block},
                                  {"pointwise.long_row", &p.long_row},
                                  {"pointwise.copied_short", &p.copied_short},
                                  {"pointwise.copied_long", &p.copied_long},
                                  {"pointwise.copied_bytes", &p.copied_bytes},
                                  {"copy.grain", &c.grain},
                                  {"copy.min_row_bytes", &c.min_row_bytes},
                                  {"copy.long_row", &c.long_row},
                                  {"copy.block_bytes", &c.block_bytes},
                                  {"copy.tile_run", &c.tile_run},
                                  {"copy.tile_panel", &c.tile_panel},
                                  {"copy.tile_panel_few", &c.tile_panel_few}};
  const auto add_gemm = [&](const std::string& family, auto& g) {
    all.push_back({family + ".kc", &g.kc});
    all.push_back({family + ".mc", &g.mc});
    all.push_back({family + ".nc", &g.nc});
    all.push_back({family + ".unpacked_a_rows", &g.tuning.unpacked_a_rows});
    all.push_back({family + ".unpacked_a_cols", &g.tuning.unpacked_a_cols});
    all.push_back({family + ".unpacked_b", &g.tuning.unpacked_b});
    all.push_back({family + ".prefetch_bytes", &g.tuning.prefetch_bytes});
  };
  add_gemm("gemm_f32", t.gemm.f32);
  add_gemm("gemm_f64", t.gemm.f64);
  add_conv_numbers(all, t.conv.tuning);
  return all;
}

void override_tuning(KernelTable& t, std::string_view wishes) {
  const std::vector<TunedNumber> all = tuned_numbers(t);
  while (!wishes.empty()) {
    const std::string_view wish = wishes.substr(0, wishes.find(','));
    wishes.remove_prefix(std::min(wishes.size(), wish.size() + 1));
    const size_t equals = std::min(wish.find('='), wish.size());
    const auto number = std::find_if(all.begin(), all.end(),
                                     [&](const TunedNumber& n) { return n.name == wish.substr(0, equals); });
    const char *first = wish.data() + std::min(equals + 1, wish.size()), *last = wish.data() + wish.size();
    int64_t value = 0;
    const bool is_number = std::from_chars(first, last, value).ptr == last && value > 0;
    if (number != all.end() && is_number) {
      *number->value = value;
      continue;
    }
    std::string names;
    for (const TunedNumber& n : all) names += (names.empty() ? "" : ", ") + n.name;
    PLAIT_FAIL(kValue, "PLAIT_TUNE: expected NAME=NUMBER with one of ", names, ", got ", wish);
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
    fill_complex_functions(t);
#if PLAIT_ISA_LEVELS > 1 && !defined(PLAIT_SKIP_AVX2)
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
