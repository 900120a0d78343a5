// SPDX-License-Identifier: MIT
// __torch_function__: classes that take over the calls that their objects are given to.
//
// Every way into the library that takes tensors asks first: ops (op_call.cpp), operators, indexing, methods
// and attributes of Tensor, and functions written in Python (explains_arguments). For tensors that are Tensor
// or Parameter the question is a comparison of two pointers. Otherwise call_override() hands the call over as
// PyTorch does: to the innermost mode, then to each class, subclasses before their bases.
//
// Sparse tensors are handed over the same way, to plait._sparse_ops, and that cannot be turned off: an op
// knows the strided layout alone.
#pragma once

#include "bindings/python_types.h"

namespace plait::python {

// plait.nn.Parameter, whose objects behave as tensors in every call; null until that module is imported.
extern PyTypeObject* parameter_type;

inline bool is_plain_tensor(PyObject* o) { return Py_TYPE(o) == tensor_type || Py_TYPE(o) == parameter_type; }

// Why a call with an object must be handed over.
enum class Override : uint8_t { kNone, kClass, kSparse };
Override override_of(PyObject* o);

// Modes that are entered in any thread: 0 in nearly all programs, and then nothing else is looked at.
extern int torch_function_modes;

// Whether a call with these arguments, or with lists of such, must be handed over now.
bool is_overridden(PyObject* const* args, size_t n);

// Hands over func(*args, **{names: last args}). New reference, or null with an error set.
PyObject* call_override(PyObject* func, PyObject* const* args, size_t n_positional, PyObject* keyword_names);

// For what takes one object: the attribute or method `name` of Tensor, called with `n` arguments of which the
// first is the object. Null without an error where the call is not handed over.
PyObject* override_method(const char* name, PyObject* const* args, size_t n,
                          PyObject* keyword_names = nullptr);
PyObject* override_getter(const char* name, PyObject* o);
// Writes the attribute, or deletes it where `value` is null: 1 done, 0 not handed over, -1 an error is set.
int override_setter(const char* name, PyObject* o, PyObject* value);

// Raises for a class with `__torch_dispatch__`, which nobody would ask.
void check_no_dispatch(PyTypeObject* type);

// A tensor as one of class `type`, with its history. New reference.
PyObject* as_subclass(PyObject* o, PyTypeObject* type);

}  // namespace plait::python
