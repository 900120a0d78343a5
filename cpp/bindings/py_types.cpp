// SPDX-License-Identifier: MIT
// dtype, Size, device and the error classes.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "bindings/call_args.h"
#include "bindings/python_api.h"

namespace plait::python {
namespace {

// ---- Errors ----

PyObject* error_classes[8];  // by ErrorKind

PyObject* new_error(py::module_& m, const char* name, const char* doc,
                    std::initializer_list<PyObject*> bases) {
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(bases.size()));
  Py_ssize_t i = 0;
  for (PyObject* b : bases) PyTuple_SET_ITEM(tuple, i++, Py_NewRef(b));
  PyObject* e = PyErr_NewExceptionWithDoc((std::string("plait.") + name).c_str(), doc, tuple, nullptr);
  Py_DECREF(tuple);
  if (!e) throw py::error_already_set();
  m.attr(name) = py::handle(e);
  return e;
}

void init_errors(py::module_& m) {
  error_classes[static_cast<int>(ErrorKind::kValue)] =
      new_error(m, "ArgumentError",
                "A shape or value does not fit the op. A ValueError, and a RuntimeError for programs that "
                "catch what PyTorch raises.",
                {PyExc_ValueError, PyExc_RuntimeError});
  error_classes[static_cast<int>(ErrorKind::kType)] =
      new_error(m, "ArgumentTypeError",
                "A dtype or the kind of an argument does not fit the op. A TypeError, and a "
                "RuntimeError for programs that catch what PyTorch raises.",
                {PyExc_TypeError, PyExc_RuntimeError});
  error_classes[static_cast<int>(ErrorKind::kIndex)] = new_error(
      m, "ArgumentIndexError",
      "A dimension or an index is out of range. An IndexError, and a RuntimeError for programs that "
      "catch what PyTorch raises.",
      {PyExc_IndexError, PyExc_RuntimeError});
  error_classes[static_cast<int>(ErrorKind::kRuntime)] = PyExc_RuntimeError;
  error_classes[static_cast<int>(ErrorKind::kNotImplemented)] = PyExc_NotImplementedError;
  error_classes[static_cast<int>(ErrorKind::kMemory)] =
      new_error(m, "OutOfMemoryError", "No memory for a result. A MemoryError and a RuntimeError.",
                {PyExc_MemoryError, PyExc_RuntimeError});
  error_classes[static_cast<int>(ErrorKind::kInternal)] =
      new_error(m, "InternalError", "A bug in plait.", {PyExc_RuntimeError});
  error_classes[static_cast<int>(ErrorKind::kLinAlg)] = new_error(
      m, "LinAlgError",
      "A matrix is singular, not positive-definite or holds no finite numbers, or an iteration did not "
      "converge. The message names the element of the batch.",
      {PyExc_RuntimeError});
}

// ---- Dtype ----

struct PyDType {
  PyObject_HEAD DType dtype;
};
PyTypeObject* dtype_type;
PyObject* dtype_objects[kNumDTypes];

PyObject* dtype_names[kNumDTypes];  // interned: programs look them up in tables

DType self_dtype(PyObject* o) { return reinterpret_cast<PyDType*>(o)->dtype; }
// The module of the type is part of how its objects read, so that programs that know plait by another name
// see it.
PyObject* module_of_type(PyObject* o) {
  static PyObject* const kName = PyUnicode_InternFromString("__module__");
  return PyObject_GetAttr(reinterpret_cast<PyObject*>(Py_TYPE(o)), kName);
}
// The text of each dtype is kept until the module has another name.
PyObject* dtype_repr(PyObject* o) {
  static PyObject* named = nullptr;
  static PyObject* texts[kNumDTypes] = {};
  PyObject* module = module_of_type(o);
  if (!module) return nullptr;
  if (module == named) {
    Py_DECREF(module);
  } else {
    Py_XSETREF(named, module);
    for (PyObject*& text : texts) Py_CLEAR(text);
  }
  PyObject*& text = texts[static_cast<int>(self_dtype(o))];
  if (!text) text = PyUnicode_FromFormat("%S.%S", named, dtype_names[static_cast<int>(self_dtype(o))]);
  return Py_XNewRef(text);
}
PyObject* dtype_reduce(PyObject* o, PyObject*) {
  return Py_NewRef(dtype_names[static_cast<int>(self_dtype(o))]);
}
PyObject* dtype_get_name(PyObject* o, void*) {
  return Py_NewRef(dtype_names[static_cast<int>(self_dtype(o))]);
}
PyObject* dtype_get_floating(PyObject* o, void*) { return PyBool_FromLong(is_floating(self_dtype(o))); }
PyObject* dtype_get_complex(PyObject* o, void*) { return PyBool_FromLong(is_complex(self_dtype(o))); }
PyObject* dtype_get_signed(PyObject* o, void*) {
  return PyBool_FromLong(self_dtype(o) != DType::kBool && !is_unsigned(self_dtype(o)));
}
PyObject* dtype_get_itemsize(PyObject* o, void*) { return PyLong_FromSize_t(item_size(self_dtype(o))); }

PyGetSetDef dtype_getset[] = {
    {"name", dtype_get_name, nullptr, "Name without the module, as NumPy spells it.", nullptr},
    {"is_floating_point", dtype_get_floating, nullptr, "True for float16, bfloat16, float32 and float64.",
     nullptr},
    {"is_complex", dtype_get_complex, nullptr, "True for complex64 and complex128.", nullptr},
    {"is_signed", dtype_get_signed, nullptr, "True when negative values exist.", nullptr},
    {"itemsize", dtype_get_itemsize, nullptr, "Bytes of one element.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyObject* dtype_to_complex(PyObject* o, PyObject*) {
  return Py_NewRef(dtype_object(to_complex(self_dtype(o))));
}
PyObject* dtype_to_real(PyObject* o, PyObject*) { return Py_NewRef(dtype_object(to_real(self_dtype(o)))); }

PyMethodDef dtype_methods[] = {
    {"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
    {"to_complex", dtype_to_complex, METH_NOARGS, "The complex dtype whose parts hold this dtype."},
    {"to_real", dtype_to_real, METH_NOARGS,
     "The dtype of the parts of a complex dtype; a real dtype itself."},
    {nullptr, nullptr, 0, nullptr}};
PyType_Slot dtype_slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(dtype_repr)},
    {Py_tp_getset, dtype_getset},
    {Py_tp_methods, dtype_methods},
    {Py_tp_doc, const_cast<char*>("The type of a tensor's elements: plait.float32, plait.int64, ...")},
    {0, nullptr},
};
PyType_Spec dtype_spec = {"plait.dtype", sizeof(PyDType), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, dtype_slots};

void init_dtypes(py::module_& m) {
  dtype_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&dtype_spec));
  if (!dtype_type) throw py::error_already_set();
  m.attr("dtype") = py::handle(reinterpret_cast<PyObject*>(dtype_type));
  for (int i = 0; i < kNumDTypes; ++i) {
    auto* o = PyObject_New(PyDType, dtype_type);
    o->dtype = static_cast<DType>(i);
    dtype_objects[i] = reinterpret_cast<PyObject*>(o);
    dtype_names[i] = PyUnicode_InternFromString(dtype_name(o->dtype));
    m.attr(dtype_name(o->dtype)) = py::handle(dtype_objects[i]);
  }
  const std::pair<const char*, DType> kAliases[] = {
      {"half", DType::kFloat16},     {"float", DType::kFloat32},     {"double", DType::kFloat64},
      {"short", DType::kInt16},      {"int", DType::kInt32},         {"long", DType::kInt64},
      {"cfloat", DType::kComplex64}, {"cdouble", DType::kComplex128}};
  for (const auto& [name, dtype] : kAliases) m.attr(name) = py::handle(dtype_object(dtype));
}

// ---- Size ----

PyTypeObject* size_type;

PyObject* size_from_tuple(PyObject* tuple) {
  const Py_ssize_t n = PyTuple_GET_SIZE(tuple);
  PyObject* s = size_type->tp_alloc(size_type, n);
  for (Py_ssize_t i = 0; s && i < n; ++i) PyTuple_SET_ITEM(s, i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
  return s;
}
PyObject* size_new(PyTypeObject*, PyObject* args, PyObject*) {
  PyObject* iterable = nullptr;
  if (!PyArg_ParseTuple(args, "|O", &iterable)) return nullptr;
  PyObject* tuple = iterable ? PySequence_Tuple(iterable) : PyTuple_New(0);
  if (!tuple) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    int64_t v;
    if (!to_int(PyTuple_GET_ITEM(tuple, i), &v)) {
      PyErr_Format(PyExc_TypeError, "Size: expected ints, got %s at position %zd",
                   Py_TYPE(PyTuple_GET_ITEM(tuple, i))->tp_name, i);
      Py_DECREF(tuple);
      return nullptr;
    }
    PyObject* exact = PyLong_FromLongLong(v);
    Py_SETREF(PyTuple_GET_ITEM(tuple, i), exact);
  }
  PyObject* s = size_from_tuple(tuple);
  Py_DECREF(tuple);
  return s;
}
PyObject* size_repr(PyObject* self) {
  PyObject* module = module_of_type(self);
  PyObject* list = PySequence_List(self);
  PyObject* r = module && list ? PyUnicode_FromFormat("%S.Size(%R)", module, list) : nullptr;
  Py_XDECREF(module);
  Py_XDECREF(list);
  return r;
}
PyObject* size_numel(PyObject* self, PyObject*) {
  int64_t n = 1;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i) n *= PyLong_AsLongLong(PyTuple_GET_ITEM(self, i));
  return PyLong_FromLongLong(n);
}
// Results of the tuple operations that should stay Sizes.
PyObject* as_size(PyObject* result) {
  if (!result || !PyTuple_CheckExact(result)) return result;
  PyObject* s = size_from_tuple(result);
  Py_DECREF(result);
  return s;
}
PyObject* size_subscript(PyObject* self, PyObject* key) {
  return as_size(PyTuple_Type.tp_as_mapping->mp_subscript(self, key));
}
PyObject* size_concat(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(a) || !PyTuple_Check(b)) Py_RETURN_NOTIMPLEMENTED;
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_reduce(PyObject* self, PyObject*) {
  PyObject* tuple = PySequence_List(self);
  return tuple ? Py_BuildValue("O(N)", reinterpret_cast<PyObject*>(size_type), tuple) : nullptr;
}
PyMethodDef size_methods[] = {
    {"numel", size_numel, METH_NOARGS, "Number of elements of a tensor of this shape."},
    {"__reduce__", size_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot size_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(size_new)},
    {Py_tp_repr, reinterpret_cast<void*>(size_repr)},
    {Py_tp_methods, size_methods},
    {Py_mp_subscript, reinterpret_cast<void*>(size_subscript)},
    {Py_sq_concat, reinterpret_cast<void*>(size_concat)},
    {Py_nb_add, reinterpret_cast<void*>(size_concat)},
    {Py_tp_doc, const_cast<char*>(R"(The shape of a tensor: a tuple of ints with numel().

Args:
    iterable: the sizes. Default: none.

Example:
    >>> plait.Size([2, 3]).numel()
    6
)")},
    {0, nullptr},
};
PyType_Spec size_spec = {"plait.Size", 0, 0, Py_TPFLAGS_DEFAULT, size_slots};

void init_size(py::module_& m) {
  PyObject* bases = PyTuple_Pack(1, reinterpret_cast<PyObject*>(&PyTuple_Type));
  size_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&size_spec, bases));
  Py_DECREF(bases);
  if (!size_type) throw py::error_already_set();
  m.attr("Size") = py::handle(reinterpret_cast<PyObject*>(size_type));
}

// ---- Device ----

constexpr const char* kDeviceTypes[] = {"cpu",    "cuda",   "meta",  "mps", "xpu", "xla",          "mkldnn",
                                        "opengl", "opencl", "ideep", "hip", "ve",  "fpga",         "maia",
                                        "lazy",   "vulkan", "mtia",  "hpu", "ipu", "privateuseone"};

// Devices of other machines can be named, compared and passed on; only the CPU and meta can be used.
struct PyDevice {
  PyObject_HEAD const char* type;  // of kDeviceTypes
  int64_t index;                   // -1: none; PyTorch tells 'cpu:0' from 'cpu'
};
PyTypeObject* device_type;
PyObject *the_cpu, *the_meta;

// The default device of this thread, and those of the `with` statements around it. Until a program names one
// there is nothing to look up.
std::atomic<bool> default_is_named{false};
thread_local std::vector<Place> default_places{Place::kCpu};

bool is_device(PyObject* o) { return Py_TYPE(o) == device_type; }
const PyDevice& device_of(PyObject* o) { return *reinterpret_cast<PyDevice*>(o); }
std::string text_of(const PyDevice& d) {
  return d.index < 0 ? d.type : d.type + (":" + std::to_string(d.index));
}

PyObject* new_device(const char* type, int64_t index) {
  auto* d = PyObject_New(PyDevice, device_type);
  if (!d) return nullptr;
  d->type = type;
  d->index = index;
  return reinterpret_cast<PyObject*>(d);
}

// "cpu", "cuda:1", ... New reference.
PyObject* named_device(std::string_view name) {
  if (name == "cpu" && the_cpu) return Py_NewRef(the_cpu);
  const size_t colon = name.find(':');
  const auto type = std::find(std::begin(kDeviceTypes), std::end(kDeviceTypes), name.substr(0, colon));
  bool valid = type != std::end(kDeviceTypes);
  int64_t index = -1;
  if (colon != std::string_view::npos) {
    const std::string number(name.substr(colon + 1));
    valid &= !number.empty() && number.size() < 4 &&
             std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (valid) index = std::stoll(number);
  }
  PLAIT_CHECK(valid, kValue, "device: expected a name such as 'cpu' or 'cuda:0', got '", name, "'");
  return new_device(*type, index);
}

std::string_view text_of(PyObject* string) {
  Py_ssize_t n;
  const char* text = PyUnicode_AsUTF8AndSize(string, &n);
  if (!text) throw PythonErrorSet{};
  return {text, static_cast<size_t>(n)};
}

int64_t device_index(PyObject* o) {
  int64_t index = -1;
  PLAIT_CHECK(!PyBool_Check(o) && to_int(o, &index), kType, "device: expected an index, got ",
              Py_TYPE(o)->tp_name);
  PLAIT_CHECK(index >= 0, kValue, "device: expected an index of at least 0, got ", index);
  return index;
}

// A name, with or without an index; an index, of a GPU; a device. New reference.
PyObject* made_device(PyObject* what, PyObject* index) {
  if (is_device(what) && !index) return Py_NewRef(what);
  if (!PyUnicode_Check(what)) {
    PLAIT_CHECK(PyLong_Check(what) && !index, kType, "device: expected a name, an index or a device, got ",
                Py_TYPE(what)->tp_name);
    return new_device("cuda", device_index(what));
  }
  PyObject* named = named_device(text_of(what));
  if (!index) return named;
  const Owned keep(named);
  PLAIT_CHECK(device_of(named).index < 0, kValue,
              "device: expected a type without an index beside index=, got '", text_of(what), "'");
  return new_device(device_of(named).type, device_index(index));
}

PyObject* device_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  PyObject *what = nullptr, *index = nullptr, *device = nullptr;
  if (!kwargs && PyTuple_GET_SIZE(args) == 1) {
    what = PyTuple_GET_ITEM(args, 0);
  } else {
    const char* names[] = {"type", "index", "device", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO$O:device", const_cast<char**>(names), &what, &index,
                                     &device)) {
      return nullptr;
    }
    if (index == Py_None) index = nullptr;
    if (!what) what = device ? device : std::exchange(index, nullptr);
  }
  return guarded([&] {
    PLAIT_CHECK(what, kType, "device: expected a name such as 'cpu', got nothing");
    return made_device(what, index);
  });
}

[[noreturn]] void no_such_device(const std::string& op, const std::string& name) {
  PLAIT_FAIL(kValue, op, ": expected device 'cpu' or 'meta', got '", name,
             "'\nhint: plait computes on CPUs only; device = 'cuda' if plait.cuda.is_available() else 'cpu' "
             "picks the "
             "right one");
}

Place place_of_device(const char* op, const PyDevice& d) {
  if (d.type == device_of(the_cpu).type) return Place::kCpu;
  if (d.type != device_of(the_meta).type) no_such_device(op, text_of(d));
  return Place::kMeta;
}

PyObject* device_compare(PyObject* a, PyObject* b, int op) {
  if ((op != Py_EQ && op != Py_NE) || !is_device(b)) Py_RETURN_NOTIMPLEMENTED;
  const PyDevice &x = device_of(a), &y = device_of(b);
  const bool same = x.type == y.type && x.index == y.index;
  return PyBool_FromLong(same == (op == Py_EQ));
}
Py_hash_t device_hash(PyObject* o) {
  return static_cast<Py_hash_t>(std::hash<std::string>()(text_of(device_of(o))) >> 1);
}
PyObject* device_str(PyObject* o) {
  const PyDevice& d = device_of(o);
  return d.index < 0 ? PyUnicode_FromString(d.type)
                     : PyUnicode_FromFormat("%s:%lld", d.type, static_cast<long long>(d.index));
}
PyObject* device_repr(PyObject* o) {
  const PyDevice& d = device_of(o);
  return d.index < 0
             ? PyUnicode_FromFormat("device(type='%s')", d.type)
             : PyUnicode_FromFormat("device(type='%s', index=%lld)", d.type, static_cast<long long>(d.index));
}
PyObject* device_get_type(PyObject* o, void*) { return PyUnicode_InternFromString(device_of(o).type); }
PyObject* device_get_index(PyObject* o, void*) {
  return device_of(o).index < 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(device_of(o).index);
}
PyObject* device_enter(PyObject* o, PyObject*) {
  return guarded([&] {
    default_places.push_back(place_of_device("device", device_of(o)));
    default_is_named = true;
    return Py_NewRef(o);
  });
}
PyObject* device_exit(PyObject*, PyObject*) {
  if (default_places.size() > 1) default_places.pop_back();
  Py_RETURN_NONE;
}
PyObject* device_reduce(PyObject* o, PyObject*) {
  return Py_BuildValue("O(N)", reinterpret_cast<PyObject*>(device_type), device_str(o));
}

PyGetSetDef device_getset[] = {
    {"type", device_get_type, nullptr, "'cpu', or what was named.", nullptr},
    {"index", device_get_index, nullptr, "0 for 'cpu:0', None for 'cpu'.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMethodDef device_methods[] = {{"__enter__", device_enter, METH_NOARGS, nullptr},
                                {"__exit__", device_exit, METH_VARARGS, nullptr},
                                {"__reduce__", device_reduce, METH_NOARGS, nullptr},
                                {nullptr, nullptr, 0, nullptr}};
PyType_Slot device_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(device_new)},
    {Py_tp_richcompare, reinterpret_cast<void*>(device_compare)},
    {Py_tp_hash, reinterpret_cast<void*>(device_hash)},
    {Py_tp_repr, reinterpret_cast<void*>(device_repr)},
    {Py_tp_str, reinterpret_cast<void*>(device_str)},
    {Py_tp_getset, device_getset},
    {Py_tp_methods, device_methods},
    {Py_tp_doc, const_cast<char*>(R"(device(type, index=None)

Where a tensor lives: the CPU, or "meta", where tensors have a shape and a dtype and no data. Other devices can be
named; using one raises ArgumentError. As a context it is where tensors are made that name no device.

Example:
    >>> with plait.device("meta"):
    ...     x = plait.empty(10**6, 10**6)
    >>> (x @ x.mT).shape
    plait.Size([1000000, 1000000]))")},
    {0, nullptr},
};
PyType_Spec device_spec = {"plait.device", sizeof(PyDevice), 0, Py_TPFLAGS_DEFAULT, device_slots};

// (op, device): the device that the op may use.
PyObject* checked_device(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guarded([&] {
    PLAIT_CHECK(n == 2, kType, "_check_device: expected 2 arguments, got ", n);
    place_of(PyUnicode_AsUTF8(args[0]), args[1]);
    return args[1] == Py_None ? Py_NewRef(the_cpu) : made_device(args[1], nullptr);
  });
}
PyMethodDef check_device_def = {"_check_device",
                                reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(checked_device)),
                                METH_FASTCALL, nullptr};

void init_device(py::module_& m) {
  device_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&device_spec));
  if (!device_type) throw py::error_already_set();
  m.attr("device") = py::handle(reinterpret_cast<PyObject*>(device_type));
  the_cpu = named_device("cpu");
  the_meta = named_device("meta");
  m.attr("_check_device") = py::reinterpret_steal<py::object>(PyCFunction_New(&check_device_def, nullptr));
  m.def(
      "_set_default_device",
      [](py::object device) {
        const Place place = place_of("set_default_device", device.ptr());
        default_places.front() = place == Place::kOfArguments ? Place::kCpu : place;
        default_is_named = true;
      },
      py::arg("device"));
  m.def("_default_device",
        [] { return py::reinterpret_borrow<py::object>(device_object(default_place() == Place::kMeta)); });
}

}  // namespace

PyObject* dtype_object(DType dtype) { return dtype_objects[static_cast<int>(dtype)]; }
bool is_dtype(PyObject* o) { return Py_TYPE(o) == dtype_type; }
DType dtype_of(PyObject* o) { return self_dtype(o); }

bool as_dtype(PyObject* o, DType* out) {
  if (is_dtype(o)) {
    *out = dtype_of(o);
    return true;
  }
  if (o == reinterpret_cast<PyObject*>(&PyFloat_Type)) return *out = default_dtype(), true;
  if (o == reinterpret_cast<PyObject*>(&PyLong_Type)) return *out = DType::kInt64, true;
  if (o == reinterpret_cast<PyObject*>(&PyComplex_Type)) return *out = DType::kComplex128, true;
  if (o == reinterpret_cast<PyObject*>(&PyBool_Type)) return *out = DType::kBool, true;
  return false;
}

PyObject* size_object(IntSpan shape) {
  PyObject* s = size_type->tp_alloc(size_type, static_cast<Py_ssize_t>(shape.size()));
  for (size_t i = 0; s && i < shape.size(); ++i) {
    PyTuple_SET_ITEM(s, static_cast<Py_ssize_t>(i), PyLong_FromLongLong(shape[i]));
  }
  return s;
}

PyObject* device_object(bool meta) { return meta ? the_meta : the_cpu; }

Place place_of(const char* op, PyObject* o) {
  if (o == Py_None) return Place::kOfArguments;
  if (o == the_cpu) return Place::kCpu;
  if (is_device(o)) return place_of_device(op, device_of(o));
  if (PyLong_Check(o)) no_such_device(op, "cuda:" + std::string(py::str(o)));
  PLAIT_CHECK(PyUnicode_Check(o), kType, op, ": expected a device or its name, got ", Py_TYPE(o)->tp_name);
  const Owned named(named_device(text_of(o)));
  return place_of_device(op, device_of(named.get()));
}

Place default_place() {
  if (!default_is_named.load(std::memory_order_relaxed)) return Place::kOfArguments;
  return default_places.back() == Place::kMeta ? Place::kMeta : Place::kOfArguments;
}

void translate_current_exception() noexcept {
  try {
    throw;
  } catch (const Error& e) {
    PyErr_SetString(error_classes[static_cast<int>(e.kind())], e.what());
  } catch (py::error_already_set& e) {
    e.restore();
  } catch (const PythonErrorSet&) {
  } catch (const std::bad_alloc&) {
    PyErr_SetString(error_classes[static_cast<int>(ErrorKind::kMemory)], "out of memory");
  } catch (const py::builtin_exception& e) {
    e.set_error();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
  }
}

void init_types(py::module_& m) {
  init_errors(m);
  init_dtypes(m);
  init_size(m);
  init_device(m);
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const Error& e) {
      PyErr_SetString(error_classes[static_cast<int>(e.kind())], e.what());
    }
  });
}

}  // namespace plait::python
