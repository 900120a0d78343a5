# SPDX-License-Identifier: MIT
"""Tools around training: data loading, activation checkpointing, handles of hooks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import data

if TYPE_CHECKING:
    from . import checkpoint, hooks

__all__ = ["checkpoint", "data", "hooks"]


def __getattr__(name: str) -> Any:
    if name in ("checkpoint", "hooks"):  # imported when they are used
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
