// SPDX-License-Identifier: MIT
// Thin products, whose matrix is read once, so that nothing is packed and bandwidth is the bound, and small
// ones. Long sums are cut into chunks of k by the problem alone and combined in order; how results are shared
// among threads reaches no bit.
#include <algorithm>

#include "core/parallel.h"
#include "core/workspace.h"
#include "kernels/gemm/gemm_detail.h"

namespace plait::gemm_detail {
namespace {

// How much of k one chunk takes, and how many there are.
struct Chunks {
  int64_t depth, count;
};
Chunks cut_k(int64_t k, int64_t count, int64_t multiple) {
  const int64_t depth = round_up(ceil_div(k, std::max<int64_t>(count, 1)), multiple);
  return {depth, ceil_div(k, depth)};
}

// Chunks for sums along adjacent elements, and for sums of whole rows into n results.
constexpr int64_t kDotDepth = 16384;
Chunks dot_chunks(int64_t k) { return cut_k(k, k > 2 * kDotDepth ? ceil_div(k, kDotDepth) : 1, 64); }
Chunks row_chunks(int64_t n, int64_t k) {
  constexpr int64_t kWide = 16384, kMaxChunks = 16;
  return cut_k(k, n >= kWide ? 1 : std::min(n * k / (4 * kGrainElements), kMaxChunks), 8);
}

// Ranges of `total` results in parallel: as many as there are threads with elements enough to read.
template <class F>
void over_results(int64_t batch, int64_t chunks, int64_t total, int64_t elements_each, int64_t multiple,
                  F f) {
  const double elements = static_cast<double>(total) * static_cast<double>(elements_each) *
                          static_cast<double>(batch) * static_cast<double>(chunks);
  const auto threads = static_cast<int64_t>(
      std::clamp(elements / static_cast<double>(kGrainElements), 1.0, static_cast<double>(num_threads())));
  const int64_t wanted = ceil_div(threads, batch * chunks);
  const int64_t step = std::max(round_up(ceil_div(total, wanted), multiple), multiple);
  const int64_t ranges = ceil_div(total, step), units = batch * chunks * ranges;
  const int64_t tasks = threads == 1 ? 1 : std::min(units, 4 * threads);
  parallel_chunks(tasks, [&](int64_t task) {
    for (int64_t u = units * task / tasks; u < units * (task + 1) / tasks; ++u) {
      const int64_t first = u % ranges * step;
      f(u / ranges / chunks, u / ranges % chunks, first, std::min(step, total - first));
    }
  });
}

// y (m) = A (m x k) x (k), with n == 1; A is g.a, or holds floats that are widened. C may be any column, or a
// sink of one row. Kernels: GemmKernels<T> or what has the same two names for S.
template <class T, class S, class Kernels>
bool run_vector(const GemmArgs<T>& g, const GemmOperand<S>& matrix, const Kernels& kern) {
  const bool dots = matrix.cs == 1 || g.k == 1, rows = matrix.rs == 1 && !dots;
  if (!dots && !rows) return false;
  const Chunks chunks = dots ? dot_chunks(g.k) : row_chunks(g.m, g.k);
  const bool direct =
      chunks.count == 1 && g.c_rs == 1 && g.alpha == 1 && g.beta == 0 && !g.sink && !has_epilogue(g);
  const Workspace space(direct ? 0 : sizeof(T) * static_cast<size_t>(g.batch * chunks.count * g.m));
  over_results(g.batch, chunks.count, g.m, chunks.depth, dots ? 4 : 512,
               [&](int64_t b, int64_t chunk, int64_t first, int64_t count) {
                 const int64_t k0 = chunk * chunks.depth, depth = std::min(chunks.depth, g.k - k0);
                 const S* a = batch_start(matrix, b) + first * matrix.rs + k0 * matrix.cs;
                 const T* x = batch_start(g.b, b) + k0 * g.b.rs;
                 const Workspace x_space(g.b.rs == 1 ? 0 : sizeof(T) * static_cast<size_t>(depth));
                 if (g.b.rs != 1) {
                   T* const copy = x_space.template as<T>();
                   for (int64_t p = 0; p < depth; ++p) copy[p] = x[p * g.b.rs];
                   x = copy;
                 }
                 T* y = direct ? g.c + b * g.c_bs + first
                               : space.template as<T>() + (b * chunks.count + chunk) * g.m + first;
                 if (dots) {
                   kern.dot_rows(y, a, matrix.rs, x, count, depth);
                 } else {
                   kern.sum_rows(y, a, matrix.cs, x, count, depth);
                 }
               });
  // As one row of m results, which is how finish_sums() likes it.
  if (!direct) finish_sums(transposed(g), space.template as<T>(), chunks.count);
  return true;
}

// Few rows, both operands adjacent in k: C = A B^T with short A. Every row of B is read once and never
// packed; each result costs a sum across lanes instead. Packing costs as much per row of B whatever m is, so
// dots win while k is well above m: measured at m = 2 to 32, k = 16 to 2048.
constexpr int64_t kFewRows = 32, kDepthPerRow = 9;

template <class T>
bool run_few_rows(const GemmArgs<T>& g) {
  const GemmKernels<T>& kern = kernels_of<T>();
  const Chunks chunks = dot_chunks(g.k);
  const bool direct = chunks.count == 1 && g.alpha == 1 && g.beta == 0 && !has_epilogue(g);
  const Workspace space(direct ? 0 : sizeof(T) * static_cast<size_t>(g.batch * chunks.count * g.m * g.n));
  over_results(g.batch, chunks.count, g.n, chunks.depth * ceil_div(g.m, 4), 6,
               [&](int64_t b, int64_t chunk, int64_t first, int64_t count) {
                 const int64_t k0 = chunk * chunks.depth, depth = std::min(chunks.depth, g.k - k0);
                 const T* a = batch_start(g.a, b) + k0;
                 const T* bt = batch_start(g.b, b) + first * g.b.cs + k0;
                 if (direct) {
                   kern.dot_tiles(g.c + b * g.c_bs + first * g.c_cs, g.c_rs, g.c_cs, a, g.a.rs, bt, g.b.cs,
                                  g.m, count, depth);
                 } else {
                   kern.dot_tiles(space.template as<T>() + (b * chunks.count + chunk) * g.m * g.n + first,
                                  g.n, 1, a, g.a.rs, bt, g.b.cs, g.m, count, depth);
                 }
               });
  if (!direct) finish_sums(g, space.template as<T>(), chunks.count);
  return true;
}

}  // namespace

template <class T>
bool run_thin(const GemmArgs<T>& g) {
  if (g.a.source || g.b.source || g.sink) return false;
  if (g.n == 1) return run_vector(g, g.a, kernels_of<T>());
  if (g.m == 1) {
    const GemmArgs<T> turned = transposed(g);
    return run_vector(turned, turned.a, kernels_of<T>());
  }
  if (g.b.panels) return false;
  if (g.a.cs != 1 || g.b.rs != 1 || std::min(g.m, g.n) > kFewRows) return false;
  if (g.k < kDepthPerRow * std::min(g.m, g.n)) return false;
  return run_few_rows(g.m <= g.n ? g : transposed(g));
}
template bool run_thin<float>(const GemmArgs<float>&);
template bool run_thin<double>(const GemmArgs<double>&);

bool run_half_vector(const GemmArgs<float>& g, const GemmOperand<uint16_t>& a, const GemmHalfKernels& kern) {
  return run_vector(g, a, kern);
}

template <class T>
bool run_small(const GemmArgs<T>& g) {
  // Multiply-adds up to which it is faster than the engine: measured on Zen 4 at 3 to 32 rows and columns.
  constexpr int64_t kMostWork = 4096;
  // What an item costs besides, and what is worth a thread; in multiply-adds.
  constexpr int64_t kItem = 128, kGrain = 65536;
  const GemmKernels<T>& kern = kernels_of<T>();
  if (g.a.source || g.b.source || g.b.panels || g.sink || g.c_cs != 1 || has_epilogue(g)) return false;
  if (g.batch < 2 || g.n > kern.nr || g.k > kGemmSmallDepth || g.m * g.n * g.k > kMostWork) return false;
  parallel_for(g.batch, std::max<int64_t>(1, kGrain / (g.m * g.n * g.k + kItem)),
               [&](int64_t first, int64_t last) {
                 kern.small_items({g.m,      g.n,    g.k,    first,   last,         //
                                   g.a.data, g.a.rs, g.a.cs, g.a.bs,  g.a.offsets,  //
                                   g.b.data, g.b.rs, g.b.cs, g.b.bs,  g.b.offsets,  //
                                   g.c,      g.c_rs, g.c_bs, g.alpha, g.beta});
               });
  return true;
}
template bool run_small<float>(const GemmArgs<float>&);
template bool run_small<double>(const GemmArgs<double>&);

template <class T>
void finish_sums(const GemmArgs<T>& g, const T* parts, int64_t count) {
  constexpr int64_t kColumns = 8192;
  const int64_t columns = std::min(g.n, kColumns), blocks = ceil_div(g.n, columns);
  const bool epilogue = has_epilogue(g);
  const int64_t grain = std::max<int64_t>(1, kGrainElements / (columns * (count + 2)));
  parallel_for(g.batch * g.m * blocks, grain, [&](int64_t begin, int64_t end) {
    const Workspace row(g.sink ? sizeof(T) * static_cast<size_t>(columns) : 0);
    for (int64_t u = begin; u < end; ++u) {
      const int64_t j = u % blocks * columns, i = u / blocks % g.m, b = u / blocks / g.m;
      const GemmEpilogue<T> e = epilogue_at(g, b, i, j);
      GemmFinish<T> f;
      f.m = 1;
      f.n = std::min(columns, g.n - j);
      f.parts = parts ? parts + (b * count * g.m + i) * g.n + j : nullptr;
      f.part_stride = g.m * g.n;
      f.count = count;
      f.c = g.sink ? row.as<T>() : g.c + b * g.c_bs + i * g.c_rs + j * g.c_cs;
      f.c_rs = 0;
      f.c_cs = g.sink ? 1 : g.c_cs;
      f.alpha = g.alpha;
      f.beta = g.beta;
      f.epilogue = epilogue ? &e : nullptr;
      kernels_of<T>().finish(f);
      if (g.sink) g.sink->store(g.sink->self, b, row.as<T>(), columns, i, 1, j, f.n);
    }
  });
}
template void finish_sums<float>(const GemmArgs<float>&, const float*, int64_t);
template void finish_sums<double>(const GemmArgs<double>&, const double*, int64_t);

}  // namespace plait::gemm_detail
