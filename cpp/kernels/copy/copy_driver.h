// SPDX-License-Identifier: MIT
// Copies between arrays of any strides and dtypes.
#pragma once

#include "core/tensor_iter.h"

namespace plait {

// dst[i] = src[i] over `shape`, the shape of dst, to which src broadcasts; the dtype of src is converted. The
// two must not overlap. `flat`: both are contiguous and of this shape.
void copy_array(IntSpan shape, int64_t numel, const Strided& dst, const Strided& src, bool flat);

}  // namespace plait
