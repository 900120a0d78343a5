// SPDX-License-Identifier: MIT
// The recurrence of LSTM and GRU over a whole sequence as one op; the products with the input are taken
// before it for all steps at once.
#include "autograd/op.h"
#include "kernels/recurrent/recurrent_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/rearrange/combine.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

Tensor bias_gradient(const Tensor& g) {
  return reshape(sum_to(g, Dims{1, 1, g.shape()[2]}), Dims{g.shape()[2]});
}

RecurrentSizes sizes_of(const Tensor& gates, const Tensor& h0, bool reverse) {
  return {gates.shape()[0], gates.shape()[1], h0.shape()[1], gates.shape()[2], reverse};
}

// Null where t is undefined.
template <class T>
T* data_or_null(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

// A gradient as contiguous values, zero where nothing arrived.
Tensor filled(const Tensor& g, const Tensor& like) {
  return g.defined() ? contiguous(g) : zeros(like.shape(), like.dtype());
}

// ---- Backward in ops, one time step after the other ----

Tensor complement(const Tensor& x) { return add(neg(x), 1); }

Tensor plus(const Tensor& a, const Tensor& b) { return !a.defined() ? b : !b.defined() ? a : a + b; }

Tensor step_of(const Tensor& x, int64_t t) { return x.defined() ? select(x, 0, t) : x; }

// The gradients of a layer, in the order of time, and of what the layer began with.
struct RecurrentGrads {
  Tensor gates, products, weight;
};

// Puts the gradients of the gates and of the products with the state together: gW = sum_t gp_t^T h_prev_t.
RecurrentGrads assemble(const RecurrentSizes& s, const std::vector<Tensor>& gates,
                        const std::vector<Tensor>& products, const std::vector<Tensor>& h_prev) {
  std::vector<Tensor> in_order(gates.size());
  for (int64_t i = 0; i < s.steps; ++i) {
    in_order[static_cast<size_t>(s.at(i))] = gates[static_cast<size_t>(i)];
  }
  const Tensor g = cat(products, 0), h = cat(h_prev, 0);  // (steps * batch, ...)
  return {stack(in_order, 0), g, matmul(transpose(g, 0, 1), h)};
}

// The state before step i of the run.
Tensor state_before(const RecurrentSizes& s, const Tensor& states, const Tensor& start, int64_t i) {
  return i > 0 ? select(states, 0, s.at(i - 1)) : start;
}

// The results that Python gets are followed by what backward needs: as results of the node they have a graph.
struct Lstm {
  static constexpr OpMeta meta{"lstm"};
  static std::vector<Tensor> forward(OpContext& ctx, const Tensor& gates, const Tensor& h0, const Tensor& c0,
                                     const Tensor& w, const Tensor& bias, bool reverse) {
    const RecurrentSizes s = sizes_of(gates, h0, reverse);
    const DType d = gates.dtype();
    const Tensor y = Tensor::empty({s.steps, s.batch, s.hidden}, d), c = Tensor::empty(y.shape(), d);
    const Tensor active = Tensor::empty(gates.shape(), d);
    const Tensor x = contiguous(gates), h_start = contiguous(h0), c_start = contiguous(c0),
                 weight = contiguous(w);
    if (!y.is_meta()) {
      dispatch_compute(d, [&](auto tag) {
        using T = typename decltype(tag)::type;
        lstm_forward<T>({.sizes = s,
                         .x = x.data<T>(),
                         .h0 = h_start.data<T>(),
                         .c0 = c_start.data<T>(),
                         .weight = weight.data<T>(),
                         .bias = data_or_null<T>(bias),
                         .active = active.data<T>(),
                         .c = c.data<T>(),
                         .y = y.data<T>()});
      });
    }
    ctx.save(h0, c0, w);
    ctx.save_result(y, 0);
    ctx.save_result(active, 3);
    ctx.save_result(c, 4);
    const int64_t last = s.at(s.steps - 1);
    return {y, clone(select(y, 0, last)), clone(select(c, 0, last)), active, c};
  }
  // With u = tanh c_t:  go = gh u,  gc += gh o (1 - u^2),  gi = gc g,  gg = gc i,  gf = gc c_prev, each times
  // the derivative of its activation;  gh_prev = [gi, gf, gg, go] W,  gc_prev = gc f.
  static Grads backward(OpContext& ctx, const Grads& gys, bool reverse) {
    const Tensor h0 = ctx.saved(0), c0 = ctx.saved(1), w = ctx.saved(2), y = ctx.saved(3),
                 active = ctx.saved(4), c = ctx.saved(5);
    const RecurrentSizes s = sizes_of(active, h0, reverse);
    Tensor gh = gys[1].defined() ? gys[1] : zeros(h0.shape(), h0.dtype());
    Tensor gc = gys[2].defined() ? gys[2] : zeros(c0.shape(), c0.dtype());
    std::vector<Tensor> gates(static_cast<size_t>(s.steps)), h_prev(gates.size());
    for (int64_t i = s.steps - 1; i >= 0; --i) {
      const int64_t t = s.at(i);
      const std::vector<Tensor> a = chunk(select(active, 0, t), 4, 1);
      const Tensor &in = a[0], &forget = a[1], &g = a[2], &out = a[3];
      std::vector<Tensor> extra(4);  // gradients of the activations themselves
      if (gys[3].defined()) extra = chunk(select(gys[3], 0, t), 4, 1);
      const Tensor u = tanh(select(c, 0, t));
      gh = plus(gh, step_of(gys[0], t));
      gc = plus(gc + gh * out * complement(u * u), step_of(gys[4], t));
      const Tensor gin = plus(gc * g, extra[0]), gg = plus(gc * in, extra[2]),
                   gforget = plus(gc * state_before(s, c, c0, i), extra[1]), gout = plus(gh * u, extra[3]);
      const Tensor step = cat({gin * in * complement(in), gforget * forget * complement(forget),
                               gg * complement(g * g), gout * out * complement(out)},
                              1);
      gates[static_cast<size_t>(i)] = step;
      h_prev[static_cast<size_t>(i)] = state_before(s, y, h0, i);
      gh = matmul(step, w);
      gc = gc * forget;
    }
    const RecurrentGrads r = assemble(s, gates, gates, h_prev);
    return {r.gates, gh, gc, r.weight, ctx.needs_grad(4) ? bias_gradient(r.gates) : Tensor()};
  }
  static Grads fused_backward(OpContext& ctx, const Grads& gys, bool reverse) {
    if (gys[3].defined() || gys[4].defined()) return backward(ctx, gys, reverse);
    const Tensor h0 = contiguous(ctx.saved(0)), c0 = contiguous(ctx.saved(1)), w = contiguous(ctx.saved(2)),
                 y = ctx.saved(3), active = ctx.saved(4), c = ctx.saved(5);
    const RecurrentSizes s = sizes_of(active, h0, reverse);
    const Tensor gates = Tensor::empty(active.shape(), active.dtype());
    // Gradients of the last states, then of h0 and c0.
    const Tensor gh = clone(filled(gys[1], h0)), gc = clone(filled(gys[2], c0));
    const Tensor gy = gys[0].defined() ? contiguous(gys[0]) : Tensor();
    const Tensor gw = ctx.needs_grad(3) ? Tensor::empty(w.shape(), w.dtype()) : Tensor();
    dispatch_compute(active.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      lstm_backward<T>({.sizes = s,
                        .active = active.data<T>(),
                        .c = c.data<T>(),
                        .y = y.data<T>(),
                        .h0 = h0.data<T>(),
                        .c0 = c0.data<T>(),
                        .weight = w.data<T>(),
                        .gy = data_or_null<T>(gy),
                        .gh = gh.data<T>(),
                        .gc = gc.data<T>(),
                        .ggates = gates.data<T>(),
                        .gweight = data_or_null<T>(gw)});
    });
    return {gates, gh, gc, gw, ctx.needs_grad(4) ? bias_gradient(gates) : Tensor()};
  }
};

struct Gru {
  static constexpr OpMeta meta{"gru"};
  static std::vector<Tensor> forward(OpContext& ctx, const Tensor& gates, const Tensor& h0, const Tensor& w,
                                     const Tensor& bias, bool reverse) {
    const RecurrentSizes s = sizes_of(gates, h0, reverse);
    const DType d = gates.dtype();
    const Tensor y = Tensor::empty({s.steps, s.batch, s.hidden}, d),
                 recurrent_n = Tensor::empty(y.shape(), d);
    const Tensor active = Tensor::empty(gates.shape(), d);
    const Tensor x = contiguous(gates), h_start = contiguous(h0), weight = contiguous(w);
    if (!y.is_meta()) {
      dispatch_compute(d, [&](auto tag) {
        using T = typename decltype(tag)::type;
        gru_forward<T>({.sizes = s,
                        .x = x.data<T>(),
                        .h0 = h_start.data<T>(),
                        .weight = weight.data<T>(),
                        .bias = data_or_null<T>(bias),
                        .active = active.data<T>(),
                        .recurrent_n = recurrent_n.data<T>(),
                        .y = y.data<T>()});
      });
    }
    ctx.save(h0, w);
    ctx.save_result(y, 0);
    ctx.save_result(active, 2);
    ctx.save_result(recurrent_n, 3);
    return {y, clone(select(y, 0, s.at(s.steps - 1))), active, recurrent_n};
  }
  // With p = U_n h_prev + b_n and h = n + z (h_prev - n):  gz = gh (h_prev - n),  gn = gh (1 - z) (1 - n^2),
  // gr = gn p, gz and gr times the derivative of the sigmoid;  gh_prev = gh z + [gr, gz, gn r] W.
  static Grads backward(OpContext& ctx, const Grads& gys, bool reverse) {
    const Tensor h0 = ctx.saved(0), w = ctx.saved(1), y = ctx.saved(2), active = ctx.saved(3),
                 recurrent_n = ctx.saved(4);
    const RecurrentSizes s = sizes_of(active, h0, reverse);
    Tensor gh = gys[1].defined() ? gys[1] : zeros(h0.shape(), h0.dtype());
    std::vector<Tensor> gates(static_cast<size_t>(s.steps)), products(gates.size()), h_prev(gates.size());
    for (int64_t i = s.steps - 1; i >= 0; --i) {
      const int64_t t = s.at(i);
      const auto at = static_cast<size_t>(i);
      const std::vector<Tensor> a = chunk(select(active, 0, t), 3, 1);
      const Tensor &reset = a[0], &update = a[1], &n = a[2];
      std::vector<Tensor> extra(3);  // gradients of the activations themselves
      if (gys[2].defined()) extra = chunk(select(gys[2], 0, t), 3, 1);
      h_prev[at] = state_before(s, y, h0, i);
      gh = plus(gh, step_of(gys[0], t));
      const Tensor gn = plus(gh * complement(update), extra[2]) * complement(n * n);
      const Tensor gupdate = plus(gh * (h_prev[at] - n), extra[1]) * update * complement(update);
      const Tensor greset = plus(gn * select(recurrent_n, 0, t), extra[0]) * reset * complement(reset);
      const Tensor gp = plus(gn * reset, step_of(gys[3], t));
      gates[at] = cat({greset, gupdate, gn}, 1);
      products[at] = cat({greset, gupdate, gp}, 1);
      gh = gh * update + matmul(products[at], w);
    }
    const RecurrentGrads r = assemble(s, gates, products, h_prev);
    return {r.gates, gh, r.weight, ctx.needs_grad(3) ? sum(r.products, Dims{0}, false) : Tensor()};
  }
  static Grads fused_backward(OpContext& ctx, const Grads& gys, bool reverse) {
    if (gys[2].defined() || gys[3].defined()) return backward(ctx, gys, reverse);
    const Tensor h0 = contiguous(ctx.saved(0)), w = contiguous(ctx.saved(1)), y = ctx.saved(2),
                 active = ctx.saved(3), recurrent_n = ctx.saved(4);
    const RecurrentSizes s = sizes_of(active, h0, reverse);
    const Tensor gates = Tensor::empty(active.shape(), active.dtype()),
                 products = Tensor::empty(active.shape(), active.dtype());
    const Tensor gh = clone(filled(gys[1], h0));  // of the last state, then of h0
    const Tensor gy = gys[0].defined() ? contiguous(gys[0]) : Tensor();
    const Tensor gw = ctx.needs_grad(2) ? Tensor::empty(w.shape(), w.dtype()) : Tensor();
    dispatch_compute(active.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      gru_backward<T>({.sizes = s,
                       .active = active.data<T>(),
                       .recurrent_n = recurrent_n.data<T>(),
                       .y = y.data<T>(),
                       .h0 = h0.data<T>(),
                       .weight = w.data<T>(),
                       .gy = data_or_null<T>(gy),
                       .gh = gh.data<T>(),
                       .ggates = gates.data<T>(),
                       .grecurrent = products.data<T>(),
                       .gweight = data_or_null<T>(gw)});
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

Example:
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

Example:
    >>> g, s = plait.zeros(3, 2, 3), plait.zeros(2, 1)
    >>> plait._core._ops.gru(g, s, plait.zeros(3, 1)).output.shape
    plait.Size([3, 2, 1])
)"},
};

}  // namespace
}  // namespace plait
