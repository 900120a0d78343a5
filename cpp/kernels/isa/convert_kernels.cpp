// SPDX-License-Identifier: MIT
// Copies that are not memcpy. Conversions and gathers are bound by load and store slots; the transposes work
// on blocks in registers (rounds of two-row shuffles), so that every cache
// line is read and written whole, and are bound by memory.
#include "kernels/isa/transpose.h"
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// --- conversion
// ---------------------------------------------------------------------------------------------

template <class T>
inline constexpr bool kIs16Bit = kSame<T, f16> || kSame<T, bf16>;

template <class To, class From>
PLAIT_INLINE To cast_element(From v) {
  if constexpr (kSame<To, bool>) {
    return v != 0;
  } else if constexpr (kIsFloat<From> && !kIsFloat<To> && sizeof(To) < 4) {
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
  } else {  // blocks of floats between the two
    constexpr int64_t kBlock = 256;
    alignas(kVecBytes) float block[kBlock];
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t m = n - i < kBlock ? n - i : kBlock;
      convert<float, From>(block, src + i, m);
      convert<To, float>(dst + i, block, m);
    }
  }
}

template <class From>
void set_row(void (**row)(void*, const void*, int64_t)) {
  row[0] = convert<bool, From>;
  row[1] = convert<uint8_t, From>;
  row[2] = convert<int8_t, From>;
  row[3] = convert<int16_t, From>;
  row[4] = convert<int32_t, From>;
  row[5] = convert<int64_t, From>;
  row[6] = convert<f16, From>;
  row[7] = convert<bf16, From>;
  row[8] = convert<float, From>;
  row[9] = convert<double, From>;
}

// --- strided
// ------------------------------------------------------------------------------------------------

// Rows of n elements side by side from at(r, i, width), the vector at element i of row r. A row's last vector
// is stored whole where the next rows overwrite what is too much.
template <class T, class F>
PLAIT_INLINE void lay_rows(T* d, int64_t n, int64_t rows, F at) {
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

template <class T>
void gather(void* dst, const void* src, int64_t stride, int64_t row_stride, int64_t n, int64_t rows) {
  using V = Vec<T>;
  constexpr int L = kLanes<T>;
  constexpr int64_t kItem = sizeof(T);
  auto* __restrict d = static_cast<T*>(dst);
  const char* __restrict s = static_cast<const char*>(src);
  if (stride == 0) {
    return lay_rows(d, n, rows, [&](int64_t r, int64_t, int64_t) {
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
    return lay_rows(d, n, rows, [&](int64_t r, int64_t i, int64_t width) {
      const T* p = reinterpret_cast<const T*>(s + r * row_stride) + i;
      return width == L ? load(p) : load_n(p, width);
    });
  }
  for (int64_t r = 0; r < rows; ++r, s += row_stride, d += n) {
    int64_t i = 0;
    if (stride == -kItem) {  // reversed
      using I = MaskOf<V>;
      for (; i + L <= n; i += L) {
        const V v = load_bytes<V>(s - (i + L - 1) * kItem);
        const V reversed = __builtin_shuffle(v, static_cast<ElemT<I>>(L - 1) - iota<I>());
        __builtin_memcpy(d + i, &reversed, sizeof reversed);
      }
    }
    if constexpr (kItem >= 4) {
      if (stride == 2 * kItem) {
        for (; i + L < n; i += L) store(d + i, load_even(reinterpret_cast<const T*>(s) + 2 * i));
      }
    }
    for (; i < n; ++i) __builtin_memcpy(d + i, s + i * stride, sizeof(T));
  }
}

// Rows of kHalf to 2 kHalf bytes: the last kHalf once more over what they share with the first.
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
// The library's memcpy goes over to string instructions for rows of kilobytes, which are slow where the two
// sides are not aligned to each other: 3 times on Zen 3. Of short rows its call would be the larger part.
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
// The rows lie anywhere: their lines are asked for some rows ahead.
void take_rows(void* dst, const void* src, const int64_t* place, int64_t unit, int64_t bytes, int64_t rows) {
  constexpr int64_t kAhead = 8;
  const auto at = [=](int64_t r) { return static_cast<const char*>(src) + place[r] * unit; };
  move_rows(bytes, rows, [=](int64_t r) {
    if (r + kAhead < rows) __builtin_prefetch(at(r + kAhead));
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

// --- transpose
// ----------------------------------------------------------------------------------------------

// A block of rows x columns, at most a tile.
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
  turn<T>(r);
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

// Rows of one cache line of dst, a tile's columns. Written a line at a time: 4096 x 4096 floats around the
// caches run at 34 GB/s, by halves of lines at 25, through the caches at 15.
template <class T, bool kStream>
PLAIT_INLINE void transpose_lines(char* dst, int64_t dst_stride, const char* src, int64_t src_stride) {
  constexpr int B = kTile<T>, kParts = 64 / kTileBytes;
  TileRow<T> r[kParts][B];
#pragma GCC unroll 4
  for (int part = 0; part < kParts; ++part) {
#pragma GCC unroll 8
    for (int i = 0; i < B; ++i) r[part][i] = load_bytes<TileRow<T>>(src + (part * B + i) * src_stride);
    turn<T>(r[part]);
  }
  constexpr int kStored = kVecBytes / kTileBytes;  // parts of a store
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

// A few rows and one run of memory that holds them side by side, such as the channels of an image: element c
// of row r is at c * kRows + r of the run. Whole vectors of all rows are taken apart or put together by
// shuffles, each of which brings in the lanes of one more vector.
template <class T, int kRows, bool kApart>
PLAIT_INLINE void weave(Vec<T> (&v)[kRows]) {
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
        const int at = kApart ? l * kRows + i : i * L + l;
        const int vector = kApart ? at / L : at % kRows, lane = kApart ? at % L : at / kRows;
        from[l] = static_cast<ElemT<I>>(vector == k ? L + lane : k > 1 ? l : lane);
      }
      out[i] = __builtin_shuffle(out[i], v[k], from);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) v[i] = out[i];
}
template <class T, int kRows, bool kApart>
PLAIT_INLINE void few_rows(char* rows, int64_t stride, char* run, int64_t columns) {
  constexpr int L = kLanes<T>;
  int64_t c = 0;
  if constexpr (sizeof(T) >= 4) {
    for (; c + L <= columns; c += L) {
      Vec<T> v[kRows];
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        v[r] = load_bytes<Vec<T>>(kApart ? run + (c * kRows + r * L) * static_cast<int64_t>(sizeof(T))
                                         : rows + r * stride + c * static_cast<int64_t>(sizeof(T)));
      }
      weave<T, kRows, kApart>(v);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        __builtin_memcpy(kApart ? rows + r * stride + c * static_cast<int64_t>(sizeof(T))
                                : run + (c * kRows + r * L) * static_cast<int64_t>(sizeof(T)),
                         &v[r], sizeof v[r]);
      }
    }
  }
  for (; c < columns; ++c) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      char* a = rows + r * stride + c * static_cast<int64_t>(sizeof(T));
      char* b = run + (c * kRows + r) * static_cast<int64_t>(sizeof(T));
      __builtin_memcpy(kApart ? a : b, kApart ? b : a, sizeof(T));
    }
  }
}
template <class T, bool kApart>
PLAIT_INLINE void few_rows(char* rows, int64_t stride, char* run, int64_t n, int64_t columns) {
  if (n == 2) return few_rows<T, 2, kApart>(rows, stride, run, columns);
  if (n == 3) return few_rows<T, 3, kApart>(rows, stride, run, columns);
  few_rows<T, 4, kApart>(rows, stride, run, columns);
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
  // Elements below 4 bytes would need more registers than there are: blocks of 16 by loops.
  constexpr int64_t B = kSize >= 4 ? kTile<T> : 16;
  char* dst = static_cast<char*>(dst_v);
  const char* src = static_cast<const char*>(src_v);
  const auto few = [](int64_t n) { return n >= 2 && n <= 4; };
  if (few(rows) && dst_stride == rows * kSize) {
    return few_rows<T, false>(const_cast<char*>(src), src_stride, dst, rows, columns);
  }
  if (few(columns) && src_stride == columns * kSize) {
    return few_rows<T, true>(dst, dst_stride, const_cast<char*>(src), columns, rows);
  }
  // Blocks side by side, so that a row of dst gets a cache line at once: rows a power of two apart would
  // drive a half-written one out before its rest comes.
  constexpr int64_t kPair = kSize >= 4 ? 64 / kSize : 2 * B;
  for (int64_t r0 = 0; r0 < rows; r0 += kPair) {
    for (int64_t c = 0; c < columns; c += B) {
      if constexpr (kSize >= 4) {
        if (rows - r0 >= kPair && columns - c >= B) {
          transpose_lines<T, kStream>(dst + c * dst_stride + r0 * kSize, dst_stride,
                                      src + r0 * src_stride + c * kSize, src_stride);
          continue;
        }
      }
      for (int64_t r = r0; r < r0 + kPair && r < rows; r += B) {
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

}  // namespace

void fill_convert(KernelTable& table) {
  ConvertTable& t = table.convert;
  t.vector_bytes = kVecBytes;
  set_row<uint8_t>(t.convert[0]);  // bytes of 0 and 1
  set_row<uint8_t>(t.convert[1]);
  set_row<int8_t>(t.convert[2]);
  set_row<int16_t>(t.convert[3]);
  set_row<int32_t>(t.convert[4]);
  set_row<int64_t>(t.convert[5]);
  set_row<f16>(t.convert[6]);
  set_row<bf16>(t.convert[7]);
  set_row<float>(t.convert[8]);
  set_row<double>(t.convert[9]);
  t.identity[0] = identity<uint8_t>;
  t.identity[1] = identity<uint16_t>;
  t.identity[2] = identity<uint32_t>;
  t.identity[3] = identity<uint64_t>;
  t.copy_rows = copy_rows;
  t.take_rows = take_rows;
  t.gather[0] = gather<uint8_t>;
  t.gather[1] = gather<uint16_t>;
  t.gather[2] = gather<uint32_t>;
  t.gather[3] = gather<uint64_t>;
  t.scatter[0] = scatter<uint8_t>;
  t.scatter[1] = scatter<uint16_t>;
  t.scatter[2] = scatter<uint32_t>;
  t.scatter[3] = scatter<uint64_t>;
  t.transpose[0] = transpose<uint8_t, false>;
  t.transpose[1] = transpose<uint16_t, false>;
  t.transpose[2] = transpose<uint32_t, false>;
  t.transpose[3] = transpose<uint64_t, false>;
  t.transpose_stream[0] = transpose<uint8_t, false>;
  t.transpose_stream[1] = transpose<uint16_t, false>;
  t.transpose_stream[2] = transpose<uint32_t, true>;
  t.transpose_stream[3] = transpose<uint64_t, true>;
}

}  // namespace plait::PLAIT_ISA_NS
