// SPDX-License-Identifier: MIT
// Packing is a transpose of (mr output channels x taps). Bound: by memory, in backward data by pages: input
// channels of one output channel lie out_channels * taps elements apart.
#include "kernels/conv/packed_weights.h"

#include <algorithm>
#include <cstring>

#include "core/workspace.h"

namespace plait::conv {

template <class T>
PackedWeights<T>::PackedWeights(const Correlation& c, int64_t taps, const std::vector<int64_t>* index)
    : index_(index),
      taps_(taps),
      groups_(c.groups),
      channels_(c.group_in_channels),
      out_channels_(c.group_out_channels) {
  const GemmKernels<T>& kern = gemm_kernels<T>();
  block_ = ceil_div(channels_, ceil_div(channels_ * taps_, kern.kc));
  mr_ = ceil_div(out_channels_, ceil_div(out_channels_, kern.mr));
  panels_ = ceil_div(out_channels_, mr_);
  blocks_ = ceil_div(channels_, block_);
  panel_ = round_up(mr_ * block_ * taps_, kSpare) + kSpare;
}

template <class T>
bool PackedWeights<T>::reads_in_place(const Correlation& c, int64_t positions) const {
  return c.w_in_stride == taps_ && positions <= tuning().unpacked_weight_panels * gemm_kernels<T>().nr;
}

template <class T>
void PackedWeights<T>::pack(const Correlation& c, const T* w, T* packed) const {
  parallel_for(c.groups * blocks_ * panels_, std::max<int64_t>(1, kGrainElements / panel_),
               [&](int64_t begin, int64_t end) {
                 for (int64_t u = begin; u < end; ++u) {
                   const int64_t block = u / panels_ % blocks_, c0 = block * block_;
                   const int64_t channels = std::min(block_, channels_ - c0);
                   pack_channels(c, w, u / (panels_ * blocks_), u % panels_, c0, channels,
                                 packed + u * panel_);
                 }
               });
}

// Each channel's taps are transposed once and distributed to the phases.
template <class T>
void PackedWeights<T>::pack_phases(const Correlation& c, const T* w, const std::vector<PackedWeights>& phases,
                                   T* packed) {
  const PackedWeights all(c, c.taps, nullptr);
  const int64_t size = all.panel_ * all.blocks_;
  parallel_for(c.groups * all.panels_, std::max<int64_t>(1, kGrainElements / size),
               [&](int64_t begin, int64_t end) {
                 const Workspace taps(bytes_of<T>(c.taps * all.mr_ + kSpare));
                 for (int64_t u = begin; u < end; ++u) {
                   const int64_t group = u / all.panels_, panel = u % all.panels_;
                   for (int64_t ch = 0; ch < c.group_in_channels; ++ch) {
                     all.pack_channels(c, w, group, panel, ch, 1, taps.as<T>());
                     all.distribute(phases, taps.as<T>(), group, panel, ch, packed);
                   }
                 }
               });
}

// taps (c.taps, mr) of a channel to the panels of the phases.
template <class T>
void PackedWeights<T>::distribute(const std::vector<PackedWeights>& phases, const T* taps, int64_t group,
                                  int64_t panel, int64_t channel, T* packed) const {
  for (const PackedWeights& phase : phases) {
    T* dst = phase.row(packed, group, panel, channel);
    for (const int64_t index : *phase.index_) {
      // More than a row, of a length that needs no call: the next one overwrites it.
      std::memcpy(dst, taps + index * mr_, kSpare * sizeof(T));
      dst += mr_;
    }
    packed += groups_ * phase.size();
  }
}

// All taps of some channels: dst (channels, taps, mr).
template <class T>
void PackedWeights<T>::pack_channels(const Correlation& c, const T* w, int64_t group, int64_t panel,
                                     int64_t channel, int64_t channels, T* dst) const {
  constexpr int64_t kPrefetchChannels = 4;
  const auto& kern = gemm_kernels<T>();
  const int64_t r0 = panel * mr_, count = std::min(mr_, out_channels_ - r0);
  const T* from = w + group * c.w_group_stride + r0 * c.w_out_stride + channel * c.w_in_stride;
  if (c.w_in_stride == taps_) {  // the sum of an output channel lies in memory in its order
    return kern.pack(dst, mr_, from, c.w_out_stride, 1, count, channels * taps_);
  }
  for (int64_t ch = channel; ch < channel + channels; ++ch, dst += taps_ * mr_, from += c.w_in_stride) {
    // Channels lie pages apart, which the hardware prefetcher does not predict.
    const T* const next = from + (std::min(ch + kPrefetchChannels, channels_ - 1) - ch) * c.w_in_stride;
    for (int64_t e = 0; e < count * c.w_out_stride; e += 64 / sizeof(T)) __builtin_prefetch(next + e);
    kern.pack(dst, mr_, from, c.w_out_stride, 1, count, taps_);
  }
}

template class PackedWeights<float>;
template class PackedWeights<double>;

}  // namespace plait::conv
