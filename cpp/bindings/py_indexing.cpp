// SPDX-License-Identifier: MIT
// x[key] and x[key] = value: the parts of a key that select a box become views, the rest one call of index().
#include "bindings/call_args.h"
#include "bindings/python_api.h"
#include "ops/copy.h"
#include "ops/index/index.h"
#include "ops/view/view.h"

namespace plait::python {
namespace {

Tensor make_index(PyObject* item) {
  static py::handle as_tensor =
      py::module_::import("plait._core").attr("as_tensor").cast<py::object>().release();
  Tensor t = as_tensor(py::handle(item)).cast<Tensor>();
  if (t.numel() == 0 && t.is_floating()) t = cast(t, DType::kInt64);  // x[[]]
  return t;
}

struct ParsedKey {
  Tensor view;                  // after slices, ints, None and ...
  std::vector<Tensor> indices;  // for index(): undefined = whole dimension; empty when the view is all
};

bool is_index_tensor(const Tensor& t) { return !t.is_floating(); }

[[noreturn]] void bad_item(PyObject* item) {
  PLAIT_FAIL(
      kIndex,
      "indexing: only integers, slices (`:`), ellipsis (`...`), None and long or bool tensors are valid "
      "indices, got ",
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

ParsedKey parse(const Tensor& x, PyObject* key) {
  PyObject* one[] = {key};
  PyObject** items = one;
  Py_ssize_t n = 1;
  if (PyTuple_Check(key)) {
    items = PySequence_Fast_ITEMS(key);
    n = PyTuple_GET_SIZE(key);
  }
  // An ellipsis stands for the dimensions that no other item takes; without one they follow at the end.
  int64_t taken = 0, ellipses = 0;
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (items[i] == Py_Ellipsis) {
      ++ellipses;
    } else if (PyLong_CheckExact(items[i]) || PySlice_Check(items[i])) {
      ++taken;
    } else {
      taken += consumed(items[i]);
    }
  }
  PLAIT_CHECK(ellipses <= 1, kIndex, "indexing: an index can only have a single ellipsis ('...')");
  PLAIT_CHECK(taken <= x.dim(), kIndex, "indexing: too many indices for tensor of dimension ", x.dim(),
              " (got ", taken, ", shape ", x.shape(), ")");

  ParsedKey out{x, {}};
  int64_t dim = 0;  // of the view
  int64_t mask_extra =
      0;  // a mask of k dimensions is one entry of the list: k - 1 fewer entries than dimensions
  const auto set_index = [&](const Tensor& t) {
    out.indices.resize(static_cast<size_t>(dim - mask_extra));
    out.indices.push_back(t);
    const bool mask = t.dtype() == DType::kBool || t.dtype() == DType::kUInt8;
    const int64_t takes = mask ? t.dim() : 1;
    dim += takes;
    mask_extra += takes - 1;
  };
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = items[i];
    int64_t v;
    if (item == Py_Ellipsis) {
      dim += x.dim() - taken;
    } else if (item == Py_None) {
      out.view = unsqueeze(out.view, dim++);
    } else if (PyBool_Check(item)) {
      out.view = unsqueeze(out.view, dim);
      set_index(reshape(Tensor::scalar(item == Py_True), Dims{1}));
    } else if (PySlice_Check(item)) {
      const auto* s = reinterpret_cast<PySliceObject*>(item);
      const int64_t step = slice_bound(s->step, 1);
      PLAIT_CHECK(step > 0, kValue, "indexing: slice step must be positive, got ", step,
                  "\nhint: flip() the dimension instead of a negative step");
      if (s->start != Py_None || s->stop != Py_None || step != 1) {
        out.view = slice(out.view, dim, slice_bound(s->start, 0), slice_bound(s->stop, INT64_MAX), step);
      }
      ++dim;
    } else if (is_tensor(item) && (tensor_of(item).dim() > 0 || tensor_of(item).dtype() == DType::kBool ||
                                   tensor_of(item).dtype() == DType::kUInt8)) {
      const Tensor& t = tensor_of(item);
      if (!is_index_tensor(t)) {
        PLAIT_FAIL(kIndex, "indexing: tensors used as indices must be long, int, byte or bool tensors, got ",
                   dtype_name(t.dtype()));
      }
      if (t.dim() == 0 && t.dtype() == DType::kBool) {
        out.view = unsqueeze(out.view, dim);
        set_index(reshape(t, Dims{1}));
      } else {
        set_index(t);
      }
    } else if (to_int(item, &v) && !PyList_Check(item)) {
      const int64_t size = out.view.size(dim);
      PLAIT_CHECK(v >= -size && v < size, kIndex, "index ", v, " is out of bounds for dimension ", dim,
                  " with size ", size);
      out.view = select(out.view, dim, v);
    } else if (PyList_Check(item) || PyTuple_Check(item) || py::hasattr(item, "__array__") ||
               PySequence_Check(item)) {
      const Tensor t = make_index(item);
      if (!is_index_tensor(t)) bad_item(item);
      set_index(t);
    } else {
      bad_item(item);
    }
  }
  return out;
}

PyObject* get_item(PyObject* self, PyObject* key) {
  return guarded([&] {
    const Tensor& x = tensor_of(self);
    int64_t v;
    if (PyLong_CheckExact(key) && x.dim() > 0 && to_int(key, &v)) {
      const int64_t size = x.shape()[0];
      PLAIT_CHECK(v >= -size && v < size, kIndex, "index ", v, " is out of bounds for dimension 0 with size ",
                  size);
      return wrap(select(x, 0, v));
    }
    const ParsedKey parsed = parse(x, key);
    if (parsed.indices.empty()) return wrap(parsed.view.is_same(x) ? view_alias(x) : parsed.view);
    return wrap(index(parsed.view, parsed.indices));
  });
}

int set_item(PyObject* self, PyObject* key, PyObject* value) {
  return guarded_int([&] {
    PLAIT_CHECK(value, kType, "indexing: tensors do not support deleting elements");
    const Tensor& x = tensor_of(self);
    const ParsedKey parsed = parse(x, key);
    Tensor v;
    if (is_tensor(value)) {
      v = tensor_of(value);
    } else {
      double number;
      int64_t integer;
      if (PyBool_Check(value)) {
        v = Tensor::scalar(value == Py_True);
      } else if (PyLong_Check(value) && to_int(value, &integer)) {
        Scalar(integer).check_fits("indexing", x.dtype());
        v = Tensor::scalar(integer);
      } else if (to_double(value, &number)) {
        Scalar(number).check_fits("indexing", x.dtype());
        v = Tensor::scalar(number);
      } else {
        v = make_index(value);
      }
    }
    if (!parsed.indices.empty()) {
      index_put_(parsed.view, parsed.indices, cast(v, x.dtype()), false);
      return;
    }
    // Leading dimensions of size one of the value are dropped, as in NumPy.
    while (v.dim() > parsed.view.dim() && v.shape()[0] == 1) v = select(v, 0, 0);
    copy_(parsed.view, v);
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
      py::is_method(type));
  type.attr("__setitem__") = py::cpp_function(
      [](py::object self, py::object key, py::object value) {
        if (set_item(self.ptr(), key.ptr(), value.ptr()) < 0) throw py::error_already_set();
      },
      py::is_method(type));
  // Setting the attributes has pointed the slots at the slow path again.
  tensor_type->tp_as_mapping->mp_subscript = get_item;
  tensor_type->tp_as_mapping->mp_ass_subscript = set_item;
}

}  // namespace plait::python
