// SPDX-License-Identifier: MIT
// Boxes are laid out by falling score, one array per coordinate, so that a box meets all those behind it in
// one loop over vectors. Bound by arithmetic: n boxes that are kept compare n^2 / 2 pairs.
#include "kernels/vision/nms_driver.h"

#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

// The largest T that is at most v: x > v for a T x if and only if x > round_down(v).
template <class T>
T round_down(double v) {
  const T t = static_cast<T>(v);
  return static_cast<double>(t) > v ? std::nextafter(t, -std::numeric_limits<T>::infinity()) : t;
}

}  // namespace

template <class T>
std::vector<int64_t> suppress_boxes(const T* boxes, const int64_t* order, int64_t n, double threshold) {
  const auto size = static_cast<size_t>(n);
  std::vector<T> arrays(5 * size);
  T *const x1 = arrays.data(), *const y1 = x1 + n, *const x2 = y1 + n, *const y2 = x2 + n,
           *const area = y2 + n;
  for (int64_t i = 0; i < n; ++i) {
    const T* const box = boxes + order[i] * 4;
    x1[i] = box[0], y1[i] = box[1], x2[i] = box[2], y2[i] = box[3];
    area[i] = (box[2] - box[0]) * (box[3] - box[1]);
  }
  const BoxArrays<T> sorted{x1, y1, x2, y2, area};
  std::vector<uint8_t> gone(size, 0);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < n; ++i) {
    if (gone[static_cast<size_t>(i)]) continue;
    poll_interrupt();
    kept.push_back(order[i]);
    kernels().vision.of<T>().suppress(sorted, i, n, round_down<T>(threshold), gone.data());
  }
  return kept;
}

template std::vector<int64_t> suppress_boxes<float>(const float*, const int64_t*, int64_t, double);
template std::vector<int64_t> suppress_boxes<double>(const double*, const int64_t*, int64_t, double);

}  // namespace plait
