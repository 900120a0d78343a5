// SPDX-License-Identifier: MIT
// Counting and looking up: bins, sorted sequences, sets of values.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <variant>
#include <vector>

#include "autograd/op.h"
#include "core/parallel.h"
#include "core/scalar.h"
#include "kernels/sort/element_order.h"
#include "kernels/sort/search_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/pointwise/pointwise.h"
#include "ops/pointwise/pointwise_op.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/sort/sort.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// What two tensors are compared as; Python numbers take part by category only.
DType common_dtype(const Tensor& a, const Tensor& b) {
  // An int beyond int64 has a place in uint64 and in floats.
  if (a.dtype() == DType::kUInt64 || b.dtype() == DType::kUInt64) return promote_types(a.dtype(), b.dtype());
  if (a.is_wrapped_number() && !b.is_wrapped_number() && category(a.dtype()) <= category(b.dtype()))
    return b.dtype();
  if (b.is_wrapped_number() && !a.is_wrapped_number() && category(b.dtype()) <= category(a.dtype()))
    return a.dtype();
  return promote_types(a.dtype(), b.dtype());
}

// For each value its place in the sorted row that belongs to it.
Tensor search(const char* op, const Tensor& sorted, const Tensor& values, bool right, bool out_int32,
              const Tensor& sorter) {
  const bool one_row = sorted.dim() <= 1;
  bool fits = sorted.dim() >= 1 && (one_row || sorted.dim() == values.dim());
  for (int64_t d = 0; fits && !one_row && d + 1 < sorted.dim(); ++d)
    fits = sorted.shape()[d] == values.shape()[d];
  PLAIT_CHECK(fits, kValue, op,
              ": expected a 1-d sequence or one whose sizes but the last are those of the values, got ",
              sorted.shape(), " and ", values.shape());
  PLAIT_CHECK(!sorter.defined() || (sorter.shape() == sorted.shape() && sorter.dtype() == DType::kInt64),
              kValue, op, ": expected an int64 sorter of the sequence's shape ", sorted.shape());
  NoGradGuard guard;
  const DType dtype = common_dtype(sorted, values);
  const Tensor row_data =
      sorter.defined() ? contiguous_as(gather(sorted, -1, sorter), dtype) : contiguous_as(sorted, dtype);
  const Tensor wanted = contiguous_as(values, dtype);
  const Tensor y = Tensor::empty(values.shape(), DType::kInt64);
  const int64_t n = sorted.shape().back(),
                per_row = one_row || values.numel() == 0 ? 1 : values.shape().back();
  if (y.has_values())
    search_sorted({.dtype = dtype,
                   .rows = row_data.data_ptr(),
                   .length = n,
                   .per_row = one_row ? 0 : per_row,
                   .values = wanted.data_ptr(),
                   .count = y.numel(),
                   .right = right},
                  y.data<int64_t>());
  return out_int32 ? cast(y, DType::kInt32) : y;
}

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool out_int32, bool right,
                    std::optional<std::string_view> side, const Tensor& sorter) {
  PLAIT_CHECK(!side || *side == "left" || *side == "right", kValue,
              "searchsorted: expected side 'left' or 'right', got '", side.value_or(""), "'");
  PLAIT_CHECK(!side || *side == "right" || !right, kValue,
              "searchsorted: side='left' contradicts right=True");
  return search("searchsorted", sorted, values, right || (side && *side == "right"), out_int32, sorter);
}

Tensor bucketize(const Tensor& values, const Tensor& boundaries, bool out_int32, bool right) {
  PLAIT_CHECK(boundaries.dim() == 1, kValue, "bucketize: expected 1-d boundaries, got shape ",
              boundaries.shape());
  return search("bucketize", boundaries, values, right, out_int32, Tensor());
}

Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength) {
  PLAIT_CHECK(x.dim() == 1 && is_integral(x.dtype()) && x.dtype() != DType::kBool, kValue,
              "bincount: expected a 1-d tensor of integers, got shape ", x.shape(), " and dtype ",
              dtype_name(x.dtype()));
  PLAIT_CHECK(minlength >= 0, kValue, "bincount: expected minlength of at least 0, got ", minlength);
  PLAIT_CHECK(!weights.defined() || weights.shape() == x.shape(), kValue,
              "bincount: expected weights of shape ", x.shape(), ", got ",
              weights.defined() ? weights.shape() : Dims());
  NoGradGuard guard;
  const Tensor dense = contiguous_as(x, DType::kInt64);
  const int64_t* const p = dense.data<int64_t>();
  int64_t bins = minlength;
  if (x.numel() > 0) {
    const auto least = amin(dense).item_as<int64_t>(), most = amax(dense).item_as<int64_t>();
    PLAIT_CHECK(least >= 0, kValue, "bincount: expected values of at least 0, got ", least);
    PLAIT_CHECK(most < INT64_MAX, kValue, "bincount: value ", most, " is too large");
    bins = std::max(bins, most + 1);
  }
  const auto count = [&](auto* out, auto weight) {
    for (int64_t i = 0; i < x.numel(); ++i) out[p[i]] += weight(i);
  };
  if (!weights.defined()) {
    const Tensor y = zeros(Dims{bins}, DType::kInt64);
    count(y.data<int64_t>(), [](int64_t) { return int64_t{1}; });
    return y;
  }
  const DType dtype = weights.dtype() == DType::kFloat32 ? DType::kFloat32 : DType::kFloat64;
  const Tensor w = contiguous_as(weights, dtype), y = zeros(Dims{bins}, dtype);
  if (dtype == DType::kFloat32) {
    count(y.data<float>(), [&](int64_t i) { return w.data<float>()[i]; });
  } else {
    count(y.data<double>(), [&](int64_t i) { return w.data<double>()[i]; });
  }
  return y;
}

Tensor histc(const Tensor& x, int64_t bins, double min, double max) {
  PLAIT_CHECK(x.is_floating(), kType, "histc: expected a floating-point tensor, got ", dtype_name(x.dtype()));
  PLAIT_CHECK(bins > 0, kValue, "histc: expected bins greater than 0, got ", bins);
  NoGradGuard guard;
  const Tensor dense = contiguous_as(x, DType::kFloat64);
  if (dense.is_meta()) return Tensor::empty(Dims{bins}, x.dtype());
  const double* const p = dense.data<double>();
  if (min == max && x.numel() > 0) {
    min = *std::min_element(p, p + x.numel());
    max = *std::max_element(p, p + x.numel());
  }
  if (min == max) {
    min -= 1;
    max += 1;
  }
  PLAIT_CHECK(std::isfinite(min) && std::isfinite(max), kValue, "histc: the range of [", min, ", ", max,
              "] is not finite");
  PLAIT_CHECK(min < max, kValue, "histc: expected min <= max, got ", min, " and ", max);
  const Tensor counts = zeros(Dims{bins}, DType::kInt64);
  for (int64_t i = 0; i < x.numel(); ++i) {
    if (!(p[i] >= min && p[i] <= max)) continue;
    const auto bin = static_cast<int64_t>((p[i] - min) * static_cast<double>(bins) / (max - min));
    ++counts.data<int64_t>()[std::min(bin, bins - 1)];
  }
  return cast(counts, x.dtype());
}

// ---- Histograms between edges ----

void check_weights(const Tensor& x, const Tensor& weight) {
  PLAIT_CHECK(x.dtype() == DType::kFloat32 || x.dtype() == DType::kFloat64, kType,
              "histogram: expected float32 or float64, got ", dtype_name(x.dtype()));
  if (!weight.defined()) return;
  PLAIT_CHECK(weight.shape() == x.shape() && weight.dtype() == x.dtype(), kValue,
              "histogram: expected weights of the input's shape ", x.shape(), " and dtype ",
              dtype_name(x.dtype()), ", got ", weight.shape(), " and ", dtype_name(weight.dtype()));
}

// f(x): the bin of x, -1 or the number of bins outside. Edges at equal distances are guessed, others
// searched.
template <class F>
void with_bin_of(const double* edges, int64_t bins, bool equal_steps, F f) {
  if (!equal_steps) {
    return f([=](double x) {
      if (x == edges[bins]) return bins - 1;
      return std::upper_bound(edges, edges + bins + 1, x, is_less<double>) - edges - 1;  // NaN is behind all
    });
  }
  const double low = edges[0], high = edges[bins], scale = static_cast<double>(bins) / (high - low);
  f([=](double x) {
    if (!(x >= low && x <= high)) return x < low ? int64_t{-1} : bins;
    int64_t bin = std::min(static_cast<int64_t>((x - low) * scale), bins - 1);
    while (bin > 0 && x < edges[bin]) --bin;
    while (bin + 1 < bins && x >= edges[bin + 1]) ++bin;
    return bin;
  });
}

// The sum of the weights (of ones) between each edge and the next; the last bin includes its upper edge.
Tensor count_between(const Tensor& x, const Tensor& edges, bool equal_steps, const Tensor& weight,
                     bool density) {
  const DenormalGuard guard;  // comparisons as in kernels
  const int64_t bins = edges.numel() - 1;
  const Tensor flat = contiguous(reshape(x, Dims{-1}));
  const Tensor values = contiguous_as(flat, DType::kFloat64), limits = contiguous_as(edges, DType::kFloat64);
  const Tensor weights =
      weight.defined() ? contiguous_as(reshape(weight, Dims{-1}), DType::kFloat64) : Tensor();
  const Tensor total = zeros(Dims{bins}, DType::kFloat64);
  if (total.is_meta()) return cast(total, x.dtype());
  with_bin_of(limits.data<double>(), bins, equal_steps, [&](auto bin_of) {
    const double* const v = values.data<double>();
    const double* const w = weights.defined() ? weights.data<double>() : nullptr;
    for (int64_t i = 0; i < flat.numel(); ++i) {
      const int64_t bin = bin_of(v[i]);
      if (bin >= 0 && bin < bins) total.data<double>()[bin] += w ? w[i] : 1.0;
    }
  });
  if (!density) return cast(total, x.dtype());
  return cast(div(div(total, sum(total)), sub(narrow(limits, 0, 1, bins), narrow(limits, 0, 0, bins))),
              x.dtype());
}

std::tuple<Tensor, Tensor> histogram_of_bins(const Tensor& x, int64_t bins,
                                             const std::optional<std::vector<double>>& range,
                                             const Tensor& weight, bool density) {
  check_weights(x, weight);
  PLAIT_CHECK(bins > 0, kValue, "histogram: expected bins greater than 0, got ", bins);
  PLAIT_CHECK(!range || range->size() == 2, kValue, "histogram: expected a range of two numbers");
  NoGradGuard guard;
  double low = 0, high = 0;
  if (range) {
    low = (*range)[0], high = (*range)[1];
  } else if (x.has_values()) {
    low = amin(x).item_as<double>(), high = amax(x).item_as<double>();
  }
  PLAIT_CHECK(std::isfinite(low) && std::isfinite(high), kValue, "histogram: the range of [", low, ", ", high,
              "] is not finite");
  PLAIT_CHECK(low <= high, kValue, "histogram: expected min <= max, got ", low, " and ", high);
  if (x.numel() == 0 && low == high) {
    high += 1;
  } else if (low == high) {
    low -= 0.5, high += 0.5;
  }
  const Tensor steps = arange(int64_t{0}, bins + 1, int64_t{1}, DType::kFloat64);
  Tensor edges = add(mul(steps, (high - low) / static_cast<double>(bins)), low);
  if (edges.has_values()) edges.data<double>()[bins] = high;
  edges = cast(edges, x.dtype());
  return {count_between(x, edges, true, weight, density), edges};
}

std::tuple<Tensor, Tensor> histogram_of_edges(const Tensor& x, const Tensor& edges, const Tensor& weight,
                                              bool density) {
  check_weights(x, weight);
  PLAIT_CHECK(edges.dim() == 1 && edges.numel() > 0, kValue,
              "histogram: expected 1-d edges of bins, got shape ", edges.shape());
  PLAIT_CHECK(edges.dtype() == x.dtype(), kType, "histogram: expected edges of dtype ", dtype_name(x.dtype()),
              ", got ", dtype_name(edges.dtype()));
  NoGradGuard guard;
  return {count_between(x, edges, false, weight, density), clone(edges)};
}

Tensor isin(const Tensor& elements, const Tensor& test, bool, bool invert) {
  check_has_tensor("isin", elements, test);
  NoGradGuard guard;
  const DType dtype = common_dtype(elements, test);
  const Tensor x = contiguous_as(elements, dtype);
  const Tensor set = contiguous_as(test, dtype);
  const Tensor y = Tensor::empty(elements.shape(), DType::kBool);
  if (y.has_values())
    contained_in({.dtype = dtype,
                  .values = x.data_ptr(),
                  .count = x.numel(),
                  .set = set.data_ptr(),
                  .size = set.numel(),
                  .invert = invert,
                  .found = y.data<bool>()});
  return y;
}

// ---- Unique values ----

struct Groups {
  Tensor order;                // of the elements, equal ones together
  std::vector<int64_t> start;  // of each group in it, and the end
};

// starts[i]: whether place i of the order begins a group.
template <class F>
Groups group(Tensor order, int64_t n, F starts) {
  Groups g{std::move(order), {}};
  for (int64_t i = 0; i < n; ++i) {
    if (i == 0 || starts(i)) g.start.push_back(i);
  }
  g.start.push_back(n);
  return g;
}

// first: the element of x that stands for each group; inverse: the group of each element; counts.
std::tuple<Tensor, Tensor, Tensor> describe(const Groups& g, int64_t n, bool with_inverse) {
  const auto count = static_cast<int64_t>(g.start.size()) - 1;
  const Tensor first = Tensor::empty({count}, DType::kInt64), counts = Tensor::empty({count}, DType::kInt64);
  const Tensor inverse = Tensor::empty({with_inverse ? n : 0}, DType::kInt64);
  const auto* const order = g.order.data<int64_t>();
  for (int64_t k = 0; k < count; ++k) {
    const int64_t begin = g.start[static_cast<size_t>(k)], end = g.start[static_cast<size_t>(k) + 1];
    first.data<int64_t>()[k] = order[begin];
    counts.data<int64_t>()[k] = end - begin;
    for (int64_t i = begin; with_inverse && i < end; ++i) inverse.data<int64_t>()[order[i]] = k;
  }
  return {first, inverse, counts};
}

template <class T>
bool differ(T a, T b) {
  return convert<Comparable<T>>(a) != convert<Comparable<T>>(b);
}

// Rows of x along dim as lines of a contiguous matrix.
Tensor rows_of(const Tensor& x, int64_t dim) {
  const Tensor moved = contiguous(movedim(x, Dims{dim}, Dims{0}));
  return reshape(moved, Dims{x.shape()[dim], x.shape()[dim] ? x.numel() / x.shape()[dim] : 0});
}

std::tuple<Tensor, Tensor, Tensor> unique_rows(const Tensor& x, int64_t dim, bool consecutive,
                                               bool with_inverse) {
  PLAIT_CHECK(x.dim() > 0, kValue, "unique: a 0-d tensor has no dimension ", dim);
  const DenormalGuard guard;  // comparisons as in kernels
  const Tensor rows = rows_of(x, dim);
  const int64_t n = rows.shape()[0], width = rows.shape()[1];
  const Groups g = dispatch(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto row = [&](int64_t i) { return rows.data<T>() + i * width; };
    const Tensor order = arange(n);
    auto* const o = order.data<int64_t>();
    if (!consecutive) {
      std::stable_sort(o, o + n, [&](int64_t a, int64_t b) {
        return std::lexicographical_compare(row(a), row(a) + width, row(b), row(b) + width, is_less<T>);
      });
    }
    return group(order, n, [&](int64_t i) {
      return !std::equal(row(o[i]), row(o[i]) + width, row(o[i - 1]), [](T a, T b) { return !differ(a, b); });
    });
  });
  const auto [first, inverse, counts] = describe(g, n, with_inverse);
  return {index_select(x, dim, first), inverse, counts};
}

std::tuple<Tensor, Tensor, Tensor> unique_elements(const Tensor& x, bool consecutive, bool with_inverse) {
  const DenormalGuard guard;
  const Tensor flat = contiguous(reshape(x, Dims{-1}));
  const int64_t n = flat.numel();
  Tensor order = consecutive ? arange(n) : argsort(flat, 0);
  const auto* const o = order.data<int64_t>();
  const Groups g = dispatch_bits(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const p = flat.data<T>();
    return group(order, n, [&](int64_t i) { return differ(p[o[i]], p[o[i - 1]]); });
  });
  const auto [first, inverse, counts] = describe(g, n, with_inverse);
  return {index_select(flat, 0, first), with_inverse ? reshape(inverse, x.shape()) : inverse, counts};
}

using OneOrSeveral = std::variant<Tensor, std::vector<Tensor>>;

OneOrSeveral unique_as_asked(const Tensor& x, bool consecutive, bool return_inverse, bool return_counts,
                             std::optional<int64_t> dim) {
  NoGradGuard guard;
  auto [values, inverse, counts] =
      dim ? unique_rows(x, wrap_dim("unique", *dim, x.dim()), consecutive, return_inverse)
          : unique_elements(x, consecutive, return_inverse);
  if (!return_inverse && !return_counts) return values;
  std::vector<Tensor> out{values};
  if (return_inverse) out.push_back(inverse);
  if (return_counts) out.push_back(counts);
  return out;
}
OneOrSeveral unique(const Tensor& x, bool, bool return_inverse, bool return_counts,
                    std::optional<int64_t> dim) {
  return unique_as_asked(x, false, return_inverse, return_counts, dim);
}
OneOrSeveral unique_consecutive(const Tensor& x, bool return_inverse, bool return_counts,
                                std::optional<int64_t> dim) {
  return unique_as_asked(x, true, return_inverse, return_counts, dim);
}

const RegisterOps kOps{
    {"searchsorted(Tensor sorted_sequence, Operand input, *, bool out_int32=False, "
     "bool right=False, str? side=None, Tensor? sorter=None) -> Tensor",
     "fo", PLAIT_BOX(searchsorted),
     R"(Where values would have to be put into a sorted sequence to keep its order.

The place before equal entries; with `right=True` or `side='right'` the one behind them. `sorted_sequence` is 1-d, or
has the sizes of `input` but for the last: then every row has its own. `sorter` holds the places that sort the
sequence. The result is int64, or int32 with `out_int32`.

Raises:
    ValueError: shapes that do not fit.

Example:
    >>> plait.searchsorted(plait.tensor([1, 3, 5]), plait.tensor([3, 4]))
    tensor([1, 2]))"},
    {"bucketize(Operand input, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor", "fo",
     PLAIT_BOX(bucketize),
     R"(The number of the bucket each value falls into: bucket i ends with boundaries[i].

A value equal to a boundary belongs to the bucket it ends; with `right=True` to the next one. `boundaries` is 1-d and
sorted. The result is int64, or int32 with `out_int32`.

Raises:
    ValueError: boundaries of other than 1 dimension.

Example:
    >>> plait.bucketize(plait.tensor([1, 2, 6]), plait.tensor([2, 5]))
    tensor([0, 0, 2]))"},
    {"bincount(Tensor input, Tensor? weights=None, int minlength=0) -> Tensor", "fm", PLAIT_BOX(bincount),
     R"(How often each of 0, 1, ... occurs in a 1-d tensor of integers.

With `weights` their sums, float32 for float32 weights and float64 for others. The result has at least `minlength`
entries.

Raises:
    ValueError: negative values and for weights of another shape.

Example:
    >>> plait.bincount(plait.tensor([0, 2, 2]))
    tensor([1, 0, 2]))"},
    {"histc(Tensor input, int bins=100, float min=0.0, float max=0.0) -> Tensor", "fmo", PLAIT_BOX(histc),
     R"(How many elements fall into each of `bins` bins of equal width between `min` and `max`.

Elements outside are not counted; `max` belongs to the last bin. With min == max the range of the data is taken. The
counts have the dtype of `input`.

Raises:
    ValueError: a range that is not finite.
    TypeError: integers.

Example:
    >>> plait.histc(plait.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.]))"},
    {"histogram(Tensor input, int bins=100, *, float[]? range=None, Tensor? weight=None, bool density=False) "
     "-> (Tensor hist, Tensor bin_edges)",
     "fmo", PLAIT_BOX(histogram_of_bins),
     R"(How many elements fall between each edge and the next, and the edges.

`bins` is a number of bins of equal width over `range` (two numbers; by default the smallest and largest element), or
the edges themselves, a 1-d tensor in ascending order. Elements outside are not counted; the last bin includes its upper
edge. `weight`, of the input's shape and dtype, is summed in place of counting. With `density` the result is divided
by its sum and by the widths, so that it integrates to 1. float32 or float64.

Raises:
    TypeError: other dtypes.
    ValueError: no bins, a range that is not finite or not ascending, weights of another shape.

Example:
    >>> plait.histogram(plait.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0)).hist
    tensor([0., 2., 1., 0.]))"},
    {"histogram(Tensor input, Tensor bins, *, Tensor? weight=None, bool density=False) "
     "-> (Tensor hist, Tensor bin_edges)",
     "fmo", PLAIT_BOX(histogram_of_edges), ""},
    {"isin(Operand elements, Operand test_elements, *, "
     "bool assume_unique=False, bool invert=False) -> Tensor",
     "f", PLAIT_BOX(isin),
     R"(Whether each of `elements` occurs in `test_elements`; with `invert` whether it does not.

One of them may be a number. `assume_unique` changes nothing.

Example:
    >>> plait.isin(plait.tensor([1, 2, 3]), plait.tensor([2, 5]))
    tensor([False,  True, False]))"},
    {"unique(Tensor input, bool sorted=True, bool return_inverse=False, "
     "bool return_counts=False, int? dim=None) -> Tensor | Tensor[]",
     "fm", PLAIT_BOX(unique),
     R"(The distinct elements in ascending order, whether `sorted` asks for it or not.

With `dim` the distinct slices along it, in lexicographic order. `return_inverse` adds, for every element, the place of
its value in the result; `return_counts` how often each value occurs. Every NaN counts as distinct.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.unique(plait.tensor([3, 1, 3]))
    tensor([1, 3])
    >>> plait.unique(plait.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2])))"},
    {"unique_consecutive(Tensor input, bool return_inverse=False, "
     "bool return_counts=False, int? dim=None) -> Tensor | Tensor[]",
     "fm", PLAIT_BOX(unique_consecutive), R"(One element of every run of equal elements.

With `dim` one slice of every run of equal slices. `return_inverse` adds, for every element, the number of its run;
`return_counts` the length of each run.

Raises:
    IndexError: a dimension out of range.

Example:
    >>> plait.unique_consecutive(plait.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1]))"},
};

}  // namespace
}  // namespace plait
