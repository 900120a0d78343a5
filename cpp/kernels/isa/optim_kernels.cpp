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

// What the rules share: constants as vectors.
template <class V>
struct Constants {
  explicit Constants(const OptimScalars& s)
      : lr(constant<V>(s.lr)),
        a(constant<V>(s.a)),
        b(constant<V>(s.b)),
        c(constant<V>(s.c)),
        d(constant<V>(s.d)),
        e(constant<V>(s.e)),
        f(constant<V>(s.f)),
        flag(s.flag) {}
  V lr, a, b, c, d, e, f;
  bool flag;
};

// s += weight * (x - s)
template <class V>
PLAIT_INLINE V lerp(V s, V x, V weight) {
  return s + weight * (x - s);
}

// p -= lr * g
template <class V>
struct Sgd : Constants<V> {
  static constexpr int kStates = 0;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V*) const { p -= this->lr * g; }
};

// a momentum, b 1 - dampening, flag Nesterov: buf = a buf + b g;  p -= lr buf  or  p -= lr (g + a buf)
template <class V>
struct SgdMomentum : Constants<V> {
  static constexpr int kStates = 1;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = this->a * s[0] + this->b * g;
    p -= this->lr * (this->flag ? g + this->a * s[0] : s[0]);
  }
};

// a 1 - beta1, b beta2, c 1 - beta2, d 1 / sqrt(1 - beta2^t), e eps; lr over 1 - beta1^t:
// m += a (g - m);  v = b v + c g^2;  p -= lr m / (d sqrt(v) + e), with the largest v so far under amsgrad
template <class V, bool kAmsgrad>
struct Adam : Constants<V> {
  static constexpr int kStates = kAmsgrad ? 3 : 2;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = lerp(s[0], g, this->a);
    s[1] = this->b * s[1] + this->c * (g * g);
    V v = s[1];
    if constexpr (kAmsgrad) v = s[2] = max_nan(s[2], v);
    p -= this->lr * s[0] / (this->d * root(v) + this->e);
  }
};

// a alpha, b 1 - alpha, c momentum, e eps:  v = a v + b g^2;  q = g / (sqrt(v) + e), centered
// q = g / (sqrt(v - mean^2) + e) with mean += b (g - mean);  p -= lr q, or buf = c buf + q;  p -= lr buf
template <class V, bool kCentered, bool kMomentum>
struct Rmsprop : Constants<V> {
  static constexpr int kStates = 1 + kCentered + kMomentum;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = this->a * s[0] + this->b * (g * g);
    V v = s[0];
    if constexpr (kCentered) {
      s[1] = lerp(s[1], g, this->b);
      v = max(V{}, v - s[1] * s[1]);  // rounding may leave a variance of 0 below it; NaN passes
    }
    V q = g / (root(v) + this->e);
    if constexpr (kMomentum) {
      V& buffer = s[1 + kCentered];
      q = buffer = this->c * buffer + q;
    }
    p -= this->lr * q;
  }
};

// e eps:  sum += g^2;  p -= lr g / (sqrt(sum) + e)
template <class V>
struct Adagrad : Constants<V> {
  static constexpr int kStates = 1;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] += g * g;
    p -= this->lr * g / (root(s[0]) + this->e);
  }
};

// a rho, b 1 - rho, e eps:
// v = a v + b g^2;  delta = sqrt((u + e) / (v + e)) g;  u = a u + b delta^2;  p -= lr delta
template <class V>
struct Adadelta : Constants<V> {
  static constexpr int kStates = 2;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = this->a * s[0] + this->b * (g * g);
    const V delta = root(s[1] + this->e) / root(s[0] + this->e) * g;
    s[1] = this->a * s[1] + this->b * (delta * delta);
    p -= this->lr * delta;
  }
};

// a 1 - beta1, b beta2, e eps; lr over 1 - beta1^t:  m += a (g - m);  u = max(b u, |g| + e);  p -= lr m / u
template <class V>
struct Adamax : Constants<V> {
  static constexpr int kStates = 2;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = lerp(s[0], g, this->a);
    s[1] = max_nan(this->b * s[1], abs(g) + this->e);
    p -= this->lr * s[0] / s[1];
  }
};

// a 1 - beta1, b beta2, c 1 - beta2, d 1 / sqrt(1 - beta2^t), e eps; lr and f the weights of g and m:
// m += a (g - m);  v = b v + c g^2;  p -= (lr g + f m) / (d sqrt(v) + e)
template <class V>
struct Nadam : Constants<V> {
  static constexpr int kStates = 2;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = lerp(s[0], g, this->a);
    s[1] = this->b * s[1] + this->c * (g * g);
    p -= (this->lr * g + this->f * s[0]) / (this->d * root(s[1]) + this->e);
  }
};

// a 1 - beta1, b beta2, c 1 - beta2, e eps, flag: the variance counts; lr with all corrections:
// m += a (g - m);  v = b v + c g^2;  p -= lr m  or  p -= lr m / (sqrt(v) + e)
template <class V>
struct Radam : Constants<V> {
  static constexpr int kStates = 2;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    s[0] = lerp(s[0], g, this->a);
    s[1] = this->b * s[1] + this->c * (g * g);
    const V step = this->lr * s[0];
    p -= this->flag ? step / (root(s[1]) + this->e) : step;
  }
};

// a eta-, b eta+, c least and d largest step size: the step size grows while the gradient keeps its sign;
// when the sign changes it shrinks and the gradient counts as 0, now and as `prev` in the next step
template <class V>
struct Rprop : Constants<V> {
  static constexpr int kStates = 2;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    const V one = splat<V>(1), agreement = g * s[0];
    const V factor = agreement > 0 ? this->b : (agreement < 0 ? this->a : one);
    s[1] = min(max(s[1] * factor, this->c), this->d);
    g = agreement < 0 ? V{} : g;
    p -= (g > 0 ? one : (g < 0 ? -one : g)) * s[1];
    s[0] = g;
  }
};

// a 1 - lambd eta, b mu, lr eta:  p = a p - lr g;  ax += b (p - ax)
template <class V>
struct Asgd : Constants<V> {
  static constexpr int kStates = 1;
  using Constants<V>::Constants;
  PLAIT_INLINE void operator()(V& p, V g, V* s) const {
    p = this->a * p - this->lr * g;
    s[0] = this->flag ? p : lerp(s[0], p, this->b);
  }
};

// One rule over n elements.
template <class T, class Rule>
void step(const OptimArgs& args) {
  using V = Vec<T>;
  const OptimScalars& s = *args.scalars;
  const Rule rule(s);
  const V sign = s.maximize ? splat<V>(-1) : splat<V>(1);
  const V decay = constant<V>(s.weight_decay), shrink = constant<V>(s.shrink);
  const bool decays = s.weight_decay != 0;  // without: 0 times an infinite parameter must not count
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
