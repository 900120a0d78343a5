// SPDX-License-Identifier: MIT
// What the ops of linear algebra share: checks, column-major copies, batches.
#pragma once

#include <complex>
#include <utility>

#include "core/dtype.h"
#include "core/tensor.h"
#include "kernels/linalg/linalg_driver.h"

namespace plait::linalg {

// ---- Checks; `op` is "linalg.qr" ----
void check_float(const char* op, const Tensor& a);
void check_matrix(const char* op, const Tensor& a);  // at least two dimensions, of a dtype that is supported
void check_square(const char* op, const Tensor& a);
void check_same_dtype(const char* op, const Tensor& a, const Tensor& b);
// Raises LinAlgError for the first matrix whose info is not 0. `problem` says what it means and ends before
// the number.
void check_info(const char* op, const Tensor& info, const char* problem);

// ---- Shapes ----
inline IntSpan batch_of(const Tensor& a) {
  return IntSpan(a.shape()).first(static_cast<size_t>(a.dim() - 2));
}
Dims with_sizes(IntSpan batch, std::initializer_list<int64_t> sizes);
inline int64_t rows_of(const Tensor& a) { return a.shape()[a.dim() - 2]; }
inline int64_t cols_of(const Tensor& a) { return a.shape()[a.dim() - 1]; }

// ---- Memory ----
// Uninitialised matrices whose columns are contiguous.
Tensor empty_columns(IntSpan batch, int64_t rows, int64_t cols, DType dtype);
// A copy of that form.
Tensor columns_copy(const Tensor& a);
// `a` itself if it has the form, else a copy.
Tensor as_columns(const Tensor& a);
// A copy without gaps in the order that costs least; tells whether rows were kept contiguous, that is,
// whether the columns of its memory are the rows of `a`.
std::pair<Tensor, bool> any_copy(const Tensor& a);

template <class T>
Matrices<T> matrices(const Tensor& a, int64_t rows, int64_t cols) {
  const int64_t size = rows * cols;
  return {a.data<std::remove_const_t<T>>(), rows, cols, size == 0 ? 0 : a.numel() / size};
}
template <class T>
Matrices<T> matrices(const Tensor& a) {
  return matrices<T>(a, rows_of(a), cols_of(a));
}

// `a` copied into a batch; its matrices keep their memory order.
Tensor spread_copy(const Tensor& a, IntSpan batch);

// Coefficients A (column-major, or their transposes) and right sides X (column-major) with one matrix A for
// each X. One A for all is given all their columns at once; other batches of A are copied into the batch of
// X.
template <class T>
struct Spread {
  Spread(const Tensor& a, const Tensor& x)
      : kept(a.numel() == rows_of(a) * cols_of(a) || Dims(batch_of(a)) == Dims(batch_of(x))
                 ? a
                 : spread_copy(a, batch_of(x))),
        a(matrices<const T>(kept, rows_of(a), cols_of(a))),
        b(matrices<T>(x)) {
    if (this->a.count == 1) b = {b.data, b.rows, b.cols * b.count, 1};
  }
  Tensor kept;
  Matrices<const T> a;
  Matrices<T> b;
};

// f with the C++ type of the elements.
template <class F>
void dispatch_element(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(TypeTag<float>{});
    case DType::kFloat64:
      return f(TypeTag<double>{});
    case DType::kComplex64:
      return f(TypeTag<std::complex<float>>{});
    default:
      return f(TypeTag<std::complex<double>>{});
  }
}
// The dtype of singular values and norms.
inline DType real_dtype(DType dtype) { return to_real(dtype); }

// ---- In ops, recorded ----
Tensor adjoint(const Tensor& a);      // the conjugate transpose
Tensor tril_strict(const Tensor& a);  // below the diagonal
// The Hermitian matrix with this lower half.
Tensor from_lower(const Tensor& a);
Tensor identity_like(const Tensor& a);  // n x n, of a's dtype
// a scaled by columns, or by rows: a diag(d), diag(d) a.
Tensor scale_columns(const Tensor& a, const Tensor& d);
Tensor scale_rows(const Tensor& d, const Tensor& a);

}  // namespace plait::linalg
