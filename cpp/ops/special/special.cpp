// SPDX-License-Identifier: MIT
// The special functions, expanded from special.def: value, gradient, in-place form, registration.
#include "ops/special/special.h"

#include <string>
#include <string_view>

#include "autograd/op.h"
#include "kernels/special/special.h"
#include "kernels/special/special_kernel.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_composite.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/registry.h"

namespace plait {
namespace {

constexpr double kPi = 3.14159265358979323846, kRootPi = 1.77245385090551602730,
                 kRootTwoPi = 2.50662827463100050242, kRootHalf = 0.70710678118654752440;

// ---- What derivatives are written with ----

constexpr struct None {
} none;

// y / x, and its limit where x is 0.
Tensor over(const Tensor& y, const Tensor& x, double limit) {
  const Tensor zero = eq(x, Scalar(0));
  return where(zero, Scalar(limit).to_tensor(), y / where(zero, Scalar(1).to_tensor(), x));
}

// dU_n/dx = ((n + 1) T_{n+1} - x U_n) / (x^2 - 1), and n (n + 1) (n + 2) / 3 x^(n + 1) at the ends.
Tensor chebyshev_u_slope(const Tensor& x, const Tensor& n) {
  const Tensor above = add(n, 1), square = sub(x * x, 1), end = eq(square, Scalar(0));
  const Tensor inside = (above * chebyshev_polynomial_t(x, above) - x * chebyshev_polynomial_u(x, n)) /
                        where(end, Scalar(1).to_tensor(), square);
  return where(end, mul(n * above * add(n, 2), 1. / 3) * chebyshev_polynomial_t(x, above), inside);
}

// Operand i in the dtype that the op computed in.
Tensor operand(const OpContext& ctx, size_t i, const Tensor& gy) {
  return cast(composite::operand(ctx, i, gy), compute_dtype(gy.dtype()));
}

// ---- The ops ----

template <auto kFunction>
Tensor run(const char* name, std::initializer_list<const Tensor*> xs, const Tensor& destination) {
  const DType dtype = float_type(result_type(xs)), compute = compute_dtype(dtype);
  PointwiseCall call{name, special::find_kernel<kFunction>(compute), dtype, compute, compute, dtype};
  call.cost = special::kCost<kFunction>;
  return run_pointwise_call(call, xs, {}, destination);
}

enum class Keeps { X, XY };

template <auto kDerivative>
constexpr bool kExists = !std::is_same_v<decltype(kDerivative(Tensor(), Tensor())), None>;

template <auto kFunction, Keeps kKeeps, auto, const char* kName>
struct Unary {
  static constexpr OpMeta meta{kName};

  static Tensor forward(OpContext& ctx, const Tensor& x) {
    ctx.save(x);
    const Tensor y = run<kFunction>(kName, {&x}, ctx.destination());
    if (kKeeps == Keeps::XY) ctx.save_result(y);
    return y;
  }
};
template <auto kFunction, Keeps kKeeps, auto kDerivative, const char* kName>
struct DifferentiableUnary : Unary<kFunction, kKeeps, kDerivative, kName> {
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    const Tensor y = kKeeps == Keeps::XY ? operand(ctx, 1, gy) : Tensor();
    return {gy * kDerivative(operand(ctx, 0, gy), y)};
  }
};
template <auto kFunction, Keeps kKeeps, auto kDerivative, const char* kName>
using UnaryOp =
    std::conditional_t<kExists<kDerivative>, DifferentiableUnary<kFunction, kKeeps, kDerivative, kName>,
                       Unary<kFunction, kKeeps, kDerivative, kName>>;

template <auto kFunction, auto kA, auto kB, const char* kName>
struct Binary {
  static constexpr OpMeta meta{kName};

  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b) {
    PLAIT_CHECK(!(a.is_wrapped_number() && b.is_wrapped_number()), kType, kName,
                ": expected a tensor, got two numbers");
    if (ctx.recording() && ((!kExists<kA> && requires_grad(a)) || (!kExists<kB> && requires_grad(b)))) {
      detail::no_derivative(kName);
    }
    ctx.save(a, b);
    return run<kFunction>(kName, {&a, &b}, ctx.destination());
  }
};
template <auto kFunction, auto kA, auto kB, const char* kName>
struct DifferentiableBinary : Binary<kFunction, kA, kB, kName> {
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    const Tensor a = operand(ctx, 0, gy), b = operand(ctx, 1, gy);
    Grads g(2);
    if constexpr (kExists<kA>) {
      if (ctx.needs_grad(0)) g[0] = gy * kA(a, b);
    }
    if constexpr (kExists<kB>) {
      if (ctx.needs_grad(1)) g[1] = gy * kB(a, b);
    }
    return g;
  }
};
template <auto kFunction, auto kA, auto kB, const char* kName>
using BinaryOp =
    std::conditional_t<kExists<kA> || kExists<kB>, DifferentiableBinary<kFunction, kA, kB, kName>,
                       Binary<kFunction, kA, kB, kName>>;

#define PLAIT_SPECIAL(name, where, keeps, derivative, ...)                                                   \
  constexpr char k_##name[] = #name;                                                                         \
  using Op_##name =                                                                                          \
      UnaryOp<special::name, Keeps::keeps,                                                                   \
              []([[maybe_unused]] const Tensor& x, [[maybe_unused]] const Tensor& y) { return derivative; }, \
              k_##name>;
#define PLAIT_SPECIAL_BINARY(name, where, operands, da, db, ...)                                            \
  constexpr char k_##name[] = #name;                                                                        \
  using Op_##name = BinaryOp<                                                                               \
      special::name, []([[maybe_unused]] const Tensor& a, [[maybe_unused]] const Tensor& b) { return da; }, \
      []([[maybe_unused]] const Tensor& a, [[maybe_unused]] const Tensor& b) { return db; }, k_##name>;
#include "ops/special/special.def"

}  // namespace

#define PLAIT_SPECIAL(name, ...) \
  Tensor name(const Tensor& x) { return apply<Op_##name>(x); }
#define PLAIT_SPECIAL_BINARY(name, ...) \
  Tensor name(const Tensor& a, const Tensor& b) { return apply<Op_##name>(a, b); }
#include "ops/special/special.def"

namespace {

// ---- Registration ----

template <class Op, class... Tensors>
Tensor in_place(const Tensor& x, const Tensors&... others) {
  return apply_inplace<Op>(x, others...);
}

struct Entry {
  std::string_view name, where, operands;
  BoxedOp call, in_place;
  const char *summary, *accuracy, *a, *b, *result;
};

constexpr Entry kEntries[] = {
#define PLAIT_SPECIAL(name, where, keeps, derivative, summary, accuracy, a, result) \
  {#name,                                                                           \
   where,                                                                           \
   "input",                                                                         \
   PLAIT_BOX(static_cast<Tensor (*)(const Tensor&)>(plait::name)),                  \
   PLAIT_BOX(in_place<Op_##name>),                                                  \
   summary,                                                                         \
   accuracy,                                                                        \
   a,                                                                               \
   nullptr,                                                                         \
   result},
#define PLAIT_SPECIAL_BINARY(name, where, operands, da, db, summary, accuracy, a, b, result) \
  {#name,                                                                                    \
   where,                                                                                    \
   operands,                                                                                 \
   PLAIT_BOX(static_cast<Tensor (*)(const Tensor&, const Tensor&)>(plait::name)),            \
   PLAIT_BOX((in_place<Op_##name, Tensor>)),                                                 \
   summary,                                                                                  \
   accuracy,                                                                                 \
   a,                                                                                        \
   b,                                                                                        \
   result},
#include "ops/special/special.def"
};
constexpr struct {
  std::string_view alias, name, where;
} kAliases[] = {
#define PLAIT_SPECIAL_ALIAS(alias, name, where) {#alias, #name, where},
#include "ops/special/special.def"
};

std::string documentation(const Entry& e, const std::string& name, std::string_view where) {
  std::string doc = e.summary;
  doc += e.b ? "\n\nShapes broadcast, dtypes promote; a is `input` and b or n is `" +
                   std::string(e.operands.substr(e.operands.find(' ') + 1)) +
                   "`, one of them may be a number. "
             : "\n\nThe result has the shape of `input`. ";
  doc += "Integers and bool are computed as the default float dtype. In float64 the error is at most ";
  doc += std::string(e.accuracy) + "; the other dtypes are rounded once.\n\nExample:\n    >>> plait.";
  if (where.find('s') != where.npos) doc += "special.";
  doc += name + "(plait.tensor([" + e.a + "])" + (e.b ? ", plait.tensor([" + std::string(e.b) + "])" : "");
  return doc + ")\n    " + e.result + "\n";
}

void register_as(const Entry& e, const std::string& name, std::string_view where) {
  std::string places;
  for (const char c : where) {
    if (c != 'i') places += c;
  }
  const char* const prefix = where.find('s') != where.npos ? "special_" : where == "p" ? "_" : "";
  const size_t comma = e.operands.find(',');
  const auto signature = [&](const char* suffix, const char* first) {
    std::string text = prefix + name + suffix + "(" + first + " " + std::string(e.operands.substr(0, comma));
    if (e.b) text += ", Operand" + std::string(e.operands.substr(comma + 1));
    return text + ") -> Tensor";
  };
  register_op(signature("", e.b ? "Operand" : "Tensor"), places, e.call, documentation(e, name, where));
  if (where.find('i') != where.npos) {
    register_op(signature("_", "Tensor"), where.find('m') != where.npos ? "fm" : "f", e.in_place,
                "The in-place form of " + name + ": write the result into `input` and return it.");
  }
}

const bool kRegistered = [] {
  for (const Entry& e : kEntries) {
    register_as(e, std::string(e.name), e.where);
    for (const auto& [alias, name, where] : kAliases) {
      if (name == e.name) register_as(e, std::string(alias), where);
    }
  }
  return true;
}();

}  // namespace
}  // namespace plait
