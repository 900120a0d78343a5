// SPDX-License-Identifier: MIT
// The drivers of detectors' operators against loops over samples, pairs of boxes and taps; backward as the
// transpose of forward.
#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "kernels/vision/deform_driver.h"
#include "kernels/vision/nms_driver.h"
#include "kernels/vision/region_driver.h"
#include "values.h"

namespace plait {
namespace {

using test::random_values;

template <class T>
double dot(const std::vector<T>& a, const std::vector<T>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// Two sums of some thousand products.
template <class T>
void check_equal(double a, double b) {
  TEST_CHECK(std::fabs(a - b) < 1e3 * test::kTolerance<T>, "got %.9g and %.9g", a, b);
}

// What a plane has at a point; cells reach to -1 and to the size.
template <class T>
double at_point(const T* plane, int64_t height, int64_t width, double y, double x) {
  const auto h = static_cast<double>(height), w = static_cast<double>(width);
  if (y < -1 || y > h || x < -1 || x > w) return 0;
  y = std::clamp(y, 0.0, h - 1), x = std::clamp(x, 0.0, w - 1);
  const auto i = static_cast<int64_t>(y), j = static_cast<int64_t>(x);
  const int64_t below = std::min(i + 1, height - 1), right = std::min(j + 1, width - 1);
  const double fy = y - static_cast<double>(i), fx = x - static_cast<double>(j);
  const auto v = [&](int64_t r, int64_t c) { return static_cast<double>(plane[r * width + c]); };
  return (1 - fy) * ((1 - fx) * v(i, j) + fx * v(i, right)) +
         fy * ((1 - fx) * v(below, j) + fx * v(below, right));
}

template <class T>
void check_regions(const RegionPool& p) {
  std::vector<T> regions;
  for (int64_t r = 0; r < p.regions; ++r) {
    const T low = static_cast<T>(r) * T(0.75) - 1;
    for (const T v : {static_cast<T>(r % p.images), low, low + T(0.25), low + T(5.5), low + T(4.125)})
      regions.push_back(v);
  }
  const std::vector<T> x = random_values<T>(p.images * p.channels * p.plane()),
                       gy = random_values<T>(p.regions * p.channels * p.bins());
  std::vector<T> y(gy.size()), gx(x.size());
  region_mean_forward(p, x.data(), regions.data(), y.data());
  region_mean_backward(p, gy.data(), regions.data(), gx.data());
  size_t out = 0;
  double worst = 0;
  for (int64_t r = 0; r < p.regions; ++r) {
    double side[4];
    for (int i = 0; i < 4; ++i)
      side[i] = static_cast<double>(regions[static_cast<size_t>(r * 5 + 1 + i)]) - 0.5;
    const double bin_h = (side[3] - side[1]) / static_cast<double>(p.bin_rows),
                 bin_w = (side[2] - side[0]) / static_cast<double>(p.bin_columns);
    const auto n = static_cast<double>(p.samples);
    for (int64_t c = 0; c < p.channels; ++c) {
      const T* const plane = x.data() + (r % p.images * p.channels + c) * p.plane();
      for (int64_t bin = 0; bin < p.bins(); ++bin, ++out) {
        double sum = 0;
        for (int64_t s = 0; s < p.samples * p.samples; ++s) {
          const double v = (static_cast<double>(s / p.samples) + 0.5) / n,
                       h = (static_cast<double>(s % p.samples) + 0.5) / n;
          sum += at_point(plane, p.height, p.width,
                          side[1] + (static_cast<double>(bin / p.bin_columns) + v) * bin_h,
                          side[0] + (static_cast<double>(bin % p.bin_columns) + h) * bin_w);
        }
        worst = std::max(worst, std::abs(sum / (n * n) - static_cast<double>(y[out])));
      }
    }
  }
  TEST_CHECK(worst < test::kTolerance<T>, "error %.3g", worst);
  check_equal<T>(dot(y, gy), dot(x, gx));
}

template <class T>
void check_boxes(int64_t n) {
  std::vector<T> boxes;
  std::vector<int64_t> order;
  for (int64_t i = 0; i < n; ++i) {
    const auto left = static_cast<T>(i * 37 % 50), top = static_cast<T>(i * 61 % 40);
    for (const T v : {left, top, left + static_cast<T>(i % 20), top + static_cast<T>(10)}) boxes.push_back(v);
    order.push_back((i * 7 + 3) % n);
  }
  const std::vector<int64_t> kept = suppress_boxes(boxes.data(), order.data(), n, 0.25);
  std::vector<int64_t> want;
  const auto overlaps = [&](int64_t i, int64_t j) {
    const T *a = boxes.data() + i * 4, *b = boxes.data() + j * 4;
    const auto side = [&](int k) {
      return std::max(0.0, static_cast<double>(std::min(a[k + 2], b[k + 2]) - std::max(a[k], b[k])));
    };
    const auto area = [](const T* c) { return static_cast<double>((c[2] - c[0]) * (c[3] - c[1])); };
    const double both = side(0) * side(1);
    return both > 0.25 * (area(a) + area(b) - both);
  };
  for (const int64_t i : order) {
    if (std::none_of(want.begin(), want.end(), [&](int64_t k) { return overlaps(k, i); })) want.push_back(i);
  }
  TEST_CHECK(kept == want, "%zu boxes of %lld", kept.size(), static_cast<long long>(n));
}

template <class T>
void check_columns(const DeformShape& s) {
  const int64_t points = s.groups * s.taps() * s.out();
  const std::vector<T> x = random_values<T>(s.channels * s.height * s.width), mask = random_values<T>(points),
                       g = random_values<T>(s.channels * s.taps() * s.out());
  std::vector<T> offset = random_values<T>(2 * points), columns(g.size()), gx(x.size()),
                 g_offset(offset.size()), g_mask(mask.size());
  for (T& v : offset) v *= 2;
  deform_columns(s, x.data(), offset.data(), mask.data(), columns.data());
  deform_columns_backward(s, x.data(), offset.data(), mask.data(), g.data(), gx.data(), g_offset.data(),
                          g_mask.data());
  double worst = 0;
  size_t i = 0;
  const int64_t ld = s.width + 2;
  std::vector<T> padded(static_cast<size_t>((s.height + 2) * ld));
  for (int64_t c = 0; c < s.channels; ++c) {
    for (int64_t h = 0; h < s.height; ++h)
      std::copy_n(x.data() + (c * s.height + h) * s.width, s.width, padded.data() + (h + 1) * ld + 1);
    for (int64_t t = 0; t < s.taps(); ++t) {
      const int64_t row = c * s.groups / s.channels * s.taps() + t;
      for (int64_t o = 0; o < s.out(); ++o, ++i) {
        const auto base = [&](int d, int64_t index, int64_t tap) {
          return static_cast<double>(index * s.stride[d] - s.pad[d] + tap * s.dilation[d]);
        };
        const T* const moved = offset.data() + row * 2 * s.out() + o;
        const double v = base(0, o / s.out_size[1], t / s.kernel[1]) + static_cast<double>(moved[0]),
                     w = base(1, o % s.out_size[1], t % s.kernel[1]) + static_cast<double>(moved[s.out()]);
        const bool inside =
            v > -1 && v < static_cast<double>(s.height) && w > -1 && w < static_cast<double>(s.width);
        const double want = inside ? at_point(padded.data(), s.height + 2, ld, v + 1, w + 1) *
                                         static_cast<double>(mask[static_cast<size_t>(row * s.out() + o)])
                                   : 0;
        worst = std::max(worst, std::abs(want - static_cast<double>(columns[i])));
      }
    }
  }
  TEST_CHECK(worst < test::kTolerance<T>, "error %.3g", worst);
  // Columns are linear in x and in the masks.
  check_equal<T>(dot(columns, g), dot(x, gx));
  check_equal<T>(dot(columns, g), dot(mask, g_mask));
}

template <class T>
void check_all() {
  for (const int64_t channels : {1, 33, 70}) {
    check_regions<T>({RegionRule::kAlign, 2, channels, 5, 7, 6, 3, 2, 1.0, 2, true});
    check_regions<T>({RegionRule::kAlign, 1, channels, 6, 40, 3, 1, 5, 1.0, 3, true});
  }
  for (const int64_t n : {1, 2, 15, 17, 101}) check_boxes<T>(n);
  check_columns<T>({4, 5, 6, 2, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {5, 6}});
  check_columns<T>({3, 7, 19, 1, {2, 3}, {2, 1}, {1, 2}, {1, 2}, {4, 19}});
  check_columns<T>({2, 1, 1, 2, {1, 1}, {1, 1}, {0, 0}, {1, 1}, {1, 1}});
}

}  // namespace
}  // namespace plait

int main() {
  plait::test::require_isa();
  for (int threads : {1, 3}) {
    plait::set_num_threads(threads);
    plait::check_all<float>();
    plait::check_all<double>();
  }
  return plait::test::report("vision");
}
