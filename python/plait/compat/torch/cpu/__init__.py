# SPDX-License-Identifier: MIT
"""The CPU as a device among others, for programs that do not ask which one they run on."""

from __future__ import annotations

import contextlib
from typing import Any

from torch.cpu import amp as amp

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "current_device",
    "current_stream",
    "device_count",
    "is_available",
    "is_initialized",
    "set_device",
    "stream",
    "synchronize",
]


class Stream:
    """The one order in which the CPU works: work is done when its call returns."""

    def __init__(self, priority: int = -1) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        """Do nothing."""

    def record_event(self) -> None:
        """Do nothing."""

    def wait_event(self, event: Any) -> None:
        """Do nothing."""


class Event:
    """A mark in that order, which is reached when it is set."""

    def query(self) -> bool:
        """True."""
        return True

    def record(self, stream: Any = None) -> None:
        """Do nothing."""

    def synchronize(self) -> None:
        """Do nothing."""

    def wait(self, stream: Any = None) -> None:
        """Do nothing."""


StreamContext = contextlib.nullcontext
_stream = Stream()


def stream(stream: Any) -> contextlib.AbstractContextManager[Any]:
    """A context without an effect."""
    return contextlib.nullcontext(stream)


def current_stream(device: Any = None) -> Stream:
    """The one there is."""
    return _stream


def current_device() -> str:
    """``"cpu"``."""
    return "cpu"


def set_device(device: Any) -> None:
    """Do nothing: there is one."""


def device_count() -> int:
    """1."""
    return 1


def is_available() -> bool:
    """True."""
    return True


def is_initialized() -> bool:
    """True."""
    return True


def synchronize(device: Any = None) -> None:
    """Do nothing: all work is done when a call returns."""
