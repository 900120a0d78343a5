// SPDX-License-Identifier: MIT
// The functions of special.h as pointwise kernels.
#pragma once

#include <cstdint>
#include <utility>

#include "core/dtype.h"
#include "kernels/pointwise/pointwise_args.h"

namespace plait::special {

// Elements of such a function that are worth as much as one of a tuned kernel: about 20 to 100 ns each.
inline constexpr int64_t kCost = 64;

template <auto kFunction, class T, class... Doubles>
void loop(void* out, const void* const* in, uint32_t broadcast, int64_t n, double (*)(Doubles...)) {
  T* const y = static_cast<T*>(out);
  const auto element = [&](size_t k, int64_t i) {
    return static_cast<double>(static_cast<const T*>(in[k])[broadcast >> k & 1 ? 0 : i]);
  };
  for (int64_t i = 0; i < n; ++i) {
    [&]<size_t... k>(std::index_sequence<k...>) {
      y[i] = static_cast<T>(kFunction(element(k, i)...));
    }(std::make_index_sequence<sizeof...(Doubles)>());
  }
}
template <auto kFunction, class T>
void kernel(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  loop<kFunction, T>(out, in, broadcast, n, kFunction);
}

// The kernel of a function above for operands of a dtype; null where there is none.
template <auto kFunction>
PointwiseFn find_kernel(DType dtype) {
  if (dtype == DType::kFloat64) return kernel<kFunction, double>;
  return dtype == DType::kFloat32 ? kernel<kFunction, float> : nullptr;
}

}  // namespace plait::special
