# SPDX-License-Identifier: MIT
"""Affine maps."""

from __future__ import annotations

import math
from typing import Any

from ... import _core
from ..._core import Tensor
from ...autograd.grad_mode import no_grad
from .. import functional as F
from .. import init
from ..parameter import Parameter, UninitializedParameter
from ._arguments import Count, Positive, checks_arguments
from .lazy import LazyModuleMixin
from .module import Module

__all__ = ["Bilinear", "Identity", "LazyLinear", "Linear"]


class Identity(Module):
    """Return the input. Takes and ignores any constructor arguments.

    Example:
        >>> from plait import nn
        >>> nn.Identity(54, unused=True)
        Identity()
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """``y = x @ weight.T + bias``.

    Shape: (..., in_features) to (..., out_features).

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        bias: whether a bias is added. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Attributes:
        weight: (out_features, in_features), from U(-k, k) with k = 1 / sqrt(in_features).
        bias: (out_features), likewise; or ``None``.

    Raises:
        ValueError: in forward, if the last dimension of the input is not ``in_features``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.Linear(20, 30)(plait.randn(128, 20)).shape)
        (128, 30)
    """

    in_features: int
    out_features: int
    weight: Tensor
    bias: Tensor | None

    @checks_arguments
    def __init__(
        self,
        in_features: Count,
        out_features: Count,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(_core.empty(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(_core.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """A linear layer whose weight another module reads directly (the output projection of attention)."""


class Bilinear(Module):
    """``y[k] = x1 @ weight[k] @ x2 + bias[k]``.

    Shape: (..., in1_features) and (..., in2_features) to (..., out_features).

    Args:
        in1_features: size of the last dimension of the first input.
        in2_features: size of the last dimension of the second input; not 0.
        out_features: size of the last dimension of the output.
        bias: whether a bias is added. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Attributes:
        weight: (out_features, in1_features, in2_features), from U(-k, k) with k = 1 / sqrt(in1_features).
        bias: (out_features), likewise; or ``None``.

    Raises:
        ValueError: if ``in1_features`` is not positive; in forward, if the shapes do not fit.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Bilinear(2, 3, 4)(plait.ones(5, 2), plait.ones(5, 3)).shape
        plait.Size([5, 4])
    """

    weight: Tensor
    bias: Tensor | None

    @checks_arguments
    def __init__(
        self,
        in1_features: Positive,
        in2_features: Count,
        out_features: Count,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(_core.empty(out_features, in1_features, in2_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(_core.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.weight.shape[1])
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class LazyLinear(LazyModuleMixin, Linear):
    """A :class:`Linear` that reads ``in_features`` from its first input.

    Args:
        out_features: size of the last dimension of the output.
        bias: whether a bias is added. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.LazyLinear(3)
        >>> _ = layer(plait.ones(2, 7))
        >>> layer
        Linear(in_features=7, out_features=3, bias=True)
    """

    cls_to_become = Linear
    weight: UninitializedParameter
    bias: UninitializedParameter  # type: ignore[assignment]

    @checks_arguments
    def __init__(self, out_features: Count, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        # The parameters get their shapes in the first forward.
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw new initial values; does nothing before the first forward."""
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        if self.has_uninitialized_params():
            with no_grad():
                self.in_features = input.shape[-1]
                self.weight.materialize((self.out_features, self.in_features))
                if self.bias is not None:
                    self.bias.materialize((self.out_features,))
                self.reset_parameters()
