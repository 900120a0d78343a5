// SPDX-License-Identifier: MIT
#include "kernels/linalg/blocked.h"

#include <algorithm>

#include "kernels/gemm/gemm.h"
#include "kernels/linalg/linalg_split.h"

namespace plait::linalg {
namespace {

// Columns of a panel. tuned: LU and QR of 512 and 1,024 floats
constexpr int64_t kLuPanel = 64, kQrPanel = 48;
// Rows of a triangle that are solved in registers.
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

// Exchanges element i of a column with element pivots[i] - 1, i < k.
template <class T>
void exchange(T* column, const int32_t* pivots, int64_t k) {
  for (int64_t i = 0; i < k; ++i) std::swap(column[i], column[pivots[i] - 1]);
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

 private:
  int64_t m_, k_;
  Workspace space_;
};

}  // namespace

// The right sides are copied by rows, from the last row on for an upper triangle, which is a lower one then.
// Blocks of the triangle are solved in registers, what they take from the rows below is a product.
template <class T>
void solve_run(const Triangle<T>& t, T* b, int64_t ld, int64_t cols) {
  const auto& table = kernels().linalg.of<T>();
  const int64_t n = t.n, vectors = (cols + table.lanes - 1) / table.lanes, ldx = vectors * table.lanes;
  const int64_t sign = t.upper ? -1 : 1, rs = sign * t.rs, cs = sign * t.cs;
  const T* const a = t.upper ? t.a + (n - 1) * (t.rs + t.cs) : t.a;
  const Workspace space(static_cast<size_t>(n * ldx) * sizeof(T));
  T* const x = space.as<T>();
  const auto row = [&](int64_t i) { return t.upper ? n - 1 - i : i; };
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < cols; ++c) x[i * ldx + c] = b[c * ld + row(i)];
    std::fill(x + i * ldx + cols, x + (i + 1) * ldx, T(0));
  }
  for (int64_t j = 0; j < n; j += kTriangleBlock) {
    const int64_t width = std::min(kTriangleBlock, n - j), below = n - j - width;
    const T* const diagonal = a + j * (rs + cs);
    T* const solved = x + j * ldx;
    table.solve_shared({diagonal, width, rs, cs, solved, ldx, vectors, t.unit});
    if (below == 0) continue;
    gemm<T>({.m = below,
             .n = ldx,
             .k = width,
             .a = {.data = diagonal + width * rs, .rs = rs, .cs = cs},
             .b = row_major<T>(solved, ldx),
             .c = solved + width * ldx,
             .c_rs = ldx,
             .alpha = -1,
             .beta = 1});
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < cols; ++c) b[c * ld + row(i)] = x[i * ldx + c];
  }
}

// Right-looking: the panel is factored, its exchanges are made in all columns, the block row is solved with
// the panel's triangle, and the rest loses the product of both.
template <class T>
int32_t lu_blocked(int64_t m, int64_t n, T* a, int64_t ld, int32_t* pivots) {
  int32_t info = 0;
  const int64_t least = std::min(m, n);
  for (int64_t j = 0; j < least; j += kLuPanel) {
    const int64_t width = std::min(kLuPanel, least - j), below = m - j - width, right = n - j - width;
    T *const panel = a + j * ld + j, *const row = panel + width * ld;
    int32_t* const exchanges = pivots + j;
    const int failed = lapack::getrf(to_int(m - j), to_int(width), panel, to_int(ld), exchanges);
    if (failed > 0 && info == 0) info = static_cast<int32_t>(failed + j);
    for_columns(j + right, [&](int64_t first, int64_t count) {
      for (int64_t c = first; c < first + count; ++c) {
        exchange(a + (c < j ? c : c + width) * ld + j, exchanges, width);
      }
    });
    for_columns(right, [&](int64_t first, int64_t count) {
      solve_run<T>({panel, width, 1, ld, false, true}, row + first * ld, ld, count);
    });
    if (below > 0 && right > 0) {
      multiply<T>(below, right, width, -1, operand<T>(panel + width, ld), operand<T>(row, ld), 1, row + width,
                  ld);
    }
    for (int64_t i = 0; i < width; ++i) exchanges[i] += static_cast<int32_t>(j);
  }
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
  for (int64_t j = (k - 1) / kQrPanel * kQrPanel; j >= 0; j -= kQrPanel) {
    const int64_t width = std::min(kQrPanel, k - j);
    BlockReflector<T>(m - j, width, a + j * ld + j, ld, tau + j).apply(false, n, c + j, ldc);
  }
}

#define PLAIT_INSTANTIATE(T)                                                         \
  template void solve_run<T>(const Triangle<T>&, T*, int64_t, int64_t);              \
  template int32_t lu_blocked<T>(int64_t, int64_t, T*, int64_t, int32_t*);           \
  template void qr_blocked<T>(int64_t, int64_t, T*, int64_t, T*);                    \
  template void form_q_blocked<T>(int64_t, int64_t, int64_t, T*, int64_t, const T*); \
  template void apply_q_blocked<T>(int64_t, int64_t, int64_t, const T*, int64_t, const T*, T*, int64_t);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::linalg
