// SPDX-License-Identifier: MIT
#include "kernels/softmax/softmax_driver.h"

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/short_rows.h"

namespace plait {
namespace {

constexpr int64_t kTaskElements = 16384;  // exp makes an element dearer than a copy

// Rows of 40 take 0.30 ns per element in blocks and 0.42 one by one (AVX-512, 2 threads; 0.50 and 0.48 at
// AVX2); backward, without exponentials, rows of 16 take 0.33 and 0.13.
constexpr int64_t kShort = 40, kShortBackward = 12;

int float_index(DType dtype) {
  PLAIT_ASSERT(is_floating(dtype));
  return static_cast<int>(dtype) - static_cast<int>(DType::kFloat16);
}

void run(DType dtype, const SoftmaxKernels& k, bool backward, const void* x, const void* gy, void* y,
         int64_t outer, int64_t n, int64_t inner) {
  if (outer * n * inner == 0) return;
  const int64_t item = static_cast<int64_t>(item_size(dtype));
  if (is_short_row(n, inner, backward ? kShortBackward : kShort) && outer >= 16) {
    for_short_rows(item, x, gy, y, outer, n * inner, kSoftmaxColumns, kTaskElements,
                   [&](char* block, char* gy_block, int64_t columns, int64_t pitch) {
                     for (int64_t j = 0; j < inner; ++j) {
                       SoftmaxArgs a = {};
                       a.x = a.y = block + j * pitch * item;
                       a.gy = gy_block + j * pitch * item;
                       a.n = n;
                       a.columns = columns;
                       a.distance = inner * pitch;
                       (backward ? k.columns_backward : k.columns)(a);
                     }
                   });
    return;
  }
  if (is_few_columns(n, inner)) {
    return for_columns_as_rows(item, x, gy, y, outer, n, inner, [&](char* rows, char* gy_rows) {
      run(dtype, k, backward, rows, gy_rows, rows, outer * inner, n, 1);
    });
  }
  const auto at = [&](const void* p, int64_t i) {
    return p ? static_cast<const char*>(p) + i * item : nullptr;
  };
  const auto args = [&](int64_t i) {
    SoftmaxArgs a = {};
    a.x = at(x, i);
    a.gy = at(gy, i);
    a.y = static_cast<char*>(y) + i * item;
    a.n = n;
    return a;
  };
  if (inner == 1) {
    const bool stream = y != x && y != gy && streams(y, outer * n * item, n * item, backward ? 3 : 2);
    parallel_for(outer, std::max<int64_t>(1, kTaskElements / n), [&](int64_t begin, int64_t end) {
      SoftmaxArgs a = args(begin * n);
      a.rows = end - begin;
      a.stream = stream;
      (backward ? k.rows_backward : k.rows)(a);
    });
    return;
  }
  // Strips narrow enough that a strip of all n rows stays in the L2 cache, yet no narrower than four lines.
  const int64_t width = std::clamp<int64_t>(262144 / n / 64 * 64, 64, kSoftmaxColumns);
  const int64_t strips = (inner + width - 1) / width;
  const int64_t grain = std::max<int64_t>(1, kTaskElements / (n * std::min(width, inner)));
  parallel_for(outer * strips, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t j = i % strips * width;
      SoftmaxArgs a = args(i / strips * n * inner + j);
      a.columns = std::min(width, inner - j);
      a.distance = inner;
      (backward ? k.columns_backward : k.columns)(a);
    }
  });
}

void run(DType dtype, void (*kernel)(const CrossEntropyArgs&), const CrossEntropyArgs& args) {
  if (args.rows == 0) return;
  const int64_t item = static_cast<int64_t>(item_size(dtype));
  const int64_t stat = 2 * (dtype == DType::kFloat64 ? 8 : 4);
  const int64_t grain = std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, args.n));
  parallel_for(args.rows, grain, [&](int64_t begin, int64_t end) {
    CrossEntropyArgs a = args;
    a.x = static_cast<const char*>(args.x) + begin * args.n * item;
    a.stats = static_cast<char*>(args.stats) + begin * stat;
    if (args.weighted) a.weighted = args.weighted + begin;
    if (args.a) a.a = args.a + begin;
    if (args.b) a.b = args.b + begin;
    if (args.gx) a.gx = static_cast<char*>(args.gx) + begin * args.n * item;
    a.rows = end - begin;
    kernel(a);
  });
}

}  // namespace

void softmax_forward(SoftmaxKind kind, DType dtype, const void* x, void* y, int64_t outer, int64_t n,
                     int64_t inner) {
  run(dtype, kernels().softmax.kernel[static_cast<int>(kind)][float_index(dtype)], false, x, nullptr, y,
      outer, n, inner);
}

void softmax_backward(SoftmaxKind kind, DType dtype, const void* y, const void* gy, void* gx, int64_t outer,
                      int64_t n, int64_t inner) {
  run(dtype, kernels().softmax.kernel[static_cast<int>(kind)][float_index(dtype)], true, y, gy, gx, outer, n,
      inner);
}

void cross_entropy_rows(DType dtype, const CrossEntropyArgs& args) {
  run(dtype, kernels().softmax.cross_entropy[float_index(dtype)], args);
}

void cross_entropy_rows_backward(DType dtype, const CrossEntropyArgs& args) {
  run(dtype, kernels().softmax.cross_entropy_backward[float_index(dtype)], args);
}

}  // namespace plait
