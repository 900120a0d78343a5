// SPDX-License-Identifier: MIT
#include "kernels/index/masked_driver.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/rounding.h"
#include "core/walk.h"

namespace plait {
namespace {

constexpr int64_t kChunk = 32768;  // elements

int64_t chunks_of(const std::vector<int64_t>& before) { return static_cast<int64_t>(before.size()) - 1; }

template <class T>
void write_coordinates(const T* x, IntSpan shape, const std::vector<int64_t>& before, int64_t* out) {
  const auto ndim = static_cast<int64_t>(shape.size());
  const int64_t row = ndim ? shape.back() : 1, numel = numel_of(shape);
  parallel_chunks(chunks_of(before), [&](int64_t c) {
    int64_t i = c * kChunk;
    const int64_t end = std::min(numel, i + kChunk);
    int64_t* o = out + before[static_cast<size_t>(c)] * ndim;
    Dims at(ndim, 0);
    while (i < end) {
      const int64_t first = i % row, last = std::min(row, first + end - i);
      int64_t rest = i / row;
      for (int64_t d = ndim - 2; d >= 0; --d) {
        at[d] = rest % shape[static_cast<size_t>(d)];
        rest /= shape[static_cast<size_t>(d)];
      }
      for (int64_t j = first; j < last; ++j, ++i) {
        if (!convert<bool>(x[i])) continue;
        for (int64_t d = 0; d + 1 < ndim; ++d) *o++ = at[d];
        if (ndim > 0) *o++ = j;
      }
    }
  });
}

}  // namespace

std::vector<int64_t> count_nonzero_chunks(DType dtype, const void* x, int64_t n) {
  const int64_t chunks = ceil_div(n, kChunk);
  std::vector<int64_t> before(static_cast<size_t>(chunks) + 1, 0);
  dispatch_any_bits(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const p = static_cast<const T*>(x);
    parallel_chunks(chunks, [&](int64_t c) {
      const int64_t end = std::min(n, (c + 1) * kChunk);
      int64_t count = 0;
      for (int64_t i = c * kChunk; i < end; ++i) count += convert<bool>(p[i]);
      before[static_cast<size_t>(c) + 1] = count;
    });
  });
  for (size_t c = 1; c < before.size(); ++c) before[c] += before[c - 1];
  return before;
}

void nonzero_coordinates(DType dtype, const void* x, IntSpan shape, const std::vector<int64_t>& before,
                         int64_t* out) {
  dispatch_any_bits(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    write_coordinates(static_cast<const T*>(x), shape, before, out);
  });
}

void take_masked(DType dtype, const void* x, const uint8_t* keep, const std::vector<int64_t>& before,
                 void* y) {
  dispatch_size(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const p = static_cast<const T*>(x);
    T* const out = static_cast<T*>(y);
    parallel_chunks(chunks_of(before), [&](int64_t c) {
      // Every element is written, and overwritten by the next one unless it is kept: no branch to miss.
      int64_t i = c * kChunk, at = before[static_cast<size_t>(c)];
      for (const int64_t end = before[static_cast<size_t>(c) + 1]; at < end; ++i) {
        out[at] = p[i];
        at += keep[i] != 0;
      }
    });
  });
}

void put_masked(DType dtype, const void* from, const uint8_t* take, const std::vector<int64_t>& before,
                IntSpan shape, IntSpan strides, void* y) {
  const Walk<1> walk(shape, {strides});
  dispatch_size(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    parallel_chunks(chunks_of(before), [&](int64_t c) {
      const T* p = static_cast<const T*>(from) + before[static_cast<size_t>(c)];
      const uint8_t* k = take + c * kChunk;
      walk.run(c * kChunk, std::min(walk.numel(), (c + 1) * kChunk), [&](const auto& at, int64_t n) {
        T* o = static_cast<T*>(y) + at[0];
        for (int64_t i = 0; i < n; ++i) {
          if (*k++) o[i * walk.stride(0)] = *p++;
        }
      });
    });
  });
}

}  // namespace plait
