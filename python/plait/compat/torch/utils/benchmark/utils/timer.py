# SPDX-License-Identifier: MIT
"""Timer: runs a statement many times and measures."""

from __future__ import annotations

import enum
import textwrap
import timeit
from collections.abc import Callable
from typing import Any, NoReturn

import torch

from .common import Measurement, TaskSpec, set_torch_threads

__all__ = ["Language", "Timer", "timer"]

timer = timeit.default_timer


class Language(enum.Enum):
    """What a statement is written in; statements in C++ are not timed."""

    PYTHON = 0
    CPP = 1


class Timer:
    """Times a statement, as :class:`timeit.Timer` does, with one thread unless another number is asked for.

    Args:
        stmt: the statement, a string of Python.
        setup: what runs once before each measurement.
        global_setup: for statements in C++ alone.
        timer: a function that gives the time in seconds.
        globals: the names that the statement sees; ``torch`` is one of them.
        label, sub_label, description, env: for tables, see :class:`Compare`.
        num_threads: threads of ops during the measurement.
        language: Python, in one of its spellings.

    Raises:
        NotImplementedError: a statement in C++.
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Language | str = Language.PYTHON,
    ) -> None:
        if str(getattr(language, "name", language)).lower() not in ("python", "py"):
            raise NotImplementedError("Timer: expected a statement in Python; plait has no headers to compile C++ with")
        if not isinstance(stmt, str):
            raise ValueError("Timer: expected stmt to be a string")
        if global_setup:
            raise ValueError(f"Timer: expected no global_setup for Python, got {global_setup!r}")
        names = dict(globals or {})
        names.setdefault("torch", torch)
        stmt, setup = textwrap.dedent(stmt).strip(), textwrap.dedent(setup).strip()
        self._globals = names
        self._timer = timeit.Timer(stmt=stmt, setup=setup, timer=timer, globals=names)
        self._task_spec = TaskSpec(stmt, setup, "", label, sub_label, description, env, num_threads)

    def _time(self, number: int) -> float:
        return max(self._timer.timeit(number), 1e-9)

    def timeit(self, number: int = 1000000) -> Measurement:
        """The time of ``number`` runs."""
        with set_torch_threads(self._task_spec.num_threads):
            self._time(max(number // 100, 2))  # see _block_size()
            return Measurement(number, [self._time(number)], self._task_spec)

    def repeat(self, repeat: int = -1, number: int = -1) -> NoReturn:
        """Not there: see :meth:`blocked_autorange`."""
        raise NotImplementedError("Timer.repeat: see Timer.blocked_autorange")

    def autorange(self, callback: Callable[[int, float], Any] | None = None) -> NoReturn:
        """Not there: see :meth:`blocked_autorange`."""
        raise NotImplementedError("Timer.autorange: see Timer.blocked_autorange")

    def _block_size(self, min_run_time: float) -> int:
        """Runs per measurement, so many that reading the clock does not count."""
        self._time(1)  # what the first run alone pays for
        overhead = sorted(self._timer.timeit(0) for _ in range(5))[2]
        number = 1
        while True:
            spent = self._time(number)
            relative_overhead = overhead / spent
            if relative_overhead <= 1e-4 and spent >= min_run_time / 1000:
                return number
            if spent > min_run_time:
                return number
            number *= 10

    def _measure(
        self, number: int, enough: Callable[[list[float], float], bool], callback: Any, most: float
    ) -> Measurement:
        times: list[float] = []
        total = 0.0
        while not (times and (total >= most or enough(times, total))):
            times.append(self._time(number))
            total += times[-1]
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, self._task_spec)

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Measurements of equal blocks of runs until ``min_run_time`` seconds are spent."""
        with set_torch_threads(self._task_spec.num_threads):
            number = self._block_size(min_run_time)
            return self._measure(number, lambda times, total: total >= min_run_time, callback, float("inf"))

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Measurements until the interquartile range is below ``threshold`` of the median, or ``max_run_time``."""

        def enough(times: list[float], total: float) -> bool:
            m = Measurement(1, times, self._task_spec)
            return total >= min_run_time and len(times) >= 4 and m.iqr <= threshold * m.median

        with set_torch_threads(self._task_spec.num_threads):
            return self._measure(self._block_size(0.05), enough, callback, max_run_time)
