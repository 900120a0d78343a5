// SPDX-License-Identifier: MIT
// 3x3 correlations of step 1 by Winograd's F(4x4, 3x3): 36 products in place of 144 for 16 outputs of a
// channel, so that it passes the multiply-add peak of a direct sum. The error against float64 is about twice
// that of a direct float32 sum (tests/test_conv_accuracy.py); an infinite or NaN input makes all outputs of
// the tiles that read it NaN.
#pragma once

#include <algorithm>
#include <vector>

#include "core/workspace.h"
#include "kernels/conv/correlate.h"

namespace plait::conv {

struct Winograd {
  int64_t low[2];  // the least tap along h and w
  int64_t tap[9];  // index of the tap at each place
};

// Whether c is such a correlation, and how its taps lie.
template <class T>
bool winograd_taps(const Correlation<T>& c, Winograd& plan) {
  if (c.groups != 1 || c.phases->size() != 1 || c.in[0] != 1 || c.out[0] != 1) return false;
  const Taps& taps = c.phases->front().taps;
  if (taps.size() != 9) return false;
  for (int i = 0; i < 3; ++i) {
    if (c.step[i] != 1 || c.out_step[i] != 1) return false;
  }
  plan.low[0] = *std::min_element(taps.h.begin(), taps.h.end());
  plan.low[1] = *std::min_element(taps.w.begin(), taps.w.end());
  std::fill_n(plan.tap, 9, -1);
  for (size_t t = 0; t < 9; ++t) {
    const int64_t h = taps.h[t] - plan.low[0], w = taps.w[t] - plan.low[1];
    if (h > 2 || w > 2 || taps.d[t] != 0) return false;
    plan.tap[3 * h + w] = taps.index[t];
  }
  return true;
}

// In multiply-adds of a direct sum: the transform of an input costs the time of 12 products per point, that
// of an output 6, that of the weights 200 per pair of channels. Fitted on Zen 3 to 1 to 512 channels and
// planes of 4 x 4 to 32 x 32, alone and 16 at a time: where it says that both are equal, 0.8 to 1.5 times was
// measured.
template <class T>
bool winograd_pays(const Correlation<T>& c) {
  const int64_t tiles = round_up(
      c.images * ceil_div(c.out[1], kWinogradTile) * ceil_div(c.out[2], kWinogradTile), gemm_kernels<T>().nr);
  const double transforms = 12.0 / static_cast<double>(c.channels) + 6.0 / static_cast<double>(c.rows);
  return 36.0 * static_cast<double>(tiles) * (1 + transforms) + 200 <
         9 * static_cast<double>(c.images * c.out_size());
}

// From one point to the next: a line more than a power of two, or all 36 would meet in the same sets of L1.
inline int64_t point_stride(int64_t elements) { return round_up(elements, 16) + 16; }

// The tiles of some images' outputs, as columns.
struct WinogradTiles {
  int64_t h, w;  // of an image
  int64_t columns;

  WinogradTiles(int64_t images, const int64_t* out)
      : h(ceil_div(out[1], kWinogradTile)), w(ceil_div(out[2], kWinogradTile)), columns(images * h * w) {}

  // Columns [first, first + count), as far as there are.
  std::vector<WinogradStrip> strips(int64_t first, int64_t count) const {
    count = std::min(count, columns - first);
    int64_t left = first % w, row = first / w % h, image = first / (w * h);
    std::vector<WinogradStrip> cut;
    for (int64_t column = 0; column < count;) {
      const int64_t length = std::min(w - left, count - column);
      cut.push_back({column, length, image, row, left});
      column += length;
      left = 0;
      if (++row < h) continue;
      row = 0;
      ++image;
    }
    return cut;
  }
};

class WinogradRunner {
 public:
  WinogradRunner(const Correlation<float>& c, const Winograd& plan)
      : c_(c),
        plan_(plan),
        kern_(gemm_kernels<float>()),
        nr_(kern_.nr),
        tiles_(c.images, c.out),
        panels_(ceil_div(tiles_.columns, nr_)) {
    // A unit's weights and products should fit a small L2.
    constexpr int64_t kWeightBytes = 192 << 10;
    const int64_t most = kWeightBytes / (kPointBytes * c.channels) / kern_.mr * kern_.mr;
    const int64_t blocks = ceil_div(c.rows, std::max(most, kern_.mr));
    rows_ = round_up(ceil_div(c.rows, blocks), kern_.mr);
    row_blocks_ = ceil_div(c.rows, rows_);
  }

  // Bits do not depend on how the product is cut, so that the cut may look at the number of threads.
  void run() {
    constexpr int64_t kInputBytes = 320 << 10;
    const int64_t panels = std::clamp<int64_t>(kInputBytes / (panel_size() * 4), 1, kWinogradColumns / nr_);
    if (panels_ >= 2 * num_threads() * panels) {
      by_columns(panels);
    } else {
      by_rows();
    }
  }

 private:
  static constexpr int64_t kPointBytes = kWinogradPoints * static_cast<int64_t>(sizeof(float));

  int64_t v_point() const { return point_stride(c_.channels * nr_); }
  int64_t panel_size() const { return kWinogradPoints * v_point(); }
  int64_t u_point() const { return point_stride(rows_ * c_.channels); }
  double work(int64_t panels) const {
    return static_cast<double>(panels * panel_size()) * static_cast<double>(c_.rows);
  }

  // All weights are transformed first; a unit transforms its own columns and multiplies them with all rows.
  void by_columns(int64_t unit_panels) {
    const int64_t block = kWinogradPoints * u_point();
    const Workspace u(sizeof(float) * static_cast<size_t>(row_blocks_ * block));
    for_units(row_blocks_, static_cast<double>(row_blocks_ * block) * 4,
              [&](int64_t b) { transform_weights(b, u.as<float>() + b * block); });
    for_units(ceil_div(panels_, unit_panels), work(panels_), [&](int64_t unit) {
      const int64_t p = unit * unit_panels, n = std::min(unit_panels, panels_ - p);
      const Workspace v(sizeof(float) * static_cast<size_t>(n * panel_size()));
      const std::vector<WinogradStrip> cut = strips(p, n);
      transform_inputs(cut, n, 0, c_.channels, v.as<float>());
      for (int64_t b = 0; b < row_blocks_; ++b) multiply(b, u.as<float>() + b * block, cut, v.as<float>(), n);
    });
  }

  // Columns are transformed first, as many as stay in the last cache while all rows read them; a unit
  // transforms the weights of its rows.
  void by_rows() {
    constexpr int64_t kChunkBytes = int64_t{8} << 20, kChannels = 16;
    const int64_t most = std::max<int64_t>(1, kChunkBytes / (panel_size() * 4));
    const int64_t chunk = ceil_div(panels_, ceil_div(panels_, most));
    const int64_t width = kWinogradColumns / nr_, blocks = ceil_div(c_.channels, kChannels);
    const Workspace v(sizeof(float) * static_cast<size_t>(chunk * panel_size()));
    for (int64_t first = 0; first < panels_; first += chunk) {
      const int64_t count = std::min(chunk, panels_ - first), pieces = ceil_div(count, width);
      for_units(pieces * blocks, static_cast<double>(count * panel_size()) * 8, [&](int64_t unit) {
        const int64_t p = unit / blocks * width, n = std::min(width, count - p),
                      c0 = unit % blocks * kChannels;
        transform_inputs(strips(first + p, n), n, c0, std::min(kChannels, c_.channels - c0),
                         v.as<float>() + p * panel_size());
      });
      const int64_t cuts = std::clamp<int64_t>(ceil_div(2 * num_threads(), row_blocks_), 1, pieces);
      for_units(row_blocks_ * cuts, work(count), [&](int64_t unit) {
        const int64_t b = unit / cuts, cut = unit % cuts;
        const Workspace u(sizeof(float) * static_cast<size_t>(kWinogradPoints * u_point()));
        transform_weights(b, u.as<float>());
        for (int64_t q = pieces * cut / cuts; q < pieces * (cut + 1) / cuts; ++q) {
          const int64_t p = q * width, n = std::min(width, count - p);
          multiply(b, u.as<float>(), strips(first + p, n), v.as<float>() + p * panel_size(), n);
        }
      });
    }
  }

  std::vector<WinogradStrip> strips(int64_t panel, int64_t panels) const {
    return tiles_.strips(panel * nr_, panels * nr_);
  }

  // v[panel][point][channel][column]
  void transform_inputs(const std::vector<WinogradStrip>& cut, int64_t panels, int64_t channel,
                        int64_t channels, float* v) const {
    WinogradInput a;
    a.v = v + channel * nr_;
    a.v_panel = panel_size();
    a.v_point = v_point();
    a.v_channel = nr_;
    a.src = c_.src + channel * c_.in_size();
    a.planes = {c_.channels * c_.in_size(), c_.in_size(), c_.in[1], c_.in[2]};
    a.before[0] = -plan_.low[0];
    a.before[1] = -plan_.low[1];
    a.channels = channels;
    a.panels = panels;
    a.strips = cut.data();
    a.n_strips = static_cast<int64_t>(cut.size());
    kernels().conv.winograd.input(a);
  }

  // u[point][row][channel] of a block of rows
  void transform_weights(int64_t block, float* u) const {
    const Workspace turned(sizeof(float) * static_cast<size_t>(9 * c_.channels + kFrameSlack));
    const int64_t r0 = block * rows_, r1 = std::min(r0 + rows_, c_.rows);
    for (int64_t r = r0; r < r1; ++r, u += c_.channels) {
      // pack() turns (channel, tap) into (tap, channel)
      kern_.pack(turned.as<float>(), c_.channels, c_.weight + r * c_.w_row, c_.w_channel, 1, c_.channels, 9);
      kernels().conv.winograd.weights(u, u_point(), turned.as<float>(), plan_.tap, c_.channels);
    }
  }

  // The outputs of a block of rows in `panels` panels.
  void multiply(int64_t block, const float* u, const std::vector<WinogradStrip>& cut, const float* v,
                int64_t panels) const {
    const int64_t r0 = block * rows_, rows = std::min(rows_, c_.rows - r0), columns = panels * nr_;
    const int64_t m_point = point_stride(rows * columns);
    const Workspace products(sizeof(float) * static_cast<size_t>(kWinogradPoints * m_point));
    GemmBlock<float> blk;
    blk.m = rows;
    blk.n = columns;
    blk.mr = ceil_div(rows, ceil_div(rows, kern_.mr));
    blk.a_panel = blk.mr * c_.channels;
    blk.a_rs = c_.channels;
    blk.a_ps = 1;
    blk.b_panel = panel_size();
    blk.b_ps = nr_;
    blk.b_tail = nullptr;
    blk.c_rs = columns;
    blk.c_cs = 1;
    blk.alpha = 1;
    blk.epilogue = nullptr;
    const int64_t depth = ceil_div(c_.channels, ceil_div(c_.channels, kern_.kc));
    for (int64_t point = 0; point < kWinogradPoints; ++point) {
      for (int64_t k0 = 0; k0 < c_.channels; k0 += depth) {
        blk.k = std::min(depth, c_.channels - k0);
        blk.a = u + point * u_point() + k0;
        blk.b = v + point * v_point() + k0 * nr_;
        blk.c = products.as<float>() + point * m_point;
        blk.beta = k0 > 0 ? 1.0f : 0.0f;
        kern_.block(blk);
      }
    }
    WinogradOutput a;
    a.dst = c_.dst + r0 * c_.out_size();
    a.planes = {c_.rows * c_.out_size(), c_.out_size(), c_.out[1], c_.out[2]};
    a.m = products.as<float>();
    a.m_point = m_point;
    a.m_row = columns;
    a.rows = rows;
    a.panels = panels;
    a.bias = c_.bias ? c_.bias + r0 : nullptr;
    a.strips = cut.data();
    a.n_strips = static_cast<int64_t>(cut.size());
    kernels().conv.winograd.output(a);
  }

  const Correlation<float>& c_;
  const Winograd& plan_;
  const GemmKernels<float>& kern_;
  const int64_t nr_;
  const WinogradTiles tiles_;
  const int64_t panels_;
  int64_t rows_, row_blocks_;  // of a block of rows
};

// Returns false, having done nothing, where a direct sum is better.
template <class T>
bool correlate_winograd(const Correlation<T>& c) {
  if constexpr (sizeof(T) == 4) {
    Winograd plan;
    if (!winograd_taps(c, plan) || !winograd_pays(c)) return false;
    WinogradRunner(c, plan).run();
    return true;
  }
  return false;
}

}  // namespace plait::conv
