// SPDX-License-Identifier: MIT
#include "ops/sparse/sparse.h"

#include <algorithm>
#include <memory>
#include <tuple>

#include "autograd/op.h"
#include "kernels/sparse/csr_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/combine.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {

Tensor make_sparse(SparseParts parts, IntSpan shape) {
  const Tensor zero = zeros(Dims{}, parts.values.dtype());
  Tensor t = zero.alias(shape, Dims(static_cast<int64_t>(shape.size()), 0), 0);
  t.impl()->sparse = std::make_unique<SparseParts>(std::move(parts));
  return t;
}

namespace {

// dense[..., dense sizes] += the entries of s.
Tensor add_to_dense(const Tensor& dense, const Tensor& s) {
  const SparseParts& parts = *s.impl()->sparse;
  PLAIT_CHECK(parts.layout == SparseLayout::kCoo, kNotImplemented,
              "add: expected a sparse tensor in COO, got CSR");
  const int64_t sparse_dims = parts.indices.shape()[0];
  Tensor row = zeros(Dims{parts.indices.shape()[1]}, DType::kInt64);
  Dims shape{1};
  for (int64_t d = 0; d < sparse_dims; ++d) {
    row = add(mul(row, Tensor::scalar(s.shape()[d])), select(parts.indices, 0, d));
    shape[0] *= s.shape()[d];
  }
  for (int64_t d = sparse_dims; d < s.dim(); ++d) shape.push_back(s.shape()[d]);
  const Tensor rows = reshape(clone(dense), shape);
  return reshape(index_add_(rows, 0, row, cast(parts.values, dense.dtype())), dense.shape());
}

}  // namespace

Tensor add_sparse(const Tensor& a, const Tensor& b) {
  NoGradGuard guard;
  if (!a.is_sparse()) return add_to_dense(a, b);
  if (!b.is_sparse()) return add_to_dense(b, a);
  const SparseParts &x = *a.impl()->sparse, &y = *b.impl()->sparse;
  const bool alike = x.layout == SparseLayout::kCoo && y.layout == SparseLayout::kCoo &&
                     x.indices.shape()[0] == y.indices.shape()[0];
  PLAIT_CHECK(alike, kNotImplemented, "add: expected sparse tensors in COO with as many sparse dimensions");
  return make_sparse(
      {SparseLayout::kCoo, false, cat({x.indices, y.indices}, 1), {}, cat({x.values, y.values}, 0)},
      a.shape());
}

Tensor sparse_rows(const Tensor& index, const Tensor& values, int64_t rows, int64_t skipped) {
  const int64_t width = values.shape()[values.dim() - 1], n = index.numel();
  Tensor at = reshape(index, Dims{n}), g = reshape(values, Dims{n, width});
  const int64_t* p = at.data<int64_t>();
  if (const int64_t used = n - std::count(p, p + n, skipped); used < n) {
    const Tensor kept = Tensor::empty({used}, DType::kInt64);
    for (int64_t i = 0, k = 0; i < n; ++i) {
      if (p[i] != skipped) kept.data<int64_t>()[k++] = i;
    }
    at = index_select(at, 0, kept);
    g = index_select(g, 0, kept);
  }
  return make_sparse({SparseLayout::kCoo, false, unsqueeze(at, 0), {}, g}, Dims{rows, width});
}

namespace {

// ---- The product with a dense matrix ----

CsrMatrix matrix(const Tensor& begin, const Tensor& column, int64_t columns, const void* values) {
  return {begin.numel() - 1, columns, begin.data<int64_t>(), column.data<int64_t>(), values};
}

struct Transposed {
  Tensor begin, column, source;
};
Transposed transposed(const Tensor& begin, const Tensor& column, int64_t columns) {
  Transposed t{Tensor::empty({columns + 1}, DType::kInt64), Tensor::empty({column.numel()}, DType::kInt64),
               Tensor::empty({column.numel()}, DType::kInt64)};
  csr_transpose(matrix(begin, column, columns, nullptr), t.begin.data<int64_t>(), t.column.data<int64_t>(),
                t.source.data<int64_t>());
  return t;
}

// The row of each entry.
Tensor entry_rows(const Tensor& begin, int64_t entries) {
  const Tensor rows = Tensor::empty({entries}, DType::kInt64);
  const int64_t* at = begin.data<int64_t>();
  for (int64_t r = 0; r + 1 < begin.numel(); ++r)
    std::fill(rows.data<int64_t>() + at[r], rows.data<int64_t>() + at[r + 1], r);
  return rows;
}

Tensor csr_product(const Tensor& values, const Tensor& dense, const Tensor& begin, const Tensor& column);

// y = A b
struct CsrProduct {
  static constexpr OpMeta meta{"sparse_mm"};

  static Tensor forward(OpContext& ctx, const Tensor& values, const Tensor& b, const Tensor& begin,
                        const Tensor& column) {
    ctx.save(values, b, begin, column);
    const Tensor v = contiguous(values), from = contiguous(b);
    const int64_t width = from.shape()[1];
    const Tensor y = Tensor::empty({begin.numel() - 1, width}, b.dtype());
    csr_times_dense(b.dtype(), matrix(begin, column, b.shape()[0], v.data_ptr()), from.data_ptr(), width,
                    y.data_ptr());
    return y;
  }

  // gb = A^T gy
  static Tensor dense_gradient(OpContext& ctx, const Tensor& gy) {
    const Transposed t = transposed(ctx.saved(2), ctx.saved(3), ctx.input_shape(1)[0]);
    return csr_product(index_select(ctx.saved(0), 0, t.source), gy, t.begin, t.column);
  }

  // gvalues[e] = gy[row of e, :] . b[column of e, :]
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    Grads g(4);
    if (ctx.needs_grad(0)) {
      const Tensor column = ctx.saved(3);
      const Tensor rows = index_select(gy, 0, entry_rows(ctx.saved(2), column.numel()));
      g[0] = sum(mul(rows, index_select(ctx.saved(1), 0, column)), Dims{1}, false);
    }
    if (ctx.needs_grad(1)) g[1] = dense_gradient(ctx, gy);
    return g;
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gy) {
    Grads g(4);
    if (ctx.needs_grad(0)) {
      const Tensor from = contiguous(gy), b = contiguous(ctx.saved(1)), column = ctx.saved(3);
      g[0] = Tensor::empty({column.numel()}, gy.dtype());
      csr_sampled_product(gy.dtype(), matrix(ctx.saved(2), column, b.shape()[0], nullptr), from.data_ptr(),
                          b.data_ptr(), b.shape()[1], g[0].data_ptr());
    }
    if (ctx.needs_grad(1)) g[1] = dense_gradient(ctx, gy);
    return g;
  }
};

Tensor csr_product(const Tensor& values, const Tensor& dense, const Tensor& begin, const Tensor& column) {
  return apply<CsrProduct>(values, dense, begin, column);
}

// Checks what a program may have put together wrongly; the kernels trust it.
Tensor csr_mm(const Tensor& values, const Tensor& dense, const Tensor& begin, const Tensor& column) {
  const int64_t entries = column.numel();
  PLAIT_CHECK(dense.dim() == 2 && values.dim() == 1 && values.numel() == entries && begin.dim() == 1 &&
                  begin.numel() > 0,
              kValue, "sparse.mm: expected a 2-D dense matrix and 1-D values, got shapes ", dense.shape(),
              " and ", values.shape());
  PLAIT_CHECK(dense.is_floating() && dense.dtype() == values.dtype(), kType,
              "sparse.mm: expected matrices of one floating-point dtype, got ", dtype_name(values.dtype()),
              " and ", dtype_name(dense.dtype()));
  const Tensor at = contiguous(begin), to = contiguous(column);
  const int64_t *b = at.data<int64_t>(), *c = to.data<int64_t>(), columns = dense.shape()[0];
  PLAIT_CHECK(b[0] == 0 && b[at.numel() - 1] == entries && std::is_sorted(b, b + at.numel()), kValue,
              "sparse.mm: expected crow_indices that rise from 0 to the number of values");
  PLAIT_CHECK(std::all_of(c, c + entries, [&](int64_t i) { return i >= 0 && i < columns; }), kValue,
              "sparse.mm: expected column indices below the ", columns, " rows of the dense matrix");
  if (dense.dtype() == DType::kFloat32 || dense.dtype() == DType::kFloat64) {
    return csr_product(values, dense, at, to);
  }
  return cast(csr_product(cast(values, DType::kFloat32), cast(dense, DType::kFloat32), at, to),
              dense.dtype());
}

const RegisterOps kOps{
    {"_csr_mm(Tensor values, Tensor dense, Tensor crow_indices, Tensor col_indices) -> Tensor", "p",
     PLAIT_BOX(csr_mm), "The product of a matrix in compressed rows with a dense one."},
};

}  // namespace
}  // namespace plait
