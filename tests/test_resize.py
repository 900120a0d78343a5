# SPDX-License-Identifier: MIT
"""Resizing along an axis against the matrix of its weights; sampling of images against the composed formula."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import plait
import plait.nn.functional as F
from plait.autograd import gradgradcheck

F64 = plait.float64
SIZES = [(1, 1), (1, 5), (5, 1), (7, 3), (3, 7), (16, 16), (33, 100), (100, 33), (1500, 90), (90, 1500)]


def cubic(d: float, a: float) -> float:
    d = abs(d)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def weights(old: int, new: int, mode: str, align: bool, antialias: bool) -> np.ndarray:
    """(new, old)"""
    step = old / new
    if align:
        step = (old - 1) / (new - 1) if new > 1 else 0.0
    matrix = np.zeros((new, old))
    for i in range(new):
        if antialias:
            stretch, center = max(step, 1.0), (i + 0.5) * step
            radius = stretch * (2 if mode == "bicubic" else 1)
            for j in range(max(int(center - radius + 0.5), 0), min(int(center + radius + 0.5), old)):
                d = (j - center + 0.5) / stretch
                matrix[i, j] = cubic(d, -0.5) if mode == "bicubic" else max(0.0, 1 - abs(d))
            matrix[i] /= matrix[i].sum()
            continue
        place = i * step if align else (i + 0.5) * step - 0.5
        taps = (-1, 0, 1, 2) if mode == "bicubic" else (0, 1)
        if mode != "bicubic":
            place = max(place, 0.0)
        left = int(np.floor(place))
        for k in taps:
            share = cubic(place - left - k, -0.75) if mode == "bicubic" else 1 - abs(place - left - k)
            matrix[i, min(max(left + k, 0), old - 1)] += share
    return matrix


CASES = [
    ("bilinear", False, False),
    ("bilinear", True, False),
    ("bicubic", False, False),
    ("bicubic", True, False),
    ("bilinear", False, True),
    ("bicubic", False, True),
]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("mode, align, antialias", CASES)
def test_an_axis_is_multiplied_by_its_weights(mode: str, align: bool, antialias: bool, sizes: tuple[int, int]) -> None:
    old, new = sizes
    matrix = weights(old, new, mode, align, antialias)
    for shape, axis in (((2, 3, old, 4), 2), ((1, 1, old, 37), 2), ((2, 11, 2, old), 3)):
        x = plait.randn(shape, dtype=F64, requires_grad=True)
        size = tuple(new if d == axis else shape[d] for d in (2, 3))
        y = F.interpolate(x, size=size, mode=mode, align_corners=align, antialias=antialias)
        want = np.moveaxis(np.moveaxis(x.detach().numpy(), axis, -1) @ matrix.T, -1, axis)
        np.testing.assert_allclose(y.detach().numpy(), want, rtol=1e-9, atol=1e-9)
        g = plait.randn(y.shape, dtype=F64)
        y.backward(g)
        want = np.moveaxis(np.moveaxis(g.numpy(), axis, -1) @ matrix, -1, axis)
        np.testing.assert_allclose(x.grad.numpy(), want, rtol=1e-9, atol=1e-9)
        single = F.interpolate(x.detach().float(), size=size, mode=mode, align_corners=align, antialias=antialias)
        assert (single.double() - y.detach()).abs().max() < 2e-5


@pytest.mark.parametrize("mode, align, antialias", CASES)
def test_layouts_and_second_derivatives(mode: str, align: bool, antialias: bool) -> None:
    options = {"size": (5, 9), "mode": mode, "align_corners": align, "antialias": antialias}
    x = plait.randn(2, 3, 8, 6, dtype=F64)
    want = F.interpolate(x, **options)
    for other in (x.contiguous(memory_format=plait.channels_last), x.transpose(2, 3).contiguous().transpose(2, 3)):
        assert plait.equal(F.interpolate(other, **options), want)
    assert gradgradcheck(lambda t: F.interpolate(t, **options), [x.requires_grad_()])


@pytest.mark.parametrize("mode, align, antialias", CASES)
@pytest.mark.parametrize("sizes", [(5, 9), (30, 8), (64, 5), (400, 7), (9, 70)], ids=str)
def test_bytes_are_rounded_once_for_an_axis(mode: str, align: bool, antialias: bool, sizes: tuple[int, int]) -> None:
    """Weights are 16-bit integers in units of a power of two; a wide filter's sums are not exact in float32."""
    old, new = sizes
    matrix = weights(old, new, mode, align, antialias)
    bits = next(b for b in range(22) if b == 21 or int(0.5 + matrix.max() * 2 ** (b + 1)) >= 2**15)
    whole = (np.sign(matrix) * np.floor(np.abs(matrix) * 2**bits + 0.5)).astype(np.int64)
    rng = np.random.default_rng(0)
    for shape, axis in (((2, 3, old, 21), 2), ((1, 35, 2, old), 3)):
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        out = (np.moveaxis(image.astype(np.int64), axis, -1) @ whole.T + 2 ** (bits - 1)) >> bits
        size = tuple(new if d == axis else shape[d] for d in (2, 3))
        found = F.interpolate(plait.tensor(image), size=size, mode=mode, align_corners=align, antialias=antialias)
        np.testing.assert_array_equal(found.numpy(), np.moveaxis(np.clip(out, 0, 255), -1, axis))


@pytest.mark.parametrize("align, padding", itertools.product((False, True), ("zeros", "border", "reflection")))
def test_samples_with_and_without_gradients_of_their_places(align: bool, padding: str) -> None:
    """Where places have no gradient one kernel takes the samples; where they have, ops are composed."""
    for shape, n in (((2, 3, 5, 7), 2), ((1, 1, 1, 1), 1), ((3, 2, 1, 9), 3)):
        image = plait.randn(shape, dtype=F64, requires_grad=True)
        grid = plait.rand(n, 4, 6, 2, dtype=F64) * 3 - 1.5
        fused = F.grid_sample(image, grid, "bilinear", padding, align)
        composed = F.grid_sample(image, grid.clone().requires_grad_(), "bilinear", padding, align)
        assert plait.allclose(fused, composed, rtol=1e-12, atol=1e-12)
        g = plait.randn(fused.shape, dtype=F64)
        (a,) = plait.autograd.grad(fused, image, g)
        (b,) = plait.autograd.grad(composed, image, g)
        assert plait.allclose(a, b, rtol=1e-12, atol=1e-12)
    assert gradgradcheck(lambda t: F.grid_sample(t, grid, "bilinear", padding, align), [image])


def test_the_same_bits_on_several_threads() -> None:
    image, volume = plait.randn(3, 5, 300, 200), (plait.rand(2, 3, 200, 500) * 255).to(plait.uint8)
    grid = plait.rand(3, 100, 90, 2) * 2 - 1

    def results() -> list[plait.Tensor]:
        x = image.clone().requires_grad_()
        y = F.interpolate(x, (77, 431), mode="bilinear", antialias=True)
        z = F.grid_sample(x, grid, align_corners=False)
        (y.square().sum() + z.square().sum()).backward()
        return [y.detach(), z.detach(), x.grad, F.interpolate(volume, (77, 99), mode="bicubic", antialias=True)]

    before = plait.get_num_threads()
    try:
        plait.set_num_threads(1)
        one = results()
        plait.set_num_threads(3)
        assert all(plait.equal(a, b) for a, b in zip(one, results()))
    finally:
        plait.set_num_threads(before)
