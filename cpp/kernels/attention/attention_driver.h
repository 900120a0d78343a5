// SPDX-License-Identifier: MIT
// Attention without the L x S matrix of scores in memory. Per matrix (a head of a batch item):
//   p = softmax(scale * q k^T),  y = p v
// A causal row i sees the keys 0 .. i only. T is float or double.
#pragma once

#include <cstdint>

namespace plait {

// Matrices of one shape [rows, cols] with any strides: element (i, j) of matrix m is data[at[m] + i*rs +
// j*cs].
template <class T>
struct MatrixBatch {
  const T* data;
  const int64_t* at;
  int64_t rows, cols, rs, cs;
};

template <class T>
struct AttentionArgs {
  MatrixBatch<T> q;  // [L, E]
  MatrixBatch<T> k;  // [S, E]
  MatrixBatch<T> v;  // [S, Ev]
  int64_t matrices;  // of each
  bool causal;
  double scale;
};

// y[matrices, L, Ev], contiguous.
template <class T>
void attention_forward(const AttentionArgs<T>& args, T* y);
extern template void attention_forward<float>(const AttentionArgs<float>&, float*);
extern template void attention_forward<double>(const AttentionArgs<double>&, double*);

// With gy[L, Ev] the gradient of y:
//   gv = p^T gy,  gp = gy v^T,  gs = p (gp - sum(gp p)),  gq = scale gs k,  gk = scale gs^T q
// gq[matrices, L, E], gk[matrices, S, E] and gv[matrices, S, Ev] are contiguous.
template <class T>
void attention_backward(const AttentionArgs<T>& args, const MatrixBatch<T>& gy, T* gq, T* gk, T* gv);
extern template void attention_backward<float>(const AttentionArgs<float>&, const MatrixBatch<float>&, float*,
                                               float*, float*);
extern template void attention_backward<double>(const AttentionArgs<double>&, const MatrixBatch<double>&,
                                                double*, double*, double*);

}  // namespace plait
