# SPDX-License-Identifier: MIT
"""Reading pickles without running them.

A pickle is a program for a small stack machine. This machine knows all opcodes of protocols 0 to 5, but where Python's
own one imports what a file names and calls it, this one asks :class:`Names`, a table that is closed: a name is data, a
:class:`Maker` (a function of ours that checks its arguments), or it becomes a :class:`Foreign`, which takes part in
everything and does nothing. Foreign objects that are left in the result are an error that says what and where they are.

What a file can cost is linear in its size: lengths are held against what is left of the file, keys of dicts and sets
are small, and no function here recurses.
"""

from __future__ import annotations

import codecs
import struct
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import _core
from .serialization import FileFormatError

__all__ = ["Foreign", "Machine", "Maker", "check_tree"]

_MAX_DEPTH = 1000  # of nesting in the result: Python's own functions recurse, which it bounds
_MAX_KEY = 1000  # parts of a key: a tuple's hash takes them all in, every time
_MAX_DEFAULTDICTS = 1000  # whose destructors recurse


class Foreign:
    """What a file names and plait does not know: a class, a function, or an object of one."""

    __slots__ = ("hint", "name")

    def __init__(self, name: str, hint: str = "") -> None:
        self.name, self.hint = name, hint


class Maker:
    """A class or function that a file may name: ``make`` builds what a call of it would have given.

    ``value`` is the class itself where a maker may ask for it; the class as data is foreign.
    """

    __slots__ = ("make", "name", "value")

    def __init__(self, name: str, make: Callable[..., Any], value: Any = None) -> None:
        self.name, self.make, self.value = name, make, value


class Safe:
    """A class or function that the program has named safe."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value

    def make(self, *args: Any) -> Any:
        return self.value(*args)

    def new(self, *args: Any) -> Any:
        return self.value.__new__(self.value, *args)


class _Mark:
    pass


_MARK = _Mark()
_ERRORS = (ArithmeticError, AttributeError, EOFError, LookupError, RuntimeError, TypeError, ValueError, struct.error)
_SCALAR_KEYS = (str, bytes, float, bool, type(None), _core.dtype, _core.device, _core.Tensor, np.generic, Foreign)


def check_key(key: Any) -> None:
    """Refuse keys whose hashes take long to compute, or are easily made equal."""
    left, parts = [key], 0
    while left:
        x = left.pop()
        parts += 1
        if type(x) in (tuple, frozenset, _core.Size) and parts + len(x) + len(left) <= _MAX_KEY:
            left.extend(x)
        elif type(x) is int and -(2**63) <= x < 2**64:
            continue
        elif not isinstance(x, _SCALAR_KEYS) or parts > _MAX_KEY:
            raise FileFormatError(f"load: expected numbers, strings and small tuples as keys, got {type(x).__name__}")


def set_attributes(obj: Any, state: Any) -> None:
    """Attributes of an object that has a ``__dict__``, as long as they hide nothing of its class."""
    if not isinstance(state, dict):
        raise FileFormatError(f"load: expected a dict of attributes, got {type(state).__name__}")
    for name, value in state.items():
        if type(name) is not str or hasattr(type(obj), name):
            raise FileFormatError(f"load: expected attributes that {type(obj).__name__} leaves free, got {name!r:.100}")
        obj.__dict__[name] = value


class Machine:
    """Runs one pickle.

    Args:
        data: bytes, or a view of those of a file.
        first: where the pickle begins.
        find: a table from module and name to what stands for it.
        persistent: from a persistent id to what stands for it.
        encoding: of the str of Python 2, or ``"bytes"``.
    """

    def __init__(
        self,
        data: bytes | memoryview,
        first: int,
        find: Callable[[str, str], Any],
        persistent: Callable[[Any], Any],
        encoding: str = "utf-8",
    ) -> None:
        self._data, self.at, self._first = data, first, first
        self._find, self._persistent, self._encoding = find, persistent, encoding
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._made: set[int] = set()  # the ids of objects of safe classes, all alive in _objects
        self._objects: list[Any] = []
        self._defaultdicts = 0

    def run(self) -> Any:
        """The object of the pickle; ``at`` is then the place behind it."""
        try:
            self._run()
            return self._pop()
        except FileFormatError as error:
            raise FileFormatError(f"{error} (byte {self.at - self._first} of the pickle)") from None
        except _ERRORS as error:
            reason = f"{type(error).__name__}: {error}"[:300]
            if self.at >= len(self._data):
                reason = "it is cut short"
            at = self.at - self._first
            raise FileFormatError(f"load: expected a pickle, got one that is damaged at byte {at} ({reason})") from None

    def _run(self) -> None:
        """All opcodes up to the last; the most frequent ones stand here, the others in ``_ACTIONS``."""
        data, stack, memo, actions = self._data, self._stack, self._memo, _ACTIONS
        while True:
            at = self.at
            opcode = data[at]
            self.at = at + 1
            if opcode == 0x71:  # q: note the top of the stack under a small number
                memo[data[at + 1]] = self._top()
                self.at = at + 2
            elif opcode == 0x68:  # h: what stands under a small number
                stack.append(memo[data[at + 1]])
                self.at = at + 2
            elif opcode == 0x72:  # r
                memo[self.number(4)] = self._top()
            elif opcode == 0x4B:  # K: a number of one byte
                stack.append(data[at + 1])
                self.at = at + 2
            elif opcode == 0x28:  # (
                stack.append(_MARK)
            elif opcode == 0x94:  # memoize
                memo[len(memo)] = self._top()
            elif opcode == 0x2E:  # .
                return
            else:
                action = actions.get(opcode)
                if action is None:
                    raise FileFormatError(f"load: expected an opcode of a pickle, got {opcode}")
                action(self)

    # -- bytes -----------------------------------------------------------------------------------------------

    def read(self, size: int) -> bytes:
        at = self.at
        if size > len(self._data) - at:
            left = len(self._data) - at
            raise FileFormatError(f"load: expected {size} more bytes, got {left}: the pickle is cut short")
        self.at = at + size
        return bytes(self._data[at : at + size])

    def line(self) -> bytes:
        """The bytes up to the end of a line."""
        at, step = self.at, 256
        while at < len(self._data):
            piece = bytes(self._data[at : at + step])
            if (end := piece.find(b"\n")) >= 0:
                first, self.at = self.at, at + end + 1
                return bytes(self._data[first : at + end])
            at, step = at + step, 2 * step
        raise FileFormatError("load: expected a line, got the end of the file: the pickle is cut short")

    def number(self, size: int) -> int:
        return int.from_bytes(self.read(size), "little")

    def text(self, data: bytes) -> Any:
        """A str of Python 2."""
        return data if self._encoding == "bytes" else data.decode(self._encoding)

    # -- the stack -------------------------------------------------------------------------------------------

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise FileFormatError("load: expected an object on the stack, got a mark")
        return value

    def _top(self) -> Any:
        value = self._stack[-1]
        if value is _MARK:
            raise FileFormatError("load: expected an object on the stack, got a mark")
        return value

    def _items(self) -> list[Any]:
        """Everything above the last mark."""
        stack = self._stack
        at = len(stack) - 1
        while stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise FileFormatError("load: expected a mark on the stack, got none")
        items = stack[at + 1 :]
        del stack[at:]
        return items

    def drop(self) -> None:
        del self._stack[-1]

    def drop_items(self) -> None:
        self._items()

    def tuple_of(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self.push(tuple(reversed(items)))

    def put(self, index: int) -> None:
        self._memo[index] = self._top()

    def get(self, index: int) -> None:
        self.push(self._memo[index])

    # -- containers ------------------------------------------------------------------------------------------

    def append(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) is list:
            target.extend(items)
        elif id(target) in self._made:
            for item in items:
                target.append(item)
        elif type(target) is not Foreign:
            raise FileFormatError(f"load: expected a list to append to, got {type(target).__name__}")

    def set_items(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise FileFormatError("load: expected a value for every key, got an odd number of both")
        target = self._top()
        if type(target) is Foreign:
            return
        if type(target) not in (dict, OrderedDict, defaultdict, Counter) and id(target) not in self._made:
            raise FileFormatError(f"load: expected a dict to fill, got {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2]):
            if type(key) is not str:
                check_key(key)
            target[key] = value

    def add_to_set(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) is not set:
            raise FileFormatError(f"load: expected a set to add to, got {type(target).__name__}")
        for item in items:
            check_key(item)
            target.add(item)

    def dict_of(self, items: list[Any]) -> None:
        self.push({})
        self.set_items(items)

    # -- names and objects -----------------------------------------------------------------------------------

    def find(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            raise FileFormatError("load: expected the name of a class, got something else")
        self.push(self._find(module, name))

    def make(self, kind: Any, args: Any, new: bool = False) -> None:
        if type(args) is not tuple:
            raise FileFormatError(f"load: expected a tuple of arguments, got {type(args).__name__}")
        if type(kind) is Foreign:
            self.push(Foreign(kind.name, kind.hint))
            return
        if type(kind) is Maker and kind.name == "copyreg._reconstructor" and args and type(args[0]) is Safe:
            return self.make(args[0], (), True)
        unknown = next((a for a in args if type(a) is Foreign), None)
        if type(kind) is Maker:
            result = kind.make(*args) if unknown is None else unknown
            if type(result) is defaultdict:
                self._defaultdicts += 1
                if self._defaultdicts > _MAX_DEFAULTDICTS:
                    raise FileFormatError(f"load: expected at most {_MAX_DEFAULTDICTS} defaultdicts, got more")
            self.push(result)
            return
        if type(kind) is not Safe:
            raise FileFormatError(f"load: expected a class or a function to make an object, got {type(kind).__name__}")
        args = tuple(a.value if type(a) in (Safe, Maker) else a for a in args)
        result = unknown if unknown is not None else kind.new(*args) if new else kind.make(*args)
        self._objects.append(result)
        self._made.add(id(result))
        self.push(result)

    def reduce(self, new: bool = False) -> None:
        args = self._pop()
        self.make(self._pop(), args, new)

    def new_with_names(self) -> None:
        names, args, kind = self._pop(), self._pop(), self._pop()
        if type(kind) is Foreign:
            self.push(Foreign(kind.name, kind.hint))
        elif names:
            raise FileFormatError("load: expected an object made without keywords, got some")
        else:
            self.make(kind, args, True)

    def build(self) -> None:
        """Give the object on the stack its state."""
        state, obj = self._pop(), self._top()
        if type(obj) is Foreign:
            return
        if id(obj) in self._made:
            _set_state(obj, state)
        elif type(obj) in (np.ndarray, np.dtype) or isinstance(obj, np.dtype):
            from ._pickle_names import build_array, build_numpy_dtype

            (build_array if isinstance(obj, np.ndarray) else build_numpy_dtype)(obj, state)
        elif type(obj) in (OrderedDict, Counter, Namespace, SimpleNamespace):
            set_attributes(obj, state)
        else:
            raise FileFormatError(f"load: expected an object that has a state, got {type(obj).__name__}")

    def persist(self, key: Any) -> None:
        self.push(self._persistent(key))


def _set_state(obj: Any, state: Any) -> None:
    """The state of an object of a safe class, by its own ``__setstate__`` if it has one."""
    if hasattr(obj, "__setstate__"):
        obj.__setstate__(state)
        return
    slots = None
    if type(state) is tuple and len(state) == 2:
        state, slots = state
    if state:
        obj.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(obj, name, value)


def _integer(machine: Machine) -> Any:
    """The integer of a line; 00 and 01 are the bools of protocol 1."""
    data = machine.line()
    return {b"00": False, b"01": True}[data] if data in (b"00", b"01") else int(data)


def _quoted(machine: Machine) -> Any:
    data = machine.line().strip()
    if len(data) < 2 or data[:1] != data[-1:] or data[:1] not in (b"'", b'"'):
        raise FileFormatError("load: expected a quoted string, got one without quotes")
    return machine.text(codecs.escape_decode(data[1:-1])[0])  # type: ignore[attr-defined]


def _refuse(what: str) -> Callable[[Machine], None]:
    def action(machine: Machine) -> None:
        raise FileFormatError(f"load: expected a pickle that can be read, got {what}")

    return action


def _old_object(machine: Machine) -> None:
    kind, *args = machine._items()
    machine.make(kind, tuple(args), True)


def _old_instance(machine: Machine) -> None:
    module, name = machine.line().decode(), machine.line().decode()
    args = tuple(machine._items())
    machine.make(machine._find(module, name), args, True)


def _stacked_name(machine: Machine) -> None:
    name = machine._pop()
    machine.find(machine._pop(), name)


def _utf8(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _long(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _sized(width: int, make: Callable[[bytes], Any]) -> Callable[[Machine], None]:
    """The action that pushes what ``make`` makes of bytes behind their length."""
    return lambda m: m.push(make(m.read(m.number(width))))


_ACTIONS: dict[int, Callable[[Machine], None]] = {
    0x80: lambda m: _check_protocol(m.number(1)),
    0x95: lambda m: _check_frame(m, m.number(8)),
    # constants and numbers
    0x4E: lambda m: m.push(None),  # N
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    0x49: lambda m: m.push(_integer(m)),  # I
    0x4A: lambda m: m.push(struct.unpack("<i", m.read(4))[0]),  # J
    0x4D: lambda m: m.push(m.number(2)),  # M
    0x4C: lambda m: m.push(int(m.line().rstrip(b"L"))),  # L
    0x8A: _sized(1, _long),
    0x8B: _sized(4, _long),
    0x46: lambda m: m.push(float(m.line())),  # F
    0x47: lambda m: m.push(struct.unpack(">d", m.read(8))[0]),  # G
    # strings
    0x53: lambda m: m.push(_quoted(m)),  # S
    0x54: lambda m: m.push(m.text(m.read(m.number(4)))),  # T
    0x55: lambda m: m.push(m.text(m.read(m.number(1)))),  # U
    0x56: lambda m: m.push(m.line().decode("raw-unicode-escape")),  # V
    0x58: _sized(4, _utf8),  # X
    0x8C: _sized(1, _utf8),
    0x8D: _sized(8, _utf8),
    0x42: _sized(4, bytes),  # B
    0x43: _sized(1, bytes),  # C
    0x8E: _sized(8, bytes),
    0x96: _sized(8, bytearray),
    # containers
    0x29: lambda m: m.push(()),  # )
    0x74: lambda m: m.push(tuple(m._items())),  # t
    0x85: lambda m: m.tuple_of(1),
    0x86: lambda m: m.tuple_of(2),
    0x87: lambda m: m.tuple_of(3),
    0x5D: lambda m: m.push([]),  # ]
    0x6C: lambda m: m.push(m._items()),  # l
    0x61: lambda m: m.append([m._pop()]),  # a
    0x65: lambda m: m.append(m._items()),  # e
    0x7D: lambda m: m.push({}),  # }
    0x64: lambda m: m.dict_of(m._items()),  # d
    0x73: lambda m: m.set_items([m._pop(), m._pop()][::-1]),  # s
    0x75: lambda m: m.set_items(m._items()),  # u
    0x8F: lambda m: m.push(set()),
    0x90: lambda m: m.add_to_set(m._items()),
    0x91: lambda m: m.push(_frozen(m._items())),
    # the stack and the memo
    0x30: lambda m: m.drop(),  # 0
    0x31: lambda m: m.drop_items(),  # 1
    0x32: lambda m: m.push(m._top()),  # 2
    0x70: lambda m: m.put(int(m.line())),  # p
    0x67: lambda m: m.get(int(m.line())),  # g
    0x6A: lambda m: m.get(m.number(4)),  # j
    # names and objects
    0x63: lambda m: m.find(m.line().decode(), m.line().decode()),  # c
    0x93: _stacked_name,
    0x52: lambda m: m.reduce(),  # R
    0x81: lambda m: m.reduce(new=True),
    0x92: lambda m: m.new_with_names(),
    0x6F: _old_object,  # o
    0x69: _old_instance,  # i
    0x62: lambda m: m.build(),  # b
    0x50: _refuse("storages named by text, as protocol 0 writes them: their classes are lost"),  # P
    0x51: lambda m: m.persist(m._pop()),  # Q
    0x82: _refuse("a number of copyreg's registry"),
    0x83: _refuse("a number of copyreg's registry"),
    0x84: _refuse("a number of copyreg's registry"),
    0x97: _refuse("buffers outside of it"),
    0x98: _refuse("buffers outside of it"),
}


def _frozen(items: list[Any]) -> frozenset[Any]:
    for item in items:
        check_key(item)
    return frozenset(items)


def _check_protocol(protocol: int) -> None:
    if protocol > 5:
        raise FileFormatError(f"load: expected a pickle of protocols 0 to 5, got {protocol}")


def _check_frame(machine: Machine, size: int) -> None:
    left = len(machine._data) - machine.at
    if size > left:
        raise FileFormatError(f"load: expected a frame of {size} bytes, got {left}: the pickle is cut short")


# ---- the result --------------------------------------------------------------------------------------------


def _children(obj: Any) -> Iterator[tuple[str, Any]]:
    kind = type(obj)
    if kind in (list, tuple):
        for i, item in enumerate(obj):
            if not isinstance(item, (int, float, str)):
                yield f"[{i}]", item
    elif kind in (dict, OrderedDict, defaultdict, Counter):
        for key, value in obj.items():
            name = repr(key) if type(key) in (str, int, float, bool) else type(key).__name__
            if type(key) is not str:
                yield f"[key {name}]", key
            yield f"[{name}]", value
        if kind in (OrderedDict, Counter):
            yield from _attributes(obj)
    elif kind in (set, frozenset):
        for item in obj:
            yield "[an element]", item
    elif kind is slice:
        yield from ((f".{name}", getattr(obj, name)) for name in ("start", "stop", "step"))
    else:
        yield from _attributes(obj)


def _attributes(obj: Any) -> Iterator[tuple[str, Any]]:
    attributes = getattr(obj, "__dict__", None)
    if isinstance(attributes, dict) and not isinstance(obj, (type, Maker, Safe)):
        yield from ((f".{name}", value) for name, value in attributes.items())


def check_tree(obj: Any) -> tuple[str, Foreign | Maker | Safe] | None:
    """The first thing in the result that is no data, and its place.

    Raises:
        FileFormatError: something is nested too deeply.
    """
    path: list[str] = []
    if type(obj) in (Foreign, Maker):
        return "", obj
    seen = {id(obj)}
    levels = [_children(obj)]
    while levels:
        name, child = next(levels[-1], ("", None))  # type: tuple[str, Any]
        if not name:
            levels.pop()
            if path:
                path.pop()
            continue
        if type(child) in (Foreign, Maker, Safe):
            return "".join([*path, name]), child
        if id(child) in seen or child is None or isinstance(child, (bool, int, float, str, bytes)):
            continue
        seen.add(id(child))
        if len(levels) >= _MAX_DEPTH:
            raise FileFormatError(f"load: expected a nesting of at most {_MAX_DEPTH} levels, got a deeper one")
        levels.append(_children(child))
        path.append(name)
    return None
