# SPDX-License-Identifier: MIT
"""Nothing is compiled: ops run when they are called. The questions are answered so, the decorators change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait import compile as compile

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
    "set_stance",
    "substitute_in_graph",
]


def is_compiling() -> bool:
    """False."""
    return False


def is_dynamo_compiling() -> bool:
    """False."""
    return False


def is_exporting() -> bool:
    """False."""
    return False


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Return the function; a decorator with or without arguments."""
    return (lambda f: f) if fn is None else fn


def allow_in_graph(fn: Any) -> Any:
    """Return the function."""
    return fn


def assume_constant_result(fn: Any) -> Any:
    """Return the function."""
    return fn


def substitute_in_graph(original_fn: Any, **options: Any) -> Callable[[Any], Any]:
    """A decorator that returns the function."""
    return lambda fn: fn


def reset() -> None:
    """Do nothing: there is nothing compiled to forget."""


def cudagraph_mark_step_begin() -> None:
    """Do nothing: there is no CUDA."""


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """An empty list."""
    return []


class set_stance:
    """How to compile from here on; without an effect, as a call, a context or a decorator."""

    def __init__(self, stance: str = "default", **options: Any) -> None:
        self.stance = stance

    def __call__(self, fn: Any) -> Any:
        return fn

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        pass
