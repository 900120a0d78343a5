// SPDX-License-Identifier: MIT
// What a kernel benchmark reports: its rate, and that rate as a share of what the machine can do.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

namespace plait::bench {

// Both measured once per process and thread count, with the threads the library is set to use.
double fma_limit();   // FLOP/s
double copy_limit();  // bytes/s, read plus written

enum class Work { kFlops, kBytes };

// Times `f` and reports the rate of `work` (operations, or bytes read plus written) per call, and its share
// of the limit in percent.
template <class F>
void run(benchmark::State& state, Work kind, double work, F&& f) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  for (auto _ : state) {
    f();
    benchmark::ClobberMemory();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const double rate = work * static_cast<double>(state.iterations()) / seconds;
  const bool flops = kind == Work::kFlops;
  state.counters[flops ? "GFLOP/s" : "GB/s"] = rate / 1e9;
  state.counters[flops ? "%peak" : "%copy"] = 100 * rate / (flops ? fma_limit() : copy_limit());
}

// `count` normally distributed numbers.
inline std::vector<float> normal(int64_t count) {
  std::mt19937 generator(1);
  std::normal_distribution<float> distribution;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = distribution(generator);
  return values;
}

}  // namespace plait::bench
