// SPDX-License-Identifier: MIT
// The derivatives of kernels/pointwise/pointwise_functors.h over Tensors: plait::composite::Tanh::df(y) is 1
// - y * y in recorded ops. Backward uses them where it must be differentiable itself; the fused kernels
// compile the same text.
#pragma once

#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"

#define PLAIT_ISA_NS composite

namespace plait::composite {
namespace {

// The functors' values are written for vectors and never instantiated here; these names only let them parse.
template <class V>
using MaskOf = V;
template <class V>
using ElemT = double;
template <class T>
inline constexpr T kInf = __builtin_inf();

// Operand i of a recorded derivative in the dtype the op was computed in, that of its gradient `gy`: the
// fused kernels convert operands too, and -a of a uint8 or a * a of a half is not what the formula means. A
// wider float stays (an in-place op may write into a narrower one).
inline Tensor operand(const OpContext& ctx, size_t i, const Tensor& gy) {
  const Tensor x = ctx.saved(i);
  if (!x.defined()) return x;
  if (x.is_wrapped_number()) return cast(detach(x), gy.dtype());
  return cast(x, x.is_differentiable() ? promote_types(x.dtype(), gy.dtype()) : gy.dtype());
}

// Parameters of a recorded derivative. As plain numbers, two of them would give a tensor of the default
// dtype.
inline Tensor parameter(double p, const Tensor& gy) { return Tensor::scalar(p, compute_dtype(gy.dtype())); }

template <class V>
Tensor k(double c) {
  return Scalar(c).to_tensor();
}
inline Tensor operator<(const Tensor& a, const Tensor& b) { return lt(a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return le(a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return gt(a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return ge(a, b); }
inline Tensor operator==(const Tensor& a, const Tensor& b) { return eq(a, b); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return ne(a, b); }
inline Tensor select(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return where(condition, a, b);
}

inline Tensor polygamma(const Tensor& x, const Tensor& order) {
  return plait::polygamma(static_cast<int64_t>(order.item_as<double>()), x);
}

// P(Z <= x) + x e^(-x^2/2) / sqrt(2 pi)
inline Tensor gelu_grad(const Tensor& x) {
  return mul(erfc(mul(x, -0.7071067811865476)), 0.5) + mul(x * exp(mul(x * x, -0.5)), 0.3989422804014327);
}
// s + x s (1 - s) (2u)', s = sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3)
inline Tensor gelu_tanh_grad(const Tensor& x) {
  constexpr double kA = 2 * 0.7978845608028654, kB = kA * 0.044715;
  const Tensor x2 = x * x, s = sigmoid(x * add(mul(x2, kB), kA));
  return s + x * s * sub(k<Tensor>(1), s) * add(mul(x2, 3 * kB), kA);
}

}  // namespace
}  // namespace plait::composite

#include "kernels/pointwise/pointwise_functors.h"

#undef PLAIT_ISA_NS
