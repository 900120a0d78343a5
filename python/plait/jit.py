# SPDX-License-Identifier: MIT
"""``jit.script`` and ``jit.trace`` as identities: as with ``compile``, nothing is compiled.

What they return is the function or module that they were given, without the methods of PyTorch's ScriptModule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["export", "ignore", "is_scripting", "is_tracing", "script", "trace", "unused"]

T = TypeVar("T")

_ABSENT = {
    "save": "plait.save(module.state_dict(), path) writes the parameters",
    "load": "plait.load(path) reads parameters; module.load_state_dict() puts them into a module made by your program",
    "freeze": "module.eval() and no_grad() are all there is to do",
    "optimize_for_inference": "module.eval() and inference_mode() are all there is to do",
}


def __getattr__(name: str) -> Any:
    if name in _ABSENT:
        raise AttributeError(
            f"plait.jit has no '{name}': script and trace compile nothing, files hold no code\nhint: {_ABSENT[name]}"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def script(obj: T, *args: Any, **kwargs: Any) -> T:
    """Return the function or module unchanged."""
    return obj


def trace(func: T, example_inputs: Any = None, *args: Any, **kwargs: Any) -> T:
    """Return the function or module unchanged; data-dependent control flow stays as it is."""
    return func


def export(fn: T) -> T:
    """Return the method unchanged."""
    return fn


def unused(fn: T) -> T:
    """Return the method unchanged."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """A decorator, with or without arguments, that changes nothing."""
    decorated: Callable[[T], T] = lambda fn: fn  # noqa: E731
    return drop if callable(drop) else decorated


def is_scripting() -> bool:
    """False."""
    return False


def is_tracing() -> bool:
    """False."""
    return False
