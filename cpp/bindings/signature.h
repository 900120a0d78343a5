// SPDX-License-Identifier: MIT
// The signatures of ops/registry.h as data, and the conversion of Python arguments by them.
#pragma once

#include <Python.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ops/registry.h"

namespace plait::python {

enum class ParamKind : uint8_t {
  kTensor,
  kOperand,
  kScalar,
  kInt,
  kFloat,
  kBool,
  kString,
  kDType,
  kGenerator,
  kDevice,  // checked, not passed on
  kAny,     // ignored, not passed on
  kInts,
  kFloats,
  kTensors,
  kOptionalTensors,
};

struct Param {
  std::string name;
  PyObject* key = nullptr;  // interned name
  ParamKind kind = ParamKind::kAny;
  int64_t repeat = 0;       // int[N]: a single int stands for N
  bool none_items = false;  // int?[N]: None stands for kNoSize
  bool optional = false;
  bool keyword_only = false;
  bool has_default = false;
  bool passed = true;  // false for kinds that do not reach the op
  Arg default_arg;
  // Memory behind default_arg.
  Dims default_ints;
  std::string default_string;
  std::string_view default_view;
};

struct Signature {
  std::string text;
  std::string name;
  std::vector<std::unique_ptr<Param>> params;
  size_t positional = 0;        // leading params that may be given by position
  bool varargs = false;         // the last positional one is int[] and may be given as separate ints
  bool tensor_varargs = false;  // the only positional one is Tensor[] and may be given as separate tensors
  bool takes_out = false;
  std::vector<std::string> result_names;  // of a named tuple; empty otherwise
  BoxedOp call = nullptr;
  PyObject* result_type = nullptr;  // the named tuple's type

  static std::unique_ptr<Signature> parse(const OpEntry& entry);
};

// The arguments of one call. Everything an Arg points to lives here or in the caller's Python objects.
struct CallArgs {
  static constexpr size_t kMax = 24;
  Arg args[kMax];
  PyObject* out = nullptr;
  int64_t work = 0;  // elements in sight: decides whether the GIL is worth releasing

  // Converts; returns false with `problem` set when the arguments do not fit this signature.
  bool fill(const Signature& s, PyObject* const* values, size_t n_positional, PyObject* keyword_names);

  // Why fill() returned false: built only for the message.
  struct Problem {
    enum Kind : uint8_t { kNone, kTooMany, kMissing, kType, kUnknownKeyword, kDuplicate } kind = kNone;
    size_t param = 0;
    PyObject* value = nullptr;  // borrowed
  } problem;
  std::string describe_problem(const Signature& s, size_t n_positional) const;

 private:
  bool convert(const Param& p, PyObject* value, Arg& arg);
  Dims& new_ints();

  size_t n_ints_ = 0, n_numbers_ = 0;
  Dims ints_[4];
  Tensor numbers_[4];
  std::vector<std::unique_ptr<Dims>> more_ints_;
  std::vector<std::unique_ptr<std::vector<Tensor>>> tensors_;
  std::vector<std::unique_ptr<std::vector<double>>> floats_;
  std::string_view strings_[4];
  size_t n_strings_ = 0;
};

// Conversions shared with the other bindings; false when `o` is not of the kind (no Python error set).
bool to_int(PyObject* o, int64_t* out);  // int, anything with __index__, one-element integer tensors
bool to_double(PyObject* o,
               double* out);  // also float and anything with __float__ except tensors of several elements
bool to_ints(PyObject* o, Dims* out);  // list or tuple of ints

}  // namespace plait::python
