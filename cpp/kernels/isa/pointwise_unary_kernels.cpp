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

// Halves differ from their opposite in one bit.
struct ClearSign {
  template <class V>
  static V f(V x) {
    return x & 0x7fff;
  }
};
struct FlipSign {
  template <class V>
  static V f(V x) {
    return x ^ 0x8000;
  }
};

}  // namespace

void fill_pointwise_unary(KernelTable& table) {
  PointwiseTable& t = table.pointwise;
#define PLAIT_UNARY(Name, name, types, keeps, ...) \
  set_unary<Name, Types::types, Keeps::keeps>(t, Pointwise::k##Name);
#define PLAIT_UNARY_KERNEL(Name, types, keeps) PLAIT_UNARY(Name, , types, keeps, )
#include "kernels/pointwise/pointwise.def"
  const auto boolean = [&](Pointwise op) -> PointwiseFn& { return t.fn[static_cast<int>(op)][0]; };
  for (int half = 6; half < 8; ++half) {
    t.fn[static_cast<int>(Pointwise::kAbs)][half] = pointwise_loop<ClearSign, uint16_t, uint16_t, 1, true>;
    t.fn[static_cast<int>(Pointwise::kNeg)][half] = pointwise_loop<FlipSign, uint16_t, uint16_t, 1, true>;
  }
  boolean(Pointwise::kBitwiseNot) = pointwise_loop<BoolNot, uint8_t, uint8_t, 1>;
}

}  // namespace plait::PLAIT_ISA_NS
