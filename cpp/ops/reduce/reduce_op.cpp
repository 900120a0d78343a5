// SPDX-License-Identifier: MIT
#include "ops/reduce/reduce_op.h"

#include <algorithm>

#include "ops/view/view.h"

namespace plait {
namespace {

Reduction describe(ReduceOp op, const Tensor& x, const Axes& axes, double correction) {
  Reduction r;
  r.op = op;
  r.dtype = x.dtype();
  r.x = x.data_ptr();
  r.ndim = static_cast<int>(x.dim());
  for (int d = 0; d < r.ndim; ++d) {
    r.size[d] = x.shape()[d];
    r.stride[d] = x.strides()[d];
    r.reduced[d] = false;
  }
  for (int64_t d : axes.dims) r.reduced[d] = true;
  r.correction = correction;
  return r;
}

void check_dims(const Tensor& x) {
  PLAIT_CHECK(x.dim() <= kMaxReduceDims, kValue, "reduce: expected at most ", kMaxReduceDims,
              " dimensions, got ", x.dim());
}

}  // namespace

Axes make_axes(const char* op, const Tensor& x, IntSpan dims, bool keepdim) {
  if (x.dim() == 0) {
    wrap_dims(op, dims, 1);
    return {Dims(), keepdim};
  }
  Dims wrapped = wrap_dims(op, dims, x.dim());
  std::sort(wrapped.begin(), wrapped.end());
  return {wrapped, keepdim};
}

Axes make_axis(const char* op, const Tensor& x, int64_t dim, bool keepdim) {
  const int64_t d = wrap_dim(op, dim, x.dim());
  return {x.dim() == 0 ? Dims() : Dims{d}, keepdim};
}

Axes all_axes(const Tensor& x, bool keepdim) {
  Axes axes{Dims(x.dim(), 0), keepdim};
  for (int64_t d = 0; d < x.dim(); ++d) axes.dims[d] = d;
  return axes;
}

Dims reduced_shape(const Dims& shape, const Axes& axes) {
  Dims out;
  int64_t next = 0;
  for (int64_t d = 0; d < shape.size(); ++d) {
    if (next < axes.dims.size() && axes.dims[next] == d) {
      ++next;
      if (axes.keepdim) out.push_back(1);
    } else {
      out.push_back(shape[d]);
    }
  }
  return out;
}

int64_t reduced_count(const Dims& shape, const Axes& axes) {
  int64_t n = 1;
  for (int64_t d : axes.dims) n *= shape[d];
  return n;
}

Tensor run_reduction(ReduceOp op, const Tensor& x, const Axes& axes, ResultOf result, double correction) {
  check_dims(x);
  const Tensor y = Tensor::empty(reduced_shape(x.shape(), axes), result.dtype);
  if (y.is_meta()) return y;
  Reduction r = describe(op, x, axes, correction);
  r.out[0] = {y.data_ptr(), result.dtype, result.finish};
  reduce(r);
  return y;
}

std::pair<Tensor, Tensor> run_reduction(ReduceOp op, const Tensor& x, const Axes& axes, ResultOf first,
                                        ResultOf second, double correction) {
  check_dims(x);
  const Dims shape = reduced_shape(x.shape(), axes);
  const Tensor y0 = Tensor::empty(shape, first.dtype), y1 = Tensor::empty(shape, second.dtype);
  if (y0.is_meta()) return {y0, y1};
  Reduction r = describe(op, x, axes, correction);
  r.out[0] = {y0.data_ptr(), first.dtype, first.finish};
  r.out[1] = {y1.data_ptr(), second.dtype, second.finish};
  reduce(r);
  return {y0, y1};
}

Tensor restore_dims(const Tensor& y, const Axes& axes) {
  if (axes.keepdim || axes.dims.empty()) return y;
  Dims shape = y.shape();
  for (int64_t d : axes.dims) shape.insert(d, 1);
  return reshape(y, shape);
}

}  // namespace plait
