// SPDX-License-Identifier: MIT
// Planes are transposed on their way into vectors, results on their way out; both are bound by memory.
#include "kernels/conv/interleaved_input.h"

#include <algorithm>
#include <numeric>

#include "core/cpu_info.h"

namespace plait::conv {

template <class T>
void transpose(T* dst, int64_t dst_ld, const T* src, int64_t src_ld, int64_t rows, int64_t columns) {
  constexpr int64_t kSize = sizeof(T);
  kernels().convert.transpose.bytes(kSize)(dst, dst_ld * kSize, src, src_ld * kSize, rows, columns);
}

template <class T>
Tile interleaved_tile(const PaddedPlane& whole, const int64_t* grid, int64_t channels, int64_t blocks,
                      int64_t units) {
  constexpr int64_t kFewRows = 8;  // of which no tile is cut
  const int64_t vector_bytes = conv_kernels<T>().lanes * int64_t{sizeof(T)};
  Tile tile = tile_within(whole, grid, channels, cpu_info().l2_bytes * 3 / 8 / vector_bytes);
  while (tile.h >= 2 * kFewRows && blocks * ceil_div(grid[1], tile.h) < units) {
    tile.h = ceil_div(tile.h, 2);
  }
  return tile;
}

InterleavedInput::InterleavedInput(const PaddedPlane& plane, bool split_columns, bool open)
    : plane_(plane), open_(open && plane.cells[0] * plane.phases[0] == 1), split_(split_columns) {
  for (int i = 0; i < 3; ++i) {
    for (int64_t at = 0; at < plane.cells[i] * plane.stride[i]; ++at) {
      int64_t place[3] = {0, 0, 0};
      place[i] = at;
      axis_[i].push_back(at % plane.stride[i] < plane.phases[i] ? plane.at(place[0], place[1], place[2])
                                                                : -1);
    }
  }
  columns_ = split_ ? axis_size(2) : plane.in[2];
  const int64_t shift = split_ ? 0 : plane.before[2];
  place_.reserve(static_cast<size_t>(plane.in[0] * axis_size(1) * columns_));
  for (int64_t d = 0; d < plane.in[0]; ++d) {
    for (int64_t h = 0; h < axis_size(1); ++h) {
      const int64_t slice = axis(0, d + plane.before[0]), row = axis(1, h);
      for (int64_t w = shift; w < shift + columns_; ++w) {
        const int64_t column = axis(2, w);
        const bool read = std::min({slice, row, column}) >= 0;
        place_.push_back(static_cast<int32_t>(read ? slice + row + column : plane.size()));
      }
    }
  }
}

InterleavedInput::Window InterleavedInput::window(int64_t h0, int64_t w0) const {
  Window window;
  const PaddedPlane& p = plane_;
  const int64_t before[3] = {p.before[0], p.before[1] - h0 * p.stride[1], p.before[2] - w0 * p.stride[2]};
  int64_t low[3], high[3];  // of the padded plane, inside of the plane
  for (int i = 0; i < 3; ++i) {
    low[i] = std::clamp<int64_t>(before[i], 0, axis_size(i));
    high[i] = std::clamp<int64_t>(before[i] + p.in[i], low[i], axis_size(i));
  }
  const int64_t first = split_ ? low[2] : 0, columns = split_ ? high[2] - low[2] : columns_;
  // Whole rows lie together.
  const int64_t at_once = columns == columns_ && columns == p.in[2] ? high[1] - low[1] : 1;
  for (int64_t d = 0; d < p.in[0]; ++d) {
    for (int64_t h = low[1]; h < high[1]; h += at_once) {
      const int64_t src = (d * p.in[1] + h - before[1]) * p.in[2] + (split_ ? first - before[2] : 0);
      window.pieces.push_back({src, (d * axis_size(1) + h) * columns_ + first, at_once * columns});
    }
  }
  append_zeros(low, high, window.zeros);
  return window;
}

// The vectors outside of [low, high) that positions read.
void InterleavedInput::append_zeros(const int64_t* low, const int64_t* high,
                                    std::vector<int32_t>& zeros) const {
  const auto append = [&](int64_t d, int64_t h, int64_t begin, int64_t end) {
    for (int64_t w = begin; w < end; ++w) {
      const int64_t at[3] = {axis(0, d), axis(1, h), axis(2, w)};
      if (std::min({at[0], at[1], at[2]}) < 0) continue;
      zeros.push_back(static_cast<int32_t>(at[0] + at[1] + at[2]));
    }
  };
  for (int64_t d = 0; d < axis_size(0); ++d) {
    for (int64_t h = 0; h < axis_size(1); ++h) {
      if (h >= low[1] && h < high[1] && d >= low[0] && d < high[0]) {
        append(d, h, 0, low[2]);
        append(d, h, high[2], axis_size(2));
      } else if (!open_) {
        append(d, h, 0, axis_size(2));
      }
    }
  }
}

template <class T>
void InterleavedInput::gather(const Window& window, T* dst, const T* src, int64_t plane_stride,
                              int64_t planes) const {
  interleaved_kernels<T>().interleave({dst, src, plane_stride, planes, place_.data(), window.pieces.data(),
                                       static_cast<int64_t>(window.pieces.size()), window.zeros.data(),
                                       static_cast<int64_t>(window.zeros.size())});
}

void InterleavedInput::trim(const Taps& taps, int64_t h, int64_t& first, int64_t& end) const {
  const auto outside = [&](int64_t tap) {
    const int64_t row = h * plane_.stride[1] + taps.h[static_cast<size_t>(tap)];
    return row < 0 || row >= plane_.in[1];
  };
  while (first < end && outside(first)) ++first;
  while (first < end && outside(end - 1)) --end;
}

template <class T>
InterleavedOperand<T>::InterleavedOperand(const T* src, int64_t groups, int64_t size, int64_t blocks)
    : size_(src ? size : 0),
      distinct_(std::min(blocks, groups / std::gcd(groups, conv_kernels<T>().lanes))),
      space_(bytes_of<T>(distinct_ * size_ * conv_kernels<T>().lanes)) {
  const int64_t lanes = conv_kernels<T>().lanes;
  if (groups == 1) {
    for (int64_t i = 0; i < size_; ++i) std::fill_n(space_.as<T>() + i * lanes, lanes, src[i]);
    return;
  }
  parallel_for(distinct_ * (size_ > 0), std::max<int64_t>(1, kGrainElements / (size * lanes)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t block = begin; block < end; ++block) {
                   T* const to = space_.as<T>() + block * size * lanes;
                   for (int64_t lane = 0; lane < lanes;) {
                     const int64_t group = (block * lanes + lane) % groups;
                     const int64_t rows = std::min(lanes - lane, groups - group);
                     transpose(to + lane, lanes, src + group * size, size, rows, size);
                     lane += rows;
                   }
                 }
               });
}

#define PLAIT_INSTANTIATE(T)                                                                        \
  template void transpose<T>(T*, int64_t, const T*, int64_t, int64_t, int64_t);                     \
  template Tile interleaved_tile<T>(const PaddedPlane&, const int64_t*, int64_t, int64_t, int64_t); \
  template void InterleavedInput::gather<T>(const Window&, T*, const T*, int64_t, int64_t) const;   \
  template class InterleavedOperand<T>;
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::conv
