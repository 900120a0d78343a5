# SPDX-License-Identifier: MIT
"""What tracing replaces while it runs: functions marked by ``wrap``, look-ups and calls of modules."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from typing import Any

from ..nn import Module
from .node import map_aggregate
from .proxy import Proxy

__all__ = ["Patcher", "autowrap", "call_module", "look_up", "patch_wrapped", "wrapped_functions", "wrapped_methods"]

call_module = Module.__call__
look_up = Module.__getattribute__

wrapped_functions: dict[tuple[int, str], dict[str, Any]] = {}  # globals of a module and a name in them
wrapped_methods: list[tuple[type, str]] = []

_MISSING = object()


class Patcher:
    """Replaces attributes of classes and entries of dicts until the ``with`` block ends, then puts them back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._patched: set[tuple[int, str]] = set()

    def patch(self, names: dict[str, Any], name: str, new: Any) -> None:
        """Replace ``names[name]``."""
        before = names.get(name, _MISSING)
        names[name] = new
        self._undo.append(lambda: names.pop(name) and None if before is _MISSING else names.update({name: before}))

    def patch_method(self, cls: type, name: str, new: Any, deduplicate: bool = True) -> None:
        """Replace the attribute ``name`` of a class; a second time only without ``deduplicate``."""
        before = cls.__dict__.get(name, _MISSING)
        setattr(cls, name, new)
        self._undo.append(lambda: delattr(cls, name) if before is _MISSING else setattr(cls, name, before))

    def visit_once(self, thing: Any) -> bool:
        """Whether this is the first visit of ``thing``."""
        key = (id(thing), "")
        if key in self._patched:
            return False
        self._patched.add(key)
        return True

    def __enter__(self) -> Patcher:
        return self

    def __exit__(self, *_: object) -> None:
        while self._undo:
            self._undo.pop()()


def find_proxy(*nests: Any) -> Proxy | None:
    """The first proxy among arguments."""
    found: list[Proxy] = []

    def note(x: Any) -> Any:
        if isinstance(x, Proxy):
            found.append(x)
        return x

    for nest in nests:
        map_aggregate(nest, note)
    return found[0] if found else None


def _recorded(function: Any) -> Any:
    """The function, recorded as a whole when a proxy is among its arguments."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        proxy = find_proxy(args, kwargs)
        if proxy is None:
            return function(*args, **kwargs)
        result = proxy.tracer.create_proxy("call_function", function, args, kwargs)
        result.node.meta["is_wrapped"] = True
        return result

    call._records = function  # type: ignore[attr-defined]
    return call


def _recorded_method(cls: type, name: str) -> Any:
    method = getattr(cls, name)

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        proxy = find_proxy(args, kwargs)
        if proxy is None:
            return method(*args, **kwargs)
        return proxy.tracer.create_proxy("call_method", name, args, kwargs)

    return call


def patch_wrapped(patcher: Patcher) -> None:
    """Let the functions and methods marked by ``wrap`` be recorded."""
    for (_, name), namespace in wrapped_functions.items():
        function = namespace.get(name, getattr(builtins, name, None))
        if function is not None and not hasattr(function, "_records"):
            patcher.patch(namespace, name, _recorded(function))
    for cls, name in wrapped_methods:
        patcher.patch_method(cls, name, _recorded_method(cls, name))


def autowrap(patcher: Patcher, namespace: dict[str, Any], function_ids: set[int]) -> None:
    """Let the functions with these ids be recorded where they are called through ``namespace``."""
    if not patcher.visit_once(namespace):
        return
    for name, value in list(namespace.items()):
        if id(value) in function_ids and not name.startswith("_") and callable(value):
            patcher.patch(namespace, name, _recorded(value))
