# SPDX-License-Identifier: MIT
"""What a profile holds: calls with their times, and sums of them by name."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["EventAverage", "EventList", "FunctionEvent", "Recorder", "format_time", "record_function"]


def format_time(us: float) -> str:
    """A time in microseconds with the unit that reads best.

    Args:
        us: the time.

    Example:
        >>> from plait.profiler._events import format_time
        >>> format_time(1500.0)
        '1.500ms'
    """
    if us >= 1e6:
        return f"{us / 1e6:.3f}s"
    return f"{us / 1e3:.3f}ms" if us >= 1e3 else f"{us:.3f}us"


@dataclass
class FunctionEvent:
    """One call: its name, thread, start and end in microseconds since the profile began, and the calls within it.

    Args:
        name: of the op or the range.
        thread: the number of the thread.
        start: in microseconds.
        end: in microseconds.
        input_shapes: the shapes of the tensors it was given, if they are recorded.
        children: the calls within it.

    Example:
        >>> from plait.profiler import FunctionEvent
        >>> FunctionEvent("add", 1, 2.0, 5.0).cpu_time_total
        3.0
    """

    name: str
    thread: int
    start: float
    end: float = 0.0
    input_shapes: tuple[Any, ...] = ()
    children: list[FunctionEvent] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The name."""
        return self.name

    @property
    def cpu_time_total(self) -> float:
        """The microseconds from start to end."""
        return self.end - self.start

    @property
    def self_cpu_time_total(self) -> float:
        """The microseconds outside of the calls within it."""
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.children)

    cpu_time = cpu_time_total


@dataclass
class EventAverage:
    """All calls of one name."""

    key: str
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0
    input_shapes: tuple[Any, ...] = ()

    @property
    def cpu_time(self) -> float:
        """The microseconds of one call, on average."""
        return self.cpu_time_total / self.count if self.count else 0.0

    device_time_total = cuda_time_total = self_device_time_total = 0.0


class EventList(list[Any]):
    """Calls, or sums of calls by name.

    Args:
        iterable: the calls, or the sums. Default: none.

    Example:
        >>> from plait.profiler import EventList, FunctionEvent
        >>> events = EventList([FunctionEvent("add", 1, 0.0, 2.0), FunctionEvent("add", 1, 3.0, 4.0)])
        >>> [(a.key, a.count, a.cpu_time_total) for a in events.key_averages()]
        [('add', 2, 3.0)]
    """

    def key_averages(self, group_by_input_shape: bool = False) -> EventList:
        """The sums of calls of one name, and with ``group_by_input_shape`` of one name and shapes."""
        sums: dict[Any, EventAverage] = {}
        for event in self:
            shapes = event.input_shapes if group_by_input_shape else ()
            total = sums.setdefault((event.name, shapes), EventAverage(event.name, input_shapes=shapes))
            total.count += 1
            total.cpu_time_total += event.cpu_time_total
            total.self_cpu_time_total += event.self_cpu_time_total
        return EventList(sums.values())

    @property
    def self_cpu_time_total(self) -> float:
        """The microseconds of all calls, each counted once."""
        return float(sum(event.self_cpu_time_total for event in self))

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_name_column_width: int = 55,
        header: str | None = None,
        **options: Any,
    ) -> str:
        """The sums as text, one row for each name.

        Args:
            sort_by: ``'cpu_time_total'``, ``'self_cpu_time_total'``, ``'cpu_time'`` or ``'count'``, largest first;
                in order of appearance by default.
            row_limit: the number of rows.
            max_name_column_width: longer names are cut.
            header: a line above.
            options: accepted for existing programs.

        Raises:
            ValueError: if there is no such column.
        """
        rows = list(self if not self or isinstance(self[0], EventAverage) else self.key_averages())
        if sort_by is not None:
            key = sort_by.replace("cuda", "cpu").replace("device", "cpu")
            if key not in ("cpu_time_total", "self_cpu_time_total", "cpu_time", "count"):
                raise ValueError(f"table: expected sort_by to be a column such as 'cpu_time_total', got {sort_by!r}")
            rows.sort(key=lambda row: getattr(row, key), reverse=True)
        total = sum(row.self_cpu_time_total for row in rows)
        share = lambda us: f"{100 * us / total:.2f}%" if total else "0.00%"  # noqa: E731
        cells = [("Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls")]
        for row in rows[:row_limit] if row_limit > 0 else rows:
            name = row.key if len(row.key) <= max_name_column_width else row.key[: max_name_column_width - 3] + "..."
            times = (row.self_cpu_time_total, row.cpu_time_total)
            cells.append(
                (name, share(times[0]), format_time(times[0]), share(times[1]), format_time(times[1]))
                + (format_time(row.cpu_time), str(row.count))
            )
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        rule = "  ".join("-" * width for width in widths)
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in cells]
        above = [header, rule] if header else [rule]
        return "\n".join([*above, lines[0], rule, *lines[1:], rule, f"Self CPU time total: {format_time(total)}", ""])

    def export_chrome_trace(self, path: str) -> None:
        """Write the calls as a file for Chrome's trace viewer or Perfetto.

        Args:
            path: of the file.
        """
        process = os.getpid()
        events = [
            {"name": e.name, "ph": "X", "cat": "cpu_op", "ts": e.start, "dur": e.cpu_time_total, "pid": process}
            | {"tid": e.thread, "args": {"Input Dims": [list(s) for s in e.input_shapes]} if e.input_shapes else {}}
            for e in self
        ]
        temporary = f"{path}.{process}.tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"displayTimeUnit": "ms", "traceEvents": events}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)


class Recorder:
    """Notes the calls of a profile, of all threads."""

    def __init__(self) -> None:
        self.events = EventList()
        self._origin = time.perf_counter_ns()
        self._stacks = threading.local()

    def begin(self, name: str, shapes: tuple[Any, ...] = ()) -> FunctionEvent:
        """A call that starts now."""
        stack = self._stacks.__dict__.setdefault("open", [])
        event = FunctionEvent(name, threading.get_native_id(), self._now(), input_shapes=shapes)
        if stack:
            stack[-1].children.append(event)
        stack.append(event)
        self.events.append(event)
        return event

    def end(self, event: FunctionEvent) -> None:
        """The call ends now."""
        event.end = self._now()
        stack = self._stacks.open
        while stack and stack.pop() is not event:
            pass

    def _now(self) -> float:
        return (time.perf_counter_ns() - self._origin) / 1e3


active: list[Recorder] = []  # the recorders of the profiles that run, the innermost last


class record_function(contextlib.ContextDecorator):
    """Name a range of the program, as a context or a decorator; a profile that runs has it as a call.

    Args:
        name: of the range.
        args: accepted for existing programs.

    Example:
        >>> import plait
        >>> from plait.profiler import profile, record_function
        >>> with profile() as p, record_function("step"):
        ...     _ = plait.ones(3) + 1
        >>> [event.name for event in p.events()]
        ['step', 'ones', 'add']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self._open: list[tuple[Recorder, FunctionEvent]] = []

    def __enter__(self) -> record_function:
        if active:
            self._open.append((active[-1], active[-1].begin(self.name)))
        return self

    def __exit__(self, *error: Any) -> None:
        if self._open:
            recorder, event = self._open.pop()
            recorder.end(event)

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return func(*args, **kwargs)

        return named


@contextlib.contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Send ranges to the recorder for a while."""
    active.append(recorder)
    try:
        yield
    finally:
        active.remove(recorder)
