// SPDX-License-Identifier: MIT
// Max and average pooling over one to three spatial dimensions, with fixed and adaptive windows. Lower
// dimensions are computed as three with leading sizes of 1.
#include <algorithm>
#include <limits>
#include <vector>

#include "autograd/op.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/reduce/reduce.h"
#include "ops/registry.h"
#include "ops/view/view.h"

namespace plait {
namespace {

struct Window {
  int64_t planes;
  int64_t in[3], out[3], kernel[3], stride[3], pad[3], dilation[3];

  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t planes_per_thread() const {
    return std::max<int64_t>(1, 2 * kGrainElements / std::max<int64_t>(1, out_size() * taps()));
  }
};

// The rows of a window and what its taps read, for one output row after another of one plane. Each thread has
// its own.
template <class T>
class RowWalk {
 public:
  explicit RowWalk(const Window& p) : p_(p) {
    constexpr int64_t kMaxLanes = 64 / sizeof(T);
    const int64_t reach = (p.kernel[2] - 1) * p.dilation[2];
    const int64_t vectors = round_up(p.out[2], kMaxLanes);
    const int64_t step = p.out[2] == 1 ? 1 : p.stride[2];  // a single output's stride may be anything
    layout_ = {
        p.in[2], p.pad[2], step,
        std::max(vectors + reach / step, (p.in[2] + p.pad[2]) / step + (step == 1 ? kMaxLanes : 0)) + 1};
    for (int64_t k = 0; k < p.kernel[2]; ++k) {
      const int64_t u = k * p.dilation[2];
      tap_.push_back(u % step * layout_.phase_size + u / step);
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
    args_.stride = step;
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
  const Window& p_;
  PoolLayout layout_;
  std::vector<int64_t> tap_, shift_, start_;
  std::vector<const T*> row_;
  std::vector<T> copy_;
  PoolRow<T> args_;
};

Dims result_shape(const Tensor& x, const Window& p, int64_t ndim) {
  Dims shape = x.shape();
  for (int64_t d = 0; d < ndim; ++d) shape[x.dim() - ndim + d] = p.out[3 - ndim + d];
  return shape;
}

// ---- Max ----

// gx[index] += gy, plane by plane; its own derivative is the gather below.
Tensor max_pool_grad(const Tensor& gy, const Tensor& index, const Dims& x_shape, int64_t plane);
Tensor max_pool_gather(const Tensor& x, const Tensor& index, int64_t plane);

struct MaxPoolGrad {
  static constexpr OpMeta meta{"max_pool_grad"};
  static Tensor forward(OpContext& ctx, const Tensor& gy, const Tensor& index, const Dims& x_shape,
                        int64_t plane) {
    ctx.save(index);
    const Tensor g = as_computed(gy);
    const Tensor gx = Tensor::empty(x_shape, g.dtype());
    const int64_t planes = plane ? gx.numel() / plane : 0, out = planes ? g.numel() / planes : 0;
    dispatch_compute(g.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      parallel_for(planes, std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, plane)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t k = begin; k < end; ++k) {
                       T* to = gx.data<T>() + k * plane;
                       const T* from = g.data<T>() + k * out;
                       const int32_t* at = index.data<int32_t>() + k * out;
                       std::fill(to, to + plane, T(0));
                       for (int64_t i = 0; i < out; ++i) {
                         if (at[i] >= 0) to[at[i]] += from[i];
                       }
                     }
                   });
    });
    return cast(gx, gy.dtype());
  }
  // ggy[i] = ggx[index[i]]
  static Grads backward(OpContext& ctx, const Tensor& ggx, const Dims&, int64_t plane) {
    return {max_pool_gather(ggx, ctx.saved(0), plane), Tensor()};
  }
};

struct MaxPoolGather {
  static constexpr OpMeta meta{"max_pool_gather"};
  static Tensor forward(OpContext& ctx, const Tensor& x, const Tensor& index, int64_t plane, const Dims&) {
    ctx.save(index);
    const Tensor xn = as_computed(x);
    const Tensor y = Tensor::empty(index.shape(), xn.dtype());
    const int64_t planes = plane ? x.numel() / plane : 0, out = planes ? y.numel() / planes : 0;
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (int64_t i = 0; i < y.numel(); ++i) {
        const int32_t at = index.data<int32_t>()[i];
        y.data<T>()[i] = at < 0 ? T(0) : xn.data<T>()[i / out * plane + at];
      }
    });
    return cast(y, x.dtype());
  }
  // gx[index[i]] += gy[i]
  static Grads backward(OpContext& ctx, const Tensor& gy, int64_t plane, const Dims& x_shape) {
    return {max_pool_grad(gy, ctx.saved(0), x_shape, plane), Tensor()};
  }
};

Tensor max_pool_grad(const Tensor& gy, const Tensor& index, const Dims& x_shape, int64_t plane) {
  return apply<MaxPoolGrad>(gy, index, x_shape, plane);
}
Tensor max_pool_gather(const Tensor& x, const Tensor& index, int64_t plane) {
  return apply<MaxPoolGather>(x, index, plane, x.shape());
}

struct MaxPool {
  static constexpr OpMeta meta{"max_pool"};
  // Results: the maxima, and their positions in the plane as int32 (undefined when nobody asks for them).
  static std::vector<Tensor> forward(OpContext& ctx, const Tensor& x, const Window& p, const Dims& y_shape,
                                     bool wants_index) {
    const Tensor xn = as_computed(x);
    const Tensor y = Tensor::empty(y_shape, xn.dtype());
    const Tensor index = wants_index || ctx.recording() ? Tensor::empty(y_shape, DType::kInt32) : Tensor();
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      parallel_for(p.planes, p.planes_per_thread(), [&](int64_t begin, int64_t end) {
        RowWalk<T> walk(p);
        for (int64_t k = begin; k < end; ++k) {
          walk.load(xn.data<T>() + k * p.in_size(), -std::numeric_limits<T>::infinity());
          walk.for_output_rows([&](PoolRow<T>& a, int64_t at, int64_t, int64_t) {
            a.y = y.data<T>() + k * p.out_size() + at;
            if (index.defined()) a.index = index.data<int32_t>() + k * p.out_size() + at;
            kernels().pool.of<T>().max_row(a);
          });
        }
      });
    });
    ctx.save(index);
    return {cast(y, x.dtype()), index};
  }
  // gx[index[i]] += gy[i]
  static Grads backward(OpContext& ctx, const Grads& gys, const Window& p, const Dims&, bool) {
    Dims x_shape{p.planes, p.in[0], p.in[1], p.in[2]};
    if (!gys[0].defined()) return {Tensor()};
    return {max_pool_grad(gys[0], ctx.saved(0), x_shape, p.in_size())};
  }
};

// ---- Average ----

struct AverageRule {
  bool count_include_pad;
  int64_t divisor;  // 0: the number of elements
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

Tensor average_pool(const Tensor& x, const Window& p, const AverageRule& rule, const Dims& y_shape);

struct AveragePoolGrad {
  static constexpr OpMeta meta{"avg_pool_grad"};
  static Tensor forward(OpContext&, const Tensor& gy, const Window& p, const AverageRule& rule,
                        const Dims& x_shape) {
    const Tensor g = as_computed(gy);
    const Tensor gx = Tensor::empty(x_shape, g.dtype());
    dispatch_compute(g.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      parallel_for(p.planes, p.planes_per_thread(), [&](int64_t begin, int64_t end) {
        RowWalk<T> walk(p);
        AverageScales<T> scales(p, rule);
        std::vector<T> row(static_cast<size_t>(p.in[2])), copy(static_cast<size_t>(walk.row_size()));
        for (int64_t k = begin; k < end; ++k) {
          T* plane = gx.data<T>() + k * p.in_size();
          std::fill(plane, plane + p.in_size(), T(0));
          const T* from = g.data<T>() + k * p.out_size();
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
    });
    return cast(gx, gy.dtype());
  }
  // ggy = avg_pool(ggx)
  static Grads backward(OpContext&, const Tensor& ggx, const Window& p, const AverageRule& rule,
                        const Dims&) {
    return {average_pool(ggx, p, rule, Dims{p.planes, p.out[0], p.out[1], p.out[2]})};
  }
};

struct AveragePool {
  static constexpr OpMeta meta{"avg_pool"};
  static Tensor forward(OpContext&, const Tensor& x, const Window& p, const AverageRule& rule,
                        const Dims& y_shape) {
    const Tensor xn = as_computed(x);
    const Tensor y = Tensor::empty(y_shape, xn.dtype());
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      parallel_for(p.planes, p.planes_per_thread(), [&](int64_t begin, int64_t end) {
        RowWalk<T> walk(p);
        AverageScales<T> scales(p, rule);
        std::vector<T> sums(static_cast<size_t>(p.in[2])), copy(static_cast<size_t>(walk.row_size()));
        for (int64_t k = begin; k < end; ++k) {
          const T* plane = xn.data<T>() + k * p.in_size();
          walk.for_output_rows([&](PoolRow<T>& a, int64_t at, int64_t d, int64_t h) {
            a.scale = scales.row(d, h);
            a.y = y.data<T>() + k * p.out_size() + at;
            kernels().pool.of<T>().average_row(a, plane, walk.layout(), sums.data(), copy.data());
          });
        }
      });
    });
    return cast(y, x.dtype());
  }
  // gx[u] = the sum of gy[i] scale[i] over the windows i that hold u
  static Grads backward(OpContext&, const Tensor& gy, const Window& p, const AverageRule& rule, const Dims&) {
    return {apply<AveragePoolGrad>(gy, p, rule, Dims{p.planes, p.in[0], p.in[1], p.in[2]})};
  }
};

Tensor average_pool(const Tensor& x, const Window& p, const AverageRule& rule, const Dims& y_shape) {
  return apply<AveragePool>(x, p, rule, y_shape);
}

// ---- Adaptive average ----

// Window i of an axis is [floor(i*in/out), ceil((i+1)*in/out)).
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

struct AdaptiveAverage {
  static constexpr OpMeta meta{"adaptive_avg_pool"};
  static Tensor forward(OpContext&, const Tensor& x, const Window& p, const Dims& y_shape, const Dims&) {
    const Tensor xn = as_computed(x);
    const Tensor y = zeros(y_shape, xn.dtype());
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      parallel_for(p.planes, p.planes_per_thread(), [&](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; ++k) {
          const T* src = xn.data<T>() + k * p.in_size();
          T* out = y.data<T>() + k * p.out_size();
          for_adaptive_rows(p, [&](int64_t o, int64_t lo, int64_t hi, int64_t n) {
            T sum = 0;
            for (int64_t i = lo; i < hi; ++i) sum += src[i];
            out[o] += sum / static_cast<T>(n);
          });
        }
      });
    });
    return cast(y, x.dtype());
  }
  static Grads backward(OpContext&, const Tensor& gy, const Window& p, const Dims&, const Dims& x_shape);
};

struct AdaptiveAverageGrad {
  static constexpr OpMeta meta{"adaptive_avg_pool_grad"};
  static Tensor forward(OpContext&, const Tensor& gy, const Window& p, const Dims& x_shape) {
    const Tensor g = as_computed(gy);
    const Tensor gx = zeros(x_shape, g.dtype());
    dispatch_compute(g.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      parallel_for(p.planes, p.planes_per_thread(), [&](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; ++k) {
          const T* from = g.data<T>() + k * p.out_size();
          T* out = gx.data<T>() + k * p.in_size();
          for_adaptive_rows(p, [&](int64_t o, int64_t lo, int64_t hi, int64_t n) {
            const T share = from[o] / static_cast<T>(n);
            for (int64_t i = lo; i < hi; ++i) out[i] += share;
          });
        }
      });
    });
    return cast(gx, gy.dtype());
  }
  // ggy = adaptive_avg_pool(ggx)
  static Grads backward(OpContext&, const Tensor& ggx, const Window& p, const Dims& x_shape) {
    return {apply<AdaptiveAverage>(ggx, p, Dims{p.planes, p.out[0], p.out[1], p.out[2]}, x_shape)};
  }
};

Grads AdaptiveAverage::backward(OpContext&, const Tensor& gy, const Window& p, const Dims&,
                                const Dims& x_shape) {
  return {apply<AdaptiveAverageGrad>(gy, p, x_shape)};
}

// Adaptive windows differ in size, so their maxima are found element by element.
struct AdaptiveMax {
  static constexpr OpMeta meta{"adaptive_max_pool"};
  static std::vector<Tensor> forward(OpContext& ctx, const Tensor& x, const Window& p, const Dims& y_shape,
                                     const Dims&) {
    const Tensor xn = as_computed(x);
    const Tensor y = Tensor::empty(y_shape, xn.dtype()), index = Tensor::empty(y_shape, DType::kInt32);
    dispatch_compute(xn.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      parallel_for(p.planes, p.planes_per_thread(), [&](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; ++k) {
          const T* src = xn.data<T>() + k * p.in_size();
          T* out = y.data<T>() + k * p.out_size();
          int32_t* at = index.data<int32_t>() + k * p.out_size();
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
    });
    ctx.save(index);
    return {cast(y, x.dtype()), index};
  }
  // gx[index[i]] += gy[i]
  static Grads backward(OpContext& ctx, const Grads& gys, const Window& p, const Dims&, const Dims& x_shape) {
    if (!gys[0].defined()) return {Tensor()};
    return {max_pool_grad(gys[0], ctx.saved(0), x_shape, p.in_size())};
  }
};

// ---- Arguments as users give them ----

template <int64_t kDims>
void check_input(const char* op, const Tensor& x) {
  PLAIT_CHECK(x.dim() == kDims + 1 || x.dim() == kDims + 2, kValue, op, ": expected ", kDims + 1, "D or ",
              kDims + 2, "D input, got shape ", x.shape());
  PLAIT_CHECK(x.is_floating(), kType, op, ": expected a floating-point dtype, got ", dtype_name(x.dtype()));
  for (int64_t d = 0; d < kDims; ++d) {
    PLAIT_CHECK(x.shape()[x.dim() - kDims + d] > 0, kValue, op,
                ": expected spatial dimensions of at least 1, got shape ", x.shape());
  }
  PLAIT_CHECK(x.numel() / std::max<int64_t>(1, x.shape()[0]) < std::numeric_limits<int32_t>::max(), kValue,
              op, ": planes of 2**31 elements and more are not supported");
}

// One value per spatial dimension, each at least `least`.
Dims per_dim(const char* op, const char* what, IntSpan values, int64_t ndim, int64_t least) {
  const auto n = static_cast<int64_t>(values.size());
  PLAIT_CHECK(n == ndim || n == 1, kValue, op, ": expected ", what, " to be an int or ", ndim, " ints, got ",
              to_string(values));
  Dims out(ndim, values[0]);
  for (int64_t d = 0; d < ndim; ++d) {
    if (n > 1) out[d] = values[static_cast<size_t>(d)];
    PLAIT_CHECK(out[d] >= least && out[d] < (int64_t{1} << 31), kValue, op, ": expected ", what,
                " of at least ", least, ", got ", to_string(values));
  }
  return out;
}

template <int64_t kDims>
Window make_window(const char* op, const Tensor& x, IntSpan kernel, const std::optional<Dims>& stride,
                   IntSpan padding, IntSpan dilation, bool ceil_mode) {
  check_input<kDims>(op, x);
  const Dims k = per_dim(op, "kernel_size", kernel, kDims, 1);
  const Dims s = stride && !stride->empty() ? per_dim(op, "stride", *stride, kDims, 1) : k;
  const Dims pad = per_dim(op, "padding", padding, kDims, 0),
             dil = per_dim(op, "dilation", dilation, kDims, 1);
  Window p;
  for (int i = 0; i < 3; ++i) {
    p.in[i] = p.out[i] = p.kernel[i] = p.stride[i] = p.dilation[i] = 1;
    p.pad[i] = 0;
  }
  for (int64_t d = 0; d < kDims; ++d) {
    const int64_t i = 3 - kDims + d;
    p.in[i] = x.shape()[x.dim() - kDims + d];
    p.kernel[i] = k[d];
    p.stride[i] = s[d];
    p.pad[i] = pad[d];
    p.dilation[i] = dil[d];
    PLAIT_CHECK(2 * pad[d] <= k[d], kValue, op,
                ": pad should be at most half of effective kernel size, got padding ", pad,
                " and kernel_size ", k);
    const int64_t span = p.in[i] + 2 * pad[d] - dil[d] * (k[d] - 1) - 1;
    int64_t out =
        span < 0 ? (ceil_mode && span > -s[d] ? 1 : 0) : (span + (ceil_mode ? s[d] - 1 : 0)) / s[d] + 1;
    // A last window that would start in the padding behind the input is left out.
    if (ceil_mode && (out - 1) * s[d] >= p.in[i] + pad[d]) --out;
    PLAIT_CHECK(out > 0, kValue, op, ": the output would be empty: input ", x.shape(), ", kernel_size ", k,
                ", stride ", s, ", padding ", pad, ", dilation ", dil);
    p.out[i] = out;
  }
  p.planes = x.numel() / p.in_size();
  return p;
}

// The op sees (planes, d, h, w), so that one gradient serves all ranks.
Tensor as_planes(const Tensor& x, const Window& p) {
  return reshape(x, Dims{p.planes, p.in[0], p.in[1], p.in[2]});
}
Dims plane_shape(const Window& p) { return {p.planes, p.out[0], p.out[1], p.out[2]}; }

template <int64_t kDims>
TensorMaybePair max_pool(const Tensor& x, IntSpan kernel, std::optional<Dims> stride, IntSpan padding,
                         IntSpan dilation, bool ceil_mode, bool return_indices) {
  constexpr const char* kNames[] = {"max_pool1d", "max_pool2d", "max_pool3d"};
  const Window p = make_window<kDims>(kNames[kDims - 1], x, kernel, stride, padding, dilation, ceil_mode);
  const std::vector<Tensor> r = apply<MaxPool>(as_planes(x, p), p, plane_shape(p), return_indices);
  const Dims shape = result_shape(x, p, kDims);
  if (!return_indices) return {reshape(r[0], shape), Tensor()};
  return {reshape(r[0], shape), reshape(cast(r[1], DType::kInt64), shape)};
}

template <int64_t kDims>
Tensor avg_pool(const Tensor& x, IntSpan kernel, std::optional<Dims> stride, IntSpan padding, bool ceil_mode,
                bool count_include_pad, std::optional<int64_t> divisor_override) {
  constexpr const char* kNames[] = {"avg_pool1d", "avg_pool2d", "avg_pool3d"};
  const Window p = make_window<kDims>(kNames[kDims - 1], x, kernel, stride, padding, Dims{1}, ceil_mode);
  PLAIT_CHECK(!divisor_override || *divisor_override != 0, kValue, kNames[kDims - 1],
              ": divisor must be not zero");
  const AverageRule rule{count_include_pad, divisor_override.value_or(0)};
  return reshape(average_pool(as_planes(x, p), p, rule, plane_shape(p)), result_shape(x, p, kDims));
}
Tensor avg_pool1d(const Tensor& x, IntSpan kernel, std::optional<Dims> stride, IntSpan padding,
                  bool ceil_mode, bool count_include_pad) {
  return avg_pool<1>(x, kernel, stride, padding, ceil_mode, count_include_pad, std::nullopt);
}

// Windows of equal size are a plain pool: returns whether they are.
bool is_regular(const Window& p) {
  for (int i = 0; i < 3; ++i) {
    if (p.out[i] == 0 || p.in[i] % p.out[i] != 0) return false;
  }
  return true;
}

template <int64_t kDims>
Window make_adaptive(const char* op, const Tensor& x, IntSpan size) {
  check_input<kDims>(op, x);
  Dims wanted(size);
  for (int64_t i = 0; i < wanted.size(); ++i) {
    PLAIT_CHECK(wanted[i] == kNoSize || wanted[i] >= 0, kValue, op,
                ": expected output sizes of at least 0, got ", to_string(size));
    if (wanted[i] == kNoSize) wanted[i] = -1;
  }
  const Dims out = per_dim(op, "output_size", wanted, kDims, -1);
  Window p;
  for (int i = 0; i < 3; ++i) {
    p.in[i] = p.out[i] = p.kernel[i] = p.stride[i] = p.dilation[i] = 1;
    p.pad[i] = 0;
  }
  for (int64_t d = 0; d < kDims; ++d) {
    const int64_t i = 3 - kDims + d;
    p.in[i] = x.shape()[x.dim() - kDims + d];
    p.out[i] = out[d] < 0 ? p.in[i] : out[d];  // None keeps the size
    p.kernel[i] = p.stride[i] = p.out[i] ? std::max<int64_t>(1, p.in[i] / p.out[i]) : 1;
  }
  p.planes = x.numel() / p.in_size();
  return p;
}

template <int64_t kDims>
Tensor adaptive_avg_pool(const Tensor& x, IntSpan size) {
  constexpr const char* kNames[] = {"adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"};
  const Window p = make_adaptive<kDims>(kNames[kDims - 1], x, size);
  const Dims shape = result_shape(x, p, kDims);
  if (p.out_size() == 1) return reshape(mean(reshape(x, Dims{p.planes, p.in_size()}), Dims{1}), shape);
  const Tensor planes = as_planes(x, p);
  const Tensor y = is_regular(p) ? average_pool(planes, p, {true, 0}, plane_shape(p))
                                 : apply<AdaptiveAverage>(planes, p, plane_shape(p), planes.shape());
  return reshape(y, shape);
}

template <int64_t kDims>
TensorMaybePair adaptive_max_pool(const Tensor& x, IntSpan size, bool return_indices) {
  constexpr const char* kNames[] = {"adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"};
  const Window p = make_adaptive<kDims>(kNames[kDims - 1], x, size);
  if (p.out_size() == 1) {
    const auto [values, at] = max(reshape(x, Dims{p.planes, p.in_size()}), 1);
    const Dims shape = result_shape(x, p, kDims);
    return {reshape(values, shape), return_indices ? reshape(at, shape) : Tensor()};
  }
  const Tensor planes = as_planes(x, p);
  const std::vector<Tensor> r = is_regular(p) ? apply<MaxPool>(planes, p, plane_shape(p), return_indices)
                                              : apply<AdaptiveMax>(planes, p, plane_shape(p), planes.shape());
  const Dims shape = result_shape(x, p, kDims);
  if (!return_indices) return {reshape(r[0], shape), Tensor()};
  return {reshape(r[0], shape), reshape(cast(r[1], DType::kInt64), shape)};
}

#define PLAIT_POOL_ARGS                                                                                 \
  "Args:\n"                                                                                             \
  "    input: shape (batch, channels, *spatial) or (channels, *spatial); floating point.\n"             \
  "    kernel_size, stride, padding: one int or one per spatial dimension; stride None: kernel_size.\n" \
  "    ceil_mode: round output sizes up instead of down.\n"
#define PLAIT_MAX_DOC                                                                     \
  "The largest element of each window. NaN counts as the largest.\n\n" PLAIT_POOL_ARGS    \
  "    dilation: distance between the elements of a window.\n"                            \
  "    return_indices: also return the position of each maximum in its plane, int64.\n\n" \
  "Raises ArgumentError for padding above half of the kernel and for empty outputs.\n\n"
#define PLAIT_AVG_DOC                                            \
  "The mean of each window.\n\n" PLAIT_POOL_ARGS                 \
  "    count_include_pad: whether padding counts as elements.\n" \
  "    divisor_override: divide the sums by this instead.\n\n"   \
  "Raises ArgumentError for padding above half of the kernel and for empty outputs.\n\n"
#define PLAIT_ADAPTIVE_DOC(what)                                                                 \
  what " of each of output_size windows per dimension; window i covers [floor(i*in/out), "       \
       "ceil((i+1)*in/out)).\n\n"                                                                \
       "Args:\n"                                                                                 \
       "    input: shape (batch, channels, *spatial) or (channels, *spatial); floating point.\n" \
       "    output_size: one int or one per spatial dimension; None keeps a size.\n\n"           \
       "Raises ArgumentError for negative sizes.\n\n"
#define PLAIT_MAX_SIGNATURE(d)                                                           \
  "max_pool" d "d(Tensor input, int[" d "] kernel_size, int[" d "]? stride=None, int[" d \
  "] padding=0, int[" d                                                                  \
  "] dilation=1, bool ceil_mode=False, bool return_indices=False) -> "                   \
  "Tensor | (Tensor, Tensor)"
#define PLAIT_AVG_SIGNATURE(d)                                                           \
  "avg_pool" d "d(Tensor input, int[" d "] kernel_size, int[" d "]? stride=None, int[" d \
  "] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor"

const RegisterOps kOps{
    {PLAIT_MAX_SIGNATURE("1"), "fn", PLAIT_BOX(max_pool<1>),
     PLAIT_MAX_DOC ">>> plait.max_pool1d(plait.tensor([[[1., 3., 2., 4.]]]), 2)\ntensor([[[3., 4.]]])\n"},
    {PLAIT_MAX_SIGNATURE("2"), "fn", PLAIT_BOX(max_pool<2>),
     PLAIT_MAX_DOC ">>> plait.max_pool2d(plait.arange(4.).reshape(1, 1, 2, 2), 2)\ntensor([[[[3.]]]])\n"},
    {PLAIT_MAX_SIGNATURE("3"), "fn", PLAIT_BOX(max_pool<3>),
     PLAIT_MAX_DOC ">>> plait.max_pool3d(plait.ones(1, 1, 2, 2, 2), 2).shape\nplait.Size([1, 1, 1, 1, 1])\n"},
    {"avg_pool1d(Tensor input, int[1] kernel_size, int[1]? stride=None, int[1] padding=0, bool "
     "ceil_mode=False, bool "
     "count_include_pad=True) -> Tensor",
     "fn", PLAIT_BOX(avg_pool1d),
     PLAIT_AVG_DOC ">>> plait.avg_pool1d(plait.tensor([[[1., 3., 2., 4.]]]), 2)\ntensor([[[2., 3.]]])\n"},
    {PLAIT_AVG_SIGNATURE("2"), "fn", PLAIT_BOX(avg_pool<2>),
     PLAIT_AVG_DOC
     ">>> plait.nn.functional.avg_pool2d(plait.arange(4.).reshape(1, 1, 2, 2), 2)\ntensor([[[[1.5000]]]])\n"},
    {PLAIT_AVG_SIGNATURE("3"), "fn", PLAIT_BOX(avg_pool<3>),
     PLAIT_AVG_DOC
     ">>> plait.nn.functional.avg_pool3d(plait.ones(1, 1, 2, 2, 2), 2).shape\nplait.Size([1, 1, 1, 1, 1])\n"},
    {"adaptive_avg_pool1d(Tensor input, int?[1] output_size) -> Tensor", "fn",
     PLAIT_BOX(adaptive_avg_pool<1>),
     PLAIT_ADAPTIVE_DOC("The mean") ">>> plait.adaptive_avg_pool1d(plait.tensor([[[1., 2., 3., 4.]]]), "
                                    "2)\ntensor([[[1.5000, 3.5000]]])\n"},
    {"adaptive_avg_pool2d(Tensor input, int?[2] output_size) -> Tensor", "fn",
     PLAIT_BOX(adaptive_avg_pool<2>),
     PLAIT_ADAPTIVE_DOC(
         "The mean") ">>> plait.nn.functional.adaptive_avg_pool2d(plait.ones(1, 2, 5, 5), 1).shape\n"
                     "plait.Size([1, 2, 1, 1])\n"},
    {"adaptive_avg_pool3d(Tensor input, int?[3] output_size) -> Tensor", "fn",
     PLAIT_BOX(adaptive_avg_pool<3>),
     PLAIT_ADAPTIVE_DOC(
         "The mean") ">>> plait.nn.functional.adaptive_avg_pool3d(plait.ones(1, 2, 5, 5, 5), 1).shape\n"
                     "plait.Size([1, 2, 1, 1, 1])\n"},
    {"adaptive_max_pool1d(Tensor input, int?[1] output_size, "
     "bool return_indices=False) -> Tensor | (Tensor, Tensor)",
     "fn", PLAIT_BOX(adaptive_max_pool<1>),
     PLAIT_ADAPTIVE_DOC(
         "The largest element") ">>> plait.nn.functional.adaptive_max_pool1d(plait.tensor([[[1., 2., 3., "
                                "4.]]]), 2)\ntensor([[[2., 4.]]])\n"},
    {"adaptive_max_pool2d(Tensor input, int?[2] output_size, "
     "bool return_indices=False) -> Tensor | (Tensor, Tensor)",
     "fn", PLAIT_BOX(adaptive_max_pool<2>),
     PLAIT_ADAPTIVE_DOC("The largest element") ">>> plait.nn.functional.adaptive_max_pool2d(plait.ones(1, 2, "
                                               "5, 5), 1).shape\nplait.Size([1, 2, 1, 1])\n"},
    {"adaptive_max_pool3d(Tensor input, int?[3] output_size, "
     "bool return_indices=False) -> Tensor | (Tensor, Tensor)",
     "fn", PLAIT_BOX(adaptive_max_pool<3>),
     PLAIT_ADAPTIVE_DOC("The largest element") ">>> plait.nn.functional.adaptive_max_pool3d(plait.ones(1, 2, "
                                               "5, 5, 5), 1).shape\nplait.Size([1, 2, 1, 1, 1])\n"},
};

}  // namespace
}  // namespace plait
