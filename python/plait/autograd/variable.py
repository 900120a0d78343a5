# SPDX-License-Identifier: MIT
"""``Variable`` of programs written before tensors recorded gradients themselves."""

from __future__ import annotations

from .._core import Tensor

__all__ = ["Variable"]


def Variable(data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Tensor:
    """The tensor itself, with ``requires_grad`` set when asked for.

    Args:
        data: the tensor.
        requires_grad: whether it needs a gradient. Default: ``False``.
        volatile: accepted and ignored.

    Example:
        >>> import plait
        >>> plait.autograd.Variable(plait.ones(2), requires_grad=True).requires_grad
        True
    """
    return data.requires_grad_() if requires_grad else data
