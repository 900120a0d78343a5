// SPDX-License-Identifier: MIT
// Evenly spaced numbers: out[i] = base + step * i. The product is rounded before the addition, as in NumPy
// and PyTorch: no fused multiply-add. Bound by stores.
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

void spaced(double* out, int64_t n, double base, double step, int64_t first, int64_t direction) {
  constexpr int L = kLanes<double>;
  const double sign = static_cast<double>(direction);
  F64 at = splat<F64>(static_cast<double>(first)) + sign * iota<F64>();  // integers: exact
  int64_t i = 0;
  for (; i + L <= n; i += L, at += L * sign) store(out + i, base + step * at);
  if (i < n) store_n(out + i, base + step * at, n - i);
}

void counted(int64_t* out, int64_t n, int64_t base, int64_t step) {
  const auto b = static_cast<uint64_t>(base), s = static_cast<uint64_t>(step);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<int64_t>(b + s * static_cast<uint64_t>(i));
}

}  // namespace

void fill_sequence(KernelTable& table) {
  table.sequence.spaced = spaced;
  table.sequence.counted = counted;
}

}  // namespace plait::PLAIT_ISA_NS
