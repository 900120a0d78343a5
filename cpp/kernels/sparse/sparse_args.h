// SPDX-License-Identifier: MIT
// Products of a matrix in compressed rows (CSR) with a dense one:
//   y = A b          y[r, :] = sum over the entries e of row r of values[e] b[column[e], :]
//   g = gy b^T at A  g[e] = gy[row of e, :] . b[column[e], :], what A b passes on to the values of A
// Row r of A has the entries begin[r] <= e < begin[r + 1]: values[e] in column column[e].
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

struct CsrMatrix {
  int64_t rows, columns;
  const int64_t* begin;   // [rows + 1], rising
  const int64_t* column;  // [entries]
  const void* values;     // [entries]
};

template <class T>
struct SparseKernels {
  // y[r, width] for first <= r < last, for b[columns, width]
  void (*times_dense)(const CsrMatrix& a, int64_t first, int64_t last, const T* b, int64_t width, T* y);
  // g[e] for the entries of the rows first <= r < last, for gy[rows, width] and b[columns, width]
  void (*sampled_product)(const CsrMatrix& a, int64_t first, int64_t last, const T* gy, const T* b,
                          int64_t width, T* g);
};

using SparseTable = PerReal<SparseKernels>;

}  // namespace plait
