// SPDX-License-Identifier: MIT
// The GEMM engine: squares, the shapes of layers, and transposed operands.
#include "kernels/gemm/gemm.h"

#include "kernels/gemm/gemm_any.h"
#include "report.h"

namespace plait::bench {
namespace {

// C (m, n) = A (m, k) B (k, n); with `transposed`, B is stored as (n, k), as in a linear layer.
void gemm_case(benchmark::State& state, bool transposed) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const std::vector<float> a = normal(m * k), b = normal(k * n);
  std::vector<float> c(static_cast<size_t>(m * n));
  const GemmArgs<float> args{.m = m,
                             .n = n,
                             .k = k,
                             .a = {.data = a.data(), .rs = k, .cs = 1},
                             .b = {.data = b.data(), .rs = transposed ? 1 : n, .cs = transposed ? k : 1},
                             .c = c.data(),
                             .c_rs = n};
  run(state, Work::kFlops, 2.0 * static_cast<double>(m * n * k), [&] { gemm(args); });
}

// The same in bf16.
void bf16_case(benchmark::State& state, bool transposed) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const auto ones = [](int64_t count) { return std::vector<uint16_t>(static_cast<size_t>(count), 0x3f80); };
  const std::vector<uint16_t> a = ones(m * k), b = ones(k * n);
  std::vector<uint16_t> c(static_cast<size_t>(m * n));
  const GemmAnyArgs args{.dtype = DType::kBFloat16,
                         .m = m,
                         .n = n,
                         .k = k,
                         .a = {.data = a.data(), .rs = k, .cs = 1},
                         .b = {.data = b.data(), .rs = transposed ? 1 : n, .cs = transposed ? k : 1},
                         .c = c.data(),
                         .c_rs = n};
  run(state, Work::kFlops, 2.0 * static_cast<double>(m * n * k), [&] { gemm_any(args); });
}

void shapes(benchmark::internal::Benchmark* bench) {
  for (const int64_t n : {16, 32, 64, 128, 256, 512, 1024, 2048}) bench->Args({n, n, n});
  bench->Args({64, 128, 784});    // a layer of a small perceptron
  bench->Args({1, 2048, 2048});   // a matrix and one row
  bench->Args({1024, 768, 256});  // attention's projections
  bench->Args({127, 131, 137});   // primes
  bench->Args({64, 50176, 64});   // few rows, many columns
  bench->Args({64, 576, 50176});  // a long inner dimension, as in a convolution's weight gradient
  bench->UseRealTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK_CAPTURE(gemm_case, plain, false)->Name("gemm")->Apply(shapes);
BENCHMARK_CAPTURE(gemm_case, transposed, true)->Name("gemm_b_transposed")->Apply(shapes);
BENCHMARK_CAPTURE(bf16_case, plain, false)->Name("gemm_bf16")->Apply(shapes);
BENCHMARK_CAPTURE(bf16_case, transposed, true)->Name("gemm_bf16_b_transposed")->Apply(shapes);

}  // namespace
}  // namespace plait::bench
