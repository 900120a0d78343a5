// SPDX-License-Identifier: MIT
// Discrete Fourier transforms: Y[k] = sum over j of x[j] w^(j k), w = e^(-2 pi i / n), of complex numbers
// (re, im, re, im, ...). The inverse direction is the same with re and im exchanged on the way in and out.
//
// A kernel transforms as many lines at once as a vector has lanes, element by element: no shuffles but those
// that turn (re, im) pairs and blocks of lines into vectors. The lines are lines of the array, adjacent
// columns of it, or, of one long line n = rows x columns, its columns and then its rows:
//   Y[k1 + rows k2] = sum over b of w_columns^(b k2) (w^(b k1) sum over a of x[a columns + b] w_rows^(a k1))
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

// One pass of Stockham's algorithm: of `radix` parts, with `stride` the product of the radices before it and
// `rest` that of those behind it.
template <class T>
struct FftPass {
  int64_t radix, rest, stride;
  const T* twiddles;  // [rest - 1][radix - 1] complex: w^(j p), w of length radix * rest, p = 1, 2, ..., j =
                      // 1, 2, ...
};

inline constexpr int kMaxFftPasses = 40;

// A transform of n elements in each lane.
template <class T>
struct FftLanes {
  int64_t n;
  int passes;
  FftPass<T> pass[kMaxFftPasses];
  // Where n has a prime factor that is no radix: Bluestein's chirp of [n] complex, the transform of its
  // conjugate over the length of `convolution`, divided by that; else null.
  const FftLanes* convolution;
  const T* chirp;
  const T* filter;
  int64_t scratch;  // vectors that the transform needs
};

// One long line, see above.
template <class T>
struct FftLine {
  int64_t rows, columns;
  const FftLanes<T>* along_rows;     // of length rows
  const FftLanes<T>* along_columns;  // of length columns
  const T* first;                    // [columns / lanes][rows] complex: w^(g lanes k1)
  const T* second;                   // [rows][re, im][lanes]: w^(l k1)
};

// Elements of transforms in memory: element j of line l is at data + 2 (j element + l line).
template <class T>
struct FftArray {
  T* data;
  int64_t element, line;
};

template <class T>
struct FftKernels {
  int64_t lanes;
  // y = scale * transform of x, of `lines` lines, at most `lanes`; x and y may be the same. Neighbours in
  // memory are elements (element = 1) or lines (line = 1). `scratch`: plan.scratch vectors.
  void (*lanes_of)(const FftLanes<T>& plan, FftArray<const T> x, FftArray<T> y, int64_t lines, bool inverse,
                   T scale, T* scratch);
  // The same for reals: y[n + 1] complex of x[2 n] reals, taken as pairs, and back; `twiddles` as below.
  void (*real_lanes_of)(const FftLanes<T>& plan, FftArray<const T> x, const T* twiddles, FftArray<T> y,
                        int64_t lines, T scale, T* scratch);
  void (*inverse_real_lanes_of)(const FftLanes<T>& plan, FftArray<const T> y, const T* twiddles,
                                FftArray<T> x, int64_t lines, T scale, T* scratch);
  // The columns of group g of a long line, [lanes] of them, into t[columns][row blocks][re, im][lanes].
  void (*columns_of)(const FftLine<T>& plan, const T* x, T* t, int64_t group, bool inverse, T* scratch);
  // The rows of block g from there into the result.
  void (*rows_of)(const FftLine<T>& plan, const T* t, T* y, int64_t block, bool inverse, T scale, T* scratch);
  // y = scale a b of [n] complex, of the conjugate of a and giving that of y where told.
  void (*multiply)(const T* a, const T* b, T* y, int64_t n, bool conjugate_a, bool conjugate_y, T scale);
  // The transform of 2 n reals from that of n complex z[j] = x[2j] + i x[2j + 1] for pairs k, n - k, and
  // back. z and y hold n + 1 complex, twiddles [n / 2 + 1]: e^(-i pi k / n).
  void (*real_from_half)(const T* z, const T* twiddles, T* y, int64_t n, T scale);
  // The inverse, times 2 n, as the unnormalised inverse of n complex expects it.
  void (*half_from_real)(const T* y, const T* twiddles, T* z, int64_t n);
};

struct FftTable : PerReal<FftKernels> {};

}  // namespace plait
