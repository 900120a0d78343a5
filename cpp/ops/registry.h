// SPDX-License-Identifier: MIT
// The table of everything Python can call. One entry says what an op is called, what it takes, where it is
// visible and what its docstring is; argument parsing, methods, type stubs, errors and the list of ops all
// follow from it.
//
//   static const RegisterOps kOps{
//       {"softmax(Tensor input, int dim, *, Dtype? dtype=None) -> Tensor", "fmn", PLAIT_BOX(softmax),
//       R"(...)"},
//   };
//
// Kinds of parameters: Tensor, Operand (a tensor or a number; a number arrives as a wrapped 0-d tensor),
// Scalar (a number), int, float, bool, str, Dtype, Generator, Device (accepted and ignored: there is one),
// int[] (ints, also given as separate positional arguments when it is the last positional parameter; Size; a
// single int is a list of one), int[N] (a single int stands for N equal ones), float[], Tensor[] (also given
// as separate tensors when it is the only positional parameter), Tensor?[]. A `?` behind a kind allows None:
// Tensor? arrives as an undefined Tensor, the others as std::optional. Parameters behind `*` are
// keyword-only. Defaults are Python literals. Several entries of one name are overloads, tried in order.
//
// Where: 'f' plait.name, 'm' Tensor.name (the first Tensor parameter is self), 'n' plait.nn.functional.name,
// 'o' also takes out= (the result is copied into it), 'p' private (plait._core._ops.name only).
// Several results are named in the signature: "-> (Tensor values, Tensor indices)".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "core/generator.h"
#include "core/scalar.h"
#include "core/tensor.h"

namespace plait {

// None in an int?[N].
inline constexpr int64_t kNoSize = INT64_MIN;

// A parsed argument: borrows from the caller, which keeps it alive during the call.
struct Arg {
  enum Kind : uint8_t {
    kNone,
    kTensor,
    kTensors,
    kInt,
    kFloat,
    kBool,
    kInts,
    kFloats,
    kDType,
    kString,
    kGenerator
  };
  Kind kind = kNone;
  union {
    const Tensor* tensor;
    const std::vector<Tensor>* tensors;
    int64_t i;
    double f;
    const Dims* ints;
    const std::vector<double>* floats;
    DType dtype;
    const std::string_view* string;
    Generator* generator;
  };
};

// What an op gives back.
struct Result {
  enum Kind : uint8_t { kNone, kTensor, kTuple, kList, kInt, kFloat, kBool, kScalar, kInts, kDType, kString };
  Kind kind = kNone;
  Tensor tensor;
  std::vector<Tensor> tensors;
  int64_t i = 0;
  double f = 0;
  Dims ints;
  std::string string;
};

// A result with an optional companion: a tensor, or a tuple of two when `second` is defined.
struct TensorMaybePair {
  Tensor first, second;
};

using BoxedOp = void (*)(const Arg* args, Result& result);

struct OpEntry {
  const char* signature;
  const char* where;
  BoxedOp call;
  const char* doc;  // summary, shapes, dtypes, errors, example; shared by overloads (one may be empty)
};

std::vector<OpEntry>& op_table();

struct RegisterOps {
  RegisterOps(std::initializer_list<OpEntry> entries) {
    op_table().insert(op_table().end(), entries.begin(), entries.end());
  }
};

namespace detail {

template <class T>
struct Unbox;
#define PLAIT_UNBOX(T, expr)                    \
  template <>                                   \
  struct Unbox<T> {                             \
    static T get(const Arg& a) { return expr; } \
  };
PLAIT_UNBOX(int64_t, a.i)
PLAIT_UNBOX(int, static_cast<int>(a.i))
PLAIT_UNBOX(double, a.kind == Arg::kFloat ? a.f : static_cast<double>(a.i))
PLAIT_UNBOX(bool, a.i != 0)
PLAIT_UNBOX(DType, a.dtype)
PLAIT_UNBOX(std::string_view, *a.string)
PLAIT_UNBOX(Generator*, a.kind == Arg::kNone ? nullptr : a.generator)
PLAIT_UNBOX(Scalar, a.kind == Arg::kFloat  ? Scalar(a.f)
                    : a.kind == Arg::kBool ? Scalar(a.i != 0)
                                           : Scalar(a.i))
PLAIT_UNBOX(IntSpan, IntSpan(*a.ints))
PLAIT_UNBOX(Dims, *a.ints)
#undef PLAIT_UNBOX
const Tensor& undefined_tensor();
template <>
struct Unbox<Tensor> {
  static const Tensor& get(const Arg& a) { return a.kind == Arg::kNone ? undefined_tensor() : *a.tensor; }
};
template <>
struct Unbox<std::vector<Tensor>> {
  static const std::vector<Tensor>& get(const Arg& a) { return *a.tensors; }
};
template <>
struct Unbox<std::vector<double>> {
  static const std::vector<double>& get(const Arg& a) { return *a.floats; }
};
template <class T>
struct Unbox<std::optional<T>> {
  static std::optional<T> get(const Arg& a) {
    if (a.kind == Arg::kNone) return std::nullopt;
    return Unbox<T>::get(a);
  }
};

inline void box(Result& r, Tensor t) { r.kind = Result::kTensor, r.tensor = std::move(t); }
inline void box(Result& r, std::vector<Tensor> t) { r.kind = Result::kList, r.tensors = std::move(t); }
// One tensor or several, as the arguments ask: "-> Tensor | Tensor[]".
inline void box(Result& r, std::variant<Tensor, std::vector<Tensor>> v) {
  if (v.index() == 0) {
    box(r, std::move(std::get<0>(v)));
  } else {
    box(r, std::move(std::get<1>(v)));
  }
}
template <class... Ts>
void box(Result& r, std::tuple<Ts...> t) {
  r.kind = Result::kTuple;
  std::apply([&](auto&... x) { (r.tensors.push_back(std::move(x)), ...); }, t);
}
inline void box(Result& r, TensorMaybePair t) {
  if (!t.second.defined()) return box(r, std::move(t.first));
  box(r, std::tuple(std::move(t.first), std::move(t.second)));
}
inline void box(Result& r, bool v) { r.kind = Result::kBool, r.i = v; }
inline void box(Result& r, int64_t v) { r.kind = Result::kInt, r.i = v; }
inline void box(Result& r, double v) { r.kind = Result::kFloat, r.f = v; }
inline void box(Result& r, Dims v) { r.kind = Result::kInts, r.ints = std::move(v); }
inline void box(Result& r, DType v) { r.kind = Result::kDType, r.i = static_cast<int64_t>(v); }
inline void box(Result& r, std::string v) { r.kind = Result::kString, r.string = std::move(v); }
inline void box(Result& r, Scalar v) {
  r.kind = v.is_float() ? Result::kFloat : v.is_bool() ? Result::kBool : Result::kInt;
  if (v.is_float()) {
    r.f = v.to_double();
  } else {
    r.i = v.to_int();
  }
}

template <class R, class... Args, class F, size_t... I>
void call_boxed(F f, const Arg* args, Result& result, std::index_sequence<I...>) {
  (void)args;
  if constexpr (std::is_void_v<R>) {
    f(Unbox<std::decay_t<Args>>::get(args[I])...);
  } else {
    box(result, f(Unbox<std::decay_t<Args>>::get(args[I])...));
  }
}

template <auto F>
struct Boxer;
template <class R, class... Args, R (*F)(Args...)>
struct Boxer<F> {
  static void call(const Arg* args, Result& result) {
    call_boxed<R, Args...>(F, args, result, std::index_sequence_for<Args...>{});
  }
};

}  // namespace detail

// The boxed form of a function; of an overloaded name or a lambda: PLAIT_BOX(+[](const Tensor& x) { ... }) or
// PLAIT_BOX(static_cast<Tensor (*)(const Tensor&, int64_t)>(name)).
#define PLAIT_BOX(...) (&::plait::detail::Boxer<(__VA_ARGS__)>::call)

}  // namespace plait
