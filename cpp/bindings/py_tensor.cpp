// SPDX-License-Identifier: MIT
// The Python type of a tensor: identity, attributes, operators. What is not worth C++ is in plait/_tensor.py.
//
// A tensor has one Python object at a time: the TensorImpl knows it, so that wrap() gives the same object
// again and `x.grad is x.grad` holds. The object owns the tensor, not the other way round: attributes that a
// program sets on it are gone when the last Python reference is, as is the object.
#include <algorithm>
#include <cstring>
#include <vector>

#include "bindings/call_args.h"
#include "bindings/overrides.h"
#include "bindings/python_api.h"
#include "core/parallel.h"

#include <structmember.h>  // after Python.h

namespace plait::python {

PyTypeObject* tensor_type = nullptr;

namespace {

PyTensor* self_of(PyObject* o) { return reinterpret_cast<PyTensor*>(o); }

// Objects of dead tensors, kept for the next ones: allocating an object that takes part in the collection of
// cycles costs more than the rest of its life.
struct FreeObjects {
  static constexpr int kMost = 64;
  PyObject* objects[kMost];
  int n = 0;
};
FreeObjects free_objects;  // under the GIL

PyObject* allocate_object(PyTypeObject* type) {
  if (type != tensor_type || free_objects.n == 0) return type->tp_alloc(type, 0);
  PyObject* o = free_objects.objects[--free_objects.n];
  Py_SET_REFCNT(o, 1);
  Py_INCREF(type);
  PyObject_GC_Track(o);
  return o;
}

void free_object(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  if (type == tensor_type && free_objects.n < FreeObjects::kMost) {
    free_objects.objects[free_objects.n++] = o;
  } else {
    type->tp_free(o);
  }
  Py_DECREF(type);
}

PyTypeObject* sparse_type() {
  static auto* const type = reinterpret_cast<PyTypeObject*>(
      py::module_::import("plait._sparse").attr("SparseTensor").cast<py::object>().release().ptr());
  return type;
}

PyObject* new_object(PyTypeObject* type, const Tensor& t) {
  PyObject* o = allocate_object(type);
  if (!o) return nullptr;
  new (&self_of(o)->tensor) Tensor(t);
  t.impl()->py_object = o;
  return o;
}

void tensor_dealloc(PyObject* o) {
  PyObject_GC_UnTrack(o);
  PyTensor* self = self_of(o);
  if (self->weakrefs) PyObject_ClearWeakRefs(o);
  Py_CLEAR(self->dict);
  if (self->tensor.defined() && self->tensor.impl()->py_object == o) self->tensor.impl()->py_object = nullptr;
  self->tensor.~Tensor();
  free_object(o);
}

// Tensor(...) is the legacy constructor: sizes give an uninitialised tensor, data is copied as the default
// dtype.
PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    py::object legacy = py::module_::import("plait._tensor").attr("_legacy_new");
    py::object made =
        py::reinterpret_steal<py::object>(checked(PyObject_Call(legacy.ptr(), args, kwargs)).release());
    if (type == tensor_type) return made.release().ptr();
    return wrap_as(type, tensor_of(made.ptr()).alias());
  });
}

// ---- Operators ----

// The op of the table behind each operator of Python. A class that takes the operator over sees an attribute
// of Tensor under PyTorch's name for it: the first one, or where the left operand is no tensor, the second,
// and the tensor comes first.
#define PLAIT_OPERATORS(X)                                               \
  X(kAdd, "add", "add", "add")                                           \
  X(kSub, "sub", "sub", "__rsub__")                                      \
  X(kMul, "mul", "mul", "mul")                                           \
  X(kDiv, "div", "div", "__rtruediv__")                                  \
  X(kFloorDiv, "floor_divide", "__floordiv__", "__rfloordiv__")          \
  X(kMod, "remainder", "remainder", "__rmod__")                          \
  X(kPow, "pow", "pow", "__rpow__")                                      \
  X(kMatmul, "matmul", "matmul", "__rmatmul__")                          \
  X(kAnd, "bitwise_and", "__and__", "bitwise_and")                       \
  X(kOr, "bitwise_or", "__or__", "bitwise_or")                           \
  X(kXor, "bitwise_xor", "__xor__", "bitwise_xor")                       \
  X(kShiftLeft, "bitwise_left_shift", "__lshift__", "__rlshift__")       \
  X(kShiftRight, "bitwise_right_shift", "__rshift__", "__rrshift__")     \
  X(kAddIn, "add_", "add_", "add_")                                      \
  X(kSubIn, "sub_", "sub_", "sub_")                                      \
  X(kMulIn, "mul_", "mul_", "mul_")                                      \
  X(kDivIn, "div_", "div_", "div_")                                      \
  X(kFloorDivIn, "floor_divide_", "floor_divide_", "floor_divide_")      \
  X(kModIn, "remainder_", "remainder_", "remainder_")                    \
  X(kPowIn, "pow_", "pow_", "pow_")                                      \
  X(kAndIn, "bitwise_and_", "__iand__", "__iand__")                      \
  X(kOrIn, "bitwise_or_", "__ior__", "__ior__")                          \
  X(kXorIn, "bitwise_xor_", "__ixor__", "__ixor__")                      \
  X(kShiftLeftIn, "bitwise_left_shift_", "__ilshift__", "__ilshift__")   \
  X(kShiftRightIn, "bitwise_right_shift_", "__irshift__", "__irshift__") \
  X(kLt, "lt", "lt", "gt")                                               \
  X(kLe, "le", "le", "ge")                                               \
  X(kEq, "eq", "__eq__", "__eq__")                                       \
  X(kNe, "ne", "ne", "ne")                                               \
  X(kGt, "gt", "gt", "lt")                                               \
  X(kGe, "ge", "ge", "le")                                               \
  X(kNeg, "neg", "neg", "neg")                                           \
  X(kPos, "positive", "positive", "positive")                            \
  X(kAbs, "abs", "abs", "abs")                                           \
  X(kInvert, "bitwise_not", "__invert__", "__invert__")

enum Operator {
#define PLAIT_ENUMERATOR(id, ...) id,
  PLAIT_OPERATORS(PLAIT_ENUMERATOR)
#undef PLAIT_ENUMERATOR
      kOperators
};
struct OperatorNames {
  const char *op, *shown, *reflected;
};
constexpr OperatorNames kOperatorNames[] = {
#define PLAIT_NAMES(id, op, shown, reflected) {op, shown, reflected},
    PLAIT_OPERATORS(PLAIT_NAMES)
#undef PLAIT_NAMES
};

// Looked up in the type at the first use, when the op table is bound.
PyObject* operator_ops[kOperators];

PyObject* operator_op(Operator which) {
  PyObject*& op = operator_ops[which];
  if (!op) {
    op = PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), kOperatorNames[which].op);
  }
  return op;
}

// Operands an operator understands; anything else gets its own chance through NotImplemented.
bool is_operand(PyObject* o) {
  if (is_tensor(o) || PyFloat_Check(o) || PyLong_Check(o) || PyComplex_Check(o)) return true;
  if (o == Py_None || PyUnicode_Check(o) || PyTuple_Check(o) || PyList_Check(o)) return false;
  const PyNumberMethods* n = Py_TYPE(o)->tp_as_number;
  return (n && (n->nb_float || n->nb_index)) || override_of(o) == Override::kClass;
}

// An array of NumPy's becomes a tensor that shares its memory; others are passed through. New reference.
PyObject* operand(PyObject* o) {
  if (is_tensor(o) || PyFloat_Check(o) || PyLong_Check(o) ||
      std::strcmp(Py_TYPE(o)->tp_name, "numpy.ndarray") != 0) {
    return Py_NewRef(o);
  }
  return checked(py::module_::import("plait").attr("as_tensor")(py::handle(o)).release().ptr())
      .release()
      .ptr();
}

bool may_take_over(PyObject* o) {
  return !is_plain_tensor(o) && !PyFloat_CheckExact(o) && !PyLong_CheckExact(o) &&
         override_of(o) == Override::kClass;
}
// Null without an error where the operator is not taken over. `b` is null for one operand.
PyObject* overridden_operator(Operator which, PyObject* a, PyObject* b) {
  if (torch_function_modes == 0 && !may_take_over(a) && (!b || !may_take_over(b))) return nullptr;
  const bool reflected = b && !is_tensor(a) && is_tensor(b);
  PyObject* const args[] = {reflected ? b : a, reflected ? a : b};
  const OperatorNames& names = kOperatorNames[which];
  return override_method(reflected ? names.reflected : names.shown, args, b ? 2 : 1);
}

// Where the order of operands does not matter, the tensor comes first: it is the first input of the graph's
// node.
constexpr bool commutes(Operator which) {
  return which == kAdd || which == kMul || which == kAnd || which == kOr || which == kXor;
}

template <Operator which>
PyObject* binary(PyObject* a, PyObject* b) {
  if (!is_operand(a) || !is_operand(b)) Py_RETURN_NOTIMPLEMENTED;
  PyObject* taken = overridden_operator(which, a, b);
  if (taken || PyErr_Occurred()) return taken;
  PyObject* op = operator_op(which);
  if (!op) return nullptr;
  if (is_tensor(a) && (is_tensor(b) || PyFloat_Check(b) || PyLong_Check(b))) {
    PyObject* const args[] = {a, b};
    return PyObject_Vectorcall(op, args, 2, nullptr);
  }
  if (commutes(which) && !is_tensor(a)) std::swap(a, b);
  return guarded([&] {
    py::object x = py::reinterpret_steal<py::object>(operand(a)),
               y = py::reinterpret_steal<py::object>(operand(b));
    PyObject* const args[] = {x.ptr(), y.ptr()};
    return PyObject_Vectorcall(op, args, 2, nullptr);
  });
}
template <Operator which>
PyObject* ternary(PyObject* a, PyObject* b, PyObject*) {
  return binary<which>(a, b);
}
template <Operator which>
PyObject* unary(PyObject* a) {
  PyObject* taken = overridden_operator(which, a, nullptr);
  if (taken || PyErr_Occurred()) return taken;
  PyObject* op = operator_op(which);
  return op ? PyObject_Vectorcall(op, &a, 1, nullptr) : nullptr;
}

PyObject* tensor_richcompare(PyObject* a, PyObject* b, int op) {
  switch (op) {
    case Py_LT:
      return binary<kLt>(a, b);
    case Py_LE:
      return binary<kLe>(a, b);
    case Py_EQ:
      return binary<kEq>(a, b);
    case Py_NE:
      return binary<kNe>(a, b);
    case Py_GT:
      return binary<kGt>(a, b);
    default:
      return binary<kGe>(a, b);
  }
}

Py_hash_t tensor_hash(PyObject* o) { return _Py_HashPointer(o); }

Scalar item_of(const char* op, const Tensor& t) {
  PLAIT_CHECK(t.numel() == 1, kValue, op, ": a Tensor with ", t.numel(),
              " elements cannot be converted to Scalar (shape ", t.shape(), ")");
  PLAIT_CHECK(!t.is_meta(), kNotImplemented, op, ": a tensor on the device meta has no value");
  if (t.is_complex()) return t.item_as<Complex<double>>();
  if (t.is_floating()) return t.item_as<double>();
  if (t.dtype() == DType::kBool) return t.item_as<bool>();
  if (t.dtype() == DType::kUInt64) return t.item_as<uint64_t>();
  return t.item_as<int64_t>();
}
PyObject* scalar_to_python(const Scalar& s) {
  if (s.is_complex()) return PyComplex_FromDoubles(s.to_complex().re, s.to_complex().im);
  if (s.is_float()) return PyFloat_FromDouble(s.to_double());
  if (s.is_bool()) return PyBool_FromLong(s.to_int() != 0);
  if (s.is_beyond_int64()) return PyLong_FromUnsignedLongLong(static_cast<uint64_t>(s.to_int()));
  return PyLong_FromLongLong(s.to_int());
}

// Numbers and truth of a sparse tensor are not to be had from its strided form, those on the device meta not
// at all.
bool has_no_number(const char* what, PyObject* o) {
  if (tensor_of(o).is_meta()) {
    PyErr_Format(PyExc_NotImplementedError, "%s: a tensor on the device meta has no value", what);
    return true;
  }
  if (is_plain_tensor(o) || !tensor_of(o).is_sparse()) return false;
  PyErr_Format(PyExc_TypeError, "%s: not supported for sparse tensors\nhint: use to_dense()", what);
  return true;
}

int tensor_bool(PyObject* o) {
  if (has_no_number("bool", o)) return -1;
  const Tensor& t = tensor_of(o);
  if (t.numel() != 1) {
    PyErr_SetString(PyExc_RuntimeError,
                    t.numel() == 0 ? "Boolean value of Tensor with no values is ambiguous"
                                   : "Boolean value of Tensor with more than one value is ambiguous\n"
                                     "hint: use .any() or .all(), or & | ~ instead of and, or, not");
    return -1;
  }
  const DenormalGuard guard;  // as the comparison with 0 in kernels
  volatile const bool truth =
      convert<bool>(t.is_complex() ? t.item_as<Complex<double>>() : Complex<double>{t.item_as<double>(), 0});
  return truth;  // NaN is true
}
PyObject* tensor_float(PyObject* o) {
  if (has_no_number("float", o)) return nullptr;
  return guarded([&] {
    const Scalar s = item_of("float", tensor_of(o));
    s.check_fits("float", DType::kFloat64);
    return PyFloat_FromDouble(s.to_double());
  });
}
PyObject* tensor_int(PyObject* o) {
  if (has_no_number("int", o)) return nullptr;
  return guarded([&]() -> PyObject* {
    const Scalar s = item_of("int", tensor_of(o));
    s.check_fits("int", DType::kFloat64);
    if (s.is_float() || s.is_complex()) return PyLong_FromDouble(s.to_double());
    return s.is_bool() ? PyLong_FromLongLong(s.to_int()) : scalar_to_python(s);
  });
}
PyObject* tensor_index(PyObject* o) {
  if (has_no_number("index", o)) return nullptr;
  const Tensor& t = tensor_of(o);
  if (t.numel() != 1 || t.is_differentiable()) {
    PyErr_SetString(PyExc_TypeError, "only integer tensors of a single element can be converted to an index");
    return nullptr;
  }
  if (t.dtype() == DType::kUInt64) return PyLong_FromUnsignedLongLong(t.item_as<uint64_t>());
  return PyLong_FromLongLong(t.item_as<int64_t>());
}

Py_ssize_t tensor_length(PyObject* o) {
  const Tensor& t = tensor_of(o);
  if (t.dim() == 0) {
    PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
    return -1;
  }
  return static_cast<Py_ssize_t>(t.shape()[0]);
}

// ---- Attributes ----

PyObject* get_shape(PyObject* o, void*) { return size_object(tensor_of(o).shape()); }
PyObject* get_dtype(PyObject* o, void*) { return Py_NewRef(dtype_object(tensor_of(o).dtype())); }
PyObject* get_device(PyObject* o, void*) { return Py_NewRef(device_object(tensor_of(o).is_meta())); }
PyObject* get_is_meta(PyObject* o, void*) { return PyBool_FromLong(tensor_of(o).is_meta()); }
PyObject* get_is_cpu(PyObject* o, void*) { return PyBool_FromLong(!tensor_of(o).is_meta()); }
PyObject* get_ndim(PyObject* o, void*) { return PyLong_FromLongLong(tensor_of(o).dim()); }
PyObject* get_requires_grad(PyObject* o, void*) { return PyBool_FromLong(requires_grad(tensor_of(o))); }
int set_requires_grad_attr(PyObject* o, PyObject* v, void*) {
  return guarded_int([&] {
    PLAIT_CHECK(v && PyBool_Check(v), kType, "requires_grad: expected a bool");
    set_requires_grad(tensor_of(o), v == Py_True);
  });
}
PyObject* get_grad(PyObject* o, void*) {
  const AutogradMeta* m = meta_of(tensor_of(o));
  if (m && m->grad.defined()) return wrap(m->grad);
  if (m && m->grad_fn && !m->retains_grad &&
      PyErr_WarnEx(PyExc_UserWarning,
                   "grad: this tensor is not a leaf, so backward() does not keep its gradient\n"
                   "hint: call retain_grad() on it first, or look at the leaf it was made from",
                   1) < 0) {
    return nullptr;
  }
  Py_RETURN_NONE;
}
int set_grad_attr(PyObject* o, PyObject* v, void*) {
  return guarded_int([&] {
    const Tensor& t = tensor_of(o);
    if (!v || v == Py_None) {
      if (AutogradMeta* m = meta_of(t)) m->grad = Tensor();
      return;
    }
    PLAIT_CHECK(is_tensor(v), kType, "grad: expected a Tensor or None, got ", Py_TYPE(v)->tp_name);
    const Tensor& g = tensor_of(v);
    PLAIT_CHECK(!g.is_same(t), kRuntime, "grad: can't assign a Tensor as its own gradient");
    PLAIT_CHECK(g.dtype() == t.dtype(), kType, "grad: expected dtype ", dtype_name(t.dtype()), ", got ",
                dtype_name(g.dtype()));
    PLAIT_CHECK(g.shape() == t.shape(), kValue, "grad: expected shape ", t.shape(), ", got ", g.shape());
    PLAIT_CHECK(g.is_meta() == t.is_meta(), kRuntime,
                "grad: expected a gradient on the device of its tensor: one is on the device meta");
    ensure_meta(t).grad = g;
  });
}
PyObject* get_is_leaf(PyObject* o, void*) { return PyBool_FromLong(is_leaf(tensor_of(o))); }
PyObject* get_retains_grad(PyObject* o, void*) {
  const AutogradMeta* m = meta_of(tensor_of(o));
  return PyBool_FromLong(m && m->retains_grad);
}
PyObject* get_version(PyObject* o, void*) {
  return guarded([&] {
    PLAIT_CHECK(!tensor_of(o).is_inference(), kRuntime, "Inference tensors do not track version counter.");
    return PyLong_FromUnsignedLong(tensor_of(o).version());
  });
}
PyObject* get_is_inference(PyObject* o, void*) { return PyBool_FromLong(tensor_of(o).is_inference()); }
PyObject* get_output_nr(PyObject* o, void*) {
  const AutogradMeta* m = meta_of(tensor_of(o));
  return PyLong_FromUnsignedLong(m ? m->slot : 0);
}
PyObject* get_base(PyObject* o, void*) {
  const AutogradMeta* m = meta_of(tensor_of(o));
  if (!m || !m->base.defined()) Py_RETURN_NONE;
  return wrap(m->base);
}
PyObject* get_data(PyObject* o, void*) {
  return guarded([&] {
    const Tensor d = detach(tensor_of(o));
    d.impl()->tracks_version = false;
    return wrap(d);
  });
}
int set_data_attr(PyObject* o, PyObject* v, void*) {
  return guarded_int([&] {
    PLAIT_CHECK(v && is_tensor(v), kType, "data: expected a Tensor");
    const Tensor& t = tensor_of(o);
    PLAIT_CHECK(!tensor_of(v).is_sparse(), kNotImplemented,
                "data: not implemented for sparse tensors\nhint: use to_dense()");
    PLAIT_CHECK(
        t.is_meta() == tensor_of(v).is_meta(), kRuntime,
        "data: Attempted to call `variable.set_data(tensor)`, but `variable` and `tensor` have incompatible "
        "tensor type: one is on the device meta");
    t.set_data(tensor_of(v));
    if (AutogradMeta* m = meta_of(t); m && m->accumulator) {
      m->accumulator->results()[0] = {t.shape(), t.dtype()};
    }
  });
}
PyObject* get_itemsize(PyObject* o, void*) { return PyLong_FromSize_t(tensor_of(o).item_size()); }
PyObject* get_nbytes(PyObject* o, void*) {
  const Tensor& t = tensor_of(o);
  return PyLong_FromLongLong(t.numel() * static_cast<int64_t>(t.item_size()));
}
PyObject* get_false(PyObject*, void*) { Py_RETURN_FALSE; }

// An attribute that a class may take over. The closure is its name.
template <getter F>
PyObject* overridable_get(PyObject* o, void* name) {
  if (!is_plain_tensor(o) || torch_function_modes != 0) [[unlikely]] {
    PyObject* result = override_getter(static_cast<const char*>(name), o);
    if (result || PyErr_Occurred()) return result;
  }
  return F(o, nullptr);
}
template <setter F>
int overridable_set(PyObject* o, PyObject* value, void* name) {
  if (!is_plain_tensor(o) || torch_function_modes != 0) [[unlikely]] {
    const int done = override_setter(static_cast<const char*>(name), o, value);
    if (done != 0) return done < 0 ? -1 : 0;
  }
  return F(o, value, nullptr);
}
#define PLAIT_ATTRIBUTE(name, get, set, doc) {name, overridable_get<get>, set, doc, const_cast<char*>(name)}
#define PLAIT_WRITABLE(name, get, set, doc) PLAIT_ATTRIBUTE(name, get, overridable_set<set>, doc)

PyGetSetDef tensor_getset[] = {
    PLAIT_ATTRIBUTE("shape", get_shape, nullptr, "Sizes of the dimensions, a Size."),
    PLAIT_ATTRIBUTE("dtype", get_dtype, nullptr, "Type of the elements."),
    PLAIT_ATTRIBUTE("device", get_device, nullptr,
                    "Where the data lies: device(type='cpu'), or 'meta' for none."),
    PLAIT_ATTRIBUTE("ndim", get_ndim, nullptr, "Number of dimensions."),
    PLAIT_WRITABLE("requires_grad", get_requires_grad, set_requires_grad_attr,
                   "Whether gradients flow to this tensor."),
    PLAIT_WRITABLE("grad", get_grad, set_grad_attr, "The gradient accumulated by backward(), or None."),
    PLAIT_ATTRIBUTE("is_leaf", get_is_leaf, nullptr, "True for tensors that no recorded op has made."),
    PLAIT_ATTRIBUTE("retains_grad", get_retains_grad, nullptr, "True after retain_grad()."),
    PLAIT_ATTRIBUTE("_version", get_version, nullptr, "How often the memory has been changed in place."),
    PLAIT_ATTRIBUTE("_is_inference", get_is_inference, nullptr,
                    "Whether the memory was made in inference mode."),
    PLAIT_ATTRIBUTE("output_nr", get_output_nr, nullptr, "Which result of grad_fn this is."),
    PLAIT_ATTRIBUTE("_base", get_base, nullptr, "The tensor this is a view of, or None."),
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    PLAIT_WRITABLE("data", get_data, set_data_attr,
                   "The same memory outside the graph; changes are not counted."),
    PLAIT_ATTRIBUTE("itemsize", get_itemsize, nullptr, "Bytes of one element."),
    PLAIT_ATTRIBUTE("nbytes", get_nbytes, nullptr, "Bytes of all elements."),
    PLAIT_ATTRIBUTE("is_cuda", get_false, nullptr, "Always False."),
    PLAIT_ATTRIBUTE("is_sparse", get_false, nullptr, "Always False."),
    PLAIT_ATTRIBUTE("is_quantized", get_false, nullptr, "Always False."),
    PLAIT_ATTRIBUTE("is_meta", get_is_meta, nullptr, "Whether the tensor has a shape and no data."),
    PLAIT_ATTRIBUTE("is_mps", get_false, nullptr, "Always False."),
    PLAIT_ATTRIBUTE("is_xpu", get_false, nullptr, "Always False."),
    PLAIT_ATTRIBUTE("is_xla", get_false, nullptr, "Always False."),
    PLAIT_ATTRIBUTE("is_ipu", get_false, nullptr, "Always False."),
    PLAIT_ATTRIBUTE("is_mtia", get_false, nullptr, "Always False."),
    PLAIT_ATTRIBUTE("is_maia", get_false, nullptr, "Always False."),
    PLAIT_ATTRIBUTE("is_vulkan", get_false, nullptr, "Always False."),
    PLAIT_ATTRIBUTE("is_cpu", get_is_cpu, nullptr,
                    "Whether the data lies in memory: False on the device meta."),
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
#undef PLAIT_WRITABLE
#undef PLAIT_ATTRIBUTE

// ---- Methods on the hot path ----

PyObject* m_size(PyObject* o, PyObject* const* args, Py_ssize_t n, PyObject* names) {
  return guarded([&]() -> PyObject* {
    const Py_ssize_t total = n + (names ? PyTuple_GET_SIZE(names) : 0);
    if (total == 0 || args[0] == Py_None) return size_object(tensor_of(o).shape());
    int64_t d;
    PLAIT_CHECK(total == 1 && to_int(args[0], &d), kType, "size(): expected at most one int");
    return PyLong_FromLongLong(tensor_of(o).size(d));
  });
}
PyObject* m_stride(PyObject* o, PyObject* const* args, Py_ssize_t n, PyObject* names) {
  return guarded([&]() -> PyObject* {
    const Py_ssize_t total = n + (names ? PyTuple_GET_SIZE(names) : 0);
    const Tensor& t = tensor_of(o);
    if (total == 0) {
      PyObject* tuple = PyTuple_New(t.dim());
      for (int64_t i = 0; tuple && i < t.dim(); ++i)
        PyTuple_SET_ITEM(tuple, i, PyLong_FromLongLong(t.strides()[i]));
      return tuple;
    }
    int64_t d;
    PLAIT_CHECK(total == 1 && to_int(args[0], &d), kType, "stride(): expected at most one int");
    return PyLong_FromLongLong(t.stride(d));
  });
}
PyObject* m_dim(PyObject* o, PyObject*) { return PyLong_FromLongLong(tensor_of(o).dim()); }
PyObject* m_numel(PyObject* o, PyObject*) { return PyLong_FromLongLong(tensor_of(o).numel()); }
PyObject* m_storage_offset(PyObject* o, PyObject*) { return PyLong_FromLongLong(tensor_of(o).offset()); }
PyObject* m_data_ptr(PyObject* o, PyObject*) {
  return PyLong_FromSize_t(reinterpret_cast<size_t>(tensor_of(o).impl()->data));
}
PyObject* m_is_contiguous(PyObject* o, PyObject* const*, Py_ssize_t, PyObject*) {
  return PyBool_FromLong(tensor_of(o).is_contiguous());
}
PyObject* m_complex(PyObject* o, PyObject*) {
  return guarded([&] {
    const Complex<double> z = item_of("complex", tensor_of(o)).to_complex();
    return PyComplex_FromDoubles(z.re, z.im);
  });
}
PyObject* m_is_floating_point(PyObject* o, PyObject*) { return PyBool_FromLong(tensor_of(o).is_floating()); }
PyObject* m_item(PyObject* o, PyObject*) {
  return guarded([&] { return scalar_to_python(item_of("item", tensor_of(o))); });
}
PyObject* m_detach(PyObject* o, PyObject*) {
  return guarded([&] {
    const Tensor d = detach(tensor_of(o));
    return wrap(d);
  });
}
PyObject* m_detach_in_place(PyObject* o, PyObject*) {
  return guarded([&] {
    const Tensor& t = tensor_of(o);
    PLAIT_CHECK(!is_view(t), kRuntime, "detach_: can't detach views in-place\nhint: use detach()");
    if (meta_of(t)) set_history(t, NodeRef(), 0);
    return Py_NewRef(o);
  });
}
PyObject* m_retain_grad(PyObject* o, PyObject*) {
  return guarded([&] {
    retain_grad(tensor_of(o));
    return Py_NewRef(Py_None);
  });
}
PyObject* m_requires_grad_(PyObject* o, PyObject* const* args, Py_ssize_t n, PyObject* names) {
  return guarded([&] {
    const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    PLAIT_CHECK(n + named <= 1, kType, "requires_grad_(): expected at most one bool");
    PLAIT_CHECK(
        named == 0 || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "requires_grad") == 0,
        kType, "requires_grad_(): expected requires_grad, got another keyword");
    const int on = n + named ? PyObject_IsTrue(args[0]) : 1;
    if (on < 0) throw py::error_already_set();
    set_requires_grad(tensor_of(o), on != 0);
    return Py_NewRef(o);
  });
}
PyObject* m_is_shared_with(PyObject* o, PyObject* other) {
  return PyBool_FromLong(is_tensor(other) && tensor_of(o).storage() == tensor_of(other).storage());
}

PyObject* m_storage_bytes(PyObject* o, PyObject*) {
  return guarded([&] {
    const Ref<Storage>& storage = tensor_of(o).storage();
    const Dims shape{static_cast<int64_t>(storage->nbytes())}, strides{1};
    return wrap(Tensor::from_storage(storage, shape, strides, 0, DType::kUInt8));
  });
}

PyObject* m_storage_nbytes(PyObject* o, PyObject*) {
  return PyLong_FromSize_t(tensor_of(o).storage()->nbytes());
}

PyObject* m_storage_uses(PyObject* o, PyObject*) {
  return PyLong_FromUnsignedLong(tensor_of(o).storage()->use_count());
}

template <class F>
PyCFunction as_cfunction(F f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

// A method that a class may take over: its name and the function behind it.
struct MethodName {
  char text[20] = {};
  template <size_t n>
  consteval MethodName(const char (&name)[n]) {  // NOLINT: implicit from a literal
    std::copy_n(name, n, text);
  }
};

// Null without an error where it is not taken over.
PyObject* taken_over(const char* name, PyObject* const* args, Py_ssize_t n, PyObject* names = nullptr) {
  if (is_plain_tensor(args[0]) && torch_function_modes == 0) [[likely]]
    return nullptr;
  if (is_tensor(args[0]) && tensor_of(args[0]).is_sparse()) return nullptr;  // asks for its shape alone
  return override_method(name, args, static_cast<size_t>(n), names);
}

template <MethodName name, auto F>
PyObject* fast_method(PyObject* o, PyObject* const* args, Py_ssize_t n, PyObject* names) {
  if (!is_plain_tensor(o) || torch_function_modes != 0) [[unlikely]] {
    std::vector<PyObject*> all{o};
    all.insert(all.end(), args, args + n + (names ? PyTuple_GET_SIZE(names) : 0));
    PyObject* result = taken_over(name.text, all.data(), n + 1, names);
    if (result || PyErr_Occurred()) return result;
  }
  return F(o, args, n, names);
}
template <MethodName name, auto F>
PyObject* short_method(PyObject* o, PyObject* arg) {
  PyObject* const args[] = {o, arg};
  PyObject* result = taken_over(name.text, args, arg ? 2 : 1);
  if (result || PyErr_Occurred()) return result;
  return F(o, arg);
}

// len(), bool(), float() and the like.
template <MethodName name, auto F>
auto asked(PyObject* o) -> decltype(F(o)) {
  using R = decltype(F(o));
  PyObject* const args[] = {o};
  PyObject* result = taken_over(name.text, args, 1);
  if constexpr (std::is_pointer_v<R>) {
    return result || PyErr_Occurred() ? result : F(o);
  } else {
    if (!result) return PyErr_Occurred() ? -1 : F(o);
    const R answer = std::is_same_v<R, int> ? PyObject_IsTrue(result) : PyLong_AsSsize_t(result);
    Py_DECREF(result);
    return answer;
  }
}

#define PLAIT_METHOD(name, f, doc) {name, short_method<name, f>, METH_NOARGS, doc}
#define PLAIT_FAST_METHOD(name, f, doc) \
  {name, as_cfunction(fast_method<name, f>), METH_FASTCALL | METH_KEYWORDS, doc}

PyMethodDef tensor_methods[] = {
    PLAIT_FAST_METHOD("size", m_size, "size(dim=None): the shape, or the size of one dimension."),
    PLAIT_FAST_METHOD("stride", m_stride, "stride(dim=None): steps in elements."),
    PLAIT_METHOD("dim", m_dim, "Number of dimensions."),
    PLAIT_METHOD("ndimension", m_dim, "Number of dimensions."),
    PLAIT_METHOD("numel", m_numel, "Number of elements."),
    PLAIT_METHOD("nelement", m_numel, "Number of elements."),
    PLAIT_METHOD("storage_offset", m_storage_offset, "Elements of storage before the first of this tensor."),
    PLAIT_METHOD("data_ptr", m_data_ptr, "Address of the first element, 0 on the device meta."),
    PLAIT_FAST_METHOD("is_contiguous", m_is_contiguous,
                      "True when the elements lie in memory in row-major order without gaps."),
    {"__complex__", m_complex, METH_NOARGS, "complex(tensor) of a tensor of one element."},
    PLAIT_METHOD("is_floating_point", m_is_floating_point, "True for floating-point dtypes."),
    PLAIT_METHOD("item", m_item, "The value of a tensor with one element, as a Python number."),
    PLAIT_METHOD("detach", m_detach, "The same memory outside the graph."),
    PLAIT_METHOD("detach_", m_detach_in_place, "Take this tensor out of the graph."),
    PLAIT_METHOD("retain_grad", m_retain_grad, "Keep the gradient of this non-leaf tensor in .grad."),
    PLAIT_FAST_METHOD("requires_grad_", m_requires_grad_,
                      "requires_grad_(requires_grad=True): ask for gradients; returns self."),
    {"_storage_nbytes", m_storage_nbytes, METH_NOARGS, "Bytes of the memory block."},
    {"_storage_uses", m_storage_uses, METH_NOARGS,
     "How many tensors, of the graph too, hold the memory block."},
    {"_shares_storage", m_is_shared_with, METH_O, "True when both show the same memory block."},
    PLAIT_METHOD("_storage_bytes", m_storage_bytes, "The whole memory block, a uint8 tensor that shares it."),
    {nullptr, nullptr, 0, nullptr},
};
#undef PLAIT_METHOD
#undef PLAIT_FAST_METHOD

PyMemberDef tensor_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weakrefs), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(PyTensor, dict), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

#define SLOT(slot, f) {slot, reinterpret_cast<void*>(f)}
PyType_Slot tensor_slots[] = {
    SLOT(Py_tp_new, tensor_new),
    SLOT(Py_tp_dealloc, tensor_dealloc),
    SLOT(Py_tp_traverse, traverse_tensor),
    SLOT(Py_tp_clear, clear_tensor),
    SLOT(Py_tp_getset, tensor_getset),
    SLOT(Py_tp_methods, tensor_methods),
    SLOT(Py_tp_members, tensor_members),
    SLOT(Py_tp_richcompare, tensor_richcompare),
    SLOT(Py_tp_hash, tensor_hash),
    SLOT(Py_nb_add, binary<kAdd>),
    SLOT(Py_nb_subtract, binary<kSub>),
    SLOT(Py_nb_multiply, binary<kMul>),
    SLOT(Py_nb_true_divide, binary<kDiv>),
    SLOT(Py_nb_floor_divide, binary<kFloorDiv>),
    SLOT(Py_nb_remainder, binary<kMod>),
    SLOT(Py_nb_power, ternary<kPow>),
    SLOT(Py_nb_matrix_multiply, binary<kMatmul>),
    SLOT(Py_nb_and, binary<kAnd>),
    SLOT(Py_nb_or, binary<kOr>),
    SLOT(Py_nb_xor, binary<kXor>),
    SLOT(Py_nb_lshift, binary<kShiftLeft>),
    SLOT(Py_nb_rshift, binary<kShiftRight>),
    SLOT(Py_nb_inplace_add, binary<kAddIn>),
    SLOT(Py_nb_inplace_subtract, binary<kSubIn>),
    SLOT(Py_nb_inplace_multiply, binary<kMulIn>),
    SLOT(Py_nb_inplace_true_divide, binary<kDivIn>),
    SLOT(Py_nb_inplace_floor_divide, binary<kFloorDivIn>),
    SLOT(Py_nb_inplace_remainder, binary<kModIn>),
    SLOT(Py_nb_inplace_power, ternary<kPowIn>),
    SLOT(Py_nb_inplace_and, binary<kAndIn>),
    SLOT(Py_nb_inplace_or, binary<kOrIn>),
    SLOT(Py_nb_inplace_xor, binary<kXorIn>),
    SLOT(Py_nb_inplace_lshift, binary<kShiftLeftIn>),
    SLOT(Py_nb_inplace_rshift, binary<kShiftRightIn>),
    SLOT(Py_nb_negative, unary<kNeg>),
    SLOT(Py_nb_positive, unary<kPos>),
    SLOT(Py_nb_absolute, unary<kAbs>),
    SLOT(Py_nb_invert, unary<kInvert>),
    SLOT(Py_nb_bool, (asked<"__bool__", tensor_bool>)),
    SLOT(Py_nb_float, (asked<"__float__", tensor_float>)),
    SLOT(Py_nb_int, (asked<"__int__", tensor_int>)),
    SLOT(Py_nb_index, (asked<"__index__", tensor_index>)),
    SLOT(Py_mp_length, (asked<"__len__", tensor_length>)),
    {Py_tp_doc,
     const_cast<char*>("An n-dimensional array with gradients. Make one with plait.tensor(data).")},
    {0, nullptr},
};
#undef SLOT
PyType_Spec tensor_spec = {"plait.Tensor", sizeof(PyTensor), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, tensor_slots};

}  // namespace

PyObject* wrap(const Tensor& t) {
  if (!t.defined()) Py_RETURN_NONE;
  t.impl()->wrapped_number = false;
  if (void* o = t.impl()->py_object) return Py_NewRef(static_cast<PyObject*>(o));
  return new_object(t.is_sparse() ? sparse_type() : tensor_type, t);
}

PyObject* wrap_as(PyTypeObject* type, const Tensor& t) {
  PLAIT_ASSERT(!t.impl()->py_object);
  check_no_dispatch(type);
  return new_object(type, t);
}

void init_tensor(py::module_& m) {
  tensor_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&tensor_spec));
  if (!tensor_type) throw py::error_already_set();
  m.attr("Tensor") = py::handle(reinterpret_cast<PyObject*>(tensor_type));
  py::handle type(reinterpret_cast<PyObject*>(tensor_type));
  // _make_subclass(cls, data, requires_grad=False): an instance of cls on the memory of data.
  m.def(
      "_make_subclass",
      [](py::type cls, const Tensor& data, bool wants_grad) {
        PLAIT_CHECK(PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls.ptr()), tensor_type), kType,
                    "_make_subclass: expected a subclass of Tensor");
        PLAIT_CHECK(!data.is_sparse(), kNotImplemented, reinterpret_cast<PyTypeObject*>(cls.ptr())->tp_name,
                    ": not implemented for sparse tensors\nhint: hold the values, or use to_dense()");
        const Tensor t = detach(data);
        if (wants_grad) set_requires_grad(t, true);
        return py::reinterpret_steal<py::object>(wrap_as(reinterpret_cast<PyTypeObject*>(cls.ptr()), t));
      },
      py::arg("cls"), py::arg("data"), py::arg("requires_grad") = false);
  // Two objects exchange their tensors; whoever holds a tensor through the core finds it under the other
  // object.
  m.def("_swap_tensors", [](const Tensor& a, const Tensor& b) {
    PyObject* const first = static_cast<PyObject*>(a.impl()->py_object);
    PyObject* const second = static_cast<PyObject*>(b.impl()->py_object);
    std::swap(self_of(first)->tensor, self_of(second)->tensor);
    self_of(first)->tensor.impl()->py_object = first;
    self_of(second)->tensor.impl()->py_object = second;
  });
}

}  // namespace plait::python
