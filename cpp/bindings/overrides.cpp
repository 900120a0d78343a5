// SPDX-License-Identifier: MIT
#include "bindings/overrides.h"

#include <algorithm>
#include <string>
#include <vector>

#include "bindings/python_api.h"
#include "ops/registry.h"

#include <structmember.h>  // after Python.h

namespace plait::python {

PyTypeObject* parameter_type = nullptr;
int torch_function_modes = 0;

namespace {

// ---- Which objects take over ----

// What a thread has turned off, and the modes it has entered, the innermost last.
struct ThreadState {
  bool classes_off = false;
  bool all_off = false;
  std::vector<py::object> modes;
};
ThreadState& state() {
  thread_local auto* s = new ThreadState;  // never freed: the objects in it need a live interpreter
  return *s;
}

PyObject* interned(const char* name) { return PyUnicode_InternFromString(name); }
PyObject* torch_function_name() {
  static PyObject* const name = interned("__torch_function__");
  return name;
}

PyObject* disabled_torch_function = nullptr;  // what a class sets to take no part

bool is_basic(PyTypeObject* t) {
  return t == &PyLong_Type || t == &PyFloat_Type || t == &PyBool_Type || t == &PyUnicode_Type ||
         t == &PyTuple_Type || t == &PyList_Type || t == &PyDict_Type || t == &PySlice_Type ||
         t == Py_TYPE(Py_None) || t == Py_TYPE(Py_Ellipsis);
}

bool classes_enabled() { return !state().classes_off && !state().all_off; }
bool has_mode() { return torch_function_modes != 0 && !state().all_off && !state().modes.empty(); }

// Calls visit(object) for the arguments and the items of lists among them, until it returns true.
template <class F>
bool any_argument(PyObject* const* args, size_t n, F&& visit) {
  for (size_t i = 0; i < n; ++i) {
    if (visit(args[i])) return true;
    if (!PyTuple_Check(args[i]) && !PyList_Check(args[i])) continue;
    const Py_ssize_t length = PySequence_Fast_GET_SIZE(args[i]);
    for (Py_ssize_t k = 0; k < length; ++k) {
      if (visit(PySequence_Fast_ITEMS(args[i])[k])) return true;
    }
  }
  return false;
}

// ---- Handing over ----

struct Call {
  PyObject* func;
  PyObject* const* args;
  size_t n_positional;
  PyObject* keyword_names;

  size_t total() const {
    return n_positional + static_cast<size_t>(keyword_names ? PyTuple_GET_SIZE(keyword_names) : 0);
  }
  py::tuple positional() const {
    py::tuple tuple(n_positional);
    for (size_t i = 0; i < n_positional; ++i) tuple[i] = py::handle(args[i]);
    return tuple;
  }
  py::dict keywords() const {
    py::dict dict;
    for (size_t i = n_positional; i < total(); ++i) {
      dict[py::handle(PyTuple_GET_ITEM(keyword_names, static_cast<Py_ssize_t>(i - n_positional)))] =
          py::handle(args[i]);
    }
    return dict;
  }
};

// One object of each class that takes over, subclasses before their bases, else in the order of the
// arguments.
std::vector<PyObject*> overriding_objects(const Call& call) {
  std::vector<PyObject*> found;
  any_argument(call.args, call.total(), [&](PyObject* o) {
    if (is_plain_tensor(o) || override_of(o) != Override::kClass) return false;
    auto place = found.end();
    for (auto it = found.begin(); it != found.end(); ++it) {
      if (Py_TYPE(*it) == Py_TYPE(o)) return false;
      if (place == found.end() && PyType_IsSubtype(Py_TYPE(o), Py_TYPE(*it))) place = it;
    }
    found.insert(place, o);
    return false;
  });
  return found;
}

// The innermost mode is left while it handles a call, so that it may make calls itself.
class OuterMode {
 public:
  OuterMode() : mode_(std::move(state().modes.back())) {
    state().modes.pop_back();
    --torch_function_modes;
  }
  ~OuterMode() {
    state().modes.push_back(std::move(mode_));
    ++torch_function_modes;
  }
  OuterMode(const OuterMode&) = delete;
  OuterMode& operator=(const OuterMode&) = delete;
  py::handle get() const { return mode_; }

 private:
  py::object mode_;
};

py::object ask(py::handle who, const Call& call, const py::tuple& types, const py::tuple& args,
               const py::dict& kwargs) {
  const py::object method = checked(PyObject_GetAttr(who.ptr(), torch_function_name()));
  return checked(
      PyObject_CallFunctionObjArgs(method.ptr(), call.func, types.ptr(), args.ptr(), kwargs.ptr(), nullptr));
}

[[noreturn]] void nobody_knows(const Call& call, const py::tuple& types) {
  const py::handle func(call.func);
  std::string text = "no implementation found for '";
  text += py::hasattr(func, "__module__") ? std::string(py::str(func.attr("__module__"))) + "." : "";
  text += py::hasattr(func, "__name__") ? std::string(py::str(func.attr("__name__")))
                                        : std::string(py::str(func));
  text += "' on types that implement __torch_function__: [";
  for (size_t i = 0; i < types.size(); ++i) {
    text += (i ? ", " : "") + std::string(py::str(types[i].attr("__qualname__")));
  }
  throw py::type_error(text + "]");
}

py::object sparse_call(const Call& call) {
  static py::handle handler =
      py::module_::import("plait._sparse_ops").attr("call").cast<py::object>().release();
  return handler(py::handle(call.func), call.positional(), call.keywords());
}

py::object hand_over(const Call& call) {
  const std::vector<PyObject*> objects =
      classes_enabled() ? overriding_objects(call) : std::vector<PyObject*>();
  if (objects.empty() && !has_mode()) return sparse_call(call);
  py::tuple types(objects.size());
  for (size_t i = 0; i < objects.size(); ++i) {
    types[i] = py::handle(reinterpret_cast<PyObject*>(Py_TYPE(objects[i])));
  }
  const py::tuple args = call.positional();
  const py::dict kwargs = call.keywords();
  if (has_mode()) {
    const OuterMode outer;
    py::object result = ask(outer.get(), call, types, args, kwargs);
    if (!result.is(py::handle(Py_NotImplemented))) return result;
  }
  for (PyObject* o : objects) {
    py::object result = ask(o, call, types, args, kwargs);
    if (!result.is(py::handle(Py_NotImplemented))) return result;
  }
  nobody_knows(call, types);
}

// ---- The default of subclasses ----

class ClassesOff {
 public:
  ClassesOff() : before_(std::exchange(state().classes_off, true)) {}
  ~ClassesOff() { state().classes_off = before_; }
  ClassesOff(const ClassesOff&) = delete;
  ClassesOff& operator=(const ClassesOff&) = delete;

 private:
  const bool before_;
};

// Tensors in a result become objects of the class.
py::object converted(py::object result, PyTypeObject* cls) {
  if (is_tensor(result.ptr())) {
    if (PyType_IsSubtype(Py_TYPE(result.ptr()), cls)) return result;
    return checked(as_subclass(result.ptr(), cls));
  }
  if (!PyTuple_Check(result.ptr()) && !PyList_Check(result.ptr())) return result;
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(result.ptr());
  py::list items(static_cast<size_t>(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PySequence_Fast_ITEMS(result.ptr())[i];
    items[static_cast<size_t>(i)] = converted(py::reinterpret_borrow<py::object>(item), cls);
  }
  if (PyList_CheckExact(result.ptr())) return items;
  return py::type::handle_of(result)(items);
}

// The functions whose results keep their class: getters of grad and _base.
bool keeps_class(PyObject* func) {
  static PyObject* const kept = [] {
    PyObject* set = PySet_New(nullptr);
    for (const char* name : {"grad", "_base"}) {
      PyObject* getter = PyObject_GetAttrString(PyDict_GetItemString(tensor_type->tp_dict, name), "__get__");
      PySet_Add(set, getter);
      Py_DECREF(getter);
    }
    return set;
  }();
  const int found = PySet_Contains(kept, func);
  if (found < 0) PyErr_Clear();  // not hashable: not one of them
  return found > 0;
}

// Tensor.__torch_function__: the call as it is, its results as objects of the class.
PyObject* default_torch_function(PyObject* cls, PyObject* args, PyObject* kwargs) {
  PyObject *func, *types, *call_args = nullptr, *call_kwargs = nullptr;
  static const char* names[] = {"func", "types", "args", "kwargs", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|OO:__torch_function__", const_cast<char**>(names), &func,
                                   &types, &call_args, &call_kwargs)) {
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    for (py::handle type : py::reinterpret_borrow<py::iterable>(types)) {
      const int known = PyObject_IsSubclass(cls, type.ptr());
      if (known < 0) throw py::error_already_set();
      if (!known) return Py_NewRef(Py_NotImplemented);
    }
    const py::tuple positional =
        call_args && call_args != Py_None ? py::tuple(py::handle(call_args).cast<py::object>()) : py::tuple();
    PyObject* keywords = call_kwargs && call_kwargs != Py_None ? call_kwargs : nullptr;
    py::object result;
    {
      const ClassesOff off;
      result = checked(PyObject_Call(func, positional.ptr(), keywords));
    }
    auto* type = reinterpret_cast<PyTypeObject*>(cls);
    if (type == tensor_type) return result.release().ptr();
    return (keeps_class(func) ? result : converted(std::move(result), type)).release().ptr();
  });
}

PyObject* disabled_impl(PyObject*, PyObject* args, PyObject* kwargs) {
  PyObject *func, *types, *call_args = nullptr, *call_kwargs = nullptr;
  static const char* names[] = {"func", "types", "args", "kwargs", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|OO", const_cast<char**>(names), &func, &types,
                                   &call_args, &call_kwargs)) {
    return nullptr;
  }
  return guarded([&] {
    const ClassesOff off;
    const py::object given = call_args ? py::reinterpret_borrow<py::object>(call_args) : py::tuple();
    return PyObject_Call(func, given.ptr(), call_kwargs == Py_None ? nullptr : call_kwargs);
  });
}

PyMethodDef default_def = {
    "__torch_function__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(default_torch_function)),
    METH_VARARGS | METH_KEYWORDS | METH_CLASS,
    "Run func(*args, **kwargs) and return its tensors as objects of this class."};
PyMethodDef disabled_def = {"_disabled_torch_function_impl",
                            reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(disabled_impl)),
                            METH_VARARGS | METH_KEYWORDS,
                            "As __torch_function__ of a class: take over nothing."};

// ---- Functions of Python that can be taken over ----

// A callable that hands a call over or passes it on. In a class it is a method.
struct PyOverridable {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* wrapped;
  PyObject* shown;  // what the class that takes over gets as func; null: this object
};

PyOverridable* overridable_of(PyObject* o) { return reinterpret_cast<PyOverridable*>(o); }

PyObject* overridable_vectorcall(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* names) {
  const PyOverridable* o = overridable_of(self);
  const auto n = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
  const bool plain = n == 1 && !names && is_plain_tensor(args[0]);
  if (!plain || torch_function_modes != 0) [[unlikely]] {
    const size_t total = n + static_cast<size_t>(names ? PyTuple_GET_SIZE(names) : 0);
    if (is_overridden(args, total)) return call_override(o->shown ? o->shown : self, args, n, names);
  }
  return PyObject_Vectorcall(o->wrapped, args, nargsf, names);
}
PyObject* overridable_get(PyObject* self, PyObject* instance, PyObject*) {
  return instance ? PyMethod_New(self, instance) : Py_NewRef(self);
}
PyObject* overridable_repr(PyObject* self) { return PyObject_Repr(overridable_of(self)->wrapped); }
// What it does not have itself, the function has: __name__, __doc__, __defaults__, ...
PyObject* overridable_getattr(PyObject* self, PyObject* name) {
  PyObject* own = PyObject_GenericGetAttr(self, name);
  if (own || !PyErr_ExceptionMatches(PyExc_AttributeError)) return own;
  PyErr_Clear();
  return PyObject_GetAttr(overridable_of(self)->wrapped, name);
}
PyObject* overridable_forward(PyObject* self, void* name) {
  return PyObject_GetAttrString(overridable_of(self)->wrapped, static_cast<const char*>(name));
}
PyObject* overridable_reduce(PyObject* self, PyObject*) {
  return PyObject_GetAttrString(overridable_of(self)->wrapped, "__qualname__");
}
void overridable_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(overridable_of(self)->wrapped);
  Py_XDECREF(overridable_of(self)->shown);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef overridable_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PyOverridable, vectorcall), READONLY, nullptr},
    {"__wrapped__", T_OBJECT, offsetof(PyOverridable, wrapped), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
#define PLAIT_FORWARD(name) {name, overridable_forward, nullptr, nullptr, const_cast<char*>(name)}
PyGetSetDef overridable_getset[] = {
    PLAIT_FORWARD("__doc__"),
    PLAIT_FORWARD("__module__"),
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
#undef PLAIT_FORWARD
PyMethodDef overridable_methods[] = {{"__reduce__", overridable_reduce, METH_NOARGS, nullptr},
                                     {nullptr, nullptr, 0, nullptr}};
PyType_Slot overridable_slots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(overridable_get)},
    {Py_tp_repr, reinterpret_cast<void*>(overridable_repr)},
    {Py_tp_getattro, reinterpret_cast<void*>(overridable_getattr)},
    {Py_tp_dealloc, reinterpret_cast<void*>(overridable_dealloc)},
    {Py_tp_members, overridable_members},
    {Py_tp_getset, overridable_getset},
    {Py_tp_methods, overridable_methods},
    {0, nullptr},
};
PyType_Spec overridable_spec = {"plait._core._Overridable", sizeof(PyOverridable), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL |
                                    Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                overridable_slots};
PyTypeObject* overridable_type = nullptr;

}  // namespace

py::object overridable(py::object f) {
  auto* o = PyObject_New(PyOverridable, overridable_type);
  if (!o) throw py::error_already_set();
  o->vectorcall = overridable_vectorcall;
  o->wrapped = f.release().ptr();
  o->shown = nullptr;
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(o));
}

// A property that can be taken over; the class sees `name.__get__` and `name.__set__` as in PyTorch.
py::object overridable_attribute(const py::object& getter, const py::object& setter) {
  const py::object get = overridable(getter), set = setter.is_none() ? setter : overridable(setter);
  py::object property = py::module_::import("builtins").attr("property")(get, set);
  overridable_of(get.ptr())->shown = py::object(property.attr("__get__")).release().ptr();
  if (!set.is_none()) overridable_of(set.ptr())->shown = py::object(property.attr("__set__")).release().ptr();
  return property;
}
py::object overridable_property(py::object getter) { return overridable_attribute(getter, py::none()); }

namespace {

// ---- What Python sees ----

bool has_torch_function(const py::args& args) {
  return is_overridden(PySequence_Fast_ITEMS(args.ptr()), args.size());
}

// (args, kwargs, tensors, names): what becomes of a call of a function of Python. 1 it is handed over, 2 an
// argument that must be a tensor is none, 0 neither. The first `tensors` parameters must be, and those with
// the given names. Not through pybind11, which takes longer than the answer.
PyObject* fate_of_call(PyObject*, PyObject* const* given, Py_ssize_t) {
  PyObject *args = given[0], *kwargs = given[1];
  const auto n = static_cast<size_t>(PyTuple_GET_SIZE(args));
  PyObject** positional = PySequence_Fast_ITEMS(args);
  if (is_overridden(positional, n)) return PyLong_FromLong(1);
  bool fits = std::all_of(positional, positional + std::min(PyLong_AsSize_t(given[2]), n), is_tensor);
  Py_ssize_t place = 0;
  for (PyObject *name, *value; PyDict_Next(kwargs, &place, &name, &value);) {
    if (is_overridden(&value, 1)) return PyLong_FromLong(1);
    fits = fits && (is_tensor(value) || PySet_Contains(given[3], name) == 0);
  }
  return PyLong_FromLong(fits ? 0 : 2);
}
PyMethodDef fate_def = {"_fate_of_call",
                        reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(fate_of_call)),
                        METH_FASTCALL, nullptr};

py::object call_taken_over(const py::object& func, const py::tuple& args, const py::dict& kwargs) {
  std::vector<PyObject*> values(PySequence_Fast_ITEMS(args.ptr()),
                                PySequence_Fast_ITEMS(args.ptr()) + args.size());
  py::tuple names(kwargs.size());
  size_t i = 0;
  for (const auto& item : kwargs) {
    names[i++] = item.first;
    values.push_back(item.second.ptr());
  }
  return checked(call_override(func.ptr(), values.data(), args.size(), i ? names.ptr() : nullptr));
}

void add_mode_functions(py::module_& m) {
  m.def("_push_torch_function_mode", [](py::object mode) {
    state().modes.push_back(std::move(mode));
    ++torch_function_modes;
  });
  m.def("_pop_torch_function_mode", [] {
    PLAIT_CHECK(!state().modes.empty(), kRuntime, "TorchFunctionMode: left more often than entered");
    py::object mode = std::move(state().modes.back());
    state().modes.pop_back();
    --torch_function_modes;
    return mode;
  });
  m.def("_torch_function_modes", [] {
    py::list modes;
    for (const py::object& mode : state().modes) modes.append(mode);
    return modes;
  });
  // What is off: 0 nothing, 1 classes, 2 modes too. Returns what was off before.
  m.def("_turn_off_torch_function", [](int level) {
    ThreadState& s = state();
    const int before = s.all_off ? 2 : s.classes_off ? 1 : 0;
    s.all_off = level == 2;
    s.classes_off = level >= 1;
    return before;
  });
}

}  // namespace

Override override_of(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  if (is_plain_tensor(o) || is_basic(type)) return Override::kNone;
  if (is_tensor(o) && tensor_of(o).is_sparse()) return Override::kSparse;
  PyObject* f = _PyType_Lookup(type, torch_function_name());
  return f && f != disabled_torch_function ? Override::kClass : Override::kNone;
}

bool is_overridden(PyObject* const* args, size_t n) {
  if (torch_function_modes != 0 && has_mode()) return true;
  return any_argument(args, n, [](PyObject* o) {
    if (is_plain_tensor(o)) return false;
    const Override why = override_of(o);
    return why == Override::kSparse || (why == Override::kClass && classes_enabled());
  });
}

PyObject* call_override(PyObject* func, PyObject* const* args, size_t n_positional, PyObject* keyword_names) {
  return guarded([&] { return hand_over({func, args, n_positional, keyword_names}).release().ptr(); });
}

PyObject* override_method(const char* name, PyObject* const* args, size_t n, PyObject* keyword_names) {
  const size_t total = n + static_cast<size_t>(keyword_names ? PyTuple_GET_SIZE(keyword_names) : 0);
  if (!is_overridden(args, total)) return nullptr;
  PyObject* func = PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), name);
  if (!func) return nullptr;
  PyObject* result = call_override(func, args, n, keyword_names);
  Py_DECREF(func);
  return result;
}

// As `Tensor.name.access(*args)`, where the first argument is an object that takes over.
PyObject* override_attribute(const char* name, const char* access, PyObject* const* args, size_t n) {
  if (!is_overridden(args, 1) || tensor_of(args[0]).is_sparse()) return nullptr;
  PyObject* descriptor = PyDict_GetItemString(tensor_type->tp_dict, name);
  PyObject* func = descriptor ? PyObject_GetAttrString(descriptor, access) : nullptr;
  if (!func) return nullptr;
  PyObject* result = call_override(func, args, n, nullptr);
  Py_DECREF(func);
  return result;
}
PyObject* override_getter(const char* name, PyObject* o) {
  return override_attribute(name, "__get__", &o, 1);
}
int override_setter(const char* name, PyObject* o, PyObject* value) {
  PyObject* const args[] = {o, value};
  PyObject* result = override_attribute(name, value ? "__set__" : "__delete__", args, value ? 2 : 1);
  if (!result) return PyErr_Occurred() ? -1 : 0;
  Py_DECREF(result);
  return 1;
}

void check_no_dispatch(PyTypeObject* type) {
  static PyObject* const name = interned("__torch_dispatch__");
  PyObject* f = _PyType_Lookup(type, name);
  PLAIT_CHECK(
      !f || f == disabled_torch_function, kNotImplemented, type->tp_name,
      ": __torch_dispatch__ is not supported\nhint: define __torch_function__, which sees the calls of a "
      "program, and hold other tensors as attributes");
}

PyObject* as_subclass(PyObject* o, PyTypeObject* type) {
  return guarded([&] {
    static const OpEntry& alias = find_op("_alias");
    Arg arg{.kind = Arg::kTensor, .tensor = &tensor_of(o)};
    Result result;
    call_op(alias, &arg, result);
    return wrap_as(type, result.tensor);
  });
}

void init_overrides(py::module_& m) {
  overridable_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&overridable_spec));
  if (!overridable_type) throw py::error_already_set();
  disabled_torch_function = checked(PyCFunction_New(&disabled_def, nullptr)).release().ptr();
  m.attr("_disabled_torch_function_impl") = py::handle(disabled_torch_function);
  PyObject* method = PyDescr_NewClassMethod(tensor_type, &default_def);
  if (!method) throw py::error_already_set();
  PyDict_SetItemString(tensor_type->tp_dict, "__torch_function__", method);
  Py_DECREF(method);
  PyType_Modified(tensor_type);
  m.def("_overridable", &overridable);
  m.def("_overridable_property", &overridable_attribute, py::arg("getter"), py::arg("setter") = py::none());
  m.def("_has_torch_function", &has_torch_function);
  m.attr("_fate_of_call") = checked(PyCFunction_New(&fate_def, nullptr));
  m.def("_call_taken_over", &call_taken_over);
  m.def("_set_parameter_type",
        [](py::type t) { parameter_type = reinterpret_cast<PyTypeObject*>(t.release().ptr()); });
  m.def("_as_subclass", [](py::object o, py::type cls) {
    auto* type = reinterpret_cast<PyTypeObject*>(cls.ptr());
    PLAIT_CHECK(is_tensor(o.ptr()), kType, "as_subclass: expected a Tensor, got ", Py_TYPE(o.ptr())->tp_name);
    PLAIT_CHECK(PyType_IsSubtype(type, tensor_type), kType,
                "as_subclass: expected a subclass of Tensor, got ", type->tp_name);
    return checked(as_subclass(o.ptr(), type));
  });
  add_mode_functions(m);
}

}  // namespace plait::python
