// SPDX-License-Identifier: MIT
// LU and QR of one column-major matrix, vectors along its columns (PanelKernels in linalg_args.h). LU halves
// the columns until few are left, so that most of the work is products of tiles in registers. QR takes one
// reflection after the other and is bound by the loads of the columns it acts on.
#include "kernels/isa/linalg_bidiagonal.h"
#include "kernels/isa/linalg_columns.h"
#include "kernels/isa/linalg_tridiagonal.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// ---- C -= A B ----

// A (m x k) and C (m x n) column-major. B's element (p, j) is b[p + j * ldb].
template <class T>
struct Update {
  int64_t k;
  const T* a;
  int64_t lda;
  const T* b;
  int64_t ldb;
  T* c;
  int64_t ldc;
};

// kVectors vectors of rows from i on and kColumns columns from j on; `rows` <= a vector's of the last vector.
template <class T, int kVectors, int kColumns, bool kPart>
PLAIT_INLINE void update_tile(const Update<T>& u, int64_t i, int64_t j, int64_t rows) {
  using V = Vec<T>;
  const auto get = [&](const T* p, int v) {
    return kPart && v == kVectors - 1 ? load_n(p + v * W<T>, rows) : load(p + v * W<T>);
  };
  T* const c = u.c + i + j * u.ldc;
  const T* const b = u.b + j * u.ldb;
  V sum[kColumns][kVectors];
  for (int col = 0; col < kColumns; ++col) {
    for (int v = 0; v < kVectors; ++v) sum[col][v] = get(c + col * u.ldc, v);
  }
  for (int64_t p = 0; p < u.k; ++p) {
    V a[kVectors];
    for (int v = 0; v < kVectors; ++v) a[v] = get(u.a + i + p * u.lda, v);
    for (int col = 0; col < kColumns; ++col) {
      const V factor = splat<V>(b[p + col * u.ldb]);
      for (int v = 0; v < kVectors; ++v) sum[col][v] = fma(-a[v], factor, sum[col][v]);
    }
  }
  for (int col = 0; col < kColumns; ++col) {
    for (int v = 0; v < kVectors; ++v) {
      T* const to = c + col * u.ldc + v * W<T>;
      kPart&& v == kVectors - 1 ? store_n(to, sum[col][v], rows) : store(to, sum[col][v]);
    }
  }
}
template <class T, int kColumns>
PLAIT_INLINE void update_columns(const Update<T>& u, int64_t m, int64_t j) {
  int64_t i = 0;
  for (; i + 2 * W<T> <= m; i += 2 * W<T>) update_tile<T, 2, kColumns, false>(u, i, j, 0);
  if (i + W<T> <= m) {
    update_tile<T, 1, kColumns, false>(u, i, j, 0);
    i += W<T>;
  }
  if (i < m) update_tile<T, 1, kColumns, true>(u, i, j, m - i);
}
template <class T>
PLAIT_NOINLINE void update(int64_t m, int64_t n, const Update<T>& u) {
  constexpr int kColumns = PLAIT_ISA_LEVEL == 2 ? 8 : 4;
  int64_t j = 0;
  for (; j + kColumns <= n; j += kColumns) update_columns<T, kColumns>(u, m, j);
  for (; j < n; ++j) update_columns<T, 1>(u, m, j);
}

// ---- Triangular systems ----

// The same for a triangle of at most one vector of rows: what column j of L takes from the rows below j.
template <class T, int kColumns>
PLAIT_INLINE void solve_vector(int64_t k, const T* l, int64_t ldl, T* b, int64_t ldb) {
  using V = Vec<T>;
  using I = MaskOf<V>;
  V x[kColumns];
  for (int col = 0; col < kColumns; ++col) x[col] = load_n(b + col * ldb, k);
  for (int64_t j = 0; j + 1 < k; ++j) {
    const I lane = I{} + static_cast<ElemT<I>>(j);
    const V below = iota<I>() > lane ? load_n(l + j * ldl, k) : V{};
    for (int col = 0; col < kColumns; ++col) x[col] = fma(-below, __builtin_shuffle(x[col], lane), x[col]);
  }
  for (int col = 0; col < kColumns; ++col) store_n(b + col * ldb, x[col], k);
}
template <class T>
void solve_unit_lower(int64_t k, int64_t n, const T* l, int64_t ldl, T* b, int64_t ldb) {
  constexpr int kColumns = 8;
  for (int64_t i = 0; i < k; i += W<T>) {
    const int64_t size = least(W<T>, k - i), below = k - i - size;
    const T* const triangle = l + i * (ldl + 1);
    int64_t j = 0;
    for (; j + kColumns <= n; j += kColumns) {
      solve_vector<T, kColumns>(size, triangle, ldl, b + i + j * ldb, ldb);
    }
    for (; j < n; ++j) solve_vector<T, 1>(size, triangle, ldl, b + i + j * ldb, ldb);
    if (below > 0) update<T>(below, n, {size, triangle + size, ldl, b + i, ldb, b + i + size, ldb});
  }
}

// ---- LU ----

// The place of the largest |x|, the first of equal ones. NaN is passed over.
template <class T>
int64_t largest(const T* x, int64_t n) {
  using V = Vec<T>;
  using I = MaskOf<V>;
  V best = V{} - 1;
  I at{};
  for (int64_t i = 0; i < n; i += W<T>) {
    const V size = abs(load_n(x + i, least(W<T>, n - i)));
    const I larger = size > best;
    best = larger ? size : best;
    at = larger ? iota<I>() + static_cast<ElemT<I>>(i) : at;
  }
  const T most = reduce(best, [](auto a, auto b) { return max(a, b); });
  int64_t place = n;
  for (int64_t lane = 0; lane < W<T>; ++lane) {
    if (best[lane] == most && at[lane] < place) place = at[lane];
  }
  return place < n ? place : 0;
}

template <class T>
void exchange_rows(int64_t n, T* a, int64_t ld, const int32_t* pivots, int64_t k) {
  for (int64_t j = 0; j < n; ++j) {
    T* const column = a + j * ld;
    for (int64_t i = 0; i < k; ++i) {
      const int64_t p = pivots[i] - 1;
      const T x = column[i];
      column[i] = column[p];
      column[p] = x;
    }
  }
}

// Few columns: one after the other, its multiples from those to its right.
inline constexpr int64_t kFewColumns = 8;
template <class T>
int32_t lu_few(int64_t m, int64_t n, T* a, int64_t ld, int32_t* pivots) {
  using V = Vec<T>;
  int32_t info = 0;
  for (int64_t j = 0; j < least(m, n); ++j) {
    T* const column = a + j * ld;
    const int64_t p = j + largest(column + j, m - j);
    pivots[j] = static_cast<int32_t>(p + 1);
    T row[kFewColumns];
    for (int64_t c = 0; c < n; ++c) {
      T* const other = a + c * ld;
      row[c] = other[p];
      other[p] = other[j];
      other[j] = row[c];
    }
    const T pivot = row[j];
    if (pivot == 0 && info == 0) info = static_cast<int32_t>(j + 1);
    // The reciprocal of a subnormal number may be infinite.
    const bool divide = !(pivot >= kLeastNormal<T> || pivot <= -kLeastNormal<T>);
    const V divisor = splat<V>(pivot == 0 ? T(1) : pivot), scale = 1 / divisor;
    for (int64_t i = j + 1; i < m; i += W<T>) {
      const int64_t rows = least(W<T>, m - i);
      V l = load_n(column + i, rows);
      l = divide ? l / divisor : l * scale;
      store_n(column + i, l, rows);
      for (int64_t c = j + 1; c < n; ++c) {
        T* const other = a + c * ld + i;
        store_n(other, fma(-l, splat<V>(row[c]), load_n(other, rows)), rows);
      }
    }
  }
  return info;
}

template <class T>
int32_t lu(int64_t m, int64_t n, T* a, int64_t ld, int32_t* pivots) {
  if (n <= kFewColumns) return lu_few(m, n, a, ld, pivots);
  const int64_t left = (n / 2 + kFewColumns - 1) / kFewColumns * kFewColumns, right = n - left;
  int32_t info = lu(m, left, a, ld, pivots);
  T* const b = a + left * ld;
  const int64_t done = least(m, left);
  exchange_rows(right, b, ld, pivots, done);
  solve_unit_lower(done, right, a, ld, b, ld);
  if (m <= left) return info;
  update<T>(m - left, right, {left, a + left, ld, b, ld, b + left, ld});
  int32_t* const rest = pivots + left;
  const int32_t failed = lu(m - left, right, b + left, ld, rest);
  if (failed && !info) info = failed + static_cast<int32_t>(left);
  const int64_t steps = least(m - left, right);
  exchange_rows(left, a + left, ld, rest, steps);
  for (int64_t i = 0; i < steps; ++i) rest[i] += static_cast<int32_t>(left);
  return info;
}

// ---- QR ----

// b -= tau v (v^T b) for kColumns columns of b; v[0] counts as 1 and is not read.
template <class T, int kColumns>
PLAIT_INLINE void reflect(int64_t m, const T* v, T tau, T* b, int64_t ld) {
  using V = Vec<T>;
  V sum[kColumns]{};
  for (int64_t i = 1; i < m; i += W<T>) {
    const int64_t rows = least(W<T>, m - i);
    const V x = load_n(v + i, rows);
    for (int c = 0; c < kColumns; ++c) sum[c] = fma(x, load_n(b + c * ld + i, rows), sum[c]);
  }
  V factor[kColumns];
  for (int c = 0; c < kColumns; ++c) {
    const T dot = tau * (b[c * ld] + reduce_add(sum[c]));
    b[c * ld] -= dot;
    factor[c] = splat<V>(-dot);
  }
  for (int64_t i = 1; i < m; i += W<T>) {
    const int64_t rows = least(W<T>, m - i);
    const V x = load_n(v + i, rows);
    for (int c = 0; c < kColumns; ++c) {
      T* const to = b + c * ld + i;
      store_n(to, fma(x, factor[c], load_n(to, rows)), rows);
    }
  }
}
template <class T>
void reflect_all(int64_t m, int64_t n, const T* v, T tau, T* b, int64_t ld) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) reflect<T, 4>(m, v, tau, b + j * ld, ld);
  for (; j < n; ++j) reflect<T, 1>(m, v, tau, b + j * ld, ld);
}

template <class T>
void qr(int64_t m, int64_t n, T* a, int64_t ld, T* tau) {
  for (int64_t k = 0; k < least(m, n); ++k) {
    T* const v = a + k * (ld + 1);
    tau[k] = make_reflection(v, v + 1, m - k - 1);
    if (tau[k] != 0) reflect_all(m - k, n - k - 1, v, tau[k], v + ld, ld);
  }
}

// From the last reflection on: column k of H_1 ... H_k is e_k - tau v above the columns that follow.
template <class T>
void form_q(int64_t m, int64_t n, int64_t k, T* q, int64_t ld, const T* tau) {
  for (int64_t j = k; j < n; ++j) {
    for (int64_t i = 0; i < m; ++i) q[j * ld + i] = T(i == j);
  }
  for (int64_t j = k; j-- > 0;) {
    T* const v = q + j * (ld + 1);
    reflect_all(m - j, n - j - 1, v, tau[j], v + ld, ld);
    for (int64_t i = 0; i < j; ++i) q[j * ld + i] = 0;
    v[0] = 1 - tau[j];
    for (int64_t i = 1; i < m - j; ++i) v[i] *= -tau[j];
  }
}

template <class T>
constexpr PanelKernels<T> kernels_of() {
  return {lu<T>, solve_unit_lower<T>, qr<T>, form_q<T>, tridiagonal<T>, bidiagonal<T>};
}

}  // namespace

void fill_linalg_panel(KernelTable& table) {
  table.linalg_panel.f32 = kernels_of<float>();
  table.linalg_panel.f64 = kernels_of<double>();
}

}  // namespace plait::PLAIT_ISA_NS
