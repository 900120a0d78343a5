// SPDX-License-Identifier: MIT
// Reading and writing element by element along one dimension: y[i, j] = x[i, index[i, j]] and its reverse.
#include <algorithm>
#include <type_traits>

#include "autograd/op.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "core/walk.h"
#include "kernels/dispatch.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/index/index.h"
#include "ops/index/scatter.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

// Strides of x under the shape of index, standing still along dim.
Dims strides_beside(const Tensor& x, int64_t dim) {
  Dims strides = x.strides();
  strides[dim] = 0;
  return strides;
}

// A 0-d tensor takes part as one of a single element.
Tensor at_least_1d(const Tensor& x) { return x.dim() == 0 ? view(x, Dims{1}) : x; }

Tensor checked_index(const char* op, const Tensor& index) {
  PLAIT_CHECK(is_integral(index.dtype()) && index.dtype() != DType::kBool, kType, op,
              ": expected an integer index tensor, got ", dtype_name(index.dtype()));
  return cast(index, DType::kInt64);
}

// index may be smaller than x in every dimension but `dim`, where it may have any size.
void check_shapes(const char* op, const Tensor& x, int64_t dim, const Tensor& index) {
  bool fits = x.dim() == index.dim() || x.dim() + index.dim() == 1;
  for (int64_t d = 0; fits && d < index.dim() && x.dim() == index.dim(); ++d) {
    fits = d == dim || index.shape()[d] <= x.shape()[d];
  }
  PLAIT_CHECK(fits || index.numel() == 0, kValue, op,
              ": expected an index of as many dimensions as the tensor and no larger apart from dimension ",
              dim, ", got index ", index.shape(), " and tensor ", x.shape());
}

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
// Before anything is written.
void check_range(const char* op, const Tensor& index, int64_t dim, int64_t size) {
  const Walk<1> walk(index.shape(), {index.strides()});
  parallel_for(walk.numel(), kGrainElements, [&](int64_t begin, int64_t end) {
    walk.run(begin, end, [&](const auto& at, int64_t n) {
      check_entries(op, index.data<int64_t>() + at[0], walk.stride(0), n, dim, size);
    });
  });
}

struct NoLook {
  void operator()(int64_t) const {}
};
// put(x[.., index, ..], src) in the order of the index along dim; split between threads by lines of x. look()
// sees each entry before it is used where dim is the last dimension.
template <class T, class Put, class Look = NoLook>
void scatter_loop(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, Put put,
                  Look look = {}) {
  const int64_t length = index.shape()[dim], xs = x.strides()[dim];
  const int64_t is = index.strides()[dim], ss = src.strides()[dim];
  const auto part = [&](int64_t first, int64_t last) {
    const auto range = [&](const Dims& v) {
      return IntSpan(v).subspan(static_cast<size_t>(first), static_cast<size_t>(last - first));
    };
    return Walk<3>(range(index.shape()), {range(index.strides()), range(src.strides()), range(x.strides())});
  };
  const Walk<3> outer = part(0, dim), inner = part(dim + 1, index.dim());
  T* const to = x.data<T>();
  T* const from = src.data<T>();
  const int64_t* const at = index.data<int64_t>();
  // One line is left to one thread: two that pick their elements out of the whole index would each wait for
  // half of the branches to be guessed wrong.
  if (inner.numel() == 1) {
    parallel_for(outer.numel(), std::max<int64_t>(1, kGrainElements / length),
                 [&](int64_t begin, int64_t end) {
                   outer.run(begin, end, [&](const auto& base, int64_t rows) {
                     const int64_t* a = at + base[0];
                     T* s = from + base[1];
                     T* t = to + base[2];
                     const auto lines = [&](auto is, auto ss, auto xs) {
                       for (int64_t r = 0; r < rows;
                            ++r, a += outer.stride(0), s += outer.stride(1), t += outer.stride(2)) {
                         for (int64_t i = 0; i < length; ++i) {
                           const int64_t v = a[i * is];
                           look(v);
                           put(t[v * xs], s[i * ss]);
                         }
                       }
                     };
                     constexpr std::integral_constant<int64_t, 1> kOne;
                     if (is == 1 && ss == 1 && xs == 1) {
                       lines(kOne, kOne, kOne);
                     } else {
                       lines(is, ss, xs);
                     }
                   });
                 });
    return;
  }
  const int64_t steps[3] = {inner.stride(0), inner.stride(1), inner.stride(2)};
  constexpr int64_t kColumns = 64;
  const int64_t blocks = ceil_div(inner.numel(), kColumns);
  const int64_t per_block = std::max<int64_t>(1, length * std::min(inner.numel(), kColumns));
  parallel_for(outer.numel() * blocks, std::max<int64_t>(1, kGrainElements / per_block),
               [&](int64_t begin, int64_t end) {
                 while (begin < end) {
                   const int64_t o = begin / blocks, first = begin % blocks;
                   const int64_t last = std::min(blocks, first + end - begin);
                   outer.run(o, o + 1, [&](const auto& base, int64_t) {
                     inner.run(first * kColumns, std::min(inner.numel(), last * kColumns),
                               [&](const auto& in, int64_t n) {
                                 const int64_t* a = at + base[0] + in[0];
                                 T* s = from + base[1] + in[1];
                                 T* const t = to + base[2] + in[2];
                                 for (int64_t i = 0; i < length; ++i, a += is, s += ss) {
                                   for (int64_t j = 0; j < n; ++j) {
                                     put(t[j * steps[2] + a[j * steps[0]] * xs], s[j * steps[1]]);
                                   }
                                 }
                               });
                   });
                   begin += last - first;
                 }
               });
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

void scatter_into(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, Scatter how) {
  if (index.numel() == 0) return;
  if (how == Scatter::kAssign) {
    dispatch_size(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      scatter_loop<T>(x, dim, index, src, [](T& to, T v) { to = v; });
    });
    return;
  }
  dispatch(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    switch (how) {
      case Scatter::kAdd:
        return scatter_loop<T>(x, dim, index, src,
                               [](T& to, T v) { combine(to, v, [](auto a, auto b) { return a + b; }); });
      case Scatter::kMultiply:
        return scatter_loop<T>(x, dim, index, src,
                               [](T& to, T v) { combine(to, v, [](auto a, auto b) { return a * b; }); });
      case Scatter::kMax:
        return scatter_loop<T>(x, dim, index, src, [](T& to, T v) {
          combine(to, v, [](auto a, auto b) { return a != a || a > b ? a : b; });
        });
      default:
        return scatter_loop<T>(x, dim, index, src, [](T& to, T v) {
          combine(to, v, [](auto a, auto b) { return a != a || a < b ? a : b; });
        });
    }
  });
}

ScatterArgs check_scatter(const char* op, const Tensor& x, int64_t dim, const Tensor& index,
                          const Tensor& src) {
  const int64_t d = wrap_dim(op, dim, x.dim());
  PLAIT_CHECK(src.dtype() == x.dtype(), kType, op, ": expected a src of dtype ", dtype_name(x.dtype()),
              ", got ", dtype_name(src.dtype()));
  check_shapes(op, x, d, index);
  bool fits = src.dim() == index.dim() || src.dim() + index.dim() == 1;
  for (int64_t k = 0; fits && k < index.dim() && src.dim() == index.dim(); ++k) {
    fits = index.shape()[k] <= src.shape()[k];
  }
  PLAIT_CHECK(fits || index.numel() == 0, kValue, op,
              ": expected a src at least as large as the index, got src ", src.shape(), " and index ",
              index.shape());
  ScatterArgs out{at_least_1d(x), at_least_1d(checked_index(op, index)), at_least_1d(src), d};
  check_range(op, out.index, d, out.x.shape()[d]);
  if (index.numel() == 0) {
    out.src = zeros(out.index.shape(), x.dtype());
    return out;
  }
  for (int64_t k = 0; k < out.index.dim(); ++k) {
    if (out.src.shape()[k] != out.index.shape()[k]) out.src = narrow(out.src, k, 0, out.index.shape()[k]);
  }
  return out;
}

namespace {

// gx[.., index, ..] += gy
struct Gather {
  static constexpr OpMeta meta{"gather"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Dims&, int64_t dim) {
    ctx.save(index);
    const Tensor y = Tensor::empty(index.shape(), x.dtype());
    const Walk<3> walk(index.shape(), {index.strides(), y.strides(), strides_beside(x, dim)});
    const int64_t is = walk.stride(0), ys = walk.stride(1), xs = walk.stride(2), along = x.strides()[dim];
    const int64_t size = x.shape()[dim];
    const auto check = [dim, size](int64_t v) {
      if (static_cast<uint64_t>(v) >= static_cast<uint64_t>(size)) [[unlikely]]
        out_of_range(meta.name, v, dim, size);
    };
    // Short lines are many: threads share them. Of a long one each takes a part.
    constexpr int64_t kLongLine = 1024;
    const int64_t length = index.shape()[dim];
    const bool lines = dim == x.dim() - 1 && length > 0 && length < kLongLine;
    dispatch_size(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if (lines) {
        return scatter_loop<T>(x, dim, index, y, [](const T& from, T& to) { to = from; }, check);
      }
      parallel_for(walk.numel(), kGrainElements, [&](int64_t begin, int64_t end) {
        walk.run(begin, end, [&](const auto& at, int64_t n) {
          const int64_t* a = index.data<int64_t>() + at[0];
          T* o = y.data<T>() + at[1];
          const T* p = x.data<T>() + at[2];
          if (is == 1 && ys == 1 && xs == 0) {
            for (int64_t i = 0; i < n; ++i) {
              check(a[i]);
              o[i] = p[a[i] * along];
            }
          } else {
            for (int64_t i = 0; i < n; ++i) {
              check(a[i * is]);
              o[i * ys] = p[i * xs + a[i * is] * along];
            }
          }
        });
      });
    });
    return y;
  }
  static Grads backward(OpContext& ctx, const Tensor& gy, const Dims& shape, int64_t dim) {
    return {scatter_add_(zeros(shape, gy.dtype()), dim, ctx.saved(0), gy), Tensor()};
  }
};

Tensor fresh_or_destination(const OpContext& ctx, const Tensor& x) {
  return ctx.destination().defined() ? ctx.destination() : clone(x);
}

struct ScatterAssign {
  static constexpr OpMeta meta{"scatter"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Tensor& src,
                        int64_t dim) {
    ctx.save(index);
    const Tensor y = fresh_or_destination(ctx, x);
    scatter_into(y, dim, index, src, Scatter::kAssign);
    return y;
  }
  // The overwritten elements of x receive nothing. Where several values met, the one that stayed is not
  // known here: each receives the gradient, as PyTorch has it.
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
    const Tensor index = ctx.saved(0);
    return {ctx.needs_grad(0) ? scatter(gy, dim, index, int64_t{0}) : Tensor(), Tensor(),
            ctx.needs_grad(2) ? gather(gy, dim, index) : Tensor()};
  }
};

struct ScatterAdd {
  static constexpr OpMeta meta{"scatter_add"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Tensor& src,
                        int64_t dim) {
    ctx.save(index);
    const Tensor y = fresh_or_destination(ctx, x);
    scatter_into(y, dim, index, src, Scatter::kAdd);
    return y;
  }
  // gx = gy, gsrc = gy[.., index, ..]
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
    return {gy, Tensor(), ctx.needs_grad(2) ? gather(gy, dim, ctx.saved(0)) : Tensor()};
  }
};

struct ScatterMultiply {
  static constexpr OpMeta meta{"scatter(reduce='multiply')"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, const Tensor& src,
                        int64_t dim) {
    const Tensor y = fresh_or_destination(ctx, x);
    scatter_into(y, dim, index, src, Scatter::kMultiply);
    return y;
  }
  static Grads backward(OpContext&, const Tensor&, int64_t) { return {}; }
};

template <class Op>
Tensor scattered(const char* name, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  const ScatterArgs a = check_scatter(name, x, dim, index, src);
  const Tensor y = apply<Op>(a.x, a.index, a.src, a.dim);
  return x.dim() == 0 ? reshape(y, IntSpan{}) : y;
}
template <class Op>
Tensor scattered_(const char* name, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  const ScatterArgs a = check_scatter(name, x, dim, index, src);
  apply_inplace<Op>(a.x, a.index, may_overlap(a.x, a.src) ? clone(a.src) : a.src, a.dim);
  return x;
}

// A number as a src of the index's shape that takes one element of memory.
Tensor spread(const Tensor& x, const Tensor& index, Scalar value) {
  return expand(full(IntSpan{}, value, x.dtype()), index.shape());
}

}  // namespace

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  const int64_t d = wrap_dim("gather", dim, x.dim());
  check_shapes("gather", x, d, index);
  const Tensor i = at_least_1d(checked_index("gather", index)), wide = at_least_1d(x);
  if (i.dim() != wide.dim()) return zeros(index.shape(), x.dtype());  // an empty index
  const Tensor y = apply<Gather>(wide, i, wide.shape(), d);
  return index.dim() == 0 ? reshape(y, IntSpan{}) : y;
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  return scattered<ScatterAssign>("scatter", x, dim, index, src);
}
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, Scalar value) {
  return scatter(x, dim, index, spread(x, index, value));
}
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  return scattered<ScatterAdd>("scatter_add", x, dim, index, src);
}

Tensor scatter_add_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  return scattered_<ScatterAdd>("scatter_add_", x, dim, index, src);
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, std::optional<int64_t> dim) {
  if (!dim) return gather(reshape(x, Dims{-1}), 0, reshape(index, Dims{-1}));
  PLAIT_CHECK(x.dim() == index.dim(), kValue,
              "take_along_dim: expected an index of as many dimensions as the tensor, got index ",
              index.shape(), " and tensor ", x.shape());
  const int64_t d = wrap_dim("take_along_dim", *dim, x.dim());
  Dims x_shape = x.shape(), index_shape = index.shape();
  if (x.dim() > 0) x_shape[d] = index_shape[d] = 1;
  const Dims shape = broadcast_shapes("take_along_dim", x_shape, index_shape);
  x_shape = index_shape = shape;
  if (x.dim() > 0) {
    x_shape[d] = x.shape()[d];
    index_shape[d] = index.shape()[d];
  }
  return gather(expand(x, x_shape), d, expand(index, index_shape));
}

namespace {

template <class Assign, class Add, class Multiply>
Tensor by_reduce(std::optional<std::string_view> reduce, Assign assign, Add add, Multiply multiply) {
  if (!reduce) return assign();
  PLAIT_CHECK(*reduce == "add" || *reduce == "multiply", kValue,
              "scatter: expected reduce 'add' or 'multiply', got '", *reduce, "'");
  return *reduce == "add" ? add() : multiply();
}

Tensor scatter_src(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                   std::optional<std::string_view> reduce) {
  return by_reduce(
      reduce, [&] { return scattered<ScatterAssign>("scatter", x, dim, index, src); },
      [&] { return scattered<ScatterAdd>("scatter", x, dim, index, src); },
      [&] { return scattered<ScatterMultiply>("scatter", x, dim, index, src); });
}
Tensor scatter_src_(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                    std::optional<std::string_view> reduce) {
  return by_reduce(
      reduce, [&] { return scattered_<ScatterAssign>("scatter_", x, dim, index, src); },
      [&] { return scattered_<ScatterAdd>("scatter_", x, dim, index, src); },
      [&] { return scattered_<ScatterMultiply>("scatter_", x, dim, index, src); });
}
Tensor scatter_value(const Tensor& x, int64_t dim, const Tensor& index, Scalar value,
                     std::optional<std::string_view> reduce) {
  return scatter_src(x, dim, index, spread(x, index, value), reduce);
}
Tensor scatter_value_(const Tensor& x, int64_t dim, const Tensor& index, Scalar value,
                      std::optional<std::string_view> reduce) {
  return scatter_src_(x, dim, index, spread(x, index, value), reduce);
}
Tensor gather_op(const Tensor& x, int64_t dim, const Tensor& index, bool) { return gather(x, dim, index); }

constexpr const char* kScatterDoc = R"(Writes values at the places along `dim` that `index` names.

For dim=0 of a matrix: x[index[i, j], j] = src[i, j]; for dim=1: x[i, index[i, j]] = src[i, j]. `index` has as many
dimensions as the tensor and is nowhere larger, but along `dim`; `src`, of the tensor's dtype, is at least as large as
`index`; a number may stand for it. Where several values meet the last one stays. `reduce='add'` adds the values,
`reduce='multiply'` multiplies by them (without a derivative). `scatter_` changes the tensor itself.

Raises IndexError for an index out of range, ValueError for shapes that do not fit.

>>> plait.zeros(2, 3).scatter(1, plait.tensor([[2], [0]]), 1.0)
tensor([[0., 0., 1.],
        [1., 0., 0.]]))";
constexpr const char* kScatterAddDoc = R"(Adds values at the places along `dim` that `index` names.

For dim=0 of a matrix: x[index[i, j], j] += src[i, j]; for dim=1: x[i, index[i, j]] += src[i, j], in the order of the
index, at any number of threads. `index` has as many dimensions as the tensor and is nowhere larger, but along `dim`;
`src`, of the tensor's dtype, is at least as large as `index`. `scatter_add_` changes the tensor itself.

Raises IndexError for an index out of range, ValueError for shapes that do not fit.

>>> plait.zeros(3).scatter_add(0, plait.tensor([0, 0, 2]), plait.ones(3))
tensor([2., 0., 1.]))";

const RegisterOps kOps{
    {"gather(Tensor input, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor", "fmo",
     PLAIT_BOX(gather_op),
     R"(The elements along `dim` that `index` names, one for each of its entries.

For dim=0 of a matrix: y[i, j] = x[index[i, j], j]; for dim=1: y[i, j] = x[i, index[i, j]]. `index` is an integer
tensor of as many dimensions as `input` and nowhere larger, but along `dim`; the result has its shape. Gradients of
elements read several times add up. `sparse_grad` has no effect.

Raises IndexError for an index out of range (negative ones included), ValueError for shapes that do not fit.

>>> x = plait.tensor([[1, 2], [3, 4]])
>>> plait.gather(x, 1, plait.tensor([[0, 0], [1, 0]]))
tensor([[1, 1],
        [4, 3]]))"},
    {"scatter(Tensor input, int dim, Tensor index, Tensor src, *, str? reduce=None) -> Tensor", "fm",
     PLAIT_BOX(scatter_src), kScatterDoc},
    {"scatter(Tensor input, int dim, Tensor index, Scalar value, *, str? reduce=None) -> Tensor", "fm",
     PLAIT_BOX(scatter_value), ""},
    {"scatter_(Tensor self, int dim, Tensor index, Tensor src, *, str? reduce=None) -> Tensor", "m",
     PLAIT_BOX(scatter_src_), kScatterDoc},
    {"scatter_(Tensor self, int dim, Tensor index, Scalar value, *, str? reduce=None) -> Tensor", "m",
     PLAIT_BOX(scatter_value_), ""},
    {"scatter_add(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", "fm", PLAIT_BOX(scatter_add),
     kScatterAddDoc},
    {"scatter_add_(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", "m", PLAIT_BOX(scatter_add_),
     kScatterAddDoc},
    {"take_along_dim(Tensor input, Tensor indices, int? dim=None) -> Tensor", "fmo",
     PLAIT_BOX(take_along_dim),
     R"(The elements along `dim` that `indices` names, the other dimensions broadcasting.

Without `dim` both tensors are taken as one row. Fits the results of `argsort` and of `argmax` with keepdim=True.

Raises IndexError for an index out of range, ValueError for shapes that do not broadcast.

>>> x = plait.tensor([[3, 1], [2, 4]])
>>> plait.take_along_dim(x, plait.tensor([[1], [0]]), 1)
tensor([[1],
        [2]]))"},
};

}  // namespace
}  // namespace plait
