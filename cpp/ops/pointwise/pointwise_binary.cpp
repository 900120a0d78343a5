// SPDX-License-Identifier: MIT
// The operators of two operands, expanded from kernels/pointwise/pointwise.def: value, gradient, in-place
// form, registration. Arithmetic, whose signatures have more to say, is in pointwise_arith.cpp.
#include <cstring>
#include <string>
#include <string_view>

#include "autograd/op.h"
#include "ops/complex/complex.h"
#include "ops/create/create.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_composite.h"
#include "ops/pointwise/pointwise_op.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/registry.h"

namespace plait {

void check_divisor(const char* name, const Tensor& b, DType dtype) {
  if (is_differentiable(dtype)) return;
  const Tensor zeros = run_pointwise_test(Pointwise::kLogicalNot, name, b.dtype(), {&b});
  if (zeros.is_meta()) return;
  PLAIT_CHECK(!std::memchr(zeros.data_ptr(), 1, static_cast<size_t>(zeros.numel())), kRuntime, name,
              ": ZeroDivisionError: integer division by zero");
}

void check_has_tensor(const char* name, const Tensor& a, const Tensor& b) {
  PLAIT_CHECK(!(a.is_wrapped_number() && b.is_wrapped_number()), kType, name,
              ": expected a Tensor among the operands, got two numbers");
}

namespace {

// P: parameters, numbers behind the two operands. F: the functor over Tensors.
template <class F, Pointwise kOp, Types kTypes, Gradient kGradient, const char* kName, class... P>
struct Binary {
  static constexpr OpMeta meta{kName};
  static constexpr bool kDivides =
      kOp == Pointwise::kFloorDivide || kOp == Pointwise::kRemainder || kOp == Pointwise::kFmod;
  static constexpr Pointwise grad_op(int k) { return static_cast<Pointwise>(static_cast<int>(kOp) + 1 + k); }

  static Tensor forward(OpContext& ctx, const Tensor& a, const Tensor& b, P... p) {
    const DType common = result_type(a, b);
    if constexpr (is_test(kTypes)) {
      return run_pointwise_test(kOp, kName, common, {&a, &b}, ctx.destination());
    } else {
      const DType dtype = kTypes == Types::Float ? float_type(common) : common;
      if constexpr (kDivides) check_divisor(kName, b, dtype);
      if constexpr (kGradient != Gradient::None) ctx.save(a, b);
      return run_pointwise_op(kOp, kName, dtype, {&a, &b}, {p...}, ctx.destination());
    }
  }

  // ga = gy da(a, b, p...), gb = gy db(a, b, p...)
  static Grads backward(OpContext& ctx, const Tensor& gy, P... p) {
    Grads g(2);
    if constexpr (kGradient == Gradient::None) {
      for (size_t k = 0; k < 2; ++k) {
        if (ctx.needs_grad(k)) g[k] = zeros_like(gy);
      }
    } else {
      const Tensor a = composite::operand(ctx, 0, gy), b = composite::operand(ctx, 1, gy);
      if (ctx.needs_grad(0)) g[0] = gy * F::da(a, b, composite::parameter(p, gy)...);
      if (ctx.needs_grad(1)) {
        if constexpr (kGradient == Gradient::Fused) {
          g[1] = gy * F::db(a, b, composite::parameter(p, gy)...);
        } else {
          g[1] = zeros_like(gy);
        }
      }
    }
    return g;
  }
};

// With the kernels of gy da and gy db, which follow the op's own in the table.
template <class Op, Gradient kGradient, class... P>
struct FusedBinary : Op {
  static Grads fused_backward(OpContext& ctx, const Tensor& gy, P... p) {
    const Tensor a = ctx.saved(0), b = ctx.saved(1);
    const auto gradient = [&](int k) {
      return run_pointwise_op(Op::grad_op(k), Op::meta.name, gy.dtype(), {&gy, &a, &b}, {p...});
    };
    Grads g(2);
    if (ctx.needs_grad(0)) g[0] = gradient(0);
    if (ctx.needs_grad(1)) g[1] = kGradient == Gradient::Fused ? gradient(1) : zeros_like(gy);
    return g;
  }
};

template <class F, Pointwise kOp, Types kTypes, Gradient kGradient, const char* kName, class... P>
using BinaryOp =
    std::conditional_t<kGradient == Gradient::None, Binary<F, kOp, kTypes, kGradient, kName, P...>,
                       FusedBinary<Binary<F, kOp, kTypes, kGradient, kName, P...>, kGradient, P...>>;

#define PLAIT_BINARY(Name, name, types, gradient, ...) \
  constexpr char k##Name##Text[] = #name;              \
  using Name##Op =                                     \
      BinaryOp<composite::Name, Pointwise::k##Name, Types::types, Gradient::gradient, k##Name##Text>;
#include "kernels/pointwise/pointwise.def"

// Without a line of their own in Python: errors name the function that calls them.
constexpr char kSquaredDifferenceText[] = "mse_loss",
               kLogisticLossText[] = "binary_cross_entropy_with_logits", kPreluText[] = "prelu",
               kBinaryCrossEntropyText[] = "binary_cross_entropy";
using SquaredDifferenceOp = BinaryOp<composite::SquaredDifference, Pointwise::kSquaredDifference,
                                     Types::Number, Gradient::Fused, kSquaredDifferenceText>;
using LogisticLossOp = BinaryOp<composite::LogisticLoss, Pointwise::kLogisticLoss, Types::Float,
                                Gradient::Fused, kLogisticLossText>;
using BinaryCrossEntropyOp = BinaryOp<composite::BinaryCrossEntropy, Pointwise::kBinaryCrossEntropy,
                                      Types::Float, Gradient::Fused, kBinaryCrossEntropyText>;
constexpr char kHuberText[] = "huber_loss";
using HuberOp = BinaryOp<composite::Huber, Pointwise::kHuber, Types::Float, Gradient::Fused, kHuberText,
                         double, double, double>;
using PreluOp = BinaryOp<composite::Prelu, Pointwise::kPrelu, Types::Number, Gradient::Fused, kPreluText>;

}  // namespace

Tensor squared_difference(const Tensor& a, const Tensor& b) { return apply<SquaredDifferenceOp>(a, b); }
Tensor huber(const Tensor& a, const Tensor& b, double beta, double curvature, double slope) {
  return apply<HuberOp>(a, b, beta, curvature, slope);
}
Tensor logistic_loss(const Tensor& x, const Tensor& t) { return apply<LogisticLossOp>(x, t); }
Tensor probability_loss(const Tensor& x, const Tensor& t) { return apply<BinaryCrossEntropyOp>(x, t); }
Tensor prelu_of(const Tensor& x, const Tensor& weight) { return apply<PreluOp>(x, weight); }

namespace {

// m + log(1 + e^(n - m)), m the operand of the larger real part and n the other
Tensor complex_logaddexp(const Tensor& a, const Tensor& b) {
  const Tensor first = ge(real(a), real(b)), m = where(first, a, b), n = where(first, b, a);
  const Tensor same = eq(m, n);  // of two infinities there is no difference
  return add(m, log1p(exp(where(same, zeros_like(m), sub(n, m)))));
}

}  // namespace

// The results of tests are not differentiable: nothing is recorded.
#define PLAIT_BINARY(Name, name, types, ...)                                \
  Tensor name(const Tensor& a, const Tensor& b) {                           \
    if constexpr (Pointwise::k##Name == Pointwise::kLogaddexp) {            \
      if (a.is_complex() || b.is_complex()) return complex_logaddexp(a, b); \
    }                                                                       \
    if constexpr (is_test(Types::types)) {                                  \
      OpContext ctx;                                                        \
      return Name##Op::forward(ctx, a, b);                                  \
    } else {                                                                \
      return apply<Name##Op>(a, b);                                         \
    }                                                                       \
  }
#include "kernels/pointwise/pointwise.def"

namespace {

struct Entry {
  const char* name;
  Types types;
  Numbers numbers;
  std::string_view where;
  BoxedOp call, in_place;
  const char *summary, *example_a, *example_b, *result;
};

template <class Op>
Tensor in_place(const Tensor& a, const Tensor& b) {
  return apply_inplace<Op>(a, b);
}
// The operator as Python calls it.
template <Numbers kNumbers, const char* kName, Tensor (*kOperator)(const Tensor&, const Tensor&)>
Tensor checked(const Tensor& a, const Tensor& b) {
  if constexpr (kNumbers == Numbers::Either) check_has_tensor(kName, a, b);
  return kOperator(a, b);
}

constexpr Entry kEntries[] = {
#define PLAIT_BINARY(Name, name, types, gradient, numbers, where, ...) \
  {#name,                                                              \
   Types::types,                                                       \
   Numbers::numbers,                                                   \
   where,                                                              \
   PLAIT_BOX(checked<Numbers::numbers, k##Name##Text, plait::name>),   \
   PLAIT_BOX(in_place<Name##Op>),                                      \
   __VA_ARGS__},
#include "kernels/pointwise/pointwise.def"
};
struct Alias {
  const char *alias, *name;
  std::string_view where;
};
constexpr Alias kAliases[] = {
#define PLAIT_BINARY_ALIAS(alias, name, where) {#alias, #name, where},
#include "kernels/pointwise/pointwise.def"
};

std::string documentation(const Entry& e, const std::string& name) {
  static constexpr const char* kKinds[] = {"tensors", "the second a tensor or a number",
                                           "tensors or one of them a number", "tensors or numbers"};
  std::string doc = std::string(e.summary) + "\n\na is `input` and b is `other`, " +
                    kKinds[static_cast<int>(e.numbers)] + "; shapes broadcast";
  switch (e.types) {
    case Types::Test:
      doc += " and the result is bool. There is no gradient.";
      break;
    case Types::Float:
      doc += " and dtypes promote to a float.";
      break;
    case Types::Integer:
      doc += " and dtypes promote; floats raise TypeError.";
      break;
    case Types::Number:
      doc += " and dtypes promote; two bools raise TypeError.";
      break;
    default:
      doc += " and dtypes promote.";
  }
  return doc + " Shapes that do not broadcast raise ValueError.\n\nExample:\n    >>> plait." + name +
         "(plait.tensor([" + e.example_a + "]), plait.tensor([" + e.example_b + "]))\n    " + e.result + "\n";
}

void register_as(const Entry& e, const std::string& name, std::string_view where) {
  std::string places;
  for (const char c : where) {
    if (c != 'i') places += c;
  }
  const std::string first = e.numbers >= Numbers::Either ? "Operand" : "Tensor",
                    second = e.numbers >= Numbers::Other ? "Operand" : "Tensor";
  register_op(name + "(" + first + " input, " + second + " other) -> Tensor", places, e.call,
              documentation(e, name));
  if (where.find('i') != where.npos) {
    register_op(name + "_(Tensor input, " + second + " other) -> Tensor",
                where.find('c') == where.npos ? "fm" : "fmc", e.in_place,
                "The in-place form of " + name + ": write the result into `input` and return it.");
  }
}

const bool kRegistered = [] {
  for (const Entry& e : kEntries) {
    register_as(e, e.name, e.where);
    for (const Alias& a : kAliases) {
      if (std::string_view(a.name) == e.name) register_as(e, a.alias, a.where);
    }
  }
  return true;
}();

}  // namespace
}  // namespace plait
