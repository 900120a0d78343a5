// SPDX-License-Identifier: MIT
// Normalisation; the formulas are in norm_args.h.
//
// Layer and RMS norm pass over a row three times forward (mean, variance, result) and twice backward (sums,
// result); all passes but the first read the cache. Backward adds parameter gradients to the caller's
// buffers, which stay in L1. The passes of batch and group norm stream through the array once each. Sums add
// four or eight vectors in a tree and continue in double. Bound by memory bandwidth: layer norm of 4096 x 768
// floats, forward and backward, runs at 50.4 GB/s, 1.9 times the machine's copy bandwidth (two cores of an
// AMD EPYC, Zen 4, AVX-512, 2026-11-26, bench/README.md).
#include "kernels/isa/reduce_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
struct Norm {
  using V = Vec<T>;
  using C = ElemT<V>;
  static constexpr int64_t L = kLanes<T>;

  // Two sums over a row: f(i, width, tag, a, b) sets a and b to the vectors at i, 0 in lanes beyond the end.
  struct Sums {
    double a, b;
  };
  template <class F>
  static PLAIT_INLINE Sums sum_pairs(int64_t n, F f) {
    WideSum<V> sa, sb;
    int64_t i = 0;
    for (; i + 4 * L <= n; i += 4 * L) {
      V a[4], b[4];
      for (int k = 0; k < 4; ++k) f(i + k * L, L, Full{}, a[k], b[k]);
      sa.add((a[0] + a[1]) + (a[2] + a[3]));
      sb.add((b[0] + b[1]) + (b[2] + b[3]));
    }
    for_vectors<L>(n - i, [&](int64_t j, int64_t width, auto tag) {
      V a, b;
      f(i + j, width, tag, a, b);
      sa.add(a);
      sb.add(b);
    });
    return {sa.total(), sb.total()};
  }

  static PLAIT_INLINE V load_or(const C* p, int64_t i, int64_t width, auto tag, C other) {
    return p ? load_at(p + i, width, tag) : splat<V>(other);
  }

  static PLAIT_INLINE double row_sum(const T* x, int64_t n) {
    WideSum<V> sum;
    int64_t i = 0;
    for (; i + 8 * L <= n; i += 8 * L) {
      sum.add(tree8([&](int k) { return load(x + i + k * L); }, [](V a, V b) { return a + b; }));
    }
    for_vectors<L>(n - i,
                   [&](int64_t j, int64_t width, auto tag) { sum.add(load_at(x + i + j, width, tag)); });
    return sum.total();
  }

  template <RowNormKind kKind>
  static void forward(const RowNormArgs& a) {
    const C* w = static_cast<const C*>(a.weight);
    const C* b = static_cast<const C*>(a.bias);
    const double n = static_cast<double>(a.n);
    const bool stream = a.stream;
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.n;
      T* y = static_cast<T*>(a.y) + r * a.n;
      C mean = 0;
      if constexpr (kKind == RowNormKind::kLayer) {
        mean = static_cast<C>(row_sum(x, a.n) / n);
        static_cast<C*>(a.mean)[r] = mean;
      }
      const V vmean = splat<V>(mean);
      // The sum of the deviations corrects for the rounding of the mean.
      const Sums s = sum_pairs(a.n, [&](int64_t i, int64_t width, auto tag, V& d, V& dd) {
        d = load_at(x + i, width, tag) - vmean;
        if constexpr (!decltype(tag)::value && kKind == RowNormKind::kLayer) d = keep_n(d, width, 0);
        dd = d * d;
      });
      const double mean_error = kKind == RowNormKind::kLayer ? s.a / n : 0;
      const double variance = s.b / n - mean_error * mean_error;
      const C rstd = static_cast<C>(1 / __builtin_sqrt(variance + a.eps));
      static_cast<C*>(a.rstd)[r] = rstd;
      const V vrstd = splat<V>(rstd);
      for_vectors<L>(a.n, [&](int64_t i, int64_t width, auto tag) {
        const V hat = (load_at(x + i, width, tag) - vmean) * vrstd;
        store_result(stream, y + i, hat * load_or(w, i, width, tag, 1) + load_or(b, i, width, tag, 0), width,
                     tag);
      });
    }
    if (stream) stream_fence();
  }

  template <RowNormKind kKind>
  static void backward(const RowNormGradArgs& a) {
    const C* w = static_cast<const C*>(a.weight);
    C* gw = static_cast<C*>(a.gweight);
    C* gb = static_cast<C*>(a.gbias);
    const double n = static_cast<double>(a.n);
    const bool stream = a.stream;
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.n;
      const T* gy = static_cast<const T*>(a.gy) + r * a.n;
      const V vmean = splat<V>(kKind == RowNormKind::kLayer ? static_cast<const C*>(a.mean)[r] : C{0});
      const V vrstd = splat<V>(static_cast<const C*>(a.rstd)[r]);
      const Sums s = sum_pairs(a.n, [&](int64_t i, int64_t width, auto tag, V& g, V& gh) {
        const V hat = (load_at(x + i, width, tag) - vmean) * vrstd;
        const V up = load_at(gy + i, width, tag);
        if (gb) store_at(gb + i, load_at(gb + i, width, tag) + up, width, tag);
        if (gw) store_at(gw + i, load_at(gw + i, width, tag) + up * hat, width, tag);
        g = up * load_or(w, i, width, tag, 1);
        gh = g * hat;
      });
      if (!a.gx) continue;
      T* gx = static_cast<T*>(a.gx) + r * a.n;
      const V vg = splat<V>(kKind == RowNormKind::kLayer ? static_cast<C>(s.a / n) : C{0});
      const V vgh = splat<V>(static_cast<C>(s.b / n));
      for_vectors<L>(a.n, [&](int64_t i, int64_t width, auto tag) {
        const V hat = (load_at(x + i, width, tag) - vmean) * vrstd;
        const V g = load_at(gy + i, width, tag) * load_or(w, i, width, tag, 1);
        store_result(stream, gx + i, vrstd * ((g - vg) - hat * vgh), width, tag);
      });
    }
    if (stream) stream_fence();
  }

  // Coefficients of the slab kernels at row r, column j.
  template <bool kByRow>
  static PLAIT_INLINE V coefficient(const void* p, int64_t step, int64_t r, int64_t j, int64_t width,
                                    auto tag) {
    const C* c = static_cast<const C*>(p);
    if constexpr (kByRow) {
      return splat<V>(c[r * step]);
    } else {
      return load_at(c + j, width, tag);
    }
  }

  template <bool kByRow>
  static void apply(const SlabArgs& a) {
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.ld;
      T* y = static_cast<T*>(a.out) + r * a.ld;
      for_vectors<L>(a.n, [&](int64_t j, int64_t width, auto tag) {
        const auto at = [&](const void* p) { return coefficient<kByRow>(p, a.step, r, j, width, tag); };
        store_at(y + j, (load_at(x + j, width, tag) - at(a.mean)) * at(a.scale) + at(a.shift), width, tag);
      });
    }
  }

  template <bool kByRow>
  static void gradient(const SlabArgs& a) {
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.ld;
      const T* gy = static_cast<const T*>(a.gy) + r * a.ld;
      T* gx = static_cast<T*>(a.out) + r * a.ld;
      for_vectors<L>(a.n, [&](int64_t j, int64_t width, auto tag) {
        const auto at = [&](const void* p) { return coefficient<kByRow>(p, a.step, r, j, width, tag); };
        const V d = load_at(x + j, width, tag) - at(a.mean);
        store_at(gx + j, (load_at(gy + j, width, tag) * at(a.scale) - d * at(a.slope)) - at(a.shift), width,
                 tag);
      });
    }
  }

  static void sums_by_row(const SlabArgs& a) {
    const C* mean = static_cast<const C*>(a.mean);
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.ld;
      const T* gy = static_cast<const T*>(a.gy) + r * a.ld;
      const V vmean = splat<V>(mean[r * a.step]);
      const Sums s = sum_pairs(a.n, [&](int64_t i, int64_t width, auto tag, V& g, V& gd) {
        g = load_at(gy + i, width, tag);
        gd = g * (load_at(x + i, width, tag) - vmean);
      });
      a.sum_gy[r * a.step] += s.a;
      a.sum_gyx[r * a.step] += s.b;
    }
  }

  static void sums_by_column(const SlabArgs& a) {
    const C* mean = static_cast<const C*>(a.mean);
    constexpr int kParts = kWideParts<V>;
    constexpr int64_t kGroup = 8;
    for (int64_t r = 0; r < a.rows; r += kGroup) {
      const int64_t m = min_i64(kGroup, a.rows - r);
      const T* x = static_cast<const T*>(a.x) + r * a.ld;
      const T* gy = static_cast<const T*>(a.gy) + r * a.ld;
      for_vectors<L>(a.n, [&](int64_t j, int64_t width, auto tag) {
        const V vmean = load_at(mean + j, width, tag);
        V g{}, gd{};
        for (int64_t k = 0; k < m; ++k) {
          const V up = load_at(gy + k * a.ld + j, width, tag);
          g += up;
          gd += up * (load_at(x + k * a.ld + j, width, tag) - vmean);
        }
        const auto add = [&](double* into, V v) {
          F64 acc[kParts], w[kParts];
          load_wide<V>(into + j, width, tag, acc);
          widen(v, w);
          for (int p = 0; p < kParts; ++p) acc[p] += w[p];
          store_wide<V>(into + j, acc, width, tag);
        };
        add(a.sum_gy, g);
        add(a.sum_gyx, gd);
      });
    }
  }
};

template <class T>
void set_norm(NormTable& t) {
  using N = Norm<T>;
  constexpr RowNormKind kLayer = RowNormKind::kLayer, kRms = RowNormKind::kRms;
  t.rows[kLayer].of<T>() = {N::template forward<kLayer>, N::template backward<kLayer>};
  t.rows[kRms].of<T>() = {N::template forward<kRms>, N::template backward<kRms>};
  t.by_row.of<T>() = {N::template apply<true>, N::sums_by_row, N::template gradient<true>};
  t.by_column.of<T>() = {N::template apply<false>, N::sums_by_column, N::template gradient<false>};
}

}  // namespace

void fill_norm(KernelTable& table) {
  NormTable& t = table.norm;
  set_norm<f16>(t);
  set_norm<bf16>(t);
  set_norm<float>(t);
  set_norm<double>(t);
}

}  // namespace plait::PLAIT_ISA_NS
