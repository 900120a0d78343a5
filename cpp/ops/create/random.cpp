// SPDX-License-Identifier: MIT
// Random tensors. Element i depends on the generator's position and i alone, so results do not depend on the
// number of threads.
#include "ops/create/random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "autograd/op.h"
#include "core/scalar.h"
#include "kernels/random/random_driver.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {

namespace {

void check_floating(const char* op, DType dtype) {
  PLAIT_CHECK(is_floating(dtype), kType, op, ": expected a floating-point dtype, got ", dtype_name(dtype));
}

// Both parts of complex numbers are drawn alike.
Tensor parts_of(const Tensor& x) {
  if (!x.is_complex()) return x;
  NoGradGuard guard;
  return view_as_real(x);
}

// Runs fill(contiguous tensor of x's shape) into x.
template <class F>
void fill_dense(const Tensor& x, DType dtype, F fill) {
  if (!x.has_values()) return;
  if (x.is_contiguous() && x.dtype() == dtype) return fill(x);
  const Tensor dense = Tensor::empty(x.shape(), dtype);
  fill(dense);
  copy_into(x, dense);
}

// The dtype that reals are drawn in: float64 by the kernel for doubles, the others by that for floats.
template <class F>
void fill_reals(const Tensor& x, F draw) {
  fill_dense(x, compute_dtype(x.dtype()),
             [&](const Tensor& dense) { draw(dense.dtype(), dense.data_ptr(), dense.numel()); });
}

}  // namespace

void fill_uniform(const Tensor& x, double low, double high, Generator* generator) {
  if (x.has_values() && is_16_bit_float(x.dtype())) {
    // u keeps as many digits as the dtype has: rounding would make a 1 of it.
    const float steps = x.dtype() == DType::kFloat16 ? 0x1p11f : 0x1p8f;
    const Tensor u = Tensor::empty(x.shape(), DType::kFloat32);
    fill_uniform(u, 0, 1, generator);
    coarsen_uniform(u.data<float>(), u.numel(), steps, static_cast<float>(low),
                    static_cast<float>(high - low));
    return copy_into(x, u);
  }
  fill_reals(x,
             [&](DType dtype, void* out, int64_t n) { draw_uniform(dtype, out, n, low, high, generator); });
}

void fill_normal(const Tensor& x, double mean, double std, Generator* generator) {
  fill_reals(x, [&](DType dtype, void* out, int64_t n) { draw_normal(dtype, out, n, mean, std, generator); });
}

Tensor rand(IntSpan shape, DType dtype, Generator* generator) {
  check_floating("rand", to_real(dtype));
  const Tensor x = Tensor::empty(shape, dtype);
  fill_uniform(parts_of(x), 0, 1, generator);
  return x;
}

Tensor randn(IntSpan shape, DType dtype, Generator* generator) {
  check_floating("randn", to_real(dtype));
  const Tensor x = Tensor::empty(shape, dtype);
  // A complex number has variance 1: each part a half.
  fill_normal(parts_of(x), 0, x.is_complex() ? 0.70710678118654752440 : 1, generator);
  return x;
}

namespace {

// An integer in [low, low + range) from 64 random bits; range 0 stands for 2^64.
int64_t integer_below(uint64_t bits, uint64_t range, int64_t low) {
  const uint64_t offset =
      range == 0 ? bits : static_cast<uint64_t>((static_cast<__uint128_t>(bits) * range) >> 64);
  return static_cast<int64_t>(static_cast<uint64_t>(low) + offset);
}

void fill_integers(const Tensor& x, int64_t low, uint64_t range, Generator* generator) {
  dispatch_bits(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    fill_dense(x, x.dtype(), [&](const Tensor& dense) {
      draw_by_element<2>(dense.numel(), generator, [&](int64_t i, const uint32_t* w) {
        dense.data<T>()[i] = convert<T>(integer_below(uint64_t{w[0]} << 32 | w[1], range, low));
      });
    });
  });
}

// y = f(u) with u in (0, 1), in double.
template <class F>
void fill_from_uniform(const Tensor& x, Generator* generator, F f) {
  dispatch_bits(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    fill_dense(x, x.dtype(), [&](const Tensor& dense) {
      draw_by_element<2>(dense.numel(), generator, [&](int64_t i, const uint32_t* w) {
        const uint64_t bits = (uint64_t{w[0]} << 32 | w[1]) >> 12;
        dense.data<T>()[i] = convert<T>(f((static_cast<double>(bits) + 0.5) * 0x1p-52));
      });
    });
  });
}

void fill_bernoulli(const Tensor& x, double p, Generator* generator) {
  const auto threshold = static_cast<uint64_t>(std::llround(p * 0x1p32));
  dispatch_bits(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    fill_dense(x, x.dtype(), [&](const Tensor& dense) {
      draw_by_element<1>(dense.numel(), generator, [&](int64_t i, const uint32_t* w) {
        dense.data<T>()[i] = convert<T>(static_cast<int>(w[0] < threshold));
      });
    });
  });
}

// The in-place forms. The old values are gone: their gradient is 0.
enum class Fill { kUniform, kNormal, kLogNormal, kCauchy, kExponential, kGeometric, kBernoulli, kInteger };
constexpr const char* kFillNames[] = {"uniform_",     "normal_",    "log_normal_", "cauchy_",
                                      "exponential_", "geometric_", "bernoulli_",  "random_"};

template <Fill kKind>
struct RandomFill {
  static constexpr OpMeta meta{kFillNames[static_cast<int>(kKind)]};
  static Tensor forward(OpContext& ctx, const Tensor& x, double a, double b, int64_t low, uint64_t range,
                        Generator* generator) {
    const Tensor y = ctx.destination().defined() ? ctx.destination() : Tensor::empty_like(x);
    if (!y.has_values()) return y;
    switch (kKind) {
      case Fill::kUniform:
        fill_uniform(y, a, b, generator);
        break;
      case Fill::kNormal:
        fill_normal(y, a, b, generator);
        break;
      case Fill::kLogNormal: {
        const Tensor z = Tensor::empty(y.shape(), DType::kFloat64);
        fill_normal(z, a, b, generator);
        exponentials(z.data<double>(), z.numel());
        copy_into(y, z);
        break;
      }
      case Fill::kCauchy:
        fill_from_uniform(y, generator, [=](double u) { return a + b * std::tan(M_PI * (u - 0.5)); });
        break;
      case Fill::kExponential:
        fill_from_uniform(y, generator, [=](double u) { return -std::log(u) / a; });
        break;
      case Fill::kGeometric:
        fill_from_uniform(y, generator,
                          [=](double u) { return a == 1 ? 1.0 : std::ceil(std::log(u) / std::log1p(-a)); });
        break;
      case Fill::kBernoulli:
        fill_bernoulli(y, a, generator);
        break;
      case Fill::kInteger:
        fill_integers(y, low, range, generator);
        break;
    }
    return y;
  }
  // gx = 0: the old values are gone
  static Grads backward(OpContext&, const Tensor& gy, double, double, int64_t, uint64_t, Generator*) {
    return {zeros_like(gy)};
  }
};

template <Fill kKind>
Tensor fill_in_place(const Tensor& x, double a, double b, Generator* generator, int64_t low = 0,
                     uint64_t range = 0) {
  return apply_inplace<RandomFill<kKind>>(x, a, b, low, range, generator);
}

Tensor uniform_(const Tensor& x, double from, double to, Generator* generator) {
  check_floating("uniform_", to_real(x.dtype()));
  PLAIT_CHECK(from <= to && std::isfinite(to - from), kValue, "uniform_: expected from <= to, got ", from,
              " and ", to);
  if (x.is_complex()) {
    fill_in_place<Fill::kUniform>(view_as_real(x), from, to, generator);
    return x;
  }
  return fill_in_place<Fill::kUniform>(x, from, to, generator);
}
Tensor normal_(const Tensor& x, double mean, double std, Generator* generator) {
  check_floating("normal_", to_real(x.dtype()));
  PLAIT_CHECK(std >= 0, kValue, "normal_: expected std of at least 0, got ", std);
  if (x.is_complex()) {
    fill_in_place<Fill::kNormal>(view_as_real(x), 0, std * 0.70710678118654752440, generator);
    return add_(x, Scalar(mean).to_tensor());
  }
  return fill_in_place<Fill::kNormal>(x, mean, std, generator);
}
Tensor log_normal_(const Tensor& x, double mean, double std, Generator* generator) {
  check_floating("log_normal_", x.dtype());
  PLAIT_CHECK(std > 0, kValue, "log_normal_: expected std greater than 0, got ", std);
  return fill_in_place<Fill::kLogNormal>(x, mean, std, generator);
}
Tensor cauchy_(const Tensor& x, double median, double sigma, Generator* generator) {
  check_floating("cauchy_", x.dtype());
  PLAIT_CHECK(sigma > 0, kValue, "cauchy_: expected sigma greater than 0, got ", sigma);
  return fill_in_place<Fill::kCauchy>(x, median, sigma, generator);
}
Tensor exponential_(const Tensor& x, double lambd, Generator* generator) {
  check_floating("exponential_", x.dtype());
  PLAIT_CHECK(lambd > 0, kValue, "exponential_: expected lambd greater than 0, got ", lambd);
  return fill_in_place<Fill::kExponential>(x, lambd, 0, generator);
}
Tensor geometric_(const Tensor& x, double p, Generator* generator) {
  PLAIT_CHECK(p > 0 && p <= 1, kValue, "geometric_: expected p in (0, 1], got ", p);
  return fill_in_place<Fill::kGeometric>(x, p, 0, generator);
}

void check_probability(double p) {
  PLAIT_CHECK(p >= 0 && p <= 1, kValue, "bernoulli: expected p in [0, 1], got ", p);
}
Tensor bernoulli_p_(const Tensor& x, double p, Generator* generator) {
  check_probability(p);
  return fill_in_place<Fill::kBernoulli>(x, p, 0, generator);
}

// y = 1 with probability p[i], else 0.
struct Bernoulli {
  static constexpr OpMeta meta{"bernoulli"};
  static Tensor forward(OpContext&, const Tensor& p, DType dtype, Generator* generator) {
    const Tensor from = contiguous(cast(p, DType::kFloat64));
    if (from.is_meta()) return Tensor::empty(p.shape(), dtype);
    const double* q = from.data<double>();
    for (int64_t i = 0; i < from.numel(); ++i) check_probability(q[i]);
    const Tensor y = Tensor::empty(p.shape(), dtype);
    dispatch_bits(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      draw_by_element<1>(y.numel(), generator, [&](int64_t i, const uint32_t* w) {
        y.data<T>()[i] = convert<T>(static_cast<int>(static_cast<double>(w[0]) * 0x1p-32 < q[i]));
      });
    });
    return y;
  }
  static Grads backward(OpContext&, const Tensor& gy, DType, Generator*) { return {zeros_like(gy)}; }
};
Tensor bernoulli(const Tensor& p, Generator* generator) {
  check_floating("bernoulli", p.dtype());
  return apply<Bernoulli>(p, p.dtype(), generator);
}
Tensor bernoulli_p(const Tensor& x, double p, Generator* generator) {
  check_probability(p);
  const Tensor y = Tensor::empty_like(x);
  fill_bernoulli(y, p, generator);
  return y;
}
Tensor bernoulli_tensor_(const Tensor& x, const Tensor& p, Generator* generator) {
  check_floating("bernoulli_", p.dtype());
  const Tensor draws = apply<Bernoulli>(expand(detach(p), x.shape()), x.dtype(), generator);
  copy_(x, draws);
  return x;
}

// Whole numbers of [low, high) that the dtype can hold.
uint64_t integer_range(const char* op, int64_t low, int64_t high, DType dtype) {
  PLAIT_CHECK(low < high, kValue, op, ": expected low < high, got ", low, " and ", high);
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      const __int128 least = std::numeric_limits<T>::lowest(), most = std::numeric_limits<T>::max();
      PLAIT_CHECK(low >= least && high - 1 <= most, kValue, op, ": [", low, ", ", high, ") does not fit ",
                  dtype_name(dtype));
    }
  });
  return static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
}

Tensor random_between_(const Tensor& x, int64_t low, int64_t high, Generator* generator) {
  const uint64_t range = integer_range("random_", low, high, x.dtype());
  return fill_in_place<Fill::kInteger>(x, 0, 0, generator, low, range);
}
// All values of an integer dtype from 0 on; of a float dtype the whole numbers it holds exactly.
Tensor random_(const Tensor& x, Generator* generator) {
  constexpr uint64_t kAllBits = 0;  // 2^64 numbers
  if (x.dtype() == DType::kUInt64) return fill_in_place<Fill::kInteger>(x, 0, 0, generator, 0, kAllBits);
  const int64_t most = dispatch(x.dtype(), [](auto tag) -> int64_t {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      return sizeof(T) == 8 ? INT64_MAX : static_cast<int64_t>(std::numeric_limits<T>::max()) + 1;
    } else {
      constexpr int kBits = std::is_same_v<T, double>  ? 53
                            : std::is_same_v<T, float> ? 24
                            : std::is_same_v<T, Half>  ? 11
                                                       : 8;
      return (int64_t{1} << kBits) + 1;
    }
  });
  return random_between_(x, 0, most, generator);
}

}  // namespace

Tensor randperm(int64_t n, DType dtype, Generator* generator) {
  PLAIT_CHECK(n >= 0, kValue, "randperm: expected n of at least 0, got ", n);
  const Tensor x = Tensor::empty({n}, dtype);
  if (x.is_meta()) return x;
  const Tensor words = Tensor::empty({2 * n}, DType::kInt32);
  auto* const w = words.data<uint32_t>();
  draw_words(w, 2 * n, generator);
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      PLAIT_CHECK(
          n == 0 || static_cast<uint64_t>(n - 1) <= static_cast<uint64_t>(std::numeric_limits<T>::max()),
          kValue, "randperm: n=", n, " does not fit ", dtype_name(dtype));
    }
    T* const p = x.data<T>();
    for (int64_t i = 0; i < n; ++i) p[i] = convert<T>(i);
    // Fisher and Yates' shuffle, from the end.
    for (int64_t i = n - 1; i > 0; --i) {
      std::swap(p[i],
                p[integer_below(uint64_t{w[2 * i]} << 32 | w[2 * i + 1], static_cast<uint64_t>(i) + 1, 0)]);
    }
  });
  return x;
}

namespace {

using OptDType = std::optional<DType>;

Tensor leaf(Tensor x, bool requires_grad) {
  if (requires_grad) set_requires_grad(x, true);
  return x;
}

Tensor rand_op(IntSpan size, Generator* g, OptDType dtype, bool grad) {
  return leaf(rand(size, dtype.value_or(default_dtype()), g), grad);
}
Tensor randn_op(IntSpan size, Generator* g, OptDType dtype, bool grad) {
  return leaf(randn(size, dtype.value_or(default_dtype()), g), grad);
}
Tensor rand_like(const Tensor& x, OptDType dtype, bool grad) {
  return leaf(rand(x.shape(), dtype.value_or(x.dtype())), grad);
}
Tensor randn_like(const Tensor& x, OptDType dtype, bool grad) {
  return leaf(randn(x.shape(), dtype.value_or(x.dtype())), grad);
}

Tensor randint_between(int64_t low, int64_t high, IntSpan size, Generator* g, OptDType dtype, bool grad) {
  const DType to = dtype.value_or(DType::kInt64);
  const uint64_t range = integer_range("randint", low, high, to);
  const Tensor x = Tensor::empty(size, to);
  fill_integers(x, low, range, g);
  return leaf(x, grad);
}
Tensor randint(int64_t high, IntSpan size, Generator* g, OptDType dtype, bool grad) {
  return randint_between(0, high, size, g, dtype, grad);
}
Tensor randint_like_between(const Tensor& x, int64_t low, int64_t high, OptDType dtype, bool grad) {
  return randint_between(low, high, x.shape(), nullptr, dtype.value_or(x.dtype()), grad);
}
Tensor randint_like(const Tensor& x, int64_t high, OptDType dtype, bool grad) {
  return randint_like_between(x, 0, high, dtype, grad);
}
Tensor randperm_op(int64_t n, Generator* g, OptDType dtype) {
  return randperm(n, dtype.value_or(DType::kInt64), g);
}

// mean + std * z with z normal; both broadcast.
Tensor normal_of(const Tensor& mean, const Tensor& std, Generator* generator) {
  const DType dtype = mean.is_wrapped_number()  ? std.dtype()
                      : std.is_wrapped_number() ? mean.dtype()
                                                : promote_types(mean.dtype(), std.dtype());
  check_floating("normal", dtype);
  const Dims shape = broadcast_shapes("normal", mean.shape(), std.shape());
  NoGradGuard guard;
  const auto dense = [&](const Tensor& t) { return contiguous(expand(cast(t, DType::kFloat64), shape)); };
  const Tensor m = dense(mean), s = dense(std), z = Tensor::empty(shape, dtype);
  if (!z.has_values()) return z;
  for (int64_t i = 0; i < s.numel(); ++i) {
    PLAIT_CHECK(s.data<double>()[i] >= 0, kValue, "normal: expected std of at least 0, got ",
                s.data<double>()[i]);
  }
  fill_normal(z, 0, 1, generator);
  shift_normal(dtype, z.data_ptr(), z.numel(), m.data<double>(), s.data<double>());
  return z;
}
Tensor normal_std(const Tensor& mean, double std, Generator* g) {
  return normal_of(mean, Tensor::scalar(std, DType::kFloat64, true), g);
}
Tensor normal_mean(double mean, const Tensor& std, Generator* g) {
  return normal_of(Tensor::scalar(mean, DType::kFloat64, true), std, g);
}
Tensor normal_size(double mean, double std, IntSpan size, Generator* g, OptDType dtype, bool grad) {
  PLAIT_CHECK(std >= 0, kValue, "normal: expected std of at least 0, got ", std);
  const DType to = dtype.value_or(default_dtype());
  check_floating("normal", to);
  const Tensor x = Tensor::empty(size, to);
  fill_normal(x, mean, std, g);
  return leaf(x, grad);
}

// Per row of probabilities (not normalised).
Tensor multinomial(const Tensor& p, int64_t num_samples, bool replacement, Generator* generator) {
  check_floating("multinomial", p.dtype());
  PLAIT_CHECK(p.dim() == 1 || p.dim() == 2, kValue,
              "multinomial: expected probabilities of 1 or 2 dimensions, got shape ", p.shape());
  const int64_t n = p.shape().back(), rows = p.dim() == 2 ? p.shape()[0] : 1;
  PLAIT_CHECK(num_samples > 0, kValue, "multinomial: expected num_samples greater than 0, got ", num_samples);
  PLAIT_CHECK(n > 0, kValue, "multinomial: expected at least one category, got shape ", p.shape());
  PLAIT_CHECK(replacement || num_samples <= n, kValue, "multinomial: cannot draw ", num_samples, " of ", n,
              " categories without replacement");
  NoGradGuard guard;
  const Tensor weights = contiguous(cast(p, DType::kFloat64));
  for (int64_t r = 0; weights.has_values() && r < rows; ++r) {
    const double* w = weights.data<double>() + r * n;
    double sum = 0;
    int64_t positive = 0;
    for (int64_t i = 0; i < n; ++i) {
      PLAIT_CHECK(w[i] >= 0 && std::isfinite(w[i]), kValue,
                  "multinomial: expected finite probabilities of at least 0, got ", w[i], " in row ", r);
      sum += w[i];
      positive += w[i] > 0;
    }
    PLAIT_CHECK(sum > 0, kValue, "multinomial: the probabilities of row ", r, " sum to 0");
    PLAIT_CHECK(replacement || positive >= num_samples, kValue, "multinomial: cannot draw ", num_samples,
                " categories without replacement, only ", positive, " of row ", r,
                " have a probability above 0");
  }
  Dims shape = p.shape();
  shape.back() = num_samples;
  const Tensor y = Tensor::empty(shape, DType::kInt64);
  const int64_t draws = replacement ? num_samples : n;
  if (!y.has_values()) return y;
  const Tensor u = Tensor::empty({rows, draws}, DType::kFloat64);
  fill_from_uniform(u, generator, [](double v) { return v; });
  draw_categories(
      {weights.data<double>(), u.data<double>(), y.data<int64_t>(), rows, n, num_samples, replacement});
  return y;
}

const RegisterOps kOps{
    {"rand(int[] size, *, Generator? generator=None, Dtype? dtype=None, any layout=None, Device? "
     "device=None, bool "
     "requires_grad=False, any pin_memory=False) -> Tensor",
     "foc", PLAIT_BOX(rand_op), R"(Random numbers, uniform in [0, 1).

Of the default float unless `dtype` is given. The numbers depend on the generator's seed and position, not on the
number of threads.

Raises:
    TypeError: a dtype that is not floating-point.

Example:
    >>> g = plait.Generator().manual_seed(0)
    >>> plait.rand(2, 3, generator=g).shape
    plait.Size([2, 3]))"},
    {"randn(int[] size, *, Generator? generator=None, Dtype? dtype=None, any layout=None, Device? "
     "device=None, bool "
     "requires_grad=False, any pin_memory=False) -> Tensor",
     "foc", PLAIT_BOX(randn_op), R"(Random numbers, normal with mean 0 and standard deviation 1.

Of the default float unless `dtype` is given. Made by Box and Muller's transform (1958).

Raises:
    TypeError: a dtype that is not floating-point.

Example:
    >>> plait.randn(2, 3).shape
    plait.Size([2, 3]))"},
    {"rand_like(Tensor input, *, Dtype? dtype=None, any layout=None, Device? device=None, bool "
     "requires_grad=False, any "
     "memory_format=None) -> Tensor",
     "fc", PLAIT_BOX(rand_like), R"(Random numbers uniform in [0, 1), of the shape and dtype of `input`.

Example:
    >>> plait.rand_like(plait.zeros(3)).shape
    plait.Size([3]))"},
    {"randn_like(Tensor input, *, Dtype? dtype=None, any layout=None, Device? device=None, bool "
     "requires_grad=False, "
     "any memory_format=None) -> Tensor",
     "fc", PLAIT_BOX(randn_like),
     R"(Normal random numbers of mean 0 and deviation 1, of the shape and dtype of `input`.

Example:
    >>> plait.randn_like(plait.zeros(3)).shape
    plait.Size([3]))"},
    {"randint(int high, int[] size, *, Generator? generator=None, Dtype? dtype=None, any layout=None, "
     "Device? device=None, bool requires_grad=False, any pin_memory=False) -> Tensor",
     "fo", PLAIT_BOX(randint),
     R"(Random integers from `low` (default 0) up to but without `high`, all equally likely.

int64 unless `dtype` is given.

Raises:
    ValueError: unless low < high, and when the numbers do not fit the dtype.

Example:
    >>> bool((plait.randint(3, 5, (100,)) < 5).all())
    True)"},
    {"randint(int low, int high, int[] size, *, Generator? generator=None, Dtype? dtype=None, any "
     "layout=None, Device? "
     "device=None, bool requires_grad=False, any pin_memory=False) -> Tensor",
     "fo", PLAIT_BOX(randint_between), ""},
    {"randint_like(Tensor input, int high, *, Dtype? dtype=None, any layout=None, Device? device=None, bool "
     "requires_grad=False, any memory_format=None) -> Tensor",
     "f", PLAIT_BOX(randint_like), R"(Random integers of the shape and dtype of `input`; see `randint`.

Example:
    >>> plait.randint_like(plait.zeros(3), 10).shape
    plait.Size([3]))"},
    {"randint_like(Tensor input, int low, int high, *, Dtype? dtype=None, any layout=None, Device? "
     "device=None, bool "
     "requires_grad=False, any memory_format=None) -> Tensor",
     "f", PLAIT_BOX(randint_like_between), ""},
    {"randperm(int n, *, Generator? generator=None, Dtype? dtype=None, any layout=None, "
     "Device? device=None, bool requires_grad=False, any pin_memory=False) -> Tensor",
     "fo", PLAIT_BOX(+[](int64_t n, Generator* g, OptDType dtype, bool) { return randperm_op(n, g, dtype); }),
     R"(The numbers 0 to n - 1 in random order, all orders equally likely.

int64 unless `dtype` is given.

Raises:
    ValueError: a negative n and one that the dtype cannot count to.

Example:
    >>> plait.randperm(4).sort().values
    tensor([0, 1, 2, 3]))"},
    {"normal(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor", "fo", PLAIT_BOX(normal_of),
     R"(Normal random numbers with the given means and standard deviations.

`mean` and `std` are tensors that broadcast against each other, or one of them a number; with two numbers `size` gives
the shape. No gradient flows to them.

Raises:
    ValueError: a negative std.

Example:
    >>> plait.normal(plait.zeros(3), 1.0).shape
    plait.Size([3])
    >>> plait.normal(0.0, 1.0, size=(2, 2)).shape
    plait.Size([2, 2]))"},
    {"normal(Tensor mean, float std=1.0, *, Generator? generator=None) -> Tensor", "fo",
     PLAIT_BOX(normal_std), ""},
    {"normal(float mean, Tensor std, *, Generator? generator=None) -> Tensor", "fo", PLAIT_BOX(normal_mean),
     ""},
    {"normal(float mean, float std, int[] size, *, Generator? generator=None, Dtype? dtype=None, "
     "any layout=None, Device? device=None, any pin_memory=False, bool requires_grad=False) -> Tensor",
     "fo", PLAIT_BOX(normal_size), ""},
    {"bernoulli(Tensor input, *, Generator? generator=None) -> Tensor", "fmo", PLAIT_BOX(bernoulli),
     R"(1 with probability input[i], else 0, in the dtype of `input`.

With a number `p` it is the probability everywhere and `input` gives shape and dtype only.

Raises:
    ValueError: a probability outside [0, 1].

Example:
    >>> plait.bernoulli(plait.tensor([0.0, 1.0]))
    tensor([0., 1.]))"},
    {"bernoulli(Tensor input, float p, *, Generator? generator=None) -> Tensor", "fm", PLAIT_BOX(bernoulli_p),
     ""},
    {"bernoulli_(Tensor self, float p=0.5, *, Generator? generator=None) -> Tensor", "m",
     PLAIT_BOX(bernoulli_p_),
     R"(Set every element to 1 with probability `p`, a number or a tensor that broadcasts, else to 0.

Raises:
    ValueError: a probability outside [0, 1].

Example:
    >>> plait.zeros(3).bernoulli_(1.0)
    tensor([1., 1., 1.]))"},
    {"bernoulli_(Tensor self, Tensor p, *, Generator? generator=None) -> Tensor", "m",
     PLAIT_BOX(bernoulli_tensor_), ""},
    {"multinomial(Tensor input, int num_samples, "
     "bool replacement=False, *, Generator? generator=None) -> Tensor",
     "fmox", PLAIT_BOX(multinomial), R"(Draw category numbers by the probabilities in each row of `input`.

`input` has 1 or 2 dimensions and need not be normalised. The result, int64, has `num_samples` as its last size. Without
replacement no category comes twice in a row.

Raises:
    ValueError: negative or infinite probabilities, rows that sum to 0, and more samples than categories.

Example:
    >>> plait.multinomial(plait.tensor([0.0, 1.0]), 3, replacement=True)
    tensor([1, 1, 1]))"},
    {"uniform_(Tensor self, float from=0.0, float to=1.0, *, Generator? generator=None) -> Tensor", "mc",
     PLAIT_BOX(uniform_), R"(Fill this tensor with random numbers, uniform in [from, to).

Raises:
    TypeError: a dtype that is not floating-point.
    ValueError: unless from <= to.

Example:
    >>> plait.empty(3).uniform_(-1, 1).shape
    plait.Size([3]))"},
    {"normal_(Tensor self, float mean=0.0, float std=1.0, *, Generator? generator=None) -> Tensor", "mc",
     PLAIT_BOX(normal_), R"(Fill this tensor with normal random numbers.

Raises:
    TypeError: a dtype that is not floating-point.
    ValueError: a negative std.

Example:
    >>> plait.empty(3).normal_(0, 0.1).shape
    plait.Size([3]))"},
    {"log_normal_(Tensor self, float mean=1.0, float std=2.0, *, Generator? generator=None) -> Tensor", "m",
     PLAIT_BOX(log_normal_),
     R"(Fill this tensor with numbers whose logarithm is normal with `mean` and `std`.

Raises:
    TypeError: a dtype that is not floating-point.
    ValueError: unless std > 0.

Example:
    >>> bool((plait.empty(3).log_normal_() > 0).all())
    True)"},
    {"cauchy_(Tensor self, float median=0.0, float sigma=1.0, *, Generator? generator=None) -> Tensor", "m",
     PLAIT_BOX(cauchy_), R"(Fill this tensor with Cauchy random numbers of the given median and scale.

Raises:
    TypeError: a dtype that is not floating-point.
    ValueError: unless sigma > 0.

Example:
    >>> plait.empty(3).cauchy_().shape
    plait.Size([3]))"},
    {"exponential_(Tensor self, float lambd=1.0, *, Generator? generator=None) -> Tensor", "m",
     PLAIT_BOX(exponential_), R"(Fill this tensor with exponential random numbers of rate `lambd`.

Raises:
    TypeError: a dtype that is not floating-point.
    ValueError: unless lambd > 0.

Example:
    >>> bool((plait.empty(3).exponential_() > 0).all())
    True)"},
    {"geometric_(Tensor self, float p, *, Generator? generator=None) -> Tensor", "m", PLAIT_BOX(geometric_),
     R"(Fill this tensor with the number of trials up to the first success, of probability `p` each.

Raises:
    ValueError: unless 0 < p <= 1.

Example:
    >>> plait.empty(3).geometric_(1.0)
    tensor([1., 1., 1.]))"},
    {"random_(Tensor self, *, Generator? generator=None) -> Tensor", "m", PLAIT_BOX(random_),
     R"(Fill this tensor with random whole numbers of [from, to), all equally likely.

`from` defaults to 0, `to` to the end of what the dtype can hold exactly.

Raises:
    ValueError: unless from < to, and when the numbers do not fit the dtype.

Example:
    >>> bool((plait.zeros(9, dtype=plait.int64).random_(1, 3) >= 1).all())
    True)"},
    {"random_(Tensor self, int to, *, Generator? generator=None) -> Tensor", "m",
     PLAIT_BOX(+[](const Tensor& x, int64_t to, Generator* g) { return random_between_(x, 0, to, g); }), ""},
    {"random_(Tensor self, int from, int to, *, Generator? generator=None) -> Tensor", "m",
     PLAIT_BOX(random_between_), ""},
};

}  // namespace
}  // namespace plait
