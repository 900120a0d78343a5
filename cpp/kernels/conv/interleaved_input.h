// SPDX-License-Identifier: MIT
// The layout of channel_interleaved and image_interleaved: a plane in every lane of a vector, so that lanes
// are full whatever the planes' sizes, strides and dilations, and every load is aligned.
#pragma once

#include <vector>

#include "core/workspace.h"
#include "kernels/conv/padded_input.h"

namespace plait::conv {

// dst[column*dst_ld + row] = src[row*src_ld + column]
template <class T>
void transpose(T* dst, int64_t dst_ld, const T* src, int64_t src_ld, int64_t rows, int64_t columns);

// A tile of a grid whose padded input, `channels` planes of vectors, takes a part of L2; smaller ones where
// `blocks` of planes would make fewer units than `units`.
template <class T>
Tile interleaved_tile(const PaddedPlane& whole, const int64_t* grid, int64_t channels, int64_t blocks,
                      int64_t units);

// Where the vectors of a tile's part of a plane go in its padded input. Counts are of vectors.
class InterleavedInput {
 public:
  // plane: of a tile. Its borders are zeros, but for rows outside of the plane if `open`.
  InterleavedInput(const PaddedPlane& plane, bool split_columns, bool open);

  const PaddedPlane& plane() const { return plane_; }
  int64_t size() const { return plane_.size() + 1; }  // the last vector takes what no position reads

  // What the tile from position (h0, w0) on reads.
  struct Window {
    std::vector<InterleavePiece> pieces;
    std::vector<int32_t> zeros;
  };
  Window window(int64_t h0, int64_t w0) const;

  // dst (size(), lanes) from `planes` planes that lie `plane_stride` elements apart.
  template <class T>
  void gather(const Window& window, T* dst, const T* src, int64_t plane_stride, int64_t planes) const;

  // Narrows [first, end) of the taps to those that find the plane from row h on.
  void trim(const Taps& taps, int64_t h, int64_t& first, int64_t& end) const;

 private:
  int64_t axis_size(int i) const { return static_cast<int64_t>(axis_[i].size()); }
  // What the coordinate of axis i adds to a vector's place; -1 if no position reads it.
  int64_t axis(int i, int64_t at) const {
    return at >= 0 && at < axis_size(i) ? axis_[i][static_cast<size_t>(at)] : -1;
  }
  void append_zeros(const int64_t* low, const int64_t* high, std::vector<int32_t>& zeros) const;

  PaddedPlane plane_;
  bool open_, split_;
  int64_t columns_;  // of place_: the plane's, or those of a tile
  std::vector<int64_t> axis_[3];
  std::vector<int32_t> place_;
};

// An operand of each group with the groups side by side: (size, lanes) for every distinct first group of a
// block of lanes; a single group is repeated in all lanes.
template <class T>
class InterleavedOperand {
 public:
  // src (groups, size), or null.
  InterleavedOperand(const T* src, int64_t groups, int64_t size, int64_t blocks);
  const T* at(int64_t block) const {
    return size_ ? space_.as<T>() + block % distinct_ * size_ * conv_kernels<T>().lanes : nullptr;
  }

 private:
  int64_t size_, distinct_;
  Workspace space_;
};
extern template class InterleavedOperand<float>;
extern template class InterleavedOperand<double>;

}  // namespace plait::conv
