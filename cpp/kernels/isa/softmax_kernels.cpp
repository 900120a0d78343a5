// SPDX-License-Identifier: MIT
// Softmax, log-softmax and cross-entropy; the formulas are in softmax_args.h.
//
// Rows: three passes over a row (maximum, sum of exponentials, result), of which two read the cache. softmax
// stores exp(x - m) in the second pass and scales it in the third; float16 and bfloat16 compute it again,
// since storing it would round twice. Columns: the same passes over a strip of columns, whose maxima and sums
// lie in a buffer. Sums of rows add four vectors in a tree and continue in double. Bound by memory bandwidth
// for rows that fit L2, by exp at the levels below AVX-512. 4096 x 1024 floats run at 44 GB/s, 1.7 times the
// machine's copy bandwidth (two cores of an AMD EPYC, Zen 4, AVX-512, 2026-11-26, bench/README.md).
#include "kernels/isa/math.h"
#include "kernels/isa/reduce_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
struct Softmax {
  using V = Vec<T>;
  using C = ElemT<V>;
  static constexpr int64_t L = kLanes<T>;
  static constexpr bool kKeepsExp = kSame<T, C>;  // y can hold exp(x - max) unrounded
  static constexpr C kLowest = -static_cast<C>(__builtin_inf());

  // sum exp(x - m) over a row x[n]; the exponentials are stored in keep[n] unless it is null.
  static PLAIT_INLINE double row_exp_sum(const T* x, int64_t n, C m, T* keep) {
    const V vm = splat<V>(m);
    return sum_vectors<T>(n, [&](int64_t i, int64_t width, auto tag) {
      V e = exp(load_at(x + i, width, tag) - vm);
      if constexpr (!decltype(tag)::value) e = keep_n(e, width, 0);
      if (keep) store_at(keep + i, e, width, tag);
      return e;
    });
  }

  static PLAIT_INLINE C log_scalar(double x) { return static_cast<C>(log(splat<F64>(x))[0]); }

  template <SoftmaxKind kKind>
  static void rows(const SoftmaxArgs& a) {
    // With non-temporal stores y is written once, so the exponentials are kept in a buffer.
    constexpr int64_t kMaxStreamed = 4096;
    alignas(kVecBytes) T buffer[kKeepsExp && kKind == SoftmaxKind::kSoftmax ? kMaxStreamed : 1];
    const bool stream = a.stream && a.n <= kMaxStreamed;
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.n;
      T* y = static_cast<T*>(a.y) + r * a.n;
      const C m = max_of_numbers(x, a.n);  // skips NaN, which then shows in the sum
      const V vm = splat<V>(m);
      if constexpr (kKind == SoftmaxKind::kLogSoftmax) {
        const V shift = splat<V>(log_scalar(row_exp_sum(x, a.n, m, nullptr)));
        for_vectors<L>(a.n, [&](int64_t i, int64_t width, auto tag) {
          store_result(stream, y + i, (load_at(x + i, width, tag) - vm) - shift, width, tag);
        });
      } else if constexpr (kKeepsExp) {
        T* e = stream ? buffer : y;
        const V scale = splat<V>(static_cast<C>(1 / row_exp_sum(x, a.n, m, e)));
        for_vectors<L>(a.n, [&](int64_t i, int64_t width, auto tag) {
          store_result(stream, y + i, load_at(e + i, width, tag) * scale, width, tag);
        });
      } else {
        const V scale = splat<V>(static_cast<C>(1 / row_exp_sum(x, a.n, m, nullptr)));
        for_vectors<L>(a.n, [&](int64_t i, int64_t width, auto tag) {
          store_at(y + i, exp(load_at(x + i, width, tag) - vm) * scale, width, tag);
        });
      }
    }
    if (stream) stream_fence();
  }

  // softmax:     gx = y (gy - sum gy y)
  // log-softmax: gx = gy - exp(y) sum gy
  template <SoftmaxKind kKind>
  static PLAIT_INLINE V summand(V y, V gy) {
    return kKind == SoftmaxKind::kSoftmax ? gy * y : gy;
  }
  template <SoftmaxKind kKind>
  static PLAIT_INLINE V gradient(V y, V gy, V sum) {
    if constexpr (kKind == SoftmaxKind::kSoftmax) {
      return y * (gy - sum);
    } else {
      return gy - exp(y) * sum;
    }
  }

  template <SoftmaxKind kKind>
  static void rows_backward(const SoftmaxGradArgs& a) {
    const bool stream = a.stream;
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* y = static_cast<const T*>(a.y) + r * a.n;
      const T* gy = static_cast<const T*>(a.gy) + r * a.n;
      T* gx = static_cast<T*>(a.gx) + r * a.n;
      const double total = sum_vectors<T>(a.n, [&](int64_t i, int64_t width, auto tag) {
        return summand<kKind>(load_at(y + i, width, tag), load_at(gy + i, width, tag));
      });
      const V sum = splat<V>(static_cast<C>(total));
      for_vectors<L>(a.n, [&](int64_t i, int64_t width, auto tag) {
        store_result(stream, gx + i,
                     gradient<kKind>(load_at(y + i, width, tag), load_at(gy + i, width, tag), sum), width,
                     tag);
      });
    }
    if (stream) stream_fence();
  }

  // One value per column of a strip.
  struct Strip {
    alignas(kVecBytes) C max[kMaxSoftmaxColumns];
    alignas(kVecBytes) C sum[kMaxSoftmaxColumns];
  };
  // Calls f(j, width, tag, r0, r1) for every group of rows [r0, r1) and every vector of columns. Groups are
  // small: of rows a power of two apart, L1 holds no more than its ways.
  template <class Args, class F>
  static PLAIT_INLINE void for_groups(const Args& a, F f) {
    constexpr int64_t kGroup = 2;
    for (int64_t r = 0; r < a.n; r += kGroup) {
      const int64_t end = min_i64(r + kGroup, a.n);
      for_vectors<L>(a.columns, [&](int64_t j, int64_t width, auto tag) { f(j, width, tag, r, end); });
    }
  }
  static PLAIT_INLINE void fill(C* p, int64_t n, C value) {
    for (int64_t j = 0; j < n; ++j) p[j] = value;
  }

  template <SoftmaxKind kKind>
  static void columns(const SoftmaxArgs& a) {
    const T* x = static_cast<const T*>(a.x);
    T* y = static_cast<T*>(a.y);
    Strip s;
    fill(s.max, kMaxSoftmaxColumns, kLowest);
    fill(s.sum, kMaxSoftmaxColumns, 0);
    for_groups(a, [&](int64_t j, int64_t width, auto tag, int64_t r, int64_t end) {
      V m = load(s.max + j);
      for (; r < end; ++r) m = max(load_at(x + r * a.ld + j, width, tag), m);
      store(s.max + j, m);
    });
    constexpr bool kStoreExp = kKind == SoftmaxKind::kSoftmax && kKeepsExp;
    for_groups(a, [&](int64_t j, int64_t width, auto tag, int64_t r, int64_t end) {
      const V m = load(s.max + j);
      V sum{};
      for (; r < end; ++r) {
        const V e = exp(load_at(x + r * a.ld + j, width, tag) - m);
        if constexpr (kStoreExp) store_at(y + r * a.ld + j, e, width, tag);
        sum += e;
      }
      store(s.sum + j, load(s.sum + j) + sum);
    });
    for (int64_t j = 0; j < a.columns; j += L) {
      const V sum = load(s.sum + j);
      store(s.sum + j, kKind == SoftmaxKind::kSoftmax ? 1 / sum : log(sum));
    }
    for_groups(a, [&](int64_t j, int64_t width, auto tag, int64_t r, int64_t end) {
      const V m = load(s.max + j), scale = load(s.sum + j);  // 1 / sum, or log(sum)
      for (; r < end; ++r) {
        const int64_t at = r * a.ld + j;
        if constexpr (kKind == SoftmaxKind::kLogSoftmax) {
          store_at(y + at, (load_at(x + at, width, tag) - m) - scale, width, tag);
        } else if constexpr (kStoreExp) {
          store_at(y + at, load_at(y + at, width, tag) * scale, width, tag);
        } else {
          store_at(y + at, exp(load_at(x + at, width, tag) - m) * scale, width, tag);
        }
      }
    });
  }

  template <SoftmaxKind kKind>
  static void columns_backward(const SoftmaxGradArgs& a) {
    const T* y = static_cast<const T*>(a.y);
    const T* gy = static_cast<const T*>(a.gy);
    T* gx = static_cast<T*>(a.gx);
    Strip s;
    fill(s.sum, kMaxSoftmaxColumns, 0);
    for_groups(a, [&](int64_t j, int64_t width, auto tag, int64_t r, int64_t end) {
      V sum{};
      for (; r < end; ++r) {
        const int64_t at = r * a.ld + j;
        sum += summand<kKind>(load_at(y + at, width, tag), load_at(gy + at, width, tag));
      }
      store(s.sum + j, load(s.sum + j) + sum);
    });
    for_groups(a, [&](int64_t j, int64_t width, auto tag, int64_t r, int64_t end) {
      const V sum = load(s.sum + j);
      for (; r < end; ++r) {
        const int64_t at = r * a.ld + j;
        store_at(gx + at, gradient<kKind>(load_at(y + at, width, tag), load_at(gy + at, width, tag), sum),
                 width, tag);
      }
    });
  }

  static void cross_entropy(const CrossEntropyArgs& a) {
    const C* w = static_cast<const C*>(a.weight);
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.n;
      C* stats = static_cast<C*>(a.stats) + 2 * r;
      const C m = max_of_numbers(x, a.n);  // skips NaN, which then shows in the sum
      stats[0] = m;
      stats[1] = static_cast<C>(row_exp_sum(x, a.n, m, nullptr));
      if (!a.weighted) continue;
      a.weighted[r] = sum_vectors<T>(a.n, [&](int64_t i, int64_t width, auto tag) {
        const V v = load_at(x + i, width, tag);
        return w ? v * load_at(w + i, width, tag) : v;
      });
    }
  }

  static void cross_entropy_backward(const CrossEntropyArgs& a) {
    const C* w = static_cast<const C*>(a.weight);
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.n;
      T* gx = static_cast<T*>(a.gx) + r * a.n;
      const V m = splat<V>(static_cast<const C*>(a.stats)[2 * r]);
      const double weight_scale = a.weight_scale ? a.weight_scale[r] : 0;
      if (a.exp_scale[r] == 0 && weight_scale == 0) {  // an ignored row, which may hold NaN
        for_vectors<L>(a.n, [&](int64_t i, int64_t width, auto tag) { store_at(gx + i, V{}, width, tag); });
        continue;
      }
      const V va = splat<V>(static_cast<C>(a.exp_scale[r]));
      const V vb = splat<V>(static_cast<C>(weight_scale));
      if (weight_scale == 0) {
        for_vectors<L>(a.n, [&](int64_t i, int64_t width, auto tag) {
          store_at(gx + i, va * exp(load_at(x + i, width, tag) - m), width, tag);
        });
      } else {
        for_vectors<L>(a.n, [&](int64_t i, int64_t width, auto tag) {
          const V share = w ? vb * load_at(w + i, width, tag) : vb;
          store_at(gx + i, va * exp(load_at(x + i, width, tag) - m) + share, width, tag);
        });
      }
    }
  }
};

template <class T, SoftmaxKind kKind>
constexpr SoftmaxKernels softmax_kernels() {
  using S = Softmax<T>;
  return {S::template rows<kKind>, S::template columns<kKind>, S::template rows_backward<kKind>,
          S::template columns_backward<kKind>};
}
template <class T>
void set_softmax(SoftmaxTable& t) {
  t.kernel[SoftmaxKind::kSoftmax].of<T>() = softmax_kernels<T, SoftmaxKind::kSoftmax>();
  t.kernel[SoftmaxKind::kLogSoftmax].of<T>() = softmax_kernels<T, SoftmaxKind::kLogSoftmax>();
  t.cross_entropy.of<T>() = Softmax<T>::cross_entropy;
  t.cross_entropy_backward.of<T>() = Softmax<T>::cross_entropy_backward;
}

}  // namespace

void fill_softmax(KernelTable& table) {
  SoftmaxTable& t = table.softmax;
  set_softmax<f16>(t);
  set_softmax<bf16>(t);
  set_softmax<float>(t);
  set_softmax<double>(t);
}

}  // namespace plait::PLAIT_ISA_NS
