// SPDX-License-Identifier: MIT
// Pointwise functions of one operand (and parameters), values and fused derivatives.
#include "kernels/isa/pointwise_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class F, Types kTypes, Keeps kKeeps>
void set_unary(PointwiseTable& t, Pointwise value) {
  set_values<F, kTypes>(t.fn[value]);
  if constexpr (kKeeps != Keeps::None) set_floats<Grad<F>, arity<F, F32>() + 1>(t.fn[derivative_of(value)]);
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

template <class... Halves>
void set_sign_bits(PointwiseTable& t) {
  ((t.fn[Pointwise::kAbs].of<Halves>() = pointwise_loop<ClearSign, uint16_t, uint16_t, 1, true>), ...);
  ((t.fn[Pointwise::kNeg].of<Halves>() = pointwise_loop<FlipSign, uint16_t, uint16_t, 1, true>), ...);
}

// The same at all levels: memory and the number of calls bound these loops. x + y.t() of 4096 x 64 floats
// takes 0.06 ms with a copy of y.t() and 0.45 without, of 1000 x 1000 0.2 and 0.4; below copied_long
// elements, tiles of long rows are as fast.
constexpr PointwiseTuning kTuning = {.grain = 32768,  // measured by bench/tune/pointwise.py
                                     .direct_block = 16384,
                                     .long_row = 128,
                                     .copied_short = 4096,
                                     .copied_long = 65536,
                                     .copied_bytes = 64 << 20};

}  // namespace

void fill_pointwise_unary(KernelTable& table) {
  PointwiseTable& t = table.pointwise;
  t.tuning = kTuning;
#define PLAIT_UNARY(Name, name, types, keeps, ...) \
  set_unary<Name, Types::types, Keeps::keeps>(t, Pointwise::k##Name);
#define PLAIT_UNARY_KERNEL(Name, types, keeps) PLAIT_UNARY(Name, , types, keeps, )
#include "kernels/pointwise/pointwise.def"
  set_sign_bits<f16, bf16>(t);
  t.fn[Pointwise::kBitwiseNot].of<bool>() = pointwise_loop<BoolNot, uint8_t, uint8_t, 1>;
}

}  // namespace plait::PLAIT_ISA_NS
