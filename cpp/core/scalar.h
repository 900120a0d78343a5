// SPDX-License-Identifier: MIT
// A Python number: bool, int, float or complex.
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
  Scalar(uint64_t v)                                                // NOLINT
      : category_(DTypeCategory::kInteger), beyond_int64_(v > INT64_MAX), i_(static_cast<int64_t>(v)) {}
  Scalar(double v) : category_(DTypeCategory::kFloat), f_(v) {}                             // NOLINT
  Scalar(Complex<double> v) : category_(DTypeCategory::kComplex), f_(v.re), imag_(v.im) {}  // NOLINT

  DTypeCategory category() const { return category_; }
  bool is_float() const { return category_ == DTypeCategory::kFloat; }
  bool is_bool() const { return category_ == DTypeCategory::kBool; }
  bool is_complex() const { return category_ == DTypeCategory::kComplex; }
  // An integer of 2^63 to 2^64 - 1, of which to_int() gives the bits.
  bool is_beyond_int64() const { return beyond_int64_; }
  // Ops that take complex numbers look for them first; elsewhere none arrives. check_fits() has refused those
  // that are not real where the result is.
  double to_double() const {
    if (is_float() || is_complex()) return f_;
    return beyond_int64_ ? static_cast<double>(static_cast<uint64_t>(i_)) : static_cast<double>(i_);
  }
  int64_t to_int() const { return is_float() || is_complex() ? static_cast<int64_t>(f_) : i_; }
  __int128 to_wide_int() const { return beyond_int64_ ? __int128{static_cast<uint64_t>(i_)} : to_int(); }
  std::string to_string() const {
    if (is_float() || is_complex()) return std::to_string(f_);
    return beyond_int64_ ? std::to_string(static_cast<uint64_t>(i_)) : std::to_string(i_);
  }
  Complex<double> to_complex() const { return {to_double(), imag_}; }
  template <class T>
  T to() const {
    if (is_complex()) return convert<T>(to_complex());
    if (beyond_int64_) return convert<T>(static_cast<uint64_t>(i_));
    return is_float() ? convert<T>(f_) : convert<T>(i_);
  }
  // Raises for a number that an integer dtype cannot hold. Negative numbers wrap into unsigned dtypes, as in
  // PyTorch; floating-point dtypes and bool hold anything.
  void check_fits(const char* op, DType dtype) const {
    if (plait::is_complex(dtype)) return;
    PLAIT_CHECK(!is_complex() || imag_ == 0, kRuntime, op, ": expected a real number for ", dtype_name(dtype),
                ", got ", f_, imag_ < 0 ? " - " : " + ", imag_ < 0 ? -imag_ : imag_, "j");
    if (is_floating(dtype) || dtype == DType::kBool || is_bool()) return;
    const bool is_signed = !is_unsigned(dtype);
    const int bits = 8 * static_cast<int>(item_size(dtype)) - is_signed;
    const __int128 above = __int128{1} << bits, largest = above - 1, smallest = is_signed ? -above : -largest;
    bool fits;
    if (is_float() || is_complex()) {
      // Limits of 63 bits and more are rounded away from 0. False for NaN.
      const double low = static_cast<double>(smallest), high = static_cast<double>(largest);
      fits = (bits < 64 ? f_ >= low : f_ > low) && (bits < 63 ? f_ <= high : f_ < high);
    } else {
      fits = to_wide_int() >= smallest && to_wide_int() <= largest;
    }
    PLAIT_CHECK(fits, kValue, op, ": ", to_string(), " cannot be converted to ", dtype_name(dtype),
                " without overflow");
  }
  // The dtype a tensor made of this number has: bool, int64, the default float or its complex dtype.
  DType natural_dtype() const {
    if (is_complex()) return plait::to_complex(default_dtype());
    return is_bool() ? DType::kBool : is_float() ? default_dtype() : DType::kInt64;
  }
  // A 0-d tensor that takes part in promotion by category only, like a Python number. Floats keep float64
  // values until the promoted dtype is known.
  Tensor to_tensor() const {
    if (is_bool()) return Tensor::scalar(i_ != 0, DType::kBool, true);
    if (is_complex()) return Tensor::scalar(to_complex(), DType::kComplex128, true);
    if (is_float()) return Tensor::scalar(f_, DType::kFloat64, true);
    if (beyond_int64_) return Tensor::scalar(static_cast<uint64_t>(i_), DType::kUInt64, true);
    return Tensor::scalar(i_, DType::kInt64, true);
  }

 private:
  DTypeCategory category_;
  bool beyond_int64_ = false;
  union {
    int64_t i_;
    double f_;
  };
  double imag_ = 0;
};

}  // namespace plait
