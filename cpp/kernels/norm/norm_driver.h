// SPDX-License-Identifier: MIT
// Normalisation of whole arrays. C is the compute type of the dtype: float, or double for float64.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/norm/norm_args.h"

namespace plait {

// Layer and RMS norm over the last dimension of contiguous x[rows, n]; formulas at RowNormArgs. Backward sets
// gweight and gbias, it does not add to them.
void row_norm_forward(RowNormKind kind, DType dtype, const RowNormArgs& args);
void row_norm_backward(RowNormKind kind, DType dtype, const RowNormGradArgs& args);

// Batch norm and group norm of contiguous arrays [batch, channels, space].
struct ChannelNormArgs {
  DType dtype;
  const void* x;       // [batch, channels, space]
  const void* gy;      // [batch, channels, space]; backward
  void* y;             // [batch, channels, space]; forward
  void* gx;            // [batch, channels, space]; backward; null when not wanted
  const void* weight;  // C[channels] or null
  const void* bias;    // C[channels] or null
  void* mean;          // C[channels] (batch norm) or C[batch, groups] (group norm)
  void* rstd;          // the same
  void* variance;      // batch norm forward: C[channels], biased; null when not wanted
  void* gweight;       // C[channels] or null
  void* gbias;         // C[channels] or null
  int64_t batch, channels, space;
  int64_t groups;  // group norm
  double eps;
};
// Forward in training mode computes and stores mean, rstd and variance; with `frozen` it uses mean and rstd.
// Backward with `frozen` treats them as constants.
void batch_norm_forward(const ChannelNormArgs& args, bool frozen);
void batch_norm_backward(const ChannelNormArgs& args, bool frozen);
void group_norm_forward(const ChannelNormArgs& args);
void group_norm_backward(const ChannelNormArgs& args);

}  // namespace plait
