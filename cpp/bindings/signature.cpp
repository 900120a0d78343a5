// SPDX-License-Identifier: MIT
#include "bindings/signature.h"

#include <cstdlib>
#include <cstring>

#include "bindings/python_api.h"

namespace plait::python {
namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\n')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\n')) s.remove_suffix(1);
  return s;
}

// Splits at commas outside brackets and quotes.
std::vector<std::string_view> split_list(std::string_view s) {
  std::vector<std::string_view> parts;
  int depth = 0;
  bool quoted = false;
  size_t start = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (c == '\'') quoted = !quoted;
    if (quoted) continue;
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c == ',' && depth == 0) {
      parts.push_back(trim(s.substr(start, i - start)));
      start = i + 1;
    }
  }
  if (!trim(s.substr(start)).empty()) parts.push_back(trim(s.substr(start)));
  return parts;
}

[[noreturn]] void bad_signature(const OpEntry& entry, std::string_view where) {
  PLAIT_FAIL(kInternal, "signature: cannot read '", std::string(where), "' in ", entry.signature);
}

void parse_kind(const OpEntry& entry, std::string_view kind, Param& p) {
  const std::string_view full = kind;
  if (kind.ends_with('?')) {
    p.optional = true;
    kind.remove_suffix(1);
  }
  static constexpr std::pair<std::string_view, ParamKind> kKinds[] = {
      {"Tensor", ParamKind::kTensor},
      {"Operand", ParamKind::kOperand},
      {"Scalar", ParamKind::kScalar},
      {"int", ParamKind::kInt},
      {"float", ParamKind::kFloat},
      {"bool", ParamKind::kBool},
      {"str", ParamKind::kString},
      {"Dtype", ParamKind::kDType},
      {"Generator", ParamKind::kGenerator},
      {"Device", ParamKind::kDevice},
      {"any", ParamKind::kAny},
      {"int[]", ParamKind::kInts},
      {"float[]", ParamKind::kFloats},
      {"Tensor[]", ParamKind::kTensors},
      {"Tensor?[]", ParamKind::kOptionalTensors},
  };
  for (const auto& [name, value] : kKinds) {
    if (kind == name) {
      p.kind = value;
      p.passed = value != ParamKind::kDevice && value != ParamKind::kAny;
      return;
    }
  }
  p.none_items = kind.starts_with("int?[");
  if ((kind.starts_with("int[") || p.none_items) && kind.ends_with("]")) {
    p.kind = ParamKind::kInts;
    p.repeat = std::atoll(std::string(kind.substr(kind.find('[') + 1)).c_str());
    return;
  }
  bad_signature(entry, full);
}

void parse_default(const OpEntry& entry, std::string_view text, Param& p) {
  p.has_default = true;
  Arg& a = p.default_arg;
  if (text == "None") {
    p.optional = true;
    a.kind = Arg::kNone;
  } else if (text == "True" || text == "False") {
    a.kind = Arg::kBool;
    a.i = text == "True";
  } else if (text.starts_with('\'')) {
    p.default_string = std::string(text.substr(1, text.size() - 2));
    p.default_view = p.default_string;
    a.kind = Arg::kString;
    a.string = &p.default_view;
  } else if (text.starts_with('(') || text.starts_with('[') || p.kind == ParamKind::kInts) {
    if (text.starts_with('(') || text.starts_with('[')) {
      for (std::string_view item : split_list(text.substr(1, text.size() - 2))) {
        p.default_ints.push_back(std::atoll(std::string(item).c_str()));
      }
    } else {
      p.default_ints.resize(std::max<int64_t>(p.repeat, 1), std::atoll(std::string(text).c_str()));
    }
    a.kind = Arg::kInts;
    a.ints = &p.default_ints;
  } else {
    const std::string number(text);
    char* end = nullptr;
    const bool is_float = number.find_first_of(".einE") != std::string::npos || p.kind == ParamKind::kFloat;
    if (is_float) {
      a.kind = Arg::kFloat;
      a.f = std::strtod(number.c_str(), &end);
    } else {
      a.kind = Arg::kInt;
      a.i = std::strtoll(number.c_str(), &end, 10);
    }
    if (*end) bad_signature(entry, text);
  }
}

const char* kind_name(const Param& p) {
  switch (p.kind) {
    case ParamKind::kTensor:
      return "Tensor";
    case ParamKind::kOperand:
      return "Tensor or Number";
    case ParamKind::kScalar:
      return "Number";
    case ParamKind::kInt:
      return "int";
    case ParamKind::kFloat:
      return "float";
    case ParamKind::kBool:
      return "bool";
    case ParamKind::kString:
      return "str";
    case ParamKind::kDType:
      return "plait.dtype";
    case ParamKind::kGenerator:
      return "plait.Generator";
    case ParamKind::kDevice:
      return "plait.device";
    case ParamKind::kInts:
      return "tuple of ints";
    case ParamKind::kFloats:
      return "tuple of floats";
    case ParamKind::kTensors:
      return "tuple of Tensors";
    case ParamKind::kOptionalTensors:
      return "tuple of Tensors or None";
    case ParamKind::kAny:
      break;
  }
  return "object";
}

bool is_number(PyObject* o) { return PyLong_Check(o) || PyFloat_Check(o); }

// A NumPy scalar or anything else that behaves like a Python number but is neither a tensor nor an array.
bool is_foreign_number(PyObject* o) {
  if (is_tensor(o)) return false;
  const PyNumberMethods* n = Py_TYPE(o)->tp_as_number;
  return n && (n->nb_index || n->nb_float) &&
         !(Py_TYPE(o)->tp_as_sequence && Py_TYPE(o)->tp_as_sequence->sq_length &&
           PyObject_HasAttrString(o, "shape") && PySequence_Size(o) >= 0);
}

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
      if (!to_double(o, &arg.f)) return false;
      arg.kind = Arg::kFloat;
      return true;
    }
    arg.kind = Arg::kInt;
    return true;
  }
  if (is_tensor(o)) {
    const Tensor& t = tensor_of(o);
    if (t.numel() != 1 || requires_grad(t)) return false;
    if (t.is_floating()) {
      arg.kind = Arg::kFloat;
      arg.f = t.item_as<double>();
    } else {
      arg.kind = t.dtype() == DType::kBool ? Arg::kBool : Arg::kInt;
      arg.i = t.item_as<int64_t>();
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
    if (t.numel() != 1 || t.is_floating()) return false;
    *out = t.item_as<int64_t>();
    return true;
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

bool to_ints(PyObject* o, Dims* out, bool none_items) {
  if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
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

std::unique_ptr<Signature> Signature::parse(const OpEntry& entry) {
  auto s = std::make_unique<Signature>();
  s->text = entry.signature;
  s->call = entry.call;
  s->takes_out = std::strchr(entry.where, 'o') != nullptr;
  const std::string_view text = s->text;
  const size_t open = text.find('('), arrow = text.find("->"), close = text.rfind(')', arrow);
  if (open == text.npos || close == text.npos || arrow == text.npos) bad_signature(entry, text);
  s->name = std::string(trim(text.substr(0, open)));
  bool keyword_only = false;
  for (std::string_view part : split_list(text.substr(open + 1, close - open - 1))) {
    if (part == "*") {
      keyword_only = true;
      continue;
    }
    auto p = std::make_unique<Param>();
    const size_t space = part.find(' ');
    if (space == part.npos) bad_signature(entry, part);
    parse_kind(entry, part.substr(0, space), *p);
    std::string_view rest = trim(part.substr(space));
    const size_t equals = rest.find('=');
    p->name = std::string(trim(rest.substr(0, equals)));
    p->key = PyUnicode_InternFromString(p->name.c_str());
    p->keyword_only = keyword_only;
    if (equals != rest.npos) parse_default(entry, trim(rest.substr(equals + 1)), *p);
    if (!keyword_only) s->positional = s->params.size() + 1;
    s->params.push_back(std::move(p));
  }
  if (s->params.size() > CallArgs::kMax) bad_signature(entry, "too many parameters");
  if (s->positional > 0) {
    const Param& last = *s->params[s->positional - 1];
    s->varargs = last.kind == ParamKind::kInts && last.repeat == 0;
    s->tensor_varargs = last.kind == ParamKind::kTensors && s->positional == 1;
  }
  const std::string_view result = trim(text.substr(arrow + 2));
  if (result.starts_with('(')) {
    for (std::string_view part : split_list(result.substr(1, result.size() - 2))) {
      const size_t space = part.find(' ');
      if (space != part.npos) s->result_names.push_back(std::string(trim(part.substr(space))));
    }
  }
  return s;
}

Dims& CallArgs::new_ints() {
  if (n_ints_ < std::size(ints_)) return ints_[n_ints_++];
  more_ints_.push_back(std::make_unique<Dims>());
  return *more_ints_.back();
}

bool CallArgs::convert(const Param& p, PyObject* value, Arg& arg) {
  if (value == Py_None && (p.optional || p.kind == ParamKind::kAny || p.kind == ParamKind::kDevice)) {
    arg.kind = Arg::kNone;
    return true;
  }
  switch (p.kind) {
    case ParamKind::kTensor:
    case ParamKind::kOperand:
      if (is_tensor(value)) {
        arg.kind = Arg::kTensor;
        arg.tensor = &tensor_of(value);
        work += arg.tensor->numel();
        return true;
      }
      if (p.kind == ParamKind::kOperand && (is_number(value) || is_foreign_number(value))) {
        Arg number;
        if (!number_arg(value, number)) return false;
        if (n_numbers_ == std::size(numbers_)) return false;
        Tensor& t = numbers_[n_numbers_++];
        t = detail::Unbox<Scalar>::get(number).to_tensor();
        arg.kind = Arg::kTensor;
        arg.tensor = &t;
        return true;
      }
      return false;
    case ParamKind::kScalar:
      return number_arg(value, arg);
    case ParamKind::kInt:
      arg.kind = Arg::kInt;
      return !PyBool_Check(value) && to_int(value, &arg.i);
    case ParamKind::kFloat:
      arg.kind = Arg::kFloat;
      return to_double(value, &arg.f);
    case ParamKind::kBool:
      arg.kind = Arg::kBool;
      if (PyBool_Check(value)) {
        arg.i = value == Py_True;
        return true;
      }
      if (std::strcmp(Py_TYPE(value)->tp_name, "numpy.bool") == 0 ||
          std::strcmp(Py_TYPE(value)->tp_name, "numpy.bool_") == 0) {
        arg.i = PyObject_IsTrue(value);
        return true;
      }
      return false;
    case ParamKind::kString: {
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
    case ParamKind::kDType:
      arg.kind = Arg::kDType;
      return as_dtype(value, &arg.dtype);
    case ParamKind::kGenerator:
      arg.kind = Arg::kGenerator;
      arg.generator = generator_of(value);
      return arg.generator != nullptr;
    case ParamKind::kDevice:
      check_device("device", value);
      return true;
    case ParamKind::kAny:
      return true;
    case ParamKind::kInts: {
      Dims& d = new_ints();
      arg.kind = Arg::kInts;
      arg.ints = &d;
      int64_t v;
      if (!PyTuple_Check(value) && !PyList_Check(value)) {
        v = kNoSize;
        const bool none = p.none_items && value == Py_None;
        if (!none && (PyBool_Check(value) || !to_int(value, &v))) return false;
        d.resize(std::max<int64_t>(p.repeat, 1), v);
        return true;
      }
      return to_ints(value, &d, p.none_items);
    }
    case ParamKind::kFloats: {
      if (!PyTuple_Check(value) && !PyList_Check(value)) return false;
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
    case ParamKind::kTensors:
    case ParamKind::kOptionalTensors: {
      if (!PyTuple_Check(value) && !PyList_Check(value)) return false;
      tensors_.push_back(std::make_unique<std::vector<Tensor>>());
      const Py_ssize_t n = PySequence_Fast_GET_SIZE(value);
      tensors_.back()->reserve(static_cast<size_t>(n));
      for (Py_ssize_t i = 0; i < n; ++i) {
        PyObject* item = PySequence_Fast_ITEMS(value)[i];
        if (item == Py_None && p.kind == ParamKind::kOptionalTensors) {
          tensors_.back()->push_back(Tensor());
          continue;
        }
        if (!is_tensor(item)) return false;
        tensors_.back()->push_back(tensor_of(item));
        work += tensor_of(item).numel();
      }
      arg.kind = Arg::kTensors;
      arg.tensors = tensors_.back().get();
      return true;
    }
  }
  return false;
}

bool CallArgs::fill(const Signature& s, PyObject* const* values, size_t n_positional,
                    PyObject* keyword_names) {
  const size_t n_params = s.params.size();
  PyObject* given[kMax] = {};
  size_t taken = n_positional;
  bool rest_is_ints = false;
  const bool rest_is_tensors = s.tensor_varargs && n_positional > 0 && is_tensor(values[0]);
  if (rest_is_tensors) {
    taken = 0;
  } else if (n_positional > s.positional) {
    if (!s.varargs || s.positional == 0) {
      problem = {Problem::kTooMany, 0, nullptr};
      return false;
    }
    rest_is_ints = true;
    taken = s.positional - 1;
  }
  for (size_t i = 0; i < taken; ++i) given[i] = values[i];
  const Py_ssize_t n_keywords = keyword_names ? PyTuple_GET_SIZE(keyword_names) : 0;
  for (Py_ssize_t k = 0; k < n_keywords; ++k) {
    PyObject* key = PyTuple_GET_ITEM(keyword_names, k);
    PyObject* value = values[n_positional + static_cast<size_t>(k)];
    size_t at = n_params;
    for (size_t i = 0; i < n_params; ++i) {
      if (s.params[i]->key == key) {
        at = i;
        break;
      }
    }
    if (at == n_params) {  // not interned, or NumPy's name for a parameter of ours
      const char* name = PyUnicode_AsUTF8(key);
      std::string_view wanted = name ? name : "";
      if (s.takes_out && wanted == "out") {
        if (value == Py_None) continue;
        if (is_tensor(value)) {
          out = value;
          continue;
        }
        problem = {Problem::kUnknownKeyword, 0, key};
        return false;
      }
      for (int attempt = 0; attempt < 2 && at == n_params; ++attempt) {
        for (size_t i = 0; i < n_params; ++i) {
          if (s.params[i]->name == wanted) at = i;
        }
        if (wanted == "axis")
          wanted = "dim";
        else if (wanted == "keepdims")
          wanted = "keepdim";
        else if (wanted == "self" || wanted == "x")
          wanted = "input";
        else
          break;
      }
      if (at == n_params) {
        problem = {Problem::kUnknownKeyword, 0, key};
        return false;
      }
    }
    if (given[at] || ((rest_is_ints || rest_is_tensors) && at == s.positional - 1)) {
      problem = {Problem::kDuplicate, at, key};
      return false;
    }
    given[at] = value;
  }
  size_t slot = 0;
  for (size_t i = 0; i < n_params; ++i) {
    const Param& p = *s.params[i];
    Arg ignored;
    Arg& arg = p.passed ? args[slot++] : ignored;
    if (rest_is_ints && i == s.positional - 1) {
      Dims& d = new_ints();
      for (size_t k = i; k < n_positional; ++k) {
        int64_t v;
        if (PyBool_Check(values[k]) || !to_int(values[k], &v)) {
          problem = {Problem::kType, i, values[k]};
          return false;
        }
        d.push_back(v);
      }
      arg.kind = Arg::kInts;
      arg.ints = &d;
      continue;
    }
    if (rest_is_tensors && i == 0) {
      tensors_.push_back(std::make_unique<std::vector<Tensor>>());
      for (size_t k = 0; k < n_positional; ++k) {
        if (!is_tensor(values[k])) {
          problem = {Problem::kType, i, values[k]};
          return false;
        }
        tensors_.back()->push_back(tensor_of(values[k]));
        work += tensor_of(values[k]).numel();
      }
      arg.kind = Arg::kTensors;
      arg.tensors = tensors_.back().get();
      continue;
    }
    if (!given[i]) {
      if (!p.has_default) {
        problem = {Problem::kMissing, i, nullptr};
        return false;
      }
      arg = p.default_arg;
      continue;
    }
    if (!convert(p, given[i], arg)) {
      problem = {Problem::kType, i, given[i]};
      return false;
    }
  }
  return true;
}

std::string CallArgs::describe_problem(const Signature& s, size_t n_positional) const {
  std::ostringstream out;
  switch (problem.kind) {
    case Problem::kTooMany:
      out << "takes " << s.positional << " positional argument" << (s.positional == 1 ? "" : "s") << ", but "
          << n_positional << " were given";
      break;
    case Problem::kMissing:
      out << "missing required argument '" << s.params[problem.param]->name << "'";
      break;
    case Problem::kType: {
      const Param& p = *s.params[problem.param];
      out << "argument '" << p.name << "' (position " << problem.param + 1 << ") must be " << kind_name(p);
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
      out << "got multiple values for argument '" << s.params[problem.param]->name << "'";
      break;
    case Problem::kNone:
      break;
  }
  return out.str();
}

}  // namespace plait::python
