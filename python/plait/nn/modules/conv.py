# SPDX-License-Identifier: MIT
"""Convolutions and transposed convolutions in 1 to 3 dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from ... import _core
from ..._core import ArgumentError, Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter, UninitializedParameter
from ._arguments import Choice, Count, Counts, Positive, Positives, checks_arguments
from .lazy import LazyModuleMixin
from .module import Module
from .utils import ntuple

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
]

_Padding: TypeAlias = str | Counts
_PaddingMode: TypeAlias = Annotated[str, Choice("zeros", "reflect", "replicate", "circular")]


def _per_dimension(value: Any, dims: int) -> tuple[int, ...]:
    values = ntuple(value, dims)
    return values * dims if len(values) == 1 else values


class _ConvNd(Module):
    """What all convolutions share: arguments, parameters and their initial values."""

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: str | tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: str
    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: str | tuple[int, ...],
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"{name}: expected in_channels and out_channels in multiples of groups={groups}, "
                f"got {in_channels} and {out_channels}"
            )
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ArgumentError(f"{name}: expected padding 'valid', 'same' or numbers, got {padding!r}")
            if padding == "same" and any(s != 1 for s in stride):
                raise ArgumentError(f"{name}: expected stride 1 with padding='same', got {stride}")
        if len(kernel_size) != len(stride):
            raise ArgumentError(
                f"{name}: expected kernel_size to be an int or {len(stride)} ints, got {tuple(kernel_size)}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = self._border()
        self.weight = Parameter(_core.empty(self._weight_shape(), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(_core.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _weight_shape(self) -> tuple[int, ...]:
        if self.transposed:
            return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def _border(self) -> list[int]:
        """The padding in the form that ``F.pad`` takes: last dimension first, both sides."""
        border = []
        for axis in reversed(range(len(self.kernel_size))):
            if self.padding == "valid":
                border += [0, 0]
            elif self.padding == "same":
                total = self.dilation[axis] * (self.kernel_size[axis] - 1)
                border += [total // 2, total - total // 2]
            else:
                amount = self.padding[axis]
                border += [amount, amount]  # type: ignore[list-item]
        return border

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = self.weight.shape[1] * math.prod(self.kernel_size)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def _pad_border(self, input: Tensor) -> Tensor:
        return F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        dims = len(self.kernel_size)
        if self.padding != (0,) * dims:
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * dims:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != (0,) * dims:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class _Conv(_ConvNd):
    """Constructor of the plain convolutions; ``_dims`` says in how many dimensions."""

    _dims: int

    @checks_arguments
    def __init__(
        self,
        in_channels: Count,
        out_channels: Positive,
        kernel_size: Positives,
        stride: Positives = 1,
        padding: _Padding = 0,
        dilation: Positives = 1,
        groups: Positive = 1,
        bias: bool = True,
        padding_mode: _PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        n = self._dims
        super().__init__(
            in_channels,
            out_channels,
            ntuple(kernel_size, n),
            _per_dimension(stride, n),
            padding if isinstance(padding, str) else _per_dimension(padding, n),
            _per_dimension(dilation, n),
            False,
            (0,) * n,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )


class Conv1d(_Conv):
    """Convolution (cross-correlation) of sequences.

    Shape: (N, C_in, L) or (C_in, L) to (N, C_out, L') or (C_out, L') with
    ``L' = (L + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1``.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: size of the kernel.
        stride: step of the kernel. Default: 1.
        padding: added on both sides; ``"same"`` keeps the length (stride 1 only), ``"valid"`` is 0.
        dilation: distance of the kernel's elements. Default: 1.
        groups: number of groups of channels that do not mix. Default: 1.
        bias: whether a bias is added. Default: ``True``.
        padding_mode: ``"zeros"`` (default), ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Attributes:
        weight: (C_out, C_in / groups, kernel_size), from U(-k, k) with k = sqrt(groups / (C_in * kernel_size)).
        bias: (C_out), likewise; or ``None``.

    Raises:
        ValueError: if the channels do not divide by ``groups`` or an argument is out of range; in forward, if
            the input has another number of channels or the kernel does not fit.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.Conv1d(16, 33, 3, stride=2)(plait.randn(20, 16, 50)).shape)
        (20, 33, 24)
    """

    _dims = 1

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.padding_mode != "zeros":
            return F.conv1d(self._pad_border(input), weight, bias, self.stride, 0, self.dilation, self.groups)
        return F.conv1d(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(_Conv):
    """Convolution (cross-correlation) of images.

    Shape: (N, C_in, H, W) or (C_in, H, W) to (N, C_out, H', W') or (C_out, H', W'); H' and W' as for
    :class:`Conv1d`. Kernel size, stride, padding and dilation are one number or one per dimension.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: size of the kernel.
        stride: step of the kernel. Default: 1.
        padding: added on all sides; ``"same"`` keeps the size (stride 1 only), ``"valid"`` is 0. Default: 0.
        dilation: distance of the kernel's elements. Default: 1.
        groups: number of groups of channels that do not mix; C_in gives a depthwise convolution. Default: 1.
        bias: whether a bias is added. Default: ``True``.
        padding_mode: ``"zeros"`` (default), ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Attributes:
        weight: (C_out, C_in / groups, kh, kw), from U(-k, k) with k = sqrt(groups / (C_in * kh * kw)).
        bias: (C_out), likewise; or ``None``.

    Raises:
        ValueError: as for :class:`Conv1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.Conv2d(3, 8, 3, padding="same")(plait.randn(2, 3, 32, 32)).shape)
        (2, 8, 32, 32)
    """

    _dims = 2

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.padding_mode != "zeros":
            return F.conv2d(self._pad_border(input), weight, bias, self.stride, 0, self.dilation, self.groups)
        return F.conv2d(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class Conv3d(_Conv):
    """Convolution (cross-correlation) of volumes.

    Shape: (N, C_in, D, H, W) or (C_in, D, H, W) to (N, C_out, D', H', W') or (C_out, D', H', W'). Arguments,
    attributes and errors as for :class:`Conv2d`, with one more dimension.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.Conv3d(1, 2, 3)(plait.randn(1, 1, 5, 6, 7)).shape)
        (1, 2, 3, 4, 5)
    """

    _dims = 3

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.padding_mode != "zeros":
            return F.conv3d(self._pad_border(input), weight, bias, self.stride, 0, self.dilation, self.groups)
        return F.conv3d(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class _ConvTranspose(_ConvNd):
    """Constructor of the transposed convolutions, and the choice of ``output_padding``."""

    _dims: int
    padding: tuple[int, ...]

    @checks_arguments
    def __init__(
        self,
        in_channels: Count,
        out_channels: Positive,
        kernel_size: Positives,
        stride: Positives = 1,
        padding: Counts = 0,
        output_padding: Counts = 0,
        groups: Positive = 1,
        bias: bool = True,
        dilation: Positives = 1,
        padding_mode: _PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ArgumentError(f"{type(self).__name__}: expected padding_mode 'zeros', got {padding_mode!r}")
        n = self._dims
        super().__init__(
            in_channels,
            out_channels,
            ntuple(kernel_size, n),
            _per_dimension(stride, n),
            _per_dimension(padding, n),
            _per_dimension(dilation, n),
            True,
            _per_dimension(output_padding, n),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """The amounts that make the output as large as ``output_size``."""
        if output_size is None:
            return self.output_padding
        n = self._dims
        asked = list(output_size)
        if len(asked) == input.dim():
            asked = asked[-n:]
        if len(asked) != n:
            raise ArgumentError(
                f"{type(self).__name__}: expected output_size of {n} or {input.dim()} entries, got {list(output_size)}"
            )
        extra = []
        for axis, size in enumerate(asked):
            least = (
                (input.shape[input.dim() - n + axis] - 1) * self.stride[axis]
                - 2 * self.padding[axis]
                + self.dilation[axis] * (self.kernel_size[axis] - 1)
                + 1
            )
            if not least <= size < least + self.stride[axis]:
                raise ArgumentError(
                    f"{type(self).__name__}: expected output_size within {least}..{least + self.stride[axis] - 1} "
                    f"along dimension {axis}, got {asked} for input {tuple(input.shape)}"
                )
            extra.append(size - least)
        return tuple(extra)


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of sequences: the gradient of :class:`Conv1d` with respect to its input.

    Shape: (N, C_in, L) or (C_in, L) to (N, C_out, L') or (C_out, L') with
    ``L' = (L - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1``.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: size of the kernel.
        stride: step of the kernel on the output. Default: 1.
        padding: cut off on both sides. Default: 0.
        output_padding: added on one side; resolves which of several sizes is meant. Default: 0.
        groups: number of groups of channels that do not mix. Default: 1.
        bias: whether a bias is added. Default: ``True``.
        dilation: distance of the kernel's elements. Default: 1.
        padding_mode: only ``"zeros"``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Attributes:
        weight: (C_in, C_out / groups, kernel_size), from U(-k, k), k = sqrt(groups / (C_out * kernel_size)).
        bias: (C_out), likewise; or ``None``.

    Raises:
        ValueError: if the arguments or, in forward, the shapes do not fit.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.ConvTranspose1d(4, 2, 3, stride=2)(plait.randn(1, 4, 5)).shape)
        (1, 2, 11)
    """

    _dims = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return F.conv_transpose1d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self._output_padding(input, output_size),
            self.groups,
            self.dilation,
        )


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of images, (N, C, H, W) or (C, H, W).

    Arguments, attributes and errors as for :class:`ConvTranspose1d`; sizes are one number or one per dimension.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> up = nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1)
        >>> tuple(up(plait.randn(1, 4, 6, 6), output_size=(12, 12)).shape)
        (1, 2, 12, 12)
    """

    _dims = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return F.conv_transpose2d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self._output_padding(input, output_size),
            self.groups,
            self.dilation,
        )


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of volumes, (N, C, D, H, W) or (C, D, H, W).

    Arguments, attributes and errors as for :class:`ConvTranspose1d`; sizes are one number or one per dimension.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ConvTranspose3d(3, 5, 3)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 5, 6, 6, 6])
    """

    _dims = 3

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return F.conv_transpose3d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self._output_padding(input, output_size),
            self.groups,
            self.dilation,
        )


class _LazyConvNd(LazyModuleMixin, _ConvNd):
    """A convolution that reads ``in_channels`` from its first input."""

    def _init_lazy(self, out_channels: int, bias: bool, device: Any, dtype: Any, **arguments: Any) -> None:
        """Run the constructor without channels and put parameters without a shape in place."""
        groups = arguments["groups"]
        if out_channels % groups:
            raise ArgumentError(
                f"{type(self).__name__}: expected out_channels in multiples of groups={groups}, got {out_channels}"
            )
        super().__init__(0, out_channels, bias=False, **arguments)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw new initial values; does nothing before the first forward."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        if not self.has_uninitialized_params():
            return
        n = len(self.kernel_size)
        if input.dim() not in (n + 1, n + 2):
            raise ArgumentError(
                f"{type(self).__name__}: expected an input of {n + 1} or {n + 2} dimensions, got {tuple(input.shape)}"
            )
        channels = input.shape[-n - 1]
        if channels % self.groups:
            raise ArgumentError(
                f"{type(self).__name__}: expected channels in multiples of groups={self.groups}, got {channels}"
            )
        self.in_channels = channels
        self.weight.materialize(self._weight_shape())  # type: ignore[attr-defined]
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))  # type: ignore[attr-defined]
        self.reset_parameters()


class _LazyConv(_LazyConvNd):
    @checks_arguments
    def __init__(
        self,
        out_channels: Positive,
        kernel_size: Positives,
        stride: Positives = 1,
        padding: _Padding = 0,
        dilation: Positives = 1,
        groups: Positive = 1,
        bias: bool = True,
        padding_mode: _PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self._init_lazy(
            out_channels,
            bias,
            device,
            dtype,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            padding_mode=padding_mode,
        )


class _LazyConvTranspose(_LazyConvNd):
    @checks_arguments
    def __init__(
        self,
        out_channels: Positive,
        kernel_size: Positives,
        stride: Positives = 1,
        padding: Counts = 0,
        output_padding: Counts = 0,
        groups: Positive = 1,
        bias: bool = True,
        dilation: Positives = 1,
        padding_mode: _PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self._init_lazy(
            out_channels,
            bias,
            device,
            dtype,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            groups=groups,
            dilation=dilation,
            padding_mode=padding_mode,
        )


class LazyConv1d(_LazyConv, Conv1d):  # type: ignore[misc]
    """A :class:`Conv1d` that reads ``in_channels`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyConv1d(5, 3)(plait.ones(2, 3, 4)).shape
        plait.Size([2, 5, 2])
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):  # type: ignore[misc]
    """A :class:`Conv2d` that reads ``in_channels`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.LazyConv2d(4, 3)
        >>> _ = layer(plait.zeros(1, 2, 8, 8))
        >>> layer
        Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1))
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):  # type: ignore[misc]
    """A :class:`Conv3d` that reads ``in_channels`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyConv3d(5, 3)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 5, 2, 2, 2])
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):  # type: ignore[misc]
    """A :class:`ConvTranspose1d` that reads ``in_channels`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyConvTranspose1d(5, 3)(plait.ones(2, 3, 4)).shape
        plait.Size([2, 5, 6])
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):  # type: ignore[misc]
    """A :class:`ConvTranspose2d` that reads ``in_channels`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyConvTranspose2d(5, 3)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 5, 6, 6])
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):  # type: ignore[misc]
    """A :class:`ConvTranspose3d` that reads ``in_channels`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyConvTranspose3d(5, 3)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 5, 6, 6, 6])
    """

    cls_to_become = ConvTranspose3d
