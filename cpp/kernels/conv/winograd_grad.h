// SPDX-License-Identifier: MIT
// The gradient for the weights of what conv/winograd.h computes. Y = A' [(G w G') * (B' d B)] A is linear in
// w, hence
//   gw = G' [sum over images and tiles of (A gy A') * (B' d B)] G,
// for each of the 36 points a product of matrices: (rows x tiles) * (tiles x channels).
#pragma once

#include <utility>
#include <vector>

#include "kernels/conv/weight_grad.h"
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
        source_(plan, s.ic, s.in, frame_shape(s.in, s.stride, phases)),
        channels_(source_.channels()),
        images_(source_.at_once(s.n)) {
    // Transformed tiles stay in the last cache until they are multiplied; how many decides bits.
    constexpr int64_t kChunkBytes = int64_t{4} << 20, kMost = 384;
    const int64_t columns = tiles(images_).columns;
    const int64_t most = std::clamp<int64_t>(
        kChunkBytes / (4 * kWinogradPoints * (channels_ + s.oc)) / kColumns * kColumns, kColumns, kMost);
    chunk_ = round_up(ceil_div(columns, ceil_div(columns, most)), kColumns);
    row_ = point_stride(chunk_);
  }

  void run(float* gw) {
    const Workspace v(bytes(channels_ * row_)), z(bytes(s_.oc * row_)), sums(bytes(s_.oc * channels_));
    const Workspace frames(source_.frame_bytes(images_));
    for (int64_t image = 0; image < s_.n; image += images_) {
      const int64_t images = std::min(images_, s_.n - image);
      source_.read(x_ + image * s_.ic * s_.in_size(), images, frames.as<float>());
      const WinogradTiles here = tiles(images);
      for (int64_t first = 0; first < here.columns; first += chunk_) {
        const int64_t count = std::min(chunk_, here.columns - first);
        transform_inputs(here, first, count, v.as<float>());
        transform_gradients(here, gy_ + image * s_.oc * s_.out_size(), first, count, z.as<float>());
        multiply(z.as<float>(), v.as<float>(), count, image > 0 || first > 0, sums.as<float>());
      }
    }
    for_units(s_.oc, static_cast<double>(s_.oc * channels_) * 256,
              [&](int64_t r) { store(sums.as<float>() + r * channels_, gw + r * s_.ic * s_.taps()); });
  }

 private:
  // A multiple of every level's panel.
  static constexpr int64_t kColumns = 32;

  static size_t bytes(int64_t elements) {
    return sizeof(float) * static_cast<size_t>(kWinogradPoints * elements);
  }
  WinogradTiles tiles(int64_t images) const { return {images, s_.out[1], s_.out[2], plan_.tile}; }

  // f(channel, channels, args) for parts of `count` columns from `first` on, to[point][channel][column].
  template <class F>
  void for_tiles(const WinogradTiles& tiles, int64_t first, int64_t count, int64_t channels, float* to,
                 F&& f) const {
    constexpr int64_t kChannels = 16;
    const int64_t pieces = ceil_div(count, kWinogradColumns), blocks = ceil_div(channels, kChannels);
    for_units(pieces * blocks, static_cast<double>(count * channels) * 8 * kWinogradPoints,
              [&](int64_t unit) {
                const int64_t j = unit % pieces * kWinogradColumns, c = unit / pieces * kChannels;
                const int64_t columns = std::min(kWinogradColumns, count - j), nr = gemm_kernels<float>().nr;
                const std::vector<WinogradStrip> strips = tiles.strips(first + j, columns);
                WinogradInput a;
                a.v = to + c * row_ + j;
                a.v_panel = nr;
                a.v_channel = row_;
                a.v_point = channels * row_;
                a.columns = columns;
                a.strips = strips.data();
                a.n_strips = static_cast<int64_t>(strips.size());
                f(c, std::min(kChannels, channels - c), a);
              });
  }
  void transform_inputs(const WinogradTiles& tiles, int64_t first, int64_t count, float* to) const {
    for_tiles(tiles, first, count, channels_, to, [&](int64_t c, int64_t channels, const WinogradInput& a) {
      source_.transform(a, c, channels);
    });
  }
  void transform_gradients(const WinogradTiles& tiles, const float* gy, int64_t first, int64_t count,
                           float* to) const {
    for_tiles(tiles, first, count, s_.oc, to, [&](int64_t c, int64_t channels, WinogradInput a) {
      a.tile = plan_.tile;
      a.src = gy + c * s_.out_size();
      a.planes = {s_.oc * s_.out_size(), s_.out_size(), s_.out[1], s_.out[2], s_.out[2], 1};
      a.before[0] = a.before[1] = 0;
      std::copy_n(kernel_.live, 2, a.live);
      a.channels = channels;
      kernels().conv.winograd.gradient(a);
    });
  }

  // sums[point] += z[point] * v[point]', neighbouring points at once where they have the same parts.
  void multiply(const float* z, const float* v, int64_t count, bool add, float* sums) const {
    using Runs = std::vector<std::pair<int64_t, int64_t>>;
    const auto runs_at = [&](int64_t point) {
      Runs runs;
      kernel_.for_runs(point, [&](int64_t first, int64_t parts) { runs.emplace_back(first, parts); });
      return runs;
    };
    for (int64_t point = 0, end; point < kWinogradPoints; point = end) {
      const Runs runs = runs_at(point);
      for (end = point + 1; end < kWinogradPoints && runs_at(end) == runs;) ++end;
      for (const auto& [part, parts] : runs) {
        const int64_t channel = part * s_.ic;
        GemmArgs<float> a;
        a.m = s_.oc;
        a.n = parts * s_.ic;
        a.k = count;
        a.batch = end - point;
        a.a = {z + point * s_.oc * row_, row_, 1, s_.oc * row_};
        a.b = {v + (point * channels_ + channel) * row_, 1, row_, channels_ * row_};
        a.c = sums + point * s_.oc * channels_ + channel;
        a.c_rs = channels_;
        a.c_bs = s_.oc * channels_;
        a.beta = add ? 1.0f : 0.0f;
        gemm(a);
      }
    }
  }

  // One output channel's sums[point][part][channel] to gw[channel][tap].
  void store(float* sums, float* gw) const {
    const int64_t n = s_.taps();
    const Workspace space(sizeof(float) * static_cast<size_t>(2 * (n * s_.ic + kFrameSlack)));
    float* const turned = space.as<float>();
    float* const row = turned + n * s_.ic + kFrameSlack;
    for (int64_t q = 0; q < plan_.n_parts(); ++q) {
      WinogradWeights a;
      a.taps = plan_.taps;
      a.u = sums + q * s_.ic;
      a.u_point = s_.oc * channels_;
      a.u_item = a.w_item = 0;
      a.w = turned;
      a.w_tap = s_.ic;
      a.tap = kernel_.parts[q].tap;
      std::copy_n(kernel_.parts[q].live, 2, a.live);
      a.count = s_.ic;
      a.items = 1;
      kernels().conv.winograd.weights_back(a);
    }
    // pack() turns (tap, channel) into (channel, tap), and may write past them
    gemm_kernels<float>().pack(row, n, turned, s_.ic, 1, n, s_.ic);
    std::copy_n(row, n * s_.ic, gw);
  }

  const ConvShape& s_;
  const WinogradPlan& plan_;
  const WinogradPlan::Kernel& kernel_;
  const float* const x_;
  const float* const gy_;
  WinogradSource source_;
  const int64_t channels_, images_;  // of all parts; whose frames are held at once
  int64_t chunk_, row_;              // columns at once, and from one channel to the next
};

// In multiply-adds of a direct sum: the transform of an input costs about as much as 9 products per point,
// that of a gradient 27; the sums go through memory, which takes the time of some 40 products each. Fitted
// on Zen 4: 16 channels of 32 x 32 take 0.65 of a direct sum's time.
inline double winograd_grad_cost(const ConvShape& s, const WinogradPlan& plan) {
  const auto parts = static_cast<double>(plan.n_parts());
  const auto columns = static_cast<double>(WinogradTiles(s.n, s.out[1], s.out[2], plan.tile).columns);
  const double transforms = 36 * (27.0 / static_cast<double>(s.ic) + 9.0 * parts / static_cast<double>(s.oc));
  const auto products = static_cast<double>(plan.products);
  return columns * (products + transforms) + 40 * products;
}

// A direct sum takes whole vectors of rows.
inline double direct_grad_cost(const ConvShape& s) {
  return static_cast<double>(s.n * s.out_size() * s.taps()) *
         static_cast<double>(round_up(s.oc, conv_kernels<float>().lanes)) / static_cast<double>(s.oc);
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
