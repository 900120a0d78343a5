// SPDX-License-Identifier: MIT
// Convolutions with dilation as ones without: positions that leave the same remainder by the dilation read
// nothing of the others, so that they are images of their own. These then have Winograd's algorithm.
#pragma once

#include <algorithm>

#include "core/workspace.h"
#include "kernels/conv/padded_input.h"

namespace plait::conv {

// The parts of all images.
class DilatedParts {
 public:
  explicit DilatedParts(const ConvShape& s) : s_(s), part_(s), parts_(s.dilation[1] * s.dilation[2]) {
    part_.n = s.n * parts_;
    for (int i = 1; i < 3; ++i) {
      part_.dilation[i] = 1;
      part_.out[i] = ceil_div(s.out[i], s.dilation[i]);
      // Padding that is no multiple of the dilation becomes a part of x.
      const bool whole = s.pad[i] % s.dilation[i] == 0;
      part_.pad[i] = whole ? s.pad[i] / s.dilation[i] : 0;
      part_.in[i] = whole ? ceil_div(s.in[i], s.dilation[i]) : part_.out[i] + s.kernel[i] - 1;
      before_[i] = whole ? 0 : s.pad[i];
    }
  }
  // On Zen 4, 64 channels of 32 x 32 take 0.6 of the time at a dilation of 2 and of 4, 256 of 28 x 28 0.43.
  template <class T>
  static bool pays(const ConvShape& s) {
    constexpr int64_t kFewChannels = 32, kFewPositions = 2;
    for (int i = 1; i < 3; ++i) {
      if (s.stride[i] != 1 || s.dilation[i] == 1 || s.kernel[i] != 3) return false;
      if (s.out[i] < kFewPositions * s.dilation[i]) return false;
    }
    return sizeof(T) == 4 && s.groups == 1 && s.in[0] == 1 && s.kernel[0] == 1 && s.pad[0] == 0 &&
           std::min(s.ic, s.oc) >= kFewChannels;
  }

  const ConvShape& shape() const { return part_; }
  int64_t x_size() const { return part_.n * s_.ic * part_.in_size(); }
  int64_t y_size() const { return part_.n * s_.oc * part_.out_size(); }

  template <class T>
  void split_x(const T* x, T* to) const {
    split(x, s_.ic, s_.in, part_.in, before_, to);
  }
  template <class T>
  void split_y(const T* y, T* to) const {
    constexpr int64_t kNone[3] = {0, 0, 0};
    split(y, s_.oc, s_.out, part_.out, kNone, to);
  }
  template <class T>
  void join_x(const T* parts, T* x) const {
    join(parts, s_.ic, s_.in, part_.in, before_, x);
  }
  template <class T>
  void join_y(const T* parts, T* y) const {
    constexpr int64_t kNone[3] = {0, 0, 0};
    join(parts, s_.oc, s_.out, part_.out, kNone, y);
  }

 private:
  // (image, part, channel, *part) from (image, channel, *plane), with zeros around it.
  template <class T>
  void split(const T* planes, int64_t channels, const int64_t* plane, const int64_t* part,
             const int64_t* before, T* to) const {
    const int64_t* const d = s_.dilation;
    const FrameShape f = {{1, plane[1], plane[2]},
                          {0, before[1], before[2]},
                          {1, d[1], d[2]},
                          {1, d[1], d[2]},
                          {1, part[1], part[2]}};
    const int64_t size = plane[1] * plane[2], cells = f.cell_count();
    parallel_for(s_.n * channels, std::max<int64_t>(1, kGrainElements / f.plane()),
                 [&](int64_t begin, int64_t end) {
                   const Workspace frame(sizeof(T) * static_cast<size_t>(f.plane() + kFrameSlack));
                   for (int64_t p = begin; p < end; ++p) {
                     conv_kernels<T>().frame(f, frame.as<T>(), planes + p * size, 1);
                     T* at = to + (p / channels * parts_ * channels + p % channels) * cells;
                     for (int64_t q = 0; q < parts_; ++q, at += channels * cells) {
                       std::copy_n(frame.as<T>() + q * cells, cells, at);
                     }
                   }
                 });
  }
  template <class T>
  void join(const T* parts, int64_t channels, const int64_t* plane, const int64_t* part,
            const int64_t* before, T* to) const {
    const int64_t* const d = s_.dilation;
    const int64_t size = plane[1] * plane[2], cells = part[1] * part[2];
    parallel_for(
        s_.n * channels, std::max<int64_t>(1, kGrainElements / size), [&](int64_t begin, int64_t end) {
          for (int64_t p = begin; p < end; ++p) {
            const T* const from = parts + (p / channels * parts_ * channels + p % channels) * cells;
            for (int64_t h = before[1]; h < before[1] + plane[1]; ++h) {
              T* const row = to + p * size + (h - before[1]) * plane[2];
              for (int64_t b = 0; b < d[2]; ++b) {
                const T* const cell = from + (h % d[1] * d[2] + b) * channels * cells + h / d[1] * part[2];
                // The least column of this remainder within the plane.
                int64_t i = before[2] > b ? ceil_div(before[2] - b, d[2]) : 0;
                for (int64_t w = i * d[2] + b - before[2]; w < plane[2]; w += d[2], ++i) {
                  row[w] = h / d[1] < part[1] && i < part[2] ? cell[i] : T(0);
                }
              }
            }
          }
        });
  }

  const ConvShape& s_;
  ConvShape part_;
  int64_t parts_;                  // of an image
  int64_t before_[3] = {0, 0, 0};  // zeros before x's first element
};

}  // namespace plait::conv
