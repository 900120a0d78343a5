# SPDX-License-Identifier: MIT
"""The graph as Python sees it: nodes and handles of hooks."""

from __future__ import annotations

from .._core import Node, Tensor
from .._hooks import RemovableHandle

__all__ = ["Node", "RemovableHandle", "get_gradient_edge"]


def get_gradient_edge(tensor: Tensor) -> tuple[Node | None, int]:
    """The node and result number through which the gradient of ``tensor`` flows.

    Example:
        >>> import plait
        >>> x = plait.ones(2, requires_grad=True)
        >>> node, number = plait.autograd.graph.get_gradient_edge(x * 2)
        >>> node.name(), number
        ('MulBackward0', 0)
    """
    return tensor.grad_fn, tensor.output_nr
