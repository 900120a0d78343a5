// SPDX-License-Identifier: MIT
// Runs a product of tensors on the GEMM: the step from shapes and strides to gemm_any().
#pragma once

#include "core/tensor.h"
#include "kernels/gemm/gemm_args.h"

namespace plait {

// y = activation(alpha * a b + beta * y + bias), where a and b follow matmul's rules and y, contiguous, has
// the product's shape. bias: (n,) contiguous or undefined. Shapes and dtypes were checked.
struct ProductOptions {
  double alpha = 1, beta = 0;
  Tensor bias = {};
  GemmActivation activation = GemmActivation::kNone;
};
void run_product(const Tensor& y, const Tensor& a, const Tensor& b, const ProductOptions& options = {});

// The shape of matmul's result. Throws for shapes that do not fit and for dtypes that differ or have no
// products.
Dims product_shape(const char* op, const Tensor& a, const Tensor& b);

void check_dtypes(const char* op, const Tensor& a, const Tensor& b);

}  // namespace plait
