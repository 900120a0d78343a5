// SPDX-License-Identifier: MIT
// Threads take images, and within a single image its channels, all of which are read at the same positions.
#include "kernels/vision/sample_driver.h"

#include <algorithm>

#include "core/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/vision/plane_positions.h"

namespace plait {
namespace {

// f(plane of x, plane of y, positions, scratch of one plane) for all channels of all images.
template <class T, class F>
void for_planes(const SampleShape& s, const T* rows, const T* columns, F f) {
  const int64_t work = std::max<int64_t>(1, 8 * s.points + s.height * s.width);
  parallel_for(s.images, std::max<int64_t>(1, kGrainElements / (work * std::max<int64_t>(1, s.channels))),
               [&](int64_t n0, int64_t n1) {
                 PlanePositions<T> at(s.height, s.width, s.points);
                 for (int64_t n = n0; n < n1; ++n) {
                   for (int64_t i = 0; i < s.points; ++i)
                     at.set(i, rows[n * s.points + i], columns[n * s.points + i]);
                   parallel_for(s.channels, std::max<int64_t>(1, kGrainElements / work),
                                [&](int64_t begin, int64_t end) {
                                  Workspace plane(static_cast<size_t>(at.plane_size()) * sizeof(T));
                                  for (int64_t c = n * s.channels + begin; c < n * s.channels + end; ++c)
                                    f(c * s.height * s.width, c * s.points, at, plane.as<T>());
                                });
                 }
               });
}

}  // namespace

template <class T>
void sample_planes(const SampleShape& s, const T* x, const T* rows, const T* columns, T* y) {
  for_planes(s, rows, columns, [&](int64_t from, int64_t to, const PlanePositions<T>& at, T* plane) {
    at.pad(x + from, plane);
    kernels().vision.of<T>().sample(at.points(0, s.points, nullptr), plane, y + to);
  });
}

template <class T>
void sample_planes_backward(const SampleShape& s, const T* gy, const T* rows, const T* columns, T* gx) {
  for_planes(s, rows, columns, [&](int64_t to, int64_t from, const PlanePositions<T>& at, T* plane) {
    std::fill_n(plane, at.plane_size(), T(0));
    kernels().vision.of<T>().sample_plane_grad(at.points(0, s.points, nullptr), gy + from, plane);
    at.crop(plane, gx + to);
  });
}

PLAIT_SAMPLE_DRIVERS(template, float)
PLAIT_SAMPLE_DRIVERS(template, double)

}  // namespace plait
