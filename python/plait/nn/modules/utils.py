# SPDX-License-Identifier: MIT
"""Small helpers of the modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["ntuple"]


def ntuple(value: Any, count: int) -> tuple[Any, ...]:
    """``value`` as a tuple; a single number stands for ``count`` equal ones."""
    several = isinstance(value, Iterable) and getattr(value, "ndim", 1) > 0
    return tuple(value) if several else (value,) * count


def _ntuple(n: int) -> Callable[[Any], tuple[Any, ...]]:
    return lambda value: ntuple(value, n)


# The names under which programs written for PyTorch import them.
_single = _ntuple(1)
_pair = _ntuple(2)
_triple = _ntuple(3)
_quadruple = _ntuple(4)
