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

__all__ = ["explains_arguments"]

_F = TypeVar("_F", bound=Callable[..., Any])


def explains_arguments(fn: _F) -> _F:
    """``fn`` as a function of tensors.

    Failures on arguments that should be tensors and are not become one clear TypeError. Arguments whose class has
    ``__torch_function__`` take over the call.
    """
    signature = inspect.signature(fn)
    tensors = [p.name for p in signature.parameters.values() if p.annotation in ("Tensor", "Tensor | None")]

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _core._takes_over(args, kwargs):
            return _core._call_taken_over(call, args, kwargs)
        try:
            return fn(*args, **kwargs)
        except Exception:
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError as error:
                raise ArgumentTypeError(f"{fn.__name__}: {error}") from None
            for name in tensors:
                value = given.get(name)
                if value is not None and not isinstance(value, Tensor):
                    raise ArgumentTypeError(
                        f"{fn.__name__}: expected {name} to be a Tensor, got {type(value).__name__}"
                    ) from None
            raise

    return call  # type: ignore[return-value]
