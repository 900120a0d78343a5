// SPDX-License-Identifier: MIT
// Copies between tensors.
#pragma once

#include "core/tensor.h"

namespace plait {

// x converted to another dtype, recorded; x itself when it has it.
Tensor cast(const Tensor& x, DType dtype);
// A dense copy in the same memory order, recorded.
Tensor clone(const Tensor& x);
// Writes source, broadcast and converted, into destination; recorded. Returns destination.
Tensor copy_(const Tensor& destination, const Tensor& source);

// The same without recording or version bump: for fresh tensors and inside an op's forward.
void copy_into(const Tensor& destination, const Tensor& source);

}  // namespace plait
