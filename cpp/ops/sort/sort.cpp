// SPDX-License-Identifier: MIT
// Order: sorting, the largest elements, the k-th element.
#include "ops/sort/sort.h"

#include <cmath>

#include "autograd/op.h"
#include "kernels/sort/sort_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// x with dim last and contiguous; undone by from_last.
Tensor to_last(const Tensor& x, int64_t dim) {
  return contiguous(x.dim() == 0 ? view(x, Dims{1}) : transpose(x, dim, -1));
}
Tensor from_last(const Tensor& y, int64_t dim) { return contiguous(transpose(y, dim, -1)); }

// Where the values came from takes the gradient.
Tensor scatter_back(OpContext& ctx, const Tensor& gy, const Dims& shape, int64_t dim) {
  if (!gy.defined()) return Tensor();
  return scatter_add_(zeros(shape, gy.dtype()), dim, ctx.saved(0), gy);
}

struct Sort {
  static constexpr OpMeta meta{"sort"};
  static ValuesIndices forward(OpContext& ctx, const Tensor& x, const Dims&, int64_t dim, bool descending) {
    const Tensor lines = to_last(x, dim);
    Tensor values = Tensor::empty(lines.shape(), x.dtype()),
           indices = Tensor::empty(lines.shape(), DType::kInt64);
    const int64_t n = lines.shape().back();
    if (values.has_values()) {
      sort_lines(lines.data_ptr(), x.dtype(), lines.numel() / n, n, descending, values.data_ptr(),
                 indices.data<int64_t>());
    }
    if (x.dim() == 0) {
      values = reshape(values, IntSpan{});
      indices = reshape(indices, IntSpan{});
    } else if (dim != x.dim() - 1) {
      values = from_last(values, dim);
      indices = from_last(indices, dim);
    }
    ctx.save_result(indices, 1);
    return {values, indices};
  }
  // gx[.., indices, ..] = gy
  static Grads backward(OpContext& ctx, const Grads& gys, const Dims& shape, int64_t dim, bool) {
    return {scatter_back(ctx, gys[0], shape, dim)};
  }
};

struct TopK {
  static constexpr OpMeta meta{"topk"};
  static ValuesIndices forward(OpContext& ctx, const Tensor& x, const Dims&, int64_t k, int64_t dim,
                               bool largest) {
    const Tensor lines = to_last(x, dim);
    Dims shape = lines.shape();
    const int64_t n = shape.back();
    shape.back() = k;
    Tensor values = Tensor::empty(shape, x.dtype()), indices = Tensor::empty(shape, DType::kInt64);
    if (values.has_values()) {
      select_lines(lines.data_ptr(), x.dtype(), lines.numel() / n, n, k, largest, values.data_ptr(),
                   indices.data<int64_t>());
    }
    if (x.dim() == 0) {
      if (k == 1) {
        values = reshape(values, IntSpan{});
        indices = reshape(indices, IntSpan{});
      }
    } else if (dim != x.dim() - 1) {
      values = from_last(values, dim);
      indices = from_last(indices, dim);
    }
    ctx.save_result(indices, 1);
    return {values, indices};
  }
  // gx[.., indices, ..] = gy
  static Grads backward(OpContext& ctx, const Grads& gys, const Dims& shape, int64_t, int64_t dim, bool) {
    return {scatter_back(ctx, gys[0], shape, dim)};
  }
};

// One element of each line; results keep dim with size 1.
template <class F>
ValuesIndices pick(OpContext& ctx, const Tensor& x, int64_t dim, F from_lines) {
  const Tensor lines = to_last(x, dim);
  Dims shape = lines.shape();
  const int64_t n = shape.back();
  shape.back() = 1;
  Tensor values = Tensor::empty(shape, x.dtype()), indices = Tensor::empty(shape, DType::kInt64);
  if (values.has_values())
    from_lines(lines.data_ptr(), lines.numel() / n, n, values.data_ptr(), indices.data<int64_t>());
  if (x.dim() > 0) {
    values = from_last(values, dim);
    indices = from_last(indices, dim);
  } else {
    values = reshape(values, IntSpan{});
    indices = reshape(indices, IntSpan{});
  }
  ctx.save_result(indices, 1);
  return {values, indices};
}

struct KthValue {
  static constexpr OpMeta meta{"kthvalue"};
  static ValuesIndices forward(OpContext& ctx, const Tensor& x, const Dims&, int64_t dim, int64_t k) {
    return pick(ctx, x, dim, [&](const void* p, int64_t lines, int64_t n, void* values, int64_t* indices) {
      nth_lines(p, x.dtype(), lines, n, k - 1, values, indices);
    });
  }
  // gx[.., indices, ..] = gy
  static Grads backward(OpContext& ctx, const Grads& gys, const Dims& shape, int64_t dim, int64_t) {
    return {scatter_back(ctx, gys[0], shape, dim)};
  }
};

struct Median {
  static constexpr OpMeta meta{"median"};
  static ValuesIndices forward(OpContext& ctx, const Tensor& x, const Dims&, int64_t dim, bool skip_nan) {
    return pick(ctx, x, dim, [&](const void* p, int64_t lines, int64_t n, void* values, int64_t* indices) {
      median_lines(p, x.dtype(), lines, n, skip_nan, values, indices);
    });
  }
  // gx[.., indices, ..] = gy
  static Grads backward(OpContext& ctx, const Grads& gys, const Dims& shape, int64_t dim, bool) {
    return {scatter_back(ctx, gys[0], shape, dim)};
  }
};

// Of all elements. The gradient is shared by all that equal the median, as PyTorch does here and only here.
struct MedianAll {
  static constexpr OpMeta meta{"median"};
  static Tensor forward(OpContext& ctx, const Tensor& x, bool skip_nan) {
    const Tensor y = [&] {
      NoGradGuard guard;
      return std::get<0>(median(reshape(x, Dims{-1}), 0, false, skip_nan));
    }();
    ctx.save(x);
    ctx.save_result(y);
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, bool) {
    const Tensor x = ctx.saved(0), y = ctx.saved(1);
    const Tensor hit = [&] {
      NoGradGuard guard;
      const Tensor at = logical_or(eq(x, y), logical_and(isnan(x), isnan(y)));
      return div(cast(at, x.dtype()), sum(at));
    }();
    return {mul(gy, hit)};
  }
};

struct Mode {
  static constexpr OpMeta meta{"mode"};
  static ValuesIndices forward(OpContext& ctx, const Tensor& x, const Dims&, int64_t dim) {
    return pick(ctx, x, dim, [&](const void* p, int64_t lines, int64_t n, void* values, int64_t* indices) {
      mode_lines(p, x.dtype(), lines, n, values, indices);
    });
  }
  // gx[.., indices, ..] = gy
  static Grads backward(OpContext& ctx, const Grads& gys, const Dims& shape, int64_t dim) {
    return {scatter_back(ctx, gys[0], shape, dim)};
  }
};

ValuesIndices without_dim(ValuesIndices kept, const Tensor& x, int64_t dim, bool keepdim) {
  if (keepdim || x.dim() == 0) return kept;
  return {squeeze(std::get<0>(kept), Dims{dim}), squeeze(std::get<1>(kept), Dims{dim})};
}

// A dimension along which there is an element to pick.
int64_t nonempty_dim(const char* op, const Tensor& x, int64_t dim) {
  const int64_t d = wrap_dim(op, dim, x.dim());
  PLAIT_CHECK(x.dim() == 0 || x.shape()[d] > 0, kIndex, op, ": dimension ", d, " of shape ", x.shape(),
              " has no elements to pick from");
  return d;
}

}  // namespace

ValuesIndices sort(const Tensor& x, int64_t dim, bool descending) {
  return apply<Sort>(x, x.shape(), wrap_dim("sort", dim, x.dim()), descending);
}

Tensor argsort(const Tensor& x, int64_t dim, bool descending) {
  NoGradGuard guard;  // indices carry no gradient
  return std::get<1>(sort(x, dim, descending));
}

ValuesIndices topk(const Tensor& x, int64_t k, int64_t dim, bool largest) {
  const int64_t d = wrap_dim("topk", dim, x.dim()), n = x.dim() ? x.shape()[d] : 1;
  PLAIT_CHECK(k >= 0 && k <= n, kValue, "topk: expected k between 0 and ", n, " (the size of dimension ", d,
              "), got ", k);
  return apply<TopK>(x, x.shape(), k, d, largest);
}

ValuesIndices kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim) {
  const int64_t d = wrap_dim("kthvalue", dim, x.dim()), n = x.dim() ? x.shape()[d] : 1;
  PLAIT_CHECK(k >= 1 && k <= n, kValue, "kthvalue: expected k between 1 and ", n, " (the size of dimension ",
              d, "), got ", k);
  return without_dim(apply<KthValue>(x, x.shape(), d, k), x, d, keepdim);
}

ValuesIndices median(const Tensor& x, int64_t dim, bool keepdim, bool skip_nan) {
  const int64_t d = nonempty_dim("median", x, dim);
  return without_dim(apply<Median>(x, x.shape(), d, skip_nan), x, d, keepdim);
}

ValuesIndices mode(const Tensor& x, int64_t dim, bool keepdim) {
  const int64_t d = nonempty_dim("mode", x, dim);
  return without_dim(apply<Mode>(x, x.shape(), d), x, d, keepdim);
}

namespace {

ValuesIndices sort_op(const Tensor& x, int64_t dim, bool descending, bool) {
  return sort(x, dim, descending);
}
Tensor argsort_op(const Tensor& x, int64_t dim, bool descending, bool) { return argsort(x, dim, descending); }
Tensor msort(const Tensor& x) { return std::get<0>(sort(x, 0)); }
ValuesIndices topk_op(const Tensor& x, int64_t k, std::optional<int64_t> dim, bool largest, bool) {
  return topk(x, k, dim.value_or(-1), largest);
}

template <bool kSkipNan>
ValuesIndices median_dim(const Tensor& x, int64_t dim, bool keepdim) {
  return median(x, dim, keepdim, kSkipNan);
}
// Of all elements; NaN when there are none.
template <bool kSkipNan>
Tensor median_all(const Tensor& x) {
  if (x.numel() == 0) {
    PLAIT_CHECK(x.is_floating(), kValue, "median: expected at least one element, got shape ", x.shape());
    return full(IntSpan{}, std::nan(""), x.dtype());
  }
  return apply<MedianAll>(x, kSkipNan);
}

const RegisterOps kOps{
    {"sort(Tensor input, int dim=-1, bool descending=False, "
     "bool stable=False) -> (Tensor values, Tensor indices)",
     "fmox", PLAIT_BOX(sort_op), R"(The elements in order along a dimension, and where they were.

Always stable: equal elements keep their order, whether `stable` asks for it or not. NaN counts as greater than
everything. `indices` are int64; the gradient of `values` goes back to where they came from.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> x = plait.tensor([3, 1, 2])
    >>> x.sort().values
    tensor([1, 2, 3])
    >>> x.sort(descending=True).indices
    tensor([0, 2, 1]))"},
    {"argsort(Tensor input, int dim=-1, bool descending=False, bool stable=False) -> Tensor", "fm",
     PLAIT_BOX(argsort_op), R"(The places, int64, that would put a tensor in order along a dimension.

Always stable: equal elements keep their order. NaN counts as greater than everything.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.argsort(plait.tensor([3, 1, 2]))
    tensor([1, 2, 0]))"},
    {"msort(Tensor input) -> Tensor", "fm", PLAIT_BOX(msort),
     R"(The elements in ascending order along dimension 0.

Example:
    >>> plait.msort(plait.tensor([[3, 4], [1, 2]]))
    tensor([[1, 2],
            [3, 4]]))"},
    {"topk(Tensor input, int k, int? dim=None, bool largest=True, bool sorted=True) -> (Tensor values, "
     "Tensor indices)",
     "fmox", PLAIT_BOX(topk_op),
     R"(The `k` largest elements along a dimension (default: the last), and where they are.

With `largest=False` the smallest. Always in order, whether `sorted` asks for it or not; of equal elements the first
ones are taken. NaN counts as greater than everything. The gradient goes back to where the elements came from.

Raises:
    ValueError: k exceeds the size of the dimension.

Example:
    >>> plait.tensor([1.0, 4.0, 3.0]).topk(2).values
    tensor([4., 3.]))"},
    {"kthvalue(Tensor input, int k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
     "fmox", PLAIT_BOX(kthvalue),
     R"(The `k`-th smallest element along a dimension, counted from 1, and where it is.

NaN counts as greater than everything. With `keepdim` the dimension stays with size 1.

Raises:
    ValueError: unless k lies between 1 and the size of the dimension.

Example:
    >>> plait.tensor([3, 1, 2]).kthvalue(2).values
    tensor(2))"},
    {"median(Tensor input) -> Tensor", "fm", PLAIT_BOX(median_all<false>),
     R"(The middle element in order, of all elements or along a dimension; the lower one of two.

With `dim` the result is a pair of values and their places, without the dimension unless `keepdim` asks to keep it with
size 1. NaN if there is a NaN (`nanmedian` passes over them). The gradient goes to the element that was picked.

Raises:
    IndexError: a dimension out of range or without elements.

Example:
    >>> plait.tensor([3.0, 1.0, 2.0, 4.0]).median()
    tensor(2.)
    >>> plait.tensor([[3, 1, 2]]).median(dim=1).indices
    tensor([2]))"},
    {"median(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", "fmox",
     PLAIT_BOX(median_dim<false>), ""},
    {"nanmedian(Tensor input) -> Tensor", "fm", PLAIT_BOX(median_all<true>),
     R"(`median` of the elements that are not NaN; NaN where there are none.

Example:
    >>> plait.tensor([1.0, float('nan'), 3.0]).nanmedian()
    tensor(1.))"},
    {"nanmedian(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", "fmox",
     PLAIT_BOX(median_dim<true>), ""},
    {"mode(Tensor input, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)", "fmox",
     PLAIT_BOX(mode),
     R"(The most frequent element along a dimension, the smallest of several, and its last place.

Raises:
    IndexError: a dimension out of range or without elements.

Example:
    >>> plait.tensor([1, 2, 2, 3]).mode().values
    tensor(2))"},
};

}  // namespace
}  // namespace plait
