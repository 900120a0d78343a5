// SPDX-License-Identifier: MIT
// The special functions of special.def as C++ functions, recorded for backward.
#pragma once

#include "core/tensor.h"

namespace plait {

#define PLAIT_SPECIAL(name, ...) Tensor name(const Tensor& x);
#define PLAIT_SPECIAL_BINARY(name, ...) Tensor name(const Tensor& a, const Tensor& b);
#include "ops/special/special.def"

}  // namespace plait
