// SPDX-License-Identifier: MIT
// Columns of a deformable convolution (Dai et al., 2017; with masks Zhu et al., 2019): the taps of a kernel
// read an image at positions moved by offsets, between its cells. One image at a time; T is float or double,
// all arrays are contiguous:
//   x[channels, height, width]
//   offset[groups, taps, 2, out]     rows, then columns, by which tap t is moved
//   mask[groups, taps, out]          factors, or null
//   columns[channels, taps, out]     what the taps read
// for taps = kernel[0] kernel[1] and out = out_size[0] out_size[1]. Cells outside of the image are zeros.
#pragma once

#include <cstdint>

namespace plait {

struct DeformShape {
  int64_t channels, height, width;
  int64_t groups;  // of channels that share their offsets
  int64_t kernel[2], stride[2], pad[2], dilation[2], out_size[2];

  int64_t taps() const { return kernel[0] * kernel[1]; }
  int64_t out() const { return out_size[0] * out_size[1]; }
};

template <class T>
void deform_columns(const DeformShape& shape, const T* x, const T* offset, const T* mask, T* columns);
// From g_columns; each of the results may be null.
template <class T>
void deform_columns_backward(const DeformShape& shape, const T* x, const T* offset, const T* mask,
                             const T* g_columns, T* gx, T* g_offset, T* g_mask);

#define PLAIT_DEFORM_DRIVERS(prefix, T)                                                                      \
  prefix void deform_columns<T>(const DeformShape&, const T*, const T*, const T*, T*);                       \
  prefix void deform_columns_backward<T>(const DeformShape&, const T*, const T*, const T*, const T*, T*, T*, \
                                         T*);
PLAIT_DEFORM_DRIVERS(extern template, float)
PLAIT_DEFORM_DRIVERS(extern template, double)

}  // namespace plait
