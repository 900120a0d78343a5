// SPDX-License-Identifier: MIT
// Weights as row panels for the GEMM's micro-kernel: (blocks of channels, panels of output channels, channel,
// tap, mr). A block is of whole channels and at most the GEMM's kc deep.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/conv/conv_common.h"
#include "kernels/conv/problem.h"

namespace plait::conv {

// Of all groups of one phase.
template <class T>
class PackedWeights {
 public:
  // index: of the taps that take part; null for all
  PackedWeights(const Correlation& c, int64_t taps, const std::vector<int64_t>* index);

  // Few positions read weights where they lie, if they lie in the order of sums: packing would cost as much
  // as it saves.
  bool reads_in_place(const Correlation& c, int64_t positions) const;

  int64_t size() const { return blocks_ * panels_ * panel_; }  // of a group
  int64_t blocks() const { return blocks_; }
  int64_t depth() const { return block_ * taps_; }  // terms of a sum in a block, the last one apart
  int64_t depth(int64_t block) const { return std::min(block_, channels_ - block * block_) * taps_; }
  int64_t panels() const { return panels_; }
  int64_t mr() const { return mr_; }
  int64_t panel_stride() const { return panel_; }
  const T* at(const T* packed, int64_t group, int64_t block, int64_t panel) const {
    return packed + group * size() + (block * panels_ + panel) * panel_;
  }

  void pack(const Correlation& c, const T* w, T* packed) const;
  // Of all phases, one after the other.
  static void pack_phases(const Correlation& c, const T* w, const std::vector<PackedWeights>& phases,
                          T* packed);

 private:
  // Elements that packing may write past a panel, and at least a row of one.
  static constexpr int64_t kSpare = 16;

  void pack_channels(const Correlation& c, const T* w, int64_t group, int64_t panel, int64_t channel,
                     int64_t channels, T* dst) const;
  void distribute(const std::vector<PackedWeights>& phases, const T* taps, int64_t group, int64_t panel,
                  int64_t channel, T* packed) const;
  // Where the row of a channel's first tap lies.
  T* row(T* packed, int64_t group, int64_t panel, int64_t channel) const {
    return packed + (at(packed, group, channel / block_, panel) - packed) + channel % block_ * taps_ * mr_;
  }

  const std::vector<int64_t>* index_;
  int64_t taps_, groups_, channels_, out_channels_;
  int64_t block_, blocks_;  // channels of a block
  int64_t mr_, panels_, panel_;
};

extern template class PackedWeights<float>;
extern template class PackedWeights<double>;

}  // namespace plait::conv
