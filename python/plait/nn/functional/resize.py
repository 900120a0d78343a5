# SPDX-License-Identifier: MIT
"""Resizing and sampling of images.

Resizing is separable: along each axis every output position is a weighted sum of a few input positions, which
are gathered and summed axis by axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ... import _core
from ..._autocast import float32_in_autocast
from ..._core import ArgumentError, ArgumentTypeError, Tensor, _nn, _ops
from ..._warn import warn_user

__all__ = ["affine_grid", "grid_sample", "interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

_MODES = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
    "area": (1, 2, 3),
}


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize (N, C, L), (N, C, H, W) or (N, C, D, H, W).

    Args:
        input: floating point, or uint8; for the nearest modes any dtype.
        size: the new spatial size; exclusive with ``scale_factor``.
        scale_factor: the new size as a multiple of the old, rounded down.
        mode: ``"nearest"`` (default), ``"nearest-exact"``, ``"linear"`` (3-D input), ``"bilinear"``,
            ``"bicubic"`` (4-D), ``"trilinear"`` (5-D) or ``"area"``.
        align_corners: for the linear and cubic modes, whether the corner pixels of input and output lie on
            each other. Default: ``False``.
        recompute_scale_factor: whether the coordinates use the ratio of the sizes instead of ``scale_factor``.
        antialias: for ``"bilinear"`` and ``"bicubic"``, widen the filter when shrinking. Default: ``False``.

    Raises:
        ValueError: if the arguments do not fit together or to the input's number of dimensions.
        TypeError: a dtype that ``mode`` does not take.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.interpolate(plait.tensor([[[1.0, 2.0]]]), scale_factor=2).tolist()
        [[[1.0, 1.0, 2.0, 2.0]]]
    """
    ndim = input.dim() - 2
    check_mode("interpolate", mode, align_corners)
    if ndim not in _MODES[mode]:
        expected = " or ".join(f"{d + 2}-D" for d in _MODES[mode])
        raise ArgumentError(f"interpolate: expected a {expected} input for mode {mode!r}, got {tuple(input.shape)}")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ArgumentError(f"interpolate: expected mode 'bilinear' or 'bicubic' with antialias, got {mode!r}")
    sizes, scales = _output_size(input.shape[2:], size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return (_nn.adaptive_avg_pool1d, _nn.adaptive_avg_pool2d, _nn.adaptive_avg_pool3d)[ndim - 1](input, sizes)
    weighted = mode not in ("nearest", "nearest-exact")
    if weighted and not (input.dtype == _core.uint8 or input.is_floating_point()):
        raise ArgumentTypeError(f"interpolate: expected floats or uint8 for mode {mode!r}, got {input.dtype}")
    out = input
    axes = list(enumerate(zip(input.shape[2:], sizes, scales)))
    for axis, (old, new, scale) in reversed(axes):  # rows are then copied whole along the other axes
        out = _resize_axis(out, 2 + axis, old, new, scale, mode, bool(align_corners), antialias)
    return out


def check_mode(owner: str, mode: str, align_corners: bool | None) -> None:
    """Raise unless there is such a mode, with or without aligned corners."""
    if mode not in _MODES:
        raise ArgumentError(f"{owner}: expected mode to be one of {', '.join(_MODES)}, got {mode!r}")
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ArgumentError(f"{owner}: expected no align_corners with mode {mode!r}")


def _output_size(
    old: Sequence[int], size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The new size, and per axis the scale that coordinates use (None: the ratio of the sizes)."""
    count = len(old)
    if (size is None) == (scale_factor is None):
        raise ArgumentError("interpolate: expected exactly one of size and scale_factor")
    if size is not None:
        if recompute:
            raise ArgumentError("interpolate: expected no recompute_scale_factor with size")
        sizes = tuple(size) if isinstance(size, Sequence) else (size,) * count
        if len(sizes) != count:
            raise ArgumentError(f"interpolate: expected {count} sizes, got {sizes}")
        sizes = tuple(int(n) for n in sizes)
        scales: tuple[float | None, ...] = (None,) * count
    else:
        factors = tuple(scale_factor) if isinstance(scale_factor, Sequence) else (scale_factor,) * count
        if len(factors) != count:
            raise ArgumentError(f"interpolate: expected {count} scale factors, got {factors}")
        if not all(0 < f < math.inf for f in factors):
            raise ArgumentError(f"interpolate: expected scale factors greater than 0, got {factors}")
        sizes = tuple(math.floor(float(n * f)) for n, f in zip(old, factors))
        scales = (None,) * count if recompute else tuple(float(f) for f in factors)
    if min(sizes) < 1 or min(old) < 1:
        raise ArgumentError(f"interpolate: expected sizes greater than 0, got {tuple(old)} to {sizes}")
    return sizes, scales


def _resize_axis(
    x: Tensor, dim: int, old: int, new: int, scale: float | None, mode: str, align_corners: bool, antialias: bool
) -> Tensor:
    step = old / new if scale is None else 1.0 / scale
    if mode == "nearest":
        return x.index_select(
            dim, (_core.arange(new, dtype=_core.float32, device=x.device) * step).long().clamp(max=old - 1)
        )
    if mode == "nearest-exact":
        at = (_core.arange(new, dtype=_core.float32, device=x.device) + 0.5) * step
        return x.index_select(dim, at.long().clamp(max=old - 1))
    if align_corners:
        step = (old - 1) / (new - 1) if new > 1 else 0.0
    if new == old and step == 1.0:
        return x
    return _ops.resize_axis(
        x, dim - x.dim(), new, step, "cubic" if mode == "bicubic" else "linear", align_corners, antialias
    )


def _cubic(distance: Tensor, a: float) -> Tensor:
    """Keys's cubic convolution kernel (1981)."""
    d = distance.abs()
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return _core.where(d <= 1, near, _core.where(d < 2, far, _core.zeros_like(d)))


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The old name of :func:`interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Tensor:
    """:func:`interpolate` with ``mode="nearest"``."""
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Tensor:
    """:func:`interpolate` with ``mode="bilinear"`` and ``align_corners=True``."""
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Sampling positions of an affine transform, for :func:`grid_sample` (Jaderberg et al. 2015).

    Args:
        theta: (N, 2, 3), or (N, 3, 4) for volumes.
        size: of the output image, (N, C, H, W) or (N, C, D, H, W).
        align_corners: whether -1 and 1 are the centres of the corner pixels or the outer edges.

    Returns:
        (N, H, W, 2) or (N, D, H, W, 3), the last dimension in the order x, y(, z).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.affine_grid(plait.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), [1, 1, 2, 2]).flatten(0, 2)
        tensor([[-0.5000, -0.5000],
                [ 0.5000, -0.5000],
                [-0.5000,  0.5000],
                [ 0.5000,  0.5000]])
    """
    ndim = len(size) - 2
    if ndim not in (2, 3) or tuple(theta.shape) != (size[0], ndim, ndim + 1):
        raise ArgumentError(
            "affine_grid: expected theta (N, 2, 3) with size (N, C, H, W), or (N, 3, 4) with (N, C, D, H, W), "
            f"got {tuple(theta.shape)} with {tuple(size)}"
        )
    if align_corners is None:
        _warn_align_corners("affine_grid")
    spatial = tuple(size[2:])
    axes = []
    for n in spatial:
        many = {"dtype": theta.dtype, "device": theta.device}
        axis = _core.linspace(-1, 1, n, **many) if n > 1 else _core.zeros(1, **many)
        axes.append(axis if align_corners or n == 1 else axis * ((n - 1) / n))
    columns = []
    for d in reversed(range(ndim)):
        shape = [1] * ndim
        shape[d] = spatial[d]
        columns.append(axes[d].view(shape).expand(spatial))
    columns.append(theta.new_ones(spatial))
    base = _core.stack(columns, -1).view(1, -1, ndim + 1)
    return (base @ theta.transpose(1, 2)).view(size[0], *spatial, ndim)


@float32_in_autocast
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Values of an image at given positions.

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: (N, h, w, 2) or (N, d, h, w, 3): positions in the order x, y(, z), from -1 to 1.
        mode: ``"bilinear"`` (trilinear for volumes, default), ``"nearest"`` or ``"bicubic"`` (images only).
        padding_mode: outside the image use ``"zeros"`` (default), the ``"border"``, or a ``"reflection"``.
        align_corners: whether -1 and 1 are the centres of the corner pixels or the outer edges.

    Returns:
        (N, C, h, w) or (N, C, d, h, w).

    Raises:
        ValueError: if shapes or modes do not fit.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> x = plait.arange(4.0).reshape(1, 1, 2, 2)
        >>> F.grid_sample(x, plait.zeros(1, 1, 1, 2), align_corners=False)
        tensor([[[[1.5000]]]])
    """
    ndim = input.dim() - 2
    if ndim not in (2, 3) or grid.dim() != input.dim() or grid.shape[-1] != ndim or grid.shape[0] != input.shape[0]:
        raise ArgumentError(
            "grid_sample: expected input (N, C, H, W) with grid (N, h, w, 2), or (N, C, D, H, W) with "
            f"(N, d, h, w, 3), got {tuple(input.shape)} with {tuple(grid.shape)}"
        )
    if mode not in ("bilinear", "nearest", "bicubic") or (mode == "bicubic" and ndim == 3):
        raise ArgumentError(f"grid_sample: expected mode 'bilinear', 'nearest' or (2-D) 'bicubic', got {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ArgumentError(
            f"grid_sample: expected padding_mode 'zeros', 'border' or 'reflection', got {padding_mode!r}"
        )
    if align_corners is None:
        _warn_align_corners("grid_sample")
    align = bool(align_corners)
    sizes = tuple(input.shape[2:])
    # Coordinates per axis of the image; the grid lists them in reverse order.
    places = []
    for axis, n in enumerate(sizes):
        g = grid[..., ndim - 1 - axis]
        place = (g + 1) * ((n - 1) / 2) if align else ((g + 1) * n - 1) / 2
        if mode != "bicubic":
            place = _pad_position(place, n, padding_mode, align)
        places.append(place)
    if mode == "bilinear" and ndim == 2 and not _has_gradient(grid):
        return _ops.sample_planes(input, *places)
    taps = [_sample_taps(place, mode) for place in places]
    out = None
    for picks in _product(taps):
        weight = None
        inside = None
        flat = None
        for (position, share), n in zip(picks, sizes):
            if mode == "bicubic":
                position = _pad_position(position, n, padding_mode, align)
            if padding_mode == "zeros":
                here = (position >= 0) & (position <= n - 1)
                inside = here if inside is None else inside & here
            index = position.detach().nan_to_num(0).clamp(0, n - 1).long()
            flat = index if flat is None else flat * n + index
            if share is not None:
                weight = share if weight is None else weight * share
        assert flat is not None
        batch, channels = input.shape[:2]
        chosen = flat.flatten(1).unsqueeze(1).expand(batch, channels, math.prod(flat.shape[1:]))
        value = input.flatten(2).gather(2, chosen).view(batch, channels, *grid.shape[1:-1])
        if weight is not None:
            value = value * weight.unsqueeze(1)
        if inside is not None:  # what lies outside, NaN and infinity too, is 0 whatever its weight
            value = _core.where(inside.unsqueeze(1), value, 0.0)
        out = value if out is None else out + value
    assert out is not None
    if mode == "nearest" and grid.requires_grad:  # a part of the graph, with a gradient of 0
        nowhere = grid.new_zeros(grid.shape[:-1], dtype=_core.bool)
        out = out + _core.where(nowhere, grid[..., 0], 0.0).unsqueeze(1)
    return out


def _has_gradient(grid: Tensor) -> bool:
    return grid.requires_grad and _core.is_grad_enabled()


def _product(taps: list[list[Any]]) -> list[tuple[Any, ...]]:
    picks: list[tuple[Any, ...]] = [()]
    for axis in taps:
        picks = [(*before, tap) for before in picks for tap in axis]
    return picks


def _sample_taps(place: Tensor, mode: str) -> list[tuple[Tensor, Tensor | None]]:
    """The neighbours of a position along one axis, each with its weight (None: 1)."""
    if mode == "nearest":
        return [(place.detach().round(), None)]
    left = place.detach().floor()
    share = place - left
    if mode == "bilinear":
        return [(left, 1 - share), (left + 1, share)]
    return [(left + k, _cubic(share - k, -0.75)) for k in range(-1, 3)]


def _pad_position(place: Tensor, n: int, padding_mode: str, align: bool) -> Tensor:
    """Bring a position into the image, by clamping or reflection; ``zeros`` leaves it."""
    if padding_mode == "border":
        return _number(place).clamp(0, n - 1)
    if padding_mode == "reflection":
        low, span = (0.0, float(n - 1)) if align else (-0.5, float(n))
        if span == 0:
            return place * 0
        distance = (place - low).abs()
        turns = (distance.detach() / span).floor()
        rest = distance - turns * span
        reflected = _core.where(turns % 2 == 0, rest + low, span - rest + low)
        return _number(reflected).clamp(0, n - 1)
    return place


def _number(place: Tensor) -> Tensor:
    """0 for NaN, which lies nowhere."""
    return _core.where(place == place, place, 0.0)


def _warn_align_corners(op: str) -> None:
    warn_user(f"{op}: align_corners was not given; it is taken as False")
