# SPDX-License-Identifier: MIT
"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from ... import _core
from ..._core import ArgumentError, ArgumentTypeError, Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The values of all parameters in one vector, in order.

    Example:
        >>> from plait import nn
        >>> tuple(nn.utils.parameters_to_vector(nn.Linear(3, 2).parameters()).shape)
        (8,)
    """
    return _core.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make the pieces of a vector the values of the parameters, in order; they share its memory.

    Args:
        vec: a vector of all their elements.

    Raises:
        TypeError: if ``vec`` is no tensor.
        ValueError: if it has fewer elements than the parameters; nothing has changed then.

    Example:
        >>> import plait
        >>> w = [plait.zeros(2), plait.zeros(1)]
        >>> plait.nn.utils.vector_to_parameters(plait.arange(3.0), w)
        >>> w
        [tensor([0., 1.]), tensor([2.])]
    """
    if not isinstance(vec, Tensor):
        raise ArgumentTypeError(f"vector_to_parameters: expected vec to be a Tensor, got {type(vec).__name__}")
    parameters = list(parameters)
    total = sum(p.numel() for p in parameters)
    if vec.numel() < total:
        raise ArgumentError(f"vector_to_parameters: expected a vector of {total} elements, got {vec.numel()}")
    at = 0
    for p in parameters:
        count = p.numel()
        p.data = vec[at : at + count].view_as(p).data
        at += count
