// SPDX-License-Identifier: MIT
// Pointwise kernels over operands of any strides and dtypes.
#pragma once

#include <span>

#include "core/tensor_iter.h"
#include "kernels/pointwise/pointwise_args.h"

namespace plait {

// One operand of a pointwise call: `compute` is the dtype the kernel works in; where it differs from the
// array's own, elements are converted on the way, a block at a time, in the first-level cache.
struct PointwiseOperand {
  Strided array;
  DType compute;
  bool flat;    // contiguous, of the loop's shape
  bool single;  // one element
};

// out[i] = fn(in[0][i], in[1][i], ...) over `shape`, to which the inputs broadcast; `out` has this shape. An
// input may be the very array `out`, but must not overlap it otherwise. `halves`: the same function as a
// kernel of the 16-bit dtype `half`, used where all operands but single elements have this dtype. `cost`: how
// many times the work of a tuned kernel an element is, for the split over threads.
void run_pointwise(PointwiseFn fn, IntSpan shape, int64_t numel, const PointwiseOperand& out,
                   std::span<const PointwiseOperand> in, PointwiseFn halves = nullptr,
                   DType half = DType::kFloat32, int64_t cost = 1);

// The kernel of an operation in a dtype, or null; and that of condition ? a : b, which moves bytes only.
PointwiseFn find_pointwise(Pointwise op, DType dtype);
PointwiseFn find_where(DType dtype);

// Converts n contiguous elements.
void convert_elements(void* dst, DType to, const void* src, DType from, int64_t n);

}  // namespace plait
