# SPDX-License-Identifier: MIT
"""Small helpers of the modules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["ntuple"]


def ntuple(value: Any, count: int) -> tuple[Any, ...]:
    """``value`` as a tuple; a single number stands for ``count`` equal ones."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * count
