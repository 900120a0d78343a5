// SPDX-License-Identifier: MIT
// Convolution's own kernels. Frames make every read a whole unaligned vector: nothing is masked but the tails
// of results. Packing a vector of patches costs a load and a store; it is shared by all output channels.
// Direct rows keep V vectors of outputs of R channels in registers over all taps; with one channel they are
// bound by loads, one per multiply-add, which outruns memory for kernels up to 5 x 5.
#include "kernels/conv.h"

#include "kernels/isa/transpose.h"
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

// kStep vectors of neighbours to one vector per remainder of the place by kStep.
template <int kStep, class V>
PLAIT_INLINE void part(V* v) {
  const auto even = iota<MaskOf<V>>() * 2;
  if constexpr (kStep == 2) {
    const V x = v[0], y = v[1];
    v[0] = __builtin_shuffle(x, y, even);
    v[1] = __builtin_shuffle(x, y, even + 1);
  } else if constexpr (kStep == 4) {
    part<2>(v);
    part<2>(v + 2);
    const V x = v[1];
    v[1] = v[2];
    v[2] = x;
    part<2>(v);
    part<2>(v + 2);
    const V y = v[1];
    v[1] = v[2];
    v[2] = y;
  }
}

// A row of a frame, `row` in its first phase, from a row of the plane. Phases are written side by side, so
// that the plane is read once.
template <int kStep, class T>
void frame_row(const FrameShape& f, T* row, const T* src) {
  constexpr int64_t kN = kLanes<T>;
  const int64_t cells = f.cells[2], phases = f.phases[2], before = f.before[2], w = f.in[2];
  const int64_t count = f.cell_count();
  int64_t i = 0;
  for (; i < cells && i * kStep < before; ++i) {
    for (int64_t c = 0; c < phases; ++c) {
      const int64_t x = i * kStep + c - before;
      row[c * count + i] = x >= 0 && x < w ? src[x] : T(0);
    }
  }
  for (; i < cells; i += kN) {
    const int64_t x = i * kStep - before, n = at_most<T>(cells - i);
    Vec<T> v[kStep];
    if (x + kStep * kN <= w) {
#pragma GCC unroll 4
      for (int q = 0; q < kStep; ++q) v[q] = load(src + x + q * kN);
    } else {
#pragma GCC unroll 4
      for (int q = 0; q < kStep; ++q) {
        const int64_t left = at_most<T>(w - x - q * kN);
        v[q] = left > 0 ? load_n(src + x + q * kN, left) : Vec<T>{};
      }
    }
    part<kStep>(v);
#pragma GCC unroll 4
    for (int c = 0; c < kStep; ++c) {
      if (c < phases) store_n(row + c * count + i, v[c], n);
    }
  }
}

// The same for any step.
template <class T>
void frame_row_by_elements(const FrameShape& f, T* row, const T* src) {
  for (int64_t c = 0; c < f.phases[2]; ++c) {
    for (int64_t i = 0; i < f.cells[2]; ++i) {
      const int64_t x = i * f.step[2] + c - f.before[2];
      row[c * f.cell_count() + i] = x >= 0 && x < f.in[2] ? src[x] : T(0);
    }
  }
}

template <class T>
void frame(const FrameShape& f, T* dst, const T* src, int64_t planes) {
  void (*const make_row)(const FrameShape&, T*, const T*) = f.step[2] == 1   ? frame_row<1, T>
                                                            : f.step[2] == 2 ? frame_row<2, T>
                                                            : f.step[2] == 4 ? frame_row<4, T>
                                                                             : frame_row_by_elements<T>;
  // In the order of the plane's rows, which is what memory can foresee.
  for (int64_t p = 0; p < planes; ++p, src += f.in[0] * f.in[1] * f.in[2], dst += f.plane()) {
    for (int64_t i = 0; i < f.cells[0] * f.step[0]; ++i) {
      const int64_t a = i % f.step[0], d = i - f.before[0];
      for (int64_t j = 0; a < f.phases[0] && j < f.cells[1] * f.step[1]; ++j) {
        const int64_t b = j % f.step[1], h = j - f.before[1];
        if (b >= f.phases[1]) continue;
        T* const row = dst + f.at(i, j, 0);
        if (d >= 0 && d < f.in[0] && h >= 0 && h < f.in[1]) {
          make_row(f, row, src + (d * f.in[1] + h) * f.in[2]);
        } else {
          for (int64_t c = 0; c < f.phases[2]; ++c) clear(row + c * f.cell_count(), f.cells[2]);
        }
      }
    }
  }
}

// The panel's rows as N vectors: what one writes too much, the next one or the next row overwrites.
template <int N, class T>
void pack_vectors(const PackPatches<T>& a, const int64_t* column, const int64_t* base, int64_t n) {
  for (int64_t p = 0; p < a.count; ++p) {
    T* const row = a.dst + p * a.width;
    const T* const from = a.frame + a.offset[p];
    if constexpr (N > 0) {
#pragma GCC unroll 4
      for (int i = 0; i < N; ++i) store(row + column[i], load(from + base[i]));
    } else {
      for (int64_t i = 0; i < n; ++i) store(row + column[i], load(from + base[i]));
    }
  }
}

template <class T>
void pack(const PackPatches<T>& a) {
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

template <class T>
void pack_turned(const PackPatches<T>& a) {
  constexpr int L = kLanes<T>;
  for (int64_t r = 0; r < a.n_runs; ++r) {
    const PatchRun& run = a.runs[r];
    for (int64_t q = 0; q < run.length; q += L) {
      const int64_t depth = run.length - q < L ? run.length - q : L;
      const T* from = a.frame + run.base + q;
      T* dst = a.dst + (run.column + q) * a.width;
      for (int64_t i0 = 0; i0 < a.width; i0 += L) {
        const int64_t columns = a.count - i0;
        Vec<T> v[L];
        if (columns >= L) {
#pragma GCC unroll 16
          for (int i = 0; i < L; ++i) v[i] = load(from + a.offset[i0 + i]);
        } else {
          for (int i = 0; i < L; ++i) v[i] = i < columns ? load(from + a.offset[i0 + i]) : Vec<T>{};
        }
        transpose<T>(v);
        if (depth == L) {
#pragma GCC unroll 16
          for (int i = 0; i < L; ++i) store(dst + i * a.width + i0, v[i]);
        } else {
          for (int i = 0; i < depth; ++i) store(dst + i * a.width + i0, v[i]);
        }
      }
    }
  }
}

// R channels, V vectors; only the first `n` elements are stored.
template <class T, int R, int V>
PLAIT_INLINE void direct_tile(const DirectRows<T>& a, T* y, const T* src, int64_t n) {
  using W = Vec<T>;
  constexpr int L = kLanes<T>;
  W acc[R][V];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    const W b = a.bias ? splat<W>(a.bias[r]) : W{};
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[r][v] = b;
  }
  const T* w = a.weight;
  for (int64_t p = 0; p < a.k; ++p, w += R) {
    const T* from = src + a.offset[p];
    W x[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) x[v] = load(from + v * L);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const W c = splat<W>(w[r]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) acc[r][v] += c * x[v];
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    T* to = y + r * a.y_channel;
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const int64_t left = n - v * L;
      if (a.y_step != 1) {
        for (int64_t i = 0; i < (left < L ? left : L); ++i) to[(v * L + i) * a.y_step] = acc[r][v][i];
      } else if (left >= L) {
        store(to + v * L, acc[r][v]);
      } else if (left > 0) {
        store_n(to + v * L, acc[r][v], left);
      }
    }
  }
}

template <class T, int R>
void direct_rows(const DirectRows<T>& a) {
  // Vectors per tile: the accumulators fill the register file but for the vectors loaded and a weight.
  constexpr int kV = R <= 2 ? 4 : R == 3 ? 3 : 2;
  constexpr int64_t kWide = kV * kLanes<T>;
  for (int64_t h = 0; h < a.rows; ++h) {
    T* y = a.y + h * a.y_row;
    const T* src = a.frame + h * a.frame_row;
    int64_t i = 0;
    for (; i + kWide <= a.n; i += kWide) direct_tile<T, R, kV>(a, y + i * a.y_step, src + i, kWide);
    const int64_t left = a.n - i;
    if (left == 0) continue;
    T* to = y + i * a.y_step;
    switch ((left + kLanes<T> - 1) / kLanes<T>) {
      case 1:
        direct_tile<T, R, 1>(a, to, src + i, left);
        break;
      case 2:
        direct_tile < T, R, kV<2 ? kV : 2>(a, to, src + i, left);
        break;
      case 3:
        direct_tile < T, R, kV<3 ? kV : 3>(a, to, src + i, left);
        break;
      default:
        direct_tile<T, R, kV>(a, to, src + i, left);
    }
  }
}

template <class T>
void direct(const DirectRows<T>& a) {
  switch (a.m) {
    case 1:
      return direct_rows<T, 1>(a);
    case 2:
      return direct_rows<T, 2>(a);
    case 3:
      return direct_rows<T, 3>(a);
    default:
      return direct_rows<T, 4>(a);
  }
}

// kTaps sums at a time in registers.
template <class T, int kTaps>
PLAIT_INLINE void grad_taps(const DirectGrad<T>& a, T* sums, const int64_t* offset) {
  constexpr int64_t L = kLanes<T>;
  Vec<T> acc[kTaps];
#pragma GCC unroll 16
  for (int t = 0; t < kTaps; ++t) acc[t] = load(sums + t * kGradLanes);
  for (int64_t h = 0; h < a.rows; ++h) {
    const T* gy = a.gy + h * a.gy_row;
    const T* src = a.frame + h * a.frame_row;
    int64_t i = 0;
    for (; i + L <= a.n; i += L) {
      const Vec<T> g = load(gy + i);
#pragma GCC unroll 16
      for (int t = 0; t < kTaps; ++t) acc[t] += g * load(src + offset[t] + i);
    }
    if (i < a.n) {  // both factors masked: what lies behind may be infinite
      const int64_t n = a.n - i;
      const Vec<T> g = load_n(gy + i, n);
#pragma GCC unroll 16
      for (int t = 0; t < kTaps; ++t) acc[t] += g * load_n(src + offset[t] + i, n);
    }
  }
#pragma GCC unroll 16
  for (int t = 0; t < kTaps; ++t) store(sums + t * kGradLanes, acc[t]);
}

template <class T>
void direct_grad(const DirectGrad<T>& a) {
  static_assert(kGradLanes % kLanes<T> == 0);
  int64_t t = 0;
  for (; t + 9 <= a.taps; t += 9) grad_taps<T, 9>(a, a.sums + t * kGradLanes, a.offset + t);
  for (; t + 5 <= a.taps; t += 5) grad_taps<T, 5>(a, a.sums + t * kGradLanes, a.offset + t);
  for (; t < a.taps; ++t) grad_taps<T, 1>(a, a.sums + t * kGradLanes, a.offset + t);
}

template <class T>
constexpr ConvKernels<T> kKernels = {frame<T>, pack<T>, pack_turned<T>, direct<T>, direct_grad<T>};

}  // namespace

void fill_conv(KernelTable& table) {
  table.conv.f32 = kKernels<float>;
  table.conv.f64 = kKernels<double>;
}

}  // namespace plait::PLAIT_ISA_NS
