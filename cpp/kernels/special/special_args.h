// SPDX-License-Identifier: MIT
// Special functions of vectors, compiled per instruction set: pointwise kernels of floats and doubles.
// Functions of few calls, of integers or with loops of unknown length are in special.h, compiled once.
//
//   bessel_j0(x), j1, y0, y1      Bessel functions (DLMF 10): Y is -inf at 0, NaN below
//   i0(x), i1, i0e, i1e           modified Bessel functions, times e^-|x|
//   modified_bessel_k0(x), k1     inf at 0, NaN below; scaled_: times e^x
//   spherical_bessel_j0(x)        sin(x) / x
//   erfcx(x)                      e^(x^2) erfc(x) (DLMF 7)
//   ndtr(x), log_ndtr(x)          P(Z <= x) of the normal distribution, its logarithm
//   ndtri(p)                      the x with ndtr(x) = p
//   entr(x)                       -x log x; 0 at 0, -inf below
//   xlog1py(x, y)                 x log(1 + y); 0 where x is 0
//   gammainc_grad_a(a, x)         dP/da of the incomplete gamma function
#pragma once

#include <cstdint>

#include "kernels/pointwise/pointwise_args.h"

namespace plait {

#define PLAIT_SPECIAL_KERNELS(X) \
  X(bessel_j0)                   \
  X(bessel_j1)                   \
  X(bessel_y0)                   \
  X(bessel_y1)                   \
  X(i0)                          \
  X(i1)                          \
  X(i0e)                         \
  X(i1e)                         \
  X(modified_bessel_k0)          \
  X(modified_bessel_k1)          \
  X(scaled_modified_bessel_k0)   \
  X(scaled_modified_bessel_k1)   \
  X(spherical_bessel_j0)         \
  X(erfcx)                       \
  X(ndtr)                        \
  X(log_ndtr)                    \
  X(ndtri)                       \
  X(entr)                        \
  X(xlog1py)                     \
  X(gammainc_grad_a)

enum class Special : uint8_t {
#define PLAIT_SPECIAL_NAME(name) name,
  PLAIT_SPECIAL_KERNELS(PLAIT_SPECIAL_NAME)
#undef PLAIT_SPECIAL_NAME
      kCount
};

struct SpecialTable {
  PerEnum<Special, static_cast<int>(Special::kCount), PerFloat<PointwiseFn>> fn;  // float32 and float64 only

  // y[n] = the derivatives of random/reparameterized.h. `tolerance`: where sums end, relative to them.
  void (*gamma_grad)(const double* alpha, const double* x, double* y, int64_t n, double tolerance);
  void (*beta_grad)(const double* x, const double* alpha, const double* total, double* y, int64_t n,
                    double tolerance);
};

}  // namespace plait
