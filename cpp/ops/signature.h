// SPDX-License-Identifier: MIT
// The grammar of the op table's signatures. It stands here alone: the compiler reads a signature by it to
// compare it with the C++ function behind it (registry.h), and the program reads it once at import for
// everything Python sees.
//
//   cumsum(Tensor input, int dim, *, Dtype? dtype=None) -> Tensor
//
// Kinds of parameters: Tensor, Operand (a tensor or a number; a number arrives as a wrapped 0-d tensor),
// Scalar (a number), int, float, bool, str, Dtype, Generator, Device and any (checked or ignored, not passed
// on: there is one device), int[] (ints, also given as separate positional arguments when it is the last
// positional parameter; Size; a single int is a list of one), int[N] (a single int stands for N equal ones),
// int?[N] (None stands for kNoSize), float[], Tensor[] (also given as separate tensors when it is the only
// positional parameter), Tensor?[].
//
// A `?` behind a kind allows None: Tensor? arrives as an undefined Tensor, Generator? as a null pointer, the
// others as std::optional. Parameters behind `*` are keyword-only. Defaults are Python literals.
//
// Results: a kind, `()` for nothing, a list of kinds in brackets for a tuple, or two of these with `|`
// between them. The items of a tuple may have names: "-> (Tensor values, Tensor indices)".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace plait {

enum class ParamKind : uint8_t {
  kTensor,
  kOperand,
  kScalar,
  kInt,
  kFloat,
  kBool,
  kString,
  kDType,
  kGenerator,
  kDevice,
  kAny,
  kInts,
  kFloats,
  kTensors,
  kOptionalTensors,
};

// What a C++ parameter is given; several kinds of the text may come to one of these.
enum class ArgType : uint8_t {
  kNothing,  // checked or ignored, not passed on
  kTensor,
  kNumber,
  kInt,
  kFloat,
  kBool,
  kString,
  kDType,
  kGenerator,
  kInts,
  kFloats,
  kTensors,
};

struct KindName {
  std::string_view text;  // in signatures
  ParamKind kind;
  ArgType arrives_as;
  std::string_view shown;  // in errors: "argument 'x' must be ..."
};

// In the order of ParamKind, which indexes it.
inline constexpr KindName kKindNames[] = {
    {"Tensor", ParamKind::kTensor, ArgType::kTensor, "Tensor"},
    {"Operand", ParamKind::kOperand, ArgType::kTensor, "Tensor or Number"},
    {"Scalar", ParamKind::kScalar, ArgType::kNumber, "Number"},
    {"int", ParamKind::kInt, ArgType::kInt, "int"},
    {"float", ParamKind::kFloat, ArgType::kFloat, "float"},
    {"bool", ParamKind::kBool, ArgType::kBool, "bool"},
    {"str", ParamKind::kString, ArgType::kString, "str"},
    {"Dtype", ParamKind::kDType, ArgType::kDType, "plait.dtype"},
    {"Generator", ParamKind::kGenerator, ArgType::kGenerator, "plait.Generator"},
    {"Device", ParamKind::kDevice, ArgType::kNothing, "plait.device"},
    {"any", ParamKind::kAny, ArgType::kNothing, "object"},
    {"int[]", ParamKind::kInts, ArgType::kInts, "tuple of ints"},
    {"float[]", ParamKind::kFloats, ArgType::kFloats, "tuple of floats"},
    {"Tensor[]", ParamKind::kTensors, ArgType::kTensors, "tuple of Tensors"},
    {"Tensor?[]", ParamKind::kOptionalTensors, ArgType::kTensors, "tuple of Tensors or None"},
};
constexpr const KindName& kind_name(ParamKind kind) { return kKindNames[static_cast<int>(kind)]; }

// One parameter as its text declares it. The views are parts of the signature.
struct Param {
  std::string_view text;  // "int?[2] output_size=1"
  std::string_view name;
  std::string_view default_text;  // empty: required
  ParamKind kind = ParamKind::kAny;
  int64_t repeat = 0;       // int[N]: a single int stands for N
  bool none_items = false;  // int?[N]
  bool optional = false;
  bool keyword_only = false;

  constexpr bool has_default() const { return !default_text.empty(); }
  constexpr ArgType arrives_as() const { return kind_name(kind).arrives_as; }
  constexpr bool passed() const { return kind != ParamKind::kDevice && kind != ParamKind::kAny; }
};

// What an op gives back, without names.
struct ResultType {
  enum Form : uint8_t {
    kNothing,
    kTensor,
    kTensors,
    kTuple,            // of `size` tensors
    kTensorOrTensors,  // as the arguments ask
    kTensorOrTuple,
    kBool,
    kInt,
    kFloat,
    kDType,
  };
  Form form = kNothing;
  size_t size = 0;

  constexpr bool operator==(const ResultType&) const = default;
};

// Stop with the reason. They are not constexpr: when the compiler meets one while it checks a signature, its
// error names the function and, above it, the entry of the table. At run time they throw.
[[noreturn]] void signature_is_unreadable(std::string_view signature, std::string_view at);
[[noreturn]] void signature_default_is_of_another_kind(std::string_view signature, const Param& p);

namespace detail {

constexpr std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\n')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\n')) s.remove_suffix(1);
  return s;
}

// Takes the part before the first comma that stands outside brackets and quotes off the front of a list.
constexpr std::string_view take_part(std::string_view& list) {
  int depth = 0;
  bool quoted = false;
  size_t i = 0;
  for (; i < list.size(); ++i) {
    const char c = list[i];
    if (c == '\'') quoted = !quoted;
    if (quoted) continue;
    if (c == ',' && depth == 0) break;
    depth += (c == '(' || c == '[') - (c == ')' || c == ']');
  }
  const std::string_view part = trim(list.substr(0, i));
  list = i < list.size() ? list.substr(i + 1) : std::string_view();
  return part;
}

// "int[2]" and "int?[2]": the number between the brackets, 0 where there is none.
constexpr int64_t read_repeat(std::string_view kind) {
  int64_t n = 0;
  for (const char c : kind.substr(kind.find('[') + 1)) {
    if (c >= '0' && c <= '9') n = 10 * n + (c - '0');
  }
  return n;
}

// Sets kind, repeat, none_items and optional; false for a word that is no kind.
constexpr bool read_kind(std::string_view word, Param& p) {
  p.optional = word.ends_with('?');
  if (p.optional) word.remove_suffix(1);
  for (const KindName& k : kKindNames) {
    if (word == k.text) {
      p.kind = k.kind;
      return true;
    }
  }
  p.none_items = word.starts_with("int?[");
  if (!(p.none_items || word.starts_with("int[")) || !word.ends_with(']')) return false;
  p.kind = ParamKind::kInts;
  p.repeat = read_repeat(word);
  return p.repeat > 0;
}

constexpr bool is_integer(std::string_view literal) {
  return literal.find_first_not_of("-0123456789") == literal.npos;
}

constexpr bool default_fits(const Param& p) {
  const std::string_view text = p.default_text;
  if (p.kind == ParamKind::kAny) return true;
  if (text == "None") return p.optional;
  if (text == "True" || text == "False") return p.kind == ParamKind::kBool || p.kind == ParamKind::kScalar;
  if (text.starts_with('\'')) return p.kind == ParamKind::kString && text.size() > 1 && text.ends_with('\'');
  if (text.starts_with('(')) return p.kind == ParamKind::kInts && text.ends_with(')');
  switch (p.kind) {
    case ParamKind::kInt:
      return is_integer(text);
    case ParamKind::kInts:
      return is_integer(text) && p.repeat > 0;
    case ParamKind::kFloat:
    case ParamKind::kScalar:
      return text.find_first_not_of("-0123456789.einf") == text.npos;
    default:
      return false;
  }
}

}  // namespace detail

// Reads a signature from left to right without memory of its own, so that the compiler can do it too.
class SignatureReader {
 public:
  constexpr explicit SignatureReader(std::string_view text) : text_(text) {
    const size_t open = text.find('('), arrow = text.find("->"), close = text.rfind(')', arrow);
    if (open == text.npos || arrow == text.npos || close == text.npos || close < open) {
      signature_is_unreadable(text, text);
    }
    name_ = detail::trim(text.substr(0, open));
    params_ = text.substr(open + 1, close - open - 1);
    result_ = detail::trim(text.substr(arrow + 2));
  }

  constexpr std::string_view name() const { return name_; }
  constexpr std::string_view result_text() const { return result_; }

  // The next parameter; false behind the last one.
  constexpr bool next(Param& p) {
    std::string_view part = detail::take_part(params_);
    if (part == "*") {
      keyword_only_ = true;
      part = detail::take_part(params_);
    }
    if (part.empty()) return false;
    p = read_param(part);
    return true;
  }

  constexpr ResultType result() const {
    const size_t bar = result_.find('|');
    if (bar == result_.npos) return read_result(result_);
    const ResultType first = read_result(detail::trim(result_.substr(0, bar)));
    const ResultType second = read_result(detail::trim(result_.substr(bar + 1)));
    const bool lists = second.form == ResultType::kTensors;
    if (first.form != ResultType::kTensor || !(lists || second.form == ResultType::kTuple)) {
      signature_is_unreadable(text_, result_);
    }
    return {lists ? ResultType::kTensorOrTensors : ResultType::kTensorOrTuple, second.size};
  }

 private:
  constexpr Param read_param(std::string_view part) const {
    Param p;
    const size_t space = part.find(' ');
    if (space == part.npos || !detail::read_kind(part.substr(0, space), p)) {
      signature_is_unreadable(text_, part);
    }
    const std::string_view rest = detail::trim(part.substr(space));
    const size_t equals = rest.find('=');
    p.text = part;
    p.name = detail::trim(rest.substr(0, equals));
    p.keyword_only = keyword_only_;
    if (equals == rest.npos) return p;
    p.default_text = detail::trim(rest.substr(equals + 1));
    if (!detail::default_fits(p)) signature_default_is_of_another_kind(text_, p);
    return p;
  }

  constexpr ResultType read_result(std::string_view text) const {
    if (text == "Tensor") return {ResultType::kTensor};
    if (text == "Tensor[]") return {ResultType::kTensors};
    if (text == "bool") return {ResultType::kBool};
    if (text == "int") return {ResultType::kInt};
    if (text == "float") return {ResultType::kFloat};
    if (text == "Dtype") return {ResultType::kDType};
    if (!text.starts_with('(') || !text.ends_with(')')) signature_is_unreadable(text_, text);
    std::string_view items = text.substr(1, text.size() - 2);
    size_t n = 0;
    while (!items.empty()) {
      const std::string_view item = detail::take_part(items);
      if (item != "Tensor" && !item.starts_with("Tensor ")) signature_is_unreadable(text_, item);
      ++n;
    }
    return {n == 0 ? ResultType::kNothing : ResultType::kTuple, n};
  }

  std::string_view text_, name_, params_, result_;
  bool keyword_only_ = false;
};

// A signature in memory.
struct Signature {
  struct ResultItem {
    std::string_view kind, name;  // the name is empty where there is none
  };
  // A tuple of items, or the one item itself.
  struct Result {
    bool is_tuple;
    std::vector<ResultItem> items;
  };

  explicit Signature(std::string_view text);

  std::string_view text, name;
  std::vector<Param> params;
  size_t positional = 0;        // leading parameters that may be given by position
  bool varargs = false;         // the last positional one is int[] and may be given as separate ints
  bool tensor_varargs = false;  // the only positional one is Tensor[] and may be given as separate tensors
  std::vector<Result> results;  // more than one: as the arguments ask
  std::vector<std::string_view> result_names() const;  // of a named tuple; empty otherwise
};

}  // namespace plait
