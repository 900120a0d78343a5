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

// The rows of a padded array: what lies inside is one copy, borders go by element.
struct PaddedRows {
  explicit PaddedRows(const PadArgs& args);

  const PadArgs& a;
  int64_t last;                  // the dimension of a row
  Dims shape;                    // of the result
  int64_t numel;                 // of the result
  std::vector<int64_t> columns;  // the source of each column
  int64_t width, left, right;    // of a row: its size, and the columns [left, right) of the inside
  int64_t most_rows;             // at once: they stay in the L1 cache
};

PaddedRows::PaddedRows(const PadArgs& args)
    : a(args), last(static_cast<int64_t>(a.x_shape.size()) - 1), shape(a.x_shape) {
  for (int64_t d = 0; d <= last; ++d) shape[d] += a.pads[2 * d] + a.pads[2 * d + 1];
  numel = numel_of(shape);
  if (numel == 0) return;
  const int64_t before = a.pads[2 * last], after = a.pads[2 * last + 1];
  columns = sources(a.x_shape[last], a.x_strides[last], before, after, a.border);
  width = shape[last];
  left = std::clamp<int64_t>(before, 0, width);
  right = std::max(left, width - std::max<int64_t>(0, after));
  most_rows = std::max<int64_t>(1, 4096 / width);
}

// Where the row at `index` comes from, in elements; kNowhere if it lies in a constant border.
int64_t source_row(const PaddedRows& rows, const Dims& index) {
  const PadArgs& a = rows.a;
  int64_t offset = 0;
  for (int64_t d = 0; d < rows.last; ++d) {
    const int64_t at = pad_source(index[d] - a.pads[2 * d], a.x_shape[d], a.border);
    if (at == kNowhere) return kNowhere;
    offset += at * a.x_strides[d];
  }
  return offset;
}

// How many rows from the one at `index` on, at most `limit`, have sources a stride apart: those of the
// inside.
int64_t count_inside(const PaddedRows& rows, const Dims& index, int64_t limit) {
  if (rows.last == 0) return 1;
  const int64_t d = rows.last - 1, n = rows.a.x_shape[d], at = index[d] - rows.a.pads[2 * d];
  if (at < 0 || at >= n) return 1;
  return std::min({n - at, rows.shape[d] - index[d], limit, rows.most_rows});
}

// `count` rows at y from rows at x that lie `step` elements apart.
template <class T>
void fill_rows(const PaddedRows& rows, T v, const T* x, int64_t step, T* y, int64_t count) {
  const int64_t width = rows.width, left = rows.left, right = rows.right;
  const int64_t* const columns = rows.columns.data();
  const bool constant = rows.a.border == Border::kConstant;
  const auto edge = [&](int64_t first, int64_t end) {
    for (int64_t i = first; i < end && !constant; ++i) {
      for (int64_t r = 0; r < count; ++r) y[r * width + i] = x[r * step + columns[i]];
    }
  };
  if (constant && right - left < width) std::fill(y, y + count * width, v);  // faster than both edges alone
  edge(0, left);
  if (right > left) {
    constexpr int64_t kItem = sizeof(T);
    kernels().convert.copy_rows(y + left, width * kItem, x + columns[left], step * kItem,
                                (right - left) * kItem, count);
  }
  edge(right, width);
}

// Rows [begin, end) of the result.
template <class T>
void pad_rows(const PaddedRows& rows, T v, const T* x, T* y, int64_t begin, int64_t end) {
  const int64_t last = rows.last, step = last > 0 ? rows.a.x_strides[last - 1] : 0;
  Dims index(last, 0);
  for (int64_t d = last - 1, rest = begin; d >= 0; --d) {
    index[d] = rest % rows.shape[d];
    rest /= rows.shape[d];
  }
  T* out = y + begin * rows.width;
  for (int64_t row = begin; row < end;) {
    const int64_t source = source_row(rows, index), count = count_inside(rows, index, end - row);
    if (source == kNowhere) {
      std::fill(out, out + count * rows.width, v);
    } else {
      fill_rows(rows, v, x + source, step, out, count);
    }
    out += count * rows.width;
    row += count;
    if (last > 0) index[last - 1] += count - 1;
    for (int64_t d = last - 1; d >= 0 && ++index[d] == rows.shape[d]; --d) index[d] = 0;
  }
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

void pad_array(const PadArgs& a, const void* x, void* y) {
  const PaddedRows padded(a);
  if (padded.numel == 0) return;
  dispatch_size(a.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T v;
    std::memcpy(&v, a.value, sizeof v);
    const int64_t grain = std::max<int64_t>(1, kGrainElements / padded.width);
    parallel_for(padded.numel / padded.width, grain, [&](int64_t begin, int64_t end) {
      pad_rows<T>(padded, v, static_cast<const T*>(x), static_cast<T*>(y), begin, end);
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
