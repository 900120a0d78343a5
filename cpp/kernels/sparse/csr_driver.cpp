// SPDX-License-Identifier: MIT
#include "kernels/sparse/csr_driver.h"

#include <algorithm>

#include "core/parallel.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

int64_t entries_of(const CsrMatrix& a) { return a.rows ? a.begin[a.rows] : 0; }

// Calls run(first, last) for ranges of rows of about the same work: rows and entries count alike.
template <class F>
void for_rows(const CsrMatrix& a, int64_t width, F&& run) {
  // The first row r with begin[r] + r >= work.
  const auto row_at = [&](int64_t work) {
    int64_t low = 0, high = a.rows;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (a.begin[middle] + middle < work) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  parallel_for(entries_of(a) + a.rows, std::max<int64_t>(kGrainElements / std::max<int64_t>(width, 1), 1),
               [&](int64_t begin, int64_t end) {
                 const int64_t first = row_at(begin), last = row_at(end);
                 if (first < last) run(first, last);
               });
}

template <class T>
void times_dense(const CsrMatrix& a, const void* b, int64_t width, void* y) {
  for_rows(a, width, [&](int64_t first, int64_t last) {
    kernels().sparse.of<T>().times_dense(a, first, last, static_cast<const T*>(b), width, static_cast<T*>(y));
  });
}

template <class T>
void sampled_product(const CsrMatrix& a, const void* gy, const void* b, int64_t width, void* g) {
  for_rows(a, width, [&](int64_t first, int64_t last) {
    kernels().sparse.of<T>().sampled_product(a, first, last, static_cast<const T*>(gy),
                                             static_cast<const T*>(b), width, static_cast<T*>(g));
  });
}

}  // namespace

bool is_csr(const CsrMatrix& a, int64_t entries) {
  return a.begin[0] == 0 && a.begin[a.rows] == entries && std::is_sorted(a.begin, a.begin + a.rows + 1) &&
         kernels().index.inside(a.column, entries, a.columns);
}

void csr_times_dense(DType dtype, const CsrMatrix& a, const void* b, int64_t width, void* y) {
  (dtype == DType::kFloat64 ? times_dense<double> : times_dense<float>)(a, b, width, y);
}

void csr_sampled_product(DType dtype, const CsrMatrix& a, const void* gy, const void* b, int64_t width,
                         void* g) {
  (dtype == DType::kFloat64 ? sampled_product<double> : sampled_product<float>)(a, gy, b, width, g);
}

void csr_transpose(const CsrMatrix& a, int64_t* begin, int64_t* column, int64_t* source) {
  const int64_t entries = entries_of(a);
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
