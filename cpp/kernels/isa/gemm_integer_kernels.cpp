// SPDX-License-Identifier: MIT
// Products of integer matrices: the micro-kernels, the two loops around them, packing, and products with a
// vector. All sums are modulo 2^32, for items of 8 bytes modulo 2^64, of which the item's low bits count.
//
//   items of 4 bytes   one multiplication and one addition a lane
//   items of 2         two neighbours in k in a lane: their products are added as they are taken
//   items of 1         widened to 2 when they are packed; four in a lane where the CPU has AVX512-VNNI
//   items of 8         as those of 4; where all are of an int32, with the multiplication of low halves
//
// A tile of R rows by V vectors of sums is kept in registers and leaves through a buffer. Panels of A
// outside, of B inside: a panel of A stays in L1 while those of B come from L2. Bound by the multipliers.
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// Register tiles leave room for V vectors of B, an element of A and a product.
constexpr int kV = 2;
constexpr int kRows = PLAIT_ISA_LEVEL == 2 ? 12 : 4;

// ---- One step of k: sum += a * b ----

template <class E>
struct Products {
  using Elem = E;
  static PLAIT_INLINE Vec<E> add(Vec<E> sum, Vec<E> a, Vec<E> b) { return sum + a * b; }
};
struct PairProducts {
  using Elem = uint32_t;
  static PLAIT_INLINE U32 add(U32 sum, U32 a, U32 b) {
#if PLAIT_ISA_LEVEL == 2
    return sum + (U32)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif PLAIT_ISA_LEVEL == 1
    return sum + (U32)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return sum + (U32)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
    return sum + a * b + (a >> 16) * (b >> 16);  // the low 16 bits are right
#endif
  }
};
#if PLAIT_ISA_LEVEL == 2
// Beyond this level: the driver chooses them only if the CPU has AVX512-VNNI.
struct VnniPairs {
  using Elem = uint32_t;
  static PLAIT_INLINE U32 add(U32 sum, U32 a, U32 b) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
  }
};
struct VnniQuads {  // one factor signed, the other not: modulo 2^8 there is no difference
  using Elem = uint32_t;
  static PLAIT_INLINE U32 add(U32 sum, U32 a, U32 b) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
  }
};
#endif
#if PLAIT_ISA_LEVEL > 0
struct NarrowProducts {  // of the signed low halves
  using Elem = uint64_t;
  static PLAIT_INLINE U64 add(U64 sum, U64 a, U64 b) {
#if PLAIT_ISA_LEVEL == 2
    return sum + (U64)_mm512_mul_epi32((__m512i)a, (__m512i)b);
#else
    return sum + (U64)_mm256_mul_epi32((__m256i)a, (__m256i)b);
#endif
  }
};
#endif

// ---- Blocks ----

// sums[r][..] = products of R rows of a panel of A with V vectors of a panel of B.
template <class Op, int R, int V>
void tile(const typename Op::Elem* a, const typename Op::Elem* b, int64_t k, typename Op::Elem* sums) {
  using E = typename Op::Elem;
  constexpr int L = kLanes<E>;
  Vec<E> acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[r][v] = Vec<E>{};
  }
  for (int64_t p = 0; p < k; ++p, a += kRows, b += kV * L) {
    Vec<E> bv[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) bv[v] = load(b + v * L);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec<E> x = splat<Vec<E>>(a[r]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) acc[r][v] = Op::add(acc[r][v], x, bv[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store(sums + r * kV * L + v * L, acc[r][v]);
  }
}

template <class Op, int V>
auto tile_of(int64_t rows) {
  return rows > kRows / 2 ? tile<Op, kRows, V> : rows > 1 ? tile<Op, kRows / 2, V> : tile<Op, 1, V>;
}

// c[0, n) = alpha * sums + beta * c + bias; T is the unsigned type of C, E that of the sums.
template <class T, class E>
PLAIT_INLINE void store_row(T* c, int64_t cs, const E* sums, int64_t n, const GemmIntegerBlock& g,
                            const T* bias) {
  if (cs == 1 && g.alpha == 1 && !bias && g.beta == 0) {
    for (int64_t j = 0; j < n; ++j) c[j] = static_cast<T>(sums[j]);
  } else if (cs == 1 && g.alpha == 1 && !bias && g.beta == 1) {
    for (int64_t j = 0; j < n; ++j) c[j] = static_cast<T>(c[j] + sums[j]);
  } else {
    const E alpha = static_cast<E>(g.alpha), beta = static_cast<E>(g.beta);
    for (int64_t j = 0; j < n; ++j) {
      E v = alpha * sums[j];
      if (beta != 0) v += beta * c[j * cs];
      if (bias) v += bias[j];
      c[j * cs] = static_cast<T>(v);
    }
  }
}

template <class T, class Op>
void block(const GemmIntegerBlock& g) {
  using E = typename Op::Elem;
  constexpr int64_t L = kLanes<E>, nr = kV * L;
  const E *a = static_cast<const E*>(g.a), *b = static_cast<const E*>(g.b);
  const T* bias = static_cast<const T*>(g.bias);
  E sums[kRows * nr];
  for (int64_t i = 0; i < g.m; i += kRows) {
    const int64_t rows = g.m - i < kRows ? g.m - i : kRows;
    for (int64_t j = 0; j < g.n; j += nr) {
      const int64_t cols = g.n - j < nr ? g.n - j : nr;
      const auto run = cols > L ? tile_of<Op, kV>(rows) : tile_of<Op, 1>(rows);
      run(a + i * g.k, b + j * g.k, g.k, sums);
      T* c = static_cast<T*>(g.c) + i * g.c_rs + j * g.c_cs;
      for (int64_t r = 0; r < rows; ++r) {
        store_row<T, E>(c + r * g.c_rs, g.c_cs, sums + r * nr, cols, g, bias ? bias + j : nullptr);
      }
    }
  }
}

// ---- Packing ----

// Panels of E from items T, G steps of k in an element.
template <class T, class E, int G>
struct Packer {
  static constexpr int64_t L = kLanes<E>;
  static constexpr int kShift = G == 1 ? 0 : static_cast<int>(8 * sizeof(E)) / G;
  using Items = typename VecOf<T, static_cast<int>(L * sizeof(T))>::type;

  E* dst;
  int64_t width, k_stride;
  Vec<E> wide = {};  // has a bit set above the low 32 where an item of 8 bytes is no int32

  PLAIT_INLINE void note(Vec<E> v) {
    if constexpr (sizeof(T) == 8) wide |= v + 0x80000000u;
  }

  // The element of `steps` steps from src on.
  PLAIT_INLINE E element(const T* src, int64_t steps) const {
    if (sizeof(T) * G == sizeof(E) && k_stride == 1 && steps == G) {
      E e;
      __builtin_memcpy(&e, src, sizeof e);
      return e;
    }
    E e = 0;
    for (int64_t s = 0; s < steps; ++s) e |= static_cast<E>(src[s * k_stride]) << (kShift * s);
    return e;
  }

  // A row of a panel whose items lie side by side.
  PLAIT_INLINE void pack_row(E* d, const T* src, int64_t count, int64_t steps) {
    int64_t i = 0;
    if (steps == G) {
      for (; i + L <= count; i += L) {
        Vec<E> v{};
#pragma GCC unroll 4
        for (int s = 0; s < G; ++s) {
          v |= __builtin_convertvector(load_bytes<Items>(src + i + s * k_stride), Vec<E>) << (kShift * s);
        }
        note(v);
        store(d + i, v);
      }
    }
    pack_any(d, src, 1, i, count, steps);
  }
  PLAIT_INLINE void pack_any(E* d, const T* src, int64_t stride, int64_t i, int64_t count, int64_t steps) {
    for (; i < count; ++i) {
      d[i] = element(src + i * stride, steps);
      note(Vec<E>{} + d[i]);
    }
    for (; i < width; ++i) d[i] = 0;
  }

  void pack(const T* src, int64_t stride, int64_t count, int64_t k) {
    for (; count > 0; count -= width, src += width * stride) {
      const int64_t items = count < width ? count : width;
      const T* from = src;
      for (int64_t p = 0; p < k; p += G, dst += width, from += G * k_stride) {
        const int64_t steps = k - p < G ? k - p : G;
        stride == 1 ? pack_row(dst, from, items, steps) : pack_any(dst, from, stride, 0, items, steps);
      }
    }
  }

  bool is_narrow() const {
    E bits = 0;
    for (int64_t l = 0; l < L; ++l) bits |= wide[l];
    return sizeof(T) == 8 && static_cast<uint64_t>(bits) >> 32 == 0;
  }
};

template <class T, class E, int G>
bool pack(void* dst, int64_t width, const void* src, int64_t stride, int64_t k_stride, int64_t count,
          int64_t k) {
  Packer<T, E, G> packer{static_cast<E*>(dst), width, k_stride};
  packer.pack(static_cast<const T*>(src), stride, count, k);
  return packer.is_narrow();
}

// ---- Products with a vector ----

// The element type of the sums: items of 1 byte are summed as 16-bit integers.
template <class T>
struct LaneOf {
  using type = T;
};
template <>
struct LaneOf<uint8_t> {
  using type = uint16_t;
};
template <class T>
using Lane = typename LaneOf<T>::type;

template <class T>
PLAIT_INLINE Vec<Lane<T>> load_lanes(const T* p) {
  using S = Lane<T>;
  if constexpr (kSame<T, S>) {
    return load(p);
  } else {
    using Items = typename VecOf<T, kLanes<S>>::type;
    return __builtin_convertvector(load_bytes<Items>(p), Vec<S>);
  }
}

// R rows at a time, with U vectors of sums each.
template <class T, int R, int U>
void dot_rows(T* y, const T* a, int64_t rs, const T* x, int64_t k) {
  using S = Lane<T>;
  constexpr int64_t L = kLanes<S>;
  Vec<S> acc[R][U] = {};
  int64_t p = 0;
  for (; p + U * L <= k; p += U * L) {
    for (int u = 0; u < U; ++u) {
      const Vec<S> v = load_lanes(x + p + u * L);
      for (int r = 0; r < R; ++r) acc[r][u] += v * load_lanes(a + r * rs + p + u * L);
    }
  }
  for (int r = 0; r < R; ++r) {
    uint64_t sum = 0;
    for (int u = 0; u < U; ++u) {
      for (int64_t l = 0; l < L; ++l) sum += acc[r][u][l];
    }
    for (int64_t q = p; q < k; ++q) sum += static_cast<uint64_t>(a[r * rs + q]) * x[q];
    y[r] = static_cast<T>(sum);
  }
}

template <class T>
void dots(void* y_out, const void* a_in, int64_t rs, const void* x_in, int64_t m, int64_t k) {
  T* y = static_cast<T*>(y_out);
  const T *a = static_cast<const T*>(a_in), *x = static_cast<const T*>(x_in);
  for (; m >= 4; m -= 4, y += 4, a += 4 * rs) dot_rows<T, 4, 1>(y, a, rs, x, k);
  for (; m > 0; --m, ++y, a += rs) dot_rows<T, 1, 4>(y, a, rs, x, k);
}

// sums[j] += x[0] * b[j] + x[1] * b[rs + j] + ... over R rows, j < n
template <class T, int R>
PLAIT_INLINE void add_rows(Lane<T>* sums, const T* b, int64_t rs, const T* x, int64_t n) {
  using S = Lane<T>;
  constexpr int64_t L = kLanes<S>;
  Vec<S> v[R];
  for (int r = 0; r < R; ++r) v[r] = splat<Vec<S>>(x[r]);
  int64_t j = 0;
  for (; j + L <= n; j += L) {
    Vec<S> sum = load(sums + j);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sum += v[r] * load_lanes(b + r * rs + j);
    store(sums + j, sum);
  }
  for (; j < n; ++j) {
    uint64_t sum = sums[j];
    for (int r = 0; r < R; ++r) sum += static_cast<uint64_t>(x[r]) * b[r * rs + j];
    sums[j] = static_cast<S>(sum);
  }
}

// Rows are read in memory order, a few at a time, and the sums of a run of columns stay in L1.
template <class T>
void axpys(void* y_out, const void* b_in, int64_t rs, const void* x_in, int64_t n, int64_t k) {
  constexpr int64_t kRun = 1024, kRowsAtOnce = 4;  // rows 4 KB apart fall into one set of L1, of 8 lines
  Lane<T> sums[kRun];
  T* y = static_cast<T*>(y_out);
  const T *b = static_cast<const T*>(b_in), *x = static_cast<const T*>(x_in);
  for (int64_t j = 0; j < n; j += kRun) {
    const int64_t count = n - j < kRun ? n - j : kRun;
    for (int64_t c = 0; c < count; ++c) sums[c] = 0;
    int64_t p = 0;
    for (; p + kRowsAtOnce <= k; p += kRowsAtOnce)
      add_rows<T, kRowsAtOnce>(sums, b + p * rs + j, rs, x + p, count);
    for (; p < k; ++p) add_rows<T, 1>(sums, b + p * rs + j, rs, x + p, count);
    for (int64_t c = 0; c < count; ++c) y[j + c] = static_cast<T>(sums[c]);
  }
}

template <class T, class Op, int G>
void fill(GemmIntegerKernels& kern) {
  using E = typename Op::Elem;
  kern = {kRows, kV * kLanes<E>, G, pack<T, E, G>, block<T, Op>, nullptr};
}
template <class T>
void fill_vector(GemmIntegerTable& table) {
  table.vector.of<T>() = {dots<T>, axpys<T>};
}

}  // namespace

void fill_gemm_integer(KernelTable& table) {
  GemmIntegerTable& t = table.gemm.integer;
  fill<uint8_t, PairProducts, 2>(t.matrix.of<uint8_t>());
  fill<uint16_t, PairProducts, 2>(t.matrix.of<uint16_t>());
  fill<uint32_t, Products<uint32_t>, 1>(t.matrix.of<uint32_t>());
  fill<uint64_t, Products<uint64_t>, 1>(t.matrix.of<uint64_t>());
  fill_vector<uint8_t>(t);
  fill_vector<uint16_t>(t);
  fill_vector<uint32_t>(t);
  fill_vector<uint64_t>(t);
#if PLAIT_ISA_LEVEL == 2
  fill<uint8_t, VnniQuads, 4>(t.vnni[0]);
  fill<uint16_t, VnniPairs, 2>(t.vnni[1]);
#endif
#if PLAIT_ISA_LEVEL > 0
  t.matrix.of<uint64_t>().block_narrow = block<uint64_t, NarrowProducts>;
#endif
}

}  // namespace plait::PLAIT_ISA_NS
