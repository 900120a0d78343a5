// SPDX-License-Identifier: MIT
// Arithmetic on complex numbers: the functors of pointwise_functors.h on pairs of real numbers, and what is
// particular to complex ones. Functions that need more than arithmetic are in
// kernels/complex/complex_functions.cpp.
//
// out[i] = f(in[0][i], in[1][i], ...), one loop that the compiler vectorises over pairs; bound by memory
// bandwidth, division by its dividers. Products are rounded one by one (the file is compiled without fused
// multiply-add), so that no result depends on its place in a vector.
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// A complex number with operators.
template <class T>
struct Number : Complex<T> {
  Number() = default;
  PLAIT_INLINE Number(T re, T im) : Complex<T>{re, im} {}
  PLAIT_INLINE Number(int re) : Complex<T>{static_cast<T>(re), 0} {}  // NOLINT: 1 / z
};

template <class T>
PLAIT_INLINE Number<T> operator+(Number<T> a, Number<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
PLAIT_INLINE Number<T> operator-(Number<T> a, Number<T> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class T>
PLAIT_INLINE Number<T> operator-(Number<T> a) {
  return {-a.re, -a.im};
}
template <class T>
PLAIT_INLINE Number<T> operator*(Number<T> a, Number<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class T>
PLAIT_INLINE T magnitude(T x) {
  return x < 0 ? -x : x;
}
// Smith's division: scaled by the larger part of b, so that nothing overflows on the way.
//   r = q / p, (a.re + a.im r, a.im - a.re r) / (p + q r)  for b = p + i q, |p| >= |q|
template <class T>
PLAIT_INLINE Number<T> operator/(Number<T> a, Number<T> b) {
  const bool real = magnitude(b.re) >= magnitude(b.im);
  const T p = real ? b.re : b.im, q = real ? b.im : b.re;
  const T r = q / p, scale = 1 / (p + q * r);
  const T re = real ? a.re + a.im * r : a.re * r + a.im, im = real ? a.im - a.re * r : a.im * r - a.re;
  const T zero = magnitude(p);  // by 0 each part is divided alone
  return p == 0 ? Number<T>{a.re / zero, a.im / zero} : Number<T>{re * scale, im * scale};
}
template <class T>
PLAIT_INLINE bool operator==(Number<T> a, Number<T> b) {
  return (a.re == b.re) & (a.im == b.im);
}

struct AddZ {
  template <class V>
  static PLAIT_INLINE V f(V a, V b) {
    return a + b;
  }
};
struct SubZ {
  template <class V>
  static PLAIT_INLINE V f(V a, V b) {
    return a - b;
  }
};
struct MulZ {
  template <class V>
  static PLAIT_INLINE V f(V a, V b) {
    return a * b;
  }
};
struct DivZ {
  template <class V>
  static PLAIT_INLINE V f(V a, V b) {
    return a / b;
  }
};
struct AddScaledZ {  // a + alpha b
  template <class V>
  static PLAIT_INLINE V f(V a, V b, V alpha) {
    return a + alpha * b;
  }
};
struct AddcmulZ {  // a + value b c
  template <class V>
  static PLAIT_INLINE V f(V a, V b, V c, V value) {
    return a + value * b * c;
  }
};
struct AddcdivZ {  // a + value b / c
  template <class V>
  static PLAIT_INLINE V f(V a, V b, V c, V value) {
    return a + value * b / c;
  }
};
struct LerpZ {  // a + w (b - a), from the nearer end
  template <class V>
  static PLAIT_INLINE V f(V a, V b, V w) {
    return w.re * w.re + w.im * w.im < decltype(w.re)(0.25) ? a + w * (b - a) : b - (b - a) * (V(1) - w);
  }
};
struct NegZ {
  template <class V>
  static PLAIT_INLINE V f(V a) {
    return -a;
  }
};
struct ConjZ {
  template <class V>
  static PLAIT_INLINE V f(V a) {
    return {a.re, -a.im};
  }
};
struct SquareZ {
  template <class V>
  static PLAIT_INLINE V f(V a) {
    return a * a;
  }
};
struct CubeZ {
  template <class V>
  static PLAIT_INLINE V f(V a) {
    return a * a * a;
  }
};
struct ReciprocalZ {
  template <class V>
  static PLAIT_INLINE V f(V a) {
    return V(1) / a;
  }
};
struct EqZ {
  template <class V>
  static PLAIT_INLINE bool f(V a, V b) {
    return a == b;
  }
};
struct NeZ {
  template <class V>
  static PLAIT_INLINE bool f(V a, V b) {
    return !(a == b);
  }
};
struct MakeZ {  // from real and imaginary part
  template <class T>
  static PLAIT_INLINE Number<T> f(T re, T im) {
    return {re, im};
  }
};

template <class F, class Out, class In>
void unary(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  auto* o = static_cast<Out*>(out);
  const auto* a = static_cast<const In*>(in[0]);
  if (broadcast & 1) {
    const Out v = F::f(*a);
    for (int64_t i = 0; i < n; ++i) o[i] = v;
    return;
  }
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) o[i] = F::f(a[i]);
}

template <class F, class Out, class In>
void binary(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  auto* o = static_cast<Out*>(out);
  const auto* a = static_cast<const In*>(in[0]);
  const auto* b = static_cast<const In*>(in[1]);
  const In first = *a, second = *b;  // before the result overwrites them
  switch (broadcast & 3) {
    case 0:
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) o[i] = F::f(a[i], b[i]);
      break;
    case 1:
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) o[i] = F::f(first, b[i]);
      break;
    case 2:
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) o[i] = F::f(a[i], second);
      break;
    default:
      for (int64_t i = 0; i < n; ++i) o[i] = F::f(first, second);
  }
}

// Three operands, or three and a parameter.
template <class F, class T, int kArity>
void several(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  auto* o = static_cast<T*>(out);
  const T* p[kArity];
  int64_t step[kArity];
  for (int k = 0; k < kArity; ++k) {
    p[k] = static_cast<const T*>(in[k]);
    step[k] = broadcast >> k & 1 ? 0 : 1;
  }
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (kArity == 3) {
      o[i] = F::f(p[0][i * step[0]], p[1][i * step[1]], p[2][i * step[2]]);
    } else {
      o[i] = F::f(p[0][i * step[0]], p[1][i * step[1]], p[2][i * step[2]], p[3][i * step[3]]);
    }
  }
}

template <class T>
void set_complex(PointwiseTable& t) {
  using Z = Number<T>;
  const auto fn = [&](Pointwise op) -> PointwiseFn& { return t.fn[op].template of<Complex<T>>(); };
  fn(Pointwise::kAdd) = binary<AddZ, Z, Z>;
  fn(Pointwise::kSub) = binary<SubZ, Z, Z>;
  fn(Pointwise::kMul) = binary<MulZ, Z, Z>;
  fn(Pointwise::kDiv) = binary<DivZ, Z, Z>;
  fn(Pointwise::kEq) = binary<EqZ, bool, Z>;
  fn(Pointwise::kNe) = binary<NeZ, bool, Z>;
  fn(Pointwise::kMakeComplex) = binary<MakeZ, Z, T>;
  fn(Pointwise::kAddScaled) = several<AddScaledZ, Z, 3>;
  fn(Pointwise::kLerp) = several<LerpZ, Z, 3>;
  fn(Pointwise::kAddcmul) = several<AddcmulZ, Z, 4>;
  fn(Pointwise::kAddcdiv) = several<AddcdivZ, Z, 4>;
  fn(Pointwise::kNeg) = unary<NegZ, Z, Z>;
  fn(Pointwise::kConj) = unary<ConjZ, Z, Z>;
  fn(Pointwise::kSquare) = unary<SquareZ, Z, Z>;
  fn(Pointwise::kCube) = unary<CubeZ, Z, Z>;
  fn(Pointwise::kReciprocal) = unary<ReciprocalZ, Z, Z>;
}

}  // namespace

void fill_complex(KernelTable& table) {
  set_complex<float>(table.pointwise);
  set_complex<double>(table.pointwise);
}

}  // namespace plait::PLAIT_ISA_NS
