# SPDX-License-Identifier: MIT
"""Memory blocks of tensors as objects: bytes, or elements of a dtype.

Tensors that show the same memory have equal storages. ``resize_`` and ``share_memory_`` of a storage move all of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import _core
from ._core import ArgumentError, ArgumentTypeError, Tensor
from ._storage import resize_memory

__all__ = [
    "BFloat16Storage",
    "BoolStorage",
    "ByteStorage",
    "CharStorage",
    "ComplexDoubleStorage",
    "ComplexFloatStorage",
    "DoubleStorage",
    "FloatStorage",
    "HalfStorage",
    "IntStorage",
    "LongStorage",
    "ShortStorage",
    "TypedStorage",
    "UntypedStorage",
    "from_file",
]


def _map_file(filename: str | os.PathLike[str], shared: bool | None, nbytes: int) -> Tensor:
    if shared and nbytes > (os.path.getsize(filename) if os.path.exists(filename) else -1):
        with open(filename, "ab") as file:
            file.truncate(nbytes)
    size = os.path.getsize(filename)
    if not 0 <= nbytes <= size:
        raise ArgumentError(f"from_file: expected at most the {size} bytes of the file, got {nbytes}")
    if nbytes == 0:  # nothing can be mapped
        return _core.empty(0, dtype=_core.uint8)
    return _core.as_tensor(np.memmap(filename, np.uint8, "r+" if shared else "c", shape=(nbytes,)))


def from_file(
    filename: str | os.PathLike[str], shared: bool | None = None, size: int = 0, *, dtype: Any = None, **options: Any
) -> Tensor:
    """Map the elements of a binary file into memory.

    Args:
        filename: a path.
        shared: write what is written to the tensor to the file, which is made or lengthened if need be. Default:
            changes are kept by the process.
        size: how many elements. Default: 0.
        dtype: of the elements. Default: the default dtype.

    Returns:
        A tensor of shape (size,).

    Raises:
        ValueError: the file is too short.

    Example:
        >>> import plait, tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "numbers")
        >>> _ = plait.from_file(path, shared=True, size=3, dtype=plait.int16).fill_(7)
        >>> plait.from_file(path, size=2, dtype=plait.int16)
        tensor([7, 7], dtype=plait.int16)
    """
    dtype = _core.get_default_dtype() if dtype is None else dtype
    return _map_file(filename, shared, size * dtype.itemsize).view(dtype)


class UntypedStorage:
    """A memory block as bytes.

    Args:
        data: a number of bytes, or a sequence of their values. Default: no bytes.
        device: the CPU or "meta".

    Raises:
        TypeError: ``data`` is neither.

    Example:
        >>> import plait
        >>> x = plait.ones(3)
        >>> x[1:].untyped_storage().nbytes(), x.untyped_storage() == x[1:].untyped_storage()
        (12, True)
        >>> plait.UntypedStorage([1, 2]).tolist()
        [1, 2]
    """

    is_cuda = is_hpu = is_sparse = is_sparse_csr = False
    filename: str | None = None

    def __init__(self, data: Any = 0, *, device: Any = None) -> None:
        if isinstance(data, int):
            if data < 0:
                raise ArgumentError(f"UntypedStorage: expected a number of bytes, got {data}")
            self._t = _core.empty(data, dtype=_core.uint8, device=device)[:0]  # shows the memory and needs none of it
            return
        values = list(data) if hasattr(data, "__len__") else [data]
        if not all(isinstance(v, int) for v in values):
            raise ArgumentTypeError("UntypedStorage: expected a number of bytes, or a sequence of ints, got others")
        self._t = _core.tensor([v & 255 for v in values], dtype=_core.uint8, device=device)[:0]

    @classmethod
    def _of(cls, t: Tensor) -> Any:
        """The memory block of a tensor."""
        self = cls.__new__(cls)
        self._t = t._storage_bytes()[:0]
        return self

    @classmethod
    def _new_shared(cls, size: int, *, device: Any = None) -> Any:
        return cls(size, device=device).share_memory_()

    @classmethod
    def from_file(cls, filename: str | os.PathLike[str], shared: bool = False, nbytes: int = 0) -> Any:
        """The first ``nbytes`` of ``filename``, mapped; written to it if ``shared``, else kept by the process.

        Raises:
            ValueError: the file has fewer bytes and is not ``shared``.
        """
        made = cls._of(_map_file(filename, shared, nbytes))
        made.filename = os.fspath(filename)
        return made

    @classmethod
    def from_buffer(
        cls, buffer: Any, *, count: int = -1, offset: int = 0, dtype: Any = None, byte_order: str = "native"
    ) -> Any:
        """Copy bytes: ``count`` elements of ``dtype``, from byte ``offset`` of ``buffer`` on.

        ``byte_order`` is "native", "little" or "big".

        Raises:
            ValueError: the buffer is too short.
        """
        size = 1 if dtype is None else dtype.itemsize
        part = memoryview(buffer).cast("B")[offset:]
        if count * size > len(part) or (count < 0 and len(part) % size):
            raise ArgumentError(f"from_buffer: expected {count} elements of {size} bytes, got {len(part)} bytes")
        data = np.frombuffer(part if count < 0 else part[: count * size], np.uint8).copy()
        if byte_order not in ("native", sys.byteorder) and size > 1:
            data = np.ascontiguousarray(data.reshape(-1, size)[:, ::-1]).reshape(-1)
        return cls._of(_core.from_numpy(data))

    def _bytes(self) -> Tensor:
        return self._t._storage_bytes()

    def untyped(self) -> UntypedStorage:
        """This storage."""
        return self

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self._bytes().data_ptr()

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._t._storage_nbytes()

    def size(self) -> int:
        """The number of bytes."""
        return self.nbytes()

    def element_size(self) -> int:
        """1."""
        return 1

    @property
    def device(self) -> Any:
        """The CPU."""
        return self._t.device

    def get_device(self) -> int:
        """-1, as PyTorch says for the CPU."""
        return -1

    def is_pinned(self, device: Any = "cuda") -> bool:
        """False: there is no ``device`` to copy to."""
        return False

    def resizable(self) -> bool:
        """True."""
        return True

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        return self._bytes().tolist()  # type: ignore[no-any-return]

    def cpu(self) -> UntypedStorage:
        """This storage."""
        return self

    def clone(self) -> UntypedStorage:
        """A copy."""
        return self._of(self._bytes().clone())  # type: ignore[no-any-return]

    def new(self) -> UntypedStorage:
        """A storage without bytes."""
        return UntypedStorage()

    def fill_(self, value: int) -> UntypedStorage:
        """Give all bytes one ``value``."""
        self._bytes().fill_(value)
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> UntypedStorage:
        """Copy the bytes of ``source``, which has as many; ``non_blocking`` is accepted."""
        self._bytes().copy_(source.untyped()._bytes())
        return self

    def resize_(self, size: int) -> UntypedStorage:
        """Change the number of bytes to ``size``, for all tensors on this memory.

        Raises:
            ValueError: a tensor needs more bytes.
        """
        resize_memory(self._t, size)
        return self

    def is_shared(self) -> bool:
        """Whether other processes see this memory."""
        return bool(self._t.is_shared())

    def share_memory_(self) -> UntypedStorage:
        """Move the memory, and all tensors on it, to where other processes see it."""
        self._t.share_memory_()
        return self

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of this type, or the bytes as elements of ``dtype``; ``non_blocking`` is accepted."""
        if dtype is None:
            return f"{Tensor.__module__}.storage.{type(self).__name__}"
        return TypedStorage(wrap_storage=self, dtype=_core.uint8).type(dtype)

    @property
    def _cdata(self) -> int:
        return self.data_ptr()

    def __getitem__(self, index: Any) -> Any:
        """A byte as a number, a slice as a storage of its own that has these bytes."""
        part = self._bytes()[index]
        return self._of(part.clone()) if isinstance(index, slice) else int(part)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._bytes()[index] = value

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self._bytes().numpy() if dtype is None else self._bytes().numpy().astype(dtype)

    def __len__(self) -> int:
        return self.nbytes()

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self._t._shares_storage(other._t)

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    def __copy__(self) -> UntypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> UntypedStorage:
        from copy import deepcopy

        return self._of(deepcopy(self._bytes(), memo))  # type: ignore[no-any-return]

    def __reduce__(self) -> Any:
        return UntypedStorage._of, (self._bytes(),)

    def __repr__(self) -> str:
        rows = [f" {value}" for value in self.tolist()]
        rows = rows if len(rows) <= 20 else [*rows[:10], " ...", *rows[-10:]]
        name = f"{Tensor.__module__}.storage.{type(self).__name__}"
        return "\n".join([*rows, f"[{name}(device=cpu) of size {self.nbytes()}]"])


class TypedStorage:
    """A memory block as elements of a dtype.

    Args:
        data: a number of elements, or a sequence of their values. Default: no elements.
        wrap_storage: the block to show, instead of ``data``.
        dtype: of the elements. Default: the default dtype.
        device: "cpu".

    Raises:
        TypeError: both ``data`` and ``wrap_storage`` are given, or the block without a dtype.

    Example:
        >>> import plait
        >>> plait.arange(3).storage().tolist()
        [0, 1, 2]
        >>> plait.TypedStorage([1, 2], dtype=plait.float64).nbytes()
        16
    """

    is_cuda = is_hpu = is_sparse = False
    filename: str | None = None

    def __init__(self, data: Any = None, *, wrap_storage: Any = None, dtype: Any = None, device: Any = None) -> None:
        if device is not None:
            _core._check_device("TypedStorage", device)
        if wrap_storage is None:
            self.dtype = _core.get_default_dtype() if dtype is None else dtype
            made = _core.empty(data or 0, dtype=self.dtype) if data is None or isinstance(data, int) else None
            self._untyped_storage = UntypedStorage._of(_core.tensor(data, dtype=self.dtype) if made is None else made)
            return
        if data is not None or dtype is None or not isinstance(wrap_storage, UntypedStorage):
            raise ArgumentTypeError("TypedStorage: expected data, or wrap_storage=an UntypedStorage and its dtype")
        self.dtype, self._untyped_storage = dtype, wrap_storage

    @property
    def _t(self) -> Tensor:
        memory = self._untyped_storage._bytes()
        return memory[: self.size() * self.dtype.itemsize].view(self.dtype)

    @classmethod
    def from_file(cls, filename: str | os.PathLike[str], shared: bool = False, size: int = 0) -> TypedStorage:
        """The first ``size`` elements of ``filename``, mapped; written to it if ``shared``, else kept."""
        dtype = getattr(cls, "dtype", None) or _core.get_default_dtype()
        block = UntypedStorage.from_file(filename, shared, size * dtype.itemsize)
        return TypedStorage(wrap_storage=block, dtype=dtype)

    @classmethod
    def from_buffer(cls, *args: Any, dtype: Any = None, **options: Any) -> TypedStorage:
        """Copy bytes as elements of ``dtype``; other arguments as there: :meth:`UntypedStorage.from_buffer`."""
        dtype = dtype or getattr(cls, "dtype", None) or _core.get_default_dtype()
        block = UntypedStorage.from_buffer(*args, dtype=dtype, **options)
        return TypedStorage(wrap_storage=block, dtype=dtype)

    def untyped(self) -> UntypedStorage:
        """The memory block as bytes."""
        return self._untyped_storage  # type: ignore[no-any-return]

    def size(self) -> int:
        """The number of elements."""
        return self.nbytes() // self.dtype.itemsize

    def nbytes(self) -> int:
        """The number of bytes."""
        return self.untyped().nbytes()

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize  # type: ignore[no-any-return]

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self.untyped().data_ptr()

    @property
    def device(self) -> Any:
        """The CPU."""
        return self.untyped().device

    def get_device(self) -> int:
        """-1, as PyTorch says for the CPU."""
        return -1

    def is_pinned(self, device: Any = "cuda") -> bool:
        """False: there is no ``device`` to copy to."""
        return False

    def resizable(self) -> bool:
        """True."""
        return True

    def is_shared(self) -> bool:
        """Whether other processes see this memory."""
        return self.untyped().is_shared()

    def share_memory_(self) -> TypedStorage:
        """Move the memory, and all tensors on it, to where other processes see it."""
        self.untyped().share_memory_()
        return self

    def resize_(self, size: int) -> None:
        """Change the number of elements to ``size``; see :meth:`UntypedStorage.resize_`."""
        self.untyped().resize_(size * self.dtype.itemsize)

    def fill_(self, value: Any) -> TypedStorage:
        """Give all elements one ``value``."""
        self._t.fill_(value)
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> TypedStorage:
        """Copy the elements of ``source``, which has as many; ``non_blocking`` is accepted."""
        self._t.copy_(source._t)
        return self

    def clone(self) -> TypedStorage:
        """A copy."""
        return TypedStorage(wrap_storage=self.untyped().clone(), dtype=self.dtype)

    def cpu(self) -> TypedStorage:
        """This storage."""
        return self

    def tolist(self) -> list[Any]:
        """The elements as numbers."""
        return self._t.tolist()  # type: ignore[no-any-return]

    def _to(self, dtype: Any) -> TypedStorage:
        return TypedStorage(wrap_storage=UntypedStorage._of(self._t.to(dtype).clone()), dtype=dtype)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The old name of the type, or a copy in ``dtype`` or in the type of an old name."""
        if dtype is None:
            return f"{Tensor.__module__}.{self.pickle_storage_type()}"
        if isinstance(dtype, str):
            dtype = globals()[dtype.rpartition(".")[2]]
        return self._to(getattr(dtype, "dtype", dtype))

    def pickle_storage_type(self) -> str:
        """The old name of the type, as files have it."""
        return next(name for name, kind in _LEGACY.items() if kind.dtype == self.dtype)

    def __getitem__(self, index: int) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("TypedStorage: expected an int as the index, got a slice\nhint: slice tolist()")
        return self._t[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._t[index] = value if not isinstance(value, TypedStorage) else value._t

    def __len__(self) -> int:
        return self.size()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self._t.numpy() if dtype is None else self._t.numpy().astype(dtype)

    def __copy__(self) -> TypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> TypedStorage:
        return TypedStorage(wrap_storage=self.untyped().__deepcopy__(memo), dtype=self.dtype)

    def __reduce__(self) -> Any:
        return _typed, (self.untyped(), self.dtype)

    def __repr__(self) -> str:
        rows = [f" {value}" for value in self.tolist()]
        rows = rows if len(rows) <= 20 else [*rows[:10], " ...", *rows[-10:]]
        name = f"{Tensor.__module__}.storage.{type(self).__name__}"
        return "\n".join([*rows, f"[{name}(dtype={self.dtype}, device=cpu) of size {self.size()}]"])


def _typed(block: UntypedStorage, dtype: Any) -> TypedStorage:
    return TypedStorage(wrap_storage=block, dtype=dtype)


def _add_conversions() -> None:
    """``storage.double()`` and the like, which copy."""
    names = {"double": "float64", "float": "float32", "half": "float16", "bfloat16": "bfloat16", "long": "int64"}
    names |= {"int": "int32", "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool"}
    names |= {"complex_float": "complex64", "complex_double": "complex128"}
    for name, dtype in names.items():

        def convert(self: Any, _name: str = dtype) -> TypedStorage:
            return self.type(getattr(_core, _name))  # type: ignore[no-any-return]

        convert.__name__, convert.__doc__ = name, f"A copy whose elements are converted to {dtype}."
        for kind in (UntypedStorage, TypedStorage):
            setattr(kind, name, convert)


_add_conversions()


class _LegacyMeta(type):
    dtype: Any

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, TypedStorage) and value.dtype == cls.dtype

    def __call__(cls, data: Any = None, *, wrap_storage: Any = None, device: Any = None) -> TypedStorage:
        return TypedStorage(data, wrap_storage=wrap_storage, dtype=cls.dtype, device=device)


_LEGACY: dict[str, Any] = {}


def _legacy(name: str, dtype: Any) -> Any:
    doc = f"""``{name}(data)`` or ``{name}(size)``: a :class:`TypedStorage` of {dtype}; the form of old programs.

    Args:
        data: a number of elements, or a sequence of their values.
        wrap_storage, device: as there.

    Example:
        >>> plait.{name}(2).dtype
        {dtype}
    """
    body = {"__doc__": doc, "__module__": "plait", "dtype": dtype, "from_file": classmethod(_of_file)}
    kind = _LegacyMeta(name, (), {**body, "from_buffer": classmethod(_of_buffer)})
    _LEGACY[name] = kind
    return kind


def _of_file(cls: Any, *args: Any, **options: Any) -> TypedStorage:
    """See :meth:`TypedStorage.from_file`."""
    return TypedStorage.from_file.__func__(cls, *args, **options)  # type: ignore[attr-defined, no-any-return]


def _of_buffer(cls: Any, *args: Any, **options: Any) -> TypedStorage:
    """See :meth:`TypedStorage.from_buffer`."""
    return TypedStorage.from_buffer.__func__(cls, *args, **options)  # type: ignore[attr-defined, no-any-return]


FloatStorage = _legacy("FloatStorage", _core.float32)
DoubleStorage = _legacy("DoubleStorage", _core.float64)
HalfStorage = _legacy("HalfStorage", _core.float16)
BFloat16Storage = _legacy("BFloat16Storage", _core.bfloat16)
LongStorage = _legacy("LongStorage", _core.int64)
IntStorage = _legacy("IntStorage", _core.int32)
ShortStorage = _legacy("ShortStorage", _core.int16)
CharStorage = _legacy("CharStorage", _core.int8)
ByteStorage = _legacy("ByteStorage", _core.uint8)
BoolStorage = _legacy("BoolStorage", _core.bool)
ComplexFloatStorage = _legacy("ComplexFloatStorage", _core.complex64)
ComplexDoubleStorage = _legacy("ComplexDoubleStorage", _core.complex128)
