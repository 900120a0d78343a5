// SPDX-License-Identifier: MIT
// Running sums, products, extremes and log-sum-exps; differences.
#include "ops/reduce/scan.h"

#include <limits>

#include "autograd/op.h"
#include "kernels/scan/scan_driver.h"
#include "ops/complex/complex_reduce.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/combine.h"
#include "ops/rearrange/rearrange.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// x, contiguous, and how its dimensions lie around `dim`.
struct AxisOperand {
  Tensor x;
  int64_t outer = 1, n = 1, inner = 1;
  AxisOperand(const Tensor& input, int64_t dim) : x(contiguous(input)) {
    if (x.dim() == 0) return;
    n = x.shape()[dim];
    for (int64_t d = 0; d < dim; ++d) outer *= x.shape()[d];
    for (int64_t d = dim + 1; d < x.dim(); ++d) inner *= x.shape()[d];
  }
};

Tensor run_scan(ScanOp op, const Tensor& x, int64_t dim) {
  const AxisOperand in(x, dim);
  const Tensor y = Tensor::empty(x.shape(), x.dtype());
  if (y.has_values()) {
    scan(op, x.dtype(), in.x.data_ptr(), y.data_ptr(), nullptr, in.outer, in.n, in.inner);
  }
  return y;
}

// The scan that runs from the end.
Tensor from_end(Tensor (*scan)(const Tensor&, int64_t), const Tensor& x, int64_t dim) {
  if (x.dim() == 0) return scan(x, dim);
  return flip(scan(flip(x, Dims{dim}), dim), Dims{dim});
}

struct CumSum {
  static constexpr OpMeta meta{"cumsum"};
  static Tensor forward(OpContext&, const Tensor& x, int64_t dim) { return run_scan(ScanOp::kSum, x, dim); }
  // gx_i = sum_{j >= i} gy_j
  static Grads backward(OpContext&, const Tensor& gy, int64_t dim) {
    return {from_end([](const Tensor& v, int64_t d) { return cumsum(v, d); }, gy, dim)};
  }
};

Tensor cumsum_from_end(const Tensor& x, int64_t dim) {
  return from_end([](const Tensor& v, int64_t d) { return cumsum(v, d); }, x, dim);
}

struct CumProd {
  static constexpr OpMeta meta{"cumprod"};
  static Tensor forward(OpContext& ctx, const Tensor& x, int64_t dim) {
    ctx.save(x);
    return run_scan(ScanOp::kProd, x, dim);
  }
  // gx_i = sum_{j >= i} gy_j y_j / x_i. Where x has zeros, one element at a time stands aside as 1.
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
    const Tensor x = ctx.saved(0);
    if (x.dim() == 0) return {gy};
    const bool has_zero = [&] {
      NoGradGuard guard;
      return !x.is_meta() && count_nonzero(x).item_as<int64_t>() < x.numel();
    }();
    if (!has_zero) return {div(cumsum_from_end(mul(gy, cumprod(x, dim)), dim), x)};
    std::vector<Tensor> parts;
    const Tensor one = ones_like(narrow(x, dim, 0, 1));
    for (int64_t i = 0; i < x.shape()[dim]; ++i) {
      const int64_t rest = x.shape()[dim] - i;
      Tensor others = narrow(x, dim, i + 1, rest - 1);
      const Tensor before = i == 0 ? one : prod(narrow(x, dim, 0, i), dim, true);
      others = cumprod(cat({before, others}, dim), dim);
      parts.push_back(sum(mul(narrow(gy, dim, i, rest), others), Dims{dim}, true));
    }
    return {cat(parts, dim)};
  }
};

// values, indices
struct CumExtreme {
  static constexpr OpMeta meta{"cummax"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& x, int64_t dim, ScanOp op) {
    const AxisOperand in(x, dim);
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    const Tensor index = Tensor::empty(x.shape(), DType::kInt64);
    if (y.has_values()) {
      scan(op, x.dtype(), in.x.data_ptr(), y.data_ptr(), index.data<int64_t>(), in.outer, in.n, in.inner);
    }
    ctx.save_result(index, 1);
    return {y, index};
  }
  // gx[.., index, ..] += gy
  static Grads backward(OpContext& ctx, const Grads& gys, int64_t dim, ScanOp) {
    if (!gys[0].defined()) return {Tensor()};
    if (gys[0].dim() == 0) return {gys[0]};
    return {scatter_add(zeros_like(gys[0]), dim, ctx.saved(0), gys[0])};
  }
};

struct LogCumSumExp {
  static constexpr OpMeta meta{"logcumsumexp"};
  static Tensor forward(OpContext& ctx, const Tensor& x, int64_t dim) {
    const Tensor y = run_scan(ScanOp::kLogSumExp, x, dim);
    ctx.save(x);
    ctx.save_result(y);
    return y;
  }
  // gx_i = sum_{j >= i} gy_j exp(x_i - y_j), the positive and the negative gy_j each as exponentials of a
  // log.
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
    const Tensor x = ctx.saved(0), y = ctx.saved(1);
    constexpr double kNone = -std::numeric_limits<double>::infinity();
    const Tensor none = full_like(gy, kNone), some = ne(y, kNone);  // y_j = -inf: so are all x_i, i <= j
    const auto part = [&](const Tensor& g) {
      const Tensor takes_part = logical_and(gt(g, 0.0), some);
      const Tensor weight = where(takes_part, sub(log(where(takes_part, g, ones_like(g))), y), none);
      return exp(add(from_end(logcumsumexp, weight, dim), x));
    };
    return {sub(part(gy), part(neg(gy)))};
  }
};

Tensor summand(const char* op, const Tensor& x, std::optional<DType> dtype) {
  const DType out = dtype ? *dtype : x.is_differentiable() ? x.dtype() : DType::kInt64;
  if (x.is_complex() || is_complex(out)) return cast(x, out);
  PLAIT_CHECK(out != DType::kBool, kType, op, ": no running result of dtype bool");
  // Integers are computed as int64 and wrap to the dtype asked for at the end.
  const DType in = is_floating(out) ? out : DType::kInt64;
  const Tensor y = x.is_floating() && !is_floating(out) ? cast(x, out) : x;
  return cast(y, in);
}
Tensor finished(const Tensor& y, std::optional<DType> dtype) { return dtype ? cast(y, *dtype) : y; }

std::tuple<Tensor, Tensor> extreme(const char* name, ScanOp op, const Tensor& x, int64_t dim) {
  return apply<CumExtreme>(x, wrap_dim(name, dim, x.dim()), op);
}

}  // namespace

Tensor cumsum(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  const int64_t d = wrap_dim("cumsum", dim, x.dim());
  const Tensor in = summand("cumsum", x, dtype);
  return in.is_complex() ? complex_cumsum(in, d) : finished(apply<CumSum>(in, d), dtype);
}
Tensor cumprod(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  const int64_t d = wrap_dim("cumprod", dim, x.dim());
  const Tensor in = summand("cumprod", x, dtype);
  return in.is_complex() ? complex_cumprod(in, d) : finished(apply<CumProd>(in, d), dtype);
}
std::tuple<Tensor, Tensor> cummax(const Tensor& x, int64_t dim) {
  return extreme("cummax", ScanOp::kMax, x, dim);
}
std::tuple<Tensor, Tensor> cummin(const Tensor& x, int64_t dim) {
  return extreme("cummin", ScanOp::kMin, x, dim);
}
Tensor logcumsumexp(const Tensor& x, int64_t dim) {
  if (x.is_complex()) return complex_logcumsumexp(x, wrap_dim("logcumsumexp", dim, x.dim()));
  PLAIT_CHECK(x.is_floating(), kType, "logcumsumexp: expected a floating-point input, got ",
              dtype_name(x.dtype()));
  return apply<LogCumSumExp>(x, wrap_dim("logcumsumexp", dim, x.dim()));
}

namespace {

// In place. The old values are what backward of a product needs, so they are copied first.
Tensor cumsum_(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  copy_(x, cumsum(x, dim, dtype));
  return x;
}
Tensor cumprod_(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  copy_(x, cumprod(clone(x), dim, dtype));
  return x;
}

Tensor diff(const Tensor& input, int64_t n, int64_t dim, const Tensor& prepend, const Tensor& append) {
  PLAIT_CHECK(input.dim() > 0, kValue, "diff: expected a tensor of at least 1 dimension, got a 0-d tensor");
  PLAIT_CHECK(n >= 0, kValue, "diff: expected n >= 0, got ", n);
  const int64_t d = wrap_dim("diff", dim, input.dim());
  Tensor x = input;
  if (n == 0) return clone(x);
  if (prepend.defined()) x = cat({prepend, x}, d);
  if (append.defined()) x = cat({x, append}, d);
  for (int64_t i = 0, steps = std::min(n, x.shape()[d]); i < steps; ++i) {
    const int64_t rest = std::max<int64_t>(0, x.shape()[d] - 1);
    const Tensor later = narrow(x, d, x.shape()[d] - rest, rest), earlier = narrow(x, d, 0, rest);
    x = x.dtype() == DType::kBool ? ne(later, earlier) : sub(later, earlier);
  }
  return x.is_same(input) ? clone(x) : x;
}

const RegisterOps kOps{
    {"cumsum(Tensor input, int dim, *, Dtype? dtype=None) -> Tensor", "fmoc", PLAIT_BOX(cumsum),
     R"(The running sum along `dim`: y[i] = x[0] + ... + x[i].

Floats accumulate in float64 and are rounded once per element.

Args:
    dtype: of the result; int64 for integers and bools by default.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([1., 2., 3.]).cumsum(0)
    tensor([1., 3., 6.]))"},
    {"cumprod(Tensor input, int dim, *, Dtype? dtype=None) -> Tensor", "fmoc", PLAIT_BOX(cumprod),
     R"(The running product along `dim`: y[i] = x[0] * ... * x[i].

Floats accumulate in float64 and are rounded once per element.

Args:
    dtype: of the result; int64 for integers and bools by default.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([1., 2., 3.]).cumprod(0)
    tensor([1., 2., 6.]))"},
    {"cumsum_(Tensor self, int dim, *, Dtype? dtype=None) -> Tensor", "mc", PLAIT_BOX(cumsum_),
     R"(`cumsum` that writes into this tensor.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([1., 2., 3.]).cumsum_(0)
    tensor([1., 3., 6.]))"},
    {"cumprod_(Tensor self, int dim, *, Dtype? dtype=None) -> Tensor", "mc", PLAIT_BOX(cumprod_),
     R"(`cumprod` that writes into this tensor.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([1., 2., 3.]).cumprod_(0)
    tensor([1., 2., 6.]))"},
    {"cummax(Tensor input, int dim) -> (Tensor values, Tensor indices)", "fmox", PLAIT_BOX(cummax),
     R"(The largest element so far along `dim` and its index, as a named tuple (values, indices).

Of several equal elements the last one is named; a NaN stays from where it stands.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([1., 3., 2.]).cummax(0).values
    tensor([1., 3., 3.]))"},
    {"cummin(Tensor input, int dim) -> (Tensor values, Tensor indices)", "fmox", PLAIT_BOX(cummin),
     R"(The smallest element so far along `dim` and its index, as a named tuple (values, indices).

Of several equal elements the last one is named; a NaN stays from where it stands.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([3., 1., 2.]).cummin(0).values
    tensor([3., 1., 1.]))"},
    {"logcumsumexp(Tensor input, int dim) -> Tensor", "fmoc", PLAIT_BOX(logcumsumexp),
     R"(log of the running sum of exponentials along `dim`, without overflow.

Raises:
    TypeError: integers.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([0., 0., 0.]).logcumsumexp(0)
    tensor([0.0000, 0.6931, 1.0986]))"},
    {"diff(Tensor input, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor", "fmoc",
     PLAIT_BOX(diff),
     R"(The differences of neighbours along `dim`, taken `n` times: y[i] = x[i + 1] - x[i].

For bools a difference is whether the neighbours differ.

Args:
    prepend, append: joined to the input along `dim` first.

Raises:
    ValueError: a 0-d input or a negative `n`.
    IndexError: a dimension out of range.

Example:
    >>> plait.tensor([1, 4, 9]).diff()
    tensor([3, 5]))"},
};

}  // namespace
}  // namespace plait
