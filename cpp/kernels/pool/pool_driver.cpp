// SPDX-License-Identifier: MIT
// A thread takes whole planes. Fixed windows work row by row on a padded copy of the plane (see pool_args.h);
// adaptive windows differ in size and go element by element.
#include "kernels/pool/pool_driver.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

using Window = PoolWindow;

// The window without the taps that lie in the padding whatever the output: a kernel may be far larger than
// its input. Outputs, and the positions of what remains, stay the same.
Window reachable(const Window& p) {
  Window r = p;
  for (int i = 0; i < 3; ++i) {
    const int64_t last = std::min(p.kernel[i] - 1, (p.in[i] - 1 + p.pad[i]) / p.dilation[i]);
    const int64_t farthest = p.pad[i] - (p.out[i] - 1) * p.stride[i];  // of the last window into the padding
    const int64_t first = std::clamp<int64_t>(farthest / p.dilation[i], 0, last);
    r.kernel[i] = last - first + 1;
    r.pad[i] = p.pad[i] - first * p.dilation[i];
  }
  return r;
}

// f(begin, end) for ranges of planes. A tap costs about half of what an element of memory-bound work does.
template <class F>
void for_plane_ranges(const Window& p, F&& f) {
  const int64_t grain =
      std::max<int64_t>(1, 2 * kGrainElements / std::max<int64_t>(1, p.out_size() * reachable(p).taps()));
  parallel_for(p.planes, grain, [&](int64_t begin, int64_t end) { f(begin, end); });
}

// The rows of a window and what its taps read, for one output row after another of one plane. Each thread has
// its own.
template <class T>
class RowWalk {
 public:
  explicit RowWalk(const Window& window) : p_(reachable(window)) {
    const Window& p = p_;
    constexpr int64_t kMaxLanes = 64 / sizeof(T);
    const int64_t reach = (p.kernel[2] - 1) * p.dilation[2];
    const int64_t vectors = round_up(p.out[2], kMaxLanes);
    const int64_t stride = p.out[2] == 1 ? 1 : p.stride[2];  // a single output's stride may be anything
    layout_ = {
        p.in[2], p.pad[2], stride,
        std::max(vectors + reach / stride, (p.in[2] + p.pad[2]) / stride + (stride == 1 ? kMaxLanes : 0)) +
            1};
    for (int64_t k = 0; k < p.kernel[2]; ++k) {
      const int64_t u = k * p.dilation[2];
      tap_.push_back(u % stride * layout_.phase_size + u / stride);
      shift_.push_back(u - p.pad[2]);
    }
    row_.resize(static_cast<size_t>(p.kernel[0] * p.kernel[1]));
    start_.resize(row_.size());
    args_.n = p.out[2];
    args_.taps = p.kernel[2];
    args_.row = row_.data();
    args_.tap = tap_.data();
    args_.start = start_.data();
    args_.shift = shift_.data();
    args_.w = p.in[2];
    args_.stride = stride;
    args_.index = nullptr;
  }

  const PoolLayout& layout() const { return layout_; }
  int64_t row_size() const { return layout_.stride * layout_.phase_size; }

  // Makes the padded copy that the rows point into. All planes have the same padding: it is written once.
  void load(const T* plane, T outside) {
    const int64_t rows = p_.in[0] * p_.in[1];
    if (copy_.empty()) copy_.assign(static_cast<size_t>(rows * row_size()), outside);
    kernels().pool.of<T>().pad_rows(copy_.data(), plane, rows, layout_);
  }

  // Calls f(args, at, d, h) for each output row, `at` its start in the plane of outputs.
  template <class F>
  void for_output_rows(F&& f) {
    for (int64_t d = 0; d < p_.out[0]; ++d) {
      for (int64_t h = 0; h < p_.out[1]; ++h) {
        size_t n = 0;
        for (int64_t kd = 0; kd < p_.kernel[0]; ++kd) {
          const int64_t id = d * p_.stride[0] - p_.pad[0] + kd * p_.dilation[0];
          if (id < 0 || id >= p_.in[0]) continue;
          for (int64_t kh = 0; kh < p_.kernel[1]; ++kh) {
            const int64_t ih = h * p_.stride[1] - p_.pad[1] + kh * p_.dilation[1];
            if (ih < 0 || ih >= p_.in[1]) continue;
            if (!copy_.empty()) row_[n] = copy_.data() + (id * p_.in[1] + ih) * row_size();
            start_[n++] = (id * p_.in[1] + ih) * p_.in[2];
          }
        }
        args_.rows = static_cast<int64_t>(n);
        f(args_, (d * p_.out[1] + h) * p_.out[2], d, h);
      }
    }
  }

 private:
  const Window p_;
  PoolLayout layout_;
  std::vector<int64_t> tap_, shift_, start_;
  std::vector<const T*> row_;
  std::vector<T> copy_;
  PoolRow<T> args_;
};

// Elements of a window along one axis that lie in [lo, hi).
int64_t covered(const Window& p, int axis, int64_t out, int64_t lo, int64_t hi) {
  const int64_t start = out * p.stride[axis] - p.pad[axis];
  return std::max<int64_t>(0, std::min(start + p.kernel[axis], hi) - std::max(start, lo));
}

// Factors 1 / divisor of output rows.
template <class T>
class AverageScales {
 public:
  AverageScales(const Window& p, const AverageRule& rule) : p_(p), rule_(rule) {
    for (int64_t w = 0; w < p.out[2]; ++w) widths_.push_back(counted(2, w));
    scale_.resize(widths_.size());
  }
  // Of output row (d, h); most rows have those of the row before.
  const T* row(int64_t d, int64_t h) {
    const int64_t n = rule_.divisor ? 0 : counted(0, d) * counted(1, h);
    if (n != n_) {
      for (size_t w = 0; w < scale_.size(); ++w) {
        const int64_t divisor = rule_.divisor ? rule_.divisor : std::max<int64_t>(n * widths_[w], 1);
        scale_[w] = T(1) / static_cast<T>(divisor);
      }
      n_ = n;
    }
    return scale_.data();
  }

 private:
  int64_t counted(int axis, int64_t at) const {
    return rule_.count_include_pad ? covered(p_, axis, at, -p_.pad[axis], p_.in[axis] + p_.pad[axis])
                                   : covered(p_, axis, at, 0, p_.in[axis]);
  }

  const Window& p_;
  const AverageRule& rule_;
  int64_t n_ = -1;
  std::vector<int64_t> widths_;
  std::vector<T> scale_;
};

struct Span {
  int64_t begin, end;
  Span(int64_t i, int64_t in, int64_t out) : begin(i * in / out), end(ceil_div((i + 1) * in, out)) {}
};

// Calls f(output element, row start, row end, 1 / window size) for the rows of each window of a plane.
template <class F>
void for_adaptive_rows(const Window& p, F&& f) {
  int64_t o = 0;
  for (int64_t d = 0; d < p.out[0]; ++d) {
    const Span sd(d, p.in[0], p.out[0]);
    for (int64_t h = 0; h < p.out[1]; ++h) {
      const Span sh(h, p.in[1], p.out[1]);
      for (int64_t w = 0; w < p.out[2]; ++w, ++o) {
        const Span sw(w, p.in[2], p.out[2]);
        const int64_t n = (sd.end - sd.begin) * (sh.end - sh.begin) * (sw.end - sw.begin);
        for (int64_t id = sd.begin; id < sd.end; ++id) {
          for (int64_t ih = sh.begin; ih < sh.end; ++ih) {
            const int64_t row = (id * p.in[1] + ih) * p.in[2];
            f(o, row + sw.begin, row + sw.end, n);
          }
        }
      }
    }
  }
}

}  // namespace

template <class T>
void max_pool_forward(const Window& p, const T* x, T* y, int32_t* index) {
  for_plane_ranges(p, [&](int64_t begin, int64_t end) {
    RowWalk<T> walk(p);
    for (int64_t k = begin; k < end; ++k) {
      walk.load(x + k * p.in_size(), -std::numeric_limits<T>::infinity());
      walk.for_output_rows([&](PoolRow<T>& a, int64_t at, int64_t, int64_t) {
        a.y = y + k * p.out_size() + at;
        if (index) a.index = index + k * p.out_size() + at;
        kernels().pool.of<T>().max_row(a);
      });
    }
  });
}

template <class T>
void max_pool_backward(int64_t planes, int64_t in_size, int64_t out_size, const T* gy, const int32_t* index,
                       T* gx) {
  parallel_for(planes, std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, in_size)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t k = begin; k < end; ++k) {
                   T* to = gx + k * in_size;
                   const T* from = gy + k * out_size;
                   const int32_t* at = index + k * out_size;
                   std::fill(to, to + in_size, T(0));
                   for (int64_t i = 0; i < out_size; ++i) {
                     if (at[i] >= 0) to[at[i]] += from[i];
                   }
                 }
               });
}

template <class T>
void max_pool_take(int64_t planes, int64_t in_size, int64_t out_size, const T* x, const int32_t* index,
                   T* y) {
  for (int64_t i = 0; i < planes * out_size; ++i) {
    y[i] = index[i] < 0 ? T(0) : x[i / out_size * in_size + index[i]];
  }
}

template <class T>
void average_pool_forward(const Window& p, const AverageRule& rule, const T* x, T* y) {
  for_plane_ranges(p, [&](int64_t begin, int64_t end) {
    RowWalk<T> walk(p);
    AverageScales<T> scales(p, rule);
    std::vector<T> sums(static_cast<size_t>(p.in[2])), copy(static_cast<size_t>(walk.row_size()));
    for (int64_t k = begin; k < end; ++k) {
      const T* plane = x + k * p.in_size();
      walk.for_output_rows([&](PoolRow<T>& a, int64_t at, int64_t d, int64_t h) {
        a.scale = scales.row(d, h);
        a.y = y + k * p.out_size() + at;
        kernels().pool.of<T>().average_row(a, plane, walk.layout(), sums.data(), copy.data());
      });
    }
  });
}

template <class T>
void average_pool_backward(const Window& p, const AverageRule& rule, const T* gy, T* gx) {
  for_plane_ranges(p, [&](int64_t begin, int64_t end) {
    RowWalk<T> walk(p);
    AverageScales<T> scales(p, rule);
    std::vector<T> row(static_cast<size_t>(p.in[2])), copy(static_cast<size_t>(walk.row_size()));
    for (int64_t k = begin; k < end; ++k) {
      T* plane = gx + k * p.in_size();
      std::fill(plane, plane + p.in_size(), T(0));
      const T* from = gy + k * p.out_size();
      walk.for_output_rows([&](const PoolRow<T>& a, int64_t at, int64_t d, int64_t h) {
        kernels().pool.of<T>().spread_row({.row = row.data(),
                                           .g = from + at,
                                           .scale = scales.row(d, h),
                                           .tap = a.tap,
                                           .n = a.n,
                                           .taps = a.taps,
                                           .copy = copy.data()},
                                          walk.layout());
        for (int64_t r = 0; r < a.rows; ++r) {
          kernels().pool.of<T>().add_row(plane + a.start[r], row.data(), p.in[2]);
        }
      });
    }
  });
}

template <class T>
void adaptive_average_forward(const Window& p, const T* x, T* y) {
  for_plane_ranges(p, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const T* src = x + k * p.in_size();
      T* out = y + k * p.out_size();
      std::fill(out, out + p.out_size(), T(0));
      for_adaptive_rows(p, [&](int64_t o, int64_t lo, int64_t hi, int64_t n) {
        T sum = 0;
        for (int64_t i = lo; i < hi; ++i) sum += src[i];
        out[o] += sum / static_cast<T>(n);
      });
    }
  });
}

template <class T>
void adaptive_average_backward(const Window& p, const T* gy, T* gx) {
  for_plane_ranges(p, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const T* from = gy + k * p.out_size();
      T* out = gx + k * p.in_size();
      std::fill(out, out + p.in_size(), T(0));
      for_adaptive_rows(p, [&](int64_t o, int64_t lo, int64_t hi, int64_t n) {
        const T share = from[o] / static_cast<T>(n);
        for (int64_t i = lo; i < hi; ++i) out[i] += share;
      });
    }
  });
}

template <class T>
void adaptive_max_forward(const Window& p, const T* x, T* y, int32_t* index) {
  for_plane_ranges(p, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const T* src = x + k * p.in_size();
      T* out = y + k * p.out_size();
      int32_t* at = index + k * p.out_size();
      std::fill(at, at + p.out_size(), -1);
      for_adaptive_rows(p, [&](int64_t o, int64_t lo, int64_t hi, int64_t) {
        for (int64_t i = lo; i < hi; ++i) {
          if (at[o] < 0 || src[i] > out[o] || src[i] != src[i]) {
            out[o] = src[i];
            at[o] = static_cast<int32_t>(i);
          }
        }
      });
    }
  });
}

PLAIT_POOL_DRIVERS(template, float)
PLAIT_POOL_DRIVERS(template, double)

}  // namespace plait
