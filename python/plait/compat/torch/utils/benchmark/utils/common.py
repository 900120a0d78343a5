# SPDX-License-Identifier: MIT
"""What was timed, and the times."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import shutil
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import torch

__all__ = [
    "Measurement",
    "TaskSpec",
    "ordered_unique",
    "select_unit",
    "set_torch_threads",
    "trim_sigfig",
    "unit_to_english",
]

_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_ENGLISH = {"ns": "nanosecond", "us": "microsecond", "ms": "millisecond", "s": "second"}
_FEWEST = 4  # times below which quartiles say nothing
_SPREAD = 0.1  # of the interquartile range to the median, above which a reader is warned


@dataclasses.dataclass(init=True, repr=False, eq=True, frozen=True)
class TaskSpec:
    """The statement with its setup, and the labels of its row and column in a table."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, or else the statement."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        if "\n" not in self.stmt:
            return self.stmt
        return "stmt:" + ("\n" + textwrap.indent(self.stmt, "  "))

    def setup_str(self) -> str:
        """The setup as it is shown."""
        if not self.setup or self.setup == "pass":
            return ""
        return f"setup:\n{textwrap.indent(self.setup, '  ')}" if "\n" in self.setup else f"setup: {self.setup}"

    def summarize(self) -> str:
        """Title, description and setup."""
        parts = [self.title, self.description or "", self.setup_str()]
        return "\n".join(part for part in parts if part)


def _quantile(times: list[float], q: float) -> float:
    """``times`` is sorted."""
    place = q * (len(times) - 1)
    low = math.floor(place)
    high = min(low + 1, len(times) - 1)
    return times[low] + (times[high] - times[low]) * (place - low)


@dataclasses.dataclass(init=True, repr=False)
class Measurement:
    """The times of one statement: each of ``raw_times`` is that of ``number_per_run`` runs, in seconds."""

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    @property
    def times(self) -> list[float]:
        """Seconds per run."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def _sorted(self) -> list[float]:
        if not self.raw_times:
            raise ValueError("Measurement: expected at least one time")
        return sorted(self.times)

    @property
    def median(self) -> float:
        """Of the times, in seconds."""
        return _quantile(self._sorted, 0.5)

    @property
    def mean(self) -> float:
        """Of the times, in seconds."""
        return sum(self._sorted) / len(self.raw_times)

    @property
    def iqr(self) -> float:
        """Distance of the quartiles, in seconds."""
        times = self._sorted
        return _quantile(times, 0.75) - _quantile(times, 0.25)

    @property
    def significant_figures(self) -> int:
        """Digits of the median that the spread leaves meaningful, 1 to 5."""
        if len(self.raw_times) < 2:
            return 5
        half_width = 1.645 * 1.3 * max(self.iqr, 1e-12) / math.sqrt(len(self.raw_times)) / 1.349
        return int(min(max(math.floor(math.log10(max(self.median, 1e-12) / half_width)) + 1, 1), 5))

    @property
    def has_warnings(self) -> bool:
        """Whether the times spread so widely that a difference may mean nothing."""
        return len(self.raw_times) >= _FEWEST and self.iqr > _SPREAD * self.median

    @property
    def title(self) -> str:
        """Of the task."""
        return self.task_spec.title

    @property
    def env(self) -> str:
        """Of the task."""
        return self.task_spec.env or ""

    @property
    def as_row_name(self) -> str:
        """Name of the row in a table."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    def __getattr__(self, name: str) -> Any:
        if name in {"stmt", "setup", "label", "sub_label", "description", "num_threads"}:
            return getattr(self.task_spec, name)
        raise AttributeError(f"'Measurement' object has no attribute {name!r}")

    @property
    def repr_without_address(self) -> str:
        """The text below the first line of repr()."""
        unit, scale = select_unit(self.median)
        lines = [self.task_spec.summarize()]
        count = len(self.raw_times)
        if count >= _FEWEST:
            times = self._sorted
            low, high = _quantile(times, 0.25), _quantile(times, 0.75)
            lines.append(f"  Median: {self.median / scale:.2f} {unit}")
            lines.append(f"  IQR:    {self.iqr / scale:.2f} {unit} ({low / scale:.2f} to {high / scale:.2f})")
        else:
            lines.append(f"  {self.median / scale:.2f} {unit}")
        runs = "runs per measurement" if count > 1 else "runs"
        threads = f"{self.task_spec.num_threads} thread" + ("s" if self.task_spec.num_threads > 1 else "")
        lines.append(f"  {count} measurement{'s' if count > 1 else ''}, {self.number_per_run} {runs}, {threads}")
        if self.has_warnings:
            share = self.iqr / self.median * 100
            lines.append(
                f"  WARNING: the interquartile range is {share:.1f}% of the median; differences may mean nothing."
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        kind = f"{type(self).__module__}.{type(self).__qualname__}"
        return f"<{kind} object at {hex(id(self))}>\n{self.repr_without_address}"

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """One measurement per task: the times of all that were taken with equal tasks and numbers of runs."""
        groups: dict[Any, list[Measurement]] = {}
        for m in measurements:
            groups.setdefault((m.task_spec, m.number_per_run), []).append(m)
        return [
            Measurement(number, [t for m in group for t in m.raw_times], task, None)
            for (task, number), group in groups.items()
        ]


def select_unit(t: float) -> tuple[str, float]:
    """The unit for a time in seconds, and its length in seconds."""
    for unit in ("s", "ms", "us"):
        if t >= _UNITS[unit]:
            return unit, _UNITS[unit]
    return "ns", _UNITS["ns"]


def unit_to_english(u: str) -> str:
    """The unit in a word."""
    return _ENGLISH[u]


def trim_sigfig(x: float, n: int) -> float:
    """Round to ``n`` significant figures."""
    if x == 0 or not math.isfinite(x):
        return x
    scale = 10.0 ** (math.floor(math.log10(abs(x))) + 1 - n)
    return round(x / scale) * scale


def ordered_unique(elements: Iterable[Any]) -> list[Any]:
    """Without repetitions, in the order of the first."""
    return list(dict.fromkeys(elements))


@contextlib.contextmanager
def set_torch_threads(n: int) -> Iterator[None]:
    """Compute with ``n`` threads inside."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(n)
        yield
    finally:
        torch.set_num_threads(before)


def _make_temp_dir(prefix: str | None = None, gc_dev_shm: bool = False) -> str:
    return tempfile.mkdtemp(prefix=prefix)


_remove_temp_dir = shutil.rmtree
