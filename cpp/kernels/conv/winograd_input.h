// SPDX-License-Identifier: MIT
// The inputs of Winograd's algorithm, transformed tile by tile: of the images where they lie, or with strides
// of more than two of padded, phase-split copies of some of them.
#pragma once

#include "kernels/conv/padded_input.h"
#include "kernels/conv/winograd_plan.h"

namespace plait::conv {

// From one coefficient to the next: a line more than a multiple of lines, else all 36 would be conflict
// misses in the same sets of L1.
inline int64_t coefficient_stride(int64_t elements) { return round_up(elements, 16) + 16; }

class WinogradSource {
 public:
  WinogradSource(const WinogradPlan& plan, const Correlation& c);

  // How many images are padded at once, and what that takes.
  int64_t images_at_once(int64_t images) const;
  size_t padded_bytes(int64_t images) const;
  // Makes `images` images from src on (images, channels, *in) the ones that are read.
  void select(const float* src, int64_t images, float* padded);
  // All channels of all parts: part p has [p * in_channels, (p + 1) * in_channels).
  int64_t channels() const { return channels_ * plan_.n_parts(); }
  // Transforms channels [first, first + count): `a` says to where, and which tiles.
  void transform(WinogradInput a, int64_t first, int64_t count) const;

 private:
  void locate(const WinogradPlan::Part& part, WinogradInput& a) const;

  const WinogradPlan& plan_;
  const int64_t channels_;
  const int64_t in_[2];
  const PaddedPlane plane_;
  const bool padded_;
  const int64_t plane_size_;  // elements of a channel where it is read
  const float* data_ = nullptr;
};

}  // namespace plait::conv
