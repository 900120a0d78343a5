// SPDX-License-Identifier: MIT
// The elements of a tensor in other places: reversed, rolled, repeated, padded, cut to a triangle.
#pragma once

#include <string_view>

#include "core/scalar.h"
#include "core/tensor.h"

namespace plait {

Tensor flip(const Tensor& x, IntSpan dims);
Tensor roll(const Tensor& x, IntSpan shifts, IntSpan dims);
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
Tensor repeat(const Tensor& x, IntSpan repeats);
Tensor diag_embed(const Tensor& x, int64_t offset = 0, int64_t dim1 = -2, int64_t dim2 = -1);
// Two numbers per dimension, from the last dimension on: elements to add (below 0: to cut off) in front and
// behind.
Tensor constant_pad(const Tensor& x, IntSpan pad, Scalar value);
// mode: "constant", "reflect", "replicate" or "circular".
Tensor pad(const Tensor& x, IntSpan pad, std::string_view mode, Scalar value);

}  // namespace plait
