# SPDX-License-Identifier: MIT
"""Dropout of whole channels, and the forms that keep mean and variance."""

from __future__ import annotations

from ..._core import ArgumentError, Tensor
from ..._warn import warn_user
from ._common import check_probability

__all__ = ["alpha_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

# The negative limit of SELU with its self-normalising constants (Klambauer et al. 2017).
_SELU_LIMIT = -1.7580993408473766


def _channel_mask(input: Tensor, channels_from: int) -> tuple[int, ...]:
    """Shape of a mask with one entry per channel: the leading dimensions, then ones."""
    return (*input.shape[:channels_from], *(1,) * (input.dim() - channels_from))


def _drop_channels(input: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool) -> Tensor:
    if not training or p == 0.0:
        return input
    if p == 1.0:
        return input.mul_(0) if inplace else input * 0
    mask = input.new_empty(shape).bernoulli_(1.0 - p).div_(1.0 - p)
    return input.mul_(mask) if inplace else input * mask


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of (N, C, L) or (C, L) with probability ``p``; scale the others by 1 / (1 - p).

    Raises:
        ValueError: if ``p`` is no probability, or the input has neither 2 nor 3 dimensions.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.dropout1d(plait.ones(2, 3, 4)).shape
        plait.Size([2, 3, 4])
    """
    check_probability("dropout1d", p)
    if input.dim() not in (2, 3):
        raise ArgumentError(f"dropout1d: expected (N, C, L) or (C, L), got {tuple(input.shape)}")
    return _drop_channels(input, _channel_mask(input, input.dim() - 1), p, training, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of (N, C, H, W) with probability ``p``; scale the others by 1 / (1 - p).

    The first two dimensions are taken for batch and channels, so a 2-D input (N, C) is dropped element by
    element, as programs that put this behind a linear layer expect; a 3-D input is taken for (N, C, L).
    Other inputs than 3-D and 4-D warn.

    Args:
        input: floating point.
        p: probability of a channel to be zeroed. Default: 0.5.
        training: whether anything is dropped. Default: ``True``.
        inplace: whether ``input`` is overwritten. Default: ``False``.

    Raises:
        ValueError: if ``p`` is no probability.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> y = F.dropout2d(plait.ones(2, 3, 4, 4), 0.5)
        >>> sorted(set(y.flatten(2).std(-1).flatten().tolist()))
        [0.0]
    """
    check_probability("dropout2d", p)
    if input.dim() not in (3, 4):
        warn_user(
            f"dropout2d: expected (N, C, H, W), got {input.dim()} dimensions; the first two are taken "
            "for batch and channels. Use dropout for inputs without spatial dimensions."
        )
    return _drop_channels(input, _channel_mask(input, min(2, input.dim())), p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of (N, C, D, H, W) or (C, D, H, W) with probability ``p``; scale the others.

    Raises:
        ValueError: if ``p`` is no probability.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.dropout3d(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 4, 4, 4])
    """
    check_probability("dropout3d", p)
    if input.dim() not in (4, 5):
        warn_user(
            f"dropout3d: expected (N, C, D, H, W) or (C, D, H, W), got {input.dim()} dimensions; the first two "
            "are taken for batch and channels"
        )
    channels_from = 1 if input.dim() == 4 else min(2, input.dim())
    return _drop_channels(input, _channel_mask(input, channels_from), p, training, inplace)


def _alpha_dropout(input: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool) -> Tensor:
    """Set dropped entries to SELU's lower limit s = -scale * alpha, then restore mean 0 and variance 1.

    y = a * (x * mask + s * (1 - mask)) + b, with a = ((1 - p) * (1 + p * s ** 2)) ** -0.5, b = -a * p * s.
    """
    if not training or p == 0.0:
        return input
    if p == 1.0:
        return input.mul_(0) if inplace else input * 0
    a = ((1 - p) * (1 + p * _SELU_LIMIT**2)) ** -0.5
    mask = input.new_empty(shape).bernoulli_(1.0 - p)
    shift = (1 - mask) * (a * _SELU_LIMIT) + (-a * p * _SELU_LIMIT)
    return input.mul_(mask * a).add_(shift) if inplace else input * (mask * a) + shift


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean 0 and variance 1, for networks with SELU (Klambauer et al. 2017).

    Raises:
        ValueError: if ``p`` is no probability.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.alpha_dropout(plait.ones(2), training=False)
        tensor([1., 1.])
    """
    check_probability("alpha_dropout", p)
    return _alpha_dropout(input, tuple(input.shape), p, training, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """As :func:`alpha_dropout`, for whole channels of (N, C, ...).

    Raises:
        ValueError: if ``p`` is no probability, or in training the input has fewer than 2 dimensions.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.feature_alpha_dropout(plait.ones(2, 3, 4)).shape
        plait.Size([2, 3, 4])
    """
    check_probability("feature_alpha_dropout", p)
    if not training or p == 0.0:
        return input
    if input.dim() < 2:
        raise ArgumentError(f"feature_alpha_dropout: expected (N, C, ...), got {tuple(input.shape)}")
    return _alpha_dropout(input, _channel_mask(input, 2), p, training, inplace)
