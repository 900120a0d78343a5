// SPDX-License-Identifier: MIT
// Bilinear values of images at given positions, which have no gradient here; grid_sample() calls it.
#include <limits>

#include "autograd/op.h"
#include "kernels/vision/sample_driver.h"
#include "ops/copy.h"
#include "ops/registry.h"

namespace plait {
namespace {

struct SamplePlanesGrad {
  static constexpr OpMeta meta{"sample_planes_backward"};
  static Tensor forward(OpContext& ctx, const Tensor& gy, const Tensor& rows, const Tensor& columns,
                        const SampleShape& s);
  // ggy = ggx at the positions
  static Grads backward(OpContext& ctx, const Tensor& ggx, const SampleShape& s);
};

struct SamplePlanes {
  static constexpr OpMeta meta{"sample_planes"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& rows, const Tensor& columns,
                        const SampleShape& s) {
    ctx.save(rows, columns);
    const Tensor xn = as_computed(x), r = contiguous_as(rows, xn.dtype()),
                 c = contiguous_as(columns, xn.dtype());
    const Tensor y = Tensor::empty(Dims{s.images, s.channels, rows.shape()[1], rows.shape()[2]}, xn.dtype());
    if (y.is_meta()) return cast(y, x.dtype());
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      sample_planes(s, xn.data<T>(), r.data<T>(), c.data<T>(), y.data<T>());
    });
    return cast(y, x.dtype());
  }
  // gx[cell] += share of the cell in each value * gy
  static Grads backward(OpContext& ctx, const Tensor& gy, const SampleShape& s) {
    return {apply<SamplePlanesGrad>(gy, ctx.saved(0), ctx.saved(1), s), Tensor(), Tensor()};
  }
};

Tensor SamplePlanesGrad::forward(OpContext& ctx, const Tensor& gy, const Tensor& rows, const Tensor& columns,
                                 const SampleShape& s) {
  ctx.save(rows, columns);
  const Tensor g = as_computed(gy), r = contiguous_as(rows, g.dtype()), c = contiguous_as(columns, g.dtype());
  const Tensor gx = Tensor::empty(Dims{s.images, s.channels, s.height, s.width}, g.dtype());
  if (gx.is_meta()) return cast(gx, gy.dtype());
  dispatch_compute(g.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    sample_planes_backward(s, g.data<T>(), r.data<T>(), c.data<T>(), gx.data<T>());
  });
  return cast(gx, gy.dtype());
}

Grads SamplePlanesGrad::backward(OpContext& ctx, const Tensor& ggx, const SampleShape& s) {
  return {apply<SamplePlanes>(ggx, ctx.saved(0), ctx.saved(1), s), Tensor(), Tensor()};
}

Tensor sample_planes_op(const Tensor& x, const Tensor& rows, const Tensor& columns) {
  PLAIT_CHECK(
      x.dim() == 4 && rows.dim() == 3 && rows.shape() == columns.shape() && rows.shape()[0] == x.shape()[0],
      kValue, "sample_planes: expected input (N, C, H, W) and positions (N, h, w), got ", x.shape(), ", ",
      rows.shape(), " and ", columns.shape());
  PLAIT_CHECK(x.is_floating() && rows.is_floating() && columns.is_floating(), kType,
              "sample_planes: expected floating-point dtypes, got ", dtype_name(x.dtype()), ", ",
              dtype_name(rows.dtype()), " and ", dtype_name(columns.dtype()));
  const Dims& shape = x.shape();
  PLAIT_CHECK((shape[2] + 3) * (shape[3] + 3) < std::numeric_limits<int32_t>::max(), kValue,
              "sample_planes: planes of 2**31 elements and more are not supported, got ", shape);
  return apply<SamplePlanes>(
      x, rows, columns,
      SampleShape{shape[0], shape[1], shape[2], shape[3], rows.shape()[1] * rows.shape()[2]});
}

const RegisterOps kOps{
    {"sample_planes(Tensor input, Tensor rows, Tensor columns) -> Tensor", "p", PLAIT_BOX(sample_planes_op),
     "Bilinear values of images at positions in cells; outside they are zeros. Positions have no gradient."},
};

}  // namespace
}  // namespace plait
