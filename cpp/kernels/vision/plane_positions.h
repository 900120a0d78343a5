// SPDX-License-Identifier: MIT
// Where an image is read, between its cells. Channels are copied into planes with a border of zeros, one row
// and column before them and two behind, so that no position is a case of its own; those far outside, and
// NaN, read the last two rows.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/workspace.h"
#include "kernels/vision/vision_args.h"

namespace plait {

template <class T>
class PlanePositions {
 public:
  PlanePositions(int64_t height, int64_t width, int64_t size)
      : height_(height),
        width_(width),
        memory_(static_cast<size_t>(size) * (2 * sizeof(T) + sizeof(int32_t))) {
    fy_ = memory_.as<T>();
    fx_ = fy_ + size;
    cell_ = reinterpret_cast<int32_t*>(fx_ + size);
  }

  int64_t ld() const { return width_ + 3; }
  int64_t plane_size() const { return (height_ + 3) * ld(); }

  // Position i lies at row y and column x.
  void set(int64_t i, T y, T x) {
    Axis row{height_, 0}, column{0, 0};
    if (!locate(y, height_, row) || !locate(x, width_, column)) row = {height_, 0}, column = {0, 0};
    cell_[i] = static_cast<int32_t>((row.low + 1) * ld() + column.low + 1);
    fy_[i] = row.part;
    fx_[i] = column.part;
  }
  PlanePoints<T> points(int64_t first, int64_t n, const T* mask) const {
    return {n, ld(), cell_ + first, fy_ + first, fx_ + first, mask};
  }

  void pad(const T* x, T* plane) const {
    std::fill_n(plane, plane_size(), T(0));
    for (int64_t h = 0; h < height_; ++h) std::copy_n(x + h * width_, width_, plane + (h + 1) * ld() + 1);
  }
  void crop(const T* plane, T* x) const {
    for (int64_t h = 0; h < height_; ++h) std::copy_n(plane + (h + 1) * ld() + 1, width_, x + h * width_);
  }

 private:
  struct Axis {
    int64_t low;
    T part;
  };
  static bool locate(T at, int64_t cells, Axis& axis) {
    if (!(at > -1 && at < static_cast<T>(cells))) return false;
    const T low = std::floor(at);
    axis = {static_cast<int64_t>(low), at - low};
    return true;
  }

  const int64_t height_, width_;
  Workspace memory_;
  T *fy_, *fx_;
  int32_t* cell_;
};

}  // namespace plait
