# SPDX-License-Identifier: MIT
"""The questions that programs for one or many processes ask. There is one process: no group can be made."""

from __future__ import annotations

from typing import Any

from . import device_mesh as device_mesh

__all__ = [
    "ProcessGroup",
    "ReduceOp",
    "Work",
    "get_backend",
    "get_rank",
    "get_world_size",
    "group",
    "init_process_group",
    "is_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
]


class ProcessGroup:
    """There is no object of this class."""


class Work:
    """There is no object of this class."""


class ReduceOp:
    """How values of several processes are combined."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR = range(8)


class group:
    """The group of all processes: none."""

    WORLD: Any = None


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_nccl_available() -> bool:
    """False."""
    return False


def is_gloo_available() -> bool:
    """False."""
    return False


def is_mpi_available() -> bool:
    """False."""
    return False


def is_torchelastic_launched() -> bool:
    """False."""
    return False


def _no_group(name: str) -> RuntimeError:
    return RuntimeError(
        f"distributed.{name}: plait runs in one process, there is no group of processes\n"
        "hint: ask torch.distributed.is_available() first"
    )


def init_process_group(*args: Any, **options: Any) -> None:
    """Raise RuntimeError."""
    raise _no_group("init_process_group")


def get_backend(group: Any = None) -> str:
    """Raise RuntimeError."""
    raise _no_group("get_backend")


def get_rank(group: Any = None) -> int:
    """Raise RuntimeError."""
    raise _no_group("get_rank")


def get_world_size(group: Any = None) -> int:
    """Raise RuntimeError."""
    raise _no_group("get_world_size")
