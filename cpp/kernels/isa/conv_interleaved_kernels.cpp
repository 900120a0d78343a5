// SPDX-License-Identifier: MIT
// Convolution of planes side by side in the lanes of vectors (shapes and formulas in conv_args.h): every
// multiply-add is of whole aligned vectors.
//
// Loop order: runs of positions; tiles of output channels and positions, whose sums fill the register file;
// input channels; taps. Bound: for one output channel by loads, two for each multiply-add unless neighbouring
// taps share them; for more by multiply-adds.
#include <utility>

#include "kernels/conv/conv_args.h"

#include "kernels/isa/transpose.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// The planes' elements, transposed a tile at a time.
template <class T>
void interleave(const Interleave<T>& a) {
  constexpr int L = kLanes<T>, B = kTile<T>, kParts = L / B;
  for (int64_t z = 0; z < a.n_zeros; ++z) store(a.dst + a.zeros[z] * L, Vec<T>{});
  // Lanes that no plane has hold the last one's.
  int64_t lane[L];
  for (int i = 0; i < L; ++i) lane[i] = (i < a.planes ? i : a.planes - 1) * a.plane_stride;
  for (int64_t q = 0; q < a.n_pieces; ++q) {
    const T* const src = a.src + a.pieces[q].src;
    const int32_t* const place = a.place + a.pieces[q].place;
    const int64_t count = a.pieces[q].count;
    for (int64_t i = 0; i < count; i += B) {
      const int64_t n = count - i < B ? count - i : B;
      TileRow<T> r[kParts][B];
#pragma GCC unroll 4
      for (int part = 0; part < kParts; ++part) {
#pragma GCC unroll 8
        for (int j = 0; j < B; ++j) {
          const char* const from = reinterpret_cast<const char*>(src + lane[part * B + j] + i);
          r[part][j] = n == B ? load_bytes<TileRow<T>>(from) : load_part<T>(from, n);
        }
        transpose_tile<T>(r[part]);
      }
#pragma GCC unroll 8
      for (int j = 0; j < B; ++j) {
        if (j >= n) break;
        Vec<T> v;
        if constexpr (kParts == 2) {
          v = combine(r[0][j], r[1][j]);
        } else {
          v = r[0][j];
        }
        store(a.dst + place[i + j] * L, v);
      }
    }
  }
}

// Output channels, and positions or taps beside them, whose sums fill the register file.
constexpr int kMaxChannels = PLAIT_ISA_LEVEL == 2 ? 4 : 2;
constexpr int kSums[4] = {12, PLAIT_ISA_LEVEL == 2 ? 12 : 5, 8, 6};
// Neighbouring taps of one row read the same vectors. A load each would be as many as the multiply-adds.
constexpr int kNeighbours = PLAIT_ISA_LEVEL == 2 ? 3 : 1;

// The next N taps.
template <int N, class T, int R, int B>
PLAIT_INLINE void add_taps(Vec<T> (&acc)[R][B], const InterleavedTap* t, const T* padded, const T* weight,
                           int64_t row) {
  constexpr int L = kLanes<T>;
  const T* const at = padded + t->offset * L;
  Vec<T> x[B + N - 1];
  if constexpr (N > 1) {
#pragma GCC unroll 16
    for (int b = 0; b < B + N - 1; ++b) x[b] = load(at + b * L);
  }
#pragma GCC unroll 4
  for (int n = 0; n < N; ++n) {
    Vec<T> w[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) w[r] = load(weight + (t[n].weight + r * row) * L);
#pragma GCC unroll 16
    for (int b = 0; b < B; ++b) {
      const Vec<T> v = N > 1 ? x[b + n] : load(at + b * L);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) acc[r][b] += w[r] * v;
    }
  }
}

template <class T, int R, int B>
void product_tile(const InterleavedProduct<T>& a, const InterleavedRun& run, int64_t i) {
  constexpr int L = kLanes<T>;
  using W = Vec<T>;
  W acc[R][B];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    const W bias = a.bias ? load(a.bias + r * L) : W{};
#pragma GCC unroll 16
    for (int b = 0; b < B; ++b) acc[r][b] = bias;
  }
  const T *padded = a.padded + (run.base + i) * L, *weight = a.weight;
  for (int64_t c = 0; c < a.in_channels; ++c, padded += a.channel_stride * L, weight += a.w_in_stride * L) {
    const InterleavedTap *t = a.taps + run.first_tap, *const end = t + run.n_taps;
    while (t < end) {
      if constexpr (R == 1 && kNeighbours == 3) {
        if (end - t >= 3 && t[2].offset == t->offset + 2) {
          add_taps<3>(acc, t, padded, weight, a.w_out_stride);
          t += 3;
          continue;
        }
        if (end - t >= 2 && t[1].offset == t->offset + 1) {
          add_taps<2>(acc, t, padded, weight, a.w_out_stride);
          t += 2;
          continue;
        }
      }
      add_taps<1>(acc, t, padded, weight, a.w_out_stride);
      ++t;
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    T* y = a.y + (r * a.y_ld + run.y + i * a.y_stride) * L;
#pragma GCC unroll 16
    for (int b = 0; b < B; ++b, y += a.y_stride * L) store(y, acc[r][b]);
  }
}

template <class T, int R, int... B>
void multiply_channels(const InterleavedProduct<T>& a, std::integer_sequence<int, B...>) {
  using Tile = void (*)(const InterleavedProduct<T>&, const InterleavedRun&, int64_t);
  static constexpr Tile kTiles[] = {product_tile<T, R, B + 1>...};
  constexpr int64_t kMaxTile = sizeof...(B);
  for (int64_t q = 0; q < a.n_runs; ++q) {
    const int64_t n = a.runs[q].length, tiles = (n + kMaxTile - 1) / kMaxTile;
    for (int64_t t = 0, i = 0; t < tiles; ++t) {  // in even shares
      const int64_t next = n * (t + 1) / tiles;
      kTiles[next - i - 1](a, a.runs[q], i);
      i = next;
    }
  }
}
template <class T, int... R>
void multiply_of(const InterleavedProduct<T>& a, std::integer_sequence<int, R...>) {
  using Channels = void (*)(const InterleavedProduct<T>&);
  static constexpr Channels kChannels[] = {[](const InterleavedProduct<T>& a) {
    multiply_channels<T, R + 1>(a, std::make_integer_sequence<int, kSums[R]>{});
  }...};
  kChannels[a.out_channels - 1](a);
}
template <class T>
void multiply(const InterleavedProduct<T>& a) {
  multiply_of(a, std::make_integer_sequence<int, kMaxChannels>{});
}

template <class T, int R, int K>
void gradient_tile(const InterleavedGradient<T>& a, int64_t row, int64_t first) {
  constexpr int L = kLanes<T>;
  using W = Vec<T>;
  W acc[R][K];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int t = 0; t < K; ++t) acc[r][t] = W{};
  }
  for (int64_t q = 0; q < a.n_runs; ++q) {
    const InterleavedRun& run = a.runs[q];
    if (a.taps_per_row > 0 && (first + K <= run.first_tap || first >= run.first_tap + run.n_taps)) continue;
    const T* x[K];
#pragma GCC unroll 16
    for (int t = 0; t < K; ++t) x[t] = a.padded + (run.base + a.offset[first + t]) * L;
    const T* const gy = a.gy + (row * a.gy_ld + run.y) * L;
    for (int64_t i = 0; i < run.length * L; i += L) {
      W g[R];
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) g[r] = load(gy + r * a.gy_ld * L + i);
#pragma GCC unroll 16
      for (int t = 0; t < K; ++t) {
        const W v = load(x[t] + i);
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) acc[r][t] += g[r] * v;
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int t = 0; t < K; ++t) {
      T* const to = a.sums + ((row + r) * a.k + first + t) * L;
      store(to, load(to) + acc[r][t]);
    }
  }
}

template <class T, int R, int... K>
void gradient_channels(const InterleavedGradient<T>& a, int64_t row, std::integer_sequence<int, K...>) {
  using Tile = void (*)(const InterleavedGradient<T>&, int64_t, int64_t);
  static constexpr Tile kTiles[] = {gradient_tile<T, R, K + 1>...};
  // Tiles of whole rows of taps, where they have any, meet fewer rows outside of the plane.
  constexpr int64_t kAll = sizeof...(K);
  const int64_t most =
      a.taps_per_row > 0 && a.taps_per_row <= kAll ? kAll / a.taps_per_row * a.taps_per_row : kAll;
  for (int64_t t = 0; t < a.k; t += most) kTiles[(a.k - t < most ? a.k - t : most) - 1](a, row, t);
}
template <class T, int... R>
void gradient_of(const InterleavedGradient<T>& a, std::integer_sequence<int, R...>) {
  using Channels = void (*)(const InterleavedGradient<T>&, int64_t);
  static constexpr Channels kChannels[] = {[](const InterleavedGradient<T>& a, int64_t row) {
    gradient_channels<T, R + 1>(a, row, std::make_integer_sequence<int, kSums[R]>{});
  }...};
  for (int64_t row = 0; row < a.out_channels; row += kMaxChannels) {
    kChannels[(a.out_channels - row < kMaxChannels ? a.out_channels - row : kMaxChannels) - 1](a, row);
  }
}
template <class T>
void weight_gradient(const InterleavedGradient<T>& a) {
  gradient_of(a, std::make_integer_sequence<int, kMaxChannels>{});
}

template <class T>
constexpr InterleavedKernels<T> kKernels = {interleave<T>, multiply<T>, weight_gradient<T>, kMaxChannels};

}  // namespace

void fill_conv_interleaved(KernelTable& table) {
  table.conv.interleaved = {kKernels<float>, kKernels<double>};
}

}  // namespace plait::PLAIT_ISA_NS
