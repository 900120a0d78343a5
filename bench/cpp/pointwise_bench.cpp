// SPDX-License-Identifier: MIT
// Pointwise operators in and out of the caches: equal shapes, a broadcast row, a transposed operand.
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/view/view.h"
#include "report.h"

namespace plait::bench {
namespace {

void lengths(benchmark::internal::Benchmark* bench) {
  for (const int64_t n : {1 << 12, 1 << 16, 1 << 20, 1 << 24}) bench->Arg(n);
  bench->UseRealTime()->Unit(benchmark::kMicrosecond);
}

// y = f(x): each element read once and written once.
template <Tensor (*kF)(const Tensor&)>
void unary(benchmark::State& state) {
  const int64_t n = state.range(0);
  const Tensor x = full(Dims{n}, 0.75, DType::kFloat32);
  run(state, Work::kBytes, 8.0 * static_cast<double>(n), [&] { benchmark::DoNotOptimize(kF(x)); });
}
Tensor gelu_exact(const Tensor& x) { return gelu(x); }
BENCHMARK_TEMPLATE(unary, neg)->Name("neg")->Apply(lengths);
BENCHMARK_TEMPLATE(unary, exp)->Name("exp")->Apply(lengths);
BENCHMARK_TEMPLATE(unary, tanh)->Name("tanh")->Apply(lengths);
BENCHMARK_TEMPLATE(unary, gelu_exact)->Name("gelu")->Apply(lengths);

void add_equal(benchmark::State& state) {
  const int64_t n = state.range(0);
  const Tensor a = full(Dims{n}, 0.75, DType::kFloat32), b = full(Dims{n}, 0.5, DType::kFloat32);
  run(state, Work::kBytes, 12.0 * static_cast<double>(n), [&] { benchmark::DoNotOptimize(add(a, b)); });
}
BENCHMARK(add_equal)->Name("add")->Apply(lengths);

// (n, n) + (n), and (n, n) + the transposed of (n, n).
void add_matrix(benchmark::State& state, bool transposed) {
  const int64_t n = state.range(0);
  const Tensor a = full(Dims{n, n}, 0.75, DType::kFloat32);
  const Tensor b = full(transposed ? Dims{n, n} : Dims{n}, 0.5, DType::kFloat32);
  const Tensor other = transposed ? transpose(b, 0, 1) : b;
  const double bytes = 4.0 * static_cast<double>(n * n * (transposed ? 3 : 2));
  run(state, Work::kBytes, bytes, [&] { benchmark::DoNotOptimize(add(a, other)); });
}
void sides(benchmark::internal::Benchmark* bench) {
  for (const int64_t n : {63, 512, 4096}) bench->Arg(n);
  bench->UseRealTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK_CAPTURE(add_matrix, row, false)->Name("add_row")->Apply(sides);
BENCHMARK_CAPTURE(add_matrix, transposed, true)->Name("add_transposed")->Apply(sides);

}  // namespace
}  // namespace plait::bench
