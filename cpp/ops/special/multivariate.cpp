// SPDX-License-Identifier: MIT
// The multivariate gamma function, made of other ops.
#include <cmath>

#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// log Gamma_p(x) = p (p - 1) / 4 log pi + sum over j < p of log Gamma(x - j / 2)
Tensor mvlgamma(const Tensor& x, int64_t p) {
  PLAIT_CHECK(p >= 1, kValue, "mvlgamma: expected p of at least 1, got ", p);
  const Tensor a = cast(x, float_type(x.dtype()));
  const Tensor halves = arange(0, Scalar(-0.5 * static_cast<double>(p)), Scalar(-0.5), a.dtype());
  const double order = static_cast<double>(p), constant = 0.25 * order * (order - 1) * std::log(M_PI);
  return add(sum(lgamma(unsqueeze(a, -1) + halves), Dims{-1}), constant);
}
Tensor mvlgamma_(const Tensor& x, int64_t p) {
  copy_(x, mvlgamma(x, p));
  return x;
}

constexpr const char* kDoc = R"(log of the multivariate gamma function of dimension `p`.

p (p - 1) / 4 log(pi) plus the sum of lgamma(x - j / 2) for j from 0 to p - 1. The result has the shape of `input`;
integers are computed as the default float dtype. A `p` below 1 raises ValueError.

Example:
    >>> plait.mvlgamma(plait.tensor([4., 5.]), 2)
    tensor([3.5651, 6.2042])
)";

const RegisterOps kOps{
    {"mvlgamma(Tensor input, int p) -> Tensor", "fmo", PLAIT_BOX(mvlgamma), kDoc},
    {"special_multigammaln(Tensor input, int p) -> Tensor", "so", PLAIT_BOX(mvlgamma),
     R"(The name of mvlgamma in this module.

Example:
    >>> plait.special.multigammaln(plait.tensor([4., 5.]), 2)
    tensor([3.5651, 6.2042])
)"},
    {"mvlgamma_(Tensor input, int p) -> Tensor", "m", PLAIT_BOX(mvlgamma_),
     "The in-place form of mvlgamma: write the result into `input` and return it."},
};

}  // namespace
}  // namespace plait
