// SPDX-License-Identifier: MIT
// Products of matrices and vectors. All stand on one GEMM; operands are read through their strides, so
// transposes and slices cost no copy. Both operands have one dtype, any but bool.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/scalar.h"
#include "core/tensor.h"

namespace plait {

// NumPy's rules: 1-D operands are row (left) or column (right) vectors, leading dimensions broadcast.
Tensor matmul(const Tensor& a, const Tensor& b);
Tensor mm(const Tensor& a, const Tensor& b);     // (m, k) (k, n)
Tensor bmm(const Tensor& a, const Tensor& b);    // (b, m, k) (b, k, n)
Tensor mv(const Tensor& a, const Tensor& x);     // (m, k) (k)
Tensor dot(const Tensor& a, const Tensor& b);    // (k) (k)
Tensor outer(const Tensor& a, const Tensor& b);  // (m) (n)
Tensor inner(const Tensor& a, const Tensor& b);  // over the last dimension of both

// beta * x + alpha * (a b), x broadcast to the product's shape. With beta == 0, x is not read.
Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1);
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1);
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& v, Scalar beta = 1, Scalar alpha = 1);

// x w^T + bias: x (..., in), w (out, in) or (in), bias (out) or undefined.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias = Tensor());

// Sums over pairs of dimensions.
Tensor tensordot(const Tensor& a, const Tensor& b, IntSpan dims_a, IntSpan dims_b);
Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands);

}  // namespace plait
