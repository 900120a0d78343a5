# SPDX-License-Identifier: MIT
"""Pooling in 1 to 3 dimensions. Inputs are (N, C, ...) or (C, ...)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._core import ArgumentError, Tensor
from .. import functional as F
from ._arguments import Counts, NonZero, NonZeroReal, PositiveReals, Positives, Sizes, checks_arguments
from .module import Module
from .utils import ntuple

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


def _check_border(owner: Module, kernel_size: Any, padding: Any, dilation: Any = 1) -> None:
    """Raise unless every window, wherever it lies, sees some of the input."""
    dims = owner._dims
    sizes = (ntuple(value, dims) for value in (kernel_size, padding, dilation))
    if any(2 * p > d * (k - 1) + 1 for k, p, d in zip(*(v * dims if len(v) == 1 else v for v in sizes))):
        raise ArgumentError(
            f"{type(owner).__name__}: expected padding of at most half of kernel_size={kernel_size}, got {padding}"
        )


class _MaxPool(Module):
    """Arguments of max pooling.

    Args:
        kernel_size: size of the window.
        stride: step of the window. Default: ``kernel_size``.
        padding: negative infinity added on both sides, at most half the kernel. Default: 0.
        dilation: distance of the window's elements. Default: 1.
        return_indices: whether the positions of the maxima are returned too. Default: ``False``.
        ceil_mode: whether an incomplete window at the end counts. Default: ``False``.
    """

    _dims: int

    @checks_arguments
    def __init__(
        self,
        kernel_size: Positives,
        stride: Positives | None = None,
        padding: Counts = 0,
        dilation: Positives = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        _check_border(self, kernel_size, padding, dilation)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The maximum of each window of a sequence.

    Shape: (N, C, L) to (N, C, L') with
    ``L' = (L + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1``.

    Args:
        kernel_size: size of the window.
        stride: step of the window. Default: ``kernel_size``.
        padding: negative infinity added on both sides, at most half the kernel. Default: 0.
        dilation: distance of the window's elements. Default: 1.
        return_indices: whether the positions of the maxima are returned too. Default: ``False``.
        ceil_mode: whether an incomplete window at the end counts. Default: ``False``.

    Raises:
        ValueError: in forward, if an argument or the shape does not fit.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.MaxPool1d(2)(plait.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[3.0, 2.0]]
    """

    _dims = 1

    def forward(self, input: Tensor) -> Any:
        return F.max_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )


class MaxPool2d(_MaxPool):
    """The maximum of each window of an image, (N, C, H, W); arguments as for :class:`MaxPool1d`.

    Sizes are one number or one per dimension.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.MaxPool2d(3, stride=2)(plait.randn(20, 16, 50, 32)).shape)
        (20, 16, 24, 15)
    """

    _dims = 2

    def forward(self, input: Tensor) -> Any:
        return F.max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )


class MaxPool3d(_MaxPool):
    """The maximum of each window of a volume, (N, C, D, H, W); arguments as for :class:`MaxPool1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.MaxPool3d(2)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 2, 2, 2])
    """

    _dims = 3

    def forward(self, input: Tensor) -> Any:
        return F.max_pool3d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )


class _MaxUnpool(Module):
    _dims: int

    @checks_arguments
    def __init__(self, kernel_size: Positives, stride: Positives | None = None, padding: Counts = 0) -> None:
        super().__init__()
        self.kernel_size = ntuple(kernel_size, self._dims)
        self.stride = self.kernel_size if stride is None else ntuple(stride, self._dims)
        self.padding = ntuple(padding, self._dims)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The partial inverse of :class:`MaxPool1d`: maxima return to their places, the rest is 0.

    Args:
        kernel_size: of the pooling.
        stride: of the pooling. Default: ``kernel_size``.
        padding: of the pooling. Default: 0.

    Forward takes the pooled values, the indices that the pooling returned and, where several input sizes
    pool to the same size, ``output_size``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> pool, unpool = nn.MaxPool1d(2, return_indices=True), nn.MaxUnpool1d(2)
        >>> unpool(*pool(plait.tensor([[1.0, 3.0, 2.0, 0.0]]))).tolist()
        [[0.0, 3.0, 2.0, 0.0]]
    """

    _dims = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpool):
    """The partial inverse of :class:`MaxPool2d`; arguments as for :class:`MaxUnpool1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> y, where = nn.MaxPool2d(2, return_indices=True)(plait.ones(2, 3, 4, 4))
        >>> nn.MaxUnpool2d(2)(y, where).shape
        plait.Size([2, 3, 4, 4])
    """

    _dims = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpool):
    """The partial inverse of :class:`MaxPool3d`; arguments as for :class:`MaxUnpool1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> y, where = nn.MaxPool3d(2, return_indices=True)(plait.ones(2, 3, 4, 4, 4))
        >>> nn.MaxUnpool3d(2)(y, where).shape
        plait.Size([2, 3, 4, 4, 4])
    """

    _dims = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class AvgPool1d(Module):
    """The mean of each window of a sequence.

    Shape: (N, C, L) to (N, C, L') with ``L' = (L + 2 * padding - kernel_size) // stride + 1``.

    Args:
        kernel_size: size of the window.
        stride: step of the window. Default: ``kernel_size``.
        padding: zeros added on both sides, at most half the kernel. Default: 0.
        ceil_mode: whether an incomplete window at the end counts. Default: ``False``.
        count_include_pad: whether the zeros count in the mean. Default: ``True``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.AvgPool1d(2)(plait.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[2.0, 1.0]]
    """

    _dims = 1

    @checks_arguments
    def __init__(
        self,
        kernel_size: Positives,
        stride: Positives | None = None,
        padding: Counts = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        _check_border(self, kernel_size, padding)
        self.kernel_size = ntuple(kernel_size, 1)
        self.stride = self.kernel_size if stride is None else ntuple(stride, 1)
        self.padding = ntuple(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    _dims: int

    @checks_arguments
    def __init__(
        self,
        kernel_size: Positives,
        stride: Positives | None = None,
        padding: Counts = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: NonZero | None = None,
    ) -> None:
        super().__init__()
        _check_border(self, kernel_size, padding)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window of an image, (N, C, H, W).

    Arguments as for :class:`AvgPool1d` (one number or one per dimension), and:

    Args:
        divisor_override: divide the sum of a window by this number instead of its size. Default: none.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.AvgPool2d(2)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 2, 2])
    """

    _dims = 2

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool3d(_AvgPool):
    """The mean of each window of a volume, (N, C, D, H, W); arguments as for :class:`AvgPool2d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.AvgPool3d(2)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 2, 2, 2])
    """

    _dims = 3

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool3d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class _FractionalMaxPool(Module):
    _dims: int

    @checks_arguments
    def __init__(
        self,
        kernel_size: Positives,
        output_size: Counts | None = None,
        output_ratio: PositiveReals | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            raise ArgumentError(f"{name}: expected exactly one of output_size and output_ratio")
        self.kernel_size = ntuple(kernel_size, self._dims)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else ntuple(output_size, self._dims)
        self.output_ratio = None if output_ratio is None else ntuple(output_ratio, self._dims)
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ArgumentError(f"{name}: expected output_ratio between 0 and 1, got {output_ratio}")


class FractionalMaxPool2d(_FractionalMaxPool):
    """Max pooling of an image over windows at pseudo-random steps (Graham 2014).

    Args:
        kernel_size: size of the window.
        output_size: size of the result; exclusive with ``output_ratio``.
        output_ratio: size of the result as a fraction of the input's, between 0 and 1.
        return_indices: whether the positions of the maxima are returned too. Default: ``False``.

    Raises:
        ValueError: if not exactly one of size and ratio is given, or one is out of range.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.FractionalMaxPool2d(2, output_size=2)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 2, 2])
    """

    _dims = 2

    def forward(self, input: Tensor) -> Any:
        return F.fractional_max_pool2d(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool3d(_FractionalMaxPool):
    """As :class:`FractionalMaxPool2d`, for volumes.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.FractionalMaxPool3d(2, output_size=2)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 2, 2, 2])
    """

    _dims = 3

    def forward(self, input: Tensor) -> Any:
        return F.fractional_max_pool3d(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class _LPPool(Module):
    _dims: int

    @checks_arguments
    def __init__(
        self,
        norm_type: NonZeroReal,
        kernel_size: Positives,
        stride: Positives | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """``(sum of x ** p) ** (1 / p)`` over each window of a sequence.

    Args:
        norm_type: the power p.
        kernel_size: size of the window.
        stride: step of the window. Default: ``kernel_size``.
        ceil_mode: whether an incomplete window at the end counts. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LPPool1d(2, 2)(plait.ones(2, 3, 4)).shape
        plait.Size([2, 3, 2])
    """

    _dims = 1

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(_LPPool):
    """``(sum of x ** p) ** (1 / p)`` over each window of an image; arguments as for :class:`LPPool1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LPPool2d(2, 2)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 2, 2])
    """

    _dims = 2

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool3d(_LPPool):
    """``(sum of x ** p) ** (1 / p)`` over each window of a volume; arguments as for :class:`LPPool1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LPPool3d(2, 2)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 2, 2, 2])
    """

    _dims = 3

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool3d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class _AdaptiveAvgPool(Module):
    _dims: int

    @checks_arguments
    def __init__(self, output_size: Sizes) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Mean over windows chosen so that the output has a given length.

    Args:
        output_size: the length.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.AdaptiveAvgPool1d(2)(plait.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[2.0, 1.0]]
    """

    _dims = 1

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Mean over windows chosen so that the output has a given size; 1 averages whole channels.

    Args:
        output_size: one number, or height and width; ``None`` keeps the input's.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.AdaptiveAvgPool2d((5, None))(plait.randn(1, 64, 10, 9)).shape)
        (1, 64, 5, 9)
    """

    _dims = 2

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """As :class:`AdaptiveAvgPool2d`, for volumes.

    Args:
        output_size: one number, or depth, height and width; ``None`` keeps the input's.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.AdaptiveAvgPool3d(2)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 2, 2, 2])
    """

    _dims = 3

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPool(_AdaptiveAvgPool):
    @checks_arguments
    def __init__(self, output_size: Sizes, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Maximum over windows chosen so that the output has a given length.

    Args:
        output_size: the length.
        return_indices: whether the positions of the maxima are returned too. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.AdaptiveMaxPool1d(2)(plait.ones(2, 3, 4)).shape
        plait.Size([2, 3, 2])
    """

    _dims = 1

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Maximum over windows chosen so that the output has a given size.

    Args:
        output_size: one number, or height and width; ``None`` keeps the input's.
        return_indices: whether the positions of the maxima are returned too. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.AdaptiveMaxPool2d(2)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 2, 2])
    """

    _dims = 2

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """As :class:`AdaptiveMaxPool2d`, for volumes.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.AdaptiveMaxPool3d(2)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 2, 2, 2])
    """

    _dims = 3

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
