// SPDX-License-Identifier: MIT
#include <string>

#include "bindings/python_api.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The C++ core of plait; see the package plait for its names.";
  using namespace plait::python;
  namespace py = pybind11;
  init_types(m);
  init_tensor(m);
  init_overrides(m);
  init_tensor_data(m);
  init_random(m);
  init_ops(m);
  init_optim(m.ptr());
  init_sparse(m);
  init_indexing(m);
  init_autograd(m);
  init_saved_hooks(m);
  init_runtime(m);
  init_module(m);
  py::list names;
  for (py::handle name : m.attr("__dict__").attr("keys")()) {
    const auto text = name.cast<std::string>();
    if (!text.starts_with('_')) names.append(name);
  }
  m.attr("__all__") = names;
}
