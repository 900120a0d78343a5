// SPDX-License-Identifier: MIT
// A Python number: bool, int or float.
#pragma once

#include <cstdint>
#include <string>

#include "core/dtype.h"
#include "core/error.h"
#include "core/tensor.h"

namespace plait {

class Scalar {
 public:
  Scalar(bool v) : category_(DTypeCategory::kBool), i_(v) {}        // NOLINT: numbers convert
  Scalar(int v) : category_(DTypeCategory::kInteger), i_(v) {}      // NOLINT
  Scalar(int64_t v) : category_(DTypeCategory::kInteger), i_(v) {}  // NOLINT
  Scalar(double v) : category_(DTypeCategory::kFloat), f_(v) {}     // NOLINT

  DTypeCategory category() const { return category_; }
  bool is_float() const { return category_ == DTypeCategory::kFloat; }
  bool is_bool() const { return category_ == DTypeCategory::kBool; }
  double to_double() const { return is_float() ? f_ : static_cast<double>(i_); }
  int64_t to_int() const { return is_float() ? static_cast<int64_t>(f_) : i_; }
  template <class T>
  T to() const {
    return is_float() ? convert<T>(f_) : convert<T>(i_);
  }
  // Raises for a number that an integer dtype cannot hold. Negative numbers wrap into unsigned dtypes, as in
  // PyTorch; floating-point dtypes and bool hold anything.
  void check_fits(const char* op, DType dtype) const {
    if (is_floating(dtype) || dtype == DType::kBool || is_bool()) return;
    const bool is_signed = dtype != DType::kUInt8;
    const int bits = 8 * static_cast<int>(item_size(dtype)) - is_signed;
    bool fits = true;
    if (bits < 63) {
      const int64_t above = int64_t{1} << bits, largest = above - 1, smallest = is_signed ? -above : -largest;
      fits = is_float() ? f_ >= static_cast<double>(smallest) && f_ <= static_cast<double>(largest)
                        : i_ >= smallest && i_ <= largest;
    } else if (is_float()) {
      fits = f_ >= -0x1p63 && f_ < 0x1p63;  // false for NaN
    }
    PLAIT_CHECK(fits, kValue, op, ": ", is_float() ? std::to_string(f_) : std::to_string(i_),
                " cannot be converted to ", dtype_name(dtype), " without overflow");
  }
  // The dtype a tensor made of this number has: bool, int64 or the default float.
  DType natural_dtype() const {
    return is_bool() ? DType::kBool : is_float() ? default_dtype() : DType::kInt64;
  }
  // A 0-d tensor that takes part in promotion by category only, like a Python number. Floats keep float64
  // values until the promoted dtype is known.
  Tensor to_tensor() const {
    if (is_bool()) return Tensor::scalar(i_ != 0, DType::kBool, true);
    if (is_float()) return Tensor::scalar(f_, DType::kFloat64, true);
    return Tensor::scalar(i_, DType::kInt64, true);
  }

 private:
  DTypeCategory category_;
  union {
    int64_t i_;
    double f_;
  };
};

}  // namespace plait
