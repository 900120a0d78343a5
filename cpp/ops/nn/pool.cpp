// SPDX-License-Identifier: MIT
// Max and average pooling over one to three spatial dimensions, with fixed and adaptive windows.
#include <algorithm>
#include <limits>
#include <vector>

#include "autograd/op.h"
#include "core/rounding.h"
#include "kernels/pool/pool_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/nn/per_dim.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

using Window = PoolWindow;

Dims result_shape(const Tensor& x, const Window& p, int64_t ndim) {
  Dims shape = x.shape();
  for (int64_t d = 0; d < ndim; ++d) shape[x.dim() - ndim + d] = p.out[3 - ndim + d];
  return shape;
}

// ---- Max ----

// gx[index] += gy, plane by plane; its own derivative is the gather below.
Tensor max_pool_grad(const Tensor& gy, const Tensor& index, const Dims& x_shape, int64_t plane);
Tensor max_pool_gather(const Tensor& x, const Tensor& index, int64_t plane);

struct MaxPoolGrad {
  static constexpr OpMeta meta{"max_pool_grad"};
  static Tensor forward(OpContext& ctx, const Tensor& gy, const Tensor& index, const Dims& x_shape,
                        int64_t plane) {
    ctx.save(index);
    const Tensor g = as_computed(gy);
    const Tensor gx = Tensor::empty(x_shape, g.dtype());
    const int64_t planes = plane ? gx.numel() / plane : 0, out = planes ? g.numel() / planes : 0;
    if (gx.is_meta()) return cast(gx, gy.dtype());
    dispatch_compute(g.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      max_pool_backward(planes, plane, out, g.data<T>(), index.data<int32_t>(), gx.data<T>());
    });
    return cast(gx, gy.dtype());
  }
  // ggy[i] = ggx[index[i]]
  static Grads backward(OpContext& ctx, const Tensor& ggx, const Dims&, int64_t plane) {
    return {max_pool_gather(ggx, ctx.saved(0), plane), Tensor()};
  }
};

struct MaxPoolGather {
  static constexpr OpMeta meta{"max_pool_gather"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, int64_t plane, const Dims&) {
    ctx.save(index);
    const Tensor xn = as_computed(x);
    const Tensor y = Tensor::empty(index.shape(), xn.dtype());
    const int64_t planes = plane ? x.numel() / plane : 0, out = planes ? y.numel() / planes : 0;
    if (y.is_meta()) return cast(y, x.dtype());
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      max_pool_take(planes, plane, out, xn.data<T>(), index.data<int32_t>(), y.data<T>());
    });
    return cast(y, x.dtype());
  }
  // gx[index[i]] += gy[i]
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t plane, const Dims& x_shape) {
    return {max_pool_grad(gy, ctx.saved(0), x_shape, plane), Tensor()};
  }
};

Tensor max_pool_grad(const Tensor& gy, const Tensor& index, const Dims& x_shape, int64_t plane) {
  return apply<MaxPoolGrad>(gy, index, x_shape, plane);
}
Tensor max_pool_gather(const Tensor& x, const Tensor& index, int64_t plane) {
  return apply<MaxPoolGather>(x, index, plane, x.shape());
}

struct MaxPool {
  static constexpr OpMeta meta{"max_pool"};
  // Results: the maxima, and their positions in the plane as int32 (undefined when nobody asks for them).
  static std::vector<Tensor> forward(OpContext& ctx, const Tensor& x, const Window& p, const Dims& y_shape,
                                     bool wants_index) {
    const Tensor xn = as_computed(x);
    const Tensor y = Tensor::empty(y_shape, xn.dtype());
    const Tensor index = wants_index || ctx.recording() ? Tensor::empty(y_shape, DType::kInt32) : Tensor();
    const auto run = [&](auto tag) {
      using T = typename decltype(tag)::type;
      max_pool_forward(p, xn.data<T>(), y.data<T>(), index.defined() ? index.data<int32_t>() : nullptr);
    };
    if (y.has_values()) dispatch_compute(xn.dtype(), run);
    ctx.save(index);
    return {cast(y, x.dtype()), index};
  }
  // gx[index[i]] += gy[i]
  static Grads backward(OpContext& ctx, const Grads& gys, const Window& p, const Dims&, bool) {
    Dims x_shape{p.planes, p.in[0], p.in[1], p.in[2]};
    if (!gys[0].defined()) return {Tensor()};
    return {max_pool_grad(gys[0], ctx.saved(0), x_shape, p.in_size())};
  }
};

// ---- Average ----

Tensor average_pool(const Tensor& x, const Window& p, const AverageRule& rule, const Dims& y_shape);

struct AveragePoolGrad {
  static constexpr OpMeta meta{"avg_pool_grad"};
  static Tensor forward(OpContext&, const Tensor& gy, const Window& p, const AverageRule& rule,
                        const Dims& x_shape) {
    const Tensor g = as_computed(gy);
    const Tensor gx = Tensor::empty(x_shape, g.dtype());
    if (gx.is_meta()) return cast(gx, gy.dtype());
    dispatch_compute(g.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      average_pool_backward(p, rule, g.data<T>(), gx.data<T>());
    });
    return cast(gx, gy.dtype());
  }
  // ggy = avg_pool(ggx)
  static Grads backward(OpContext&, const Tensor& ggx, const Window& p, const AverageRule& rule,
                        const Dims&) {
    return {average_pool(ggx, p, rule, Dims{p.planes, p.out[0], p.out[1], p.out[2]})};
  }
};

struct AveragePool {
  static constexpr OpMeta meta{"avg_pool"};
  static Tensor forward(OpContext&, const Tensor& x, const Window& p, const AverageRule& rule,
                        const Dims& y_shape) {
    const Tensor xn = as_computed(x);
    const Tensor y = Tensor::empty(y_shape, xn.dtype());
    if (y.is_meta()) return cast(y, x.dtype());
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      average_pool_forward(p, rule, xn.data<T>(), y.data<T>());
    });
    return cast(y, x.dtype());
  }
  // gx[u] = the sum of gy[i] scale[i] over the windows i that hold u
  static Grads backward(OpContext&, const Tensor& gy, const Window& p, const AverageRule& rule, const Dims&) {
    return {apply<AveragePoolGrad>(gy, p, rule, Dims{p.planes, p.in[0], p.in[1], p.in[2]})};
  }
};

Tensor average_pool(const Tensor& x, const Window& p, const AverageRule& rule, const Dims& y_shape) {
  return apply<AveragePool>(x, p, rule, y_shape);
}

// ---- Adaptive average ----

struct AdaptiveAverage {
  static constexpr OpMeta meta{"adaptive_avg_pool"};
  static Tensor forward(OpContext&, const Tensor& x, const Window& p, const Dims& y_shape, const Dims&) {
    const Tensor xn = as_computed(x);
    const Tensor y = Tensor::empty(y_shape, xn.dtype());
    if (y.is_meta()) return cast(y, x.dtype());
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      adaptive_average_forward(p, xn.data<T>(), y.data<T>());
    });
    return cast(y, x.dtype());
  }
  static Grads backward(OpContext&, const Tensor& gy, const Window& p, const Dims&, const Dims& x_shape);
};

struct AdaptiveAverageGrad {
  static constexpr OpMeta meta{"adaptive_avg_pool_grad"};
  static Tensor forward(OpContext&, const Tensor& gy, const Window& p, const Dims& x_shape) {
    const Tensor g = as_computed(gy);
    const Tensor gx = Tensor::empty(x_shape, g.dtype());
    if (gx.is_meta()) return cast(gx, gy.dtype());
    dispatch_compute(g.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      adaptive_average_backward(p, g.data<T>(), gx.data<T>());
    });
    return cast(gx, gy.dtype());
  }
  // ggy = adaptive_avg_pool(ggx)
  static Grads backward(OpContext&, const Tensor& ggx, const Window& p, const Dims& x_shape) {
    return {apply<AdaptiveAverage>(ggx, p, Dims{p.planes, p.out[0], p.out[1], p.out[2]}, x_shape)};
  }
};

Grads AdaptiveAverage::backward(OpContext&, const Tensor& gy, const Window& p, const Dims&,
                                const Dims& x_shape) {
  return {apply<AdaptiveAverageGrad>(gy, p, x_shape)};
}

// Adaptive windows differ in size, so their maxima are found element by element.
struct AdaptiveMax {
  static constexpr OpMeta meta{"adaptive_max_pool"};
  static std::vector<Tensor> forward(OpContext& ctx, const Tensor& x, const Window& p, const Dims& y_shape,
                                     const Dims&) {
    const Tensor xn = as_computed(x);
    const Tensor y = Tensor::empty(y_shape, xn.dtype()), index = Tensor::empty(y_shape, DType::kInt32);
    const auto run = [&](auto tag) {
      using T = typename decltype(tag)::type;
      adaptive_max_forward(p, xn.data<T>(), y.data<T>(), index.data<int32_t>());
    };
    if (y.has_values()) dispatch_compute(xn.dtype(), run);
    ctx.save(index);
    return {cast(y, x.dtype()), index};
  }
  // gx[index[i]] += gy[i]
  static Grads backward(OpContext& ctx, const Grads& gys, const Window& p, const Dims&, const Dims& x_shape) {
    if (!gys[0].defined()) return {Tensor()};
    return {max_pool_grad(gys[0], ctx.saved(0), x_shape, p.in_size())};
  }
};

// ---- Arguments as users give them ----

template <int64_t kDims>
void check_channels(const char* op, const Tensor& x) {
  PLAIT_CHECK(x.shape()[x.dim() - kDims - 1] > 0, kValue, op,
              ": expected at least one channel (only the batch may be empty), got shape ", x.shape());
}

template <int64_t kDims>
void check_input(const char* op, const Tensor& x) {
  PLAIT_CHECK(x.dim() == kDims + 1 || x.dim() == kDims + 2, kValue, op, ": expected ", kDims + 1, "D or ",
              kDims + 2, "D input, got shape ", x.shape());
  PLAIT_CHECK(x.is_floating(), kType, op, ": expected a floating-point dtype, got ", dtype_name(x.dtype()));
  for (int64_t d = 0; d < kDims; ++d) {
    PLAIT_CHECK(x.shape()[x.dim() - kDims + d] > 0, kValue, op,
                ": expected spatial dimensions of at least 1, got shape ", x.shape());
  }
  PLAIT_CHECK(x.numel() / std::max<int64_t>(1, x.shape()[0]) < std::numeric_limits<int32_t>::max(), kValue,
              op, ": planes of 2**31 elements and more are not supported");
}

template <int64_t kDims>
Window make_window(const char* op, const Tensor& x, IntSpan kernel, const std::optional<Dims>& stride,
                   IntSpan padding, IntSpan dilation, bool ceil_mode) {
  check_input<kDims>(op, x);
  check_channels<kDims>(op, x);
  const Dims k = per_dim(op, "kernel_size", kernel, kDims, 1);
  const Dims s = stride && !stride->empty() ? per_dim(op, "stride", *stride, kDims, 1) : k;
  const Dims pad = per_dim(op, "padding", padding, kDims, 0),
             dil = per_dim(op, "dilation", dilation, kDims, 1);
  Window p;
  for (int i = 0; i < 3; ++i) {
    p.in[i] = p.out[i] = p.kernel[i] = p.stride[i] = p.dilation[i] = 1;
    p.pad[i] = 0;
  }
  for (int64_t d = 0; d < kDims; ++d) {
    const int64_t i = 3 - kDims + d;
    p.in[i] = x.shape()[x.dim() - kDims + d];
    p.kernel[i] = k[d];
    p.stride[i] = s[d];
    p.pad[i] = pad[d];
    p.dilation[i] = dil[d];
    PLAIT_CHECK(2 * pad[d] <= k[d], kValue, op,
                ": pad should be at most half of effective kernel size, got padding ", pad,
                " and kernel_size ", k);
    const int64_t span = p.in[i] + 2 * pad[d] - dil[d] * (k[d] - 1) - 1;
    int64_t out =
        span < 0 ? (ceil_mode && span > -s[d] ? 1 : 0) : (span + (ceil_mode ? s[d] - 1 : 0)) / s[d] + 1;
    // A last window that would start in the padding behind the input is left out.
    if (ceil_mode && (out - 1) * s[d] >= p.in[i] + pad[d]) --out;
    PLAIT_CHECK(out > 0, kValue, op, ": the output would be empty: input ", x.shape(), ", kernel_size ", k,
                ", stride ", s, ", padding ", pad, ", dilation ", dil);
    p.out[i] = out;
  }
  p.planes = x.numel() / p.in_size();
  return p;
}

// The op sees (planes, d, h, w), so that one gradient serves all ranks.
Tensor as_planes(const Tensor& x, const Window& p) {
  return reshape(x, Dims{p.planes, p.in[0], p.in[1], p.in[2]});
}
Dims plane_shape(const Window& p) { return {p.planes, p.out[0], p.out[1], p.out[2]}; }

template <int64_t kDims>
TensorMaybePair max_pool(const Tensor& x, IntSpan kernel, std::optional<Dims> stride, IntSpan padding,
                         IntSpan dilation, bool ceil_mode, bool return_indices) {
  constexpr const char* kNames[] = {"max_pool1d", "max_pool2d", "max_pool3d"};
  const Window p = make_window<kDims>(kNames[kDims - 1], x, kernel, stride, padding, dilation, ceil_mode);
  const std::vector<Tensor> r = apply<MaxPool>(as_planes(x, p), p, plane_shape(p), return_indices);
  const Dims shape = result_shape(x, p, kDims);
  if (!return_indices) return {reshape(r[0], shape), Tensor()};
  return {reshape(r[0], shape), reshape(cast(r[1], DType::kInt64), shape)};
}

template <int64_t kDims>
Tensor avg_pool(const Tensor& x, IntSpan kernel, std::optional<Dims> stride, IntSpan padding, bool ceil_mode,
                bool count_include_pad, std::optional<int64_t> divisor_override) {
  constexpr const char* kNames[] = {"avg_pool1d", "avg_pool2d", "avg_pool3d"};
  const Window p = make_window<kDims>(kNames[kDims - 1], x, kernel, stride, padding, Dims{1}, ceil_mode);
  PLAIT_CHECK(!divisor_override || *divisor_override != 0, kValue, kNames[kDims - 1],
              ": divisor must be not zero");
  const AverageRule rule{count_include_pad, divisor_override.value_or(0)};
  return reshape(average_pool(as_planes(x, p), p, rule, plane_shape(p)), result_shape(x, p, kDims));
}
Tensor avg_pool1d(const Tensor& x, IntSpan kernel, std::optional<Dims> stride, IntSpan padding,
                  bool ceil_mode, bool count_include_pad) {
  return avg_pool<1>(x, kernel, stride, padding, ceil_mode, count_include_pad, std::nullopt);
}

// Windows of equal size are a plain pool: returns whether they are.
bool is_regular(const Window& p) {
  for (int i = 0; i < 3; ++i) {
    if (p.out[i] == 0 || p.in[i] % p.out[i] != 0) return false;
  }
  return true;
}

template <int64_t kDims>
Window make_adaptive(const char* op, const Tensor& x, IntSpan size) {
  check_input<kDims>(op, x);
  Dims wanted(size);
  for (int64_t i = 0; i < wanted.size(); ++i) {
    PLAIT_CHECK(wanted[i] == kNoSize || wanted[i] >= 0, kValue, op,
                ": expected output sizes of at least 0, got ", to_string(size));
    if (wanted[i] == kNoSize) wanted[i] = -1;
  }
  const Dims out = per_dim(op, "output_size", wanted, kDims, -1);
  Window p;
  for (int i = 0; i < 3; ++i) {
    p.in[i] = p.out[i] = p.kernel[i] = p.stride[i] = p.dilation[i] = 1;
    p.pad[i] = 0;
  }
  for (int64_t d = 0; d < kDims; ++d) {
    const int64_t i = 3 - kDims + d;
    p.in[i] = x.shape()[x.dim() - kDims + d];
    p.out[i] = out[d] < 0 ? p.in[i] : out[d];  // None keeps the size
    p.kernel[i] = p.stride[i] = p.out[i] ? std::max<int64_t>(1, p.in[i] / p.out[i]) : 1;
  }
  p.planes = x.numel() / p.in_size();
  return p;
}

template <int64_t kDims>
Tensor adaptive_avg_pool(const Tensor& x, IntSpan size) {
  constexpr const char* kNames[] = {"adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"};
  const Window p = make_adaptive<kDims>(kNames[kDims - 1], x, size);
  const Dims shape = result_shape(x, p, kDims);
  if (p.out_size() == 1) return reshape(mean(reshape(x, Dims{p.planes, p.in_size()}), Dims{1}), shape);
  const Tensor planes = as_planes(x, p);
  const Tensor y = is_regular(p) ? average_pool(planes, p, {true, 0}, plane_shape(p))
                                 : apply<AdaptiveAverage>(planes, p, plane_shape(p), planes.shape());
  return reshape(y, shape);
}

template <int64_t kDims>
TensorMaybePair adaptive_max_pool(const Tensor& x, IntSpan size, bool return_indices) {
  constexpr const char* kNames[] = {"adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"};
  const Window p = make_adaptive<kDims>(kNames[kDims - 1], x, size);
  check_channels<kDims>(kNames[kDims - 1], x);
  if (p.out_size() == 1) {
    const auto [values, at] = max(reshape(x, Dims{p.planes, p.in_size()}), 1);
    const Dims shape = result_shape(x, p, kDims);
    return {reshape(values, shape), return_indices ? reshape(at, shape) : Tensor()};
  }
  const Tensor planes = as_planes(x, p);
  const std::vector<Tensor> r = is_regular(p) ? apply<MaxPool>(planes, p, plane_shape(p), return_indices)
                                              : apply<AdaptiveMax>(planes, p, plane_shape(p), planes.shape());
  const Dims shape = result_shape(x, p, kDims);
  if (!return_indices) return {reshape(r[0], shape), Tensor()};
  return {reshape(r[0], shape), reshape(cast(r[1], DType::kInt64), shape)};
}

// The function of the top level gives the indices too.
std::tuple<Tensor, Tensor> adaptive_max_pool1d(const Tensor& x, IntSpan size) {
  TensorMaybePair r = adaptive_max_pool<1>(x, size, true);
  return {std::move(r.first), std::move(r.second)};
}

#define PLAIT_POOL_ARGS                                                                                 \
  "Args:\n"                                                                                             \
  "    input: shape (batch, channels, *spatial) or (channels, *spatial); floating point.\n"             \
  "    kernel_size, stride, padding: one int or one per spatial dimension; stride None: kernel_size.\n" \
  "    ceil_mode: round output sizes up instead of down.\n"
#define PLAIT_MAX_DOC                                                                     \
  "The largest element of each window. NaN counts as the largest.\n\n" PLAIT_POOL_ARGS    \
  "    dilation: distance between the elements of a window.\n"                            \
  "    return_indices: also return the position of each maximum in its plane, int64.\n\n" \
  "Raises:\n    ArgumentError: padding above half of the kernel, or empty outputs.\n\n"
#define PLAIT_AVG_DOC                                            \
  "The mean of each window.\n\n" PLAIT_POOL_ARGS                 \
  "    count_include_pad: whether padding counts as elements.\n" \
  "    divisor_override: divide the sums by this instead.\n\n"   \
  "Raises:\n    ArgumentError: padding above half of the kernel, or empty outputs.\n\n"
#define PLAIT_ADAPTIVE_DOC(what)                                                                 \
  what " of each of output_size windows per dimension; window i covers [floor(i*in/out), "       \
       "ceil((i+1)*in/out)).\n\n"                                                                \
       "Args:\n"                                                                                 \
       "    input: shape (batch, channels, *spatial) or (channels, *spatial); floating point.\n" \
       "    output_size: one int or one per spatial dimension; None keeps a size.\n\n"           \
       "Raises:\n    ArgumentError: negative sizes.\n\n"
#define PLAIT_MAX_SIGNATURE(d)                                                           \
  "max_pool" d "d(Tensor input, int[" d "] kernel_size, int[" d "]? stride=None, int[" d \
  "] padding=0, int[" d                                                                  \
  "] dilation=1, bool ceil_mode=False, bool return_indices=False) -> "                   \
  "Tensor | (Tensor, Tensor)"
#define PLAIT_AVG_SIGNATURE(d)                                                           \
  "avg_pool" d "d(Tensor input, int[" d "] kernel_size, int[" d "]? stride=None, int[" d \
  "] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor"

const RegisterOps kOps{
    {PLAIT_MAX_SIGNATURE("1"), "fn", PLAIT_BOX(max_pool<1>),
     PLAIT_MAX_DOC ">>> plait.max_pool1d(plait.tensor([[[1., 3., 2., 4.]]]), 2)\ntensor([[[3., 4.]]])\n"},
    {PLAIT_MAX_SIGNATURE("2"), "fn", PLAIT_BOX(max_pool<2>),
     PLAIT_MAX_DOC ">>> plait.max_pool2d(plait.arange(4.).reshape(1, 1, 2, 2), 2)\ntensor([[[[3.]]]])\n"},
    {PLAIT_MAX_SIGNATURE("3"), "fn", PLAIT_BOX(max_pool<3>),
     PLAIT_MAX_DOC ">>> plait.max_pool3d(plait.ones(1, 1, 2, 2, 2), 2).shape\nplait.Size([1, 1, 1, 1, 1])\n"},
    {"avg_pool1d(Tensor input, int[1] kernel_size, int[1]? stride=None, int[1] padding=0, bool "
     "ceil_mode=False, bool "
     "count_include_pad=True) -> Tensor",
     "fn", PLAIT_BOX(avg_pool1d),
     PLAIT_AVG_DOC ">>> plait.avg_pool1d(plait.tensor([[[1., 3., 2., 4.]]]), 2)\ntensor([[[2., 3.]]])\n"},
    {PLAIT_AVG_SIGNATURE("2"), "fn", PLAIT_BOX(avg_pool<2>),
     PLAIT_AVG_DOC
     ">>> plait.nn.functional.avg_pool2d(plait.arange(4.).reshape(1, 1, 2, 2), 2)\ntensor([[[[1.5000]]]])\n"},
    {PLAIT_AVG_SIGNATURE("3"), "fn", PLAIT_BOX(avg_pool<3>),
     PLAIT_AVG_DOC
     ">>> plait.nn.functional.avg_pool3d(plait.ones(1, 1, 2, 2, 2), 2).shape\nplait.Size([1, 1, 1, 1, 1])\n"},
    {"adaptive_avg_pool1d(Tensor input, int?[1] output_size) -> Tensor", "fn",
     PLAIT_BOX(adaptive_avg_pool<1>),
     PLAIT_ADAPTIVE_DOC("The mean") ">>> plait.adaptive_avg_pool1d(plait.tensor([[[1., 2., 3., 4.]]]), "
                                    "2)\ntensor([[[1.5000, 3.5000]]])\n"},
    {"adaptive_avg_pool2d(Tensor input, int?[2] output_size) -> Tensor", "fn",
     PLAIT_BOX(adaptive_avg_pool<2>),
     PLAIT_ADAPTIVE_DOC(
         "The mean") ">>> plait.nn.functional.adaptive_avg_pool2d(plait.ones(1, 2, 5, 5), 1).shape\n"
                     "plait.Size([1, 2, 1, 1])\n"},
    {"adaptive_avg_pool3d(Tensor input, int?[3] output_size) -> Tensor", "fn",
     PLAIT_BOX(adaptive_avg_pool<3>),
     PLAIT_ADAPTIVE_DOC(
         "The mean") ">>> plait.nn.functional.adaptive_avg_pool3d(plait.ones(1, 2, 5, 5, 5), 1).shape\n"
                     "plait.Size([1, 2, 1, 1, 1])\n"},
    {"adaptive_max_pool1d(Tensor input, int?[1] output_size, "
     "bool return_indices=False) -> Tensor | (Tensor, Tensor)",
     "n", PLAIT_BOX(adaptive_max_pool<1>),
     PLAIT_ADAPTIVE_DOC(
         "The largest element") ">>> plait.nn.functional.adaptive_max_pool1d(plait.tensor([[[1., 2., 3., "
                                "4.]]]), 2)\ntensor([[[2., 4.]]])\n"},
    {"adaptive_max_pool1d(Tensor input, int?[1] output_size) -> (Tensor, Tensor)", "f",
     PLAIT_BOX(adaptive_max_pool1d), ""},
    {"adaptive_max_pool2d(Tensor input, int?[2] output_size, "
     "bool return_indices=False) -> Tensor | (Tensor, Tensor)",
     "fn", PLAIT_BOX(adaptive_max_pool<2>),
     PLAIT_ADAPTIVE_DOC("The largest element") ">>> plait.nn.functional.adaptive_max_pool2d(plait.ones(1, 2, "
                                               "5, 5), 1).shape\nplait.Size([1, 2, 1, 1])\n"},
    {"adaptive_max_pool3d(Tensor input, int?[3] output_size, "
     "bool return_indices=False) -> Tensor | (Tensor, Tensor)",
     "fn", PLAIT_BOX(adaptive_max_pool<3>),
     PLAIT_ADAPTIVE_DOC("The largest element") ">>> plait.nn.functional.adaptive_max_pool3d(plait.ones(1, 2, "
                                               "5, 5, 5), 1).shape\nplait.Size([1, 2, 1, 1, 1])\n"},
};

}  // namespace
}  // namespace plait
