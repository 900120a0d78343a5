// SPDX-License-Identifier: MIT
// The reduction driver against loops in double: every set of reduced dimensions of a 3-d array, contiguous
// and transposed, with two outputs of one state; and the same bits at 1, 2 and 7 threads.
#include "kernels/reduce/reduce_driver.h"

#include <algorithm>

#include "core/parallel.h"
#include "values.h"

namespace plait {
namespace {

using test::random_values;

struct Finished {
  double value, second;
};
// What `op` makes of a group of elements, in order.
Finished expected(ReduceOp op, const std::vector<double>& x) {
  const double n = static_cast<double>(x.size());
  double sum = 0, squares = 0, deviations = 0;
  for (double v : x) sum += v, squares += v * v;
  for (double v : x) deviations += (v - sum / n) * (v - sum / n);
  switch (op) {
    case ReduceOp::kSum:
      return {sum, sum / n};
    case ReduceOp::kSumSquares:
      return {squares, std::sqrt(squares)};
    case ReduceOp::kMax:
      return {*std::max_element(x.begin(), x.end()), 0};
    case ReduceOp::kMin:
      return {*std::min_element(x.begin(), x.end()), 0};
    case ReduceOp::kMoments:
      return {deviations / (n - 1), sum / n};
    default: {
      const double most = *std::max_element(x.begin(), x.end());
      double total = 0;
      for (double v : x) total += std::exp(v - most);
      return {most + std::log(total), 0};
    }
  }
}

struct Case {
  ReduceOp op;
  ReduceFinish first;
  bool has_second;
  ReduceFinish second;
};
constexpr Case kCases[] = {
    {ReduceOp::kSum, ReduceFinish::kValue, true, ReduceFinish::kMean},
    {ReduceOp::kSumSquares, ReduceFinish::kValue, true, ReduceFinish::kSqrt},
    {ReduceOp::kMax, ReduceFinish::kValue, false, ReduceFinish::kValue},
    {ReduceOp::kMin, ReduceFinish::kValue, false, ReduceFinish::kValue},
    {ReduceOp::kMoments, ReduceFinish::kVar, true, ReduceFinish::kValue},
    {ReduceOp::kLogSumExp, ReduceFinish::kLogSum, false, ReduceFinish::kValue},
};

template <class T>
void check_case(const Case& c, const int64_t (&size)[3], bool transposed, unsigned dims) {
  const std::vector<T> x = random_values<T>(size[0] * size[1] * size[2]);
  Reduction r = {};
  r.op = c.op;
  r.dtype = DTypeOf<T>::value;
  r.x = x.data();
  r.ndim = 3;
  r.correction = 1;
  int64_t kept = 1, step = 1;
  for (int i = 0; i < 3; ++i) {
    const int d = transposed ? i : 2 - i;
    r.size[d] = size[d];
    r.stride[d] = step;
    r.reduced[d] = dims >> d & 1;
    step *= size[d];
    if (!r.reduced[d]) kept *= size[d];
  }
  std::vector<T> out(static_cast<size_t>(kept)), second(c.has_second ? out.size() : 0);
  r.out[0] = {out.data(), r.dtype, c.first};
  if (c.has_second) r.out[1] = {second.data(), r.dtype, c.second};
  set_num_threads(1);
  reduce(r);

  std::vector<std::vector<double>> groups(out.size());
  for (int64_t i = 0; i < size[0]; ++i)
    for (int64_t j = 0; j < size[1]; ++j)
      for (int64_t k = 0; k < size[2]; ++k) {
        const int64_t at[3] = {i, j, k};
        int64_t group = 0, place = 0;
        for (int d = 0; d < 3; ++d) {
          if (!r.reduced[d]) group = group * size[d] + at[d];
          place += at[d] * r.stride[d];
        }
        groups[static_cast<size_t>(group)].push_back(static_cast<double>(x[static_cast<size_t>(place)]));
      }
  std::vector<double> want, want_second;
  for (const auto& g : groups) {
    const Finished f = expected(c.op, g);
    want.push_back(f.value);
    if (c.has_second) want_second.push_back(f.second);
  }
  test::check_near(out, want, "first");
  test::check_near(second, want_second, "second");
  for (int threads : {2, 7}) {
    set_num_threads(threads);
    const std::vector<T> before = out, before_second = second;
    reduce(r);
    TEST_CHECK(out == before && second == before_second, "other bits at %d threads", threads);
  }
}

template <class T>
void check_type() {
  for (const Case& c : kCases) {
    for (const bool transposed : {false, true}) {
      for (unsigned dims = 1; dims < 8; ++dims) {
        check_case<T>(c, {3, 5, 17}, transposed, dims);
        check_case<T>(c, {2, 67, 4}, transposed, dims);
      }
    }
    check_case<T>(c, {4, 300, 200}, false, 2);
    check_case<T>(c, {1, 1, 150000}, false, 7);
  }
}

}  // namespace
}  // namespace plait

int main() {
  plait::test::require_isa();
  plait::check_type<float>();
  plait::check_type<double>();
  return plait::test::report("reduce");
}
