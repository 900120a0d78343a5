// SPDX-License-Identifier: MIT
// What the GEMM's algorithms share: the blocked engine (gemm.cpp), thin and small products (gemm_thin.cpp),
// the BLAS (blas.cpp). Not for callers.
#pragma once

#include <algorithm>
#include <utility>

#include "core/rounding.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"

namespace plait::gemm_detail {

template <class T>
const GemmKernels<T>& kernels_of() {
  return kernels().gemm.of<T>();
}

// C^T = B^T A^T: the same problem with rows and columns exchanged. Not for problems with a sink.
template <class T>
GemmArgs<T> transposed(GemmArgs<T> g) {
  std::swap(g.m, g.n);
  std::swap(g.a, g.b);
  std::swap(g.a.rs, g.a.cs);
  std::swap(g.b.rs, g.b.cs);
  std::swap(g.c_rs, g.c_cs);
  GemmEpilogue<T>& e = g.epilogue;
  std::swap(e.col_bias, e.row_bias);
  std::swap(g.col_bias_bs, g.row_bias_bs);
  std::swap(e.residual_rs, e.residual_cs);
  std::swap(e.preact_rs, e.preact_cs);
  return g;
}

template <class T>
bool has_epilogue(const GemmArgs<T>& g) {
  return g.epilogue.col_bias || g.epilogue.row_bias || g.epilogue.residual || g.epilogue.preact ||
         g.epilogue.activation != GemmActivation::kNone;
}

// The epilogue with its pointers at element (i, j) of batch item b.
template <class T>
GemmEpilogue<T> epilogue_at(const GemmArgs<T>& g, int64_t b, int64_t i, int64_t j) {
  GemmEpilogue<T> e = g.epilogue;
  if (e.col_bias) e.col_bias += b * g.col_bias_bs + j;
  if (e.row_bias) e.row_bias += b * g.row_bias_bs + i;
  if (e.residual) e.residual += b * g.residual_bs + i * e.residual_rs + j * e.residual_cs;
  if (e.preact) e.preact += b * g.preact_bs + i * e.preact_rs + j * e.preact_cs;
  return e;
}

// The start of batch item b of an operand; null for a source.
template <class T>
const T* batch_start(const GemmOperand<T>& x, int64_t b) {
  return x.source ? nullptr : x.data + (x.offsets ? x.offsets[b] : b * x.bs);
}

// C = epilogue(alpha * sum_s parts[b][s][i][j] + beta * C), parts[batch][count][m][n] added in order of s.
template <class T>
void finish_sums(const GemmArgs<T>& g, const T* parts, int64_t count);
extern template void finish_sums<float>(const GemmArgs<float>&, const float*, int64_t);
extern template void finish_sums<double>(const GemmArgs<double>&, const double*, int64_t);

// Products that use each element of a matrix so seldom that it is read once, in memory order, and never
// packed: with a vector, or of few rows where both operands are contiguous along k. Returns false, having
// done nothing, for all others. m, n, k > 0.
template <class T>
bool run_thin(const GemmArgs<T>& g);
extern template bool run_thin<float>(const GemmArgs<float>&);
extern template bool run_thin<double>(const GemmArgs<double>&);

// A product with a vector, n == 1, whose matrix `a` (m x k) holds 16-bit floats; g.a is not read. Returns
// false, having done nothing, if neither the rows nor the columns of the matrix are contiguous.
bool run_half_vector(const GemmArgs<float>& g, const GemmOperand<uint16_t>& a, const GemmHalfKernels& kern);

// Batches of products so small that blocking and packing would cost more than the sums. Rows of C are
// contiguous. Returns false, having done nothing, for all others.
template <class T>
bool run_small(const GemmArgs<T>& g);
extern template bool run_small<float>(const GemmArgs<float>&);
extern template bool run_small<double>(const GemmArgs<double>&);

}  // namespace plait::gemm_detail
