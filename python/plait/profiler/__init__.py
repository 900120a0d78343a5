# SPDX-License-Identifier: MIT
"""Where the time of a program goes: calls of ops and of named ranges, as a table or a Chrome trace."""

from __future__ import annotations

from ._events import EventList, FunctionEvent, record_function
from ._profile import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)

__all__ = [
    "EventList",
    "FunctionEvent",
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]
