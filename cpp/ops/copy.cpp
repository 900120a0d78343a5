// SPDX-License-Identifier: MIT
#include "ops/copy.h"

#include <atomic>

#include "autograd/op.h"
#include "core/warning.h"
#include "kernels/copy/copy_driver.h"
#include "ops/create/create.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

void check_has_data(const Tensor& x) {
  PLAIT_CHECK(!x.is_meta(), kNotImplemented, "Cannot copy out of meta tensor; no data!");
}

Strided strided(const Tensor& t) { return {t.data_ptr(), t.dtype(), &t.shape(), &t.strides()}; }

struct Cast {
  static constexpr OpMeta meta{"to"};
  static Tensor forward(OpContext&, const Tensor& x, DType dtype) {
    const Tensor y = Tensor::empty_like_on(x, dtype, x.is_meta());
    copy_into(y, x);
    return y;
  }
  // gx = gy, converted back by the engine
  static Grads backward(OpContext&, const Tensor& gy, DType) { return {gy}; }
};

struct ToMeta {
  static constexpr OpMeta meta{"to"};
  static Tensor forward(OpContext&, const Tensor& x) { return Tensor::empty_like_on(x, x.dtype(), true); }
  // gx = gy
  static Grads backward(OpContext&, const Tensor& gy) { return {gy}; }
};

struct Clone {
  static constexpr OpMeta meta{"clone"};
  static Tensor forward(OpContext&, const Tensor& x) {
    const Tensor y = Tensor::empty_like_on(x, x.dtype(), x.is_meta());
    copy_into(y, x);
    return y;
  }
  // gx = gy
  static Grads backward(OpContext&, const Tensor& gy) { return {gy}; }
};

struct Copy {
  static constexpr OpMeta meta{"copy_"};
  static Tensor forward(OpContext&, const Tensor&, const Tensor& source) { return source.alias(); }
  // The old values are gone: gdestination = 0, gsource = gy.
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    return {ctx.needs_grad(0) ? zeros_like(gy) : Tensor(), ctx.needs_grad(1) ? gy : Tensor()};
  }
};

}  // namespace

void copy_into(const Tensor& destination, const Tensor& source) {
  if (destination.numel() == 0) return;
  const Dims& shape = destination.shape();
  const bool same_shape = source.shape() == shape;
  if (!same_shape) {
    NoGradGuard guard;
    expand(source, shape);  // throws for shapes that do not fit
  }
  if (destination.is_meta()) return;
  check_has_data(source);
  const Tensor from = may_overlap(destination, source) ? clone(source) : source;
  const bool flat = same_shape && destination.is_contiguous() && from.is_contiguous();
  copy_array(shape, destination.numel(), strided(destination), strided(from), flat);
}

Tensor cast(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : apply<Cast>(x, dtype); }

Tensor contiguous_as(const Tensor& x, DType dtype) { return x.defined() ? cast(contiguous(x), dtype) : x; }

Tensor clone(const Tensor& x) { return apply<Clone>(x); }

Tensor to_place(const Tensor& x, bool meta) {
  if (x.is_meta() == meta) return x;
  if (!meta) check_has_data(x);
  return apply<ToMeta>(x);
}

Tensor copy_(const Tensor& destination, const Tensor& source) {
  return apply_inplace<Copy>(destination, source);
}

namespace {

// Once in a process, when a program converts complex numbers to real ones; what the library converts is
// meant.
void warn_of_lost_parts(DType from, DType to) {
  static std::atomic<bool> warned{false};
  if (!is_complex(from) || is_complex(to) || to == DType::kBool || warned.exchange(true)) return;
  warn("Casting complex values to real discards the imaginary part");
}

Tensor cast_by_user(const Tensor& x, DType dtype) {
  warn_of_lost_parts(x.dtype(), dtype);
  return cast(x, dtype);
}
Tensor copy_by_user(const Tensor& x, const Tensor& source, bool) {
  warn_of_lost_parts(source.dtype(), x.dtype());
  return copy_(x, source);
}

const RegisterOps kOps{
    {"cast(Tensor input, Dtype dtype) -> Tensor", "pc", PLAIT_BOX(cast_by_user),
     "The tensor converted to a dtype; floats become integers by truncation and bool by != 0, complex "
     "numbers keep their "
     "real part."},
    {"_to_place(Tensor input, bool meta) -> Tensor", "pcd", PLAIT_BOX(to_place),
     "The tensor on the device meta, without its data, or on the CPU, where only those of the CPU can go."},
    {"clone(Tensor input, *, any memory_format=None) -> Tensor", "fmc", PLAIT_BOX(clone),
     R"(A copy with memory of its own; gradients flow through it.

Strides are kept when the elements are dense in memory.

Example:
    >>> x = plait.tensor([1, 2])
    >>> y = x.clone()
    >>> y[0] = 5
    >>> x
    tensor([1, 2]))"},
    {"copy_(Tensor input, Tensor src, bool non_blocking=False) -> Tensor", "mcd", PLAIT_BOX(copy_by_user),
     R"(Write `src` into the tensor, broadcast to its shape and converted to its dtype, and return the tensor.

`non_blocking` is accepted and has no effect. Gradients flow to `src`. Shapes that do not broadcast raise ValueError.

Example:
    >>> plait.zeros(3).copy_(plait.tensor([1, 2, 3]))
    tensor([1., 2., 3.])
)"},
};

}  // namespace
}  // namespace plait
