// SPDX-License-Identifier: MIT
#include "kernels/index/gather_driver.h"

#include <algorithm>
#include <type_traits>

#include "core/error.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "core/walk.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

[[noreturn, gnu::noinline]] void out_of_range(const char* op, int64_t v, int64_t dim, int64_t size) {
  PLAIT_FAIL(kIndex, op, ": index ", v, " is out of bounds for dimension ", dim, " with size ", size);
}

// Every one of n entries lies in [0, size).
void check_entries(const char* op, const int64_t* p, int64_t step, int64_t n, int64_t dim, int64_t size) {
  if (step == 1 && kernels().index.inside(p, n, size)) return;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t v = p[i * step];
    if (v < 0 || v >= size) out_of_range(op, v, dim, size);
  }
}

struct NoLook {
  void operator()(int64_t) const {}
};

// put(x[.., index, ..], src) in the order of the index along dim; split between threads by lines of x. look()
// sees each entry before it is used where dim is the last dimension.
template <class T, class Put, class Look>
class LineScatter {
 public:
  LineScatter(const LineIndex& a, T* to, T* from, Put put, Look look)
      : outer_(part(a, 0, static_cast<size_t>(a.dim))),
        inner_(part(a, static_cast<size_t>(a.dim) + 1, a.shape.size())),
        length_(a.shape[static_cast<size_t>(a.dim)]),
        is_(a.index_strides[static_cast<size_t>(a.dim)]),
        ss_(a.y_strides[static_cast<size_t>(a.dim)]),
        xs_(a.x_strides[static_cast<size_t>(a.dim)]),
        at_(a.index),
        to_(to),
        from_(from),
        put_(put),
        look_(look) {}

  void run() const { inner_.numel() == 1 ? run_lines() : run_blocks(); }

 private:
  static constexpr int64_t kColumns = 64;

  static Walk<3> part(const LineIndex& a, size_t first, size_t last) {
    const auto range = [&](IntSpan v) { return v.subspan(first, last - first); };
    return Walk<3>(range(a.shape), {range(a.index_strides), range(a.y_strides), range(a.x_strides)});
  }

  // One line is left to one thread: two that pick their elements out of the whole index would each wait for
  // half of the branches to be guessed wrong.
  void run_lines() const {
    const int64_t grain = std::max<int64_t>(1, kGrainElements / length_);
    parallel_for(outer_.numel(), grain, [&](int64_t begin, int64_t end) {
      outer_.run(begin, end, [&](const auto& base, int64_t rows) {
        const int64_t* const line = at_ + base[0];
        T* const s = from_ + base[1];
        T* const t = to_ + base[2];
        constexpr std::integral_constant<int64_t, 1> kOne;
        if (is_ == 1 && ss_ == 1 && xs_ == 1) {
          put_lines(line, s, t, rows, kOne, kOne, kOne);
        } else {
          put_lines(line, s, t, rows, is_, ss_, xs_);
        }
      });
    });
  }

  template <class Step>
  [[gnu::always_inline]] void put_lines(const int64_t* line, T* s, T* t, int64_t rows, Step is, Step ss,
                                        Step xs) const {
    const int64_t length = length_;
    const int64_t next[3] = {outer_.stride(0), outer_.stride(1), outer_.stride(2)};
    for (int64_t r = 0; r < rows; ++r, line += next[0], s += next[1], t += next[2]) {
      for (int64_t i = 0; i < length; ++i) {
        const int64_t v = line[i * is];
        look_(v);
        put_(t[v * xs], s[i * ss]);
      }
    }
  }

  // Lines beside each other, kColumns of them together.
  void run_blocks() const {
    const int64_t blocks = ceil_div(inner_.numel(), kColumns);
    const int64_t per_block = std::max<int64_t>(1, length_ * std::min(inner_.numel(), kColumns));
    const int64_t grain = std::max<int64_t>(1, kGrainElements / per_block);
    parallel_for(outer_.numel() * blocks, grain, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t o = begin / blocks, first = begin % blocks;
        const int64_t last = std::min(blocks, first + end - begin);
        outer_.run(o, o + 1, [&](const auto& base, int64_t) {
          const int64_t end_column = std::min(inner_.numel(), last * kColumns);
          inner_.run(first * kColumns, end_column, [&](const auto& in, int64_t n) {
            put_columns(at_ + base[0] + in[0], from_ + base[1] + in[1], to_ + base[2] + in[2], n);
          });
        });
        begin += last - first;
      }
    });
  }

  // n lines that lie a stride of `inner_` apart. Not inlined: among the variables of the walk its loop would
  // keep its own ones in memory.
  [[gnu::noinline]] void put_columns(const int64_t* line, T* s, T* t, int64_t n) const {
    const int64_t length = length_, is = is_, ss = ss_, xs = xs_;
    const int64_t ij = inner_.stride(0), sj = inner_.stride(1), tj = inner_.stride(2);
    const Put put = put_;
    for (int64_t i = 0; i < length; ++i, line += is, s += ss) {
      for (int64_t j = 0; j < n; ++j) put(t[j * tj + line[j * ij] * xs], s[j * sj]);
    }
  }

  const Walk<3> outer_, inner_;
  const int64_t length_, is_, ss_, xs_;  // of dim: size, strides of the index, of `from` and of `to`
  const int64_t* const at_;
  T *const to_, *const from_;
  const Put put_;
  const Look look_;
};

template <class T, class Put, class Look = NoLook>
void scatter_loop(const LineIndex& a, T* to, T* from, Put put, Look look = {}) {
  LineScatter<T, Put, Look>(a, to, from, put, look).run();
}

template <class T>
struct Arithmetic {
  using type = T;
};
template <>
struct Arithmetic<Half> {
  using type = float;
};
template <>
struct Arithmetic<BFloat16> {
  using type = float;
};

template <class T, class F>
void combine(T& to, T v, F f) {
  using A = typename Arithmetic<T>::type;
  to = convert<T>(static_cast<A>(f(convert<A>(to), convert<A>(v))));
}

}  // namespace

void check_index_range(const char* op, const LineIndex& a, int64_t size) {
  const Walk<1> walk(a.shape, {a.index_strides});
  parallel_for(walk.numel(), kGrainElements, [&](int64_t begin, int64_t end) {
    walk.run(begin, end, [&](const auto& at, int64_t n) {
      check_entries(op, a.index + at[0], walk.stride(0), n, a.dim, size);
    });
  });
}

void gather_lines(const char* op, DType dtype, const LineIndex& a, int64_t size, const void* x, void* y) {
  Dims beside(a.x_strides);  // strides of x, standing still along dim
  beside[a.dim] = 0;
  const Walk<3> walk(a.shape, {a.index_strides, a.y_strides, beside});
  const int64_t is = walk.stride(0), ys = walk.stride(1), xs = walk.stride(2),
                along = a.x_strides[static_cast<size_t>(a.dim)];
  const auto check = [op, dim = a.dim, size](int64_t v) {
    if (static_cast<uint64_t>(v) >= static_cast<uint64_t>(size)) [[unlikely]]
      out_of_range(op, v, dim, size);
  };
  // Short lines are many: threads share them. Of a long one each takes a part.
  constexpr int64_t kLongLine = 1024;
  const int64_t length = a.shape[static_cast<size_t>(a.dim)];
  const bool lines = a.dim + 1 == static_cast<int64_t>(a.shape.size()) && length > 0 && length < kLongLine;
  dispatch_size(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const from = static_cast<T*>(const_cast<void*>(x));
    T* const to = static_cast<T*>(y);
    if (lines) {
      return scatter_loop<T>(a, from, to, [](const T& v, T& t) { t = v; }, check);
    }
    parallel_for(walk.numel(), kGrainElements, [&](int64_t begin, int64_t end) {
      walk.run(begin, end, [&](const auto& at, int64_t n) {
        const int64_t* line = a.index + at[0];
        T* o = to + at[1];
        const T* p = from + at[2];
        if (is == 1 && ys == 1 && xs == 0) {
          for (int64_t i = 0; i < n; ++i) {
            check(line[i]);
            o[i] = p[line[i] * along];
          }
        } else {
          for (int64_t i = 0; i < n; ++i) {
            check(line[i * is]);
            o[i * ys] = p[i * xs + line[i * is] * along];
          }
        }
      });
    });
  });
}

void scatter_lines(DType dtype, Scatter how, const LineIndex& at, void* x, const void* y) {
  if (how == Scatter::kAssign) {
    dispatch_size(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* const to = static_cast<T*>(x);
      T* const from = static_cast<T*>(const_cast<void*>(y));
      scatter_loop<T>(at, to, from, [](T& t, T v) { t = v; });
    });
    return;
  }
  if (how == Scatter::kAdd || how == Scatter::kMultiply) {
    dispatch_any_bits(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* const to = static_cast<T*>(x);
      T* const from = static_cast<T*>(const_cast<void*>(y));
      if (how == Scatter::kAdd) {
        return scatter_loop<T>(at, to, from,
                               [](T& t, T v) { combine(t, v, [](auto a, auto b) { return a + b; }); });
      }
      scatter_loop<T>(at, to, from, [](T& t, T v) { combine(t, v, [](auto a, auto b) { return a * b; }); });
    });
    return;
  }
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const to = static_cast<T*>(x);
    T* const from = static_cast<T*>(const_cast<void*>(y));
    switch (how) {
      case Scatter::kMax:
        return scatter_loop<T>(at, to, from, [](T& t, T v) {
          combine(t, v, [](auto a, auto b) { return a != a || a > b ? a : b; });
        });
      default:
        return scatter_loop<T>(at, to, from, [](T& t, T v) {
          combine(t, v, [](auto a, auto b) { return a != a || a < b ? a : b; });
        });
    }
  });
}

}  // namespace plait
