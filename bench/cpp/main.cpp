// SPDX-License-Identifier: MIT
// Runs the kernel benchmarks. Options are Google Benchmark's, for example --benchmark_filter=gemm; threads
// are set with OMP_NUM_THREADS, the instruction set with PLAIT_ISA.
#include <benchmark/benchmark.h>

#include <cstdio>

#include "core/cpu_info.h"
#include "core/parallel.h"
#include "limits.h"
#include "report.h"

namespace plait::bench {

double fma_limit() {
  static const double limit = plait_limit_fma(num_threads());
  return limit;
}

double copy_limit() {
  static const double limit = plait_limit_copy(num_threads(), std::size_t{128} << 20);
  return limit;
}

}  // namespace plait::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  std::printf("%s, instruction set %s, %d threads: %.0f GFLOP/s, copy %.1f GB/s\n",
              plait::cpu_info().model.c_str(), plait::isa_name(plait::isa_level()), plait::num_threads(),
              plait::bench::fma_limit() / 1e9, plait::bench::copy_limit() / 1e9);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
