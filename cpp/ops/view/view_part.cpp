// SPDX-License-Identifier: MIT
// Views of some of the elements: slices, diagonals, sliding windows, and tensors cut into several.
#include <algorithm>
#include <numeric>

#include "ops/create/create.h"
#include "ops/rearrange/combine.h"
#include "ops/registry.h"
#include "ops/view/view_op.h"

namespace plait {
namespace {

struct Range {
  int64_t dim, start, length, step;
};
struct Slice : WindowView<Slice, Range> {
  static constexpr OpMeta meta{"slice"};
  static void restrict(Geometry& g, const Range& r) {
    g.offset += r.start * g.strides[r.dim];
    g.shape[r.dim] = r.length;
    g.strides[r.dim] *= r.step;
  }
};

struct Slot {
  int64_t dim, index;
};
struct Select : WindowView<Select, Slot> {
  static constexpr OpMeta meta{"select"};
  static void restrict(Geometry& g, const Slot& p) {
    g.offset += p.index * g.strides[p.dim];
    g.shape.erase(p.dim);
    g.strides.erase(p.dim);
  }
};

struct Diagonal : WindowView<Diagonal, Range> {
  static constexpr OpMeta meta{"diagonal"};
  // dim and step are the two dimensions, start the offset, length that of the diagonal.
  static void restrict(Geometry& g, const Range& r) {
    const int64_t rows = g.strides[r.dim], columns = g.strides[r.step];
    if (r.length > 0) g.offset += r.start >= 0 ? r.start * columns : -r.start * rows;
    for (int64_t d : {std::max(r.dim, r.step), std::min(r.dim, r.step)}) {
      g.shape.erase(d);
      g.strides.erase(d);
    }
    g.shape.push_back(r.length);
    g.strides.push_back(rows + columns);
  }
};

struct Unfold : WindowView<Unfold, Range> {
  static constexpr OpMeta meta{"unfold"};
  // start is the number of windows.
  static void restrict(Geometry& g, const Range& r) {
    if (g.shape.empty()) {  // a 0-d tensor has one window, which needs no dimension of its own
      g.shape.push_back(r.length);
      g.strides.push_back(1);
      return;
    }
    const int64_t stride = g.strides[r.dim];
    g.shape[r.dim] = r.start;
    g.strides[r.dim] = stride * r.step;
    g.shape.push_back(r.length);
    g.strides.push_back(stride);
  }
};

// Several views at once: their gradients are joined in one pass instead of one full-size sum each.
struct Split {
  static constexpr OpMeta meta{"split"};
  static std::vector<Tensor> forward(OpContext&, const Tensor& x, const Dims&, const Dims& sizes, int64_t dim,
                                     DType) {
    std::vector<Tensor> ys;
    ys.reserve(static_cast<size_t>(sizes.size()));
    Dims shape = x.shape();
    int64_t offset = x.offset();
    for (int64_t size : sizes) {
      shape[dim] = size;
      ys.push_back(x.alias(shape, x.strides(), offset));
      offset += size * x.strides()[dim];
    }
    return ys;
  }
  static Grads backward(OpContext&, const Grads& gys, const Dims& whole, const Dims& sizes, int64_t dim,
                        DType dtype) {
    Grads parts = gys;
    Dims shape = whole;
    for (size_t i = 0; i < parts.size(); ++i) {
      shape[dim] = sizes[static_cast<int64_t>(i)];
      if (!parts[i].defined()) parts[i] = zeros(shape, dtype);
    }
    return {cat(parts, dim)};
  }
};

struct Unbind {
  static constexpr OpMeta meta{"unbind"};
  static std::vector<Tensor> forward(OpContext&, const Tensor& x, const Dims&, int64_t dim, DType) {
    std::vector<Tensor> ys;
    ys.reserve(static_cast<size_t>(x.shape()[dim]));
    Dims shape = x.shape(), strides = x.strides();
    shape.erase(dim);
    strides.erase(dim);
    for (int64_t i = 0; i < x.shape()[dim]; ++i) {
      ys.push_back(x.alias(shape, strides, x.offset() + i * x.strides()[dim]));
    }
    return ys;
  }
  // gx = the gys stacked
  static Grads backward(OpContext&, const Grads& gys, const Dims& whole, int64_t dim, DType dtype) {
    Grads parts = gys;
    Dims shape = whole;
    shape.erase(dim);
    for (Tensor& part : parts) {
      if (!part.defined()) part = zeros(shape, dtype);
    }
    return {stack(parts, dim)};
  }
};

std::vector<Tensor> tie_all(const Tensor& x, std::vector<Tensor> ys) {
  if (!x.is_differentiable()) return ys;
  for (const Tensor& y : ys) {
    mark_view(y, x);
    if (AutogradMeta* meta = meta_of(y)) meta->view_untracked = true;
  }
  return ys;
}

std::vector<Tensor> cut(const Tensor& x, const Dims& sizes, int64_t dim) {
  return tie_all(x, apply<Split>(x, x.shape(), sizes, dim, x.dtype()));
}

int64_t cuttable_dim(const char* op, const Tensor& x, int64_t dim) {
  PLAIT_CHECK(x.dim() > 0, kValue, op, ": expected a tensor of at least 1 dimension, got a 0-d tensor");
  return wrap_dim(op, dim, x.dim());
}

}  // namespace

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  PLAIT_CHECK(x.dim() > 0, kIndex,
              "select: a 0-d tensor has no dimension to select from\nhint: item() gives its value");
  const int64_t d = wrap_dim("select", dim, x.dim()), size = x.shape()[d];
  PLAIT_CHECK(index >= -size && index < size, kIndex, "select: index ", index,
              " is out of bounds for dimension ", d, " with size ", size);
  return make_view<Select>(x, x.shape(), Slot{d, index < 0 ? index + size : index});
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  const int64_t d = cuttable_dim("narrow", x, dim), size = x.shape()[d];
  PLAIT_CHECK(start >= -size && start <= size, kIndex, "narrow: start ", start,
              " is out of range for dimension ", d, " with size ", size);
  const int64_t first = start < 0 ? start + size : start;
  PLAIT_CHECK(length >= 0 && length <= size - first, kValue, "narrow: start ", start, " and length ", length,
              " exceed dimension ", d, " with size ", size);
  return make_view<Slice>(x, x.shape(), Range{d, first, length, 1});
}

Tensor slice(const Tensor& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step) {
  const int64_t d = cuttable_dim("slice", x, dim), size = x.shape()[d];
  PLAIT_CHECK(step > 0, kValue, "slice: expected a step greater than 0, got ", step,
              "\nhint: flip(dim) reverses a dimension");
  const auto clip = [&](int64_t i) {
    return std::clamp<int64_t>(i < 0 ? (i < -size ? 0 : i + size) : i, 0, size);
  };
  const int64_t first = clip(start.value_or(0)), last = std::max(first, clip(end.value_or(size)));
  const int64_t length = (last - first) / step + ((last - first) % step != 0);
  // A step beyond the end is never taken: keep the stride small.
  return make_view<Slice>(x, x.shape(), Range{d, first, length, std::min(step, std::max<int64_t>(size, 1))});
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  PLAIT_CHECK(x.dim() >= 2, kValue, "diagonal: expected a tensor of at least 2 dimensions, got shape ",
              x.shape());
  const int64_t a = wrap_dim("diagonal", dim1, x.dim()), b = wrap_dim("diagonal", dim2, x.dim());
  PLAIT_CHECK(a != b, kValue, "diagonal: expected two different dimensions, got ", dim1, " and ", dim2);
  const int64_t rows = x.shape()[a], columns = x.shape()[b];
  const int64_t length = offset >= 0 ? (offset >= columns ? 0 : std::min(rows, columns - offset))
                                     : (offset <= -rows ? 0 : std::min(rows + offset, columns));
  return make_view<Diagonal>(x, x.shape(), Range{a, offset, length, b});
}

Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step) {
  const int64_t d = wrap_dim("unfold", dim, x.dim()), have = x.dim() ? x.shape()[d] : 1;
  PLAIT_CHECK(size >= 0 && size <= have, kValue, "unfold: expected a window size between 0 and ", have,
              " (the size of dimension ", d, "), got ", size);
  PLAIT_CHECK(step > 0, kValue, "unfold: expected a step greater than 0, got ", step);
  return make_view<Unfold>(x, x.shape(), Range{d, (have - size) / step + 1, size, std::min(step, have + 1)});
}

std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim) {
  const int64_t d = cuttable_dim("split", x, dim), n = x.shape()[d];
  PLAIT_CHECK(size > 0 || (size == 0 && n == 0), kValue, "split: expected a split_size greater than 0, got ",
              size, " for dimension ", d, " with size ", n);
  const int64_t pieces = n == 0 ? 1 : (n - 1) / size + 1;
  Dims sizes(pieces, size);
  sizes.back() = n - size * (pieces - 1);
  return cut(x, sizes, d);
}

std::vector<Tensor> split(const Tensor& x, IntSpan sizes, int64_t dim) {
  const int64_t d = cuttable_dim("split", x, dim);
  int64_t sum = 0;
  bool fits = true;
  for (int64_t s : sizes) fits = fits && s >= 0 && !__builtin_add_overflow(sum, s, &sum);
  PLAIT_CHECK(fits && sum == x.shape()[d], kValue, "split: expected sizes of at least 0 that sum to ",
              x.shape()[d], " (dimension ", d, " of shape ", x.shape(), "), got ", to_string(sizes));
  return cut(x, Dims(sizes), d);
}

std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  const int64_t d = cuttable_dim("chunk", x, dim), n = x.shape()[d];
  PLAIT_CHECK(chunks > 0, kValue, "chunk: expected chunks greater than 0, got ", chunks);
  const int64_t size = n / chunks + (n % chunks != 0);
  if (n == 0) return cut(x, Dims(chunks, 0), d);
  return split(x, size, d);
}

std::vector<Tensor> tensor_split(const Tensor& x, int64_t sections, int64_t dim) {
  const int64_t d = cuttable_dim("tensor_split", x, dim), n = x.shape()[d];
  PLAIT_CHECK(sections > 0, kValue, "tensor_split: expected a number of sections greater than 0, got ",
              sections);
  Dims sizes(sections, n / sections);
  for (int64_t i = 0; i < n % sections; ++i) ++sizes[i];
  return cut(x, sizes, d);
}

std::vector<Tensor> tensor_split(const Tensor& x, IntSpan indices, int64_t dim) {
  const int64_t d = cuttable_dim("tensor_split", x, dim);
  std::vector<Tensor> ys;
  int64_t start = 0;
  for (int64_t end : indices) {
    ys.push_back(slice(x, d, start, end));
    start = end;
  }
  ys.push_back(slice(x, d, start, std::nullopt));
  return ys;
}

std::vector<Tensor> unbind(const Tensor& x, int64_t dim) {
  PLAIT_CHECK(x.dim() > 0, kIndex, "unbind: expected a tensor of at least 1 dimension, got a 0-d tensor");
  return tie_all(x, apply<Unbind>(x, x.shape(), wrap_dim("unbind", dim, x.dim()), x.dtype()));
}

namespace {

std::vector<Tensor> split_size(const Tensor& x, int64_t size, int64_t dim) { return split(x, size, dim); }
std::vector<Tensor> split_sizes(const Tensor& x, IntSpan sizes, int64_t dim) { return split(x, sizes, dim); }
std::vector<Tensor> split_sections(const Tensor& x, int64_t sections, int64_t dim) {
  return tensor_split(x, sections, dim);
}
std::vector<Tensor> split_at(const Tensor& x, IntSpan indices, int64_t dim) {
  return tensor_split(x, indices, dim);
}

std::vector<Tensor> split_by(const Tensor& x, const Tensor& tensor_indices_or_sections, int64_t dim) {
  const Tensor at = tensor_indices_or_sections;
  PLAIT_CHECK(at.dtype() == DType::kInt64 && at.dim() <= 1, kValue,
              "tensor_split: expected a 0-d or 1-d tensor of int64, got ", dtype_name(at.dtype()),
              " of shape ", at.shape());
  if (at.dim() == 0) return tensor_split(x, at.item_as<int64_t>(), dim);
  Dims indices;
  for (int64_t i = 0; i < at.numel(); ++i) indices.push_back(select(at, 0, i).item_as<int64_t>());
  return tensor_split(x, indices, dim);
}

// hsplit, vsplit and dsplit: tensor_split along a fixed dimension, into equal parts when a number is given.
template <char kWhich>
int64_t fixed_dim(const Tensor& x) {
  constexpr const char* kName = kWhich == 'h' ? "hsplit" : kWhich == 'v' ? "vsplit" : "dsplit";
  constexpr int64_t kLeast = kWhich == 'h' ? 1 : kWhich == 'v' ? 2 : 3;
  PLAIT_CHECK(x.dim() >= kLeast, kValue, kName, ": expected a tensor of at least ", kLeast,
              " dimensions, got shape ", x.shape());
  return kWhich == 'h' ? (x.dim() == 1 ? 0 : 1) : kWhich == 'v' ? 0 : 2;
}
template <char kWhich>
std::vector<Tensor> split_equal(const Tensor& x, int64_t sections) {
  const int64_t d = fixed_dim<kWhich>(x);
  PLAIT_CHECK(sections > 0 && x.shape()[d] % sections == 0, kValue, kWhich, "split: size ", x.shape()[d],
              " of dimension ", d, " is not divisible into ", sections, " sections");
  return tensor_split(x, sections, d);
}
template <char kWhich>
std::vector<Tensor> split_at_fixed(const Tensor& x, IntSpan indices) {
  return tensor_split(x, indices, fixed_dim<kWhich>(x));
}

Tensor narrow_at(const Tensor& x, int64_t dim, const Tensor& start, int64_t length) {
  PLAIT_CHECK(start.dim() == 0 && is_integral(start.dtype()) && start.dtype() != DType::kBool, kType,
              "narrow: expected start to be an int or an integer tensor of one element, got a ",
              dtype_name(start.dtype()), " tensor of shape ", start.shape());
  return narrow(x, dim, start.item_as<int64_t>(), length);
}

const RegisterOps kOps{
    {"select(Tensor input, int dim, int index) -> Tensor", "fmc", PLAIT_BOX(select),
     R"(The part of `input` at `index` of dimension `dim`, as a view without that dimension.

A negative index counts from the end.

Raises:
    IndexError: `dim` or `index` is out of range.

Example:
    >>> plait.tensor([[1, 2], [3, 4]]).select(1, 0)
    tensor([1, 3]))"},
    {"narrow(Tensor input, int dim, int start, int length) -> Tensor", "fmc", PLAIT_BOX(narrow),
     R"(The `length` entries from `start` on along dimension `dim`, as a view.

A negative start counts from the end; it may be given as an integer tensor of one element.

Raises:
    IndexError: `start` is out of range.
    ValueError: `length` is out of range.

Example:
    >>> plait.arange(6).narrow(0, 2, 3)
    tensor([2, 3, 4]))"},
    {"narrow(Tensor input, int dim, Tensor start, int length) -> Tensor", "fmc", PLAIT_BOX(narrow_at), ""},
    {"_slice(Tensor input, int dim, int? start=None, int? end=None, int step=1) -> Tensor", "pc",
     PLAIT_BOX(slice), R"(input[start:end:step] along one dimension, as a view.)"},
    {"diagonal(Tensor input, int offset=0, int dim1=0, int dim2=1) -> Tensor", "fmc", PLAIT_BOX(diagonal),
     R"(The diagonal of the matrices spanned by `dim1` and `dim2`, as a view; it is the last dimension.

`offset` above 0 names a diagonal above the main one, below 0 one below it. May be empty.

Raises:
    ValueError: the two dimensions are the same one.

Example:
    >>> plait.arange(9).view(3, 3).diagonal()
    tensor([0, 4, 8]))"},
    {"unfold(Tensor self, int dimension, int size, int step) -> Tensor", "mc", PLAIT_BOX(unfold),
     R"(Sliding windows of `size` entries, `step` apart, along a dimension; a view.

The dimension then counts the windows, and a last dimension of `size` is added. The gradient adds up where
windows overlap.

Raises:
    ValueError: `size` exceeds the dimension or `step` is not positive.

Example:
    >>> plait.arange(5).unfold(0, 3, 1)
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]]))"},
    {"split(Tensor tensor, int split_size_or_sections, int dim=0) -> Tensor[]", "fmc", PLAIT_BOX(split_size),
     R"(Cut a tensor into views along `dim`.

An int is the size of every piece, the last one may be smaller; a list of ints gives each piece its size and
must sum to the size of the dimension.

Raises:
    ValueError: sizes that do not sum to the dimension, or a size of 0.

Example:
    >>> plait.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> plait.arange(5).split([1, 4])
    (tensor([0]), tensor([1, 2, 3, 4])))"},
    {"split(Tensor tensor, int[] split_size_or_sections, int dim=0) -> Tensor[]", "fmc",
     PLAIT_BOX(split_sizes), ""},
    {"split_with_sizes(Tensor input, int[] split_sizes, int dim=0) -> Tensor[]", "fmc",
     PLAIT_BOX(split_sizes),
     R"(Cut a tensor into views of the given sizes along `dim`; see `split`.

Example:
    >>> plait.arange(3).split_with_sizes([1, 2])
    (tensor([0]), tensor([1, 2])))"},
    {"chunk(Tensor input, int chunks, int dim=0) -> Tensor[]", "fmc", PLAIT_BOX(chunk),
     R"(Cut a tensor into at most `chunks` views of the same size along `dim`; the last may be smaller.

There may be fewer: 6 entries in 4 chunks give 3 pieces of 2. `tensor_split` always gives the number asked for.

Raises:
    ValueError: `chunks` is not positive.

Example:
    >>> plait.arange(5).chunk(2)
    (tensor([0, 1, 2]), tensor([3, 4])))"},
    {"unsafe_chunk(Tensor input, int chunks, int dim=0) -> Tensor[]", "fmc", PLAIT_BOX(chunk),
     R"(The same as `chunk`, which is as safe.

Example:
    >>> plait.arange(4).unsafe_chunk(2)
    (tensor([0, 1]), tensor([2, 3])))"},
    {"unsafe_split(Tensor tensor, int split_size, int dim=0) -> Tensor[]", "fmc", PLAIT_BOX(split_size),
     R"(The same as `split`, which is as safe.

Example:
    >>> plait.arange(3).unsafe_split(2)
    (tensor([0, 1]), tensor([2])))"},
    {"unsafe_split_with_sizes(Tensor input, int[] split_sizes, int dim=0) -> Tensor[]", "fmc",
     PLAIT_BOX(split_sizes),
     R"(The same as `split_with_sizes`, which is as safe.

Example:
    >>> plait.arange(3).unsafe_split_with_sizes([1, 2])
    (tensor([0]), tensor([1, 2])))"},
    {"tensor_split(Tensor input, int sections, int dim=0) -> Tensor[]", "fmc", PLAIT_BOX(split_sections),
     R"(Cut a tensor into views along `dim`, into sections or at indices.

An int is the number of sections, whose sizes differ by at most one; a list of ints holds the places to cut at,
with the meaning of Python slices.

Raises:
    ValueError: the number of sections is not positive.

Example:
    >>> plait.arange(5).tensor_split(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    >>> plait.arange(5).tensor_split((1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4])))"},
    {"tensor_split(Tensor input, int[] indices, int dim=0) -> Tensor[]", "fmc", PLAIT_BOX(split_at), ""},
    {"tensor_split(Tensor input, Tensor tensor_indices_or_sections, int dim=0) -> Tensor[]", "fmc",
     PLAIT_BOX(split_by), ""},
    {"hsplit(Tensor input, int sections) -> Tensor[]", "fmc", PLAIT_BOX(split_equal<'h'>),
     R"(Cut a tensor into views column-wise: along dimension 1, of a vector along dimension 0.

An int is a number of equal sections, a list of ints holds the places to cut at.

Raises:
    ValueError: the sections would not be equal.

Example:
    >>> plait.arange(4).hsplit(2)
    (tensor([0, 1]), tensor([2, 3])))"},
    {"hsplit(Tensor input, int[] indices) -> Tensor[]", "fmc", PLAIT_BOX(split_at_fixed<'h'>), ""},
    {"vsplit(Tensor input, int sections) -> Tensor[]", "fmc", PLAIT_BOX(split_equal<'v'>),
     R"(Cut a tensor of at least 2 dimensions into views row-wise, along dimension 0.

An int is a number of equal sections, a list of ints holds the places to cut at.

Raises:
    ValueError: the sections would not be equal.

Example:
    >>> plait.arange(4).view(2, 2).vsplit(2)
    (tensor([[0, 1]]), tensor([[2, 3]])))"},
    {"vsplit(Tensor input, int[] indices) -> Tensor[]", "fmc", PLAIT_BOX(split_at_fixed<'v'>), ""},
    {"dsplit(Tensor input, int sections) -> Tensor[]", "fmc", PLAIT_BOX(split_equal<'d'>),
     R"(Cut a tensor of at least 3 dimensions into views along dimension 2.

An int is a number of equal sections, a list of ints holds the places to cut at.

Raises:
    ValueError: the sections would not be equal.

Example:
    >>> plait.zeros(1, 1, 4).dsplit(2)[0].shape
    plait.Size([1, 1, 2]))"},
    {"dsplit(Tensor input, int[] indices) -> Tensor[]", "fmc", PLAIT_BOX(split_at_fixed<'d'>), ""},
    {"unbind(Tensor input, int dim=0) -> Tensor[]", "fmc", PLAIT_BOX(unbind),
     R"(A tuple of views, one per entry of dimension `dim`, each without that dimension.

Raises:
    IndexError: a 0-d tensor.

Example:
    >>> plait.tensor([[1, 2], [3, 4]]).unbind()
    (tensor([1, 2]), tensor([3, 4])))"},
};

}  // namespace
}  // namespace plait
