// SPDX-License-Identifier: MIT
// The element types by number: plain data, also for code that is compiled once per instruction set and
// therefore cannot include core/dtype.h.
#pragma once

#include <cstdint>

namespace plait {

// The order is that of categories, and of promotion among floats and among signed integers; kernels index
// their tables with it.
enum class DType : uint8_t {
  kBool,
  kUInt8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt16,
  kUInt32,
  kUInt64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kComplex64,
  kComplex128,
};
inline constexpr int kNumDTypes = 15;

// A complex number as it lies in memory: complex64 is Complex<float>, complex128 Complex<double>. Arithmetic
// on it is written where it is needed (kernels/complex).
template <class T>
struct Complex {
  T re, im;
};

}  // namespace plait
