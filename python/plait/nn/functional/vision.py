# SPDX-License-Identifier: MIT
"""Rearranging pixels and channels; patches of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ... import _core
from ..._core import ArgumentError, Tensor, _nn
from ._common import tuple_of

__all__ = ["channel_shuffle", "fold", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "unfold"]

IntOrInts = int | Sequence[int]


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(..., C * r * r, H, W) to (..., C, H * r, W * r) for r = ``upscale_factor`` (Shi et al. 2016).

    Raises:
        ValueError: if the input has fewer than 3 dimensions or its channels are no multiple of r * r.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> tuple(F.pixel_shuffle(plait.zeros(1, 8, 3, 3), 2).shape)
        (1, 2, 6, 6)
    """
    r = upscale_factor
    if input.dim() < 3:
        raise ArgumentError(f"pixel_shuffle: expected (..., C, H, W), got {tuple(input.shape)}")
    if r <= 0:
        raise ArgumentError(f"pixel_shuffle: expected upscale_factor > 0, got {r}")
    *lead, channels, height, width = input.shape
    if channels % (r * r):
        raise ArgumentError(f"pixel_shuffle: expected a multiple of {r * r} channels, got {channels}")
    split = input.reshape(math.prod(lead), channels // (r * r), r, r, height, width).permute(0, 1, 4, 2, 5, 3)
    return split.reshape(*lead, channels // (r * r), height * r, width * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(..., C, H * r, W * r) to (..., C * r * r, H, W), the inverse of :func:`pixel_shuffle`.

    Raises:
        ValueError: if the input has fewer than 3 dimensions or its height or width is no multiple of r.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.pixel_unshuffle(plait.ones(1, 1, 4, 6), 2).shape
        plait.Size([1, 4, 2, 3])
    """
    r = downscale_factor
    if input.dim() < 3:
        raise ArgumentError(f"pixel_unshuffle: expected (..., C, H, W), got {tuple(input.shape)}")
    if r <= 0:
        raise ArgumentError(f"pixel_unshuffle: expected downscale_factor > 0, got {r}")
    *lead, channels, height, width = input.shape
    if height % r or width % r:
        raise ArgumentError(f"pixel_unshuffle: expected height and width in multiples of {r}, got {height}, {width}")
    split = input.reshape(math.prod(lead), channels, height // r, r, width // r, r).permute(0, 1, 3, 5, 2, 4)
    return split.reshape(*lead, channels * r * r, height // r, width // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleave ``groups`` groups of channels of (N, C, ...) (Zhang et al. 2017, "ShuffleNet").

    Raises:
        ValueError: if the input has fewer than 3 dimensions or C is no multiple of ``groups``.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.native_channel_shuffle(plait.arange(4.0).reshape(1, 4, 1), 2).flatten()
        tensor([0., 2., 1., 3.])
    """
    if input.dim() < 3:
        raise ArgumentError(f"channel_shuffle: expected (N, C, ...) of at least 3 dimensions, got {input.dim()}")
    batch, channels, *rest = input.shape
    if groups <= 0 or channels % groups:
        raise ArgumentError(f"channel_shuffle: expected channels in multiples of {groups}, got {channels}")
    return input.reshape(batch, groups, channels // groups, *rest).transpose(1, 2).reshape(input.shape)


native_channel_shuffle = channel_shuffle


def unfold(
    input: Tensor,
    kernel_size: IntOrInts,
    dilation: IntOrInts = 1,
    padding: IntOrInts = 0,
    stride: IntOrInts = 1,
) -> Tensor:
    """The patches of an image as columns.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: size of a patch.
        dilation: step inside a patch. Default: 1.
        padding: zeros around the image. Default: 0.
        stride: step between patches. Default: 1.

    Returns:
        (N, C * kh * kw, L) or (C * kh * kw, L) with L patches, row by row.

    Raises:
        ValueError: if the input has neither 3 nor 4 dimensions or no patch fits.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.unfold(plait.ones(1, 2, 3, 3), 2).shape
        plait.Size([1, 8, 4])
    """
    if input.dim() not in (3, 4):
        raise ArgumentError(f"unfold: expected (N, C, H, W) or (C, H, W), got {tuple(input.shape)}")
    kernel, gap, pad, step = _patch_arguments("unfold", kernel_size, dilation, padding, stride)
    image = input if input.dim() == 4 else input.unsqueeze(0)
    if any(pad):
        image = _nn.pad(image, (pad[1], pad[1], pad[0], pad[0]))
    counts = _patch_counts("unfold", image.shape[2:], kernel, gap, step)
    rows = _patch_index(counts[0], kernel[0], gap[0], step[0], image.device)
    columns = _patch_index(counts[1], kernel[1], gap[1], step[1], image.device)
    batch, channels = image.shape[:2]
    picked = image.index_select(2, rows).index_select(3, columns)
    picked = picked.view(batch, channels, kernel[0], counts[0], kernel[1], counts[1])
    out = picked.permute(0, 1, 2, 4, 3, 5).reshape(batch, channels * kernel[0] * kernel[1], counts[0] * counts[1])
    return out if input.dim() == 4 else out.squeeze(0)


def fold(
    input: Tensor,
    output_size: IntOrInts,
    kernel_size: IntOrInts,
    dilation: IntOrInts = 1,
    padding: IntOrInts = 0,
    stride: IntOrInts = 1,
) -> Tensor:
    """Add patches up to an image: the adjoint of :func:`unfold`.

    Args:
        input: (N, C * kh * kw, L) or (C * kh * kw, L).
        output_size: height and width of the image.
        kernel_size: size of a patch.
        dilation: step inside a patch. Default: 1.
        padding: width of the border that is cut off. Default: 0.
        stride: step between patches. Default: 1.

    Returns:
        (N, C, H, W) or (C, H, W).

    Raises:
        ValueError: if the numbers of rows or patches do not fit the sizes.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.fold(plait.ones(1, 4, 4), (3, 3), 2).flatten()
        tensor([1., 2., 1., 2., 4., 2., 1., 2., 1.])
    """
    if input.dim() not in (2, 3):
        raise ArgumentError(f"fold: expected (N, C * kh * kw, L) or (C * kh * kw, L), got {tuple(input.shape)}")
    kernel, gap, pad, step = _patch_arguments("fold", kernel_size, dilation, padding, stride)
    size = tuple_of("fold", "output_size", output_size, 2)
    padded = (size[0] + 2 * pad[0], size[1] + 2 * pad[1])
    counts = _patch_counts("fold", padded, kernel, gap, step)
    x = input if input.dim() == 3 else input.unsqueeze(0)
    batch, width, patches = x.shape
    area = kernel[0] * kernel[1]
    if width % area or patches != counts[0] * counts[1]:
        raise ArgumentError(
            f"fold: expected (N, a multiple of {area}, {counts[0] * counts[1]}) for output_size {size}, "
            f"got {tuple(input.shape)}"
        )
    channels = width // area
    parts = x.reshape(batch, channels, kernel[0], kernel[1], counts[0], counts[1]).permute(0, 1, 2, 4, 3, 5)
    parts = parts.reshape(batch, channels, kernel[0] * counts[0], kernel[1] * counts[1])
    rows = _patch_index(counts[0], kernel[0], gap[0], step[0], x.device)
    columns = _patch_index(counts[1], kernel[1], gap[1], step[1], x.device)
    image = x.new_zeros(batch, channels, padded[0], parts.shape[3]).index_add(2, rows, parts)
    image = x.new_zeros(batch, channels, *padded).index_add(3, columns, image)
    image = image[:, :, pad[0] : pad[0] + size[0], pad[1] : pad[1] + size[1]]
    return image if input.dim() == 3 else image.squeeze(0)


def _patch_arguments(
    op: str, kernel_size: IntOrInts, dilation: IntOrInts, padding: IntOrInts, stride: IntOrInts
) -> tuple[tuple[int, ...], ...]:
    pairs = []
    for name, value, least in (
        ("kernel_size", kernel_size, 1),
        ("dilation", dilation, 1),
        ("padding", padding, 0),
        ("stride", stride, 1),
    ):
        pair = tuple_of(op, name, value, 2)
        if min(pair) < least:
            raise ArgumentError(f"{op}: expected {name} of at least {least}, got {pair}")
        pairs.append(pair)
    return tuple(pairs)


def _patch_counts(
    op: str, sizes: Sequence[int], kernel: Sequence[int], gap: Sequence[int], step: Sequence[int]
) -> tuple[int, ...]:
    counts = tuple((n - g * (k - 1) - 1) // s + 1 for n, k, g, s in zip(sizes, kernel, gap, step))
    if min(counts) < 1:
        raise ArgumentError(
            f"{op}: expected a padded image at least as large as the patch, got image {tuple(sizes)}, "
            f"kernel_size {tuple(kernel)}, dilation {tuple(gap)}"
        )
    return counts


def _patch_index(count: int, kernel: int, gap: int, step: int, device: Any) -> Tensor:
    """Positions along one axis, (kernel, count) in a row."""
    return (_core.arange(kernel, device=device).unsqueeze(1) * gap + _core.arange(count, device=device) * step).reshape(
        -1
    )
