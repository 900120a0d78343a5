// SPDX-License-Identifier: MIT
#include "ops/index/index_plan.h"

#include <algorithm>
#include <vector>

#include "kernels/index/index_driver.h"
#include "ops/copy.h"

namespace plait {
namespace {

Dims broadcast_indices(const char* op, const std::vector<Tensor>& indices) {
  Dims shape;
  for (const Tensor& t : indices) {
    if (!t.defined()) continue;
    try {
      shape = broadcast_shapes(op, shape, t.shape());
    } catch (const Error& e) {
      PLAIT_FAIL(kIndex, op, ": index tensors must broadcast to one shape; ", e.what());
    }
  }
  return shape;
}

// Strides of t under a shape that it broadcasts to.
Dims broadcast_strides(const Tensor& t, const Dims& shape) {
  Dims strides(shape.size(), 0);
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (t.shape()[d] > 1) strides[shape.size() - t.dim() + d] = t.strides()[d];
  }
  return strides;
}

IndexedArray indexed(const IndexPlan& plan) {
  return {plan.before_shape,  plan.before_strides,         plan.after_shape,
          plan.after_strides, plan.places.data<int64_t>(), plan.places.numel()};
}

}  // namespace

Dims IndexPlan::result_shape() const {
  Dims shape = before_shape;
  for (int64_t s : index_shape) shape.push_back(s);
  for (int64_t s : after_shape) shape.push_back(s);
  return shape;
}

IndexPlan plan_index(const char* op, const Tensor& x, const std::vector<Tensor>& indices, Negative negative) {
  const auto given = static_cast<int64_t>(indices.size());
  PLAIT_CHECK(given <= x.dim(), kIndex, op, ": too many indices for a tensor of dimension ", x.dim(),
              " (got ", given, ", shape ", x.shape(), ")");
  const auto indexed = [&](int64_t d) { return d < given && indices[static_cast<size_t>(d)].defined(); };
  int64_t first = x.dim(), last = -1, count = 0;
  for (int64_t d = 0; d < given; ++d) {
    if (!indexed(d)) continue;
    const DType dtype = indices[static_cast<size_t>(d)].dtype();
    PLAIT_CHECK(x.is_meta() || !indices[static_cast<size_t>(d)].is_meta(), kRuntime, op,
                ": expected indices on the device cpu as the tensor is, got meta");
    PLAIT_CHECK(is_integral(dtype) && dtype != DType::kBool, kIndex, op,
                ": expected integer index tensors, got ", dtype_name(dtype));
    first = std::min(first, d);
    last = d;
    ++count;
  }
  IndexPlan plan;
  plan.index_shape = broadcast_indices(op, indices);
  const bool adjacent = last - first + 1 == count;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (indexed(d)) continue;
    const bool before = adjacent && d < first;
    (before ? plan.before_shape : plan.after_shape).push_back(x.shape()[d]);
    (before ? plan.before_strides : plan.after_strides).push_back(x.strides()[d]);
  }
  plan.places = Tensor::empty({checked_numel(op, plan.index_shape)}, DType::kInt64);
  if (!plan.places.has_values()) return plan;
  auto* const places = plan.places.data<int64_t>();
  if (count == 0) std::fill_n(places, plan.places.numel(), int64_t{0});
  for (int64_t d = first; d <= last; ++d) {
    if (!indexed(d)) continue;
    const Tensor& t = indices[static_cast<size_t>(d)];
    const Dims strides = broadcast_strides(t, plan.index_shape);
    add_places(op, plan.index_shape,
               {t.dtype(), t.data_ptr(), strides, d, x.shape()[d], x.strides()[d],
                negative == Negative::kCountsFromEnd},
               d == first, places);
  }
  return plan;
}

Tensor read_places(const IndexPlan& plan, const Tensor& x) {
  const Tensor y = Tensor::empty(plan.result_shape(), x.dtype());
  if (!y.has_values()) return y;
  read_indexed(x.dtype(), indexed(plan), x.data_ptr(), y.data_ptr());
  return y;
}

namespace {

// x[places] += values of 16-bit floats: the places that are met, each once, are summed in float32 and rounded
// once, whatever else x holds.
void add_in_float32(const IndexPlan& plan, const Tensor& x, const Tensor& values) {
  const int64_t n = plan.places.numel();
  const auto* const places = plan.places.data<int64_t>();
  std::vector<int64_t> distinct(places, places + n);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  IndexPlan met = plan;
  met.index_shape = {static_cast<int64_t>(distinct.size())};
  met.places = Tensor::empty(met.index_shape, DType::kInt64);
  std::copy(distinct.begin(), distinct.end(), met.places.data<int64_t>());

  const Tensor sums = cast(read_places(met, x), DType::kFloat32);
  const auto lead = plan.before_shape.size();
  IndexPlan in_sums = plan;
  in_sums.places = Tensor::empty({n}, DType::kInt64);
  for (int64_t i = 0; i < n; ++i) {
    const auto rank = std::lower_bound(distinct.begin(), distinct.end(), places[i]) - distinct.begin();
    in_sums.places.data<int64_t>()[i] = rank * sums.strides()[lead];
  }
  for (int64_t d = 0; d < lead; ++d) in_sums.before_strides[d] = sums.strides()[d];
  for (int64_t d = 0; d < plan.after_shape.size(); ++d)
    in_sums.after_strides[d] = sums.strides()[lead + 1 + d];
  write_places(in_sums, sums, cast(values, DType::kFloat32), true);
  write_places(met, x, cast(sums, x.dtype()), false);
}

// Where a good part of x is met, a float32 copy of all of it is cheaper than sorting the places.
bool is_mostly_met(const Tensor& x, int64_t written) {
  return x.is_contiguous() && x.numel() <= 16 * written;
}

}  // namespace

void write_places(const IndexPlan& plan, const Tensor& x, const Tensor& values, bool accumulate) {
  if (x.is_meta()) return;
  if (accumulate && is_16_bit_float(x.dtype()) && plan.places.numel() > 0) {
    if (!is_mostly_met(x, numel_of(plan.result_shape()))) return add_in_float32(plan, x, values);
    const Tensor wide = cast(x, DType::kFloat32);
    write_places(plan, wide, cast(values, DType::kFloat32), true);
    copy_into(x, wide);
    return;
  }
  write_indexed(x.dtype(), indexed(plan), x.data_ptr(), values.data_ptr(), values.numel() == 1, accumulate);
}

}  // namespace plait
