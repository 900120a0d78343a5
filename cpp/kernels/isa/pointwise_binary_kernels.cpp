// SPDX-License-Identifier: MIT
// Pointwise functions of two and more operands, values and fused derivatives, and selection: where(c, a, b).
#include "kernels/isa/pointwise_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class F, Types kTypes, Gradient kGradient>
void set_binary(PointwiseTable& t, Pointwise value) {
  constexpr int kArity = arity<F, F32>() + 1;
  set_values<F, kTypes>(t.fn[value]);
  if constexpr (kGradient != Gradient::None) set_floats<GradA<F>, kArity>(t.fn[derivative_of(value)]);
  if constexpr (kGradient == Gradient::Fused) set_floats<GradB<F>, kArity>(t.fn[derivative_of(value, 2)]);
}

struct IntegerPow {
  template <class V>
  static V f(V a, V b) {
    return integer_pow(a, b);
  }
};

// out[n] = condition ? a : b. T is an integer type of the element's size; the condition is bytes of 0 and 1.
template <class T>
void where_loop(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  constexpr int L = kLanes<T>;
  using Bytes = typename VecOf<uint8_t, L>::type;
  using M = MaskOf<Vec<T>>;
  T* o = static_cast<T*>(out);
  SplatScratch<T> scratch[2];
  Operand<T> a, b;
  a.bind(in[1], broadcast >> 1, scratch[0]);
  b.bind(in[2], broadcast >> 2, scratch[1]);
  const auto* condition = static_cast<const uint8_t*>(in[0]);
  const bool fixed = broadcast & 1;
  Bytes c{};
  if (fixed) c = c + condition[0];
  for (; n >= L; n -= L, o += L) {
    if (!fixed) {
      __builtin_memcpy(&c, condition, sizeof c);
      condition += L;
    }
    store(o, bytes_mask<M>(c) ? load(a.p) : load(b.p));
    a.p += a.step;
    b.p += b.step;
  }
  if (n > 0) {
    if (!fixed) __builtin_memcpy(&c, condition, static_cast<size_t>(n));
    store_n(o, bytes_mask<M>(c) ? load_n(a.p, n) : load_n(b.p, n), n);
  }
}

template <class... Ts>
void set_integer_pow(PerDType<PointwiseFn>& fn) {
  ((fn.of<Ts>() = pointwise_loop<IntegerPow, Ts, Ts, 2>), ...);
}
template <class... Ts>
void set_where(PerSize<PointwiseFn>& fn) {
  ((fn.of<Ts>() = where_loop<Ts>), ...);
}

}  // namespace

void fill_pointwise_binary(KernelTable& table) {
  PointwiseTable& t = table.pointwise;
#define PLAIT_BINARY(Name, name, types, gradient, ...) \
  set_binary<Name, Types::types, Gradient::gradient>(t, Pointwise::k##Name);
#define PLAIT_BINARY_KERNEL(Name, types, gradient) PLAIT_BINARY(Name, , types, gradient, )
#include "kernels/pointwise/pointwise.def"

  set_integer_pow<uint8_t, int8_t, int16_t, int32_t, int64_t, uint16_t, uint32_t, uint64_t>(
      t.fn[Pointwise::kPow]);

  // bool: + is or, * is and.
  const auto boolean = [&](Pointwise op) -> PointwiseFn& { return t.fn[op].of<bool>(); };
  boolean(Pointwise::kAdd) = boolean(Pointwise::kBitwiseOr);
  boolean(Pointwise::kMul) = boolean(Pointwise::kBitwiseAnd);

  set_where<uint8_t, uint16_t, uint32_t, uint64_t>(t.where);
}

}  // namespace plait::PLAIT_ISA_NS
