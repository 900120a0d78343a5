// SPDX-License-Identifier: MIT
// Rows of a table by index, and its transpose: rows added into a table.
#include <algorithm>
#include <optional>
#include <vector>

#include "autograd/op.h"
#include "kernels/index/embedding_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/pointwise/pointwise.h"
#include "ops/registry.h"
#include "ops/sparse/sparse.h"
#include "ops/view/view.h"

namespace plait {
namespace {

struct TableUse {
  int64_t rows;         // of the table
  int64_t padding_idx;  // a row without gradient, or -1
  bool by_frequency;    // gradients divided by how often a row is used
  bool sparse = false;  // the gradient lists the rows that were used
};

// How much of a position's gradient reaches the table.
std::vector<float> gradient_scales(const int64_t* index, int64_t n, const TableUse& use) {
  std::vector<float> scale;
  if (!use.by_frequency) return scale;
  std::vector<int64_t> uses(static_cast<size_t>(use.rows));
  for (int64_t i = 0; i < n; ++i) ++uses[static_cast<size_t>(index[i])];
  scale.resize(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    scale[static_cast<size_t>(i)] = 1.0f / static_cast<float>(uses[static_cast<size_t>(index[i])]);
  }
  return scale;
}

// y[i, :] = table[index[i], :], times scale[i] where given; rows named padding_idx are 0 when `skip`.
Tensor gather_rows(const Tensor& table, const Tensor& index) {
  const Tensor from = contiguous(table);
  const int64_t width = from.shape()[1], bytes = width * static_cast<int64_t>(from.item_size());
  Dims shape = index.shape();
  shape.push_back(width);
  const Tensor y = Tensor::empty(shape, table.dtype());
  if (!y.has_values()) return y;
  take_table_rows(from.data_ptr(), bytes, index.data<int64_t>(), index.numel(), y.data_ptr());
  return y;
}

Tensor embedding_gradient(const Tensor& gy, const Tensor& index, const TableUse& use);

struct Embedding {
  static constexpr OpMeta meta{"embedding"};
  static Tensor forward(OpContext& ctx, const Tensor& table, const Tensor& index, const TableUse&) {
    ctx.save(index);
    return gather_rows(table, index);
  }
  // gtable[index[i], :] += gy[i, :]
  static Grads backward(OpContext& ctx, const Tensor& gy, const TableUse& use) {
    return {embedding_gradient(gy, ctx.saved(0), use), Tensor()};
  }
};

// gtable[index[i], :] += gy[i, :]
struct EmbeddingGradient {
  static constexpr OpMeta meta{"embedding_backward"};

  static Tensor forward(OpContext& ctx, const Tensor& gy, const Tensor& index, const TableUse& use) {
    ctx.save(index);
    const Tensor g = contiguous(cast(gy, compute_dtype(gy.dtype())));  // 16-bit floats are rounded once
    const int64_t n = index.numel(), width = g.shape()[g.dim() - 1];
    if (g.is_meta()) return Tensor::empty({use.rows, width}, gy.dtype());
    const int64_t* at = index.data<int64_t>();
    const std::vector<float> scale = gradient_scales(at, n, use);
    const Tensor table = Tensor::empty({use.rows, width}, g.dtype());
    sum_into_table({.dtype = g.dtype(),
                    .rows = use.rows,
                    .width = width,
                    .index = at,
                    .n = n,
                    .skipped = use.padding_idx,
                    .scale = scale.empty() ? nullptr : scale.data()},
                   g.data_ptr(), table.data_ptr());
    return cast(table, gy.dtype());
  }

  // Linear: the gradient of gy is the look-up in the gradient of the table.
  static Grads backward(OpContext& ctx, const Tensor& gtable, const TableUse& use) {
    const Tensor index = ctx.saved(0);
    const Tensor rows = apply<Embedding>(gtable, index, use);
    if ((use.padding_idx < 0 && !use.by_frequency) || rows.is_meta()) return {rows, Tensor()};
    const int64_t n = index.numel();
    const std::vector<float> scale = gradient_scales(index.data<int64_t>(), n, use);
    Dims shape = index.shape();
    shape.push_back(1);
    const Tensor factor = Tensor::empty(shape, DType::kFloat32);
    for (int64_t i = 0; i < n; ++i) {
      const bool skipped = index.data<int64_t>()[i] == use.padding_idx;
      factor.data<float>()[i] = skipped ? 0 : scale.empty() ? 1 : scale[static_cast<size_t>(i)];
    }
    return {mul(rows, cast(factor, rows.dtype())), Tensor()};
  }
};

Tensor embedding_gradient(const Tensor& gy, const Tensor& index, const TableUse& use) {
  if (use.sparse) return sparse_rows(index, contiguous(gy), use.rows, use.padding_idx);
  return apply<EmbeddingGradient>(gy, index, use);
}

// y[b, :] = sum of table[index[i], :] over bounds[b] <= i < bounds[b + 1]
struct EmbeddingBag {
  static constexpr OpMeta meta{"embedding_bag"};
  static Tensor forward(OpContext& ctx, const Tensor& table, const Tensor& index, const Tensor& bounds,
                        const TableUse&) {
    ctx.save(index, bounds);
    const Tensor from = contiguous(table);
    const int64_t width = from.shape()[1], bags = bounds.numel() - 1;
    const Tensor y = Tensor::empty({bags, width}, table.dtype());
    if (y.is_meta()) return y;
    sum_table_rows(table.dtype(), from.data_ptr(), width, index.data<int64_t>(), bounds.data<int64_t>(), bags,
                   y.data_ptr());
    return y;
  }
  // gtable[index[i], :] += gy[bag of i, :]
  static Grads backward(OpContext& ctx, const Tensor& gy, const TableUse& use) {
    const Tensor index = ctx.saved(0), bounds = ctx.saved(1);
    const Tensor bag = Tensor::empty({index.numel()}, DType::kInt64);
    const int64_t* bound = bag.is_meta() ? nullptr : bounds.data<int64_t>();
    for (int64_t b = 0; bound && b + 1 < bounds.numel(); ++b) {
      std::fill(bag.data<int64_t>() + bound[b], bag.data<int64_t>() + bound[b + 1], b);
    }
    return {embedding_gradient(index_select(gy, 0, bag), index, use), Tensor(), Tensor()};
  }
};

// The indices as contiguous int64, each checked to name a row of the table.
Tensor checked_index(const char* op, const Tensor& input, const Tensor& table) {
  PLAIT_CHECK(table.dim() == 2, kValue, op, ": expected weight of 2 dimensions (V, D), got shape ",
              table.shape());
  PLAIT_CHECK(is_integral(input.dtype()) && input.dtype() != DType::kBool, kType, op,
              ": expected indices of an integer dtype, got ", dtype_name(input.dtype()));
  const int64_t rows = table.shape()[0];
  const Tensor index = contiguous(cast(input, DType::kInt64));
  PLAIT_CHECK(table.is_meta() || !index.is_meta(), kRuntime, op,
              ": expected indices on the device cpu as the weight is, got meta");
  if (index.is_meta() || all_inside(index.data<int64_t>(), index.numel(), rows)) return index;
  for (int64_t i = 0; i < index.numel(); ++i) {
    const int64_t v = index.data<int64_t>()[i];
    PLAIT_CHECK(v >= 0 && v < rows, kIndex, op, ": index ", v, " is out of bounds for a table of ", rows,
                " rows");
  }
  return index;
}

Tensor embedding(const Tensor& input, const Tensor& table, std::optional<int64_t> padding_idx,
                 bool by_frequency, bool sparse) {
  const Tensor index = checked_index("embedding", input, table);
  const int64_t rows = table.shape()[0];
  PLAIT_CHECK(!(sparse && by_frequency), kValue,
              "embedding: expected scale_grad_by_freq=False with sparse gradients");
  TableUse use{rows, padding_idx.value_or(-1), by_frequency, sparse};
  if (padding_idx) {
    PLAIT_CHECK(*padding_idx >= -rows && *padding_idx < rows, kValue, "embedding: padding_idx ", *padding_idx,
                " is out of bounds for a table of ", rows, " rows");
    if (use.padding_idx < 0) use.padding_idx += rows;
  }
  return apply<Embedding>(table, index, use);
}

// bounds: where each bag begins, and the end of the last one.
Tensor embedding_bag_sum(const Tensor& table, const Tensor& input, const Tensor& bounds, bool by_frequency,
                         bool sparse) {
  const Tensor index = checked_index("embedding_bag", input, table);
  PLAIT_CHECK(table.is_floating(), kType, "embedding_bag: expected a floating-point weight, got ",
              dtype_name(table.dtype()));
  PLAIT_CHECK(input.dim() == 1 && bounds.dim() == 1 && bounds.numel() > 0 && bounds.dtype() == DType::kInt64,
              kValue, "embedding_bag: expected 1-D indices and 1-D bounds of dtype int64, got shapes ",
              input.shape(), " and ", bounds.shape());
  const Tensor ends = contiguous(bounds);
  const int64_t* const bound = ends.is_meta() ? nullptr : ends.data<int64_t>();
  PLAIT_CHECK(!bound || (bound[0] >= 0 && std::is_sorted(bound, bound + ends.numel()) &&
                         bound[ends.numel() - 1] <= index.numel()),
              kValue, "embedding_bag: expected bounds that rise from 0 to at most ", index.numel());
  return apply<EmbeddingBag>(table, index, ends, TableUse{table.shape()[0], -1, by_frequency, sparse});
}

Tensor one_hot(const Tensor& input, int64_t classes) {
  PLAIT_CHECK(input.dtype() == DType::kInt64, kType, "one_hot: expected class indices of dtype int64, got ",
              dtype_name(input.dtype()));
  PLAIT_CHECK(classes >= -1 && classes != 0, kValue, "one_hot: expected num_classes above 0 or -1, got ",
              classes);
  PLAIT_CHECK(input.numel() > 0 || classes > 0, kValue,
              "one_hot: the number of classes cannot be inferred from no elements\nhint: pass num_classes");
  const Tensor index = contiguous(input);
  const bool shape_only = index.is_meta() && classes > 0;
  const int64_t* at = shape_only ? nullptr : index.data<int64_t>();
  int64_t largest = -1;
  for (int64_t i = 0; at && i < index.numel(); ++i) {
    PLAIT_CHECK(at[i] >= 0, kValue, "one_hot: expected class indices of at least 0, got ", at[i]);
    largest = std::max(largest, at[i]);
  }
  if (classes == -1) classes = largest + 1;
  PLAIT_CHECK(largest < classes, kValue, "one_hot: class ", largest, " is not smaller than num_classes ",
              classes);
  Dims shape = input.shape();
  shape.push_back(classes);
  const Tensor y = zeros(shape, DType::kInt64);
  for (int64_t i = 0; at && i < index.numel(); ++i) y.data<int64_t>()[i * classes + at[i]] = 1;
  return y;
}

const RegisterOps kOps{
    {"embedding(Tensor input, Tensor weight, int? padding_idx, bool scale_grad_by_freq, bool sparse=False) "
     "-> Tensor",
     "pd", PLAIT_BOX(embedding), "nn.functional.embedding without max_norm."},
    {"_embedding_bag_sum(Tensor weight, Tensor input, Tensor bounds, bool by_frequency, bool sparse=False) "
     "-> Tensor",
     "p", PLAIT_BOX(embedding_bag_sum), "The sums of nn.functional.embedding_bag."},
    {"one_hot(Tensor input, int num_classes=-1) -> Tensor", "n", PLAIT_BOX(one_hot),
     R"(A new last dimension that is 1 at the class index and 0 elsewhere, int64.

Args:
    num_classes: its size; by default one more than the largest index.

Raises:
    ValueError: negative indices, indices not below `num_classes` or no elements without it.
    TypeError: another dtype than int64.

Example:
    >>> plait.nn.functional.one_hot(plait.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]]))"},
};

}  // namespace
}  // namespace plait
