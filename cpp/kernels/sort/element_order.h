// SPDX-License-Identifier: MIT
// The order of elements of any dtype.
#pragma once

#include <type_traits>

#include "core/dtype.h"

namespace plait {

template <class T>
using Comparable = std::conditional_t<std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>, float, T>;
// NaN is greater than everything.
template <class T>
bool is_less(T a, T b) {
  const auto x = convert<Comparable<T>>(a), y = convert<Comparable<T>>(b);
  return x < y || (y != y && x == x);
}

}  // namespace plait
