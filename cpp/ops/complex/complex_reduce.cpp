// SPDX-License-Identifier: MIT
#include "ops/complex/complex_reduce.h"

#include "autograd/meta.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/combine.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/reduce_op.h"
#include "ops/reduce/scan.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// f(parts, dims) of the real tensor [.., 2] that x is in memory, as complex numbers.
template <class F>
Tensor by_parts(const char* op, const Tensor& x, IntSpan dims, F f) {
  const Axes axes = make_axes(op, x, dims, false);
  if (axes.dims.empty()) return clone(x);  // no dimension, one element
  return as_complex(contiguous(f(view_as_real(x), axes.dims)));
}

}  // namespace

Tensor complex_sum(const Tensor& x, IntSpan dims, bool keepdim) {
  return by_parts("sum", x, dims, [&](const Tensor& parts, const Dims& d) { return sum(parts, d, keepdim); });
}

Tensor complex_mean(const Tensor& x, IntSpan dims, bool keepdim) {
  return by_parts("mean", x, dims,
                  [&](const Tensor& parts, const Dims& d) { return mean(parts, d, keepdim); });
}

Tensor complex_cumsum(const Tensor& x, int64_t dim) {
  if (x.dim() == 0) return clone(x);
  return as_complex(contiguous(cumsum(view_as_real(x), dim)));
}

Tensor complex_prod(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  if (x.dim() == 0) return clone(x);
  const Tensor lines = dim ? x : reshape(x, Dims{x.numel()});
  const int64_t d = dim.value_or(0);
  Tensor y = lines;
  int64_t n = y.shape()[d];
  if (n <= 1) {
    y = n == 1 ? clone(y) : add(sum(y, Dims{d}, true), int64_t{1});
  }
  for (; n > 1; n = y.shape()[d]) {
    const int64_t half = n / 2;
    const Tensor pairs = mul(narrow(y, d, 0, half), narrow(y, d, half, half));
    y = n % 2 ? cat({pairs, narrow(y, d, n - 1, 1)}, d) : pairs;
  }
  return keepdim ? y : squeeze(y, Dims{d});
}

namespace {

// y[i] = op of x[0] to x[i]: after the step of width s, of the last 2 s elements up to i.
Tensor running(Tensor (*op)(const Tensor&, const Tensor&), const Tensor& x, int64_t dim) {
  if (x.dim() == 0) return clone(x);
  const int64_t n = x.shape()[dim];
  Tensor y = n > 1 ? x : clone(x);
  for (int64_t s = 1; s < n; s *= 2) {
    y = cat({narrow(y, dim, 0, s), op(narrow(y, dim, s, n - s), narrow(y, dim, 0, n - s))}, dim);
  }
  return y;
}

}  // namespace

Tensor complex_cumprod(const Tensor& x, int64_t dim) { return running(mul, x, dim); }
Tensor complex_logcumsumexp(const Tensor& x, int64_t dim) { return running(logaddexp, x, dim); }

Tensor complex_var(const Tensor& x, IntSpan dims, double correction, bool keepdim) {
  return add(var(real(x), dims, correction, keepdim), var(imag(x), dims, correction, keepdim));
}

Tensor complex_logsumexp(const Tensor& x, IntSpan dims, bool keepdim) {
  const Axes axes = make_axes("logsumexp", x, dims, keepdim);
  const Tensor largest = amax(detach(real(x)), axes.dims, true);
  const Tensor shift = where(isfinite(largest), largest, zeros_like(largest));
  const Tensor total = log(complex_sum(exp(sub(x, shift)), axes.dims, true));
  const Tensor y = add(total, shift);
  return keepdim ? y : squeeze(y, axes.dims);
}

}  // namespace plait
