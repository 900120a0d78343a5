# SPDX-License-Identifier: MIT
"""``jit.script`` and ``jit.trace`` as identities: as with ``compile``, nothing is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["export", "ignore", "is_scripting", "is_tracing", "script", "trace", "unused"]

T = TypeVar("T")


def script(obj: T, *args: Any, **kwargs: Any) -> T:
    """Return the function or module unchanged."""
    return obj


def trace(func: T, example_inputs: Any = None, *args: Any, **kwargs: Any) -> T:
    """Return the function or module unchanged; data-dependent control flow stays as it is."""
    return func


def export(fn: T) -> T:
    """Return the method unchanged."""
    return fn


def unused(fn: T) -> T:
    """Return the method unchanged."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """A decorator, with or without arguments, that changes nothing."""
    decorated: Callable[[T], T] = lambda fn: fn  # noqa: E731
    return drop if callable(drop) else decorated


def is_scripting() -> bool:
    """False."""
    return False


def is_tracing() -> bool:
    """False."""
    return False
