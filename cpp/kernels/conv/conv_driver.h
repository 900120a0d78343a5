// SPDX-License-Identifier: MIT
// Convolution of any kind: 1-D, 2-D and 3-D, strided, dilated, grouped, and its two gradients. Which
// algorithm serves is chosen in choose.cpp.
#pragma once

#include "kernels/conv/problem.h"

namespace plait {

// All buffers contiguous: x (images, in_channels, *in), w (out_channels, in_channels / groups, *kernel),
// y (images, out_channels, *out). Sizes may be zero, but for those of the kernel.
// y = conv(x, w) + bias; bias (out_channels,) may be null.
template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const T* bias, T* y);
// gx: the gradient for x of sum(gy * conv(x, w)), plus bias (in_channels,) per channel unless null: with a
// bias it is transposed convolution.
template <class T>
void conv_backward_data(const ConvShape& s, const T* gy, const T* w, const T* bias, T* gx);
// gw: the gradient for w of the same.
template <class T>
void conv_backward_weight(const ConvShape& s, const T* x, const T* gy, T* gw);

}  // namespace plait
