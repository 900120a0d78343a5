// SPDX-License-Identifier: MIT
// Layer, RMS, batch and group normalisation: one kernel forward and one backward each; when a second
// derivative is asked for, the gradient is the same formula in ops.
#include <algorithm>
#include <cmath>
#include <optional>

#include "autograd/op.h"
#include "kernels/norm/norm_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// Parameters as the kernels read them.
Tensor as_parameter(const Tensor& p, DType dtype) { return contiguous_as(p, compute_dtype(dtype)); }
const void* data_or_null(const Tensor& t) { return t.defined() ? t.data_ptr() : nullptr; }
void* output_or_null(const Tensor& t) { return t.defined() ? t.data_ptr() : nullptr; }
Tensor empty_if(bool wanted, const Dims& shape, DType dtype) {
  return wanted ? Tensor::empty(shape, dtype) : Tensor();
}

void check_input(const char* op, const Tensor& x) {
  PLAIT_CHECK(x.is_floating(), kType, op, ": expected a floating-point input, got ", dtype_name(x.dtype()));
}
void check_per_channel(const char* op, const char* name, const Tensor& t, int64_t channels) {
  PLAIT_CHECK(!t.defined() || (t.dim() == 1 && t.numel() == channels), kValue, op, ": expected ", name,
              " of shape (", channels, ",), one entry per channel, got ", t.shape());
  PLAIT_CHECK(!t.defined() || t.is_floating(), kType, op, ": expected a floating-point ", name, ", got ",
              dtype_name(t.dtype()));
}

// gx = rstd (g - mean(g) - xhat mean(g xhat)), g = gy weight, all over `dims`; without mean(g) when not
// centered.
Tensor input_gradient(const Tensor& g, const Tensor& hat, const Tensor& rstd, const Dims& dims,
                      bool centered) {
  Tensor rest = sub(g, mul(hat, mean(mul(g, hat), dims, true)));
  if (centered) rest = sub(rest, mean(g, dims, true));
  return mul(rstd, rest);
}

// ---- Layer and RMS norm ----

template <RowNormKind kKind>
struct RowNorm {
  static constexpr bool kCentered = kKind == RowNormKind::kLayer;
  static constexpr OpMeta meta{kCentered ? "layer_norm" : "rms_norm"};

  // x[..., n] over its last `last` dimensions, n elements.
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        int64_t last, double eps) {
    const Tensor in = contiguous(x), w = as_parameter(weight, x.dtype()), b = as_parameter(bias, x.dtype());
    const DType stat = compute_dtype(x.dtype());
    RowNormArgs a = {};
    a.n = row_length(x.shape(), last);
    a.rows = a.n > 0 ? x.numel() / a.n : 0;
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    const Tensor mean = empty_if(kCentered, {a.rows}, stat), rstd = Tensor::empty({a.rows}, stat);
    if (!y.is_meta()) {
      a.x = in.data_ptr();
      a.weight = data_or_null(w);
      a.bias = data_or_null(b);
      a.y = y.data_ptr();
      a.mean = output_or_null(mean);
      a.rstd = rstd.data_ptr();
      a.eps = eps;
      row_norm_forward(kKind, x.dtype(), a);
    }
    ctx.save(x, weight, mean, rstd);
    return y;
  }

  // gx = input_gradient(gy weight), gweight = sum(gy xhat), gbias = sum(gy), the sums over the rows
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t last, double eps) {
    const Tensor x = ctx.saved(0), weight = ctx.saved(1);
    Dims dims, others;
    for (int64_t d = 0; d < x.dim(); ++d) (d < x.dim() - last ? others : dims).push_back(d);
    const Tensor centered = kCentered ? sub(x, mean(x, dims, true)) : x;
    const Tensor rstd = rsqrt(add(mean(mul(centered, centered), dims, true), eps));
    const Tensor hat = mul(centered, rstd);
    const Tensor g = weight.defined() ? mul(gy, weight) : gy;
    const auto over_rows = [&](const Tensor& v) { return others.empty() ? v : sum(v, others); };
    Grads gxs(3);
    if (ctx.needs_grad(0)) gxs[0] = input_gradient(g, hat, rstd, dims, kCentered);
    if (ctx.needs_grad(1)) gxs[1] = over_rows(mul(gy, hat));
    if (ctx.needs_grad(2)) gxs[2] = over_rows(gy);
    return gxs;
  }

  static Grads fused_backward(OpContext& ctx, const Tensor& gy, int64_t last, double) {
    const Tensor x = ctx.saved(0), weight = ctx.saved(1);
    const DType stat = compute_dtype(x.dtype());
    const Tensor in = contiguous(x), g = contiguous(gy), w = as_parameter(weight, x.dtype());
    const Tensor mean = ctx.saved(2), rstd = ctx.saved(3);
    Dims tail;
    for (int64_t d = x.dim() - last; d < x.dim(); ++d) tail.push_back(x.shape()[d]);
    const Tensor gx = empty_if(ctx.needs_grad(0), x.shape(), x.dtype());
    const Tensor gw = empty_if(ctx.needs_grad(1), tail, stat), gb = empty_if(ctx.needs_grad(2), tail, stat);
    RowNormGradArgs a = {};
    a.n = row_length(x.shape(), last);
    a.rows = a.n > 0 ? x.numel() / a.n : 0;
    a.x = in.data_ptr();
    a.gy = g.data_ptr();
    a.weight = data_or_null(w);
    a.gx = output_or_null(gx);
    a.mean = output_or_null(mean);
    a.rstd = rstd.data_ptr();
    a.gweight = output_or_null(gw);
    a.gbias = output_or_null(gb);
    row_norm_backward(kKind, x.dtype(), a);
    return {gx, gw, gb};
  }

 private:
  static int64_t row_length(const Dims& shape, int64_t last) {
    int64_t n = 1;
    for (int64_t d = shape.size() - last; d < shape.size(); ++d) n *= shape[d];
    return n;
  }
};

template <RowNormKind kKind>
Tensor row_norm(const Tensor& x, const Dims& shape, const Tensor& weight, const Tensor& bias, double eps) {
  const char* op = RowNorm<kKind>::meta.name;
  check_input(op, x);
  PLAIT_CHECK(!shape.empty(), kValue, op, ": expected normalized_shape to name at least 1 dimension");
  bool ends = x.dim() >= shape.size();
  for (int64_t i = 0; ends && i < shape.size(); ++i) {
    ends = x.shape()[x.dim() - shape.size() + i] == shape[i];
  }
  PLAIT_CHECK(ends, kValue, op, ": expected an input whose shape ends in ", shape, ", got ", x.shape());
  for (const Tensor* p : {&weight, &bias}) {
    PLAIT_CHECK(!p->defined() || p->shape() == shape, kValue, op, ": expected ",
                p == &weight ? "weight" : "bias", " of shape ", shape, ", got ", p->shape());
  }
  return apply<RowNorm<kKind>>(x, weight, bias, shape.size(), eps);
}

Tensor layer_norm(const Tensor& x, const Dims& shape, const Tensor& weight, const Tensor& bias, double eps) {
  return row_norm<RowNormKind::kLayer>(x, shape, weight, bias, eps);
}
namespace {

// 1 / sqrt(mean(x^2) + eps), of complex numbers too by the square itself
Tensor complex_scale(const Tensor& x, const Dims& shape, double eps) {
  PLAIT_CHECK(!shape.empty() && static_cast<int64_t>(shape.size()) <= x.dim() &&
                  std::equal(shape.begin(), shape.end(), x.shape().end() - shape.size()),
              kValue, "rms_norm: expected an input whose shape ends in ", shape, ", got ", x.shape());
  Dims dims;
  for (int64_t d = x.dim() - static_cast<int64_t>(shape.size()); d < x.dim(); ++d) dims.push_back(d);
  return rsqrt(add(mean(mul(x, x), dims, true), eps));
}

}  // namespace

Tensor rms_norm(const Tensor& x, const Dims& shape, const Tensor& weight, std::optional<double> eps) {
  if (x.is_complex()) {
    const Tensor scale =
        complex_scale(x, shape, eps.value_or(x.dtype() == DType::kComplex128 ? 0x1p-52 : 0x1p-23));
    return weight.defined() ? mul(mul(x, scale), weight) : mul(x, scale);
  }
  check_input("rms_norm", x);
  // The computing dtype's epsilon, as PyTorch.
  const double epsilon = x.dtype() == DType::kFloat64 ? 0x1p-52 : 0x1p-23;
  return row_norm<RowNormKind::kRms>(x, shape, weight, Tensor(), eps.value_or(epsilon));
}

// ---- Batch norm ----

int64_t space_of(const Tensor& x) {
  int64_t n = 1;
  for (int64_t d = 2; d < x.dim(); ++d) n *= x.shape()[d];
  return n;
}
// A tensor of one entry per channel, shaped to broadcast against x.
Tensor per_channel(const Tensor& t, const Tensor& x) {
  Dims shape(x.dim(), 1);
  shape[1] = t.numel();
  return reshape(t, shape);
}
Dims all_but_channels(const Tensor& x) {
  Dims dims{0};
  for (int64_t d = 2; d < x.dim(); ++d) dims.push_back(d);
  return dims;
}

// running = (1 - momentum) running + momentum now
void update_running(const Tensor& running, const Tensor& now, double momentum, double scale) {
  dispatch(running.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* r = running.data<T>();
    const int64_t stride = running.strides()[0];
    const auto at = [&](int64_t c) { return computed_at(now, c); };
    for (int64_t c = 0; c < now.numel(); ++c) {
      const double old = convert<double>(r[c * stride]);
      r[c * stride] = convert<T>((1 - momentum) * old + momentum * scale * at(c));
    }
  });
  running.bump_version();
}

struct BatchNorm {
  static constexpr OpMeta meta{"batch_norm"};

  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Tensor& running_mean, const Tensor& running_var, bool training, double momentum,
                        double eps) {
    const Tensor in = contiguous(x), w = as_parameter(weight, x.dtype()), b = as_parameter(bias, x.dtype());
    const DType stat = compute_dtype(x.dtype());
    const Dims channels{x.shape()[1]};
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    const Tensor mean = Tensor::empty(channels, stat), rstd = Tensor::empty(channels, stat);
    if (y.is_meta()) {
      ctx.save(x, weight, mean, rstd);
      return y;
    }
    ChannelNormArgs a = describe(in, eps);
    const Tensor variance = empty_if(training && running_var.defined(), {a.channels}, stat);
    if (!training) freeze(running_mean, running_var, eps, mean, rstd);
    a.weight = data_or_null(w);
    a.bias = data_or_null(b);
    a.y = y.data_ptr();
    a.mean = mean.data_ptr();
    a.rstd = rstd.data_ptr();
    a.variance = output_or_null(variance);
    if (x.numel() > 0) {
      batch_norm_forward(a, !training);
    } else {
      set_zero(mean), set_zero(rstd);
    }
    // A batch of nothing says nothing about the data.
    if (training && running_mean.defined() && x.numel() > 0) update_running(running_mean, mean, momentum, 1);
    if (variance.defined() && x.numel() > 0) {
      const double n = static_cast<double>(a.batch * a.space);
      update_running(running_var, variance, momentum, n / (n - 1));
    }
    ctx.save(x, weight, mean, rstd);
    return y;
  }

  // gx = input_gradient(gy weight), or gy weight rstd with frozen statistics; gweight = sum(gy xhat),
  // gbias = sum(gy), the sums over all but the channels
  static Grads backward(OpContext& ctx, const Tensor& gy, bool training, double, double eps) {
    const Tensor x = ctx.saved(0), weight = ctx.saved(1);
    const Dims dims = all_but_channels(x);
    Tensor rstd = per_channel(ctx.saved(3), x), centered = sub(x, per_channel(ctx.saved(2), x));
    if (training) {
      centered = sub(x, mean(x, dims, true));
      rstd = rsqrt(add(mean(mul(centered, centered), dims, true), eps));
    }
    const Tensor hat = mul(centered, rstd);
    const Tensor g = weight.defined() ? mul(gy, per_channel(weight, x)) : gy;
    Grads gxs(5);
    if (ctx.needs_grad(0)) gxs[0] = training ? input_gradient(g, hat, rstd, dims, true) : mul(g, rstd);
    if (ctx.needs_grad(1)) gxs[1] = sum(mul(gy, hat), dims);
    if (ctx.needs_grad(2)) gxs[2] = sum(gy, dims);
    return gxs;
  }

  static Grads fused_backward(OpContext& ctx, const Tensor& gy, bool training, double, double eps) {
    const Tensor x = ctx.saved(0), weight = ctx.saved(1), mean = ctx.saved(2), rstd = ctx.saved(3);
    const Tensor in = contiguous(x), g = contiguous(gy), w = as_parameter(weight, x.dtype());
    const DType stat = compute_dtype(x.dtype());
    ChannelNormArgs a = describe(in, eps);
    const Tensor gx = empty_if(ctx.needs_grad(0), x.shape(), x.dtype());
    const Tensor gw = empty_if(ctx.needs_grad(1), {a.channels}, stat);
    const Tensor gb = empty_if(ctx.needs_grad(2), {a.channels}, stat);
    a.gy = g.data_ptr();
    a.weight = data_or_null(w);
    a.gx = output_or_null(gx);
    a.mean = mean.data_ptr();
    a.rstd = rstd.data_ptr();
    a.gweight = output_or_null(gw);
    a.gbias = output_or_null(gb);
    if (x.numel() > 0) {
      batch_norm_backward(a, !training);
    } else {
      for (const Tensor& g : {gw, gb}) {
        if (g.defined()) set_zero(g);
      }
    }
    return {gx, gw, gb, Tensor(), Tensor()};
  }

 private:
  static ChannelNormArgs describe(const Tensor& x, double eps) {
    ChannelNormArgs a = {};
    a.dtype = x.dtype();
    a.x = x.data_ptr();
    a.batch = x.shape()[0];
    a.channels = x.shape()[1];
    a.space = space_of(x);
    a.eps = eps;
    return a;
  }
  static void freeze(const Tensor& running_mean, const Tensor& running_var, double eps, const Tensor& mean,
                     const Tensor& rstd) {
    copy_into(mean, running_mean);
    copy_into(rstd, running_var);
    dispatch(rstd.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* r = rstd.data<T>();
      for (int64_t c = 0; c < rstd.numel(); ++c) {
        r[c] = convert<T>(1 / std::sqrt(convert<double>(r[c]) + eps));
      }
    });
  }
};

// For any eps; an instance norm is one over a batch of 1.
Tensor normalize_channels(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                          const Tensor& weight, const Tensor& bias, bool training, double momentum,
                          double eps) {
  check_input("batch_norm", x);
  const bool empty_line = x.dim() == 1 && x.numel() == 0;
  PLAIT_CHECK(x.dim() >= 2 || empty_line, kValue,
              "batch_norm: expected an input of at least 2 dimensions (N, C, ...), got shape ", x.shape());
  if (empty_line) {
    const Tensor y = normalize_channels(view(x, Dims{0, 0}), running_mean, running_var, weight, bias,
                                        training, momentum, eps);
    return view(y, Dims{0});
  }
  const int64_t channels = x.shape()[1];
  check_per_channel("batch_norm", "running_mean", running_mean, channels);
  check_per_channel("batch_norm", "running_var", running_var, channels);
  check_per_channel("batch_norm", "weight", weight, channels);
  check_per_channel("batch_norm", "bias", bias, channels);
  if (training) {
    PLAIT_CHECK(x.numel() != channels || channels == 0, kValue,
                "batch_norm: expected more than 1 value per channel when training, got input shape ",
                x.shape());
    for (const Tensor& running : {running_mean, running_var}) {
      if (running.defined()) check_inplace("batch_norm", running, false);
    }
  } else {
    PLAIT_CHECK(running_mean.defined() && running_var.defined(), kValue,
                "batch_norm: expected running_mean and running_var when training is False");
  }
  return apply<BatchNorm>(x, weight, bias, running_mean, running_var, training, momentum, eps);
}

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, bool training, double momentum, double eps) {
  PLAIT_CHECK(!training || !(eps <= 0), kValue, "batch_norm: expected eps greater than 0 when training, got ",
              eps);
  return normalize_channels(x, running_mean, running_var, weight, bias, training, momentum, eps);
}

// ---- Group norm ----

struct GroupNorm {
  static constexpr OpMeta meta{"group_norm"};

  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        int64_t groups, double eps) {
    const Tensor in = contiguous(x), w = as_parameter(weight, x.dtype()), b = as_parameter(bias, x.dtype());
    const DType stat = compute_dtype(x.dtype());
    const Dims rows{x.shape()[0], groups};
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    const Tensor mean = Tensor::empty(rows, stat), rstd = Tensor::empty(rows, stat);
    if (y.has_values()) {
      ChannelNormArgs a = describe(in, groups, eps);
      a.weight = data_or_null(w);
      a.bias = data_or_null(b);
      a.y = y.data_ptr();
      a.mean = mean.data_ptr();
      a.rstd = rstd.data_ptr();
      group_norm_forward(a);
    }
    ctx.save(x, weight, mean, rstd);
    return y;
  }

  // gx = input_gradient(gy weight) over the elements of a group; gweight = sum(gy xhat), gbias = sum(gy), the
  // sums over all but the channels
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t groups, double eps) {
    const Tensor x = ctx.saved(0), weight = ctx.saved(1);
    const Dims rows{x.shape()[0], groups, x.shape()[1] / groups * space_of(x)}, over{2};
    const Tensor grouped = reshape(x, rows), centered = sub(grouped, mean(grouped, over, true));
    const Tensor rstd = rsqrt(add(mean(mul(centered, centered), over, true), eps));
    const Tensor hat = mul(centered, rstd);
    const Tensor g = weight.defined() ? mul(gy, per_channel(weight, x)) : gy;
    const Dims dims = all_but_channels(x);
    Grads gxs(3);
    if (ctx.needs_grad(0))
      gxs[0] = reshape(input_gradient(reshape(g, rows), hat, rstd, over, true), x.shape());
    if (ctx.needs_grad(1)) gxs[1] = sum(mul(gy, reshape(hat, x.shape())), dims);
    if (ctx.needs_grad(2)) gxs[2] = sum(gy, dims);
    return gxs;
  }

  static Grads fused_backward(OpContext& ctx, const Tensor& gy, int64_t groups, double eps) {
    const Tensor x = ctx.saved(0), weight = ctx.saved(1);
    const Tensor in = contiguous(x), g = contiguous(gy), w = as_parameter(weight, x.dtype());
    const Tensor mean = ctx.saved(2), rstd = ctx.saved(3);
    const DType stat = compute_dtype(x.dtype());
    ChannelNormArgs a = describe(in, groups, eps);
    const Tensor gx = empty_if(ctx.needs_grad(0), x.shape(), x.dtype());
    const Tensor gw = empty_if(ctx.needs_grad(1), {a.channels}, stat);
    const Tensor gb = empty_if(ctx.needs_grad(2), {a.channels}, stat);
    a.gy = g.data_ptr();
    a.weight = data_or_null(w);
    a.gx = output_or_null(gx);
    a.mean = mean.data_ptr();
    a.rstd = rstd.data_ptr();
    a.gweight = output_or_null(gw);
    a.gbias = output_or_null(gb);
    group_norm_backward(a);
    return {gx, gw, gb};
  }

 private:
  static ChannelNormArgs describe(const Tensor& x, int64_t groups, double eps) {
    ChannelNormArgs a = {};
    a.dtype = x.dtype();
    a.x = x.data_ptr();
    a.batch = x.shape()[0];
    a.channels = x.shape()[1];
    a.space = space_of(x);
    a.groups = groups;
    a.eps = eps;
    return a;
  }
};

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps) {
  check_input("group_norm", x);
  PLAIT_CHECK(x.dim() >= 2, kValue,
              "group_norm: expected an input of at least 2 dimensions (N, C, ...), got shape ", x.shape());
  const int64_t channels = x.shape()[1];
  PLAIT_CHECK(groups > 0 && channels % groups == 0, kValue, "group_norm: expected num_groups to divide the ",
              channels, " channels of shape ", x.shape(), ", got ", groups);
  check_per_channel("group_norm", "weight", weight, channels);
  check_per_channel("group_norm", "bias", bias, channels);
  return apply<GroupNorm>(x, weight, bias, groups, eps);
}

const RegisterOps kOps{
    {"layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, "
     "Tensor? bias=None, float eps=1e-05, any cudnn_enable=None) -> Tensor",
     "fn", PLAIT_BOX(layer_norm),
     R"((x - mean) / sqrt(var + eps) * weight + bias over the last dimensions (Ba, Kiros and Hinton 2016).

Statistics are float32 for 16-bit inputs. Raises ValueError when a shape does not fit, TypeError for integers.

Args:
    normalized_shape: the last dimensions of `input`, over which mean and biased variance are taken.
    weight, bias: of shape `normalized_shape`. Default: none.
    eps: added to the variance.

Example:
    >>> plait.nn.functional.layer_norm(plait.tensor([[1., 2., 3.]]), (3,))
    tensor([[-1.2247,  0.0000,  1.2247]]))"},
    {"rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor", "fnc",
     PLAIT_BOX(rms_norm),
     R"(x / sqrt(mean(x**2) + eps) * weight over the last dimensions (Zhang and Sennrich 2019).

Args:
    normalized_shape: the last dimensions of `input`, over which the mean is taken.
    weight: of shape `normalized_shape`. Default: none.
    eps: added under the root; by default the epsilon of float32 (float64 for float64 inputs).

Raises:
    ValueError: a shape does not fit.
    TypeError: integers.

Example:
    >>> plait.nn.functional.rms_norm(plait.tensor([[3., 4.]]), (2,))
    tensor([[0.8485, 1.1314]]))"},
    {"_batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight, Tensor? bias, "
     "bool training, float momentum, float eps) -> Tensor",
     "p", PLAIT_BOX(normalize_channels), ""},
    {"batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight=None, "
     "Tensor? bias=None, bool training=False, float momentum=0.1, float eps=1e-05) -> Tensor",
     "n", PLAIT_BOX(batch_norm),
     R"((x - mean) / sqrt(var + eps) * weight + bias, per channel (Ioffe and Szegedy 2015).

TypeError for integers.

Args:
    input: (N, C, ...).
    running_mean, running_var: (C,). With `training` they are updated in place, by the unbiased variance; without
        it they are the statistics.
    weight, bias: (C,). Default: none.
    momentum: weight of the new statistics in the running ones.
    eps: added to the variance.

Raises:
    ValueError: a shape does not fit or, in training, a channel has a single value;.

Example:
    >>> plait.nn.functional.batch_norm(plait.tensor([[1.], [3.]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]]))"},
    {"group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, "
     "any cudnn_enabled=None) -> Tensor",
     "fn", PLAIT_BOX(group_norm),
     R"((x - mean) / sqrt(var + eps) * weight + bias over groups of channels (Wu and He 2018).

Args:
    input: (N, C, ...); mean and biased variance are taken over C / num_groups channels of one sample.
    weight, bias: (C,), applied per channel. Default: none.
    eps: added to the variance.

Raises:
    ValueError: `num_groups` does not divide C or a shape does not fit.
    TypeError: integers.

Example:
    >>> plait.nn.functional.group_norm(plait.tensor([[1., 3., 5., 9.]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]]))"},
};

}  // namespace
}  // namespace plait
