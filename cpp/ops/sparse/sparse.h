// SPDX-License-Identifier: MIT
// Sparse tensors: made of their parts (SparseParts in core/tensor.h), added as gradients. What programs do
// with them is composed of ops on the parts in plait/_sparse.py.
#pragma once

#include "core/tensor.h"

namespace plait {

Tensor make_sparse(SparseParts parts, IntSpan shape);

// a + b where at least one is sparse (COO): sparse when both are, else dense. Not recorded.
Tensor add_sparse(const Tensor& a, const Tensor& b);

// The gradient of a table of `rows` rows: row index[i] += values[i, :]. Entries of row `skipped` are left
// out.
Tensor sparse_rows(const Tensor& index, const Tensor& values, int64_t rows, int64_t skipped);

}  // namespace plait
