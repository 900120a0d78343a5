// SPDX-License-Identifier: MIT
#include "core/tensor_iter.h"

#include <algorithm>
#include <cstdlib>

#include "core/error.h"

namespace plait {

LoopNest::LoopNest(IntSpan shape, std::span<const Strided> ops) : operands(static_cast<int>(ops.size())) {
  PLAIT_CHECK(shape.size() <= kMaxLoopDims, kValue, "expected at most ", kMaxLoopDims, " dimensions, got ",
              shape.size());
  for (int k = 0; k < operands; ++k) {
    data[k] = static_cast<char*>(ops[static_cast<size_t>(k)].data);
    item[k] = static_cast<int64_t>(item_size(ops[static_cast<size_t>(k)].dtype));
  }
  const int64_t n = static_cast<int64_t>(shape.size());
  for (int64_t d = n - 1; d >= 0; --d) {
    const int64_t extent = shape[static_cast<size_t>(d)];
    if (extent == 1) continue;
    for (int k = 0; k < operands; ++k) {
      const Strided& op = ops[static_cast<size_t>(k)];
      const int64_t own = d - (n - op.shape->size());
      stride[ndim][k] = own < 0 || (*op.shape)[own] == 1 ? 0 : (*op.strides)[own] * item[k];
    }
    size[ndim++] = extent;
    numel *= extent;
  }
  if (ndim == 0) {
    size[0] = 1;
    for (int k = 0; k < operands; ++k) stride[0][k] = item[k];
    ndim = 1;
    return;
  }
  for (int i = 1; i < ndim; ++i) {
    for (int j = i; j > 0 && is_inside(j, j - 1); --j) swap_dims(j, j - 1);
  }
  int last = 0;
  for (int d = 1; d < ndim; ++d) {
    bool merges = true;
    for (int k = 0; k < operands; ++k) merges &= stride[d][k] == stride[last][k] * size[last];
    if (merges) {
      size[last] *= size[d];
      continue;
    }
    ++last;
    size[last] = size[d];
    std::copy_n(stride[d], operands, stride[last]);
  }
  ndim = last + 1;
}

// Whether dimension a belongs inside b: the first operand whose strides differ decides.
bool LoopNest::is_inside(int a, int b) const {
  for (int k = 0; k < operands; ++k) {
    const int64_t sa = std::abs(stride[a][k]), sb = std::abs(stride[b][k]);
    if (sa != sb && sa != 0 && sb != 0) return sa < sb;
  }
  return false;
}

void LoopNest::swap_dims(int a, int b) {
  std::swap(size[a], size[b]);
  std::swap_ranges(stride[a], stride[a] + operands, stride[b]);
}

bool LoopNest::is_linear(int k) const {
  int64_t expected = item[k];
  for (int d = 0; d < ndim; ++d) {
    if (stride[d][k] != expected) return false;
    expected *= size[d];
  }
  return true;
}

bool LoopNest::is_single(int k) const {
  for (int d = 0; d < ndim; ++d) {
    if (stride[d][k] != 0) return false;
  }
  return true;
}

}  // namespace plait
