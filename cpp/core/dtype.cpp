// SPDX-License-Identifier: MIT
#include "core/dtype.h"

#include <atomic>

#include "core/error.h"

namespace plait {
namespace {

constexpr size_t kSizes[kNumDTypes] = {1, 1, 1, 2, 4, 8, 2, 4, 8, 2, 2, 4, 8, 8, 16};
constexpr const char* kNames[kNumDTypes] = {"bool",     "uint8",   "int8",    "int16",     "int32",
                                            "int64",    "uint16",  "uint32",  "uint64",    "float16",
                                            "bfloat16", "float32", "float64", "complex64", "complex128"};
std::atomic<DType> g_default{DType::kFloat32};

// Of two integer dtypes, not bool: the wider; of an unsigned and a signed one the signed one if it is wider,
// else a signed one that is.
DType promote_integers(DType a, DType b) {
  if (is_unsigned(a) == is_unsigned(b)) return item_size(a) > item_size(b) ? a : b;
  const DType u = is_unsigned(a) ? a : b, s = is_unsigned(a) ? b : a;
  if (item_size(s) > item_size(u)) return s;
  return item_size(u) == 1   ? DType::kInt16
         : item_size(u) == 2 ? DType::kInt32
         : item_size(u) == 4 ? DType::kInt64
                             : DType::kFloat64;
}

}  // namespace

size_t item_size(DType dtype) { return kSizes[static_cast<int>(dtype)]; }
const char* dtype_name(DType dtype) { return kNames[static_cast<int>(dtype)]; }

DTypeCategory category(DType dtype) {
  if (dtype == DType::kBool) return DTypeCategory::kBool;
  if (is_complex(dtype)) return DTypeCategory::kComplex;
  return is_floating(dtype) ? DTypeCategory::kFloat : DTypeCategory::kInteger;
}

DType promote_types(DType a, DType b) {
  if (a == b) return a;
  if (a > b) {
    const DType t = a;
    a = b;
    b = t;
  }
  if (a != DType::kBool && is_integral(b)) return promote_integers(a, b);
  // float16 and bfloat16 hold neither each other.
  if (a == DType::kFloat16 && b == DType::kBFloat16) return DType::kFloat32;
  if (a == DType::kFloat64 && b == DType::kComplex64) return DType::kComplex128;
  return b;
}

DType to_complex(DType dtype) {
  if (is_complex(dtype)) return dtype;
  return dtype == DType::kFloat64 ? DType::kComplex128 : DType::kComplex64;
}
DType to_real(DType dtype) {
  if (!is_complex(dtype)) return dtype;
  return dtype == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64;
}

void no_such_type(DType dtype) {
  PLAIT_FAIL(kType, "expected a dtype of real numbers, got ", dtype_name(dtype));
}

DType default_dtype() { return g_default.load(std::memory_order_relaxed); }
void set_default_dtype(DType dtype) { g_default.store(dtype, std::memory_order_relaxed); }

// float -> half by rounding in the float domain: adding a power of two aligned with the half's last bit
// makes the FPU round to nearest even, for normal and subnormal results alike.
Half::Half(float value) {
  uint32_t u;
  std::memcpy(&u, &value, 4);
  const uint16_t sign = static_cast<uint16_t>((u >> 16) & 0x8000u);
  u &= 0x7fffffffu;
  if (u >= 0x47800000u) {  // 65536 and above, infinity, NaN
    bits = static_cast<uint16_t>(sign | (u > 0x7f800000u ? 0x7e00u : 0x7c00u));
  } else if (u < 0x38800000u) {  // below 2^-14: subnormal half
    float f;
    std::memcpy(&f, &u, 4);
    f += 0.5f;
    std::memcpy(&u, &f, 4);
    bits = static_cast<uint16_t>(sign | (u - 0x3f000000u));
  } else {
    bits = static_cast<uint16_t>(sign | ((u + 0xc8000fffu + ((u >> 13) & 1u)) >> 13));
  }
}

Half::operator float() const {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fu;
  const uint32_t mantissa = bits & 0x3ffu;
  uint32_t u;
  float f;
  if (exponent == 0x1f) {
    u = sign | 0x7f800000u | (mantissa << 13);
  } else if (exponent != 0) {
    u = sign | ((exponent + 112) << 23) | (mantissa << 13);
  } else {
    f = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
    std::memcpy(&u, &f, 4);
    u |= sign;
  }
  std::memcpy(&f, &u, 4);
  return f;
}

}  // namespace plait
