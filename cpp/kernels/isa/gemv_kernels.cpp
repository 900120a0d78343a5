// SPDX-License-Identifier: MIT
// Products with a vector or with few rows: every element of the matrix is used once or a few times, so the
// matrix is read in its memory order and never packed.
// dot_rows and dot_tiles run along k with kUnroll vectors of partial sums per result, summed in one fixed
// tree; sum_rows adds scaled rows in order of k, eight at a time, to a stretch of y that stays in L1. Bound
// by the bandwidth of wherever the matrix lies (dot_tiles with several rows: by the multiply-add ports).
#include "kernels/gemm/gemm_args.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// I x J results, each from U vectors of partial sums: (the first p of 0, U, 2U, ...) + (1, U+1, ...) + ...
// S is T, or a float that is widened on the way.
template <class T, int I, int J, int U, class S>
void dot_tile(T* c, int64_t c_rs, int64_t c_cs, const S* a, int64_t a_rs, const T* b, int64_t b_rs,
              int64_t k) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[U][I][J];
#pragma GCC unroll 2
  for (int u = 0; u < U; ++u) {
#pragma GCC unroll 8
    for (int i = 0; i < I; ++i) {
#pragma GCC unroll 8
      for (int j = 0; j < J; ++j) acc[u][i][j] = Vec<T>{};
    }
  }
  int64_t p = 0;
  for (; p + U * L <= k; p += U * L) {
#pragma GCC unroll 2
    for (int u = 0; u < U; ++u) {
      Vec<T> av[I];
#pragma GCC unroll 8
      for (int i = 0; i < I; ++i) av[i] = load(a + i * a_rs + p + u * L);
#pragma GCC unroll 8
      for (int j = 0; j < J; ++j) {
        const Vec<T> bv = load(b + j * b_rs + p + u * L);
#pragma GCC unroll 8
        for (int i = 0; i < I; ++i) acc[u][i][j] += av[i] * bv;
      }
    }
  }
#pragma GCC unroll 2
  for (int u = 0; u < U; ++u, p += L) {
    const int64_t n = k - p < L ? k - p : L;
    if (n <= 0) break;
#pragma GCC unroll 8
    for (int i = 0; i < I; ++i) {
      const Vec<T> av = load_n(a + i * a_rs + p, n);
#pragma GCC unroll 8
      for (int j = 0; j < J; ++j) acc[u][i][j] += av * load_n(b + j * b_rs + p, n);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < I; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) {
      Vec<T> sum = acc[0][i][j];
#pragma GCC unroll 2
      for (int u = 1; u < U; ++u) sum += acc[u][i][j];
      c[i * c_rs + j * c_cs] = reduce_add(sum);
    }
  }
}

template <class T, class S>
void dot_rows(T* y, const S* a, int64_t rs, const T* x, int64_t m, int64_t k) {
  int64_t i = 0;
  for (; i + 4 <= m; i += 4) dot_tile<T, 4, 1, 2>(y + i, 1, 0, a + i * rs, rs, x, 0, k);
  for (; i < m; ++i) dot_tile<T, 1, 1, 2>(y + i, 1, 0, a + i * rs, rs, x, 0, k);
}

// I rows of a by all rows of b, kTileCols at a time. I x kTileCols sums, I vectors of a and one of b fill the
// register file.
constexpr int kTileRows = PLAIT_ISA_LEVEL == 2 ? 4 : 2, kTileCols = PLAIT_ISA_LEVEL == 2 ? 6 : 4;

template <class T, int I>
void dot_strip(T* c, int64_t c_rs, int64_t c_cs, const T* a, int64_t a_rs, const T* b, int64_t b_rs,
               int64_t n, int64_t k) {
  int64_t j = 0;
  for (; j + kTileCols <= n; j += kTileCols) {
    dot_tile<T, I, kTileCols, 1>(c + j * c_cs, c_rs, c_cs, a, a_rs, b + j * b_rs, b_rs, k);
  }
  for (; j < n; ++j) dot_tile<T, I, 1, 1>(c + j * c_cs, c_rs, c_cs, a, a_rs, b + j * b_rs, b_rs, k);
}

template <class T>
void dot_tiles(T* c, int64_t c_rs, int64_t c_cs, const T* a, int64_t a_rs, const T* b, int64_t b_rs,
               int64_t m, int64_t n, int64_t k) {
  // Rows of b that stay in L1 while all rows of a meet them.
  constexpr int64_t kCols = 2 * kTileCols;
  for (int64_t j = 0; j < n; j += kCols) {
    const int64_t cols = n - j < kCols ? n - j : kCols;
    const T* bj = b + j * b_rs;
    for (int64_t i = 0; i < m; i += kTileRows) {
      T* ci = c + i * c_rs + j * c_cs;
      const T* ai = a + i * a_rs;
      switch (m - i < kTileRows ? m - i : kTileRows) {
        case 1:
          dot_strip<T, 1>(ci, c_rs, c_cs, ai, a_rs, bj, b_rs, cols, k);
          break;
        case 2:
          dot_strip<T, 2>(ci, c_rs, c_cs, ai, a_rs, bj, b_rs, cols, k);
          break;
        case 3:
          dot_strip<T, 3>(ci, c_rs, c_cs, ai, a_rs, bj, b_rs, cols, k);
          break;
        default:
          dot_strip<T, kTileRows>(ci, c_rs, c_cs, ai, a_rs, bj, b_rs, cols, k);
      }
    }
  }
}

constexpr int kRows = 8;
constexpr int64_t kStretchBytes = 8192;

// y[j] += the kCount rows of b times x, in order.
template <class T, int kCount, class S>
inline void add_rows(T* y, const S* b, int64_t rs, const T* x, int64_t n) {
  constexpr int L = kLanes<T>;
  Vec<T> xv[kCount];
#pragma GCC unroll 8
  for (int r = 0; r < kCount; ++r) xv[r] = splat<Vec<T>>(x[r]);
  int64_t j = 0;
  for (; j + L <= n; j += L) {
    Vec<T> v = load(y + j);
#pragma GCC unroll 8
    for (int r = 0; r < kCount; ++r) v += xv[r] * load(b + r * rs + j);
    store(y + j, v);
  }
  if (j < n) {
    Vec<T> v = load_n(y + j, n - j);
#pragma GCC unroll 8
    for (int r = 0; r < kCount; ++r) v += xv[r] * load_n(b + r * rs + j, n - j);
    store_n(y + j, v, n - j);
  }
}

template <class T, class S>
void sum_rows(T* y, const S* b, int64_t rs, const T* x, int64_t n, int64_t k) {
  constexpr int64_t kStretch = kStretchBytes / static_cast<int64_t>(sizeof(T));
  for (int64_t j = 0; j < n; j += kStretch) {
    const int64_t width = n - j < kStretch ? n - j : kStretch;
    for (int64_t i = 0; i < width; ++i) y[j + i] = T(0);
    int64_t p = 0;
    for (; p + kRows <= k; p += kRows) add_rows<T, kRows>(y + j, b + p * rs + j, rs, x + p, width);
    for (; p < k; ++p) add_rows<T, 1>(y + j, b + p * rs + j, rs, x + p, width);
  }
}

template <class S>
void dot_rows_half(float* y, const uint16_t* a, int64_t rs, const float* x, int64_t m, int64_t k) {
  dot_rows(y, reinterpret_cast<const S*>(a), rs, x, m, k);
}
template <class S>
void sum_rows_half(float* y, const uint16_t* b, int64_t rs, const float* x, int64_t n, int64_t k) {
  sum_rows(y, reinterpret_cast<const S*>(b), rs, x, n, k);
}

template <class T>
void fill(GemmKernels<T>& g) {
  g.dot_rows = dot_rows<T, T>;
  g.sum_rows = sum_rows<T, T>;
  g.dot_tiles = dot_tiles<T>;
}
template <class S>
void fill(GemmHalfKernels& g) {
  g.dot_rows = dot_rows_half<S>;
  g.sum_rows = sum_rows_half<S>;
}

}  // namespace

void fill_gemv(KernelTable& table) {
  fill(table.gemm.f32);
  fill(table.gemm.f64);
  fill<f16>(table.gemm.f16);
  fill<bf16>(table.gemm.bf16);
  fill<bf16>(table.gemm.bf16_pairs);
}

}  // namespace plait::PLAIT_ISA_NS
