// SPDX-License-Identifier: MIT
// Products of a matrix in compressed rows (CSR) with a dense one. A row of a result is summed by one thread
// in the order of the entries, so that no bit depends on the number of threads.
//
// Row r of the matrix has the entries begin[r] <= e < begin[r + 1]: values[e] in column column[e].
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace plait {

struct CsrMatrix {
  int64_t rows, columns;
  const int64_t* begin;   // [rows + 1], rising
  const int64_t* column;  // [entries]
  const void* values;     // [entries]
};

// y[rows, width] = A b, for b[columns, width]; float32 or float64.
void csr_times_dense(DType dtype, const CsrMatrix& a, const void* b, int64_t width, void* y);

// g[e] = sum_k gy[row of e, k] b[column of e, k]: what A b passes on to the values of A.
void csr_sampled_product(DType dtype, const CsrMatrix& a, const void* gy, const void* b, int64_t width,
                         void* g);

// The same matrix by columns: entry i of the transpose is entry source[i] of A. Entries of a column stay in
// the order of the rows. Only the pattern is read.
void csr_transpose(const CsrMatrix& a, int64_t* begin, int64_t* column, int64_t* source);

}  // namespace plait
