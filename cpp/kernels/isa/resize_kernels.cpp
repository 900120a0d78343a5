// SPDX-License-Identifier: MIT
// Resizing along one axis (resize_args.h). Along rows the sums run over vectors of neighbours. Along columns
// as many rows as a vector has lanes are transposed in registers, so that a tap is one vector there too.
// Bound by arithmetic and, for bytes, by their conversion.
#include "kernels/isa/reduce_loop.h"
#include "kernels/isa/transpose.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

using Bytes = VecOf<uint8_t, kLanes<int32_t>>::type;

// GCC 12 takes a conversion of byte vectors apart into elements.
PLAIT_INLINE I32 widen_bytes(Bytes v) {
#if PLAIT_ISA_LEVEL == 2
  return (I32)_mm512_cvtepu8_epi32((__m128i)v);
#elif PLAIT_ISA_LEVEL == 1
  return (I32)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bit_cast<int64_t>(v)));
#else
  return __builtin_convertvector(v, I32);
#endif
}

// Elements of X as T.
template <class T, class X, class Tag>
PLAIT_INLINE Vec<T> load_as(const X* p, int64_t n, Tag tag) {
  if constexpr (kSame<X, T>) {
    return load_at(p, n, tag);
  } else {
    Bytes v{};
    __builtin_memcpy(&v, p, Tag::value ? sizeof v : static_cast<size_t>(n));
    return __builtin_convertvector(widen_bytes(v), Vec<T>);
  }
}

// Bytes are rounded and clamped.
template <class X, class T, class Tag>
PLAIT_INLINE void store_sum(X* p, Vec<T> v, int shift, int64_t n, Tag tag) {
  if constexpr (kSame<X, T>) {
    store_at(p, v, n, tag);
  } else {
    if constexpr (kIsFloat<T>) {
      v = v + splat<Vec<T>>(T(0.5));
    } else {
      v = (v + (T{1} << shift >> 1)) >> shift;
    }
    v = min(max(v, Vec<T>{}), splat<Vec<T>>(255));
    const Bytes bytes = __builtin_convertvector(__builtin_convertvector(v, I32), Bytes);
    __builtin_memcpy(p, &bytes, Tag::value ? sizeof bytes : static_cast<size_t>(n));
  }
}

template <class T>
PLAIT_INLINE Vec<T> add_product(T weight, Vec<T> x, Vec<T> sum) {
  if constexpr (kIsFloat<T>) {
    return fma(splat<Vec<T>>(weight), x, sum);
  } else {
    return sum + splat<Vec<T>>(weight) * x;
  }
}

template <class X, class T>
void resize_rows(const ResizeTaps<T>& t, int64_t n, const X* x, X* __restrict y) {
  for (int64_t i = t.first; i < t.last; ++i) {
    for_vectors<kLanes<T>>(n, [&](int64_t k, int64_t width, auto tag) {
      Vec<T> sum{};
      for (int64_t e = t.begin[i]; e < t.begin[i + 1]; ++e)
        sum = add_product(t.weight[e], load_as<T>(x + t.cell[e] * n + k, width, tag), sum);
      store_sum<X, T>(y + i * n + k, sum, t.shift, width, tag);
    });
  }
}

// The cells of up to kLanes rows, one vector for each cell.
template <class X, class T>
PLAIT_INLINE void load_columns(const ResizeTaps<T>& t, int64_t rows, int64_t stride, const X* x, T* scratch) {
  constexpr int L = kLanes<T>;
  for_vectors<L>(t.width, [&](int64_t k, int64_t width, auto tag) {
    Vec<T> v[L];
    for (int64_t r = 0; r < L; ++r)
      v[r] = load_as<T>(x + (r < rows ? r : 0) * stride + t.low + k, width, tag);
    transpose<T>(v);
    for (int64_t j = 0; j < width; ++j) store(scratch + (k + j) * L, v[j]);
  });
}

template <class X, class T>
void resize_columns(const ResizeTaps<T>& t, int64_t count, int64_t x_stride, int64_t y_stride, const X* x,
                    X* __restrict y, T* scratch) {
  constexpr int L = kLanes<T>;
  const T* const origin = scratch - t.low * L;
  for (int64_t row = 0; row < count; row += L) {
    const int64_t rows = count - row < L ? count - row : L;
    load_columns(t, rows, x_stride, x + row * x_stride, scratch);
    for_vectors<L>(t.last - t.first, [&](int64_t k, int64_t width, auto tag) {
      Vec<T> v[L]{};
      for (int64_t j = 0; j < width; ++j) {
        const int64_t i = t.first + k + j;
        for (int64_t e = t.begin[i]; e < t.begin[i + 1]; ++e)
          v[j] = add_product(t.weight[e], load(origin + t.cell[e] * int64_t{L}), v[j]);
      }
      transpose<T>(v);
      for (int64_t r = 0; r < rows; ++r)
        store_sum<X, T>(y + (row + r) * y_stride + t.first + k, v[r], t.shift, width, tag);
    });
  }
}

}  // namespace

void fill_resize(KernelTable& table) {
  table.resize.f32 = {resize_rows<float, float>, resize_columns<float, float>};
  table.resize.f64 = {resize_rows<double, double>, resize_columns<double, double>};
  table.resize.u8_f32 = {resize_rows<uint8_t, float>, resize_columns<uint8_t, float>};
  table.resize.u8_i32 = {resize_rows<uint8_t, int32_t>, resize_columns<uint8_t, int32_t>};
}

}  // namespace plait::PLAIT_ISA_NS
