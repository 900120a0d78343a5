// SPDX-License-Identifier: MIT
// Copies of a tensor with a part replaced: what writing to a view does, without changing the tensor.
#include <algorithm>

#include "autograd/op.h"
#include "core/scalar.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// A copy of x in which the part that view(copy) shows is src.
template <class F>
Tensor with_part(const char* op, const Tensor& x, const Tensor& src, F part_of) {
  const Tensor y = clone(x);
  const Tensor part = part_of(y);
  PLAIT_CHECK(src.shape() == part.shape(), kValue, op, ": expected a src of shape ", part.shape(), ", got ",
              src.shape());
  copy_(part, src);
  return y;
}

Tensor select_scatter(const Tensor& x, const Tensor& src, int64_t dim, int64_t index) {
  return with_part("select_scatter", x, src, [&](const Tensor& t) { return select(t, dim, index); });
}

Tensor slice_scatter(const Tensor& x, const Tensor& src, int64_t dim, std::optional<int64_t> start,
                     std::optional<int64_t> end, int64_t step) {
  return with_part("slice_scatter", x, src, [&](const Tensor& t) { return slice(t, dim, start, end, step); });
}

Tensor diagonal_scatter(const Tensor& x, const Tensor& src, int64_t offset, int64_t dim1, int64_t dim2) {
  return with_part("diagonal_scatter", x, src,
                   [&](const Tensor& t) { return diagonal(t, offset, dim1, dim2); });
}

Tensor as_strided_scatter(const Tensor& x, const Tensor& src, IntSpan size, IntSpan stride,
                          std::optional<int64_t> offset) {
  // clone() keeps the order of a dense x in memory but starts at its first element.
  std::optional<int64_t> from;
  if (offset) from = *offset - x.offset();
  return with_part("as_strided_scatter", is_dense(x) ? x : contiguous(x), src, [&](const Tensor& t) {
    return as_strided(t, size, stride, from ? *from + t.offset() : from);
  });
}

Tensor fill_diagonal_(const Tensor& x, Scalar value, bool wrap) {
  PLAIT_CHECK(x.dim() >= 2, kValue, "fill_diagonal_: expected a tensor of at least 2 dimensions, got shape ",
              x.shape());
  const int64_t n = *std::min_element(x.shape().begin(), x.shape().end());
  PLAIT_CHECK(x.dim() == 2 || *std::max_element(x.shape().begin(), x.shape().end()) == n, kValue,
              "fill_diagonal_: expected equal sizes for more than 2 dimensions, got shape ", x.shape());
  int64_t stride = 0;
  for (int64_t s : x.strides()) stride += s;
  if (n > 0) fill_(as_strided(x, Dims{n}, Dims{stride}), value);
  // The diagonal of a tall matrix starts again below it, one row left out.
  const int64_t rows = x.shape()[0];
  if (wrap && x.dim() == 2 && rows > n + 1) {
    fill_diagonal_(narrow(x, 0, n + 1, rows - n - 1), value, true);
  }
  return x;
}

const RegisterOps kOps{
    {"select_scatter(Tensor input, Tensor src, int dim, int index) -> Tensor", "fmc",
     PLAIT_BOX(select_scatter),
     R"(A copy of `input` with `src` in place of `input.select(dim, index)`.

Raises:
    ValueError: `src` does not have its shape.

Example:
    >>> plait.select_scatter(plait.zeros(2, 2), plait.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]]))"},
    {"slice_scatter(Tensor input, Tensor src, int dim=0, "
     "int? start=None, int? end=None, int step=1) -> Tensor",
     "fmc", PLAIT_BOX(slice_scatter),
     R"(A copy of `input` with `src` in place of the slice start:end:step of dimension `dim`.

Raises:
    ValueError: `src` does not have the shape of the slice.

Example:
    >>> plait.slice_scatter(plait.zeros(4), plait.ones(2), start=1, end=3)
    tensor([0., 1., 1., 0.]))"},
    {"diagonal_scatter(Tensor input, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor", "fmc",
     PLAIT_BOX(diagonal_scatter),
     R"(A copy of `input` with `src` in place of `input.diagonal(offset, dim1, dim2)`.

Raises:
    ValueError: `src` does not have its shape.

Example:
    >>> plait.diagonal_scatter(plait.zeros(2, 2), plait.ones(2))
    tensor([[1., 0.],
            [0., 1.]]))"},
    {"as_strided_scatter(Tensor input, Tensor src, int[] size, int[] stride, int? storage_offset=None) -> "
     "Tensor",
     "fmc", PLAIT_BOX(as_strided_scatter),
     R"(A copy of `input` with `src` in place of `input.as_strided(size, stride, storage_offset)`.

Raises:
    ValueError: `src` does not have its shape, or the view would reach outside the storage.

Example:
    >>> plait.as_strided_scatter(plait.zeros(4), plait.ones(2), (2,), (3,))
    tensor([1., 0., 0., 1.]))"},
    {"fill_diagonal_(Tensor self, Scalar fill_value, bool wrap=False) -> Tensor", "mc",
     PLAIT_BOX(fill_diagonal_),
     R"(Set the main diagonal to a number, in place.

For more than 2 dimensions all sizes must be equal. With `wrap` the diagonal of a tall matrix starts again after each
run of rows.

Raises:
    ValueError: fewer than 2 dimensions or unequal sizes.

Example:
    >>> plait.zeros(2, 2).fill_diagonal_(5)
    tensor([[5., 0.],
            [0., 5.]]))"},
};

}  // namespace
}  // namespace plait
