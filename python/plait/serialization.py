# SPDX-License-Identifier: MIT
"""Saving and loading of tensors and of nested containers of them, without pickle.

A file is a safetensors file: 8 bytes of header length, a JSON header with name, dtype, shape and place of
each tensor, and the tensors' bytes. What safetensors lacks (nesting, numbers, None, ...) stands as JSON text
under the key ``plait.tree`` of its metadata, with tensors as references to their names. So the safetensors
package reads our tensors, and :func:`load` reads files of that package. Nothing in a file can run code.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import secrets
import stat
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from typing import IO, Any, TypeAlias

import numpy as np

from . import _core
from ._core import ArgumentError, ArgumentTypeError, Size, Tensor
from ._meta import make_meta
from ._storage import view_of_bytes as _view_of_bytes

__all__ = [
    "FileFormatError",
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "safe_globals",
    "save",
]

FileLike: TypeAlias = "str | bytes | os.PathLike[Any] | IO[bytes]"

_TREE_KEY = "plait.tree"
_MAX_HEADER = 100_000_000
_MAX_DEPTH = 64  # of nesting; a level of the object is at most four of the tree

# safetensors' name of each dtype, and the NumPy dtype that carries its bytes.
# C128 is ours: safetensors has no complex number of 16 bytes.
_DTYPES: dict[str, tuple[str, str]] = {
    "C128": ("complex128", "<c16"),
    "C64": ("complex64", "<c8"),
    "F64": ("float64", "<f8"),
    "F32": ("float32", "<f4"),
    "F16": ("float16", "<f2"),
    "BF16": ("bfloat16", "<i2"),
    "I64": ("int64", "<i8"),
    "I32": ("int32", "<i4"),
    "I16": ("int16", "<i2"),
    "I8": ("int8", "|i1"),
    "U64": ("uint64", "<u8"),
    "U32": ("uint32", "<u4"),
    "U16": ("uint16", "<u2"),
    "U8": ("uint8", "|u1"),
    "BOOL": ("bool", "|b1"),
}
_CODES = {name: code for code, (name, _) in _DTYPES.items()}
_ARRAY_DTYPES = {np.dtype(carrier).name for name, carrier in _DTYPES.values() if name != "bfloat16"}
_ARRAY_KINDS = "biufcSUmM"  # of NumPy's dtypes that hold no Python objects
_FOREIGN_DTYPES = {"F8_E4M3", "F8_E5M2", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4"}


class FileFormatError(ValueError, RuntimeError):
    """A file is not what :func:`load` can read; the text says what is wrong with it."""


def _dtype_name(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]


# ---- saving ------------------------------------------------------------------------------------------------


# Sequences that are not written as lists.
_NOT_LISTS = (tuple, bytes, bytearray, memoryview, range)


class _Packer:
    """Turn an object into a JSON tree and a table of tensors."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._packed: list[Tensor] = []  # kept alive: their ids are keys
        self._names: dict[tuple[Any, ...], str] = {}
        self._nodes: dict[str, list[dict[str, Any]]] = {}
        self._numbers: dict[int, int] = {}  # of modules, by identity

    def share_memory(self) -> None:
        """Write tensors whose memory overlaps as views of one, so that they share it again after loading."""
        by_storage: dict[int, list[tuple[int, int, str]]] = {}
        for name, t in self.tensors.items():
            if t.numel():
                storage, extent = _memory(t).data_ptr(), _extent(t)
                by_storage.setdefault(storage, []).append((t.data_ptr(), t.data_ptr() + extent, name))
        for spans in by_storage.values():
            spans.sort(key=lambda span: span[0])
            group: list[tuple[int, int, str]] = []
            for span in [*spans, None]:
                if span is not None and (not group or span[0] < max(end for _, end, _ in group)):
                    group.append(span)
                    continue
                if len(group) > 1:
                    self._share(group)
                group = [] if span is None else [span]

    def _share(self, group: list[tuple[int, int, str]]) -> None:
        begin, end = group[0][0], max(span[1] for span in group)
        covers = [n for b, e, n in group if (b, e) == (begin, end) and self.tensors[n].is_contiguous()]
        base = covers[0] if covers else self._unused(f"{group[0][2]}.storage")
        if not covers:
            first = self.tensors[group[0][2]]
            memory = _memory(first)
            part = memory[begin - memory.data_ptr() : end - memory.data_ptr()]
            alike = len({self.tensors[name].dtype for _, _, name in group}) == 1
            self.tensors[base] = part.view(first.dtype) if alike else part
        for at, _, name in group:
            if name == base:
                continue
            t = self.tensors.pop(name)
            view = [_dtype_name(t.dtype), at - begin, [int(n) for n in t.shape], [int(n) for n in t.stride()]]
            for node in self._nodes[name]:
                node["$tensor"], node["view"] = base, view

    def _unused(self, base: str) -> str:
        name, count = base, 1
        while name in self.tensors or name == "__metadata__":
            count += 1
            name = f"{base}#{count}"
        return name

    def pack(self, obj: Any, path: tuple[str, ...] = ()) -> Any:
        if len(path) > _MAX_DEPTH:
            raise ArgumentError(f"save: expected a nesting of at most {_MAX_DEPTH} levels, got a deeper one")
        if obj is None or isinstance(obj, (bool, str)):
            return obj
        if isinstance(obj, int):
            return int(obj)
        if isinstance(obj, float):
            return float(obj) if math.isfinite(obj) else {"$float": repr(float(obj))}
        if isinstance(obj, Tensor):
            return self._tensor(obj, path) if obj.layout == "strided" else self._sparse(obj, path)
        if isinstance(obj, Size):
            return {"$size": [int(n) for n in obj]}
        if isinstance(obj, dict):
            return self._dict(obj, path)
        if type(obj) is list:
            return self._items(obj, path)
        if type(obj) is tuple:
            return {"$tuple": self._items(obj, path)}
        if isinstance(obj, (set, frozenset)):
            kind = "$set" if isinstance(obj, set) else "$frozenset"
            return {kind: self._items(sorted(obj, key=repr), path)}
        if isinstance(obj, _core.dtype):
            return {"$dtype": _dtype_name(obj)}
        if isinstance(obj, _core.device):
            return {"$device": str(obj)}
        if isinstance(obj, np.ndarray):
            return self._array(obj, path)
        if isinstance(obj, np.generic):
            return self.pack(obj.item(), path)
        if isinstance(obj, Sequence) and not isinstance(obj, _NOT_LISTS):
            return self._items(obj, path)  # a list, for its class: what it adds is not data
        if callable(obj):  # a module, a function, or neither
            from . import _module_files
            from .nn import Module

            if isinstance(obj, Module):
                return _module_files.pack(obj, path, self._numbers, self.pack)
            if (name := _module_files.function_name(obj)) is not None:
                return {"$function": name}
        raise ArgumentTypeError(self._refusal(obj, path))

    def _items(self, items: Any, path: tuple[str, ...]) -> list[Any]:
        return [self.pack(x, (*path, str(i))) for i, x in enumerate(items)]

    def _dict(self, obj: dict[Any, Any], path: tuple[str, ...]) -> Any:
        kind = {dict: "$dict", OrderedDict: "$ordered", Counter: "$counter"}.get(type(obj))
        if kind is None and not isinstance(obj, OrderedDict):
            kind = "$dict"  # defaultdict and the like: what they add is not data
        if kind == "$dict" and all(isinstance(k, str) and not k.startswith("$") for k in obj):
            return {k: self.pack(v, (*path, k)) for k, v in obj.items()}
        pairs = []
        for k, v in obj.items():
            if not isinstance(k, (str, int, float, tuple, type(None))):
                raise ArgumentTypeError(
                    f"save: expected dict keys of type str, int, float, bool, tuple or None, got "
                    f"{type(k).__name__} at {_where(path)}"
                )
            pairs.append([self.pack(k, path), self.pack(v, (*path, str(k)))])
        return {kind or "$ordered": pairs}

    def _tensor(self, t: Tensor, path: tuple[str, ...]) -> dict[str, Any]:
        if _dtype_name(t.dtype) not in _CODES:
            raise ArgumentTypeError(
                f"save: expected a tensor dtype that safetensors knows, got {t.dtype} at {_where(path)}"
            )
        if t.is_meta:  # a geometry is all that there is
            name = _dtype_name(t.dtype)
            return _marked({"$meta": name, "size": list(t.shape), "stride": list(t.stride())}, t)
        # The same memory read in the same way is one tensor: shared weights stay shared.
        identity = (t.data_ptr(), tuple(t.shape), tuple(t.stride()), t.dtype) if t.numel() else (id(t),)
        name = self._names.get(identity)
        if name is None:
            name = self._unused(".".join(path) or "tensor")
            self._names[identity] = name
            self._packed.append(t)
            self.tensors[name] = t.detach()
        node: dict[str, Any] = {"$tensor": name}
        self._nodes.setdefault(name, []).append(node)
        return _marked(node, t)

    def _sparse(self, t: Any, path: tuple[str, ...]) -> dict[str, Any]:
        """The parts of a sparse tensor, which are tensors, and what they are parts of."""
        layout, indices, columns, values, coalesced = _core._sparse_parts(t)
        names = ("indices", "values") if columns is None else ("crow_indices", "col_indices", "values")
        parts = (indices, values.detach()) if columns is None else (indices, columns, values.detach())
        return {
            "$sparse": layout,
            "parts": [self._tensor(part, (*path, name)) for name, part in zip(names, parts)],
            "size": [int(n) for n in t.shape],
            "coalesced": coalesced,
            "requires_grad": t.requires_grad and t.is_leaf,
        }

    def _array(self, array: np.ndarray, path: tuple[str, ...]) -> dict[str, Any]:
        """An array as a tensor; of a dtype that tensors do not have, as bytes and the name of the dtype."""
        flat = np.ascontiguousarray(array).reshape(array.shape)  # which by itself makes 0-d arrays 1-D
        if array.dtype.name in _ARRAY_DTYPES and array.dtype.isnative:
            return {"$ndarray": self._tensor(_core.from_numpy(flat), path)}
        if array.dtype.kind not in _ARRAY_KINDS:
            raise ArgumentTypeError(
                f"save: expected NumPy arrays of numbers, strings or dates, got dtype {array.dtype} at {_where(path)}"
            )
        data = np.frombuffer(flat.tobytes(), np.uint8).copy()  # which no tensor shares
        node = self._tensor(_core.from_numpy(data), path)
        return {"$ndarray": node, "dtype": array.dtype.str, "shape": [int(n) for n in array.shape]}

    def _refusal(self, obj: Any, path: tuple[str, ...]) -> str:
        name = type(obj).__name__
        text = (
            f"save: expected tensors, numbers, strings and containers of them, got {name} at {_where(path)}; "
            "objects with code are not written"
        )
        if hasattr(obj, "state_dict"):
            text += f"\nhint: save the state instead: plait.save({name.lower()}.state_dict(), path)"
        elif hasattr(obj, "get_state"):
            text += "\nhint: save its state: generator.get_state()"
        return text


def _marked(node: dict[str, Any], t: Tensor) -> dict[str, Any]:
    if type(t) is not Tensor and isinstance(t, _parameter_type()):
        node["parameter"] = True
    if t.requires_grad and t.is_leaf:
        node["requires_grad"] = True
    return node


def _extent(t: Tensor) -> int:
    """Bytes from the first to the last element."""
    return (sum((n - 1) * step for n, step in zip(t.shape, t.stride())) + 1) * t.element_size()


def _memory(t: Any) -> Tensor:
    """The whole block of memory that a tensor shows, as bytes."""
    return t._storage_bytes()


def _where(path: tuple[str, ...]) -> str:
    return "'" + ".".join(path) + "'" if path else "the top"


def _tensor_bytes(t: Tensor) -> memoryview:
    """The bytes of a tensor in row-major order; no copy if it is contiguous."""
    t = t.contiguous()
    if _dtype_name(t.dtype) == "bfloat16":
        t = t.view(_core.int16)
    return memoryview(np.ascontiguousarray(t.numpy()).reshape(-1).view(np.uint8))  # type: ignore[arg-type]


def _encode(obj: Any) -> Iterator[bytes | memoryview]:
    """The file's contents, piece by piece."""
    packer = _Packer()
    tree = packer.pack(obj)
    packer.share_memory()
    # Larger element sizes first: every tensor then lies at a multiple of its element size.
    order = sorted(packer.tensors.items(), key=lambda item: -item[1].element_size())
    header: dict[str, Any] = {"__metadata__": {"format": "pt", _TREE_KEY: json.dumps(tree, allow_nan=False)}}
    offset = 0
    for name, t in order:
        end = offset + t.numel() * t.element_size()
        code = _CODES[_dtype_name(t.dtype)]
        header[name] = {"dtype": code, "shape": [int(n) for n in t.shape], "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "strict")
    text += b" " * (-len(text) % 8)
    if len(text) > _MAX_HEADER:
        raise ArgumentError(f"save: expected a header of at most {_MAX_HEADER} bytes, got {len(text)}")
    yield len(text).to_bytes(8, "little") + text
    for _, t in order:
        if t.numel():
            yield _tensor_bytes(t)


def save(
    obj: Any,
    f: FileLike,
    pickle_module: Any = None,
    pickle_protocol: int | None = None,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write tensors and containers of them to a file, atomically.

    The data goes to a temporary file in the same folder, which takes the place of ``f`` only when it is
    complete and on the disk: a crash or a full disk leaves the old file as it was.

    Args:
        obj: a tensor, dense or sparse, or any nesting of dict (with str, int, float, bool, tuple or None keys),
            OrderedDict, list and other sequences (as lists), tuple, set, str, int, float, bool, None, dtype, device,
            Size, Counter and NumPy arrays without Python objects: state dicts of modules, optimizers and schedules,
            generator states. A tensor that occurs twice is written once and is shared again after loading, and so is
            memory that several tensors show; a single view is written on its own. A whole module is written as the
            name of its class and its attributes, without code: to load it, the program has to name its own classes
            safe (:func:`plait.serialization.add_safe_globals`); the state dict needs no such trust.
        f: a path (str, bytes or os.PathLike), or a binary file open for writing.
        pickle_module: accepted and ignored; nothing is pickled.
        pickle_protocol: accepted and ignored.

    Raises:
        TypeError: ``obj`` holds something else, such as an optimizer or a module with hooks; nothing is written then.
        OSError: the file cannot be written.

    Example:
        >>> import io, plait
        >>> buffer = io.BytesIO()
        >>> plait.save({"weight": plait.ones(2), "epoch": 3, "betas": (0.9, 0.999)}, buffer)
        >>> _ = buffer.seek(0)
        >>> plait.load(buffer)["betas"]
        (0.9, 0.999)
    """
    pieces = _encode(obj)
    first = next(pieces)  # everything is checked before a file is made
    if hasattr(f, "write"):
        _write_all(f, first)
        for piece in pieces:
            _write_all(f, piece)
        return
    path = os.path.realpath(os.fsdecode(f))  # through a link, so that the link stays
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        with open(path, "wb") as special:  # a pipe or device cannot be replaced
            special.write(first)
            special.writelines(pieces)
        return
    _write_atomically(path, first, pieces)


def _write_all(f: Any, data: bytes | memoryview) -> None:
    """Write to a file that may take less than it is given, as unbuffered ones do."""
    left = memoryview(data).cast("B")
    while left:
        n = f.write(left)
        if n is None and not isinstance(f, io.RawIOBase):
            return  # a writer that does not count takes all
        if not n:
            raise OSError(f"save: expected the file to take {left.nbytes} more bytes, got a write of {n}")
        left = left[n:]


_TEMPORARY = ".plait-"  # a short name: that of the file may be as long as the file system allows


def _write_atomically(path: str, first: bytes | memoryview, pieces: Iterator[bytes | memoryview]) -> None:
    folder = os.path.dirname(path)
    _remove_abandoned(folder)
    temporary, descriptor = _make_temporary(folder)
    try:
        with open(descriptor, "wb") as out:
            out.write(first)
            for piece in pieces:
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
            if os.path.exists(path):
                with contextlib.suppress(OSError):
                    os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode))
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _lock(descriptor: int) -> bool:
    """Lock a file for as long as it is open; False when another one has it, or files cannot be locked here."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _make_temporary(folder: str) -> tuple[str, int]:
    """A new file, locked, so that it is known to be in use."""
    while True:
        path = os.path.join(folder, f"{_TEMPORARY}{secrets.token_hex(8)}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
        _lock(descriptor)
        if os.path.exists(path):  # nobody took it for abandoned before it was locked
            return path, descriptor
        os.close(descriptor)


def _remove_abandoned(folder: str) -> None:
    """Remove the temporary files of saves whose process was killed: those that nobody has locked."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.name.startswith(_TEMPORARY) and entry.name.endswith(".tmp")):
                continue
            with contextlib.suppress(OSError):
                descriptor = os.open(entry.path, os.O_RDONLY)
                try:
                    if _lock(descriptor):
                        os.unlink(entry.path)
                finally:
                    os.close(descriptor)


# ---- classes that a program calls safe ---------------------------------------------------------------------

_safe: dict[str, Any] = {}  # by the name that a file has for them


def _safe_names(entries: Any) -> dict[str, Any]:
    """The names of classes and functions; those of plait's are also called by PyTorch's name."""
    names: dict[str, Any] = {}
    for entry in entries:
        pair = isinstance(entry, tuple) and len(entry) == 2
        value, name = (
            entry if pair else (entry, f"{getattr(entry, '__module__', '')}.{getattr(entry, '__qualname__', '')}")
        )
        if not callable(value) or not isinstance(name, str):
            raise ArgumentTypeError(f"add_safe_globals: expected classes and functions, got {type(value).__name__}")
        names[name] = value
        root, _, rest = name.partition(".")
        if not pair and root in ("plait", "torch"):
            names[f"plait.{rest}"] = names[f"torch.{rest}"] = value
    return names


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let :func:`load` make objects of these classes, which the program trusts.

    No file runs code of its own. An object of a class that is named here is made as pickle makes it, by the class's
    ``__new__`` and ``__setstate__`` with what the file holds; a function that is named here is called.

    Args:
        safe_globals: classes and functions, or pairs of one and the name that files have for it.

    Raises:
        TypeError: something else is given.

    Example:
        >>> import plait
        >>> class Net(plait.nn.Linear): pass
        >>> plait.serialization.add_safe_globals([Net])
        >>> [cls.__name__ for cls in plait.serialization.get_safe_globals()]
        ['Net']
        >>> plait.serialization.clear_safe_globals()
    """
    _safe.update(_safe_names(safe_globals))


def clear_safe_globals() -> None:
    """Forget what :func:`add_safe_globals` was given.

    Example:
        >>> import plait
        >>> plait.serialization.clear_safe_globals()
        >>> plait.serialization.get_safe_globals()
        []
    """
    _safe.clear()


def get_safe_globals() -> list[Any]:
    """The classes and functions that :func:`add_safe_globals` was given.

    Example:
        >>> import plait
        >>> plait.serialization.get_safe_globals()
        []
    """
    return list(dict.fromkeys(_safe.values()))


class safe_globals(contextlib.ContextDecorator):
    """A context in which :func:`load` makes objects of these classes; see :func:`add_safe_globals`.

    Args:
        safe_globals: classes and functions, or pairs of one and the name that files have for it.

    Example:
        >>> import plait
        >>> class Net(plait.nn.Linear): pass
        >>> with plait.serialization.safe_globals([Net]):
        ...     len(plait.serialization.get_safe_globals())
        1
    """

    def __init__(self, safe_globals: list[Any]) -> None:
        self._names = _safe_names(safe_globals)

    def __enter__(self) -> None:
        self._before = dict(_safe)
        _safe.update(self._names)

    def __exit__(self, *_: object) -> None:
        _safe.clear()
        _safe.update(self._before)


def get_unsafe_globals_in_checkpoint(f: FileLike) -> list[str]:
    """The classes and functions which a file of PyTorch's names and :func:`load` would refuse.

    Args:
        f: a path, or a binary file open for reading.

    Returns:
        Their names, with those of modules, sorted.

    Raises:
        FileFormatError: the file is none of PyTorch's, or damaged.

    Example:
        >>> import io, plait
        >>> file = io.BytesIO(b"PK\\x03\\x04 and no more")
        >>> try:
        ...     plait.serialization.get_unsafe_globals_in_checkpoint(file)
        ... except ValueError as error:
        ...     print(type(error).__name__)
        FileFormatError
    """
    from ._pytorch_files import names_in, unsafe

    with contextlib.ExitStack() as stack:
        file: Any = f if hasattr(f, "read") else stack.enter_context(open(os.fsdecode(f), "rb"))
        start = file.tell()
        size = file.seek(0, os.SEEK_END) - start
        file.seek(start)
        return unsafe(names_in(file, size), _safe)


# ---- loading -----------------------------------------------------------------------------------------------


class _Entry:
    """A tensor of a checked header."""

    __slots__ = ("begin", "code", "end", "shape")

    def __init__(self, code: str, shape: tuple[int, ...], begin: int, end: int) -> None:
        self.code, self.shape, self.begin, self.end = code, shape, begin, end


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = next(k for k, n in Counter(k for k, _ in pairs).items() if n > 1)
        raise FileFormatError(f"load: expected unique names in the header, got {twice!r} twice")
    return result


def _no_constant(name: str) -> Any:
    raise FileFormatError(f"load: expected JSON numbers, got {name}")


def _parse_json(text: str | bytes, what: str) -> Any:
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")  # json would also take UTF-16 and UTF-32
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except FileFormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"load: expected {what} in JSON, got text that is not ({error})") from None


def _explain_start(start: bytes) -> str | None:
    """Why a file of these first nine bytes is none of ours, if it is a known kind.

    Behind a length, a header begins with "{". Any first eight bytes may be a length, so that comes first: those of
    640 (mod 65,536) are also how a pickle begins.
    """
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= _MAX_HEADER:
        return None
    if start[:8] == b"\x89HDF\r\n\x1a\n":
        return "load: expected a safetensors file, got an HDF5 file"
    if start[:6] == b"\x93NUMPY":
        return "load: expected a safetensors file, got a NumPy file\nhint: plait.from_numpy(numpy.load(path))"
    return None


def _read_exactly(f: Any, size: int) -> bytes:
    """``size`` bytes, or what there is; a read may give less than it is asked for."""
    pieces = []
    while size > 0 and (piece := f.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _read_header(f: IO[bytes], size: int) -> tuple[dict[str, _Entry], dict[str, str], int]:
    """The tensors, the metadata and the place of the first byte of data. Checks the whole layout."""
    start = _read_exactly(f, 9)
    if explanation := _explain_start(start):
        raise FileFormatError(explanation)
    if len(start) < 8:
        raise FileFormatError(f"load: expected at least 8 bytes, got a file of {len(start)}")
    length = int.from_bytes(start[:8], "little")
    if length > _MAX_HEADER:
        raise FileFormatError(
            f"load: expected a header of at most {_MAX_HEADER} bytes, got a length of {length}; this is no "
            "safetensors file"
        )
    if length > size - 8:
        raise FileFormatError(f"load: expected a header of {length} bytes, got a file of {size}: it is cut short")
    text = start[8:] + _read_exactly(f, length - 1) if length else b""
    if len(text) != length:
        raise FileFormatError(f"load: expected a header of {length} bytes, got {len(text)}: the file is cut short")
    if not text.startswith(b"{"):
        raise FileFormatError("load: expected a header that begins with '{'; this is no safetensors file")
    header = _parse_json(text, "the header")
    if not isinstance(header, dict):
        raise FileFormatError(f"load: expected a header that is an object, got {type(header).__name__}")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise FileFormatError("load: expected __metadata__ to be an object of strings")
    entries = {name: _check_entry(name, value) for name, value in header.items()}
    _check_layout(entries, size - 8 - length)
    return entries, metadata, 8 + length


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _check_entry(name: str, value: Any) -> _Entry:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise FileFormatError(f"load: expected dtype, shape and data_offsets for {name!r}, got {str(value)[:200]}")
    code, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(code, str) or code not in _DTYPES:
        known = isinstance(code, str) and code in _FOREIGN_DTYPES
        reason = "which plait does not have" if known else "which is unknown"
        raise FileFormatError(f"load: expected a dtype among {', '.join(_DTYPES)} for {name!r}, got {code!r}, {reason}")
    if not isinstance(shape, list) or not all(map(_is_size, shape)) or len(shape) > 64:
        raise FileFormatError(f"load: expected a shape of sizes >= 0 for {name!r}, got {str(shape)[:200]}")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_size, offsets)):
        raise FileFormatError(f"load: expected two offsets for {name!r}, got {str(offsets)[:200]}")
    begin, end = offsets
    span = math.prod(shape) * np.dtype(_DTYPES[code][1]).itemsize  # Python's integers do not wrap
    if begin > end or span != end - begin:
        raise FileFormatError(
            f"load: expected {span} bytes for {name!r} of shape {tuple(shape)} and dtype {code}, got offsets "
            f"{begin} to {end}"
        )
    return _Entry(code, tuple(shape), begin, end)


def _check_layout(entries: dict[str, _Entry], size: int) -> None:
    """Every byte of the data belongs to exactly one tensor."""
    at = 0
    for name, e in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if e.begin != at:
            kind = "a gap" if e.begin > at else "an overlap"
            raise FileFormatError(f"load: expected {name!r} to begin at {at}, got {e.begin}: {kind} in the data")
        at = e.end
    if at != size:
        kind = "the file is cut short" if at > size else "bytes follow that belong to no tensor"
        raise FileFormatError(f"load: expected {at} bytes of data, got {size}: {kind}")


class _Reader:
    """Make the tensors of a checked file, each once."""

    def __init__(
        self, f: IO[bytes], entries: dict[str, _Entry], start: int, mapped: np.ndarray | None, meta: bool
    ) -> None:
        self._f, self._entries, self._start, self._mapped, self._meta = f, entries, start, mapped, meta
        self._done: dict[str, Tensor] = {}
        self.modules: list[Any] = []

    def __call__(self, name: str, view: Any = None) -> Tensor:
        if view is not None:
            return self._view(name, view)
        if name not in self._entries:
            raise FileFormatError(f"load: expected a tensor {name!r}, which the file's tree names, got none")
        if name not in self._done:
            self._done[name] = self._make(name, self._entries[name])
        return self._done[name]

    def _view(self, name: str, view: Any) -> Tensor:
        """Part of a tensor's memory as ``[dtype, first byte, shape, strides]``."""
        memory = self(name).detach().reshape(-1).view(_core.uint8)
        key = json.dumps([name, view])
        if key not in self._done:
            _check_view(name, view, memory.numel())
            dtype, first, shape, strides = view
            if dtype == "bool" and not self._meta:
                extent = sum((n - 1) * step for n, step in zip(shape, strides)) + 1
                _check_bools(name, memory[first : first + extent].numpy())
            self._done[key] = _view_of_bytes(memory, getattr(_core, dtype), shape, strides, first)
        return self._done[key]

    def _make(self, name: str, e: _Entry) -> Tensor:
        dtype, carrier = _DTYPES[e.code]
        if self._meta:
            return _core.empty(e.shape, dtype=getattr(_core, dtype), device="meta")
        if self._mapped is not None:
            array = self._mapped[self._start + e.begin : self._start + e.end].view(carrier).reshape(e.shape)
            if array.flags.aligned:
                if e.code == "BOOL":
                    _check_bools(name, array.view(np.uint8))
                t = _core.from_numpy(array)
                return t.view(_core.bfloat16) if dtype == "bfloat16" else t
        t = _core.empty(e.shape, dtype=getattr(_core, dtype))
        if t.numel() == 0:
            return t
        data = _tensor_bytes(t)
        self._f.seek(self._start + e.begin)
        got = 0
        while got < len(data):
            n = self._f.readinto(data[got:])  # type: ignore[attr-defined]
            if not n:
                raise FileFormatError(f"load: expected {len(data)} bytes for {name!r}, got {got}")
            got += n
        if e.code == "BOOL":
            _check_bools(name, np.frombuffer(data, np.uint8))
        return t


def _check_view(name: str, view: Any, size: int) -> None:
    """The elements of a view lie within the ``size`` bytes of its tensor."""
    if isinstance(view, list) and len(view) == 4 and isinstance(view[0], str) and view[0] in _CODES:
        dtype, first, shape, strides = view
        lists = isinstance(shape, list) and isinstance(strides, list) and len(shape) == len(strides) <= 64
        if lists and all(map(_is_size, [first, *shape, *strides])) and math.prod(shape) > 0:
            item = getattr(_core, dtype).itemsize
            last = sum((n - 1) * step for n, step in zip(shape, strides))
            if first % item == 0 and first + (last + 1) * item <= size:
                return
    raise FileFormatError(f"load: expected a view within the {size} bytes of {name!r}, got {str(view)[:200]}")


def _check_bools(name: str, data: np.ndarray) -> None:
    if data.size and (worst := int(data.max())) > 1:
        raise FileFormatError(f"load: expected bytes 0 and 1 in {name!r} of dtype BOOL, got {worst}")


def _unpack(node: Any, tensor: _Reader, depth: int = 0) -> Any:
    """The object of a tree."""
    if depth > 4 * _MAX_DEPTH:
        raise FileFormatError(f"load: expected a tree of depth at most {4 * _MAX_DEPTH}, got a deeper one")
    if isinstance(node, list):
        return [_unpack(x, tensor, depth + 1) for x in node]
    if not isinstance(node, dict):
        return node
    kind = next(iter(node), "")
    if not kind.startswith("$"):
        return {k: _unpack(v, tensor, depth + 1) for k, v in node.items()}
    value = node[kind]
    if kind == "$tensor" and isinstance(value, str):
        return _unpack_tensor(node, tensor(value, node.get("view")))
    if kind == "$meta":
        return _unpack_meta(node)
    if kind == "$sparse" and node.keys() == {"$sparse", "parts", "size", "coalesced", "requires_grad"}:
        return _unpack_sparse(node, [_unpack(part, tensor, depth + 1) for part in node["parts"]])
    if kind == "$ndarray" and node.keys() == {"$ndarray", "dtype", "shape"}:
        return _unpack_array(node, _unpack(value, tensor, depth + 1))
    if kind in ("$module", "$again"):
        from ._module_files import unpack

        return unpack(node, tensor.modules, lambda part: _unpack(part, tensor, depth + 4))
    if len(node) == 1:
        if kind == "$function":
            from ._module_files import unpack_function

            return unpack_function(value)
        if kind == "$float" and value in ("inf", "-inf", "nan"):
            return float(value)
        if kind == "$dtype" and isinstance(value, str) and value in _CODES:
            return getattr(_core, value)
        if kind == "$device" and value in ("cpu", "meta"):
            return _core.device(value)
        if kind == "$ndarray" and isinstance(value, str):
            return tensor(value).numpy().copy()
        if kind == "$ndarray" and isinstance(value, dict) and isinstance(value.get("$tensor"), str):
            return tensor(value["$tensor"], value.get("view")).numpy().copy()
        if kind == "$size" and isinstance(value, list) and all(map(_is_size, value)):
            return Size(value)
        if isinstance(value, list):
            return _unpack_container(kind, [_unpack(x, tensor, depth + 1) for x in value])
    raise FileFormatError(f"load: expected a known kind in the tree, got {str(node)[:200]}")


def _parameter_type() -> Any:
    """``nn.Parameter``, imported when it is needed: files of plain tensors do without plait.nn."""
    from .nn.parameter import Parameter

    return Parameter


def _unpack_meta(node: dict[str, Any]) -> Tensor:
    code, size, stride = node["$meta"], node.get("size"), node.get("stride")
    lists = isinstance(size, list) and isinstance(stride, list) and len(size) == len(stride) <= 64
    if not lists or not all(map(_is_size, [*size, *stride])) or not isinstance(code, str) or code not in _CODES:
        raise FileFormatError(f"load: expected a tensor without data, got {str(node)[:200]}")
    known = {key: node[key] for key in node.keys() - {"$meta", "size", "stride"}}
    return _unpack_tensor(known, make_meta(getattr(_core, code), size, stride))


def _unpack_tensor(node: dict[str, Any], t: Tensor) -> Tensor:
    if node.keys() - {"$tensor", "parameter", "requires_grad", "view"}:
        raise FileFormatError(f"load: expected a known kind of tensor in the tree, got {str(node)[:200]}")
    if not (t.is_floating_point() and (node.get("parameter") or node.get("requires_grad"))):
        return t
    needs_grad = bool(node.get("requires_grad"))
    if node.get("parameter"):
        return _parameter_type()(t, requires_grad=needs_grad)
    return t.requires_grad_(needs_grad)


def _unpack_sparse(node: dict[str, Any], parts: list[Any]) -> Tensor:
    from ._sparse import sparse_coo_tensor, sparse_csr_tensor

    make = {"coo": sparse_coo_tensor, "csr": sparse_csr_tensor}.get(str(node["$sparse"]))
    try:
        if make is None or len(parts) != (2 if make is sparse_coo_tensor else 3):
            raise ArgumentError(f"expected the parts of a COO or CSR tensor, got {len(parts)} of {node['$sparse']!r}")
        options: dict[str, Any] = {"requires_grad": bool(node["requires_grad"]), "check_invariants": True}
        if make is sparse_coo_tensor:
            options["is_coalesced"] = bool(node["coalesced"])
        return make(*parts, node["size"], **options)
    except (TypeError, ValueError, RuntimeError) as error:
        raise FileFormatError(f"load: expected a sparse tensor, got parts that are not ({error})") from None


def _unpack_array(node: dict[str, Any], data: Any) -> np.ndarray:
    try:
        dtype = np.dtype(str(node["dtype"]))
        if dtype.kind not in _ARRAY_KINDS:
            raise TypeError(f"dtype {dtype}")
        array = np.frombuffer(data.numpy().tobytes(), dtype).reshape(node["shape"]).copy()
    except (AttributeError, TypeError, ValueError) as error:
        raise FileFormatError(f"load: expected a NumPy array, got data that is not ({error})") from None
    if dtype.kind == "b":
        _check_bools("array", array.view(np.uint8))
    return array


def _unpack_container(kind: str, items: list[Any]) -> Any:
    try:
        if kind == "$tuple":
            return tuple(items)
        if kind in ("$set", "$frozenset"):
            return set(items) if kind == "$set" else frozenset(items)
        if kind in ("$dict", "$ordered", "$counter"):
            pairs = [(k, v) for k, v in items]
            if kind == "$dict":
                return dict(pairs)
            return OrderedDict(pairs) if kind == "$ordered" else Counter(dict(pairs))
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"load: expected the contents of a {kind[1:]}, got others ({error})") from None
    raise FileFormatError(f"load: expected a known kind in the tree, got {kind!r}")


def _check_target(target: Any) -> None:
    """Everything else than the CPU and the device without data is refused."""
    if str(target).partition(":")[0] not in ("cpu", "meta"):
        raise ArgumentError(f"load: expected map_location 'cpu' or 'meta', got {target!r}; plait computes on the CPU")


def _check_location(map_location: Any) -> None:
    if map_location is None or callable(map_location):
        return
    for target in map_location.values() if isinstance(map_location, dict) else [map_location]:
        _check_target(target)


def _is_pytorch(start: bytes, tar: bytes) -> bool:
    """Whether a file of these first bytes is one of ``torch.save``: a zip file, or pickles, of which 1 is text."""
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= _MAX_HEADER:
        return False
    if tar == b"ustar":
        raise FileFormatError(
            "load: expected a file of torch.save in the zip format or the one before, got a tar file, as PyTorch 0.1 "
            "wrote them\nhint: in PyTorch up to 2.13: torch.save(torch.load(path, weights_only=False), new_path)"
        )
    return start[:4] in (b"PK\x03\x04", b"PK\x05\x06") or start[:8] == b"L1195470" or start[:2] in _PICKLES


_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def load(
    f: FileLike,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    encoding: str = "utf-8",
) -> Any:
    """Read what :func:`save`, the safetensors package or PyTorch's ``torch.save`` wrote. No file can run code.

    Lengths, names, dtypes and places are held against the file before a tensor is made. The pickles in files of
    PyTorch's, of its zip format and of the one before, are read by a machine that knows tensors, containers, numbers,
    strings, NumPy arrays, dates and paths, and calls nothing; what else such a file names is an error that says where.

    Args:
        f: a path, or a binary file open for reading; it must be seekable.
        map_location: None or the CPU, a dict from places to these, or a function of a storage and its place, which
            returns the storage or None. Tensors of every device are loaded to the CPU; "meta" gives tensors without
            data.
        pickle_module: must be None.
        weights_only: accepted; ``False`` allows no more than ``True``. Classes are allowed by
            :func:`plait.serialization.add_safe_globals`.
        mmap: map the file into memory instead of reading it: pages are read when they are first used, and
            writing to a tensor does not change the file. For paths, and not for the older format of PyTorch's. The
            file must not shrink meanwhile.
        encoding: of strings that Python 2 wrote; ``"bytes"`` leaves them as they are.

    Returns:
        The saved object; for a file without our tree a dict from names to tensors.

    Raises:
        FileFormatError: (a ValueError and RuntimeError) the file is cut, corrupted, or of another kind, or holds
            something else than data.
        FileNotFoundError: there is no such file.

    Example:
        >>> import os, plait, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> plait.save({"weight": plait.ones(2)}, path)
        >>> plait.load(path)
        {'weight': tensor([1., 1.])}
    """
    _check_location(map_location)
    options = {"map_location": map_location, "encoding": encoding, "safe": _safe}
    if pickle_module is not None:
        raise ArgumentError("load: expected pickle_module None; pickle is never used")
    if hasattr(f, "read"):
        if mmap:
            raise ArgumentError("load: expected a path with mmap=True, got a file object")
        file: Any = f
        if not hasattr(file, "readinto") or not file.seekable():
            file = io.BytesIO(file.read())
        start = file.tell()
        size = file.seek(0, os.SEEK_END) - start
        file.seek(start)
        return _decode(file, start, size, None, options)
    path = os.fsdecode(f)
    with open(path, "rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        mapped = np.memmap(path, np.uint8, "c").view(np.ndarray) if mmap and size else None
        return _decode(opened, 0, size, mapped, options)


def _decode(f: Any, offset: int, size: int, mapped: np.ndarray | None, options: dict[str, Any]) -> Any:
    start = _read_exactly(f, 9)
    f.seek(offset + 257)
    if _is_pytorch(start, f.read(5)):
        from ._pytorch_files import load as load_pytorch

        return load_pytorch(f, offset, size, mapped, options)
    f.seek(offset)
    entries, metadata, data = _read_header(f, size)
    read = _Reader(f, entries, offset + data, mapped, str(options["map_location"]) == "meta")
    if _TREE_KEY not in metadata:
        return {name: read(name) for name in entries}
    return _unpack(_parse_json(metadata[_TREE_KEY], "the tree"), read)
