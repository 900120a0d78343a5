// SPDX-License-Identifier: MIT
// Order: sorting, the largest elements, the k-th element. NaN counts as greater than everything.
#pragma once

#include <tuple>

#include "core/tensor.h"

namespace plait {

using ValuesIndices = std::tuple<Tensor, Tensor>;

// Stable: equal elements keep their order.
ValuesIndices sort(const Tensor& x, int64_t dim = -1, bool descending = false);
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false);
// The k largest (or smallest) along dim in order; of equal ones the first.
ValuesIndices topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true);
// The k-th smallest along dim, k from 1.
ValuesIndices kthvalue(const Tensor& x, int64_t k, int64_t dim = -1, bool keepdim = false);
// The middle element along dim, the lower of two; NaN where there is one, unless they are skipped.
ValuesIndices median(const Tensor& x, int64_t dim, bool keepdim = false, bool skip_nan = false);
// The most frequent element along dim, the smallest of several, and its last place.
ValuesIndices mode(const Tensor& x, int64_t dim = -1, bool keepdim = false);

}  // namespace plait
