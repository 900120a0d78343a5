// SPDX-License-Identifier: MIT
// Pointwise functions of one operand (and parameters), values and fused derivatives.
#include "kernels/isa/pointwise_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class F, Types kTypes, Keeps kKeeps>
void set_unary(PointwiseTable& t, Pointwise value) {
  PointwiseFn* row = t.fn[static_cast<int>(value)];
  set_values<F, kTypes>(row);
  if constexpr (kKeeps != Keeps::None) set_floats<Grad<F>, arity<F, F32>() + 1>(row + 10);  // k<Name>Grad
}

}  // namespace

void fill_pointwise_unary(KernelTable& table) {
  PointwiseTable& t = table.pointwise;
#define PLAIT_UNARY(Name, name, types, keeps, ...) \
  set_unary<Name, Types::types, Keeps::keeps>(t, Pointwise::k##Name);
#define PLAIT_UNARY_KERNEL(Name, types, keeps) PLAIT_UNARY(Name, , types, keeps, )
#include "ops/pointwise.def"
  const auto boolean = [&](Pointwise op) -> PointwiseFn& { return t.fn[static_cast<int>(op)][0]; };
  boolean(Pointwise::kBitwiseNot) = pointwise_loop<BoolNot, uint8_t, uint8_t, 1>;
}

}  // namespace plait::PLAIT_ISA_NS
