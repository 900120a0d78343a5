// SPDX-License-Identifier: MIT
#include "kernels/fft/fft_plan.h"

#include <algorithm>
#include <cmath>
#include <list>
#include <mutex>

#include "core/error.h"
#include "core/rounding.h"
#include "kernels/dispatch.h"
#include "kernels/fft/fft_driver.h"

namespace plait {
namespace {

// In the order of their passes; the cost of an element in arithmetic per pass is about that of the radix.
constexpr int64_t kRadices[] = {8, 4, 2, 3, 5, 7, 11, 13};
constexpr double kCosts[] = {1.5, 1, 0.8, 1.2, 1.8, 2.6, 4.4, 5.4};

struct Complex {
  double re, im;
};
// e^(-2 pi i k / n). The angle is reduced to an eighth of a turn in integers.
Complex root(int64_t k, int64_t n) {
  constexpr double kTwoPi = 6.28318530717958647693;
  k %= n;
  const bool mirrored = 2 * k > n;  // e^(-i t) of t above pi is the conjugate of that of 2 pi - t
  if (mirrored) k = n - k;
  const bool left = 4 * k > n;
  int64_t eighth = left ? n - 2 * k : 2 * k;  // of half turns: angle pi eighth / n
  const bool steep = 4 * eighth > n;
  if (steep) eighth = n - 2 * eighth;  // pi / 2 - angle = pi (n - 2 eighth) / 2n
  const double angle =
      kTwoPi / 2 * (static_cast<double>(eighth) / static_cast<double>(n)) * (steep ? 0.5 : 1);
  double c = std::cos(angle), s = std::sin(angle);
  if (steep) std::swap(c, s);
  return {left ? -c : c, mirrored ? s : -s};
}

template <class T>
void append(std::vector<T>& table, Complex z) {
  table.push_back(static_cast<T>(z.re));
  table.push_back(static_cast<T>(z.im));
}

// Their order is that of the passes; empty where another prime factor remains.
std::vector<int64_t> radices_of(int64_t n) {
  std::vector<int64_t> radices;
  const auto take = [&](int64_t r) {
    radices.push_back(r);
    n /= r;
  };
  // 2^(3k + 1): two passes of 4 in place of one of 8 and one of 2
  while (n % 8 == 0 && n != 16 && !(n % 16 == 0 && n % 32 != 0)) take(8);
  for (const int64_t r : {4, 2, 3, 5, 7, 11, 13}) {
    while (n % r == 0) take(r);
  }
  if (n != 1) radices.clear();
  return radices;
}

double cost_of(int64_t n) {
  double cost = 0.5;
  for (const int64_t r : radices_of(n)) {
    cost += kCosts[std::find(std::begin(kRadices), std::end(kRadices), r) - std::begin(kRadices)];
  }
  return cost * static_cast<double>(n);
}

// The length of at least n with the cheapest transform.
int64_t convolution_length(int64_t n) {
  int64_t best = 0;
  double least = 0;
  for (int64_t two = 1; two < 2 * n; two *= 2) {
    for (const int64_t odd : {1, 3, 5, 7, 9, 15, 11, 13}) {
      const int64_t length = two * odd;
      if (length < n) continue;
      const double cost = cost_of(length);
      if (best == 0 || cost < least) {
        best = length;
        least = cost;
      }
    }
  }
  return best;
}

// e^(-i pi j^2 / n) for j < n
template <class T>
std::vector<T> make_chirp(int64_t n) {
  std::vector<T> chirp;
  chirp.reserve(static_cast<size_t>(2 * n));
  uint64_t square = 0;
  const auto period = static_cast<uint64_t>(2 * n);
  for (int64_t j = 0; j < n; ++j) {  // (j + 1)^2 = j^2 + 2 j + 1
    append(chirp, root(static_cast<int64_t>(square), 2 * n));
    square = (square + 2 * static_cast<uint64_t>(j) + 1) % period;
  }
  return chirp;
}

// The transform over length m of the conjugate of the chirp at 0, +-1, ..., divided by m.
template <class T>
std::vector<T> make_filter(const std::vector<T>& chirp, int64_t n, int64_t m) {
  std::vector<T> filter(static_cast<size_t>(2 * m));
  for (int64_t j = 0; j < n; ++j) {
    for (const int64_t at : {j, (m - j) % m}) {
      filter[static_cast<size_t>(2 * at)] = chirp[static_cast<size_t>(2 * j)];
      filter[static_cast<size_t>(2 * at + 1)] = -chirp[static_cast<size_t>(2 * j + 1)];
    }
  }
  fft_complex<T>({filter.data(), filter.data(), 1, m, 1, false, 1 / static_cast<double>(m)});
  return filter;
}

// rows x columns = n with the least work when both are rounded up to whole vectors.
int64_t choose_rows(int64_t n, int64_t lanes) {
  int64_t best = 1;
  double least = 0;
  for (int64_t rows = 1; rows <= n; ++rows) {
    if (n % rows != 0) continue;
    const int64_t columns = n / rows;
    const double cost = static_cast<double>(round_up(columns, lanes)) * cost_of(rows) +
                        static_cast<double>(round_up(rows, lanes)) * cost_of(columns);
    if (rows == 1 || cost < least) {
      best = rows;
      least = cost;
    }
    if (rows > 65536) break;
  }
  return best;
}

}  // namespace

bool is_fft_length(int64_t n) { return n == 1 || !radices_of(n).empty(); }

template <class T>
FftLanesPlan<T>::FftLanesPlan(int64_t n) {
  lanes.n = n;
  lanes.scratch = 4 * (n + 1);
  if (!is_fft_length(n)) {
    convolution = find_fft_plan<FftLanesPlan>(convolution_length(2 * n - 1));
    tables.push_back(make_chirp<T>(n));
    tables.push_back(make_filter(tables[0], n, convolution->lanes.n));
    lanes.chirp = tables[0].data();
    lanes.filter = tables[1].data();
    lanes.convolution = &convolution->lanes;
    lanes.scratch = 4 * (convolution->lanes.n + 1);
    return;
  }
  int64_t stride = 1, rest = n;
  for (const int64_t radix : radices_of(n)) {
    rest /= radix;
    std::vector<T> twiddles;
    for (int64_t p = 1; p < rest; ++p) {
      for (int64_t j = 1; j < radix; ++j) append(twiddles, root(j * p, radix * rest));
    }
    tables.push_back(std::move(twiddles));
    PLAIT_ASSERT(lanes.passes < kMaxFftPasses);
    lanes.pass[lanes.passes++] = {radix, rest, stride, tables.back().data()};
    stride *= radix;
  }
}

template <class T>
FftLinePlan<T>::FftLinePlan(int64_t n) : n(n) {
  if (!is_fft_length(n)) {
    convolution = find_fft_plan<FftLinePlan>(convolution_length(2 * n - 1));
    chirp = make_chirp<T>(n);
    filter = make_filter(chirp, n, convolution->n);
    return;
  }
  const int64_t lanes = kernels().fft.of<T>().lanes;
  line.rows = choose_rows(n, lanes);
  if (line.rows == 1 || line.rows == n) {
    line.rows = 0;
    whole = find_fft_plan<FftLanesPlan<T>>(n);
    return;
  }
  line.columns = n / line.rows;
  rows = find_fft_plan<FftLanesPlan<T>>(line.rows);
  columns = find_fft_plan<FftLanesPlan<T>>(line.columns);
  for (int64_t g = 0; g < ceil_div(line.columns, lanes); ++g) {
    for (int64_t k = 0; k < line.rows; ++k) append(first, root(g * lanes % n * k % n, n));
  }
  for (int64_t k = 0; k < line.rows; ++k) {
    for (int64_t l = 0; l < lanes; ++l) second.push_back(static_cast<T>(root(l * k % n, n).re));
    for (int64_t l = 0; l < lanes; ++l) second.push_back(static_cast<T>(root(l * k % n, n).im));
  }
  line.along_rows = &rows->lanes;
  line.along_columns = &columns->lanes;
  line.first = first.data();
  line.second = second.data();
}

template <class T>
FftRealPlan<T>::FftRealPlan(int64_t n) {
  for (int64_t k = 0; k <= n / 2; ++k) append(twiddles, root(k, 2 * n));
}

template <class Plan>
std::shared_ptr<const Plan> find_fft_plan(int64_t n) {
  struct Kept {
    int64_t n;
    std::shared_ptr<const Plan> plan;
  };
  constexpr size_t kMost = 64;
  static std::mutex mutex;
  static auto* kept = new std::list<Kept>;  // the last used one first
  {
    const std::lock_guard lock(mutex);
    for (auto k = kept->begin(); k != kept->end(); ++k) {
      if (k->n != n) continue;
      kept->splice(kept->begin(), *kept, k);
      return k->plan;
    }
  }
  auto plan = std::make_shared<const Plan>(n);  // makes other plans; two threads may make the same one
  const std::lock_guard lock(mutex);
  kept->push_front({n, plan});
  if (kept->size() > kMost) kept->pop_back();
  return plan;
}

#define PLAIT_FFT_PLANS(T)                                                                 \
  template struct FftLanesPlan<T>;                                                         \
  template struct FftLinePlan<T>;                                                          \
  template struct FftRealPlan<T>;                                                          \
  template std::shared_ptr<const FftLanesPlan<T>> find_fft_plan<FftLanesPlan<T>>(int64_t); \
  template std::shared_ptr<const FftLinePlan<T>> find_fft_plan<FftLinePlan<T>>(int64_t);   \
  template std::shared_ptr<const FftRealPlan<T>> find_fft_plan<FftRealPlan<T>>(int64_t);
PLAIT_FFT_PLANS(float)
PLAIT_FFT_PLANS(double)

}  // namespace plait
