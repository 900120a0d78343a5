// SPDX-License-Identifier: MIT
// The alternative provider of matrix products: OpenBLAS, which is installed beside the extension and loaded
// at the first product that uses it. It runs single-threaded inside the library's own split over threads.
#pragma once

#include "kernels/gemm/gemm.h"

namespace plait {

// The provider of products of float32 and float64 matrices: "engine" (the default), or "OpenBLAS" with its
// version and kernels. PLAIT_GEMM=blas|engine in the environment decides; other values throw ValueError.
const char* gemm_provider();

namespace gemm_detail {

// Runs the product on the BLAS if that is the provider and the operands have strides it accepts. Returns
// false, having done nothing, otherwise. The split into calls depends on the problem alone.
template <class T>
bool run_blas(const GemmArgs<T>& g);
extern template bool run_blas<float>(const GemmArgs<float>&);
extern template bool run_blas<double>(const GemmArgs<double>&);

}  // namespace gemm_detail
}  // namespace plait
