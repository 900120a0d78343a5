// SPDX-License-Identifier: MIT
// Convolution forward, on shapes of common networks.
#include "ops/create/create.h"
#include "ops/nn/conv.h"
#include "report.h"

namespace plait::bench {
namespace {

// {batch, input channels, output channels, image size, kernel, stride, groups}, padded by kernel / 2
void conv_shapes(benchmark::internal::Benchmark* bench) {
  bench->Args({16, 64, 64, 56, 3, 1, 1});
  bench->Args({16, 256, 256, 28, 1, 1, 1});
  bench->Args({8, 3, 64, 224, 7, 2, 1});
  bench->Args({16, 128, 128, 56, 3, 1, 128});
  bench->Args({16, 512, 512, 4, 3, 1, 1});
  bench->Args({64, 1, 32, 28, 3, 1, 1});
  bench->Args({5, 37, 41, 23, 5, 1, 1});  // primes
  bench->UseRealTime()->Unit(benchmark::kMillisecond);
}

void conv2d(benchmark::State& state) {
  const int64_t n = state.range(0), ic = state.range(1), oc = state.range(2), size = state.range(3);
  const int64_t kernel = state.range(4), stride = state.range(5), groups = state.range(6);
  const int64_t pad = kernel / 2, out = (size + 2 * pad - kernel) / stride + 1;
  const Tensor x = full(Dims{n, ic, size, size}, 0.5, DType::kFloat32);
  const Tensor w = full(Dims{oc, ic / groups, kernel, kernel}, 0.25, DType::kFloat32);
  ConvParams params;
  params.stride = {stride, stride}, params.dilation = {1, 1};
  params.padding = params.padding_after = {pad, pad};
  params.groups = groups;
  const double flops = 2.0 * static_cast<double>(n * oc * out * out * (ic / groups) * kernel * kernel);
  run(state, Work::kFlops, flops, [&] { benchmark::DoNotOptimize(convolution(x, w, Tensor(), params)); });
}
BENCHMARK(conv2d)->Apply(conv_shapes);

}  // namespace
}  // namespace plait::bench
