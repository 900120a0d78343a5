// SPDX-License-Identifier: MIT
#include "kernels/conv/conv_driver.h"

#include <algorithm>

#include "kernels/conv/choose.h"

namespace plait {
namespace {

// Without images, channels or positions the sums have no terms: the result, (images, channels, positions), is
// the bias, or zeros, and no algorithm is asked. Sizes of 0 end here; below they are all at least 1.
bool is_empty(const ConvShape& s) {
  return s.images == 0 || s.in_channels == 0 || s.out_channels == 0 || s.in_size() == 0 || s.out_size() == 0;
}
template <class T>
void fill_empty(T* dst, int64_t images, int64_t channels, int64_t positions, const T* bias) {
  for (int64_t i = 0; i < images * channels; ++i) {
    std::fill_n(dst + i * positions, positions, bias ? bias[i % channels] : T(0));
  }
}

}  // namespace

template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const T* bias, T* y) {
  if (is_empty(s)) return fill_empty(y, s.images, s.out_channels, s.out_size(), bias);
  const conv::ConvProblem problem(ConvDirection::kForward, s, bias != nullptr);
  conv::choose(conv::forward_algorithms<T>(), problem).run(problem, {x, w, bias, y});
}

template <class T>
void conv_backward_data(const ConvShape& s, const T* gy, const T* w, const T* bias, T* gx) {
  if (is_empty(s)) return fill_empty(gx, s.images, s.in_channels, s.in_size(), bias);
  const conv::ConvProblem problem(ConvDirection::kBackwardData, s, bias != nullptr);
  conv::choose(conv::backward_data_algorithms<T>(), problem).run(problem, {gy, w, bias, gx});
}

template <class T>
void conv_backward_weight(const ConvShape& s, const T* x, const T* gy, T* gw) {
  if (is_empty(s)) return fill_empty<T>(gw, s.out_channels, s.group_in_channels(), s.taps(), nullptr);
  const conv::ConvProblem problem(ConvDirection::kBackwardWeight, s, false);
  conv::choose(conv::backward_weight_algorithms<T>(), problem).run(problem, {x, gy, gw});
}

#define PLAIT_INSTANTIATE(T)                                                               \
  template void conv_forward<T>(const ConvShape&, const T*, const T*, const T*, T*);       \
  template void conv_backward_data<T>(const ConvShape&, const T*, const T*, const T*, T*); \
  template void conv_backward_weight<T>(const ConvShape&, const T*, const T*, T*);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait
