# SPDX-License-Identifier: MIT
"""Pooling: the forms with indices, power-average pooling, unpooling and fractional pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import _core
from ..._autocast import float32_in_autocast
from ..._core import ArgumentError, ArgumentIndexError, Tensor, _nn
from ._common import tuple_of

__all__ = [
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d_with_indices",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d_with_indices",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

IntOrInts = int | Sequence[int]


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: IntOrInts,
    stride: IntOrInts | None = None,
    padding: IntOrInts = 0,
    dilation: IntOrInts = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """``max_pool1d`` together with the position of each maximum in the input.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> y, where = F.max_pool1d_with_indices(plait.ones(1, 2, 4), 2)
        >>> y.shape, where.dtype
        (plait.Size([1, 2, 2]), plait.int64)
    """
    return _nn.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices=True)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: IntOrInts,
    stride: IntOrInts | None = None,
    padding: IntOrInts = 0,
    dilation: IntOrInts = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """``max_pool2d`` together with the position ``h * W + w`` of each maximum in the input.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> y, where = F.max_pool2d_with_indices(plait.ones(1, 2, 4, 4), 2)
        >>> y.shape, where.dtype
        (plait.Size([1, 2, 2, 2]), plait.int64)
    """
    return _nn.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices=True)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: IntOrInts,
    stride: IntOrInts | None = None,
    padding: IntOrInts = 0,
    dilation: IntOrInts = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """``max_pool3d`` together with the position ``(d * H + h) * W + w`` of each maximum in the input.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> y, where = F.max_pool3d_with_indices(plait.ones(1, 2, 4, 4, 4), 2)
        >>> y.shape, where.dtype
        (plait.Size([1, 2, 2, 2, 2]), plait.int64)
    """
    return _nn.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices=True)


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool1d`` together with the position of each maximum in the input.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> y, where = F.adaptive_max_pool1d_with_indices(plait.ones(1, 2, 4), 2)
        >>> y.shape, where.dtype
        (plait.Size([1, 2, 2]), plait.int64)
    """
    return _nn.adaptive_max_pool1d(input, output_size, return_indices=True)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool2d`` together with the position of each maximum in the input.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> y, where = F.adaptive_max_pool2d_with_indices(plait.ones(1, 2, 4, 4), 2)
        >>> y.shape, where.dtype
        (plait.Size([1, 2, 2, 2]), plait.int64)
    """
    return _nn.adaptive_max_pool2d(input, output_size, return_indices=True)


def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool3d`` together with the position of each maximum in the input.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> y, where = F.adaptive_max_pool3d_with_indices(plait.ones(1, 2, 4, 4, 4), 2)
        >>> y.shape, where.dtype
        (plait.Size([1, 2, 2, 2, 2]), plait.int64)
    """
    return _nn.adaptive_max_pool3d(input, output_size, return_indices=True)


def _lp_pool(
    avg_pool: Callable[..., Tensor],
    op: str,
    ndim: int,
    input: Tensor,
    norm_type: float,
    kernel_size: IntOrInts,
    stride: IntOrInts | None,
    ceil_mode: bool,
) -> Tensor:
    """``(sum over the window of x ** p) ** (1 / p)``, from the average and the window's size."""
    count = 1
    for size in tuple_of(op, "kernel_size", kernel_size, ndim):
        count *= size
    mean = avg_pool(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return (mean.sign() * _nn.relu(mean.abs()) * count) ** (1.0 / norm_type)


def lp_pool1d(
    input: Tensor,
    norm_type: int | float,
    kernel_size: IntOrInts,
    stride: IntOrInts | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Power-average pooling of (N, C, L) or (C, L): ``(sum of x ** p) ** (1 / p)`` over each window.

    Args:
        input: floating point.
        norm_type: the power p; 1 sums, large values approach the maximum.
        kernel_size: size of the window.
        stride: step of the window. Default: ``kernel_size``.
        ceil_mode: whether an incomplete window at the end counts. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.lp_pool1d(plait.ones(1, 2, 4), 2, 2).shape
        plait.Size([1, 2, 2])
    """
    return _lp_pool(_nn.avg_pool1d, "lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor,
    norm_type: int | float,
    kernel_size: IntOrInts,
    stride: IntOrInts | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Power-average pooling of (N, C, H, W) or (C, H, W); arguments as for :func:`lp_pool1d`.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.lp_pool2d(plait.ones(1, 2, 4, 4), 2, 2).shape
        plait.Size([1, 2, 2, 2])
    """
    return _lp_pool(_nn.avg_pool2d, "lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor,
    norm_type: int | float,
    kernel_size: IntOrInts,
    stride: IntOrInts | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Power-average pooling of (N, C, D, H, W) or (C, D, H, W); arguments as for :func:`lp_pool1d`.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.lp_pool3d(plait.ones(1, 2, 4, 4, 4), 2, 2).shape
        plait.Size([1, 2, 2, 2, 2])
    """
    return _lp_pool(_nn.avg_pool3d, "lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _max_unpool(
    op: str,
    ndim: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: IntOrInts,
    stride: IntOrInts | None,
    padding: IntOrInts,
    output_size: Sequence[int] | None,
) -> Tensor:
    """Scatter the pooled values back to the positions they came from; zeros elsewhere."""
    if input.shape != indices.shape:
        raise ArgumentError(
            f"{op}: expected input and indices of one shape, got {tuple(input.shape)} and {tuple(indices.shape)}"
        )
    if input.dim() not in (ndim + 1, ndim + 2):
        raise ArgumentError(f"{op}: expected an input of {ndim + 1} or {ndim + 2} dimensions, got {input.dim()}")
    kernel = tuple_of(op, "kernel_size", kernel_size, ndim)
    step = kernel if stride is None else tuple_of(op, "stride", stride, ndim)
    pad = tuple_of(op, "padding", padding, ndim)
    spatial = [(n - 1) * s - 2 * p + k for n, s, p, k in zip(input.shape[-ndim:], step, pad, kernel)]
    if output_size is not None:
        asked = list(output_size)[-ndim:]
        for size, usual, s in zip(asked, spatial, step):
            if not usual - s < size < usual + s:
                raise ArgumentError(
                    f"{op}: expected output_size within {usual - s + 1}..{usual + s - 1}, got {size} in {asked}"
                )
        spatial = asked
    count = 1
    for size in spatial:
        count *= size
    lead = tuple(input.shape[:-ndim])
    flat_index = indices.reshape(*lead, -1)
    if flat_index.numel() and not (int(flat_index.min()) >= 0 and int(flat_index.max()) < count):
        raise ArgumentIndexError(f"{op}: expected indices below {count} for output {tuple(spatial)}")
    out = input.new_zeros(*lead, count)
    return out.scatter(-1, flat_index, input.reshape(*lead, -1)).view(*lead, *spatial)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: IntOrInts,
    stride: IntOrInts | None = None,
    padding: IntOrInts = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The partial inverse of ``max_pool1d``: maxima return to their places, the rest is 0.

    Args:
        input: the pooled values, (N, C, L) or (C, L).
        indices: their positions, as ``max_pool1d(..., return_indices=True)`` gave them.
        kernel_size: of the pooling.
        stride: of the pooling. Default: ``kernel_size``.
        padding: of the pooling. Default: 0.
        output_size: size of the result where several input sizes pool to the same size.

    Raises:
        ValueError: if the shapes differ or ``output_size`` cannot be the size that was pooled.
        IndexError: if an index lies outside the output.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> y, where = F.max_pool1d(plait.ones(1, 2, 4), 2, return_indices=True)
        >>> F.max_unpool1d(y, where, 2).shape
        plait.Size([1, 2, 4])
    """
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


@float32_in_autocast
def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: IntOrInts,
    stride: IntOrInts | None = None,
    padding: IntOrInts = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The partial inverse of ``max_pool2d``; arguments as for :func:`max_unpool1d`.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> y, where = F.max_pool2d(plait.ones(1, 2, 4, 4), 2, return_indices=True)
        >>> F.max_unpool2d(y, where, 2).shape
        plait.Size([1, 2, 4, 4])
    """
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@float32_in_autocast
def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: IntOrInts,
    stride: IntOrInts | None = None,
    padding: IntOrInts = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The partial inverse of ``max_pool3d``; arguments as for :func:`max_unpool1d`.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> y, where = F.max_pool3d(plait.ones(1, 2, 4, 4, 4), 2, return_indices=True)
        >>> F.max_unpool3d(y, where, 2).shape
        plait.Size([1, 2, 4, 4, 4])
    """
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _fractional_max_pool(
    op: str,
    ndim: int,
    input: Tensor,
    kernel_size: IntOrInts,
    output_size: IntOrInts | None,
    output_ratio: Any,
    random_samples: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Windows of one size at pseudo-random steps (Graham 2014, "Fractional Max-Pooling").

    Along an axis of n elements with m windows of size k, window i starts at
    ``int((i + u) * a) - int(u * a)`` with ``a = (n - k) / (m - 1)`` and u uniform; the last starts at n - k.
    """
    if input.dim() not in (ndim + 1, ndim + 2):
        raise ArgumentError(f"{op}: expected an input of {ndim + 1} or {ndim + 2} dimensions, got {input.dim()}")
    if (output_size is None) == (output_ratio is None):
        raise ArgumentError(f"{op}: expected exactly one of output_size and output_ratio")
    kernel = tuple_of(op, "kernel_size", kernel_size, ndim)
    sizes = tuple(input.shape[-ndim:])
    if output_size is None:
        ratios = tuple_of(op, "output_ratio", output_ratio, ndim)
        outputs = tuple(int(n * r) for n, r in zip(sizes, ratios))
    else:
        outputs = tuple_of(op, "output_size", output_size, ndim)
    for n, k, m in zip(sizes, kernel, outputs):
        if m < 1 or m + k - 1 > n:
            raise ArgumentError(f"{op}: expected output size + kernel size - 1 <= {n}, got {m} + {k} - 1")
    x = input if input.dim() == ndim + 2 else input.unsqueeze(0)
    lead = tuple(x.shape[:2])
    samples = random_samples
    if samples is None:
        samples = _core.rand(*lead, ndim, dtype=input.dtype, device=input.device)
    elif tuple(samples.shape[1:]) != (lead[1], ndim) or samples.shape[0] < lead[0]:
        raise ArgumentError(f"{op}: expected random samples {(*lead, ndim)}, got {tuple(samples.shape)}")
    samples = samples[: lead[0]]
    # Of an image, u[..., 0] belongs to the width; of a volume, to the depth.
    windows = x
    place = input.new_zeros(*lead, *(1,) * (2 * ndim), dtype=_core.int64)
    for axis, (n, k, m) in enumerate(zip(sizes, kernel, outputs)):
        u = samples[:, :, 1 - axis if ndim == 2 else axis].unsqueeze(-1)
        step = (n - k) / (m - 1) if m > 1 else 0.0
        start = ((_core.arange(m, device=u.device).to(u.dtype) + u) * step).long() - (u * step).long()
        start[:, :, m - 1] = n - k
        index = (start.unsqueeze(-1) + _core.arange(k, device=u.device)).view(*lead, m * k)
        dim = 2 + axis
        shape = [*lead, *(1,) * ndim]
        shape[dim] = m * k
        expanded = list(windows.shape)
        expanded[dim] = m * k
        windows = windows.gather(dim, index.view(shape).expand(expanded))
        shape = [*lead, *(1,) * (2 * ndim)]
        shape[2 + axis], shape[2 + ndim + axis] = m, k
        place = place * n + index.view(shape)
    split = [size for m, k in zip(outputs, kernel) for size in (m, k)]
    order = [0, 1, *range(2, 2 + 2 * ndim, 2), *range(3, 3 + 2 * ndim, 2)]
    flat = windows.reshape(*lead, *split).permute(*order).flatten(2 + ndim)
    values, best = flat.max(-1)
    indices = place.expand(*lead, *outputs, *kernel).flatten(2 + ndim).gather(-1, best.unsqueeze(-1)).squeeze(-1)
    if input.dim() == ndim + 1:
        values, indices = values.squeeze(0), indices.squeeze(0)
    return values, indices


@float32_in_autocast
def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: IntOrInts,
    output_size: IntOrInts | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`fractional_max_pool2d` with ``return_indices=True``."""
    return _fractional_max_pool(
        "fractional_max_pool2d", 2, input, kernel_size, output_size, output_ratio, _random_samples
    )


@float32_in_autocast
def fractional_max_pool2d(
    input: Tensor,
    kernel_size: IntOrInts,
    output_size: IntOrInts | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Max pooling of (N, C, H, W) or (C, H, W) over windows at pseudo-random steps (Graham 2014).

    Args:
        input: floating point.
        kernel_size: size of the window.
        output_size: size of the result; exclusive with ``output_ratio``.
        output_ratio: size of the result as a fraction of the input's.
        return_indices: whether the positions of the maxima are returned too. Default: ``False``.

    Raises:
        ValueError: if the windows do not fit, or not exactly one of size and ratio is given.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.fractional_max_pool2d(plait.ones(1, 2, 4, 4), 2, output_size=2).shape
        plait.Size([1, 2, 2, 2])
    """
    pair = fractional_max_pool2d_with_indices(
        input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )
    return pair if return_indices else pair[0]


@float32_in_autocast
def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: IntOrInts,
    output_size: IntOrInts | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`fractional_max_pool3d` with ``return_indices=True``."""
    return _fractional_max_pool(
        "fractional_max_pool3d", 3, input, kernel_size, output_size, output_ratio, _random_samples
    )


@float32_in_autocast
def fractional_max_pool3d(
    input: Tensor,
    kernel_size: IntOrInts,
    output_size: IntOrInts | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """As :func:`fractional_max_pool2d`, for (N, C, D, H, W) or (C, D, H, W).

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.fractional_max_pool3d(plait.ones(1, 2, 4, 4, 4), 2, output_size=2).shape
        plait.Size([1, 2, 2, 2, 2])
    """
    pair = fractional_max_pool3d_with_indices(
        input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )
    return pair if return_indices else pair[0]
