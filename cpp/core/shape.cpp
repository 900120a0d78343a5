// SPDX-License-Identifier: MIT
#include "core/shape.h"

#include <algorithm>

#include "core/error.h"

namespace plait {

void Dims::reserve(int64_t n) {
  if (n <= capacity_) return;
  const int64_t capacity = std::max<int64_t>(n, 2 * capacity_);
  int64_t* p = new int64_t[static_cast<size_t>(capacity)];
  std::memcpy(p, data(), sizeof(int64_t) * static_cast<size_t>(n_));
  if (heap()) delete[] heap_;
  heap_ = p;
  capacity_ = static_cast<int32_t>(capacity);
}

void Dims::resize(int64_t n, int64_t fill) {
  reserve(n);
  for (int64_t i = n_; i < n; ++i) data()[i] = fill;
  n_ = static_cast<int32_t>(n);
}

void Dims::insert(int64_t at, int64_t v) {
  push_back(v);
  std::rotate(begin() + at, end() - 1, end());
}

void Dims::erase(int64_t at) {
  std::copy(begin() + at + 1, end(), begin() + at);
  --n_;
}

void Dims::assign(const int64_t* v, int64_t n) {
  n_ = 0;
  reserve(n);
  if (n) std::memcpy(data(), v, sizeof(int64_t) * static_cast<size_t>(n));
  n_ = static_cast<int32_t>(n);
}

std::string to_string(IntSpan shape) {
  std::string s = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i) s += ", ";
    s += std::to_string(shape[i]);
  }
  return s + (shape.size() == 1 ? ",)" : ")");
}

std::ostream& operator<<(std::ostream& out, const Dims& shape) { return out << to_string(shape); }

int64_t checked_numel(const char* op, IntSpan shape, int64_t item_size) {
  int64_t n = 1;
  bool overflow = false, empty = false;
  for (int64_t s : shape) {
    PLAIT_CHECK(s >= 0, kValue, op, ": expected sizes of at least 0, got shape ", to_string(shape));
    empty |= s == 0;
    overflow |= __builtin_mul_overflow(n, s, &n);
  }
  if (empty) return 0;
  int64_t bytes;
  overflow |= __builtin_mul_overflow(n, item_size, &bytes);
  PLAIT_CHECK(!overflow, kValue, op, ": shape ", to_string(shape), " with ", item_size,
              "-byte elements needs more than 2**63 - 1 bytes");
  return n;
}

int64_t numel_of(IntSpan shape) {
  int64_t n = 1;
  for (int64_t s : shape) n *= s;
  return n;
}

Dims contiguous_strides(IntSpan shape) {
  Dims strides(static_cast<int64_t>(shape.size()), 1);
  int64_t stride = 1;
  for (int64_t i = static_cast<int64_t>(shape.size()) - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[static_cast<size_t>(i)], 1);
  }
  return strides;
}

int64_t wrap_dim(const char* op, int64_t dim, int64_t ndim) {
  const int64_t range = std::max<int64_t>(ndim, 1);
  PLAIT_CHECK(dim >= -range && dim < range, kIndex, op, ": dimension out of range (expected to be in [",
              -range, ", ", range - 1, "], got ", dim, ")");
  return dim < 0 ? dim + range : dim;
}

Dims wrap_dims(const char* op, IntSpan dims, int64_t ndim) {
  Dims out;
  for (int64_t d : dims) {
    d = wrap_dim(op, d, ndim);
    PLAIT_CHECK(std::find(out.begin(), out.end(), d) == out.end(), kValue, op, ": dimension ", d,
                " appears more than once in dim=", to_string(dims));
    out.push_back(d);
  }
  if (dims.empty()) {
    for (int64_t d = 0; d < ndim; ++d) out.push_back(d);
  }
  return out;
}

bool broadcastable(IntSpan a, IntSpan b) {
  for (size_t i = 1; i <= std::min(a.size(), b.size()); ++i) {
    const int64_t x = a[a.size() - i], y = b[b.size() - i];
    if (x != y && x != 1 && y != 1) return false;
  }
  return true;
}

Dims broadcast_shapes(const char* op, IntSpan a, IntSpan b) {
  const size_t n = std::max(a.size(), b.size());
  Dims out(static_cast<int64_t>(n), 1);
  for (size_t i = 0; i < n; ++i) {  // i counts from the last dimension
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    PLAIT_CHECK(x == y || x == 1 || y == 1, kValue, op, ": shapes ", to_string(a), " and ", to_string(b),
                " cannot be broadcast together: sizes ", x, " and ", y, " differ at dimension ",
                static_cast<int64_t>(n - 1 - i));
    out[static_cast<int64_t>(n - 1 - i)] = x == 1 ? y : x;
  }
  return out;
}

}  // namespace plait
