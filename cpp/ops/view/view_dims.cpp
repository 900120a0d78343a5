// SPDX-License-Identifier: MIT
// Views with another order of the dimensions.
#include <algorithm>
#include <numeric>

#include "ops/complex/complex.h"
#include "ops/registry.h"
#include "ops/view/view_op.h"

namespace plait {
namespace {

// y[i_dims[0], i_dims[1], ...] = x[i_0, i_1, ...]; the gradient goes through the inverse permutation.
struct Permute {
  static constexpr OpMeta meta{"permute"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims& dims) {
    Dims shape(dims.size(), 0), strides(dims.size(), 0);
    for (int64_t d = 0; d < dims.size(); ++d) {
      shape[d] = x.shape()[dims[d]];
      strides[d] = x.strides()[dims[d]];
    }
    return x.alias(shape, strides, x.offset());
  }
  static Grads backward(OpContext&, const Tensor& gy, const Dims& dims) {
    Dims inverse(dims.size(), 0);
    for (int64_t d = 0; d < dims.size(); ++d) inverse[dims[d]] = d;
    return {permute(gy, inverse)};
  }
};

struct Transpose {
  static constexpr OpMeta meta{"transpose"};
  static Tensor forward(OpContext&, const Tensor& x, int64_t dim0, int64_t dim1) {
    Dims shape = x.shape(), strides = x.strides();
    std::swap(shape[dim0], shape[dim1]);
    std::swap(strides[dim0], strides[dim1]);
    return x.alias(shape, strides, x.offset());
  }
  // gx = gy transposed back
  static Grads backward(OpContext&, const Tensor& gy, int64_t dim0, int64_t dim1) {
    return {transpose(gy, dim0, dim1)};
  }
};

}  // namespace

Tensor permute(const Tensor& x, IntSpan dims) {
  PLAIT_CHECK(static_cast<int64_t>(dims.size()) == x.dim(), kValue, "permute: expected ", x.dim(),
              " dimensions for shape ", x.shape(), ", got dims=", to_string(dims));
  const Dims order = dims.empty() ? Dims() : wrap_dims("permute", dims, x.dim());
  return make_view<Permute>(x, order);
}

Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1) {
  const int64_t a = wrap_dim("transpose", dim0, x.dim()), b = wrap_dim("transpose", dim1, x.dim());
  if (a == b) return view_alias(x);
  return make_view<Transpose>(x, a, b);
}

Tensor t(const Tensor& x) {
  PLAIT_CHECK(x.dim() <= 2, kValue, "t: expected a tensor of at most 2 dimensions, got shape ", x.shape(),
              "\nhint: transpose(dim0, dim1) and permute() take any number");
  return x.dim() == 2 ? transpose(x, 0, 1) : view_alias(x);
}

Tensor reverse_dims(const Tensor& x) {
  if (x.dim() == 2) return transpose(x, 0, 1);
  Dims order(x.dim(), 0);
  std::iota(order.begin(), order.end(), 0);
  std::reverse(order.begin(), order.end());
  return make_view<Permute>(x, order);
}

Tensor matrix_transpose(const Tensor& x) {
  PLAIT_CHECK(x.dim() >= 2, kValue, "mT: expected a tensor of at least 2 dimensions, got shape ", x.shape());
  return transpose(x, -2, -1);
}

Tensor movedim(const Tensor& x, IntSpan source, IntSpan destination) {
  PLAIT_CHECK(source.size() == destination.size(), kValue,
              "movedim: expected as many destinations as sources, got ", to_string(source), " and ",
              to_string(destination));
  if (source.empty()) return view_alias(x);
  const Dims from = wrap_dims("movedim", source, x.dim()), to = wrap_dims("movedim", destination, x.dim());
  if (x.dim() == 0) return view_alias(x);
  Dims order(x.dim(), -1);
  for (int64_t i = 0; i < from.size(); ++i) order[to[i]] = from[i];
  int64_t next = 0;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (std::find(from.begin(), from.end(), d) != from.end()) continue;
    while (order[next] >= 0) ++next;
    order[next] = d;
  }
  return permute(x, order);
}

namespace {

Tensor movedim_one(const Tensor& x, int64_t source, int64_t destination) {
  return movedim(x, Dims{source}, Dims{destination});
}

// In-place forms change what the handle shows, not the memory.
Tensor transpose_(const Tensor& x, int64_t dim0, int64_t dim1) {
  return become("transpose_", x, transpose(x, dim0, dim1));
}
Tensor t_(const Tensor& x) { return become("t_", x, t(x)); }

constexpr const char* kTransposeDoc = R"(A view with dimensions `dim0` and `dim1` exchanged.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.zeros(2, 3, 4).transpose(0, -1).shape
    plait.Size([4, 3, 2]))";
constexpr const char* kTransposeInPlaceDoc =
    R"(`transpose` of this tensor itself: it changes its shape and is returned.

Example:
    >>> plait.zeros(2, 3).transpose_(0, 1).shape
    plait.Size([3, 2]))";
constexpr const char* kMovedimDoc =
    R"(A view with some dimensions moved to new places; the others keep their order.

`source` and `destination` are ints or tuples of as many ints, negative ones counted from the end.

Raises:
    ValueError: different lengths or a dimension named twice.
    IndexError: a dimension out of range.

Example:
    >>> plait.zeros(2, 3, 4).movedim(0, -1).shape
    plait.Size([3, 4, 2]))";

const RegisterOps kOps{
    {"permute(Tensor input, int[] dims) -> Tensor", "fmc", PLAIT_BOX(permute),
     R"(A view with the dimensions in the order `dims`: dimension i of the result is dimension dims[i] of `input`.

Raises:
    ValueError: `dims` is not a permutation of all dimensions.

Example:
    >>> plait.zeros(2, 3, 4).permute(2, 0, 1).shape
    plait.Size([4, 2, 3]))"},
    {"transpose(Tensor input, int dim0, int dim1) -> Tensor", "fmc", PLAIT_BOX(transpose), kTransposeDoc},
    {"swapaxes(Tensor input, int axis0, int axis1) -> Tensor", "fmc", PLAIT_BOX(transpose), kTransposeDoc},
    {"swapdims(Tensor input, int dim0, int dim1) -> Tensor", "fmc", PLAIT_BOX(transpose), kTransposeDoc},
    {"transpose_(Tensor self, int dim0, int dim1) -> Tensor", "mc", PLAIT_BOX(transpose_),
     kTransposeInPlaceDoc},
    {"swapaxes_(Tensor self, int axis0, int axis1) -> Tensor", "mc", PLAIT_BOX(transpose_),
     kTransposeInPlaceDoc},
    {"swapdims_(Tensor self, int dim0, int dim1) -> Tensor", "mc", PLAIT_BOX(transpose_),
     kTransposeInPlaceDoc},
    {"t(Tensor input) -> Tensor", "fmc", PLAIT_BOX(t),
     R"(The transpose of a matrix as a view; tensors of 0 and 1 dimensions are shown unchanged.

Raises:
    ValueError: more than 2 dimensions.

Example:
    >>> plait.tensor([[1, 2], [3, 4]]).t()
    tensor([[1, 3],
            [2, 4]]))"},
    {"t_(Tensor self) -> Tensor", "mc", PLAIT_BOX(t_),
     R"(`t` of this tensor itself: it changes its shape and is returned.

Example:
    >>> plait.zeros(2, 3).t_().shape
    plait.Size([3, 2]))"},
    {"adjoint(Tensor input) -> Tensor", "fmc",
     PLAIT_BOX(+[](const Tensor& x) { return conj(matrix_transpose(x)); }),
     R"(The last two dimensions exchanged and the numbers conjugated. For real dtypes that is the transpose, a view.

Raises:
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.zeros(5, 2, 3).adjoint().shape
    plait.Size([5, 3, 2]))"},
    {"movedim(Tensor input, int source, int destination) -> Tensor", "fmc", PLAIT_BOX(movedim_one),
     kMovedimDoc},
    {"movedim(Tensor input, int[] source, int[] destination) -> Tensor", "fmc", PLAIT_BOX(movedim), ""},
    {"moveaxis(Tensor input, int source, int destination) -> Tensor", "fmc", PLAIT_BOX(movedim_one),
     kMovedimDoc},
    {"moveaxis(Tensor input, int[] source, int[] destination) -> Tensor", "fmc", PLAIT_BOX(movedim), ""},
    {"_reverse_dims(Tensor input) -> Tensor", "pc", PLAIT_BOX(reverse_dims),
     R"(All dimensions in reverse order, as a view.)"},
    {"_matrix_transpose(Tensor input) -> Tensor", "pc", PLAIT_BOX(matrix_transpose),
     R"(The last two dimensions exchanged, as a view.)"},
};

}  // namespace
}  // namespace plait
