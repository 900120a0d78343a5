// SPDX-License-Identifier: MIT
// Pooling of regions of interest: aligned means, maxima, and means that are sensitive to position.
#include <limits>
#include <tuple>
#include <vector>

#include "autograd/op.h"
#include "kernels/vision/region_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

Dims x_shape(const RegionPool& p) { return {p.images, p.channels, p.height, p.width}; }
Dims y_shape(const RegionPool& p) { return {p.regions, p.out_channels(), p.bin_rows, p.bin_columns}; }

// Regions as the kernels read them, every one of an image that is there.
Tensor checked_regions(const char* op, const Tensor& regions, const RegionPool& p, DType dtype) {
  const Tensor r = contiguous_as(regions, compute_dtype(dtype));
  for (int64_t i = 0; r.has_values() && i < p.regions; ++i) {
    const double image = computed_at(r, i * 5);
    PLAIT_CHECK(image > -1 && image < static_cast<double>(p.images), kIndex, op,
                ": expected the first column of rois to be below the batch size ", p.images, ", got ", image,
                " in row ", i);
  }
  return r;
}

// ---- Means ----

struct RegionMeanGrad {
  static constexpr OpMeta meta{"roi_align_backward"};
  static Tensor forward(OpContext& ctx, const Tensor& gy, const Tensor& regions, const RegionPool& p);
  // ggy = the means of ggx
  static Grads backward(OpContext& ctx, const Tensor& ggx, const RegionPool& p);
};

struct RegionMean {
  static constexpr OpMeta meta{"roi_align"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& regions, const RegionPool& p) {
    ctx.save(regions);
    const Tensor xn = as_computed(x), r = checked_regions(meta.name, regions, p, x.dtype());
    const Tensor y = Tensor::empty(y_shape(p), xn.dtype());
    if (y.is_meta()) return cast(y, x.dtype());
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      region_mean_forward(p, xn.data<T>(), r.data<T>(), y.data<T>());
    });
    return cast(y, x.dtype());
  }
  // gx[cell] += weight gy / divisor, over the bins that read the cell
  static Grads backward(OpContext& ctx, const Tensor& gy, const RegionPool& p) {
    return {apply<RegionMeanGrad>(gy, ctx.saved(0), p), Tensor()};
  }
};

Tensor RegionMeanGrad::forward(OpContext& ctx, const Tensor& gy, const Tensor& regions, const RegionPool& p) {
  ctx.save(regions);
  const Tensor g = as_computed(gy), r = checked_regions(meta.name, regions, p, gy.dtype());
  const Tensor gx = Tensor::empty(x_shape(p), g.dtype());
  if (gx.is_meta()) return cast(gx, gy.dtype());
  dispatch_compute(g.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    region_mean_backward(p, g.data<T>(), r.data<T>(), gx.data<T>());
  });
  return cast(gx, gy.dtype());
}

Grads RegionMeanGrad::backward(OpContext& ctx, const Tensor& ggx, const RegionPool& p) {
  return {apply<RegionMean>(ggx, ctx.saved(0), p), Tensor()};
}

// ---- Maxima ----

struct RegionMaxGrad {
  static constexpr OpMeta meta{"roi_pool_backward"};
  // gx[index] += gy
  static Tensor forward(OpContext&, const Tensor& gy, const Tensor& regions, const Tensor& index,
                        const RegionPool& p) {
    const Tensor g = as_computed(gy), r = checked_regions(meta.name, regions, p, gy.dtype());
    const Tensor gx = Tensor::empty(x_shape(p), g.dtype()), at = contiguous(index);
    if (gx.is_meta()) return cast(gx, gy.dtype());
    dispatch_compute(g.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      region_max_backward(p, g.data<T>(), r.data<T>(), at.data<int32_t>(), gx.data<T>());
    });
    return cast(gx, gy.dtype());
  }
};

struct RegionMax {
  static constexpr OpMeta meta{"roi_pool"};
  // Results: the maxima, and their positions in the plane as int32.
  static std::vector<Tensor> forward(OpContext& ctx, const Tensor& x, const Tensor& regions,
                                     const RegionPool& p) {
    const Tensor xn = as_computed(x), r = checked_regions(meta.name, regions, p, x.dtype());
    const Tensor y = Tensor::empty(y_shape(p), xn.dtype()), index = Tensor::empty(y_shape(p), DType::kInt32);
    const auto run = [&](auto tag) {
      using T = typename decltype(tag)::type;
      region_max_forward(p, xn.data<T>(), r.data<T>(), y.data<T>(), index.data<int32_t>());
    };
    if (!y.is_meta()) dispatch_compute(xn.dtype(), run);
    ctx.save(regions, index);
    return {cast(y, x.dtype()), index};
  }
  static Grads fused_backward(OpContext& ctx, const Grads& gys, const RegionPool& p) {
    if (!gys[0].defined()) return {Tensor(), Tensor()};
    return {apply<RegionMaxGrad>(gys[0], ctx.saved(0), ctx.saved(1), p), Tensor()};
  }
};

// ---- Arguments as users give them ----

struct Bins {
  double scale;
  int64_t rows, columns;
};

RegionPool make_pool(const char* op, RegionRule rule, const Dims& x, const Tensor& values, const char* name,
                     const Tensor& rois, const Bins& bins, int64_t samples, bool aligned) {
  PLAIT_CHECK(values.is_floating(), kType, op, ": expected a floating-point ", name, ", got ",
              dtype_name(values.dtype()));
  PLAIT_CHECK(values.dtype() == rois.dtype(), kType, op, ": expected ", name, " and rois of one dtype, got ",
              dtype_name(values.dtype()), " and ", dtype_name(rois.dtype()));
  PLAIT_CHECK(rois.dim() == 2 && rois.shape()[1] == 5, kValue, op,
              ": expected rois of shape (regions, 5), got ", rois.shape());
  PLAIT_CHECK(bins.rows > 0 && bins.columns > 0, kValue, op, ": expected a pooled size of at least 1, got ",
              bins.rows, " and ", bins.columns);
  constexpr int64_t kMostSamples = 1 << 16;
  PLAIT_CHECK(samples <= kMostSamples, kValue, op, ": expected sampling_ratio of at most ", kMostSamples,
              ", got ", samples);
  for (const int64_t size : x) {
    PLAIT_CHECK(size >= 0, kValue, op, ": expected sizes of at least 0, got ", x);
  }
  PLAIT_CHECK(x[2] < std::numeric_limits<int32_t>::max() && x[3] < std::numeric_limits<int32_t>::max() &&
                  x[2] * x[3] < std::numeric_limits<int32_t>::max(),
              kValue, op, ": planes of 2**31 elements and more are not supported, got ", x);
  const Dims sizes{bins.rows, bins.columns};
  if (rule != RegionRule::kAlign) {
    PLAIT_CHECK(x[1] % bins.rows == 0 && x[1] / bins.rows % bins.columns == 0, kValue, op,
                ": expected channels that the number of bins divides, got ", x[1], " channels and ", sizes,
                " bins");
  }
  return {rule,      x[0],         x[1],       x[2],    x[3],   rois.shape()[0],
          bins.rows, bins.columns, bins.scale, samples, aligned};
}

RegionPool pool_of(const char* op, RegionRule rule, const Tensor& x, const Tensor& rois, const Bins& bins,
                   int64_t samples = 0, bool aligned = false) {
  PLAIT_CHECK(x.dim() == 4, kValue, op, ": expected input of shape (batch, channels, height, width), got ",
              x.shape());
  return make_pool(op, rule, x.shape(), x, "input", rois, bins, samples, aligned);
}

RegionPool pool_of_grad(const char* op, RegionRule rule, const Tensor& gy, const Tensor& rois,
                        const Bins& bins, const Dims& x, int64_t samples = 0, bool aligned = false) {
  const RegionPool p = make_pool(op, rule, x, gy, "grad", rois, bins, samples, aligned);
  PLAIT_CHECK(gy.shape() == y_shape(p), kValue, op, ": expected grad of shape ", y_shape(p), ", got ",
              gy.shape());
  return p;
}

Tensor roi_align(const Tensor& x, const Tensor& rois, double scale, int64_t rows, int64_t columns,
                 int64_t samples, bool aligned) {
  return apply<RegionMean>(
      x, rois, pool_of("roi_align", RegionRule::kAlign, x, rois, {scale, rows, columns}, samples, aligned));
}
Tensor roi_align_backward(const Tensor& gy, const Tensor& rois, double scale, int64_t rows, int64_t columns,
                          int64_t batch, int64_t channels, int64_t height, int64_t width, int64_t samples,
                          bool aligned) {
  return apply<RegionMeanGrad>(
      gy, rois,
      pool_of_grad("roi_align_backward", RegionRule::kAlign, gy, rois, {scale, rows, columns},
                   {batch, channels, height, width}, samples, aligned));
}

std::tuple<Tensor, Tensor> roi_pool(const Tensor& x, const Tensor& rois, double scale, int64_t rows,
                                    int64_t columns) {
  const std::vector<Tensor> r =
      apply<RegionMax>(x, rois, pool_of("roi_pool", RegionRule::kAlign, x, rois, {scale, rows, columns}));
  return {r[0], r[1]};
}
Tensor roi_pool_backward(const Tensor& gy, const Tensor& rois, const Tensor& argmax, double scale,
                         int64_t rows, int64_t columns, int64_t batch, int64_t channels, int64_t height,
                         int64_t width) {
  const RegionPool p = pool_of_grad("roi_pool_backward", RegionRule::kAlign, gy, rois, {scale, rows, columns},
                                    {batch, channels, height, width});
  PLAIT_CHECK(argmax.dtype() == DType::kInt32 && argmax.shape() == gy.shape(), kValue,
              "roi_pool_backward: expected argmax of int32 and shape ", gy.shape(), ", got ",
              dtype_name(argmax.dtype()), " and ", argmax.shape());
  const Tensor at = contiguous(argmax);
  for (int64_t i = 0; at.has_values() && i < at.numel(); ++i) {
    PLAIT_CHECK(at.data<int32_t>()[i] < p.plane(), kIndex, "roi_pool_backward: expected argmax below ",
                p.plane(), ", got ", at.data<int32_t>()[i]);
  }
  return apply<RegionMaxGrad>(gy, rois, at, p);
}

// The channel that each output element has read.
Tensor channel_mapping(const RegionPool& p) {
  const Tensor channels = arange(int64_t{0}, p.channels, int64_t{1}, DType::kInt32);
  const Dims shape = y_shape(p);
  return contiguous(expand(reshape(channels, Dims{1, shape[1], shape[2], shape[3]}), shape));
}

std::tuple<Tensor, Tensor> position_sensitive(const Tensor& x, const Tensor& rois, const RegionPool& p) {
  return {apply<RegionMean>(x, rois, p), channel_mapping(p)};
}
std::tuple<Tensor, Tensor> ps_roi_align(const Tensor& x, const Tensor& rois, double scale, int64_t rows,
                                        int64_t columns, int64_t samples) {
  return position_sensitive(
      x, rois, pool_of("ps_roi_align", RegionRule::kPositionAlign, x, rois, {scale, rows, columns}, samples));
}
std::tuple<Tensor, Tensor> ps_roi_pool(const Tensor& x, const Tensor& rois, double scale, int64_t rows,
                                       int64_t columns) {
  return position_sensitive(
      x, rois, pool_of("ps_roi_pool", RegionRule::kPositionMean, x, rois, {scale, rows, columns}));
}
Tensor ps_roi_align_backward(const Tensor& gy, const Tensor& rois, const Tensor&, double scale, int64_t rows,
                             int64_t columns, int64_t samples, int64_t batch, int64_t channels,
                             int64_t height, int64_t width) {
  return apply<RegionMeanGrad>(
      gy, rois,
      pool_of_grad("ps_roi_align_backward", RegionRule::kPositionAlign, gy, rois, {scale, rows, columns},
                   {batch, channels, height, width}, samples));
}
Tensor ps_roi_pool_backward(const Tensor& gy, const Tensor& rois, const Tensor&, double scale, int64_t rows,
                            int64_t columns, int64_t batch, int64_t channels, int64_t height, int64_t width) {
  return apply<RegionMeanGrad>(gy, rois,
                               pool_of_grad("ps_roi_pool_backward", RegionRule::kPositionMean, gy, rois,
                                            {scale, rows, columns}, {batch, channels, height, width}));
}

#define PLAIT_BINS "float spatial_scale, int pooled_height, int pooled_width"
#define PLAIT_SIZES "int batch_size, int channels, int height, int width"

const RegisterOps kOps{
    {"roi_align(Tensor input, Tensor rois, " PLAIT_BINS ", int sampling_ratio, bool aligned) -> Tensor", "p",
     PLAIT_BOX(roi_align), "Means of bilinear samples of regions, (regions, channels, bins)."},
    {"roi_align_backward(Tensor grad, Tensor rois, " PLAIT_BINS ", " PLAIT_SIZES
     ", int sampling_ratio, bool aligned) -> Tensor",
     "p", PLAIT_BOX(roi_align_backward), "The gradient of roi_align for its input."},
    {"roi_pool(Tensor input, Tensor rois, " PLAIT_BINS ") -> (Tensor, Tensor)", "p", PLAIT_BOX(roi_pool),
     "The largest cells of regions, and their positions in the plane, -1 for none."},
    {"roi_pool_backward(Tensor grad, Tensor rois, Tensor argmax, " PLAIT_BINS ", " PLAIT_SIZES ") -> Tensor",
     "p", PLAIT_BOX(roi_pool_backward), "The gradient of roi_pool for its input."},
    {"ps_roi_align(Tensor input, Tensor rois, " PLAIT_BINS ", int sampling_ratio) -> (Tensor, Tensor)", "p",
     PLAIT_BOX(ps_roi_align), "As roi_align; every bin reads channels of its own, which are given too."},
    {"ps_roi_align_backward(Tensor grad, Tensor rois, Tensor channel_mapping, " PLAIT_BINS
     ", int sampling_ratio, " PLAIT_SIZES ") -> Tensor",
     "p", PLAIT_BOX(ps_roi_align_backward), "The gradient of ps_roi_align for its input."},
    {"ps_roi_pool(Tensor input, Tensor rois, " PLAIT_BINS ") -> (Tensor, Tensor)", "p",
     PLAIT_BOX(ps_roi_pool),
     "Means of the cells of regions; every bin reads channels of its own, which are given too."},
    {"ps_roi_pool_backward(Tensor grad, Tensor rois, Tensor channel_mapping, " PLAIT_BINS ", " PLAIT_SIZES
     ") -> Tensor",
     "p", PLAIT_BOX(ps_roi_pool_backward), "The gradient of ps_roi_pool for its input."},
};

}  // namespace
}  // namespace plait
