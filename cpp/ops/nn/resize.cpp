// SPDX-License-Identifier: MIT
// Resizing along one axis; interpolate() resizes images axis by axis.
#include <limits>

#include "autograd/op.h"
#include "kernels/resize/resize_driver.h"
#include "ops/copy.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

Dims resized_shape(const Tensor& x, int64_t dim, int64_t size) {
  Dims shape = x.shape();
  shape[dim] = size;
  return shape;
}

struct ResizeAxisGrad {
  static constexpr OpMeta meta{"resize_axis_backward"};
  static Tensor forward(OpContext&, const Tensor& gy, int64_t dim, const AxisResize& r) {
    const Tensor g = as_computed(gy);
    const Tensor gx = Tensor::empty(resized_shape(gy, dim, r.old), g.dtype());
    if (gx.is_meta()) return cast(gx, gy.dtype());
    dispatch_compute(g.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      resize_axis_backward(r, g.data<T>(), gx.data<T>());
    });
    return cast(gx, gy.dtype());
  }
  // ggy = ggx, resized
  static Grads backward(OpContext& ctx, const Tensor& ggx, int64_t dim, const AxisResize& r);
};

struct ResizeAxis {
  static constexpr OpMeta meta{"resize_axis"};
  static Tensor forward(OpContext&, const Tensor& x, int64_t dim, const AxisResize& r) {
    const bool is_bytes = x.dtype() == DType::kUInt8;
    const Tensor xn = is_bytes ? contiguous(x) : as_computed(x);
    const Tensor y = Tensor::empty(resized_shape(x, dim, r.size), xn.dtype());
    if (y.is_meta()) return cast(y, x.dtype());
    if (is_bytes) {
      resize_axis(r, xn.data<uint8_t>(), y.data<uint8_t>());
      return y;
    }
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      resize_axis(r, xn.data<T>(), y.data<T>());
    });
    return cast(y, x.dtype());
  }
  // gx[cell] = the sum of weight gy over the outputs that read the cell
  static Grads backward(OpContext&, const Tensor& gy, int64_t dim, const AxisResize& r) {
    return {apply<ResizeAxisGrad>(gy, dim, r)};
  }
};

Grads ResizeAxisGrad::backward(OpContext&, const Tensor& ggx, int64_t dim, const AxisResize& r) {
  return {apply<ResizeAxis>(ggx, dim, r)};
}

Tensor resize_axis_op(const Tensor& x, int64_t dim, int64_t size, double step, std::string_view mode,
                      bool align_corners, bool antialias) {
  const bool is_linear = mode == "linear";
  PLAIT_CHECK(is_linear || mode == "cubic", kValue, "resize_axis: expected mode 'linear' or 'cubic', got '",
              mode, "'");
  PLAIT_CHECK(x.is_floating() || x.dtype() == DType::kUInt8, kType,
              "resize_axis: expected floats or uint8, got ", dtype_name(x.dtype()));
  const int64_t d = wrap_dim("resize_axis", dim, x.dim());
  const int64_t old = x.shape()[d];
  PLAIT_CHECK(size > 0 && old > 0 && std::max(size, old) < std::numeric_limits<int32_t>::max(), kValue,
              "resize_axis: expected sizes from 1 to 2**31 - 2, got ", old, " and ", size);
  PLAIT_CHECK(step >= 0, kValue, "resize_axis: expected a step of at least 0, got ", step);
  AxisResize r{antialias ? (is_linear ? ResizeFilter::kLinearSpread : ResizeFilter::kCubicSpread)
                         : (is_linear ? ResizeFilter::kLinear : ResizeFilter::kCubic),
               1,
               old,
               size,
               1,
               step,
               align_corners};
  for (int64_t i = 0; i < x.dim(); ++i) (i < d ? r.outer : r.inner) *= i == d ? 1 : x.shape()[i];
  return apply<ResizeAxis>(x, d, r);
}

const RegisterOps kOps{
    {"resize_axis(Tensor input, int dim, int size, float step, str mode, bool align_corners, bool antialias) "
     "-> "
     "Tensor",
     "p", PLAIT_BOX(resize_axis_op),
     "Resize along one dimension: outputs lie `step` cells apart, between two or four of which they are "
     "read, "
     "or more with antialias."},
};

}  // namespace
}  // namespace plait
