# SPDX-License-Identifier: MIT
"""Results that come later."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")


class Future(Generic[T]):
    """A value that another thread will set.

    Args:
        devices: accepted; there is the CPU alone.
    """

    def __init__(self, *, devices: Any = None) -> None:
        self._future: concurrent.futures.Future[T] = concurrent.futures.Future()

    def done(self) -> bool:
        """Whether the value, or an exception, is there."""
        return self._future.done()

    def wait(self) -> T:
        """The value, when it is there; raises the exception that was set instead."""
        return self._future.result()

    value = wait

    def set_result(self, result: T) -> None:
        """Set the value.

        Raises:
            RuntimeError: if it was set before.
        """
        if self.done():
            raise RuntimeError("Future.set_result: the result is already set")
        self._future.set_result(result)

    def set_exception(self, result: BaseException) -> None:
        """Set the exception that :meth:`wait` raises."""
        self._future.set_exception(result)

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Call ``callback(self)`` when the value is there, at once if it is."""
        self._future.add_done_callback(lambda _: callback(self))

    def then(self, callback: Callable[[Future[T]], Any]) -> Future[Any]:
        """A future with the result of ``callback(self)``."""
        chained: Future[Any] = Future()

        def call(_: Any) -> None:
            try:
                chained.set_result(callback(self))
            except Exception as error:
                chained.set_exception(error)

        self._future.add_done_callback(call)
        return chained


def collect_all(futures: Sequence[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future with the list, when all are done."""
    result: Future[list[Future[Any]]] = Future()
    futures = list(futures)
    waiting = len(futures)
    if not futures:
        result.set_result([])

    def count(_: Any) -> None:
        nonlocal waiting
        waiting -= 1
        if waiting == 0:
            result.set_result(list(futures))

    for future in futures:
        future.add_done_callback(count)
    return result


def wait_all(futures: Sequence[Future[Any]]) -> list[Any]:
    """The values, when all are there."""
    return [future.wait() for future in futures]
