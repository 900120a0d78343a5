# SPDX-License-Identifier: MIT
"""The profiler: it sees every call of an op through the mode for ``__torch_function__``."""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from .. import _core
from ..overrides import TorchFunctionMode
from ._events import EventList, Recorder, recording

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerActivity(enum.Enum):
    """What a profile watches. There is the CPU alone; the others can be named.

    Example:
        >>> from plait.profiler import ProfilerActivity
        >>> ProfilerActivity.CPU.name
        'CPU'
    """

    CPU = 0
    XPU = 1
    CUDA = 2


class ProfilerAction(enum.Enum):
    """What a profile does in a step.

    Example:
        >>> from plait.profiler import ProfilerAction
        >>> ProfilerAction.RECORD.value
        2
    """

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """The CPU.

    Example:
        >>> from plait.profiler import supported_activities
        >>> supported_activities()
        {<ProfilerActivity.CPU: 0>}
    """
    return {ProfilerActivity.CPU}


class _Watch(TorchFunctionMode):
    def __init__(self, recorder: Recorder, record_shapes: bool) -> None:
        self._recorder, self._shapes = recorder, record_shapes

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in ("__get__", "__set__", ""):  # attributes are no ops
            return func(*args, **(kwargs or {}))
        shapes = tuple(tuple(a.shape) for a in args if isinstance(a, _core.Tensor)) if self._shapes else ()
        event = self._recorder.begin(name, shapes)
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self._recorder.end(event)


class profile:
    """Note every call of an op, with its time, while the context is open.

    Calls are seen where Python makes them: ``backward`` is one call. Noting a call takes about as long as a small op,
    so that the times of many small ops are too long by that.

    Args:
        activities: accepted; the CPU is watched.
        schedule: which steps are recorded, see :func:`schedule`; all of them by default.
        on_trace_ready: called with the profile when a recorded series of steps ends.
        record_shapes: whether to note the shapes of tensors. Default: ``False``.
        options: accepted for existing programs.

    Example:
        >>> import plait
        >>> from plait.profiler import profile
        >>> with profile(record_shapes=True) as p:
        ...     _ = plait.ones(2, 3) @ plait.ones(3, 4)
        >>> [(event.name, event.input_shapes) for event in p.events()][-1]
        ('matmul', ((2, 3), (3, 4)))
        >>> text = p.key_averages().table(sort_by="cpu_time_total")
        >>> "matmul" in text
        True
    """

    def __init__(
        self,
        activities: Iterable[ProfilerActivity] | bool | None = None,
        *,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        **options: Any,
    ) -> None:
        self._schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self._on_trace_ready = on_trace_ready
        self._record_shapes = record_shapes
        self._running: ExitStack | None = None
        self._recorder = Recorder()
        self.step_num = 0

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Begin; the context does that by itself."""
        self.step_num = 0
        self._go(self._schedule(0))

    def stop(self) -> None:
        """End; the context does that by itself."""
        recorded = self._running is not None
        self._pause()
        if recorded and self._on_trace_ready:
            self._on_trace_ready(self)

    def step(self) -> None:
        """Say that a step of the program has ended."""
        last = self._schedule(self.step_num)
        self.step_num += 1
        if last is ProfilerAction.RECORD_AND_SAVE:
            self.stop()
        self._go(self._schedule(self.step_num))

    def _go(self, action: ProfilerAction) -> None:
        wanted = action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if wanted and self._running is None:
            self._recorder = Recorder()
            self._running = ExitStack()
            self._running.enter_context(recording(self._recorder))
            self._running.enter_context(_Watch(self._recorder, self._record_shapes))
        elif not wanted:
            self._pause()

    def _pause(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None

    def events(self) -> EventList:
        """The calls of the last recorded series of steps, in order."""
        return self._recorder.events

    def key_averages(self, group_by_input_shape: bool = False, **options: Any) -> EventList:
        """Their sums by name.

        Args:
            group_by_input_shape: whether calls with other shapes have a row of their own. Default: ``False``.
            options: accepted for existing programs.

        Returns:
            The sums; ``table()`` shows them.

        Example:
            >>> import plait
            >>> with plait.profiler.profile() as p:
            ...     _ = plait.ones(2) + 1
            >>> [(total.key, total.count) for total in p.key_averages()]
            [('ones', 1), ('add', 1)]
        """
        return self.events().key_averages(group_by_input_shape)

    def table(self, **options: Any) -> str:
        """The table of the sums.

        Args:
            options: those of :meth:`EventList.table`.

        Returns:
            The text.

        Example:
            >>> import plait
            >>> with plait.profiler.profile() as p:
            ...     _ = plait.ones(2) + 1
            >>> "add" in p.table()
            True
        """
        return self.key_averages().table(**options)

    def export_chrome_trace(self, path: str) -> None:
        """Write the calls as a file for Chrome's trace viewer or Perfetto.

        Args:
            path: of the file.

        Example:
            >>> import plait
            >>> with plait.profiler.profile() as p:
            ...     _ = plait.ones(2) + 1
            >>> p.export_chrome_trace("trace.json")  # doctest: +SKIP
        """
        self.events().export_chrome_trace(path)


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Which steps are recorded: after ``skip_first``, in cycles of waiting, warming up and recording.

    Args:
        wait: steps at the start of a cycle that are not recorded.
        warmup: steps before the recorded ones, not recorded either.
        active: recorded steps of a cycle.
        repeat: the number of cycles; 0 for no end.
        skip_first: steps before the first cycle.
        skip_first_wait: 1 to leave out the first cycle's ``wait``.

    Returns:
        A function of the number of a step.

    Raises:
        ValueError: if a number is negative, or nothing is recorded.

    Example:
        >>> from plait.profiler import schedule
        >>> [schedule(wait=1, warmup=1, active=1)(step).name for step in range(3)]
        ['NONE', 'WARMUP', 'RECORD_AND_SAVE']
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active < 1:
        raise ValueError(
            f"schedule: expected numbers of at least 0 and active of at least 1, got wait={wait}, warmup={warmup}, "
            f"active={active}, repeat={repeat}, skip_first={skip_first}"
        )
    cycle = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        step -= skip_first - (wait if skip_first_wait else 0)
        if step < (wait if skip_first_wait else 0) or (repeat and step >= repeat * cycle):
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """For ``on_trace_ready``: write each series of steps as a file into a folder.

    Args:
        dir_name: the folder; it is made if it is not there.
        worker_name: the start of the files' names. Default: the number of the process.
        use_gzip: accepted; files are not compressed.

    Returns:
        A function of the profile.

    Example:
        >>> from plait.profiler import profile, tensorboard_trace_handler
        >>> p = profile(on_trace_ready=tensorboard_trace_handler("traces"))  # doctest: +SKIP
    """

    def write(p: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        name = f"{worker_name or os.getpid()}.{time.time_ns()}.pt.trace.json"
        p.export_chrome_trace(os.path.join(dir_name, name))

    return write
