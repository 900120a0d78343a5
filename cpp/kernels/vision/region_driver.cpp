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

constexpr int64_t kChannelBlock = 32;

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
  AxisTaps<T> taps(int64_t first_bin, int64_t bins) const {
    const int64_t b = begin[static_cast<size_t>(first_bin)], e = begin[static_cast<size_t>(first_bin + bins)];
    int64_t first = 0, last = 0;
    if (b < e) {
      const auto [lo, hi] = std::minmax_element(cell.begin() + b, cell.begin() + e);
      first = *lo, last = *hi + 1;
    }
    return {bins, begin.data() + first_bin, cell.data(), weight.data(), first, last};
  }
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
    } else {
      const int64_t a = sample_axis(rows_, p_, region[2], region[4], p_.bin_rows, p_.height);
      const int64_t b = sample_axis(columns_, p_, region[1], region[3], p_.bin_columns, p_.width);
      samples_ = static_cast<T>(a) * static_cast<T>(b);
      if (p_.rule == RegionRule::kAlign) samples_ = std::max(samples_, T(1));
    }
    line_.resize(static_cast<size_t>(p_.width));
  }
  int64_t image() const { return image_; }

  // f(args, offset in x, offset in y) for what output channels [first, last) of the region read.
  template <class F>
  void for_args(int64_t first, int64_t last, F f) {
    RegionArgs<T> args{};
    args.channels = last - first;
    args.width = p_.width;
    args.y_stride = p_.bins();
    args.line = line_.data();
    args.divisor = samples_;
    if (p_.rule == RegionRule::kAlign) {
      args.rows = rows_.taps(0, p_.bin_rows);
      args.columns = columns_.taps(0, p_.bin_columns);
      args.x_stride = p_.plane();
      f(args, (image_ * p_.channels + first) * p_.plane(), first * p_.bins());
      return;
    }
    args.x_stride = p_.bins() * p_.plane();
    for (int64_t bin = 0; bin < p_.bins(); ++bin) {
      args.rows = rows_.taps(bin / p_.bin_columns, 1);
      args.columns = columns_.taps(bin % p_.bin_columns, 1);
      if (p_.rule == RegionRule::kPositionMean)
        args.divisor = static_cast<T>(std::max<int64_t>(1, length(args.rows) * length(args.columns)));
      const int64_t channel = image_ * p_.channels + first * p_.bins() + bin;
      f(args, channel * p_.plane(), first * p_.bins() + bin);
    }
  }

 private:
  static int64_t length(const AxisTaps<T>& taps) { return taps.begin[1] - taps.begin[0]; }

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
  std::vector<CellRange> ranges_;
  std::vector<T> line_;
};

// f(region, first channel, last channel) over blocks of channels of all regions.
template <class F>
void for_region_blocks(const RegionPool& p, int64_t channels, F f) {
  const int64_t blocks = ceil_div(channels, kChannelBlock);
  const int64_t grain =
      std::max<int64_t>(1, kGrainElements / (8 * kChannelBlock * std::max<int64_t>(1, p.bins())));
  parallel_for(p.regions * blocks, grain, [&](int64_t begin, int64_t end) { f(begin, end, blocks); });
}

// f(image, first channel, last channel) over blocks of channels of all images.
template <class F>
void for_image_blocks(const RegionPool& p, int64_t channels, F f) {
  const int64_t blocks = ceil_div(channels, kChannelBlock);
  parallel_for(p.images * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; ++u) {
      const int64_t first = u % blocks * kChannelBlock;
      f(u / blocks, first, std::min(channels, first + kChannelBlock));
    }
  });
}

}  // namespace

template <class T>
void region_mean_forward(const RegionPool& p, const T* x, const T* regions, T* y) {
  const int64_t channels = p.out_channels();
  for_region_blocks(p, channels, [&](int64_t begin, int64_t end, int64_t blocks) {
    RegionWalk<T> walk(p);
    for (int64_t u = begin; u < end; ++u) {
      const int64_t region = u / blocks, first = u % blocks * kChannelBlock;
      if (u == begin || first == 0) walk.load(regions + region * 5);
      walk.for_args(first, std::min(channels, first + kChannelBlock),
                    [&](const RegionArgs<T>& args, int64_t from, int64_t to) {
                      kernels().vision.of<T>().region_forward(args, x + from,
                                                              y + region * channels * p.bins() + to);
                    });
    }
  });
}

template <class T>
void region_mean_backward(const RegionPool& p, const T* gy, const T* regions, T* gx) {
  const int64_t channels = p.out_channels();
  const int64_t planes = p.rule == RegionRule::kAlign ? 1 : p.bins();  // of x for a channel of y
  for_image_blocks(p, channels, [&](int64_t image, int64_t first, int64_t last) {
    RegionWalk<T> walk(p);
    std::fill_n(gx + (image * p.channels + first * planes) * p.plane(), (last - first) * planes * p.plane(),
                T(0));
    for (int64_t r = 0; r < p.regions; ++r) {
      if (static_cast<int64_t>(regions[r * 5]) != image) continue;
      walk.load(regions + r * 5);
      walk.for_args(first, last, [&](const RegionArgs<T>& args, int64_t to, int64_t from) {
        kernels().vision.of<T>().region_backward(args, gy + r * channels * p.bins() + from, gx + to);
      });
    }
  });
}

template <class T>
void region_max_forward(const RegionPool& p, const T* x, const T* regions, T* y, int32_t* index) {
  for_region_blocks(p, p.channels, [&](int64_t begin, int64_t end, int64_t blocks) {
    std::vector<CellRange> rows, columns;
    for (int64_t u = begin; u < end; ++u) {
      const T* const region = regions + u / blocks * 5;
      cell_axis(rows, region[2], region[4], p.scale, p.bin_rows, 1, p.height);
      cell_axis(columns, region[1], region[3], p.scale, p.bin_columns, 1, p.width);
      const int64_t first = u % blocks * kChannelBlock, last = std::min(p.channels, first + kChannelBlock);
      for (int64_t c = first; c < last; ++c) {
        const T* const plane = x + (static_cast<int64_t>(region[0]) * p.channels + c) * p.plane();
        int64_t out = (u / blocks * p.channels + c) * p.bins();
        for (const CellRange& r : rows) {
          for (const CellRange& s : columns) {
            const bool empty = r.first >= r.last || s.first >= s.last;
            T most = empty ? T(0) : static_cast<T>(std::numeric_limits<float>::lowest());
            int64_t at = -1;
            for (int64_t h = r.first; h < r.last; ++h) {
              for (int64_t w = s.first; w < s.last; ++w) {
                if (plane[h * p.width + w] > most) most = plane[at = h * p.width + w];
              }
            }
            y[out] = most;
            index[out++] = static_cast<int32_t>(at);
          }
        }
      }
    }
  });
}

template <class T>
void region_max_backward(const RegionPool& p, const T* gy, const T* regions, const int32_t* index, T* gx) {
  for_image_blocks(p, p.channels, [&](int64_t image, int64_t first, int64_t last) {
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
