// SPDX-License-Identifier: MIT
// Complex numbers where no vector instruction would help: conversions, moves of 16 bytes, functions of libm.
//
// Functions of complex64 are computed in double and rounded once. Branch cuts are those of C99, with signed
// zeros on both sides.
#include "kernels/complex/complex_functions.h"

#include <cmath>
#include <complex>
#include <cstring>

#include "core/dtype.h"

namespace plait {
namespace {

using Z = std::complex<double>;
constexpr double kPi = 3.14159265358979323846, kLn2 = 0.69314718055994530942;
const Z kOne = 1;

// ---- Functions ----

Z exp(Z z) { return std::exp(z); }
// 2^a (cos(b log 2) + i sin(b log 2))
Z exp2(Z z) {
  if (!std::isfinite(z.real()) || !std::isfinite(z.imag())) return std::exp(z * kLn2);
  const double size = std::exp2(z.real()), angle = z.imag() * kLn2;
  return {size * std::cos(angle), angle == 0 ? angle : size * std::sin(angle)};
}
// e^z - 1: (e^a - 1) cos b - 2 sin(b / 2)^2 + i e^a sin b
Z expm1(Z z) {
  if (!std::isfinite(z.real()) || !std::isfinite(z.imag())) return std::exp(z) - kOne;
  const double a = z.real(), b = z.imag(), half = std::sin(b / 2);
  return {std::expm1(a) * std::cos(b) - 2 * half * half, b == 0 ? b : std::exp(a) * std::sin(b)};
}
Z log(Z z) { return std::log(z); }
Z log2(Z z) {
  const Z l = std::log(z);
  return {l.real() / kLn2, l.imag() / kLn2};
}
Z log10(Z z) { return std::log10(z); }
// log |1 + z|^2 = log1p(a (2 + a) + b^2), without the cancellation near 0
Z log1p(Z z) {
  const double a = z.real(), b = z.imag();
  if (!(std::fabs(a) < 0.5 && std::fabs(b) < 0.5)) return std::log(Z(1 + a, b));
  return {std::log1p(a * (2 + a) + b * b) / 2, std::atan2(b, 1 + a)};
}
Z sqrt(Z z) { return std::sqrt(z); }
Z rsqrt(Z z) { return kOne / std::sqrt(z); }
Z sin(Z z) { return std::sin(z); }
Z cos(Z z) { return std::cos(z); }
Z tan(Z z) { return std::tan(z); }
Z asin(Z z) { return std::asin(z); }
Z acos(Z z) { return std::acos(z); }
Z atan(Z z) { return std::atan(z); }
Z sinh(Z z) { return std::sinh(z); }
Z cosh(Z z) { return std::cosh(z); }
Z tanh(Z z) { return std::tanh(z); }
Z asinh(Z z) { return std::asinh(z); }
Z acosh(Z z) { return std::acosh(z); }
Z atanh(Z z) { return std::atanh(z); }
// 1 / (1 + e^-z) on the side where the power is small
Z sigmoid(Z z) {
  if (z.real() >= 0) return kOne / (kOne + std::exp(-z));
  const Z power = std::exp(z);
  return power / (kOne + power);
}
Z silu(Z z) { return z * sigmoid(z); }
Z sinc(Z z) {
  if (z == 0.0) return kOne;
  const Z p = z * kPi;
  return std::sin(p) / p;
}
// Whole exponents up to 2^10 by squaring, so that they are exact where the results are.
Z pow(Z a, Z b) {
  if (b == 0.0) return kOne;
  if (a == 0.0) {
    return b.real() > 0 ? Z(0) : Z(std::nan(""), std::nan(""));
  }
  const double n = b.real();
  if (b.imag() == 0 && n == std::nearbyint(n) && std::fabs(n) <= 1024) {
    Z y = kOne, square = a;
    for (auto rest = static_cast<int>(std::fabs(n)); rest; rest /= 2, square *= square) {
      if (rest % 2) y *= square;
    }
    if (std::isfinite(y.real()) && std::isfinite(y.imag())) return n < 0 ? kOne / y : y;
  }
  return std::exp(b * std::log(a));
}

// ---- Loops ----

template <class T>
Z wide(std::complex<T> z) {
  return {static_cast<double>(z.real()), static_cast<double>(z.imag())};
}

template <class T, Z (*kF)(Z)>
void function(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  auto* o = static_cast<std::complex<T>*>(out);
  const auto* p = static_cast<const std::complex<T>*>(in[0]);
  const int64_t step = broadcast & 1 ? 0 : 1;
  for (int64_t i = 0; i < n; ++i) o[i] = std::complex<T>(kF(wide(p[i * step])));
}

// Other results than a complex number of the same dtype, or other operands.
template <class Out, class In, class F>
void unary_loop(void* out, const void* const* in, uint32_t broadcast, int64_t n, F f) {
  auto* o = static_cast<Out*>(out);
  const auto* p = static_cast<const In*>(in[0]);
  const int64_t step = broadcast & 1 ? 0 : 1;
  for (int64_t i = 0; i < n; ++i) o[i] = f(p[i * step]);
}
template <class Out, class In, class F>
void binary_loop(void* out, const void* const* in, uint32_t broadcast, int64_t n, F f) {
  auto* o = static_cast<Out*>(out);
  const auto *a = static_cast<const In*>(in[0]), *b = static_cast<const In*>(in[1]);
  const int64_t a_step = broadcast & 1 ? 0 : 1, b_step = broadcast & 2 ? 0 : 1;
  for (int64_t i = 0; i < n; ++i) o[i] = f(a[i * a_step], b[i * b_step]);
}

// F as a kernel: a lambda without captures is made anew.
template <class Out, class In, class F>
PointwiseFn unary_kernel(F) {
  return [](void* out, const void* const* in, uint32_t broadcast, int64_t n) {
    unary_loop<Out, In>(out, in, broadcast, n, F{});
  };
}
template <class Out, class In, class F>
PointwiseFn binary_kernel(F) {
  return [](void* out, const void* const* in, uint32_t broadcast, int64_t n) {
    binary_loop<Out, In>(out, in, broadcast, n, F{});
  };
}

template <class T>
double size_of(std::complex<T> z) {
  if constexpr (sizeof(T) == sizeof(float)) {
    const double re = z.real(), im = z.imag();
    if (std::isinf(z.real()) || std::isinf(z.imag())) return HUGE_VAL;
    return std::sqrt(re * re + im * im);
  } else {
    return std::hypot(z.real(), z.imag());
  }
}

template <class T>
void set_functions(PointwiseTable& t) {
  using C = std::complex<T>;
  const auto fn = [&](Pointwise op) -> PointwiseFn& { return t.fn[op].template of<Complex<T>>(); };
  fn(Pointwise::kSqrt) = function<T, sqrt>;
  fn(Pointwise::kRsqrt) = function<T, rsqrt>;
  fn(Pointwise::kExp) = function<T, exp>;
  fn(Pointwise::kExp2) = function<T, exp2>;
  fn(Pointwise::kExpm1) = function<T, expm1>;
  fn(Pointwise::kLog) = function<T, log>;
  fn(Pointwise::kLog2) = function<T, log2>;
  fn(Pointwise::kLog10) = function<T, log10>;
  fn(Pointwise::kLog1p) = function<T, log1p>;
  fn(Pointwise::kSin) = function<T, sin>;
  fn(Pointwise::kCos) = function<T, cos>;
  fn(Pointwise::kTan) = function<T, tan>;
  fn(Pointwise::kAsin) = function<T, asin>;
  fn(Pointwise::kAcos) = function<T, acos>;
  fn(Pointwise::kAtan) = function<T, atan>;
  fn(Pointwise::kSinh) = function<T, sinh>;
  fn(Pointwise::kCosh) = function<T, cosh>;
  fn(Pointwise::kTanh) = function<T, tanh>;
  fn(Pointwise::kAsinh) = function<T, asinh>;
  fn(Pointwise::kAcosh) = function<T, acosh>;
  fn(Pointwise::kAtanh) = function<T, atanh>;
  fn(Pointwise::kSigmoid) = function<T, sigmoid>;
  fn(Pointwise::kSilu) = function<T, silu>;
  fn(Pointwise::kSinc) = function<T, sinc>;
  fn(Pointwise::kSgn) = unary_kernel<C, C>([](C z) {
    const double size = size_of(z);
    return size == 0 ? C(0) : C(static_cast<T>(z.real() / size), static_cast<T>(z.imag() / size));
  });
  fn(Pointwise::kPow) = binary_kernel<C, C>([](C a, C b) { return C(pow(wide(a), wide(b))); });
  fn(Pointwise::kAbs) = unary_kernel<T, C>([](C z) { return static_cast<T>(size_of(z)); });
  fn(Pointwise::kAngle) = unary_kernel<T, C>([](C z) { return std::atan2(z.imag(), z.real()); });
  fn(Pointwise::kIsNan) =
      unary_kernel<bool, C>([](C z) { return std::isnan(z.real()) || std::isnan(z.imag()); });
  fn(Pointwise::kIsInf) =
      unary_kernel<bool, C>([](C z) { return std::isinf(z.real()) || std::isinf(z.imag()); });
  fn(Pointwise::kIsFinite) =
      unary_kernel<bool, C>([](C z) { return std::isfinite(z.real()) && std::isfinite(z.imag()); });
  fn(Pointwise::kLogicalNot) = unary_kernel<bool, C>([](C z) { return z == C(0); });
  fn(Pointwise::kLogicalAnd) = binary_kernel<bool, C>([](C a, C b) { return a != C(0) && b != C(0); });
  fn(Pointwise::kLogicalOr) = binary_kernel<bool, C>([](C a, C b) { return a != C(0) || b != C(0); });
  fn(Pointwise::kLogicalXor) = binary_kernel<bool, C>([](C a, C b) { return (a != C(0)) != (b != C(0)); });
}

// ---- Conversions ----

template <class To, class From>
void convert_loop(void* dst, const void* src, int64_t n) {
  auto* to = static_cast<To*>(dst);
  const auto* from = static_cast<const From*>(src);
  for (int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[i]);
}
template <class C, class... Reals>
void set_conversions(ConvertTable& t) {
  constexpr DType kComplex = DTypeOf<C>::value;
  ((t.convert[kComplex][DTypeOf<Reals>::value] = convert_loop<Reals, C>), ...);
  ((t.convert[DTypeOf<Reals>::value][kComplex] = convert_loop<C, Reals>), ...);
}
template <class C, class Other>
void set_all_conversions(ConvertTable& t) {
  set_conversions<C, bool, uint8_t, int8_t, int16_t, int32_t, int64_t, uint16_t, uint32_t, uint64_t, Half,
                  BFloat16, float, double>(t);
  t.convert[DTypeOf<C>::value][DTypeOf<Other>::value] = convert_loop<Other, C>;
}

// ---- Moves ----

void move(void* to, const void* from) { std::memcpy(to, from, sizeof(Bytes16)); }

void gather(void* dst, const void* src, int64_t stride, int64_t row_stride, int64_t n, int64_t rows) {
  auto* to = static_cast<char*>(dst);
  const auto* from = static_cast<const char*>(src);
  for (int64_t r = 0; r < rows; ++r, from += row_stride) {
    for (int64_t i = 0; i < n; ++i, to += sizeof(Bytes16)) move(to, from + i * stride);
  }
}
void scatter(void* dst, int64_t stride, int64_t row_stride, const void* src, int64_t n, int64_t rows) {
  auto* to = static_cast<char*>(dst);
  const auto* from = static_cast<const char*>(src);
  for (int64_t r = 0; r < rows; ++r, to += row_stride) {
    for (int64_t i = 0; i < n; ++i, from += sizeof(Bytes16)) move(to + i * stride, from);
  }
}
void identity(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  gather(out, in[0], broadcast & 1 ? 0 : sizeof(Bytes16), 0, n, 1);
}
// Blocks of 4 x 4: a cache line of either side.
void transpose(void* dst, int64_t dst_stride, const void* src, int64_t src_stride, int64_t rows,
               int64_t columns) {
  constexpr int64_t kBlock = 4, kItem = sizeof(Bytes16);
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    const int64_t r1 = r0 + kBlock < rows ? r0 + kBlock : rows;
    for (int64_t c = 0; c < columns; ++c) {
      char* to = static_cast<char*>(dst) + c * dst_stride;
      const char* from = static_cast<const char*>(src) + c * kItem;
      for (int64_t r = r0; r < r1; ++r) move(to + r * kItem, from + r * src_stride);
    }
  }
}
// out = condition ? a : b
void where(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  auto* o = static_cast<Bytes16*>(out);
  const auto* condition = static_cast<const bool*>(in[0]);
  const auto *a = static_cast<const Bytes16*>(in[1]), *b = static_cast<const Bytes16*>(in[2]);
  const int64_t step[] = {broadcast & 1 ? 0 : 1, broadcast & 2 ? 0 : 1, broadcast & 4 ? 0 : 1};
  for (int64_t i = 0; i < n; ++i) o[i] = condition[i * step[0]] ? a[i * step[1]] : b[i * step[2]];
}

}  // namespace

void fill_complex_functions(KernelTable& table) {
  set_functions<float>(table.pointwise);
  set_functions<double>(table.pointwise);
  table.pointwise.where.of<Bytes16>() = where;
  ConvertTable& t = table.convert;
  set_all_conversions<Complex<float>, Complex<double>>(t);
  set_all_conversions<Complex<double>, Complex<float>>(t);
  t.identity.of<Bytes16>() = identity;
  t.gather.of<Bytes16>() = gather;
  t.scatter.of<Bytes16>() = scatter;
  t.transpose.of<Bytes16>() = transpose;
  t.transpose_stream.of<Bytes16>() = transpose;
}

}  // namespace plait
