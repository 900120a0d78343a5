# SPDX-License-Identifier: MIT
"""What a name in a pickle may stand for: the closed table behind :class:`~plait._pickle_machine.Machine`.

Each function below builds what a call of the class or function of that name would give, from arguments that it checks
first; none calls anything that an argument names.
"""

from __future__ import annotations

import datetime
import math
import pathlib
import re
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import _core
from ._core import Size, Tensor
from ._layouts import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    preserve_format,
    sparse_coo,
    sparse_csr,
    strided,
)
from ._meta import make_meta
from ._pickle_machine import Foreign, Maker, Safe, check_key, set_attributes
from ._storage import view_of_bytes as _view_of_bytes
from .nn.parameter import Buffer, Parameter
from .serialization import _ARRAY_KINDS, FileFormatError, _check_bools, _is_size
from .storage import UntypedStorage

__all__ = ["FileStorage", "build_array", "build_numpy_dtype", "find"]

_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_PYTHON_2_NAMES = {
    "builtins.xrange": "builtins.range",
    "builtins.unicode": "builtins.str",
    "builtins.long": "builtins.int",
}
_FLOATS = ("float32", "float64", "float16", "bfloat16", "complex64", "complex128")
_INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64")
# The prefix of each class of storages that knows its dtype.
_STORAGES = {
    "Float": "float32",
    "Double": "float64",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
    "Char": "int8",
    "Byte": "uint8",
    "Short": "int16",
    "Int": "int32",
    "Long": "int64",
    "Bool": "bool",
    "Untyped": "uint8",
    "_Untyped": "uint8",
}
_HINTS = {  # by the beginning of a name
    "torch.nn.": "in PyTorch: torch.save(model.state_dict(), path) writes the tensors of a module alone",
    "torch._utils._rebuild_qtensor": "quantised tensors are not read: save x.dequantize()",
    "torch._utils._rebuild_nested_tensor": "nested tensors are not read: save a list of their parts, x.unbind()",
    "torch.Q": "quantised tensors are not read: save x.dequantize()",
    "torch.sparse_": "the layouts here are strided, COO and CSR: save x.to_sparse_csr()",
    "torch.float": "plait does not have this dtype: save x.to(torch.float32)",
    "torch.complex": "plait does not have this dtype: save x.to(torch.complex64)",
    "torch.uint": "plait does not have this dtype: save x.to(torch.int64)",
    "numpy.dtype": "save an array of numbers, strings or dates",
}


def _foreign(name: str) -> Foreign:
    """What a name of something unknown stands for, with what the user can do about it."""
    return Foreign(name[:200], next((hint for start, hint in _HINTS.items() if name.startswith(start)), ""))


class _Block:
    """The bytes of a storage, in the file's byte order until an element size is known."""

    def __init__(self, memory: Tensor, swap: bool) -> None:
        self.memory, self._swap, self._size = memory, swap, 0

    def order(self, dtype: Any) -> None:
        """Bring the elements, of this dtype, into the byte order of the machine."""
        size = dtype.itemsize // (2 if dtype.is_complex else 1)
        if not self._swap or self._size == size:
            return
        if self._size:
            raise FileFormatError("load: expected one element size per storage of swapped bytes, got two")
        self._size = size
        if size > 1 and self.memory.numel():
            whole = self.memory.numel() // size * size
            self.memory[:whole].numpy().view(f"u{size}").byteswap(inplace=True)


class FileStorage(UntypedStorage):
    """A storage of a file: memory that tensors share, and the dtype of the class it was written as."""

    def __init__(self, block: _Block, dtype: Any, typed: bool) -> None:
        self._t = block.memory
        self.block, self.dtype, self.meta = block, dtype, False
        if typed:
            block.order(dtype)
            if dtype == _core.bool:
                _check_bools("a storage", block.memory.numpy())


def storage_dtype(kind: Any) -> tuple[Any, bool] | Foreign:
    """The dtype of a class of storages, and whether it is one that knows its dtype."""
    if type(kind) is Maker and isinstance(kind.value, _core.dtype):
        return kind.value, "Untyped" not in kind.name
    if type(kind) is Foreign:
        return kind
    raise FileFormatError(f"load: expected a class of storages, got {type(kind).__name__}")


def _refuse_call(name: str) -> Any:
    def make(*args: Any) -> Any:
        raise FileFormatError(f"load: expected {name} as the kind of something, got a call of it")

    return make


# ---- tensors -----------------------------------------------------------------------------------------------


def tensor_of(storage: Any, offset: Any, size: Any, stride: Any, dtype: Any = None) -> Tensor:
    """The tensor of this geometry, in elements, on the memory of a storage."""
    if not isinstance(storage, FileStorage) or not (dtype is None or isinstance(dtype, _core.dtype)):
        raise FileFormatError(f"load: expected a storage and a dtype, got {type(storage).__name__}")
    dtype = storage.dtype if dtype is None else dtype
    lists = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride) <= 64
    if not lists or not all(map(_is_size, (offset, *size, *stride))) or math.prod(size) * dtype.itemsize >= 2**63:
        raise FileFormatError("load: expected sizes and strides of a tensor, got others, or too large ones")
    if storage.meta:
        return make_meta(dtype, size, stride)
    if 0 in size:
        return _core.empty(size, dtype=dtype)
    memory = storage.block.memory
    extent = sum((n - 1) * step for n, step in zip(size, stride)) + 1
    if (offset + extent) * dtype.itemsize > memory.numel():
        raise FileFormatError(
            f"load: expected a tensor within the {memory.numel()} bytes of its storage, got shape {size}, strides "
            f"{stride} and offset {offset} of {dtype}"[:500]
        )
    storage.block.order(dtype)
    first = offset * dtype.itemsize
    if dtype == _core.bool and storage.dtype != dtype:
        _check_bools("a tensor", memory[first : first + extent].numpy())
    return _view_of_bytes(memory, dtype, size, stride, first)


def _finish(t: Tensor, requires_grad: Any, metadata: Any = None) -> Tensor:
    if isinstance(metadata, dict):  # of views that PyTorch computes when they are read
        t = t.conj_physical() if metadata.get("conj") else t
        t = -t if metadata.get("neg") else t
    elif metadata is not None:
        raise FileFormatError(f"load: expected a dict about a tensor, got {type(metadata).__name__}")
    return t.requires_grad_() if requires_grad is True and (t.is_floating_point() or t.is_complex()) else t


def _tensor(storage: Any, offset: Any, size: Any, stride: Any) -> Tensor:
    return tensor_of(storage, offset, size, stride)


def _tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, metadata: Any = None
) -> Tensor:
    return _finish(tensor_of(storage, offset, size, stride), grad, metadata)


def _tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, metadata: Any = None
) -> Tensor:
    if not isinstance(dtype, _core.dtype):
        raise FileFormatError(f"load: expected a dtype of a tensor, got {type(dtype).__name__}")
    return _finish(tensor_of(storage, offset, size, stride, dtype), grad, metadata)


def _meta(dtype: Any, size: Any, stride: Any, requires_grad: Any) -> Tensor:
    """A tensor without data."""
    lists = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride) <= 64
    if not lists or not all(map(_is_size, (*size, *stride))) or not isinstance(dtype, _core.dtype):
        raise FileFormatError("load: expected the dtype, sizes and strides of a tensor without data, got others")
    return _finish(make_meta(dtype, size, stride), requires_grad)


def _need_tensor(data: Any) -> Tensor:
    if not isinstance(data, Tensor):
        raise FileFormatError(f"load: expected a tensor, got {type(data).__name__}")
    return data


def _parameter(data: Any, requires_grad: Any = True, hooks: Any = None) -> Parameter:
    return Parameter(_need_tensor(data), requires_grad=requires_grad is True)


def _buffer(data: Any, requires_grad: Any = False, persistent: Any = True) -> Buffer:
    return Buffer(_need_tensor(data), persistent=persistent is True)


def _set_plain_attributes(t: Any, state: Any) -> Any:
    """Attributes of a tensor: numbers, strings and small tuples, so that tensors cannot hang in long chains."""
    if type(state) is tuple and len(state) == 2 and not state[1]:
        state = state[0]
    if state:
        for value in state.values() if isinstance(state, dict) else ():
            for part in value if type(value) is list else [value]:
                if isinstance(part, Tensor):
                    raise FileFormatError("load: expected numbers and strings as attributes of tensors, got a tensor")
                check_key(part)
        set_attributes(t, state)
    return t


def _parameter_with_state(data: Any, requires_grad: Any, hooks: Any, state: Any) -> Parameter:
    return _set_plain_attributes(_parameter(data, requires_grad), state)


def _from_type(make: Any, kind: Any, args: Any, state: Any) -> Any:
    """A tensor of a subclass, or with attributes."""
    if type(kind) is Foreign:
        return Foreign(kind.name, kind.hint)
    if type(make) is not Maker or make.make not in _TENSORS or type(args) is not tuple:
        raise FileFormatError("load: expected a function that makes tensors, got another one")
    unknown = next((a for a in args if type(a) is Foreign), None)
    if unknown is not None:
        return unknown
    t = make.make(*args)
    cls = kind.value if type(kind) in (Maker, Safe) else None
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise FileFormatError("load: expected a class of tensors, got another one")
    if not isinstance(t, cls):
        t = t.as_subclass(cls)
    return _set_plain_attributes(t, state)


def _sparse(layout: Any, data: Any) -> Any:
    from ._sparse import sparse_coo_tensor, sparse_csr_tensor

    if type(layout) is Foreign:
        return layout
    unknown = next((part for part in data if type(part) is Foreign), None)
    if unknown is not None:
        return unknown
    if layout is sparse_coo:
        indices, values, size, *rest = data
        coalesced = {"is_coalesced": True} if rest and rest[0] is True else {}
        return sparse_coo_tensor(indices, values, size, check_invariants=True, **coalesced)
    if layout is sparse_csr:
        rows, columns, values, size = data
        return sparse_csr_tensor(rows, columns, values, size, check_invariants=True)
    raise FileFormatError(f"load: expected the layout of a sparse tensor, got {layout!r:.100}")


def _layout(name: Any) -> Any:
    known = {"torch.strided": strided, "torch.sparse_coo": sparse_coo, "torch.sparse_csr": sparse_csr}
    return known[name] if name in known else _foreign(f"{name:.50}")


def _from_numpy(data: Any, dtype: Any, device: Any, requires_grad: Any) -> Tensor:
    if not isinstance(data, np.ndarray) or not isinstance(dtype, _core.dtype):
        raise FileFormatError(f"load: expected an array and a dtype, got {type(data).__name__}")
    return _finish(_core.from_numpy(data.copy()).to(dtype), requires_grad)


def _from_cpu_tensor(data: Any, dtype: Any, device: Any, requires_grad: Any) -> Tensor:
    return _finish(_need_tensor(data).detach().to(dtype), requires_grad)


def _size(items: Any) -> Size:
    if type(items) not in (tuple, list) or not all(map(_is_size, items)):
        raise FileFormatError("load: expected sizes, got something else")
    return Size(items)


def _device(name: Any, index: Any = None) -> Any:
    if type(name) is not str or not (index is None or _is_size(index)):
        raise FileFormatError("load: expected the name of a device, got something else")
    return _core.device(name if index is None else f"{name}:{index}")


_TENSORS = (_tensor, _tensor_v2, _tensor_v3, _parameter, _parameter_with_state, _sparse, _from_numpy, _from_cpu_tensor)


# ---- NumPy -------------------------------------------------------------------------------------------------

_UNITS = {b"Y", b"M", b"W", b"D", b"h", b"m", b"s", b"ms", b"us", b"ns", b"ps", b"fs", b"as", b"generic"}


def _need_numpy_dtype(dtype: Any) -> np.dtype:
    if not isinstance(dtype, np.dtype) or dtype.kind not in _ARRAY_KINDS or dtype.itemsize == 0:
        name = dtype.name if type(dtype) is Foreign else "another dtype"
        raise FileFormatError(f"load: expected arrays of numbers, strings or dates, got {name}")
    return dtype


def _numpy_dtype(name: Any, align: Any = False, copy: Any = True) -> Any:
    if type(name) is not str or not re.fullmatch(r"[biufcSUmM][0-9]{1,9}", name):
        return _foreign(f"numpy.dtype({name!r:.50})")
    return np.dtype(name, False, True)  # a copy: its state is set later


def build_numpy_dtype(dtype: np.dtype, state: Any) -> None:
    """The byte order of a dtype and the unit of dates; what else a state holds follows from the name."""
    order = state[1] if type(state) is tuple and len(state) in (8, 9) else None
    if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
        raise FileFormatError("load: expected a dtype of numbers, strings or dates, got a structured one")
    sizes = (dtype.itemsize, dtype.alignment, 8) if dtype.kind in "SU" else (-1, -1, 0)
    if dtype.kind not in "mM":
        dtype.__setstate__((3, order, None, None, None, *sizes))  # type: ignore[attr-defined]
        return
    unit, *counts = state[8][1]
    if unit not in _UNITS or len(counts) != 3 or not all(type(n) is int and 0 < n < 2**31 for n in counts):
        raise FileFormatError("load: expected the unit of dates, got something else")
    dtype.__setstate__((4, order, None, None, None, *sizes, (None, (unit, *counts))))  # type: ignore[attr-defined]


def _numpy_scalar(dtype: Any, data: Any) -> Any:
    data = data.encode("latin1") if type(data) is str else data
    dtype = _need_numpy_dtype(dtype)
    if type(data) is not bytes or len(data) != dtype.itemsize:
        raise FileFormatError("load: expected the bytes of one number, got others")
    array = np.frombuffer(data, dtype)
    if dtype.kind == "b":
        _check_bools("a number", array.view(np.uint8))
    return array[0]


def _new_array(kind: Any, shape: Any, code: Any) -> np.ndarray:
    if type(kind) is not Maker or kind.value is not np.ndarray:
        raise FileFormatError("load: expected numpy.ndarray, got another class")
    return np.empty(0)


def build_array(array: np.ndarray, state: Any) -> None:
    """Dtype, shape and bytes of an array."""
    if type(state) is not tuple or len(state) != 5 or type(state[1]) is not tuple:
        raise FileFormatError("load: expected the state of an array, got something else")
    version, shape, dtype, by_columns, data = state
    if type(data) is str:
        data = data.encode("latin1")
    dtype = _need_numpy_dtype(dtype)
    if version != 1 or type(data) is not bytes or not all(map(_is_size, shape)) or type(by_columns) is not bool:
        raise FileFormatError("load: expected the state of an array, got something else")
    if math.prod(shape) * dtype.itemsize != len(data) or max(shape, default=0) > 2**48 or len(shape) > 32:
        raise FileFormatError(f"load: expected the bytes of an array of shape {shape}, got {len(data)}"[:300])
    array.__setstate__((1, shape, dtype, by_columns, data))  # type: ignore[arg-type]
    if dtype.kind == "b":
        _check_bools("an array", np.frombuffer(data, np.uint8))


def _array_of_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    array = np.empty(0)
    build_array(array, (1, shape, dtype, order == "F", bytes(data) if type(data) is bytearray else data))
    return array


# ---- plain data --------------------------------------------------------------------------------------------


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    if type(text) is not str or encoding not in ("latin1", "latin-1", "utf-8", "utf8", "ascii"):
        raise FileFormatError("load: expected text to encode as bytes, got something else")
    return text.encode(encoding)


def _bytes(*args: Any) -> bytes:
    return _encode(*args) if args and type(args[0]) is str else bytes(_checked(args, (bytes,), 1))


def _bytearray(*args: Any) -> bytearray:
    return bytearray(_encode(*args)) if args and type(args[0]) is str else bytearray(_checked(args, (bytes,), 1))


def _checked(args: tuple[Any, ...], kinds: tuple[type, ...], most: int) -> Any:
    """The only argument, of one of these types; the empty tuple if there is none and none is needed."""
    if len(args) > most or not all(type(a) in kinds for a in args):
        raise FileFormatError(f"load: expected {' or '.join(k.__name__ for k in kinds)}, got something else")
    return args[0] if args else ()


def _of_items(cls: Any) -> Any:
    def make(*args: Any) -> Any:
        items = _checked(args, (list, tuple), 1)
        for item in items:
            check_key(item)
        return cls(items)

    return make


def _mapping(cls: Any) -> Any:
    def make(*args: Any) -> Any:
        items = _checked(args, (dict, list, tuple), 1)
        pairs = [(k, v) for k, v in (items.items() if type(items) is dict else items)]
        for key, _ in pairs:
            check_key(key)
        return cls(dict(pairs)) if cls is Counter else cls(pairs)

    return make


_FACTORIES = (list, dict, set, tuple, int, float, str, bool, OrderedDict, Counter, Tensor)


def _defaultdict(factory: Any = None, *args: Any) -> Any:
    if type(factory) is Maker and factory.value in _FACTORIES:
        return defaultdict(factory.value, _mapping(dict)(*args))
    if factory is None:
        return defaultdict(None, _mapping(dict)(*args))
    raise FileFormatError("load: expected a container or a number as what a defaultdict begins with, got another class")


def _plain(cls: Any, *kinds: type) -> Any:
    """A constructor of numbers, strings or dates that checks the types of all arguments."""

    def make(*args: Any) -> Any:
        if not all(a is None or type(a) in kinds for a in args):
            raise FileFormatError(f"load: expected plain arguments of {cls.__name__}, got others")
        return cls(*args)

    return make


def _time(cls: Any) -> Any:
    kinds = (int, bytes, str, datetime.timedelta, datetime.timezone)
    return _plain(cls, *kinds)


def _empty(cls: Any) -> Any:
    def make(*args: Any) -> Any:
        if args:
            raise FileFormatError(f"load: expected {cls.__name__} without arguments, got some")
        return cls()

    return make


def _reconstruct(kind: Any, base: Any = None, state: Any = None) -> Any:
    """An object by the protocols before 2; one of a safe class is made by the machine."""
    if type(kind) is Maker and kind.value in (Namespace, SimpleNamespace) and state is None:
        return kind.value()
    raise FileFormatError("load: expected an object of a class without a base of Python's, got another one")


# ---- the table ---------------------------------------------------------------------------------------------


def _table() -> dict[str, Any]:
    """Everything that may be named."""
    table: dict[str, Any] = {}

    def add(names: str, make: Any, value: Any = None) -> None:
        for name in names.split():
            table[name] = Maker(name, make, value)

    utils = "torch._utils._rebuild_"
    add(utils + "tensor", _tensor)
    add(utils + "tensor_v2", _tensor_v2)
    add(utils + "tensor_v3", _tensor_v3)
    add(utils + "meta_tensor_no_storage", _meta)
    add(utils + "parameter", _parameter)
    add(utils + "parameter_with_state", _parameter_with_state)
    add(utils + "sparse_tensor", _sparse)
    add(f"{utils}device_tensor_from_numpy {utils}xla_tensor", _from_numpy)
    add(utils + "device_tensor_from_cpu_tensor", _from_cpu_tensor)
    add("torch._tensor._rebuild_from_type_v2 torch.tensor._rebuild_from_type_v2", _from_type)
    add("torch._tensor._rebuild_from_type torch.tensor._rebuild_from_type", _from_type)
    add("torch.nn.parameter.Parameter torch.nn.Parameter", _parameter, Parameter)
    add("torch.nn.parameter.Buffer", _buffer, Buffer)
    for name in ("torch.Tensor", "torch._tensor.Tensor", "torch.tensor.Tensor"):
        add(name, _refuse_call(name), Tensor)
    add("torch.serialization._get_layout", _layout)
    add("torch.Size", _size, Size)
    add("torch.device", _device)
    for name in (*_FLOATS, *_INTEGERS):
        if (dtype := getattr(_core, name, None)) is not None:
            table[f"torch.{name}"] = dtype
    for value in (contiguous_format, preserve_format, channels_last, channels_last_3d):
        table[f"torch.{str.__str__(value)}"] = value
    for module in ("torch", "torch.cuda", "torch.storage"):
        for prefix, dtype in _STORAGES.items():
            name = f"{module}.{prefix}Storage"
            add(name, _refuse_call(name), getattr(_core, dtype))

    for module in ("numpy.core", "numpy._core"):
        add(f"{module}.multiarray._reconstruct", _new_array)
        add(f"{module}.multiarray.scalar", _numpy_scalar)
        add(f"{module}.numeric._frombuffer", _array_of_buffer)
    add("numpy.ndarray", _refuse_call("numpy.ndarray"), np.ndarray)
    add("numpy.dtype", _numpy_dtype)

    add("_codecs.encode", _encode)
    add("builtins.bytes", _bytes)
    add("builtins.bytearray", _bytearray)
    add("builtins.set", _of_items(set), set)
    add("builtins.frozenset", _of_items(frozenset), frozenset)
    add("builtins.complex", _plain(complex, float, int))
    add("builtins.slice", _plain(slice, int))
    add("builtins.range", _plain(range, int))
    for kind in (list, dict, tuple, int, float, str, bool, object):
        add(f"builtins.{kind.__name__}", _refuse_call(kind.__name__), kind)
    add("collections.OrderedDict", _mapping(OrderedDict), OrderedDict)
    add("plait.nn.modules._state_dict.StateDict torch.nn.modules._state_dict.StateDict", _mapping(OrderedDict))
    add("collections.Counter", _mapping(Counter), Counter)
    add("collections.defaultdict", _defaultdict)
    add("argparse.Namespace", _empty(Namespace), Namespace)
    add("types.SimpleNamespace", _empty(SimpleNamespace), SimpleNamespace)
    add("copyreg._reconstructor", _reconstruct)
    for name in ("datetime", "date", "time", "timedelta", "timezone"):
        add(f"datetime.{name}", _time(getattr(datetime, name)))
    for module in ("pathlib", "pathlib._local"):
        add(f"{module}.Path {module}.PosixPath {module}.PurePosixPath", _plain(pathlib.Path, str))
        add(f"{module}.WindowsPath {module}.PureWindowsPath", _plain(pathlib.PureWindowsPath, str))
    return table


_TABLE = _table()


def find(module: str, name: str, safe: dict[str, Any]) -> Any:
    """What a name stands for: an entry of the table, one that the program calls safe, or something foreign."""
    full = f"{_PYTHON_2.get(module, module)}.{name}"
    full = _PYTHON_2_NAMES.get(full, full)
    if full in _TABLE:
        return _TABLE[full]
    if full in safe:
        return Safe(full, safe[full])
    return _foreign(full)
