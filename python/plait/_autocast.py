# SPDX-License-Identifier: MIT
"""What functions that are written in Python do within autocast; ops see to themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from . import _core
from ._core import Tensor

__all__ = ["cast_tensor", "float32_in_autocast"]

_F = TypeVar("_F", bound=Callable[..., Any])


def cast_tensor(value: Any, dtype: Any) -> Any:
    """A floating-point tensor other than of float64 in ``dtype``; anything else as it is."""
    if isinstance(value, Tensor) and value.is_floating_point() and value.dtype != _core.float64:
        return value.to(dtype)
    return value


def float32_in_autocast(function: _F) -> _F:
    """``function``, which needs the range of float32: within autocast it gets its tensors so, and runs without it."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not _core._autocast_enabled():
            return function(*args, **kwargs)
        _core._set_autocast_enabled(False)
        try:
            args = tuple(cast_tensor(a, _core.float32) for a in args)
            return function(*args, **{k: cast_tensor(v, _core.float32) for k, v in kwargs.items()})
        finally:
            _core._set_autocast_enabled(True)

    return wrapper  # type: ignore[return-value]
