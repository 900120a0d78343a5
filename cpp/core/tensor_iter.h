// SPDX-License-Identifier: MIT
// Loops over several strided operands with one broadcast shape: as few and as contiguous as possible.
#pragma once

#include <cstdint>
#include <span>

#include "core/dtype.h"
#include "core/shape.h"

namespace plait {

// An operand of a loop. Strides are in elements. Its shape broadcasts to the shape of the loop: it may have
// fewer dimensions, aligned at the last one, and size 1 where the loop's size is larger.
struct Strided {
  void* data;
  DType dtype;
  const Dims* shape;
  const Dims* strides;
};

inline constexpr int kMaxLoopDims = 64;
inline constexpr int kMaxLoopOperands = 7;

// The loops over `shape`: dimensions of size 1 are dropped, the others sorted by stride (the first operand
// decides, later ones break ties) and merged where the strides of every operand allow it. Dimension 0 is the
// innermost; at least one dimension remains. The shape must have elements.
struct LoopNest {
  LoopNest(IntSpan shape, std::span<const Strided> operands);

  // Whether operand k is contiguous in the order of the loops.
  bool is_linear(int k) const;
  // Whether operand k is one element.
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
