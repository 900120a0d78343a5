// SPDX-License-Identifier: MIT
// The gradient for the weights of what conv/winograd.h computes. Y = A' [(G w G') * (B' d B)] A is linear in
// w, hence
//   gw = G' [sum over images and tiles of (A gy A') * (B' d B)] G,
// for each of the 36 points a product of matrices: (rows x tiles) * (tiles x channels).
#pragma once

#include <vector>

#include "kernels/conv/implicit_gemm_weight_grad.h"
#include "kernels/conv/winograd.h"

namespace plait::conv {

class WinogradWeightGrad {
 public:
  WinogradWeightGrad(const ConvShape& s, const std::vector<Phase>& phases, const WinogradPlan& plan,
                     const float* x, const float* gy)
      : s_(s),
        plan_(plan),
        kernel_(plan.kernels.front()),
        x_(x),
        gy_(gy),
        kern_(gemm_kernels<float>()),
        nr_(kern_.nr),
        source_(plan, s.ic, s.in, frame_shape(s.in, s.stride, phases)),
        channels_(source_.channels()),
        images_(source_.at_once(s.n)) {
    // Transformed tiles stay in the last cache until they are multiplied; how many decides bits.
    constexpr int64_t kChunkBytes = int64_t{8} << 20, kMost = 384;
    const int64_t columns = tiles(images_).columns;
    const int64_t most = std::clamp<int64_t>(
        kChunkBytes / (4 * kWinogradPoints * (channels_ + s.oc)) / kRows * kRows, kRows, kMost);
    chunk_ = round_up(ceil_div(columns, ceil_div(columns, most)), kRows);
    row_ = point_stride(chunk_);
    // With few channels on one side, panels are half empty, or turning gradients for them costs more than it
    // saves: 16 channels, or 64 to 3, would take 1.3 to 2 times as long.
    constexpr int64_t kFewChannels = 48, kLongSums = 64;
    dots_ = std::min(s.ic, s.oc) <= kFewChannels && chunk_ >= kLongSums;
    whole_ = images_ == s.n && chunk_ >= columns;
    // A unit's sums fit a small L2. Where units do not share the work evenly, they are cut by points.
    constexpr int64_t kSumBytes = 320 << 10;
    row_blocks_ = ceil_div(s.oc, kRows);
    block_ = std::clamp<int64_t>(kSumBytes / (4 * kRows * plan.products), 1, s.ic);
    blocks_ = ceil_div(s.ic, block_);
    block_ = ceil_div(s.ic, blocks_);
    const bool even = s.oc % kRows == 0 && row_blocks_ % num_threads() == 0;
    const bool many = row_blocks_ * blocks_ >= 4 * num_threads();
    groups_ = even || many || num_threads() == 1 ? 1 : std::min<int64_t>(4 * num_threads(), kWinogradPoints);
  }

  void run(float* gw) {
    const int64_t units = row_blocks_ * blocks_;
    const Workspace v(bytes(channels_ * row_));
    const Workspace z(bytes(dots_ ? s_.oc * row_ : row_blocks_ * kRows / nr_ * panel_point()));
    const bool keeps = !whole_ || groups_ > 1;
    const Workspace sums(keeps ? static_cast<size_t>(units) * sum_bytes() : 0);
    const auto sums_of = [&](int64_t unit) { return sums.as<float>() + unit * sum_bytes() / sizeof(float); };
    const Workspace frames(source_.frame_bytes(images_));
    for (int64_t image = 0; image < s_.n; image += images_) {
      const int64_t images = std::min(images_, s_.n - image);
      source_.read(x_ + image * s_.ic * s_.in_size(), images, frames.as<float>());
      const WinogradTiles here = tiles(images);
      for (int64_t first = 0; first < here.columns; first += chunk_) {
        const int64_t count = std::min(chunk_, here.columns - first);
        const bool last = image + images == s_.n && first + count == here.columns;
        transform_inputs(here, first, count, v.as<float>());
        transform_gradients(here, gy_ + image * s_.oc * s_.out_size(), first, count, z.as<float>());
        const double work = static_cast<double>(s_.ic * s_.oc) * static_cast<double>(count * plan_.products);
        for_units(units * groups_, work, [&](int64_t item) {
          const int64_t unit = item % units, group = item / units;
          const Workspace own(keeps ? 0 : sum_bytes());
          float* const m = keeps ? sums_of(unit) : own.as<float>();
          multiply(unit, group, z.as<float>(), v.as<float>(), count, image > 0 || first > 0, m);
          if (last && groups_ == 1) deliver(unit, m, gw);
        });
      }
    }
    if (groups_ == 1) return;
    for_units(units, static_cast<double>(s_.ic * s_.oc * plan_.products) * 8,
              [&](int64_t unit) { deliver(unit, sums_of(unit), gw); });
  }

 private:
  // Output channels of a unit: whole panels at every level.
  static constexpr int64_t kRows = 32;

  static size_t bytes(int64_t elements) {
    return sizeof(float) * static_cast<size_t>(kWinogradPoints * elements);
  }
  WinogradTiles tiles(int64_t images) const { return {images, s_.out[1], s_.out[2], plan_.tile}; }
  int64_t panel_point() const { return point_stride(chunk_ * nr_); }  // of a panel of gradients
  int64_t sum_point() const { return point_stride(block_ * kRows); }
  size_t sum_bytes() const { return bytes(plan_.n_parts() * sum_point()); }

  // Calls f(args, channel, channels) for parts of up to kWinogradColumns of the `count` columns from `first`
  // on, `at_once` channels at a time. args.v is where the first column goes, counted from the first one.
  template <class F>
  void for_tiles(const WinogradTiles& tiles, int64_t first, int64_t count, int64_t channels, int64_t at_once,
                 F&& f) const {
    const int64_t pieces = ceil_div(count, kWinogradColumns), blocks = ceil_div(channels, at_once);
    for_units(pieces * blocks, static_cast<double>(count * channels) * 8 * kWinogradPoints,
              [&](int64_t unit) {
                const int64_t j = unit % pieces * kWinogradColumns, c = unit / pieces * at_once;
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
  // v[point][channel][column]
  void transform_inputs(const WinogradTiles& tiles, int64_t first, int64_t count, float* v) const {
    constexpr int64_t kChannels = 16;
    for_tiles(tiles, first, count, channels_, kChannels,
              [&](WinogradInput& a, int64_t j, int64_t c, int64_t channels) {
                a.v = v + c * row_ + j;
                a.v_channel = row_;
                a.v_point = channels_ * row_;
                source_.transform(a, c, channels);
              });
  }
  // z[panel][point][column][output channel]; for dot products z[point][output channel][column]
  void transform_gradients(const WinogradTiles& tiles, const float* gy, int64_t first, int64_t count,
                           float* z) const {
    for_tiles(tiles, first, count, s_.oc, nr_, [&](WinogradInput& a, int64_t j, int64_t c, int64_t channels) {
      const int64_t line = round_up(a.columns, 16), point = point_stride(nr_ * line);
      const Workspace turned(dots_ ? 0 : bytes(point));
      a.v = dots_ ? z + c * row_ + j : turned.as<float>();
      a.v_channel = dots_ ? row_ : line;
      a.v_point = dots_ ? s_.oc * row_ : point;
      a.tile = plan_.tile;
      a.src = gy + c * s_.out_size();
      a.planes = {s_.oc * s_.out_size(), s_.out_size(), s_.out[1], s_.out[2], s_.out[2], 1};
      a.before[0] = a.before[1] = 0;
      std::copy_n(kernel_.live, 2, a.live);
      a.channels = channels;
      kernels().conv.winograd.gradient(a);
      if (dots_) return;
      float* const to = z + c / nr_ * kWinogradPoints * panel_point() + j * nr_;
      for (int64_t p = 0; p < kWinogradPoints; ++p) {
        kern_.pack(to + p * panel_point(), nr_, a.v + p * point, line, 1, channels, a.columns);
      }
    });
  }

  // m[part][point][channel][row] (+)= v * z, of a unit's channels and rows and a group of points.
  void multiply(int64_t unit, int64_t group, const float* z, const float* v, int64_t count, bool add,
                float* m) const {
    count = round_up(count, nr_ / 2);  // tiles of whole vectors
    const int64_t r0 = unit / blocks_ * kRows, c0 = unit % blocks_ * block_;
    GemmBlock<float> blk;
    blk.m = std::min(block_, s_.ic - c0);
    blk.n = std::min(kRows, s_.oc - r0);
    blk.mr = ceil_div(blk.m, ceil_div(blk.m, kern_.mr));
    blk.a_panel = blk.mr * row_;
    blk.a_rs = row_;
    blk.a_ps = 1;
    blk.b_panel = kWinogradPoints * panel_point();
    blk.b_ps = nr_;
    blk.c_rs = kRows;
    blk.c_cs = 1;
    blk.alpha = 1;
    blk.epilogue = nullptr;
    // Longer chains of additions lose accuracy (the r.m.s. error of 64 channels of 32 x 32: 18 units in the
    // last place at 128 tiles, 21 at 192, 29 at 384), shorter ones take up to 5% more time.
    constexpr int64_t kDepth = 192;
    const int64_t depth = ceil_div(count, ceil_div(count, kDepth));
    const int64_t end = kWinogradPoints * (group + 1) / groups_;
    for (int64_t point = kWinogradPoints * group / groups_; point < end; ++point) {
      kernel_.for_runs(point, [&](int64_t first, int64_t parts) {
        for (int64_t part = first; part < first + parts; ++part) {
          blk.c = m + (part * kWinogradPoints + point) * sum_point();
          if (dots_) {
            add_dots(v + (point * channels_ + part * s_.ic + c0) * row_, blk.m,
                     z + (point * s_.oc + r0) * row_, blk.n, count, add, blk.c);
            continue;
          }
          for (int64_t k0 = 0; k0 < count; k0 += depth) {
            blk.k = std::min(depth, count - k0);
            blk.a = v + (point * channels_ + part * s_.ic + c0) * row_ + k0;
            blk.b = z + r0 / nr_ * blk.b_panel + point * panel_point() + k0 * nr_;
            blk.b_tail = blk.b + blk.n / nr_ * blk.b_panel;
            blk.beta = add || k0 > 0 ? 1 : 0;
            kern_.block(blk);
          }
        }
      });
    }
  }

  // sums[channel][row] (+)= the products of rows of v and of z.
  void add_dots(const float* v, int64_t channels, const float* z, int64_t rows, int64_t count, bool add,
                float* sums) const {
    if (!add) return kern_.dot_tiles({channels, rows, count, v, row_, z, row_, sums, kRows, 1});
    const Workspace space(sizeof(float) * static_cast<size_t>(channels * kRows));
    float* const more = space.as<float>();
    kern_.dot_tiles({channels, rows, count, v, row_, z, row_, more, kRows, 1});
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t r = 0; r < rows; ++r) sums[c * kRows + r] += more[c * kRows + r];
    }
  }

  // A unit's sums to gw[row][channel][tap].
  void deliver(int64_t unit, float* m, float* gw) const {
    const int64_t r0 = unit / blocks_ * kRows, c0 = unit % blocks_ * block_, taps = s_.taps();
    const int64_t rows = std::min(kRows, s_.oc - r0), channels = std::min(block_, s_.ic - c0);
    const Workspace space(2 * sizeof(float) * static_cast<size_t>(channels * taps * kRows + kFrameSlack));
    float* const turned = space.as<float>();
    for (int64_t q = 0; q < plan_.n_parts(); ++q) {
      WinogradWeights a;
      a.taps = plan_.taps;
      a.u = m + q * kWinogradPoints * sum_point();
      a.u_point = sum_point();
      a.u_item = a.w_tap = kRows;
      a.w = turned;
      a.w_item = taps * kRows;
      a.tap = kernel_.parts[q].tap;
      std::copy_n(kernel_.parts[q].live, 2, a.live);
      a.count = rows;
      a.items = channels;
      kernels().conv.winograd.weights_back(a);
    }
    deliver_panel<float>(turned, kRows, rows, channels * taps, turned + channels * taps * kRows + kFrameSlack,
                         gw + (r0 * s_.ic + c0) * taps, s_.ic * taps);
  }

  const ConvShape& s_;
  const WinogradPlan& plan_;
  const WinogradPlan::Kernel& kernel_;
  const float* const x_;
  const float* const gy_;
  const GemmKernels<float>& kern_;
  const int64_t nr_;
  WinogradSource source_;
  const int64_t channels_, images_;      // of all parts; whose frames are held at once
  int64_t chunk_, row_;                  // columns at once, and from one channel to the next
  bool whole_;                           // one chunk is all
  bool dots_;                            // sums are dot products
  int64_t row_blocks_, blocks_, block_;  // units of kRows rows and of block_ channels
  int64_t groups_;                       // of points
};

// Both ways take whole vectors of rows: by how much that is more than there are.
inline double whole_rows(const ConvShape& s) {
  return static_cast<double>(round_up(s.oc, conv_kernels<float>().lanes)) / static_cast<double>(s.oc);
}

// In multiply-adds of a direct sum, fitted on Zen 4 as in conv/winograd.h: the transform of an input costs as
// much as 10 products per point, that of a gradient, which is turned, 15; a sum 14, and its tap 4.
inline double winograd_grad_cost(const ConvShape& s, const WinogradPlan& plan) {
  const auto parts = static_cast<double>(plan.n_parts()), products = static_cast<double>(plan.products);
  const auto columns = static_cast<double>(WinogradTiles(s.n, s.out[1], s.out[2], plan.tile).columns);
  const double transforms = 36 * (15.0 / static_cast<double>(s.ic) + 10 * parts / static_cast<double>(s.oc));
  return columns * (1.25 * products * whole_rows(s) + transforms) + 14 * products +
         4 * static_cast<double>(s.taps());
}

inline double direct_grad_cost(const ConvShape& s) {
  return static_cast<double>(s.n * s.out_size() * s.taps()) * whole_rows(s);
}

// Returns false, having done nothing, where a direct sum is better.
template <class T>
bool weight_grad_winograd(const ConvShape& s, const Taps& taps, const T* x, const T* gy, T* gw) {
  if constexpr (sizeof(T) == 4) {
    const std::vector<Phase> phases = {forward_phase(s, taps)};
    WinogradPlan plan;
    const auto cost = [&](const WinogradPlan& p) { return winograd_grad_cost(s, p); };
    if (s.groups != 1 || s.in[0] != 1 || s.out[0] != 1 ||
        !choose_winograd_plan(phases, s.stride, direct_grad_cost(s), cost, plan)) {
      return false;
    }
    WinogradWeightGrad(s, phases, plan, x, gy).run(gw);
    return true;
  }
  return false;
}

}  // namespace plait::conv
