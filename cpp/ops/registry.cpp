// SPDX-License-Identifier: MIT
#include "ops/registry.h"

namespace plait {

std::vector<OpEntry>& op_table() {
  static std::vector<OpEntry> table;
  return table;
}

const Tensor& detail::undefined_tensor() {
  static const Tensor none;
  return none;
}

}  // namespace plait
