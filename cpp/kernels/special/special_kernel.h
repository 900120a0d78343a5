// SPDX-License-Identifier: MIT
// The functions of special.h as pointwise kernels.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "core/dtype.h"
#include "kernels/dispatch.h"
#include "kernels/pointwise/pointwise_args.h"
#include "kernels/special/special.h"

namespace plait::special {

// Functions compiled per instruction set are named by the number of their kernel.
#define PLAIT_SPECIAL_NUMBER(name) inline constexpr Special name = Special::name;
PLAIT_SPECIAL_KERNELS(PLAIT_SPECIAL_NUMBER)
#undef PLAIT_SPECIAL_NUMBER
template <auto kFunction>
inline constexpr bool kIsVector = std::is_same_v<std::remove_cv_t<decltype(kFunction)>, Special>;

// Elements of such a function that are worth as much as one of a tuned kernel: 2 to 8 ns each, 20 to 100 ns
// of those compiled once.
template <auto kFunction>
inline constexpr int64_t kCost = kIsVector<kFunction> ? 8 : 64;

// The third argument of a function, where there is one, is a tolerance.
inline constexpr size_t kMostOperands = 2;
template <class T>
inline constexpr double kTolerance = sizeof(T) == sizeof(float) ? kFloatTolerance : kDoubleTolerance;

template <auto kFunction, class T, class... Doubles>
void loop(void* out, const void* const* in, uint32_t broadcast, int64_t n, double (*)(Doubles...)) {
  T* const y = static_cast<T*>(out);
  const auto argument = [&](size_t k, int64_t i) {
    if (k == kMostOperands) return kTolerance<T>;
    return static_cast<double>(static_cast<const T*>(in[k])[broadcast >> k & 1 ? 0 : i]);
  };
  for (int64_t i = 0; i < n; ++i) {
    [&]<size_t... k>(std::index_sequence<k...>) {
      y[i] = static_cast<T>(kFunction(argument(k, i)...));
    }(std::make_index_sequence<sizeof...(Doubles)>());
  }
}
template <auto kFunction, class T>
void kernel(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  loop<kFunction, T>(out, in, broadcast, n, kFunction);
}

// The kernel of a function for operands of a dtype; null where there is none.
template <auto kFunction>
PointwiseFn find_kernel(DType dtype) {
  if (dtype != DType::kFloat32 && dtype != DType::kFloat64) return nullptr;
  if constexpr (kIsVector<kFunction>) {
    return kernels().special.fn[kFunction][dtype];
  } else {
    return dtype == DType::kFloat64 ? kernel<kFunction, double> : kernel<kFunction, float>;
  }
}

}  // namespace plait::special
