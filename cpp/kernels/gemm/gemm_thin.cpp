// SPDX-License-Identifier: MIT
// Products for which packing costs more than it saves.
//
//   vector     y = A x, y = x B      gemv_dot where A's rows are contiguous, gemv_axpy where its columns are
//   few rows   C = A B^T, m <= 32    dot_tiles, both operands contiguous along k
//   tiny       C of at most 8 x 8    the same; an operand that is not contiguous is transposed piece by piece
//   small      batches of products of at most 4096 multiply-adds
//
// The first two read every element of the matrix once, in memory order, and are bound by the bandwidth of the
// memory or cache it lies in. Small products are bound by the fixed cost of an item.
// Long sums are cut into chunks of k by the problem alone, and the chunks' sums are added in order. How
// results are shared among threads reaches no bit.
#include <algorithm>

#include "core/parallel.h"
#include "core/work_split.h"
#include "core/workspace.h"
#include "kernels/gemm/gemm_detail.h"

namespace plait::gemm_detail {
namespace {

// `count` chunks of `depth` steps of k; the last one may have fewer.
struct Chunks {
  int64_t depth, count;
};
Chunks cut_k(int64_t k, int64_t count, int64_t multiple) {
  const int64_t depth = round_up(ceil_div(k, std::max<int64_t>(count, 1)), multiple);
  return {depth, ceil_div(k, depth)};
}

// For dot products, and for axpys into n results. These numbers reach the bits.
constexpr int64_t kDotDepth = 16384;
Chunks dot_chunks(int64_t k) { return cut_k(k, k > 2 * kDotDepth ? ceil_div(k, kDotDepth) : 1, 64); }
Chunks axpy_chunks(int64_t n, int64_t k) {
  constexpr int64_t kWide = 16384, kMaxChunks = 16;
  return cut_k(k, n >= kWide ? 1 : std::min(n * k / (4 * kGrainElements), kMaxChunks), 8);
}

// What is computed in parallel: `results` of each chunk of each batch item, for each of which `elements` are
// read. Ranges of results start at a multiple of `multiple`.
struct Work {
  int64_t batch, chunks, results, elements, multiple;
};
// Calls f(item, chunk, first, count) for ranges of results: as many as there are threads with work enough.
template <class F>
void for_result_ranges(const Work& w, F f) {
  const double elements = static_cast<double>(w.results) * static_cast<double>(w.elements) *
                          static_cast<double>(w.batch) * static_cast<double>(w.chunks);
  const int64_t threads = busy_threads(elements, static_cast<double>(kGrainElements));
  const int64_t wanted = ceil_div(threads, w.batch * w.chunks);
  const int64_t range = std::max(round_up(ceil_div(w.results, wanted), w.multiple), w.multiple);
  const int64_t ranges = ceil_div(w.results, range);
  for_units(w.batch * w.chunks * ranges, threads, 4, [&](int64_t u) {
    const int64_t first = u % ranges * range;
    f(u / ranges / w.chunks, u / ranges % w.chunks, first, std::min(range, w.results - first));
  });
}

// The steps of x (k,) that a chunk needs, contiguous.
template <class T>
class ContiguousVector {
 public:
  ContiguousVector(const T* x, int64_t stride, int64_t count)
      : space_(stride == 1 ? 0 : sizeof(T) * static_cast<size_t>(count)),
        data_(stride == 1 ? x : space_.template as<T>()) {
    if (stride == 1) return;
    T* const copy = space_.template as<T>();
    for (int64_t p = 0; p < count; ++p) copy[p] = x[p * stride];
  }
  const T* data() const { return data_; }

 private:
  const Workspace space_;
  const T* const data_;
};

// y (m,) = A (m, k) x (k,), with n == 1. A is `matrix`, which holds S: T, or 16-bit floats that are widened.
// C may be any column, or a sink of one row. Kernels: GemmKernels<T>, or GemmHalfKernels for 16-bit floats.
template <class T, class S, class Kernels>
bool run_vector(const GemmArgs<T>& g, const GemmOperand<S>& matrix, const Kernels& kern) {
  const bool rows = matrix.cs == 1 || g.k == 1, cols = matrix.rs == 1 && !rows;
  if (!rows && !cols) return false;
  const Chunks chunks = rows ? dot_chunks(g.k) : axpy_chunks(g.m, g.k);
  const bool direct =
      chunks.count == 1 && g.c_rs == 1 && g.alpha == 1 && g.beta == 0 && !g.sink && !has_epilogue(g);
  const Workspace parts(direct ? 0 : sizeof(T) * static_cast<size_t>(g.batch * chunks.count * g.m));
  const Work work{g.batch, chunks.count, g.m, chunks.depth, rows ? 4 : 512};
  for_result_ranges(work, [&](int64_t item, int64_t chunk, int64_t first, int64_t count) {
    const int64_t k0 = chunk * chunks.depth, depth = std::min(chunks.depth, g.k - k0);
    const S* a = batch_start(matrix, item) + first * matrix.rs + k0 * matrix.cs;
    const ContiguousVector<T> x(batch_start(g.b, item) + k0 * g.b.rs, g.b.rs, depth);
    T* y = direct ? g.c + item * g.c_bs + first
                  : parts.template as<T>() + (item * chunks.count + chunk) * g.m + first;
    if (rows) {
      kern.gemv_dot(y, a, matrix.rs, x.data(), count, depth);
    } else {
      kern.gemv_axpy(y, a, matrix.cs, x.data(), count, depth);
    }
  });
  // As one row of m results: finish_sums() runs along rows.
  if (!direct) finish_sums(transposed(g), parts.template as<T>(), chunks.count);
  return true;
}

// C = A B^T with at most kFewRows rows of A, both operands contiguous along k. Each row of B is read once and
// never packed; in return each result needs a sum across the lanes of a vector. The price of packing a row of
// B does not depend on m, so dot products win while k >= kDepthPerRow * m. These numbers choose the algorithm
// and so reach the bits. tuned: timings at m = 2 to 32, k = 16 to 2048
constexpr int64_t kFewRows = 32, kDepthPerRow = 9;

// A C of at most kTinySide rows and columns fills no tile of the engine, which would also pack both operands.
// Instead they are transposed in pieces that stay in L1. tuned: timings at 2 to 16 rows and columns, Zen 4
constexpr int64_t kTinySide = 8, kTinyDepth = 512, kPieceDepth = 1024;

// The piece [rows, depth] of an operand whose rows are `rs` and whose steps of k are `ks` apart, contiguous
// along k.
template <class T>
class ContiguousRows {
 public:
  ContiguousRows(const T* x, int64_t rs, int64_t ks, int64_t rows, int64_t depth)
      : space_(ks == 1 ? 0 : sizeof(T) * static_cast<size_t>(rows * depth)),
        data_(ks == 1 ? x : space_.template as<T>()),
        stride_(ks == 1 ? rs : depth) {
    if (ks == 1) return;
    T* const copy = space_.template as<T>();
    constexpr auto kItem = static_cast<int64_t>(sizeof(T));
    if (rs == 1) {
      kernels().convert.transpose.bytes(kItem)(copy, depth * kItem, x, ks * kItem, depth, rows);
      return;
    }
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t p = 0; p < depth; ++p) copy[i * depth + p] = x[i * rs + p * ks];
    }
  }
  const T* data() const { return data_; }
  int64_t stride() const { return stride_; }

 private:
  const Workspace space_;
  const T* const data_;
  const int64_t stride_;
};

template <class T>
bool run_few_rows(const GemmArgs<T>& g) {
  const GemmKernels<T>& kern = kernels_of<T>();
  const bool contiguous = g.a.cs == 1 && g.b.rs == 1;
  const Chunks chunks = contiguous ? dot_chunks(g.k) : cut_k(g.k, ceil_div(g.k, kPieceDepth), 64);
  const bool direct = chunks.count == 1 && g.alpha == 1 && g.beta == 0 && !has_epilogue(g);
  const Workspace parts(direct ? 0 : sizeof(T) * static_cast<size_t>(g.batch * chunks.count * g.m * g.n));
  const Work work{g.batch, chunks.count, g.n, chunks.depth * ceil_div(g.m, 4), 6};
  for_result_ranges(work, [&](int64_t item, int64_t chunk, int64_t first, int64_t count) {
    const int64_t k0 = chunk * chunks.depth;
    GemmDots<T> dots;
    dots.m = g.m;
    dots.n = count;
    dots.k = std::min(chunks.depth, g.k - k0);
    const ContiguousRows<T> a(batch_start(g.a, item) + k0 * g.a.cs, g.a.rs, g.a.cs, g.m, dots.k);
    const ContiguousRows<T> b(batch_start(g.b, item) + first * g.b.cs + k0 * g.b.rs, g.b.cs, g.b.rs, count,
                              dots.k);
    dots.a = a.data();
    dots.a_rs = a.stride();
    dots.b = b.data();
    dots.b_rs = b.stride();
    dots.c = direct ? g.c + item * g.c_bs + first * g.c_cs
                    : parts.template as<T>() + (item * chunks.count + chunk) * g.m * g.n + first;
    dots.c_rs = direct ? g.c_rs : g.n;
    dots.c_cs = direct ? g.c_cs : 1;
    kern.dot_tiles(dots);
  });
  if (!direct) finish_sums(g, parts.template as<T>(), chunks.count);
  return true;
}

}  // namespace

template <class T>
bool run_thin(const GemmArgs<T>& g) {
  if (g.a.source || g.b.source || g.sink) return false;
  if (g.n == 1) return run_vector(g, g.a, kernels_of<T>());
  if (g.m == 1) {
    const GemmArgs<T> column = transposed(g);
    return run_vector(column, column.a, kernels_of<T>());
  }
  if (g.b.panels) return false;
  const bool tiny = std::max(g.m, g.n) <= kTinySide && g.k >= kTinyDepth;
  if (!tiny && (g.a.cs != 1 || g.b.rs != 1 || std::min(g.m, g.n) > kFewRows)) return false;
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
  // The largest product that is faster here than in the engine, the fixed cost of an item, and the least work
  // that is worth a thread, in multiply-adds. tuned: timings at 3 to 32 rows and columns, Zen 4
  constexpr int64_t kMaxWork = 4096, kItemWork = 128, kThreadWork = 65536;
  const GemmKernels<T>& kern = kernels_of<T>();
  if (g.a.source || g.b.source || g.b.panels || g.sink || g.c_cs != 1 || has_epilogue(g)) return false;
  if (g.batch < 2 || g.n > kern.nr || g.k > kGemmSmallDepth || g.m * g.n * g.k > kMaxWork) return false;
  parallel_for(g.batch, std::max<int64_t>(1, kThreadWork / (g.m * g.n * g.k + kItemWork)),
               [&](int64_t first, int64_t last) {
                 kern.small_items({.m = g.m,
                                   .n = g.n,
                                   .k = g.k,
                                   .first = first,
                                   .last = last,
                                   .a = g.a.data,
                                   .a_rs = g.a.rs,
                                   .a_cs = g.a.cs,
                                   .a_bs = g.a.bs,
                                   .a_offsets = g.a.offsets,
                                   .b = g.b.data,
                                   .b_rs = g.b.rs,
                                   .b_cs = g.b.cs,
                                   .b_bs = g.b.bs,
                                   .b_offsets = g.b.offsets,
                                   .c = g.c,
                                   .c_rs = g.c_rs,
                                   .c_bs = g.c_bs,
                                   .alpha = g.alpha,
                                   .beta = g.beta});
               });
  return true;
}
template bool run_small<float>(const GemmArgs<float>&);
template bool run_small<double>(const GemmArgs<double>&);

template <class T>
void finish_sums(const GemmArgs<T>& g, const T* parts, int64_t count) {
  constexpr int64_t kMaxColumns = 8192;  // of one call of the kernel, and of the buffer for a sink
  const int64_t columns = std::min(g.n, kMaxColumns), blocks = ceil_div(g.n, columns);
  const bool epilogue = has_epilogue(g);
  const int64_t grain = std::max<int64_t>(1, kGrainElements / (columns * (count + 2)));
  parallel_for(g.batch * g.m * blocks, grain, [&](int64_t begin, int64_t end) {
    const Workspace row(g.sink ? sizeof(T) * static_cast<size_t>(columns) : 0);
    for (int64_t u = begin; u < end; ++u) {
      const int64_t j = u % blocks * columns, i = u / blocks % g.m, item = u / blocks / g.m;
      const GemmEpilogue<T> e = epilogue_at(g, item, i, j);
      const GemmFinish<T> f{.m = 1,
                            .n = std::min(columns, g.n - j),
                            .parts = parts ? parts + (item * count * g.m + i) * g.n + j : nullptr,
                            .part_stride = g.m * g.n,
                            .count = count,
                            .c = g.sink ? row.as<T>() : g.c + item * g.c_bs + i * g.c_rs + j * g.c_cs,
                            .c_rs = 0,
                            .c_cs = g.sink ? 1 : g.c_cs,
                            .alpha = g.alpha,
                            .beta = g.beta,
                            .epilogue = epilogue ? &e : nullptr};
      kernels_of<T>().finish(f);
      if (g.sink) g.sink->store(g.sink->self, item, row.as<T>(), columns, i, 1, j, f.n);
    }
  });
}
template void finish_sums<float>(const GemmArgs<float>&, const float*, int64_t);
template void finish_sums<double>(const GemmArgs<double>&, const double*, int64_t);

}  // namespace plait::gemm_detail
