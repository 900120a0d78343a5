// SPDX-License-Identifier: MIT
// Scans: y[i] = op(x[0], ..., x[i]).
//
// Rows of sums and products: log2(lanes) shifted operations give the prefixes within a vector, and one
// broadcast passes its last lane on as the carry. The dependency chain is one operation and one shuffle per
// vector, in place of one operation per element. Rows of extremes and log-sum-exps go element by element.
// Columns keep one accumulator per column, rows of the array outside.
// Bound by the carried chain (rows), by memory bandwidth (columns).
#include "kernels/isa/math.h"
#include "kernels/isa/reduce_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

struct AddScan {
  static constexpr int kIdentity = 0;
  template <class V>
  PLAIT_INLINE V operator()(V a, V b) const {
    return a + b;
  }
};
struct MultiplyScan {
  static constexpr int kIdentity = 1;
  template <class V>
  PLAIT_INLINE V operator()(V a, V b) const {
    return a * b;
  }
};

// Lane i becomes lane i + kShift; the lowest kShift lanes become the identity.
template <int kShift, class V>
PLAIT_INLINE V shift_up(V v, V identity) {
  using M = MaskOf<V>;
  constexpr int kN = sizeof(V) / sizeof(ElemT<V>);
  M at = iota<M>() - kShift;
  at = at < 0 ? at + 2 * kN : at;  // lanes of `identity` are numbered from kN
  return __builtin_shuffle(v, identity, at);
}
template <class Op, class V>
PLAIT_INLINE V prefix(V v, Op op) {
  constexpr int kN = sizeof(V) / sizeof(ElemT<V>);
  const V one = splat<V>(static_cast<ElemT<V>>(Op::kIdentity));
  if constexpr (kN > 1) v = op(v, shift_up<1>(v, one));
  if constexpr (kN > 2) v = op(v, shift_up<2>(v, one));
  if constexpr (kN > 4) v = op(v, shift_up<4>(v, one));
  return v;
}
template <class V>
PLAIT_INLINE V broadcast_last(V v) {
  constexpr int kN = sizeof(V) / sizeof(ElemT<V>);
  return splat<V>(v[kN - 1]);
}

template <class T, class Op>
struct FloatScan {
  using V = Vec<T>;
  static constexpr int64_t L = kLanes<T>;
  static constexpr int kParts = kWideParts<V>;

  static void rows(const ScanArgs& a) {
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.n;
      T* y = static_cast<T*>(a.y) + r * a.n;
      F64 carry = splat<F64>(a.carry);
      for_vectors<L>(a.n, [&](int64_t i, int64_t width, auto tag) {
        F64 w[kParts];
        widen(load_at(x + i, width, tag), w);
        for (int p = 0; p < kParts; ++p) {
          w[p] = Op{}(prefix(w[p], Op{}), carry);
          carry = broadcast_last(w[p]);
        }
        store_at(y + i, narrow<V>(w), width, tag);
      });
    }
  }
  static void columns(const ScanArgs& a) {
    double state[kMaxScanColumns];
    for (double& s : state) s = Op::kIdentity;
    for (int64_t r = 0; r < a.n; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.ld;
      T* y = static_cast<T*>(a.y) + r * a.ld;
      for_vectors<L>(a.columns, [&](int64_t j, int64_t width, auto tag) {
        F64 acc[kParts], w[kParts];
        load_wide<V>(state + j, width, tag, acc);
        widen(load_at(x + j, width, tag), w);
        for (int p = 0; p < kParts; ++p) acc[p] = Op{}(acc[p], w[p]);
        store_wide<V>(state + j, acc, width, tag);
        store_at(y + j, narrow<V>(acc), width, tag);
      });
    }
  }
};

template <class Op>
struct IntegerScan {
  static void rows(const ScanArgs& a) {
    for (int64_t r = 0; r < a.rows; ++r) {
      const uint64_t* x = static_cast<const uint64_t*>(a.x) + r * a.n;
      uint64_t* y = static_cast<uint64_t*>(a.y) + r * a.n;
      uint64_t s = Op::kIdentity;
      for (int64_t i = 0; i < a.n; ++i) y[i] = s = Op{}(s, x[i]);
    }
  }
  static void columns(const ScanArgs& a) {
    uint64_t state[kMaxScanColumns];
    for (uint64_t& s : state) s = Op::kIdentity;
    for (int64_t r = 0; r < a.n; ++r) {
      const uint64_t* x = static_cast<const uint64_t*>(a.x) + r * a.ld;
      uint64_t* y = static_cast<uint64_t*>(a.y) + r * a.ld;
      for (int64_t j = 0; j < a.columns; ++j) y[j] = state[j] = Op{}(state[j], x[j]);
    }
  }
};

// log(sum exp(x)) of the elements so far, as max x and sum exp(x - max).
struct RunningLogSum {
  F64 max, sum;
  PLAIT_INLINE F64 add(F64 x) {
    const F64 new_max = max_nan(max, x);
    // While every element is -inf, exponentials are taken about 0, since -inf - -inf is NaN.
    const F64 none = splat<F64>(-__builtin_inf());
    const F64 base = new_max == none ? F64{} : new_max;
    sum = sum * exp(max - base) + exp(x - base);
    max = new_max;
    const F64 infinite = splat<F64>(__builtin_inf());
    return abs(max) == infinite ? max : max + log(sum);
  }
};

template <class T>
struct LogSumExpScan {
  using V = Vec<T>;
  static constexpr int64_t L = kLanes<T>;
  static constexpr int kParts = kWideParts<V>;

  static void rows(const ScanArgs& a) {
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.n;
      T* y = static_cast<T*>(a.y) + r * a.n;
      RunningLogSum s{splat<F64>(-__builtin_inf()), F64{}};
      for (int64_t i = 0; i < a.n; ++i) {
        F64 w[kParts];
        widen(load_n(x + i, 1), w);
        w[0] = s.add(w[0]);
        store_n(y + i, narrow<V>(w), 1);
      }
    }
  }
  static void columns(const ScanArgs& a) {
    double max[kMaxScanColumns], sum[kMaxScanColumns] = {};
    for (double& m : max) m = -__builtin_inf();
    for (int64_t r = 0; r < a.n; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.ld;
      T* y = static_cast<T*>(a.y) + r * a.ld;
      for_vectors<L>(a.columns, [&](int64_t j, int64_t width, auto tag) {
        F64 m[kParts], s[kParts], w[kParts];
        load_wide<V>(max + j, width, tag, m);
        load_wide<V>(sum + j, width, tag, s);
        widen(load_at(x + j, width, tag), w);
        for (int p = 0; p < kParts; ++p) {
          RunningLogSum state{m[p], s[p]};
          w[p] = state.add(w[p]);
          m[p] = state.max;
          s[p] = state.sum;
        }
        store_wide<V>(max + j, m, width, tag);
        store_wide<V>(sum + j, s, width, tag);
        store_at(y + j, narrow<V>(w), width, tag);
      });
    }
  }
};

// Whether x becomes the extreme.
template <bool kLargest, class C>
PLAIT_INLINE bool takes_over(C x, C best) {
  if constexpr (kIsFloat<C>) {
    return x != x || (kLargest ? x >= best : x <= best);  // once best is NaN, only another NaN does
  } else {
    return kLargest ? x >= best : x <= best;
  }
}

template <class T>
PLAIT_INLINE ElemT<Vec<T>> value_of(const T* p) {
  if constexpr (kSame<T, f16> || kSame<T, bf16>) {
    return load_n(p, 1)[0];
  } else {
    return *p;
  }
}

template <class T, bool kLargest>
struct ExtremeScan {
  using C = ElemT<Vec<T>>;
  static void rows(const ScanArgs& a) {
    for (int64_t r = 0; r < a.rows; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.n;
      T* y = static_cast<T*>(a.y) + r * a.n;
      int64_t* index = a.index + r * a.n;
      int64_t at = 0;
      T best_bits = a.n > 0 ? x[0] : T{};
      C best = a.n > 0 ? value_of(x) : C{};
      for (int64_t i = 0; i < a.n; ++i) {
        const C v = value_of(x + i);
        const bool take = takes_over<kLargest>(v, best);
        best = take ? v : best;
        best_bits = take ? x[i] : best_bits;
        at = take ? i : at;
        y[i] = best_bits;
        index[i] = at;
      }
    }
  }
  static void columns(const ScanArgs& a) {
    int64_t at[kMaxScanColumns] = {};
    const T* before = static_cast<const T*>(a.x);
    for (int64_t r = 0; r < a.n; ++r) {
      const T* x = static_cast<const T*>(a.x) + r * a.ld;
      T* y = static_cast<T*>(a.y) + r * a.ld;
      int64_t* index = a.index + r * a.ld;
      for (int64_t j = 0; j < a.columns; ++j) {
        const bool take = takes_over<kLargest>(value_of(x + j), value_of(before + j));
        y[j] = take ? x[j] : before[j];
        index[j] = at[j] = take ? r : at[j];
      }
      before = y;
    }
  }
};

template <class S>
constexpr ScanKernel scan_kernel() {
  return {S::rows, S::columns};
}
template <bool kLargest, class... Ts>
void set_extremes(PerDType<ScanKernel>& kernel) {
  ((kernel.of<Ts>() = scan_kernel<ExtremeScan<Ts, kLargest>>()), ...);
}
template <bool kLargest>
void set_all_extremes(PerDType<ScanKernel>& kernel) {
  set_extremes<kLargest, uint8_t, int8_t, int16_t, int32_t, int64_t, uint16_t, uint32_t, uint64_t, f16, bf16,
               float, double>(kernel);
  kernel.of<bool>() = kernel.of<uint8_t>();
}
template <class... Ts>
void set_log_sums(PerDType<ScanKernel>& kernel) {
  ((kernel.of<Ts>() = scan_kernel<LogSumExpScan<Ts>>()), ...);
}
template <class Op, class... Ts>
void set_sums(PerDType<ScanKernel>& kernel) {
  kernel.of<int64_t>() = scan_kernel<IntegerScan<Op>>();
  ((kernel.of<Ts>() = scan_kernel<FloatScan<Ts, Op>>()), ...);
}

}  // namespace

void fill_scan(KernelTable& table) {
  ScanTable& t = table.scan;
  set_sums<AddScan, f16, bf16, float, double>(t.kernel[ScanOp::kSum]);
  set_sums<MultiplyScan, f16, bf16, float, double>(t.kernel[ScanOp::kProd]);
  set_all_extremes<true>(t.kernel[ScanOp::kMax]);
  set_all_extremes<false>(t.kernel[ScanOp::kMin]);
  set_log_sums<f16, bf16, float, double>(t.kernel[ScanOp::kLogSumExp]);
}

}  // namespace plait::PLAIT_ISA_NS
