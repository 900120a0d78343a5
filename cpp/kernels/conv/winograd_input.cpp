// SPDX-License-Identifier: MIT
#include "kernels/conv/winograd_input.h"

#include <algorithm>

namespace plait::conv {

WinogradSource::WinogradSource(const WinogradPlan& plan, const Correlation& c)
    : plan_(plan),
      channels_(c.group_in_channels),
      in_{c.in[1], c.in[2]},
      plane_(padded_plane(c.in, c.in_stride, c.phases)),
      padded_(plan.stride > 2),
      plane_size_(padded_ ? plane_.size() : c.in_size()) {}

int64_t WinogradSource::images_at_once(int64_t images) const {
  return padded_ ? conv::images_at_once(images, channels_ * plane_size_ * int64_t{sizeof(float)}) : images;
}

size_t WinogradSource::padded_bytes(int64_t images) const {
  return padded_ ? bytes_of<float>(images * channels_ * plane_size_ + kPaddedSlack) : 0;
}

void WinogradSource::select(const float* src, int64_t images, float* padded) {
  data_ = padded_ ? padded : src;
  if (padded_) pad_planes(plane_, padded, src, images * channels_);
}

void WinogradSource::transform(WinogradInput a, int64_t first, int64_t count) const {
  a.tile = plan_.tile;
  while (count > 0) {
    const int64_t part = first / channels_, c = first % channels_;
    a.channels = std::min(channels_ - c, count);
    std::fill_n(a.nonzero, 2, 0);
    for (const WinogradPlan::Kernel& k : plan_.kernels) {
      for (int i = 0; i < 2; ++i) a.nonzero[i] |= k.parts[part].nonzero[i];
    }
    a.src = data_ + c * plane_size_;
    locate(plan_.kernels.front().parts[part], a);
    kernels().conv.winograd.transform_input(a);
    a.v += a.channels * a.v_channel;
    first += a.channels;
    count -= a.channels;
  }
}

// Where the cells of a part lie in a plane.
void WinogradSource::locate(const WinogradPlan::Part& part, WinogradInput& a) const {
  const int64_t stride = plan_.stride, image = channels_ * plane_size_;
  if (padded_) {
    a.src += plane_.at(0, part.a, part.b);
    a.planes = {image, plane_size_, plane_.cells[1], plane_.cells[2], plane_.cells[2], 1};
    for (int i = 0; i < 2; ++i) a.before[i] = -part.start[i];
    return;
  }
  const int64_t low[2] = {plan_.low[0] + part.a, plan_.low[1] + part.b};
  int64_t first[2], cells[2];
  for (int i = 0; i < 2; ++i) {
    first[i] = (low[i] % stride + stride) % stride;
    cells[i] = ceil_div(in_[i] - first[i], stride);
    a.before[i] = -part.start[i] - (low[i] - first[i]) / stride;
  }
  a.src += first[0] * in_[1] + first[1];
  a.planes = {image, plane_size_, cells[0], cells[1], stride * in_[1], stride};
}

}  // namespace plait::conv
