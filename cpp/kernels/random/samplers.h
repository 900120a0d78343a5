// SPDX-License-Identifier: MIT
// Random variables that are drawn by rejection: nobody knows in advance how many random words one takes, so
// each element has a sequence of its own (ElementWords). Values depend on the generator's position and on the
// element's index alone, never on the number of threads.
//
// Parameters are doubles and contiguous; results have any float dtype. A parameter that is NaN gives NaN. The
// caller has excluded values outside a distribution's range.
#pragma once

#include <array>
#include <cstdint>

#include "core/dtype.h"
#include "core/generator.h"

namespace plait {

// The words of one element: word j of the philox() block of `counter` in streams 0, 1, 2, ..., of which the
// caller has drawn the first.
class ElementWords {
 public:
  ElementWords(uint64_t seed, uint64_t counter, const uint32_t* first)
      : seed_(seed), counter_(counter), block_{first[0], first[1], first[2], first[3]} {}

  uint64_t bits() {
    if (used_ == 4) {
      block_ = philox(seed_, counter_, ++stream_);
      used_ = 0;
    }
    used_ += 2;
    return uint64_t{block_[used_ - 2]} << 32 | block_[used_ - 1];
  }
  // In (0, 1), of the upper 52 bits.
  static double to_uniform(uint64_t bits) { return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52; }
  double uniform() { return to_uniform(bits()); }

 private:
  uint64_t seed_, counter_, stream_ = 0;
  std::array<uint32_t, 4> block_;
  size_t used_ = 0;
};

// out[n], of the gamma distribution of shape alpha[n] >= 0 and rate 1; at least the smallest normal number.
void sample_gamma(const double* alpha, DType dtype, void* out, int64_t n, Generator* generator);
// out[rows, n] on the simplex, with alpha[rows, n] >= 0; inside (0, 1) as far as the dtype allows.
void sample_dirichlet(const double* alpha, DType dtype, void* out, int64_t rows, int64_t n,
                      Generator* generator);
// out[n], numbers of events at rate[n] >= 0.
void sample_poisson(const double* rate, DType dtype, void* out, int64_t n, Generator* generator);
// out[n], numbers of successes among count[n] >= 0 trials, each of probability p[n].
void sample_binomial(const double* count, const double* p, DType dtype, void* out, int64_t n,
                     Generator* generator);
// out[n], angles in [-pi, pi] around 0 with concentration kappa[n] >= 0.
void sample_von_mises(const double* kappa, DType dtype, void* out, int64_t n, Generator* generator);

}  // namespace plait
