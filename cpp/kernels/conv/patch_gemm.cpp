// SPDX-License-Identifier: MIT
// y[n, g] = W[g] * patches(x[n, g]), a product of (out_channels x k) * (k x positions), k = in_channels *
// taps. Where patches do not overlap, the phases of the padded input, one for each tap, are that matrix of
// patches: making it moves every element once, and no position is packed twice.
//
// Assumptions: kernel <= stride along each axis; a kernel of several taps has no dilation. Loop order: images
// by as many as the last cache holds, then gather_input, then the products. Bound: the GEMM's.
#include "kernels/conv/patch_gemm.h"

#include <algorithm>

#include "core/workspace.h"
#include "kernels/conv/gemm_1x1.h"
#include "kernels/conv/padded_input.h"

namespace plait::conv {

template <class T>
void patch_gemm(const ConvProblem& problem, const Operands<T>& t) {
  const ConvShape& s = problem.shape;
  const PaddedPlane plane = padded_plane(s.in, s.stride, problem.correlation().phases);
  const int64_t at_once = images_at_once(s.images, s.in_channels * plane.size() * int64_t{sizeof(T)});
  const Workspace patches(bytes_of<T>(at_once * s.in_channels * plane.size() + kPaddedSlack));
  const int64_t k = s.group_in_channels() * s.taps();
  for (int64_t image = 0; image < s.images; image += at_once) {
    const int64_t images = std::min(at_once, s.images - image);
    pad_planes(plane, patches.as<T>(), t.src + image * s.in_channels * s.in_size(), images * s.in_channels);
    multiply_groups<T>({images, s.groups, k, s.group_out_channels(), s.out_size(), patches.as<T>(), t.w, k, 1,
                        t.bias, t.dst + image * s.out_channels * s.out_size()});
  }
}

template void patch_gemm<float>(const ConvProblem&, const Operands<float>&);
template void patch_gemm<double>(const ConvProblem&, const Operands<double>&);

}  // namespace plait::conv
