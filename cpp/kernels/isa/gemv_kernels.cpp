// SPDX-License-Identifier: MIT
// Products with a vector or with few rows. They use every element of the matrix once or a few times, so they
// read it once, in memory order, and pack nothing.
//
//   gemv_dot   y[i] = sum_p a[i][p] x[p]: rows of a contiguous. Four rows at a time, along k.
//   gemv_axpy  y[j] = sum_p x[p] b[p][j]: rows of b contiguous. Eight rows of b at a time are scaled and
//              added, in order of p, to a stretch of y that stays in L1.
//   dot_tiles  C[i][j] = sum_p a[i][p] b[j][p]: both contiguous along k. Tiles of dot products, along k.
//
// Dot products keep two vectors (dot_tiles: one) of partial sums per result and add them in one fixed tree.
// Bound by the bandwidth of the memory or cache that the matrix lies in; dot_tiles with several rows by the
// multiply-add units.
#include "kernels/gemm/gemm_args.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// I x J dot products, of rows d.a and d.b, into d.c; d.m and d.n are not read. Each result is the sum of U
// vectors of partial sums: vector u takes every U-th vector of k.
template <class T, int I, int J, int U, class S>
void dot_tile(const GemmDots<T, S>& d) {
  constexpr int L = kLanes<T>;
  const S* const a = d.a;
  const T* const b = d.b;
  const int64_t k = d.k, a_rs = d.a_rs, b_rs = d.b_rs;
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
      d.c[i * d.c_rs + j * d.c_cs] = reduce_add(sum);
    }
  }
}

template <class T, class S>
void gemv_dot(T* y, const S* a, int64_t rs, const T* x, int64_t m, int64_t k) {
  GemmDots<T, S> d{
      .m = m, .n = 1, .k = k, .a = a, .a_rs = rs, .b = x, .b_rs = 0, .c = y, .c_rs = 1, .c_cs = 0};
  int64_t i = 0;
  for (; i + 4 <= m; i += 4, d.a += 4 * rs, d.c += 4) dot_tile<T, 4, 1, 2>(d);
  for (; i < m; ++i, d.a += rs, ++d.c) dot_tile<T, 1, 1, 2>(d);
}

// Tiles of dot_tiles. kTileRows x kTileCols sums, kTileRows vectors of a and one of b fill the register file.
constexpr int kTileRows = PLAIT_ISA_LEVEL == 2 ? 4 : 2, kTileCols = PLAIT_ISA_LEVEL == 2 ? 6 : 4;

// I rows of a by d.n rows of b.
template <class T, int I>
void dot_strip(GemmDots<T> d) {
  int64_t j = 0;
  for (; j + kTileCols <= d.n; j += kTileCols, d.b += kTileCols * d.b_rs, d.c += kTileCols * d.c_cs) {
    dot_tile<T, I, kTileCols, 1>(d);
  }
  for (; j < d.n; ++j, d.b += d.b_rs, d.c += d.c_cs) dot_tile<T, I, 1, 1>(d);
}

template <class T>
void dot_tiles(const GemmDots<T>& all) {
  constexpr int64_t kBlockCols = 2 * kTileCols;  // rows of b that stay in L1 while all rows of a pass
  GemmDots<T> d = all;
  for (int64_t j = 0; j < all.n; j += kBlockCols) {
    d.n = all.n - j < kBlockCols ? all.n - j : kBlockCols;
    d.b = all.b + j * all.b_rs;
    for (int64_t i = 0; i < all.m; i += kTileRows) {
      d.a = all.a + i * all.a_rs;
      d.c = all.c + i * all.c_rs + j * all.c_cs;
      switch (all.m - i < kTileRows ? all.m - i : kTileRows) {
        case 1:
          dot_strip<T, 1>(d);
          break;
        case 2:
          dot_strip<T, 2>(d);
          break;
        case 3:
          dot_strip<T, 3>(d);
          break;
        default:
          dot_strip<T, kTileRows>(d);
      }
    }
  }
}

// gemv_axpy: rows of b at a time, and the bytes of y that stay in L1.
constexpr int kAxpyRows = 8;
constexpr int64_t kStretchBytes = 8192;

// y[j] += sum over r < kCount of x[r] * b[r][j], in order of r.
template <class T, int kCount, class S>
inline void axpy_rows(T* y, const S* b, int64_t rs, const T* x, int64_t n) {
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
void gemv_axpy(T* y, const S* b, int64_t rs, const T* x, int64_t n, int64_t k) {
  constexpr int64_t kStretch = kStretchBytes / static_cast<int64_t>(sizeof(T));
  for (int64_t j = 0; j < n; j += kStretch) {
    const int64_t width = n - j < kStretch ? n - j : kStretch;
    for (int64_t i = 0; i < width; ++i) y[j + i] = T(0);
    int64_t p = 0;
    for (; p + kAxpyRows <= k; p += kAxpyRows)
      axpy_rows<T, kAxpyRows>(y + j, b + p * rs + j, rs, x + p, width);
    for (; p < k; ++p) axpy_rows<T, 1>(y + j, b + p * rs + j, rs, x + p, width);
  }
}

template <class S>
void gemv_dot_half(float* y, const uint16_t* a, int64_t rs, const float* x, int64_t m, int64_t k) {
  gemv_dot(y, reinterpret_cast<const S*>(a), rs, x, m, k);
}
template <class S>
void gemv_axpy_half(float* y, const uint16_t* b, int64_t rs, const float* x, int64_t n, int64_t k) {
  gemv_axpy(y, reinterpret_cast<const S*>(b), rs, x, n, k);
}

template <class T>
void fill(GemmKernels<T>& g) {
  g.gemv_dot = gemv_dot<T, T>;
  g.gemv_axpy = gemv_axpy<T, T>;
  g.dot_tiles = dot_tiles<T>;
}
template <class S>
void fill(GemmHalfKernels& g) {
  g.gemv_dot = gemv_dot_half<S>;
  g.gemv_axpy = gemv_axpy_half<S>;
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
