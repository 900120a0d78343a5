// SPDX-License-Identifier: MIT
// QR factors, singular values, eigenvalues and least squares.
#include <cstring>
#include <numeric>

#include "kernels/linalg/blocked.h"
#include "kernels/linalg/linalg_split.h"

namespace plait::linalg {
namespace {

// The order of a group's values in one lane, ascending or descending.
template <class T>
void order_of(const T* values, int64_t n, int64_t lanes, int64_t lane, bool ascending, int64_t* order) {
  std::iota(order, order + n, 0);
  std::sort(order, order + n, [&](int64_t i, int64_t j) {
    const T x = values[i * lanes + lane], y = values[j * lanes + lane];
    return x == y ? i < j : (x < y) == ascending;
  });
}

// Whether squares of the elements neither over- nor underflow.
template <class T>
bool moderate(const T* a, int64_t n) {
  T most = 0;
  for (int64_t i = 0; i < n; ++i) most = std::max(most, std::abs(a[i]));
  return most < std::sqrt(std::numeric_limits<T>::max()) / static_cast<T>(n) &&
         most > std::sqrt(std::numeric_limits<T>::min()) / std::numeric_limits<T>::epsilon();
}

// A = Q T Q^T with T tridiagonal, T = Z diag(w) Z^T by divide and conquer, V = Q Z. The product runs on all
// threads.
template <class T>
int32_t eigh_one(int64_t n, T* a, bool vectors, Real<T>* w) {
  if constexpr (kIsReal<T>) {
    if (n > 1 && moderate(a, n * n)) {
      const Workspace space(static_cast<size_t>((vectors ? n * n : 0) + 3 * n) * sizeof(T));
      T *const e = space.as<T>(), *const tau = e + n, *const work = tau + n, *const z = work + n;
      int info = 0;
      if (n < kBlockedSize) {
        kernels().linalg_panel.of<T>().tridiagonal(n, a, n, w, e, tau, work);
      } else {
        info = lapack::sytrd(true, to_int(n), a, leading(n), w, e, tau);
      }
      if (info == 0) info = lapack::stedc(to_int(n), w, e, vectors ? z : nullptr, leading(n));
      if (!vectors) return info;
      // Reflector i is column i of A below its row i + 1.
      apply_q_blocked(n - 1, n, n - 1, a + 1, n, tau, z + 1, n);
      std::copy_n(z, n * n, a);
      return info;
    }
  }
  return lapack::syevd(vectors, true, to_int(n), a, leading(n), w);
}

// Whether `count` matrices are worth the lanes: small ones always, others if half of the lanes are used.
bool fill_lanes(int64_t size, int64_t limit, int64_t count, int64_t lanes) {
  constexpr int64_t kSmall = 16;
  return size > 0 && size <= limit && (size <= kSmall || 2 * count >= lanes);
}

template <class T>
void eigh_in_lanes(const Matrices<T>& a, bool vectors, T* w, int32_t* info, int64_t first, int64_t count) {
  const auto& table = kernels().linalg.of<T>();
  const int64_t n = a.rows, lanes = table.lanes, size = vectors ? n * n : 0;
  const LaneGroup<T> group(read_only(a), first, count), v(n, vectors ? n : 0), values(n, 1);
  table.eigh(group.matrix(), vectors ? v.matrix() : LaneMatrix<T>{}, values.data());
  const Workspace order_space(static_cast<size_t>(n) * sizeof(int64_t)),
      vector_space(static_cast<size_t>(size * count) * sizeof(T));
  int64_t* const order = order_space.as<int64_t>();
  if (vectors) table.deinterleave(vector_space.as<T>(), size, size, count, v.data());
  for (int64_t lane = 0; lane < count; ++lane) {
    const int64_t i = first + lane;
    T* const to = a.matrix(i);
    info[i] = all_finite(to, n * n) ? 0 : kNotFinite;
    if (info[i] != 0) continue;
    if (std::isnan(values.data()[lane])) {
      info[i] = eigh_one(n, to, vectors, w + i * n);
      continue;
    }
    order_of(values.data(), n, lanes, lane, true, order);
    for (int64_t j = 0; j < n; ++j) {
      w[i * n + j] = values.data()[order[j] * lanes + lane];
      if (vectors) std::copy_n(vector_space.as<T>() + lane * size + order[j] * n, n, to + j * n);
    }
  }
}

// For m >= n: A = Q B P^T with B bidiagonal, B = X diag(s) Y^T by divide and conquer, U = Q X (m x n) and V^T
// = Y^T P^T (n x n; both null: values only), whose products run on all threads. A is overwritten.
template <class T>
int32_t svd_tall(int64_t m, int64_t n, T* a, T* s, T* u, T* vt) {
  const Workspace space(static_cast<size_t>((u ? 2 : 1) * n * n + 3 * n) * sizeof(T));
  T *const e = space.as<T>(), *const tauq = e + n, *const taup = tauq + n, *const p = taup + n,
           *const x = p + n * n;
  bidiagonal_blocked(m, n, a, s, e, tauq, taup, p);
  const int info = lapack::bdsdc(to_int(n), s, e, u ? x : nullptr, leading(n), vt, leading(n));
  if (info != 0 || !u) return info;
  for (int64_t j = 0; j < n; ++j) {
    std::copy_n(x + j * n, n, u + j * m);
    std::fill_n(u + j * m + n, m - n, T(0));
  }
  apply_q_blocked(m, n, n, a, m, tauq, u, m);
  if (n > 1) apply_q_right_blocked(n, n - 1, n - 1, p + 1, n, taup, vt + n, n);
  return 0;
}

// R of A = Q R first where A has many more rows than columns.
template <class T>
int32_t svd_very_tall(int64_t m, int64_t n, T* a, T* s, T* u, T* vt) {
  const Workspace space(static_cast<size_t>(2 * n * n + n) * sizeof(T));
  T *const r = space.as<T>(), *const x = r + n * n, *const tau = x + n * n;
  qr_blocked(m, n, a, m, tau);
  for (int64_t j = 0; j < n; ++j) {
    std::copy_n(a + j * m, j + 1, r + j * n);
    std::fill_n(r + j * n + j + 1, n - j - 1, T(0));
  }
  const int32_t info = svd_tall(n, n, r, s, u ? x : nullptr, vt);
  if (info != 0 || !u) return info;
  for (int64_t j = 0; j < n; ++j) {
    std::copy_n(x + j * n, n, u + j * m);
    std::fill_n(u + j * m + n, m - n, T(0));
  }
  apply_q_blocked(m, n, n, a, m, tau, u, m);
  return 0;
}

// The first min(m, n) vectors, or (null) values only; for m < n by A^T = V diag(s) U^T.
template <class T>
int32_t svd_direct(int64_t m, int64_t n, const T* a, T* u, T* s, T* vh) {
  const int64_t most = std::max(m, n), least = std::min(m, n);
  const auto f = least >= kBlockedSize && most >= 3 * least / 2 ? svd_very_tall<T> : svd_tall<T>;
  const Workspace space(static_cast<size_t>(2 * m * n + least * least) * sizeof(T));
  T *const copy = space.as<T>(), *const left = copy + m * n, *const right = left + m * n;
  if (m >= n) {
    std::copy_n(a, m * n, copy);
    return f(m, n, copy, s, u, vh);
  }
  transpose_into(copy, n, a, m, m, n);
  const int32_t info = f(n, m, copy, s, u ? left : nullptr, u ? right : nullptr);
  if (info == 0 && u) {
    transpose_into(u, m, right, m, m, m);
    transpose_into(vh, m, left, n, n, m);
  }
  return info;
}

template <class T>
int32_t svd_one(T* a, int64_t m, int64_t n, const Matrices<T>& u, Real<T>* s, const Matrices<T>& vh,
                int64_t i) {
  if (!all_finite(a, m * n)) return kNotFinite;
  const int64_t least = std::min(m, n);
  const bool vectors = u.data;
  T* const left = vectors ? u.matrix(i) : nullptr;
  T* const right = vectors ? vh.matrix(i) : nullptr;
  if constexpr (kIsReal<T>) {
    const bool thin = !vectors || (u.cols == least && vh.rows == least);
    if (thin && moderate(a, m * n) && svd_direct(m, n, a, left, s, right) == 0) return 0;
  }
  const char job = !vectors ? 'N' : u.cols == m && vh.rows == n ? 'A' : 'S';
  const Workspace space(static_cast<size_t>(m * n) * sizeof(T));
  T* const copy = space.as<T>();
  std::copy_n(a, m * n, copy);
  const int ldu = vectors ? leading(m) : 1, ldv = vectors ? leading(vh.rows) : 1;
  const int info =
      lapack::gesdd(job, to_int(m), to_int(n), copy, leading(m), s, left, ldu, right, ldv, false);
  if (info <= 0) return info;
  return lapack::gesdd(job, to_int(m), to_int(n), a, leading(m), s, left, ldu, right, ldv, true);
}

// The vectors of one matrix in the order of their values. The columns of `tall` belong to the larger side;
// where that is the right one it has been transposed: A^T = V diag(s) U^T.
template <class T>
void store_vectors(const T* tall, const T* square, const int64_t* order, int64_t rows, int64_t cols, T* u,
                   T* vh) {
  const int64_t k = std::min(rows, cols);
  for (int64_t j = 0; j < k; ++j) {
    std::copy_n((rows < cols ? square : tall) + order[j] * rows, rows, u + j * rows);
    for (int64_t c = 0; c < cols; ++c) {
      vh[c * k + j] = rows < cols ? tall[c * k + order[j]] : square[order[j] * k + c];
    }
  }
}

template <class T>
void svd_in_lanes(const Matrices<T>& a, const Matrices<T>& u, T* s, const Matrices<T>& vh, int32_t* info,
                  int64_t first, int64_t count) {
  const auto& table = kernels().linalg.of<T>();
  const bool vectors = u.data;
  const int64_t k = std::min(a.rows, a.cols), lanes = table.lanes, square = k * k;
  const LaneGroup<T> group(read_only(a), first, count), v(k, vectors ? k : 0), values(k, 1);
  table.svd(a.rows < a.cols ? group.transposed() : group.matrix(), vectors ? v.matrix() : LaneMatrix<T>{},
            values.data());
  const Workspace order_space(static_cast<size_t>(k) * sizeof(int64_t)),
      vector_space(static_cast<size_t>(vectors ? (a.size() + square) * count : 0) * sizeof(T));
  int64_t* const order = order_space.as<int64_t>();
  T *const tall = vector_space.as<T>(), *const others = tall + a.size() * count;
  if (vectors) {
    table.deinterleave(tall, a.size(), a.size(), count, group.data());
    table.deinterleave(others, square, square, count, v.data());
  }
  for (int64_t lane = 0; lane < count; ++lane) {
    const int64_t i = first + lane;
    if (std::isnan(values.data()[lane])) {
      info[i] = svd_one(a.matrix(i), a.rows, a.cols, u, s + i * k, vh, i);
      continue;
    }
    info[i] = 0;
    order_of(values.data(), k, lanes, lane, false, order);
    for (int64_t j = 0; j < k; ++j) s[i * k + j] = values.data()[order[j] * lanes + lane];
    if (vectors) {
      store_vectors(tall + lane * a.size(), others + lane * square, order, a.rows, a.cols, u.matrix(i),
                    vh.matrix(i));
    }
  }
}

}  // namespace

template <class T>
void qr_factor(const Matrices<T>& a, T* tau) {
  const int64_t m = a.rows, n = a.cols, k = std::min(m, n);
  const double work = cube(m, n, k);
  if constexpr (kIsReal<T>) {
    const auto& table = kernels().linalg.of<T>();
    if (std::max(m, n) <= table.tuning.qr) {
      return for_groups<T>(a.count, work, [&](int64_t first, int64_t count) {
        const LaneGroup<T> group(read_only(a), first, count), taus(k, 1);
        table.qr(group.matrix(), taus.data());
        group.store(a, first, count);
        taus.store({tau, k, 1, a.count}, first, count);
      });
    }
  }
  for_matrices(a.count, work, [&](int64_t i) {
    if constexpr (kIsReal<T>) {
      if (k >= kBlockedSize) return qr_blocked(m, n, a.matrix(i), m, tau + i * k);
      if (k <= kPanelSize) return kernels().linalg_panel.of<T>().qr(m, n, a.matrix(i), m, tau + i * k);
    }
    lapack::geqrf(to_int(m), to_int(n), a.matrix(i), leading(m), tau + i * k);
  });
}

template <class T>
void form_q(const Matrices<T>& q, const T* tau, int64_t k) {
  const int64_t m = q.rows, n = q.cols;
  const double work = cube(m, n, k);
  if constexpr (kIsReal<T>) {
    const auto& table = kernels().linalg.of<T>();
    if (std::max(m, n) <= table.tuning.qr) {
      return for_groups<T>(q.count, work, [&](int64_t first, int64_t count) {
        const LaneGroup<T> group(read_only(q), first, count), taus({tau, k, 1, q.count}, first, count);
        table.form_q(group.matrix(), taus.data(), k);
        group.store(q, first, count);
      });
    }
  }
  for_matrices(q.count, work, [&](int64_t i) {
    if constexpr (kIsReal<T>) {
      if (k >= kBlockedSize) return form_q_blocked(m, n, k, q.matrix(i), m, tau + i * k);
      if (n <= kPanelSize) return kernels().linalg_panel.of<T>().form_q(m, n, k, q.matrix(i), m, tau + i * k);
    }
    lapack::orgqr(to_int(m), to_int(n), to_int(k), q.matrix(i), leading(m), tau + i * k);
  });
}

template <class T>
void apply_q(const Matrices<const T>& a, const T* tau, int64_t k, bool left, bool trans,
             const Matrices<T>& c) {
  for_matrices(c.count, cube(c.rows, c.cols, k) * 2, [&](int64_t i) {
    lapack::ormqr(left, trans, to_int(c.rows), to_int(c.cols), to_int(k), a.matrix(i), leading(a.rows),
                  tau + i * k, c.matrix(i), leading(c.rows));
  });
}

template <class T>
void svd(const Matrices<T>& a, const Matrices<T>& u, Real<T>* s, const Matrices<T>& vh, int32_t* info) {
  const int64_t m = a.rows, n = a.cols, k = std::min(m, n);
  const double work = 10 * cube(m, n, k);
  if constexpr (kIsReal<T>) {
    const bool thin = !u.data || (u.cols == k && vh.rows == k);
    const auto& table = kernels().linalg.of<T>();
    if (thin && k > 0 && fill_lanes(std::max(m, n), table.tuning.svd, a.count, table.lanes)) {
      return for_groups<T>(a.count, work, [&](int64_t first, int64_t count) {
        svd_in_lanes(a, u, s, vh, info, first, count);
      });
    }
  }
  for_matrices(a.count, work, [&](int64_t i) { info[i] = svd_one(a.matrix(i), m, n, u, s + i * k, vh, i); });
}

template <class T>
void eigh(const Matrices<T>& a, bool vectors, Real<T>* w, int32_t* info) {
  const int64_t n = a.rows;
  const double work = 6 * cube(n, n, n);
  if constexpr (kIsReal<T>) {
    const auto& table = kernels().linalg.of<T>();
    if (fill_lanes(n, table.tuning.eigh, a.count, table.lanes)) {
      return for_groups<T>(a.count, work, [&](int64_t first, int64_t count) {
        eigh_in_lanes(a, vectors, w, info, first, count);
      });
    }
  }
  for_matrices(a.count, work, [&](int64_t i) {
    info[i] = all_finite(a.matrix(i), n * n) ? eigh_one(n, a.matrix(i), vectors, w + i * n) : kNotFinite;
  });
}

template <class T>
void eig(const Matrices<T>& a, std::complex<Real<T>>* w, const Matrices<std::complex<Real<T>>>& v,
         int32_t* info) {
  const int64_t n = a.rows;
  for_matrices(a.count, 25 * cube(n, n, n), [&](int64_t i) {
    info[i] = all_finite(a.matrix(i), n * n) ? lapack::geev(to_int(n), a.matrix(i), leading(n), w + i * n,
                                                            v.data ? v.matrix(i) : nullptr, leading(n))
                                             : kNotFinite;
  });
}

template <class T>
void least_squares(const Matrices<T>& a, const Matrices<T>& b, LeastSquares method, double rcond,
                   int64_t* rank, Real<T>* s, int32_t* info) {
  const int64_t least = std::min(a.rows, a.cols);
  const int m = to_int(a.rows), n = to_int(a.cols), k = to_int(b.cols), ld = leading(a.rows),
            ldb = leading(b.rows);
  const auto limit = static_cast<Real<T>>(rcond);
  for_matrices(a.count, 2 * cube(a.rows, a.cols, least + b.cols), [&](int64_t i) {
    T *const x = a.matrix(i), *const y = b.matrix(i);
    int found = static_cast<int>(least);
    if (method == LeastSquares::kQr) {
      info[i] = lapack::gels(m, n, k, x, ld, y, ldb);
    } else if (method == LeastSquares::kPivotedQr) {
      info[i] = lapack::gelsy(m, n, k, x, ld, y, ldb, limit, &found);
    } else {
      info[i] = lapack::gelss(method == LeastSquares::kDividedSvd, m, n, k, x, ld, y, ldb, s + i * least,
                              limit, &found);
    }
    if (rank) rank[i] = found;
  });
}

#define PLAIT_INSTANTIATE(T)                                                                               \
  template void qr_factor<T>(const Matrices<T>&, T*);                                                      \
  template void form_q<T>(const Matrices<T>&, const T*, int64_t);                                          \
  template void apply_q<T>(const Matrices<const T>&, const T*, int64_t, bool, bool, const Matrices<T>&);   \
  template void svd<T>(const Matrices<T>&, const Matrices<T>&, Real<T>*, const Matrices<T>&, int32_t*);    \
  template void eigh<T>(const Matrices<T>&, bool, Real<T>*, int32_t*);                                     \
  template void eig<T>(const Matrices<T>&, std::complex<Real<T>>*, const Matrices<std::complex<Real<T>>>&, \
                       int32_t*);                                                                          \
  template void least_squares<T>(const Matrices<T>&, const Matrices<T>&, LeastSquares, double, int64_t*,   \
                                 Real<T>*, int32_t*);
PLAIT_LINALG_TYPES(PLAIT_INSTANTIATE)
#undef PLAIT_INSTANTIATE

}  // namespace plait::linalg
