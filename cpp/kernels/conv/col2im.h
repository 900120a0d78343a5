// SPDX-License-Identifier: MIT
// The gradient for x from columns: column[(ic, tap), pos] = w^T[(ic, tap), oc] * gy[oc, pos], a product that
// reads weights and gradients as they lie, and sums of what overlaps.
#pragma once

#include <algorithm>
#include <vector>

#include "core/workspace.h"
#include "kernels/conv/padded_input.h"

namespace plait::conv {

// Columns of an image, with zeros behind each row of gradients: a column is then added as one run, wherever
// its tap is.
struct ColumnShape {
  int64_t row, rows;  // of a plane of sums
  int64_t positions;

  explicit ColumnShape(const ConvShape& s)
      : row(s.out[2] + (s.kernel[2] - 1) * s.dilation[2] / s.stride[2]),
        rows(s.out[1] + (s.kernel[1] - 1) * s.dilation[1] / s.stride[1]),
        positions((s.out[1] - 1) * row + s.out[2]) {}
};

// Whether columns are cheaper than panels of turned weights. In products of a weight, measured on Zen 4:
// turning one costs 40, adding an element of a column 28. One image of 512 channels of 7 x 7 takes 0.77 of
// the time, 1024 to 2048 single elements of 14 x 14 with steps of two 0.57.
template <class T>
bool prefers_columns(const ConvShape& s) {
  if (s.groups != 1 || s.in[0] != 1 || s.kernel[0] != 1 || s.pad[0] != 0) return false;
  constexpr int64_t kTurn = 40, kAdd = 28;
  const int64_t positions = ColumnShape(s).positions, width = conv_kernels<T>().lanes;
  return s.n * (round_up(positions, width) + kAdd * positions / s.oc) <
         round_up(s.n * s.out_size(), width) + kTurn;
}

// Bias and overlapping columns of a channel, seen as planes of the remainders by the stride.
template <class T>
void backward_data_columns(const ConvShape& s, const T* gy, const T* w, const T* bias, T* gx) {
  const int64_t taps = s.taps(), channels = s.ic;
  const ColumnShape shape(s);
  const int64_t row = shape.row, rows = shape.rows, positions = shape.positions;
  const int64_t plane = rows * row;
  const int64_t phases = s.stride[1] * s.stride[2];
  const bool padded = row > s.out[2];
  const FrameShape f = {{1, s.out[1], s.out[2]}, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}, {1, s.out[1], row}};
  const int64_t image_size = channels * taps * positions;
  const int64_t at_once = images_at_once(s.n, image_size * static_cast<int64_t>(sizeof(T)));
  const Workspace frames(padded ? sizeof(T) * static_cast<size_t>(at_once * s.oc * f.plane() + kFrameSlack)
                                : 0);
  const Workspace columns(sizeof(T) * static_cast<size_t>(at_once * image_size));
  std::vector<int64_t> shift;
  for (int64_t kh = 0; kh < s.kernel[1]; ++kh) {
    for (int64_t kw = 0; kw < s.kernel[2]; ++kw) {
      const int64_t h = kh * s.dilation[1], v = kw * s.dilation[2];
      shift.push_back((h % s.stride[1] * s.stride[2] + v % s.stride[2]) * plane + h / s.stride[1] * row +
                      v / s.stride[2]);
    }
  }
  for (int64_t image = 0; image < s.n; image += at_once) {
    const int64_t images = std::min(at_once, s.n - image);
    const T* from = gy + image * s.oc * s.out_size();
    if (padded) {
      make_frames(f, frames.as<T>(), from, images * s.oc);
      from = frames.as<T>();
    }
    GemmArgs<T> a;
    a.m = channels * taps;
    a.n = positions;
    a.k = s.oc;
    a.batch = images;
    a.a = {w, 1, channels * taps};
    a.b = {from, f.plane(), 1, s.oc * f.plane()};
    a.c = columns.as<T>();
    a.c_rs = positions;
    a.c_bs = image_size;
    gemm(a);
    const int64_t grain = std::max<int64_t>(1, kGrainElements / (taps * positions + s.in_size()));
    parallel_for(images * channels, grain, [&](int64_t begin, int64_t end) {
      const Workspace space(sizeof(T) * static_cast<size_t>(phases * plane));
      T* const sums = space.as<T>();
      for (int64_t c = begin; c < end; ++c) {
        std::fill_n(sums, phases * plane, bias ? bias[c % channels] : T(0));
        const T* column = columns.as<T>() + c * taps * positions;
        for (const int64_t at : shift) {
          for (int64_t i = 0; i < positions; ++i) sums[at + i] += column[i];
          column += positions;
        }
        T* to = gx + (image * channels + c) * s.in_size();
        for (int64_t y = s.pad[1]; y < s.in[1] + s.pad[1]; ++y, to += s.in[2]) {
          for (int64_t x = 0; x < s.in[2]; ++x) to[x] = bias ? bias[c % channels] : T(0);
          if (y / s.stride[1] >= rows) continue;
          for (int64_t b = 0; b < s.stride[2]; ++b) {
            // The columns of this remainder, of which x is the first in the plane.
            int64_t x = (b - s.pad[2] % s.stride[2] + s.stride[2]) % s.stride[2];
            int64_t i = (x + s.pad[2]) / s.stride[2];
            const T* const sum = sums + (y % s.stride[1] * s.stride[2] + b) * plane + y / s.stride[1] * row;
            for (; x < s.in[2] && i < row; x += s.stride[2], ++i) to[x] = sum[i];
          }
        }
      }
    });
  }
}

}  // namespace plait::conv
