// SPDX-License-Identifier: MIT
// The elements of a tensor in other places: reversed, rolled, repeated, cut to a triangle.
#include "ops/rearrange/rearrange.h"

#include <algorithm>
#include <cstring>

#include "autograd/op.h"
#include "kernels/copy/copy_driver.h"
#include "kernels/rearrange/rearrange_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/rearrange/combine.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// y = x from the element at `offset` on, by strides that may be negative.
void copy_by_strides(const Tensor& y, const Tensor& x, const Dims& strides, int64_t offset) {
  char* from = static_cast<char*>(x.data_ptr()) + offset * static_cast<int64_t>(x.item_size());
  copy_array(y.shape(), y.numel(), {y.data_ptr(), y.dtype(), &y.shape(), &y.strides()},
             {from, x.dtype(), &y.shape(), &strides}, false);
}

struct Flip {
  static constexpr OpMeta meta{"flip"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims& dims) {
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    if (!y.has_values()) return y;
    Dims strides = x.strides();
    int64_t offset = 0;
    for (int64_t d : dims) {
      offset += (x.shape()[d] - 1) * strides[d];
      strides[d] = -strides[d];
    }
    copy_by_strides(y, x, strides, offset);
    return y;
  }
  static Grads backward(OpContext&, const Tensor& gy, const Dims& dims) { return {flip(gy, dims)}; }
};

// y[(i + shift) % n] = x[i]: every rolled dimension falls into two pieces, so k of them make 2^k boxes.
struct Roll {
  static constexpr OpMeta meta{"roll"};
  static Tensor forward(OpContext&, const Tensor& x, const Dims& shifts, const Dims& dims) {
    const Tensor y = Tensor::empty(x.shape(), x.dtype());
    if (!y.has_values()) return y;
    for (int64_t box = 0; box < int64_t{1} << dims.size(); ++box) {
      Dims shape = x.shape();
      int64_t from = x.offset(), to = y.offset();
      for (int64_t k = 0; k < dims.size(); ++k) {
        const int64_t d = dims[k], shift = shifts[k];
        if (box >> k & 1) {  // the end of x comes first
          from += (shape[d] - shift) * x.strides()[d];
          shape[d] = shift;
        } else {
          to += shift * y.strides()[d];
          shape[d] -= shift;
        }
      }
      copy_into(y.alias(shape, y.strides(), to), x.alias(shape, x.strides(), from));
    }
    return y;
  }
  // gx = gy rolled back
  static Grads backward(OpContext&, const Tensor& gy, const Dims& shifts, const Dims& dims) {
    if (dims.empty()) return {gy};
    Dims back = shifts;
    for (int64_t& s : back) s = -s;
    return {roll(gy, back, dims)};
  }
};

// Keeps columns [first, last) of row r, 0 elsewhere: tril has first = 0, last = r + diagonal + 1.
template <bool kLower>
struct Triangle {
  static constexpr OpMeta meta{kLower ? "tril" : "triu"};
  static Tensor forward(OpContext& ctx, const Tensor& input, int64_t diagonal) {
    // A copy in order and whole rows are faster than rows element by element.
    const Tensor x = ctx.destination().defined() ? input : contiguous(input);
    const Tensor y = ctx.destination().defined() ? ctx.destination() : Tensor::empty(x.shape(), x.dtype());
    if (y.has_values()) {
      triangle({x.dtype(), x.shape(), x.strides(), y.strides(), diagonal, kLower}, x.data_ptr(),
               y.data_ptr());
    }
    return y;
  }
  static Grads backward(OpContext&, const Tensor& gy, int64_t diagonal) {
    return {apply<Triangle>(gy, diagonal)};
  }
};

template <bool kLower>
int64_t checked_diagonal(const Tensor& x, int64_t diagonal) {
  PLAIT_CHECK(x.dim() >= 2, kValue, kLower ? "tril" : "triu",
              ": expected a tensor of at least 2 dimensions, got shape ", x.shape());
  return std::clamp(diagonal, -x.size(-2), x.size(-1));
}
template <bool kLower>
Tensor triangle_(const Tensor& x, int64_t diagonal) {
  const int64_t k = checked_diagonal<kLower>(x, diagonal);
  return apply_inplace<Triangle<kLower>>(x, k);
}

}  // namespace

Tensor flip(const Tensor& x, IntSpan dims) {
  return apply<Flip>(x, dims.empty() || x.dim() == 0 ? Dims() : wrap_dims("flip", dims, x.dim()));
}

Tensor roll(const Tensor& x, IntSpan shifts, IntSpan dims) {
  if (dims.empty() && shifts.size() == 1) {
    return reshape(roll(reshape(x, Dims{-1}), shifts, Dims{0}), x.shape());
  }
  PLAIT_CHECK(!shifts.empty() && shifts.size() == dims.size(), kValue,
              "roll: expected as many dims as shifts, got shifts ", to_string(shifts), " and dims ",
              to_string(dims));
  Dims at, by;
  for (size_t k = 0; k < dims.size(); ++k) {
    if (x.numel() == 0) break;
    PLAIT_CHECK(x.dim() > 0, kIndex, "roll: a 0-d tensor has no dimension ", dims[k]);
    const int64_t d = wrap_dim("roll", dims[k], x.dim()), n = x.shape()[d];
    const int64_t shift = (shifts[k] % n + n) % n;
    const auto seen = std::find(at.begin(), at.end(), d);
    if (seen != at.end()) {
      int64_t& s = by[seen - at.begin()];
      s = (s + shift) % n;
    } else {
      at.push_back(d);
      by.push_back(shift);
    }
  }
  return apply<Roll>(x, by, at);
}

Tensor tril(const Tensor& x, int64_t diagonal) {
  const int64_t k = checked_diagonal<true>(x, diagonal);
  return apply<Triangle<true>>(x, k);
}
Tensor triu(const Tensor& x, int64_t diagonal) {
  const int64_t k = checked_diagonal<false>(x, diagonal);
  return apply<Triangle<false>>(x, k);
}

// Every dimension n becomes (repeats, n) by a view, then one copy is made.
Tensor repeat(const Tensor& x, IntSpan repeats) {
  const auto n = static_cast<int64_t>(repeats.size());
  PLAIT_CHECK(n >= x.dim(), kValue,
              "repeat: expected at least as many repeats as the tensor has dimensions, got ",
              to_string(repeats), " for shape ", x.shape());
  Dims one, wide, result;
  for (int64_t d = 0; d < n; ++d) {
    const int64_t times = repeats[static_cast<size_t>(d)],
                  size = d < n - x.dim() ? 1 : x.shape()[d - (n - x.dim())];
    PLAIT_CHECK(times >= 0, kValue, "repeat: expected repeats of at least 0, got ", to_string(repeats));
    if (times != 1 || size == 1) {
      one.push_back(1);
      wide.push_back(times);
    }
    if (size != 1) {
      one.push_back(size);
      wide.push_back(size);
    }
    int64_t total;
    PLAIT_CHECK(!__builtin_mul_overflow(times, size, &total), kValue, "repeat: ", times, " times ", size,
                " elements are too many");
    result.push_back(total);
  }
  checked_numel("repeat", result, static_cast<int64_t>(x.item_size()));
  const Tensor y = reshape(expand(reshape(x, one), wide), result);
  return may_overlap(y, x) ? clone(y) : y;
}

Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t n = x.dim() + 1;
  const int64_t a = wrap_dim("diag_embed", dim1, n), b = wrap_dim("diag_embed", dim2, n);
  PLAIT_CHECK(a != b, kValue, "diag_embed: expected two different dimensions, got ", dim1, " and ", dim2);
  PLAIT_CHECK(x.dim() > 0, kValue, "diag_embed: expected a tensor of at least 1 dimension, got a 0-d tensor");
  const int64_t size = x.shape().back() + (offset < 0 ? -offset : offset);
  Dims shape;
  for (int64_t d = 0, next = 0; d < n; ++d) shape.push_back(d == a || d == b ? size : x.shape()[next++]);
  const Dims strides = contiguous_strides(shape);
  Dims window;
  for (int64_t d = 0; d < n; ++d) {
    if (d != a && d != b) window.push_back(strides[d]);
  }
  window.push_back(strides[a] + strides[b]);
  const int64_t start = offset >= 0 ? offset * strides[b] : -offset * strides[a];
  return embed(x, shape, window, x.numel() == 0 ? 0 : start);
}

namespace {

Tensor rot90(const Tensor& x, int64_t k, IntSpan dims) {
  PLAIT_CHECK(dims.size() == 2, kValue, "rot90: expected two dims, got ", to_string(dims));
  PLAIT_CHECK(x.dim() >= 2, kValue, "rot90: expected a tensor of at least 2 dimensions, got shape ",
              x.shape());
  const int64_t a = wrap_dim("rot90", dims[0], x.dim()), b = wrap_dim("rot90", dims[1], x.dim());
  PLAIT_CHECK(a != b, kValue, "rot90: expected two different dims, got ", to_string(dims));
  switch ((k % 4 + 4) % 4) {
    case 1:
      return transpose(flip(x, Dims{b}), a, b);
    case 2:
      return flip(x, Dims{a, b});
    case 3:
      return transpose(flip(x, Dims{a}), a, b);
    default:
      return clone(x);
  }
}

Tensor fliplr(const Tensor& x) {
  PLAIT_CHECK(x.dim() >= 2, kValue, "fliplr: expected a tensor of at least 2 dimensions, got shape ",
              x.shape());
  return flip(x, Dims{1});
}
Tensor flipud(const Tensor& x) {
  PLAIT_CHECK(x.dim() >= 1, kValue, "flipud: expected a tensor of at least 1 dimension, got a 0-d tensor");
  return flip(x, Dims{0});
}

Tensor roll_op(const Tensor& x, IntSpan shifts, std::optional<Dims> dims) {
  return roll(x, shifts, dims.value_or(Dims()));
}

Tensor tile(const Tensor& x, IntSpan dims) {
  Dims repeats(dims);
  while (repeats.size() < x.dim()) repeats.insert(0, 1);
  return repeat(x, repeats);
}

Tensor repeat_each(const Tensor& x, int64_t repeats, std::optional<int64_t> dim,
                   std::optional<int64_t> output_size) {
  PLAIT_CHECK(repeats >= 0, kValue, "repeat_interleave: expected repeats of at least 0, got ", repeats);
  const Tensor from = dim && x.dim() > 0 ? x : reshape(x, Dims{-1});
  const int64_t d = dim ? wrap_dim("repeat_interleave", *dim, from.dim()) : 0;
  Dims shape = from.shape(), wide = from.shape();
  wide.insert(d + 1, repeats);
  PLAIT_CHECK(!__builtin_mul_overflow(shape[d], repeats, &shape[d]), kValue,
              "repeat_interleave: too many elements");
  PLAIT_CHECK(!output_size || *output_size == shape[d], kValue, "repeat_interleave: expected output_size ",
              shape[d], ", got ", output_size.value_or(0));
  const Tensor y = reshape(expand(unsqueeze(from, d + 1), wide), shape);
  return may_overlap(y, x) ? clone(y) : y;
}

Tensor repeat_each_by(const Tensor& x, const Tensor& repeats, std::optional<int64_t> dim,
                      std::optional<int64_t> output_size) {
  PLAIT_CHECK(repeats.dtype() == DType::kInt64 || repeats.dtype() == DType::kInt32, kType,
              "repeat_interleave: expected repeats of dtype int64 or int32, got ",
              dtype_name(repeats.dtype()));
  PLAIT_CHECK(repeats.dim() <= 1, kValue,
              "repeat_interleave: expected repeats of at most 1 dimension, got shape ", repeats.shape());
  const Tensor from = dim && x.dim() > 0 ? x : reshape(x, Dims{-1});
  const int64_t d = dim ? wrap_dim("repeat_interleave", *dim, from.dim()) : 0, n = from.shape()[d];
  PLAIT_CHECK(repeats.numel() == 1 || repeats.numel() == n, kValue, "repeat_interleave: expected ", n,
              " repeats (the size of dimension ", d, "), got ", repeats.numel());
  const Tensor counts = contiguous(cast(repeats, DType::kInt64));
  if (counts.is_meta() && output_size)
    return index_select(from, d, Tensor::empty({*output_size}, DType::kInt64));
  const auto* const p = counts.data<int64_t>();
  const auto count = [&](int64_t i) { return p[repeats.numel() == 1 ? 0 : i]; };
  int64_t total = 0;
  for (int64_t i = 0; i < n; ++i) {
    PLAIT_CHECK(count(i) >= 0, kValue, "repeat_interleave: expected repeats of at least 0, got ", count(i));
    PLAIT_CHECK(!__builtin_add_overflow(total, count(i), &total), kValue,
                "repeat_interleave: too many elements");
  }
  PLAIT_CHECK(!output_size || *output_size == total, kValue, "repeat_interleave: expected output_size ",
              total, ", got ", output_size.value_or(0));
  const Tensor source = Tensor::empty({total}, DType::kInt64);
  int64_t* s = source.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) s = std::fill_n(s, count(i), i);
  return index_select(from, d, source);
}

// repeat_interleave(repeats): the numbers 0, 1, ... each as often as `repeats` says.
Tensor repeat_range(const Tensor& repeats, std::optional<int64_t> output_size) {
  PLAIT_CHECK(repeats.dim() == 1, kValue, "repeat_interleave: expected 1-d repeats, got shape ",
              repeats.shape());
  return repeat_each_by(arange(repeats.numel()), repeats, 0, output_size);
}

Tensor diag(const Tensor& x, int64_t diagonal) {
  PLAIT_CHECK(x.dim() == 1 || x.dim() == 2, kValue, "diag: expected a vector or a matrix, got shape ",
              x.shape());
  return x.dim() == 1 ? diag_embed(x, diagonal) : clone(plait::diagonal(x, diagonal));
}
Tensor diagflat(const Tensor& x, int64_t offset) { return diag_embed(flatten(x), offset); }

Tensor one_hot(const Tensor& index, int64_t num_classes) {
  PLAIT_CHECK(index.dtype() == DType::kInt64 || index.dtype() == DType::kInt32, kType,
              "one_hot: expected an int64 tensor of class numbers, got ", dtype_name(index.dtype()));
  const Tensor dense = contiguous(cast(index, DType::kInt64));
  const bool shape_only = dense.is_meta() && num_classes > 0;
  const int64_t* const p = shape_only ? nullptr : dense.data<int64_t>();
  const int64_t n = dense.numel();
  int64_t highest = -1;
  for (int64_t i = 0; !shape_only && i < n; ++i) {
    PLAIT_CHECK(p[i] >= 0, kValue, "one_hot: expected class numbers of at least 0, got ", p[i]);
    highest = std::max(highest, p[i]);
  }
  PLAIT_CHECK(num_classes >= -1 && num_classes != 0 && (num_classes > 0 || n > 0), kValue,
              "one_hot: expected num_classes greater than 0",
              n > 0 ? ", or -1 to find it" : " for a tensor of 0 elements", ", got ", num_classes);
  PLAIT_CHECK(num_classes == -1 || highest < num_classes, kValue, "one_hot: class number ", highest,
              " is out of range for num_classes=", num_classes);
  Dims shape = index.shape();
  shape.push_back(num_classes == -1 ? highest + 1 : num_classes);
  const Tensor y = zeros(shape, DType::kInt64);
  if (!y.has_values()) return y;
  int64_t* const out = y.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) out[i * shape.back() + p[i]] = 1;
  return y;
}

constexpr const char* kTrilDoc =
    R"(The lower triangle of matrices (the last two dimensions); the other elements are 0.

`diagonal` above 0 keeps that many diagonals more, below 0 fewer. `tril_` changes the tensor itself.

Raises:
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.ones(2, 3).tril()
    tensor([[1., 0., 0.],
            [1., 1., 0.]]))";
constexpr const char* kTriuDoc =
    R"(The upper triangle of matrices (the last two dimensions); the other elements are 0.

`diagonal` above 0 leaves out that many diagonals more, below 0 keeps more. `triu_` changes the tensor itself.

Raises:
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.ones(2, 3).triu()
    tensor([[1., 1., 1.],
            [0., 1., 1.]]))";

const RegisterOps kOps{
    {"flip(Tensor input, int[] dims) -> Tensor", "fmc", PLAIT_BOX(flip),
     R"(A copy with the order of the elements reversed along the given dimensions.

Raises:
    IndexError: a dimension out of range.
    ValueError: a dimension named twice.

Example:
    >>> plait.tensor([[1, 2], [3, 4]]).flip(0)
    tensor([[3, 4],
            [1, 2]]))"},
    {"fliplr(Tensor input) -> Tensor", "fmc", PLAIT_BOX(fliplr),
     R"(A copy reversed from left to right: along dimension 1.

Raises:
    ValueError: fewer than 2 dimensions.

Example:
    >>> plait.fliplr(plait.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]]))"},
    {"flipud(Tensor input) -> Tensor", "fmc", PLAIT_BOX(flipud),
     R"(A copy reversed from top to bottom: along dimension 0.

Raises:
    ValueError: a 0-d tensor.

Example:
    >>> plait.flipud(plait.tensor([1, 2, 3]))
    tensor([3, 2, 1]))"},
    {"roll(Tensor input, int[] shifts, int[]? dims=None) -> Tensor", "fmc", PLAIT_BOX(roll_op),
     R"(The elements shifted along the given dimensions; what leaves at the end comes back at the start.

`shifts` and `dims` are ints or tuples of as many ints. Without `dims` the tensor is rolled as one row.

Raises:
    ValueError: the lengths differ.

Example:
    >>> plait.arange(5).roll(2)
    tensor([3, 4, 0, 1, 2]))"},
    {"rot90(Tensor input, int k=1, int[] dims=(0, 1)) -> Tensor", "fmc", PLAIT_BOX(rot90),
     R"(The plane of two dimensions turned by k times 90 degrees, from the first dimension towards the second.

Raises:
    ValueError: unless two different dimensions are given.

Example:
    >>> plait.rot90(plait.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]]))"},
    {"tril(Tensor input, int diagonal=0) -> Tensor", "fmoc", PLAIT_BOX(tril), kTrilDoc},
    {"tril_(Tensor self, int diagonal=0) -> Tensor", "mc", PLAIT_BOX(triangle_<true>), kTrilDoc},
    {"triu(Tensor input, int diagonal=0) -> Tensor", "fmoc", PLAIT_BOX(triu), kTriuDoc},
    {"triu_(Tensor self, int diagonal=0) -> Tensor", "mc", PLAIT_BOX(triangle_<false>), kTriuDoc},
    {"repeat(Tensor self, int[] repeats) -> Tensor", "mc", PLAIT_BOX(repeat),
     R"(This tensor repeated along each dimension, as a copy.

`repeats` has at least one entry per dimension; further ones in front add dimensions.

Raises:
    ValueError: too few or negative repeats.

Example:
    >>> plait.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]]))"},
    {"tile(Tensor input, int[] dims) -> Tensor", "fmc", PLAIT_BOX(tile),
     R"(`input` repeated along each dimension, as a copy; missing entries of `dims` in front count as 1.

Raises:
    ValueError: negative repeats.

Example:
    >>> plait.tile(plait.tensor([1, 2]), (2,))
    tensor([1, 2, 1, 2]))"},
    {"repeat_interleave(Tensor input, int repeats, int? dim=None, *, int? output_size=None) -> Tensor", "fmc",
     PLAIT_BOX(repeat_each), R"(Every element repeated in place, before the next one.

`repeats` is one number or an integer tensor with a number per entry of dimension `dim`; without `dim` the tensor is
taken as one row. With a tensor of numbers alone, the result holds 0, 1, ... each that often. `output_size`, the size
that results, is only checked.

Raises:
    ValueError: negative repeats or a wrong number of them.

Example:
    >>> plait.tensor([1, 2]).repeat_interleave(2)
    tensor([1, 1, 2, 2])
    >>> plait.repeat_interleave(plait.tensor([5, 6]), plait.tensor([1, 2]))
    tensor([5, 6, 6]))"},
    {"repeat_interleave(Tensor input, Tensor repeats, int? dim=None, *, int? output_size=None) -> Tensor",
     "fmc", PLAIT_BOX(repeat_each_by), ""},
    {"repeat_interleave(Tensor repeats, *, int? output_size=None) -> Tensor", "fc", PLAIT_BOX(repeat_range),
     ""},
    {"diag(Tensor input, int diagonal=0) -> Tensor", "fmoc", PLAIT_BOX(diag),
     R"(A diagonal matrix made of a vector, or the diagonal of a matrix as a copy.

`diagonal` above 0 names a diagonal above the main one, below 0 one below it.

Raises:
    ValueError: an input of other than 1 or 2 dimensions.

Example:
    >>> plait.diag(plait.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]]))"},
    {"diagflat(Tensor input, int offset=0) -> Tensor", "fmc", PLAIT_BOX(diagflat),
     R"(A matrix with all elements of `input`, taken as one row, on its diagonal and 0 elsewhere.

Example:
    >>> plait.diagflat(plait.tensor([1, 2]), 1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]]))"},
    {"diag_embed(Tensor input, int offset=0, int dim1=-2, int dim2=-1) -> Tensor", "fmc",
     PLAIT_BOX(diag_embed),
     R"(Matrices with the last dimension of `input` on the diagonal and 0 elsewhere.

`dim1` and `dim2` say where the dimensions of the matrices go in the result, `offset` which diagonal is meant.

Raises:
    ValueError: `dim1` and `dim2` are the same dimension.

Example:
    >>> plait.diag_embed(plait.tensor([[1, 2], [3, 4]])).shape
    plait.Size([2, 2, 2]))"},
    {"one_hot(Tensor input, int num_classes=-1) -> Tensor", "n", PLAIT_BOX(one_hot),
     R"(Class numbers as rows of zeros with a one: shape (*, num_classes), int64.

`num_classes` of -1 means one more than the highest number.

Raises:
    ValueError: numbers below 0 or not below `num_classes`.
    TypeError: a floating-point tensor.

Example:
    >>> plait.nn.functional.one_hot(plait.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]]))"},
};

}  // namespace
}  // namespace plait
