// SPDX-License-Identifier: MIT
// What the per-ISA part of convolution computes: panels of image patches for the GEMM engine, and rows of
// depthwise convolution. Plain data only; the driver is conv/conv.h.
#pragma once

#include <cstdint>

namespace plait {

// Output positions that lie in one row of the output: panel columns [column, column + length). Tap t of the
// first of them reads source element (d + tap_d[t], h + tap_h[t], w + tap_w[t]); the following ones are
// step_w further along w each. Source elements outside the image are zero.
struct PatchRun {
  int64_t column, length;
  int64_t d, h, w;
};

// dst[p*width + column] for p < k: row p is channel (k0 + p) / taps, tap (k0 + p) % taps. Columns no run
// covers are set to zero.
template <class T>
struct PatchArgs {
  T* dst;
  int64_t width;
  const T* src;  // (channels, d, h, w), contiguous within a channel
  int64_t channel_stride;
  int64_t d, h, w;
  int64_t k0, k;
  int64_t taps;
  const int64_t *tap_d, *tap_h, *tap_w;  // (taps,)
  const PatchRun* runs;
  int64_t n_runs;
  int64_t step_w;
};

// One row of a convolution whose every output channel reads one input channel:
//   y[i] = bias + sum_t weight[t] * row_t[i*step + shift[t]],  with row_t[j] = 0 outside [0, w)
// for i < n, where row_t = src + row[t], and a negative row[t] leaves tap t out.
template <class T>
struct DepthwiseRow {
  T* y;
  int64_t n;
  const T* src;
  int64_t w;
  int64_t taps;
  const int64_t *row, *shift;  // (taps,)
  const T* weight;             // (taps,)
  T bias;
  int64_t step;
};

// gw[t] += sum_i gy[i] * row_t[i*step + shift[t]], the rows as above.
template <class T>
struct DepthwiseGrad {
  T* gw;  // (taps, lanes): partial sums per lane, reduced by the caller in order
  const T* gy;
  int64_t n;
  const T* src;
  int64_t w;
  int64_t taps;
  const int64_t *row, *shift;
  int64_t step;
};
inline constexpr int64_t kDepthwiseLanes = 16;

template <class T>
struct ConvKernels {
  void (*pack_patches)(const PatchArgs<T>& args);
  void (*depthwise_row)(const DepthwiseRow<T>& args);
  void (*depthwise_grad)(const DepthwiseGrad<T>& args);
};

struct ConvTable {
  ConvKernels<float> f32;
  ConvKernels<double> f64;
};

}  // namespace plait
