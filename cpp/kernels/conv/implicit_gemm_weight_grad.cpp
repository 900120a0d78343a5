// SPDX-License-Identifier: MIT
// gw[oc, (ic, tap)] = sum over images and positions of gy[oc, (n, pos)] * patches[(ic, tap), (n, pos)].
//
// Loop order: units of a slice of the positions, a panel of output channels and some of the terms (ic, tap);
// in a unit blocks of positions: transpose_gradients, then the kernel broadcasts elements of patches from
// where they lie. Slices are summed in order; how many there are depends on the problem alone.
// Assumptions: a block's gradients fit L1, the padded images the last cache. Bound: multiply-adds, and one
// broadcast for each vector or two of output channels.
#include "kernels/conv/implicit_gemm_weight_grad.h"

#include <algorithm>
#include <vector>

#include "core/workspace.h"
#include "kernels/conv/padded_input.h"

namespace plait::conv {
namespace {

// These decide the order of sums, hence bits.
constexpr int64_t kBlockPositions = 256;  // their gradients take 32 KB
constexpr int64_t kSlicePositions = 2048, kMaxSlices = 16;
constexpr int64_t kMaxSlicedSums = int64_t{1} << 18;
// These do not.
constexpr int64_t kMinUnitTerms = 56;
constexpr int64_t kMaxUnitTerms = 1024;  // of a unit that stores its sums itself, from its cache

template <class T>
class WeightGrad {
 public:
  WeightGrad(const ConvProblem& problem, const WeightGradOperands<T>& t)
      : s_(problem.shape),
        t_(t),
        taps_(problem.correlation().phases.front().taps),
        ic_(s_.group_in_channels()),
        oc_(s_.group_out_channels()),
        k_(ic_ * taps_.size()),
        lanes_(conv_kernels<T>().lanes),
        panel_(2 * lanes_),
        panels_(ceil_div(oc_, panel_)),
        positions_(s_.images * s_.out_size()),
        plane_(padded_plane(s_.in, s_.stride, problem.correlation().phases)),
        offset_(tap_offsets(plane_, taps_, ic_, plane_.size())),
        sums_size_(s_.groups * panels_ * k_ * panel_) {
    plan_units();
  }

  void run() const {
    const Workspace padded(bytes_of<T>(s_.images * s_.in_channels * plane_.size() + kPaddedSlack));
    pad_planes(plane_, padded.as<T>(), t_.x, s_.images * s_.in_channels);
    const bool sliced = slices_ > 1;
    const Workspace sums(sliced ? bytes_of<T>(slices_ * sums_size_) : 0);
    const double work =
        static_cast<double>(positions_ * s_.groups * round_up(oc_, lanes_)) * static_cast<double>(k_);
    for_units(slices_ * s_.groups * panels_ * cuts_, work, [&](int64_t index) {
      const Unit u = unit(index);
      const Workspace own(sliced ? 0 : bytes_of<T>(u.terms * u.width));
      T* const total = sliced ? sums.as<T>() + sums_at(u) : own.as<T>();
      multiply(u, padded.as<T>(), total);
      if (!sliced) store_output(u, total);
    });
    if (sliced) add_slices(sums.as<T>());
  }

 private:
  struct Unit {
    int64_t slice, group, panel;
    int64_t term, terms;   // (ic, tap) from `term` on
    int64_t width, count;  // lanes of the panel, and output channels
  };

  // Terms are cut where all else gives too few units for the threads.
  void plan_units() {
    slices_ =
        sums_size_ <= kMaxSlicedSums ? std::clamp<int64_t>(positions_ / kSlicePositions, 1, kMaxSlices) : 1;
    slice_ = ceil_div(positions_, slices_);
    const int64_t products = slices_ * s_.groups * panels_;
    const int64_t wanted = ceil_div(4 * num_threads(), products);
    cuts_ = std::max(std::clamp<int64_t>(wanted, 1, ceil_div(k_, kMinUnitTerms)),
                     slices_ == 1 ? ceil_div(k_, kMaxUnitTerms) : 1);
  }

  Unit unit(int64_t index) const {
    Unit u;
    const int64_t cut = index % cuts_;
    u.panel = index / cuts_ % panels_;
    u.group = index / (cuts_ * panels_) % s_.groups;
    u.slice = index / (cuts_ * panels_ * s_.groups);
    u.term = k_ * cut / cuts_;
    u.terms = k_ * (cut + 1) / cuts_ - u.term;
    u.width = std::min(round_up(oc_ - u.panel * panel_, lanes_), panel_);
    u.count = std::min(u.width, oc_ - u.panel * panel_);
    return u;
  }
  int64_t sums_at(const Unit& u) const {
    return ((u.slice * s_.groups + u.group) * panels_ + u.panel) * k_ * panel_ + u.term * u.width;
  }

  // sums[terms, width] = patches * gradients of the slice.
  void multiply(const Unit& u, const T* padded, T* sums) const {
    const Workspace gradients(bytes_of<T>(kBlockPositions * u.width + kPaddedSlack));
    const int64_t end = std::min((u.slice + 1) * slice_, positions_);
    std::vector<PatchRun> runs;
    PatchGradient<T> a;
    a.sums = sums;
    a.m = u.terms;
    a.padded = padded + u.group * ic_ * plane_.size();
    a.offset = offset_.data() + u.term;
    a.gy = gradients.as<T>();
    a.width = u.width;
    a.accumulate = false;
    for (int64_t first = u.slice * slice_; first < end; first += kBlockPositions, a.accumulate = true) {
      const int64_t n = std::min(kBlockPositions, end - first);
      transpose_gradients(u, first, n, gradients.as<T>());
      runs.clear();
      cut_runs(plane_, s_.out, s_.in_channels * plane_.size(), first, n, runs);
      a.runs = runs.data();
      a.n_runs = static_cast<int64_t>(runs.size());
      conv_kernels<T>().weight_gradient(a);
    }
  }
  // to[position, width] of positions [first, first + n) of all images.
  void transpose_gradients(const Unit& u, int64_t first, int64_t n, T* to) const {
    const int64_t size = s_.out_size(), channel = u.group * oc_ + u.panel * panel_;
    for (int64_t j = 0; j < n;) {
      const int64_t image = (first + j) / size, at = (first + j) % size;
      const int64_t length = std::min(size - at, n - j);
      gemm_kernels<T>().pack(to + j * u.width, u.width,
                             t_.gy + (image * s_.out_channels + channel) * size + at, size, 1, u.count,
                             length);
      j += length;
    }
  }

  void store_output(const Unit& u, const T* total) const {
    const Workspace scratch(bytes_of<T>(u.terms * u.width + kPaddedSlack));
    store_transposed(total, u.width, u.count, u.terms, scratch.as<T>(),
                     t_.gw + (u.group * oc_ + u.panel * panel_) * k_ + u.term, k_);
  }

  void add_slices(T* sums) const {
    for_units(s_.groups * panels_, static_cast<double>(slices_ * sums_size_) * 4, [&](int64_t index) {
      Unit u = unit(index * cuts_);  // all terms of it
      u.term = 0;
      u.terms = k_;
      T* const total = sums + index * k_ * panel_;
      for (int64_t slice = 1; slice < slices_; ++slice) {
        const T* const part = total + slice * sums_size_;
        for (int64_t i = 0; i < k_ * u.width; ++i) total[i] += part[i];
      }
      store_output(u, total);
    });
  }

  const ConvShape& s_;
  const WeightGradOperands<T>& t_;
  const Taps& taps_;
  const int64_t ic_, oc_, k_;             // channels of a group; terms of an output channel
  const int64_t lanes_, panel_, panels_;  // output channels of a panel: two vectors
  const int64_t positions_;               // of all images
  const PaddedPlane plane_;
  const std::vector<int64_t> offset_;  // of every term
  const int64_t sums_size_;            // of a slice
  int64_t slices_, slice_, cuts_;      // slice_: positions of one; cuts_: of the terms
};

}  // namespace

template <class T>
void store_transposed(const T* sums, int64_t width, int64_t count, int64_t terms, T* scratch, T* gw,
                      int64_t k) {
  gemm_kernels<T>().pack(scratch, terms, sums, width, 1, terms, count);
  for (int64_t i = 0; i < count; ++i) std::copy_n(scratch + i * terms, terms, gw + i * k);
}

template <class T>
void implicit_gemm_weight_grad(const ConvProblem& problem, const WeightGradOperands<T>& t) {
  WeightGrad<T>(problem, t).run();
}

#define PLAIT_INSTANTIATE(T)                                                               \
  template void store_transposed<T>(const T*, int64_t, int64_t, int64_t, T*, T*, int64_t); \
  template void implicit_gemm_weight_grad<T>(const ConvProblem&, const WeightGradOperands<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::conv
