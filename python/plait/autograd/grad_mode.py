# SPDX-License-Identifier: MIT
"""Switching the recording of the graph on and off, as context managers and decorators."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from .. import _core

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]

F = TypeVar("F", bound=Callable[..., Any])


class _GradMode:
    """A context manager that also decorates functions and generators."""

    def clone(self) -> _GradMode:
        return type(self)()

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(self, *_: object) -> None:
        raise NotImplementedError

    def __call__(self, func: F) -> F:
        if inspect.isgeneratorfunction(func):
            return self._wrap_generator(func)  # type: ignore[return-value]

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return func(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    def _wrap_generator(self, func: Callable[..., Any]) -> Callable[..., Any]:
        # The mode holds while the generator's own code runs, not while its consumer does.
        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                generator = func(*args, **kwargs)
                try:
                    item = next(generator)
                except StopIteration as stop:
                    return stop.value
            while True:
                try:
                    sent = yield item
                except GeneratorExit:
                    with self.clone():
                        generator.close()
                    raise
                except BaseException as error:
                    with self.clone():
                        try:
                            item = generator.throw(error)
                        except StopIteration as stop:
                            return stop.value
                else:
                    with self.clone():
                        try:
                            item = generator.send(sent)
                        except StopIteration as stop:
                            return stop.value

        return wrapper


class no_grad(_GradMode):
    """Ops inside are not recorded: their results do not require grad.

    A context manager and a decorator.

    Args:
        func: a function to decorate: ``@no_grad`` without parentheses.

    Example:
        >>> x = plait.ones(2, requires_grad=True)
        >>> with plait.no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    def __new__(cls, func: Any = None) -> Any:
        self = super().__new__(cls)
        return self if func is None else self(func)  # @no_grad without parentheses

    def __enter__(self) -> None:
        self._previous = _core.is_grad_enabled()
        _core._set_grad_enabled(False)

    def __exit__(self, *_: object) -> None:
        _core._set_grad_enabled(self._previous)


class enable_grad(_GradMode):
    """Ops inside are recorded, also within ``no_grad``. A context manager and a decorator.

    Args:
        func: a function to decorate: ``@enable_grad`` without parentheses.

    Example:
        >>> import plait
        >>> x = plait.ones(2, requires_grad=True)
        >>> with plait.no_grad(), plait.enable_grad():
        ...     y = x * 2
        >>> y.requires_grad
        True
    """

    def __new__(cls, func: Any = None) -> Any:
        self = super().__new__(cls)
        return self if func is None else self(func)

    def __enter__(self) -> None:
        self._previous = _core.is_grad_enabled()
        _core._set_grad_enabled(True)

    def __exit__(self, *_: object) -> None:
        _core._set_grad_enabled(self._previous)


class set_grad_enabled(_GradMode):
    """Switch recording on or off at once; as a context manager, until its end.

    Args:
        mode: True to record.

    Example:
        >>> with plait.set_grad_enabled(False):
        ...     plait.is_grad_enabled()
        False
    """

    def __init__(self, mode: bool) -> None:
        self._previous = _core.is_grad_enabled()
        self._mode = bool(mode)
        _core._set_grad_enabled(self._mode)

    def clone(self) -> set_grad_enabled:
        """A new context manager of the same mode."""
        return set_grad_enabled(self._mode)

    def __enter__(self) -> None:
        _core._set_grad_enabled(self._mode)

    def __exit__(self, *_: object) -> None:
        _core._set_grad_enabled(self._previous)

    def __call__(self, func: F) -> F:
        _core._set_grad_enabled(self._previous)
        return super().__call__(func)


class inference_mode(_GradMode):
    """Like ``no_grad``; the tensors made inside can never take part in autograd.

    Outside, such a tensor and its views can be read, and used in ops that do not keep it for a backward pass.
    Everything else raises RuntimeError: keeping it for a backward pass, changing it in place, making it require
    grad. ``clone()`` outside gives a normal tensor. A context manager and a decorator.

    Args:
        mode: False is the opposite: normal tensors and recording, also within another ``inference_mode``.

    Example:
        >>> import plait
        >>> with plait.inference_mode():
        ...     x = plait.ones(2)
        >>> x.is_inference(), x.clone().is_inference()
        (True, False)
    """

    def __new__(cls, mode: Any = True) -> Any:
        self = super().__new__(cls)
        if isinstance(mode, bool):
            return self
        self.__init__(True)  # type: ignore[misc]  # @inference_mode without parentheses
        return self(mode)

    def __init__(self, mode: bool = True) -> None:
        self._mode = mode

    def clone(self) -> inference_mode:
        """A new context manager of the same mode."""
        return type(self)(self._mode)

    def __enter__(self) -> None:
        self._previous = (_core.is_grad_enabled(), _core.is_inference_mode_enabled())
        _core._set_inference_mode(self._mode)

    def __exit__(self, *_: object) -> None:
        grad, inference = self._previous
        _core._set_inference_mode(inference)
        _core._set_grad_enabled(grad)
