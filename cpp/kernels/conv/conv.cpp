// SPDX-License-Identifier: MIT
// Three products on one engine, for each group:
//   forward          y[oc, pos]   = W[oc, (ic, tap)] * patches(x)[(ic, tap), pos]
//   backward data    gx[ic, pos'] = W'[ic, (oc, tap)] * patches(gy)[(oc, tap), pos'], once per phase of the
//                    stride: positions of equal remainder see the same taps, as a convolution of step 1
//   backward weight  gw[oc, (tap, ic)] = gy[oc, (n, pos)] * patches(x)^T[(n, pos), (tap, ic)]
#include "kernels/conv/conv.h"

#include "core/workspace.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/operands.h"

namespace plait {
namespace {

using namespace conv;  // NOLINT: the pieces of this file, kept in headers of its own

// Calls f(kd, kh, kw, index) for every tap of the kernel.
template <class F>
void for_taps(const ConvShape& s, F&& f) {
  int64_t index = 0;
  for (int64_t kd = 0; kd < s.kernel[0]; ++kd) {
    for (int64_t kh = 0; kh < s.kernel[1]; ++kh) {
      for (int64_t kw = 0; kw < s.kernel[2]; ++kw) f(kd, kh, kw, index++);
    }
  }
}

Taps forward_taps(const ConvShape& s) {
  Taps t;
  for_taps(s, [&](int64_t kd, int64_t kh, int64_t kw, int64_t index) {
    t.d.push_back(kd * s.dilation[0] - s.pad[0]);
    t.h.push_back(kh * s.dilation[1] - s.pad[1]);
    t.w.push_back(kw * s.dilation[2] - s.pad[2]);
    t.index.push_back(index);
  });
  return t;
}

// x[start + i*stride] is read by tap k of output (start + pad - k*dilation) / stride + i, where that is
// whole.
Taps phase_taps(const ConvShape& s, const int64_t* start) {
  Taps t;
  for_taps(s, [&](int64_t kd, int64_t kh, int64_t kw, int64_t index) {
    const int64_t k[3] = {kd, kh, kw};
    int64_t at[3];
    for (int i = 0; i < 3; ++i) {
      at[i] = start[i] + s.pad[i] - k[i] * s.dilation[i];
      if (at[i] % s.stride[i] != 0) return;
      at[i] /= s.stride[i];
    }
    t.d.push_back(at[0]);
    t.h.push_back(at[1]);
    t.w.push_back(at[2]);
    t.index.push_back(index);
  });
  return t;
}

bool unit_stride(const ConvShape& s) { return s.stride[0] == 1 && s.stride[1] == 1 && s.stride[2] == 1; }
bool is_pointwise(const ConvShape& s) {
  return s.taps() == 1 && unit_stride(s) && s.pad[0] == 0 && s.pad[1] == 0 && s.pad[2] == 0 &&
         std::equal(s.in, s.in + 3, s.out);
}
bool is_depthwise(const ConvShape& s) { return s.groups == s.ic && s.groups > 1; }

// Operand B: the image itself where patches are single elements in order.
template <class T>
void set_patches(GemmOperand<T>& b, const Patches<T>& patches, const PanelSource<T>& source, bool pointwise) {
  if (!pointwise) {
    b.source = &source;
    return;
  }
  b.data = patches.image;
  b.rs = patches.channel_stride;
  b.cs = 1;
  b.bs = patches.batch_stride;
}

// Weights (oc, ic, taps) of a group as (ic, oc, the taps of a phase).
template <class T>
void turn_weights(const T* w, int64_t oc, int64_t ic, int64_t all_taps, const Taps& taps, T* out) {
  const int64_t n = taps.size();
  parallel_for(ic, std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, oc * n)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t c = begin; c < end; ++c) {
                   for (int64_t o = 0; o < oc; ++o) {
                     const T* src = w + (o * ic + c) * all_taps;
                     T* dst = out + (c * oc + o) * n;
                     for (int64_t t = 0; t < n; ++t) dst[t] = src[taps.index[static_cast<size_t>(t)]];
                   }
                 }
               });
}

}  // namespace

template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const T* bias, T* y) {
  const Taps taps = forward_taps(s);
  if (is_depthwise(s)) return depthwise_forward(s, taps, x, w, bias, y);
  const int64_t ic = s.ic / s.groups, oc = s.oc / s.groups, k = ic * s.taps();
  for (int64_t g = 0; g < s.groups; ++g) {
    const Patches<T> patches = {
        x + g * ic * s.in_size(), s.ic * s.in_size(), s.in_size(), s.in, s.out, s.stride, &taps};
    const PanelSource<T> source = {Patches<T>::pack, &patches};
    GemmArgs<T> a;
    a.m = oc;
    a.n = s.out_size();
    a.k = k;
    a.batch = s.n;
    a.a.data = w + g * oc * k;
    a.a.rs = k;
    a.a.cs = 1;
    set_patches(a.b, patches, source, is_pointwise(s));
    a.c = y + g * oc * s.out_size();
    a.c_rs = s.out_size();
    a.c_bs = s.oc * s.out_size();
    a.epilogue.row_bias = bias ? bias + g * oc : nullptr;
    gemm(a);
  }
}

template <class T>
void conv_backward_data(const ConvShape& s, const T* gy, const T* w, const T* bias, T* gx) {
  const int64_t ic = s.ic / s.groups, oc = s.oc / s.groups;
  const int64_t* st = s.stride;
  const int64_t one[3] = {1, 1, 1};
  for (int64_t phase = 0; phase < st[0] * st[1] * st[2]; ++phase) {
    const int64_t start[3] = {phase / (st[1] * st[2]), phase / st[2] % st[1], phase % st[2]};
    int64_t grid[3];
    for (int i = 0; i < 3; ++i) grid[i] = s.in[i] > start[i] ? (s.in[i] - start[i] - 1) / st[i] + 1 : 0;
    const int64_t positions = grid[0] * grid[1] * grid[2];
    if (positions == 0) continue;
    const Taps taps = phase_taps(s, start);
    if (is_depthwise(s) && s.oc == s.ic &&
        unit_stride(s)) {  // one phase: a convolution with the taps mirrored
      ConvShape turned = s;
      std::copy_n(s.out, 3, turned.in);
      std::copy_n(s.in, 3, turned.out);
      return depthwise_forward(turned, taps, gy, w, bias, gx);
    }
    const int64_t k = oc * taps.size();
    const Workspace space(sizeof(T) * static_cast<size_t>(std::max<int64_t>(1, ic * k)));
    T* turned = space.as<T>();
    for (int64_t g = 0; g < s.groups; ++g) {
      turn_weights(w + g * oc * ic * s.taps(), oc, ic, s.taps(), taps, turned);
      const Patches<T> patches = {
          gy + g * oc * s.out_size(), s.oc * s.out_size(), s.out_size(), s.out, grid, one, &taps};
      const PanelSource<T> source = {Patches<T>::pack, &patches};
      const PhaseSink<T> phase_sink = {
          gx + g * ic * s.in_size(), s.ic * s.in_size(), s.in_size(), s.in, grid, start, st};
      const TileSink<T> sink = {PhaseSink<T>::store, &phase_sink};
      GemmArgs<T> a;
      a.m = ic;
      a.n = positions;
      a.k = k;
      a.batch = s.n;
      a.a.data = turned;
      a.a.rs = k;
      a.a.cs = 1;
      set_patches(a.b, patches, source, is_pointwise(s));
      if (unit_stride(s)) {
        a.c = phase_sink.image;
        a.c_rs = s.in_size();
        a.c_bs = s.ic * s.in_size();
      } else {
        a.sink = &sink;
      }
      a.epilogue.row_bias = bias ? bias + g * ic : nullptr;
      gemm(a);
    }
  }
}

template <class T>
void conv_backward_weight(const ConvShape& s, const T* x, const T* gy, T* gw) {
  const Taps taps = forward_taps(s);
  if (is_depthwise(s)) return depthwise_backward_weight(s, taps, x, gy, gw);
  const int64_t ic = s.ic / s.groups, oc = s.oc / s.groups;
  for (int64_t g = 0; g < s.groups; ++g) {
    const ChannelRows<T> rows = {gy + g * oc * s.out_size(), s.oc * s.out_size(), s.out_size(), s.out_size()};
    const PatchColumns<T> columns = {
        x + g * ic * s.in_size(), s.ic * s.in_size(), s.in_size(), ic, &s, &taps};
    const PanelSource<T> a_source = {ChannelRows<T>::pack, &rows},
                         b_source = {PatchColumns<T>::pack, &columns};
    const WeightSink<T> weight_sink = {gw + g * oc * ic * s.taps(), ic, s.taps()};
    const TileSink<T> sink = {WeightSink<T>::store, &weight_sink};
    GemmArgs<T> a;
    a.m = oc;
    a.n = ic * s.taps();
    a.k = s.n * s.out_size();
    a.a.source = &a_source;
    a.b.source = &b_source;
    a.sink = &sink;
    gemm(a);
  }
}

#define PLAIT_INSTANTIATE(T)                                                               \
  template void conv_forward<T>(const ConvShape&, const T*, const T*, const T*, T*);       \
  template void conv_backward_data<T>(const ConvShape&, const T*, const T*, const T*, T*); \
  template void conv_backward_weight<T>(const ConvShape&, const T*, const T*, T*);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait
