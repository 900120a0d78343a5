// SPDX-License-Identifier: MIT
// The transforms of Winograd's F(m x m, r x r), m + r = 7: Y = A' [(G w G') * (B' d B)] A. Every vector holds
// one element of as many tiles as it has lanes, so that the transforms are plain arithmetic, which bounds
// them. The points are 0, +-1/sqrt(2), +-sqrt(2) and infinity: against a direct sum in float32 the error is
// about twice as large in the root of mean squares (for r = 3; with the usual 0, +-1, +-2 it is four times as
// large). B' depends on the points alone; A and G take a polynomial of m or r coefficients to its values at
// the points, G with the weights of Lagrange's interpolation.
#include "kernels/conv/conv_args.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

constexpr int L = kLanes<float>;
constexpr int kWidth = 2 * L;  // of a panel
constexpr int kSide = kWinogradSide;
constexpr float kA = 0.70710678f, kB = 1.41421356f;

// Calls f with the size of a kernel or of a tile as a constant.
template <int N>
struct Size {
  static constexpr int value = N;
};
template <class F>
PLAIT_INLINE void with_size(int64_t size, F&& f) {
  switch (size) {
    case 2:
      return f(Size<2>{});
    case 3:
      return f(Size<3>{});
    case 4:
      return f(Size<4>{});
    default:
      return f(Size<5>{});
  }
}

// Only the outer coefficients may be zero.
PLAIT_INLINE bool is_nonzero(int64_t nonzero, int coefficient) {
  return (coefficient > 0 && coefficient < kSide - 1) || (nonzero >> coefficient & 1);
}

// B' d
PLAIT_INLINE void input_line(const F32* d, F32* v) {
  const F32 e1 = d[4] - 2.0f * d[2], o1 = kA * (d[3] - 2.0f * d[1]);
  const F32 e2 = d[4] - 0.5f * d[2], o2 = kB * (d[3] - 0.5f * d[1]);
  v[0] = d[0] - 2.5f * d[2] + d[4];
  v[1] = e1 + o1;
  v[2] = e1 - o1;
  v[3] = e2 + o2;
  v[4] = e2 - o2;
  v[5] = d[1] - 2.5f * d[3] + d[5];
}

// The values of a polynomial of N coefficients, times `near` at +-kA and `far` at +-kB.
template <int N>
PLAIT_INLINE void values(const F32* g, F32* v, float near, float far) {
  F32 e1 = g[0], e2 = g[0], o1 = g[1], o2 = g[1];
  if constexpr (N > 2) e1 += 0.5f * g[2], e2 += 2.0f * g[2];
  if constexpr (N > 3) o1 += 0.5f * g[3], o2 += 2.0f * g[3];
  if constexpr (N > 4) e1 += 0.25f * g[4], e2 += 4.0f * g[4];
  e1 *= near, e2 *= far, o1 *= kA * near, o2 *= kB * far;
  v[0] = g[0];
  v[1] = e1 + o1;
  v[2] = e1 - o1;
  v[3] = e2 + o2;
  v[4] = e2 - o2;
  v[5] = g[N - 1];
}
// The transpose of values().
template <int N>
PLAIT_INLINE void moments(const F32* v, F32* g, float near, float far) {
  const F32 s1 = near * (v[1] + v[2]), d1 = kA * near * (v[1] - v[2]);
  const F32 s2 = far * (v[3] + v[4]), d2 = kB * far * (v[3] - v[4]);
  g[0] = v[0] + s1 + s2;
  g[1] = d1 + d2;
  if constexpr (N > 2) g[2] = 0.5f * s1 + 2.0f * s2;
  if constexpr (N > 3) g[3] = 0.5f * d1 + 2.0f * d2;
  if constexpr (N > 4) g[4] = 0.25f * s1 + 4.0f * s2;
  g[N - 1] += v[5];
}
// Lagrange's weights of the points +-kA and +-kB.
constexpr float kNear = -1 / 1.5f, kFar = 1 / 6.0f;

// A line of a tile: 6 elements of an input, fewer of a gradient.
template <int kSize>
PLAIT_INLINE void tile_line(const F32* d, F32* v) {
  if constexpr (kSize == kSide) {
    input_line(d, v);
  } else {
    values<kSize>(d, v, 1, 1);
  }
}

// Every kStride-th element from p on.
template <int kStride>
PLAIT_INLINE F32 load_strided(const float* p) {
  return kStride == 1 ? load(p) : load_even<float>(p);
}
template <int kStride>
PLAIT_INLINE F32 load_strided_n(const float* p, int64_t n) {
  if constexpr (kStride == 1) {
    return load_n(p, n);
  } else {
    float row[2 * L] = {};
    const int64_t last = 2 * n - 1;
    store(row, load_n(p, last < L ? last : L));
    if (last > L) store(row + L, load_n(p + L, last - L));
    return load_even<float>(row);
  }
}

// The transform down the columns of a plane's rows from y on, elements x, x + 1, ..., as far as `length`
// tiles read them. It goes first, since it needs no element of a row twice and leaves them in order. What
// lies `ahead` of it is prefetched.
template <int kSize, int kStride>
PLAIT_INLINE void tile_rows(float* lines, int64_t line, const float* plane, const WinogradPlanes& shape,
                            int64_t y, int64_t x, int64_t length, int64_t ahead) {
  static constexpr float kZeros[2 * L] = {};
  const float* row[kSize];
  int64_t inside[kSize];  // all bits, or 0 for a row of zeros
  for (int i = 0; i < kSize; ++i) {
    const bool in = y + i >= 0 && y + i < shape.h;
    row[i] = in ? plane + (y + i) * shape.row_stride : kZeros;
    inside[i] = in ? -1 : 0;
    if (!in || ahead == 0) continue;
    for (int64_t at = kStride * x; at < kStride * (x + length); at += 16)
      __builtin_prefetch(row[i] + ahead + at);
  }
  const auto put = [&](float* to, const F32* d) {
    F32 v[kSide];
    tile_line<kSize>(d, v);
#pragma GCC unroll 6
    for (int i = 0; i < kSide; ++i) store(to + i * line, v[i]);
  };
  // The next elements, or the next strip, overwrite what is written past the end.
  const int64_t end = x + length, w = shape.w;
  const F32 zeros[kSize] = {};
  F32 d[kSize];
  for (; x < 0 && x < end; lines += -x < L ? -x : L, x += -x < L ? -x : L) put(lines, zeros);
  // With greater strides a vector reads beyond its last element.
  for (; x + L + (kStride - 1) <= w && x < end; x += L, lines += L) {
#pragma GCC unroll 6
    for (int i = 0; i < kSize; ++i) d[i] = load_strided<kStride>(row[i] + (kStride * x & inside[i]));
    put(lines, d);
  }
  if (x < w && x < end) {
#pragma GCC unroll 6
    for (int i = 0; i < kSize; ++i) {
      d[i] = load_strided_n<kStride>(row[i] + (kStride * x & inside[i]), w - x < L ? w - x : L);
    }
    put(lines, d);
    x += L, lines += L;
  }
  for (; x < end; x += L, lines += L) put(lines, zeros);
}

// The lanes of a vector of tiles: 4q + k for tile kQuads*k + q, so that the transposes below turn rows of
// tiles into vectors of one element each, and back.
constexpr int kQuads = L / 4;

// Four neighbours each from the places at[0], at[1], ...
template <class V>
PLAIT_INLINE V load_quads(const float* p, const int32_t* at) {
  if constexpr (sizeof(V) == 4 * sizeof(float)) {
    V quad;
    __builtin_memcpy(&quad, p + at[0], sizeof quad);
    return quad;
  } else {
    constexpr int kHalf = static_cast<int>(sizeof(V) / sizeof(float)) / 8;
    return combine(load_quads<HalfVec<V>>(p, at), load_quads<HalfVec<V>>(p, at + kHalf));
  }
}

// Transposes of 4 x 4 in every quad of lanes.
PLAIT_INLINE void transpose_quads(F32* a) {
  I32 low, high;
  for (int i = 0; i < L; ++i) {
    low[i] = i / 4 * 4 + i % 4 / 2 + i % 2 * L;
    high[i] = low[i] + 2;
  }
  const F32 even = __builtin_shuffle(a[0], a[2], low), odd = __builtin_shuffle(a[1], a[3], low);
  const F32 even2 = __builtin_shuffle(a[0], a[2], high), odd2 = __builtin_shuffle(a[1], a[3], high);
  a[0] = __builtin_shuffle(even, odd, low);
  a[1] = __builtin_shuffle(even, odd, high);
  a[2] = __builtin_shuffle(even2, odd2, low);
  a[3] = __builtin_shuffle(even2, odd2, high);
}

// Elements 0, 1, ... along a line of the L tiles at at[0], at[1], ...; closed[k]: the tiles from at[kQuads*k]
// on lie side by side.
template <int kSize>
PLAIT_INLINE void load_tiles(const float* p, const int32_t* at, const bool* closed, F32* d) {
  F32 a[4];
#pragma GCC unroll 2
  for (int first = 0; first < kSize; first += 4) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      const int32_t* const tiles = at + kQuads * k;
      a[k] = closed[k] ? load(p + first + tiles[0]) : load_quads<F32>(p + first, tiles);
    }
    transpose_quads(a);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      if (first + i < kSize) d[first + i] = a[i];
    }
  }
}

template <int kSize, int kStride>
void transform(const WinogradInput& a) {
  // A strip takes `tile` elements each, and what the last one reads beyond them, in quads.
  constexpr int64_t kReach = 8, kEnd = kReach * kWinogradColumns + L, kLine = kEnd + 2 * L + kReach;
  constexpr int64_t kPrefetched = 64;  // elements of a plane: the hardware prefetcher serves smaller ones
  float lines[kSide * kLine] = {};
  int32_t at[kWinogradColumns + L];
  bool closed[4 * kWinogradColumns / L + 4];
  int32_t end = 0;
  for (int64_t q = 0; q < a.n_strips; ++q) {
    const WinogradStrip& s = a.strips[q];
    for (int64_t i = 0; i < s.length; ++i, end += static_cast<int32_t>(a.tile)) at[s.column + i] = end;
    end += static_cast<int32_t>(kReach - a.tile);
  }
  const WinogradStrip& last = a.strips[a.n_strips - 1];
  for (int64_t j = last.column + last.length; j < kWinogradColumns + L; ++j) at[j] = kEnd;  // zeros
  for (int64_t g = 0; g < 4 * kWinogradColumns / L; ++g) {
    closed[g] = at[kQuads * (g + 1) - 1] - at[kQuads * g] == 4 * (kQuads - 1) && (kQuads == 1 || a.tile == 4);
  }
  for (int64_t c = 0; c < a.channels; ++c) {
    for (int64_t q = 0; q < a.n_strips; ++q) {
      const WinogradStrip& s = a.strips[q];
      tile_rows<kSize, kStride>(
          lines + at[s.column], kLine, a.src + s.image * a.planes.image_stride + c * a.planes.channel_stride,
          a.planes, s.row * a.tile - a.before[0], s.left * a.tile - a.before[1],
          a.tile * (s.length - 1) + kSize,
          c + 1 < a.channels && a.planes.channel_stride >= kPrefetched ? a.planes.channel_stride : 0);
    }
    float* to = a.v + c * a.v_channel;
    for (int64_t j = 0; j < a.columns; j += L) {
      float* const panel = to + j / kWidth * a.v_panel + j % kWidth;
      F32 d[kSize], v[kSide];
      for (int y = 0; y < kSide; ++y) {
        if (!is_nonzero(a.nonzero[0], y)) continue;
        load_tiles<kSize>(lines + y * kLine, at + j, closed + 4 * j / L, d);
        tile_line<kSize>(d, v);
#pragma GCC unroll 6
        for (int x = 0; x < kSide; ++x) {
          if (is_nonzero(a.nonzero[1], x)) store(panel + (kSide * y + x) * a.v_coefficient, v[x]);
        }
      }
    }
  }
}

void transform_input(const WinogradInput& a) {
  a.planes.stride == 1 ? transform<kSide, 1>(a) : transform<kSide, 2>(a);
}

void transform_gradient(const WinogradInput& a) {
  with_size(a.tile, [&](auto n) { transform<n.value, 1>(a); });
}

template <int N>
void weights_of(const WinogradWeights& a) {
  for (int64_t item = 0; item < a.items; ++item) {
    for (int64_t c = 0; c < a.count; c += L) {
      const float* const w = a.w + item * a.w_item + c;
      float* const u = a.u + item * a.u_item + c;
      // The next items overwrite what is written past the end.
      const bool whole = a.count - c >= L || (a.u_item == a.count && (a.items - item) * a.count - c >= L);
      const auto put = [&](float* to, F32 v) {
        if (whole) {
          store(to, v);
        } else {
          store_n(to, v, a.count - c);
        }
      };
      F32 half[kSide][N], v[kSide];
      for (int x = 0; x < N; ++x) {
        F32 g[N];
        for (int y = 0; y < N; ++y) {
          const int64_t tap = a.tap[N * y + x];
          g[y] = tap < 0 ? F32{} : load(w + tap * a.w_tap);
        }
        values<N>(g, v, kNear, kFar);
        for (int y = 0; y < kSide; ++y) half[y][x] = v[y];
      }
      for (int y = 0; y < kSide; ++y) {
        if (!is_nonzero(a.nonzero[0], y)) continue;
        values<N>(half[y], v, kNear, kFar);
        for (int x = 0; x < kSide; ++x) {
          if (is_nonzero(a.nonzero[1], x)) put(u + (kSide * y + x) * a.u_coefficient, v[x]);
        }
      }
    }
  }
}

template <int N>
void weights_gradient_of(const WinogradWeights& a) {
  for (int64_t item = 0; item < a.items; ++item) {
    for (int64_t c = 0; c < a.count; c += L) {
      float* const w = a.w + item * a.w_item + c;
      const float* const from = a.u + item * a.u_item + c;
      const int64_t n = a.count - c < L ? a.count - c : L;
      F32 half[N][kSide], u[kSide], g[N];
      for (int x = 0; x < kSide; ++x) {
        for (int y = 0; y < kSide; ++y) {
          const bool nonzero = is_nonzero(a.nonzero[0], y) && is_nonzero(a.nonzero[1], x);
          u[y] = nonzero ? load_n(from + (kSide * y + x) * a.u_coefficient, n) : F32{};
        }
        moments<N>(u, g, kNear, kFar);
        for (int y = 0; y < N; ++y) half[y][x] = g[y];
      }
      for (int y = 0; y < N; ++y) {
        moments<N>(half[y], g, kNear, kFar);
        for (int x = 0; x < N; ++x) {
          const int64_t tap = a.tap[N * y + x];
          if (tap >= 0) store_n(w + tap * a.w_tap, g[x], n);
        }
      }
    }
  }
}

void transform_weights(const WinogradWeights& a) {
  with_size(a.taps, [&](auto n) { weights_of<n.value>(a); });
}

void weights_gradient(const WinogradWeights& a) {
  with_size(a.taps, [&](auto n) { weights_gradient_of<n.value>(a); });
}

// Every quad to its tile, N apart. The next one overwrites what a quad writes past its tile.
template <int N, class V>
PLAIT_INLINE void store_quads(float* to, V v) {
  if constexpr (N == 4 || sizeof(V) == 4 * sizeof(float)) {
    __builtin_memcpy(to, &v, sizeof v);
  } else {
    constexpr int kHalf = static_cast<int>(sizeof(V) / sizeof(float)) / 8;
    store_quads<N>(to, low_half(v));
    store_quads<N>(to + N * kHalf, high_half(v));
  }
}

// Element i of the L tiles from v[i], N side by side for each.
template <int N>
PLAIT_INLINE void store_tiles(float* to, const F32* v) {
  F32 a[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) a[i] = i < N ? v[i] : F32{};
  transpose_quads(a);
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) store_quads<N>(to + N * kQuads * k, a[k]);
  if constexpr (N > 4) {  // a fifth would be overwritten by the next tile
    for (int k = 0; k < 4; ++k) {
      for (int q = 0; q < kQuads; ++q) to[N * (kQuads * k + q) + 4] = v[4][4 * q + k];
    }
  }
}

PLAIT_INLINE void store_row(float* to, int64_t stride, const float* from, int64_t n) {
  if (stride != 1) {
    for (int64_t i = 0; i < n; ++i) to[i * stride] = from[i];
    return;
  }
  int64_t i = 0;
  for (; i + L <= n; i += L) {
    __asm__ volatile("");  // GCC would call memmove, which costs more than a short row
    store(to + i, load(from + i));
  }
  if (i < n) store_n(to + i, load(from + i), n - i);
}

// Calls f(to, count, at) for the rows of a channel's tiles inside the plane: `count` elements from `to` on,
// which are those from lines[at] on in lines of `line` elements.
template <int N, class F>
PLAIT_INLINE void for_output_rows(const WinogradOutput& a, float* dst, int64_t line, F&& f) {
  const WinogradPlanes& planes = a.planes;
  for (int64_t q = 0; q < a.n_strips; ++q) {
    const WinogradStrip& s = a.strips[q];
    // Row and column 0 of the strip in the plane, and the end of those inside.
    const int64_t y0 = s.row * N, x0 = s.left * N;
    const int64_t bottom = planes.h - y0 < N ? planes.h - y0 : N;
    const int64_t right = planes.w - x0 < s.length * N ? planes.w - x0 : s.length * N;
    float* to = dst + s.image * planes.image_stride + y0 * planes.row_stride + x0 * planes.stride;
    for (int64_t y = 0; y < bottom; ++y, to += planes.row_stride) f(to, right, y * line + N * s.column);
  }
}

template <int N>
void output_of(const WinogradOutput& a) {
  constexpr int64_t kRow = N * kWinogradColumns + 4;  // a quad more
  float lines[N * kRow + L];
  F32 half[N][kSide];
  const int64_t stride = a.planes.stride;
  for (int64_t r = 0; r < a.channels; ++r) {
    const float* m = a.m + r * a.m_channel;
    float* const dst = a.dst + r * a.planes.channel_stride;
    const F32 bias = splat<F32>(a.bias ? a.bias[r] : 0.0f);
    for_output_rows<N>(a, dst, kRow, [&](float* to, int64_t count, int64_t) {
      for (int64_t i = 0; i < stride * count; i += 16) __builtin_prefetch(to + i, 1);
    });
    for (int64_t j = 0; j < a.columns; j += L) {
      F32 d[kSide], v[N];
      for (int x = 0; x < kSide; ++x) {
#pragma GCC unroll 6
        for (int y = 0; y < kSide; ++y) {
          const bool nonzero = is_nonzero(a.nonzero[0], y) && is_nonzero(a.nonzero[1], x);
          d[y] = nonzero ? load(m + (kSide * y + x) * a.m_coefficient + j) : F32{};
        }
        moments<N>(d, v, 1, 1);
#pragma GCC unroll 5
        for (int y = 0; y < N; ++y) half[y][x] = v[y];
      }
      for (int y = 0; y < N; ++y) {
        moments<N>(half[y], v, 1, 1);
#pragma GCC unroll 5
        for (int x = 0; x < N; ++x) v[x] += bias;
        store_tiles<N>(lines + y * kRow + N * j, v);
      }
    }
    for_output_rows<N>(a, dst, kRow, [&](float* to, int64_t count, int64_t at) {
      store_row(to, stride, lines + at, count);
    });
  }
}

void transform_output(const WinogradOutput& a) {
  with_size(a.tile, [&](auto n) { output_of<n.value>(a); });
}

}  // namespace

void fill_winograd(KernelTable& table) {
  table.conv.winograd = {transform_input, transform_gradient, transform_output, transform_weights,
                         weights_gradient};
}

}  // namespace plait::PLAIT_ISA_NS
