// SPDX-License-Identifier: MIT
// Convolution in which every output channel reads one input channel: output channel c reads c / (oc / ic).
// Planes are independent; nothing is shared that a GEMM could use.
#pragma once

#include <vector>

#include "core/parallel.h"
#include "kernels/conv/operands.h"

namespace plait::conv {

// Calls f(rows, at) for each output row of a plane: rows[t] is where tap t reads, -1 outside the image.
template <class F>
void for_output_rows(const ConvShape& s, const Taps& taps, F&& f) {
  std::vector<int64_t> rows(static_cast<size_t>(taps.size()));
  for (int64_t od = 0; od < s.out[0]; ++od) {
    for (int64_t oh = 0; oh < s.out[1]; ++oh) {
      for (size_t t = 0; t < rows.size(); ++t) {
        const int64_t d = od * s.stride[0] + taps.d[t], h = oh * s.stride[1] + taps.h[t];
        const bool in = d >= 0 && d < s.in[0] && h >= 0 && h < s.in[1];
        rows[t] = in ? (d * s.in[1] + h) * s.in[2] : -1;
      }
      f(rows.data(), (od * s.out[1] + oh) * s.out[2]);
    }
  }
}

inline int64_t planes_per_thread(const ConvShape& s) {
  return std::max<int64_t>(1, 4 * kGrainElements / std::max<int64_t>(1, s.out_size() * s.taps()));
}

template <class T>
void depthwise_forward(const ConvShape& s, const Taps& taps, const T* x, const T* w, const T* bias, T* y) {
  const int64_t multiplier = s.oc / s.ic;
  parallel_for(s.n * s.oc, planes_per_thread(s), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const int64_t c = plane % s.oc, image = plane / s.oc;
      DepthwiseRow<T> a;
      a.n = s.out[2];
      a.src = x + (image * s.ic + c / multiplier) * s.in_size();
      a.w = s.in[2];
      a.taps = taps.size();
      a.shift = taps.w.data();
      a.weight = w + c * taps.size();
      a.bias = bias ? bias[c] : T(0);
      a.step = s.stride[2];
      for_output_rows(s, taps, [&](const int64_t* rows, int64_t at) {
        a.row = rows;
        a.y = y + plane * s.out_size() + at;
        conv_kernels<T>().depthwise_row(a);
      });
    }
  });
}

template <class T>
void depthwise_backward_weight(const ConvShape& s, const Taps& taps, const T* x, const T* gy, T* gw) {
  const int64_t multiplier = s.oc / s.ic;
  // The sum of a channel runs over the images in order in one thread: the same bits at any number of threads.
  parallel_for(s.oc, std::max<int64_t>(1, planes_per_thread(s) / s.n), [&](int64_t begin, int64_t end) {
    std::vector<T> lanes(static_cast<size_t>(taps.size() * kDepthwiseLanes));
    for (int64_t c = begin; c < end; ++c) {
      std::fill(lanes.begin(), lanes.end(), T(0));
      DepthwiseGrad<T> a;
      a.gw = lanes.data();
      a.n = s.out[2];
      a.w = s.in[2];
      a.taps = taps.size();
      a.shift = taps.w.data();
      a.step = s.stride[2];
      for (int64_t image = 0; image < s.n; ++image) {
        a.src = x + (image * s.ic + c / multiplier) * s.in_size();
        for_output_rows(s, taps, [&](const int64_t* rows, int64_t at) {
          a.row = rows;
          a.gy = gy + (image * s.oc + c) * s.out_size() + at;
          conv_kernels<T>().depthwise_grad(a);
        });
      }
      for (int64_t t = 0; t < taps.size(); ++t) {
        T sum = 0;
        for (int64_t l = 0; l < kDepthwiseLanes; ++l)
          sum += lanes[static_cast<size_t>(t * kDepthwiseLanes + l)];
        gw[c * taps.size() + t] = sum;
      }
    }
  });
}

}  // namespace plait::conv
