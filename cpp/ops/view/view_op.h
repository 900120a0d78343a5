// SPDX-License-Identifier: MIT
// How view ops are written.
#pragma once

#include "autograd/op.h"
#include "ops/view/view.h"

namespace plait {

// Runs a view op and ties its result to x, so that in-place changes of either are seen by the other.
template <class Op, class... Args>
Tensor make_view(const Tensor& x, const Args&... args) {
  Tensor y = apply<Op>(x, args...);
  if (y.is_differentiable()) mark_view(y, x);
  return y;
}

struct Geometry {
  Dims shape, strides;
  int64_t offset;
};

// A view of some of the elements. Op::restrict changes a geometry: x's own in forward; in backward that of a
// contiguous tensor of x's shape, where gy is embedded among zeros.
template <class Op, class Attributes>
struct WindowView {
  static Tensor forward(OpContext&, const Tensor& x, const Dims&, const Attributes& a) {
    Geometry g{x.shape(), x.strides(), x.offset()};
    Op::restrict(g, a);
    return x.alias(g.shape, g.strides, g.offset);
  }
  static Grads backward(OpContext&, const Tensor& gy, const Dims& whole, const Attributes& a) {
    Geometry g{whole, contiguous_strides(whole), 0};
    Op::restrict(g, a);
    return {embed(gy, whole, g.strides, g.offset)};
  }
};

}  // namespace plait
