// SPDX-License-Identifier: MIT
// The pooling drivers against loops over windows: strides, padding, dilation, one to three dimensions, sizes
// around the vector; backward as the transpose of forward.
#include "kernels/pool/pool_driver.h"

#include "core/parallel.h"
#include "values.h"

namespace plait {
namespace {

using test::random_values;

PoolWindow window(int64_t planes, const int64_t (&in)[3], const int64_t (&kernel)[3],
                  const int64_t (&stride)[3], const int64_t (&pad)[3], int64_t dilation) {
  PoolWindow w;
  w.planes = planes;
  for (int d = 0; d < 3; ++d) {
    w.in[d] = in[d];
    w.kernel[d] = kernel[d];
    w.stride[d] = stride[d];
    w.pad[d] = pad[d];
    w.dilation[d] = kernel[d] == 1 ? 1 : dilation;
    w.out[d] = (in[d] + 2 * pad[d] - w.dilation[d] * (kernel[d] - 1) - 1) / stride[d] + 1;
  }
  return w;
}

// f(output of the plane, input of the plane) for all pairs that a tap joins, in the order of the taps.
template <class F>
void for_taps(const PoolWindow& w, F f) {
  int64_t o[3], k[3], i[3];
  const auto inside = [&] {
    for (int d = 0; d < 3; ++d) {
      i[d] = o[d] * w.stride[d] - w.pad[d] + k[d] * w.dilation[d];
      if (i[d] < 0 || i[d] >= w.in[d]) return false;
    }
    return true;
  };
  for (o[0] = 0; o[0] < w.out[0]; ++o[0])
    for (o[1] = 0; o[1] < w.out[1]; ++o[1])
      for (o[2] = 0; o[2] < w.out[2]; ++o[2])
        for (k[0] = 0; k[0] < w.kernel[0]; ++k[0])
          for (k[1] = 0; k[1] < w.kernel[1]; ++k[1])
            for (k[2] = 0; k[2] < w.kernel[2]; ++k[2])
              if (inside())
                f((o[0] * w.out[1] + o[1]) * w.out[2] + o[2], (i[0] * w.in[1] + i[1]) * w.in[2] + i[2]);
}

template <class T>
void check_max(const PoolWindow& w) {
  const std::vector<T> x = random_values<T>(w.planes * w.in_size()),
                       gy = random_values<T>(w.planes * w.out_size());
  std::vector<T> y(gy.size()), gx(x.size()), back(gy.size());
  std::vector<int32_t> index(y.size());
  max_pool_forward(w, x.data(), y.data(), index.data());
  max_pool_backward(w.planes, w.in_size(), w.out_size(), gy.data(), index.data(), gx.data());
  max_pool_take(w.planes, w.in_size(), w.out_size(), x.data(), index.data(), back.data());
  std::vector<double> want(y.size(), -std::numeric_limits<double>::infinity()), want_g(gx.size(), 0);
  std::vector<int32_t> at(y.size(), -1);
  for (int64_t p = 0; p < w.planes; ++p) {
    for_taps(w, [&](int64_t o, int64_t i) {
      const auto to = static_cast<size_t>(p * w.out_size() + o);
      const double v = static_cast<double>(x[static_cast<size_t>(p * w.in_size() + i)]);
      if (v > want[to]) want[to] = v, at[to] = static_cast<int32_t>(i);
    });
    for (int64_t o = 0; o < w.out_size(); ++o) {
      const auto from = static_cast<size_t>(p * w.out_size() + o);
      if (at[from] >= 0)
        want_g[static_cast<size_t>(p * w.in_size() + at[from])] += static_cast<double>(gy[from]);
    }
  }
  for (size_t i = 0; i < y.size(); ++i) {
    TEST_CHECK(static_cast<double>(y[i]) == want[i], "max[%zu]: %g, expected %g", i,
               static_cast<double>(y[i]), want[i]);
    TEST_CHECK(index[i] == at[i], "index[%zu]: %d, expected %d", i, index[i], at[i]);
    TEST_CHECK(index[i] < 0 || back[i] == y[i], "take[%zu]", i);
  }
  test::check_near(gx, want_g, "gx of max");
}

template <class T>
void check_average(const PoolWindow& w, int64_t divisor) {
  const std::vector<T> x = random_values<T>(w.planes * w.in_size()),
                       gy = random_values<T>(w.planes * w.out_size());
  std::vector<T> y(gy.size()), gx(x.size());
  const AverageRule rule{false, divisor};
  average_pool_forward(w, rule, x.data(), y.data());
  average_pool_backward(w, rule, gy.data(), gx.data());
  std::vector<double> count(static_cast<size_t>(w.out_size()), 0), want(y.size(), 0), want_g(gx.size(), 0);
  for_taps(w, [&](int64_t o, int64_t) { ++count[static_cast<size_t>(o)]; });
  for (int64_t p = 0; p < w.planes; ++p) {
    for_taps(w, [&](int64_t o, int64_t i) {
      const auto to = static_cast<size_t>(p * w.out_size() + o),
                 from = static_cast<size_t>(p * w.in_size() + i);
      const double n = divisor ? static_cast<double>(divisor) : count[static_cast<size_t>(o)];
      want[to] += static_cast<double>(x[from]) / n;
      want_g[from] += static_cast<double>(gy[to]) / n;
    });
  }
  test::check_near(y, want, "average");
  test::check_near(gx, want_g, "gx of average");
}

template <class T>
void check_adaptive(const PoolWindow& w) {
  const std::vector<T> x = random_values<T>(w.planes * w.in_size()),
                       gy = random_values<T>(w.planes * w.out_size());
  std::vector<T> y(gy.size()), gx(x.size()), most(gy.size());
  std::vector<int32_t> index(gy.size());
  adaptive_average_forward(w, x.data(), y.data());
  adaptive_average_backward(w, gy.data(), gx.data());
  adaptive_max_forward(w, x.data(), most.data(), index.data());
  double forward = 0, backward = 0;  // sum(gy y) = sum(gx x)
  for (size_t i = 0; i < y.size(); ++i) forward += static_cast<double>(gy[i]) * static_cast<double>(y[i]);
  for (size_t i = 0; i < x.size(); ++i) backward += static_cast<double>(gx[i]) * static_cast<double>(x[i]);
  TEST_CHECK(std::fabs(forward - backward) < 50 * test::kTolerance<T>, "transpose: %g and %g", forward,
             backward);
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t plane = i / static_cast<size_t>(w.out_size()) * static_cast<size_t>(w.in_size());
    TEST_CHECK(x[plane + static_cast<size_t>(index[i])] == most[i] && most[i] >= y[i] - T(1e-5), "max[%zu]",
               i);
  }
}

template <class T>
void check_type() {
  for (int64_t width : {1, 2, 7, 15, 16, 17, 33, 70}) {
    const int64_t k = std::min<int64_t>(3, width);
    check_max<T>(window(2, {1, 1, width}, {1, 1, k}, {1, 1, 1}, {0, 0, 0}, 1));
    check_average<T>(window(2, {1, 1, width}, {1, 1, k}, {1, 1, 2}, {0, 0, k / 2}, 1), 0);
  }
  check_max<T>(window(3, {1, 9, 20}, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}, 1));
  check_max<T>(window(2, {1, 11, 23}, {1, 2, 3}, {1, 1, 3}, {0, 1, 1}, 2));
  check_max<T>(window(2, {5, 6, 17}, {2, 3, 2}, {1, 2, 1}, {1, 0, 1}, 1));
  check_average<T>(window(3, {1, 9, 20}, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}, 1), 0);
  check_average<T>(window(2, {5, 6, 17}, {2, 3, 2}, {1, 2, 1}, {1, 0, 1}, 1), 7);
  PoolWindow adaptive = window(2, {3, 7, 19}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, 1);
  adaptive.out[0] = 2, adaptive.out[1] = 3, adaptive.out[2] = 4;
  check_adaptive<T>(adaptive);
}

}  // namespace
}  // namespace plait

int main() {
  plait::test::require_isa();
  for (int threads : {1, 3}) {
    plait::set_num_threads(threads);
    plait::check_type<float>();
    plait::check_type<double>();
  }
  return plait::test::report("pool");
}
