// SPDX-License-Identifier: MIT
// The few tensor operations that autograd itself needs. autograd/ lies below ops/, so ops/ hands them down.
#pragma once

#include "core/tensor.h"

namespace plait {

struct AutogradRuntime {
  Tensor (*add)(const Tensor& a, const Tensor& b);                     // recorded under grad mode
  void (*add_into)(const Tensor& destination, const Tensor& source);   // never recorded; same shape and dtype
  void (*copy_into)(const Tensor& destination, const Tensor& source);  // never recorded; broadcasts and casts
  Tensor (*cast)(const Tensor& t, DType dtype);
  Tensor (*sum_to)(const Tensor& t, IntSpan shape);
  Tensor (*clone)(const Tensor& t);  // dense, same memory order
  Tensor (*zeros)(IntSpan shape, DType dtype);
  Tensor (*ones_like)(const Tensor& t);
  void (*copy)(const Tensor& destination, const Tensor& source);  // recorded under grad mode
  bool (*has_nan)(const Tensor& t);
  // Of the storage, in elements of `dtype`: that of t, or of its parts, or of the numbers whose parts t
  // holds.
  Tensor (*as_strided)(const Tensor& t, IntSpan shape, IntSpan strides, int64_t offset, DType dtype);
};
AutogradRuntime& autograd_runtime();

}  // namespace plait
