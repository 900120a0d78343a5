# SPDX-License-Identifier: MIT
"""``Variable`` of programs written before tensors recorded gradients themselves."""

from __future__ import annotations

from .._core import Tensor

__all__ = ["Variable"]


def Variable(data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Tensor:
    """The tensor itself, with ``requires_grad`` set when asked for."""
    return data.requires_grad_() if requires_grad else data
