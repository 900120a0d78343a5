# SPDX-License-Identifier: MIT
"""Tools around training: data loading, activation checkpointing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import data

if TYPE_CHECKING:
    from . import checkpoint

__all__ = ["checkpoint", "data"]


def __getattr__(name: str) -> Any:
    if name == "checkpoint":  # imported when it is used
        return importlib.import_module(f"{__name__}.checkpoint")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
