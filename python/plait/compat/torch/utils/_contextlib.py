# SPDX-License-Identifier: MIT
"""Context managers that decorate functions too, to derive one's own from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.autograd.grad_mode import _GradMode as _DecoratorContextManager

__all__ = ["_DecoratorContextManager", "_NoParamDecoratorContextManager"]


class _NoParamDecoratorContextManager(_DecoratorContextManager):
    """One whose class decorates a function without being called first."""

    def __new__(cls, orig_func: Callable[..., Any] | None = None) -> Any:
        """An object, or the decorated function."""
        return super().__new__(cls) if orig_func is None else cls()(orig_func)
