# SPDX-License-Identifier: MIT
"""Names of ``torch`` itself that packages ask for and that say nothing beyond a CPU's truth."""

from __future__ import annotations

from typing import Any

from . import _foreach
from ._foreach import *  # noqa: F403

__all__ = [
    *_foreach.__all__,
    "SymBool",
    "SymFloat",
    "SymInt",
    "_assert",
    "_assert_async",
]


class _Symbolic:
    """A size that is not known yet. Sizes are numbers here: there is no object of these classes."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{cls.__name__}: plait has no symbolic sizes; sizes are Python's numbers")


class SymInt(_Symbolic):
    """See :class:`_Symbolic`."""


class SymFloat(_Symbolic):
    """See :class:`_Symbolic`."""


class SymBool(_Symbolic):
    """See :class:`_Symbolic`."""


def _assert(condition: Any, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _assert_async(condition: Any, message: str = "expected a condition that holds") -> None:
    _assert(condition, message)
