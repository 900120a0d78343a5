# SPDX-License-Identifier: MIT
"""Winograd's algorithm: its rounding error against a direct float32 sum. How algorithms are forced and reported."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import plait

F = plait.nn.functional


def correlate(x: np.ndarray, w: np.ndarray, pad: int) -> np.ndarray:
    """Direct sums in the dtype of x, in order of channels and taps."""
    x = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    h, width = x.shape[2] - 2, x.shape[3] - 2
    y = np.zeros((x.shape[0], w.shape[0], h, width), x.dtype)
    for c in range(x.shape[1]):
        for i in range(3):
            for j in range(3):
                y += w[:, c, i, j, None, None] * x[:, None, c, i : i + h, j : j + width]
    return y


def correlate_positions(x: np.ndarray, gy: np.ndarray, pad: int) -> np.ndarray:
    """The weights' gradient by direct sums in the dtype of x, in order of images and positions."""
    x = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    gw = np.zeros((gy.shape[1], x.shape[1], 3, 3), x.dtype)
    for n in range(x.shape[0]):
        for i in range(gy.shape[2]):
            for j in range(gy.shape[3]):
                gw += gy[n, :, i, j, None, None, None] * x[n, None, :, i : i + 3, j : j + 3]
    return gw


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def test_error_of_winograd() -> None:
    """At most 8 times that of a direct sum; measured: 1.5 to 2.4 times."""
    rng = np.random.default_rng(0)
    for n, channels, size, pad in (
        (4, 64, (16, 16), 1),
        (8, 48, (13, 18), 0),
        (2, 160, (12, 9), 2),
        (40, 24, (16, 16), 1),
    ):
        x = rng.standard_normal((n, channels, *size)).astype(np.float32)
        w = rng.standard_normal((channels + 3, channels, 3, 3)).astype(np.float32)
        image, weight = plait.tensor(x, requires_grad=True), plait.tensor(w, requires_grad=True)
        y = F.conv2d(image, weight, padding=pad)
        gy = rng.standard_normal(y.shape).astype(np.float32)
        y.backward(plait.tensor(gy))

        exact = correlate(x.astype(np.float64), w.astype(np.float64), pad)
        assert rms(y.detach().numpy() - exact) <= 8 * rms(correlate(x, w, pad) - exact)
        flipped = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        exact = correlate(gy.astype(np.float64), flipped.astype(np.float64), 2 - pad)
        assert rms(image.grad.numpy() - exact) <= 8 * rms(correlate(gy, flipped, 2 - pad) - exact)
        exact = correlate_positions(x.astype(np.float64), gy.astype(np.float64), pad)
        assert rms(weight.grad.numpy() - exact) <= 8 * rms(correlate_positions(x, gy, pad) - exact)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("size", "stride"), [(2, 1), (3, 1), (4, 1), (5, 1), (3, 2), (4, 2), (5, 2), (7, 2)])
def test_other_kernels(size: int, stride: int, transposed: bool) -> None:
    """Kernels of 2 x 2 to 5 x 5 taps and strides of two: float32 against float64, which sums directly.

    Measured: at most 1.4e-6 of the root of mean squares.
    """
    rng = np.random.default_rng(size)
    conv = F.conv_transpose2d if transposed else F.conv2d
    image = rng.standard_normal((6, 32, 19, 27)).astype(np.float32)
    kernel = rng.standard_normal((32, 32, size, size)).astype(np.float32)
    bias = rng.standard_normal(32).astype(np.float32)
    results = []
    for dtype in (plait.float32, plait.float64):
        x, w, b = (plait.tensor(a, dtype=dtype, requires_grad=True) for a in (image, kernel, bias))
        y = conv(x, w, b, stride=stride, padding=size // 2)
        y.backward(plait.tensor(np.random.default_rng(0).standard_normal(y.shape), dtype=dtype))
        results.append([t.detach().numpy() for t in (y, x.grad, w.grad)])
    for single, double in zip(*results, strict=True):
        assert rms(single - double) <= 3e-6 * rms(double)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("dilation", "pad"), [(2, 2), ((2, 3), (1, 3)), (3, 0), ((4, 5), (4, 7))])
def test_dilated_kernels(dilation: int | tuple[int, int], pad: int | tuple[int, int], transposed: bool) -> None:
    """The parts between which a dilation does not mix: float32 against float64, which sums directly.

    Measured: at most 1.4e-6 of the root of mean squares.
    """
    rng = np.random.default_rng(0)
    conv = F.conv_transpose2d if transposed else F.conv2d
    image, kernel = rng.standard_normal((3, 40, 23, 26)), rng.standard_normal((40, 40, 3, 3))
    results = []
    for dtype in (plait.float32, plait.float64):
        x, w = (plait.tensor(a, dtype=dtype, requires_grad=True) for a in (image, kernel))
        y = conv(x, w, dilation=dilation, padding=pad)
        y.backward(plait.tensor(np.random.default_rng(0).standard_normal(y.shape), dtype=dtype))
        results.append([t.detach().numpy() for t in (y, x.grad, w.grad)])
    for single, double in zip(*results, strict=True):
        assert rms(single - double) <= 3e-6 * rms(double)


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env=os.environ | environment
    )


def test_forced_and_reported() -> None:
    """PLAIT_CONV forces an algorithm where it applies, PLAIT_VERBOSE=1 reports each distinct convolution once."""
    program = """
import plait
x, w = plait.ones(2, 3, 8, 8), plait.ones(20, 3, 3, 3)
for _ in range(3):
    plait.conv2d(x, w, padding=1)
plait.conv2d(x, plait.ones(20, 3, 1, 1))
"""
    lines = run(program, PLAIT_CONV="direct", PLAIT_VERBOSE="1").stderr.splitlines()
    assert lines == [
        "plait: conv forward f32 direct: x (2, 3, 8, 8), w (20, 3, 3, 3), y (2, 20, 8, 8), padding 1x1",
        "plait: conv forward f32 direct: x (2, 3, 8, 8), w (20, 3, 1, 1), y (2, 20, 8, 8)",
    ]
    lines = run(program, PLAIT_CONV="gemm_1x1", PLAIT_VERBOSE="1").stderr.splitlines()
    assert " gemm_1x1:" not in lines[0] and " gemm_1x1:" in lines[1]
    assert run(program, PLAIT_CONV="", PLAIT_VERBOSE="").stderr == ""


def test_unknown_algorithm() -> None:
    result = run("import plait; plait.conv1d(plait.ones(1, 1, 3), plait.ones(1, 1, 2))", PLAIT_CONV="fft")
    assert result.returncode == 1
    assert "ArgumentError: PLAIT_CONV: expected one of gemm_1x1, " in result.stderr and "'fft'" in result.stderr
