// SPDX-License-Identifier: MIT
// Padding: borders of a constant, of reflected, repeated or wrapped-around elements.
#include <algorithm>
#include <vector>

#include "autograd/op.h"
#include "kernels/rearrange/rearrange_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/rearrange/rearrange.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// Padding by dimension: [front, behind] of dimension d at 2 * d.
Dims by_dimension(const char* op, const Tensor& x, IntSpan pad) {
  const auto n = static_cast<int64_t>(pad.size());
  PLAIT_CHECK(n % 2 == 0 && n <= 2 * x.dim(), kValue, op, ": expected two numbers for each of at most ",
              x.dim(), " dimensions, from the last one on, got ", to_string(pad), " for shape ", x.shape());
  Dims out(2 * x.dim(), 0);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t d = x.dim() - 1 - i / 2;
    out[2 * d + i % 2] = pad[static_cast<size_t>(i)];
  }
  for (int64_t d = 0; d < x.dim(); ++d) {
    int64_t size;
    const bool overflow = __builtin_add_overflow(x.shape()[d], out[2 * d], &size) ||
                          __builtin_add_overflow(size, out[2 * d + 1], &size);
    PLAIT_CHECK(!overflow && size >= 0, kValue, op, ": padding ", to_string(pad),
                " leaves a negative size in dimension ", d, " of shape ", x.shape());
  }
  return out;
}

Tensor padded(const Tensor& input, const Dims& pads, Border border, Scalar value) {
  const int64_t last = input.dim() - 1;
  if (last < 0) return clone(input);
  const Tensor x = input.strides()[last] == 1 ? input : contiguous(input);
  Dims shape = x.shape();
  for (int64_t d = 0; d <= last; ++d) shape[d] += pads[2 * d] + pads[2 * d + 1];
  const Tensor y = Tensor::empty(shape, x.dtype());
  if (!y.has_values()) return y;
  dispatch_any(x.dtype(), [&](auto tag) {
    const auto v = value.to<typename decltype(tag)::type>();
    pad_array({x.dtype(), &v, x.shape(), x.strides(), pads, border}, x.data_ptr(), y.data_ptr());
  });
  return y;
}

struct ConstantPad {
  static constexpr OpMeta meta{"constant_pad_nd"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims& pads, Scalar value) {
    return padded(x, pads, Border::kConstant, value);
  }
  // What was cut off receives 0, what was added gives nothing back.
  static Grads backward(OpContext&, const Tensor& gy, const Dims& pads, Scalar) {
    Dims back;
    for (int64_t d = gy.dim() - 1; d >= 0; --d) {
      back.push_back(-pads[2 * d]);
      back.push_back(-pads[2 * d + 1]);
    }
    return {constant_pad(gy, back, int64_t{0})};
  }
};

struct BorderPad {
  static constexpr OpMeta meta{"pad"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims& pads, Border border) {
    return padded(x, pads, border, int64_t{0});
  }
  // Every element gives its gradient back to where it came from, one dimension after the other.
  static Grads backward(OpContext&, const Tensor& gy, const Dims& pads, Border border) {
    Tensor g = gy;
    for (int64_t d = 0; d < gy.dim(); ++d) {
      if (pads[2 * d] == 0 && pads[2 * d + 1] == 0) continue;
      const int64_t size = gy.shape()[d], n = size - pads[2 * d] - pads[2 * d + 1];
      const Tensor index = Tensor::empty({size}, DType::kInt64);
      for (int64_t i = 0; index.has_values() && i < size; ++i)
        index.data<int64_t>()[i] = pad_source(i - pads[2 * d], n, border);
      Dims shape = g.shape();
      shape[d] = n;
      g = index_add_(zeros(shape, g.dtype()), d, index, g);
    }
    return {g};
  }
};

Tensor border_pad(const Tensor& x, IntSpan pad, Border border, const char* mode) {
  const auto dims = static_cast<int64_t>(pad.size()) / 2;
  PLAIT_CHECK(pad.size() % 2 == 0 && dims >= 1 && dims <= 3 && (x.dim() == dims + 1 || x.dim() == dims + 2),
              kValue, "pad: mode '", mode,
              "' pads the last 1, 2 or 3 dimensions of a tensor with one or two more, got padding ",
              to_string(pad), " for shape ", x.shape());
  const Dims pads = by_dimension("pad", x, pad);
  if (border == Border::kCircular && std::ranges::min(pad) < 0) {  // what is cut off does not come back
    Dims cut(pad), add(pad);
    for (int64_t& n : cut) n = std::min<int64_t>(n, 0);
    for (int64_t& n : add) n = std::max<int64_t>(n, 0);
    return border_pad(constant_pad(x, cut, int64_t{0}), add, border, mode);
  }
  for (int64_t d = x.dim() - dims; d < x.dim(); ++d) {
    const int64_t n = x.shape()[d], most = border == Border::kReflect    ? n - 1
                                           : border == Border::kCircular ? n
                                                                         : INT64_MAX;
    PLAIT_CHECK(n > 0 && pads[2 * d] <= most && pads[2 * d + 1] <= most, kValue, "pad: mode '", mode,
                "' adds at most ", most, " elements on a side of dimension ", d, ", got padding ",
                to_string(pad), " for shape ", x.shape());
  }
  return apply<BorderPad>(x, pads, border);
}

}  // namespace

Tensor constant_pad(const Tensor& x, IntSpan pad, Scalar value) {
  return apply<ConstantPad>(x, by_dimension("pad", x, pad), value);
}

Tensor pad(const Tensor& x, IntSpan pad, std::string_view mode, Scalar value) {
  if (mode == "constant") return constant_pad(x, pad, value);
  if (mode == "reflect") return border_pad(x, pad, Border::kReflect, "reflect");
  if (mode == "replicate") return border_pad(x, pad, Border::kReplicate, "replicate");
  if (mode == "circular") return border_pad(x, pad, Border::kCircular, "circular");
  PLAIT_FAIL(kValue, "pad: expected mode 'constant', 'reflect', 'replicate' or 'circular', got '", mode, "'");
}

namespace {

Tensor pad_op(const Tensor& x, IntSpan pad_, std::string_view mode, std::optional<Scalar> value) {
  PLAIT_CHECK(mode == "constant" || !value || value->to_double() == 0, kValue, "pad: mode '", mode,
              "' takes no value, got ", value ? value->to_double() : 0.0);
  return pad(x, pad_, mode, value.value_or(int64_t{0}));
}

const RegisterOps kOps{
    {"pad(Tensor input, int[] pad, str mode='constant', Scalar? value=None) -> Tensor", "nc",
     PLAIT_BOX(pad_op),
     R"(Add elements around a tensor.

`pad` holds two numbers per dimension, from the last dimension on: how many elements to add in front and behind, below
0 how many to cut off. `mode` says what they are: 'constant' (`value`, default 0), 'reflect' (mirrored at the edge
element), 'replicate' (the edge element) or 'circular' (from the other side). All but 'constant' pad the last 1, 2 or
3 dimensions of a tensor that has one or two more.

Raises:
    ValueError: padding does not fit the shape or the mode.

Example:
    >>> x = plait.tensor([[1, 2, 3]])
    >>> plait.nn.functional.pad(x, (1, 1))
    tensor([[0, 1, 2, 3, 0]])
    >>> plait.nn.functional.pad(x, (1, 1), mode='reflect')
    tensor([[2, 1, 2, 3, 2]]))"},
    {"constant_pad_nd(Tensor input, int[] pad, Scalar value=0) -> Tensor", "fc", PLAIT_BOX(constant_pad),
     R"(Add `value` around a tensor; `pad` as in `nn.functional.pad`.

Example:
    >>> plait.constant_pad_nd(plait.tensor([1, 2]), (0, 1), 9)
    tensor([1, 2, 9]))"},
};

}  // namespace
}  // namespace plait
