// SPDX-License-Identifier: MIT
// Which lines share the lanes of a kernel, and which threads work on them. No result depends on the number of
// threads: a line is transformed by the plan of its length, in the lanes that its place in the array gives
// it.
#include "kernels/fft/fft_driver.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/rounding.h"
#include "core/workspace.h"
#include "kernels/dispatch.h"
#include "kernels/fft/fft_plan.h"

namespace plait {
namespace {

constexpr int64_t kGrain = 16384;  // complex numbers worth one more thread
// Lines up to this length run side by side, one in each lane: their buffers fit the L2 cache.
constexpr int64_t kLongestLanes = 256;

template <class T>
const FftKernels<T>& kernels_of() {
  return kernels().fft.of<T>();
}
int64_t grain_of(int64_t n) { return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n)); }

template <class T>
Workspace numbers(int64_t count) {
  return Workspace(static_cast<size_t>(count) * sizeof(T));
}

// ---- One line ----

template <class T>
void run_split(const FftLine<T>& line, const T* x, T* y, bool inverse, T scale) {
  const FftKernels<T>& k = kernels_of<T>();
  const int64_t blocks = ceil_div(line.rows, k.lanes), groups = ceil_div(line.columns, k.lanes);
  const Workspace between = numbers<T>(line.columns * blocks * 2 * k.lanes);
  T* const t = between.as<T>();
  parallel_for(groups, grain_of(line.rows * k.lanes), [&](int64_t begin, int64_t end) {
    const Workspace scratch = numbers<T>(line.along_rows->scratch * k.lanes);
    for (int64_t g = begin; g < end; ++g) k.columns_of(line, x, t, g, inverse, scratch.as<T>());
  });
  parallel_for(blocks, grain_of(line.columns * k.lanes), [&](int64_t begin, int64_t end) {
    const Workspace scratch = numbers<T>(line.along_columns->scratch * k.lanes);
    for (int64_t b = begin; b < end; ++b) k.rows_of(line, t, y, b, inverse, scale, scratch.as<T>());
  });
}

template <class T>
void run_line(const FftLinePlan<T>& plan, const T* x, T* y, bool inverse, T scale) {
  const FftKernels<T>& k = kernels_of<T>();
  if (plan.whole) {
    const Workspace scratch = numbers<T>(plan.whole->lanes.scratch * k.lanes);
    return k.lanes_of(plan.whole->lanes, {x, 1, 0}, {y, 1, 0}, 1, inverse, scale, scratch.as<T>());
  }
  if (!plan.convolution) return run_split(plan.line, x, y, inverse, scale);
  // Y[k] = c[k] sum over j of (x[j] c[j]) conj(c[k - j]), c the chirp; the inverse is the conjugate of that
  // of conj x.
  const int64_t m = plan.convolution->n;
  const Workspace buffer = numbers<T>(2 * m);
  T* const u = buffer.as<T>();
  k.multiply(x, plan.chirp.data(), u, plan.n, inverse, false, 1);
  std::fill(u + 2 * plan.n, u + 2 * m, T(0));
  run_line<T>(*plan.convolution, u, u, false, 1);
  k.multiply(u, plan.filter.data(), u, m, false, true, 1);
  run_line<T>(*plan.convolution, u, u, false, 1);
  k.multiply(u, plan.chirp.data(), y, plan.n, true, inverse, scale);
}

// ---- Lines side by side ----

// f(first, count, scratch) for groups of as many of the lines as a vector has lanes.
template <class T, class F>
void for_groups(const FftLanes<T>& plan, int64_t lines, F f) {
  const int64_t lanes = kernels_of<T>().lanes;
  parallel_for(ceil_div(lines, lanes), grain_of(plan.n * lanes), [&](int64_t begin, int64_t end) {
    const Workspace scratch = numbers<T>(plan.scratch * lanes);
    for (int64_t g = begin; g < end; ++g) {
      f(g * lanes, std::min(lanes, lines - g * lanes), scratch.as<T>());
    }
  });
}

template <class T>
void run_columns_in_lanes(const FftLanes<T>& plan, const FftArgs<T>& a) {
  const FftKernels<T>& k = kernels_of<T>();
  const int64_t groups = ceil_div(a.inner, k.lanes);
  parallel_for(a.outer * groups, grain_of(plan.n * k.lanes), [&](int64_t begin, int64_t end) {
    const Workspace scratch = numbers<T>(plan.scratch * k.lanes);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % groups * k.lanes, at = 2 * (i / groups * a.n * a.inner + first);
      k.lanes_of(plan, {a.x + at, a.inner, 1}, {a.y + at, a.inner, 1}, std::min(k.lanes, a.inner - first),
                 a.inverse, static_cast<T>(a.scale), scratch.as<T>());
    }
  });
}

// Long columns are copied into a line and back.
template <class T>
void run_long_columns(const FftArgs<T>& a) {
  const auto plan = find_fft_plan<FftLinePlan<T>>(a.n);
  parallel_for(a.outer * a.inner, 1, [&](int64_t begin, int64_t end) {
    const Workspace buffer = numbers<T>(2 * a.n);
    T* const line = buffer.as<T>();
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = 2 * (i / a.inner * a.n * a.inner + i % a.inner);
      for (int64_t j = 0; j < 2 * a.n; ++j) line[j] = a.x[at + j / 2 * 2 * a.inner + j % 2];
      run_line<T>(*plan, line, line, a.inverse, static_cast<T>(a.scale));
      for (int64_t j = 0; j < 2 * a.n; ++j) a.y[at + j / 2 * 2 * a.inner + j % 2] = line[j];
    }
  });
}

// Whether lines of this length and number run side by side.
template <class T>
bool in_lanes(int64_t n, int64_t lines) {
  return n <= kLongestLanes && lines >= std::max<int64_t>(2, kernels_of<T>().lanes / 2);
}

// f(line) for lines that take the work of n complex numbers each: threads share one, or each takes some.
template <class F>
void for_lines(int64_t lines, int64_t n, F f) {
  if (lines == 1) return f(0);
  parallel_for(lines, grain_of(n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i);
  });
}

}  // namespace

template <class T>
void fft_complex(const FftArgs<T>& a) {
  const DenormalGuard denormals;
  const T scale = static_cast<T>(a.scale);
  if (a.outer == 0 || a.inner == 0) return;
  if (a.inner > 1) {
    if (a.n > 4 * kLongestLanes) return run_long_columns(a);
    return run_columns_in_lanes(find_fft_plan<FftLanesPlan<T>>(a.n)->lanes, a);
  }
  if (in_lanes<T>(a.n, a.outer)) {
    const auto plan = find_fft_plan<FftLanesPlan<T>>(a.n);
    return for_groups(plan->lanes, a.outer, [&](int64_t first, int64_t lines, T* scratch) {
      const int64_t at = 2 * first * a.n;
      kernels_of<T>().lanes_of(plan->lanes, {a.x + at, 1, a.n}, {a.y + at, 1, a.n}, lines, a.inverse, scale,
                               scratch);
    });
  }
  const auto plan = find_fft_plan<FftLinePlan<T>>(a.n);
  for_lines(a.outer, a.n,
            [&](int64_t i) { run_line<T>(*plan, a.x + 2 * i * a.n, a.y + 2 * i * a.n, a.inverse, scale); });
}

template <class T>
void fft_of_real(const T* x, T* y, int64_t outer, int64_t n, double scale) {
  const DenormalGuard denormals;
  const FftKernels<T>& k = kernels_of<T>();
  const int64_t half = n / 2, row = 2 * (half + 1);
  const T factor = static_cast<T>(scale);
  if (n % 2 != 0) {  // as complex numbers
    const auto plan = find_fft_plan<FftLinePlan<T>>(n);
    return for_lines(outer, n, [&](int64_t i) {
      const Workspace buffer = numbers<T>(2 * n);
      T* const z = buffer.as<T>();
      for (int64_t j = 0; j < n; ++j) {
        z[2 * j] = x[i * n + j];
        z[2 * j + 1] = 0;
      }
      run_line<T>(*plan, z, z, false, factor);
      std::copy_n(z, row, y + i * row);
      y[i * row + 1] = 0;
    });
  }
  const auto twiddles = find_fft_plan<FftRealPlan<T>>(half);
  if (in_lanes<T>(half, outer)) {
    const auto plan = find_fft_plan<FftLanesPlan<T>>(half);
    return for_groups(plan->lanes, outer, [&](int64_t first, int64_t lines, T* scratch) {
      k.real_lanes_of(plan->lanes, {x + first * n, 1, half}, twiddles->twiddles.data(),
                      {y + first * row, 1, half + 1}, lines, factor, scratch);
    });
  }
  const auto plan = find_fft_plan<FftLinePlan<T>>(half);
  for_lines(outer, half, [&](int64_t i) {
    run_line<T>(*plan, x + i * n, y + i * row, false, 1);
    k.real_from_half(y + i * row, twiddles->twiddles.data(), y + i * row, half, factor);
  });
}

template <class T>
void fft_to_real(const T* y, T* x, int64_t outer, int64_t n, double scale) {
  const DenormalGuard denormals;
  const FftKernels<T>& k = kernels_of<T>();
  const int64_t half = n / 2, row = 2 * (half + 1);
  const T factor = static_cast<T>(scale);
  if (n % 2 != 0) {
    const auto plan = find_fft_plan<FftLinePlan<T>>(n);
    return for_lines(outer, n, [&](int64_t i) {
      const Workspace buffer = numbers<T>(2 * n);
      T* const z = buffer.as<T>();
      std::copy_n(y + i * row, row, z);
      z[1] = 0;
      for (int64_t j = 1; j <= half; ++j) {
        z[2 * (n - j)] = z[2 * j];
        z[2 * (n - j) + 1] = -z[2 * j + 1];
      }
      run_line<T>(*plan, z, z, true, factor);
      for (int64_t j = 0; j < n; ++j) x[i * n + j] = z[2 * j];
    });
  }
  const auto twiddles = find_fft_plan<FftRealPlan<T>>(half);
  if (in_lanes<T>(half, outer)) {
    const auto plan = find_fft_plan<FftLanesPlan<T>>(half);
    return for_groups(plan->lanes, outer, [&](int64_t first, int64_t lines, T* scratch) {
      k.inverse_real_lanes_of(plan->lanes, {y + first * row, 1, half + 1}, twiddles->twiddles.data(),
                              {x + first * n, 1, half}, lines, factor, scratch);
    });
  }
  const auto plan = find_fft_plan<FftLinePlan<T>>(half);
  for_lines(outer, half, [&](int64_t i) {
    T* const z = x + i * n;
    k.half_from_real(y + i * row, twiddles->twiddles.data(), z, half);
    run_line<T>(*plan, z, z, true, factor);
  });
}

#define PLAIT_FFT(T)                                                    \
  template void fft_complex<T>(const FftArgs<T>&);                      \
  template void fft_of_real<T>(const T*, T*, int64_t, int64_t, double); \
  template void fft_to_real<T>(const T*, T*, int64_t, int64_t, double);
PLAIT_FFT(float)
PLAIT_FFT(double)

}  // namespace plait
