// SPDX-License-Identifier: MIT
// Views: tensors that show another tensor's memory under another shape. All are recorded, so gradients flow
// and in-place changes of either side are seen by the other.
#pragma once

#include <optional>
#include <tuple>
#include <vector>

#include "core/tensor.h"

namespace plait {

// ---- Another shape of the same elements (view.cpp) ----
Tensor as_strided(const Tensor& x, IntSpan size, IntSpan stride, std::optional<int64_t> offset = {});
Tensor view(const Tensor& x, IntSpan shape);         // one size may be -1; never copies
Tensor view_as_dtype(const Tensor& x, DType dtype);  // the same bytes
Tensor reshape(const Tensor& x, IntSpan shape);      // a view where possible, else a copy
Tensor contiguous(const Tensor& x);                  // x itself when it is contiguous
Tensor expand(const Tensor& x, IntSpan shape);       // -1 keeps a size
Tensor broadcast_to(const Tensor& x, IntSpan shape);
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, IntSpan dims);
Tensor unsqueeze(const Tensor& x, int64_t dim);
Tensor flatten(const Tensor& x, int64_t start_dim = 0, int64_t end_dim = -1);
Tensor unflatten(const Tensor& x, int64_t dim, IntSpan sizes);
std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& xs);
Tensor view_alias(const Tensor& x);  // x itself under a new handle, recorded

// ---- Another order of the dimensions (view_dims.cpp) ----
Tensor permute(const Tensor& x, IntSpan dims);
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);
Tensor t(const Tensor& x);                 // of at most two dimensions
Tensor reverse_dims(const Tensor& x);      // x.T
Tensor matrix_transpose(const Tensor& x);  // x.mT
Tensor movedim(const Tensor& x, IntSpan source, IntSpan destination);

// ---- Some of the elements (view_part.cpp) ----
Tensor select(const Tensor& x, int64_t dim, int64_t index);
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
// Python's x[start:end:step] along dim; out-of-range ends are clipped, step must be positive.
Tensor slice(const Tensor& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step = 1);
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);
Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step);
std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim = 0);
std::vector<Tensor> split(const Tensor& x, IntSpan sizes, int64_t dim = 0);
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim = 0);
std::vector<Tensor> tensor_split(const Tensor& x, int64_t sections, int64_t dim = 0);
std::vector<Tensor> tensor_split(const Tensor& x, IntSpan indices, int64_t dim = 0);
std::vector<Tensor> unbind(const Tensor& x, int64_t dim = 0);

// The gradient of a window: gy at the elements (shape of gy, strides, offset) of a contiguous tensor of shape
// `whole`, 0 elsewhere. Elements named several times receive the sum.
Tensor embed(const Tensor& gy, IntSpan whole, IntSpan strides, int64_t offset);
// Sums a broadcast result back to the shape it came from.
Tensor sum_to(const Tensor& x, IntSpan shape);

// The strides that show a tensor of this geometry under another shape of as many elements, if any do.
std::optional<Dims> strides_for_view(IntSpan shape, IntSpan strides, IntSpan new_shape);
// `shape` with its -1 filled in so that it has `numel` elements; errors say which size would fit.
Dims infer_shape(const char* op, IntSpan shape, const Tensor& x);

}  // namespace plait
