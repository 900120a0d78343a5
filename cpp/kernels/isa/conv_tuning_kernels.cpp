// SPDX-License-Identifier: MIT
// The numbers that decide between the algorithms of convolution and cut their work, per instruction set.
#include "kernels/conv/conv_args.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// Only vectors of 64 bytes come with the registers for interleaved tiles of four output channels. With half
// of them the GEMM's panels are faster for groups of 32 channels (0.65 to 0.9 of the time, Zen 4) and for
// interleaved images (0.8).
constexpr bool kWide = PLAIT_ISA_LEVEL == 2;

// The costs of Winograd are fits over 16 to 512 channels, kernels of 2 x 2 to 7 x 7, planes of 2 x 2 to
// 64 x 64 and 1 to 64 images; the others are single measurements. bench/tune/conv.py prints both anew.
// tuned: Zen 4, AVX-512
constexpr ConvTuning kTuning = {
    // 32 groups of 16 channels of 14 x 14 take 0.74 of implicit_gemm's time, of 32 channels of 7 x 7 0.64.
    .channel_interleaved_channels = kWide ? 32 : 16,
    .channel_interleaved_gradient_channels = 16,  // from 32 on both take the same time
    // 64 images of LeNet's layers take 0.6 and 0.9 of the time, 128 of 16 to 32 channels of 32 x 32 with
    // strides of two 0.65. The weights, one vector each, should stay in L2: kernels of 8 x 8 from 4 to 32
    // channels would take 1.6 of the time.
    .image_interleaved = kWide,
    .image_interleaved_move = 12,
    .image_interleaved_weights = 5000,
    // 64 channels of 32 x 32 take 0.6 of the time at dilations of 2 and 4, 256 of 28 x 28 0.43.
    .space_to_batch_channels = 32,
    .space_to_batch_positions = 2,
    // One image of 512 channels of 7 x 7 takes 0.77 of the time, 1024 to 2048 single elements of 14 x 14 with
    // strides of two 0.57.
    .col2im_transpose = 40,
    .col2im_add = 28,
    // Few output channels leave the GEMM's register tile empty; short sums do not repay packing.
    .direct_out_channels = 4,
    .direct_terms = 16,
    .pack_channels = 3,
    // 64 channels of 32 x 32 without packing take 0.93 of the time, 16 of 28 x 28 0.85, and 256 of 28 x 28
    // with 32 output channels (an eighth of the lanes idle) 1.14.
    .pack_or_read_channels = 10,
    .unit_pack_channels = 3,
    .unit_weight_positions = 8,
    .unpacked_weight_panels = 6,
    .winograd = {.product = 1.13, .input = 8, .output = 4, .weights = 10, .tap = 0},
    .winograd_gradient = {.product = 1.25, .input = 10, .output = 15, .weights = 14, .tap = 4},
    // 16 channels, or 64 to 3, would take 1.3 to 2 times as long in panels.
    .winograd_dot_channels = 48,
    .winograd_dot_tiles = 64,
    .l2_bytes = 1 << 20,  // Zen 4's; parts of larger ones were not measured
    .direct_tile_bytes = 256 << 10,
    .direct_small_tile_bytes = 32 << 10,
    .winograd_weight_bytes = 192 << 10,
    .winograd_input_bytes = 320 << 10,
    .winograd_sum_bytes = 320 << 10,
    .padded_bytes = 16 << 20,
    .winograd_tile_bytes = 8 << 20,
};

}  // namespace

void fill_conv_tuning(KernelTable& table) { table.conv.tuning = kTuning; }

}  // namespace plait::PLAIT_ISA_NS
