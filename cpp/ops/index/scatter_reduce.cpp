// SPDX-License-Identifier: MIT
// scatter_reduce: what several values that meet at one place become.
#include <cmath>
#include <limits>

#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/index/scatter.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

enum class Meeting { kSum, kProd, kMean, kMax, kMin };

Meeting parse_meeting(std::string_view reduce) {
  if (reduce == "sum") return Meeting::kSum;
  if (reduce == "prod") return Meeting::kProd;
  if (reduce == "mean") return Meeting::kMean;
  if (reduce == "amax" || reduce == "max") return Meeting::kMax;
  PLAIT_CHECK(reduce == "amin" || reduce == "min", kValue,
              "scatter_reduce: expected reduce 'sum', 'prod', 'mean', 'amax' or 'amin', got '", reduce, "'");
  return Meeting::kMin;
}

// What changes nothing when it meets a value.
Scalar neutral(Meeting how, DType dtype) {
  if (how == Meeting::kProd) return int64_t{1};
  if (how == Meeting::kSum || how == Meeting::kMean) return int64_t{0};
  const bool max = how == Meeting::kMax;
  if (is_floating(dtype)) return max ? -HUGE_VAL : HUGE_VAL;
  return dispatch(dtype, [&](auto tag) -> Scalar {
    using T = typename decltype(tag)::type;
    return convert<int64_t>(max ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max());
  });
}

Tensor ones_of(const Tensor& x) { return full(x.shape(), int64_t{1}, x.dtype()); }
Tensor one_where(const Tensor& mask, DType dtype) { return cast(mask, dtype); }

// How many values meet at each place, at least 1.
Tensor count_meetings(const Tensor& x, int64_t dim, const Tensor& index, bool include_self) {
  const Tensor start = include_self ? ones_of(x) : zeros(x.shape(), x.dtype());
  return maximum(scatter_add(start, dim, index, full(index.shape(), int64_t{1}, x.dtype())), int64_t{1});
}

Tensor reduced(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, Meeting how,
               bool include_self) {
  const Tensor y = clone(x);
  if (!include_self) {
    const Tensor start = expand(full(IntSpan{}, neutral(how, x.dtype()), x.dtype()), index.shape());
    scatter_into(y, dim, index, start, Scatter::kAssign);
  }
  switch (how) {
    case Meeting::kProd:
      scatter_into(y, dim, index, src, Scatter::kMultiply);
      return y;
    case Meeting::kMax:
      scatter_into(y, dim, index, src, Scatter::kMax);
      return y;
    case Meeting::kMin:
      scatter_into(y, dim, index, src, Scatter::kMin);
      return y;
    case Meeting::kMean: {
      scatter_into(y, dim, index, src, Scatter::kAdd);
      const Tensor count = count_meetings(x, dim, index, include_self);
      return x.is_floating() ? div(y, count) : div(y, count, "floor");
    }
    default:
      scatter_into(y, dim, index, src, Scatter::kAdd);
      return y;
  }
}

// Inputs: x, index, src. n: how many values met; a value of x that was replaced receives nothing.
struct ScatterReduce {
  static constexpr OpMeta meta{"scatter_reduce"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Tensor& src, int64_t dim,
                        Meeting how, bool include_self) {
    ctx.save(x, index, src);
    const Tensor y = reduced(x, dim, index, src, how, include_self);
    ctx.save_result(y);
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim, Meeting how, bool include_self) {
    const Tensor x = ctx.saved(0), index = ctx.saved(1), src = ctx.saved(2), y = ctx.saved(3);
    Tensor gx, gsrc;
    switch (how) {
      case Meeting::kSum:
        gx = gy;
        gsrc = gather(gy, dim, index);
        break;
      case Meeting::kMean: {  // gy / n for each
        const Tensor share = div(gy, count_meetings(x, dim, index, include_self));
        gx = share;
        gsrc = gather(share, dim, index);
        break;
      }
      case Meeting::kMax:
      case Meeting::kMin: {  // shared evenly among those that equal the result; of a NaN, 0 / 0
        const Tensor own = one_where(eq(x, y), gy.dtype());
        const Tensor theirs = one_where(eq(src, gather(y, dim, index)), gy.dtype());
        const Tensor base = include_self ? own : scatter(own, dim, index, int64_t{0});
        const Tensor share = div(gy, scatter_add(base, dim, index, theirs));
        gx = mul(own, share);
        gsrc = mul(theirs, gather(share, dim, index));
        break;
      }
      case Meeting::kProd: {
        // y / v, except where v is 0: then the product of the others, made by a second pass without v.
        const Tensor x_filled = masked_fill(x, eq(x, int64_t{0}), int64_t{1});
        gx = div(mul(gy, apply<ScatterReduce>(x_filled, index, src, dim, how, include_self)), x_filled);
        const Tensor is_zero = eq(src, int64_t{0});
        const Tensor zeros_met =
            gather(scatter_add(zeros(x.shape(), gy.dtype()), dim, index, one_where(is_zero, gy.dtype())), dim,
                   index);
        const Tensor only_zero = logical_and(is_zero, eq(zeros_met, int64_t{1}));
        const Tensor without =
            apply<ScatterReduce>(x, index, masked_fill(src, only_zero, int64_t{1}), dim, how, include_self);
        gsrc = where(only_zero, gather(mul(gy, without), dim, index),
                     div(gather(mul(gy, y), dim, index), masked_fill(src, is_zero, int64_t{1})));
        break;
      }
    }
    if (!include_self) gx = scatter(gx, dim, index, int64_t{0});
    return {gx, Tensor(), gsrc};
  }
};

Tensor scatter_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                      std::string_view reduce, bool include_self) {
  const Meeting how = parse_meeting(reduce);
  const ScatterArgs a = check_scatter("scatter_reduce", x, dim, index, src);
  const Tensor y = apply<ScatterReduce>(a.x, a.index, a.src, a.dim, how, include_self);
  return x.dim() == 0 ? reshape(y, IntSpan{}) : y;
}

Tensor scatter_reduce_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                       std::string_view reduce, bool include_self) {
  const Meeting how = parse_meeting(reduce);
  const ScatterArgs a = check_scatter("scatter_reduce_", x, dim, index, src);
  apply_inplace<ScatterReduce>(a.x, a.index, a.src, a.dim, how, include_self);
  return x;
}

// index_reduce is scatter_reduce of whole slices: each index stands for all places of its slice.
struct SliceReduce {
  int64_t dim;
  Tensor index, source;
};
SliceReduce check_slices(const char* op, const Tensor& x, int64_t dim, const Tensor& index,
                         const Tensor& source, std::string_view reduce) {
  PLAIT_CHECK(reduce == "prod" || reduce == "mean" || reduce == "amax" || reduce == "amin", kValue, op,
              ": expected reduce 'prod', 'mean', 'amax' or 'amin', got '", reduce, "'");
  const int64_t d = wrap_dim(op, dim, x.dim());
  PLAIT_CHECK(index.dim() <= 1, kIndex, op, ": expected a 1-d index, got shape ", index.shape());
  Dims shape = x.shape(), along(x.dim(), 1);
  if (x.dim() > 0) shape[d] = along[d] = index.numel();
  PLAIT_CHECK(source.shape() == shape && (x.dim() > 0 || index.numel() == 1), kValue, op,
              ": expected a source of shape ", shape, " for x of shape ", x.shape(), ", dim ", d, " and ",
              index.numel(), " indices, got ", source.shape());
  return {d, expand(reshape(index, along), shape), source};
}

Tensor index_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                    std::string_view reduce, bool include_self) {
  const SliceReduce s = check_slices("index_reduce", x, dim, index, source, reduce);
  return scatter_reduce(x, s.dim, s.index, s.source, reduce, include_self);
}
Tensor index_reduce_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                     std::string_view reduce, bool include_self) {
  const SliceReduce s = check_slices("index_reduce_", x, dim, index, source, reduce);
  return scatter_reduce_(x, s.dim, s.index, s.source, reduce, include_self);
}

constexpr const char* kIndexDoc = R"(Reduce slices of `source` into the slices that `index` names along `dim`.

`reduce` is 'prod', 'mean', 'amax' or 'amin'; the slice already there takes part unless `include_self` is False.
`index` is 1-d; `source` has the shape of the tensor but for dimension `dim`, where it has one entry per index, and its
dtype. Gradients of 'amax' and 'amin' are shared evenly among equal values. `index_reduce_` changes the tensor itself.

Raises:
    IndexError: an index out of range.
    ValueError: a source of other shape or an unknown reduction.

Example:
    >>> x = plait.ones(2)
    >>> x.index_reduce(0, plait.tensor([0, 0]), plait.tensor([3.0, 5.0]), 'prod')
    tensor([15.,  1.]))";

constexpr const char* kDoc = R"(Reduce the values that meet at the places along `dim` that `index` names.

Places are named as in `scatter`. `reduce` is 'sum', 'prod', 'mean', 'amax' or 'amin' ('max' and 'min' for short); the
value already there takes part unless `include_self` is False. Gradients of 'amax' and 'amin' are shared evenly among
equal values.
`scatter_reduce_` changes the tensor itself.

Raises:
    IndexError: an index out of range.
    ValueError: shapes that do not fit or an unknown reduction.

Example:
    >>> x = plait.zeros(2)
    >>> x.scatter_reduce(0, plait.tensor([0, 0, 1]), plait.tensor([1.0, 3.0, 5.0]), 'mean', include_self=False)
    tensor([2., 5.]))";

const RegisterOps kOps{
    {"scatter_reduce(Tensor input, int dim, Tensor index, Tensor src, "
     "str reduce, *, bool include_self=True) -> Tensor",
     "fmo", PLAIT_BOX(scatter_reduce), kDoc},
    {"scatter_reduce_(Tensor self, int dim, Tensor index, Tensor src, "
     "str reduce, *, bool include_self=True) -> Tensor",
     "m", PLAIT_BOX(scatter_reduce_), kDoc},
    {"index_reduce(Tensor input, int dim, Tensor index, Tensor source, "
     "str reduce, *, bool include_self=True) -> Tensor",
     "fmo", PLAIT_BOX(index_reduce), kIndexDoc},
    {"index_reduce_(Tensor self, int dim, Tensor index, Tensor source, "
     "str reduce, *, bool include_self=True) -> Tensor",
     "m", PLAIT_BOX(index_reduce_), kIndexDoc},
};

}  // namespace
}  // namespace plait
