// SPDX-License-Identifier: MIT
// Scaled dot-product attention, fused, and its composite form for second derivatives.
#include <limits>
#include <vector>

#include "autograd/op.h"
#include "kernels/attention/attention_driver.h"
#include "ops/matmul/matmul.h"
#include "ops/nn/softmax.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// A tensor (..., rows, cols) of any strides as the matrices that the kernels take.
struct Matrices {
  const Tensor t;
  std::vector<int64_t> at;  // where each begins

  explicit Matrices(const Tensor& x) : t(x) {
    at.assign(1, 0);
    for (int64_t d = 0; d < t.dim() - 2; ++d) {
      std::vector<int64_t> next;
      for (int64_t base : at) {
        for (int64_t i = 0; i < t.shape()[d]; ++i) next.push_back(base + i * t.strides()[d]);
      }
      at = std::move(next);
    }
  }
  int64_t count() const { return static_cast<int64_t>(at.size()); }
  template <class T>
  MatrixBatch<T> batch() const {
    const int64_t row = t.dim() - 2, col = t.dim() - 1;
    return {t.data<T>(), at.data(), t.shape()[row], t.shape()[col], t.strides()[row], t.strides()[col]};
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
    if (y.is_meta()) return y;
    const Matrices mq(q), mk(k), mv(v);
    dispatch_compute(q.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      attention_forward<T>({mq.batch<T>(), mk.batch<T>(), mv.batch<T>(), mq.count(), causal, scale},
                           y.data<T>());
    });
    return y;
  }
  // p = softmax(s q k^T), gp = gy v^T, gs = s p (gp - sum(gp p)); gq = gs k, gk = gs^T q, gv = p^T gy
  static Grads backward(OpContext& ctx, const Tensor& gy, bool causal, double scale) {
    const Tensor q = ctx.saved(0), k = ctx.saved(1), v = ctx.saved(2);
    Tensor scores = mul(matmul(q, transpose(k, -2, -1)), scale);
    if (causal) {
      const Tensor ones = Tensor::empty(Dims{q.shape()[q.dim() - 2], k.shape()[k.dim() - 2]}, scores.dtype());
      for (int64_t i = 0; ones.has_values() && i < ones.numel(); ++i) {
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
    const Matrices mgy(gy), mq(q), mk(k), mv(v);
    dispatch_compute(q.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      attention_backward<T>({mq.batch<T>(), mk.batch<T>(), mv.batch<T>(), mq.count(), causal, scale},
                            mgy.batch<T>(), gq.data<T>(), gk.data<T>(), gv.data<T>());
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

Tri Dao et al., "FlashAttention: fast and memory-efficient exact attention with IO-awareness" (2022).

Args:
    query: (..., L, E), key: (..., S, E), value: (..., S, Ev), with equal leading sizes; float32 or float64.
    is_causal: whether position i sees keys up to i only.
    scale: factor of the scores.

Returns:
    (..., L, Ev).

Example:
    >>> q = plait.ones(1, 2, 4)
    >>> plait._core._ops.attention(q, q, q, True, 0.5).shape
    plait.Size([1, 2, 4])
)"},
};

}  // namespace
}  // namespace plait
