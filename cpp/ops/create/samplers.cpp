// SPDX-License-Identifier: MIT
// Random variables whose parameters are tensors, drawn element by element with the numbers of random words
// that each of them needs. Those of the gamma family are differentiable along their path, see
// kernels/random/reparameterized.h; counts are not, their gradient is 0.
#include "kernels/random/samplers.h"
#include <cmath>

#include "autograd/op.h"
#include "kernels/random/reparameterized.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {

namespace {

constexpr const char* kNoSecondDerivative =
    "samples can be differentiated once; take the gradient without create_graph=True";

void check_floating(const char* op, DType dtype) {
  PLAIT_CHECK(is_floating(dtype), kType, op, ": expected a floating-point dtype, got ", dtype_name(dtype));
}

// Contiguous doubles of a shape.
Tensor doubles(const Tensor& x, IntSpan shape) {
  return contiguous(expand(contiguous_as(x, DType::kFloat64), shape));
}

// Raises for the first value that is neither NaN nor inside [low, high].
void check_range(const char* op, const char* what, const Tensor& x, double low, double high) {
  if (x.is_meta()) return;
  const double* v = x.data<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    PLAIT_CHECK(!(v[i] < low || v[i] > high), kValue, op, ": expected ", what, ", got ", v[i]);
  }
}
Tensor at_least_0(const char* op, const char* what, const Tensor& x) {
  Tensor values = doubles(x, x.shape());
  check_range(op, what, values, 0, HUGE_VAL);
  return values;
}

// ---- Gamma ----

Tensor standard_gamma_grad(const Tensor& alpha, const Tensor& x) {
  check_floating("_standard_gamma_grad", alpha.dtype());
  const Dims shape = broadcast_shapes("_standard_gamma_grad", alpha.shape(), x.shape());
  NoGradGuard guard;
  const Tensor a = doubles(alpha, shape), values = doubles(x, shape);
  const Tensor y = Tensor::empty(shape, alpha.dtype());
  if (y.is_meta()) return y;
  gamma_grad({a.data<double>(), values.data<double>(), y.dtype(), y.data_ptr(), y.numel()});
  return y;
}

struct StandardGamma {
  static constexpr OpMeta meta{"_standard_gamma", kNoSecondDerivative};
  static Tensor forward(OpContext& ctx, const Tensor& alpha, Generator* generator) {
    check_floating("_standard_gamma", alpha.dtype());
    const Tensor a = at_least_0("_standard_gamma", "alpha of at least 0", alpha);
    const Tensor y = Tensor::empty(alpha.shape(), alpha.dtype());
    if (y.has_values()) sample_gamma(a.data<double>(), y.dtype(), y.data_ptr(), y.numel(), generator);
    ctx.save(alpha);
    ctx.save_result(y);
    return y;
  }
  // galpha = gy dy / dalpha
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, Generator*) {
    return {mul(gy, standard_gamma_grad(ctx.saved(0), ctx.saved(1)))};
  }
};
Tensor standard_gamma(const Tensor& alpha, Generator* generator) {
  return apply<StandardGamma>(alpha, generator);
}

// ---- Dirichlet ----

Tensor dirichlet_grad(const Tensor& x, const Tensor& alpha, const Tensor& total) {
  check_floating("_dirichlet_grad", x.dtype());
  const Dims shape = broadcast_shapes(
      "_dirichlet_grad", broadcast_shapes("_dirichlet_grad", x.shape(), alpha.shape()), total.shape());
  NoGradGuard guard;
  const Tensor values = doubles(x, shape), a = doubles(alpha, shape), sums = doubles(total, shape);
  const Tensor y = Tensor::empty(shape, x.dtype());
  if (y.is_meta()) return y;
  beta_grad(
      {values.data<double>(), a.data<double>(), sums.data<double>(), y.dtype(), y.data_ptr(), y.numel()});
  return y;
}

struct SampleDirichlet {
  static constexpr OpMeta meta{"_sample_dirichlet", kNoSecondDerivative};
  static Tensor forward(OpContext& ctx, const Tensor& alpha, Generator* generator) {
    check_floating("_sample_dirichlet", alpha.dtype());
    PLAIT_CHECK(alpha.dim() > 0, kValue,
                "_sample_dirichlet: expected alpha of at least one dimension, got shape ", alpha.shape());
    const Tensor a = at_least_0("_sample_dirichlet", "alpha of at least 0", alpha);
    const Tensor y = Tensor::empty(alpha.shape(), alpha.dtype());
    const int64_t n = alpha.shape().back();
    if (y.has_values()) {
      sample_dirichlet(a.data<double>(), y.dtype(), y.data_ptr(), y.numel() / n, n, generator);
    }
    ctx.save(alpha);
    ctx.save_result(y);
    return y;
  }
  // galpha = d (gy - sum(y gy)), d of kernels/random/reparameterized.h
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, Generator*) {
    const Tensor alpha = ctx.saved(0), y = ctx.saved(1);
    const Dims last{-1};
    const Tensor d =
        dirichlet_grad(y, cast(alpha, DType::kFloat64), sum(cast(alpha, DType::kFloat64), last, true));
    return {mul(d, sub(gy, sum(mul(y, gy), last, true)))};
  }
};
Tensor sample_dirichlet_op(const Tensor& alpha, Generator* generator) {
  return apply<SampleDirichlet>(alpha, generator);
}

// ---- Counts and angles ----

struct Poisson {
  static constexpr OpMeta meta{"poisson"};
  static Tensor forward(OpContext&, const Tensor& rate, Generator* generator) {
    check_floating("poisson", rate.dtype());
    const Tensor r = at_least_0("poisson", "rates of at least 0", rate);
    const Tensor y = Tensor::empty(rate.shape(), rate.dtype());
    if (y.has_values()) sample_poisson(r.data<double>(), y.dtype(), y.data_ptr(), y.numel(), generator);
    return y;
  }
  static Grads backward(OpContext&, const Tensor& gy, Generator*) { return {zeros_like(gy)}; }
};
Tensor poisson(const Tensor& rate, Generator* generator) { return apply<Poisson>(rate, generator); }

struct Binomial {
  static constexpr OpMeta meta{"binomial"};
  static Tensor forward(OpContext&, const Tensor& count, const Tensor& prob, Generator* generator) {
    check_floating("binomial", count.dtype());
    check_floating("binomial", prob.dtype());
    const Dims shape = broadcast_shapes("binomial", count.shape(), prob.shape());
    const Tensor n = at_least_0("binomial", "counts of at least 0", count), trials = doubles(n, shape);
    const Tensor p = doubles(prob, prob.shape()), chances = doubles(p, shape);
    check_range("binomial", "probabilities in [0, 1]", p, 0, 1);
    const Tensor y = Tensor::empty(shape, promote_types(count.dtype(), prob.dtype()));
    if (y.is_meta()) return y;
    sample_binomial(trials.data<double>(), chances.data<double>(), y.dtype(), y.data_ptr(), y.numel(),
                    generator);
    return y;
  }
  static Grads backward(OpContext&, const Tensor& gy, Generator*) { return {zeros_like(gy), zeros_like(gy)}; }
};
Tensor binomial(const Tensor& count, const Tensor& prob, Generator* generator) {
  return apply<Binomial>(count, prob, generator);
}

Tensor von_mises(const Tensor& kappa, Generator* generator) {
  check_floating("_sample_von_mises", kappa.dtype());
  NoGradGuard guard;
  const Tensor k = at_least_0("_sample_von_mises", "kappa of at least 0", kappa);
  const Tensor y = Tensor::empty(kappa.shape(), kappa.dtype());
  if (y.has_values()) sample_von_mises(k.data<double>(), y.dtype(), y.data_ptr(), y.numel(), generator);
  return y;
}

const RegisterOps kOps{
    {"_standard_gamma(Tensor input, *, Generator? generator=None) -> Tensor", "p", PLAIT_BOX(standard_gamma),
     "Gamma random numbers of shape `input` and rate 1, differentiable once by the shape."},
    {"_standard_gamma_grad(Tensor input, Tensor output) -> Tensor", "p", PLAIT_BOX(standard_gamma_grad),
     "The derivative of gamma random numbers `output` by their shape `input`."},
    {"_sample_dirichlet(Tensor input, *, Generator? generator=None) -> Tensor", "p",
     PLAIT_BOX(sample_dirichlet_op),
     "Dirichlet random numbers along the last dimension, differentiable once by the concentration `input`."},
    {"_dirichlet_grad(Tensor x, Tensor alpha, Tensor total) -> Tensor", "p", PLAIT_BOX(dirichlet_grad),
     "The derivative of beta random numbers `x` by `alpha`, where `total` is the sum of both parameters, "
     "over 1 - x."},
    {"_sample_von_mises(Tensor kappa, *, Generator? generator=None) -> Tensor", "p", PLAIT_BOX(von_mises),
     "Random angles around 0 with concentration `kappa`."},
    {"poisson(Tensor input, *, Generator? generator=None) -> Tensor", "f", PLAIT_BOX(poisson),
     R"(Random numbers of events with the mean numbers in `input`, in its dtype.

The numbers depend on the generator's seed and position, not on the number of threads. The gradient is 0; a rate that
is NaN gives NaN.

Raises:
    TypeError: a dtype that is not floating-point.
    ValueError: a negative rate.

Source: Hoermann, "The transformed rejection method for generating Poisson random variables", Insurance: Mathematics
and Economics 12, 1993.

Example:
    >>> plait.poisson(plait.tensor([0.0, 0.0]))
    tensor([0., 0.]))"},
    {"binomial(Tensor count, Tensor prob, *, Generator? generator=None) -> Tensor", "f", PLAIT_BOX(binomial),
     R"(Random numbers of successes among `count` trials, each of which succeeds with probability `prob`.

Both broadcast against each other. The gradient is 0; a parameter that is NaN gives NaN.

Raises:
    TypeError: a dtype that is not floating-point.
    ValueError: a negative count, a probability outside [0, 1].

Source: Hoermann, "The generation of binomial random variates", Journal of Statistical Computation and Simulation 46,
1993.

Example:
    >>> plait.binomial(plait.tensor([3.0, 5.0]), plait.tensor([0.0, 1.0]))
    tensor([0., 5.]))"},
};

}  // namespace
}  // namespace plait
