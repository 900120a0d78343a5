// SPDX-License-Identifier: MIT
// Several tensors made into one.
#include "ops/rearrange/combine.h"

#include <algorithm>
#include <cstring>

#include "autograd/op.h"
#include "core/parallel.h"
#include "kernels/rearrange/rearrange_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// y[o, at_i : at_i + n_i, :] = x_i[o, :, :] for contiguous tensors of one dtype: one run of bytes per input
// and outer index.
void join_contiguous(const Tensor& y, const std::vector<Tensor>& xs, int64_t dim) {
  int64_t outer = 1;
  for (int64_t d = 0; d < dim; ++d) outer *= y.shape()[d];
  std::vector<JoinPiece> pieces;
  for (const Tensor& x : xs) {
    if (x.numel() == 0) continue;
    pieces.push_back({x.data<char>(), x.numel() / outer * static_cast<int64_t>(x.item_size())});
  }
  join_rows(pieces, outer, y.data<char>());
}

// Below this many elements one thread copies everything: see join().
constexpr int64_t kSerial = 2 * kGrainElements;

// Writes xs behind each other along dim of y, converting dtypes.
void join(const Tensor& y, const std::vector<Tensor>& xs, int64_t dim) {
  if (!y.has_values()) return;
  const bool plain = std::all_of(
      xs.begin(), xs.end(), [&](const Tensor& x) { return x.dtype() == y.dtype() && x.is_contiguous(); });
  // With one outer index there is nothing to split between threads but the copies themselves.
  if (plain && (dim > 0 || y.numel() <= kSerial)) return join_contiguous(y, xs, dim);
  Dims shape = y.shape();
  int64_t offset = y.offset();
  for (const Tensor& x : xs) {
    shape[dim] = x.shape()[dim];
    copy_into(y.alias(shape, y.strides(), offset), x);
    offset += shape[dim] * y.strides()[dim];
  }
}

DType common_dtype(const std::vector<Tensor>& xs) {
  DType dtype = xs[0].dtype();
  for (const Tensor& x : xs) dtype = promote_types(dtype, x.dtype());
  return dtype;
}

// gx_i = the part of gy that x_i became.
struct Cat {
  static constexpr OpMeta meta{"cat"};
  static Tensor forward(OpContext&, const std::vector<Tensor>& xs, int64_t dim, const Dims& sizes) {
    Dims shape = xs[0].shape();
    shape[dim] = 0;
    for (int64_t n : sizes) shape[dim] += n;
    const Tensor y = Tensor::empty(shape, common_dtype(xs));
    join(y, xs, dim);
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim, const Dims& sizes) {
    Grads gxs(static_cast<size_t>(sizes.size()));
    int64_t start = 0;
    for (int64_t i = 0; i < sizes.size(); ++i) {
      const auto at = static_cast<size_t>(i);
      if (ctx.needs_grad(at)) gxs[at] = narrow(gy, dim, start, sizes[i]);
      start += sizes[i];
    }
    return gxs;
  }
};

struct Stack {
  static constexpr OpMeta meta{"stack"};
  static Tensor forward(OpContext&, const std::vector<Tensor>& xs, int64_t dim) {
    Dims shape = xs[0].shape();
    shape.insert(dim, static_cast<int64_t>(xs.size()));
    const Tensor y = Tensor::empty(shape, common_dtype(xs));
    std::vector<Tensor> parts;
    parts.reserve(xs.size());
    shape[dim] = 1;
    for (const Tensor& x : xs) {
      Dims strides = x.strides();
      strides.insert(dim, 1);
      parts.push_back(x.alias(shape, strides, x.offset()));
    }
    join(y, parts, dim);
    return y;
  }
  // gx_i = gy[.., i, ..]
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
    Grads gxs(static_cast<size_t>(gy.shape()[dim]));
    for (size_t i = 0; i < gxs.size(); ++i) {
      if (ctx.needs_grad(i)) gxs[i] = select(gy, dim, static_cast<int64_t>(i));
    }
    return gxs;
  }
};

}  // namespace

Tensor cat(const std::vector<Tensor>& xs, int64_t dim) {
  PLAIT_CHECK(!xs.empty(), kValue, "cat: expected at least one tensor");
  // 1-d tensors of 0 elements join anything: older programs start from an empty tensor.
  const auto skipped = [](const Tensor& x) { return x.dim() == 1 && x.numel() == 0; };
  const Tensor* first = nullptr;
  for (size_t i = 0; i < xs.size(); ++i) {
    PLAIT_CHECK(xs[i].dim() > 0, kValue, "cat: tensor ", i,
                " is 0-d and cannot be joined\nhint: use stack()");
    if (!first && !skipped(xs[i])) first = &xs[i];
  }
  if (!first) first = &xs[0];
  const int64_t d = wrap_dim("cat", dim, first->dim());
  std::vector<Tensor> used;
  Dims sizes;
  for (size_t i = 0; i < xs.size(); ++i) {
    const Tensor& x = xs[i];
    bool fits = x.dim() == first->dim();
    for (int64_t k = 0; fits && k < x.dim(); ++k) fits = k == d || x.shape()[k] == first->shape()[k];
    if (!fits && skipped(x)) continue;
    PLAIT_CHECK(fits, kValue, "cat: expected shapes that agree except in dimension ", d, ", got ",
                first->shape(), " and ", x.shape(), " (tensor ", i, ")");
    used.push_back(x);
    sizes.push_back(x.shape()[d]);
  }
  const DType dtype = common_dtype(xs);
  if (common_dtype(used) != dtype) used[0] = cast(used[0], dtype);
  return apply<Cat>(used, d, sizes);
}

Tensor stack(const std::vector<Tensor>& xs, int64_t dim) {
  PLAIT_CHECK(!xs.empty(), kValue, "stack: expected at least one tensor");
  for (size_t i = 1; i < xs.size(); ++i) {
    PLAIT_CHECK(xs[i].shape() == xs[0].shape(), kValue, "stack: expected tensors of one shape, got ",
                xs[0].shape(), " and ", xs[i].shape(), " (tensor ", i, ")");
  }
  return apply<Stack>(xs, wrap_dim("stack", dim, xs[0].dim() + 1));
}

namespace {

Tensor row(const Tensor& x) {
  return x.dim() == 0 ? reshape(x, Dims{1, 1}) : x.dim() == 1 ? unsqueeze(x, 0) : x;
}

template <class F>
std::vector<Tensor> each(const std::vector<Tensor>& xs, F f) {
  std::vector<Tensor> out;
  out.reserve(xs.size());
  for (const Tensor& x : xs) out.push_back(f(x));
  return out;
}

Tensor hstack(const std::vector<Tensor>& xs) {
  PLAIT_CHECK(!xs.empty(), kValue, "hstack: expected at least one tensor");
  const auto parts = each(xs, [](const Tensor& x) { return x.dim() == 0 ? reshape(x, Dims{1}) : x; });
  return cat(parts, parts[0].dim() == 1 ? 0 : 1);
}
Tensor vstack(const std::vector<Tensor>& xs) {
  PLAIT_CHECK(!xs.empty(), kValue, "vstack: expected at least one tensor");
  return cat(each(xs, row), 0);
}
Tensor dstack(const std::vector<Tensor>& xs) {
  PLAIT_CHECK(!xs.empty(), kValue, "dstack: expected at least one tensor");
  return cat(each(xs, [](const Tensor& x) { return x.dim() < 3 ? unsqueeze(row(x), -1) : x; }), 2);
}
Tensor column_stack(const std::vector<Tensor>& xs) {
  PLAIT_CHECK(!xs.empty(), kValue, "column_stack: expected at least one tensor");
  return cat(each(xs, [](const Tensor& x) { return x.dim() <= 1 ? reshape(x, Dims{x.numel(), 1}) : x; }), 1);
}

// Blocks on the diagonal: each is cat'ed with zeros on both sides, the rows are then cat'ed.
Tensor block_diag(const std::vector<Tensor>& xs) {
  if (xs.empty()) return zeros(Dims{1, 0}, default_dtype());
  int64_t columns = 0, start = 0;
  for (const Tensor& x : xs) {
    PLAIT_CHECK(x.dim() <= 2, kValue, "block_diag: expected tensors of at most 2 dimensions, got shape ",
                x.shape());
    columns += row(x).shape()[1];
  }
  const DType dtype = common_dtype(xs);
  std::vector<Tensor> rows;
  for (const Tensor& x : xs) {
    const Tensor block = row(x);
    const int64_t m = block.shape()[0], n = block.shape()[1];
    rows.push_back(cat({zeros(Dims{m, start}, dtype), block, zeros(Dims{m, columns - start - n}, dtype)}, 1));
    start += n;
  }
  return cat(rows, 0);
}

Tensor cartesian_prod(const std::vector<Tensor>& xs) {
  PLAIT_CHECK(!xs.empty(), kValue, "cartesian_prod: expected at least one tensor");
  const auto n = static_cast<int64_t>(xs.size());
  Dims shape;
  for (const Tensor& x : xs) {
    PLAIT_CHECK(x.dim() == 1, kValue, "cartesian_prod: expected 1-d tensors, got shape ", x.shape());
    PLAIT_CHECK(x.dtype() == xs[0].dtype(), kType, "cartesian_prod: expected tensors of one dtype, got ",
                dtype_name(xs[0].dtype()), " and ", dtype_name(x.dtype()));
    shape.push_back(x.numel());
  }
  if (n == 1) return view_alias(xs[0]);
  std::vector<Tensor> columns;
  for (int64_t i = 0; i < n; ++i) {
    Dims one(n, 1);
    one[i] = shape[i];
    columns.push_back(reshape(expand(reshape(xs[static_cast<size_t>(i)], one), shape), Dims{-1}));
  }
  return stack(columns, 1);
}

constexpr const char* kCatDoc = R"(Join tensors along an existing dimension.

Shapes must agree in all other dimensions; dtypes are promoted to a common one. 1-d tensors of 0 elements are
skipped.

Raises:
    ValueError: shapes disagree, for 0-d tensors and for an empty list.

Example:
    >>> x = plait.tensor([[1, 2]])
    >>> plait.cat([x, x], dim=0)
    tensor([[1, 2],
            [1, 2]]))";
constexpr const char* kVstackDoc = R"(Join tensors row-wise: along dimension 0, vectors counting as rows.

Raises:
    ValueError: shapes disagree.

Example:
    >>> plait.vstack([plait.tensor([1, 2]), plait.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]]))";

const RegisterOps kOps{
    {"cat(Tensor[] tensors, int dim=0) -> Tensor", "foc", PLAIT_BOX(cat), kCatDoc},
    {"concat(Tensor[] tensors, int dim=0) -> Tensor", "foc", PLAIT_BOX(cat), kCatDoc},
    {"concatenate(Tensor[] tensors, int dim=0) -> Tensor", "foc", PLAIT_BOX(cat), kCatDoc},
    {"stack(Tensor[] tensors, int dim=0) -> Tensor", "foc", PLAIT_BOX(stack),
     R"(Join tensors of one shape along a new dimension `dim`, which counts in the result.

Dtypes are promoted to a common one.

Raises:
    ValueError: shapes differ and for an empty list.

Example:
    >>> plait.stack([plait.tensor([1, 2]), plait.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]]))"},
    {"hstack(Tensor[] tensors) -> Tensor", "foc", PLAIT_BOX(hstack),
     R"(Join tensors column-wise: along dimension 1, vectors along dimension 0.

Raises:
    ValueError: shapes disagree.

Example:
    >>> plait.hstack([plait.tensor([1, 2]), plait.tensor([3])])
    tensor([1, 2, 3]))"},
    {"vstack(Tensor[] tensors) -> Tensor", "foc", PLAIT_BOX(vstack), kVstackDoc},
    {"row_stack(Tensor[] tensors) -> Tensor", "foc", PLAIT_BOX(vstack), kVstackDoc},
    {"dstack(Tensor[] tensors) -> Tensor", "foc", PLAIT_BOX(dstack),
     R"(Join tensors depth-wise: along dimension 2, which vectors and matrices get first.

Raises:
    ValueError: shapes disagree.

Example:
    >>> plait.dstack([plait.tensor([1, 2]), plait.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]]))"},
    {"column_stack(Tensor[] tensors) -> Tensor", "foc", PLAIT_BOX(column_stack),
     R"(Join tensors along dimension 1; vectors become columns first.

Raises:
    ValueError: shapes disagree.

Example:
    >>> plait.column_stack([plait.tensor([1, 2]), plait.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]]))"},
    {"block_diag(Tensor[] tensors) -> Tensor", "fc", PLAIT_BOX(block_diag),
     R"(A matrix with the given matrices on its diagonal and 0 elsewhere.

Vectors count as rows, 0-d tensors as 1 x 1; dtypes are promoted to a common one.

Raises:
    ValueError: tensors of more than 2 dimensions.

Example:
    >>> plait.block_diag(plait.tensor([[1, 2]]), plait.tensor([[3], [4]]))
    tensor([[1, 2, 0],
            [0, 0, 3],
            [0, 0, 4]]))"},
    {"cartesian_prod(Tensor[] tensors) -> Tensor", "fc", PLAIT_BOX(cartesian_prod),
     R"(All combinations of the values of 1-d tensors, one per row, the last varying fastest.

Raises:
    ValueError: a tensor of other than 1 dimension.
    TypeError: different dtypes.

Example:
    >>> plait.cartesian_prod(plait.tensor([1, 2]), plait.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]]))"},
};

}  // namespace
}  // namespace plait
