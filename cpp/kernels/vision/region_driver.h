// SPDX-License-Identifier: MIT
// Pooling of regions of feature maps. x[images, channels, height, width]; a region is a row of five numbers:
// the image, then x1, y1, x2, y2 in units that `scale` takes to cells. T is float or double, all arrays are
// contiguous.
#pragma once

#include <cstdint>

namespace plait {

enum class RegionRule {
  kAlign,          // mean of bilinear samples (He et al., Mask R-CNN, 2017)
  kPositionAlign,  // the same; bin (i, j) of output channel k reads channel (k bin_rows + i) bin_columns + j
  kPositionMean,   // of whole cells (Dai et al., R-FCN, 2016), channels as above
};

struct RegionPool {
  RegionRule rule;
  int64_t images, channels, height, width;
  int64_t regions, bin_rows, bin_columns;
  double scale;
  int64_t samples;  // of a bin along each axis; 0 or less: as many as a bin has cells, rounded up
  bool aligned;     // kAlign: cells have their centres at halves, and regions may be smaller than a cell

  int64_t plane() const { return height * width; }
  int64_t bins() const { return bin_rows * bin_columns; }
  int64_t out_channels() const { return rule == RegionRule::kAlign ? channels : channels / bins(); }
};

// y[regions, out_channels, bin_rows, bin_columns] = the means
template <class T>
void region_mean_forward(const RegionPool& pool, const T* x, const T* regions, T* y);
// gx = what gy passes on. Regions add to gx in their order.
template <class T>
void region_mean_backward(const RegionPool& pool, const T* gy, const T* regions, T* gx);

// y[regions, channels, bin_rows, bin_columns] = the largest of the cells of each bin, index = their positions
// in the plane; 0 and -1 for a bin without cells (Girshick, Fast R-CNN, 2015).
template <class T>
void region_max_forward(const RegionPool& pool, const T* x, const T* regions, T* y, int32_t* index);
template <class T>
void region_max_backward(const RegionPool& pool, const T* gy, const T* regions, const int32_t* index, T* gx);

#define PLAIT_REGION_DRIVERS(prefix, T)                                                   \
  prefix void region_mean_forward<T>(const RegionPool&, const T*, const T*, T*);          \
  prefix void region_mean_backward<T>(const RegionPool&, const T*, const T*, T*);         \
  prefix void region_max_forward<T>(const RegionPool&, const T*, const T*, T*, int32_t*); \
  prefix void region_max_backward<T>(const RegionPool&, const T*, const T*, const int32_t*, T*);
PLAIT_REGION_DRIVERS(extern template, float)
PLAIT_REGION_DRIVERS(extern template, double)

}  // namespace plait
