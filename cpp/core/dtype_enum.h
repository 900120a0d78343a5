// SPDX-License-Identifier: MIT
// The element types by number: plain data, also for code that is compiled once per instruction set and
// therefore cannot include core/dtype.h.
#pragma once

#include <cstdint>

namespace plait {

// The order is the order of promotion inside a category; kernels index their tables with it.
enum class DType : uint8_t {
  kBool,
  kUInt8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kComplex64,
  kComplex128,
};
inline constexpr int kNumDTypes = 12;

// A complex number as it lies in memory: complex64 is Complex<float>, complex128 Complex<double>. Arithmetic
// on it is written where it is needed (kernels/complex).
template <class T>
struct Complex {
  T re, im;
};

}  // namespace plait
