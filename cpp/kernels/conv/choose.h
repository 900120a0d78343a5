// SPDX-License-Identifier: MIT
// Chooses the algorithm of a convolution. Every algorithm has a row in a table of its direction (choose.cpp):
// whether it supports the problem, whether it is profitable, and how it runs.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "kernels/conv/problem.h"

namespace plait::conv {

template <class Args>
struct Algorithm {
  const char* name;
  bool (*supports)(const ConvProblem& problem);
  // Called only where supports() holds and no row above is chosen.
  bool (*is_profitable)(const ConvProblem& problem);
  void (*run)(const ConvProblem& problem, const Args& args);
};

// In order of preference; the last row supports everything and is always profitable.
template <class T>
std::span<const Algorithm<Operands<T>>> forward_algorithms();
template <class T>
std::span<const Algorithm<Operands<T>>> backward_data_algorithms();
template <class T>
std::span<const Algorithm<WeightGradOperands<T>>> backward_weight_algorithms();

// The algorithm that PLAIT_CONV or force_algorithm() names, where it supports the problem; else the first
// profitable one. With PLAIT_VERBOSE=1, each distinct problem and its algorithm are reported once on stderr.
// Throws ValueError if PLAIT_CONV names no algorithm.
template <class Args>
const Algorithm<Args>& choose(std::span<const Algorithm<Args>> algorithms, const ConvProblem& problem);

// Forces an algorithm from now on, for tests and measurements, as PLAIT_CONV does; "" leaves the choice to
// the tables. Throws ValueError for an unknown name.
void force_algorithm(std::string_view name);

// "conv backward_weight f32 winograd: x (8, 64, 32, 32), w (64, 64, 3, 3), y (8, 64, 32, 32), padding 1x1",
// without the options that have their defaults.
std::string describe(const ConvProblem& problem, int64_t element_size, const char* algorithm);

}  // namespace plait::conv
