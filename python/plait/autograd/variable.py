# SPDX-License-Identifier: MIT
"""``Variable`` of programs written before tensors recorded gradients themselves."""

from __future__ import annotations

from typing import Any

from .._core import ArgumentTypeError, Tensor, empty

__all__ = ["Variable"]


class _IsTensor(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_IsTensor):
    """A leaf on the memory of a tensor, outside of the graph that the tensor may be part of.

    Args:
        data: the tensor. Default: one without elements.
        requires_grad: whether the leaf needs a gradient. Default: ``False``, even where ``data`` needs one.
        volatile: accepted and ignored.

    Returns:
        A tensor: there are no objects of this class, and all tensors count as such.

    Raises:
        TypeError: ``data`` is no tensor.

    Example:
        >>> import plait
        >>> x = plait.ones(2)
        >>> plait.autograd.Variable(x, requires_grad=True).requires_grad, x.requires_grad
        (True, False)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = False, volatile: Any = None) -> Tensor:  # type: ignore[misc]
        if data is None:
            data = empty(0)
        if not isinstance(data, Tensor):
            raise ArgumentTypeError(f"Variable: expected data to be a tensor, got {type(data).__name__}")
        leaf = data.detach()
        return leaf.requires_grad_() if requires_grad else leaf
