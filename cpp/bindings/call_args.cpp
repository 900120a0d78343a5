// SPDX-License-Identifier: MIT
// Conversion of Python arguments: which value belongs to which parameter, then each by its kind.
#include "bindings/call_args.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "bindings/overrides.h"
#include "bindings/python_types.h"

namespace plait::python {

// ---- Parameters ----

namespace {

Dims read_ints(std::string_view text, int64_t repeat) {
  Dims ints;
  if (!text.starts_with('(')) {
    ints.resize(repeat, std::atoll(std::string(text).c_str()));
    return ints;
  }
  std::string_view items = text.substr(1, text.size() - 2);
  while (!items.empty()) ints.push_back(std::atoll(std::string(detail::take_part(items)).c_str()));
  return ints;
}

}  // namespace

// The text has been checked to be a literal of the parameter's kind (ops/signature.h).
BoundParam::BoundParam(const Param& p)
    : Param(p), key(PyUnicode_FromStringAndSize(p.name.data(), static_cast<Py_ssize_t>(p.name.size()))) {
  PyUnicode_InternInPlace(&key);
  const std::string literal(default_text);
  Arg& a = default_arg;
  if (literal.empty() || literal == "None") {
    a.kind = Arg::kNone;
  } else if (literal == "True" || literal == "False") {
    a.kind = Arg::kBool;
    a.i = literal == "True";
  } else if (literal.front() == '\'') {
    default_string_ = default_text.substr(1, default_text.size() - 2);
    a.kind = Arg::kString;
    a.string = &default_string_;
  } else if (kind == ParamKind::kInts) {
    default_ints_ = read_ints(default_text, repeat);
    a.kind = Arg::kInts;
    a.ints = &default_ints_;
  } else if (kind == ParamKind::kFloat || !detail::is_integer(literal)) {
    a.kind = Arg::kFloat;
    a.f = std::strtod(literal.c_str(), nullptr);
  } else {
    a.kind = Arg::kInt;
    a.i = std::strtoll(literal.c_str(), nullptr, 10);
  }
}

Overload::Overload(const OpEntry& entry)
    : op(entry),
      signature(entry.signature),
      name(signature.name),
      outs(std::strchr(entry.where, 'o') ? signature.results[0].items.size() : 0),
      exact_out(std::strchr(entry.where, 'x') != nullptr),
      creates(false) {
  PLAIT_CHECK(signature.params.size() <= CallArgs::kMax, kInternal, name, ": more than ", CallArgs::kMax,
              " parameters");
  bool tensors = false;
  for (const Param& p : signature.params) {
    params.push_back(std::make_unique<BoundParam>(p));
    creates |= p.kind == ParamKind::kDevice;
    tensors |= p.arrives_as() == ArgType::kTensor || p.arrives_as() == ArgType::kTensors;
  }
  creates &= !tensors;
}

// ---- Numbers ----

namespace {

bool is_list(PyObject* o) { return PyTuple_Check(o) || PyList_Check(o); }

bool is_number(PyObject* o) { return PyLong_Check(o) || PyFloat_Check(o) || PyComplex_Check(o); }

// A NumPy scalar or anything else that behaves like a Python number but is neither a tensor nor an array.
bool is_foreign_number(PyObject* o) {
  if (is_tensor(o)) return false;
  const PyNumberMethods* n = Py_TYPE(o)->tp_as_number;
  return n && (n->nb_index || n->nb_float) &&
         !(Py_TYPE(o)->tp_as_sequence && Py_TYPE(o)->tp_as_sequence->sq_length &&
           PyObject_HasAttrString(o, "shape") && PySequence_Size(o) >= 0);
}

// A tensor with dimensions is no number where one is asked for, even if it has one element.
bool has_dimensions(PyObject* o) { return is_tensor(o) && tensor_of(o).dim() != 0; }

bool to_bool(PyObject* o, int64_t* out) {
  if (!PyBool_Check(o)) {
    const char* type = Py_TYPE(o)->tp_name;  // NumPy is not linked: its types are known by name
    if (std::strcmp(type, "numpy.bool") != 0 && std::strcmp(type, "numpy.bool_") != 0) return false;
    *out = PyObject_IsTrue(o);
    return true;
  }
  *out = o == Py_True;
  return true;
}

// NumPy is not linked: its complex64, which is no Python complex, is known by name.
bool is_complex_number(PyObject* o) {
  return PyComplex_Check(o) || std::strcmp(Py_TYPE(o)->tp_name, "numpy.complex64") == 0;
}

// The kind of the number stays, as promotion depends on it: True is a bool, 1 an int, 1.0 a float. An int
// beyond uint64 becomes a float. A 0-d tensor counts as a number unless a gradient would get
// lost.
bool number_arg(PyObject* o, Arg& arg) {
  if (PyBool_Check(o)) {
    arg.kind = Arg::kBool;
    arg.i = o == Py_True;
    return true;
  }
  if (PyFloat_Check(o)) {
    arg.kind = Arg::kFloat;
    arg.f = PyFloat_AS_DOUBLE(o);
    return true;
  }
  if (PyLong_Check(o) || (!is_tensor(o) && PyIndex_Check(o))) {
    if (!to_int(o, &arg.i)) {
      PyErr_Clear();
      uint64_t bits;
      if (to_unsigned(o, &bits)) {
        arg.kind = Arg::kUnsigned;
        arg.i = static_cast<int64_t>(bits);
        return true;
      }
      if (!to_double(o, &arg.f)) return false;
      arg.kind = Arg::kFloat;
      return true;
    }
    arg.kind = Arg::kInt;
    return true;
  }
  if (is_complex_number(o)) {
    arg.kind = Arg::kComplex;
    return to_complex(o, &arg.z);
  }
  if (is_tensor(o)) {
    const Tensor& t = tensor_of(o);
    if (t.dim() != 0 || requires_grad(t) || t.is_meta()) return false;
    if (t.is_complex()) {
      arg.kind = Arg::kComplex;
      arg.z = t.item_as<Complex<double>>();
    } else if (t.is_floating()) {
      arg.kind = Arg::kFloat;
      arg.f = t.item_as<double>();
    } else {
      arg.kind = t.dtype() == DType::kBool ? Arg::kBool : Arg::kInt;
      arg.i = t.item_as<int64_t>();
      if (t.dtype() == DType::kUInt64 && arg.i < 0) arg.kind = Arg::kUnsigned;
    }
    return true;
  }
  if (is_foreign_number(o) && to_double(o, &arg.f)) {
    arg.kind = Arg::kFloat;
    return true;
  }
  return false;
}

}  // namespace

// Floats are refused even where they are whole, as by PyTorch: 2.0 is no dimension.
bool to_int(PyObject* o, int64_t* out) {
  if (PyLong_Check(o)) {
    int overflow;
    *out = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow) {
      PyErr_Clear();
      return false;
    }
    return true;
  }
  if (PyFloat_Check(o)) return false;
  if (is_tensor(o)) {
    const Tensor& t = tensor_of(o);
    if (t.numel() != 1 || t.is_differentiable() || t.dtype() == DType::kBool) return false;
    *out = t.item_as<int64_t>();
    return t.dtype() != DType::kUInt64 || *out >= 0;
  }
  if (!PyIndex_Check(o)) return false;
  PyObject* index = PyNumber_Index(o);
  if (!index) {
    PyErr_Clear();
    return false;
  }
  const bool ok = to_int(index, out);
  Py_DECREF(index);
  return ok;
}

bool to_unsigned(PyObject* o, uint64_t* out) {
  PyObject* index = PyIndex_Check(o) ? PyNumber_Index(o) : nullptr;
  *out = index ? PyLong_AsUnsignedLongLong(index) : 0;
  Py_XDECREF(index);
  const bool failed = !index || PyErr_Occurred();
  PyErr_Clear();
  return !failed;
}

bool to_double(PyObject* o, double* out) {
  if (PyFloat_Check(o)) {
    *out = PyFloat_AS_DOUBLE(o);
    return true;
  }
  if (is_tensor(o)) {
    const Tensor& t = tensor_of(o);
    if (t.numel() != 1) return false;
    *out = t.item_as<double>();
    return true;
  }
  if (PyUnicode_Check(o) || o == Py_None || !is_foreign_number(o)) return false;
  *out = PyFloat_AsDouble(o);
  if (*out == -1.0 && PyErr_Occurred()) {
    PyErr_Clear();
    return false;
  }
  return true;
}

bool to_complex(PyObject* o, Complex<double>* out) {
  if (!is_complex_number(o)) {
    out->im = 0;
    return to_double(o, &out->re);
  }
  const Py_complex z = PyComplex_AsCComplex(o);
  if (z.real == -1.0 && PyErr_Occurred()) {
    PyErr_Clear();
    return false;
  }
  *out = {z.real, z.imag};
  return true;
}

bool to_ints(PyObject* o, Dims* out, bool none_items) {
  if (!is_list(o)) return false;
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  PyObject** items = PySequence_Fast_ITEMS(o);
  out->clear();
  for (Py_ssize_t i = 0; i < n; ++i) {
    int64_t v = kNoSize;
    if (!(none_items && items[i] == Py_None) && !to_int(items[i], &v)) return false;
    out->push_back(v);
  }
  return true;
}

// ---- Which value belongs to which parameter ----

// The values of a call by parameter, before any is converted.
struct CallArgs::Given {
  PyObject* values[kMax];  // null where nothing is given
  // Separate ints or tensors that are together the last positional parameter: view(2, 3), cat-like ops.
  bool has_rest = false;
  PyObject* const* rest = nullptr;
  size_t n_rest = 0;

  explicit Given(size_t n_params) { std::fill_n(values, n_params, nullptr); }
  bool is_rest(const Signature& s, size_t param) const { return has_rest && param + 1 == s.positional; }
};

namespace {

constexpr size_t kNotFound = SIZE_MAX;

// Ops make strided tensors.
void check_layout(PyObject* value) {
  const char* layout = PyUnicode_Check(value) ? PyUnicode_AsUTF8(value) : "";
  PLAIT_CHECK(layout && std::string_view(layout).substr(0, 7) != "sparse_", kNotImplemented,
              "layout: expected plait.strided, got plait.", layout,
              "\nhint: sparse_coo_tensor() and sparse_csr_tensor() make sparse tensors, to_sparse() and "
              "to_sparse_csr() convert");
}

size_t param_named(const Overload& o, std::string_view name) {
  for (size_t i = 0; i < o.params.size(); ++i) {
    if (o.params[i]->name == name) return i;
  }
  return kNotFound;
}

// NumPy's name for a parameter of ours, or the name of a method's self in the function of the same name.
std::string_view name_here(std::string_view name) {
  if (name == "axis") return "dim";
  if (name == "keepdims") return "keepdim";
  if (name == "self" || name == "x") return "input";
  if (name == "split_size") return "split_size_or_sections";
  return {};
}

// Keywords written in a program are interned, as our names are: nearly always the first loop finds them.
size_t find_keyword(const Overload& o, PyObject* key) {
  for (size_t i = 0; i < o.params.size(); ++i) {
    if (o.params[i]->key == key) return i;
  }
  return kNotFound;
}

size_t find_keyword_by_text(const Overload& o, std::string_view name) {
  const size_t at = param_named(o, name);
  return at != kNotFound ? at : param_named(o, name_here(name));
}

}  // namespace

bool CallArgs::fill(const Overload& o, PyObject* const* values, size_t n_positional,
                    PyObject* keyword_names) {
  Given given(o.params.size());
  if (!take_positional(o.signature, values, n_positional, given)) return false;
  if (keyword_names && !take_keywords(o, values + n_positional, keyword_names, given)) return false;
  return convert_given(o, given);
}

bool CallArgs::take_positional(const Signature& s, PyObject* const* values, size_t n, Given& given) {
  size_t taken = n;
  given.has_rest = (s.tensor_varargs && n > 0 && is_tensor(values[0])) || n > s.positional;
  if (given.has_rest) {
    if (!s.varargs && !(s.tensor_varargs && is_tensor(values[0]))) {
      return fail(Problem::kTooMany, 0, nullptr);
    }
    taken = s.positional - 1;
    given.rest = values + taken;
    given.n_rest = n - taken;
  }
  for (size_t i = 0; i < taken; ++i) given.values[i] = values[i];
  return true;
}

bool CallArgs::take_keywords(const Overload& o, PyObject* const* values, PyObject* names, Given& given) {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(names); ++k) {
    PyObject* key = PyTuple_GET_ITEM(names, k);
    size_t at = find_keyword(o, key);
    if (at == kNotFound) {
      const char* utf8 = PyUnicode_AsUTF8(key);
      const std::string_view name = utf8 ? utf8 : "";
      if (o.outs && name == "out") {
        if (!take_out(o, values[k])) return false;
        continue;
      }
      at = find_keyword_by_text(o, name);
      if (at == kNotFound) return fail(Problem::kUnknownKeyword, 0, key);
    }
    if (given.values[at] || given.is_rest(o.signature, at)) return fail(Problem::kDuplicate, at, key);
    given.values[at] = values[k];
  }
  return true;
}

// out=None is no out=.
bool CallArgs::take_out(const Overload& o, PyObject* value) {
  if (value == Py_None) return true;
  if (o.outs == 1) {
    if (!take_tensor(value)) return fail(Problem::kOut, 0, value);
  } else {
    if (!is_list(value) || static_cast<size_t>(PySequence_Fast_GET_SIZE(value)) != o.outs) {
      return fail(Problem::kOut, 0, value);
    }
    for (size_t i = 0; i < o.outs; ++i) {
      PyObject* item = PySequence_Fast_ITEMS(value)[i];
      if (!take_tensor(item)) return fail(Problem::kOut, 0, item);
    }
  }
  out = value;
  return true;
}

// ---- Conversion by kind ----

bool CallArgs::convert_given(const Overload& o, const Given& given) {
  size_t slot = 0;  // among the arguments that are passed on
  for (size_t i = 0; i < o.params.size(); ++i) {
    const BoundParam& p = *o.params[i];
    Arg ignored;  // kinds that are checked and not passed on
    Arg& arg = p.passed() ? args[slot++] : ignored;
    PyObject* value = given.values[i];
    if (given.is_rest(o.signature, i)) {
      if (!convert_rest(o.signature, given, arg)) return false;
    } else if (value) {
      if (!convert(p, value, arg)) return fail(Problem::kType, i, value);
    } else if (p.has_default()) {
      arg = p.default_arg;
    } else {
      return fail(Problem::kMissing, i, nullptr);
    }
  }
  return true;
}

bool CallArgs::convert_rest(const Signature& s, const Given& given, Arg& arg) {
  if (s.varargs) {
    Dims& ints = new_ints(arg);
    for (size_t k = 0; k < given.n_rest; ++k) {
      int64_t v;
      if (PyBool_Check(given.rest[k]) || !to_int(given.rest[k], &v)) {
        return fail(Problem::kType, s.positional - 1, given.rest[k]);
      }
      ints.push_back(v);
    }
    return true;
  }
  std::vector<Tensor>& tensors = new_tensors(arg);
  for (size_t k = 0; k < given.n_rest; ++k) {
    if (!take_tensor(given.rest[k])) return fail(Problem::kType, s.positional - 1, given.rest[k]);
    tensors.push_back(tensor_of(given.rest[k]));
    see(tensors.back());
  }
  return true;
}

bool CallArgs::convert(const Param& p, PyObject* value, Arg& arg) {
  if (value == Py_None && (p.optional || !p.passed())) {
    arg.kind = Arg::kNone;
    return true;
  }
  // A 0-d tensor may stand for a number; so may one of a class that takes over the call.
  if ((p.kind == ParamKind::kScalar || p.kind == ParamKind::kInt || p.kind == ParamKind::kFloat) &&
      !is_number(value))
    take_tensor(value);
  switch (p.kind) {
    case ParamKind::kTensor:
      if (!take_tensor(value)) return false;
      set_tensor(tensor_of(value), arg);
      return true;
    case ParamKind::kOperand:
      return convert_operand(value, arg);
    case ParamKind::kScalar:
      return number_arg(value, arg);
    case ParamKind::kInt:
      arg.kind = Arg::kInt;
      return !PyBool_Check(value) && !has_dimensions(value) && to_int(value, &arg.i);
    case ParamKind::kFloat:
      arg.kind = Arg::kFloat;
      return !has_dimensions(value) && to_double(value, &arg.f);
    case ParamKind::kBool:
      arg.kind = Arg::kBool;
      return to_bool(value, &arg.i);
    case ParamKind::kString:
      return convert_string(value, arg);
    case ParamKind::kDType:
      arg.kind = Arg::kDType;
      return as_dtype(value, &arg.dtype);
    case ParamKind::kGenerator:
      arg.kind = Arg::kGenerator;
      arg.generator = generator_of(value);
      return arg.generator != nullptr;
    case ParamKind::kDevice:
      place = place_of("device", value);
      return true;
    case ParamKind::kAny:
      if (p.name == "layout") check_layout(value);
      return true;
    case ParamKind::kInts:
      return convert_ints(p, value, arg);
    case ParamKind::kFloats:
      return convert_floats(value, arg);
    case ParamKind::kTensors:
    case ParamKind::kOptionalTensors:
      return convert_tensors(p, value, arg);
  }
  return false;
}

// Whether the value is a tensor. One that is neither Tensor nor Parameter may take over the call.
bool CallArgs::take_tensor(PyObject* value) {
  if (is_plain_tensor(value)) return true;
  if (!is_tensor(value)) return false;
  unusual = true;
  return true;
}

void CallArgs::set_tensor(const Tensor& t, Arg& arg) {
  arg.kind = Arg::kTensor;
  arg.tensor = &t;
  see(t);
}

// A number takes part in promotion by its category alone: it becomes a "wrapped" 0-d tensor.
bool CallArgs::convert_operand(PyObject* value, Arg& arg) {
  if (take_tensor(value)) {
    set_tensor(tensor_of(value), arg);
    return true;
  }
  Arg number;
  if (!is_number(value)) {
    if (!is_foreign_number(value)) return false;
    unusual = true;
  }
  if (!number_arg(value, number)) return false;
  if (n_numbers_ == std::size(numbers_)) return false;
  Tensor& t = numbers_[n_numbers_++];
  t = detail::Unbox<Scalar>::get(number).to_tensor();
  arg.kind = Arg::kTensor;  // a number is no work
  arg.tensor = &t;
  return true;
}

// The text is Python's own UTF-8 copy of the str, which lives as long as the str.
bool CallArgs::convert_string(PyObject* value, Arg& arg) {
  if (!PyUnicode_Check(value) || n_strings_ == std::size(strings_)) return false;
  Py_ssize_t n;
  const char* utf8 = PyUnicode_AsUTF8AndSize(value, &n);
  if (!utf8) {
    PyErr_Clear();
    return false;
  }
  std::string_view& s = strings_[n_strings_++];
  s = {utf8, static_cast<size_t>(n)};
  arg.kind = Arg::kString;
  arg.string = &s;
  return true;
}

bool CallArgs::convert_ints(const Param& p, PyObject* value, Arg& arg) {
  Dims& ints = new_ints(arg);
  if (is_list(value)) return to_ints(value, &ints, p.none_items);
  int64_t v = kNoSize;
  const bool none = p.none_items && value == Py_None;
  if (!none && (PyBool_Check(value) || !to_int(value, &v))) return false;
  ints.resize(std::max<int64_t>(p.repeat, 1), v);
  return true;
}

bool CallArgs::convert_floats(PyObject* value, Arg& arg) {
  if (!is_list(value)) return false;
  floats_.push_back(std::make_unique<std::vector<double>>());
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(value);
  for (Py_ssize_t i = 0; i < n; ++i) {
    double v;
    if (!to_double(PySequence_Fast_ITEMS(value)[i], &v)) return false;
    floats_.back()->push_back(v);
  }
  arg.kind = Arg::kFloats;
  arg.floats = floats_.back().get();
  return true;
}

bool CallArgs::convert_tensors(const Param& p, PyObject* value, Arg& arg) {
  if (!is_list(value)) return false;
  std::vector<Tensor>& tensors = new_tensors(arg);
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(value);
  tensors.reserve(static_cast<size_t>(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PySequence_Fast_ITEMS(value)[i];
    if (item == Py_None && p.kind == ParamKind::kOptionalTensors) {
      tensors.push_back(Tensor());
      continue;
    }
    if (!take_tensor(item)) return false;
    tensors.push_back(tensor_of(item));
    see(tensors.back());
  }
  return true;
}

Dims& CallArgs::new_ints(Arg& arg) {
  Dims* ints;
  if (n_ints_ < std::size(ints_)) {
    ints = &ints_[n_ints_++];
  } else {
    ints = more_ints_.emplace_back(std::make_unique<Dims>()).get();
  }
  arg.kind = Arg::kInts;
  arg.ints = ints;
  return *ints;
}

std::vector<Tensor>& CallArgs::new_tensors(Arg& arg) {
  std::vector<Tensor>* tensors = tensors_.emplace_back(std::make_unique<std::vector<Tensor>>()).get();
  arg.kind = Arg::kTensors;
  arg.tensors = tensors;
  return *tensors;
}

// ---- Messages ----

std::string CallArgs::describe_problem(const Overload& o, size_t n_positional) const {
  const Signature& s = o.signature;
  std::ostringstream out;
  switch (problem.kind) {
    case Problem::kTooMany:
      out << "takes " << s.positional << " positional argument" << (s.positional == 1 ? "" : "s") << ", but "
          << n_positional << " were given";
      break;
    case Problem::kMissing:
      out << "missing required argument '" << s.params[problem.param].name << "'";
      break;
    case Problem::kType: {
      const Param& p = s.params[problem.param];
      out << "argument '" << p.name << "' (position " << problem.param + 1 << ") must be "
          << kind_name(p.kind).shown;
      if (p.optional) out << " or None";
      out << ", not " << Py_TYPE(problem.value)->tp_name;
      int overflow = 0;
      if (PyLong_Check(problem.value) && (PyLong_AsLongLongAndOverflow(problem.value, &overflow), overflow)) {
        out << " outside the range of int64";
      }
      break;
    }
    case Problem::kUnknownKeyword:
      out << "got an unexpected keyword argument '" << PyUnicode_AsUTF8(problem.value) << "'";
      break;
    case Problem::kDuplicate:
      out << "got multiple values for argument '" << s.params[problem.param].name << "'";
      break;
    case Problem::kOut:
      out << "argument 'out' must be ";
      if (o.outs == 1) {
        out << "Tensor";
      } else {
        out << "tuple of " << o.outs << " Tensors";
      }
      out << ", not " << Py_TYPE(problem.value)->tp_name;
      if (is_list(problem.value)) out << " of " << PySequence_Fast_GET_SIZE(problem.value);
      break;
    case Problem::kNone:
      break;
  }
  return out.str();
}

}  // namespace plait::python
