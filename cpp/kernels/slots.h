// SPDX-License-Identifier: MIT
// Arrays in kernel tables with one entry per element type, indexed by the type instead of by a number:
//   PerDType<Fn>  every dtype             negate[x.dtype()]   negate[DType::kInt32]   negate.of<int32_t>()
//   PerFloat<Fn>  the four float dtypes   softmax[DType::kBFloat16]
//   PerSize<Fn>   item sizes 1 to 16   gather[x.dtype()]   gather.of<uint16_t>()   gather.bytes(2)
//   PerEnum<Op, n, Fn>    the n values of an enum            kernel[ReduceOp::kSum]
//   PerReal<Kernels>      Kernels<float>, Kernels<double>    pool.of<T>()
// Plain data: zero-initialised tables have null entries. Fn may be a function pointer, a struct or an array.
// Every function here is forced inline, because code compiled per instruction set must not leave weak
// symbols.
#pragma once

#include <cstdint>

#include "core/dtype_enum.h"

#define PLAIT_SLOT constexpr inline __attribute__((always_inline))

namespace plait {

// The dtype whose elements have the C++ type T. A class for a 16-bit float names its own as `T::kDType`.
template <class T>
struct SlotType {
  static constexpr DType value = T::kDType;
};
#define PLAIT_SLOT_TYPE(T, name)                \
  template <>                                   \
  struct SlotType<T> {                          \
    static constexpr DType value = DType::name; \
  };
PLAIT_SLOT_TYPE(bool, kBool)
PLAIT_SLOT_TYPE(uint8_t, kUInt8)
PLAIT_SLOT_TYPE(int8_t, kInt8)
PLAIT_SLOT_TYPE(int16_t, kInt16)
PLAIT_SLOT_TYPE(int32_t, kInt32)
PLAIT_SLOT_TYPE(int64_t, kInt64)
PLAIT_SLOT_TYPE(uint16_t, kUInt16)
PLAIT_SLOT_TYPE(uint32_t, kUInt32)
PLAIT_SLOT_TYPE(uint64_t, kUInt64)
PLAIT_SLOT_TYPE(float, kFloat32)
PLAIT_SLOT_TYPE(double, kFloat64)
PLAIT_SLOT_TYPE(Complex<float>, kComplex64)
PLAIT_SLOT_TYPE(Complex<double>, kComplex128)
#undef PLAIT_SLOT_TYPE

template <class Fn>
struct PerDType {
  Fn slot[kNumDTypes];

  PLAIT_SLOT Fn& operator[](DType dtype) { return slot[static_cast<int>(dtype)]; }
  PLAIT_SLOT const Fn& operator[](DType dtype) const { return slot[static_cast<int>(dtype)]; }
  template <class T>
  PLAIT_SLOT Fn& of() {
    return (*this)[SlotType<T>::value];
  }
};

template <class Fn>
struct PerFloat {
  Fn slot[4];  // float16, bfloat16, float32, float64

  PLAIT_SLOT Fn& operator[](DType dtype) { return slot[index(dtype)]; }
  PLAIT_SLOT const Fn& operator[](DType dtype) const { return slot[index(dtype)]; }
  template <class T>
  PLAIT_SLOT Fn& of() {
    return (*this)[SlotType<T>::value];
  }

  PLAIT_SLOT static int index(DType dtype) {
    return static_cast<int>(dtype) - static_cast<int>(DType::kFloat16);
  }
};

template <class Fn>
struct PerSize {
  Fn slot[5];  // items of 1, 2, 4, 8, 16 bytes

  PLAIT_SLOT Fn& bytes(int64_t item_size) { return slot[index(item_size)]; }
  PLAIT_SLOT const Fn& bytes(int64_t item_size) const { return slot[index(item_size)]; }
  PLAIT_SLOT Fn& operator[](DType dtype) { return slot[index(dtype)]; }
  PLAIT_SLOT const Fn& operator[](DType dtype) const { return slot[index(dtype)]; }
  template <class T>
  PLAIT_SLOT Fn& of() {
    return bytes(sizeof(T));
  }

  PLAIT_SLOT static int index(int64_t item_size) {  // the power of 2
    return (item_size > 1) + (item_size > 2) + (item_size > 4) + (item_size > 8);
  }
  PLAIT_SLOT static int index(DType dtype) {
    constexpr int kIndex[kNumDTypes] = {0, 0, 0, 1, 2, 3, 1, 2, 3, 1, 1, 2, 3, 3, 4};
    return kIndex[static_cast<int>(dtype)];
  }
};

// Op: an enum whose kCount values are numbered from 0.
template <class Op, int kCount, class Fn>
struct PerEnum {
  Fn slot[kCount];

  PLAIT_SLOT Fn& operator[](Op op) { return slot[static_cast<int>(op)]; }
  PLAIT_SLOT const Fn& operator[](Op op) const { return slot[static_cast<int>(op)]; }
};

// Kernels with typed arguments, which exist for float and double.
template <template <class> class Kernels>
struct PerReal {
  Kernels<float> f32;
  Kernels<double> f64;

  template <class T>
  PLAIT_SLOT const Kernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return f32;
    } else {
      return f64;
    }
  }
};

}  // namespace plait

#undef PLAIT_SLOT
