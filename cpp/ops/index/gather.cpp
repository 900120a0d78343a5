// SPDX-License-Identifier: MIT
// Reading and writing element by element along one dimension: y[i, j] = x[i, index[i, j]] and its reverse.
#include <algorithm>

#include "autograd/op.h"
#include "core/walk.h"
#include "kernels/index/gather_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/index/index_plan.h"
#include "ops/index/scatter.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// index walks over y, and over x along dim.
LineIndex lines_of(const Tensor& index, const Tensor& x, const Tensor& y, int64_t dim) {
  return {index.shape(), index.data<int64_t>(), index.strides(), x.strides(), y.strides(), dim};
}

// A 0-d tensor takes part as one of a single element.
Tensor at_least_1d(const Tensor& x) { return x.dim() == 0 ? view(x, Dims{1}) : x; }

Tensor checked_index(const char* op, const Tensor& index) {
  PLAIT_CHECK(is_integral(index.dtype()) && index.dtype() != DType::kBool, kType, op,
              ": expected an integer index tensor, got ", dtype_name(index.dtype()));
  return cast(index, DType::kInt64);
}

// index may be smaller than x in every dimension but `dim`, where it may have any size.
void check_shapes(const char* op, const Tensor& x, int64_t dim, const Tensor& index) {
  bool fits = x.dim() == index.dim() || x.dim() + index.dim() == 1;
  for (int64_t d = 0; fits && d < index.dim() && x.dim() == index.dim(); ++d) {
    fits = d == dim || index.shape()[d] <= x.shape()[d];
  }
  PLAIT_CHECK(fits || index.numel() == 0, kValue, op,
              ": expected an index of as many dimensions as the tensor and no larger apart from dimension ",
              dim, ", got index ", index.shape(), " and tensor ", x.shape());
}

}  // namespace

namespace {

// The places of x that index names, element by element, as one list.
IndexPlan places_of(const Tensor& x, int64_t dim, const Tensor& index) {
  const Walk<1> beside(index.shape(), {[&] {
                         Dims strides = x.strides();
                         strides[dim] = 0;
                         return strides;
                       }()});
  IndexPlan plan;
  plan.index_shape = {index.numel()};
  plan.places = mul(contiguous(index), x.strides()[dim]);
  auto* place = plan.places.data<int64_t>();
  beside.run(0, index.numel(), [&](const auto& at, int64_t n) {
    for (int64_t i = 0; i < n; ++i) *place++ += at[0] + i * beside.stride(0);
  });
  plan.places = reshape(plan.places, plan.index_shape);
  return plan;
}

}  // namespace

void scatter_into(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, Scatter how) {
  if (index.numel() == 0 || x.is_meta()) return;
  const bool rounds = is_16_bit_float(x.dtype()) && (how == Scatter::kAdd || how == Scatter::kMultiply);
  if (rounds && how == Scatter::kAdd && x.numel() > 16 * index.numel()) {
    return write_places(places_of(x, dim, index), x, contiguous(src), true);
  }
  if (rounds) {  // sums and products of 16-bit floats are rounded once
    const Tensor wide = cast(x, DType::kFloat32);
    scatter_into(wide, dim, index, cast(src, DType::kFloat32), how);
    copy_into(x, wide);
    return;
  }
  scatter_lines(x.dtype(), how, lines_of(index, x, src, dim), x.data_ptr(), src.data_ptr());
}

ScatterArgs check_scatter(const char* op, const Tensor& x, int64_t dim, const Tensor& index,
                          const Tensor& src) {
  const int64_t d = wrap_dim(op, dim, x.dim());
  PLAIT_CHECK(src.dtype() == x.dtype(), kType, op, ": expected a src of dtype ", dtype_name(x.dtype()),
              ", got ", dtype_name(src.dtype()));
  check_shapes(op, x, d, index);
  bool fits = src.dim() == index.dim() || src.dim() + index.dim() == 1;
  for (int64_t k = 0; fits && k < index.dim() && src.dim() == index.dim(); ++k) {
    fits = index.shape()[k] <= src.shape()[k];
  }
  PLAIT_CHECK(fits || index.numel() == 0, kValue, op,
              ": expected a src at least as large as the index, got src ", src.shape(), " and index ",
              index.shape());
  ScatterArgs out{at_least_1d(x), at_least_1d(checked_index(op, index)), at_least_1d(src), d};
  if (!out.x.is_meta()) check_index_range(op, lines_of(out.index, out.x, out.src, d), out.x.shape()[d]);
  if (index.numel() == 0) {
    out.src = zeros(out.index.shape(), x.dtype());
    return out;
  }
  for (int64_t k = 0; k < out.index.dim(); ++k) {
    if (out.src.shape()[k] != out.index.shape()[k]) out.src = narrow(out.src, k, 0, out.index.shape()[k]);
  }
  return out;
}

namespace {

// gx[.., index, ..] += gy
struct Gather {
  static constexpr OpMeta meta{"gather"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Dims&, int64_t dim) {
    ctx.save(index);
    const Tensor y = Tensor::empty(index.shape(), x.dtype());
    if (y.is_meta()) return y;
    gather_lines(meta.name, x.dtype(), lines_of(index, x, y, dim), x.shape()[dim], x.data_ptr(),
                 y.data_ptr());
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, const Dims& shape, int64_t dim) {
    return {scatter_add_(zeros(shape, gy.dtype()), dim, ctx.saved(0), gy), Tensor()};
  }
};

Tensor fresh_or_destination(const OpContext& ctx, const Tensor& x) {
  return ctx.destination().defined() ? ctx.destination() : clone(x);
}

struct ScatterAssign {
  static constexpr OpMeta meta{"scatter"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Tensor& src,
                        int64_t dim) {
    ctx.save(index);
    const Tensor y = fresh_or_destination(ctx, x);
    scatter_into(y, dim, index, src, Scatter::kAssign);
    return y;
  }
  // The overwritten elements of x receive nothing. Where several values met, the one that stayed is not
  // known here: each receives the gradient, as PyTorch has it.
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
    const Tensor index = ctx.saved(0);
    return {ctx.needs_grad(0) ? scatter(gy, dim, index, int64_t{0}) : Tensor(), Tensor(),
            ctx.needs_grad(2) ? gather(gy, dim, index) : Tensor()};
  }
};

struct ScatterAdd {
  static constexpr OpMeta meta{"scatter_add"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Tensor& src,
                        int64_t dim) {
    ctx.save(index);
    const Tensor y = fresh_or_destination(ctx, x);
    scatter_into(y, dim, index, src, Scatter::kAdd);
    return y;
  }
  // gx = gy, gsrc = gy[.., index, ..]
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
    return {gy, Tensor(), ctx.needs_grad(2) ? gather(gy, dim, ctx.saved(0)) : Tensor()};
  }
};

struct ScatterMultiply {
  static constexpr OpMeta meta{"scatter(reduce='multiply')"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Tensor& src,
                        int64_t dim) {
    const Tensor y = fresh_or_destination(ctx, x);
    scatter_into(y, dim, index, src, Scatter::kMultiply);
    return y;
  }
  static Grads backward(OpContext&, const Tensor&, int64_t) { return {}; }
};

template <class Op>
Tensor scattered(const char* name, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  const ScatterArgs a = check_scatter(name, x, dim, index, src);
  const Tensor y = apply<Op>(a.x, a.index, a.src, a.dim);
  return x.dim() == 0 ? reshape(y, IntSpan{}) : y;
}
template <class Op>
Tensor scattered_(const char* name, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  const ScatterArgs a = check_scatter(name, x, dim, index, src);
  apply_inplace<Op>(a.x, a.index, may_overlap(a.x, a.src) ? clone(a.src) : a.src, a.dim);
  return x;
}

// A number as a src of the index's shape that takes one element of memory.
Tensor spread(const Tensor& x, const Tensor& index, Scalar value) {
  return expand(full(IntSpan{}, value, x.dtype()), index.shape());
}

}  // namespace

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  const int64_t d = wrap_dim("gather", dim, x.dim());
  check_shapes("gather", x, d, index);
  PLAIT_CHECK(x.is_meta() || !index.is_meta(), kRuntime,
              "gather: expected an index on the device cpu as the tensor is, got meta");
  const Tensor i = at_least_1d(checked_index("gather", index)), wide = at_least_1d(x);
  if (i.dim() != wide.dim()) return take(x, i);  // an empty index
  const Tensor y = apply<Gather>(wide, i, wide.shape(), d);
  return index.dim() == 0 ? reshape(y, IntSpan{}) : y;
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  return scattered<ScatterAssign>("scatter", x, dim, index, src);
}
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, Scalar value) {
  return scatter(x, dim, index, spread(x, index, value));
}
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  return scattered<ScatterAdd>("scatter_add", x, dim, index, src);
}

Tensor scatter_add_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  return scattered_<ScatterAdd>("scatter_add_", x, dim, index, src);
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, std::optional<int64_t> dim) {
  if (!dim) return gather(reshape(x, Dims{-1}), 0, reshape(index, Dims{-1}));
  PLAIT_CHECK(x.dim() == index.dim(), kValue,
              "take_along_dim: expected an index of as many dimensions as the tensor, got index ",
              index.shape(), " and tensor ", x.shape());
  const int64_t d = wrap_dim("take_along_dim", *dim, x.dim());
  Dims x_shape = x.shape(), index_shape = index.shape();
  if (x.dim() > 0) x_shape[d] = index_shape[d] = 1;
  const Dims shape = broadcast_shapes("take_along_dim", x_shape, index_shape);
  x_shape = index_shape = shape;
  if (x.dim() > 0) {
    x_shape[d] = x.shape()[d];
    index_shape[d] = index.shape()[d];
  }
  const Tensor at = x.dim() > 0 ? where(lt(index, int64_t{0}), add(index, x.shape()[d]), index) : index;
  return gather(expand(x, x_shape), d, expand(at, index_shape));
}

namespace {

template <class Assign, class Add, class Multiply>
Tensor by_reduce(std::optional<std::string_view> reduce, Assign assign, Add add, Multiply multiply) {
  if (!reduce) return assign();
  PLAIT_CHECK(*reduce == "add" || *reduce == "multiply", kValue,
              "scatter: expected reduce 'add' or 'multiply', got '", *reduce, "'");
  return *reduce == "add" ? add() : multiply();
}

Tensor scatter_src(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                   std::optional<std::string_view> reduce) {
  return by_reduce(
      reduce, [&] { return scattered<ScatterAssign>("scatter", x, dim, index, src); },
      [&] { return scattered<ScatterAdd>("scatter", x, dim, index, src); },
      [&] { return scattered<ScatterMultiply>("scatter", x, dim, index, src); });
}
Tensor scatter_src_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                    std::optional<std::string_view> reduce) {
  return by_reduce(
      reduce, [&] { return scattered_<ScatterAssign>("scatter_", x, dim, index, src); },
      [&] { return scattered_<ScatterAdd>("scatter_", x, dim, index, src); },
      [&] { return scattered_<ScatterMultiply>("scatter_", x, dim, index, src); });
}
Tensor scatter_value(const Tensor& x, int64_t dim, const Tensor& index, Scalar value,
                     std::optional<std::string_view> reduce) {
  return scatter_src(x, dim, index, spread(x, index, value), reduce);
}
Tensor scatter_value_(const Tensor& x, int64_t dim, const Tensor& index, Scalar value,
                      std::optional<std::string_view> reduce) {
  return scatter_src_(x, dim, index, spread(x, index, value), reduce);
}
Tensor gather_op(const Tensor& x, int64_t dim, const Tensor& index, bool) { return gather(x, dim, index); }

constexpr const char* kScatterDoc = R"(Write values at the places along `dim` that `index` names.

For dim=0 of a matrix: x[index[i, j], j] = src[i, j]; for dim=1: x[i, index[i, j]] = src[i, j]. `index` has as many
dimensions as the tensor and is nowhere larger, but along `dim`; `src`, of the tensor's dtype, is at least as large as
`index`; a number may stand for it. Where several values meet the last one stays. `reduce='add'` adds the values,
`reduce='multiply'` multiplies by them (without a derivative). `scatter_` changes the tensor itself.

Raises:
    IndexError: an index out of range.
    ValueError: shapes that do not fit.

Example:
    >>> plait.zeros(2, 3).scatter(1, plait.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]]))";
constexpr const char* kScatterAddDoc = R"(Add values at the places along `dim` that `index` names.

For dim=0 of a matrix: x[index[i, j], j] += src[i, j]; for dim=1: x[i, index[i, j]] += src[i, j], in the order of the
index, at any number of threads. `index` has as many dimensions as the tensor and is nowhere larger, but along `dim`;
`src`, of the tensor's dtype, is at least as large as `index`. `scatter_add_` changes the tensor itself.

Raises:
    IndexError: an index out of range.
    ValueError: shapes that do not fit.

Example:
    >>> plait.zeros(3).scatter_add(0, plait.tensor([0, 0, 2]), plait.ones(3))
    tensor([2., 0., 1.]))";

const RegisterOps kOps{
    {"gather(Tensor input, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor", "fmocxd",
     PLAIT_BOX(gather_op),
     R"(The elements along `dim` that `index` names, one for each of its entries.

For dim=0 of a matrix: y[i, j] = x[index[i, j], j]; for dim=1: y[i, j] = x[i, index[i, j]]. `index` is an integer
tensor of as many dimensions as `input` and nowhere larger, but along `dim`; the result has its shape. Gradients of
elements read several times add up. `sparse_grad` has no effect.

Raises:
    IndexError: an index out of range (negative ones included).
    ValueError: shapes that do not fit.

Example:
    >>> x = plait.tensor([[1, 2], [3, 4]])
    >>> plait.gather(x, 1, plait.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]]))"},
    {"scatter(Tensor input, int dim, Tensor index, Tensor src, *, str? reduce=None) -> Tensor", "fmc",
     PLAIT_BOX(scatter_src), kScatterDoc},
    {"scatter(Tensor input, int dim, Tensor index, Scalar value, *, str? reduce=None) -> Tensor", "fmc",
     PLAIT_BOX(scatter_value), ""},
    {"scatter_(Tensor self, int dim, Tensor index, Tensor src, *, str? reduce=None) -> Tensor", "mc",
     PLAIT_BOX(scatter_src_), kScatterDoc},
    {"scatter_(Tensor self, int dim, Tensor index, Scalar value, *, str? reduce=None) -> Tensor", "mc",
     PLAIT_BOX(scatter_value_), ""},
    {"scatter_add(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", "fmc", PLAIT_BOX(scatter_add),
     kScatterAddDoc},
    {"scatter_add_(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", "mc", PLAIT_BOX(scatter_add_),
     kScatterAddDoc},
    {"take_along_dim(Tensor input, Tensor indices, int? dim=None) -> Tensor", "fmoc",
     PLAIT_BOX(take_along_dim),
     R"(The elements along `dim` that `indices` names, the other dimensions broadcasting.

Without `dim` both tensors are taken as one row. Negative indices count from the end. Fits the results of `argsort` and of `argmax` with keepdim=True.

Raises:
    IndexError: an index out of range.
    ValueError: shapes that do not broadcast.

Example:
    >>> x = plait.tensor([[3, 1], [2, 4]])
    >>> plait.take_along_dim(x, plait.tensor([[1], [0]]), 1)
    tensor([[1],
            [2]]))"},
};

}  // namespace
}  // namespace plait
