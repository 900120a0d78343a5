# SPDX-License-Identifier: MIT
"""Changing the shape inside a ``Sequential``."""

from __future__ import annotations

from typing import Any

from ..._core import ArgumentError, ArgumentTypeError, Tensor
from ._arguments import checks_arguments
from .module import Module

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """Join the dimensions ``start_dim`` to ``end_dim`` into one.

    Args:
        start_dim: the first. Default: 1, which leaves the batch alone.
        end_dim: the last. Default: -1.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.Flatten()(plait.zeros(32, 1, 5, 5)).shape)
        (32, 25)
    """

    @checks_arguments
    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Split the dimension ``dim`` into several.

    Args:
        dim: the dimension to split.
        unflattened_size: its new sizes; one may be -1.

    Raises:
        TypeError: if ``dim`` is no integer or a size is no integer.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.Unflatten(1, (2, 5, 5))(plait.zeros(2, 50)).shape)
        (2, 2, 5, 5)
    """

    @checks_arguments
    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)):
            raise ArgumentTypeError(
                f"Unflatten: expected unflattened_size to be a tuple of ints, got {type(unflattened_size).__name__}"
            )
        if not unflattened_size:
            raise ArgumentError("Unflatten: expected at least one size, got ()")
        for size in unflattened_size:
            if not isinstance(size, int):
                raise ArgumentTypeError(f"Unflatten: expected sizes to be ints, got {type(size).__name__}")
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
