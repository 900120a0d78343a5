// SPDX-License-Identifier: MIT
// Softmax of arrays [outer, n, inner] along n, split over threads in one of four layouts:
//
//   rows          inner == 1: contiguous rows
//   columns       inner > 1: strips of columns that stay in L2
//   short rows    transposed in blocks, for the kernel for columns (kernels/short_rows.h)
//   few columns   transposed as a whole, for the layouts of rows
//
// The layout reaches the bits; it depends on the shape and the instruction set alone.
#include "kernels/softmax/softmax_driver.h"

#include <algorithm>

#include "core/cpu_info.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"
#include "kernels/short_rows.h"

namespace plait {
namespace {

constexpr int64_t kTaskElements = 16384;  // half of kGrainElements: an exp costs more than a copy

// The longest rows that are transposed. Backward has no exponentials.
// tuned: rows of 40 take 0.30 ns an element in blocks and 0.42 row by row (AVX-512, 2 threads; at AVX2 0.50
// and 0.48); backward, rows of 16 take 0.33 and 0.13
constexpr int64_t kMaxShortRow = 40, kMaxShortRowBackward = 12;

// What distinguishes the two passes: the arrays `x` and `second` of AxisArrays, and the kernels.
struct Forward {
  using Args = SoftmaxArgs;
  static constexpr int64_t kMaxShort = kMaxShortRow, kArrays = 2;
  static void set_arrays(Args& args, const void* x, const void*, void* y) {
    args.x = x;
    args.y = y;
  }
  static void rows(const SoftmaxKernels& k, const Args& args) { k.rows(args); }
  static void columns(const SoftmaxKernels& k, const Args& args) { k.columns(args); }
};
struct Backward {
  using Args = SoftmaxGradArgs;
  static constexpr int64_t kMaxShort = kMaxShortRowBackward, kArrays = 3;
  static void set_arrays(Args& args, const void* y, const void* gy, void* gx) {
    args.y = y;
    args.gy = gy;
    args.gx = gx;
  }
  static void rows(const SoftmaxKernels& k, const Args& args) { k.rows_backward(args); }
  static void columns(const SoftmaxKernels& k, const Args& args) { k.columns_backward(args); }
};

template <class Pass>
class SoftmaxDriver {
 public:
  SoftmaxDriver(const SoftmaxKernels& kernels, const AxisArrays& arrays) : k_(kernels), a_(arrays) {}

  void run() const {
    if (a_.numel() == 0) return;
    if (is_short_row(a_.n, a_.inner, Pass::kMaxShort) && a_.outer >= 16) return run_short_rows();
    if (is_few_columns(a_.n, a_.inner)) return run_few_columns();
    a_.inner == 1 ? run_rows() : run_columns();
  }

 private:
  using Args = typename Pass::Args;

  // The arrays from element `first` on.
  Args args_at(int64_t first) const {
    const auto at = [&](const void* p) {
      return p ? static_cast<const char*>(p) + first * a_.item : nullptr;
    };
    Args args = {};
    Pass::set_arrays(args, at(a_.x), at(a_.second), static_cast<char*>(a_.y) + first * a_.item);
    args.n = a_.n;
    return args;
  }

  void run_rows() const {
    const int64_t n = a_.n;
    const bool stream = a_.y != a_.x && a_.y != a_.second &&
                        streams(a_.y, a_.outer * n * a_.item, n * a_.item, Pass::kArrays);
    parallel_for(a_.outer, std::max<int64_t>(1, kTaskElements / n), [&](int64_t begin, int64_t end) {
      Args args = args_at(begin * n);
      args.rows = end - begin;
      args.stream = stream;
      Pass::rows(k_, args);
    });
  }

  // Strips so narrow that all n rows of a strip stay in L2, yet no narrower than four cache lines of floats.
  void run_columns() const {
    const int64_t l2_elements = cpu_info().l2_bytes / 2 / a_.item;
    const int64_t width = std::clamp<int64_t>(l2_elements / a_.n / 64 * 64, 64, kMaxSoftmaxColumns);
    const int64_t strips = ceil_div(a_.inner, width);
    const int64_t grain = std::max<int64_t>(1, kTaskElements / (a_.n * std::min(width, a_.inner)));
    parallel_for(a_.outer * strips, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t j = i % strips * width;
        Args args = args_at(i / strips * a_.n * a_.inner + j);
        args.columns = std::min(width, a_.inner - j);
        args.ld = a_.inner;
        Pass::columns(k_, args);
      }
    });
  }

  void run_short_rows() const {
    for_short_rows(a_, kMaxSoftmaxColumns, kTaskElements,
                   [&](char* x, char* second, int64_t columns, int64_t ld) {
                     for (int64_t j = 0; j < a_.inner; ++j) {
                       Args args = {};
                       const int64_t at = j * ld * a_.item;
                       Pass::set_arrays(args, x + at, second + at, x + at);
                       args.n = a_.n;
                       args.columns = columns;
                       args.ld = a_.inner * ld;
                       Pass::columns(k_, args);
                     }
                   });
  }

  void run_few_columns() const {
    for_columns_as_rows(a_, [&](char* x, char* second) {
      const AxisArrays rows{a_.item, x, second, x, a_.outer * a_.inner, a_.n, 1};
      SoftmaxDriver(k_, rows).run();
    });
  }

  const SoftmaxKernels& k_;
  const AxisArrays a_;
};

const SoftmaxKernels& kernels_for(SoftmaxKind kind, DType dtype) {
  return kernels().softmax.kernel[kind][dtype];
}

void run_cross_entropy(DType dtype, CrossEntropyFn kernel, const CrossEntropyArgs& args) {
  if (args.rows == 0) return;
  const int64_t item = static_cast<int64_t>(item_size(dtype));
  const auto stat = 2 * static_cast<int64_t>(item_size(compute_dtype(dtype)));
  const int64_t grain = std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, args.n));
  parallel_for(args.rows, grain, [&](int64_t begin, int64_t end) {
    CrossEntropyArgs a = args;
    a.x = static_cast<const char*>(args.x) + begin * args.n * item;
    a.stats = static_cast<char*>(args.stats) + begin * stat;
    if (args.weighted) a.weighted = args.weighted + begin;
    if (args.exp_scale) a.exp_scale = args.exp_scale + begin;
    if (args.weight_scale) a.weight_scale = args.weight_scale + begin;
    if (args.gx) a.gx = static_cast<char*>(args.gx) + begin * args.n * item;
    a.rows = end - begin;
    kernel(a);
  });
}

}  // namespace

void softmax_forward(SoftmaxKind kind, DType dtype, const void* x, void* y, int64_t outer, int64_t n,
                     int64_t inner) {
  const AxisArrays arrays{static_cast<int64_t>(item_size(dtype)), x, nullptr, y, outer, n, inner};
  SoftmaxDriver<Forward>(kernels_for(kind, dtype), arrays).run();
}

void softmax_backward(SoftmaxKind kind, DType dtype, const void* y, const void* gy, void* gx, int64_t outer,
                      int64_t n, int64_t inner) {
  const AxisArrays arrays{static_cast<int64_t>(item_size(dtype)), y, gy, gx, outer, n, inner};
  SoftmaxDriver<Backward>(kernels_for(kind, dtype), arrays).run();
}

void cross_entropy_rows(DType dtype, const CrossEntropyArgs& args) {
  run_cross_entropy(dtype, kernels().softmax.cross_entropy[dtype], args);
}

void cross_entropy_rows_backward(DType dtype, const CrossEntropyArgs& args) {
  run_cross_entropy(dtype, kernels().softmax.cross_entropy_backward[dtype], args);
}

}  // namespace plait
