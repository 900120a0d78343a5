// SPDX-License-Identifier: MIT
// Special functions as pointwise loops. Bound by multiply-adds: 2 to 8 ns per element.
#include "kernels/special/special_args.h"

#include "kernels/isa/bessel.h"
#include "kernels/isa/modified_bessel.h"
#include "kernels/isa/normal.h"
#include "kernels/isa/path_derivatives.h"
#include "kernels/isa/pointwise_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

PLAIT_INLINE F64 gammainc_grad_a(F64 a, F64 x) {
  const I64 valid = (a >= 0) & (x >= 0), inside = valid & (x > 0) & (x < kInf<double>)&(a < kInf<double>);
  a = max(a, splat<F64>(1e-100));  // the limit at 0 is that of E1
  const F64 y =
      -standard_gamma_grad(a, x, special::kDoubleTolerance) * per_lane(a, x, special::gamma_density);
  return select(inside, y, select(valid, F64{}, splat<F64>(kNaN<double>)));
}

// A function of F64 as one of both; functions of F32 of their own come first.
#define PLAIT_SPECIAL_FUNCTOR(name)                                            \
  struct Functor_##name {                                                      \
    template <class... V>                                                      \
    static auto f(V... x)                                                      \
      requires requires { name(x...); }                                        \
    {                                                                          \
      return name(x...);                                                       \
    }                                                                          \
    template <class... V>                                                      \
    static F32 f(F32 x, V... rest)                                             \
      requires(!requires { name(x, rest...); })                                \
    {                                                                          \
      return via_f64(x, rest..., [](auto... d) -> F64 { return name(d...); }); \
    }                                                                          \
  };
PLAIT_SPECIAL_KERNELS(PLAIT_SPECIAL_FUNCTOR)

// f of vectors of n doubles each.
template <class F, class... In>
PLAIT_INLINE void for_vectors(int64_t n, double* y, F f, In... x) {
  int64_t i = 0;
  for (; i + kLanes<double> <= n; i += kLanes<double>) store(y + i, f(load(x + i)...));
  if (i < n) store_n(y + i, f(load_n(x + i, n - i)...), n - i);
}
void gamma_grads(const double* alpha, const double* x, double* y, int64_t n, double tolerance) {
  for_vectors(n, y, [tolerance](F64 a, F64 v) { return standard_gamma_grad(a, v, tolerance); }, alpha, x);
}
void beta_grads(const double* x, const double* alpha, const double* total, double* y, int64_t n,
                double tolerance) {
  for_vectors(
      n, y, [tolerance](F64 v, F64 a, F64 t) { return beta_grad(v, a, t, tolerance); }, x, alpha, total);
}

}  // namespace

void fill_special(KernelTable& table) {
#define PLAIT_SET_SPECIAL(name) \
  set_floats<Functor_##name, arity<Functor_##name, F64>()>(table.special.fn[Special::name]);
  PLAIT_SPECIAL_KERNELS(PLAIT_SET_SPECIAL)
  table.special.gamma_grad = gamma_grads;
  table.special.beta_grad = beta_grads;
}

}  // namespace plait::PLAIT_ISA_NS
