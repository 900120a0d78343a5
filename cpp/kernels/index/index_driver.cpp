// SPDX-License-Identifier: MIT
// Moves of memory: rows behind a place are copied whole, and the next places are prefetched.
#include "kernels/index/index_driver.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "core/walk.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

// places[i] (+)= index[i] * stride, with index checked against size.
template <class T>
void add_places_of(const char* op, IntSpan shape, const IndexAxis& axis, bool first, int64_t* places) {
  const Walk<1> walk(shape, {axis.strides});
  const int64_t size = axis.size, stride = axis.stride;
  const int64_t step = walk.stride(0), low = axis.counts_from_end ? -size : 0;
  parallel_for(walk.numel(), kGrainElements, [&](int64_t begin, int64_t end) {
    int64_t* out = places + begin;
    walk.run(begin, end, [&](const auto& at, int64_t n) {
      const T* p = static_cast<const T*>(axis.index) + at[0];
      for (int64_t i = 0; i < n; ++i) {
        const auto v = static_cast<int64_t>(p[i * step]);
        const bool wrapped = std::is_same_v<T, uint64_t> && v < 0;
        PLAIT_CHECK(v >= low && v < size && !wrapped, kIndex, op, ": index ", v,
                    " is out of bounds for dimension ", axis.dim, " with size ", size);
        const int64_t place = (v < 0 ? v + size : v) * stride;
        *out = first ? place : *out + place;
        ++out;
      }
    });
  });
}

template <class T>
void read(const IndexedArray& plan, const T* x, T* y) {
  const Walk<1> before(plan.before_shape, {plan.before_strides}),
      after(plan.after_shape, {plan.after_strides});
  const int64_t* const places = plan.places;
  const int64_t n = plan.count, length = after.numel();
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

// put_row(x_elements, step, values, value_step, count) for every row of a plan. Work is split by destination,
// never by i: whatever the number of threads, an element sees its values in the order of i.
template <class T, class PutRow>
class RowWriter {
 public:
  RowWriter(const IndexedArray& plan, T* x, const T* values, bool one_value, PutRow put_row)
      : before_(plan.before_shape, {plan.before_strides}),
        after_(plan.after_shape, {plan.after_strides}),
        places_(plan.places),
        n_(plan.count),
        length_(after_.numel()),
        x_(x),
        values_(values),
        one_value_(one_value),
        put_row_(put_row) {}

  void run() const {
    const int64_t lines = before_.numel();
    if (n_ == 0 || length_ == 0 || lines == 0) return;
    if (length_ == 1) return lines == 1 ? put_line_of_elements() : put_lines_of_elements();
    if (lines == 1 && length_ < 16 * kColumns) return put_rows_by_place();
    put_rows_by_columns();
  }

 private:
  static constexpr int64_t kColumns = 16;  // a cache line of float32: the least that one thread takes
  static constexpr int64_t kAhead = 8;     // rows to prefetch

  T* base_of(int64_t b) const {
    T* base = x_;
    before_.run(b, b + 1, [&](const auto& at, int64_t) { base += at[0]; });
    return base;
  }

  // One thread: two would wait for branches guessed wrong.
  void put_line_of_elements() const {
    T* const base = base_of(0);
    const T* const v = values_;
    const int64_t* const places = places_;
    const int64_t n = n_, v_step = one_value_ ? 0 : 1;
    for (int64_t i = 0; i < n; ++i) put_row_(base + places[i], 1, v + i * v_step, 1, 1);
  }

  void put_lines_of_elements() const {
    const int64_t* const places = places_;
    const int64_t n = n_;
    parallel_for(before_.numel(), std::max<int64_t>(1, kGrainElements / n), [&](int64_t begin, int64_t end) {
      const T* v = values_ + (one_value_ ? 0 : begin * n);
      before_.run(begin, end, [&](const auto& at, int64_t count) {
        T* base = x_ + at[0];
        for (int64_t k = 0; k < count; ++k, base += before_.stride(0)) {
          if (one_value_) {
            for (int64_t i = 0; i < n; ++i) put_row_(base + places[i], 1, v, 1, 1);
          } else {
            for (int64_t i = 0; i < n; ++i, ++v) put_row_(base + places[i], 1, v, 1, 1);
          }
        }
      });
    });
  }

  // Whole rows of one line, by place.
  void put_rows_by_place() const {
    T* const base = base_of(0);
    const auto [lowest, highest] = std::minmax_element(places_, places_ + n_);
    const int64_t low = *lowest, extent = *highest - low + 1;
    const int64_t grain = std::max<int64_t>(1, extent / std::max<int64_t>(1, n_ * length_ / kGrainElements));
    parallel_for(extent, grain, [&](int64_t begin, int64_t end) {
      put_columns(0, base, 0, length_, low + begin, low + end);
    });
  }

  void put_rows_by_columns() const {
    const int64_t blocks = ceil_div(length_, kColumns), per_block = n_ * std::min(length_, kColumns);
    const int64_t grain = std::max<int64_t>(1, kGrainElements / per_block);
    parallel_for(before_.numel() * blocks, grain, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t b = begin / blocks, first = begin % blocks;
        const int64_t last = std::min(blocks, first + end - begin);
        put_columns(b, base_of(b), first * kColumns, std::min(length_, last * kColumns), INT64_MIN,
                    INT64_MAX);
        begin += last - first;
      }
    });
  }

  // Columns [c0, c1) of the part behind the index, below `base`, at places inside [low, high).
  void put_columns(int64_t b, T* base, int64_t c0, int64_t c1, int64_t low, int64_t high) const {
    const int64_t* const places = places_;
    const int64_t n = n_, step = after_.stride(0);
    const bool run = length_ == after_.row();
    const T* v = one_value_ ? values_ : values_ + b * n * length_ + c0;
    const int64_t v_row = one_value_ ? 0 : length_, v_step = one_value_ ? 0 : 1;
    for (int64_t i = 0; i < n; ++i, v += v_row) {
      if (places[i] < low || places[i] >= high) continue;
      if (run) {
        if (i + kAhead < n) __builtin_prefetch(base + places[i + kAhead] + c0 * step, 1);
        put_row_(base + places[i] + c0 * step, step, v, v_step, c1 - c0);
        continue;
      }
      const T* from = v;
      after_.run(c0, c1, [&](const auto& at, int64_t m) {
        put_row_(base + places[i] + at[0], step, from, v_step, m);
        from += m * v_step;
      });
    }
  }

  const Walk<1> before_, after_;
  const int64_t* const places_;
  const int64_t n_, length_;  // places, and elements behind each
  T* const x_;
  const T* const values_;
  const bool one_value_;
  const PutRow put_row_;
};

template <class T, class PutRow>
void write(const IndexedArray& plan, T* x, const T* values, bool one_value, PutRow put_row) {
  RowWriter<T, PutRow>(plan, x, values, one_value, put_row).run();
}

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
  if constexpr (!std::is_integral_v<T> && !kIsComplex<T>) {
    if (step == 1 && from_step == 1 && n >= 8) {
      return kernels().index.add[DTypeOf<T>::value](to, from, n, 1);
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
      to[i * step] = T(static_cast<float>(to[i * step]) + static_cast<float>(from[i * from_step]));
    } else {
      to[i * step] = convert<T>(to[i * step] + from[i * from_step]);
    }
  }
}

}  // namespace

void read_indexed(DType dtype, const IndexedArray& plan, const void* x, void* y) {
  dispatch_size(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    read<T>(plan, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

void write_indexed(DType dtype, const IndexedArray& plan, void* x, const void* values, bool one_value,
                   bool accumulate) {
  if (!accumulate) {
    dispatch_size(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      write<T>(plan, static_cast<T*>(x), static_cast<const T*>(values), one_value,
               [](T* to, int64_t step, const T* from, int64_t from_step, int64_t m) {
                 assign_row(to, step, from, from_step, m);
               });
    });
    return;
  }
  dispatch_any_bits(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    write<T>(plan, static_cast<T*>(x), static_cast<const T*>(values), one_value,
             [](T* to, int64_t step, const T* from, int64_t from_step, int64_t m) {
               add_row(to, step, from, from_step, m);
             });
  });
}

void add_places(const char* op, IntSpan shape, const IndexAxis& axis, bool first, int64_t* places) {
  dispatch(axis.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) add_places_of<T>(op, shape, axis, first, places);
  });
}

}  // namespace plait
