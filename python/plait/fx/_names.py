# SPDX-License-Identifier: MIT
"""Names: of functions in printed code, of nodes in a graph."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from typing import Any

from .. import _core

__all__ = ["Namespace", "is_ours", "qualified_name", "root_name", "snake_case"]

# What generated code may refer to without an import; no node takes these names.
RESERVED = ("inf", "nan", "NoneType", "torch", "plait", "device", "fx_pytree", "pytree")


def root_name() -> str:
    """The name under which the package goes: that of the module that its classes say they come from."""
    name = _core.Tensor.__module__.partition(".")[0]
    return name if name in sys.modules else "plait"


def is_ours(module: str) -> bool:
    """Whether the name is that of a module of this package."""
    return module.partition(".")[0] in ("plait", root_name())


def qualified_name(function: Any) -> str:
    """The path under which a program finds the function: ``plait.relu``, ``math.sqrt``, ``len``."""
    name = getattr(function, "__name__", type(function).__name__)
    if getattr(builtins, name, None) is function:
        return str(name)
    module = getattr(function, "__module__", None) or _home(function, name)
    if not module:
        return str(name)
    if is_ours(module):
        return _public_path(function, module, name)
    return f"{module}.{getattr(function, '__qualname__', name) if isinstance(function, type) else name}"


def _home(function: Any, name: str) -> str:
    """The module of a function that does not say it, such as a method of a C type."""
    owner = getattr(function, "__objclass__", None)
    return f"{owner.__module__}.{owner.__qualname__}" if owner is not None else ""


def _public_path(function: Any, module: str, name: str) -> str:
    """The shortest path that leads to the function, from the top of the package down."""
    parts = module.split(".")
    for n in range(1, len(parts) + 1):
        path = ".".join(["plait", *parts[1:n]])
        if getattr(sys.modules.get(path), name, None) is function:
            return ".".join([root_name(), *parts[1:n], name])
    return ".".join([root_name(), *parts[1:], name])


def snake_case(name: str) -> str:
    """``MyModule`` as ``my_module``."""
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()


class Namespace:
    """Names given so far; a name that is taken gets a number behind it."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._last: dict[str, int] = {}

    def create_name(self, candidate: str, obj: Any = None) -> str:
        """A name that is not taken, nor a word of Python unless it means ``obj`` there, and now is.

        Args:
            candidate: the name wanted; what may not stand in a name becomes ``_``.
            obj: what the name is for. Default: something new.
        """
        candidate = re.sub(r"\W+", "_", candidate, flags=re.ASCII) or "_unnamed"
        if candidate[0].isdigit():
            candidate = f"_{candidate}"
        stem, number = candidate, None
        match = re.fullmatch(r"(.*)_(\d+)", candidate)
        if match:
            stem, number = match[1], int(match[2])
        if number is None or candidate in self._used:
            number = self._last.get(stem, 0)
            if self._is_reserved(candidate, obj):
                number += 1
                candidate = f"{stem}_{number}"
        while candidate in self._used:
            number += 1
            candidate = f"{stem}_{number}"
        self._used.add(candidate)
        self._last[stem] = number
        return candidate

    def discard(self, name: str) -> None:
        """The name is free again."""
        self._used.discard(name)

    @staticmethod
    def _is_reserved(name: str, obj: Any) -> bool:
        if name in RESERVED or keyword.iskeyword(name):
            return True
        return hasattr(builtins, name) and getattr(builtins, name) is not obj
