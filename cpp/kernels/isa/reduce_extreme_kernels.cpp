// SPDX-License-Identifier: MIT
// Maximum and minimum, and their positions; NaN wins.
//
// Rows: four independent accumulators that skip NaN, and a mask that records it. The position of a row's
// extreme is searched afterwards in the one block of 1024 elements that holds it, which is still in L1.
// Columns keep one value and index per column, and write the index only if a group of eight rows has a better
// value. Bound by memory bandwidth.
#include "kernels/isa/reduce_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

template <class T>
inline constexpr T kLowest = 0;
template <class T>
inline constexpr T kHighest = 0;
#define PLAIT_LIMITS(T, low, high)       \
  template <>                            \
  inline constexpr T kLowest<T> = (low); \
  template <>                            \
  inline constexpr T kHighest<T> = (high);
PLAIT_LIMITS(uint8_t, 0, UINT8_MAX)
PLAIT_LIMITS(uint16_t, 0, UINT16_MAX)
PLAIT_LIMITS(uint32_t, 0, UINT32_MAX)
PLAIT_LIMITS(uint64_t, 0, UINT64_MAX)
PLAIT_LIMITS(int8_t, INT8_MIN, INT8_MAX)
PLAIT_LIMITS(int16_t, INT16_MIN, INT16_MAX)
PLAIT_LIMITS(int32_t, INT32_MIN, INT32_MAX)
PLAIT_LIMITS(int64_t, INT64_MIN, INT64_MAX)
PLAIT_LIMITS(float, -__builtin_inff(), __builtin_inff())
PLAIT_LIMITS(double, -__builtin_inf(), __builtin_inf())
#undef PLAIT_LIMITS

struct Largest {
  template <class T>
  static constexpr T kIdentity = kLowest<T>;
  template <class V>
  static PLAIT_INLINE auto better(V x, V than) {
    return x > than;
  }
  template <class V>
  static PLAIT_INLINE auto no_better(V x, V than) {
    return x <= than;
  }
  // y where x is NaN
  template <class V>
  static PLAIT_INLINE V pick(V x, V y) {
    return max(x, y);
  }
};
struct Smallest {
  template <class T>
  static constexpr T kIdentity = kHighest<T>;
  template <class V>
  static PLAIT_INLINE auto better(V x, V than) {
    return x < than;
  }
  template <class V>
  static PLAIT_INLINE auto no_better(V x, V than) {
    return x >= than;
  }
  template <class V>
  static PLAIT_INLINE V pick(V x, V y) {
    return min(x, y);
  }
};
// The identity of a maximum of magnitudes is 0.
struct LargestAbs : Largest {
  template <class T>
  static constexpr T kIdentity = 0;
};

struct AsIs {
  template <class V>
  static PLAIT_INLINE V map(V x) {
    return x;
  }
};
struct Magnitude {
  template <class V>
  static PLAIT_INLINE V map(V x) {
    return abs(x);
  }
};

template <class T>
using ComputeT = ElemT<Vec<T>>;
template <class T>
inline constexpr bool kVectorised = kIsFloat<ComputeT<T>>;

template <class C>
PLAIT_INLINE bool is_nan(C x) {
  return x != x;
}

template <class Map, class T>
PLAIT_INLINE ComputeT<T> scalar(T x) {
  if constexpr (!kIsFloat<T>) {
    return {};
  } else {
    return kSame<Map, AsIs> ? x : x < 0 ? -x : x;
  }
}

// Whether any element was NaN. One comparison tests two vectors.
template <class V>
class NanFlag {
 public:
  PLAIT_INLINE void look(V a, V b) {
#if PLAIT_ISA_LEVEL == 2
    if constexpr (kSame<V, F32>) {
      mask_ |= _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_UNORD_Q);
    } else {
      mask_ |= _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_UNORD_Q);
    }
#else
    mask_ |= (a != a) | (b != b);
#endif
  }
#if PLAIT_ISA_LEVEL == 2
  PLAIT_INLINE bool is_set() const { return mask_ != 0; }

 private:
  unsigned mask_ = 0;
#else
  PLAIT_INLINE bool is_set() const { return any(mask_); }

 private:
  MaskOf<V> mask_{};
#endif
};

// The extreme of x[n]; NaN if x has one.
template <class T, class Op, class Map>
PLAIT_INLINE ComputeT<T> extreme(const T* x, int64_t n) {
  using C = ComputeT<T>;
  if (kIsFloat<T> && n < 8) {
    C best = Op::template kIdentity<C>;
    for (int64_t i = 0; i < n; ++i) {
      const C v = scalar<Map>(x[i]);
      best = Op::better(v, best) || is_nan(v) ? v : best;
      if (is_nan(best)) break;
    }
    return best;
  }
  if constexpr (kVectorised<T>) {
    using V = Vec<T>;
    constexpr int64_t L = kLanes<T>;
    V m[4];
    for (V& v : m) v = splat<V>(Op::template kIdentity<C>);
    NanFlag<V> nan;
    int64_t i = 0;
    for (; i + 4 * L <= n; i += 4 * L) {
      V v[4];
      for (int k = 0; k < 4; ++k) v[k] = Map::map(load(x + i + k * L));
      for (int k = 0; k < 4; ++k) m[k] = Op::pick(v[k], m[k]);
      nan.look(v[0], v[1]);
      nan.look(v[2], v[3]);
    }
    const auto one = [&](V v) {
      m[0] = Op::pick(v, m[0]);
      nan.look(v, v);
    };
    for (; i + L <= n; i += L) one(Map::map(load(x + i)));
    if (i < n) one(keep_n(Map::map(load_n(x + i, n - i)), n - i, Op::template kIdentity<C>));
    if (nan.is_set()) return static_cast<C>(__builtin_nan(""));
    return reduce(Op::pick(Op::pick(m[0], m[1]), Op::pick(m[2], m[3])),
                  [](auto a, auto b) { return Op::pick(a, b); });
  } else {
    C best = Op::template kIdentity<C>;
    for (int64_t i = 0; i < n; ++i) best = Op::better(x[i], best) ? x[i] : best;
    return best;
  }
}

template <class C, class Op>
PLAIT_INLINE bool replaces(C x, C current) {
  return Op::better(x, current) || (is_nan(x) && !is_nan(current));
}

template <class T, class Op, class Map>
struct Extreme {
  using Elem = T;
  using C = ComputeT<T>;
  using State = C;
  static constexpr int kPlanes = 1, kStateBytes = sizeof(C);

  static PLAIT_INLINE C get(void* const* s, int64_t j) { return static_cast<C*>(s[0])[j]; }
  static PLAIT_INLINE void put(void* const* s, int64_t j, C v) { static_cast<C*>(s[0])[j] = v; }
  static void init(void* const* state, int64_t n) {
    for (int64_t j = 0; j < n; ++j) put(state, j, Op::template kIdentity<C>);
  }
  static void combine(void* const* into, void* const* from, int64_t n, int64_t, int64_t) {
    for (int64_t j = 0; j < n; ++j) {
      const C x = get(from, j);
      if (replaces<C, Op>(x, get(into, j))) put(into, j, x);
    }
  }
  static PLAIT_INLINE void fold(C& state, const T* x, int64_t n, int64_t) {
    const C v = extreme<T, Op, Map>(x, n);
    if (replaces<C, Op>(v, state)) state = v;
  }
  static void fold_columns(const T* x, int64_t rows, int64_t row_stride, int64_t cols, void* const* state,
                           int64_t first, int64_t) {
    C* s = static_cast<C*>(state[0]) + first;
    constexpr int64_t kRows = 8;
    for (int64_t r = 0; r < rows; r += kRows, x += kRows * row_stride) {
      const int64_t m = min_i64(kRows, rows - r);
      if constexpr (kVectorised<T>) {
        using V = Vec<T>;
        for_vectors<kLanes<T>>(cols, [&](int64_t j, int64_t width, auto tag) {
          V best = load_at(s + j, width, tag);
          for (int64_t k = 0; k < m; ++k) {
            const V v = Map::map(load_at(x + k * row_stride + j, width, tag));
            best = best != best ? best : Op::pick(best, v);
          }
          store_at(s + j, best, width, tag);
        });
      } else {
        for (int64_t k = 0; k < m; ++k) {
          const T* row = x + k * row_stride;
          for (int64_t j = 0; j < cols; ++j) s[j] = Op::better(row[j], s[j]) ? row[j] : s[j];
        }
      }
    }
  }
};

template <class T, class Op>
struct ExtremeIndex {
  using Elem = T;
  using C = ComputeT<T>;
  struct State {
    C value;
    int64_t index;
  };
  static constexpr int kPlanes = 2;

  static PLAIT_INLINE State get(void* const* s, int64_t j) {
    return {static_cast<C*>(s[0])[j], static_cast<int64_t*>(s[1])[j]};
  }
  static PLAIT_INLINE void put(void* const* s, int64_t j, State v) {
    static_cast<C*>(s[0])[j] = v.value;
    static_cast<int64_t*>(s[1])[j] = v.index;
  }
  static void init(void* const* state, int64_t n) {
    for (int64_t j = 0; j < n; ++j) put(state, j, {Op::template kIdentity<C>, 0});
  }
  static void combine(void* const* into, void* const* from, int64_t n, int64_t, int64_t) {
    for (int64_t j = 0; j < n; ++j) {
      const State x = get(from, j);
      if (replaces<C, Op>(x.value, get(into, j).value)) put(into, j, x);
    }
  }

  static PLAIT_INLINE int64_t find(const T* x, int64_t n, C value) {
    if constexpr (kVectorised<T>) {
      using V = Vec<T>;
      constexpr int64_t L = kLanes<T>;
      const auto hit = [&](V v) { return is_nan(value) ? v != v : v == splat<V>(value); };
      int64_t i = 0;
      while (i + L <= n && !any(hit(load(x + i)))) i += L;
      const auto mask = hit(load_n(x + i, min_i64(L, n - i)));
      int64_t lane = 0;
      while (lane < L - 1 && !mask[lane]) ++lane;
      return i + lane;
    } else {
      int64_t i = 0;
      while (x[i] != value) ++i;
      return i;
    }
  }

  static PLAIT_INLINE void fold(State& state, const T* x, int64_t n, int64_t seen) {
    constexpr int64_t kBlock = 1024;
    int64_t block = -1;
    for (int64_t i = 0; i < n && !is_nan(state.value); i += kBlock) {
      const C v = extreme<T, Op, AsIs>(x + i, min_i64(kBlock, n - i));
      if (replaces<C, Op>(v, state.value)) {
        state.value = v;
        block = i;
      }
    }
    if (block >= 0) state.index = seen + block + find(x + block, min_i64(kBlock, n - block), state.value);
  }

  static void fold_columns(const T* x, int64_t rows, int64_t row_stride, int64_t cols, void* const* state,
                           int64_t first, int64_t seen) {
    C* value = static_cast<C*>(state[0]) + first;
    int64_t* index = static_cast<int64_t*>(state[1]) + first;
    constexpr int64_t kRows = 8;
    for (int64_t r = 0; r < rows; r += kRows, x += kRows * row_stride) {
      const int64_t m = min_i64(kRows, rows - r);
      if constexpr (kVectorised<T>) {
        using V = Vec<T>;
        using I = MaskOf<V>;
        for_vectors<kLanes<T>>(cols, [&](int64_t j, int64_t width, auto tag) {
          V best = load_at(value + j, width, tag);
          I at = I{} - 1;
          for (int64_t k = 0; k < m; ++k) {
            const V v = load_at(x + k * row_stride + j, width, tag);
            const I stay = Op::no_better(v, best) | (best != best);  // NaN is better than any number
            best = stay ? best : v;
            at = stay ? at : splat<I>(static_cast<ElemT<I>>(k));
          }
          if (!any(at >= 0)) return;
          store_at(value + j, best, width, tag);
          for (int64_t k = 0; k < width; ++k) {
            if (at[k] >= 0) index[j + k] = seen + r + at[k];
          }
        });
      } else {
        for (int64_t k = 0; k < m; ++k) {
          const T* row = x + k * row_stride;
          for (int64_t j = 0; j < cols; ++j) {
            const bool take = Op::better(row[j], value[j]);
            value[j] = take ? row[j] : value[j];
            index[j] = take ? seen + r + k : index[j];
          }
        }
      }
    }
  }
};

template <class T>
using Max = Extreme<T, Largest, AsIs>;
template <class T>
using Min = Extreme<T, Smallest, AsIs>;
template <class T>
using MaxAbs = Extreme<T, LargestAbs, Magnitude>;
template <class T>
using MinAbs = Extreme<T, Smallest, Magnitude>;
template <class T>
using ArgMax = ExtremeIndex<T, Largest>;
template <class T>
using ArgMin = ExtremeIndex<T, Smallest>;

}  // namespace

void fill_reduce_extreme(KernelTable& table) {
  ReduceTable& t = table.reduce;
  set_reduce_floats<Max>(t, ReduceOp::kMax);
  set_reduce_floats<Min>(t, ReduceOp::kMin);
  set_reduce_floats<MaxAbs>(t, ReduceOp::kMaxAbs);
  set_reduce_floats<MinAbs>(t, ReduceOp::kMinAbs);
  set_reduce_floats<ArgMax>(t, ReduceOp::kArgMax);
  set_reduce_floats<ArgMin>(t, ReduceOp::kArgMin);
  set_reduce_integers<Max>(t, ReduceOp::kMax);
  set_reduce_integers<Min>(t, ReduceOp::kMin);
  set_reduce_integers<ArgMax>(t, ReduceOp::kArgMax);
  set_reduce_integers<ArgMin>(t, ReduceOp::kArgMin);
}

}  // namespace plait::PLAIT_ISA_NS
