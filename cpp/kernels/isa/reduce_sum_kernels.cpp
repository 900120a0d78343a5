// SPDX-License-Identifier: MIT
// Sums, counts and products: state = sum map(x), or product x.
//
// Sums of floats: eight vectors are added in a tree in the element's precision, and trees are added in double
// (with compensation for double input), so the error does not grow with the length. Integers accumulate in
// int64. Columns fold eight rows at a time, one pass over the states for eight rows of memory.
// Bound by memory bandwidth: the sum over the first axis of 4096 x 4096 floats reads 40.5 GB/s, 1.5 times the
// machine's copy bandwidth (two cores of an AMD EPYC, Zen 4, AVX-512, 2026-11-26, bench/README.md).
#include "kernels/isa/reduce_loop.h"

namespace plait::PLAIT_ISA_NS {
namespace {

struct Same {
  template <class V>
  static PLAIT_INLINE V map(V x) {
    return x;
  }
};
struct NanToZero {
  template <class V>
  static PLAIT_INLINE V map(V x) {
    return x == x ? x : V{};
  }
};
struct Absolute {
  template <class V>
  static PLAIT_INLINE V map(V x) {
    return abs(x);
  }
};
struct Square {
  template <class V>
  static PLAIT_INLINE V map(V x) {
    return x * x;
  }
};
// A square may leave float's range although the root of the sum does not. Such sums are computed again in
// double. Squares lost to underflow do not matter unless the sum is tiny.
template <class Map>
inline constexpr bool kMapWide = kSame<Map, Square>;
PLAIT_INLINE bool squares_fit(double sum, int64_t n) {
  return sum > 1e-30 * static_cast<double>(n) && sum < static_cast<double>(__builtin_inff());
}

struct Plus {
  template <class V>
  PLAIT_INLINE V operator()(V a, V b) const {
    return a + b;
  }
};

struct DoubleState {
  using State = double;
  static constexpr int kPlanes = 1, kStateBytes = 8;
  static PLAIT_INLINE double get(void* const* s, int64_t j) { return static_cast<double*>(s[0])[j]; }
  static PLAIT_INLINE void put(void* const* s, int64_t j, double v) { static_cast<double*>(s[0])[j] = v; }
};
struct Int64State {
  using State = int64_t;
  static constexpr int kPlanes = 1, kStateBytes = 8;
  static PLAIT_INLINE int64_t get(void* const* s, int64_t j) { return static_cast<int64_t*>(s[0])[j]; }
  static PLAIT_INLINE void put(void* const* s, int64_t j, int64_t v) { static_cast<int64_t*>(s[0])[j] = v; }
};

template <class S>
void fill_states(void* const* state, int64_t n, S value) {
  S* s = static_cast<S*>(state[0]);
  for (int64_t j = 0; j < n; ++j) s[j] = value;
}
template <class S, class Op>
void join_states(void* const* into, void* const* from, int64_t n, Op op) {
  S* a = static_cast<S*>(into[0]);
  const S* b = static_cast<const S*>(from[0]);
  for (int64_t j = 0; j < n; ++j) a[j] = op(a[j], b[j]);
}

template <class T, class Map>
struct FloatSum : DoubleState {
  using Elem = T;
  using V = Vec<T>;
  static constexpr int64_t L = kLanes<T>;

  static void init(void* const* state, int64_t n) { fill_states<double>(state, n, 0); }
  static void combine(void* const* into, void* const* from, int64_t n, int64_t, int64_t) {
    join_states<double>(into, from, n, Plus{});
  }

  static PLAIT_INLINE void fold(double& state, const T* x, int64_t n, int64_t) {
    if (kIsFloat<T> && n < 8) {
      for (int64_t i = 0; i < n; ++i) state += scalar(x[i]);
      return;
    }
    const double sum = fold_narrow(x, n);
    state += kMapWide<Map> && !squares_fit(sum, n) ? fold_wide(x, n) : sum;
  }

  static PLAIT_INLINE double scalar(T x) {
    if constexpr (kIsFloat<T>) {
      const auto v = static_cast<double>(x);
      if constexpr (kSame<Map, Same>) return v;
      if constexpr (kSame<Map, NanToZero>) return v == v ? v : 0;
      if constexpr (kSame<Map, Absolute>) return __builtin_fabs(v);
      return v * v;
    } else {
      return 0;
    }
  }

  static PLAIT_INLINE double fold_narrow(const T* x, int64_t n) {
    WideSum<V> sum;
    int64_t i = 0;
    for (; i + 8 * L <= n; i += 8 * L) {
      sum.add(tree8([&](int k) { return Map::map(load(x + i + k * L)); }, Plus{}));
    }
    // Shortens the chain of additions in rows of a few vectors. Rows of 16-byte vectors are never that short.
    if (PLAIT_ISA_LEVEL > 0 && i + 4 * L <= n) {
      const auto at = [&](int k) { return Map::map(load(x + i + k * L)); };
      sum.add((at(0) + at(1)) + (at(2) + at(3)));
      i += 4 * L;
    }
    for (; i + L <= n; i += L) sum.add(Map::map(load(x + i)));
    if (i < n) sum.add(Map::map(load_n(x + i, n - i)));
    return sum.total();
  }

  static PLAIT_NOINLINE double fold_wide(const T* x, int64_t n) {
    constexpr int kParts = kWideParts<V>;
    F64 sum[4][kParts] = {};
    const auto add = [&](int k, V v) {
      F64 w[kParts];
      widen(v, w);
      for (int p = 0; p < kParts; ++p) sum[k][p] += Map::map(w[p]);
    };
    int64_t i = 0;
    for (; i + 4 * L <= n; i += 4 * L) {
      for (int k = 0; k < 4; ++k) add(k, load(x + i + k * L));
    }
    for (; i + L <= n; i += L) add(0, load(x + i));
    if (i < n) add(1, load_n(x + i, n - i));
    F64 all{};
    for (int p = 0; p < kParts; ++p) all += (sum[0][p] + sum[1][p]) + (sum[2][p] + sum[3][p]);
    return reduce_add(all);
  }

  static void fold_columns(const T* x, int64_t rows, int64_t row_stride, int64_t cols, void* const* state,
                           int64_t first, int64_t) {
    double* s = static_cast<double*>(state[0]) + first;
    constexpr int kParts = kWideParts<V>;
    int64_t r = 0;
    for (; r + 8 <= rows; r += 8, x += 8 * row_stride) {
      for_vectors<L>(cols, [&](int64_t j, int64_t width, auto tag) {
        F64 acc[kParts], w[kParts];
        load_wide<V>(s + j, width, tag, acc);
        if constexpr (kMapWide<Map>) {
          for (int k = 0; k < 8; ++k) {
            widen(load_at(x + k * row_stride + j, width, tag), w);
            for (int p = 0; p < kParts; ++p) acc[p] += Map::map(w[p]);
          }
        } else {
          widen(tree8([&](int k) { return Map::map(load_at(x + k * row_stride + j, width, tag)); }, Plus{}),
                w);
          for (int p = 0; p < kParts; ++p) acc[p] += w[p];
        }
        store_wide<V>(s + j, acc, width, tag);
      });
    }
    for (; r < rows; ++r, x += row_stride) {
      for_vectors<L>(cols, [&](int64_t j, int64_t width, auto tag) {
        F64 acc[kParts], w[kParts];
        load_wide<V>(s + j, width, tag, acc);
        widen(load_at(x + j, width, tag), w);
        for (int p = 0; p < kParts; ++p) acc[p] += Map::map(w[p]);
        store_wide<V>(s + j, acc, width, tag);
      });
    }
  }
};

// In double throughout: products of a few floats easily leave float's range.
template <class T>
struct FloatProduct : DoubleState {
  using Elem = T;
  using V = Vec<T>;
  static constexpr int64_t L = kLanes<T>;
  static constexpr int kParts = kWideParts<V>;

  static void init(void* const* state, int64_t n) { fill_states<double>(state, n, 1); }
  static void combine(void* const* into, void* const* from, int64_t n, int64_t, int64_t) {
    join_states<double>(into, from, n, [](double a, double b) { return a * b; });
  }
  static PLAIT_INLINE void fold(double& state, const T* x, int64_t n, int64_t) {
    F64 product[kParts], w[kParts];
    for (int p = 0; p < kParts; ++p) product[p] = splat<F64>(1);
    // Multiplying two vectors first halves the chain of dependent products.
    int64_t i = 0;
    for (; i + 2 * L <= n; i += 2 * L) {
      F64 v[kParts];
      widen(load(x + i), v);
      widen(load(x + i + L), w);
      for (int p = 0; p < kParts; ++p) product[p] *= v[p] * w[p];
    }
    for_vectors<L>(n - i, [&](int64_t j, int64_t width, auto tag) {
      V v = load_at(x + i + j, width, tag);
      if constexpr (!decltype(tag)::value) v = keep_n(v, width, 1);
      widen(v, w);
      for (int p = 0; p < kParts; ++p) product[p] *= w[p];
    });
    F64 all = product[0];
    for (int p = 1; p < kParts; ++p) all *= product[p];
    state *= reduce(all, [](auto a, auto b) { return a * b; });
  }
  static void fold_columns(const T* x, int64_t rows, int64_t row_stride, int64_t cols, void* const* state,
                           int64_t first, int64_t) {
    double* s = static_cast<double*>(state[0]) + first;
    for (int64_t r = 0; r < rows; ++r, x += row_stride) {
      for_vectors<L>(cols, [&](int64_t j, int64_t width, auto tag) {
        F64 acc[kParts], w[kParts];
        load_wide<V>(s + j, width, tag, acc);
        widen(load_at(x + j, width, tag), w);
        for (int p = 0; p < kParts; ++p) acc[p] *= w[p];
        store_wide<V>(s + j, acc, width, tag);
      });
    }
  }
};

// Plain loops, which the compiler vectorises: state[j] = Op(state[j], x).
template <class T, class Op>
struct Integer : Int64State {
  using Elem = T;
  static void init(void* const* state, int64_t n) { fill_states<int64_t>(state, n, Op::kIdentity); }
  static void combine(void* const* into, void* const* from, int64_t n, int64_t, int64_t) {
    join_states<int64_t>(into, from, n, [](int64_t a, int64_t b) { return Op::join(a, b); });
  }
  static PLAIT_INLINE void fold(int64_t& state, const T* x, int64_t n, int64_t) {
    int64_t s = Op::kIdentity;
    for (int64_t i = 0; i < n; ++i) s = Op::join(s, Op::map(x[i]));
    state = Op::join(state, s);
  }
  static void fold_columns(const T* x, int64_t rows, int64_t row_stride, int64_t cols, void* const* state,
                           int64_t first, int64_t) {
    int64_t* s = static_cast<int64_t*>(state[0]) + first;
    for (int64_t r = 0; r < rows; ++r, x += row_stride) {
      for (int64_t j = 0; j < cols; ++j) s[j] = Op::join(s[j], Op::map(x[j]));
    }
  }
};
// Overflow wraps.
PLAIT_INLINE int64_t wrap_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
PLAIT_INLINE int64_t wrap_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
struct AddOp {
  static constexpr int64_t kIdentity = 0;
  static PLAIT_INLINE int64_t join(int64_t a, int64_t b) { return wrap_add(a, b); }
  static PLAIT_INLINE int64_t map(int64_t x) { return x; }
};
struct MultiplyOp {
  static constexpr int64_t kIdentity = 1;
  static PLAIT_INLINE int64_t join(int64_t a, int64_t b) { return wrap_mul(a, b); }
  static PLAIT_INLINE int64_t map(int64_t x) { return x; }
};
struct CountOp {
  static constexpr int64_t kIdentity = 0;
  static PLAIT_INLINE int64_t join(int64_t a, int64_t b) { return a + b; }
  template <class T>
  static PLAIT_INLINE int64_t map(T x) {
    return x != 0;
  }
  static PLAIT_INLINE int64_t map(f16 x) { return (x.bits & 0x7fff) != 0; }
  // As a float32, of which the CPU may take a denormal for 0.
  static PLAIT_INLINE int64_t map(bf16 x) {
    return __builtin_bit_cast(float, static_cast<uint32_t>(x.bits) << 16) != 0;
  }
};

template <class T>
using Sum = FloatSum<T, Same>;
template <class T>
using NanSum = FloatSum<T, NanToZero>;
template <class T>
using SumAbs = FloatSum<T, Absolute>;
template <class T>
using SumSquares = FloatSum<T, Square>;
// Of 64 bits, sums and products are the same for signed and unsigned integers; counts are of any width.
template <class T>
struct StateOf {
  using type = T;
};
template <>
struct StateOf<uint64_t> {
  using type = int64_t;
};
template <class T>
using IntegerSum = Integer<typename StateOf<T>::type, AddOp>;
template <class T>
using IntegerProduct = Integer<typename StateOf<T>::type, MultiplyOp>;
template <class T>
using Count = Integer<typename SignedOf<T>::type, CountOp>;

}  // namespace

void fill_reduce_sum(KernelTable& table) {
  ReduceTable& t = table.reduce;
  set_reduce_floats<Sum>(t, ReduceOp::kSum);
  set_reduce_floats<NanSum>(t, ReduceOp::kNanSum);
  set_reduce_floats<SumAbs>(t, ReduceOp::kSumAbs);
  set_reduce_floats<SumSquares>(t, ReduceOp::kSumSquares);
  set_reduce_floats<FloatProduct>(t, ReduceOp::kProd);
  set_reduce_floats<Count>(t, ReduceOp::kCount);
  set_reduce_integers<IntegerSum>(t, ReduceOp::kSum);
  set_reduce_integers<IntegerProduct>(t, ReduceOp::kProd);
  set_reduce_integers<Count>(t, ReduceOp::kCount);
}

}  // namespace plait::PLAIT_ISA_NS
