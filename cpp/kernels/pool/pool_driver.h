// SPDX-License-Identifier: MIT
// Max and average pooling of planes over one to three spatial dimensions; lower dimensions are three with
// leading sizes of 1. T is float or double, all arrays are contiguous: x[planes, in], y[planes, out].
#pragma once

#include <cstdint>

#include "kernels/pool/pool_args.h"

namespace plait {

// Output o of an axis sees the input positions o * stride - pad + k * dilation for k < kernel.
struct PoolWindow {
  int64_t planes;
  int64_t in[3], out[3], kernel[3], stride[3], pad[3], dilation[3];

  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
};

// What the sum of a window is divided by.
struct AverageRule {
  bool count_include_pad;
  int64_t divisor;  // 0: the number of elements
};

// y = the maxima; index[planes, out] = their positions in the plane, or null.
template <class T>
void max_pool_forward(const PoolWindow& window, const T* x, T* y, int32_t* index);
// gx[index] += gy, plane by plane, from zeros. A negative index stands for no position.
template <class T>
void max_pool_backward(int64_t planes, int64_t in_size, int64_t out_size, const T* gy, const int32_t* index,
                       T* gx);
// The transpose of it: y = x[index], 0 for a negative index.
template <class T>
void max_pool_take(int64_t planes, int64_t in_size, int64_t out_size, const T* x, const int32_t* index, T* y);

// y = sums of the windows / divisor; gx from gy.
template <class T>
void average_pool_forward(const PoolWindow& window, const AverageRule& rule, const T* x, T* y);
template <class T>
void average_pool_backward(const PoolWindow& window, const AverageRule& rule, const T* gy, T* gx);

// Adaptive windows, of which only `in` and `out` count: number i of an axis is
// [floor(i * in / out), ceil((i + 1) * in / out)).
template <class T>
void adaptive_average_forward(const PoolWindow& window, const T* x, T* y);
template <class T>
void adaptive_average_backward(const PoolWindow& window, const T* gy, T* gx);
template <class T>
void adaptive_max_forward(const PoolWindow& window, const T* x, T* y, int32_t* index);

#define PLAIT_POOL_DRIVERS(prefix, T)                                                        \
  prefix void max_pool_forward<T>(const PoolWindow&, const T*, T*, int32_t*);                \
  prefix void max_pool_backward<T>(int64_t, int64_t, int64_t, const T*, const int32_t*, T*); \
  prefix void max_pool_take<T>(int64_t, int64_t, int64_t, const T*, const int32_t*, T*);     \
  prefix void average_pool_forward<T>(const PoolWindow&, const AverageRule&, const T*, T*);  \
  prefix void average_pool_backward<T>(const PoolWindow&, const AverageRule&, const T*, T*); \
  prefix void adaptive_average_forward<T>(const PoolWindow&, const T*, T*);                  \
  prefix void adaptive_average_backward<T>(const PoolWindow&, const T*, T*);                 \
  prefix void adaptive_max_forward<T>(const PoolWindow&, const T*, T*, int32_t*);
PLAIT_POOL_DRIVERS(extern template, float)
PLAIT_POOL_DRIVERS(extern template, double)

}  // namespace plait
