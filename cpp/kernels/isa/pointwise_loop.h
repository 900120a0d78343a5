// SPDX-License-Identifier: MIT
// The one loop of every pointwise kernel: whole vectors, then one masked vector. A broadcast operand is a
// vector in a small buffer that is read again and again (step 0), so no variant is compiled for it. Bound by
// memory, or by the arithmetic of f when the operands are in cache.
#pragma once

#include "kernels/isa/special.h"
#include "kernels/pointwise_functors.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <int... K>
struct Indices {};
template <int N, int... K>
struct MakeIndices : MakeIndices<N - 1, N - 1, K...> {};
template <int... K>
struct MakeIndices<0, K...> {
  using type = Indices<K...>;
};

// Comparisons are stored as bool: one byte of 0 or 1 each.
template <class M>
PLAIT_INLINE auto mask_bytes(M m) {
  constexpr int kN = static_cast<int>(sizeof(M) / sizeof(ElemT<M>));
  using Bytes = typename VecOf<uint8_t, kN>::type;
#if PLAIT_ISA_LEVEL == 2
  if constexpr (sizeof(ElemT<M>) == 4) return (Bytes)_mm_maskz_set1_epi8(_mm512_movepi32_mask((__m512i)m), 1);
  if constexpr (sizeof(ElemT<M>) == 2)
    return (Bytes)_mm256_maskz_set1_epi8(_mm512_movepi16_mask((__m512i)m), 1);
#endif
  if constexpr (sizeof(ElemT<M>) == 1) {
    return (Bytes)m & 1;
  } else {
    return __builtin_convertvector(m, Bytes) & 1;
  }
}

template <class Out, class V>
PLAIT_INLINE void put(Out* p, V v) {
  if constexpr (kSame<Out, bool>) {
    const auto bytes = mask_bytes(v);
    __builtin_memcpy(p, &bytes, sizeof bytes);
  } else {
    store(p, v);
  }
}
template <class Out, class V>
PLAIT_INLINE void put_n(Out* p, V v, int64_t n) {
  if constexpr (kSame<Out, bool>) {
    const auto bytes = mask_bytes(v);
    __builtin_memcpy(p, &bytes, static_cast<size_t>(n));
  } else {
    store_n(p, v, n);
  }
}

// A vector of T under the operand pointers, which may also stand for a splat.
template <class T>
struct Operand {
  const T* p;
  int64_t step;
  alignas(kVecBytes) T splat_of[kLanes<T>];

  PLAIT_INLINE void bind(const void* in, bool broadcast) {
    p = static_cast<const T*>(in);
    step = kLanes<T>;
    if (broadcast) {
      store(splat_of, splat<Vec<T>>(*p));
      p = splat_of;
      step = 0;
    }
  }
};

template <class F, class Out, class T, int... K>
PLAIT_INLINE void run_loop(Out* o, const void* const* in, uint32_t broadcast, int64_t n, Indices<K...>) {
  Operand<T> x[sizeof...(K)];
  (x[K].bind(in[K], broadcast >> K & 1), ...);
  for (; n >= kLanes<T>; n -= kLanes<T>, o += kLanes<T>) {
    put(o, F::f(load(x[K].p)...));
    ((x[K].p += x[K].step), ...);
  }
  if (n > 0) put_n(o, F::f(load_n(x[K].p, n)...), n);
}

template <class F, class Out, class T, int kArity>
void pointwise_loop(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  run_loop<F, Out, T>(static_cast<Out*>(out), in, broadcast, n, typename MakeIndices<kArity>::type{});
}

// Number of operands of F::f.
template <class F, class V>
constexpr int arity() {
  if constexpr (requires(V v) { F::f(v); }) return 1;
  if constexpr (requires(V v) { F::f(v, v); }) return 2;
  if constexpr (requires(V v) { F::f(v, v, v); }) return 3;
  return 4;
}

// gy * df(...)
template <class F>
struct Grad {
  template <class V, class... P>
  static V f(V gy, V x, P... p) {
    return gy * F::df(x, p...);
  }
};
template <class F>
struct GradA {
  template <class V>
  static V f(V gy, V a, V b) {
    return gy * F::da(a, b);
  }
};
template <class F>
struct GradB {
  template <class V>
  static V f(V gy, V a, V b) {
    return gy * F::db(a, b);
  }
};

using Types = PointwiseTypes;
using Keeps = PointwiseKeeps;
using Gradient = PointwiseGradient;

template <class F, class T, bool kTest, int kArity>
constexpr PointwiseFn loop_of() {
  if constexpr (kTest) {
    return pointwise_loop<F, bool, T, kArity>;
  } else {
    return pointwise_loop<F, T, T, kArity>;
  }
}

template <class F, Types kTypes>
void set_values(PointwiseFn* row) {
  constexpr bool kTest = kTypes == Types::Test || kTypes == Types::FloatTest;
  constexpr int kArity = arity<F, F32>();
  if constexpr (kTypes != Types::Integer) {
    row[8] = loop_of<F, float, kTest, arity<F, F32>()>();
    row[9] = loop_of<F, double, kTest, arity<F, F32>()>();
  }
  if constexpr (kTypes == Types::Number || kTypes == Types::NumberBool || kTypes == Types::Integer ||
                kTypes == Types::Test) {
    row[1] = loop_of<F, uint8_t, kTest, kArity>();
    row[2] = loop_of<F, int8_t, kTest, kArity>();
    row[3] = loop_of<F, int16_t, kTest, kArity>();
    row[4] = loop_of<F, int32_t, kTest, kArity>();
    row[5] = loop_of<F, int64_t, kTest, kArity>();
  }
  if constexpr (kTypes == Types::NumberBool || kTypes == Types::Integer || kTypes == Types::Test)
    row[0] = row[1];
}

template <class F, int kArity>
void set_floats(PointwiseFn* row) {
  row[8] = pointwise_loop<F, float, float, kArity>;
  row[9] = pointwise_loop<F, double, double, kArity>;
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
