// SPDX-License-Identifier: MIT
// Where the taps of a group read is computed once for all of its channels. Threads take channels; the
// derivatives of positions sum over the channels of a group, so there they take taps.
#include "kernels/vision/deform_driver.h"

#include <algorithm>
#include <vector>

#include "core/parallel.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"
#include "kernels/vision/plane_positions.h"

namespace plait {
namespace {

// The positions of all taps of an image.
template <class T>
class TapPositions : public PlanePositions<T> {
 public:
  TapPositions(const DeformShape& s, const T* offset, const T* mask)
      : PlanePositions<T>(s.height, s.width, s.groups * s.taps() * s.out()), s_(s), mask_(mask) {
    const int64_t grain = std::max<int64_t>(1, kGrainElements / (8 * std::max<int64_t>(1, s.out())));
    parallel_for(s.groups * s.taps(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) find(row, offset + row * 2 * s.out());
    });
  }

  // All outputs of a tap, numbered through the groups.
  PlanePoints<T> row(int64_t row) const {
    const int64_t at = row * s_.out();
    return this->points(at, s_.out(), mask_ ? mask_ + at : nullptr);
  }

 private:
  void find(int64_t row, const T* offset) {
    const int64_t tap = row % s_.taps(), kh = tap / s_.kernel[1], kw = tap % s_.kernel[1];
    int64_t i = row * s_.out();
    for (int64_t h = 0; h < s_.out_size[0]; ++h) {
      const auto top = static_cast<T>(h * s_.stride[0] - s_.pad[0] + kh * s_.dilation[0]);
      for (int64_t w = 0; w < s_.out_size[1]; ++w, ++i, ++offset) {
        const auto left = static_cast<T>(w * s_.stride[1] - s_.pad[1] + kw * s_.dilation[1]);
        this->set(i, top + offset[0], left + offset[s_.out()]);
      }
    }
  }

  const DeformShape s_;
  const T* const mask_;
};

// f(channel, first row of positions, plane as scratch) for all channels.
template <class T, class F>
void for_channels(const DeformShape& s, const TapPositions<T>& at, F f) {
  const int64_t work = std::max<int64_t>(1, 8 * s.taps() * s.out());
  parallel_for(s.channels, std::max<int64_t>(1, kGrainElements / work), [&](int64_t begin, int64_t end) {
    Workspace plane(static_cast<size_t>(at.plane_size()) * sizeof(T));
    for (int64_t c = begin; c < end; ++c) f(c, c * s.groups / s.channels * s.taps(), plane.as<T>());
  });
}

}  // namespace

template <class T>
void deform_columns(const DeformShape& s, const T* x, const T* offset, const T* mask, T* columns) {
  const TapPositions<T> at(s, offset, mask);
  for_channels(s, at, [&](int64_t c, int64_t row, T* plane) {
    at.pad(x + c * s.height * s.width, plane);
    for (int64_t t = 0; t < s.taps(); ++t)
      kernels().vision.of<T>().sample(at.row(row + t), plane, columns + (c * s.taps() + t) * s.out());
  });
}

template <class T>
void deform_columns_backward(const DeformShape& s, const T* x, const T* offset, const T* mask,
                             const T* g_columns, T* gx, T* g_offset, T* g_mask) {
  const TapPositions<T> at(s, offset, mask);
  const VisionKernels<T>& k = kernels().vision.of<T>();
  if (gx) {
    for_channels(s, at, [&](int64_t c, int64_t row, T* plane) {
      std::fill_n(plane, at.plane_size(), T(0));
      for (int64_t t = 0; t < s.taps(); ++t)
        k.sample_plane_grad(at.row(row + t), g_columns + (c * s.taps() + t) * s.out(), plane);
      at.crop(plane, gx + c * s.height * s.width);
    });
  }
  if (!g_offset) return;
  const int64_t group = s.channels / s.groups;
  Workspace planes(static_cast<size_t>(group * at.plane_size()) * sizeof(T));
  for (int64_t g = 0; g < s.groups; ++g) {
    parallel_for(group, 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c)
        at.pad(x + (g * group + c) * s.height * s.width, planes.as<T>() + c * at.plane_size());
    });
    parallel_for(s.taps(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t row = g * s.taps() + t;
        T *const g_fy = g_offset + row * 2 * s.out(), *const g_fx = g_fy + s.out();
        T* const g_factor = g_mask ? g_mask + row * s.out() : nullptr;
        std::fill_n(g_fy, 2 * s.out(), T(0));
        if (g_factor) std::fill_n(g_factor, s.out(), T(0));
        for (int64_t c = 0; c < group; ++c) {
          k.sample_point_grad(at.row(row), planes.as<T>() + c * at.plane_size(),
                              g_columns + ((g * group + c) * s.taps() + t) * s.out(), g_fy, g_fx, g_factor);
        }
      }
    });
  }
}

PLAIT_DEFORM_DRIVERS(template, float)
PLAIT_DEFORM_DRIVERS(template, double)

}  // namespace plait
