// SPDX-License-Identifier: MIT
// Element types, their sizes and names, and the promotion rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/dtype_enum.h"

namespace plait {

enum class DTypeCategory : uint8_t { kBool, kInteger, kFloat, kComplex };

// Storage of the 16-bit floats. Arithmetic happens in float: the conversions below are exact one way and
// round to nearest even the other way.
struct Half {
  uint16_t bits;
  Half() = default;
  explicit Half(float value);
  explicit operator float() const;
};
struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  explicit BFloat16(float value);
  explicit operator float() const;
};

size_t item_size(DType dtype);
const char* dtype_name(DType dtype);  // "float32", as Python prints it without the module
DTypeCategory category(DType dtype);
inline bool is_floating(DType dtype) { return dtype >= DType::kFloat16 && dtype <= DType::kFloat64; }
inline bool is_complex(DType dtype) { return dtype >= DType::kComplex64; }
// Tensors of these dtypes take part in the graph.
inline bool is_differentiable(DType dtype) { return dtype >= DType::kFloat16; }
inline bool is_integral(DType dtype) { return dtype < DType::kFloat16; }  // bool counts
inline bool is_unsigned(DType dtype) {                                    // bool does not count
  return dtype == DType::kUInt8 || (dtype >= DType::kUInt16 && dtype <= DType::kUInt64);
}
inline bool is_16_bit_float(DType dtype) { return dtype == DType::kFloat16 || dtype == DType::kBFloat16; }
// What a dtype is computed in: 16-bit floats in float32, rounded once at the end; every other in itself.
inline DType compute_dtype(DType dtype) { return is_16_bit_float(dtype) ? DType::kFloat32 : dtype; }
// PyTorch's rules; where PyTorch has none, for unsigned integers wider than uint8 beside other integers and
// bool, NumPy's: the narrowest dtype that holds both, and float64 for uint64 beside a signed one.
DType promote_types(DType a, DType b);
// The complex dtype whose parts hold a real dtype: complex128 for float64, complex64 for every other; a
// complex dtype itself.
DType to_complex(DType dtype);
// The dtype of the parts of a complex dtype; a real dtype itself.
DType to_real(DType dtype);
[[noreturn]] void no_such_type(DType dtype);  // TypeError: code for real numbers has met complex ones

// The dtype of floating-point results and factories; float32 unless set_default_dtype changed it.
DType default_dtype();
void set_default_dtype(DType dtype);

template <class T>
struct DTypeOf;
#define PLAIT_DTYPE_OF(T, name)                 \
  template <>                                   \
  struct DTypeOf<T> {                           \
    static constexpr DType value = DType::name; \
  };
PLAIT_DTYPE_OF(bool, kBool)
PLAIT_DTYPE_OF(uint8_t, kUInt8)
PLAIT_DTYPE_OF(int8_t, kInt8)
PLAIT_DTYPE_OF(int16_t, kInt16)
PLAIT_DTYPE_OF(int32_t, kInt32)
PLAIT_DTYPE_OF(int64_t, kInt64)
PLAIT_DTYPE_OF(uint16_t, kUInt16)
PLAIT_DTYPE_OF(uint32_t, kUInt32)
PLAIT_DTYPE_OF(uint64_t, kUInt64)
PLAIT_DTYPE_OF(Half, kFloat16)
PLAIT_DTYPE_OF(BFloat16, kBFloat16)
PLAIT_DTYPE_OF(float, kFloat32)
PLAIT_DTYPE_OF(double, kFloat64)
PLAIT_DTYPE_OF(Complex<float>, kComplex64)
PLAIT_DTYPE_OF(Complex<double>, kComplex128)
#undef PLAIT_DTYPE_OF

template <class T>
struct TypeTag {
  using type = T;
};

template <class T>
inline constexpr bool kIsComplex = false;
template <class T>
inline constexpr bool kIsComplex<Complex<T>> = true;

// Calls f(TypeTag<T>{}) with the C++ type of `dtype`:
//   dispatch(x.dtype(), [&](auto tag) { using T = typename decltype(tag)::type; ... });
// Complex dtypes raise TypeError: most code for numbers means real ones. dispatch_any() knows them too.
template <class F>
decltype(auto) dispatch(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kBool:
      return f(TypeTag<bool>{});
    case DType::kUInt8:
      return f(TypeTag<uint8_t>{});
    case DType::kInt8:
      return f(TypeTag<int8_t>{});
    case DType::kInt16:
      return f(TypeTag<int16_t>{});
    case DType::kInt32:
      return f(TypeTag<int32_t>{});
    case DType::kInt64:
      return f(TypeTag<int64_t>{});
    case DType::kUInt16:
      return f(TypeTag<uint16_t>{});
    case DType::kUInt32:
      return f(TypeTag<uint32_t>{});
    case DType::kUInt64:
      return f(TypeTag<uint64_t>{});
    case DType::kFloat16:
      return f(TypeTag<Half>{});
    case DType::kBFloat16:
      return f(TypeTag<BFloat16>{});
    case DType::kFloat32:
      return f(TypeTag<float>{});
    case DType::kFloat64:
      return f(TypeTag<double>{});
    default:
      no_such_type(dtype);
  }
}

// The same for complex dtypes: f gets Complex<float> or Complex<double>.
template <class F>
decltype(auto) dispatch_complex(DType dtype, F&& f) {
  if (dtype == DType::kComplex64) return f(TypeTag<Complex<float>>{});
  return f(TypeTag<Complex<double>>{});
}
// The same for every dtype.
template <class F>
decltype(auto) dispatch_any(DType dtype, F&& f) {
  if (is_complex(dtype)) return dispatch_complex(dtype, f);
  return dispatch(dtype, f);
}

// The same for a floating dtype: f gets Half, BFloat16, float or double.
template <class F>
decltype(auto) dispatch_float(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat16:
      return f(TypeTag<Half>{});
    case DType::kBFloat16:
      return f(TypeTag<BFloat16>{});
    case DType::kFloat32:
      return f(TypeTag<float>{});
    case DType::kFloat64:
      return f(TypeTag<double>{});
    default:
      no_such_type(dtype);
  }
}

// The same with the type a floating dtype is computed in: float or double.
template <class F>
decltype(auto) dispatch_compute(DType dtype, F&& f) {
  if (is_complex(dtype)) no_such_type(dtype);
  return dtype == DType::kFloat64 ? f(TypeTag<double>{}) : f(TypeTag<float>{});
}

// dispatch() and dispatch_any() for code that makes the same bits of signed and unsigned integers (sums,
// products, tests for zero and equality): f gets the signed type for both.
template <class F>
decltype(auto) dispatch_bits(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kBool:
      return f(TypeTag<bool>{});
    case DType::kUInt8:
    case DType::kInt8:
      return f(TypeTag<int8_t>{});
    case DType::kUInt16:
    case DType::kInt16:
      return f(TypeTag<int16_t>{});
    case DType::kUInt32:
    case DType::kInt32:
      return f(TypeTag<int32_t>{});
    case DType::kUInt64:
    case DType::kInt64:
      return f(TypeTag<int64_t>{});
    default:
      return dispatch_float(dtype, f);
  }
}
template <class F>
decltype(auto) dispatch_any_bits(DType dtype, F&& f) {
  if (is_complex(dtype)) return dispatch_complex(dtype, f);
  return dispatch_bits(dtype, f);
}

// An element of complex128, for code that only moves it.
struct Bytes16 {
  uint64_t low = 0, high = 0;
};

// The same by element size, for code that only moves bytes (copies, gathers): f gets uint8_t ... uint64_t or
// Bytes16.
template <class F>
decltype(auto) dispatch_size(DType dtype, F&& f) {
  switch (item_size(dtype)) {
    case 1:
      return f(TypeTag<uint8_t>{});
    case 2:
      return f(TypeTag<uint16_t>{});
    case 4:
      return f(TypeTag<uint32_t>{});
    case 16:
      return f(TypeTag<Bytes16>{});
    default:
      return f(TypeTag<uint64_t>{});
  }
}

// A float as a number of 64 bits. Negative ones wrap, as PyTorch's do; what 64 bits do not hold is as
// undefined as int64's, though every instruction set gives the same.
inline uint64_t to_uint64(double v) {
  constexpr uint64_t kTop = uint64_t{1} << 63;
  return v < 0x1p63 ? static_cast<uint64_t>(static_cast<int64_t>(v))
                    : static_cast<uint64_t>(static_cast<int64_t>(v - 0x1p63)) ^ kTop;
}

// Conversion between any two element types; numbers go to bool by != 0, complex ones to real ones by their
// real part.
template <class To, class From>
inline To convert(From v) {
  if constexpr (std::is_same_v<To, From>) {
    return v;
  } else if constexpr (kIsComplex<From>) {
    if constexpr (std::is_same_v<To, bool>) {
      return v.re != 0 || v.im != 0;
    } else if constexpr (kIsComplex<To>) {
      using R = decltype(To::re);
      return To{static_cast<R>(v.re), static_cast<R>(v.im)};
    } else {
      return convert<To>(v.re);
    }
  } else if constexpr (kIsComplex<To>) {
    return To{convert<decltype(To::re)>(v), 0};
  } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return convert<To>(static_cast<float>(v));
  } else if constexpr (std::is_same_v<To, bool>) {
    return v != From(0);
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(v));
  } else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, uint64_t>) {
    return to_uint64(v);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && sizeof(To) < 8) {
    return static_cast<To>(static_cast<int64_t>(v));  // wraps like PyTorch instead of being undefined
  } else {
    return static_cast<To>(v);
  }
}

template <class T>
Complex<T> operator+(Complex<T> a, Complex<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

inline BFloat16::BFloat16(float value) {
  uint32_t u;
  std::memcpy(&u, &value, 4);
  bits = (u & 0x7fffffffu) > 0x7f800000u ? static_cast<uint16_t>((u >> 16) | 0x0040u)  // quiet NaN
                                         : static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}
inline BFloat16::operator float() const {
  const uint32_t u = static_cast<uint32_t>(bits) << 16;
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}

}  // namespace plait
