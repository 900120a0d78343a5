// SPDX-License-Identifier: MIT
// Reductions over any dimensions of a strided array.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/reduce/reduce_args.h"

namespace plait {

// How a final state becomes an output element.
enum class ReduceFinish : uint8_t {
  kValue,   // the first plane
  kMean,    // state / count
  kSqrt,    // sqrt(state)
  kVar,     // m2 / max(0, count - correction)
  kStd,     // sqrt of that
  kIndex,   // the second plane
  kLogSum,  // max + log(sum)
  kAny,     // of kCount: more than 0
  kAll,     // of kCount: as many as there are elements
};

struct ReduceOutput {
  void* data = nullptr;  // contiguous over the kept dimensions in their order
  DType dtype = DType::kFloat32;
  ReduceFinish finish = ReduceFinish::kValue;
};

inline constexpr int kMaxReduceDims = 64;

// One reduction of a strided array x[size[0], ..., size[ndim - 1]]. Dimensions that are not reduced are kept.
// A state may give two outputs (value and index, variance and mean). An op that depends on order (kArg*)
// needs reduced dimensions that merge into one.
struct Reduction {
  ReduceOp op;
  DType dtype;
  const void* x;
  int ndim;
  int64_t size[kMaxReduceDims], stride[kMaxReduceDims];  // strides in elements
  bool reduced[kMaxReduceDims];
  double correction = 0;  // kVar, kStd
  ReduceOutput out[2];
};
void reduce(const Reduction& r);

}  // namespace plait
