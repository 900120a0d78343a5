// SPDX-License-Identifier: MIT
// The pointwise operators as C++ functions, recorded for backward. A number converts to a wrapped 0-d tensor
// where a Scalar is taken; everything broadcasts and promotes as described in pointwise_run.h.
#pragma once

#include <optional>
#include <string_view>

#include "core/scalar.h"
#include "core/tensor.h"

namespace plait {

#define PLAIT_UNARY(Name, name, ...) Tensor name(const Tensor& x);
#define PLAIT_BINARY(Name, name, ...)            \
  Tensor name(const Tensor& a, const Tensor& b); \
  inline Tensor name(const Tensor& a, Scalar b) { return name(a, b.to_tensor()); }
#include "kernels/pointwise/pointwise.def"

Tensor add(const Tensor& a, const Tensor& b, Scalar alpha = 1);  // a + alpha b
Tensor sub(const Tensor& a, const Tensor& b, Scalar alpha = 1);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b, std::string_view rounding_mode);  // "floor", "trunc"
Tensor pow(const Tensor& a, const Tensor& b);
inline Tensor add(const Tensor& a, Scalar b) { return add(a, b.to_tensor()); }
inline Tensor sub(const Tensor& a, Scalar b) { return sub(a, b.to_tensor()); }
inline Tensor mul(const Tensor& a, Scalar b) { return mul(a, b.to_tensor()); }
inline Tensor div(const Tensor& a, Scalar b) { return div(a, b.to_tensor()); }
inline Tensor pow(const Tensor& a, Scalar b) { return pow(a, b.to_tensor()); }
inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& a) { return neg(a); }

// In place, recorded; return a.
Tensor add_(const Tensor& a, const Tensor& b, Scalar alpha = 1);
Tensor sub_(const Tensor& a, const Tensor& b, Scalar alpha = 1);
Tensor mul_(const Tensor& a, const Tensor& b);
Tensor div_(const Tensor& a, const Tensor& b);

Tensor polygamma(int64_t n, const Tensor& x);
Tensor square(const Tensor& x);
Tensor round(const Tensor& x, int64_t decimals = 0);
Tensor frac(const Tensor& x);
Tensor bitwise_not(const Tensor& x);
Tensor gelu(const Tensor& x, std::string_view approximate = "none");
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
Tensor elu(const Tensor& x, double alpha = 1.0);
Tensor softplus(const Tensor& x, double beta = 1.0, double threshold = 20.0);
Tensor hardtanh(const Tensor& x, double min = -1.0, double max = 1.0);
// What losses are made of.
Tensor huber(const Tensor& a, const Tensor& b, double beta, double curvature, double slope);
Tensor squared_difference(const Tensor& a, const Tensor& b);
Tensor logistic_loss(const Tensor& x, const Tensor& t);
Tensor probability_loss(const Tensor& x, const Tensor& t);
// x where above 0, else weight * x.
Tensor prelu_of(const Tensor& x, const Tensor& weight);

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor clamp(const Tensor& x, std::optional<Scalar> min, std::optional<Scalar> max);
Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight);
Tensor addcmul(const Tensor& a, const Tensor& b, const Tensor& c, Scalar value = 1);
Tensor addcdiv(const Tensor& a, const Tensor& b, const Tensor& c, Scalar value = 1);
bool equal(const Tensor& a, const Tensor& b);

}  // namespace plait
