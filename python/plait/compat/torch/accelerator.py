# SPDX-License-Identifier: MIT
"""There is no accelerator: programs take the CPU."""

from __future__ import annotations

from typing import Any

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "empty_cache",
    "is_available",
    "set_device_index",
    "synchronize",
]


def is_available() -> bool:
    """False."""
    return False


def current_accelerator(check_available: bool = False) -> None:
    """None."""
    return None


def device_count() -> int:
    """0."""
    return 0


def _no_device(name: str) -> RuntimeError:
    return RuntimeError(f"accelerator.{name}: there is no accelerator; plait computes on the CPU")


def current_device_index() -> int:
    """Raise RuntimeError."""
    raise _no_device("current_device_index")


def set_device_index(device: Any) -> None:
    """Raise RuntimeError."""
    raise _no_device("set_device_index")


def synchronize(device: Any = None) -> None:
    """Do nothing: all work is done when a call returns."""


def empty_cache() -> None:
    """Do nothing."""
