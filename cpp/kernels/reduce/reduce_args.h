// SPDX-License-Identifier: MIT
// Reductions, the part that is compiled per instruction set: fold one tile of an array into states, one per
// output. reduce_driver.cpp cuts arrays into tiles and turns final states into outputs.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

enum class ReduceOp : uint8_t {
  kSum,         // state: double or int64
  kNanSum,      // NaN counts as 0
  kSumAbs,      // sum |x|
  kSumSquares,  // sum x^2
  kCount,       // number of elements that are not 0; state: int64
  kProd,        // state: double or int64
  kMax,         // NaN wins; state: the element type, float for 16-bit floats
  kMin,
  kMaxAbs,
  kMinAbs,
  kArgMax,  // first index on ties, first NaN wins; states: value, int64 index
  kArgMin,
  kMoments,    // states: mean and sum of squared deviations, double
  kLogSumExp,  // states: max and sum of exp(x - max), double
};
inline constexpr int kNumReduceOps = 14;

// States lie in 1 or 2 planes, arrays of 8-byte slots: slot j of each plane belongs to output j, whatever the
// type of the state.
inline constexpr int kMaxReducePlanes = 2;

// x[reduce_n, keep_n] with any strides, in elements: x[:, j] is folded into state j.
struct ReduceTile {
  const void* x;
  int64_t reduce_n, reduce_stride;
  int64_t keep_n, keep_stride;
  void* state[kMaxReducePlanes];  // keep_n slots each
  int64_t seen;                   // elements folded before; for kArg* also the index of x[0, :]
};

struct ReduceKernel {
  int planes;
  void (*init)(void* const* state, int64_t n);
  void (*row)(const ReduceTile& tile);     // for |reduce_stride| <= |keep_stride|; best at reduce_stride 1
  void (*column)(const ReduceTile& tile);  // best at keep_stride 1
  // into[j] = into[j], of n_into elements, combined with from[j], of the n_from elements that follow them.
  void (*combine)(void* const* into, void* const* from, int64_t n, int64_t n_into, int64_t n_from);
};

struct ReduceTable {
  PerEnum<ReduceOp, kNumReduceOps, PerDType<ReduceKernel>>
      kernel;  // null where the dtype has no such reduction
};

}  // namespace plait
