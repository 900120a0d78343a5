// SPDX-License-Identifier: MIT
// gw[g, oc, (ic, tap)] = sum over images and positions of gy[g, oc, pos] * padded[g, ic, pos + tap], where
// every element is a vector of `lanes` groups g.
//
// Loop order: units of a block of groups and a slice of the tiles of all images; for each tile gather_input,
// transpose_gradients, multiply. Slices are summed in order; how many there are depends on the problem alone.
// Assumptions: a tile's padded input fits 3/8 of L2; the sums of a unit stay in L1 or L2. Bound: a load for
// each multiply-add of one output channel, and transposes.
#include <algorithm>
#include <vector>

#include "kernels/conv/interleaved.h"
#include "kernels/conv/interleaved_input.h"

namespace plait::conv {
namespace {

constexpr int64_t kUnits = 32;  // decides how sums are sliced, hence bits

template <class T>
class InterleavedWeightGrad {
 public:
  InterleavedWeightGrad(const ConvProblem& problem, const WeightGradOperands<T>& t)
      : s_(problem.shape),
        t_(t),
        phases_(problem.correlation().phases),
        taps_(phases_.front().taps),
        lanes_(conv_kernels<T>().lanes),
        blocks_(ceil_div(s_.groups, lanes_)),
        ic_(s_.group_in_channels()),
        oc_(s_.group_out_channels()),
        k_(ic_ * taps_.size()),
        tile_(interleaved_tile<T>(padded_plane(s_.in, s_.stride, phases_), s_.out, ic_, blocks_ * s_.images,
                                  kUnits)),
        tiles_h_(ceil_div(s_.out[1], tile_.h)),
        tiles_w_(ceil_div(s_.out[2], tile_.w)),
        input_(padded_plane(s_.in, s_.stride, tiled_phases(phases_, tile_)), tiles_w_ > 1, false),
        offset_(tap_offsets(input_.plane(), taps_, ic_, input_.size())),
        tiles_(s_.images * tiles_h_ * tiles_w_),
        slices_(std::min(tiles_, ceil_div(kUnits, blocks_))),
        sums_size_(oc_ * k_ * lanes_) {}

  void run() const {
    const Workspace sums(bytes_of<T>(blocks_ * slices_ * sums_size_));
    const double work = static_cast<double>(s_.images * s_.out_channels * s_.out_size() * k_);
    for_units(blocks_ * slices_, 2 * work, [&](int64_t unit) {
      add_slice(unit / slices_, unit % slices_, sums.as<T>() + unit * sums_size_);
    });
    for_units(blocks_, static_cast<double>(blocks_ * slices_ * sums_size_) * 4,
              [&](int64_t block) { store_output(block, sums.as<T>() + block * slices_ * sums_size_); });
  }

 private:
  struct ImageTile {
    int64_t image, h0, w0;
    int64_t rows, columns;
  };
  ImageTile image_tile(int64_t index) const {
    ImageTile p;
    p.image = index / (tiles_h_ * tiles_w_);
    p.h0 = index / tiles_w_ % tiles_h_ * tile_.h;
    p.w0 = index % tiles_w_ * tile_.w;
    p.rows = std::min(tile_.h, s_.out[1] - p.h0);
    p.columns = std::min(tile_.w, s_.out[2] - p.w0);
    return p;
  }
  int64_t count(int64_t block) const { return std::min(lanes_, s_.groups - block * lanes_); }

  // sums (oc, k, lanes) of a slice of the tiles.
  void add_slice(int64_t block, int64_t slice, T* sums) const {
    std::fill_n(sums, sums_size_, T(0));
    const Workspace padded(bytes_of<T>(lanes_ * ic_ * input_.size()));
    const Workspace gradients(bytes_of<T>(lanes_ * oc_ * s_.out[0] * tile_.h * tile_.w));
    InterleavedInput::Window window;
    std::vector<InterleavedRun> runs;
    for (int64_t i = tiles_ * slice / slices_; i < tiles_ * (slice + 1) / slices_; ++i) {
      const ImageTile p = image_tile(i);
      if (tiles_h_ * tiles_w_ > 1 || runs.empty()) {
        window = input_.window(p.h0, p.w0);
        runs = tile_runs(p);
      }
      gather_input(window, block, p, padded.as<T>());
      transpose_gradients(block, p, gradients.as<T>());
      multiply(p, runs, padded.as<T>(), gradients.as<T>(), sums);
    }
  }

  std::vector<InterleavedRun> tile_runs(const ImageTile& p) const {
    std::vector<InterleavedRun> runs;
    for (int64_t d = 0; d < s_.out[0]; ++d) {
      for (int64_t h = 0; h < p.rows; ++h) {
        int64_t from = 0, to = taps_.size();
        input_.trim(taps_, p.h0 + h, from, to);
        runs.push_back(
            {input_.plane().position(d, h, 0), p.columns, (d * p.rows + h) * p.columns, from, to - from});
      }
    }
    return runs;
  }

  // padded (ic, size, lanes)
  void gather_input(const InterleavedInput::Window& window, int64_t block, const ImageTile& p,
                    T* padded) const {
    const int64_t group = block * lanes_;
    for (int64_t ch = 0; ch < ic_; ++ch) {
      input_.gather(window, padded + ch * input_.size() * lanes_,
                    t_.x + (p.image * s_.in_channels + group * ic_ + ch) * s_.in_size(), ic_ * s_.in_size(),
                    count(block));
    }
  }

  // to (oc, depth, rows, columns, lanes)
  void transpose_gradients(int64_t block, const ImageTile& p, T* to) const {
    const int64_t group = block * lanes_, rows = tiles_w_ > 1 ? 1 : p.rows;
    for (int64_t d = 0; d < s_.out[0]; ++d) {
      for (int64_t r = 0; r < oc_; ++r) {
        const T* const from = t_.gy + (p.image * s_.out_channels + group * oc_ + r) * s_.out_size();
        for (int64_t h = 0; h < p.rows; h += rows) {
          transpose(to + ((r * s_.out[0] + d) * p.rows + h) * p.columns * lanes_, lanes_,
                    from + (d * s_.out[1] + p.h0 + h) * s_.out[2] + p.w0, oc_ * s_.out_size(), count(block),
                    rows * p.columns);
        }
      }
    }
  }

  void multiply(const ImageTile& p, const std::vector<InterleavedRun>& runs, const T* padded,
                const T* gradients, T* sums) const {
    InterleavedGradient<T> a;
    a.sums = sums;
    a.out_channels = oc_;
    a.k = k_;
    a.taps_per_row = ic_ == 1 ? s_.kernel[2] : 0;
    a.padded = padded;
    a.offset = offset_.data();
    a.gy = gradients;
    a.gy_ld = s_.out[0] * p.rows * p.columns;
    a.runs = runs.data();
    a.n_runs = static_cast<int64_t>(runs.size());
    interleaved_kernels<T>().weight_gradient(a);
  }

  // The sum of the slices of a block, transposed to gw (groups, oc, k).
  void store_output(int64_t block, T* total) const {
    for (int64_t slice = 1; slice < slices_; ++slice) {
      for (int64_t i = 0; i < sums_size_; ++i) total[i] += total[slice * sums_size_ + i];
    }
    transpose(t_.gw + block * lanes_ * oc_ * k_, oc_ * k_, total, lanes_, oc_ * k_, count(block));
  }

  const ConvShape& s_;
  const WeightGradOperands<T>& t_;
  const std::vector<Phase>& phases_;  // one
  const Taps& taps_;
  const int64_t lanes_, blocks_;  // blocks of groups
  const int64_t ic_, oc_, k_;     // channels of a group; terms of an output channel
  const Tile tile_;
  const int64_t tiles_h_, tiles_w_;
  const InterleavedInput input_;
  const std::vector<int64_t> offset_;  // of every term
  const int64_t tiles_, slices_;       // tiles of all images
  const int64_t sums_size_;            // of a block
};

}  // namespace

template <class T>
void interleaved_weight_grad(const ConvProblem& problem, const WeightGradOperands<T>& t) {
  InterleavedWeightGrad<T>(problem, t).run();
}

template void interleaved_weight_grad<float>(const ConvProblem&, const WeightGradOperands<float>&);
template void interleaved_weight_grad<double>(const ConvProblem&, const WeightGradOperands<double>&);

}  // namespace plait::conv
