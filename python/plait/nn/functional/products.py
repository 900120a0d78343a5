# SPDX-License-Identifier: MIT
"""Products with another layout than ``conv1d`` has."""

from __future__ import annotations

from ..._core import Tensor, _nn

__all__ = ["conv_tbc"]


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """1-D convolution of (time, batch, channels) with a weight (kernel, in channels, out channels).

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.conv_tbc(plait.ones(5, 2, 3), plait.ones(3, 3, 4), plait.zeros(4)).shape
        plait.Size([3, 2, 4])
    """
    out = _nn.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, 1, pad)
    return out.permute(2, 0, 1)
