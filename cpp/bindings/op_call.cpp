// SPDX-License-Identifier: MIT
// The callable objects made from the op table. One object serves as a module function and, in the type's
// dictionary, as a method: Python passes self as the first positional argument.
#include <cstring>
#include <map>

#include "bindings/python_api.h"
#include "bindings/signature.h"
#include "core/parallel.h"
#include "ops/copy.h"

#include <structmember.h>  // after Python.h

namespace plait::python {
namespace {

struct PyOp {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* name;
  PyObject* module;  // name of the module it is found in, for pickling
  std::vector<std::unique_ptr<Signature>>* overloads;
  std::string* doc;
};

// Work below this many elements is shorter than giving up and taking back the GIL is worth.
constexpr int64_t kReleaseGil = 8192;

void write_out(PyObject* out, const Signature& s, const Result& r) {
  const Tensor& destination = tensor_of(out);
  PLAIT_CHECK(r.kind == Result::kTensor, kValue, s.name, ": out= needs an op with one result");
  PLAIT_CHECK(
      !(grad_enabled() && (requires_grad(destination) || requires_grad(r.tensor))), kRuntime, s.name,
      ": functions with out=... arguments don't support automatic differentiation, but one of the arguments "
      "requires grad.");
  check_inplace(s.name.c_str(), destination, false);
  const DTypeCategory to = category(destination.dtype()), from = category(r.tensor.dtype());
  PLAIT_CHECK(to >= from, kType, s.name, ": result type ", dtype_name(r.tensor.dtype()),
              " can't be cast to the desired output type ", dtype_name(destination.dtype()));
  if (!(destination.shape() == r.tensor.shape())) {
    PLAIT_CHECK(destination.numel() == 0, kValue, s.name, ": expected out= of shape ", r.tensor.shape(),
                ", got ", destination.shape());
    if (destination.dtype() == r.tensor.dtype()) {
      destination.set_data(r.tensor);
      return;
    }
    destination.set_data(Tensor::empty(r.tensor.shape(), destination.dtype()));
  }
  copy_into(destination, r.tensor);
  destination.bump_version();
}

// name(\nfield=value,\n...)
PyObject* result_repr(PyObject* self) {
  return guarded([&] {
    const py::handle h(self);
    const py::object fields = py::type::handle_of(h).attr("__match_args__");
    std::string text = std::string(Py_TYPE(self)->tp_name) + "(\n";
    bool first = true;
    for (py::handle field : fields) {
      text += (first ? "" : ",\n") + std::string(py::str(field)) + "=" + std::string(py::repr(h.attr(field)));
      first = false;
    }
    return PyUnicode_FromString((text + ")").c_str());
  });
}

// A struct sequence like torch.return_types: a tuple with names.
PyObject* result_type(const Signature& s) {
  if (s.result_type) return s.result_type;
  static std::map<std::string, PyObject*>* types = new std::map<std::string, PyObject*>;
  std::string key = s.name;
  for (const std::string& field : s.result_names) key += "," + field;
  PyObject*& type = (*types)[key];
  if (!type) {
    // Names live as long as the type: never freed.
    auto* fields = new PyStructSequence_Field[s.result_names.size() + 1]();
    for (size_t i = 0; i < s.result_names.size(); ++i) {
      fields[i].name = strdup(s.result_names[i].c_str());
      fields[i].doc = "";
    }
    auto* full = new std::string("plait.return_types." + s.name);
    PyStructSequence_Desc desc = {full->c_str(), "", fields, static_cast<int>(s.result_names.size())};
    type = reinterpret_cast<PyObject*>(PyStructSequence_NewType(&desc));
    reinterpret_cast<PyTypeObject*>(type)->tp_repr = result_repr;
  }
  const_cast<Signature&>(s).result_type = type;
  return type;
}

PyObject* to_python(const Signature& s, Result& r) {
  switch (r.kind) {
    case Result::kNone:
      Py_RETURN_NONE;
    case Result::kTensor:
      return wrap(r.tensor);
    case Result::kTuple: {
      PyObject* tuple;
      if (!s.result_names.empty()) {
        tuple = PyStructSequence_New(reinterpret_cast<PyTypeObject*>(result_type(s)));
        for (size_t i = 0; tuple && i < r.tensors.size(); ++i) {
          PyStructSequence_SetItem(tuple, static_cast<Py_ssize_t>(i), wrap(r.tensors[i]));
        }
      } else {
        tuple = PyTuple_New(static_cast<Py_ssize_t>(r.tensors.size()));
        for (size_t i = 0; tuple && i < r.tensors.size(); ++i) {
          PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), wrap(r.tensors[i]));
        }
      }
      return tuple;
    }
    case Result::kList: {  // PyTorch returns tuples for chunk, split, unbind, ...
      PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(r.tensors.size()));
      for (size_t i = 0; tuple && i < r.tensors.size(); ++i) {
        PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), wrap(r.tensors[i]));
      }
      return tuple;
    }
    case Result::kInt:
      return PyLong_FromLongLong(r.i);
    case Result::kFloat:
      return PyFloat_FromDouble(r.f);
    case Result::kBool:
      return PyBool_FromLong(r.i != 0);
    case Result::kInts:
      return size_object(r.ints);
    case Result::kDType:
      return Py_NewRef(dtype_object(static_cast<DType>(r.i)));
    case Result::kString:
      return PyUnicode_FromStringAndSize(r.string.data(), static_cast<Py_ssize_t>(r.string.size()));
    case Result::kScalar:
      break;
  }
  Py_RETURN_NONE;
}

[[noreturn, gnu::noinline]] void no_overload(const PyOp* op, PyObject* const* args, size_t n_positional,
                                             PyObject* keyword_names) {
  std::ostringstream out;
  const auto& overloads = *op->overloads;
  if (overloads.size() == 1) {
    CallArgs call;
    call.fill(*overloads[0], args, n_positional, keyword_names);
    out << overloads[0]->name << "(): " << call.describe_problem(*overloads[0], n_positional)
        << "\nhint: the signature is " << overloads[0]->text;
  } else {
    out << overloads[0]->name << "(): received an invalid combination of arguments - got (";
    for (size_t i = 0; i < n_positional; ++i) out << (i ? ", " : "") << Py_TYPE(args[i])->tp_name;
    const Py_ssize_t n_keywords = keyword_names ? PyTuple_GET_SIZE(keyword_names) : 0;
    for (Py_ssize_t k = 0; k < n_keywords; ++k) {
      out << (n_positional || k ? ", " : "") << PyUnicode_AsUTF8(PyTuple_GET_ITEM(keyword_names, k)) << "="
          << Py_TYPE(args[n_positional + static_cast<size_t>(k)])->tp_name;
    }
    out << "), but expected one of:";
    for (const auto& s : overloads) {
      CallArgs call;
      call.fill(*s, args, n_positional, keyword_names);
      out << "\n * " << s->text << "\n   (" << call.describe_problem(*s, n_positional) << ")";
    }
  }
  throw Error(ErrorKind::kType, out.str());
}

PyObject* op_vectorcall(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keyword_names) {
  const auto* op = reinterpret_cast<PyOp*>(self);
  const auto n_positional = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
  return guarded([&]() -> PyObject* {
    for (const auto& s : *op->overloads) {
      CallArgs call;
      if (!call.fill(*s, args, n_positional, keyword_names)) continue;
      Result result;
      if (call.work >= kReleaseGil) {
        py::gil_scoped_release release;
        s->call(call.args, result);
      } else {
        s->call(call.args, result);
      }
      if (call.out) {
        write_out(call.out, *s, result);
        return Py_NewRef(call.out);
      }
      return to_python(*s, result);
    }
    no_overload(op, args, n_positional, keyword_names);
  });
}

PyObject* op_descr_get(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

PyObject* op_repr(PyObject* self) {
  return PyUnicode_FromFormat("<plait op %U>", reinterpret_cast<PyOp*>(self)->name);
}
PyObject* op_reduce(PyObject* self, PyObject*) { return Py_NewRef(reinterpret_cast<PyOp*>(self)->name); }
PyObject* op_get_name(PyObject* self, void*) { return Py_NewRef(reinterpret_cast<PyOp*>(self)->name); }
PyObject* op_get_module(PyObject* self, void*) { return Py_NewRef(reinterpret_cast<PyOp*>(self)->module); }
PyObject* op_get_doc(PyObject* self, void*) {
  return PyUnicode_FromString(reinterpret_cast<PyOp*>(self)->doc->c_str());
}
// An inspect.Signature of the first overload, built by the Python side when it is asked for.
PyObject* op_get_signature(PyObject* self, void*) {
  return guarded([&] {
    const auto* op = reinterpret_cast<PyOp*>(self);
    return py::module_::import("plait._signatures")
        .attr("make_signature")((*op->overloads)[0]->text)
        .release()
        .ptr();
  });
}

PyGetSetDef op_getset[] = {
    {"__name__", op_get_name, nullptr, nullptr, nullptr},
    {"__qualname__", op_get_name, nullptr, nullptr, nullptr},
    {"__module__", op_get_module, nullptr, nullptr, nullptr},
    {"__doc__", op_get_doc, nullptr, nullptr, nullptr},
    {"__signature__", op_get_signature, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMethodDef op_methods[] = {
    {"__reduce__", op_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyMemberDef op_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PyOp, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot op_slots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_repr, reinterpret_cast<void*>(op_repr)},
    {Py_tp_descr_get, reinterpret_cast<void*>(op_descr_get)},
    {Py_tp_getset, op_getset},
    {Py_tp_methods, op_methods},
    {Py_tp_members, op_members},
    {0, nullptr},
};
PyType_Spec op_spec = {"plait._core.Op", sizeof(PyOp), 0,
                       Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
                           Py_TPFLAGS_DISALLOW_INSTANTIATION,
                       op_slots};
PyTypeObject* op_type = nullptr;

std::string_view entry_name(const OpEntry& e) {
  const std::string_view s = e.signature;
  return s.substr(0, s.find('('));
}

// Entries by name, in table order.
const std::map<std::string_view, std::vector<const OpEntry*>>& entries_by_name() {
  static const auto* index = [] {
    auto* m = new std::map<std::string_view, std::vector<const OpEntry*>>;
    for (const OpEntry& e : op_table()) (*m)[entry_name(e)].push_back(&e);
    return m;
  }();
  return *index;
}

PyObject* new_op(std::string_view name, const std::vector<const OpEntry*>& entries, char where,
                 const char* module) {
  auto overloads = std::make_unique<std::vector<std::unique_ptr<Signature>>>();
  std::string doc, text;
  for (const OpEntry* e : entries) {
    if (!std::strchr(e->where, where)) continue;
    overloads->push_back(Signature::parse(*e));
    doc += std::string(e->signature) + "\n";
    if (text.empty() && e->doc) text = e->doc;
  }
  if (overloads->empty()) return nullptr;
  auto* op = PyObject_New(PyOp, op_type);
  if (!op) throw py::error_already_set();
  op->vectorcall = op_vectorcall;
  op->name = PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size()));
  op->module = PyUnicode_InternFromString(module);
  op->overloads = overloads.release();
  op->doc = new std::string(doc + "\n" + text);
  return reinterpret_cast<PyObject*>(op);
}

}  // namespace

void init_ops(py::module_& m) {
  op_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&op_spec));
  if (!op_type) throw py::error_already_set();
  py::module_ nn = m.def_submodule("_nn", "Ops of plait.nn.functional.");
  py::module_ ops = m.def_submodule("_ops", "Ops used by the Python package itself.");
  const struct {
    char where;
    PyObject* home;
    const char* module;
  } kHomes[] = {
      {'f', m.ptr(), "plait"}, {'n', nn.ptr(), "plait.nn.functional"}, {'p', ops.ptr(), "plait._core._ops"}};
  py::list names;
  for (const auto& [name, entries] : entries_by_name()) {
    for (const auto& home : kHomes) {
      PyObject* op = new_op(name, entries, home.where, home.module);
      if (!op) continue;
      PyObject_SetAttrString(home.home, std::string(name).c_str(), op);
      if (home.where == 'f') names.append(py::str(std::string(name)));
      Py_DECREF(op);
    }
    if (PyObject* op = new_op(name, entries, 'm', "plait.Tensor")) {
      PyDict_SetItemString(tensor_type->tp_dict, std::string(name).c_str(), op);
      Py_DECREF(op);
    }
  }
  PyType_Modified(tensor_type);
  m.attr("_function_names") = names;
  m.def("_op_table", [] {
    py::list rows;
    for (const OpEntry& e : op_table()) {
      py::dict row;
      row["name"] = std::string(entry_name(e));
      row["signature"] = e.signature;
      row["where"] = e.where;
      row["doc"] = e.doc ? e.doc : "";
      rows.append(row);
    }
    return rows;
  });
}

}  // namespace plait::python
