# SPDX-License-Identifier: MIT
"""Forms of dropout with ``train`` in place of ``training``, as they stand beside ``plait.dropout``."""

from __future__ import annotations

from . import _core
from ._arguments import explains_arguments
from ._core import ArgumentError, Tensor
from .nn.functional import alpha_dropout, dropout, feature_alpha_dropout
from .nn.functional._common import check_probability
from .nn.functional.channel_dropout import _channel_mask, _drop_channels

__all__ = ["alpha_dropout_", "feature_alpha_dropout_", "feature_dropout", "feature_dropout_", "native_dropout"]


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """The in-place form of :func:`plait.nn.functional.alpha_dropout`, with ``input``, ``p`` and ``train`` as there."""
    return alpha_dropout(input, p, train, inplace=True)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """The in-place form of ``feature_alpha_dropout``, with ``input``, ``p`` and ``train`` as there."""
    return feature_alpha_dropout(input, p, train, inplace=True)


def _feature_dropout(input: Tensor, p: float, train: bool, inplace: bool) -> Tensor:
    check_probability("feature_dropout", p)
    if train and p > 0 and input.dim() < 2:
        raise ArgumentError(f"feature_dropout: expected (N, C, ...), got {tuple(input.shape)}")
    return _drop_channels(input, _channel_mask(input, min(2, input.dim())), p, train, inplace)


@explains_arguments
def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Zero whole channels of (N, C, ...) with probability ``p``; scale the others by 1 / (1 - p).

    Args:
        input: floating point, of at least 2 dimensions.
        p: probability of a channel to be zeroed.
        train: whether anything is dropped.

    Returns:
        The shape of ``input``.

    Raises:
        ValueError: no probability; fewer than 2 dimensions.

    Example:
        >>> import plait
        >>> plait.feature_dropout(plait.ones(2, 3, 4), 0.5, True).std(-1).max()
        tensor(0.)
    """
    return _feature_dropout(input, p, train, inplace=False)


@explains_arguments
def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """The in-place form of :func:`feature_dropout`, with ``input``, ``p`` and ``train`` as there."""
    return _feature_dropout(input, p, train, inplace=True)


@explains_arguments
def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """Dropout, and what it kept.

    Args:
        input: floating point.
        p: probability of an element to be zeroed.
        train: whether anything is dropped.

    Returns:
        The result and a bool tensor, True where an element was kept; both of the shape of ``input``.

    Raises:
        ValueError: no probability.

    Example:
        >>> import plait
        >>> plait.native_dropout(plait.ones(2), 0.5, False)
        (tensor([1., 1.]), tensor([True, True]))
    """
    kept = dropout(_core.ones_like(input.detach()), p, bool(train))
    return (input * kept if train else input.clone()), kept != 0
