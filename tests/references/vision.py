# SPDX-License-Identifier: MIT
"""Operators of detectors in plain loops over NumPy arrays, in float64."""

from __future__ import annotations

import math

import numpy as np


def bilinear(plane: np.ndarray, y: float, x: float) -> float:
    """A plane between its cells, which reach to -1 and to its size; 0 outside."""
    height, width = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0.0), height - 1), min(max(x, 0.0), width - 1)
    i, j = int(y), int(x)
    i2, j2 = min(i + 1, height - 1), min(j + 1, width - 1)
    fy, fx = y - i, x - j
    upper = (1 - fx) * plane[i, j] + fx * plane[i, j2]
    lower = (1 - fx) * plane[i2, j] + fx * plane[i2, j2]
    return (1 - fy) * upper + fy * lower


def _samples(start: float, size: float, count: int) -> list[float]:
    return [start + (s + 0.5) * size / count for s in range(count)]


def roi_align(
    x: np.ndarray,
    rois: np.ndarray,
    scale: float,
    bins: tuple[int, int],
    samples: int,
    aligned: bool,
    by_position: bool = False,
) -> np.ndarray:
    """Means of bilinear samples; by position, every bin reads channels of its own."""
    channels = x.shape[1] // (bins[0] * bins[1]) if by_position else x.shape[1]
    y = np.zeros((len(rois), channels, *bins))
    for r, roi in enumerate(rois):
        shift = 0.5 if aligned or by_position else 0.0
        x1, y1, x2, y2 = roi[1:] * scale - shift
        sides = [y2 - y1, x2 - x1]
        if not (aligned or by_position):
            sides = [max(s, 1.0) for s in sides]
        size = [s / b for s, b in zip(sides, bins, strict=True)]
        count = [samples if samples > 0 else max(math.ceil(s), 0) for s in size]
        total = count[0] * count[1]
        for c, i, j in np.ndindex(channels, *bins):
            plane = x[int(roi[0]), (c * bins[0] + i) * bins[1] + j if by_position else c]
            points = [
                bilinear(plane, v, h)
                for v in _samples(y1 + i * size[0], size[0], count[0])
                for h in _samples(x1 + j * size[1], size[1], count[1])
            ]
            y[r, c, i, j] = sum(points) / total if total else (np.nan if by_position else 0.0)
    return y


def _cells(low: float, high: float, bins: int, extra: int, end: int) -> list[slice]:
    start, stop = (math.floor(abs(v) + 0.5) * (1 if v > 0 else -1) for v in (low, high))
    size = max(stop - start + extra, 1) / bins
    edges = [(math.floor(i * size) + start, math.ceil((i + 1) * size) + start) for i in range(bins)]
    return [slice(min(max(a, 0), end), min(max(b, 0), end)) for a, b in edges]


def roi_pool(x: np.ndarray, rois: np.ndarray, scale: float, bins: tuple[int, int]) -> np.ndarray:
    """The largest cell of each bin, 0 for a bin without cells."""
    y = np.zeros((len(rois), x.shape[1], *bins))
    for r, roi in enumerate(rois):
        rows = _cells(roi[2] * scale, roi[4] * scale, bins[0], 1, x.shape[2])
        columns = _cells(roi[1] * scale, roi[3] * scale, bins[1], 1, x.shape[3])
        for c, i, j in np.ndindex(x.shape[1], *bins):
            cells = x[int(roi[0]), c, rows[i], columns[j]]
            y[r, c, i, j] = cells.max() if cells.size else 0.0
    return y


def ps_roi_pool(x: np.ndarray, rois: np.ndarray, scale: float, bins: tuple[int, int]) -> np.ndarray:
    """The mean of the cells of each bin in a channel of its own; the last row and column count nowhere."""
    channels = x.shape[1] // (bins[0] * bins[1])
    y = np.zeros((len(rois), channels, *bins))
    for r, roi in enumerate(rois):
        rows = _cells(roi[2] * scale, roi[4] * scale, bins[0], 0, x.shape[2] - 1)
        columns = _cells(roi[1] * scale, roi[3] * scale, bins[1], 0, x.shape[3] - 1)
        for c, i, j in np.ndindex(channels, *bins):
            cells = x[int(roi[0]), (c * bins[0] + i) * bins[1] + j, rows[i], columns[j]]
            y[r, c, i, j] = cells.mean() if cells.size else 0.0
    return y


def nms(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    """The boxes by falling score that overlap none of those before by more than the threshold."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        for k in kept:
            low, high = np.maximum(boxes[i, :2], boxes[k, :2]), np.minimum(boxes[i, 2:], boxes[k, 2:])
            both = np.prod(np.maximum(high - low, 0))
            if both > 0 and both / (area[k] + area[i] - both) > threshold:
                break
        else:
            kept.append(int(i))
    return kept


def deform_conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    offset: np.ndarray,
    mask: np.ndarray | None,
    bias: np.ndarray,
    stride: int,
    pad: int,
    dilation: int,
    groups: int,
    offset_groups: int,
) -> np.ndarray:
    """Convolution whose taps are moved; the image lies in zeros."""
    batch, channels = x.shape[:2]
    out_channels, depth, kh, kw = weight.shape
    y = np.zeros((batch, out_channels, *offset.shape[2:]))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for n, o, h, w in np.ndindex(*y.shape):
        total = bias[o]
        for c, i, j in np.ndindex(depth, kh, kw):
            channel = o // (out_channels // groups) * depth + c
            tap = channel // (channels // offset_groups) * kh * kw + i * kw + j
            row = h * stride - pad + i * dilation + offset[n, 2 * tap, h, w]
            column = w * stride - pad + j * dilation + offset[n, 2 * tap + 1, h, w]
            factor = 1.0 if mask is None else mask[n, tap, h, w]
            if -1 < row < x.shape[2] and -1 < column < x.shape[3]:
                total += weight[o, c, i, j] * factor * bilinear(padded[n, channel], row + 1, column + 1)
        y[n, o, h, w] = total
    return y
