// SPDX-License-Identifier: MIT
// Taps, and the frames of images that they read.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/conv/conv_driver.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"

namespace plait::conv {

template <class T>
const ConvKernels<T>& conv_kernels() {
  if constexpr (sizeof(T) == 4) {
    return kernels().conv.f32;
  } else {
    return kernels().conv.f64;
  }
}
template <class T>
const GemmKernels<T>& gemm_kernels() {
  if constexpr (sizeof(T) == 4) {
    return kernels().gemm.f32;
  } else {
    return kernels().gemm.f64;
  }
}

// Calls f(unit) for all units, in up to as many threads as `work` multiply-adds are worth. No unit may depend
// on another one.
template <class F>
void for_units(int64_t units, double work, F&& f) {
  constexpr double kGrainWork = 5e5;
  const auto threads = static_cast<int64_t>(std::clamp(work / kGrainWork, 1.0, double(num_threads())));
  const int64_t chunks = threads == 1 || in_parallel_region() ? 1 : std::min(units, 8 * threads);
  parallel_chunks(chunks, [&](int64_t chunk) {
    for (int64_t u = units * chunk / chunks; u < units * (chunk + 1) / chunks; ++u) f(u);
  });
}

// The taps that take part. Tap t of the output position (d, h, w) reads source element (d*step + d[t], ...),
// which may lie outside the image.
struct Taps {
  std::vector<int64_t> d, h, w;
  std::vector<int64_t> index;  // in the kernel
  int64_t size() const { return static_cast<int64_t>(d.size()); }
  const std::vector<int64_t>& axis(int i) const { return i == 0 ? d : i == 1 ? h : w; }
};

// A grid of output positions and what it reads.
struct Phase {
  Taps taps;
  int64_t grid[3];
  int64_t start[3];  // where the first position lies in the output image
  int64_t positions() const { return grid[0] * grid[1] * grid[2]; }
};

// All outputs.
inline Phase forward_phase(const ConvShape& s, Taps taps) {
  Phase p{std::move(taps), {}, {0, 0, 0}};
  std::copy_n(s.out, 3, p.grid);
  return p;
}

// The frame that all phases can read without a look at its border.
inline FrameShape frame_shape(const int64_t* in, const int64_t* step, const std::vector<Phase>& phases) {
  FrameShape f;
  for (int i = 0; i < 3; ++i) {
    constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
    int64_t low = kNone, high = 0, last = 0;
    for (const Phase& p : phases) {
      if (p.positions() == 0) continue;
      for (const int64_t t : p.taps.axis(i)) {
        if (low == kNone) low = high = last = t;
        low = std::min(low, t);
        last = std::max(last, t);
        high = std::max(high, t + (p.grid[i] - 1) * step[i]);
      }
    }
    if (low == kNone) low = 0;
    f.in[i] = in[i];
    f.before[i] = -low;
    f.step[i] = step[i];
    f.phases[i] = std::min(step[i], last - low + 1);
    f.cells[i] = ceil_div(high - low + 1, step[i]);
  }
  return f;
}

// Frames of some images at a time: a part of the last cache, so that they are read from there.
inline int64_t images_at_once(int64_t images, int64_t image_bytes) {
  constexpr int64_t kFrameBytes = int64_t{1} << 24;
  return std::clamp<int64_t>(kFrameBytes / image_bytes, 1, images);
}
template <class T>
void make_frames(const FrameShape& f, T* frames, const T* src, int64_t planes) {
  const int64_t plane = f.in[0] * f.in[1] * f.in[2];
  parallel_for(planes, std::max<int64_t>(1, kGrainElements / f.plane()), [&](int64_t begin, int64_t end) {
    conv_kernels<T>().frame(f, frames + begin * f.plane(), src + begin * plane, end - begin);
  });
}

// offset[c*taps + t]: where tap t of channel c lies for the position 0.
inline std::vector<int64_t> tap_offsets(const FrameShape& f, const Taps& taps, int64_t channels,
                                        int64_t channel_stride) {
  std::vector<int64_t> offset;
  offset.reserve(static_cast<size_t>(channels * taps.size()));
  for (int64_t c = 0; c < channels; ++c) {
    for (size_t t = 0; t < taps.d.size(); ++t) {
      offset.push_back(c * channel_stride +
                       f.at(taps.d[t] + f.before[0], taps.h[t] + f.before[1], taps.w[t] + f.before[2]));
    }
  }
  return offset;
}

// Cuts positions [first, first + count) of the grids of neighbouring images into runs within rows.
inline void cut_runs(const FrameShape& f, const int64_t* grid, int64_t image_stride, int64_t first,
                     int64_t count, std::vector<PatchRun>& runs) {
  int64_t w = first % grid[2], h = first / grid[2] % grid[1], d = first / (grid[1] * grid[2]) % grid[0];
  int64_t image = first / (grid[0] * grid[1] * grid[2]);
  for (int64_t column = 0; column < count;) {
    const int64_t length = std::min(grid[2] - w, count - column);
    runs.push_back({column, length, image * image_stride + f.position(d, h, w)});
    column += length;
    w = 0;
    if (++h < grid[1]) continue;
    h = 0;
    if (++d < grid[0]) continue;
    d = 0;
    ++image;
  }
}

// Appends the run at columns from `column` on, `step` apart. It goes on in the last vector where the columns
// do.
template <class T>
void add_run(std::vector<PatchVector<T>>& vectors, int64_t base, int64_t length, int64_t column,
             int64_t step = 1) {
  using Lane = std::remove_reference_t<decltype(PatchVector<T>::lanes[0])>;
  const int64_t width = conv_kernels<T>().lanes;
  for (int64_t i = 0; i < length; ++i) {
    PatchVector<T>* v = vectors.empty() ? nullptr : &vectors.back();
    if (!v || base + i < v->base || base + i >= v->base + width ||
        v->column + v->count * step != column + i * step) {
      vectors.push_back({{}, base + i, 0, column + i * step});
      v = &vectors.back();
    }
    v->lanes[v->count++] = static_cast<Lane>(base + i - v->base);
  }
}

}  // namespace plait::conv
