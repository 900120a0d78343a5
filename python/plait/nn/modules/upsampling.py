# SPDX-License-Identifier: MIT
"""Resizing as modules."""

from __future__ import annotations

from collections.abc import Sequence

from ..._core import ArgumentError, Tensor
from .. import functional as F
from ..functional.resize import check_mode
from ._arguments import Flag, PositiveReals, Positives, checks_arguments
from .module import Module

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]


class Upsample(Module):
    """Resize sequences, images or volumes; see :func:`plait.nn.functional.interpolate`.

    Args:
        size: the new spatial size; exclusive with ``scale_factor``.
        scale_factor: the new size as a multiple of the old.
        mode: ``"nearest"`` (default), ``"linear"``, ``"bilinear"``, ``"bicubic"`` or ``"trilinear"``.
        align_corners: whether corner pixels of input and output lie on each other. Default: ``False``.
        recompute_scale_factor: whether the coordinates use the ratio of the sizes.

    Raises:
        ValueError: unless one of ``size`` and ``scale_factor`` is given; an unknown mode; ``align_corners`` for a
            mode that has no corners to align.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.Upsample(scale_factor=2, mode="bilinear")(plait.zeros(1, 3, 4, 5)).shape)
        (1, 3, 8, 10)
    """

    @checks_arguments
    def __init__(
        self,
        size: Positives | None = None,
        scale_factor: PositiveReals | None = None,
        mode: str = "nearest",
        align_corners: Flag | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        if (size is None) == (scale_factor is None):
            raise ArgumentError(
                f"{type(self).__name__}: expected either size or scale_factor, got {size} and {scale_factor}"
            )
        check_mode(type(self).__name__, mode, align_corners)
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, Sequence):
            self.scale_factor: float | Sequence[float] | None = tuple(float(f) for f in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            recompute_scale_factor=self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        if self.scale_factor is not None:
            return f"scale_factor={self.scale_factor!r}, mode={self.mode!r}"
        return f"size={self.size!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Resize images, each new pixel a copy of the nearest old one.

    Args:
        size: height and width, or one number; exclusive with ``scale_factor``.
        scale_factor: a multiple of the old size.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.UpsamplingNearest2d(scale_factor=2)(plait.arange(2.0).reshape(1, 1, 1, 2))
        tensor([[[[0., 0., 1., 1.],
                  [0., 0., 1., 1.]]]])
    """

    @checks_arguments
    def __init__(
        self,
        size: Positives | None = None,
        scale_factor: PositiveReals | None = None,
    ) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Resize images with linear interpolation and aligned corners.

    Args:
        size: height and width, or one number; exclusive with ``scale_factor``.
        scale_factor: a multiple of the old size.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.UpsamplingBilinear2d(scale_factor=2)(plait.ones(1, 1, 2, 3)).shape
        plait.Size([1, 1, 4, 6])
    """

    @checks_arguments
    def __init__(
        self,
        size: Positives | None = None,
        scale_factor: PositiveReals | None = None,
    ) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
