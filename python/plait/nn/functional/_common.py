# SPDX-License-Identifier: MIT
"""What several functional forms share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..._core import ArgumentError, Tensor, bfloat16, float16
from ..._warn import warn_user

__all__ = [
    "apply_inplace",
    "check_probability",
    "legacy_reduction",
    "reduce_loss",
    "resolve_reduction",
    "tuple_of",
    "widened",
]


def legacy_reduction(size_average: bool | None, reduce: bool | None) -> str:
    """The ``reduction`` that the two arguments it replaced stand for."""
    reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    warn_user(f"size_average and reduce are the old form of reduction={reduction!r}", FutureWarning)
    return reduction


def resolve_reduction(op: str, reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> str:
    """``reduction``, or what the old arguments stand for; raises if it is unknown."""
    if size_average is not None or reduce is not None:
        return legacy_reduction(size_average, reduce)
    if reduction not in ("none", "mean", "sum"):
        raise ArgumentError(f"{op}: expected reduction to be 'none', 'mean' or 'sum', got {reduction!r}")
    return reduction


def reduce_loss(loss: Tensor, reduction: str) -> Tensor:
    """``loss`` itself, its mean or its sum; ``reduction`` was checked before."""
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


def check_probability(op: str, p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"{op}: expected a probability between 0 and 1, got {p}")


def tuple_of(op: str, name: str, value: Any, count: int) -> tuple[Any, ...]:
    """``value`` as a tuple of ``count`` entries; a single number stands for that many equal ones."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) == 1:
            return tuple(value) * count
        if len(value) != count:
            raise ArgumentError(f"{op}: expected {name} to have 1 or {count} entries, got {tuple(value)}")
        return tuple(value)
    return (value,) * count


def apply_inplace(fn: Callable[[Tensor], Tensor], input: Tensor, inplace: bool) -> Tensor:
    """``fn(input)``, written into ``input`` if ``inplace``.

    The in-place form computes from a copy, so that what ``fn`` saved for backward keeps its values.
    """
    return input.copy_(fn(input.clone())) if inplace else fn(input)


def widened(x: Tensor) -> Tensor:
    """``x``; as float32 where it is a 16-bit float."""
    return x.float() if x.dtype in (float16, bfloat16) else x
