# SPDX-License-Identifier: MIT
"""``__torch_function__``: classes and modes that take over calls.

A class with ``__torch_function__(cls, func, types, args=(), kwargs=None)`` is asked whenever one of its objects is
given to a function of tensors. For a subclass of Tensor the default runs ``func`` and returns its tensors as objects of
the subclass.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from . import _core
from ._core import Tensor

__all__ = [
    "BaseTorchFunctionMode",
    "TorchFunctionMode",
    "enable_reentrant_dispatch",
    "get_default_nowrap_functions",
    "get_overridable_functions",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]


def is_tensor_like(inp: Any) -> bool:
    """Whether ``inp`` is a Tensor or of a class with ``__torch_function__``.

    Args:
        inp: anything.

    Example:
        >>> plait.overrides.is_tensor_like(plait.ones(2)), plait.overrides.is_tensor_like([1.0])
        (True, False)
    """
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether an object in ``relevant_args``, or a mode, takes over a call now.

    Args:
        relevant_args: the arguments that may be tensors.

    Example:
        >>> plait.overrides.has_torch_function((plait.ones(2), 3))
        False
    """
    return _core._has_torch_function(*relevant_args)


def has_torch_function_unary(tensor: Any) -> bool:
    """:func:`has_torch_function` of one argument."""
    return _core._has_torch_function(tensor)


def has_torch_function_variadic(*args: Any) -> bool:
    """:func:`has_torch_function` of several arguments, one by one."""
    return _core._has_torch_function(*args)


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Hand ``public_api(*args, **kwargs)`` over to the mode or the class that takes it.

    Args:
        public_api: what those that take over see as ``func``.
        relevant_args: the arguments that may be tensors.
        args: the arguments of the call.
        kwargs: its arguments by keyword.

    Returns:
        What the mode or the class returned.

    Raises:
        TypeError: if all of them return NotImplemented.

    Example:
        >>> def double(x):
        ...     if plait.overrides.has_torch_function((x,)):
        ...         return plait.overrides.handle_torch_function(double, (x,), x)
        ...     return x * 2
        >>> double(plait.ones(2))
        tensor([2., 2.])
    """
    return _core._call_taken_over(public_api, args, kwargs)


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: the function's arguments that ``dispatcher`` returns may take over its calls.

    Args:
        dispatcher: takes the arguments of the function, returns those that may be tensors.

    Example:
        >>> @plait.overrides.wrap_torch_function(lambda x: (x,))
        ... def double(x):
        ...     return x * 2
        >>> double(plait.ones(2))
        tensor([2., 2.])
    """

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if _core._has_torch_function(*dispatcher(*args, **kwargs)):
                return _core._call_taken_over(wrapped, args, kwargs)
            return func(*args, **kwargs)

        return wrapped

    return decorate


class TorchFunctionMode:
    """A context in which ``__torch_function__`` of this object sees every call, whatever its arguments.

    It runs outside the mode, so it may make calls itself.

    Example:
        >>> class Names(plait.overrides.TorchFunctionMode):
        ...     def __torch_function__(self, func, types, args=(), kwargs=None):
        ...         print(func.__name__)
        ...         return func(*args, **(kwargs or {}))
        >>> with Names():
        ...     x = plait.ones(2).exp()
        ones
        exp
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise NotImplementedError("TorchFunctionMode: a subclass must define __torch_function__")

    def __enter__(self) -> Self:
        _core._push_torch_function_mode(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _core._pop_torch_function_mode()

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> Self:
        """An object of the class, for ``with``."""
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing.

    Example:
        >>> with plait.overrides.BaseTorchFunctionMode():
        ...     plait.ones(2)
        tensor([1., 1.])
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


class _Off:
    level = 1

    def __enter__(self) -> None:
        self._before = _core._turn_off_torch_function(0)
        _core._turn_off_torch_function(max(self.level, self._before))

    def __exit__(self, *_: object) -> None:
        _core._turn_off_torch_function(self._before)


class DisableTorchFunctionSubclass(_Off):
    """Within it classes take over nothing; modes still do."""


class DisableTorchFunction(_Off):
    """Within it neither classes nor modes take over anything."""

    level = 2


@functools.cache
def get_default_nowrap_functions() -> set[Any]:
    """The functions whose results the default ``__torch_function__`` leaves as they are: ``grad`` and ``_base``."""
    return {Tensor._base.__get__, Tensor.grad.__get__}  # type: ignore[union-attr]


# Of Python's objects, not of tensors.
_OBJECT = {"__class__", "__doc__", "__dict__", "__module__", "__weakref__", "__torch_function__", *dir(object)} - {
    *(
        "__eq__",
        "__ne__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__hash__",
        "__repr__",
        "__format__",
        "__reduce_ex__",
    ),
}


def _tensor_attributes() -> list[tuple[str, Any]]:
    """The methods of Tensor and what reads and writes its attributes, with their names."""
    found: list[tuple[str, Any]] = []
    for name in dir(Tensor):
        value = None if name in _OBJECT else getattr(Tensor, name, None)
        if isinstance(value, property | type(Tensor.shape)):
            found += [(f"{name}.{access}", getattr(value, access)) for access in ("__get__", "__set__")]
        elif callable(value) and not isinstance(value, type):
            found.append((name, value))
    return found


def _places() -> dict[Any, list[tuple[str, Any]]]:
    from . import fft, linalg, special
    from .nn import functional

    found: dict[Any, list[tuple[str, Any]]] = {}
    for place in (sys.modules[__package__], functional, linalg, fft, special):
        values = [(name, getattr(place, name, None)) for name in place.__all__]
        found[place] = [(n, v) for n, v in values if callable(v) and not isinstance(v, type)]
    found[Tensor] = _tensor_attributes()
    return found


@functools.cache
def get_overridable_functions() -> dict[Any, list[Any]]:
    """What can be taken over, by the module or class where it is found.

    Example:
        >>> plait.exp in plait.overrides.get_overridable_functions()[plait]
        True
    """
    return {place: [v for _, v in values] for place, values in _places().items()}


@functools.cache
def _names() -> dict[Any, str]:
    names: dict[Any, str] = {}
    for place, values in _places().items():
        start = "plait.Tensor" if place is Tensor else place.__name__
        for name, value in values:
            names.setdefault(value, f"{start}.{name}")
    return names


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether ``func`` is a method of Tensor or the getter of one of its attributes.

    Args:
        func: what ``__torch_function__`` was given.

    Example:
        >>> plait.overrides.is_tensor_method_or_property(plait.Tensor.exp)
        True
    """
    return func in _methods() or getattr(func, "__name__", "") == "__get__"


@functools.cache
def _methods() -> set[Any]:
    return set(get_overridable_functions()[Tensor])


def resolve_name(f: Callable[..., Any]) -> str | None:
    """The name of a function that can be taken over, such as ``"plait.exp"``; None for another.

    Args:
        f: what ``__torch_function__`` was given.

    Example:
        >>> plait.overrides.resolve_name(plait.exp), plait.overrides.resolve_name(plait.Tensor.shape.__get__)
        ('plait.exp', 'plait.Tensor.shape.__get__')
    """
    return _names().get(f)


@contextlib.contextmanager
def enable_reentrant_dispatch() -> Iterator[None]:
    """A context for calls within ``__torch_function__`` that classes take over again.

    Example:
        >>> with plait.overrides.enable_reentrant_dispatch():
        ...     plait.ones(1)
        tensor([1.])
    """
    before = _core._turn_off_torch_function(0)
    try:
        yield
    finally:
        _core._turn_off_torch_function(before)
