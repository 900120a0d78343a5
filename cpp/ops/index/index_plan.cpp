// SPDX-License-Identifier: MIT
#include "ops/index/index_plan.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "core/rounding.h"
#include "core/walk.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

Dims broadcast_indices(const char* op, const std::vector<Tensor>& indices) {
  Dims shape;
  for (const Tensor& t : indices) {
    if (!t.defined()) continue;
    try {
      shape = broadcast_shapes(op, shape, t.shape());
    } catch (const Error& e) {
      PLAIT_FAIL(kIndex, op, ": index tensors must broadcast to one shape; ", e.what());
    }
  }
  return shape;
}

// places[i] (+)= index[i] * stride, with index checked against size.
template <class T>
void add_places(const char* op, const Tensor& index, const Dims& shape, int64_t dim, int64_t size,
                int64_t stride, Negative negative, bool first, int64_t* places) {
  Dims strides(shape.size(), 0);
  for (int64_t d = 0; d < index.dim(); ++d) {
    if (index.shape()[d] > 1) strides[shape.size() - index.dim() + d] = index.strides()[d];
  }
  const Walk<1> walk(shape, {strides});
  const int64_t step = walk.stride(0), low = negative == Negative::kCountsFromEnd ? -size : 0;
  parallel_for(walk.numel(), kGrainElements, [&](int64_t begin, int64_t end) {
    int64_t* out = places + begin;
    walk.run(begin, end, [&](const auto& at, int64_t n) {
      const T* p = index.data<T>() + at[0];
      for (int64_t i = 0; i < n; ++i) {
        const auto v = static_cast<int64_t>(p[i * step]);
        PLAIT_CHECK(v >= low && v < size, kIndex, op, ": index ", v, " is out of bounds for dimension ", dim,
                    " with size ", size);
        const int64_t place = (v < 0 ? v + size : v) * stride;
        *out = first ? place : *out + place;
        ++out;
      }
    });
  });
}

template <class T>
void read(const IndexPlan& plan, const T* x, T* y) {
  const Walk<1> before(plan.before_shape, {plan.before_strides}),
      after(plan.after_shape, {plan.after_strides});
  const int64_t* const places = plan.places.data<int64_t>();
  const int64_t n = plan.places.numel(), length = after.numel();
  if (n == 0 || length == 0 || before.numel() == 0) return;
  const bool run = length == after.row() && after.stride(0) == 1;
  parallel_for(before.numel() * n, std::max<int64_t>(1, kGrainElements / length),
               [&](int64_t begin, int64_t end) {
                 T* out = y + begin * length;
                 // Rows [r0, r1) of the plan below `base`.
                 const auto read_rows = [&](const T* base, int64_t r0, int64_t r1) {
                   if (length == 1) {
                     for (int64_t i = r0; i < r1; ++i) *out++ = base[places[i]];
                   } else if (run) {
                     constexpr int64_t kItem = sizeof(T);
                     kernels().convert.take_rows(out, base, places + r0, kItem, length * kItem, r1 - r0);
                     out += (r1 - r0) * length;
                   } else {
                     for (int64_t i = r0; i < r1; ++i) {
                       after.run(0, length, [&](const auto& at, int64_t m) {
                         const T* p = base + places[i] + at[0];
                         for (int64_t j = 0; j < m; ++j) *out++ = p[j * after.stride(0)];
                       });
                     }
                   }
                 };
                 const int64_t b0 = begin / n, b1 = ceil_div(end, n);
                 int64_t b = b0;
                 before.run(b0, b1, [&](const auto& at, int64_t count) {
                   const T* base = x + at[0];
                   for (int64_t k = 0; k < count; ++k, ++b, base += before.stride(0)) {
                     read_rows(base, b == b0 ? begin - b * n : 0, b == b1 - 1 ? end - b * n : n);
                   }
                 });
               });
}

// put_row(x_elements, step, values, value_step, count) for every row of the plan. Work is split by
// destination, never by i: whatever the number of threads, an element sees its values in the order of i.
template <class T, class PutRow>
void write(const IndexPlan& plan, T* x, const T* values, bool one_value, PutRow put_row) {
  const Walk<1> before(plan.before_shape, {plan.before_strides}),
      after(plan.after_shape, {plan.after_strides});
  const int64_t* const places = plan.places.data<int64_t>();
  const int64_t n = plan.places.numel(), length = after.numel(), step = after.stride(0);
  if (n == 0 || length == 0 || before.numel() == 0) return;
  // Columns [c0, c1) of the part behind the index, below `base`, at places inside [low, high).
  const bool run = length == after.row();
  constexpr int64_t kAhead = 8;  // rows to prefetch
  const auto put_columns = [&](int64_t b, T* base, int64_t c0, int64_t c1, int64_t low, int64_t high) {
    const T* v = one_value ? values : values + b * n * length + c0;
    const int64_t v_row = one_value ? 0 : length, v_step = one_value ? 0 : 1;
    for (int64_t i = 0; i < n; ++i, v += v_row) {
      if (places[i] < low || places[i] >= high) continue;
      if (run) {
        if (i + kAhead < n) __builtin_prefetch(base + places[i + kAhead] + c0 * step, 1);
        put_row(base + places[i] + c0 * step, step, v, v_step, c1 - c0);
        continue;
      }
      const T* from = v;
      after.run(c0, c1, [&](const auto& at, int64_t m) {
        put_row(base + places[i] + at[0], step, from, v_step, m);
        from += m * v_step;
      });
    }
  };
  const auto base_of = [&](int64_t b) {
    T* base = x;
    before.run(b, b + 1, [&](const auto& at, int64_t) { base += at[0]; });
    return base;
  };
  if (before.numel() == 1 && length == 1) {  // one thread: two would wait for branches guessed wrong
    T* const base = base_of(0);
    for (int64_t i = 0; i < n; ++i) put_row(base + places[i], 1, values + (one_value ? 0 : i), 1, 1);
    return;
  }
  if (length == 1) {
    parallel_for(before.numel(), std::max<int64_t>(1, kGrainElements / n), [&](int64_t begin, int64_t end) {
      const T* v = values + (one_value ? 0 : begin * n);
      before.run(begin, end, [&](const auto& at, int64_t count) {
        T* base = x + at[0];
        for (int64_t k = 0; k < count; ++k, base += before.stride(0)) {
          if (one_value) {
            for (int64_t i = 0; i < n; ++i) put_row(base + places[i], 1, v, 1, 1);
          } else {
            for (int64_t i = 0; i < n; ++i, ++v) put_row(base + places[i], 1, v, 1, 1);
          }
        }
      });
    });
    return;
  }
  constexpr int64_t kColumns = 16;  // a cache line of float32: the least that one thread takes
  if (before.numel() == 1 && length < 16 * kColumns) {  // whole rows, by place
    T* const base = base_of(0);
    const auto [lowest, highest] = std::minmax_element(places, places + n);
    const int64_t low = *lowest, extent = *highest - low + 1;
    const int64_t grain = std::max<int64_t>(1, extent / std::max<int64_t>(1, n * length / kGrainElements));
    parallel_for(extent, grain, [&](int64_t begin, int64_t end) {
      put_columns(0, base, 0, length, low + begin, low + end);
    });
    return;
  }
  const int64_t blocks = ceil_div(length, kColumns), per_block = n * std::min(length, kColumns);
  parallel_for(before.numel() * blocks, std::max<int64_t>(1, kGrainElements / per_block),
               [&](int64_t begin, int64_t end) {
                 while (begin < end) {
                   const int64_t b = begin / blocks, first = begin % blocks;
                   const int64_t last = std::min(blocks, first + end - begin);
                   put_columns(b, base_of(b), first * kColumns, std::min(length, last * kColumns), INT64_MIN,
                               INT64_MAX);
                   begin += last - first;
                 }
               });
}

}  // namespace

Dims IndexPlan::result_shape() const {
  Dims shape = before_shape;
  for (int64_t s : index_shape) shape.push_back(s);
  for (int64_t s : after_shape) shape.push_back(s);
  return shape;
}

IndexPlan plan_index(const char* op, const Tensor& x, const std::vector<Tensor>& indices, Negative negative) {
  const auto given = static_cast<int64_t>(indices.size());
  PLAIT_CHECK(given <= x.dim(), kIndex, op, ": too many indices for a tensor of dimension ", x.dim(),
              " (got ", given, ", shape ", x.shape(), ")");
  const auto indexed = [&](int64_t d) { return d < given && indices[static_cast<size_t>(d)].defined(); };
  int64_t first = x.dim(), last = -1, count = 0;
  for (int64_t d = 0; d < given; ++d) {
    if (!indexed(d)) continue;
    const DType dtype = indices[static_cast<size_t>(d)].dtype();
    PLAIT_CHECK(is_integral(dtype) && dtype != DType::kBool, kIndex, op,
                ": expected integer index tensors, got ", dtype_name(dtype));
    first = std::min(first, d);
    last = d;
    ++count;
  }
  IndexPlan plan;
  plan.index_shape = broadcast_indices(op, indices);
  const bool adjacent = last - first + 1 == count;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (indexed(d)) continue;
    const bool before = adjacent && d < first;
    (before ? plan.before_shape : plan.after_shape).push_back(x.shape()[d]);
    (before ? plan.before_strides : plan.after_strides).push_back(x.strides()[d]);
  }
  plan.places = Tensor::empty({checked_numel(op, plan.index_shape)}, DType::kInt64);
  auto* const places = plan.places.data<int64_t>();
  if (count == 0) std::fill_n(places, plan.places.numel(), int64_t{0});
  for (int64_t d = first; d <= last; ++d) {
    if (!indexed(d)) continue;
    const Tensor& t = indices[static_cast<size_t>(d)];
    dispatch(t.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_integral_v<T>) {
        add_places<T>(op, t, plan.index_shape, d, x.shape()[d], x.strides()[d], negative, d == first, places);
      }
    });
  }
  return plan;
}

Tensor read_places(const IndexPlan& plan, const Tensor& x) {
  const Tensor y = Tensor::empty(plan.result_shape(), x.dtype());
  dispatch_size(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    read<T>(plan, x.data<T>(), y.data<T>());
  });
  return y;
}

namespace {

template <class T>
[[gnu::always_inline]] inline void assign_row(T* to, int64_t step, const T* from, int64_t from_step,
                                              int64_t n) {
  if (step == 1 && from_step == 1 && n > 1) {
    std::memcpy(static_cast<void*>(to), from, static_cast<size_t>(n) * sizeof(T));
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * step] = from[i * from_step];
  }
}

template <class T>
[[gnu::always_inline]] inline void add_row(T* to, int64_t step, const T* from, int64_t from_step, int64_t n) {
  if constexpr (!std::is_integral_v<T>) {
    if (step == 1 && from_step == 1 && n >= 8) {
      return kernels().index.add[DTypeOf<T>::value](to, from, n, 1);
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
      to[i * step] = T(static_cast<float>(to[i * step]) + static_cast<float>(from[i * from_step]));
    } else {
      to[i * step] = static_cast<T>(to[i * step] + from[i * from_step]);
    }
  }
}

}  // namespace

void write_places(const IndexPlan& plan, const Tensor& x, const Tensor& values, bool accumulate) {
  const bool one = values.numel() == 1;
  if (!accumulate) {
    dispatch_size(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      write<T>(plan, x.data<T>(), values.data<T>(), one,
               [](T* to, int64_t step, const T* from, int64_t from_step, int64_t m) {
                 assign_row(to, step, from, from_step, m);
               });
    });
    return;
  }
  dispatch(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    write<T>(plan, x.data<T>(), values.data<T>(), one,
             [](T* to, int64_t step, const T* from, int64_t from_step, int64_t m) {
               add_row(to, step, from, from_step, m);
             });
  });
}

}  // namespace plait
