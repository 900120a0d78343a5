# SPDX-License-Identifier: MIT
"""Streams of ``random`` and ``numpy.random`` for single threads.

Both modules have one stream for the whole process. A worker thread is to have its own, as a worker process
has: it may seed it without touching that of the main program, and its numbers depend on its seed alone. The
functions of the modules therefore ask which thread calls; threads without a stream go on with that of the
process. They are replaced when the first worker thread starts.
"""

from __future__ import annotations

import functools
import random
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["seed_process", "seed_thread"]

_local = threading.local()


def _numpy_seed(seed: int) -> list[int]:
    """Words that seed NumPy's generator; near seeds give streams that have nothing in common."""
    return np.random.SeedSequence(seed).generate_state(4).tolist()


def seed_process(seed: int) -> None:
    """Seed the streams of this process from ``seed``."""
    random.seed(seed)
    np.random.seed(_numpy_seed(seed))


def seed_thread(seed: int) -> None:
    """Give the calling thread streams of its own."""
    _replace_functions()
    _local.random = random.Random(seed)
    _local.numpy = np.random.RandomState(_numpy_seed(seed))


class _Dispatching(random.Random):
    """The type of ``random``'s own object: each method draws from the stream of its thread."""

    __slots__ = ()

    def random(self) -> float:
        stream = getattr(_local, "random", None)
        return super().random() if stream is None else stream.random()

    def getrandbits(self, k: int, /) -> int:
        stream = getattr(_local, "random", None)
        return super().getrandbits(k) if stream is None else stream.getrandbits(k)

    def seed(self, *args: Any, **kwargs: Any) -> None:
        stream = getattr(_local, "random", None)
        seed = super().seed if stream is None else stream.seed
        seed(*args, **kwargs)

    def getstate(self) -> Any:
        stream = getattr(_local, "random", None)
        return super().getstate() if stream is None else stream.getstate()

    def setstate(self, state: Any) -> None:
        stream = getattr(_local, "random", None)
        setstate = super().setstate if stream is None else stream.setstate
        setstate(state)

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:  # which keeps a number for the next call
        stream = getattr(_local, "random", None)
        return super().gauss(mu, sigma) if stream is None else stream.gauss(mu, sigma)


class _DispatchingState(np.random.RandomState):
    """Stands for NumPy's own object where code asks for it (``numpy.random.mtrand._rand``)."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return super().__getattribute__(name)
        return getattr(getattr(_local, "numpy", None) or _numpy_stream, name)


def _function_of_thread(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        stream = getattr(_local, "numpy", None)
        return original(*args, **kwargs) if stream is None else getattr(stream, name)(*args, **kwargs)

    call.__module__, call.__qualname__ = "numpy.random", call.__name__  # so that it can be pickled
    return call


def _replace_in(module: ModuleType, stream: Any, replacement: Callable[[str, Any], Any]) -> None:
    """Replace the functions of ``module`` that are methods of ``stream``."""
    for name, value in list(vars(module).items()):
        if getattr(value, "__self__", None) is stream:
            setattr(module, name, replacement(getattr(value, "__name__", name), value))


_lock = threading.Lock()
_replaced = False
_numpy_stream: Any = None


def _replace_functions() -> None:
    global _replaced, _numpy_stream
    with _lock:
        if _replaced:
            return
        mtrand: Any = np.random.mtrand
        _numpy_stream = mtrand._rand
        for module in (np.random, mtrand):
            _replace_in(module, _numpy_stream, _function_of_thread)
        for name in ("seed", "ranf", "sample"):  # written as functions in NumPy
            for module in (np.random, mtrand):
                method = "random_sample" if name != "seed" else name
                setattr(module, name, _function_of_thread(method, getattr(module, name)))
        mtrand._rand = _DispatchingState(0)
        instance = random._inst  # type: ignore[attr-defined]
        instance.__class__ = _Dispatching
        _replace_in(random, instance, lambda name, value: getattr(instance, name))
        _replaced = True
