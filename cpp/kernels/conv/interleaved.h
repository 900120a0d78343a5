// SPDX-License-Identifier: MIT
// Convolutions of many small groups, depthwise above all: groups lie side by side in the lanes of vectors, so
// that lanes are full whatever the planes' sizes, strides and dilations, and every load is aligned. Planes
// are turned on their way into a frame of vectors, and results on their way out. Neighbouring images share
// vectors.
#pragma once

#include <numeric>
#include <vector>

#include "core/cpu_info.h"
#include "core/workspace.h"
#include "kernels/conv/implicit_gemm.h"

namespace plait::conv {

template <class T>
const LaneKernels<T>& lane_kernels() {
  if constexpr (sizeof(T) == 4) {
    return kernels().conv.lanes_f32;
  } else {
    return kernels().conv.lanes_f64;
  }
}

// dst[column*dst_row + row] = src[row*src_row + column]
template <class T>
void turn(T* dst, int64_t dst_row, const T* src, int64_t src_row, int64_t rows, int64_t columns) {
  constexpr int64_t kSize = sizeof(T);
  kernels().convert.transpose.bytes(kSize)(dst, dst_row * kSize, src, src_row * kSize, rows, columns);
}

// A tile of a grid whose frames, `channels` of them, take a part of L2; smaller ones where all blocks would
// make fewer units.
template <class T>
Tile lane_tile(const FrameShape& whole, const int64_t* grid, int64_t channels, int64_t blocks,
               int64_t units) {
  const int64_t limit =
      cpu_info().l2_bytes * 3 / 8 / static_cast<int64_t>(sizeof(T)) / conv_kernels<T>().lanes;
  Tile tile = tile_within(whole, grid, channels, limit);
  constexpr int64_t kFewRows = 8;
  while (tile.h >= 2 * kFewRows && blocks * ceil_div(grid[1], tile.h) < units) {
    tile.h = ceil_div(tile.h, 2);
  }
  return tile;
}

// Where a tile's part of a plane goes in its frame. Counts are of vectors.
class LaneFrame {
 public:
  // f: of a tile of `grid`. The frame's borders are zeros, but for rows outside of the plane if `open`.
  LaneFrame(const FrameShape& f, bool split_columns, bool open)
      : f_(f), open_(open && f.cells[0] * f.phases[0] == 1), split_(split_columns) {
    for (int i = 0; i < 3; ++i) {
      for (int64_t at = 0; at < f.cells[i] * f.step[i]; ++at) {
        int64_t place[3] = {0, 0, 0};
        place[i] = at;
        axis_[i].push_back(at % f.step[i] < f.phases[i] ? f.at(place[0], place[1], place[2]) : -1);
      }
    }
    columns_ = split_ ? size(2) : f.in[2];
    const int64_t shift = split_ ? 0 : f.before[2];
    place_.reserve(static_cast<size_t>(f.in[0] * size(1) * columns_));
    for (int64_t d = 0; d < f.in[0]; ++d) {
      for (int64_t h = 0; h < size(1); ++h) {
        const int64_t slice = axis(0, d + f.before[0]), row = axis(1, h);
        for (int64_t w = shift; w < shift + columns_; ++w) {
          const int64_t column = axis(2, w);
          place_.push_back(
              static_cast<int32_t>(std::min({slice, row, column}) < 0 ? f.plane() : slice + row + column));
        }
      }
    }
  }

  const FrameShape& shape() const { return f_; }
  int64_t size() const { return f_.plane() + 1; }  // the last one takes what no output reads

  // The part of the tile at position (h0, w0).
  struct Window {
    std::vector<LanePiece> pieces;
    std::vector<int32_t> zeros;
  };
  Window window(int64_t h0, int64_t w0) const {
    Window window;
    const int64_t before[3] = {f_.before[0], f_.before[1] - h0 * f_.step[1], f_.before[2] - w0 * f_.step[2]};
    int64_t low[3], high[3];  // of the frame, inside of the plane
    for (int i = 0; i < 3; ++i) {
      low[i] = std::clamp<int64_t>(before[i], 0, size(i));
      high[i] = std::clamp<int64_t>(before[i] + f_.in[i], low[i], size(i));
    }
    const int64_t first = split_ ? low[2] : 0, columns = split_ ? high[2] - low[2] : columns_;
    const int64_t at_once = columns == columns_ && columns == f_.in[2] ? high[1] - low[1] : 1;
    for (int64_t d = 0; d < f_.in[0]; ++d) {
      for (int64_t h = low[1]; h < high[1]; h += at_once) {
        const int64_t src = (d * f_.in[1] + h - before[1]) * f_.in[2] + (split_ ? first - before[2] : 0);
        window.pieces.push_back({src, (d * size(1) + h) * columns_ + first, at_once * columns});
      }
    }
    const auto clear = [&](int64_t d, int64_t h, int64_t begin, int64_t end) {
      for (int64_t w = begin; w < end; ++w) {
        const int64_t at[3] = {axis(0, d), axis(1, h), axis(2, w)};
        if (std::min({at[0], at[1], at[2]}) < 0) continue;
        window.zeros.push_back(static_cast<int32_t>(at[0] + at[1] + at[2]));
      }
    };
    for (int64_t d = 0; d < size(0); ++d) {
      for (int64_t h = 0; h < size(1); ++h) {
        if (h >= low[1] && h < high[1] && d >= low[0] && d < high[0]) {
          clear(d, h, 0, low[2]);
          clear(d, h, high[2], size(2));
        } else if (!open_) {
          clear(d, h, 0, size(2));
        }
      }
    }
    return window;
  }
  // Of `lanes` planes that lie `lane` elements apart.
  template <class T>
  void fill(const Window& window, T* frame, const T* src, int64_t lane, int64_t lanes) const {
    lane_kernels<T>().spread({frame, src, lane, lanes, place_.data(), window.pieces.data(),
                              static_cast<int64_t>(window.pieces.size()), window.zeros.data(),
                              static_cast<int64_t>(window.zeros.size())});
  }

  // Narrows [first, end) of the taps to those that find the plane from row h on.
  void trim(const Taps& taps, int64_t h, int64_t& first, int64_t& end) const {
    const auto outside = [&](int64_t tap) {
      const int64_t row = h * f_.step[1] + taps.h[static_cast<size_t>(tap)];
      return row < 0 || row >= f_.in[1];
    };
    while (first < end && outside(first)) ++first;
    while (first < end && outside(end - 1)) --end;
  }

 private:
  int64_t size(int i) const { return static_cast<int64_t>(axis_[i].size()); }
  // What the coordinate of axis i adds to a vector's place; -1 if no output reads it.
  int64_t axis(int i, int64_t at) const {
    return at >= 0 && at < size(i) ? axis_[i][static_cast<size_t>(at)] : -1;
  }

  FrameShape f_;
  bool open_, split_;
  int64_t columns_;  // of place_: the plane's, or those of a tile
  std::vector<int64_t> axis_[3];
  std::vector<int32_t> place_;
};

// Per-group operands with the groups side by side, for every distinct first group of a block of lanes.
template <class T>
class LaneOperand {
 public:
  LaneOperand(const T* src, int64_t groups, int64_t size, int64_t blocks)
      : size_(src ? size : 0),
        distinct_(std::min(blocks, groups / std::gcd(groups, conv_kernels<T>().lanes))),
        space_(sizeof(T) * static_cast<size_t>(distinct_ * size_ * conv_kernels<T>().lanes)) {
    const int64_t lanes = conv_kernels<T>().lanes;
    if (groups == 1) {
      for (int64_t i = 0; i < size_; ++i) std::fill_n(space_.as<T>() + i * lanes, lanes, src[i]);
      return;
    }
    parallel_for(distinct_ * (size_ > 0), std::max<int64_t>(1, kGrainElements / (size * lanes)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t block = begin; block < end; ++block) {
                     T* const to = space_.as<T>() + block * size * lanes;
                     for (int64_t lane = 0; lane < lanes;) {
                       const int64_t group = (block * lanes + lane) % groups;
                       const int64_t rows = std::min(lanes - lane, groups - group);
                       turn(to + lane, lanes, src + group * size, size, rows, size);
                       lane += rows;
                     }
                   }
                 });
  }
  const T* at(int64_t block) const {
    return size_ ? space_.as<T>() + block % distinct_ * size_ * conv_kernels<T>().lanes : nullptr;
  }

 private:
  int64_t size_, distinct_;
  Workspace space_;
};

template <class T>
void correlate_lanes(const Correlation<T>& c) {
  const std::vector<Phase>& phases = *c.phases;
  const int64_t lanes = conv_kernels<T>().lanes, planes = c.images * c.groups,
                blocks = ceil_div(planes, lanes);
  int64_t grid[3] = {0, 0, 0};
  double work = 0;
  for (const Phase& p : phases) {
    for (int i = 0; i < 3; ++i) grid[i] = std::max(grid[i], p.grid[i]);
    work += static_cast<double>(planes * c.rows * p.positions() * (c.channels * p.taps.size() + 1));
  }
  const Tile tile =
      lane_tile<T>(frame_shape(c.in, c.step, phases), grid, c.channels, blocks, 4 * num_threads());
  const int64_t tiles_h = ceil_div(grid[1], tile.h), tiles_w = ceil_div(grid[2], tile.w);
  std::vector<Phase> tiled = phases;
  for (Phase& p : tiled) {
    p.grid[1] = std::min(p.grid[1], tile.h);
    p.grid[2] = std::min(p.grid[2], tile.w);
  }
  const LaneFrame frame(frame_shape(c.in, c.step, tiled), tiles_w > 1, true);
  const FrameShape& f = frame.shape();

  const LaneOperand<T> weights(c.weight, c.groups, c.w_group, blocks);
  const LaneOperand<T> bias(c.bias, c.groups, c.rows, blocks);
  std::vector<std::vector<LaneTap>> taps;
  for (const Phase& p : phases) {
    const std::vector<int64_t> offset = tap_offsets(f, p.taps, 1, 0);
    taps.emplace_back();
    for (size_t t = 0; t < offset.size(); ++t) taps.back().push_back({offset[t], p.taps.index[t]});
    // By their places within a row, where neighbours are read together.
    for (size_t t = 0, end = 0; t < offset.size(); t = end) {
      while (end < offset.size() && p.taps.h[end] == p.taps.h[t] && p.taps.d[end] == p.taps.d[t]) ++end;
      std::sort(taps.back().begin() + static_cast<std::ptrdiff_t>(t),
                taps.back().begin() + static_cast<std::ptrdiff_t>(end),
                [](const LaneTap& a, const LaneTap& b) { return a.frame < b.frame; });
    }
  }

  const int64_t most_rows = std::min(c.rows, lane_kernels<T>().rows);
  // Blocks of small planes share a unit, for what it has to find out.
  const int64_t at_once =
      tiles_h * tiles_w > 1 ? 1 : std::clamp<int64_t>(blocks / (8 * num_threads()), 1, 16);
  for_units(ceil_div(blocks, at_once) * tiles_h * tiles_w, 2 * work, [&](int64_t unit) {
    const int64_t w0 = unit % tiles_w * tile.w, h0 = unit / tiles_w % tiles_h * tile.h;
    const int64_t first = unit / (tiles_w * tiles_h) * at_once, end = std::min(first + at_once, blocks);
    const LaneFrame::Window window = frame.window(h0, w0);
    // The outputs of a tile.
    const int64_t y_h = h0 * c.out_step[1], y_w = w0 * c.out_step[2];
    const int64_t y_rows = std::min(tile.h * c.out_step[1], c.out[1] - y_h);
    const int64_t y_columns = std::min(tile.w * c.out_step[2], c.out[2] - y_w);
    const int64_t y_size = c.out[0] * y_rows * y_columns;
    std::vector<std::vector<LaneRun>> runs;
    for (size_t q = 0; q < phases.size(); ++q) {
      const Phase& p = phases[q];
      runs.emplace_back();
      const int64_t length = std::min(tile.w, p.grid[2] - w0);
      for (int64_t d = 0; d < p.grid[0]; ++d) {
        for (int64_t h = 0; h < std::min(tile.h, p.grid[1] - h0) && length > 0; ++h) {
          int64_t from = 0, to = p.taps.size();
          frame.trim(p.taps, h0 + h, from, to);
          const int64_t y =
              ((p.start[0] + d * c.out_step[0]) * y_rows + p.start[1] + h * c.out_step[1]) * y_columns;
          runs.back().push_back({f.position(d, h, 0), length, y + p.start[2], from, to - from});
        }
      }
    }
    const Workspace space(sizeof(T) * static_cast<size_t>(lanes * c.channels * frame.size()));
    const Workspace sums(sizeof(T) * static_cast<size_t>(lanes * most_rows * y_size));
    for (int64_t block = first; block < end; ++block) {
      const int64_t plane = block * lanes, count = std::min(lanes, planes - plane);
      for (int64_t ch = 0; ch < c.channels; ++ch) {
        frame.fill(window, space.as<T>() + ch * frame.size() * lanes,
                   c.src + (plane * c.channels + ch) * c.in_size(), c.channels * c.in_size(), count);
      }
      for (int64_t row = 0; row < c.rows; row += most_rows) {
        LaneCorrelation<T> a;
        a.rows = std::min(most_rows, c.rows - row);
        a.y = sums.as<T>();
        a.y_row = y_size;
        a.y_step = c.out_step[2];
        a.frame = space.as<T>();
        a.channels = c.channels;
        a.channel = frame.size();
        a.weight = weights.at(block) + row * c.w_row * lanes;
        a.w_row = c.w_row;
        a.w_channel = c.w_channel;
        a.bias = c.bias ? bias.at(block) + row * lanes : nullptr;
        for (size_t q = 0; q < phases.size(); ++q) {
          a.taps = taps[q].data();
          a.runs = runs[q].data();
          a.n_runs = static_cast<int64_t>(runs[q].size());
          lane_kernels<T>().correlate(a);
        }
        // Whole rows of a plane at once, or parts of them.
        const int64_t rows_at_once = tiles_w > 1 ? 1 : y_rows;
        for (int64_t r = 0; r < a.rows; ++r) {
          for (int64_t d = 0; d < c.out[0]; ++d) {
            for (int64_t h = 0; h < y_rows; h += rows_at_once) {
              turn(c.dst + (plane * c.rows + row + r) * c.out_size() + (d * c.out[1] + y_h + h) * c.out[2] +
                       y_w,
                   c.rows * c.out_size(),
                   sums.as<T>() + ((r * c.out[0] + d) * y_rows + h) * y_columns * lanes, lanes,
                   rows_at_once * y_columns, count);
            }
          }
        }
      }
    }
  });
}

// The gradient for the weights, of each group by itself: sums over the tiles of all images.
template <class T>
void weight_grad_lanes(const ConvShape& s, const Taps& taps, const T* x, const T* gy, T* gw) {
  const int64_t lanes = conv_kernels<T>().lanes, blocks = ceil_div(s.groups, lanes);
  const int64_t ic = s.ic / s.groups, oc = s.oc / s.groups, k = ic * taps.size();
  Phase phase = forward_phase(s, taps);
  const FrameShape whole = frame_shape(s.in, s.stride, {phase});
  constexpr int64_t kUnits = 32;
  const Tile tile = lane_tile<T>(whole, s.out, ic, blocks * s.n, kUnits);
  const int64_t tiles_h = ceil_div(s.out[1], tile.h), tiles_w = ceil_div(s.out[2], tile.w);
  phase.grid[1] = std::min(phase.grid[1], tile.h);
  phase.grid[2] = std::min(phase.grid[2], tile.w);
  const LaneFrame frame(frame_shape(s.in, s.stride, {phase}), tiles_w > 1, false);
  const FrameShape& f = frame.shape();
  std::vector<int64_t> offset = tap_offsets(f, taps, ic, frame.size());

  // Pieces of the sum are shared out to slices, summed in order: their number depends on the problem alone.
  const int64_t tiles = tiles_h * tiles_w, pieces = s.n * tiles;
  const int64_t slices = std::min(pieces, ceil_div(kUnits, blocks));
  const int64_t size = oc * k * lanes;
  const Workspace sums(sizeof(T) * static_cast<size_t>(blocks * slices * size));
  const double work = static_cast<double>(s.n * s.oc * s.out_size() * k);
  for_units(blocks * slices, 2 * work, [&](int64_t unit) {
    const int64_t slice = unit % slices, group = unit / slices * lanes;
    const int64_t count = std::min(lanes, s.groups - group);
    T* const total = sums.as<T>() + unit * size;
    std::fill_n(total, size, T(0));
    const Workspace space(sizeof(T) * static_cast<size_t>(lanes * ic * frame.size()));
    const Workspace turned(sizeof(T) * static_cast<size_t>(lanes * oc * s.out[0] * tile.h * tile.w));
    LaneFrame::Window window;
    std::vector<LaneRun> runs;
    for (int64_t piece = pieces * slice / slices; piece < pieces * (slice + 1) / slices; ++piece) {
      const int64_t image = piece / tiles, h0 = piece / tiles_w % tiles_h * tile.h,
                    w0 = piece % tiles_w * tile.w;
      const int64_t rows = std::min(tile.h, s.out[1] - h0), columns = std::min(tile.w, s.out[2] - w0);
      if (tiles > 1 || runs.empty()) {
        window = frame.window(h0, w0);
        runs.clear();
        for (int64_t d = 0; d < s.out[0]; ++d) {
          for (int64_t h = 0; h < rows; ++h) {
            int64_t from = 0, to = taps.size();
            frame.trim(taps, h0 + h, from, to);
            runs.push_back({f.position(d, h, 0), columns, (d * rows + h) * columns, from, to - from});
          }
        }
      }
      for (int64_t ch = 0; ch < ic; ++ch) {
        frame.fill(window, space.as<T>() + ch * frame.size() * lanes,
                   x + (image * s.ic + group * ic + ch) * s.in_size(), ic * s.in_size(), count);
      }
      const int64_t rows_at_once = tiles_w > 1 ? 1 : rows;
      for (int64_t d = 0; d < s.out[0]; ++d) {
        for (int64_t r = 0; r < oc; ++r) {
          for (int64_t h = 0; h < rows; h += rows_at_once) {
            turn(
                turned.as<T>() + ((r * s.out[0] + d) * rows + h) * columns * lanes, lanes,
                gy + (image * s.oc + group * oc + r) * s.out_size() + (d * s.out[1] + h0 + h) * s.out[2] + w0,
                oc * s.out_size(), count, rows_at_once * columns);
          }
        }
      }
      LaneGrad<T> a;
      a.sums = total;
      a.rows = oc;
      a.k = k;
      a.frame = space.as<T>();
      a.offset = offset.data();
      a.gy = turned.as<T>();
      a.gy_row = s.out[0] * rows * columns;
      a.taps = ic == 1 ? s.kernel[2] : 0;
      a.runs = runs.data();
      a.n_runs = static_cast<int64_t>(runs.size());
      lane_kernels<T>().gradient(a);
    }
  });
  for_units(blocks, static_cast<double>(blocks * slices * size) * 4, [&](int64_t block) {
    T* const total = sums.as<T>() + block * slices * size;
    for (int64_t slice = 1; slice < slices; ++slice) {
      for (int64_t i = 0; i < size; ++i) total[i] += total[slice * size + i];
    }
    turn(gw + block * lanes * oc * k, oc * k, total, lanes, oc * k,
         std::min(lanes, s.groups - block * lanes));
  });
}

}  // namespace plait::conv
