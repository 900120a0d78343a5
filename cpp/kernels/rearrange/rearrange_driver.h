// SPDX-License-Identifier: MIT
// Copies of arrays into other arrangements: padded, joined, cut to a triangle.
#pragma once

#include <cstdint>
#include <span>

#include "core/dtype.h"
#include "core/shape.h"

namespace plait {

enum class Border { kConstant, kReflect, kReplicate, kCircular };

constexpr int64_t kNowhere = -1;
// Where element i of a padded dimension of size n comes from, or kNowhere; i may lie outside [0, n).
int64_t pad_source(int64_t i, int64_t n, Border border);

// y = x with pads[2 d] elements in front of dimension d and pads[2 d + 1] behind it; negative ones cut away.
// x has at least one dimension, the last of stride 1; y is contiguous.
struct PadArgs {
  DType dtype;
  const void* value;  // one element: what stands outside under kConstant
  const Dims& x_shape;
  const Dims& x_strides;  // in elements
  const Dims& pads;
  Border border;
};
void pad_array(const PadArgs& args, const void* x, void* y);

// Row i of y[outer, row] is row i of each piece, one behind the other.
struct JoinPiece {
  const char* data;
  int64_t bytes;  // of a row
};
void join_rows(std::span<const JoinPiece> pieces, int64_t outer, char* y);

// Matrices y = x where column - row <= diagonal (lower) or >= diagonal (upper), else 0. Both have this shape;
// y may be x. Strides count elements.
struct TriangleArgs {
  DType dtype;
  IntSpan shape, x_strides, y_strides;
  int64_t diagonal;
  bool lower;
};
void triangle(const TriangleArgs& args, const void* x, void* y);

}  // namespace plait
