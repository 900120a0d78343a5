// SPDX-License-Identifier: MIT
// Deformable convolution: what the taps of the kernel read, moved by offsets, times the weights. Columns are
// made image by image, and again in backward, so that memory is that of one image.
#include <limits>
#include <tuple>
#include <vector>

#include "autograd/op.h"
#include "kernels/vision/deform_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

struct DeformProblem {
  DeformShape image;
  int64_t batch, out_channels, groups;

  int64_t depth() const { return image.channels / groups * image.taps(); }
  Dims columns() const { return {groups, depth(), image.out()}; }
  Dims weights() const { return {groups, out_channels / groups, depth()}; }
  Dims products() const { return {groups, out_channels / groups, image.out()}; }
  bool is_empty() const { return image.channels == 0 || image.taps() == 0 || image.out() == 0; }
};

// Arguments of the kernels, all of one dtype; the mask may be undefined.
struct DeformInputs {
  Tensor x, weight, offset, mask;

  DeformInputs(const Tensor& x, const Tensor& weight, const Tensor& offset, const Tensor& mask)
      : x(as_computed(x)),
        weight(as_computed(weight)),
        offset(as_computed(offset)),
        mask(as_computed(mask)) {}
};

template <class T>
T* image_data(const Tensor& t, int64_t n) {
  return t.defined() ? t.data<T>() + n * (t.numel() / t.shape()[0]) : nullptr;
}

Tensor image_columns(const DeformProblem& p, const DeformInputs& in, int64_t n) {
  const Tensor columns = Tensor::empty(p.columns(), in.x.dtype());
  dispatch_compute(in.x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    deform_columns(p.image, image_data<T>(in.x, n), image_data<T>(in.offset, n), image_data<T>(in.mask, n),
                   columns.data<T>());
  });
  return columns;
}

struct DeformConv {
  static constexpr OpMeta meta{"deform_conv2d"};
  // y[n] = w columns[n]
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& weight, const Tensor& offset,
                        const Tensor& mask, const DeformProblem& p) {
    ctx.save(x, weight, offset, mask);
    const DeformInputs in(x, weight, offset, mask);
    const Tensor y =
        zeros(Dims{p.batch, p.out_channels, p.image.out_size[0], p.image.out_size[1]}, in.x.dtype());
    const Tensor w = reshape(in.weight, p.weights());
    for (int64_t n = 0; y.has_values() && n < p.batch && !p.is_empty(); ++n)
      copy_into(reshape(select(y, 0, n), p.products()), matmul(w, image_columns(p, in, n)));
    return cast(y, x.dtype());
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, const DeformProblem& p);
};

// From g_columns[n] = w^T gy[n]: gx, and the derivatives of positions and masks; gw = sum of gy[n]
// columns[n]^T.
class DeformGrads {
 public:
  DeformGrads(const DeformProblem& p, const DeformInputs& in, bool gx, bool gw, bool positions)
      : p_(p), in_(in), wants_weight_(gw) {
    if (gx) x = zeros_like(in.x);
    if (gw) weight = zeros(p.weights(), in.x.dtype());
    if (positions) offset = zeros_like(in.offset);
    if (positions && in.mask.defined()) mask = zeros_like(in.mask);
    if (gw) shape_ = in.weight.shape();
  }

  void run(const Tensor& gy) {
    const Tensor g = as_computed(gy), wt = matrix_transpose(reshape(in_.weight, p_.weights()));
    for (int64_t n = 0; g.has_values() && n < p_.batch && !p_.is_empty(); ++n) {
      const Tensor gn = reshape(select(g, 0, n), p_.products());
      if (wants_weight_) add_(weight, matmul(gn, matrix_transpose(image_columns(p_, in_, n))));
      if (x.defined() || offset.defined()) spread(contiguous(matmul(wt, gn)), n);
    }
    if (wants_weight_) weight = reshape(weight, shape_);
  }

  Tensor x, weight, offset, mask;

 private:
  void spread(const Tensor& g_columns, int64_t n) {
    dispatch_compute(in_.x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      deform_columns_backward(p_.image, image_data<T>(in_.x, n), image_data<T>(in_.offset, n),
                              image_data<T>(in_.mask, n), g_columns.data<T>(), image_data<T>(x, n),
                              image_data<T>(offset, n), image_data<T>(mask, n));
    });
  }

  const DeformProblem& p_;
  const DeformInputs& in_;
  const bool wants_weight_;
  Dims shape_;
};

Grads DeformConv::fused_backward(OpContext& ctx, const Tensor& gy, const DeformProblem& p) {
  const Tensor x = ctx.saved(0);
  const DeformInputs in(x, ctx.saved(1), ctx.saved(2), ctx.saved(3));
  DeformGrads grads(p, in, ctx.needs_grad(0), ctx.needs_grad(1), ctx.needs_grad(2) || ctx.needs_grad(3));
  grads.run(gy);
  return {grads.x, grads.weight, grads.offset, grads.mask};
}

// ---- Arguments as users give them ----

constexpr const char* kName = "deform_conv2d";

DeformProblem make_problem(const Tensor& x, const Tensor& weight, const Tensor& offset, const Tensor& mask,
                           const Tensor& bias, const int64_t (&stride)[2], const int64_t (&pad)[2],
                           const int64_t (&dilation)[2], int64_t groups, int64_t offset_groups) {
  PLAIT_CHECK(x.dim() == 4 && weight.dim() == 4 && offset.dim() == 4, kValue, kName,
              ": expected input, weight and offset of 4 dimensions, got ", x.shape(), ", ", weight.shape(),
              " and ", offset.shape());
  PLAIT_CHECK(x.is_floating(), kType, kName, ": expected a floating-point dtype, got ",
              dtype_name(x.dtype()));
  for (const Tensor* t : {&weight, &offset, &mask, &bias}) {
    PLAIT_CHECK(!t->defined() || t->dtype() == x.dtype(), kType, kName,
                ": expected tensors of one dtype, got ", dtype_name(x.dtype()), " and ",
                dtype_name(t->dtype()));
  }
  const Dims &xs = x.shape(), &ws = weight.shape();
  PLAIT_CHECK(groups > 0 && xs[1] == ws[1] * groups && ws[0] % groups == 0, kValue, kName,
              ": expected weight (out_channels, in_channels / groups, ...), got input ", xs, ", weight ", ws,
              " and groups ", groups);
  PLAIT_CHECK(offset_groups > 0 && xs[1] % offset_groups == 0, kValue, kName,
              ": expected groups of offsets that divide the channels, got ", offset_groups, " and input ",
              xs);
  DeformProblem p{{xs[1], xs[2], xs[3], offset_groups, {}, {}, {}, {}, {}}, xs[0], ws[0], groups};
  for (int i = 0; i < 2; ++i) {
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
    PLAIT_CHECK(stride[i] > 0 && stride[i] < kMost && dilation[i] > 0 && dilation[i] < kMost && pad[i] >= 0 &&
                    pad[i] < kMost,
                kValue, kName, ": expected stride and dilation of at least 1 and padding of at least 0, got ",
                stride[i], ", ", dilation[i], " and ", pad[i]);
    p.image.kernel[i] = ws[2 + i];
    p.image.stride[i] = stride[i];
    p.image.pad[i] = pad[i];
    p.image.dilation[i] = dilation[i];
    const int64_t span = xs[2 + i] + 2 * pad[i] - dilation[i] * (ws[2 + i] - 1) - 1;
    p.image.out_size[i] = span < 0 ? 0 : span / stride[i] + 1;
  }
  PLAIT_CHECK(p.image.out() > 0, kValue, kName, ": the output would be empty: input ", xs, " and weight ",
              ws);
  PLAIT_CHECK((xs[2] + 3) * (xs[3] + 3) < std::numeric_limits<int32_t>::max(), kValue, kName,
              ": planes of 2**31 elements and more are not supported, got ", xs);
  const int64_t taps = offset_groups * p.image.taps();
  const Dims offsets{xs[0], 2 * taps, p.image.out_size[0], p.image.out_size[1]};
  const Dims masks{xs[0], taps, p.image.out_size[0], p.image.out_size[1]};
  PLAIT_CHECK(offset.shape() == offsets, kValue, kName, ": expected offset of shape ", offsets, ", got ",
              offset.shape());
  PLAIT_CHECK(!mask.defined() || mask.shape() == masks, kValue, kName, ": expected mask of shape ", masks,
              ", got ", mask.shape());
  PLAIT_CHECK(bias.dim() == 1 && bias.shape()[0] == ws[0], kValue, kName, ": expected bias of shape ",
              Dims{ws[0]}, ", got ", bias.shape());
  return p;
}

Tensor deform_conv2d(const Tensor& x, const Tensor& weight, const Tensor& offset, const Tensor& mask,
                     const Tensor& bias, int64_t stride_h, int64_t stride_w, int64_t pad_h, int64_t pad_w,
                     int64_t dilation_h, int64_t dilation_w, int64_t groups, int64_t offset_groups,
                     bool use_mask) {
  const Tensor factors = use_mask ? mask : Tensor();
  const DeformProblem p = make_problem(x, weight, offset, factors, bias, {stride_h, stride_w}, {pad_h, pad_w},
                                       {dilation_h, dilation_w}, groups, offset_groups);
  return apply<DeformConv>(x, weight, offset, factors, p) + reshape(bias, Dims{1, p.out_channels, 1, 1});
}

using FiveTensors = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor>;
FiveTensors deform_conv2d_backward(const Tensor& gy, const Tensor& x, const Tensor& weight,
                                   const Tensor& offset, const Tensor& mask, const Tensor& bias,
                                   int64_t stride_h, int64_t stride_w, int64_t pad_h, int64_t pad_w,
                                   int64_t dilation_h, int64_t dilation_w, int64_t groups,
                                   int64_t offset_groups, bool use_mask) {
  const Tensor factors = use_mask ? mask : Tensor();
  const DeformProblem p = make_problem(x, weight, offset, factors, bias, {stride_h, stride_w}, {pad_h, pad_w},
                                       {dilation_h, dilation_w}, groups, offset_groups);
  const Dims y{p.batch, p.out_channels, p.image.out_size[0], p.image.out_size[1]};
  PLAIT_CHECK(gy.shape() == y && gy.dtype() == x.dtype(), kValue, kName, ": expected grad of ",
              dtype_name(x.dtype()), " and shape ", y, ", got ", dtype_name(gy.dtype()), " and ", gy.shape());
  const DeformInputs in(x, weight, offset, factors);
  DeformGrads grads(p, in, true, true, true);
  grads.run(gy);
  return {cast(grads.x, x.dtype()), cast(grads.weight, x.dtype()), cast(grads.offset, x.dtype()),
          use_mask ? cast(grads.mask, x.dtype()) : zeros_like(mask), sum(gy, Dims{0, 2, 3})};
}

#define PLAIT_DEFORM_ARGS                                                                                  \
  "Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, int stride_h, int stride_w, int " \
  "pad_h, "                                                                                                \
  "int pad_w, int dilation_h, int dilation_w, int groups, int offset_groups, bool use_mask"

const RegisterOps kOps{
    {"deform_conv2d(" PLAIT_DEFORM_ARGS ") -> Tensor", "p", PLAIT_BOX(deform_conv2d),
     "Convolution whose taps are moved by offsets, in cells, and multiplied by a mask where there is one."},
    {"deform_conv2d_backward(Tensor grad, " PLAIT_DEFORM_ARGS ") -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
     "p", PLAIT_BOX(deform_conv2d_backward), "The gradients of deform_conv2d for its five tensors."},
};

}  // namespace
}  // namespace plait
