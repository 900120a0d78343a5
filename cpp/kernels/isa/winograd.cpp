// SPDX-License-Identifier: MIT
// The transforms of Winograd's F(4x4, 3x3): Y = A' [(G w G') * (B' d B)] A. Every vector holds one element of
// as many tiles as it has lanes, so that the transforms are plain arithmetic; they are bound by it. The
// points are 0, +-1/sqrt(2), +-sqrt(2) and infinity: against a direct sum in float32 the error is about twice
// as large in the root of mean squares (with the usual 0, +-1, +-2 it is four times as large).
#include "kernels/conv.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

constexpr int L = kLanes<float>;
constexpr int kWidth = 2 * L;  // of a panel
constexpr float kA = 0.70710678f, kB = 1.41421356f;

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

// G g
PLAIT_INLINE void weight_line(F32 g0, F32 g1, F32 g2, F32* u) {
  const F32 e1 = (g0 + 0.5f * g2) * (-1 / 1.5f), o1 = g1 * (-kA / 1.5f);
  const F32 e2 = (g0 + 2.0f * g2) * (1 / 6.0f), o2 = g1 * (kB / 6.0f);
  u[0] = g0;
  u[1] = e1 + o1;
  u[2] = e1 - o1;
  u[3] = e2 + o2;
  u[4] = e2 - o2;
  u[5] = g2;
}

// A' m
PLAIT_INLINE void output_line(const F32* m, F32* y) {
  const F32 s1 = m[1] + m[2], d1 = kA * (m[1] - m[2]);
  const F32 s2 = m[3] + m[4], d2 = kB * (m[3] - m[4]);
  y[0] = m[0] + s1 + s2;
  y[1] = d1 + d2;
  y[2] = 0.5f * s1 + 2.0f * s2;
  y[3] = 0.5f * d1 + 2.0f * d2 + m[5];
}

// A g, the transpose of A'
PLAIT_INLINE void gradient_line(const F32* g, F32* v) {
  const F32 e1 = g[0] + 0.5f * g[2], o1 = kA * (g[1] + 0.5f * g[3]);
  const F32 e2 = g[0] + 2.0f * g[2], o2 = kB * (g[1] + 2.0f * g[3]);
  v[0] = g[0];
  v[1] = e1 + o1;
  v[2] = e1 - o1;
  v[3] = e2 + o2;
  v[4] = e2 - o2;
  v[5] = g[3];
}

// G' u
PLAIT_INLINE void weight_back_line(const F32* u, F32* g) {
  const F32 s1 = (u[1] + u[2]) * (-1 / 1.5f), d1 = (u[1] - u[2]) * (-kA / 1.5f);
  const F32 s2 = (u[3] + u[4]) * (1 / 6.0f), d2 = (u[3] - u[4]) * (kB / 6.0f);
  g[0] = u[0] + s1 + s2;
  g[1] = d1 + d2;
  g[2] = 0.5f * s1 + 2.0f * s2 + u[5];
}

// A line of a tile: 6 elements of an input, 4 of a gradient.
template <int kSize>
PLAIT_INLINE void tile_line(const F32* d, F32* v) {
  if constexpr (kSize == 6) {
    input_line(d, v);
  } else {
    gradient_line(d, v);
  }
}

// The transform down the columns of a plane's rows from y on, elements x, x + 1, ..., as far as `length`
// tiles read them. It goes first, since it needs no element of a row twice and leaves them in order.
template <int kSize>
PLAIT_INLINE void tile_rows(float* lines, int64_t line, const float* plane, int64_t h, int64_t w, int64_t y,
                            int64_t x, int64_t length) {
  static constexpr float kZeros[L] = {};
  const float* row[kSize];
  int64_t inside[kSize];  // all bits, or 0 for a row of zeros
  for (int i = 0; i < kSize; ++i) {
    const bool in = y + i >= 0 && y + i < h;
    row[i] = in ? plane + (y + i) * w : kZeros;
    inside[i] = in ? -1 : 0;
  }
  const auto put = [&](float* to, const F32* d) {
    F32 v[6];
    tile_line<kSize>(d, v);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) store(to + i * line, v[i]);
  };
  // What is written too much, the next elements or the next strip overwrite.
  const int64_t end = x + kWinogradTile * (length - 1) + kSize;
  const F32 zeros[kSize] = {};
  F32 d[kSize];
  for (; x < 0 && x < end; lines += -x < L ? -x : L, x += -x < L ? -x : L) put(lines, zeros);
  for (; x + L <= w && x < end; x += L, lines += L) {
#pragma GCC unroll 6
    for (int i = 0; i < kSize; ++i) d[i] = load(row[i] + (x & inside[i]));
    put(lines, d);
  }
  if (x < w && x < end) {
#pragma GCC unroll 6
    for (int i = 0; i < kSize; ++i) d[i] = load_n(row[i] + (x & inside[i]), w - x);
    put(lines, d);
    x += L, lines += L;
  }
  for (; x < end; x += L, lines += L) put(lines, zeros);
}

// Four neighbours each from the places at[0], at[4], ...
template <class V>
PLAIT_INLINE V load_quads(const float* p, const int32_t* at) {
  if constexpr (sizeof(V) == 4 * sizeof(float)) {
    V quad;
    __builtin_memcpy(&quad, p + at[0], sizeof quad);
    return quad;
  } else {
    constexpr int kHalf = static_cast<int>(sizeof(V) / sizeof(float)) / 2;
    return combine(load_quads<HalfVec<V>>(p, at), load_quads<HalfVec<V>>(p, at + kHalf));
  }
}

// Elements 0, 1, ... along a line of the L tiles at at[0], at[1], ...: transposes of 4 x 4.
template <int kSize>
PLAIT_INLINE void load_tiles(const float* p, const int32_t* at, F32* d) {
  I32 low, high;  // interleave the halves of the quads of two vectors
  for (int i = 0; i < L; ++i) {
    low[i] = i / 4 * 4 + i % 4 / 2 + i % 2 * L;
    high[i] = low[i] + 2;
  }
  F32 a[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) a[i] = load_quads<F32>(p, at + i);
  const F32 even = __builtin_shuffle(a[0], a[2], low), odd = __builtin_shuffle(a[1], a[3], low);
  const F32 even2 = __builtin_shuffle(a[0], a[2], high), odd2 = __builtin_shuffle(a[1], a[3], high);
  d[0] = __builtin_shuffle(even, odd, low);
  d[1] = __builtin_shuffle(even, odd, high);
  d[2] = __builtin_shuffle(even2, odd2, low);
  d[3] = __builtin_shuffle(even2, odd2, high);
  if constexpr (kSize == 6) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) a[i] = load_quads<F32>(p + kWinogradTile, at + i);
    const F32 even4 = __builtin_shuffle(a[0], a[2], low), odd4 = __builtin_shuffle(a[1], a[3], low);
    d[4] = __builtin_shuffle(even4, odd4, low);
    d[5] = __builtin_shuffle(even4, odd4, high);
  }
}

template <int kSize>
void transform(const WinogradInput& a) {
  // A strip takes four elements a tile and four more.
  constexpr int64_t kLine = 2 * kWinogradTile * kWinogradColumns + 2 * L;
  float lines[6 * kLine] = {};
  int32_t at[kWinogradColumns + L] = {};
  int32_t end = 0;
  for (int64_t q = 0; q < a.n_strips; ++q) {
    const WinogradStrip& s = a.strips[q];
    for (int64_t i = 0; i < s.length; ++i, end += kWinogradTile) at[s.column + i] = end;
    end += kWinogradTile;
  }
  for (int64_t c = 0; c < a.channels; ++c) {
    for (int64_t q = 0; q < a.n_strips; ++q) {
      const WinogradStrip& s = a.strips[q];
      tile_rows<kSize>(lines + at[s.column], kLine, a.src + s.image * a.planes.image + c * a.planes.plane,
                       a.planes.h, a.planes.w, s.row * kWinogradTile - a.before[0],
                       s.left * kWinogradTile - a.before[1], s.length);
    }
    float* to = a.v + c * a.v_channel;
    for (int64_t j = 0; j < a.panels * kWidth; j += L) {
      float* const panel = to + j / kWidth * a.v_panel + j % kWidth;
      F32 d[kSize], v[6];
#pragma GCC unroll 2
      for (int y = 0; y < 6; ++y) {
        load_tiles<kSize>(lines + y * kLine, at + j, d);
        tile_line<kSize>(d, v);
#pragma GCC unroll 6
        for (int x = 0; x < 6; ++x) store(panel + (6 * y + x) * a.v_point, v[x]);
      }
    }
  }
}

void weights(float* u, int64_t u_point, const float* w, const int64_t* tap, int64_t channels) {
  for (int64_t c = 0; c < channels; c += L) {
    const int64_t n = channels - c < L ? channels - c : L;
    F32 half[6][3], v[6];
    for (int x = 0; x < 3; ++x) {
      F32 g[3];
      for (int y = 0; y < 3; ++y) {
        const float* from = w + tap[3 * y + x] * channels + c;
        g[y] = n == L ? load(from) : load_n(from, n);
      }
      weight_line(g[0], g[1], g[2], v);
      for (int y = 0; y < 6; ++y) half[y][x] = v[y];
    }
    for (int y = 0; y < 6; ++y) {
      weight_line(half[y][0], half[y][1], half[y][2], v);
      for (int x = 0; x < 6; ++x) {
        float* to = u + (6 * y + x) * u_point + c;
        if (n == L) {
          store(to, v[x]);
        } else {
          store_n(to, v[x], n);
        }
      }
    }
  }
}

void weights_back(float* w, const float* u, int64_t u_point, int64_t channels) {
  for (int64_t c = 0; c < channels; c += L) {
    const int64_t n = channels - c < L ? channels - c : L;
    F32 half[3][6], m[6], g[3];
    for (int x = 0; x < 6; ++x) {
      for (int y = 0; y < 6; ++y) {
        const float* from = u + (6 * y + x) * u_point + c;
        m[y] = n == L ? load(from) : load_n(from, n);
      }
      weight_back_line(m, g);
      for (int y = 0; y < 3; ++y) half[y][x] = g[y];
    }
    for (int y = 0; y < 3; ++y) {
      weight_back_line(half[y], g);
      for (int x = 0; x < 3; ++x) {
        float* to = w + (3 * y + x) * channels + c;
        if (n == L) {
          store(to, g[x]);
        } else {
          store_n(to, g[x], n);
        }
      }
    }
  }
}

// Stores v[0][0] v[1][0] v[2][0] v[3][0] v[0][1] ...
PLAIT_INLINE void store_interleaved(float* to, const F32* v) {
  I32 low, high;
  for (int i = 0; i < L; ++i) {
    low[i] = i / 2 + (i % 2) * L;
    high[i] = L / 2 + i / 2 + (i % 2) * L;
  }
  const F32 a = __builtin_shuffle(v[0], v[2], low), b = __builtin_shuffle(v[0], v[2], high);
  const F32 c = __builtin_shuffle(v[1], v[3], low), d = __builtin_shuffle(v[1], v[3], high);
  store(to, __builtin_shuffle(a, c, low));
  store(to + L, __builtin_shuffle(a, c, high));
  store(to + 2 * L, __builtin_shuffle(b, d, low));
  store(to + 3 * L, __builtin_shuffle(b, d, high));
}

void output(const WinogradOutput& a) {
  constexpr int64_t kRow = kWinogradTile * kWinogradColumns;
  float lines[kWinogradTile * kRow + L];
  F32 half[4][6];
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* m = a.m + r * a.m_row;
    const F32 bias = splat<F32>(a.bias ? a.bias[r] : 0.0f);
    for (int64_t j = 0; j < a.panels * kWidth; j += L) {
      F32 d[6], v[4];
      for (int x = 0; x < 6; ++x) {
#pragma GCC unroll 6
        for (int y = 0; y < 6; ++y) d[y] = load(m + (6 * y + x) * a.m_point + j);
        output_line(d, v);
#pragma GCC unroll 4
        for (int y = 0; y < 4; ++y) half[y][x] = v[y];
      }
      for (int y = 0; y < 4; ++y) {
        output_line(half[y], v);
#pragma GCC unroll 4
        for (int x = 0; x < 4; ++x) v[x] += bias;
        store_interleaved(lines + y * kRow + 4 * j, v);
      }
    }
    for (int64_t q = 0; q < a.n_strips; ++q) {
      const WinogradStrip& s = a.strips[q];
      const int64_t y0 = s.row * kWinogradTile, x0 = s.left * kWinogradTile;
      const int64_t rows = a.planes.h - y0 < kWinogradTile ? a.planes.h - y0 : kWinogradTile;
      const int64_t inside = a.planes.w - x0, all = s.length * kWinogradTile;
      const int64_t columns = inside < all ? inside : all;
      float* to = a.dst + s.image * a.planes.image + r * a.planes.plane + y0 * a.planes.w + x0;
      const float* from = lines + kWinogradTile * s.column;
      for (int64_t y = 0; y < rows; ++y, to += a.planes.w, from += kRow) {
        int64_t i = 0;
        for (; i + L <= columns; i += L) {
          __asm__ volatile("");  // GCC would call memmove, which costs more than a short row
          store(to + i, load(from + i));
        }
        if (i < columns) store_n(to + i, load(from + i), columns - i);
      }
    }
  }
}

}  // namespace

void fill_winograd(KernelTable& table) {
  table.conv.winograd = {transform<6>, transform<4>, weights, output, weights_back};
}

}  // namespace plait::PLAIT_ISA_NS
