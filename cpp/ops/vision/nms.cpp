// SPDX-License-Identifier: MIT
// Non-maximum suppression of boxes.
#include <algorithm>
#include <vector>

#include "kernels/vision/nms_driver.h"
#include "ops/copy.h"
#include "ops/registry.h"
#include "ops/sort/sort.h"

namespace plait {
namespace {

Tensor nms(const Tensor& boxes, const Tensor& scores, double threshold) {
  PLAIT_CHECK(boxes.dim() == 2 && boxes.shape()[1] == 4, kValue,
              "nms: expected boxes of shape (boxes, 4), got ", boxes.shape());
  PLAIT_CHECK(scores.dim() == 1 && scores.shape()[0] == boxes.shape()[0], kValue,
              "nms: expected a score for each box, got shapes ", scores.shape(), " and ", boxes.shape());
  PLAIT_CHECK(boxes.is_floating() && boxes.dtype() == scores.dtype(), kType,
              "nms: expected boxes and scores of one floating-point dtype, got ", dtype_name(boxes.dtype()),
              " and ", dtype_name(scores.dtype()));
  const Tensor b = as_computed(boxes), order = contiguous_as(argsort(scores, 0, true), DType::kInt64);
  const std::vector<int64_t> kept = dispatch_compute(b.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return suppress_boxes(b.data<T>(), order.data<int64_t>(), b.shape()[0], threshold);
  });
  const Tensor result = Tensor::empty({static_cast<int64_t>(kept.size())}, DType::kInt64);
  std::copy(kept.begin(), kept.end(), result.data<int64_t>());
  return result;
}

const RegisterOps kOps{
    {"nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor", "p", PLAIT_BOX(nms),
     "The boxes by falling score without those that overlap one before by more than a part of the union."},
};

}  // namespace
}  // namespace plait
