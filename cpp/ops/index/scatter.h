// SPDX-License-Identifier: MIT
// The loop behind scatter, scatter_add and scatter_reduce.
#pragma once

#include "core/tensor.h"
#include "kernels/index/gather_driver.h"

namespace plait {

// x[.., index, ..] = or combined with src, in the order of the index along dim whatever the number of
// threads. index (int64, in range) and src have one shape; x, index and src as many dimensions, at least 1.
void scatter_into(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, Scatter how);

struct ScatterArgs {
  Tensor x, index, src;  // at least 1-d; src cut down to the index's shape
  int64_t dim;
};
// Checks dtypes, shapes and range.
ScatterArgs check_scatter(const char* op, const Tensor& x, int64_t dim, const Tensor& index,
                          const Tensor& src);

}  // namespace plait
