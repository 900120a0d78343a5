# SPDX-License-Identifier: MIT
"""The graph as Python sees it: nodes and handles of hooks."""

from __future__ import annotations

from .._core import Node, Tensor
from .._hooks import RemovableHandle

__all__ = ["Node", "RemovableHandle", "get_gradient_edge"]


def get_gradient_edge(tensor: Tensor) -> tuple[Node | None, int]:
    """The node and result number through which the gradient of ``tensor`` flows."""
    return tensor.grad_fn, tensor.output_nr
