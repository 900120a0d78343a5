// SPDX-License-Identifier: MIT
#include "ops/sparse/sparse.h"

#include <algorithm>
#include <memory>
#include <tuple>

#include "autograd/op.h"
#include "kernels/sparse/csr_driver.h"
#include "ops/complex/complex.h"
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
  PLAIT_CHECK(!parts.values.is_meta() && !parts.indices.is_meta(), kNotImplemented,
              "sparse: expected parts on the CPU, got ones on the device meta, which has no sparse tensors");
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
Tensor sampled_product(const Tensor& x, const Tensor& b, const Tensor& begin, const Tensor& column);

// A(values)^T x, for A with `columns` columns
Tensor transposed_product(const Tensor& values, const Tensor& x, const Tensor& begin, const Tensor& column,
                          int64_t columns) {
  const Transposed t = transposed(begin, column, columns);
  return csr_product(index_select(values, 0, t.source), x, t.begin, t.column);
}

// y = A(values) b
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

  // gvalues[e] = gy[row of e, :] . b[column of e, :]
  // gb = A(values)^T gy
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    Grads g(4);
    const Tensor begin = ctx.saved(2), column = ctx.saved(3);
    if (ctx.needs_grad(0)) g[0] = sampled_product(gy, ctx.saved(1), begin, column);
    if (ctx.needs_grad(1)) g[1] = transposed_product(ctx.saved(0), gy, begin, column, ctx.input_shape(1)[0]);
    return g;
  }
};

// y[e] = x[row of e, :] . b[column of e, :]
struct SampledProduct {
  static constexpr OpMeta meta{"sampled_product"};

  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& b, const Tensor& begin,
                        const Tensor& column) {
    ctx.save(x, b, begin, column);
    const Tensor left = contiguous(x), right = contiguous(b);
    const Tensor y = Tensor::empty({column.numel()}, b.dtype());
    csr_sampled_product(b.dtype(), matrix(begin, column, b.shape()[0], nullptr), left.data_ptr(),
                        right.data_ptr(), b.shape()[1], y.data_ptr());
    return y;
  }

  // gx = A(gy) b, gb = A(gy)^T x
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    Grads g(4);
    const Tensor begin = ctx.saved(2), column = ctx.saved(3);
    if (ctx.needs_grad(0)) g[0] = csr_product(gy, ctx.saved(1), begin, column);
    if (ctx.needs_grad(1)) g[1] = transposed_product(gy, ctx.saved(0), begin, column, ctx.input_shape(1)[0]);
    return g;
  }
};

Tensor csr_product(const Tensor& values, const Tensor& dense, const Tensor& begin, const Tensor& column) {
  return apply<CsrProduct>(values, dense, begin, column);
}
Tensor sampled_product(const Tensor& x, const Tensor& b, const Tensor& begin, const Tensor& column) {
  return apply<SampledProduct>(x, b, begin, column);
}

// A b = Re(A) b + Im(A) (i b), where the parts of a complex column are two real ones.
Tensor complex_csr_product(const Tensor& values, const Tensor& b, const Tensor& begin, const Tensor& column) {
  const Dims pairs{b.shape()[0], 2 * b.shape()[1]};
  const auto times = [&](const Tensor& part, const Tensor& x) {
    return csr_product(part, reshape(view_as_real(contiguous(x)), pairs), begin, column);
  };
  const Tensor y = add(times(real(values), b), times(imag(values), make_complex(neg(imag(b)), real(b))));
  return as_complex(reshape(y, Dims{begin.numel() - 1, b.shape()[1], 2}));
}

// Integers wrap in the dtype of the operands.
Tensor integer_csr_product(const Tensor& values, const Tensor& b, const Tensor& begin, const Tensor& column) {
  const Tensor terms = mul(unsqueeze(values, 1), index_select(b, 0, column));
  return index_add_(zeros(Dims{begin.numel() - 1, b.shape()[1]}, b.dtype()), 0,
                    entry_rows(begin, column.numel()), terms);
}

struct Pattern {
  Tensor begin, column;
};

// Checks what a program may have put together wrongly; the kernels trust it.
Pattern checked_pattern(const char* op, const Tensor& begin, const Tensor& column, int64_t columns) {
  PLAIT_CHECK(begin.dim() == 1 && begin.numel() > 0 && column.dim() == 1, kValue, op,
              ": expected 1-D indices, got shapes ", begin.shape(), " and ", column.shape());
  Pattern p{contiguous(begin), contiguous(column)};
  PLAIT_CHECK(
      is_csr(matrix(p.begin, p.column, columns, nullptr), column.numel()), kValue, op,
      ": expected crow_indices that rise from 0 to the number of values, and column indices below the ",
      columns, " rows of the dense matrix");
  return p;
}
void check_operands(const char* op, const Tensor& a, const Tensor& b) {
  PLAIT_CHECK(a.dtype() == b.dtype() && a.dtype() != DType::kBool, kType, op,
              ": expected matrices of one dtype, not bool, got ", dtype_name(a.dtype()), " and ",
              dtype_name(b.dtype()));
}

Tensor csr_mm(const Tensor& values, const Tensor& dense, const Tensor& crow_indices,
              const Tensor& col_indices) {
  PLAIT_CHECK(dense.dim() == 2 && values.dim() == 1 && values.numel() == col_indices.numel(), kValue,
              "sparse.mm: expected a 2-D dense matrix and 1-D values, got shapes ", dense.shape(), " and ",
              values.shape());
  check_operands("sparse.mm", values, dense);
  const auto [begin, column] = checked_pattern("sparse.mm", crow_indices, col_indices, dense.shape()[0]);
  if (dense.is_complex()) return complex_csr_product(values, dense, begin, column);
  if (!dense.is_floating()) return integer_csr_product(values, dense, begin, column);
  const DType compute = compute_dtype(dense.dtype());
  return cast(csr_product(cast(values, compute), cast(dense, compute), begin, column), dense.dtype());
}

Tensor csr_sampled(const Tensor& x, const Tensor& b, const Tensor& crow_indices, const Tensor& col_indices) {
  PLAIT_CHECK(x.dim() == 2 && b.dim() == 2 && x.shape()[1] == b.shape()[1] &&
                  x.shape()[0] + 1 == crow_indices.numel(),
              kValue, "sampled_addmm: expected matrices (n, k) and (k, m), got shapes ", x.shape(), " and ",
              Dims{b.dim() == 2 ? b.shape()[1] : 0, b.shape()[0]});
  check_operands("sampled_addmm", x, b);
  const auto [begin, column] = checked_pattern("sampled_addmm", crow_indices, col_indices, b.shape()[0]);
  if (!b.is_floating()) {
    const Tensor rows = index_select(x, 0, entry_rows(begin, column.numel()));
    return sum(mul(rows, index_select(b, 0, column)), Dims{1}, false);
  }
  const DType compute = compute_dtype(b.dtype());
  return cast(sampled_product(cast(x, compute), cast(b, compute), begin, column), b.dtype());
}

const RegisterOps kOps{
    {"_csr_mm(Tensor values, Tensor dense, Tensor crow_indices, Tensor col_indices) -> Tensor", "pc",
     PLAIT_BOX(csr_mm), "The product of a matrix in compressed rows with a dense one."},
    {"_csr_sampled(Tensor input, Tensor mat, Tensor crow_indices, Tensor col_indices) -> Tensor", "pc",
     PLAIT_BOX(csr_sampled), "Row e of `input` times row c of `mat`, for each entry (e, c) of a pattern."},
};

}  // namespace
}  // namespace plait
