// SPDX-License-Identifier: MIT
// The view ops with results in memory of their own, under PyTorch's names: name_copy.
#include <string>

#include "autograd/op.h"
#include "ops/copy.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

Tensor copy_of(const Tensor& view) { return clone(contiguous(view)); }
std::vector<Tensor> copy_of(const std::vector<Tensor>& views) {
  std::vector<Tensor> out;
  for (const Tensor& v : views) out.push_back(copy_of(v));
  return out;
}

template <auto kView>
struct Copy;
template <class R, class... Args, R (*kView)(Args...)>
struct Copy<kView> {
  static std::decay_t<R> call(Args... args) { return copy_of(kView(args...)); }
};

struct Entry {
  std::string signature;
  BoxedOp op;
  const char *view, *example, *result;  // of the docstring; null for a further overload
};

Tensor slice_from(const Tensor& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
                  int64_t step) {
  return slice(x, dim, start, end, step);
}
Tensor squeeze_one(const Tensor& x, int64_t dim) { return squeeze(x, Dims{dim}); }

#define PLAIT_COPY(...) PLAIT_BOX((Copy<__VA_ARGS__>::call))
const Entry kEntries[] = {
    {"alias_copy(Tensor input) -> Tensor", PLAIT_COPY(view_alias), "`input` itself",
     "plait.alias_copy(plait.tensor([1, 2]))", "tensor([1, 2])"},
    {"as_strided_copy(Tensor input, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
     PLAIT_COPY(as_strided), "`as_strided`", "plait.as_strided_copy(plait.arange(4), (2,), (3,))",
     "tensor([0, 3])"},
    {"detach_copy(Tensor input) -> Tensor", PLAIT_COPY(+[](const Tensor& x) { return detach(x); }),
     "`detach`", "plait.detach_copy(plait.ones(1, requires_grad=True))", "tensor([1.])"},
    {"diagonal_copy(Tensor input, int offset=0, int dim1=0, int dim2=1) -> Tensor", PLAIT_COPY(diagonal),
     "`diagonal`", "plait.diagonal_copy(plait.eye(2))", "tensor([1., 1.])"},
    {"expand_copy(Tensor input, int[] size) -> Tensor", PLAIT_COPY(expand), "`expand`",
     "plait.expand_copy(plait.tensor([1]), (3,))", "tensor([1, 1, 1])"},
    {"narrow_copy(Tensor input, int dim, int start, int length) -> Tensor", PLAIT_COPY(narrow), "`narrow`",
     "plait.narrow_copy(plait.arange(4), 0, 1, 2)", "tensor([1, 2])"},
    {"permute_copy(Tensor input, int[] dims) -> Tensor", PLAIT_COPY(permute), "`permute`",
     "plait.permute_copy(plait.zeros(2, 3), (1, 0)).shape", "plait.Size([3, 2])"},
    {"select_copy(Tensor input, int dim, int index) -> Tensor",
     PLAIT_COPY(static_cast<Tensor (*)(const Tensor&, int64_t, int64_t)>(select)), "`select`",
     "plait.select_copy(plait.eye(2), 0, 1)", "tensor([0., 1.])"},
    {"slice_copy(Tensor input, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor",
     PLAIT_COPY(slice_from), "`input[start:end:step]` along `dim`",
     "plait.slice_copy(plait.arange(5), 0, 1, 4, 2)", "tensor([1, 3])"},
    {"split_copy(Tensor input, int split_size, int dim=0) -> Tensor[]",
     PLAIT_COPY(static_cast<std::vector<Tensor> (*)(const Tensor&, int64_t, int64_t)>(split)), "`split`",
     "plait.split_copy(plait.arange(3), 2)", "(tensor([0, 1]), tensor([2]))"},
    {"split_with_sizes_copy(Tensor input, int[] split_sizes, int dim=0) -> Tensor[]",
     PLAIT_COPY(static_cast<std::vector<Tensor> (*)(const Tensor&, IntSpan, int64_t)>(split)),
     "`split_with_sizes`", "plait.split_with_sizes_copy(plait.arange(3), (1, 2))",
     "(tensor([0]), tensor([1, 2]))"},
    {"squeeze_copy(Tensor input) -> Tensor", PLAIT_COPY(static_cast<Tensor (*)(const Tensor&)>(squeeze)),
     "`squeeze`", "plait.squeeze_copy(plait.ones(1, 2))", "tensor([1., 1.])"},
    {"squeeze_copy(Tensor input, int dim) -> Tensor", PLAIT_COPY(squeeze_one), nullptr, nullptr, nullptr},
    {"squeeze_copy(Tensor input, int[] dim) -> Tensor",
     PLAIT_COPY(static_cast<Tensor (*)(const Tensor&, IntSpan)>(squeeze)), nullptr, nullptr, nullptr},
    {"t_copy(Tensor input) -> Tensor", PLAIT_COPY(t), "`t`", "plait.t_copy(plait.zeros(2, 3)).shape",
     "plait.Size([3, 2])"},
    {"transpose_copy(Tensor input, int dim0, int dim1) -> Tensor", PLAIT_COPY(transpose), "`transpose`",
     "plait.transpose_copy(plait.zeros(2, 3), 0, 1).shape", "plait.Size([3, 2])"},
    {"unbind_copy(Tensor input, int dim=0) -> Tensor[]", PLAIT_COPY(unbind), "`unbind`",
     "plait.unbind_copy(plait.arange(2))", "(tensor(0), tensor(1))"},
    {"unfold_copy(Tensor input, int dimension, int size, int step) -> Tensor", PLAIT_COPY(unfold), "`unfold`",
     "plait.unfold_copy(plait.arange(3), 0, 2, 1).shape", "plait.Size([2, 2])"},
    {"unsqueeze_copy(Tensor input, int dim) -> Tensor", PLAIT_COPY(unsqueeze), "`unsqueeze`",
     "plait.unsqueeze_copy(plait.ones(2), 0)", "tensor([[1., 1.]])"},
    {"view_copy(Tensor input, int[] size) -> Tensor", PLAIT_COPY(view), "`view`",
     "plait.view_copy(plait.arange(4), (2, 2)).shape", "plait.Size([2, 2])"},
    {"view_copy(Tensor input, Dtype dtype) -> Tensor", PLAIT_COPY(view_as_dtype), nullptr, nullptr, nullptr},
};
#undef PLAIT_COPY

const bool kRegistered = [] {
  for (const Entry& e : kEntries) {
    const bool several = e.signature.ends_with("Tensor[]");
    const bool method = e.signature.starts_with("narrow_copy");
    std::string doc;
    if (e.view) {
      doc = std::string(several ? "The parts that " : "A copy of what ") + e.view + " shows, " +
            (several ? "each " : "") +
            "contiguous and in memory of its own; arguments, dtypes and errors as there." +
            "\n\nExample:\n    >>> " + e.example + "\n    " + e.result + "\n";
    }
    register_op(e.signature, std::string(method ? "fmc" : "fc") + (several ? "" : "o"), e.op, doc);
  }
  return true;
}();

}  // namespace
}  // namespace plait
