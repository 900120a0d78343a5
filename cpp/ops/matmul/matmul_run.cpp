// SPDX-License-Identifier: MIT
#include "ops/matmul/matmul_run.h"

#include <algorithm>
#include <vector>

#include "kernels/gemm/gemm_any.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// The last two dimensions as a matrix; a 1-D left operand is one row, a right one one column.
struct MatrixView {
  int64_t rows, cols, rs, cs;
};
MatrixView matrix_of(const Tensor& x, bool left) {
  const Dims &shape = x.shape(), &strides = x.strides();
  const int64_t d = x.dim();
  if (d == 1) return left ? MatrixView{1, shape[0], 0, strides[0]} : MatrixView{shape[0], 1, strides[0], 0};
  return {shape[d - 2], shape[d - 1], strides[d - 2], strides[d - 1]};
}

Dims batch_of(const Tensor& x) {
  return x.dim() <= 2 ? Dims() : Dims(IntSpan(x.shape()).first(static_cast<size_t>(x.dim() - 2)));
}

// Strides of x's batch dimensions under the broadcast batch shape.
Dims batch_strides(const Tensor& x, const Dims& batch) {
  Dims out(batch.size(), 0);
  const int64_t own = std::max<int64_t>(x.dim() - 2, 0), lead = batch.size() - own;
  for (int64_t d = 0; d < own; ++d) out[lead + d] = x.shape()[d] == 1 ? 0 : x.strides()[d];
  return out;
}

// Batch dimensions made as few as possible: neighbours that both operands step through evenly become one.
void merge_batch(Dims& batch, Dims& a, Dims& b) {
  int64_t used = 0;
  for (int64_t d = 0; d < batch.size(); ++d) {
    if (batch[d] == 1) continue;
    if (used > 0 && a[used - 1] == a[d] * batch[d] && b[used - 1] == b[d] * batch[d]) {
      batch[used - 1] *= batch[d];
    } else {
      batch[used] = batch[d];
      a[used] = a[d];
      b[used] = b[d];
      ++used;
      continue;
    }
    a[used - 1] = a[d];
    b[used - 1] = b[d];
  }
  batch.resize(used);
  a.resize(used);
  b.resize(used);
}

std::vector<int64_t> all_offsets(const Dims& batch, const Dims& strides) {
  std::vector<int64_t> offsets{0};
  for (int64_t d = 0; d < batch.size(); ++d) {
    std::vector<int64_t> next;
    next.reserve(offsets.size() * static_cast<size_t>(batch[d]));
    for (const int64_t base : offsets) {
      for (int64_t i = 0; i < batch[d]; ++i) next.push_back(base + i * strides[d]);
    }
    offsets = std::move(next);
  }
  return offsets;
}

// x [.., k] in memory as real numbers [.., 2 k], parts side by side.
Tensor interleaved(const Tensor& x) {
  const Tensor dense = x.strides().back() == 1 ? x : contiguous(x);
  return flatten(view_as_real(dense), -2, -1);
}

// b [.., k, n], or [k] with n = 1, as a real matrix [.., 2 k, 2 n]: above each row of i b stands that of b.
Tensor with_turned_rows(const Tensor& b) {
  const Tensor matrix = b.dim() == 1 ? unsqueeze(b, -1) : b;
  Dims shape = matrix.shape();
  shape.insert(shape.size() - 1, 2);
  const Tensor rows = Tensor::empty(shape, b.dtype());
  copy_into(select(rows, -2, 0), matrix);
  const Tensor turned = select(rows, -2, 1), re = real(matrix), im = imag(matrix);
  run_pointwise_op(Pointwise::kNeg, "matmul", im.dtype(), {&im}, {}, real(turned));
  copy_into(imag(turned), re);
  return flatten(flatten(view_as_real(rows), -4, -3), -2, -1);
}

// The product of complex matrices is one of real ones: with the parts of a row side by side,
//   (re, im of a) [b; i b] = re b + im (i b),
// as many multiplications as the four real products of the parts, and nothing to split or join but b.
void run_complex_product(const Tensor& y, const Tensor& a, const Tensor& b, const ProductOptions& options) {
  ProductOptions of_parts = options;
  if (options.bias) of_parts.bias = interleaved(options.bias);
  run_product(interleaved(b.dim() == 1 ? unsqueeze(y, -1) : y), interleaved(a), with_turned_rows(b),
              of_parts);
}

}  // namespace

void check_dtypes(const char* op, const Tensor& a, const Tensor& b) {
  PLAIT_CHECK(a.dtype() == b.dtype(), kType, op, ": expected tensors of one dtype, got ",
              dtype_name(a.dtype()), " and ", dtype_name(b.dtype()),
              "\nhint: convert one of them with .to(dtype)");
  PLAIT_CHECK(a.dtype() != DType::kBool, kNotImplemented, op,
              ": not implemented for bool\nhint: convert with .to(plait.int64) or .float()");
}

Dims product_shape(const char* op, const Tensor& a, const Tensor& b) {
  PLAIT_CHECK(a.dim() > 0 && b.dim() > 0, kValue, op,
              ": expected tensors of at least 1 dimension, got shapes ", a.shape(), " and ", b.shape(),
              "\nhint: `*` multiplies by a number");
  const MatrixView am = matrix_of(a, true), bm = matrix_of(b, false);
  if (am.cols != bm.rows) {
    const char* hint = a.dim() >= 2 && am.rows == bm.rows ? "\nhint: the first one transposed (.mT) would fit"
                       : b.dim() >= 2 && am.cols == bm.cols
                           ? "\nhint: the second one transposed (.mT) would fit"
                           : "";
    PLAIT_FAIL(kValue, op, ": shapes cannot be multiplied: expected the last dimension of ", a.shape(),
               " to equal the ", b.dim() == 1 ? "size" : "second-last dimension", " of ", b.shape(), ", got ",
               am.cols, " and ", bm.rows, hint);
  }
  check_dtypes(op, a, b);
  PLAIT_CHECK(broadcastable(batch_of(a), batch_of(b)), kValue, op,
              ": expected leading dimensions that broadcast, got shapes ", a.shape(), " and ", b.shape());
  Dims shape = a.dim() <= 2 && b.dim() <= 2 ? Dims() : broadcast_shapes(op, batch_of(a), batch_of(b));
  if (a.dim() > 1) shape.push_back(am.rows);
  if (b.dim() > 1) shape.push_back(bm.cols);
  return shape;
}

void run_product(const Tensor& y, const Tensor& a, const Tensor& b, const ProductOptions& options) {
  if (y.is_meta()) return;
  if (y.is_complex()) return run_complex_product(y, a, b, options);
  const MatrixView am = matrix_of(a, true), bm = matrix_of(b, false);
  GemmAnyArgs g;
  g.dtype = y.dtype();
  g.m = am.rows;
  g.n = bm.cols;
  g.k = am.cols;
  g.a = {a.data_ptr(), am.rs, am.cs, 0, nullptr};
  g.b = {b.data_ptr(), bm.rs, bm.cs, 0, nullptr};
  g.c = y.data_ptr();
  g.c_rs = g.n;
  g.c_bs = g.m * g.n;
  g.alpha = options.alpha;
  g.beta = options.beta;
  if (options.bias) g.col_bias = options.bias.data_ptr();
  g.activation = options.activation;
  std::vector<int64_t> a_offsets, b_offsets;
  if (a.dim() > 2 || b.dim() > 2) {
    Dims batch = broadcast_shapes("matmul", batch_of(a), batch_of(b));
    Dims as = batch_strides(a, batch), bs = batch_strides(b, batch);
    merge_batch(batch, as, bs);
    // One right matrix for all rows: the batch is only more rows.
    if (batch.size() == 1 && bs[0] == 0 && (as[0] == g.m * g.a.rs || g.m == 1)) {
      if (g.m == 1) g.a.rs = as[0];
      g.m *= batch[0];
    } else if (batch.size() == 1) {
      g.batch = batch[0];
      g.a.bs = as[0];
      g.b.bs = bs[0];
    } else if (batch.size() > 1) {
      g.batch = numel_of(batch);
      a_offsets = all_offsets(batch, as);
      b_offsets = all_offsets(batch, bs);
      g.a.offsets = a_offsets.data();
      g.b.offsets = b_offsets.data();
    }
  }
  gemm_any(g);
}

}  // namespace plait
