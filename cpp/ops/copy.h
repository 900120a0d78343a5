// SPDX-License-Identifier: MIT
// Copies between tensors.
#pragma once

#include "core/tensor.h"

namespace plait {

// x converted to another dtype, recorded; x itself when it has it.
Tensor cast(const Tensor& x, DType dtype);
// x in a dtype and contiguous, recorded; x itself when it is both, undefined when x is.
Tensor contiguous_as(const Tensor& x, DType dtype);
// The same in the dtype that x is computed in: for kernels of float and double alone.
inline Tensor as_computed(const Tensor& x) {
  return x.defined() ? contiguous_as(x, compute_dtype(x.dtype())) : x;
}
// A dense copy in the same memory order, recorded.
Tensor clone(const Tensor& x);
// x on the device meta, or on the CPU: x itself where it is there. NotImplementedError for values out of
// nothing.
Tensor to_place(const Tensor& x, bool meta);
// Writes source, broadcast and converted, into destination; recorded. Returns destination.
Tensor copy_(const Tensor& destination, const Tensor& source);

// The same without recording or version bump: for fresh tensors and inside an op's forward.
void copy_into(const Tensor& destination, const Tensor& source);

// Element i of a contiguous float32 or float64 tensor.
inline double computed_at(const Tensor& x, int64_t i) {
  return x.dtype() == DType::kFloat64 ? x.data<double>()[i] : static_cast<double>(x.data<float>()[i]);
}

}  // namespace plait
