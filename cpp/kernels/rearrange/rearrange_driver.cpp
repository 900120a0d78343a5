// SPDX-License-Identifier: MIT
#include "kernels/rearrange/rearrange_driver.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/parallel.h"
#include "core/walk.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

// The sources of a dimension of size n after padding, times its stride.
std::vector<int64_t> sources(int64_t n, int64_t stride, int64_t before, int64_t after, Border border) {
  const int64_t size = n + before + after;
  std::vector<int64_t> from(static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i) {
    const int64_t at = pad_source(i - before, n, border);
    from[static_cast<size_t>(i)] = at == kNowhere ? kNowhere : at * stride;
  }
  return from;
}

}  // namespace

int64_t pad_source(int64_t i, int64_t n, Border border) {
  switch (border) {
    case Border::kConstant:
      return i < 0 || i >= n ? kNowhere : i;
    case Border::kReflect:
      return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
    case Border::kReplicate:
      return std::clamp<int64_t>(i, 0, n - 1);
    default:
      return i < 0 ? i + n : i >= n ? i - n : i;
  }
}

// Row by row of the result: what lies inside is one copy, borders go by element.
void pad_array(const PadArgs& a, const void* x, void* y) {
  const Dims &x_shape = a.x_shape, &x_strides = a.x_strides, &pads = a.pads;
  const int64_t last = x_shape.size() - 1;
  Dims shape = x_shape;
  for (int64_t d = 0; d <= last; ++d) shape[d] += pads[2 * d] + pads[2 * d + 1];
  const int64_t numel = numel_of(shape);
  if (numel == 0) return;
  const std::vector<int64_t> columns =
      sources(x_shape[last], x_strides[last], pads[2 * last], pads[2 * last + 1], a.border);
  const int64_t width = shape[last], left = std::clamp<int64_t>(pads[2 * last], 0, width),
                right = std::max(left, width - std::max<int64_t>(0, pads[2 * last + 1]));
  const int64_t some = std::max<int64_t>(1, 4096 / width);  // rows that stay in the L1 cache
  dispatch_size(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T v;
    std::memcpy(&v, a.value, sizeof v);
    parallel_for(
        numel / width, std::max<int64_t>(1, kGrainElements / width), [&](int64_t begin, int64_t end) {
          T* out = static_cast<T*>(y) + begin * width;
          Dims index(last, 0);
          for (int64_t d = last - 1, rest = begin; d >= 0; --d) {
            index[d] = rest % shape[d];
            rest /= shape[d];
          }
          for (int64_t row = begin; row < end;) {
            const T* in = static_cast<const T*>(x);
            bool outside = false;
            for (int64_t d = 0; d < last; ++d) {
              const int64_t at = pad_source(index[d] - pads[2 * d], x_shape[d], a.border);
              outside |= at == kNowhere;
              in += at * x_strides[d];
            }
            // Rows of the inside lie a stride apart.
            int64_t rows = 1;
            if (last > 0) {
              const int64_t d = last - 1, at = index[d] - pads[2 * d];
              if (at >= 0 && at < x_shape[d]) {
                rows = std::min({x_shape[d] - at, shape[d] - index[d], end - row, some});
              }
              index[d] += rows - 1;
            }
            const int64_t step = last > 0 ? x_strides[last - 1] : 0;
            for (int64_t d = last - 1; d >= 0 && ++index[d] == shape[d]; --d) index[d] = 0;
            T* const o = out;
            row += rows;
            out += rows * width;
            if (outside) {
              std::fill(o, out, v);
              continue;
            }
            const auto edge = [&](int64_t first, int64_t end_of) {
              for (int64_t i = first; i < end_of; ++i) {
                const int64_t at = columns[static_cast<size_t>(i)];
                for (int64_t r = 0; r < rows; ++r) {
                  o[r * width + i] = at == kNowhere ? v : in[r * step + at];
                }
              }
            };
            edge(0, left);
            if (right > left) {
              constexpr int64_t kItem = sizeof(T);
              kernels().convert.copy_rows(o + left, width * kItem, in + columns[static_cast<size_t>(left)],
                                          step * kItem, (right - left) * kItem, rows);
            }
            edge(right, width);
          }
        });
  });
}

void join_rows(std::span<const JoinPiece> pieces, int64_t outer, char* y) {
  int64_t row = 0;
  for (const JoinPiece& p : pieces) row += p.bytes;
  const auto copy_rows = kernels().convert.copy_rows;
  // A stretch of rows of each input after the other, while those of the result are in the L1 cache.
  const int64_t stretch = std::max<int64_t>(1, 16384 / std::max<int64_t>(row, 1));
  const int64_t grain = std::max<int64_t>(1, kGrainElements * 4 / std::max<int64_t>(row, 1));
  parallel_for(outer, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += stretch) {
      const int64_t rows = std::min(stretch, end - i);
      char* o = y + i * row;
      for (const JoinPiece& p : pieces) {
        copy_rows(o, row, p.data + i * p.bytes, p.bytes, p.bytes, rows);
        o += p.bytes;
      }
    }
  });
}

void triangle(const TriangleArgs& a, const void* x, void* y) {
  const size_t n = a.shape.size() - 1;
  const int64_t rows = a.shape[n - 1], columns = a.shape[n], diagonal = a.diagonal;
  const bool lower = a.lower;
  const Walk<2> lines(a.shape.first(n), {a.y_strides.first(n), a.x_strides.first(n)});
  const int64_t ys = a.y_strides[n], xs = a.x_strides[n];
  if (lines.numel() == 0 || columns == 0) return;
  dispatch_size(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    parallel_for(
        lines.numel(), std::max<int64_t>(1, kGrainElements / columns), [&](int64_t begin, int64_t end) {
          int64_t line = begin;
          lines.run(begin, end, [&](const auto& at, int64_t count) {
            for (int64_t i = 0; i < count; ++i, ++line) {
              T* o = static_cast<T*>(y) + at[0] + i * lines.stride(0);
              const T* p = static_cast<const T*>(x) + at[1] + i * lines.stride(1);
              const int64_t edge = std::clamp<int64_t>(line % rows + diagonal + (lower ? 1 : 0), 0, columns);
              const int64_t first = lower ? 0 : edge, last = lower ? edge : columns;
              if (ys == 1 && xs == 1) {
                std::fill(o, o + first, T{0});
                if (o != p)
                  std::memcpy(static_cast<void*>(o + first), p + first,
                              static_cast<size_t>(last - first) * sizeof(T));
                std::fill(o + last, o + columns, T{0});
              } else {
                for (int64_t j = 0; j < columns; ++j) o[j * ys] = j >= first && j < last ? p[j * xs] : T{0};
              }
            }
          });
        });
  });
}

}  // namespace plait
