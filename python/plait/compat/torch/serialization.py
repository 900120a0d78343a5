# SPDX-License-Identifier: MIT
"""``plait.serialization`` with the names of types and settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Any, TypeAlias

from plait.compat._modules import extend

FILE_LIKE: TypeAlias = str | os.PathLike[str] | IO[bytes]
MAP_LOCATION: TypeAlias = Callable[..., Any] | Any | str | dict[str, str] | None
DEFAULT_PROTOCOL = 2


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Do nothing: no file calls anything, so that nothing has to be allowed."""


def get_safe_globals() -> list[Any]:
    """An empty list."""
    return []


def clear_safe_globals() -> None:
    """Do nothing."""


class safe_globals:
    """A context without an effect, see :func:`add_safe_globals`."""

    def __init__(self, safe_globals: list[Any]) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        pass


extend(globals(), "plait.serialization")
