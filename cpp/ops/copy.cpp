// SPDX-License-Identifier: MIT
#include "ops/copy.h"

#include "autograd/runtime.h"
#include "ops/registry.h"

namespace plait {

Tensor cast(const Tensor& x, DType dtype) {
  return x.dtype() == dtype ? x : autograd_runtime().cast(x, dtype);
}

Tensor copy_(const Tensor& destination, const Tensor& source) {
  autograd_runtime().assign(destination, source);
  return destination;
}

namespace {

const RegisterOps kOps{
    {"cast(Tensor input, Dtype dtype) -> Tensor", "p", PLAIT_BOX(cast),
     "The tensor converted to a dtype; floats become integers by truncation and bool by != 0."},
    {"copy_(Tensor input, Tensor src, bool non_blocking=False) -> Tensor", "m",
     PLAIT_BOX(+[](const Tensor& input, const Tensor& src, bool) { return copy_(input, src); }),
     R"(Writes `src` into the tensor, broadcast to its shape and converted to its dtype, and returns the tensor.

`non_blocking` is accepted and has no effect. Gradients flow to `src`. Shapes that do not broadcast raise ValueError.

Example:
    >>> plait.zeros(3).copy_(plait.tensor([1, 2, 3]))
    tensor([1., 2., 3.])
)"},
};

}  // namespace
}  // namespace plait
