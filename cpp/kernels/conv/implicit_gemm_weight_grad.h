// SPDX-License-Identifier: MIT
// The gradient for the weights: gw[oc, (ic, tap)] = gy[oc, (n, pos)] * patches(x)^T[(n, pos), (ic, tap)].
#pragma once

#include <vector>

#include "core/workspace.h"
#include "kernels/conv/padded_input.h"

namespace plait::conv {

// Sums of `rows` pairs of channel and tap, [row][output channel], to gw[output channel][row]; `turned` has
// space for as many, and kFrameSlack.
template <class T>
void deliver_panel(const T* sums, int64_t width, int64_t count, int64_t rows, T* turned, T* gw, int64_t k) {
  gemm_kernels<T>().pack(turned, rows, sums, width, 1, rows, count);
  for (int64_t i = 0; i < count; ++i) std::copy_n(turned + i * rows, rows, gw + i * k);
}

// The rows (channel, tap) of the gradient times panels of output channels. A unit takes a slice of the
// positions, a panel and some of the rows; it turns its gradients and reads patches where they lie. Slices
// are summed in order, and how many there are depends on the problem alone.
template <class T>
void weight_grad(const ConvShape& s, const Taps& taps, const T* x, const T* gy, T* gw) {
  constexpr int64_t kDepth = 256;  // positions at once: their gradients take 32 KB
  constexpr int64_t kSliceDepth = 2048, kMaxSlices = 16, kMaxSums = int64_t{1} << 18;
  const int64_t ic = s.ic / s.groups, oc = s.oc / s.groups, k = ic * taps.size();
  const int64_t lanes = conv_kernels<T>().lanes, most = 2 * lanes, panels = ceil_div(oc, most);
  // Output channels of a panel, in whole vectors.
  const auto panel_width = [&](int64_t panel) { return std::min(round_up(oc - panel * most, lanes), most); };
  const int64_t P = s.out_size(), positions = s.n * P;
  const FrameShape f = frame_shape(s.in, s.stride, {forward_phase(s, taps)});
  const Workspace frames(sizeof(T) * static_cast<size_t>(s.n * s.ic * f.plane() + kFrameSlack));
  make_frames(f, frames.as<T>(), x, s.n * s.ic);
  const std::vector<int64_t> offset = tap_offsets(f, taps, ic, f.plane());

  const int64_t sums_size = s.groups * panels * k * most;
  const int64_t slices =
      sums_size <= kMaxSums ? std::clamp<int64_t>(positions / kSliceDepth, 1, kMaxSlices) : 1;
  const int64_t depth = ceil_div(positions, slices);
  const double work =
      static_cast<double>(positions * s.groups * round_up(oc, lanes)) * static_cast<double>(k);
  // Rows are cut where all else gives too few units for the threads; a unit turns as much as 8 rows cost.
  const int64_t products = slices * s.groups * panels;
  // Without slices a unit delivers its sums itself, while they are in its cache.
  constexpr int64_t kMostRows = 1024;
  const int64_t cuts =
      std::max(std::clamp<int64_t>(ceil_div(4 * num_threads(), products), 1, ceil_div(k, 56)),
               slices == 1 ? ceil_div(k, kMostRows) : 1);
  const Workspace sums(slices == 1 ? 0 : sizeof(T) * static_cast<size_t>(slices * sums_size));
  const auto deliver = [&](const T* total, int64_t group, int64_t panel, int64_t row, int64_t rows) {
    const int64_t width = panel_width(panel), count = std::min(width, oc - panel * most);
    const Workspace turned(sizeof(T) * static_cast<size_t>(rows * width + kFrameSlack));
    deliver_panel(total, width, count, rows, turned.as<T>(), gw + (group * oc + panel * most) * k + row, k);
  };
  for_units(products * cuts, work, [&](int64_t unit) {
    const int64_t cut = unit % cuts, panel = unit / cuts % panels, group = unit / (cuts * panels) % s.groups;
    const int64_t slice = unit / (cuts * panels * s.groups);
    const int64_t r0 = k * cut / cuts, end = std::min((slice + 1) * depth, positions);
    const int64_t width = panel_width(panel), count = std::min(width, oc - panel * most);
    const int64_t channel = group * oc + panel * most;
    const Workspace turned(sizeof(T) * static_cast<size_t>(kDepth * width + kFrameSlack));
    std::vector<PatchRun> runs;
    GradPatches<T> a;
    a.m = k * (cut + 1) / cuts - r0;
    const Workspace own(slices == 1 ? sizeof(T) * static_cast<size_t>(a.m * width) : 0);
    a.sums = slices == 1
                 ? own.as<T>()
                 : sums.as<T>() + ((slice * s.groups + group) * panels + panel) * k * most + r0 * width;
    a.frame = frames.as<T>() + group * ic * f.plane();
    a.offset = offset.data() + r0;
    a.gy = turned.as<T>();
    a.width = width;
    a.add = false;
    for (int64_t first = slice * depth; first < end; first += kDepth, a.add = true) {
      const int64_t n = std::min(kDepth, end - first);
      for (int64_t j = 0; j < n;) {
        const int64_t image = (first + j) / P, at = (first + j) % P, length = std::min(P - at, n - j);
        gemm_kernels<T>().pack(turned.as<T>() + j * width, width, gy + (image * s.oc + channel) * P + at, P,
                               1, count, length);
        j += length;
      }
      runs.clear();
      cut_runs(f, s.out, s.ic * f.plane(), first, n, runs);
      a.runs = runs.data();
      a.n_runs = static_cast<int64_t>(runs.size());
      conv_kernels<T>().patch_grad(a);
    }
    if (slices == 1) deliver(own.as<T>(), group, panel, r0, a.m);
  });
  if (slices == 1) return;
  for_units(s.groups * panels, static_cast<double>(slices * sums_size) * 4, [&](int64_t unit) {
    const int64_t panel = unit % panels;
    T* const total = sums.as<T>() + unit * k * most;
    for (int64_t slice = 1; slice < slices; ++slice) {
      const T* const part = total + slice * sums_size;
      for (int64_t i = 0; i < k * panel_width(panel); ++i) total[i] += part[i];
    }
    deliver(total, unit / panels, panel, 0, k);
  });
}

}  // namespace plait::conv
