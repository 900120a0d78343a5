// SPDX-License-Identifier: MIT
// The base type of nn.Module, which is all of a module's call that is not its forward. Without hooks, a call
// is a look at the tables of hooks and one vectorcall of `forward`; with hooks it goes to a Python function.
// An error is handed to another one, which notes in which module it was raised.
#include <array>

#include "bindings/python_api.h"

namespace plait::python {

namespace {

constexpr Py_ssize_t kMaxArguments = 16;  // of a call that needs no allocation here

// Set once by plait.nn and never freed.
std::array<PyObject*, 4> own_tables{};     // names of a module's tables of hooks
std::array<PyObject*, 4> common_tables{};  // the tables of hooks that run for every module
PyObject* call_with_hooks = nullptr;       // (module, args, kwargs) -> result
PyObject* note_module = nullptr;           // (error, module, args)
PyObject* forward_name = nullptr;

bool has_hooks(PyObject* self) {
  for (PyObject* table : common_tables)
    if (PyDict_GET_SIZE(table) != 0) return true;
  PyObject* attributes = PyObject_GenericGetDict(self, nullptr);
  if (!attributes) throw py::error_already_set();
  bool found = false;
  for (PyObject* name : own_tables) {
    PyObject* table = PyDict_GetItemWithError(attributes, name);
    if (table && PyObject_Size(table) != 0) found = true;
  }
  Py_DECREF(attributes);
  if (PyErr_Occurred()) throw py::error_already_set();
  return found;
}

PyObject* call_forward(PyObject* self, PyObject* args, PyObject* kwargs) {
  const Py_ssize_t count = PyTuple_GET_SIZE(args);
  const Py_ssize_t named = kwargs ? PyDict_GET_SIZE(kwargs) : 0;
  if (count + named > kMaxArguments) {
    const py::object forward = checked(PyObject_GetAttr(self, forward_name));
    return PyObject_Call(forward.ptr(), args, kwargs);
  }
  std::array<PyObject*, 1 + kMaxArguments> stack;
  stack[0] = self;
  for (Py_ssize_t i = 0; i < count; ++i) stack[1 + i] = PyTuple_GET_ITEM(args, i);
  if (named == 0) return PyObject_VectorcallMethod(forward_name, stack.data(), 1 + count, nullptr);
  const py::object names = checked(PyTuple_New(named));
  Py_ssize_t at = 0, i = 0;
  PyObject *key, *value;
  while (PyDict_Next(kwargs, &at, &key, &value)) {
    Py_INCREF(key);
    PyTuple_SET_ITEM(names.ptr(), i, key);
    stack[1 + count + i++] = value;  // borrowed from kwargs, which only this call holds
  }
  return PyObject_VectorcallMethod(forward_name, stack.data(), 1 + count, names.ptr());
}

PyObject* module_call(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    if (has_hooks(self)) {
      const py::object options = kwargs ? py::reinterpret_borrow<py::object>(kwargs) : py::dict();
      return PyObject_CallFunctionObjArgs(call_with_hooks, self, args, options.ptr(), nullptr);
    }
    PyObject* result = call_forward(self, args, kwargs);
    if (result || !PyErr_ExceptionMatches(PyExc_Exception)) return result;
    py::error_already_set error;
    if (PyObject* done = PyObject_CallFunctionObjArgs(note_module, error.value().ptr(), self, args, nullptr))
      Py_DECREF(done);
    else
      PyErr_Clear();  // the first error is the one to report
    error.restore();
    return nullptr;
  });
}

PyType_Slot module_slots[] = {
    {Py_tp_call, reinterpret_cast<void*>(module_call)},
    {Py_tp_doc, const_cast<char*>("Base of plait.nn.Module: runs forward, and the hooks if there are any.")},
    {0, nullptr},
};
PyType_Spec module_spec = {"plait._core._ModuleBase", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                           module_slots};

}  // namespace

void init_module(py::module_& m) {
  forward_name = PyUnicode_InternFromString("forward");
  m.attr("_ModuleBase") = checked(PyType_FromSpec(&module_spec));
  m.def(
      "_set_module_calls",
      [](py::tuple names, py::tuple tables, py::function with_hooks, py::function note) {
        for (size_t i = 0; i < own_tables.size(); ++i) {
          own_tables[i] = py::object(names[i]).release().ptr();
          PyUnicode_InternInPlace(&own_tables[i]);
          common_tables[i] = py::dict(tables[i]).release().ptr();
        }
        call_with_hooks = with_hooks.release().ptr();
        note_module = note.release().ptr();
      },
      py::arg("names"), py::arg("tables"), py::arg("with_hooks"), py::arg("note"));
}

}  // namespace plait::python
