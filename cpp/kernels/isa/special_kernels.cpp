// SPDX-License-Identifier: MIT
// Special functions as pointwise loops. Bound by multiply-adds: 2 to 8 ns per element.
#include "kernels/special/special_args.h"

#include "kernels/isa/bessel.h"
#include "kernels/isa/modified_bessel.h"
#include "kernels/isa/normal.h"
#include "kernels/isa/pointwise_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

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

}  // namespace

void fill_special(KernelTable& table) {
#define PLAIT_SET_SPECIAL(name) \
  set_floats<Functor_##name, arity<Functor_##name, F64>()>(table.special.fn[Special::name]);
  PLAIT_SPECIAL_KERNELS(PLAIT_SET_SPECIAL)
}

}  // namespace plait::PLAIT_ISA_NS
