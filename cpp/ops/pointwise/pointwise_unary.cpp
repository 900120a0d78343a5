// SPDX-License-Identifier: MIT
// The operators of one operand, expanded from kernels/pointwise/pointwise.def: value, gradient, in-place
// form, registration.
#include <string>
#include <string_view>

#include "autograd/op.h"
#include "ops/complex/complex.h"
#include "ops/copy.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_composite.h"
#include "ops/pointwise/pointwise_op.h"
#include "ops/pointwise/pointwise_run.h"
#include "ops/registry.h"

namespace plait {
namespace {

// One line of kernels/pointwise/pointwise.def. F: the functor over Tensors.
template <class F, Pointwise kOp, Types kTypes, Keeps kKeeps, const char* kName>
struct Unary {
  static constexpr OpMeta meta{kName};
  static constexpr Pointwise kGrad = static_cast<Pointwise>(static_cast<int>(kOp) + 1);

  static Tensor forward(OpContext& ctx, const Tensor& x) {
    const Tensor& to = ctx.destination();
    if constexpr (kTypes == Types::Test) {
      return run_pointwise_test(kOp, kName, x.dtype(), {&x}, to);
    } else if constexpr (kTypes == Types::FloatTest) {
      if (!x.is_differentiable()) return full_test(x, kOp == Pointwise::kIsFinite);
      return run_pointwise_test(kOp, kName, x.dtype(), {&x});
    } else {
      if (kOp == Pointwise::kAbs && x.is_complex()) return complex_abs(ctx, x);
      if (kTypes == Types::Round && is_integral(x.dtype())) {
        PLAIT_CHECK(x.dtype() != DType::kBool, kType, kName, ": expected a numeric dtype, got bool");
        return to.defined() ? to : clone(x);
      }
      const DType dtype = kTypes == Types::Float ? float_type(x.dtype()) : x.dtype();
      if constexpr (kKeeps == Keeps::Input) ctx.save(x);
      const Tensor y = run_pointwise_op(kOp, kName, dtype, {&x}, {}, to);
      if constexpr (kKeeps == Keeps::Result) ctx.save_result(y);
      return y;
    }
  }

  // gx = gy conj(df(kept)); of |z|: gy z / |z|
  static Grads backward(OpContext& ctx, const Tensor& gy) {
    if constexpr (kKeeps == Keeps::None) {
      return {kOp == Pointwise::kNeg ? neg(gy) : zeros_like(gy)};
    } else {
      const Tensor kept = ctx.saved(0);
      if (!kept.is_complex()) return {gy * F::df(kept)};
      return {gy * conj(complex_df(kept))};
    }
  }

 private:
  static Tensor complex_abs(OpContext& ctx, const Tensor& z) {
    PLAIT_CHECK(!ctx.destination().defined(), kType, "abs_: expected real numbers, got ",
                dtype_name(z.dtype()), "\nhint: the absolute value is of another dtype; use abs()");
    ctx.save(z);
    const DType real = to_real(z.dtype());
    return run_pointwise_call({.name = kName,
                               .fn = find_pointwise(kOp, z.dtype()),
                               .operands = z.dtype(),
                               .compute = z.dtype(),
                               .kernel_result = real,
                               .result = real,
                               .first_compute = z.dtype()},
                              {&z}, {}, Tensor());
  }
  // The derivative where the functor's text is for real numbers only.
  static Tensor complex_df(const Tensor& kept) {
    if constexpr (kOp == Pointwise::kAbs) {
      return conj(sgn(kept));
    } else if constexpr (kOp == Pointwise::kAcosh) {  // its two roots have branch cuts of their own
      return rsqrt(kept - ones_like(kept)) * rsqrt(kept + ones_like(kept));
    } else if constexpr (kOp == Pointwise::kSinc) {
      return complex_sinc_df(kept);
    } else {
      return F::df(kept);
    }
  }
  // (cos p - sinc z) / z, p = pi z; 0 at 0
  static Tensor complex_sinc_df(const Tensor& z) {
    const Tensor none = eq(z, int64_t{0}), safe = where(none, ones_like(z), z);
    return where(none, zeros_like(z), div(cos(mul(z, 3.14159265358979323846)) - sinc(z), safe));
  }
};

// With the kernel of gy df(kept), which follows the op's own in the table.
template <class Op>
struct FusedUnary : Op {
  static Grads fused_backward(OpContext& ctx, const Tensor& gy) {
    const Tensor kept = ctx.saved(0);
    if (kept.is_complex()) return Op::backward(ctx, gy);
    return {run_pointwise_op(Op::kGrad, Op::meta.name, gy.dtype(), {&gy, &kept})};
  }
};

template <class Op, Keeps kKeeps>
using WithKernel = std::conditional_t<kKeeps == Keeps::None, Op, FusedUnary<Op>>;

#define PLAIT_UNARY(Name, name, types, keeps, ...)                                                      \
  constexpr char k##Name##Text[] = #name;                                                               \
  using Name##Op =                                                                                      \
      WithKernel<Unary<composite::Name, Pointwise::k##Name, Types::types, Keeps::keeps, k##Name##Text>, \
                 Keeps::keeps>;
#include "kernels/pointwise/pointwise.def"

}  // namespace

// The results of tests are not differentiable: nothing is recorded. Some have no kernel for complex numbers.
#define PLAIT_UNARY(Name, name, types, ...)                                                      \
  Tensor name(const Tensor& x) {                                                                 \
    constexpr Pointwise op = Pointwise::k##Name;                                                 \
    if constexpr (is_test(Types::types)) {                                                       \
      OpContext ctx;                                                                             \
      return Name##Op::forward(ctx, x);                                                          \
    } else {                                                                                     \
      if constexpr (op == Pointwise::kSoftsign || op == Pointwise::kTanhshrink) {                \
        if (x.is_complex())                                                                      \
          return op == Pointwise::kSoftsign ? div(x, add(abs(x), int64_t{1})) : sub(x, tanh(x)); \
      }                                                                                          \
      return apply<Name##Op>(x);                                                                 \
    }                                                                                            \
  }
#include "kernels/pointwise/pointwise.def"

namespace {

struct Entry {
  const char* name;
  Types types;
  std::string_view where;
  BoxedOp call, in_place, choose;
  const char *summary, *example, *result;
};

template <class Op>
Tensor in_place(const Tensor& x) {
  return apply_inplace<Op>(x);
}
template <class Op>
Tensor choose(const Tensor& x, bool inplace) {
  return inplace ? apply_inplace<Op>(x) : apply<Op>(x);
}

constexpr Entry kEntries[] = {
#define PLAIT_UNARY(Name, name, types, keeps, where, ...) \
  {#name,                                                 \
   Types::types,                                          \
   where,                                                 \
   PLAIT_BOX(plait::name),                                \
   PLAIT_BOX(in_place<Name##Op>),                         \
   PLAIT_BOX(choose<Name##Op>),                           \
   __VA_ARGS__},
#include "kernels/pointwise/pointwise.def"
};
constexpr const char* kAliases[][2] = {
#define PLAIT_UNARY_ALIAS(alias, name) {#alias, #name},
#include "kernels/pointwise/pointwise.def"
};

std::string documentation(const Entry& e, const std::string& name, const char* module) {
  std::string doc = std::string(e.summary) + "\n\nThe result has the shape of `input`";
  switch (e.types) {
    case Types::Float:
      doc += "; integers and bool are computed as the default float dtype.";
      break;
    case Types::Test:
    case Types::FloatTest:
      doc += " and dtype bool. There is no gradient.";
      break;
    case Types::Round:
      doc += " and dtype; integers are returned as they are, bool raises TypeError.";
      break;
    case Types::NumberBool:
      doc += " and dtype.";
      break;
    default:
      doc += " and dtype; bool raises TypeError.";
  }
  return doc + "\n\nExample:\n    >>> " + module + "." + name + "(plait.tensor([" + e.example + "]))\n    " +
         e.result + "\n";
}

void register_as(const Entry& e, const std::string& name) {
  const bool inplace_argument = e.where.find('a') != e.where.npos;
  std::string places;
  for (const char c : e.where) {
    if (c == 'f' || c == 'm' || c == 'o' || c == 'c' || (c == 'n' && !inplace_argument)) places += c;
  }
  const bool takes_complex = e.where.find('c') != e.where.npos;
  const bool functional_only = e.where.find('f') == e.where.npos;
  if (functional_only && inplace_argument) places.clear();
  if (!places.empty()) {
    register_op(name + "(Tensor input) -> Tensor", places, e.call,
                documentation(e, name, functional_only ? "F" : "plait"));
  }
  if (inplace_argument) {
    register_op(name + "(Tensor input, bool inplace=False) -> Tensor", takes_complex ? "nc" : "n", e.choose,
                documentation(e, name, "F"));
  }
  if (e.where.find('i') != e.where.npos) {
    register_op(name + "_(Tensor input) -> Tensor", takes_complex ? "fmc" : "fm", e.in_place,
                "The in-place form of " + name + ": write the result into `input` and return it.");
  }
}

const bool kRegistered = [] {
  for (const Entry& e : kEntries) {
    register_as(e, e.name);
    for (const auto& [alias, name] : kAliases) {
      if (std::string_view(name) == e.name) register_as(e, alias);
    }
  }
  return true;
}();

}  // namespace
}  // namespace plait
