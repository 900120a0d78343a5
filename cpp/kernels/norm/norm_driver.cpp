// SPDX-License-Identifier: MIT
// Normalisations of whole arrays, split over threads.
//
// Layer and RMS norm are cut by rows. Batch norm of enough channels takes one channel at a time, so that the
// second pass finds the channel in the cache; otherwise statistics and result are two passes over everything.
// Group norm takes one group at a time. Parameter gradients are summed per chunk of rows (or per sample), and
// the partial sums are added in order; the chunks depend on the shape alone.
#include "kernels/norm/norm_driver.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"
#include "kernels/reduce/reduce_driver.h"

namespace plait {
namespace {

constexpr int64_t kTaskElements = 32768;
constexpr int64_t kFewChannels = 8;  // below, one channel at a time would leave threads idle

const void* at_byte(const void* p, int64_t bytes) {
  return p ? static_cast<const char*>(p) + bytes : nullptr;
}
void* at_byte(void* p, int64_t bytes) { return p ? static_cast<char*>(p) + bytes : nullptr; }

int64_t compute_size(DType dtype) { return static_cast<int64_t>(item_size(compute_dtype(dtype))); }

// The rows [begin, end) of a row norm.
RowNormArgs row_range(const RowNormArgs& a, DType dtype, int64_t begin, int64_t end) {
  const int64_t row_bytes = a.n * static_cast<int64_t>(item_size(dtype)), stat = compute_size(dtype);
  RowNormArgs r = a;
  r.stream = a.y != a.x && streams(a.y, a.rows * row_bytes, row_bytes, 2);
  r.x = at_byte(a.x, begin * row_bytes);
  r.y = at_byte(a.y, begin * row_bytes);
  r.mean = at_byte(a.mean, begin * stat);
  r.rstd = at_byte(a.rstd, begin * stat);
  r.rows = end - begin;
  return r;
}
RowNormGradArgs row_range(const RowNormGradArgs& a, DType dtype, int64_t begin, int64_t end) {
  const int64_t row_bytes = a.n * static_cast<int64_t>(item_size(dtype)), stat = compute_size(dtype);
  RowNormGradArgs r = a;
  r.stream = a.gx && a.gx != a.x && a.gx != a.gy && streams(a.gx, a.rows * row_bytes, row_bytes, 3);
  r.x = at_byte(a.x, begin * row_bytes);
  r.gy = at_byte(a.gy, begin * row_bytes);
  r.gx = at_byte(a.gx, begin * row_bytes);
  r.mean = at_byte(a.mean, begin * stat);
  r.rstd = at_byte(a.rstd, begin * stat);
  r.rows = end - begin;
  return r;
}

// Mean and biased variance of x[batch, n, space] for every index of n, by the general reduction.
struct Moments {
  std::vector<double> mean, variance;
};
Moments moments(DType dtype, const void* x, int64_t batch, int64_t n, int64_t space) {
  Moments m{std::vector<double>(static_cast<size_t>(n)), std::vector<double>(static_cast<size_t>(n))};
  Reduction r = {};
  r.op = ReduceOp::kMoments;
  r.dtype = dtype;
  r.x = x;
  r.ndim = 3;
  const int64_t size[3] = {batch, n, space}, stride[3] = {n * space, space, 1};
  for (int d = 0; d < 3; ++d) r.size[d] = size[d], r.stride[d] = stride[d], r.reduced[d] = d != 1;
  r.out[0] = {m.mean.data(), DType::kFloat64, ReduceFinish::kValue};
  r.out[1] = {m.variance.data(), DType::kFloat64, ReduceFinish::kVar};
  reduce(r);
  return m;
}
// The moments of groups of `each` neighbouring entries, all of equally many elements.
Moments join(const Moments& parts, int64_t each) {
  const int64_t n = static_cast<int64_t>(parts.mean.size()) / each;
  Moments m{std::vector<double>(static_cast<size_t>(n)), std::vector<double>(static_cast<size_t>(n))};
  for (int64_t i = 0; i < n; ++i) {
    const double *mean = parts.mean.data() + i * each, *variance = parts.variance.data() + i * each;
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < each; ++k) sum += mean[k];
    sum /= static_cast<double>(each);
    for (int64_t k = 0; k < each; ++k) squares += variance[k] + (mean[k] - sum) * (mean[k] - sum);
    m.mean[static_cast<size_t>(i)] = sum;
    m.variance[static_cast<size_t>(i)] = squares / static_cast<double>(each);
  }
  return m;
}

// Channels of few elements are normalised as columns [batch, channels * space], with each coefficient
// repeated `space` times: as rows they would leave vectors mostly empty. Reaches the bits. tuned: batch norm
// of 128 x 512 x 2 x 2 takes 0.1 ms in place of 0.9, of 64 x 256 x 4 x 4 0.13 in place of 0.22
constexpr int64_t kShortSpace = 20;
// Every entry of v, `times` times.
template <class C>
void repeat_each(std::vector<C>& v, int64_t times) {
  const size_t n = v.size(), m = static_cast<size_t>(times);
  v.resize(n * m);
  for (size_t i = n; i-- > 0;) std::fill_n(v.begin() + static_cast<int64_t>(i * m), m, v[i]);
}

struct MeanVariance {
  double mean, variance;  // biased variance
};
// Of x[rows, n], whose rows are `ld` elements apart.
MeanVariance moments_of_rows(DType dtype, const void* x, int64_t rows, int64_t n, int64_t ld) {
  const ReduceKernel& k = kernels().reduce.kernel[ReduceOp::kMoments][dtype];
  double mean = 0, squares = 0;
  ReduceTile tile = {};
  tile.reduce_n = n;
  tile.reduce_stride = 1;
  tile.keep_n = 1;
  tile.state[0] = &mean;
  tile.state[1] = &squares;
  for (int64_t r = 0; r < rows; ++r) {
    tile.x = at_byte(x, r * ld * static_cast<int64_t>(item_size(dtype)));
    tile.seen = r * n;
    k.row(tile);
  }
  return {mean, squares / static_cast<double>(rows * n)};
}

template <class C>
class BatchNorm {
 public:
  BatchNorm(const ChannelNormArgs& a, bool frozen)
      : a_(a),
        frozen_(frozen),
        rows_(kernels().norm.by_row[a.dtype]),
        columns_(kernels().norm.by_column[a.dtype]),
        mean_(static_cast<C*>(a.mean)),
        rstd_(static_cast<C*>(a.rstd)),
        count_(static_cast<double>(a.batch * a.space)),
        scale_(static_cast<size_t>(a.channels)),
        shift_(static_cast<size_t>(a.channels)),
        slope_(static_cast<size_t>(a.channels)) {}

  void forward() {
    if (by_channel()) {
      for_channels([&](int64_t c) {
        if (!frozen_) {
          const MeanVariance m = moments_of_rows(a_.dtype, at_byte(a_.x, c * a_.space * item()), a_.batch,
                                                 a_.space, a_.channels * a_.space);
          set_statistics(c, m.mean, m.variance);
        }
        set_forward(c);
        rows_.apply(channel(c));
      });
      return;
    }
    if (!frozen_) {
      const Moments m = by_column() ? join(moments(a_.dtype, a_.x, a_.batch, width(), 1), a_.space)
                                    : moments(a_.dtype, a_.x, a_.batch, a_.channels, a_.space);
      for (int64_t c = 0; c < a_.channels; ++c) {
        set_statistics(c, m.mean[static_cast<size_t>(c)], m.variance[static_cast<size_t>(c)]);
      }
    }
    for (int64_t c = 0; c < a_.channels; ++c) set_forward(c);
    spread();
    for_slabs(rows_.apply, columns_.apply);
  }

  void backward() {
    if (by_channel()) {
      for_channels([&](int64_t c) {
        double sums[2] = {0, 0};
        SlabArgs s = channel(c);
        s.sum_gy = &sums[0];
        s.sum_gyx = &sums[1];
        rows_.sums(s);
        set_backward(c, sums[0], sums[1]);
        if (a_.gx) rows_.gradient(s);
      });
      return;
    }
    sum_gradients();
    spread();
    if (a_.gx) for_slabs(rows_.gradient, columns_.gradient);
  }

 private:
  int64_t item() const { return static_cast<int64_t>(item_size(a_.dtype)); }
  int64_t width() const { return a_.channels * a_.space; }
  // Repeating the coefficients is not profitable for fewer than 8 samples.
  bool by_column() const { return a_.space == 1 || (a_.space < kShortSpace && a_.batch >= 8); }
  bool by_channel() const { return !by_column() && a_.channels >= kFewChannels; }
  C weight(int64_t c) const { return a_.weight ? static_cast<const C*>(a_.weight)[c] : C{1}; }

  void set_statistics(int64_t c, double mean, double variance) {
    mean_[c] = static_cast<C>(mean);
    rstd_[c] = static_cast<C>(1 / std::sqrt(variance + a_.eps));
    if (a_.variance) static_cast<C*>(a_.variance)[c] = static_cast<C>(variance);
  }
  void set_forward(int64_t c) {
    scale_[static_cast<size_t>(c)] = rstd_[c] * weight(c);
    shift_[static_cast<size_t>(c)] = a_.bias ? static_cast<const C*>(a_.bias)[c] : C{0};
  }
  // gx = weight rstd (gy - mean(gy) - xhat mean(gy xhat))
  void set_backward(int64_t c, double sum_gy, double sum_gyx) {
    const double rstd = static_cast<double>(rstd_[c]), scale = rstd * static_cast<double>(weight(c));
    const size_t i = static_cast<size_t>(c);
    scale_[i] = static_cast<C>(scale);
    slope_[i] = frozen_ ? C{0} : static_cast<C>(scale * rstd * rstd * sum_gyx / count_);
    shift_[i] = frozen_ ? C{0} : static_cast<C>(scale * sum_gy / count_);
    if (a_.gweight) static_cast<C*>(a_.gweight)[c] = static_cast<C>(rstd * sum_gyx);
    if (a_.gbias) static_cast<C*>(a_.gbias)[c] = static_cast<C>(sum_gy);
  }

  // Sums gy and gy (x - mean) of every channel over chunks of samples, and sets the coefficients of backward.
  void sum_gradients() {
    // Partial sums [chunk][2][sums]: by column one sum per element of a sample, else one per channel.
    const int64_t sums = by_column() ? width() : a_.channels;
    const int64_t per_chunk =
        std::max<int64_t>((a_.batch + 63) / 64, kTaskElements / std::max<int64_t>(1, width()));
    const int64_t chunks = ceil_div(a_.batch, per_chunk);
    std::vector<double> partial(static_cast<size_t>(chunks * 2 * sums));
    spread();
    parallel_chunks(chunks, [&](int64_t chunk) {
      double* into = partial.data() + chunk * 2 * sums;
      const int64_t begin = chunk * per_chunk, end = std::min(a_.batch, begin + per_chunk);
      if (by_column()) {
        SlabArgs s = samples(begin, end);
        s.sum_gy = into;
        s.sum_gyx = into + sums;
        columns_.sums(s);
        return;
      }
      for (int64_t b = begin; b < end; ++b) {
        SlabArgs s = sample(b);
        s.sum_gy = into;
        s.sum_gyx = into + sums;
        rows_.sums(s);
      }
    });
    const int64_t per_channel = sums / a_.channels;
    for (int64_t c = 0; c < a_.channels; ++c) {
      double gy = 0, gyx = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        const double* from = partial.data() + chunk * 2 * sums + c * per_channel;
        for (int64_t k = 0; k < per_channel; ++k) {
          gy += from[k];
          gyx += from[sums + k];
        }
      }
      set_backward(c, gy, gyx);
    }
  }

  // By column: repeats coefficients and means for each element of a channel.
  void spread() {
    if (!by_column() || a_.space == 1) return;
    means_.assign(mean_, mean_ + a_.channels);
    for (std::vector<C>* v : {&means_, &scale_, &shift_, &slope_}) {
      v->resize(static_cast<size_t>(a_.channels));
      repeat_each(*v, a_.space);
    }
  }

  SlabArgs slab(int64_t first, int64_t c) const {
    SlabArgs s = {};
    s.x = at_byte(a_.x, first * item());
    s.gy = at_byte(a_.gy, first * item());
    s.out = at_byte(a_.gy ? a_.gx : a_.y, first * item());
    s.mean = means_.empty() ? mean_ + c : means_.data();
    s.scale = scale_.data() + c;
    s.slope = slope_.data() + c;
    s.shift = shift_.data() + c;
    return s;
  }
  // One channel of all samples, all channels of one sample, all channels of some samples (by column).
  SlabArgs channel(int64_t c) const {
    SlabArgs s = slab(c * a_.space, c);
    s.rows = a_.batch;
    s.n = a_.space;
    s.ld = a_.channels * a_.space;
    return s;
  }
  SlabArgs sample(int64_t b) const {
    SlabArgs s = slab(b * a_.channels * a_.space, 0);
    s.step = 1;
    s.rows = a_.channels;
    s.n = s.ld = a_.space;
    return s;
  }
  SlabArgs samples(int64_t begin, int64_t end) const {
    SlabArgs s = slab(begin * width(), 0);
    s.rows = end - begin;
    s.n = s.ld = width();
    return s;
  }

  template <class F>
  void for_channels(F&& f) const {
    const int64_t each = a_.batch * a_.space;
    parallel_for(a_.channels, std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, each)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t c = begin; c < end; ++c) f(c);
                 });
  }
  void for_slabs(void (*row_kernel)(const SlabArgs&), void (*column_kernel)(const SlabArgs&)) const {
    const int64_t each = std::max<int64_t>(1, width());
    parallel_for(a_.batch, std::max<int64_t>(1, kTaskElements / each), [&](int64_t begin, int64_t end) {
      if (by_column()) return column_kernel(samples(begin, end));
      for (int64_t b = begin; b < end; ++b) row_kernel(sample(b));
    });
  }

  const ChannelNormArgs& a_;
  const bool frozen_;
  const SlabKernels &rows_, &columns_;
  C *mean_, *rstd_;
  const double count_;
  std::vector<C> scale_, shift_, slope_, means_;
};

// A group is an array [channels / groups, space] with one coefficient per row; with space == 1 it is one row
// with one coefficient per column.
template <class C>
class GroupNorm {
 public:
  explicit GroupNorm(const ChannelNormArgs& a)
      : a_(a),
        kernels_(a.space == 1 ? kernels().norm.by_column[a.dtype] : kernels().norm.by_row[a.dtype]),
        width_(a.channels / a.groups),
        count_(static_cast<double>(width_ * a.space)) {}

  void forward() {
    if (a_.space <= kSpreadSpace) return forward_as_rows();
    for_groups([&](int64_t i, int64_t first, C* scratch) {
      const MeanVariance m =
          moments_of_rows(a_.dtype, at_byte(a_.x, i * width_ * a_.space * item()), 1, width_ * a_.space, 0);
      C& rstd = static_cast<C*>(a_.rstd)[i];
      static_cast<C*>(a_.mean)[i] = static_cast<C>(m.mean);
      rstd = static_cast<C>(1 / std::sqrt(m.variance + a_.eps));
      const SlabArgs s = group(i, scratch);
      for (int64_t k = 0; k < width_; ++k) {
        scale(scratch)[k] = rstd * weight(first + k);
        shift(scratch)[k] = a_.bias ? static_cast<const C*>(a_.bias)[first + k] : C{0};
      }
      kernels_.apply(s);
    });
  }

  // With sums over a group of M elements: gx = rstd (gy w - (sum(gy w) + xhat sum(gy w xhat)) / M)
  void backward() {
    std::vector<double> sums(static_cast<size_t>(2 * a_.batch * a_.channels));  // [2][batch][channels]
    double* sum_gy = sums.data();
    double* sum_gyx = sum_gy + a_.batch * a_.channels;
    for_groups([&](int64_t i, int64_t first, C* scratch) {
      SlabArgs s = group(i, scratch);
      s.sum_gy = sum_gy + i * width_;
      s.sum_gyx = sum_gyx + i * width_;
      kernels_.sums(s);
      const double rstd = static_cast<double>(static_cast<const C*>(a_.rstd)[i]);
      double all_gy = 0, all_gyx = 0;
      for (int64_t k = 0; k < width_; ++k) {
        all_gy += static_cast<double>(weight(first + k)) * s.sum_gy[k];
        all_gyx += static_cast<double>(weight(first + k)) * s.sum_gyx[k];
      }
      for (int64_t k = 0; k < width_; ++k) {
        scale(scratch)[k] = static_cast<C>(rstd * static_cast<double>(weight(first + k)));
        slope(scratch)[k] = static_cast<C>(rstd * rstd * rstd * all_gyx / count_);
        shift(scratch)[k] = static_cast<C>(rstd * all_gy / count_);
      }
      if (a_.gx) kernels_.gradient(s);
    });
    if (!a_.gweight && !a_.gbias) return;
    std::vector<double> gw(static_cast<size_t>(a_.channels)), gb(gw.size());
    for (int64_t i = 0; i < a_.batch * a_.groups; ++i) {
      const double rstd = static_cast<double>(static_cast<const C*>(a_.rstd)[i]);
      const size_t first = static_cast<size_t>(i % a_.groups * width_);
      for (size_t k = 0; k < static_cast<size_t>(width_); ++k) {
        gw[first + k] += *sum_gyx++ * rstd;
        gb[first + k] += *sum_gy++;
      }
    }
    for (size_t c = 0; c < gw.size(); ++c) {
      if (a_.gweight) static_cast<C*>(a_.gweight)[c] = static_cast<C>(gw[c]);
      if (a_.gbias) static_cast<C*>(a_.gbias)[c] = static_cast<C>(gb[c]);
    }
  }

 private:
  // Channels of few elements: with its coefficients repeated for each element a group is a row of layer norm,
  // whose kernel is not interrupted between channels. Reaches the bits.
  static constexpr int64_t kSpreadSpace = 64;
  void forward_as_rows() {
    const auto spread = [&](const void* p) {
      const C* c = static_cast<const C*>(p);
      std::vector<C> v(c, c + (p ? a_.channels : 0));
      if (p) repeat_each(v, a_.space);
      return v;
    };
    const std::vector<C> weights = spread(a_.weight), biases = spread(a_.bias);
    const int64_t n = width_ * a_.space;
    const auto kernel = kernels().norm.rows[RowNormKind::kLayer][a_.dtype].forward;
    for_groups([&](int64_t i, int64_t first, C*) {
      RowNormArgs r = {};
      r.x = at_byte(a_.x, i * n * item());
      r.y = at_byte(a_.y, i * n * item());
      r.weight = a_.weight ? weights.data() + first * a_.space : nullptr;
      r.bias = a_.bias ? biases.data() + first * a_.space : nullptr;
      r.mean = static_cast<C*>(a_.mean) + i;
      r.rstd = static_cast<C*>(a_.rstd) + i;
      r.rows = 1;
      r.n = n;
      r.eps = a_.eps;
      kernel(r);
    });
  }

  int64_t item() const { return static_cast<int64_t>(item_size(a_.dtype)); }
  C weight(int64_t c) const { return a_.weight ? static_cast<const C*>(a_.weight)[c] : C{1}; }
  C* scale(C* scratch) const { return scratch + width_; }
  C* slope(C* scratch) const { return scratch + 2 * width_; }
  C* shift(C* scratch) const { return scratch + 3 * width_; }

  SlabArgs group(int64_t i, C* scratch) const {
    const int64_t first = i * width_ * a_.space * item();
    SlabArgs s = {};
    s.x = at_byte(a_.x, first);
    s.gy = at_byte(a_.gy, first);
    s.out = at_byte(a_.gy ? a_.gx : a_.y, first);
    std::fill(scratch, scratch + width_, static_cast<const C*>(a_.mean)[i]);
    s.mean = scratch;
    s.scale = scale(scratch);
    s.slope = slope(scratch);
    s.shift = shift(scratch);
    s.step = 1;
    s.rows = a_.space == 1 ? 1 : width_;
    s.n = s.ld = a_.space == 1 ? width_ : a_.space;
    return s;
  }

  // Calls f(index of the group among all, its first channel, scratch for four coefficients per channel).
  template <class F>
  void for_groups(F&& f) const {
    const int64_t each = std::max<int64_t>(1, width_ * a_.space);
    parallel_for(a_.batch * a_.groups, std::max<int64_t>(1, kTaskElements / each),
                 [&](int64_t begin, int64_t end) {
                   std::vector<C> scratch(static_cast<size_t>(4 * width_));
                   for (int64_t i = begin; i < end; ++i) f(i, i % a_.groups * width_, scratch.data());
                 });
  }

  const ChannelNormArgs& a_;
  const SlabKernels& kernels_;
  const int64_t width_;
  const double count_;
};

template <class C>
void row_norm_backward_as(void (*kernel)(const RowNormGradArgs&), DType dtype, const RowNormGradArgs& a) {
  // Partial parameter gradients [chunk][2][n].
  const int64_t per_chunk = std::max<int64_t>((a.rows + 63) / 64, kTaskElements / std::max<int64_t>(1, a.n));
  const int64_t chunks = std::max<int64_t>(1, ceil_div(a.rows, per_chunk));
  std::vector<C> partial(a.gweight || a.gbias ? static_cast<size_t>(chunks * 2 * a.n) : 0);
  parallel_chunks(chunks, [&](int64_t chunk) {
    RowNormGradArgs r = row_range(a, dtype, chunk * per_chunk, std::min(a.rows, (chunk + 1) * per_chunk));
    C* sums = partial.data() + chunk * 2 * a.n;
    if (a.gweight) r.gweight = sums;
    if (a.gbias) r.gbias = sums + a.n;
    kernel(r);
  });
  for (int which = 0; which < 2; ++which) {
    C* total = static_cast<C*>(which == 0 ? a.gweight : a.gbias);
    if (!total) continue;
    for (int64_t j = 0; j < a.n; ++j) {
      double sum = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        sum += static_cast<double>(partial[static_cast<size_t>((2 * chunk + which) * a.n + j)]);
      }
      total[j] = static_cast<C>(sum);
    }
  }
}

}  // namespace

void row_norm_forward(RowNormKind kind, DType dtype, const RowNormArgs& a) {
  const auto kernel = kernels().norm.rows[kind][dtype].forward;
  parallel_for(a.rows, std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, a.n)),
               [&](int64_t begin, int64_t end) { kernel(row_range(a, dtype, begin, end)); });
}

void row_norm_backward(RowNormKind kind, DType dtype, const RowNormGradArgs& a) {
  const auto kernel = kernels().norm.rows[kind][dtype].backward;
  dispatch_compute(dtype,
                   [&](auto tag) { row_norm_backward_as<typename decltype(tag)::type>(kernel, dtype, a); });
}

void batch_norm_forward(const ChannelNormArgs& a, bool frozen) {
  dispatch_compute(a.dtype, [&](auto tag) { BatchNorm<typename decltype(tag)::type>(a, frozen).forward(); });
}
void batch_norm_backward(const ChannelNormArgs& a, bool frozen) {
  dispatch_compute(a.dtype, [&](auto tag) { BatchNorm<typename decltype(tag)::type>(a, frozen).backward(); });
}
void group_norm_forward(const ChannelNormArgs& a) {
  dispatch_compute(a.dtype, [&](auto tag) { GroupNorm<typename decltype(tag)::type>(a).forward(); });
}
void group_norm_backward(const ChannelNormArgs& a) {
  dispatch_compute(a.dtype, [&](auto tag) { GroupNorm<typename decltype(tag)::type>(a).backward(); });
}

}  // namespace plait
