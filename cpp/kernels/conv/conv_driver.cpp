// SPDX-License-Identifier: MIT
// Forward and backward-data are correlations, backward-weight a product over all positions:
//   forward          y[oc, pos] = W[oc, (ic, tap)] * patches(x)[(ic, tap), pos]
//   backward data    gx[ic, pos'] = W'[ic, (oc, tap)] * patches(gy)[(oc, tap), pos'], once per phase of the
//                    stride: positions of equal remainder see the same taps, as a convolution of step 1
//   backward weight  gw[oc, (ic, tap)] = gy[oc, (n, pos)] * patches(x)^T[(n, pos), (ic, tap)]
#include "kernels/conv/conv_driver.h"

#include "kernels/conv/col2im.h"
#include "kernels/conv/implicit_gemm.h"
#include "kernels/conv/implicit_gemm_weight_grad.h"
#include "kernels/conv/interleaved.h"
#include "kernels/conv/space_to_batch.h"
#include "kernels/conv/winograd.h"
#include "kernels/conv/winograd_weight_grad.h"

namespace plait {
namespace {

using namespace conv;  // NOLINT: the pieces of this file, kept in headers of its own

// Calls f(kd, kh, kw, index) for every tap of the kernel.
template <class F>
void for_taps(const ConvShape& s, F&& f) {
  int64_t index = 0;
  for (int64_t kd = 0; kd < s.kernel[0]; ++kd) {
    for (int64_t kh = 0; kh < s.kernel[1]; ++kh) {
      for (int64_t kw = 0; kw < s.kernel[2]; ++kw) f(kd, kh, kw, index++);
    }
  }
}

Taps forward_taps(const ConvShape& s) {
  Taps t;
  for_taps(s, [&](int64_t kd, int64_t kh, int64_t kw, int64_t index) {
    t.d.push_back(kd * s.dilation[0] - s.pad[0]);
    t.h.push_back(kh * s.dilation[1] - s.pad[1]);
    t.w.push_back(kw * s.dilation[2] - s.pad[2]);
    t.index.push_back(index);
  });
  return t;
}

// x[start + i*stride] is read by tap k of output (start + pad - k*dilation) / stride + i, where that is
// whole.
Taps phase_taps(const ConvShape& s, const int64_t* start) {
  Taps t;
  for_taps(s, [&](int64_t kd, int64_t kh, int64_t kw, int64_t index) {
    const int64_t k[3] = {kd, kh, kw};
    int64_t at[3];
    for (int i = 0; i < 3; ++i) {
      at[i] = start[i] + s.pad[i] - k[i] * s.dilation[i];
      if (at[i] % s.stride[i] != 0) return;
      at[i] /= s.stride[i];
    }
    t.d.push_back(at[0]);
    t.h.push_back(at[1]);
    t.w.push_back(at[2]);
    t.index.push_back(index);
  });
  return t;
}

bool unit_stride(const ConvShape& s) { return s.stride[0] == 1 && s.stride[1] == 1 && s.stride[2] == 1; }
bool no_pad(const ConvShape& s) { return s.pad[0] == 0 && s.pad[1] == 0 && s.pad[2] == 0; }
bool is_pointwise(const ConvShape& s) {
  return s.taps() == 1 && unit_stride(s) && no_pad(s) && std::equal(s.in, s.in + 3, s.out);
}

// A convolution of single elements is a plain product.
template <class T>
void pointwise(const ConvShape& s, const T* src, int64_t channels, const T* w, int64_t w_rs, int64_t w_cs,
               const T* bias, T* dst, int64_t rows) {
  for (int64_t g = 0; g < s.groups; ++g) {
    GemmArgs<T> a;
    a.m = rows;
    a.n = s.in_size();
    a.k = channels;
    a.batch = s.n;
    a.a = {w + g * rows * channels, w_rs, w_cs};
    a.b = {src + g * channels * s.in_size(), s.in_size(), 1, s.groups * channels * s.in_size()};
    a.c = dst + g * rows * s.in_size();
    a.c_rs = s.in_size();
    a.c_bs = s.groups * rows * s.in_size();
    a.epilogue.row_bias = bias ? bias + g * rows : nullptr;
    gemm(a);
  }
}

// Patches that do not overlap: the phases of a frame are the columns of a plain product.
bool is_disjoint(const ConvShape& s) {
  for (int i = 0; i < 3; ++i) {
    if (s.kernel[i] > s.stride[i] || (s.kernel[i] > 1 && s.dilation[i] > 1)) return false;
  }
  return true;
}
template <class T>
void disjoint(const ConvShape& s, const T* x, const T* w, const T* bias, T* y) {
  const FrameShape f = frame_shape(s.in, s.stride, {forward_phase(s, forward_taps(s))});
  const int64_t at_once = images_at_once(s.n, s.ic * f.plane() * static_cast<int64_t>(sizeof(T)));
  const Workspace frames(sizeof(T) * static_cast<size_t>(at_once * s.ic * f.plane() + kFrameSlack));
  ConvShape part = s;
  std::copy_n(s.out, 3, part.in);
  const int64_t depth = s.ic / s.groups * s.taps();
  for (int64_t image = 0; image < s.n; image += at_once) {
    part.n = std::min(at_once, s.n - image);
    make_frames(f, frames.as<T>(), x + image * s.ic * s.in_size(), part.n * s.ic);
    pointwise<T>(part, frames.as<T>(), depth, w, depth, 1, bias, y + image * s.oc * s.out_size(),
                 s.oc / s.groups);
  }
}

// Without images, channels or positions the sums have no terms: the result, (images, channels, positions), is
// the bias, or zeros, and no algorithm is asked. Sizes of 0 end here; below they are all at least 1.
bool is_empty(const ConvShape& s) {
  return s.n == 0 || s.ic == 0 || s.oc == 0 || s.in_size() == 0 || s.out_size() == 0;
}
template <class T>
void fill_empty(T* dst, int64_t images, int64_t channels, int64_t positions, const T* bias) {
  for (int64_t i = 0; i < images * channels; ++i) {
    std::fill_n(dst + i * positions, positions, bias ? bias[i % channels] : T(0));
  }
}

// Kernels as large as the image: one output position, and each of the three is a product of matrices.
bool is_whole(const ConvShape& s) {
  return s.groups == 1 && s.out_size() == 1 && std::equal(s.in, s.in + 3, s.kernel) && no_pad(s);
}

// c (m x n, rows adjacent) = a * b
template <class T>
GemmArgs<T> product(int64_t m, int64_t n, int64_t k, GemmOperand<T> a, GemmOperand<T> b, T* c) {
  GemmArgs<T> g;
  g.m = m;
  g.n = n;
  g.k = k;
  g.a = a;
  g.b = b;
  g.c = c;
  g.c_rs = n;
  return g;
}

// Vectors of 64 bytes come with registers for tiles of four rows; with half of them the GEMM's panels are
// faster for groups of 32 channels (0.65 to 0.9 of the time, Zen 4) and for images in lanes (0.8).
template <class T>
bool wide_lanes() {
  return conv_kernels<T>().lanes * sizeof(T) == 64;
}

// Whether groups in lanes leave no more of them idle than rows do, up to `most` channels and rows of a group.
template <class T>
bool fills_lanes(int64_t groups, int64_t channels, int64_t rows, int64_t most) {
  const int64_t lanes = conv_kernels<T>().lanes;
  return std::max(channels, rows) <= most && groups * round_up(rows, lanes) >= rows * round_up(groups, lanes);
}

// Images in lanes make up for rows that end within vectors: 64 images of LeNet's layers take 0.6 and 0.9 of
// the time, 128 of 16 to 32 channels of 32 x 32 with steps of two 0.65. The moves to lanes and back cost what
// 12 products do, and the weights, one vector each, should stay in L2: kernels of 8 x 8 from 4 to 32 channels
// would take 1.6 of the time.
template <class T>
bool images_fill_lanes(const Correlation<T>& c) {
  constexpr int64_t kMove = 12, kMostWeights = 5000;
  const int64_t lanes = conv_kernels<T>().lanes, products = c.rows * c.channels * c.taps;
  return wide_lanes<T>() && c.images * 10 >= round_up(c.images, lanes) * 9 && products <= kMostWeights &&
         products >= kMove * (c.rows + c.channels);
}

// Calls otherwise() where no way of its own is better than GEMM's panels.
template <class T, class F>
void dispatch(const Correlation<T>& c, F&& otherwise) {
  // Against panels, 32 groups of 16 channels of 14 x 14 take 0.74 of the time, of 32 channels of 7 x 7 0.64.
  const int64_t most = wide_lanes<T>() ? 32 : 16;
  if (c.groups > 1 && fills_lanes<T>(c.images * c.groups, c.channels, c.rows, most)) {
    return correlate_lanes(c);
  }
  if (correlate_winograd(c)) return;
  if (c.groups == 1 && images_fill_lanes(c)) return correlate_lanes(c);
  otherwise();
}

}  // namespace

template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const T* bias, T* y) {
  if (is_empty(s)) return fill_empty(y, s.n, s.oc, s.out_size(), bias);
  const int64_t ic = s.ic / s.groups, oc = s.oc / s.groups;
  if (is_pointwise(s)) return pointwise(s, x, ic, w, ic, int64_t{1}, bias, y, oc);
  if (is_whole(s)) {
    const int64_t k = ic * s.taps();
    GemmArgs<T> a = product<T>(s.n, oc, k, {x, k, 1}, {w, 1, k}, y);
    a.epilogue.col_bias = bias;
    return gemm(a);
  }
  if (is_disjoint(s)) return disjoint(s, x, w, bias, y);
  if (DilatedParts::pays<T>(s)) {
    const DilatedParts parts(s);
    const Workspace from(sizeof(T) * static_cast<size_t>(parts.x_size()));
    const Workspace to(sizeof(T) * static_cast<size_t>(parts.y_size()));
    parts.split_x(x, from.as<T>());
    conv_forward<T>(parts.shape(), from.as<T>(), w, bias, to.as<T>());
    return parts.join_y(to.as<T>(), y);
  }
  const int64_t one[3] = {1, 1, 1};
  const std::vector<Phase> phases = {forward_phase(s, forward_taps(s))};
  Correlation<T> c;
  c.images = s.n;
  c.groups = s.groups;
  c.channels = ic;
  c.rows = oc;
  c.src = x;
  c.in = s.in;
  c.step = s.stride;
  c.dst = y;
  c.out = s.out;
  c.out_step = one;
  c.bias = bias;
  c.weight = w;
  c.taps = s.taps();
  c.w_channel = s.taps();
  c.w_row = ic * c.w_channel;
  c.w_group = oc * c.w_row;
  c.phases = &phases;
  dispatch(c, [&] { correlate(c); });
}

template <class T>
void conv_backward_data(const ConvShape& s, const T* gy, const T* w, const T* bias, T* gx) {
  if (is_empty(s)) return fill_empty(gx, s.n, s.ic, s.in_size(), bias);
  const int64_t ic = s.ic / s.groups, oc = s.oc / s.groups;
  if (is_pointwise(s)) return pointwise(s, gy, oc, w, int64_t{1}, ic, bias, gx, ic);
  if (is_whole(s) && !bias) {
    const int64_t n = ic * s.taps();
    return gemm(product<T>(s.n, n, oc, {gy, oc, 1}, {w, n, 1}, gx));
  }
  if (!bias && DilatedParts::pays<T>(s)) {
    const DilatedParts parts(s);
    const Workspace from(sizeof(T) * static_cast<size_t>(parts.y_size()));
    const Workspace to(sizeof(T) * static_cast<size_t>(parts.x_size()));
    parts.split_y(gy, from.as<T>());
    conv_backward_data<T>(parts.shape(), from.as<T>(), w, nullptr, to.as<T>());
    return parts.join_x(to.as<T>(), gx);
  }
  const int64_t* st = s.stride;
  std::vector<Phase> phases;
  for (int64_t phase = 0; phase < st[0] * st[1] * st[2]; ++phase) {
    Phase p = {{}, {}, {phase / (st[1] * st[2]), phase / st[2] % st[1], phase % st[2]}};
    for (int i = 0; i < 3; ++i) p.grid[i] = s.in[i] > p.start[i] ? (s.in[i] - p.start[i] - 1) / st[i] + 1 : 0;
    if (p.positions() == 0) continue;
    p.taps = phase_taps(s, p.start);
    phases.push_back(std::move(p));
  }
  const int64_t one[3] = {1, 1, 1};
  Correlation<T> c;
  c.images = s.n;
  c.groups = s.groups;
  c.channels = oc;
  c.rows = ic;
  c.src = gy;
  c.in = s.out;
  c.step = one;
  c.dst = gx;
  c.out = s.in;
  c.out_step = st;
  c.bias = bias;
  c.weight = w;
  c.taps = s.taps();
  c.w_row = s.taps();
  c.w_channel = ic * s.taps();
  c.w_group = oc * c.w_channel;
  c.phases = &phases;
  dispatch(c, [&] {
    if (prefers_columns<T>(s)) {
      backward_data_columns(s, gy, w, bias, gx);
    } else {
      correlate(c);
    }
  });
}

template <class T>
void conv_backward_weight(const ConvShape& s, const T* x, const T* gy, T* gw) {
  if (is_empty(s)) return fill_empty<T>(gw, s.oc, s.ic / s.groups, s.taps(), nullptr);
  if (is_whole(s)) {
    const int64_t n = s.ic * s.taps();
    return gemm(product<T>(s.oc, n, s.n, {gy, 1, s.oc}, {x, n, 1}, gw));
  }
  if (DilatedParts::pays<T>(s)) {
    const DilatedParts parts(s);
    const Workspace x_parts(sizeof(T) * static_cast<size_t>(parts.x_size()));
    const Workspace gy_parts(sizeof(T) * static_cast<size_t>(parts.y_size()));
    parts.split_x(x, x_parts.as<T>());
    parts.split_y(gy, gy_parts.as<T>());
    return conv_backward_weight<T>(parts.shape(), x_parts.as<T>(), gy_parts.as<T>(), gw);
  }
  const Taps taps = forward_taps(s);
  // From 32 rows on the two ways take the same time.
  constexpr int64_t kMost = 16;
  if (s.groups > 1 && fills_lanes<T>(s.groups, s.ic / s.groups, s.oc / s.groups, kMost)) {
    return weight_grad_lanes(s, taps, x, gy, gw);
  }
  if (!weight_grad_winograd(s, taps, x, gy, gw)) weight_grad(s, taps, x, gy, gw);
}

#define PLAIT_INSTANTIATE(T)                                                               \
  template void conv_forward<T>(const ConvShape&, const T*, const T*, const T*, T*);       \
  template void conv_backward_data<T>(const ConvShape&, const T*, const T*, const T*, T*); \
  template void conv_backward_weight<T>(const ConvShape&, const T*, const T*, T*);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait
