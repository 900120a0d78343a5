// SPDX-License-Identifier: MIT
// How reduction ops call the kernels, and what their gradients share.
#pragma once

#include <optional>

#include "core/tensor.h"
#include "kernels/reduce/reduce_driver.h"

namespace plait {

// What is reduced: sorted dimensions in [0, ndim), never empty unless the tensor is 0-d.
struct Axes {
  Dims dims;
  bool keepdim;
};
Axes make_axes(const char* op, const Tensor& x, IntSpan dims, bool keepdim);
Axes make_axis(const char* op, const Tensor& x, int64_t dim, bool keepdim);
Axes all_axes(const Tensor& x, bool keepdim = false);

// The dimensions that an op was given; no dimension stands for all.
inline IntSpan or_all(const std::optional<Dims>& dims) { return dims ? IntSpan(*dims) : IntSpan(); }

Dims reduced_shape(const Dims& shape, const Axes& axes);
int64_t reduced_count(const Dims& shape, const Axes& axes);  // elements per result

// Runs one reduction of x into one or two fresh tensors.
struct ResultOf {
  ReduceFinish finish;
  DType dtype;
};
Tensor run_reduction(ReduceOp op, const Tensor& x, const Axes& axes, ResultOf result, double correction = 0);
std::pair<Tensor, Tensor> run_reduction(ReduceOp op, const Tensor& x, const Axes& axes, ResultOf first,
                                        ResultOf second, double correction = 0);

// A result (or its gradient) with the reduced dimensions back as size 1, recorded.
Tensor restore_dims(const Tensor& y, const Axes& axes);

}  // namespace plait
