// SPDX-License-Identifier: MIT
// Attention without the n x n matrix: a block of query rows at a time keeps its scores in a buffer of a
// thread, so memory is linear in length (the tiling of Dao et al., "FlashAttention", 2022; a CPU's cache
// holds whole rows of scores, so softmax needs no running rescaling). Backward computes the scores again.
#include <algorithm>
#include <limits>
#include <vector>

#include "autograd/op.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"
#include "ops/matmul/matmul.h"
#include "ops/nn/softmax.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// Query rows at a time: 48 x 1024 scores are 192 KB, within L2.
constexpr int64_t kBlockRows = 48;

// A tensor (..., rows, cols) as matrices with any strides.
template <class T>
struct Matrices {
  const T* data;
  std::vector<int64_t> at;  // of each matrix
  int64_t rows, cols, rs, cs;

  explicit Matrices(const Tensor& t) : data(t.data<T>()) {
    const int64_t lead = t.dim() - 2;
    rows = t.shape()[lead];
    cols = t.shape()[lead + 1];
    rs = t.strides()[lead];
    cs = t.strides()[lead + 1];
    at.assign(1, 0);
    for (int64_t d = 0; d < lead; ++d) {
      std::vector<int64_t> next;
      for (int64_t base : at) {
        for (int64_t i = 0; i < t.shape()[d]; ++i) next.push_back(base + i * t.strides()[d]);
      }
      at = std::move(next);
    }
  }
  int64_t count() const { return static_cast<int64_t>(at.size()); }
  GemmOperand<T> operand(int64_t matrix, int64_t row, bool transposed = false) const {
    const T* first = data + at[static_cast<size_t>(matrix)] + row * rs;
    return {.data = first, .rs = transposed ? cs : rs, .cs = transposed ? rs : cs};
  }
};

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
  // The leading dimension of the scores. A power of two would cause conflict misses where they are read by
  // columns.
  static int64_t ld(int64_t keys) { return round_up(keys, 16) + 16; }
  int64_t ld() const { return ld(keys); }
};

// `q` are the block's rows, `kt` is k^T in panels, which all blocks of a matrix share.
// p[rows, keys] = softmax(scale * q k^T), zero where a row does not see.
template <class T>
void weights_of(const QueryBlock& block, const GemmOperand<T>& q, const PackedMatrix<T>& kt, int64_t depth,
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

template <class T>
void forward_kernel(const Tensor& query, const Tensor& key, const Tensor& value, bool causal, double scale,
                    const Tensor& out) {
  const Matrices<T> q(query), k(key), v(value);
  const int64_t blocks = ceil_div(q.rows, kBlockRows);
  // A chunk packs the keys and values of its matrix for all its blocks; there are as many chunks as keep
  // every thread busy to the end.
  const int64_t parts =
      std::max<int64_t>(1, std::min(blocks, 4 * num_threads() / std::max<int64_t>(1, q.count())));
  parallel_chunks(q.count() * parts, [&](int64_t chunk) {
    const int64_t matrix = chunk / parts, part = chunk % parts;
    const int64_t begin = blocks * part / parts, end = blocks * (part + 1) / parts;
    const QueryBlock last((end - 1) * kBlockRows, q.rows, k.rows, causal);
    const PackedMatrix<T> kt(k.operand(matrix, 0, true), k.cols, last.keys, q.rows);
    const PackedMatrix<T> values(v.operand(matrix, 0), last.keys, v.cols, q.rows);
    const Workspace space(sizeof(T) * static_cast<size_t>(kBlockRows * last.ld()));
    T* p = space.as<T>();
    for (int64_t i = begin; i < end; ++i) {
      const QueryBlock block(i * kBlockRows, q.rows, k.rows, causal);
      weights_of(block, q.operand(matrix, block.first), kt, q.cols, scale, p);
      T* y = out.data<T>() + (matrix * q.rows + block.first) * v.cols;
      gemm<T>({.m = block.rows,
               .n = v.cols,
               .k = block.keys,
               .a = row_major<T>(p, block.ld()),
               .b = values.operand(),
               .c = y,
               .c_rs = v.cols});
    }
  });
}

// For each block of rows, with p the weights and gy the gradient of the output:
//   gv += p^T gy;  gp = gy v^T;  gs = p (gp - sum(gp p));  gq = scale gs k;  gk += scale gs^T q
template <class T>
void backward_kernel(const Tensor& gy, const Tensor& query, const Tensor& key, const Tensor& value,
                     bool causal, double scale, const Tensor& gq, const Tensor& gk, const Tensor& gv) {
  const Matrices<T> g(gy), q(query), k(key), v(value);
  // One matrix is one chunk: sums over its query rows run in order.
  parallel_chunks(q.count(), [&](int64_t matrix) {
    const PackedMatrix<T> kt(k.operand(matrix, 0, true), k.cols, k.rows, q.rows);
    const PackedMatrix<T> vt(v.operand(matrix, 0, true), v.cols, v.rows, q.rows);
    const PackedMatrix<T> keys(k.operand(matrix, 0), k.rows, k.cols, q.rows);
    const int64_t most = kBlockRows * QueryBlock::ld(k.rows);
    const Workspace space(2 * sizeof(T) * static_cast<size_t>(most));
    T* const p = space.as<T>();
    T* const gs = p + most;
    T* const gk_data = gk.data<T>() + matrix * k.rows * k.cols;
    T* const gv_data = gv.data<T>() + matrix * v.rows * v.cols;
    std::fill(gk_data, gk_data + k.rows * k.cols, T(0));
    std::fill(gv_data, gv_data + v.rows * v.cols, T(0));
    for (int64_t first = 0; first < q.rows; first += kBlockRows) {
      const QueryBlock block(first, q.rows, k.rows, causal);
      const int64_t rows = block.rows, n = block.keys, ld = block.ld();
      const GemmOperand<T> q_rows = q.operand(matrix, first), g_rows = g.operand(matrix, first);
      weights_of(block, q_rows, kt, q.cols, scale, p);
      gemm<T>({.m = n,
               .n = v.cols,
               .k = rows,
               .a = transposed<T>(p, ld),
               .b = g_rows,
               .c = gv_data,
               .c_rs = v.cols,
               .beta = 1});
      gemm<T>({.m = rows, .n = n, .k = v.cols, .a = g_rows, .b = vt.operand(), .c = gs, .c_rs = ld});
      for (int64_t r = 0; r < rows; ++r) {
        SoftmaxGradArgs s = {};
        s.y = p + r * ld;
        s.gy = s.gx = gs + r * ld;
        s.rows = 1;
        s.n = block.visible(r, n);
        softmax_kernels<T>().rows_backward(s);
        std::fill(gs + r * ld + s.n, gs + r * ld + n, T(0));
      }
      T* const gq_rows = gq.data<T>() + (matrix * q.rows + first) * q.cols;
      gemm<T>({.m = rows,
               .n = q.cols,
               .k = n,
               .a = row_major<T>(gs, ld),
               .b = keys.operand(),
               .c = gq_rows,
               .c_rs = q.cols,
               .alpha = static_cast<T>(scale)});
      gemm<T>({.m = n,
               .n = k.cols,
               .k = rows,
               .a = transposed<T>(gs, ld),
               .b = q_rows,
               .c = gk_data,
               .c_rs = k.cols,
               .alpha = static_cast<T>(scale),
               .beta = 1});
    }
  });
}

struct Attention {
  static constexpr OpMeta meta{"scaled_dot_product_attention"};
  static Tensor forward(OpContext& ctx, const Tensor& q, const Tensor& k, const Tensor& v, bool causal,
                        double scale) {
    ctx.save(q, k, v);
    Dims shape = q.shape();
    shape.back() = v.shape().back();
    const Tensor y = Tensor::empty(shape, q.dtype());
    dispatch_compute(q.dtype(), [&](auto tag) {
      forward_kernel<typename decltype(tag)::type>(q, k, v, causal, scale, y);
    });
    return y;
  }
  // p = softmax(s q k^T), gp = gy v^T, gs = s p (gp - sum(gp p)); gq = gs k, gk = gs^T q, gv = p^T gy
  static Grads backward(OpContext& ctx, const Tensor& gy, bool causal, double scale) {
    const Tensor q = ctx.saved(0), k = ctx.saved(1), v = ctx.saved(2);
    Tensor scores = mul(matmul(q, transpose(k, -2, -1)), scale);
    if (causal) {
      const Tensor ones = Tensor::empty(Dims{q.shape()[q.dim() - 2], k.shape()[k.dim() - 2]}, scores.dtype());
      for (int64_t i = 0; i < ones.numel(); ++i) {
        const double hidden =
            i % ones.shape()[1] > i / ones.shape()[1] ? -std::numeric_limits<double>::infinity() : 0.0;
        dispatch_compute(ones.dtype(), [&](auto tag) {
          using T = typename decltype(tag)::type;
          ones.data<T>()[i] = static_cast<T>(hidden);
        });
      }
      scores = add(scores, ones);
    }
    const Tensor p = softmax(scores, -1);
    const Tensor gp = matmul(gy, transpose(v, -2, -1));
    const Tensor gs = mul(mul(p, sub(gp, sum(mul(gp, p), Dims{-1}, true))), scale);
    return {matmul(gs, k), matmul(transpose(gs, -2, -1), q), matmul(transpose(p, -2, -1), gy)};
  }
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, bool causal, double scale) {
    const Tensor q = ctx.saved(0), k = ctx.saved(1), v = ctx.saved(2);
    const Tensor gq = Tensor::empty(q.shape(), q.dtype()), gk = Tensor::empty(k.shape(), k.dtype()),
                 gv = Tensor::empty(v.shape(), v.dtype());
    dispatch_compute(q.dtype(), [&](auto tag) {
      backward_kernel<typename decltype(tag)::type>(gy, q, k, v, causal, scale, gq, gk, gv);
    });
    return {gq, gk, gv};
  }
};

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, bool causal, double scale) {
  PLAIT_CHECK(q.dim() >= 2 && q.dim() == k.dim() && q.dim() == v.dim() && q.dtype() == k.dtype() &&
                  q.dtype() == v.dtype() && (q.dtype() == DType::kFloat32 || q.dtype() == DType::kFloat64),
              kValue, "attention: expected float32 or float64 operands of one dtype and rank, got ",
              q.shape(), ", ", k.shape(), " and ", v.shape());
  return apply<Attention>(q, k, v, causal, scale);
}

const RegisterOps kOps{
    {"attention(Tensor query, Tensor key, Tensor value, bool is_causal, float scale) -> Tensor", "p",
     PLAIT_BOX(attention),
     R"(softmax(query key^T * scale) value, with a causal mask if asked for; memory is linear in length.

Args:
    query: (..., L, E), key: (..., S, E), value: (..., S, Ev), with equal leading sizes; float32 or float64.
    is_causal: whether position i sees keys up to i only.
    scale: factor of the scores.

Returns:
    (..., L, Ev).

Tri Dao et al., "FlashAttention: fast and memory-efficient exact attention with IO-awareness" (2022).

>>> q = plait.ones(1, 2, 4)
>>> plait._core._ops.attention(q, q, q, True, 0.5).shape
plait.Size([1, 2, 4])
)"},
};

}  // namespace
}  // namespace plait
