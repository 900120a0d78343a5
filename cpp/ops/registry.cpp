// SPDX-License-Identifier: MIT
#include "ops/registry.h"

#include <cstring>
#include <deque>
#include <optional>

namespace plait {

OpObserver op_observer = nullptr;

std::vector<OpEntry>& op_table() {
  static std::vector<OpEntry> table;
  return table;
}

void register_op(const std::string& signature, const std::string& where, BoxedOp op, const std::string& doc) {
  // Entries point to their texts. A deque leaves its elements where they are, and this one is never freed.
  static auto* texts = new std::deque<std::string>;
  const auto keep = [](const std::string& text) { return texts->emplace_back(text).c_str(); };
  op_table().push_back(OpEntry(OpEntry::Unchecked{}, keep(signature), keep(where), op, keep(doc)));
}

const OpEntry& find_op(std::string_view name) {
  for (const OpEntry& e : op_table()) {
    if (SignatureReader(e.signature).name() == name) return e;
  }
  PLAIT_FAIL(kInternal, "find_op: there is no op '", name, "'");
}

namespace {

// f(tensor) for every tensor among the arguments.
template <class F>
void for_each_tensor(const OpType& type, const Arg* args, F f) {
  for (size_t i = 0; i < type.n_params; ++i) {
    const Arg& a = args[i];
    if (a.kind == Arg::kTensor) {
      if (a.tensor->defined()) f(*a.tensor);
    } else if (a.kind == Arg::kTensors) {
      for (const Tensor& t : *a.tensors) {
        if (t.defined()) f(t);
      }
    }
  }
}

// The first complex dtype among the arguments.
DType complex_among(const OpType& type, const Arg* args) {
  std::optional<DType> found;
  for_each_tensor(type, args, [&](const Tensor& t) {
    if (!found && t.is_complex()) found = t.dtype();
  });
  for (size_t i = 0; !found && i < type.n_params; ++i) {
    if (args[i].kind == Arg::kDType && is_complex(args[i].dtype)) found = args[i].dtype;
  }
  return found.value_or(DType::kComplex128);  // a number
}

[[noreturn]] void refuse_complex(const OpEntry& op, const Arg* args) {
  PLAIT_FAIL(
      kType, SignatureReader(op.signature).name(), ": expected real numbers, got ",
      dtype_name(complex_among(*op.op.type, args)),
      "\nhint: no value is defined for complex numbers here; real(), imag(), abs() and view_as_real() give "
      "real tensors");
}

// Where a tensor is on the device meta, so are the others, but for 0-d ones.
void check_one_device(const OpEntry& op, const Arg* args) {
  if (std::strchr(op.where, 'd')) return;
  for_each_tensor(*op.op.type, args, [&](const Tensor& t) {
    PLAIT_CHECK(t.is_meta() || t.dim() == 0, kRuntime, SignatureReader(op.signature).name(),
                ": Expected all tensors to be on the same device, but found at least two devices, meta and "
                "cpu! A tensor of shape ",
                t.shape(), " is on the CPU");
  });
}

}  // namespace

bool check_arguments(const OpEntry& op, const Arg* args) {
  bool complex = false, meta = false;
  for (size_t i = 0; i < op.op.type->n_params; ++i) {
    const Arg& a = args[i];
    switch (a.kind) {
      case Arg::kTensor:
        if (!a.tensor->defined()) break;
        complex |= a.tensor->is_complex();
        meta |= a.tensor->is_meta();
        break;
      case Arg::kTensors:
        for (const Tensor& t : *a.tensors) {
          if (!t.defined()) continue;
          complex |= t.is_complex();
          meta |= t.is_meta();
        }
        break;
      case Arg::kDType:
        complex |= is_complex(a.dtype);
        break;
      case Arg::kComplex:
        complex = true;
        break;
      default:
        break;
    }
  }
  if (complex && !std::strchr(op.where, 'c')) refuse_complex(op, args);
  return meta;
}

void call_on_place(const OpEntry& op, const Arg* args, Result& result, const Tensor* out, Place place,
                   bool meta_argument) {
  const bool named = place != Place::kOfArguments;
  const MetaMode mode(named ? place == Place::kMeta : meta_argument);
  if (!named && meta_argument) check_one_device(op, args);
  try {
    call_kernels(op, args, result, out);
  } catch (const NoValues&) {
    PLAIT_FAIL(kNotImplemented, SignatureReader(op.signature).name(),
               ": expected tensors with values, got one on the device meta, which has a shape and no "
               "data\nhint: the result depends on values; call it on tensors of the CPU");
  }
}

const Tensor& detail::undefined_tensor() {
  static const Tensor none;
  return none;
}

// ---- What differs between a signature and its function ----

namespace {

std::string shown(const ParamType& type) {
  static constexpr const char* kTypes[] = {
      "nothing",         // ArgType::kNothing
      "Tensor",          // kTensor
      "Scalar",          // kNumber
      "int64_t",         // kInt
      "double",          // kFloat
      "bool",            // kBool
      "string_view",     // kString
      "DType",           // kDType
      "Generator*",      // kGenerator
      "IntSpan",         // kInts
      "vector<double>",  // kFloats
      "vector<Tensor>",  // kTensors
  };
  const std::string name = kTypes[static_cast<int>(type.arg)];
  return type.none == ParamType::kOptional ? "optional<" + name + ">" : name;
}

std::string shown(ResultType type) {
  const std::string size = std::to_string(type.size);
  switch (type.form) {
    case ResultType::kNothing:
      return "nothing";
    case ResultType::kTensor:
      return "Tensor";
    case ResultType::kTensors:
      return "Tensor[]";
    case ResultType::kTuple:
      return "a tuple of " + size + " Tensors";
    case ResultType::kTensorOrTensors:
      return "Tensor | Tensor[]";
    case ResultType::kTensorOrTuple:
      return "Tensor or a tuple of " + size;
    case ResultType::kBool:
      return "bool";
    case ResultType::kInt:
      return "int";
    case ResultType::kFloat:
      return "float";
    case ResultType::kDType:
      return "Dtype";
  }
  return {};
}

}  // namespace

void signature_differs_in_a_parameter(std::string_view signature, const Param& p, const ParamType& type) {
  PLAIT_FAIL(kInternal, SignatureReader(signature).name(), ": the signature declares parameter '", p.name,
             "' as ", p.text.substr(0, p.text.find(' ')), ", the function takes ", shown(type));
}

void signature_differs_in_the_number_of_parameters(std::string_view signature, size_t wanted) {
  SignatureReader reader(signature);
  size_t n = 0;
  for (Param p; reader.next(p);) n += p.passed();
  PLAIT_FAIL(kInternal, reader.name(), ": the signature passes ", n, " arguments on, the function takes ",
             wanted);
}

void signature_differs_in_the_result(std::string_view signature, ResultType type) {
  const SignatureReader reader(signature);
  PLAIT_FAIL(kInternal, reader.name(), ": the signature declares the result ", reader.result_text(),
             ", the function returns ", shown(type));
}

}  // namespace plait
