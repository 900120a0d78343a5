// SPDX-License-Identifier: MIT
// Reductions over each pattern of axes: first, last, middle, all.
#include "ops/create/create.h"
#include "ops/nn/softmax.h"
#include "ops/reduce/reduce.h"
#include "report.h"

namespace plait::bench {
namespace {

// The sum of a (a, b, c) tensor over one dimension; -1 stands for all of them.
void sum_over(benchmark::State& state, int64_t dim) {
  const Dims shape{state.range(0), state.range(1), state.range(2)};
  const Tensor x = full(shape, 0.75, DType::kFloat32);
  const Dims dims = dim < 0 ? Dims{0, 1, 2} : Dims{dim};
  const double bytes = 4.0 * static_cast<double>(x.numel());
  run(state, Work::kBytes, bytes, [&] { benchmark::DoNotOptimize(sum(x, dims, false, {})); });
}
void shapes(benchmark::internal::Benchmark* bench) {
  bench->Args({256, 256, 256});
  bench->Args({4096, 1, 4096});
  bench->Args({31, 1009, 37});  // primes
  bench->UseRealTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK_CAPTURE(sum_over, first, 0)->Name("sum_first")->Apply(shapes);
BENCHMARK_CAPTURE(sum_over, middle, 1)->Name("sum_middle")->Apply(shapes);
BENCHMARK_CAPTURE(sum_over, last, 2)->Name("sum_last")->Apply(shapes);
BENCHMARK_CAPTURE(sum_over, all, -1)->Name("sum_all")->Apply(shapes);

void softmax_rows(benchmark::State& state) {
  const Tensor x = full(Dims{state.range(0), state.range(1)}, 0.75, DType::kFloat32);
  const double bytes = 8.0 * static_cast<double>(x.numel());
  run(state, Work::kBytes, bytes, [&] { benchmark::DoNotOptimize(softmax(x, 1)); });
}
BENCHMARK(softmax_rows)
    ->Name("softmax")
    ->Args({4096, 1024})
    ->Args({64, 10})
    ->Args({1009, 331})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace plait::bench
