// SPDX-License-Identifier: MIT
// Y = A' [(G w G') * (B' d B)] A is linear in w, hence
//   gw = G' [sum over images and tiles of (A gy A') * (B' d B)] G,
// for each of the 36 coefficients a product of matrices: (in_channels x tiles) * (tiles x out_channels).
//
// Loop order: images; chunks of tiles; transform_inputs, transform_gradients; units of a block of input
// channels and one of output channels: coefficients, parts, multiply; store_output after the last chunk.
// Assumptions: a chunk's transformed tiles stay in the last cache, a unit's sums in L2. Bound: multiply-adds,
// and for few channels the transforms.
#include "kernels/conv/winograd_weight_grad.h"

#include <algorithm>
#include <vector>

#include "core/workspace.h"
#include "kernels/conv/implicit_gemm_weight_grad.h"
#include "kernels/conv/winograd_input.h"

namespace plait::conv {
namespace {

constexpr int64_t kOutBlock = 32;  // output channels of a unit: whole panels at every level
// These decide the order of sums, hence bits: the most tiles of a chunk, and how many are one chain of
// additions. Longer chains lose accuracy (the r.m.s. error of 64 channels of 32 x 32: 18 units in the last
// place at 128 tiles, 21 at 192, 29 at 384), shorter ones take up to 5% more time.
constexpr int64_t kChunkTiles = 384, kChainTiles = 192;

class WinogradWeightGrad {
 public:
  WinogradWeightGrad(const ConvProblem& problem, const WeightGradOperands<float>& t)
      : s_(problem.shape),
        t_(t),
        plan_(*problem.winograd_plan()),
        kernel_(plan_.kernels.front()),
        kern_(gemm_kernels<float>()),
        nr_(kern_.nr),
        source_(plan_, problem.correlation()),
        channels_(source_.channels()),
        images_(source_.images_at_once(s_.images)) {
    plan_chunks();
    plan_units();
  }

  void run() {
    const int64_t units = out_blocks_ * in_blocks_;
    const Workspace v(bytes(channels_ * ld_));
    const Workspace z(bytes(dots_ ? s_.out_channels * ld_ : out_blocks_ * kOutBlock / nr_ * z_panel()));
    // A unit keeps its sums from chunk to chunk, or shares them with others.
    const bool keeps = !one_chunk_ || cuts_ > 1;
    const Workspace sums(keeps ? static_cast<size_t>(units) * sum_bytes() : 0);
    const auto sums_of = [&](int64_t unit) { return sums.as<float>() + unit * sum_bytes() / sizeof(float); };
    const Workspace padded(source_.padded_bytes(images_));
    for (int64_t image = 0; image < s_.images; image += images_) {
      const int64_t images = std::min(images_, s_.images - image);
      source_.select(t_.x + image * s_.in_channels * s_.in_size(), images, padded.as<float>());
      const WinogradTiles here = tiles(images);
      for (int64_t first = 0; first < here.columns; first += chunk_) {
        const int64_t count = std::min(chunk_, here.columns - first);
        const bool last = image + images == s_.images && first + count == here.columns;
        transform_inputs(here, first, count, v.as<float>());
        transform_gradients(here, t_.gy + image * s_.out_channels * s_.out_size(), first, count,
                            z.as<float>());
        for_units(units * cuts_, work(count), [&](int64_t item) {
          const int64_t unit = item % units, cut = item / units;
          const Workspace own(keeps ? 0 : sum_bytes());
          float* const m = keeps ? sums_of(unit) : own.as<float>();
          multiply(unit, cut, z.as<float>(), v.as<float>(), count, image > 0 || first > 0, m);
          if (last && cuts_ == 1) store_output(unit, m);
        });
      }
    }
    if (cuts_ == 1) return;
    for_units(units, work(1) * 8, [&](int64_t unit) { store_output(unit, sums_of(unit)); });
  }

 private:
  static size_t bytes(int64_t elements) { return bytes_of<float>(kWinogradCoefficients * elements); }
  WinogradTiles tiles(int64_t images) const { return {images, s_.out[1], s_.out[2], plan_.tile}; }
  double work(int64_t columns) const {
    return static_cast<double>(s_.in_channels * s_.out_channels) *
           static_cast<double>(columns * plan_.products);
  }
  int64_t z_panel() const { return coefficient_stride(chunk_ * nr_); }  // a coefficient of a panel
  int64_t m_coefficient() const { return coefficient_stride(in_block_ * kOutBlock); }
  size_t sum_bytes() const { return bytes(plan_.n_parts() * m_coefficient()); }

  void plan_chunks() {
    const int64_t columns = tiles(images_).columns;
    const int64_t tile_bytes = kWinogradCoefficients * (channels_ + s_.out_channels) * int64_t{sizeof(float)};
    const int64_t most = std::clamp<int64_t>(
        tuning().winograd_tile_bytes / tile_bytes / kOutBlock * kOutBlock, kOutBlock, kChunkTiles);
    chunk_ = round_up(ceil_div(columns, ceil_div(columns, most)), kOutBlock);
    ld_ = coefficient_stride(chunk_);
    one_chunk_ = images_ == s_.images && chunk_ >= columns;
    // With few channels on one side, panels are half empty, or transposing gradients for them costs more than
    // it saves.
    dots_ = std::min(s_.in_channels, s_.out_channels) <= tuning().winograd_dot_channels &&
            chunk_ >= tuning().winograd_dot_tiles;
  }

  // Where units do not share the work evenly among threads, they are cut by coefficients.
  void plan_units() {
    const int64_t channel_bytes = kOutBlock * plan_.products * int64_t{sizeof(float)};
    out_blocks_ = ceil_div(s_.out_channels, kOutBlock);
    in_block_ = std::clamp<int64_t>(l2_part(tuning().winograd_sum_bytes) / channel_bytes, 1, s_.in_channels);
    in_blocks_ = ceil_div(s_.in_channels, in_block_);
    in_block_ = ceil_div(s_.in_channels, in_blocks_);
    const bool even = s_.out_channels % kOutBlock == 0 && out_blocks_ % num_threads() == 0;
    const bool many = out_blocks_ * in_blocks_ >= 4 * num_threads();
    cuts_ =
        even || many || num_threads() == 1 ? 1 : std::min<int64_t>(4 * num_threads(), kWinogradCoefficients);
  }

  // Calls f(args, column, channel, channels) for parts of up to kWinogradColumns of the `count` columns from
  // `first` on, `at_once` channels at a time; `column` counts from `first`.
  template <class F>
  void for_tiles(const WinogradTiles& tiles, int64_t first, int64_t count, int64_t channels, int64_t at_once,
                 F&& f) const {
    const int64_t column_blocks = ceil_div(count, kWinogradColumns), blocks = ceil_div(channels, at_once);
    for_units(column_blocks * blocks, static_cast<double>(count * channels) * 8 * kWinogradCoefficients,
              [&](int64_t unit) {
                const int64_t j = unit % column_blocks * kWinogradColumns, c = unit / column_blocks * at_once;
                const int64_t columns = std::min(kWinogradColumns, count - j);
                const std::vector<WinogradStrip> strips = tiles.strips(first + j, columns);
                WinogradInput a;
                a.v_panel = nr_;
                a.columns = round_up(columns, nr_ / 2);
                a.strips = strips.data();
                a.n_strips = static_cast<int64_t>(strips.size());
                f(a, j, c, std::min(at_once, channels - c));
              });
  }
  // v[coefficient][channel][column]
  void transform_inputs(const WinogradTiles& tiles, int64_t first, int64_t count, float* v) const {
    constexpr int64_t kChannels = 16;
    for_tiles(tiles, first, count, channels_, kChannels,
              [&](WinogradInput& a, int64_t j, int64_t c, int64_t channels) {
                a.v = v + c * ld_ + j;
                a.v_channel = ld_;
                a.v_coefficient = channels_ * ld_;
                source_.transform(a, c, channels);
              });
  }
  // z[panel][coefficient][column][out channel]; for dot products z[coefficient][out channel][column]
  void transform_gradients(const WinogradTiles& tiles, const float* gy, int64_t first, int64_t count,
                           float* z) const {
    for_tiles(tiles, first, count, s_.out_channels, nr_,
              [&](WinogradInput& a, int64_t j, int64_t c, int64_t channels) {
                const int64_t line = round_up(a.columns, 16), coefficient = coefficient_stride(nr_ * line);
                const Workspace scratch(dots_ ? 0 : bytes(coefficient));
                a.v = dots_ ? z + c * ld_ + j : scratch.as<float>();
                a.v_channel = dots_ ? ld_ : line;
                a.v_coefficient = dots_ ? s_.out_channels * ld_ : coefficient;
                a.tile = plan_.tile;
                a.src = gy + c * s_.out_size();
                a.planes = {.image_stride = s_.out_channels * s_.out_size(),
                            .channel_stride = s_.out_size(),
                            .h = s_.out[1],
                            .w = s_.out[2],
                            .row_stride = s_.out[2],
                            .stride = 1};
                a.before[0] = a.before[1] = 0;
                std::copy_n(kernel_.nonzero, 2, a.nonzero);
                a.channels = channels;
                kernels().conv.winograd.transform_gradient(a);
                if (dots_) return;
                float* const to = z + c / nr_ * kWinogradCoefficients * z_panel() + j * nr_;
                for (int64_t p = 0; p < kWinogradCoefficients; ++p) {
                  kern_.pack(to + p * z_panel(), nr_, a.v + p * coefficient, line, 1, channels, a.columns);
                }
              });
  }

  // A unit's channels.
  struct Block {
    int64_t in, n_in, out, n_out;
  };
  Block block(int64_t unit) const {
    const int64_t out = unit / in_blocks_ * kOutBlock, in = unit % in_blocks_ * in_block_;
    return {in, std::min(in_block_, s_.in_channels - in), out, std::min(kOutBlock, s_.out_channels - out)};
  }

  // m[part][coefficient][in channel][out channel] (+)= v * z, of a unit's channels and a cut of the
  // coefficients.
  void multiply(int64_t unit, int64_t cut, const float* z, const float* v, int64_t count, bool add,
                float* m) const {
    const Block b = block(unit);
    count = round_up(count, nr_ / 2);  // tiles of whole vectors
    const int64_t end = kWinogradCoefficients * (cut + 1) / cuts_;
    for (int64_t coefficient = kWinogradCoefficients * cut / cuts_; coefficient < end; ++coefficient) {
      kernel_.for_runs(coefficient, [&](int64_t first, int64_t parts) {
        for (int64_t part = first; part < first + parts; ++part) {
          float* const sums = m + (part * kWinogradCoefficients + coefficient) * m_coefficient();
          const float* const rows = v + (coefficient * channels_ + part * s_.in_channels + b.in) * ld_;
          if (dots_) {
            add_dots(b, rows, z + (coefficient * s_.out_channels + b.out) * ld_, count, add, sums);
          } else {
            add_products(b, rows,
                         z + b.out / nr_ * kWinogradCoefficients * z_panel() + coefficient * z_panel(), count,
                         add, sums);
          }
        }
      });
    }
  }

  // sums[in channel][out channel] (+)= v[in channel][column] * z[panel][column][out channel]
  void add_products(const Block& b, const float* v, const float* z, int64_t count, bool add,
                    float* sums) const {
    GemmBlock<float> blk;
    blk.m = b.n_in;
    blk.n = b.n_out;
    blk.mr = ceil_div(blk.m, ceil_div(blk.m, kern_.mr));
    blk.a_panel = blk.mr * ld_;
    blk.a_rs = ld_;
    blk.a_ps = 1;
    blk.b_panel = kWinogradCoefficients * z_panel();
    blk.b_ps = nr_;
    blk.c = sums;
    blk.c_rs = kOutBlock;
    blk.c_cs = 1;
    blk.alpha = 1;
    blk.epilogue = nullptr;
    const int64_t depth = ceil_div(count, ceil_div(count, kChainTiles));
    for (int64_t k0 = 0; k0 < count; k0 += depth) {
      blk.k = std::min(depth, count - k0);
      blk.a = v + k0;
      blk.b = z + k0 * nr_;
      blk.b_tail = blk.b + blk.n / nr_ * blk.b_panel;
      blk.beta = add || k0 > 0 ? 1 : 0;
      kern_.block(blk);
    }
  }

  // sums[in channel][out channel] (+)= dot products of rows of v and of z
  void add_dots(const Block& b, const float* v, const float* z, int64_t count, bool add, float* sums) const {
    if (!add) return kern_.dot_tiles({b.n_in, b.n_out, count, v, ld_, z, ld_, sums, kOutBlock, 1});
    const Workspace scratch(bytes_of<float>(b.n_in * kOutBlock));
    float* const dots = scratch.as<float>();
    kern_.dot_tiles({b.n_in, b.n_out, count, v, ld_, z, ld_, dots, kOutBlock, 1});
    for (int64_t c = 0; c < b.n_in; ++c) {
      for (int64_t r = 0; r < b.n_out; ++r) sums[c * kOutBlock + r] += dots[c * kOutBlock + r];
    }
  }

  // A unit's sums to gw[out channel][in channel][tap].
  void store_output(int64_t unit, float* m) const {
    const Block b = block(unit);
    const int64_t taps = s_.taps(), terms = b.n_in * taps;
    const Workspace space(2 * bytes_of<float>(terms * kOutBlock + kPaddedSlack));
    float* const weights = space.as<float>();
    for (int64_t q = 0; q < plan_.n_parts(); ++q) {
      WinogradWeights a;
      a.taps = plan_.taps;
      a.u = m + q * kWinogradCoefficients * m_coefficient();
      a.u_coefficient = m_coefficient();
      a.u_item = a.w_tap = kOutBlock;
      a.w = weights;
      a.w_item = taps * kOutBlock;
      a.tap = kernel_.parts[q].tap;
      std::copy_n(kernel_.parts[q].nonzero, 2, a.nonzero);
      a.count = b.n_out;
      a.items = b.n_in;
      kernels().conv.winograd.weights_gradient(a);
    }
    store_transposed<float>(weights, kOutBlock, b.n_out, terms, weights + terms * kOutBlock + kPaddedSlack,
                            t_.gw + (b.out * s_.in_channels + b.in) * taps, s_.in_channels * taps);
  }

  const ConvShape& s_;
  const WeightGradOperands<float>& t_;
  const WinogradPlan& plan_;
  const WinogradPlan::Kernel& kernel_;
  const GemmKernels<float>& kern_;
  const int64_t nr_;
  WinogradSource source_;
  const int64_t channels_;                     // of all parts
  const int64_t images_;                       // at once
  int64_t chunk_, ld_;                         // columns at once, and from one channel to the next
  bool one_chunk_;                             // which is all
  bool dots_;                                  // sums are dot products
  int64_t out_blocks_, in_block_, in_blocks_;  // units of kOutBlock and of in_block_ channels
  int64_t cuts_;                               // of the coefficients
};

}  // namespace

void winograd_weight_grad(const ConvProblem& problem, const WeightGradOperands<float>& t) {
  WinogradWeightGrad(problem, t).run();
}

}  // namespace plait::conv
