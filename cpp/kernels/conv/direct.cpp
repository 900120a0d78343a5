// SPDX-License-Identifier: MIT
// y[r, pos] = bias[r] + sum over (channel, tap) of w[r, channel, tap] * padded[channel, pos + tap]. Nothing
// is packed but the weights: where few output channels share a patch, or sums are short, packing it would
// cost more than it saves.
//
// Loop order: units of a tile of positions of one group of one image, or of all positions of several groups
// of small planes; in a unit gather_input, then phases, groups, depth; the kernel takes panels of output
// channels, vectors of positions, terms of the sum.
// Assumptions: the padded tile of a unit fits a part of L2. Bound: one load of a patch's vector for each
// `mr` multiply-adds.
#include "kernels/conv/direct.h"

#include <algorithm>
#include <vector>

#include "core/workspace.h"
#include "kernels/conv/padded_input.h"

namespace plait::conv {
namespace {

template <class T>
Tile direct_tile(const Correlation& c) {
  constexpr int64_t kFewChannels = 8;  // whose halos are cheap
  const ConvTuning& k = tuning();
  const int64_t bytes = c.group_in_channels > kFewChannels ? k.direct_tile_bytes : k.direct_small_tile_bytes;
  return tile_within(padded_plane(c.in, c.in_stride, c.phases), Grid(c.phases).size, c.group_in_channels,
                     l2_part(bytes) / int64_t{sizeof(T)});
}

template <class T>
class Direct {
 public:
  Direct(const Correlation& c, const Operands<T>& t)
      : c_(c),
        t_(t),
        grid_(c.phases),
        tile_(direct_tile<T>(c)),
        tiled_(tiled_phases(c.phases, tile_)),
        plane_(padded_plane(c.in, c.in_stride, tiled_)),
        panels_(ceil_div(c.group_out_channels, gemm_kernels<T>().mr)),
        mr_(ceil_div(c.group_out_channels, panels_)),
        input_size_(c.group_in_channels * plane_.size()) {
    for (const Phase& p : tiled_) {
      offsets_.push_back(tap_offsets(plane_, p.taps, c.group_in_channels, plane_.size()));
      weights_.push_back(pack_weights(p.taps));
      vectors_.push_back(tile_vectors(p.grid[1], p.grid[2]));
    }
    plan_units();
  }

  void run() const {
    double work = 0;
    for (size_t q = 0; q < tiled_.size(); ++q) {
      work += static_cast<double>(c_.images * c_.out_channels() * tiled_[q].positions() * (terms(q) + 1));
    }
    for_units(ceil_div(planes_, at_once_) * tiles_h_ * tiles_w_, 2 * work,
              [&](int64_t unit) { run_unit(unit); });
  }

 private:
  int64_t terms(size_t phase) const { return c_.group_in_channels * tiled_[phase].taps.size(); }

  // A unit takes what images and groups of small planes fill half of L1: a plane of 7 x 7 is done in the time
  // that the rest of a unit takes.
  void plan_units() {
    constexpr int64_t kElements = 4096;
    tiles_h_ = ceil_div(grid_.size[1], tile_.h);
    tiles_w_ = ceil_div(grid_.size[2], tile_.w);
    planes_ = c_.images * c_.groups;
    const int64_t most = std::max<int64_t>(1, planes_ / (8 * num_threads()));
    at_once_ = tiles_h_ * tiles_w_ == 1 ? std::clamp<int64_t>(kElements / input_size_, 1, most) : 1;
  }

  // (groups, panels, terms, mr): panels of weights in the order of the sums.
  std::vector<T> pack_weights(const Taps& taps) const {
    const int64_t out = c_.group_out_channels;
    std::vector<T> packed(
        static_cast<size_t>(c_.groups * panels_ * mr_ * c_.group_in_channels * taps.size()));
    T* to = packed.data();
    for (int64_t g = 0; g < c_.groups; ++g) {
      for (int64_t r0 = 0; r0 < out; r0 += mr_) {
        const int64_t m = std::min(mr_, out - r0);
        for (int64_t ch = 0; ch < c_.group_in_channels; ++ch) {
          const T* from = t_.w + g * c_.w_group_stride + r0 * c_.w_out_stride + ch * c_.w_in_stride;
          for (const int64_t index : taps.index) {
            for (int64_t r = 0; r < m; ++r) to[r] = from[index + r * c_.w_out_stride];
            to += mr_;
          }
        }
      }
    }
    return packed;
  }

  // The positions of a tile of one phase, where their outputs lie.
  std::vector<PatchVector<T>> tile_vectors(int64_t rows, int64_t columns) const {
    std::vector<PatchVector<T>> vectors;
    for (int64_t h = 0; h < rows; ++h) {
      append_vectors(vectors, plane_.position(0, h, 0), columns, h * c_.out_stride[1] * c_.out[2],
                     c_.out_stride[2]);
    }
    return vectors;
  }

  struct Unit {
    int64_t h0, w0;      // the tile
    int64_t first, end;  // planes: groups of images
  };

  void run_unit(int64_t index) const {
    Unit u;
    u.w0 = index % tiles_w_ * tile_.w;
    u.h0 = index / tiles_w_ % tiles_h_ * tile_.h;
    u.first = index / (tiles_w_ * tiles_h_) * at_once_;
    u.end = std::min(u.first + at_once_, planes_);
    const Workspace padded(bytes_of<T>((u.end - u.first) * input_size_ + kPaddedSlack));
    gather_input(u, padded.as<T>());
    for (size_t q = 0; q < c_.phases.size(); ++q) multiply(u, q, padded.as<T>());
  }

  void gather_input(const Unit& u, T* padded) const {
    PaddedPlane here = plane_;
    here.before[1] -= u.h0 * plane_.stride[1];
    here.before[2] -= u.w0 * plane_.stride[2];
    conv_kernels<T>().pad(here, padded, t_.src + u.first * c_.group_in_channels * c_.in_size(),
                          (u.end - u.first) * c_.group_in_channels);
  }

  // The outputs of one phase, stored where they lie.
  void multiply(const Unit& u, size_t phase, const T* padded) const {
    const Phase& p = c_.phases[phase];
    const int64_t h = std::min(tile_.h, p.grid[1] - u.h0), w = std::min(tile_.w, p.grid[2] - u.w0);
    if (h <= 0 || w <= 0) return;     // phases differ by one position
    std::vector<PatchVector<T>> cut;  // of a tile that is not whole
    if (h < tiled_[phase].grid[1] || w < tiled_[phase].grid[2]) cut = tile_vectors(h, w);
    const std::vector<PatchVector<T>>& vectors = cut.empty() ? vectors_[phase] : cut;
    const int64_t out = c_.group_out_channels;
    UnpackedProduct<T> a;
    a.y_ld = c_.out_size();
    a.y_stride = c_.out_stride[2];
    a.offset = offsets_[phase].data();
    a.m = out;
    a.k = terms(phase);
    a.mr = mr_;
    a.panel_stride = mr_ * a.k;
    a.vectors = vectors.data();
    a.n_vectors = static_cast<int64_t>(vectors.size());
    a.accumulate = false;
    for (int64_t plane = u.first; plane < u.end; ++plane) {
      const int64_t g = plane % c_.groups;
      a.weight = weights_[phase].data() + g * panels_ * mr_ * a.k;
      a.bias = t_.bias ? t_.bias + g * out : nullptr;
      for (int64_t d = 0; d < p.grid[0]; ++d) {
        const int64_t slice = p.start[0] + d * c_.out_stride[0], row = p.start[1] + u.h0 * c_.out_stride[1];
        a.padded = padded + (plane - u.first) * input_size_ + plane_.position(d, 0, 0);
        a.y = t_.dst + plane * out * c_.out_size() + (slice * c_.out[1] + row) * c_.out[2] + p.start[2] +
              u.w0 * c_.out_stride[2];
        conv_kernels<T>().multiply_unpacked(a);
      }
    }
  }

  const Correlation& c_;
  const Operands<T>& t_;
  const Grid grid_;
  const Tile tile_;
  const std::vector<Phase> tiled_;
  const PaddedPlane plane_;  // of a tile
  const int64_t panels_, mr_;
  const int64_t input_size_;  // padded elements of a group
  int64_t tiles_h_, tiles_w_, planes_, at_once_;
  // Of every phase:
  std::vector<std::vector<int64_t>> offsets_;
  std::vector<std::vector<T>> weights_;
  std::vector<std::vector<PatchVector<T>>> vectors_;  // of a whole tile
};

}  // namespace

template <class T>
void direct(const ConvProblem& problem, const Operands<T>& t) {
  Direct<T>(problem.correlation(), t).run();
}

template void direct<float>(const ConvProblem&, const Operands<float>&);
template void direct<double>(const ConvProblem&, const Operands<double>&);

}  // namespace plait::conv
