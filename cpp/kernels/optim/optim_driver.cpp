// SPDX-License-Identifier: MIT
// Small arrays would not be worth a thread each, so threads cut the arrays as one long run of elements.
#include "kernels/optim/optim_driver.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/parallel.h"
#include "kernels/dispatch.h"

namespace plait {
namespace {

// Elements of a step that are worth one more thread: a step does more per element than a copy.
constexpr int64_t kStepGrain = kGrainElements / 2;

// Calls f(array number, first element, number of elements) on the elements of all arrays, seen as one long
// run that is cut between threads. Elements must be independent of each other.
template <class Size, class F>
void for_each_run(size_t count, Size size, F f) {
  std::vector<int64_t> ends(count);
  int64_t total = 0;
  for (size_t i = 0; i < count; ++i) ends[i] = total += size(i);
  parallel_for(total, kStepGrain, [&](int64_t begin, int64_t end) {
    size_t i = static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), begin) - ends.begin());
    for (int64_t at = begin; at < end; at = ends[i++]) {
      const int64_t start = i ? ends[i - 1] : 0;
      f(i, at - start, std::min(end, ends[i]) - at);
    }
  });
}

// Elements per partial sum: fixed, so that the sum does not depend on the number of threads.
constexpr int64_t kNormChunk = 32768;

// For exponents without a kernel: sum of |x|^p in double.
double power_sum(DType dtype, const void* data, int64_t n, double p) {
  return dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* x = static_cast<const T*>(data);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += std::pow(std::abs(convert<double>(x[i])), p);
    return sum;
  });
}

// The sum of |x|^p over n elements, or their largest |x| for p = infinity.
double partial_norm(DType dtype, const void* x, int64_t n, double p) {
  const auto& norm = kernels().optim.norm;
  if (std::isinf(p)) return norm[NormKind::kMaxAbs][dtype](x, n);
  if (p == 1) return norm[NormKind::kSumAbs][dtype](x, n);
  if (p == 2) return norm[NormKind::kSumSquares][dtype](x, n);
  return power_sum(dtype, x, n, p);
}

char* element(void* data, DType dtype, int64_t i) {
  return static_cast<char*>(data) + i * static_cast<int64_t>(item_size(dtype));
}

}  // namespace

void optim_step(OptimRule rule, std::span<const OptimItem> items) {
  const Uninterrupted whole;
  const auto& step = kernels().optim.step[rule];
  for_each_run(
      items.size(), [&](size_t i) { return items[i].args.n; },
      [&](size_t i, int64_t first, int64_t n) {
        const DType dtype = items[i].dtype;
        OptimArgs args = items[i].args;
        args.param = element(args.param, dtype, first);
        args.grad = element(const_cast<void*>(args.grad), dtype, first);
        for (void*& state : args.state) {
          if (state) state = element(state, dtype, first);
        }
        args.n = n;
        step[dtype](args);
      });
}

double norm_all(std::span<const FloatArray> arrays, double p) {
  struct Chunk {
    size_t array;
    int64_t first, n;
  };
  std::vector<Chunk> chunks;
  int64_t total = 0;
  for (size_t i = 0; i < arrays.size(); ++i) {
    for (int64_t at = 0; at < arrays[i].n; at += kNormChunk) {
      chunks.push_back({i, at, std::min(kNormChunk, arrays[i].n - at)});
    }
    total += arrays[i].n;
  }
  std::vector<double> partial(chunks.size());
  const auto one = [&](int64_t k) {
    const Chunk& c = chunks[static_cast<size_t>(k)];
    const FloatArray& a = arrays[c.array];
    partial[static_cast<size_t>(k)] = partial_norm(a.dtype, element(a.data, a.dtype, c.first), c.n, p);
  };
  // Groups of chunks are worth a thread only together when arrays are small.
  if (total < 2 * kGrainElements) {
    DenormalGuard guard;
    for (size_t k = 0; k < chunks.size(); ++k) one(static_cast<int64_t>(k));
  } else {
    parallel_chunks(static_cast<int64_t>(chunks.size()), one);
  }
  const bool largest = std::isinf(p);
  double norm = 0;
  for (const double v : partial) norm = largest ? (v > norm || v != v ? v : norm) : norm + v;
  if (largest || p == 1) return norm;
  return p == 2 ? std::sqrt(norm) : std::pow(norm, 1 / p);
}

void scale_all(std::span<const FloatArray> arrays, double factor) {
  const Uninterrupted whole;
  const auto& scale = kernels().optim.scale;
  for_each_run(
      arrays.size(), [&](size_t i) { return arrays[i].n; },
      [&](size_t i, int64_t first, int64_t n) {
        const FloatArray& a = arrays[i];
        scale[a.dtype](element(a.data, a.dtype, first), n, factor);
      });
}

}  // namespace plait
