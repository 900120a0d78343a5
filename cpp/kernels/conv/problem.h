// SPDX-License-Identifier: MIT
// A convolution as a problem: its sizes, and the one form in which forward and backward data are computed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace plait {

// Three spatial dimensions always: lower ones have leading sizes of 1.
struct ConvShape {
  int64_t images, in_channels, out_channels, groups;
  int64_t in[3];   // of x
  int64_t out[3];  // of y
  int64_t kernel[3];
  int64_t stride[3];
  int64_t padding[3];  // before the first element; behind the last one it follows from `out`
  int64_t dilation[3];

  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t group_in_channels() const { return in_channels / groups; }
  int64_t group_out_channels() const { return out_channels / groups; }
};

enum class ConvDirection { kForward, kBackwardData, kBackwardWeight };

namespace conv {

// The taps that take part. Tap t of the position (d, h, w) reads source element (d*stride + d[t], ...), which
// may lie outside the image.
struct Taps {
  std::vector<int64_t> d, h, w;
  std::vector<int64_t> index;  // in the kernel
  int64_t size() const { return static_cast<int64_t>(d.size()); }
  const std::vector<int64_t>& axis(int i) const { return i == 0 ? d : i == 1 ? h : w; }
};

// A grid of positions that see the same taps.
struct Phase {
  Taps taps;
  int64_t grid[3];
  int64_t start[3];  // where the first position lies in the output image
  int64_t positions() const { return grid[0] * grid[1] * grid[2]; }
};

// Forward and backward data are one thing: every position is a weighted sum over channels and taps of a
// source image.
//   forward        y[oc, pos] = sum over (ic, tap) of W[oc, ic, tap] * x[ic, pos*stride + tap]: one phase
//   backward data  gx[ic, pos'] = sum over (oc, tap) of W[oc, ic, tap] * gy[oc, ...], one phase for each
//                  remainder of pos' by the stride: its positions see the same taps, with a stride of one
// Channels count as they are read (in) and written (out), so backward data has the convolution's in and out
// exchanged.
struct Correlation {
  int64_t images, groups;
  int64_t group_in_channels, group_out_channels;
  int64_t in[3], in_stride[3];    // the source plane, and from one position of a phase to the next in it
  int64_t out[3], out_stride[3];  // the result's
  int64_t taps;                   // of the kernel: of all phases
  // Weight (group, out channel, in channel, tap index) lies at these strides; taps are adjacent.
  int64_t w_group_stride, w_out_stride, w_in_stride;
  std::vector<Phase> phases;

  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t in_channels() const { return groups * group_in_channels; }
  int64_t out_channels() const { return groups * group_out_channels; }
  bool unit_out_stride() const { return out_stride[0] == 1 && out_stride[1] == 1 && out_stride[2] == 1; }
  // Whether the sum of an output channel lies in memory in its order: forward.
  bool adjacent_weights() const { return w_in_stride == taps; }
};

// The operands of forward and backward data.
template <class T>
struct Operands {
  static constexpr int64_t kElementSize = sizeof(T);
  const T* src;   // (images, in_channels, *in)
  const T* w;     // of the convolution, as the strides say
  const T* bias;  // (out_channels,), or null
  T* dst;         // (images, out_channels, *out)
};
// Of backward weight: gw[oc, ic, tap] = sum over images and positions of gy[oc, pos] * x[ic, pos*stride +
// tap].
template <class T>
struct WeightGradOperands {
  static constexpr int64_t kElementSize = sizeof(T);
  const T* x;   // (images, in_channels, *in)
  const T* gy;  // (images, out_channels, *out)
  T* gw;        // (out_channels, group_in_channels, *kernel)
};

struct WinogradPlan;

// What an algorithm is asked about and told to compute. All sizes are at least 1.
class ConvProblem {
 public:
  ConvProblem(ConvDirection direction, const ConvShape& shape, bool has_bias);
  ~ConvProblem();

  const ConvDirection direction;
  const ConvShape shape;
  const bool has_bias;

  // Derived when first asked for. Backward weight has the correlation of forward.
  const Correlation& correlation() const;
  // Of the least cost, or null where Winograd's algorithm does not apply (winograd_plan.h).
  const WinogradPlan* winograd_plan() const;

 private:
  mutable std::optional<Correlation> correlation_;
  mutable std::unique_ptr<const WinogradPlan> winograd_plan_;
  mutable bool winograd_asked_ = false;
};

}  // namespace conv
}  // namespace plait
