// SPDX-License-Identifier: MIT
// The callable objects made from the op table. One object serves as a module function and, in the type's
// dictionary, as a method: Python passes self as the first positional argument.
//
// A call takes four steps: the first overload whose parameters the arguments fit (call_args.h), the op
// through call_op() of ops/registry.h, the copy into out=, the result as a Python object.
#include <cstring>
#include <map>
#include <mutex>
#include <span>

#include "bindings/op_table.h"
#include "bindings/overrides.h"
#include "bindings/python_api.h"
#include "core/parallel.h"
#include "ops/copy.h"

#include <structmember.h>  // after Python.h

namespace plait::python {
namespace {

struct PyOp {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* name;
  PyObject* module;  // name of the module it is found in, for pickling
  std::vector<const Overload*>* overloads;
  std::string* doc;
  PyObject* dict;  // attributes that programs set, as on a function
};

// Work below this many elements is shorter than giving up and taking back the GIL is worth.
constexpr int64_t kReleaseGil = 8192;

bool begin_together(const Tensor& a, const Tensor& b) {
  if (a.is_meta() || b.is_meta()) return a.storage() == b.storage() && a.offset() == b.offset();
  return a.data_ptr() == b.data_ptr();
}

// An output that lies across an input: the op could not be computed into it as one pass. Elementwise, an
// input may itself be the output.
void check_out(const Overload& o, const CallArgs& call, const Tensor& out) {
  const auto check = [&](const Tensor& input, bool may_be_out) {
    const bool same = input.is_same(out) || (begin_together(input, out) && input.shape() == out.shape() &&
                                             input.strides() == out.strides());
    if (same ? may_be_out : !(is_dense(input) && is_dense(out) && may_overlap(input, out))) return;
    PLAIT_FAIL(
        kRuntime, o.name,
        ": unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
        "single memory location\nhint: write to a tensor of its own, or clone() the input");
  };
  size_t slot = 0;
  for (const auto& p : o.params) {
    if (!p->passed()) continue;
    const Arg& arg = call.args[slot++];
    if (arg.kind == Arg::kTensor) check(*arg.tensor, true);
    if (arg.kind != Arg::kTensors) continue;
    for (const Tensor& t : *arg.tensors) check(t, false);
  }
}

// Raises unless the result can become the value of `destination`.
void check_written(const Tensor& destination, const Overload& o, const Tensor& result) {
  PLAIT_CHECK(!(grad_enabled() && (requires_grad(destination) || requires_grad(result))), kRuntime, o.name,
              ": functions with out=... arguments don't support automatic "
              "differentiation, but one of the arguments requires grad.");
  check_inplace(o.name.c_str(), destination, false);
  PLAIT_CHECK(destination.is_meta() == result.is_meta(), kRuntime, o.name, ": expected out= on the device ",
              result.is_meta() ? "meta" : "cpu", ", got one on ", destination.is_meta() ? "meta" : "cpu");
  const DTypeCategory to = category(destination.dtype()), from = category(result.dtype());
  PLAIT_CHECK(to >= from, kType, o.name, ": result type ", dtype_name(result.dtype()),
              " can't be cast to the desired output type ", dtype_name(destination.dtype()));
  PLAIT_CHECK(!o.exact_out || destination.dtype() == result.dtype(), kType, o.name,
              ": expected out= of dtype ", dtype_name(result.dtype()), ", got ",
              dtype_name(destination.dtype()));
  PLAIT_CHECK(destination.shape() == result.shape() || destination.numel() == 0, kValue, o.name,
              ": expected out= of shape ", result.shape(), ", got ", destination.shape());
}

// The result becomes the value of out=, which takes its shape when it is empty.
void write_out(const Tensor& destination, const Tensor& result) {
  if (!(destination.shape() == result.shape())) {
    if (destination.dtype() == result.dtype()) {
      destination.set_data(result);
      return;
    }
    destination.set_data(Tensor::empty_like_on(result, destination.dtype(), result.is_meta()));
  }
  const Uninterrupted whole;
  copy_into(destination, result);
  destination.bump_version();
}

// package.return_types.name(\nfield=value,\n...), of the package that Tensor says it is in.
PyObject* result_repr(PyObject* self) {
  return guarded([&] {
    const py::handle h(self);
    const py::handle tensor(reinterpret_cast<PyObject*>(tensor_type));
    const py::object fields = py::type::handle_of(h).attr("__match_args__");
    std::string text = std::string(py::str(tensor.attr("__module__"))) + "." + Py_TYPE(self)->tp_name + "(\n";
    bool first = true;
    for (py::handle field : fields) {
      text += (first ? "" : ",\n") + std::string(py::str(field)) + "=" + std::string(py::repr(h.attr(field)));
      first = false;
    }
    return PyUnicode_FromString((text + ")").c_str());
  });
}

// A struct sequence like torch.return_types: a tuple with names. Overloads of one name share it.
PyObject* named_tuple_type(const std::string& name, const std::vector<std::string_view>& fields) {
  static auto* types = new std::map<std::string, PyObject*>;
  std::string key = name;
  for (const std::string_view field : fields) key += "," + std::string(field);
  PyObject*& type = (*types)[key];
  if (type) return type;
  // Names live as long as the type: never freed.
  auto* members = new PyStructSequence_Field[fields.size() + 1]();
  for (size_t i = 0; i < fields.size(); ++i) {
    members[i].name = strdup(std::string(fields[i]).c_str());
    members[i].doc = "";
  }
  auto* full_name = new std::string("return_types." + name);
  PyStructSequence_Desc desc = {full_name->c_str(), "", members, static_cast<int>(fields.size())};
  type = reinterpret_cast<PyObject*>(PyStructSequence_NewType(&desc));
  if (!type) throw py::error_already_set();
  reinterpret_cast<PyTypeObject*>(type)->tp_repr = result_repr;
  return type;
}

// The type of the op's results when they have names, else null.
PyObject* result_type(const Overload& o) {
  if (o.result_type) return o.result_type;
  const std::vector<std::string_view> names = o.signature.result_names();
  if (!names.empty()) o.result_type = named_tuple_type(o.name, names);
  return o.result_type;
}

// The results in a tuple that is new and empty. Memory may end at any of them.
PyObject* fill_tuple(PyObject* tuple, const std::vector<Tensor>& tensors) {
  if (!tuple) return nullptr;
  for (size_t i = 0; i < tensors.size(); ++i) {
    PyObject* item = wrap(tensors[i]);
    if (!item) {
      Py_DECREF(tuple);
      return nullptr;
    }
    PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), item);  // a struct sequence is a tuple too
  }
  return tuple;
}

PyObject* to_tuple(const std::vector<Tensor>& tensors) {
  return fill_tuple(PyTuple_New(static_cast<Py_ssize_t>(tensors.size())), tensors);
}

PyObject* to_named_tuple(PyObject* type, const std::vector<Tensor>& tensors) {
  return fill_tuple(PyStructSequence_New(reinterpret_cast<PyTypeObject*>(type)), tensors);
}

PyObject* to_python(const Overload& o, const Result& r) {
  switch (r.kind) {
    case Result::kNone:
      break;
    case Result::kTensor:
      return wrap(r.tensor);
    case Result::kTuple:
      if (PyObject* type = result_type(o)) return to_named_tuple(type, r.tensors);
      return to_tuple(r.tensors);
    case Result::kList:  // PyTorch returns tuples for chunk, split, unbind, ...
      return to_tuple(r.tensors);
    case Result::kInt:
      return PyLong_FromLongLong(r.i);
    case Result::kFloat:
      return PyFloat_FromDouble(r.f);
    case Result::kBool:
      return PyBool_FromLong(r.i != 0);
    case Result::kDType:
      return Py_NewRef(dtype_object(static_cast<DType>(r.i)));
  }
  Py_RETURN_NONE;
}

// What was given: "(Tensor, int, dim=str)".
void show_arguments(std::ostringstream& out, PyObject* const* args, size_t n_positional,
                    PyObject* keyword_names) {
  for (size_t i = 0; i < n_positional; ++i) out << (i ? ", " : "") << Py_TYPE(args[i])->tp_name;
  const Py_ssize_t n_keywords = keyword_names ? PyTuple_GET_SIZE(keyword_names) : 0;
  for (Py_ssize_t k = 0; k < n_keywords; ++k) {
    out << (n_positional || k ? ", " : "") << PyUnicode_AsUTF8(PyTuple_GET_ITEM(keyword_names, k)) << "="
        << Py_TYPE(args[n_positional + static_cast<size_t>(k)])->tp_name;
  }
}

[[noreturn, gnu::noinline]] void no_overload(const PyOp* op, PyObject* const* args, size_t n_positional,
                                             PyObject* keyword_names) {
  std::ostringstream out;
  const auto problem = [&](const Overload& o) {
    CallArgs call;
    call.fill(o, args, n_positional, keyword_names);
    return call.describe_problem(o, n_positional);
  };
  const Overload& first = *op->overloads->front();
  if (op->overloads->size() == 1) {
    out << first.name << "(): " << problem(first) << "\nhint: the signature is " << first.signature.text;
  } else {
    out << first.name << "(): received an invalid combination of arguments - got (";
    show_arguments(out, args, n_positional, keyword_names);
    out << "), but expected one of:";
    for (const Overload* o : *op->overloads) {
      out << "\n * " << o->signature.text << "\n   (" << problem(*o) << ")";
    }
  }
  throw Error(ErrorKind::kType, out.str());
}

// The tensors of out=.
std::vector<Tensor> destinations(const Overload& o, PyObject* out) {
  if (o.outs == 1) return {tensor_of(out)};
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < o.outs; ++i) tensors.push_back(tensor_of(PySequence_Fast_ITEMS(out)[i]));
  return tensors;
}

// The results go to out=, all of them or, after an error, none.
PyObject* finish_out(const Overload& o, PyObject* out, const std::vector<Tensor>& to, const Result& result) {
  const std::vector<Tensor> results =
      result.kind == Result::kTensor ? std::vector<Tensor>{result.tensor} : result.tensors;
  PLAIT_CHECK(results.size() == to.size(), kInternal, o.name, ": ", results.size(), " results for out=");
  for (size_t i = 0; i < to.size(); ++i) check_written(to[i], o, results[i]);
  for (size_t i = 0; i < to.size(); ++i) write_out(to[i], results[i]);
  if (o.outs == 1) return Py_NewRef(out);
  PyObject* type = result_type(o);
  return type ? to_named_tuple(type, to) : to_tuple(to);
}

PyObject* run(const Overload& o, const CallArgs& call) {
  std::vector<Tensor> outs;
  if (call.out) {
    outs = destinations(o, call.out);
    for (const Tensor& out : outs) check_out(o, call, out);
  }
  const Tensor* out = call.out ? outs.data() : nullptr;
  const Place place = o.creates && call.place == Place::kOfArguments ? default_place() : call.place;
  Result result;
  if (call.work >= kReleaseGil) {
    GraphUnlocked unlocked(call.in_graph);
    restart_interrupt_timer();
    call_op(o.op, call.args, result, out, place);
  } else {
    call_op(o.op, call.args, result, out, place);
  }
  return call.out ? finish_out(o, call.out, outs, result) : to_python(o, result);
}

PyObject* op_vectorcall(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keyword_names) {
  const auto* op = reinterpret_cast<PyOp*>(self);
  const auto n_positional = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
  const auto taken_over = [&] {
    return is_overridden(args, n_positional + (keyword_names ? PyTuple_GET_SIZE(keyword_names) : 0));
  };
  return guarded([&]() -> PyObject* {
    if (torch_function_modes != 0 && taken_over()) [[unlikely]]
      return call_override(self, args, n_positional, keyword_names);
    for (const Overload* o : *op->overloads) {
      CallArgs call;
      if (!call.fill(*o, args, n_positional, keyword_names)) continue;
      if (call.unusual && taken_over()) [[unlikely]]
        break;
      return run(*o, call);
    }
    if (taken_over()) return call_override(self, args, n_positional, keyword_names);
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
// The entry's text, completed by what the signature knows when it is asked for.
PyObject* op_get_doc(PyObject* self, void*) {
  return guarded([&] {
    const py::object signature = py::reinterpret_borrow<py::object>(self).attr("__signature__");
    return py::module_::import("plait._docstrings")
        .attr("complete")(*reinterpret_cast<PyOp*>(self)->doc, signature)
        .release()
        .ptr();
  });
}
// An inspect.Signature of the first overload, built by the Python side when it is asked for.
PyObject* op_get_signature(PyObject* self, void*) {
  return guarded([&] {
    const auto* op = reinterpret_cast<PyOp*>(self);
    return py::module_::import("plait._signatures")
        .attr("make_signature")(op_row(*op->overloads->front()))
        .release()
        .ptr();
  });
}

PyGetSetDef op_getset[] = {
    {"__name__", op_get_name, nullptr, nullptr, nullptr},
    {"__qualname__", op_get_name, nullptr, nullptr, nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
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
    {"__dictoffset__", T_PYSSIZET, offsetof(PyOp, dict), READONLY, nullptr},
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

// Overloads by name, in table order.
using OverloadsByName = std::map<std::string_view, std::vector<const Overload*>>;
OverloadsByName overloads_by_name() {
  OverloadsByName index;
  for (const auto& o : overloads()) index[o->name].push_back(o.get());
  return index;
}

// The callable for those overloads of a name that are visible there, shown without `prefix`; null when none
// is.
PyObject* new_op(std::string_view name, const std::vector<const Overload*>& all, char where,
                 const char* module, std::string_view prefix = {}) {
  auto visible = std::make_unique<std::vector<const Overload*>>();
  std::string doc, text;
  for (const Overload* o : all) {
    if (!std::strchr(o->op.where, where)) continue;
    visible->push_back(o);
    doc += std::string(o->op.signature).substr(prefix.size()) + "\n";
    if (text.empty() && o->op.doc) text = o->op.doc;
  }
  if (visible->empty()) return nullptr;
  // A method without a text of its own has that of the function.
  for (const Overload* o : all) {
    if (text.empty() && o->op.doc) text = o->op.doc;
  }
  auto* op = PyObject_New(PyOp, op_type);
  if (!op) throw py::error_already_set();
  op->vectorcall = op_vectorcall;
  op->dict = nullptr;
  name.remove_prefix(prefix.size());
  op->name = PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size()));
  op->module = PyUnicode_InternFromString(module);
  op->overloads = visible.release();
  op->doc = new std::string(doc + "\n" + text);
  return reinterpret_cast<PyObject*>(op);
}

// One place where ops are found, and the names that are found there: those of the table without `prefix`.
struct Home {
  char where;
  py::handle object;
  const char* module;
  std::string_view prefix = {};
  py::list names{};

  void add(const std::string& name, const std::vector<const Overload*>& all) {
    if (!name.starts_with(prefix)) return;
    PyObject* op = new_op(name, all, where, module, prefix);
    if (!op) return;
    const std::string shown = name.substr(prefix.size());
    object.attr(shown.c_str()) = py::reinterpret_steal<py::object>(op);
    names.append(shown);
  }
};

void add_method(const std::string& name, const std::vector<const Overload*>& all) {
  PyObject* op = new_op(name, all, 'm', "plait.Tensor");
  if (!op) return;
  PyDict_SetItemString(tensor_type->tp_dict, name.c_str(), op);
  Py_DECREF(op);
}

// ---- A recorder for the tests ----

// Kernels run without the GIL, so the observer takes a lock of its own.
std::mutex recorded_mutex;
std::vector<const OpEntry*> recorded;

void record_call(const OpCall& call) {
  const std::lock_guard lock(recorded_mutex);
  recorded.push_back(&call.op);
}

py::list recorded_names() {
  py::list names{};
  for (const OpEntry* e : recorded) names.append(std::string(SignatureReader(e->signature).name()));
  return names;
}

}  // namespace

void init_ops(py::module_& m) {
  op_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&op_spec));
  if (!op_type) throw py::error_already_set();
  py::module_ nn = m.def_submodule("_nn", "Ops of plait.nn.functional.");
  py::module_ ops = m.def_submodule("_ops", "Ops used by the Python package itself.");
  py::module_ linalg = m.def_submodule("_linalg", "Ops of plait.linalg.");
  py::module_ special = m.def_submodule("_special", "Ops of plait.special.");
  py::module_ fft = m.def_submodule("_fft", "Ops of plait.fft.");
  Home homes[] = {{'f', m, "plait"},
                  {'n', nn, "plait.nn.functional"},
                  {'p', ops, "plait._core._ops"},
                  {'s', linalg, "plait.linalg", "linalg_"},
                  {'s', special, "plait.special", "special_"},
                  {'s', fft, "plait.fft", "fft_"}};
  for (const auto& [name, all] : overloads_by_name()) {
    for (Home& home : homes) home.add(std::string(name), all);
    add_method(std::string(name), all);
  }
  PyType_Modified(tensor_type);
  for (const Home& home : std::span(homes).subspan(1)) home.object.attr("__all__") = home.names;
  m.def(
      "_op_table",
      [] {
        py::list rows;
        for (const auto& o : overloads()) rows.append(op_row(*o));
        return rows;
      },
      "The op table: a list of plait._signatures.OpRow.");
  m.def(
      "_record_calls",
      [](bool on) {
        py::list names = recorded_names();
        recorded.clear();
        op_observer = on ? record_call : nullptr;
        return names;
      },
      py::arg("on"),
      "Start or stop noting the ops that Python calls; return the names noted since the last call.");
}

}  // namespace plait::python
