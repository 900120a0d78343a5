# SPDX-License-Identifier: MIT
"""Kinds of dtypes and conversions between them."""

from __future__ import annotations

from typing import Any

from .._core import ArgumentTypeError, Tensor, dtype
from ._package import plait

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]

_NAMES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "complex64", "complex128",
)  # fmt: skip
DTYPES: dict[str, dtype] = {name: getattr(plait, name) for name in _NAMES if hasattr(plait, name)}


def kind(d: dtype) -> str:
    """The standard's kind of a dtype."""
    if d == plait.bool:
        return "bool"
    if d.is_floating_point:
        return "real floating"
    if d.is_complex:
        return "complex floating"
    return "signed integer" if d.is_signed else "unsigned integer"


_KINDS = {
    "bool": ("bool",),
    "signed integer": ("signed integer",),
    "unsigned integer": ("unsigned integer",),
    "integral": ("signed integer", "unsigned integer"),
    "real floating": ("real floating",),
    "complex floating": ("complex floating",),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
}


def isdtype(dtype: dtype, kind: Any) -> bool:
    """Whether a dtype is of a kind, or of one of several.

    Args:
        dtype: a dtype.
        kind: a dtype, one of ``"bool"``, ``"signed integer"``, ``"unsigned integer"``, ``"integral"``,
            ``"real floating"``, ``"complex floating"``, ``"numeric"``, or a tuple of these.

    Returns:
        A bool.

    Raises:
        TypeError: a kind that is none of these.

    Example:
        >>> import plait
        >>> plait.array_api.isdtype(plait.float32, ("integral", "real floating"))
        True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise ArgumentTypeError(f"isdtype: expected a kind of {tuple(_KINDS)}, got {kind!r}")
        return _kind_of(dtype) in _KINDS[kind]
    if isinstance(kind, plait.dtype):
        return dtype == kind
    raise ArgumentTypeError(f"isdtype: expected a dtype, a kind or a tuple of them, got {kind!r}")


_kind_of = kind


def astype(x: Tensor, dtype: dtype, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """``x`` converted to a dtype.

    Args:
        x: any tensor.
        dtype: of the result.
        copy: whether the result is new memory even where nothing changes. Default: ``True``.
        device: the CPU.

    Returns:
        A tensor of x's shape.

    Raises:
        TypeError: a complex tensor as a real dtype.

    Example:
        >>> import plait
        >>> plait.array_api.astype(plait.ones(2), plait.int32)
        tensor([1, 1], dtype=plait.int32)
    """
    if x.is_complex() and not dtype.is_complex:
        raise ArgumentTypeError(f"astype: a complex tensor cannot become {dtype}\nhint: take real() or abs()")
    return x.to(dtype, copy=copy)


def can_cast(from_: Any, to: dtype, /) -> bool:
    """Whether one dtype promotes to another.

    Args:
        from_: a dtype or a tensor.
        to: a dtype.

    Returns:
        A bool.

    Example:
        >>> import plait
        >>> plait.array_api.can_cast(plait.int32, plait.int64), plait.array_api.can_cast(plait.float64, plait.int64)
        (True, False)
    """
    start = from_.dtype if isinstance(from_, Tensor) else from_
    # Integers do not promote to floats in the standard, nor anything to bool.
    if start == to:
        return True
    order = {"bool": 0, "unsigned integer": 1, "signed integer": 1, "real floating": 2, "complex floating": 2}
    if order[kind(start)] != order[kind(to)]:
        return False
    return plait.promote_types(start, to) == to


def result_type(*arrays_and_dtypes: Any) -> dtype:
    """The dtype that tensors, dtypes and numbers promote to.

    Args:
        arrays_and_dtypes: tensors, dtypes and Python numbers, at least one that is no number.

    Returns:
        A dtype.

    Raises:
        TypeError: nothing but numbers.

    Example:
        >>> import plait
        >>> plait.array_api.result_type(plait.ones(1, dtype=plait.int8), plait.int16)
        plait.int16
    """
    given = [a.dtype if isinstance(a, Tensor) else a for a in arrays_and_dtypes]
    dtypes = [d for d in given if isinstance(d, dtype)]
    if not dtypes:
        raise ArgumentTypeError("result_type: expected at least one tensor or dtype")
    result = dtypes[0]
    for d in dtypes[1:]:
        result = plait.promote_types(result, d)
    for number in given:
        if not isinstance(number, dtype):
            result = plait.result_type(plait.empty(1, dtype=result), number)
    return result


class finfo:
    """Limits of a floating-point dtype as Python numbers: ``bits eps max min smallest_normal dtype``.

    Of a complex dtype those of its parts.

    Args:
        type: a dtype or a tensor.

    Example:
        >>> import plait
        >>> plait.array_api.finfo(plait.float32).bits
        32
    """

    def __init__(self, type: Any, /) -> None:
        d = type.dtype if isinstance(type, Tensor) else type
        if d.is_complex:
            d = plait.float32 if d.itemsize == 8 else plait.float64
        limits = plait.finfo(d)
        self.dtype = d
        self.bits = limits.bits
        self.eps, self.max, self.min, self.smallest_normal = (
            limits.eps, limits.max, limits.min, limits.smallest_normal,
        )  # fmt: skip


class iinfo:
    """Limits of an integer dtype: ``bits max min dtype``.

    Args:
        type: a dtype or a tensor.

    Example:
        >>> import plait
        >>> plait.array_api.iinfo(plait.int8).max
        127
    """

    def __init__(self, type: Any, /) -> None:
        d = type.dtype if isinstance(type, Tensor) else type
        limits = plait.iinfo(d)
        self.dtype, self.bits, self.max, self.min = d, limits.bits, limits.max, limits.min
