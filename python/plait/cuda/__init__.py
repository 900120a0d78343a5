# SPDX-License-Identifier: MIT
"""What device-agnostic programs ask before they fall back to the CPU. There is no CUDA here.

``is_available()`` is False and ``device_count()`` 0; calls that would wait, seed or clean do nothing; calls
that need a device raise RuntimeError.
"""

from __future__ import annotations

from typing import Any

from . import amp

__all__ = [
    "amp",
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state_all",
    "init",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_rng_state_all",
    "synchronize",
]


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def _no_device(name: str) -> RuntimeError:
    return RuntimeError(
        f"cuda.{name}: expected a CUDA device, got none; plait computes on the CPU\n"
        "hint: ask plait.cuda.is_available() first"
    )


def init() -> None:
    """Raise RuntimeError."""
    raise _no_device("init")


def current_device() -> int:
    """Raise RuntimeError."""
    raise _no_device("current_device")


def set_device(device: Any) -> None:
    """Raise RuntimeError."""
    raise _no_device("set_device")


def get_device_name(device: Any = None) -> str:
    """Raise RuntimeError."""
    raise _no_device("get_device_name")


def get_device_properties(device: Any = None) -> Any:
    """Raise RuntimeError."""
    raise _no_device("get_device_properties")


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Raise RuntimeError."""
    raise _no_device("get_device_capability")


def synchronize(device: Any = None) -> None:
    """Do nothing: all work is done when a call returns."""


def empty_cache() -> None:
    """Do nothing; :func:`plait.empty_cache` is the CPU's."""


def ipc_collect() -> None:
    """Do nothing."""


def manual_seed(seed: int) -> None:
    """Do nothing; :func:`plait.manual_seed` seeds the CPU."""


def manual_seed_all(seed: int) -> None:
    """Do nothing."""


def seed() -> None:
    """Do nothing."""


def seed_all() -> None:
    """Do nothing."""


def get_rng_state_all() -> list[Any]:
    """An empty list: one state for each of no devices."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Do nothing."""


def memory_allocated(device: Any = None) -> int:
    """0; see :func:`plait.memory_stats`."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """0."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """0."""
    return 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Do nothing; see :func:`plait.reset_peak_memory_stats`."""
