// SPDX-License-Identifier: MIT
// Non-maximum suppression. T is float or double, all arrays are contiguous.
#pragma once

#include <cstdint>
#include <vector>

namespace plait {

// boxes[n, 4]: x1, y1, x2, y2; order[n]: the boxes by falling score. Returns the boxes, in that order, whose
// intersection with every box returned before is at most `threshold` of the union.
template <class T>
std::vector<int64_t> suppress_boxes(const T* boxes, const int64_t* order, int64_t n, double threshold);

extern template std::vector<int64_t> suppress_boxes<float>(const float*, const int64_t*, int64_t, double);
extern template std::vector<int64_t> suppress_boxes<double>(const double*, const int64_t*, int64_t, double);

}  // namespace plait
