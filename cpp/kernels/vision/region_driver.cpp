// SPDX-License-Identifier: MIT
// Weights of bilinear samples are products of one factor for each axis, and so are the bounds outside of
// which a sample counts nothing: a mean over samples is a sum over rows of sums over columns, and samples of
// a bin that read the same cell become one weight. Forward, a thread takes blocks of channels of a region;
// backward, blocks of channels of an image, through all regions in order.
#include "kernels/vision/region_driver.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

// Planes of a block of channels stay in the second-level cache while all regions read them.
// tuned: 500 regions of 256 x 100 x 136 floats, 7 x 7 bins: 32 channels a region take 60 ms, blocks 37
constexpr int64_t kBlockBytes = 1 << 20;
constexpr int64_t kMinBlock = 4, kMaxBlock = 64;

// The cells of one axis of a region, and how much each counts in each bin.
template <class T>
struct Axis {
  std::vector<int64_t> begin, cell;
  std::vector<T> weight;

  void clear() { begin.assign(1, 0), cell.clear(), weight.clear(); }
  void end_bin() { begin.push_back(static_cast<int64_t>(cell.size())); }
  // Samples come in order, so the cell is one of the last two or a new one.
  void add(int64_t at, T w) {
    const auto n = static_cast<int64_t>(cell.size());
    for (int64_t e = n - 1; e >= std::max(begin.back(), n - 2); --e) {
      if (cell[static_cast<size_t>(e)] == at) {
        weight[static_cast<size_t>(e)] += w;
        return;
      }
    }
    cell.push_back(at);
    weight.push_back(w);
  }
  AxisTaps<T> taps() const {
    return {static_cast<int64_t>(begin.size()) - 1, begin.data(), cell.data(), weight.data()};
  }
};

// The weights of an axis as a matrix, for kernels that go over all cells of a row at once.
template <class T>
class Matrix {
 public:
  void load(const Axis<T>& axis) {
    constexpr int64_t kMaxLanes = 64 / sizeof(T);
    const auto bins = static_cast<int64_t>(axis.begin.size()) - 1;
    cell_ = axis.cell;
    std::sort(cell_.begin(), cell_.end());
    cell_.erase(std::unique(cell_.begin(), cell_.end()), cell_.end());
    const auto used = static_cast<int64_t>(cell_.size());
    const int64_t ld = round_up(bins, kMaxLanes), ld_transpose = round_up(used, kMaxLanes);
    weight_.assign(static_cast<size_t>(used * ld), T(0));
    transpose_.assign(static_cast<size_t>(bins * ld_transpose), T(0));
    for (int64_t i = 0; i < bins; ++i) {
      for (int64_t e = axis.begin[static_cast<size_t>(i)]; e < axis.begin[static_cast<size_t>(i + 1)]; ++e) {
        const auto at = std::lower_bound(cell_.begin(), cell_.end(), axis.cell[static_cast<size_t>(e)]);
        const int64_t u = at - cell_.begin();
        weight_[static_cast<size_t>(u * ld + i)] += axis.weight[static_cast<size_t>(e)];
        transpose_[static_cast<size_t>(i * ld_transpose + u)] += axis.weight[static_cast<size_t>(e)];
      }
    }
    const int64_t first = used ? cell_.front() : 0, width = used ? cell_.back() - first + 1 : 0;
    for (int64_t& c : cell_) c -= first;
    view_ = {bins, used, first, width, cell_.data(), ld, ld_transpose, weight_.data(), transpose_.data()};
  }
  const AxisMatrix<T>& view() const { return view_; }

 private:
  std::vector<int64_t> cell_;
  std::vector<T> weight_, transpose_;
  AxisMatrix<T> view_;
};

// A whole number of a float that may be anything.
template <class T>
int64_t to_count(T v) {
  constexpr T kMost = 1 << 30;
  return v > -kMost ? static_cast<int64_t>(std::min(v, kMost)) : v <= -kMost ? -(1 << 30) : 0;
}

// Samples of one bin: `count` at start + (s + 1/2) size / count. Those outside of [-1, cells] count nothing.
template <class T>
void add_samples(Axis<T>& axis, T start, T size, int64_t count, int64_t cells) {
  int64_t s = 0, end = count;
  const T step = size / static_cast<T>(count);
  if (count > 64 && step > 0) {  // only those that can lie inside, of a region that may be huge
    s = std::clamp<int64_t>(to_count((-1 - start) / step) - 2, 0, count);
    end = std::clamp<int64_t>(to_count((static_cast<T>(cells) - start) / step) + 2, s, count);
  }
  for (; s < end; ++s) {
    T at = start + (static_cast<T>(s) + T(0.5)) * size / static_cast<T>(count);
    if (!(at >= -1 && at <= static_cast<T>(cells)) || cells == 0) continue;
    at = std::max(at, T(0));
    const auto low = static_cast<int64_t>(at);
    if (low >= cells - 1) {
      axis.add(cells - 1, 1);
      continue;
    }
    const T part = at - static_cast<T>(low);
    axis.add(low, 1 - part);
    axis.add(low + 1, part);
  }
}

// The number of samples a bin has along the axis.
template <class T>
int64_t sample_axis(Axis<T>& axis, const RegionPool& p, T low, T high, int64_t bins, int64_t cells) {
  const bool halves = p.rule == RegionRule::kPositionAlign || p.aligned;
  const T scale = static_cast<T>(p.scale), shift = halves ? T(0.5) : T(0);
  const T start = low * scale - shift;
  T length = high * scale - shift - start;
  if (!halves) length = std::max(length, T(1));
  const T size = length / static_cast<T>(bins);
  const int64_t count = p.samples > 0 ? p.samples : to_count(std::ceil(length / static_cast<T>(bins)));
  axis.clear();
  for (int64_t i = 0; i < bins; ++i) {
    add_samples(axis, start + static_cast<T>(i) * size, size, count, cells);
    axis.end_bin();
  }
  return count;
}

// Bin i of an axis: the cells in [first, last).
struct CellRange {
  int64_t first, last;
};
template <class T>
void cell_axis(std::vector<CellRange>& ranges, T low, T high, double scale, int64_t bins, int64_t extra,
               int64_t end) {
  const int64_t start = to_count(std::round(low * static_cast<T>(scale)));
  const int64_t length = to_count(std::round(high * static_cast<T>(scale))) - start + extra;
  const T size = static_cast<T>(std::max<int64_t>(length, 1)) / static_cast<T>(bins);
  ranges.clear();
  for (int64_t i = 0; i < bins; ++i) {
    const auto lo = to_count(std::floor(static_cast<T>(i) * size));
    const auto hi = to_count(std::ceil(static_cast<T>(i + 1) * size));
    ranges.push_back({std::clamp<int64_t>(lo + start, 0, end), std::clamp<int64_t>(hi + start, 0, end)});
  }
}

// A bin that reads channels of its own: for channels of y that lie y_stride apart, those of x x_stride.
template <class T>
struct BinArgs {
  AxisTaps<T> rows, columns;
  int64_t row, column;  // of the bin
  int64_t channels, x_stride, y_stride, width;
  T divisor;

  // f(cell, weight) for all cells of the bin
  template <class F>
  void for_cells(F f) const {
    for (int64_t r = rows.begin[row]; r < rows.begin[row + 1]; ++r) {
      for (int64_t c = columns.begin[column]; c < columns.begin[column + 1]; ++c)
        f(rows.cell[r] * width + columns.cell[c], rows.weight[r] * columns.weight[c]);
    }
  }
};

template <class T>
void forward(const BinArgs<T>& a, const T* x, T* y) {
  for (int64_t c = 0; c < a.channels; ++c) {
    T sum = 0;
    a.for_cells([&](int64_t cell, T weight) { sum += weight * x[c * a.x_stride + cell]; });
    y[c * a.y_stride] = sum / a.divisor;
  }
}
template <class T>
void backward(const BinArgs<T>& a, const T* gy, T* gx) {
  for (int64_t c = 0; c < a.channels; ++c) {
    const T g = gy[c * a.y_stride] / a.divisor;
    a.for_cells([&](int64_t cell, T weight) { gx[c * a.x_stride + cell] += weight * g; });
  }
}

template <class T>
void forward(const RegionArgs<T>& a, const T* x, T* y) {
  kernels().vision.of<T>().region_forward(a, x, y);
}
template <class T>
void backward(const RegionArgs<T>& a, const T* gy, T* gx) {
  kernels().vision.of<T>().region_backward(a, gy, gx);
}

// One region at a time: its bins and where its image begins.
template <class T>
class RegionWalk {
 public:
  explicit RegionWalk(const RegionPool& pool) : p_(pool) {}

  void load(const T* region) {
    image_ = static_cast<int64_t>(region[0]);
    if (p_.rule == RegionRule::kPositionMean) {
      load_cells(rows_, region[2], region[4], p_.bin_rows, p_.height);
      load_cells(columns_, region[1], region[3], p_.bin_columns, p_.width);
      return;
    }
    const int64_t a = sample_axis(rows_, p_, region[2], region[4], p_.bin_rows, p_.height);
    const int64_t b = sample_axis(columns_, p_, region[1], region[3], p_.bin_columns, p_.width);
    samples_ = static_cast<T>(a) * static_cast<T>(b);
    if (p_.rule == RegionRule::kPositionAlign) return;
    samples_ = std::max(samples_, T(1));
    matrix_.load(columns_);
    line_.resize(static_cast<size_t>(matrix_.view().width));
    sums_.resize(static_cast<size_t>(matrix_.view().ld_transpose));
  }

  // f(args, offset in x, offset in y) for what output channels [first, last) of the region read.
  template <class F>
  void for_args(int64_t first, int64_t last, F f) {
    if (p_.rule == RegionRule::kAlign) {
      f(RegionArgs<T>{rows_.taps(), matrix_.view(), last - first, p_.plane(), p_.bins(), p_.width,
                      1 / samples_, line_.data(), sums_.data()},
        (image_ * p_.channels + first) * p_.plane(), first * p_.bins());
      return;
    }
    BinArgs<T> args{rows_.taps(),           columns_.taps(), 0,        0,       last - first,
                    p_.bins() * p_.plane(), p_.bins(),       p_.width, samples_};
    for (int64_t bin = 0; bin < p_.bins(); ++bin) {
      args.row = bin / p_.bin_columns;
      args.column = bin % p_.bin_columns;
      if (p_.rule == RegionRule::kPositionMean)
        args.divisor =
            static_cast<T>(std::max<int64_t>(1, size(rows_, args.row) * size(columns_, args.column)));
      f(args, (image_ * p_.channels + first * p_.bins() + bin) * p_.plane(), first * p_.bins() + bin);
    }
  }

 private:
  static int64_t size(const Axis<T>& axis, int64_t bin) {
    return axis.begin[static_cast<size_t>(bin + 1)] - axis.begin[static_cast<size_t>(bin)];
  }

  // The last row and column of a plane belong to no bin.
  void load_cells(Axis<T>& axis, T low, T high, int64_t bins, int64_t cells) {
    cell_axis(ranges_, low, high, p_.scale, bins, 0, std::max<int64_t>(cells - 1, 0));
    axis.clear();
    for (const CellRange& r : ranges_) {
      for (int64_t c = r.first; c < r.last; ++c) axis.cell.push_back(c), axis.weight.push_back(1);
      axis.end_bin();
    }
  }

  const RegionPool p_;
  int64_t image_ = 0;
  T samples_ = 1;
  Axis<T> rows_, columns_;
  Matrix<T> matrix_;
  std::vector<CellRange> ranges_;
  std::vector<T> line_, sums_;
};

struct Blocks {
  int64_t size, count;
};
template <class T>
Blocks channel_blocks(const RegionPool& p) {
  const int64_t channels = p.out_channels();
  const int64_t planes = p.channels / std::max<int64_t>(1, channels);  // of x for a channel of y
  const auto bytes = std::max<int64_t>(1, planes * p.plane() * static_cast<int64_t>(sizeof(T)));
  const int64_t size = std::clamp(kBlockBytes / bytes, kMinBlock, kMaxBlock);
  return {size, ceil_div(channels, size)};
}

// make() gives what a thread keeps for itself; f(it, region, first channel, last channel) is called for all
// regions of one block of channels, then for the next.
template <class T, class Make, class F>
void for_regions(const RegionPool& p, Make make, F f) {
  const Blocks blocks = channel_blocks<T>(p);
  const int64_t work = 8 * blocks.size * std::max<int64_t>(1, p.bins());
  const int64_t grain = std::max<int64_t>(1, kGrainElements / work);
  parallel_for(p.regions * blocks.count, grain, [&](int64_t begin, int64_t end) {
    auto own = make();
    for (int64_t u = begin; u < end; ++u) {
      const int64_t first = u / p.regions * blocks.size;
      f(own, u % p.regions, first, std::min(p.out_channels(), first + blocks.size));
    }
  });
}

// f(image, first channel, last channel) over blocks of channels of all images.
template <class T, class F>
void for_images(const RegionPool& p, F f) {
  const Blocks blocks = channel_blocks<T>(p);
  const int64_t work = blocks.size * (p.plane() + 8 * p.regions * p.bins());
  const int64_t grain = std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, work));
  parallel_for(p.images * blocks.count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; ++u) {
      const int64_t first = u % blocks.count * blocks.size;
      f(u / blocks.count, first, std::min(p.out_channels(), first + blocks.size));
    }
  });
}

}  // namespace

template <class T>
void region_mean_forward(const RegionPool& p, const T* x, const T* regions, T* y) {
  const auto run = [&](RegionWalk<T>& walk, int64_t region, int64_t first, int64_t last) {
    walk.load(regions + region * 5);
    walk.for_args(first, last, [&](const auto& args, int64_t from, int64_t to) {
      forward(args, x + from, y + region * p.out_channels() * p.bins() + to);
    });
  };
  for_regions<T>(p, [&] { return RegionWalk<T>(p); }, run);
}

template <class T>
void region_mean_backward(const RegionPool& p, const T* gy, const T* regions, T* gx) {
  const int64_t planes = p.rule == RegionRule::kAlign ? 1 : p.bins();  // of x for a channel of y
  for_images<T>(p, [&](int64_t image, int64_t first, int64_t last) {
    RegionWalk<T> walk(p);
    std::fill_n(gx + (image * p.channels + first * planes) * p.plane(), (last - first) * planes * p.plane(),
                T(0));
    for (int64_t r = 0; r < p.regions; ++r) {
      if (static_cast<int64_t>(regions[r * 5]) != image) continue;
      walk.load(regions + r * 5);
      walk.for_args(first, last, [&](const auto& args, int64_t to, int64_t from) {
        backward(args, gy + r * p.out_channels() * p.bins() + from, gx + to);
      });
    }
  });
}

namespace {

struct CellBins {
  std::vector<CellRange> rows, columns;
};

// The first of the largest cells of a bin; NaN is never larger.
template <class T>
void max_of_bin(const T* plane, int64_t width, const CellRange& rows, const CellRange& columns, T* y,
                int32_t* index) {
  const bool empty = rows.first >= rows.last || columns.first >= columns.last;
  T most = empty ? T(0) : static_cast<T>(std::numeric_limits<float>::lowest());
  int64_t at = -1;
  for (int64_t h = rows.first; h < rows.last; ++h) {
    for (int64_t w = columns.first; w < columns.last; ++w) {
      if (plane[h * width + w] > most) most = plane[at = h * width + w];
    }
  }
  *y = most;
  *index = static_cast<int32_t>(at);
}

}  // namespace

template <class T>
void region_max_forward(const RegionPool& p, const T* x, const T* regions, T* y, int32_t* index) {
  for_regions<T>(
      p, [] { return CellBins(); },
      [&](CellBins& bins, int64_t r, int64_t first, int64_t last) {
        const T* const region = regions + r * 5;
        cell_axis(bins.rows, region[2], region[4], p.scale, p.bin_rows, 1, p.height);
        cell_axis(bins.columns, region[1], region[3], p.scale, p.bin_columns, 1, p.width);
        for (int64_t c = first; c < last; ++c) {
          const T* const plane = x + (static_cast<int64_t>(region[0]) * p.channels + c) * p.plane();
          int64_t out = (r * p.channels + c) * p.bins();
          for (const CellRange& rows : bins.rows) {
            for (const CellRange& columns : bins.columns) {
              max_of_bin(plane, p.width, rows, columns, y + out, index + out);
              ++out;
            }
          }
        }
      });
}

template <class T>
void region_max_backward(const RegionPool& p, const T* gy, const T* regions, const int32_t* index, T* gx) {
  for_images<T>(p, [&](int64_t image, int64_t first, int64_t last) {
    std::fill_n(gx + (image * p.channels + first) * p.plane(), (last - first) * p.plane(), T(0));
    for (int64_t r = 0; r < p.regions; ++r) {
      if (static_cast<int64_t>(regions[r * 5]) != image) continue;
      for (int64_t c = first; c < last; ++c) {
        T* const plane = gx + (image * p.channels + c) * p.plane();
        const int64_t from = (r * p.channels + c) * p.bins();
        for (int64_t b = from; b < from + p.bins(); ++b) {
          if (index[b] >= 0) plane[index[b]] += gy[b];
        }
      }
    }
  });
}

PLAIT_REGION_DRIVERS(template, float)
PLAIT_REGION_DRIVERS(template, double)

}  // namespace plait
