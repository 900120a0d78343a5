# SPDX-License-Identifier: MIT
"""What ``torch.xpu`` and ``torch.mtia`` answer: there is no device of their kind."""

from __future__ import annotations

from typing import Any

__all__ = [
    "device_count",
    "empty_cache",
    "is_available",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "synchronize",
]


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def synchronize(device: Any = None) -> None:
    """Do nothing: all work is done when a call returns."""


def empty_cache() -> None:
    """Do nothing."""


def manual_seed(seed: int) -> None:
    """Do nothing; ``manual_seed`` of the CPU is ``torch.manual_seed``."""


def manual_seed_all(seed: int) -> None:
    """Do nothing."""
