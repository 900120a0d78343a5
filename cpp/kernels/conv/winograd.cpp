// SPDX-License-Identifier: MIT
// Y = A' [(G w G') * (B' d B)] A for tiles d of 6 x 6 inputs and Y of m x m outputs: 36 products in place of
// m*m*r*r for a channel of a tile, so that it passes the multiply-add peak of a direct sum; 4 times fewer for
// 3 x 3. For every coefficient the products are one of matrices:
//   m[out_channel, column] = sum over (part, channel) of u[out_channel, channel] * v[channel, column]
// The error against float64 is about twice that of a direct float32 sum (tests/test_conv_accuracy.py); an
// infinite or NaN input makes all outputs of the tiles that read it NaN.
//
// Loop order: units of a block of output channels and some panels of columns; coefficients; blocks of
// channels as deep as the GEMM's kc; the micro-kernel; then the transform of the outputs. Either all weights
// are transformed first (by_columns) or some inputs are (by_channels): the smaller of the two goes through
// memory.
// Assumptions: a unit's weights, inputs and products fit L2; weights of a tap are contiguous. Bound:
// multiply-adds, and for few channels the transforms, which are arithmetic.
#include "kernels/conv/winograd.h"

#include <algorithm>
#include <vector>

#include "core/workspace.h"
#include "kernels/conv/winograd_input.h"

namespace plait::conv {
namespace {

class Winograd {
 public:
  Winograd(const Correlation& c, const WinogradPlan& plan, const Operands<float>& t)
      : c_(c),
        t_(t),
        plan_(plan),
        kern_(gemm_kernels<float>()),
        nr_(kern_.nr),
        source_(plan, c),
        channels_(source_.channels()),
        panelled_(c.adjacent_weights()),
        width_(round_up(kern_.mr, nr_ / 2)) {
    const int64_t column_bytes = kWinogradCoefficients * channels_ * int64_t{sizeof(float)};
    const int64_t most = l2_part(tuning().winograd_weight_bytes) / column_bytes / kern_.mr * kern_.mr;
    const int64_t blocks = ceil_div(c.group_out_channels, std::max(most, kern_.mr));
    block_ = round_up(ceil_div(c.group_out_channels, blocks), kern_.mr);
    blocks_ = ceil_div(c.group_out_channels, block_);
  }

  void run() {
    const int64_t at_once = source_.images_at_once(c_.images);
    const Workspace padded(source_.padded_bytes(at_once));
    for (int64_t image = 0; image < c_.images; image += at_once) {
      const int64_t images = std::min(at_once, c_.images - image);
      source_.select(t_.src + image * c_.in_channels() * c_.in_size(), images, padded.as<float>());
      run_images(image, WinogradTiles(images, plan_.outputs[0], plan_.outputs[1], plan_.tile));
    }
  }

 private:
  int64_t v_coefficient() const { return coefficient_stride(channels_ * nr_); }
  int64_t panel_size() const { return kWinogradCoefficients * v_coefficient(); }
  int64_t u_coefficient() const {
    return coefficient_stride((panelled_ ? block_ / kern_.mr * width_ : block_) * channels_);
  }
  int64_t u_size() const { return kWinogradCoefficients * u_coefficient(); }  // of a block and a kernel
  int64_t n_kernels() const { return static_cast<int64_t>(plan_.kernels.size()); }
  double work(int64_t panels) const {
    return static_cast<double>(panels * panel_size()) *
           static_cast<double>(c_.group_out_channels * n_kernels());
  }

  // Bits do not depend on how the product is cut, so that the cut may look at the number of threads.
  void run_images(int64_t image, const WinogradTiles& tiles) const {
    const int64_t unit =
        std::clamp<int64_t>(l2_part(tuning().winograd_input_bytes) / (panel_size() * int64_t{sizeof(float)}),
                            1, kWinogradColumns / nr_);
    const bool more_columns = tiles.columns >= c_.group_out_channels * n_kernels();
    if (more_columns && ceil_div(tiles.columns, nr_) >= 2 * num_threads() * unit) {
      by_columns(image, tiles, unit);
    } else {
      by_channels(image, tiles);
    }
  }

  // All weights are transformed first; a unit transforms its own columns and multiplies them with all output
  // channels.
  void by_columns(int64_t image, const WinogradTiles& tiles, int64_t unit_panels) const {
    const int64_t block_size = n_kernels() * u_size(), panels = ceil_div(tiles.columns, nr_);
    const Workspace u(bytes_of<float>(blocks_ * block_size));
    for_units(blocks_, static_cast<double>(blocks_ * block_size) * 4,
              [&](int64_t b) { transform_weights(b, u.as<float>() + b * block_size); });
    for_units(ceil_div(panels, unit_panels), work(panels), [&](int64_t unit) {
      const int64_t p = unit * unit_panels, n = std::min(unit_panels, panels - p);
      const Workspace v(bytes_of<float>(n * panel_size()));
      const std::vector<WinogradStrip> strips = tiles.strips(p * nr_, n * nr_);
      transform_inputs(strips, 0, channels_, v.as<float>());
      for (int64_t b = 0; b < blocks_; ++b) {
        run_block(b, u.as<float>() + b * block_size, image, strips, v.as<float>(), n);
      }
    });
  }

  // Columns are transformed first, as many as stay in the last cache while all output channels read them; a
  // unit transforms the weights of its output channels.
  void by_channels(int64_t image, const WinogradTiles& tiles) const {
    const int64_t panels = ceil_div(tiles.columns, nr_), width = kWinogradColumns / nr_;
    const int64_t most =
        std::max<int64_t>(1, tuning().winograd_tile_bytes / (panel_size() * int64_t{sizeof(float)}));
    const int64_t chunk = ceil_div(panels, ceil_div(panels, most));
    const Workspace v(bytes_of<float>(chunk * panel_size()));
    for (int64_t first = 0; first < panels; first += chunk) {
      const int64_t count = std::min(chunk, panels - first), column_blocks = ceil_div(count, width);
      transform_chunk(tiles, first, count, v.as<float>());
      const int64_t cuts = std::clamp<int64_t>(ceil_div(2 * num_threads(), blocks_), 1, column_blocks);
      for_units(blocks_ * cuts, work(count), [&](int64_t unit) {
        const int64_t b = unit / cuts, cut = unit % cuts;
        const Workspace u(bytes_of<float>(n_kernels() * u_size()));
        transform_weights(b, u.as<float>());
        for (int64_t q = column_blocks * cut / cuts; q < column_blocks * (cut + 1) / cuts; ++q) {
          const int64_t p = q * width, n = std::min(width, count - p);
          run_block(b, u.as<float>(), image, tiles.strips((first + p) * nr_, n * nr_),
                    v.as<float>() + p * panel_size(), n);
        }
      });
    }
  }
  // `count` panels of columns from `first` on.
  void transform_chunk(const WinogradTiles& tiles, int64_t first, int64_t count, float* v) const {
    constexpr int64_t kChannels = 16;
    const int64_t width = kWinogradColumns / nr_, blocks = ceil_div(channels_, kChannels);
    for_units(ceil_div(count, width) * blocks, static_cast<double>(count * panel_size()) * 8,
              [&](int64_t unit) {
                const int64_t p = unit / blocks * width, n = std::min(width, count - p);
                const int64_t c = unit % blocks * kChannels;
                transform_inputs(tiles.strips((first + p) * nr_, n * nr_), c,
                                 std::min(kChannels, channels_ - c), v + p * panel_size());
              });
  }

  // v[panel][coefficient][channel][column]
  void transform_inputs(const std::vector<WinogradStrip>& strips, int64_t channel, int64_t channels,
                        float* v) const {
    WinogradInput a;
    a.v = v + channel * nr_;
    a.v_panel = panel_size();
    a.v_coefficient = v_coefficient();
    a.v_channel = nr_;
    a.columns = count_columns(strips);
    a.strips = strips.data();
    a.n_strips = static_cast<int64_t>(strips.size());
    source_.transform(a, channel, channels);
  }
  // As far as vectors reach.
  int64_t count_columns(const std::vector<WinogradStrip>& strips) const {
    return round_up(strips.back().column + strips.back().length, nr_ / 2);
  }

  // Of a block of `channels` output channels.
  int64_t panel_channels(int64_t channels) const { return ceil_div(channels, ceil_div(channels, kern_.mr)); }

  // u[kernel][coefficient] of a block of output channels, as panels [panel][in channel][out channel] if the
  // taps of an output channel's sum lie side by side, else [out channel][in channel]: what lies far apart
  // goes to the lanes, so that pack() transposes long rows.
  void transform_weights(int64_t block, float* u) const {
    if (panelled_) {
      transform_panels(block, u);
    } else {
      transform_rows(block, u);
    }
  }
  void transform_rows(int64_t block, float* u) const {
    const int64_t r0 = block * block_, out = std::min(block_, c_.group_out_channels - r0);
    const int64_t in = c_.group_in_channels;
    const Workspace transposed(bytes_of<float>(out * c_.taps * in + kPaddedSlack));
    WinogradWeights a;
    a.taps = plan_.taps;
    a.u_coefficient = u_coefficient();
    a.u_item = channels_;
    a.w = transposed.as<float>();
    a.w_tap = a.count = in;
    a.w_item = c_.taps * in;
    a.items = out;
    kern_.pack(a.w, in, t_.w + r0 * c_.w_out_stride, c_.w_in_stride, 1, in, out * c_.taps);
    transform_parts(a, u, in);
  }
  void transform_panels(int64_t block, float* u) const {
    constexpr int64_t kL1Elements = 4096;  // transposed weights stay in L1
    const int64_t r0 = block * block_, out = std::min(block_, c_.group_out_channels - r0);
    const int64_t mr = panel_channels(out), in = c_.group_in_channels;
    const int64_t most = std::max<int64_t>(1, kL1Elements / (width_ * c_.taps));
    const Workspace transposed(bytes_of<float>(width_ * c_.taps * most + kPaddedSlack));
    WinogradWeights a;
    a.taps = plan_.taps;
    a.u_coefficient = u_coefficient();
    a.w = transposed.as<float>();
    a.count = a.w_tap = a.u_item = width_;
    a.w_item = width_ * c_.taps;
    for (int64_t r = 0; r < out; r += mr, u += width_ * channels_) {
      for (int64_t c = 0; c < in; c += most) {
        a.items = std::min(most, in - c);
        kern_.pack(a.w, width_, t_.w + (r0 + r) * c_.w_out_stride + c * c_.taps, c_.w_out_stride, 1,
                   std::min(width_, c_.group_out_channels - r0 - r), a.items * c_.taps);
        transform_parts(a, u + c * width_, width_ * in);
      }
    }
  }
  void transform_parts(WinogradWeights a, float* u, int64_t part_stride) const {
    for (const WinogradPlan::Kernel& kernel : plan_.kernels) {
      for (int64_t q = 0; q < plan_.n_parts(); ++q) {
        a.u = u + q * part_stride;
        a.tap = kernel.parts[q].tap;
        std::copy_n(kernel.parts[q].nonzero, 2, a.nonzero);
        kernels().conv.winograd.transform_weights(a);
      }
      u += u_size();
    }
  }

  // The outputs of a block of output channels in `panels` panels of the images from `image` on.
  void run_block(int64_t block, const float* u, int64_t image, const std::vector<WinogradStrip>& strips,
                 const float* v, int64_t panels) const {
    const int64_t r0 = block * block_, out = std::min(block_, c_.group_out_channels - r0);
    const int64_t ld = panels * nr_, m_coefficient = coefficient_stride(out * ld);
    const Workspace products(bytes_of<float>(kWinogradCoefficients * m_coefficient));
    WinogradOutput a;
    a.tile = plan_.tile;
    a.m = products.as<float>();
    a.m_coefficient = m_coefficient;
    a.m_channel = ld;
    a.channels = out;
    a.columns = count_columns(strips);
    a.bias = t_.bias ? t_.bias + r0 : nullptr;
    a.strips = strips.data();
    a.n_strips = static_cast<int64_t>(strips.size());
    for (size_t q = 0; q < plan_.kernels.size(); ++q, u += u_size()) {
      multiply(plan_.kernels[q], u, v, out, a.columns, ld, products.as<float>(), m_coefficient);
      store_output(q, image, r0, a);
    }
  }

  // m[coefficient][out channel][column] = u * v, over the channels of the parts that have products there.
  void multiply(const WinogradPlan::Kernel& kernel, const float* u, const float* v, int64_t out,
                int64_t columns, int64_t ld, float* m, int64_t m_coefficient) const {
    const int64_t depth = ceil_div(channels_, ceil_div(channels_, kern_.kc)), in = c_.group_in_channels;
    GemmBlock<float> blk;
    blk.m = out;
    blk.n = columns;
    blk.mr = panel_channels(out);
    blk.a_panel = (panelled_ ? width_ : blk.mr) * channels_;
    blk.a_rs = panelled_ ? 1 : channels_;
    blk.a_ps = panelled_ ? width_ : 1;
    blk.b_panel = panel_size();
    blk.b_ps = nr_;
    blk.c_rs = ld;
    blk.c_cs = 1;
    blk.alpha = 1;
    blk.epilogue = nullptr;
    for (int64_t coefficient = 0; coefficient < kWinogradCoefficients; ++coefficient) {
      blk.c = m + coefficient * m_coefficient;
      blk.beta = 0;
      kernel.for_runs(coefficient, [&](int64_t first, int64_t count) {
        const int64_t end = (first + count) * in;
        for (int64_t k0 = first * in; k0 < end; k0 += blk.k) {
          blk.k = std::min(depth, end - k0);
          blk.a = u + coefficient * u_coefficient() + k0 * blk.a_ps;
          blk.b = v + coefficient * v_coefficient() + k0 * nr_;
          blk.b_tail = blk.b + blk.n / nr_ * blk.b_panel;
          kern_.block(blk);
          blk.beta = 1;
        }
      });
    }
  }

  // The outputs of one phase, transformed and stored in the images.
  void store_output(size_t kernel, int64_t image, int64_t channel, WinogradOutput& a) const {
    const Phase& phase = c_.phases[kernel];
    a.dst = t_.dst + (image * c_.group_out_channels + channel) * c_.out_size() + phase.start[1] * c_.out[2] +
            phase.start[2];
    a.planes = {.image_stride = c_.group_out_channels * c_.out_size(),
                .channel_stride = c_.out_size(),
                .h = phase.grid[1],
                .w = phase.grid[2],
                .row_stride = c_.out_stride[1] * c_.out[2],
                .stride = c_.out_stride[2]};
    std::copy_n(plan_.kernels[kernel].nonzero, 2, a.nonzero);
    kernels().conv.winograd.transform_output(a);
  }

  const Correlation& c_;
  const Operands<float>& t_;
  const WinogradPlan& plan_;
  const GemmKernels<float>& kern_;
  const int64_t nr_;
  WinogradSource source_;
  const int64_t channels_;  // of all parts
  const bool panelled_;     // transformed weights
  const int64_t width_;     // of their panels: whole vectors, for most narrower ones would cross cache lines
  int64_t block_, blocks_;  // output channels of a unit
};

}  // namespace

void winograd(const ConvProblem& problem, const Operands<float>& t) {
  Winograd(problem.correlation(), *problem.winograd_plan(), t).run();
}

}  // namespace plait::conv
