// SPDX-License-Identifier: MIT
// A square tile turned over in registers: what packing for products of matrices and of patches shares.
#pragma once

#include "kernels/isa/vec.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// Transposes an L x L tile in registers: log2(L) rounds, each interleaving row i with row i + L/2.
template <class T>
PLAIT_INLINE void transpose(Vec<T>* r) {
  constexpr int L = kLanes<T>;
  MaskOf<Vec<T>> low, high;
  for (int i = 0; i < L; ++i) {
    low[i] = i / 2 + (i % 2) * L;
    high[i] = L / 2 + i / 2 + (i % 2) * L;
  }
#pragma GCC unroll 4
  for (int round = 1; round < L; round *= 2) {
    Vec<T> s[L];
#pragma GCC unroll 8
    for (int i = 0; i < L / 2; ++i) {
      s[2 * i] = __builtin_shuffle(r[i], r[i + L / 2], low);
      s[2 * i + 1] = __builtin_shuffle(r[i], r[i + L / 2], high);
    }
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) r[i] = s[i];
  }
}

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
