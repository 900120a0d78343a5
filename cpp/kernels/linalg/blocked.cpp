// SPDX-License-Identifier: MIT
#include "kernels/linalg/blocked.h"

#include <algorithm>
#include <numeric>

#include "core/rounding.h"
#include "kernels/copy/copy_driver.h"
#include "kernels/gemm/gemm.h"
#include "kernels/linalg/linalg_split.h"

namespace plait::linalg {
namespace {

// Columns of a panel. tuned: LU and QR of 512 and 1,024 floats
constexpr int64_t kLuPanel = 64, kQrPanel = 48, kBidiagonalPanel = 32;
// Rows of a triangle that are solved in registers. tuned: 8 right sides of 512 floats take 55 us, with 512
// rows 65
constexpr int64_t kTriangleBlock = 64;

template <class T>
GemmOperand<T> operand(const T* data, int64_t ld) {
  return {.data = data, .rs = 1, .cs = ld};
}

// C = beta C + alpha A B, C (m x n) column-major.
template <class T>
void multiply(int64_t m, int64_t n, int64_t k, T alpha, const GemmOperand<T>& a, const GemmOperand<T>& b,
              T beta, T* c, int64_t ld) {
  gemm<T>(
      {.m = m, .n = n, .k = k, .a = a, .b = b, .c = c, .c_rs = 1, .c_cs = ld, .alpha = alpha, .beta = beta});
}

// Exchanges element i of a column with element pivots[i] - 1, first <= i < last.
template <class T>
void exchange(T* column, const int32_t* pivots, int64_t first, int64_t last) {
  for (int64_t i = first; i < last; ++i) std::swap(column[i], column[pivots[i] - 1]);
}

// A leading dimension of at least n that is a multiple of the lanes. Rows a multiple of 4096 bytes apart
// would share the sets of the cache.
template <class T>
int64_t padded(int64_t n) {
  const int64_t lanes = kernels().linalg.of<T>().lanes, size = round_up(n, lanes);
  return size * static_cast<int64_t>(sizeof(T)) % 512 == 0 ? size + lanes : size;
}

// The triangle as a lower one of right sides whose rows come in the same order: an upper one backwards.
template <class T>
struct LowerTriangle {
  const T* a;
  int64_t n, rs, cs;
  bool unit;

  LowerTriangle corner(int64_t first, int64_t size) const {
    return {a + first * (rs + cs), size, rs, cs, unit};
  }
  GemmOperand<T> below(int64_t first) const { return {.data = a + first * rs, .rs = rs, .cs = cs}; }
};

// X over B, whose rows are ldx apart and of whole vectors. The upper half of the triangle is solved, what the
// lower half takes from it is a product.
template <class T>
void solve_rows(const LowerTriangle<T>& t, T* x, int64_t ldx, int64_t width) {
  const auto& table = kernels().linalg.of<T>();
  if (t.n <= kTriangleBlock) {
    return for_columns(width, [&](int64_t first, int64_t count) {
      table.solve_shared({t.a, t.n, t.rs, t.cs, x + first, ldx, count / table.lanes, t.unit});
    });
  }
  const int64_t half = round_up(t.n / 2, kTriangleBlock), rest = t.n - half;
  solve_rows(t.corner(0, half), x, ldx, width);
  gemm<T>({.m = rest,
           .n = width,
           .k = half,
           .a = t.below(half),
           .b = row_major<T>(x, ldx),
           .c = x + half * ldx,
           .c_rs = ldx,
           .alpha = -1,
           .beta = 1});
  solve_rows(t.corner(half, rest), x + half * ldx, ldx, width);
}

// The inverse X of a lower triangle M over zeros: X21 = -M22^-1 M21 X11. The product skips one zero quarter
// of X11.
template <class T>
void invert_lower(const LowerTriangle<T>& t, T* x, int64_t ldx) {
  const auto& table = kernels().linalg.of<T>();
  if (t.n <= kTriangleBlock) {
    for (int64_t i = 0; i < t.n; ++i) x[i * (ldx + 1)] = 1;
    const int64_t vectors = ceil_div(t.n, table.lanes);
    return table.solve_shared({t.a, t.n, t.rs, t.cs, x, ldx, vectors, t.unit});
  }
  const int64_t half = round_up(t.n / 2, kTriangleBlock), rest = t.n - half;
  invert_lower(t.corner(0, half), x, ldx);
  T* const below = x + half * ldx;
  const int64_t quarter = half <= kTriangleBlock ? half : round_up(half / 2, kTriangleBlock);
  for (int64_t j = 0; j < half; j += quarter) {
    GemmOperand<T> m = t.below(half);
    m.data += j * t.cs;
    gemm<T>({.m = rest,
             .n = std::min(quarter, half - j),
             .k = half - j,
             .a = m,
             .b = row_major<T>(x + j * (ldx + 1), ldx),
             .c = below + j,
             .c_rs = ldx,
             .alpha = -1});
  }
  solve_rows(t.corner(half, rest), below, ldx, half);
  invert_lower(t.corner(half, rest), below + half, ldx);
}

// V (m x k) of a panel's reflectors with its ones and zeros, and T with H_1 ... H_k = I - V T V^T:
//   T_ii = tau_i, T[0:i, i] = -tau_i T[0:i, 0:i] (V^T V)[0:i, i].
// Schreiber and Van Loan, "A storage-efficient WY representation", 1989
template <class T>
class BlockReflector {
 public:
  BlockReflector(int64_t m, int64_t k, const T* a, int64_t ld, const T* tau)
      : m_(m), k_(k), space_(static_cast<size_t>(m * k + 2 * k * k) * sizeof(T)) {
    T* const v = space_.template as<T>();
    for (int64_t j = 0; j < k; ++j) {
      std::fill_n(v + j * m, j, T(0));
      v[j * m + j] = 1;
      std::copy(a + j * ld + j + 1, a + j * ld + m, v + j * m + j + 1);
    }
    T *const t = v + m * k, *const gram = t + k * k;
    multiply<T>(k, k, m, 1, transposed(operand<T>(v, m)), operand<T>(v, m), 0, gram, k);
    std::fill_n(t, k * k, T(0));
    for (int64_t i = 0; i < k; ++i) {
      T* const column = t + i * k;
      column[i] = tau[i];
      for (int64_t p = 0; p < i; ++p) {  // by columns of T, whose lower half is 0
        const T factor = -tau[i] * gram[i * k + p];
        for (int64_t q = 0; q <= p; ++q) column[q] += factor * t[p * k + q];
      }
    }
  }
  // C -= V T V^T C, or with T^T in place of T; C (m x n).
  void apply(bool transpose, int64_t n, T* c, int64_t ld) const {
    if (n == 0) return;
    const Workspace space(static_cast<size_t>(2 * k_ * n) * sizeof(T));
    T *const w = space.as<T>(), *const tw = w + k_ * n;
    const GemmOperand<T> v = operand<T>(space_.template as<T>(), m_);
    const GemmOperand<T> t = operand<T>(space_.template as<T>() + m_ * k_, k_);
    multiply<T>(k_, n, m_, 1, transposed(v), operand<T>(c, ld), 0, w, k_);
    multiply<T>(k_, n, k_, 1, transpose ? transposed(t) : t, operand<T>(w, k_), 0, tw, k_);
    multiply<T>(m_, n, k_, -1, v, operand<T>(tw, k_), 1, c, ld);
  }

  // C -= C V T^T V^T; C (n x m).
  void apply_right(int64_t n, T* c, int64_t ld) const {
    const Workspace space(static_cast<size_t>(2 * k_ * n) * sizeof(T));
    T *const w = space.as<T>(), *const wt = w + k_ * n;
    const GemmOperand<T> v = operand<T>(space_.template as<T>(), m_);
    const GemmOperand<T> t = operand<T>(space_.template as<T>() + m_ * k_, k_);
    multiply<T>(n, k_, m_, 1, operand<T>(c, ld), v, 0, w, n);
    multiply<T>(n, k_, k_, 1, operand<T>(w, n), transposed(t), 0, wt, n);
    multiply<T>(n, m_, k_, -1, operand<T>(wt, n), transposed(v), 1, c, ld);
  }

 private:
  int64_t m_, k_;
  Workspace space_;
};

// Q (m x m) of few reflectors, all of it.
template <class T>
class SmallQ {
 public:
  SmallQ(int64_t m, int64_t k, const T* a, int64_t ld, const T* tau)
      : m_(m), space_(static_cast<size_t>(m * m) * sizeof(T)) {
    T* const q = space_.template as<T>();
    for (int64_t j = 0; j < k; ++j) std::copy_n(a + j * ld, m, q + j * m);
    kernels().linalg_panel.of<T>().form_q(m, m, k, q, m, tau);
  }
  GemmOperand<T> operand() const { return linalg::operand<T>(space_.template as<T>(), m_); }
  // x y over c (rows x cols), which is one of them.
  void multiply_into(int64_t rows, int64_t cols, const GemmOperand<T>& x, const GemmOperand<T>& y, T* c,
                     int64_t ld) const {
    const Workspace space(static_cast<size_t>(rows * cols) * sizeof(T));
    T* const product = space.as<T>();
    multiply<T>(rows, cols, m_, 1, x, y, 0, product, rows);
    for (int64_t j = 0; j < cols; ++j) std::copy_n(product + j * rows, rows, c + j * ld);
  }

 private:
  int64_t m_;
  Workspace space_;
};

}  // namespace

template <class T>
void transpose_into(T* to, int64_t ldt, const T* from, int64_t ldf, int64_t rows, int64_t cols) {
  if (rows == 0 || cols == 0) return;
  constexpr DType kType = sizeof(T) == sizeof(float) ? DType::kFloat32 : DType::kFloat64;
  const Dims shape{rows, cols}, to_strides{ldt, 1}, from_strides{1, ldf};
  copy_array(shape, rows * cols, {to, kType, &shape, &to_strides},
             {const_cast<T*>(from), kType, &shape, &from_strides}, false);
}

template <class T>
RightSides<T>::RightSides(const T* b, int64_t n, int64_t ld, int64_t cols)
    : n_(n), cols_(cols), ld_(padded<T>(cols)), space_(static_cast<size_t>(n * ld_) * sizeof(T)) {
  T* const x = space_.template as<T>();
  transpose_into(x, ld_, b, ld, n, cols);
  for (int64_t i = 0; i < n; ++i) std::fill(x + i * ld_ + cols, x + (i + 1) * ld_, T(0));
}

template <class T>
void RightSides<T>::store(T* b, int64_t ld) const {
  transpose_into(b, ld, space_.template as<T>(), ld_, cols_, n_);
}

template <class T>
void RightSides<T>::exchange(const int32_t* pivots, bool back) const {
  T* const x = space_.template as<T>();
  for (int64_t step = 0; step < n_; ++step) {
    const int64_t i = back ? n_ - 1 - step : step, p = pivots[i] - 1;
    if (p != i) std::swap_ranges(x + i * ld_, x + i * ld_ + cols_, x + p * ld_);
  }
}

template <class T>
void RightSides<T>::solve(const Triangle<T>& t) const {
  T* const x = space_.template as<T>();
  const int64_t last = t.n - 1, width = round_up(cols_, kernels().linalg.of<T>().lanes);
  if (t.upper) {
    solve_rows<T>({t.a + last * (t.rs + t.cs), t.n, -t.rs, -t.cs, t.unit}, x + last * ld_, -ld_, width);
  } else {
    solve_rows<T>({t.a, t.n, t.rs, t.cs, t.unit}, x, ld_, width);
  }
}

// With X = A^-1 = U^-1 L^-1 P: U^T (U^-1)^T = I, then L^T (X P^-1)^T = (U^-1)^T. Rows of these transposes are
// columns of X, of which P exchanges some.
template <class T>
void invert_factored(int64_t n, const T* lu, const int32_t* pivots, T* y) {
  const int64_t ldx = padded<T>(n), width = round_up(n, kernels().linalg.of<T>().lanes), last = n - 1;
  const Workspace space(static_cast<size_t>(n * ldx) * sizeof(T)),
      order_space(static_cast<size_t>(n) * sizeof(int64_t));
  T* const x = space.as<T>();
  std::fill_n(x, n * ldx, T(0));
  invert_lower<T>({lu, n, n, 1, false}, x, ldx);
  solve_rows<T>({lu + last * (n + 1), n, -n, -1, true}, x + last * ldx, -ldx, width);
  int64_t* const order = order_space.as<int64_t>();
  std::iota(order, order + n, 0);
  for (int64_t j = n; j-- > 0;) std::swap(order[j], order[pivots[j] - 1]);
  for_columns(n, [&](int64_t first, int64_t count) {
    for (int64_t j = first; j < first + count; ++j) std::copy_n(x + order[j] * ldx, n, y + j * n);
  });
}

// Right-looking: the panel is factored, its exchanges are made in the columns to its right, the block row is
// solved with the panel's triangle, and the rest loses the product of both. Columns to the left are exchanged
// at the end.
template <class T>
int32_t lu_blocked(int64_t m, int64_t n, T* a, int64_t ld, int32_t* pivots) {
  const auto& kernel = kernels().linalg_panel.of<T>();
  const int64_t least = std::min(m, n), ldp = padded<T>(m);
  const Workspace space(static_cast<size_t>(ldp * kLuPanel) * sizeof(T));
  T* const panel = space.as<T>();
  int32_t info = 0;
  for (int64_t j = 0; j < least; j += kLuPanel) {
    const int64_t width = std::min(kLuPanel, least - j), rows = m - j, right = n - j - width;
    T* const block = a + j * (ld + 1);
    int32_t* const exchanges = pivots + j;
    for (int64_t c = 0; c < width; ++c) std::copy_n(block + c * ld, rows, panel + c * ldp);
    const int32_t failed = kernel.lu(rows, width, panel, ldp, exchanges);
    if (failed > 0 && info == 0) info = failed + static_cast<int32_t>(j);
    for (int64_t c = 0; c < width; ++c) std::copy_n(panel + c * ldp, rows, block + c * ld);
    T* const row = block + width * ld;
    for_columns(right, [&](int64_t first, int64_t count) {
      T* const run = row + first * ld;
      for (int64_t c = 0; c < count; ++c) exchange(run + c * ld, exchanges, 0, width);
      kernel.solve_unit_lower(width, count, panel, ldp, run, ld);
    });
    if (rows > width && right > 0) {
      multiply<T>(rows - width, right, width, -1, operand<T>(panel + width, ldp), operand<T>(row, ld), 1,
                  row + width, ld);
    }
    for (int64_t i = 0; i < width; ++i) exchanges[i] += static_cast<int32_t>(j);
  }
  for_columns(least, [&](int64_t first, int64_t count) {
    for (int64_t c = first; c < first + count; ++c) {
      exchange(a + c * ld, pivots, std::min(least, (c / kLuPanel + 1) * kLuPanel), least);
    }
  });
  return info;
}

template <class T>
void qr_blocked(int64_t m, int64_t n, T* a, int64_t ld, T* tau) {
  const int64_t least = std::min(m, n);
  for (int64_t j = 0; j < least; j += kQrPanel) {
    const int64_t width = std::min(kQrPanel, least - j);
    T* const panel = a + j * ld + j;
    lapack::geqrf(to_int(m - j), to_int(width), panel, to_int(ld), tau + j);
    const int64_t right = n - j - width;
    if (right > 0)
      BlockReflector<T>(m - j, width, panel, ld, tau + j).apply(true, right, panel + width * ld, ld);
  }
}

// From the last block on: columns j and later of H_j ... H_k I differ from I in rows j and later only.
template <class T>
void form_q_blocked(int64_t m, int64_t n, int64_t k, T* q, int64_t ld, const T* tau) {
  for (int64_t c = k; c < n; ++c) {
    std::fill_n(q + c * ld, m, T(0));
    q[c * ld + c] = 1;
  }
  for (int64_t j = (k - 1) / kQrPanel * kQrPanel; j >= 0; j -= kQrPanel) {
    const int64_t width = std::min(kQrPanel, k - j);
    T* const block = q + j * ld + j;
    const BlockReflector<T> h(m - j, width, block, ld, tau + j);
    for (int64_t c = j; c < j + width; ++c) {
      std::fill_n(q + c * ld, m, T(0));
      q[c * ld + c] = 1;
    }
    h.apply(false, n - j, block, ld);
  }
}

template <class T>
void apply_q_blocked(int64_t m, int64_t n, int64_t k, const T* a, int64_t ld, const T* tau, T* c,
                     int64_t ldc) {
  if (k <= kPanelSize && m <= kBlockedSize) {
    const SmallQ<T> q(m, k, a, ld, tau);
    return q.multiply_into(m, n, q.operand(), operand<T>(c, ldc), c, ldc);
  }
  for (int64_t j = (k - 1) / kQrPanel * kQrPanel; j >= 0; j -= kQrPanel) {
    const int64_t width = std::min(kQrPanel, k - j);
    BlockReflector<T>(m - j, width, a + j * ld + j, ld, tau + j).apply(false, n, c + j, ldc);
  }
}

// Q^T = H_k ... H_1
template <class T>
void apply_q_right_blocked(int64_t m, int64_t n, int64_t k, const T* a, int64_t ld, const T* tau, T* c,
                           int64_t ldc) {
  if (k <= kPanelSize && n <= kBlockedSize) {
    const SmallQ<T> q(n, k, a, ld, tau);
    return q.multiply_into(m, n, operand<T>(c, ldc), transposed(q.operand()), c, ldc);
  }
  for (int64_t j = (k - 1) / kQrPanel * kQrPanel; j >= 0; j -= kQrPanel) {
    const int64_t width = std::min(kQrPanel, k - j);
    BlockReflector<T>(n - j, width, a + j * ld + j, ld, tau + j).apply_right(m, c + j * ldc, ldc);
  }
}

template <class T>
void bidiagonal_blocked(int64_t m, int64_t n, T* a, T* d, T* e, T* tauq, T* taup, T* v) {
  static_assert(kBidiagonalPanel <= kPanelSteps);
  const int64_t ldx = padded<T>(m), ldy = padded<T>(n);
  const Workspace space(static_cast<size_t>(kBidiagonalPanel * (ldx + ldy)) * sizeof(T));
  T *const x = space.as<T>(), *const y = x + kBidiagonalPanel * ldx;
  for (int64_t j = 0; j < n; j += kBidiagonalPanel) {
    const int64_t steps = std::min(kBidiagonalPanel, n - j), rows = m - j - steps, cols = n - j - steps;
    T *const u = a + j * (m + 1), *const w = v + j * (n + 1);
    kernels().linalg_panel.of<T>().bidiagonal(
        {m - j, n - j, steps, u, m, w, n, x, ldx, y, ldy, d + j, e + j, tauq + j, taup + j});
    if (rows == 0 || cols == 0) continue;
    T* const rest = u + steps * (m + 1);
    multiply<T>(rows, cols, steps, -1, operand<T>(u + steps, m), transposed(operand<T>(y + steps, ldy)), 1,
                rest, m);
    multiply<T>(rows, cols, steps, -1, operand<T>(x + steps, ldx), transposed(operand<T>(w + steps, n)), 1,
                rest, m);
  }
}

#define PLAIT_INSTANTIATE(T)                                                                         \
  template void transpose_into<T>(T*, int64_t, const T*, int64_t, int64_t, int64_t);                 \
  template class RightSides<T>;                                                                      \
  template void apply_q_right_blocked<T>(int64_t, int64_t, int64_t, const T*, int64_t, const T*, T*, \
                                         int64_t);                                                   \
  template void bidiagonal_blocked<T>(int64_t, int64_t, T*, T*, T*, T*, T*, T*);                     \
  template void invert_factored<T>(int64_t, const T*, const int32_t*, T*);                           \
  template int32_t lu_blocked<T>(int64_t, int64_t, T*, int64_t, int32_t*);                           \
  template void qr_blocked<T>(int64_t, int64_t, T*, int64_t, T*);                                    \
  template void form_q_blocked<T>(int64_t, int64_t, int64_t, T*, int64_t, const T*);                 \
  template void apply_q_blocked<T>(int64_t, int64_t, int64_t, const T*, int64_t, const T*, T*, int64_t);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::linalg
