// SPDX-License-Identifier: MIT
#include "ops/complex/complex.h"

#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/registry.h"
#include "ops/view/view_op.h"

namespace plait {
namespace {

Tensor view_of(const Tensor& x, const Dims& shape, const Dims& strides, int64_t offset, DType dtype) {
  Tensor y = Tensor::from_storage(x.storage(), shape, strides, offset, dtype);
  y.impl()->tracks_version = x.impl()->tracks_version;
  return y;
}

struct ViewAsReal {
  static constexpr OpMeta meta{"view_as_real"};
  static Tensor forward(OpContext&, const Tensor& x) {
    Dims shape = x.shape(), strides = x.strides();
    for (int64_t d = 0; d < strides.size(); ++d) strides[d] *= 2;
    shape.push_back(2);
    strides.push_back(1);
    return view_of(x, shape, strides, 2 * x.offset(), to_real(x.dtype()));
  }
  // gx = gy as complex numbers
  static Grads backward(OpContext&, const Tensor& gy) { return {view_as_complex(contiguous(gy))}; }
};

struct ViewAsComplex {
  static constexpr OpMeta meta{"view_as_complex"};
  static Tensor forward(OpContext&, const Tensor& x) {
    Dims shape = x.shape(), strides = x.strides();
    shape.erase(x.dim() - 1);
    strides.erase(x.dim() - 1);
    for (int64_t d = 0; d < strides.size(); ++d) strides[d] /= 2;
    return view_of(x, shape, strides, x.offset() / 2, to_complex(x.dtype()));
  }
  // gx = gy as pairs
  static Grads backward(OpContext&, const Tensor& gy) { return {view_as_real(gy)}; }
};

struct Conj {
  static constexpr OpMeta meta{"conj"};
  static Tensor forward(OpContext& ctx, const Tensor& x) {
    return run_pointwise_op(Pointwise::kConj, "conj", x.dtype(), {&x}, {}, ctx.destination());
  }
  // gx = conj(gy)
  static Grads backward(OpContext&, const Tensor& gy) { return {conj(gy)}; }
};

// A kernel whose operands and result are of the two dtypes of a pair, real and complex.
Tensor run_between(Pointwise op, const char* name, DType operands, DType result,
                   std::initializer_list<const Tensor*> xs) {
  const DType table = to_complex(operands);
  return run_pointwise_call({.name = name,
                             .fn = find_pointwise(op, table),
                             .operands = operands,
                             .compute = operands,
                             .kernel_result = result,
                             .result = result,
                             .first_compute = operands},
                            xs, {}, Tensor());
}

struct MakeComplex {
  static constexpr OpMeta meta{"complex"};
  static Tensor forward(OpContext&, const Tensor& re, const Tensor& im) {
    return run_between(Pointwise::kMakeComplex, "complex", re.dtype(), to_complex(re.dtype()), {&re, &im});
  }
  // gre = real(gy), gim = imag(gy)
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    return {ctx.needs_grad(0) ? real(gy) : Tensor(), ctx.needs_grad(1) ? imag(gy) : Tensor()};
  }
};

struct Angle {
  static constexpr OpMeta meta{"angle"};
  static Tensor forward(OpContext& ctx, const Tensor& z) {
    ctx.save(z);
    if (z.dtype() == DType::kComplex64) return atan2(contiguous(imag(z)), contiguous(real(z)));
    return run_between(Pointwise::kAngle, "angle", z.dtype(), to_real(z.dtype()), {&z});
  }
  // gz = gy i z / |z|^2, 0 where z is 0
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    const Tensor z = ctx.saved(0);
    const Tensor size = abs(z), none = eq(size, int64_t{0});
    const Tensor slope = div(sgn(z), where(none, ones_like(size), size));
    return {mul(mul(gy, slope), Scalar(Complex<double>{0, 1}).to_tensor())};
  }
};

struct Sgn {
  static constexpr OpMeta meta{"sgn"};
  static Tensor forward(OpContext& ctx, const Tensor& z) {
    ctx.save(z);
    return run_pointwise_op(Pointwise::kSgn, "sgn", z.dtype(), {&z}, {}, ctx.destination());
  }
  // gz = (gy - y real(gy conj(y))) / |z|, 0 where z is 0
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    const Tensor z = ctx.saved(0), y = sgn(z);
    const Tensor size = abs(z), none = eq(size, int64_t{0});
    const Tensor g = div(sub(gy, mul(y, real(mul(gy, conj(y))))), where(none, ones_like(size), size));
    return {where(none, zeros_like(g), g)};
  }
};

}  // namespace

Tensor view_as_real(const Tensor& x) {
  PLAIT_CHECK(x.is_complex(), kType, "view_as_real: expected a complex tensor, got ", dtype_name(x.dtype()));
  return make_view<ViewAsReal>(x);
}

Tensor view_as_complex(const Tensor& x) {
  PLAIT_CHECK(x.dtype() == DType::kFloat32 || x.dtype() == DType::kFloat64, kType,
              "view_as_complex: expected a float32 or float64 tensor, got ", dtype_name(x.dtype()));
  PLAIT_CHECK(x.dim() > 0 && x.shape().back() == 2, kValue,
              "view_as_complex: expected a last dimension of size 2, got shape ", x.shape());
  bool whole = x.strides().back() == 1 && x.offset() % 2 == 0;
  for (int64_t d = 0; d + 1 < x.dim(); ++d) whole &= x.strides()[d] % 2 == 0 || x.shape()[d] <= 1;
  PLAIT_CHECK(
      whole, kValue,
      "view_as_complex: expected pairs that lie together, at even strides and an even offset, got strides ",
      x.strides(), " and offset ", x.offset(), "\nhint: contiguous() makes such a tensor");
  return make_view<ViewAsComplex>(x);
}

Tensor as_complex(const Tensor& x) { return apply<ViewAsComplex>(x); }

Tensor real(const Tensor& x) { return x.is_complex() ? select(view_as_real(x), -1, 0) : x; }

Tensor imag(const Tensor& x) {
  PLAIT_CHECK(x.is_complex(), kRuntime, "imag: expected a complex tensor, got ", dtype_name(x.dtype()),
              "\nhint: a real tensor has no imaginary part in memory; use zeros_like()");
  return select(view_as_real(x), -1, 1);
}

Tensor conj(const Tensor& x) { return x.defined() && x.is_complex() ? apply<Conj>(x) : x; }

Tensor make_complex(const Tensor& re, const Tensor& im) {
  PLAIT_CHECK(re.dtype() == im.dtype() && (re.dtype() == DType::kFloat32 || re.dtype() == DType::kFloat64),
              kType, "complex: expected two float32 or two float64 tensors, got ", dtype_name(re.dtype()),
              " and ", dtype_name(im.dtype()));
  return apply<MakeComplex>(re, im);
}

Tensor angle(const Tensor& x) {
  if (x.is_complex()) return apply<Angle>(x);
  // 0 or pi; NaN stays.
  const Tensor y = cast(x, float_type(x.dtype()));
  const Tensor turned = where(lt(y, int64_t{0}), full_like(y, 3.14159265358979323846), zeros_like(y));
  return where(isnan(y), y, turned);
}

Tensor sgn(const Tensor& x) { return x.is_complex() ? apply<Sgn>(x) : sign(x); }

namespace {

Tensor sgn_(const Tensor& x) { return x.is_complex() ? apply_inplace<Sgn>(x) : copy_(x, sign(x)); }
Tensor conj_physical_(const Tensor& x) { return x.is_complex() ? apply_inplace<Conj>(x) : x; }
Tensor polar(const Tensor& size, const Tensor& angle) {
  PLAIT_CHECK(size.dtype() == angle.dtype() && size.is_floating() && !is_16_bit_float(size.dtype()), kType,
              "polar: expected two float32 or two float64 tensors, got ", dtype_name(size.dtype()), " and ",
              dtype_name(angle.dtype()));
  return make_complex(mul(size, cos(angle)), mul(size, sin(angle)));
}
Tensor itself(const Tensor& x) { return x; }
bool never(const Tensor&) { return false; }
bool is_complex_tensor(const Tensor& x) { return x.is_complex(); }

const RegisterOps kOps{
    {"complex(Tensor real, Tensor imag) -> Tensor", "fox", PLAIT_BOX(make_complex),
     R"(A complex tensor from its real and its imaginary part.

Both are float32, which gives complex64, or float64, which gives complex128; shapes broadcast. `view_as_complex` makes one
without a copy.

Raises:
    TypeError: other dtypes, or two that differ.

Example:
    >>> plait.complex(plait.tensor([1., 2.]), plait.tensor([3., 4.]))
    tensor([1.+3.j, 2.+4.j]))"},
    {"polar(Tensor abs, Tensor angle) -> Tensor", "fox", PLAIT_BOX(polar),
     R"(A complex tensor from absolute value and angle: abs cos(angle) + i abs sin(angle).

Both are float32 or both float64; shapes broadcast.

Raises:
    TypeError: other dtypes, or two that differ.

Example:
    >>> plait.polar(plait.tensor([1., 2.]), plait.tensor([0., 0.]))
    tensor([1.+0.j, 2.+0.j]))"},
    {"view_as_real(Tensor input) -> Tensor", "fc", PLAIT_BOX(view_as_real),
     R"(A complex tensor of shape (..) as a real one of shape (.., 2), on the same memory.

complex64 becomes float32, complex128 float64. A change of one is seen by the other; gradients flow through it.

Raises:
    TypeError: the tensor is not complex.

Example:
    >>> plait.view_as_real(plait.tensor([1 + 2j, 3 + 4j]))
    tensor([[1., 2.],
            [3., 4.]]))"},
    {"view_as_complex(Tensor input) -> Tensor", "f", PLAIT_BOX(view_as_complex),
     R"(A float tensor of shape (.., 2) as a complex one of shape (..), on the same memory.

float32 becomes complex64, float64 complex128. The pairs have to lie together in memory.

Raises:
    TypeError: another dtype.
    ValueError: the last dimension is not of size 2, or a stride or the offset is odd.

Example:
    >>> plait.view_as_complex(plait.tensor([[1., 2.], [3., 4.]]))
    tensor([1.+2.j, 3.+4.j]))"},
    {"real(Tensor input) -> Tensor", "fc", PLAIT_BOX(real),
     R"(The real part of a complex tensor, a view; a real tensor itself.

Example:
    >>> plait.real(plait.tensor([1 + 2j, 3 + 4j]))
    tensor([1., 3.]))"},
    {"imag(Tensor input) -> Tensor", "fc", PLAIT_BOX(imag),
     R"(The imaginary part of a complex tensor, a view.

Raises:
    RuntimeError: the tensor is real.

Example:
    >>> plait.imag(plait.tensor([1 + 2j, 3 + 4j]))
    tensor([2., 4.]))"},
    {"conj(Tensor input) -> Tensor", "fmc", PLAIT_BOX(conj),
     R"(The complex conjugate: the sign of the imaginary part changed. A real tensor is returned itself.

The result is computed at once, with memory of its own; `is_conj()` is False for every tensor.

Example:
    >>> plait.conj(plait.tensor([1 + 2j]))
    tensor([1.-2.j]))"},
    {"conj_physical(Tensor input) -> Tensor", "fmoc", PLAIT_BOX(conj),
     R"(The complex conjugate, as `conj`.

Example:
    >>> plait.conj_physical(plait.tensor([1 + 2j]))
    tensor([1.-2.j]))"},
    {"conj_physical_(Tensor input) -> Tensor", "fmc", PLAIT_BOX(conj_physical_),
     "The in-place form of conj_physical: write the result into `input` and return it."},
    {"resolve_conj(Tensor input) -> Tensor", "fmc", PLAIT_BOX(itself),
     R"(The tensor itself: conjugates are always computed.

Example:
    >>> plait.resolve_conj(plait.tensor([1 + 2j]).conj())
    tensor([1.-2.j]))"},
    {"resolve_neg(Tensor input) -> Tensor", "fmc", PLAIT_BOX(itself),
     R"(The tensor itself: negations are always computed.

Example:
    >>> plait.resolve_neg(plait.tensor([1.]))
    tensor([1.]))"},
    {"is_conj(Tensor input) -> bool", "fmc", PLAIT_BOX(never),
     R"(False: conjugates are always computed.

Example:
    >>> plait.is_conj(plait.tensor([1 + 2j]).conj())
    False)"},
    {"is_neg(Tensor input) -> bool", "fmc", PLAIT_BOX(never),
     R"(False: negations are always computed.

Example:
    >>> plait.is_neg(plait.tensor([1.]))
    False)"},
    {"is_complex(Tensor input) -> bool", "fmc", PLAIT_BOX(is_complex_tensor),
     R"(True for complex64 and complex128.

Example:
    >>> plait.is_complex(plait.tensor([1j]))
    True)"},
    {"angle(Tensor input) -> Tensor", "fmoc", PLAIT_BOX(angle),
     R"(The angle of complex numbers in radians, in [-pi, pi]; 0 or pi for real ones by their sign.

complex64 gives float32, complex128 float64; integers are computed as the default float dtype. The gradient at 0 is 0.

Example:
    >>> plait.angle(plait.tensor([1 + 1j, -1 + 0j]))
    tensor([0.7854, 3.1416]))"},
    {"sgn(Tensor input) -> Tensor", "fmoc", PLAIT_BOX(sgn),
     R"(z / |z| of complex numbers, 0 for 0; `sign` of real ones.

Example:
    >>> plait.sgn(plait.tensor([3 + 4j, 0j]))
    tensor([0.6000+0.8000j, 0.0000+0.0000j])
    >>> plait.sgn(plait.tensor([-3., 0., 2.]))
    tensor([-1.,  0.,  1.]))"},
    {"sgn_(Tensor input) -> Tensor", "fmc", PLAIT_BOX(sgn_),
     "The in-place form of sgn: write the result into `input` and return it."},
};

}  // namespace
}  // namespace plait
