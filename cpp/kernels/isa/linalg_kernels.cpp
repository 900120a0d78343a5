// SPDX-License-Identifier: MIT
// Decompositions of small matrices, one per lane (linalg_args.h). Loops are those of textbooks: left-looking
// Cholesky, right-looking LU and Householder QR, cyclic Jacobi. What differs between the lanes (pivots, small
// rotations) is selected, never branched on. Bound by loads: two per multiply-add.
#include "kernels/linalg/linalg_args.h"

#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
inline constexpr int64_t W = kLanes<T>;

// Element (i, j) of every lane.
template <class T>
PLAIT_INLINE T* at(const LaneMatrix<T>& a, int64_t i, int64_t j) {
  return a.data + (i * a.rs + j * a.cs) * W<T>;
}
template <class T>
PLAIT_INLINE Vec<T> get(const LaneMatrix<T>& a, int64_t i, int64_t j) {
  return load(at(a, i, j));
}

template <class T>
void interleave(T* group, const T* matrices, int64_t bs, int64_t size, int64_t count) {
  for (int64_t lane = 0; lane < W<T>; ++lane) {
    const T* const from = matrices + (lane < count ? lane : count - 1) * bs;
    for (int64_t e = 0; e < size; ++e) group[e * W<T> + lane] = from[e];
  }
}
template <class T>
void deinterleave(T* matrices, int64_t bs, int64_t size, int64_t count, const T* group) {
  for (int64_t lane = 0; lane < count; ++lane) {
    T* const to = matrices + lane * bs;
    for (int64_t e = 0; e < size; ++e) to[e] = group[e * W<T> + lane];
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
  int64_t i = 0;
  for (; i + 4 <= t.n; i += 4) solve_rows<T, 4, kVectors>(t, i, x);
  for (; i < t.n; ++i) solve_rows<T, 1, kVectors>(t, i, x);
}
template <class T>
void solve_shared(const SharedTriangle<T>& t) {
  int64_t v = 0;
  for (; v + 4 <= t.vectors; v += 4) solve_vectors<T, 4>(t, t.x + v * W<T>);
  for (; v < t.vectors; ++v) solve_vectors<T, 1>(t, t.x + v * W<T>);
}

// b -= tau v (v^T b) for columns [first, b.cols) of b, where v = (1, a[k + 1 ..][k]) acts on rows k and
// below.
template <class T>
void reflect(const LaneMatrix<T>& b, const LaneMatrix<T>& a, int64_t k, Vec<T> tau, int64_t first) {
  using V = Vec<T>;
  for (int64_t j = first; j < b.cols; ++j) {
    V sum = get(b, k, j);
    for (int64_t i = k + 1; i < a.rows; ++i) sum = fma(get(a, i, k), get(b, i, j), sum);
    sum *= tau;
    store(at(b, k, j), get(b, k, j) - sum);
    for (int64_t i = k + 1; i < a.rows; ++i) store(at(b, i, j), fma(-sum, get(a, i, k), get(b, i, j)));
  }
}

// The norm of column k below the diagonal, scaled so that squares do not overflow.
template <class T>
PLAIT_INLINE Vec<T> norm_below(const LaneMatrix<T>& a, int64_t k) {
  using V = Vec<T>;
  V largest{};
  for (int64_t i = k + 1; i < a.rows; ++i) largest = max_nan(largest, abs(get(a, i, k)));
  const V scale = largest == 0 ? V{} : 1 / largest;
  V sum{};
  for (int64_t i = k + 1; i < a.rows; ++i) {
    const V x = get(a, i, k) * scale;
    sum = fma(x, x, sum);
  }
  return largest * sqrt(sum);
}

template <class T>
void qr(const LaneMatrix<T>& a, T* taus) {
  using V = Vec<T>;
  const int64_t steps = a.rows < a.cols ? a.rows : a.cols;
  for (int64_t k = 0; k < steps; ++k) {
    const V norm = norm_below(a, k), alpha = get(a, k, k);
    const V size = max(abs(alpha), norm), unit = size == 0 ? V{} + 1 : size;
    const V x = alpha / unit, y = norm / unit;
    const V beta = -copysign(unit * sqrt(x * x + y * y), alpha);
    const MaskOf<V> none = norm == 0;  // H = I
    const V tau = none ? V{} : (beta - alpha) / beta, scale = none ? V{} : 1 / (alpha - beta);
    for (int64_t i = k + 1; i < a.rows; ++i) store(at(a, i, k), get(a, i, k) * scale);
    store(at(a, k, k), none ? alpha : beta);
    store(taus + k * W<T>, tau);
    reflect(a, a, k, tau, k + 1);
  }
}

// From the last reflector on: column k of H_1 .. H_k is e_k - tau v above the columns that follow.
template <class T>
void form_q(const LaneMatrix<T>& q, const T* taus, int64_t steps) {
  using V = Vec<T>;
  for (int64_t j = steps; j < q.cols; ++j) {
    for (int64_t i = 0; i < q.rows; ++i) store(at(q, i, j), V{} + static_cast<T>(i == j));
  }
  for (int64_t k = steps; k-- > 0;) {
    const V tau = load(taus + k * W<T>);
    reflect(q, q, k, tau, k + 1);
    for (int64_t i = 0; i < k; ++i) store(at(q, i, k), V{});
    store(at(q, k, k), 1 - tau);
    for (int64_t i = k + 1; i < q.rows; ++i) store(at(q, i, k), -tau * get(q, i, k));
  }
}

// The rotation that makes an off-diagonal element 0, from its product with and the difference of the diagonal
// ones: t = sign(d) 2 p / (|d| + sqrt(d^2 + 4 p^2)), c = 1 / sqrt(1 + t^2), s = c t.
template <class V>
struct Rotation {
  V c, s, t;
};
template <class V>
PLAIT_INLINE Rotation<V> rotation(V difference, V element, MaskOf<V> wanted) {
  const V size = max(abs(difference), abs(element)), unit = wanted ? 1 / size : V{};
  const V d = difference * unit, p = element * unit;
  const V root = abs(d) + sqrt(fma(d, d, 4 * p * p));
  const V t = wanted ? copysign(V{} + 1, d) * 2 * p / root : V{};
  const V c = 1 / sqrt(fma(t, t, V{} + 1));
  return {c, c * t, t};
}
// (x, y) = (c x - s y, s x + c y)
template <class T>
PLAIT_INLINE void rotate(T* x, T* y, const Rotation<Vec<T>>& r) {
  const Vec<T> a = load(x), b = load(y);
  store(x, r.c * a - r.s * b);
  store(y, r.s * a + r.c * b);
}

inline constexpr int kMaxSweeps = 30;
template <class T>
inline constexpr T kEpsilon = sizeof(T) == 4 ? T(0x1p-24) : T(0x1p-53);

// The upper half is kept as a copy of the lower one. The iteration ends when no lane has rotated in a sweep.
template <class T>
void eigh(const LaneMatrix<T>& a, const LaneMatrix<T>& v, T* w) {
  using V = Vec<T>;
  const int64_t n = a.rows;
  for (int64_t i = 0; v.data && i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) store(at(v, i, j), V{} + static_cast<T>(i == j));
  }
  V norm{};
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      norm = max(norm, abs(get(a, i, j)));
      store(at(a, j, i), get(a, i, j));
    }
  }
  const V tiny = norm * (kEpsilon<T> / 8);
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    MaskOf<V> rotated{};
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) {
        const V pq = get(a, p, q), pp = get(a, p, p), qq = get(a, q, q);
        const MaskOf<V> wanted = abs(pq) > tiny;
        if (!any(wanted)) continue;
        rotated |= wanted;
        const Rotation<V> r = rotation<V>(qq - pp, pq, wanted);
        for (int64_t k = 0; k < n; ++k) rotate(at(a, k, p), at(a, k, q), r);
        for (int64_t k = 0; k < n; ++k) {
          store(at(a, p, k), get(a, k, p));
          store(at(a, q, k), get(a, k, q));
        }
        const V zero = wanted ? V{} : pq;
        store(at(a, p, p), pp - r.t * pq);
        store(at(a, q, q), qq + r.t * pq);
        store(at(a, p, q), zero);
        store(at(a, q, p), zero);
        for (int64_t k = 0; v.data && k < n; ++k) rotate(at(v, k, p), at(v, k, q), r);
      }
    }
    if (!any(rotated)) break;
  }
  for (int64_t i = 0; i < n; ++i) store(w + i * W<T>, get(a, i, i));
}

// Columns of A are rotated until they are orthogonal to working precision; their norms are the singular
// values.
template <class T>
void svd(const LaneMatrix<T>& a, const LaneMatrix<T>& v, T* s) {
  using V = Vec<T>;
  const int64_t m = a.rows, n = a.cols;
  for (int64_t i = 0; v.data && i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) store(at(v, i, j), V{} + static_cast<T>(i == j));
  }
  const V tolerance = V{} + kEpsilon<T> * 2;
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    MaskOf<V> rotated{};
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) {
        V pp{}, qq{}, pq{};
        for (int64_t k = 0; k < m; ++k) {
          const V x = get(a, k, p), y = get(a, k, q);
          pp = fma(x, x, pp);
          qq = fma(y, y, qq);
          pq = fma(x, y, pq);
        }
        const MaskOf<V> wanted = abs(pq) > tolerance * sqrt(pp) * sqrt(qq);
        if (!any(wanted)) continue;
        rotated |= wanted;
        const Rotation<V> r = rotation<V>(qq - pp, pq, wanted);
        for (int64_t k = 0; k < m; ++k) rotate(at(a, k, p), at(a, k, q), r);
        for (int64_t k = 0; v.data && k < n; ++k) rotate(at(v, k, p), at(v, k, q), r);
      }
    }
    if (!any(rotated)) break;
  }
  for (int64_t j = 0; j < n; ++j) {
    V sum{};
    for (int64_t i = 0; i < m; ++i) sum = fma(get(a, i, j), get(a, i, j), sum);
    const V norm = sqrt(sum);
    store(s + j * W<T>, norm);
    for (int64_t i = 0; i < m; ++i) store(at(a, i, j), get(a, i, j) / norm);
  }
}

// tuned: against OpenBLAS 0.3.34 on batches of 1,000
inline constexpr LinalgTuning kTuning = {16, 16, 16, 16, 16, 16};

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
