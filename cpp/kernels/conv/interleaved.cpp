// SPDX-License-Identifier: MIT
// y[r, pos] = bias[r] + sum over (channel, tap) of w[r, channel, tap] * padded[channel, pos + tap], where
// every element is a vector of `lanes` planes, each with the weights of its own group.
//
// Loop order: units of a tile of positions of one block of planes, or of all positions of several blocks of
// small planes; in a unit gather_input for all channels of a group, then output channels by as many as fill
// the registers, phases, runs of positions, channels, taps; store_output transposes back.
// Assumptions: a unit's padded input fits 3/8 of L2; planes of neighbouring images share vectors. Bound: two
// loads for each multiply-add of one output channel, fewer for more; transposes for few taps.
#include "kernels/conv/interleaved.h"

#include <algorithm>
#include <vector>

#include "kernels/conv/interleaved_input.h"

namespace plait::conv {
namespace {

template <class T>
Tile correlation_tile(const Correlation& c) {
  const int64_t blocks = ceil_div(c.images * c.groups, conv_kernels<T>().lanes);
  return interleaved_tile<T>(padded_plane(c.in, c.in_stride, c.phases), Grid(c.phases).size,
                             c.group_in_channels, blocks, 4 * num_threads());
}

template <class T>
class Interleaved {
 public:
  Interleaved(const Correlation& c, const Operands<T>& t)
      : c_(c),
        t_(t),
        lanes_(conv_kernels<T>().lanes),
        planes_(c.images * c.groups),
        blocks_(ceil_div(planes_, lanes_)),
        tile_(correlation_tile<T>(c)),
        tiles_h_(ceil_div(Grid(c.phases).size[1], tile_.h)),
        tiles_w_(ceil_div(Grid(c.phases).size[2], tile_.w)),
        input_(padded_plane(c.in, c.in_stride, tiled_phases(c.phases, tile_)), tiles_w_ > 1, true),
        weights_(t.w, c.groups, c.w_group_stride, blocks_),
        bias_(t.bias, c.groups, c.group_out_channels, blocks_),
        max_out_(std::min(c.group_out_channels, interleaved_kernels<T>().max_out_channels)) {
    for (const Phase& p : c.phases) taps_.push_back(sorted_taps(p.taps));
    // Blocks of small planes share a unit, for what it has to find out.
    at_once_ = tiles_h_ * tiles_w_ > 1 ? 1 : std::clamp<int64_t>(blocks_ / (8 * num_threads()), 1, 16);
  }

  void run() const {
    double work = 0;
    for (const Phase& p : c_.phases) {
      work += static_cast<double>(planes_ * c_.group_out_channels * p.positions() *
                                  (c_.group_in_channels * p.taps.size() + 1));
    }
    for_units(ceil_div(blocks_, at_once_) * tiles_h_ * tiles_w_, 2 * work,
              [&](int64_t unit) { run_unit(unit); });
  }

 private:
  // A tile of positions, the outputs they become, and the runs of every phase.
  struct Unit {
    int64_t h0, w0;
    int64_t y_h, y_w, y_rows, y_columns;
    int64_t first, end;  // blocks of planes
    std::vector<std::vector<InterleavedRun>> runs;
    int64_t y_size(const Correlation& c) const { return c.out[0] * y_rows * y_columns; }
  };

  // By their places within a row of the kernel: the kernel reads neighbours together.
  std::vector<InterleavedTap> sorted_taps(const Taps& taps) const {
    const std::vector<int64_t> offset = tap_offsets(input_.plane(), taps, 1, 0);
    std::vector<InterleavedTap> sorted;
    for (size_t t = 0; t < offset.size(); ++t) sorted.push_back({offset[t], taps.index[t]});
    for (size_t t = 0, end = 0; t < offset.size(); t = end) {
      while (end < offset.size() && taps.h[end] == taps.h[t] && taps.d[end] == taps.d[t]) ++end;
      std::sort(sorted.begin() + static_cast<std::ptrdiff_t>(t),
                sorted.begin() + static_cast<std::ptrdiff_t>(end),
                [](const InterleavedTap& a, const InterleavedTap& b) { return a.offset < b.offset; });
    }
    return sorted;
  }

  void run_unit(int64_t index) const {
    const Unit u = unit(index);
    const InterleavedInput::Window window = input_.window(u.h0, u.w0);
    const Workspace padded(bytes_of<T>(lanes_ * c_.group_in_channels * input_.size()));
    const Workspace sums(bytes_of<T>(lanes_ * max_out_ * u.y_size(c_)));
    for (int64_t block = u.first; block < u.end; ++block) {
      gather_input(window, block, padded.as<T>());
      for (int64_t channel = 0; channel < c_.group_out_channels; channel += max_out_) {
        const int64_t channels = std::min(max_out_, c_.group_out_channels - channel);
        multiply(u, block, channel, channels, padded.as<T>(), sums.as<T>());
        store_output(u, block, channel, channels, sums.as<T>());
      }
    }
  }

  Unit unit(int64_t index) const {
    Unit u;
    u.w0 = index % tiles_w_ * tile_.w;
    u.h0 = index / tiles_w_ % tiles_h_ * tile_.h;
    u.first = index / (tiles_w_ * tiles_h_) * at_once_;
    u.end = std::min(u.first + at_once_, blocks_);
    u.y_h = u.h0 * c_.out_stride[1];
    u.y_w = u.w0 * c_.out_stride[2];
    u.y_rows = std::min(tile_.h * c_.out_stride[1], c_.out[1] - u.y_h);
    u.y_columns = std::min(tile_.w * c_.out_stride[2], c_.out[2] - u.y_w);
    for (const Phase& p : c_.phases) u.runs.push_back(phase_runs(u, p));
    return u;
  }
  std::vector<InterleavedRun> phase_runs(const Unit& u, const Phase& p) const {
    std::vector<InterleavedRun> runs;
    const int64_t length = std::min(tile_.w, p.grid[2] - u.w0);
    for (int64_t d = 0; d < p.grid[0]; ++d) {
      for (int64_t h = 0; h < std::min(tile_.h, p.grid[1] - u.h0) && length > 0; ++h) {
        int64_t from = 0, to = p.taps.size();
        input_.trim(p.taps, u.h0 + h, from, to);
        const int64_t slice = p.start[0] + d * c_.out_stride[0], row = p.start[1] + h * c_.out_stride[1];
        const int64_t y = (slice * u.y_rows + row) * u.y_columns + p.start[2];
        runs.push_back({input_.plane().position(d, h, 0), length, y, from, to - from});
      }
    }
    return runs;
  }

  int64_t count(int64_t block) const { return std::min(lanes_, planes_ - block * lanes_); }

  // padded (channels, size, lanes)
  void gather_input(const InterleavedInput::Window& window, int64_t block, T* padded) const {
    for (int64_t ch = 0; ch < c_.group_in_channels; ++ch) {
      input_.gather(window, padded + ch * input_.size() * lanes_,
                    t_.src + (block * lanes_ * c_.group_in_channels + ch) * c_.in_size(),
                    c_.group_in_channels * c_.in_size(), count(block));
    }
  }

  // sums (channels, y_size, lanes)
  void multiply(const Unit& u, int64_t block, int64_t channel, int64_t channels, const T* padded,
                T* sums) const {
    InterleavedProduct<T> a;
    a.y = sums;
    a.y_ld = u.y_size(c_);
    a.y_stride = c_.out_stride[2];
    a.padded = padded;
    a.in_channels = c_.group_in_channels;
    a.channel_stride = input_.size();
    a.weight = weights_.at(block) + channel * c_.w_out_stride * lanes_;
    a.w_out_stride = c_.w_out_stride;
    a.w_in_stride = c_.w_in_stride;
    a.bias = t_.bias ? bias_.at(block) + channel * lanes_ : nullptr;
    a.out_channels = channels;
    for (size_t q = 0; q < c_.phases.size(); ++q) {
      a.taps = taps_[q].data();
      a.runs = u.runs[q].data();
      a.n_runs = static_cast<int64_t>(u.runs[q].size());
      interleaved_kernels<T>().multiply(a);
    }
  }

  // Whole rows of a plane at once, or parts of them.
  void store_output(const Unit& u, int64_t block, int64_t channel, int64_t channels, const T* sums) const {
    const int64_t rows = tiles_w_ > 1 ? 1 : u.y_rows, plane_stride = c_.group_out_channels * c_.out_size();
    for (int64_t r = 0; r < channels; ++r) {
      T* const dst = t_.dst + block * lanes_ * plane_stride + (channel + r) * c_.out_size();
      for (int64_t d = 0; d < c_.out[0]; ++d) {
        for (int64_t h = 0; h < u.y_rows; h += rows) {
          transpose(dst + (d * c_.out[1] + u.y_h + h) * c_.out[2] + u.y_w, plane_stride,
                    sums + ((r * c_.out[0] + d) * u.y_rows + h) * u.y_columns * lanes_, lanes_,
                    rows * u.y_columns, count(block));
        }
      }
    }
  }

  const Correlation& c_;
  const Operands<T>& t_;
  const int64_t lanes_, planes_, blocks_;  // planes: groups of images; a block fills the lanes
  const Tile tile_;
  const int64_t tiles_h_, tiles_w_;
  const InterleavedInput input_;
  const InterleavedOperand<T> weights_, bias_;
  const int64_t max_out_;                          // output channels at once
  int64_t at_once_;                                // blocks of a unit
  std::vector<std::vector<InterleavedTap>> taps_;  // of every phase
};

}  // namespace

template <class T>
void interleaved(const ConvProblem& problem, const Operands<T>& t) {
  Interleaved<T>(problem.correlation(), t).run();
}

template void interleaved<float>(const ConvProblem&, const Operands<float>&);
template void interleaved<double>(const ConvProblem&, const Operands<double>&);

}  // namespace plait::conv
