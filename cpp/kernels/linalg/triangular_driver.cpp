// SPDX-License-Identifier: MIT
// Cholesky and LU factors, and systems with them.
#include <cstring>

#include "kernels/linalg/blocked.h"
#include "kernels/linalg/linalg_split.h"

namespace plait::linalg {
namespace {

template <class T>
void clear_upper(T* a, int64_t n) {
  for (int64_t j = 1; j < n; ++j) std::fill_n(a + j * n, j, T{});
}

template <class T>
bool in_lanes(int64_t LinalgTuning::* limit, int64_t size) {
  if constexpr (kIsReal<T>) {
    return size <= kernels().linalg.of<T>().tuning.*limit;
  } else {
    return false;
  }
}

// Pivots of a group, [k][lanes], into [count][k] and back.
void store_pivots(const int32_t* group, int64_t lanes, int64_t k, int64_t n, int32_t* pivots) {
  for (int64_t lane = 0; lane < n; ++lane) {
    for (int64_t i = 0; i < k; ++i) pivots[lane * k + i] = group[i * lanes + lane];
  }
}
void load_pivots(const int32_t* pivots, int64_t lanes, int64_t k, int64_t n, int32_t* group) {
  for (int64_t lane = 0; lane < lanes; ++lane) {
    for (int64_t i = 0; i < k; ++i) group[i * lanes + lane] = pivots[std::min(lane, n - 1) * k + i];
  }
}

// Many columns of one matrix have lanes enough without this.
template <class T>
bool systems_in_lanes(int64_t n, const Matrices<T>& b) {
  return in_lanes<T>(&LinalgTuning::triangular, n) && (b.count > 1 || b.cols <= 16);
}

template <class T>
int32_t factor_one(int64_t m, int64_t n, T* a, int32_t* pivots) {
  if constexpr (kIsReal<T>) {
    if (std::min(m, n) >= kBlockedSize) return lu_blocked(m, n, a, m, pivots);
    return kernels().linalg_panel.of<T>().lu(m, n, a, leading(m), pivots);
  } else {
    return lapack::getrf(to_int(m), to_int(n), a, leading(m), pivots);
  }
}

// The triangle that is meant, of column-major A (n x n).
template <class T>
Triangle<T> triangle(const T* a, int64_t n, const TriangleOptions& o) {
  const bool trans = o.trans != Trans::kNo;
  return {a, n, trans ? n : 1, trans ? 1 : n, o.lower == trans, o.unit};
}

// A system with a triangle for a run of columns, by LAPACK.
template <class T>
void solve_run(const T* a, int64_t n, int64_t ld, const TriangleOptions& o, T* b, int64_t ldb, int64_t cols) {
  lapack::trtrs(o.lower, static_cast<char>(o.trans), o.unit, to_int(n), to_int(cols), a, leading(ld), b,
                leading(ldb));
}

// A system with a triangle for `cols` columns.
template <class T>
void solve_one(const T* a, int64_t n, const TriangleOptions& o, T* b, int64_t cols) {
  if constexpr (kIsReal<T>) {
    const RightSides<T> x(b, n, n, cols);
    x.solve(triangle(a, n, o));
    x.store(b, n);
  } else {
    for_columns(cols, [&](int64_t first, int64_t count) { solve_run(a, n, n, o, b + first * n, n, count); });
  }
}

// Exchanges rows of a run of columns, or undoes it.
template <class T>
void exchange(const int32_t* pivots, int64_t n, bool back, T* b, int64_t cols) {
  for (int64_t c = 0; c < cols; ++c) {
    T* const column = b + c * n;
    for (int64_t step = 0; step < n; ++step) {
      const int64_t i = back ? n - 1 - step : step;
      std::swap(column[i], column[pivots[i] - 1]);
    }
  }
}

// X by P A = L U: X = U^-1 L^-1 P B, or for A^T (A^H): X = P^T L^-T U^-T B.
template <class T>
void solve_factored(const T* lu, int64_t n, const int32_t* pivots, Trans trans, T* b, int64_t cols) {
  const TriangleOptions lower = {.lower = true, .trans = trans, .unit = true},
                        upper = {.lower = false, .trans = trans};
  const bool direct = trans == Trans::kNo;
  const TriangleOptions &first = direct ? lower : upper, &second = direct ? upper : lower;
  if constexpr (kIsReal<T>) {
    const RightSides<T> x(b, n, n, cols);
    if (direct) x.exchange(pivots, false);
    x.solve(triangle(lu, n, first));
    x.solve(triangle(lu, n, second));
    if (!direct) x.exchange(pivots, true);
    x.store(b, n);
  } else {
    for_columns(cols, [&](int64_t begin, int64_t count) {
      T* const run = b + begin * n;
      if (direct) exchange(pivots, n, false, run, count);
      solve_run(lu, n, n, first, run, n, count);
      solve_run(lu, n, n, second, run, n, count);
      if (!direct) exchange(pivots, n, true, run, count);
    });
  }
}

// A^-1 into y by its factors.
template <class T>
void invert_one(int64_t n, const T* lu, const int32_t* pivots, T* y) {
  if constexpr (kIsReal<T>) {
    invert_factored(n, lu, pivots, y);
  } else {  // U^-1 L^-1 P: column j of L^-1 begins at its row j; P exchanges columns of the product.
    for_columns(n, [&](int64_t first, int64_t count) {
      T* const x = y + first * n;
      std::fill_n(x, count * n, T{});
      for (int64_t j = 0; j < count; ++j) x[j * n + first + j] = T(1);
      solve_run(lu + first * (n + 1), n - first, n, {.lower = true, .unit = true}, x + first, n, count);
      solve_run(lu, n, n, {.lower = false}, x, n, count);
    });
    for (int64_t j = n; j-- > 0;) {
      if (const int64_t p = pivots[j] - 1; p != j) std::swap_ranges(y + j * n, y + (j + 1) * n, y + p * n);
    }
  }
}

// P A = L U: X = U^-1 L^-1 P B, or for A^T: X = P^T L^-T U^-T B.
template <class T>
void solve_group(const Matrices<const T>& lu, const int32_t* pivots, bool transpose, const Matrices<T>& b,
                 int64_t first, int64_t count) {
  const auto& table = kernels().linalg.of<T>();
  const int64_t n = lu.rows;
  const LaneGroup<T> factors(lu, first, count), x(read_only(b), first, count);
  if (transpose) {
    table.solve_triangular({factors.transposed(), x.matrix(), false, false});
    table.solve_triangular({factors.transposed(), x.matrix(), true, true});
    x.store(b, first, count);
    for (int64_t i = 0; i < count; ++i) exchange(pivots + i * n, n, true, b.matrix(first + i), b.cols);
    return;
  }
  const Workspace order(static_cast<size_t>(n * table.lanes) * sizeof(int32_t));
  load_pivots(pivots, table.lanes, n, count, order.as<int32_t>());
  table.permute(x.matrix(), order.as<int32_t>(), n);
  table.solve_triangular({factors.matrix(), x.matrix(), false, true});
  table.solve_triangular({factors.matrix(), x.matrix(), true, false});
  x.store(b, first, count);
}

// A system with the triangle or its transpose, by the triangle that is meant.
template <class T>
LaneTriangle<T> lane_triangle(const LaneGroup<T>& a, const TriangleOptions& o, const LaneMatrix<T>& b) {
  const bool trans = o.trans != Trans::kNo;
  return {trans ? a.transposed() : a.matrix(), b, o.lower == trans, o.unit};
}

}  // namespace

template <class T>
void cholesky(const Matrices<T>& a, int32_t* info) {
  const int64_t n = a.rows;
  if constexpr (kIsReal<T>) {
    if (in_lanes<T>(&LinalgTuning::cholesky, n)) {
      const auto& table = kernels().linalg.of<T>();
      return for_groups<T>(a.count, cube(n, n, n) / 6, [&](int64_t first, int64_t count) {
        int32_t failed[kMostLanes] = {};
        const LaneGroup<T> group(read_only(a), first, count);
        table.cholesky(group.matrix(), failed);
        group.store(a, first, count);
        std::copy_n(failed, count, info + first);
      });
    }
  }
  for_matrices(a.count, cube(n, n, n) / 6, [&](int64_t i) {
    info[i] = lapack::potrf(true, to_int(n), a.matrix(i), leading(n));
    clear_upper(a.matrix(i), n);
  });
}

template <class T>
void cholesky_inverse(const Matrices<T>& l) {
  const int64_t n = l.rows;
  for_matrices(l.count, cube(n, n, n) / 3,
               [&](int64_t i) { lapack::potri(true, to_int(n), l.matrix(i), leading(n)); });
}

template <class T>
void lu_factor(const Matrices<T>& a, int32_t* pivots, int32_t* info) {
  const int64_t m = a.rows, n = a.cols, k = std::min(m, n);
  const double work = cube(m, n, k) / 3;
  if constexpr (kIsReal<T>) {
    if (in_lanes<T>(&LinalgTuning::lu, std::max(m, n))) {
      const auto& table = kernels().linalg.of<T>();
      return for_groups<T>(a.count, work, [&](int64_t first, int64_t count) {
        int32_t failed[kMostLanes] = {};
        const LaneGroup<T> group(read_only(a), first, count);
        const Workspace order(static_cast<size_t>(k * table.lanes) * sizeof(int32_t));
        table.lu(group.matrix(), order.as<int32_t>(), failed);
        group.store(a, first, count);
        store_pivots(order.as<int32_t>(), table.lanes, k, count, pivots + first * k);
        std::copy_n(failed, count, info + first);
      });
    }
  }
  for_matrices(a.count, work, [&](int64_t i) { info[i] = factor_one(m, n, a.matrix(i), pivots + i * k); });
}

template <class T>
void lu_solve(const Matrices<const T>& lu, const int32_t* pivots, Trans trans, const Matrices<T>& b) {
  const int64_t n = lu.rows, k = b.cols;
  if constexpr (kIsReal<T>) {
    if (systems_in_lanes<T>(n, b)) {
      return for_groups<T>(b.count, cube(n, n, k), [&](int64_t first, int64_t count) {
        solve_group(lu, pivots + first * n, trans != Trans::kNo, b, first, count);
      });
    }
  }
  for_matrices(b.count, cube(n, n, k),
               [&](int64_t i) { solve_factored(lu.matrix(i), n, pivots + i * n, trans, b.matrix(i), k); });
}

template <class T>
void inverse(const Matrices<T>& a, const Matrices<T>& y, int32_t* info) {
  const int64_t n = a.rows;
  if constexpr (kIsReal<T>) {
    if (in_lanes<T>(&LinalgTuning::lu, n)) {
      const auto& table = kernels().linalg.of<T>();
      return for_groups<T>(a.count, cube(n, n, n), [&](int64_t first, int64_t count) {
        int32_t failed[kMostLanes] = {};
        const LaneGroup<T> lu(read_only(a), first, count), x(n, n);
        const Workspace order(static_cast<size_t>(n * table.lanes) * sizeof(int32_t));
        table.lu(lu.matrix(), order.as<int32_t>(), failed);
        for (int64_t e = 0; e < n * n; ++e)
          std::fill_n(x.data() + e * table.lanes, table.lanes, T(e % (n + 1) == 0));
        table.permute(x.matrix(), order.as<int32_t>(), n);
        table.solve_triangular({lu.matrix(), x.matrix(), false, true});
        table.solve_triangular({lu.matrix(), x.matrix(), true, false});
        x.store(y, first, count);
        std::copy_n(failed, count, info + first);
      });
    }
  }
  const Workspace space(static_cast<size_t>(n * a.count) * sizeof(int32_t));
  int32_t* const pivots = space.as<int32_t>();
  for_matrices(a.count, cube(n, n, n), [&](int64_t i) {
    info[i] = factor_one(n, n, a.matrix(i), pivots + i * n);
    invert_one(n, a.matrix(i), pivots + i * n, y.matrix(i));
  });
}

template <class T>
void solve_triangular(const Matrices<const T>& a, const TriangleOptions& options, const Matrices<T>& b) {
  const int64_t n = a.rows, k = b.cols;
  if constexpr (kIsReal<T>) {
    if (systems_in_lanes<T>(n, b)) {
      const auto& table = kernels().linalg.of<T>();
      return for_groups<T>(b.count, cube(n, n, k) / 2, [&](int64_t first, int64_t count) {
        const LaneGroup<T> triangle(a, first, count), x(read_only(b), first, count);
        table.solve_triangular(lane_triangle(triangle, options, x.matrix()));
        x.store(b, first, count);
      });
    }
  }
  for_matrices(b.count, cube(n, n, k) / 2,
               [&](int64_t i) { solve_one(a.matrix(i), n, options, b.matrix(i), k); });
}

template <class T>
void ldl_factor(const Matrices<T>& a, bool hermitian, int32_t* pivots, int32_t* info) {
  const int64_t n = a.rows;
  for_matrices(a.count, cube(n, n, n) / 3, [&](int64_t i) {
    info[i] = lapack::sytrf(true, hermitian, to_int(n), a.matrix(i), leading(n), pivots + i * n);
  });
}

template <class T>
void ldl_solve(const Matrices<const T>& ld, const int32_t* pivots, bool hermitian, const Matrices<T>& b) {
  const int64_t n = ld.rows, k = b.cols;
  for_matrices(b.count, cube(n, n, k), [&](int64_t i) {
    lapack::sytrs(true, hermitian, to_int(n), to_int(k), ld.matrix(i), leading(n), pivots + i * n,
                  b.matrix(i), leading(n));
  });
}

#define PLAIT_INSTANTIATE(T)                                                                               \
  template void cholesky<T>(const Matrices<T>&, int32_t*);                                                 \
  template void cholesky_inverse<T>(const Matrices<T>&);                                                   \
  template void lu_factor<T>(const Matrices<T>&, int32_t*, int32_t*);                                      \
  template void lu_solve<T>(const Matrices<const T>&, const int32_t*, Trans, const Matrices<T>&);          \
  template void inverse<T>(const Matrices<T>&, const Matrices<T>&, int32_t*);                              \
  template void solve_triangular<T>(const Matrices<const T>&, const TriangleOptions&, const Matrices<T>&); \
  template void ldl_factor<T>(const Matrices<T>&, bool, int32_t*, int32_t*);                               \
  template void ldl_solve<T>(const Matrices<const T>&, const int32_t*, bool, const Matrices<T>&);
PLAIT_LINALG_TYPES(PLAIT_INSTANTIATE)
#undef PLAIT_INSTANTIATE

}  // namespace plait::linalg
