# SPDX-License-Identifier: MIT
"""A mark on functions that subclasses of the tracer may carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["compatibility"]

T = TypeVar("T")


def compatibility(is_backward_compatible: bool) -> Callable[[T], T]:
    """A decorator that leaves what it is given as it is."""

    def mark(fn: Any) -> Any:
        return fn

    return mark
