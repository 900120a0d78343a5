// SPDX-License-Identifier: MIT
// Reading and writing whole slices along one dimension, named by a 1-d index tensor.
#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/index/index_plan.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// None for the dimensions before dim, then the index.
std::vector<Tensor> at_dim(int64_t dim, const Tensor& index) {
  std::vector<Tensor> indices(static_cast<size_t>(dim) + 1);
  indices.back() = index;
  return indices;
}

struct IndexSelect {
  static constexpr OpMeta meta{"index_select"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Dims&, int64_t dim) {
    ctx.save(index);
    return read_places(plan_index("index_select", x, at_dim(dim, index), Negative::kOutOfRange), x);
  }
  // gx[.., index, ..] += gy
  static Grads backward(OpContext& ctx, const Tensor& gy, const Dims& shape, int64_t dim) {
    return {index_add_(zeros(shape, gy.dtype()), dim, ctx.saved(0), gy), Tensor()};
  }
};

// A 0-d index counts as one of a single entry, a 0-d x as one dimension of size 1.
Tensor checked_index(const char* op, const Tensor& index) {
  PLAIT_CHECK(is_integral(index.dtype()) && index.dtype() != DType::kBool, kType, op,
              ": expected an integer index tensor, got ", dtype_name(index.dtype()));
  PLAIT_CHECK(index.dim() <= 1, kIndex, op, ": expected a 1-d index, got shape ", index.shape());
  return index.dim() == 0 ? reshape(index, Dims{1}) : index;
}

// The ops that write: `source` holds one slice per entry of index.
void check_source(const char* op, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  PLAIT_CHECK(source.dtype() == x.dtype(), kType, op, ": expected a source of dtype ", dtype_name(x.dtype()),
              ", got ", dtype_name(source.dtype()));
  Dims shape = x.shape();
  if (x.dim() > 0) shape[dim] = index.numel();
  const bool scalar = x.dim() == 0 && source.numel() == 1 && index.numel() == 1;
  PLAIT_CHECK(scalar || source.shape() == shape, kValue, op, ": expected a source of shape ", shape,
              " for x of shape ", x.shape(), ", dim ", dim, " and ", index.numel(), " indices, got ",
              source.shape());
}

// Indices below 0 are errors in this family; index_put_ would count them from the end.
void check_range(const char* op, const Tensor& x, int64_t dim, const Tensor& index) {
  const Tensor at = x.dim() == 0 ? x.alias(Dims{1}, Dims{1}, x.offset()) : x;
  plan_index(op, at, at_dim(dim, index), Negative::kOutOfRange);
}

struct Slot {
  Tensor x;  // x, or a 1-d view of a 0-d one
  Tensor index, source;
  int64_t dim;
};
Slot checked_slot(const char* op, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  const int64_t d = wrap_dim(op, dim, x.dim());
  const Tensor i = checked_index(op, index);
  check_source(op, x, d, i, source);
  check_range(op, x, d, i);
  return {x.dim() == 0 ? view(x, Dims{1}) : x, i, x.dim() == 0 ? reshape(source, Dims{1}) : source, d};
}

Tensor scaled(const Tensor& source, Scalar alpha) {
  if (alpha.to_double() == 1) return source;
  return mul(source, alpha);
}

}  // namespace

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  const int64_t d = wrap_dim("index_select", dim, x.dim());
  const Tensor i = checked_index("index_select", index);
  if (x.dim() == 0) return reshape(index_select(view(x, Dims{1}), 0, i), IntSpan{});
  return apply<IndexSelect>(x, i, x.shape(), d);
}

Tensor index_add_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  const Slot s = checked_slot("index_add_", x, dim, index, source);
  index_put_(s.x, at_dim(s.dim, s.index), s.source, true);
  return x;
}

Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return index_add_(clone(x), dim, index, source);
}

Tensor take(const Tensor& x, const Tensor& index) {
  PLAIT_CHECK(is_integral(index.dtype()) && index.dtype() != DType::kBool, kType,
              "take: expected an integer index tensor, got ", dtype_name(index.dtype()));
  return plait::index(reshape(x, Dims{-1}), {index});
}

namespace {

Tensor index_add_scaled_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                         Scalar alpha) {
  return index_add_(x, dim, index, scaled(source, alpha));
}
Tensor index_add_scaled(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                        Scalar alpha) {
  return index_add(x, dim, index, scaled(source, alpha));
}

Tensor index_copy_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  const Slot s = checked_slot("index_copy_", x, dim, index, source);
  index_put_(s.x, at_dim(s.dim, s.index), s.source, false);
  return x;
}
Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return index_copy_(clone(x), dim, index, source);
}

// Inputs: x, index, value.
struct IndexFill {
  static constexpr OpMeta meta{"index_fill_"};
  // 1 at the index, else 0.
  static Tensor filled(const Tensor& x, int64_t dim, const Tensor& index) {
    const Tensor one = full(IntSpan{}, int64_t{1}, x.dtype());
    return index_put(zeros(x.shape(), x.dtype()), at_dim(dim, index), one);
  }
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Tensor& value,
                        int64_t dim) {
    ctx.save(index);
    const Tensor y = ctx.destination().defined() ? ctx.destination() : clone(x);
    write_places(plan_index("index_fill_", y, at_dim(dim, index)), y, value, false);
    return y;
  }
  // gx = gy, 0 at the index; gvalue = sum of gy there, a slice named twice counted once
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
    const Tensor index = ctx.saved(0);
    return {ctx.needs_grad(0) ? index_put(gy, at_dim(dim, index), zeros(IntSpan{}, gy.dtype())) : Tensor(),
            Tensor(), ctx.needs_grad(2) ? sum(mul(gy, filled(gy, dim, index))) : Tensor()};
  }
};

Tensor index_fill_tensor_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& value) {
  PLAIT_CHECK(value.dim() == 0, kValue, "index_fill_: expected a number or a 0-d tensor, got shape ",
              value.shape());
  const int64_t d = wrap_dim("index_fill_", dim, x.dim());
  const Tensor i = checked_index("index_fill_", index);
  const Tensor to = x.dim() == 0 ? view(x, Dims{1}) : x;
  const Tensor v = cast(value, x.dtype());
  apply_inplace<IndexFill>(to, i, may_overlap(to, v) ? clone(v) : v, d);
  return x;
}
Tensor index_fill_(const Tensor& x, int64_t dim, const Tensor& index, Scalar value) {
  value.check_fits("index_fill_", x.dtype());
  return index_fill_tensor_(x, dim, index, full(IntSpan{}, value, x.dtype()));
}
Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, Scalar value) {
  return index_fill_(clone(x), dim, index, value);
}
Tensor index_fill_tensor(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& value) {
  return index_fill_tensor_(clone(x), dim, index, value);
}

// Row-major element numbers of x as one index tensor per dimension.
std::vector<Tensor> unravel(const Tensor& x, const Tensor& index) {
  const Tensor flat = contiguous(cast(index, DType::kInt64));
  const int64_t* p = flat.is_meta() ? nullptr : flat.data<int64_t>();
  std::vector<Tensor> out;
  for (int64_t d = 0; d < x.dim(); ++d) out.push_back(Tensor::empty(index.shape(), DType::kInt64));
  for (int64_t i = 0; p && i < index.numel(); ++i) {
    PLAIT_CHECK(p[i] >= -x.numel() && p[i] < x.numel(), kIndex, "put_: index ", p[i],
                " is out of bounds for a tensor of ", x.numel(), " elements");
    int64_t rest = p[i] < 0 ? p[i] + x.numel() : p[i];
    for (int64_t d = x.dim() - 1; d >= 0; --d) {
      out[static_cast<size_t>(d)].data<int64_t>()[i] = rest % x.shape()[d];
      rest /= x.shape()[d];
    }
  }
  return out;
}

Tensor put_(const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate) {
  PLAIT_CHECK(is_integral(index.dtype()) && index.dtype() != DType::kBool, kType,
              "put_: expected an integer index tensor, got ", dtype_name(index.dtype()));
  PLAIT_CHECK(source.dtype() == x.dtype(), kType, "put_: expected a source of dtype ", dtype_name(x.dtype()),
              ", got ", dtype_name(source.dtype()));
  PLAIT_CHECK(source.numel() == index.numel(), kValue,
              "put_: expected as many source elements as indices, got ", source.numel(), " and ",
              index.numel());
  const Tensor values = reshape(source, index.shape());
  if (x.is_contiguous()) {
    index_put_(view(x, Dims{-1}), {index}, values, accumulate);
  } else {
    index_put_(x, unravel(x, index), values, accumulate);
  }
  return x;
}
Tensor put(const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate) {
  return put_(clone(x), index, source, accumulate);
}

constexpr const char* kAddDoc =
    R"(Add slices of `source` to the slices of a tensor that `index` names along `dim`.

x[..., index[i], ...] += alpha * source[..., i, ...], in the order of i. `source` has the shape of the tensor but for
dimension `dim`, where it has one entry per index, and its dtype. `index_add_` changes the tensor itself.

Raises:
    IndexError: an index out of range (negative ones included).
    ValueError: a source of other shape.

Example:
    >>> x = plait.zeros(3)
    >>> x.index_add(0, plait.tensor([0, 0, 2]), plait.ones(3))
    tensor([2., 0., 1.]))";
constexpr const char* kCopyDoc =
    R"(Copy slices of `source` to the slices of a tensor that `index` names along `dim`.

x[..., index[i], ...] = source[..., i, ...]; of an index named twice the last slice stays. `source` has the shape of
the tensor but for dimension `dim`, where it has one entry per index, and its dtype. `index_copy_` changes the tensor
itself.

Raises:
    IndexError: an index out of range (negative ones included).
    ValueError: a source of other shape.

Example:
    >>> plait.zeros(3).index_copy(0, plait.tensor([2, 0]), plait.tensor([5.0, 6.0]))
    tensor([6., 0., 5.]))";
constexpr const char* kFillDoc =
    R"(Set the slices that `index` names along `dim` to `value`, a number or a 0-d tensor.

`index_fill_` changes the tensor itself.

Raises:
    IndexError: an index out of range and for one of more than one dimension.

Example:
    >>> plait.zeros(2, 3).index_fill(1, plait.tensor([0, 2]), 7)
    tensor([[7., 0., 7.],
            [7., 0., 7.]]))";
constexpr const char* kPutDoc = R"(Write `source` at the elements that `index` names in row-major order.

`source` has as many elements as `index` and the tensor's dtype. With `accumulate=True` values are added. Negative
indices count from the end. `put_` changes the tensor itself.

Raises:
    IndexError: an index out of range.
    ValueError: the numbers of elements differ.

Example:
    >>> plait.zeros(2, 2).put(plait.tensor([1, 3]), plait.tensor([5.0, 6.0]))
    tensor([[0., 5.],
            [0., 6.]]))";

const RegisterOps kOps{
    {"index_select(Tensor input, int dim, Tensor index) -> Tensor", "fmocd", PLAIT_BOX(index_select),
     R"(The slices of `input` along `dim` that `index` names, in its order.

`index` is a 1-d integer tensor; entries may repeat, their gradients add up.

Raises:
    IndexError: an index out of range (negative ones included).

Example:
    >>> x = plait.tensor([[1, 2], [3, 4], [5, 6]])
    >>> plait.index_select(x, 0, plait.tensor([2, 0]))
    tensor([[5, 6],
            [1, 2]]))"},
    {"index_add(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor", "fmoc",
     PLAIT_BOX(index_add_scaled), kAddDoc},
    {"index_add_(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor", "mc",
     PLAIT_BOX(index_add_scaled_), kAddDoc},
    {"index_copy(Tensor input, int dim, Tensor index, Tensor source) -> Tensor", "fmoc",
     PLAIT_BOX(index_copy), kCopyDoc},
    {"index_copy_(Tensor self, int dim, Tensor index, Tensor source) -> Tensor", "mc", PLAIT_BOX(index_copy_),
     kCopyDoc},
    {"index_fill(Tensor input, int dim, Tensor index, Scalar value) -> Tensor", "fmc", PLAIT_BOX(index_fill),
     kFillDoc},
    {"index_fill(Tensor input, int dim, Tensor index, Tensor value) -> Tensor", "fmc",
     PLAIT_BOX(index_fill_tensor), ""},
    {"index_fill_(Tensor self, int dim, Tensor index, Scalar value) -> Tensor", "mc", PLAIT_BOX(index_fill_),
     kFillDoc},
    {"index_fill_(Tensor self, int dim, Tensor index, Tensor value) -> Tensor", "mc",
     PLAIT_BOX(index_fill_tensor_), ""},
    {"take(Tensor input, Tensor index) -> Tensor", "fmoc", PLAIT_BOX(take),
     R"(The elements of `input`, seen as one row in row-major order, that `index` names; the result has its shape.

Negative indices count from the end.

Raises:
    IndexError: an index out of range.
    TypeError: an index that is not an integer tensor.

Example:
    >>> plait.take(plait.tensor([[4, 3], [5, 8]]), plait.tensor([0, 3]))
    tensor([4, 8]))"},
    {"put(Tensor input, Tensor index, Tensor source, bool accumulate=False) -> Tensor", "fmc", PLAIT_BOX(put),
     kPutDoc},
    {"put_(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor", "mc", PLAIT_BOX(put_),
     kPutDoc},
};

}  // namespace
}  // namespace plait
