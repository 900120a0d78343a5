// SPDX-License-Identifier: MIT
// What every pointwise operator does before and around its kernel: dtype promotion, broadcasting, the memory
// order of the result.
#pragma once

#include <initializer_list>
#include <span>

#include "core/parallel.h"
#include "core/tensor.h"
#include "kernels/pointwise/pointwise_driver.h"

namespace plait {

// PyTorch's promotion: the dtype of tensors with dimensions; 0-d tensors and, behind them, Python numbers
// change it only when they are of a higher category (bool, integer, float).
DType result_type(std::initializer_list<const Tensor*> xs);
inline DType result_type(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && !a.is_wrapped_number() && !b.is_wrapped_number() ? a.dtype()
                                                                                    : result_type({&a, &b});
}
// The same for functions whose results are floats, or complex.
inline DType float_type(DType dtype) { return is_differentiable(dtype) ? dtype : default_dtype(); }

// One call of a kernel. The operands of `fn` are xs, then the parameters.
struct PointwiseCall {
  const char* name;
  PointwiseFn fn;  // null: TypeError, after the shapes have been checked
  DType operands;  // what the message names
  DType compute;   // of operands (see first_compute) and parameters
  DType kernel_result;
  DType result;
  DType first_compute = compute;  // of xs[0], where it differs
  PointwiseFn halves = nullptr;   // the kernel for operands that are all of a 16-bit dtype
  int64_t cost = 1;               // see run_pointwise()
};

// Runs it over the broadcast shape of xs into `destination` (the in-place form; may be an x itself) or, when
// that is undefined, into a new tensor with the memory order of the operands. Throws for shapes that do not
// broadcast and for a destination of another shape or a lower category than the result.
Tensor run_pointwise_call(const PointwiseCall& call, std::initializer_list<const Tensor*> xs,
                          std::initializer_list<double> parameters, const Tensor& destination);

// A kernel of the table whose result has the dtype of its operands (tests: bool), which are computed in
// `dtype`. Throws TypeError when the dtype has no such kernel.
Tensor run_pointwise_op(Pointwise op, const char* name, DType dtype, std::initializer_list<const Tensor*> xs,
                        std::initializer_list<double> parameters = {}, const Tensor& destination = Tensor());
Tensor run_pointwise_test(Pointwise op, const char* name, DType dtype,
                          std::initializer_list<const Tensor*> xs, const Tensor& destination = Tensor());

}  // namespace plait
