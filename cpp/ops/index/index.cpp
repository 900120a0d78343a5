// SPDX-License-Identifier: MIT
// Advanced indexing: NumPy's rules for index tensors and masks, reading and writing.
#include "ops/index/index.h"

#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index_plan.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

std::vector<Tensor> saved_list(const OpContext& ctx, int64_t count) {
  std::vector<Tensor> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(ctx.saved(static_cast<size_t>(i)));
  return out;
}

// The gradient is added up at the places that were read.
struct Index {
  static constexpr OpMeta meta{"index"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const std::vector<Tensor>& indices, const Dims&,
                        int64_t) {
    for (const Tensor& t : indices) ctx.save(t);
    return read_places(plan_index("index", x, indices), x);
  }
  // gx[indices] += gy
  static Grads backward(OpContext& ctx, const Tensor& gy, const Dims& shape, int64_t count) {
    Grads gxs(static_cast<size_t>(count) + 1);
    gxs[0] = index_put_(zeros(shape, gy.dtype()), saved_list(ctx, count), gy, true);
    return gxs;
  }
};

// Inputs: x, the indices, the values.
struct IndexPut {
  static constexpr OpMeta meta{"index_put_"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const std::vector<Tensor>& indices,
                        const Tensor& values, bool accumulate, int64_t) {
    for (const Tensor& t : indices) ctx.save(t);
    const Tensor y = ctx.destination().defined() ? ctx.destination() : clone(x);
    const IndexPlan plan = plan_index("index_put_", y, indices);
    write_places(plan, y, values.numel() == 1 ? values : contiguous(expand(values, plan.result_shape())),
                 accumulate);
    return y;
  }
  // gx = gy, 0 where values replaced it; gvalues = gy[indices]
  static Grads backward(OpContext& ctx, const Tensor& gy, bool accumulate, int64_t count) {
    const std::vector<Tensor> indices = saved_list(ctx, count);
    Grads gxs(static_cast<size_t>(count) + 2);
    if (ctx.needs_grad(0)) {
      gxs[0] = accumulate ? gy : index_put(gy, indices, zeros(IntSpan{}, gy.dtype()));
    }
    if (ctx.needs_grad(gxs.size() - 1)) gxs.back() = index(gy, indices);
    return gxs;
  }
};

bool is_mask(const Tensor& t) {
  return t.defined() && (t.dtype() == DType::kBool || t.dtype() == DType::kUInt8);
}

// Masks of k dimensions as k index tensors, so that every entry takes one dimension.
std::vector<Tensor> expand_masks(const char* op, const Tensor& x, const std::vector<Tensor>& indices) {
  std::vector<Tensor> out;
  for (const Tensor& t : indices) {
    if (!is_mask(t)) {
      out.push_back(t);
      continue;
    }
    const auto first = static_cast<int64_t>(out.size());
    for (int64_t d = 0; d < t.dim(); ++d) {
      PLAIT_CHECK(first + d < x.dim() && t.shape()[d] == x.shape()[first + d], kIndex, op,
                  ": the shape of the mask ", t.shape(), " at index ", d,
                  " does not match the shape of the indexed tensor ", x.shape(), " at index ", first + d);
    }
    const MetaMode mode(t.is_meta());  // a mask of the CPU may index a tensor on the device meta
    const Tensor places = nonzero(t);
    for (int64_t d = 0; d < t.dim(); ++d) out.push_back(select(places, 1, d));
  }
  return out;
}

// A single mask that covers all of x.
bool is_full_mask(const Tensor& x, const std::vector<Tensor>& indices) {
  return indices.size() == 1 && is_mask(indices[0]) && indices[0].dtype() == DType::kBool &&
         indices[0].is_meta() == x.is_meta() && indices[0].shape() == x.shape() && x.dim() > 0;
}

bool any_defined(const std::vector<Tensor>& indices) {
  for (const Tensor& t : indices) {
    if (t.defined()) return true;
  }
  return false;
}

// Values with leading dimensions of size 1 beyond those of the selection are accepted, as NumPy does.
Tensor checked_values(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& values) {
  PLAIT_CHECK(values.dtype() == x.dtype(), kType, "index_put_: expected values of dtype ",
              dtype_name(x.dtype()), ", got ", dtype_name(values.dtype()));
  if (values.numel() == 1) return values.dim() == 0 ? values : reshape(values, IntSpan{});
  const Dims target = plan_index("index_put_", x, indices).result_shape();
  Tensor v = values;
  while (v.dim() > target.size() && v.shape()[0] == 1) v = select(v, 0, 0);
  const int64_t more = target.size() - v.dim();
  bool fits = more >= 0;
  for (int64_t d = 0; fits && d < v.dim(); ++d) fits = v.shape()[d] == 1 || v.shape()[d] == target[more + d];
  PLAIT_CHECK(fits, kValue, "index_put_: values of shape ", values.shape(),
              " cannot be broadcast to the indexed shape ", target);
  return v;
}

}  // namespace

Tensor index(const Tensor& x, const std::vector<Tensor>& indices) {
  if (!any_defined(indices)) return view_alias(x);
  if (is_full_mask(x, indices)) return masked_select(x, indices[0]);
  const std::vector<Tensor> flat = expand_masks("index", x, indices);
  return apply<Index>(x, flat, x.shape(), static_cast<int64_t>(flat.size()));
}

Tensor index_put_(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& values,
                  bool accumulate) {
  if (!accumulate && values.numel() == 1 && values.dtype() == x.dtype() && is_full_mask(x, indices)) {
    return masked_fill_(x, indices[0], values.dim() == 0 ? values : reshape(values, IntSpan{}));
  }
  const std::vector<Tensor> flat = expand_masks("index_put_", x, indices);
  const Tensor v = checked_values(x, flat, values);
  const auto count = static_cast<int64_t>(flat.size());
  const bool aliases = may_overlap(x, v);
  return apply_inplace<IndexPut>(x, flat, aliases ? clone(v) : v, accumulate, count);
}

Tensor index_put(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& values, bool accumulate) {
  const std::vector<Tensor> flat = expand_masks("index_put", x, indices);
  const Tensor v = checked_values(x, flat, values);
  return apply<IndexPut>(x, flat, v, accumulate, static_cast<int64_t>(flat.size()));
}

namespace {

constexpr const char* kIndexPutDoc = R"(Write `values` at the elements of a tensor named by index tensors.

`indices` is a tuple with one entry per leading dimension: integer tensors that broadcast against each other, masks,
or None for a whole dimension. `values`, of the tensor's dtype, broadcasts to the indexed shape. With
`accumulate=True` values are added, also those for the same element; otherwise the last of them stays.
`index_put_` changes the tensor itself.

Raises:
    IndexError: an index out of range.
    ValueError: `values` does not fit.

Example:
    >>> x = plait.zeros(3)
    >>> x.index_put_((plait.tensor([0, 0, 2]),), plait.tensor(1.0), accumulate=True)
    tensor([2., 0., 1.]))";

const RegisterOps kOps{
    {"_index(Tensor input, Tensor?[] indices) -> Tensor", "pcd", PLAIT_BOX(index),
     R"(input[indices] with index tensors, masks and None.)"},
    {"index_put_(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor", "fmcd",
     PLAIT_BOX(index_put_), kIndexPutDoc},
    {"index_put(Tensor input, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor", "fmcd",
     PLAIT_BOX(index_put), kIndexPutDoc},
};

}  // namespace
}  // namespace plait
