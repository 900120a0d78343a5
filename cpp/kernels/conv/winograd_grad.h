// SPDX-License-Identifier: MIT
// The gradient for the weights of what conv/winograd.h computes. Y = A' [(G w G') * (B' d B)] A is linear in
// w, hence
//   gw = G' [sum over images and tiles of (A gy A') * (B' d B)] G,
// for each of the 36 points a product of matrices: (rows x tiles) * (tiles x channels).
#pragma once

#include "kernels/conv/weight_grad.h"
#include "kernels/conv/winograd.h"

namespace plait::conv {

class WinogradWeightGrad {
 public:
  WinogradWeightGrad(const ConvShape& s, const std::vector<Phase>& phases, const WinogradPlan& plan,
                     const float* x, const float* gy)
      : s_(s),
        plan_(plan),
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
        GemmArgs<float> a;
        a.m = s_.oc;
        a.n = channels_;
        a.k = count;
        a.batch = kWinogradPoints;
        a.a = {z.as<float>(), row_, 1, s_.oc * row_};
        a.b = {v.as<float>(), 1, row_, channels_ * row_};
        a.c = sums.as<float>();
        a.c_rs = channels_;
        a.c_bs = s_.oc * channels_;
        a.beta = image > 0 || first > 0 ? 1.0f : 0.0f;
        gemm(a);
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
                a.panels = ceil_div(columns, nr);
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
      a.channels = channels;
      kernels().conv.winograd.gradient(a);
    });
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
      a.w = turned;
      a.tap = plan_.kernels.front().parts[q].tap;
      a.channels = s_.ic;
      kernels().conv.winograd.weights_back(a);
    }
    // pack() turns (tap, channel) into (channel, tap), and may write past them
    gemm_kernels<float>().pack(row, n, turned, s_.ic, 1, n, s_.ic);
    std::copy_n(row, n * s_.ic, gw);
  }

  const ConvShape& s_;
  const WinogradPlan& plan_;
  const float* const x_;
  const float* const gy_;
  WinogradSource source_;
  const int64_t channels_, images_;  // of all parts; whose frames are held at once
  int64_t chunk_, row_;              // columns at once, and from one channel to the next
};

// In multiply-adds of a direct sum: the transform of an input costs about as much as 12 products per point,
// that of a gradient 36; the sums go through memory, which takes the time of some 40 products each. Fitted as
// that of conv/winograd.h.
inline bool winograd_grad_pays(const ConvShape& s, const WinogradPlan& plan) {
  const auto parts = static_cast<double>(plan.n_parts());
  const auto columns = static_cast<double>(WinogradTiles(s.n, s.out[1], s.out[2], plan.tile).columns);
  const double transforms = 36.0 / static_cast<double>(s.ic) + 12.0 * parts / static_cast<double>(s.oc);
  return 36.0 * (columns * (parts + transforms) + 40 * parts) < static_cast<double>(s.n * plan.products);
}

// Returns false, having done nothing, where a direct sum is better.
template <class T>
bool weight_grad_winograd(const ConvShape& s, const Taps& taps, const T* x, const T* gy, T* gw) {
  if constexpr (sizeof(T) == 4) {
    const std::vector<Phase> phases = {forward_phase(s, taps)};
    WinogradPlan plan;
    if (s.groups != 1 || s.in[0] != 1 || s.out[0] != 1 || !winograd_plan(phases, s.stride, plan) ||
        !winograd_grad_pays(s, plan)) {
      return false;
    }
    WinogradWeightGrad(s, phases, plan, x, gy).run(gw);
    return true;
  }
  return false;
}

}  // namespace plait::conv
