# SPDX-License-Identifier: MIT
"""The graph as Python sees it: nodes and handles of hooks."""

from __future__ import annotations

from collections.abc import Callable

from .._core import Node, Tensor

__all__ = ["Node", "RemovableHandle", "get_gradient_edge"]


class RemovableHandle:
    """What registering a hook returns; ``remove()`` takes the hook off. Also a context manager."""

    def __init__(self, remove: Callable[[], None]) -> None:
        self._remove: Callable[[], None] | None = remove

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        if self._remove is not None:
            self._remove()
            self._remove = None

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def get_gradient_edge(tensor: Tensor) -> tuple[Node | None, int]:
    """The node and result number through which the gradient of ``tensor`` flows."""
    return tensor.grad_fn, tensor.output_nr
