// SPDX-License-Identifier: MIT
#include "kernels/sequence/sequence_driver.h"

#include <algorithm>
#include <cstring>

#include "core/walk.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

// A first stretch by a loop, the rest by copies of it, which the library does with the widest stores there
// are.
template <class T>
void fill_run(T* out, int64_t n, T value) {
  constexpr int64_t kStretch = 1024;
  const int64_t first = std::min(n, kStretch);
  std::fill(out, out + first, value);
  for (int64_t i = first; i < n; i += first) {
    std::memcpy(static_cast<void*>(out + i), out, static_cast<size_t>(std::min(first, n - i)) * sizeof(T));
  }
}

}  // namespace

void fill_zero_bytes(void* data, int64_t items, int64_t item_size) {
  auto* p = static_cast<char*>(data);
  parallel_for(items, 4 * kGrainElements, [&](int64_t begin, int64_t end) {
    std::memset(p + begin * item_size, 0, static_cast<size_t>((end - begin) * item_size));
  });
}

void fill_array(DType dtype, void* data, IntSpan shape, IntSpan strides, const void* value) {
  const Walk<1> walk(shape, {strides});
  const int64_t stride = walk.stride(0);
  dispatch_size(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T v;
    std::memcpy(&v, value, sizeof v);
    T* const out = static_cast<T*>(data);
    parallel_for(walk.numel(), 4 * kGrainElements, [&](int64_t begin, int64_t end) {
      walk.run(begin, end, [&](const auto& at, int64_t n) {
        T* o = out + at[0];
        if (stride == 1) {
          fill_run(o, n, v);
        } else {
          for (int64_t i = 0; i < n; ++i) o[i * stride] = v;
        }
      });
    });
  });
}

void spaced_block(double* out, int64_t n, double base, double step, int64_t first, int64_t direction) {
  kernels().sequence.spaced(out, n, base, step, first, direction);
}

void spaced_values(DType dtype, void* x, int64_t n, double start, double step) {
  generate_values<double>(dtype, x, n, [=](double* out, int64_t first, int64_t count) {
    spaced_block(out, count, start, step, first, 1);
  });
}

void counted_values(DType dtype, void* x, int64_t n, int64_t start, int64_t step) {
  generate_values<int64_t>(dtype, x, n, [=](int64_t* out, int64_t first, int64_t count) {
    const uint64_t base =
        static_cast<uint64_t>(start) + static_cast<uint64_t>(step) * static_cast<uint64_t>(first);
    kernels().sequence.counted(out, count, static_cast<int64_t>(base), step);
  });
}

}  // namespace plait
