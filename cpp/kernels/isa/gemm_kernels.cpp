// SPDX-License-Identifier: MIT
// GEMM micro-kernels: an R x (V vectors) tile of C in registers, one rank-1 update per step of k. Every
// element is one chain of multiply-adds in order of k, whatever tile it falls into: how a problem is cut into
// tiles, blocks and threads cannot change a bit of the result. Loop order in a block: column panels of B
// outside, row panels of A inside, so a B panel (k x nr) stays in L1 while A streams from L2. Bound by the
// multiply-add ports.
#include "kernels/gemm/gemm_args.h"

#include "kernels/isa/gemm_epilogue.h"
#include "kernels/isa/transpose.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// Register tiles: V vectors wide; rows fill the rest of the register file (32, 16 and 16 registers) but for V
// vectors of B and one broadcast of A.
constexpr int kV = 2;
constexpr int kMaxRows = PLAIT_ISA_LEVEL == 2 ? 14 : PLAIT_ISA_LEVEL == 1 ? 6 : 4;

// Steps of k that a B read in place is called ahead: its rows lie too far apart for hardware to foresee. With
// vectors of 64 bytes, where it costs no time and turns 0.7 to 1.0 of a packed B's speed into 1.02 to 1.4
// (Zen 4); with 32 bytes it costs up to half where rows meet in one set of L1.
constexpr int64_t kStepsAhead = 16;

// Two bf16 neighbours in k as one element of a panel, the earlier one in the low half.
using Pair = int32_t;

// S += x * b, where S sums T and the panels hold E.
template <class T>
PLAIT_INLINE void add_product(Vec<T>& sum, Vec<T> x, Vec<T> b) {
  sum += x * b;
}
template <class T>
PLAIT_INLINE void add_product(F32& sum, I32 x, I32 b) {
#if PLAIT_ISA_LEVEL == 2
  // AVX512-BF16 is beyond this level: who chooses these kernels has asked the CPU.
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(b));
#else
  sum += (F32)(x & ~0xffff) * (F32)(b & ~0xffff);
  sum += (F32)(x << 16) * (F32)(b << 16);
#endif
}

// T: the type of C; E: of the panels.
template <class T, class E>
struct TileArgs {
  int64_t k;
  const E* a;
  int64_t a_rs, a_ps;
  const E* b;
  int64_t b_ps;
  bool b_ahead;  // call what comes next of B meanwhile
  T* c;
  int64_t c_rs;
  int cols;
  T alpha, beta;
  const T* bias;  // of the columns, readable in whole vectors; null: none
};

// c = alpha * acc + beta * c, then + bias: as if stored in between.
template <class T, class E, int V>
inline void update_row(T* c, const Vec<T>* acc, int cols, const TileArgs<T, E>& t) {
  constexpr int L = kLanes<T>;
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const int left = cols - v * L;
    Vec<T> x = t.alpha * acc[v];
    if (left >= L) {
      if (t.beta != 0) x += t.beta * load(c + v * L);
      if (t.bias) x += load(t.bias + v * L);
      store(c + v * L, x);
    } else if (left > 0) {
      if (t.beta != 0) x += t.beta * load_n(c + v * L, left);
      if (t.bias) x += load(t.bias + v * L);
      store_n(c + v * L, x, left);
    }
  }
}

// kUnit: the rows of A are adjacent (packed panels, column-major A). kTail: B ends after t.cols columns.
template <class T, class E, int R, int V, bool kUnit, bool kTail = false>
void tile(const TileArgs<T, E>& t) {
  constexpr int L = kLanes<T>;
  const int64_t k = t.k, a_rs = t.a_rs, a_ps = t.a_ps, b_ps = t.b_ps;
  const E* a = t.a;
  const E* b = t.b;
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) __builtin_prefetch(t.c + r * t.c_rs + v * L, 1);
  }
  Vec<T> acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[r][v] = Vec<T>{};
  }
  // The rows of B to call: kStepsAhead further on, and in the last steps the first ones of the next panel.
  int64_t ahead = t.b_ahead ? kStepsAhead * b_ps : 0;
  int64_t turn = t.b_ahead ? k - kStepsAhead : k;
  for (int64_t p = 0; p < k; ++p) {
    if (PLAIT_ISA_LEVEL == 2 && p == turn) ahead += V * L - k * b_ps;
    Vec<E> bv[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const int64_t have = t.cols - v * L < L ? t.cols - v * L : L;
      bv[v] = kTail ? load_n(b + v * L, have) : load(b + v * L);
    }
#if PLAIT_ISA_LEVEL == 2
    if (!kTail) {  // a row's lines: one more than its vectors where they are not aligned
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) __builtin_prefetch(b + ahead + v * L);
      __builtin_prefetch(b + ahead + V * L - 1);
    }
#endif
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec<E> x = splat<Vec<E>>(kUnit ? a[r] : a[r * a_rs]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) add_product<T>(acc[r][v], x, bv[v]);
    }
    a += a_ps;
    b += b_ps;
  }
  T* c = t.c;
  if (t.cols == V * L) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) update_row<T, E, V>(c + r * t.c_rs, acc[r], V * L, t);
  } else {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) update_row<T, E, V>(c + r * t.c_rs, acc[r], t.cols, t);
  }
}

template <class T, class E>
using TileFn = void (*)(const TileArgs<T, E>&);

template <class T, class E, bool kUnit>
TileFn<T, E> pick(int64_t rows, bool wide) {
  switch (rows) {
#define PLAIT_TILE(R) \
  case R:             \
    return wide ? tile<T, E, R, kV, kUnit> : tile<T, E, R, 1, kUnit>;
    PLAIT_TILE(1)
    PLAIT_TILE(2)
    PLAIT_TILE(3)
#if PLAIT_ISA_LEVEL >= 1
    PLAIT_TILE(4)
    PLAIT_TILE(5)
#endif
#if PLAIT_ISA_LEVEL >= 2
    PLAIT_TILE(6)
    PLAIT_TILE(7)
    PLAIT_TILE(8)
    PLAIT_TILE(9)
    PLAIT_TILE(10)
    PLAIT_TILE(11)
    PLAIT_TILE(12)
    PLAIT_TILE(13)
#endif
#undef PLAIT_TILE
    default:
      return wide ? tile<T, E, kMaxRows, kV, kUnit> : tile<T, E, kMaxRows, 1, kUnit>;
  }
}

// Calls `bytes` into L2 and returns where they end.
PLAIT_INLINE const char* call_ahead(const char* at, int64_t bytes) {
  for (int64_t line = 0; line < bytes; line += 64) __builtin_prefetch(at + line, 0, 2);
  return at + bytes;
}
// A share of `bytes` in whole cache lines.
PLAIT_INLINE int64_t share_of(int64_t bytes, int64_t shares) { return (bytes / shares + 63) / 64 * 64; }

template <class T, class E>
void block(const GemmBlock<T>& g) {
  static_assert(sizeof(T) == sizeof(E));
  constexpr int L = kLanes<T>;
  constexpr int64_t nr = kV * L;
  const bool unit = kSame<E, Pair> || g.a_rs == 1, direct = g.c_cs == 1;
  const int64_t col_panels = (g.n + nr - 1) / nr;
  // What each tile calls ahead: of the next A panel, and of what follows the block.
  const bool packed = g.a_panel == g.mr * g.k;
  const int64_t ahead = packed ? share_of(g.mr * g.k * static_cast<int64_t>(sizeof(T)), col_panels) : 0;
  const bool follows = g.ahead_bytes[0] || g.ahead_bytes[1];
  const char* following[2] = {static_cast<const char*>(g.ahead[0]), static_cast<const char*>(g.ahead[1])};
  int64_t following_share[2] = {};
  if (follows) {
    const int64_t tiles = (g.m + g.mr - 1) / g.mr * col_panels;
    for (int i = 0; i < 2; ++i) following_share[i] = g.ahead_bytes[i] ? share_of(g.ahead_bytes[i], tiles) : 0;
  }
  // A bias of columns is added on the way where the product is not scaled (alpha times a sum plus a bias
  // would be rounded once less); all else that follows complete sums is done to the finished tile.
  const bool bias_only = g.epilogue && g.epilogue->col_bias && !g.epilogue->row_bias &&
                         !g.epilogue->residual && !g.epilogue->preact &&
                         g.epilogue->activation == GemmActivation::kNone && g.alpha == 1;
  const GemmEpilogue<T>* const epilogue = bias_only ? nullptr : g.epilogue;
  T buffer[kMaxRows * nr], last_bias[nr] = {};
  if (bias_only) {
    for (int64_t j = g.n / nr * nr; j < g.n; ++j) last_bias[j % nr] = g.epilogue->col_bias[j];
  }
  TileArgs<T, E> t;
  t.bias = nullptr;
  t.k = g.k;
  t.a_rs = g.a_rs;
  t.a_ps = g.a_ps;
  t.alpha = g.alpha;
  t.beta = g.beta;
  t.c = buffer;
  t.c_rs = nr;
  // In place, rows may be cut anywhere: the last two tiles share what is left, for a tile of one or two rows
  // waits for its own sums.
  const bool in_place = g.a_panel == g.mr * g.a_rs;
  int64_t rows = 0;
  for (int64_t i = 0; i < g.m; i += rows) {
    const int64_t left = g.m - i;
    rows = left < g.mr ? left : in_place && left > g.mr && left < 2 * g.mr ? (left + 1) / 2 : g.mr;
    t.a = reinterpret_cast<const E*>(in_place ? g.a + i * g.a_rs : g.a + i / g.mr * g.a_panel);
    const char* next = reinterpret_cast<const char*>(t.a + g.a_panel);
    constexpr bool kPacked = kSame<E, Pair>;  // always: no tiles that read in place
    const TileFn<T, E> wide = unit ? pick<T, E, true>(rows, true) : pick<T, E, kPacked>(rows, true);
    const TileFn<T, E> narrow = unit ? pick<T, E, true>(rows, false) : pick<T, E, kPacked>(rows, false);
    for (int64_t j = 0; j < g.n; j += nr) {
      const int64_t cols = g.n - j < nr ? g.n - j : nr;
      const bool tail = cols < nr;
      t.b = reinterpret_cast<const E*>(tail ? g.b_tail : g.b + j / nr * g.b_panel);
      t.b_ps = tail ? nr : g.b_ps;
      t.b_ahead = t.b_ps != nr;
      t.cols = static_cast<int>(cols);
      next = call_ahead(next, ahead);
      if (follows) {
        for (int s = 0; s < 2; ++s) following[s] = call_ahead(following[s], following_share[s]);
      }
      T* c = g.c + i * g.c_rs + j * g.c_cs;
      if (direct) {
        t.c = c;
        t.c_rs = g.c_rs;
      } else if (g.beta != 0) {  // C goes through a row-major buffer
        copy_tile(buffer, nr, 1, c, g.c_rs, g.c_cs, rows, cols);
      }
      if (bias_only) t.bias = tail ? last_bias : g.epilogue->col_bias + j;
      (cols > L ? wide : narrow)(t);
      if (epilogue) apply_epilogue(t.c, t.c_rs, rows, cols, *epilogue, i, j);
      if (!direct) copy_tile(c, g.c_rs, g.c_cs, buffer, nr, 1, rows, cols);
    }
  }
}

// Packing reads rows of different pages, which the hardware does not prefetch: rows of src to call ahead, and
// elements along a row (into L2: rows a multiple of 4 KB apart would drive each other out of L1).
constexpr int64_t kRowsAhead = 16, kColumnsAhead = 32;

// What a panel's elements are made of: S is T, a 16-bit float that is widened on the way, or one half of a
// Pair, whose other half lies sp on.
template <class T, class S>
inline constexpr int kDepth = kSame<T, Pair> ? 2 : 1;

template <class T, class S>
inline T element(const S* p, [[maybe_unused]] int64_t sp) {
  if constexpr (kSame<T, S>) {
    return *p;
  } else if constexpr (kSame<T, Pair>) {
    return p[0].bits | p[sp].bits << 16;
  } else {
    return load_n(p, 1)[0];
  }
}
// Elements that follow each other in memory: of a row, ...
template <class T, class S>
PLAIT_INLINE Vec<T> load_row(const S* p, [[maybe_unused]] int64_t sp) {
  if constexpr (kSame<T, Pair>) {
    return (I32)(widen_u16(load_bytes<H16>(p)) | widen_u16(load_bytes<H16>(p + sp)) << 16);
  } else {
    return load(p);
  }
}
template <class T, class S>
PLAIT_INLINE Vec<T> load_row_n(const S* p, [[maybe_unused]] int64_t sp, int64_t n) {
  if constexpr (kSame<T, Pair>) {
    return (I32)(widen_u16(load_n_h16(p, n)) | widen_u16(load_n_h16(p + sp, n)) << 16);
  } else {
    return load_n(p, n);
  }
}
// ... or of a column.
template <class T, class S>
PLAIT_INLINE Vec<T> load_column(const S* p) {
  if constexpr (kSame<T, Pair>) {
    return load_bytes<I32>(p);
  } else {
    return load(p);
  }
}

template <class T, class S>
PLAIT_INLINE Vec<T> load_column_n(const S* p, int64_t n) {
  if constexpr (kSame<T, Pair>) {
    return load_bytes<I32>(p);  // never asked for a part
  } else {
    return load_n(p, n);
  }
}

template <class T, class S>
void pack_scalar(T* dst, int64_t width, const S* src, int64_t si, int64_t sp, int64_t count, int64_t k) {
  for (int64_t p = 0; p < k; ++p) {
    T* d = dst + p * width;
    const S* s = src + p * kDepth<T, S> * sp;
    for (int64_t i = 0; i < count; ++i) d[i] = element<T>(s + i * si, sp);
    for (int64_t i = count; i < width; ++i) d[i] = T(0);
  }
}

// Adjacent elements along the panel's width: a copy of rows, kVecs vectors to a panel's row. What is stored
// past it is overwritten by the next row, but for the last one. Narrow panels share lines of src, so several
// are written side by side; wide ones are not, for streams a power of two apart meet in one set of the cache.
template <int kVecs, class T, class S>
void pack_rows(T* dst, int64_t width, const S* src, int64_t sp, int64_t count, int64_t k) {
  constexpr int L = kLanes<T>;
  constexpr int64_t kGroup = kVecs == 1 ? 8 : 1;
  const int64_t panel = width * k;
  for (; count > 0; count -= kGroup * width, src += kGroup * width, dst += kGroup * panel) {
    const int64_t most = count < kGroup * width ? count : kGroup * width;
    const S* s = src;
    T* d = dst;
    for (int64_t p = 0; p < k; ++p, s += kDepth<T, S> * sp, d += width) {
      int64_t i = 0;
      T* at = d;
      __builtin_prefetch(s + kRowsAhead * sp);
      if (kGroup > 1) __builtin_prefetch(s + kRowsAhead * sp + kGroup / 2 * width);
      if (p + 1 < k || width == kVecs * L) {
        for (; i < most && i + kVecs * L <= count; i += width, at += panel) {
#pragma GCC unroll 2
          for (int v = 0; v < kVecs; ++v) store(at + v * L, load_row<T>(s + i + v * L, sp));
        }
      }
      for (; i < most; i += width, at += panel) {
        for (int64_t l = 0; l < width; l += L) {
          const int64_t have = count - i - l < L ? (count > i + l ? count - i - l : 0) : L;
          const Vec<T> v = have > 0 ? load_row_n<T>(s + i + l, sp, have) : Vec<T>{};
          for (int64_t e = 0; e < L && l + e < width; ++e) at[l + e] = v[e];
        }
      }
    }
  }
}

// Adjacent elements along k: L x L transposes in registers. A rest of `kFewest` is still worth one: the taps
// of a kernel are as few, each channel's apart.
template <class T, class S>
void pack_columns(T* dst, int64_t width, const S* src, int64_t si, int64_t count, int64_t k) {
  constexpr int L = kLanes<T>;
  constexpr int64_t kFewest = kSame<T, Pair> ? L : L / 4;
  int64_t p = 0;
  for (; k - p >= kFewest; p += L) {
    T* d = dst + p * width;
    const int64_t depth = k - p < L ? k - p : L;
    for (int64_t i0 = 0; i0 < width; i0 += L) {
      const int64_t rows = count - i0 < L ? (count > i0 ? count - i0 : 0) : L;
      Vec<T> r[L];
      if (rows == L && depth == L) {
#pragma GCC unroll 16
        for (int i = 0; i < L; ++i) {
          __builtin_prefetch(src + (i0 + i) * si + kDepth<T, S> * (p + kColumnsAhead), 0, 2);
          r[i] = load_column<T>(src + (i0 + i) * si + kDepth<T, S> * p);
        }
      } else {
        for (int i = 0; i < L; ++i) {
          const S* const from = src + (i0 + i) * si + kDepth<T, S> * p;
          r[i] = i >= rows ? Vec<T>{} : depth == L ? load_column<T>(from) : load_column_n<T>(from, depth);
        }
      }
      transpose<T>(r);
      if (depth < L) {
        for (int i = 0; i < depth; ++i) {
          i0 + L <= width || i0 == 0 ? store(d + i * width + i0, r[i])
                                     : store_n(d + i * width + i0, r[i], width - i0);
        }
      } else if (i0 + L <= width) {
#pragma GCC unroll 16
        for (int i = 0; i < L; ++i) store(d + i * width + i0, r[i]);
      } else if (i0 == 0) {  // width < L: ascending stores overwrite what spills
#pragma GCC unroll 16
        for (int i = 0; i < L; ++i) store(d + i * width, r[i]);
      } else {
        for (int i = 0; i < L; ++i) store_n(d + i * width + i0, r[i], width - i0);
      }
    }
  }
  if (p < k) pack_scalar(dst + p * width, width, src + kDepth<T, S> * p, si, 1, count, k - p);
}

template <class T, class S>
void pack(T* dst, int64_t width, const S* src, int64_t si, int64_t sp, int64_t count, int64_t k) {
  if (si == 1 && width <= kLanes<T>) return pack_rows<1>(dst, width, src, sp, count, k);
  if (si == 1 && width <= 2 * kLanes<T>) return pack_rows<2>(dst, width, src, sp, count, k);
  for (; count > 0; count -= width, src += width * si, dst += width * k) {
    const int64_t rows = count < width ? count : width;
    if (sp == 1) {
      pack_columns(dst, width, src, si, rows, k);
    } else {
      pack_scalar(dst, width, src, si, sp, rows, k);
    }
  }
}

template <class T, int V>
void small_rows(TileArgs<T, T> t, int64_t m) {
  for (; m >= 4; m -= 4, t.a += 4 * t.a_rs, t.c += 4 * t.c_rs) tile<T, T, 4, V, false, true>(t);
  switch (m) {
    case 1:
      return tile<T, T, 1, V, false, true>(t);
    case 2:
      return tile<T, T, 2, V, false, true>(t);
    case 3:
      return tile<T, T, 3, V, false, true>(t);
  }
}

template <class T>
void small_items(const GemmSmall<T>& g) {
  constexpr int64_t nr = kV * kLanes<T>;
  T turned[kGemmSmallDepth * nr + 64 / sizeof(T)];
  TileArgs<T, T> t;
  t.k = g.k;
  t.a_rs = g.a_rs;
  t.a_ps = g.a_cs;
  t.b_ps = g.b_cs == 1 ? g.b_rs : nr;
  t.b_ahead = false;
  t.c_rs = g.c_rs;
  t.cols = static_cast<int>(g.n);
  t.alpha = g.alpha;
  t.beta = g.beta;
  t.bias = nullptr;
  for (int64_t item = g.first; item < g.last; ++item) {
    t.a = g.a + (g.a_offsets ? g.a_offsets[item] : item * g.a_bs);
    t.b = g.b + (g.b_offsets ? g.b_offsets[item] : item * g.b_bs);
    t.c = g.c + item * g.c_bs;
    if (g.b_cs != 1) {
      pack(turned, nr, t.b, g.b_cs, g.b_rs, g.n, g.k);
      t.b = turned;
    }
    g.n > kLanes<T> ? small_rows<T, kV>(t, g.m) : small_rows<T, 1>(t, g.m);
  }
}

template <class S>
void pack_half(float* dst, int64_t width, const uint16_t* src, int64_t si, int64_t sp, int64_t count,
               int64_t k) {
  pack(dst, width, reinterpret_cast<const S*>(src), si, sp, count, k);
}

// As pairs; a last one without a partner gets a zero.
void pack_pairs(float* out, int64_t width, const uint16_t* src, int64_t si, int64_t sp, int64_t count,
                int64_t k) {
  const auto* s = reinterpret_cast<const bf16*>(src);
  auto* dst = reinterpret_cast<Pair*>(out);
  const int64_t full = k / 2, panel = (k + 1) / 2 * width;
  for (; count > 0; count -= width, s += width * si, dst += panel) {
    const int64_t rows = count < width ? count : width;
    pack(dst, width, s, si, sp, rows, full);
    if (k % 2) {
      Pair* const last = dst + full * width;
      for (int64_t i = 0; i < width; ++i) last[i] = i < rows ? s[i * si + (k - 1) * sp].bits : 0;
    }
  }
}

// c = tile + beta * c, rounded once to the 16-bit float S.
template <class S>
void store_half(uint16_t* out, int64_t rs, int64_t cs, const float* tile, int64_t ld, int64_t rows,
                int64_t cols, float beta) {
  constexpr int L = kLanes<float>;
  S* const c = reinterpret_cast<S*>(out);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; j += L) {
      const int64_t n = cols - j < L ? cols - j : L;
      S* const at = c + i * rs + j * cs;
      F32 v = load_n(tile + i * ld + j, n);
      if (cs == 1) {
        if (beta != 0) v += beta * load_n(at, n);
        store_n(at, v, n);
      } else {
        S buffer[L];
        if (beta != 0) {
          for (int64_t l = 0; l < n; ++l) buffer[l] = at[l * cs];
          v += beta * load_n(buffer, n);
        }
        store_n(buffer, v, n);
        for (int64_t l = 0; l < n; ++l) at[l * cs] = buffer[l];
      }
    }
  }
}

template <class T>
void finish(const GemmFinish<T>& f) {
  constexpr int64_t kWidth = 256;
  T row[kWidth];
  for (int64_t i = 0; i < f.m; ++i) {
    for (int64_t j0 = 0; j0 < f.n; j0 += kWidth) {
      const int64_t cols = f.n - j0 < kWidth ? f.n - j0 : kWidth;
      T* c = f.c + i * f.c_rs + j0 * f.c_cs;
      for (int64_t j = 0; j < cols; ++j) row[j] = T(0);
      for (int64_t s = 0; s < f.count; ++s) {
        const T* part = f.parts + s * f.part_stride + i * f.n + j0;
        for (int64_t j = 0; j < cols; ++j) row[j] += part[j];
      }
      if (f.alpha != 1) {
        for (int64_t j = 0; j < cols; ++j) row[j] *= f.alpha;
      }
      if (f.beta != 0) {
        for (int64_t j = 0; j < cols; ++j) row[j] += f.beta * c[j * f.c_cs];
      }
      if (f.epilogue) apply_epilogue(row, kWidth, 1, cols, *f.epilogue, i, j0);
      copy_tile(c, f.c_rs, f.c_cs, row, kWidth, 1, 1, cols);
    }
  }
}

template <class T, class E>
void fill_blocks(GemmKernels<T>& g) {
  g.mr = kMaxRows;
  g.nr = kV * kLanes<T>;
  // An A panel stays in L1, the B block takes at most 3/8 of a 2 MB L2 (less where L2 is smaller: the
  // driver's business); packed A lies in L3. Measured on Sapphire Rapids at n = 1024: kc 256 to 512 and nc
  // 384 to 768 are within 3%. On two threads, where C passes memory less often with a larger kc, 1024 is 4 to
  // 8% faster than 384 from n = 512 on (Zen 3), 768 up to 4% (Zen 4). kc decides bits: it is the depth after
  // which a partial sum goes to C.
  g.kc = (PLAIT_ISA_LEVEL == 2 ? 3072 : 4096) / static_cast<int>(sizeof(T));
  g.mc = kMaxRows * 160;
  g.nc = sizeof(T) == 4 ? 512 : 384;
  // Measured on Zen 3, k = 192 to 384: A in place is within 1% of packed A whatever its row stride, where
  // packing costs as much as 16 multiply-adds an element; turned, it wins up to 6 panels. With 64-byte
  // vectors on Zen 4, A in place is ahead by a third with one panel, by 5% with four, and even from 12 on; B
  // in place by half with 14 rows, 5% with 128, and on two threads 2% with 2048.
  constexpr bool wide = PLAIT_ISA_LEVEL == 2;
  constexpr int64_t any = int64_t{1} << 62;
  g.direct_a_rows = wide ? 12 * g.nr : any;
  g.direct_a_cols = (wide ? 12 : 6) * g.nr;
  g.direct_b = wide ? any : 2 * kMaxRows;
  g.block = block<T, E>;
  g.finish = finish<T>;
}
template <class T>
void fill(GemmKernels<T>& g) {
  fill_blocks<T, T>(g);
  g.pack = pack<T, T>;
  g.small_items = small_items<T>;
}

}  // namespace

void fill_gemm(KernelTable& table) {
  fill(table.gemm.f32);
  fill(table.gemm.f64);
  table.gemm.f16.pack = pack_half<f16>;
  table.gemm.f16.store = store_half<f16>;
  table.gemm.bf16.pack = pack_half<bf16>;
  table.gemm.bf16.store = store_half<bf16>;
  fill_blocks<float, Pair>(table.gemm.pairs);
  table.gemm.bf16_pairs.pack = pack_pairs;
  table.gemm.bf16_pairs.store = store_half<bf16>;
}

}  // namespace plait::PLAIT_ISA_NS
