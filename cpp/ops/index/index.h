// SPDX-License-Identifier: MIT
// Reading and writing elements named by index tensors and masks.
#pragma once

#include <optional>
#include <vector>

#include "core/scalar.h"
#include "core/tensor.h"

namespace plait {

// ---- Advanced indexing (index.cpp) ----
// NumPy's x[indices]: one entry per leading dimension of x, undefined for a whole dimension, a mask of k
// dimensions for k of them. Integer tensors of any dtype broadcast against each other; negative values count
// from the end.
Tensor index(const Tensor& x, const std::vector<Tensor>& indices);
// x[indices] = values, or += values; of an element named twice the last value stays. Returns x.
Tensor index_put_(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& values,
                  bool accumulate = false);
Tensor index_put(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& values,
                 bool accumulate = false);

// ---- Along one dimension (index_dim.cpp) ----
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor index_add_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor take(const Tensor& x, const Tensor& index);

// ---- Masks (masked.cpp) ----
Tensor nonzero(const Tensor& x);  // (count, dimensions), int64, in row-major order
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value);
Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value);
Tensor masked_fill_(const Tensor& x, const Tensor& mask, const Tensor& value);
Tensor masked_select(const Tensor& x, const Tensor& mask);
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);
Tensor masked_scatter_(const Tensor& x, const Tensor& mask, const Tensor& source);

// ---- Element by element along a dimension (gather.cpp) ----
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src);
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, Scalar value);
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src);
Tensor scatter_add_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src);
Tensor take_along_dim(const Tensor& x, const Tensor& index, std::optional<int64_t> dim);

}  // namespace plait
