// SPDX-License-Identifier: MIT
// Operators of detectors (vision_args.h). Plain loops that the compiler turns into vectors: over the cells of
// a row, over boxes, over points. Every product is rounded before it is added, so that one box suppresses
// another at every instruction set or at none. Bound by loads from the first-level cache.
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// The rows of a bin are summed along the width of the region first, then the bins are cut out of that line.
template <class T>
void region_forward(const RegionArgs<T>& a, const T* x, T* y) {
  const AxisTaps<T>&rows = a.rows, &columns = a.columns;
  const int64_t n = columns.last - columns.first;
  T* const __restrict line = a.line;
  for (int64_t c = 0; c < a.channels; ++c) {
    const T* const plane = x + c * a.x_stride + columns.first;
    for (int64_t i = 0; i < rows.n; ++i) {
      for (int64_t k = 0; k < n; ++k) line[k] = 0;
      for (int64_t e = rows.begin[i]; e < rows.begin[i + 1]; ++e) {
        const T* const __restrict row = plane + rows.cell[e] * a.width;
        const T weight = rows.weight[e];
        for (int64_t k = 0; k < n; ++k) line[k] += weight * row[k];
      }
      T* const out = y + c * a.y_stride + i * columns.n;
      for (int64_t j = 0; j < columns.n; ++j) {
        T sum = 0;
        for (int64_t e = columns.begin[j]; e < columns.begin[j + 1]; ++e)
          sum += columns.weight[e] * line[columns.cell[e] - columns.first];
        out[j] = sum / a.divisor;
      }
    }
  }
}

template <class T>
void region_backward(const RegionArgs<T>& a, const T* gy, T* gx) {
  const AxisTaps<T>&rows = a.rows, &columns = a.columns;
  const int64_t n = columns.last - columns.first;
  T* const __restrict line = a.line;
  for (int64_t c = 0; c < a.channels; ++c) {
    T* const plane = gx + c * a.x_stride + columns.first;
    for (int64_t i = 0; i < rows.n; ++i) {
      const T* const g = gy + c * a.y_stride + i * columns.n;
      for (int64_t k = 0; k < n; ++k) line[k] = 0;
      for (int64_t j = 0; j < columns.n; ++j) {
        const T mean = g[j] / a.divisor;
        for (int64_t e = columns.begin[j]; e < columns.begin[j + 1]; ++e)
          line[columns.cell[e] - columns.first] += columns.weight[e] * mean;
      }
      for (int64_t e = rows.begin[i]; e < rows.begin[i + 1]; ++e) {
        T* const __restrict row = plane + rows.cell[e] * a.width;
        const T weight = rows.weight[e];
        for (int64_t k = 0; k < n; ++k) row[k] += weight * line[k];
      }
    }
  }
}

template <class T>
inline __attribute__((always_inline)) T greater(T a, T b) {
  return a < b ? b : a;
}
template <class T>
inline __attribute__((always_inline)) T less(T a, T b) {
  return b < a ? b : a;
}

template <class T>
void suppress(const BoxArrays<T>& b, int64_t i, int64_t n, T threshold, uint8_t* gone) {
  const T x1 = b.x1[i], y1 = b.y1[i], x2 = b.x2[i], y2 = b.y2[i], area = b.area[i];
  for (int64_t j = i + 1; j < n; ++j) {
    const T w = greater(T(0), less(x2, b.x2[j]) - greater(x1, b.x1[j]));
    const T h = greater(T(0), less(y2, b.y2[j]) - greater(y1, b.y1[j]));
    const T both = w * h;
    gone[j] |= both / (area + b.area[j] - both) > threshold;
  }
}

template <class T>
void sample(const PlanePoints<T>& p, const T* plane, T* __restrict y) {
  for (int64_t i = 0; i < p.n; ++i) {
    const T *const upper = plane + p.cell[i], *const lower = upper + p.ld;
    const T fx = p.fx[i], fy = p.fy[i], gx = 1 - fx;
    y[i] = (1 - fy) * (gx * upper[0] + fx * upper[1]) + fy * (gx * lower[0] + fx * lower[1]);
  }
  if (!p.mask) return;
  for (int64_t i = 0; i < p.n; ++i) y[i] *= p.mask[i];
}

template <class T>
void sample_plane_grad(const PlanePoints<T>& p, const T* gy, T* g_plane) {
  for (int64_t i = 0; i < p.n; ++i) {
    T *const upper = g_plane + p.cell[i], *const lower = upper + p.ld;
    const T g = p.mask ? p.mask[i] * gy[i] : gy[i], fx = p.fx[i];
    const T of_lower = p.fy[i] * g, of_upper = g - of_lower;
    upper[0] += (1 - fx) * of_upper;
    upper[1] += fx * of_upper;
    lower[0] += (1 - fx) * of_lower;
    lower[1] += fx * of_lower;
  }
}

template <class T>
void sample_point_grad(const PlanePoints<T>& p, const T* plane, const T* gy, T* __restrict g_fy,
                       T* __restrict g_fx, T* __restrict g_mask) {
  for (int64_t i = 0; i < p.n; ++i) {
    const T *const upper = plane + p.cell[i], *const lower = upper + p.ld;
    const T fx = p.fx[i], fy = p.fy[i], g = p.mask ? p.mask[i] * gy[i] : gy[i];
    const T a = upper[0], b = upper[1], c = lower[0], d = lower[1];
    g_fy[i] += g * ((1 - fx) * (c - a) + fx * (d - b));
    g_fx[i] += g * ((1 - fy) * (b - a) + fy * (d - c));
    if (g_mask) g_mask[i] += gy[i] * ((1 - fy) * ((1 - fx) * a + fx * b) + fy * ((1 - fx) * c + fx * d));
  }
}

template <class T>
void set_vision(VisionKernels<T>& k) {
  k = {region_forward<T>, region_backward<T>,   suppress<T>,
       sample<T>,         sample_plane_grad<T>, sample_point_grad<T>};
}

}  // namespace

void fill_vision(KernelTable& table) {
  set_vision(table.vision.f32);
  set_vision(table.vision.f64);
}

}  // namespace plait::PLAIT_ISA_NS
