# SPDX-License-Identifier: MIT
"""Operators of detectors: regions, boxes, deformable convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from references import vision

import plait
from plait._core import _ops
from plait.autograd import gradcheck, gradgradcheck

RNG = np.random.default_rng(0)
# Positions of samples are rounded to the dtype before they are weights: of a cell among 20, to 1e-6.
TOLERANCE = {"float32": 1e-5, "float64": 1e-13, "float16": 2e-3, "bfloat16": 2e-2}


def regions(n: int, images: int, height: int, width: int, scale: float) -> np.ndarray:
    """Regions inside, across the border, outside, empty, and one over all."""
    low, high = RNG.uniform(-2, (width, height), (n, 2)), RNG.uniform(0, 1, (n, 2))
    found = np.column_stack([np.arange(n) % images, low, low + high * (width, height)])
    found[0, 1:] = 0, 0, width, height
    found[1, 1:] = -50, -50, -40, -40
    found[2, 3:] = found[2, 1:3]
    found[:, 1:] /= scale
    return found


def close(got: Any, want: np.ndarray, dtype: str) -> None:
    tol = TOLERANCE[dtype]
    np.testing.assert_allclose(got.double().detach().numpy(), want, rtol=tol, atol=tol)


SIZES = [
    (2, 3, 11, 13, (3, 2), 1.0),
    (1, 67, 9, 17, (7, 7), 0.25),
    (3, 2, 1, 1, (2, 2), 1.0),
    (1, 2, 20, 31, (1, 5), 2.0),
]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("samples", [0, 1, 2])
@pytest.mark.parametrize("size", SIZES)
def test_roi_align(size: Any, samples: int, aligned: bool, dtype: str) -> None:
    n, c, h, w, bins, scale = size
    x, rois = RNG.standard_normal((n, c, h, w)), regions(6, n, h, w, scale)
    tx, tr = plait.tensor(x, dtype=getattr(plait, dtype)), plait.tensor(rois, dtype=getattr(plait, dtype))
    if dtype in ("float16", "bfloat16"):
        x, rois = tx.double().numpy(), tr.double().numpy()
    elif dtype == "float32":
        rois = tr.double().numpy()  # how many samples there are may hang on the last bit
    close(
        _ops.roi_align(tx, tr, scale, *bins, samples, aligned),
        vision.roi_align(x, rois, scale, bins, samples, aligned),
        dtype,
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
def test_other_regions(size: Any, dtype: str) -> None:
    n, c, h, w, bins, scale = size
    t = getattr(plait, dtype)
    x, rois = RNG.standard_normal((n, c, h, w)), regions(6, n, h, w, scale)
    tr = plait.tensor(rois, dtype=t)
    rois = tr.double().numpy()
    y, index = _ops.roi_pool(plait.tensor(x, dtype=t), tr, scale, *bins)
    close(y, vision.roi_pool(x, rois, scale, bins), dtype)
    assert index.dtype == plait.int32
    taken = np.take_along_axis(
        x[rois[:, 0].astype(int)].reshape(6, c, -1), np.maximum(index.numpy(), 0).reshape(6, c, -1), 2
    )
    close(y, np.where(index.numpy() < 0, 0, taken.reshape(y.shape)), dtype)

    x = RNG.standard_normal((n, 2 * bins[0] * bins[1], h, w))
    tx = plait.tensor(x, dtype=t)
    for samples in (0, 2):
        y, channels = _ops.ps_roi_align(tx, tr, scale, *bins, samples)
        close(y, vision.roi_align(x, rois, scale, bins, samples, True, by_position=True), dtype)
    y, channels = _ops.ps_roi_pool(tx, tr, scale, *bins)
    close(y, vision.ps_roi_pool(x, rois, scale, bins), dtype)
    np.testing.assert_array_equal(channels[0].numpy(), np.arange(x.shape[1]).reshape(y.shape[1:]))
    assert channels.shape == y.shape and channels.dtype == plait.int32


REGION_OPS: dict[str, Callable[..., Any]] = {
    "roi_align": lambda x, r: _ops.roi_align(x, r, 0.5, 2, 3, 2, True),
    "roi_align, as many samples as cells": lambda x, r: _ops.roi_align(x, r, 0.5, 2, 3, -1, False),
    "roi_pool": lambda x, r: _ops.roi_pool(x, r, 0.5, 2, 3)[0],
    "ps_roi_align": lambda x, r: _ops.ps_roi_align(x, r, 0.5, 2, 3, 2)[0],
    "ps_roi_pool": lambda x, r: _ops.ps_roi_pool(x, r, 0.5, 2, 3)[0],
}


@pytest.mark.parametrize("name", REGION_OPS)
def test_region_gradients(name: str) -> None:
    x = plait.tensor(RNG.standard_normal((2, 6, 7, 9)), requires_grad=True)
    rois = plait.tensor(regions(7, 2, 7, 9, 0.5))
    rois[2, 3:] += 1
    assert gradcheck(lambda v: REGION_OPS[name](v, rois), (x,))
    if name != "roi_pool":
        assert gradgradcheck(lambda v: REGION_OPS[name](v, rois), (x,))
    none = REGION_OPS[name](x, rois[:0])
    assert none.shape[0] == 0
    none.sum().backward()
    assert x.grad is not None and not x.grad.any()


@pytest.mark.parametrize("name", REGION_OPS)
def test_regions_have_the_same_bits_at_any_number_of_threads(name: str) -> None:
    x = plait.tensor(RNG.standard_normal((2, 96, 20, 30)), dtype=plait.float32, requires_grad=True)
    rois = plait.tensor(regions(40, 2, 20, 30, 0.5), dtype=plait.float32)
    results = []
    threads = plait.get_num_threads()
    try:
        for n in (1, 2, 5):
            plait.set_num_threads(n)
            y = REGION_OPS[name](x, rois)
            results.append((y.detach().numpy(), plait.autograd.grad(y.nan_to_num().square().sum(), x)[0].numpy()))
    finally:
        plait.set_num_threads(threads)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_huge_regions_end() -> None:
    x, huge = plait.ones(1, 1, 4, 4), plait.tensor([[0.0, -1e30, -1e30, 1e30, 1e30], [0, 0, 0, float("inf"), 1]])
    assert _ops.roi_align(x, huge, 1.0, 2, 2, -1, False).shape == (2, 1, 2, 2)
    assert _ops.roi_pool(x, huge, 1.0, 2, 2)[0].shape == (2, 1, 2, 2)


def test_region_errors() -> None:
    x, rois = plait.zeros(2, 4, 5, 5), plait.zeros(3, 5)
    call = _ops.roi_align
    for error, pattern, args in [
        (ValueError, "rois of shape", (x, plait.zeros(3, 4), 1.0, 2, 2, 2, False)),
        (ValueError, "input of shape", (x[0], rois, 1.0, 2, 2, 2, False)),
        (TypeError, "one dtype", (x, rois.double(), 1.0, 2, 2, 2, False)),
        (TypeError, "floating-point", (x.int(), rois.int(), 1.0, 2, 2, 2, False)),
        (ValueError, "pooled size", (x, rois, 1.0, 0, 2, 2, False)),
        (ValueError, "sampling_ratio", (x, rois, 1.0, 2, 2, 2**62, False)),
        (IndexError, "batch size 2, got 2 in row 0", (x, rois + 2, 1.0, 2, 2, 2, False)),
        (IndexError, "got -1", (x, rois - 1, 1.0, 2, 2, 2, False)),
        (IndexError, "got nan", (x, rois * float("nan"), 1.0, 2, 2, 2, False)),
    ]:
        with pytest.raises(error, match=pattern):
            call(*args)
    with pytest.raises(ValueError, match="channels that the number of bins divides"):
        _ops.ps_roi_pool(x, rois, 1.0, 3, 1)
    with pytest.raises(ValueError, match="grad of shape"):
        _ops.roi_align_backward(x, rois, 1.0, 2, 2, 2, 4, 5, 5, 2, False)
    with pytest.raises(IndexError, match="argmax below"):
        _ops.roi_pool_backward(
            plait.zeros(3, 4, 2, 2), rois, plait.full((3, 4, 2, 2), 25, dtype=plait.int32), 1.0, 2, 2, 2, 4, 5, 5
        )


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("n", [0, 1, 2, 17, 131])
def test_nms(n: int, dtype: str) -> None:
    corners = np.round(RNG.uniform(0, 60, (n, 2)))
    boxes = np.concatenate([corners, corners + np.round(RNG.uniform(0, 30, (n, 2)))], 1)  # whole: no rounding
    scores = np.round(RNG.uniform(0, 1, n), 1)  # many are equal
    t = getattr(plait, dtype)
    for threshold in (0.0, 0.3, 0.5, 1.0):
        got = _ops.nms(plait.tensor(boxes, dtype=t), plait.tensor(scores, dtype=t), threshold)
        assert got.dtype == plait.int64
        if dtype == "float64":
            assert got.tolist() == vision.nms(boxes, scores, threshold)
        else:
            rounded = plait.tensor(scores, dtype=t).double().numpy()
            assert got.tolist() == vision.nms(boxes, rounded, threshold)


def test_nms_thresholds_are_exact() -> None:
    boxes = plait.tensor([[0.0, 0, 2, 1], [1, 0, 3, 1], [0, 0, 1, 1]])  # overlaps of 1/3 and 1/2 with the first
    scores = plait.tensor([3.0, 2, 1])
    assert _ops.nms(boxes, scores, 0.5).tolist() == [0, 1, 2]
    assert _ops.nms(boxes, scores, 0.49999999).tolist() == [0, 1]
    assert _ops.nms(boxes.double(), scores.double(), 1 / 3).tolist() == [0, 1]
    with pytest.raises(ValueError, match="boxes of shape"):
        _ops.nms(boxes[:, :3], scores, 0.5)
    with pytest.raises(ValueError, match="score for each box"):
        _ops.nms(boxes, scores[:2], 0.5)
    with pytest.raises(TypeError, match="one floating-point dtype"):
        _ops.nms(boxes, scores.double(), 0.5)


# batch, channels, height, width, out channels, kernel, stride, pad, dilation, groups, offset groups, mask
DEFORM = [
    (2, 4, 5, 6, 6, (3, 3), 1, 1, 1, 1, 1, True),
    (1, 4, 6, 5, 6, (3, 2), 2, 2, 1, 2, 2, True),
    (2, 3, 7, 6, 3, (2, 3), 1, 0, 2, 3, 1, False),
    (1, 4, 3, 3, 2, (1, 1), 1, 0, 1, 1, 4, True),
]


def deform_arguments(case: Any) -> tuple[list[np.ndarray], tuple[Any, ...]]:
    n, c, h, w, o, (kh, kw), stride, pad, dilation, groups, offset_groups, masked = case
    out = [(s + 2 * pad - dilation * (k - 1) - 1) // stride + 1 for s, k in ((h, kh), (w, kw))]
    taps = offset_groups * kh * kw
    shapes = [(n, c, h, w), (o, c // groups, kh, kw), (n, 2 * taps, *out), (n, taps, *out) if masked else (n, 1), (o,)]
    arrays = [RNG.standard_normal(s) for s in shapes]
    return arrays, (stride, stride, pad, pad, dilation, dilation, groups, offset_groups, masked)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", DEFORM)
def test_deform_conv2d(case: Any, dtype: str) -> None:
    arrays, args = deform_arguments(case)
    arrays[2] *= 2
    got = _ops.deform_conv2d(*(plait.tensor(a, dtype=getattr(plait, dtype)) for a in arrays), *args)
    x, weight, offset, mask, bias = arrays
    want = vision.deform_conv2d(
        x, weight, offset, mask if args[-1] else None, bias, *args[:1], args[2], args[4], *args[6:8]
    )
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-5 if dtype == "float32" else 1e-12, atol=2e-5)


@pytest.mark.parametrize("case", DEFORM)
def test_deform_conv2d_gradients(case: Any) -> None:
    arrays, args = deform_arguments(case)
    tensors = [plait.tensor(a, requires_grad=True) for a in arrays]
    masked = args[-1]
    inputs = tensors if masked else [*tensors[:3], tensors[4]]
    rebuild = (lambda *t: t) if masked else (lambda x, w, o, b: (x, w, o, tensors[3], b))
    assert gradcheck(lambda *t: _ops.deform_conv2d(*rebuild(*t), *args), tuple(inputs))
    y = _ops.deform_conv2d(*tensors, *args)
    g = plait.randn_like(y)
    by_op = _ops.deform_conv2d_backward(g, *(t.detach() for t in tensors), *args)
    for a, b in zip(by_op, plait.autograd.grad(y, tensors, g, allow_unused=True), strict=True):
        plait.testing.assert_close(a, plait.zeros_like(a) if b is None else b)


def test_deform_conv2d_has_the_same_bits_at_any_number_of_threads() -> None:
    arrays, args = deform_arguments((2, 32, 20, 20, 16, (3, 3), 1, 1, 1, 2, 2, True))
    tensors = [plait.tensor(a, dtype=plait.float32, requires_grad=True) for a in arrays]
    results = []
    threads = plait.get_num_threads()
    try:
        for n in (1, 2, 5):
            plait.set_num_threads(n)
            y = _ops.deform_conv2d(*tensors, *args)
            results.append([y.detach(), *plait.autograd.grad(y.square().sum(), tensors)])
    finally:
        plait.set_num_threads(threads)
    for other in results[1:]:
        assert all(plait.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_deform_conv2d_far_away_and_errors() -> None:
    x, weight, bias = plait.full((1, 1, 3, 3), float("inf")), plait.ones(1, 1, 1, 1), plait.zeros(1)
    args = (1, 1, 0, 0, 1, 1, 1, 1, False)
    none = plait.zeros(1, 1)
    for far in (1e30, -1e30, 3.0, -1.0, float("nan")):
        y = _ops.deform_conv2d(x, weight, plait.full((1, 2, 3, 3), far), none, bias, *args)
        assert not (y[0, 0, 0, 0]).any()
    with pytest.raises(ValueError, match="offset of shape"):
        _ops.deform_conv2d(x, weight, plait.zeros(1, 2, 3, 2), none, bias, *args)
    with pytest.raises(ValueError, match="mask of shape"):
        _ops.deform_conv2d(x, weight, plait.zeros(1, 2, 3, 3), none, bias, *args[:-1], True)
    with pytest.raises(ValueError, match="in_channels / groups"):
        _ops.deform_conv2d(x, plait.ones(1, 2, 1, 1), plait.zeros(1, 2, 3, 3), none, bias, *args)
    with pytest.raises(ValueError, match="stride"):
        _ops.deform_conv2d(x, weight, plait.zeros(1, 2, 3, 3), none, bias, 0, *args[1:])
    with pytest.raises(TypeError, match="one dtype"):
        _ops.deform_conv2d(x, weight.double(), plait.zeros(1, 2, 3, 3), none, bias, *args)


def test_rotated_boxes() -> None:
    from plait.compat.operators.torchvision import box_iou_rotated

    square = plait.tensor([[0.0, 0, 2, 2, 0]])
    others = plait.tensor(
        [[0.0, 0, 2, 2, 0], [1, 0, 2, 2, 90], [0, 0, 2, 2, 45], [5, 5, 2, 2, 30], [0, 0, 0, 2, 0], [0, 0, 1, 1, 10]]
    )
    octagon = 8 * (2**0.5 - 1)  # of two squares, one turned by half of a right angle
    want = [1, 1 / 3, octagon / (8 - octagon), 0, 0, 1 / 4]
    np.testing.assert_allclose(box_iou_rotated(square, others)[0].numpy(), want, rtol=1e-6)
    np.testing.assert_allclose(box_iou_rotated(others, square)[:, 0].numpy(), want, rtol=1e-6)
    assert box_iou_rotated(square[:0], others).shape == (0, 6)
    rising = plait.tensor([[0.0, 0, 8, 2, 45]])  # to the upper right: y points down
    ends = plait.tensor([[2.0, -2, 0.5, 0.5, 0], [2, 2, 0.5, 0.5, 0]])
    np.testing.assert_allclose(box_iou_rotated(rising, ends)[0].numpy(), [0.25 / 16, 0], rtol=1e-6)


def test_the_device_meta() -> None:
    x, rois = plait.empty(2, 8, 5, 5, device="meta", requires_grad=True), plait.empty(3, 5, device="meta")
    for y in (_ops.roi_align(x, rois, 1.0, 2, 2, 2, False), *_ops.roi_pool(x, rois, 1.0, 2, 2)):
        assert y.is_meta and y.shape == (3, 8, 2, 2)
    for y in (*_ops.ps_roi_align(x, rois, 1.0, 2, 2, 2), *_ops.ps_roi_pool(x, rois, 1.0, 2, 2)):
        assert y.is_meta and y.shape == (3, 2, 2, 2)
    assert plait.autograd.grad(_ops.roi_pool(x, rois, 1.0, 2, 2)[0].sum(), x)[0].shape == x.shape
    others = [plait.empty(s, device="meta", requires_grad=True) for s in ((4, 8, 3, 3), (2, 18, 3, 3), (2, 1), (4,))]
    y = _ops.deform_conv2d(x, *others, 1, 1, 0, 0, 1, 1, 1, 1, False)
    assert y.is_meta and y.shape == (2, 4, 3, 3)
    grads = plait.autograd.grad(y.sum(), [x, others[0], others[1]])
    assert [g.shape for g in grads] == [x.shape, others[0].shape, others[1].shape]
    with pytest.raises(NotImplementedError, match="device meta"):
        _ops.nms(plait.empty(3, 4, device="meta"), plait.empty(3, device="meta"), 0.5)
