# SPDX-License-Identifier: MIT
"""``plait.utils`` with what packages ask beyond it."""

from __future__ import annotations

import weakref
from typing import Any

import plait
from plait.compat._modules import extend

__all__ = ["swap_tensors"]


def swap_tensors(t1: plait.Tensor, t2: plait.Tensor) -> None:
    """Exchange two tensors with all that belongs to them: who holds ``t1`` then holds what ``t2`` was.

    Raises:
        RuntimeError: if one of them has weak references, or their classes have other slots.
    """
    for name, t in (("t1", t1), ("t2", t2)):
        if weakref.getweakrefs(t):
            raise RuntimeError(
                f"swap_tensors: expected {name} without weak references, which would see the other tensor"
            )
    slots = [{s for c in type(t).__mro__ for s in getattr(c, "__slots__", ())} for t in (t1, t2)]
    if slots[0] != slots[1]:
        raise RuntimeError("swap_tensors: expected classes with the same slots")
    if t1 is t2:
        return
    kinds: Any = type(t1), type(t2)
    t1.__class__, t2.__class__ = kinds[1], kinds[0]
    t1.__dict__, t2.__dict__ = t2.__dict__, t1.__dict__
    for slot in slots[0]:
        values = [getattr(t, slot, None) for t in (t1, t2)]
        setattr(t1, slot, values[1])
        setattr(t2, slot, values[0])
    plait._core._swap_tensors(t1, t2)


extend(globals(), "plait.utils")
