// SPDX-License-Identifier: MIT
// column[(ic, tap), pos] = W^T[(ic, tap), oc] * gy[oc, pos], a product that reads weights and gradients where
// they lie; then gx[ic, ...] = the sum of the columns that overlap there. The other algorithms transpose the
// weights instead, which costs more where positions are few.
//
// Assumptions: one group, no depth, all operands contiguous. Loop order: images by as many as the last cache
// holds; gather_input, multiply, add_columns. Bound: the GEMM's and, for many taps, loads and stores of the
// sums.
#include "kernels/conv/col2im.h"

#include <algorithm>
#include <vector>

#include "core/workspace.h"
#include "kernels/conv/padded_input.h"
#include "kernels/gemm/gemm.h"

namespace plait::conv {
namespace {

template <class T>
class Col2im {
 public:
  Col2im(const ConvShape& s, const Operands<T>& t)
      : s_(s),
        t_(t),
        shape_(s),
        gradient_{{1, s.out[1], s.out[2]}, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}, {1, s.out[1], shape_.row}},
        plane_(shape_.rows * shape_.row),
        phases_(s.stride[1] * s.stride[2]),
        image_size_(s.in_channels * s.taps() * shape_.positions) {
    for (int64_t kh = 0; kh < s.kernel[1]; ++kh) {
      for (int64_t kw = 0; kw < s.kernel[2]; ++kw) {
        const int64_t h = kh * s.dilation[1], w = kw * s.dilation[2];
        const int64_t phase = h % s.stride[1] * s.stride[2] + w % s.stride[2];
        shift_.push_back(phase * plane_ + h / s.stride[1] * shape_.row + w / s.stride[2]);
      }
    }
  }

  void run() const {
    const int64_t at_once = images_at_once(s_.images, image_size_ * int64_t{sizeof(T)});
    const bool padded = shape_.row > s_.out[2];
    const Workspace space(padded ? bytes_of<T>(at_once * s_.out_channels * gradient_.size() + kPaddedSlack)
                                 : 0);
    const Workspace columns(bytes_of<T>(at_once * image_size_));
    for (int64_t image = 0; image < s_.images; image += at_once) {
      const int64_t images = std::min(at_once, s_.images - image);
      const T* gy = t_.src + image * s_.out_channels * s_.out_size();
      if (padded) {
        pad_planes(gradient_, space.as<T>(), gy, images * s_.out_channels);
        gy = space.as<T>();
      }
      multiply(gy, images, columns.as<T>());
      add_columns(image, images, columns.as<T>());
    }
  }

 private:
  // columns[image, (ic, tap), position]
  void multiply(const T* gy, int64_t images, T* columns) const {
    GemmArgs<T> a;
    a.m = s_.in_channels * s_.taps();
    a.n = shape_.positions;
    a.k = s_.out_channels;
    a.batch = images;
    a.a = {t_.w, 1, a.m};
    a.b = {gy, gradient_.size(), 1, s_.out_channels * gradient_.size()};
    a.c = columns;
    a.c_rs = shape_.positions;
    a.c_bs = image_size_;
    gemm(a);
  }

  void add_columns(int64_t image, int64_t images, const T* columns) const {
    const int64_t channel_size = s_.taps() * shape_.positions;
    const int64_t grain = std::max<int64_t>(1, kGrainElements / (channel_size + s_.in_size()));
    parallel_for(images * s_.in_channels, grain, [&](int64_t begin, int64_t end) {
      const Workspace sums(bytes_of<T>(phases_ * plane_));
      for (int64_t c = begin; c < end; ++c) {
        const T bias = t_.bias ? t_.bias[c % s_.in_channels] : T(0);
        add_channel(columns + c * channel_size, bias, sums.as<T>());
        store_channel(sums.as<T>(), bias, t_.dst + (image * s_.in_channels + c) * s_.in_size());
      }
    });
  }
  // sums[phase, row, column] of a channel: the bias and all columns, each shifted to where its tap is.
  void add_channel(const T* column, T bias, T* sums) const {
    std::fill_n(sums, phases_ * plane_, bias);
    for (const int64_t at : shift_) {
      for (int64_t i = 0; i < shape_.positions; ++i) sums[at + i] += column[i];
      column += shape_.positions;
    }
  }
  // The sums of all phases to their places in the plane.
  void store_channel(const T* sums, T bias, T* to) const {
    const int64_t *const stride = s_.stride, *const pad = s_.padding;
    for (int64_t y = pad[1]; y < s_.in[1] + pad[1]; ++y, to += s_.in[2]) {
      std::fill_n(to, s_.in[2], bias);
      if (y / stride[1] >= shape_.rows) continue;
      for (int64_t b = 0; b < stride[2]; ++b) {
        // The columns of this remainder, of which x is the first in the plane.
        int64_t x = (b - pad[2] % stride[2] + stride[2]) % stride[2];
        int64_t i = (x + pad[2]) / stride[2];
        const T* const sum = sums + (y % stride[1] * stride[2] + b) * plane_ + y / stride[1] * shape_.row;
        for (; x < s_.in[2] && i < shape_.row; x += stride[2], ++i) to[x] = sum[i];
      }
    }
  }

  const ConvShape& s_;
  const Operands<T>& t_;
  const ColumnShape shape_;
  const PaddedPlane gradient_;    // with zeros behind each row
  const int64_t plane_, phases_;  // elements of a phase's sums; phases of the stride
  const int64_t image_size_;      // elements of an image's columns
  std::vector<int64_t> shift_;    // of every tap's column among the sums
};

}  // namespace

template <class T>
void col2im(const ConvProblem& problem, const Operands<T>& t) {
  Col2im<T>(problem.shape, t).run();
}

template void col2im<float>(const ConvProblem&, const Operands<float>&);
template void col2im<double>(const ConvProblem&, const Operands<double>&);

}  // namespace plait::conv
