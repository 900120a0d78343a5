// SPDX-License-Identifier: MIT
// What the files of this folder that use pybind11 share.
#pragma once

#include <pybind11/pybind11.h>

#include "bindings/python_types.h"

namespace plait::python {

namespace py = pybind11;

// A Python object owned from C++ that may be dropped by any thread.
class GilObject {
 public:
  explicit GilObject(py::object o) : object_(o.release().ptr()) {}
  GilObject(const GilObject&) = delete;
  GilObject& operator=(const GilObject&) = delete;
  ~GilObject() {
    if (!object_ || !Py_IsInitialized()) return;
    const PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF(object_);
    PyGILState_Release(state);
  }
  py::handle get() const { return object_; }

 private:
  PyObject* object_;
};

// A program's function that is called from an op or from backward: under the GIL, and out of meta mode, which
// is of the op alone.
struct InPython {
  py::gil_scoped_acquire gil;
  MetaMode with_values{false};
};

// The GIL is released where other threads may change the graph: the collector of cycles (py_gc.cpp), which
// reads it under the GIL, then keeps out of it.
class GraphUnlocked {
 public:
  // `graph`: whether anything of it can be reached from the arguments.
  explicit GraphUnlocked(bool graph = true) : section_(graph) {}
  static bool any() { return sections_ > 0; }

 private:
  struct Section {
    explicit Section(bool graph) : graph(graph) { sections_ += graph; }
    ~Section() { sections_ -= graph; }
    const bool graph;
  };
  static inline int sections_ = 0;  // read and changed under the GIL
  Section section_;
  py::gil_scoped_release release_;
};

// Calls a Python function from backward; a Python exception travels as py::error_already_set.
inline py::object checked(PyObject* result) {
  if (!result) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

// A callable, or the getter of a property, that classes with __torch_function__ take over (overrides.cpp).
py::object overridable(py::object f);
py::object overridable_property(py::object getter);

// One init function per file of this folder.
void init_types(py::module_& m);
void init_tensor(py::module_& m);
void init_tensor_data(py::module_& m);
// Slots of the tensor type for the collector of cycles (py_gc.cpp).
int traverse_tensor(PyObject* o, visitproc visit, void* arg);
int clear_tensor(PyObject* o);
void init_overrides(py::module_& m);
void init_sparse(py::module_& m);
void init_indexing(py::module_& m);
void init_autograd(py::module_& m);
void init_saved_hooks(py::module_& m);
void init_random(py::module_& m);
void init_runtime(py::module_& m);
void init_ops(py::module_& m);
void init_module(py::module_& m);
void init_optim(PyObject* m);

}  // namespace plait::python

namespace pybind11::detail {

// Tensor crosses as the Python type of py_tensor.cpp; None is an undefined tensor.
template <>
struct type_caster<plait::Tensor> {
 public:
  PYBIND11_TYPE_CASTER(plait::Tensor, const_name("Tensor"));
  bool load(handle src, bool) {
    if (src.is_none()) return true;
    if (!plait::python::is_tensor(src.ptr())) return false;
    value = plait::python::tensor_of(src.ptr());
    return true;
  }
  static handle cast(const plait::Tensor& t, return_value_policy, handle) { return plait::python::wrap(t); }
};

template <>
struct type_caster<plait::DType> {
 public:
  PYBIND11_TYPE_CASTER(plait::DType, const_name("dtype"));
  bool load(handle src, bool) { return plait::python::as_dtype(src.ptr(), &value); }
  static handle cast(plait::DType d, return_value_policy, handle) {
    return handle(plait::python::dtype_object(d)).inc_ref();
  }
};

}  // namespace pybind11::detail
