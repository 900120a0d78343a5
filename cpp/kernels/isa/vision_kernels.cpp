// SPDX-License-Identifier: MIT
// Operators of detectors (vision_args.h). Whether one box suppresses another must not hang on the instruction
// set: products are rounded before they are added, unless fma() says otherwise. Bound by arithmetic.
#include "kernels/isa/reduce_loop.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// line = the rows of bin i, summed by their weights
template <class T>
PLAIT_INLINE void sum_rows(const RegionArgs<T>& a, const T* plane, int64_t i) {
  for_vectors<kLanes<T>>(a.columns.width, [&](int64_t k, int64_t width, auto tag) {
    Vec<T> sum{};
    for (int64_t e = a.rows.begin[i]; e < a.rows.begin[i + 1]; ++e)
      sum = fma(splat<Vec<T>>(a.rows.weight[e]), load_at(plane + a.rows.cell[e] * a.width + k, width, tag),
                sum);
    store_at(a.line + k, sum, width, tag);
  });
}

// Rows first, along the width of the region, then the bins of that line by a product with a small matrix: its
// sums run over all cells, most of them times zero, but in vectors and without a branch.
template <class T>
void region_forward(const RegionArgs<T>& a, const T* x, T* y) {
  using V = Vec<T>;
  const AxisMatrix<T>& columns = a.columns;
  for (int64_t c = 0; c < a.channels; ++c) {
    for (int64_t i = 0; i < a.rows.n; ++i) {
      sum_rows(a, x + c * a.x_stride + columns.first, i);
      T* const out = y + c * a.y_stride + i * columns.n;
      for_vectors<kLanes<T>>(columns.n, [&](int64_t j, int64_t width, auto tag) {
        V even{}, odd{};  // one sum would wait for itself
        int64_t u = 0;
        for (; u + 1 < columns.used; u += 2) {
          const T* const weight = columns.weight + u * columns.ld + j;
          even = fma(splat<V>(a.line[columns.cell[u]]), load(weight), even);
          odd = fma(splat<V>(a.line[columns.cell[u + 1]]), load(weight + columns.ld), odd);
        }
        if (u < columns.used)
          even = fma(splat<V>(a.line[columns.cell[u]]), load(columns.weight + u * columns.ld + j), even);
        store_at(out + j, (even + odd) * splat<V>(a.scale), width, tag);
      });
    }
  }
}

template <class T>
void region_backward(const RegionArgs<T>& a, const T* gy, T* gx) {
  using V = Vec<T>;
  const AxisMatrix<T>& columns = a.columns;
  const T* const line = columns.used == columns.width ? a.sums : a.line;
  for (int64_t k = 0; k < columns.width; ++k) a.line[k] = 0;
  for (int64_t c = 0; c < a.channels; ++c) {
    for (int64_t i = 0; i < a.rows.n; ++i) {
      const T* const g = gy + c * a.y_stride + i * columns.n;
      for (int64_t u = 0; u < columns.ld_transpose; u += kLanes<T>) {
        V sum{};
        for (int64_t j = 0; j < columns.n; ++j)
          sum = fma(splat<V>(g[j]), load(columns.transpose + j * columns.ld_transpose + u), sum);
        store(a.sums + u, sum * splat<V>(a.scale));
      }
      if (line == a.line) {
        for (int64_t u = 0; u < columns.used; ++u) a.line[columns.cell[u]] = a.sums[u];
      }
      for (int64_t e = a.rows.begin[i]; e < a.rows.begin[i + 1]; ++e) {
        T* const row = gx + c * a.x_stride + columns.first + a.rows.cell[e] * a.width;
        const V weight = splat<V>(a.rows.weight[e]);
        for_vectors<kLanes<T>>(columns.width, [&](int64_t k, int64_t width, auto tag) {
          store_at(row + k, fma(weight, load_at(line + k, width, tag), load_at(row + k, width, tag)), width,
                   tag);
        });
      }
    }
  }
}

// max(a, b) and min(a, b) that give a when one of them is NaN
template <class V>
PLAIT_INLINE V greater_of(V a, V b) {
  return select(a < b, b, a);
}
template <class V>
PLAIT_INLINE V less_of(V a, V b) {
  return select(b < a, b, a);
}

// Most boxes do not meet, which saves the division.
template <class T>
void suppress(const BoxArrays<T>& b, int64_t i, int64_t n, T threshold, uint8_t* gone) {
  using V = Vec<T>;
  const V x1 = splat<V>(b.x1[i]), y1 = splat<V>(b.y1[i]), x2 = splat<V>(b.x2[i]), y2 = splat<V>(b.y2[i]),
          area = splat<V>(b.area[i]), zero{};
  for_vectors<kLanes<T>>(n - i - 1, [&](int64_t k, int64_t width, auto tag) {
    const int64_t j = i + 1 + k;
    const auto at = [&](const T* array) { return load_at(array + j, width, tag); };
    const V w = greater_of(zero, less_of(x2, at(b.x2)) - greater_of(x1, at(b.x1)));
    const V h = greater_of(zero, less_of(y2, at(b.y2)) - greater_of(y1, at(b.y1)));
    const V both = w * h;
    if (threshold >= 0 && !any(both > zero)) return;
    const auto over = both / (area + at(b.area) - both) > splat<V>(threshold);
    if (!any(over)) return;
    for (int64_t lane = 0; lane < width; ++lane) gone[j + lane] |= over[lane] != 0;
  });
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
