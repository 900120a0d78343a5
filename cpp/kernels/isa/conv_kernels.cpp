// SPDX-License-Identifier: MIT
// Padded planes, panels of patches, products with unpacked patches and gradients of the weights (shapes and
// formulas in conv_args.h). Every read of padded input is a whole unaligned vector; only the tails of results
// are masked. Loop orders stand at the kernels.
//
// Bound: pad and pack_patches by memory, a load and a store for each vector, which all output channels share;
// multiply_unpacked and weight_gradient by multiply-adds, with a load of a patch for each panel of weights.
#include <utility>

#include "kernels/conv/conv_args.h"

#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
PLAIT_INLINE int64_t at_most(int64_t n) {
  return n < 0 ? 0 : n < kLanes<T> ? n : kLanes<T>;
}

template <class T>
PLAIT_INLINE void clear(T* dst, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes<T>) store_n(dst + i, Vec<T>{}, at_most<T>(n - i));
}

// kStride vectors of neighbours to one vector for each remainder of the place by kStride.
template <int kStride, class V>
PLAIT_INLINE void deinterleave(V* v) {
  const auto even = iota<MaskOf<V>>() * 2;
  if constexpr (kStride == 2) {
    const V x = v[0], y = v[1];
    v[0] = __builtin_shuffle(x, y, even);
    v[1] = __builtin_shuffle(x, y, even + 1);
  } else if constexpr (kStride == 4) {
    deinterleave<2>(v);
    deinterleave<2>(v + 2);
    const V x = v[1];
    v[1] = v[2];
    v[2] = x;
    deinterleave<2>(v);
    deinterleave<2>(v + 2);
    const V y = v[1];
    v[1] = v[2];
    v[2] = y;
  }
}

// A padded row, `row` in its first phase, from a row of the plane. Phases are written side by side, so that
// the plane is read once.
template <int kStride, class T>
void pad_row(const PaddedPlane& f, T* row, const T* src) {
  constexpr int64_t kN = kLanes<T>;
  const int64_t cells = f.cells[2], phases = f.phases[2], before = f.before[2], w = f.in[2];
  const int64_t count = f.cell_count();
  int64_t i = 0;
  for (; i < cells && i * kStride < before; ++i) {
    for (int64_t c = 0; c < phases; ++c) {
      const int64_t x = i * kStride + c - before;
      row[c * count + i] = x >= 0 && x < w ? src[x] : T(0);
    }
  }
  for (; i < cells; i += kN) {
    const int64_t x = i * kStride - before, n = at_most<T>(cells - i);
    Vec<T> v[kStride];
    if (x + kStride * kN <= w) {
#pragma GCC unroll 4
      for (int q = 0; q < kStride; ++q) v[q] = load(src + x + q * kN);
    } else {
#pragma GCC unroll 4
      for (int q = 0; q < kStride; ++q) {
        const int64_t left = at_most<T>(w - x - q * kN);
        v[q] = left > 0 ? load_n(src + x + q * kN, left) : Vec<T>{};
      }
    }
    deinterleave<kStride>(v);
#pragma GCC unroll 4
    for (int c = 0; c < kStride; ++c) {
      if (c < phases) store_n(row + c * count + i, v[c], n);
    }
  }
}

// The same for any stride.
template <class T>
void pad_row_by_elements(const PaddedPlane& f, T* row, const T* src) {
  for (int64_t c = 0; c < f.phases[2]; ++c) {
    for (int64_t i = 0; i < f.cells[2]; ++i) {
      const int64_t x = i * f.stride[2] + c - f.before[2];
      row[c * f.cell_count() + i] = x >= 0 && x < f.in[2] ? src[x] : T(0);
    }
  }
}

// Strides of one: rows in order, so that the next row overwrites what a vector writes past its end. Only
// the last rows end with masks.
template <class T>
void pad_unit_stride(const PaddedPlane& f, T* row, const T* src, int64_t planes) {
  constexpr int64_t kN = kLanes<T>;
  const int64_t cells = f.cells[2], before = f.before[2];
  const int64_t lead = before < 0 ? 0 : before < cells ? before : cells, skip = before < 0 ? -before : 0;
  const int64_t inside = f.in[2] - skip < cells - lead ? f.in[2] - skip : cells - lead;
  const T* const end = row + planes * f.size();
  if (cells <= kN) {  // a vector a row, with the zeros before the next one
    store_n(row, Vec<T>{}, cells);
    row += lead;
    for (int64_t p = 0; p < planes; ++p, src += f.in[0] * f.in[1] * f.in[2]) {
      for (int64_t d = -f.before[0]; d < f.cells[0] - f.before[0]; ++d) {
        const T* const slice = src + d * f.in[1] * f.in[2] + skip;
        for (int64_t h = -f.before[1]; h < f.cells[1] - f.before[1]; ++h, row += cells) {
          const bool in = d >= 0 && d < f.in[0] && h >= 0 && h < f.in[1];
          const Vec<T> v = in ? load_n(slice + h * f.in[2], inside) : Vec<T>{};
          if (end - row >= kN) {
            store(row, v);
          } else {
            store_n(row, v, end - row);
          }
        }
      }
    }
    return;
  }
  const auto put = [&](T* to, Vec<T> v, int64_t left) {
    if (end - to >= kN) {
      store(to, v);
    } else {
      store_n(to, v, left);
    }
  };
  for (int64_t p = 0; p < planes; ++p, src += f.in[0] * f.in[1] * f.in[2]) {
    for (int64_t d = -f.before[0]; d < f.cells[0] - f.before[0]; ++d) {
      for (int64_t h = -f.before[1]; h < f.cells[1] - f.before[1]; ++h, row += cells) {
        int64_t i = 0;
        if (d >= 0 && d < f.in[0] && h >= 0 && h < f.in[1]) {
          const T* const from = src + (d * f.in[1] + h) * f.in[2] + skip;
          for (; i < lead; i += kN) put(row + i, Vec<T>{}, at_most<T>(cells - i));
          i = lead;
          for (int64_t x = 0; x < inside; x += kN, i += kN) {
            const Vec<T> v = inside - x >= kN ? load(from + x) : load_n(from + x, inside - x);
            put(row + i, v, at_most<T>(cells - i));
          }
        }
        for (; i < cells; i += kN) put(row + i, Vec<T>{}, at_most<T>(cells - i));
      }
    }
  }
}

template <class T>
void pad(const PaddedPlane& f, T* dst, const T* src, int64_t planes) {
  if (f.stride[0] == 1 && f.stride[1] == 1 && f.stride[2] == 1) return pad_unit_stride(f, dst, src, planes);
  void (*const pad_one)(const PaddedPlane&, T*, const T*) = f.stride[2] == 1   ? pad_row<1, T>
                                                            : f.stride[2] == 2 ? pad_row<2, T>
                                                            : f.stride[2] == 4 ? pad_row<4, T>
                                                                               : pad_row_by_elements<T>;
  const int64_t count = f.cell_count();
  // In the order of the plane's rows, which the hardware prefetcher predicts. Without divisions: rows are
  // short.
  const auto rows = [&](int64_t d, int64_t cell, int64_t phase) {
    for (int64_t j = 0, h = -f.before[1]; j < f.cells[1]; ++j) {
      for (int64_t b = 0; b < f.stride[1]; ++b, ++h) {
        if (b >= f.phases[1]) continue;
        T* const row = dst + (phase * f.phases[1] + b) * f.phases[2] * count + f.position(cell, j, 0);
        if (d >= 0 && d < f.in[0] && h >= 0 && h < f.in[1]) {
          pad_one(f, row, src + (d * f.in[1] + h) * f.in[2]);
        } else {
          for (int64_t c = 0; c < f.phases[2]; ++c) clear(row + c * count, f.cells[2]);
        }
      }
    }
  };
  for (int64_t p = 0; p < planes; ++p, src += f.in[0] * f.in[1] * f.in[2], dst += f.size()) {
    for (int64_t i = 0, d = -f.before[0]; i < f.cells[0]; ++i) {
      for (int64_t a = 0; a < f.stride[0]; ++a, ++d) {
        if (a < f.phases[0]) rows(d, i, a);
      }
    }
  }
}

// The panel's rows as N vectors: the next one, or the next row, overwrites what one writes past its end.
template <int N, class T>
void pack_vectors(const PackPatches<T>& a, const int64_t* column, const int64_t* base, int64_t n) {
  for (int64_t p = 0; p < a.count; ++p) {
    T* const row = a.dst + p * a.width;
    const T* const from = a.padded + a.offset[p];
    if constexpr (N > 0) {
#pragma GCC unroll 4
      for (int i = 0; i < N; ++i) store(row + column[i], load(from + base[i]));
    } else {
      for (int64_t i = 0; i < n; ++i) store(row + column[i], load(from + base[i]));
    }
  }
}

template <class T>
void pack_patches(const PackPatches<T>& a) {
  constexpr int64_t kN = kLanes<T>, kWidth = 2 * kN;  // of a panel
  int64_t column[kWidth], base[kWidth], n = 0;
  for (int64_t r = 0; r < a.n_runs; ++r) {
    for (int64_t i = 0; i < a.runs[r].length; i += kN, ++n) {
      column[n] = a.runs[r].column + i;
      base[n] = a.runs[r].base + i;
    }
  }
  switch (n) {
    case 2:
      return pack_vectors<2>(a, column, base, n);
    case 3:
      return pack_vectors<3>(a, column, base, n);
    case 4:
      return pack_vectors<4>(a, column, base, n);
    default:
      return pack_vectors<0>(a, column, base, n);
  }
}

// Rows of a panel of weights, and the vectors they take at once: the sums fill the register file but for the
// patches and a weight.
constexpr int kMaxRows = PLAIT_ISA_LEVEL == 2 ? 14 : PLAIT_ISA_LEVEL == 1 ? 6 : 4;
constexpr int vectors_of(int rows) {
  constexpr int kRegisters = PLAIT_ISA_LEVEL == 2 ? 32 : 16;
  int v = 4;
  while (v > 1 && (rows + 1) * v + 1 > kRegisters) --v;
  return v;
}

// Results that do not lie side by side, element by element. Out of the tiles: unrolled there, it would be
// most of the code and of the time to compile it.
template <class T>
PLAIT_NOINLINE void store_strided(const UnpackedProduct<T>& a, T* to, const T* sums, const PatchVector<T>& at,
                                  T bias) {
  for (int64_t i = 0; i < at.count; ++i) {
    const T before = a.accumulate ? to[i * a.y_stride] : T(0);
    to[i * a.y_stride] = sums[at.lanes[i]] + before + bias;
  }
}

template <class T, int R, int V>
void unpacked_tile(const UnpackedProduct<T>& a, T* y, const T* w, const PatchVector<T>* at, const T* bias) {
  using W = Vec<T>;
  const int64_t* const offset = a.offset;
  const int64_t k = a.k;
  const T* from[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) from[v] = a.padded + at[v].base;
  W acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[r][v] = W{};
  }
  for (int64_t p = 0; p < k; ++p, w += a.mr) {
    W x[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) x[v] = load(from[v] + offset[p]);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const W c = splat<W>(w[r]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) acc[r][v] += c * x[v];
    }
  }
  if (a.y_stride != 1) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      T sums[R][kLanes<T>];
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) store(sums[r], acc[r][v]);
      for (int r = 0; r < R; ++r) {
        store_strided(a, y + r * a.y_ld + at[v].column, sums[r], at[v], bias ? bias[r] : T(0));
      }
    }
    return;
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const int64_t n = at[v].count;
    const auto lanes = load_bytes<MaskOf<W>>(at[v].lanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      T* const to = y + r * a.y_ld + at[v].column;
      W sum = __builtin_shuffle(acc[r][v], lanes);
      if (a.accumulate) sum += load_n(to, n);
      if (bias) sum += splat<W>(bias[r]);
      store_n(to, sum, n);
    }
  }
}

template <class T, int R>
void unpacked_panel(const UnpackedProduct<T>& a, T* y, const T* w, const T* bias) {
  constexpr int kV = vectors_of(R);
  int64_t i = 0;
  for (; i + kV <= a.n_vectors; i += kV) unpacked_tile<T, R, kV>(a, y, w, a.vectors + i, bias);
  if constexpr (kV > 3) {
    if (a.n_vectors - i == 3) return unpacked_tile<T, R, 3>(a, y, w, a.vectors + i, bias);
  }
  if constexpr (kV > 2) {
    if (a.n_vectors - i == 2) return unpacked_tile<T, R, 2>(a, y, w, a.vectors + i, bias);
  }
  if (a.n_vectors > i) unpacked_tile<T, R, 1>(a, y, w, a.vectors + i, bias);
}

template <class T, int... R>
void unpacked_of(const UnpackedProduct<T>& a, std::integer_sequence<int, R...>) {
  using Panel = void (*)(const UnpackedProduct<T>&, T*, const T*, const T*);
  static constexpr Panel kPanels[] = {unpacked_panel<T, R + 1>...};
  const T* w = a.weight;
  for (int64_t r = 0; r < a.m; r += a.mr, w += a.panel_stride) {
    const int64_t rows = a.m - r < a.mr ? a.m - r : a.mr;
    kPanels[rows - 1](a, a.y + r * a.y_ld, w, a.bias ? a.bias + r : nullptr);
  }
}
template <class T>
void multiply_unpacked(const UnpackedProduct<T>& a) {
  unpacked_of(a, std::make_integer_sequence<int, kMaxRows>{});
}

// Elements of patches are broadcast from where they lie: nothing is packed but the gradients.
template <class T, int R, int V>
void gradient_tile(const PatchGradient<T>& a, T* sums, const int64_t* offset) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) acc[r][v] = Vec<T>{};
  }
  const T* gy = a.gy;
  for (int64_t q = 0; q < a.n_runs; ++q) {
    const T* const from = a.padded + a.runs[q].base;
    const T* row[R];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) row[r] = from + offset[r];
    const int64_t length = a.runs[q].length;
    for (int64_t i = 0; i < length; ++i, gy += V * L) {
      Vec<T> g[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) g[v] = load(gy + v * L);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const Vec<T> x = splat<Vec<T>>(row[r][i]);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) acc[r][v] += x * g[v];
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      T* const to = sums + (r * V + v) * L;
      store(to, a.accumulate ? load(to) + acc[r][v] : acc[r][v]);
    }
  }
}

template <class T, int... R>
void gradient_of(const PatchGradient<T>& a, std::integer_sequence<int, R...>) {
  using Tile = void (*)(const PatchGradient<T>&, T*, const int64_t*);
  static constexpr Tile kTiles[2][kMaxRows] = {{gradient_tile<T, R + 1, 1>...},
                                               {gradient_tile<T, R + 1, 2>...}};
  // Rows in even shares: a tile of few waits for its own sums.
  const int64_t tiles = (a.m + kMaxRows - 1) / kMaxRows;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t r0 = a.m * t / tiles, rows = a.m * (t + 1) / tiles - r0;
    kTiles[a.width / kLanes<T> - 1][rows - 1](a, a.sums + r0 * a.width, a.offset + r0);
  }
}
template <class T>
void weight_gradient(const PatchGradient<T>& a) {
  gradient_of(a, std::make_integer_sequence<int, kMaxRows>{});
}

template <class T>
constexpr ConvKernels<T> kKernels = {pad<T>, pack_patches<T>, multiply_unpacked<T>, kLanes<T>,
                                     weight_gradient<T>};

}  // namespace

void fill_conv(KernelTable& table) { table.conv.padded = {kKernels<float>, kKernels<double>}; }

}  // namespace plait::PLAIT_ISA_NS
