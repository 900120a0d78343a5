# SPDX-License-Identifier: MIT
"""Dropout. In evaluation mode every one of these returns its input."""

from __future__ import annotations

from ..._core import Tensor
from .. import functional as F
from ._arguments import Fraction, checks_arguments
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    p: float
    inplace: bool

    @checks_arguments
    def __init__(self, p: Fraction = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """In training, zero every element with probability ``p`` and scale the others by 1 / (1 - p).

    Args:
        p: probability of an element to be zeroed. Default: 0.5.
        inplace: whether the input is overwritten. Default: ``False``.

    Raises:
        ValueError: if ``p`` is no probability.

    Source: Hinton et al. 2012.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Dropout(0.2).eval()(plait.ones(3)).tolist()
        [1.0, 1.0, 1.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """In training, zero whole channels of (N, C, L) or (C, L); arguments as for :class:`Dropout`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> y = nn.Dropout1d(0.5)(plait.ones(1, 8, 2))
        >>> sorted(set(y.flatten().tolist()))  # a channel is dropped as a whole, or doubled
        [0.0, 2.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """In training, zero whole channels of (N, C, H, W) (Tompson et al. 2014).

    A 2-D input (N, C) is dropped element by element. Arguments as for :class:`Dropout`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> y = nn.Dropout2d(0.5)(plait.ones(1, 8, 2, 2))
        >>> sorted(set(y.flatten().tolist()))  # a channel is dropped as a whole, or doubled
        [0.0, 2.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """In training, zero whole channels of (N, C, D, H, W) or (C, D, H, W); see :class:`Dropout`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> y = nn.Dropout3d(0.5)(plait.ones(1, 8, 2, 2, 2))
        >>> sorted(set(y.flatten().tolist()))  # a channel is dropped as a whole, or doubled
        [0.0, 2.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout that keeps mean 0 and variance 1, for networks with SELU (Klambauer et al. 2017).

    Arguments as for :class:`Dropout`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.AlphaDropout(0.5).eval()(plait.ones(2))
        tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """:class:`AlphaDropout` of whole channels of (N, C, ...)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training)
