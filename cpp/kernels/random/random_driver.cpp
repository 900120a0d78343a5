// SPDX-License-Identifier: MIT
#include "kernels/random/random_driver.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/dispatch.h"

namespace plait {

Generator::Position reserve_words(int64_t n, Generator* generator) {
  return (generator ? *generator : default_generator()).reserve(static_cast<uint64_t>((n + 3) / 4));
}

void words_at(uint32_t* out, int64_t n, uint64_t seed, uint64_t counter) {
  kernels().random.words(out, n, seed, counter);
}

void draw_words(uint32_t* out, int64_t n, Generator* generator) {
  const Generator::Position at = reserve_words(n, generator);
  for_random_pieces(n, 1, at, [&](int64_t begin, int64_t count, uint64_t counter) {
    words_at(out + begin, count, at.seed, counter);
  });
}

namespace {

// A double takes two words, a float one.
template <class F32, class F64>
void draw_reals(DType dtype, void* out, int64_t n, Generator* generator, F32 f32, F64 f64, double a,
                double b) {
  const bool wide = dtype == DType::kFloat64;
  const int64_t words = wide ? 2 : 1;
  const Generator::Position at = reserve_words(words * n, generator);
  for_random_pieces(n, words, at, [&](int64_t begin, int64_t count, uint64_t counter) {
    if (wide) {
      f64(static_cast<double*>(out) + begin, count, at.seed, counter, a, b);
    } else {
      f32(static_cast<float*>(out) + begin, count, at.seed, counter, static_cast<float>(a),
          static_cast<float>(b));
    }
  });
}

}  // namespace

void draw_uniform(DType dtype, void* out, int64_t n, double low, double high, Generator* generator) {
  const RandomTable& k = kernels().random;
  draw_reals(dtype, out, n, generator, k.uniform_f32, k.uniform_f64, low, high);
}
void draw_normal(DType dtype, void* out, int64_t n, double mean, double std, Generator* generator) {
  const RandomTable& k = kernels().random;
  draw_reals(dtype, out, n, generator, k.normal_f32, k.normal_f64, mean, std);
}

void coarsen_uniform(float* x, int64_t n, float steps, float low, float range) {
  parallel_for(n, kGrainElements, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) x[i] = low + range * (std::floor(x[i] * steps) / steps);
  });
}

void exponentials(double* x, int64_t n) {
  parallel_for(n, kGrainElements / 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) x[i] = std::exp(x[i]);
  });
}

void shift_normal(DType dtype, void* z, int64_t n, const double* mean, const double* std) {
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const out = static_cast<T*>(z);
    parallel_for(n, kGrainElements, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[i] = convert<T>(mean[i] + std[i] * convert<double>(out[i]));
    });
  });
}

void draw_categories(const CategoryDraw& args) {
  const int64_t n = args.n, rows = args.rows, samples = args.samples;
  const int64_t draws = args.replacement ? samples : n;
  parallel_for(
      rows, std::max<int64_t>(1, kGrainElements / (8 * (n + samples))), [&](int64_t begin, int64_t end) {
        std::vector<double> key(static_cast<size_t>(n));
        std::vector<int64_t> order(static_cast<size_t>(n));
        for (int64_t r = begin; r < end; ++r) {
          const double* w = args.weights + r * n;
          const double* v = args.u + r * draws;
          int64_t* out = args.out + r * samples;
          if (args.replacement) {
            std::partial_sum(w, w + n, key.begin());
            // The last category of positive probability takes what rounding leaves.
            const auto last = std::lower_bound(key.begin(), key.end(), key.back());
            for (int64_t i = 0; i < samples; ++i) {
              out[i] = std::upper_bound(key.begin(), last, v[i] * key.back()) - key.begin();
            }
          } else {
            for (size_t i = 0; i < key.size(); ++i) key[i] = w[i] > 0 ? -std::log(v[i]) / w[i] : HUGE_VAL;
            std::iota(order.begin(), order.end(), 0);
            std::partial_sort_copy(order.begin(), order.end(), out, out + samples, [&](int64_t a, int64_t b) {
              return key[static_cast<size_t>(a)] < key[static_cast<size_t>(b)];
            });
          }
        }
      });
}

void dropout_values(DType dtype, const DropoutPlace& place, const void* x, void* y, int64_t n, uint8_t* kept,
                    bool drawn) {
  const RandomTable& k = kernels().random;
  const DropoutFn f = (drawn ? k.dropout_kept : k.dropout)[dtype];
  const auto item = static_cast<int64_t>(item_size(dtype));
  parallel_for(ceil_div(n, kRandomPiece), kGrainElements / 2 / kRandomPiece, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * kRandomPiece;
    DropoutArgs a;
    a.x = static_cast<const char*>(x) + first * item;
    a.y = static_cast<char*>(y) + first * item;
    a.n = std::min(n, end * kRandomPiece) - first;
    a.key = place.seed;
    a.counter = place.counter + static_cast<uint64_t>(first / 4);
    a.threshold = static_cast<uint32_t>(std::ceil(place.p * 0x1p24));
    a.scale = place.p < 1 ? 1 / (1 - place.p) : 0;
    a.kept = kept ? kept + first / 8 : nullptr;
    f(a);
  });
}

}  // namespace plait
