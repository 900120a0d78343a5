// SPDX-License-Identifier: MIT
// Signatures are parsed in C++ alone (ops/signature.h): what Python needs to know of one leaves here as data.
#include "bindings/op_table.h"

namespace plait::python {
namespace {

py::str text(std::string_view s) { return {s.data(), s.size()}; }

// "int[2]" and "int?[2]" are exported without their number, which is `repeat`.
std::string_view exported_kind(const Param& p) { return p.none_items ? "int?[]" : kind_name(p.kind).text; }

// The default as the literal says it: 1 stays an int where a float is expected, and one int where a list is.
py::object default_object(const BoundParam& p) {
  const Arg& a = p.default_arg;
  switch (a.kind) {
    case Arg::kBool:
      return py::bool_(a.i != 0);
    case Arg::kInt:
      return py::int_(a.i);
    case Arg::kFloat:
      if (detail::is_integer(p.default_text)) return py::int_(static_cast<int64_t>(a.f));
      return py::float_(a.f);
    case Arg::kString:
      return text(*a.string);
    case Arg::kInts: {
      if (!p.default_text.starts_with('(')) return py::int_((*a.ints)[0]);
      py::tuple ints(a.ints->size());
      for (int64_t i = 0; i < a.ints->size(); ++i) ints[static_cast<size_t>(i)] = (*a.ints)[i];
      return ints;
    }
    default:
      return py::none();
  }
}

py::dict parameter_row(const BoundParam& p) {
  py::dict row;
  row["name"] = text(p.name);
  row["kind"] = text(exported_kind(p));
  row["optional"] = p.optional;
  row["repeat"] = p.repeat;
  row["keyword_only"] = p.keyword_only;
  if (p.has_default()) row["default"] = default_object(p);
  return row;
}

py::list result_row(const Signature::Result& result) {
  py::list items;
  for (const Signature::ResultItem& item : result.items) {
    items.append(py::make_tuple(text(item.kind), text(item.name)));
  }
  return items;
}

}  // namespace

py::dict op_row(const Overload& o) {
  const Signature& s = o.signature;
  py::list parameters, results;
  for (const auto& p : o.params) parameters.append(parameter_row(*p));
  for (const Signature::Result& result : s.results) {
    results.append(py::make_tuple(result.is_tuple, result_row(result)));
  }
  py::dict row;
  row["name"] = o.name;
  row["signature"] = text(s.text);
  row["where"] = o.op.where;
  row["doc"] = o.op.doc ? o.op.doc : "";
  row["parameters"] = parameters;
  row["varargs"] = s.varargs || s.tensor_varargs;
  row["results"] = results;
  return row;
}

const std::vector<std::unique_ptr<Overload>>& overloads() {
  static const auto* all = [] {
    auto* list = new std::vector<std::unique_ptr<Overload>>;
    list->reserve(op_table().size());
    for (const OpEntry& e : op_table()) {
      check_signature(e.signature, *e.op.type);
      list->push_back(std::make_unique<Overload>(e));
    }
    return list;
  }();
  return *all;
}

}  // namespace plait::python
