// SPDX-License-Identifier: MIT
// Positions that leave the same remainder by the dilation read nothing of the others: they are images of
// their own, which a convolution without dilation takes as a larger batch. That one is chosen anew; it may
// then be Winograd's.
//
// Assumptions: stride one along h and w; no depth. Steps: split the operands into parts, (image, part,
// channel, *part), convolve, join the result. Bound: the inner convolution's; splitting and joining move
// each element once.
#include "kernels/conv/space_to_batch.h"

#include <algorithm>

#include "core/workspace.h"
#include "kernels/conv/conv_driver.h"
#include "kernels/conv/padded_input.h"

namespace plait::conv {
namespace {

constexpr int64_t kNoPadding[3] = {0, 0, 0};

template <class T>
class SpaceToBatch {
 public:
  explicit SpaceToBatch(const ConvShape& s) : s_(s), part_(s), parts_(s.dilation[1] * s.dilation[2]) {
    part_.images = s.images * parts_;
    for (int i = 1; i < 3; ++i) {
      part_.dilation[i] = 1;
      part_.out[i] = ceil_div(s.out[i], s.dilation[i]);
      // Padding that is no multiple of the dilation becomes a part of x.
      const bool whole = s.padding[i] % s.dilation[i] == 0;
      part_.padding[i] = whole ? s.padding[i] / s.dilation[i] : 0;
      part_.in[i] = whole ? ceil_div(s.in[i], s.dilation[i]) : part_.out[i] + s.kernel[i] - 1;
      before_[i] = whole ? 0 : s.padding[i];
    }
  }

  const ConvShape& shape() const { return part_; }
  int64_t x_size() const { return part_.images * s_.in_channels * part_.in_size(); }
  int64_t y_size() const { return part_.images * s_.out_channels * part_.out_size(); }

  void split_x(const T* x, T* to) const { split(x, s_.in_channels, s_.in, part_.in, before_, to); }
  void split_y(const T* y, T* to) const { split(y, s_.out_channels, s_.out, part_.out, kNoPadding, to); }
  void join_x(const T* parts, T* x) const { join(parts, s_.in_channels, s_.in, part_.in, before_, x); }
  void join_y(const T* parts, T* y) const { join(parts, s_.out_channels, s_.out, part_.out, kNoPadding, y); }

 private:
  // (image, part, channel, *part) from (image, channel, *plane), with zeros around it: the phases of the
  // plane split by the dilation.
  void split(const T* planes, int64_t channels, const int64_t* plane, const int64_t* part,
             const int64_t* before, T* to) const {
    const int64_t* const d = s_.dilation;
    const PaddedPlane padded = {{1, plane[1], plane[2]},
                                {0, before[1], before[2]},
                                {1, d[1], d[2]},
                                {1, d[1], d[2]},
                                {1, part[1], part[2]}};
    const int64_t size = plane[1] * plane[2], cells = padded.cell_count();
    parallel_for(s_.images * channels, std::max<int64_t>(1, kGrainElements / padded.size()),
                 [&](int64_t begin, int64_t end) {
                   const Workspace space(bytes_of<T>(padded.size() + kPaddedSlack));
                   for (int64_t p = begin; p < end; ++p) {
                     conv_kernels<T>().pad(padded, space.as<T>(), planes + p * size, 1);
                     T* at = to + (p / channels * parts_ * channels + p % channels) * cells;
                     for (int64_t q = 0; q < parts_; ++q, at += channels * cells) {
                       std::copy_n(space.as<T>() + q * cells, cells, at);
                     }
                   }
                 });
  }

  // (image, channel, *plane) from (image, part, channel, *part).
  void join(const T* parts, int64_t channels, const int64_t* plane, const int64_t* part,
            const int64_t* before, T* to) const {
    const int64_t size = plane[1] * plane[2], cells = part[1] * part[2];
    parallel_for(s_.images * channels, std::max<int64_t>(1, kGrainElements / size),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t p = begin; p < end; ++p) {
                     const T* const from = parts + (p / channels * parts_ * channels + p % channels) * cells;
                     join_plane(from, channels * cells, plane, part, before, to + p * size);
                   }
                 });
  }
  // A plane whose parts lie `stride` apart; what they lack is zero.
  void join_plane(const T* parts, int64_t stride, const int64_t* plane, const int64_t* part,
                  const int64_t* before, T* to) const {
    const int64_t* const d = s_.dilation;
    for (int64_t h = before[1]; h < before[1] + plane[1]; ++h, to += plane[2]) {
      for (int64_t b = 0; b < d[2]; ++b) {
        const T* const cell = parts + (h % d[1] * d[2] + b) * stride + h / d[1] * part[2];
        // The first column of this remainder within the plane.
        int64_t i = before[2] > b ? ceil_div(before[2] - b, d[2]) : 0;
        for (int64_t w = i * d[2] + b - before[2]; w < plane[2]; w += d[2], ++i) {
          to[w] = h / d[1] < part[1] && i < part[2] ? cell[i] : T(0);
        }
      }
    }
  }

  const ConvShape& s_;
  ConvShape part_;
  int64_t parts_;                  // of an image
  int64_t before_[3] = {0, 0, 0};  // zeros before x's first element
};

}  // namespace

template <class T>
void space_to_batch(const ConvProblem& problem, const Operands<T>& t) {
  const SpaceToBatch<T> parts(problem.shape);
  const Workspace x(bytes_of<T>(parts.x_size())), y(bytes_of<T>(parts.y_size()));
  if (problem.direction == ConvDirection::kForward) {
    parts.split_x(t.src, x.as<T>());
    conv_forward<T>(parts.shape(), x.as<T>(), t.w, t.bias, y.as<T>());
    parts.join_y(y.as<T>(), t.dst);
  } else {
    parts.split_y(t.src, y.as<T>());
    conv_backward_data<T>(parts.shape(), y.as<T>(), t.w, nullptr, x.as<T>());
    parts.join_x(x.as<T>(), t.dst);
  }
}

template <class T>
void space_to_batch_weight_grad(const ConvProblem& problem, const WeightGradOperands<T>& t) {
  const SpaceToBatch<T> parts(problem.shape);
  const Workspace x(bytes_of<T>(parts.x_size())), gy(bytes_of<T>(parts.y_size()));
  parts.split_x(t.x, x.as<T>());
  parts.split_y(t.gy, gy.as<T>());
  conv_backward_weight<T>(parts.shape(), x.as<T>(), gy.as<T>(), t.gw);
}

#define PLAIT_INSTANTIATE(T)                                               \
  template void space_to_batch<T>(const ConvProblem&, const Operands<T>&); \
  template void space_to_batch_weight_grad<T>(const ConvProblem&, const WeightGradOperands<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::conv
