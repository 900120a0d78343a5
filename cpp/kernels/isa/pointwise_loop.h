// SPDX-License-Identifier: MIT
// The one loop of every pointwise kernel, out[i] = f(in[0][i], in[1][i], ...): up to the first aligned vector
// of the result, whole vectors, one masked vector. A broadcast operand is a vector in a small buffer that is
// read again and again (step 0), so no variant is compiled for it.
//
// Bound by memory bandwidth, or by the arithmetic of f where the operands are in a cache. x + y of 16 M
// floats runs at 45 GB/s, 170% of the copy bandwidth, because large results are stored past the caches (two
// cores of an AMD EPYC, Zen 4, AVX-512, 2026-11-26, bench/README.md).
#pragma once

#include "kernels/isa/special.h"
#include "kernels/pointwise/pointwise_functors.h"
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

// A comparison as bools, one byte of 0 or 1 each. Packing with saturation keeps masks, which are all or
// nothing; a conversion of the vector would need shuffles across lanes.
template <class M>
PLAIT_INLINE auto mask_bytes(M m) {
  constexpr int kItem = static_cast<int>(sizeof(ElemT<M>)), kN = static_cast<int>(sizeof(M)) / kItem;
  using Bytes = typename VecOf<uint8_t, kN>::type;
  if constexpr (kItem == 1) {
    return (Bytes)m & 1;
  } else {
#if PLAIT_ISA_LEVEL == 2
    if constexpr (kItem == 4) return (Bytes)_mm_maskz_set1_epi8(_mm512_movepi32_mask((__m512i)m), 1);
    if constexpr (kItem == 2) return (Bytes)_mm256_maskz_set1_epi8(_mm512_movepi16_mask((__m512i)m), 1);
    const __m128i bytes = _mm_maskz_set1_epi8(_mm512_movepi64_mask((__m512i)m), 1);
    Bytes r;
    __builtin_memcpy(&r, &bytes, sizeof r);
    return r;
#elif defined(__SSE2__)
    __m128i low, high;
    if constexpr (sizeof(M) == 32) {
      low = (__m128i)low_half(m);
      high = (__m128i)high_half(m);
    } else {
      low = high = (__m128i)m;
    }
    if constexpr (kItem == 8) low = high = (__m128i)_mm_shuffle_ps((__m128)low, (__m128)high, 0x88);
    if constexpr (kItem >= 4) low = high = _mm_packs_epi32(low, high);
    const __m128i bytes = _mm_and_si128(_mm_packs_epi16(low, high), _mm_set1_epi8(1));
    Bytes r;
    __builtin_memcpy(&r, &bytes, sizeof r);
    return r;
#else
    return __builtin_convertvector(m, Bytes) & 1;
#endif
  }
}

// The reverse: bytes of 0 and 1 as a comparison. GCC converts such a vector byte by byte.
template <class M, class Bytes>
PLAIT_INLINE M bytes_mask(Bytes b) {
  constexpr int kItem = static_cast<int>(sizeof(ElemT<M>));
  if constexpr (kItem == 1) {
    return b != 0;
  } else {
#if PLAIT_ISA_LEVEL > 0
    __m256i bytes{};
    __builtin_memcpy(&bytes, &b, sizeof b);
    const __m128i low = _mm256_castsi256_si128(bytes);
#endif
#if PLAIT_ISA_LEVEL == 2
    if constexpr (kItem == 2) return (M)_mm512_movm_epi16(_mm256_test_epi8_mask(bytes, bytes));
    if constexpr (kItem == 4) return (M)_mm512_movm_epi32(_mm_test_epi8_mask(low, low));
    return (M)_mm512_movm_epi64(static_cast<__mmask8>(_mm_test_epi8_mask(low, low)));
#elif PLAIT_ISA_LEVEL == 1
    if constexpr (kItem == 2) return (M)_mm256_cvtepi8_epi16(low) != 0;
    if constexpr (kItem == 4) return (M)_mm256_cvtepi8_epi32(low) != 0;
    return (M)_mm256_cvtepi8_epi64(low) != 0;
#else
    return __builtin_convertvector(b, M) != 0;
#endif
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

template <class T>
inline constexpr bool kIsHalf = kSame<T, f16> || kSame<T, bf16>;

// The vector at p, or a splat in `scratch`. The two are apart so that the pointer stays in a register: a
// store through a pointer into the same object could change it.
template <class T>
struct SplatScratch {
  alignas(kVecBytes) T of[kLanes<T>];
};
template <class T>
struct Operand {
  const T* p;
  int64_t step;

  PLAIT_INLINE void bind(const void* in, uint32_t broadcast, SplatScratch<T>& scratch) {
    p = static_cast<const T*>(in);
    step = kLanes<T>;
    if (broadcast & 1) {
      store(scratch.of, splat<Vec<T>>(*p));
      p = scratch.of;
      step = 0;
    }
  }
  PLAIT_INLINE Vec<T> get(int i = 0) const { return load(p + i * step); }
  PLAIT_INLINE Vec<T> get_n(int64_t n) const { return load_n(p, n); }
};
// Halves have no arithmetic: a splat of one is a vector of floats.
template <class T>
  requires kIsHalf<T>
struct Operand<T> {
  const T* p;
  int64_t step;
  F32 splat_of{};

  PLAIT_INLINE void bind(const void* in, uint32_t broadcast, SplatScratch<T>&) {
    p = static_cast<const T*>(in);
    step = broadcast & 1 ? 0 : kLanes<T>;
    if (broadcast & 1) {
      splat_of = splat<F32>(broadcast & kPointwiseWide ? *static_cast<const float*>(in) : load_n(p, 1)[0]);
    }
  }
  PLAIT_INLINE F32 get(int i = 0) const { return step == 0 ? splat_of : load(p + i * step); }
  PLAIT_INLINE F32 get_n(int64_t n) const { return step == 0 ? splat_of : load_n(p, n); }
};

// Four vectors a round for functions of a few instructions, where counting and stepping would cost as much
// again; their own loop would only make the longer ones larger.
template <class F, class Out, class T, bool kShort, int... K>
PLAIT_INLINE void run_loop(Out* out, const void* const* in, uint32_t broadcast, int64_t n, Indices<K...>) {
  constexpr int L = kLanes<T>;
  Out* o = out;
  SplatScratch<T> scratch[sizeof...(K)];
  Operand<T> x[sizeof...(K)];
  (x[K].bind(in[K], broadcast >> K, scratch[K]), ...);
  if constexpr (PLAIT_ISA_LEVEL > 0 && kSame<Out, T> && !kIsHalf<T>) {
    // Up to the next whole vector of the result: later ones would lie across two cache lines.
    const auto head = static_cast<int64_t>(-reinterpret_cast<uintptr_t>(o) % kVecBytes / sizeof(T));
    if (head > 0 && n >= 8 * L) {
      put_n(o, F::f(x[K].get_n(head)...), head);
      ((x[K].p += x[K].step ? head : 0), ...);
      o += head;
      n -= head;
    }
    // Non-temporal stores for a result too large for the caches: its lines are not read first.
    const int64_t arrays = (1 + ... + (x[K].step != 0));
    if (n * arrays * static_cast<int64_t>(sizeof(T)) >= kStreamBytes && ((in[K] != out) && ...) &&
        reinterpret_cast<uintptr_t>(o) % kVecBytes == 0) {
      for (; n >= 4 * L; n -= 4 * L, o += 4 * L) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) store_stream(o + i * L, F::f(x[K].get(i)...));
        ((x[K].p += 4 * x[K].step), ...);
      }
      stream_fence();
    }
  }
  if constexpr (kShort) {
    for (; n >= 4 * L; n -= 4 * L, o += 4 * L) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) put(o + i * L, F::f(x[K].get(i)...));
      ((x[K].p += 4 * x[K].step), ...);
    }
  }
  for (; n >= kLanes<T>; n -= kLanes<T>, o += kLanes<T>) {
    put(o, F::f(x[K].get()...));
    ((x[K].p += x[K].step), ...);
  }
  if (n > 0) put_n(o, F::f(x[K].get_n(n)...), n);
}

template <class F, class Out, class T, int kArity, bool kShort = false>
void pointwise_loop(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  run_loop<F, Out, T, kShort>(static_cast<Out*>(out), in, broadcast, n, typename MakeIndices<kArity>::type{});
}

// Number of operands of F::f.
template <class F, class V>
constexpr int arity() {
  if constexpr (requires(V v) { F::f(v); }) return 1;
  if constexpr (requires(V v) { F::f(v, v); }) return 2;
  if constexpr (requires(V v) { F::f(v, v, v); }) return 3;
  if constexpr (requires(V v) { F::f(v, v, v, v); }) return 4;
  return 5;
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
  template <class V, class... P>
  static V f(V gy, V a, V b, P... p) {
    return gy * F::da(a, b, p...);
  }
};
template <class F>
struct GradB {
  template <class V, class... P>
  static V f(V gy, V a, V b, P... p) {
    return gy * F::db(a, b, p...);
  }
};

using Types = PointwiseTypes;
using Keeps = PointwiseKeeps;
using Gradient = PointwiseGradient;

template <class F, class T, Types kTypes>
constexpr PointwiseFn loop_of() {
  constexpr bool kTest = kTypes == Types::Test || kTypes == Types::FloatTest;
  constexpr bool kShort = (kIsFloat<T> || kIsHalf<T>) && kTypes != Types::Float;
  if constexpr (kTest) {
    return pointwise_loop<F, bool, T, arity<F, F32>(), kShort>;
  } else {
    return pointwise_loop<F, T, T, arity<F, F32>(), kShort>;
  }
}

template <class F, Types kTypes, class... Ts>
void set_loops(PerDType<PointwiseFn>& fn) {
  ((fn.of<Ts>() = loop_of<F, Ts, kTypes>()), ...);
}
// Unsigned integers take the loops of signed ones where the function does the same to both (F::kIgnoresSign).
template <class F, Types kTypes, class... Ts>
void set_unsigned_loops(PerDType<PointwiseFn>& fn) {
  if constexpr (requires { F::kIgnoresSign; }) {
    ((fn.of<Ts>() = fn.of<typename SignedOf<Ts>::type>()), ...);
  } else {
    set_loops<F, kTypes, Ts...>(fn);
  }
}

template <class F, Types kTypes>
void set_values(PerDType<PointwiseFn>& fn) {
  if constexpr (kTypes != Types::Integer) set_loops<F, kTypes, f16, bf16, float, double>(fn);
  if constexpr (kTypes == Types::Number || kTypes == Types::NumberBool || kTypes == Types::Integer ||
                kTypes == Types::Test) {
    set_loops<F, kTypes, int8_t, int16_t, int32_t, int64_t>(fn);
    set_unsigned_loops<F, kTypes, uint8_t, uint16_t, uint32_t, uint64_t>(fn);
  }
  if constexpr (kTypes == Types::NumberBool || kTypes == Types::Integer || kTypes == Types::Test) {
    fn.of<bool>() = fn.of<uint8_t>();
  }
}

template <class F, int kArity, class Slots>
void set_floats(Slots& fn) {
  fn.template of<float>() = pointwise_loop<F, float, float, kArity>;
  fn.template of<double>() = pointwise_loop<F, double, double, kArity>;
}

// The derivatives of an op follow it in the table.
constexpr Pointwise derivative_of(Pointwise op, int number = 1) {
  return static_cast<Pointwise>(static_cast<int>(op) + number);
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
