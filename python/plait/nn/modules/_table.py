# SPDX-License-Identifier: MIT
"""The tables of a module: its parameters, buffers and child modules, by name."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .module import Module

__all__ = ["Table"]


class Table(dict[str, Any]):
    """Entries of one kind, by name; every change is repeated in the instance dictionary of the owner.

    The owner is held weakly, so that a module is freed at once when its last user drops it.
    """

    __slots__ = ("_owner",)

    def __init__(self, owner: Module, entries: Mapping[str, Any] = {}) -> None:
        super().__init__(entries)
        self._owner = weakref.ref(owner)
        owner.__dict__.update(entries)

    def _attributes(self) -> dict[str, Any]:
        owner = self._owner()
        return {} if owner is None else owner.__dict__

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._attributes()[name] = value

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._attributes().pop(name, None)

    def pop(self, name: str, *default: Any) -> Any:
        if name in self:
            self._attributes().pop(name, None)
        return super().pop(name, *default)

    def popitem(self) -> tuple[str, Any]:
        name, value = super().popitem()
        self._attributes().pop(name, None)
        return name, value

    def clear(self) -> None:
        for name in self:
            self._attributes().pop(name, None)
        super().clear()

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def __ior__(self, other: Any) -> Table:  # type: ignore[override,misc]
        self.update(other)
        return self

    def move_to_end(self, name: str, last: bool = True) -> None:
        """Make ``name`` the last (or first) entry."""
        value = super().pop(name)
        if last:
            super().__setitem__(name, value)
            return
        rest = dict(self)
        super().clear()
        super().update({name: value}, **rest)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)
