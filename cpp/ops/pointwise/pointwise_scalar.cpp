// SPDX-License-Identifier: MIT
// Functions that are computed one element at a time, by loops of bits or digits.
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <tuple>
#include <type_traits>

#include "autograd/op.h"
#include "core/parallel.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

constexpr int64_t kGrain = 4096;  // a Euclidean algorithm or a call of libm for each element

// out[i] = f(a[i], b[i]) over the broadcast shape.
template <class T, class F>
Tensor each_pair(const char* name, const Tensor& a, const Tensor& b, F f) {
  const Dims shape = broadcast_shapes(name, a.shape(), b.shape());
  const Tensor x = contiguous(expand(cast(a, DTypeOf<T>::value), shape)),
               z = contiguous(expand(cast(b, DTypeOf<T>::value), shape));
  const Tensor y = Tensor::empty(shape, DTypeOf<T>::value);
  if (y.is_meta()) return y;
  parallel_for(y.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y.data<T>()[i] = f(x.data<T>()[i], z.data<T>()[i]);
  });
  return y;
}

// ---- Common divisors and multiples ----

// |x| without overflow for the most negative number.
template <class T>
auto magnitude(T x) {
  using U = std::make_unsigned_t<T>;
  return static_cast<U>(x < 0 ? U{0} - static_cast<U>(x) : static_cast<U>(x));
}

struct Gcd {
  static constexpr OpMeta meta{"gcd"};
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(std::gcd(magnitude(a), magnitude(b)));
  }
};
struct Lcm {  // |a b| / gcd(a, b); wraps where it does not fit
  static constexpr OpMeta meta{"lcm"};
  template <class T>
  static T f(T a, T b) {
    const uint64_t x = magnitude(a), z = magnitude(b), divisor = std::gcd(x, z);
    return divisor == 0 ? T{0} : static_cast<T>(x / divisor * z);
  }
};

template <class F>
struct OfIntegers {
  static constexpr OpMeta meta = F::meta;
  static Tensor forward(OpContext&, const Tensor& a, const Tensor& b) {
    const DType dtype = result_type(a, b);
    PLAIT_CHECK(is_integral(dtype) && dtype != DType::kBool, kType, meta.name, ": expected integers, got ",
                dtype_name(a.dtype()), " and ", dtype_name(b.dtype()));
    return dispatch(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        return each_pair<T>(meta.name, a, b, [](T x, T z) { return F::f(x, z); });
      } else {
        return Tensor();  // not reached
      }
    });
  }
};

// ---- Neighbours and parts of floats ----

template <class T>
bool is_nan(T x) {
  return std::isnan(convert<double>(x));
}

// The bits of a float in an order that is that of the values; both zeros are 0.
template <class Bits>
Bits in_order(Bits bits) {
  return bits >= 0 ? bits : static_cast<Bits>(std::numeric_limits<Bits>::min() - bits);
}

template <class T>
T next_towards(T x, T to) {
  using Bits =
      std::conditional_t<sizeof(T) == 2, int16_t, std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>;
  if (is_nan(x) || is_nan(to)) return convert<T>(convert<double>(x) + convert<double>(to));
  const Bits from = in_order(std::bit_cast<Bits>(x)), end = in_order(std::bit_cast<Bits>(to));
  if (from == end) return to;
  const auto next = static_cast<Bits>(from + (from < end ? 1 : -1));
  return std::bit_cast<T>(next == 0 && from < 0 ? std::numeric_limits<Bits>::min() : in_order(next));
}

struct Nextafter {
  static constexpr OpMeta meta{"nextafter"};
  static Tensor forward(OpContext&, const Tensor& a, const Tensor& b) {
    const DType dtype = result_type(a, b);
    PLAIT_CHECK(is_floating(dtype), kType, "nextafter: expected a floating-point dtype, got ",
                dtype_name(a.dtype()), " and ", dtype_name(b.dtype()));
    return dispatch_float(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      return each_pair<T>("nextafter", a, b, [](T x, T to) { return next_towards(x, to); });
    });
  }
  // ga = gy, gb = 0
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    return {gy, ctx.needs_grad(1) ? zeros_like(gy) : Tensor()};
  }
};

// x = mantissa 2^exponent, 0.5 <= |mantissa| < 1
struct Frexp {
  static constexpr OpMeta meta{"frexp"};
  static std::tuple<Tensor, Tensor> forward(OpContext& ctx, const Tensor& x) {
    const Tensor dense = contiguous(x);
    const Tensor mantissa = Tensor::empty(x.shape(), x.dtype()),
                 exponent = Tensor::empty(x.shape(), DType::kInt32);
    const auto split = [&](auto tag) {
      using T = typename decltype(tag)::type;
      parallel_for(x.numel(), kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          int e = 0;
          mantissa.data<T>()[i] = convert<T>(std::frexp(convert<double>(dense.data<T>()[i]), &e));
          exponent.data<int32_t>()[i] = e;
        }
      });
    };
    if (mantissa.has_values()) dispatch_float(x.dtype(), split);
    ctx.save(exponent);
    return {mantissa, exponent};
  }
  // gx = gy / 2^exponent
  static Grads backward(OpContext& ctx, const Grads& gys) {
    if (!gys[0].defined()) return {Tensor()};
    return {div(gys[0], exp2(cast(ctx.saved(0), gys[0].dtype())))};
  }
};

std::tuple<Tensor, Tensor> frexp(const Tensor& x) {
  PLAIT_CHECK(x.is_floating(), kType, "frexp: expected a floating-point dtype, got ", dtype_name(x.dtype()));
  return apply<Frexp>(x);
}

template <class Op>
Tensor of_pair(const Tensor& a, const Tensor& b) {
  return apply<Op>(a, b);
}
template <class Op>
Tensor of_pair_(const Tensor& a, const Tensor& b) {
  return apply_inplace<Op>(a, b);
}

const RegisterOps kOps{
    {"gcd(Tensor input, Tensor other) -> Tensor", "fmo", PLAIT_BOX(of_pair<OfIntegers<Gcd>>),
     R"(The greatest common divisor, not negative; that of 0 and 0 is 0.

Both are integers of any shapes that broadcast; dtypes promote.

Raises:
    TypeError: floats or bools.
    ValueError: the shapes do not broadcast.

Example:
    >>> plait.gcd(plait.tensor([12, -9]), plait.tensor([18, 6]))
    tensor([6, 3]))"},
    {"gcd_(Tensor input, Tensor other) -> Tensor", "fm", PLAIT_BOX(of_pair_<OfIntegers<Gcd>>),
     "The in-place form of gcd: write the result into `input` and return it."},
    {"lcm(Tensor input, Tensor other) -> Tensor", "fmo", PLAIT_BOX(of_pair<OfIntegers<Lcm>>),
     R"(The least common multiple, not negative; 0 where one of them is 0. A result too large for the dtype wraps.

Both are integers of any shapes that broadcast; dtypes promote.

Raises:
    TypeError: floats or bools.
    ValueError: the shapes do not broadcast.

Example:
    >>> plait.lcm(plait.tensor([4, -3]), plait.tensor([6, 5]))
    tensor([12, 15]))"},
    {"lcm_(Tensor input, Tensor other) -> Tensor", "fm", PLAIT_BOX(of_pair_<OfIntegers<Lcm>>),
     "The in-place form of lcm: write the result into `input` and return it."},
    {"nextafter(Tensor input, Tensor other) -> Tensor", "fmo", PLAIT_BOX(of_pair<Nextafter>),
     R"(The neighbour of each element of `input`, among the numbers of its dtype, in the direction of `other`.

`other` itself where both are equal, NaN where one of them is. Shapes broadcast and dtypes promote. The gradient
of `input` is that of the result, that of `other` 0.

Raises:
    TypeError: integers.
    ValueError: the shapes do not broadcast.

Example:
    >>> x = plait.ones(1)
    >>> plait.nextafter(x, plait.tensor([2.0])) - x
    tensor([1.1921e-07]))"},
    {"nextafter_(Tensor input, Tensor other) -> Tensor", "m", PLAIT_BOX(of_pair_<Nextafter>),
     "The in-place form of nextafter: write the result into `input` and return it."},
    {"frexp(Tensor input) -> (Tensor mantissa, Tensor exponent)", "fmo", PLAIT_BOX(frexp),
     R"(Each element as mantissa * 2**exponent, with a mantissa of 0.5 to 1 in size and an int32 exponent.

Both are 0 for 0; infinities and NaN are their own mantissa.

Raises:
    TypeError: integers.

Example:
    >>> plait.frexp(plait.tensor([8.0, 0.75]))[1]
    tensor([4, 0], dtype=plait.int32))"},
};

}  // namespace
}  // namespace plait
