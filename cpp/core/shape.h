// SPDX-License-Identifier: MIT
// Shapes and strides: a small vector of int64 that keeps up to 5 dimensions inline.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace plait {

using IntSpan = std::span<const int64_t>;

class Dims {
 public:
  static constexpr int kInline = 5;

  Dims() = default;
  explicit Dims(int64_t n, int64_t fill) { resize(n, fill); }
  Dims(std::initializer_list<int64_t> v) { assign(v.begin(), static_cast<int64_t>(v.size())); }
  Dims(IntSpan v) { assign(v.data(), static_cast<int64_t>(v.size())); }  // NOLINT: a view becomes a copy
  Dims(const std::vector<int64_t>& v) { assign(v.data(), static_cast<int64_t>(v.size())); }  // NOLINT
  Dims(const Dims& other) { assign(other.data(), other.n_); }
  Dims(Dims&& other) noexcept { take(other); }
  Dims& operator=(const Dims& other) {
    if (this != &other) assign(other.data(), other.n_);
    return *this;
  }
  Dims& operator=(Dims&& other) noexcept {
    if (this != &other) {
      if (heap()) delete[] heap_;
      take(other);
    }
    return *this;
  }
  ~Dims() {
    if (heap()) delete[] heap_;
  }

  int64_t size() const { return n_; }
  bool empty() const { return n_ == 0; }
  int64_t* data() { return heap() ? heap_ : inline_; }
  const int64_t* data() const { return heap() ? heap_ : inline_; }
  int64_t& operator[](int64_t i) { return data()[i]; }
  int64_t operator[](int64_t i) const { return data()[i]; }
  int64_t& back() { return data()[n_ - 1]; }
  int64_t back() const { return data()[n_ - 1]; }
  int64_t* begin() { return data(); }
  int64_t* end() { return data() + n_; }
  const int64_t* begin() const { return data(); }
  const int64_t* end() const { return data() + n_; }
  operator IntSpan() const { return {data(), static_cast<size_t>(n_)}; }  // NOLINT

  void reserve(int64_t n);
  void resize(int64_t n, int64_t fill = 0);
  void push_back(int64_t v) {
    reserve(n_ + 1);
    data()[n_++] = v;
  }
  void insert(int64_t at, int64_t v);
  void erase(int64_t at);
  void clear() { n_ = 0; }

  friend bool operator==(const Dims& a, const Dims& b) {
    return a.n_ == b.n_ && std::memcmp(a.data(), b.data(), sizeof(int64_t) * static_cast<size_t>(a.n_)) == 0;
  }

 private:
  bool heap() const { return capacity_ > kInline; }
  void assign(const int64_t* v, int64_t n);
  void take(Dims& other) noexcept {
    std::memcpy(static_cast<void*>(this), static_cast<const void*>(&other), sizeof(Dims));
    other.n_ = 0;
    other.capacity_ = kInline;
  }

  int32_t n_ = 0;
  int32_t capacity_ = kInline;
  union {
    int64_t inline_[kInline];
    int64_t* heap_;
  };
};

std::string to_string(IntSpan shape);  // "(2, 3)", "(5,)", "()": as Python prints a tuple
std::ostream& operator<<(std::ostream& out, const Dims& shape);

// Product of the sizes. Throws ValueError for a negative size and when the product, or the product times
// `item_size`, does not fit in int64. No other function multiplies unchecked sizes.
int64_t checked_numel(const char* op, IntSpan shape, int64_t item_size = 1);
int64_t numel_of(IntSpan shape);  // the product, for a shape that was checked before

Dims contiguous_strides(IntSpan shape);

// Maps dim from [-ndim, ndim) to [0, ndim); a 0-d tensor accepts -1 and 0. Throws IndexError.
int64_t wrap_dim(const char* op, int64_t dim, int64_t ndim);
// The same for a list; throws ValueError for a dimension named twice. An empty list means all dimensions.
Dims wrap_dims(const char* op, IntSpan dims, int64_t ndim);

// NumPy's broadcasting of two shapes. Throws ValueError naming both.
bool broadcastable(IntSpan a, IntSpan b);
Dims broadcast_shapes(const char* op, IntSpan a, IntSpan b);

}  // namespace plait
