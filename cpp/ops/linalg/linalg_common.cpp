// SPDX-License-Identifier: MIT
#include "ops/linalg/linalg_common.h"

#include <string>

#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/rearrange.h"
#include "ops/view/view.h"

namespace plait::linalg {

void check_float(const char* op, const Tensor& a) {
  PLAIT_CHECK((a.is_floating() && !is_16_bit_float(a.dtype())) || a.is_complex(), kType, op,
              ": expected float32, float64, complex64 or complex128, got ", dtype_name(a.dtype()),
              "\nhint: convert with .float() or .double()");
}

void check_matrix(const char* op, const Tensor& a) {
  PLAIT_CHECK(a.dim() >= 2, kValue, op, ": expected a tensor of at least 2 dimensions, got shape ",
              a.shape());
  check_float(op, a);
}

void check_square(const char* op, const Tensor& a) {
  check_matrix(op, a);
  PLAIT_CHECK(rows_of(a) == cols_of(a), kValue, op, ": expected square matrices, got shape ", a.shape());
}

void check_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  PLAIT_CHECK(a.dtype() == b.dtype(), kType, op, ": expected tensors of one dtype, got ",
              dtype_name(a.dtype()), " and ", dtype_name(b.dtype()));
}

void check_info(const char* op, const Tensor& info, const char* problem) {
  if (info.is_meta()) return;
  const int32_t* const values = info.data<int32_t>();
  for (int64_t i = 0; i < info.numel(); ++i) {
    if (values[i] == 0) continue;
    const std::string where = info.dim() ? "(Batch element " + std::to_string(i) + "): " : "";
    PLAIT_CHECK(values[i] != kNotFinite, kLinAlg, op, ": ", where,
                "expected finite numbers, got a matrix with an infinity or a NaN");
    PLAIT_FAIL(kLinAlg, op, ": ", where, problem, " ", values[i]);
  }
}

Dims with_sizes(IntSpan batch, std::initializer_list<int64_t> sizes) {
  Dims shape(batch);
  for (const int64_t n : sizes) shape.push_back(n);
  return shape;
}

Tensor empty_columns(IntSpan batch, int64_t rows, int64_t cols, DType dtype) {
  const Dims shape = with_sizes(batch, {rows, cols});
  Dims strides = contiguous_strides(with_sizes(batch, {cols, rows}));
  std::swap(strides[strides.size() - 1], strides[strides.size() - 2]);
  return Tensor::empty_strided(shape, strides, dtype);
}

Tensor columns_copy(const Tensor& a) {
  const Tensor y = empty_columns(batch_of(a), rows_of(a), cols_of(a), a.dtype());
  copy_into(y, a);
  return y;
}

Tensor as_columns(const Tensor& a) { return matrix_transpose(a).is_contiguous() ? a : columns_copy(a); }

std::pair<Tensor, bool> any_copy(const Tensor& a) {
  if (matrix_transpose(a).is_contiguous()) return {columns_copy(a), false};
  const Tensor y = Tensor::empty(a.shape(), a.dtype());
  copy_into(y, a);
  return {y, true};
}

Tensor spread_copy(const Tensor& a, IntSpan batch) {
  const bool by_rows = a.is_contiguous();
  const Tensor from = by_rows ? a : matrix_transpose(a);
  const Tensor y = Tensor::empty(with_sizes(batch, {rows_of(from), cols_of(from)}), a.dtype());
  copy_into(y, from);
  return by_rows ? y : matrix_transpose(y);
}

Tensor adjoint(const Tensor& a) { return conj(matrix_transpose(a)); }

Tensor tril_strict(const Tensor& a) { return tril(a, -1); }

Tensor from_lower(const Tensor& a) {
  const Tensor below = tril_strict(a), half = tril(a) + adjoint(below);
  if (!a.is_complex()) return half;
  const Tensor diagonal = triu(tril(a));
  return half - mul(diagonal - conj(diagonal), 0.5);
}

Tensor identity_like(const Tensor& a) { return eye(cols_of(a), cols_of(a), a.dtype()); }

Tensor scale_columns(const Tensor& a, const Tensor& d) { return a * unsqueeze(d, -2); }
Tensor scale_rows(const Tensor& d, const Tensor& a) { return unsqueeze(d, -1) * a; }

}  // namespace plait::linalg
