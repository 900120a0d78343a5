// SPDX-License-Identifier: MIT
// A block of query rows at a time keeps its scores in a buffer of a thread, so memory is linear in length
// (the tiling of Dao et al., "FlashAttention", 2022; a CPU's cache holds whole rows of scores, so softmax
// needs no running rescaling). Backward computes the scores again.
#include "kernels/attention/attention_driver.h"

#include <algorithm>

#include "core/dtype.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"

namespace plait {
namespace {

// Query rows at a time: 48 x 1024 scores are 192 KB, within L2.
constexpr int64_t kBlockRows = 48;

// The transpose of matrix m.
template <class T>
GemmOperand<T> transposed_operand(const MatrixBatch<T>& x, int64_t m) {
  return {.data = x.data + x.at[m], .rs = x.cs, .cs = x.rs};
}

// Matrix m from row `first` on.
template <class T>
GemmOperand<T> operand(const MatrixBatch<T>& x, int64_t m, int64_t first = 0) {
  return {.data = x.data + x.at[m] + first * x.rs, .rs = x.rs, .cs = x.cs};
}

template <class T>
const SoftmaxKernels& softmax_kernels() {
  return kernels().softmax.kernel[SoftmaxKind::kSoftmax][DTypeOf<T>::value];
}

// A block of query rows [first, first + rows) and the keys it sees: row r sees the first r + 1 when causal.
struct QueryBlock {
  int64_t first, rows, keys;
  bool causal;

  QueryBlock(int64_t first_row, int64_t all_rows, int64_t all_keys, bool is_causal)
      : first(first_row), rows(std::min(kBlockRows, all_rows - first_row)), causal(is_causal) {
    keys = visible(rows - 1, all_keys);
  }
  int64_t visible(int64_t row, int64_t all_keys) const {
    return causal ? std::min(all_keys, first + row + 1) : all_keys;
  }
  // Leading dimension of the scores: products read them across rows, and rows a power of two apart would
  // share few sets of the cache.
  static int64_t ld(int64_t keys) { return round_up(keys, 16) + 16; }
  int64_t ld() const { return ld(keys); }
};

// p[rows, keys] = softmax(scale * q k^T), zero where a row does not see. `q` are the rows of the block, `kt`
// is k^T[depth, keys] in panels, which all blocks of a matrix share.
template <class T>
void block_weights(const QueryBlock& block, const GemmOperand<T>& q, const PackedMatrix<T>& kt, int64_t depth,
                   double scale, T* p) {
  const int64_t ld = block.ld();
  gemm<T>({.m = block.rows,
           .n = block.keys,
           .k = depth,
           .a = q,
           .b = kt.operand(),
           .c = p,
           .c_rs = ld,
           .alpha = static_cast<T>(scale)});
  for (int64_t r = 0; r < block.rows; ++r) {
    SoftmaxArgs s = {};
    s.x = s.y = p + r * ld;
    s.rows = 1;
    s.n = block.visible(r, block.keys);
    softmax_kernels<T>().rows(s);
    std::fill(p + r * ld + s.n, p + r * ld + block.keys, T(0));
  }
}

// gs = p (gp - sum(gp p)) in place of gp[rows, keys], zero where a row does not see.
template <class T>
void block_scores_backward(const QueryBlock& block, const T* p, T* gs) {
  const int64_t ld = block.ld();
  for (int64_t r = 0; r < block.rows; ++r) {
    SoftmaxGradArgs s = {};
    s.y = p + r * ld;
    s.gy = s.gx = gs + r * ld;
    s.rows = 1;
    s.n = block.visible(r, block.keys);
    softmax_kernels<T>().rows_backward(s);
    std::fill(gs + r * ld + s.n, gs + r * ld + block.keys, T(0));
  }
}

// The gradients of one matrix; gq[L, E], gk[S, E] and gv[S, Ev] are its own.
template <class T>
void matrix_backward(const AttentionArgs<T>& args, const MatrixBatch<T>& gy, int64_t m, T* gq, T* gk, T* gv) {
  const MatrixBatch<T>&q = args.q, &k = args.k, &v = args.v;
  const PackedMatrix<T> kt(transposed_operand(k, m), k.cols, k.rows, q.rows);
  const PackedMatrix<T> vt(transposed_operand(v, m), v.cols, v.rows, q.rows);
  const PackedMatrix<T> keys(operand(k, m), k.rows, k.cols, q.rows);
  const int64_t size = kBlockRows * QueryBlock::ld(k.rows);
  const Workspace space(2 * sizeof(T) * static_cast<size_t>(size));
  T* const p = space.as<T>();
  T* const gs = p + size;
  std::fill_n(gk, k.rows * k.cols, T(0));
  std::fill_n(gv, v.rows * v.cols, T(0));
  for (int64_t first = 0; first < q.rows; first += kBlockRows) {
    const QueryBlock block(first, q.rows, k.rows, args.causal);
    const int64_t rows = block.rows, n = block.keys, ld = block.ld();
    const GemmOperand<T> q_rows = operand(q, m, first), gy_rows = operand(gy, m, first);
    const T factor = static_cast<T>(args.scale);
    block_weights(block, q_rows, kt, q.cols, args.scale, p);
    // gv += p^T gy
    gemm<T>({.m = n,
             .n = v.cols,
             .k = rows,
             .a = transposed(row_major<T>(p, ld)),
             .b = gy_rows,
             .c = gv,
             .c_rs = v.cols,
             .beta = 1});
    // gp = gy v^T, gs from it
    gemm<T>({.m = rows, .n = n, .k = v.cols, .a = gy_rows, .b = vt.operand(), .c = gs, .c_rs = ld});
    block_scores_backward(block, p, gs);
    // gq = scale gs k
    gemm<T>({.m = rows,
             .n = q.cols,
             .k = n,
             .a = row_major<T>(gs, ld),
             .b = keys.operand(),
             .c = gq + first * q.cols,
             .c_rs = q.cols,
             .alpha = factor});
    // gk += scale gs^T q
    gemm<T>({.m = n,
             .n = k.cols,
             .k = rows,
             .a = transposed(row_major<T>(gs, ld)),
             .b = q_rows,
             .c = gk,
             .c_rs = k.cols,
             .alpha = factor,
             .beta = 1});
  }
}

}  // namespace

template <class T>
void attention_forward(const AttentionArgs<T>& args, T* y) {
  const MatrixBatch<T>&q = args.q, &k = args.k, &v = args.v;
  const int64_t blocks = ceil_div(q.rows, kBlockRows);
  // A chunk packs the keys and values of its matrix for all its blocks; there are as many chunks as keep
  // every thread busy to the end.
  const int64_t parts =
      std::max<int64_t>(1, std::min(blocks, 4 * num_threads() / std::max<int64_t>(1, args.matrices)));
  parallel_chunks(args.matrices * parts, [&](int64_t chunk) {
    const int64_t m = chunk / parts, part = chunk % parts;
    const int64_t begin = blocks * part / parts, end = blocks * (part + 1) / parts;
    const QueryBlock last((end - 1) * kBlockRows, q.rows, k.rows, args.causal);
    const PackedMatrix<T> kt(transposed_operand(k, m), k.cols, last.keys, q.rows);
    const PackedMatrix<T> values(operand(v, m), last.keys, v.cols, q.rows);
    const Workspace space(sizeof(T) * static_cast<size_t>(kBlockRows * last.ld()));
    T* const p = space.as<T>();
    for (int64_t i = begin; i < end; ++i) {
      const QueryBlock block(i * kBlockRows, q.rows, k.rows, args.causal);
      block_weights(block, operand(q, m, block.first), kt, q.cols, args.scale, p);
      gemm<T>({.m = block.rows,
               .n = v.cols,
               .k = block.keys,
               .a = row_major<T>(p, block.ld()),
               .b = values.operand(),
               .c = y + (m * q.rows + block.first) * v.cols,
               .c_rs = v.cols});
    }
  });
}

template <class T>
void attention_backward(const AttentionArgs<T>& args, const MatrixBatch<T>& gy, T* gq, T* gk, T* gv) {
  const int64_t gq_size = args.q.rows * args.q.cols, gk_size = args.k.rows * args.k.cols,
                gv_size = args.v.rows * args.v.cols;
  // One matrix is one chunk: sums over its query rows run in order.
  parallel_chunks(args.matrices, [&](int64_t m) {
    matrix_backward(args, gy, m, gq + m * gq_size, gk + m * gk_size, gv + m * gv_size);
  });
}

template void attention_forward<float>(const AttentionArgs<float>&, float*);
template void attention_forward<double>(const AttentionArgs<double>&, double*);
template void attention_backward<float>(const AttentionArgs<float>&, const MatrixBatch<float>&, float*,
                                        float*, float*);
template void attention_backward<double>(const AttentionArgs<double>&, const MatrixBatch<double>&, double*,
                                         double*, double*);

}  // namespace plait
