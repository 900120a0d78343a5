// SPDX-License-Identifier: MIT
// Products of a matrix in compressed rows (CSR) with a dense one, over threads. A row of a result is summed
// by one thread in the order of the entries, so that no bit depends on the number of threads.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/sparse/sparse_args.h"

namespace plait {

// Whether `begin` rises from 0 to the number of entries, and all columns are below a.columns.
bool is_csr(const CsrMatrix& a, int64_t entries);

// y[rows, width] = A b, for b[columns, width]; float32 or float64.
void csr_times_dense(DType dtype, const CsrMatrix& a, const void* b, int64_t width, void* y);

// g[e] = sum_k gy[row of e, k] b[column of e, k]
void csr_sampled_product(DType dtype, const CsrMatrix& a, const void* gy, const void* b, int64_t width,
                         void* g);

// The same matrix by columns: entry i of the transpose is entry source[i] of A. Entries of a column stay in
// the order of the rows. Only the pattern is read.
void csr_transpose(const CsrMatrix& a, int64_t* begin, int64_t* column, int64_t* source);

}  // namespace plait
