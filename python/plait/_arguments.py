# SPDX-License-Identifier: MIT
"""Clear errors for functions that are written in Python."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from ._core import Tensor

__all__ = ["explains_arguments"]

_F = TypeVar("_F", bound=Callable[..., Any])


def explains_arguments(fn: _F) -> _F:
    """``fn``, whose failures on arguments that should be tensors and are not become one clear TypeError."""
    tensors = [p.name for p in inspect.signature(fn).parameters.values() if p.annotation in ("Tensor", "Tensor | None")]

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except Exception:
            try:
                given = inspect.signature(fn).bind(*args, **kwargs).arguments
            except TypeError as error:
                raise TypeError(f"{fn.__name__}: {error}") from None
            for name in tensors:
                value = given.get(name)
                if value is not None and not isinstance(value, Tensor):
                    raise TypeError(
                        f"{fn.__name__}: expected {name} to be a Tensor, got {type(value).__name__}"
                    ) from None
            raise

    return call  # type: ignore[return-value]
