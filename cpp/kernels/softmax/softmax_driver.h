// SPDX-License-Identifier: MIT
// Softmax and cross-entropy of whole arrays: how they are split among threads.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/softmax/softmax_args.h"

namespace plait {

// y = softmax(x) over the middle dimension of contiguous x[outer, n, inner].
void softmax_forward(SoftmaxKind kind, DType dtype, const void* x, void* y, int64_t outer, int64_t n,
                     int64_t inner);
// gx from the forward result y and gy, all contiguous.
void softmax_backward(SoftmaxKind kind, DType dtype, const void* y, const void* gy, void* gx, int64_t outer,
                      int64_t n, int64_t inner);

// Cross-entropy of contiguous logits x[rows, n]; see kernels/softmax/softmax_args.h for what the arrays hold.
void cross_entropy_rows(DType dtype, const CrossEntropyArgs& args);
void cross_entropy_rows_backward(DType dtype, const CrossEntropyArgs& args);

}  // namespace plait
