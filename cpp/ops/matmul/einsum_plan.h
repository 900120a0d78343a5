// SPDX-License-Identifier: MIT
// An einsum equation checked against its operands.
#pragma once

#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace plait {

// Labels are numbers below `labels`; an ellipsis has become one label per dimension it stands for.
struct EinsumPlan {
  std::vector<std::vector<int>> inputs;  // per operand, one label per dimension
  std::vector<int> output;
  int labels = 0;
};

// Throws ValueError for an equation that cannot be read or does not fit the operands' shapes.
EinsumPlan plan_einsum(std::string_view equation, const std::vector<Tensor>& operands);

}  // namespace plait
