// SPDX-License-Identifier: MIT
// The seam to a BLAS. OpenBLAS lies beside the extension and is loaded at the first product that wants it; it
// runs single-threaded inside the library's own parallel split.
#pragma once

#include "kernels/gemm/gemm.h"

namespace plait {

// Which one serves plain products: "engine", or "OpenBLAS" with its version and kernels.
// PLAIT_GEMM=blas|engine in the environment decides; any other value of it throws ValueError.
const char* gemm_provider();

namespace gemm_detail {

// Runs the product on the BLAS if that is the provider and the operands have forms it knows. Returns false,
// having done nothing, otherwise. The split into calls depends on the problem alone.
template <class T>
bool run_blas(const GemmArgs<T>& g);
extern template bool run_blas<float>(const GemmArgs<float>&);
extern template bool run_blas<double>(const GemmArgs<double>&);

}  // namespace gemm_detail
}  // namespace plait
