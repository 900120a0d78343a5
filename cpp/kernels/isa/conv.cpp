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

template <class T>
PLAIT_INLINE void copy(T* dst, const T* src, int64_t n) {
  constexpr int64_t kN = kLanes<T>;
  int64_t i = 0;
  for (; i + kN <= n; i += kN) {
    __asm__ volatile("");  // GCC would call memmove, which costs more than a short row
    store(dst + i, load(src + i));
  }
  if (i < n) store_n(dst + i, load_n(src + i, n - i), n - i);
}

// dst[i] = src[i*kStep]; nothing past src[(n - 1)*kStep] is touched.
template <int kStep, class T>
PLAIT_INLINE void copy_step(T* dst, const T* src, int64_t n) {
  constexpr int64_t kN = kLanes<T>;
  const auto even = iota<MaskOf<Vec<T>>>() * 2;
  for (int64_t i = 0; i < n; i += kN, src += kStep * kN) {
    const int64_t left = (n - i - 1) * kStep + 1;
    Vec<T> v[kStep];
    if (left >= kStep * kN) {
#pragma GCC unroll 4
      for (int q = 0; q < kStep; ++q) v[q] = load(src + q * kN);
    } else {
#pragma GCC unroll 4
      for (int q = 0; q < kStep; ++q) v[q] = load_n(src + q * kN, at_most<T>(left - q * kN));
    }
#pragma GCC unroll 2
    for (int width = kStep; width > 1; width /= 2) {
#pragma GCC unroll 2
      for (int q = 0; q < width / 2; ++q) v[q] = __builtin_shuffle(v[2 * q], v[2 * q + 1], even);
    }
    if (n - i >= kN) {
      store(dst + i, v[0]);
    } else {
      store_n(dst + i, v[0], n - i);
    }
  }
}

// One phase of a plane: the elements a, b, c steps from the first zero on.
template <class T>
PLAIT_INLINE void frame_phase(const FrameShape& f, T* dst, const T* src, int64_t a, int64_t b, int64_t c) {
  const int64_t step = f.step[2], cells = f.cells[2], first = c - f.before[2], w = f.in[2];
  int64_t lo = first >= 0 ? 0 : (-first + step - 1) / step;
  int64_t hi = first >= w ? 0 : (w - 1 - first) / step + 1;
  if (lo > cells) lo = cells;
  if (hi > cells) hi = cells;
  if (hi < lo) hi = lo;
  for (int64_t cd = 0; cd < f.cells[0]; ++cd) {
    const int64_t d = cd * f.step[0] + a - f.before[0];
    for (int64_t ch = 0; ch < f.cells[1]; ++ch, dst += cells) {
      const int64_t h = ch * f.step[1] + b - f.before[1];
      if (d < 0 || d >= f.in[0] || h < 0 || h >= f.in[1]) {
        clear(dst, cells);
        continue;
      }
      const T* from = src + (d * f.in[1] + h) * w + first + lo * step;
      T* to = dst + lo;
      clear(dst, lo);
      switch (step) {
        case 1:
          copy(to, from, hi - lo);
          break;
        case 2:
          copy_step<2>(to, from, hi - lo);
          break;
        case 4:
          copy_step<4>(to, from, hi - lo);
          break;
        default:
          for (int64_t i = 0; i < hi - lo; ++i) to[i] = from[i * step];
      }
      clear(dst + hi, cells - hi);
    }
  }
}

template <class T>
void frame(const FrameShape& f, T* dst, const T* src, int64_t planes) {
  for (int64_t p = 0; p < planes; ++p, src += f.in[0] * f.in[1] * f.in[2]) {
    for (int64_t a = 0; a < f.phases[0]; ++a) {
      for (int64_t b = 0; b < f.phases[1]; ++b) {
        for (int64_t c = 0; c < f.phases[2]; ++c) {
          frame_phase(f, dst, src, a, b, c);
          dst += f.cells[0] * f.cells[1] * f.cells[2];
        }
      }
    }
  }
}

template <class T>
void pack(const PackPatches<T>& a) {
  constexpr int64_t kN = kLanes<T>;  // width is twice that
  if (a.n_runs == 1 && a.runs[0].length > kN) {
    const T* src = a.frame + a.runs[0].base;
    T* dst = a.dst;
    for (int64_t p = 0; p < a.count; ++p, dst += 2 * kN) {
      store(dst, load(src + a.offset[p]));
      store(dst + kN, load(src + a.offset[p] + kN));
    }
    return;
  }
  // What a run's last vector writes too much, the next run or row overwrites.
  for (int64_t p = 0; p < a.count; ++p) {
    T* row = a.dst + p * a.width;
    const T* from = a.frame + a.offset[p];
    for (int64_t r = 0; r < a.n_runs; ++r) {
      const PatchRun& run = a.runs[r];
      store(row + run.column, load(from + run.base));
      if (run.length > kN) store(row + run.column + kN, load(from + run.base + kN));
    }
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
