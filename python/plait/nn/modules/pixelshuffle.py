# SPDX-License-Identifier: MIT
"""Rearranging channels and pixels, and the patches of images."""

from __future__ import annotations

from ..._core import Tensor
from .. import functional as F
from ._arguments import Counts, Positive, Positives, checks_arguments
from .module import Module

__all__ = ["ChannelShuffle", "Fold", "PixelShuffle", "PixelUnshuffle", "Unfold"]


class PixelShuffle(Module):
    """(..., C * r * r, H, W) to (..., C, H * r, W * r) (Shi et al. 2016).

    Args:
        upscale_factor: r.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.PixelShuffle(3)(plait.zeros(1, 9, 4, 4)).shape)
        (1, 1, 12, 12)
    """

    @checks_arguments
    def __init__(self, upscale_factor: Positive) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(..., C, H * r, W * r) to (..., C * r * r, H, W), the inverse of :class:`PixelShuffle`.

    Args:
        downscale_factor: r.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.PixelUnshuffle(2)(plait.ones(1, 1, 4, 6)).shape
        plait.Size([1, 4, 2, 3])
    """

    @checks_arguments
    def __init__(self, downscale_factor: Positive) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Interleave ``groups`` groups of channels of (N, C, ...) (Zhang et al. 2017).

    Args:
        groups: number of groups; divides C.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ChannelShuffle(2)(plait.arange(4.0).reshape(1, 4, 1)).flatten()
        tensor([0., 2., 1., 3.])
    """

    @checks_arguments
    def __init__(self, groups: Positive) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class Unfold(Module):
    """The patches of images as columns: (N, C, H, W) to (N, C * kh * kw, L).

    Args:
        kernel_size: size of a patch.
        dilation: step inside a patch. Default: 1.
        padding: zeros around the image. Default: 0.
        stride: step between patches. Default: 1.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.Unfold((2, 3))(plait.randn(2, 5, 3, 4)).shape)
        (2, 30, 4)
    """

    _dims = 2

    @checks_arguments
    def __init__(
        self,
        kernel_size: Positives,
        dilation: Positives = 1,
        padding: Counts = 0,
        stride: Positives = 1,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Add patches up to images: (N, C * kh * kw, L) to (N, C, H, W), the adjoint of :class:`Unfold`.

    Args:
        output_size: height and width of the image.
        kernel_size: size of a patch.
        dilation: step inside a patch. Default: 1.
        padding: width of the border that is cut off. Default: 0.
        stride: step between patches. Default: 1.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Fold((3, 3), 2)(plait.ones(1, 4, 4)).flatten()
        tensor([1., 2., 1., 2., 4., 2., 1., 2., 1.])
    """

    _dims = 2

    @checks_arguments
    def __init__(
        self,
        output_size: Positives,
        kernel_size: Positives,
        dilation: Positives = 1,
        padding: Counts = 0,
        stride: Positives = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
