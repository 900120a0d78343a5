# SPDX-License-Identifier: MIT
"""Boxes, regions and deformable convolution: the operators of detectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import Tensor, from_numpy, iinfo, int32
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


def box_iou_rotated(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Intersection over union of all pairs of boxes (centre, width, height, degrees); it has no derivative.

    The corners of an intersection are corners of one box within the other, and crossings of their edges.
    """
    a = boxes1.detach().double().numpy()[:, None]
    b = boxes2.detach().double().numpy()[None]
    pair = np.broadcast_shapes(a.shape, b.shape)[:2]
    b = np.concatenate(
        [np.broadcast_to(b[..., :2], (*pair, 2)) - a[..., :2], np.broadcast_to(b[..., 2:], (*pair, 3))], -1
    )
    a = np.broadcast_to(np.concatenate([np.zeros_like(a[..., :2]), a[..., 2:]], -1), (*pair, 5))
    corners, inside = [], []
    for box, other in ((a, b), (b, a)):
        points = _corners(box)
        corners.append(points)
        along, across = _half_sides(other)
        ahead = points - other[..., None, :2]
        inside.append(
            (np.abs(_dot(ahead, along)) <= _dot(along, along) * (1 + 1e-9))
            & (np.abs(_dot(ahead, across)) <= _dot(across, across) * (1 + 1e-9))
        )
    crossings, crossed = _crossings(*corners)
    points = np.concatenate([*corners, crossings], -2)
    area = _area_of_hull(points, np.concatenate([*inside, crossed], -1))
    whole, other_whole = a[..., 2] * a[..., 3], b[..., 2] * b[..., 3]
    flat = np.minimum(whole, other_whole) < 1e-14
    iou = np.divide(area, whole + other_whole - area, out=np.zeros(pair), where=~flat)
    return from_numpy(iou).to(boxes1.dtype)


def _dot(a: Any, b: Any) -> Any:
    return (a * b).sum(-1)


def _cross(a: Any, b: Any) -> Any:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _half_sides(box: Any) -> tuple[Any, Any]:
    angle = -np.deg2rad(box[..., None, 4])  # counted against the y axis, which points down
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos, sin], -1) * box[..., None, 2:3] / 2, np.stack([-sin, cos], -1) * box[..., None, 3:4] / 2


def _corners(box: Any) -> Any:
    along, across = _half_sides(box)
    return box[..., None, :2] + np.concatenate([across - along, -along - across, along - across, along + across], -2)


def _crossings(a: Any, b: Any) -> tuple[Any, Any]:
    """Where each edge of one box meets each of the other, and whether it does: (..., 16, 2) and (..., 16)."""
    p, q = a[..., :, None, :], b[..., None, :, :]
    r, s = np.roll(a, -1, -2)[..., :, None, :] - p, np.roll(b, -1, -2)[..., None, :, :] - q
    slope = _cross(r, s)
    flat = slope == 0
    slope = np.where(flat, 1, slope)
    t, u = _cross(q - p, s) / slope, _cross(q - p, r) / slope
    meets = ~flat & (t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)
    return (p + t[..., None] * r).reshape(*a.shape[:-2], 16, 2), meets.reshape(*a.shape[:-2], 16)


def _area_of_hull(points: Any, valid: Any) -> Any:
    """The area of the convex polygon whose corners are the valid points, in any order."""
    count = np.maximum(valid.sum(-1), 1)[..., None]
    points = points - ((points * valid[..., None]).sum(-2) / count)[..., None, :]
    angle = np.where(valid, np.arctan2(points[..., 1], points[..., 0]), np.inf)
    order = np.argsort(angle, -1)
    points = np.take_along_axis(np.where(valid[..., None], points, 0), order[..., None], -2)
    points = np.where(np.take_along_axis(valid, order, -1)[..., None], points, points[..., :1, :])
    return np.abs(_cross(points, np.roll(points, -1, -2)).sum(-1)) / 2


OPERATORS: dict[str, Callable[..., Any]] = {
    "_cuda_version": cuda_version,
    "box_iou_rotated": box_iou_rotated,
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
