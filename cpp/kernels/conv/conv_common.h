// SPDX-License-Identifier: MIT
// What every algorithm of convolution needs: its tables, sizes in whole vectors, work split over threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"

namespace plait::conv {

template <class T>
const ConvKernels<T>& conv_kernels() {
  return kernels().conv.padded.of<T>();
}
template <class T>
const InterleavedKernels<T>& interleaved_kernels() {
  return kernels().conv.interleaved.of<T>();
}
template <class T>
const GemmKernels<T>& gemm_kernels() {
  return kernels().gemm.of<T>();
}
inline const ConvTuning& tuning() { return kernels().conv.tuning; }
// What this machine's L2 gives of `bytes` of an L2 of tuning().l2_bytes.
int64_t l2_part(int64_t bytes);

// Bytes of n elements.
template <class T>
size_t bytes_of(int64_t n) {
  return sizeof(T) * static_cast<size_t>(n);
}

// Calls f(unit) for all units, in up to as many threads as `work` multiply-adds are worth. No unit may depend
// on another one.
void for_units(int64_t units, double work, FunctionRef<void(int64_t)> f);
// How many threads for_units() would take.
int64_t threads_for(double work);

}  // namespace plait::conv
