// SPDX-License-Identifier: MIT
// The LSTM and GRU drivers: forward against loops in double, backward against finite differences of forward
// in double and, in float, against the double driver; both directions, and the same bits at any number of
// threads.
#include "kernels/recurrent/recurrent_driver.h"

#include "core/parallel.h"
#include "values.h"

namespace plait {
namespace {

using test::random_values;
template <class T>
using Values = std::vector<T>;

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// What a layer is given. GRU leaves c0 alone.
template <class T>
struct Layer {
  RecurrentSizes s;
  Values<T> x, h0, c0, weight, bias, gy, gh, gc;

  template <class U>
  Layer<U> as() const {
    const auto to = [](const Values<T>& v) { return Values<U>(v.begin(), v.end()); };
    return {s, to(x), to(h0), to(c0), to(weight), to(bias), to(gy), to(gh), to(gc)};
  }
};

Layer<double> random_layer(int64_t steps, int64_t batch, int64_t hidden, int64_t factor, bool reverse) {
  const RecurrentSizes s{steps, batch, hidden, factor * hidden, reverse};
  // Rounded to float, so that both types see the same numbers.
  const auto random = [](int64_t n) {
    const Values<float> v = random_values<float>(n, 0.6);
    return Values<double>(v.begin(), v.end());
  };
  return {s,
          random(steps * s.row()),
          random(s.state()),
          random(s.state()),
          random(s.gates * hidden),
          random(s.gates),
          random(steps * s.state()),
          random(s.state()),
          random(s.state())};
}

template <class T>
struct Results {
  Values<T> active, kept, y;  // kept: c of LSTM, recurrent_n of GRU
  Values<T> gh, gc, ggates, grecurrent, gweight;
};

template <class T>
Results<T> run(const Layer<T>& l, bool lstm) {
  const RecurrentSizes& s = l.s;
  const auto rows = static_cast<size_t>(s.steps * s.row()), states = static_cast<size_t>(s.steps * s.state());
  Results<T> r{Values<T>(rows), Values<T>(states), Values<T>(states),         l.gh, l.gc,
               Values<T>(rows), Values<T>(rows),   Values<T>(l.weight.size())};
  if (lstm) {
    lstm_forward<T>({s, l.x.data(), l.h0.data(), l.c0.data(), l.weight.data(), l.bias.data(), r.active.data(),
                     r.kept.data(), r.y.data()});
    lstm_backward<T>({s, r.active.data(), r.kept.data(), r.y.data(), l.h0.data(), l.c0.data(),
                      l.weight.data(), l.gy.data(), r.gh.data(), r.gc.data(), r.ggates.data(),
                      r.gweight.data()});
  } else {
    gru_forward<T>({s, l.x.data(), l.h0.data(), l.weight.data(), l.bias.data(), r.active.data(),
                    r.kept.data(), r.y.data()});
    gru_backward<T>({s, r.active.data(), r.kept.data(), r.y.data(), l.h0.data(), l.weight.data(), l.gy.data(),
                     r.gh.data(), r.ggates.data(), r.grecurrent.data(), r.gweight.data()});
  }
  return r;
}

// The outputs and the last states, step by step.
struct Outputs {
  Values<double> y, h, c;
};
Outputs step_by_step(const Layer<double>& l, bool lstm) {
  const RecurrentSizes& s = l.s;
  Outputs o{Values<double>(static_cast<size_t>(s.steps * s.state())), l.h0, l.c0};
  for (int64_t i = 0; i < s.steps; ++i) {
    const int64_t t = s.at(i);
    const Values<double> h = o.h;
    for (int64_t b = 0; b < s.batch; ++b) {
      const double* x = l.x.data() + t * s.row() + b * s.gates;
      const auto recurrent = [&](int64_t gate) {
        double sum = l.bias[static_cast<size_t>(gate)];
        for (int64_t k = 0; k < s.hidden; ++k)
          sum +=
              l.weight[static_cast<size_t>(gate * s.hidden + k)] * h[static_cast<size_t>(b * s.hidden + k)];
        return sum;
      };
      for (int64_t u = 0; u < s.hidden; ++u) {
        const auto at = static_cast<size_t>(b * s.hidden + u);
        const auto pre = [&](int64_t gate) {
          return x[gate * s.hidden + u] + recurrent(gate * s.hidden + u);
        };
        if (lstm) {
          o.c[at] = logistic(pre(1)) * o.c[at] + logistic(pre(0)) * std::tanh(pre(2));
          o.h[at] = logistic(pre(3)) * std::tanh(o.c[at]);
        } else {
          const double r = logistic(pre(0)), z = logistic(pre(1));
          const double n = std::tanh(x[2 * s.hidden + u] + r * recurrent(2 * s.hidden + u));
          o.h[at] = (1 - z) * n + z * h[at];
        }
        o.y[static_cast<size_t>(t * s.state()) + at] = o.h[at];
      }
    }
  }
  return o;
}

// sum(gy y) + sum(gh h) + sum(gc c): what backward differentiates.
double total(const Layer<double>& l, bool lstm) {
  const Outputs o = step_by_step(l, lstm);
  double sum = 0;
  for (size_t i = 0; i < o.y.size(); ++i) sum += l.gy[i] * o.y[i];
  for (size_t i = 0; i < o.h.size(); ++i) sum += l.gh[i] * o.h[i] + (lstm ? l.gc[i] * o.c[i] : 0);
  return sum;
}

void check_gradient(const Layer<double>& l, bool lstm, Values<double> Layer<double>::* input,
                    const Values<double>& got, const char* what) {
  Layer<double> moved = l;
  Values<double>& v = moved.*input;
  Values<double> want(v.size());
  for (size_t i = 0; i < v.size(); ++i) {
    const double old = v[i], step = 1e-5;
    v[i] = old + step;
    const double above = total(moved, lstm);
    v[i] = old - step;
    want[i] = (above - total(moved, lstm)) / (2 * step);
    v[i] = old;
  }
  test::check_near(got, want, what, 1e-7);
}

void check_layer(const Layer<double>& l, bool lstm) {
  set_num_threads(1);
  const Results<double> r = run(l, lstm);
  test::check_near(r.y, step_by_step(l, lstm).y, "y", 1e-12);
  if (l.x.size() <= 400) {
    check_gradient(l, lstm, &Layer<double>::x, r.ggates, "gx");
    check_gradient(l, lstm, &Layer<double>::h0, r.gh, "gh0");
    if (lstm) check_gradient(l, lstm, &Layer<double>::c0, r.gc, "gc0");
    check_gradient(l, lstm, &Layer<double>::weight, r.gweight, "gweight");
  }
  const Results<float> f = run(l.as<float>(), lstm);
  test::check_near(f.y, r.y, "float y", 2e-6);
  test::check_near(f.ggates, r.ggates, "float gx", 2e-5);
  test::check_near(f.gweight, r.gweight, "float gweight", 1e-4);
  for (int threads : {2, 7}) {
    set_num_threads(threads);
    const Results<double> again = run(l, lstm);
    TEST_CHECK(again.y == r.y && again.ggates == r.ggates && again.gweight == r.gweight && again.gh == r.gh,
               "other bits at %d threads", threads);
  }
}

}  // namespace
}  // namespace plait

int main() {
  plait::test::require_isa();
  for (const bool lstm : {true, false}) {
    for (const bool reverse : {false, true}) {
      const int factor = lstm ? 4 : 3;
      plait::check_layer(plait::random_layer(1, 1, 1, factor, reverse), lstm);
      plait::check_layer(plait::random_layer(3, 2, 5, factor, reverse), lstm);
      plait::check_layer(plait::random_layer(5, 17, 33, factor, reverse), lstm);
    }
  }
  return plait::test::report("recurrent");
}
