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

void input(const WinogradInput& a) {
  float tile[kWinogradPoints * kWidth + L];
  F32 half[kWinogradPoints];
  for (int64_t c = 0; c < a.channels; ++c) {
    const float* frame = a.frame + c * a.plane;
    // What a run's last vector writes too much, the next run or row overwrites.
    for (int p = 0; p < kWinogradPoints; ++p) {
      const float* from = frame + a.offset[p];
      float* row = tile + p * kWidth;
      for (int64_t r = 0; r < a.n_runs; ++r) {
        const PatchRun& run = a.runs[r];
        store(row + run.column, load(from + run.base));
        if (run.length > L) store(row + run.column + L, load(from + run.base + L));
      }
    }
    for (int64_t j = 0; j < kWidth; j += L) {
      F32 d[6], v[6];
      for (int x = 0; x < 6; ++x) {
#pragma GCC unroll 6
        for (int y = 0; y < 6; ++y) d[y] = load(tile + (6 * y + x) * kWidth + j);
        input_line(d, v);
#pragma GCC unroll 6
        for (int y = 0; y < 6; ++y) half[6 * y + x] = v[y];
      }
      float* to = a.v + c * kWidth + j;
      for (int y = 0; y < 6; ++y) {
#pragma GCC unroll 6
        for (int x = 0; x < 6; ++x) d[x] = half[6 * y + x];
        input_line(d, v);
#pragma GCC unroll 6
        for (int x = 0; x < 6; ++x) store(to + (6 * y + x) * a.v_point, v[x]);
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
  constexpr int64_t kRow = kWinogradTile * kWidth;
  float lines[kWinogradTile * kRow + L];
  F32 half[4][6];
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* m = a.m + r * a.m_row;
    const F32 bias = splat<F32>(a.bias ? a.bias[r] : 0.0f);
    for (int64_t j = 0; j < kWidth; j += L) {
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
    for (int64_t q = 0; q < a.n_runs; ++q) {
      const WinogradRun& run = a.runs[q];
      for (int64_t y = 0; y < run.rows; ++y) {
        float* to = a.y + r * a.y_channel + run.base + y * a.y_row;
        const float* from = lines + y * kRow + 4 * run.column;
        int64_t i = 0;
        for (; i + L <= run.columns; i += L) {
          __asm__ volatile("");  // GCC would call memmove, which costs more than a short row
          store(to + i, load(from + i));
        }
        if (i < run.columns) store_n(to + i, load(from + i), run.columns - i);
      }
    }
  }
}

}  // namespace

void fill_winograd(KernelTable& table) { table.conv.winograd = {input, weights, output}; }

}  // namespace plait::PLAIT_ISA_NS
