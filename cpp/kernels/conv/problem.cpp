// SPDX-License-Identifier: MIT
#include "kernels/conv/problem.h"

#include <algorithm>

#include "kernels/conv/winograd_plan.h"

namespace plait::conv {
namespace {

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

// y[pos] reads x[pos*stride + k*dilation - padding].
Phase forward_phase(const ConvShape& s) {
  Phase p{{}, {}, {0, 0, 0}};
  std::copy_n(s.out, 3, p.grid);
  for_taps(s, [&](int64_t kd, int64_t kh, int64_t kw, int64_t index) {
    p.taps.d.push_back(kd * s.dilation[0] - s.padding[0]);
    p.taps.h.push_back(kh * s.dilation[1] - s.padding[1]);
    p.taps.w.push_back(kw * s.dilation[2] - s.padding[2]);
    p.taps.index.push_back(index);
  });
  return p;
}

// x[start + i*stride] is read by tap k of position (start + padding - k*dilation) / stride + i of y, where
// that is whole.
Taps backward_taps(const ConvShape& s, const int64_t* start) {
  Taps t;
  for_taps(s, [&](int64_t kd, int64_t kh, int64_t kw, int64_t index) {
    const int64_t k[3] = {kd, kh, kw};
    int64_t at[3];
    for (int i = 0; i < 3; ++i) {
      at[i] = start[i] + s.padding[i] - k[i] * s.dilation[i];
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

std::vector<Phase> backward_phases(const ConvShape& s) {
  const int64_t* stride = s.stride;
  std::vector<Phase> phases;
  for (int64_t phase = 0; phase < stride[0] * stride[1] * stride[2]; ++phase) {
    Phase p = {{}, {}, {phase / (stride[1] * stride[2]), phase / stride[2] % stride[1], phase % stride[2]}};
    for (int i = 0; i < 3; ++i) {
      p.grid[i] = s.in[i] > p.start[i] ? (s.in[i] - p.start[i] - 1) / stride[i] + 1 : 0;
    }
    if (p.positions() == 0) continue;
    p.taps = backward_taps(s, p.start);
    phases.push_back(std::move(p));
  }
  return phases;
}

Correlation forward_correlation(const ConvShape& s) {
  const int64_t taps = s.taps(), ic = s.group_in_channels(), oc = s.group_out_channels();
  Correlation c = {.images = s.images,
                   .groups = s.groups,
                   .group_in_channels = ic,
                   .group_out_channels = oc,
                   .in = {},
                   .in_stride = {},
                   .out = {},
                   .out_stride = {1, 1, 1},
                   .taps = taps,
                   .w_group_stride = oc * ic * taps,
                   .w_out_stride = ic * taps,
                   .w_in_stride = taps,
                   .phases = {}};
  std::copy_n(s.in, 3, c.in);
  std::copy_n(s.stride, 3, c.in_stride);
  std::copy_n(s.out, 3, c.out);
  c.phases.push_back(forward_phase(s));
  return c;
}

Correlation backward_correlation(const ConvShape& s) {
  const int64_t taps = s.taps(), ic = s.group_in_channels(), oc = s.group_out_channels();
  Correlation c = {.images = s.images,
                   .groups = s.groups,
                   .group_in_channels = oc,
                   .group_out_channels = ic,
                   .in = {},
                   .in_stride = {1, 1, 1},
                   .out = {},
                   .out_stride = {},
                   .taps = taps,
                   .w_group_stride = oc * ic * taps,
                   .w_out_stride = taps,
                   .w_in_stride = ic * taps,
                   .phases = backward_phases(s)};
  std::copy_n(s.out, 3, c.in);
  std::copy_n(s.in, 3, c.out);
  std::copy_n(s.stride, 3, c.out_stride);
  return c;
}

}  // namespace

ConvProblem::ConvProblem(ConvDirection direction, const ConvShape& shape, bool has_bias)
    : direction(direction), shape(shape), has_bias(has_bias) {}
ConvProblem::~ConvProblem() = default;

const Correlation& ConvProblem::correlation() const {
  if (!correlation_) {
    correlation_ =
        direction == ConvDirection::kBackwardData ? backward_correlation(shape) : forward_correlation(shape);
  }
  return *correlation_;
}

const WinogradPlan* ConvProblem::winograd_plan() const {
  if (!winograd_asked_) winograd_plan_ = cheapest_winograd_plan(*this);
  winograd_asked_ = true;
  return winograd_plan_.get();
}

}  // namespace plait::conv
