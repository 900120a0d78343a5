// SPDX-License-Identifier: MIT
// The one GEMM of the library. Everything that multiplies matrices calls it: matmul, linear, convolution,
// attention, recurrent gates.
//
//   C[b][i][j] = epilogue(alpha * sum_p A[b][i][p] * B[b][p][j] + beta * C[b][i][j])
//
// for b < batch, i < m, j < n, p < k; T is float or double. A transpose is a pair of strides: the caller
// copies nothing. The bits of the result depend on the problem (sizes, strides, which pointers are null) and
// on the instruction set, never on the number of threads.
#pragma once

#include <cstdint>
#include <utility>

#include "core/workspace.h"
#include "kernels/gemm/gemm_args.h"

namespace plait {

// An operand that is not a matrix in memory, such as the patches of an image: `pack` writes panels of it on
// demand, possibly from several threads at once.
//   dst[p*width + i] = X(i0 + i, k0 + p)   for i < count, p < k
//   dst[p*width + i] = 0                   for count <= i < width
// X(i, p) is A[i][p] (operand A: i is a row) or B[p][i] (operand B: i is a column). count <= width; width is
// the register tile's mr for A (float: 14, 6 or 4 by instruction set) and nr for B (32, 16 or 8). `dst` has
// 64 spare bytes after the panel and panels are written in ascending order. A store may therefore write a
// whole vector past the end of a panel's row, provided that rows are written in ascending order of p.
template <class T>
struct PanelSource {
  void (*pack)(const void* self, int64_t batch, T* dst, int64_t width, int64_t i0, int64_t count, int64_t k0,
               int64_t k);
  const void* self;
};

// A result that is not a matrix in memory: `store` receives finished blocks of C, each element once, possibly
// from several threads at once (distinct elements). Element (i0 + i, j0 + j) is tile[i*ld + j]. alpha and the
// epilogue have been applied; beta must be 0.
template <class T>
struct TileSink {
  void (*store)(const void* self, int64_t batch, const T* tile, int64_t ld, int64_t i0, int64_t rows,
                int64_t j0, int64_t cols);
  const void* self;
};

// Element (i, j) of batch item b is data[offset(b) + i*rs + j*cs]; offset(b) is offsets[b] if offsets is not
// null, else b*bs. Strides count elements and may be zero or negative. With a source only `source` is used.
template <class T>
struct GemmOperand {
  const T* data = nullptr;
  int64_t rs = 0, cs = 0, bs = 0;
  const int64_t* offsets = nullptr;
  const PanelSource<T>* source = nullptr;
  // Set by PackedMatrix: its panels and their extent along k, of which a product may use less.
  const T* panels = nullptr;
  int64_t panel_depth = 0;
};

// A matrix whose rows are contiguous and ld elements apart.
template <class T>
GemmOperand<T> row_major(const T* data, int64_t ld) {
  return {.data = data, .rs = ld, .cs = 1};
}
// The transpose of any matrix.
template <class T>
GemmOperand<T> transposed(GemmOperand<T> x) {
  std::swap(x.rs, x.cs);
  return x;
}

// An operand B (k x n, one matrix with strides) that many products of `rows` rows share, such as the steps of
// a recurrence. It is packed once; with rows == 1 it is not, for vectors read it where it lies. A product may
// use only its first rows and columns. The matrix must not change during the lifetime of this object, which
// the thread that made it must destroy.
template <class T>
class PackedMatrix {
 public:
  PackedMatrix(const GemmOperand<T>& b, int64_t k, int64_t n, int64_t rows);
  const GemmOperand<T>& operand() const { return operand_; }

 private:
  Workspace space_;
  GemmOperand<T> operand_;
};
extern template class PackedMatrix<float>;
extern template class PackedMatrix<double>;

template <class T>
struct GemmArgs {
  int64_t m = 0, n = 0, k = 0, batch = 1;
  GemmOperand<T> a = {};  // m x k
  GemmOperand<T> b = {};  // k x n
  T* c = nullptr;  // m x n: c[b*c_bs + i*c_rs + j*c_cs] is element (i, j) of item b; no two may coincide
  int64_t c_rs = 0, c_cs = 1, c_bs = 0;
  T alpha = 1;  // 0: A and B are not read
  T beta = 0;   // 0: C is not read, so it may hold anything
  GemmEpilogue<T> epilogue = {};
  // By how much the epilogue's pointers advance per batch item (0: shared).
  int64_t col_bias_bs = 0, row_bias_bs = 0, residual_bs = 0, preact_bs = 0;
  const TileSink<T>* sink = nullptr;  // in place of c
  // Null: the table's for T. Other kernels may define their own panels; A and B must then be sources.
  const GemmKernels<T>* kernels = nullptr;
};

// C must not overlap A, B, or the epilogue's inputs. Sizes may be zero: with k == 0 the sum is zero.
template <class T>
void gemm(const GemmArgs<T>& args);
extern template void gemm<float>(const GemmArgs<float>&);
extern template void gemm<double>(const GemmArgs<double>&);

}  // namespace plait
