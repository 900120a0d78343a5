// SPDX-License-Identifier: MIT
// Pointwise kernels: accuracy of every float32 function in ulp against extended precision, equal bits for any
// length and stride, and strided, broadcast and converted operands against a naive loop.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "core/dtype.h"
#include "core/parallel.h"
#include "kernels/copy/copy_driver.h"
#include "kernels/dispatch.h"
#include "kernels/pointwise/pointwise_driver.h"

namespace plait {
namespace {

using Real = long double;
using Reference = Real (*)(Real);

PointwiseFn fn(Pointwise op, DType dtype) { return kernels().pointwise.fn[op][dtype]; }

// Distance of got from the exact value in units of the last place of the rounded exact value.
double ulps(float got, Real want) {
  const float rounded = static_cast<float>(want);
  if (std::isnan(got) || std::isnan(rounded)) return std::isnan(got) == std::isnan(rounded) ? 0 : 1e30;
  if (std::isinf(got) || std::isinf(rounded)) {
    const bool edge = std::fabs(want) < 1.000001L * std::numeric_limits<float>::max();
    return got == rounded ? 0 : edge ? 1 : 1e30;
  }
  int exponent;
  std::frexp(want, &exponent);
  const Real unit = std::ldexp(1.0L, std::max(exponent, std::numeric_limits<float>::min_exponent) - 24);
  return static_cast<double>(std::fabs(got - want) / unit);
}

std::vector<float> samples(size_t n) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  std::vector<float> v = {
      0.0f,           -0.0f,     1,          -1,    kInf,   -kInf,   std::nanf(""), 0x1p-126f, 3.4028235e38f,
      -3.4028235e38f, 0x1p-149f, -0x1p-149f, 88.7f, -87.5f, -103.9f, 0.5f,          -0.5f,     2,
      1e6f,           -2e7f};
  std::mt19937 bits(1);
  std::uniform_real_distribution<float> unit(-1.5f, 1.5f), twenty(-20, 20), hundred(-120, 120);
  while (v.size() < n) {
    const uint32_t u = bits();
    float f;
    std::memcpy(&f, &u, 4);
    v.insert(v.end(), {f, unit(bits), twenty(bits), hundred(bits), 1 + unit(bits) * 1e-3f});
  }
  return v;
}

void check_function(const char* name, Pointwise op, Reference reference, double limit, double above = 0) {
  static const std::vector<float> x = samples(200000);
  std::vector<float> y(x.size());
  const void* in[] = {x.data()};
  fn(op, DType::kFloat32)(y.data(), in, 0, static_cast<int64_t>(x.size()));
  double worst = 0;
  float at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const Real want = reference(x[i]);
    if (std::fabs(want) < above) continue;
    const double e = ulps(y[i], want);
    if (e > worst) worst = e, at = x[i];
  }
  TEST_CHECK(worst <= limit, "%s: %.3f ulp at %.9g, limit %.2f", name, worst, static_cast<double>(at), limit);
}

Real cdf(Real x) { return 0.5L * std::erfc(-x * std::sqrt(0.5L)); }

void accuracy() {
#define CHECK_FUNCTION(op, limit, expression) \
  check_function(#op, Pointwise::k##op, [](Real x) -> Real { return expression; }, limit)
  CHECK_FUNCTION(Exp, 1.1, std::exp(x));
  CHECK_FUNCTION(Exp2, 1.1, std::exp2(x));
  CHECK_FUNCTION(Expm1, 1.75, std::expm1(x));
  CHECK_FUNCTION(Log, 1, std::log(x));
  CHECK_FUNCTION(Log2, 0.6, std::log2(x));
  CHECK_FUNCTION(Log10, 0.6, std::log10(x));
  CHECK_FUNCTION(Log1p, 1.5, std::log1p(x));
  CHECK_FUNCTION(Sin, 1.6, std::sin(x));
  CHECK_FUNCTION(Cos, 1.6, std::cos(x));
  CHECK_FUNCTION(Tan, 0.6, std::tan(x));
  CHECK_FUNCTION(Asin, 0.6, std::asin(x));
  CHECK_FUNCTION(Acos, 0.6, std::acos(x));
  CHECK_FUNCTION(Atan, 1.6, std::atan(x));
  CHECK_FUNCTION(Sinh, 1.75, std::sinh(x));
  CHECK_FUNCTION(Cosh, 1.6, std::cosh(x));
  CHECK_FUNCTION(Tanh, 1.4, std::tanh(x));
  CHECK_FUNCTION(Asinh, 0.6, std::asinh(x));
  CHECK_FUNCTION(Acosh, 0.6, std::acosh(x));
  CHECK_FUNCTION(Atanh, 0.6, std::atanh(x));
  CHECK_FUNCTION(Erf, 1.25, std::erf(x));
  // These four take their exponential in float, twice as fast as in double; the library promises 2 ulp.
  CHECK_FUNCTION(Erfc, 2, std::erfc(x));
  CHECK_FUNCTION(Sigmoid, 1.75, 1 / (1 + std::exp(-x)));
  CHECK_FUNCTION(Sqrt, 0.501, std::sqrt(x));
  CHECK_FUNCTION(Rsqrt, 1.6, 1 / std::sqrt(x));
  CHECK_FUNCTION(Reciprocal, 0.501, 1 / x);
  CHECK_FUNCTION(Gelu, 2, x < -1e4L ? -0.0L : x * cdf(x));
  CHECK_FUNCTION(
      GeluTanh, 1,
      x < -1e4L
          ? -0.0L
          : x / (1 + std::exp(-2 * std::sqrt(2 / 3.14159265358979323846L) * (x + 0.044715L * x * x * x))));
  CHECK_FUNCTION(Silu, 1, x < -1e4L ? -0.0L : x / (1 + std::exp(-x)));
  CHECK_FUNCTION(Lgamma, 1,
                 x <= 0 && x == std::floor(x) ? std::numeric_limits<Real>::infinity() : std::lgamma(x));
#undef CHECK_FUNCTION

  std::vector<float> a, b;
  const float special[] = {0.0f, -0.0f, 1,  -1,   INFINITY, -INFINITY, NAN,   2,
                           -2,   3,     -3, 0.5f, -0.5f,    1.5f,      1e30f, -1e30f};
  for (const float p : special) {
    for (const float q : special) a.push_back(p), b.push_back(q);
  }
  std::mt19937 bits(7);
  std::uniform_real_distribution<float> base(0, 10), exponent(-40, 40);
  for (int i = 0; i < 50000; ++i) {
    a.insert(a.end(), {base(bits), -base(bits)});
    b.insert(b.end(), {exponent(bits), std::floor(exponent(bits))});
  }
  std::vector<float> y(a.size());
  const void* in[] = {a.data(), b.data()};
  fn(Pointwise::kPow, DType::kFloat32)(y.data(), in, 0, static_cast<int64_t>(a.size()));
  for (size_t i = 0; i < a.size(); ++i) {
    const Real want = std::pow(static_cast<Real>(a[i]), static_cast<Real>(b[i]));
    const bool same_sign = std::isnan(y[i]) || std::signbit(y[i]) == std::signbit(want);
    TEST_CHECK(ulps(y[i], want) <= 1 && same_sign, "pow(%g, %g) = %.9g, want %.9g", a[i], b[i], y[i],
               static_cast<double>(want));
  }
}

// f(x)[i] has the same bits whatever its neighbours are, in every kernel of a float dtype, derivatives
// included: numbers of all sizes, NaN, infinities, zeros and denormals are neighbours here. NaNs may differ.
template <class T>
void position_independence(DType dtype) {
  constexpr size_t n = 395, apart = 401;
  std::vector<T> x;
  for (const float v : samples(n + apart * kMaxPointwiseInputs)) x.push_back(convert<T>(v));
  for (int op = 0; op < static_cast<int>(Pointwise::kCount); ++op) {
    const PointwiseFn f = fn(static_cast<Pointwise>(op), dtype);
    if (!f) continue;
    T all[n] = {}, one[n] = {};
    const void* in[kMaxPointwiseInputs];
    for (size_t k = 0; k < kMaxPointwiseInputs; ++k) in[k] = x.data() + apart * k;
    f(all, in, 0, n);
    for (size_t start = 0; start < n; ++start) {
      const void* at[kMaxPointwiseInputs];
      for (size_t k = 0; k < kMaxPointwiseInputs; ++k) at[k] = x.data() + apart * k + start;
      f(one, at, 0, 1);
      // Tests write bytes, the others elements: compare at the byte offsets of both.
      const bool equal = std::memcmp(one, all + start, sizeof(T)) == 0 ||
                         std::memcmp(one, reinterpret_cast<char*>(all) + start, 1) == 0 ||
                         (std::isnan(convert<double>(one[0])) && std::isnan(convert<double>(all[start])));
      TEST_CHECK(equal, "kernel %d of %s at %zu", op, dtype_name(dtype), start);
    }
  }
}
void position_independence() {
  position_independence<float>(DType::kFloat32);
  position_independence<double>(DType::kFloat64);
  position_independence<Half>(DType::kFloat16);
  position_independence<BFloat16>(DType::kBFloat16);
}

// ---- Strided operands ----

struct Array {
  std::vector<char> memory;
  DType dtype;
  Dims shape, strides;
  int64_t offset = 0;

  char* at(const std::vector<int64_t>& index) {
    int64_t place = offset;
    const int64_t skip = static_cast<int64_t>(index.size()) - shape.size();
    for (int64_t d = 0; d < shape.size(); ++d)
      place += (shape[d] == 1 ? 0 : index[static_cast<size_t>(d + skip)]) * strides[d];
    return memory.data() + place * static_cast<int64_t>(item_size(dtype));
  }
  Strided strided() {
    return {memory.data() + offset * static_cast<int64_t>(item_size(dtype)), dtype, &shape, &strides};
  }
};

double get(const char* p, DType dtype) {
  return dispatch_any(dtype, [&](auto tag) {
    typename decltype(tag)::type v;
    std::memcpy(&v, p, sizeof v);
    return convert<double>(v);
  });
}
void set(char* p, DType dtype, double x) {
  dispatch_any(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T v = convert<T>(x);
    std::memcpy(p, &v, sizeof v);
  });
}

// An array of this shape in a random memory order, with gaps, and sometimes with negative strides.
Array random_array(std::mt19937& bits, const Dims& shape, DType dtype, bool may_broadcast) {
  Array a;
  a.dtype = dtype;
  a.shape = shape;
  if (may_broadcast) {
    for (int64_t d = 0; d < shape.size(); ++d) {
      if (bits() % 4 == 0) a.shape[d] = 1;
    }
    while (a.shape.size() > 0 && bits() % 6 == 0) a.shape.erase(0);
  }
  const int64_t n = a.shape.size();
  std::vector<int64_t> order(static_cast<size_t>(n));
  for (int64_t d = 0; d < n; ++d) order[static_cast<size_t>(d)] = n - 1 - d;
  if (bits() % 2) std::shuffle(order.begin(), order.end(), bits);
  a.strides = Dims(n, 0);
  int64_t step = bits() % 4 == 0 ? 2 : 1;
  for (const int64_t d : order) {
    a.strides[d] = step;
    step *= a.shape[d];
    if (bits() % 5 == 0) step += 3;
  }
  for (int64_t d = 0; d < n; ++d) {
    if (bits() % 8 == 0) {
      a.offset += (a.shape[d] - 1) * a.strides[d];
      a.strides[d] = -a.strides[d];
    }
  }
  a.memory.resize(static_cast<size_t>(step + 8) * item_size(dtype));
  for (size_t i = 0; i < a.memory.size() / item_size(dtype); ++i) {
    set(a.memory.data() + i * item_size(dtype), dtype, static_cast<double>(bits() % 7));
  }
  return a;
}

void for_each_index(const Dims& shape, const std::function<void(const std::vector<int64_t>&)>& f) {
  std::vector<int64_t> index(static_cast<size_t>(shape.size()), 0);
  for (int64_t i = numel_of(shape); i > 0; --i) {
    f(index);
    for (int64_t d = shape.size() - 1; d >= 0; --d) {
      if (++index[static_cast<size_t>(d)] < shape[d]) break;
      index[static_cast<size_t>(d)] = 0;
    }
  }
}

Dims random_shape(std::mt19937& bits) {
  Dims shape;
  const int64_t n = bits() % 5;
  int64_t left = 6000;
  for (int64_t d = 0; d < n; ++d) {
    const int64_t sizes[] = {1, 2, 3, 5, 17, 64, 131, 300};
    const int64_t s = sizes[bits() % 8];
    shape.push_back(s <= left ? s : 1);
    left /= shape.back();
  }
  return shape;
}

PointwiseOperand operand(Array& a, const Dims& shape, DType compute) {
  const bool same = a.shape == shape;
  return {a.strided(), compute, same && a.strides == contiguous_strides(shape), numel_of(a.shape) == 1};
}

void strided_operands() {
  std::mt19937 bits(3);
  constexpr DType kTypes[] = {DType::kFloat32, DType::kFloat32, DType::kFloat64, DType::kBFloat16,
                              DType::kFloat16, DType::kInt32,   DType::kUInt8,   DType::kInt64,
                              DType::kUInt16,  DType::kUInt32,  DType::kUInt64};
  for (int round = 0; round < 1500; ++round) {
    const Dims shape = random_shape(bits);
    const auto type = [&] { return kTypes[bits() % std::size(kTypes)]; };
    Array a = random_array(bits, shape, type(), true), b = random_array(bits, shape, type(), true);
    Array y = random_array(bits, shape, type(), false);
    const DType compute = bits() % 2 ? DType::kFloat32 : DType::kFloat64;
    const PointwiseOperand in[] = {operand(a, shape, compute), operand(b, shape, compute)};
    run_pointwise(fn(Pointwise::kAdd, compute), shape, numel_of(shape), operand(y, shape, compute), in);
    int wrong = 0;
    for_each_index(shape, [&](const std::vector<int64_t>& i) {
      wrong += get(y.at(i), y.dtype) != get(a.at(i), a.dtype) + get(b.at(i), b.dtype);
    });
    TEST_CHECK(wrong == 0, "add, round %d, shape %s: %d wrong", round, to_string(shape).c_str(), wrong);

    Array to = random_array(bits, shape, type(), false);
    const bool flat =
        a.shape == shape && a.strides == contiguous_strides(shape) && to.strides == contiguous_strides(shape);
    copy_array(shape, numel_of(shape), to.strided(), a.strided(), flat);
    wrong = 0;
    for_each_index(shape, [&](const std::vector<int64_t>& i) {
      wrong += get(to.at(i), to.dtype) != get(a.at(i), a.dtype);
    });
    TEST_CHECK(wrong == 0, "copy, round %d, shape %s: %d wrong", round, to_string(shape).c_str(), wrong);
  }
}

// Every conversion at lengths around the vector width, on values both sides hold.
void conversions() {
  for (int from = 0; from < kNumDTypes; ++from) {
    for (int to = 0; to < kNumDTypes; ++to) {
      const DType f = static_cast<DType>(from), t = static_cast<DType>(to);
      for (const int64_t n : {1, 3, 8, 15, 16, 17, 33, 100}) {
        std::vector<char> src(static_cast<size_t>(n) * 16), dst(static_cast<size_t>(n) * 16 + 8, 77);
        for (int64_t i = 0; i < n; ++i)
          set(src.data() + i * static_cast<int64_t>(item_size(f)), f, static_cast<double>(i % 7));
        convert_elements(dst.data(), t, src.data(), f, n);
        for (int64_t i = 0; i < n; ++i) {
          const double want =
              f == DType::kBool || t == DType::kBool ? i % 7 != 0 : static_cast<double>(i % 7);
          const double got = get(dst.data() + i * static_cast<int64_t>(item_size(t)), t);
          TEST_CHECK(got == want, "%s to %s, n %ld, element %ld: %g", dtype_name(f), dtype_name(t), n, i,
                     got);
        }
        TEST_CHECK(dst[static_cast<size_t>(n) * item_size(t)] == 77, "%s to %s, n %ld: wrote behind the end",
                   dtype_name(f), dtype_name(t), n);
      }
    }
  }
  // The 16-bit floats agree with the scalar conversions for every float pattern class.
  const std::vector<float> x = samples(100000);
  std::vector<uint16_t> h(x.size()), b(x.size());
  convert_elements(h.data(), DType::kFloat16, x.data(), DType::kFloat32, static_cast<int64_t>(x.size()));
  convert_elements(b.data(), DType::kBFloat16, x.data(), DType::kFloat32, static_cast<int64_t>(x.size()));
  std::vector<float> back(x.size());
  convert_elements(back.data(), DType::kFloat32, h.data(), DType::kFloat16, static_cast<int64_t>(x.size()));
  for (size_t i = 0; i < x.size(); ++i) {
    const uint16_t want_h = Half(x[i]).bits, want_b = BFloat16(x[i]).bits;
    Half half;
    half.bits = h[i];
    const bool nan = std::isnan(x[i]);
    TEST_CHECK(nan ? (h[i] & 0x7fff) > 0x7c00 : h[i] == want_h, "float16 of %g: %04x, want %04x", x[i], h[i],
               want_h);
    TEST_CHECK(nan ? (b[i] & 0x7fff) > 0x7f80 : b[i] == want_b, "bfloat16 of %g: %04x, want %04x", x[i], b[i],
               want_b);
    TEST_CHECK(nan ? std::isnan(back[i]) : back[i] == static_cast<float>(half), "float16 %04x back: %g", h[i],
               back[i]);
  }
}

}  // namespace
}  // namespace plait

int main() {
  plait::test::require_isa();
  plait::accuracy();
  plait::position_independence();
  plait::strided_operands();
  plait::conversions();
  return plait::test::report("pointwise");
}
