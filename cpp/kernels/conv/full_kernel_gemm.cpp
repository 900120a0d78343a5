// SPDX-License-Identifier: MIT
// With k = in_channels * taps, an image is a row of k elements:
//   forward          y[images, out_channels] = x[images, k] * W^T
//   backward data    gx[images, k] = gy[images, out_channels] * W
//   backward weight  gW[out_channels, k] = gy^T * x
//
// Assumptions: one group, all operands contiguous. Nothing is copied. Bound: the GEMM's, multiply-adds; for
// few images, reading the weights.
#include "kernels/conv/full_kernel_gemm.h"

#include "kernels/gemm/gemm.h"

namespace plait::conv {
namespace {

// c (m x n, rows adjacent) = a * b, + bias[n]
template <class T>
void multiply(int64_t m, int64_t n, int64_t k, GemmOperand<T> a, GemmOperand<T> b, const T* bias, T* c) {
  GemmArgs<T> g;
  g.m = m;
  g.n = n;
  g.k = k;
  g.a = a;
  g.b = b;
  g.c = c;
  g.c_rs = n;
  g.epilogue.col_bias = bias;
  gemm(g);
}

}  // namespace

template <class T>
void full_kernel_gemm(const ConvProblem& problem, const Operands<T>& t) {
  const ConvShape& s = problem.shape;
  const int64_t k = s.in_channels * s.taps(), oc = s.out_channels;
  if (problem.direction == ConvDirection::kForward) {
    multiply<T>(s.images, oc, k, {t.src, k, 1}, {t.w, 1, k}, t.bias, t.dst);
  } else {
    multiply<T>(s.images, k, oc, {t.src, oc, 1}, {t.w, k, 1}, nullptr, t.dst);
  }
}

template <class T>
void full_kernel_gemm_weight_grad(const ConvProblem& problem, const WeightGradOperands<T>& t) {
  const ConvShape& s = problem.shape;
  const int64_t k = s.in_channels * s.taps(), oc = s.out_channels;
  multiply<T>(oc, k, s.images, {t.gy, 1, oc}, {t.x, k, 1}, nullptr, t.gw);
}

#define PLAIT_INSTANTIATE(T)                                                 \
  template void full_kernel_gemm<T>(const ConvProblem&, const Operands<T>&); \
  template void full_kernel_gemm_weight_grad<T>(const ConvProblem&, const WeightGradOperands<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::conv
