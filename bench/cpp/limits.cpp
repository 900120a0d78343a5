// SPDX-License-Identifier: MIT
// Built with -march=native: this file states the limits of the machine it runs on and ships with nothing.
#include "limits.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
typedef float Vector __attribute__((vector_size(kVectorBytes)));

// Enough independent chains to hide the latency of two FMA units, few enough for 16 registers.
constexpr int kChains = 12;

// Returns something that depends on every operation.
[[gnu::noinline]] float multiply_add(long iterations, float x) {
  const Vector a = x - (Vector){}, b = a * 0.5f;
  Vector chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = a * static_cast<float>(i);
  for (long n = 0; n < iterations; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) chain[i] = chain[i] * a + b;
  }
  Vector sum = chain[0];
  for (int i = 1; i < kChains; ++i) sum += chain[i];
  return sum[0];
}

// Seconds from the moment all threads are at the start until the last is done.
template <class F>
double run_together(int threads, F&& f) {
  using Clock = std::chrono::steady_clock;
  std::atomic<int> waiting{threads};
  std::vector<Clock::time_point> begin(threads), end(threads);
  std::vector<std::thread> team;
  for (int t = 0; t < threads; ++t) {
    team.emplace_back([&, t] {
      --waiting;
      while (waiting.load() > 0) std::this_thread::yield();
      begin[t] = Clock::now();
      f(t);
      end[t] = Clock::now();
    });
  }
  for (std::thread& thread : team) thread.join();
  const auto first = *std::min_element(begin.begin(), begin.end());
  const auto last = *std::max_element(end.begin(), end.end());
  return std::chrono::duration<double>(last - first).count();
}

}  // namespace

double plait_limit_fma(int threads) {
  constexpr long kIterations = 600'000;
  constexpr double kFlops = 2.0 * kChains * (kVectorBytes / sizeof(float)) * kIterations;
  std::atomic<float> sink{0};
  double best = 0;
  for (int run = 0; run < 60; ++run) {  // a run is about 2 ms: short enough to fall between disturbances
    const double seconds = run_together(threads, [&](int) { sink = multiply_add(kIterations, 0.999f); });
    best = std::max(best, threads * kFlops / seconds);
  }
  return best;
}

double plait_limit_copy(int threads, std::size_t bytes) {
  const auto from = std::make_unique<char[]>(bytes), to = std::make_unique<char[]>(bytes);  // pages touched
  const std::size_t part = bytes / threads;
  double best = 0;
  for (int run = 0; run < 12; ++run) {
    const double seconds =
        run_together(threads, [&](int t) { std::memcpy(to.get() + t * part, from.get() + t * part, part); });
    best = std::max(best, 2.0 * part * threads / seconds);
  }
  return best;
}
