# SPDX-License-Identifier: MIT
"""Tools around training: data loading, activation checkpointing, counts of operations, handles of hooks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import checkpoint, data, flop_counter, hooks

__all__ = ["checkpoint", "data", "flop_counter", "hooks"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # imported when it is used
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
