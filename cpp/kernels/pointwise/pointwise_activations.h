// SPDX-License-Identifier: MIT
// The activation functions among the pointwise functors; see pointwise_functors.h, which includes this.
#pragma once

namespace plait::PLAIT_ISA_NS {
namespace {

// Derivatives ask for what has none, so that the gradient passes where x is NaN.
struct Relu {  // df from y
  template <class V>
  static V f(V x) {
    return relu(x);
  }
  template <class V>
  static V df(V y) {
    return select(y <= k<V>(0), k<V>(0), k<V>(1));
  }
};
struct Gelu {
  template <class V>
  static V f(V x) {
    return gelu(x);
  }
  template <class V>
  static V df(V x) {
    return gelu_grad(x);
  }
};
struct GeluTanh {
  template <class V>
  static V f(V x) {
    return gelu_tanh(x);
  }
  template <class V>
  static V df(V x) {
    return gelu_tanh_grad(x);
  }
};
struct Silu {  // s + x s (1 - s)
  template <class V>
  static V f(V x) {
    return silu(x);
  }
  template <class V>
  static V df(V x) {
    const V s = sigmoid(x);
    return s + x * s * (k<V>(1) - s);
  }
};
struct Mish {  // x tanh(log(1 + e^x)) = x n / (n + 2) with n = e^x (e^x + 2)
  template <class V>
  static V f(V x) {
    const V e = exp(min(k<V>(20), x)), n = e * (e + 2);
    return max(k<V>(-1000), x) * (n / (n + 2));
  }
  template <class V>
  static V df(V x) {
    const V t = tanh(softplus(x));
    return t + x * sigmoid(x) * (k<V>(1) - t * t);
  }
};
struct Softsign {
  template <class V>
  static V f(V x) {
    return x / (1 + abs(x));
  }
  template <class V>
  static V df(V x) {
    const V d = abs(x) + k<V>(1);
    return k<V>(1) / (d * d);
  }
};
struct Tanhshrink {
  template <class V>
  static V f(V x) {
    return x - tanh(x);
  }
  template <class V>
  static V df(V x) {
    const V t = tanh(x);
    return t * t;
  }
};
struct LogSigmoid {  // min(x, 0) - log(1 + e^-|x|)
  template <class V>
  static V f(V x) {
    return -softplus(-x);
  }
  template <class V>
  static V df(V x) {
    return sigmoid(-x);
  }
};
struct Hardsigmoid {  // df from y
  template <class V>
  static V f(V x) {
    const V y = (x + 3) * k<V>(0.16666666666666667);
    return max_nan(min_nan(y, k<V>(1)), k<V>(0));
  }
  template <class V>
  static V df(V y) {
    return select(y > k<V>(0), select(y < k<V>(1), k<V>(0.16666666666666667), k<V>(0)), k<V>(0));
  }
};
struct Hardswish {  // x clamp(x + 3, 0, 6) / 6
  template <class V>
  static V f(V x) {
    return x <= -3 ? k<V>(0) : x * (min_nan(x + 3, k<V>(6)) * k<V>(0.16666666666666667));
  }
  template <class V>
  static V df(V x) {
    return select(x <= k<V>(-3), k<V>(0),
                  select(x < k<V>(3), x * k<V>(0.33333333333333333) + k<V>(0.5), k<V>(1)));
  }
};
struct LeakyRelu {  // parameter: the slope below 0. df from x, or from y when the slope is not negative
  template <class V>
  static V f(V x, V slope) {
    return x > 0 ? x : x * slope;
  }
  template <class V>
  static V df(V x, V slope) {
    return select(x > k<V>(0), k<V>(1), slope);
  }
};
struct Elu {  // parameters: alpha, the scale of everything, the scale of x below 0. df from y, right for
              // alpha >= 0
  template <class V>
  static V f(V x, V alpha, V scale, V x_scale) {
    return x > 0 ? x * scale : scale * alpha * expm1(x * x_scale);
  }
  template <class V>
  static V df(V y, V alpha, V scale, V x_scale) {
    return select(y <= k<V>(0), x_scale * (y + alpha * scale), scale);
  }
};
struct Softplus {  // parameters: beta, threshold. log(1 + e^(beta x)) / beta, x itself where beta x >
                   // threshold
  template <class V>
  static V f(V x, V beta, V threshold) {
    const V bx = x * beta;
    return bx > threshold ? x : softplus(bx) / beta;
  }
  template <class V>
  static V df(V x, V beta, V threshold) {
    const V bx = x * beta;
    return select(bx > threshold, k<V>(1), sigmoid(bx));
  }
};
struct Hardtanh {  // parameters: min, max. df from y
  template <class V>
  static V f(V x, V lo, V hi) {
    return min_nan(max_nan(x, lo), hi);
  }
  template <class V>
  static V df(V y, V lo, V hi) {
    return select(y <= lo, k<V>(0), select(y >= hi, k<V>(0), k<V>(1)));
  }
};
struct Softshrink {  // parameter: lambda
  template <class V>
  static V f(V x, V lambda) {
    return x > lambda ? x - lambda : x < -lambda ? x + lambda : x != x ? x : k<V>(0);
  }
  template <class V>
  static V df(V x, V lambda) {
    return select(abs(x) <= lambda, k<V>(0), k<V>(1));
  }
};
struct Hardshrink {  // parameter: lambda
  template <class V>
  static V f(V x, V lambda) {
    return (x >= -lambda) & (x <= lambda) ? k<V>(0) : x;
  }
  template <class V>
  static V df(V x, V lambda) {
    return select(abs(x) <= lambda, k<V>(0), k<V>(1));
  }
};
struct Threshold {  // parameters: threshold, value
  template <class V>
  static V f(V x, V threshold, V value) {
    return x <= threshold ? value : x;
  }
  template <class V>
  static V df(V x, V threshold, V) {
    return select(x <= threshold, k<V>(0), k<V>(1));
  }
};

}  // namespace
}  // namespace plait::PLAIT_ISA_NS
