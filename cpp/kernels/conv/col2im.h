// SPDX-License-Identifier: MIT
// The gradient for x from columns, for one group and no depth.
#pragma once

#include "kernels/conv/problem.h"

namespace plait::conv {

// Backward data.
template <class T>
void col2im(const ConvProblem& problem, const Operands<T>& t);

// Columns of an image, with zeros behind each row of gradients: a column is then added as one run, wherever
// its tap is.
struct ColumnShape {
  int64_t row, rows;  // of a plane of sums
  int64_t positions;

  explicit ColumnShape(const ConvShape& s)
      : row(s.out[2] + (s.kernel[2] - 1) * s.dilation[2] / s.stride[2]),
        rows(s.out[1] + (s.kernel[1] - 1) * s.dilation[1] / s.stride[1]),
        positions((s.out[1] - 1) * row + s.out[2]) {}
};

}  // namespace plait::conv
