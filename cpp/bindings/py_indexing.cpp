// SPDX-License-Identifier: MIT
// x[key] and x[key] = value: the parts of a key that select a box become views, the rest one call of index().
//
// Both are calls of public ops, so they go through the op table like calls from Python: what watches the
// table (call_op() in ops/registry.h) sees `x[1:3]` as `_slice` and `x[mask] = v` as `index_put_`.
#include <algorithm>

#include "bindings/call_args.h"
#include "bindings/overrides.h"
#include "bindings/python_api.h"
#include "ops/copy.h"
#include "ops/view/view.h"

namespace plait::python {
namespace {

// ---- Ops of the table, called from C++ ----

Arg as_arg(const Tensor& t) {
  Arg a{.kind = Arg::kTensor, .tensor = &t};
  return a;
}
Arg as_arg(const std::vector<Tensor>& list) {
  Arg a{.kind = Arg::kTensors, .tensors = &list};
  return a;
}
Arg as_arg(int64_t v) { return {.kind = Arg::kInt, .i = v}; }
Arg as_arg(bool v) { return {.kind = Arg::kBool, .i = v}; }
Arg as_arg(DType d) { return {.kind = Arg::kDType, .dtype = d}; }

class TableOp {
 public:
  explicit TableOp(const char* name) : op_(find_op(name)) {}

  template <class... Args>
  Tensor operator()(const Args&... args) const {
    const Arg boxed[] = {as_arg(args)...};
    Result result;
    call_op(op_, boxed, result);
    return std::move(result.tensor);
  }

 private:
  const OpEntry& op_;
};

struct IndexingOps {
  TableOp select{"select"}, slice{"_slice"}, unsqueeze{"unsqueeze"}, alias{"_alias"};
  TableOp index{"_index"}, index_put{"index_put_"}, copy{"copy_"}, cast{"cast"};
};

const IndexingOps& ops() {
  static const IndexingOps all;
  return all;
}

// ---- Keys ----

Tensor make_index(PyObject* item, PyObject* dtype = nullptr) {
  static py::handle as_tensor =
      py::module_::import("plait._core").attr("as_tensor").cast<py::object>().release();
  Tensor t = as_tensor(py::handle(item), dtype ? py::handle(dtype) : py::none(),
                       is_tensor(item) ? py::handle(Py_None) : py::handle(device_object()))
                 .cast<Tensor>();
  if (t.numel() == 0 && t.is_floating()) t = cast(t, DType::kInt64);  // x[[]]
  return t;
}

bool is_index_tensor(const Tensor& t) { return !t.is_differentiable(); }

[[noreturn]] void bad_item(PyObject* item) {
  PLAIT_FAIL(kIndex,
             "indexing: only integers, slices (`:`), ellipsis (`...`), None and "
             "long or bool tensors are valid indices, got ",
             Py_TYPE(item)->tp_name);
}

int64_t slice_bound(PyObject* o, int64_t fallback) {
  if (o == Py_None) return fallback;
  int64_t v;
  if (to_int(o, &v)) return v;
  if (PyLong_Check(o)) {  // beyond int64: clamped, as Python does
    return _PyLong_Sign(o) < 0 ? INT64_MIN : INT64_MAX;
  }
  PLAIT_FAIL(kType, "indexing: slice bounds must be integers or None, got ", Py_TYPE(o)->tp_name);
}

// How many dimensions of x an item takes.
int64_t consumed(PyObject* item) {
  if (item == Py_None || item == Py_Ellipsis || PyBool_Check(item)) return 0;
  if (is_tensor(item)) {
    const Tensor& t = tensor_of(item);
    return t.dtype() == DType::kBool ? t.dim() : 1;
  }
  if (py::isinstance<py::sequence>(item) || py::hasattr(item, "__array__")) {
    if (PyLong_Check(item) || PyFloat_Check(item)) return 1;
    if (PyIndex_Check(item) && !PyList_Check(item) && !PyTuple_Check(item) && py::hasattr(item, "ndim") &&
        py::handle(item).attr("ndim").cast<int>() == 0) {
      return 1;
    }
    const Tensor t = make_index(item);
    return t.dtype() == DType::kBool ? t.dim() : 1;
  }
  return 1;
}

void check_in_range(int64_t index, int64_t dim, int64_t size) {
  PLAIT_CHECK(index >= -size && index < size, kIndex, "index ", index, " is out of bounds for dimension ",
              dim, " with size ", size);
}

bool is_mask(const Tensor& t) { return t.dtype() == DType::kBool || t.dtype() == DType::kUInt8; }

// Reads the items of a key from left to right. Each moves `dim_`, a dimension of the view, past what it
// takes.
class KeyReader {
 public:
  KeyReader(const Tensor& x, PyObject* key) : x_(x), one_(key), view_(x) {
    if (PyTuple_Check(key)) {
      items_ = PySequence_Fast_ITEMS(key);
      n_ = PyTuple_GET_SIZE(key);
    }
    count();
    for (Py_ssize_t i = 0; i < n_; ++i) take(items_[i]);
  }

  // x after slices, ints, None and ...
  const Tensor& view() const { return view_; }
  // For index() of the view: undefined = whole dimension; empty when the view is all.
  const std::vector<Tensor>& indices() const { return indices_; }

 private:
  // An ellipsis stands for the dimensions that no other item takes; without one they follow at the end.
  void count() {
    int64_t ellipses = 0;
    for (Py_ssize_t i = 0; i < n_; ++i) {
      if (items_[i] == Py_Ellipsis) {
        ++ellipses;
      } else if (PyLong_CheckExact(items_[i]) || PySlice_Check(items_[i])) {
        ++taken_;
      } else {
        taken_ += consumed(items_[i]);
      }
    }
    PLAIT_CHECK(ellipses <= 1, kIndex, "indexing: an index can only have a single ellipsis ('...')");
    PLAIT_CHECK(taken_ <= x_.dim(), kIndex, "indexing: too many indices for tensor of dimension ", x_.dim(),
                " (got ", taken_, ", shape ", x_.shape(), ")");
  }

  void take(PyObject* item) {
    int64_t v;
    if (item == Py_Ellipsis) {
      dim_ += x_.dim() - taken_;
    } else if (item == Py_None) {
      new_dimension();
      ++dim_;
    } else if (PyBool_Check(item)) {
      take_truth(Tensor::scalar(item == Py_True));
    } else if (PySlice_Check(item)) {
      take_slice(*reinterpret_cast<PySliceObject*>(item));
    } else if (is_tensor(item) && (tensor_of(item).dim() > 0 || is_mask(tensor_of(item)))) {
      take_tensor(tensor_of(item));
    } else if (to_int(item, &v) && !PyList_Check(item)) {
      check_in_range(v, dim_, view_.size(dim_));
      view_ = ops().select(view_, dim_, v);
    } else if (PySequence_Check(item) || py::hasattr(item, "__array__")) {
      const Tensor t = make_index(item);
      if (!is_index_tensor(t)) bad_item(item);
      add_index(t);
    } else {
      bad_item(item);
    }
  }

  void take_slice(const PySliceObject& s) {
    const int64_t step = slice_bound(s.step, 1);
    PLAIT_CHECK(step > 0, kValue, "indexing: slice step must be positive, got ", step,
                "\nhint: flip() the dimension instead of a negative step");
    if (s.start != Py_None || s.stop != Py_None || step != 1) {
      view_ = ops().slice(view_, dim_, slice_bound(s.start, 0), slice_bound(s.stop, INT64_MAX), step);
    }
    ++dim_;
  }

  void take_tensor(const Tensor& t) {
    PLAIT_CHECK(is_index_tensor(t), kIndex,
                "indexing: tensors used as indices must be long, int, byte or bool tensors, got ",
                dtype_name(t.dtype()));
    if (t.dim() == 0 && t.dtype() == DType::kBool) {
      take_truth(t);
    } else {
      add_index(t);
    }
  }

  // One bool selects all of a new dimension of size 1, or nothing of it.
  void take_truth(const Tensor& t) {
    new_dimension();
    add_index(reshape(t, Dims{1}));
  }

  void new_dimension() { view_ = ops().unsqueeze(view_, dim_); }

  // A mask of k dimensions is one entry of the list: the list is k - 1 shorter than the dimensions it covers.
  void add_index(const Tensor& t) {
    indices_.resize(static_cast<size_t>(dim_ - mask_extra_));
    indices_.push_back(t);
    const int64_t takes = is_mask(t) ? t.dim() : 1;
    dim_ += takes;
    mask_extra_ += takes - 1;
  }

  const Tensor& x_;
  PyObject* one_;  // a key that is no tuple
  PyObject** items_ = &one_;
  Py_ssize_t n_ = 1;
  int64_t taken_ = 0;  // dimensions of x that the items take
  int64_t dim_ = 0, mask_extra_ = 0;
  Tensor view_;
  std::vector<Tensor> indices_;
};

// ---- Reading and writing ----

// Whether an index or a value is of a class that indexing does not know, and so may take over.
bool is_foreign(PyObject* o) {
  if (PyTuple_CheckExact(o)) {
    return std::any_of(PySequence_Fast_ITEMS(o), PySequence_Fast_ITEMS(o) + PyTuple_GET_SIZE(o), is_foreign);
  }
  return !(PyLong_CheckExact(o) || PySlice_Check(o) || o == Py_None || o == Py_Ellipsis ||
           PyFloat_CheckExact(o) || is_plain_tensor(o));
}

PyObject* get_item(PyObject* self, PyObject* key) {
  if (!is_plain_tensor(self) || torch_function_modes != 0 || is_foreign(key)) [[unlikely]] {
    PyObject* const args[] = {self, key};
    PyObject* result = override_method("__getitem__", args, 2);
    if (result || PyErr_Occurred()) return result;
  }
  return guarded([&] {
    const Tensor& x = tensor_of(self);
    int64_t v;
    if (PyLong_CheckExact(key) && x.dim() > 0 && to_int(key, &v)) {  // x[3], the most frequent key
      check_in_range(v, 0, x.shape()[0]);
      return wrap(ops().select(x, int64_t{0}, v));
    }
    const KeyReader read(x, key);
    if (!read.indices().empty()) return wrap(ops().index(read.view(), read.indices()));
    return wrap(read.view().is_same(x) ? ops().alias(x) : read.view());
  });
}

// A number becomes a tensor of its own kind; one that the dtype cannot hold is an error.
Tensor assigned_value(PyObject* value, DType dtype) {
  if (is_tensor(value)) return tensor_of(value);
  if (PyBool_Check(value)) return Tensor::scalar(value == Py_True);
  double number;
  int64_t integer;
  if (PyLong_Check(value) && to_int(value, &integer)) {
    Scalar(integer).check_fits("indexing", dtype);
    return Tensor::scalar(integer);
  }
  uint64_t large;
  if (PyLong_Check(value) && to_unsigned(value, &large)) {
    Scalar(large).check_fits("indexing", dtype);
    return Tensor::scalar(large);
  }
  if (to_double(value, &number)) {
    Scalar(number).check_fits("indexing", dtype);
    return Tensor::scalar(number);
  }
  if (Complex<double> z; to_complex(value, &z)) return Tensor::scalar(z);
  // Numbers in a list keep their digits.
  const bool list = PyList_Check(value) || PyTuple_Check(value);
  return make_index(value, list && is_differentiable(dtype) ? dtype_object(dtype) : nullptr);
}

int set_item(PyObject* self, PyObject* key, PyObject* value) {
  if (value && (!is_plain_tensor(self) || torch_function_modes != 0 || is_foreign(key) || is_foreign(value)))
      [[unlikely]] {
    PyObject* const args[] = {self, key, value};
    PyObject* result = override_method("__setitem__", args, 3);
    if (!result && PyErr_Occurred()) return -1;
    if (result) {
      Py_DECREF(result);
      return 0;
    }
  }
  return guarded_int([&] {
    PLAIT_CHECK(value, kType, "indexing: tensors do not support deleting elements");
    const Tensor& x = tensor_of(self);
    const KeyReader read(x, key);
    Tensor v = assigned_value(value, x.dtype());
    if (!read.indices().empty()) {
      const Tensor same = v.dtype() == x.dtype() ? v : ops().cast(v, x.dtype());
      ops().index_put(read.view(), read.indices(), same, false);
      return;
    }
    // Leading dimensions of size one of the value are dropped, as in NumPy.
    while (v.dim() > read.view().dim() && v.shape()[0] == 1) v = ops().select(v, int64_t{0}, int64_t{0});
    ops().copy(read.view(), v, false);
  });
}

}  // namespace

void init_indexing(py::module_&) {
  tensor_type->tp_as_mapping->mp_subscript = get_item;
  tensor_type->tp_as_mapping->mp_ass_subscript = set_item;
  // The slots were filled after the type was made: give Python code the same names.
  py::handle type(reinterpret_cast<PyObject*>(tensor_type));
  type.attr("__getitem__") = py::cpp_function(
      [](py::object self, py::object key) { return checked(get_item(self.ptr(), key.ptr())); },
      py::name("__getitem__"), py::is_method(type));
  type.attr("__setitem__") = py::cpp_function(
      [](py::object self, py::object key, py::object value) {
        if (set_item(self.ptr(), key.ptr(), value.ptr()) < 0) throw py::error_already_set();
      },
      py::name("__setitem__"), py::is_method(type));
  // Setting the attributes has pointed the slots at the slow path again.
  tensor_type->tp_as_mapping->mp_subscript = get_item;
  tensor_type->tp_as_mapping->mp_ass_subscript = set_item;
}

}  // namespace plait::python
