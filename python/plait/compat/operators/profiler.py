# SPDX-License-Identifier: MIT
"""Ranges of a profile as operators, for graphs that begin and end one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...profiler import record_function

__all__ = ["OPERATORS"]


def enter(name: str, args: str | None = None) -> Any:
    """Begin a range; the result ends it."""
    return record_function.__enter__(record_function(name, args))


def leave(handle: Any) -> None:
    """End a range."""
    record_function.__exit__(handle, None, None, None)


OPERATORS: dict[str, Callable[..., Any]] = {
    "_record_function_enter": enter,
    "_record_function_enter_new": enter,
    "_record_function_exit": leave,
}
