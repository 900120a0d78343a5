// SPDX-License-Identifier: MIT
// Dropout. A bit per element is kept for backward.
#include "autograd/op.h"
#include "core/generator.h"
#include "core/rounding.h"
#include "kernels/random/random_driver.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

void run(const Tensor& x, const Tensor& y, const DropoutPlace& place, const Tensor& kept, bool drawn) {
  if (y.is_meta()) return;
  dropout_values(x.dtype(), place, x.data_ptr(), y.data_ptr(), x.numel(),
                 kept.defined() ? kept.data<uint8_t>() : nullptr, drawn);
}

// y = x / (1 - p) where the element is kept, else 0: dropout with its numbers drawn before.
struct DropoutKept {
  static constexpr OpMeta meta{"dropout_backward"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& kept, const DropoutPlace& place) {
    ctx.save(kept);
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    run(contiguous(x), y, place, kept, true);
    return y;
  }
  // gx = kept ? gy / (1 - p) : 0
  static Grads backward(OpContext& ctx, const Tensor& gy, const DropoutPlace& place) {
    return {apply<DropoutKept>(gy, ctx.saved(0), place), Tensor()};
  }
};

// y = x / (1 - p) where the element's random number is at least p, else 0.
struct Dropout {
  static constexpr OpMeta meta{"dropout"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const DropoutPlace& place) {
    const bool in_place = ctx.destination().defined() && ctx.destination().is_contiguous();
    const Tensor y = in_place ? ctx.destination() : Tensor::empty(x.shape(), x.dtype());
    Tensor kept;
    if (ctx.recording()) {
      kept = Tensor::empty({round_up(x.numel(), kRandomPiece) / 8}, DType::kUInt8);
    }
    run(contiguous(x), y, place, kept, false);
    ctx.save(kept);
    return y;
  }
  // gx = kept ? gy / (1 - p) : 0
  static Grads backward(OpContext& ctx, const Tensor& gy, const DropoutPlace& place) {
    return {apply<DropoutKept>(gy, ctx.saved(0), place)};
  }
};

Tensor dropout(const Tensor& x, double p, bool training, bool inplace) {
  PLAIT_CHECK(p >= 0 && p <= 1, kValue, "dropout: expected p between 0 and 1, got ", p);
  if (x.is_complex() && training) {  // one number for both parts
    const Tensor kept = dropout(ones(x.shape(), to_real(x.dtype())), p, true, false);
    return inplace ? mul_(x, kept) : mul(x, kept);
  }
  PLAIT_CHECK(x.is_floating() || !training, kType, "dropout: expected a floating-point input, got ",
              dtype_name(x.dtype()));
  if (!training || p == 0) return x;
  // A tensor without values draws no numbers.
  const auto position = x.is_meta() ? Generator::Position{}
                                    : default_generator().reserve(static_cast<uint64_t>((x.numel() + 3) / 4));
  const DropoutPlace place{position.seed, position.counter, p};
  return inplace ? apply_inplace<Dropout>(x, place) : apply<Dropout>(x, place);
}
Tensor dropout_op(const Tensor& x, double p, bool training) { return dropout(x, p, training, false); }
Tensor dropout_(const Tensor& x, double p, bool training) { return dropout(x, p, training, true); }

const RegisterOps kOps{
    {"dropout(Tensor input, float p=0.5, bool training=True, bool inplace=False) -> Tensor", "nc",
     PLAIT_BOX(dropout),
     R"(In training, 0 with probability `p` and x / (1 - p) otherwise (Srivastava et al. 2014); else the input.

What is dropped depends on the generator's state and the element's place, not on the number of threads.

Args:
    p: between 0 and 1.
    inplace: write the result into `input`.

Raises:
    ValueError: another `p`.
    TypeError: integers.

Example:
    >>> plait.nn.functional.dropout(plait.tensor([1., 2.]), 0.5, training=False)
    tensor([1., 2.]))"},
    {"dropout(Tensor input, float p, bool train) -> Tensor", "fc", PLAIT_BOX(dropout_op),
     R"(With `train`, 0 with probability `p` and x / (1 - p) otherwise; else the input.

Raises:
    ValueError: p outside [0, 1].
    TypeError: integers.

Example:
    >>> plait.dropout(plait.tensor([1., 2.]), 0.5, False)
    tensor([1., 2.]))"},
    {"dropout_(Tensor self, float p, bool train) -> Tensor", "f", PLAIT_BOX(dropout_),
     R"(`dropout` that writes into its input.

Example:
    >>> plait.dropout_(plait.tensor([1., 2.]), 0.5, False)
    tensor([1., 2.]))"},
};

}  // namespace
}  // namespace plait
