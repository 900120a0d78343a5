// SPDX-License-Identifier: MIT
// y[n, g] = W[g] * x[n, g]; backward data takes the transpose of W, which is a pair of strides.
//
// Assumptions: all operands contiguous. Nothing is copied: positions are the adjacent dimension of x and y.
// Bound: the GEMM's, multiply-adds; by memory for few channels.
#include "kernels/conv/gemm_1x1.h"

#include "kernels/gemm/gemm.h"

namespace plait::conv {

template <class T>
void multiply_groups(const GroupedProduct<T>& p) {
  const int64_t src_size = p.in_channels * p.positions, dst_size = p.out_channels * p.positions;
  for (int64_t g = 0; g < p.groups; ++g) {
    GemmArgs<T> a;
    a.m = p.out_channels;
    a.n = p.positions;
    a.k = p.in_channels;
    a.batch = p.images;
    a.a = {p.w + g * p.out_channels * p.in_channels, p.w_out_stride, p.w_in_stride};
    a.b = {p.src + g * src_size, p.positions, 1, p.groups * src_size};
    a.c = p.dst + g * dst_size;
    a.c_rs = p.positions;
    a.c_bs = p.groups * dst_size;
    a.epilogue.row_bias = p.bias ? p.bias + g * p.out_channels : nullptr;
    gemm(a);
  }
}

template <class T>
void gemm_1x1(const ConvProblem& problem, const Operands<T>& t) {
  const ConvShape& s = problem.shape;
  const int64_t ic = s.group_in_channels(), oc = s.group_out_channels();
  if (problem.direction == ConvDirection::kForward) {
    multiply_groups<T>({s.images, s.groups, ic, oc, s.in_size(), t.src, t.w, ic, 1, t.bias, t.dst});
  } else {
    multiply_groups<T>({s.images, s.groups, oc, ic, s.in_size(), t.src, t.w, 1, ic, t.bias, t.dst});
  }
}

#define PLAIT_INSTANTIATE(T)                                  \
  template void multiply_groups<T>(const GroupedProduct<T>&); \
  template void gemm_1x1<T>(const ConvProblem&, const Operands<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::conv
