// SPDX-License-Identifier: MIT
// Reductions. Dimensions may be negative; an empty list means all of them.
#pragma once

#include <optional>
#include <tuple>

#include "core/tensor.h"

namespace plait {

// ---- Sums, counts, truth (reduce.cpp) ----
Tensor sum(const Tensor& x, IntSpan dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
Tensor nansum(const Tensor& x, IntSpan dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
Tensor mean(const Tensor& x, IntSpan dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
Tensor prod(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false,
            std::optional<DType> dtype = {});
Tensor count_nonzero(const Tensor& x, IntSpan dims = {});
Tensor any(const Tensor& x, IntSpan dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, IntSpan dims = {}, bool keepdim = false);

// ---- Extremes (reduce_extreme.cpp) ----
Tensor amax(const Tensor& x, IntSpan dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, IntSpan dims = {}, bool keepdim = false);
std::tuple<Tensor, Tensor> max(const Tensor& x, int64_t dim, bool keepdim = false);  // values, indices
std::tuple<Tensor, Tensor> min(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor argmax(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);

// ---- Spread and size (reduce_moments.cpp) ----
Tensor var(const Tensor& x, IntSpan dims = {}, double correction = 1, bool keepdim = false);
Tensor stddev(const Tensor& x, IntSpan dims = {}, double correction = 1, bool keepdim = false);
Tensor logsumexp(const Tensor& x, IntSpan dims, bool keepdim = false);
Tensor vector_norm(const Tensor& x, double p = 2, IntSpan dims = {}, bool keepdim = false,
                   std::optional<DType> dtype = {});

}  // namespace plait
