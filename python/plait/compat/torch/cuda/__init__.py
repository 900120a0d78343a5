# SPDX-License-Identifier: MIT
"""``plait.cuda`` with the classes that packages name. There is no CUDA here: no object of them can be made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from plait.compat._modules import extend
from plait.compat._names import Event as Event
from plait.compat._names import Stream as Stream


class _OfCuda:
    def __init__(self, *args: Any, **options: Any) -> None:
        raise RuntimeError(
            f"cuda.{type(self).__name__}: expected a CUDA device, got none; plait computes on the CPU\n"
            "hint: ask torch.cuda.is_available() first"
        )


# The queues of devices have one class for all kinds of devices.
class CUDAGraph(_OfCuda):
    """A recorded series of kernels."""


class graph(_OfCuda):
    """A context that records one."""


class OutOfMemoryError(RuntimeError):
    """What a device raises when its memory ends."""


class _Context:
    """A context for a device that is not there; without an effect for None and for negative numbers."""

    def __init__(self, device: Any = None) -> None:
        if device is not None and not (isinstance(device, int) and device < 0):
            raise RuntimeError(f"cuda.device: expected a CUDA device, got {device!r}; plait computes on the CPU")

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        pass


class device(_Context):
    """See :class:`_Context`."""


class StreamContext(_Context):
    """The context of a queue; without an effect for None."""


@contextlib.contextmanager
def stream(stream: Any) -> Iterator[None]:
    """The context of a queue; without an effect for None."""
    with StreamContext(stream):
        yield


def _no_device(name: str) -> RuntimeError:
    return RuntimeError(f"cuda.{name}: there is no CUDA device; plait computes on the CPU")


def current_stream(device: Any = None) -> Any:
    """Raise RuntimeError."""
    raise _no_device("current_stream")


def default_stream(device: Any = None) -> Any:
    """Raise RuntimeError."""
    raise _no_device("default_stream")


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Raise RuntimeError."""
    raise _no_device("mem_get_info")


def get_arch_list() -> list[str]:
    """An empty list."""
    return []


def is_current_stream_capturing() -> bool:
    """False."""
    return False


def memory_stats(device: Any = None) -> dict[str, Any]:
    """An empty dictionary."""
    return {}


def reset_max_memory_allocated(device: Any = None) -> None:
    """Do nothing."""


def get_rng_state(device: Any = "cuda") -> Any:
    """Raise RuntimeError."""
    raise _no_device("get_rng_state")


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Raise RuntimeError."""
    raise _no_device("set_rng_state")


extend(globals(), "plait.cuda")
