// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "core/tensor.h"

namespace plait {

Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});

}  // namespace plait
