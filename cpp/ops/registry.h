// SPDX-License-Identifier: MIT
// The table of everything Python can call. One entry says what an op is called, what it takes, where it is
// visible and what its docstring is; argument parsing, methods, type stubs, errors and the list of ops all
// follow from it.
//
//   static const RegisterOps kOps{
//       {"softmax(Tensor input, int dim, Dtype? dtype=None) -> Tensor", "fm", PLAIT_BOX(softmax),
//       R"(...)"},
//   };
//
// The signature is compared with the types of the function: when the file is compiled, for a table written
// like this one; at import, for entries that are put together there (register_op). A text that does not say
// what the function takes and returns does not compile, or does not start. Several entries of one name are
// overloads, tried in order.
//
// Where: 'f' plait.name, 'm' Tensor.name (the first Tensor parameter is self), 'n' plait.nn.functional.name,
// 's' the submodule that begins the name (linalg_qr is plait.linalg.qr), 'o' also takes out= (the result is
// copied into it; a tuple of several), 'x' of its very dtype, 'p' private (plait._core._ops.name only),
// 'c' takes complex tensors, numbers and dtypes. Every other op raises TypeError for them before it runs.
// 'd' takes tensors of several devices; others must lie on one, but for 0-d tensors of the CPU.
#pragma once

#include <atomic>
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
#include "ops/signature.h"

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
    kUnsigned,  // an int of 2^63 to 2^64 - 1, where a number of any kind is expected
    kFloat,
    kBool,
    kComplex,
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
    Complex<double> z;
    const Dims* ints;
    const std::vector<double>* floats;
    DType dtype;
    const std::string_view* string;
    Generator* generator;
  };
};

// What an op gives back.
struct Result {
  enum Kind : uint8_t { kNone, kTensor, kTuple, kList, kInt, kFloat, kBool, kDType };
  Kind kind = kNone;
  Tensor tensor;
  std::vector<Tensor> tensors;
  int64_t i = 0;
  double f = 0;
};

// A result with an optional companion: a tensor, or a tuple of two when `second` is defined.
struct TensorMaybePair {
  Tensor first, second;
};

// The C++ type of a parameter, as far as a signature speaks of it.
struct ParamType {
  enum None : uint8_t {
    kRefused,   // there must be a value
    kNull,      // Tensor, Generator*: an undefined one stands for None, if the signature lets it in
    kOptional,  // std::optional: the signature must let None in
  };
  ArgType arg;
  None none;
};

// The C++ type of a function.
struct OpType {
  const ParamType* params;
  size_t n_params;
  ResultType result;
};

// A function behind one form of call, made by PLAIT_BOX.
struct BoxedOp {
  void (*call)(const Arg* args, Result& result);
  const OpType* type;
};

// Stop with the op, the parameter, what the signature says and what the function takes; see signature.h.
[[noreturn]] void signature_differs_in_a_parameter(std::string_view signature, const Param& p,
                                                   const ParamType& type);
[[noreturn]] void signature_differs_in_the_number_of_parameters(std::string_view signature, size_t wanted);
[[noreturn]] void signature_differs_in_the_result(std::string_view signature, ResultType type);

constexpr bool fits(const Param& p, const ParamType& type) {
  if (p.arrives_as() != type.arg) return false;
  return type.none == ParamType::kNull || p.optional == (type.none == ParamType::kOptional);
}

constexpr void check_signature(std::string_view signature, const OpType& type) {
  SignatureReader reader(signature);
  size_t n = 0;
  for (Param p; reader.next(p);) {
    if (!p.passed()) continue;
    if (n == type.n_params) signature_differs_in_the_number_of_parameters(signature, type.n_params);
    if (!fits(p, type.params[n])) signature_differs_in_a_parameter(signature, p, type.params[n]);
    ++n;
  }
  if (n != type.n_params) signature_differs_in_the_number_of_parameters(signature, type.n_params);
  if (reader.result() != type.result) signature_differs_in_the_result(signature, type.result);
}

struct OpEntry {
  const char* signature;
  const char* where;
  BoxedOp op;
  const char* doc;  // summary, shapes, dtypes, errors, example; shared by overloads (one may be empty)

  consteval OpEntry(const char* signature, const char* where, BoxedOp op, const char* doc)
      : signature(signature), where(where), op(op), doc(doc) {
    check_signature(signature, *op.type);
  }

 private:
  struct Unchecked {};
  OpEntry(Unchecked, const char* signature, const char* where, BoxedOp op, const char* doc)
      : signature(signature), where(where), op(op), doc(doc) {}
  friend void register_op(const std::string&, const std::string&, BoxedOp, const std::string&);
};

std::vector<OpEntry>& op_table();

struct RegisterOps {
  RegisterOps(std::initializer_list<OpEntry> entries) {
    op_table().insert(op_table().end(), entries.begin(), entries.end());
  }
};

// An entry whose text is put together at run time, before main(); it is checked when the table is bound to
// Python.
void register_op(const std::string& signature, const std::string& where, BoxedOp op, const std::string& doc);

// The first entry of a name, for C++ that calls through the table. Throws for a name that is not there.
const OpEntry& find_op(std::string_view name);

// ---- Calls ----

// One call of a public op, as an observer sees it after the kernel has run.
struct OpCall {
  const OpEntry& op;     // name, parameters' names and defaults: Signature(op.signature)
  const Arg* args;       // inputs and attributes, in the order of the parameters that are passed on
  const Result& result;  // a view or a tensor written in place shares its storage with an input
  const Tensor* out;     // where the caller then copies the result, or each of them (out=), or null
};
using OpObserver = void (*)(const OpCall& call);

// Called for every public op while set; null (the default) costs a call one branch that is always predicted.
// Set it when no other thread calls ops.
extern OpObserver op_observer;

// TypeError for complex arguments of an op that does not take them. Whether a tensor among them is on the
// device meta.
bool check_arguments(const OpEntry& op, const Arg* args);

// A call that has to do with the device meta. It runs in meta mode (core/storage.h) where its results are to
// be there, and what needs values raises NotImplementedError (Tensor::data_ptr).
void call_on_place(const OpEntry& op, const Arg* args, Result& result, const Tensor* out, Place place,
                   bool meta_argument);

// How many threads are within autocast (ops/autocast.h), where a call goes through call_in_autocast().
extern std::atomic<int> autocast_threads;
void call_in_autocast(const OpEntry& op, const Arg* args, Result& result, const Tensor* out);

inline void call_kernels(const OpEntry& op, const Arg* args, Result& result, const Tensor* out) {
  if (autocast_threads.load(std::memory_order_relaxed) > 0) [[unlikely]] {
    call_in_autocast(op, args, result, out);
  } else {
    op.op.call(args, result);
  }
}

// Every public op passes here on its way to its kernels: functions, methods, operators, indexing, in-place
// and out= forms. Nothing else calls OpEntry::op. It is the place for what has to see a program whole: a
// recorder would note op, args and result as one step (tensors by identity, so that the result of one step is
// found again among the inputs of a later one; views and in-place writes by the storage they share), and
// could run its own step in place of op.op. Ops that an op calls in C++ are part of that op and are not seen,
// nor are the steps of backward(), which are autograd's nodes.
inline void call_op(const OpEntry& op, const Arg* args, Result& result, const Tensor* out = nullptr,
                    Place place = Place::kOfArguments) {
  const bool meta = check_arguments(op, args);
  if (meta || place != Place::kOfArguments || meta_mode()) [[unlikely]] {
    call_on_place(op, args, result, out, place, meta);
  } else {
    call_kernels(op, args, result, out);
  }
  if (op_observer) [[unlikely]]
    op_observer({op, args, result, out});
}
namespace detail {

template <class T>
struct Unbox;
#define PLAIT_UNBOX(T, arg, none, expr)                             \
  template <>                                                       \
  struct Unbox<T> {                                                 \
    static constexpr ParamType type{ArgType::arg, ParamType::none}; \
    static T get(const Arg& a) { return expr; }                     \
  };
PLAIT_UNBOX(int64_t, kInt, kRefused, a.i)
PLAIT_UNBOX(int, kInt, kRefused, static_cast<int>(a.i))
PLAIT_UNBOX(double, kFloat, kRefused, a.kind == Arg::kFloat ? a.f : static_cast<double>(a.i))
PLAIT_UNBOX(bool, kBool, kRefused, a.i != 0)
PLAIT_UNBOX(DType, kDType, kRefused, a.dtype)
PLAIT_UNBOX(std::string_view, kString, kRefused, *a.string)
PLAIT_UNBOX(Generator*, kGenerator, kNull, a.kind == Arg::kNone ? nullptr : a.generator)
PLAIT_UNBOX(Scalar, kNumber, kRefused,
            a.kind == Arg::kFloat      ? Scalar(a.f)
            : a.kind == Arg::kBool     ? Scalar(a.i != 0)
            : a.kind == Arg::kComplex  ? Scalar(a.z)
            : a.kind == Arg::kUnsigned ? Scalar(static_cast<uint64_t>(a.i))
                                       : Scalar(a.i))
PLAIT_UNBOX(IntSpan, kInts, kRefused, IntSpan(*a.ints))
PLAIT_UNBOX(Dims, kInts, kRefused, *a.ints)
#undef PLAIT_UNBOX
const Tensor& undefined_tensor();
template <>
struct Unbox<Tensor> {
  static constexpr ParamType type{ArgType::kTensor, ParamType::kNull};
  static const Tensor& get(const Arg& a) { return a.kind == Arg::kNone ? undefined_tensor() : *a.tensor; }
};
template <>
struct Unbox<std::vector<Tensor>> {
  static constexpr ParamType type{ArgType::kTensors, ParamType::kRefused};
  static const std::vector<Tensor>& get(const Arg& a) { return *a.tensors; }
};
template <>
struct Unbox<std::vector<double>> {
  static constexpr ParamType type{ArgType::kFloats, ParamType::kRefused};
  static const std::vector<double>& get(const Arg& a) { return *a.floats; }
};
template <class T>
struct Unbox<std::optional<T>> {
  static constexpr ParamType type{Unbox<T>::type.arg, ParamType::kOptional};
  static std::optional<T> get(const Arg& a) {
    if (a.kind == Arg::kNone) return std::nullopt;
    return Unbox<T>::get(a);
  }
};

// The result's type, beside the way it is boxed.
template <class R>
struct ResultOf;
template <ResultType::Form form, size_t size = 0>
struct ResultIs {
  static constexpr ResultType type{form, size};
};
template <>
struct ResultOf<void> : ResultIs<ResultType::kNothing> {};
template <>
struct ResultOf<Tensor> : ResultIs<ResultType::kTensor> {};
template <>
struct ResultOf<std::vector<Tensor>> : ResultIs<ResultType::kTensors> {};
template <>
struct ResultOf<std::variant<Tensor, std::vector<Tensor>>> : ResultIs<ResultType::kTensorOrTensors> {};
template <class... Ts>
struct ResultOf<std::tuple<Ts...>> : ResultIs<ResultType::kTuple, sizeof...(Ts)> {};
template <>
struct ResultOf<TensorMaybePair> : ResultIs<ResultType::kTensorOrTuple, 2> {};
template <>
struct ResultOf<bool> : ResultIs<ResultType::kBool> {};
template <>
struct ResultOf<int64_t> : ResultIs<ResultType::kInt> {};
template <>
struct ResultOf<double> : ResultIs<ResultType::kFloat> {};
template <>
struct ResultOf<DType> : ResultIs<ResultType::kDType> {};

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
inline void box(Result& r, DType v) { r.kind = Result::kDType, r.i = static_cast<int64_t>(v); }

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
  // One more than there are, since no array is empty.
  static constexpr ParamType params[] = {Unbox<std::decay_t<Args>>::type..., {}};
  static constexpr OpType type{params, sizeof...(Args), ResultOf<std::decay_t<R>>::type};
};

}  // namespace detail

// The boxed form of a function; of an overloaded name or a lambda: PLAIT_BOX(+[](const Tensor& x) { ... }) or
// PLAIT_BOX(static_cast<Tensor (*)(const Tensor&, int64_t)>(name)).
#define PLAIT_BOX(...)                                            \
  (::plait::BoxedOp{&::plait::detail::Boxer<(__VA_ARGS__)>::call, \
                    &::plait::detail::Boxer<(__VA_ARGS__)>::type})

}  // namespace plait
