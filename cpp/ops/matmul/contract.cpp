// SPDX-License-Identifier: MIT
// Sums over chosen dimensions of products: all become batched matrix products by permuting dimensions.
#include <algorithm>
#include <string>

#include "ops/copy.h"
#include "ops/matmul/einsum_plan.h"
#include "ops/matmul/matmul.h"
#include "ops/matmul/matmul_run.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// ---- Einsum ----

// A tensor whose dimensions carry labels, each once.
struct Labelled {
  Tensor x;
  std::vector<int> labels;
  bool has(int label) const { return std::find(labels.begin(), labels.end(), label) != labels.end(); }
  int64_t dim(int label) const { return std::find(labels.begin(), labels.end(), label) - labels.begin(); }
};

Tensor permuted(const Labelled& t, const std::vector<int>& order) {
  Dims dims;
  for (const int label : order) dims.push_back(t.dim(label));
  bool same = true;
  for (int64_t d = 0; d < dims.size(); ++d) same = same && dims[d] == d;
  return same ? t.x : permute(t.x, dims);
}

// Sums over the dimensions whose labels are not `kept`.
Labelled sum_labels(const Labelled& t, const std::vector<bool>& kept) {
  Dims ones = t.x.shape(), rest;
  std::vector<int> labels;
  for (int64_t d = 0; d < ones.size(); ++d) {
    const int label = t.labels[static_cast<size_t>(d)];
    if (kept[static_cast<size_t>(label)]) {
      rest.push_back(ones[d]);
      labels.push_back(label);
    } else {
      ones[d] = 1;
    }
  }
  if (labels.size() == t.labels.size()) return t;
  return {reshape(sum_to(t.x, ones), rest), labels};
}

// Repeated labels of one operand name its diagonal.
Labelled take_diagonals(Labelled t) {
  for (size_t i = 0; i < t.labels.size(); ++i) {
    for (size_t j = i + 1; j < t.labels.size();) {
      if (t.labels[j] != t.labels[i]) {
        ++j;
        continue;
      }
      const auto first = static_cast<int64_t>(i), second = static_cast<int64_t>(j);
      t.x = movedim(diagonal(t.x, 0, first, second), Dims{-1}, Dims{first});
      t.labels.erase(t.labels.begin() + static_cast<std::ptrdiff_t>(j));
    }
  }
  return t;
}

Dims sizes_of(const Labelled& t, const std::vector<int>& labels) {
  Dims out;
  for (const int label : labels) out.push_back(t.x.size(t.dim(label)));
  return out;
}

// The product of two operands summed over the labels that neither the result nor another operand has. Shared
// labels that stay are a batch; a size of 1 broadcasts against the other operand's.
Labelled contract(Labelled a, Labelled b, const std::vector<bool>& kept) {
  // A label of both that is 1 on one side is no shared label: drop it there.
  const auto drop_ones = [](Labelled& x, const Labelled& y) {
    for (size_t d = 0; d < x.labels.size();) {
      const int label = x.labels[d];
      if (y.has(label) && x.x.size(static_cast<int64_t>(d)) == 1 && y.x.size(y.dim(label)) != 1) {
        x.x = squeeze(x.x, Dims{static_cast<int64_t>(d)});
        x.labels.erase(x.labels.begin() + static_cast<std::ptrdiff_t>(d));
      } else {
        ++d;
      }
    }
  };
  drop_ones(a, b);
  drop_ones(b, a);
  const bool sums = std::ranges::any_of(a.labels, [&](int label) {
    return b.has(label) && !kept[static_cast<size_t>(label)] && a.x.size(a.dim(label)) != 1;
  });
  if (sums) {
    check_dtypes("einsum", a.x, b.x);
  } else {  // a product of elements, whose dtypes are promoted
    const DType dtype = promote_types(a.x.dtype(), b.x.dtype());
    a.x = cast(a.x, dtype);
    b.x = cast(b.x, dtype);
  }
  std::vector<bool> kept_a = kept, kept_b = kept;
  for (const int label : b.labels) kept_a[static_cast<size_t>(label)] = true;
  for (const int label : a.labels) kept_b[static_cast<size_t>(label)] = true;
  a = sum_labels(a, kept_a);
  b = sum_labels(b, kept_b);
  std::vector<int> batch, rows, columns, summed;
  for (const int label : a.labels) {
    (!b.has(label) ? rows : kept[static_cast<size_t>(label)] ? batch : summed).push_back(label);
  }
  for (const int label : b.labels) {
    if (!a.has(label)) columns.push_back(label);
  }
  const auto join = [](std::initializer_list<const std::vector<int>*> parts) {
    std::vector<int> all;
    for (const auto* p : parts) all.insert(all.end(), p->begin(), p->end());
    return all;
  };
  const auto count = [](const Dims& d) { return numel_of(d); };
  const Dims batch_sizes = sizes_of(a, batch), row_sizes = sizes_of(a, rows), sum_sizes = sizes_of(a, summed),
             column_sizes = sizes_of(b, columns);
  Labelled y;
  y.labels = join({&batch, &rows, &columns});
  Dims shape = batch_sizes;
  for (const int64_t n : row_sizes) shape.push_back(n);
  for (const int64_t n : column_sizes) shape.push_back(n);
  const Tensor left = permuted(a, join({&batch, &rows, &summed}));
  const Tensor right = permuted(b, join({&batch, &summed, &columns}));
  if (batch.empty()) {
    const Tensor l = reshape(left, Dims{count(row_sizes), count(sum_sizes)});
    const Tensor r = reshape(right, Dims{count(sum_sizes), count(column_sizes)});
    y.x = reshape(mm(l, r), shape);
  } else {
    const Tensor l = reshape(left, Dims{count(batch_sizes), count(row_sizes), count(sum_sizes)});
    const Tensor r = reshape(right, Dims{count(batch_sizes), count(sum_sizes), count(column_sizes)});
    y.x = reshape(bmm(l, r), shape);
  }
  return y;
}

// Elements of the result of contracting a and b.
double result_size(const Labelled& a, const Labelled& b, const std::vector<bool>& kept) {
  double n = 1;
  for (const int label : a.labels) {
    if (kept[static_cast<size_t>(label)]) n *= static_cast<double>(a.x.size(a.dim(label)));
  }
  for (const int label : b.labels) {
    if (kept[static_cast<size_t>(label)] && !a.has(label)) n *= static_cast<double>(b.x.size(b.dim(label)));
  }
  return n;
}

}  // namespace

Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands) {
  const EinsumPlan plan = plan_einsum(equation, operands);
  std::vector<Labelled> left;
  for (size_t i = 0; i < operands.size(); ++i) left.push_back(take_diagonals({operands[i], plan.inputs[i]}));
  // Which labels the result and all operands but two have.
  const auto kept_without = [&](size_t i, size_t j) {
    std::vector<bool> kept(static_cast<size_t>(plan.labels), false);
    for (const int label : plan.output) kept[static_cast<size_t>(label)] = true;
    for (size_t o = 0; o < left.size(); ++o) {
      if (o == i || o == j) continue;
      for (const int label : left[o].labels) kept[static_cast<size_t>(label)] = true;
    }
    return kept;
  };
  while (left.size() > 1) {  // greedy: the pair whose result is smallest against what it replaces
    size_t best_i = 0, best_j = 1;
    double best = 0;
    for (size_t i = 0; i < left.size() && left.size() > 2; ++i) {
      for (size_t j = i + 1; j < left.size(); ++j) {
        const double gain = static_cast<double>(left[i].x.numel()) + static_cast<double>(left[j].x.numel()) -
                            result_size(left[i], left[j], kept_without(i, j));
        if ((i == 0 && j == 1) || gain > best) {
          best = gain;
          best_i = i;
          best_j = j;
        }
      }
    }
    left[best_i] = contract(left[best_i], left[best_j], kept_without(best_i, best_j));
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(best_j));
  }
  const std::vector<bool> kept = kept_without(0, 0);
  const bool sums = std::ranges::any_of(left[0].labels, [&](int l) { return !kept[static_cast<size_t>(l)]; });
  if (sums && is_integral(left[0].x.dtype())) left[0].x = cast(left[0].x, DType::kInt64);  // as sum()
  const Labelled y = sum_labels(left[0], kept);
  const Tensor result = permuted(y, plan.output);
  return operands.size() == 1 && result.is_same(operands[0]) ? view_alias(result) : result;
}

// ---- Others ----

Tensor outer(const Tensor& a, const Tensor& b) {
  PLAIT_CHECK(a.dim() == 1 && b.dim() == 1, kValue, "outer: expected two 1-D tensors, got shapes ", a.shape(),
              " and ", b.shape());
  return mul(unsqueeze(a, 1), unsqueeze(b, 0));
}

Tensor tensordot(const Tensor& a, const Tensor& b, IntSpan dims_a, IntSpan dims_b) {
  PLAIT_CHECK(dims_a.size() == dims_b.size(), kValue,
              "tensordot: expected as many dimensions of both tensors, got ", to_string(dims_a), " and ",
              to_string(dims_b));
  check_dtypes("tensordot", a, b);
  const Dims da = dims_a.empty() ? Dims() : wrap_dims("tensordot", dims_a, a.dim());
  const Dims db = dims_b.empty() ? Dims() : wrap_dims("tensordot", dims_b, b.dim());
  for (int64_t i = 0; i < da.size(); ++i) {
    PLAIT_CHECK(a.size(da[i]) == b.size(db[i]), kValue, "tensordot: expected dimensions ", to_string(dims_a),
                " of ", a.shape(), " and ", to_string(dims_b), " of ", b.shape(),
                " to have the same sizes, got ", a.size(da[i]), " and ", b.size(db[i]));
  }
  const auto free_dims = [](const Tensor& x, const Dims& used) {
    Dims out;
    for (int64_t d = 0; d < x.dim(); ++d) {
      if (std::find(used.begin(), used.end(), d) == used.end()) out.push_back(d);
    }
    return out;
  };
  const Dims fa = free_dims(a, da), fb = free_dims(b, db);
  Dims shape, order_a = fa, order_b = db;
  int64_t m = 1, n = 1, k = 1;
  for (const int64_t d : fa) m *= a.size(d), shape.push_back(a.size(d));
  for (const int64_t d : fb) n *= b.size(d), shape.push_back(b.size(d)), order_b.push_back(d);
  for (const int64_t d : da) k *= a.size(d), order_a.push_back(d);
  return reshape(mm(reshape(permute(a, order_a), Dims{m, k}), reshape(permute(b, order_b), Dims{k, n})),
                 shape);
}

Tensor inner(const Tensor& a, const Tensor& b) {
  if (a.dim() == 0 || b.dim() == 0) {
    check_dtypes("inner", a, b);
    const Tensor product = mm(reshape(a, Dims{a.numel(), 1}), reshape(b, Dims{1, b.numel()}));
    return reshape(product, a.dim() == 0 ? b.shape() : a.shape());
  }
  PLAIT_CHECK(a.size(-1) == b.size(-1), kValue, "inner: expected last dimensions of one size, got shapes ",
              a.shape(), " and ", b.shape());
  return tensordot(a, b, Dims{-1}, Dims{-1});
}

namespace {

// kron(a, b)[i*p + k, j*q + l] = a[i, j] b[k, l]: an outer product with its dimensions interleaved.
Tensor kron(const Tensor& a, const Tensor& b) {
  const DType dtype = promote_types(a.dtype(), b.dtype());
  const int64_t dims = std::max(a.dim(), b.dim());
  const auto padded = [&](const Tensor& x) {
    Dims shape(dims - x.dim(), 1);
    for (const int64_t n : x.shape()) shape.push_back(n);
    return shape;
  };
  const Dims sa = padded(a), sb = padded(b);
  Dims both = sa, order, shape;
  for (int64_t d = 0; d < dims; ++d) {
    both.push_back(sb[d]);
    order.push_back(d);
    order.push_back(dims + d);
    shape.push_back(sa[d] * sb[d]);
  }
  const Tensor product = outer(reshape(cast(a, dtype), Dims{-1}), reshape(cast(b, dtype), Dims{-1}));
  return reshape(permute(reshape(product, both), order), shape);
}

// The product of a chain in the order that needs the fewest multiplications, found by the classical dynamic
// program over sub-chains.
Tensor chain_matmul(const std::vector<Tensor>& matrices) {
  PLAIT_CHECK(!matrices.empty(), kValue, "multi_dot: expected at least one tensor");
  const size_t count = matrices.size();
  std::vector<Tensor> xs = matrices;
  const bool first_vector = count > 1 && xs[0].dim() == 1,
             last_vector = count > 1 && xs[count - 1].dim() == 1;
  if (first_vector) xs[0] = unsqueeze(xs[0], 0);
  if (last_vector) xs[count - 1] = unsqueeze(xs[count - 1], 1);
  for (size_t i = 0; i < count; ++i) {
    PLAIT_CHECK(xs[i].dim() == 2, kValue,
                "multi_dot: expected matrices (the first and last may be vectors), got shape ", xs[i].shape(),
                " in place ", i);
    PLAIT_CHECK(i == 0 || xs[i - 1].size(1) == xs[i].size(0), kValue,
                "multi_dot: shapes cannot be multiplied: ", xs[i - 1].shape(), " and ", xs[i].shape());
  }
  // cost[i][j]: multiplications for xs[i] ... xs[j]; cut[i][j]: where the last product splits them.
  std::vector<std::vector<double>> cost(count, std::vector<double>(count, 0));
  std::vector<std::vector<size_t>> cut(count, std::vector<size_t>(count, 0));
  for (size_t length = 1; length < count; ++length) {
    for (size_t i = 0; i + length < count; ++i) {
      const size_t j = i + length;
      for (size_t s = i; s < j; ++s) {
        const double c = cost[i][s] + cost[s + 1][j] +
                         static_cast<double>(xs[i].size(0)) * static_cast<double>(xs[s].size(1)) *
                             static_cast<double>(xs[j].size(1));
        if (s == i || c < cost[i][j]) {
          cost[i][j] = c;
          cut[i][j] = s;
        }
      }
    }
  }
  const auto product = [&](const auto& self, size_t i, size_t j) -> Tensor {
    return i == j ? xs[i] : mm(self(self, i, cut[i][j]), self(self, cut[i][j] + 1, j));
  };
  Tensor y = product(product, 0, count - 1);
  if (last_vector) y = squeeze(y, Dims{-1});
  if (first_vector) y = squeeze(y, Dims{0});
  return count == 1 ? view_alias(y) : y;
}

constexpr const char* kOuterDoc = R"(All products of an element of `input` (m) and one of `vec2` (n): (m, n).

Dtypes are promoted. Raises ValueError for tensors that are not 1-D.

Example:
    >>> plait.outer(plait.tensor([1., 2.]), plait.tensor([3., 4., 5.]))
    tensor([[ 3.,  4.,  5.],
            [ 6.,  8., 10.]]))";

const RegisterOps kOps{
    {"outer(Tensor input, Tensor vec2) -> Tensor", "fmoc", PLAIT_BOX(outer), kOuterDoc},
    {"ger(Tensor input, Tensor vec2) -> Tensor", "fmoc", PLAIT_BOX(outer), kOuterDoc},
    {"inner(Tensor input, Tensor other) -> Tensor", "fmoc", PLAIT_BOX(inner),
     R"(Products summed over the last dimension of both tensors.

(..., k) and (***, k) give (..., ***). A 0-d tensor multiplies the other one.

Raises:
    ValueError: last dimensions of two sizes.
    TypeError: mixed dtypes.

Example:
    >>> plait.inner(plait.ones(2, 3), plait.ones(4, 3)).shape
    plait.Size([2, 4]))"},
    {"kron(Tensor input, Tensor other) -> Tensor", "fmoc", PLAIT_BOX(kron),
     R"(The Kronecker product: every element of `input` replaced by itself times `other`.

Shapes multiply dimension by dimension; missing leading dimensions count as 1. Dtypes are promoted.

Example:
    >>> plait.kron(plait.eye(2), plait.tensor([[1., 2.]]))
    tensor([[1., 2., 0., 0.],
            [0., 0., 1., 2.]]))"},
    {"_tensordot(Tensor a, Tensor b, int[] dims_a, int[] dims_b) -> Tensor", "pc", PLAIT_BOX(tensordot),
     "tensordot with one list of dimensions per tensor."},
    {"_einsum(str equation, Tensor[] operands) -> Tensor", "pc", PLAIT_BOX(einsum),
     "einsum on a list of operands."},
    {"_multi_dot(Tensor[] tensors) -> Tensor", "pc", PLAIT_BOX(chain_matmul), "linalg.multi_dot."},
};

}  // namespace
}  // namespace plait
