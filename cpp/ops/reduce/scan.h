// SPDX-License-Identifier: MIT
// Running sums, products and extremes along a dimension.
#pragma once

#include <optional>
#include <tuple>

#include "core/tensor.h"

namespace plait {

Tensor cumsum(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
Tensor cumprod(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
std::tuple<Tensor, Tensor> cummax(const Tensor& x, int64_t dim);  // values, indices
std::tuple<Tensor, Tensor> cummin(const Tensor& x, int64_t dim);
Tensor logcumsumexp(const Tensor& x, int64_t dim);

}  // namespace plait
