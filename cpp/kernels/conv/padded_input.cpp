// SPDX-License-Identifier: MIT
#include "kernels/conv/padded_input.h"

#include <algorithm>
#include <limits>

namespace plait::conv {

PaddedPlane padded_plane(const int64_t* in, const int64_t* stride, const std::vector<Phase>& phases) {
  PaddedPlane plane;
  for (int i = 0; i < 3; ++i) {
    constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
    int64_t low = kNone, high = 0, last = 0;  // the least and the greatest element read, the greatest tap
    for (const Phase& p : phases) {
      if (p.positions() == 0) continue;
      for (const int64_t t : p.taps.axis(i)) {
        if (low == kNone) low = high = last = t;
        low = std::min(low, t);
        last = std::max(last, t);
        high = std::max(high, t + (p.grid[i] - 1) * stride[i]);
      }
    }
    if (low == kNone) low = 0;
    plane.in[i] = in[i];
    plane.before[i] = -low;
    plane.stride[i] = stride[i];
    plane.phases[i] = std::min(stride[i], last - low + 1);
    plane.cells[i] = ceil_div(high - low + 1, stride[i]);
  }
  return plane;
}

int64_t images_at_once(int64_t images, int64_t image_bytes) {
  return std::clamp<int64_t>(tuning().padded_bytes / image_bytes, 1, images);
}

template <class T>
void pad_planes(const PaddedPlane& plane, T* dst, const T* src, int64_t planes) {
  const int64_t size = plane.in[0] * plane.in[1] * plane.in[2];
  parallel_for(planes, std::max<int64_t>(1, kGrainElements / plane.size()), [&](int64_t begin, int64_t end) {
    conv_kernels<T>().pad(plane, dst + begin * plane.size(), src + begin * size, end - begin);
  });
}

std::vector<int64_t> tap_offsets(const PaddedPlane& plane, const Taps& taps, int64_t channels,
                                 int64_t channel_stride) {
  std::vector<int64_t> offset;
  offset.reserve(static_cast<size_t>(channels * taps.size()));
  for (int64_t c = 0; c < channels; ++c) {
    for (size_t t = 0; t < taps.d.size(); ++t) {
      offset.push_back(c * channel_stride + plane.at(taps.d[t] + plane.before[0], taps.h[t] + plane.before[1],
                                                     taps.w[t] + plane.before[2]));
    }
  }
  return offset;
}

void cut_runs(const PaddedPlane& plane, const int64_t* grid, int64_t image_stride, int64_t first,
              int64_t count, std::vector<PatchRun>& runs) {
  int64_t w = first % grid[2], h = first / grid[2] % grid[1], d = first / (grid[1] * grid[2]) % grid[0];
  int64_t image = first / (grid[0] * grid[1] * grid[2]);
  for (int64_t column = 0; column < count;) {
    const int64_t length = std::min(grid[2] - w, count - column);
    runs.push_back({column, length, image * image_stride + plane.position(d, h, w)});
    column += length;
    w = 0;
    if (++h < grid[1]) continue;
    h = 0;
    if (++d < grid[0]) continue;
    d = 0;
    ++image;
  }
}

template <class T>
void append_vectors(std::vector<PatchVector<T>>& vectors, int64_t base, int64_t length, int64_t column,
                    int64_t stride) {
  using Lane = std::remove_reference_t<decltype(PatchVector<T>::lanes[0])>;
  const int64_t width = conv_kernels<T>().lanes;
  for (int64_t i = 0; i < length; ++i) {
    PatchVector<T>* v = vectors.empty() ? nullptr : &vectors.back();
    if (!v || base + i < v->base || base + i >= v->base + width ||
        v->column + v->count * stride != column + i * stride) {
      vectors.push_back({{}, base + i, 0, column + i * stride});
      v = &vectors.back();
    }
    v->lanes[v->count++] = static_cast<Lane>(base + i - v->base);
  }
}

Grid::Grid(const std::vector<Phase>& phases) {
  for (const Phase& p : phases) {
    for (int i = 0; i < 3; ++i) size[i] = std::max(size[i], p.grid[i]);
  }
}

Tile tile_within(const PaddedPlane& plane, const int64_t* grid, int64_t channels, int64_t limit) {
  constexpr int64_t kMinColumns = 512;  // shorter rows would be cut into many ends
  Tile t{grid[1], grid[2]};
  const auto elements = [&] {
    return channels * plane.phases[0] * plane.phases[1] * plane.phases[2] * plane.cells[0] *
           (plane.cells[1] - grid[1] + t.h) * (plane.cells[2] - grid[2] + t.w);
  };
  while (t.h > 1 && elements() > limit) t.h = ceil_div(t.h, 2);
  while (t.w > kMinColumns && elements() > limit) t.w = ceil_div(t.w, 2);
  return t;
}

std::vector<Phase> tiled_phases(std::vector<Phase> phases, const Tile& tile) {
  for (Phase& p : phases) {
    p.grid[1] = std::min(p.grid[1], tile.h);
    p.grid[2] = std::min(p.grid[2], tile.w);
  }
  return phases;
}

#define PLAIT_INSTANTIATE(T)                                              \
  template void pad_planes<T>(const PaddedPlane&, T*, const T*, int64_t); \
  template void append_vectors<T>(std::vector<PatchVector<T>>&, int64_t, int64_t, int64_t, int64_t);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::conv
