// SPDX-License-Identifier: MIT
// Several strided operands walked together over one broadcast shape, as few loops as possible.
#pragma once

#include <cstdint>
#include <span>

#include "core/dtype.h"
#include "core/shape.h"

namespace plait {

// What a loop needs to know of an array. Strides are in elements; shape and strides may be shorter than the
// loop's shape and have size 1 where it is larger: broadcasting aligns the last dimensions.
struct Strided {
  void* data;
  DType dtype;
  const Dims* shape;
  const Dims* strides;
};

inline constexpr int kMaxLoopDims = 64;
inline constexpr int kMaxLoopOperands = 7;

// The loops over `shape` for all operands: dimensions of size 1 dropped, sorted by memory (the first operand
// decides, later ones break ties), and merged where every operand walks on evenly. Dimension 0 is the
// innermost; at least one dimension remains. The shape must not be empty of elements.
struct LoopNest {
  LoopNest(IntSpan shape, std::span<const Strided> operands);

  // All elements of operand k in the order of the loops are one run of memory.
  bool is_linear(int k) const;
  // Operand k is one element.
  bool is_single(int k) const;

  int ndim = 0;
  int operands = 0;
  int64_t numel = 1;
  char* data[kMaxLoopOperands];
  int64_t item[kMaxLoopOperands];
  int64_t size[kMaxLoopDims];
  int64_t stride[kMaxLoopDims][kMaxLoopOperands];  // in bytes

 private:
  bool is_inside(int a, int b) const;
  void swap_dims(int a, int b);
};

}  // namespace plait
