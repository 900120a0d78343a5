// SPDX-License-Identifier: MIT
// Padded, phase-split copies of image planes (PaddedPlane in conv_args.h), and where taps and positions lie
// in them. Making one is bound by memory: a load and a store for each vector of the plane.
//
// Assumptions: source planes are contiguous; padded planes lie one after the other, with kPaddedSlack
// readable elements behind the last one.
#pragma once

#include <vector>

#include "kernels/conv/conv_common.h"
#include "kernels/conv/problem.h"

namespace plait::conv {

// The padded plane in which all phases find all their taps.
PaddedPlane padded_plane(const int64_t* in, const int64_t* stride, const std::vector<Phase>& phases);

// For how many images at a time padded planes are made: a part of the last cache, so that they are read from
// there.
int64_t images_at_once(int64_t images, int64_t image_bytes);

// dst (planes, plane.size()) from src (planes, *plane.in), in threads.
template <class T>
void pad_planes(const PaddedPlane& plane, T* dst, const T* src, int64_t planes);

// offset[c*taps + t]: where tap t of channel c lies for the position 0.
std::vector<int64_t> tap_offsets(const PaddedPlane& plane, const Taps& taps, int64_t channels,
                                 int64_t channel_stride);

// Cuts positions [first, first + count) of the grids of neighbouring images into runs within rows, and
// appends them.
void cut_runs(const PaddedPlane& plane, const int64_t* grid, int64_t image_stride, int64_t first,
              int64_t count, std::vector<PatchRun>& runs);

// Appends a run as vectors, for columns from `column` on, `stride` apart. It continues the last vector where
// the columns do.
template <class T>
void append_vectors(std::vector<PatchVector<T>>& vectors, int64_t base, int64_t length, int64_t column,
                    int64_t stride = 1);

// The largest grid of all phases, along each axis.
struct Grid {
  int64_t size[3] = {0, 0, 0};
  explicit Grid(const std::vector<Phase>& phases);
};

// A part of a grid, of rows and columns of positions, whose padded input stays in a near cache.
struct Tile {
  int64_t h, w;
};
// limit: elements of all channels' padded planes.
Tile tile_within(const PaddedPlane& plane, const int64_t* grid, int64_t channels, int64_t limit);
// The phases cut to the grid of a tile.
std::vector<Phase> tiled_phases(std::vector<Phase> phases, const Tile& tile);

}  // namespace plait::conv
