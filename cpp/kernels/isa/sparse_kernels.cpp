// SPDX-License-Identifier: MIT
// Products of a sparse matrix with a dense one. Blocks of columns outside, rows, then the entries of a row,
// whose sums stay in registers. Bound by reading rows of b at random places: a block of them that fits into
// the second-level cache is read again from there.
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// Vectors of a block of columns. tuned: AVX-512, 20,000 x 20,000 with 10 entries a row times 256 columns: 4
// take 8.3 ms, 8 take 11, 16 take 10, 1 takes 34
constexpr int kBlock = 4;

// y[r, n] for n > (kVectors - 1) vectors and at most kVectors; where kFull, all of them.
template <int kVectors, bool kFull, class T>
void sum_block(const CsrMatrix& a, int64_t first, int64_t last, const T* b, int64_t width, int64_t n, T* y) {
  using V = Vec<T>;
  constexpr int L = kLanes<T>, kWhole = kFull ? kVectors : kVectors - 1;
  const T* values = static_cast<const T*>(a.values);
  const int64_t rest = n - kWhole * L;
  for (int64_t r = first; r < last; ++r) {
    V sum[kVectors]{};
    for (int64_t e = a.begin[r]; e < a.begin[r + 1]; ++e) {
      const T* in = b + a.column[e] * width;
      const V v = splat<V>(values[e]);
      for (int k = 0; k < kWhole; ++k) sum[k] = fma(v, load(in + k * L), sum[k]);
      if constexpr (!kFull) sum[kWhole] = fma(v, load_n(in + kWhole * L, rest), sum[kWhole]);
    }
    T* out = y + r * width;
    for (int k = 0; k < kWhole; ++k) store(out + k * L, sum[k]);
    if constexpr (!kFull) store_n(out + kWhole * L, sum[kWhole], rest);
  }
}

// The last columns, fewer than a block.
template <class T>
void sum_rest(const CsrMatrix& a, int64_t first, int64_t last, const T* b, int64_t width, int64_t n, T* y) {
  constexpr int L = kLanes<T>;
  using Run = void (*)(const CsrMatrix&, int64_t, int64_t, const T*, int64_t, int64_t, T*);
  static_assert(kBlock == 4);
  constexpr Run kWhole[] = {nullptr, sum_block<1, true, T>, sum_block<2, true, T>, sum_block<3, true, T>};
  constexpr Run kPartial[] = {sum_block<1, false, T>, sum_block<2, false, T>, sum_block<3, false, T>,
                              sum_block<4, false, T>};
  (n % L ? kPartial : kWhole)[n / L](a, first, last, b, width, n, y);
}

// One column: a vector would have one element that counts. Two sums, because one would wait for itself.
template <class T>
void times_vector(const CsrMatrix& a, int64_t first, int64_t last, const T* b, T* y) {
  const T* values = static_cast<const T*>(a.values);
  for (int64_t r = first; r < last; ++r) {
    T even = 0, odd = 0;
    int64_t e = a.begin[r];
    for (; e + 1 < a.begin[r + 1]; e += 2) {
      even += values[e] * b[a.column[e]];
      odd += values[e + 1] * b[a.column[e + 1]];
    }
    if (e < a.begin[r + 1]) even += values[e] * b[a.column[e]];
    y[r] = even + odd;
  }
}

template <class T>
void times_dense(const CsrMatrix& a, int64_t first, int64_t last, const T* b, int64_t width, T* y) {
  if (width == 1) return times_vector(a, first, last, b, y);
  constexpr int64_t kColumns = kBlock * kLanes<T>;
  int64_t k = 0;
  for (; k + kColumns <= width; k += kColumns)
    sum_block<kBlock, true>(a, first, last, b + k, width, kColumns, y + k);
  if (k < width) sum_rest(a, first, last, b + k, width, width - k, y + k);
}

template <class T>
T dot(const T* x, const T* z, int64_t n) {
  using V = Vec<T>;
  constexpr int L = kLanes<T>;
  V even{}, odd{};
  int64_t k = 0;
  for (; k + 2 * L <= n; k += 2 * L) {
    even = fma(load(x + k), load(z + k), even);
    odd = fma(load(x + k + L), load(z + k + L), odd);
  }
  for (; k < n; k += L) {
    const int64_t left = n - k < L ? n - k : L;
    even = fma(load_n(x + k, left), load_n(z + k, left), even);
  }
  return reduce_add(even + odd);
}

template <class T>
void sampled_product(const CsrMatrix& a, int64_t first, int64_t last, const T* gy, const T* b, int64_t width,
                     T* g) {
  for (int64_t r = first; r < last; ++r) {
    for (int64_t e = a.begin[r]; e < a.begin[r + 1]; ++e)
      g[e] = dot(gy + r * width, b + a.column[e] * width, width);
  }
}

}  // namespace

void fill_sparse(KernelTable& table) {
  table.sparse.f32 = {times_dense<float>, sampled_product<float>};
  table.sparse.f64 = {times_dense<double>, sampled_product<double>};
}

}  // namespace plait::PLAIT_ISA_NS
