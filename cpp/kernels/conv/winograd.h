// SPDX-License-Identifier: MIT
// Correlations with kernels of 2 x 2 to 5 x 5 taps by Winograd's F(m x m, r x r), m + r = 7: 36 products in
// place of m*m*r*r for m*m outputs of a channel, so that they pass the multiply-add peak of a direct sum: 4
// times fewer for 3 x 3. With a step of two the image is read as four images of half the size, each with its
// share of the taps: a 7 x 7 kernel is then one of 4 x 4, and a 4 x 4 kernel one of 2 x 2; likewise with
// steps of three and four. The error against float64 is about twice that of a direct float32 sum
// (tests/test_conv_accuracy.py); an infinite or NaN input makes all outputs of the tiles that read it NaN.
#pragma once

#include <algorithm>
#include <vector>

#include "core/workspace.h"
#include "kernels/conv/correlate.h"

namespace plait::conv {

// How the taps of all phases are read as square kernels of `taps` x `taps`.
struct WinogradPlan {
  static constexpr int64_t kMaxStep = 4;
  // The taps that read one phase of the input.
  struct Part {
    int64_t a, b;                                      // the phase along h and w
    int64_t tap[kWinogradMaxTaps * kWinogradMaxTaps];  // index of the tap at each place, or -1
  };
  // The kernel of one phase of the output. Its first tap lies `shift` behind the least of all: its tiles are
  // those of the others, and begin as much before its first output.
  struct Kernel {
    int64_t shift[2];
    int64_t n_parts = 0;
    Part parts[kMaxStep * kMaxStep];
  };
  int64_t taps, tile;
  int64_t step;
  int64_t low[2];      // the least tap along h and w
  int64_t outputs[2];  // that tiles have to cover
  int64_t products;    // multiply-adds of a direct sum
  std::vector<Kernel> kernels;

  int64_t n_parts() const { return kernels.front().n_parts; }
};

inline bool winograd_plan(const std::vector<Phase>& phases, const int64_t* step, WinogradPlan& plan) {
  if (step[1] != step[2] || step[1] > WinogradPlan::kMaxStep || phases.empty()) return false;
  plan.step = step[1];
  const auto least = [](const std::vector<int64_t>& t) { return *std::min_element(t.begin(), t.end()); };
  const auto most = [](const std::vector<int64_t>& t) { return *std::max_element(t.begin(), t.end()); };
  int64_t reach = 0;
  for (const Phase& p : phases) {
    if (p.taps.size() == 0 || least(p.taps.d) != 0 || most(p.taps.d) != 0) return false;
    for (int i = 0; i < 2; ++i) {
      const std::vector<int64_t>& t = p.taps.axis(i + 1);
      plan.low[i] = &p == &phases.front() ? least(t) : std::min(plan.low[i], least(t));
      reach = std::max(reach, most(t) - least(t));
    }
  }
  plan.taps = reach / plan.step + 1;
  if (plan.taps < 2 || plan.taps > kWinogradMaxTaps) return false;
  plan.tile = kWinogradSide + 1 - plan.taps;
  plan.outputs[0] = plan.outputs[1] = plan.products = 0;
  for (const Phase& p : phases) {
    WinogradPlan::Kernel& k = plan.kernels.emplace_back();
    int64_t low[2];
    for (int i = 0; i < 2; ++i) {
      low[i] = least(p.taps.axis(i + 1));
      k.shift[i] = low[i] - plan.low[i];
      if (k.shift[i] >= plan.tile || (k.shift[i] > 0 && plan.step > 1)) return false;
      plan.outputs[i] = std::max(plan.outputs[i], p.grid[i + 1] + k.shift[i]);
    }
    plan.products += p.positions() * p.taps.size();
    for (size_t t = 0; t < p.taps.d.size(); ++t) {
      const int64_t h = p.taps.h[t] - low[0], w = p.taps.w[t] - low[1];
      WinogradPlan::Part* part = k.parts;
      while (part < k.parts + k.n_parts && (part->a != h % plan.step || part->b != w % plan.step)) ++part;
      if (part == k.parts + k.n_parts) {
        ++k.n_parts;
        *part = {h % plan.step, w % plan.step, {}};
        std::fill(std::begin(part->tap), std::end(part->tap), -1);
      }
      part->tap[plan.taps * (h / plan.step) + w / plan.step] = p.taps.index[t];
    }
  }
  return plan.kernels.size() == 1 || plan.step == 1;
}

// From one point to the next: a line more than a power of two, or all 36 would meet in the same sets of L1.
inline int64_t point_stride(int64_t elements) { return round_up(elements, 16) + 16; }

// The tiles of some images, as columns.
struct WinogradTiles {
  int64_t h, w;  // of an image
  int64_t columns;

  WinogradTiles(int64_t images, int64_t rows, int64_t row_length, int64_t tile)
      : h(ceil_div(rows, tile)), w(ceil_div(row_length, tile)), columns(images * h * w) {}

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

// What the tiles of inputs are read from: the images where they lie, or with greater steps the frames of some
// of them, which hold the phases apart.
class WinogradSource {
 public:
  WinogradSource(const WinogradPlan& plan, int64_t channels, const int64_t* in, const FrameShape& frame)
      : plan_(plan), channels_(channels), frame_(frame), framed_(plan.step > 1) {
    const int64_t plane = framed_ ? frame.plane() : in[1] * in[2];
    const int64_t h = framed_ ? frame.cells[1] : in[1], w = framed_ ? frame.cells[2] : in[2];
    planes_ = {channels * plane, plane, h, w, w, 1};
  }
  int64_t at_once(int64_t images) const {
    return framed_ ? images_at_once(images, planes_.image * static_cast<int64_t>(sizeof(float))) : images;
  }
  size_t frame_bytes(int64_t images) const {
    return framed_ ? sizeof(float) * static_cast<size_t>(images * planes_.image + kFrameSlack) : 0;
  }
  void read(const float* src, int64_t images, float* frames) {
    data_ = framed_ ? frames : src;
    if (framed_) make_frames(frame_, frames, src, images * channels_);
  }
  // All channels of all parts, the parts outside.
  int64_t channels() const { return channels_ * plan_.n_parts(); }
  // Transforms channels [first, first + count): `a` says to where, and which tiles.
  void transform(WinogradInput a, int64_t first, int64_t count) const {
    a.tile = plan_.tile;
    a.planes = planes_;
    a.before[0] = framed_ ? 0 : -plan_.low[0];
    a.before[1] = framed_ ? 0 : -plan_.low[1];
    while (count > 0) {
      const WinogradPlan::Part& part = plan_.kernels.front().parts[first / channels_];
      const int64_t c = first % channels_;
      a.channels = std::min(channels_ - c, count);
      a.src = data_ + c * planes_.plane + (framed_ ? frame_.at(0, part.a, part.b) : 0);
      kernels().conv.winograd.input(a);
      a.v += a.channels * a.v_channel;
      first += a.channels;
      count -= a.channels;
    }
  }

 private:
  const WinogradPlan& plan_;
  const int64_t channels_;
  const FrameShape frame_;
  const bool framed_;
  WinogradPlanes planes_;
  const float* data_ = nullptr;
};

// In multiply-adds, by measurement on Zen 3 (1 to 512 channels, planes of 4 x 4 to 32 x 32, alone and 16 at a
// time): the transform of an input costs the time of 12 products per point, that of an output and the
// beginning of its sums 10, the transform of the weights 200 per pair of channels; a direct sum packs its
// patches for the price of 3 rows.
inline bool winograd_pays(const Correlation<float>& c, const WinogradPlan& plan) {
  const auto parts = static_cast<double>(plan.n_parts()), kernels = static_cast<double>(plan.kernels.size());
  const auto rows = static_cast<double>(c.rows), channels = static_cast<double>(c.channels);
  const auto columns = static_cast<double>(
      round_up(WinogradTiles(c.images, plan.outputs[0], plan.outputs[1], plan.tile).columns,
               gemm_kernels<float>().nr));
  const double transforms = 12 * parts / rows + 10 * kernels / channels;
  return 36 * columns * (parts * kernels + transforms) + 200 * parts * kernels <
         static_cast<double>(c.images * plan.products) * (1 + 3 / rows);
}

class WinogradRunner {
 public:
  WinogradRunner(const Correlation<float>& c, const WinogradPlan& plan)
      : c_(c),
        plan_(plan),
        kern_(gemm_kernels<float>()),
        nr_(kern_.nr),
        source_(plan, c.channels, c.in, frame_shape(c.in, c.step, *c.phases)),
        channels_(source_.channels()) {
    // A unit's weights and products should fit a small L2.
    constexpr int64_t kWeightBytes = 192 << 10;
    const int64_t most = kWeightBytes / (4 * kWinogradPoints * channels_) / kern_.mr * kern_.mr;
    const int64_t blocks = ceil_div(c.rows, std::max(most, kern_.mr));
    rows_ = round_up(ceil_div(c.rows, blocks), kern_.mr);
    row_blocks_ = ceil_div(c.rows, rows_);
  }

  void run() {
    const int64_t at_once = source_.at_once(c_.images);
    const Workspace frames(source_.frame_bytes(at_once));
    for (int64_t image = 0; image < c_.images; image += at_once) {
      const int64_t images = std::min(at_once, c_.images - image);
      source_.read(c_.src + image * c_.channels * c_.in_size(), images, frames.as<float>());
      run_images(image, WinogradTiles(images, plan_.outputs[0], plan_.outputs[1], plan_.tile));
    }
  }

 private:
  int64_t v_point() const { return point_stride(channels_ * nr_); }
  int64_t panel_size() const { return kWinogradPoints * v_point(); }
  int64_t u_point() const { return point_stride(rows_ * channels_); }
  int64_t u_size() const { return kWinogradPoints * u_point(); }  // of a block and a kernel
  int64_t kernels_count() const { return static_cast<int64_t>(plan_.kernels.size()); }
  double work(int64_t panels) const {
    return static_cast<double>(panels * panel_size()) * static_cast<double>(c_.rows * kernels_count());
  }

  // Bits do not depend on how the product is cut, so that the cut may look at the number of threads.
  void run_images(int64_t image, const WinogradTiles& tiles) const {
    constexpr int64_t kInputBytes = 320 << 10;
    const int64_t unit = std::clamp<int64_t>(kInputBytes / (panel_size() * 4), 1, kWinogradColumns / nr_);
    if (ceil_div(tiles.columns, nr_) >= 2 * num_threads() * unit) {
      by_columns(image, tiles, unit);
    } else {
      by_rows(image, tiles);
    }
  }

  // All weights are transformed first; a unit transforms its own columns and multiplies them with all rows.
  void by_columns(int64_t image, const WinogradTiles& tiles, int64_t unit_panels) const {
    const int64_t block = kernels_count() * u_size(), panels = ceil_div(tiles.columns, nr_);
    const Workspace u(sizeof(float) * static_cast<size_t>(row_blocks_ * block));
    for_units(row_blocks_, static_cast<double>(row_blocks_ * block) * 4,
              [&](int64_t b) { transform_weights(b, u.as<float>() + b * block); });
    for_units(ceil_div(panels, unit_panels), work(panels), [&](int64_t unit) {
      const int64_t p = unit * unit_panels, n = std::min(unit_panels, panels - p);
      const Workspace v(sizeof(float) * static_cast<size_t>(n * panel_size()));
      const std::vector<WinogradStrip> strips = tiles.strips(p * nr_, n * nr_);
      transform_inputs(strips, n, 0, channels_, v.as<float>());
      for (int64_t b = 0; b < row_blocks_; ++b) {
        multiply(b, u.as<float>() + b * block, image, strips, v.as<float>(), n);
      }
    });
  }

  // Columns are transformed first, as many as stay in the last cache while all rows read them; a unit
  // transforms the weights of its rows.
  void by_rows(int64_t image, const WinogradTiles& tiles) const {
    constexpr int64_t kChunkBytes = int64_t{8} << 20, kChannels = 16;
    const int64_t panels = ceil_div(tiles.columns, nr_);
    const int64_t most = std::max<int64_t>(1, kChunkBytes / (panel_size() * 4));
    const int64_t chunk = ceil_div(panels, ceil_div(panels, most));
    const int64_t width = kWinogradColumns / nr_, blocks = ceil_div(channels_, kChannels);
    const Workspace v(sizeof(float) * static_cast<size_t>(chunk * panel_size()));
    for (int64_t first = 0; first < panels; first += chunk) {
      const int64_t count = std::min(chunk, panels - first), pieces = ceil_div(count, width);
      for_units(pieces * blocks, static_cast<double>(count * panel_size()) * 8, [&](int64_t unit) {
        const int64_t p = unit / blocks * width, n = std::min(width, count - p),
                      c0 = unit % blocks * kChannels;
        transform_inputs(tiles.strips((first + p) * nr_, n * nr_), n, c0, std::min(kChannels, channels_ - c0),
                         v.as<float>() + p * panel_size());
      });
      const int64_t cuts = std::clamp<int64_t>(ceil_div(2 * num_threads(), row_blocks_), 1, pieces);
      for_units(row_blocks_ * cuts, work(count), [&](int64_t unit) {
        const int64_t b = unit / cuts, cut = unit % cuts;
        const Workspace u(sizeof(float) * static_cast<size_t>(kernels_count() * u_size()));
        transform_weights(b, u.as<float>());
        for (int64_t q = pieces * cut / cuts; q < pieces * (cut + 1) / cuts; ++q) {
          const int64_t p = q * width, n = std::min(width, count - p);
          multiply(b, u.as<float>(), image, tiles.strips((first + p) * nr_, n * nr_),
                   v.as<float>() + p * panel_size(), n);
        }
      });
    }
  }

  // v[panel][point][channel][column]
  void transform_inputs(const std::vector<WinogradStrip>& strips, int64_t panels, int64_t channel,
                        int64_t channels, float* v) const {
    WinogradInput a;
    a.v = v + channel * nr_;
    a.v_panel = panel_size();
    a.v_point = v_point();
    a.v_channel = nr_;
    a.panels = panels;
    a.strips = strips.data();
    a.n_strips = static_cast<int64_t>(strips.size());
    source_.transform(a, channel, channels);
  }

  // u[kernel][point][row][channel] of a block of rows
  void transform_weights(int64_t block, float* u) const {
    const Workspace turned(sizeof(float) * static_cast<size_t>(c_.taps * c_.channels + kFrameSlack));
    const int64_t r0 = block * rows_, r1 = std::min(r0 + rows_, c_.rows);
    WinogradWeights a;
    a.taps = plan_.taps;
    a.u_point = u_point();
    a.w = turned.as<float>();
    a.channels = c_.channels;
    for (int64_t r = r0; r < r1; ++r, u += channels_) {
      // pack() turns (channel, tap) into (tap, channel)
      kern_.pack(a.w, c_.channels, c_.weight + r * c_.w_row, c_.w_channel, 1, c_.channels, c_.taps);
      for (size_t i = 0; i < plan_.kernels.size(); ++i) {
        a.u = u + static_cast<int64_t>(i) * u_size();
        for (int64_t q = 0; q < plan_.n_parts(); ++q, a.u += c_.channels) {
          a.tap = plan_.kernels[i].parts[q].tap;
          kernels().conv.winograd.weights(a);
        }
      }
    }
  }

  // The outputs of a block of rows in `panels` panels of the images from `image` on.
  void multiply(int64_t block, const float* u, int64_t image, const std::vector<WinogradStrip>& strips,
                const float* v, int64_t panels) const {
    const int64_t r0 = block * rows_, rows = std::min(rows_, c_.rows - r0), columns = panels * nr_;
    const int64_t m_point = point_stride(rows * columns);
    const Workspace products(sizeof(float) * static_cast<size_t>(kWinogradPoints * m_point));
    GemmBlock<float> blk;
    blk.m = rows;
    blk.n = columns;
    blk.mr = ceil_div(rows, ceil_div(rows, kern_.mr));
    blk.a_panel = blk.mr * channels_;
    blk.a_rs = channels_;
    blk.a_ps = 1;
    blk.b_panel = panel_size();
    blk.b_ps = nr_;
    blk.b_tail = nullptr;
    blk.c_rs = columns;
    blk.c_cs = 1;
    blk.alpha = 1;
    blk.epilogue = nullptr;
    WinogradOutput a;
    a.tile = plan_.tile;
    a.m = products.as<float>();
    a.m_point = m_point;
    a.m_row = columns;
    a.rows = rows;
    a.panels = panels;
    a.bias = c_.bias ? c_.bias + r0 : nullptr;
    a.strips = strips.data();
    a.n_strips = static_cast<int64_t>(strips.size());
    const int64_t depth = ceil_div(channels_, ceil_div(channels_, kern_.kc));
    for (size_t q = 0; q < plan_.kernels.size(); ++q, u += u_size()) {
      for (int64_t point = 0; point < kWinogradPoints; ++point) {
        for (int64_t k0 = 0; k0 < channels_; k0 += depth) {
          blk.k = std::min(depth, channels_ - k0);
          blk.a = u + point * u_point() + k0;
          blk.b = v + point * v_point() + k0 * nr_;
          blk.c = products.as<float>() + point * m_point;
          blk.beta = k0 > 0 ? 1.0f : 0.0f;
          kern_.block(blk);
        }
      }
      const Phase& phase = (*c_.phases)[q];
      a.dst = c_.place(image, 0, r0) + phase.start[1] * c_.out[2] + phase.start[2];
      a.planes = {c_.rows * c_.out_size(),    c_.out_size(), phase.grid[1], phase.grid[2],
                  c_.out_step[1] * c_.out[2], c_.out_step[2]};
      std::copy_n(plan_.kernels[q].shift, 2, a.before);
      kernels().conv.winograd.output(a);
    }
  }

  const Correlation<float>& c_;
  const WinogradPlan& plan_;
  const GemmKernels<float>& kern_;
  const int64_t nr_;
  WinogradSource source_;
  const int64_t channels_;     // of all parts
  int64_t rows_, row_blocks_;  // of a block of rows
};

// Returns false, having done nothing, where a direct sum is better.
template <class T>
bool correlate_winograd(const Correlation<T>& c) {
  if constexpr (sizeof(T) == 4) {
    if (c.groups != 1 || c.in[0] != 1 || c.out[0] != 1 || c.images == 0 || c.rows == 0) return false;
    WinogradPlan plan;
    if (!winograd_plan(*c.phases, c.step, plan) || !winograd_pays(c, plan)) return false;
    WinogradRunner(c, plan).run();
    return true;
  }
  return false;
}

}  // namespace plait::conv
