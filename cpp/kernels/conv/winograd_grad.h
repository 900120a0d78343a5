// SPDX-License-Identifier: MIT
// The gradient for the weights of what conv/winograd.h computes. Y = A' [(G w G') * (B' d B)] A is linear in
// w, hence
//   gw = G' [sum over images and tiles of (A gy A') * (B' d B)] G,
// for each of the 36 points a product of matrices: (rows x tiles) * (tiles x channels).
#pragma once

#include "kernels/conv/winograd.h"

namespace plait::conv {

inline bool is_winograd(const ConvShape& s) {
  for (int i = 0; i < 3; ++i) {
    if (s.kernel[i] != (i == 0 ? 1 : 3) || s.stride[i] != 1 || s.dilation[i] != 1) return false;
  }
  return s.groups == 1 && s.in[0] == 1 && s.out[0] == 1;
}

class WinogradWeightGrad {
 public:
  WinogradWeightGrad(const ConvShape& s, const float* x, const float* gy)
      : s_(s), x_(x), gy_(gy), tiles_(s.n, s.out) {
    // Transformed tiles stay in the last cache until they are multiplied; how many decides bits.
    constexpr int64_t kChunkBytes = int64_t{16} << 20, kPointBytes = 4 * kWinogradPoints, kMost = 384;
    const int64_t most = std::clamp<int64_t>(
        kChunkBytes / (kPointBytes * (s.ic + s.oc)) / kColumns * kColumns, kColumns, kMost);
    chunk_ = round_up(ceil_div(tiles_.columns, ceil_div(tiles_.columns, most)), kColumns);
    row_ = point_stride(chunk_);
  }

  void run(float* gw) const {
    const Workspace v(bytes(s_.ic * row_)), z(bytes(s_.oc * row_)), sums(bytes(s_.oc * s_.ic));
    for (int64_t first = 0; first < tiles_.columns; first += chunk_) {
      const int64_t count = std::min(chunk_, tiles_.columns - first);
      transform(kernels().conv.winograd.input, x_, s_.ic, s_.in, s_.pad + 1, first, count, v.as<float>());
      constexpr int64_t kNone[2] = {0, 0};
      transform(kernels().conv.winograd.gradient, gy_, s_.oc, s_.out, kNone, first, count, z.as<float>());
      GemmArgs<float> a;
      a.m = s_.oc;
      a.n = s_.ic;
      a.k = count;
      a.batch = kWinogradPoints;
      a.a = {z.as<float>(), row_, 1, s_.oc * row_};
      a.b = {v.as<float>(), 1, row_, s_.ic * row_};
      a.c = sums.as<float>();
      a.c_rs = s_.ic;
      a.c_bs = s_.oc * s_.ic;
      a.beta = first > 0 ? 1.0f : 0.0f;
      gemm(a);
    }
    for_units(s_.oc, static_cast<double>(s_.oc * s_.ic) * 256, [&](int64_t r) {
      const Workspace space(sizeof(float) * static_cast<size_t>(2 * (9 * s_.ic + kFrameSlack)));
      float* const turned = space.as<float>();
      float* const row = turned + 9 * s_.ic + kFrameSlack;
      kernels().conv.winograd.weights_back(turned, sums.as<float>() + r * s_.ic, s_.oc * s_.ic, s_.ic);
      // pack() turns (tap, channel) into (channel, tap), and may write past them
      gemm_kernels<float>().pack(row, 9, turned, s_.ic, 1, 9, s_.ic);
      std::copy_n(row, 9 * s_.ic, gw + r * 9 * s_.ic);
    });
  }

 private:
  // A multiple of every level's panel.
  static constexpr int64_t kColumns = 32;

  static size_t bytes(int64_t elements) {
    return sizeof(float) * static_cast<size_t>(kWinogradPoints * elements);
  }

  // to[point][channel][column] of `count` columns
  void transform(void (*kernel)(const WinogradInput&), const float* src, int64_t channels,
                 const int64_t* size, const int64_t* before, int64_t first, int64_t count, float* to) const {
    constexpr int64_t kChannels = 16;
    const int64_t nr = gemm_kernels<float>().nr;
    const int64_t pieces = ceil_div(count, kWinogradColumns), blocks = ceil_div(channels, kChannels);
    for_units(pieces * blocks, static_cast<double>(count * channels) * 8 * kWinogradPoints,
              [&](int64_t unit) {
                const int64_t j = unit % pieces * kWinogradColumns, c = unit / pieces * kChannels;
                const int64_t columns = std::min(kWinogradColumns, count - j);
                const std::vector<WinogradStrip> strips = tiles_.strips(first + j, columns);
                WinogradInput a;
                a.v = to + c * row_ + j;
                a.v_panel = nr;
                a.v_channel = row_;
                a.v_point = channels * row_;
                a.src = src + c * size[1] * size[2];
                a.planes = {channels * size[1] * size[2], size[1] * size[2], size[1], size[2]};
                a.before[0] = before[0];
                a.before[1] = before[1];
                a.channels = std::min(kChannels, channels - c);
                a.panels = ceil_div(columns, nr);
                a.strips = strips.data();
                a.n_strips = static_cast<int64_t>(strips.size());
                kernel(a);
              });
  }

  const ConvShape& s_;
  const float* const x_;
  const float* const gy_;
  const WinogradTiles tiles_;
  int64_t chunk_, row_;  // columns at once, and from one channel to the next
};

// In multiply-adds of a direct sum: a transform costs about as much as 12 products per point; the sums go
// through memory, which takes the time of some 40 products each. Fitted as that of conv/winograd.h.
inline bool winograd_grad_pays(const ConvShape& s) {
  const WinogradTiles tiles(s.n, s.out);
  const double transforms = 12.0 / static_cast<double>(s.ic) + 12.0 / static_cast<double>(s.oc);
  return 36.0 * (static_cast<double>(tiles.columns) * (1 + transforms) + 40) <
         9 * static_cast<double>(s.n * s.out_size());
}

// Returns false, having done nothing, where a direct sum is better.
template <class T>
bool weight_grad_winograd(const ConvShape& s, const T* x, const T* gy, T* gw) {
  if constexpr (sizeof(T) == 4) {
    if (!is_winograd(s) || !winograd_grad_pays(s)) return false;
    WinogradWeightGrad(s, x, gy).run(gw);
    return true;
  }
  return false;
}

}  // namespace plait::conv
