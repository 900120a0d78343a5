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

// In multiply-adds of a direct sum: a transform costs about 24 products' time per point, that of the weights
// 200 per pair of channels. Estimates from a profile of 64 channels (transforms and copies a good third, the
// products a third), which put the break-even at some 20 channels; not tuned shape by shape.
template <class T>
bool winograd_pays(const Correlation<T>& c) {
  const int64_t tiles = round_up(
      c.images * ceil_div(c.out[1], kWinogradTile) * ceil_div(c.out[2], kWinogradTile), gemm_kernels<T>().nr);
  const double transforms = 24.0 / static_cast<double>(c.channels) + 24.0 / static_cast<double>(c.rows);
  return 36.0 * static_cast<double>(tiles) * (1 + transforms) + 200 <
         0.9 * 9 * static_cast<double>(c.images * c.out_size());
}

// From one point to the next: a line more than a power of two, or all 36 would meet in the same sets of L1.
inline int64_t point_stride(int64_t elements) { return round_up(elements, 16) + 16; }

class WinogradRunner {
 public:
  WinogradRunner(const Correlation<float>& c, const Winograd& plan)
      : c_(c), plan_(plan), kern_(gemm_kernels<float>()), nr_(kern_.nr) {
    tiles_[0] = 1;
    tiles_[1] = ceil_div(c.out[1], kWinogradTile);
    tiles_[2] = ceil_div(c.out[2], kWinogradTile);
    const int64_t before[3] = {0, -plan.low[0], -plan.low[1]};
    for (int i = 0; i < 3; ++i) {
      frame_.in[i] = c.in[i];
      frame_.before[i] = before[i];
      frame_.step[i] = frame_.phases[i] = i == 0 ? 1 : kWinogradTile;
      frame_.cells[i] = i == 0 ? 1 : tiles_[i] + 1;
    }
    for (int64_t p = 0; p < kWinogradPoints; ++p) offset_[p] = frame_.at(0, p / 6, p % 6);
  }

  void run() {
    const int64_t planes = c_.groups * c_.channels;
    constexpr int64_t kFrameBytes = int64_t{1} << 24;
    const int64_t image_bytes = planes * frame_.plane() * static_cast<int64_t>(sizeof(float));
    const int64_t at_once = std::clamp<int64_t>(kFrameBytes / image_bytes, 1, c_.images);
    const Workspace frames(static_cast<size_t>(at_once * image_bytes) + sizeof(float) * kFrameSlack);
    frames_ = frames.as<float>();

    // Transformed inputs of a chunk of columns stay in the last cache while all output channels read them.
    constexpr int64_t kChunkBytes = int64_t{8} << 20;
    const int64_t panel_bytes = panel_size() * static_cast<int64_t>(sizeof(float));
    const int64_t tiles = tiles_[1] * tiles_[2];
    const int64_t most = std::max(nr_, kChunkBytes / panel_bytes * nr_);
    const int64_t domain = round_up(at_once * tiles, nr_);
    const int64_t chunk = round_up(ceil_div(domain, ceil_div(domain, most)), nr_);
    const Workspace v(static_cast<size_t>(chunk / nr_ * panel_bytes));
    v_ = v.as<float>();

    for (int64_t image = 0; image < c_.images; image += at_once) {
      const int64_t images = std::min(at_once, c_.images - image);
      const float* src = c_.src + image * planes * c_.in_size();
      parallel_for(images * planes, std::max<int64_t>(1, kGrainElements / frame_.plane()),
                   [&](int64_t begin, int64_t end) {
                     conv_kernels<float>().frame(frame_, frames_ + begin * frame_.plane(),
                                                 src + begin * c_.in_size(), end - begin);
                   });
      for (int64_t group = 0; group < c_.groups; ++group) {
        for (int64_t j = 0; j < images * tiles; j += chunk) {
          run_chunk(group, image, j, std::min(chunk, images * tiles - j));
        }
      }
    }
  }

 private:
  int64_t v_point() const { return point_stride(c_.channels * nr_); }
  int64_t panel_size() const { return kWinogradPoints * v_point(); }

  // Columns [first, first + count) of the images from first_image on.
  void run_chunk(int64_t group, int64_t first_image, int64_t first, int64_t count) {
    const int64_t panels = ceil_div(count, nr_), panel = panel_size();
    const int64_t tiles = tiles_[1] * tiles_[2];

    constexpr int64_t kChannels = 16;
    const int64_t blocks = ceil_div(c_.channels, kChannels);
    for_units(panels * blocks, static_cast<double>(panels * panel) * 16, [&](int64_t unit) {
      const int64_t p = unit / blocks, c0 = unit % blocks * kChannels;
      std::vector<PatchRun> runs;
      cut_runs(frame_, tiles_, c_.groups * c_.channels * frame_.plane(), first + p * nr_,
               std::min(nr_, count - p * nr_), runs);
      WinogradInput a;
      a.v = v_ + p * panel + c0 * nr_;
      a.v_point = v_point();
      a.frame = frames_ + (group * c_.channels + c0) * frame_.plane();
      a.plane = frame_.plane();
      a.channels = std::min(kChannels, c_.channels - c0);
      a.offset = offset_;
      a.runs = runs.data();
      a.n_runs = static_cast<int64_t>(runs.size());
      kernels().conv.winograd.input(a);
    });

    // A unit transforms the weights of some rows, which should fit a small L2 with its products.
    constexpr int64_t kWeightBytes = 192 << 10, kProductBytes = 128 << 10, kPointBytes = 4 * kWinogradPoints;
    const int64_t most_rows = std::max<int64_t>(1, kWeightBytes / (kPointBytes * c_.channels));
    const int64_t row_units = std::min(ceil_div(c_.rows, kern_.mr), ceil_div(c_.rows, most_rows));
    const int64_t rows = std::min(round_up(ceil_div(c_.rows, row_units), kern_.mr), c_.rows);
    const int64_t cuts = std::clamp<int64_t>(ceil_div(4 * num_threads(), row_units), 1, ceil_div(panels, 4));
    const int64_t unit_panels = ceil_div(panels, cuts);
    const int64_t most_columns = kProductBytes / (kPointBytes * rows);
    const int64_t piece = std::clamp<int64_t>(most_columns / nr_, 1, unit_panels);
    const int64_t all_rows = ceil_div(c_.rows, rows);
    const double work = static_cast<double>(panels * panel) * static_cast<double>(c_.rows);
    for_units(all_rows * cuts, work, [&](int64_t unit) {
      const int64_t r0 = unit % all_rows * rows, m = std::min(rows, c_.rows - r0);
      const int64_t p0 = unit / all_rows * unit_panels, p1 = std::min(p0 + unit_panels, panels);
      const Workspace u_space(sizeof(float) *
                              static_cast<size_t>(kWinogradPoints * point_stride(m * c_.channels)));
      const Workspace m_space(sizeof(float) *
                              static_cast<size_t>(kWinogradPoints * point_stride(m * piece * nr_)));
      float* const u = u_space.as<float>();
      transform_weights(group, r0, m, u);
      for (int64_t p = p0; p < p1; p += piece) {
        const int64_t n = std::min(piece, p1 - p);
        multiply(u, m, v_ + p * panel, n, m_space.as<float>());
        for (int64_t q = 0; q < n; ++q) {
          const int64_t j = (p + q) * nr_;
          store(group, r0, m, m_space.as<float>() + q * nr_, n * nr_, first_image * tiles + first + j,
                std::min(nr_, count - j));
        }
      }
    });
  }

  // u[point][row][channel]
  void transform_weights(int64_t group, int64_t r0, int64_t m, float* u) const {
    const Workspace turned(sizeof(float) * static_cast<size_t>(9 * c_.channels + kFrameSlack));
    for (int64_t r = 0; r < m; ++r) {
      // pack() turns (channel, tap) into (tap, channel)
      kern_.pack(turned.as<float>(), c_.channels, c_.weight + group * c_.w_group + (r0 + r) * c_.w_row,
                 c_.w_channel, 1, c_.channels, 9);
      kernels().conv.winograd.weights(u + r * c_.channels, point_stride(m * c_.channels), turned.as<float>(),
                                      plan_.tap, c_.channels);
    }
  }

  // products[point][row][column] of n panels
  void multiply(const float* u, int64_t m, const float* v, int64_t n, float* products) const {
    GemmBlock<float> blk;
    blk.m = m;
    blk.n = n * nr_;
    blk.mr = ceil_div(m, ceil_div(m, kern_.mr));
    blk.a_panel = blk.mr * c_.channels;
    blk.a_rs = c_.channels;
    blk.a_ps = 1;
    blk.b_panel = panel_size();
    blk.b_ps = nr_;
    blk.b_tail = nullptr;
    blk.c_rs = n * nr_;
    blk.c_cs = 1;
    blk.alpha = 1;
    blk.epilogue = nullptr;
    const int64_t panel_bytes = c_.channels * nr_ * static_cast<int64_t>(sizeof(float));
    const int64_t blocks = ceil_div(c_.channels, kern_.kc), depth = ceil_div(c_.channels, blocks);
    for (int64_t point = 0; point < kWinogradPoints; ++point) {
      // The next point's panels into L2: they are short, so that the hardware would see them too late.
      for (int64_t q = 0; q < n && point + 1 < kWinogradPoints; ++q) {
        const char* next = reinterpret_cast<const char*>(v + q * panel_size() + (point + 1) * v_point());
        for (int64_t line = 0; line < panel_bytes; line += 64) __builtin_prefetch(next + line, 0, 2);
      }
      for (int64_t k0 = 0; k0 < c_.channels; k0 += depth) {
        blk.k = std::min(depth, c_.channels - k0);
        blk.a = u + point * point_stride(m * c_.channels) + k0;
        blk.b = v + point * v_point() + k0 * nr_;
        blk.c = products + point * point_stride(m * n * nr_);
        blk.beta = k0 > 0 ? 1.0f : 0.0f;
        kern_.block(blk);
      }
    }
  }

  // Outputs of rows r0.. of the tiles [first, first + count), counted from the first image on.
  void store(int64_t group, int64_t r0, int64_t m, const float* products, int64_t m_row, int64_t first,
             int64_t count) const {
    const int64_t tiles = tiles_[1] * tiles_[2];
    std::vector<WinogradRun> runs;
    for (int64_t j = 0; j < count;) {
      const int64_t image = (first + j) / tiles, at = (first + j) % tiles;
      const int64_t h = at / tiles_[2], w = at % tiles_[2], length = std::min(tiles_[2] - w, count - j);
      const int64_t y0 = h * kWinogradTile, x0 = w * kWinogradTile;
      runs.push_back({j, image * c_.groups * c_.rows * c_.out_size() + y0 * c_.out[2] + x0,
                      std::min(kWinogradTile, c_.out[1] - y0),
                      std::min(length * kWinogradTile, c_.out[2] - x0)});
      j += length;
    }
    WinogradOutput a;
    a.y = c_.place(0, group, r0);
    a.y_channel = c_.out_size();
    a.y_row = c_.out[2];
    a.m = products;
    a.m_point = point_stride(m * m_row);
    a.m_row = m_row;
    a.rows = m;
    a.bias = c_.bias ? c_.bias + group * c_.rows + r0 : nullptr;
    a.runs = runs.data();
    a.n_runs = static_cast<int64_t>(runs.size());
    kernels().conv.winograd.output(a);
  }

  const Correlation<float>& c_;
  const Winograd& plan_;
  const GemmKernels<float>& kern_;
  const int64_t nr_;
  int64_t tiles_[3];
  FrameShape frame_;
  int64_t offset_[kWinogradPoints];
  float* frames_ = nullptr;
  float* v_ = nullptr;  // [panel][point][channel][column]
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
