# SPDX-License-Identifier: MIT
"""What a worker thread gets in place of the dataset: a copy that is as much its own as a process's would be.

A forked process has everything for itself and copies a page when it writes to it. Threads get copies of what
is small and can change, and share the rest:

- objects, containers, arrays and tensors of up to ``LARGE`` bytes, generators of random numbers: copied, with
  the references among them;
- files open for reading: opened again, so that each has a position of its own;
- larger arrays and tensors, those of containers that hold more than ``FEW`` and more than ``LARGE`` bytes of them, the
  entries of containers of more than ``MANY``, objects of types that are not written in Python, locks, functions,
  modules and classes: shared.

What can be neither copied nor shared (running generators, database connections, sockets) raises
:class:`CannotCopy`; such a dataset needs worker processes.
"""

from __future__ import annotations

import array
import collections
import copy
import copyreg  # type: ignore[import-not-found, unused-ignore]
import enum
import functools
import gc
import io
import itertools
import os
import pathlib
import random
import struct
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from ..._core import Generator, Tensor

__all__ = ["FEW", "LARGE", "MANY", "CannotCopy", "private_copy"]

LARGE = 16 << 20  # bytes
MANY = 10_000  # entries
FEW = 16  # arrays

_IMMUTABLE = frozenset(
    {type(None), bool, int, float, complex, str, bytes, range, slice, type(Ellipsis), type(NotImplemented)}
)
_SHARED = (
    type,
    enum.Enum,
    np.generic,
    pathlib.PurePath,
    threading.Thread,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
    weakref.finalize,
)
_FLAT = (array.array, bytearray, set)
_STREAMS = (random.Random, np.random.BitGenerator, np.random.Generator, np.random.RandomState)
_MODULES_OF_CONNECTIONS = ("sqlite3", "_sqlite3", "socket", "_socket", "ssl", "_ssl")
_HEAP_TYPE = 1 << 9  # a flag of types that are made at run time


class CannotCopy(Exception):
    """The object that threads can neither copy nor share is named in the text."""


def private_copy(*parts: Any) -> tuple[Any, ...]:
    """The copies of objects that one worker thread works with; what they have in common stays common.

    Raises:
        CannotCopy: it holds something that is bound to one thread or one position.
    """
    collects = gc.isenabled()
    gc.disable()  # what is made here is kept, and a collection looks at all of the original too
    try:
        copier = _Copier()
        return tuple(copier(part) for part in parts)
    finally:
        if collects:
            gc.enable()


def _is_python_object(x: Any) -> bool:
    """Whether attributes are all that ``x`` consists of: no base of its type is written in C."""
    kind = type(x)
    slots = copyreg._slotnames(kind)  # type: ignore[attr-defined]
    if not kind.__flags__ & _HEAP_TYPE or not (slots or hasattr(x, "__dict__")):
        return False
    pointer = struct.calcsize("P")
    return kind.__basicsize__ <= object.__basicsize__ + (2 + len(slots)) * pointer  # with __dict__ and __weakref__


def _are_immutable(values: Iterable[Any]) -> bool:
    return _IMMUTABLE.issuperset(map(type, values))


def _holds_data(container: Any) -> bool:
    """Whether a container, with its entries and theirs, has more than ``FEW`` arrays and ``LARGE`` bytes of them."""
    todo, arrays, size = [container], 0, 0
    seen: set[int] = set()
    while todo and len(seen) < 20 * MANY:
        x = todo.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        if isinstance(x, (np.ndarray, Tensor)):
            arrays, size = arrays + 1, size + x.nbytes
            if arrays > FEW and size > LARGE:
                return True
        elif isinstance(x, (list, tuple)):
            todo += x[:MANY] if not _are_immutable(x[:FEW]) else ()
        elif isinstance(x, dict):
            todo += itertools.islice(x.values(), MANY)
        elif type(x) not in _IMMUTABLE and hasattr(x, "__dict__") and not isinstance(x, _SHARED):
            todo += vars(x).values()
    return False


class _Copier:
    """One copy; the memo keeps references among the parts as they are."""

    def __init__(self) -> None:
        self._memo: dict[int, Any] = {}
        self._alive: list[Any] = []  # so that no id names two objects
        self._holds_data: bool | None = None  # of the outermost container that is being copied

    def __call__(self, x: Any) -> Any:
        kind = type(x)
        if kind in _IMMUTABLE:
            return x
        if id(x) in self._memo:
            return self._memo[id(x)]
        self._alive.append(x)
        container = self._BY_TYPE.get(kind)
        if container is not None:
            return self._measured(container, x)
        handler = self._handler(x, kind)
        return x if handler is None else handler(x)

    def _keep(self, x: Any, made: Any) -> Any:
        self._memo[id(x)] = made
        return made

    def _measured(self, container: Callable[[Any, Any], Any], x: Any) -> Any:
        """Copy a container; arrays in it, and in its entries, are shared if they are data rather than scratch."""
        if self._holds_data is not None:
            return container(self, x)
        self._holds_data = _holds_data(x)
        try:
            return container(self, x)
        finally:
            self._holds_data = None

    def _handler(self, x: Any, kind: type) -> Callable[[Any], Any] | None:
        """How an object is copied; None: it is shared."""
        if isinstance(x, _SHARED):
            return None
        for base, handler in self._HANDLERS:
            if isinstance(x, base):
                return functools.partial(handler, self)
        if kind.__module__.partition(".")[0] in _MODULES_OF_CONNECTIONS or hasattr(kind, "__next__"):
            if not _is_python_object(x):
                raise CannotCopy(f"{kind.__module__}.{kind.__qualname__}")
        if kind.__module__.startswith("pandas.") and hasattr(x, "memory_usage"):
            return self._frame
        owns = "__del__" in dir(kind) and kind.__module__.partition(".")[0] in sys.stdlib_module_names
        if not _is_python_object(x) or owns:  # a pipe or a process would be closed twice
            return None
        if "__deepcopy__" in dir(kind):
            return lambda x: self._keep(x, copy.deepcopy(x, self._memo))
        return self._instance

    # ---- containers ---------------------------------------------------------------------------------------

    def _list(self, x: list[Any]) -> list[Any]:
        made = self._keep(x, x[:])
        if len(x) <= MANY and not _are_immutable(x):
            made[:] = [self(v) for v in x]
        return made

    def _tuple(self, x: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(x) > MANY or _are_immutable(x):
            return x
        values = [self(v) for v in x]
        if id(x) in self._memo:  # it holds itself
            return self._memo[id(x)]
        return x if all(a is b for a, b in zip(x, values)) else self._keep(x, tuple(values))

    def _dict(self, x: dict[Any, Any]) -> dict[Any, Any]:
        made = self._keep(x, x.copy())
        if len(x) <= MANY and not _are_immutable(x.values()):
            for k, v in x.items():
                made[k] = self(v)
        return made

    def _mapping(self, x: dict[Any, Any]) -> Any:
        """A dict with more to it; methods of its class stay out of the copying."""
        base: Any = next(b for b in (collections.OrderedDict, collections.defaultdict, dict) if isinstance(x, b))
        made = self._keep(x, base.__new__(type(x)))
        if base is collections.defaultdict:
            made.default_factory = x.default_factory  # type: ignore[attr-defined]
        copied = len(x) <= MANY and not _are_immutable(dict.values(x))
        for k, v in dict.items(x):
            base.__setitem__(made, k, self(v) if copied else v)
        self._attributes(x, made)
        return made

    def _sequence(self, x: Any) -> Any:
        """A list or deque with more to it."""
        base: Any = collections.deque if isinstance(x, collections.deque) else list
        made = self._keep(x, base.__new__(type(x)))
        values = list(base.__iter__(x))
        if len(values) <= MANY:
            values = [self(v) for v in values]
        base.__init__(made, values, *([x.maxlen] if base is collections.deque else []))
        self._attributes(x, made)
        return made

    def _named_tuple(self, x: Any) -> Any:
        if len(x) > MANY:
            return x
        made = self._keep(x, tuple.__new__(type(x), [self(v) for v in x]))
        self._attributes(x, made)
        return made

    def _flat(self, x: Any) -> Any:
        return self._keep(x, copy.copy(x))

    def _stream(self, x: Any) -> Any:
        return self._keep(x, copy.deepcopy(x))

    # ---- objects ------------------------------------------------------------------------------------------

    def _instance(self, x: Any) -> Any:
        made = self._keep(x, object.__new__(type(x)))
        self._attributes(x, made)
        return made

    def _attributes(self, x: Any, made: Any) -> None:
        if hasattr(x, "__dict__"):
            made.__dict__.update({k: self(v) for k, v in vars(x).items()})
        for name in copyreg._slotnames(type(x)):  # type: ignore[attr-defined]
            if hasattr(x, name):
                object.__setattr__(made, name, self(getattr(x, name)))

    def _method(self, x: types.MethodType) -> Any:
        return types.MethodType(x.__func__, self(x.__self__))

    def _partial(self, x: functools.partial[Any]) -> Any:
        keywords = {k: self(v) for k, v in x.keywords.items()}
        return self._keep(x, functools.partial(self(x.func), *map(self, x.args), **keywords))

    def _generator(self, x: Generator) -> Any:
        return self._keep(x, x.clone_state())

    def _no_iterator(self, x: Any) -> Any:
        raise CannotCopy(f"a {type(x).__name__}")

    # ---- data ---------------------------------------------------------------------------------------------

    def _tensor(self, x: Any) -> Any:
        if self._holds_data or x._storage_bytes().numel() > LARGE or not x.is_leaf:
            return self._keep(x, x)
        return self._keep(x, copy.deepcopy(x, self._memo))

    def _array(self, x: np.ndarray) -> Any:
        """Views of one array stay views of its copy."""
        if self._holds_data:
            return self._keep(x, x)
        root = x
        while isinstance(root.base, np.ndarray):
            root = root.base
        if type(root) is not np.ndarray or type(x) is not np.ndarray or root.dtype.hasobject:
            if isinstance(x, np.memmap) or x.nbytes > LARGE or not x.flags.writeable:
                return self._keep(x, x)
            return self._keep(x, x.copy() if root.dtype.hasobject else copy.deepcopy(x))
        in_one_block = root.flags.c_contiguous or root.flags.f_contiguous
        if root.nbytes > LARGE or root.base is not None or not root.flags.writeable or not in_one_block:
            return self._keep(x, x)
        if id(root) not in self._memo:
            self._alive.append(root)
            self._keep(root, root.copy(order="K"))
        own = self._memo[id(root)]
        if x is root:
            return own
        offset = x.__array_interface__["data"][0] - root.__array_interface__["data"][0]
        flat = own.reshape(-1, order="A")
        return self._keep(x, np.ndarray(x.shape, x.dtype, flat.view(np.uint8), offset, x.strides))

    def _frame(self, x: Any) -> Any:
        usage = x.memory_usage()
        return self._keep(x, x.copy(deep=int(getattr(usage, "sum", lambda: usage)()) <= LARGE))

    def _memory_file(self, x: Any) -> Any:
        made = self._keep(x, type(x)(x.getvalue()))
        made.seek(x.tell())
        return made

    def _file(self, x: Any) -> Any:
        if x.closed or not x.readable() or (x.writable() and not isinstance(x, io.BufferedReader)):
            return self._keep(x, x)
        name = getattr(x, "name", None)
        try:
            if not isinstance(name, (str, bytes, os.PathLike)) or not os.path.samestat(
                os.stat(name), os.fstat(x.fileno())
            ):
                raise CannotCopy(f"a file without a name ({type(x).__name__})")
            if isinstance(x, io.TextIOWrapper):
                made: Any = open(name, encoding=x.encoding, errors=x.errors)  # noqa: SIM115
            else:
                made = open(name, "rb", buffering=0 if isinstance(x, io.RawIOBase) else -1)  # noqa: SIM115
            made.seek(x.tell())
        except OSError as error:
            raise CannotCopy(f"the file {name!r} ({error})") from None
        return self._keep(x, made)

    def _other_file(self, x: Any) -> Any:
        if x.closed or not x.readable():
            return self._keep(x, x)
        raise CannotCopy(f"an open {type(x).__module__}.{type(x).__qualname__}")

    _BY_TYPE: ClassVar[dict[type, Callable[[Any, Any], Any]]] = {list: _list, tuple: _tuple, dict: _dict}
    _HANDLERS: tuple[tuple[Any, Callable[[Any, Any], Any]], ...] = (
        (Tensor, _tensor),
        (np.ndarray, _array),
        (Generator, _generator),
        (_FLAT, _flat),
        (_STREAMS, _stream),
        (dict, _mapping),
        ((list, collections.deque), _sequence),
        (tuple, _named_tuple),
        (types.MethodType, _method),
        (functools.partial, _partial),
        ((io.BytesIO, io.StringIO), _memory_file),
        ((io.FileIO, io.BufferedReader, io.TextIOWrapper), _file),
        ((io.BufferedRandom, io.BufferedWriter), _file),
        (io.IOBase, _other_file),
        ((types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType), _no_iterator),
    )
