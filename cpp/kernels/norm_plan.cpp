// SPDX-License-Identifier: MIT
// How normalisations are split. Batch norm takes a channel at a time when there are enough channels: the
// second pass then finds the channel in the cache. Otherwise statistics and result are two passes over all.
// Parameter gradients are summed per chunk of rows (or per sample) and the partial sums added in order.
#include "kernels/norm_plan.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/reduce_plan.h"

namespace plait {
namespace {

constexpr int64_t kTaskElements = 32768;
constexpr int64_t kFewChannels = 8;  // below, one channel at a time would leave threads idle

int float_index(DType dtype) {
  PLAIT_ASSERT(is_floating(dtype));
  return static_cast<int>(dtype) - static_cast<int>(DType::kFloat16);
}

template <class F>
void with_compute_type(DType dtype, F&& f) {
  if (dtype == DType::kFloat64) {
    f(TypeTag<double>{});
  } else {
    f(TypeTag<float>{});
  }
}

const void* at_byte(const void* p, int64_t bytes) {
  return p ? static_cast<const char*>(p) + bytes : nullptr;
}
void* at_byte(void* p, int64_t bytes) { return p ? static_cast<char*>(p) + bytes : nullptr; }

// The rows [begin, end) of a problem.
RowNormArgs row_range(const RowNormArgs& a, DType dtype, int64_t begin, int64_t end) {
  const int64_t item = static_cast<int64_t>(item_size(dtype)), stat = dtype == DType::kFloat64 ? 8 : 4;
  RowNormArgs r = a;
  r.stream = a.y && a.y != a.x && a.y != a.gy && streams(a.y, a.rows * a.n * item, a.n * item, a.gy ? 3 : 2);
  r.x = at_byte(a.x, begin * a.n * item);
  r.gy = at_byte(a.gy, begin * a.n * item);
  r.y = at_byte(a.y, begin * a.n * item);
  r.mean = at_byte(a.mean, begin * stat);
  r.rstd = at_byte(a.rstd, begin * stat);
  r.rows = end - begin;
  return r;
}

// Statistics of every channel through the general reduction.
template <class C>
void channel_statistics(const ChannelNormArgs& a, std::vector<double>& variance) {
  Reduction r = {};
  r.op = ReduceOp::kMoments;
  r.dtype = a.dtype;
  r.x = a.x;
  r.ndim = 3;
  const int64_t size[3] = {a.batch, a.channels, a.space}, stride[3] = {a.channels * a.space, a.space, 1};
  for (int d = 0; d < 3; ++d) r.size[d] = size[d], r.stride[d] = stride[d], r.reduced[d] = d != 1;
  r.out[0] = {a.mean, DTypeOf<C>::value, ReduceFinish::kValue};
  r.out[1] = {variance.data(), DType::kFloat64, ReduceFinish::kVar};
  reduce(r);
}

// mean and biased variance of `rows` runs of n elements, `distance` apart.
void run_moments(DType dtype, const void* x, int64_t rows, int64_t n, int64_t distance, double* mean,
                 double* variance) {
  const ReduceKernel& k =
      kernels().reduce.kernel[static_cast<int>(ReduceOp::kMoments)][static_cast<int>(dtype)];
  *mean = *variance = 0;
  ReduceTile tile = {};
  tile.reduce_n = n;
  tile.reduce_stride = 1;
  tile.keep_n = 1;
  tile.state[0] = mean;
  tile.state[1] = variance;
  for (int64_t r = 0; r < rows; ++r) {
    tile.x = at_byte(x, r * distance * static_cast<int64_t>(item_size(dtype)));
    tile.seen = r * n;
    k.row(tile);
  }
  *variance /= static_cast<double>(rows * n);
}

template <class C>
class BatchNorm {
 public:
  BatchNorm(const ChannelNormArgs& a, bool frozen)
      : a_(a),
        frozen_(frozen),
        rows_(kernels().norm.by_row[float_index(a.dtype)]),
        columns_(kernels().norm.by_column[float_index(a.dtype)]),
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
          double mean, variance;
          run_moments(a_.dtype, at_byte(a_.x, c * a_.space * item()), a_.batch, a_.space,
                      a_.channels * a_.space, &mean, &variance);
          set_statistics(c, mean, variance);
        }
        set_forward(c);
        rows_.apply(channel(c));
      });
      return;
    }
    if (!frozen_) {
      std::vector<double> variance(static_cast<size_t>(a_.channels));
      channel_statistics<C>(a_, variance);
      for (int64_t c = 0; c < a_.channels; ++c) {
        set_statistics(c, static_cast<double>(mean_[c]), variance[static_cast<size_t>(c)]);
      }
    }
    for (int64_t c = 0; c < a_.channels; ++c) set_forward(c);
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
        if (a_.y) rows_.gradient(s);
      });
      return;
    }
    const int64_t channels = a_.channels;
    // Partial sums [chunk][2][channels]; a chunk is a run of samples.
    const int64_t per_chunk =
        std::max<int64_t>((a_.batch + 63) / 64, kTaskElements / std::max<int64_t>(1, channels * a_.space));
    const int64_t chunks = (a_.batch + per_chunk - 1) / per_chunk;
    std::vector<double> partial(static_cast<size_t>(chunks * 2 * channels));
    parallel_chunks(chunks, [&](int64_t chunk) {
      double* sums = partial.data() + chunk * 2 * channels;
      const int64_t begin = chunk * per_chunk, end = std::min(a_.batch, begin + per_chunk);
      if (a_.space == 1) {
        SlabArgs s = samples(begin, end);
        s.sum_gy = sums;
        s.sum_gyx = sums + channels;
        columns_.sums(s);
        return;
      }
      for (int64_t b = begin; b < end; ++b) {
        SlabArgs s = sample(b);
        s.sum_gy = sums;
        s.sum_gyx = sums + channels;
        rows_.sums(s);
      }
    });
    for (int64_t c = 0; c < channels; ++c) {
      double gy = 0, gyx = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        gy += partial[static_cast<size_t>((2 * chunk) * channels + c)];
        gyx += partial[static_cast<size_t>((2 * chunk + 1) * channels + c)];
      }
      set_backward(c, gy, gyx);
    }
    if (a_.y) for_slabs(rows_.gradient, columns_.gradient);
  }

 private:
  int64_t item() const { return static_cast<int64_t>(item_size(a_.dtype)); }
  bool by_channel() const { return a_.space > 1 && a_.channels >= kFewChannels; }
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

  SlabArgs slab(int64_t first, int64_t c) const {
    SlabArgs s = {};
    s.x = at_byte(a_.x, first * item());
    s.gy = at_byte(a_.gy, first * item());
    s.y = at_byte(a_.y, first * item());
    s.mean = mean_ + c;
    s.scale = scale_.data() + c;
    s.slope = slope_.data() + c;
    s.shift = shift_.data() + c;
    return s;
  }
  // One channel of all samples, all channels of one sample, all channels of some samples (space == 1).
  SlabArgs channel(int64_t c) const {
    SlabArgs s = slab(c * a_.space, c);
    s.rows = a_.batch;
    s.n = a_.space;
    s.distance = a_.channels * a_.space;
    return s;
  }
  SlabArgs sample(int64_t b) const {
    SlabArgs s = slab(b * a_.channels * a_.space, 0);
    s.step = 1;
    s.rows = a_.channels;
    s.n = s.distance = a_.space;
    return s;
  }
  SlabArgs samples(int64_t begin, int64_t end) const {
    SlabArgs s = slab(begin * a_.channels, 0);
    s.rows = end - begin;
    s.n = s.distance = a_.channels;
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
  void for_slabs(void (*by_row)(const SlabArgs&), void (*by_column)(const SlabArgs&)) const {
    const int64_t each = std::max<int64_t>(1, a_.channels * a_.space);
    parallel_for(a_.batch, std::max<int64_t>(1, kTaskElements / each), [&](int64_t begin, int64_t end) {
      if (a_.space == 1) return by_column(samples(begin, end));
      for (int64_t b = begin; b < end; ++b) by_row(sample(b));
    });
  }

  const ChannelNormArgs& a_;
  const bool frozen_;
  const SlabKernels &rows_, &columns_;
  C *mean_, *rstd_;
  const double count_;
  std::vector<C> scale_, shift_, slope_;
};

// A group is channels / groups rows of `space` elements; with space 1 it is one row, a coefficient per
// column.
template <class C>
class GroupNorm {
 public:
  explicit GroupNorm(const ChannelNormArgs& a)
      : a_(a),
        kernels_(a.space == 1 ? kernels().norm.by_column[float_index(a.dtype)]
                              : kernels().norm.by_row[float_index(a.dtype)]),
        width_(a.channels / a.groups),
        count_(static_cast<double>(width_ * a.space)) {}

  void forward() {
    for_groups([&](int64_t i, int64_t first, C* room) {
      double mean, variance;
      run_moments(a_.dtype, at_byte(a_.x, i * width_ * a_.space * item()), 1, width_ * a_.space, 0, &mean,
                  &variance);
      C& rstd = static_cast<C*>(a_.rstd)[i];
      static_cast<C*>(a_.mean)[i] = static_cast<C>(mean);
      rstd = static_cast<C>(1 / std::sqrt(variance + a_.eps));
      const SlabArgs s = group(i, room);
      for (int64_t k = 0; k < width_; ++k) {
        scale(room)[k] = rstd * weight(first + k);
        shift(room)[k] = a_.bias ? static_cast<const C*>(a_.bias)[first + k] : C{0};
      }
      kernels_.apply(s);
    });
  }

  // With dots over one group, M elements: gx = rstd (gy w - (sum_c w sum_gy + xhat sum_c w sum_gy xhat) / M)
  void backward() {
    std::vector<double> sums(static_cast<size_t>(2 * a_.batch * a_.channels));  // [2][batch][channels]
    double* sum_gy = sums.data();
    double* sum_gyx = sum_gy + a_.batch * a_.channels;
    for_groups([&](int64_t i, int64_t first, C* room) {
      SlabArgs s = group(i, room);
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
        scale(room)[k] = static_cast<C>(rstd * static_cast<double>(weight(first + k)));
        slope(room)[k] = static_cast<C>(rstd * rstd * rstd * all_gyx / count_);
        shift(room)[k] = static_cast<C>(rstd * all_gy / count_);
      }
      if (a_.y) kernels_.gradient(s);
    });
    for (int64_t c = 0; c < a_.channels; ++c) {
      double gw = 0, gb = 0;
      for (int64_t b = 0; b < a_.batch; ++b) {
        const int64_t i = b * a_.channels + c;
        gw += sum_gyx[i] * static_cast<double>(static_cast<const C*>(a_.rstd)[i / width_]);
        gb += sum_gy[i];
      }
      if (a_.gweight) static_cast<C*>(a_.gweight)[c] = static_cast<C>(gw);
      if (a_.gbias) static_cast<C*>(a_.gbias)[c] = static_cast<C>(gb);
    }
  }

 private:
  int64_t item() const { return static_cast<int64_t>(item_size(a_.dtype)); }
  C weight(int64_t c) const { return a_.weight ? static_cast<const C*>(a_.weight)[c] : C{1}; }
  C* scale(C* room) const { return room + width_; }
  C* slope(C* room) const { return room + 2 * width_; }
  C* shift(C* room) const { return room + 3 * width_; }

  SlabArgs group(int64_t i, C* room) const {
    const int64_t first = i * width_ * a_.space * item();
    SlabArgs s = {};
    s.x = at_byte(a_.x, first);
    s.gy = at_byte(a_.gy, first);
    s.y = at_byte(a_.y, first);
    std::fill(room, room + width_, static_cast<const C*>(a_.mean)[i]);
    s.mean = room;
    s.scale = scale(room);
    s.slope = slope(room);
    s.shift = shift(room);
    s.step = 1;
    s.rows = a_.space == 1 ? 1 : width_;
    s.n = s.distance = a_.space == 1 ? width_ : a_.space;
    return s;
  }

  // f(index of the group among all, its first channel, room for four coefficients per channel)
  template <class F>
  void for_groups(F&& f) const {
    const int64_t each = std::max<int64_t>(1, width_ * a_.space);
    parallel_for(a_.batch * a_.groups, std::max<int64_t>(1, kTaskElements / each),
                 [&](int64_t begin, int64_t end) {
                   std::vector<C> room(static_cast<size_t>(4 * width_));
                   for (int64_t i = begin; i < end; ++i) f(i, i % a_.groups * width_, room.data());
                 });
  }

  const ChannelNormArgs& a_;
  const SlabKernels& kernels_;
  const int64_t width_;
  const double count_;
};

template <class C>
void row_norm_backward_as(void (*kernel)(const RowNormArgs&), DType dtype, const RowNormArgs& a) {
  // Partial parameter gradients [chunk][2][n].
  const int64_t per_chunk = std::max<int64_t>((a.rows + 63) / 64, kTaskElements / std::max<int64_t>(1, a.n));
  const int64_t chunks = std::max<int64_t>(1, (a.rows + per_chunk - 1) / per_chunk);
  std::vector<C> partial(a.gweight || a.gbias ? static_cast<size_t>(chunks * 2 * a.n) : 0);
  parallel_chunks(chunks, [&](int64_t chunk) {
    RowNormArgs r = row_range(a, dtype, chunk * per_chunk, std::min(a.rows, (chunk + 1) * per_chunk));
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
  const auto kernel = kernels().norm.forward[static_cast<int>(kind)][float_index(dtype)];
  parallel_for(a.rows, std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, a.n)),
               [&](int64_t begin, int64_t end) { kernel(row_range(a, dtype, begin, end)); });
}

void row_norm_backward(RowNormKind kind, DType dtype, const RowNormArgs& a) {
  const auto kernel = kernels().norm.backward[static_cast<int>(kind)][float_index(dtype)];
  with_compute_type(dtype,
                    [&](auto tag) { row_norm_backward_as<typename decltype(tag)::type>(kernel, dtype, a); });
}

void batch_norm_forward(const ChannelNormArgs& a, bool frozen) {
  with_compute_type(a.dtype, [&](auto tag) { BatchNorm<typename decltype(tag)::type>(a, frozen).forward(); });
}
void batch_norm_backward(const ChannelNormArgs& a, bool frozen) {
  with_compute_type(a.dtype,
                    [&](auto tag) { BatchNorm<typename decltype(tag)::type>(a, frozen).backward(); });
}
void group_norm_forward(const ChannelNormArgs& a) {
  with_compute_type(a.dtype, [&](auto tag) { GroupNorm<typename decltype(tag)::type>(a).forward(); });
}
void group_norm_backward(const ChannelNormArgs& a) {
  with_compute_type(a.dtype, [&](auto tag) { GroupNorm<typename decltype(tag)::type>(a).backward(); });
}

}  // namespace plait
