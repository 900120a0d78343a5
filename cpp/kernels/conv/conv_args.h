// SPDX-License-Identifier: MIT
// The part of convolution that is compiled per instruction set, as plain data. All of it reads padded input:
// copies of image planes with zeros around them, so that no kernel looks at a border. Callers use
// conv/conv_driver.h.
//
// Names, here and in the files of this folder:
//   in_channels, out_channels   read and written; backward data reads the convolution's output channels
//   tap                         a place of the kernel, numbered as it lies in memory
//   position                    a place of the output
//   phase                       positions, or input elements, that leave the same remainder by the stride
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/slots.h"

namespace plait {

// ---- Padded input ----

// A plane of an image with zeros around it, split by the stride: along an axis read with stride s, elements
// whose coordinates leave the same remainder by s lie together (a phase), so that neighbouring positions read
// neighbouring elements whatever the stride. Element (d, h, w) of the plane, counted from the first zero, is
// in phase (d % stride[0], h % stride[1], w % stride[2]) at cell (d / stride[0], h / stride[1], w /
// stride[2]).
struct PaddedPlane {
  int64_t in[3];      // the plane
  int64_t before[3];  // zeros before its first element; negative: so many elements are left out
  int64_t stride[3];
  int64_t phases[3];  // kept: the first ones of the `stride` there are
  int64_t cells[3];   // of a phase

  int64_t cell_count() const { return cells[0] * cells[1] * cells[2]; }
  int64_t size() const { return phases[0] * phases[1] * phases[2] * cell_count(); }
  // Where (d, h, w) lies, counted from the first zero.
  int64_t at(int64_t d, int64_t h, int64_t w) const {
    const int64_t phase = ((d % stride[0]) * phases[1] + h % stride[1]) * phases[2] + w % stride[2];
    return phase * cell_count() + position(d / stride[0], h / stride[1], w / stride[2]);
  }
  // What the output position (d, h, w) adds to the place of every tap.
  int64_t position(int64_t d, int64_t h, int64_t w) const { return (d * cells[1] + h) * cells[2] + w; }
};
// Padded input is read in whole vectors: so many elements past the last plane must be readable.
inline constexpr int64_t kPaddedSlack = 64;

// `length` neighbouring positions: columns of a matrix of patches from `column` on, elements of the padded
// input from `base` on.
struct PatchRun {
  int64_t column, length, base;
};

// A panel of patches: dst[p*width + column + i] = padded[base + i + offset[p]] for every run, i < length and
// p < count.
template <class T>
struct PackPatches {
  T* dst;  // (count, width)
  int64_t width;
  const T* padded;
  const int64_t* offset;  // (count,)
  int64_t count;
  const PatchRun* runs;
  int64_t n_runs;
};

// Positions whose patches lie within one vector of the padded input from `base` on, position i in lane
// lanes[i]. The lanes between them, such as the ends of a padded row, are computed and dropped.
template <class T>
struct PatchVector {
  static constexpr int64_t kMaxLanes = 64 / sizeof(T);  // of any level
  std::conditional_t<sizeof(T) == 4, int32_t, int64_t> lanes[kMaxLanes];
  int64_t base, count;
  int64_t column;  // of the result: the first position's
};

// A product of weights with patches that are read where they lie:
//   y[r*y_ld + column + i*y_stride] = sum_p weight[r][p] * padded[base + lanes[i] + offset[p]] + bias[r],
//   + y if accumulate
// for r < m, i < count of every vector. Sums run in order of p.
template <class T>
struct UnpackedProduct {
  T* y;
  int64_t y_ld, y_stride;
  const T* padded;
  const int64_t* offset;  // (k,)
  int64_t m, k, mr;
  const T* weight;       // panels of (k, mr)
  int64_t panel_stride;  // from one panel to the next
  const PatchVector<T>* vectors;
  int64_t n_vectors;
  bool accumulate;
  const T* bias;  // (m,), or null
};

// sums[r*width + i] = sum_j padded[offset[r] + position j] * gy[j*width + i], + sums if accumulate, for
// r < m; the positions are those of the runs, in order.
template <class T>
struct PatchGradient {
  T* sums;  // (m, width)
  int64_t m;
  const T* padded;
  const int64_t* offset;  // (m,)
  const PatchRun* runs;
  int64_t n_runs;
  const T* gy;    // (positions, width)
  int64_t width;  // one vector or two
  bool accumulate;
};

template <class T>
struct ConvKernels {
  // dst (planes, plane.size()) from src (planes, *plane.in).
  void (*pad)(const PaddedPlane& plane, T* dst, const T* src, int64_t planes);
  // May write up to 64 bytes past the panel; columns that no run covers hold anything.
  void (*pack_patches)(const PackPatches<T>& args);
  void (*multiply_unpacked)(const UnpackedProduct<T>& args);
  int64_t lanes;  // of a vector
  void (*weight_gradient)(const PatchGradient<T>& args);
};

// ---- Interleaved planes ----

// As many planes as a vector has lanes, one in each lane: groups side by side (channel-interleaved), or
// images. Sizes and places count vectors, but for those of planes.

// `count` neighbouring elements of a plane from `src` on; the places of their vectors stand from `place` on.
struct InterleavePiece {
  int64_t src, place, count;
};
// Vector place[piece.place + i] of dst gets element piece.src + i of `planes` planes; the vectors listed in
// `zeros` become zeros.
template <class T>
struct Interleave {
  T* dst;
  const T* src;
  int64_t plane_stride, planes;  // elements from one plane to the next; at most the lanes
  const int32_t* place;
  const InterleavePiece* pieces;
  int64_t n_pieces;
  const int32_t* zeros;
  int64_t n_zeros;
};

struct InterleavedTap {
  int64_t offset, weight;  // of the padded input, and of the weights
};
// Neighbouring positions, the first at `base` of the padded input and `y` of the result, and the taps that
// find the plane from there.
struct InterleavedRun {
  int64_t base, length, y;
  int64_t first_tap, n_taps;
};
// y[r*y_ld + run.y + i*y_stride] = bias[r] + sum over c < in_channels and the run's taps of
//   weight[r*w_out_stride + c*w_in_stride + tap.weight] * padded[c*channel_stride + run.base + i +
//   tap.offset]
// for r < out_channels, at most the table's.
template <class T>
struct InterleavedProduct {
  T* y;
  int64_t y_ld, y_stride;
  const T* padded;
  int64_t in_channels, channel_stride;
  const T* weight;
  int64_t w_out_stride, w_in_stride;
  const T* bias;  // (out_channels,), or null
  const InterleavedTap* taps;
  const InterleavedRun* runs;
  int64_t n_runs;
  int64_t out_channels;
};

// sums[r*k + t] += sum over the runs of gy[r*gy_ld + run.y + i] * padded[run.base + i + offset[t]], for
// r < out_channels, t < k.
template <class T>
struct InterleavedGradient {
  T* sums;  // (out_channels, k)
  int64_t out_channels, k;
  // Taps of a row of the kernel, if there is but one input channel, whose runs may leave out taps that they
  // do not count; else 0.
  int64_t taps_per_row;
  const T* padded;
  const int64_t* offset;  // (k,)
  const T* gy;
  int64_t gy_ld;
  const InterleavedRun* runs;
  int64_t n_runs;
};

template <class T>
struct InterleavedKernels {
  void (*interleave)(const Interleave<T>& args);
  void (*multiply)(const InterleavedProduct<T>& args);
  void (*weight_gradient)(const InterleavedGradient<T>& args);
  int64_t max_out_channels;  // of a call of multiply
};

// ---- Winograd ----

// Winograd's F(m x m, r x r), m + r = 7: a tile of m x m outputs of a kernel of r x r taps, 2 <= r <= 5, from
// the products of 6 x 6 coefficients per channel. Tiles are the columns of matrices, counted along rows of
// tiles and on through the images; a panel has as many as the GEMM's register tile.
inline constexpr int64_t kWinogradSide = 6, kWinogradCoefficients = 36;
inline constexpr int64_t kWinogradMaxTaps = 5;
// The most columns of a call.
inline constexpr int64_t kWinogradColumns = 64;
// Which of the coefficients along an axis have nonzero products: bits. The first has none where a kernel
// lacks its first tap, the last has none where it lacks its last tap.
inline constexpr int64_t kWinogradFirst = 1, kWinogradLast = int64_t{1} << (kWinogradSide - 1);
inline constexpr int64_t kWinogradAll = 2 * kWinogradLast - 1;

// `length` tiles side by side from the tile (row, left) of an image on.
struct WinogradStrip {
  int64_t column, length;
  int64_t image, row, left;
};

// Planes of (h, w) elements; element (y, x) of a channel of an image lies at
// image*image_stride + channel*channel_stride + y*row_stride + x*stride.
struct WinogradPlanes {
  int64_t image_stride, channel_stride;
  int64_t h, w;
  int64_t row_stride, stride;
};

// v[panel*v_panel + coefficient*v_coefficient + c*v_channel + column] of some channels. Tile (row, left)
// reads elements from (tile*row - before[0], tile*left - before[1]) on, 6 x 6 of inputs, tile x tile of
// gradients; outside the plane they are zeros. Inputs may have a stride of two, gradients have a stride of
// one. Coefficients that are zero along h or w are left out. `columns` are whole vectors; columns without a
// tile become zeros, and within a vector the order of tiles is that of the kernels.
struct WinogradInput {
  int64_t tile;        // m
  int64_t nonzero[2];  // bits along h and w
  float* v;
  int64_t v_panel, v_coefficient, v_channel;
  const float* src;  // of the first channel
  WinogradPlanes planes;
  int64_t before[2];
  int64_t channels, columns;
  const WinogradStrip* strips;
  int64_t n_strips;
};

// Outputs from m[coefficient*m_coefficient + r*m_channel + column] of columns in the same order, for
// r < channels, zeros where a coefficient is zero; what lies outside the plane is dropped.
struct WinogradOutput {
  int64_t tile;
  int64_t nonzero[2];
  float* dst;  // of the first channel
  WinogradPlanes planes;
  const float* m;
  int64_t m_coefficient, m_channel;
  int64_t channels, columns;
  const float* bias;  // (channels,), or null
  const WinogradStrip* strips;
  int64_t n_strips;
};

// u[coefficient*u_coefficient + item*u_item + i] of the nonzero coefficients, for i < count: the transform of
// w[tap[place]*w_tap + item*w_item + i], place = taps*y + x, where tap[place] < 0 stands for a zero. Or its
// gradient, which writes w where tap[place] >= 0. Whole vectors are read.
struct WinogradWeights {
  int64_t taps;  // r
  int64_t nonzero[2];
  float* u;
  int64_t u_coefficient, u_item;
  float* w;
  int64_t w_tap, w_item;
  const int64_t* tap;  // (taps * taps,)
  int64_t count, items;
};

struct WinogradKernels {
  void (*transform_input)(const WinogradInput& args);
  void (*transform_gradient)(const WinogradInput& args);
  void (*transform_output)(const WinogradOutput& args);
  void (*transform_weights)(const WinogradWeights& args);
  void (*weights_gradient)(const WinogradWeights& args);
};

// ---- Tuning ----

// The time of Winograd's algorithm in multiply-adds of a direct sum: of a product, of the transforms of one
// coefficient of the tiles that are read and written, of those of the weights, and of a tap's sum.
struct WinogradCosts {
  double product, input, output, weights, tap;
};

// What decides between algorithms and how their work is cut. Costs count multiply-adds of a direct sum.
struct ConvTuning {
  // channel_interleaved: the most channels of a group, read or written, and of a gradient of the weights.
  int64_t channel_interleaved_channels, channel_interleaved_gradient_channels;
  // image_interleaved: whether its tiles fill registers; the cost of moving an element to its lane and a
  // result back; the most weights.
  bool image_interleaved;
  int64_t image_interleaved_move, image_interleaved_weights;
  // space_to_batch: the fewest channels, and positions of a part along an axis.
  int64_t space_to_batch_channels, space_to_batch_positions;
  // col2im: the cost of transposing a weight, and of adding an element of a column.
  int64_t col2im_transpose, col2im_add;
  // direct: the most output channels, and terms of a sum.
  int64_t direct_out_channels, direct_terms;
  // implicit_gemm: the cost of packing a patch, in output channels, as against a direct sum (choice of
  // Winograd), against patches that are read where they lie, and in the cut of units; that of a unit's
  // weights, in positions; up to how many panels of positions weights are not packed.
  double pack_channels;
  int64_t pack_or_read_channels;
  double unit_pack_channels, unit_weight_positions;
  int64_t unpacked_weight_panels;
  WinogradCosts winograd, winograd_gradient;
  // Gradients of the weights by Winograd: up to how many channels on one side, and from how many tiles on,
  // its sums are dot products.
  int64_t winograd_dot_channels, winograd_dot_tiles;
  // Parts of an L2 of l2_bytes, in bytes; a smaller one gives proportionally less (l2_part()): of a tile of
  // the direct algorithm with many and with few channels, of a unit's weights, inputs and sums of Winograd.
  int64_t l2_bytes;
  int64_t direct_tile_bytes, direct_small_tile_bytes;
  int64_t winograd_weight_bytes, winograd_input_bytes, winograd_sum_bytes;
  // What a last cache holds of padded images and of transformed tiles. How many images and tiles are taken at
  // once decides the order of sums in gradients of the weights, so these are the same on every machine.
  int64_t padded_bytes, winograd_tile_bytes;
};

struct ConvTable {
  PerReal<ConvKernels> padded;
  PerReal<InterleavedKernels> interleaved;
  WinogradKernels winograd;
  ConvTuning tuning;
};

}  // namespace plait
