# SPDX-License-Identifier: MIT
"""The older names of :mod:`plait.profiler`."""

from __future__ import annotations

from typing import Any

from plait import profiler as _profiler
from plait.profiler import EventList, FunctionEvent, record_function
from plait.profiler._events import format_time

__all__ = ["EventList", "FunctionEvent", "emit_nvtx", "format_time", "profile", "record_function"]


class profile(_profiler.profile):
    """A profile that can be turned off, and that answers as its list of calls does."""

    def __init__(self, enabled: bool = True, *, record_shapes: bool = False, **options: Any) -> None:
        super().__init__(record_shapes=record_shapes)
        self.enabled = enabled

    def __enter__(self) -> profile:
        if self.enabled:
            self.start()
        return self

    def __str__(self) -> str:
        return "<unfinished profile>" if self._running is not None else self.table()

    @property
    def function_events(self) -> EventList:
        """The calls."""
        return self.events()

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all calls."""
        return self.events().self_cpu_time_total


class emit_nvtx:
    """Marks for NVIDIA's profilers; without an effect."""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        pass

    def __enter__(self) -> emit_nvtx:
        return self

    def __exit__(self, *error: Any) -> None:
        pass
