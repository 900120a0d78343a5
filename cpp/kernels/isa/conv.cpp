// SPDX-License-Identifier: MIT
// Patches of an image as GEMM panels: for each (channel, tap) a row of the panel is the image row shifted by
// the tap, cut at the border. With a step of one it is copied by masked vectors; the panel is bound by L1/L2
// bandwidth and its cost is shared by all output channels. Depthwise rows keep a vector of outputs in a
// register over all taps; they are bound by loads, one per multiply-add.
#include "kernels/conv.h"

#include "kernels/isa/row.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
PLAIT_INLINE void copy(T* dst, const T* src, int64_t n) {
  constexpr int64_t kN = kLanes<T>;
  int64_t i = 0;
  for (; i + kN <= n; i += kN) store(dst + i, load(src + i));
  if (i < n) store_n(dst + i, load_n(src + i, n - i), n - i);
}

template <class T>
PLAIT_INLINE void clear(T* dst, int64_t n) {
  using V = Vec<T>;
  constexpr int64_t kN = kLanes<T>;
  int64_t i = 0;
  for (; i + kN <= n; i += kN) store(dst + i, V{});
  if (i < n) store_n(dst + i, V{}, n - i);
}

template <class T>
void pack_patches(const PatchArgs<T>& a) {
  int64_t channel = a.k0 / a.taps, tap = a.k0 % a.taps;
  const int64_t plane = a.h * a.w;
  const T* image = a.src + channel * a.channel_stride;
  for (int64_t p = 0; p < a.k; ++p) {
    T* row = a.dst + p * a.width;
    int64_t column = 0;
    for (int64_t r = 0; r < a.n_runs; ++r) {
      const PatchRun& run = a.runs[r];
      const int64_t d = run.d + a.tap_d[tap], h = run.h + a.tap_h[tap], w = run.w + a.tap_w[tap];
      T* out = row + run.column;
      column = run.column + run.length;
      if (static_cast<uint64_t>(d) >= static_cast<uint64_t>(a.d) ||
          static_cast<uint64_t>(h) >= static_cast<uint64_t>(a.h)) {
        clear(out, run.length);
        continue;
      }
      const T* src = image + d * plane + h * a.w;
      const Range in = inside(w, a.step_w, run.length, a.w);
      if (in.lo > 0) clear(out, in.lo);
      if (a.step_w == 1) {
        copy(out + in.lo, src + w + in.lo, in.hi - in.lo);
      } else {
        for (int64_t i = in.lo; i < in.hi; ++i) out[i] = src[w + i * a.step_w];
      }
      if (in.hi < run.length) clear(out + in.hi, run.length - in.hi);
    }
    if (column < a.width) clear(row + column, a.width - column);
    if (++tap == a.taps) {
      tap = 0;
      image += a.channel_stride;
    }
  }
}

template <class T>
void depthwise_row(const DepthwiseRow<T>& a) {
  using V = Vec<T>;
  constexpr int64_t kN = kLanes<T>;
  for (int64_t i = 0; i < a.n; i += kN) {
    const int64_t n = a.n - i < kN ? a.n - i : kN;
    V sum = splat<V>(a.bias);
    for (int64_t t = 0; t < a.taps; ++t) {
      if (a.row[t] < 0) continue;
      sum += splat<V>(a.weight[t]) *
             load_row<T>(a.src + a.row[t], a.w, i * a.step + a.shift[t], a.step, n, T(0));
    }
    if (n == kN) {
      store(a.y + i, sum);
    } else {
      store_n(a.y + i, sum, n);
    }
  }
}

template <class T>
void depthwise_grad(const DepthwiseGrad<T>& a) {
  using V = Vec<T>;
  constexpr int64_t kN = kLanes<T>;
  static_assert(kDepthwiseLanes % kN == 0);
  for (int64_t t = 0; t < a.taps; ++t) {
    if (a.row[t] < 0) continue;
    T* lanes = a.gw + t * kDepthwiseLanes;
    V sum = load(lanes);
    for (int64_t i = 0; i < a.n; i += kN) {
      const int64_t n = a.n - i < kN ? a.n - i : kN;
      const V gy = n == kN ? load(a.gy + i) : load_n(a.gy + i, n);
      sum += gy * load_row<T>(a.src + a.row[t], a.w, i * a.step + a.shift[t], a.step, n, T(0));
    }
    store(lanes, sum);
  }
}

template <class T>
constexpr ConvKernels<T> kKernels = {pack_patches<T>, depthwise_row<T>, depthwise_grad<T>};

}  // namespace

void fill_conv(KernelTable& table) {
  table.conv.f32 = kKernels<float>;
  table.conv.f64 = kKernels<double>;
}

}  // namespace plait::PLAIT_ISA_NS
