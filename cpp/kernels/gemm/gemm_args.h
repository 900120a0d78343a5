// SPDX-License-Identifier: MIT
// The part of the GEMM engine that is compiled per instruction set, as plain data: the block kernel, the
// packing of panels, the epilogue, and the kernels for vectors and thin matrices. Callers use gemm/gemm.h.
//
// Names, here and in the files of this folder:
//   m, n, k      C is m x n, A is m x k, B is k x n; i < m, j < n, p < k
//   rs, cs, ps   strides in elements between rows, columns and steps of k
//   mr, nr       rows and columns of the micro-kernel's register tile
//   kc, mc, nc   sizes of the cache blocks along k, m and n
//   panel        mr rows of A (or nr columns of B) by k; packed, element (i, p) lies at p * width + i
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

enum class GemmActivation : int32_t { kNone, kRelu, kGelu, kGeluTanh, kSilu, kSigmoid, kTanh };

// What happens to an element after its sum over k is complete, in this order:
//   v = alpha * sum + beta * C[i][j]
//   v += col_bias[j] + row_bias[i] + residual[i][j]      (each only where its pointer is not null)
//   preact[i][j] = v                                     (if not null: the activation's backward needs it)
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
template <class T>
struct GemmBlock {
  int64_t m, n, k;
  int64_t mr;  // rows per panel of A: at most the table's mr
  // A as row panels: element (i, p) of panel t is a[t * a_panel + i * a_rs + p * a_ps].
  const T* a;
  int64_t a_panel, a_rs, a_ps;
  // B as column panels of nr columns: element (p, j) of panel t is b[t * b_panel + p * b_ps + j]. Where n is
  // no multiple of nr, the last panel is b_tail[p * nr + j], padded to nr columns with finite values.
  const T* b;
  int64_t b_panel, b_ps;
  const T* b_tail;
  T* c;  // (m, n)
  int64_t c_rs, c_cs;
  T alpha, beta;                    // beta == 0: C is not read
  const GemmEpilogue<T>* epilogue;  // null unless this is C's last update; its pointers start at the block
  // What the caller reads after this block, prefetched into L2 meanwhile. Null and 0: nothing.
  const void* prefetch[2] = {};
  int64_t prefetch_bytes[2] = {};
};

// C = epilogue(alpha * (parts[0] + parts[1] + ...) + beta * C), the parts added in order. Element (i, j) of
// part s is parts[s * part_stride + i * n + j]. With count == 0 the sum is zero.
template <class T>
struct GemmFinish {
  int64_t m, n;
  const T* parts;
  int64_t part_stride, count;
  T* c;  // (m, n)
  int64_t c_rs, c_cs;
  T alpha, beta;
  const GemmEpilogue<T>* epilogue;  // may be null
};

// Items [first, last) of a batch of small products, each C = alpha * A B + beta * C. Rows of C are
// contiguous, n is at most the table's nr, k at most kGemmSmallDepth.
inline constexpr int64_t kGemmSmallDepth = 64;
template <class T>
struct GemmSmall {
  int64_t m, n, k, first, last;
  const T* a;  // (m, k)
  int64_t a_rs, a_cs, a_bs;
  const int64_t* a_offsets;  // where each item starts, in place of item * a_bs; may be null
  const T* b;                // (k, n)
  int64_t b_rs, b_cs, b_bs;
  const int64_t* b_offsets;
  T* c;  // (m, n)
  int64_t c_rs, c_bs;
  T alpha, beta;
};

// Dot products of rows, C = A B^T:
//   c[i * c_rs + j * c_cs] = sum over p < k of a[i * a_rs + p] * b[j * b_rs + p]
// S is T, or a 16-bit float that is widened when it is loaded.
template <class T, class S = T>
struct GemmDots {
  int64_t m, n, k;
  const S* a;  // (m, k), rows contiguous
  int64_t a_rs;
  const T* b;  // (n, k), rows contiguous
  int64_t b_rs;
  T* c;  // (m, n)
  int64_t c_rs, c_cs;
};

// Numbers that were measured; none decides which bits come out. Work is counted in multiply-adds.
struct GemmTuning {
  // An operand is read where it lies, unpacked: an A with contiguous rows if B has at most unpacked_a_rows
  // columns, an A with contiguous columns if B has at most unpacked_a_cols columns, and a B with contiguous
  // rows if A has at most unpacked_b rows.
  int64_t unpacked_a_rows, unpacked_a_cols, unpacked_b;
  double item_work;        // of a batch item, besides its products
  double store_work;       // of storing an element of C
  double shared_work;      // of an element of A or B that two threads read
  double moved_work;       // of an element of C that another thread computes than the rest of its row
  double thread_work;      // the least that is worth one more thread
  int64_t prefetch_bytes;  // the least size of a batch item that is prefetched during the one before
};

template <class T>
struct GemmKernels {
  int64_t mr, nr;      // register tile: at most mr rows, nr columns
  int64_t kc, mc, nc;  // cache blocks: steps of k, rows of A (at least), columns of B (at most)
  GemmTuning tuning;
  void (*block)(const GemmBlock<T>& args);
  // Panels of `width` rows: dst[t*width*k + p*width + i] = X(t*width + i, p) for every t with t*width <
  // count, i < width, p < k. X(i, p) is src[i*stride + p*k_stride] for i < count and zero from there on. May
  // write up to 64 bytes past the last panel. width is at most mr, or nr.
  void (*pack)(T* dst, int64_t width, const T* src, int64_t stride, int64_t k_stride, int64_t count,
               int64_t k);
  void (*finish)(const GemmFinish<T>& args);
  void (*small_items)(const GemmSmall<T>& args);
  // y[i] = sum over p < k of a[i*rs + p] * x[p], i < m: fused dot products. A sum's bits depend on k alone.
  void (*gemv_dot)(T* y, const T* a, int64_t rs, const T* x, int64_t m, int64_t k);
  // y[j] = sum over p < k of x[p] * b[p*rs + j], j < n: fused axpys, one chain of multiply-adds along p.
  void (*gemv_axpy)(T* y, const T* b, int64_t rs, const T* x, int64_t n, int64_t k);
  // C = A B^T. A sum's bits depend on k alone.
  void (*dot_tiles)(const GemmDots<T>& args);
};

// 16-bit floats, computed in float32.
struct GemmHalfKernels {
  void (*pack)(float* dst, int64_t width, const uint16_t* src, int64_t stride, int64_t k_stride,
               int64_t count, int64_t k);
  // c[rows][cols] = tile + beta * c, rounded once; tile[rows][ld].
  void (*store)(uint16_t* c, int64_t rs, int64_t cs, const float* tile, int64_t ld, int64_t rows,
                int64_t cols, float beta);
  void (*gemv_dot)(float* y, const uint16_t* a, int64_t rs, const float* x, int64_t m, int64_t k);
  void (*gemv_axpy)(float* y, const uint16_t* b, int64_t rs, const float* x, int64_t n, int64_t k);
};

// ---- Integers ----
// Sums wrap around modulo 2^bits, so their order is free: no cut can change a result. Panels hold `group`
// steps of k in one element of 4 or 8 bytes, the earliest one in its low bits; k counts those elements.

// C[m][n] = alpha * sum_p A[m][p] B[p][n] + beta * C + bias, alpha and beta taken modulo the type of C.
struct GemmIntegerBlock {
  int64_t m, n, k;
  const void* a;  // panels of mr rows
  const void* b;  // panels of nr columns
  void* c;        // (m, n)
  int64_t c_rs, c_cs;
  int64_t alpha, beta;  // beta == 0: C is not read
  const void* bias;     // (n,), stride 1; may be null
};

// For items of one size, signed or not.
struct GemmIntegerKernels {
  int64_t mr, nr, group;
  // As GemmKernels::pack; k counts steps, and a last group that is not full is filled with zeros. Returns
  // whether block_narrow may be used: whether all elements of 8 bytes are those of an int32.
  bool (*pack)(void* dst, int64_t width, const void* src, int64_t stride, int64_t k_stride, int64_t count,
               int64_t k);
  void (*block)(const GemmIntegerBlock& args);
  void (*block_narrow)(const GemmIntegerBlock& args);  // null: there is none
};

// Products with a vector.
struct GemmIntegerVectorKernels {
  // y[i] = sum over p < k of a[i*rs + p] * x[p], i < m
  void (*dots)(void* y, const void* a, int64_t rs, const void* x, int64_t m, int64_t k);
  // y[j] = sum over p < k of x[p] * b[p*rs + j], j < n
  void (*axpys)(void* y, const void* b, int64_t rs, const void* x, int64_t n, int64_t k);
};

struct GemmIntegerTable {
  PerSize<GemmIntegerKernels> matrix;
  PerSize<GemmIntegerVectorKernels> vector;
  // Items of 1 and 2 bytes on a CPU that has AVX512-VNNI, which is beyond the level avx512. Null at others.
  GemmIntegerKernels vnni[2];
};

struct GemmTable : PerReal<GemmKernels> {
  GemmIntegerTable integer;
  GemmHalfKernels f16, bf16;
  // Products of bf16 by pairs. An element of a panel holds two neighbours in k, the earlier one in its low
  // half; if k is odd, the last one's partner is zero. `k` counts pairs; sums are float32. Only `block` and
  // `finish` are set; bf16_pairs.pack makes the panels, from k 16-bit elements. At AVX-512, `block` needs
  // AVX512-BF16; at lower levels it is a model for tests, slower than widening. Subnormal factors count as
  // zero.
  GemmKernels<float> pairs;
  GemmHalfKernels bf16_pairs;
};

}  // namespace plait
