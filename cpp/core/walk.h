// SPDX-License-Identifier: MIT
// Walks the common index space of K operands with strides, row by row, over any range of linear indices.
// For code that moves or indexes elements; arithmetic goes through the pointwise loops.
#pragma once

#include <array>
#include <cstdint>

#include "core/shape.h"

namespace plait {

template <size_t K>
class Walk {
 public:
  using Offsets = std::array<int64_t, K>;

  // strides[k]: of operand k, as many as sizes.
  Walk(IntSpan shape, const std::array<IntSpan, K>& strides) {
    const int64_t n = static_cast<int64_t>(shape.size());
    for (int64_t d = 0; d < n; ++d) {
      const auto i = static_cast<size_t>(d);
      numel_ *= shape[i];
      if (shape[i] == 1) continue;
      // Merge with the dimension before when every operand steps through both as through one.
      bool merges = !shape_.empty();
      for (size_t k = 0; k < K && merges; ++k) merges = strides_[k].back() == strides[k][i] * shape[i];
      if (merges) {
        shape_.back() *= shape[i];
        for (size_t k = 0; k < K; ++k) strides_[k].back() = strides[k][i];
      } else {
        shape_.push_back(shape[i]);
        for (size_t k = 0; k < K; ++k) strides_[k].push_back(strides[k][i]);
      }
    }
    if (shape_.empty()) {
      shape_.push_back(1);
      for (size_t k = 0; k < K; ++k) strides_[k].push_back(0);
    }
  }

  int64_t numel() const { return numel_; }
  int64_t row() const { return shape_.back(); }                  // length of the innermost dimension
  int64_t stride(size_t k) const { return strides_[k].back(); }  // of operand k inside a row

  // Calls f(offsets, n) for every piece of a row in [begin, end): offsets in elements, n steps of stride(k).
  template <class F>
  void run(int64_t begin, int64_t end, F&& f) const {
    if (begin >= end) return;
    const int64_t last = shape_.size() - 1, row = shape_[last];
    Dims index(last + 1, 0);
    Offsets base{};
    int64_t rest = begin / row, at = begin % row;
    for (int64_t d = last - 1; d >= 0; --d) {
      index[d] = rest % shape_[d];
      rest /= shape_[d];
      for (size_t k = 0; k < K; ++k) base[k] += index[d] * strides_[k][d];
    }
    while (begin < end) {
      const int64_t n = end - begin < row - at ? end - begin : row - at;
      Offsets offsets = base;
      for (size_t k = 0; k < K; ++k) offsets[k] += at * strides_[k][last];
      f(offsets, n);
      begin += n;
      at = 0;
      for (int64_t d = last - 1; d >= 0; --d) {
        for (size_t k = 0; k < K; ++k) base[k] += strides_[k][d];
        if (++index[d] < shape_[d]) break;
        for (size_t k = 0; k < K; ++k) base[k] -= index[d] * strides_[k][d];
        index[d] = 0;
      }
    }
  }

 private:
  int64_t numel_ = 1;
  Dims shape_;
  std::array<Dims, K> strides_;
};

}  // namespace plait
