// SPDX-License-Identifier: MIT
// Losses. The elementwise ones are compositions of pointwise ops; cross-entropy over class indices is fused
// with its log-softmax and keeps two numbers per row for backward.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <sstream>
#include <vector>

#include "autograd/op.h"
#include "core/warning.h"
#include "kernels/softmax/row_totals.h"
#include "kernels/softmax/softmax_driver.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/nn/softmax.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

enum class Reduce : uint8_t { kNone, kMean, kSum, kBatchMean };

// `size_average` and `reduce` are the older spelling, which wins where given.
Reduce reduction_of(const char* op, std::optional<bool> size_average, std::optional<bool> reduce,
                    std::string_view name, bool batch_mean = false) {
  if (size_average || reduce) {
    if (!reduce.value_or(true)) return Reduce::kNone;
    return size_average.value_or(true) ? Reduce::kMean : Reduce::kSum;
  }
  if (name == "none") return Reduce::kNone;
  if (name == "mean") return Reduce::kMean;
  if (name == "sum") return Reduce::kSum;
  if (batch_mean && name == "batchmean") return Reduce::kBatchMean;
  PLAIT_FAIL(kValue, op, ": expected reduction 'none', 'mean'",
             batch_mean ? ", 'sum' or 'batchmean'" : " or 'sum'", ", got '", std::string(name), "'");
}

Tensor reduced(const Tensor& loss, Reduce how) {
  switch (how) {
    case Reduce::kMean:
      return mean(loss);
    case Reduce::kSum:
      return sum(loss);
    case Reduce::kBatchMean:
      return div(sum(loss), static_cast<double>(loss.dim() == 0 ? 1 : loss.shape()[0]));
    default:
      return loss;
  }
}

Tensor weighted(const Tensor& loss, const Tensor& weight) {
  return weight.defined() ? mul(loss, weight) : loss;
}

void check_same_shape(const char* op, const Tensor& input, const Tensor& target) {
  PLAIT_CHECK(input.shape() == target.shape(), kValue, op, ": expected target of the input's shape ",
              input.shape(), ", got ", target.shape());
}

using Legacy = std::optional<bool>;

// ---- Elementwise ----

// A target of another shape is broadcast, as PyTorch does, but hardly ever meant: (n, 1) and (n,) make (n,
// n).
void check_target(const char* op, const Tensor& x, const Tensor& y) {
  broadcast_shapes(op, x.shape(), y.shape());
  if (x.shape() == y.shape()) return;
  std::ostringstream text;
  text << op << ": Using a target size (" << y.shape() << ") that is different to the input size ("
       << x.shape()
       << "). This will likely lead to incorrect results due to broadcasting. Please ensure they have the "
          "same "
          "size.";
  warn(text.str());
}

Tensor mse_loss(const Tensor& x, const Tensor& y, Legacy average, Legacy reduce, std::string_view name,
                const Tensor& weight) {
  const Reduce how = reduction_of("mse_loss", average, reduce, name);
  check_target("mse_loss", x, y);
  return reduced(weighted(squared_difference(x, y), weight), how);
}

Tensor l1_loss(const Tensor& x, const Tensor& y, Legacy average, Legacy reduce, std::string_view name,
               const Tensor& weight) {
  const Reduce how = reduction_of("l1_loss", average, reduce, name);
  check_target("l1_loss", x, y);
  const bool floats = x.is_floating() || y.is_floating(), complex = x.is_complex() || y.is_complex();
  return reduced(weighted(floats && !complex ? huber(x, y, 0, 0, 1) : abs(sub(x, y)), weight), how);
}

// d^2 / (2 beta) where |d| < beta, |d| - beta / 2 beyond
Tensor smooth_l1_loss(const Tensor& x, const Tensor& y, Legacy average, Legacy reduce, std::string_view name,
                      double beta) {
  const Reduce how = reduction_of("smooth_l1_loss", average, reduce, name);
  check_target("smooth_l1_loss", x, y);
  PLAIT_CHECK(beta >= 0, kValue, "smooth_l1_loss: expected beta >= 0, got ", beta);
  return reduced(huber(x, y, beta, beta == 0 ? 0 : 1 / beta, 1), how);
}

// d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) beyond
Tensor huber_loss(const Tensor& x, const Tensor& y, std::string_view name, double delta,
                  const Tensor& weight) {
  const Reduce how = reduction_of("huber_loss", {}, {}, name);
  check_target("huber_loss", x, y);
  PLAIT_CHECK(delta > 0, kValue, "huber_loss: expected delta > 0, got ", delta);
  return reduced(weighted(huber(x, y, delta, 1, delta), weight), how);
}

Tensor binary_cross_entropy(const Tensor& x, const Tensor& t, const Tensor& weight, Legacy average,
                            Legacy reduce, std::string_view name) {
  const Reduce how = reduction_of("binary_cross_entropy", average, reduce, name);
  PLAIT_CHECK(x.is_floating(), kType, "binary_cross_entropy: expected a floating-point input, got ",
              dtype_name(x.dtype()));
  check_same_shape("binary_cross_entropy", x, t);
  if (!x.is_meta()) {
    NoGradGuard guard;
    PLAIT_CHECK(all(logical_and(ge(x, 0.0), le(x, 1.0))).item_as<bool>(), kValue,
                "binary_cross_entropy: expected inputs between 0 and 1",
                "\nhint: binary_cross_entropy_with_logits takes unbounded scores");
  }
  return reduced(weighted(probability_loss(x, t), weight), how);
}

// (1 - t) x - (1 + (pos_weight - 1) t) log(sigmoid(x))
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& t, const Tensor& weight,
                                        Legacy average, Legacy reduce, std::string_view name,
                                        const Tensor& pos_weight) {
  const char* op = "binary_cross_entropy_with_logits";
  const Reduce how = reduction_of(op, average, reduce, name);
  PLAIT_CHECK(x.is_floating(), kType, op, ": expected a floating-point input, got ", dtype_name(x.dtype()));
  check_same_shape(op, x, t);
  if (!pos_weight.defined()) return reduced(weighted(logistic_loss(x, t), weight), how);
  const Tensor target = t.is_floating() ? t : cast(t, x.dtype());  // -t is no integer's
  Tensor positive = neg(logsigmoid(x));
  positive = mul(positive, add(mul(sub(pos_weight, 1.0), target), 1.0));
  return reduced(weighted(add(mul(add(neg(target), 1.0), x), positive), weight), how);
}

// t (log t - x), with log t given instead of t under log_target
Tensor kl_div(const Tensor& x, const Tensor& t, Legacy average, Legacy reduce, std::string_view name,
              bool log_target) {
  const Reduce how = reduction_of("kl_div", average, reduce, name, true);
  broadcast_shapes("kl_div", x.shape(), t.shape());
  const Tensor loss = log_target ? mul(exp(t), sub(t, x)) : sub(xlogy(t, t), mul(t, x));
  return reduced(loss, how);
}

// ---- Classes ----

void check_classes(const char* op, const Tensor& input, const Tensor& target) {
  PLAIT_CHECK(input.is_floating(), kType, op, ": expected a floating-point input, got ",
              dtype_name(input.dtype()));
  PLAIT_CHECK(input.dim() >= 1, kValue, op, ": expected an input of at least 1 dimension, got a 0-d tensor");
  PLAIT_CHECK(
      target.dtype() == DType::kInt64 || target.dtype() == DType::kInt32 || target.dtype() == DType::kUInt8,
      kType, op, ": expected class indices of dtype int64, got ", dtype_name(target.dtype()));
  Dims wanted = input.shape();
  wanted.erase(input.dim() == 1 ? 0 : 1);
  PLAIT_CHECK(target.shape() == wanted, kValue, op, ": expected target of shape ", wanted,
              " for input of shape ", input.shape(), ", got ", target.shape());
}
void check_class_weight(const char* op, const Tensor& weight, int64_t classes) {
  PLAIT_CHECK(!weight.defined() || (weight.dim() == 1 && weight.numel() == classes), kValue, op,
              ": expected weight of shape (", classes, ",), one entry per class, got ", weight.shape());
}

Tensor class_last(const Tensor& input) {
  if (input.dim() == 1) return reshape(input, Dims{1, input.numel()});
  const Tensor moved = input.dim() == 2 ? input : movedim(input, Dims{1}, Dims{-1});
  return reshape(moved, Dims{-1, input.shape()[1]});
}

struct CrossEntropyOptions {
  int64_t ignore_index;
  Reduce reduction;
  double smoothing;
};

// What the rows of a batch contribute: see kernels/softmax/softmax_args.h for the formulas.
class ClassWeights {
 public:
  ClassWeights(const Tensor& target, const Tensor& weight, int64_t classes, const CrossEntropyOptions& o)
      : target_(target.data<int64_t>()),
        weight_(weight),
        options_(o),
        total_(weight.defined() ? 0.0 : static_cast<double>(classes)) {
    for (int64_t c = 0; weight.defined() && c < classes; ++c) total_ += at(c);
  }
  bool ignored(int64_t row) const { return target_[row] == options_.ignore_index; }
  int64_t target(int64_t row) const { return target_[row]; }
  double of_target(int64_t row) const { return ignored(row) ? 0 : at(target_[row]); }
  double total() const { return total_; }

 private:
  double at(int64_t c) const {
    if (!weight_.defined()) return 1;
    return computed_at(weight_, c);
  }
  const int64_t* target_;
  const Tensor& weight_;
  const CrossEntropyOptions& options_;
  double total_;
};

// 1 / the sum of the rows' weights under 'mean', 1 otherwise.
double scale_of_rows(int64_t rows, const ClassWeights& w, const CrossEntropyOptions& o) {
  if (o.reduction != Reduce::kMean) return 1;
  return 1 / total_of_rows(rows, [&](int64_t r) { return RowTotals{0, w.of_target(r)}; }).count;
}

struct CrossEntropy {
  static constexpr OpMeta meta{"cross_entropy"};

  // x[rows, C], target[rows], weight[C] of the compute type or undefined.
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& target, const Tensor& weight,
                        const CrossEntropyOptions& o) {
    const Tensor in = contiguous(x);
    const int64_t rows = x.shape()[0], classes = x.shape()[1];
    const Tensor stats = Tensor::empty({rows, 2}, compute_dtype(x.dtype()));
    const bool each = o.reduction == Reduce::kNone;
    const Tensor y = each ? Tensor::empty({rows}, x.dtype()) : Tensor::empty(IntSpan(), x.dtype());
    if (y.is_meta()) {
      ctx.save(in, target, weight, stats);
      return y;
    }
    std::vector<double> sums(o.smoothing > 0 ? static_cast<size_t>(rows) : 0);
    CrossEntropyArgs a = {};
    a.x = in.data_ptr();
    a.weight = weight.defined() ? weight.data_ptr() : nullptr;
    a.stats = stats.data_ptr();
    a.weighted = sums.empty() ? nullptr : sums.data();
    a.rows = rows;
    a.n = classes;
    cross_entropy_rows(x.dtype(), a);
    ctx.save(in, target, weight, stats);

    const ClassWeights w(target, weight, classes, o);
    dispatch(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const RowTotals total = total_of_rows(rows, [&](int64_t r) {
        double loss = 0;
        if (!w.ignored(r)) {
          const double m = computed_at(stats, 2 * r), log_sum = std::log(computed_at(stats, 2 * r + 1));
          const double picked = convert<double>(in.data<T>()[r * classes + w.target(r)]);
          loss = (1 - o.smoothing) * w.of_target(r) * ((m - picked) + log_sum);
          if (o.smoothing > 0) {
            const double others = w.total() * (m + log_sum) - sums[static_cast<size_t>(r)];
            loss += o.smoothing / static_cast<double>(classes) * others;
          }
        }
        if (each) y.data<T>()[r] = convert<T>(loss);
        return RowTotals{loss, w.of_target(r)};
      });
      if (!each) {
        *y.data<T>() = convert<T>(o.reduction == Reduce::kMean ? total.loss / total.count : total.loss);
      }
    });
    return y;
  }

  // gx = g ((1-s) w[t] + s/C W) softmax(x) - g s/C w - onehot(t) g (1-s) w[t]
  static Grads backward(OpContext& ctx, const Tensor& gy, const CrossEntropyOptions& o) {
    const Tensor x = ctx.saved(0), target = ctx.saved(1), weight = ctx.saved(2);
    if (x.is_meta()) return {Tensor::empty(x.shape(), x.dtype()), Tensor(), Tensor()};
    const int64_t rows = x.shape()[0], classes = x.shape()[1];
    const ClassWeights w(target, weight, classes, o);
    const double scale = scale_of_rows(rows, w, o);
    const double share = o.smoothing / static_cast<double>(classes);
    const Tensor whole = Tensor::empty({rows, 1}, DType::kFloat64),
                 hit = Tensor::empty({rows, 1}, DType::kFloat64),
                 smoothed = Tensor::empty({rows, 1}, DType::kFloat64),
                 index = Tensor::empty({rows, 1}, DType::kInt64);
    for (int64_t r = 0; r < rows; ++r) {
      const double on = w.ignored(r) ? 0 : scale;
      smoothed.data<double>()[r] = on * share;
      hit.data<double>()[r] = on * (1 - o.smoothing) * w.of_target(r);
      whole.data<double>()[r] = hit.data<double>()[r] + on * share * w.total();
      index.data<int64_t>()[r] = w.ignored(r) ? 0 : target.data<int64_t>()[r];
    }
    const auto as_x = [&](const Tensor& v) { return cast(v, x.dtype()); };
    const Tensor g = o.reduction == Reduce::kNone ? reshape(gy, Dims{rows, 1}) : gy;
    Tensor gx = mul(mul(g, as_x(whole)), softmax(x, 1));
    if (o.smoothing > 0) {
      const Tensor even = mul(g, as_x(smoothed));
      gx = sub(gx, weight.defined() ? mul(even, as_x(weight)) : even);
    }
    const Tensor at_target = expand(mul(g, as_x(hit)), Dims{rows, 1});
    gx = sub(gx, scatter_add_(zeros(x.shape(), x.dtype()), 1, index, at_target));
    return {gx, Tensor(), Tensor()};
  }

  static Grads fused_backward(OpContext& ctx, const Tensor& gy, const CrossEntropyOptions& o) {
    const Tensor x = ctx.saved(0), target = ctx.saved(1), weight = ctx.saved(2), stats = ctx.saved(3);
    const int64_t rows = x.shape()[0], classes = x.shape()[1];
    const ClassWeights w(target, weight, classes, o);
    const double scale = scale_of_rows(rows, w, o);
    const double share = o.smoothing / static_cast<double>(classes);
    std::vector<double> a(static_cast<size_t>(rows)), b(o.smoothing > 0 ? static_cast<size_t>(rows) : 0),
        hit(a);
    const Tensor g = cast(contiguous(gy), DType::kFloat64);
    for_rows(rows, [&](int64_t r) {
      const auto i = static_cast<size_t>(r);
      const double up = w.ignored(r) ? 0 : scale * g.data<double>()[o.reduction == Reduce::kNone ? r : 0];
      hit[i] = up * (1 - o.smoothing) * w.of_target(r);
      a[i] = (hit[i] + up * share * w.total()) / computed_at(stats, 2 * r + 1);
      if (!b.empty()) b[i] = -up * share;
      if (w.ignored(r)) a[i] = 0;  // whatever the row holds
    });
    const Tensor gx = Tensor::empty(x.shape(), x.dtype());
    CrossEntropyArgs args = {};
    args.x = x.data_ptr();
    args.weight = weight.defined() ? weight.data_ptr() : nullptr;
    args.stats = stats.data_ptr();
    args.exp_scale = a.data();
    args.weight_scale = b.empty() ? nullptr : b.data();
    args.gx = gx.data_ptr();
    args.rows = rows;
    args.n = classes;
    cross_entropy_rows_backward(x.dtype(), args);
    dispatch(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      for_rows(rows, [&](int64_t r) {
        if (w.ignored(r)) return;
        T& at = gx.data<T>()[r * classes + w.target(r)];
        at = convert<T>(convert<double>(at) - hit[static_cast<size_t>(r)]);
      });
    });
    return {gx, Tensor(), Tensor()};
  }
};

// -w[t] x[t] of every row; x[batch, classes, inner], a row being a (batch, inner).
struct NllLoss {
  static constexpr OpMeta meta{"nll_loss"};

  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& target, const Tensor& weight,
                        const Dims& shape, const CrossEntropyOptions& o) {
    const Tensor in = contiguous(x);
    ctx.save(target, weight);
    const int64_t rows = target.numel();
    const bool each = o.reduction == Reduce::kNone;
    const Tensor y = each ? Tensor::empty({rows}, x.dtype()) : Tensor::empty(IntSpan(), x.dtype());
    if (y.is_meta()) return y;
    const ClassWeights w(target, weight, shape[1], o);
    dispatch(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const RowTotals total = total_of_rows(rows, [&](int64_t r) {
        RowTotals row;
        if (!w.ignored(r)) {
          row.count = w.of_target(r);
          row.loss = -row.count * convert<double>(in.data<T>()[picked(shape, r, w.target(r))]);
        }
        if (each) y.data<T>()[r] = convert<T>(row.loss);
        return row;
      });
      if (!each) {
        *y.data<T>() = convert<T>(o.reduction == Reduce::kMean ? total.loss / total.count : total.loss);
      }
    });
    return y;
  }

  // gx = -onehot(t) gy w[t], over the sum of the weights under 'mean'
  static Grads backward(OpContext& ctx, const Tensor& gy, const Dims& shape, const CrossEntropyOptions& o) {
    const Tensor target = ctx.saved(0), weight = ctx.saved(1);
    if (gy.is_meta()) return {Tensor::empty(shape, gy.dtype()), Tensor(), Tensor()};
    const ClassWeights w(target, weight, shape[1], o);
    const int64_t rows = target.numel();
    const double scale = scale_of_rows(rows, w, o);
    const Dims row_shape{shape[0], 1, shape[2]};
    const Tensor factor = Tensor::empty(row_shape, DType::kFloat64),
                 index = Tensor::empty(row_shape, DType::kInt64);
    for (int64_t r = 0; r < rows; ++r) {
      factor.data<double>()[r] = row_factor(w, scale, r);
      index.data<int64_t>()[r] = w.ignored(r) ? 0 : w.target(r);
    }
    const Tensor g = o.reduction == Reduce::kNone ? reshape(gy, row_shape) : gy;
    const Tensor values = expand(mul(g, cast(factor, gy.dtype())), row_shape);
    return {scatter_add_(zeros(shape, gy.dtype()), 1, index, values), Tensor(), Tensor()};
  }

  static Grads fused_backward(OpContext& ctx, const Tensor& gy, const Dims& shape,
                              const CrossEntropyOptions& o) {
    const Tensor target = ctx.saved(0), weight = ctx.saved(1);
    const ClassWeights w(target, weight, shape[1], o);
    const int64_t rows = target.numel();
    const double scale = scale_of_rows(rows, w, o);
    const Tensor g = contiguous(gy), gx = zeros(shape, gy.dtype());
    dispatch(gy.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      for_rows(rows, [&](int64_t r) {
        if (w.ignored(r)) return;
        const double up = convert<double>(g.data<T>()[o.reduction == Reduce::kNone ? r : 0]);
        gx.data<T>()[picked(shape, r, w.target(r))] = convert<T>(up * row_factor(w, scale, r));
      });
    });
    return {gx, Tensor(), Tensor()};
  }

 private:
  // What the picked entry of a row is multiplied by in the loss.
  static double row_factor(const ClassWeights& w, double scale, int64_t row) {
    return w.ignored(row) ? 0 : -scale * w.of_target(row);
  }
  static int64_t picked(const Dims& shape, int64_t row, int64_t target) {
    return shape[2] == 1 ? row * shape[1] + target
                         : (row / shape[2] * shape[1] + target) * shape[2] + row % shape[2];
  }
};

// -sum_c w[c] t[c] log_softmax(x)[c], targets mixed with the uniform distribution by `smoothing`
Tensor cross_entropy_soft(const Tensor& x, const Tensor& t, const Tensor& weight,
                          const CrossEntropyOptions& o) {
  const int64_t dim = x.dim() == 1 ? 0 : 1, classes = x.shape()[dim];
  const double share = o.smoothing / static_cast<double>(std::max<int64_t>(1, classes));
  const Tensor target = o.smoothing > 0 ? add(mul(t, 1 - o.smoothing), share) : t;
  Tensor terms = mul(log_softmax(x, dim), target);
  if (weight.defined()) {
    Dims shape(x.dim(), 1);
    shape[dim] = classes;
    terms = mul(terms, reshape(weight, shape));
  }
  const Tensor loss = neg(sum(terms, Dims{dim}));
  return o.reduction == Reduce::kMean ? div(sum(loss), static_cast<double>(loss.numel()))
                                      : reduced(loss, o.reduction);
}

void check_targets(const char* op, const Tensor& target, int64_t classes, int64_t ignore_index) {
  if (target.is_meta()) return;
  const int64_t* t = target.data<int64_t>();
  for (int64_t i = 0; i < target.numel(); ++i) {
    PLAIT_CHECK((t[i] >= 0 && t[i] < classes) || t[i] == ignore_index, kIndex, op, ": target ", t[i],
                " is out of bounds for ", classes, " classes");
  }
}
Tensor class_indices(const Tensor& target) { return contiguous_as(target, DType::kInt64); }

// Class weights for inputs of a dtype; constants.
Tensor class_weights(const Tensor& weight, DType input) {
  return weight.defined() ? contiguous_as(weight.alias(), compute_dtype(input)) : weight;
}

Tensor cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight, Legacy average,
                     int64_t ignore_index, Legacy reduce, std::string_view name, double smoothing) {
  const char* op = "cross_entropy";
  const CrossEntropyOptions o{ignore_index, reduction_of(op, average, reduce, name), smoothing};
  PLAIT_CHECK(smoothing >= 0 && smoothing <= 1, kValue, op,
              ": expected label_smoothing between 0 and 1, got ", smoothing);
  PLAIT_CHECK(x.dim() >= 1, kValue, op, ": expected an input of at least 1 dimension, got a 0-d tensor");
  check_class_weight(op, weight, x.shape()[x.dim() == 1 ? 0 : 1]);
  if (target.is_floating()) {
    PLAIT_CHECK(ignore_index < 0, kValue, op, ": ignore_index is not supported for class probabilities, got ",
                ignore_index);
    PLAIT_CHECK(x.is_floating(), kType, op, ": expected a floating-point input, got ", dtype_name(x.dtype()));
    PLAIT_CHECK(x.shape() == target.shape(), kValue, op,
                ": expected class probabilities of the input's shape ", x.shape(), ", got ", target.shape(),
                "\nhint: class indices have an integer dtype");
    return cross_entropy_soft(x, target, weight, o);
  }
  check_classes(op, x, target);
  const Tensor rows = class_last(x);
  const Tensor t = reshape(class_indices(target), Dims{target.numel()});
  check_targets(op, t, rows.shape()[1], ignore_index);
  const Tensor loss = apply<CrossEntropy>(rows, t, class_weights(weight, x.dtype()), o);
  return o.reduction == Reduce::kNone ? reshape(loss, target.shape()) : loss;
}

Tensor nll_loss(const Tensor& x, const Tensor& target, const Tensor& weight, Legacy average,
                int64_t ignore_index, Legacy reduce, std::string_view name) {
  const CrossEntropyOptions o{ignore_index, reduction_of("nll_loss", average, reduce, name), 0};
  check_classes("nll_loss", x, target);
  const bool batched = x.dim() > 1;
  const int64_t classes = x.shape()[batched ? 1 : 0], batch = batched ? x.shape()[0] : 1;
  check_class_weight("nll_loss", weight, classes);
  const Tensor t = reshape(class_indices(target), Dims{target.numel()});
  check_targets("nll_loss", t, classes, ignore_index);
  const Dims shape{batch, classes, batch ? target.numel() / batch : 1};
  const Tensor loss = apply<NllLoss>(reshape(x, shape), t, class_weights(weight, x.dtype()), shape, o);
  return o.reduction == Reduce::kNone ? reshape(loss, target.shape()) : loss;
}

const RegisterOps kOps{
    {"mse_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str "
     "reduction='mean', "
     "Tensor? weight=None) -> Tensor",
     "n", PLAIT_BOX(mse_loss),
     R"(The squared error (input - target)**2; the shapes broadcast.

Args:
    reduction: 'mean', 'sum' or 'none'.
    size_average, reduce: its older spelling.
    weight: multiplied to the elements before the reduction.

Raises:
    ValueError: shapes that do not broadcast or another reduction.

Example:
    >>> plait.nn.functional.mse_loss(plait.tensor([1., 2.]), plait.tensor([1., 4.]))
    tensor(2.))"},
    {"l1_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean', "
     "Tensor? weight=None) -> Tensor",
     "nc", PLAIT_BOX(l1_loss),
     R"(The absolute error |input - target|; the shapes broadcast. The gradient at 0 is 0.

Args:
    reduction: 'mean', 'sum' or 'none'.
    size_average, reduce: its older spelling.
    weight: multiplied to the elements before the reduction.

Raises:
    ValueError: shapes that do not broadcast or another reduction.

Example:
    >>> plait.nn.functional.l1_loss(plait.tensor([1., 2.]), plait.tensor([1., 4.]))
    tensor(1.))"},
    {"smooth_l1_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, "
     "str reduction='mean', float beta=1.0) -> Tensor",
     "n", PLAIT_BOX(smooth_l1_loss),
     R"(d**2 / (2 beta) where |d| < beta and |d| - beta / 2 beyond, d = input - target (Girshick 2015).

Args:
    reduction: 'mean', 'sum' or 'none'.
    size_average, reduce: its older spelling.
    beta: where the parabola meets the line; 0 gives `l1_loss`.

Raises:
    ValueError: a negative `beta`, shapes that do not broadcast or another reduction.

Example:
    >>> plait.nn.functional.smooth_l1_loss(plait.tensor([0., 0.]), plait.tensor([1., 3.]), reduction='none')
    tensor([0.5000, 2.5000]))"},
    {"huber_loss(Tensor input, Tensor target, str reduction='mean', "
     "float delta=1.0, Tensor? weight=None) -> Tensor",
     "n", PLAIT_BOX(huber_loss),
     R"(d**2 / 2 where |d| <= delta and delta (|d| - delta / 2) beyond, d = input - target (Huber 1964).

Args:
    reduction: 'mean', 'sum' or 'none'.
    delta: where the parabola meets the line, above 0.
    weight: multiplied to the elements before the reduction.

Raises:
    ValueError: another `delta`, shapes that do not broadcast or another reduction.

Example:
    >>> plait.nn.functional.huber_loss(plait.tensor([0., 0.]), plait.tensor([1., 3.]), reduction='none')
    tensor([0.5000, 2.5000]))"},
    {"binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, "
     "bool? reduce=None, str reduction='mean') -> Tensor",
     "n", PLAIT_BOX(binary_cross_entropy),
     R"(-(target log(input) + (1 - target) log(1 - input)), with logarithms no smaller than -100.

Args:
    input: probabilities between 0 and 1.
    target: of the same shape.
    weight: multiplied to the elements before the reduction.
    reduction: 'mean', 'sum' or 'none'.
    size_average, reduce: its older spelling.

Raises:
    ValueError: inputs outside [0, 1], other shapes or another reduction.

Example:
    >>> plait.nn.functional.binary_cross_entropy(plait.tensor([0.5]), plait.tensor([1.]))
    tensor(0.6931))"},
    {"binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, bool? "
     "size_average=None, "
     "bool? reduce=None, str reduction='mean', Tensor? pos_weight=None) -> Tensor",
     "n", PLAIT_BOX(binary_cross_entropy_with_logits),
     R"(`binary_cross_entropy` of sigmoid(input), computed without overflow.

Args:
    input: unbounded scores.
    target: of the same shape.
    weight: multiplied to the elements before the reduction.
    pos_weight: weight of the positive class, broadcast over the elements.
    reduction: 'mean', 'sum' or 'none'.
    size_average, reduce: its older spelling.

Raises:
    ValueError: other shapes or another reduction.
    TypeError: integers.

Example:
    >>> plait.nn.functional.binary_cross_entropy_with_logits(plait.tensor([0.]), plait.tensor([1.]))
    tensor(0.6931))"},
    {"kl_div(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean', "
     "bool log_target=False) -> Tensor",
     "fn", PLAIT_BOX(kl_div),
     R"(The Kullback-Leibler divergence's terms target (log(target) - input); the shapes broadcast.

Args:
    input: log-probabilities.
    target: probabilities, or their logarithms with `log_target`.
    reduction: 'mean' over all elements, 'batchmean' (the sum by the first dimension: the divergence itself), 'sum'
        or 'none'.
    size_average, reduce: its older spelling.

Raises:
    ValueError: shapes that do not broadcast or another reduction.

Example:
    >>> plait.nn.functional.kl_div(plait.tensor([[0., 0.]]).log_softmax(1), plait.tensor([[1., 0.]]), reduction='sum')
    tensor(0.6931))"},
    {"cross_entropy(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, "
     "int ignore_index=-100, bool? reduce=None, str reduction='mean', float label_smoothing=0.0) -> Tensor",
     "n", PLAIT_BOX(cross_entropy),
     R"(The cross-entropy between softmax(input) and the target.

Softmax, logarithm and loss are one pass over the scores. Raises IndexError for a class out of range, ValueError
when a shape does not fit, TypeError for integer scores.

Args:
    input: scores, (C), (N, C) or (N, C, d1, ...).
    target: class indices without the dimension C (int64), or class probabilities of the input's shape.
    weight: (C), multiplied to each class's terms.
    ignore_index: a target index that counts for nothing (class indices only).
    reduction: 'mean' (by the sum of the targets' weights; for probabilities by the number of samples), 'sum' or
        'none'.
    size_average, reduce: its older spelling.
    label_smoothing: the share of the target distribution spread evenly over all classes, in [0, 1].

Example:
    >>> plait.nn.functional.cross_entropy(plait.tensor([[0., 0.]]), plait.tensor([1]))
    tensor(0.6931))"},
    {"nll_loss(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, int "
     "ignore_index=-100, "
     "bool? reduce=None, str reduction='mean') -> Tensor",
     "n", PLAIT_BOX(nll_loss),
     R"(-input[target]: the negative log-likelihood of the target classes.

Args:
    input: log-probabilities, (C), (N, C) or (N, C, d1, ...).
    target: class indices without the dimension C.
    weight: (C), multiplied to each class's terms.
    ignore_index: a target that counts for nothing.
    reduction: 'mean' (by the sum of the targets' weights), 'sum' or 'none'.
    size_average, reduce: its older spelling.

Raises:
    IndexError: a class out of range.
    ValueError: a shape does not fit.
    TypeError: integer inputs.

Example:
    >>> plait.nn.functional.nll_loss(plait.tensor([[-1., -2.]]), plait.tensor([1]))
    tensor(2.))"},
};

}  // namespace
}  // namespace plait
