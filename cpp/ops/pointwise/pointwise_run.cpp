// SPDX-License-Identifier: MIT
#include "ops/pointwise/pointwise_run.h"

#include <algorithm>

#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise_op.h"

namespace plait {
namespace {

constexpr int kUndefined = -1;

int combine(int higher, int lower) {
  if (higher == kUndefined) return lower;
  if (lower == kUndefined) return higher;
  const DType a = static_cast<DType>(higher), b = static_cast<DType>(lower);
  if (is_complex(a)) return higher;
  if (is_floating(a)) return is_complex(b) ? static_cast<int>(to_complex(a)) : higher;
  if (a == DType::kBool || is_differentiable(b)) return static_cast<int>(promote_types(a, b));
  return higher;
}

// The shape all operands broadcast to. Most calls have equal shapes or numbers beside one shape.
Dims common_shape(const char* name, std::initializer_list<const Tensor*> xs) {
  Dims shape = (*xs.begin())->shape();
  for (auto x = xs.begin() + 1; x != xs.end(); ++x) {
    const Dims& other = (*x)->shape();
    if (other.empty() || other == shape) continue;
    shape = shape.empty() ? other : broadcast_shapes(name, shape, other);
  }
  return shape;
}

bool is_flat(const Tensor& t, const Dims& shape) { return t.is_contiguous() && t.shape() == shape; }

// A new tensor in the memory order of the first operand that is not contiguous and has the shape of the
// result.
Tensor new_result(const Dims& shape, DType dtype, std::initializer_list<const Tensor*> xs) {
  for (const Tensor* x : xs) {
    if (x->dim() == 0 || !(x->shape() == shape)) continue;
    return x->is_contiguous() ? Tensor::empty(shape, dtype) : Tensor::empty_like(*x, dtype);
  }
  return Tensor::empty(shape, dtype);
}

// Numbers of the CPU alone have a result there; the other results are without values.
[[gnu::noinline]] Tensor run_in_meta_mode(const PointwiseCall& call, const Dims& shape,
                                          std::initializer_list<const Tensor*> xs,
                                          std::initializer_list<double> parameters,
                                          const Tensor& destination) {
  const bool meta = std::any_of(xs.begin(), xs.end(), [](const Tensor* x) { return x->is_meta(); });
  if (!meta && !(destination.defined() && destination.is_meta())) {
    const MetaMode with_values(false);
    return run_pointwise_call(call, xs, parameters, destination);
  }
  if (!destination.defined()) return new_result(shape, call.result, xs);
  if (!destination.is_meta()) no_values();
  return destination;
}

void check_destination(const PointwiseCall& call, const Tensor& destination, const Dims& shape) {
  PLAIT_CHECK(destination.shape() == shape, kValue, call.name, ": expected an output of the broadcast shape ",
              shape, ", got ", destination.shape(),
              "\nhint: an in-place operation cannot change the shape of its tensor");
  PLAIT_CHECK(category(destination.dtype()) >= category(call.result), kType, call.name, ": result type ",
              dtype_name(call.result), " can't be cast to the desired output type ",
              dtype_name(destination.dtype()));
  PLAIT_CHECK(destination.is_contiguous() || !has_internal_overlap(destination), kRuntime, call.name,
              ": expected an output whose elements have memory of their own, got shape ", shape,
              " with strides ", destination.strides(),
              "\nhint: clone() an expanded tensor before writing to it");
}

[[noreturn, gnu::noinline]] void no_kernel(const char* name, DType dtype) {
  const char* expected = dtype == DType::kBool ? "a numeric dtype"
                         : is_complex(dtype)   ? "real numbers"
                         : is_floating(dtype)  ? "an integer or bool dtype"
                                               : "a floating-point dtype";
  PLAIT_FAIL(kType, name, ": expected ", expected, ", got ", dtype_name(dtype));
}

PointwiseFn find_halves(Pointwise op, DType dtype) {
  return is_16_bit_float(dtype) ? find_pointwise(op, dtype) : nullptr;
}

}  // namespace

Tensor full_test(const Tensor& x, bool value) {
  const Tensor y = Tensor::empty_like(x, DType::kBool);
  set_all(y, value);
  return y;
}

DType result_type(std::initializer_list<const Tensor*> xs) {
  int dims = kUndefined, scalars = kUndefined, numbers = kUndefined;
  const auto join = [](int& into, DType dtype) {
    into = into == kUndefined ? static_cast<int>(dtype)
                              : static_cast<int>(promote_types(static_cast<DType>(into), dtype));
  };
  for (const Tensor* x : xs) {
    if (x->is_wrapped_number()) {
      const DType dtype = x->dtype();
      if (is_integral(dtype)) {  // bool, int64 or, of ints beyond it, uint64, which counts for both
        numbers = std::max(numbers, static_cast<int>(dtype));
      } else {
        join(numbers, x->is_complex() ? to_complex(default_dtype()) : default_dtype());
      }
    } else {
      join(x->dim() > 0 ? dims : scalars, x->dtype());
    }
  }
  // A Python int beyond int64 is an integer beside uint64; beside other integers it counts as a float.
  const bool is_beyond = numbers == static_cast<int>(DType::kUInt64);
  if (is_beyond && combine(dims, scalars) != numbers) numbers = static_cast<int>(default_dtype());
  return static_cast<DType>(combine(dims, combine(scalars, numbers)));
}

Tensor run_pointwise_call(const PointwiseCall& call, std::initializer_list<const Tensor*> xs,
                          std::initializer_list<double> parameters, const Tensor& destination) {
  const Dims shape = common_shape(call.name, xs);
  if (!call.fn) no_kernel(call.name, call.operands);
  if (destination.defined()) check_destination(call, destination, shape);
  if (meta_mode()) [[unlikely]]
    return run_in_meta_mode(call, shape, xs, parameters, destination);
  const Tensor y = destination.defined() ? destination : new_result(shape, call.result, xs);

  PointwiseOperand in[kMaxPointwiseInputs];
  Tensor moved[kMaxPointwiseInputs];
  size_t n = 0;
  for (const Tensor* x : xs) {
    // An operand that lies across the output would be overwritten before it is read.
    if (destination.defined() && x->storage() == y.storage() && !x->is_same(y) && may_overlap(*x, y) &&
        !(x->data_ptr() == y.data_ptr() && x->strides() == y.strides() && x->shape() == y.shape())) {
      moved[n] = clone(*x);
      x = &moved[n];
    }
    in[n] = {{x->data_ptr(), x->dtype(), &x->shape(), &x->strides()},
             n == 0 ? call.first_compute : call.compute,
             is_flat(*x, shape),
             x->numel() == 1};
    ++n;
  }
  static const Dims kScalarShape;
  for (const double& value : parameters) {
    in[n++] = {{const_cast<double*>(&value), DType::kFloat64, &kScalarShape, &kScalarShape},
               call.compute,
               false,
               true};
  }
  const PointwiseOperand out{
      {y.data_ptr(), y.dtype(), &y.shape(), &y.strides()}, call.kernel_result, is_flat(y, shape), false};
  run_pointwise(call.fn, shape, y.numel(), out, {in, n}, call.halves, call.operands, call.cost);
  return y;
}

Tensor run_pointwise_op(Pointwise op, const char* name, DType dtype, std::initializer_list<const Tensor*> xs,
                        std::initializer_list<double> parameters, const Tensor& destination) {
  const DType compute = compute_dtype(dtype);
  return run_pointwise_call(
      {name, find_pointwise(op, compute), dtype, compute, compute, dtype, compute, find_halves(op, dtype)},
      xs, parameters, destination);
}

Tensor run_pointwise_test(Pointwise op, const char* name, DType dtype,
                          std::initializer_list<const Tensor*> xs, const Tensor& destination) {
  const DType compute = compute_dtype(dtype);
  return run_pointwise_call({name, find_pointwise(op, compute), dtype, compute, DType::kBool, DType::kBool,
                             compute, find_halves(op, dtype)},
                            xs, {}, destination);
}

}  // namespace plait
