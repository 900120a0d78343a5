# SPDX-License-Identifier: MIT
"""2-D convolutions, forward."""

from __future__ import annotations

from typing import Any

from . import Case, Data, workload


def _conv(torch: Any, data: Data, x: tuple[int, ...], w: tuple[int, ...], **options: int) -> Case:
    image, weight, bias = data.normal(*x), data.normal(*w), data.normal(w[0])
    return Case(lambda: torch.nn.functional.conv2d(image, weight, bias, **options))


@workload("op", "conv 3x3, 64->64, 16 x 56 x 56", flops=2 * 16 * 56 * 56 * 64 * 64 * 9)
def conv_3x3(torch: Any, data: Data) -> Case:
    return _conv(torch, data, (16, 64, 56, 56), (64, 64, 3, 3), padding=1)


@workload("op", "conv 1x1, 256->256, 16 x 28 x 28", flops=2 * 16 * 28 * 28 * 256 * 256)
def conv_1x1(torch: Any, data: Data) -> Case:
    return _conv(torch, data, (16, 256, 28, 28), (256, 256, 1, 1))


@workload("op", "conv 7x7/2, 3->64, 8 x 224 x 224", flops=2 * 8 * 112 * 112 * 64 * 3 * 49)
def conv_7x7(torch: Any, data: Data) -> Case:
    return _conv(torch, data, (8, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3)


@workload("op", "conv 3x3 depthwise, 128, 16 x 56 x 56", traffic=8 * 16 * 128 * 56 * 56)
def conv_depthwise(torch: Any, data: Data) -> Case:
    return _conv(torch, data, (16, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128)
