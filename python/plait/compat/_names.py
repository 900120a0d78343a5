# SPDX-License-Identifier: MIT
"""Names of ``torch`` itself that packages ask for and that say nothing beyond a CPU's truth."""

from __future__ import annotations

from typing import Any

from .._core import _ops
from .._tensor import finfo as _finfo
from . import _foreach
from ._foreach import *  # noqa: F403

__all__ = [
    *_foreach.__all__,
    "DeviceObjType",
    "Event",
    "PyTorchFileReader",
    "PyTorchFileWriter",
    "Stream",
    "SymBool",
    "SymFloat",
    "SymInt",
    "TensorType",
    "_assert_async",
    "_check",
    "_check_index",
    "_check_is_size",
    "_check_not_implemented",
    "_check_type",
    "_check_value",
    "_dirichlet_grad",
    "_sample_dirichlet",
    "_standard_gamma",
    "_standard_gamma_grad",
    "finfo",
    "chalf",
    "complex32",
    "float4_e2m1fn_x2",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "qint8",
    "qint32",
    "quint4x2",
    "quint8",
]


# What distributions draw with; packages draw with it too.
_dirichlet_grad, _sample_dirichlet = _ops._dirichlet_grad, _ops._sample_dirichlet
_standard_gamma, _standard_gamma_grad = _ops._standard_gamma, _ops._standard_gamma_grad


class _ForeignDtype:
    """A dtype that can be named, compared and looked up in a table; no tensor has it."""

    is_complex = False
    is_signed = True

    def __init__(self, name: str, itemsize: int, is_floating_point: bool) -> None:
        self.name = name
        self.itemsize = itemsize
        self.is_floating_point = is_floating_point

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


_ForeignDtype.__module__ = "torch"
float8_e4m3fn = _ForeignDtype("float8_e4m3fn", 1, True)
float8_e4m3fnuz = _ForeignDtype("float8_e4m3fnuz", 1, True)
float8_e5m2 = _ForeignDtype("float8_e5m2", 1, True)
float8_e5m2fnuz = _ForeignDtype("float8_e5m2fnuz", 1, True)
float8_e8m0fnu = _ForeignDtype("float8_e8m0fnu", 1, True)
float4_e2m1fn_x2 = _ForeignDtype("float4_e2m1fn_x2", 1, True)
complex32 = chalf = _ForeignDtype("complex32", 4, False)
qint8 = _ForeignDtype("qint8", 1, False)
quint8 = _ForeignDtype("quint8", 1, False)
quint4x2 = _ForeignDtype("quint4x2", 1, False)
qint32 = _ForeignDtype("qint32", 4, False)


class _Symbolic:
    """A size that is not known yet. Sizes are numbers here: there is no object of these classes."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{cls.__name__}: plait has no symbolic sizes; sizes are Python's numbers")


class SymInt(_Symbolic):
    """See :class:`_Symbolic`."""


class SymFloat(_Symbolic):
    """See :class:`_Symbolic`."""


class SymBool(_Symbolic):
    """See :class:`_Symbolic`."""


class TensorType:
    """What compiled programs call the type of a tensor. There is no object of this class."""


class DeviceObjType:
    """What compiled programs call the type of a device. There is no object of this class."""


class finfo(_finfo):
    """``plait.finfo``, which also tells the limits of dtypes that no tensor has."""

    _made: dict[Any, Any] = {}
    # By name: mantissa bits, largest and smallest normal number.
    _LIMITS = {
        "float8_e4m3fn": (3, 448.0, 2.0**-6),
        "float8_e4m3fnuz": (3, 240.0, 2.0**-7),
        "float8_e5m2": (2, 57344.0, 2.0**-14),
        "float8_e5m2fnuz": (2, 57344.0, 2.0**-15),
    }

    def _set_limits(self, d: Any) -> None:
        limits = self._LIMITS.get(d.name) if isinstance(d, _ForeignDtype) else None
        if limits is None:
            super()._set_limits(d)
            return
        mantissa, self.max, self.tiny = limits
        self.dtype, self.bits, self.min = d.name, 8 * d.itemsize, -self.max
        self.smallest_normal, self.resolution = self.tiny, 1.0
        self.eps = 2.0**-mantissa


class _OfDevice:
    def __init__(self, *args: Any, **options: Any) -> None:
        raise RuntimeError(
            f"{type(self).__name__}: expected a device beside the CPU, got none\n"
            "hint: ask torch.accelerator.is_available() first"
        )


class Stream(_OfDevice):
    """A queue of work of a device."""


class Event(_OfDevice):
    """A mark in such a queue."""


class _FileOfPyTorch:
    def __init__(self, *args: Any) -> None:
        raise NotImplementedError(
            f"{type(self).__name__}: files are read by torch.load and written by torch.save alone"
        )


class PyTorchFileReader(_FileOfPyTorch):
    """There is no object of this class."""


class PyTorchFileWriter(_FileOfPyTorch):
    """There is no object of this class."""


def _check_with(error: type[Exception], condition: Any, message: Any = None) -> None:
    if not condition:
        text = message() if callable(message) else message
        raise error("expected a condition that holds" if text is None else str(text))


def _check(cond: Any, message: Any = None) -> None:
    _check_with(RuntimeError, cond, message)


def _check_index(cond: Any, message: Any = None) -> None:
    _check_with(IndexError, cond, message)


def _check_value(cond: Any, message: Any = None) -> None:
    _check_with(ValueError, cond, message)


def _check_type(cond: Any, message: Any = None) -> None:
    _check_with(TypeError, cond, message)


def _check_not_implemented(cond: Any, message: Any = None) -> None:
    _check_with(NotImplementedError, cond, message)


def _check_is_size(i: Any, message: Any = None, *, max: Any = None) -> None:
    _check(i >= 0 and (max is None or i <= max), message)


def _assert_async(condition: Any, message: str = "expected a condition that holds") -> None:
    from .._functions import _assert

    _assert(condition, message)
