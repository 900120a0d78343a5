// SPDX-License-Identifier: MIT
// Sparse tensors are put together and taken apart here; all else is in plait/_sparse.py.
#include <pybind11/stl.h>

#include "bindings/python_api.h"
#include "ops/sparse/sparse.h"

namespace plait::python {

void init_sparse(py::module_& m) {
  // (layout "coo" or "csr", indices, columns or None, values, size, coalesced): indices and sizes are not
  // checked.
  m.def("_make_sparse", [](const std::string& layout, const Tensor& indices, const Tensor& columns,
                           const Tensor& values, const std::vector<int64_t>& size, bool coalesced) {
    const SparseLayout kind = layout == "csr" ? SparseLayout::kCsr : SparseLayout::kCoo;
    return make_sparse({kind, coalesced, indices, columns, values}, Dims(IntSpan(size.data(), size.size())));
  });
  // (layout, indices, columns, values, coalesced) of a sparse tensor.
  m.def("_sparse_parts", [](const Tensor& t) {
    PLAIT_CHECK(t.defined() && t.is_sparse(), kType, "sparse: expected a sparse tensor");
    const SparseParts& p = *t.impl()->sparse;
    return py::make_tuple(p.layout == SparseLayout::kCsr ? "csr" : "coo", p.indices, p.columns, p.values,
                          p.coalesced);
  });
  // The parameters whose gradient is sparse.
  m.def("_with_sparse_grad", [](const py::list& params) {
    py::list found;
    for (py::handle p : params) {
      const AutogradMeta* meta = is_tensor(p.ptr()) ? meta_of(tensor_of(p.ptr())) : nullptr;
      if (meta && meta->grad.defined() && meta->grad.is_sparse()) found.append(p);
    }
    return found;
  });
  // A sparse gradient takes another's place, as zero_() and scaling do with a dense one.
  m.def("_set_sparse_parts", [](const Tensor& t, const Tensor& from) {
    PLAIT_CHECK(t.is_sparse() && from.is_sparse(), kType, "sparse: expected sparse tensors");
    t.set_data(from);  // the shape
    *t.impl()->sparse = *from.impl()->sparse;
  });
}

}  // namespace plait::python
