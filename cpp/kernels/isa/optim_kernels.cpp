// SPDX-License-Identifier: MIT
// The optimizers' update rules: each is a functor on vectors (p, g, state...), and one loop serves all of
// them. A step reads the parameter, the gradient and the state once and writes all but the gradient; it is
// bound by memory bandwidth once the parameters leave the cache and by the divider before that, which is why
// a rule makes do with one division and takes its root from root(). Tails go through masked loads and stores
// of the same code.
#include "kernels/isa/vec.h"
#include "kernels/optim/optim_args.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class V>
PLAIT_INLINE V constant(double x) {
  return splat<V>(static_cast<ElemT<V>>(x));
}

// sqrt(x) for x >= 0 within 1 ulp. In float at level 2 it comes from the estimate y of 1 / sqrt(x) by
// Newton's iteration, h = x y;  h + h (1 - h y) / 2, which leaves the divider free (30% off a step in the
// cache; level 1's estimate is too coarse to win). Infinity gives the root of the largest number, and
// subnormals, which are flushed by default, something below 1e-19.
template <class V>
PLAIT_INLINE V root(V x) {
#if PLAIT_ISA_LEVEL == 2
  if constexpr (kSame<V, F32>) {
    x = min(splat<V>(3.40282347e38f), x);  // NaN passes
    const V y = (V)_mm512_rsqrt14_ps((__m512)max(splat<V>(1.17549435e-38f), x));
    const V h = x * y, half = splat<V>(0.5f);
    return h + h * (half - half * h * y);
  }
#endif
  return sqrt(x);
}

// s += weight * (x - s)
template <class V>
PLAIT_INLINE V lerp(V s, V x, V weight) {
  return s + weight * (x - s);
}

// p -= lr g
template <class V>
struct Sgd {
  using Scalars = SgdScalars;
  static constexpr int kStates = 0;
  V lr;
  explicit Sgd(const Scalars& s) : lr(constant<V>(s.lr)) {}
  PLAIT_INLINE void operator()(V& p, V g, V*) const { p -= lr * g; }
};

// buf = momentum buf + (1 - dampening) g;  p -= lr buf,  or Nesterov's  p -= lr (g + momentum buf)
template <class V>
struct SgdMomentum {
  using Scalars = SgdMomentumScalars;
  static constexpr int kStates = 1;
  V lr, momentum, undamped;
  bool nesterov;
  explicit SgdMomentum(const Scalars& s)
      : lr(constant<V>(s.lr)),
        momentum(constant<V>(s.momentum)),
        undamped(constant<V>(1 - s.dampening)),
        nesterov(s.nesterov) {}
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = momentum * s[0] + undamped * g;
    p -= lr * (nesterov ? g + momentum * s[0] : s[0]);
  }
};

// The running means of g and g^2, which four rules keep:
//   m += (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g^2
template <class V>
struct Means {
  V rest1, beta2, rest2;
  Means(double b1, double b2)
      : rest1(constant<V>(1 - b1)), beta2(constant<V>(b2)), rest2(constant<V>(1 - b2)) {}
  PLAIT_INLINE void add(V& m, V& v, V g) const {
    m = lerp(m, g, rest1);
    v = beta2 * v + rest2 * (g * g);
  }
};

// p -= step_size m / (root_factor sqrt(v) + eps), with the largest v so far under amsgrad
template <class V, bool kAmsgrad>
struct Adam {
  using Scalars = AdamScalars;
  static constexpr int kStates = kAmsgrad ? 3 : 2;
  Means<V> means;
  V step_size, root_factor, eps;
  explicit Adam(const Scalars& s)
      : means(s.beta1, s.beta2),
        step_size(constant<V>(s.step_size)),
        root_factor(constant<V>(s.root_factor)),
        eps(constant<V>(s.eps)) {}
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    means.add(s[0], s[1], g);
    V v = s[1];
    if constexpr (kAmsgrad) v = s[2] = max_nan(s[2], v);
    p -= step_size * s[0] / (root_factor * root(v) + eps);
  }
};

// v = alpha v + (1 - alpha) g^2;  q = g / (sqrt(v) + eps), centered q = g / (sqrt(v - mean^2) + eps) with
// mean += (1 - alpha) (g - mean);  p -= lr q, or buf = momentum buf + q;  p -= lr buf
template <class V, bool kCentered, bool kMomentum>
struct Rmsprop {
  using Scalars = RmspropScalars;
  static constexpr int kStates = 1 + kCentered + kMomentum;
  V lr, alpha, rest, momentum, eps;
  explicit Rmsprop(const Scalars& s)
      : lr(constant<V>(s.lr)),
        alpha(constant<V>(s.alpha)),
        rest(constant<V>(1 - s.alpha)),
        momentum(constant<V>(s.momentum)),
        eps(constant<V>(s.eps)) {}
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = alpha * s[0] + rest * (g * g);
    V v = s[0];
    if constexpr (kCentered) {
      s[1] = lerp(s[1], g, rest);
      v = max(V{}, v - s[1] * s[1]);  // rounding may leave a variance of 0 below it; NaN passes
    }
    V q = g / (root(v) + eps);
    if constexpr (kMomentum) {
      V& buffer = s[1 + kCentered];
      q = buffer = momentum * buffer + q;
    }
    p -= lr * q;
  }
};

// sum += g^2;  p -= step_size g / (sqrt(sum) + eps)
template <class V>
struct Adagrad {
  using Scalars = AdagradScalars;
  static constexpr int kStates = 1;
  V step_size, eps;
  explicit Adagrad(const Scalars& s) : step_size(constant<V>(s.step_size)), eps(constant<V>(s.eps)) {}
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] += g * g;
    p -= step_size * g / (root(s[0]) + eps);
  }
};

// v = rho v + (1 - rho) g^2;  d = sqrt((u + eps) / (v + eps)) g;  u = rho u + (1 - rho) d^2;  p -= lr d
template <class V>
struct Adadelta {
  using Scalars = AdadeltaScalars;
  static constexpr int kStates = 2;
  V lr, rho, rest, eps;
  explicit Adadelta(const Scalars& s)
      : lr(constant<V>(s.lr)),
        rho(constant<V>(s.rho)),
        rest(constant<V>(1 - s.rho)),
        eps(constant<V>(s.eps)) {}
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = rho * s[0] + rest * (g * g);
    const V delta = root(s[1] + eps) / root(s[0] + eps) * g;
    s[1] = rho * s[1] + rest * (delta * delta);
    p -= lr * delta;
  }
};

// m += (1 - beta1) (g - m);  u = max(beta2 u, |g| + eps);  p -= step_size m / u
template <class V>
struct Adamax {
  using Scalars = AdamaxScalars;
  static constexpr int kStates = 2;
  V step_size, rest1, beta2, eps;
  explicit Adamax(const Scalars& s)
      : step_size(constant<V>(s.step_size)),
        rest1(constant<V>(1 - s.beta1)),
        beta2(constant<V>(s.beta2)),
        eps(constant<V>(s.eps)) {}
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = lerp(s[0], g, rest1);
    s[1] = max_nan(beta2 * s[1], abs(g) + eps);
    p -= step_size * s[0] / s[1];
  }
};

// p -= (grad_step g + mean_step m) / (root_factor sqrt(v) + eps)
template <class V>
struct Nadam {
  using Scalars = NadamScalars;
  static constexpr int kStates = 2;
  Means<V> means;
  V grad_step, mean_step, root_factor, eps;
  explicit Nadam(const Scalars& s)
      : means(s.beta1, s.beta2),
        grad_step(constant<V>(s.grad_step)),
        mean_step(constant<V>(s.mean_step)),
        root_factor(constant<V>(s.root_factor)),
        eps(constant<V>(s.eps)) {}
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    means.add(s[0], s[1], g);
    p -= (grad_step * g + mean_step * s[0]) / (root_factor * root(s[1]) + eps);
  }
};

// p -= step_size m,  or rectified  p -= step_size m / (sqrt(v) + eps)
template <class V>
struct Radam {
  using Scalars = RadamScalars;
  static constexpr int kStates = 2;
  Means<V> means;
  V step_size, eps;
  bool is_rectified;
  explicit Radam(const Scalars& s)
      : means(s.beta1, s.beta2),
        step_size(constant<V>(s.step_size)),
        eps(constant<V>(s.eps)),
        is_rectified(s.is_rectified) {}
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    means.add(s[0], s[1], g);
    const V step = step_size * s[0];
    p -= is_rectified ? step / (root(s[1]) + eps) : step;
  }
};

// The step size grows while the gradient keeps its sign; when the sign changes it shrinks and the gradient
// counts as 0, now and as `prev` in the next step.
template <class V>
struct Rprop {
  using Scalars = RpropScalars;
  static constexpr int kStates = 2;
  V eta_minus, eta_plus, step_min, step_max;
  explicit Rprop(const Scalars& s)
      : eta_minus(constant<V>(s.eta_minus)),
        eta_plus(constant<V>(s.eta_plus)),
        step_min(constant<V>(s.step_min)),
        step_max(constant<V>(s.step_max)) {}
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    const V one = splat<V>(1), agreement = g * s[0];
    const V factor = agreement > 0 ? eta_plus : (agreement < 0 ? eta_minus : one);
    s[1] = min(max(s[1] * factor, step_min), step_max);
    g = agreement < 0 ? V{} : g;
    p -= (g > 0 ? one : (g < 0 ? -one : g)) * s[1];
    s[0] = g;
  }
};

// p = keep p - eta g;  ax += mu (p - ax), which is p where mu is 1
template <class V>
struct Asgd {
  using Scalars = AsgdScalars;
  static constexpr int kStates = 1;
  V eta, keep, mu;
  bool copies;
  explicit Asgd(const Scalars& s)
      : eta(constant<V>(s.eta)), keep(constant<V>(s.keep)), mu(constant<V>(s.mu)), copies(s.mu == 1) {}
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    p = keep * p - eta * g;
    s[0] = copies ? p : lerp(s[0], p, mu);
  }
};

// One rule over n elements.
template <class T, class Rule>
void step(const OptimArgs& args) {
  using V = Vec<T>;
  const Rule rule(*static_cast<const typename Rule::Scalars*>(args.scalars));
  const OptimDecay& d = args.decay;
  const V sign = d.maximize ? splat<V>(-1) : splat<V>(1);
  const V decay = constant<V>(d.weight_decay), shrink = constant<V>(d.shrink);
  const bool decays = d.weight_decay != 0;  // without: 0 times an infinite parameter must not count
  T* param = static_cast<T*>(args.param);
  const T* grad = static_cast<const T*>(args.grad);
  T* state[3] = {static_cast<T*>(args.state[0]), static_cast<T*>(args.state[1]),
                 static_cast<T*>(args.state[2])};

  const auto at = [&](int64_t i, auto get, auto put) __attribute__((always_inline)) {
    V p = get(param + i), g = get(grad + i) * sign, states[3];
    for (int k = 0; k < Rule::kStates; ++k) states[k] = get(state[k] + i);
    if (decays) g += decay * p;
    p *= shrink;
    rule(p, g, states);
    put(param + i, p);
    for (int k = 0; k < Rule::kStates; ++k) put(state[k] + i, states[k]);
  };
  constexpr int kN = kLanes<T>;
  int64_t i = 0;
  for (; i + kN <= args.n; i += kN) {
    at(
        i, [](const T* q) __attribute__((always_inline)) { return load(q); },
        [](T* q, V v) __attribute__((always_inline)) { store(q, v); });
  }
  if (const int64_t rest = args.n - i) {
    at(
        i, [rest](const T* q) __attribute__((always_inline)) { return load_n(q, rest); },
        [rest](T* q, V v) __attribute__((always_inline)) { store_n(q, v, rest); });
  }
}

template <NormKind kKind, class V>
PLAIT_INLINE void accumulate(V& sum, V x) {
  if constexpr (kKind == NormKind::kSumAbs) {
    sum += abs(x);
  } else if constexpr (kKind == NormKind::kSumSquares) {
    sum += x * x;
  } else {
    sum = max_nan(sum, abs(x));
  }
}

template <class T, NormKind kKind>
double norm(const void* data, int64_t n) {
  const T* x = static_cast<const T*>(data);
  constexpr int kN = kLanes<T>;
  F64 sums[2] = {};
  const auto add = [&](Vec<T> v) __attribute__((always_inline)) {
    if constexpr (kSame<T, double>) {
      accumulate<kKind>(sums[0], v);
    } else {
      accumulate<kKind>(sums[0], low_f64(v));
      accumulate<kKind>(sums[1], high_f64(v));
    }
  };
  int64_t i = 0;
  for (; i + kN <= n; i += kN) add(load(x + i));
  if (i < n) add(load_n(x + i, n - i));
  if constexpr (kKind == NormKind::kMaxAbs) return reduce_max(max_nan(sums[0], sums[1]));
  return reduce_add(sums[0] + sums[1]);
}

template <class T>
void scale(void* data, int64_t n, double factor) {
  T* x = static_cast<T*>(data);
  constexpr int kN = kLanes<T>;
  const Vec<T> f = constant<Vec<T>>(factor);
  int64_t i = 0;
  for (; i + kN <= n; i += kN) store(x + i, load(x + i) * f);
  if (i < n) store_n(x + i, load_n(x + i, n - i) * f, n - i);
}

template <class T>
void set_optim(OptimTable& t) {
  using V = Vec<T>;
  const auto rule = [&](OptimRule r, auto f) { t.step[r].of<T>() = f; };
  rule(OptimRule::kSgd, step<T, Sgd<V>>);
  rule(OptimRule::kSgdMomentum, step<T, SgdMomentum<V>>);
  rule(OptimRule::kAdam, step<T, Adam<V, false>>);
  rule(OptimRule::kAdamAmsgrad, step<T, Adam<V, true>>);
  rule(OptimRule::kRmsprop, step<T, Rmsprop<V, false, false>>);
  rule(OptimRule::kRmspropMomentum, step<T, Rmsprop<V, false, true>>);
  rule(OptimRule::kRmspropCentered, step<T, Rmsprop<V, true, false>>);
  rule(OptimRule::kRmspropCenteredMomentum, step<T, Rmsprop<V, true, true>>);
  rule(OptimRule::kAdagrad, step<T, Adagrad<V>>);
  rule(OptimRule::kAdadelta, step<T, Adadelta<V>>);
  rule(OptimRule::kAdamax, step<T, Adamax<V>>);
  rule(OptimRule::kNadam, step<T, Nadam<V>>);
  rule(OptimRule::kRadam, step<T, Radam<V>>);
  rule(OptimRule::kRprop, step<T, Rprop<V>>);
  rule(OptimRule::kAsgd, step<T, Asgd<V>>);
  t.norm[NormKind::kSumAbs].of<T>() = norm<T, NormKind::kSumAbs>;
  t.norm[NormKind::kSumSquares].of<T>() = norm<T, NormKind::kSumSquares>;
  t.norm[NormKind::kMaxAbs].of<T>() = norm<T, NormKind::kMaxAbs>;
  t.scale.of<T>() = scale<T>;
}

}  // namespace

void fill_optim(KernelTable& table) {
  set_optim<f16>(table.optim);
  set_optim<bf16>(table.optim);
  set_optim<float>(table.optim);
  set_optim<double>(table.optim);
}

}  // namespace plait::PLAIT_ISA_NS
