// SPDX-License-Identifier: MIT
// Convolution and transposed convolution over one to three spatial dimensions.
#pragma once

#include "core/tensor.h"

namespace plait {

struct ConvParams {
  Dims stride, padding, dilation;  // one entry per spatial dimension
  Dims padding_after;              // behind the last element; `padding` counts before the first
  int64_t groups = 1;
};

// x (n, ic, *spatial), w (oc, ic / groups, *kernel), bias (oc,) or undefined.
Tensor convolution(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvParams& params);
// x (n, ic, *spatial), w (ic, oc / groups, *kernel): the gradient of convolution() for its input, plus bias.
Tensor conv_transposed(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvParams& params,
                       IntSpan output_padding);

}  // namespace plait
