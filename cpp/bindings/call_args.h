// SPDX-License-Identifier: MIT
// From the Python arguments of a call to what an op takes. A call tries the overloads of its name one after
// the other: fill() says whether the arguments fit one, and converts them if they do. It runs for every call,
// and takes about as long as the rest of a small op; so it allocates nothing for tensors and numbers,
// compares keywords by identity first, and builds a message only when no overload fits.
#pragma once

#include <Python.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ops/registry.h"

namespace plait::python {

// A parameter with its default as an argument. Its address must not change: default_arg points into it.
struct BoundParam : Param {
  explicit BoundParam(const Param& p);
  BoundParam(const BoundParam&) = delete;

  PyObject* key;    // the interned name
  Arg default_arg;  // where has_default()

 private:
  Dims default_ints_;
  std::string_view default_string_;
};

// One entry of the op table, ready for calls from Python.
struct Overload {
  explicit Overload(const OpEntry& entry);

  const OpEntry& op;
  Signature signature;
  std::string name;
  std::vector<std::unique_ptr<BoundParam>> params;
  size_t outs;     // how many tensors out= takes: one per result; 0 where there is no out=
  bool exact_out;  // out= has the result's dtype, not a wider one
  bool creates;    // takes a device and no tensor: without one, the result is on the default device
  mutable PyObject* result_type = nullptr;  // the type of a named tuple, made when it is first needed
};

// The arguments of one call. Everything an Arg points to lives here or in the caller's Python objects.
struct CallArgs {
  static constexpr size_t kMax = 24;
  union {
    Arg args[kMax];  // not initialised: fill() sets those that are passed on
  };
  PyObject* out = nullptr;            // out=: a tensor, or a tuple or list of one tensor per result
  int64_t work = 0;                   // elements in sight: decides whether the GIL is worth releasing
  bool in_graph = false;              // a tensor has autograd state
  bool unusual = false;               // an object may take over the call (overrides.h)
  Place place = Place::kOfArguments;  // of device=

  CallArgs() {}

  // Converts; returns false with `problem` set when the arguments do not fit.
  bool fill(const Overload& o, PyObject* const* values, size_t n_positional, PyObject* keyword_names);

  // Why fill() returned false: read only for the message.
  struct Problem {
    enum Kind : uint8_t { kNone, kTooMany, kMissing, kType, kUnknownKeyword, kDuplicate, kOut } kind = kNone;
    size_t param = 0;
    PyObject* value = nullptr;  // borrowed
  } problem;
  std::string describe_problem(const Overload& o, size_t n_positional) const;

 private:
  struct Given;
  bool take_positional(const Signature& s, PyObject* const* values, size_t n, Given& given);
  bool take_keywords(const Overload& o, PyObject* const* values, PyObject* names, Given& given);
  bool take_out(const Overload& o, PyObject* value);
  bool convert_given(const Overload& o, const Given& given);
  bool convert_rest(const Signature& s, const Given& given, Arg& arg);
  bool convert(const Param& p, PyObject* value, Arg& arg);
  bool convert_operand(PyObject* value, Arg& arg);
  bool convert_string(PyObject* value, Arg& arg);
  bool convert_ints(const Param& p, PyObject* value, Arg& arg);
  bool convert_floats(PyObject* value, Arg& arg);
  bool convert_tensors(const Param& p, PyObject* value, Arg& arg);
  bool take_tensor(PyObject* value);
  void set_tensor(const Tensor& t, Arg& arg);
  void see(const Tensor& t) {
    work += t.numel();
    in_graph |= t.impl()->autograd != nullptr;
  }
  Dims& new_ints(Arg& arg);
  std::vector<Tensor>& new_tensors(Arg& arg);

  bool fail(Problem::Kind kind, size_t param, PyObject* value) {
    problem = {kind, param, value};
    return false;
  }

  // Memory behind args. The counted arrays serve nearly every call.
  size_t n_ints_ = 0, n_numbers_ = 0, n_strings_ = 0;
  Dims ints_[4];
  Tensor numbers_[4];
  std::string_view strings_[4];
  std::vector<std::unique_ptr<Dims>> more_ints_;
  std::vector<std::unique_ptr<std::vector<Tensor>>> tensors_;
  std::vector<std::unique_ptr<std::vector<double>>> floats_;
};

// Conversions shared with the other bindings; false when `o` is not of the kind (no Python error set).
bool to_int(PyObject* o, int64_t* out);  // int, anything with __index__, one-element integer tensors
bool to_unsigned(PyObject* o,
                 uint64_t* out);           // int and anything with __index__ from 0 to 2^64 - 1, no tensors
bool to_double(PyObject* o, double* out);  // also float and __float__, except tensors of several elements
bool to_complex(PyObject* o, Complex<double>* out);             // the same, complex and NumPy's complex64
bool to_ints(PyObject* o, Dims* out, bool none_items = false);  // list or tuple of ints

}  // namespace plait::python
