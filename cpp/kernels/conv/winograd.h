// SPDX-License-Identifier: MIT
// Correlations with kernels of 2 x 2 to 5 x 5 taps by Winograd's F(m x m, r x r), m + r = 7: 36 products in
// place of m*m*r*r for m*m outputs of a channel, so that they pass the multiply-add peak of a direct sum: 4
// times fewer for 3 x 3. With a step of two the image is read as four images of half the size, each with its
// share of the taps: a 7 x 7 kernel is then one of 4 x 4, and a 4 x 4 kernel one of 2 x 2; likewise with
// steps of three and four. A share that leaves the outer places of r x r empty takes 30, 25, 20 or 16
// products. The error against float64 is about twice that of a direct float32 sum
// (tests/test_conv_accuracy.py); an infinite or NaN input makes all outputs of the tiles that read it NaN.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <vector>

#include "core/workspace.h"
#include "kernels/conv/implicit_gemm.h"

namespace plait::conv {

// How the taps of all phases are read as square kernels of `taps` x `taps` places.
struct WinogradPlan {
  static constexpr int64_t kMaxStep = 4;
  // The taps that read one phase of the input.
  struct Part {
    int64_t a, b;                                      // the phase along h and w
    int64_t start[2];                                  // the cell of the first place, as seen from `low`
    int64_t live[2];                                   // the points that have products
    int64_t tap[kWinogradMaxTaps * kWinogradMaxTaps];  // index of the tap at each place, or -1

    int64_t products() const { return std::popcount(uint64_t(live[0])) * std::popcount(uint64_t(live[1])); }
  };
  // The kernel of one phase of the output.
  struct Kernel {
    int64_t live[2] = {0, 0};  // of any part
    int64_t n_parts = 0;
    Part parts[kMaxStep * kMaxStep];

    // Calls f(first, count) for the neighbouring parts that have products at a point.
    template <class F>
    void for_runs(int64_t point, F&& f) const {
      const auto has = [&](int64_t part) {
        return parts[part].live[0] >> point / kWinogradSide & parts[part].live[1] >> point % kWinogradSide &
               1;
      };
      for (int64_t first = 0; first < n_parts;) {
        int64_t end = first;
        while (end < n_parts && has(end)) ++end;
        if (end > first) f(first, end - first);
        first = end + 1;
      }
    }
  };
  int64_t taps, tile;
  int64_t step;
  int64_t low[2];      // the least tap along h and w
  int64_t outputs[2];  // that tiles have to cover
  int64_t products;    // of a tile and a pair of channels
  std::vector<Kernel> kernels;

  int64_t n_parts() const { return kernels.front().n_parts; }
};

// The taps of a kernel along an axis that read one phase of the input: cells.
struct WinogradReach {
  int64_t first = std::numeric_limits<int64_t>::max(), last = 0;
  // The points that have products, with `taps` places from `start` on.
  int64_t live(int64_t start, int64_t taps) const {
    return kWinogradAll - (start < first ? kWinogradFirst : 0) -
           (start + taps - 1 > last ? kWinogradLast : 0);
  }
};

// A kernel with fewer taps than places has products at fewer points; which ones, its place decides. More
// places and smaller tiles may so take fewer products, where they fit the outputs better.
inline bool winograd_plan(const std::vector<Phase>& phases, const int64_t* step, int64_t taps,
                          WinogradPlan& plan) {
  if (step[1] != step[2] || step[1] > WinogradPlan::kMaxStep || phases.empty()) return false;
  if (phases.size() > 1 && step[1] > 1) return false;
  plan.step = step[1];
  plan.taps = taps;
  plan.tile = kWinogradSide + 1 - taps;
  plan.outputs[0] = plan.outputs[1] = plan.products = 0;
  for (const Phase& p : phases) {
    if (p.taps.size() == 0) return false;
    for (const int64_t d : p.taps.d) {
      if (d != 0) return false;
    }
  }
  // [kernel][axis][phase]
  std::vector<std::array<std::array<WinogradReach, WinogradPlan::kMaxStep>, 2>> reach(phases.size());
  int64_t start[2][WinogradPlan::kMaxStep];
  for (int i = 0; i < 2; ++i) {
    plan.low[i] = std::numeric_limits<int64_t>::max();
    for (const Phase& p : phases) {
      for (const int64_t t : p.taps.axis(i + 1)) plan.low[i] = std::min(plan.low[i], t);
    }
    for (size_t q = 0; q < phases.size(); ++q) {
      for (const int64_t t : phases[q].taps.axis(i + 1)) {
        WinogradReach& r = reach[q][i][(t - plan.low[i]) % plan.step];
        r.first = std::min(r.first, (t - plan.low[i]) / plan.step);
        r.last = std::max(r.last, (t - plan.low[i]) / plan.step);
      }
    }
    // All kernels read the same tiles of inputs.
    for (int64_t a = 0; a < plan.step; ++a) {
      WinogradReach all;
      for (const auto& r : reach) {
        // An output of one tap would take most of its error from neighbours that it does not read: up to 18
        // times that of its direct sum.
        if (reach.size() > 1 && r[i][a].first == r[i][a].last) return false;
        all.first = std::min(all.first, r[i][a].first);
        all.last = std::max(all.last, r[i][a].last);
      }
      if (all.last - all.first >= taps) return false;
      int fewest = 0;
      for (int64_t s = all.first; s + taps > all.last; --s) {
        int points = 0;
        for (const auto& r : reach) points += std::popcount(uint64_t(r[i][a].live(s, taps)));
        if (fewest == 0 || points < fewest) fewest = points, start[i][a] = s;
      }
    }
  }
  for (size_t q = 0; q < phases.size(); ++q) {
    const Phase& p = phases[q];
    WinogradPlan::Kernel& k = plan.kernels.emplace_back();
    for (int i = 0; i < 2; ++i) plan.outputs[i] = std::max(plan.outputs[i], p.grid[i + 1]);
    for (size_t t = 0; t < p.taps.d.size(); ++t) {
      const int64_t h = p.taps.h[t] - plan.low[0], w = p.taps.w[t] - plan.low[1];
      const int64_t a = h % plan.step, b = w % plan.step;
      WinogradPlan::Part* part = k.parts;
      while (part < k.parts + k.n_parts && (part->a != a || part->b != b)) ++part;
      if (part == k.parts + k.n_parts) {
        ++k.n_parts;
        *part = {a, b, {start[0][a], start[1][b]}, {}, {}};
        part->live[0] = reach[q][0][a].live(part->start[0], taps);
        part->live[1] = reach[q][1][b].live(part->start[1], taps);
        for (int i = 0; i < 2; ++i) k.live[i] |= part->live[i];
        std::fill(std::begin(part->tap), std::end(part->tap), -1);
        plan.products += part->products();
      }
      part->tap[taps * (h / plan.step - part->start[0]) + w / plan.step - part->start[1]] = p.taps.index[t];
    }
  }
  return true;
}

// The plan of the least cost, if there is one of less than `most`.
template <class F>
bool choose_winograd_plan(const std::vector<Phase>& phases, const int64_t* step, double most, F&& cost,
                          WinogradPlan& best) {
  bool found = false;
  for (int64_t taps = 2; taps <= kWinogradMaxTaps; ++taps) {
    WinogradPlan plan;
    if (!winograd_plan(phases, step, taps, plan)) continue;
    const double its = cost(plan);
    if (its >= most) continue;
    most = its;
    best = std::move(plan);
    found = true;
  }
  return found;
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

// What the tiles of inputs are read from: the images where they lie, or with steps of more than two the
// frames of some of them, which hold the phases apart.
class WinogradSource {
 public:
  WinogradSource(const WinogradPlan& plan, int64_t channels, const int64_t* in, const FrameShape& frame)
      : plan_(plan),
        channels_(channels),
        in_{in[1], in[2]},
        frame_(frame),
        framed_(plan.step > 2),
        plane_(framed_ ? frame.plane() : in[1] * in[2]) {}
  int64_t at_once(int64_t images) const {
    return framed_ ? images_at_once(images, channels_ * plane_ * static_cast<int64_t>(sizeof(float)))
                   : images;
  }
  size_t frame_bytes(int64_t images) const {
    return framed_ ? sizeof(float) * static_cast<size_t>(images * channels_ * plane_ + kFrameSlack) : 0;
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
    while (count > 0) {
      const WinogradPlan::Part& part = plan_.kernels.front().parts[first / channels_];
      const int64_t c = first % channels_;
      a.channels = std::min(channels_ - c, count);
      std::fill_n(a.live, 2, 0);
      for (const WinogradPlan::Kernel& k : plan_.kernels) {
        for (int i = 0; i < 2; ++i) a.live[i] |= k.parts[first / channels_].live[i];
      }
      a.src = data_ + c * plane_;
      place(part, a);
      kernels().conv.winograd.input(a);
      a.v += a.channels * a.v_channel;
      first += a.channels;
      count -= a.channels;
    }
  }

 private:
  // Where the cells of a part lie in a plane.
  void place(const WinogradPlan::Part& part, WinogradInput& a) const {
    const int64_t step = plan_.step, image = channels_ * plane_;
    if (framed_) {
      a.src += frame_.at(0, part.a, part.b);
      a.planes = {image, plane_, frame_.cells[1], frame_.cells[2], frame_.cells[2], 1};
      for (int i = 0; i < 2; ++i) a.before[i] = -part.start[i];
      return;
    }
    const int64_t low[2] = {plan_.low[0] + part.a, plan_.low[1] + part.b};
    int64_t first[2], cells[2];
    for (int i = 0; i < 2; ++i) {
      first[i] = (low[i] % step + step) % step;
      cells[i] = ceil_div(in_[i] - first[i], step);
      a.before[i] = -part.start[i] - (low[i] - first[i]) / step;
    }
    a.src += first[0] * in_[1] + first[1];
    a.planes = {image, plane_, cells[0], cells[1], step * in_[1], step};
  }

  const WinogradPlan& plan_;
  const int64_t channels_;
  const int64_t in_[2];
  const FrameShape frame_;
  const bool framed_;
  const int64_t plane_;
  const float* data_ = nullptr;
};

// In multiply-adds of a direct sum, fitted on Zen 4 (16 to 512 channels, kernels of 2 x 2 to 7 x 7, planes of
// 2 x 2 to 64 x 64, one image to 64): products in pieces run at nine tenths of its rate; the transform of an
// input costs the time of 8 products per point, that of an output and the beginning of its sums 4, that of
// weights 10; a direct sum packs its patches for the price of 3 rows.
inline double winograd_cost(const Correlation<float>& c, const WinogradPlan& plan) {
  const auto parts = static_cast<double>(plan.n_parts()), kernels = static_cast<double>(plan.kernels.size());
  const auto rows = static_cast<double>(c.rows), channels = static_cast<double>(c.channels);
  const auto products = static_cast<double>(plan.products);
  const auto columns = static_cast<double>(
      round_up(WinogradTiles(c.images, plan.outputs[0], plan.outputs[1], plan.tile).columns,
               gemm_kernels<float>().nr / 2));
  return columns * (1.13 * products + 36 * (8 * parts / rows + 4 * kernels / channels)) + 10 * products;
}

inline double direct_cost(const Correlation<float>& c) {
  int64_t products = 0;
  for (const Phase& p : *c.phases) products += p.positions() * p.taps.size();
  return static_cast<double>(c.images * products) * (1 + 3 / static_cast<double>(c.rows));
}

class WinogradRunner {
 public:
  WinogradRunner(const Correlation<float>& c, const WinogradPlan& plan)
      : c_(c),
        plan_(plan),
        kern_(gemm_kernels<float>()),
        nr_(kern_.nr),
        source_(plan, c.channels, c.in, frame_shape(c.in, c.step, *c.phases)),
        channels_(source_.channels()),
        panelled_(c.w_channel == c.taps),
        width_(round_up(kern_.mr, nr_ / 2)) {
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
  int64_t u_point() const {
    return point_stride((panelled_ ? rows_ / kern_.mr * width_ : rows_) * channels_);
  }
  int64_t u_size() const { return kWinogradPoints * u_point(); }  // of a block and a kernel
  int64_t kernels_count() const { return static_cast<int64_t>(plan_.kernels.size()); }
  double work(int64_t panels) const {
    return static_cast<double>(panels * panel_size()) * static_cast<double>(c_.rows * kernels_count());
  }

  // Bits do not depend on how the product is cut, so that the cut may look at the number of threads.
  void run_images(int64_t image, const WinogradTiles& tiles) const {
    constexpr int64_t kInputBytes = 320 << 10;
    const int64_t unit = std::clamp<int64_t>(kInputBytes / (panel_size() * 4), 1, kWinogradColumns / nr_);
    // What is made first goes through memory: the smaller of the two.
    const bool more_columns = tiles.columns >= c_.rows * kernels_count();
    if (more_columns && ceil_div(tiles.columns, nr_) >= 2 * num_threads() * unit) {
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
      transform_inputs(strips, 0, channels_, v.as<float>());
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
        transform_inputs(tiles.strips((first + p) * nr_, n * nr_), c0, std::min(kChannels, channels_ - c0),
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
  void transform_inputs(const std::vector<WinogradStrip>& strips, int64_t channel, int64_t channels,
                        float* v) const {
    WinogradInput a;
    a.v = v + channel * nr_;
    a.v_panel = panel_size();
    a.v_point = v_point();
    a.v_channel = nr_;
    a.columns = count_columns(strips);
    a.strips = strips.data();
    a.n_strips = static_cast<int64_t>(strips.size());
    source_.transform(a, channel, channels);
  }

  // Of a block of `rows` rows.
  int64_t panel_rows(int64_t rows) const { return ceil_div(rows, ceil_div(rows, kern_.mr)); }

  // u[kernel][point] of a block of rows, as panels [panel][channel][row] if the taps of a row's channels lie
  // side by side, else [row][channel]: what lies far apart goes to the lanes, so that pack() turns long rows.
  void transform_weights(int64_t block, float* u) const {
    const int64_t r0 = block * rows_, rows = std::min(rows_, c_.rows - r0);
    const float* const from = c_.weight + r0 * c_.w_row;
    WinogradWeights a;
    a.taps = plan_.taps;
    a.u_point = u_point();
    if (!panelled_) {
      const Workspace turned(sizeof(float) * static_cast<size_t>(rows * c_.taps * c_.channels + kFrameSlack));
      a.w = turned.as<float>();
      a.count = a.w_tap = c_.channels;
      a.items = rows;
      a.w_item = c_.taps * c_.channels;
      a.u_item = channels_;
      kern_.pack(a.w, c_.channels, from, c_.w_channel, 1, c_.channels, rows * c_.taps);
      return transform_parts(a, u, c_.channels);
    }
    // Turned weights stay in L1.
    constexpr int64_t kTurned = 4096;
    const int64_t mr = panel_rows(rows), most = std::max<int64_t>(1, kTurned / (width_ * c_.taps));
    const Workspace turned(sizeof(float) * static_cast<size_t>(width_ * c_.taps * most + kFrameSlack));
    a.w = turned.as<float>();
    a.count = a.w_tap = a.u_item = width_;
    a.w_item = width_ * c_.taps;
    for (int64_t r = 0; r < rows; r += mr, u += width_ * channels_) {
      for (int64_t c = 0; c < c_.channels; c += most) {
        a.items = std::min(most, c_.channels - c);
        kern_.pack(a.w, width_, from + r * c_.w_row + c * c_.taps, c_.w_row, 1,
                   std::min(width_, c_.rows - r0 - r), a.items * c_.taps);
        transform_parts(a, u + c * width_, width_ * c_.channels);
      }
    }
  }
  void transform_parts(WinogradWeights a, float* u, int64_t part_stride) const {
    for (const WinogradPlan::Kernel& kernel : plan_.kernels) {
      for (int64_t q = 0; q < plan_.n_parts(); ++q) {
        a.u = u + q * part_stride;
        a.tap = kernel.parts[q].tap;
        std::copy_n(kernel.parts[q].live, 2, a.live);
        kernels().conv.winograd.weights(a);
      }
      u += u_size();
    }
  }

  // As far as vectors reach.
  int64_t count_columns(const std::vector<WinogradStrip>& strips) const {
    return round_up(strips.back().column + strips.back().length, nr_ / 2);
  }

  // The outputs of a block of rows in `panels` panels of the images from `image` on.
  void multiply(int64_t block, const float* u, int64_t image, const std::vector<WinogradStrip>& strips,
                const float* v, int64_t panels) const {
    const int64_t r0 = block * rows_, rows = std::min(rows_, c_.rows - r0), columns = panels * nr_;
    const int64_t m_point = point_stride(rows * columns);
    const Workspace products(sizeof(float) * static_cast<size_t>(kWinogradPoints * m_point));
    GemmBlock<float> blk;
    blk.m = rows;
    blk.n = count_columns(strips);
    blk.mr = panel_rows(rows);
    blk.a_panel = (panelled_ ? width_ : blk.mr) * channels_;
    blk.a_rs = panelled_ ? 1 : channels_;
    blk.a_ps = panelled_ ? width_ : 1;
    blk.b_panel = panel_size();
    blk.b_ps = nr_;
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
    a.columns = blk.n;
    a.bias = c_.bias ? c_.bias + r0 : nullptr;
    a.strips = strips.data();
    a.n_strips = static_cast<int64_t>(strips.size());
    const int64_t depth = ceil_div(channels_, ceil_div(channels_, kern_.kc));
    for (size_t q = 0; q < plan_.kernels.size(); ++q, u += u_size()) {
      const WinogradPlan::Kernel& kernel = plan_.kernels[q];
      for (int64_t point = 0; point < kWinogradPoints; ++point) {
        blk.c = products.as<float>() + point * m_point;
        blk.beta = 0;
        kernel.for_runs(point, [&](int64_t first, int64_t count) {
          const int64_t end = (first + count) * c_.channels;
          for (int64_t k0 = first * c_.channels; k0 < end; k0 += blk.k) {
            blk.k = std::min(depth, end - k0);
            blk.a = u + point * u_point() + k0 * blk.a_ps;
            blk.b = v + point * v_point() + k0 * nr_;
            blk.b_tail = blk.b + blk.n / nr_ * blk.b_panel;
            kern_.block(blk);
            blk.beta = 1;
          }
        });
      }
      const Phase& phase = (*c_.phases)[q];
      a.dst = c_.place(image, 0, r0) + phase.start[1] * c_.out[2] + phase.start[2];
      a.planes = {c_.rows * c_.out_size(),    c_.out_size(), phase.grid[1], phase.grid[2],
                  c_.out_step[1] * c_.out[2], c_.out_step[2]};
      std::copy_n(kernel.live, 2, a.live);
      kernels().conv.winograd.output(a);
    }
  }

  const Correlation<float>& c_;
  const WinogradPlan& plan_;
  const GemmKernels<float>& kern_;
  const int64_t nr_;
  WinogradSource source_;
  const int64_t channels_;  // of all parts
  const bool panelled_;     // transformed weights
  const int64_t width_;     // of their panels: whole vectors, for most narrower ones would cross cache lines
  int64_t rows_, row_blocks_;  // of a block of rows
};

// Returns false, having done nothing, where a direct sum is better.
template <class T>
bool correlate_winograd(const Correlation<T>& c) {
  if constexpr (sizeof(T) == 4) {
    if (c.groups != 1 || c.in[0] != 1 || c.out[0] != 1) return false;
    WinogradPlan plan;
    if (!choose_winograd_plan(
            *c.phases, c.step, direct_cost(c), [&](const WinogradPlan& p) { return winograd_cost(c, p); },
            plan)) {
      return false;
    }
    WinogradRunner(c, plan).run();
    return true;
  }
  return false;
}

}  // namespace plait::conv
