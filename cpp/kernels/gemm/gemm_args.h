// SPDX-License-Identifier: MIT
// What the per-ISA part of the GEMM engine computes: a block of C from panels of A and B, packing of panels,
// and the finishing of stored sums. Plain data only; the driver is gemm/gemm.h, and that is what other
// kernels call.
#pragma once

#include <cstdint>

namespace plait {

enum class GemmActivation : int32_t { kNone, kRelu, kGelu, kGeluTanh, kSilu, kSigmoid, kTanh };

// What happens to an element after its sum over k is complete, in this order:
//   v = alpha * sum + beta * C[i][j]
//   v += col_bias[j] + row_bias[i] + residual[i][j]      (each only where its pointer is not null)
//   preact[i][j] = v                                     (if not null: what the activation's backward needs)
//   C[i][j] = activation(v)
template <class T>
struct GemmEpilogue {
  const T* col_bias;  // (n,), stride 1
  const T* row_bias;  // (m,), stride 1
  const T* residual;  // (m, n) with any strides; must not overlap C
  int64_t residual_rs, residual_cs;
  T* preact;  // (m, n) with any strides; must not overlap C
  int64_t preact_rs, preact_cs;
  GemmActivation activation;
};

// C[m][n] = alpha * sum_p A[m][p] B[p][n] + beta * C, then the epilogue if there is one.
// A comes as row panels of `mr` rows: element (i, p) of panel t lies at a[t*a_panel + i*a_rs + p*a_ps].
// B comes as column panels of the table's nr columns: (p, j) of panel t at b[t*b_panel + p*b_ps + j]. A last
// panel of fewer columns is read at b_tail, b_tail[p*nr + j], padded to nr columns of finite values.
template <class T>
struct GemmBlock {
  int64_t m, n, k;
  int64_t mr;  // rows per panel here: at most the table's mr
  const T* a;
  int64_t a_panel, a_rs, a_ps;
  const T* b;
  int64_t b_panel, b_ps;
  const T* b_tail;
  T* c;
  int64_t c_rs, c_cs;
  T alpha, beta;                    // beta == 0: C is not read
  const GemmEpilogue<T>* epilogue;  // null unless this is the last update of C; pointers start at the block
  // Memory that comes next, to be called into L2 meanwhile.
  const void* ahead[2] = {};
  int64_t ahead_bytes[2] = {};
};

// C = epilogue(alpha * (parts[0] + parts[1] + ...) + beta * C), summed in order; part s of element (i, j)
// lies at parts[s*part_stride + i*n + j]. With count == 0 the sum is zero.
template <class T>
struct GemmFinish {
  int64_t m, n;
  const T* parts;
  int64_t part_stride, count;
  T* c;
  int64_t c_rs, c_cs;
  T alpha, beta;
  const GemmEpilogue<T>* epilogue;  // may be null
};

// Items [first, last) of a batch of small products, each C = alpha * A B + beta * C; the rows of C lie
// together. n is at most the table's nr, k at most kGemmSmallDepth.
inline constexpr int64_t kGemmSmallDepth = 64;
template <class T>
struct GemmSmall {
  int64_t m, n, k, first, last;
  const T* a;
  int64_t a_rs, a_cs, a_bs;
  const int64_t* a_offsets;  // of every item, in place of a_bs; may be null
  const T* b;
  int64_t b_rs, b_cs, b_bs;
  const int64_t* b_offsets;
  T* c;
  int64_t c_rs, c_bs;
  T alpha, beta;
};

template <class T>
struct GemmKernels {
  int64_t mr, nr;      // register tile: at most mr rows, nr columns
  int64_t kc, mc, nc;  // cache blocks: depth of a panel, rows of A (at least), columns of B (at most)
  // Up to how many columns of B an A that is adjacent in k, or in m, is read in place, and up to how many
  // rows of A a B that is adjacent in n.
  int64_t direct_a_rows, direct_a_cols, direct_b;
  void (*block)(const GemmBlock<T>& args);
  // Panels of `width` rows: dst[t*width*k + p*width + i] = X(t*width + i, p) for every t with t*width <
  // count, i < width, p < k; X(i, p) is src[i*si + p*sp] for i < count and zero from there on. May write up
  // to 64 bytes past the last panel. width is at most mr, or nr.
  void (*pack)(T* dst, int64_t width, const T* src, int64_t si, int64_t sp, int64_t count, int64_t k);
  void (*finish)(const GemmFinish<T>& args);
  void (*small_items)(const GemmSmall<T>& args);
  // y[i] = sum over p < k of a[i*rs + p] * x[p], i < m. The sum of a row depends on k alone.
  void (*dot_rows)(T* y, const T* a, int64_t rs, const T* x, int64_t m, int64_t k);
  // y[j] = sum over p < k of x[p] * b[p*rs + j], j < n, one chain of multiply-adds in order of p.
  void (*sum_rows)(T* y, const T* b, int64_t rs, const T* x, int64_t n, int64_t k);
  // c[i*c_rs + j*c_cs] = sum over p < k of a[i*a_rs + p] * b[j*b_rs + p]: rows of both operands adjacent in
  // k. The sum depends on k alone.
  void (*dot_tiles)(T* c, int64_t c_rs, int64_t c_cs, const T* a, int64_t a_rs, const T* b, int64_t b_rs,
                    int64_t m, int64_t n, int64_t k);
};

// 16-bit floats as float32: c = tile + beta * c with one rounding, the others as above.
struct GemmHalfKernels {
  void (*pack)(float* dst, int64_t width, const uint16_t* src, int64_t si, int64_t sp, int64_t count,
               int64_t k);
  void (*store)(uint16_t* c, int64_t rs, int64_t cs, const float* tile, int64_t ld, int64_t rows,
                int64_t cols, float beta);
  void (*dot_rows)(float* y, const uint16_t* a, int64_t rs, const float* x, int64_t m, int64_t k);
  void (*sum_rows)(float* y, const uint16_t* b, int64_t rs, const float* x, int64_t n, int64_t k);
};

struct GemmTable {
  GemmKernels<float> f32;
  GemmKernels<double> f64;
  GemmHalfKernels f16, bf16;
  // Products of bf16 by pairs: an element of a panel holds two neighbours in k (the earlier one in its low
  // half, a zero where the last one has none), k counts pairs, sums are float32. Only `block` and `finish`;
  // bf16_pairs.pack makes the panels, from k 16-bit elements. At level 2 `block` needs AVX512-BF16; below it
  // is a model for tests, slower than widening. Subnormal factors count as zero.
  GemmKernels<float> pairs;
  GemmHalfKernels bf16_pairs;
};

}  // namespace plait
