// SPDX-License-Identifier: MIT
// Kernels of one tap, stride one and no padding: a plain product for every image and group.
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Forward and backward data.
template <class T>
void gemm_1x1(const ConvProblem& problem, const Operands<T>& t);

// dst[n, g] = w[g] * src[n, g] + bias for all images n and groups g, a product of matrices:
// (out_channels x in_channels) * (in_channels x positions).
template <class T>
struct GroupedProduct {
  int64_t images, groups, in_channels, out_channels;  // channels of a group
  int64_t positions;
  const T* src;  // (images, groups, in_channels, positions)
  const T* w;    // (groups, out_channels x in_channels) at the strides below
  int64_t w_out_stride, w_in_stride;
  const T* bias;  // (groups, out_channels), or null
  T* dst;         // (images, groups, out_channels, positions)
};
template <class T>
void multiply_groups(const GroupedProduct<T>& p);

}  // namespace plait::conv
