// SPDX-License-Identifier: MIT
// Copies that are not memcpy: dst[i] = src[i] with another dtype, stride or order.
//
// Conversions and gathers run along dst and are bound by load and store slots. Transposes work on tiles in
// registers, one cache line of dst at a time, so that every line is read and written whole; they are bound by
// memory bandwidth. Transposing 4096 x 4096 floats runs at 34 GB/s with non-temporal stores of whole lines,
// at 25 with halves of lines, at 15 with normal stores; the benchmark's row has 28.7 GB/s, 108% of the
// machine's copy bandwidth (two cores of an AMD EPYC, Zen 4, AVX-512, 2026-11-26, bench/README.md).
#include "kernels/isa/transpose.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// ---- Conversion ----

template <class T>
inline constexpr bool kIs16Bit = kSame<T, f16> || kSame<T, bf16>;

template <class To, class From>
PLAIT_INLINE To cast_element(From v) {
  if constexpr (kSame<To, bool>) {
    return v != 0;
  } else if constexpr (kIsFloat<From> && kSame<To, uint64_t>) {  // negative numbers wrap around
    const From top = static_cast<From>(0x1p63);
    const bool low = v < top;
    return static_cast<To>(static_cast<int64_t>(low ? v : v - top)) ^ (low ? To{0} : To{1} << 63);
  } else if constexpr (kIsFloat<From> && !kIsFloat<To> && (sizeof(To) < 4 || kSame<To, uint32_t>)) {
    return static_cast<To>(static_cast<int64_t>(v));  // wraps around
  } else {
    return static_cast<To>(v);
  }
}

template <class T>
inline constexpr bool kLoadsFloats = kIs16Bit<T> || kSame<T, float>;

template <class To, class From>
void convert(void* dst_v, const void* src_v, int64_t n) {
  auto* __restrict dst = static_cast<To*>(dst_v);
  const auto* __restrict src = static_cast<const From*>(src_v);
  if constexpr (!kIs16Bit<To> && !kIs16Bit<From>) {
    for (int64_t i = 0; i < n; ++i) dst[i] = cast_element<To>(src[i]);
  } else if constexpr (kLoadsFloats<To> && kLoadsFloats<From>) {
    constexpr int L = kLanes<float>;
    int64_t i = 0;
    for (; i + L <= n; i += L) store(dst + i, load(src + i));
    if (i < n) store_n(dst + i, load_n(src + i, n - i), n - i);
  } else {  // through blocks of float
    constexpr int64_t kBlock = 256;
    alignas(kVecBytes) float block[kBlock];
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t m = n - i < kBlock ? n - i : kBlock;
      convert<float, From>(block, src + i, m);
      convert<To, float>(dst + i, block, m);
    }
  }
}

// Integers of equal width share what gives them the same bits: a test for 0, a conversion to no more bits,
// the result of one from integers, and that of one from floats by way of int64.
template <class To, class From>
constexpr ConvertFn conversion() {
  using SignedTo = typename SignedOf<To>::type;
  using SignedFrom = typename SignedOf<From>::type;
  constexpr bool kFromInteger = !kIsFloat<From> && !kIs16Bit<From>;
  if constexpr (kSame<To, bool>) {
    return convert<bool, SignedFrom>;
  } else if constexpr (kIsFloat<To> || kIs16Bit<To>) {
    return convert<To, From>;
  } else if constexpr (kFromInteger && sizeof(To) <= sizeof(From)) {
    return convert<SignedTo, SignedFrom>;
  } else if constexpr (kFromInteger || sizeof(To) < 4) {
    return convert<SignedTo, From>;
  } else {
    return convert<To, From>;
  }
}

template <class From, class... Tos>
void set_conversions(PerDType<ConvertFn>& to) {
  ((to.of<Tos>() = conversion<Tos, From>()), ...);
}
template <class From>
void set_all_conversions(PerDType<ConvertFn>& to) {
  set_conversions<From, bool, uint8_t, int8_t, int16_t, int32_t, int64_t, uint16_t, uint32_t, uint64_t, f16,
                  bf16, float, double>(to);
}

// ---- Strides ----

// Stores contiguous d[rows][n] from at(r, i, width), the vector at element i of row r. The last vector of a
// row is stored whole if the rows after it overwrite what passes the row's end.
template <class T, class F>
PLAIT_INLINE void store_rows(T* d, int64_t n, int64_t rows, F at) {
  constexpr int64_t L = kLanes<T>;
  const int64_t whole = (n + L - 1) / L * L;
  int64_t left = n * rows, r = 0;
  for (; left >= whole; ++r, d += n, left -= n) {
    if (left == 0) return;
    for (int64_t i = 0; i < n; i += L) store(d + i, at(r, i, n - i < L ? n - i : L));
  }
  for (; left > 0; ++r, d += n, left -= n) {
    for (int64_t i = 0; i < n; i += L) {
      const int64_t width = n - i < L ? n - i : L;
      store_n(d + i, at(r, i, width), width);
    }
  }
}

template <class T, int kN>
PLAIT_INLINE void copy_short_rows(T* d, const char* s, int64_t row_stride, int64_t rows) {
  for (int64_t r = 0; r < rows; ++r) __builtin_memcpy(d + r * kN, s + r * row_stride, kN * sizeof(T));
}

// d[i] = the element that lies i before the one at s, by whole vectors of kBytes. Returns where it ends.
template <class T, int kBytes>
PLAIT_INLINE int64_t copy_reversed(T* d, const char* s, int64_t i, int64_t n) {
  using V = typename VecOf<T, kBytes>::type;
  using I = MaskOf<V>;
  constexpr int kN = kBytes / static_cast<int>(sizeof(T));
  I from;
  for (int k = 0; k < kN; ++k) from[k] = static_cast<ElemT<I>>(kN - 1 - k);
  for (; i + kN <= n; i += kN) {
    const V v = load_bytes<V>(s - (i + kN - 1) * static_cast<int64_t>(sizeof(T)));
    const V reversed = __builtin_shuffle(v, from);
    __builtin_memcpy(d + i, &reversed, sizeof reversed);
  }
  return i;
}

template <class T>
void gather(void* dst, const void* src, int64_t stride, int64_t row_stride, int64_t n, int64_t rows) {
  using V = Vec<T>;
  constexpr int L = kLanes<T>;
  constexpr int64_t kItem = sizeof(T);
  auto* __restrict d = static_cast<T*>(dst);
  const char* __restrict s = static_cast<const char*>(src);
  if (stride == 0) {
    return store_rows(d, n, rows, [&](int64_t r, int64_t, int64_t) {
      T v;
      __builtin_memcpy(&v, s + r * row_stride, sizeof v);
      return splat<V>(v);
    });
  }
  if (stride == kItem) {
    if (n == 1) return copy_short_rows<T, 1>(d, s, row_stride, rows);
    if (n == 2) return copy_short_rows<T, 2>(d, s, row_stride, rows);
    if (n == 3) return copy_short_rows<T, 3>(d, s, row_stride, rows);
    if (n == 4) return copy_short_rows<T, 4>(d, s, row_stride, rows);
    return store_rows(d, n, rows, [&](int64_t r, int64_t i, int64_t width) {
      const T* p = reinterpret_cast<const T*>(s + r * row_stride) + i;
      return width == L ? load(p) : load_n(p, width);
    });
  }
  for (int64_t r = 0; r < rows; ++r, s += row_stride, d += n) {
    int64_t i = 0;
    if (stride == -kItem) {
      i = copy_reversed<T, kVecBytes>(d, s, i, n);
      if constexpr (kVecBytes > 32) i = copy_reversed<T, 32>(d, s, i, n);
      if constexpr (kVecBytes > 16) i = copy_reversed<T, 16>(d, s, i, n);
      if constexpr (sizeof(T) < 4) i = copy_reversed<T, 8>(d, s, i, n);
    }
    if constexpr (kItem >= 4) {
      if (stride == 2 * kItem) {
        for (; i + L < n; i += L) store(d + i, load_even(reinterpret_cast<const T*>(s) + 2 * i));
      }
    }
    for (; i < n; ++i) __builtin_memcpy(d + i, s + i * stride, sizeof(T));
  }
}

// Rows of kHalf to 2 kHalf bytes: the first and the last kHalf bytes, which may overlap.
template <int kHalf, class Row>
PLAIT_INLINE void move_short_rows(int64_t bytes, int64_t rows, Row row) {
  for (int64_t r = 0; r < rows; ++r) {
    char first[kHalf], last[kHalf];
    const auto [dst, src] = row(r);
    __builtin_memcpy(first, src, kHalf);
    __builtin_memcpy(last, src + bytes - kHalf, kHalf);
    __builtin_memcpy(dst, first, kHalf);
    __builtin_memcpy(dst + bytes - kHalf, last, kHalf);
  }
}
struct RowPair {
  char* dst;
  const char* src;
};
// Copies rows; row(r) gives the addresses of row r. Not memcpy: of rows of kilobytes it uses string
// instructions, which are 3 times slower on Zen 3 if the two sides differ in alignment, and of short rows the
// call costs more than the copy.
template <class Row>
PLAIT_INLINE void move_rows(int64_t bytes, int64_t rows, Row row) {
  using V = Vec<uint8_t>;
  if (bytes == 0) return;
  if (bytes == 1) {
    for (int64_t r = 0; r < rows; ++r) *row(r).dst = *row(r).src;
    return;
  }
  if (bytes <= 4) return move_short_rows<2>(bytes, rows, row);
  if (bytes <= 8) return move_short_rows<4>(bytes, rows, row);
  if (bytes <= 16) return move_short_rows<8>(bytes, rows, row);
  if (bytes <= 32) return move_short_rows<16>(bytes, rows, row);
  if (bytes <= 64) return move_short_rows<32>(bytes, rows, row);
  for (int64_t r = 0; r < rows; ++r) {
    const auto [dst, src] = row(r);
    int64_t i = 0;
    for (; i + 4 * kVecBytes <= bytes; i += 4 * kVecBytes) {
      V v[4];
      __builtin_memcpy(v, src + i, sizeof v);
      __builtin_memcpy(dst + i, v, sizeof v);
    }
    for (; i + kVecBytes <= bytes; i += kVecBytes) {
      const V v = load_bytes<V>(src + i);
      __builtin_memcpy(dst + i, &v, sizeof v);
    }
    if (i < bytes) {
      const V v = load_bytes<V>(src + bytes - kVecBytes);
      __builtin_memcpy(dst + bytes - kVecBytes, &v, sizeof v);
    }
  }
}
void copy_rows(void* dst, int64_t dst_stride, const void* src, int64_t src_stride, int64_t bytes,
               int64_t rows) {
  move_rows(bytes, rows, [=](int64_t r) {
    return RowPair{static_cast<char*>(dst) + r * dst_stride, static_cast<const char*>(src) + r * src_stride};
  });
}
// Rows of src come in any order, so the hardware prefetcher does not predict them.
void take_rows(void* dst, const void* src, const int64_t* place, int64_t unit, int64_t bytes, int64_t rows) {
  constexpr int64_t kPrefetchRows = 8;
  const auto at = [=](int64_t r) { return static_cast<const char*>(src) + place[r] * unit; };
  move_rows(bytes, rows, [=](int64_t r) {
    if (r + kPrefetchRows < rows) __builtin_prefetch(at(r + kPrefetchRows));
    return RowPair{static_cast<char*>(dst) + r * bytes, at(r)};
  });
}
template <class T>
void identity(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  if (broadcast) {
    gather<T>(out, in[0], 0, 0, n, 1);
  } else {
    __builtin_memcpy(out, in[0], static_cast<size_t>(n) * sizeof(T));
  }
}
template <class T>
void scatter(void* dst, int64_t stride, int64_t row_stride, const void* src, int64_t n, int64_t rows) {
  char* __restrict d = static_cast<char*>(dst);
  const auto* __restrict s = static_cast<const T*>(src);
  for (int64_t r = 0; r < rows; ++r, d += row_stride, s += n) {
    for (int64_t i = 0; i < n; ++i) __builtin_memcpy(d + i * stride, s + i, sizeof(T));
  }
}

// ---- Transposes ----

// Transposes a block of rows x columns, at most a tile.
template <class T>
PLAIT_INLINE void transpose_block(char* dst, int64_t dst_stride, const char* src, int64_t src_stride,
                                  int64_t rows, int64_t columns) {
  constexpr int B = kTile<T>;
  TileRow<T> r[B];
  if (rows == B && columns == B) {
#pragma GCC unroll 8
    for (int i = 0; i < B; ++i) r[i] = load_bytes<TileRow<T>>(src + i * src_stride);
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < B; ++i) r[i] = i < rows ? load_part<T>(src + i * src_stride, columns) : TileRow<T>{};
  }
  transpose_tile<T>(r);
  if (rows == B) {
#pragma GCC unroll 8
    for (int i = 0; i < B; ++i) {
      if (i < columns) __builtin_memcpy(dst + i * dst_stride, &r[i], sizeof r[i]);
    }
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < B; ++i) {
      if (i < columns) store_part<T>(dst + i * dst_stride, r[i], rows);
    }
  }
}

// Transposes the columns of a tile for as many rows as one cache line of dst holds, and stores whole lines.
template <class T, bool kStream>
PLAIT_INLINE void transpose_lines(char* dst, int64_t dst_stride, const char* src, int64_t src_stride) {
  constexpr int B = kTile<T>, kParts = 64 / kTileBytes;
  TileRow<T> r[kParts][B];
#pragma GCC unroll 4
  for (int part = 0; part < kParts; ++part) {
#pragma GCC unroll 8
    for (int i = 0; i < B; ++i) r[part][i] = load_bytes<TileRow<T>>(src + (part * B + i) * src_stride);
    transpose_tile<T>(r[part]);
  }
  constexpr int kStored = kVecBytes / kTileBytes;  // tile rows per store
#pragma GCC unroll 8
  for (int i = 0; i < B; ++i, dst += dst_stride) {
#pragma GCC unroll 4
    for (int part = 0; part < kParts; part += kStored) {
      Vec<T> v;
      if constexpr (kStored == 2) {
        v = combine(r[part][i], r[part + 1][i]);
      } else {
        v = r[part][i];
      }
      T* to = reinterpret_cast<T*>(dst + part * kTileBytes);
      if constexpr (kStream) {
        store_stream(to, v);
      } else {
        store(to, v);
      }
    }
  }
}

// Interleaves kRows vectors, one of each row, or deinterleaves them: element c of row r is element c * kRows
// + r of the interleaved vectors. Each shuffle inserts the lanes of one more vector.
template <class T, int kRows, bool kDeinterleave>
PLAIT_INLINE void interleave(Vec<T> (&v)[kRows]) {
  using I = MaskOf<Vec<T>>;
  constexpr int L = kLanes<T>;
  Vec<T> out[kRows];
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
    out[i] = v[0];
#pragma GCC unroll 4
    for (int k = 1; k < kRows; ++k) {
      I from;
      for (int l = 0; l < L; ++l) {
        const int at = kDeinterleave ? l * kRows + i : i * L + l;
        const int vector = kDeinterleave ? at / L : at % kRows, lane = kDeinterleave ? at % L : at / kRows;
        from[l] = static_cast<ElemT<I>>(vector == k ? L + lane : k > 1 ? l : lane);
      }
      out[i] = __builtin_shuffle(out[i], v[k], from);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) v[i] = out[i];
}
// A transpose of few rows: between kRows rows, `stride` bytes apart, and interleaved[columns][kRows], such as
// the channels of an image.
template <class T, int kRows, bool kDeinterleave>
PLAIT_INLINE void transpose_few_rows(char* rows, int64_t stride, char* interleaved, int64_t columns) {
  constexpr int L = kLanes<T>;
  int64_t c = 0;
  if constexpr (sizeof(T) >= 4) {
    for (; c + L <= columns; c += L) {
      Vec<T> v[kRows];
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        v[r] = load_bytes<Vec<T>>(kDeinterleave
                                      ? interleaved + (c * kRows + r * L) * static_cast<int64_t>(sizeof(T))
                                      : rows + r * stride + c * static_cast<int64_t>(sizeof(T)));
      }
      interleave<T, kRows, kDeinterleave>(v);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        __builtin_memcpy(kDeinterleave ? rows + r * stride + c * static_cast<int64_t>(sizeof(T))
                                       : interleaved + (c * kRows + r * L) * static_cast<int64_t>(sizeof(T)),
                         &v[r], sizeof v[r]);
      }
    }
  }
  for (; c < columns; ++c) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      char* a = rows + r * stride + c * static_cast<int64_t>(sizeof(T));
      char* b = interleaved + (c * kRows + r) * static_cast<int64_t>(sizeof(T));
      __builtin_memcpy(kDeinterleave ? a : b, kDeinterleave ? b : a, sizeof(T));
    }
  }
}
template <class T, bool kDeinterleave>
PLAIT_INLINE void transpose_few_rows(char* rows, int64_t stride, char* interleaved, int64_t n,
                                     int64_t columns) {
  if (n == 2) return transpose_few_rows<T, 2, kDeinterleave>(rows, stride, interleaved, columns);
  if (n == 3) return transpose_few_rows<T, 3, kDeinterleave>(rows, stride, interleaved, columns);
  transpose_few_rows<T, 4, kDeinterleave>(rows, stride, interleaved, columns);
}

template <class T>
PLAIT_INLINE void transpose_edge(char* dst, int64_t dst_stride, const char* src, int64_t src_stride,
                                 int64_t rows, int64_t columns) {
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = 0; r < rows; ++r) {
      __builtin_memcpy(dst + c * dst_stride + r * static_cast<int64_t>(sizeof(T)),
                       src + r * src_stride + c * static_cast<int64_t>(sizeof(T)), sizeof(T));
    }
  }
}

template <class T, bool kStream>
void transpose(void* dst_v, int64_t dst_stride, const void* src_v, int64_t src_stride, int64_t rows,
               int64_t columns) {
  constexpr int64_t kSize = sizeof(T);
  // A tile of elements below 4 bytes needs more registers than there are: blocks of 16 x 16 by loops.
  constexpr int64_t B = kSize >= 4 ? kTile<T> : 16;
  char* dst = static_cast<char*>(dst_v);
  const char* src = static_cast<const char*>(src_v);
  const auto few = [](int64_t n) { return n >= 2 && n <= 4; };
  if (few(rows) && dst_stride == rows * kSize) {
    return transpose_few_rows<T, false>(const_cast<char*>(src), src_stride, dst, rows, columns);
  }
  if (few(columns) && src_stride == columns * kSize) {
    return transpose_few_rows<T, true>(dst, dst_stride, const_cast<char*>(src), columns, rows);
  }
  // As many rows of src at a time as fill a cache line of dst: where rows of dst are a power of two apart, a
  // half-written line would be evicted before its other half is stored.
  constexpr int64_t kLineRows = kSize >= 4 ? 64 / kSize : 2 * B;
  for (int64_t r0 = 0; r0 < rows; r0 += kLineRows) {
    for (int64_t c = 0; c < columns; c += B) {
      if constexpr (kSize >= 4) {
        if (rows - r0 >= kLineRows && columns - c >= B) {
          transpose_lines<T, kStream>(dst + c * dst_stride + r0 * kSize, dst_stride,
                                      src + r0 * src_stride + c * kSize, src_stride);
          continue;
        }
      }
      for (int64_t r = r0; r < r0 + kLineRows && r < rows; r += B) {
        char* d = dst + c * dst_stride + r * kSize;
        const char* s = src + r * src_stride + c * kSize;
        const int64_t m = rows - r < B ? rows - r : B, n = columns - c < B ? columns - c : B;
        if constexpr (kSize >= 4) {
          transpose_block<T>(d, dst_stride, s, src_stride, m, n);
        } else if (m == B && n == B) {
          transpose_edge<T>(d, dst_stride, s, src_stride, B, B);
        } else {
          transpose_edge<T>(d, dst_stride, s, src_stride, m, n);
        }
      }
    }
  }
  if constexpr (kStream) stream_fence();
}

template <class... Froms>
void set_each_conversion(ConvertTable& t) {
  (set_all_conversions<Froms>(t.convert.of<Froms>()), ...);
}
template <class... Ts>
void set_moves(ConvertTable& t) {
  ((t.identity.of<Ts>() = identity<Ts>), ...);
  ((t.gather.of<Ts>() = gather<Ts>), ...);
  ((t.scatter.of<Ts>() = scatter<Ts>), ...);
  ((t.transpose.of<Ts>() = transpose<Ts, false>), ...);
  ((t.transpose_stream.of<Ts>() = transpose<Ts, sizeof(Ts) >= 4>), ...);
}

constexpr CopyTuning kTuning = {.grain = 32768,  // measured by bench/tune/pointwise.py
                                .min_row_bytes = 16,
                                .long_row = 64,
                                .block_bytes = 16384,
                                .tile_run = 256,
                                .tile_panel = 64,
                                .tile_panel_few = 1024};

}  // namespace

void fill_convert(KernelTable& table) {
  ConvertTable& t = table.convert;
  t.tuning = kTuning;
  t.vector_bytes = kVecBytes;
  set_all_conversions<uint8_t>(t.convert.of<bool>());  // bytes of 0 and 1
  set_each_conversion<uint8_t, int8_t, int16_t, int32_t, int64_t, uint16_t, uint32_t, uint64_t, f16, bf16,
                      float, double>(t);
  set_moves<uint8_t, uint16_t, uint32_t, uint64_t>(t);
  t.copy_rows = copy_rows;
  t.take_rows = take_rows;
}

}  // namespace plait::PLAIT_ISA_NS
