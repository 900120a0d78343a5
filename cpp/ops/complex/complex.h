// SPDX-License-Identifier: MIT
// Complex tensors: their parts, their conjugates, and the same memory as real numbers.
//
// A complex tensor of shape [..] lies in memory as a real one of shape [.., 2]. What is linear over the real
// numbers (sums, moves by element) is written on that view; nothing is copied.
#pragma once

#include "core/tensor.h"

namespace plait {

// Views. They share memory; gradients flow through them.
Tensor view_as_real(const Tensor& x);     // [.., 2] of a complex [..]
Tensor view_as_complex(const Tensor& x);  // a complex [..] of [.., 2] with pairs that are contiguous
// The second without the tie to x that shows in-place changes: for a fresh x that nobody else holds.
Tensor as_complex(const Tensor& x);
Tensor real(const Tensor& x);  // x itself when it is real
Tensor imag(const Tensor& x);

// x itself when it is real: backward passes of both kinds of numbers are one text.
// An undefined tensor stays one.
Tensor conj(const Tensor& x);

Tensor make_complex(const Tensor& real, const Tensor& imag);
Tensor angle(const Tensor& x);
Tensor sgn(const Tensor& x);  // z / |z|, 0 for 0

}  // namespace plait
