// SPDX-License-Identifier: MIT
// The layers that are products with a weight.
#include "autograd/op.h"
#include "ops/complex/complex.h"
#include "ops/matmul/matmul.h"
#include "ops/matmul/matmul_run.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// y = x w^T + bias; x (..., in), w (out, in), bias (out).
// gx = gy conj(w), gw = gy^T conj(x) and gb = the sum of gy, over all leading dimensions.
struct Linear {
  static constexpr OpMeta meta{"linear"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& w, const Tensor& bias) {
    if (ctx.recording()) {
      ctx.save(ctx.needs_grad(1) ? x : Tensor(), ctx.needs_grad(0) ? w : Tensor());
    }
    Dims shape = x.shape();
    shape.back() = w.size(0);
    const Tensor y = Tensor::empty(shape, x.dtype());
    ProductOptions options;
    if (bias) options.bias = contiguous(bias);
    run_product(y, x, transpose(w, 0, 1), options);
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    Grads gs(3);
    if (ctx.needs_grad(0)) gs[0] = matmul(gy, conj(ctx.saved(1)));
    if (ctx.needs_grad(1)) {
      const Tensor x = conj(ctx.saved(0));
      const auto rows = [](const Tensor& m) { return m.dim() == 1 ? unsqueeze(m, 0) : flatten(m, 0, -2); };
      gs[1] = matmul(t(rows(gy)), rows(x));
    }
    if (ctx.needs_grad(2)) gs[2] = sum_to(gy, Dims{gy.size(-1)});
    return gs;
  }
};

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias) {
  PLAIT_CHECK(w.dim() == 1 || w.dim() == 2, kValue,
              "linear: expected a weight of shape (out_features, in_features) or (in_features,), got ",
              w.shape());
  PLAIT_CHECK(x.dim() >= 1, kValue, "linear: expected an input of shape (..., in_features), got ", x.shape());
  const int64_t in = w.size(-1);
  PLAIT_CHECK(x.size(-1) == in, kValue, "linear: expected an input (..., ", in, ") for a weight of ", in,
              " input features, got shapes ", x.shape(), " and ", w.shape(),
              x.dim() > 2 ? "\nhint: flatten(1) makes one row of each sample" : "");
  check_dtypes("linear", x, w);
  if (bias) {
    check_dtypes("linear", x, bias);
    const bool fits = w.dim() == 1 ? bias.numel() == 1 && bias.dim() <= 1 : bias.shape() == Dims{w.size(0)};
    PLAIT_CHECK(fits, kValue, "linear: expected a bias of one element per row of the weight ", w.shape(),
                ", got shape ", bias.shape());
  }
  if (w.dim() == 1) {
    return squeeze(linear(x, unsqueeze(w, 0), bias ? reshape(bias, Dims{1}) : bias), Dims{-1});
  }
  return apply<Linear>(x, w, bias);
}

namespace {

// y[..., o] = sum over i, j of a[..., i] w[o, i, j] b[..., j]: the products of a with all w[o] at once, then
// one small product per row.
Tensor bilinear(const Tensor& a, const Tensor& b, const Tensor& w, const Tensor& bias) {
  PLAIT_CHECK(w.dim() == 3, kValue, "bilinear: expected a weight of shape (out, in1, in2), got ", w.shape());
  PLAIT_CHECK(a.dim() >= 1 && a.dim() == b.dim(), kValue,
              "bilinear: expected inputs of as many dimensions, got shapes ", a.shape(), " and ", b.shape());
  PLAIT_CHECK(a.size(-1) == w.size(1) && b.size(-1) == w.size(2), kValue, "bilinear: expected inputs with ",
              w.size(1), " and ", w.size(2), " features for a weight of shape ", w.shape(), ", got shapes ",
              a.shape(), " and ", b.shape());
  Dims shape = a.shape();
  for (int64_t d = 0; d + 1 < shape.size(); ++d) {
    PLAIT_CHECK(shape[d] == b.size(d), kValue, "bilinear: expected the same leading dimensions, got shapes ",
                a.shape(), " and ", b.shape());
  }
  check_dtypes("bilinear", a, w);
  check_dtypes("bilinear", b, w);
  const int64_t rows = numel_of(IntSpan(shape).first(static_cast<size_t>(shape.size() - 1))), out = w.size(0);
  PLAIT_CHECK(!bias || bias.shape() == Dims{out}, kValue, "bilinear: expected a bias of shape (", out,
              ",), got ", bias.shape());
  const Tensor flat = reshape(permute(w, Dims{1, 0, 2}), Dims{w.size(1), out * w.size(2)});
  const Tensor products =
      reshape(matmul(reshape(a, Dims{rows, w.size(1)}), flat), Dims{rows, out, w.size(2)});
  const Tensor column = reshape(b, Dims{rows, w.size(2), 1});
  Tensor y = bias ? baddbmm(unsqueeze(bias, -1), products, column) : matmul(products, column);
  shape.back() = out;
  return reshape(y, shape);
}

const RegisterOps kOps{
    {"linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", "nc", PLAIT_BOX(linear),
     R"(An affine map of the last dimension: input @ weight.T + bias.

`input` is (..., in), `weight` (out, in), `bias` (out); the result is (..., out). A 1-D weight (in) gives (...).
All have one dtype.

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> import plait.nn.functional as F
    >>> F.linear(plait.ones(2, 3), plait.ones(4, 3), plait.zeros(4)).shape
    plait.Size([2, 4]))"},
    {"bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor", "fnc",
     PLAIT_BOX(bilinear),
     R"(A map that is linear in each of two inputs: y[o] = input1^T weight[o] input2 + bias[o].

`input1` is (..., in1), `input2` (..., in2), `weight` (out, in1, in2), `bias` (out); the result is (..., out).

Raises:
    ValueError: shapes that do not fit.
    TypeError: mixed dtypes.

Example:
    >>> import plait.nn.functional as F
    >>> F.bilinear(plait.ones(5, 2), plait.ones(5, 3), plait.ones(4, 2, 3)).shape
    plait.Size([5, 4]))"},
};

}  // namespace
}  // namespace plait
