// SPDX-License-Identifier: MIT
// Tensors made of numbers.
#include "ops/create/create.h"

#include <algorithm>
#include <cmath>

#include "autograd/op.h"
#include "kernels/sequence/sequence_driver.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {

void set_zero(const Tensor& x) {
  if (x.is_meta()) return;
  if (!is_dense(x)) return set_all(x, int64_t{0});
  fill_zero_bytes(x.data_ptr(), x.numel(), static_cast<int64_t>(x.item_size()));
}

void set_all(const Tensor& x, Scalar value) {
  if (!x.has_values()) return;
  dispatch_any(x.dtype(), [&](auto tag) {
    const auto v = value.to<typename decltype(tag)::type>();
    fill_array(x.dtype(), x.data_ptr(), x.shape(), x.strides(), &v);
  });
}

Tensor zeros(IntSpan shape, DType dtype) {
  const Tensor x = Tensor::empty(shape, dtype);
  set_zero(x);
  return x;
}

Tensor full(IntSpan shape, Scalar value, DType dtype) {
  const Tensor x = Tensor::empty(shape, dtype);
  set_all(x, value);
  return x;
}
Tensor ones(IntSpan shape, DType dtype) { return full(shape, int64_t{1}, dtype); }

Tensor zeros_like(const Tensor& x) {
  const Tensor y = Tensor::empty_like(x);
  set_zero(y);
  return y;
}
Tensor full_like(const Tensor& x, Scalar value) {
  const Tensor y = Tensor::empty_like(x);
  set_all(y, value);
  return y;
}
Tensor ones_like(const Tensor& x) { return full_like(x, int64_t{1}); }

namespace {

// The number of steps from start to below end.
int64_t count_steps(Scalar start, Scalar end, Scalar step) {
  if (!start.is_float() && !end.is_float() && !step.is_float()) {
    const __int128 a = start.to_wide_int(), b = end.to_wide_int(), s = step.to_wide_int();
    PLAIT_CHECK(s != 0, kValue, "arange: expected a step other than 0");
    PLAIT_CHECK(s > 0 ? a <= b : a >= b, kValue, "arange: end ", end.to_string(),
                " lies on the wrong side of start ", start.to_string(), " for step ", step.to_string());
    const __int128 n = (b - a + s - (s > 0 ? 1 : -1)) / s;
    PLAIT_CHECK(n <= INT64_MAX, kValue, "arange: more than 2**63 - 1 elements from ", start.to_string(),
                " to ", end.to_string());
    return static_cast<int64_t>(n);
  }
  const double a = start.to_double(), b = end.to_double(), s = step.to_double();
  PLAIT_CHECK(s > 0 || s < 0, kValue, "arange: expected a step other than 0, got ", s);
  PLAIT_CHECK(std::isfinite(a) && std::isfinite(b), kValue, "arange: expected finite bounds, got ", a,
              " and ", b);
  PLAIT_CHECK(s > 0 ? a <= b : a >= b, kValue, "arange: end ", b, " lies on the wrong side of start ", a,
              " for step ", s);
  const double n = std::ceil((b - a) / s);
  PLAIT_CHECK(n < 0x1p62, kValue, "arange: more than 2**62 elements from ", a, " to ", b);
  return static_cast<int64_t>(n);
}

}  // namespace

Tensor arange(Scalar start, Scalar end, Scalar step, DType dtype) {
  PLAIT_CHECK(dtype != DType::kBool, kType, "arange: no arange of dtype bool\nhint: use zeros() and ones()");
  const Tensor x = Tensor::empty({count_steps(start, end, step)}, dtype);
  if (!x.has_values()) return x;
  if (is_floating(dtype)) {
    spaced_values(dtype, x.data_ptr(), x.numel(), start.to_double(), step.to_double());
  } else {
    counted_values(dtype, x.data_ptr(), x.numel(), start.to_int(), step.to_int());
  }
  return x;
}

Tensor eye(int64_t rows, int64_t columns, DType dtype) {
  const Tensor x = zeros(Dims{rows, columns}, dtype);
  const int64_t n = std::min(rows, columns);
  if (n > 0) set_all(x.alias(Dims{n}, Dims{columns + 1}, 0), int64_t{1});
  return x;
}

namespace {

// The old values are gone: their gradient is 0.
struct Fill {
  static constexpr OpMeta meta{.name = "fill_", .one_value = true};
  static Tensor forward(OpContext& ctx, const Tensor& x, Scalar value) {
    const Tensor y = ctx.destination().defined() ? ctx.destination() : Tensor::empty_like(x);
    set_all(y, value);
    return y;
  }
  static Grads backward(OpContext&, const Tensor& gy, Scalar) { return {zeros_like(gy)}; }
};

}  // namespace

Tensor fill_(const Tensor& x, Scalar value) {
  value.check_fits("fill_", x.dtype());
  return apply_inplace<Fill>(x, value);
}
Tensor zero_(const Tensor& x) { return fill_(x, int64_t{0}); }

namespace {

using OptDType = std::optional<DType>;

Tensor leaf(Tensor x, bool requires_grad) {
  if (requires_grad) set_requires_grad(x, true);
  return x;
}

Tensor make_empty(IntSpan size, OptDType dtype, bool grad) {
  return leaf(Tensor::empty(size, dtype.value_or(default_dtype())), grad);
}
Tensor make_zeros(IntSpan size, OptDType dtype, bool grad) {
  return leaf(zeros(size, dtype.value_or(default_dtype())), grad);
}
Tensor make_ones(IntSpan size, OptDType dtype, bool grad) {
  return leaf(ones(size, dtype.value_or(default_dtype())), grad);
}
Tensor make_full(IntSpan size, Scalar value, OptDType dtype, bool grad) {
  const DType to = dtype.value_or(value.natural_dtype());
  value.check_fits("full", to);
  return leaf(full(size, value, to), grad);
}
Tensor make_empty_strided(IntSpan size, IntSpan stride, OptDType dtype, bool grad) {
  for (int64_t s : stride) {
    PLAIT_CHECK(s >= 0, kValue, "empty_strided: expected strides of at least 0, got ", to_string(stride));
  }
  return leaf(Tensor::empty_strided(size, stride, dtype.value_or(default_dtype())), grad);
}
Tensor new_empty_strided(const Tensor& x, IntSpan size, IntSpan stride, OptDType dtype, bool grad) {
  return make_empty_strided(size, stride, dtype.value_or(x.dtype()), grad);
}
Tensor make_empty_permuted(IntSpan size, IntSpan physical_layout, OptDType dtype, bool grad) {
  const auto n = static_cast<int64_t>(size.size());
  PLAIT_CHECK(physical_layout.size() == size.size(), kValue,
              "empty_permuted: expected as many entries in "
              "physical_layout as sizes, got ",
              to_string(physical_layout), " for ", to_string(size));
  const Dims order = wrap_dims("empty_permuted", physical_layout, n);
  checked_numel("empty_permuted", size);
  Dims stride(n, 1);
  int64_t step = 1;
  for (int64_t i = n - 1; i >= 0; --i) {
    stride[order[i]] = step;
    step *= std::max<int64_t>(size[static_cast<size_t>(order[i])], 1);
  }
  return make_empty_strided(size, stride, dtype, grad);
}
Tensor make_scalar(Scalar value, OptDType dtype, bool grad) {
  return leaf(full(IntSpan{}, value, dtype.value_or(default_dtype())), grad);
}

Tensor make_empty_like(const Tensor& x, OptDType dtype, bool grad) {
  return leaf(Tensor::empty_like_on(x, dtype.value_or(x.dtype()), meta_mode()), grad);
}
Tensor make_zeros_like(const Tensor& x, OptDType dtype, bool grad) {
  const Tensor y = make_empty_like(x, dtype, false);
  set_zero(y);
  return leaf(y, grad);
}
Tensor make_full_like(const Tensor& x, Scalar value, OptDType dtype, bool grad) {
  const Tensor y = make_empty_like(x, dtype, false);
  value.check_fits("full_like", y.dtype());
  set_all(y, value);
  return leaf(y, grad);
}
Tensor make_ones_like(const Tensor& x, OptDType dtype, bool grad) {
  return make_full_like(x, int64_t{1}, dtype, grad);
}

Tensor new_empty(const Tensor& x, IntSpan size, OptDType dtype, bool grad) {
  return make_empty(size, dtype.value_or(x.dtype()), grad);
}
Tensor new_zeros(const Tensor& x, IntSpan size, OptDType dtype, bool grad) {
  return make_zeros(size, dtype.value_or(x.dtype()), grad);
}
Tensor new_ones(const Tensor& x, IntSpan size, OptDType dtype, bool grad) {
  return make_ones(size, dtype.value_or(x.dtype()), grad);
}
Tensor new_full(const Tensor& x, IntSpan size, Scalar value, OptDType dtype, bool grad) {
  return make_full(size, value, dtype.value_or(x.dtype()), grad);
}

Tensor arange_between(Scalar start, Scalar end, Scalar step, OptDType dtype, bool grad) {
  const bool any_float = start.is_float() || end.is_float() || step.is_float();
  return leaf(arange(start, end, step, dtype.value_or(any_float ? default_dtype() : DType::kInt64)), grad);
}
Tensor arange_to(Scalar end, OptDType dtype, bool grad) {
  return arange_between(int64_t{0}, end, int64_t{1}, dtype, grad);
}
Tensor range(Scalar start, Scalar end, Scalar step, OptDType dtype, bool grad) {
  const double s = step.to_double(), distance = end.to_double() - start.to_double();
  PLAIT_CHECK(s != 0 && distance / s >= 0, kValue, "range: end ", end.to_double(),
              " cannot be reached from start ", start.to_double(), " with step ", s);
  const auto n = static_cast<int64_t>(distance / s) + 1;
  const double a = start.to_double();
  const Tensor x = Tensor::empty({n}, dtype.value_or(default_dtype()));
  if (x.has_values()) spaced_values(x.dtype(), x.data_ptr(), x.numel(), a, s);
  return leaf(x, grad);
}

// Evenly spaced from both ends, so that the last value is exactly `end` and the points are symmetric.
template <class F>
Tensor spaced(const char* op, double start, double end, int64_t steps, DType dtype, F map) {
  PLAIT_CHECK(steps >= 0, kValue, op, ": expected a number of steps of at least 0, got ", steps);
  const Tensor x = Tensor::empty({steps}, dtype);
  if (!x.has_values()) return x;
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  const int64_t middle = steps == 1 ? 1 : steps / 2;
  generate_values<double>(dtype, x.data_ptr(), steps, [=](double* out, int64_t first, int64_t n) {
    const int64_t left = std::clamp<int64_t>(middle - first, 0, n);
    spaced_block(out, left, start, step, first, 1);
    spaced_block(out + left, n - left, end, -step, steps - 1 - first - left, -1);
    map(out, n);
  });
  return x;
}
// The dtype of a spaced result: complex where an end is, unless it is given.
DType spaced_dtype(const char* op, Scalar start, Scalar end, OptDType dtype) {
  const bool complex = start.is_complex() || end.is_complex();
  if (!dtype) return complex ? to_complex(default_dtype()) : default_dtype();
  PLAIT_CHECK(!complex || is_complex(*dtype), kType, op, ": expected a complex dtype for complex ends, got ",
              dtype_name(*dtype));
  return *dtype;
}
// A line in the complex plane: its real and its imaginary parts are evenly spaced.
Tensor complex_spaced(const char* op, Scalar start, Scalar end, int64_t steps, DType real) {
  const Complex<double> a = start.to_complex(), b = end.to_complex();
  const auto part = [&](double from, double to) {
    return spaced(op, from, to, steps, real, [](double*, int64_t) {});
  };
  return make_complex(part(a.re, b.re), part(a.im, b.im));
}
Tensor linspace(Scalar start, Scalar end, int64_t steps, OptDType given, bool grad) {
  const DType dtype = spaced_dtype("linspace", start, end, given);
  if (is_complex(dtype)) return leaf(complex_spaced("linspace", start, end, steps, to_real(dtype)), grad);
  return leaf(spaced("linspace", start.to_double(), end.to_double(), steps, dtype, [](double*, int64_t) {}),
              grad);
}
Tensor logspace(Scalar start, Scalar end, int64_t steps, double base, OptDType given, bool grad) {
  const DType dtype = spaced_dtype("logspace", start, end, given);
  if (is_complex(dtype)) {
    const Tensor powers = complex_spaced("logspace", start, end, steps, DType::kFloat64);
    return leaf(cast(pow(Tensor::scalar(base), powers), dtype), grad);
  }
  return leaf(spaced("logspace", start.to_double(), end.to_double(), steps, dtype,
                     [base](double* v, int64_t n) {
                       for (int64_t i = 0; i < n; ++i) v[i] = std::pow(base, v[i]);
                     }),
              grad);
}

Tensor make_eye(int64_t n, std::optional<int64_t> m, OptDType dtype, bool grad) {
  PLAIT_CHECK(n >= 0 && m.value_or(n) >= 0, kValue, "eye: expected sizes of at least 0, got ", n, " and ",
              m.value_or(n));
  return leaf(eye(n, m.value_or(n), dtype.value_or(default_dtype())), grad);
}

// The coordinates of a triangle, row by row: of row r the columns [0, r + offset], or those from r + offset
// on. Only rows that have some are visited, and counted by formula: sizes may be far larger than the
// triangle.
Tensor triangle_indices(const char* op, int64_t rows, int64_t columns, int64_t given_offset, DType dtype,
                        bool lower) {
  using Wide = __int128;
  PLAIT_CHECK(rows >= 0 && columns >= 0, kValue, op, ": expected sizes of at least 0, got ", rows, " and ",
              columns);
  PLAIT_CHECK(dtype == DType::kInt64 || dtype == DType::kInt32, kType, op,
              ": expected dtype int64 or int32, got ", dtype_name(dtype));
  const Wide offset = std::clamp<Wide>(given_offset, -Wide(rows), columns);
  // Rows [begin, end) have columns; of them [cut, end) of a lower triangle, [begin, cut) of an upper have
  // all.
  const Wide begin = columns == 0 ? Wide(rows) : lower ? std::clamp<Wide>(-offset, 0, rows) : Wide(0);
  const Wide end = lower ? Wide(rows) : std::clamp<Wide>(columns - offset, begin, rows);
  const Wide cut = std::clamp<Wide>(lower ? columns - offset - 1 : -offset, begin, end);
  const auto sum = [](Wide a, Wide n) {  // a + (a + 1) + ..., n of them
    return n % 2 == 0 ? n / 2 * (2 * a + n - 1) : n * (a + (n - 1) / 2);
  };
  const Wide count = lower ? sum(begin + offset + 1, cut - begin) + (end - cut) * columns
                           : (cut - begin) * columns + sum(columns - offset - end + 1, end - cut);
  const int64_t n = static_cast<int64_t>(std::min<Wide>(count, INT64_MAX));
  const Tensor x = Tensor::empty({2, n}, dtype);
  if (!x.has_values()) return x;
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* row = x.data<T>();
    T* column = row + n;
    for (Wide r = begin; r < end; ++r) {
      const auto diagonal = static_cast<int64_t>(std::clamp<Wide>(r + offset + lower, 0, columns));
      for (int64_t c = lower ? 0 : diagonal, last = lower ? diagonal : columns; c < last; ++c) {
        *row++ = convert<T>(static_cast<int64_t>(r));
        *column++ = convert<T>(c);
      }
    }
  });
  return x;
}
Tensor tril_indices(int64_t row, int64_t col, int64_t offset, OptDType dtype) {
  return triangle_indices("tril_indices", row, col, offset, dtype.value_or(DType::kInt64), true);
}
Tensor triu_indices(int64_t row, int64_t col, int64_t offset, OptDType dtype) {
  return triangle_indices("triu_indices", row, col, offset, dtype.value_or(DType::kInt64), false);
}

Tensor fill_tensor_(const Tensor& x, const Tensor& value) {
  PLAIT_CHECK(value.dim() == 0, kValue, "fill_: expected a number or a 0-d tensor, got shape ",
              value.shape());
  copy_(x, value);
  return x;
}

const RegisterOps kOps{
    {"empty(int[] size, *, Dtype? dtype=None, any layout=None, Device? device=None, bool "
     "requires_grad=False, "
     "any pin_memory=False, any memory_format=None) -> Tensor",
     "foc", PLAIT_BOX(make_empty), R"(A tensor of the given shape with values that are not set.

`dtype` defaults to the default dtype (float32). On `device="meta"` the tensor has no memory. There is one layout.

Raises:
    ValueError: a negative size.

Example:
    >>> plait.empty(2, 3).shape
    plait.Size([2, 3]))"},
    {"zeros(int[] size, *, Dtype? dtype=None, any layout=None, Device? device=None, "
     "any pin_memory=False, bool requires_grad=False) -> Tensor",
     "foc", PLAIT_BOX(make_zeros), R"(A tensor of the given shape filled with 0.

`dtype` defaults to the default dtype (float32).

Raises:
    ValueError: a negative size.

Example:
    >>> plait.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]]))"},
    {"ones(int[] size, *, Dtype? dtype=None, any layout=None, Device? device=None, "
     "any pin_memory=False, bool requires_grad=False) -> Tensor",
     "foc", PLAIT_BOX(make_ones), R"(A tensor of the given shape filled with 1.

`dtype` defaults to the default dtype (float32).

Raises:
    ValueError: a negative size.

Example:
    >>> plait.ones(2, dtype=plait.int64)
    tensor([1, 1]))"},
    {"full(int[] size, Scalar fill_value, *, Dtype? dtype=None, any layout=None, Device? device=None, any "
     "pin_memory=False, bool requires_grad=False) -> Tensor",
     "foc", PLAIT_BOX(make_full), R"(A tensor of the given shape filled with `fill_value`.

`dtype` defaults to that of the value: bool, int64 or the default float.

Raises:
    ValueError: a negative size.

Example:
    >>> plait.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]]))"},
    {"empty_strided(int[] size, int[] stride, *, Dtype? dtype=None, any layout=None, "
     "Device? device=None, bool requires_grad=False, any pin_memory=False) -> Tensor",
     "fc", PLAIT_BOX(make_empty_strided),
     R"(A tensor of the given shape and strides with values that are not set.

`stride` counts elements, none negative, as many entries as `size`.

Raises:
    ValueError: the lengths differ.

Example:
    >>> plait.empty_strided((2, 3), (1, 2)).stride()
    (1, 2))"},
    {"new_empty_strided(Tensor self, int[] size, int[] stride, *, Dtype? dtype=None, any layout=None, "
     "Device? device=None, any pin_memory=False, bool requires_grad=False) -> Tensor",
     "mc", PLAIT_BOX(new_empty_strided),
     R"(A tensor of the given shape and strides with values that are not set; see `empty_strided`.

`dtype` defaults to that of this tensor.

Example:
    >>> plait.ones(1).new_empty_strided((2, 3), (1, 2)).stride()
    (1, 2))"},
    {"empty_permuted(int[] size, int[] physical_layout, *, Dtype? dtype=None, any layout=None, "
     "Device? device=None, bool requires_grad=False, any pin_memory=False) -> Tensor",
     "fc", PLAIT_BOX(make_empty_permuted),
     R"(A dense tensor of the given shape, its dimensions in the order `physical_layout` in memory, values not set.

The dimension named last lies densest.

Raises:
    ValueError: an order that does not name each dimension once.

Example:
    >>> plait.empty_permuted((2, 3), (1, 0)).stride()
    (1, 2))"},
    {"scalar_tensor(Scalar s, *, Dtype? dtype=None, any layout=None, Device? device=None, any "
     "pin_memory=False, bool "
     "requires_grad=False) -> Tensor",
     "fc", PLAIT_BOX(make_scalar), R"(A 0-d tensor of a number, of the default dtype unless `dtype` is given.

Example:
    >>> plait.scalar_tensor(2)
    tensor(2.))"},
    {"empty_like(Tensor input, *, Dtype? dtype=None, any layout=None, Device? device=None, bool "
     "requires_grad=False, "
     "any memory_format=None) -> Tensor",
     "fc", PLAIT_BOX(make_empty_like),
     R"(A tensor of the shape and dtype of `input` with values that are not set.

Example:
    >>> plait.empty_like(plait.zeros(2, 3)).shape
    plait.Size([2, 3]))"},
    {"zeros_like(Tensor input, *, Dtype? dtype=None, any layout=None, Device? device=None, bool "
     "requires_grad=False, "
     "any memory_format=None) -> Tensor",
     "foc", PLAIT_BOX(make_zeros_like), R"(A tensor of the shape of `input` filled with 0.

`dtype` defaults to that of `input`.

Example:
    >>> plait.zeros_like(plait.ones(2))
    tensor([0., 0.]))"},
    {"ones_like(Tensor input, *, Dtype? dtype=None, any layout=None, Device? device=None, bool "
     "requires_grad=False, "
     "any memory_format=None) -> Tensor",
     "foc", PLAIT_BOX(make_ones_like), R"(A tensor of the shape of `input` filled with 1.

`dtype` defaults to that of `input`.

Example:
    >>> plait.ones_like(plait.arange(2))
    tensor([1, 1]))"},
    {"full_like(Tensor input, Scalar fill_value, *, Dtype? dtype=None, any layout=None, "
     "Device? device=None, bool requires_grad=False, any memory_format=None) -> Tensor",
     "foc", PLAIT_BOX(make_full_like), R"(A tensor of the shape of `input` filled with `fill_value`.

`dtype` defaults to that of `input`.

Example:
    >>> plait.full_like(plait.zeros(2), 3)
    tensor([3., 3.]))"},
    {"new_empty(Tensor self, int[] size, *, Dtype? dtype=None, any layout=None, Device? device=None, any "
     "pin_memory=False, bool requires_grad=False) -> Tensor",
     "mc", PLAIT_BOX(new_empty), R"(A tensor of the given shape with values that are not set.

`dtype` defaults to that of this tensor.

Example:
    >>> plait.ones(1, dtype=plait.int8).new_empty(2, 3).dtype
    plait.int8)"},
    {"new_zeros(Tensor self, int[] size, *, Dtype? dtype=None, any layout=None, Device? device=None, any "
     "pin_memory=False, bool requires_grad=False) -> Tensor",
     "mc", PLAIT_BOX(new_zeros),
     R"(A tensor of the given shape filled with 0, of this tensor's dtype unless `dtype` is given.

Example:
    >>> plait.arange(3).new_zeros(2)
    tensor([0, 0]))"},
    {"new_ones(Tensor self, int[] size, *, Dtype? dtype=None, any layout=None, Device? device=None, any "
     "pin_memory=False, bool requires_grad=False) -> Tensor",
     "mc", PLAIT_BOX(new_ones),
     R"(A tensor of the given shape filled with 1, of this tensor's dtype unless `dtype` is given.

Example:
    >>> plait.arange(3).new_ones(2)
    tensor([1, 1]))"},
    {"new_full(Tensor self, int[] size, Scalar fill_value, *, Dtype? dtype=None, any layout=None, "
     "Device? device=None, any pin_memory=False, bool requires_grad=False) -> Tensor",
     "mc", PLAIT_BOX(new_full),
     R"(A tensor of the given shape filled with `fill_value`, of this tensor's dtype unless `dtype` is given.

Example:
    >>> plait.zeros(1).new_full((2,), 5)
    tensor([5., 5.]))"},
    {"arange(Scalar end, *, Dtype? dtype=None, any layout=None, Device? device=None, "
     "any pin_memory=False, bool requires_grad=False) -> Tensor",
     "fo", PLAIT_BOX(arange_to), R"(The values start, start + step, ... below `end`, as a 1-d tensor.

`start` defaults to 0, `step` to 1. The dtype defaults to int64, or to the default float when an argument is a
float. Values are computed as start + i * step, so that rounding does not add up.

Raises:
    ValueError: a step of 0 or one that leads away from `end`.

Example:
    >>> plait.arange(1, 7, 2)
    tensor([1, 3, 5])
    >>> plait.arange(3.0)
    tensor([0., 1., 2.]))"},
    {"arange(Scalar start, Scalar end, Scalar step=1, *, Dtype? dtype=None, any layout=None, Device? "
     "device=None, any "
     "pin_memory=False, bool requires_grad=False) -> Tensor",
     "fo", PLAIT_BOX(arange_between), ""},
    {"range(Scalar start, Scalar end, Scalar step=1, *, Dtype? dtype=None, any layout=None, Device? "
     "device=None, any "
     "pin_memory=False, bool requires_grad=False) -> Tensor",
     "fo", PLAIT_BOX(range), R"(The values start, start + step, ... up to and including `end`.

Always of the default float unless `dtype` is given. `arange`, which leaves the end out as Python does, is
usually what is wanted.

Raises:
    ValueError: `end` cannot be reached.

Example:
    >>> plait.range(1, 3)
    tensor([1., 2., 3.]))"},
    {"linspace(Scalar start, Scalar end, int steps, *, Dtype? dtype=None, any layout=None, Device? "
     "device=None, any "
     "pin_memory=False, bool requires_grad=False) -> Tensor",
     "foc", PLAIT_BOX(linspace), R"(`steps` evenly spaced values from `start` to `end`, both included.

Of the default float, or complex where an end is, unless `dtype` is given.

Raises:
    ValueError: a negative number of steps.
    TypeError: complex ends and a `dtype` that is not.

Example:
    >>> plait.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000]))"},
    {"logspace(Scalar start, Scalar end, int steps, float base=10.0, *, Dtype? dtype=None, "
     "any layout=None, Device? device=None, any pin_memory=False, bool requires_grad=False) -> Tensor",
     "foc", PLAIT_BOX(logspace),
     R"(`steps` values from base**start to base**end, evenly spaced on a logarithmic scale.

Of the default float, or complex where an end is, unless `dtype` is given.

Raises:
    ValueError: a negative number of steps.
    TypeError: complex ends and a `dtype` that is not.

Example:
    >>> plait.logspace(0, 2, 3)
    tensor([  1.,  10., 100.]))"},
    {"eye(int n, int? m=None, *, Dtype? dtype=None, any layout=None, Device? device=None, any "
     "pin_memory=False, bool "
     "requires_grad=False) -> Tensor",
     "foc", PLAIT_BOX(make_eye), R"(A matrix of n rows and m columns with 1 on the diagonal and 0 elsewhere.

`m` defaults to `n`, the dtype to the default float.

Raises:
    ValueError: a negative size.

Example:
    >>> plait.eye(2)
    tensor([[1., 0.],
            [0., 1.]]))"},
    {"tril_indices(int row, int col, int offset=0, *, Dtype? dtype=None, "
     "Device? device=None, any layout=None) -> Tensor",
     "f", PLAIT_BOX(tril_indices),
     R"(Row and column numbers of the lower triangle of a matrix, shape (2, n), row by row.

`offset` moves the diagonal that still belongs to it. The dtype is int64 or int32.

Example:
    >>> plait.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]]))"},
    {"triu_indices(int row, int col, int offset=0, *, Dtype? dtype=None, "
     "Device? device=None, any layout=None) -> Tensor",
     "f", PLAIT_BOX(triu_indices),
     R"(Row and column numbers of the upper triangle of a matrix, shape (2, n), row by row.

`offset` moves the diagonal that still belongs to it. The dtype is int64 or int32.

Example:
    >>> plait.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]]))"},
    {"zero_(Tensor self) -> Tensor", "fmc", PLAIT_BOX(zero_), R"(Set every element to 0, in place.

Example:
    >>> plait.ones(2).zero_()
    tensor([0., 0.]))"},
    {"fill_(Tensor self, Scalar value) -> Tensor", "fmc", PLAIT_BOX(fill_),
     R"(Set every element to `value`, a number or a 0-d tensor, in place.

Raises:
    ValueError: a tensor of other shape.

Example:
    >>> plait.zeros(2).fill_(3)
    tensor([3., 3.]))"},
    {"fill_(Tensor self, Tensor value) -> Tensor", "fmc", PLAIT_BOX(fill_tensor_), ""},
    {"fill(Tensor input, Scalar value) -> Tensor", "fc",
     PLAIT_BOX(+[](const Tensor& x, Scalar value) { return apply<Fill>(x, value); }),
     R"(A tensor of the shape and dtype of `input` filled with a number.

Example:
    >>> plait.fill(plait.zeros(2), 4)
    tensor([4., 4.]))"},
};

}  // namespace
}  // namespace plait
