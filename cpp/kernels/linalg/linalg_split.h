// SPDX-License-Identifier: MIT
// How the drivers of decompositions split batches over threads. Private to the files of this folder.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/error.h"
#include "core/parallel.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"
#include "kernels/linalg/linalg_driver.h"

namespace plait::linalg {

template <class T>
inline constexpr bool kIsReal = std::is_same_v<T, Real<T>>;

#define PLAIT_LINALG_TYPES(X) X(float) X(double) X(std::complex<float>) X(std::complex<double>)

// Work is counted in multiply-adds; a thread is worth this many.
inline constexpr double kThreadWork = 50'000;

// f(i) for every matrix, `work` each.
template <class F>
void for_matrices(int64_t count, double work, F f) {
  const auto grain = static_cast<int64_t>(std::ceil(kThreadWork / std::max(work, 1.0)));
  parallel_for(count, std::max<int64_t>(grain, 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i);
  });
}

// f(first, n) for groups of as many matrices as a vector has lanes. A group costs little more than one
// matrix.
template <class T, class F>
void for_groups(int64_t count, double work, F f) {
  const int64_t lanes = kernels().linalg.of<T>().lanes;
  for_matrices((count + lanes - 1) / lanes, 4 * work, [&](int64_t group) {
    const int64_t first = group * lanes;
    f(first, std::min(lanes, count - first));
  });
}

// f(first, count) for runs of columns of a right side. A run is a constant number of columns, so that no bit
// depends on threads.
inline constexpr int64_t kColumnRun = 64;
template <class F>
void for_columns(int64_t n, F f) {
  parallel_chunks((n + kColumnRun - 1) / kColumnRun, [&](int64_t run) {
    const int64_t first = run * kColumnRun;
    f(first, std::min(kColumnRun, n - first));
  });
}

inline double cube(int64_t a, int64_t b, int64_t c) {
  return static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
}

inline int to_int(int64_t n) {
  PLAIT_CHECK(n <= INT32_MAX, kValue,
              "linalg: expected matrices of at most 2147483647 rows and columns, got ", n);
  return static_cast<int>(n);
}
// A leading dimension is at least 1.
inline int leading(int64_t rows) { return std::max(1, to_int(rows)); }

// The matrices of a group in the lanes' layout: a copy of `n` matrices from `first` on.
template <class T>
class LaneGroup {
 public:
  LaneGroup(const Matrices<const T>& from, int64_t first, int64_t n) : LaneGroup(from.rows, from.cols) {
    table_.interleave(data(), from.matrix(first), from.size(), from.size(), n);
  }
  LaneGroup(int64_t rows, int64_t cols)
      : rows_(rows), cols_(cols), space_(static_cast<size_t>(rows * cols * table_.lanes) * sizeof(T)) {}
  void store(const Matrices<T>& to, int64_t first, int64_t n) const {
    table_.deinterleave(to.matrix(first), to.size(), to.size(), n, data());
  }
  T* data() const { return space_.template as<T>(); }
  LaneMatrix<T> matrix() const { return {data(), rows_, cols_, 1, rows_}; }
  LaneMatrix<T> transposed() const { return {data(), cols_, rows_, rows_, 1}; }

 private:
  const LinalgKernels<T>& table_ = kernels().linalg.of<T>();
  int64_t rows_, cols_;
  Workspace space_;
};

template <class T>
Matrices<const T> read_only(const Matrices<T>& a) {
  return {a.data, a.rows, a.cols, a.count};
}

inline constexpr int64_t kMostLanes = 16;

template <class T>
bool all_finite(const T* a, int64_t n) {
  if constexpr (kIsReal<T>) {
    T sum = 0;  // of zeros, or NaN
    for (int64_t i = 0; i < n; ++i) sum += a[i] * 0;
    return sum == 0;
  } else {
    return all_finite(reinterpret_cast<const Real<T>*>(a), 2 * n);
  }
}

}  // namespace plait::linalg
