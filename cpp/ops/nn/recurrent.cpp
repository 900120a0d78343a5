// SPDX-License-Identifier: MIT
// The recurrence of LSTM and GRU over a whole sequence as one op. The products with the input are taken
// before it for all steps at once; here each step is one product with the state and one pass over the units,
// and backward gathers the gradient of the weight in one product at the end. Samples never meet, so a thread
// takes some of them through the whole sequence: threads that met at every step would wait at every step.
#include <algorithm>

#include "autograd/op.h"
#include "core/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

struct Sizes {
  int64_t steps, batch, hidden, gates;  // gates: 4 hidden (LSTM) or 3 hidden (GRU)
  bool reverse;

  int64_t state() const { return batch * hidden; }
  int64_t row() const { return batch * gates; }
  int64_t at(int64_t i) const { return reverse ? steps - 1 - i : i; }  // the i-th step to be computed
};

// Some of the samples, at least 2 where the batch has as many: what is computed of a sample does not depend
// on how many others there are, but a product of one row is summed in another order.
struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

// f(range) for ranges that cover the batch, side by side if there are samples enough for every thread: the
// weight is read once for each range. Else one range, whose steps are shared among the threads.
template <class F>
void over_ranges(const Sizes& s, F&& f) {
  constexpr int64_t kFewestSamples = 8, kFewestProducts = int64_t{1} << 18;
  const int64_t products = std::max<int64_t>(1, s.steps * s.gates * s.hidden);
  const int64_t grain = std::max(kFewestSamples, kFewestProducts / products);
  const bool enough = s.batch >= kFewestSamples * num_threads();
  parallel_for(s.batch, enough ? grain : s.batch, [&](int64_t begin, int64_t end) { f(Range{begin, end}); });
}

// f(b) for the samples of a range in one step.
template <class F>
void for_samples(const Sizes& s, const Range& r, F&& f) {
  parallel_for(r.size(), std::max<int64_t>(1, 4096 / std::max<int64_t>(1, s.gates)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t b = r.begin + begin; b < r.begin + end; ++b) f(b);
               });
}

// The weight of the state (gates, hidden) as the right operand of every step's product: packed once for all
// steps. Forward multiplies by its transpose, backward by itself.
template <class T>
PackedMatrix<T> step_weight(const Sizes& s, const Tensor& w, bool transpose) {
  if (transpose) return {transposed(w.data<T>(), s.hidden), s.hidden, s.gates, s.batch};
  return {row_major(w.data<T>(), s.hidden), s.gates, s.hidden, s.batch};
}

// c[batch, gates] = h[batch, hidden] wt[hidden, gates], the rows of a range
template <class T>
void state_product(const Sizes& s, const Range& r, const T* h, const PackedMatrix<T>& wt, T* c) {
  gemm<T>({.m = r.size(),
           .n = s.gates,
           .k = s.hidden,
           .a = row_major(h + r.begin * s.hidden, s.hidden),
           .b = wt.operand(),
           .c = c + r.begin * s.gates,
           .c_rs = s.gates});
}

// gh[batch, hidden] = beta gh + g[batch, gates] w[gates, hidden], the rows of a range
template <class T>
void state_gradient(const Sizes& s, const Range& r, const T* g, const PackedMatrix<T>& w, T* gh, T beta) {
  gemm<T>({.m = r.size(),
           .n = s.hidden,
           .k = s.gates,
           .a = row_major(g + r.begin * s.gates, s.gates),
           .b = w.operand(),
           .c = gh + r.begin * s.hidden,
           .c_rs = s.hidden,
           .beta = beta});
}

// gw[gates, hidden] = beta gw + g[rows, gates]^T h[rows, hidden]
template <class T>
void weight_gradient(const Sizes& s, const T* g, const T* h, int64_t rows, T* gw, T beta) {
  gemm<T>({.m = s.gates,
           .n = s.hidden,
           .k = rows,
           .a = transposed(g, s.gates),
           .b = row_major(h, s.hidden),
           .c = gw,
           .c_rs = s.hidden,
           .beta = beta});
}

// The states before each step are the outputs one step earlier, and h0 before the first.
template <class T>
Tensor weight_gradient(const Sizes& s, const Tensor& g, const Tensor& y, const Tensor& h0) {
  const Tensor gw = Tensor::empty({s.gates, s.hidden}, g.dtype());
  const int64_t first = s.at(0), rest = s.reverse ? 0 : 1;
  weight_gradient<T>(s, g.data<T>() + first * s.row(), h0.data<T>(), s.batch, gw.data<T>(), T(0));
  weight_gradient<T>(s, g.data<T>() + rest * s.row(), y.data<T>() + (1 - rest) * s.state(),
                     (s.steps - 1) * s.batch, gw.data<T>(), T(1));
  return gw;
}

Tensor bias_gradient(const Tensor& g) {
  return reshape(sum_to(g, Dims{1, 1, g.shape()[2]}), Dims{g.shape()[2]});
}

Sizes sizes_of(const Tensor& gates, const Tensor& h0, bool reverse) {
  return {gates.shape()[0], gates.shape()[1], h0.shape()[1], gates.shape()[2], reverse};
}

// A gradient as contiguous values, zero where nothing arrived.
Tensor filled(const Tensor& g, const Tensor& like) {
  return g.defined() ? contiguous(g) : zeros(like.shape(), like.dtype());
}

struct Lstm {
  static constexpr OpMeta meta{"lstm", "step with LSTMCell, which is composed of ops"};
  static std::vector<Tensor> forward(OpContext& ctx, const Tensor& gates, const Tensor& h0, const Tensor& c0,
                                     const Tensor& w, const Tensor& bias, bool reverse) {
    const Sizes s = sizes_of(gates, h0, reverse);
    const DType d = gates.dtype();
    const Tensor y = Tensor::empty({s.steps, s.batch, s.hidden}, d), c = Tensor::empty(y.shape(), d);
    const Tensor active = Tensor::empty(gates.shape(), d);
    const Tensor x = contiguous(gates), h_start = contiguous(h0), c_start = contiguous(c0);
    dispatch_compute(gates.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const Tensor dense = contiguous(w);
      const PackedMatrix<T> wt = step_weight<T>(s, dense, true);
      over_ranges(s, [&](const Range& range) {
        const T* h = h_start.data<T>();
        const T* c_prev = c_start.data<T>();
        for (int64_t i = 0; i < s.steps; ++i) {
          const int64_t t = s.at(i);
          T* pre = active.data<T>() + t * s.row();
          state_product<T>(s, range, h, wt, pre);
          for_samples(s, range, [&](int64_t b) {
            LstmStep<T> a = {};
            a.gates = pre + b * s.gates;
            a.x = x.data<T>() + t * s.row() + b * s.gates;
            a.bias = bias.defined() ? bias.data<T>() : nullptr;
            a.c_prev = c_prev + b * s.hidden;
            a.c = c.data<T>() + t * s.state() + b * s.hidden;
            a.h = y.data<T>() + t * s.state() + b * s.hidden;
            a.n = s.hidden;
            kernels().recurrent.of<T>().lstm_forward(a);
          });
          h = y.data<T>() + t * s.state();
          c_prev = c.data<T>() + t * s.state();
        }
      });
      return 0;
    });
    ctx.save(active, c, h_start, c_start, w);
    ctx.save_result(y, 0);
    const int64_t last = s.at(s.steps - 1);
    return {y, clone(select(y, 0, last)), clone(select(c, 0, last))};
  }
  static Grads fused_backward(OpContext& ctx, const Grads& gys, bool reverse) {
    const Tensor active = ctx.saved(0), c = ctx.saved(1), h0 = ctx.saved(2), c0 = ctx.saved(3),
                 w = contiguous(ctx.saved(4)), y = ctx.saved(5);
    const Sizes s = sizes_of(active, h0, reverse);
    const Tensor gates = Tensor::empty(active.shape(), active.dtype());
    // gh, gc: gradients of the state behind the step at hand.
    const Tensor gh = clone(filled(gys[1], h0)), gc = clone(filled(gys[2], c0));
    const Tensor gy = gys[0].defined() ? contiguous(gys[0]) : Tensor();
    const Tensor gw = dispatch_compute(active.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const PackedMatrix<T> weight = step_weight<T>(s, w, false);
      over_ranges(s, [&](const Range& range) {
        for (int64_t i = s.steps - 1; i >= 0; --i) {
          const int64_t t = s.at(i);
          const T* c_prev = i > 0 ? c.data<T>() + s.at(i - 1) * s.state() : c0.data<T>();
          for_samples(s, range, [&](int64_t b) {
            LstmStep<T> a = {};
            a.gates = active.data<T>() + t * s.row() + b * s.gates;
            a.c_prev = c_prev + b * s.hidden;
            a.c = c.data<T>() + t * s.state() + b * s.hidden;
            a.gh = gh.data<T>() + b * s.hidden;
            a.gy = gy.defined() ? gy.data<T>() + t * s.state() + b * s.hidden : nullptr;
            a.gc = gc.data<T>() + b * s.hidden;
            a.ggates = gates.data<T>() + t * s.row() + b * s.gates;
            a.n = s.hidden;
            kernels().recurrent.of<T>().lstm_backward(a);
          });
          state_gradient<T>(s, range, gates.data<T>() + t * s.row(), weight, gh.data<T>(), T(0));
        }
      });
      return ctx.needs_grad(3) ? weight_gradient<T>(s, gates, y, h0) : Tensor();
    });
    return {gates, gh, gc, gw, ctx.needs_grad(4) ? bias_gradient(gates) : Tensor()};
  }
};

struct Gru {
  static constexpr OpMeta meta{"gru", "step with GRUCell, which is composed of ops"};
  static std::vector<Tensor> forward(OpContext& ctx, const Tensor& gates, const Tensor& h0, const Tensor& w,
                                     const Tensor& bias, bool reverse) {
    const Sizes s = sizes_of(gates, h0, reverse);
    const DType d = gates.dtype();
    const Tensor y = Tensor::empty({s.steps, s.batch, s.hidden}, d),
                 recurrent_n = Tensor::empty(y.shape(), d);
    const Tensor active = Tensor::empty(gates.shape(), d), product = Tensor::empty({s.batch, s.gates}, d);
    const Tensor x = contiguous(gates), h_start = contiguous(h0);
    dispatch_compute(gates.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const Tensor dense = contiguous(w);
      const PackedMatrix<T> wt = step_weight<T>(s, dense, true);
      over_ranges(s, [&](const Range& range) {
        const T* h = h_start.data<T>();
        for (int64_t i = 0; i < s.steps; ++i) {
          const int64_t t = s.at(i);
          state_product<T>(s, range, h, wt, product.data<T>());
          for_samples(s, range, [&](int64_t b) {
            GruStep<T> a = {};
            a.gates = x.data<T>() + t * s.row() + b * s.gates;
            a.recurrent = product.data<T>() + b * s.gates;
            a.bias = bias.defined() ? bias.data<T>() : nullptr;
            a.active = active.data<T>() + t * s.row() + b * s.gates;
            a.recurrent_n = recurrent_n.data<T>() + t * s.state() + b * s.hidden;
            a.h_prev = h + b * s.hidden;
            a.h = y.data<T>() + t * s.state() + b * s.hidden;
            a.n = s.hidden;
            kernels().recurrent.of<T>().gru_forward(a);
          });
          h = y.data<T>() + t * s.state();
        }
      });
      return 0;
    });
    ctx.save(active, recurrent_n, h_start, w);
    ctx.save_result(y, 0);
    return {y, clone(select(y, 0, s.at(s.steps - 1)))};
  }
  static Grads fused_backward(OpContext& ctx, const Grads& gys, bool reverse) {
    const Tensor active = ctx.saved(0), recurrent_n = ctx.saved(1), h0 = ctx.saved(2),
                 w = contiguous(ctx.saved(3)), y = ctx.saved(4);
    const Sizes s = sizes_of(active, h0, reverse);
    const Tensor gates = Tensor::empty(active.shape(), active.dtype()),
                 products = Tensor::empty(active.shape(), active.dtype());
    const Tensor gh = clone(filled(gys[1], h0)), next = Tensor::empty(h0.shape(), h0.dtype());
    const Tensor gy = gys[0].defined() ? contiguous(gys[0]) : Tensor();
    const Tensor gw = dispatch_compute(active.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const PackedMatrix<T> weight = step_weight<T>(s, w, false);
      over_ranges(s, [&](const Range& range) {
        for (int64_t i = s.steps - 1; i >= 0; --i) {
          const int64_t t = s.at(i);
          const T* h_prev = i > 0 ? y.data<T>() + s.at(i - 1) * s.state() : h0.data<T>();
          for_samples(s, range, [&](int64_t b) {
            GruStep<T> a = {};
            a.active = active.data<T>() + t * s.row() + b * s.gates;
            a.recurrent_n = recurrent_n.data<T>() + t * s.state() + b * s.hidden;
            a.h_prev = h_prev + b * s.hidden;
            a.gh = gh.data<T>() + b * s.hidden;
            a.gy = gy.defined() ? gy.data<T>() + t * s.state() + b * s.hidden : nullptr;
            a.ggates = gates.data<T>() + t * s.row() + b * s.gates;
            a.grecurrent = products.data<T>() + t * s.row() + b * s.gates;
            a.gh_prev = next.data<T>() + b * s.hidden;
            a.n = s.hidden;
            kernels().recurrent.of<T>().gru_backward(a);
          });
          state_gradient<T>(s, range, products.data<T>() + t * s.row(), weight, next.data<T>(), T(1));
          std::copy_n(next.data<T>() + range.begin * s.hidden, range.size() * s.hidden,
                      gh.data<T>() + range.begin * s.hidden);
        }
      });
      return ctx.needs_grad(2) ? weight_gradient<T>(s, products, y, h0) : Tensor();
    });
    return {gates, gh, gw, ctx.needs_grad(3) ? bias_gradient(products) : Tensor()};
  }
};

void check(const char* op, const Tensor& gates, const Tensor& h0, const Tensor& w, const Tensor& bias,
           int64_t factor) {
  PLAIT_CHECK(gates.dtype() == DType::kFloat32 || gates.dtype() == DType::kFloat64, kType, op,
              ": expected float32 or float64, got ", dtype_name(gates.dtype()));
  PLAIT_CHECK(gates.dim() == 3 && gates.shape()[0] > 0 && h0.dim() == 2 && w.dim() == 2 &&
                  h0.shape()[0] == gates.shape()[1] && gates.shape()[2] == factor * h0.shape()[1] &&
                  w.shape()[0] == gates.shape()[2] && w.shape()[1] == h0.shape()[1] &&
                  h0.dtype() == gates.dtype() && w.dtype() == gates.dtype(),
              kValue, op, ": expected gates (steps, batch, ", factor,
              " * hidden), h0 (batch, hidden) and weight (", factor, " * hidden, hidden) of one dtype, got ",
              gates.shape(), ", ", h0.shape(), " and ", w.shape());
  PLAIT_CHECK(!bias.defined() || (bias.shape() == Dims{w.shape()[0]} && bias.dtype() == gates.dtype() &&
                                  bias.is_contiguous()),
              kValue, op, ": expected a bias of shape (", w.shape()[0], ",)");
}

std::tuple<Tensor, Tensor, Tensor> lstm(const Tensor& gates, const Tensor& h0, const Tensor& c0,
                                        const Tensor& w, const Tensor& bias, bool reverse) {
  check("lstm", gates, h0, w, bias, 4);
  PLAIT_CHECK(c0.shape() == h0.shape() && c0.dtype() == h0.dtype(), kValue, "lstm: expected c0 of shape ",
              h0.shape(), ", got ", c0.shape());
  const std::vector<Tensor> r = apply<Lstm>(gates, h0, c0, w, bias, reverse);
  return {r[0], r[1], r[2]};
}

std::tuple<Tensor, Tensor> gru(const Tensor& gates, const Tensor& h0, const Tensor& w, const Tensor& bias,
                               bool reverse) {
  check("gru", gates, h0, w, bias, 3);
  const std::vector<Tensor> r = apply<Gru>(gates, h0, w, bias, reverse);
  return {r[0], r[1]};
}

const RegisterOps kOps{
    {"lstm(Tensor gates, Tensor h0, Tensor c0, Tensor weight, Tensor? bias=None, bool reverse=False) -> "
     "(Tensor output, "
     "Tensor h, Tensor c)",
     "p", PLAIT_BOX(lstm),
     R"(One LSTM layer over a sequence, given its products with the input.

Args:
    gates: (steps, batch, 4 * hidden): x @ weight_ih.T + bias_ih, in the order i, f, g, o.
    h0, c0: (batch, hidden).
    weight: (4 * hidden, hidden), bias: (4 * hidden,): of the state.
    reverse: run from the last step to the first.

Returns:
    the outputs (steps, batch, hidden) and the last h and c. Hochreiter & Schmidhuber, "Long short-term memory" (1997).

>>> g, s = plait.zeros(3, 2, 4), plait.zeros(2, 1)
>>> plait._core._ops.lstm(g, s, s, plait.zeros(4, 1)).output.shape
plait.Size([3, 2, 1])
)"},
    {"gru(Tensor gates, Tensor h0, Tensor weight, Tensor? bias=None, "
     "bool reverse=False) -> (Tensor output, Tensor h)",
     "p", PLAIT_BOX(gru),
     R"(One GRU layer over a sequence, given its products with the input.

Args:
    gates: (steps, batch, 3 * hidden): x @ weight_ih.T + bias_ih, in the order r, z, n.
    h0: (batch, hidden).
    weight: (3 * hidden, hidden), bias: (3 * hidden,): of the state.
    reverse: run from the last step to the first.

Returns:
    the outputs (steps, batch, hidden) and the last h. Cho et al., "Learning phrase representations using RNN
    encoder-decoder" (2014), with the reset gate behind the product.

>>> g, s = plait.zeros(3, 2, 3), plait.zeros(2, 1)
>>> plait._core._ops.gru(g, s, plait.zeros(3, 1)).output.shape
plait.Size([3, 2, 1])
)"},
};

}  // namespace
}  // namespace plait
