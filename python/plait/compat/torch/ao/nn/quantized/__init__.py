# SPDX-License-Identifier: MIT
"""Operations as modules, where a network would be quantised; on values they are the operations themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plait
from plait import Tensor
from plait.nn import Identity, Module

__all__ = ["FloatFunctional"]


class FloatFunctional(Module):
    """Operations that a network would watch in order to quantise their results."""

    def __init__(self) -> None:
        super().__init__()
        self.activation_post_process = Identity()

    def forward(self, x: Any) -> Any:
        """Raise RuntimeError: the operations are called by their names."""
        raise RuntimeError("FloatFunctional: expected a call of one of its operations, such as add(x, y)")

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """x + y"""
        return self.activation_post_process(x + y)

    def add_scalar(self, x: Tensor, y: float) -> Tensor:
        """x + y"""
        return x + y

    def mul(self, x: Tensor, y: Tensor) -> Tensor:
        """x y"""
        return self.activation_post_process(x * y)

    def mul_scalar(self, x: Tensor, y: float) -> Tensor:
        """x y"""
        return x * y

    def cat(self, x: Sequence[Tensor], dim: int = 0) -> Tensor:
        """Tensors one behind the other."""
        return self.activation_post_process(plait.cat(x, dim=dim))

    def add_relu(self, x: Tensor, y: Tensor) -> Tensor:
        """relu(x + y)"""
        return self.activation_post_process((x + y).relu())

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        """The product of matrices."""
        return self.activation_post_process(x @ y)
