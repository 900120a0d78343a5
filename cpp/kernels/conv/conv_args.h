// SPDX-License-Identifier: MIT
// What the per-ISA part of convolution computes. All of it reads frames: copies of image planes with zeros
// around them, so that no kernel looks at a border. Plain data only; the driver is conv/conv_driver.h.
#pragma once

#include <cstdint>
#include <type_traits>

namespace plait {

// A frame of an image plane. Along an axis read in steps of s, elements whose coordinates leave the same
// remainder by s lie together (a phase), so that neighbouring positions read neighbouring elements, whatever
// the step. Element (d, h, w) of the plane, seen from `before`, lies in phase (d % step[0], h % step[1], w %
// step[2]) at cell (d / step[0], h / step[1], w / step[2]).
struct FrameShape {
  int64_t in[3];      // the plane
  int64_t before[3];  // zeros before its first element; negative: so many elements are left out
  int64_t step[3];
  int64_t phases[3];  // kept: the first of the `step` there are
  int64_t cells[3];   // of a phase

  int64_t cell_count() const { return cells[0] * cells[1] * cells[2]; }
  int64_t plane() const { return phases[0] * phases[1] * phases[2] * cell_count(); }
  // Where (d, h, w) lies, counted from the first of the zeros.
  int64_t at(int64_t d, int64_t h, int64_t w) const {
    const int64_t phase = ((d % step[0]) * phases[1] + h % step[1]) * phases[2] + w % step[2];
    return phase * cell_count() + position(d / step[0], h / step[1], w / step[2]);
  }
  // What the output position (d, h, w) adds to the place of every tap.
  int64_t position(int64_t d, int64_t h, int64_t w) const { return (d * cells[1] + h) * cells[2] + w; }
};
// Frames are read in whole vectors: this many elements past the last plane must be readable.
inline constexpr int64_t kFrameSlack = 64;

// `length` neighbouring positions, the first at frame element `base`.
struct PatchRun {
  int64_t column, length, base;
};

// Panels of patches. Row p of the operand reads `offset` further.
template <class T>
struct PackPatches {
  T* dst;
  int64_t width;
  const T* frame;
  const int64_t* offset;
  int64_t count;  // offsets
  const PatchRun* runs;
  int64_t n_runs;
};

// Positions whose patches lie within one vector of a frame from `base` on: position i in lane lanes[i]. The
// lanes between them, such as the ends of a frame's row, are computed and dropped.
template <class T>
struct PatchVector {
  static constexpr int64_t kMost = 64 / sizeof(T);  // lanes, at any level
  std::conditional_t<sizeof(T) == 4, int32_t, int64_t> lanes[kMost];
  int64_t base, count;
  int64_t column;  // of the result: the first position's
};

// A product with patches read where they lie:
//   y[r*y_row + column + i*y_step] = sum_p weight[r][p] * frame[base + lanes[i] + offset[p]] + bias[r], + y
//   if add
// for r < m, i < count. Weights in panels of (k, mr). Sums run in order of p.
template <class T>
struct DirectPatches {
  T* y;
  int64_t y_row, y_step;
  const T* frame;
  const int64_t* offset;  // (k,)
  int64_t m, k, mr;
  const T* weight;
  int64_t panel;  // from one to the next
  const PatchVector<T>* vectors;
  int64_t n_vectors;
  bool add;
  const T* bias;  // (m,), or null
};

// sums[r*width + i] = sum_j frame[offset[r] + position j] * gy[j*width + i], + sums if add, for r < m; the
// positions are those of the runs, in order. width: one vector or two.
template <class T>
struct GradPatches {
  T* sums;
  int64_t m;
  const T* frame;
  const int64_t* offset;  // (m,)
  const PatchRun* runs;
  int64_t n_runs;
  const T* gy;
  int64_t width;
  bool add;
};

template <class T>
struct ConvKernels {
  // The frames of `planes` neighbouring planes.
  void (*frame)(const FrameShape& shape, T* dst, const T* src, int64_t planes);
  // dst[p*width + column] = frame[base + offset[p] + ...]. May write up to 64 bytes past the panel; columns
  // that no run covers hold anything.
  void (*pack)(const PackPatches<T>& args);
  void (*direct)(const DirectPatches<T>& args);
  int64_t lanes;  // of a vector
  void (*patch_grad)(const GradPatches<T>& args);
};

// Groups side by side in the lanes of vectors. Sizes and places count vectors, but for those of planes.

// `count` neighbouring elements of a plane, and where the places of their vectors stand.
struct LanePiece {
  int64_t src, place, count;
};
// Vector place[piece.place + i] of the frame gets element piece.src + i of `lanes` planes, `lane` elements
// apart; the vectors of `zeros` zeros.
template <class T>
struct LaneSpread {
  T* frame;
  const T* src;
  int64_t lane, lanes;
  const int32_t* place;
  const LanePiece* pieces;
  int64_t n_pieces;
  const int32_t* zeros;
  int64_t n_zeros;
};

struct LaneTap {
  int64_t frame, weight;
};
// Neighbouring positions, the first at `base` of the frame and `y` of the result, and the taps that count.
struct LaneRun {
  int64_t base, length, y;
  int64_t first_tap, taps;
};
// y[r*y_row + run.y + i*y_step] = bias[r] + sum over c < channels and the run's taps of
//   weight[r*w_row + c*w_channel + tap.weight] * frame[c*channel + run.base + i + tap.frame]
// for r < rows, at most the table's.
template <class T>
struct LaneCorrelation {
  T* y;
  int64_t y_row, y_step;
  const T* frame;
  int64_t channels, channel;
  const T* weight;
  int64_t w_row, w_channel;
  const T* bias;  // (rows,), or null
  const LaneTap* taps;
  const LaneRun* runs;
  int64_t n_runs;
  int64_t rows;
};

// sums[r*k + t] += sum over the runs of gy[r*gy_row + run.y + i] * frame[run.base + i + offset[t]], for r <
// rows, t < k. taps: of a row of the kernel, if there is but one channel, whose runs may leave out taps that
// they do not count; else 0.
template <class T>
struct LaneGrad {
  T* sums;
  int64_t rows, k, taps;
  const T* frame;
  const int64_t* offset;  // (k,)
  const T* gy;
  int64_t gy_row;
  const LaneRun* runs;
  int64_t n_runs;
};

template <class T>
struct LaneKernels {
  void (*spread)(const LaneSpread<T>& args);
  void (*correlate)(const LaneCorrelation<T>& args);
  void (*gradient)(const LaneGrad<T>& args);
  int64_t rows;  // of a call of correlate
};

// Winograd's F(m x m, r x r), m + r = 7: a tile of m x m outputs of a kernel of r x r taps, 2 <= r <= 5, from
// 36 products per channel. Tiles are columns, counted along rows of tiles and on through the images; a panel
// has as many as the GEMM's tile.
inline constexpr int64_t kWinogradSide = 6, kWinogradPoints = 36;
inline constexpr int64_t kWinogradMaxTaps = 5;
// The most columns of a call.
inline constexpr int64_t kWinogradColumns = 64;
// Which of the points along an axis have products: bits. The first one has none where a kernel lacks its
// first tap, the last one where it lacks its last.
inline constexpr int64_t kWinogradFirst = 1, kWinogradLast = int64_t{1} << (kWinogradSide - 1);
inline constexpr int64_t kWinogradAll = 2 * kWinogradLast - 1;

// `length` tiles side by side from the tile (row, left) of an image on.
struct WinogradStrip {
  int64_t column, length;
  int64_t image, row, left;
};

// Planes of (h, w) elements of images that lie `image` apart, and its channels `plane`; element (y, x) at
// y*row + x*step.
struct WinogradPlanes {
  int64_t image, plane;
  int64_t h, w;
  int64_t row, step;
};

// v[panel*v_panel + point*v_point + c*v_channel + column] of some channels. Tile (row, left) reads elements
// from (tile*row - before[0], tile*left - before[1]) on, 6 x 6 of inputs, tile x tile of gradients; outside
// the plane they are zeros. Inputs may have steps of two, gradients have steps of one. Points that are not
// live along h and w are left out. `columns` are whole vectors; columns without a tile become zeros, and
// within a vector the order of tiles is that of the kernels.
struct WinogradInput {
  int64_t tile;  // m
  int64_t live[2];
  float* v;
  int64_t v_panel, v_point, v_channel;
  const float* src;  // of the first channel
  WinogradPlanes planes;
  int64_t before[2];
  int64_t channels, columns;
  const WinogradStrip* strips;
  int64_t n_strips;
};

// Outputs from m[point*m_point + r*m_row + column] of columns in the same order, for r < rows, zeros where a
// point is not live; what lies outside the plane is dropped.
struct WinogradOutput {
  int64_t tile;
  int64_t live[2];
  float* dst;  // of the first row
  WinogradPlanes planes;
  const float* m;
  int64_t m_point, m_row;
  int64_t rows, columns;
  const float* bias;  // (rows,), or null
  const WinogradStrip* strips;
  int64_t n_strips;
};

// u[point*u_point + item*u_item + i] of the live points, for i < count: the transform of
// w[tap[place]*w_tap + item*w_item + i], place = taps*y + x, where tap[place] < 0 stands for a zero. Or its
// gradient, which writes w where tap[place] >= 0. Whole vectors are read.
struct WinogradWeights {
  int64_t taps;  // r
  int64_t live[2];
  float* u;
  int64_t u_point, u_item;
  float* w;
  int64_t w_tap, w_item;
  const int64_t* tap;  // (taps * taps,)
  int64_t count, items;
};

struct WinogradKernels {
  void (*input)(const WinogradInput& args);
  void (*gradient)(const WinogradInput& args);
  void (*output)(const WinogradOutput& args);
  void (*weights)(const WinogradWeights& args);
  void (*weights_back)(const WinogradWeights& args);
};

struct ConvTable {
  ConvKernels<float> f32;
  ConvKernels<double> f64;
  LaneKernels<float> lanes_f32;
  LaneKernels<double> lanes_f64;
  WinogradKernels winograd;
};

}  // namespace plait
