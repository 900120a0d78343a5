# SPDX-License-Identifier: MIT
"""Boxes, regions and deformable convolution: the operators of detectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import Tensor, iinfo, int32
from ..._core import _ops

__all__ = ["OPERATORS"]


def cuda_version() -> int:
    """-1: there is no CUDA."""
    return -1


def nms_of_integers(dets: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Of quantised boxes, whose scale does not matter."""
    return _ops.nms(dets.float(), scores.float(), iou_threshold)


def roi_align_of_integers(
    input: Tensor,
    rois: Tensor,
    input_scale: float,
    input_zero_point: int,
    rois_scale: float,
    rois_zero_point: int,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """Of a quantised image; the result has the scale of the image."""
    values = (input.float() - input_zero_point) * input_scale
    boxes = (rois.float() - rois_zero_point) * rois_scale
    boxes[:, 0] = 0  # of the one image: its number need not be a multiple of the scale
    means = _ops.roi_align(values, boxes, spatial_scale, pooled_height, pooled_width, sampling_ratio, aligned)
    limits = iinfo(input.dtype)
    return ((means / input_scale).round().to(int32) + input_zero_point).clamp(limits.min, limits.max).to(input.dtype)


OPERATORS: dict[str, Callable[..., Any]] = {
    "_cuda_version": cuda_version,
    "nms": _ops.nms,
    "roi_align": _ops.roi_align,
    "_roi_align_backward": _ops.roi_align_backward,
    "roi_pool": _ops.roi_pool,
    "_roi_pool_backward": _ops.roi_pool_backward,
    "ps_roi_align": _ops.ps_roi_align,
    "_ps_roi_align_backward": _ops.ps_roi_align_backward,
    "ps_roi_pool": _ops.ps_roi_pool,
    "_ps_roi_pool_backward": _ops.ps_roi_pool_backward,
    "deform_conv2d": _ops.deform_conv2d,
    "_deform_conv2d_backward": _ops.deform_conv2d_backward,
    "qnms": nms_of_integers,
    "qroi_align": roi_align_of_integers,
}
