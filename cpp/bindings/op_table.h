// SPDX-License-Identifier: MIT
// The op table as Python sees it: every entry read and checked once, and exported as data.
#pragma once

#include <memory>
#include <vector>

#include "bindings/call_args.h"
#include "bindings/python_api.h"

namespace plait::python {

// All entries, in table order. The first call reads them; it throws for a signature that does not fit its
// function, which makes the import fail. Nothing is freed, so that pointers into it stay good.
const std::vector<std::unique_ptr<Overload>>& overloads();

// An entry as a dict; the types OpRow and ParameterRow of plait/_signatures.py say what is in it. Stubs,
// inspect.signature and the documentation are written from it.
py::dict op_row(const Overload& o);

}  // namespace plait::python
