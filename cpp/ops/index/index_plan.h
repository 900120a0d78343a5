// SPDX-License-Identifier: MIT
// What x[indices] touches, worked out once for reading and writing.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace plait {

// For every entry of the broadcast index tensors a place in x (in elements, by x's strides), between the
// dimensions before and after them that are taken whole. Index tensors with a whole dimension in between put
// the index shape in front.
struct IndexPlan {
  Dims before_shape, before_strides;
  Dims index_shape;
  Dims after_shape, after_strides;
  Tensor places;  // int64, contiguous

  Dims result_shape() const;
};

enum class Negative { kCountsFromEnd, kOutOfRange };

// indices: integer tensors or undefined. Throws IndexError before anything is written.
IndexPlan plan_index(const char* op, const Tensor& x, const std::vector<Tensor>& indices,
                     Negative negative = Negative::kCountsFromEnd);

// y[before, i, after] = x[before, places[i], after] into a fresh contiguous tensor.
Tensor read_places(const IndexPlan& plan, const Tensor& x);
// x[before, places[i], after] = or += values[before, i, after], in the order of i. `values` has one element
// or is contiguous with the plan's result shape; same dtype as x.
void write_places(const IndexPlan& plan, const Tensor& x, const Tensor& values, bool accumulate);

}  // namespace plait
