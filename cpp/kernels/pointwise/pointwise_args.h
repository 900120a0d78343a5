// SPDX-License-Identifier: MIT
// Pointwise kernels, the part that is compiled per instruction set: one loop over contiguous operands.
// pointwise_driver.h brings any strides and dtypes into that form.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

// out[i] = f(in[0][i], in[1][i], ...) for i in [0, n). All operands are contiguous, except that bit k of
// `broadcast` makes operand k a single element. Operands hold the kernel's element type; results of tests
// hold bool. A single operand of the kernels of 16-bit floats is a float32 where its bit of
// `broadcast / kPointwiseWide` is set too: numbers keep their precision.
using PointwiseFn = void (*)(void* out, const void* const* in, uint32_t broadcast, int64_t n);

inline constexpr int kMaxPointwiseInputs = 6;
inline constexpr uint32_t kPointwiseWide = 1u << 16;

// The words of kernels/pointwise/pointwise.def, which explains them.
enum class PointwiseTypes : uint8_t { Float, Round, FloatTest, Number, NumberBool, Integer, Test };
enum class PointwiseKeeps : uint8_t { None, Input, Result };
enum class PointwiseGradient : uint8_t { None, Fused, FusedA };
enum class PointwiseNumbers : uint8_t { None, Other, Either, Both };

// For each line of kernels/pointwise/pointwise.def the function and, where a fused derivative exists, gy *
// df(...) as a function of (gy, what df takes): kName, kNameGrad; of two operands kNameGradA and kNameGradB.
enum class Pointwise : uint16_t {
#define PLAIT_UNARY(Name, ...) k##Name, k##Name##Grad,
#define PLAIT_UNARY_KERNEL PLAIT_UNARY
#define PLAIT_BINARY(Name, ...) k##Name, k##Name##GradA, k##Name##GradB,
#define PLAIT_BINARY_KERNEL PLAIT_BINARY
#define PLAIT_COMPLEX_KERNEL(Name) k##Name,
#include "kernels/pointwise/pointwise.def"
  kCount
};

// How the driver cuts its loops. No result depends on these numbers.
struct PointwiseTuning {
  int64_t grain;         // elements that are worth one more thread
  int64_t direct_block;  // elements of a block where no operand is staged
  int64_t long_row;      // elements of a row from which on blocks are pieces of rows
  // A transposed input is copied whole, before the loop, if it has that many elements and short, or long,
  // rows, and the copies take at most copied_bytes.
  int64_t copied_short, copied_long, copied_bytes;
};

struct PointwiseTable {
  PointwiseTuning tuning;
  // Null where the dtype has no such function; derivatives of the 16-bit floats are computed by the kernel of
  // float32.
  PerEnum<Pointwise, static_cast<int>(Pointwise::kCount), PerDType<PointwiseFn>> fn;
  // where(condition, a, b)
  PerSize<PointwiseFn> where;
};

}  // namespace plait
