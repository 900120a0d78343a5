// SPDX-License-Identifier: MIT
// Decompositions of small matrices, one per lane (linalg_args.h). Loops are those of textbooks: left-looking
// Cholesky, right-looking LU and Householder QR, one-sided Jacobi. What differs between the lanes (pivots,
// small rotations) is selected, never branched on. Bound by loads: two per multiply-add.
#include "kernels/isa/linalg_eigh.h"
#include "kernels/isa/linalg_lanes.h"
#include "kernels/isa/linalg_svd.h"
#include "kernels/isa/transpose.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

// Squares of as many elements as lanes are transposed in registers, the rest is copied one by one.
template <class T>
void interleave(T* group, const T* matrices, int64_t bs, int64_t size, int64_t count) {
  const int64_t whole = size / W<T> * W<T>;
  const auto from = [&](int64_t lane) { return matrices + (lane < count ? lane : count - 1) * bs; };
  for (int64_t e = 0; e < whole; e += W<T>) {
    Vec<T> tile[W<T>];
    for (int64_t lane = 0; lane < W<T>; ++lane) tile[lane] = load(from(lane) + e);
    transpose<T>(tile);
    for (int64_t i = 0; i < W<T>; ++i) store(group + (e + i) * W<T>, tile[i]);
  }
  for (int64_t lane = 0; lane < W<T>; ++lane) {
    for (int64_t e = whole; e < size; ++e) group[e * W<T> + lane] = from(lane)[e];
  }
}
template <class T>
void deinterleave(T* matrices, int64_t bs, int64_t size, int64_t count, const T* group) {
  const int64_t whole = size / W<T> * W<T>;
  for (int64_t e = 0; e < whole; e += W<T>) {
    Vec<T> tile[W<T>];
    for (int64_t i = 0; i < W<T>; ++i) tile[i] = load(group + (e + i) * W<T>);
    transpose<T>(tile);
    for (int64_t lane = 0; lane < count; ++lane) store(matrices + lane * bs + e, tile[lane]);
  }
  for (int64_t lane = 0; lane < count; ++lane) {
    T* const to = matrices + lane * bs;
    for (int64_t e = whole; e < size; ++e) to[e] = group[e * W<T> + lane];
  }
}

// info = k + 1 in lanes where `failed` is set and info is still 0.
template <class T>
PLAIT_INLINE void note(int32_t* info, MaskOf<Vec<T>> failed, int64_t k) {
  if (!any(failed)) return;
  for (int64_t lane = 0; lane < W<T>; ++lane) {
    if (failed[lane] && !info[lane]) info[lane] = static_cast<int32_t>(k + 1);
  }
}

// sum over k < n of a[i][k] b[j][k]
template <class T>
PLAIT_INLINE Vec<T> dot_rows(const LaneMatrix<T>& a, int64_t i, int64_t j, int64_t n) {
  Vec<T> s0{}, s1{};
  int64_t k = 0;
  for (; k + 1 < n; k += 2) {
    s0 = fma(get(a, i, k), get(a, j, k), s0);
    s1 = fma(get(a, i, k + 1), get(a, j, k + 1), s1);
  }
  if (k < n) s0 = fma(get(a, i, k), get(a, j, k), s0);
  return s0 + s1;
}

template <class T>
void cholesky(const LaneMatrix<T>& a, int32_t* info) {
  using V = Vec<T>;
  for (int64_t j = 0; j < a.rows; ++j) {
    const V d = get(a, j, j) - dot_rows(a, j, j, j);
    note<T>(info, ~(d > 0), j);
    const V root = sqrt(d), scale = 1 / root;
    store(at(a, j, j), root);
    for (int64_t i = j + 1; i < a.rows; ++i) {
      store(at(a, i, j), (get(a, i, j) - dot_rows(a, i, j, j)) * scale);
      store(at(a, j, i), V{});
    }
  }
}

// Exchanges rows i and p >= i, where p differs by lane.
template <class T>
void exchange_rows(const LaneMatrix<T>& a, int64_t i, MaskOf<Vec<T>> p) {
  using I = MaskOf<Vec<T>>;
  for (int64_t r = i + 1; r < a.rows; ++r) {
    const I here = p == static_cast<ElemT<I>>(r);
    if (!any(here)) continue;
    for (int64_t j = 0; j < a.cols; ++j) {
      const Vec<T> x = get(a, i, j), y = get(a, r, j);
      store(at(a, i, j), here ? y : x);
      store(at(a, r, j), here ? x : y);
    }
  }
}

template <class T>
void lu(const LaneMatrix<T>& a, int32_t* pivots, int32_t* info) {
  using V = Vec<T>;
  using I = MaskOf<V>;
  const int64_t steps = a.rows < a.cols ? a.rows : a.cols;
  for (int64_t k = 0; k < steps; ++k) {
    V best = abs(get(a, k, k));
    I p = I{} + static_cast<ElemT<I>>(k);
    for (int64_t i = k + 1; i < a.rows; ++i) {
      const V x = abs(get(a, i, k));
      const I larger = x > best;
      best = larger ? x : best;
      p = larger ? I{} + static_cast<ElemT<I>>(i) : p;
    }
    for (int64_t lane = 0; lane < W<T>; ++lane) pivots[k * W<T> + lane] = static_cast<int32_t>(p[lane] + 1);
    exchange_rows(a, k, p);
    const V pivot = get(a, k, k);
    const I zero = pivot == 0;
    note<T>(info, zero, k);
    const V scale = zero ? V{} + 1 : 1 / pivot;
    for (int64_t i = k + 1; i < a.rows; ++i) {
      const V l = get(a, i, k) * scale;
      store(at(a, i, k), l);
      for (int64_t j = k + 1; j < a.cols; ++j) store(at(a, i, j), fma(-l, get(a, k, j), get(a, i, j)));
    }
  }
}

template <class T>
void permute(const LaneMatrix<T>& b, const int32_t* pivots, int64_t k) {
  using I = MaskOf<Vec<T>>;
  for (int64_t i = 0; i < k; ++i) {
    I p{};
    for (int64_t lane = 0; lane < W<T>; ++lane) p[lane] = pivots[i * W<T> + lane] - 1;
    exchange_rows(b, i, p);
  }
}

// Two columns of the right side at a time share the loads of A.
template <class T, int kColumns>
void solve_columns(const LaneTriangle<T>& t, int64_t c) {
  using V = Vec<T>;
  const int64_t n = t.a.rows;
  for (int64_t step = 0; step < n; ++step) {
    const int64_t i = t.upper ? n - 1 - step : step;
    V x[kColumns];
    for (int col = 0; col < kColumns; ++col) x[col] = get(t.b, i, c + col);
    for (int64_t k = t.upper ? i + 1 : 0, end = t.upper ? n : i; k < end; ++k) {
      const V a = get(t.a, i, k);
      for (int col = 0; col < kColumns; ++col) x[col] = fma(-a, get(t.b, k, c + col), x[col]);
    }
    const V scale = t.unit ? V{} + 1 : 1 / get(t.a, i, i);
    for (int col = 0; col < kColumns; ++col) store(at(t.b, i, c + col), x[col] * scale);
  }
}
template <class T>
void solve_triangular(const LaneTriangle<T>& t) {
  int64_t c = 0;
  for (; c + 4 <= t.b.cols; c += 4) solve_columns<T, 4>(t, c);
  for (; c < t.b.cols; ++c) solve_columns<T, 1>(t, c);
}

// kRows rows of kVectors vectors in registers: what the rows above take from them, then the triangle between
// them.
template <class T, int kRows, int kVectors>
PLAIT_INLINE void solve_rows(const SharedTriangle<T>& t, int64_t i, T* x) {
  using V = Vec<T>;
  V sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) sum[r][v] = load(x + (i + r) * t.ldx + v * W<T>);
  }
  const T* const a = t.a + i * t.rs;
  for (int64_t p = 0; p < i; ++p) {
    V above[kVectors];
    for (int v = 0; v < kVectors; ++v) above[v] = load(x + p * t.ldx + v * W<T>);
    for (int r = 0; r < kRows; ++r) {
      const V factor = splat<V>(-a[r * t.rs + p * t.cs]);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = fma(factor, above[v], sum[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int q = 0; q < r; ++q) {
      const V factor = splat<V>(-a[r * t.rs + (i + q) * t.cs]);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = fma(factor, sum[q][v], sum[r][v]);
    }
    const V scale = splat<V>(t.unit ? T(1) : 1 / a[r * t.rs + (i + r) * t.cs]);
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] *= scale;
      store(x + (i + r) * t.ldx + v * W<T>, sum[r][v]);
    }
  }
}
template <class T, int kVectors>
void solve_vectors(const SharedTriangle<T>& t, T* x) {
  constexpr int64_t kRows = kVectors == 1 ? 8 : 4;
  int64_t i = 0;
  for (; i + kRows <= t.n; i += kRows) solve_rows<T, kRows, kVectors>(t, i, x);
  for (; i < t.n; ++i) solve_rows<T, 1, kVectors>(t, i, x);
}
template <class T>
void solve_shared(const SharedTriangle<T>& t) {
  int64_t v = 0;
  for (; v + 4 <= t.vectors; v += 4) solve_vectors<T, 4>(t, t.x + v * W<T>);
  for (; v < t.vectors; ++v) solve_vectors<T, 1>(t, t.x + v * W<T>);
}

template <class T>
void qr(const LaneMatrix<T>& a, T* taus) {
  const int64_t steps = a.rows < a.cols ? a.rows : a.cols;
  for (int64_t k = 0; k < steps; ++k) {
    const LaneMatrix<T> rest = corner(a, k, k);
    const Vec<T> tau = make_reflection(rest);
    store(taus + k * W<T>, tau);
    reflect(rest, tau, corner(a, k, k + 1));
  }
}

// tuned: against OpenBLAS 0.3.34 on batches of 1,000
inline constexpr LinalgTuning kTuning = {16, 16, 16, 16, 64, 64};

template <class T>
constexpr LinalgKernels<T> kernels_of() {
  return {W<T>,
          kTuning,
          interleave<T>,
          deinterleave<T>,
          cholesky<T>,
          lu<T>,
          permute<T>,
          solve_triangular<T>,
          solve_shared<T>,
          qr<T>,
          form_q<T>,
          eigh<T>,
          svd<T>};
}

}  // namespace

void fill_linalg(KernelTable& table) {
  table.linalg.f32 = kernels_of<float>();
  table.linalg.f64 = kernels_of<double>();
}

}  // namespace plait::PLAIT_ISA_NS
