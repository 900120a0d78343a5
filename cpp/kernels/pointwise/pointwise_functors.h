// SPDX-License-Identifier: MIT
// The pointwise functions and their derivatives as neighbours, one struct each.
//   f      the value. Compiled per instruction set for vectors.
//   kIgnoresSign   of integers it does the same to the bits of signed and unsigned ones
//   df     dy/dx of a function of one operand, from what pointwise.def says is kept: the operand or the
//   result. da, db dy/da and dy/db of a function of two operands.
// Further operands are parameters. A derivative is written with select(), k<V>() and functions of
// isa/math.h's names only: the same text is instantiated for vectors (the fused backward kernel) and for
// Tensors (the composite form that can be differentiated again; ops/pointwise/pointwise_composite.h).
#pragma once

namespace plait::PLAIT_ISA_NS {
namespace {

// ---- Of one operand, on floats ----

struct Reciprocal {  // df from y
  template <class V>
  static V f(V x) {
    return 1 / x;
  }
  template <class V>
  static V df(V y) {
    return -(y * y);
  }
};
struct Sqrt {  // df from y
  template <class V>
  static V f(V x) {
    return sqrt(x);
  }
  template <class V>
  static V df(V y) {
    return k<V>(0.5) / y;
  }
};
struct Rsqrt {  // df from y
  template <class V>
  static V f(V x) {
    return rsqrt(x);
  }
  template <class V>
  static V df(V y) {
    return k<V>(-0.5) * (y * y * y);
  }
};
struct Exp {  // df from y
  template <class V>
  static V f(V x) {
    return exp(x);
  }
  template <class V>
  static V df(V y) {
    return y;
  }
};
struct Exp2 {  // df from y
  template <class V>
  static V f(V x) {
    return exp2(x);
  }
  template <class V>
  static V df(V y) {
    return y * k<V>(0.6931471805599453);
  }
};
struct Expm1 {  // df from y
  template <class V>
  static V f(V x) {
    return expm1(x);
  }
  template <class V>
  static V df(V y) {
    return y + k<V>(1);
  }
};
struct Log {
  template <class V>
  static V f(V x) {
    return log(x);
  }
  template <class V>
  static V df(V x) {
    return k<V>(1) / x;
  }
};
struct Log2 {
  template <class V>
  static V f(V x) {
    return log2(x);
  }
  template <class V>
  static V df(V x) {
    return k<V>(1.4426950408889634) / x;
  }
};
struct Log10 {
  template <class V>
  static V f(V x) {
    return log10(x);
  }
  template <class V>
  static V df(V x) {
    return k<V>(0.4342944819032518) / x;
  }
};
struct Log1p {
  template <class V>
  static V f(V x) {
    return log1p(x);
  }
  template <class V>
  static V df(V x) {
    return k<V>(1) / (x + k<V>(1));
  }
};
struct Sin {
  template <class V>
  static V f(V x) {
    return sin(x);
  }
  template <class V>
  static V df(V x) {
    return cos(x);
  }
};
struct Cos {
  template <class V>
  static V f(V x) {
    return cos(x);
  }
  template <class V>
  static V df(V x) {
    return -sin(x);
  }
};
struct Tan {  // df from y
  template <class V>
  static V f(V x) {
    return tan(x);
  }
  template <class V>
  static V df(V y) {
    return y * y + k<V>(1);
  }
};
struct Asin {
  template <class V>
  static V f(V x) {
    return asin(x);
  }
  template <class V>
  static V df(V x) {
    return rsqrt(k<V>(1) - x * x);
  }
};
struct Acos {
  template <class V>
  static V f(V x) {
    return acos(x);
  }
  template <class V>
  static V df(V x) {
    return -rsqrt(k<V>(1) - x * x);
  }
};
struct Atan {
  template <class V>
  static V f(V x) {
    return atan(x);
  }
  template <class V>
  static V df(V x) {
    return k<V>(1) / (x * x + k<V>(1));
  }
};
struct Sinh {
  template <class V>
  static V f(V x) {
    return sinh(x);
  }
  template <class V>
  static V df(V x) {
    return cosh(x);
  }
};
struct Cosh {
  template <class V>
  static V f(V x) {
    return cosh(x);
  }
  template <class V>
  static V df(V x) {
    return sinh(x);
  }
};
struct Tanh {  // df from y
  template <class V>
  static V f(V x) {
    return tanh(x);
  }
  template <class V>
  static V df(V y) {
    return k<V>(1) - y * y;
  }
};
struct Asinh {
  template <class V>
  static V f(V x) {
    return asinh(x);
  }
  template <class V>
  static V df(V x) {
    return rsqrt(x * x + k<V>(1));
  }
};
struct Acosh {
  template <class V>
  static V f(V x) {
    return acosh(x);
  }
  template <class V>
  static V df(V x) {
    return rsqrt(x * x - k<V>(1));
  }
};
struct Atanh {
  template <class V>
  static V f(V x) {
    return atanh(x);
  }
  template <class V>
  static V df(V x) {
    return k<V>(1) / (k<V>(1) - x * x);
  }
};
struct Erf {
  template <class V>
  static V f(V x) {
    return erf(x);
  }
  template <class V>
  static V df(V x) {
    return k<V>(1.1283791670955126) * exp(-(x * x));
  }
};
struct Erfc {
  template <class V>
  static V f(V x) {
    return erfc(x);
  }
  template <class V>
  static V df(V x) {
    return k<V>(-1.1283791670955126) * exp(-(x * x));
  }
};
struct Erfinv {  // df from y
  template <class V>
  static V f(V x) {
    return erfinv(x);
  }
  template <class V>
  static V df(V y) {
    return k<V>(0.8862269254527580) * exp(y * y);
  }
};
struct Lgamma {
  template <class V>
  static V f(V x) {
    return lgamma(x);
  }
  template <class V>
  static V df(V x) {
    return digamma(x);
  }
};
struct Digamma {
  template <class V>
  static V f(V x) {
    return digamma(x);
  }
  template <class V>
  static V df(V x) {
    return polygamma(x, k<V>(1));
  }
};
struct Polygamma {  // parameter: order
  template <class V>
  static V f(V x, V order) {
    return polygamma(x, order);
  }
  template <class V>
  static V df(V x, V order) {
    return polygamma(x, order + k<V>(1));
  }
};
struct Sinc {
  template <class V>
  static V f(V x) {
    const V z = x * k<V>(3.14159265358979323846);
    return x == 0 ? k<V>(1) : sin(z) / z;
  }
  // (cos z - sin z / z) / x with z = pi x; where that cancels, its series in z.
  template <class V>
  static V df(V x) {
    const V z = x * k<V>(3.14159265358979323846), z2 = z * z;
    const auto small = z2 < k<V>(1);
    V series = z2 * k<V>(18. / 121645100408832000);  // 2n / (2n + 1)! from n = 9 on
    series = (series - k<V>(16. / 355687428096000)) * z2;
    series = (series + k<V>(14. / 1307674368000)) * z2;
    series = (series - k<V>(12. / 6227020800)) * z2;
    series = (series + k<V>(10. / 39916800)) * z2;
    series = (series - k<V>(8. / 362880)) * z2;
    series = (series + k<V>(6. / 5040)) * z2;
    series = (series - k<V>(4. / 120)) * z2;
    series = (series + k<V>(2. / 6)) * z * k<V>(-3.14159265358979323846);
    const V safe = select(small, k<V>(1), z);
    const V far = (cos(safe) - sin(safe) / safe) / safe * k<V>(3.14159265358979323846);
    return select(small, series, far);
  }
};
struct Sigmoid {  // df from y
  template <class V>
  static V f(V x) {
    return sigmoid(x);
  }
  template <class V>
  static V df(V y) {
    return y * (k<V>(1) - y);
  }
};
struct Logit {
  template <class V>
  static V f(V x) {
    return log(x / (1 - x));
  }
  template <class V>
  static V df(V x) {
    return k<V>(1) / (x * (k<V>(1) - x));
  }
};

// ---- Of one operand, on any number ----

struct Neg {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V x) {
    return -x;
  }
};
struct Abs {
  template <class V>
  static V f(V x) {
    return abs(x);
  }
  template <class V>
  static V df(V x) {
    return sign(x);
  }
};
struct Sign {
  template <class V>
  static V f(V x) {
    return sign(x);
  }
};
struct Square {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V x) {
    return x * x;
  }
  template <class V>
  static V df(V x) {
    return x + x;
  }
};
struct Cube {
  template <class V>
  static V f(V x) {
    return x * x * x;
  }
  template <class V>
  static V df(V x) {
    return k<V>(3) * (x * x);
  }
};
struct Floor {
  template <class V>
  static V f(V x) {
    return floor(x);
  }
};
struct Ceil {
  template <class V>
  static V f(V x) {
    return ceil(x);
  }
};
struct Round {  // half to even
  template <class V>
  static V f(V x) {
    return round(x);
  }
};
struct Trunc {
  template <class V>
  static V f(V x) {
    return trunc(x);
  }
};
struct Frac {
  template <class V>
  static V f(V x) {
    return x - trunc(x);
  }
};
struct BitwiseNot {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V x) {
    return ~x;
  }
};
struct BoolNot {
  template <class V>
  static V f(V x) {
    return x ^ 1;
  }
};
struct NanToNum {  // parameters: what NaN, +infinity and -infinity become
  template <class V>
  static V f(V x, V nan, V posinf, V neginf) {
    using T = ElemT<V>;
    return x != x ? nan : x == kInf<T> ? posinf : x == -kInf<T> ? neginf : x;
  }
};

struct IsNan {
  template <class V>
  static MaskOf<V> f(V x) {
    return x != x;
  }
};
struct IsInf {
  template <class V>
  static MaskOf<V> f(V x) {
    return abs(x) == kInf<ElemT<V>>;
  }
};
struct IsPosInf {
  template <class V>
  static MaskOf<V> f(V x) {
    return x == kInf<ElemT<V>>;
  }
};
struct IsNegInf {
  template <class V>
  static MaskOf<V> f(V x) {
    return x == -kInf<ElemT<V>>;
  }
};
struct IsFinite {
  template <class V>
  static MaskOf<V> f(V x) {
    return abs(x) < kInf<ElemT<V>>;
  }
};
struct Signbit {
  template <class V>
  static MaskOf<V> f(V x) {
    return (MaskOf<V>)x < 0;
  }
};
struct LogicalNot {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static MaskOf<V> f(V x) {
    return x == 0;
  }
};

// ---- Of two operands ----

struct Add {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V a, V b) {
    return a + b;
  }
};
struct AddScaled {  // a + alpha b
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V a, V b, V alpha) {
    return fma(b, alpha, a);
  }
};
struct Sub {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V a, V b) {
    return a - b;
  }
};
struct Mul {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V a, V b) {
    return a * b;
  }
};
struct SquaredDifference {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V a, V b) {
    const V d = a - b;
    return d * d;
  }
  template <class V>
  static V da(V a, V b) {
    return k<V>(2) * (a - b);
  }
  template <class V>
  static V db(V a, V b) {
    return k<V>(2) * (b - a);
  }
};
struct Attains {  // whether a is the extreme b, for which NaN counts; its share of the gradient
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static MaskOf<V> f(V a, V b) {
    return (a == b) | ((a != a) & (b != b));
  }
  template <class V>
  static V da(V a, V b) {
    return select(f(a, b), k<V>(1), k<V>(0));
  }
};
// Of the difference d, parameters: beta, curvature, slope. curvature d^2 / 2 where |d| < beta, a line of the
// slope beyond; with beta = 0 slope |d|.
struct Huber {
  template <class V>
  static V f(V a, V b, V beta, V curvature, V slope) {
    const V d = abs(a - b);
    return d < beta ? curvature * k<V>(0.5) * (d * d) : slope * (d - beta * k<V>(0.5));
  }
  template <class V>
  static V da(V a, V b, V beta, V curvature, V slope) {
    const V d = a - b;
    return select(abs(d) >= beta, sign(d) * slope, d * curvature);
  }
  template <class V>
  static V db(V a, V b, V beta, V curvature, V slope) {
    return da(b, a, beta, curvature, slope);
  }
};
struct LogisticLoss {  // log(1 + e^x) - t x: the cross-entropy of sigmoid(x) against t
  template <class V>
  static V f(V x, V t) {
    return softplus(x) - t * x;
  }
  template <class V>
  static V da(V x, V t) {
    return sigmoid(x) - t;
  }
  template <class V>
  static V db(V x, V) {
    return -x;
  }
};
// -(t log(x) + (1 - t) log(1 - x)), logarithms not below -100
struct BinaryCrossEntropy {
  template <class V>
  static V f(V x, V t) {
    return -(t * clipped(log(x)) + (k<V>(1) - t) * clipped(log1p(-x)));
  }
  template <class V>
  static V da(V x, V t) {
    const V spread = x * (k<V>(1) - x);
    return (x - t) / select(spread < k<V>(1e-12), k<V>(1e-12), spread);
  }
  template <class V>
  static V db(V x, V) {
    return clipped(log1p(-x)) - clipped(log(x));
  }

 private:
  template <class V>
  static V clipped(V v) {
    return select(v < k<V>(-100), k<V>(-100), v);
  }
};
struct Prelu {
  template <class V>
  static V f(V x, V w) {
    return select(x > k<V>(0), x, w * x);
  }
  template <class V>
  static V da(V x, V w) {
    return select(x > k<V>(0), k<V>(1), w);
  }
  template <class V>
  static V db(V x, V) {
    return select(x > k<V>(0), k<V>(0), x);
  }
};
struct Div {
  template <class V>
  static V f(V a, V b) {
    return a / b;
  }
  template <class V>
  static V da(V, V b) {
    return k<V>(1) / b;
  }
  template <class V>
  static V db(V a, V b) {
    return -a / (b * b);
  }
};
struct FloorDivide {
  template <class V>
  static V f(V a, V b) {
    return floor_divide(a, b);
  }
};
struct TruncDivide {
  template <class V>
  static V f(V a, V b) {
    return trunc_divide(a, b);
  }
};
struct Remainder {  // a - b floor(a / b): the sign of b
  template <class V>
  static V f(V a, V b) {
    return remainder(a, b);
  }
  template <class V>
  static V da(V, V b) {
    return k<V>(1) + k<V>(0) * b;
  }
  template <class V>
  static V db(V a, V b) {
    return -floor_divide(a, b);
  }
};
struct Fmod {  // a - b trunc(a / b): the sign of a
  template <class V>
  static V f(V a, V b) {
    return fmod(a, b);
  }
  template <class V>
  static V da(V, V b) {
    return k<V>(1) + k<V>(0) * b;
  }
  template <class V>
  static V db(V a, V b) {
    return -trunc(a / b);
  }
};
struct Pow {
  template <class V>
  static V f(V a, V b) {
    return pow(a, b);
  }
  template <class V>
  static V da(V a, V b) {
    return select(b == k<V>(0), k<V>(0), b * pow(a, b - k<V>(1)));
  }
  template <class V>
  static V db(V a, V b) {  // y log(a); 0 where a is 0 and b is not negative
    return select(a == k<V>(0), select(b >= k<V>(0), k<V>(0), pow(a, b) * log(a)), pow(a, b) * log(a));
  }
};
struct Atan2 {
  template <class V>
  static V f(V a, V b) {
    return atan2(a, b);
  }
  template <class V>
  static V da(V a, V b) {
    return b / (a * a + b * b);
  }
  template <class V>
  static V db(V a, V b) {
    return -a / (a * a + b * b);
  }
};
struct Hypot {
  template <class V>
  static V f(V a, V b) {
    return hypot(a, b);
  }
  template <class V>
  static V da(V a, V b) {
    return a / hypot(a, b);
  }
  template <class V>
  static V db(V a, V b) {
    return b / hypot(a, b);
  }
};
// Ties give each side one half, a NaN on one side all of it to both.
struct Maximum {
  template <class V>
  static V f(V a, V b) {
    return max_nan(a, b);
  }
  template <class V>
  static V da(V a, V b) {
    return select(a < b, k<V>(0), select(a == b, k<V>(0.5), k<V>(1)));
  }
  template <class V>
  static V db(V a, V b) {
    return da(b, a);
  }
};
struct Minimum {
  template <class V>
  static V f(V a, V b) {
    return min_nan(a, b);
  }
  template <class V>
  static V da(V a, V b) {
    return select(a > b, k<V>(0), select(a == b, k<V>(0.5), k<V>(1)));
  }
  template <class V>
  static V db(V a, V b) {
    return da(b, a);
  }
};
// NaN loses. Ties belong to a.
struct Fmax {
  template <class V>
  static V f(V a, V b) {
    return (a >= b) | (b != b) ? a : b;
  }
  template <class V>
  static V da(V a, V b) {
    return select(a >= b, k<V>(1), select(b != b, k<V>(1), k<V>(0)));
  }
  template <class V>
  static V db(V a, V b) {
    return k<V>(1) - da(a, b);
  }
};
struct Fmin {
  template <class V>
  static V f(V a, V b) {
    return (a <= b) | (b != b) ? a : b;
  }
  template <class V>
  static V da(V a, V b) {
    return select(a <= b, k<V>(1), select(b != b, k<V>(1), k<V>(0)));
  }
  template <class V>
  static V db(V a, V b) {
    return k<V>(1) - da(a, b);
  }
};
struct Copysign {
  template <class V>
  static V f(V a, V b) {
    return copysign(a, b);
  }
  template <class V>
  static V da(V a, V b) {
    return select(a == k<V>(0), k<V>(0), sign(a) * copysign(k<V>(1), b));
  }
};
struct Logaddexp {  // log(e^a + e^b) = max + log(1 + e^-|a - b|)
  template <class V>
  static V f(V a, V b) {
    const V m = max_nan(a, b), d = abs(a - b);
    return d == d ? m + log1p(exp(-d)) : m + (b != b ? b : k<V>(0));  // equal infinities, NaN
  }
  template <class V>
  static V da(V a, V b) {
    return sigmoid(a - b);
  }
  template <class V>
  static V db(V a, V b) {
    return sigmoid(b - a);
  }
};
struct Logaddexp2 {  // log2(2^a + 2^b)
  template <class V>
  static V f(V a, V b) {
    const V m = max_nan(a, b), d = abs(a - b);
    return d == d ? m + log1p(exp2(-d)) * k<V>(1.4426950408889634) : m + (b != b ? b : k<V>(0));
  }
  template <class V>
  static V da(V a, V b) {
    return sigmoid((a - b) * k<V>(0.6931471805599453));
  }
  template <class V>
  static V db(V a, V b) {
    return sigmoid((b - a) * k<V>(0.6931471805599453));
  }
};
struct Xlogy {  // a log(b), 0 where a is 0
  template <class V>
  static V f(V a, V b) {
    return (a == 0) & (b == b) ? k<V>(0) : a * log(b);
  }
  template <class V>
  static V da(V a, V b) {
    return select(a == k<V>(0), select(b <= k<V>(0), k<V>(0), log(b)), log(b));
  }
  template <class V>
  static V db(V a, V b) {
    return a / b;
  }
};
struct Heaviside {
  template <class V>
  static V f(V x, V at_zero) {
    return x == 0 ? at_zero : x > 0 ? k<V>(1) : k<V>(0);
  }
};

struct Eq {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static MaskOf<V> f(V a, V b) {
    return a == b;
  }
};
struct Ne {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static MaskOf<V> f(V a, V b) {
    return a != b;
  }
};
struct Lt {
  template <class V>
  static MaskOf<V> f(V a, V b) {
    return a < b;
  }
};
struct Le {
  template <class V>
  static MaskOf<V> f(V a, V b) {
    return a <= b;
  }
};
struct Gt {
  template <class V>
  static MaskOf<V> f(V a, V b) {
    return a > b;
  }
};
struct Ge {
  template <class V>
  static MaskOf<V> f(V a, V b) {
    return a >= b;
  }
};
struct LogicalAnd {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static MaskOf<V> f(V a, V b) {
    return (a != 0) & (b != 0);
  }
};
struct LogicalOr {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static MaskOf<V> f(V a, V b) {
    return (a != 0) | (b != 0);
  }
};
struct LogicalXor {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static MaskOf<V> f(V a, V b) {
    return (a != 0) ^ (b != 0);
  }
};
struct BitwiseAnd {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V a, V b) {
    return a & b;
  }
};
struct BitwiseOr {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V a, V b) {
    return a | b;
  }
};
struct BitwiseXor {
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V a, V b) {
    return a ^ b;
  }
};
struct LeftShift {  // 0 where b is not a bit number
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V a, V b) {
    constexpr ElemT<V> kBits = 8 * sizeof(ElemT<V>);
    return (b >= 0) & (b < kBits) ? a << (b & (kBits - 1)) : k<V>(0);
  }
};
struct RightShift {  // all sign where b is not a bit number
  template <class V>
  static V f(V a, V b) {
    constexpr ElemT<V> kBits = 8 * sizeof(ElemT<V>);
    return a >> ((b >= 0) & (b < kBits) ? b : k<V>(kBits - 1));
  }
};

// ---- Of three and more ----

struct Clamp {  // NaN stays; hi wins over lo
  template <class V>
  static V f(V x, V lo, V hi) {
    return min_nan(max_nan(x, lo), hi);
  }
  template <class V>
  static V df(V x, V lo, V hi) {
    return select(x >= lo, select(x <= hi, k<V>(1), k<V>(0)), k<V>(0));
  }
};
struct Lerp {  // a + w (b - a), from the nearer end
  template <class V>
  static V f(V a, V b, V w) {
    return abs(w) < k<V>(0.5) ? fma(w, b - a, a) : b - (b - a) * (1 - w);
  }
};
struct Addcmul {  // a + value b c
  static constexpr bool kIgnoresSign = true;
  template <class V>
  static V f(V a, V b, V c, V value) {
    return a + value * b * c;
  }
};
struct Addcdiv {  // a + value b / c
  template <class V>
  static V f(V a, V b, V c, V value) {
    return a + value * b / c;
  }
};

}  // namespace
}  // namespace plait::PLAIT_ISA_NS

#include "kernels/pointwise/pointwise_activations.h"
