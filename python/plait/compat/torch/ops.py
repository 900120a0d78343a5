# SPDX-License-Identifier: MIT
"""Operators by namespace: ``torch.ops.namespace.name(...)``, and ``torch.ops.aten`` for plait's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import library

import plait

__all__ = ["load_library", "loaded_libraries"]

loaded_libraries: set[str] = set()


def load_library(path: Any) -> None:
    """Accept a library of operators if plait has them as its own.

    Libraries are built for PyTorch's binary interface, which plait does not have, so nothing of the file is read.
    It is taken for the library of the namespace that it is named after, or of the package it lies in:
    ``torchvision/_C.so`` has the operators ``torchvision::*``. The ending ``_stable``, of libraries for PyTorch's
    stable interface, says nothing of the operators.

    Raises:
        OSError: if there is no such file, or plait has no operators of its namespace.
    """
    file = Path(path)
    if not file.is_file():
        raise OSError(f"torch.ops.load_library: there is no file {path}")
    name = file.name.partition(".")[0].removesuffix("_stable").removeprefix("lib").lstrip("_")
    namespaces = [name, file.resolve().parent.name]
    try:
        served = any(library.serves(namespace) for namespace in namespaces)
    except ImportError as error:
        raise OSError(f"torch.ops.load_library: the operators of {name} need a package: {error}") from error
    if not served:
        raise OSError(
            f"torch.ops.load_library: {path} is built for PyTorch's binary interface, which plait does not have, and "
            f"plait has no operators {' or '.join(f'{n}::*' for n in namespaces)} of its own"
        )
    loaded_libraries.add(str(file.resolve()))


class _Overload:
    """An operator under the name of one of its overloads, such as ``aten.add.Tensor``."""

    def __init__(self, packet: _Packet, overload: str) -> None:
        self.overloadpacket = packet
        self._overloadname = overload
        self.__name__ = f"{packet.__name__}.{overload}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.overloadpacket(*args, **kwargs)

    def name(self) -> str:
        """The name with its namespace."""
        return self.overloadpacket.name()

    def __repr__(self) -> str:
        return f"<operator {self.name()}.{self._overloadname}>"


class _Packet:
    """An operator; its attributes are its overloads, which all lead to the same function."""

    def __init__(self, namespace: str, name: str, function: Callable[..., Any]) -> None:
        self._namespace = namespace
        self._function = function
        self.__name__ = name
        self.__module__ = f"torch.ops.{namespace}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self._function, library.Operator):
            given = [*args, *kwargs.values()]
            given += [item for value in given if isinstance(value, list | tuple) for item in value]
            if plait.overrides.has_torch_function(given):
                return plait.overrides.handle_torch_function(self, given, *args, **kwargs)
        return self._function(*args, **kwargs)

    def __getattr__(self, name: str) -> _Overload:
        if name.startswith("_"):
            raise AttributeError(name)
        overload = _Overload(self, name)
        setattr(self, name, overload)
        return overload

    def name(self) -> str:
        """The name with its namespace."""
        return f"{self._namespace}::{self.__name__}"

    def overloads(self) -> list[str]:
        """The names of overloads."""
        return ["default"]

    def __repr__(self) -> str:
        return f"<operator {self.name()}>"


def _slice(x: plait.Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Any:
    return x[(slice(None),) * (dim % x.dim()) + (slice(start, end, step),)]


# Operators of PyTorch's lower level that have another name here.
_INTERNAL: dict[str, Callable[..., Any]] = {
    "_pin_memory": lambda x, device=None: x,
    "_sparse_addmm": plait.addmm,
    "_to_copy": lambda x, dtype=None, **options: x.clone() if dtype is None else x.to(dtype, copy=True),
    "alias": lambda x: x.view_as(x),
    "index": lambda x, indices: x[tuple(slice(None) if i is None else i for i in indices)],
    "slice": _slice,
    "sym_size": lambda x, dim: x.size(dim),
}


def _own(name: str) -> Callable[..., Any] | None:
    """The function or method of plait with this name."""
    if name in _INTERNAL:
        return _INTERNAL[name]
    for place in (plait, plait.nn.functional, plait.Tensor):
        function = getattr(place, name, None)
        if callable(function):
            return function
    return None


class _Namespace:
    """The operators registered in one namespace."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._packets: dict[str, _Packet] = {}

    def __getattr__(self, name: str) -> _Packet:
        function: Callable[..., Any] | None = library.find(f"{self.name}::{name}")
        if function is None and self.name in ("aten", "prims"):
            function = _own(name)
        if function is None:
            raise AttributeError(f"torch.ops.{self.name} has no operator {name!r}")
        packet = self._packets.get(name)
        if packet is None or packet._function is not function:
            packet = self._packets[name] = _Packet(self.name, name, function)
        if self.name == "aten":
            setattr(self, name, packet)
        return packet


def __getattr__(name: str) -> _Namespace:
    if name.startswith("__"):
        raise AttributeError(name)
    namespace = globals()[name] = _Namespace(name)
    return namespace
