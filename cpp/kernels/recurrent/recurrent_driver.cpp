// SPDX-License-Identifier: MIT
// Each step is one product with the state and one pass over the units; backward gathers the gradient of the
// weight in one product at the end. Samples never meet, so a thread takes some of them through the whole
// sequence: threads that met at every step would wait at every step.
#include "kernels/recurrent/recurrent_driver.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"

namespace plait {
namespace {

using Sizes = RecurrentSizes;

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

// The weight of the state as the right operand of every step's product, packed once for all steps. Forward
// multiplies by its transpose [hidden, gates], backward by itself [gates, hidden].
template <class T>
PackedMatrix<T> forward_weight(const Sizes& s, const T* w) {
  return PackedMatrix<T>(transposed(row_major(w, s.hidden)), s.hidden, s.gates, s.batch);
}
template <class T>
PackedMatrix<T> backward_weight(const Sizes& s, const T* w) {
  return PackedMatrix<T>(row_major(w, s.hidden), s.gates, s.hidden, s.batch);
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
void add_weight_gradient(const Sizes& s, const T* g, const T* h, int64_t rows, T* gw, T beta) {
  gemm<T>({.m = s.gates,
           .n = s.hidden,
           .k = rows,
           .a = transposed(row_major(g, s.gates)),
           .b = row_major(h, s.hidden),
           .c = gw,
           .c_rs = s.hidden,
           .beta = beta});
}

// The same over all steps. The states before each step are the outputs one step earlier, and h0 before the
// first.
template <class T>
void weight_gradient(const Sizes& s, const T* g, const T* y, const T* h0, T* gw) {
  const int64_t first = s.at(0), rest = s.reverse ? 0 : 1;
  add_weight_gradient(s, g + first * s.row(), h0, s.batch, gw, T(0));
  add_weight_gradient(s, g + rest * s.row(), y + (1 - rest) * s.state(), (s.steps - 1) * s.batch, gw, T(1));
}

}  // namespace

template <class T>
void lstm_forward(const LstmForward<T>& args) {
  const Sizes& s = args.sizes;
  const PackedMatrix<T> wt = forward_weight(s, args.weight);
  over_ranges(s, [&](const Range& range) {
    const T* h = args.h0;
    const T* c_prev = args.c0;
    for (int64_t i = 0; i < s.steps; ++i) {
      poll_interrupt();
      const int64_t t = s.at(i);
      T* const gates = args.active + t * s.row();
      T* const c = args.c + t * s.state();
      T* const y = args.y + t * s.state();
      state_product(s, range, h, wt, gates);
      for_samples(s, range, [&](int64_t b) {
        LstmStep<T> a = {};
        a.gates = gates + b * s.gates;
        a.x = args.x + t * s.row() + b * s.gates;
        a.bias = args.bias;
        a.c_prev = c_prev + b * s.hidden;
        a.c = c + b * s.hidden;
        a.h = y + b * s.hidden;
        a.n = s.hidden;
        kernels().recurrent.of<T>().lstm_forward(a);
      });
      h = y;
      c_prev = c;
    }
  });
}

template <class T>
void lstm_backward(const LstmBackward<T>& args) {
  const Sizes& s = args.sizes;
  const PackedMatrix<T> w = backward_weight(s, args.weight);
  over_ranges(s, [&](const Range& range) {
    for (int64_t i = s.steps - 1; i >= 0; --i) {
      poll_interrupt();
      const int64_t t = s.at(i);
      const T* const c_prev = i > 0 ? args.c + s.at(i - 1) * s.state() : args.c0;
      for_samples(s, range, [&](int64_t b) {
        LstmStep<T> a = {};
        a.gates = const_cast<T*>(args.active) + t * s.row() + b * s.gates;  // backward reads them
        a.c_prev = c_prev + b * s.hidden;
        a.c = const_cast<T*>(args.c) + t * s.state() + b * s.hidden;
        a.gh = args.gh + b * s.hidden;
        a.gy = args.gy ? args.gy + t * s.state() + b * s.hidden : nullptr;
        a.gc = args.gc + b * s.hidden;
        a.ggates = args.ggates + t * s.row() + b * s.gates;
        a.n = s.hidden;
        kernels().recurrent.of<T>().lstm_backward(a);
      });
      state_gradient(s, range, args.ggates + t * s.row(), w, args.gh, T(0));
    }
  });
  if (args.gweight) weight_gradient(s, args.ggates, args.y, args.h0, args.gweight);
}

template <class T>
void gru_forward(const GruForward<T>& args) {
  const Sizes& s = args.sizes;
  const PackedMatrix<T> wt = forward_weight(s, args.weight);
  const Workspace space(sizeof(T) * static_cast<size_t>(s.row()));
  T* const product = space.as<T>();  // [batch, gates] of the step at hand
  over_ranges(s, [&](const Range& range) {
    const T* h = args.h0;
    for (int64_t i = 0; i < s.steps; ++i) {
      poll_interrupt();
      const int64_t t = s.at(i);
      T* const y = args.y + t * s.state();
      state_product(s, range, h, wt, product);
      for_samples(s, range, [&](int64_t b) {
        GruStep<T> a = {};
        a.gates = args.x + t * s.row() + b * s.gates;
        a.recurrent = product + b * s.gates;
        a.bias = args.bias;
        a.active = args.active + t * s.row() + b * s.gates;
        a.recurrent_n = args.recurrent_n + t * s.state() + b * s.hidden;
        a.h_prev = h + b * s.hidden;
        a.h = y + b * s.hidden;
        a.n = s.hidden;
        kernels().recurrent.of<T>().gru_forward(a);
      });
      h = y;
    }
  });
}

template <class T>
void gru_backward(const GruBackward<T>& args) {
  const Sizes& s = args.sizes;
  const PackedMatrix<T> w = backward_weight(s, args.weight);
  const Workspace space(sizeof(T) * static_cast<size_t>(s.state()));
  T* const next = space.as<T>();  // [batch, hidden]: gradient of the state before the step at hand
  over_ranges(s, [&](const Range& range) {
    for (int64_t i = s.steps - 1; i >= 0; --i) {
      poll_interrupt();
      const int64_t t = s.at(i);
      const T* const h_prev = i > 0 ? args.y + s.at(i - 1) * s.state() : args.h0;
      for_samples(s, range, [&](int64_t b) {
        GruStep<T> a = {};
        a.active = const_cast<T*>(args.active) + t * s.row() + b * s.gates;  // backward reads them
        a.recurrent_n = const_cast<T*>(args.recurrent_n) + t * s.state() + b * s.hidden;
        a.h_prev = h_prev + b * s.hidden;
        a.gh = args.gh + b * s.hidden;
        a.gy = args.gy ? args.gy + t * s.state() + b * s.hidden : nullptr;
        a.ggates = args.ggates + t * s.row() + b * s.gates;
        a.grecurrent = args.grecurrent + t * s.row() + b * s.gates;
        a.gh_prev = next + b * s.hidden;
        a.n = s.hidden;
        kernels().recurrent.of<T>().gru_backward(a);
      });
      state_gradient(s, range, args.grecurrent + t * s.row(), w, next, T(1));
      std::copy_n(next + range.begin * s.hidden, range.size() * s.hidden, args.gh + range.begin * s.hidden);
    }
  });
  if (args.gweight) weight_gradient(s, args.grecurrent, args.y, args.h0, args.gweight);
}

PLAIT_RECURRENT_DRIVERS(template, float)
PLAIT_RECURRENT_DRIVERS(template, double)

}  // namespace plait
