// SPDX-License-Identifier: MIT
// Convolution of any kind on the GEMM engine: 1-D, 2-D and 3-D, strided, dilated, grouped, and its two
// gradients. The im2col matrix never exists: patches are packed straight into GEMM panels.
#pragma once

#include <cstdint>

namespace plait {

// Three spatial dimensions always: lower ones have leading sizes of 1.
struct ConvShape {
  int64_t n, ic, oc, groups;
  int64_t in[3];   // of x
  int64_t out[3];  // of y
  int64_t kernel[3];
  int64_t stride[3];
  int64_t pad[3];  // before the first element; behind the last one follows from `out`
  int64_t dilation[3];

  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
};

// All buffers contiguous: x (n, ic, *in), w (oc, ic / groups, *kernel), y (n, oc, *out).
// y = conv(x, w) + bias; bias (oc,) may be null.
template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const T* bias, T* y);
// gx: the gradient for x of sum(gy * conv(x, w)), plus bias (ic,) per channel unless null: with a bias it is
// transposed convolution.
template <class T>
void conv_backward_data(const ConvShape& s, const T* gy, const T* w, const T* bias, T* gx);
// gw: the gradient for w of the same.
template <class T>
void conv_backward_weight(const ConvShape& s, const T* x, const T* gy, T* gw);

}  // namespace plait
