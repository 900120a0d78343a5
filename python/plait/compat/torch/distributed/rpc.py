# SPDX-License-Identifier: MIT
"""Calls between processes: there is one process."""

from __future__ import annotations

from typing import Any

__all__ = ["init_rpc", "is_available", "shutdown"]


def is_available() -> bool:
    """False."""
    return False


def init_rpc(name: str, *args: Any, **options: Any) -> None:
    """Raise RuntimeError."""
    raise RuntimeError("distributed.rpc.init_rpc: plait runs in one process\nhint: torch.distributed.is_available()")


def shutdown(graceful: bool = True, timeout: float = 0) -> None:
    """Do nothing: nothing was started."""
