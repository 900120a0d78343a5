// SPDX-License-Identifier: MIT
// Blocks of columns of the dense matrix, and within them the entries of a row. Bound by the rows of b that
// are read: width elements per entry, at random places.
#include "kernels/sparse/csr_driver.h"

#include <algorithm>

#include "core/parallel.h"

namespace plait {
namespace {

// Elements of work that a thread should have.
constexpr int64_t kGrain = 32768;

template <class F>
void for_rows(const CsrMatrix& a, int64_t width, F&& run) {
  const int64_t entries = a.rows ? a.begin[a.rows] : 0;
  const int64_t work_per_row = (entries + a.rows) / std::max<int64_t>(a.rows, 1) * width + 1;
  parallel_for(a.rows, std::max<int64_t>(kGrain / work_per_row, 1), run);
}

// Columns of the dense matrix whose sums stay in registers over the entries of a row.
constexpr int64_t kBlock = 16;

template <class T>
void sum_block(const CsrMatrix& a, int64_t row, const T* b, int64_t width, T* y) {
  const T* values = static_cast<const T*>(a.values);
  T sum[kBlock] = {};
  for (int64_t e = a.begin[row]; e < a.begin[row + 1]; ++e) {
    const T* in = b + a.column[e] * width;
    const T v = values[e];
    for (int64_t k = 0; k < kBlock; ++k) sum[k] += v * in[k];
  }
  std::copy_n(sum, kBlock, y);
}

template <class T>
void sum_rest(const CsrMatrix& a, int64_t row, const T* b, int64_t width, int64_t n, T* y) {
  const T* values = static_cast<const T*>(a.values);
  std::fill_n(y, n, T{0});
  for (int64_t e = a.begin[row]; e < a.begin[row + 1]; ++e) {
    const T* in = b + a.column[e] * width;
    const T v = values[e];
    for (int64_t k = 0; k < n; ++k) y[k] += v * in[k];
  }
}

template <class T>
void times_dense(const CsrMatrix& a, const T* b, int64_t width, T* y) {
  for_rows(a, width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      int64_t k = 0;
      for (; k + kBlock <= width; k += kBlock) sum_block(a, r, b + k, width, y + r * width + k);
      if (k < width) sum_rest(a, r, b + k, width, width - k, y + r * width + k);
    }
  });
}

template <class T>
void sampled_product(const CsrMatrix& a, const T* gy, const T* b, int64_t width, T* g) {
  for_rows(a, width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      for (int64_t e = a.begin[r]; e < a.begin[r + 1]; ++e) {
        const T *x = gy + r * width, *z = b + a.column[e] * width;
        T sum = 0;
        for (int64_t k = 0; k < width; ++k) sum += x[k] * z[k];
        g[e] = sum;
      }
    }
  });
}

}  // namespace

void csr_times_dense(DType dtype, const CsrMatrix& a, const void* b, int64_t width, void* y) {
  if (dtype == DType::kFloat64) {
    times_dense(a, static_cast<const double*>(b), width, static_cast<double*>(y));
  } else {
    times_dense(a, static_cast<const float*>(b), width, static_cast<float*>(y));
  }
}

void csr_sampled_product(DType dtype, const CsrMatrix& a, const void* gy, const void* b, int64_t width,
                         void* g) {
  if (dtype == DType::kFloat64) {
    sampled_product(a, static_cast<const double*>(gy), static_cast<const double*>(b), width,
                    static_cast<double*>(g));
  } else {
    sampled_product(a, static_cast<const float*>(gy), static_cast<const float*>(b), width,
                    static_cast<float*>(g));
  }
}

void csr_transpose(const CsrMatrix& a, int64_t* begin, int64_t* column, int64_t* source) {
  const int64_t entries = a.rows ? a.begin[a.rows] : 0;
  std::fill_n(begin, a.columns + 1, int64_t{0});
  // begin[c + 1] counts column c, then says where it ends, then, one place back, where its next entry goes.
  for (int64_t e = 0; e < entries; ++e) ++begin[a.column[e] + 1];
  for (int64_t c = 0; c < a.columns; ++c) begin[c + 1] += begin[c];
  for (int64_t r = 0; r < a.rows; ++r) {
    for (int64_t e = a.begin[r]; e < a.begin[r + 1]; ++e) {
      const int64_t place = begin[a.column[e]]++;
      column[place] = r;
      source[place] = e;
    }
  }
  std::copy_backward(begin, begin + a.columns, begin + a.columns + 1);
  begin[0] = 0;
}

}  // namespace plait
