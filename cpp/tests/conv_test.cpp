// SPDX-License-Identifier: MIT
// Every algorithm of convolution alone, in each direction, against a naive loop in double; the same bits at 1
// and 3 threads; empty problems; how an algorithm is forced and described.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "core/parallel.h"
#include "kernels/conv/choose.h"
#include "kernels/conv/conv_driver.h"
#include "kernels/conv/winograd_plan.h"

namespace plait {
namespace {

using Size = std::vector<int64_t>;  // of one to three dimensions

struct Case {
  int64_t images, in_channels, out_channels;
  Size in, kernel;
  Size stride = {1}, padding = {0}, dilation = {1};  // one number stands for all dimensions
  int64_t groups = 1;
};

void spread(const Size& values, size_t dims, int64_t leading, int64_t* to) {
  for (size_t i = 0; i < 3; ++i) {
    const size_t d = i + dims - 3;
    to[i] = i + dims < 3 ? leading : values.size() == 1 ? values[0] : values[d];
  }
}

ConvShape shape_of(const Case& c) {
  ConvShape s = {c.images, c.in_channels, c.out_channels, c.groups, {}, {}, {}, {}, {}, {}};
  const size_t dims = std::max(c.in.size(), c.kernel.size());
  spread(c.in, dims, 1, s.in);
  spread(c.kernel, dims, 1, s.kernel);
  spread(c.stride, dims, 1, s.stride);
  spread(c.padding, dims, 0, s.padding);
  spread(c.dilation, dims, 1, s.dilation);
  for (int i = 0; i < 3; ++i) {
    const int64_t span = s.in[i] + 2 * s.padding[i] - s.dilation[i] * (s.kernel[i] - 1) - 1;
    s.out[i] = span < 0 ? 0 : span / s.stride[i] + 1;
  }
  return s;
}

const Case kCases[] = {
    // 1 x 1
    {2, 5, 7, {6, 5}, {1}},
    {3, 6, 9, {17}, {1}, {1}, {0}, {1}, 3},
    {1, 4, 3, {2, 3, 5}, {1}},
    // As large as the image
    {3, 5, 7, {4, 6}, {4, 6}},
    {2, 3, 4, {2, 3, 4}, {2, 3, 4}},
    {4, 3, 5, {9}, {9}},
    // Patches that do not overlap, and positions that no tap reads
    {2, 3, 8, {16, 12}, {4}, {4}},
    {2, 4, 6, {9, 11}, {2, 3}, {3, 4}, {1}, {1}, 2},
    {1, 2, 3, {9, 9}, {1}, {4}},
    {2, 3, 5, {4, 6, 6}, {2}, {2}},
    // 1-D
    {2, 3, 4, {9}, {3}, {2}, {1}},
    {2, 4, 6, {12}, {3}, {3}, {2}, {2}, 2},
    {2, 18, 18, {21}, {5}, {2}, {2}, {1}, 18},
    {1, 16, 24, {1031}, {3}, {1}, {1}},
    {2, 6, 40, {40}, {3}, {1}, {3}, {3}},
    // 2-D: few channels, odd sizes, strides and tails that no position covers
    {1, 1, 1, {1, 1}, {1, 1}},
    {2, 2, 3, {4, 5}, {2, 3}},
    {3, 1, 2, {7, 6}, {3, 2}, {2, 1}, {1, 2}},
    {1, 3, 5, {19, 17}, {2, 5}, {3, 4}, {1, 2}},
    {2, 3, 8, {17, 19}, {7}, {2}, {3}},
    {1, 2, 20, {5, 3}, {3}, {1}, {2}},
    // Winograd: all sizes of kernels, of strides, and several kernels of backward data
    {2, 17, 18, {9, 13}, {3}, {1}, {1}},
    {1, 33, 31, {5, 5}, {2}},
    {2, 20, 24, {11, 10}, {4}, {1}, {2}},
    {1, 24, 20, {13, 9}, {5}, {1}, {2}},
    {2, 20, 24, {19, 15}, {3}, {2}, {1}},
    {2, 20, 24, {18, 16}, {4}, {2}, {1}},
    {1, 20, 24, {23, 19}, {7}, {2}, {3}},
    {1, 20, 24, {23, 19}, {5}, {3}, {1}},
    {2, 12, 20, {26, 22}, {6}, {4}, {2}},
    {1, 20, 24, {12, 14}, {1, 3}, {1}, {0, 1}},
    {43, 49, 50, {12, 12}, {1, 3}, {1}, {0, 1}},  // more tiles than a chunk
    {30, 6, 5, {16, 16}, {3}, {1}, {1}},          // dot products
    {2, 9, 100, {20, 20}, {3}, {1}, {1}},         // several blocks of channels
    // Dilation
    {2, 3, 6, {11, 9}, {3}, {1}, {2}, {2}},
    {1, 33, 34, {13, 16}, {3}, {1}, {1, 3}, {2, 3}},
    {1, 36, 40, {23, 26}, {3}, {1}, {4, 7}, {4, 5}},
    {2, 6, 4, {9, 8}, {2, 3}, {1}, {1}, {1, 3}, 2},
    {1, 4, 4, {12, 12}, {3}, {2}, {2}, {2}},
    // Groups and depthwise
    {2, 15, 10, {7, 5}, {3}, {2}, {1}, {1}, 5},
    {2, 20, 30, {7, 5}, {3}, {2}, {1}, {1}, 10},
    {3, 33, 33, {8, 9}, {3}, {1}, {1}, {1}, 33},
    {3, 7, 14, {4, 6}, {5, 3}, {1}, {3, 1}, {1, 2}, 7},
    {2, 64, 64, {7, 7}, {3}, {1}, {1}, {1}, 4},
    {1, 40, 40, {60, 210}, {3}, {1}, {1}, {1}, 40},
    {1, 48, 6, {3, 1400}, {3}, {1}, {1}, {1}, 2},  // rows that are cut into tiles
    // Images side by side
    {33, 1, 6, {9, 8}, {5}, {1}, {2}},
    {64, 6, 16, {7, 7}, {5}},
    {64, 16, 16, {8, 8}, {3}, {2}, {1}},
    // The GEMM's blocks: long sums, many output channels, few positions, images that share panels
    {1, 130, 37, {7, 7}, {3}, {1}, {1}},
    {5, 140, 20, {3, 3}, {3}, {1}, {1}},
    {1, 10, 70, {33, 35}, {3}, {1}, {1}},
    {4, 5, 6, {40, 41}, {3}, {1}, {1}},  // slices of positions
    {1, 64, 48, {14, 14}, {1}, {2}},
    // 3-D
    {2, 3, 4, {5, 6, 7}, {3, 3, 2}},
    {1, 4, 4, {6, 5, 5}, {3}, {2, 1, 1}, {1}, {1}, 2},
    {1, 2, 2, {6, 6, 6}, {2}, {1}, {0}, {2}},
    {1, 16, 16, {3, 4, 5}, {3, 2, 3}, {1}, {1}, {1}, 16},
    {2, 20, 24, {4, 6, 5}, {3}, {2}, {1}},
};

// Calls f(x index, w index, y index) for every product of the convolution.
template <class F>
void for_products(const ConvShape& s, F&& f) {
  const int64_t ic = s.group_in_channels(), oc = s.group_out_channels(), *k = s.kernel;
  for (int64_t y = 0; y < s.images * s.out_channels * s.out_size(); ++y) {
    const int64_t w0 = y % s.out[2], h0 = y / s.out[2] % s.out[1], d0 = y / (s.out[2] * s.out[1]) % s.out[0];
    const int64_t channel = y / s.out_size() % s.out_channels, image = y / s.out_size() / s.out_channels;
    for (int64_t i = 0; i < ic * s.taps(); ++i) {
      const int64_t d = d0 * s.stride[0] + i / (k[2] * k[1]) % k[0] * s.dilation[0] - s.padding[0];
      const int64_t h = h0 * s.stride[1] + i / k[2] % k[1] * s.dilation[1] - s.padding[1];
      const int64_t w = w0 * s.stride[2] + i % k[2] * s.dilation[2] - s.padding[2];
      if (d < 0 || d >= s.in[0] || h < 0 || h >= s.in[1] || w < 0 || w >= s.in[2]) continue;
      const int64_t plane = image * s.in_channels + channel / oc * ic + i / s.taps();
      f(((plane * s.in[0] + d) * s.in[1] + h) * s.in[2] + w, channel * ic * s.taps() + i, y);
    }
  }
}

std::mt19937 g_random(11);

// Values that float holds; the naive loop takes the same in double.
std::vector<double> random_values(int64_t n) {
  std::vector<double> v(static_cast<size_t>(n));
  std::normal_distribution<float> normal;
  for (double& x : v) x = static_cast<double>(normal(g_random));
  return v;
}

// The operands of a case and the naive results, each with the largest sum of its products' sizes, by which
// rounding is measured: Winograd spreads the error of an output over its tile.
struct Naive {
  struct Result {
    std::vector<double> values;
    double scale = 0;
  };
  ConvShape s;
  std::vector<double> x, w, y_bias, x_bias, gy;
  Result y, gx, gw;  // without a bias

  explicit Naive(const ConvShape& shape) : s(shape) {
    x = random_values(s.images * s.in_channels * s.in_size());
    w = random_values(s.out_channels * s.group_in_channels() * s.taps());
    gy = random_values(s.images * s.out_channels * s.out_size());
    y_bias = random_values(s.out_channels);
    x_bias = random_values(s.in_channels);
    std::vector<double> ys(gy.size()), xs(x.size()), ws(w.size());
    y.values = ys, gx.values = xs, gw.values = ws;
    for_products(s, [&](int64_t ix, int64_t iw, int64_t iy) {
      const auto a = static_cast<size_t>(ix), b = static_cast<size_t>(iw), c = static_cast<size_t>(iy);
      y.values[c] += x[a] * w[b], ys[c] += std::fabs(x[a] * w[b]);
      gx.values[a] += gy[c] * w[b], xs[a] += std::fabs(gy[c] * w[b]);
      gw.values[b] += gy[c] * x[a], ws[b] += std::fabs(gy[c] * x[a]);
    });
    for (const double v : ys) y.scale = std::max(y.scale, v);
    for (const double v : xs) gx.scale = std::max(gx.scale, v);
    for (const double v : ws) gw.scale = std::max(gw.scale, v);
  }
};

template <class T>
std::vector<T> as(const std::vector<double>& v) {
  return std::vector<T>(v.begin(), v.end());
}

// A result to be written, surrounded by guards.
template <class T>
struct Output {
  static constexpr size_t kGuard = 16;
  std::vector<T> data;
  explicit Output(size_t n) : data(n + 2 * kGuard, std::numeric_limits<T>::quiet_NaN()) {
    std::fill_n(data.begin(), kGuard, T(7));
    std::fill_n(data.end() - kGuard, kGuard, T(7));
  }
  T* begin() { return data.data() + kGuard; }
  size_t size() const { return data.size() - 2 * kGuard; }
  bool guards_hold() const {
    const auto is_guard = [](T v) { return v == T(7); };
    return std::all_of(data.begin(), data.begin() + kGuard, is_guard) &&
           std::all_of(data.end() - kGuard, data.end(), is_guard);
  }
};

// In eps of the largest sum of products' sizes of a tensor. Rounding of a sum of n terms is at most n eps of
// it and, being random, far less; measured: at most 2.5 eps, and 6 eps for Winograd's transforms.
double tolerance(const std::string& algorithm) {
  return algorithm == "winograd" || algorithm == "space_to_batch" ? 16 : 4;
}

std::map<std::string, int> g_runs;  // by type, direction and algorithm
std::map<std::string, double> g_worst;

// Runs f(result) at 1 and 3 threads and compares with the naive result plus the bias of each channel.
template <class T, class F>
void check_run(const std::string& what, const std::string& algorithm, const Naive::Result& want,
               const std::vector<double>* bias, int64_t positions, F&& f) {
  Output<T> one(want.values.size()), three(want.values.size());
  set_num_threads(1);
  f(one.begin());
  set_num_threads(3);
  f(three.begin());
  TEST_CHECK(one.guards_hold() && three.guards_hold(), "%s: writes outside of its result", what.c_str());
  TEST_CHECK(std::memcmp(one.begin(), three.begin(), one.size() * sizeof(T)) == 0,
             "%s: other bits at 3 threads than at 1", what.c_str());
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  double worst = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    const double shift = bias ? (*bias)[i / static_cast<size_t>(positions) % bias->size()] : 0;
    const double error = std::fabs(static_cast<double>(one.begin()[i]) - (want.values[i] + shift)) / eps;
    worst = std::max(worst, std::isnan(error) ? 1e300 : error / (want.scale + std::fabs(shift)));
  }
  if (want.scale > 0 || worst > 1e200) g_worst[algorithm] = std::max(g_worst[algorithm], worst);
  TEST_CHECK(worst <= tolerance(algorithm) || (want.scale == 0 && worst < 1e200), "%s: error %g eps",
             what.c_str(), worst);
}

template <class T>
void check_correlations(const Naive& n, const std::string& what, ConvDirection direction) {
  const bool forward = direction == ConvDirection::kForward;
  const std::vector<T> src = as<T>(forward ? n.x : n.gy), w = as<T>(n.w);
  const std::vector<double>& bias = forward ? n.y_bias : n.x_bias;
  const std::vector<T> b = as<T>(bias);
  const auto algorithms = forward ? conv::forward_algorithms<T>() : conv::backward_data_algorithms<T>();
  for (const bool has_bias : {false, true}) {
    const conv::ConvProblem problem(direction, n.s, has_bias);
    for (const auto& a : algorithms) {
      if (!a.supports(problem)) continue;
      const std::string name = conv::describe(problem, sizeof(T), a.name) + what;
      ++g_runs[(sizeof(T) == 4 ? "f32 " : "f64 ") + std::string(forward ? "forward " : "backward_data ") +
               a.name];
      check_run<T>(name, a.name, forward ? n.y : n.gx, has_bias ? &bias : nullptr,
                   forward ? n.s.out_size() : n.s.in_size(), [&](T* dst) {
                     a.run(problem, {src.data(), w.data(), has_bias ? b.data() : nullptr, dst});
                   });
    }
  }
}

template <class T>
void check_weight_gradients(const Naive& n, const std::string& what) {
  const std::vector<T> x = as<T>(n.x), gy = as<T>(n.gy);
  const conv::ConvProblem problem(ConvDirection::kBackwardWeight, n.s, false);
  for (const auto& a : conv::backward_weight_algorithms<T>()) {
    if (!a.supports(problem)) continue;
    const std::string name = conv::describe(problem, sizeof(T), a.name) + what;
    ++g_runs[(sizeof(T) == 4 ? "f32 backward_weight " : "f64 backward_weight ") + std::string(a.name)];
    check_run<T>(name, a.name, n.gw, nullptr, 1, [&](T* dst) { a.run(problem, {x.data(), gy.data(), dst}); });
  }
}

// What the driver itself chooses.
template <class T>
void check_driver(const Naive& n) {
  const std::vector<T> x = as<T>(n.x), w = as<T>(n.w), gy = as<T>(n.gy), b = as<T>(n.y_bias);
  const std::vector<T> xb = as<T>(n.x_bias);
  check_run<T>("conv_forward", "winograd", n.y, &n.y_bias, n.s.out_size(),
               [&](T* y) { conv_forward(n.s, x.data(), w.data(), b.data(), y); });
  check_run<T>("conv_backward_data", "winograd", n.gx, &n.x_bias, n.s.in_size(),
               [&](T* gx) { conv_backward_data(n.s, gy.data(), w.data(), xb.data(), gx); });
  check_run<T>("conv_backward_weight", "winograd", n.gw, nullptr, 1,
               [&](T* gw) { conv_backward_weight(n.s, x.data(), gy.data(), gw); });
}

template <class T>
void test_algorithms(const Naive& n) {
  check_correlations<T>(n, "", ConvDirection::kForward);
  check_correlations<T>(n, "", ConvDirection::kBackwardData);
  check_weight_gradients<T>(n, "");
  check_driver<T>(n);
}

// A size of 0 in every place: the results are the bias, or zeros.
void test_empty() {
  for (const int64_t images : {0, 2}) {
    for (const int64_t in : {0, 4}) {
      for (const int64_t out : {0, 6}) {
        for (const int64_t length : {0, 5}) {
          for (const int64_t groups : {1, 2}) {
            if (images * in * out * length > 0) continue;
            const Naive n(shape_of({images, in, out, {length, 5}, {3}, {1}, {1}, {1}, groups}));
            check_driver<float>(n);
            check_driver<double>(n);
          }
        }
      }
    }
  }
}

// Every row of every table has run.
template <class T>
void test_coverage() {
  const auto check = [](const char* direction, const char* name) {
    const bool no_double = std::string(name) == "winograd" && sizeof(T) == 8;
    const std::string key = (sizeof(T) == 4 ? "f32 " : "f64 ") + std::string(direction) + ' ' + name;
    TEST_CHECK(no_double || g_runs[key] > 0, "%s ran for no case", key.c_str());
  };
  for (const auto& a : conv::forward_algorithms<T>()) check("forward", a.name);
  for (const auto& a : conv::backward_data_algorithms<T>()) check("backward_data", a.name);
  for (const auto& a : conv::backward_weight_algorithms<T>()) check("backward_weight", a.name);
}

void test_choice() {
  const conv::ConvProblem problem(ConvDirection::kForward, shape_of({2, 64, 64, {32, 32}, {3}, {1}, {1}}),
                                  true);
  const auto chosen = [&] {
    return std::string(conv::choose(conv::forward_algorithms<float>(), problem).name);
  };
  const std::string own = chosen();
  conv::force_algorithm("direct");
  TEST_CHECK(chosen() == "direct", "chose %s", chosen().c_str());
  conv::force_algorithm("gemm_1x1");  // does not support it
  TEST_CHECK(chosen() == own, "chose %s", chosen().c_str());
  conv::force_algorithm("");
  TEST_CHECK(chosen() == own, "chose %s", chosen().c_str());
  std::string message;
  try {
    conv::force_algorithm("fft");
  } catch (const Error& error) {
    message = error.what();
  }
  TEST_CHECK(message.find("col2im") != std::string::npos && message.find("'fft'") != std::string::npos, "%s",
             message.c_str());
  const std::string line = conv::describe(problem, 4, "winograd");
  TEST_CHECK(line ==
                 "conv forward f32 winograd: x (2, 64, 32, 32), w (64, 64, 3, 3), y (2, 64, 32, 32), "
                 "padding 1x1, bias",
             "%s", line.c_str());
}

// The example in winograd_plan.h.
void test_winograd_plan() {
  const conv::ConvProblem problem(ConvDirection::kForward, shape_of({64, 64, 64, {8, 8}, {3}, {2}, {1}}),
                                  false);
  const conv::WinogradPlan* plan = problem.winograd_plan();
  TEST_CHECK(plan && plan->taps == 3 && plan->tile == 4 && plan->products == 81 && plan->n_parts() == 4,
             "r = %d, %d products", plan ? int(plan->taps) : 0, plan ? int(plan->products) : 0);
}

}  // namespace
}  // namespace plait

int main(int argc, char**) {
  using namespace plait;
  test::require_isa();
  const bool print_errors = argc > 1;
  for (const Case& c : kCases) {
    const Naive n(shape_of(c));
    test_algorithms<float>(n);
    test_algorithms<double>(n);
  }
  test_coverage<float>();
  test_coverage<double>();
  test_empty();
  test_choice();
  test_winograd_plan();
  if (print_errors) {
    for (const auto& [name, worst] : g_worst) std::printf("%-20s %.3g eps\n", name.c_str(), worst);
  }
  return test::report("conv");
}
