// SPDX-License-Identifier: MIT
// What the files of this folder share: the Python types of the core and the way errors cross.
#pragma once

#include <pybind11/pybind11.h>

#include "autograd/meta.h"
#include "core/generator.h"
#include "core/tensor.h"

namespace plait::python {

namespace py = pybind11;

// ---- Tensor (py_tensor.cpp) ----
struct PyTensor {
  PyObject_HEAD Tensor tensor;
  PyObject* weakrefs;
  PyObject* dict;
};
extern PyTypeObject* tensor_type;
inline bool is_tensor(PyObject* o) {
  return Py_TYPE(o) == tensor_type || PyType_IsSubtype(Py_TYPE(o), tensor_type);
}
inline const Tensor& tensor_of(PyObject* o) { return reinterpret_cast<PyTensor*>(o)->tensor; }
// The Python object of a tensor, always the same one while it is alive; None when undefined. New reference.
PyObject* wrap(const Tensor& t);
// A new object of a subclass on the same TensorImpl handle `t`, which must have no Python object yet.
PyObject* wrap_as(PyTypeObject* type, const Tensor& t);

// ---- Dtype, Size, device (py_types.cpp) ----
PyObject* dtype_object(DType dtype);  // borrowed
bool is_dtype(PyObject* o);
DType dtype_of(PyObject* o);
// dtype, Python type (float, int, bool) or NumPy dtype -> DType; false when it is none of them.
bool as_dtype(PyObject* o, DType* out);
PyObject* size_object(IntSpan shape);  // new reference
PyObject* device_object();             // borrowed: the one device
// Accepts None, "cpu", "cpu:0", device; raises for others.
void check_device(const char* op, PyObject* o);

// ---- Generator (py_random.cpp) ----
Generator* generator_of(PyObject* o);  // null when it is no Generator

// ---- Errors ----
// Sets the Python exception of the C++ exception in flight.
void translate_current_exception() noexcept;
// Raises TypeError etc. from C++: throws plait::Error after clearing nothing.
struct PythonErrorSet {};  // thrown when a Python exception is already set

// Runs f, which returns a new reference; exceptions become Python ones and nullptr.
template <class F>
PyObject* guarded(F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    translate_current_exception();
    return nullptr;
  }
}
template <class F>
int guarded_int(F&& f) noexcept {
  try {
    f();
    return 0;
  } catch (...) {
    translate_current_exception();
    return -1;
  }
}

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

// Calls a Python function from backward; a Python exception travels as py::error_already_set.
inline py::object checked(PyObject* result) {
  if (!result) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

// One init function per file of this folder.
void init_types(py::module_& m);
void init_tensor(py::module_& m);
void init_tensor_data(py::module_& m);
void init_indexing(py::module_& m);
void init_autograd(py::module_& m);
void init_random(py::module_& m);
void init_runtime(py::module_& m);
void init_ops(py::module_& m);
void init_module(py::module_& m);
void init_optim(py::module_& m);

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
