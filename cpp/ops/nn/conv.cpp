// SPDX-License-Identifier: MIT
#include "ops/nn/conv.h"
#include "ops/nn/per_dim.h"

#include "autograd/op.h"
#include "kernels/conv/conv_driver.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/combine.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

int64_t output_size(int64_t in, int64_t pad, int64_t kernel, int64_t stride, int64_t dilation) {
  const int64_t span = in + pad - dilation * (kernel - 1) - 1;
  return span < 0 ? 0 : span / stride + 1;
}

ConvShape make_shape(IntSpan x, IntSpan w, IntSpan y, const ConvParams& p) {
  ConvShape s;
  s.images = x[0];
  s.in_channels = x[1];
  s.out_channels = y[1];
  s.groups = p.groups;
  const int64_t ndim = static_cast<int64_t>(x.size()) - 2;
  for (int i = 0; i < 3; ++i) {
    const int64_t d = i - (3 - ndim);
    const auto at = static_cast<size_t>(d + 2);
    s.in[i] = d < 0 ? 1 : x[at];
    s.out[i] = d < 0 ? 1 : y[at];
    s.kernel[i] = d < 0 ? 1 : w[at];
    // Of one position the stride, of one tap the dilation says nothing: the work shall not depend on them.
    s.stride[i] = d < 0 || s.out[i] == 1 ? 1 : p.stride[d];
    s.padding[i] = d < 0 ? 0 : p.padding[d];
    s.dilation[i] = d < 0 || s.kernel[i] == 1 ? 1 : p.dilation[d];
  }
  return s;
}

// The three ops are each other's derivatives: with <gy, conv(x, w)> as the common bilinear form, the gradient
// of each in one operand is one of the other two.
Tensor input_grad(const Tensor& gy, const Tensor& w, const Tensor& bias, const ConvParams& p,
                  IntSpan x_shape);
Tensor weight_grad(const Tensor& x, const Tensor& gy, const ConvParams& p, IntSpan w_shape);

// p with the padding_after for which a convolution of x with w has the size of y. Where output_padding
// reaches the stride, as a dilation allows, p's own would give more positions than y has.
ConvParams fitted(ConvParams p, IntSpan x, IntSpan w, IntSpan y) {
  for (int64_t d = 0; d < p.stride.size(); ++d) {
    const auto at = static_cast<size_t>(d + 2);
    p.padding_after[d] = (y[at] - 1) * p.stride[d] + p.dilation[d] * (w[at] - 1) + 1 - x[at] - p.padding[d];
  }
  return p;
}

// gb[c] = sum of g over all but the channels
Tensor bias_grad(const Tensor& g) {
  Dims shape(g.dim(), 1);
  shape[1] = g.shape()[1];
  return reshape(sum_to(g, shape), Dims{g.shape()[1]});
}

// y[n, oc, pos] = b[oc] + sum over (ic, tap) of w[oc, ic, tap] * x[n, ic, pos*stride + tap]
struct Convolution {
  static constexpr OpMeta meta{"convolution"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& w, const Tensor& bias,
                        const ConvParams& p) {
    ctx.save(x, w);
    const Tensor xn = as_computed(x), wn = as_computed(w), bn = as_computed(bias);
    Dims shape{x.shape()[0], w.shape()[0]};
    for (int64_t d = 0; d < x.dim() - 2; ++d) {
      shape.push_back(output_size(x.shape()[d + 2], p.padding[d] + p.padding_after[d], w.shape()[d + 2],
                                  p.stride[d], p.dilation[d]));
    }
    const Tensor y = Tensor::empty(shape, xn.dtype());
    const ConvShape s = make_shape(x.shape(), w.shape(), shape, p);
    if (y.is_meta()) return Tensor::empty(y.shape(), x.dtype());
    dispatch_compute(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      conv_forward<T>(s, xn.data<T>(), wn.data<T>(), bn.defined() ? bn.data<T>() : nullptr, y.data<T>());
    });
    return cast(y, x.dtype());
  }
  // gx = conv^T(gy, w), gw = the correlation of x with gy, gb[oc] = sum over (n, pos) of gy
  static Grads backward(OpContext& ctx, const Tensor& gy, const ConvParams& p) {
    const Tensor x = ctx.saved(0), w = ctx.saved(1);
    return {ctx.needs_grad(0) ? input_grad(gy, w, Tensor(), p, x.shape()) : Tensor(),
            ctx.needs_grad(1) ? weight_grad(x, gy, p, w.shape()) : Tensor(),
            ctx.needs_grad(2) ? bias_grad(gy) : Tensor()};
  }
};

// gx[n, ic, at] = b[ic] + sum over (oc, tap, pos with pos*stride + tap = at) of w[oc, ic, tap] * gy[n, oc,
// pos]
struct ConvInputGrad {
  static constexpr OpMeta meta{"conv_transposed"};
  static Tensor forward(OpContext& ctx, const Tensor& gy, const Tensor& w, const Tensor& bias,
                        const ConvParams& p, const Dims& x_shape) {
    ctx.save(gy, w);
    const Tensor gn = as_computed(gy), wn = as_computed(w), bn = as_computed(bias);
    const Tensor gx = Tensor::empty(x_shape, gn.dtype());
    const ConvShape s = make_shape(x_shape, w.shape(), gy.shape(), p);
    if (gx.is_meta()) return Tensor::empty(gx.shape(), gy.dtype());
    dispatch_compute(gy.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      conv_backward_data<T>(s, gn.data<T>(), wn.data<T>(), bn.defined() ? bn.data<T>() : nullptr,
                            gx.data<T>());
    });
    return cast(gx, gy.dtype());
  }
  // ggy = conv(ggx, w), gw = the correlation of ggx with gy, gb[ic] = sum over (n, at) of ggx
  static Grads backward(OpContext& ctx, const Tensor& ggx, const ConvParams& p, const Dims&) {
    const Tensor gy = ctx.saved(0), w = ctx.saved(1);
    const ConvParams fit = fitted(p, ggx.shape(), w.shape(), gy.shape());
    return {ctx.needs_grad(0) ? convolution(ggx, w, Tensor(), fit) : Tensor(),
            ctx.needs_grad(1) ? weight_grad(ggx, gy, p, w.shape()) : Tensor(),
            ctx.needs_grad(2) ? bias_grad(ggx) : Tensor()};
  }
};

// gw[oc, ic, tap] = sum over (n, pos) of gy[n, oc, pos] * x[n, ic, pos*stride + tap]
struct ConvWeightGrad {
  static constexpr OpMeta meta{"conv_weight_grad"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& gy, const ConvParams& p,
                        const Dims& w_shape) {
    ctx.save(x, gy);
    const Tensor xn = as_computed(x), gn = as_computed(gy);
    const Tensor gw = Tensor::empty(w_shape, xn.dtype());
    const ConvShape s = make_shape(x.shape(), w_shape, gy.shape(), p);
    if (gw.is_meta()) return Tensor::empty(gw.shape(), x.dtype());
    dispatch_compute(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      conv_backward_weight<T>(s, xn.data<T>(), gn.data<T>(), gw.data<T>());
    });
    return cast(gw, x.dtype());
  }
  // gx = conv^T(gy, ggw), ggy = conv(x, ggw)
  static Grads backward(OpContext& ctx, const Tensor& ggw, const ConvParams& p, const Dims&) {
    const Tensor x = ctx.saved(0), gy = ctx.saved(1);
    return {ctx.needs_grad(0) ? input_grad(gy, ggw, Tensor(), p, x.shape()) : Tensor(),
            ctx.needs_grad(1) ? convolution(x, ggw, Tensor(), fitted(p, x.shape(), ggw.shape(), gy.shape()))
                              : Tensor()};
  }
};

Tensor input_grad(const Tensor& gy, const Tensor& w, const Tensor& bias, const ConvParams& p,
                  IntSpan x_shape) {
  return apply<ConvInputGrad>(gy, w, bias, p, Dims(x_shape));
}
Tensor weight_grad(const Tensor& x, const Tensor& gy, const ConvParams& p, IntSpan w_shape) {
  return apply<ConvWeightGrad>(x, gy, p, Dims(w_shape));
}

// ---- Arguments as users give them ----

struct Spatial {
  const char* op;
  int64_t ndim;
};

// Checks ranks, channels and dtypes. in_axis, out_axis: of the weight, without groups.
void check_operands(const Spatial& sp, const Tensor& x, const Tensor& w, const Tensor& bias, int64_t groups,
                    bool transposed) {
  PLAIT_CHECK(w.dim() == sp.ndim + 2, kValue, sp.op, ": expected a weight of ", sp.ndim + 2,
              " dimensions, got shape ", w.shape());
  PLAIT_CHECK(x.dim() == sp.ndim + 2 || x.dim() == sp.ndim + 1, kValue, sp.op, ": expected ", sp.ndim + 1,
              "D (unbatched) or ", sp.ndim + 2, "D (batched) input, got shape ", x.shape());
  PLAIT_CHECK(groups > 0, kValue, sp.op, ": expected groups of at least 1, got ", groups);
  const int64_t channels = x.shape()[x.dim() - sp.ndim - 1];
  if (transposed) {
    PLAIT_CHECK(w.shape()[0] == channels && channels % groups == 0, kValue, sp.op, ": weight ", w.shape(),
                " with groups=", groups, " expects input with ", w.shape()[0], " channels, but input ",
                x.shape(), " has ", channels, "\nhint: weight shape is (in, out/groups, *kernel)");
  } else {
    PLAIT_CHECK(w.shape()[1] * groups == channels && w.shape()[0] % groups == 0, kValue, sp.op, ": weight ",
                w.shape(), " with groups=", groups, " expects input with ", w.shape()[1] * groups,
                " channels, but input ", x.shape(), " has ", channels,
                "\nhint: weight shape is (out, in/groups, *kernel) and input is (batch, channels, ...)");
  }
  const int64_t out = transposed ? w.shape()[1] * groups : w.shape()[0];
  PLAIT_CHECK(out > 0, kValue, sp.op, ": expected at least one output channel, got weight ", w.shape());
  for (int64_t d = 0; d < sp.ndim; ++d) {
    PLAIT_CHECK(w.shape()[d + 2] > 0, kValue, sp.op, ": kernel sizes must be at least 1, got weight ",
                w.shape());
  }
  PLAIT_CHECK(x.is_differentiable() && x.dtype() == w.dtype(), kType, sp.op,
              ": expected input and weight of one floating-point dtype, got ", dtype_name(x.dtype()), " and ",
              dtype_name(w.dtype()), x.is_differentiable() ? "" : "\nhint: convert the input with .float()");
  if (!bias.defined()) return;
  PLAIT_CHECK(bias.shape() == Dims{out}, kValue, sp.op, ": expected a bias of shape (", out, ",), got ",
              bias.shape());
  PLAIT_CHECK(bias.dtype() == x.dtype(), kType, sp.op, ": expected a bias of dtype ", dtype_name(x.dtype()),
              ", got ", dtype_name(bias.dtype()));
}

// ---- Complex numbers ----
//
// A convolution of complex channels is one of twice as many real ones. Group by group, [re x; im x] is
// convolved with the rows [re w, -im w] for re y and [im w, re w] for im y: as many multiplications as the
// four real convolutions of the parts.

// `channels` at dimension d as [groups, channels / groups].
Tensor split_groups(const Tensor& x, int64_t d, int64_t groups) {
  return unflatten(x, d, Dims{groups, x.shape()[d] / groups});
}

// x [N, g c, ..] as [N, g 2 c, ..]
Tensor paired_channels(const Tensor& x, int64_t groups) {
  const Tensor both = stack({split_groups(real(x), 1, groups), split_groups(imag(x), 1, groups)}, 2);
  return flatten(both, 1, 3);
}

// in, out: the axes of w by channels; the first of them also holds the groups.
Tensor paired_weight(const Tensor& w, int64_t groups, bool transposed) {
  const int64_t in = transposed ? 1 : 2, out = transposed ? 2 : 1;  // behind that of the groups
  const Tensor re = split_groups(real(w), 0, groups), im = split_groups(imag(w), 0, groups);
  const Tensor both = cat({cat({re, neg(im)}, in), cat({im, re}, in)}, out);
  return flatten(both, 0, 1);
}

// [N, g 2 o, ..] as complex [N, g o, ..], with the bias added.
Tensor from_pairs(const Tensor& y, const Tensor& bias, int64_t groups) {
  const Tensor parts = unflatten(y, 1, Dims{groups, 2, y.shape()[1] / (2 * groups)});
  const Tensor z = flatten(make_complex(select(parts, 2, 0), select(parts, 2, 1)), 1, 2);
  if (!bias.defined()) return z;
  Dims per_channel(z.dim() - 1, 1);
  per_channel[0] = bias.numel();
  return add(z, reshape(bias, per_channel));
}

// f(x, w, bias) on real or complex tensors.
template <class F>
Tensor on_parts(const Tensor& x, const Tensor& w, const Tensor& bias, int64_t groups, bool transposed, F f) {
  if (!x.is_complex()) return f(x, w, bias);
  return from_pairs(f(paired_channels(x, groups), paired_weight(w, groups, transposed), Tensor()), bias,
                    groups);
}

Tensor finish(const Spatial& sp, const Tensor& x, const Tensor& w, const Tensor& bias, const ConvParams& p) {
  const Tensor batched = x.dim() == sp.ndim + 1 ? unsqueeze(x, 0) : x;
  for (int64_t d = 0; d < sp.ndim; ++d) {
    const int64_t size = batched.shape()[d + 2] + p.padding[d] + p.padding_after[d];
    const int64_t reach = p.dilation[d] * (w.shape()[d + 2] - 1) + 1;
    PLAIT_CHECK(size >= reach, kValue, sp.op,
                ": kernel size can't be greater than actual input size: padded input size ", size,
                ", kernel reach ", reach, " in spatial dimension ", d, " (input ", x.shape(), ", weight ",
                w.shape(), ")");
  }
  const Tensor y = on_parts(
      batched, w, bias, p.groups, false,
      [&](const Tensor& x, const Tensor& w, const Tensor& bias) { return convolution(x, w, bias, p); });
  return x.dim() == sp.ndim + 1 ? squeeze(y, Dims{0}) : y;
}

template <int64_t kDims>
Tensor conv_nd(const Tensor& x, const Tensor& w, const Tensor& bias, IntSpan stride, IntSpan padding,
               IntSpan dilation, int64_t groups) {
  constexpr const char* kNames[] = {"conv1d", "conv2d", "conv3d"};
  const Spatial sp{kNames[kDims - 1], kDims};
  check_operands(sp, x, w, bias, groups, false);
  ConvParams p{per_dim(sp.op, "stride", stride, sp.ndim, 1),
               per_dim(sp.op, "padding", padding, sp.ndim, 0),
               per_dim(sp.op, "dilation", dilation, sp.ndim, 1),
               {},
               groups};
  p.padding_after = p.padding;
  return finish(sp, x, w, bias, p);
}

// padding='same' keeps the size (an odd total puts the extra element behind), 'valid' pads nothing.
template <int64_t kDims>
Tensor conv_nd_named(const Tensor& x, const Tensor& w, const Tensor& bias, IntSpan stride,
                     std::string_view padding, IntSpan dilation, int64_t groups) {
  constexpr const char* kNames[] = {"conv1d", "conv2d", "conv3d"};
  const Spatial sp{kNames[kDims - 1], kDims};
  check_operands(sp, x, w, bias, groups, false);
  PLAIT_CHECK(padding == "same" || padding == "valid", kValue, sp.op,
              ": expected padding 'same', 'valid' or ints, got '", std::string(padding), "'");
  ConvParams p{per_dim(sp.op, "stride", stride, sp.ndim, 1), Dims(kDims, 0),
               per_dim(sp.op, "dilation", dilation, sp.ndim, 1), Dims(kDims, 0), groups};
  if (padding == "same") {
    for (int64_t d = 0; d < kDims; ++d) {
      PLAIT_CHECK(p.stride[d] == 1, kValue, sp.op,
                  ": padding='same' is not supported for strided convolutions, got stride ", p.stride);
      const int64_t total = p.dilation[d] * (w.shape()[d + 2] - 1);
      p.padding[d] = total / 2;
      p.padding_after[d] = total - total / 2;
    }
  }
  return finish(sp, x, w, bias, p);
}

template <int64_t kDims>
Tensor conv_transpose_nd(const Tensor& x, const Tensor& w, const Tensor& bias, IntSpan stride,
                         IntSpan padding, IntSpan output_padding, int64_t groups, IntSpan dilation) {
  constexpr const char* kNames[] = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
  const Spatial sp{kNames[kDims - 1], kDims};
  check_operands(sp, x, w, bias, groups, true);
  ConvParams p{per_dim(sp.op, "stride", stride, sp.ndim, 1),
               per_dim(sp.op, "padding", padding, sp.ndim, 0),
               per_dim(sp.op, "dilation", dilation, sp.ndim, 1),
               {},
               groups};
  p.padding_after = p.padding;
  const Dims extra = per_dim(sp.op, "output_padding", output_padding, sp.ndim, 0);
  for (int64_t d = 0; d < kDims; ++d) {
    PLAIT_CHECK(extra[d] < std::max(p.stride[d], p.dilation[d]), kValue, sp.op,
                ": output padding must be smaller than either stride or dilation, got output_padding ", extra,
                ", stride ", p.stride, ", dilation ", p.dilation);
  }
  const Tensor batched = x.dim() == kDims + 1 ? unsqueeze(x, 0) : x;
  const Tensor y =
      on_parts(batched, w, bias, groups, true, [&](const Tensor& x, const Tensor& w, const Tensor& bias) {
        return conv_transposed(x, w, bias, p, extra);
      });
  return x.dim() == kDims + 1 ? squeeze(y, Dims{0}) : y;
}

}  // namespace

Tensor convolution(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvParams& params) {
  return apply<Convolution>(x, w, bias, params);
}

Tensor conv_transposed(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvParams& p,
                       IntSpan output_padding) {
  Dims shape{x.shape()[0], w.shape()[1] * p.groups};
  for (int64_t d = 0; d < x.dim() - 2; ++d) {
    const int64_t size = (x.shape()[d + 2] - 1) * p.stride[d] - 2 * p.padding[d] +
                         p.dilation[d] * (w.shape()[d + 2] - 1) + output_padding[static_cast<size_t>(d)] + 1;
    PLAIT_CHECK(size > 0 || x.shape()[d + 2] == 0, kValue, "conv_transpose: the output would have size ",
                size, " in spatial dimension ", d, " (input ", x.shape(), ", weight ", w.shape(), ")");
    shape.push_back(std::max<int64_t>(size, 0));
  }
  return input_grad(x, w, bias, p, shape);
}

namespace {

#define PLAIT_CONV_DOC                                                                                    \
  "Convolution (cross-correlation) of a batch of signals with a set of filters.\n\n"                      \
  "Args:\n"                                                                                               \
  "    input: shape (batch, in_channels, *spatial) or (in_channels, *spatial); floating point.\n"         \
  "    weight: shape (out_channels, in_channels / groups, *kernel).\n"                                    \
  "    bias: shape (out_channels,), or None.\n"                                                           \
  "    stride, dilation: one int or one per spatial dimension.\n"                                         \
  "    padding: zeros on both sides of each spatial dimension; or 'valid' (none), "                       \
  "or 'same' (the output has the input's size; stride 1).\n"                                              \
  "    groups: input and output channels are split into this many groups that do not mix.\n\n"            \
  "Returns:\n"                                                                                            \
  "    shape (batch, out_channels, *out) with "                                                           \
  "out = (in + 2*padding - dilation*(kernel - 1) - 1) / stride + 1, rounded down.\n\n"                    \
  "In 2-D and float32, filters of up to 5x5 (with strides, of 5 times the stride) may be applied by "     \
  "Winograd's algorithm (Lavin and Gray 2016): about twice the rounding error of direct sums, and a NaN " \
  "or an infinity reaches all outputs of its tile of at most 5x5 (with dilation, as far apart as its "    \
  "taps).\n\n"                                                                                            \
  "Raises:\n    ArgumentError: shapes that do not fit.\n    ArgumentTypeError: dtypes that differ.\n\n"
#define PLAIT_CONV_TRANSPOSE_DOC                                                                            \
  "Transposed convolution: the gradient of a convolution with respect to its input.\n\n"                    \
  "Args:\n"                                                                                                 \
  "    input: shape (batch, in_channels, *spatial) or (in_channels, *spatial); floating point.\n"           \
  "    weight: shape (in_channels, out_channels / groups, *kernel).\n"                                      \
  "    bias: shape (out_channels,), or None.\n"                                                             \
  "    stride, padding, dilation, groups: those of the convolution.\n"                                      \
  "    output_padding: added to the size of one side of the output; smaller than stride or dilation.\n\n"   \
  "Returns:\n"                                                                                              \
  "    shape (batch, out_channels, *out) with out = (in - 1)*stride - 2*padding + dilation*(kernel - 1) + " \
  "output_padding + 1.\n\n"                                                                                 \
  "Raises:\n    ArgumentError: shapes that do not fit.\n    ArgumentTypeError: dtypes that differ.\n\n"

const RegisterOps kOps{
    {"conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, "
     "int[1] padding=0, int[1] dilation=1, int groups=1) -> Tensor",
     "fnc", PLAIT_BOX(conv_nd<1>),
     PLAIT_CONV_DOC ">>> plait.conv1d(plait.ones(1, 1, 4), plait.ones(1, 1, 3))\ntensor([[[3., 3.]]])\n"},
    {"conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, "
     "str padding='valid', int[1] dilation=1, int groups=1) -> Tensor",
     "fnc", PLAIT_BOX(conv_nd_named<1>), ""},
    {"conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, "
     "int[2] padding=0, int[2] dilation=1, int groups=1) -> Tensor",
     "fnc", PLAIT_BOX(conv_nd<2>),
     PLAIT_CONV_DOC
     ">>> plait.conv2d(plait.ones(1, 1, 3, 3), plait.ones(1, 1, 2, 2)).shape\nplait.Size([1, 1, 2, 2])\n"},
    {"conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, "
     "str padding='valid', int[2] dilation=1, int groups=1) -> Tensor",
     "fnc", PLAIT_BOX(conv_nd_named<2>), ""},
    {"conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, "
     "int[3] padding=0, int[3] dilation=1, int groups=1) -> Tensor",
     "fnc", PLAIT_BOX(conv_nd<3>),
     PLAIT_CONV_DOC ">>> plait.conv3d(plait.ones(1, 1, 3, 3, 3), plait.ones(2, 1, 2, 2, "
                    "2)).shape\nplait.Size([1, 2, 2, 2, 2])\n"},
    {"conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, "
     "str padding='valid', int[3] dilation=1, int groups=1) -> Tensor",
     "fnc", PLAIT_BOX(conv_nd_named<3>), ""},
    {"conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, int[1] padding=0, "
     "int[1] output_padding=0, int groups=1, int[1] dilation=1) -> Tensor",
     "fnc", PLAIT_BOX(conv_transpose_nd<1>),
     PLAIT_CONV_TRANSPOSE_DOC ">>> plait.conv_transpose1d(plait.ones(1, 1, 2), plait.ones(1, 1, 2), "
                              "stride=2)\ntensor([[[1., 1., 1., 1.]]])\n"},
    {"conv_transpose2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, "
     "int[2] output_padding=0, int groups=1, int[2] dilation=1) -> Tensor",
     "fnc", PLAIT_BOX(conv_transpose_nd<2>),
     PLAIT_CONV_TRANSPOSE_DOC
     ">>> plait.conv_transpose2d(plait.ones(1, 1, 2, 2), plait.ones(1, 1, 2, 2), stride=2).shape\n"
     "plait.Size([1, 1, 4, 4])\n"},
    {"conv_transpose3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, int[3] padding=0, "
     "int[3] output_padding=0, int groups=1, int[3] dilation=1) -> Tensor",
     "fnc", PLAIT_BOX(conv_transpose_nd<3>),
     PLAIT_CONV_TRANSPOSE_DOC
     ">>> plait.conv_transpose3d(plait.ones(1, 1, 1, 2, 2), plait.ones(1, 1, 1, 2, 2)).shape\n"
     "plait.Size([1, 1, 1, 3, 3])\n"},
};

}  // namespace
}  // namespace plait
