// SPDX-License-Identifier: MIT
// Operators of detectors: means over regions of a feature map, suppression of boxes, deformable columns.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

// Bin i of an axis is the sum of weight[e] x[cell[e]] over begin[i] <= e < begin[i + 1].
template <class T>
struct AxisTaps {
  int64_t n;
  const int64_t* begin;  // (n + 1,)
  const int64_t* cell;
  const T* weight;
};

// The same as a matrix over the cells that are used at all, which lie within `width` cells from `first`.
template <class T>
struct AxisMatrix {
  int64_t n, used;
  int64_t first, width;
  const int64_t* cell;       // (used,) rising, counted from first
  int64_t ld, ld_transpose;  // whole vectors, with zeros behind the last column
  const T* weight;           // (used, ld)
  const T* transpose;        // (n, ld_transpose)
};

// A region has rows.n x columns.n bins. The weights of a bin are products of one factor along each axis.
template <class T>
struct RegionArgs {
  AxisTaps<T> rows;
  AxisMatrix<T> columns;
  int64_t channels;
  int64_t x_stride, y_stride;  // between channels
  int64_t width;               // of a plane of x
  T scale;                     // of a bin: 1 / its number of samples
  T *line, *sums;              // scratch: columns.width and columns.ld_transpose elements
};

// The boxes that are left, in order of their scores.
template <class T>
struct BoxArrays {
  const T *x1, *y1, *x2, *y2, *area;
};

// Points between the cells of a plane with a border of zeros, `ld` elements a row: point i lies between
// plane[cell[i]] and its right, lower and lower right neighbours, at the fractions fy[i] and fx[i] of the
// way. mask: a factor for each point, or null.
template <class T>
struct PlanePoints {
  int64_t n, ld;
  const int32_t* cell;
  const T *fy, *fx, *mask;
};

template <class T>
struct VisionKernels {
  // y[c, i, j] = scale * bin (i, j) of channel c
  void (*region_forward)(const RegionArgs<T>& args, const T* x, T* y);
  // Adds to gx what scale * gy[c, i, j] passes on.
  void (*region_backward)(const RegionArgs<T>& args, const T* gy, T* gx);
  // gone[j] = 1 for the boxes j > i whose intersection with box i is more than threshold of the union.
  void (*suppress)(const BoxArrays<T>& boxes, int64_t i, int64_t n, T threshold, uint8_t* gone);
  // y[i] = mask * the value of the plane at point i
  void (*sample)(const PlanePoints<T>& points, const T* plane, T* y);
  // Adds to g_plane what gy[i] passes on.
  void (*sample_plane_grad)(const PlanePoints<T>& points, const T* gy, T* g_plane);
  // Adds the derivatives with respect to the position and the mask of each point; g_mask may be null.
  void (*sample_point_grad)(const PlanePoints<T>& points, const T* plane, const T* gy, T* g_fy, T* g_fx,
                            T* g_mask);
};

using VisionTable = PerReal<VisionKernels>;

}  // namespace plait
