# SPDX-License-Identifier: MIT
"""Normalisation that does not depend on the batch: layer, group, RMS, local response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import _core
from ..._core import ArgumentError, Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter
from ._arguments import Count, Counts, Positive, checks_arguments
from .module import Module
from .utils import ntuple

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


def _shape(owner: Module, value: int | Sequence[int]) -> tuple[int, ...]:
    shape = tuple(int(size) for size in ntuple(value, 1))
    if not shape:
        raise ArgumentError(f"{type(owner).__name__}: expected normalized_shape to name at least 1 dimension, got ()")
    return shape


class LocalResponseNorm(Module):
    """Divide by ``(k + alpha * mean of squares over neighbouring channels) ** beta`` (AlexNet, 2012).

    Shape: (N, C, ...), unchanged.

    Args:
        size: number of neighbouring channels.
        alpha: Default: 1e-4.
        beta: Default: 0.75.
        k: Default: 1.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LocalResponseNorm(2)(plait.ones(1, 2, 1)).flatten()
        tensor([1.0000, 0.9999])
    """

    @checks_arguments
    def __init__(self, size: Positive, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """:class:`LocalResponseNorm` of images, (N, C, H, W), under its older name.

    Args:
        size: number of neighbouring channels.
        alpha: Default: 1e-4.
        beta: Default: 0.75.
        k: Default: 1.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.CrossMapLRN2d(2)(plait.ones(1, 2, 1, 1)).flatten()
        tensor([1.0000, 0.9999])
    """

    @checks_arguments
    def __init__(self, size: Positive, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)


class LayerNorm(Module):
    """Normalise over the last dimensions of each sample (Ba et al. 2016).

    ``y = (x - mean) / sqrt(var + eps) * weight + bias`` with the biased variance.

    Shape: (..., *normalized_shape), unchanged.

    Args:
        normalized_shape: the last dimensions; one number is the last dimension.
        eps: added to the variance. Default: 1e-5.
        elementwise_affine: whether there are ``weight`` and ``bias``. Default: ``True``.
        bias: whether there is a ``bias`` if ``elementwise_affine``. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Attributes:
        weight: of shape ``normalized_shape``, ones.
        bias: likewise, zeros.

    Raises:
        ValueError: in forward, if the input does not end with ``normalized_shape``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> y = nn.LayerNorm(10)(plait.randn(4, 10))
        >>> bool(y.mean(-1).abs().max() < 1e-5)
        True
    """

    normalized_shape: tuple[int, ...]
    weight: Tensor | None
    bias: Tensor | None

    @checks_arguments
    def __init__(
        self,
        normalized_shape: Counts,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(self, normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        for name, present in (("weight", elementwise_affine), ("bias", elementwise_affine and bias)):
            value = _core.empty(self.normalized_shape, device=device, dtype=dtype) if present else None
            self.register_parameter(name, None if value is None else Parameter(value))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class GroupNorm(Module):
    """Normalise over groups of channels of each sample (Wu & He 2018).

    Shape: (N, C, ...), unchanged.

    Args:
        num_groups: number of groups; divides ``num_channels``.
        num_channels: C.
        eps: added to the variance. Default: 1e-5.
        affine: whether there are ``weight`` and ``bias`` per channel. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.
        bias: whether there is a ``bias`` if ``affine``. Default: ``True``.

    Raises:
        ValueError: if ``num_groups`` does not divide ``num_channels``; in forward, if the channels differ.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.GroupNorm(3, 6)(plait.randn(20, 6, 10, 10)).shape)
        (20, 6, 10, 10)
    """

    weight: Tensor | None
    bias: Tensor | None

    @checks_arguments
    def __init__(
        self,
        num_groups: Positive,
        num_channels: Count,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups <= 0 or num_channels % num_groups:
            raise ArgumentError(
                f"GroupNorm: expected num_channels in multiples of num_groups, got {num_channels} and {num_groups}"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        for name, present in (("weight", affine), ("bias", affine and bias)):
            value = _core.empty(num_channels, device=device, dtype=dtype) if present else None
            self.register_parameter(name, None if value is None else Parameter(value))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """``x / sqrt(mean(x ** 2) + eps) * weight`` over the last dimensions (Zhang & Sennrich 2019).

    Shape: (..., *normalized_shape), unchanged.

    Args:
        normalized_shape: the last dimensions; one number is the last dimension.
        eps: added under the root. Default: the machine epsilon of the input's dtype.
        elementwise_affine: whether there is a ``weight``. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameter. Default: the default dtype.

    Raises:
        ValueError: in forward, if the input does not end with ``normalized_shape``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.RMSNorm(2)(plait.tensor([3.0, 4.0])).detach()
        tensor([0.8485, 1.1314])
    """

    normalized_shape: tuple[int, ...]
    weight: Tensor | None

    @checks_arguments
    def __init__(
        self,
        normalized_shape: Counts,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(self, normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        if elementwise_affine:
            self.weight = Parameter(_core.empty(self.normalized_shape, device=device, dtype=dtype))
        else:
            self.register_parameter("weight", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
