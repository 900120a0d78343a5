# SPDX-License-Identifier: MIT
"""The part of ``Tensor`` that is written in Python; importing this module completes the type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import _core
from ._arguments import explains_arguments
from ._core import ArgumentError, ArgumentTypeError, Tensor, dtype
from ._hooks import RemovableHandle, watch
from ._layouts import strided
from ._products import cross
from ._runtime import moved
from ._storage import memory_methods
from ._storage import view_of_bytes as _view_of_bytes

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "ComplexDoubleTensor",
    "ComplexFloatTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "Tensor",
    "asarray",
    "finfo",
    "iinfo",
    "is_floating_point",
    "is_tensor",
    "numel",
]


_DType = dtype  # parameters have this name
_cast = _core._ops.cast


def _legacy_new(*args: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """``Tensor()``: empty; ``Tensor(2, 3)``: that shape, uninitialised; ``Tensor(data)``: the data as ``dtype``."""
    before = _core._turn_off_torch_function(2)  # a constructor is no call that could be taken over
    try:
        return _made_of(args, dtype)
    finally:
        _core._turn_off_torch_function(before)


def _made_of(args: tuple[Any, ...], dtype: dtype | None) -> Tensor:
    if dtype is None:
        dtype = _core.get_default_dtype()
    if not args:
        return _core.empty(0, dtype=dtype, device="cpu")
    if all(isinstance(a, int) for a in args):
        return _core.empty(*args, dtype=dtype, device="cpu")
    if len(args) != 1:
        raise ArgumentTypeError(f"Tensor: expected sizes or one sequence of data, got {len(args)} arguments")
    (data,) = args
    if isinstance(data, _core.Size):
        return _core.empty(data, dtype=dtype, device="cpu")
    if isinstance(data, Tensor):
        return data.detach().to(dtype)
    if isinstance(data, float):
        raise ArgumentTypeError(
            f"Tensor: expected sizes or one sequence of data, got {data}\nhint: plait.tensor({data})"
        )
    if hasattr(data, "untyped"):  # a storage, whose memory is shown
        return _core.empty(0, dtype=dtype, device=data.device).set_(data)
    return _core.tensor(data, dtype=dtype, device="cpu")


def _method(f: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``f`` a method of Tensor."""
    f.__qualname__ = f"Tensor.{f.__name__}"
    setattr(Tensor, f.__name__, f if f.__name__ in _NOT_TAKEN_OVER else _core._overridable(f))
    return f


def _property(f: Callable[[Tensor], Any]) -> None:
    setattr(Tensor, f.__name__, _core._overridable_property(f))


# What subclasses override as methods, or what is made of ops that they take over.
_NOT_TAKEN_OVER = {"__dir__", "__iter__", "__array__", "as_subclass"}


# ---- What a tensor looks like ---------------------------------------------------------------------------


@_method
def __repr__(self: Tensor, *, tensor_contents: str | None = None) -> str:
    from ._tensor_str import tensor_str

    return tensor_str(self)


@_method
def __format__(self: Tensor, spec: str) -> str:
    if self.dim() == 0 and not self.is_meta:
        return self.item().__format__(spec)
    if spec:
        raise TypeError(f"unsupported format string passed to Tensor.__format__ for shape {tuple(self.shape)}")
    return repr(self)


@_method
def __dir__(self: Tensor) -> list[str]:
    return sorted(set(object.__dir__(self)))


# ---- Iteration and membership ---------------------------------------------------------------------------


@_method
def __iter__(self: Tensor) -> Iterator[Tensor]:
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


@_method
def __reversed__(self: Tensor) -> Tensor:
    return self if self.dim() == 0 else self.flip(0)


@_method
def __contains__(self: Tensor, element: Any) -> bool:
    if isinstance(element, Tensor | int | float | complex):
        return bool((self == element).any())
    raise ArgumentTypeError(f"Tensor.__contains__ only supports Tensor or number, got {type(element).__name__}")


# ---- Conversion -----------------------------------------------------------------------------------------


class _TypedMeta(type):
    dtype: dtype

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Tensor) and x.dtype == cls.dtype

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        if device is not None:
            _core._check_device(cls.__name__, device)
        return _legacy_new(*args, dtype=cls.dtype)


def _typed(name: str, kind: dtype) -> type:
    """An old constructor: ``LongTensor(data)``, ``LongTensor(2, 3)``; ``isinstance`` asks for the dtype."""
    doc = f"""``{name}(data)`` or ``{name}(*sizes)``: a tensor of {kind}; the form of old programs.

    Args:
        args: sizes, or the data.
        device: "cpu".

    Example:
        >>> plait.{name}(2, 3).dtype
        {kind}
    """
    body = {"__doc__": doc, "__module__": "plait", "dtype": kind, "layout": strided, "is_cuda": False}
    return _TypedMeta(name, (), {**body, "is_sparse": False})


FloatTensor = _typed("FloatTensor", _core.float32)
DoubleTensor = _typed("DoubleTensor", _core.float64)
HalfTensor = _typed("HalfTensor", _core.float16)
BFloat16Tensor = _typed("BFloat16Tensor", _core.bfloat16)
ByteTensor = _typed("ByteTensor", _core.uint8)
CharTensor = _typed("CharTensor", _core.int8)
ShortTensor = _typed("ShortTensor", _core.int16)
IntTensor = _typed("IntTensor", _core.int32)
LongTensor = _typed("LongTensor", _core.int64)
UInt16Tensor = _typed("UInt16Tensor", _core.uint16)
UInt32Tensor = _typed("UInt32Tensor", _core.uint32)
UInt64Tensor = _typed("UInt64Tensor", _core.uint64)
BoolTensor = _typed("BoolTensor", _core.bool)
ComplexFloatTensor = _typed("ComplexFloatTensor", _core.complex64)
ComplexDoubleTensor = _typed("ComplexDoubleTensor", _core.complex128)
_TYPED = [t for t in globals().values() if isinstance(t, _TypedMeta)]


def _as_dtype(value: Any) -> dtype:
    if isinstance(value, dtype):
        return value
    given = value
    if isinstance(value, str):
        place, _, name = value.rpartition(".")
        value = globals().get(name) or getattr(_core, name, None) if place in ("", "torch", "plait") else None
    if isinstance(value, _TypedMeta):
        return value.dtype
    if isinstance(value, dtype):
        return value
    kinds: Any = {float: _core.get_default_dtype(), int: _core.int64, bool: _core.bool, complex: _core.complex128}
    kinds[Tensor] = kinds[float]
    if value not in kinds:
        raise ArgumentTypeError(f"expected a dtype, or the type of a tensor on the CPU by an old name, got {given!r}")
    return kinds[value]


@_method
def to(
    self: Tensor,
    *args: Any,
    dtype: dtype | None = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
    other: Tensor | None = None,
) -> Tensor:
    """``to(dtype)``, ``to(device)``, ``to(device, dtype)`` or ``to(other)``: self when nothing changes, else a copy.

    From the device "meta" there is no way back: NotImplementedError. Other devices than these raise ArgumentError.

    Args:
        memory_format: accepted and ignored.
        non_blocking: accepted and ignored.

    Example:
        >>> plait.ones(2).to(plait.int64)
        tensor([1, 1])
    """
    if args:
        if len(args) == 1 and args[0].__class__ is _DType:
            dtype = args[0]
        elif len(args) == 1 and args[0].__class__ is str:
            device = args[0]
        else:
            for position, value in enumerate(args):
                if value is None:
                    continue
                if value.__class__ is _DType or value in (float, int, bool, complex):
                    dtype = value
                elif isinstance(value, Tensor):
                    other = value
                elif isinstance(value, bool):
                    non_blocking, copy = (value, copy) if position < 3 and not non_blocking else (non_blocking, value)
                else:
                    device = value
    if other is not None:
        dtype, device = other.dtype, other.device
    elif dtype is not None and dtype.__class__ is not _DType:
        dtype = _as_dtype(dtype)
    here = self if device is None else moved(self, device)
    if dtype is not None and dtype is not self.dtype:
        return _cast(here, dtype)
    return here.clone() if copy else here


@_method
def type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The legacy type name, or the tensor converted to ``dtype`` (a dtype or a legacy name).

    Args:
        non_blocking: accepted and ignored.
    """
    if dtype is None:
        return (
            f"{Tensor.__module__}." + "meta." * self.is_meta + next(t.__name__ for t in _TYPED if t.dtype == self.dtype)
        )
    return self.to(_as_dtype(dtype))


@_method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor converted to the dtype of ``other``."""
    return self.to(other.dtype)


def _define_conversion(name: str, target: str) -> None:
    wanted = getattr(_core, target)

    def convert(self: Tensor, memory_format: Any = None) -> Tensor:
        return self if self.dtype is wanted else _cast(self, wanted)

    convert.__name__ = name
    convert.__doc__ = f"The tensor converted to plait.{target}; ``memory_format`` is accepted and ignored."
    _method(convert)


for _name, _target in {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "bfloat16": "bfloat16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "char": "int8",
    "byte": "uint8",
    "bool": "bool",
    "cfloat": "complex64",
    "cdouble": "complex128",
}.items():
    _define_conversion(_name, _target)


@_method
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself if it is on the CPU; from the device "meta" nothing can be copied: NotImplementedError.

    Args:
        memory_format: accepted and ignored.
    """
    return moved(self, "cpu") if self.is_meta else self


@_method
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Raise ArgumentError: there is no GPU.

    Args:
        device: accepted and ignored.
        memory_format: accepted and ignored.
        non_blocking: accepted and ignored.
    """
    return self.to("cuda")


@_method
def __array_namespace__(self: Tensor, *, api_version: str | None = None) -> Any:
    """The module with the functions of the array API standard, :mod:`plait.array_api`."""
    from . import array_api

    if api_version is not None and api_version not in ("2021.12", "2022.12", "2023.12", "2024.12"):
        raise ArgumentError(f"__array_namespace__: expected a version up to 2024.12, got {api_version!r}")
    return array_api


@_method
def to_device(self: Tensor, device: Any, /, *, stream: Any = None) -> Tensor:
    """The tensor on a device; itself where it is there.

    Args:
        device: the CPU or "meta".
        stream: None; there are no streams.

    Returns:
        The tensor itself.

    Raises:
        ValueError: for a stream or another device.

    Source: Python array API standard 2024.12, ``array.to_device``.

    Example:
        >>> import plait
        >>> plait.ones(2).to_device("cpu")
        tensor([1., 1.])
    """
    if stream is not None:
        raise ArgumentError(f"to_device: expected no stream on the CPU, got {stream!r}")
    return self.to(device)


@_method
def pin_memory(self: Tensor) -> Tensor:
    """The tensor itself."""
    return self


@_method
def is_pinned(self: Tensor) -> bool:
    """False."""
    return False


@_method
def get_device(self: Tensor) -> int:
    """-1, as PyTorch says for devices that are not numbered."""
    return -1


@_method
def element_size(self: Tensor) -> int:
    """Bytes of one element."""
    return self.itemsize


@_method
def is_signed(self: Tensor) -> bool:
    """Whether the dtype has negative values."""
    return self.dtype.is_signed


@_method
def is_inference(self: Tensor) -> bool:
    """Whether the tensor was made in inference mode, or is a view of one that was."""
    return self._is_inference


@_method
def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    array = self.numpy()
    if dtype is not None and array.dtype != dtype:
        if copy is False:
            raise ValueError(f"__array__: a {array.dtype} tensor cannot become {np.dtype(dtype)} without a copy")
        return array.astype(dtype)
    return array.copy() if copy else array


@_method
def __array_wrap__(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    # What a ufunc of NumPy makes of a tensor is a tensor, where there is such a dtype.
    try:
        return _core.from_numpy(np.asarray(array))
    except TypeError:
        return array


Tensor.__array_priority__ = 1000


@_method
def __reduce_ex__(self: Tensor, protocol: int) -> Any:
    if self.is_meta:
        from ._meta import reduce_meta

        return reduce_meta(self)
    array = self.detach().contiguous()
    name = self.dtype.name
    if name == "bfloat16":  # NumPy has no such dtype: its bits travel as int16
        array = array.view(_core.int16)
    state = (array.numpy(), name, self.requires_grad and self.is_leaf, self.__dict__ or None)
    return _rebuild, (self.__class__, *state)


def _rebuild(cls: Any, array: np.ndarray, name: str, requires_grad: bool, attributes: dict[str, Any] | None) -> Tensor:
    data = _core.tensor(array)
    if name == "bfloat16":
        data = data.view(_core.bfloat16)
    t = data if cls is Tensor else _core._make_subclass(cls, data)
    if requires_grad:
        t.requires_grad_()
    if attributes:
        t.__dict__.update(attributes)
    return t


def _copy_with_memory(t: Tensor, memo: dict[int, Any]) -> Tensor:
    """A copy of ``t`` in a copy of its memory, of which there is one for all views in a deepcopy."""
    if t.is_meta:
        return t.clone()
    memory = t._storage_bytes()
    if not memory.numel():
        return t.clone()
    # The address is no id of a Python object. The memory itself is kept, so that it names no other one.
    _, copied = memo.setdefault(memory.data_ptr(), (memory, memory.clone()))
    first = t.data_ptr() - memory.data_ptr()
    return _view_of_bytes(copied, t.dtype, t.shape, t.stride(), first)


@_method
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """A copy of the values; a result of recorded ops is copied without its graph."""
    if id(self) in memo:
        return memo[id(self)]
    with_grad = self.requires_grad and self.is_leaf
    data = _copy_with_memory(self.detach(), memo)
    copy = data if self.__class__ is Tensor else _core._make_subclass(self.__class__, data)
    memo[id(self)] = copy
    if with_grad:
        copy.requires_grad_()
    elif self.requires_grad and self.__class__ is not Tensor:
        copy.requires_grad_(self.requires_grad)
    if self.is_leaf and self.grad is not None:
        copy.grad = self.grad.__deepcopy__(memo)
    if self.__dict__:
        import copy as copy_module

        copy.__dict__.update(copy_module.deepcopy(self.__dict__, memo))
    return copy


# ---- Views with a name ----------------------------------------------------------------------------------


@_property
def T(self: Tensor) -> Tensor:
    """The dimensions in reverse order."""
    return self.permute(*range(self.dim() - 1, -1, -1)) if self.dim() else self.view_as(self)


@_property
def mT(self: Tensor) -> Tensor:
    """The last two dimensions exchanged."""
    if self.dim() < 2:
        raise ArgumentError(f"tensor.mT: expected at least 2 dimensions, got shape {tuple(self.shape)}")
    return self.transpose(-2, -1)


@_method
def lu(self: Tensor, pivot: bool = True, get_infos: bool = False) -> tuple[Tensor, ...]:
    """See :func:`plait.lu`."""
    from .linalg._lowrank import lu

    return lu(self, pivot, get_infos)


Tensor.cross = cross


@_method
def stft(
    self: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """See :func:`plait.stft`."""
    from ._spectral import stft

    return stft(
        self, n_fft, hop_length, win_length, window, center, pad_mode, normalized, onesided, return_complex,
        align_to_window,
    )  # fmt: skip


@_method
def istft(
    self: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """See :func:`plait.istft`."""
    from ._spectral import istft

    return istft(self, n_fft, hop_length, win_length, window, center, normalized, onesided, length, return_complex)


@_property
def H(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix."""
    if self.dim() not in (0, 2):
        raise ArgumentError(f"tensor.H: expected a matrix, got shape {tuple(self.shape)}")
    return self.T.conj()


@_property
def mH(self: Tensor) -> Tensor:
    """The last two dimensions exchanged, and the numbers conjugated."""
    return self.mT.conj()


def _set_part(part: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Any], None]:
    def write(self: Tensor, value: Any) -> None:
        part(self).copy_(value if isinstance(value, Tensor) else _core.tensor(value, dtype=self.dtype.to_real()))

    return write


Tensor.real = _core._overridable_property(_core.real, _set_part(_core.real))
Tensor.imag = _core._overridable_property(_core.imag, _set_part(_core.imag))
Tensor.layout = property(lambda self: strided, doc="Always ``strided``.")
Tensor.names = property(lambda self: (None,) * self.dim(), doc="None for each dimension.")


# ---- Autograd -------------------------------------------------------------------------------------------


@_method
def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call ``hook(gradient)`` whenever a gradient with respect to this tensor is known; it may return another.

    Returns a handle with ``remove()``. Raises RuntimeError when the tensor does not require grad.
    """
    return watch(self, hook, _core._register_hook, _core._remove_hook)


@_method
def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call ``hook(self)`` after backward() has added to the ``.grad`` of this leaf."""
    return watch(self, hook, _core._register_post_accumulate_hook, _core._remove_hook)


def _node_register_hook(self: Any, fn: Callable[..., Any]) -> RemovableHandle:
    """Call ``fn(grad_inputs, grad_outputs)`` after this step of backward; it may return other ``grad_inputs``."""
    return watch(self, fn, _core.Node._register_hook, _core.Node._remove_hook)


def _node_register_prehook(self: Any, fn: Callable[..., Any]) -> RemovableHandle:
    """Call ``fn(grad_outputs)`` before this step of backward; it may return other gradients."""
    return watch(self, fn, _core.Node._register_prehook, _core.Node._remove_hook)


_core.Node.register_hook = _node_register_hook
_core.Node.register_prehook = _node_register_prehook


# ---- Sparse tensors ----


@_method
def to_sparse(self: Tensor, sparse_dim: int | None = None, *, layout: Any = None) -> Tensor:
    """The elements that are not 0 as a sparse tensor in COO; see :func:`plait.sparse_coo_tensor`.

    Args:
        sparse_dim: how many dimensions the indices name; the others are in the values. Default: all.
        layout: ``plait.sparse_coo`` or ``plait.sparse_csr``. Default: COO.

    Example:
        >>> plait.tensor([[0.0, 2.0], [0.0, 0.0]]).to_sparse().values()
        tensor([2.])
    """
    from . import _sparse

    if _sparse.layout_of("to_sparse", layout) == "csr":
        return _sparse.to_csr(self)
    return _sparse.to_coo(self, sparse_dim)


@_method
def to_sparse_coo(self: Tensor) -> Tensor:
    """The tensor as a sparse one in COO."""
    return self.to_sparse()


@_method
def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """Matrices as sparse ones in CSR; see :func:`plait.sparse_csr_tensor`.

    Args:
        dense_dim: how many of the last dimensions are in the values. Default: none.
    """
    from . import _sparse

    return _sparse.to_csr(self, dense_dim)


@_method
def sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """The elements at the entries of a sparse tensor, as a sparse tensor.

    Args:
        mask: a sparse tensor of the same shape; its values do not count.

    Raises:
        TypeError: ``mask`` is dense.

    Example:
        >>> mask = plait.sparse_coo_tensor([[0], [1]], [1.0], (2, 2))
        >>> plait.tensor([[1.0, 2.0], [3.0, 4.0]]).sparse_mask(mask).values()
        tensor([2.])
    """
    raise ArgumentTypeError("sparse_mask: expected a sparse mask, got a dense tensor\nhint: mask.to_sparse()")


@_method
def to_dense(self: Tensor, dtype: dtype | None = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself: it is dense.

    Args:
        dtype: another dtype. Default: that of the tensor.
        masked_grad: accepted and ignored.
    """
    return self if dtype is None else self.to(dtype)


Tensor.is_sparse_csr = property(lambda self: False, doc="False: only sparse tensors in CSR are.")


# ---- Subclasses ----


@_method
def as_subclass(self: Tensor, cls: Any) -> Any:
    """The tensor as an object of a subclass of Tensor: the same memory, with its history.

    Args:
        cls: a subclass of Tensor.

    Example:
        >>> class Named(plait.Tensor):
        ...     pass
        >>> type(plait.ones(2).as_subclass(Named) + 1).__name__
        'Named'
    """
    return _core._as_subclass(self, cls)


def _make_wrapper_subclass(cls: Any, size: Any, *args: Any, **kwargs: Any) -> Any:
    """Raise NotImplementedError: such an object does nothing without ``__torch_dispatch__``."""
    raise NotImplementedError(
        f"_make_wrapper_subclass: {cls.__name__} would need __torch_dispatch__, which is not supported\n"
        "hint: define __torch_function__, which sees the calls of a program, and hold other tensors as attributes"
    )


Tensor._make_subclass = staticmethod(_core._make_subclass)
Tensor._make_wrapper_subclass = staticmethod(_make_wrapper_subclass)


# ---- Conveniences ---------------------------------------------------------------------------------------


@_method
def new_tensor(
    self: Tensor, data: Any, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A new tensor of ``data`` with this tensor's dtype unless another is given.

    Args:
        device: the CPU or "meta"; by default that of this tensor.
        requires_grad: whether it is a leaf with a gradient. Default: ``False``.
    """
    return _core.tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)


@_method
def new(self: Tensor, *args: Any) -> Tensor:
    """The legacy constructor with this tensor's dtype."""
    return _legacy_new(*args, dtype=self.dtype)


@_method
def apply_(self: Tensor, callable: Callable[[float], float]) -> Tensor:
    """Replace each element by ``callable(element)``, in place; slow."""
    array = self.detach().numpy()
    array[...] = np.vectorize(callable, otypes=[array.dtype])(array) if array.size else array
    return self


@_method
def map_(self: Tensor, tensor: Tensor, callable: Callable[[float, float], float]) -> Tensor:
    """Replace each element by ``callable(element, other)``, in place; slow.

    Args:
        tensor: of the same shape.
    """
    array = self.detach().numpy()
    array[...] = np.vectorize(callable, otypes=[array.dtype])(array, tensor.detach().numpy())
    return self


@_method
def dim_order(self: Tensor) -> tuple[int, ...]:
    """The dimensions from the one with the largest stride to the densest.

    Example:
        >>> plait.zeros(2, 3).t().dim_order()
        (1, 0)
    """
    return tuple(sorted(range(self.dim()), key=lambda d: (-self.stride(d), d)))


@_method
def renorm_(self: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """The in-place form of :func:`plait.renorm`: write the result into this tensor and return it."""
    return self.copy_(self.renorm(p, dim, maxnorm))


@_method
def arctan2_(self: Tensor, other: Tensor) -> Tensor:
    """The in-place form of arctan2: write the result into this tensor and return it."""
    return self.atan2_(other)


@_method
def is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether the shapes are equal.

    Args:
        other: another tensor.
    """
    return self.shape == other.shape


@_method
def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both show the same elements of the same memory.

    Args:
        tensor: another tensor.
    """
    same = self.data_ptr() == tensor.data_ptr() and self.shape == tensor.shape and self.stride() == tensor.stride()
    return same and (not self.is_meta or self._shares_storage(tensor))


for _f in memory_methods:
    _method(_f)


# ---- Functions on tensors and dtypes --------------------------------------------------------------------


def asarray(obj: Any, *, dtype: dtype | None = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """``obj`` as a tensor, without a copy where one shows the same memory.

    Args:
        obj: a tensor, a NumPy array, an object with DLPack or a buffer, or (nested) numbers.
        dtype: of the result. Default: that of ``obj``.
        device: the CPU or "meta".
        copy: ``True`` copies always, ``False`` never (ValueError where one is needed). Default: where needed.

    Returns:
        A tensor that shares memory with ``obj`` where it can.

    Raises:
        ValueError: ``copy`` is False and the data cannot be shared.

    Example:
        >>> import plait
        >>> x = plait.zeros(2)
        >>> plait.asarray(x) is x
        True
    """
    if copy:
        return _core.tensor(obj, dtype=dtype, device=device) if not isinstance(obj, Tensor) else obj.to(dtype).clone()
    result = _core.as_tensor(obj, dtype=dtype, device=device)
    if copy is False and not (result is obj or (isinstance(obj, np.ndarray) and np.shares_memory(obj, result.numpy()))):
        raise ArgumentError(f"asarray: expected memory to share, got a {type(obj).__name__} that must be copied")
    return result


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a Tensor.

    Example:
        >>> import plait
        >>> plait.is_tensor([1, 2])
        False
    """
    return isinstance(obj, Tensor)


@explains_arguments
def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a floating-point one.

    Args:
        input: a tensor.

    Example:
        >>> import plait
        >>> plait.is_floating_point(plait.ones(2))
        True
    """
    return input.is_floating_point()


@explains_arguments
def numel(input: Tensor) -> int:
    """Number of elements.

    Args:
        input: a tensor.

    Returns:
        The product of the sizes.

    Example:
        >>> import plait
        >>> plait.numel(plait.ones(2, 3))
        6
    """
    return input.numel()


class finfo:
    """Limits of a floating-point dtype: ``bits eps max min tiny smallest_normal resolution``.

    Args:
        type: a floating-point dtype. Default: the default dtype.

    Raises:
        TypeError: a dtype that is not floating point.

    Example:
        >>> plait.finfo(plait.float32).eps
        1.1920928955078125e-07
    """

    _made: dict[dtype, finfo] = {}
    _of: dtype
    dtype: str
    bits: int
    eps: float
    max: float
    min: float
    tiny: float
    smallest_normal: float
    resolution: float

    def __new__(cls, type: dtype | None = None) -> finfo:
        d = _core.get_default_dtype() if type is None else type
        made = cls._made.get(d)  # asked for at every masked attention
        if made is None:
            made = super().__new__(cls)
            made._set_limits(d)
            made._of = d
            cls._made[d] = made
        return made

    def __reduce__(self) -> Any:  # a copy is this object
        return self.__class__, (self._of,)

    def _set_limits(self, d: dtype) -> None:
        d = d.to_real()
        if not d.is_floating_point:
            raise ArgumentTypeError(f"finfo() requires a floating point input type, got {d}. Use iinfo to handle {d}")
        mantissa, exponent = {"float16": (10, 15), "bfloat16": (7, 127), "float32": (23, 127), "float64": (52, 1023)}[
            d.name
        ]
        self.dtype = d.name
        self.bits = 8 * d.itemsize
        self.eps = 2.0**-mantissa
        self.max = (2.0 - 2.0**-mantissa) * 2.0**exponent
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (1 - exponent)
        self.resolution = {"float16": 1e-3, "bfloat16": 1e-2, "float32": 1e-6, "float64": 1e-15}[d.name]

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer dtype: ``bits max min``.

    Args:
        type: an integer dtype.

    Raises:
        TypeError: a dtype that is not an integer one.

    Example:
        >>> import plait
        >>> plait.iinfo(plait.int8).max
        127
    """

    def __init__(self, type: dtype) -> None:
        if type.is_floating_point or type.is_complex or type.name == "bool":
            raise ArgumentTypeError(f"iinfo() requires an integer input type, got {type}. Use finfo to handle floats")
        self.dtype = type.name
        self.bits = 8 * type.itemsize
        self.max = 2 ** (self.bits - type.is_signed) - 1
        self.min = -(2 ** (self.bits - 1)) if type.is_signed else 0

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
