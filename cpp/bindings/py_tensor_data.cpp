// SPDX-License-Identifier: MIT
// Ways in and out of a tensor: Python sequences, NumPy arrays, buffers, DLPack.
//
// Sequences are read twice, once for shape and dtype and once for the elements, so that an error is raised
// before memory is allocated. The other ways share memory: the storage holds the exporter, and lets it go on
// whatever thread the last tensor dies, which may be one without the GIL.
#include <pybind11/numpy.h>

#include <pybind11/stl.h>

#include <cstring>
#include <vector>

#include "bindings/call_args.h"
#include "bindings/dlpack.h"
#include "bindings/overrides.h"
#include "bindings/python_api.h"
#include "ops/copy.h"

namespace plait::python {
namespace {

// ---- NumPy ----

const char* numpy_code(DType d) {
  static constexpr const char* kCodes[kNumDTypes] = {"?", "B", "b",     "h", "i", "l", "H", "I",
                                                     "L", "e", nullptr, "f", "d", "F", "D"};
  return kCodes[static_cast<int>(d)];
}
// The same in the language of the buffer protocol.
const char* buffer_format(DType d) {
  return d == DType::kComplex64 ? "Zf" : d == DType::kComplex128 ? "Zd" : numpy_code(d);
}

// The dtype of the same kind and size; false for byte-swapped numbers, strings, ...
bool numpy_dtype(const py::dtype& d, DType* out) {
  if (!d.attr("isnative").cast<bool>()) return false;
  static constexpr struct {
    char kind;
    int size;
    DType dtype;
  } kTypes[] = {
      {'b', 1, DType::kBool},      {'u', 1, DType::kUInt8},       {'i', 1, DType::kInt8},
      {'i', 2, DType::kInt16},     {'i', 4, DType::kInt32},       {'i', 8, DType::kInt64},
      {'u', 2, DType::kUInt16},    {'u', 4, DType::kUInt32},      {'u', 8, DType::kUInt64},
      {'f', 2, DType::kFloat16},   {'f', 4, DType::kFloat32},     {'f', 8, DType::kFloat64},
      {'c', 8, DType::kComplex64}, {'c', 16, DType::kComplex128},
  };
  for (const auto& t : kTypes) {
    if (d.kind() == t.kind && d.itemsize() == t.size) {
      *out = t.dtype;
      return true;
    }
  }
  return false;
}

void drop_python_object(void* o) {
  if (!Py_IsInitialized()) return;
  const PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF(static_cast<PyObject*>(o));
  PyGILState_Release(state);
}

DType numpy_dtype_checked(const char* op, const py::array& a) {
  DType dtype;
  PLAIT_CHECK(numpy_dtype(a.dtype(), &dtype), kType, op, ": can't convert np.ndarray of type ",
              std::string(py::str(a.dtype())),
              ". The only supported types are: complex128, complex64, float64, float32, float16, "
              "int64, int32, int16, int8, uint64, uint32, uint16, uint8 and bool.");
  return dtype;
}

// A tensor on the memory of the array.
Tensor from_numpy(const char* op, const py::array& a) {
  const DType dtype = numpy_dtype_checked(op, a);
  const auto item = static_cast<int64_t>(item_size(dtype));
  Dims shape, strides;
  for (py::ssize_t i = 0; i < a.ndim(); ++i) {
    PLAIT_CHECK(
        a.strides(i) >= 0 || a.shape(i) <= 1, kValue, op,
        ": at least one stride in the given numpy array is negative, and tensors with negative strides are "
        "not supported\nhint: pass array.copy()");
    PLAIT_CHECK(a.strides(i) % item == 0 || a.shape(i) <= 1, kValue, op,
                ": the strides of the array are not multiples of its item size\nhint: pass array.copy()");
    shape.push_back(a.shape(i));
    strides.push_back(a.shape(i) <= 1 ? 1 : a.strides(i) / item);
  }
  PyObject* owner = a.inc_ref().ptr();
  Ref<Storage> storage = Storage::wrap(const_cast<void*>(a.data()),
                                       static_cast<size_t>(storage_extent(shape, strides, 0) * item),
                                       drop_python_object, owner, !a.writeable());
  return Tensor::from_storage(std::move(storage), shape, strides, 0, dtype);
}

py::array to_numpy(const char* op, py::handle self, bool force) {
  const Tensor& t = tensor_of(self.ptr());
  PLAIT_CHECK(force || !requires_grad(t) || !grad_enabled(), kRuntime, op,
              ": Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
  PLAIT_CHECK(!t.is_meta(), kType, op, ": can't convert meta device type tensor to numpy: it has no data");
  PLAIT_CHECK(numpy_code(t.dtype()), kType, op, ": NumPy has no dtype for ", dtype_name(t.dtype()),
              "\nhint: use .float().numpy()");
  std::vector<py::ssize_t> shape(t.shape().begin(), t.shape().end()), strides;
  for (int64_t s : t.strides()) strides.push_back(s * static_cast<int64_t>(t.item_size()));
  // An alias keeps the memory, not the Python object with its gradient.
  py::object owner = py::reinterpret_steal<py::object>(wrap(t.alias()));
  py::array a(py::dtype(numpy_code(t.dtype())), shape, strides, t.data_ptr(), owner);
  if (t.storage()->read_only()) a.attr("flags").attr("writeable") = false;
  return a;
}

// ---- Python sequences ----

// What a nested sequence holds: its shape and the dtype that fits all elements.
struct Scan {
  Dims shape;
  bool has_dtype = false;
  DType dtype = DType::kBool;

  void see(DType d) {
    dtype = has_dtype ? promote_types(dtype, d) : d;
    has_dtype = true;
  }
};

bool is_sequence(PyObject* o) { return PyList_Check(o) || PyTuple_Check(o); }
bool is_array(PyObject* o) { return py::isinstance<py::array>(o); }

[[noreturn]] void ragged(int64_t depth, int64_t expected, int64_t got) {
  PLAIT_FAIL(kValue, "tensor: expected sequence of length ", expected, " at dim ", depth, " (got ", got, ")");
}

// A tensor among the items is a number, whatever the count of its dimensions.
DType tensor_dtype(PyObject* o) {
  const Tensor& t = tensor_of(o);
  PLAIT_CHECK(t.numel() == 1 && !t.is_sparse(), kValue,
              "tensor: only one element tensors can be converted to Python scalars, got shape ", t.shape(),
              " among the items\nhint: stack(tensors) makes one tensor of many");
  return t.dtype();
}

// An array among the items: its sizes are the next dimensions.
void scan_array(PyObject* o, int64_t depth, Scan& s, bool first_path) {
  Dims inner;
  const auto a = py::reinterpret_borrow<py::array>(o);
  for (py::ssize_t i = 0; i < a.ndim(); ++i) inner.push_back(a.shape(i));
  s.see(numpy_dtype_checked("tensor", a));
  for (int64_t i = 0; i < inner.size(); ++i) {
    if (s.shape.size() == depth + i) {
      PLAIT_CHECK(first_path, kValue, "tensor: elements of different depth");
      s.shape.push_back(inner[i]);
    } else if (s.shape[depth + i] != inner[i]) {
      ragged(depth + i, s.shape[depth + i], inner[i]);
    }
  }
  PLAIT_CHECK(s.shape.size() == depth + inner.size(), kValue, "tensor: elements of different depth");
}

DType number_dtype(PyObject* o) {
  if (PyBool_Check(o)) return DType::kBool;
  if (PyFloat_CheckExact(o)) return default_dtype();
  if (PyLong_Check(o)) return DType::kInt64;
  if (PyComplex_CheckExact(o)) return to_complex(default_dtype());
  Complex<double> z;
  PLAIT_CHECK(to_complex(o, &z), kType, "tensor: expected numbers or sequences of numbers, got ",
              Py_TYPE(o)->tp_name);
  DType d = default_dtype();
  if (py::hasattr(o, "dtype")) {  // a NumPy scalar
    const py::array a = py::array::ensure(py::reinterpret_borrow<py::object>(o));
    if (a) numpy_dtype(a.dtype(), &d);
  }
  return d;
}

// The first path from the outermost sequence to a number fixes the shape; all others must have it.
void scan(PyObject* o, int64_t depth, Scan& s, bool& first_path) {
  PLAIT_CHECK(depth < 64, kValue, "tensor: sequences are nested deeper than 64 levels");
  if (is_sequence(o)) {
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
    if (s.shape.size() == depth) {
      PLAIT_CHECK(first_path, kValue, "tensor: expected numbers at depth ", depth,
                  ", got a sequence of length ", n);
      s.shape.push_back(n);
    } else if (s.shape[depth] != n) {
      ragged(depth, s.shape[depth], n);
    }
    for (Py_ssize_t i = 0; i < n; ++i) scan(PySequence_Fast_ITEMS(o)[i], depth + 1, s, first_path);
    return;
  }
  if (is_array(o)) {
    scan_array(o, depth, s, first_path);
  } else {
    PLAIT_CHECK(s.shape.size() == depth, kValue, "tensor: expected a sequence of length ",
                depth < s.shape.size() ? s.shape[depth] : 0, " at dim ", depth, ", got a number");
    s.see(is_tensor(o) ? tensor_dtype(o) : number_dtype(o));
  }
  first_path = false;
}

template <class T>
T element(PyObject* o) {
  if constexpr (kIsComplex<T>) {
    Complex<double> z;
    PLAIT_CHECK(to_complex(o, &z), kType, "tensor: expected a number, got ", Py_TYPE(o)->tp_name);
    return convert<T>(z);
  }
  const auto checked = [](Scalar value) {
    value.check_fits("tensor", DTypeOf<T>::value);
    return value.to<T>();
  };
  if (PyFloat_Check(o)) return checked(PyFloat_AS_DOUBLE(o));
  if (PyBool_Check(o)) return convert<T>(o == Py_True);
  int64_t i;
  if (to_int(o, &i)) return checked(i);
  if (uint64_t large; !is_tensor(o) && to_unsigned(o, &large)) return checked(large);
  if (PyLong_Check(o)) {
    const double v = PyLong_AsDouble(o);
    PyErr_Clear();
    PLAIT_CHECK(is_floating(DTypeOf<T>::value), kValue, "tensor: an int is outside the range of int64");
    return convert<T>(v);
  }
  double v = 0;
  PLAIT_CHECK(to_double(o, &v), kType, "tensor: expected a number, got ", Py_TYPE(o)->tp_name);
  return checked(v);
}

template <class T>
T* fill(PyObject* o, T* out, const Tensor& whole, int64_t depth) {
  if (is_sequence(o)) {
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
    for (Py_ssize_t i = 0; i < n; ++i) out = fill(PySequence_Fast_ITEMS(o)[i], out, whole, depth + 1);
    return out;
  }
  if (depth < whole.dim() || is_tensor(o) || is_array(o)) {
    const Tensor source = is_tensor(o) ? tensor_of(o).alias({}, {}, tensor_of(o).offset())
                                       : from_numpy("tensor", py::reinterpret_borrow<py::array>(o));
    const int64_t offset = out - whole.data<T>();
    const IntSpan all = whole.shape();
    const IntSpan shape = all.subspan(static_cast<size_t>(depth));
    const Tensor part = whole.alias(shape, contiguous_strides(shape), offset);
    copy_into(part, source);
    return out + part.numel();
  }
  *out = element<T>(o);
  return out + 1;
}

// A fresh tensor holding a copy of the data.
Tensor tensor_from(py::handle data, std::optional<DType> dtype) {
  PyObject* o = data.ptr();
  if (is_tensor(o)) {
    const Tensor& source = tensor_of(o);
    PLAIT_CHECK(!source.is_sparse(), kType,
                "tensor: expected numbers, got a sparse tensor\nhint: use clone()");
    const MetaMode mode(source.is_meta());
    const Tensor t = Tensor::empty(source.shape(), dtype.value_or(source.dtype()));
    copy_into(t, source);
    return t;
  }
  if (is_array(o)) {
    const Tensor source = from_numpy("tensor", py::reinterpret_borrow<py::array>(o));
    const Tensor t = Tensor::empty(source.shape(), dtype.value_or(source.dtype()));
    copy_into(t, source);
    return t;
  }
  py::object keep;
  if (!is_sequence(o) && !PyFloat_Check(o) && !PyLong_Check(o) && !PyComplex_Check(o)) {
    if (PyUnicode_Check(o) || PyDict_Check(o) || PyBytes_Check(o)) {
      PLAIT_FAIL(kType, "tensor: expected numbers or sequences of numbers, got ", Py_TYPE(o)->tp_name);
    }
    if (PyObject_CheckBuffer(o) || py::hasattr(o, "__array__")) {
      keep = py::array::ensure(py::reinterpret_borrow<py::object>(o));
      if (!keep) throw py::error_already_set();
      return tensor_from(keep, dtype);
    }
    if (PySequence_Check(o) || py::isinstance<py::iterable>(o)) {
      keep = py::reinterpret_steal<py::object>(PySequence_List(o));
      if (!keep) throw py::error_already_set();
      o = keep.ptr();
    }
  }
  Scan s;
  bool first_path = true;
  scan(o, 0, s, first_path);
  const DType d = dtype.value_or(s.has_dtype ? s.dtype : default_dtype());
  const Tensor t = Tensor::empty(s.shape, d);
  if (t.numel() > 0) {
    dispatch_any(d, [&](auto tag) {
      using T = typename decltype(tag)::type;
      fill<T>(o, t.data<T>(), t, 0);
    });
  }
  return t;
}

// The element `at` places behind the first one.
template <class T>
T element(const Tensor& t, int64_t at) {
  const auto read = [&](auto tag) {
    using From = typename decltype(tag)::type;
    return convert<T>(t.data<From>()[at]);
  };
  if constexpr (kIsComplex<T>) {
    return dispatch_any(t.dtype(), read);
  } else {
    return dispatch(t.dtype(), read);
  }
}

PyObject* number_of(const Tensor& t, int64_t at) {
  if (t.is_complex()) {
    const auto z = element<Complex<double>>(t, at);
    return PyComplex_FromDoubles(z.re, z.im);
  }
  if (t.is_floating()) return PyFloat_FromDouble(element<double>(t, at));
  if (t.dtype() == DType::kBool) return PyBool_FromLong(element<bool>(t, at));
  if (t.dtype() == DType::kUInt64) return PyLong_FromUnsignedLongLong(element<uint64_t>(t, at));
  return PyLong_FromLongLong(element<int64_t>(t, at));
}

py::object to_list(const Tensor& t, int64_t depth, int64_t at) {
  if (depth == t.dim()) return checked(number_of(t, at));
  py::object list = checked(PyList_New(t.shape()[depth]));
  for (int64_t i = 0; i < t.shape()[depth]; ++i) {
    PyList_SET_ITEM(list.ptr(), i, to_list(t, depth + 1, at + i * t.strides()[depth]).release().ptr());
  }
  return list;
}

// ---- DLPack ----

dlpack::DataType dlpack_type(DType d) {
  const uint8_t bits = static_cast<uint8_t>(8 * item_size(d));
  switch (d) {
    case DType::kBool:
      return {6, 8, 1};
    case DType::kBFloat16:
      return {4, 16, 1};
    default:
      return {static_cast<uint8_t>(is_complex(d) ? 5 : is_floating(d) ? 2 : is_unsigned(d) ? 1 : 0), bits, 1};
  }
}

bool from_dlpack_type(dlpack::DataType t, DType* out) {
  if (t.lanes != 1) return false;
  for (int i = 0; i < kNumDTypes; ++i) {
    const dlpack::DataType mine = dlpack_type(static_cast<DType>(i));
    if (mine.code == t.code && mine.bits == t.bits) {
      *out = static_cast<DType>(i);
      return true;
    }
  }
  return false;
}

struct Export {
  Tensor tensor;
  Dims shape, strides;
};

dlpack::Array describe(Export& e) {
  return {e.tensor.data_ptr(),
          {1, 0},
          static_cast<int32_t>(e.tensor.dim()),
          dlpack_type(e.tensor.dtype()),
          e.shape.data(),
          e.strides.data(),
          0};
}

template <class ManagedType>
void delete_managed(ManagedType* m) {
  delete static_cast<Export*>(m->context);
  delete m;
}
template <class ManagedType>
void drop_unused(PyObject* capsule, const char* name) {
  if (!PyCapsule_IsValid(capsule, name)) return;  // a consumer has renamed it and owns it now
  auto* m = static_cast<ManagedType*>(PyCapsule_GetPointer(capsule, name));
  m->deleter(m);
}

py::object to_dlpack(const Tensor& t, py::object max_version, py::object copy) {
  PLAIT_CHECK(!requires_grad(t), kRuntime,
              "__dlpack__: can't export tensors that require gradient, use tensor.detach()");
  if (t.is_meta()) throw py::buffer_error("__dlpack__: a tensor on the device meta has no data");
  const bool must_copy = !copy.is_none() && copy.cast<bool>();
  const Tensor shown = must_copy ? clone(t) : t.alias();
  auto* e = new Export{shown, shown.shape(), shown.strides()};
  const bool versioned = !max_version.is_none() && max_version.cast<py::tuple>()[0].cast<int>() >= 1;
  if (versioned) {
    auto* m = new dlpack::ManagedVersioned{
        {1, 0},
        e,
        delete_managed<dlpack::ManagedVersioned>,
        (shown.storage()->read_only() ? dlpack::kReadOnly : 0) | (must_copy ? dlpack::kIsCopy : 0),
        describe(*e)};
    return py::reinterpret_steal<py::object>(PyCapsule_New(m, "dltensor_versioned", [](PyObject* c) {
      drop_unused<dlpack::ManagedVersioned>(c, "dltensor_versioned");
    }));
  }
  if (shown.storage()->read_only()) {
    delete e;
    PLAIT_FAIL(kValue, "__dlpack__: read-only memory needs DLPack 1.0 (max_version=(1, 0)) or copy=True");
  }
  auto* m = new dlpack::Managed{describe(*e), e, delete_managed<dlpack::Managed>};
  return py::reinterpret_steal<py::object>(
      PyCapsule_New(m, "dltensor", [](PyObject* c) { drop_unused<dlpack::Managed>(c, "dltensor"); }));
}

template <class ManagedType>
Tensor import_dlpack(ManagedType* m, bool read_only) {
  const dlpack::Array& a = m->array;
  DType dtype;
  PLAIT_CHECK(a.device.type == 1, kValue,
              "from_dlpack: expected memory on the CPU (device type 1), got device type ", a.device.type);
  PLAIT_CHECK(from_dlpack_type(a.dtype, &dtype), kType, "from_dlpack: no dtype for code ", int{a.dtype.code},
              " with ", int{a.dtype.bits}, " bits and ", a.dtype.lanes, " lanes");
  Dims shape(IntSpan(a.shape, static_cast<size_t>(a.ndim)));
  Dims strides =
      a.strides ? Dims(IntSpan(a.strides, static_cast<size_t>(a.ndim))) : contiguous_strides(shape);
  for (int64_t i = 0; i < strides.size(); ++i) {
    PLAIT_CHECK(strides[i] >= 0 || shape[i] <= 1, kValue, "from_dlpack: negative strides are not supported");
  }
  const auto bytes = static_cast<size_t>(storage_extent(shape, strides, 0)) * item_size(dtype);
  Ref<Storage> storage = Storage::wrap(
      static_cast<char*>(a.data) + a.byte_offset, bytes,
      [](void* context) {
        auto* owner = static_cast<ManagedType*>(context);
        if (!owner->deleter || !Py_IsInitialized()) return;
        const PyGILState_STATE state = PyGILState_Ensure();  // the producer may touch Python objects
        owner->deleter(owner);
        PyGILState_Release(state);
      },
      m, read_only);
  return Tensor::from_storage(std::move(storage), shape, strides, 0, dtype);
}

// A capsule of what the object exports. Producers that know nothing of versions get no arguments.
py::object exported_by(const py::object& source) {
  try {
    return source.attr("__dlpack__")(py::arg("max_version") = py::make_tuple(1, 0));
  } catch (py::error_already_set& e) {
    if (!e.matches(PyExc_TypeError)) throw;
    return source.attr("__dlpack__")();
  }
}

Tensor import_capsule(const py::object& source) {
  py::object capsule = source;
  if (py::hasattr(source, "__dlpack__")) capsule = exported_by(source);
  PyObject* c = capsule.ptr();
  if (PyCapsule_IsValid(c, "dltensor_versioned")) {
    auto* m = static_cast<dlpack::ManagedVersioned*>(PyCapsule_GetPointer(c, "dltensor_versioned"));
    PLAIT_CHECK(m->version.major == 1, kValue, "from_dlpack: expected DLPack version 1, got ",
                m->version.major);
    const Tensor t = import_dlpack(m, (m->flags & dlpack::kReadOnly) != 0);
    PyCapsule_SetName(c, "used_dltensor_versioned");
    return t;
  }
  PLAIT_CHECK(PyCapsule_IsValid(c, "dltensor"), kType,
              "from_dlpack: expected an object with __dlpack__ or an unused "
              "DLPack capsule, got ",
              Py_TYPE(c)->tp_name);
  const Tensor t = import_dlpack(static_cast<dlpack::Managed*>(PyCapsule_GetPointer(c, "dltensor")), false);
  PyCapsule_SetName(c, "used_dltensor");
  return t;
}

// copy: None copies where memory cannot be shared (never, here), True always, False never.
Tensor from_dlpack(py::object source, py::object device, py::object copy) {
  PLAIT_CHECK(place_of("from_dlpack", device.ptr()) != Place::kMeta, kValue,
              "from_dlpack: expected the device cpu, got meta");
  const Tensor t = import_capsule(source);
  return !copy.is_none() && copy.cast<bool>() ? clone(t) : t;
}

// ---- Buffer protocol ----

struct BufferGeometry {
  std::vector<Py_ssize_t> shape, strides;
  Tensor keep;
};

int get_buffer(PyObject* o, Py_buffer* view, int flags) {
  const Tensor& t = tensor_of(o);
  view->obj = nullptr;
  const char* problem = nullptr;
  if (requires_grad(t))
    problem = "a Tensor that requires grad cannot be seen as a buffer; use tensor.detach()";
  if (t.is_sparse()) problem = "a sparse tensor cannot be seen as a buffer; use tensor.to_dense()";
  if (t.is_meta()) problem = "a tensor on the device meta has no data";
  if (!numpy_code(t.dtype())) problem = "no buffer format for bfloat16";
  if ((flags & PyBUF_WRITABLE) && t.storage()->read_only()) problem = "the tensor shares read-only memory";
  if (!(flags & PyBUF_STRIDES) && !t.is_contiguous()) problem = "the tensor is not contiguous";
  if (problem) {
    PyErr_SetString(PyExc_BufferError, problem);
    return -1;
  }
  auto* g = new BufferGeometry{{t.shape().begin(), t.shape().end()}, {}, t.alias()};
  for (int64_t s : t.strides()) g->strides.push_back(s * static_cast<int64_t>(t.item_size()));
  view->buf = t.data_ptr();
  view->obj = Py_NewRef(o);
  view->len = t.numel() * static_cast<int64_t>(t.item_size());
  view->readonly = t.storage()->read_only();
  view->itemsize = static_cast<Py_ssize_t>(t.item_size());
  view->format = (flags & PyBUF_FORMAT) ? const_cast<char*>(buffer_format(t.dtype())) : nullptr;
  view->ndim = static_cast<int>(t.dim());
  view->shape = (flags & PyBUF_ND) ? g->shape.data() : nullptr;
  view->strides = (flags & PyBUF_STRIDES) ? g->strides.data() : nullptr;
  view->suboffsets = nullptr;
  view->internal = g;
  return 0;
}
void release_buffer(PyObject*, Py_buffer* view) { delete static_cast<BufferGeometry*>(view->internal); }

Tensor finish(const Tensor& t, bool wants_grad) {
  if (wants_grad) set_requires_grad(t, true);
  return t;
}

// ---- Functions and methods of Python ----

constexpr const char* kTensorDoc = R"(tensor(data, *, dtype=None, device=None, requires_grad=False) -> Tensor

A new tensor with a copy of `data`: a number, nested sequences of numbers, a NumPy array, anything with the buffer
protocol, or a tensor. `device` is the CPU or "meta". The dtype is that of an array, else bool, int64 or the default float, whichever holds all
elements.

Raises:
    ArgumentError: ragged sequences.
    ArgumentTypeError: elements that are no numbers.

Example:
    >>> plait.tensor([[1, 2], [3, 4.5]])
    tensor([[1.0000, 2.0000],
            [3.0000, 4.5000]])
)";

// What a mode makes of a function of data, which sees the arguments that are not the defaults; null where
// there is no mode.
py::object made_by_mode(const char* name, const py::object& data, const std::optional<DType>& dtype,
                        const py::object& device, bool wants_grad) {
  if (torch_function_modes == 0 || !is_overridden(nullptr, 0)) return {};
  std::vector<PyObject*> args{data.ptr()};
  py::list names;
  const auto add = [&](const char* key, PyObject* value) {
    args.push_back(value);
    names.append(key);
  };
  if (dtype) add("dtype", dtype_object(*dtype));
  if (!device.is_none()) add("device", device.ptr());
  if (wants_grad) add("requires_grad", Py_True);
  const py::object func = py::module_::import("plait._core").attr(name);
  return checked(call_override(func.ptr(), args.data(), 1, py::tuple(names).ptr()));
}

// Where a tensor of data goes: to the device that is named, else the default one.
Place place_for(const char* op, const py::object& device) {
  return device.is_none() ? default_place() : place_of(op, device.ptr());
}
Tensor placed(const Tensor& t, Place place) {
  return place == Place::kOfArguments ? t : to_place(t, place == Place::kMeta);
}

py::object tensor(const py::object& data, std::optional<DType> dtype, const py::object& device,
                  bool wants_grad, bool) {
  if (py::object made = made_by_mode("tensor", data, dtype, device, wants_grad)) return made;
  const Place place = place_for("tensor", device);
  return py::cast(finish(placed(tensor_from(data, dtype), place), wants_grad));
}

constexpr const char* kAsTensorDoc = R"(as_tensor(data, dtype=None, device=None) -> Tensor

Like tensor(), but a tensor of the right dtype is returned itself and a NumPy array of the right dtype shares its
memory.

Example:
    >>> a = np.zeros(3, dtype=np.float32)
    >>> plait.as_tensor(a)[0] = 1
    >>> a
    array([1., 0., 0.], dtype=float32)
)";

// Whether a tensor can lie on the array's memory: a dtype of ours, which is the one asked for, no negative
// strides.
bool can_share(const py::array& a, std::optional<DType> dtype) {
  DType own;
  if (!numpy_dtype(a.dtype(), &own) || (dtype && *dtype != own)) return false;
  for (py::ssize_t i = 0; i < a.ndim(); ++i) {
    if (a.strides(i) < 0) return false;
  }
  return true;
}

py::object as_tensor(const py::object& data, std::optional<DType> dtype, const py::object& device) {
  if (py::object made = made_by_mode("as_tensor", data, dtype, device, false)) return made;
  const Place place = place_for("as_tensor", device);
  if (is_tensor(data.ptr())) {
    const Tensor& t = tensor_of(data.ptr());
    const MetaMode mode(t.is_meta());
    return py::cast(placed(dtype ? cast(t, *dtype) : t, place));
  }
  if (is_array(data.ptr())) {
    const auto a = py::reinterpret_borrow<py::array>(data);
    if (can_share(a, dtype)) return py::cast(placed(from_numpy("as_tensor", a), place));
  }
  return py::cast(placed(tensor_from(data, dtype), place));
}

constexpr const char* kFromNumpyDoc = R"(from_numpy(ndarray) -> Tensor

A tensor that shares the memory of the array; changes of one show in the other. A read-only array gives a tensor that
cannot be changed in place.

Raises:
    ArgumentTypeError: dtypes plait does not have.
    ArgumentError: negative strides.

Example:
    >>> plait.from_numpy(np.arange(3))
    tensor([0, 1, 2])
)";

constexpr const char* kFromDlpackDoc = R"(from_dlpack(ext_tensor, *, device=None, copy=None) -> Tensor

A tensor that shares the memory of an object with `__dlpack__` (NumPy, PyTorch, JAX, ... on the CPU), or has a copy of
it where `copy` is True.

Example:
    >>> plait.from_dlpack(np.ones(2))
    tensor([1., 1.], dtype=plait.float64)
)";

// Keeps the buffer exported until the last tensor on it is gone, on whatever thread that is.
void drop_buffer(void* context) {
  if (!Py_IsInitialized()) return;
  const PyGILState_STATE state = PyGILState_Ensure();
  delete static_cast<py::buffer_info*>(context);
  PyGILState_Release(state);
}

Tensor from_buffer(py::buffer buffer, DType dtype, int64_t count, int64_t offset, bool wants_grad) {
  auto info = std::make_unique<py::buffer_info>(buffer.request());
  const auto item = static_cast<int64_t>(item_size(dtype));
  const int64_t bytes = info->size * info->itemsize;
  const int64_t n = count < 0 ? (bytes - offset) / item : count;
  const bool fits = offset >= 0 && offset <= bytes && n >= 0 && n <= (bytes - offset) / item;
  PLAIT_CHECK(fits && (count >= 0 || (bytes - offset) % item == 0), kValue, "frombuffer: offset ", offset,
              " and count ", count, " do not fit in a buffer of ", bytes, " bytes with elements of ", item,
              " bytes");
  void* first = static_cast<char*>(info->ptr) + offset;
  const bool read_only = info->readonly;
  Ref<Storage> storage =
      Storage::wrap(first, static_cast<size_t>(n * item), drop_buffer, info.release(), read_only);
  return finish(Tensor::from_storage(std::move(storage), Dims{n}, Dims{1}, 0, dtype), wants_grad);
}

py::object dlpack_method(const Tensor& t, py::object, py::object max_version, py::object device,
                         py::object copy) {
  PLAIT_CHECK(device.is_none() || device.cast<py::tuple>()[0].cast<int>() == 1, kValue,
              "__dlpack__: expected dl_device (1, 0), the CPU");
  return to_dlpack(t, max_version, copy);
}

void add_functions(py::module_& m) {
  const auto none = py::none();
  m.def("tensor", &tensor, py::arg("data"), py::kw_only(), py::arg("dtype") = none, py::arg("device") = none,
        py::arg("requires_grad") = false, py::arg("pin_memory") = false, kTensorDoc);
  m.def("as_tensor", &as_tensor, py::arg("data"), py::arg("dtype") = none, py::arg("device") = none,
        kAsTensorDoc);
  m.def(
      "from_numpy", [](py::array a) { return from_numpy("from_numpy", a); }, py::arg("ndarray"),
      kFromNumpyDoc);
  m.def("from_dlpack", &from_dlpack, py::arg("ext_tensor"), py::kw_only(), py::arg("device") = none,
        py::arg("copy") = none, kFromDlpackDoc);
  m.def("frombuffer", &from_buffer, py::arg("buffer"), py::kw_only(), py::arg("dtype"), py::arg("count") = -1,
        py::arg("offset") = 0, py::arg("requires_grad") = false,
        "frombuffer(buffer, *, dtype, count=-1, offset=0) -> Tensor\n\nA 1-D tensor on the memory of a "
        "buffer.");
}

void add_methods() {
  py::handle type(reinterpret_cast<PyObject*>(tensor_type));
  const auto method = [&](const char* name, auto f, const char* doc, auto... extra) {
    type.attr(name) =
        overridable(py::cpp_function(f, py::name(name), py::is_method(type), py::doc(doc), extra...));
  };
  method(
      "numpy", [](py::object self, bool force) { return to_numpy("numpy", self, force); },
      "numpy(*, force=False): a NumPy array on the same memory. Raises RuntimeError when the tensor requires "
      "grad, unless force is True.",
      py::kw_only(), py::arg("force") = false);
  method(
      "tolist",
      [](const Tensor& t) {
        PLAIT_CHECK(!t.is_meta(), kNotImplemented, "tolist: Cannot copy out of meta tensor; no data!");
        return to_list(t, 0, 0);
      },
      "tolist(): nested lists of Python numbers; a number for a 0-d tensor.");
  method("__dlpack__", &dlpack_method, "The DLPack protocol.", py::kw_only(), py::arg("stream") = py::none(),
         py::arg("max_version") = py::none(), py::arg("dl_device") = py::none(),
         py::arg("copy") = py::none());
  method(
      "__dlpack_device__",
      [](const Tensor& t) {
        PLAIT_CHECK(!t.is_meta(), kValue, "__dlpack_device__: DLPack has no device meta");
        return py::make_tuple(1, 0);
      },
      "The DLPack protocol: the CPU.");
}

}  // namespace

void init_tensor_data(py::module_& m) {
  tensor_type->tp_as_buffer->bf_getbuffer = get_buffer;
  tensor_type->tp_as_buffer->bf_releasebuffer = release_buffer;
  add_functions(m);
  add_methods();
}

}  // namespace plait::python
