// SPDX-License-Identifier: MIT
// The factors and tables of transforms of a length, computed once and kept.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/fft/fft_args.h"

namespace plait {

// A transform in each lane.
template <class T>
struct FftLanesPlan {
  explicit FftLanesPlan(int64_t n);

  FftLanes<T> lanes{};
  std::vector<std::vector<T>> tables;
  std::shared_ptr<const FftLanesPlan> convolution;
};

// A transform of one line: in one lane where it is short, split into rows and columns, or, where a prime
// factor is no radix, as a convolution of a longer length.
template <class T>
struct FftLinePlan {
  explicit FftLinePlan(int64_t n);

  int64_t n;
  FftLine<T> line{};  // rows = 0 where it is not split
  std::shared_ptr<const FftLanesPlan<T>> rows, columns, whole;
  std::shared_ptr<const FftLinePlan> convolution;
  std::vector<T> first, second;
  std::vector<T> chirp, filter;  // [n] and [convolution->n] complex
};

// e^(-i pi k / n) for k = 0, ..., n / 2: what turns n complex numbers into the spectrum of 2 n reals.
template <class T>
struct FftRealPlan {
  explicit FftRealPlan(int64_t n);

  std::vector<T> twiddles;
};

// The plan of a length, for as long as the pointer is held. The last 64 of each kind are kept.
template <class Plan>
std::shared_ptr<const Plan> find_fft_plan(int64_t n);

// Whether all prime factors are radices.
bool is_fft_length(int64_t n);

}  // namespace plait
