# SPDX-License-Identifier: MIT
"""Clear errors for functions that are written in Python.

Which class an error has, in Python as in the core:

- An argument, or a file or object it names, that does not fit: ``ArgumentError`` for a value or a shape,
  ``ArgumentTypeError`` for a type or a dtype, ``ArgumentIndexError`` for an index. They are a ValueError, TypeError and
  IndexError, and all of them a RuntimeError, so programs may catch what Python or PyTorch raises.
- A call at the wrong time, or a hook, a closure or a worker that did the wrong thing: ``RuntimeError``.
- What a protocol of Python asks for has the class that Python looks for: ``AttributeError``, ``KeyError``,
  ``StopIteration``, TypeError of ``iter()`` and ``format()``; a method that a subclass must write: NotImplementedError.

The text is ``name: expected ..., got ...``; a second line ``hint: ...`` says what to do. Nothing has changed by then.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from . import _core
from ._core import ArgumentTypeError, Tensor

__all__ = ["explains_arguments", "takes_out"]

_F = TypeVar("_F", bound=Callable[..., Any])

_NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}  # which ops of the core take too


def explains_arguments(fn: _F) -> _F:
    """``fn`` as a function of tensors.

    Failures on arguments that should be tensors and are not become one clear TypeError. Arguments whose class has
    ``__torch_function__`` take over the call. NumPy's names of parameters are known.
    """
    signature = inspect.signature(fn)
    needed = {p.name: p.annotation == "Tensor" and p.default is p.empty for p in signature.parameters.values()}
    tensors = (*needed.values(), False).index(False)  # so many of the first parameters
    names = frozenset(name for name, is_needed in needed.items() if is_needed)

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        if fate := _core._fate_of_call(args, kwargs, tensors, names):
            if fate == 1:
                return _core._call_taken_over(call, args, kwargs)
            _explain(fn.__name__, signature, args, kwargs)
        try:
            return fn(*args, **kwargs)
        except Exception:
            known = signature.parameters
            ours = {k: _NUMPY_NAMES[k] for k in kwargs if k in _NUMPY_NAMES and k not in known}
            if ours and known.keys() >= set(ours.values()) and not kwargs.keys() & set(ours.values()):
                return call(*args, **{ours.get(k, k): v for k, v in kwargs.items()})
            _explain(fn.__name__, signature, args, kwargs)
            raise

    return call  # type: ignore[return-value]


def takes_out(fn: _F) -> _F:
    """``fn``, whose result is one tensor, with ``out=`` as ops of the core have it."""
    signature = inspect.signature(fn)
    out = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="Tensor | None")

    @functools.wraps(fn)
    def call(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Any:
        result = fn(*args, **kwargs)
        if out is None:
            return result
        try:
            return _core.view_copy(result, result.shape, out=out)
        except RuntimeError as error:
            raise type(error)(str(error).replace("view_copy", fn.__name__, 1)) from None

    call.__signature__ = signature.replace(parameters=[*signature.parameters.values(), out])  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def _explain(name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise for arguments that do not fit the signature, or that are no tensors where it has ``Tensor``."""
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise ArgumentTypeError(f"{name}: {error}") from None
    for parameter, value in given.items():
        kind = signature.parameters[parameter].annotation
        if kind not in _TENSOR_KINDS or isinstance(value, Tensor) or (value is None and kind != "Tensor"):
            continue
        raise ArgumentTypeError(f"{name}: expected {parameter} to be a Tensor, got {_kind_name(value)}") from None


_TENSOR_KINDS = ("Tensor", "Tensor | None")


def _kind_name(value: Any) -> str:
    return "None" if value is None else type(value).__name__
