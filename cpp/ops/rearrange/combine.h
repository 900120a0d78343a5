// SPDX-License-Identifier: MIT
// Several tensors made into one.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace plait {

// Joined along a dimension; dtypes are promoted.
Tensor cat(const std::vector<Tensor>& xs, int64_t dim = 0);
// Joined along a new dimension.
Tensor stack(const std::vector<Tensor>& xs, int64_t dim = 0);

}  // namespace plait
