// SPDX-License-Identifier: MIT
// GEMM: the micro-kernel, the two loops around it, and packing.
//
//   C[i][j] = alpha * sum_p A[i][p] * B[p][j] + beta * C[i][j], then bias or epilogue
//
// A tile of R rows by V vectors of C is kept in registers; each step of k adds one rank-1 update to it. Every
// element is one chain of multiply-adds in order of k, whatever tile it falls into: how a problem is cut into
// tiles, blocks and units cannot change a bit of the result.
//
// Loop order in a block: row panels of A outside, column panels of B inside. A panel of A (mr x k) stays in
// L1 while the panels of B come from L2.
//
// Assumptions. Packed panels are contiguous: stride 1 across the panel, its width along k. An unpacked A has
// any strides, an unpacked B contiguous rows. Columns beyond n are read from a zero-padded panel and not
// stored. C has contiguous rows, or goes through a tile-sized buffer.
//
// Bound by the multiply-add units; gemm/gemm.cpp has the measured share of their peak.
#include "kernels/gemm/gemm_args.h"

#include "kernels/isa/gemm_epilogue.h"
#include "kernels/isa/transpose.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// Register tiles are kV vectors wide. Their rows use up the register file (32, 16 and 16 registers) but for
// kV vectors of B and one broadcast element of A.
constexpr int kV = 2;
constexpr int kMaxRows = PLAIT_ISA_LEVEL == 2 ? 14 : PLAIT_ISA_LEVEL == 1 ? 6 : 4;

// Prefetch distance, in steps of k, for an unpacked B: its rows are too far apart for the hardware
// prefetcher. AVX-512 only: with 32-byte vectors it costs up to half of the speed where rows conflict in L1.
// tuned: unpacked B goes from 0.7 to 1.0 of a packed B's speed to 1.02 to 1.4, Zen 4
constexpr int64_t kPrefetchSteps = 16;

// Two bf16 neighbours in k as one element of a panel, the earlier one in the low half.
using Pair = int32_t;

// sum += x * b; sums are of type T, elements of panels float, double or Pair.
template <class T>
PLAIT_INLINE void add_product(Vec<T>& sum, Vec<T> x, Vec<T> b) {
  sum += x * b;
}
template <class T>
PLAIT_INLINE void add_product(F32& sum, I32 x, I32 b) {
#if PLAIT_ISA_LEVEL == 2
  // AVX512-BF16 is beyond this level: the driver chooses these kernels only if the CPU has it.
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(b));
#else
  sum += (F32)(x & ~0xffff) * (F32)(b & ~0xffff);
  sum += (F32)(x << 16) * (F32)(b << 16);
#endif
}

// One tile. T is the type of C, E that of the panels.
template <class T, class E>
struct TileArgs {
  int64_t k;
  const E* a;  // (R, k)
  int64_t a_rs, a_ps;
  const E* b;  // (k, cols), rows contiguous
  int64_t b_ps;
  bool prefetch_b;  // the rows of B that come next
  T* c;             // (R, cols), rows contiguous
  int64_t c_rs;
  int cols;
  T alpha, beta;
  const T* bias;  // (cols,), readable in whole vectors; null: none
};

// c = (alpha * acc + beta * c) + bias, rounded as if c were stored before the bias is added.
template <class T, class E, int V>
inline void store_row(T* c, const Vec<T>* acc, int cols, const TileArgs<T, E>& t) {
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

template <class T, int R, int V>
PLAIT_INLINE void prefetch_tile(T* c, int64_t c_rs) {
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) __builtin_prefetch(c + r * c_rs + v * kLanes<T>, 1);
  }
}

// The micro-kernel. kUnit: the rows of A are contiguous across the panel (packed, or column-major). kTail: B
// has exactly t.cols columns, so nothing may be read beyond them.
template <class T, class E, int R, int V, bool kUnit, bool kTail = false>
void tile(const TileArgs<T, E>& t) {
  constexpr int L = kLanes<T>;
  const int64_t k = t.k, a_rs = t.a_rs, a_ps = t.a_ps, b_ps = t.b_ps;
  const E* a = t.a;
  const E* b = t.b;
  prefetch_tile<T, R, V>(t.c, t.c_rs);
  Vec<T> acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[r][v] = Vec<T>{};
  }
  // The row of B to prefetch: kPrefetchSteps ahead, and in the last steps the first rows of the next panel.
  int64_t ahead = t.prefetch_b ? kPrefetchSteps * b_ps : 0;
  const int64_t next_panel_step = t.prefetch_b ? k - kPrefetchSteps : k;
  for (int64_t p = 0; p < k; ++p) {
    if (PLAIT_ISA_LEVEL == 2 && p == next_panel_step) ahead += V * L - k * b_ps;
    Vec<E> bv[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const int64_t have = t.cols - v * L < L ? t.cols - v * L : L;
      bv[v] = kTail ? load_n(b + v * L, have) : load(b + v * L);
    }
#if PLAIT_ISA_LEVEL == 2
    if (!kTail) {  // V vectors lie in V + 1 cache lines if they are not aligned
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
    for (int r = 0; r < R; ++r) store_row<T, E, V>(c + r * t.c_rs, acc[r], V * L, t);
  } else {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) store_row<T, E, V>(c + r * t.c_rs, acc[r], t.cols, t);
  }
}

template <class T, class E>
using TileFn = void (*)(const TileArgs<T, E>&);

// The micro-kernel for a number of rows; wide: kV vectors of columns, else one.
template <class T, class E, bool kUnit>
TileFn<T, E> tile_for(int64_t rows, bool wide) {
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

// Prefetches memory into L2 in equal shares, one per tile of a block.
class Prefetcher {
 public:
  PLAIT_INLINE Prefetcher(const void* start, int64_t bytes, int64_t shares)
      : at_(static_cast<const char*>(start)), share_(bytes ? (bytes / shares + 63) / 64 * 64 : 0) {}
  PLAIT_INLINE void restart(const void* start) { at_ = static_cast<const char*>(start); }
  PLAIT_INLINE void next_share() {
    for (int64_t line = 0; line < share_; line += 64) __builtin_prefetch(at_ + line, 0, 2);
    at_ += share_;
  }

 private:
  const char* at_;
  int64_t share_;  // whole cache lines
};

// Whether the epilogue is a bias of columns and nothing else, which the micro-kernel adds when it stores. Not
// where the product is scaled: alpha times a sum plus a bias would be rounded once less.
template <class T>
PLAIT_INLINE bool has_only_col_bias(const GemmBlock<T>& g) {
  return g.epilogue && g.epilogue->col_bias && !g.epilogue->row_bias && !g.epilogue->residual &&
         !g.epilogue->preact && g.epilogue->activation == GemmActivation::kNone && g.alpha == 1;
}

// Rows of the next tile of `left` rows. Unpacked rows may be cut anywhere: the last two tiles share what is
// left, because a tile of one or two rows waits for the latency of its own sums.
PLAIT_INLINE int64_t rows_of_tile(int64_t left, int64_t mr, bool unpacked) {
  if (left < mr) return left;
  return unpacked && left > mr && left < 2 * mr ? (left + 1) / 2 : mr;
}

template <class T, class E>
TileArgs<T, E> tile_args(const GemmBlock<T>& g) {
  TileArgs<T, E> t;
  t.k = g.k;
  t.a_rs = g.a_rs;
  t.a_ps = g.a_ps;
  t.alpha = g.alpha;
  t.beta = g.beta;
  t.bias = nullptr;
  return t;
}

// The columns [j, j + cols) of B.
template <class T, class E>
PLAIT_INLINE void set_panel_b(TileArgs<T, E>& t, const GemmBlock<T>& g, int64_t j, int64_t cols, int64_t nr) {
  const bool tail = cols < nr;
  t.b = reinterpret_cast<const E*>(tail ? g.b_tail : g.b + j / nr * g.b_panel);
  t.b_ps = tail ? nr : g.b_ps;
  t.prefetch_b = t.b_ps != nr;
  t.cols = static_cast<int>(cols);
}

template <class T, class E>
void block(const GemmBlock<T>& g) {
  static_assert(sizeof(T) == sizeof(E));
  constexpr int L = kLanes<T>;
  constexpr int64_t nr = kV * L;
  constexpr bool kPacked = kSame<E, Pair>;  // pairs are always packed: they need no tiles for unpacked rows
  const bool unit = kPacked || g.a_rs == 1, direct = g.c_cs == 1;
  const bool a_packed = g.a_panel == g.mr * g.k, a_unpacked = g.a_panel == g.mr * g.a_rs;
  const int64_t col_panels = (g.n + nr - 1) / nr, tiles = (g.m + g.mr - 1) / g.mr * col_panels;
  Prefetcher next_panel(nullptr, a_packed ? g.mr * g.k * static_cast<int64_t>(sizeof(T)) : 0, col_panels);
  Prefetcher next_a(g.prefetch[0], g.prefetch_bytes[0], tiles);
  Prefetcher next_b(g.prefetch[1], g.prefetch_bytes[1], tiles);
  const bool bias_only = has_only_col_bias(g);
  const GemmEpilogue<T>* const epilogue = bias_only ? nullptr : g.epilogue;
  T buffer[kMaxRows * nr], last_bias[nr] = {};  // last_bias: of the last panel, readable in whole vectors
  if (bias_only) {
    for (int64_t j = g.n / nr * nr; j < g.n; ++j) last_bias[j % nr] = g.epilogue->col_bias[j];
  }
  TileArgs<T, E> t = tile_args<T, E>(g);
  t.c = buffer;
  t.c_rs = nr;
  int64_t rows = 0;
  for (int64_t i = 0; i < g.m; i += rows) {
    rows = rows_of_tile(g.m - i, g.mr, a_unpacked);
    t.a = reinterpret_cast<const E*>(a_unpacked ? g.a + i * g.a_rs : g.a + i / g.mr * g.a_panel);
    next_panel.restart(t.a + g.a_panel);
    const TileFn<T, E> wide = unit ? tile_for<T, E, true>(rows, true) : tile_for<T, E, kPacked>(rows, true);
    const TileFn<T, E> narrow =
        unit ? tile_for<T, E, true>(rows, false) : tile_for<T, E, kPacked>(rows, false);
    for (int64_t j = 0; j < g.n; j += nr) {
      const int64_t cols = g.n - j < nr ? g.n - j : nr;
      set_panel_b(t, g, j, cols, nr);
      next_panel.next_share();
      next_a.next_share();
      next_b.next_share();
      T* c = g.c + i * g.c_rs + j * g.c_cs;
      if (direct) {
        t.c = c;
        t.c_rs = g.c_rs;
      } else if (g.beta != 0) {
        copy_tile(buffer, nr, 1, c, g.c_rs, g.c_cs, rows, cols);
      }
      if (bias_only) t.bias = cols < nr ? last_bias : g.epilogue->col_bias + j;
      (cols > L ? wide : narrow)(t);
      if (epilogue) apply_epilogue(t.c, t.c_rs, rows, cols, *epilogue, i, j);
      if (!direct) copy_tile(c, g.c_rs, g.c_cs, buffer, nr, 1, rows, cols);
    }
  }
}

// ---- Packing ----
// Bound by loads and stores, or by memory where src is not in a cache.

// Packing reads rows that lie in different pages, which the hardware prefetcher does not follow. Prefetch
// distances: rows of src for pack_rows, elements along a row for pack_columns. The latter go to L2 only,
// since rows a multiple of 4 KB apart would evict each other from L1.
constexpr int64_t kPrefetchRows = 16, kPrefetchColumns = 32;

// A panel of T is made from elements S: T itself, a 16-bit float that is widened, or bf16 if T is Pair.
// kSteps is how many steps of k one element of the panel holds.
template <class T, class S>
inline constexpr int kSteps = kSame<T, Pair> ? 2 : 1;

template <class T, class S>
inline T element(const S* p, [[maybe_unused]] int64_t k_stride) {
  if constexpr (kSame<T, S>) {
    return *p;
  } else if constexpr (kSame<T, Pair>) {
    return p[0].bits | p[k_stride].bits << 16;
  } else {
    return load_n(p, 1)[0];
  }
}
// A vector of the panel's row: elements that are contiguous across the panel.
template <class T, class S>
PLAIT_INLINE Vec<T> load_row(const S* p, [[maybe_unused]] int64_t k_stride) {
  if constexpr (kSame<T, Pair>) {
    return (I32)(widen_u16(load_bytes<H16>(p)) | widen_u16(load_bytes<H16>(p + k_stride)) << 16);
  } else {
    return load(p);
  }
}
template <class T, class S>
PLAIT_INLINE Vec<T> load_row_n(const S* p, [[maybe_unused]] int64_t k_stride, int64_t n) {
  if constexpr (kSame<T, Pair>) {
    return (I32)(widen_u16(load_n_h16(p, n)) | widen_u16(load_n_h16(p + k_stride, n)) << 16);
  } else {
    return load_n(p, n);
  }
}
// A vector along k: elements that are contiguous along k.
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
    return load_bytes<I32>(p);  // n is L: pack_columns leaves a shorter rest of pairs to pack_scalar
  } else {
    return load_n(p, n);
  }
}

template <class T, class S>
void pack_scalar(T* dst, int64_t width, const S* src, int64_t stride, int64_t k_stride, int64_t count,
                 int64_t k) {
  for (int64_t p = 0; p < k; ++p) {
    T* d = dst + p * width;
    const S* s = src + p * kSteps<T, S> * k_stride;
    for (int64_t i = 0; i < count; ++i) d[i] = element<T>(s + i * stride, k_stride);
    for (int64_t i = count; i < width; ++i) d[i] = T(0);
  }
}

// Packs elements that are contiguous across the panel: copies of rows, kVecs vectors to a row of the panel. A
// vector that is stored past a row is overwritten by the next row; the last row is stored element by element.
// Narrow panels share cache lines of src, so eight of them are written side by side. Wide ones are not: eight
// streams a power of two apart would conflict in the cache.
template <int kVecs, class T, class S>
void pack_rows(T* dst, int64_t width, const S* src, int64_t k_stride, int64_t count, int64_t k) {
  constexpr int L = kLanes<T>;
  constexpr int64_t kGroup = kVecs == 1 ? 8 : 1;
  const int64_t panel = width * k;
  for (; count > 0; count -= kGroup * width, src += kGroup * width, dst += kGroup * panel) {
    const int64_t cols = count < kGroup * width ? count : kGroup * width;  // of this group of panels
    const S* s = src;
    T* d = dst;
    for (int64_t p = 0; p < k; ++p, s += kSteps<T, S> * k_stride, d += width) {
      int64_t i = 0;
      T* at = d;
      __builtin_prefetch(s + kPrefetchRows * k_stride);
      if (kGroup > 1) __builtin_prefetch(s + kPrefetchRows * k_stride + kGroup / 2 * width);
      if (p + 1 < k || width == kVecs * L) {
        for (; i < cols && i + kVecs * L <= count; i += width, at += panel) {
#pragma GCC unroll 2
          for (int v = 0; v < kVecs; ++v) store(at + v * L, load_row<T>(s + i + v * L, k_stride));
        }
      }
      for (; i < cols; i += width, at += panel) {
        for (int64_t l = 0; l < width; l += L) {
          const int64_t have = count - i - l < L ? (count > i + l ? count - i - l : 0) : L;
          const Vec<T> v = have > 0 ? load_row_n<T>(s + i + l, k_stride, have) : Vec<T>{};
          for (int64_t e = 0; e < L && l + e < width; ++e) at[l + e] = v[e];
        }
      }
    }
  }
}

// Packs elements that are contiguous along k: L x L blocks, transposed in registers. A last block of at least
// kMinDepth steps is transposed too: a convolution packs its weights by the taps of a channel, which are few.
template <class T, class S>
void pack_columns(T* dst, int64_t width, const S* src, int64_t stride, int64_t count, int64_t k) {
  constexpr int L = kLanes<T>;
  constexpr int64_t kMinDepth = kSame<T, Pair> ? L : L / 4;
  int64_t p = 0;
  for (; k - p >= kMinDepth; p += L) {
    T* d = dst + p * width;
    const int64_t depth = k - p < L ? k - p : L;
    for (int64_t i0 = 0; i0 < width; i0 += L) {
      const int64_t rows = count - i0 < L ? (count > i0 ? count - i0 : 0) : L;
      Vec<T> r[L];
      if (rows == L && depth == L) {
#pragma GCC unroll 16
        for (int i = 0; i < L; ++i) {
          __builtin_prefetch(src + (i0 + i) * stride + kSteps<T, S> * (p + kPrefetchColumns), 0, 2);
          r[i] = load_column<T>(src + (i0 + i) * stride + kSteps<T, S> * p);
        }
      } else {
        for (int i = 0; i < L; ++i) {
          const S* const from = src + (i0 + i) * stride + kSteps<T, S> * p;
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
      } else if (i0 == 0) {  // width < L: the next row's store overwrites what passes the end of this one
#pragma GCC unroll 16
        for (int i = 0; i < L; ++i) store(d + i * width, r[i]);
      } else {
        for (int i = 0; i < L; ++i) store_n(d + i * width + i0, r[i], width - i0);
      }
    }
  }
  if (p < k) pack_scalar(dst + p * width, width, src + kSteps<T, S> * p, stride, 1, count, k - p);
}

template <class T, class S>
void pack(T* dst, int64_t width, const S* src, int64_t stride, int64_t k_stride, int64_t count, int64_t k) {
  if (stride == 1 && width <= kLanes<T>) return pack_rows<1>(dst, width, src, k_stride, count, k);
  if (stride == 1 && width <= 2 * kLanes<T>) return pack_rows<2>(dst, width, src, k_stride, count, k);
  for (; count > 0; count -= width, src += width * stride, dst += width * k) {
    const int64_t rows = count < width ? count : width;
    if (k_stride == 1) {
      pack_columns(dst, width, src, stride, rows, k);
    } else {
      pack_scalar(dst, width, src, stride, k_stride, rows, k);
    }
  }
}

// All rows of a small product, in tiles of 4 rows.
template <class T, int V>
void small_product(TileArgs<T, T> t, int64_t m) {
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
  T panel[kGemmSmallDepth * nr + 64 / sizeof(T)];  // B, where its rows are not contiguous
  TileArgs<T, T> t;
  t.k = g.k;
  t.a_rs = g.a_rs;
  t.a_ps = g.a_cs;
  t.b_ps = g.b_cs == 1 ? g.b_rs : nr;
  t.prefetch_b = false;
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
      pack(panel, nr, t.b, g.b_cs, g.b_rs, g.n, g.k);
      t.b = panel;
    }
    g.n > kLanes<T> ? small_product<T, kV>(t, g.m) : small_product<T, 1>(t, g.m);
  }
}

template <class S>
void pack_half(float* dst, int64_t width, const uint16_t* src, int64_t stride, int64_t k_stride,
               int64_t count, int64_t k) {
  pack(dst, width, reinterpret_cast<const S*>(src), stride, k_stride, count, k);
}

// Panels of pairs; if k is odd, the last step's partner is zero.
void pack_pairs(float* out, int64_t width, const uint16_t* src, int64_t stride, int64_t k_stride,
                int64_t count, int64_t k) {
  const auto* s = reinterpret_cast<const bf16*>(src);
  auto* dst = reinterpret_cast<Pair*>(out);
  const int64_t full = k / 2, panel = (k + 1) / 2 * width;
  for (; count > 0; count -= width, s += width * stride, dst += panel) {
    const int64_t rows = count < width ? count : width;
    pack(dst, width, s, stride, k_stride, rows, full);
    if (k % 2) {
      Pair* const last = dst + full * width;
      for (int64_t i = 0; i < width; ++i) last[i] = i < rows ? s[i * stride + (k - 1) * k_stride].bits : 0;
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

// unpacked_*. Zen 3 (32-byte vectors), k = 192 to 384: an unpacked A with contiguous rows is within 1% of a
// packed one whatever its stride, and packing costs 16 multiply-adds an element; with contiguous columns it
// is faster up to 6 panels of B. Zen 4 (64-byte vectors): an unpacked A is faster by a third with one panel
// of B, by 5% with four, and even from 12 on; an unpacked B by half with 14 rows, by 5% with 128, and on two
// threads by 2% with 2048. thread_work: on Zen 3 two threads multiply 64 x 64 matrices 1.4 times as fast as
// one, and 0.9 times as fast while other programs use the second core.
constexpr GemmTuning tuning(int64_t nr) {
  constexpr bool kWide = PLAIT_ISA_LEVEL == 2;
  constexpr int64_t kAny = int64_t{1} << 62;
  return {.unpacked_a_rows = kWide ? 12 * nr : kAny,  // tuned: Zen 3, Zen 4
          .unpacked_a_cols = (kWide ? 12 : 6) * nr,   // tuned: Zen 3, Zen 4
          .unpacked_b = kWide ? kAny : 2 * kMaxRows,  // tuned: Zen 3, Zen 4
          .item_work = 5000,
          .store_work = 4,
          .shared_work = 8,      // tuned: two threads, Zen 4
          .moved_work = 4,       // tuned: two threads, Zen 4
          .thread_work = 1.3e5,  // tuned: two threads, Zen 3
          .prefetch_bytes = 16384};
}

template <class T, class E>
void fill_blocks(GemmKernels<T>& g) {
  g.mr = kMaxRows;
  g.nr = kV * kLanes<T>;
  // kc decides bits: after kc steps a partial sum is added to C. tuned: on Sapphire Rapids at n = 1024, kc
  // 256 to 512 and nc 384 to 768 are within 3%. On two threads, where a larger kc means fewer passes of C
  // through memory, 1024 is 4 to 8% faster than 384 from n = 512 on (Zen 3), 768 up to 4% (Zen 4).
  g.kc = (PLAIT_ISA_LEVEL == 2 ? 3072 : 4096) / static_cast<int>(sizeof(T));
  g.mc = kMaxRows * 160;
  g.nc = sizeof(T) == 4 ? 512 : 384;
  g.tuning = tuning(g.nr);
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
