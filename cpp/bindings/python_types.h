// SPDX-License-Identifier: MIT
// The Python types of the core and the way errors cross, in terms of Python's C API alone: reading pybind11.h
// takes longer than compiling a file that does without it.
#pragma once

#include <Python.h>

#include <memory>

#include "autograd/meta.h"
#include "core/generator.h"
#include "core/tensor.h"

namespace plait::python {

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
PyObject* size_object(IntSpan shape);        // new reference
PyObject* device_object(bool meta = false);  // borrowed: the CPU or the device meta
// Of None, "cpu", "cpu:0", "meta", a device; raises for others.
Place place_of(const char* op, PyObject* o);
// Where a tensor is made that nothing places: `with plait.device("meta")`, set_default_device(). kOfArguments
// stands for the CPU.
Place default_place();

// ---- Generator (py_random.cpp) ----
Generator* generator_of(PyObject* o);  // null when it is no Generator

// ---- Errors ----
// Sets the Python exception of the C++ exception in flight.
void translate_current_exception() noexcept;
// Raises TypeError etc. from C++: throws plait::Error after clearing nothing.
struct PythonErrorSet {};  // thrown when a Python exception is already set

// An owned reference.
struct Release {
  void operator()(PyObject* o) const { Py_DECREF(o); }
};
using Owned = std::unique_ptr<PyObject, Release>;

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

}  // namespace plait::python
