// SPDX-License-Identifier: MIT
// Attention without the n x n matrix: a block of query rows at a time keeps its scores in a buffer of a
// thread, so memory is linear in length (the tiling of Dao et al., "FlashAttention", 2022; a CPU's cache
// holds whole rows of scores, so softmax needs no running rescaling). Backward computes the scores again.
#include <algorithm>
#include <limits>
#include <vector>

#include "autograd/op.h"
#include "core/parallel.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"
#include "ops/matmul.h"
#include "ops/pointwise.h"
#include "ops/reduce.h"
#include "ops/registry.h"
#include "ops/softmax.h"
#include "ops/view.h"

namespace plait {
namespace {

constexpr int64_t kBlockRows = 64;  // query rows at a time: 64 x 1024 scores are 256 KB, within L2

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
    GemmOperand<T> o;
    o.data = data + at[static_cast<size_t>(matrix)] + row * rs;
    o.rs = transposed ? cs : rs;
    o.cs = transposed ? rs : cs;
    return o;
  }
};

template <class T>
GemmOperand<T> rows_of(const T* data, int64_t ld, bool transposed = false) {
  GemmOperand<T> o;
  o.data = data;
  o.rs = transposed ? 1 : ld;
  o.cs = transposed ? ld : 1;
  return o;
}

template <class T>
void product(const GemmOperand<T>& a, const GemmOperand<T>& b, T* c, int64_t m, int64_t n, int64_t k,
             int64_t ld, T alpha, T beta) {
  GemmArgs<T> g;
  g.m = m;
  g.n = n;
  g.k = k;
  g.a = a;
  g.b = b;
  g.c = c;
  g.c_rs = ld;
  g.alpha = alpha;
  g.beta = beta;
  gemm(g);
}

template <class T>
const SoftmaxKernels& softmax_kernels() {
  const int dtype = static_cast<int>(DTypeOf<T>::value) - static_cast<int>(DType::kFloat16);
  return kernels().softmax.kernel[static_cast<int>(SoftmaxKind::kSoftmax)][dtype];
}

// Which keys the block of query rows [r0, r0 + rows) can see: the first `n`; row r sees the first r + 1 when
// causal.
int64_t visible(bool causal, int64_t r0, int64_t rows, int64_t keys) {
  return causal ? std::min(keys, r0 + rows) : keys;
}

// p[rows, n] = softmax(scale * q_block k^T), masked above the diagonal when causal.
template <class T>
void weights_of(const Matrices<T>& q, const Matrices<T>& k, int64_t matrix, int64_t r0, int64_t rows,
                int64_t n, bool causal, double scale, T* p) {
  product(q.operand(matrix, r0), k.operand(matrix, 0, true), p, rows, n, q.cols, n, static_cast<T>(scale),
          T(0));
  if (causal) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = r0 + r + 1; c < n; ++c) p[r * n + c] = -std::numeric_limits<T>::infinity();
    }
  }
  SoftmaxArgs s = {};
  s.x = p;
  s.y = p;
  s.rows = rows;
  s.n = n;
  softmax_kernels<T>().rows(s);
}

template <class T>
void forward_kernel(const Tensor& query, const Tensor& key, const Tensor& value, bool causal, double scale,
                    const Tensor& out) {
  const Matrices<T> q(query), k(key), v(value);
  const int64_t blocks = (q.rows + kBlockRows - 1) / kBlockRows;
  parallel_chunks(q.count() * blocks, [&](int64_t chunk) {
    const int64_t matrix = chunk / blocks, r0 = chunk % blocks * kBlockRows,
                  rows = std::min(kBlockRows, q.rows - r0);
    const int64_t n = visible(causal, r0, rows, k.rows);
    const Workspace space(sizeof(T) * static_cast<size_t>(rows * n));
    T* p = space.as<T>();
    weights_of(q, k, matrix, r0, rows, n, causal, scale, p);
    T* y = out.data<T>() + (matrix * q.rows + r0) * v.cols;
    product(rows_of<T>(p, n), v.operand(matrix, 0), y, rows, v.cols, n, v.cols, T(1), T(0));
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
    const Workspace space(2 * sizeof(T) * static_cast<size_t>(std::min(kBlockRows, q.rows) * k.rows));
    T* p = space.as<T>();
    T* gk_data = gk.data<T>() + matrix * k.rows * k.cols;
    T* gv_data = gv.data<T>() + matrix * v.rows * v.cols;
    std::fill(gk_data, gk_data + k.rows * k.cols, T(0));
    std::fill(gv_data, gv_data + v.rows * v.cols, T(0));
    for (int64_t r0 = 0; r0 < q.rows; r0 += kBlockRows) {
      const int64_t rows = std::min(kBlockRows, q.rows - r0), n = visible(causal, r0, rows, k.rows);
      T* gs = p + rows * n;
      weights_of(q, k, matrix, r0, rows, n, causal, scale, p);
      product(rows_of<T>(p, n, true), g.operand(matrix, r0), gv_data, n, v.cols, rows, v.cols, T(1), T(1));
      product(g.operand(matrix, r0), v.operand(matrix, 0, true), gs, rows, n, v.cols, n, T(1), T(0));
      SoftmaxArgs s = {};
      s.x = p;
      s.gy = gs;
      s.y = gs;
      s.rows = rows;
      s.n = n;
      softmax_kernels<T>().rows_backward(s);
      product(rows_of<T>(gs, n), k.operand(matrix, 0), gq.data<T>() + (matrix * q.rows + r0) * q.cols, rows,
              q.cols, n, q.cols, static_cast<T>(scale), T(0));
      product(rows_of<T>(gs, n, true), q.operand(matrix, r0), gk_data, n, k.cols, rows, k.cols,
              static_cast<T>(scale), T(1));
    }
  });
}

struct AttentionGrad {
  static constexpr OpMeta meta{"attention_grad", false};
  static std::vector<Tensor> forward(OpContext&, const Tensor& gy, const Tensor& q, const Tensor& k,
                                     const Tensor& v, bool causal, double scale) {
    const Tensor gq = Tensor::empty(q.shape(), q.dtype()), gk = Tensor::empty(k.shape(), k.dtype()),
                 gv = Tensor::empty(v.shape(), v.dtype());
    if (q.dtype() == DType::kFloat32) {
      backward_kernel<float>(gy, q, k, v, causal, scale, gq, gk, gv);
    } else {
      backward_kernel<double>(gy, q, k, v, causal, scale, gq, gk, gv);
    }
    return {gq, gk, gv};
  }
};

struct Attention {
  static constexpr OpMeta meta{"scaled_dot_product_attention"};
  static Tensor forward(OpContext& ctx, const Tensor& q, const Tensor& k, const Tensor& v, bool causal,
                        double scale) {
    ctx.save(q, k, v);
    Dims shape = q.shape();
    shape.back() = v.shape().back();
    const Tensor y = Tensor::empty(shape, q.dtype());
    if (q.dtype() == DType::kFloat32) {
      forward_kernel<float>(q, k, v, causal, scale, y);
    } else {
      forward_kernel<double>(q, k, v, causal, scale, y);
    }
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, bool causal, double scale) {
    const Tensor q = ctx.saved(0), k = ctx.saved(1), v = ctx.saved(2);
    if (!grad_enabled()) return apply<AttentionGrad>(gy, q, k, v, causal, scale);
    // The same in ops, for second derivatives.
    Tensor scores = mul(matmul(q, transpose(k, -2, -1)), scale);
    if (causal) {
      const Tensor ones = Tensor::empty(Dims{q.shape()[q.dim() - 2], k.shape()[k.dim() - 2]}, scores.dtype());
      for (int64_t i = 0; i < ones.numel(); ++i) {
        const double hidden =
            i % ones.shape()[1] > i / ones.shape()[1] ? -std::numeric_limits<double>::infinity() : 0.0;
        if (ones.dtype() == DType::kFloat32) {
          ones.data<float>()[i] = static_cast<float>(hidden);
        } else {
          ones.data<double>()[i] = hidden;
        }
      }
      scores = add(scores, ones);
    }
    const Tensor p = softmax(scores, -1);
    const Tensor gp = matmul(gy, transpose(v, -2, -1));
    const Tensor gs = mul(mul(p, sub(gp, sum(mul(gp, p), Dims{-1}, true))), scale);
    return {matmul(gs, k), matmul(transpose(gs, -2, -1), q), matmul(transpose(p, -2, -1), gy)};
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
