// SPDX-License-Identifier: MIT
// The gradient for the weights: gw[oc, (ic, tap)] = gy[oc, (n, pos)] * patches(x)^T[(n, pos), (ic, tap)].
#pragma once

#include <vector>

#include "core/workspace.h"
#include "kernels/conv/frames.h"

namespace plait::conv {

// Channels of a group and a batch of images as operand A: element (channel, (image, position)).
template <class T>
struct ChannelRows {
  const T* data;
  int64_t group_stride, batch_stride, channel_stride, positions;

  static void pack(const void* self, int64_t group, T* dst, int64_t width, int64_t i0, int64_t count,
                   int64_t k0, int64_t k) {
    const auto* g = static_cast<const ChannelRows*>(self);
    const T* const data = g->data + group * g->group_stride;
    for (int64_t p = 0; p < k;) {
      const int64_t image = (k0 + p) / g->positions, at = (k0 + p) % g->positions;
      const int64_t n = std::min(g->positions - at, k - p);
      gemm_kernels<T>().pack(dst + p * width, width,
                             data + image * g->batch_stride + i0 * g->channel_stride + at, g->channel_stride,
                             1, count, n);
      p += n;
    }
  }
};

// Patches transposed as operand B: element ((image, position), (channel, tap)).
template <class T>
struct PatchColumns {
  const T* frames;
  FrameShape shape;
  int64_t group_stride, image_stride;
  const int64_t* grid;
  std::vector<int64_t> offset;  // (channels * taps,)

  static void pack(const void* self, int64_t group, T* dst, int64_t width, int64_t i0, int64_t count,
                   int64_t k0, int64_t k) {
    const auto* c = static_cast<const PatchColumns*>(self);
    std::vector<PatchRun> runs;
    runs.reserve(static_cast<size_t>(k / c->grid[2] + 2));
    cut_runs(c->shape, c->grid, c->image_stride, k0, k, runs);
    PackPatches<T> a;
    a.dst = dst;
    a.width = width;
    a.frame = c->frames + group * c->group_stride;
    a.offset = c->offset.data() + i0;
    a.count = count;
    a.runs = runs.data();
    a.n_runs = static_cast<int64_t>(runs.size());
    conv_kernels<T>().pack_turned(a);
  }
};

inline Phase forward_phase(const ConvShape& s, Taps taps) {
  Phase p{std::move(taps), {}, {0, 0, 0}};
  std::copy_n(s.out, 3, p.grid);
  return p;
}

// One input channel per group: every tap of a channel is a dot product of two planes.
template <class T>
void weight_grad_direct(const ConvShape& s, const Taps& taps, const T* x, const T* gy, T* gw) {
  const FrameShape f = frame_shape(s.in, s.stride, {forward_phase(s, taps)});
  const std::vector<int64_t> offset = tap_offsets(f, taps, 1, f.plane());
  const int64_t multiplier = s.oc / s.ic;
  const double work = static_cast<double>(s.n * s.oc * s.out_size() * taps.size());
  // The sum of a channel runs over the images in order in one thread: the same bits at any number of threads.
  for_units(s.ic, 2 * work, [&](int64_t c) {
    const Workspace space(sizeof(T) * static_cast<size_t>(f.plane() + kFrameSlack));
    std::vector<T> sums(static_cast<size_t>(multiplier * taps.size() * kGradLanes));
    DirectGrad<T> a;
    a.gy_row = s.out[2];
    a.frame_row = f.cells[2];
    a.rows = s.out[1];
    a.n = s.out[2];
    a.taps = taps.size();
    a.offset = offset.data();
    for (int64_t image = 0; image < s.n; ++image) {
      conv_kernels<T>().frame(f, space.as<T>(), x + (image * s.ic + c) * s.in_size(), 1);
      for (int64_t m = 0; m < multiplier; ++m) {
        for (int64_t d = 0; d < s.out[0]; ++d) {
          a.sums = sums.data() + m * taps.size() * kGradLanes;
          a.gy = gy + (image * s.oc + c * multiplier + m) * s.out_size() + d * s.out[1] * s.out[2];
          a.frame = space.as<T>() + f.position(d, 0, 0);
          conv_kernels<T>().direct_grad(a);
        }
      }
    }
    for (int64_t t = 0; t < multiplier * taps.size(); ++t) {
      T sum = 0;
      for (int64_t l = 0; l < kGradLanes; ++l) sum += sums[static_cast<size_t>(t * kGradLanes + l)];
      gw[c * multiplier * taps.size() + t] = sum;
    }
  });
}

template <class T>
void weight_grad(const ConvShape& s, const Taps& taps, const T* x, const T* gy, T* gw) {
  const int64_t ic = s.ic / s.groups, oc = s.oc / s.groups, k = ic * taps.size();
  const FrameShape f = frame_shape(s.in, s.stride, {forward_phase(s, taps)});
  const Workspace frames(sizeof(T) * static_cast<size_t>(s.n * s.ic * f.plane() + kFrameSlack));
  make_frames(f, frames.as<T>(), x, s.n * s.ic);
  const ChannelRows<T> rows = {gy, oc * s.out_size(), s.oc * s.out_size(), s.out_size(), s.out_size()};
  const PatchColumns<T> columns = {frames.as<T>(),   f,     ic * f.plane(),
                                   s.ic * f.plane(), s.out, tap_offsets(f, taps, ic, f.plane())};
  const PanelSource<T> a_source = {ChannelRows<T>::pack, &rows}, b_source = {PatchColumns<T>::pack, &columns};
  GemmArgs<T> a;
  a.m = oc;
  a.n = k;
  a.k = s.n * s.out_size();
  a.batch = s.groups;
  a.a.source = &a_source;
  a.b.source = &b_source;
  a.c = gw;
  a.c_rs = k;
  a.c_bs = oc * k;
  gemm(a);
}

}  // namespace plait::conv
