// SPDX-License-Identifier: MIT
// Masks: where they are true, elements are found, filled, picked out or put in.
#include <cmath>
#include <variant>

#include "autograd/op.h"
#include "kernels/index/masked_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

void check_mask(const char* op, const Tensor& mask) {
  PLAIT_CHECK(mask.dtype() == DType::kBool, kType, op, ": expected a mask of dtype bool, got ",
              dtype_name(mask.dtype()));
}

// The mask as a contiguous tensor of this shape.
Tensor dense_mask(const Tensor& mask, IntSpan shape) { return contiguous(expand(mask, shape)); }

// y = mask ? value : x
struct MaskedFill {
  static constexpr OpMeta meta{"masked_fill"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& mask, const Tensor& value) {
    ctx.save(mask);
    return run_pointwise_call(
        {"masked_fill", find_where(x.dtype()), x.dtype(), x.dtype(), x.dtype(), x.dtype(), DType::kBool},
        {&mask, &value, &x}, {}, ctx.destination());
  }
  // gx = mask ? 0 : gy, gvalue = sum of gy where the mask is true
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    const Tensor mask = ctx.saved(0);
    Grads gxs(3);
    if (ctx.needs_grad(0)) gxs[0] = masked_fill(gy, mask, int64_t{0});
    if (ctx.needs_grad(2)) {  // summed by the engine
      gxs[2] = gy.is_meta() ? Tensor::empty(IntSpan{}, gy.dtype()) : masked_select(gy, mask);
    }
    return gxs;
  }
};

struct MaskedSelect {
  static constexpr OpMeta meta{"masked_select"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& mask, const Dims&) {
    ctx.save(mask);
    const Tensor dense = contiguous(x), m = dense_mask(mask, x.shape());
    const auto* const keep = m.data<uint8_t>();
    const std::vector<int64_t> before = count_nonzero_chunks(DType::kUInt8, keep, m.numel());
    const Tensor y = Tensor::empty({before.back()}, x.dtype());
    take_masked(x.dtype(), dense.data_ptr(), keep, before, y.data_ptr());
    return y;
  }
  // gx[mask] = gy, 0 elsewhere
  static Grads backward(OpContext& ctx, const Tensor& gy, const Dims& shape) {
    return {masked_scatter_(zeros(shape, gy.dtype()), ctx.saved(0), gy), Tensor()};
  }
};

// y takes the elements of source in order where the mask is true, those of x elsewhere.
struct MaskedScatter {
  static constexpr OpMeta meta{"masked_scatter"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& mask, const Tensor& source,
                        const Dims&) {
    ctx.save(mask);
    const Tensor y = ctx.destination().defined() ? ctx.destination() : clone(x);
    if (y.is_meta()) return y;
    const Tensor m = dense_mask(mask, x.shape()), from = contiguous(source);
    const auto* const take = m.data<uint8_t>();
    const std::vector<int64_t> before = count_nonzero_chunks(DType::kUInt8, take, m.numel());
    PLAIT_CHECK(before.back() <= source.numel(), kValue, "masked_scatter: expected a source of at least ",
                before.back(), " elements (one per true element of the mask), got ", source.numel());
    put_masked(x.dtype(), from.data_ptr(), take, before, y.shape(), y.strides(), y.data_ptr());
    return y;
  }
  // gx = mask ? 0 : gy; gsource = gy[mask], 0 for elements that were not used
  static Grads backward(OpContext& ctx, const Tensor& gy, const Dims& source_shape) {
    const Tensor mask = ctx.saved(0);
    Grads gxs(3);
    if (ctx.needs_grad(0)) gxs[0] = masked_fill(gy, mask, int64_t{0});
    if (ctx.needs_grad(2) && gy.is_meta()) {
      gxs[2] = Tensor::empty(source_shape, gy.dtype());
    } else if (ctx.needs_grad(2)) {
      const Tensor used = masked_select(gy, expand(mask, gy.shape()));
      gxs[2] = reshape(embed(used, Dims{numel_of(source_shape)}, Dims{1}, 0), source_shape);
    }
    return gxs;
  }
};

// The mask must broadcast to x, which is changed.
void check_fits(const char* op, const Tensor& x, const Tensor& mask) {
  check_mask(op, mask);
  PLAIT_CHECK(broadcast_shapes(op, x.shape(), mask.shape()) == x.shape(), kValue, op, ": a mask of shape ",
              mask.shape(), " does not broadcast to the tensor's shape ", x.shape());
}

Tensor checked_value(const Tensor& x, const Tensor& value) {
  PLAIT_CHECK(value.dim() == 0, kValue, "masked_fill: expected a number or a 0-d tensor, got shape ",
              value.shape());
  PLAIT_CHECK(x.is_complex() || !value.is_complex(), kType, "masked_fill: expected a real value for ",
              dtype_name(x.dtype()), ", got ", dtype_name(value.dtype()));
  PLAIT_CHECK(x.is_differentiable() || !value.is_floating() || value.is_meta() ||
                  std::isfinite(value.item_as<double>()),
              kValue, "masked_fill: the value ", value.item_as<double>(), " cannot be converted to ",
              dtype_name(x.dtype()));
  return cast(value, x.dtype());
}

}  // namespace

Tensor nonzero(const Tensor& x) {
  NoGradGuard guard;  // coordinates carry no gradient
  const Tensor dense = contiguous(x);
  const std::vector<int64_t> before = count_nonzero_chunks(x.dtype(), dense.data_ptr(), dense.numel());
  const Tensor y = Tensor::empty({before.back(), x.dim()}, DType::kInt64);
  nonzero_coordinates(x.dtype(), dense.data_ptr(), x.shape(), before, y.data<int64_t>());
  return y;
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  check_mask("masked_fill", mask);
  const Tensor v = checked_value(x, value);
  return apply<MaskedFill>(x, mask, v);
}
Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value) {
  value.check_fits("masked_fill", x.dtype());
  return masked_fill(x, mask, value.to_tensor());
}
Tensor masked_fill_(const Tensor& x, const Tensor& mask, const Tensor& value) {
  check_fits("masked_fill_", x, mask);
  return apply_inplace<MaskedFill>(x, may_overlap(x, mask) ? clone(mask) : mask, checked_value(x, value));
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  check_mask("masked_select", mask);
  const Tensor wide = expand(x, broadcast_shapes("masked_select", x.shape(), mask.shape()));
  return apply<MaskedSelect>(wide, mask, wide.shape());
}

Tensor masked_scatter_(const Tensor& x, const Tensor& mask, const Tensor& source) {
  check_fits("masked_scatter_", x, mask);
  PLAIT_CHECK(source.dtype() == x.dtype(), kType, "masked_scatter_: expected a source of dtype ",
              dtype_name(x.dtype()), ", got ", dtype_name(source.dtype()));
  return apply_inplace<MaskedScatter>(x, mask, may_overlap(x, source) ? clone(source) : source,
                                      source.shape());
}
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  check_mask("masked_scatter", mask);
  PLAIT_CHECK(source.dtype() == x.dtype(), kType, "masked_scatter: expected a source of dtype ",
              dtype_name(x.dtype()), ", got ", dtype_name(source.dtype()));
  const Tensor wide = expand(x, broadcast_shapes("masked_scatter", x.shape(), mask.shape()));
  return apply<MaskedScatter>(contiguous(wide), mask, source, source.shape());
}

namespace {

Tensor masked_fill_number(const Tensor& x, const Tensor& mask, Scalar value) {
  return masked_fill(x, mask, value);
}
Tensor masked_fill_number_(const Tensor& x, const Tensor& mask, Scalar value) {
  value.check_fits("masked_fill_", x.dtype());
  return masked_fill_(x, mask, value.to_tensor());
}
Tensor masked_fill_tensor(const Tensor& x, const Tensor& mask, const Tensor& value) {
  return masked_fill(x, mask, value);
}
std::variant<Tensor, std::vector<Tensor>> nonzero_as_asked(const Tensor& x, bool as_tuple) {
  if (!as_tuple) return nonzero(x);
  return unbind(nonzero(x.dim() == 0 ? reshape(x, Dims{1}) : x), 1);
}
Tensor argwhere(const Tensor& x) { return nonzero(x); }
Tensor nonzero_static(const Tensor& x, int64_t size, int64_t fill_value) {
  PLAIT_CHECK(size >= 0, kValue, "nonzero_static: expected a size of at least 0, got ", size);
  if (x.is_meta()) return Tensor::empty({size, x.dim()}, DType::kInt64);
  const Tensor places = nonzero(x);
  const int64_t found = std::min(size, places.shape()[0]);
  const Tensor y = full(Dims{size, x.dim()}, fill_value, DType::kInt64);
  copy_into(narrow(y, 0, 0, found), narrow(places, 0, 0, found));
  return y;
}

constexpr const char* kFillDoc = R"(Set elements to `value` where `mask` is true.

`mask` is a bool tensor that broadcasts with the tensor, `value` a number or a 0-d tensor, converted to the tensor's
dtype. The gradient is 0 where the mask is true. `masked_fill_` changes the tensor itself.

Raises:
    TypeError: a mask of other dtype.
    ValueError: a mask that does not broadcast.

Example:
    >>> x = plait.tensor([1.0, 2.0, 3.0])
    >>> x.masked_fill(x > 1.5, 0)
    tensor([1., 0., 0.]))";
constexpr const char* kScatterDoc =
    R"(Replace the elements where `mask` is true by those of `source`, in order.

`mask` is a bool tensor that broadcasts with the tensor; `source`, of the tensor's dtype, has at least as many
elements as the mask is true. `masked_scatter_` changes the tensor itself.

Raises:
    ValueError: `source` is too short.
    TypeError: a mask that is not bool, or a `source` of another dtype.

Example:
    >>> x = plait.zeros(4)
    >>> x.masked_scatter(plait.tensor([True, False, True, False]), plait.tensor([5.0, 6.0]))
    tensor([5., 0., 6., 0.]))";

const RegisterOps kOps{
    {"nonzero_static(Tensor input, *, int size, int fill_value=-1) -> Tensor", "fmc",
     PLAIT_BOX(nonzero_static),
     R"(The first `size` rows of `nonzero(input)`, filled up with rows of `fill_value` where there are fewer.

Raises:
    ValueError: a negative size.

Example:
    >>> plait.nonzero_static(plait.tensor([0, 3]), size=2)
    tensor([[ 1],
            [-1]]))"},
    {"nonzero(Tensor input, *, bool as_tuple=False) -> Tensor | Tensor[]", "fmc", PLAIT_BOX(nonzero_as_asked),
     R"(The coordinates of the elements other than 0: shape (count, input.dim()), int64, in row-major order.

With `as_tuple=True` one 1-d tensor per dimension instead, fit for indexing; a 0-d tensor counts as 1-d then. NaN
counts as other than 0.

Example:
    >>> x = plait.tensor([[0, 1], [2, 0]])
    >>> x.nonzero()
    tensor([[0, 1],
            [1, 0]])
    >>> x[x.nonzero(as_tuple=True)]
    tensor([1, 2]))"},
    {"where(Tensor condition) -> Tensor[]", "fc",
     PLAIT_BOX(+[](const Tensor& x) { return std::get<1>(nonzero_as_asked(x, true)); }), ""},
    {"argwhere(Tensor input) -> Tensor", "fmc", PLAIT_BOX(argwhere),
     R"(The coordinates of the elements other than 0: shape (count, input.dim()), int64, in row-major order.

NaN counts as other than 0.

Example:
    >>> plait.argwhere(plait.tensor([[0, 1], [2, 0]]))
    tensor([[0, 1],
            [1, 0]]))"},
    {"masked_fill(Tensor input, Tensor mask, Scalar value) -> Tensor", "fmc", PLAIT_BOX(masked_fill_number),
     kFillDoc},
    {"masked_fill(Tensor input, Tensor mask, Tensor value) -> Tensor", "fmc", PLAIT_BOX(masked_fill_tensor),
     ""},
    {"masked_fill_(Tensor self, Tensor mask, Scalar value) -> Tensor", "mc", PLAIT_BOX(masked_fill_number_),
     kFillDoc},
    {"masked_fill_(Tensor self, Tensor mask, Tensor value) -> Tensor", "mc", PLAIT_BOX(masked_fill_), ""},
    {"masked_select(Tensor input, Tensor mask) -> Tensor", "fmocx", PLAIT_BOX(masked_select),
     R"(The elements where `mask` is true, as a 1-d tensor in row-major order.

`mask` is a bool tensor; it and `input` broadcast against each other.

Raises:
    TypeError: a mask of other dtype.
    ValueError: the shapes do not broadcast.

Example:
    >>> x = plait.tensor([1, 2, 3])
    >>> plait.masked_select(x, x > 1)
    tensor([2, 3]))"},
    {"masked_scatter(Tensor input, Tensor mask, Tensor source) -> Tensor", "fmc", PLAIT_BOX(masked_scatter),
     kScatterDoc},
    {"masked_scatter_(Tensor self, Tensor mask, Tensor source) -> Tensor", "mc", PLAIT_BOX(masked_scatter_),
     kScatterDoc},
};

}  // namespace
}  // namespace plait
