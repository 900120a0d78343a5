// SPDX-License-Identifier: MIT
// Images as operands and results of the GEMM engine.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/conv/conv.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"

namespace plait::conv {

template <class T>
const ConvKernels<T>& conv_kernels() {
  if constexpr (sizeof(T) == 4) {
    return kernels().conv.f32;
  } else {
    return kernels().conv.f64;
  }
}
template <class T>
const GemmKernels<T>& gemm_kernels() {
  if constexpr (sizeof(T) == 4) {
    return kernels().gemm.f32;
  } else {
    return kernels().gemm.f64;
  }
}

// The taps that take part, as offsets into the source image.
struct Taps {
  std::vector<int64_t> d, h, w;
  std::vector<int64_t> index;  // in the kernel
  int64_t size() const { return static_cast<int64_t>(d.size()); }
};

// Positions of a row whose source element first + i*step lies in [0, size), among i in [0, n).
struct Valid {
  int64_t lo, hi;
  Valid(int64_t first, int64_t step, int64_t n, int64_t size) {
    lo = std::min(n, first >= 0 ? 0 : (-first + step - 1) / step);
    hi = std::clamp<int64_t>(first >= size ? 0 : (size - 1 - first) / step + 1, lo, n);
  }
};

// A grid of positions over an image as operand B: element ((channel, tap), position).
template <class T>
struct Patches {
  const T* image;  // of batch 0
  int64_t batch_stride, channel_stride;
  const int64_t* size;  // (3,) of the image
  const int64_t* grid;  // (3,) positions
  const int64_t* step;  // (3,)
  const Taps* taps;

  // Cuts positions [i0, i0 + count) into runs within rows. A panel is at most 64 columns wide.
  int64_t cut(int64_t i0, int64_t count, PatchRun* out) const {
    int64_t n = 0, w = i0 % grid[2], h = i0 / grid[2] % grid[1], d = i0 / (grid[1] * grid[2]);
    for (int64_t column = 0; column < count; ++n) {
      const int64_t length = std::min(grid[2] - w, count - column);
      out[n] = {column, length, d * step[0], h * step[1], w * step[2]};
      column += length;
      w = 0;
      if (++h == grid[1]) {
        h = 0;
        ++d;
      }
    }
    return n;
  }

  static void pack(const void* self, int64_t batch, T* dst, int64_t width, int64_t i0, int64_t count,
                   int64_t k0, int64_t k) {
    const auto* p = static_cast<const Patches*>(self);
    PatchRun runs[64];
    PatchArgs<T> a;
    a.dst = dst;
    a.width = width;
    a.src = p->image + batch * p->batch_stride;
    a.channel_stride = p->channel_stride;
    a.d = p->size[0];
    a.h = p->size[1];
    a.w = p->size[2];
    a.k0 = k0;
    a.k = k;
    a.taps = p->taps->size();
    a.tap_d = p->taps->d.data();
    a.tap_h = p->taps->h.data();
    a.tap_w = p->taps->w.data();
    a.runs = runs;
    a.n_runs = p->cut(i0, count, runs);
    a.step_w = p->step[2];
    conv_kernels<T>().pack_patches(a);
  }
};

// Results on every stride-th position of an image.
template <class T>
struct PhaseSink {
  T* image;
  int64_t batch_stride, channel_stride;
  const int64_t* size;    // (3,) of the image
  const int64_t* grid;    // (3,) of the results
  const int64_t* start;   // (3,)
  const int64_t* stride;  // (3,)

  static void store(const void* self, int64_t batch, const T* tile, int64_t ld, int64_t i0, int64_t rows,
                    int64_t j0, int64_t cols) {
    const auto* s = static_cast<const PhaseSink*>(self);
    for (int64_t i = 0; i < rows; ++i) {
      T* channel = s->image + batch * s->batch_stride + (i0 + i) * s->channel_stride;
      int64_t w = j0 % s->grid[2], h = j0 / s->grid[2] % s->grid[1], d = j0 / (s->grid[1] * s->grid[2]);
      const T* src = tile + i * ld;
      for (int64_t j = 0; j < cols;) {
        const int64_t n = std::min(s->grid[2] - w, cols - j);
        const int64_t row_d = s->start[0] + d * s->stride[0], row_h = s->start[1] + h * s->stride[1];
        T* row = channel + (row_d * s->size[1] + row_h) * s->size[2] + s->start[2];
        for (int64_t q = 0; q < n; ++q) row[(w + q) * s->stride[2]] = src[j + q];
        j += n;
        w = 0;
        if (++h == s->grid[1]) {
          h = 0;
          ++d;
        }
      }
    }
  }
};

// Channels of a batch of images as operand A: element (channel, (image, position)).
template <class T>
struct ChannelRows {
  const T* data;
  int64_t batch_stride, channel_stride, positions;

  static void pack(const void* self, int64_t, T* dst, int64_t width, int64_t i0, int64_t count, int64_t k0,
                   int64_t k) {
    const auto* g = static_cast<const ChannelRows*>(self);
    for (int64_t p = 0; p < k;) {
      const int64_t image = (k0 + p) / g->positions, at = (k0 + p) % g->positions;
      const int64_t n = std::min(g->positions - at, k - p);
      gemm_kernels<T>().pack(dst + p * width, width,
                             g->data + image * g->batch_stride + i0 * g->channel_stride + at,
                             g->channel_stride, 1, count, n);
      p += n;
    }
  }
};

// Patches transposed as operand B: element ((image, position), (tap, channel)).
template <class T>
struct PatchColumns {
  const T* x;
  int64_t batch_stride, channel_stride, channels;
  const ConvShape* s;
  const Taps* taps;

  // Where tap t of the positions from (d, h, w) on reads, and which of n positions are inside.
  struct Row {
    const T* src;
    Valid valid;
  };
  Row row(int64_t image, int64_t channel, int64_t t, int64_t d, int64_t h, int64_t w, int64_t n) const {
    const auto tap = static_cast<size_t>(t);
    const int64_t id = d * s->stride[0] + taps->d[tap], ih = h * s->stride[1] + taps->h[tap];
    const int64_t first = w * s->stride[2] + taps->w[tap];
    const bool in = id >= 0 && id < s->in[0] && ih >= 0 && ih < s->in[1];
    const T* src = x + image * batch_stride + channel * channel_stride + (id * s->in[1] + ih) * s->in[2];
    return {src + first, Valid(first, s->stride[2], in ? n : 0, s->in[2])};
  }

  static void pack(const void* self, int64_t, T* dst, int64_t width, int64_t i0, int64_t count, int64_t k0,
                   int64_t k) {
    const auto* c = static_cast<const PatchColumns*>(self);
    const int64_t ow = c->s->out[2], oh = c->s->out[1], od = c->s->out[0], step = c->s->stride[2];
    const bool one_tap = i0 / c->channels == (i0 + count - 1) / c->channels;
    for (int64_t p = 0; p < k;) {  // the pieces of [k0, k0 + k) that lie in one output row
      const int64_t at = k0 + p, w = at % ow, h = at / ow % oh, d = at / (ow * oh) % od;
      const int64_t image = at / (ow * oh * od), n = std::min(ow - w, k - p);
      T* out = dst + p * width;
      if (one_tap) {  // columns are channels, a constant stride apart
        const Row r = c->row(image, i0 % c->channels, i0 / c->channels, d, h, w, n);
        std::fill(out, out + r.valid.lo * width, T(0));
        if (r.valid.hi > r.valid.lo) {
          gemm_kernels<T>().pack(out + r.valid.lo * width, width, r.src + r.valid.lo * step,
                                 c->channel_stride, step, count, r.valid.hi - r.valid.lo);
        }
        std::fill(out + r.valid.hi * width, out + n * width, T(0));
      } else {
        for (int64_t i = 0; i < width; ++i) {
          const int64_t column = std::min(i0 + i, i0 + count - 1);
          const Row r = c->row(image, column % c->channels, column / c->channels, d, h, w, i < count ? n : 0);
          for (int64_t q = 0; q < r.valid.lo; ++q) out[q * width + i] = 0;
          for (int64_t q = r.valid.lo; q < r.valid.hi; ++q) out[q * width + i] = r.src[q * step];
          for (int64_t q = r.valid.hi; q < n; ++q) out[q * width + i] = 0;
        }
      }
      p += n;
    }
  }
};

// gw[oc][ic][tap] from a product with columns (tap, ic).
template <class T>
struct WeightSink {
  T* gw;
  int64_t channels, taps;

  static void store(const void* self, int64_t, const T* tile, int64_t ld, int64_t i0, int64_t rows,
                    int64_t j0, int64_t cols) {
    const auto* s = static_cast<const WeightSink*>(self);
    for (int64_t i = 0; i < rows; ++i) {
      T* row = s->gw + (i0 + i) * s->channels * s->taps;
      for (int64_t j = 0; j < cols; ++j) {
        row[(j0 + j) % s->channels * s->taps + (j0 + j) / s->channels] = tile[i * ld + j];
      }
    }
  }
};

}  // namespace plait::conv
