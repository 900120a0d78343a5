// SPDX-License-Identifier: MIT
// The taps of an axis are a sparse matrix, found once in double precision; the gradient is the product with
// its transpose. Outputs are taken in pieces whose cells fit the first-level cache as vectors.
#include "kernels/resize/resize_driver.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "core/parallel.h"
#include "core/rounding.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

// Rows of a sparse matrix.
struct Taps {
  std::vector<int64_t> begin{0};
  std::vector<int32_t> cell;
  std::vector<double> weight;

  int64_t rows() const { return static_cast<int64_t>(begin.size()) - 1; }
  void end_row() { begin.push_back(static_cast<int64_t>(cell.size())); }
  // Taps that the border moves to one cell follow each other and are one tap.
  void add(int64_t at, double w) {
    if (static_cast<int64_t>(cell.size()) > begin.back() && cell.back() == at) {
      weight.back() += w;
      return;
    }
    cell.push_back(static_cast<int32_t>(at));
    weight.push_back(w);
  }
};

double cubic(double distance, double a) {
  const double d = std::fabs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

void add_neighbours(Taps& taps, const AxisResize& r, double place) {
  const auto clamped = [&](double at) {
    return static_cast<int64_t>(std::clamp(at, 0.0, static_cast<double>(r.old - 1)));
  };
  if (r.filter == ResizeFilter::kLinear) {
    place = std::max(place, 0.0);
    const int64_t left = clamped(std::floor(place));
    const double share = std::clamp(place - static_cast<double>(left), 0.0, 1.0);
    taps.add(left, 1 - share);
    taps.add(std::min(left + 1, r.old - 1), share);
    return;
  }
  const double left = std::floor(place);
  for (int k = -1; k < 3; ++k) taps.add(clamped(left + k), cubic(place - left - k, -0.75));
}

// The filter around the output's centre, divided by the sum of what lies inside.
void add_spread(Taps& taps, const AxisResize& r, int64_t i) {
  const double stretch = std::max(r.step, 1.0), center = (static_cast<double>(i) + 0.5) * r.step;
  const double radius = (r.filter == ResizeFilter::kCubicSpread ? 2 : 1) * stretch;
  const auto first = static_cast<int64_t>(std::max(center - radius + 0.5, 0.0));
  const int64_t last = std::min(static_cast<int64_t>(center + radius + 0.5), r.old);
  double sum = 0;
  for (int64_t at = first; at < last; ++at) {
    const double distance = (static_cast<double>(at) - center + 0.5) / stretch;
    const double w = r.filter == ResizeFilter::kCubicSpread ? cubic(distance, -0.5)
                                                            : std::max(1 - std::fabs(distance), 0.0);
    taps.add(at, w);
    sum += w;
  }
  for (auto e = static_cast<size_t>(taps.begin.back()); e < taps.weight.size(); ++e) taps.weight[e] /= sum;
}

Taps make_taps(const AxisResize& r) {
  Taps taps;
  const double shift = r.align_corners ? 0 : 0.5;
  for (int64_t i = 0; i < r.size; ++i) {
    if (r.filter == ResizeFilter::kLinear || r.filter == ResizeFilter::kCubic) {
      add_neighbours(taps, r, (static_cast<double>(i) + shift) * r.step - shift);
    } else {
      add_spread(taps, r, i);
    }
    taps.end_row();
  }
  return taps;
}

Taps transposed(const Taps& taps, int64_t rows) {
  Taps t;
  const auto size = taps.cell.size();
  t.begin.assign(static_cast<size_t>(rows + 1), 0);
  t.cell.resize(size);
  t.weight.resize(size);
  for (const int32_t c : taps.cell) ++t.begin[static_cast<size_t>(c) + 1];
  for (size_t c = 0; c < static_cast<size_t>(rows); ++c) t.begin[c + 1] += t.begin[c];
  std::vector<int64_t> next(t.begin.begin(), t.begin.end() - 1);
  for (int64_t i = 0; i < taps.rows(); ++i) {
    for (int64_t e = taps.begin[static_cast<size_t>(i)]; e < taps.begin[static_cast<size_t>(i + 1)]; ++e) {
      const auto at = static_cast<size_t>(next[static_cast<size_t>(taps.cell[static_cast<size_t>(e)])]++);
      t.cell[at] = static_cast<int32_t>(i);
      t.weight[at] = taps.weight[static_cast<size_t>(e)];
    }
  }
  return t;
}

// Makes the weights what Pillow and PyTorch have for bytes: 16-bit integers in units of the smallest power of
// two that holds the largest. Returns its exponent.
int make_short(std::vector<double>& weight) {
  const double most = weight.empty() ? 0 : *std::max_element(weight.begin(), weight.end());
  int shift = 0;
  while (shift < 21 && std::floor(0.5 + most * std::ldexp(1.0, shift + 1)) < 1 << 15) ++shift;
  for (double& w : weight) w = std::round(w * std::ldexp(1.0, shift));
  return shift;
}

// Whether sums of bytes times these integers, and half of a unit more, are exact in float.
bool are_exact_in_float(const Taps& taps) {
  for (int64_t i = 0; i < taps.rows(); ++i) {
    double most = 0;
    for (int64_t e = taps.begin[static_cast<size_t>(i)]; e < taps.begin[static_cast<size_t>(i + 1)]; ++e)
      most += 255 * std::fabs(taps.weight[static_cast<size_t>(e)]);
    if (most >= 1 << 23) return false;
  }
  return true;
}

// tuned: 480 x 640 bytes to 256 x 341: 128 cells take 0.9 of the time of 32, as long as 512
constexpr int64_t kPieceCells = 128;

// Pieces of the outputs: the first of each, and the end of the last.
std::vector<int64_t> make_pieces(const Taps& taps) {
  std::vector<int64_t> first{0};
  int64_t low = INT64_MAX, high = 0;
  for (int64_t i = 0; i < taps.rows(); ++i) {
    for (int64_t e = taps.begin[static_cast<size_t>(i)]; e < taps.begin[static_cast<size_t>(i + 1)]; ++e) {
      low = std::min<int64_t>(low, taps.cell[static_cast<size_t>(e)]);
      high = std::max<int64_t>(high, taps.cell[static_cast<size_t>(e)]);
    }
    const bool is_full = i - first.back() >= 4 * kPieceCells || high - low >= kPieceCells;
    if (is_full && i > first.back()) {
      first.push_back(i);
      low = INT64_MAX, high = 0;
      --i;  // it begins the next piece
    }
  }
  first.push_back(taps.rows());
  return first;
}

template <class T>
ResizeTaps<T> piece_of(const Taps& taps, const T* weight, int shift, int64_t first, int64_t last) {
  const auto begin = taps.cell.begin() + taps.begin[static_cast<size_t>(first)],
             end = taps.cell.begin() + taps.begin[static_cast<size_t>(last)];
  int64_t low = 0, width = 0;
  if (begin != end) {
    const auto [least, most] = std::minmax_element(begin, end);
    low = *least;
    width = *most - low + 1;
  }
  return {taps.begin.data(), taps.cell.data(), weight, shift, first, last, low, width};
}

// y[outer, rows of taps, inner] = taps x[outer, cells, inner]
template <class X, class T>
void apply_taps(const ResizeKernels<X, T>& k, const Taps& taps, int shift, int64_t outer, int64_t cells,
                int64_t inner, const X* x, X* y) {
  const std::vector<T> weight(taps.weight.begin(), taps.weight.end());
  const int64_t size = taps.rows(), work = std::max<int64_t>(1, static_cast<int64_t>(taps.cell.size()));
  if (inner > 1) {
    const int64_t grain = std::max<int64_t>(1, kGrainElements * size / work / inner);
    parallel_for(outer * size, grain, [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end;) {
        const int64_t o = u / size, first = u % size, last = std::min(size, first + end - u);
        const ResizeTaps<T> piece{
            taps.begin.data(), taps.cell.data(), weight.data(), shift, first, last, 0, cells};
        k.rows(piece, inner, x + o * cells * inner, y + o * size * inner);
        u += last - first;
      }
    });
    return;
  }
  constexpr int64_t kRows = 64 / sizeof(T);  // of a vector at the widest level
  const std::vector<int64_t> firsts = make_pieces(taps);
  std::vector<ResizeTaps<T>> pieces;
  int64_t width = 0;
  for (size_t i = 0; i + 1 < firsts.size(); ++i) {
    pieces.push_back(piece_of(taps, weight.data(), shift, firsts[i], firsts[i + 1]));
    width = std::max(width, pieces.back().width);
  }
  const int64_t blocks = ceil_div(outer, kRows), count = static_cast<int64_t>(pieces.size());
  const int64_t grain = std::max<int64_t>(1, kGrainElements * count / (work * kRows));
  parallel_for(blocks * count, grain, [&](int64_t begin, int64_t end) {
    Workspace scratch(static_cast<size_t>(width * kRows) * sizeof(T));
    for (int64_t u = begin; u < end; ++u) {
      const int64_t row = u / count * kRows;
      k.columns(pieces[static_cast<size_t>(u % count)], std::min(kRows, outer - row), cells, size,
                x + row * cells, y + row * size, scratch.as<T>());
    }
  });
}

template <class T>
const ResizeKernels<T, T>& table() {
  if constexpr (std::is_same_v<T, float>) {
    return kernels().resize.f32;
  } else {
    return kernels().resize.f64;
  }
}

}  // namespace

template <class X>
void resize_axis(const AxisResize& r, const X* x, X* y) {
  Taps taps = make_taps(r);
  if constexpr (!std::is_same_v<X, uint8_t>) {
    apply_taps(table<X>(), taps, 0, r.outer, r.old, r.inner, x, y);
  } else {
    const int shift = make_short(taps.weight);
    if (are_exact_in_float(taps)) {
      for (double& w : taps.weight) w = std::ldexp(w, -shift);
      apply_taps(kernels().resize.u8_f32, taps, 0, r.outer, r.old, r.inner, x, y);
    } else {
      apply_taps(kernels().resize.u8_i32, taps, shift, r.outer, r.old, r.inner, x, y);
    }
  }
}

template <class T>
void resize_axis_backward(const AxisResize& r, const T* gy, T* gx) {
  apply_taps(table<T>(), transposed(make_taps(r), r.old), 0, r.outer, r.size, r.inner, gy, gx);
}

template void resize_axis<float>(const AxisResize&, const float*, float*);
template void resize_axis<double>(const AxisResize&, const double*, double*);
template void resize_axis<uint8_t>(const AxisResize&, const uint8_t*, uint8_t*);
template void resize_axis_backward<float>(const AxisResize&, const float*, float*);
template void resize_axis_backward<double>(const AxisResize&, const double*, double*);

}  // namespace plait
