// SPDX-License-Identifier: MIT
// Gathering what a step of an optimizer works on. In Python this costs as much as the step of a small model.
#include "bindings/python_types.h"

namespace plait::python {
namespace {

// (parameters with a gradient, [state[p][key] for each of them] for each key), or None when one is missing.
PyObject* gather(PyObject* params, PyObject* state, PyObject* keys) {
  const Py_ssize_t n_keys = PyTuple_GET_SIZE(keys);
  const Owned result(PyTuple_New(n_keys + 1));
  if (!result) return nullptr;
  for (Py_ssize_t k = 0; k <= n_keys; ++k) PyTuple_SET_ITEM(result.get(), k, PyList_New(0));
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(params); ++i) {
    PyObject* p = PyList_GET_ITEM(params, i);
    PLAIT_CHECK(is_tensor(p), kType, "step: expected parameters to be tensors, got ", Py_TYPE(p)->tp_name);
    const AutogradMeta* meta = meta_of(tensor_of(p));
    if (!meta || !meta->grad.defined()) continue;
    if (PyList_Append(PyTuple_GET_ITEM(result.get(), 0), p) < 0) return nullptr;
    if (n_keys == 0) continue;
    PyObject* own = PyDict_GetItemWithError(state, p);
    if (!own || !PyDict_Check(own)) return PyErr_Occurred() ? nullptr : Py_NewRef(Py_None);
    for (Py_ssize_t k = 0; k < n_keys; ++k) {
      PyObject* value = PyDict_GetItemWithError(own, PyTuple_GET_ITEM(keys, k));
      if (!value || value == Py_None) return PyErr_Occurred() ? nullptr : Py_NewRef(Py_None);
      if (PyList_Append(PyTuple_GET_ITEM(result.get(), k + 1), value) < 0) return nullptr;
    }
  }
  return Py_NewRef(result.get());
}

PyObject* optim_inputs(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guarded([&]() -> PyObject* {
    PLAIT_CHECK(n == 3 && PyList_Check(args[0]) && PyDict_Check(args[1]) && PyTuple_Check(args[2]), kType,
                "_optim_inputs: expected (list of parameters, dict of states, tuple of keys)");
    return gather(args[0], args[1], args[2]);
  });
}

PyMethodDef kOptimInputs = {
    "_optim_inputs", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(optim_inputs)), METH_FASTCALL,
    "_optim_inputs(params, state, keys): the parameters that have a gradient and, for each key, their "
    "states'\n"
    "entries, as a tuple of lists; None when an entry is missing."};

}  // namespace

void init_optim(PyObject* m) {
  const Owned function(PyCFunction_New(&kOptimInputs, nullptr));
  PLAIT_ASSERT(function && PyModule_AddObjectRef(m, "_optim_inputs", function.get()) == 0);
}

}  // namespace plait::python
