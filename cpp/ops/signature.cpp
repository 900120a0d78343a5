// SPDX-License-Identifier: MIT
// What of the grammar is not needed by the compiler: signatures in memory, and the messages about wrong ones.
#include "ops/signature.h"

#include <string>

#include "core/error.h"

namespace plait {
namespace {

Signature::ResultItem read_item(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == text.npos) return {text, {}};
  return {text.substr(0, space), detail::trim(text.substr(space))};
}

Signature::Result read_alternative(std::string_view text) {
  if (!text.starts_with('(')) return {false, {read_item(text)}};
  Signature::Result tuple{true, {}};
  std::string_view items = text.substr(1, text.size() - 2);
  while (!items.empty()) tuple.items.push_back(read_item(detail::take_part(items)));
  return tuple;
}

}  // namespace

void signature_is_unreadable(std::string_view signature, std::string_view at) {
  PLAIT_FAIL(kInternal, "signature: cannot read '", at, "' in ", signature);
}

void signature_default_is_of_another_kind(std::string_view signature, const Param& p) {
  PLAIT_FAIL(kInternal, SignatureReader(signature).name(), ": parameter '", p.name,
             "' has a default of another kind: ", p.text);
}

Signature::Signature(std::string_view signature) : text(signature) {
  SignatureReader reader(signature);
  name = reader.name();
  for (Param p; reader.next(p);) {
    params.push_back(p);
    if (!p.keyword_only) positional = params.size();
  }
  if (positional > 0) {
    const Param& last = params[positional - 1];
    varargs = last.kind == ParamKind::kInts && last.repeat == 0;
    tensor_varargs = last.kind == ParamKind::kTensors && positional == 1;
  }
  std::string_view rest = reader.result_text();
  while (!rest.empty()) {
    const size_t bar = rest.find('|');
    results.push_back(read_alternative(detail::trim(rest.substr(0, bar))));
    rest = bar == rest.npos ? std::string_view() : rest.substr(bar + 1);
  }
}

std::vector<std::string_view> Signature::result_names() const {
  std::vector<std::string_view> names;
  if (results.size() != 1 || !results[0].is_tuple) return names;
  for (const ResultItem& item : results[0].items) {
    if (!item.name.empty()) names.push_back(item.name);
  }
  return names;
}

}  // namespace plait
