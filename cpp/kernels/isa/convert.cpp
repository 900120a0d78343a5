// SPDX-License-Identifier: MIT
// Copies that are not memcpy. Conversions and gathers are bound by load and store slots; the transposes work
// on blocks of L x L elements in registers (L lanes: log2(L) rounds of two-row shuffles), so that every cache
// line is read and written whole, and are bound by memory.
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

template <class To, class From>
void convert(void* dst_v, const void* src_v, int64_t n) {
  auto* __restrict dst = static_cast<To*>(dst_v);
  const auto* __restrict src = static_cast<const From*>(src_v);
  if constexpr (!kIs16Bit<To> && !kIs16Bit<From>) {
    for (int64_t i = 0; i < n; ++i) dst[i] = cast_element<To>(src[i]);
  } else {
    // Through F32, one vector at a time.
    constexpr int L = kLanes<float>;
    for (int64_t i = 0; i < n; i += L) {
      const int64_t m = n - i < L ? n - i : L;
      alignas(kVecBytes) float buffer[L];
      F32 x;
      if constexpr (kIs16Bit<From> || kSame<From, float>) {
        x = m == L ? load(src + i) : load_n(src + i, m);
      } else {
        if (m < L) store(buffer, F32{});
        for (int64_t j = 0; j < m; ++j) buffer[j] = static_cast<float>(src[i + j]);
        x = load(buffer);
      }
      if constexpr (kIs16Bit<To> || kSame<To, float>) {
        if (m == L) {
          store(dst + i, x);
        } else {
          store_n(dst + i, x, m);
        }
      } else {
        store(buffer, x);
        for (int64_t j = 0; j < m; ++j) dst[i + j] = cast_element<To>(buffer[j]);
      }
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

template <class T>
void gather(void* dst, const void* src, int64_t stride, int64_t n) {
  auto* __restrict d = static_cast<T*>(dst);
  const char* __restrict s = static_cast<const char*>(src);
  if (stride == 0) {
    T v;
    __builtin_memcpy(&v, s, sizeof v);
    for (int64_t i = 0; i < n; ++i) d[i] = v;
    return;
  }
  if (stride == -static_cast<int64_t>(sizeof(T))) {  // reversed
    using V = Vec<T>;
    using I = MaskOf<V>;
    constexpr int L = kLanes<T>;
    for (; n >= L; n -= L, d += L, s += L * stride) {
      const V v = load_bytes<V>(s + (L - 1) * stride);
      const V r = __builtin_shuffle(v, static_cast<ElemT<I>>(L - 1) - iota<I>());
      __builtin_memcpy(d, &r, sizeof r);
    }
  }
  for (int64_t i = 0; i < n; ++i, s += stride) __builtin_memcpy(d + i, s, sizeof(T));
}

// The library's memcpy goes over to string instructions for rows of kilobytes, which are slow where the two
// sides are not aligned to each other: 3 times on Zen 3.
void copy_rows(void* dst_v, int64_t dst_stride, const void* src_v, int64_t src_stride, int64_t bytes,
               int64_t rows) {
  using V = Vec<uint8_t>;
  char* dst = static_cast<char*>(dst_v);
  const char* src = static_cast<const char*>(src_v);
  for (int64_t r = 0; r < rows; ++r, dst += dst_stride, src += src_stride) {
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
    for (; i + 4 <= bytes; i += 4) __builtin_memcpy(dst + i, src + i, 4);
    for (; i < bytes; ++i) dst[i] = src[i];
  }
}
template <class T>
void identity(void* out, const void* const* in, uint32_t broadcast, int64_t n) {
  if (broadcast) {
    gather<T>(out, in[0], 0, n);
  } else {
    __builtin_memcpy(out, in[0], static_cast<size_t>(n) * sizeof(T));
  }
}
template <class T>
void scatter(void* dst, int64_t stride, const void* src, int64_t n) {
  char* __restrict d = static_cast<char*>(dst);
  const auto* __restrict s = static_cast<const T*>(src);
  for (int64_t i = 0; i < n; ++i, d += stride) __builtin_memcpy(d, s + i, sizeof(T));
}

// --- transpose
// ----------------------------------------------------------------------------------------------

// Rows i and i + w exchange the upper and lower halves of their runs of 2w lanes.
template <class V, int kWidth>
PLAIT_INLINE void exchange(V& a, V& b) {
  using I = MaskOf<V>;
  constexpr int L = static_cast<int>(sizeof(V) / sizeof(ElemT<V>));
  I low, high;
  for (int i = 0; i < L; ++i) {
    const bool upper = i & kWidth;
    low[i] = static_cast<ElemT<I>>(upper ? L + i - kWidth : i);
    high[i] = static_cast<ElemT<I>>(upper ? L + i : i + kWidth);
  }
  const V x = __builtin_shuffle(a, b, low), y = __builtin_shuffle(a, b, high);
  a = x;
  b = y;
}
template <class V, int kWidth, int L>
PLAIT_INLINE void exchange_rounds(V (&r)[L]) {
  if constexpr (kWidth > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) {
      if (!(i & kWidth)) exchange<V, kWidth>(r[i], r[i + kWidth]);
    }
    exchange_rounds<V, kWidth / 2>(r);
  }
}

template <class T>
PLAIT_INLINE void transpose_block(char* dst, int64_t dst_stride, const char* src, int64_t src_stride) {
  constexpr int L = kLanes<T>;
  Vec<T> r[L];
#pragma GCC unroll 16
  for (int i = 0; i < L; ++i) r[i] = load_bytes<Vec<T>>(src + i * src_stride);
  exchange_rounds<Vec<T>, L / 2>(r);
#pragma GCC unroll 16
  for (int i = 0; i < L; ++i) __builtin_memcpy(dst + i * dst_stride, &r[i], sizeof r[i]);
}

// A few rows to interleave (the channels of an image): the number of rows is a constant.
template <class T, int kRows>
PLAIT_INLINE void interleave(char* dst, int64_t dst_stride, const char* src, int64_t src_stride,
                             int64_t columns) {
  for (int64_t c = 0; c < columns; ++c, dst += dst_stride, src += sizeof(T)) {
    T v[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) __builtin_memcpy(v + r, src + r * src_stride, sizeof(T));
    __builtin_memcpy(dst, v, sizeof v);
  }
}

template <class T>
PLAIT_INLINE void transpose_edge(char* dst, int64_t dst_stride, const char* src, int64_t src_stride,
                                 int64_t rows, int64_t columns) {
  if (rows == 2) return interleave<T, 2>(dst, dst_stride, src, src_stride, columns);
  if (rows == 3) return interleave<T, 3>(dst, dst_stride, src, src_stride, columns);
  if (rows == 4) return interleave<T, 4>(dst, dst_stride, src, src_stride, columns);
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = 0; r < rows; ++r) {
      __builtin_memcpy(dst + c * dst_stride + r * static_cast<int64_t>(sizeof(T)),
                       src + r * src_stride + c * static_cast<int64_t>(sizeof(T)), sizeof(T));
    }
  }
}

template <class T>
void transpose(void* dst_v, int64_t dst_stride, const void* src_v, int64_t src_stride, int64_t rows,
               int64_t columns) {
  constexpr int64_t kSize = sizeof(T);
  // Elements below 4 bytes would need more registers than there are: blocks of 16 by loops.
  constexpr int64_t B = kSize >= 4 ? kLanes<T> : 16;
  char* dst = static_cast<char*>(dst_v);
  const char* src = static_cast<const char*>(src_v);
  if (rows <= 4) return transpose_edge<T>(dst, dst_stride, src, src_stride, rows, columns);
  // Blocks in pairs, so that a row of dst gets a cache line at once: rows a power of two apart would drive a
  // half-written one out before its other half comes.
  constexpr int64_t kPair = 2 * B;
  for (int64_t r0 = 0; r0 < rows; r0 += kPair) {
    for (int64_t c = 0; c < columns; c += B) {
      for (int64_t r = r0; r < r0 + kPair && r < rows; r += B) {
        char* d = dst + c * dst_stride + r * kSize;
        const char* s = src + r * src_stride + c * kSize;
        if (r + B <= rows && c + B <= columns) {
          if constexpr (kSize >= 4) {
            transpose_block<T>(d, dst_stride, s, src_stride);
          } else {
            transpose_edge<T>(d, dst_stride, s, src_stride, B, B);
          }
        } else {
          transpose_edge<T>(d, dst_stride, s, src_stride, rows - r < B ? rows - r : B,
                            columns - c < B ? columns - c : B);
        }
      }
    }
  }
}

}  // namespace

void fill_convert(KernelTable& table) {
  ConvertTable& t = table.convert;
  set_row<bool>(t.convert[0]);
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
  t.gather[0] = gather<uint8_t>;
  t.gather[1] = gather<uint16_t>;
  t.gather[2] = gather<uint32_t>;
  t.gather[3] = gather<uint64_t>;
  t.scatter[0] = scatter<uint8_t>;
  t.scatter[1] = scatter<uint16_t>;
  t.scatter[2] = scatter<uint32_t>;
  t.scatter[3] = scatter<uint64_t>;
  t.transpose[0] = transpose<uint8_t>;
  t.transpose[1] = transpose<uint16_t>;
  t.transpose[2] = transpose<uint32_t>;
  t.transpose[3] = transpose<uint64_t>;
}

}  // namespace plait::PLAIT_ISA_NS
