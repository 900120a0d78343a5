# SPDX-License-Identifier: MIT
"""Reading the .pt and .pth files of PyTorch, by a pickle machine that calls nothing (``_pickle_machine``).

The zip format (PyTorch 1.6 and later): ``NAME/data.pkl`` is a pickle in which a tensor is a view of a storage,
``("storage", class, key, location, number of elements)``; the bytes of a storage are the entry ``NAME/data/KEY``, and
``NAME/byteorder`` says how they are written. The older format is a sequence of pickles: a magic number, a version,
facts about the machine, the object, the keys of its storages; then, for each key, the number of elements in eight bytes
and the elements, always with the least significant byte first.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from . import _core
from ._core import ArgumentError
from ._pickle_machine import Foreign, Machine, check_tree
from ._pickle_names import FileStorage, _Block, find, storage_dtype
from .serialization import FileFormatError, _check_target, _tensor_bytes

__all__ = ["load", "names_in", "unsafe"]

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_MAX_INFLATION = 64  # bytes per byte of a compressed entry
_MAX_ENTRIES = 1_000_000


def _string(value: Any) -> str:
    value = value.decode("ascii", "replace") if type(value) is bytes else value
    if type(value) is not str:
        raise FileFormatError(f"load: expected a string about a storage, got {type(value).__name__}")
    return value


class _Storages:
    """The storages of a file, each read once; ``read`` gives the memory of a key for a number of bytes."""

    def __init__(self, read: Callable[[str, int], _Block], map_location: Any) -> None:
        self._read, self._map = read, map_location
        self._blocks: dict[str, tuple[_Block, int]] = {}
        self._seen: dict[tuple[str, Any, bool], FileStorage] = {}

    def __call__(self, key: Any) -> Any:
        """The storage of a persistent id."""
        if type(key) is not tuple or len(key) < 2:
            raise FileFormatError(f"load: expected a storage, got {type(key).__name__}")
        if _string(key[0]) == "module" and len(key) == 4:  # a class with its source, which is not looked at
            return key[1]
        if _string(key[0]) != "storage" or len(key) not in (5, 6):
            raise FileFormatError("load: expected the five parts of a storage, got others")
        kind = storage_dtype(key[1])
        if isinstance(kind, Foreign):
            return kind
        dtype, typed = kind
        name, location, count = _string(key[2]), _string(key[3]), key[4]
        if type(count) is not int or not 0 <= count * dtype.itemsize < 2**63:
            raise FileFormatError("load: expected the number of elements of a storage, got something else")
        view = key[5] if len(key) == 6 else None
        if (name, dtype, typed) not in self._seen or view is not None:
            storage = FileStorage(self._block(name, count * dtype.itemsize), dtype, typed)
            if view is not None:
                return self._part(storage, view)
            self._locate(storage, location)
            self._seen[name, dtype, typed] = storage
        return self._seen[name, dtype, typed]

    def _block(self, name: str, size: int) -> _Block:
        if name not in self._blocks:
            self._blocks[name] = self._read(name, size), size
        block, known = self._blocks[name]
        if known != size:
            raise FileFormatError(f"load: expected {known} bytes in storage {name!r:.50}, got {size}")
        return block

    def _part(self, storage: FileStorage, view: Any) -> FileStorage:
        """A storage within a storage, ``(key, first element, elements)``."""
        if type(view) is not tuple or len(view) != 3 or not all(type(n) is int for n in view[1:]):
            raise FileFormatError("load: expected a part of a storage, got something else")
        item = storage.dtype.itemsize
        first, size, memory = view[1] * item, view[2] * item, storage.block.memory
        if not (first >= 0 and size >= 0 and first + size <= memory.numel()):
            raise FileFormatError(f"load: expected a part of {memory.numel()} bytes, got {size} from {first}")
        return FileStorage(_Block(memory[first : first + size], False), storage.dtype, True)

    def _locate(self, storage: FileStorage, location: str) -> None:
        """Ask ``map_location`` where the storage is to be."""
        if callable(self._map):
            result = self._map(storage, location)
            if result is not None and result != storage:
                raise ArgumentError(f"load: expected map_location to return its storage or None, got {result!r:.100}")
        else:
            target = self._map.get(location) if isinstance(self._map, dict) else self._map
            if target is not None:
                _check_target(target)
                storage.meta = str(target) == "meta"


def _finish(obj: Any) -> Any:
    """The object, if nothing foreign is left in it."""
    found = check_tree(obj)
    if found is None:
        return obj
    place, thing = found
    hint = getattr(thing, "hint", "") or (
        "save the state of a module, torch.save(model.state_dict(), path); or, if the class is one that this program "
        f"trusts: plait.serialization.add_safe_globals([{thing.name.rpartition('.')[2]}])"
    )
    where = f"obj{place}" if place else "the top"
    text = f"load: expected tensors, containers and plain data, got {thing.name} at {where:.500}"
    raise FileFormatError(f"{text}\nhint: {hint}")


# ---- the zip format ----------------------------------------------------------------------------------------

_ZIP_ERRORS = (ArithmeticError, EOFError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError)


class _Archive:
    """The entries of a zip file, checked: none twice, none over another, none larger than the file can hold."""

    def __init__(self, f: IO[bytes], size: int, mapped: np.ndarray | None) -> None:
        self._f, self._size, self._mapped = f, size, mapped
        try:
            entries = zipfile.ZipFile(f).infolist()
        except (zipfile.BadZipFile, *_ZIP_ERRORS, OSError) as error:
            raise FileFormatError(f"load: expected a zip file, got a damaged one ({error})"[:300]) from None
        self._entries = {e.filename: e for e in entries}
        if len(self._entries) != len(entries) or len(entries) > _MAX_ENTRIES:
            raise FileFormatError("load: expected a zip file whose entries have names of their own, got one name twice")
        self.root = self._find_root()
        self._check_places(entries)

    def _find_root(self) -> str:
        names = self._entries
        roots = [n[: -len("data.pkl")] for n in names if n.count("/") == 1 and n.endswith("/data.pkl")]
        if any(n.endswith("/constants.pkl") for n in names):
            raise FileFormatError(
                "load: expected tensors, got a program of TorchScript, which plait does not run\n"
                "hint: in PyTorch: torch.save(torch.jit.load(path).state_dict(), new_path)"
            )
        if len(roots) == 1:
            return roots[0]
        text = f"load: expected a zip file of torch.save with one data.pkl, got {len(roots)} among {len(names)} entries"
        if any(n.endswith(".npy") for n in names):
            text += "\nhint: this is a file of NumPy: numpy.load(path)"
        elif any(n.endswith("model.weights.h5") for n in names):
            text += "\nhint: this is a file of Keras: keras.saving.load_model(path)"
        raise FileFormatError(text)

    def _check_places(self, entries: list[zipfile.ZipInfo]) -> None:
        self._first: dict[str, int] = {}
        end = 0
        for e in sorted(entries, key=lambda e: e.header_offset):
            if e.header_offset < end:
                raise FileFormatError(f"load: expected entries beside each other, got {e.filename!r:.100} over another")
            self._f.seek(e.header_offset)
            header = self._f.read(30)
            if len(header) != 30 or header[:4] != b"PK\x03\x04":
                raise FileFormatError(f"load: expected the header of {e.filename!r:.100}, got other bytes")
            names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            self._first[e.filename] = first = e.header_offset + 30 + names
            end = first + e.compress_size
            if end > self._size or e.flag_bits & 1:
                raise FileFormatError(f"load: expected all bytes of {e.filename!r:.100}, got a file that is cut short")
            if e.compress_type == zipfile.ZIP_STORED and e.file_size != e.compress_size:
                raise FileFormatError(f"load: expected one size of {e.filename!r:.100}, got two")
            if e.file_size > _MAX_INFLATION * e.compress_size + 1024:
                raise FileFormatError(f"load: expected a size that {e.filename!r:.100} can have, got {e.file_size}")

    def entry(self, name: str) -> zipfile.ZipInfo:
        if self.root + name not in self._entries:
            raise FileFormatError(f"load: expected an entry {name!r:.100} in the zip file, got none")
        return self._entries[self.root + name]

    def __contains__(self, name: str) -> bool:
        return self.root + name in self._entries

    def read_into(self, e: zipfile.ZipInfo, data: memoryview) -> None:
        """The bytes of an entry, which are as many as ``data`` takes."""
        self._f.seek(self._first[e.filename])
        if e.compress_type == zipfile.ZIP_STORED:
            _fill(self._f, data, e.filename)
            return
        if e.compress_type != zipfile.ZIP_DEFLATED:
            raise FileFormatError(f"load: expected stored or deflated entries, got method {e.compress_type}")
        packed = self._f.read(e.compress_size)
        try:
            plain = zlib.decompressobj(-15).decompress(packed, len(data) + 1)
        except zlib.error as error:
            raise FileFormatError(f"load: expected a deflated entry, got a damaged one ({error})") from None
        if len(plain) != len(data):
            raise FileFormatError(f"load: expected {len(data)} bytes of {e.filename!r:.100}, got others")
        data[:] = plain

    def bytes_of(self, name: str) -> bytes:
        e = self.entry(name)
        data = bytearray(e.file_size)
        self.read_into(e, memoryview(data))
        if e.CRC not in (0, zlib.crc32(data)):  # 0 where PyTorch was told to write none
            raise FileFormatError(f"load: expected the checksum of {name!r}, got another one: the file is damaged")
        return bytes(data)

    def mapped(self, e: zipfile.ZipInfo) -> np.ndarray | None:
        """The bytes of an entry in the mapped file, where they lie as tensors need them."""
        if self._mapped is None or e.compress_type != zipfile.ZIP_STORED:
            return None
        first = self._first[e.filename]
        return self._mapped[first : first + e.file_size] if first % 16 == 0 else None


def _load_zip(f: IO[bytes], size: int, mapped: np.ndarray | None, options: dict[str, Any]) -> Any:
    archive = _Archive(f, size, mapped)
    data = archive.bytes_of("data.pkl")
    order = archive.bytes_of("byteorder") if "byteorder" in archive else b"little"
    if order not in (b"little", b"big"):
        raise FileFormatError(f"load: expected the byte order little or big, got {order!r:.50}")

    def read(key: str, count: int) -> _Block:
        e = archive.entry(f"data/{key}")
        if e.file_size != count:
            raise FileFormatError(f"load: expected {count} bytes of storage {key!r:.50}, got {e.file_size}")
        part = archive.mapped(e)
        if part is not None and count:
            return _Block(_core.from_numpy(part), order == b"big")
        memory = _core.empty(count, dtype=_core.uint8)
        if count:
            archive.read_into(e, _tensor_bytes(memory))
        return _Block(memory, order == b"big")

    return _interpret(data, _Storages(read, options["map_location"]), options)


def _interpret(data: bytes, storages: Callable[[Any], Any], options: dict[str, Any]) -> Any:
    safe = options["safe"]
    machine = Machine(data, 0, lambda m, n: find(m, n, safe), storages, options["encoding"])
    return _finish(machine.run())


# ---- the older format --------------------------------------------------------------------------------------


def _scan(data: bytes | memoryview, at: int, names: set[str], ids: list[Any]) -> tuple[Any, int]:
    """Run a pickle in which every name is foreign, and note names and persistent ids.

    Returns:
        The object and the place behind the pickle.
    """

    def note(module: str, name: str) -> Foreign:
        names.add(f"{module}.{name}")
        return Foreign(f"{module}.{name}")

    def persistent(key: Any) -> Foreign:
        ids.append(key)
        return Foreign("a storage")

    machine = Machine(data, at, note, persistent, "latin1")
    return machine.run(), machine.at


def _all_bytes(f: Any, start: int, size: int) -> bytes | memoryview:
    """The bytes of a file from ``start`` on, mapped where that can be."""
    raw = f.raw if isinstance(f, io.BufferedReader) else f
    if isinstance(raw, io.FileIO):  # a file that is unpacked or decrypted on the way has a number, too
        with contextlib.suppress(OSError, ValueError):
            return memoryview(mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ))[start : start + size]
    f.seek(start)
    return f.getbuffer()[start : start + size] if isinstance(f, io.BytesIO) else f.read(size)


def _read_start(data: bytes | memoryview) -> int:
    """Check the pickles before that of the object; where it begins."""
    magic, at = _scan(data, 0, set(), [])
    if type(magic) is not int or magic != _MAGIC:
        raise FileFormatError(
            "load: expected a file of torch.save, got a pickle of something else, which can run code when it is loaded"
            "\nhint: load it with what wrote it, and save its tensors by torch.save or plait.save"
        )
    protocol, at = _scan(data, at, set(), [])
    _, at = _scan(data, at, set(), [])
    if type(protocol) is not int or protocol != _PROTOCOL:
        raise FileFormatError(f"load: expected version {_PROTOCOL} of the format, got another one")
    return at


def _load_legacy(f: IO[bytes], start: int, size: int, options: dict[str, Any]) -> Any:
    """The object's pickle is scanned first: its storages come behind it, and are needed before."""
    data = _all_bytes(f, start, size)
    first, ids = _read_start(data), []  # type: tuple[int, list[Any]]
    _, end = _scan(data, first, set(), ids)
    keys, behind = _scan(data, end, set(), [])
    if type(keys) is not list or len(set(map(_string, keys))) != len(keys):
        raise FileFormatError("load: expected the keys of the storages, each once, got something else")
    pickle = bytes(data[first:end])
    del data  # a file that is mapped, or lent by its buffer, is let go
    places = _find_storages(f, start + behind, size - behind, list(map(_string, keys)), _element_sizes(ids))

    def read(key: str, count: int) -> _Block:
        if key not in places or places[key][1] != count:
            raise FileFormatError(f"load: expected {count} bytes of storage {key!r:.50}, got others or none")
        memory = _core.empty(count, dtype=_core.uint8)
        if count:
            f.seek(places[key][0])
            _fill(f, _tensor_bytes(memory), key)
        return _Block(memory, False)

    return _interpret(pickle, _Storages(read, options["map_location"]), options)


def _element_sizes(ids: list[Any]) -> dict[str, int]:
    """Bytes per element of each storage: those of the class under which it was met first."""
    sizes: dict[str, int] = {}
    for key in ids:
        if type(key) is tuple and len(key) in (5, 6) and type(key[1]) is Foreign and _string(key[0]) == "storage":
            kind = storage_dtype(find(*key[1].name.rpartition(".")[::2], {}))
            if isinstance(kind, Foreign):
                raise FileFormatError(f"load: expected a class of storages that plait has, got {kind.name}")
            sizes.setdefault(_string(key[2]), kind[0].itemsize)
    return sizes


def _find_storages(f: IO[bytes], at: int, left: int, keys: list[str], sizes: dict[str, int]) -> dict[str, Any]:
    """The first byte and the number of bytes of each storage."""
    places, end = {}, at + left
    for key in keys:
        f.seek(at)
        head = f.read(8)
        if len(head) != 8 or key not in sizes:
            raise FileFormatError(f"load: expected storage {key!r:.50}, got the end of the file, or no use of it")
        size = int.from_bytes(head, "little") * sizes[key]
        at += 8
        if at + size > end:
            raise FileFormatError(f"load: expected {size} bytes of storage {key!r:.50}: the file is cut short")
        places[key] = at, size
        at += size
    return places


# ---- the file ----------------------------------------------------------------------------------------------


def _fill(f: IO[bytes], data: memoryview, name: str) -> None:
    """Read as many bytes as ``data`` takes; a read may give less than it is asked for."""
    got = 0
    while got < len(data):
        n = f.readinto(data[got:])  # type: ignore[attr-defined]
        if not n:
            raise FileFormatError(f"load: expected {len(data)} bytes of {name!r:.100}, got {got}")
        got += n


def load(f: IO[bytes], start: int, size: int, mapped: np.ndarray | None, options: dict[str, Any]) -> Any:
    """The object of a file of PyTorch's, which begins at byte ``start``.

    Args:
        f: the file.
        size: its bytes from ``start`` on.
        mapped: all bytes of the file, if it is to be mapped.
        options: ``map_location``, ``encoding`` and ``safe``, the classes that the program calls safe.
    """
    f.seek(start)
    if f.read(4)[:2] == b"PK":
        return _load_zip(f, start + size, mapped, options)
    if mapped is not None:
        raise ArgumentError("load: expected a zip file with mmap=True, got the older format\nhint: mmap=False")
    return _load_legacy(f, start, size, options)


def names_in(f: IO[bytes], size: int) -> set[str]:
    """The classes and functions that a file names."""
    names: set[str] = set()
    start = f.tell()
    if f.read(4)[:2] == b"PK":
        data = _Archive(f, start + size, None).bytes_of("data.pkl")
        _scan(data, 0, names, [])
        return names
    whole = _all_bytes(f, start, size)
    _scan(whole, _read_start(whole), names, [])
    return names


def unsafe(names: set[str], safe: dict[str, Any]) -> list[str]:
    """Those of ``names`` that stand for nothing."""
    return sorted(name for name in names if isinstance(find(*name.rpartition(".")[::2], safe), Foreign))
